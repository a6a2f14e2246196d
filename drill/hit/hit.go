// Package hit tells the people from the machines in what came back from a drill's mail: mail filters, image proxies and report buttons follow
// links that nobody pressed. Raw hits are never changed; a judgement is made from them anew, with reasons, whenever the rules change.
package hit

import (
	"net/netip"
	"time"
)

// Signal says which link or sign of a mail a hit belongs to.
type Signal string

const (
	Open       Signal = "open"       // the picture in the mail
	URL        Signal = "url"        // the link in the mail
	QR         Signal = "qr"         // the address in the QR picture
	Attachment Signal = "attachment" // the attachment called home
	Honeypot   Signal = "honeypot"   // a link that no person can see
	Confirm    Signal = "confirm"    // 続ける was pressed on the page: a POST
	Touch      Signal = "touch"      // the page saw a pointer, a key or that it came into sight: a POST
	Report     Signal = "report"     // reported: by mail, telephone, or the report link
	Reply      Signal = "reply"      // answered the mail, and not automatically
	Lesson     Signal = "lesson"     // the lesson was finished
	Release    Signal = "release"    // taken out of quarantine, from an imported list
)

// Ways in which a sign arrived that is no HTTP request.
const (
	ByMail  = "MAIL"  // a mail from the person's own mailbox
	ByPhone = "PHONE" // somebody wrote down a telephone call
	ByList  = "LIST"  // an imported list
)

// Hit is one raw fact, as it was stored.
type Hit struct {
	ID        string
	Recipient string // of the token, not of whoever used it
	Signal    Signal
	At        time.Time
	Method    string     // GET, HEAD, POST, ... or ByMail, ByPhone, ByList
	Net       netip.Addr // where it came from; the zero Addr when there is none
	Agent     string     // the User-Agent as it was sent
	Malformed bool       // something stood behind the token in the address, like %27, that no mail contained
	Referer   bool       // the request named the page it came from; kept as a fact, no rule looks at it yet
}

// Recipient is what is known of one mail.
type Recipient struct {
	Begun    time.Time // the first attempt to hand the mail over; zero: unknown
	Accepted time.Time // the relay's 250; zero: none came
	Reported time.Time // the recipient's own report; zero: none
	Canary   bool      // a mailbox that nobody opens
}

// Facts is what the hits of one drill are judged by.
type Facts struct {
	Recipients map[string]Recipient // by Hit.Recipient; for who is missing, no time is plausible
	Egress     []netip.Prefix       // where the facility's own traffic comes from: all staff may share one address
	Links      []Signal             // which of URL, QR, Attachment, Honeypot each mail carried
}

// Kind is what a hit is taken for.
type Kind string

const (
	Person      Kind = "person"
	Machine     Kind = "machine"     // a filter, a sandbox, a script
	Proxy       Kind = "proxy"       // fetched on behalf of a mailbox: says nothing about the person
	Unconfirmed Kind = "unconfirmed" // may be a person; nothing shows it
	ByReport    Kind = "by_report"   // the link was followed because the mail was reported or forwarded
)

// Verdict is the judgement over one hit.
type Verdict struct {
	Hit     string // Hit.ID
	Kind    Kind
	Reasons []Reason // the first decided; the rest are what else was seen, in a fixed order
	Rules   string   // Rules.Version
}

// Classify judges every hit; verdict i belongs to hits[i]. It depends on the set of hits only, not on their order, and takes time in
// proportion to n log n. The same facts, hits and rules always give the same verdicts.
func Classify(facts Facts, hits []Hit, rules Rules) []Verdict {
	j := newJudge(facts, hits, rules, false)
	return j.all()
}
