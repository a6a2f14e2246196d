package store

import (
	"context"
	"database/sql"
)

// maxKept is how many statements one transaction keeps ready.
const maxKept = 64

// kept are the statements that a transaction on SQLite has compiled: compiling costs more than running most of them, and bulk work runs the
// same few again and again. (pgx keeps its own.) A transaction belongs to one goroutine, and so do these.
type kept map[string]*keptStmt

type keptStmt struct {
	*sql.Stmt
	open bool // its rows are being read: the same text needs a statement of its own meanwhile
}

// ready returns the compiled statement, nil where the text is better run as it is. It is closed with the transaction.
func (s *Shared) ready(ctx context.Context, query string) *keptStmt {
	if s.kept == nil {
		return nil
	}
	k, ok := s.kept[query]
	switch {
	case ok && k.open, !ok && len(s.kept) >= maxKept:
		return nil
	case ok:
		return k
	}
	stmt, err := s.tx.PrepareContext(ctx, query)
	if err != nil {
		return nil // running it says what is wrong
	}
	k = &keptStmt{Stmt: stmt}
	s.kept[query] = k
	return k
}

func newKept(d Dialect) kept {
	if d != SQLite {
		return nil
	}
	return kept{}
}
