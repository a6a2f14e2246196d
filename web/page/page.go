// Package page is everything that the console shows: templ components on plain view models. Handlers fill a Shell (the frame: who, where,
// what time) and one view struct, and render the component that a function like HomePage returns. Nothing here reads a database or a request;
// addresses and the names of form fields stand in path.go.
package page

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/i18n"
)

// Section is an entry of the navigation.
type Section string

const (
	SectionHome     Section = "home"
	SectionLedger   Section = "ledger"
	SectionSystems  Section = "systems"
	SectionVendors  Section = "vendors"
	SectionFindings Section = "findings"
	SectionSweeps   Section = "sweeps"
	SectionSegments Section = "segments"
	SectionDrills   Section = "drills"
	SectionStaff    Section = "drill-people"
	SectionMailing  Section = "drill-settings"
	SectionRisks    Section = "risks"
	SectionAudits   Section = "audits"
	SectionBudget   Section = "budget"
	SectionJobs     Section = "jobs"
	SectionTrail    Section = "trail"
	SectionPeople   Section = "people"
	SectionSettings Section = "settings"
	SectionHelp     Section = "help"
	SectionMe       Section = "me"

	SectionAssess     Section = "assess"
	SectionLevel      Section = "level"
	SectionCatalogues Section = "catalogues"
	SectionInquiries  Section = "inquiries"
	SectionSurveys    Section = "surveys"
	SectionDock       Section = "dock"
	SectionPack       Section = "pack"
)

// Shell is what every page shows around its own content.
type Shell struct {
	Path       string // of this page with its query; the language switch and the facility switcher come back to it
	Facility   string
	FacilityID string
	Facilities []Option // all that this person may see; a switcher appears when there is more than one
	Person     string
	PersonID   string
	Role       actor.Role
	Local      bool // the console's address is localhost: a passkey made now ends when it gets a name
	Demo       bool // the facility is a fictitious one
	Killed     Kill
	Full       string    // what the data's disk has left, such as "0.4 GB", when it is too little
	Findings   int       // open ones, beside 弱点と対応
	Sweep      *Running  // a check-up that goes on now, nil when none does
	Flash      *Flash    // what the last action did
	Now        time.Time // in the facility's zone: every "3分前" is counted from it
	Version    string
}

// Kill is the state of the kill switch.
type Kill struct {
	On bool
	By string
	At time.Time
}

// Running is a check-up that goes on while the page is shown.
type Running struct {
	ID      string
	Percent int
}

// Flash is one sentence about what the last action did. Mark is MarkOK, MarkWarn, MarkBad or MarkInfo; Undo, if set, is a POST address
// that takes it back.
type Flash struct {
	Mark Mark
	Text string
	Undo string
}

// Mark is a weight that screens show by a sign, a word and a colour together.
type Mark string

const (
	MarkOK    Mark = "ok"
	MarkInfo  Mark = "info"
	MarkWarn  Mark = "warn"
	MarkBad   Mark = "bad"
	MarkQuiet Mark = "quiet"
	MarkMed   Mark = "med"
)

// Option is one choice of a select or a list of radio buttons. Says explains it in a sentence where there is room.
type Option struct {
	Value, Text, Says string
}

// Link is a text that leads somewhere.
type Link struct {
	Text, URL string
}

// Errors are what is wrong with a form, by the name of the field; "" holds what is wrong as a whole. Sentences are in the person's language.
type Errors map[string]string

// May reports whether the signed-in person's role allows p.
func (s Shell) May(p actor.Permission) bool { return s.Role.May(p) }

type shellKey struct{}

func shell(ctx context.Context) Shell {
	s, _ := ctx.Value(shellKey{}).(Shell)
	if s.Now.IsZero() {
		s.Now = time.Now()
	}
	return s
}

// within puts a page's body into the frame.
func within(s Shell, at Section, title i18n.Text, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		ctx = context.WithValue(ctx, shellKey{}, s)
		return layout(s, at, title.For(ctx), body).Render(ctx, w)
	})
}

// part renders a piece of a page alone, as an answer to htmx.
func part(s Shell, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return body.Render(context.WithValue(ctx, shellKey{}, s), w)
	})
}

// door puts a page for somebody who is not signed in into its plain frame.
func behind(s Shell, title i18n.Text, wide bool, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		ctx = context.WithValue(ctx, shellKey{}, s)
		return door(s, title.For(ctx), wide, body).Render(ctx, w)
	})
}

// t is i18n.T under a short name: pages are made of it.
func t(ctx context.Context, ja, en string, args ...any) string { return i18n.T(ctx, ja, en, args...) }

func may(ctx context.Context, p actor.Permission) bool { return shell(ctx).May(p) }
