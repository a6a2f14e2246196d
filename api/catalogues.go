package api

import (
	"context"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
)

func (s *server) catalogueRoutes() []route {
	return []route{
		{"GET", "/catalogues", actor.SeeAssess, "list-catalogues", "List the catalogues of what is asked", "", list(s, s.listCatalogues, catalogueColumns...)},
		{"GET", "/catalogues/{id}", actor.SeeAssess, "get-catalogue", "One catalogue with its items, its versions and what changed since the edition before",
			"yaml is the file of the version in force, or of the one that version names.", one(s, s.getCatalogue)},
		{"POST", "/catalogues", actor.EditCatalogue, "add-catalogue", "Load an edition from a YAML file, or a corrected text of one",
			"Where the house serves several facilities only the support body may. check answers what is wrong, line by line, and changes nothing.", one(s, s.addCatalogue)},
		{"GET", "/tables", actor.SeeAssess, "list-tables", "Figures, patterns, costs, days of checks and fee conditions: which version is in force", "", list(s, s.listTables, tableColumns...)},
		{"GET", "/tables/{id}", actor.SeeAssess, "get-table", "One of them with its file", "", one(s, s.getTable)},
		{"PUT", "/tables/{id}", actor.EditCatalogue, "set-table", "Load a corrected file, or the product's own again", "An empty yaml puts the product's own in force. Where the house serves several facilities only the support body may.", one(s, s.setTable)},
	}
}

// Catalogue is one edition of one form.
type Catalogue struct {
	ID         string             `json:"id" example:"checklist-r7-facility"`
	Kind       catalogue.Kind     `json:"kind"`
	Form       catalogue.Form     `json:"form,omitempty"`
	Edition    string             `json:"edition" example:"R7"`
	FiscalYear int                `json:"fiscal_year" example:"2025"`
	Published  string             `json:"published"`
	Title      i18n.Text          `json:"title"`
	Standing   catalogue.Standing `json:"standing" enum:"official,confirm,own" doc:"confirm: the official text was not seen; own: Kenshin's own questions."`
	Source     string             `json:"source"`
	Items      int                `json:"items"`
	SHA256     string             `json:"sha256"`
}

var catalogueColumns = []col[Catalogue]{
	{"id", func(v *Catalogue) any { return v.ID }}, {"kind", func(v *Catalogue) any { return string(v.Kind) }}, {"form", func(v *Catalogue) any { return string(v.Form) }},
	{"edition", func(v *Catalogue) any { return v.Edition }}, {"published", func(v *Catalogue) any { return v.Published }}, {"title", func(v *Catalogue) any { return v.Title.Ja }},
	{"standing", func(v *Catalogue) any { return string(v.Standing) }}, {"source", func(v *Catalogue) any { return v.Source }},
	{"items", func(v *Catalogue) any { return v.Items }}, {"sha256", func(v *Catalogue) any { return v.SHA256 }},
}

func viewCatalogue(c *catalogue.Catalogue) Catalogue {
	return Catalogue{ID: c.ID, Kind: c.Kind, Form: c.Form, Edition: c.Edition, FiscalYear: c.FiscalYear, Published: c.Published, Title: c.Title,
		Standing: c.Standing(), Source: c.Source.Text, Items: len(c.Items), SHA256: c.SHA256}
}

// CatalogueItem is one question.
type CatalogueItem struct {
	ID       string             `json:"id"`
	Section  string             `json:"section"`
	Number   string             `json:"number,omitempty"`
	Title    i18n.Text          `json:"title"`
	Standing catalogue.Standing `json:"standing" enum:"official,confirm,own"`
	Source   string             `json:"source"`
	Change   catalogue.Change   `json:"change,omitempty" doc:"Since the edition before; missing where there is none."`
	From     []string           `json:"from,omitempty"`
	Checks   []string           `json:"checks,omitempty"`
}

// CatalogueVersion is one text that was loaded.
type CatalogueVersion struct {
	SHA256 string    `json:"sha256"`
	Name   string    `json:"name"`
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
}

// CatalogueWhole is a catalogue with everything.
type CatalogueWhole struct {
	Catalogue
	Questions []CatalogueItem    `json:"questions"`
	Dropped   []string           `json:"dropped,omitempty" doc:"Items of the edition before that are no longer asked."`
	Versions  []CatalogueVersion `json:"versions"`
	YAML      string             `json:"yaml"`
}

func (s *server) listCatalogues(ctx context.Context, _ facility.ID, _ *listWhole) (Page[Catalogue], error) {
	set, err := s.Editions.Set(ctx)
	if err != nil {
		return Page[Catalogue]{}, err
	}
	var out []Catalogue
	for _, c := range set.All() {
		out = append(out, viewCatalogue(&c))
	}
	return page(out, ""), nil
}

type getCatalogue struct {
	ByID
	Version string `query:"version" maxLength:"64" doc:"A sha256; the version in force when missing."`
}

func (s *server) getCatalogue(ctx context.Context, _ facility.ID, in *getCatalogue) (CatalogueWhole, error) {
	set, err := s.Editions.Set(ctx)
	if err != nil {
		return CatalogueWhole{}, err
	}
	c, ok := set.Find(in.ID)
	if !ok {
		return CatalogueWhole{}, fault.New(fault.NotFound, "この表はありません。", "There is no such catalogue.")
	}
	version := in.Version
	if version == "" {
		version = c.SHA256
	}
	f, err := s.Editions.File(ctx, c.ID, version)
	if err != nil {
		return CatalogueWhole{}, err
	}
	out := CatalogueWhole{Catalogue: viewCatalogue(&f.Catalogue), YAML: string(f.Raw()), Versions: []CatalogueVersion{}}
	out.questions(set, f.Catalogue)
	loaded, err := s.Editions.Loaded(ctx, c.ID)
	for _, l := range loaded {
		out.Versions = append(out.Versions, CatalogueVersion{l.SHA256, l.Name, l.Note, l.At, l.ByName})
	}
	return out, err
}

func (v *CatalogueWhole) questions(set catalogue.Set, c catalogue.Catalogue) {
	change := map[string]catalogue.Change{}
	if old, ok := set.Find(c.Previous); ok {
		for _, step := range catalogue.Compare(old, c) {
			if step.To == "" {
				v.Dropped = append(v.Dropped, step.From...)
			}
			change[step.To] = step.Change
		}
	}
	for _, i := range c.Items {
		v.Questions = append(v.Questions, CatalogueItem{i.ID, i.Section, i.Number, i.Title, i.Standing(), i.Source, change[i.ID], i.From, i.Checks})
	}
}

type addCatalogue struct {
	Body struct {
		Name  string `json:"name,omitempty" maxLength:"200" doc:"Of the file, for the list of versions."`
		YAML  string `json:"yaml" maxLength:"524288"`
		Check bool   `json:"check,omitempty" doc:"Only say what is wrong and what would change."`
	}
}

func (s *server) addCatalogue(ctx context.Context, f facility.ID, in *addCatalogue) (Catalogue, error) {
	if err := s.mayLoad(ctx); err != nil {
		return Catalogue{}, err
	}
	read, err := s.Editions.Read(ctx, in.Body.Name, strings.NewReader(in.Body.YAML))
	if err != nil {
		return Catalogue{}, err
	}
	out := viewCatalogue(&read.Catalogue)
	if in.Body.Check {
		return out, nil
	}
	return out, s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("catalogue.load", "catalogue", out.ID, "点検表の版を読み込みました", "Loaded a catalogue", map[string]any{"sha256": out.SHA256}), s.Editions.Keep(ctx, read)
	})
}
