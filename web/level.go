package web

import (
	"cmp"
	"slices"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/ledger"
	"kenshin/web/page"
)

// level shows the flowchart, the shortest way up, the reference pattern and what fits.
func (v *visit) level() error {
	a, all, err := v.gates()
	if err != nil {
		return err
	}
	c, set, err := v.checklist()
	if err != nil {
		return err
	}
	view := page.LevelView{Catalogue: a.Catalogue, Standing: assess.Levels(all, a.At), Gates: assess.Steps(all, a.At), Actions: assess.NextActions(all, c, 3, a.At), Closes: map[string]string{}}
	for _, i := range c.Items {
		view.Closes[i.ID] = i.Number + " " + i.Title.For(v.ctx)
	}
	for _, o := range set.All() {
		if o.Kind == catalogue.Beyond || o.Kind == catalogue.Move {
			view.Beyond = append(view.Beyond, o)
		}
	}
	place, err := v.place()
	if err != nil {
		return err
	}
	view.Class = catalogue.ClassOf(place.Beds)
	if err := v.pattern(&view); err != nil {
		return err
	}
	configs, err := catalogue.LoadConfigs()
	if err != nil {
		return err
	}
	pattern := ""
	if view.Pattern != nil {
		pattern = view.Pattern.ID
	}
	for _, o := range configs {
		if o.Fits(int(max(view.Standing.Evidenced, view.Standing.Claimed)), pattern, view.Class) {
			view.Configs = append(view.Configs, o)
		}
	}
	v.show(page.LevelPage(v.shell(), view))
	return nil
}

// pattern takes the two answers from the address; where the systems run is known from the ledger when every system says so.
func (v *visit) pattern(view *page.LevelView) error {
	q := v.r.URL.Query()
	view.Staff, view.Cloud = catalogue.Reply(q.Get("staff")), catalogue.Reply(q.Get("cloud"))
	if view.Cloud == "" {
		systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
		if err != nil {
			return err
		}
		on := func(h ledger.Hosting) bool {
			return len(systems) > 0 && !slices.ContainsFunc(systems, func(s ledger.System) bool { return s.Hosting != h })
		}
		switch {
		case on(ledger.Cloud):
			view.Cloud = catalogue.Yes
		case on(ledger.OnPremises):
			view.Cloud = catalogue.No
		}
	}
	patterns, err := catalogue.LoadPatterns()
	if err != nil {
		return err
	}
	if p, ok := assess.PatternOf(patterns, view.Staff, view.Cloud); ok {
		view.Pattern = &p
	}
	return nil
}

// yardstick puts the published figures beside the hospital's own answers.
func (v *visit) yardstick() error {
	figures, err := catalogue.LoadFigures()
	if err != nil {
		return err
	}
	c, _, err := v.checklist()
	if err != nil {
		return err
	}
	form, err := v.s.Assess.Assessment(v.ctx, v.facility, c.ID, "")
	if err != nil {
		return err
	}
	place, err := v.place()
	if err != nil {
		return err
	}
	view := page.YardstickView{Class: catalogue.ClassOf(place.Beds), Beds: place.Beds, Form: c.ID}
	for _, f := range figures.Figures {
		row := page.YardstickRow{Figure: f, Inquiry: figures.Inquiry(f)}
		row.Share, row.Of = f.Share(view.Class)
		for n := range form.Items {
			if f.Concept != "" && form.Items[n].Item.Concept == f.Concept {
				row.Own = &form.Items[n]
				break
			}
		}
		view.Rows = append(view.Rows, row)
	}
	slices.SortStableFunc(view.Rows, func(a, b page.YardstickRow) int { return cmp.Compare(b.Inquiry.Date, a.Inquiry.Date) })
	v.show(page.YardstickPage(v.shell(), view))
	return nil
}
