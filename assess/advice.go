package assess

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/store"
	"kenshin/trail"
)

// Advice is which reference pattern a facility is, and the configurations that fit it.
type Advice struct {
	Class   catalogue.BedClass
	Staff   catalogue.Reply // whether somebody there can look after systems
	Cloud   catalogue.Reply // whether the systems run outside; from the ledger where nobody says and every system agrees
	Pattern *catalogue.Pattern
	Configs []catalogue.Config
}

// SavePattern keeps the two answers that choose the reference pattern: yes, no or unanswered.
func (b *Book) SavePattern(ctx context.Context, f facility.ID, staff, cloud catalogue.Reply) error {
	for _, r := range []catalogue.Reply{staff, cloud} {
		if r != catalogue.Yes && r != catalogue.No && r != catalogue.Unanswered {
			return fault.New(fault.Invalid, "「はい」か「いいえ」を選んでください。", "Choose yes or no.")
		}
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO assess_pattern (facility_id, staff, cloud, changed_at, by_name) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (facility_id) DO UPDATE SET staff = excluded.staff, cloud = excluded.cloud, changed_at = excluded.changed_at, by_name = excluded.by_name`,
			string(staff), string(cloud), store.Micros(b.Now()), actor.From(ctx).Name)
		if err != nil {
			return err
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: b.Now(), Action: "assess.pattern", Subject: trail.Subject{Kind: "level", ID: "pattern"},
			Summary: i18n.Text{Ja: "参照パターンの2問に答えました", En: "Answered the two questions about the reference pattern"}, Detail: map[string]any{"staff": staff, "cloud": cloud}})
		return err
	})
}

// pattern returns the two answers that are kept.
func (b *Book) pattern(ctx context.Context, f facility.ID) (staff, cloud catalogue.Reply, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		err := tx.Row(ctx, "SELECT staff, cloud FROM assess_pattern WHERE facility_id = $1").Scan(&staff, &cloud)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return staff, cloud, err
}

// Advice finds the reference pattern by two answers, and what fits the level. Answers that are not given are those that were kept.
func (b *Book) Advice(ctx context.Context, f facility.ID, beds int, at Level, staff, cloud catalogue.Reply) (Advice, error) {
	keptStaff, keptCloud, err := b.pattern(ctx, f)
	if err != nil {
		return Advice{}, err
	}
	out := Advice{Class: catalogue.ClassOf(beds), Staff: cmp.Or(staff, keptStaff), Cloud: cmp.Or(cloud, keptCloud)}
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
	tables, err := b.Tables(ctx)
	if err != nil {
		return out, err
	}
	pattern := ""
	if p, ok := PatternOf(tables.Patterns, out.Staff, out.Cloud); ok {
		out.Pattern, pattern = &p, p.ID
	}
	for _, c := range tables.Configs {
		if c.Fits(int(at), pattern, out.Class) {
			out.Configs = append(out.Configs, c)
		}
	}
	return out, nil
}

// Yard is one published figure beside the facility's own answer.
type Yard struct {
	Figure  catalogue.Figure
	Inquiry catalogue.Inquiry
	Share   int       // percent
	Of      i18n.Text // whose share
	Own     *Item
	Kept    *Kept // for what no item asks
}

// Kept is what the registers say of a figure: how many rows of a register bear it out. Of 0 is nothing kept, so nothing known.
type Kept struct {
	Register string // kind
	N, Of    int
}

// kept counts the rows of a register that bear out a figure.
func (b *Book) kept(ctx context.Context, f facility.ID, what string) (*Kept, error) {
	var kind string
	var bears func(register.Row) (counts, yes bool)
	now := b.Now()
	switch what {
	case "officer-qualified":
		kind, bears = "officer", func(r register.Row) (bool, bool) {
			until := firstDay(r.Values["qualified_until"])
			return r.Values["role"] == "officer", r.Values["qualification"] != "" && r.Values["qualification"] != "none" && (until.IsZero() || until.After(now))
		}
	case "department-officers":
		kind, bears = "officer", func(r register.Row) (bool, bool) { return true, r.Values["role"] == "department" }
	case "alerts":
		kind, bears = "notices", func(r register.Row) (bool, bool) {
			return true, firstDay(r.Values["received"]).After(now.AddDate(-1, 0, 0))
		}
	case "contract-roles":
		kind, bears = "contracts", func(r register.Row) (bool, bool) { return true, r.Values["split"] == "written" }
	}
	if kind == "" || b.Registers == nil {
		return nil, nil
	}
	rows, err := b.Registers.Rows(ctx, f, kind)
	out := &Kept{Register: kind}
	for _, r := range rows {
		counts, yes := bears(r)
		if counts {
			out.Of++
		}
		if counts && yes {
			out.N++
		}
	}
	return out, err
}

// Yardstick lays the published figures of a bed class beside a form's answers, the newest survey first.
func (b *Book) Yardstick(ctx context.Context, facility facility.ID, form *Assessment, class catalogue.BedClass) ([]Yard, error) {
	tables, err := b.Tables(ctx)
	if err != nil {
		return nil, err
	}
	figures := tables.Figures
	var out []Yard
	for _, f := range figures.Figures {
		row := Yard{Figure: f, Inquiry: figures.Inquiry(f)}
		row.Share, row.Of = f.Share(class)
		if n := slices.IndexFunc(form.Items, func(i Item) bool { return f.Concept != "" && i.Item.Concept == f.Concept }); n >= 0 {
			row.Own = &form.Items[n]
		} else if row.Kept, err = b.kept(ctx, facility, f.Kept); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b Yard) int { return cmp.Compare(b.Inquiry.Date, a.Inquiry.Date) })
	return out, nil
}
