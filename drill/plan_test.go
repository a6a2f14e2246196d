package drill

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

var tokyo = time.FixedZone("JST", 9*3600)

func TestTheNextLevelFollowsTheResults(t *testing.T) {
	drill := func(l scenario.Level, reported, fell, of int, final bool) past {
		return past{Level: l, Name: "秋", Final: final, Totals: Totals{Sent: of, Reported: reported, Fell: fell}}
	}
	for _, x := range []struct {
		name string
		list []past
		want scenario.Level
		says string
	}{
		{"nothing yet", nil, scenario.Easy, "まだ結果がない"},
		{"more reported", []past{drill(scenario.Easy, 12, 5, 40, true)}, scenario.Medium, "報告 12 / 40人、開いた人 5 / 40人"},
		{"more reported at the hardest", []past{drill(scenario.Hard, 12, 5, 40, true)}, scenario.Hard, "いちばんむずかしい"},
		{"more fell", []past{drill(scenario.Medium, 5, 6, 40, true)}, scenario.Medium, "もう一度"},
		{"far more fell", []past{drill(scenario.Medium, 2, 20, 40, true)}, scenario.Easy, "1段やさしく"},
		{"far more fell at the easiest", []past{drill(scenario.Easy, 2, 20, 40, true)}, scenario.Easy, "もう一度"},
		{"still open", []past{drill(scenario.Easy, 30, 0, 40, false), drill(scenario.Medium, 5, 6, 40, true)}, scenario.Medium, "もう一度"},
		{"too few people", []past{drill(scenario.Hard, 3, 0, 4, true)}, scenario.Easy, "まだ結果がない"},
		{"the newest counts", []past{drill(scenario.Medium, 20, 1, 40, true), drill(scenario.Hard, 0, 40, 40, true)}, scenario.Hard, "1段むずかしく"},
	} {
		if got := advised(x.list); got.Level != x.want || !strings.Contains(got.Why.Ja, x.says) {
			t.Errorf("%s: %+v", x.name, got)
		}
	}
}

func TestAProposalVariesAndFitsItsMonth(t *testing.T) {
	all, err := scenario.Load()
	if err != nil {
		t.Fatal(err)
	}
	before := time.Date(2027, time.March, 20, 9, 0, 0, 0, tokyo)
	first := propose(2027, 0, before, all, nil, nil)
	if len(first) != Yearly {
		t.Fatalf("%d drills", len(first))
	}
	stories, cues := map[string]bool{}, map[scale.ID]bool{}
	for i, p := range first {
		s, _ := all.Find(p.Scenario)
		if at := p.begins(tokyo); !s.Season.Fits(int(at.Month())) || PlanYear(p.Month) != 2027 {
			t.Errorf("%s does not fit %s", p.Scenario, p.Month)
		}
		if want := []scenario.Level{scenario.Easy, scenario.Easy, scenario.Medium, scenario.Medium}[i]; p.Level != want {
			t.Errorf("%d: %s", i, p.Level)
		}
		stories[p.Scenario], cues[firstCue(s, p.Level)] = true, true
	}
	if len(stories) != Yearly || len(cues) < 3 {
		t.Errorf("%d stories, %d cues", len(stories), len(cues))
	}
	var results []past // all of it was told last year: the next one is another
	for _, p := range first {
		results = append(results, past{Scenario: p.Scenario, Level: scenario.Easy, Final: true, Totals: Totals{Sent: 40, Reported: 20, Fell: 1}})
	}
	for i, p := range propose(2028, 0, before.AddDate(1, 0, 0), all, results, nil) {
		if stories[p.Scenario] || i == 0 && p.Level != scenario.Medium {
			t.Errorf("again %+v", p)
		}
	}
	late := propose(2027, 0, time.Date(2027, time.November, 28, 9, 0, 0, 0, tokyo), all, nil, nil)
	if len(late) != 2 || late[0].Month <= "2027-11" {
		t.Errorf("four months are left: %+v", late)
	}
	if got := propose(2027, 4, before, all, nil, []Planning{{Plan: Plan{Month: "2027-06"}}, {Plan: Plan{Month: "2027-09"}}}); len(got) != 2 || got[0].Month != "2027-11" || got[1].Month != "2028-02" {
		t.Errorf("two were planned: %+v", got)
	}
	if got := propose(2020, 0, before, all, nil, nil); got != nil {
		t.Errorf("a year that is over: %+v", got)
	}
}

