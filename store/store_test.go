package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// addRun writes a row into a facility's table; job_runs stands for all of them.
func addRun(ctx context.Context, db *store.DB, f facility.ID, id, title string) error {
	return db.Write(ctx, f, func(tx *store.Tx) error { return insertRun(ctx, tx, id, title) })
}

func insertRun(ctx context.Context, tx *store.Tx, id, title string) error {
	_, err := tx.Exec(ctx, `INSERT INTO job_runs (facility_id, id, kind, queue, title_ja, title_en, state, step, done_count, total_count, note_ja,
		note_en, args_json, state_json, error_ja, error_en, attempts, cancel_requested, pause_requested, unique_key, requester_kind,
		requester_id, requester_name, river_id, lease, lease_until, created_at, started_at, updated_at, finished_at)
		VALUES ($1, $2, 'k', 'q', $3, '', 'running', 7, -9223372036854775808, 9223372036854775807, '', '', '', '', '', '', 0, true, false, NULL,
		'', '', '', 5, 'x', 0, 0, 0, 0, 0)`, id, title)
	return err
}

func titles(t *testing.T, db *store.DB, f facility.ID) (out []string) {
	t.Helper()
	err := db.Read(t.Context(), f, func(tx *store.Tx) error {
		return store.Each(t.Context(), tx, func(rows *sql.Rows) error {
			var s string
			err := rows.Scan(&s)
			out = append(out, s)
			return err
		}, "SELECT title_ja FROM job_runs WHERE facility_id = $1 ORDER BY id")
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAFacilitySeesOnlyItsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		if err := errors.Join(addRun(t.Context(), db, dbtest.Facility, "1", "ここ"), addRun(t.Context(), db, dbtest.Canary, "1", "よそ")); err != nil {
			t.Fatal(err)
		}
		if got := titles(t, db, dbtest.Facility); len(got) != 1 || got[0] != "ここ" {
			t.Errorf("rows: %v", got)
		}
		err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE job_runs SET title_ja = 'x' WHERE id = $2", "1")
			return err
		})
		if err == nil {
			t.Error("an UPDATE without the facility ran")
		}
		if err := db.Write(t.Context(), "", func(*store.Tx) error { return nil }); err == nil {
			t.Error("a transaction without a facility began")
		}
		err = db.WriteShared(t.Context(), func(tx *store.Shared) error {
			_, err := tx.Exec(t.Context(), "DELETE FROM job_runs")
			return err
		})
		if err == nil || len(titles(t, db, dbtest.Canary)) != 1 {
			t.Errorf("a shared transaction could touch facilities' rows: %v", err)
		}
		err = db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "DELETE FROM job_runs WHERE facility_id = $1")
			return err
		})
		if err == nil {
			t.Error("Read could write")
		}
	})
}

// Behind the check of the text stands PostgreSQL itself.
func TestPostgresGuardsWhatTheCheckCannotSee(t *testing.T) {
	db := dbtest.Postgres(t)
	if err := addRun(t.Context(), db, dbtest.Canary, "1", "よそ"); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		var n int
		if err := tx.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM job_runs").Scan(&n); err != nil || n != 0 {
			t.Errorf("past the check, another facility's rows are visible: %d, %v", n, err)
		}
		_, err := tx.SQL().ExecContext(t.Context(), "UPDATE job_runs SET facility_id = $1", string(dbtest.Canary))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.ReadRow(t.Context(), "SELECT count(*) FROM job_runs").Scan(new(int)); err == nil || !strings.Contains(err.Error(), "no_facility_was_chosen") {
		t.Errorf("a statement outside every facility: %v, want a loud failure", err)
	}
}

