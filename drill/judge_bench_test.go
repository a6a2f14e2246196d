package drill

import (
	"fmt"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// BenchmarkJudge judges a rush of 20,000 arrivals that were judged before, beside 100,000 of an older drill.
func BenchmarkJudge(b *testing.B) {
	db := dbtest.SQLite(b)
	book := New(db, nil, houses{}, time.Now, nil)
	at := time.Now().Add(-time.Hour)
	fill := func(drill string, people, arrivals, of int) {
		err := db.Write(b.Context(), dbtest.Facility, func(tx *store.Tx) error {
			if _, err := tx.Exec(b.Context(), `INSERT INTO drill_drills (facility_id, id, name, mode, state, revision, created_at, start_at, started_at, ended_at, anonymous_at, hash, key, dirty, content)
				VALUES ($1, $2, 'x', 'mail', 'sent', 1, 1, 1, $3, 0, 0, '', '', 1, '{}')`, drill, store.Micros(at)); err != nil {
				return err
			}
			for i := range people {
				if _, err := tx.Exec(b.Context(), `INSERT INTO drill_targets (facility_id, drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at)
					VALUES ($1, $2, $3, $3, $4, '髙﨑', '花子', $4, $5, '', 'staff', 'accepted', $6)`, drill, fmt.Sprintf("%s-%026d", drill, i), fmt.Sprintf("s%05d@byoin.example.jp", i),
					fmt.Sprintf("部署%d", i%40), store.Micros(at)); err != nil {
					return err
				}
			}
			for i := range arrivals {
				n := i * 7919 % of * (people / of)
				e := Event{Drill: drill, Target: fmt.Sprintf("%s-%026d", drill, n), Signal: Visited, At: at.Add(time.Minute + time.Duration(i)*time.Millisecond), Method: "GET",
					Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"}
				if err := book.addEvent(b.Context(), tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := book.Judge(b.Context(), dbtest.Facility, drill); err != nil {
			b.Fatal(err)
		}
	}
	fill("older-00", 200, 100_000, 200)
	for _, people := range []int{200, 20_000} {
		drill := fmt.Sprintf("d-%06d", people)
		fill(drill, people, 20_000, 200)
		b.Run(fmt.Sprintf("%d people", people), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := book.Judge(b.Context(), dbtest.Facility, drill); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
