package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kenshin/fault"
)

// RestoreOptions say where a backup goes.
type RestoreOptions struct {
	Options                                           // an empty folder, or an empty PostgreSQL database with OwnerURL
	Extra   func(name string) (io.WriteCloser, error) // takes the extra files; nil skips them
}

// Restore puts a backup into an empty place and brings it to this program's schema. The whole file is checked first; a restore that is
// cut off leaves no database behind. Runs that were at work wait for job.Queue.Adopt.
func Restore(ctx context.Context, file string, o RestoreOptions) (Manifest, error) {
	m, err := Verify(file)
	if err != nil {
		return m, err
	}
	if _, err := compareSchema(m.Schema); err != nil {
		return m, err
	}
	if o.URL != "" {
		err = restorePostgres(ctx, file, m, o)
	} else {
		err = restoreSQLite(ctx, file, m, o)
	}
	if err != nil {
		return m, diskFull(err)
	}
	ctx = context.WithoutCancel(ctx) // the data is in its place: what is left is short, and half of it would not open
	db, err := Open(ctx, o.Options)  // an older schema is brought up to date here
	if err != nil {
		return m, err
	}
	return m, db.Close()
}

// restoreSQLite fills a database in a folder of its own and moves it to its place when it is complete.
func restoreSQLite(ctx context.Context, file string, m Manifest, o RestoreOptions) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", o.Dir, err)
	}
	place := filepath.Join(o.Dir, "kenshin.db")
	for _, p := range []string{place, place + "-wal"} {
		if _, err := os.Lstat(p); err == nil {
			return notEmpty("フォルダ "+o.Dir, "the folder "+o.Dir)
		}
	}
	work, err := os.MkdirTemp(o.Dir, "restore-")
	if err != nil {
		return fmt.Errorf("make a folder to restore in: %w", err)
	}
	defer os.RemoveAll(work)
	db, err := connect(ctx, Options{Dir: work})
	if err != nil {
		return err
	}
	err = load(ctx, file, m, SQLite, db.w, o)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(work, "kenshin.db"), place); err != nil {
		return fmt.Errorf("put the database in its place: %w", err)
	}
	return syncDir(o.Dir)
}

func restorePostgres(ctx context.Context, file string, m Manifest, o RestoreOptions) error {
	if o.OwnerURL == "" {
		return fault.New(fault.Invalid, "所有者の役割を --database-owner で指定してください。", "Name the owner role with --database-owner.")
	}
	owner, err := openPostgres(ctx, o.OwnerURL)
	if err != nil {
		return err
	}
	defer owner.Close()
	if full, err := used(ctx, owner, m.Schema); err != nil {
		return err
	} else if full {
		return notEmpty("データベース", "the database")
	}
	return load(ctx, file, m, Postgres, owner, o)
}

// used reports whether somebody's rows, or tables that are not ours or of another schema, are in a PostgreSQL database. A restore that was
// cut off leaves our tables without a row.
func used(ctx context.Context, owner *sql.DB, schema []int64) (bool, error) {
	tx, err := owner.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // only looked at
	all, err := allTables(ctx, tx, Postgres)
	if err != nil || len(all) == 0 {
		return false, err
	}
	applied, err := appliedVersions(ctx, tx)
	if err != nil || len(applied) == 0 || slices.ContainsFunc(applied, func(v int64) bool { return !slices.Contains(schema, v) }) {
		return true, err
	}
	scoped, err := facilityTables(ctx, tx, Postgres)
	if err != nil {
		return false, err
	}
	for _, t := range ownTables(all) {
		if slices.Contains(scoped, t) { // its owner, too, sees the rows of a named facility only
			if _, err := tx.ExecContext(ctx, "ALTER TABLE "+quote(t)+" NO FORCE ROW LEVEL SECURITY"); err != nil {
				return false, fmt.Errorf("look at %s: %w", t, err)
			}
		}
		var some bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+quote(t)+")").Scan(&some); err != nil || some {
			return some, err
		}
	}
	return false, nil
}

func notEmpty(ja, en string) error {
	return fault.Newf(fault.Conflict, "戻し先の%[1]sが空ではありません。今あるデータを消さないよう、空の場所を指定してください。",
		"The target, %[2]s, is not empty. So that nothing is overwritten, name an empty one.", ja, en)
}

// load makes the schema that the backup had and fills it, all rows in one transaction.
func load(ctx context.Context, file string, m Manifest, d Dialect, pool *sql.DB, o RestoreOptions) error {
	if err := up(ctx, d, pool, m.Schema); err != nil {
		return err
	}
	f, size, err := openArchive(file)
	if err != nil {
		return err
	}
	defer f.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a committed transaction answers ErrTxDone
	l := loader{ctx: ctx, tx: tx, d: d, extra: o.Extra}
	s, err := l.prepare(m)
	if err != nil {
		return err
	}
	if _, err := readArchive(f, size, s); err != nil {
		return errors.Join(err, l.closeExtra())
	}
	if err := errors.Join(l.flush(), l.closeExtra(), l.finish()); err != nil {
		return err
	}
	return tx.Commit()
}

