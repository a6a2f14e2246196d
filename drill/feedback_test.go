package drill

import (
	"strings"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// arrive records what a recipient did.
func (r *rig) arrive(drill, target string, signals ...Signal) {
	r.t.Helper()
	c := r.Counter()
	defer c.Close()
	for _, s := range signals {
		of, method := s, "GET"
		switch s {
		case Confirm: // a hand pressed the button of the page behind the link
			of, method = Visited, "POST"
		case Reported:
			method = "POST"
		}
		_, known, err := c.Arrive(r.t.Context(), Arrival{Token: r.token(drill, target, of), Signal: s, Method: method, Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"})
		if r.must(err); !known {
			r.t.Fatal("an unknown token")
		}
	}
}

func TestEverybodyHearsAfterwardsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 5)
		var c clock
		r.Book.now = c.now
		ctx := as(t.Context(), trainer)
		d, err := r.Save(ctx, r.f, Drill{Name: "秋の訓練", Mail: mailOf(), Schedule: Schedule{Rate: 1000}, Rating: Rating{Cues: []Cue{{ID: "domain", Part: "address", Text: "training.example.jp"}}}})
		r.must(err)
		r.green(d)
		d, err = r.Submit(ctx, r.f, d.ID)
		r.must(err)
		d, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
		r.must(err)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		c.forward(time.Hour)
		r.arrive(d.ID, page.Targets[0].ID, Reported)
		r.arrive(d.ID, page.Targets[1].ID, Visited, Confirm)
		r.arrive(d.ID, page.Targets[2].ID, Visited, Confirm)
		c.forward(time.Minute)
		r.arrive(d.ID, page.Targets[2].ID, Reported)

		r.must(r.CloseDue(ctx, r.f))
		if d, _ = r.Get(ctx, r.f, d.ID); d.State != Sent {
			t.Fatalf("closed within the week: %s", d.State)
		}
		c.forward(8 * 24 * time.Hour)
		r.change(func(s *Settings) { s.Incident = true })
		r.must(r.CloseDue(ctx, r.f))
		if d, _ = r.Get(ctx, r.f, d.ID); d.State != Sent {
			t.Fatal("feedback went out in the middle of an incident")
		}
		r.change(func(s *Settings) { s.Incident = false })

		// one mail was queued and sent before the machine stopped: the rest follows, that one does not come again
		r.must(r.CloseDue(ctx, r.f))
		r.must(db.Write(ctx, r.f, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, "DELETE FROM drill_outbox WHERE facility_id = $1 AND kind = 'feedback' AND target_id <> $2", page.Targets[0].ID); err != nil {
				return err
			}
			d, err := getDrill(ctx, tx, d.ID)
			r.must(err)
			d.Feedback = time.Time{}
			return r.put(ctx, tx, &d)
		}))
		r.sendAll(20 * time.Second)
		for range 2 {
			r.must(r.CloseDue(ctx, r.f))
			r.must(r.Close(ctx, r.f, d.ID))
			r.sendAll(20 * time.Second)
		}

		words := map[string]string{}
		for _, m := range r.sink.Messages() {
			text := decoded(t, m.Body)
			if !strings.Contains(text, "ふりかえり") {
				continue
			}
			if words[m.To] != "" {
				t.Errorf("%s got two", m.To)
			}
			words[m.To] = text
		}
		if len(words) != 5 {
			t.Fatalf("%d of 5 heard", len(words))
		}
		for i, want := range []string{"気づいて知らせてくださり", "責めるためのお知らせではありません", "開いたあとで「おかしい」", "開いた記録はありません", "開いた記録はありません"} {
			to := page.Targets[i]
			text := words[to.Address]
			if !strings.Contains(text, want) || !strings.Contains(text, "https://drill.example.jp/"+r.token(d.ID, to.ID, Lesson)) || !strings.Contains(text, "training.example.jp」") {
				t.Errorf("%d: %s", i, text)
			}
		}
		if d, _ = r.Get(ctx, r.f, d.ID); d.State != Closed || d.Ended.IsZero() || d.Feedback.IsZero() {
			t.Errorf("%s %v %v", d.State, d.Ended, d.Feedback)
		}
	})
}

func TestNamesAreForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 4)
		var c clock
		r.Book.now = c.now
		ctx := as(t.Context(), trainer)
		d := r.approved(1000)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
		r.must(err)
		r.arrive(d.ID, page.Targets[0].ID, Visited, Reported)
		gone := page.Targets[3]
		r.must(r.RemovePerson(ctx, r.f, gone.Person))
		r.must(r.Close(ctx, r.f, d.ID))
		set, _ := mustBook(t).Set(mustBook(t).Sets[0].ID)
		_, err = r.FinishLesson(ctx, Landed{Facility: r.f, Drill: d.ID, Target: page.Targets[0].ID}, set)
		r.must(err)
		c.forward(179 * 24 * time.Hour)
		if more, err := r.ForgetNames(ctx, r.f); err != nil || more {
			t.Fatalf("forgotten too early: %v %v", more, err)
		}
		c.forward(2 * 24 * time.Hour)
		for more := true; more; {
			more, err = r.ForgetNames(ctx, r.f)
			r.must(err)
		}
		for table, columns := range map[string]string{"drill_targets": "address || surname || given || sort_key || person_id", "drill_roll": "name || person_id", "drill_outbox": "content || said",
			"drill_reports": "reporter || content", "drill_events": "content || agent || net", "drill_verdicts": "reasons", "drill_drills": "content", "drill_preflights": "content", "drill_totals": "department"} {
			r.must(db.Read(ctx, r.f, func(tx *store.Tx) error {
				for _, never := range []string{"staff0", "髙﨑", "花子0", page.Targets[0].Person, gone.Person} {
					n := 0
					if err := tx.Row(ctx, "SELECT count(*) FROM "+table+" x WHERE x.facility_id = $1 AND "+columns+" LIKE $2", "%"+never+"%").Scan(&n); err != nil {
						return err
					}
					if n > 0 {
						t.Errorf("%s still has %s", table, never)
					}
				}
				return nil
			}))
		}
		if p, err := r.People(ctx, r.f, PeopleFilter{}); err != nil || p.Total != 3 {
			t.Errorf("the list has %d people, %v", p.Total, err)
		}
		to, events, err := r.Target(ctx, r.f, d.ID, page.Targets[0].ID)
		r.must(err)
		if len(events) != 3 || to.Department == "" || to.First[Visited].IsZero() {
			t.Errorf("what happened is gone: %+v, %d events", to, len(events))
		}
		if d, _ = r.Get(ctx, r.f, d.ID); d.Nameless.IsZero() {
			t.Error("nobody can see that the names are gone")
		}
		if sums, err := r.Totals(ctx, r.f, Period{Drill: d.ID}); err != nil || sums.All.Sent != 4 {
			t.Errorf("%+v %v", sums.All, err)
		}
	})
}
