package job

import (
	"context"
	"time"

	"kenshin/actor"
	"kenshin/store"
)

type period struct {
	every time.Duration
	fn    func(ctx context.Context) error
}

// Periodic calls fn once per interval, on whichever copy comes first; the time of the next call outlives restarts. The first call
// comes at the first start. fn should only Enqueue: a call that fails or is cut off comes again with the next interval, not earlier.
// Call it before Start.
func (q *Queue) Periodic(name string, every time.Duration, fn func(ctx context.Context) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.periods[name] = period{every: every, fn: fn}
}

func (q *Queue) periodLoop(ctx context.Context) {
	tick := time.NewTicker(q.set.Poll * 2)
	defer tick.Stop()
	for {
		q.mu.Lock()
		periods := make(map[string]period, len(q.periods))
		for name, p := range q.periods {
			periods[name] = p
		}
		q.mu.Unlock()
		for name, p := range periods {
			q.tick(ctx, name, p)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tick calls fn when its time has come and this copy was the one to move the time forward.
func (q *Queue) tick(ctx context.Context, name string, p period) {
	due := false
	err := q.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		due, err = q.due(ctx, tx, name, p)
		return err
	})
	if err == nil && due {
		err = q.db.WriteShared(ctx, func(tx *store.Shared) (err error) {
			due, err = q.advance(ctx, tx, name, p)
			return err
		})
	}
	if err == nil && due {
		err = p.fn(actor.With(ctx, actor.Actor{Kind: actor.System, ID: name, Name: "Kenshin"})) // whoever started the program did not ask for it
	}
	if err != nil && ctx.Err() == nil {
		q.set.Log.WarnContext(ctx, "job: periodic work", "name", name, "err", err)
	}
}

// A next time that lies further ahead than one interval comes from a clock that ran ahead and was put right: it counts as due.
func (q *Queue) due(ctx context.Context, tx *store.Shared, name string, p period) (bool, error) {
	now := q.set.Now()
	var n int
	err := tx.Row(ctx, "SELECT count(*) FROM job_periods WHERE name=$1 AND next_at > $2 AND next_at <= $3",
		name, store.Micros(now), store.Micros(now.Add(p.every))).Scan(&n)
	return n == 0, err
}

func (q *Queue) advance(ctx context.Context, tx *store.Shared, name string, p period) (bool, error) {
	now := q.set.Now()
	n, err := tx.Exec(ctx, `INSERT INTO job_periods (name, next_at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE job_periods.next_at <= $3 OR job_periods.next_at > $2`,
		name, store.Micros(now.Add(p.every)), store.Micros(now))
	return n > 0, err
}
