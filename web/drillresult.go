package web

import (
	"net/http"
	"net/url"
	"time"

	"kenshin/drill"
	share "kenshin/drill/rate"
	"kenshin/jp"
	"kenshin/web/page"
)

func curveOf(x drill.Times) page.DrillCurve {
	c := page.DrillCurve{Reports: share.Curve(x.Reports), Falls: share.Curve(x.Falls), QR: share.Curve(x.QR), People: len(x.Reports)}
	for _, list := range [][]share.Time{x.Reports, x.Falls} {
		for _, t := range list {
			c.Watched = max(c.Watched, t.After)
		}
	}
	return c
}

// drillTotals is all drills of a period.
func (v *visit) drillTotals() error {
	view, period := v.period()
	if view.Error != "" {
		v.status(http.StatusUnprocessableEntity)
		v.show(page.DrillTotalsPage(v.shell(), view))
		return nil
	}
	s, err := v.s.Drills.Story(v.ctx, v.facility, period)
	if err != nil {
		return err
	}
	view.Sum, view.Detailed, view.Warning = sumOf(s.Sums), s.Detailed, s.Warning.For(v.ctx)
	view.Sum.Canary, view.Sum.Dirty, view.Sum.Curve = s.Canary, s.Unjudged, curveOf(s.Times)
	for _, l := range s.Drills {
		holds(&view.Sum, l.Drill)
		view.Drills = append(view.Drills, v.drillLine(l))
	}
	if typical, ok := share.OfThose(s.Firsts, 0.5); ok && shown(s.Sums.All) {
		view.Sum.First, view.Sum.Median = share.Span(typical).For(v.ctx), share.Median(s.Times.Reports).For(v.ctx)
		if len(s.Firsts) > 1 {
			view.Sum.Median = v.t("訓練 %d件の中央値。", "Median over %d drills. ", len(s.Firsts)) + view.Sum.Median
		}
	}
	v.show(page.DrillTotalsPage(v.shell(), view))
	return nil
}

// drillLine is one drill of a period in words.
func (v *visit) drillLine(l drill.Chapter) page.DrillLine {
	out := page.DrillLine{DrillFigures: page.DrillFigures{Totals: l.Totals, Name: l.Drill.Name, URL: page.DrillResultPath(l.Drill.ID, "results")}, Mode: l.Drill.Mode,
		Difficulty: l.Drill.Rating.Difficulty, Started: l.Drill.Started, Change: v.t("同じ難しさの前の訓練がありません", "no earlier drill of like difficulty")}
	if l.Reported {
		out.First = share.Span(l.First).For(v.ctx)
	}
	if l.Change != nil {
		out.Change = l.Change.Text().For(v.ctx)
	}
	return out
}

// period reads from and to; without either it is this fiscal year.
func (v *visit) period() (view page.DrillTotalsView, p drill.Period) {
	now, q := v.now(), v.r.URL.Query()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	year := time.Date(jp.FiscalYear(now), time.April, 1, 0, 0, 0, 0, now.Location())
	presets := []struct {
		text     string
		from, to string
	}{{v.t("今月", "This month"), month.Format(dateForm), month.AddDate(0, 1, -1).Format(dateForm)},
		{v.t("今年度", "This fiscal year"), year.Format(dateForm), year.AddDate(1, 0, -1).Format(dateForm)}, {v.t("すべて", "All"), "", ""}}
	p = drill.Period{From: presets[1].from, To: presets[1].to}
	if q.Has("from") || q.Has("to") {
		p.From, p.To = q.Get("from"), q.Get("to")
		view.Error = v.badPeriod(p)
	}
	view.From, view.To = p.From, p.To
	for _, x := range presets {
		to := page.PathDrillTotals + "?" + url.Values{"from": {x.from}, "to": {x.to}}.Encode()
		view.Presets = append(view.Presets, page.DrillPreset{Link: page.Link{Text: x.text, URL: to}, On: x.from == p.From && x.to == p.To})
	}
	return view, p
}

func (v *visit) badPeriod(p drill.Period) string {
	for _, day := range []string{p.From, p.To} {
		if _, err := time.Parse(dateForm, day); day != "" && err != nil {
			return v.t("「%.20s」は日付として読めません。", "%.20q is not a date.", day)
		}
	}
	if p.From != "" && p.To != "" && p.To < p.From {
		return v.t("終わりの日が、はじめの日より前です。", "The last day is before the first.")
	}
	return ""
}

// shown reports whether a group is large enough for numbers.
func shown(t drill.Totals) bool { return share.Rate{Of: t.Reached()}.Shown() }

// sumOf arranges totals; departments that are too small are marked.
func sumOf(s drill.Sums) (out page.DrillSum) {
	out.All = page.DrillFigures{Totals: s.All}
	for _, d := range s.ByDepartment {
		out.Departments = append(out.Departments, page.DrillFigures{Totals: d, Name: d.Department, Hidden: d.Hidden})
	}
	return out
}

func holds(s *page.DrillSum, d drill.Drill) {
	s.Links = s.Links || d.Mail.Link
	s.QR = s.QR || d.Mail.QR
	s.Attachments = s.Attachments || d.Mail.Attachment != ""
	s.Released = s.Released || d.Mode == drill.Quarantine
}

// drillResults is one drill's result.
func (v *visit) drillResults() error {
	view, err := v.resultView()
	if err != nil {
		return err
	}
	v.show(page.DrillResultPage(v.shell(), view.DrillResultView))
	return nil
}

// resultView fills what the result on the screen and the one on paper have in common.
func (v *visit) resultView() (view page.DrillReportView, err error) {
	r, err := v.s.Drills.Result(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return view, err
	}
	view.Drill, view.Sum, view.Mails = r.Drill, sumOf(r.Sums), r.Mails
	holds(&view.Sum, r.Drill)
	view.Sum.Canary = r.Canary
	if r.Unjudged {
		view.Sum.Dirty = 1
	}
	if shown(r.Sums.All) {
		view.Sum.Curve = curveOf(r.Times)
		view.Race = r.Times.Race.Text().For(v.ctx)
		if r.Times.Reported {
			view.Sum.First, view.Sum.Median = share.Span(r.Times.First).For(v.ctx), share.Median(r.Times.Reports).For(v.ctx)
		}
	}
	view.Advice = r.Advice(v.ctx)
	for _, c := range r.Drill.Cues(v.ctx) {
		view.Cues = append(view.Cues, page.DrillCue{Name: c.Name, Text: c.Text, Look: c.Look})
	}
	if b := r.Before; b != nil {
		view.Before, view.Change, view.Fell = b.Drill.Name, b.Reported.Text().For(v.ctx), b.Fell.Text().For(v.ctx)
		view.Previous = v.t("同じ難しさの前の訓練「%s」との報告率の差: %s", "Report rate against the drill before of like difficulty, “%s”: %s", view.Before, view.Change)
	}
	return view, nil
}

// drillReport is one sheet for the director.
func (v *visit) drillReport() error {
	view, err := v.resultView()
	if err != nil {
		return err
	}
	v.show(page.DrillReportPage(v.shell(), view))
	return nil
}
