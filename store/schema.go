package store

import (
	"context"
	"fmt"
	"strings"
)

// facilityTables lists the tables that have a facility_id, sorted.
func facilityTables(ctx context.Context, q querier, d Dialect) ([]string, error) {
	query := `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'facility_id' ORDER BY m.name`
	if d == Postgres {
		query = `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'facility_id' ORDER BY c.relname COLLATE "C"`
	}
	return names(ctx, q, query)
}

// allTables lists every table, sorted.
func allTables(ctx context.Context, q querier, d Dialect) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if d == Postgres {
		query = `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname COLLATE "C"`
	}
	return names(ctx, q, query)
}

func names(ctx context.Context, q querier, query string) ([]string, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Column is one column of a table, with a type that both engines share: text, int, real, bool or bytes.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// columns lists the columns of a table in their order.
func columns(ctx context.Context, q querier, d Dialect, table string) ([]Column, error) {
	query := `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`
	if d == Postgres {
		query = `SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
	}
	rows, err := q.QueryContext(ctx, query, table)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	defer rows.Close()
	var out []Column
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", table, err)
		}
		c.Type = sharedType(c.Type)
		out = append(out, c)
	}
	return out, rows.Err()
}

func sharedType(engine string) string {
	switch strings.ToLower(engine) {
	case "text":
		return "text"
	case "integer", "bigint", "smallint", "int":
		return "int"
	case "real", "double precision":
		return "real"
	case "boolean":
		return "bool"
	case "blob", "bytea":
		return "bytes"
	}
	return engine
}

// ownTables are the tables that a backup holds: all but the versions, which the manifest names, and what only the running processes need.
func ownTables(all []string) (out []string) {
	for _, t := range all {
		if t != "goose_db_version" && t != "job_copies" && !strings.HasPrefix(t, "river_") {
			out = append(out, t)
		}
	}
	return out
}
