package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"kenshin/drill/internal/wire"
	"kenshin/fault"
)

const (
	replyBytes = 64 << 10               // of one answer; RFC 5321 allows 512 bytes a line
	afterDot   = 800 * time.Millisecond // how long a stop still waits for the answer to a whole mail
)

// session is one connection to a server that has greeted us and, if asked, signed us in.
type session struct {
	where    string
	conn     *wire.Conn
	client   *smtp.Client
	text     *textproto.Conn
	patience Patience
	used     bool // for a mail before
	broken   bool // close it, say nothing more
}

// errHandshake says that TLS was offered but did not come about.
var errHandshake = errors.New("TLS was offered but failed")

// target is where to dial and how to behave there.
type target struct {
	server   wire.Server
	addr     string // HOST:PORT to dial; server.Host is for the certificate
	security Security
	hopeful  bool // opportunistic: TLS without a check if it is offered, else none (RFC 7435)
}

// dial connects, encrypts and signs in. The error is a fault.
func dial(ctx context.Context, r Route, t target) (*session, error) {
	conn, err := wire.Dial(ctx, t.addr, r.Patience.Connect)
	if err != nil {
		return nil, wire.Explain(t.server.Where(), err)
	}
	defer context.AfterFunc(ctx, conn.Stop)()
	s := &session{where: t.server.Where(), conn: conn, patience: r.Patience}
	if err := s.begin(ctx, r, t); err != nil {
		conn.Close()
		if ended(ctx) {
			return nil, stopped(ctx.Err()).Err
		}
		return nil, wire.Explain(s.where, err)
	}
	return s, nil
}

func (s *session) begin(ctx context.Context, r Route, t target) error {
	// the first exchanges share one budget: banner, EHLO twice, TLS, sign-in
	if err := s.conn.Allow(4*replyBytes, s.patience.Command); err != nil {
		return err
	}
	config := t.server.TLS()
	if t.hopeful {
		config.InsecureSkipVerify = true // whoever could forge the certificate could as well strip STARTTLS
	}
	var c net.Conn = s.conn
	encrypted := t.security == TLS && !t.hopeful
	if encrypted {
		tc := tls.Client(s.conn, config)
		if err := tc.HandshakeContext(ctx); err != nil {
			return err
		}
		c = tc
	}
	var err error
	if s.client, err = smtp.NewClient(c, t.server.Host); err != nil {
		return s.refused(atHello, err)
	}
	if err := s.client.Hello(r.Helo); err != nil {
		return s.refused(atHello, err)
	}
	offered, _ := s.client.Extension("STARTTLS")
	switch {
	case encrypted || t.security == None:
	case offered:
		if err := s.client.StartTLS(config); err != nil {
			if t.hopeful && !ended(ctx) {
				return errors.Join(errHandshake, err)
			}
			return s.refused(atHello, err)
		}
		encrypted = true
	case !t.hopeful:
		return fault.New(fault.Unavailable, "メールサーバ "+s.where+" は暗号(STARTTLS)に対応していません。ポートを確かめるか、別の暗号を選んでください。",
			"The mail server "+s.where+" does not offer STARTTLS. Check the port or choose another encryption.")
	}
	s.text = s.client.Text
	if r.Auth == NoAuth || t.hopeful {
		return nil
	}
	if !encrypted {
		return fault.New(fault.Internal, "暗号なしではサインインしません。", "No sign-in without encryption.")
	}
	return s.signIn(ctx, r, t.server.Host)
}

func (s *session) signIn(ctx context.Context, r Route, host string) error {
	offered, methods := s.client.Extension("AUTH")
	offers := func(m string) bool { return strings.Contains(" "+strings.ToUpper(methods)+" ", " "+m+" ") }
	if r.Auth == Plain && !offers("PLAIN") && offers("LOGIN") { // the same password, asked for in two questions
		r.Auth = Login
	}
	want := strings.ToUpper(string(r.Auth))
	if !offered || !offers(want) {
		return fault.Newf(fault.Denied, "メールサーバ %s は方式 %s でのサインインに対応していません(対応: %s)。", "The mail server %s does not offer to sign in by %s (it offers: %s).",
			s.where, want, clean(strings.Join(strings.Fields(methods), ", ")))
	}
	var a smtp.Auth
	switch r.Auth {
	case Plain:
		a = smtp.PlainAuth("", r.User, r.Secret, host, false)
	case Login:
		a = smtp.LoginAuth(r.User, r.Secret, host, false)
	case CRAMMD5:
		a = smtp.CRAMMD5Auth(r.User, r.Secret)
	case XOAUTH2:
		token, err := r.Token(ctx, r.User)
		if err != nil {
			return err
		}
		if err := s.conn.Allow(replyBytes, s.patience.Command); err != nil { // getting the token may have taken long
			return err
		}
		a = smtp.XOAuth2Auth(r.User, token)
	}
	if err := s.client.Auth(a); err != nil {
		return s.refused(atAuth, err)
	}
	return nil
}

