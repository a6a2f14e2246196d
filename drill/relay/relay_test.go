package relay

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/internal/mailtest"
)

func route(s *mailtest.Sink) Route {
	return Route{Kind: SMTP, Host: "127.0.0.1", Port: s.Port(), Security: None, Helo: "kenshin.test",
		Patience: Patience{Connect: 2 * time.Second, Command: 2 * time.Second, Body: 2 * time.Second, Final: 2 * time.Second}}
}

func open(t *testing.T, r Route) *Line {
	t.Helper()
	l, err := Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func letter(n int) Envelope {
	to := fmt.Sprintf("staff%d@hospital.test", n)
	return Envelope{From: "drill@training.test", To: to,
		Body: fmt.Appendf(nil, "From: drill@training.test\r\nTo: %s\r\nMessage-ID: <m%d@training.test>\r\nSubject: test\r\n\r\n.dot\r\n..two\r\nend\r\n", to, n)}
}

func nothing() error { return nil }

// send gives a mail away and tells whether it was called begun.
func send(t *testing.T, l *Line, e Envelope) (Result, bool) {
	t.Helper()
	begun := false
	r := l.Send(t.Context(), e, func() error { begun = true; return nil })
	if (r.Outcome == Accepted) != (r.Err == nil) {
		t.Errorf("%v with error %v", r.Outcome, r.Err)
	}
	return r, begun
}

func TestManyMailsOverOneConnection(t *testing.T) {
	s := mailtest.Start(t)
	l := open(t, route(s))
	for n := range 50 {
		if r, begun := send(t, l, letter(n)); r.Outcome != Accepted || !begun || r.Code != 250 || r.Enhanced != "2.0.0" {
			t.Fatalf("mail %d: %+v, begun %v", n, r, begun)
		}
	}
	if s.Conns() != 1 || s.Count() != 50 {
		t.Errorf("%d mails over %d connections", s.Count(), s.Conns())
	}
	if got := s.Messages()[7]; !bytes.Equal(got.Body, letter(7).Body) || got.To != "staff7@hospital.test" || got.From != "drill@training.test" {
		t.Errorf("a mail came changed: %q", got.Body)
	}
	if !strings.Contains(strings.Join(s.Lines(), "\n"), "EHLO kenshin.test") {
		t.Errorf("we did not give our name: %q", s.Lines()[:2])
	}
}

// What a server answers, and what that means for this person and for the run.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		stage mailtest.Stage
		reply string
		want  Outcome
		scope Scope
		retry time.Duration
		begun bool
	}{
		{"greylisting", mailtest.To, "451 4.7.1 Greylisted, please try again in 300 seconds", Deferred, Recipient, 5 * time.Minute, false},
		{"greylisting without a time", mailtest.To, "450 4.2.0 greylisted", Deferred, Recipient, grey, false},
		{"no such person", mailtest.To, "550 5.1.1 <x>: User unknown", Refused, Recipient, 0, false},
		{"mailbox full", mailtest.To, "552 5.2.2 mailbox full", Refused, Recipient, 0, false},
		{"mailbox full for now", mailtest.To, "452 4.2.2 mailbox full", Deferred, Recipient, grey, false},
		{"too many recipients", mailtest.To, "452 4.5.3 too many recipients", Deferred, Recipient, soon, false},
		{"disk full", mailtest.To, "452 4.3.1 insufficient system storage", Deferred, Relay, later, false},
		{"sender refused late", mailtest.To, "550 5.1.8 sender domain not found", Refused, Relay, 0, false},
		{"SPF", mailtest.To, "550 5.7.23 SPF failed", Refused, Relay, 0, false},
		{"no relaying", mailtest.To, "554 5.7.1 relay access denied", Refused, Recipient, 0, false},
		{"sender refused", mailtest.From, "550 5.7.1 not your domain", Refused, Relay, 0, false},
		{"sign in first", mailtest.From, "530 5.7.0 authentication required", Refused, Relay, 0, false},
		{"too large", mailtest.From, "552 5.3.4 too big", Refused, Recipient, 0, false},
		{"closing", mailtest.To, "421 4.3.2 shutting down", Deferred, Relay, later, false},
		{"closing after data", mailtest.Data, "421 4.3.2 shutting down, come back in 10 minutes", Deferred, Relay, 10 * time.Minute, false},
		{"no data", mailtest.Data, "451 4.3.0 later", Deferred, Recipient, grey, false},
		{"content", mailtest.Dot, "554 5.7.1 looks like spam", Refused, Recipient, 0, true},
		{"size at the end", mailtest.Dot, "552 5.3.4 too large", Refused, Recipient, 0, true},
		{"queue trouble", mailtest.Dot, "451 4.3.0 queue file write error", Deferred, Recipient, grey, true},
		{"no code", mailtest.To, "bonjour", Deferred, Relay, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.Start(t, mailtest.Nth(c.stage, 1, mailtest.Act{Reply: c.reply}))
			l := open(t, route(s))
			r, begun := send(t, l, letter(1))
			if r.Outcome != c.want || r.Scope != c.scope || c.retry != 0 && r.Retry != c.retry || begun != c.begun || r.Outcome == Refused && r.Retry != 0 {
				t.Errorf("%+v, begun %v", r, begun)
			}
			if s.Count() != 0 {
				t.Error("it was taken all the same")
			}
			if r, _ := send(t, l, letter(2)); r.Outcome != Accepted {
				t.Errorf("the next mail: %+v", r)
			}
		})
	}
}

