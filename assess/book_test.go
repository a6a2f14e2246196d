package assess_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
)

// rig is a hospital with a clock that a test moves.
type rig struct {
	*assess.Book
	db    *store.DB
	books assess.Options
	now   time.Time
	ctx   context.Context
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{db: db, now: now, ctx: as(t, "情報 太郎")}
	clock := func() time.Time { return r.now }
	shipped := set(t)
	r.books = assess.Options{Evidence: evidence.New(db, clock), Findings: finding.New(db, clock), Ledger: ledger.Open(db, ledger.Options{Now: clock}), Suppliers: supplier.New(db, clock),
		Registers: register.New(db, clock), Seen: observation.New(db), Gates: gate.NewBook(db, seal.NewBox(), clock), Now: clock, Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }}
	var err error
	if r.Book, err = assess.NewBook(db, r.books); err != nil {
		t.Fatal(err)
	}
	return r
}

func as(t *testing.T, name string) context.Context {
	return actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: name, Name: name, Role: actor.Admin})
}

const r7 = "checklist-r7-facility"

func TestTwoPeopleEditOneItem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		f := dbtest.Facility
		first, err := r.SaveClaim(r.ctx, f, r7, "", "r7.2.1", 0, yes(1), "台帳は総務の棚にあります", "")
		if err != nil || first != 1 {
			t.Fatal(first, err)
		}
		second, err := r.SaveClaim(as(t, "髙﨑 花子"), f, r7, "", "r7.2.1", first, no(0), "", "")
		if err != nil || second != 2 {
			t.Fatal(second, err)
		}
		if _, err := r.SaveClaim(r.ctx, f, r7, "", "r7.2.1", first, yes(0), "後から", ""); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), "髙﨑 花子") {
			t.Errorf("a late answer: %v", err)
		}
		if _, err := r.SaveClaim(r.ctx, f, r7, "", "r7.2.1", 0, yes(0), "", ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("an answer from an empty form: %v", err)
		}
		h, err := r.History(r.ctx, f, r7, "", "r7.2.1")
		if err != nil || len(h) != 2 || h[1].Reply != catalogue.Yes || h[1].Note != "台帳は総務の棚にあります" || h[0].ByName != "髙﨑 花子" {
			t.Errorf("%+v %v", h, err)
		}
		a, err := r.Assessment(r.ctx, f, r7, "")
		i, _ := a.Item("r7.2.1")
		if err != nil || i.State != assess.NotDone || i.Revision != 2 || i.Claim.Target.IsZero() || a.First.Ready != 1 {
			t.Errorf("%+v %v", i, err)
		}
		if other, err := r.Assessment(r.ctx, dbtest.Canary, r7, ""); err != nil || other.First.Ready != 0 {
			t.Errorf("another facility: %+v %v", other.First, err)
		}
	})
}
