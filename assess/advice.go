package assess

import (
	"cmp"
	"context"
	"slices"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/ledger"
)

// Advice is which reference pattern a facility is, and the configurations that fit it.
type Advice struct {
	Class   catalogue.BedClass
	Staff   catalogue.Reply // whether somebody there can look after systems
	Cloud   catalogue.Reply // whether the systems run outside; from the ledger where nobody says and every system agrees
	Pattern *catalogue.Pattern
	Configs []catalogue.Config
}

// Advice finds the reference pattern by two answers, and what fits the level.
func (b *Book) Advice(ctx context.Context, f facility.ID, beds int, at Level, staff, cloud catalogue.Reply) (Advice, error) {
	out := Advice{Class: catalogue.ClassOf(beds), Staff: staff, Cloud: cloud}
	if out.Cloud == "" {
		systems, err := b.Ledger.Systems(ctx, f)
		if err != nil {
			return out, err
		}
		on := func(h ledger.Hosting) bool {
			return len(systems) > 0 && !slices.ContainsFunc(systems, func(s ledger.System) bool { return s.Hosting != h })
		}
		switch {
		case on(ledger.Cloud):
			out.Cloud = catalogue.Yes
		case on(ledger.OnPremises):
			out.Cloud = catalogue.No
		}
	}
	patterns, err := catalogue.LoadPatterns()
	if err != nil {
		return out, err
	}
	pattern := ""
	if p, ok := PatternOf(patterns, out.Staff, out.Cloud); ok {
		out.Pattern, pattern = &p, p.ID
	}
	configs, err := catalogue.LoadConfigs()
	for _, c := range configs {
		if c.Fits(int(at), pattern, out.Class) {
			out.Configs = append(out.Configs, c)
		}
	}
	return out, err
}

// Yard is one published figure beside the facility's own answer.
type Yard struct {
	Figure  catalogue.Figure
	Inquiry catalogue.Inquiry
	Share   int       // percent
	Of      i18n.Text // whose share
	Own     *Item
}

// Yardstick lays the published figures of a bed class beside a form's answers, the newest survey first.
func Yardstick(form *Assessment, class catalogue.BedClass) ([]Yard, error) {
	figures, err := catalogue.LoadFigures()
	if err != nil {
		return nil, err
	}
	var out []Yard
	for _, f := range figures.Figures {
		row := Yard{Figure: f, Inquiry: figures.Inquiry(f)}
		row.Share, row.Of = f.Share(class)
		if n := slices.IndexFunc(form.Items, func(i Item) bool { return f.Concept != "" && i.Item.Concept == f.Concept }); n >= 0 {
			row.Own = &form.Items[n]
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b Yard) int { return cmp.Compare(b.Inquiry.Date, a.Inquiry.Date) })
	return out, nil
}
