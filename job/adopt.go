package job

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// Adopt gives every run of a facility that is not over, but lost its place in River's queue, a new one, and returns how many: after a
// restore all of them, as River's tables are not part of a backup; after the clock was set back those whose turn was given while it ran ahead,
// which would else wait until it is there again. Call it for each facility after a restore and every minute; it does no harm at any time.
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
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	delay := time.Duration(0)
	if err == nil && bytes.Contains(args, []byte(r.ID)) {
		ahead, err := q.ahead(ctx, tx, r)
		if err != nil || !ahead {
			return false, err
		}
		j, err := q.insert.JobGetTx(ctx, tx.SQL(), r.riverID)
		if err != nil {
			return false, err
		}
		delay = max(j.ScheduledAt.Sub(r.Updated), 0) // what it had to wait by the clock of then
	}
	n, err := tx.Exec(ctx, `UPDATE job_runs SET state='queued', lease='', updated_at=$5 WHERE facility_id=$1 AND id=$2 AND river_id=$3 AND lease=$4
		AND state IN ('queued', 'running')`, string(r.ID), r.riverID, r.lease, store.Micros(q.set.Now()))
	if err != nil || n == 0 { // another copy was faster, or the run has ended
		return false, err
	}
	return true, q.turn(ctx, tx, r.ID, r.Queue, delay)
}

// copiesDiffer is how far the clocks of copies may lie apart without anybody's having been set.
const copiesDiffer = 30 * time.Second

// ahead reports whether a run that nobody works on was written last by a clock that was ahead of this one.
func (q *Queue) ahead(ctx context.Context, tx *store.Tx, r row) (bool, error) {
	if r.Updated.Sub(q.set.Now()) < copiesDiffer {
		return false, nil
	}
	q.mu.Lock()
	_, here := q.active[r.ID]
	q.mu.Unlock()
	if here || r.lease == "" {
		return !here, nil
	}
	copyID, _, _ := strings.Cut(r.lease, "/")
	if copyID == q.id { // ours, and not at work
		return true, nil
	}
	alive, err := isAlive(ctx, &tx.Shared, copyID)
	return !alive, err
}
