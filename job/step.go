package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

var (
	errCancel   = errors.New("a person cancelled the run")
	errStopping = errors.New("the program stops")
	errCutOff   = errors.New("the database was out of reach")
)

// stepWorker hands River's turns to the queue. River gives a row to one copy at a time; the lease in job_runs makes sure that a copy
// which lost its turn without noticing can save nothing.
type stepWorker struct {
	river.WorkerDefaults[stepArgs]
	q *Queue
}

// Work does the steps of one turn.
func (w *stepWorker) Work(ctx context.Context, j *river.Job[stepArgs]) error {
	return w.q.work(ctx, facility.ID(j.Args.Facility), RunID(j.Args.Run), j.ID)
}

// work returns nil when the run needs no further turn, else a snooze.
func (q *Queue) work(ctx context.Context, f facility.ID, id RunID, riverID int64) error {
	q.mu.Lock()
	_, busy := q.active[id]
	if !busy {
		q.active[id] = func(error) {}
	}
	q.mu.Unlock()
	if busy {
		return river.JobSnooze(time.Second)
	}
	defer func() {
		q.mu.Lock()
		delete(q.active, id)
		q.mu.Unlock()
	}()
	r, k, wait, err := q.claim(ctx, f, id, riverID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		q.set.Log.WarnContext(ctx, "job: claim", "run", string(id), "err", err)
		return river.JobSnooze(2 * time.Second)
	case wait > 0:
		return river.JobSnooze(wait)
	case r == nil:
		return nil
	}
	next, err := q.turnOf(ctx, r, k)
	if err != nil { // the end could not be written: the same step comes again
		q.set.Log.WarnContext(ctx, "job: end of step", "run", string(id), "kind", r.Kind, "err", err)
		return river.JobSnooze(5 * time.Second)
	}
	if next.state == Queued {
		return river.JobSnooze(next.delay)
	}
	return nil
}

// claim takes the run for this copy. It returns no run when nothing is to be done, and a wait when the turn must come again.
func (q *Queue) claim(ctx context.Context, f facility.ID, id RunID, riverID int64) (run *Run, k kind, wait time.Duration, err error) {
	err = q.db.Write(ctx, f, func(tx *store.Tx) error {
		run, wait = nil, 0
		r, err := getRow(ctx, tx, id)
		if err != nil {
			return err
		}
		now := q.set.Now()
		known, cutOff := false, false
		q.mu.Lock()
		k, known = q.kinds[r.Kind]
		q.mu.Unlock()
		switch {
		case r.State.Over() || r.State == Paused || r.riverID != riverID:
			return nil
		case !known:
			wait = time.Minute // another copy of a newer version may know it
			return nil
		case r.lease != "":
			held, err := q.held(ctx, &tx.Shared, r, now)
			if err != nil {
				return err
			}
			if held {
				wait = 2 * time.Second
				return nil
			}
			r.Attempts++ // whoever held it did not come to an end
			cutOff = true
		}
		switch {
		case r.CancelRequested:
			return setState(ctx, tx, id, Cancelled, now)
		case r.PauseRequested:
			return setState(ctx, tx, id, Paused, now)
		case r.Attempts > k.MaxAttempts+cutOffs:
			return q.giveUp(ctx, tx, r, now)
		case cutOff && rest(r.Attempts) > 0:
			wait = rest(r.Attempts)
			return endStep(ctx, tx, id, r.lease, ending{state: Queued, step: r.Step, attempts: r.Attempts, note: r.Note}, now)
		}
		lease := q.id + "/" + store.NewID()
		if err := takeRun(ctx, tx, r, lease, now.Add(2*q.set.Timeout), now); err != nil {
			return err
		}
		run = &Run{Info: r.Info, Facility: f, lease: lease, now: q.set.Now}
		run.requester = r.requester
		return nil
	})
	return run, k, wait, err
}

// cutOffs is how many tries more than failing ones a step has when it is the program that ends in its middle.
const cutOffs = 4

// rest is how long a step waits that was cut off n times in a row: power that comes and goes within seconds must not use up its tries, and
// one that itself brings the program down is given up after about two minutes. The first time it goes on at once.
func rest(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	return time.Second << min(n-1, 4)
}

// held reports whether the lease belongs to a step that may still be at work.
func (q *Queue) held(ctx context.Context, tx *store.Shared, r row, now time.Time) (bool, error) {
	copyID, _, _ := strings.Cut(r.lease, "/")
	if copyID == q.id || now.After(r.leaseUntil) {
		return false, nil // ours and not at work, or long over
	}
	return isAlive(ctx, tx, copyID)
}

func (q *Queue) giveUp(ctx context.Context, tx *store.Tx, r row, now time.Time) error {
	why := i18n.Text{
		Ja: fmt.Sprintf("処理の途中でプログラムが%d回続けて終了したため、やめました。kenshin doctor の結果を添えて知らせてください。", r.Attempts),
		En: fmt.Sprintf("Given up: the program ended %d times in a row during this step. Report it with the output of kenshin doctor.", r.Attempts),
	}
	return endStep(ctx, tx, r.ID, r.lease, ending{state: Failed, step: r.Step, attempts: r.Attempts, note: r.Note, err: why}, now)
}

