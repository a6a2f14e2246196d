// Package preflight finds out, before a drill, whether its mails will arrive as they were made: what DNS says of the sending domain, whether the
// page behind the links and the relay work, what the receiving side did to a test mail, and what to type into which filter so that it lets
// the drill through. It opens no sockets and keeps nothing: resolver and dialer are given.
package preflight

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kenshin/i18n"
)

// State is what a check found.
type State string

const (
	OK      State = "ok"
	Warn    State = "warn"
	Bad     State = "bad"
	Unknown State = "unknown" // it could not be found out: never as good as OK
)

func (s State) rank() int { return slices.Index([]State{OK, Warn, Unknown, Bad}, s) }

// worse returns the worse of two states.
func worse(a, b State) State {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Severity is what a failed check means for the drill.
type Severity string

const (
	High   Severity = "high"   // the mails will hardly arrive, or staff see a warning instead of the lesson
	Medium Severity = "medium" // some filters will hold them
	Low    Severity = "low"
)

// Fact is one measured value, with the name of what it is about where there are several.
type Fact struct {
	What  i18n.Text `json:"what"`
	Of    string    `json:"of,omitempty"`
	Value string    `json:"value"`
}

// Result is what a check found: its state, one sentence, and what was measured.
type Result struct {
	State State     `json:"state"`
	Says  i18n.Text `json:"says"`
	Facts []Fact    `json:"facts,omitempty"`
}

// Check is one check, whole: what screens and documentation print is what runs.
type Check struct {
	ID       string
	Title    i18n.Text
	Why      i18n.Text
	Fix      i18n.Text
	Severity Severity
	Source   string
	run      func(context.Context, *pass) Result
}

// Outcome is the result of one check at one time.
type Outcome struct {
	Check string    `json:"check"`
	At    time.Time `json:"at"`
	Result
}

// Resolver asks DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// World is how a pass reaches the outside.
type World struct {
	Resolver Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool               // nil means those of the system
	Clock    func() (ClockReading, error) // nil means that nothing is known of the clock; see SystemClock
	Now      func() time.Time
}

// Setup is what the drill is about to use.
type Setup struct {
	From       string       // domain of the From header
	MailFrom   string       // domain of the envelope's sender (5321.MailFrom)
	HELO       string       // name that we or the relay say in EHLO; "" means MailFrom
	SendingIPs []netip.Addr // as the receiving side sees them
	DKIM       DKIM
	Recipients []string // domains
	Landing    Landing
	Relay      *Relay    // nil when mails go another way (direct to MX, Graph, Gmail)
	LastEvent  time.Time // the youngest time in the records: the clock may not be behind it
	Tests      []Test    // what became of test mails
	Watch      Watch     // the quiet quarter of an hour after them
}

// DKIM is our signature: its domain, its selector, the public half of the key that signs. Empty when mails are not signed.
type DKIM struct {
	Domain, Selector string
	Public           crypto.PublicKey
}

// Landing is where the links of the mails lead.
type Landing struct {
	URL     string         // https://drill.example.jp/ with or without a path
	Sign    string         // a text that our /verify page always holds, by which it is known
	OwnCA   *x509.CertPool // the hospital's own authority, nil when the certificate is a public one
	OwnName string         // of that authority, for people
}

// Security is how the connection to the relay is protected.
type Security string

const (
	STARTTLS Security = "starttls"
	Implicit Security = "tls"
	Plain    Security = "plain"
)

// Relay is the mail server that takes our mails.
type Relay struct {
	Host     string
	Port     int
	Security Security
	OwnCA    *x509.CertPool
}

// Place is where a test mail landed.
type Place string

const (
	Inbox        Place = "inbox"
	Junk         Place = "junk"
	Quarantine   Place = "quarantine"
	Never        Place = "never" // not found after the time that a person gave it
	PlaceUnknown Place = "unknown"
)

// Test is one real mail of the drill that went to a test mailbox.
type Test struct {
	Mailbox    string
	Place      Place       // as a person ticked it or IMAP showed it; PlaceUnknown lets the headers speak
	Reading    *Reading    // of its headers, nil when nobody gave them
	Difference *Difference // of its bytes, nil when nobody gave them
}

// Watch is the time after the test mails in which nobody touched them: hits in it are machines.
type Watch struct {
	From, To time.Time
	Hits     int
	Learned  bool // the hits were saved as this site's scanner rules
}

// checkTime is how long one check may take: DNS, a TLS handshake and an answer over a hospital's line.
const checkTime = 20 * time.Second

type pass struct {
	World
	Setup
	spf  map[netip.Addr]spfAnswer
	dkim *dkimAnswer
}

// Run makes the checks in their order; only limits them to some ids (none means all). It returns early with the outcomes so far when ctx ends.
func Run(ctx context.Context, w World, s Setup, only ...string) []Outcome {
	if w.Now == nil {
		w.Now = time.Now
	}
	p := &pass{World: w, Setup: s.normal(), spf: map[netip.Addr]spfAnswer{}}
	p.Resolver = dotted{w.Resolver}
	var out []Outcome
	for _, c := range Checks() {
		if len(only) > 0 && !slices.Contains(only, c.ID) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		one, cancel := context.WithTimeout(ctx, checkTime)
		r := c.run(one, p)
		cancel()
		out = append(out, Outcome{Check: c.ID, At: w.Now(), Result: r})
	}
	return out
}

func (s Setup) normal() Setup {
	for _, d := range []*string{&s.From, &s.MailFrom, &s.HELO, &s.DKIM.Domain, &s.DKIM.Selector} {
		*d = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(*d), "."))
	}
	if s.HELO == "" {
		s.HELO = s.MailFrom
	}
	s.Recipients = slices.Clone(s.Recipients)
	for i, d := range s.Recipients {
		s.Recipients[i] = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(d), "."))
	}
	slices.Sort(s.Recipients)
	s.Recipients = slices.Compact(s.Recipients)
	return s
}

// Checks are all checks, in the order in which they run.
func Checks() []Check {
	return slices.Concat(dnsChecks(), landingChecks(), relayChecks(), testChecks())
}

// Find returns a check by its id.
func Find(id string) (Check, bool) {
	i := slices.IndexFunc(Checks(), func(c Check) bool { return c.ID == id })
	if i < 0 {
		return Check{}, false
	}
	return Checks()[i], true
}

// dotted makes every name absolute, so that this machine's search list never answers in place of the domain that was meant.
type dotted struct{ r Resolver }

func dot(name string) string {
	if name == "" || strings.HasSuffix(name, ".") {
		return name
	}
	return name + "."
}

func (d dotted) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return d.r.LookupTXT(ctx, dot(name))
}

func (d dotted) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return d.r.LookupMX(ctx, dot(name))
}

func (d dotted) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return d.r.LookupIPAddr(ctx, host)
	}
	return d.r.LookupIPAddr(ctx, dot(host))
}

func (d dotted) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return d.r.LookupAddr(ctx, addr)
}

// missing reports that DNS answered and has no such record; any other error means that nothing is known.
func missing(err error) bool {
	dns := (*net.DNSError)(nil)
	return errors.As(err, &dns) && dns.IsNotFound
}

func result(s State, ja, en string, facts ...Fact) Result {
	return Result{State: s, Says: i18n.Text{Ja: ja, En: en}, Facts: facts}
}

func fact(ja, en, of, value string) Fact {
	if len(value) > 500 {
		value = strings.ToValidUTF8(value[:500], "") + "…"
	}
	return Fact{What: i18n.Text{Ja: ja, En: en}, Of: of, Value: value}
}
