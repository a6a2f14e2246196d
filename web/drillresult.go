package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"kenshin/drill"
	"kenshin/drill/hit"
	share "kenshin/drill/rate"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/web/page"
)

// inDetail is how many recipients a page about a period reads one by one, for times and curves: the newest drills come first.
const inDetail = 20_000

// drillTimes is how long recipients took, of one drill or of several.
type drillTimes struct {
	reports, falls []share.Time
	qr             []share.Time // who followed the QR code, a part of falls
	race           share.Race
	first          time.Duration // from the first mail to the first report
	reported       bool
}

// timesOf measures each recipient from the acceptance of the own mail. Who did nothing was watched until the drill closed or until now.
func timesOf(d drill.Drill, list []drill.Target, now time.Time) (x drillTimes) {
	until := now
	if d.State == drill.Closed && d.Ended.Before(now) {
		until = d.Ended
	}
	var reports, clicks []time.Time
	begun := d.Started
	for i := range list {
		t := &list[i]
		start := t.AcceptedAt
		if start.IsZero() {
			start = d.Started
		}
		if begun.IsZero() || start.Before(begun) && !start.IsZero() {
			begun = start
		}
		after := func(at time.Time, all *[]time.Time) share.Time {
			if at.IsZero() || at.After(until) { // what came after the end is kept in the list and counts no more
				return share.Time{After: until.Sub(start)}
			}
			*all = append(*all, at)
			return share.Time{After: at.Sub(start), Seen: true}
		}
		x.reports = append(x.reports, after(t.First[drill.Reported], &reports))
		x.falls = append(x.falls, after(t.Fell(), &clicks))
		var scans []time.Time
		x.qr = append(x.qr, after(t.ByPerson[drill.Scanned], &scans))
	}
	x.race = share.First(reports, clicks)
	if x.reported = !x.race.FirstReport.IsZero(); x.reported {
		x.first = x.race.FirstReport.Sub(begun)
	}
	return x
}

