package outside

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"

	"kenshin/drill"
	"kenshin/facility"
)

// Limits of the mail intake. Mails are read into memory one by one: what waits is told to come again.
const (
	maxMail     = 50 << 20
	maxCallers  = 32 // connections at once
	maxFromOne  = 8  // of these from one address
	maxRcpt     = 10
	readAtOnce  = 2
	waitForTurn = 20 * time.Second
)

// Reports takes what arrives; a drill.Book is one.
type Reports interface {
	Takes(ctx context.Context, f facility.ID, address string) (bool, error)
	TakeReport(ctx context.Context, f facility.ID, raw []byte, e drill.Envelope) (drill.Incoming, error)
}

// Intake is the mail server for reports and for what comes back. It takes mail for the facilities' own addresses and for no other: it relays nothing.
type Intake struct {
	Reports Reports
	Houses  func(ctx context.Context) ([]facility.ID, error)
	Name    string      // in its greeting
	TLS     *tls.Config // nil: no STARTTLS
	Log     *slog.Logger

	mu    sync.Mutex
	from  map[string]int
	turns chan struct{}
}

// Server returns the SMTP server; Serve(Limit(listener)) runs it.
func (i *Intake) Server() *smtp.Server {
	i.from, i.turns = map[string]int{}, make(chan struct{}, readAtOnce)
	s := smtp.NewServer(i)
	s.Domain, s.TLSConfig = i.Name, i.TLS
	s.MaxMessageBytes, s.MaxRecipients, s.MaxLineLength = maxMail, maxRcpt, 256<<10
	s.ReadTimeout, s.WriteTimeout = 2*time.Minute, time.Minute
	s.ErrorLog = slog.NewLogLogger(i.Log.Handler(), slog.LevelDebug)
	return s
}

// Limit bounds the connections of a listener.
func Limit(l net.Listener) net.Listener { return netutil.LimitListener(l, maxCallers) }

func said(code int, class, detail, subject int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, detail, subject}, Message: text}
}

// NewSession begins a connection.
func (i *Intake) NewSession(c *smtp.Conn) (smtp.Session, error) {
	peer, _, err := net.SplitHostPort(c.Conn().RemoteAddr().String())
	if err != nil {
		peer = c.Conn().RemoteAddr().String()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.from[peer] >= maxFromOne {
		return nil, said(421, 4, 7, 0, "Too many connections from your address, try again later")
	}
	i.from[peer]++
	return &letterbox{i: i, peer: peer}, nil
}

// letterbox is one connection.
type letterbox struct {
	i    *Intake
	peer string
	from string
	to   []addressee
	gone sync.Once
}

type addressee struct {
	house   facility.ID
	address string
}

// Mail notes the envelope's sender; anybody may write, bounces have none.
func (s *letterbox) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt accepts the facilities' own addresses only.
func (s *letterbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	houses, err := s.i.Houses(ctx)
	for _, h := range houses {
		var ours bool
		if ours, err = s.i.Reports.Takes(ctx, h, to); err == nil && ours {
			s.to = append(s.to, addressee{h, to})
			return nil
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		s.i.Log.Error("the addresses for reports cannot be read", "error", err)
		return said(451, 4, 3, 0, "Temporarily unavailable, try again later")
	}
	return said(550, 5, 7, 1, "Only reports of suspicious mails are taken here, nothing is relayed")
}

// Data reads a mail; its 250 is given after everything that follows from it is durable.
func (s *letterbox) Data(r io.Reader) error {
	turn := time.NewTimer(waitForTurn)
	defer turn.Stop()
	select {
	case s.i.turns <- struct{}{}:
		defer func() { <-s.i.turns }()
	case <-turn.C:
		return said(451, 4, 3, 2, "Busy, try again later")
	}
	raw, err := io.ReadAll(r)
	if errors.Is(err, smtp.ErrDataTooLarge) {
		return said(552, 5, 3, 4, "The mail is larger than 50 MB: forward it without its attachments, or call the contact")
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, a := range s.to { // one failure: the whole mail comes again, and what was taken counts once
		if _, err := s.i.Reports.TakeReport(ctx, a.house, raw, drill.Envelope{Via: drill.ViaSMTP, Peer: s.peer, From: s.from, To: a.address}); err != nil {
			s.i.Log.Error("a report could not be kept", "facility", a.house, "error", err)
			return said(451, 4, 3, 0, "Temporarily unavailable, try again later")
		}
	}
	return nil
}

// Reset forgets the envelope.
func (s *letterbox) Reset() { s.from, s.to = "", nil }

// Logout ends the connection.
func (s *letterbox) Logout() error {
	s.gone.Do(func() {
		s.i.mu.Lock()
		defer s.i.mu.Unlock()
		if s.i.from[s.peer]--; s.i.from[s.peer] <= 0 {
			delete(s.i.from, s.peer)
		}
	})
	return nil
}
