package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

var fast = job.Settings{Poll: 10 * time.Millisecond, Beat: 100 * time.Millisecond, DeadAfter: 600 * time.Millisecond, Step: 2 * time.Second, Timeout: 3 * time.Second}

func newQueue(t *testing.T, db *store.DB, s job.Settings) *job.Queue {
	t.Helper()
	q, err := job.New(db, s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func start(t *testing.T, q *job.Queue) {
	t.Helper()
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func enqueue(t *testing.T, db *store.DB, q *job.Queue, f facility.ID, kind string, args any, r job.Request) job.RunID {
	t.Helper()
	var id job.RunID
	err := db.Write(t.Context(), f, func(tx *store.Tx) (err error) {
		id, err = q.Enqueue(t.Context(), tx, kind, args, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await waits until a run is in a state.
func await(t *testing.T, q *job.Queue, f facility.ID, id job.RunID, want ...job.State) job.Info {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		info, err := q.Get(t.Context(), f, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if info.State == w {
				return info
			}
		}
		if time.Now().After(deadline) || info.State.Over() {
			t.Fatalf("the run is %s (step %d, error %q), want %v", info.State, info.Step, info.Error.En, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// count is a handler that writes one fact per step, together with its progress.
func count(db *store.DB, last int) job.Handler {
	return func(ctx context.Context, run *job.Run) (job.Next, error) {
		var at int
		if err := run.Data(&at); err != nil {
			return job.Next{}, err
		}
		if at >= last { // cut off between the last facts and the end of their step
			return job.Done, nil
		}
		at++
		err := db.Write(ctx, run.Facility, func(tx *store.Tx) error {
			if _, err := tx.SQL().ExecContext(ctx, "INSERT INTO store_about (name, value) VALUES ($1, '')", fmt.Sprintf("%s/%d", run.ID, at)); err != nil {
				return err
			}
			return run.Save(ctx, tx, at, at, last)
		})
		if err != nil || at < last {
			return job.Again(0), err
		}
		return job.Done, nil
	}
}

func facts(t *testing.T, db *store.DB, id job.RunID) (n int) {
	t.Helper()
	err := db.ReadShared(t.Context(), func(tx *store.Shared) error {
		return tx.Row(t.Context(), "SELECT count(*) FROM store_about WHERE name LIKE $1", string(id)+"/%").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChainSavesItsProgress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		title := i18n.Text{Ja: "数える", En: "count"}
		var who atomic.Value
		inner := count(db, 5)
		q.Handle("count", job.Options{Title: title}, func(ctx context.Context, run *job.Run) (job.Next, error) {
			var args map[string]string
			if err := run.Args(&args); err != nil || args["a"] != "値" {
				return job.Next{}, fmt.Errorf("args %v, %w", args, err)
			}
			who.Store(actor.From(ctx).Name)
			run.Say(i18n.Text{Ja: "数えています", En: "counting"})
			return inner(ctx, run)
		})
		start(t, q)
		var id job.RunID
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "佐藤"})
		if err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) (err error) {
			id, err = q.Enqueue(ctx, tx, "count", map[string]string{"a": "値"}, job.Request{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		got := await(t, q, dbtest.Facility, id, job.Finished)
		if got.Done != 5 || got.Total != 5 || got.Step != 5 || got.Title != title || got.RequestedBy != "佐藤" || got.Note.Ja != "数えています" ||
			got.Started.IsZero() || got.Finished.IsZero() || got.Attempts != 0 {
			t.Errorf("run = %+v", got)
		}
		if n := facts(t, db, id); n != 5 {
			t.Errorf("%d facts, want 5", n)
		}
		if who.Load() != "佐藤" {
			t.Errorf("steps act as %v, want who asked", who.Load())
		}
		if _, err := q.Get(t.Context(), dbtest.Canary, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility sees the run: %v", err)
		}
	})
}

func TestARequestThatRollsBackNeverRuns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		var ran atomic.Int32
		q.Handle("x", job.Options{}, func(context.Context, *job.Run) (job.Next, error) { ran.Add(1); return job.Done, nil })
		start(t, q)
		stop := errors.New("no")
		err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			if _, err := q.Enqueue(t.Context(), tx, "x", nil, job.Request{}); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		await(t, q, dbtest.Facility, enqueue(t, db, q, dbtest.Facility, "x", nil, job.Request{}), job.Finished)
		if ran.Load() != 1 {
			t.Errorf("%d runs, want only the second request's", ran.Load())
		}
	})
}

func TestErrorsAreTriedAgainThenExplained(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		soon := func(int) time.Duration { return time.Millisecond }
		var n atomic.Int32
		q.Handle("second", job.Options{Backoff: soon}, func(context.Context, *job.Run) (job.Next, error) {
			if n.Add(1) == 1 {
				return job.Next{}, errors.New("the wire fell out")
			}
			return job.Done, nil
		})
		q.Handle("never", job.Options{Backoff: soon, MaxAttempts: 3}, func(context.Context, *job.Run) (job.Next, error) {
			return job.Next{}, fault.New(fault.Unavailable, "届きません。", "Out of reach.")
		})
		q.Handle("wrong", job.Options{}, func(context.Context, *job.Run) (job.Next, error) {
			return job.Next{}, fmt.Errorf("reading: %w", fault.New(fault.Invalid, "3行目が違います。", "Line 3 is wrong."))
		})
		q.Handle("panic", job.Options{Backoff: soon, MaxAttempts: 2}, func(context.Context, *job.Run) (job.Next, error) { panic("oops") })
		q.Handle("part", job.Options{}, func(context.Context, *job.Run) (job.Next, error) {
			return job.Partly(i18n.Text{Ja: "2階だけ", En: "second floor only"}), nil
		})
		start(t, q)
		run := func(kind string, want job.State) job.Info {
			return await(t, q, dbtest.Facility, enqueue(t, db, q, dbtest.Facility, kind, nil, job.Request{}), want)
		}
		if got := run("second", job.Finished); got.Step != 1 {
			t.Errorf("second: %+v", got)
		}
		if got := run("never", job.Failed); got.Attempts != 3 || got.Error.Ja != "届きません。" {
			t.Errorf("never: %+v", got)
		}
		if got := run("wrong", job.Failed); got.Attempts != 1 || got.Error.En != "Line 3 is wrong." {
			t.Errorf("wrong: %+v", got)
		}
		if got := run("panic", job.Failed); got.Attempts != 2 || got.Error.En == "" {
			t.Errorf("panic: %+v", got)
		}
		if got := run("part", job.Incomplete); got.Note.Ja != "2階だけ" {
			t.Errorf("part: %+v", got)
		}
	})
}

func TestCancelPauseResume(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		q.Handle("long", job.Options{}, func(ctx context.Context, run *job.Run) (job.Next, error) {
			for !run.Enough() {
				select {
				case <-ctx.Done():
					return job.Next{}, ctx.Err()
				case <-time.After(time.Millisecond):
				}
			}
			return job.Again(0), nil
		})
		waiting := enqueue(t, db, q, dbtest.Facility, "long", nil, job.Request{})
		if err := q.Cancel(t.Context(), dbtest.Facility, waiting); err != nil {
			t.Fatal(err)
		}
		if got := await(t, q, dbtest.Facility, waiting, job.Cancelled); got.Finished.IsZero() {
			t.Error("a run that was cancelled before its turn has no end")
		}
		start(t, q)
		id := enqueue(t, db, q, dbtest.Facility, "long", nil, job.Request{})
		await(t, q, dbtest.Facility, id, job.Running)
		for range 2 { // pausing and resuming twice leaves one chain, not two
			if err := q.Pause(t.Context(), dbtest.Facility, id); err != nil {
				t.Fatal(err)
			}
			await(t, q, dbtest.Facility, id, job.Paused)
			if err := q.Resume(t.Context(), dbtest.Facility, id); err != nil {
				t.Fatal(err)
			}
			await(t, q, dbtest.Facility, id, job.Running)
		}
		if err := q.Cancel(t.Context(), dbtest.Facility, id); err != nil {
			t.Fatal(err)
		}
		await(t, q, dbtest.Facility, id, job.Cancelled)
		if err := q.Cancel(t.Context(), dbtest.Canary, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility could cancel: %v", err)
		}
	})
}

func TestUniqueKeyStartsOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		q.Handle("x", job.Options{}, count(db, 1))
		once := job.Request{UniqueKey: "10.0.0.0/24"}
		first := enqueue(t, db, q, dbtest.Facility, "x", nil, once)
		if second := enqueue(t, db, q, dbtest.Facility, "x", nil, once); second != first {
			t.Errorf("a second run was made: %s, %s", first, second)
		}
		if other := enqueue(t, db, q, dbtest.Canary, "x", nil, once); other == first {
			t.Error("another facility's key got in the way")
		}
		start(t, q)
		await(t, q, dbtest.Facility, first, job.Finished)
		if third := enqueue(t, db, q, dbtest.Facility, "x", nil, once); third == first {
			t.Error("the key still blocks after the run is over")
		}
	})
}

