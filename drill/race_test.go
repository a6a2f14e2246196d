package drill

import (
	"sync"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// 200 people report while their links are followed: nothing of either is lost, in the arrivals and in the lists that screens filter.
func TestReportsRaceVisits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		const staff = 200
		r := newRig(t, db, staff)
		d := r.approved(1000)
		r.sendAll(60 * time.Second)
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{Limit: staff})
		r.must(err)
		if len(page.Targets) != staff {
			t.Fatalf("%d recipients", len(page.Targets))
		}
		c := r.Counter()
		defer c.Close()
		var all sync.WaitGroup
		for _, to := range page.Targets {
			for _, s := range []Signal{Visited, Reported} {
				token := r.token(d.ID, to.ID, s)
				all.Go(func() {
					if _, known, err := c.Arrive(t.Context(), Arrival{Token: token, Signal: map[Signal]Signal{Reported: Reported}[s], Method: map[bool]string{true: "POST", false: "GET"}[s == Reported], Agent: "Mozilla/5.0"}); err != nil || !known {
						t.Errorf("%v %v", known, err)
					}
				})
			}
		}
		judged := make(chan error, 1)
		go func() { judged <- r.Judge(t.Context(), r.f, d.ID) }() // judging in between takes nothing away
		all.Wait()
		r.must(<-judged)
		r.must(r.Judge(t.Context(), r.f, d.ID))
		for _, show := range []Shown{ShowVisited, ShowReported} {
			if got, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{Show: []Shown{show}, Limit: 1}); err != nil || got.Total != staff {
				t.Errorf("%s: %d of %d, %v", show, got.Total, staff, err)
			}
		}
		var events int
		r.must(db.Read(t.Context(), r.f, func(tx *store.Tx) error {
			return tx.Row(t.Context(), "SELECT count(*) FROM drill_events e WHERE e.facility_id = $1 AND e.drill_id = $2", d.ID).Scan(&events)
		}))
		if events != 2*staff {
			t.Errorf("%d of %d arrivals", events, 2*staff)
		}
	})
}
