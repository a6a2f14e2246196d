package setting

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/store"
)

const maxValue = 64 << 10 // bytes of one value's JSON

// Get returns the facility's value, or the default.
func (k Key[T]) Get(ctx context.Context, tx *store.Tx) (T, error) {
	var raw string
	err := tx.Row(ctx, "SELECT value FROM setting_values WHERE facility_id = $1 AND name = $2", k.Name).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return k.Default, nil
	}
	if err != nil {
		return k.Default, fmt.Errorf("read setting %s: %w", k.Name, err)
	}
	return k.decode(raw), nil
}

// Changed returns when the facility's value was chosen; the zero time while it is the default.
func (k Key[T]) Changed(ctx context.Context, tx *store.Tx) (time.Time, error) {
	var at int64
	err := tx.Row(ctx, "SELECT at FROM setting_values WHERE facility_id = $1 AND name = $2", k.Name).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when setting %s changed: %w", k.Name, err)
	}
	return store.Time(at), nil
}

// Set stores a value after its check and returns the one before, for the caller's trail entry. Who did it comes from ctx.
func (k Key[T]) Set(ctx context.Context, tx *store.Tx, v T) (before T, err error) {
	if err := k.check(v); err != nil {
		return before, err
	}
	raw, err := json.Marshal(v)
	if err != nil || len(raw) > maxValue {
		return before, errors.Join(fmt.Errorf("setting %s does not fit", k.Name), err)
	}
	if before, err = k.Get(ctx, tx); err != nil {
		return before, err
	}
	who := actor.From(ctx)
	_, err = tx.Exec(ctx, `INSERT INTO setting_values (facility_id, name, value, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (facility_id, name) DO UPDATE SET value = excluded.value, at = excluded.at, by_id = excluded.by_id, by_name = excluded.by_name`,
		k.Name, string(raw), store.Micros(time.Now()), who.ID, who.Name)
	return before, err
}

// Reset goes back to the default and returns the value before.
func (k Key[T]) Reset(ctx context.Context, tx *store.Tx) (before T, err error) {
	if before, err = k.Get(ctx, tx); err != nil {
		return before, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM setting_values WHERE facility_id = $1 AND name = $2", k.Name)
	return before, err
}
