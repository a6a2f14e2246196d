package dock_test

import (
	"context"
	"testing"
	"time"

	"kenshin/dock"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// Over two years: told once when the day comes, once when it has passed, not at all when the check-up is done.
func TestTheYearlyRoutine(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	mails := 0
	var last dock.Reminder
	look := func(day string, wantMails int, wantRemind dock.Told) {
		t.Helper()
		at, err := time.Parse(time.DateOnly, day)
		r.must(err)
		r.now = at.Add(time.Hour)
		for range 2 {
			r.must(r.Remind(r.ctx(), r.f, func(_ context.Context, _ *store.Tx, m dock.Reminder) error { mails, last = mails+1, m; return nil }))
		}
		s, err := r.Standing(r.ctx(), r.f)
		r.must(err)
		if mails != wantMails || s.Remind != wantRemind {
			t.Errorf("%s: %d mails, %q; want %d, %q", day, mails, s.Remind, wantMails, wantRemind)
		}
	}
	look("2025-11-01", 0, "")
	r.must(r.SetRoutine(r.ctx(), r.f, dock.Routine{Month: 2, Day: 29}))
	look("2026-01-20", 0, "")
	look("2026-01-30", 1, dock.ToldSoon) // the day is 28 February in that year
	look("2026-02-28", 1, dock.ToldSoon)
	look("2026-03-01", 2, dock.ToldLate)
	if last.What != dock.ToldLate || last.Year != 2025 {
		t.Errorf("%+v", last)
	}
	look("2026-03-20", 2, dock.ToldLate)
	r.freeze()
	look("2026-03-30", 2, "")
	look("2026-04-02", 2, "") // a new fiscal year
	look("2027-02-01", 3, dock.ToldSoon)
	r.must(r.SetRoutine(r.ctx(), r.f, dock.Routine{Month: 2, Day: 10}))
	look("2027-02-05", 4, dock.ToldSoon) // another day is told anew
	for _, bad := range []dock.Routine{{Month: 13, Day: 1}, {Month: 2, Day: 30}, {Month: 6, Day: 31}, {Month: -1, Day: 1}, {Month: 3}} {
		if err := r.SetRoutine(r.ctx(), r.f, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
