package dbtest_test

import (
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestEachGivesAFreshDatabase(t *testing.T) {
	for range 2 { // the second one must not see what the first one wrote
		dbtest.Each(t, func(t *testing.T, db *store.DB) {
			err := db.WriteShared(t.Context(), func(tx *store.Shared) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO store_about (name, value) VALUES ($1, $2)", "probe", "値")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			version, err := db.Version(t.Context())
			if err != nil || version != store.SchemaVersion() {
				t.Errorf("version = %d, %v; want %d", version, err, store.SchemaVersion())
			}
		})
	}
}
