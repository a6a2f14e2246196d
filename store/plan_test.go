package store_test

import (
	"strings"
	"testing"

	"kenshin/internal/dbtest"
)

// A query for one thing of a facility must use the index that finds it, not the one that reads the whole facility.
func TestPlansDoNotReadWholeFacilities(t *testing.T) {
	db := dbtest.SQLite(t)
	for query, index := range map[string]string{
		"SELECT id FROM finding_findings WHERE facility_id = $1 AND device_id = $2":                       "device",
		"SELECT host_key FROM checkup_hosts WHERE facility_id = $1 AND sweep_id = $2 AND state = $3":      "state",
		"SELECT id FROM gate_unlocks WHERE facility_id = $1 AND id = $2":                                  "id=?",
		"SELECT device_id FROM ledger_interfaces WHERE facility_id = $1 AND mac = $2 AND device_id <> $3": "mac=?",
	} {
		rows, err := db.Writer().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, string(dbtest.Facility), "x", "y")
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var line string
			if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		rows.Close()
		if !strings.Contains(plan.String(), index) || !strings.Contains(plan.String(), "=? AND") {
			t.Errorf("%s\n%s", query, plan.String())
		}
	}
}
