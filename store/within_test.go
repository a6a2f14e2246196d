package store_test

import (
	"context"
	"errors"
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// TestWhatJoinsIsKeptTogether: Writes inside a transaction live and die with it, and what a failed part had done does not stay behind.
func TestWhatJoinsIsKeptTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		put := func(ctx context.Context, key string, fail error) error {
			return db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO setting_values (facility_id, name, value, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6)", key, "1", int64(1), "t", "t")
				return errors.Join(err, fail)
			})
		}
		count := func(ctx context.Context) (n int) {
			t.Helper()
			err := db.Read(ctx, dbtest.Facility, func(tx *store.Tx) error {
				return tx.Row(ctx, "SELECT count(*) FROM setting_values WHERE facility_id = $1").Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		oops := errors.New("oops")
		var late context.Context
		err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			in := store.Within(t.Context(), tx)
			late = in
			if err := put(in, "a", nil); err != nil {
				return err
			}
			if n := count(in); n != 1 {
				t.Errorf("inside, %d rows are seen, want the one just written", n)
			}
			if err := put(in, "b", oops); !errors.Is(err, oops) {
				t.Errorf("the part's error is %v", err)
			}
			if err := db.Write(in, dbtest.Canary, func(*store.Tx) error { return nil }); err == nil {
				t.Error("another facility's Write joined")
			}
			return nil
		})
		if n := count(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d rows are kept, want the part that did not fail alone; %v", n, err)
		}
		if err := put(late, "c", nil); err != nil || count(t.Context()) != 2 {
			t.Errorf("a context that outlived its transaction: %v", err)
		}
		err = db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			return errors.Join(put(store.Within(t.Context(), tx), "d", nil), oops)
		})
		if n := count(t.Context()); !errors.Is(err, oops) || n != 2 {
			t.Errorf("%d rows after the whole failed, want 2; %v", n, err)
		}
	})
}
