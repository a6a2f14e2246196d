package web

import (
	"kenshin/assess"
	"kenshin/catalogue"
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
	q := v.r.URL.Query()
	advice, err := v.s.Assess.Advice(v.ctx, v.facility, place.Beds, max(view.Standing.Evidenced, view.Standing.Claimed), catalogue.Reply(q.Get("staff")), catalogue.Reply(q.Get("cloud")))
	if err != nil {
		return err
	}
	view.Class, view.Staff, view.Cloud, view.Pattern, view.Configs = advice.Class, advice.Staff, advice.Cloud, advice.Pattern, advice.Configs
	v.show(page.LevelPage(v.shell(), view))
	return nil
}

// savePattern keeps the answers to the two questions about the reference pattern.
func (v *visit) savePattern() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if err := v.s.Assess.SavePattern(v.ctx, v.facility, catalogue.Reply(f.Get("staff")), catalogue.Reply(f.Get("cloud"))); err != nil {
		return err
	}
	v.redirect(page.PathLevel + "#pattern")
	return nil
}

// yardstick puts the published figures beside the hospital's own answers.
func (v *visit) yardstick() error {
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
	if view.Rows, err = v.s.Assess.Yardstick(v.ctx, v.facility, &form, view.Class); err != nil {
		return err
	}
	v.show(page.YardstickPage(v.shell(), view))
	return nil
}
