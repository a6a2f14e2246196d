package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/store"
)

// relay is a mail server on loopback that speaks as much of RFC 5321 as a client needs.
type relay struct {
	t     *testing.T
	l     net.Listener
	tls   *tls.Config
	start bool // TLS from the first byte
	plain bool // offers no STARTTLS
	say   func(command string) string

	mu    sync.Mutex
	mails []string
	auth  string
	clear []string // commands that came unencrypted
}

func newRelay(t *testing.T) (*relay, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, l: l, tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	t.Cleanup(func() { l.Close() })
	go r.serve()
	return r, pool
}

func (r *relay) serve() {
	for {
		c, err := r.l.Accept()
		if err != nil {
			return
		}
		go r.talk(c)
	}
}

func (r *relay) talk(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	secure := r.start
	if secure {
		c = tls.Server(c, r.tls)
	}
	in := bufio.NewReader(c)
	fmt.Fprintf(c, "220 relay ESMTP\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		r.mu.Lock()
		if !secure {
			r.clear = append(r.clear, line)
		}
		say := r.say
		r.mu.Unlock()
		if say != nil {
			if answer := say(line); answer != "" {
				fmt.Fprintf(c, "%s\r\n", answer)
				continue
			}
		}
		switch word := strings.ToUpper(strings.Fields(line + " ")[0]); word {
		case "EHLO", "HELO":
			fmt.Fprintf(c, "250-relay\r\n")
			if !secure && !r.plain {
				fmt.Fprintf(c, "250-STARTTLS\r\n")
			}
			if secure {
				fmt.Fprintf(c, "250-AUTH PLAIN\r\n")
			}
			fmt.Fprintf(c, "250 8BITMIME\r\n")
		case "STARTTLS":
			fmt.Fprintf(c, "220 go\r\n")
			s := tls.Server(c, r.tls)
			if s.Handshake() != nil {
				return
			}
			c, in, secure = s, bufio.NewReader(s), true
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(line[strings.LastIndex(line, " ")+1:])
			r.mu.Lock()
			r.auth = string(raw)
			r.mu.Unlock()
			if string(raw) != "\x00kenshin\x00secret words" {
				fmt.Fprintf(c, "535 5.7.8 no\r\n")
				continue
			}
			fmt.Fprintf(c, "235 yes\r\n")
		case "DATA":
			fmt.Fprintf(c, "354 go\r\n")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			r.mu.Lock()
			r.mails = append(r.mails, b.String())
			r.mu.Unlock()
			fmt.Fprintf(c, "250 taken\r\n")
		case "QUIT":
			fmt.Fprintf(c, "221 bye\r\n")
			return
		default:
			fmt.Fprintf(c, "250 ok\r\n")
		}
	}
}

func (r *relay) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.mails...)
}

func (r *relay) settings(pool *x509.CertPool) Relay {
	a, _ := r.l.Addr().(*net.TCPAddr)
	return Relay{Host: "127.0.0.1", Port: a.Port, Security: "starttls", User: "kenshin", Password: "secret words", From: "kenshin@hospital.example",
		To: []string{"it@hospital.example", "director@hospital.example"}, Roots: pool}
}

func TestSend(t *testing.T) {
	for _, security := range []string{"starttls", "tls"} {
		t.Run(security, func(t *testing.T) {
			r, pool := newRelay(t)
			r.start = security == "tls"
			s := r.settings(pool)
			s.Security = security
			if err := Send(t.Context(), s, Message{Subject: "見本病院\r\nBcc: x@evil.example 操作記録の封", Text: "記録は1284件です。\n.\n終わり"}); err != nil {
				t.Fatal(err)
			}
			mails := r.got()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			m, err := mail.ReadMessage(strings.NewReader(mails[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "見本病院 Bcc: x@evil.example 操作記録の封" || m.Header.Get("Bcc") != "" {
				t.Errorf("subject %q (%v), Bcc %q", subject, err, m.Header.Get("Bcc"))
			}
			if m.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Error("a holiday reply would come back")
			}
			for _, line := range r.clear {
				if word := strings.Fields(line)[0]; word != "EHLO" && word != "STARTTLS" {
					t.Errorf("sent in the clear: %s", line)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		change func(*relay, *Relay)
		kind   fault.Kind
	}{
		"wrong password":      {func(_ *relay, s *Relay) { s.Password = "other" }, fault.Denied},
		"unknown certificate": {func(_ *relay, s *Relay) { s.Roots = x509.NewCertPool() }, fault.Unavailable},
		"no STARTTLS":         {func(r *relay, _ *Relay) { r.plain = true }, fault.Unavailable},
		"nobody there":        {func(r *relay, _ *Relay) { r.l.Close() }, fault.Unavailable},
		"recipient refused": {func(r *relay, _ *Relay) {
			r.say = func(c string) string {
				if strings.HasPrefix(c, "RCPT") {
					return "550 5.1.1 no such person"
				}
				return ""
			}
		}, fault.Denied},
		"mailbox full": {func(r *relay, _ *Relay) {
			r.say = func(c string) string {
				if strings.HasPrefix(c, "RCPT") {
					return "452 4.2.2 full"
				}
				return ""
			}
		}, fault.Busy},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, pool := newRelay(t)
			s := r.settings(pool)
			c.change(r, &s)
			err := Send(t.Context(), s, Message{Subject: "s", Text: "t"})
			if fault.KindOf(err) != c.kind {
				t.Errorf("kind %v: %v", fault.KindOf(err), err)
			}
			if len(r.got()) != 0 {
				t.Error("the mail was taken")
			}
			for _, line := range r.clear {
				if strings.Contains(line, "AUTH") {
					t.Error("the password went out in the clear")
				}
			}
		})
	}
}

// A mail waits for a server that is away, and is sent once.
func TestJob(t *testing.T) {
	r, pool := newRelay(t)
	db := dbtest.SQLite(t)
	q, err := job.New(db, job.Settings{Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	away := true
	m := New(q, func(context.Context, facility.ID) (Relay, error) {
		mu.Lock()
		defer mu.Unlock()
		if away {
			away = false
			return Relay{}, errors.New("away")
		}
		return r.settings(pool), nil
	})
	q.Handle(kind, job.Options{MaxAttempts: tries, Backoff: func(int) time.Duration { return 10 * time.Millisecond }}, m.step)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer q.Stop(context.Background())
	var id job.RunID
	err = db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) (err error) {
		id, err = m.Enqueue(t.Context(), tx, Message{Subject: "s", Text: "t"}, "daily:2026-11-21")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		info, err := q.Get(t.Context(), dbtest.Facility, id)
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Over() {
			if info.State != job.Finished {
				t.Fatalf("%s: %s", info.State, info.Error.En)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %s", info.State)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := len(r.got()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestWait(t *testing.T) {
	total := time.Duration(0)
	for i := 1; i < tries; i++ {
		w := wait(i)
		if w < time.Minute || w > time.Hour {
			t.Fatalf("wait(%d) = %v", i, w)
		}
		total += w
	}
	if total < 60*time.Hour {
		t.Errorf("a mail is given up after %v: a weekend is longer", total)
	}
}