func TestListPagesAndClean(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		q.Handle("x", job.Options{}, count(db, 1))
		q.Handle("y", job.Options{}, count(db, 1))
		var ids []job.RunID
		for i := range 5 {
			ids = append(ids, enqueue(t, db, q, dbtest.Facility, []string{"x", "y"}[i%2], nil, job.Request{}))
		}
		enqueue(t, db, q, dbtest.Canary, "x", nil, job.Request{})
		var seen []string
		for page := (job.Filter{Limit: 2}); ; {
			got, err := q.List(t.Context(), dbtest.Facility, page)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				break
			}
			for _, g := range got {
				seen = append(seen, string(g.ID))
			}
			page.Before = got[len(got)-1].ID
		}
		if len(seen) != 5 || seen[0] != string(ids[4]) || seen[4] != string(ids[0]) {
			t.Errorf("pages: %v", seen)
		}
		got, err := q.List(t.Context(), dbtest.Facility, job.Filter{Kinds: []string{"y"}, States: []job.State{job.Queued}})
		if err != nil || len(got) != 2 {
			t.Errorf("filter: %d runs, %v", len(got), err)
		}
		if err := q.Cancel(t.Context(), dbtest.Facility, ids[0]); err != nil {
			t.Fatal(err)
		}
		if n, err := q.Clean(t.Context(), dbtest.Facility, -time.Second); err != nil || n != 1 {
			t.Errorf("clean removed %d, %v; want the one that is over", n, err)
		}
	})
}

