package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// errLost says that this copy no longer holds the run.
var errLost = errors.New("the run was taken over by another copy")

// row is a run with what only the queue needs.
type row struct {
	Info
	riverID    int64
	lease      string
	leaseUntil time.Time
	requester  actor.Actor
}

const columns = `id, kind, queue, title_ja, title_en, state, step, done_count, total_count, note_ja, note_en, args_json, state_json,
	error_ja, error_en, attempts, cancel_requested, pause_requested, requester_kind, requester_id, requester_name, river_id, lease,
	lease_until, created_at, started_at, updated_at, finished_at`

func scanRow(scan func(...any) error) (r row, err error) {
	var until, created, started, updated, finished int64
	err = scan(&r.ID, &r.Kind, &r.Queue, &r.Title.Ja, &r.Title.En, &r.State, &r.Step, &r.Done, &r.Total, &r.Note.Ja, &r.Note.En, &r.args, &r.data,
		&r.Error.Ja, &r.Error.En, &r.Attempts, &r.CancelRequested, &r.PauseRequested, &r.requester.Kind, &r.requester.ID, &r.requester.Name,
		&r.riverID, &r.lease, &until, &created, &started, &updated, &finished)
	r.RequestedBy = r.requester.Name
	r.leaseUntil = store.Time(until)
	r.Created, r.Started, r.Updated, r.Finished = store.Time(created), store.Time(started), store.Time(updated), store.Time(finished)
	return r, err
}

func getRow(ctx context.Context, tx *store.Tx, id RunID) (row, error) {
	r, err := scanRow(tx.Row(ctx, "SELECT "+columns+" FROM job_runs WHERE facility_id=$1 AND id=$2", string(id)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, fault.New(fault.NotFound, "その処理は見つかりません。古い処理は90日で消えます。", "There is no such job. Old jobs go after 90 days.")
	}
	if err != nil {
		return row{}, fmt.Errorf("read job %s: %w", id, err)
	}
	return r, nil
}

func getRun(ctx context.Context, tx *store.Tx, id RunID) (Info, error) {
	r, err := getRow(ctx, tx, id)
	return r.Info, err
}

func listRuns(ctx context.Context, tx *store.Tx, f Filter) ([]Info, error) {
	var w store.Where
	if len(f.Kinds) > 0 {
		w.And("kind IN "+marks(len(f.Kinds)), anys(f.Kinds)...)
	}
	if len(f.States) > 0 {
		w.And("state IN "+marks(len(f.States)), anys(f.States)...)
	}
	if f.Before != "" {
		w.And("id < ?", string(f.Before))
	}
	limit := w.Next(min(orInt(f.Limit, 50), 500))
	var out []Info
	err := store.Each(ctx, tx, func(rows *sql.Rows) error {
		r, err := scanRow(rows.Scan)
		out = append(out, r.Info)
		return err
	}, "SELECT "+columns+" FROM job_runs WHERE facility_id=$1"+w.SQL()+" ORDER BY id DESC LIMIT "+limit, w.Args...)
	return out, err
}

// marks writes "(?,?,?)" for Where.And.
func marks(n int) string {
	b := make([]byte, 0, 2*n+1)
	for range n {
		b = append(b, ',', '?')
	}
	b[0] = '('
	return string(append(b, ')'))
}

func anys[T ~string](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

// insertRun writes a new run, unless one with the same unique key is not over yet: then it returns that one.
func insertRun(ctx context.Context, tx *store.Tx, now time.Time, kind, args string, r Request, by actor.Actor) (id RunID, fresh bool, err error) {
	id = RunID(store.NewID())
	var key any
	if r.UniqueKey != "" {
		key = r.UniqueKey
	}
	us := store.Micros(now)
	n, err := tx.Exec(ctx, `INSERT INTO job_runs (facility_id, id, kind, queue, title_ja, title_en, state, step, done_count, total_count,
		note_ja, note_en, args_json, state_json, error_ja, error_en, attempts, cancel_requested, pause_requested, unique_key,
		requester_kind, requester_id, requester_name, river_id, lease, lease_until, created_at, started_at, updated_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, 0, 0, '', '', $7, '', '', '', 0, false, false, $8, $9, $10, $11, 0, '', 0, $12, 0, $12, 0)
		ON CONFLICT (facility_id, kind, unique_key) DO NOTHING`,
		string(id), kind, r.Queue, r.Title.Ja, r.Title.En, args, key, string(by.Kind), by.ID, by.Name, us)
	if err != nil || n > 0 {
		return id, n > 0, err
	}
	err = tx.Row(ctx, "SELECT id FROM job_runs WHERE facility_id=$1 AND kind=$2 AND unique_key=$3", kind, r.UniqueKey).Scan(&id)
	if err != nil {
		return "", false, fmt.Errorf("find the %s that runs already: %w", kind, err)
	}
	return id, false, nil
}

// setState moves a run that no step holds.
func setState(ctx context.Context, tx *store.Tx, id RunID, to State, now time.Time) error {
	us := store.Micros(now)
	if !to.Over() {
		_, err := tx.Exec(ctx, "UPDATE job_runs SET state=$3, lease='', updated_at=$4 WHERE facility_id=$1 AND id=$2", string(id), string(to), us)
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE job_runs SET state=$3, lease='', unique_key=NULL, updated_at=$4, finished_at=$4
		WHERE facility_id=$1 AND id=$2`, string(id), string(to), us)
	return err
}

// takeRun gives a run to this copy for a step, if the lease is still the one that was read.
func takeRun(ctx context.Context, tx *store.Tx, r row, lease string, until, now time.Time) error {
	started := r.Started
	if started.IsZero() {
		started = now
	}
	n, err := tx.Exec(ctx, `UPDATE job_runs SET state='running', lease=$4, lease_until=$5, started_at=$6, updated_at=$7, attempts=$8
		WHERE facility_id=$1 AND id=$2 AND lease=$3`,
		string(r.ID), r.lease, lease, store.Micros(until), store.Micros(started), store.Micros(now), r.Attempts)
	if err == nil && n == 0 {
		return errLost
	}
	return err
}

// ending is what a step leaves in its run.
type ending struct {
	state    State
	lease    string // "" gives the run back
	step     int
	attempts int
	note     i18n.Text
	err      i18n.Text
}

func endStep(ctx context.Context, tx *store.Tx, id RunID, lease string, e ending, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE job_runs SET state=$4, lease=$5, step=$6, attempts=$7, note_ja=$8, note_en=$9, error_ja=$10, error_en=$11, updated_at=$12
		WHERE facility_id=$1 AND id=$2 AND lease=$3`, string(id), lease, string(e.state), e.lease, e.step, e.attempts, e.note.Ja, e.note.En,
		e.err.Ja, e.err.En, store.Micros(now))
	if err == nil && n == 0 {
		return errLost
	}
	if err != nil || !e.state.Over() {
		return err
	}
	return setState(ctx, tx, id, e.state, now)
}

func cleanRuns(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM job_runs WHERE facility_id=$1 AND id IN (SELECT id FROM job_runs
		WHERE facility_id=$1 AND finished_at > 0 AND finished_at < $2 ORDER BY id LIMIT $3)`, store.Micros(before), limit)
}
