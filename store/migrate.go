package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"kenshin/fault"
)

//go:embed migrations
var migrations embed.FS

// SchemaVersions lists the migrations that this program brings, ascending. A schema is a set of them, not a number: packages have
// number ranges of their own, so a new migration may be lower than one that a database has already.
func SchemaVersions() []int64 {
	var known []int64
	for _, m := range riverMigrations {
		known = append(known, m.ours)
	}
	_ = fs.WalkDir(migrations, "migrations/sqlite", func(p string, d fs.DirEntry, _ error) error {
		if n, err := strconv.ParseInt(strings.SplitN(path.Base(p), "_", 2)[0], 10, 64); err == nil && strings.HasSuffix(p, ".sql") {
			known = append(known, n)
		}
		return nil
	})
	slices.Sort(known)
	return slices.Compact(known)
}

// SchemaVersion is the newest migration that this program brings.
func SchemaVersion() int64 { return slices.Max(SchemaVersions()) }

// Version returns the newest migration of the database, 0 when it is empty.
func (db *DB) Version(ctx context.Context) (int64, error) {
	applied, err := appliedVersions(ctx, db.r)
	if err != nil || len(applied) == 0 {
		return 0, err
	}
	return slices.Max(applied), nil
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// appliedVersions lists the migrations of a database, ascending; an empty database has none.
func appliedVersions(ctx context.Context, q querier) ([]int64, error) {
	var out []int64
	rows, err := q.QueryContext(ctx, "SELECT version_id FROM goose_db_version WHERE version_id > 0 ORDER BY version_id")
	if err != nil {
		if strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "42P01") {
			return nil, nil
		}
		return nil, fmt.Errorf("read the schema version: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("read the schema version: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// compareSchema returns the migrations that a schema lacks, and a fault when it has one that this program does not know.
func compareSchema(have []int64) (missing []int64, err error) {
	known := SchemaVersions()
	for _, v := range have {
		if !slices.Contains(known, v) {
			return nil, fault.Newf(fault.Conflict,
				"このデータは新しい版のKenshinで作られています(データ %d、この版 %d)。新しい版のプログラムで開いてください。データはそのままです。",
				"This data was written by a newer Kenshin (data %d, this program %d). Open it with the newer program; nothing was changed.",
				v, SchemaVersion())
		}
	}
	for _, v := range known {
		if !slices.Contains(have, v) {
			missing = append(missing, v)
		}
	}
	return missing, nil
}

func (db *DB) migrate(ctx context.Context, o Options) error {
	if db.Dialect == Postgres {
		return db.migratePostgres(ctx, o)
	}
	have, err := appliedVersions(ctx, db.w)
	if err != nil {
		return err
	}
	missing, err := compareSchema(have)
	if err != nil || len(missing) == 0 {
		return err
	}
	dir := filepath.Dir(db.Path)
	if pid := holder(dir); len(have) > 0 && pid != 0 && pid != ownPID() {
		return fault.Newf(fault.Conflict,
			"データを新しい形に直す必要がありますが、別のKenshin(プロセス %d)が動いています。それを止めてから、もう一度実行してください。",
			"The data must be brought up to date, but another Kenshin (process %d) is running on it. Stop that one and try again.", pid)
	}
	release, err := waitLock(ctx, filepath.Join(dir, "migrate.lock"))
	if err != nil {
		return err
	}
	defer release()
	if err := up(ctx, SQLite, db.w, nil); err != nil {
		return err
	}
	return planSQLite(ctx, db.w)
}

// up applies the given migrations, or all when only is nil.
func up(ctx context.Context, d Dialect, pool *sql.DB, only []int64) error {
	dir, err := fs.Sub(migrations, "migrations/"+string(d))
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(migrateRiver(d)...),
	}
	if d == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker() // two copies that start at once: one migrates, the other waits
		if err != nil {
			return fmt.Errorf("make the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, pool, dir, options...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if only == nil {
		if _, err := p.Up(ctx); err != nil && !errors.Is(err, goose.ErrNoNextVersion) {
			return diskFull(fmt.Errorf("bring the schema up to date: %w", err))
		}
		return nil
	}
	for _, v := range slices.Sorted(maps.Keys(setOf(only))) {
		if _, err := p.ApplyVersion(ctx, v, true); err != nil && !errors.Is(err, goose.ErrAlreadyApplied) {
			return fmt.Errorf("apply migration %d: %w", v, err)
		}
	}
	return nil
}

func setOf[T comparable](in []T) map[T]bool {
	out := make(map[T]bool, len(in))
	for _, v := range in {
		out[v] = true
	}
	return out
}
