// Package dbtest gives tests a fresh database: SQLite from a file that is migrated once per process, and a real PostgreSQL that is
// started once per process and cloned per test. Tests connect as the app role, so row-level security holds for them too.
package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// Two facilities: tests write into Facility; what lies in Canary must never be seen or touched from there.
const (
	Facility facility.ID = "01990000-0000-7000-8000-0000000000f1"
	Canary   facility.ID = "01990000-0000-7000-8000-0000000000f2"
)

// Each runs a test on both engines, as subtests "sqlite" and "postgres".
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// template is a migrated SQLite file, kept in memory: there is nothing to clean up.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "kenshin-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // the last connection folds the WAL into the file
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "kenshin.db"))
})

// SQLite returns a fresh, migrated database in a folder of its own, closed when the test ends.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Options{Dir: SQLiteDir(t)})
}

// SQLiteDir returns a data folder with a fresh, migrated database that nobody has open.
func SQLiteDir(t testing.TB) string {
	t.Helper()
	data, err := template()
	if err != nil {
		t.Fatalf("dbtest: make the SQLite template: %v", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kenshin.db"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Postgres returns a fresh, migrated database, opened as the app role and dropped when the test ends. The test is skipped, with the
// reason, where no PostgreSQL is installed.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	urls := PostgresURLs(t)
	return open(t, store.Options{URL: urls.App})
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("dbtest: open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("dbtest: close: %v", err)
		}
	})
	return db
}
