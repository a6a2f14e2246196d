// Package drill rehearses targeted mail (標的型メール訓練): it composes and sends mails to the hospital's own staff, records what happened to each
// of them and who reported, teaches, and measures honestly. Nothing in it can mail strangers or hold what somebody typed.
//
// The way of a drill: draft -> waiting for a second person -> approved -> sending -> sent -> closed. Every link of a mail carries a token of
// its own; an arrival is written down before it is answered and never changed; whether a person or a machine made it is judged apart.
package drill

import (
	"net/netip"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/i18n"
)

// Mode is what a drill rehearses.
type Mode string

const (
	Standard   Mode = "standard"   // a mail with a link, an attachment or both
	ReportOnly Mode = "report"     // a mail without anything to click: who reports it?
	Quarantine Mode = "quarantine" // the filter holds the mail back: who releases it?
	Course     Mode = "course"     // no rehearsal: a lesson or a director's notice with a receipt
)

// Modes lists all modes in the order of screens.
func Modes() []Mode { return []Mode{Standard, ReportOnly, Quarantine, Course} }

// State is where a drill stands.
type State string

const (
	Draft     State = "draft"
	Waiting   State = "waiting"  // for the second person's approval
	Approved  State = "approved" // waits for its start
	Sending   State = "sending"
	Paused    State = "paused" // a person stopped the sending for now
	Sent      State = "sent"   // every mail has its end; arrivals are still taken
	Closed    State = "closed" // results are final; late arrivals are kept and labelled
	Withdrawn State = "withdrawn"
)

// Over reports whether nothing will be sent any more.
func (s State) Over() bool { return s == Sent || s == Closed || s == Withdrawn }

// Signal is one kind of thing that can happen to a mail. Each has a token of its own.
type Signal string

const (
	Opened   Signal = "open"       // the mail's picture was fetched: a lower bound of 開封, since many programs block pictures
	Visited  Signal = "url"        // the link was followed
	Scanned  Signal = "qr"         // the link in the QR picture was followed
	Attached Signal = "attachment" // the attachment was opened, or the link in it followed
	Honeypot Signal = "honeypot"   // a link that no person sees was followed
	Reported Signal = "report"     // the recipient reported the mail
	Lesson   Signal = "lesson"     // the lesson was finished
	Confirm  Signal = "confirm"    // the visitor pressed 続ける or moved a pointer: a person
	Touched  Signal = "touch"      // something was typed on the landing page; what it was never left the browser
	Looked   Signal = "look"       // the page of the lesson or of the report was opened: its buttons tell what came of it
	Replied  Signal = "reply"      // the mail was answered
	Released Signal = "release"    // the mail was taken out of quarantine
	Read     Signal = "read"       // a notice was read to its end
)

// Linked are the signals that have a token in a mail.
func Linked() []Signal {
	return []Signal{Opened, Visited, Scanned, Attached, Honeypot, Reported, Lesson}
}

// Verdict is who made an arrival.
type Verdict string

// Delivery is what became of the mail to one recipient.
type Delivery string

const (
	Queued      Delivery = "queued"
	InHand      Delivery = "sending"
	Accepted    Delivery = "accepted" // the relay took it; more is not known
	Deferred    Delivery = "deferred" // the relay said: later
	Refused     Delivery = "refused"
	UnknownMail Delivery = "unknown" // it was given to the relay, whose answer was lost: never sent again by itself
	Bounced     Delivery = "bounced"
	Skipped     Delivery = "skipped" // not sent: domain no longer verified, drill withdrawn
)

// PersonRole says what a mailbox in the list of recipients is for.
type PersonRole string

const (
	Staff  PersonRole = "staff"
	Canary PersonRole = "canary" // a mailbox that nobody opens: what arrives from it is a machine
	Tester PersonRole = "test"   // takes the preflight's mails
)

// Person is a mailbox that drills may be sent to.
type Person struct {
	ID         string     `json:"id"`
	Address    string     `json:"address"`
	Surname    string     `json:"surname,omitempty"`
	Given      string     `json:"given,omitempty"`
	Reading    string     `json:"reading,omitempty"`
	Department string     `json:"department,omitempty"`
	Job        string     `json:"job,omitempty"`
	Role       PersonRole `json:"role"`
	Active     bool       `json:"active"`
	Changed    time.Time  `json:"changed,omitzero"`
}

// Name is how the person is called on screens.
func (p Person) Name() string { return fullName(p.Surname, p.Given) }

func fullName(surname, given string) string {
	if surname == "" || given == "" {
		return surname + given
	}
	return surname + " " + given
}

