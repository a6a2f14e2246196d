package drill

import (
	"reflect"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestSmallDepartmentsAreFolded(t *testing.T) {
	for _, x := range []struct {
		name     string
		by, want []Coverage
	}{
		{"large ones stay", []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "薬剤部", Of: 5, Done: 5}}, []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "薬剤部", Of: 5, Done: 5}}},
		{"small ones together", []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "検査科", Of: 3, Done: 1}, {Department: "栄養科", Of: 2, Done: 2}}, []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "その他", Of: 5, Done: 3}}},
		{"a single small one takes the next with it", []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "薬剤部", Of: 9, Done: 1}, {Department: "検査科", Of: 3, Done: 1}}, []Coverage{{Department: "看護部", Of: 30, Done: 4}, {Department: "その他", Of: 12, Done: 2}}},
		{"too few at all", []Coverage{{Department: "検査科", Of: 3, Done: 1}}, nil},
		{"nobody", nil, nil},
	} {
		if got := Fold(x.by, "その他"); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: %+v", x.name, got)
		}
	}
}

func TestANoticeCountsWhoReadIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 6)
		var c clock
		r.Book.now = c.now
		ctx := as(t.Context(), trainer)
		d, err := r.Save(ctx, r.f, Drill{Name: "お知らせ", Mode: Course, Mail: Mail{FromName: "見本病院", FromLocal: "kunren", Subject: "訓練についてのお知らせ", Text: "{{氏名}} 様\n\n訓練をします。\n\n{{リンク}}\n"}, Schedule: Schedule{Rate: 1000}})
		r.must(err)
		d, err = r.Submit(ctx, r.f, d.ID)
		r.must(err)
		d, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
		r.must(err)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{Department: "看護部"})
		r.must(err)
		counter := r.Counter()
		defer counter.Close()
		for range 2 { // pressed twice: one reader
			_, known, err := counter.Arrive(ctx, Arrival{Token: r.token(d.ID, page.Targets[0].ID, Visited), Signal: Read, Method: "POST"})
			if r.must(err); !known {
				t.Fatal("the notice's link is nobody's")
			}
		}
		check := func(when string) {
			t.Helper()
			all, by, err := r.Received(ctx, r.f, d.ID)
			r.must(err)
			if all.Of != 6 || all.Done != 1 || len(by) != 3 {
				t.Fatalf("%s: %+v %+v", when, all, by)
			}
			for _, c := range by {
				if c.Of != 2 || c.Done != map[string]int{"看護部": 1}[c.Department] {
					t.Errorf("%s: %+v", when, c)
				}
			}
		}
		check("at once")
		r.must(r.Close(ctx, r.f, d.ID))
		c.forward(200 * 24 * time.Hour)
		for more := true; more; {
			more, err = r.ForgetNames(ctx, r.f)
			r.must(err)
		}
		check("without names")
	})
}