// refusedError carries an answer of the server through an error.
type refusedError struct {
	error
	result Result
}

func (e refusedError) Unwrap() error { return e.error }

// refused turns an answer into a sentence and leaves other errors.
func (s *session) refused(at step, err error) error {
	if p, ok := protocol(err); ok && p.Code >= 400 && p.Code < 600 {
		r := refusal(at, s.where, p.Code, p.Msg)
		return refusedError{r.Err, r}
	}
	return err
}

// failed is the result of a connection that did not come about.
func failed(err error) Result {
	if e, ok := errors.AsType[refusedError](err); ok {
		return e.result
	}
	r := Result{Outcome: NotTried, Scope: Relay, Text: clean(fault.Sentence(err, "en")), Err: err}
	if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Busy) {
		r.Retry = 10 * time.Second
	}
	return r
}

// command sends one line and returns the code and text of the answer.
func (s *session) command(patience time.Duration, line string) (int, string, error) {
	if err := s.conn.Allow(replyBytes, patience); err != nil {
		return 0, "", err
	}
	if err := s.text.PrintfLine("%s", line); err != nil {
		return 0, "", err
	}
	return s.answer()
}

// answer reads a whole answer (RFC 5321 section 4.2.1). textproto would take a line that was cut off for a whole one; here that is an error,
// because half of an answer decides nothing.
func (s *session) answer() (code int, text string, err error) {
	var lines []string
	for {
		line, err := s.text.R.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, "", wire.ErrTooMuch
		}
		if err != nil {
			return 0, "", err
		}
		l := strings.TrimRight(string(line), "\r\n")
		n, wrong := strconv.Atoi(l[:min(3, len(l))])
		if wrong != nil || n < 100 || len(l) > 3 && l[3] != ' ' && l[3] != '-' || code != 0 && n != code {
			return 0, "", textproto.ProtocolError("invalid response: " + clean(l))
		}
		code = n
		if len(l) > 4 {
			lines = append(lines, l[4:])
		}
		if len(l) <= 3 || l[3] == ' ' {
			return code, strings.Join(lines, "\n"), nil
		}
	}
}

// deliver gives one mail to the server. stale says that nothing was done because the server had closed the idle connection.
func (s *session) deliver(ctx context.Context, e Envelope, begun func() error) (r Result, stale bool) {
	s.conn.Grace(0)
	defer context.AfterFunc(ctx, s.conn.Stop)()
	if r := s.able(e); r.Outcome == Refused {
		return r, false
	}
	used := s.used
	s.used = true
	for _, c := range []struct {
		at   step
		line string
		good int // the first digit
	}{{atFrom, s.mailFrom(e), 2}, {atTo, "RCPT TO:<" + e.To + ">", 2}, {atData, "DATA", 3}} {
		code, text, err := s.command(s.patience.Command, c.line)
		if err != nil {
			return s.lost(ctx, err), used && c.at == atFrom && !ended(ctx)
		}
		if code/100 != c.good {
			return s.declined(c.at, code, text), used && c.at == atFrom && code == 421
		}
	}
	if ended(ctx) {
		s.broken = true
		return stopped(ctx.Err()), false
	}
	if err := begun(); err != nil {
		s.broken = true // after 354 only closing the connection takes the mail back
		return Result{Outcome: NotTried, Scope: Recipient, Text: clean(err.Error()), Err: err}, false
	}
	return s.mail(ctx, e.Body), false
}

