// Package wire opens connections to mail servers with every wait bounded, and says in one sentence why one could not be opened.
package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kenshin/fault"
)

// Server is a mail server that a person has named.
type Server struct {
	Host  string
	Port  int
	Roots *x509.CertPool // nil: the machine's
}

// Where is HOST:PORT.
func (s Server) Where() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// TLS checks the server's certificate against its name.
func (s Server) TLS() *tls.Config {
	return &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12, RootCAs: s.Roots}
}

// Dial connects without TLS. The error is the cause: see Explain.
func (s Server) Dial(ctx context.Context, patience time.Duration) (*Conn, error) {
	return Dial(ctx, s.Where(), patience)
}

// Dial connects to HOST:PORT.
func Dial(ctx context.Context, where string, patience time.Duration) (*Conn, error) {
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", where)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

// ErrTooMuch is what reading gives after a server has sent more than it was allowed.
var ErrTooMuch = errors.New("the server sends more than this conversation needs")

// Conn reads no more than it was allowed to, and stops for a person within a second. TLS may run on top of it.
type Conn struct {
	net.Conn
	mu      sync.Mutex
	left    int64
	stopped bool
	grace   time.Duration
	until   time.Time // no deadline may be later, once stopped
}

// Allow begins a step of the conversation: at most so many bytes to read, at most so long.
func (c *Conn) Allow(bytes int64, patience time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = bytes
	until := time.Now().Add(patience)
	if c.stopped && until.After(c.until) {
		until = c.until
	}
	return c.Conn.SetDeadline(until)
}

// Grace is how long a step may still go on after Stop. It is 0 until an answer is waited for that nobody can ask for again.
func (c *Conn) Grace(d time.Duration) {
	c.mu.Lock()
	c.grace = d
	c.mu.Unlock()
}

// Stop ends what goes on, after the grace.
func (c *Conn) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped, c.until = true, time.Now().Add(c.grace)
	c.Conn.SetDeadline(c.until)
}

// Spent tells whether the server has sent all that it was allowed, after which nothing more can be read.
func (c *Conn) Spent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left <= 0
}

func (c *Conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	left := c.left
	c.mu.Unlock()
	if left <= 0 {
		return 0, ErrTooMuch
	}
	if int64(len(b)) > left {
		b = b[:left]
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	c.left -= int64(n)
	c.mu.Unlock()
	return n, err
}

// Explain gives the reason why a mail server could not be talked to its sentence. Faults stay as they are.
func Explain(where string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	say := func(ja, en string) error {
		return fault.Wrap(fault.Unavailable, err, "メールサーバ "+where+" "+ja, "The mail server "+where+" "+en)
	}
	var dns *net.DNSError
	switch {
	case isCertificate(err):
		return certificate(where, err)
	case errors.As(err, &dns):
		return say("の名前が見つかりません。名前の綴りと、この機械のDNSの設定を確かめてください。", "is a name that cannot be found. Check its spelling and the DNS settings of this machine.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("が接続を断りました。ポートの番号と、サーバが動いているかを確かめてください。", "refuses the connection. Check the port and whether the server runs.")
	case errors.Is(err, ErrTooMuch) || strings.Contains(err.Error(), "short response") || strings.Contains(err.Error(), "invalid response"):
		return say("の返事がメールサーバのものではありません。名前とポートを確かめてください。", "does not answer like a mail server. Check name and port.")
	case isTLS(err):
		return say("と暗号で話せません。暗号の種類(STARTTLSかTLS)とポートの組み合わせを確かめてください。", "cannot be talked to in TLS. Check that encryption (STARTTLS or TLS) and port fit.")
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return say("が時間内に返事をしません。ファイアウォールと、サーバの混み具合を確かめてください。", "does not answer in time. Check the firewall and the load of the server.")
	}
	return say("との接続が途中で切れました。しばらくして自動で試し直します。", "closed the connection. It is tried again later.")
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func isTLS(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return record || alert || strings.Contains(err.Error(), "tls: ")
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok || strings.Contains(err.Error(), "x509:")
}

func certificate(where string, err error) error {
	ja, en := "を確かめられません。院内の認証局なら、この機械にその証明書を入れてください。", "cannot be verified. If it is of your own CA, install that on this machine."
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		ja, en = "は別の名前のものです。証明書にある名前をサーバの名前として設定してください。", "is for another name. Set the server's name to one that is in the certificate."
	} else if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		ja, en = "は期限が切れています(またはこの機械の時計がずれています)。サーバの管理者に更新を頼んでください。", "has expired (or this machine's clock is wrong). Ask the server's administrator to renew it."
	}
	return fault.Wrap(fault.Unavailable, err, "メールサーバ "+where+" の証明書"+ja, "The certificate of the mail server "+where+" "+en)
}
