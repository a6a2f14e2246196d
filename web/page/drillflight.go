package page

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/preflight"
	"kenshin/i18n"
)

// FlightView is a drill's preflight.
type FlightView struct {
	Drill   drill.Drill
	Flight  drill.Flight
	Running time.Duration // since the checks began; 0: none are being made
	Failed  string        // why the last run found nothing out
	Checks  []FlightCheck
	Tests   []FlightMailbox
	Boxes   int           // test mailboxes on the list
	Watch   time.Duration // left of the quiet quarter of an hour
	Watched bool          // it is over
	Guides  []preflight.Guide
	Edits   bool // this person may make checks, and it is a draft
	Errors  Errors
	Typed   map[string]string // what was typed, by field
}

// FlightCheck is one check with what it found, and what a person decided.
type FlightCheck struct {
	preflight.Check
	preflight.Outcome
	Waiver *preflight.Waiver
	Open   bool // keeps the drill from being submitted
}

// FlightMailbox is one test mail.
type FlightMailbox struct {
	Address  string
	Mail     drill.Delivery
	Test     drill.FlightTest
	Findings []preflight.Finding
}

// FlightPath is a drill's preflight; what is "" (GET, POST: make the checks), live (htmx), or a POST: tests, delivered (mailbox, place, raw),
// learn, waive (check, reason).
func FlightPath(id, what string) string {
	if what == "" {
		return DrillPath(id, "preflight")
	}
	return DrillPath(id, "preflight/"+what)
}

// FlightPage is the preflight; FlightLive the part that says how far it is.
func FlightPage(s Shell, v FlightView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "送る前の点検", En: "Preflight"}, drillFlight(v))
}

// FlightLive says how far the checks and the quiet time are.
func FlightLive(s Shell, v FlightView) templ.Component { return part(s, flightLive(v)) }

func checkMark(s preflight.State) Mark {
	switch s {
	case preflight.OK:
		return MarkOK
	case preflight.Warn:
		return MarkWarn
	case preflight.Bad:
		return MarkBad
	}
	return MarkQuiet
}

func checkText(ctx context.Context, s preflight.State) string {
	switch s {
	case preflight.OK:
		return t(ctx, "よい", "OK")
	case preflight.Warn:
		return t(ctx, "注意", "Warning")
	case preflight.Bad:
		return t(ctx, "直す", "To mend")
	}
	return t(ctx, "分からない", "Unknown")
}

func placeOptions(ctx context.Context) []Option {
	return []Option{{"unknown", t(ctx, "まだ分からない", "Not known yet"), ""}, {"inbox", t(ctx, "受信箱", "Inbox"), ""}, {"junk", t(ctx, "迷惑メール", "Junk"), ""},
		{"quarantine", t(ctx, "隔離された", "Quarantine"), ""}, {"never", t(ctx, "届かない", "Nowhere"), ""}}
}

func placeText(ctx context.Context, p preflight.Place) string {
	for _, o := range placeOptions(ctx) {
		if o.Value == string(p) {
			return o.Text
		}
	}
	return t(ctx, "まだ分からない", "Not known yet")
}

func (v FlightView) moves() bool { return v.Running > 0 || v.Watch > 0 }