func TestWriteTriesAgainAfterADeadlock(t *testing.T) {
	db := dbtest.Postgres(t)
	ctx := t.Context()
	if err := errors.Join(addRun(ctx, db, dbtest.Facility, "a", "0"), addRun(ctx, db, dbtest.Facility, "b", "0")); err != nil {
		t.Fatal(err)
	}
	set := func(tx *store.Tx, id string) error {
		_, err := tx.Exec(ctx, "UPDATE job_runs SET step = step + 1 WHERE facility_id = $1 AND id = $2", id)
		return err
	}
	var wg, both sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			tries := 0
			err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
				if err := set(tx, order[0]); err != nil {
					return err
				}
				if tries++; tries == 1 {
					both.Done()
					both.Wait() // each holds one row and wants the other's
				}
				return set(tx, order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestStartRefusesAStrongRole(t *testing.T) {
	urls := dbtest.PostgresURLs(t)
	for name, url := range map[string]string{"superuser": urls.Super, "owner": urls.Owner, "backup": urls.Backup} {
		_, err := store.Open(t.Context(), store.Options{URL: url})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestTwoCopiesMayStartAtOnce(t *testing.T) {
	urls := dbtest.EmptyPostgresURLs(t)
	if _, err := store.Open(t.Context(), store.Options{URL: urls.App}); !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
		t.Errorf("an empty database without the owner: %v", err)
	}
	dir := t.TempDir()
	for _, o := range []store.Options{{URL: urls.App, OwnerURL: urls.Owner}, {Dir: dir}} {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				db, err := store.Open(t.Context(), o)
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dir := dbtest.SQLiteDir(t)
	raw, err := sql.Open("sqlite", "file:"+dir+"/kenshin.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, "kenshin.db"))
	_, err = store.Open(t.Context(), store.Options{Dir: dir})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "en"), "newer") {
		t.Errorf("err = %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "kenshin.db")); string(after) != string(before) {
		t.Error("the newer data was changed")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := store.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := store.Holder(dir); got != os.Getpid() {
		t.Errorf("holder %d, want %d", got, os.Getpid())
	}
	_, err = store.Lock(dir)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "en"), "already running") {
		t.Errorf("a second lock: %v", err)
	}
	release()
	if got := store.Holder(dir); got != 0 {
		t.Errorf("holder %d after the release", got)
	}
	again, err := store.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestAFullDiskLosesNothing(t *testing.T) {
	db := dbtest.SQLite(t)
	if err := addRun(t.Context(), db, dbtest.Facility, "first", "残る"); err != nil {
		t.Fatal(err)
	}
	if err := db.MaxPages(t.Context(), 1); err != nil { // never below the present size
		t.Fatal(err)
	}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = addRun(t.Context(), db, dbtest.Facility, store.NewID(), strings.Repeat("x", 4000))
	}
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err, "ja"), "ディスクがいっぱい") {
		t.Errorf("err = %v", err)
	}
	if got := titles(t, db, dbtest.Facility); len(got) == 0 || got[0] == "" {
		t.Errorf("rows after the full disk: %d", len(got))
	}
	if err := db.MaxPages(t.Context(), 1_000_000); err != nil {
		t.Fatal(err)
	}
	if err := addRun(t.Context(), db, dbtest.Facility, "after", "また書ける"); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	db := dbtest.SQLite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
		if err := insertRun(ctx, tx, "1", "まだ"); err != nil {
			return err
		}
		if got := titles(t, db, dbtest.Facility); len(got) != 0 {
			t.Errorf("a reader sees what is not committed: %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDataIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a #1 ? 100% 病院")
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, want := range map[string]os.FileMode{".": 0o700, "kenshin.db": 0o600, "kenshin.db-wal": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

// What the guide tells an administrator to run is what the tests run.
func TestTheGuideHoldsTheRoles(t *testing.T) {
	guide, err := os.ReadFile("../docs/guide/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), store.RoleSQL) {
		t.Error("docs/guide/postgresql.md does not hold store.RoleSQL word for word")
	}
}

// TestNestedSameStatement reads with a statement while the rows of the same statement are still being read.
func TestNestedSameStatement(t *testing.T) {
	db := dbtest.SQLite(t)
	err := db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		var got []int64
		const query = "SELECT $2 + v.column1 FROM (VALUES (1), (2), (3)) AS v WHERE $1 <> ''"
		scan := func(r *sql.Rows, v *int64) error { return r.Scan(v) }
		err := store.Each(t.Context(), tx, func(r *sql.Rows) error {
			var outer int64
			if err := scan(r, &outer); err != nil {
				return err
			}
			return store.Each(t.Context(), tx, func(r *sql.Rows) error {
				var v int64
				err := scan(r, &v)
				got = append(got, v)
				return err
			}, query, outer*10)
		}, query, int64(0))
		if want := []int64{11, 12, 13, 21, 22, 23, 31, 32, 33}; err == nil && !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
