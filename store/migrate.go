package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"kenshin/fault"
)

//go:embed migrations
var migrations embed.FS

// SchemaVersion is the newest migration that this program brings.
func SchemaVersion() int64 {
	var newest int64
	_ = fs.WalkDir(migrations, "migrations/sqlite", func(p string, d fs.DirEntry, _ error) error {
		if n, err := strconv.ParseInt(strings.SplitN(path.Base(p), "_", 2)[0], 10, 64); err == nil && strings.HasSuffix(p, ".sql") {
			newest = max(newest, n)
		}
		return nil
	})
	return newest
}

// Version returns the schema version of the database, 0 when it is empty.
func (db *DB) Version(ctx context.Context) (int64, error) {
	var v sql.NullInt64
	err := db.w.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&v)
	if err != nil && (strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "42P01")) {
		return 0, nil
	}
	return v.Int64, err
}

func (db *DB) migrate(ctx context.Context, o Options) error {
	have, err := db.Version(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	want := SchemaVersion()
	switch {
	case have == want:
		return nil
	case have > want:
		return fault.Newf(fault.Conflict,
			"このデータは新しい版のKenshinで作られています(データ %d、この版 %d)。新しい版のプログラムで開いてください。データはそのままです。",
			"This data was written by a newer Kenshin (data %d, this program %d). Open it with the newer program; nothing was changed.", have, want)
	}
	pool := db.w
	if db.Dialect == Postgres {
		if o.OwnerURL == "" {
			return fault.Newf(fault.Conflict,
				"データベースの形が古いままです(%d、必要 %d)。所有者の役割を --database-owner で渡して一度起動してください。",
				"The database's schema is old (%d, needed %d). Start once with the owner role in --database-owner.", have, want)
		}
		owner, err := sql.Open("pgx", o.OwnerURL)
		if err != nil {
			return fmt.Errorf("open PostgreSQL as owner: %w", err)
		}
		defer owner.Close()
		pool = owner
	}
	return up(ctx, db.Dialect, pool)
}

func up(ctx context.Context, d Dialect, pool *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations/"+string(d))
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if d == Postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, pool, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil && !errors.Is(err, goose.ErrNoNextVersion) {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	return nil
}
