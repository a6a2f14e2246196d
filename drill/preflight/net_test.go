package preflight

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"kenshin/drill/internal/dnstest"
)

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "試験病院CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	a := &authority{cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) issue(t *testing.T, name string, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	parent, signer := a.cert, a.key
	if a.cert == nil { // self-signed
		parent, signer = tpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// world sends every connection to one loopback port.
func world(t *testing.T, to string, roots *x509.CertPool) World {
	s := dnstest.Start(t, `drill.example.jp. 60 IN A 127.0.0.1`)
	return World{Resolver: s.Resolver(), Roots: roots, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if to == "" {
			return nil, errors.New("connection refused")
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}}
}

func one(t *testing.T, w World, s Setup, id string) Outcome {
	t.Helper()
	out := Run(context.Background(), w, s, id)
	if len(out) != 1 {
		t.Fatal(out)
	}
	return out[0]
}

func TestLandingCertificate(t *testing.T) {
	ca, own := newAuthority(t), newAuthority(t)
	now := time.Now()
	year := now.Add(365 * 24 * time.Hour)
	for name, c := range map[string]struct {
		cert tls.Certificate
		want State
		says string
	}{
		"good":         {ca.issue(t, "drill.example.jp", now.Add(-time.Hour), year), OK, "正しく"},
		"soon over":    {ca.issue(t, "drill.example.jp", now.Add(-time.Hour), now.Add(100*time.Hour)), Warn, "4日"},
		"expired":      {ca.issue(t, "drill.example.jp", now.Add(-2*time.Hour), now.Add(-time.Hour)), Bad, "期限が切れて"},
		"not yet":      {ca.issue(t, "drill.example.jp", now.Add(time.Hour), year), Bad, "まだ有効"},
		"another name": {ca.issue(t, "www.example.jp", now.Add(-time.Hour), year), Bad, "名前が"},
		"own CA":       {own.issue(t, "drill.example.jp", now.Add(-time.Hour), year), Warn, "院内の認証局(試験病院)"},
		"stranger's":   {newAuthority(t).issue(t, "drill.example.jp", now.Add(-time.Hour), year), Bad, "信頼されていない"},
		"self-signed":  {(&authority{}).issue(t, "drill.example.jp", now.Add(-time.Hour), year), Bad, "自己署名"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}}
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			defer srv.Close()
			s := setup()
			s.Landing = Landing{URL: "https://drill.example.jp/", OwnCA: own.pool, OwnName: "試験病院"}
			o := one(t, world(t, srv.Listener.Addr().String(), ca.pool), s, "landing-tls")
			if o.State != c.want || !strings.Contains(o.Says.Ja, c.says) {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
		})
	}
	s := setup()
	s.Landing.URL = "http://drill.example.jp/"
	if o := one(t, world(t, "", nil), s, "landing-tls"); o.State != Bad {
		t.Errorf("without TLS: %+v", o)
	}
	s.Landing.URL = "https://drill.example.jp/"
	if o := one(t, world(t, "", nil), s, "landing-tls"); o.State != Bad || !strings.Contains(o.Says.Ja, "443") {
		t.Errorf("nobody listens: %+v", o)
	}
}

func TestLandingPage(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, "drill.example.jp", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))
	var asked string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /t/verify", func(w http.ResponseWriter, r *http.Request) {
		asked = r.Host + r.URL.Path
		fmt.Fprint(w, "<html>", strings.Repeat("x", 100_000), "この訓練について kenshin-verify</html>")
	})
	mux.HandleFunc("GET /block/verify", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "このサイトは閲覧できません") })
	mux.HandleFunc("GET /away/verify", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://login.example.jp/", http.StatusFound)
	})
	srv := httptest.NewUnstartedServer(mux)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.StartTLS()
	defer srv.Close()
	for path, want := range map[string]State{"/t/": OK, "/t": OK, "/block": Bad, "/away": Bad, "/none": Bad} {
		s := setup()
		s.Landing = Landing{URL: "https://drill.example.jp" + path, Sign: "kenshin-verify"}
		if o := one(t, world(t, srv.Listener.Addr().String(), ca.pool), s, "landing-page"); o.State != want {
			t.Errorf("%s: %s %s %+v", path, o.State, o.Says.Ja, o.Facts)
		}
	}
	if asked != "drill.example.jp/t/verify" {
		t.Errorf("asked for %s", asked)
	}
	plain := httptest.NewServer(mux)
	defer plain.Close()
	s := setup()
	s.Landing = Landing{URL: "http://drill.example.jp/t/"}
	if o := one(t, world(t, plain.Listener.Addr().String(), nil), s, "landing-page"); o.State != OK {
		t.Errorf("without TLS the page answers all the same: %+v", o)
	}
	for _, u := range []string{"", "drill.example.jp", "ftp://drill.example.jp/", "https://user@drill.example.jp/", "https:///x", "://"} {
		s.Landing.URL = u
		for _, id := range []string{"landing-name", "landing-tls", "landing-page"} {
			if o := one(t, world(t, "", nil), s, id); o.State != Bad {
				t.Errorf("%q %s: %+v", u, id, o)
			}
		}
	}
}

func TestLandingThatIsNoWebServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answers := []string{"220 mail.example.jp ESMTP\r\n", "", "HTTP/1.1 99999 x\r\n\r\n", "HTTP/1.1 200 OK\r\nno end", "HTTP/1.1 abc\r\n\r\n"}
	go func() {
		for _, a := range answers {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, a)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	s := setup()
	s.Landing = Landing{URL: "http://drill.example.jp/", Sign: "x"}
	for _, a := range answers {
		if o := one(t, world(t, l.Addr().String(), nil), s, "landing-page"); o.State != Bad {
			t.Errorf("%q: %+v", a, o)
		}
	}
}

func TestLandingName(t *testing.T) {
	for u, want := range map[string]State{"https://drill.example.jp/": OK, "https://nowhere.example.jp/": Bad, "https://192.0.2.1/": Warn} {
		s := setup()
		s.Landing.URL = u
		if o := one(t, world(t, "", nil), s, "landing-name"); o.State != want {
			t.Errorf("%s: %+v", u, o)
		}
	}
}

// backend takes no mail: the preflight may not send any.
type backend struct{ t *testing.T }

func (b backend) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b backend) Mail(string, *smtp.MailOptions) error        { b.t.Error("MAIL was sent"); return nil }
func (b backend) Rcpt(string, *smtp.RcptOptions) error        { b.t.Error("RCPT was sent"); return nil }
func (b backend) Data(io.Reader) error                        { b.t.Error("DATA was sent"); return nil }
func (b backend) Reset()                                      {}
func (b backend) Logout() error                               { return nil }

func relay(t *testing.T, conf *tls.Config, implicit bool) string {
	t.Helper()
	srv := smtp.NewServer(backend{t})
	srv.Domain, srv.TLSConfig, srv.ErrorLog = "relay.example.jp", conf, quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if implicit {
		l = tls.NewListener(l, conf)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return addr
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestRelay(t *testing.T) {
	ca := newAuthority(t)
	good := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "relay.example.jp", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))}}
	wrong := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "mail.example.jp", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))}}
	for name, c := range map[string]struct {
		addr      string
		mode      Security
		own       *x509.CertPool
		relay, by State
	}{
		"starttls":         {relay(t, good, false), STARTTLS, ca.pool, OK, OK},
		"tls from start":   {relay(t, good, true), Implicit, ca.pool, OK, OK},
		"unknown CA":       {relay(t, good, false), STARTTLS, nil, OK, Bad},
		"another name":     {relay(t, wrong, false), STARTTLS, ca.pool, OK, Bad},
		"no starttls":      {relay(t, nil, false), STARTTLS, ca.pool, OK, Bad},
		"plain":            {relay(t, nil, false), Plain, nil, OK, Warn},
		"down":             {"", STARTTLS, nil, Bad, Unknown},
		"plain, asked tls": {relay(t, nil, false), Implicit, nil, Bad, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup()
			s.Relay = &Relay{Host: "relay.example.jp", Port: 25, Security: c.mode, OwnCA: c.own}
			w := world(t, c.addr, x509.NewCertPool())
			if o := one(t, w, s, "relay"); o.State != c.relay {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
			if o := one(t, w, s, "relay-tls"); o.State != c.by {
				t.Errorf("%s %s %+v", o.State, o.Says.Ja, o.Facts)
			}
		})
	}
	if o := one(t, world(t, "", nil), setup(), "relay"); o.State != OK {
		t.Errorf("no relay is used: %+v", o)
	}
}

func TestClock(t *testing.T) {
	now := time.Now()
	reading := func(c ClockReading, err error) func() (ClockReading, error) {
		return func() (ClockReading, error) { return c, err }
	}
	for name, c := range map[string]struct {
		clock func() (ClockReading, error)
		last  time.Time
		want  State
	}{
		"kept":     {reading(ClockReading{Synchronised: true, MaxError: time.Millisecond}, nil), now, OK},
		"free":     {reading(ClockReading{}, nil), now, Warn},
		"drifting": {reading(ClockReading{Synchronised: true, MaxError: 9 * time.Second}, nil), now, Warn},
		"no idea":  {nil, now, Unknown},
		"error":    {reading(ClockReading{}, errors.New("not permitted")), now, Unknown},
		"behind":   {reading(ClockReading{Synchronised: true}, nil), now.Add(time.Hour), Bad},
	} {
		s := setup()
		s.LastEvent = c.last
		w := world(t, "", nil)
		w.Clock = c.clock
		if o := one(t, w, s, "clock"); o.State != c.want {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if c, err := SystemClock(); err == nil && c.Source != "kernel" {
		t.Errorf("%+v", c)
	}
}