func (x drillTimes) curve() page.DrillCurve {
	c := page.DrillCurve{Reports: share.Curve(x.reports), Falls: share.Curve(x.falls), QR: share.Curve(x.qr), People: len(x.reports)}
	for _, list := range [][]share.Time{x.reports, x.falls} {
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
	all, err := v.s.Drills.List(v.ctx, v.facility, drill.Sending, drill.Paused, drill.Sent, drill.Closed, drill.Withdrawn)
	if err != nil {
		return err
	}
	sums, err := v.s.Drills.Totals(v.ctx, v.facility, period)
	if err != nil {
		return err
	}
	drills := map[string]drill.Drill{}
	for _, d := range all {
		drills[d.ID] = d
	}
	view.Sum = sumOf(sums)
	slices.SortFunc(sums.ByDrill, func(a, b drill.Totals) int { return drills[b.Drill].Started.Compare(drills[a.Drill].Started) })
	times, firsts, err := v.perDrill(&view, sums.ByDrill, drills)
	if err != nil {
		return err
	}
	view.Warning = v.unlike(view.Drills)
	v.drillChanges(view.Drills)
	view.Sum.Curve = times.curve()
	if typical, ok := share.OfThose(firsts, 0.5); ok && shown(view.Sum.All.Totals) {
		view.Sum.First, view.Sum.Median = share.Span(typical).For(v.ctx), share.Median(times.reports).For(v.ctx)
		if len(firsts) > 1 {
			view.Sum.Median = v.t("訓練 %d件の中央値。", "Median over %d drills. ", len(firsts)) + view.Sum.Median
		}
	}
	if err := v.unjudged(&view.Sum, drills); err != nil {
		return err
	}
	v.show(page.DrillTotalsPage(v.shell(), view))
	return nil
}

// perDrill fills a line for each drill and reads the recipients of the newest.
func (v *visit) perDrill(view *page.DrillTotalsView, sums []drill.Totals, drills map[string]drill.Drill) (times drillTimes, firsts []share.Time, err error) {
	few := 0
	for _, t := range sums {
		d, known := drills[t.Drill]
		if !known {
			continue
		}
		holds(&view.Sum, d)
		line := page.DrillLine{DrillFigures: page.DrillFigures{Totals: t, Name: d.Name, URL: page.DrillResultPath(d.ID, "results")}, Mode: d.Mode,
			Difficulty: d.Rating.Difficulty, Started: d.Started}
		if t.Hidden { // its times would be single persons'
			few++
			view.Drills = append(view.Drills, line)
			continue
		}
		if len(view.Drills)-few == view.Detailed && (view.Detailed == 0 || len(times.reports)+t.Reached() <= inDetail) {
			one, err := v.detail(d, &view.Sum)
			if err != nil {
				return times, firsts, err
			}
			view.Detailed++
			times.reports, times.falls, times.qr = append(times.reports, one.reports...), append(times.falls, one.falls...), append(times.qr, one.qr...)
			firsts = append(firsts, share.Time{After: one.first, Seen: one.reported})
			if one.reported && shown(t) {
				line.First = share.Span(one.first).For(v.ctx)
			}
		}
		view.Drills = append(view.Drills, line)
	}
	return times, firsts, nil
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

// detail reads one drill's recipients, and adds what its decoy mailboxes say.
func (v *visit) detail(d drill.Drill, s *page.DrillSum) (drillTimes, error) {
	list, err := v.s.Drills.Times(v.ctx, v.facility, d.ID)
	if err != nil {
		return drillTimes{}, err
	}
	decoys, err := v.canaries(d.ID)
	if err != nil {
		return drillTimes{}, err
	}
	if decoys > 0 {
		wrong, err := v.s.Drills.FalseHits(v.ctx, v.facility, d.ID)
		if err != nil {
			return drillTimes{}, err
		}
		s.Canary = hit.FalseHits{Canaries: s.Canary.Canaries + wrong.Canaries, Reached: s.Canary.Reached + wrong.Reached,
			Person: s.Canary.Person + wrong.Person, Unsure: s.Canary.Unsure + wrong.Unsure}
	}
	return timesOf(d, list, v.s.Now()), nil
}

// unjudged counts the drills whose numbers lack the newest arrivals.
func (v *visit) unjudged(s *page.DrillSum, drills map[string]drill.Drill) error {
	dirty, err := v.s.Drills.Dirty(v.ctx, v.facility)
	for _, id := range dirty {
		if _, here := drills[id]; here {
			s.Dirty++
		}
	}
	return err
}

// unlike warns when drills of different difficulty are added up.
func (v *visit) unlike(lines []page.DrillLine) string {
	for i := range lines {
		for j := range lines[:i] {
			a, b := compared(lines[j], lines[j].Reported), compared(lines[i], lines[i].Reported)
			if c := share.Compare(a, b); !c.Like && a.Difficulty != b.Difficulty {
				return c.Warning.For(v.ctx)
			}
		}
	}
	return ""
}

func compared(l page.DrillLine, count int) share.Drill {
	return share.Drill{Rate: share.Rate{Count: count, Of: l.Reached()}, Difficulty: l.Difficulty}
}

// drillChanges compares each drill with the one before it of the same kind and difficulty; lines are the newest first.
func (v *visit) drillChanges(lines []page.DrillLine) {
	for i := range lines {
		l := &lines[i]
		j := slices.IndexFunc(lines[i+1:], func(o page.DrillLine) bool {
			return o.Mode == l.Mode && o.Difficulty == l.Difficulty && l.Difficulty != ""
		})
		if j < 0 {
			l.Change = v.t("同じ難しさの前の訓練がありません", "no earlier drill of like difficulty")
			continue
		}
		o := lines[i+1+j]
		l.Change = share.Compare(compared(o, o.Reported), compared(*l, l.Reported)).Text().For(v.ctx)
	}
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
	d, err := v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return view, err
	}
	if d.Started.IsZero() {
		return view, fault.New(fault.NotFound, "この訓練はまだ送られていないので、結果はありません。", "This drill was not sent yet: there is no result.")
	}
	view.Drill = d
	sums, err := v.s.Drills.Totals(v.ctx, v.facility, drill.Period{Drill: d.ID})
	if err != nil {
		return view, err
	}
	view.Sum = sumOf(sums)
	holds(&view.Sum, d)
	times, err := v.detail(d, &view.Sum)
	if err != nil {
		return view, err
	}
	if shown(sums.All) {
		view.Sum.Curve = times.curve()
		view.Race = times.race.Text().For(v.ctx)
		if times.reported {
			view.Sum.First, view.Sum.Median = share.Span(times.first).For(v.ctx), share.Median(times.reports).For(v.ctx)
		}
	}
	if view.Mails, err = v.s.Drills.Progress(v.ctx, v.facility, d.ID); err != nil {
		return view, err
	}
	if err := v.unjudged(&view.Sum, map[string]drill.Drill{d.ID: d}); err != nil {
		return view, err
	}
	view.Advice = advice(v.ctx, d, sums, view.Sum, times)
	view.Cues = v.cuesOf(d)
	return view, v.before(d, sums.All, &view)
}

// before compares a drill with the newest earlier one of the same kind and difficulty.
func (v *visit) before(d drill.Drill, now drill.Totals, view *page.DrillReportView) error {
	if d.Rating.Difficulty == "" {
		return nil
	}
	list, err := v.s.Drills.List(v.ctx, v.facility, drill.Sent, drill.Closed)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(o drill.Drill) bool {
		return o.ID == d.ID || o.Mode != d.Mode || o.Rating.Difficulty != d.Rating.Difficulty || o.Started.IsZero() || !o.Started.Before(d.Started)
	})
	if len(list) == 0 {
		return nil
	}
	last := slices.MaxFunc(list, func(a, b drill.Drill) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID)) })
	sums, err := v.s.Drills.Totals(v.ctx, v.facility, drill.Period{Drill: last.ID})
	if err != nil {
		return err
	}
	then := sums.All
	change := func(a, b int) string {
		return share.Compare(share.Drill{Rate: share.Rate{Count: a, Of: then.Reached()}, Difficulty: last.Rating.Difficulty},
			share.Drill{Rate: share.Rate{Count: b, Of: now.Reached()}, Difficulty: d.Rating.Difficulty}).Text().For(v.ctx)
	}
	view.Before, view.Change, view.Fell = last.Name, change(then.Reported, now.Reported), change(then.Fell, now.Fell)
	view.Previous = v.t("同じ難しさの前の訓練「%s」との報告率の差: %s", "Report rate against the drill before of like difficulty, “%s”: %s", last.Name, view.Change)
	return nil
}
