// Package store keeps everything in one database, SQLite or PostgreSQL, with one SQL text for both, and lets no query forget whose
// facts it reads: a facility's tables are reached only through a transaction that is bound to one facility.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"kenshin/facility"
	"kenshin/fault"
)

// Dialect is the engine under a DB. Queries are the same on both; only DDL, locks and backup differ.
type Dialect string

const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Options says where the database is: a folder for the embedded one, or a PostgreSQL URL.
type Options struct {
	Dir      string // SQLite: <Dir>/kenshin.db
	URL      string // PostgreSQL as the app role; wins over Dir
	OwnerURL string // PostgreSQL as the owner role, needed only when the schema must be brought up to date
	Readers  int    // size of the reader pool; 0 means 4
	Passing  bool   // SQLite: the data is thrown away at the end, so nothing waits for the disk
}

// DB is an open database of the schema version that this program knows.
type DB struct {
	Dialect Dialect
	Path    string // SQLite file, "" on PostgreSQL
	w, r    *sql.DB
	scope   *scope
}

// pragmas of every connection. FULL keeps every commit through a power cut.
func pragmas(o Options) string {
	sync := "FULL"
	if o.Passing {
		sync = "OFF"
	}
	return "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(" + sync + ")&_pragma=foreign_keys(ON)"
}

// Open opens the database, brings its schema up to date and refuses one that a newer Kenshin wrote.
func Open(ctx context.Context, o Options) (*DB, error) {
	db, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.migrate(ctx, o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	tables, err := facilityTables(ctx, db.r, db.Dialect)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.scope = &scope{tables: setOf(tables)}
	return db, nil
}

func connect(ctx context.Context, o Options) (*DB, error) {
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.URL != "" {
		return connectPostgres(ctx, o)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "データのフォルダを作れません。書き込める場所を --data で指定してください。",
			"The data folder cannot be made. Name a writable place with --data.")
	}
	path := filepath.Join(o.Dir, "kenshin.db")
	if err := private(path); err != nil {
		return nil, err
	}
	w, err := sql.Open("sqlite", sqliteURI(path)+"?"+pragmas(o)+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1) // one writer: SQLite has one write lock, and a second connection would only wait for it
	r, err := sql.Open("sqlite", sqliteURI(path)+"?"+pragmas(o)+"&_pragma=query_only(ON)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), w.Close())
	}
	r.SetMaxOpenConns(o.Readers)
	db := &DB{Dialect: SQLite, Path: path, w: w, r: r}
	if err := w.PingContext(ctx); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err,
			"データベースを開けません。ディスクの空きと、フォルダの権限を確かめてください(kenshin doctor が詳しく調べます)。",
			"The database cannot be opened. Check the disk's free space and the folder's rights (kenshin doctor looks closer)."), db.Close())
	}
	return db, nil
}

// private makes the file before SQLite does, so that nobody else on the machine may read it; the WAL gets the same rights. A file that
// is there is not touched: closing a second handle would drop the locks of an SQLite connection in this process.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "データベースのファイルを書けません。フォルダとファイルの権限を確かめてください。",
			"The database file cannot be written. Check the rights of the folder and the file.")
	}
	return f.Close()
}