// able refuses what this server cannot carry.
func (s *session) able(e Envelope) Result {
	no := func(enhanced, ja, en string) Result {
		return Result{Outcome: Refused, Enhanced: enhanced, Text: en, Err: fault.New(fault.Invalid, ja, en)}
	}
	if _, size := s.client.Extension("SIZE"); size != "" {
		if limit, err := strconv.ParseInt(size, 10, 64); err == nil && limit > 0 && int64(len(e.Body)) > limit {
			return no("5.3.4", fmt.Sprintf("メールが大きすぎます。メールサーバ %s の上限は%dバイトです。", s.where, limit),
				fmt.Sprintf("The mail is too large: the limit of the mail server %s is %d bytes.", s.where, limit))
		}
	}
	if ok, _ := s.client.Extension("SMTPUTF8"); !ok && !(ascii(e.To) && ascii(e.From)) {
		return no("5.6.7", "メールサーバ "+s.where+" は日本語のメールアドレスを扱えません。", "The mail server "+s.where+" cannot take addresses that are not ASCII.")
	}
	if ok, _ := s.client.Extension("8BITMIME"); !ok && eightBit(e.Body) {
		return no("5.6.3", "メールサーバ "+s.where+" は8ビットの本文を扱えません。", "The mail server "+s.where+" cannot take a mail with 8-bit text.")
	}
	return Result{}
}

func (s *session) mailFrom(e Envelope) string {
	line := "MAIL FROM:<" + e.From + ">"
	if ok, _ := s.client.Extension("SIZE"); ok {
		line += fmt.Sprintf(" SIZE=%d", len(e.Body))
	}
	if eightBit(e.Body) {
		line += " BODY=8BITMIME"
	}
	if !(ascii(e.To) && ascii(e.From)) {
		line += " SMTPUTF8"
	}
	return line
}

// mail writes the mail and waits for the answer. Until the last line is handed over the mail does not exist for the server (RFC 5321 4.1.1.4).
func (s *session) mail(ctx context.Context, body []byte) Result {
	if err := s.conn.Allow(replyBytes, s.patience.Body); err != nil {
		return s.lost(ctx, err)
	}
	w := s.text.DotWriter()
	if _, err := w.Write(body); err != nil {
		return s.lost(ctx, err)
	}
	s.conn.Grace(afterDot)
	if err := s.conn.Allow(replyBytes, s.patience.Final); err != nil {
		return s.lost(ctx, err)
	}
	if ended(ctx) {
		s.broken = true
		return stopped(ctx.Err())
	}
	err := w.Close() // hands over what is buffered, with the dot
	if err == nil {
		var code int
		var text string
		if code, text, err = s.answer(); err == nil {
			if code/100 == 2 {
				return s.taken(code, text)
			}
			return s.declined(atDot, code, text)
		}
	}
	s.broken = true
	return Result{Outcome: Unknown, Scope: Recipient, Text: clean(err.Error()),
		Err: fault.Wrap(fault.Unavailable, err, "メールサーバ "+s.where+" にメールを渡し終えましたが、返事が届きませんでした。届いたかどうかは分かりません。",
			"The mail was handed to the mail server "+s.where+", but the answer was lost. Whether it arrived is not known.")}
}

func (s *session) taken(code int, text string) Result {
	r := Result{Outcome: Accepted, Code: code}
	if m := enhanced.FindStringSubmatch(text); m != nil {
		r.Enhanced, text = m[1], text[len(m[1]):]
	}
	r.Text = clean(text)
	return r
}

// declined reads a refusal and makes the connection fit for the next mail.
func (s *session) declined(at step, code int, text string) Result {
	if code < 400 || code > 599 { // no answer that SMTP knows here: whatever follows cannot be trusted
		s.broken = true
		r := Result{Outcome: Deferred, Scope: Relay, Code: code, Text: clean(text), Retry: later}
		if at == atDot {
			r.Outcome, r.Scope, r.Retry = Unknown, Recipient, 0
		}
		r.Err = wire.Explain(s.where, wire.ErrTooMuch)
		return r
	}
	if code == 421 {
		s.broken = true
	} else if at != atDot {
		if code, _, err := s.command(s.patience.Command, "RSET"); err != nil || code != 250 {
			s.broken = true
		}
	}
	return refusal(at, s.where, code, text)
}

// lost is a connection that broke before the mail was complete.
func (s *session) lost(ctx context.Context, err error) Result {
	s.broken = true
	if ended(ctx) {
		return stopped(ctx.Err())
	}
	return Result{Outcome: Deferred, Scope: Relay, Text: clean(err.Error()), Retry: 10 * time.Second, Err: wire.Explain(s.where, err)}
}

// end says goodbye if somebody may still listen.
func (s *session) end() {
	if !s.broken && s.conn.Allow(replyBytes, time.Second) == nil {
		s.text.PrintfLine("QUIT") // the answer does not matter
	}
	s.conn.Close()
}
