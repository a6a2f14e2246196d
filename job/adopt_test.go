package job_test

import (
	"path/filepath"
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

// A backup that is made while a step is at work goes on elsewhere from the last Save.
func TestARestoredRunGoesOn(t *testing.T) {
	dir := dbtest.SQLiteDir(t)
	id := request(t, store.Options{Dir: dir})
	kill, steps := child(t, "JOB_TEST_DIR="+dir)
	waitStep(t, steps, 3)
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	_, err = db.Backup(t.Context(), file, store.BackupOptions{})
	kill()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	urls := dbtest.EmptyPostgresURLs(t)
	for name, place := range map[string]store.Options{"sqlite": {Dir: filepath.Join(t.TempDir(), "new")}, "postgres": {URL: urls.App, OwnerURL: urls.Owner}} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place}); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			q := newQueue(t, db, fast)
			q.Handle("slow", job.Options{}, slow(db, 8, 0, func(int) {}))
			for want := 1; want >= 0; want-- { // the second call finds nothing more to do
				if n, err := q.Adopt(t.Context(), dbtest.Facility); err != nil || n != want {
					t.Errorf("adopted %d, %v; want %d", n, err, want)
				}
			}
			start(t, q)
			await(t, q, dbtest.Facility, id, job.Finished)
			if n := facts(t, db, id); n != 8 {
				t.Errorf("%d facts, want 8", n)
			}
		})
	}
}
