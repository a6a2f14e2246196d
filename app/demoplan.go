package app

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/jp"
)

type demoSurvey struct {
	Title       string
	Named       bool
	Departments []string
	Answers     map[string]struct {
		By   string
		Give map[string]string
	}
}

type demoRisk struct {
	Likelihood, Impact int
	Treatment          plan.Treatment
	Action, Owner, Due string
}

type demoAudit struct {
	Day, Auditor, Scope, Result string
	Poor                        map[string]string
	Unseen                      []string
	Sample                      struct {
		Population string
		N, Poor    int
		Note       string
	}
	Remarks []struct{ Text, Weight, Action, Owner, Due string }
}

type demoBudget struct {
	Yen    map[string][3]int64
	State  map[string]string
	Effect map[string]string
	Lines  []struct {
		ID, What, Effect, State string
		Yen                     [3]int64
		Closes                  []string
	}
}

// fiscal is the fiscal year of the story's clock.
func (y *years) fiscal() int { return jp.FiscalYear(y.Now().In(demoZoneJST())) }

// survey asks departments by link; some have answered.
func (y *years) survey(ctx context.Context, c demoChapter) error {
	w := c.Survey
	if w == nil {
		return nil
	}
	var departments []inquiry.Department
	for _, d := range w.Departments {
		departments = append(departments, inquiry.Department{Name: d})
	}
	_, letters, err := y.Inquiries.StartSurvey(ctx, y.facility, inquiry.Poll{Catalogue: "survey-departments", Title: w.Title, Named: w.Named, Due: y.now.AddDate(0, 0, 10)}, departments)
	if err != nil {
		return err
	}
	for _, l := range letters {
		said, ok := w.Answers[l.Name]
		if !ok {
			continue
		}
		link := l.Links[0]
		_, items, err := y.Inquiries.Items(ctx, link.Inquiry)
		if err != nil {
			return err
		}
		fill := inquiry.Filling{By: said.By, Answers: map[string]inquiry.Answer{}}
		for _, i := range items {
			if text, ok := said.Give[i.ID]; ok {
				fill.Answers[i.ID] = demoAnswer(i, text)
			}
		}
		token := path.Base(link.Address)
		sheet, err := y.Inquiries.Begin(ctx, token)
		if err != nil {
			return err
		}
		if _, err := y.Inquiries.Save(ctx, token, inquiry.Saving{Sheet: sheet, Submit: true, Filling: fill}); err != nil {
			return err
		}
	}
	return nil
}

// demoAnswer reads an answer: words, a number, or the number of a choice.
func demoAnswer(i catalogue.Item, text string) inquiry.Answer {
	if i.Answer.Kind != catalogue.Many {
		return inquiry.Answer{Value: text}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return inquiry.Answer{}
	}
	return inquiry.Answer{Many: []int{n}}
}

// risks are judged, and signed by the director.
func (y *years) risks(ctx context.Context, c demoChapter) error {
	if len(c.Risks) == 0 {
		return nil
	}
	s, err := y.Plans.Begin(ctx, y.facility, plan.Risk, y.fiscal())
	if err != nil {
		return err
	}
	for i := range s.Risks.Rows {
		r := &s.Risks.Rows[i]
		w, ok := c.Risks[r.ID]
		if !ok { // a threat that this story does not know yet
			w = demoRisk{Likelihood: r.Likelihood, Impact: r.Impact, Treatment: plan.Accept, Action: "今年は受け入れ、次の評価で見直す"}
		}
		r.Likelihood, r.Impact, r.Treatment, r.Action, r.Owner, r.Due, r.Judged = w.Likelihood, w.Impact, w.Treatment, w.Action, w.Owner, y.day(w.Due), true
	}
	if s, err = y.Plans.Save(ctx, y.facility, s); err != nil {
		return err
	}
	_, err = y.Plans.Sign(y.director(ctx), y.facility, plan.Risk, s.ID, s.Revision, "バックアップを最初に")
	return err
}

// audit is planned, looked at with a drawn sample, and reported.
func (y *years) audit(ctx context.Context, c demoChapter) error {
	w := c.Audit
	if w == nil {
		return nil
	}
	s, err := y.Plans.Begin(ctx, y.facility, plan.Audit, y.fiscal())
	if err != nil {
		return err
	}
	if s, err = y.Plans.Draw(ctx, y.facility, s.ID, s.Revision, w.Sample.Population, w.Sample.N); err != nil {
		return err
	}
	a := s.Audit
	a.Day, a.Auditor, a.Independent, a.Scope, a.Result, a.Reported = y.day(w.Day), w.Auditor, true, w.Scope, w.Result, y.Now().In(demoZoneJST()).Format(time.DateOnly)
	for i := range a.Items {
		x := &a.Items[i]
		x.Verdict = plan.Good
		if note, poor := w.Poor[x.ID]; poor {
			x.Verdict, x.Note = plan.Poor, note
		} else if slices.Contains(w.Unseen, x.ID) {
			x.Verdict = plan.NotSeen
		}
	}
	for i := range a.Samples[0].Drawn {
		d := &a.Samples[0].Drawn[i]
		if d.Verdict = plan.Good; i < w.Sample.Poor {
			d.Verdict, d.Note = plan.Poor, w.Sample.Note
		}
	}
	for i, r := range w.Remarks {
		a.Remarks = append(a.Remarks, plan.Remark{ID: "remark-" + strconv.Itoa(i+1), Text: r.Text, Weight: r.Weight, Action: r.Action, Owner: r.Owner, Due: y.day(r.Due)})
	}
	if s, err = y.Plans.Save(ctx, y.facility, s); err != nil {
		return err
	}
	_, err = y.Plans.Sign(y.director(ctx), y.facility, plan.Audit, s.ID, s.Revision, "")
	return err
}

// budget is what the risks cost, and what was wanted beside them, over three years.
func (y *years) budget(ctx context.Context, c demoChapter) error {
	w := c.Budget
	if w == nil {
		return nil
	}
	s, err := y.Plans.Begin(ctx, y.facility, plan.Budget, y.fiscal())
	if err != nil {
		return err
	}
	m := s.Budget
	for _, id := range slices.Sorted(maps.Keys(w.Yen)) {
		n := slices.IndexFunc(m.Lines, func(l plan.Line) bool { return l.ID == id })
		if n < 0 {
			return missing("予算の行", id)
		}
		m.Lines[n].Yen, m.Lines[n].Effect = w.Yen[id], w.Effect[id]
		if w.State[id] != "" {
			m.Lines[n].State = w.State[id]
		}
	}
	closable, err := y.Plans.Closable(ctx, y.facility)
	if err != nil {
		return err
	}
	for _, l := range w.Lines {
		line := plan.Line{ID: l.ID, What: l.What, Effect: l.Effect, State: l.State, Yen: l.Yen}
		for _, r := range closable {
			if slices.Contains(l.Closes, r.ID) {
				line.Closes = append(line.Closes, r)
			}
		}
		m.Lines = append(m.Lines, line)
	}
	if s, err = y.Plans.Save(ctx, y.facility, s); err != nil {
		return err
	}
	_, err = y.Plans.Sign(y.director(ctx), y.facility, plan.Budget, s.ID, s.Revision, "二要素は来年度に")
	return err
}