func TestLostConnections(t *testing.T) {
	cut := mailtest.Act{Cut: true}
	for _, c := range []struct {
		name  string
		rule  mailtest.Rule
		want  Outcome
		begun bool
		taken int
	}{
		{"after the dot, taken", mailtest.Nth(mailtest.Dot, 1, mailtest.Act{Cut: true, Keep: true}), Unknown, true, 1},
		{"after the dot, dropped", mailtest.Nth(mailtest.Dot, 1, cut), Unknown, true, 0},
		{"nonsense after the dot", mailtest.Nth(mailtest.Dot, 1, mailtest.Act{Reply: "what", Keep: true}), Unknown, true, 1},
		{"silence after the dot", mailtest.Nth(mailtest.Dot, 1, mailtest.Act{Wait: 3 * time.Second, Cut: true, Keep: true}), Unknown, true, 1},
		{"half an answer", mailtest.Nth(mailtest.Dot, 1, mailtest.Act{Reply: "250 2.0.0 ta", Cut: true, Half: true}), Unknown, true, 0},
		{"half a yes for the recipient", mailtest.Nth(mailtest.To, 1, mailtest.Act{Reply: "250 2.1.5", Cut: true, Half: true}), Deferred, false, 0},
		{"before data", mailtest.Nth(mailtest.Data, 1, cut), Deferred, false, 0},
		{"at the recipient", mailtest.Nth(mailtest.To, 1, cut), Deferred, false, 0},
		{"answers without end", mailtest.Nth(mailtest.To, 1, mailtest.Act{Reply: "250-" + strings.Repeat("x", 1<<20)}), Deferred, false, 0},
		{"lines without end", mailtest.Nth(mailtest.To, 1, mailtest.Act{Reply: strings.Repeat("250-x\n", 1<<18) + "250 x"}), Deferred, false, 0},
		{"drop by drop", mailtest.Nth(mailtest.To, 1, mailtest.Act{Reply: "250 " + strings.Repeat("x", 100), Drip: 50 * time.Millisecond}), Deferred, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, c.rule)
			l := open(t, route(s))
			began := time.Now()
			r, begun := send(t, l, letter(1))
			if r.Outcome != c.want || begun != c.begun || s.Count() != c.taken {
				t.Errorf("%+v, begun %v, taken %d", r, begun, s.Count())
			}
			if d := time.Since(began); d > 2500*time.Millisecond {
				t.Errorf("it took %v", d)
			}
			if r, _ := send(t, l, letter(2)); r.Outcome != Accepted {
				t.Errorf("the next mail: %+v", r)
			}
		})
	}
}

