package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenshin/fault"
)

// BackupOptions are what a backup needs besides the database.
type BackupOptions struct {
	URL   string                                   // PostgreSQL as the backup role
	Extra map[string]func() (io.ReadCloser, error) // files that belong to the data: name -> content
	Now   func() time.Time                         // nil means time.Now
}

var extraName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

// Backup writes everything into one file, as it was at one moment, while others go on reading and writing. The file is read back and
// checked before it gets its name; until then there is only a .part file beside it.
func (db *DB) Backup(ctx context.Context, file string, o BackupOptions) (Manifest, error) {
	part, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".part-*") // rights 0600
	if err != nil {
		return Manifest{}, fault.Wrap(fault.Unavailable, err, "バックアップの保存先に書き込めません。場所と権限を確かめてください。",
			"The backup cannot be written there. Check the place and its rights.")
	}
	m, err := db.backupTo(ctx, part, o)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		_, err = Verify(part.Name())
	}
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		_ = os.Remove(part.Name())
		return Manifest{}, diskFull(fmt.Errorf("back up: %w", err))
	}
	return m, syncDir(filepath.Dir(file))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer d.Close()
	return d.Sync()
}

func (db *DB) backupTo(ctx context.Context, w io.Writer, o BackupOptions) (Manifest, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	tx, done, err := db.snapshot(ctx, o.URL)
	if err != nil {
		return Manifest{}, err
	}
	defer done()
	schema, err := appliedVersions(ctx, tx)
	if err != nil {
		return Manifest{}, err
	}
	a := newArchiveWriter(w, Manifest{Format: archiveFormat, Engine: db.Dialect, Schema: schema, Created: o.Now().UTC()})
	all, err := allTables(ctx, tx, db.Dialect)
	if err != nil {
		return Manifest{}, err
	}
	for _, t := range ownTables(all) {
		if err := db.backupTable(ctx, tx, a, t); err != nil {
			return Manifest{}, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Extra)) {
		if err := backupExtra(a, name, o.Extra[name]); err != nil {
			return Manifest{}, err
		}
	}
	return a.close()
}

// snapshot begins a transaction that sees one moment of every facility.
func (db *DB) snapshot(ctx context.Context, url string) (*sql.Tx, func(), error) {
	if db.Dialect == SQLite {
		tx, err := db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return nil, nil, fmt.Errorf("begin: %w", err)
		}
		return tx, func() { _ = tx.Rollback() }, nil
	}
	if url == "" {
		return nil, nil, fault.New(fault.Invalid, "バックアップ用の役割の接続先を指定してください(手引き「PostgreSQLで動かす」)。",
			"Name the address of the backup role (guide: PostgreSQLで動かす).")
	}
	pool, err := openPostgres(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("begin: %w", err), pool.Close())
	}
	done := func() { _ = tx.Rollback(); _ = pool.Close() }
	var all bool
	if err := tx.QueryRowContext(ctx, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&all); err != nil || !all {
		done()
		return nil, nil, fault.Wrap(fault.Denied, err, "この役割ではすべての施設を読めません。BYPASSRLS付きのバックアップ用の役割を使ってください(手引き「PostgreSQLで動かす」)。",
			"This role cannot read every facility. Use the backup role, which has BYPASSRLS (guide: PostgreSQLで動かす).")
	}
	return tx, done, nil
}

func (db *DB) backupTable(ctx context.Context, tx *sql.Tx, a *archiveWriter, table string) error {
	cols, err := columns(ctx, tx, db.Dialect, table)
	if err != nil {
		return err
	}
	a.begin(Content{Name: "tables/" + table, Columns: cols})
	rows, err := tx.QueryContext(ctx, "SELECT "+columnList(cols)+" FROM "+quote(table))
	if err != nil {
		return fmt.Errorf("back up %s: %w", table, err)
	}
	defer rows.Close()
	values := make([]any, len(cols))
	into := make([]any, len(cols))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("back up %s: %w", table, err)
		}
		if err := a.row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("back up %s: %w", table, err)
	}
	return a.end()
}

func backupExtra(a *archiveWriter, name string, open func() (io.ReadCloser, error)) error {
	if !extraName.MatchString(name) || len(name) > 200 {
		return fault.Newf(fault.Invalid, "バックアップに入れられないファイル名です: %q", "This file name cannot go into a backup: %q", name)
	}
	r, err := open()
	if err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	defer r.Close()
	a.begin(Content{Name: "extra/" + name})
	if err := a.copy(r); err != nil {
		return err
	}
	return a.end()
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func columnList(cols []Column) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}
