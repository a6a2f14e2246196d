package page

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/catalogue"
	"kenshin/i18n"
)

// CatalogueRow is one catalogue in force, with how well its items are known.
type CatalogueRow struct {
	catalogue.Catalogue
	Official, Confirm, Own int
	At                     time.Time // when this version was loaded; zero: it came with the product
	By                     string
}

// RowOf counts the items of a catalogue by standing.
func RowOf(c catalogue.Catalogue) CatalogueRow {
	out := CatalogueRow{Catalogue: c}
	for _, i := range c.Items {
		switch i.Standing() {
		case catalogue.Confirmed:
			out.Official++
		case catalogue.Own:
			out.Own++
		case catalogue.ToConfirm:
			out.Confirm++
		}
	}
	return out
}

// CataloguesView lists the catalogues, and is where a file is loaded.
type CataloguesView struct {
	Rows         []CatalogueRow
	CanLoad      bool
	File         string              // that was just read
	Mistakes     []catalogue.Mistake // in it
	Error        string              // where it could not be read at all
	Checked      *CatalogueView      // it is in order, and was only checked
	Tables       []catalogue.TableFile
	CheckedTable catalogue.TableID // a table that is in order, and was only checked
	Refused      []string          // loaded catalogues that are not in force, each with why
}

// CataloguesPage is the list of catalogues. POST PathCatalogueLoad: file; ?do=check changes nothing.
func CataloguesPage(s Shell, v CataloguesView) templ.Component {
	return within(s, SectionCatalogues, i18n.Text{Ja: "点検表などの版", En: "Catalogues"}, catalogues(v))
}

// LineageRow is what became of one item since the edition before.
type LineageRow struct {
	Change   catalogue.Change
	From, To []catalogue.Item
	Wider    bool
}

// VersionRow is one version of a catalogue.
type VersionRow struct {
	SHA256, Name, Note, By string
	At                     time.Time // zero: it came with the product
	InForce                bool
}

// CatalogueView is one catalogue.
type CatalogueView struct {
	CatalogueRow
	Previous string // title of the edition before; "" when there is none
	Lineage  []LineageRow
	Versions []VersionRow
	CanEdit  bool
}

// CataloguePage shows one catalogue: its items, what changed since last year, who loaded which version.
func CataloguePage(s Shell, v CatalogueView) templ.Component {
	return within(s, SectionCatalogues, v.Title, catalogueOne(v))
}

// CatalogueItemForm corrects one item. POST CatalogueItemPath: ja, en, number, wording, numbering, source, seen.
type CatalogueItemForm struct {
	Catalogue catalogue.Catalogue
	Item      catalogue.Item
	Typed     catalogue.Amendment
	Seen      string // digest of the version that the form shows
	Mistakes  []catalogue.Mistake
	Error     string
}

// CatalogueItemPage corrects one item.
func CatalogueItemPage(s Shell, v CatalogueItemForm) templ.Component {
	return within(s, SectionCatalogues, i18n.Text{Ja: "文面を直す", En: "Correct the text"}, catalogueItem(v))
}

// ReadAmendment reads the form of CatalogueItemPage.
func ReadAmendment(v url.Values) catalogue.Amendment {
	g := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return catalogue.Amendment{Title: i18n.Text{Ja: g("ja"), En: g("en")}, Number: g("number"), Wording: catalogue.Confidence(g("wording")),
		Numbering: catalogue.Confidence(g("numbering")), Source: g("source")}
}

func confidences(ctx context.Context) []Option {
	out := []Option{{"", "—", ""}}
	for _, c := range []catalogue.Confidence{catalogue.Official, catalogue.Secondary, catalogue.Inferred, catalogue.Recalled} {
		text := c.Label().For(ctx)
		if c == catalogue.Official {
			text = t(ctx, "公式の文面を見て確かめた", "seen in the official text")
		}
		out = append(out, Option{string(c), text, ""})
	}
	return out
}

func standingMark(s catalogue.Standing) Mark {
	switch s {
	case catalogue.Confirmed:
		return MarkOK
	case catalogue.ToConfirm:
		return MarkWarn
	case catalogue.Own:
	}
	return MarkInfo
}

// standingText names also what carries no remark elsewhere.
func standingText(ctx context.Context, s catalogue.Standing) string {
	return first(s.Label().For(ctx), t(ctx, "公式", "official"))
}

func changeMark(c catalogue.Change) Mark {
	switch c {
	case catalogue.Added:
		return MarkInfo
	case catalogue.Dropped:
		return MarkQuiet
	case catalogue.Same:
		return MarkOK
	case catalogue.Reworded, catalogue.Split, catalogue.Merged:
	}
	return MarkWarn
}

// itemTitle is an item as lists show it: its official number, where it has one, and its wording.
func itemTitle(ctx context.Context, i catalogue.Item) string {
	return strings.TrimSpace(i.Number + " " + i.Title.For(ctx))
}

// sectionItems are the items of a section, in order.
func sectionItems(c catalogue.Catalogue, section string) []catalogue.Item {
	var out []catalogue.Item
	for _, i := range c.Items {
		if i.Section == section {
			out = append(out, i)
		}
	}
	return out
}

func (v CatalogueView) count(c catalogue.Change) int {
	n := 0
	for _, l := range v.Lineage {
		if l.Change == c {
			n++
		}
	}
	return n
}
