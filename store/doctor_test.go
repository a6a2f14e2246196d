package store_test

import (
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

func sick(symptoms []store.Symptom) (out []string) {
	for _, s := range symptoms {
		if s.Name.Ja == "" || s.Name.En == "" || s.Detail.Ja == "" || s.Detail.En == "" || s.OK != (s.Fix.Ja == "") || s.OK != (s.Fix.En == "") {
			out = append(out, "without words: "+s.Name.En)
		}
		if !s.OK {
			out = append(out, s.Name.En)
		}
	}
	return out
}

func TestDoctorFindsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		if got := sick(db.Doctor(t.Context(), time.Now())); len(got) > 0 {
			t.Errorf("a fresh database has %v", got)
		}
	})
}

func expect(t *testing.T, db *store.DB, now time.Time, want string) {
	t.Helper()
	if got := sick(db.Doctor(t.Context(), now)); len(got) != 1 || got[0] != want {
		t.Errorf("found %v, want %s", got, want)
	}
}

func TestDoctorFinds(t *testing.T) {
	t.Run("a file that others can read", func(t *testing.T) {
		db := dbtest.SQLite(t)
		if err := os.Chmod(db.Path, 0o644); err != nil {
			t.Fatal(err)
		}
		expect(t, db, time.Now(), "File rights")
	})
	t.Run("a clock that went back", func(t *testing.T) {
		db := dbtest.SQLite(t)
		err := db.WriteShared(t.Context(), func(tx *store.Shared) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO job_copies (id, host, pid, beat, started_at) VALUES ('x', 'h', 1, 0, $1)",
				store.Micros(time.Now().Add(48*time.Hour)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, db, time.Now(), "Clock")
	})
	t.Run("a damaged file", func(t *testing.T) {
		dir := dbtest.SQLiteDir(t)
		data, err := os.ReadFile(dir + "/kenshin.db")
		if err != nil {
			t.Fatal(err)
		}
		for i := 8 * 4096; i < 20*4096; i += 4096 { // the middle pages, not the schema's first
			copy(data[i:], strings.Repeat("\xee", 200))
		}
		if err := os.WriteFile(dir+"/kenshin.db", data, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Skipf("the damage is found at the start already: %v", err)
		}
		defer db.Close()
		if got := strings.Join(sick(db.Doctor(t.Context(), time.Now())), ","); !strings.Contains(got, "Contents") {
			t.Errorf("found %q", got)
		}
	})
	t.Run("a table whose protection was lifted", func(t *testing.T) {
		urls := dbtest.PostgresURLs(t)
		super, err := sql.Open("pgx", urls.Super)
		if err != nil {
			t.Fatal(err)
		}
		defer super.Close()
		db, err := store.Open(t.Context(), store.Options{URL: urls.App})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := super.ExecContext(t.Context(), "ALTER TABLE job_runs NO FORCE ROW LEVEL SECURITY"); err != nil {
			t.Fatal(err)
		}
		expect(t, db, time.Now(), "Row-level security")
		if _, err := super.ExecContext(t.Context(), "ALTER TABLE job_runs FORCE ROW LEVEL SECURITY; REVOKE DELETE ON job_runs FROM kenshin_app"); err != nil {
			t.Fatal(err)
		}
		expect(t, db, time.Now(), "The app's rights")
	})
}
