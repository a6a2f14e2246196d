package job_test

import (
	"context"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

// TestTheClockIsSetBack: work whose turn was given by a clock that ran two hours ahead goes on now, and work that was to wait waits no less.
func TestTheClockIsSetBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ran := make(chan job.RunID, 4)
		handle := func(q *job.Queue) {
			q.Handle("note", job.Options{}, func(_ context.Context, r *job.Run) (job.Next, error) { ran <- r.ID; return job.Done, nil })
		}
		wrong := fast
		wrong.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		before := newQueue(t, db, wrong)
		handle(before)
		soon := enqueue(t, db, before, dbtest.Facility, "note", nil, job.Request{Delay: time.Second})
		late := enqueue(t, db, before, dbtest.Facility, "note", nil, job.Request{Delay: 48 * time.Hour})

		q := newQueue(t, db, fast)
		handle(q)
		start(t, q)
		select {
		case <-ran:
			t.Fatal("the run was due at once: this test shows nothing")
		case <-time.After(1500 * time.Millisecond):
		}
		if n, err := q.Adopt(t.Context(), dbtest.Facility); err != nil || n != 2 {
			t.Fatalf("adopted %d, %v", n, err)
		}
		await(t, q, dbtest.Facility, soon, job.Finished)
		if n, err := q.Adopt(t.Context(), dbtest.Facility); err != nil || n != 0 {
			t.Errorf("adopted %d again, %v", n, err)
		}
		if info, err := q.Get(t.Context(), dbtest.Facility, late); err != nil || info.State != job.Queued || len(ran) != 1 {
			t.Errorf("what was to wait two days is %s, %v", info.State, err)
		}
	})
}
