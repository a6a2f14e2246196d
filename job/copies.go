package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"kenshin/store"
)

// enter makes this copy known. On SQLite it is the only one, so whatever another left at work goes back into the queue.
func (q *Queue) enter(ctx context.Context) error {
	host, _ := os.Hostname()
	if err := q.buryGone(ctx, host); err != nil {
		return err
	}
	return q.db.WriteShared(ctx, func(tx *store.Shared) error {
		if q.db.Dialect == store.SQLite {
			if _, err := tx.Exec(ctx, "DELETE FROM job_copies"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE river_job SET state='available' WHERE state='running'"); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "INSERT INTO job_copies (id, host, pid, beat, started_at) VALUES ($1, $2, $3, 0, $4)",
			q.id, host, os.Getpid(), store.Micros(q.set.Now()))
		return err
	})
}

// buryGone takes back the steps of copies of this machine whose process is gone, without waiting for their silence. Should another machine have
// the same name, no harm is done: a copy that is taken for dead notices, and can save nothing under the leases that it lost.
func (q *Queue) buryGone(ctx context.Context, host string) error {
	if q.db.Dialect == store.SQLite {
		return nil
	}
	var gone []string
	err := q.db.ReadShared(ctx, func(tx *store.Shared) error {
		gone = nil
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			var pid int
			if err := rows.Scan(&id, &pid); err != nil {
				return err
			}
			if pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				gone = append(gone, id)
			}
			return nil
		}, "SELECT id, pid FROM job_copies WHERE host=$1 AND host<>''", host)
	})
	if err != nil {
		return fmt.Errorf("look for copies that are gone: %w", err)
	}
	for _, id := range gone {
		err = errors.Join(err, q.bury(ctx, id))
	}
	return err
}

func (q *Queue) leave(ctx context.Context) error {
	return q.db.WriteShared(ctx, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "DELETE FROM job_copies WHERE id=$1", q.id)
		return err
	})
}

func isAlive(ctx context.Context, tx *store.Shared, id string) (bool, error) {
	var n int
	err := tx.Row(ctx, "SELECT count(*) FROM job_copies WHERE id=$1", id).Scan(&n)
	return n > 0, err
}

// sighting is when this copy last saw another one's beat change, by this copy's own clock: copies' clocks need not agree.
type sighting struct {
	beat int64
	at   time.Time
}

// beatLoop gives signs of life and takes back the steps of copies that stopped giving theirs. A copy that cannot reach the database
// for as long as others wait before they take over cuts its own steps off first.
func (q *Queue) beatLoop(ctx context.Context) {
	if q.db.Dialect == store.SQLite {
		return
	}
	seen := map[string]sighting{}
	tick := time.NewTicker(q.set.Beat)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		short, cancel := context.WithTimeout(ctx, q.set.DeadAfter/3)
		err := q.beat(short, seen)
		cancel()
		if err == nil {
			last = time.Now()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		q.set.Log.WarnContext(ctx, "job: no sign of life", "err", err)
		if time.Since(last) > q.set.DeadAfter*2/3 {
			q.cutOff(errCutOff)
		}
	}
}

func (q *Queue) cutOff(why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, cancel := range q.active {
		cancel(why)
	}
}

func (q *Queue) beat(ctx context.Context, seen map[string]sighting) error {
	var dead []string
	err := q.db.WriteShared(ctx, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "UPDATE job_copies SET beat=beat+1 WHERE id=$1", q.id)
		if err != nil {
			return err
		}
		if n == 0 { // others thought this copy dead
			q.cutOff(errCutOff)
			host, _ := os.Hostname()
			if _, err := tx.Exec(ctx, "INSERT INTO job_copies (id, host, pid, beat, started_at) VALUES ($1, $2, $3, 0, $4)",
				q.id, host, os.Getpid(), store.Micros(q.set.Now())); err != nil {
				return err
			}
		}
		now := time.Now()
		dead = nil
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			var beat int64
			if err := rows.Scan(&id, &beat); err != nil {
				return err
			}
			if s, ok := seen[id]; !ok || s.beat != beat {
				seen[id] = sighting{beat, now}
			} else if id != q.id && now.Sub(s.at) > q.set.DeadAfter {
				dead = append(dead, id)
			}
			return nil
		}, "SELECT id, beat FROM job_copies")
	})
	for _, id := range dead {
		delete(seen, id)
		err = errors.Join(err, q.bury(ctx, id))
	}
	return err
}

// bury takes back the turns of a copy that died.
func (q *Queue) bury(ctx context.Context, id string) error {
	err := q.db.WriteShared(ctx, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "DELETE FROM job_copies WHERE id=$1", id)
		if err != nil || n == 0 { // another copy was faster
			return err
		}
		back, err := tx.Exec(ctx, `UPDATE river_job SET state='available'
			WHERE state='running' AND attempted_by[array_length(attempted_by, 1)] = $1`, id)
		q.set.Log.WarnContext(ctx, "job: a copy died", "copy", id, "steps taken back", back)
		return err
	})
	if err != nil {
		return fmt.Errorf("take back the steps of copy %s: %w", id, err)
	}
	return nil
}