func TestAQueueIsServedOnlyWhereItExists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		q := newQueue(t, db, fast)
		q.Handle("x", job.Options{}, count(db, 1))
		start(t, q)
		sweep := enqueue(t, db, q, dbtest.Facility, "x", nil, job.Request{Queue: "sweep:eth0.10"})
		await(t, q, dbtest.Facility, enqueue(t, db, q, dbtest.Facility, "x", nil, job.Request{}), job.Finished)
		if got := await(t, q, dbtest.Facility, sweep, job.Queued); got.Queue != "sweep:eth0.10" {
			t.Errorf("queue %q", got.Queue)
		}
		if err := q.Serve("sweep:eth0.10", 1); err != nil {
			t.Fatal(err)
		}
		await(t, q, dbtest.Facility, sweep, job.Finished)
	})
}

func TestStopLetsAStepSave(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		handler := func(ctx context.Context, run *job.Run) (job.Next, error) {
			for !run.Enough() {
				time.Sleep(time.Millisecond)
			}
			return job.Again(0), db.Write(ctx, run.Facility, func(tx *store.Tx) error { return run.Save(ctx, tx, "saved", 1, 2) })
		}
		first := newQueue(t, db, fast)
		first.Handle("x", job.Options{}, handler)
		start(t, first)
		id := enqueue(t, db, first, dbtest.Facility, "x", nil, job.Request{})
		await(t, first, dbtest.Facility, id, job.Running)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := first.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if got := await(t, first, dbtest.Facility, id, job.Queued); got.Done != 1 || got.Attempts != 0 {
			t.Errorf("after the stop: %+v", got)
		}
		second := newQueue(t, db, fast)
		second.Handle("x", job.Options{}, func(_ context.Context, run *job.Run) (job.Next, error) {
			var s string
			if err := run.Data(&s); err != nil || s != "saved" {
				return job.Next{}, fmt.Errorf("data %q, %w", s, err)
			}
			return job.Done, nil
		})
		start(t, second)
		await(t, second, dbtest.Facility, id, job.Finished)
	})
}

