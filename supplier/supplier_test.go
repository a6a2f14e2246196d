package supplier_test

import (
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
	"kenshin/supplier"
)

func TestSuppliers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		d := supplier.New(db, func() time.Time { now = now.Add(time.Second); return now })
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "情報 太郎"})
		f := dbtest.Facility
		v, err := d.Save(ctx, f, supplier.Supplier{Name: "　（株）テスト医療  システム", Reading: "テストイリョウシステム", Kind: supplier.Maintenance,
			Contacts:  []supplier.Contact{{Role: "夜間緊急", Phone: "０３－１２３４－５６７８", Mail: "help@example.jp"}, {}},
			Contracts: []supplier.Contract{{What: "電子カルテ保守", From: "R6.4.1", To: "令和9年3月"}}})
		if err != nil {
			t.Fatal(err)
		}
		if v.Name != "（株）テスト医療 システム" || v.Contacts[0].Phone != "03-1234-5678" || len(v.Contacts) != 1 || v.Contracts[0].To != "2027-03" {
			t.Errorf("%+v", v)
		}
		if _, err := d.Save(ctx, dbtest.Canary, supplier.Supplier{Name: "株式会社テスト医療システム"}); err != nil {
			t.Fatal(err)
		}
		old := v
		v.Notes = "24時間対応"
		if v, err = d.Save(ctx, f, v); err != nil || v.Revision != 2 {
			t.Fatal(v, err)
		}
		if _, err := d.Save(ctx, f, old); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), "情報 太郎") {
			t.Errorf("a stale edit: %v", err)
		}
		for _, name := range []string{"㈱テスト医療システム", "株式会社テスト医療システム"} {
			if m, err := d.Match(ctx, f, name); err != nil || len(m) != 1 || m[0].ID != v.ID {
				t.Errorf("%s: %v %v", name, m, err)
			}
		}
		if l, err := d.List(ctx, f, "ﾃｽﾄ"); err != nil || len(l) != 1 {
			t.Errorf("search: %v %v", l, err)
		}
		if l, err := d.List(ctx, f, "なし"); err != nil || len(l) != 0 {
			t.Errorf("search: %v %v", l, err)
		}
		if err := d.Remove(ctx, f, v.ID, v.Revision); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Get(ctx, f, v.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed: %v", err)
		}
		h, err := d.History(ctx, f, v.ID)
		if err != nil || len(h) != 3 || h[0].Kind != "removed" || h[1].Field != "notes" || h[1].By != "情報 太郎" || h[2].Kind != "added" {
			t.Errorf("history: %+v %v", h, err)
		}
		if l, _ := d.List(ctx, dbtest.Canary, ""); len(l) != 1 {
			t.Error("the other facility's vendor is gone")
		}
	})
}

func TestBadSuppliers(t *testing.T) {
	d := supplier.New(dbtest.SQLite(t), time.Now)
	for _, v := range []supplier.Supplier{{}, {Name: "a", Kind: "x"}, {Name: strings.Repeat("あ", 200)}, {Name: "a", Contacts: []supplier.Contact{{Mail: "not mail"}}},
		{Name: "a", Contracts: []supplier.Contract{{What: "x", From: "2025", To: "2024-01"}}}, {Name: "a", Contracts: []supplier.Contract{{What: "x", To: "いつか"}}}} {
		if _, err := d.Save(t.Context(), dbtest.Facility, v); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%+v: %v", v, err)
		}
	}
	if at, ok := supplier.Ends("2028-02"); !ok || at.Day() != 29 {
		t.Error(at)
	}
}
