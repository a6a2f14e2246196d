package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// planSQLite tells SQLite's planner, for every index of a facility's table of which it knows nothing, that facility_id chooses almost nothing and
// the further columns choose much. Without statistics it believes that the first column of an index is a good choice, and reads whole
// facilities. What a migration said of its own tables stays. (Format: https://www.sqlite.org/fileformat2.html#stat1tab.)
func planSQLite(ctx context.Context, w *sql.DB) error {
	conn, err := w.Conn(ctx)
	if err != nil {
		return fmt.Errorf("write the planner's statistics: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "ANALYZE store_about"); err != nil { // makes sqlite_stat1
		return fmt.Errorf("write the planner's statistics: %w", err)
	}
	rows, err := conn.QueryContext(ctx, `SELECT m.name, i.name, (SELECT count(*) FROM pragma_index_info(i.name))
		FROM sqlite_master m JOIN pragma_index_list(m.name) i
		WHERE m.type = 'table' AND (SELECT x.name FROM pragma_index_info(i.name) x WHERE x.seqno = 0) = 'facility_id'`)
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	type index struct{ table, name, stat string }
	var list []index
	for rows.Next() {
		var x index
		var columns int
		if err := rows.Scan(&x.table, &x.name, &columns); err != nil {
			rows.Close()
			return err
		}
		// rows in all, rows of one facility, then rows that share two columns, three...
		x.stat = "20000 20000" + strings.Repeat(" 10", columns-1)
		list = append(list, x)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, x := range list {
		_, err := conn.ExecContext(ctx, `INSERT INTO sqlite_stat1 (tbl, idx, stat) SELECT $1, $2, $3
			WHERE NOT EXISTS (SELECT 1 FROM sqlite_stat1 WHERE tbl = $1 AND idx = $2)`, x.table, x.name, x.stat)
		if err != nil {
			return fmt.Errorf("write the planner's statistics of %s: %w", x.name, err)
		}
	}
	_, err = conn.ExecContext(ctx, "ANALYZE sqlite_schema") // makes this connection read them; others read them when they open
	return err
}
