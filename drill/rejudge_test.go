package drill

import (
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenshin/drill/hit"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"

// got records that an address followed a recipient's link.
func (r *rig) got(drill, target, from, agent string) {
	r.t.Helper()
	c := r.Counter()
	defer c.Close()
	_, known, err := c.Arrive(r.t.Context(), Arrival{Token: r.token(drill, target, Visited), Method: "GET", Net: netip.MustParseAddr(from), Agent: agent})
	if r.must(err); !known {
		r.t.Fatal("an unknown token")
	}
}

// judgeDue judges as the program does, and says how many drills it judged.
func (r *rig) judgeDue() (n int) {
	r.t.Helper()
	list, err := r.Dirty(r.t.Context(), r.f)
	r.must(err)
	for _, id := range list {
		r.must(r.Judge(r.t.Context(), r.f, id))
	}
	if left, err := r.Dirty(r.t.Context(), r.f); err != nil || len(left) > 0 {
		r.t.Fatalf("%v are still to be judged: %v", left, err)
	}
	return len(list)
}

// people is how many the totals take for people, and how many decoys would have been.
func (r *rig) people(drill string) (fell, decoys int) {
	r.t.Helper()
	s, err := r.Totals(r.t.Context(), r.f, Period{Drill: drill})
	r.must(err)
	wrong, err := r.FalseHits(r.t.Context(), r.f, drill)
	r.must(err)
	return s.All.Fell, wrong.Person
}

// versions are the rules that the verdicts of a drill name.
func (r *rig) versions(drill string) (out map[string]int) {
	r.t.Helper()
	out = map[string]int{}
	r.must(r.db.Read(r.t.Context(), r.f, func(tx *store.Tx) error {
		return store.Each(r.t.Context(), tx, func(row *sql.Rows) error {
			var v string
			var n int
			err := row.Scan(&v, &n)
			out[v] = n
			return err
		}, "SELECT v.version, count(*) FROM drill_verdicts v WHERE v.facility_id = $1 AND v.drill_id = $2 GROUP BY v.version", drill)
	}))
	return out
}

// clicked is a drill whose mails are out; six of the staff followed the link through the hospital's one address, and so did what looks after a decoy.
func clicked(t *testing.T, db *store.DB) (*rig, *clock, Drill) {
	r := newRig(t, db, 9)
	c := &clock{}
	r.Book.now = c.now
	_, _, err := r.SavePeople(as(t.Context(), trainer), r.f, []Person{{Address: "decoy@hospital.example.jp", Role: Canary}}, false)
	r.must(err)
	d := r.approved(1000)
	if d = r.untilSent(c, d.ID); d.State != Sent {
		t.Fatal(d.State)
	}
	c.forward(10 * time.Minute)
	r.verify("hospital.example.jp")
	staff, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
	r.must(err)
	for i := range 6 {
		r.got(d.ID, staff.Targets[i].ID, "203.0.113.9", firefox)
		c.forward(time.Minute)
	}
	decoys, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{Canaries: true})
	r.must(err)
	c.forward(time.Hour) // long after the staff: it does not speak about them
	r.got(d.ID, decoys.Targets[0].ID, "203.0.113.9", firefox)
	r.judgeDue()
	return r, c, d
}

// What arrivals are judged by may be learned after they came: totals and the error of the rules follow together, forth and back.
func TestNewRulesAreAppliedToWhatCameBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, _, d := clicked(t, db)
		check := func(what string, judged, wantFell, wantDecoys int) {
			t.Helper()
			fell, decoys := r.people(d.ID)
			if n := r.judgeDue(); n != judged {
				t.Errorf("%s: %d drills were judged, want %d", what, n, judged)
			}
			if now, wrong := r.people(d.ID); now != wantFell || wrong != wantDecoys {
				t.Errorf("%s: %d people, %d decoys taken for people (before it was judged %d, %d), want %d, %d", what, now, wrong, fell, decoys, wantFell, wantDecoys)
			}
		}
		check("before anything is known of the hospital's address", 0, 0, 0)
		r.change(func(s *Settings) { s.Contact = "総務課 内線1" })
		check("another contact", 0, 0, 0)
		egress := []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}
		r.change(func(s *Settings) { s.Egress = egress })
		if fell, decoys := r.people(d.ID); fell != 0 || decoys != 0 {
			t.Errorf("the error of rules that were not applied yet stands beside older totals: %d, %d", fell, decoys)
		}
		check("the hospital's own address", 1, 6, 1)
		r.change(func(s *Settings) { s.Quiet = 120 })
		check("a longer quiet time", 1, 6, 1)

		ctx := as(t.Context(), trainer)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
		r.must(err)
		r.got(d.ID, page.Targets[7].ID, "203.0.113.9", "SafeGate-Check/3.1")
		check("a filter that nobody knows", 1, 7, 1)
		s, err := r.AddScanner(ctx, r.f, "", "safegate-check", "院内のメール検査装置。ログで確かめた")
		r.must(err)
		check("the filter written down", 1, 6, 1)
		_, events, err := r.Target(ctx, r.f, d.ID, page.Targets[7].ID)
		r.must(err)
		if len(events) != 1 || events[0].Verdict != string(hit.Machine) || !strings.Contains(events[0].Reasons[0].Says.Ja, "safegate-check") {
			t.Errorf("%+v", events)
		}
		r.must(r.RemoveScanner(ctx, r.f, s.ID))
		check("the filter removed", 1, 7, 1)
		r.change(func(s *Settings) { s.Egress = nil })
		check("the hospital's own address taken out again", 1, 0, 0)
	})
}

