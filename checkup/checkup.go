// Package checkup is the story of the product, one pass of the loop: who is there -> what is it -> what is weak -> what to do. It leads the
// senders of discover through the gate, and what they hear through observation, identify, ledger and exposure to findings.
//
// A sweep is a chain of short steps whose progress is in the database, so that a crash, a pause or another copy of Kenshin loses nothing.
package checkup

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// State is where a sweep stands.
type State string

const (
	Running    State = "running"
	Done       State = "done"
	Incomplete State = "incomplete" // finished, but a part could not be done: see Notes
	Stopped    State = "stopped"    // a person stopped it
	Failed     State = "failed"
)

// Request is what a person asked for.
type Request struct {
	Segments     []string      `json:"segments"`                // gate's ids; all must be approved
	PresenceOnly bool          `json:"presence_only,omitempty"` // only find who is there
	Passing      bool          `json:"passing,omitempty"`       // nobody will look at the ledger afterwards: devices are not judged one by one
	Listen       time.Duration `json:"listen,omitempty"`        // how long to listen on each local segment before asking
}

// Note is something that a reader of the result must know: a part that could not be done and why.
type Note struct {
	Segment string    `json:"segment,omitempty"`
	Text    i18n.Text `json:"text"`
	Limit   bool      `json:"limit,omitempty"` // what no check-up of such a segment finds, by a person's choice: the sweep is complete all the same
}

// Sweep is one pass over some segments.
type Sweep struct {
	ID          string
	Run         string // the job that drives it, "" on the command line
	State       State
	Request     Request
	RequestedBy string
	Created     time.Time
	Started     time.Time
	Finished    time.Time
	Updated     time.Time
	Phase       Phase
	Segment     string // the one being worked on
	Done, Total int    // addresses asked, then hosts asked
	Found       int    // hosts that answered
	Asked       int    // hosts that were asked all that may be asked
	Held        int    // hosts that were left alone: protected, never-touch, out of hours
	Frames      int64
	Notes       []Note

	place, places int // which of its segments it stands at
}

// Permille is how far a sweep is, 0 to 1000: in each segment finding who is there is the first two fifths, asking them
// most of the rest.
func (s *Sweep) Permille() int {
	if s.State == Done || s.State == Incomplete {
		return 1000
	}
	if s.Phase == Closing {
		return 950
	}
	here := 0.0
	switch {
	case s.Phase == Asking:
		here = 400 + 550*min(float64(s.Asked+s.Held)/float64(max(s.Found, 1)), 1)
	case s.Request.PresenceOnly:
		here = 950 * min(float64(s.Done)/float64(max(s.Total, 1)), 1)
	default:
		here = 400 * min(float64(s.Done)/float64(max(s.Total, 1)), 1)
	}
	return int((float64(s.place)*950 + here) / float64(max(s.places, 1)))
}

// Standing is the sweep's state when that of the job which drives it is known: a job that was cancelled or given up took its sweep along.
func (s *Sweep) Standing(run job.State) State {
	switch {
	case s.State != Running || !run.Over():
		return s.State
	case run == job.Cancelled:
		return Stopped
	}
	return Failed
}

// Phase is what a sweep is doing now.
type Phase string

const (
	Presence Phase = "presence" // who is there
	Asking   Phase = "asking"   // what are you
	Closing  Phase = "closing"  // what does it mean
)

// Checkup has what a pass needs. All fields are required, but for Gate where nothing is sent (replay).
type Checkup struct {
	DB       *store.DB
	Gate     *gate.Gate
	Seen     *observation.Log
	Ledger   *ledger.Ledger
	Findings *finding.Book
	Identify *identify.Identifier
	Sensor   string // who sees: "local"
	Now      func() time.Time
	Log      *slog.Logger
}

// Step works on a sweep until the given time and says whether anything is left. It may be called again after a crash at any point:
// what was found is stored as it is found, and asking a host twice does no harm.
func (c *Checkup) Step(ctx context.Context, f facility.ID, id string, until time.Time, saved Saved) (more bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	s, at, err := c.load(ctx, f, id)
	if err != nil || s.State != Running {
		return false, err
	}
	if s.Started.IsZero() {
		s.Started = c.Now()
	}
	if err := c.Guard(ctx, f); err != nil {
		return false, err
	}
	for c.Now().Before(until) && ctx.Err() == nil {
		switch at.Phase {
		case Presence:
			err = c.presence(ctx, f, &s, &at)
		case Asking:
			err = c.ask(ctx, f, &s, &at)
		case Closing:
			var done bool
			if done, err = c.close(ctx, f, &s, &at); done || err != nil && ctx.Err() == nil {
				return false, err
			}
		}
		if ctx.Err() != nil { // the time is up: not a failure, the next step goes on
			err = nil
		}
		if err != nil {
			return false, err
		}
		// saving must not fail for want of the time that the step has used up
		if err := c.save(context.WithoutCancel(ctx), f, &s, at, saved); err != nil {
			return false, err
		}
	}
	return true, nil
}

// segmentOf returns the segment that the cursor stands on.
func (c *Checkup) segmentOf(at cursor, s *Sweep) (*gate.Segment, bool) {
	if at.Segment >= len(at.Order) {
		return nil, false
	}
	s.Segment = at.Order[at.Segment]
	seg := c.Gate.Host(s.Segment, netip.Addr{}, netid.MAC{}).Segment()
	return seg, seg != nil
}
