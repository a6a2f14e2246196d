package store_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// shared are the tables that belong to no facility, by the beginning of their names. A new one needs a reason.
var shared = []string{
	"account_",                  // people, sessions and tokens reach several facilities
	"seal_authority",            // one certificate authority per installation
	"river_",                    // turns of all facilities' runs
	"job_copies", "job_periods", // processes, and what they do by the clock
	"drill_doors",   // which facility a link's number means: an arrival names no facility
	"inquiry_doors", // the same for a form's link: whoever opens it names no facility
	"catalogue_",    // what is asked is the same for every facility
	"store_about", "goose_db_version",
}

func isShared(table string) bool {
	return slices.ContainsFunc(shared, func(p string) bool { return strings.HasPrefix(table, p) })
}

func foreign(table string) bool {
	return strings.HasPrefix(table, "river_") || table == "goose_db_version"
}

func TestEveryTableBelongsToAFacility(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		all, err := db.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		scoped, err := db.FacilityTables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range all {
			if !slices.Contains(scoped, table) && !isShared(table) {
				t.Errorf("%s has no facility_id and is not on the list of shared tables", table)
			}
		}
	})
}

func TestEveryKeyBeginsWithTheFacility(t *testing.T) {
	db := dbtest.SQLite(t)
	err := db.ReadShared(t.Context(), func(tx *store.Shared) error {
		return store.Each(t.Context(), tx, func(rows *sql.Rows) error {
			var table, index, column string
			if err := rows.Scan(&table, &index, &column); err != nil {
				return err
			}
			if column != "facility_id" {
				t.Errorf("%s: the key %s begins with %s", table, index, column)
			}
			return nil
		}, `SELECT m.name, l.name, coalesce(i.name, '?') FROM sqlite_master m, pragma_table_info(m.name) c, pragma_index_list(m.name) l, pragma_index_info(l.name) i
			WHERE m.type = 'table' AND c.name = 'facility_id' AND i.seqno = 0`)
	})
	if err != nil {
		t.Fatal(err)
	}
	scoped, err := db.FacilityTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range scoped {
		var pk int
		if err := db.ReadRow(t.Context(), "SELECT pk FROM pragma_table_info($1) WHERE name = 'facility_id'", table).Scan(&pk); err != nil || pk != 1 {
			t.Errorf("%s: facility_id is not first in the primary key (%d, %v)", table, pk, err)
		}
	}
}

func TestRowLevelSecurityIsForced(t *testing.T) {
	db := dbtest.Postgres(t)
	scoped, err := db.FacilityTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(scoped) == 0 {
		t.Fatal("no table has a facility_id")
	}
	for _, table := range scoped {
		var enabled, forced bool
		var policies int
		var text sql.NullString
		err := db.ReadRow(t.Context(), `SELECT c.relrowsecurity, c.relforcerowsecurity, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid),
			(SELECT string_agg(pg_get_expr(p.polqual, c.oid) || pg_get_expr(p.polwithcheck, c.oid), '') FROM pg_policy p WHERE p.polrelid = c.oid)
			FROM pg_class c WHERE c.relname = $1 AND c.relnamespace = 'public'::regnamespace`, table).Scan(&enabled, &forced, &policies, &text)
		if err != nil {
			t.Fatal(err)
		}
		if !enabled || !forced || policies != 1 || strings.Count(text.String, "kenshin.no_facility_was_chosen") != 2 {
			t.Errorf("%s: security enabled %t, forced %t, %d policies: %s", table, enabled, forced, policies, text.String)
		}
	}
	// Outside a facility's transaction nothing answers, not even "no rows"; also in a session that had one before.
	titles(t, db, dbtest.Facility)
	for _, table := range scoped {
		var n int
		if err := db.ReadRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err == nil {
			t.Errorf("%s can be read without a facility", table)
		}
	}
}

func TestBothEnginesHaveTheSameColumns(t *testing.T) {
	lite, pg := dbtest.SQLite(t), dbtest.Postgres(t)
	shape := func(db *store.DB) map[string][]store.Column {
		out := map[string][]store.Column{}
		all, err := db.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range all {
			if foreign(table) {
				continue
			}
			c, err := db.Columns(t.Context(), table)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(c, func(a, b store.Column) int { return strings.Compare(a.Name, b.Name) })
			out[table] = c
		}
		return out
	}
	if diff := cmp.Diff(shape(lite), shape(pg)); diff != "" {
		t.Errorf("SQLite (-) and PostgreSQL (+) differ:\n%s", diff)
	}
}

func TestPostgresTextComparesByBytes(t *testing.T) {
	db := dbtest.Postgres(t)
	err := db.ReadShared(t.Context(), func(tx *store.Shared) error {
		return store.Each(t.Context(), tx, func(rows *sql.Rows) error {
			var table, column, kind string
			if err := rows.Scan(&table, &column, &kind); err != nil {
				return err
			}
			if !foreign(table) {
				t.Errorf("%s.%s is %s without COLLATE \"C\"", table, column, kind)
			}
			return nil
		}, `SELECT c.relname, a.attname, t.typname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attcollation <> 0
			AND a.attcollation <> (SELECT oid FROM pg_collation WHERE collname = 'C')
			UNION ALL SELECT c.relname, a.attname, t.typname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND t.typname IN ('varchar', 'bpchar', 'jsonb', 'timestamptz')`)
	})
	if err != nil {
		t.Fatal(err)
	}
}