// A server may close a connection between two mails; nobody has to hear of it.
func TestIdleConnectionIsOpenedAgain(t *testing.T) {
	s := mailtest.Start(t, mailtest.Nth(mailtest.From, 3, mailtest.Act{Reply: "421 4.7.0 too many mails on this connection", Cut: true}))
	l := open(t, route(s))
	for n := range 4 {
		if n == 1 {
			s.Down()
			if err := s.Up(); err != nil {
				t.Fatal(err)
			}
		}
		if r, _ := send(t, l, letter(n)); r.Outcome != Accepted {
			t.Errorf("mail %d: %+v", n, r)
		}
	}
	if s.Count() != 4 || s.Conns() != 3 {
		t.Errorf("%d mails over %d connections", s.Count(), s.Conns())
	}
}

func TestRelayThatIsDown(t *testing.T) {
	s := mailtest.Start(t)
	l := open(t, route(s))
	s.Down()
	if r, begun := send(t, l, letter(1)); r.Outcome == Accepted || r.Outcome == Refused || r.Outcome == Unknown || r.Scope != Relay || r.Retry == 0 || begun {
		t.Errorf("%+v", r)
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if r, _ := send(t, l, letter(1)); r.Outcome != Accepted {
		t.Errorf("%+v", r)
	}
}

func TestNotBegunIsNotSent(t *testing.T) {
	s := mailtest.Start(t)
	l := open(t, route(s))
	r := l.Send(t.Context(), letter(1), func() error { return errors.New("disk full") })
	if r.Outcome != NotTried {
		t.Errorf("%+v", r)
	}
	if r, _ := send(t, l, letter(2)); r.Outcome != Accepted {
		t.Errorf("the next mail: %+v", r)
	}
	if got := s.ByRecipient(); len(got) != 1 {
		t.Errorf("sent: %v", got)
	}
}

func TestStopWithinASecond(t *testing.T) {
	for _, c := range []struct {
		stage mailtest.Stage
		want  Outcome
	}{{mailtest.To, NotTried}, {mailtest.Data, NotTried}, {mailtest.Dot, Unknown}} {
		t.Run(string(c.stage), func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{}, 1)
			s := mailtest.Start(t, func(m mailtest.Moment) (mailtest.Act, bool) {
				if m.Stage != c.stage {
					return mailtest.Act{}, false
				}
				reached <- struct{}{}
				return mailtest.Act{Wait: 2 * time.Second}, true
			})
			r := route(s)
			r.Patience = Patience{}
			l := open(t, r)
			ctx, cancel := context.WithCancel(t.Context())
			var stopped time.Time
			go func() { <-reached; stopped = time.Now(); cancel() }()
			got := l.Send(ctx, letter(1), nothing)
			if d := time.Since(stopped); d > time.Second || got.Outcome != c.want {
				t.Errorf("%v after %v", got.Outcome, d)
			}
		})
	}
	t.Run("an answer on its way counts", func(t *testing.T) {
		reached := make(chan struct{}, 1)
		s := mailtest.Start(t, func(m mailtest.Moment) (mailtest.Act, bool) {
			if m.Stage == mailtest.Dot {
				reached <- struct{}{}
				return mailtest.Act{Wait: 300 * time.Millisecond}, true
			}
			return mailtest.Act{}, false
		})
		l := open(t, route(s))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-reached; cancel() }()
		if got := l.Send(ctx, letter(1), nothing); got.Outcome != Accepted {
			t.Errorf("%+v", got)
		}
		if got := l.Send(ctx, letter(2), nothing); got.Outcome != NotTried {
			t.Errorf("after the stop: %+v", got)
		}
	})
}

