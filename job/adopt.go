package job

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kenshin/facility"
	"kenshin/store"
)

// Adopt gives every run of a facility that is not over, but lost its place in River's queue, a new one, and returns how many: after a
// restore all of them, as River's tables are not part of a backup. Call it for each facility before Start; it does no harm at any time.
func (q *Queue) Adopt(ctx context.Context, f facility.ID) (adopted int, err error) {
	var open []row
	err = q.db.Read(ctx, f, func(tx *store.Tx) error {
		open = nil
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			r, err := scanRow(rows.Scan)
			open = append(open, r)
			return err
		}, "SELECT "+columns+" FROM job_runs WHERE facility_id=$1 AND state IN ('queued', 'running') ORDER BY id")
	})
	if err != nil {
		return 0, err
	}
	for _, r := range open {
		took := false
		err := q.db.Write(ctx, f, func(tx *store.Tx) (err error) {
			took, err = q.adopt(ctx, tx, r)
			return err
		})
		if err != nil {
			return adopted, fmt.Errorf("adopt %s %s: %w", r.Kind, r.ID, err)
		}
		if took {
			adopted++
		}
	}
	return adopted, nil
}

func (q *Queue) adopt(ctx context.Context, tx *store.Tx, r row) (bool, error) {
	var args []byte
	err := tx.Shared.Row(ctx, "SELECT args FROM river_job WHERE id=$1 AND state NOT IN ('completed', 'cancelled', 'discarded')", r.riverID).Scan(&args)
	if err == nil && bytes.Contains(args, []byte(r.ID)) || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	n, err := tx.Exec(ctx, "UPDATE job_runs SET state='queued', lease='' WHERE facility_id=$1 AND id=$2 AND river_id=$3 AND state IN ('queued', 'running')",
		string(r.ID), r.riverID)
	if err != nil || n == 0 { // another copy was faster, or the run has ended
		return false, err
	}
	return true, q.turn(ctx, tx, r.ID, r.Queue, 0)
}