func TestTwoCopiesRunEachStepOnce(t *testing.T) {
	urls := dbtest.PostgresURLs(t)
	var mu sync.Mutex
	steps, by, inside := map[string]int{}, map[string]int{}, map[job.RunID]bool{}
	var queues []*job.Queue
	var dbs []*store.DB
	for i := range 2 {
		db, err := store.Open(t.Context(), store.Options{URL: urls.App})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		q := newQueue(t, db, fast)
		inner := count(db, 20)
		q.Handle("chain", job.Options{}, func(ctx context.Context, run *job.Run) (job.Next, error) {
			mu.Lock()
			if inside[run.ID] {
				t.Errorf("two steps of %s at the same time", run.ID)
			}
			inside[run.ID] = true
			steps[fmt.Sprintf("%s/%d", run.ID, run.Step)]++
			by[fmt.Sprint(i)]++
			mu.Unlock()
			next, err := inner(ctx, run)
			mu.Lock()
			inside[run.ID] = false
			mu.Unlock()
			if next == job.Again(0) {
				next = job.Again(time.Millisecond) // through the queue, so that either copy may take the next one
			}
			return next, err
		})
		queues, dbs = append(queues, q), append(dbs, db)
	}
	var ids []job.RunID
	for range 3 {
		ids = append(ids, enqueue(t, dbs[0], queues[0], dbtest.Facility, "chain", nil, job.Request{}))
	}
	for _, q := range queues {
		start(t, q)
	}
	for _, id := range ids {
		await(t, queues[0], dbtest.Facility, id, job.Finished)
		if n := facts(t, dbs[0], id); n != 20 {
			t.Errorf("%d facts, want 20", n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(steps) != 60 {
		t.Errorf("%d different steps, want 60", len(steps))
	}
	for s, n := range steps {
		if n != 1 {
			t.Errorf("step %s ran %d times", s, n)
		}
	}
	if len(by) != 2 {
		t.Errorf("only one copy worked: %v", by)
	}
}

func TestPeriodicOncePerIntervalAcrossCopies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		now := time.Now()
		set := fast
		set.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		var n atomic.Int32
		for range 2 {
			q := newQueue(t, db, set)
			q.Periodic("feed", time.Hour, func(context.Context) error { n.Add(1); return nil })
			start(t, q)
			if db.Dialect == store.SQLite {
				break
			}
		}
		settle := func(want int32) {
			t.Helper()
			for deadline := time.Now().Add(5 * time.Second); n.Load() < want && time.Now().Before(deadline); {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(60 * time.Millisecond) // three more looks, in which nothing may happen
			if n.Load() != want {
				t.Errorf("%d calls, want %d", n.Load(), want)
			}
		}
		jump := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
		settle(1)
		jump(61 * time.Minute)
		settle(2)
		jump(-48 * time.Hour) // the clock ran ahead and was put right: it must not wait for two days
		settle(3)
	})
}

func TestHostileNames(t *testing.T) {
	db := dbtest.SQLite(t)
	q := newQueue(t, db, fast)
	q.Handle("x", job.Options{}, count(db, 1))
	for _, name := range []string{"a:b", "a_b", "A", "日本", strings.Repeat("x", 300), "x_"} {
		if err := q.Serve(name, 1); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	start(t, q)
	err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		_, err := q.Enqueue(t.Context(), tx, "x", strings.Repeat("x", 2<<20), job.Request{})
		return err
	})
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("2 MB of input: %v", err)
	}
}
