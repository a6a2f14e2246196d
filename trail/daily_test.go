package trail

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// One checkpoint a day is kept, whoever comes first, and never another facility's.
func TestDailyIsKeptOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := context.Background(), time.Now()
		for _, day := range []string{"2026-11-19", "2026-11-20", "2026-11-20"} {
			for _, f := range []struct {
				text string
				in   func(func(*store.Tx) error) error
			}{
				{"ours", func(fn func(*store.Tx) error) error { return db.Write(ctx, dbtest.Facility, fn) }},
				{"theirs", func(fn func(*store.Tx) error) error { return db.Write(ctx, dbtest.Canary, fn) }},
			} {
				if err := f.in(func(tx *store.Tx) error { _, err := KeepDaily(ctx, tx, day, f.text+" "+day, now); return err }); err != nil {
					t.Fatal(err)
				}
			}
		}
		err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
			if first, err := KeepDaily(ctx, tx, "2026-11-20", "a later one", now); err != nil || first {
				t.Errorf("a second checkpoint of a day counts as the first: %v", err)
			}
			days, err := DailyDays(ctx, tx)
			if d := cmp.Diff([]string{"2026-11-20", "2026-11-19"}, days); d != "" || err != nil {
				t.Error(err, d)
			}
			text, err := DailyOf(ctx, tx, "2026-11-20")
			if text != "ours 2026-11-20" || err != nil {
				t.Errorf("%q %v", text, err)
			}
			if _, err := DailyOf(ctx, tx, "2026-11-18"); !fault.Is(err, fault.NotFound) {
				t.Errorf("a day without one: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
