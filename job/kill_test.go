package job_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

// slow is count with a pause before each step's Save, so that a kill falls into a step.
func slow(db *store.DB, last int, pause time.Duration, tell func(step int)) job.Handler {
	inner := count(db, last)
	return func(ctx context.Context, run *job.Run) (job.Next, error) {
		tell(run.Step)
		select {
		case <-ctx.Done():
			return job.Next{}, ctx.Err()
		case <-time.After(pause):
		}
		return inner(ctx, run)
	}
}

// TestChild is the body of the process that TestKill9 kills; on its own it does nothing.
func TestChild(t *testing.T) {
	dir, url := os.Getenv("JOB_TEST_DIR"), os.Getenv("JOB_TEST_URL")
	if dir == "" && url == "" {
		t.Skip("only as the child of TestKill9")
	}
	if dir != "" {
		release, err := store.Lock(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	set := fast
	set.Timeout, set.Step = time.Minute, 30*time.Second
	q := newQueue(t, db, set)
	pause := 40 * time.Millisecond
	if p, err := time.ParseDuration(os.Getenv("JOB_TEST_PAUSE")); err == nil {
		pause = p
	}
	q.Handle("slow", job.Options{}, slow(db, 8, pause, func(step int) { fmt.Println("step", step) }))
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {} // until killed
}

// child starts the test binary as a process of its own and returns the steps that it reports.
func child(t *testing.T, env ...string) (kill func(), steps <-chan int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ch := make(chan int, 100)
	go func() {
		defer close(ch)
		for s := bufio.NewScanner(out); s.Scan(); {
			var n int
			if _, err := fmt.Sscanf(s.Text(), "step %d", &n); err == nil {
				ch <- n
			} else if strings.Contains(s.Text(), "FAIL") {
				fmt.Println(s.Text())
			}
		}
	}()
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return kill, ch
}

func waitStep(t *testing.T, steps <-chan int, want int) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case n, ok := <-steps:
			if !ok {
				t.Fatal("the child ended by itself")
			}
			if n >= want {
				return
			}
		case <-timeout:
			t.Fatalf("no step %d", want)
		}
	}
}

func TestKill9(t *testing.T) {
	t.Run("sqlite goes on after a restart", func(t *testing.T) {
		dir := dbtest.SQLiteDir(t)
		id := request(t, store.Options{Dir: dir})
		for _, at := range []int{2, 4, 5} {
			kill, steps := child(t, "JOB_TEST_DIR="+dir)
			waitStep(t, steps, at)
			kill()
		}
		_, steps := child(t, "JOB_TEST_DIR="+dir)
		waitStep(t, steps, 7)
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		q := newQueue(t, db, fast)
		await(t, q, dbtest.Facility, id, job.Finished)
		if n := facts(t, db, id); n != 8 {
			t.Errorf("%d facts, want 8: a step was lost or done twice", n)
		}
	})
	t.Run("power that comes and goes within seconds", func(t *testing.T) {
		dir := dbtest.SQLiteDir(t)
		id := request(t, store.Options{Dir: dir})
		for range 8 {
			kill, steps := child(t, "JOB_TEST_DIR="+dir, "JOB_TEST_PAUSE=1m")
			select {
			case <-steps: // it is in the middle of the first step
			case <-time.After(time.Second): // it waits for quieter times
			}
			kill()
		}
		child(t, "JOB_TEST_DIR="+dir)
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if got := await(t, newQueue(t, db, fast), dbtest.Facility, id, job.Finished); got.Done != 8 {
			t.Errorf("run = %+v", got)
		}
	})
	t.Run("postgres goes on in another copy", func(t *testing.T) {
		urls := dbtest.PostgresURLs(t)
		id := request(t, store.Options{URL: urls.App})
		kill, steps := child(t, "JOB_TEST_URL="+urls.App)
		waitStep(t, steps, 3)
		kill()
		db, err := store.Open(t.Context(), store.Options{URL: urls.App})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		q := newQueue(t, db, fast)
		q.Handle("slow", job.Options{}, slow(db, 8, 0, func(int) {}))
		start(t, q)
		if got := await(t, q, dbtest.Facility, id, job.Finished); got.Done != 8 || got.Step < 7 { // a step killed between its facts and its end is not counted
			t.Errorf("run = %+v", got)
		}
		if n := facts(t, db, id); n != 8 {
			t.Errorf("%d facts, want 8: a step was lost or done twice", n)
		}
	})
}

func request(t *testing.T, o store.Options) job.RunID {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q := newQueue(t, db, fast)
	q.Handle("slow", job.Options{}, nil)
	return enqueue(t, db, q, dbtest.Facility, "slow", nil, job.Request{})
}
