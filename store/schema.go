package store

import (
	"context"
	"fmt"
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
