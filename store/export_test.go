package store

import (
	"bytes"
	"context"
	"os"
	"strconv"
)

// OpenAt opens an SQLite database with only some of the migrations, as an older program left it.
func OpenAt(ctx context.Context, dir string, versions []int64) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	db, err := connect(ctx, Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	db.scope = &scope{tables: map[string]bool{}}
	return db, up(ctx, SQLite, db.w, versions)
}

// Tables, FacilityTables and Columns show the schema to tests.
func (db *DB) Tables(ctx context.Context) ([]string, error) { return allTables(ctx, db.r, db.Dialect) }

func (db *DB) FacilityTables(ctx context.Context) ([]string, error) {
	return facilityTables(ctx, db.r, db.Dialect)
}

func (db *DB) Columns(ctx context.Context, table string) ([]Column, error) {
	return columns(ctx, db.r, db.Dialect, table)
}

// ReadRow runs a query outside every transaction of ours.
func (db *DB) ReadRow(ctx context.Context, query string, args ...any) interface{ Scan(...any) error } {
	return db.r.QueryRowContext(ctx, query, args...)
}

// MaxPages keeps the database file from growing, as a full disk would.
func (db *DB) MaxPages(ctx context.Context, n int) error {
	_, err := db.w.ExecContext(ctx, "PRAGMA max_page_count = "+strconv.Itoa(n))
	return err
}

// VerifyBytes is Verify without a file.
func VerifyBytes(data []byte) error {
	_, err := readArchive(bytes.NewReader(data), int64(len(data)), sink{
		row: func(string, []any) error { return nil }, want: map[string]int{"a": 3},
	})
	return err
}
