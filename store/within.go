package store

import (
	"context"
	"errors"
	"fmt"

	"kenshin/facility"
	"kenshin/fault"
)

type withinKey struct{}

// Within returns a context in which the Writes and Reads of all packages join tx, so that what several of them do is kept together or not at all.
// Use it only inside tx's function, and start nothing with it that outlives that; other facilities are refused.
func Within(ctx context.Context, tx *Tx) context.Context {
	return context.WithValue(ctx, withinKey{}, tx)
}

// joined returns the transaction of this database that ctx lies in, nil when there is none or it has ended.
func (db *DB) joined(ctx context.Context) *Tx {
	tx, _ := ctx.Value(withinKey{}).(*Tx)
	if tx == nil || tx.db != db || tx.over {
		return nil
	}
	return tx
}

// join runs a part of the transaction. What a part that failed had done is taken back, so that a caller who goes on keeps no half of it.
func (tx *Tx) join(ctx context.Context, f facility.ID, fn func(*Tx) error) error {
	return tx.look(f, func(tx *Tx) error {
		if _, err := tx.tx.ExecContext(ctx, "SAVEPOINT part"); err != nil {
			return fmt.Errorf("begin a part: %w", err)
		}
		err := fn(tx)
		if err != nil {
			if _, back := tx.tx.ExecContext(context.WithoutCancel(ctx), "ROLLBACK TO SAVEPOINT part"); back != nil {
				return errors.Join(err, back)
			}
		}
		if _, end := tx.tx.ExecContext(context.WithoutCancel(ctx), "RELEASE SAVEPOINT part"); end != nil {
			return errors.Join(err, end)
		}
		return err
	})
}

func (tx *Tx) look(f facility.ID, fn func(*Tx) error) error {
	if f != tx.facility {
		return fault.New(fault.Internal, "ほかの施設の処理の中です。", "Inside a transaction of another facility.")
	}
	return fn(tx)
}
