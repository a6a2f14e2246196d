package observation

import (
	"context"
	"fmt"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// ForgetUnseen drops observations that were not seen again since a time, a limited number, and reports whether more are left.
func (l *Log) ForgetUnseen(ctx context.Context, f facility.ID, before time.Time) (more bool, err error) {
	var n int64
	err = l.db.Write(ctx, f, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, `DELETE FROM observation_facts WHERE facility_id = $1 AND id IN
			(SELECT id FROM observation_facts WHERE facility_id = $1 AND last_seen < $2 LIMIT $3)`, store.Micros(before), int64(nightStep))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("forget observations: %w", err)
	}
	return n == nightStep, nil
}
