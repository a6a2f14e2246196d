package finding_test

import (
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestWhatWasLeftComesBackByItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		x.record(f, result("smb1", "d1", finding.High, "high"), result("ftp", "d2", finding.Low, "low"))
		x.record(dbtest.Canary, result("smb1", "d1", finding.High, "high"))
		list := x.list(finding.Filter{})
		if err := x.b.Accept(x.ctx, f, list[0].ID, "更新まで使う", x.now.AddDate(0, 1, 0)); err != nil {
			t.Fatal(err)
		}
		if back, err := x.b.Lapse(x.ctx, f); err != nil || len(back) != 0 {
			t.Fatalf("before its day: %+v %v", back, err)
		}
		x.now = x.now.AddDate(0, 1, 1)
		back, err := x.b.Lapse(x.ctx, f)
		if err != nil || len(back) != 1 || back[0].ID != list[0].ID {
			t.Fatalf("%+v %v", back, err)
		}
		if again, err := x.b.Lapse(x.ctx, f); err != nil || len(again) != 0 {
			t.Errorf("twice: %+v %v", again, err)
		}
		if came, err := x.b.CameBack(x.ctx, f, x.now.AddDate(0, 0, -7)); err != nil || len(came) != 1 {
			t.Errorf("%+v %v", came, err)
		}
		if came, err := x.b.CameBack(x.ctx, f, x.now.AddDate(0, 0, 1)); err != nil || len(came) != 0 {
			t.Errorf("%+v %v", came, err)
		}
		h, err := x.b.History(x.ctx, f, list[0].ID)
		if last := h[len(h)-1]; err != nil || last.State != finding.Open || last.Reason != "lapsed" {
			t.Errorf("%+v %v", last, err)
		}
	})
}

func TestSourcesOwnersAndManyAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		x.record(f, result("smb1", "d1", finding.High, "high"), result("ftp", "d2", finding.Low, "low"), result("drill.real-phish", "", finding.High, ""))
		count := func(want int, q finding.Filter) {
			t.Helper()
			if got := x.list(q); len(got) != want {
				t.Errorf("%+v: %d, want %d", q, len(got), want)
			}
		}
		count(2, finding.Filter{Source: finding.Devices})
		count(1, finding.Filter{Source: finding.Mails})
		count(0, finding.Filter{Source: finding.Audits})
		var ids []string
		for _, v := range x.list(finding.Filter{Source: finding.Devices}) {
			ids = append(ids, v.ID)
		}
		due := x.now.AddDate(0, 0, 3)
		if got, err := x.b.AssignAll(x.ctx, f, ids, "髙﨑 花子", due); err != nil || len(got) != 2 {
			t.Fatal(got, err)
		}
		count(2, finding.Filter{Owner: "髙﨑 花子", DueUntil: due.Add(time.Second)})
		count(1, finding.Filter{Nobody: true})
		if _, err := x.b.AssignAll(x.ctx, f, append(ids, "no-such"), "佐藤", due); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		count(2, finding.Filter{Owner: "髙﨑 花子"})
		for name, bad := range map[string]func() error{
			"none":    func() error { _, err := x.b.AssignAll(x.ctx, f, nil, "佐藤", due); return err },
			"nothing": func() error { _, err := x.b.AssignAll(x.ctx, f, ids, "", time.Time{}); return err },
		} {
			if err := bad(); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := x.b.AssignAll(x.ctx, dbtest.Canary, ids, "佐藤", due); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility's: %v", err)
		}
	})
}

func TestTasksOfASheet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		f := dbtest.Facility
		task := func(part, owner string, day int) finding.Result {
			return finding.Result{Part: part, Severity: finding.Medium, Owner: owner, Due: x.now.AddDate(0, 0, day), Text: finding.Text{Title: i18n.Text{Ja: part, En: part}}}
		}
		keep := func(want ...finding.Result) {
			t.Helper()
			if err := db.Write(x.ctx, f, func(tx *store.Tx) error { return x.b.Keep(x.ctx, tx, "audit.correction", want) }); err != nil {
				t.Fatal(err)
			}
		}
		x.record(f, result("audit.other", "", finding.Low, ""))
		keep(task("a", "佐藤", 10), task("b", "", 20))
		open := x.list(finding.Filter{Check: "audit.correction"})
		if len(open) != 2 || open[0].Owner != "佐藤" {
			t.Fatalf("%+v", open)
		}
		if err := x.b.Close(x.ctx, f, open[0].ID, "直した"); err != nil {
			t.Fatal(err)
		}
		keep(task("a", "佐藤", 10), task("b", "田中", 30))
		open = x.list(finding.Filter{Check: "audit.correction"})
		if len(open) != 1 || open[0].Part != "b" || open[0].Owner != "田中" || !open[0].Due.Equal(x.now.AddDate(0, 0, 30)) {
			t.Errorf("what a person closed stays closed, what the sheet changed is changed: %+v", open)
		}
		keep()
		if got := x.list(finding.Filter{Check: "audit.correction", States: []finding.State{finding.Gone}}); len(got) != 2 {
			t.Errorf("%+v", got)
		}
		keep(task("a", "佐藤", 10))
		if got := x.list(finding.Filter{}); len(got) != 2 {
			t.Errorf("what the sheet names again is open again, others are untouched: %+v", got)
		}
	})
}
