package api

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
)

// ReferenceTable is a list of facts or rules of thumb that stands beside the questions.
type ReferenceTable struct {
	ID      string    `json:"id" enum:"figures,patterns,configs,checks,fees"`
	Title   i18n.Text `json:"title"`
	Shipped bool      `json:"shipped" doc:"The product's own version is in force."`
	SHA256  string    `json:"sha256"`
	Name    string    `json:"name,omitempty" doc:"Of the file that was loaded."`
	At      time.Time `json:"at,omitzero"`
	By      string    `json:"by,omitempty"`
	YAML    string    `json:"yaml,omitempty" doc:"The file; missing in lists."`
}

var tableColumns = []col[ReferenceTable]{
	{"id", func(v *ReferenceTable) any { return v.ID }}, {"title", func(v *ReferenceTable) any { return v.Title.Ja }}, {"shipped", func(v *ReferenceTable) any { return v.Shipped }},
	{"sha256", func(v *ReferenceTable) any { return v.SHA256 }}, {"name", func(v *ReferenceTable) any { return v.Name }}, {"at", func(v *ReferenceTable) any { return when(v.At) }}, {"by", func(v *ReferenceTable) any { return v.By }},
}

func viewTable(f catalogue.TableFile) ReferenceTable {
	out := ReferenceTable{ID: string(f.ID), Title: f.ID.Label(), Shipped: f.Shipped, SHA256: f.SHA256}
	if !f.Shipped {
		out.Name, out.At, out.By = f.Name, f.At, f.ByName
	}
	return out
}

// mayLoad refuses to change what all facilities of a house use but to the support body.
func (s *server) mayLoad(ctx context.Context) error {
	all, err := s.Account.Facilities(ctx)
	if err != nil {
		return err
	}
	if len(all) > 1 && actor.From(ctx).Role != actor.Desk {
		return fault.New(fault.Denied, "この表はすべての施設で使うので、変えられるのは支援団体の担当者だけです。", "These tables are used by all facilities: only the support body may change them.")
	}
	return nil
}

func (s *server) listTables(ctx context.Context, _ facility.ID, _ *Whole) (Page[ReferenceTable], error) {
	all, err := s.Editions.TableFiles(ctx)
	items := []ReferenceTable{}
	for _, f := range all {
		items = append(items, viewTable(f))
	}
	return Page[ReferenceTable]{Items: items}, err
}

func noTable() error {
	return fault.New(fault.NotFound, "この表はありません。", "There is no such table.")
}

func (s *server) getTable(ctx context.Context, _ facility.ID, in *ByID) (ReferenceTable, error) {
	all, err := s.Editions.TableFiles(ctx)
	if err != nil {
		return ReferenceTable{}, err
	}
	n := slices.IndexFunc(all, func(f catalogue.TableFile) bool { return string(f.ID) == in.ID })
	if n < 0 {
		return ReferenceTable{}, noTable()
	}
	out := viewTable(all[n])
	out.YAML = string(all[n].Raw)
	return out, nil
}

type setTable struct {
	ByID
	Body struct {
		Name string `json:"name,omitempty" maxLength:"200"`
		YAML string `json:"yaml" maxLength:"524288" doc:"Empty: the product's own again."`
	}
}

func (s *server) setTable(ctx context.Context, f facility.ID, in *setTable) (ReferenceTable, error) {
	if !slices.Contains(catalogue.TableIDs(), catalogue.TableID(in.ID)) {
		return ReferenceTable{}, noTable()
	}
	if err := s.mayLoad(ctx); err != nil {
		return ReferenceTable{}, err
	}
	var file io.Reader
	if in.Body.YAML != "" {
		file = strings.NewReader(in.Body.YAML)
	}
	var kept catalogue.TableFile
	err := s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		kept, err = s.Editions.LoadTable(ctx, catalogue.TableID(in.ID), in.Body.Name, file)
		return deed("catalogue.table", "catalogue", in.ID, "数字と目安の表を読み込みました", "Loaded a table of figures", map[string]any{"sha256": kept.SHA256}), err
	})
	return viewTable(kept), err
}
