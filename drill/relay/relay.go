// Package relay gives one composed mail at a time to the world, over SMTP, straight to the recipient's mail server, or into Microsoft 365 and
// Gmail, and says honestly what became of it: accepted, deferred, refused, unknown, or not tried. It keeps no queue and tries nothing twice
// that somebody may have got already.
package relay

import (
	"context"
	"crypto/x509"
	"net"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
)

// Kind is a way into the world.
type Kind string

// The ways.
const (
	SMTP     Kind = "smtp"  // a relay: the hospital's own, or a provider's
	DirectMX Kind = "mx"    // the recipient's own mail server, found by DNS
	Graph    Kind = "graph" // Microsoft 365: sent from a mailbox of the tenant
	Gmail    Kind = "gmail" // Google Workspace: put into the recipient's mailbox
)

// Security is how a connection to a relay is encrypted.
type Security string

// STARTTLS is demanded, not hoped for; only DirectMX uses it when it is offered and goes on without.
const (
	STARTTLS Security = "starttls"
	TLS      Security = "tls"
	None     Security = "none" // no sign-in is possible
)

// Auth is how we sign in.
type Auth string

// The methods; NoAuth is the empty one.
const (
	NoAuth  Auth = ""
	Plain   Auth = "plain"
	Login   Auth = "login"
	CRAMMD5 Auth = "cram-md5"
	XOAUTH2 Auth = "xoauth2"
)

