package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"kenshin/facility"
)

// Shared is a transaction over the tables that belong to no facility.
type Shared struct {
	tx   *sql.Tx
	db   *DB
	kept kept
}

// Tx is a transaction bound to one facility. In every statement $1 IS the facility: callers pass the values from $2 on, and a
// statement that names a facility's table without tying it to $1 is refused before it runs (see scope). Shared tables need no tie.
type Tx struct {
	Shared
	facility facility.ID
	over     bool // ended: a context that outlived it joins nothing
}

// Facility returns whose facts this transaction sees.
func (tx *Tx) Facility() facility.ID { return tx.facility }

// SQL returns the transaction itself, for package job alone (River inserts its rows inside it).
func (s *Shared) SQL() *sql.Tx { return s.tx }

// Dialect returns the engine.
func (s *Shared) Dialect() Dialect { return s.db.Dialect }

// Exec runs a statement and returns the number of rows that it touched. A facility's table is refused.
func (s *Shared) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := s.db.scope.check(query, true); err != nil {
		return 0, err
	}
	return s.exec(ctx, query, args...)
}

func (s *Shared) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if k := s.ready(ctx, query); k != nil {
		res, err = k.ExecContext(ctx, args...)
	} else {
		res, err = s.tx.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", firstWords(query), err)
	}
	return res.RowsAffected()
}

// Query runs a query; close the rows, or use Each.
func (s *Shared) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := s.db.scope.check(query, true); err != nil {
		return nil, err
	}
	return s.query(ctx, query, args...)
}

func (s *Shared) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", firstWords(query), err)
	}
	return rows, nil
}

// Row runs a query for one row. Scan answers sql.ErrNoRows when there is none.
func (s *Shared) Row(ctx context.Context, query string, args ...any) *sql.Row {
	if err := s.db.scope.check(query, true); err != nil {
		panic(err)
	}
	return s.row(ctx, query, args...)
}

// row may use a kept statement: sql.Row ends with Scan, which follows at once.
func (s *Shared) row(ctx context.Context, query string, args ...any) *sql.Row {
	if k := s.ready(ctx, query); k != nil {
		return k.QueryRowContext(ctx, args...)
	}
	return s.tx.QueryRowContext(ctx, query, args...)
}

// each reads all rows of a query that was checked.
func (s *Shared) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	k := s.ready(ctx, query)
	if k == nil {
		rows, err := s.query(ctx, query, args...)
		return drain(rows, err, scan)
	}
	k.open = true
	defer func() { k.open = false }()
	rows, err := k.QueryContext(ctx, args...)
	if err != nil {
		err = fmt.Errorf("%s: %w", firstWords(query), err)
	}
	return drain(rows, err, scan)
}

// Exec is Shared.Exec with the facility as $1.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := tx.db.scope.check(query, false); err != nil {
		return 0, err
	}
	return tx.exec(ctx, query, tx.bind(args)...)
}

// Query is Shared.Query with the facility as $1.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tx.db.scope.check(query, false); err != nil {
		return nil, err
	}
	return tx.query(ctx, query, tx.bind(args)...)
}

// Row is Shared.Row with the facility as $1. A statement that forgets the facility panics: it is a bug, and Scan could not tell it apart.
func (tx *Tx) Row(ctx context.Context, query string, args ...any) *sql.Row {
	if err := tx.db.scope.check(query, false); err != nil {
		panic(err)
	}
	return tx.row(ctx, query, tx.bind(args)...)
}

func (tx *Tx) bind(args []any) []any {
	return append(append(make([]any, 0, len(args)+1), string(tx.facility)), args...)
}

// Rows is what Each needs of a transaction: Tx and Shared have it.
type Rows interface {
	Each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error
}

// Each runs a query and calls scan for every row; scan's error ends it.
func Each(ctx context.Context, tx Rows, scan func(*sql.Rows) error, query string, args ...any) error {
	return tx.Each(ctx, scan, query, args...)
}

// Each is the function of this name.
func (s *Shared) Each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	if err := s.db.scope.check(query, true); err != nil {
		return err
	}
	return s.each(ctx, scan, query, args...)
}

// Each is Shared.Each with the facility as $1.
func (tx *Tx) Each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	if err := tx.db.scope.check(query, false); err != nil {
		return err
	}
	return tx.each(ctx, scan, query, tx.bind(args)...)
}

func drain(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func firstWords(query string) string {
	f := strings.Fields(query)
	return strings.Join(f[:min(len(f), 6)], " ")
}

// In writes "($n,$n+1,...)" for a list, since neither engine takes a list as one parameter in the same way. An empty list
// writes "(NULL)", which matches nothing. next is the first free number.
func In(next int, count int) string {
	if count == 0 {
		return "(NULL)"
	}
	var b strings.Builder
	b.WriteByte('(')
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(next+i))
	}
	b.WriteByte(')')
	return b.String()
}

// Where gathers conditions whose parameters are numbered as they come. Zero value: no condition, first parameter $2 (as $1 is the facility).
type Where struct {
	parts []string
	Args  []any
}

// And adds a condition; every "?" in it becomes the next parameter.
func (w *Where) And(cond string, args ...any) {
	for _, a := range args {
		w.Args = append(w.Args, a)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(w.Args)+1), 1)
	}
	w.parts = append(w.parts, cond)
}

// Next takes one more argument outside the conditions (a limit, an offset) and returns its placeholder.
func (w *Where) Next(arg any) string {
	w.Args = append(w.Args, arg)
	return "$" + strconv.Itoa(len(w.Args)+1)
}

// SQL returns " AND a AND b", to follow "WHERE facility_id = $1".
func (w *Where) SQL() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " AND " + strings.Join(w.parts, " AND ")
}
