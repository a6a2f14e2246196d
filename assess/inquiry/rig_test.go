package inquiry

import (
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/supplier"
)

type houses struct{}

func (houses) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: "見本総合病院", Zone: "Asia/Tokyo"}, nil
}

type posted struct{ to, subject, text string }

// rig is a hospital with two systems of one vendor and one of another.
type rig struct {
	t       *testing.T
	db      *store.DB
	book    *Book
	now     time.Time
	mails   []posted
	relay   bool
	claimed []Inquiry
	emr     ledger.System
	pacs    ledger.System
	lab     ledger.System
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, now: time.Date(2026, 11, 2, 10, 0, 0, 0, time.FixedZone("JST", 9*3600)), relay: true}
	clock := func() time.Time { return r.now }
	suppliers, book := supplier.New(db, clock), ledger.Open(db, ledger.Options{Now: clock})
	r.book = NewBook(Deps{DB: db, Houses: houses{}, Ledger: book, Suppliers: suppliers, Findings: finding.New(db, clock), Now: clock,
		Catalogues: func(context.Context) (catalogue.Set, error) { return catalogue.Embedded() },
		Post: func(_ context.Context, _ *store.Tx, to []string, subject, text, _ string) (bool, error) {
			if r.relay {
				r.mails = append(r.mails, posted{strings.Join(to, ","), subject, text})
			}
			return r.relay, nil
		},
		Claims: func(_ context.Context, _ facility.ID, i Inquiry, _ map[string]Answer, _ string, _ bool) error {
			r.claimed = append(r.claimed, i)
			return nil
		}})
	ctx := r.ctx()
	a, err := suppliers.Save(ctx, dbtest.Facility, supplier.Supplier{Name: "㈱髙﨑システム", Contacts: []supplier.Contact{{Name: "保守窓口", Mail: "hoshu@takasaki.example.jp"}}})
	r.must(err)
	b, err := suppliers.Save(ctx, dbtest.Facility, supplier.Supplier{Name: "丙検査サービス"})
	r.must(err)
	save := func(name, vendor string) ledger.System {
		s, err := book.SaveSystem(ctx, dbtest.Facility, ledger.System{Name: name, VendorID: vendor})
		r.must(err)
		return *s
	}
	r.emr, r.pacs, r.lab = save("電子カルテ", a.ID), save("PACS", a.ID), save("検体検査", b.ID)
	save("院内ファイル共有", "")
	r.must(r.book.SaveSettings(ctx, dbtest.Facility, Settings{Base: "https://kaitou.example.jp", Contact: "情報システム室 佐藤（内線1234）", Support: "shien@example.jp", Days: 60, Weeks: 4, Remind: []int{7, 1}}))
	return r
}

func (r *rig) ctx() context.Context {
	return actor.With(r.t.Context(), actor.Actor{Kind: actor.Person, ID: "p-1", Name: "情報 太郎", Role: actor.Admin})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) token(l Link) string {
	r.t.Helper()
	token, ok := strings.CutPrefix(l.Address, "https://kaitou.example.jp/f/")
	if !ok || len(token) != tokenLength {
		r.t.Fatalf("the link %q is none", l.Address)
	}
	return token
}

// ask sends the form for one system and returns its token and inquiry.
func (r *rig) ask(s ledger.System) (string, Inquiry) {
	r.t.Helper()
	letters, left, err := r.book.AskVendors(r.ctx(), dbtest.Facility, []string{s.ID}, time.Time{}, "")
	r.must(err)
	if len(letters) != 1 || len(letters[0].Links) != 1 || len(left) != 0 {
		r.t.Fatalf("%d letters, left out %v", len(letters), left)
	}
	return r.token(letters[0].Links[0]), letters[0].Links[0].Inquiry
}

// all answers every item alike.
func (r *rig) all(i Inquiry, reply catalogue.Reply) map[string]Answer {
	r.t.Helper()
	_, items, err := r.book.Items(r.ctx(), i)
	r.must(err)
	out := map[string]Answer{}
	for _, item := range items {
		out[item.ID] = Answer{Reply: reply, On: "2026-11-02"}
	}
	return out
}

func (r *rig) submit(token string, i Inquiry) {
	r.t.Helper()
	_, err := r.book.Save(r.t.Context(), token, Saving{Sheet: mainSheet, Seat: "a", Submit: true, Filling: Filling{Answers: r.all(i, catalogue.Yes), By: "髙﨑 一郎", Company: "㈱髙﨑システム"}})
	r.must(err)
}

func (r *rig) get(id string) Inquiry {
	r.t.Helper()
	i, err := r.book.Get(r.ctx(), dbtest.Facility, id)
	r.must(err)
	return i
}
