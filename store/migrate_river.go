package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// riverMigrations are our numbers for River's own tables, with River's number that each leads to: the shape that river v0.31 wants. Two steps, as
// PostgreSQL lets nobody use a new enum value (River 4) in the transaction that adds it (River 6). A newer River gets a new number here.
var riverMigrations = []struct {
	ours int64
	from int // River's version before; -1 stands for none
	to   int
}{{20, -1, 5}, {21, 5, 6}}

// migrateRiver makes River's tables by migrations of ours, so that an opened database always has them.
func migrateRiver(d Dialect) (out []*goose.Migration) {
	run := func(dir rivermigrate.Direction, target int) *goose.GoFunc {
		return &goose.GoFunc{Mode: goose.TransactionEnabled, RunTx: func(ctx context.Context, tx *sql.Tx) error {
			m, err := riverMigrator(d)
			if err != nil {
				return err
			}
			if _, err := m.MigrateTx(ctx, tx, dir, &rivermigrate.MigrateOpts{TargetVersion: target}); err != nil {
				return fmt.Errorf("make the job queue's tables: %w", err)
			}
			return nil
		}}
	}
	for _, m := range riverMigrations {
		out = append(out, goose.NewGoMigration(m.ours, run(rivermigrate.DirectionUp, m.to), run(rivermigrate.DirectionDown, m.from)))
	}
	return out
}

func riverMigrator(d Dialect) (*rivermigrate.Migrator[*sql.Tx], error) {
	quiet := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)}
	if d == Postgres {
		return rivermigrate.New(riverdatabasesql.New(nil), quiet)
	}
	return rivermigrate.New(riversqlite.New(nil), quiet)
}