// A new edition of the program judges by its own rules what an older one judged, without anybody asking; who asks is in the trail.
func TestNewRulesOfTheProgram(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, c, d := clicked(t, db)
		ctx := as(t.Context(), trainer)
		raw := everything(t, db)["drill_events"]
		old := r.versions(d.ID)
		if len(old) != 1 {
			t.Fatalf("judged by %v", old)
		}
		newer, _, err := r.program()
		r.must(err)
		newer.Date, newer.Limits.SharedNet = "2031-01-01", 1000
		next := New(db, r.box, houses{}, c.now, r.log)
		next.program = func() (hit.Rules, string, error) { return newer, newer.Version(), nil }
		r.Book = next
		if n := r.judgeDue(); n != 1 {
			t.Errorf("%d drills were judged anew", n)
		}
		now := r.versions(d.ID)
		for v, n := range now {
			if !strings.HasPrefix(v, "2031-01-01-") || n != 7 || len(now) != 1 {
				t.Errorf("judged by %v, before by %v", now, old)
			}
		}
		if again := everything(t, db)["drill_events"]; fmt.Sprint(again) != fmt.Sprint(raw) {
			t.Error("judging changed what arrived")
		}
		if n := r.judgeDue(); n != 0 {
			t.Errorf("%d were judged twice", n)
		}

		r.must(r.JudgeAnew(ctx, r.f, d.ID))
		if n := r.judgeDue(); n != 1 {
			t.Errorf("%d drills were judged after somebody asked", n)
		}
		if n := r.inTrail("drill.judge", d.ID); n != 1 {
			t.Errorf("%d entries in the trail", n)
		}
		draft, err := r.Copy(ctx, r.f, d.ID)
		r.must(err)
		if err := r.JudgeAnew(ctx, r.f, draft.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("a draft: %v", err)
		}

		// where the names are gone the figures are final
		r.must(r.Close(ctx, r.f, d.ID))
		r.sendAll(5 * time.Second)
		r.judgeDue()
		c.forward(181 * 24 * time.Hour)
		r.forgetAll()
		r.change(func(s *Settings) { s.Egress = []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")} })
		next.program = func() (hit.Rules, string, error) { return newer, "2032", nil }
		if n := r.judgeDue(); n != 0 {
			t.Errorf("%d drills without names were judged anew", n)
		}
		if err := r.JudgeAnew(ctx, r.f, d.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("without names: %v", err)
		}
	})
}

func (r *rig) inTrail(action, subject string) (n int) {
	r.t.Helper()
	r.must(r.db.Read(r.t.Context(), r.f, func(tx *store.Tx) error {
		return tx.Row(r.t.Context(), "SELECT count(*) FROM trail_entries e WHERE e.facility_id = $1 AND e.action = $2 AND e.subject_id = $3", action, subject).Scan(&n)
	}))
	return n
}

// A judgement that began before another one ended does not leave its older verdicts as the last word.
func TestASlowJudgementDoesNotHaveTheLastWord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, _, d := clicked(t, db)
		r.must(r.JudgeAnew(as(t.Context(), trainer), r.f, d.ID))
		slow, err := r.toJudge(t.Context(), r.f, d.ID) // has seen the old settings
		r.must(err)
		r.change(func(s *Settings) { s.Egress = []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")} })
		r.judgeDue()
		r.must(r.keepJudged(t.Context(), r.f, d.ID, slow))
		r.judgeDue()
		if fell, _ := r.people(d.ID); fell != 6 {
			t.Errorf("%d people, want 6", fell)
		}
	})
}

// What comes after the end is kept and counts no more, whoever judges when; the lesson of the feedback mail counts.
func TestWhatComesAfterTheEndDoesNotCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, c, d := clicked(t, db)
		r.change(func(s *Settings) { s.Egress = []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")} })
		r.judgeDue()
		r.must(r.Close(as(t.Context(), trainer), r.f, d.ID))
		c.forward(time.Minute)
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		r.got(d.ID, page.Targets[8].ID, "203.0.113.9", firefox)
		r.arrive(d.ID, page.Targets[8].ID, Lesson)
		r.judgeDue()
		s, err := r.Totals(t.Context(), r.f, Period{Drill: d.ID})
		r.must(err)
		if s.All.Fell != 6 || s.All.URLRaw != 6 || s.All.Lesson != 1 {
			t.Errorf("%+v", s.All)
		}
		_, events, err := r.Target(t.Context(), r.f, d.ID, page.Targets[8].ID)
		r.must(err)
		d, err = r.Get(t.Context(), r.f, d.ID)
		r.must(err)
		if len(events) != 2 || !d.Late(events[0].At) || d.Late(d.Ended) {
			t.Errorf("ended %v: %+v", d.Ended, events)
		}
	})
}