// Mail is what is sent: texts with placeholders, to be filled for each recipient.
type Mail struct {
	FromName   string `json:"from_name"`
	FromLocal  string `json:"from_local"` // the part before @; the domain is the drill's own
	Subject    string `json:"subject"`
	Text       string `json:"text"`
	HTML       string `json:"html,omitempty"`
	Charset    string `json:"charset,omitempty"` // utf-8, iso-2022-jp, auto or "": whichever fits
	Link       bool   `json:"link"`
	QR         bool   `json:"qr,omitempty"`
	Attachment string `json:"attachment,omitempty"` // html, docx, xlsx, pptx, pdf, ics; "" none
	FileName   string `json:"file_name,omitempty"`
	Landing    string `json:"landing,omitempty"` // which of the built-in pages
	Lesson     string `json:"lesson,omitempty"`  // of a course
	Scenario   string `json:"scenario,omitempty"`
	Level      string `json:"level,omitempty"`
}

// Rating is the mail's difficulty by the NIST Phish Scale, with the cues that a lesson marks.
type Rating struct {
	Cues       []Cue  `json:"cues,omitempty"`
	Premise    [5]int `json:"premise"`
	Difficulty string `json:"difficulty,omitempty"`
}

// Cue is one place of the mail by which it could have been recognised.
type Cue struct {
	ID   string `json:"id"`
	Part string `json:"part"` // subject, from, text, html, attachment
	Text string `json:"text"` // the very words
}

// Schedule is when mails go out.
type Schedule struct {
	Start   time.Time `json:"start,omitzero"`    // not before; zero: at once
	Until   time.Time `json:"until,omitzero"`    // mails are spread up to here; zero: as fast as Rate allows
	Rate    float64   `json:"rate"`              // mails a second; 0 is the default of 2
	AnyTime bool      `json:"any_time"`          // also outside of the facility's sending hours; an approver sees it
	Close   time.Time `json:"close,omitzero"`    // results are final; zero: seven days after the last mail
	NoMail  bool      `json:"no_mail,omitempty"` // no feedback mail after closing
}

// DefaultRate is how many mails go out in a second unless somebody chooses otherwise.
const DefaultRate = 2

// Audience says who gets the mail.
type Audience struct {
	Departments []string `json:"departments,omitempty"` // empty: all
	Jobs        []string `json:"jobs,omitempty"`
	People      []string `json:"people,omitempty"` // ids; when given, only these
}

// Has reports whether a person is among them.
func (a Audience) Has(p Person) bool {
	if len(a.People) > 0 {
		return slices.Contains(a.People, p.ID)
	}
	return (len(a.Departments) == 0 || slices.Contains(a.Departments, p.Department)) && (len(a.Jobs) == 0 || slices.Contains(a.Jobs, p.Job))
}

// Drill is one rehearsal.
type Drill struct {
	ID       string
	Name     string
	Mode     Mode
	State    State
	Mail     Mail
	Rating   Rating
	Schedule Schedule
	Audience Audience
	Author   actor.Actor // who wrote it last: may not approve it
	Revision int64
	Created  time.Time
	Started  time.Time
	Ended    time.Time
	Nameless time.Time // when names were taken out; zero while they are there
	Hash     string    // of what waits for approval or was approved
	Note     i18n.Text // why it stands where it stands, when a person must know
	Feedback time.Time // when the feedback mails were asked for
}

// Approval is a second person's word for exactly one Hash.
type Approval struct {
	By   string // actor id
	Name string
	Hash string
	At   time.Time
}

// Target is one recipient of one drill, with what is known of the mail.
type Target struct {
	ID, Drill  string
	Person     string
	Address    string
	Surname    string
	Given      string
	Department string
	Job        string
	Role       PersonRole
	Mail       Delivery
	BegunAt    time.Time // first given away: before that no link of it was outside
	AcceptedAt time.Time
	First      map[Signal]time.Time // the first arrival of each kind, whoever made it
	ByPerson   map[Signal]time.Time // the first arrival that is taken for a person's
	Machine    int                  // arrivals that are taken for a machine's
}

// Fell is when a person first followed the link or the QR code or opened the attachment, as far as is known; zero: never.
func (t Target) Fell() time.Time {
	return earlier(earlier(t.ByPerson[Visited], t.ByPerson[Scanned]), t.ByPerson[Attached])
}

// Arrived reports whether anything came by the link, the QR code or the attachment, whoever made it.
func (t Target) Arrived() bool {
	return !t.First[Visited].IsZero() || !t.First[Scanned].IsZero() || !t.First[Attached].IsZero()
}

// Name is how the recipient is called on screens.
func (t Target) Name() string { return fullName(t.Surname, t.Given) }

// Event is one arrival as it came. It is never changed.
type Event struct {
	ID        string
	Drill     string
	Target    string
	Signal    Signal
	At        time.Time
	Method    string
	Net       netip.Addr
	Agent     string
	Malformed bool   // junk stood behind the token
	Of        Signal // for what was done on a page: what the link to it was for; "" where it is not known
	Detail    string
	Verdict   string   // "" while not judged
	Reasons   []Reason // why
}

// Reason is one ground of a verdict.
type Reason struct {
	Rule string    `json:"rule"`
	Says i18n.Text `json:"says"`
}
