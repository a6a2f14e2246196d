package drill

import (
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// The link of the text and the one in the QR picture are two signs, whoever follows which: in the list, its filters, the totals and for the button
// that is pressed on the page behind.
func TestTheQRCodeIsASignOfItsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 9)
		ctx := as(t.Context(), trainer)
		m := mailOf()
		m.HTML, m.QR = `<p>{{氏名}} 様</p><p><a href="{{リンク}}">申し込む</a></p><p>{{QR}}</p>`, true
		d, err := r.Save(ctx, r.f, Drill{Name: "QRの訓練", Mail: m, Schedule: Schedule{Rate: 1000}})
		r.must(err)
		r.green(d)
		d, err = r.Submit(ctx, r.f, d.ID)
		r.must(err)
		_, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
		r.must(err)
		r.sendAll(20 * time.Second)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
		r.must(err)
		hand := func(i int, of Signal) {
			c := r.Counter()
			defer c.Close()
			for _, s := range []Signal{of, Confirm} {
				_, known, err := c.Arrive(ctx, Arrival{Token: r.token(d.ID, page.Targets[i].ID, of), Signal: s, Method: map[bool]string{true: "POST", false: "GET"}[s == Confirm], Agent: "Mozilla/5.0 (iPhone) Safari/605"})
				if r.must(err); !known {
					t.Fatal("an unknown token")
				}
			}
		}
		hand(0, Scanned)
		hand(1, Visited)
		r.arrive(d.ID, page.Targets[2].ID, Visited) // a machine's, perhaps; then the phone
		hand(2, Scanned)
		r.must(r.Judge(ctx, r.f, d.ID))
		is := func(show Shown, want ...int) {
			t.Helper()
			got, err := r.Targets(ctx, r.f, d.ID, TargetFilter{Show: []Shown{show}})
			r.must(err)
			if len(got.Targets) != len(want) {
				t.Fatalf("%s: %d recipients", show, len(got.Targets))
			}
			for i, n := range want {
				if got.Targets[i].ID != page.Targets[n].ID {
					t.Errorf("%s: not recipient %d", show, n)
				}
			}
		}
		is(ShowScanned, 0, 2)
		is(ShowVisited, 1, 2)
		is(ShowFell, 0, 1, 2)
		is(ShowQuiet, 3, 4, 5, 6, 7, 8)
		first, _, err := r.Target(ctx, r.f, d.ID, page.Targets[0].ID)
		r.must(err)
		if first.First[Scanned].IsZero() || first.ByPerson[Scanned].IsZero() || !first.First[Visited].IsZero() || !first.ByPerson[Visited].IsZero() {
			t.Errorf("a hand behind the QR code: %+v %+v", first.First, first.ByPerson)
		}
		both, _, err := r.Target(ctx, r.f, d.ID, page.Targets[2].ID)
		r.must(err)
		if both.ByPerson[Scanned].IsZero() || !both.ByPerson[Visited].IsZero() && both.ByPerson[Visited].Equal(both.ByPerson[Scanned]) {
			t.Errorf("pressed behind the QR code, counted for the link: %+v", both.ByPerson)
		}
		sums, err := r.Totals(ctx, r.f, Period{Drill: d.ID})
		r.must(err)
		if a := sums.All; a.QRRaw != 2 || a.QRPerson != 2 || a.URLRaw != 2 || a.Fell != 3 {
			t.Errorf("%+v", a)
		}
	})
}
