package finding_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/netid"
	"kenshin/store"
)

type bench struct {
	t   *testing.T
	db  *store.DB
	b   *finding.Book
	now time.Time
	ctx context.Context
}

func start(t *testing.T, db *store.DB) *bench {
	x := &bench{t: t, db: db, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	x.b = finding.New(db, func() time.Time { return x.now })
	x.ctx = actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "情報 太郎"})
	return x
}

func (x *bench) record(f facility.ID, results ...finding.Result) string {
	x.t.Helper()
	var changes []finding.Change
	if err := x.db.Write(x.ctx, f, func(tx *store.Tx) (err error) {
		changes, err = x.b.Record(x.ctx, tx, results)
		return err
	}); err != nil {
		x.t.Fatal(err)
	}
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%s %s@%s", c.Kind, c.Check, c.Device))
	}
	return strings.Join(out, ", ")
}

func result(check, device string, s finding.Severity, impact string) finding.Result {
	return finding.Result{Check: check, Version: "1", Device: netid.DeviceID(device), Severity: s, Impact: impact,
		Text:     finding.Text{Title: i18n.Text{Ja: check + "です", En: check}, Fix: i18n.Text{Ja: "止める", En: "Stop it"}},
		Evidence: []finding.Evidence{{Signal: "smb1", Value: "yes", At: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}}}
}

func (x *bench) list(q finding.Filter) []finding.Finding {
	x.t.Helper()
	p, err := x.b.List(x.ctx, dbtest.Facility, q)
	if err != nil {
		x.t.Fatal(err)
	}
	return p.Findings
}

func TestLifeOfAFinding(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		smb := result("smb1", "d1", finding.High, "high")
		x.record(dbtest.Canary, smb)
		step := func(want string, results ...finding.Result) {
			t.Helper()
			x.now = x.now.Add(time.Hour)
			if got := x.record(f, results...); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		step("opened smb1@d1", smb)
		step("", smb, smb)
		one := x.list(finding.Filter{})
		if len(one) != 1 || !one[0].FirstSeen.Equal(x.now.Add(-time.Hour)) || !one[0].LastSeen.Equal(x.now) || one[0].Due.Sub(one[0].FirstSeen) != 30*24*time.Hour {
			t.Fatalf("%+v", one)
		}
		if d := cmp.Diff(smb.Evidence, one[0].Evidence); d != "" || one[0].Fix.Ja != "止める" {
			t.Error(d)
		}
		away := finding.Result{Check: "smb1", Device: "d1", Outcome: finding.Unreached}
		step("", away)
		if v := x.list(finding.Filter{}); len(v) != 1 || !v[0].Stale || v[0].State != finding.Open {
			t.Errorf("a device that was not reached is no pass: %+v", v)
		}
		smb.Severity = finding.Critical
		step("worse smb1@d1", smb)
		if v := x.list(finding.Filter{}); v[0].Stale || v[0].Due.Sub(x.now) != 7*24*time.Hour {
			t.Errorf("%+v", v)
		}
		clear := finding.Result{Check: "smb1", Device: "d1", Outcome: finding.Clear}
		if err := x.b.Close(x.ctx, f, one[0].ID, "SMB1を止めた"); err != nil {
			t.Fatal(err)
		}
		step("reopened smb1@d1", smb)
		if err := x.b.Close(x.ctx, f, one[0].ID, "今度こそ"); err != nil {
			t.Fatal(err)
		}
		step("closed smb1@d1", clear)
		step("", clear)
		step("reopened smb1@d1", smb)
		h, err := x.b.History(x.ctx, f, one[0].ID)
		var states []string
		for _, s := range h {
			states = append(states, string(s.State)+" "+s.By)
		}
		if d := cmp.Diff([]string{"open 情報 太郎", "fixed 情報 太郎", "open 情報 太郎", "fixed 情報 太郎", "gone 情報 太郎", "open 情報 太郎"}, states); d != "" || err != nil {
			t.Error(d, err)
		}
		if p, err := x.b.List(x.ctx, dbtest.Canary, finding.Filter{}); err != nil || p.Total != 1 || p.Findings[0].Severity != finding.High {
			t.Errorf("the other facility: %+v %v", p, err)
		}
	})
}