// Resolver is the part of net.Resolver that finds mail servers.
type Resolver interface {
	LookupMX(ctx context.Context, domain string) ([]*net.MX, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Route is a way that an administrator has set up.
type Route struct {
	Kind     Kind
	Host     string // SMTP only
	Port     int    // 0: 25 for DirectMX, else 587, or 465 with TLS
	Security Security
	Auth     Auth
	User     string // who signs in; Graph: the mailbox that mails are sent from
	Secret   string
	Token    func(ctx context.Context, user string) (string, error) // XOAUTH2, Graph, Gmail: see package bearer
	Helo     string                                                 // our name, as DNS knows it; "" is [127.0.0.1], which few servers of others like
	Roots    *x509.CertPool                                         // nil: the machine's
	Resolver Resolver                                               // DirectMX; nil: the machine's
	Base     string                                                 // Graph, Gmail: another address for tests; "" is the fixed one
	Patience Patience
}

// Patience bounds each wait; zero values are the defaults, which are shorter than RFC 5321's except for the last one.
type Patience struct {
	Connect time.Duration // 15 s
	Command time.Duration // 60 s
	Body    time.Duration // 3 min
	Final   time.Duration // 10 min: to give up here is not to know
}

// Envelope is one mail for one recipient. Body is the whole message (RFC 5322) with CRLF; it goes out byte for byte.
type Envelope struct {
	From string // "" for a mail that nobody may answer
	To   string
	Body []byte
}

// Outcome is what became of a mail.
type Outcome int

// The outcomes. After Unknown the mail may be there or not: only a person may send it again.
const (
	NotTried Outcome = iota // nobody was given anything
	Accepted
	Deferred // not taken now; another try is safe
	Refused  // not taken, and another try will not help
	Unknown  // given away completely, the answer never came
)

func (o Outcome) String() string {
	return [...]string{"not tried", "accepted", "deferred", "refused", "unknown"}[o]
}

// Scope is who else the outcome speaks for.
type Scope int

// The scopes. With Relay the whole run should pause; with Refused and Relay until a person has changed something.
const (
	Recipient Scope = iota
	Domain          // all recipients in this domain
	Relay           // everything on this route
)

func (s Scope) String() string { return [...]string{"recipient", "domain", "relay"}[s] }

// Result is the answer for one mail.
type Result struct {
	Outcome  Outcome
	Scope    Scope
	Code     int           // of SMTP or HTTP; 0 when nobody answered
	Enhanced string        // 5.1.1, RFC 3463
	Text     string        // what the server said, at most 300 characters, printable, without tokens
	Retry    time.Duration // a hint when another try makes sense; 0: not before a person has looked
	Err      error         // for a person (package fault); nil when Accepted
}

// Line is an open way for many mails, one after the other. It is not safe for several goroutines: open several.
type Line struct {
	route   Route
	carrier carrier
}

// carrier is one kind of way.
type carrier interface {
	// open connects and signs in, as far as that is possible without a mail.
	open(ctx context.Context) error
	send(ctx context.Context, e Envelope, begun func() error) Result
	close()
}

// Open checks a route and, where there is one server for all mails, connects and signs in. The error says what to change.
func Open(ctx context.Context, r Route) (*Line, error) {
	r.fill()
	if err := r.check(); err != nil {
		return nil, err
	}
	l := &Line{route: r}
	switch r.Kind {
	case SMTP:
		l.carrier = &relayed{route: r}
	case DirectMX:
		l.carrier = &direct{route: r, domains: map[string]*exchange{}}
	case Graph:
		l.carrier = newGraph(r)
	case Gmail:
		l.carrier = newGmail(r)
	}
	if err := l.carrier.open(ctx); err != nil {
		l.carrier.close()
		return nil, err
	}
	return l, nil
}

// Send gives one mail away. begun is called when the recipient was accepted, immediately before the first byte of the mail: what it makes
// durable survives a crash from there on. If it fails, the mail is not sent. A connection that was closed while it was idle is opened again.
// When ctx ends, Send returns within a second.
func (l *Line) Send(ctx context.Context, e Envelope, begun func() error) Result {
	if err := ctx.Err(); err != nil {
		return stopped(err)
	}
	e, err := e.checked()
	if err != nil {
		return Result{Outcome: Refused, Text: clean(err.Error()), Err: err}
	}
	return l.carrier.send(ctx, e, begun)
}

// Close says goodbye to the server.
func (l *Line) Close() { l.carrier.close() }

func (r *Route) fill() {
	if r.Port == 0 {
		switch {
		case r.Kind == DirectMX:
			r.Port = 25
		case r.Security == TLS:
			r.Port = 465
		default:
			r.Port = 587
		}
	}
	if r.Security == "" {
		r.Security = STARTTLS
	}
	if r.Helo == "" {
		r.Helo = "[127.0.0.1]"
	}
	if r.Resolver == nil {
		r.Resolver = net.DefaultResolver
	}
	p := &r.Patience
	for _, d := range []struct {
		of       *time.Duration
		ordinary time.Duration
	}{{&p.Connect, 15 * time.Second}, {&p.Command, time.Minute}, {&p.Body, 3 * time.Minute}, {&p.Final, 10 * time.Minute}} {
		if *d.of <= 0 {
			*d.of = d.ordinary
		}
	}
}

func (r Route) check() error {
	invalid := func(ja, en string) error { return fault.New(fault.Invalid, ja, en) }
	switch r.Kind {
	case SMTP:
		if r.Host == "" {
			return invalid("メールサーバの名前を入れてください。", "Enter the name of the mail server.")
		}
		if r.Auth != NoAuth && r.Security == None {
			return invalid("暗号なしの接続ではサインインできません(パスワードが読まれてしまいます)。STARTTLSかTLSを選ぶか、サインインなしにしてください。",
				"Without encryption no sign-in is possible (the password could be read). Choose STARTTLS or TLS, or no sign-in.")
		}
		if r.Auth == XOAUTH2 && r.Token == nil {
			return invalid("XOAUTH2にはトークンの設定が必要です。", "XOAUTH2 needs the settings for tokens.")
		}
	case DirectMX:
	case Graph, Gmail:
		if r.Token == nil {
			return invalid("Microsoft 365とGmailにはトークンの設定が必要です。", "Microsoft 365 and Gmail need the settings for tokens.")
		}
		if r.Kind == Graph && r.User == "" {
			return invalid("送り元にするメールボックスを入れてください。", "Enter the mailbox that mails are sent from.")
		}
	default:
		return invalid("メールの送り方が正しくありません。", "This way of sending mail does not exist.")
	}
	switch r.Security {
	case STARTTLS, TLS, None:
	default:
		return invalid("暗号の選び方が正しくありません。STARTTLS、TLS、なしから選んでください。", "The encryption must be STARTTLS, TLS or none.")
	}
	switch r.Auth {
	case NoAuth, Plain, Login, CRAMMD5, XOAUTH2:
	default:
		return invalid("サインインの方式が正しくありません。", "This way of signing in does not exist.")
	}
	if unsafe(r.Helo) || unsafe(r.Host) {
		return invalid("サーバの名前に使えない文字があります。", "A server's name has characters that are not allowed.")
	}
	return nil
}

// Told is the outcome in words for a person.
func (o Outcome) Told() i18n.Text {
	switch o {
	case Accepted:
		return i18n.Text{Ja: "受付済み", En: "Accepted"}
	case Deferred:
		return i18n.Text{Ja: "保留(あとで再送)", En: "Deferred"}
	case Refused:
		return i18n.Text{Ja: "拒否", En: "Refused"}
	case Unknown:
		return i18n.Text{Ja: "不明", En: "Unknown"}
	}
	return i18n.Text{Ja: "未送信", En: "Not sent"}
}
