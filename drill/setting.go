package drill

import (
	"net/mail"
	"net/netip"
	"net/url"
	"strings"

	"kenshin/drill/calendar"
	"kenshin/fault"
)

const (
	relayPurpose   = "drill-relay"
	mailboxPurpose = "drill-mailbox"
	dkimPurpose    = "drill-dkim"
)

// Settings say how a facility's drills are sent and who answers for them. Only people who manage drills change them; the trail keeps it.
type Settings struct {
	Revision  int64             `json:"revision"`     // of what was read; a save that names an older one is refused, one that names none replaces what is there
	Domain    string            `json:"domain"`       // of the senders: the hospital's own simulation domain
	Base      string            `json:"base"`         // where the links of mails lead: https://drill.hospital.example
	Contact   string            `json:"contact"`      // who answers for drills, as told on /verify: 情報システム室 内線 1234
	Security  string            `json:"security"`     // mail address of the named security contact
	ReportTo  string            `json:"report_to"`    // where staff forward suspicious mails
	Extension string            `json:"extension"`    // whom staff call when they opened one
	Egress    []netip.Prefix    `json:"egress"`       // the hospital's own addresses as the landing page sees them
	Outgoing  []netip.Addr      `json:"outgoing"`     // the addresses from which the relay sends, as receivers see them
	PerDay    int               `json:"per_day"`      // most recipients of one day
	Apart     int               `json:"apart"`        // days between two drills for one person
	Quiet     int               `json:"quiet"`        // seconds after acceptance in which an arrival is more likely a machine's
	Nameless  int               `json:"nameless"`     // days after which names are taken out
	Incident  bool              `json:"incident"`     // a real incident is going on: all drills wait
	Lines     int               `json:"lines"`        // connections to the relay at once
	Hours     calendar.Calendar `json:"hours"`        // when mails may go out
	Relay     RelaySettings     `json:"relay"`        // through what
	DKIM      DKIMSettings      `json:"dkim"`         // our own key
	Mailbox   Mailbox           `json:"mailbox"`      // the report mailbox, read over IMAP
	Org       string            `json:"organisation"` // the name in the marker header; "" is the facility's
}

// RelaySettings are a way to send.
type RelaySettings struct {
	Kind     string `json:"kind"` // smtp, mx, graph, gmail; "" is none
	Host     string `json:"host,omitempty"`
	Port     int    `json:"port,omitempty"`
	Security string `json:"security,omitempty"` // starttls, tls, none
	Auth     string `json:"auth,omitempty"`     // "", password, xoauth2
	User     string `json:"user,omitempty"`
	Helo     string `json:"helo,omitempty"`
	TokenURL string `json:"token_url,omitempty"`
	Client   string `json:"client,omitempty"`
	Resolver string `json:"resolver,omitempty"` // address of a name server for mx; "" is the machine's
	Sealed   []byte `json:"sealed,omitempty"`
}

// DKIMSettings name the key that signs.
type DKIMSettings struct {
	Selector string `json:"selector,omitempty"`
	Record   string `json:"record,omitempty"` // the TXT record to publish
	Sealed   []byte `json:"sealed,omitempty"`
}

// Secrets are what SaveSettings seals. Empty ones stay as they were.
type Secrets struct{ Relay, Mailbox, DKIM string }

func (s Secrets) of(purpose string) string {
	return map[string]string{relayPurpose: s.Relay, mailboxPurpose: s.Mailbox, dkimPurpose: s.DKIM}[purpose]
}

// DefaultSettings are careful ones; nothing can be sent before Domain, Base, Contact and Relay are given.
func DefaultSettings() Settings {
	return Settings{PerDay: 2000, Apart: 14, Quiet: 10, Nameless: 180, Lines: 1,
		Hours: calendar.Default()}
}

// Ready says what is still missing before anything can be sent, nil when nothing is.
func (s Settings) Ready() error {
	miss := func(ja, en string) error {
		return fault.Newf(fault.Invalid, "訓練の設定で「%[1]s」がまだ決まっていません。", "The drill settings lack: %[2]s.", ja, en)
	}
	switch {
	case s.Domain == "":
		return miss("送り主のドメイン", "the senders' domain")
	case s.Base == "":
		return miss("リンクの行き先のアドレス", "the address of links")
	case s.Contact == "":
		return miss("問い合わせ先", "the contact")
	case s.Relay.Kind == "":
		return miss("メールの送り方", "the relay")
	}
	return nil
}

func (s Settings) check() error {
	bad := func(ja, en string) error { return fault.New(fault.Invalid, ja, en) }
	if s.Base != "" {
		u, err := url.Parse(s.Base)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
			return bad("リンクの行き先は https://drill.hospital.example のように書いてください。", "Write the address of links like https://drill.hospital.example.")
		}
	}
	for _, a := range []string{s.Security, s.ReportTo} {
		if parsed, err := mail.ParseAddress(a); a != "" && (err != nil || parsed.Address != a) {
			return bad("メールアドレスを確かめてください: "+clip(a, 80), "Check the mail address: "+clip(a, 80))
		}
	}
	for _, r := range []struct{ v, low, high int }{{s.PerDay, 1, 50000}, {s.Apart, 0, 365}, {s.Quiet, 0, 120}, {s.Nameless, 1, 180}, {s.Lines, 1, 8}} {
		if r.v < r.low || r.v > r.high {
			return fault.Newf(fault.Invalid, "%d から %d の間で入れてください。", "Enter a number from %d to %d.", r.low, r.high)
		}
	}
	if err := s.Hours.Check(); err != nil {
		return err
	}
	switch s.Relay.Kind {
	case "", "smtp", "mx", "graph", "gmail":
	default:
		return bad("メールの送り方は smtp、mx、graph、gmail のどれかです。", "The relay is one of smtp, mx, graph, gmail.")
	}
	if s.Relay.Kind == "smtp" && (s.Relay.Host == "" || s.Relay.Port < 1 || s.Relay.Port > 65535) {
		return bad("メールサーバの名前とポートを入れてください。", "Enter the mail server's name and port.")
	}
	if s.Relay.Security == "none" && s.Relay.Auth != "" {
		return bad("暗号なしでは、サインインの名前とパスワードを送りません。", "Without encryption no user and password are sent.")
	}
	return s.Mailbox.check()
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