// sqliteURI names a file whose path may hold characters that mean something in a URI.
func sqliteURI(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// Close closes both pools.
func (db *DB) Close() error {
	if db.r == db.w {
		return db.w.Close()
	}
	return errors.Join(db.r.Close(), db.w.Close())
}

// Writer is the pool that writes; package job hands it to its queue, nobody else may use it.
func (db *DB) Writer() *sql.DB { return db.w }

// NewID returns a fresh UUIDv7: ids sort by the time they were made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Micros is a time as every table stores it: microseconds since 1970 UTC; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Write runs fn in a write transaction bound to one facility. Keep it under 50 ms: SQLite has one writer.
// On PostgreSQL row-level security sees the same facility. fn's error rolls back. fn may run again from its start, when PostgreSQL
// broke the transaction off because of another one: it must set, not add to, the variables outside it, and send nothing.
//
// Inside a transaction that Within put into ctx it joins that one: what fn does is kept or rolled back with the rest.
func (db *DB) Write(ctx context.Context, f facility.ID, fn func(*Tx) error) error {
	if tx := db.joined(ctx); tx != nil {
		return tx.join(ctx, f, fn)
	}
	return db.scoped(ctx, db.w, f, nil, fn)
}

// Read is Write without the right to change anything; on SQLite it runs beside writers.
func (db *DB) Read(ctx context.Context, f facility.ID, fn func(*Tx) error) error {
	if tx := db.joined(ctx); tx != nil {
		return tx.look(f, fn)
	}
	return db.scoped(ctx, db.r, f, &sql.TxOptions{ReadOnly: true}, fn)
}

// WriteShared runs fn in a write transaction over the tables that belong to no facility (accounts, jobs, catalogues).
func (db *DB) WriteShared(ctx context.Context, fn func(*Shared) error) error {
	if tx := db.joined(ctx); tx != nil {
		return tx.join(ctx, tx.facility, func(tx *Tx) error { return fn(&tx.Shared) })
	}
	return db.inTx(ctx, db.w, nil, func(tx *sql.Tx) error { return fn(&Shared{tx: tx, db: db, kept: newKept(db.Dialect)}) })
}

// ReadShared is WriteShared without the right to change anything.
func (db *DB) ReadShared(ctx context.Context, fn func(*Shared) error) error {
	if tx := db.joined(ctx); tx != nil {
		return tx.look(tx.facility, func(tx *Tx) error { return fn(&tx.Shared) })
	}
	return db.inTx(ctx, db.r, &sql.TxOptions{ReadOnly: true}, func(tx *sql.Tx) error { return fn(&Shared{tx: tx, db: db, kept: newKept(db.Dialect)}) })
}

func (db *DB) scoped(ctx context.Context, pool *sql.DB, f facility.ID, o *sql.TxOptions, fn func(*Tx) error) error {
	if f == "" {
		return fault.New(fault.Internal, "施設が選ばれていません。", "No facility was chosen for this query.")
	}
	return db.inTx(ctx, pool, o, func(tx *sql.Tx) error {
		if db.Dialect == Postgres {
			if _, err := tx.ExecContext(ctx, "SELECT set_config('kenshin.facility', $1, true)", string(f)); err != nil {
				return fmt.Errorf("set the facility: %w", err)
			}
		}
		bound := &Tx{Shared: Shared{tx: tx, db: db, kept: newKept(db.Dialect)}, facility: f}
		defer func() { bound.over = true }()
		return fn(bound)
	})
}

// retries is how often a transaction that PostgreSQL broke off, as two got into each other's way, is tried again.
const retries = 5

func (db *DB) inTx(ctx context.Context, pool *sql.DB, o *sql.TxOptions, fn func(*sql.Tx) error) error {
	for try := 1; ; try++ {
		err := once(ctx, pool, o, fn)
		if state := sqlState(err); err == nil || try == retries || state != "40001" && state != "40P01" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try*try) * 10 * time.Millisecond):
		}
	}
}

func once(ctx context.Context, pool *sql.DB, o *sql.TxOptions, fn func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, o)
	if err != nil {
		return diskFull(fmt.Errorf("begin: %w", err))
	}
	defer tx.Rollback() //nolint:errcheck // a committed transaction answers ErrTxDone
	if err := fn(tx); err != nil {
		return diskFull(err)
	}
	if err := tx.Commit(); err != nil {
		return diskFull(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// diskFull turns the engines' words for a full disk into a sentence that a person can act on.
func diskFull(err error) error {
	s := err.Error()
	if strings.Contains(s, "database or disk is full") || strings.Contains(s, "SQLSTATE 53100") || strings.Contains(s, "no space left on device") {
		return fault.Wrap(fault.Unavailable, err, "ディスクがいっぱいで保存できませんでした。これまでのデータは無事です。空きを作ってからもう一度試してください。",
			"The disk is full and nothing was saved. What was stored before is safe. Make room and try again.")
	}
	return err
}
