package page

import (
	"testing"

	"github.com/a-h/templ"

	"kenshin/catalogue"
	"kenshin/i18n"
)

func embeddedSet(t testing.TB) catalogue.Set {
	t.Helper()
	set, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func catalogueSamples(t testing.TB) []sample {
	set := embeddedSet(t)
	list := CataloguesView{Tables: []catalogue.TableFile{{ID: catalogue.FiguresTable, Shipped: true}, {ID: catalogue.ConfigsTable, Loaded: catalogue.Loaded{Name: "構成の目安.yaml", At: now, ByName: "支援 花子"}}}, CanLoad: true, File: "r8.yaml", Mistakes: []catalogue.Mistake{{File: "r8.yaml", Line: 42, Path: "items[3].from[0]", Why: i18n.Text{Ja: "系譜の元「r7.9.9」という質問はありません。", En: "lineage leads to “r7.9.9”, which does not exist"}}}}
	for _, c := range set.All() {
		list.Rows = append(list.Rows, RowOf(c))
	}
	c, _ := set.Find("checklist-r7-facility")
	old, _ := set.Find(c.Previous)
	one := CatalogueView{CatalogueRow: RowOf(c), Previous: old.Title.Ja, CanEdit: true,
		Versions: []VersionRow{{SHA256: c.SHA256, Name: "r7b.yaml", Note: "画面で「r7.1.1」を直した", By: "佐藤 恵", At: now, InForce: true}, {SHA256: old.SHA256, Name: c.ID + ".yaml"}}}
	for _, s := range catalogue.Compare(old, c) {
		row := LineageRow{Change: s.Change, Wider: s.Wider}
		for _, id := range s.From {
			i, _ := old.Item(id)
			row.From = append(row.From, i)
		}
		if i, ok := c.Item(s.To); ok {
			row.To = append(row.To, i)
		}
		one.Lineage = append(one.Lineage, row)
	}
	return []sample{
		{"catalogues", func(s Shell) templ.Component { return CataloguesPage(s, list) }},
		{"catalogue", func(s Shell) templ.Component { return CataloguePage(s, one) }},
		{"catalogue-item", func(s Shell) templ.Component {
			return CatalogueItemPage(s, CatalogueItemForm{Catalogue: c, Item: c.Items[2], Typed: c.Items[2].Amended(), Seen: c.SHA256})
		}},
	}
}
