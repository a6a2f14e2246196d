package drill

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kenshin/drill/hit"
	"kenshin/internal/dbtest"
	"kenshin/jp"
	"kenshin/store"
)

func TestTrainingRollAndCoverage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 18) // six in each of three departments
		ctx := as(t.Context(), trainer)
		var c clock
		tokyo := time.FixedZone("", 9*3600)
		c.forward(time.Until(time.Date(2030, time.April, 1, 0, 30, 0, 0, tokyo)))
		r.Book.now = c.now
		r.verify("hospital.example.jp")
		d := r.approved(1000)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{Department: "看護部"})
		r.must(err)
		sets := mustBook(t).Sets
		for i, to := range []int{0, 1, 0, 0} { // one of them finishes two lessons, one of these twice
			_, err := r.FinishLesson(ctx, Landed{Facility: r.f, Drill: d.ID, Target: page.Targets[to].ID}, sets[max(0, i-2)])
			r.must(err)
		}
		_, err = r.FinishLesson(ctx, Landed{Facility: r.f, Drill: d.ID, Target: page.Targets[0].ID}, sets[1])
		r.must(err)
		list, next, err := r.Roll(ctx, r.f, RollFilter{Limit: 2})
		r.must(err)
		if len(list) != 2 || next == "" || list[0].Name == "" || list[0].Title.Ja == list[0].Lesson || list[0].Questions != 3 || list[0].Department != "看護部" {
			t.Errorf("%+v %q", list, next)
		}
		rest, next, err := r.Roll(ctx, r.f, RollFilter{Limit: 2, After: next})
		if err != nil || len(rest) != 1 || next != "" {
			t.Errorf("%d more, %q, %v", len(rest), next, err)
		}
		check := func(year, want int, least bool) {
			t.Helper()
			all, by, err := r.Covered(ctx, r.f, year)
			r.must(err)
			if all.Of != 18 || all.Done != want || len(by) != 3 || all.AtLeast != least {
				t.Errorf("%d: %+v %+v", year, all, by)
			}
			for _, c := range by {
				if c.Department == "看護部" && c.Done != want || c.Department != "看護部" && c.Done != 0 || c.Of != 6 || !c.Shown() {
					t.Errorf("%d: %+v", year, c)
				}
			}
		}
		check(2030, 2, false)
		check(2029, 0, false) // half past midnight on the first of April is the new year, in Japan
		r.must(r.Close(ctx, r.f, d.ID))
		c.forward(181 * 24 * time.Hour)
		_, err = r.ForgetNames(ctx, r.f)
		r.must(err)
		check(2030, 2, true)
	})
}

func TestReleasesAreTakenFromAList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		ctx := as(t.Context(), trainer)
		var c clock
		r.Book.now = c.now
		draft, err := r.Save(ctx, r.f, Drill{Name: "下書き", Mail: mailOf()})
		r.must(err)
		if _, err := r.ImportReleases(ctx, r.f, draft.ID, "a.csv", []byte("staff00000@hospital.example.jp,2030-01-01 10:00")); err == nil {
			t.Error("released before it was sent")
		}
		d := r.approved(1000)
		r.untilSent(&c, d.ID)
		c.forward(2 * time.Hour)
		tokyo := time.FixedZone("", 9*3600)
		at := c.now().Add(-time.Hour).In(tokyo).Truncate(time.Minute)
		list := strings.Join([]string{"受信者,件名,取り出した時刻",
			"staff00000@hospital.example.jp,お荷物," + at.Format("2006/1/2 15:04"),
			"STAFF00001＠hospital.example.jp,お荷物," + at.Format(time.RFC3339),
			"staff00000@hospital.example.jp,お荷物," + at.Format("2006-01-02 15:04:05"), // the first one in other words
			"stranger@hospital.example.jp,お荷物," + at.Format("2006/1/2 15:04"),
			"staff00002@hospital.example.jp,お荷物,きのう",
			"髙﨑,お荷物," + at.Format("2006/1/2 15:04"),
			"staff00002@hospital.example.jp,お荷物,2001/1/1 10:00",
			"staff00002@hospital.example.jp,お荷物,2101/1/1 10:00"}, "\r\n")
		cp932, ok := jp.Encode932(list)
		if !ok {
			t.Fatal("not in CP932")
		}
		for round, data := range [][]byte{[]byte(list), cp932} {
			out, err := r.ImportReleases(ctx, r.f, d.ID, "取り出し.csv", data)
			r.must(err)
			if added := []int{2, 0}[round]; out.Added != added || out.Known != 3-added {
				t.Errorf("round %d: %+v", round, out)
			}
			lines := map[int]bool{}
			for _, e := range out.Rejected {
				if e.Why.Ja == "" || e.Why.En == "" {
					t.Errorf("line %d without a reason", e.Line)
				}
				lines[e.Line] = true
			}
			if fmt.Sprint(lines) != "map[5:true 6:true 7:true 8:true 9:true]" {
				t.Errorf("%v", lines)
			}
		}
		r.must(r.Judge(ctx, r.f, d.ID))
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{Show: []Shown{ShowReleased}})
		r.must(err)
		if page.Total != 2 || !page.Targets[0].First[Released].Equal(at) {
			t.Errorf("%+v", page)
		}
		_, events, err := r.Target(ctx, r.f, d.ID, page.Targets[0].ID)
		if err != nil || len(events) != 1 || events[0].Method != hit.ByList {
			t.Errorf("%+v %v", events, err)
		}
	})
}

func FuzzReleases(f *testing.F) {
	f.Add([]byte("受信者,時刻\nstaff@hospital.example.jp,2030/1/1 9:30\n"))
	f.Add([]byte("\xef\xbb\xbf\"a@b.example\n,\",２０３０/１/１ ９:３０"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, rejected, err := readReleases("x.csv", data, time.UTC)
		for _, r := range rows {
			if r.address == "" || r.at.IsZero() || r.line < 1 {
				t.Errorf("%+v", r)
			}
		}
		for _, r := range rejected {
			if r.Line < 1 || r.Why.Ja == "" {
				t.Errorf("%+v", r)
			}
		}
		_ = err
	})
}
