// Package job runs work that outlives a request: a run is a chain of steps of at most 30 s, each of which saves its progress, so that a
// killed process, a restart or another copy on the same database goes on where it stopped.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// RunID identifies a run (UUIDv7 text: ids sort by the time of the request).
type RunID string

// State is where a run stands.
type State string

const (
	Queued     State = "queued"     // waits for its turn, or for the next try after an error
	Running    State = "running"    // a step is at work
	Paused     State = "paused"     // a person stopped it for now; Resume goes on
	Finished   State = "done"       // all was done
	Incomplete State = "incomplete" // ended, but a part could not be done; the note says which
	Failed     State = "failed"     // given up; the error says why
	Cancelled  State = "cancelled"  // a person ended it
)

// Over reports whether the run will never go on.
func (s State) Over() bool {
	return s == Finished || s == Incomplete || s == Failed || s == Cancelled
}

// Handler does one step of a run. It must be idempotent: a step that was cut off runs again from the last Save. It looks at
// run.Enough between small pieces of work and returns Again as soon as that is true; 30 s after its start ctx is cancelled.
// Faults of the kinds Invalid, Denied, NotFound and TooLarge end the run at once, as a second try could not help; other errors
// are tried again.
type Handler func(ctx context.Context, run *Run) (Next, error)

// Next is what happens after a step: Again, Done or Partly.
type Next struct {
	state State
	delay time.Duration
	note  i18n.Text
}

// Done ends the run: everything was done.
var Done = Next{state: Finished}

// Again asks for another step after a delay; 0 means at once.
func Again(delay time.Duration) Next { return Next{state: Queued, delay: max(delay, 0)} }

// Partly ends the run although a part could not be done; note says which part and why.
func Partly(note i18n.Text) Next { return Next{state: Incomplete, note: note} }

// Options are what all runs of a kind have in common.
type Options struct {
	Title       i18n.Text                       // what people read when the request has no title of its own
	Queue       string                          // "" means Default
	MaxAttempts int                             // tries of one step in a row before the run fails; 0 means 5
	Backoff     func(attempt int) time.Duration // wait before try attempt+1; nil means 2 s, 4 s, 8 s ... at most 5 min
}

// Request is what one run has for itself.
type Request struct {
	Title     i18n.Text // "" means the kind's title
	Queue     string    // "" means the kind's queue; name it for work that only one copy can do, such as "sweep:eth0"
	UniqueKey string    // while a run of this kind with this key is not over, Enqueue returns that run and starts no second one
	Delay     time.Duration
}

// Default is the queue that every working copy serves.
const Default = "default"

// Info is a run as people see it.
type Info struct {
	ID              RunID
	Kind, Queue     string
	Title, Note     i18n.Text
	Error           i18n.Text // the last failure, also while a retry waits
	State           State
	Step            int // steps that ended well
	Done, Total     int // progress; Total 0 means not known yet
	Attempts        int // tries of the present step that failed
	CancelRequested bool
	PauseRequested  bool
	RequestedBy     string // a person's name, as it was then
	Created         time.Time
	Started         time.Time // zero while it never ran
	Updated         time.Time
	Finished        time.Time // zero until it is over
	args, data      string
}

// Args decodes what Enqueue was given.
func (i Info) Args(v any) error { return decode(i.args, v) }

// Data decodes what the last Save stored; v stays as it is when there was none.
func (i Info) Data(v any) error {
	if i.data == "" {
		return nil
	}
	return decode(i.data, v)
}

func decode(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("read what the job stored: %w", err)
	}
	return nil
}

// Filter picks runs for List. The zero value means all.
type Filter struct {
	Kinds  []string
	States []State
	Before RunID // cursor: only runs requested before this one
	Limit  int   // 0 means 50, at most 500
}

// Run is a run in the hands of its Handler.
type Run struct {
	Info
	Facility  facility.ID
	deadline  time.Time
	enough    func() bool
	lease     string
	now       func() time.Time
	say       *i18n.Text
	requester actor.Actor
}

// Deadline is when the step should have returned: 20 s after its start, or earlier when it follows another one directly.
func (r *Run) Deadline() time.Time { return r.deadline }

// Enough reports whether the step should return now: its time is over, a person asked to pause or cancel, or the program stops.
func (r *Run) Enough() bool { return !r.now().Before(r.deadline) || r.enough() }

// Say sets the line that people read beside the progress bar; it is stored with the next Save or the step's end.
func (r *Run) Say(note i18n.Text) { r.say = &note }

// Save stores how far the run is, in the same transaction as the facts that the step wrote: both or neither. data is what the next
// step gets from Data. It fails, and with it the transaction, when another copy has taken the run over in the meantime. A step that comes
// forward is not one that fails again and again: when done grows, its tries are counted anew.
func (r *Run) Save(ctx context.Context, tx *store.Tx, data any, done, total int) error {
	if tx.Facility() != r.Facility {
		return fault.New(fault.Internal, "別の施設の処理に保存しようとしました。", "A job tried to save in another facility.")
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("save the job's progress: %w", err)
	}
	note := r.Note
	if r.say != nil {
		note = *r.say
	}
	n, err := tx.Exec(ctx, `UPDATE job_runs SET attempts=CASE WHEN done_count < $5 THEN 0 ELSE attempts END,
			state_json=$4, done_count=$5, total_count=$6, note_ja=$7, note_en=$8, updated_at=$9
		WHERE facility_id=$1 AND id=$2 AND lease=$3`,
		string(r.ID), r.lease, string(text), done, total, note.Ja, note.En, store.Micros(r.now()))
	if err != nil {
		return err
	}
	if n == 0 {
		return errLost
	}
	r.data, r.Done, r.Total, r.Note = string(text), done, total, note
	return nil
}

func defaultBackoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt, 9), 5*time.Minute)
}
