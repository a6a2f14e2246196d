package store_test

import (
	"fmt"
	"strings"
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// BenchmarkInserts writes small rows in groups of 200 per transaction, as bulk writers must. rows/s is to stay above 10,000 on SQLite.
func BenchmarkInserts(b *testing.B) {
	engines := map[string]func(testing.TB) *store.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			const group = 200
			rows := 0
			for b.Loop() {
				err := db.Write(b.Context(), dbtest.Facility, func(tx *store.Tx) error {
					return insertMany(b, tx, group)
				})
				if err != nil {
					b.Fatal(err)
				}
				rows += group
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// insertMany writes n rows with one statement.
func insertMany(b *testing.B, tx *store.Tx, n int) error {
	var q strings.Builder
	q.WriteString(`INSERT INTO job_runs (facility_id, id, kind, queue, title_ja, title_en, state, step, done_count, total_count, note_ja,
		note_en, args_json, state_json, error_ja, error_en, attempts, cancel_requested, pause_requested, unique_key, requester_kind,
		requester_id, requester_name, river_id, lease, lease_until, created_at, started_at, updated_at, finished_at) VALUES `)
	args := make([]any, 0, n)
	for i := range n {
		if i > 0 {
			q.WriteByte(',')
		}
		args = append(args, store.NewID())
		fmt.Fprintf(&q, "($1, $%d, 'k', 'q', '第二病棟', '', 'done', 7, 1, 2, '', '', '', '', '', '', 0, true, false, NULL, '', '', '', 5, 'x', 0, 0, 0, 0, 0)", i+2)
	}
	_, err := tx.Exec(b.Context(), q.String(), args...)
	return err
}
