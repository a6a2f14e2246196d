package trail

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/fault"
	"kenshin/store"
)

const keptDays = 400 // daily checkpoints in the list; all of them stay in the database

// KeepDaily keeps the text that Daily made for a day ("2006-01-02" in the facility's zone). It reports whether it was the first of its
// day: then, in the same transaction, the caller asks for the mail.
func KeepDaily(ctx context.Context, tx *store.Tx, day, text string, now time.Time) (first bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO trail_seals (facility_id, day, text, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (facility_id, day) DO NOTHING`, day, text, store.Micros(now))
	return n > 0, err
}

// DailyDays lists the days whose checkpoint is kept, newest first, at most 400.
func DailyDays(ctx context.Context, tx *store.Tx) ([]string, error) {
	var out []string
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var day string
		err := r.Scan(&day)
		out = append(out, day)
		return err
	}, "SELECT day FROM trail_seals WHERE facility_id = $1 ORDER BY day DESC LIMIT $2", keptDays)
	return out, err
}

// DailyOf returns the checkpoint that was kept on a day.
func DailyOf(ctx context.Context, tx *store.Tx, day string) (text string, err error) {
	err = tx.Row(ctx, "SELECT text FROM trail_seals WHERE facility_id = $1 AND day = $2", day).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.New(fault.NotFound, "その日の封はありません。", "No checkpoint of that day is kept.")
	}
	if err != nil {
		return "", fmt.Errorf("read a kept checkpoint: %w", err)
	}
	return text, nil
}