// turnOf does steps until one wants to wait, the run ends, or the turn's time is over.
func (q *Queue) turnOf(ctx context.Context, run *Run, k kind) (Next, error) {
	began := q.set.Now()
	run.deadline = began.Add(q.set.Step)
	ctx, cancel := context.WithCancelCause(actor.With(ctx, run.requester))
	defer cancel(nil)
	q.mu.Lock()
	q.active[run.ID] = cancel
	q.mu.Unlock()
	asked := q.watch(ctx, run, cancel)
	run.enough = func() bool { return ctx.Err() != nil || q.stopping.Load() || asked() }
	for {
		next, err := q.safely(ctx, run, k)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause // what the handler says about its cut-off context matters less than why it was cut off
		}
		same := err == nil && next.state == Queued && next.delay == 0 && !run.enough() && q.set.Now().Sub(began) < q.set.Step/2
		next, err = q.end(ctx, run, k, next, err, same)
		if err != nil || !same || next.state != Running {
			return next, err
		}
	}
}

// safely runs the handler and turns a panic into an error.
func (q *Queue) safely(ctx context.Context, run *Run, k kind) (next Next, err error) {
	defer func() {
		if p := recover(); p != nil {
			q.set.Log.ErrorContext(ctx, "job: panic", "kind", run.Kind, "run", string(run.ID), "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return k.handle(ctx, run)
}

// watch looks each second whether a person asked for something or the lease is gone.
func (q *Queue) watch(ctx context.Context, run *Run, cancel context.CancelCauseFunc) (asked func() bool) {
	pause := make(chan struct{})
	go func() {
		tick := time.NewTicker(min(time.Second, q.set.Step/4))
		defer tick.Stop()
		open := true
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var r row
			err := q.db.Read(ctx, run.Facility, func(tx *store.Tx) (err error) {
				r, err = getRow(ctx, tx, run.ID)
				return err
			})
			switch {
			case err != nil: // the step's own writes will tell
			case r.lease != run.lease:
				cancel(errLost)
			case r.CancelRequested:
				cancel(errCancel)
			case r.PauseRequested && open:
				open = false
				close(pause)
			}
		}
	}()
	return func() bool {
		select {
		case <-pause:
			return true
		default:
			return false
		}
	}
}

// end writes what came out of a step. keep holds on to the run for the next step of the same turn; then the state stays Running.
func (q *Queue) end(ctx context.Context, run *Run, k kind, next Next, failure error, keep bool) (Next, error) {
	e := ending{state: next.state, step: run.Step + 1, note: run.Note}
	if run.say != nil {
		e.note = *run.say
	}
	switch {
	case errors.Is(failure, errLost):
		return Next{state: Queued, delay: time.Second}, nil // whoever has it now writes its end
	case errors.Is(failure, errCancel):
		e.state, e.step = Cancelled, run.Step
	case failure != nil:
		e, next = q.failed(ctx, run, k, e, failure)
	case next.state == "":
		e.state = Finished
	case next.state == Incomplete:
		e.note = next.note
	}
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := q.db.Write(write, run.Facility, func(tx *store.Tx) error {
		fin := e
		if fin.state == Queued {
			asked, err := getRun(write, tx, run.ID)
			switch {
			case err != nil:
				return err
			case asked.CancelRequested:
				fin.state = Cancelled
			case asked.PauseRequested:
				fin.state = Paused
			case keep:
				fin.state, fin.lease = Running, run.lease
			}
		}
		next.state = fin.state
		return endStep(write, tx, run.ID, run.lease, fin, q.set.Now())
	})
	if errors.Is(err, errLost) {
		return Next{state: Queued, delay: time.Second}, nil
	}
	run.Step, run.Attempts, run.Note, run.say = e.step, e.attempts, e.note, nil
	return next, err
}

// failed decides between another try and giving up.
func (q *Queue) failed(ctx context.Context, run *Run, k kind, e ending, failure error) (ending, Next) {
	e.step, e.state, e.attempts = run.Step, Queued, run.Attempts
	if q.stopping.Load() || errors.Is(failure, errStopping) || errors.Is(failure, errCutOff) {
		return e, Again(0) // not the step's fault
	}
	e.attempts++
	if errors.Is(failure, context.DeadlineExceeded) {
		failure = fault.Wrap(fault.Internal, failure, "一回の処理が長すぎたため中断しました。", "A step took too long and was cut off.")
	}
	e.err = i18n.Text{Ja: fault.Sentence(failure, "ja"), En: fault.Sentence(failure, "en")}
	q.set.Log.WarnContext(ctx, "job: step failed", "kind", run.Kind, "run", string(run.ID), "attempt", e.attempts, "err", failure)
	var f *fault.Error
	if errors.As(failure, &f) {
		switch f.Kind {
		case fault.Invalid, fault.Denied, fault.NotFound, fault.TooLarge:
			e.state = Failed
			return e, Next{state: Failed}
		}
	}
	if e.attempts >= k.MaxAttempts {
		e.state = Failed
		return e, Next{state: Failed}
	}
	return e, Again(k.Backoff(e.attempts))
}