func TestAPlanFromProposalToReminder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1)
		var c clock
		r.Book.now = c.now
		at := func(when time.Time) { c.forward(when.Sub(c.now())) }
		at(time.Date(2031, time.April, 2, 9, 0, 0, 0, tokyo))
		ctx := as(t.Context(), trainer)
		made, err := r.ProposePlans(ctx, r.f, 2031, 0)
		if r.must(err); len(made) != Yearly || made[0].Month != "2031-06" {
			t.Fatalf("%+v", made)
		}
		again, err := r.ProposePlans(ctx, r.f, 2031, 0)
		if r.must(err); len(again) != 0 {
			t.Errorf("proposed twice: %+v", again)
		}
		sent := map[string]int{}
		broken := errors.New("the queue is down")
		remind := func(fail bool) int {
			t.Helper()
			n, err := r.Remind(ctx, r.f, func(_ context.Context, _ *store.Tx, m Reminder) error {
				if fail {
					return broken
				}
				sent[m.Plan+" "+string(m.What)]++
				return nil
			})
			if fail != (err != nil) {
				t.Fatal(err)
			}
			return n
		}
		if n := remind(false); n != 0 {
			t.Fatalf("%d reminders in April", n)
		}
		at(time.Date(2031, time.May, 19, 9, 0, 0, 0, tokyo)) // 13 days before
		remind(true)                                         // nothing is noted when it did not go out
		if n := remind(false) + remind(false); n != 1 || sent[made[0].ID+" soon"] != 1 {
			t.Errorf("%d, %v", n, sent)
		}
		due, err := r.DuePlans(ctx, r.f)
		if r.must(err); len(due) != 1 || due[0].ID != made[0].ID || due[0].Title.Ja == "" {
			t.Errorf("%+v", due)
		}

		d, err := r.DraftPlan(ctx, r.f, made[0].ID)
		r.must(err)
		start := d.Schedule.Start.In(tokyo)
		if d.State != Draft || d.Mail.Scenario != made[0].Scenario || start.Format("2006-01") != "2031-06" || start.Hour() != 10 || d.Author.ID != trainer.ID {
			t.Errorf("%+v", d)
		}
		if _, err := r.DraftPlan(ctx, r.f, made[0].ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second draft: %v", err)
		}
		state := func() PlanState {
			t.Helper()
			list, err := r.Plans(ctx, r.f, 2031)
			r.must(err)
			return list[0].State
		}
		if s := state(); s != Prepared {
			t.Error(s)
		}
		r.must(r.Withdraw(ctx, r.f, d.ID))
		if s := state(); s != Planned {
			t.Errorf("withdrawn: %s", s)
		}
		at(time.Date(2031, time.July, 1, 0, 0, 1, 0, tokyo))
		if s := state(); s != Overdue {
			t.Error(s)
		}
		if n := remind(false) + remind(false); n != 1 || sent[made[0].ID+" late"] != 1 {
			t.Errorf("%d, %v", n, sent)
		}
		moved := made[0]
		moved.Month, moved.Note = "2031-07", " 夏に  移した "
		moved, err = r.SavePlan(ctx, r.f, moved)
		if r.must(err); moved.Note != "夏に 移した" || state() != Planned {
			t.Errorf("%+v", moved)
		}
		if n := remind(false); n != 1 || sent[made[0].ID+" soon"] != 2 {
			t.Errorf("in its new month: %d, %v", n, sent)
		}
		for _, bad := range []Plan{{Month: "2031-13", Scenario: "parcel"}, {Month: "x", Scenario: "parcel"}, {Month: "2031-08", Scenario: "none"}, {Month: "2031-08", Scenario: "parcel", Note: strings.Repeat("あ", 201)}} {
			if _, err := r.SavePlan(ctx, r.f, bad); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
		r.must(r.RemovePlan(ctx, r.f, made[1].ID))
		if err := r.RemovePlan(ctx, r.f, made[1].ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, err := r.DraftPlan(ctx, dbtest.Canary, made[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility's plan: %v", err)
		}
	})
}
