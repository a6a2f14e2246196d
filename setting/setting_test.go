package setting_test

import (
	"testing"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/setting"
	"kenshin/store"
)

func TestSettings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		in := func(f facility.ID, fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(ctx, f, fn); err != nil {
				t.Fatal(err)
			}
		}
		in(dbtest.Facility, func(tx *store.Tx) error {
			if v, err := setting.Idle().Get(ctx, tx); err != nil || v != 30 {
				t.Errorf("default: %v, %v", v, err)
			}
			if before, err := setting.Idle().Set(ctx, tx, 10); err != nil || before != 30 {
				t.Errorf("before: %v, %v", before, err)
			}
			if before, err := setting.Idle().Set(ctx, tx, 15); err != nil || before != 10 {
				t.Errorf("before: %v, %v", before, err)
			}
			_, err := setting.Closed().Set(ctx, tx, true)
			return err
		})
		in(dbtest.Canary, func(tx *store.Tx) error {
			if v, err := setting.Idle().Get(ctx, tx); err != nil || v != 30 {
				t.Errorf("another facility's value: %v, %v", v, err)
			}
			return nil
		})
		in(dbtest.Facility, func(tx *store.Tx) error {
			if v, err := setting.Idle().Get(ctx, tx); err != nil || v.Duration().Minutes() != 15 {
				t.Errorf("stored: %v, %v", v, err)
			}
			if v, err := setting.Closed().Get(ctx, tx); err != nil || !v {
				t.Errorf("stored: %v, %v", v, err)
			}
			for name, set := range map[string]func() error{
				"idle of a year": func() error { _, err := setting.Idle().Set(ctx, tx, 525600); return err },
				"unknown pace":   func() error { _, err := setting.Pace().Set(ctx, tx, "ludicrous"); return err },
				"unknown lang":   func() error { _, err := setting.Language().Set(ctx, tx, i18n.Lang("fr")); return err },
				"weak password":  func() error { _, err := setting.PasswordLength().Set(ctx, tx, 8); return err },
			} {
				if err := set(); !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v", name, err)
				}
			}
			// What an older version stored and this one no longer takes counts as not chosen.
			wide := setting.Key[int]{Name: setting.RawDays().Name}
			if _, err := wide.Set(ctx, tx, 100000); err != nil {
				t.Error(err)
			}
			if v, err := setting.RawDays().Get(ctx, tx); err != nil || v != 7 {
				t.Errorf("out of range: %v, %v", v, err)
			}
			if before, err := setting.Idle().Reset(ctx, tx); err != nil || before != 15 {
				t.Errorf("reset: %v, %v", before, err)
			}
			if v, _ := setting.Idle().Get(ctx, tx); v != 30 {
				t.Errorf("after reset: %v", v)
			}
			return nil
		})
	})
}
