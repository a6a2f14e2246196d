package assess

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/store"
)

// Recompute runs every check, keeps what is new in the evidence, and judges all forms of the facility anew: what came to contradict an answer becomes a
// finding, what was put right closes it. It may run at any time and as often as one likes.
func (b *Book) Recompute(ctx context.Context, f facility.ID) error {
	now, err := b.clock(ctx, f)
	if err != nil {
		return err
	}
	if err := b.refresh(ctx); err != nil {
		return err
	}
	wanted, err := b.wanted(ctx, f)
	if err != nil {
		return err
	}
	v, err := b.gather(ctx, f, now)
	if err != nil {
		return fmt.Errorf("gather what the checks read: %w", err)
	}
	var records []evidence.Record
	for _, c := range checks() {
		about, known := b.checks.Load().Find(c.id)
		if !known {
			return fmt.Errorf("assess: check %s is not in the vocabulary", c.id)
		}
		records = append(records, c.records(v, about.Days)...)
	}
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return err
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		have, err := b.Evidence.LatestTx(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := b.Evidence.Record(ctx, tx, keepLast(records, have, now)...); err != nil {
			return err
		}
		if err := b.judgeAll(ctx, tx, set, now); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO assess_marks (facility_id, wanted, done, looked_at) VALUES ($1, $2, $2, $3)
			ON CONFLICT (facility_id) DO UPDATE SET done = excluded.done, looked_at = excluded.looked_at`, wanted, store.Micros(now))
		return err
	})
}

// keepLast leaves the last real result of a check standing while its source says nothing: it expires by itself. What was taken out on purpose (a register's rows,
// a system) is told as nothing.
func keepLast(records []evidence.Record, have map[string]evidence.Record, now time.Time) []evidence.Record {
	out := records[:0:0]
	for _, r := range records {
		old, known := have[r.Key()]
		if r.Outcome == evidence.None && r.Down && known && old.Outcome != evidence.None && old.Until.After(now) {
			r = old
			r.Down = true
		}
		out = append(out, r)
	}
	return out
}

// wanted is how many changes there were of what the checks read.
func (b *Book) wanted(ctx context.Context, f facility.ID) (n int64, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		err := tx.Row(ctx, "SELECT wanted FROM assess_marks WHERE facility_id = $1").Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return n, err
}

// Mark notes, in the transaction of a change, that the checks have something new to read.
func (b *Book) Mark(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO assess_marks (facility_id, wanted, done, looked_at) VALUES ($1, 1, 0, 0)
		ON CONFLICT (facility_id) DO UPDATE SET wanted = assess_marks.wanted + 1`)
	return err
}

// Looked says when the checks ran last, and whether something changed since.
func (b *Book) Looked(ctx context.Context, f facility.ID) (at time.Time, behind bool, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		var wanted, done, us int64
		err := tx.Row(ctx, "SELECT wanted, done, looked_at FROM assess_marks WHERE facility_id = $1").Scan(&wanted, &done, &us)
		if errors.Is(err, sql.ErrNoRows) {
			at, behind = time.Time{}, true
			return nil
		}
		at, behind = store.Time(us), wanted > done
		return err
	})
	return at, behind, err
}
