package api

import (
	"context"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/hit"
	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// resultRoutes are how drills went, one and many.
func (s *server) resultRoutes() []route {
	see := actor.SeeDrill
	return []route{
		{"GET", "/drills/totals", see, "get-drill-totals", "What happened to the mails of a period, its drills one by one, and their curves",
			"Every rate with numerator, denominator and interval; both days count. Drills are compared only with those of like difficulty.", one(s, s.drillTotals)},
		{"GET", "/drills/review", see, "get-drill-review", "A facility's drills of a period on one sheet: what its A4 report says",
			"Report rate first, trends only across drills of like difficulty, departments of five and more, the cues that were missed most across drills, who was trained, three pieces of advice. It holds no names.", one(s, s.drillReview)},
		{"GET", "/drills/{id}/results", see, "get-drill-results", "How one drill went: all that its page and its A4 report say",
			"Rates with intervals, curves, who was first, the error of telling machines from people, the change since the drill before, advice and cues. It holds no names.", one(s, s.drillResults)},
	}
}

// DrillRate is a share of people with its interval.
type DrillRate struct {
	rate.Rate
	Share float64 `json:"share"`
	Low   float64 `json:"low" doc:"95 %, Wilson."`
	High  float64 `json:"high"`
}

func viewRate(count, of int) DrillRate {
	r := rate.Rate{Count: count, Of: of}
	low, high := r.Interval()
	return DrillRate{r, r.Share(), low, high}
}

// ratesOf are the rates of a group, none where it is so small that they would tell about single persons.
func ratesOf(t drill.Totals) map[string]DrillRate {
	of := t.Reached()
	if t.Hidden || !(rate.Rate{Of: of}).Shown() {
		return nil
	}
	return map[string]DrillRate{"reported": viewRate(t.Reported, of), "reported_first": viewRate(t.ReportedFirst, of), "fell": viewRate(t.Fell, of), "open": viewRate(t.OpenPerson, of),
		"url": viewRate(t.URLPerson, of), "qr": viewRate(t.QRPerson, of), "attachment": viewRate(t.AttachPerson, of), "replied": viewRate(t.Replied, of), "lesson": viewRate(t.Lesson, of), "released": viewRate(t.Released, of)}
}

// DrillCurves are shares over the time since each recipient got the mail, estimated by Kaplan and Meier.
type DrillCurves struct {
	People  int          `json:"people"`
	Reports []CurvePoint `json:"reports" nullable:"false"`
	Falls   []CurvePoint `json:"falls" nullable:"false" doc:"Link, QR code or attachment, people's."`
	QR      []CurvePoint `json:"qr" nullable:"false" doc:"Of these, the QR code."`
}

// CurvePoint is a step of a curve.
type CurvePoint struct {
	Seconds float64 `json:"seconds"`
	Count   int     `json:"count" doc:"Of whom it had happened."`
	AtRisk  int     `json:"at_risk" doc:"Who were still watched and had not, just before."`
	Share   float64 `json:"share"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

func viewCurve(ts []rate.Time) []CurvePoint {
	out := []CurvePoint{}
	for _, p := range rate.Curve(ts) {
		out = append(out, CurvePoint{p.After.Seconds(), p.Count, p.AtRisk, p.Share, p.Low, p.High})
	}
	return out
}

// viewCurves are none where so few were reached that a step would be a person.
func viewCurves(x drill.Times) *DrillCurves {
	if len(x.Reports) < rate.Smallest {
		return nil
	}
	return &DrillCurves{People: len(x.Reports), Reports: viewCurve(x.Reports), Falls: viewCurve(x.Falls), QR: viewCurve(x.QR)}
}

// DrillCanaries say how well machines are told from people.
type DrillCanaries struct {
	Canaries int       `json:"canaries" doc:"Mailboxes that nobody opens; 0: the error was not measured."`
	Reached  int       `json:"reached" doc:"Of these, with any arrival."`
	Person   int       `json:"person" doc:"Of these, that would have been taken for a person: each is an error."`
	Unsure   int       `json:"unsure"`
	Error    DrillRate `json:"error"`
}

func viewCanaries(x hit.FalseHits) DrillCanaries {
	return DrillCanaries{x.Canaries, x.Reached, x.Person, x.Unsure, viewRate(x.Person, x.Canaries)}
}

// DrillChange is a difference of two rates, 0..1.
type DrillChange struct {
	Difference float64 `json:"difference"`
	Low        float64 `json:"low" doc:"95 %, Newcombe."`
	High       float64 `json:"high"`
	Like       bool    `json:"like" doc:"Both drills are of the same known difficulty and large enough: only then it means something."`
	Says       string  `json:"says"`
}

func viewChange(ctx context.Context, c rate.Comparison) DrillChange {
	return DrillChange{c.Difference, c.Low, c.High, c.Like, c.Text().For(ctx)}
}

// DrillBefore is the newest earlier drill of the same kind and difficulty.
type DrillBefore struct {
	Drill    string      `json:"drill"`
	Name     string      `json:"name"`
	Reported DrillChange `json:"reported"`
	Fell     DrillChange `json:"fell"`
}

// DrillShownCue is a place by which the mail could have been recognised.
type DrillShownCue struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
	Look string `json:"look"`
}

// DrillResults is how one drill went.
type DrillResults struct {
	Drill       string                 `json:"drill"`
	Name        string                 `json:"name"`
	Mode        drill.Mode             `json:"mode"`
	State       drill.State            `json:"state"`
	Subject     string                 `json:"subject"`
	Difficulty  string                 `json:"difficulty,omitempty" doc:"Missing: not measured."`
	Started     *time.Time             `json:"started,omitempty"`
	Ended       *time.Time             `json:"ended,omitempty"`
	Mails       map[drill.Delivery]int `json:"mails"`
	All         DrillTotals            `json:"all"`
	Departments []DrillTotals          `json:"departments" nullable:"false"`
	FirstReport *float64               `json:"first_report,omitempty" doc:"Seconds from the first mail to the first report; missing: none yet, or too few people."`
	Median      string                 `json:"median,omitempty" doc:"How long reports took, in words."`
	Race        string                 `json:"race,omitempty" doc:"Who was first, a report or a click."`
	Curves      *DrillCurves           `json:"curves,omitempty" doc:"Missing: too few people."`
	Canaries    DrillCanaries          `json:"canaries"`
	Unjudged    bool                   `json:"unjudged" doc:"Some arrivals were not judged yet."`
	Before      *DrillBefore           `json:"before,omitempty" doc:"Missing: there is no earlier drill of like difficulty."`
	Advice      []string               `json:"advice" nullable:"false"`
	Cues        []DrillShownCue        `json:"cues" nullable:"false"`
}

func (s *server) drillResults(ctx context.Context, f facility.ID, in *ByID) (out DrillResults, err error) {
	r, err := s.Drills.Result(ctx, f, in.ID)
	if err != nil {
		return out, err
	}
	d := r.Drill
	out = DrillResults{Drill: d.ID, Name: d.Name, Mode: d.Mode, State: d.State, Subject: d.Mail.Subject, Difficulty: d.Rating.Difficulty, Started: moment(d.Started), Ended: moment(d.Ended),
		Mails: r.Mails, All: viewTotals(r.Sums.All), Departments: viewDepartments(r.Sums), Curves: viewCurves(r.Times), Canaries: viewCanaries(r.Canary), Unjudged: r.Unjudged,
		Advice: full(r.Advice(ctx)), Cues: []DrillShownCue{}}
	if out.Curves != nil {
		out.Race = r.Times.Race.Text().For(ctx)
		if r.Times.Reported {
			seconds := r.Times.First.Seconds()
			out.FirstReport, out.Median = &seconds, rate.Median(r.Times.Reports).For(ctx)
		}
	}
	if b := r.Before; b != nil {
		out.Before = &DrillBefore{b.Drill.ID, b.Drill.Name, viewChange(ctx, b.Reported), viewChange(ctx, b.Fell)}
	}
	for _, c := range d.Cues(ctx) {
		out.Cues = append(out.Cues, DrillShownCue(c))
	}
	return out, nil
}

func viewDepartments(s drill.Sums) []DrillTotals {
	out := []DrillTotals{}
	for _, t := range s.ByDepartment {
		if !t.Hidden {
			out = append(out, viewTotals(t))
		}
	}
	return out
}

// DrillSums are the totals of a period.
type DrillSums struct {
	All         DrillTotals   `json:"all"`
	Departments []DrillTotals `json:"departments" nullable:"false" doc:"Departments of fewer than five mails in a drill, or of so few in the rest of it, are left out: a number would be a name."`
	Drills      []DrillLine   `json:"drills" nullable:"false" doc:"The newest first."`
	Days        []DrillTotals `json:"days" nullable:"false" doc:"By the day on which a drill's sending began."`
	Few         int           `json:"few" doc:"Drills of fewer than five mails: they are in no sum."`
	Detailed    int           `json:"detailed" doc:"Of how many drills, the newest, curves and canaries are."`
	FirstReport *float64      `json:"first_report,omitempty" doc:"Seconds, the median over these drills."`
	Curves      *DrillCurves  `json:"curves,omitempty"`
	Canaries    DrillCanaries `json:"canaries"`
	Unjudged    int           `json:"unjudged" doc:"Drills with arrivals that were not judged yet."`
	Warning     string        `json:"warning,omitempty" doc:"Drills of different difficulty are added up."`
}

// DrillLine is one drill of a period.
type DrillLine struct {
	DrillTotals
	Name        string       `json:"name,omitempty"`
	Mode        drill.Mode   `json:"mode,omitempty"`
	Difficulty  string       `json:"difficulty,omitempty"`
	Started     *time.Time   `json:"started,omitempty"`
	FirstReport *float64     `json:"first_report,omitempty" doc:"Seconds."`
	Before      string       `json:"before,omitempty" doc:"The drill before of like difficulty in the period."`
	Change      *DrillChange `json:"change,omitempty" doc:"Of the report rate since."`
}

func viewLine(ctx context.Context, l drill.Chapter) DrillLine {
	v := DrillLine{DrillTotals: viewTotals(l.Totals), Name: l.Drill.Name, Mode: l.Drill.Mode, Difficulty: l.Drill.Rating.Difficulty, Started: moment(l.Drill.Started), Before: l.Before}
	if l.Reported {
		seconds := l.First.Seconds()
		v.FirstReport = &seconds
	}
	if l.Change != nil {
		c := viewChange(ctx, *l.Change)
		v.Change = &c
	}
	return v
}

// DrillPeriod picks whole drills by the day on which their sending began.
type DrillPeriod struct {
	From string `query:"from" maxLength:"10" doc:"Drills whose sending began on this day or later." example:"2026-04-01"`
	To   string `query:"to" maxLength:"10" doc:"Last day, included."`
}

func (p DrillPeriod) check() error {
	for _, day := range []string{p.From, p.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fault.New(fault.Invalid, "日付は 2026-04-01 のように書いてください。", "Write days like 2026-04-01.")
		}
	}
	if p.From != "" && p.To != "" && p.To < p.From {
		return fault.New(fault.Invalid, "終わりの日が、はじめの日より前です。", "The last day is before the first.")
	}
	return nil
}

type drillTotals struct {
	DrillPeriod
	Drill string `query:"drill" maxLength:"80"`
	Brief bool   `query:"brief" doc:"Without curves, times of first reports and canaries, which read recipients one by one."`
}

func (s *server) drillTotals(ctx context.Context, f facility.ID, in *drillTotals) (out DrillSums, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	x, err := s.Drills.Story(ctx, f, drill.Period{From: in.From, To: in.To, Drill: in.Drill, Brief: in.Brief})
	if err != nil {
		return out, err
	}
	out = DrillSums{All: viewTotals(x.Sums.All), Departments: viewDepartments(x.Sums), Drills: []DrillLine{}, Days: []DrillTotals{}, Few: x.Sums.Few, Detailed: x.Detailed,
		Curves: viewCurves(x.Times), Canaries: viewCanaries(x.Canary), Unjudged: x.Unjudged, Warning: x.Warning.For(ctx)}
	if typical, ok := rate.OfThose(x.Firsts, 0.5); ok && out.Curves != nil {
		seconds := typical.Seconds()
		out.FirstReport = &seconds
	}
	for _, l := range x.Drills {
		out.Drills = append(out.Drills, viewLine(ctx, l))
	}
	for _, t := range x.Sums.ByDay {
		out.Days = append(out.Days, viewTotals(t))
	}
	return out, nil
}

// DrillReview is a facility's drills of a period.
type DrillReview struct {
	From        string         `json:"from,omitempty"`
	To          string         `json:"to,omitempty"`
	All         DrillTotals    `json:"all"`
	FirstReport *float64       `json:"first_report,omitempty" doc:"Seconds, the median over the drills."`
	Drills      []DrillLine    `json:"drills" nullable:"false" doc:"The newest first."`
	Warning     string         `json:"warning,omitempty" doc:"Drills of different difficulty are added up in all."`
	Trends      []DrillTrend   `json:"trends" nullable:"false"`
	Departments []DrillTotals  `json:"departments" nullable:"false"`
	Missed      []DrillMissed  `json:"missed" nullable:"false" doc:"Cues, the most missed first."`
	Year        int            `json:"year" doc:"Fiscal year that trained is of."`
	Trained     DrillTrained   `json:"trained"`
	TrainedBy   []DrillTrained `json:"trained_by" nullable:"false" doc:"Departments that are too small stand together."`
	Canaries    DrillCanaries  `json:"canaries"`
	Advice      []string       `json:"advice" nullable:"false" doc:"At most three."`
}

// DrillTrend is the change over drills of one kind and difficulty.
type DrillTrend struct {
	Mode       drill.Mode  `json:"mode"`
	Difficulty string      `json:"difficulty"`
	Drills     []string    `json:"drills" nullable:"false" doc:"Ids, the oldest first; the change is from the first to the last."`
	Reported   DrillChange `json:"reported"`
	Fell       DrillChange `json:"fell"`
}

// DrillMissed is a cue with what became of the mails in which it stood. A mail has several cues.
type DrillMissed struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Look   string    `json:"look"`
	Drills int       `json:"drills"`
	Fell   DrillRate `json:"fell"`
}

// DrillTrained is how many of a group finished a lesson.
type DrillTrained struct {
	Department string `json:"department,omitempty"`
	Done       int    `json:"done"`
	Of         int    `json:"of"`
	AtLeast    bool   `json:"at_least,omitempty" doc:"Names are gone from some: it may be more."`
}

func (s *server) drillReview(ctx context.Context, f facility.ID, in *DrillPeriod) (out DrillReview, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	r, err := s.Drills.Review(ctx, f, drill.Period{From: in.From, To: in.To}, i18n.T(ctx, "その他", "others"))
	if err != nil {
		return out, err
	}
	out = DrillReview{From: in.From, To: in.To, All: viewTotals(r.Sums.All), Drills: []DrillLine{}, Warning: r.Warning.For(ctx), Trends: []DrillTrend{}, Departments: viewDepartments(r.Sums),
		Missed: []DrillMissed{}, Year: r.Year, Trained: DrillTrained(r.Trained), TrainedBy: []DrillTrained{}, Canaries: viewCanaries(r.Canary), Advice: full(r.Advice(ctx))}
	if typical, ok := rate.OfThose(r.Firsts, 0.5); ok && out.All.Rates != nil {
		seconds := typical.Seconds()
		out.FirstReport = &seconds
	}
	for _, l := range r.Drills {
		out.Drills = append(out.Drills, viewLine(ctx, l))
	}
	for _, x := range r.Trends {
		v := DrillTrend{Mode: x.Mode, Difficulty: x.Difficulty, Reported: viewChange(ctx, x.Reported), Fell: viewChange(ctx, x.Fell)}
		for _, l := range x.Drills {
			v.Drills = append(v.Drills, l.Drill.ID)
		}
		out.Trends = append(out.Trends, v)
	}
	for _, m := range r.Missed {
		out.Missed = append(out.Missed, DrillMissed{m.ID, m.Name.For(ctx), m.Look.For(ctx), m.Drills, viewRate(m.Fell.Count, m.Fell.Of)})
	}
	for _, c := range r.TrainedBy {
		out.TrainedBy = append(out.TrainedBy, DrillTrained(c))
	}
	return out, nil
}
