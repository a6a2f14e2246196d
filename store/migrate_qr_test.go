package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// What came by QR codes stood in the column of the link: it is read apart from the arrivals, on both engines, and judged anew.
func TestQRArrivalsOfAnOlderProgramAreToldApart(t *testing.T) {
	before := slices.DeleteFunc(store.SchemaVersions(), func(v int64) bool { return v >= 240 })
	old, err := store.OpenAt(t.Context(), filepath.Join(t.TempDir(), "old"), before)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	err = old.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		add := func(table, columns string, values ...any) error {
			marks := ""
			for i := range values {
				marks += fmt.Sprintf(", $%d", i+2)
			}
			_, err := tx.Exec(t.Context(), "INSERT INTO "+table+" (facility_id, "+columns+") VALUES ($1"+marks+")", values...)
			return err
		}
		if _, err := tx.Shared.Exec(t.Context(), "INSERT INTO account_facilities (id, name, reading, beds, address, zone, demo, created_at) VALUES ($1, 'x', '', 0, '', 'Asia/Tokyo', false, 0)", string(dbtest.Facility)); err != nil {
			return err
		}
		for _, id := range []string{"with", "without"} {
			if err := add("drill_drills", "id, name, mode, state, revision, created_at, start_at, started_at, ended_at, anonymous_at, hash, key, dirty, content",
				id, id, "standard", "closed", 1, 1, 0, 1, 9, 0, "", []byte("k"), 0, "{}"); err != nil {
				return err
			}
		}
		for id, first := range map[string]int{"qr": 50, "both": 20, "link": 30} {
			drill := map[bool]string{true: "without", false: "with"}[id == "link"]
			if err := add("drill_targets", "drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at, lesson_at, url_at",
				drill, id, "", id+"@a.example", "", "", "", "", "", "staff", "accepted", 1, 70, first); err != nil {
				return err
			}
		}
		for i, e := range []struct {
			drill, target, signal string
			at                    int
		}{{"with", "qr", "qr", 50}, {"with", "qr", "qr", 60}, {"with", "both", "qr", 20}, {"with", "both", "url", 40}, {"without", "link", "url", 30}, {"with", "qr", "lesson", 70}} {
			if err := add("drill_events", "id, drill_id, target_id, signal, at, method, net, agent, content", fmt.Sprint(i), e.drill, e.target, e.signal, e.at, "GET", "", "", "{}"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	if _, err := old.Backup(t.Context(), file, store.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			place := target(t, d)
			if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place}); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
				for id, want := range map[string][2]int64{"qr": {50, 0}, "both": {20, 40}, "link": {0, 30}} {
					var qr, url, lesson int64
					if err := tx.Row(t.Context(), "SELECT t.qr_at, t.url_at, t.lesson_at FROM drill_targets t WHERE t.facility_id = $1 AND t.id = $2", id).Scan(&qr, &url, &lesson); err != nil {
						return err
					}
					if only := id == "qr"; only != (lesson == 0) { // whose lesson was only fetched
						t.Errorf("%s: lesson %d", id, lesson)
					}
					if qr != want[0] || url != want[1] {
						t.Errorf("%s: qr %d, link %d", id, qr, url)
					}
				}
				for id, want := range map[string]int{"with": 2, "without": 0} {
					var dirty int
					if err := tx.Row(t.Context(), "SELECT d.dirty FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2", id).Scan(&dirty); err != nil {
						return err
					}
					if dirty != want {
						t.Errorf("%s: dirty %d", id, dirty)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
