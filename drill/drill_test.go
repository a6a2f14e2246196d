package drill

import (
	"strings"
	"testing"
	"time"

	"kenshin/drill/internal/token"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestADrillFromDraftToResults(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 12)
		d := r.approved(1000)
		r.sendAll(20 * time.Second)
		d, err := r.Get(t.Context(), r.f, d.ID)
		r.must(err)
		if d.State != Sent || r.sink.Count() != 12 {
			t.Fatalf("state %s, %d mails", d.State, r.sink.Count())
		}
		for to, ids := range r.sink.ByRecipient() {
			if len(ids) != 1 {
				t.Errorf("%s got %d mails", to, len(ids))
			}
		}
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		if page.Total != 12 || page.Targets[0].Mail != Accepted {
			t.Fatalf("%d targets, %+v", page.Total, page.Targets[0])
		}

		c := r.Counter()
		defer c.Close()
		link := r.token(d.ID, page.Targets[0].ID, Visited)
		at, known, err := c.Arrive(t.Context(), Arrival{Token: link, Method: "GET", Agent: "Mozilla/5.0"})
		r.must(err)
		if !known || at.Drill != d.ID || at.Target != page.Targets[0].ID || at.Signal != Visited {
			t.Fatalf("%+v %v", at, known)
		}
		if _, known, _ := c.Arrive(t.Context(), Arrival{Token: strings.Repeat("a", token.Length), Method: "GET"}); known {
			t.Error("a guessed token was taken")
		}
		got, events, err := r.Target(t.Context(), r.f, d.ID, page.Targets[0].ID)
		r.must(err)
		if len(events) != 1 || got.First[Visited].IsZero() || !got.First[Opened].IsZero() {
			t.Errorf("a visit without an open must be shown as what it is: %+v %+v", got.First, events)
		}
		r.must(r.Judge(t.Context(), r.f, d.ID))
		sums, err := r.Totals(t.Context(), r.f, Period{})
		r.must(err)
		if sums.All.Sent != 12 || sums.All.URLRaw != 1 || sums.All.OpenRaw != 0 || len(sums.ByDepartment) != 3 {
			t.Errorf("%+v", sums.All)
		}
		if left, err := r.Dirty(t.Context(), r.f); err != nil || len(left) != 0 {
			t.Errorf("still to be judged: %v %v", left, err)
		}
	})
}

// token is the text that a recipient's mail carries.
func (r *rig) token(drill, target string, s Signal) string {
	r.t.Helper()
	door, err := r.Door(r.t.Context(), r.f)
	r.must(err)
	key, err := r.tokenKey(r.t.Context(), r.f, drill)
	r.must(err)
	return token.Derive(door, key, target+"/"+string(s)).String()
}

func TestTwoPersonsDecide(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		ctx := as(t.Context(), trainer)
		d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: mailOf()})
		r.must(err)
		if _, err := r.Submit(ctx, r.f, d.ID); !fault.Is(err, fault.Invalid) {
			t.Errorf("submitted without a preflight: %v", err)
		}
		r.green(d)
		d, err = r.Submit(ctx, r.f, d.ID)
		r.must(err)
		if _, err := r.Approve(ctx, r.f, d.ID, d.Hash); !fault.Is(err, fault.Denied) {
			t.Errorf("the author approved: %v", err)
		}
		script := trainer
		script.Kind, script.ID, script.Behind = "token", "t-1", "p-trainer"
		if _, err := r.Approve(as(t.Context(), script), r.f, d.ID, d.Hash); !fault.Is(err, fault.Denied) {
			t.Errorf("the author's own script approved: %v", err)
		}
		old := d.Hash
		d.Mail.Subject = "別の件名"
		if d, err = r.Save(ctx, r.f, d); err != nil || d.State != Draft {
			t.Fatalf("%v %v", d.State, err)
		}
		if _, err := r.Approve(as(t.Context(), director), r.f, d.ID, old); err == nil {
			t.Error("an approval outlived a change")
		}
		r.green(d)
		d, err = r.Submit(ctx, r.f, d.ID)
		r.must(err)
		if d.Hash == old {
			t.Error("another subject has the same hash")
		}
		if _, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash); err != nil {
			t.Fatal(err)
		}
		s, err := r.Settings(ctx, r.f) // after the approval somebody moves the links elsewhere
		r.must(err)
		s.Base = "https://elsewhere.example.jp"
		r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
		r.sendAll(3 * time.Second)
		if d, err = r.Get(ctx, r.f, d.ID); err != nil || d.State != Draft || r.sink.Count() != 0 {
			t.Errorf("what nobody approved was sent: %s, %d mails, %v", d.State, r.sink.Count(), err)
		}
	})
}

func TestNobodyOutsideTheHospitalIsMailed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		ctx := as(t.Context(), trainer)
		_, _, err := r.SavePeople(ctx, r.f, []Person{{Address: "stranger@elsewhere.example"}}, false)
		r.must(err)
		d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: mailOf()})
		r.must(err)
		r.green(d)
		if _, err := r.Submit(ctx, r.f, d.ID); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Sentence(err, "ja"), "elsewhere.example") {
			t.Errorf("a stranger was queued: %v", err)
		}
		// verified when it is queued, withdrawn when it is sent
		page, err := r.People(ctx, r.f, PeopleFilter{Query: "stranger"})
		r.must(err)
		r.must(r.RemovePerson(ctx, r.f, page.People[0].ID))
		if d, err = r.Submit(ctx, r.f, d.ID); err != nil {
			t.Fatal(err)
		}
		_, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
		r.must(err)
		domains, err := r.Domains(ctx, r.f)
		r.must(err)
		gone := domains[0].Withdraw("test", time.Now())
		r.must(r.db.Write(ctx, r.f, func(tx *store.Tx) error { return r.putDomain(ctx, tx, gone) }))
		r.sendAll(5 * time.Second)
		if r.sink.Count() != 0 {
			t.Errorf("%d mails went to a domain that is no longer ours", r.sink.Count())
		}
		n, err := r.Progress(ctx, r.f, d.ID)
		r.must(err)
		if n[Skipped] != 3 {
			t.Errorf("%v", n)
		}
	})
}
