package page

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"kenshin/i18n"
)

// Task is one thing to do: a sentence that a nurse understands, why it matters, and one button.
type Task struct {
	Mark    Mark // MarkBad "!", MarkWarn "?", MarkInfo "i"
	Sign    string
	Title   string
	Why     string
	Meta    string // place · minutes · date
	Action  Link
	Primary bool
}

// Next is the step that a facility stands before while it has nothing yet.
type Next string

const (
	NextNone    Next = ""        // everything runs
	NextYearly  Next = "yearly"  // a clinic that has nothing yet: the ten-minute check-up needs no device
	NextApprove Next = "approve" // no segment approved: nothing may be sent
	NextSweep   Next = "sweep"   // approved, never swept
	NextName    Next = "name"    // swept, nothing in the ledger has been confirmed by a person
)

// HomeView is the first page after signing in.
type HomeView struct {
	Next     Next
	Proposed int // segments that wait for approval

	Tasks    []Task // at most five are shown
	TasksAll int

	Changes   []Change // since yesterday
	ChangedBy time.Time

	Devices, Registered, New, Medical, Unseen, Conflicts int

	Sweep *SweepRow // the last one, or the one that runs
	Seen  time.Time // when anything was heard last
}

// HomePage is ホーム: what to do today, what changed, the ledger in numbers.
func HomePage(s Shell, v HomeView) templ.Component {
	return within(s, SectionHome, i18n.Text{Ja: "ホーム", En: "Home"}, home(v))
}

func (v HomeView) tasks() []Task { return v.Tasks[:min(len(v.Tasks), 5)] }

func (k Task) sign() string {
	if k.Sign != "" {
		return k.Sign
	}
	switch k.Mark {
	case MarkBad:
		return "!"
	case MarkWarn:
		return "?"
	}
	return "i"
}

func homeWhen(ctx context.Context, v HomeView) string {
	parts := []string{day(ctx, shell(ctx).Now)}
	if !v.Seen.IsZero() {
		parts = append(parts, t(ctx, "最後に見た時刻 ", "last heard ")+stamp(ctx, v.Seen))
	}
	return join(parts...)
}

func markWhen(on bool, m Mark) Mark {
	if on {
		return m
	}
	return ""
}