func TestOpenSaysWhatToChange(t *testing.T) {
	right, pool := mailtest.Certificate(t, "127.0.0.1")
	other, otherPool := mailtest.Certificate(t, "mail.other.test")
	old, oldPool := mailtest.Expired(t, "127.0.0.1")
	quiet := mailtest.Act{Wait: 3 * time.Second, Cut: true}
	for _, c := range []struct {
		name  string
		sink  mailtest.Config
		rules []mailtest.Rule
		route func(*Route)
		kind  fault.Kind
		ja    string
	}{
		{"unknown authority", mailtest.Config{TLS: right}, nil, func(r *Route) { r.Security, r.Roots = STARTTLS, x509.NewCertPool() }, fault.Unavailable, "証明書を確かめられません"},
		{"another name", mailtest.Config{TLS: other}, nil, func(r *Route) { r.Security, r.Roots = STARTTLS, otherPool }, fault.Unavailable, "別の名前"},
		{"expired", mailtest.Config{TLS: old}, nil, func(r *Route) { r.Security, r.Roots = STARTTLS, oldPool }, fault.Unavailable, "期限"},
		{"expired, TLS at once", mailtest.Config{TLS: old, Implicit: true}, nil, func(r *Route) { r.Security, r.Roots = TLS, oldPool }, fault.Unavailable, "期限"},
		{"signed by itself", mailtest.Config{TLS: right, Implicit: true}, nil, func(r *Route) { r.Security = TLS }, fault.Unavailable, "証明書を確かめられません"},
		{"no STARTTLS", mailtest.Config{}, nil, func(r *Route) { r.Security = STARTTLS }, fault.Unavailable, "STARTTLS)に対応していません"},
		{"TLS on a plain port", mailtest.Config{}, nil, func(r *Route) { r.Security = TLS }, fault.Unavailable, "暗号で話せません"},
		{"wrong password", mailtest.Config{TLS: right, Users: map[string]string{"u": "p"}}, nil,
			func(r *Route) { r.Security, r.Roots, r.Auth, r.User, r.Secret = STARTTLS, pool, Plain, "u", "x" }, fault.Denied, "サインインを断りました"},
		{"method not offered", mailtest.Config{TLS: right, Users: map[string]string{"u": "p"}, Methods: "CRAM-MD5"}, nil,
			func(r *Route) { r.Security, r.Roots, r.Auth, r.User, r.Secret = STARTTLS, pool, Plain, "u", "p" }, fault.Denied, "対応: CRAM-MD5"},
		{"password without encryption", mailtest.Config{Users: map[string]string{"u": "p"}}, nil,
			func(r *Route) { r.Auth, r.User, r.Secret = Plain, "u", "p" }, fault.Invalid, "暗号なしの接続ではサインインできません"},
		{"not a mail server", mailtest.Config{}, []mailtest.Rule{mailtest.Nth(mailtest.Banner, 1, mailtest.Act{Reply: "HTTP/1.1 400 Bad Request"})},
			func(*Route) {}, fault.Unavailable, "メールサーバのものではありません"},
		{"a banner without end", mailtest.Config{}, []mailtest.Rule{mailtest.Nth(mailtest.Banner, 1, mailtest.Act{Reply: strings.Repeat("z", 1<<20)})},
			func(*Route) {}, fault.Unavailable, "メールサーバのものではありません"},
		{"no banner", mailtest.Config{}, []mailtest.Rule{mailtest.Nth(mailtest.Banner, 1, quiet)}, func(*Route) {}, fault.Unavailable, "時間内に返事をしません"},
		{"turned away", mailtest.Config{}, []mailtest.Rule{mailtest.Nth(mailtest.Banner, 1, mailtest.Act{Reply: "554 5.7.1 not you", Cut: true})},
			func(*Route) {}, fault.Unavailable, "話を始めさせてくれません"},
		{"nobody there", mailtest.Config{}, nil, func(r *Route) { r.Port = closedPort(t) }, fault.Unavailable, "接続を断りました"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.StartWith(t, c.sink, c.rules...)
			r := route(s)
			c.route(&r)
			l, err := Open(t.Context(), r)
			if err == nil {
				l.Close()
				t.Fatal("it opened")
			}
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err, "ja"), c.ja) || fault.Sentence(err, "en") == "" {
				t.Errorf("kind %v: %s / %v", fault.KindOf(err), fault.Sentence(err, "ja"), err)
			}
			if r.Secret != "" && strings.Contains(err.Error(), r.Secret) && r.Secret != "x" && r.Secret != "p" {
				t.Error("the error has the password")
			}
			if c.name == "password without encryption" && s.Conns() != 0 {
				t.Error("it was tried")
			}
		})
	}
}

