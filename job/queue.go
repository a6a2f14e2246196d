package job

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Settings are how a copy of the program works jobs. The zero value of each field is right outside tests.
type Settings struct {
	Log       *slog.Logger
	Workers   int           // steps at the same time in the Default queue; 0 means 4
	Poll      time.Duration // between looks for work; 0 means 500 ms
	Beat      time.Duration // between signs of life of this copy (PostgreSQL only); 0 means 3 s
	DeadAfter time.Duration // a copy without a sign of life for so long has died, its steps go back; 0 means 15 s
	Step      time.Duration // a step's soft deadline; 0 means 20 s
	Timeout   time.Duration // a step's context ends; 0 means 30 s
	Now       func() time.Time
}

func (s Settings) withDefaults() Settings {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Workers = orInt(s.Workers, 4)
	s.Poll = or(s.Poll, 500*time.Millisecond)
	s.Beat = or(s.Beat, 3*time.Second)
	s.DeadAfter = or(s.DeadAfter, 15*time.Second)
	s.Step = or(s.Step, 20*time.Second)
	s.Timeout = or(s.Timeout, 30*time.Second)
	return s
}

func or(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

func orInt(n, fallback int) int {
	if n > 0 {
		return n
	}
	return fallback
}

// Queue takes requests and, once started, works them.
type Queue struct {
	db  *store.DB
	set Settings
	id  string // this copy

	insert *river.Client[*sql.Tx] // never started: writes River rows inside a caller's transaction

	mu       sync.Mutex
	kinds    map[string]kind
	queues   map[string]int // real name -> steps at the same time
	periods  map[string]period
	active   map[RunID]context.CancelCauseFunc
	client   *river.Client[*sql.Tx]
	stopping atomic.Bool
	quit     context.CancelFunc
	loops    sync.WaitGroup
}

type kind struct {
	Options
	handle Handler
}

// New makes a queue on a database. It takes requests at once; it works none before Start.
func New(db *store.DB, s Settings) (*Queue, error) {
	q := &Queue{
		db: db, set: s.withDefaults(), id: store.NewID(), kinds: map[string]kind{}, queues: map[string]int{},
		periods: map[string]period{}, active: map[RunID]context.CancelCauseFunc{},
	}
	q.queues[Default] = q.set.Workers
	var err error
	if q.insert, err = river.NewClient(q.driver(), &river.Config{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	return q, nil
}

func (q *Queue) driver() riverdriver.Driver[*sql.Tx] {
	if q.db.Dialect == store.Postgres {
		return riverdatabasesql.New(q.db.Writer())
	}
	return riversqlite.New(q.db.Writer()) // the same single connection as store: a second writer would starve
}

// Handle says who does the steps of a kind. Call it before Start.
func (q *Queue) Handle(name string, o Options, h Handler) {
	o.MaxAttempts = orInt(o.MaxAttempts, 5)
	if o.Queue == "" {
		o.Queue = Default
	}
	if o.Backoff == nil {
		o.Backoff = defaultBackoff
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kinds[name] = kind{Options: o, handle: h}
}

// Serve makes this copy work a queue besides Default, with so many steps at the same time; also while it runs.
func (q *Queue) Serve(queue string, workers int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.queues[queue]; ok {
		return nil
	}
	if q.client != nil {
		if err := q.client.Queues().Add(riverName(queue), river.QueueConfig{MaxWorkers: workers}); err != nil {
			return fmt.Errorf("serve the queue %s: %w", queue, err)
		}
	}
	q.queues[queue] = workers
	return nil
}

var plainName = regexp.MustCompile(`^[a-z0-9]{1,40}$`)

// riverName maps any queue name to the few letters that River allows, without two names becoming one.
func riverName(queue string) string {
	if plainName.MatchString(queue) {
		return queue
	}
	sum := sha256.Sum256([]byte(queue))
	return "x_" + hex.EncodeToString(sum[:16])
}

// stepArgs is River's row: whose turn it is, nothing else.
type stepArgs struct {
	Facility string `json:"facility"`
	Run      string `json:"run"`
}

// Kind is River's name for our rows.
func (stepArgs) Kind() string { return "kenshin_step" }

// Enqueue asks for a run inside the caller's transaction: when that rolls back, the run was never asked for. args must fit into JSON.
func (q *Queue) Enqueue(ctx context.Context, tx *store.Tx, name string, args any, r Request) (RunID, error) {
	q.mu.Lock()
	k, known := q.kinds[name]
	q.mu.Unlock()
	if !known {
		return "", fault.Newf(fault.Internal, "この処理(%s)は登録されていません。", "This kind of job (%s) is not registered.", name)
	}
	text, err := json.Marshal(args)
	if err != nil {
		return "", fmt.Errorf("job %s: %w", name, err)
	}
	if len(text) > 1<<20 {
		return "", fault.New(fault.TooLarge, "処理への指定が大きすぎます(1MBまで)。", "The job's input is too large (1 MB at most).")
	}
	if r.Queue == "" {
		r.Queue = k.Queue
	}
	if r.Title.Ja == "" {
		r.Title = k.Title
	}
	id, fresh, err := insertRun(ctx, tx, q.set.Now(), name, string(text), r, actor.From(ctx))
	if err != nil || !fresh {
		return id, err
	}
	return id, q.turn(ctx, tx, id, r.Queue, r.Delay)
}

// turn gives a run its place in River's queue.
func (q *Queue) turn(ctx context.Context, tx *store.Tx, id RunID, queue string, delay time.Duration) error {
	o := &river.InsertOpts{Queue: riverName(queue), MaxAttempts: 10_000} // tries are counted in job_runs, River's count never ends a run
	if delay > 0 {
		o.ScheduledAt = q.set.Now().Add(delay)
	}
	res, err := q.insert.InsertTx(ctx, tx.SQL(), stepArgs{Facility: string(tx.Facility()), Run: string(id)}, o)
	if err != nil {
		return fmt.Errorf("queue the job: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE job_runs SET river_id=$3 WHERE facility_id=$1 AND id=$2", string(id), res.Job.ID)
	return err
}

// Start works the queues that were named, until Stop. On SQLite the caller must hold store.Lock: rows that an earlier process left
// running are taken back.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.enter(ctx); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &stepWorker{q: q})
	q.mu.Lock()
	defer q.mu.Unlock()
	queues := map[string]river.QueueConfig{}
	for name, n := range q.queues {
		queues[riverName(name)] = river.QueueConfig{MaxWorkers: n}
	}
	client, err := river.NewClient(q.driver(), &river.Config{
		ID: q.id, Queues: queues, Workers: workers, Logger: quietLog(q.set.Log), PollOnly: true,
		FetchPollInterval: q.set.Poll, FetchCooldown: min(q.set.Poll, 100*time.Millisecond),
		JobTimeout: q.set.Timeout, RescueStuckJobsAfter: 2 * q.set.Timeout, CompletedJobRetentionPeriod: time.Hour,
		ReindexerSchedule: river.NeverSchedule(), // at midnight; SQLite lacks its indexes, and on PostgreSQL only the owner role may
	})
	if err != nil {
		return fmt.Errorf("make the job queue: %w", err)
	}
	work := context.WithoutCancel(ctx) // only Stop ends it: a step gets its time to save
	if err := client.Start(work); err != nil {
		return fmt.Errorf("start the job queue: %w", err)
	}
	q.client = client
	work, q.quit = context.WithCancel(work)
	q.loops.Go(func() { q.beatLoop(work) })
	q.loops.Go(func() { q.periodLoop(work) })
	return nil
}

// Stop takes no new steps and lets those at work return, as run.Enough is now true. When ctx ends first they are cut off; they run
// again later, from their last Save.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	client := q.client
	q.client = nil
	q.mu.Unlock()
	if client == nil {
		return nil
	}
	q.stopping.Store(true)
	err := client.Stop(ctx)
	if err != nil {
		cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = client.StopAndCancel(cut)
	}
	q.quit()
	q.loops.Wait()
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, q.leave(leave))
}

// Cancel ends a run: at once when it waits, within about a second when a step is at work.
func (q *Queue) Cancel(ctx context.Context, f facility.ID, id RunID) error {
	return q.ask(ctx, f, id, "cancel_requested=$3", true, Cancelled)
}

// Pause stops a run for now; the step at work returns at its next look at run.Enough.
func (q *Queue) Pause(ctx context.Context, f facility.ID, id RunID) error {
	return q.ask(ctx, f, id, "pause_requested=$3", true, Paused)
}

// ask writes a wish into a run and, when no step is at work, fulfils it.
func (q *Queue) ask(ctx context.Context, f facility.ID, id RunID, set string, wish bool, then State) error {
	return q.db.Write(ctx, f, func(tx *store.Tx) error {
		r, err := getRun(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.State.Over() || r.State == then {
			return nil
		}
		if _, err := tx.Exec(ctx, "UPDATE job_runs SET "+set+", updated_at=$4 WHERE facility_id=$1 AND id=$2",
			string(id), wish, store.Micros(q.set.Now())); err != nil {
			return err
		}
		if r.State == Running {
			return nil
		}
		return setState(ctx, tx, id, then, q.set.Now())
	})
}

// Resume lets a paused run go on.
func (q *Queue) Resume(ctx context.Context, f facility.ID, id RunID) error {
	return q.db.Write(ctx, f, func(tx *store.Tx) error {
		r, err := getRun(ctx, tx, id)
		if err != nil || r.State.Over() {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE job_runs SET pause_requested=$3 WHERE facility_id=$1 AND id=$2", string(id), false); err != nil {
			return err
		}
		if r.State != Paused {
			return nil
		}
		if err := setState(ctx, tx, id, Queued, q.set.Now()); err != nil {
			return err
		}
		return q.turn(ctx, tx, id, r.Queue, 0)
	})
}

// Get returns one run.
func (q *Queue) Get(ctx context.Context, f facility.ID, id RunID) (Info, error) {
	var out Info
	err := q.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = getRun(ctx, tx, id)
		return err
	})
	return out, err
}

// List returns runs, the newest first; the last one's ID is the Before of the next page.
func (q *Queue) List(ctx context.Context, f facility.ID, filter Filter) ([]Info, error) {
	var out []Info
	err := q.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = listRuns(ctx, tx, filter)
		return err
	})
	return out, err
}

// Clean removes runs that were over for longer than keep (90 days for the console) and returns how many.
func (q *Queue) Clean(ctx context.Context, f facility.ID, keep time.Duration) (removed int, err error) {
	for {
		var n int64
		err := q.db.Write(ctx, f, func(tx *store.Tx) (err error) {
			n, err = cleanRuns(ctx, tx, q.set.Now().Add(-keep), 500)
			return err
		})
		removed += int(n)
		if err != nil || n < 500 {
			return removed, err
		}
	}
}

// quietLog passes River's warnings and errors on, without the noise that it makes when it is stopped.
func quietLog(log *slog.Logger) *slog.Logger { return slog.New(quiet{log.Handler()}) }

type quiet struct{ slog.Handler }

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	noise := strings.Contains(r.Message, "context canceled")
	r.Attrs(func(a slog.Attr) bool {
		noise = noise || strings.Contains(a.Value.String(), "context canceled")
		return !noise
	})
	if noise {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(a)} }
func (h quiet) WithGroup(name string) slog.Handler   { return quiet{h.Handler.WithGroup(name)} }
