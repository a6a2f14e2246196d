package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/preflight"
	"kenshin/fault"
	"kenshin/web/page"
)

// flights are the preflights that this copy is making now, or that failed: facility and drill -> *flying. What they find lies in the database.
type flights struct{ now sync.Map }

type flying struct {
	since time.Time
	mu    sync.Mutex
	over  bool
	err   error
}

func (v *visit) flightKey(id string) string { return string(v.facility) + "/" + id }

// begin makes the checks beside the request; a second order while they are made changes nothing.
func (v *visit) beginFlight(id string) {
	f := &flying{since: v.s.Now()}
	key := v.flightKey(id)
	if old, ok := v.s.flights.now.Load(key); ok && !old.(*flying).ended() {
		return
	}
	v.s.flights.now.Store(key, f)
	ctx, done := context.WithTimeout(context.WithoutCancel(v.ctx), 2*time.Minute)
	drills, facility, log := v.s.Drills, v.facility, v.s.Log
	go func() {
		defer done()
		_, err := drills.Preflight(ctx, facility, id)
		if err != nil {
			log.Warn("a preflight was not made", "drill", id, "error", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.over, f.err = true, err
	}()
}

func (f *flying) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

func (v *visit) flight() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	return v.showFlight(d, nil, nil, http.StatusOK)
}

func (v *visit) showFlight(d drill.Drill, errs page.Errors, typed map[string]string, code int) error {
	view, err := v.flightView(d)
	if err != nil {
		return err
	}
	view.Errors, view.Typed = errs, typed
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.FlightPage(v.shell(), view))
	return nil
}

func (v *visit) flightLive() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	view, err := v.flightView(d)
	if err != nil {
		return err
	}
	if view.Running == 0 && view.Watch == 0 { // there is something new to read
		v.w.Header().Set("HX-Refresh", "true")
	}
	v.show(page.FlightLive(v.shell(), view))
	return nil
}

func (v *visit) flightView(d drill.Drill) (page.FlightView, error) {
	view := page.FlightView{Drill: d, Edits: v.actor.Role.May(actor.EditDrill) && d.State == drill.Draft}
	fl, err := v.s.Drills.Flight(v.ctx, v.facility, d.ID)
	if err != nil {
		return view, err
	}
	view.Flight = fl
	if x, ok := v.s.flights.now.Load(v.flightKey(d.ID)); ok {
		f := x.(*flying)
		switch f.mu.Lock(); {
		case !f.over:
			view.Running = max(time.Second, v.s.Now().Sub(f.since))
		case f.err != nil:
			view.Failed = v.says(f.err)
		}
		f.mu.Unlock()
	}
	view.Checks = flightChecks(fl)
	for _, mailbox := range sortedTests(fl) {
		m := page.FlightMailbox{Address: mailbox, Mail: fl.Mails[mailbox], Test: fl.Tests[mailbox]}
		if m.Test.Reading != nil {
			m.Findings = m.Test.Reading.Findings()
		}
		if m.Test.Difference != nil {
			m.Findings = append(m.Findings, m.Test.Difference.Findings...)
		}
		view.Tests = append(view.Tests, m)
	}
	if from := fl.Watch.From; !from.IsZero() {
		left := from.Add(drill.QuietWatch).Sub(v.s.Now())
		view.Watch, view.Watched = max(0, left), left <= 0
	}
	boxes, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{Role: drill.Tester})
	if err != nil {
		return view, err
	}
	view.Boxes = len(boxes.People)
	view.Guides, err = v.s.Drills.Guides(v.ctx, v.facility)
	return view, err
}

func flightChecks(fl drill.Flight) (out []page.FlightCheck) {
	for _, o := range fl.Report.Outcomes {
		c := page.FlightCheck{Outcome: o}
		c.Check, _ = preflight.Find(o.Check)
		for _, id := range fl.Report.Open {
			c.Open = c.Open || id == o.Check
		}
		for i := range fl.Report.Waived {
			if fl.Report.Waived[i].Check == o.Check {
				c.Waiver = &fl.Report.Waived[i]
			}
		}
		out = append(out, c)
	}
	return out
}

func sortedTests(fl drill.Flight) (out []string) {
	for mailbox := range fl.Tests {
		out = append(out, mailbox)
	}
	slices.Sort(out)
	return out
}

// flightDeed is a POST of the preflight's page; what it refuses is said there, with what was typed.
func flightDeed(do func(*visit, drill.Drill) error, keep ...string) func(*visit) error {
	return func(v *visit) error {
		d, err := v.oneDrill()
		if err != nil {
			return err
		}
		f, err := v.form()
		if err != nil {
			return err
		}
		if err := do(v, d); err != nil {
			switch fault.KindOf(err) {
			case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Denied, fault.NotFound:
				typed := map[string]string{}
				for _, name := range keep {
					typed[name] = f.Get(name)
				}
				return v.showFlight(d, page.Errors{"": v.says(err)}, typed, status(err))
			}
			return err
		}
		v.redirect(page.FlightPath(d.ID, ""))
		return nil
	}
}

func (v *visit) flightBegin(d drill.Drill) error {
	if d.State != drill.Draft {
		return fault.New(fault.Conflict, "点検は、下書きのあいだにします。", "The checks are made while a drill is a draft.")
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err == nil {
		err = s.Ready()
	}
	if err == nil {
		v.beginFlight(d.ID)
	}
	return err
}

func (v *visit) flightTests(d drill.Drill) error {
	n, err := v.s.Drills.SendTests(v.ctx, v.facility, d.ID)
	if err == nil {
		v.said("%d通を送り始めました。15分のあいだ、だれも開かないでください。", "%d mails are on their way. Nobody may open them for 15 minutes.", n)
	}
	return err
}

func (v *visit) flightDelivered(d drill.Drill) error {
	f := v.r.PostForm
	place := preflight.Place(f.Get("place"))
	raw := strings.TrimSpace(f.Get("raw"))
	err := v.s.Drills.Delivered(v.ctx, v.facility, d.ID, f.Get("mailbox"), place, []byte(raw))
	if err == nil {
		v.said("記録しました。もう一度点検すると、結果に入ります。", "Recorded. Make the checks again and it counts.")
	}
	return err
}

func (v *visit) flightLearn(d drill.Drill) error {
	n, err := v.s.Drills.LearnScanners(v.ctx, v.facility, d.ID)
	if err == nil {
		v.said("検査装置の特徴を %d件 覚えました。", "Learned %d rules of this site's scanners.", n)
	}
	return err
}

func (v *visit) flightWaive(d drill.Drill) error {
	f := v.r.PostForm
	err := v.s.Drills.WaiveCheck(v.ctx, v.facility, d.ID, f.Get("check"), f.Get("reason"))
	if err == nil {
		v.said("理由を記録して、見送りました。承認する人に見えます。", "Waived; the approver sees the reason.")
	}
	return err
}