func closedPort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestSigningIn(t *testing.T) {
	config, pool := mailtest.Certificate(t, "127.0.0.1")
	for _, auth := range []Auth{Plain, Login, CRAMMD5, XOAUTH2} {
		for _, security := range []Security{STARTTLS, TLS} {
			t.Run(string(auth)+" "+string(security), func(t *testing.T) {
				s := mailtest.StartWith(t, mailtest.Config{TLS: config, Implicit: security == TLS, Users: map[string]string{"drill": "geheim 秘密"}})
				r := route(s)
				r.Security, r.Roots, r.Auth, r.User, r.Secret = security, pool, auth, "drill", "geheim 秘密"
				r.Token = func(_ context.Context, user string) (string, error) {
					return map[string]string{"drill": "geheim 秘密"}[user], nil
				}
				l := open(t, r)
				if r, _ := send(t, l, letter(1)); r.Outcome != Accepted {
					t.Fatalf("%+v", r)
				}
				if m := s.Messages()[0]; !m.TLS || m.User != "drill" {
					t.Errorf("came as %q, TLS %v", m.User, m.TLS)
				}
			})
		}
	}
}

func TestWhatTheServerCannotCarry(t *testing.T) {
	body := func(text string) []byte { return []byte("Subject: x\r\n\r\n" + text) }
	for _, c := range []struct {
		name string
		sink mailtest.Config
		mail Envelope
		want Outcome
		line string // that the server must have seen
	}{
		{"size", mailtest.Config{Size: 100}, Envelope{To: "a@b.test", Body: body(strings.Repeat("x", 90))}, Refused, ""},
		{"size is said", mailtest.Config{Size: 1000}, Envelope{To: "a@b.test", Body: body("x")}, Accepted, "MAIL FROM:<> SIZE=15"},
		{"8 bit", mailtest.Config{}, Envelope{To: "a@b.test", Body: body("日本")}, Accepted, "MAIL FROM:<> BODY=8BITMIME"},
		{"7 bit needs nothing", mailtest.Config{}, Envelope{To: "a@b.test", Body: body("x")}, Accepted, "MAIL FROM:<>"},
		{"no 8 bit", mailtest.Config{Seven: true}, Envelope{To: "a@b.test", Body: body("日本")}, Refused, ""},
		{"address", mailtest.Config{}, Envelope{To: "花子@b.test", Body: body("x")}, Accepted, "MAIL FROM:<> SMTPUTF8"},
		{"address that cannot be", mailtest.Config{Seven: true}, Envelope{To: "花子@b.test", Body: body("x")}, Refused, ""},
		{"Japanese domain", mailtest.Config{Seven: true}, Envelope{To: "a@病院.test", Body: body("x")}, Accepted, "RCPT TO:<a@xn--0rys90e.test>"},
		{"HELO only", mailtest.Config{Old: true}, Envelope{To: "a@b.test", Body: body("x")}, Accepted, "HELO kenshin.test"},
		{"long line", mailtest.Config{}, Envelope{To: "a@b.test", Body: body(strings.Repeat("x", 999))}, Refused, ""},
		{"longest line", mailtest.Config{}, Envelope{To: "a@b.test", Body: body(strings.Repeat("x", 998))}, Accepted, ""},
		{"smuggled mail", mailtest.Config{}, Envelope{To: "a@b.test", Body: body("x\n.\nMAIL FROM:<e@e.test>\r\n")}, Refused, ""},
		{"smuggled by CR", mailtest.Config{}, Envelope{To: "a@b.test", Body: body("x\r.\rQUIT\r\n")}, Refused, ""},
		{"command in the address", mailtest.Config{}, Envelope{To: "a@b.test>\r\nRCPT TO:<c@d.test", Body: body("x")}, Refused, ""},
		{"two addresses", mailtest.Config{}, Envelope{To: "a@b.test,c@d.test", Body: body("x")}, Refused, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.StartWith(t, c.sink)
			r, begun := send(t, open(t, route(s)), c.mail)
			lines := strings.Join(s.Lines(), "\n")
			if r.Outcome != c.want || begun != (c.want == Accepted) || c.line != "" && !strings.Contains(lines+"\n", c.line+"\n") {
				t.Errorf("%+v\n%s", r, lines)
			}
			if c.want == Refused && s.Count() != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestServersTextIsFitForAScreen(t *testing.T) {
	token := strings.Repeat("a2", 16)
	s := mailtest.Start(t, mailtest.Nth(mailtest.Dot, 1, mailtest.Act{Reply: "554-5.7.1 blocked\a\x1b[31m http://x.test/" + token + "\n554 5.7.1 \x83\x81" + strings.Repeat("長", 900)}))
	r, _ := send(t, open(t, route(s)), letter(1))
	all := r.Text + fault.Sentence(r.Err, "ja") + r.Err.Error()
	if strings.Contains(all, token) || strings.ContainsAny(all, "\a\x1b\n\r") || len([]rune(r.Text)) > maxText || !strings.HasPrefix(r.Text, "blocked") || r.Enhanced != "5.7.1" {
		t.Errorf("%+v", r)
	}
}

func TestCleanIsBounded(t *testing.T) {
	if got := hint(Result{}, "try again in 99999 hours"); got != maxRetry {
		t.Errorf("a server may stop us for %v", got)
	}
}

func FuzzRefusal(f *testing.F) {
	f.Add(451, "4.7.1 try again in 5 minutes\n4.7.1 bye")
	f.Add(550, "5.1.1")
	f.Fuzz(func(t *testing.T, code int, text string) {
		code = 400 + abs(code)%200
		for at := atHello; at <= atDot; at++ {
			r := refusal(at, "relay:25", code, text)
			if r.Outcome == Accepted || r.Err == nil || len([]rune(r.Text)) > maxText || strings.ContainsAny(r.Text, "\r\n\x00\x1b") || r.Retry < 0 || r.Retry > maxRetry {
				t.Errorf("%+v", r)
			}
			if (r.Outcome == Deferred) != (r.Retry > 0) {
				t.Errorf("%v with retry %v", r.Outcome, r.Retry)
			}
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// One connection to a relay on loopback; the drill needs 200 mails a second.
func BenchmarkSend(b *testing.B) {
	s := mailtest.StartWith(b, mailtest.Config{Discard: true})
	l, err := Open(b.Context(), route(s))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e := letter(1)
	e.Body = append(e.Body, bytes.Repeat([]byte(strings.Repeat("x", 76)+"\r\n"), 130)...) // 10 kB
	for b.Loop() {
		if r := l.Send(b.Context(), e, nothing); r.Outcome != Accepted {
			b.Fatalf("%+v", r)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add("a@b.test", []byte("Subject: x\r\n\r\nx\r\n"))
	f.Add("a@b.test>\r\nRCPT TO:<c@d.test", []byte("x\n.\n"))
	f.Add("花子@病院.test", []byte("x\r.\r"))
	f.Fuzz(func(t *testing.T, to string, b []byte) {
		e, err := Envelope{To: to, Body: b}.checked()
		if err != nil {
			return
		}
		if strings.ContainsAny(e.To, "\r\n\t <>") || strings.Count(e.To, "@") != 1 || !ascii(domainOf(e.To)) {
			t.Errorf("address %q", e.To)
		}
		bare := bytes.ReplaceAll(b, []byte("\r\n"), nil)
		if bytes.ContainsAny(bare, "\r\n\x00") {
			t.Errorf("body %q", b)
		}
	})
}