type loader struct {
	ctx     context.Context
	tx      *sql.Tx
	d       Dialect
	extra   func(name string) (io.WriteCloser, error)
	cols    map[string][]Column
	forced  []string // tables whose row-level security is lifted while loading
	table   string
	pending [][]any

	open     io.WriteCloser
	openName string
}

// prepare checks that the backup's tables and columns are those of its schema, and empties what the migrations put in.
func (l *loader) prepare(m Manifest) (sink, error) {
	s := sink{row: l.row, part: l.part, want: map[string]int{}}
	l.cols = map[string][]Column{}
	all, err := allTables(l.ctx, l.tx, l.d)
	if err != nil {
		return s, err
	}
	scoped, err := facilityTables(l.ctx, l.tx, l.d)
	if err != nil {
		return s, err
	}
	own := ownTables(all)
	for _, c := range m.Contents {
		if t, ok := strings.CutPrefix(c.Name, "tables/"); ok && !slices.Contains(own, t) {
			return s, damaged(c.Name, errors.New("this schema has no such table"))
		}
	}
	for _, t := range own {
		c, ok := m.Table(t)
		if !ok {
			return s, damaged("tables/"+t, errors.New("it is missing"))
		}
		have, err := columns(l.ctx, l.tx, l.d, t)
		if err != nil {
			return s, err
		}
		if !sameColumns(have, c.Columns) {
			return s, damaged(c.Name, errors.New("its columns are not those of its schema"))
		}
		l.cols[t], s.want[t] = c.Columns, len(c.Columns)
		if l.d == Postgres && slices.Contains(scoped, t) {
			l.forced = append(l.forced, t)
			if _, err := l.tx.ExecContext(l.ctx, "ALTER TABLE "+quote(t)+" NO FORCE ROW LEVEL SECURITY"); err != nil {
				return s, fmt.Errorf("restore %s: %w", t, err)
			}
		}
		if _, err := l.tx.ExecContext(l.ctx, "DELETE FROM "+quote(t)); err != nil {
			return s, fmt.Errorf("restore %s: %w", t, err)
		}
	}
	return s, nil
}

func sameColumns(a, b []Column) bool {
	byName := func(x, y Column) int { return strings.Compare(x.Name, y.Name) }
	a, b = slices.SortedFunc(slices.Values(a), byName), slices.SortedFunc(slices.Values(b), byName)
	return slices.Equal(a, b)
}

func (l *loader) row(table string, values []any) error {
	if table != l.table {
		if err := l.flush(); err != nil {
			return err
		}
		l.table = table
	}
	if l.d == Postgres {
		for i, v := range values {
			if s, ok := v.(string); ok { // PostgreSQL keeps neither broken UTF-8 nor NUL in text
				values[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
			}
		}
	}
	l.pending = append(l.pending, values)
	if len(l.pending) >= min(200, 30_000/max(1, len(values))) {
		return l.flush()
	}
	return nil
}

func (l *loader) flush() error {
	if len(l.pending) == 0 {
		return nil
	}
	cols := l.cols[l.table]
	var q strings.Builder
	q.WriteString("INSERT INTO " + quote(l.table) + " (" + columnList(cols) + ") VALUES ")
	args := make([]any, 0, len(l.pending)*len(cols))
	for i, r := range l.pending {
		if i > 0 {
			q.WriteByte(',')
		}
		for j, v := range r {
			q.WriteString(map[bool]string{true: "(", false: ","}[j == 0])
			args = append(args, v)
			q.WriteString("$" + strconv.Itoa(len(args)))
		}
		q.WriteByte(')')
	}
	l.pending = l.pending[:0]
	if _, err := l.tx.ExecContext(l.ctx, q.String(), args...); err != nil {
		return fmt.Errorf("restore %s: %w", l.table, err)
	}
	return nil
}

// finish puts row-level security back and makes the engine look at what it got.
func (l *loader) finish() error {
	for _, t := range l.forced {
		if _, err := l.tx.ExecContext(l.ctx, "ALTER TABLE "+quote(t)+" FORCE ROW LEVEL SECURITY"); err != nil {
			return fmt.Errorf("restore %s: %w", t, err)
		}
	}
	return nil
}

func (l *loader) part(name string, data []byte) error {
	if l.extra == nil {
		return nil
	}
	if !extraName.MatchString(name) || strings.Contains(name, "..") {
		return fmt.Errorf("a file name that is not allowed: %q", name)
	}
	if name != l.openName {
		if err := l.closeExtra(); err != nil {
			return err
		}
		w, err := l.extra(name)
		if err != nil {
			return fmt.Errorf("restore %s: %w", name, err)
		}
		l.open, l.openName = w, name
	}
	_, err := l.open.Write(data)
	return err
}

func (l *loader) closeExtra() error {
	if l.open == nil {
		return nil
	}
	w := l.open
	l.open, l.openName = nil, ""
	return w.Close()
}