func TestAcceptedUntil(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		r := result("telnet", "d1", finding.Medium, "")
		x.record(f, r)
		id := x.list(finding.Filter{})[0].ID
		for _, until := range []time.Time{x.now, x.now.AddDate(2, 0, 0)} {
			if err := x.b.Accept(x.ctx, f, id, "更新まで使う", until); !fault.Is(err, fault.Invalid) {
				t.Errorf("until %s: %v", until, err)
			}
		}
		if err := x.b.Accept(x.ctx, f, id, "", x.now.AddDate(0, 1, 0)); !fault.Is(err, fault.Invalid) {
			t.Errorf("no reason: %v", err)
		}
		if err := x.b.Accept(x.ctx, f, id, "更新まで使う", x.now.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
		x.record(f, r)
		if v := x.list(finding.Filter{}); len(v) != 0 {
			t.Errorf("accepted is not open: %+v", v)
		}
		if v := x.list(finding.Filter{States: []finding.State{finding.Accepted}}); len(v) != 1 || v[0].Reason != "更新まで使う" {
			t.Errorf("%+v", v)
		}
		x.now = x.now.AddDate(0, 1, 1)
		if v := x.list(finding.Filter{}); len(v) != 1 {
			t.Error("after its day it is open, even if no check ran")
		}
		if s, err := x.b.Summarise(x.ctx, f); err != nil || s.Open != 1 || s.Accepted != 0 {
			t.Errorf("%+v %v", s, err)
		}
		if got := x.record(f, r); got != "reopened telnet@d1" {
			t.Error(got)
		}
	})
}

func TestPartsCountsAndToday(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		a, b := result("open-share", "d1", finding.Low, "low"), result("open-share", "d1", finding.Medium, "low")
		a.Part, b.Part = "public", "scan"
		x.record(f, a, b, result("smb1", "d2", finding.High, "high"), result("smb1", "d3", finding.High, "none"), result("eol", "", finding.Critical, ""),
			result("cert", "d4", finding.Low, "none"))
		if got := x.record(f, b); got != "closed open-share@d1" {
			t.Errorf("a part that the run no longer names: %q", got)
		}
		if err := db.Read(x.ctx, f, func(tx *store.Tx) error {
			all, err := x.b.Counts(x.ctx, tx)
			if err != nil {
				return err
			}
			want := map[netid.DeviceID]finding.Count{"d1": {Open: 1, Worst: finding.Medium}, "d2": {Open: 1, Worst: finding.High}, "d3": {Open: 1, Worst: finding.High},
				"d4": {Open: 1, Worst: finding.Low}}
			if d := cmp.Diff(want, all); d != "" {
				t.Error(d)
			}
			some, err := x.b.Counts(x.ctx, tx, "d1", "d9")
			if d := cmp.Diff(map[netid.DeviceID]finding.Count{"d1": want["d1"]}, some); d != "" {
				t.Error(d)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		today := func() string {
			items, err := x.b.Today(x.ctx, f, 3)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, i := range items {
				out = append(out, fmt.Sprintf("%s@%s x%d", i.Check, i.Device, i.Devices))
			}
			return strings.Join(out, ", ")
		}
		if got := today(); got != "smb1@d2 x2, eol@ x1, open-share@d1 x1" {
			t.Error(got)
		}
		x.now = x.now.AddDate(0, 0, 8) // eol is overdue now: 4x3x2 against 3x5x1.2
		if got := today(); !strings.HasPrefix(got, "eol@ x1, smb1@d2") {
			t.Error(got)
		}
		if err := db.Write(x.ctx, f, func(tx *store.Tx) error {
			if err := x.b.Weigh(x.ctx, tx, "d4", "high"); err != nil {
				return err
			}
			if err := x.b.Merge(x.ctx, tx, "d2", "d3"); err != nil {
				return err
			}
			return x.b.Leave(x.ctx, tx, "d1", "廃棄")
		}); err != nil {
			t.Fatal(err)
		}
		if left := x.list(finding.Filter{States: []finding.State{finding.Moot}}); len(left) != 2 || left[0].Device != "d1" || left[1].Device != "d3" {
			t.Errorf("a device that left and one that was another's entry are said to be put right: %+v", left)
		}
		var got []string
		q := finding.Filter{Limit: 2}
		for {
			p, err := x.b.List(x.ctx, f, q)
			if err != nil || p.Total != 3 {
				t.Fatal(p.Total, err)
			}
			for _, v := range p.Findings {
				got = append(got, v.Check+"@"+string(v.Device))
			}
			if q.After = p.Next; q.After == "" {
				break
			}
		}
		if d := cmp.Diff([]string{"smb1@d2", "eol@", "cert@d4"}, got); d != "" {
			t.Error(d)
		}
		if _, err := x.b.List(x.ctx, f, finding.Filter{After: "!"}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if s, err := x.b.Summarise(x.ctx, f); err != nil || s.Open != 3 || s.Overdue != 1 || s.BySeverity[finding.Critical] != 1 {
			t.Errorf("%+v %v", s, err)
		}
	})
}
