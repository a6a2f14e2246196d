package event

import (
	"context"
	"fmt"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

const forgetStep = 2000 // rows in one short transaction

// Forget drops changes that happened before a time, a limited number, and reports whether more are left.
func (l *Log) Forget(ctx context.Context, f facility.ID, before time.Time) (more bool, err error) {
	var n int64
	err = l.db.Write(ctx, f, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, `DELETE FROM event_events WHERE facility_id = $1 AND id IN
			(SELECT id FROM event_events WHERE facility_id = $1 AND at < $2 LIMIT $3)`, store.Micros(before), forgetStep)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("forget changes: %w", err)
	}
	return n == forgetStep, nil
}
