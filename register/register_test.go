package register_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/register"
	"kenshin/store"
)

// TestKindsFeedChecksThatExist also reads the whole file: a mistake in it would stop the program.
func TestKindsFeedChecksThatExist(t *testing.T) {
	checks, err := catalogue.LoadChecks()
	if err != nil {
		t.Fatal(err)
	}
	fed := map[string]bool{}
	for _, k := range register.Kinds() {
		for _, id := range k.Feeds {
			if _, ok := checks.Find(id); !ok {
				t.Errorf("%s feeds %s, which is no check", k.ID, id)
			}
			fed[id] = true
		}
	}
	for _, c := range checks {
		if c.By == "register" && !c.Later && !fed[c.ID] {
			t.Errorf("no register feeds %s", c.ID)
		}
	}
	for _, id := range strings.Fields(`officer contacts backups restores bcp drills-held training rules rights proofs-of-identity account-reviews accounts leavers usb-rule
		usb-reviews log-reviews password-rule two-factor firmware contracts outside zones remote-sessions log-sources diagrams mds services-allowed risks audits audit-remarks budget remarks notices`) {
		if _, err := register.KindOf(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRowsAreKeptConfirmedAndRemoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		b := register.New(db, func() time.Time { now = now.Add(time.Second); return now })
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "情報 太郎"})
		f := dbtest.Facility
		row, err := b.Save(ctx, f, register.Row{Kind: "contacts", Owner: "情報 太郎", Values: map[string]string{"group": "院内", "name": "髙﨑 一郎", "phone": "03-1111-2222", "order": "１"}})
		if err != nil {
			t.Fatal(err)
		}
		if row.Values["group"] != "inside" || row.Values["name"] != "髙﨑 一郎" || row.Values["order"] != "1" || !row.Overdue("2026-11-22") {
			t.Errorf("a number that was never tried is due at once: %+v", row)
		}
		old := row
		if row, err = b.Confirm(ctx, f, row.ID, "R8.11.20"); err != nil || row.Values["tested"] != "2026-11-20" || row.Values["result"] != "reached" || row.Due != "2027-05-19" {
			t.Fatalf("%+v %v", row, err)
		}
		for _, on := range []string{"2026-11-22", "2026-11", "令和8年11月31日", "2026-11-19"} {
			if _, err := b.Confirm(ctx, f, row.ID, on); !fault.Is(err, fault.Invalid) {
				t.Errorf("confirmed on %s: %v", on, err)
			}
		}
		old.Values["phone"] = "03-9999-9999"
		if _, err := b.Save(ctx, f, old); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), "情報 太郎") {
			t.Errorf("a stale edit: %v", err)
		}
		if err := b.Remove(ctx, f, row.ID, row.Revision, " "); !fault.Is(err, fault.Invalid) {
			t.Errorf("removed without a reason: %v", err)
		}
		if err := b.Remove(ctx, f, row.ID, row.Revision, "異動のため"); err != nil {
			t.Fatal(err)
		}
		if rows, err := b.Rows(ctx, f, "contacts"); err != nil || len(rows) != 0 {
			t.Errorf("%v %v", rows, err)
		}
		h, err := b.History(ctx, f, row.ID)
		if err != nil || len(h) < 4 || h[0].Kind != "removed" || h[0].Reason != "異動のため" || !strings.Contains(h[0].Before, "髙﨑") || h[len(h)-1].Kind != "added" {
			t.Errorf("history: %+v %v", h, err)
		}
	})
}

func TestEverythingThatIsWrongWithARowIsSaid(t *testing.T) {
	b := register.New(dbtest.SQLite(t), func() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) })
	_, err := b.Save(t.Context(), dbtest.Facility, register.Row{Kind: "officer", Values: map[string]string{"role": "社長", "appointed": "令和9年4月1日", "hours": "百", "surprise": "x"}})
	var all register.Problems
	if !errors.As(err, &all) || !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range all {
		keys = append(keys, p.Key)
	}
	if got := strings.Join(keys, " "); got != "surprise name role appointed hours" {
		t.Error(got, err)
	}
}

// What signed sheets write is not written by hand too: two places for one thing would disagree. Rows from before can still be removed.
func TestCopiesOfSignedSheetsAreNotWrittenByHand(t *testing.T) {
	db := dbtest.SQLite(t)
	b, ctx, f := register.New(db, func() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) }), t.Context(), dbtest.Facility
	old := register.Row{Kind: "risks", Values: map[string]string{"threat": "水害", "assessed": "2025-11-01"}}
	if _, err := b.Save(ctx, f, old); !fault.Is(err, fault.Conflict) {
		t.Errorf("by hand: %v", err)
	}
	if _, err := b.Take(ctx, f, "budget", nil, false, "a.xlsx"); !fault.Is(err, fault.Conflict) {
		t.Errorf("by import: %v", err)
	}
	err := db.Write(ctx, f, func(tx *store.Tx) (err error) {
		old, err = b.SaveTx(ctx, tx, old) // as a signed sheet does, or an older Kenshin did
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Confirm(ctx, f, old.ID, "2026-11-20"); !fault.Is(err, fault.Conflict) {
		t.Errorf("by confirming: %v", err)
	}
	if err := b.Remove(ctx, f, old.ID, old.Revision, "表に写した"); err != nil {
		t.Error(err)
	}
}

func TestWhenARowIsDue(t *testing.T) {
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	b := register.New(dbtest.SQLite(t), func() time.Time { return now })
	add := func(kind string, values ...string) {
		t.Helper()
		m := map[string]string{}
		for i := 0; i < len(values); i += 2 {
			m[values[i]] = values[i+1]
		}
		if _, err := b.Save(t.Context(), dbtest.Facility, register.Row{Kind: kind, Values: m}); err != nil {
			t.Fatal(err)
		}
	}
	add("officer", "name", "a", "role", "officer", "appointed", "2020-04-01") // written today, so it was right today
	add("bcp", "title", "a", "approved", "令和7年4月")                            // only the approval counts
	add("restores", "tested", "2025-01-10", "system", "s1", "result", "ok")
	add("restores", "tested", "2026-03-01", "system", "s1", "result", "ok") // the newest of a system
	add("restores", "tested", "2024-03-01", "system", "s2", "result", "ok")
	add("contracts", "vendor", "v", "what", "w", "split", "written", "until", "2026-12") // ends earlier than it has to be looked at
	add("notices", "received", "2026-11-01", "title", "a", "by_when", "2026-11-10")
	add("notices", "received", "2026-11-01", "title", "b", "by_when", "2026-11-10", "done_on", "2026-11-09")
	want := map[string]string{"officer": "2027-11-21", "bcp": "2026-04-01", "restores": " 2027-03-01 2025-03-01", "contracts": "2026-12-31", "notices": "2026-11-10 "}
	all, err := b.All(t.Context(), dbtest.Facility)
	if err != nil {
		t.Fatal(err)
	}
	for kind, due := range want {
		var got []string
		for _, r := range all[kind] {
			got = append(got, r.Due)
		}
		if s := strings.Join(got, " "); s != due {
			t.Errorf("%s: due %q, want %q", kind, s, due)
		}
	}
}
