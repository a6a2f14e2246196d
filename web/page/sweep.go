package page

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/gate"
	"kenshin/i18n"
)

// SweepRow is one check-up in a list. State is queued, running, paused, done, stopped, failed or incomplete.
type SweepRow struct {
	ID       string
	Segments []string
	State    string
	Started  time.Time
	Finished time.Time // zero while it goes on
	By       string
	Percent  int
	Found    int
	New      int
	Findings int
	Frames   int64
	Says     string // what was incomplete or failed, a whole sentence
}

// SweepsView is the list of check-ups with the form that starts one.
type SweepsView struct {
	Rows     []SweepRow
	Pager    Pager
	Segments []gate.Segment // approved ones, to choose from
	Chosen   []string       // ids that are ticked
	Only     string         // "" everything, "presence" who is there only
	Errors   Errors
}

// SweepsPage lists check-ups. POST PathSweeps: segment (many), only ("" | presence).
func SweepsPage(s Shell, v SweepsView) templ.Component {
	return within(s, SectionSweeps, i18n.Text{Ja: "健診", En: "Check-ups"}, sweeps(v))
}

// SweepView is one check-up, live while it goes on.
type SweepView struct {
	SweepRow
	Step      string // what it does now, in plain words
	Pace      gate.Pace
	Addresses int // asked so far
	Of        int // to ask in all
	Protected int // devices that were left alone
	PerSecond int // frames/s over the last seconds
	Left      time.Duration
	Devices   []SweepDevice // newest first, at most 50
	Sent      []SentRow
	Stages    []Stage
}

// Stage is one part of a check-up. State is waiting, running, done or skipped.
type Stage struct {
	Name, State, Says string
}

// SweepDevice is one device as it comes in.
type SweepDevice struct {
	ID      string
	Name    string
	Kind    string
	Medical bool
	New     bool
	Maker   string
	IP      string
	MAC     string
	At      time.Time
}

// ended is the line of a check-up that has no step any more.
func (v SweepView) ended(ctx context.Context) string {
	if v.State == "done" {
		return t(ctx, "終わりました", "Done")
	}
	_, word := sweepState(ctx, v.State)
	return word
}

// SweepPage is one check-up; its live part is fetched again each second from SweepPath(id, "live") and is SweepLive.
func SweepPage(s Shell, v SweepView) templ.Component {
	return within(s, SectionSweeps, i18n.Text{Ja: "健診の様子", En: "Check-up"}, sweep(v))
}

// SweepLive is the part that changes.
func SweepLive(s Shell, v SweepView) templ.Component { return part(s, sweepLive(v)) }

// Going reports whether the check-up is still under way, so that its page goes on asking.
func (r SweepRow) Going() bool {
	return r.State == "queued" || r.State == "running" || r.State == "paused"
}

func (r SweepRow) lasted(ctx context.Context) string {
	end := r.Finished
	if end.IsZero() {
		end = shell(ctx).Now
	}
	if r.Started.IsZero() {
		return "—"
	}
	return span(ctx, end.Sub(r.Started))
}

func (r SweepRow) title() string { return strings.Join(r.Segments, "、") }

func sweepState(ctx context.Context, state string) (Mark, string) {
	switch state {
	case "queued":
		return MarkInfo, t(ctx, "順番待ち", "Waiting")
	case "running":
		return MarkInfo, t(ctx, "健診中", "Running")
	case "paused":
		return MarkWarn, t(ctx, "一時停止", "Paused")
	case "stopped":
		return MarkQuiet, t(ctx, "途中で止めた", "Stopped")
	case "failed":
		return MarkBad, t(ctx, "できなかった", "Failed")
	case "incomplete":
		return MarkWarn, t(ctx, "一部だけ", "Incomplete")
	}
	return MarkOK, t(ctx, "終わった", "Done")
}

func stageMark(state string) Mark {
	switch state {
	case "done":
		return MarkOK
	case "running":
		return MarkInfo
	}
	return MarkQuiet
}

func stageWord(ctx context.Context, state string) string {
	switch state {
	case "done":
		return t(ctx, "済み", "Done")
	case "running":
		return t(ctx, "いま", "Now")
	case "skipped":
		return t(ctx, "しない", "Left out")
	}
	return t(ctx, "これから", "To come")
}

func itoa(i int) string { return strconv.Itoa(i) }

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
