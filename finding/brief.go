package finding

import (
	"context"
	"database/sql"
	"time"

	"kenshin/netid"
	"kenshin/store"
)

// Brief is what counts over all findings need of one.
type Brief struct {
	ID        string
	Check     string
	Device    netid.DeviceID
	Part      string
	State     State // Open where an acceptance has run out
	Stale     bool
	CheckedAt time.Time
}

// Standing returns every finding that has not ended, of some checks.
func (b *Book) Standing(ctx context.Context, tx *store.Tx, checks ...string) ([]Brief, error) {
	var args []any
	for _, c := range checks {
		args = append(args, c)
	}
	now := b.now()
	var out []Brief
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var f Brief
		var until, checked int64
		if err := r.Scan(&f.ID, &f.Check, &f.Device, &f.Part, &f.State, &f.Stale, &until, &checked); err != nil {
			return err
		}
		if f.State == Accepted && store.Time(until).Before(now) {
			f.State = Open
		}
		f.CheckedAt = store.Time(checked)
		out = append(out, f)
		return nil
	}, `SELECT id, check_id, device_id, part, state, stale, accepted_until, checked_at FROM finding_findings
		WHERE facility_id = $1 AND state NOT IN ('gone', 'moot') AND check_id IN `+store.In(2, len(args))+` ORDER BY check_id, device_id, part`, args...)
	return out, err
}

// Note stores what a check says of one part only, in the caller's transaction: found, not there any more, no longer claimed, or not to be looked at. Unlike Record it leaves
// the check's other parts as they are. reason goes into the history of what is closed.
func (b *Book) Note(ctx context.Context, tx *store.Tx, r Result, reason string) ([]Change, error) {
	if err := r.valid(); err != nil {
		return nil, err
	}
	have, err := recorded(ctx, tx, []subject{{r.Check, r.Device}})
	if err != nil {
		return nil, err
	}
	now := b.now().UTC().Truncate(time.Microsecond)
	old, known := have[subject{r.Check, r.Device}][r.Part]
	switch {
	case r.Outcome == Found:
		return b.found(ctx, tx, r, old, known, now)
	case !known || old.State.Over():
		return nil, nil
	case r.Outcome == Unreached:
		_, err := tx.Exec(ctx, "UPDATE finding_findings SET stale = $3 WHERE facility_id = $1 AND id = $2", old.ID, true)
		return nil, err
	}
	to := Gone
	if r.Outcome == Dropped {
		to = Moot
	}
	if err := b.move(ctx, tx, old, to, reason, now); err != nil {
		return nil, err
	}
	return []Change{{Closed, old.ID, r.Check, r.Device, old.Severity, old.Title}}, nil
}
