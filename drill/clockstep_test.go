package drill

import (
	"context"
	"testing"
	"time"

	"kenshin/drill/calendar"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/store"
)

func (r *rig) change(change func(*Settings)) {
	r.t.Helper()
	ctx := as(r.t.Context(), trainer)
	s, err := r.Settings(ctx, r.f)
	r.must(err)
	change(&s)
	r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
}

// The clock ran a year ahead while a mail was tried and while a sender died with others in its hands, then it was set right: nothing waits for that
// year, and nobody is mailed twice.
func TestAClockThatWasAheadLeavesNoMailWaiting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		at := staffAddress(2)
		r := newRig(t, db, 6, func(m mailtest.Moment) (mailtest.Act, bool) {
			return mailtest.Act{Reply: "451 4.7.1 greylisted, come back later"}, m.Stage == mailtest.To && m.To == at && m.Tries == 1
		})
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		c.forward(365 * 24 * time.Hour)
		r.verify("hospital.example.jp")
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error { // it was approved by the clock of then
			return r.approveAgain(t.Context(), tx, d)
		}))
		list, err := r.claim(t.Context(), r.f, d.ID)
		r.must(err)
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error {
			for _, p := range list[2:] {
				if _, err := tx.Exec(t.Context(), "UPDATE drill_outbox SET state = 'queued', lease = '' WHERE facility_id = $1 AND id = $2", p.ID); err != nil {
					return err
				}
			}
			return nil
		}))
		r.must(r.begin(t.Context(), r.f, list[1], "<begun@x>")) // this one is begun, list[0] is not
		if _, err := r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(5*time.Second)); err != nil {
			t.Log(err)
		}
		sent := r.sink.Count()
		if sent < 3 {
			t.Fatalf("%d mails by the clock that was ahead", sent)
		}
		c.forward(-365 * 24 * time.Hour)
		r.verify("hospital.example.jp")
		if due, err := r.Due(t.Context(), r.f); err != nil || !due {
			t.Errorf("nobody would look before next year: %v", err)
		}
		r.untilSent(&c, d.ID)
		n := r.honest(d.ID)
		if n[Accepted] != 5 || n[UnknownMail] != 1 || r.sink.Count() != 5 {
			t.Errorf("%v, %d mails", n, r.sink.Count())
		}
		if ahead := time.Until(c.now()); ahead > 24*time.Hour {
			t.Errorf("it took %v", ahead)
		}
	})
}

func (r *rig) approveAgain(ctx context.Context, tx *store.Tx, d Drill) error {
	_, err := tx.Exec(ctx, "INSERT INTO drill_approvals (facility_id, id, drill_id, hash, actor_id, actor_name, at) VALUES ($1, $2, $3, $4, 'p-director', 'x', $5)",
		store.NewID(), d.ID, d.Hash, store.Micros(r.Book.now()))
	return err
}

// Whatever the clock does while mails go out: once it says that it is night, none follows.
func TestAClockThatStepsIntoTheNightStopsTheSending(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 60)
	var c clock
	r.Book.now = c.now
	r.change(func(s *Settings) { // the hour that it is now, and the one after it
		hour := calendar.At(c.now().In(calendar.JST).Hour(), 0)
		s.Hours = calendar.Calendar{Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Hours: []calendar.Window{{From: hour, To: min(hour+120, calendar.At(24, 0))}}, Holidays: true}
	})
	if s, err := r.Settings(t.Context(), r.f); err != nil || c.now().In(calendar.JST).Hour() >= 22 {
		t.Skip("the window would lie over midnight", err, s.Hours)
	} else if ok, _ := s.Hours.Allowed(c.now()); !ok {
		t.Skip("night duty: nothing may be sent at this hour at all")
	}
	d := r.approved(20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(time.Minute))
	}()
	for end := time.Now().Add(20 * time.Second); r.sink.Count() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is sent")
		}
	}
	stepped := time.Now()
	c.forward(5 * time.Hour)
	<-done
	if took := time.Since(stepped); took > 2*time.Second || r.sink.Count() > 50 {
		t.Errorf("it went on for %v, %d of 60 are out", took, r.sink.Count())
	}
	c.forward(-5 * time.Hour)
	r.untilSent(&c, d.ID)
	if n := r.honest(d.ID); n[Accepted] != 60 {
		t.Errorf("%v", n)
	}
}

// An approval is for its time: when the clock jumps a year ahead, or an incident lasts long, what waited is not sent by itself.
func TestAnApprovalLapses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		c.forward(15 * 24 * time.Hour)
		r.verify("hospital.example.jp")
		for range 3 {
			_, err := r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(3*time.Second))
			r.must(err)
		}
		d, err := r.Get(t.Context(), r.f, d.ID)
		if r.must(err); d.State != Draft || r.sink.Count() != 0 || d.Note.Ja == "" {
			t.Errorf("%s, %d mails: %s", d.State, r.sink.Count(), d.Note.Ja)
		}
	})
}

// A drill that is deleted while its mails are in a sender's hands: nothing follows, each mail has an honest end, and what was sent is still told.
func TestADrillDeletedWhileItRuns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		at := staffAddress(7)
		r := newRig(t, db, 30, func(m mailtest.Moment) (mailtest.Act, bool) {
			if m.Stage == mailtest.Dot && m.Nth == 5 {
				return mailtest.Act{Wait: 2 * time.Second, Reply: "451 4.3.0 not now"}, true // the drill is deleted while the relay thinks about this one
			}
			return mailtest.Act{Reply: "451 4.7.1 greylisted"}, m.Stage == mailtest.To && m.To == at
		})
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		ctx := as(t.Context(), trainer)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(20*time.Second))
		}()
		for end := time.Now().Add(20 * time.Second); r.sink.Count() < 4; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nothing is sent")
			}
		}
		r.must(r.Withdraw(ctx, r.f, d.ID))
		out := r.sink.Count()
		<-done
		c.forward(30 * 24 * time.Hour)
		_, err := r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(3*time.Second))
		r.must(err)
		n := r.honest(d.ID)
		if r.sink.Count() != out || n[Accepted] != out || n[Skipped] != 30-out {
			t.Errorf("%d mails, %v", r.sink.Count(), n)
		}
		if due, err := r.Due(t.Context(), r.f); err != nil || due {
			t.Errorf("something still waits: %v %v", due, err)
		}
		var to Target
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{Limit: 100})
		r.must(err)
		for _, x := range page.Targets {
			if x.Mail == Accepted {
				to = x
			}
		}
		r.arrive(d.ID, to.ID, Visited) // a late click is kept
		if _, events, err := r.Target(ctx, r.f, d.ID, to.ID); err != nil || len(events) != 1 {
			t.Errorf("%d events, %v", len(events), err)
		}
	})
}

// A drill that was stopped before its first mail goes on as it was approved.
func TestPausedBeforeTheFirstMail(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 3)
	ctx := as(t.Context(), trainer)
	d := r.approved(1000)
	r.must(r.Pause(ctx, r.f, d.ID))
	r.must(r.Resume(ctx, r.f, d.ID))
	r.sendAll(10 * time.Second)
	if d, err := r.Get(ctx, r.f, d.ID); err != nil || d.State != Sent || d.Started.IsZero() || r.sink.Count() != 3 {
		t.Errorf("%s, begun %v, %d mails, %v", d.State, d.Started, r.sink.Count(), err)
	}
}
