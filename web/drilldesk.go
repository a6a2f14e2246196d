package web

import (
	"cmp"
	"context"
	"slices"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/web/page"
)

// mine are the facilities in which the visitor holds a permission now, each with who the visitor is there. Rights are looked up one by one: to be
// somebody in one facility says nothing about another.
func (v *visit) mine(p actor.Permission) (out []account.Facility, who []actor.Actor, err error) {
	list, err := v.s.Account.Memberships(v.ctx, v.session.Person.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range list {
		a, err := v.s.Account.Access(v.ctx, v.session.Subject(), m.Facility.ID)
		if fault.Is(err, fault.NotFound) { // ended just now
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if a.Role.May(p) {
			a.Address = v.actor.Address
			out, who = append(out, m.Facility), append(who, a)
		}
	}
	return out, who, nil
}

// drillDesk is the drills of every facility that the visitor looks after, on one page. Each is read alone, as whoever the visitor is there.
func (v *visit) drillDesk() error {
	var view page.DrillDeskView
	places, who, err := v.mine(actor.SeeDrill)
	if err != nil {
		return err
	}
	for i, f := range places {
		row, err := v.deskRow(actor.With(v.ctx, who[i]), f)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	v.show(page.DrillDeskPage(v.shell(), view))
	return nil
}

func (v *visit) deskRow(ctx context.Context, f account.Facility) (row page.DeskRow, err error) {
	row.ID, row.Name, row.Here = string(f.ID), f.Name, f.ID == v.facility
	year, err := v.s.Drills.FiscalYear(ctx, f.ID)
	if err != nil {
		return row, err
	}
	plans, err := v.s.Drills.Plans(ctx, f.ID, year)
	if err != nil {
		return row, err
	}
	for _, p := range plans {
		switch p.State {
		case drill.Done:
			row.Done++
		case drill.Overdue:
			row.Overdue++
		default:
			row.Planned++
		}
	}
	domains, err := v.s.Drills.Domains(ctx, f.ID)
	if err != nil {
		return row, err
	}
	for _, d := range domains {
		row.Verified = row.Verified || d.Until().After(v.s.Now())
	}
	return row, v.deskDrills(ctx, f.ID, &row)
}

// deskDrills adds what runs, what waits, and the newest result of each difficulty.
func (v *visit) deskDrills(ctx context.Context, f facility.ID, row *page.DeskRow) error {
	list, err := v.s.Drills.List(ctx, f)
	if err != nil {
		return err
	}
	sums, err := v.s.Drills.Totals(ctx, f, drill.Period{})
	if err != nil {
		return err
	}
	totals := map[string]drill.Totals{}
	for _, t := range sums.ByDrill {
		totals[t.Drill] = t
	}
	slices.SortFunc(list, func(a, b drill.Drill) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID)) })
	seen := map[string]bool{}
	for _, d := range list {
		switch d.State {
		case drill.Waiting:
			row.Waiting++
		case drill.Sending, drill.Paused, drill.Sent:
			row.Running = append(row.Running, d.Name)
		}
		if d.Mode != drill.Course && d.State == drill.Closed && !seen[d.Rating.Difficulty] {
			seen[d.Rating.Difficulty] = true
			row.Last = append(row.Last, page.DrillLine{DrillFigures: page.DrillFigures{Totals: totals[d.ID], Name: d.Name}, Mode: d.Mode, Difficulty: d.Rating.Difficulty, Started: d.Started})
		}
	}
	return nil
}

// copyPlaces are the other facilities in which the visitor may write drills.
func (v *visit) copyPlaces() (out []page.Option, err error) {
	places, _, err := v.mine(actor.EditDrill)
	for _, f := range places {
		if f.ID != v.facility {
			out = append(out, page.Option{Value: string(f.ID), Text: f.Name})
		}
	}
	return out, err
}

// drillCopyTo makes a draft of a drill in another facility, as whoever the visitor is there; nothing of recipients or results goes along.
func (v *visit) drillCopyTo() error {
	d, err := v.s.Drills.Template(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	places, who, err := v.mine(actor.EditDrill)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(places, func(p account.Facility) bool { return string(p.ID) == f.Get("facility") })
	if i < 0 {
		return fault.New(fault.Denied, "その施設には、訓練を作る権限がありません。", "You may not write drills in that facility.")
	}
	if _, err := v.s.Drills.Save(actor.With(v.ctx, who[i]), places[i].ID, d); err != nil {
		return err
	}
	v.said("「%s」に下書きを作りました。文中の病院名や内線は、その施設に合わせて直してください。", "A draft was made in %s. Adapt names and numbers in its text.", places[i].Name)
	v.redirect(page.DrillPath(v.r.PathValue("id"), ""))
	return nil
}
