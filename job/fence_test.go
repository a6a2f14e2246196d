package job_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

// A copy that lost its run without noticing must not write over what the new one does.
func TestALostRunSavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		var calls atomic.Int32
		var saved atomic.Value
		inner := count(db, 1)
		q.Handle("x", job.Options{}, func(ctx context.Context, run *job.Run) (job.Next, error) {
			if calls.Add(1) > 1 {
				return inner(ctx, run)
			}
			err := db.Write(ctx, run.Facility, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE job_runs SET lease='another/1' WHERE facility_id=$1 AND id=$2", string(run.ID))
				return err
			})
			if err != nil {
				return job.Next{}, err
			}
			_, err = inner(ctx, run)
			if err != nil {
				saved.Store(err.Error())
			}
			return job.Done, nil // it does not know
		})
		start(t, q)
		id := enqueue(t, db, q, dbtest.Facility, "x", nil, job.Request{})
		got := await(t, q, dbtest.Facility, id, job.Finished)
		if saved.Load() == nil {
			t.Error("the lost run could save")
		}
		if n := facts(t, db, id); n != 1 || calls.Load() != 2 || got.Step != 1 {
			t.Errorf("%d facts after %d calls, step %d: want the second call's only", n, calls.Load(), got.Step)
		}
	})
}

func TestAStepThatHangsIsCutOff(t *testing.T) {
	db := dbtest.SQLite(t)
	set := fast
	set.Step, set.Timeout = 100*time.Millisecond, 300*time.Millisecond
	q := newQueue(t, db, set)
	q.Handle("x", job.Options{MaxAttempts: 1}, func(ctx context.Context, run *job.Run) (job.Next, error) {
		<-ctx.Done()
		if !run.Enough() {
			t.Error("a step that was cut off is not told so")
		}
		return job.Next{}, ctx.Err()
	})
	start(t, q)
	id := enqueue(t, db, q, dbtest.Facility, "x", nil, job.Request{})
	if got := await(t, q, dbtest.Facility, id, job.Failed); !strings.Contains(got.Error.En, "too long") {
		t.Errorf("error %q", got.Error.En)
	}
}

func TestStoppingIsQuiet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		var log bytes.Buffer
		set := fast
		set.Log = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), nil))
		q := newQueue(t, db, set)
		q.Handle("hangs", job.Options{}, func(ctx context.Context, _ *job.Run) (job.Next, error) {
			<-ctx.Done()
			return job.Next{}, errors.New("cut off")
		})
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := enqueue(t, db, q, dbtest.Facility, "hangs", nil, job.Request{})
		await(t, q, dbtest.Facility, id, job.Running)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		if got := await(t, q, dbtest.Facility, id, job.Queued); got.Attempts != 0 {
			t.Errorf("stopping the program counted as a failure: %+v", got)
		}
		mu.Lock()
		defer mu.Unlock()
		if log.Len() > 0 {
			t.Errorf("stopping wrote to the log:\n%s", log.String())
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
