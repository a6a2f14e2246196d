package drill

import (
	"fmt"
	"slices"
	"testing"
	check "testing/quick"
	"time"

	"kenshin/drill/rate"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// Whoever may see totals chooses any two periods and subtracts: what is left is never about fewer than five people of a drill, be it of the hospital,
// of a department, or of the hospital without the departments that are shown.
func TestNoTwoTotalsTellOfASinglePerson(t *testing.T) {
	whole := func(sizes [][4]uint8) bool {
		sizes = sizes[:min(len(sizes), 6)]
		drills := map[string][]Totals{}
		for i, s := range sizes {
			id := fmt.Sprintf("d%d", i)
			for n, size := range s {
				if size %= 12; size > 0 {
					drills[id] = append(drills[id], Totals{Drill: id, Day: id, Department: fmt.Sprintf("部署%d", n), Sent: int(size), Fell: 1})
				}
			}
		}
		// any set of whole drills is the worst that periods can be chosen to; those that differ in one drill show that drill's own share
		for id := range drills {
			with, without := addUp(drills, false), Sums{}
			rest := map[string][]Totals{}
			for other, cells := range drills {
				if other != id {
					rest[other] = cells
				}
			}
			without = addUp(rest, false)
			left := with.All.Sent - without.All.Sent
			if left != 0 && left < rate.Smallest {
				t.Logf("%d people are left of %v", left, drills[id])
				return false
			}
			for _, d := range with.ByDepartment {
				if d.Hidden {
					if d.Fell != 0 {
						return false
					}
					continue
				}
				at := slices.IndexFunc(without.ByDepartment, func(o Totals) bool { return o.Department == d.Department && !o.Hidden })
				more := d.Sent
				if at >= 0 {
					more -= without.ByDepartment[at].Sent
				}
				if left -= more; more != 0 && more < rate.Smallest {
					t.Logf("%d people of %s are left of %v", more, d.Department, drills[id])
					return false
				}
			}
			if left != 0 && left < rate.Smallest {
				t.Logf("the departments that are hidden have %d people in %v", left, drills[id])
				return false
			}
		}
		return true
	}
	if err := check.Check(whole, &check.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

// A recipient whose mail was deferred past midnight is no day of their own, and a drill of four is in no sum.
func TestDrillsCountWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 6)
		d := r.approved(1000)
		r.sendAll(20 * time.Second)
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		late := time.Now().AddDate(0, 0, 1)
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE drill_targets SET accepted_at = $3 WHERE facility_id = $1 AND id = $2", page.Targets[0].ID, store.Micros(late))
			return err
		}))
		r.arrive(d.ID, page.Targets[0].ID, Visited, Confirm)
		r.must(r.Judge(t.Context(), r.f, d.ID))
		jst := time.FixedZone("JST", 9*3600)
		alone, err := r.Totals(t.Context(), r.f, Period{From: late.In(jst).Format(time.DateOnly)})
		if r.must(err); alone.All != (Totals{}) || len(alone.ByDepartment) != 0 {
			t.Errorf("one person stands alone: %+v", alone.All)
		}
		today := time.Now().In(jst).Format(time.DateOnly)
		whole, err := r.Totals(t.Context(), r.f, Period{From: today, To: today})
		if r.must(err); whole.All.Sent != 6 || whole.All.URLRaw != 1 || len(whole.ByDay) != 1 {
			t.Errorf("%+v", whole)
		}
		for _, dep := range whole.ByDepartment { // two people each
			if !dep.Hidden || dep.URLRaw != 0 {
				t.Errorf("%+v", dep)
			}
		}
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE drill_targets SET mail = 'refused' WHERE facility_id = $1 AND id <> $2 AND id <> $3", page.Targets[0].ID, page.Targets[1].ID)
			return err
		}))
		r.must(r.Judge(t.Context(), r.f, d.ID))
		few, err := r.Totals(t.Context(), r.f, Period{})
		if r.must(err); few.Few != 1 || few.All != (Totals{}) || len(few.ByDrill) != 1 || few.ByDrill[0].URLRaw != 0 || !few.ByDrill[0].Hidden {
			t.Errorf("%+v", few)
		}
		one, err := r.Totals(t.Context(), r.f, Period{Drill: d.ID})
		if r.must(err); one.All.URLRaw != 0 || one.All.Sent != 2 || one.All.Failed != 4 {
			t.Errorf("%+v", one.All)
		}
	})
}
