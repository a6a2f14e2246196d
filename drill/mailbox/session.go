package mailbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap"
	"github.com/emersion/go-imap/client"
	"github.com/emersion/go-sasl"

	"kenshin/drill/internal/plain"
	"kenshin/drill/internal/wire"
	"kenshin/fault"
)

const (
	talk     = 1 << 20  // bytes of an ordinary answer
	listing  = 64 << 20 // of a mailbox with a million mails
	perMail  = 64 << 10 // what surrounds a mail
	maxNames = 500
	slowest  = 128 << 10 // bytes a second of a line that is still waited for
)

// session is one signed-in connection.
type session struct {
	config Config
	where  string
	conn   *wire.Conn
	client *client.Client
	news   chan struct{} // something has changed
	stop   func() bool
}

// entry is a mail in the list.
type entry struct {
	uid      uint32
	size     int64
	received time.Time
}

func connect(ctx context.Context, c Config) (*session, error) {
	server := wire.Server{Host: c.Host, Port: c.Port, Roots: c.Roots}
	conn, err := server.Dial(ctx, min(c.Wait, 15*time.Second))
	if err != nil {
		return nil, wire.Explain(server.Where(), err)
	}
	s := &session{config: c, where: server.Where(), conn: conn, news: make(chan struct{}, 1)}
	s.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := s.begin(ctx, server); err != nil {
		s.close()
		return nil, wire.Explain(s.where, err)
	}
	return s, nil
}

func (s *session) begin(ctx context.Context, server wire.Server) error {
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return err
	}
	var err error
	if s.config.STARTTLS {
		s.client, err = client.New(s.conn)
	} else {
		t := tls.Client(s.conn, server.TLS())
		if err := t.HandshakeContext(ctx); err != nil {
			return err
		}
		s.client, err = client.New(t)
	}
	if err != nil {
		return err
	}
	s.client.ErrorLog = log.New(io.Discard, "", 0) // what matters comes back as an error
	s.client.Timeout = s.config.Wait
	updates := make(chan client.Update, 16)
	s.client.Updates = updates
	go s.listen(updates, s.client.LoggedOut())
	if s.config.STARTTLS {
		if ok, err := s.client.SupportStartTLS(); err != nil {
			return err
		} else if !ok {
			return fault.New(fault.Unavailable, "メールサーバ "+s.where+" は暗号(STARTTLS)に対応していません。TLS(ポート993)を選んでください。",
				"The mail server "+s.where+" does not offer STARTTLS. Choose TLS (port 993).")
		}
		if err := s.client.StartTLS(server.TLS()); err != nil {
			return err
		}
	}
	return s.signIn(ctx)
}

// listen turns what the server says unasked into one word; it must never block.
func (s *session) listen(updates <-chan client.Update, end <-chan struct{}) {
	for {
		select {
		case u := <-updates:
			if _, ok := u.(*client.MailboxUpdate); ok {
				select {
				case s.news <- struct{}{}:
				default:
				}
			}
		case <-end:
			return
		}
	}
}

// xoauth2 is Microsoft's and Google's way to show a token; an answer to it is a refusal, which wants an empty line.
type xoauth2 struct{ user, token string }

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

func (x xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }

func (s *session) signIn(ctx context.Context) error {
	var err error
	switch plainOK, _ := s.client.SupportAuth(sasl.Plain); {
	case s.config.Token != nil:
		token, e := s.config.Token(ctx, s.config.User)
		if e != nil {
			return e
		}
		err = s.client.Authenticate(xoauth2{s.config.User, token})
	case plainOK: // LOGIN cannot carry every password
		err = s.client.Authenticate(sasl.NewPlainClient("", s.config.User, s.config.Secret))
	default:
		err = s.client.Login(s.config.User, s.config.Secret)
	}
	switch {
	case err == nil:
		return nil
	case s.client.State() == imap.LogoutState || isNetwork(err):
		return err
	case passing.MatchString(err.Error()):
		return fault.Wrap(fault.Busy, err, "メールサーバ "+s.where+" が今はサインインを受け付けません。あとで自動で試し直します。", "The mail server "+s.where+" takes no sign-in now. It is tried again later.")
	}
	return fault.Wrap(fault.Denied, errors.New(plain.Words(err.Error(), 200)), "メールサーバ "+s.where+" がメールボックスへのサインインを断りました。名前とパスワード(またはトークン)を確かめてください。",
		"The mail server "+s.where+" refused the sign-in to the mailbox. Check user and password (or token).")
}

// passing knows a refusal that is not about the password. The library drops the code (RFC 5530) that would say so, the words remain.
var passing = regexp.MustCompile(`(?i)temporar|unavailable|try again|too many|later|busy`)

func isNetwork(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, wire.ErrTooMuch) || strings.Contains(err.Error(), "connection closed") || strings.Contains(err.Error(), "i/o timeout")
}

// close ends the connection; there is nothing to say goodbye to that a closed connection does not say.
func (s *session) close() {
	s.stop()
	s.conn.Close()
}

// tooMuch tells whether the server has sent more than it was allowed.
func (s *session) tooMuch() bool { return s.conn.Spent() }

// after lists the mails with a higher UID, oldest first.
func (s *session) after(uid uint32) ([]entry, error) {
	if uid == ^uint32(0) {
		return nil, nil
	}
	var set imap.SeqSet
	set.AddRange(uid+1, 0) // 0 is *, which names the last mail even when its UID is lower
	var found []entry
	err := s.query(&set, listing, []imap.FetchItem{imap.FetchUid, imap.FetchRFC822Size, imap.FetchInternalDate}, func(m *imap.Message) {
		if m.Uid > uid {
			found = append(found, entry{m.Uid, int64(m.Size), m.InternalDate})
		}
	})
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(a.uid, b.uid) })
	return slices.CompactFunc(found, func(a, b entry) bool { return a.uid == b.uid }), err
}

// fetch reads one mail without marking it, nil if it is gone.
func (s *session) fetch(uid uint32, headOnly bool, limit int64) (*Mail, error) {
	section := &imap.BodySectionName{Peek: true}
	if headOnly {
		section.Specifier = imap.HeaderSpecifier
	}
	var set imap.SeqSet
	set.AddNum(uid)
	var mail *Mail
	err := s.query(&set, limit+perMail, []imap.FetchItem{imap.FetchUid, imap.FetchRFC822Size, imap.FetchInternalDate, section.FetchItem()}, func(m *imap.Message) {
		body := m.GetBody(section)
		if m.Uid != uid || body == nil { // somebody else's change of flags
			return
		}
		raw, err := io.ReadAll(body)
		if err == nil {
			mail = &Mail{UID: uid, Size: int64(m.Size), Received: m.InternalDate, Raw: raw}
		}
	})
	return mail, err
}

func (s *session) query(set *imap.SeqSet, bytes int64, items []imap.FetchItem, each func(*imap.Message)) error {
	patience := s.config.Wait + time.Duration(bytes/slowest)*time.Second
	if err := s.conn.Allow(bytes, patience); err != nil {
		return wire.Explain(s.where, err)
	}
	s.client.Timeout = patience
	defer func() { s.client.Timeout = s.config.Wait }()
	found := make(chan *imap.Message, 16)
	done := make(chan error, 1)
	go func() { done <- s.client.UidFetch(set, items, found) }()
	for m := range found {
		each(m)
	}
	if err := <-done; err != nil {
		return wire.Explain(s.where, err)
	}
	return nil
}

// wait returns when there may be new mail.
func (s *session) wait(ctx context.Context) error {
	if ok, err := s.client.Support("IDLE"); err != nil {
		return wire.Explain(s.where, err)
	} else if !ok {
		return s.poll(ctx)
	}
	if err := s.conn.Allow(talk, s.config.Idle+s.config.Wait); err != nil {
		return wire.Explain(s.where, err)
	}
	s.client.Timeout = s.config.Idle + s.config.Wait
	defer func() { s.client.Timeout = s.config.Wait }()
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.client.Idle(stop, &client.IdleOptions{LogoutTimeout: -1}) }()
	end := time.NewTimer(s.config.Idle)
	defer end.Stop()
	var err error
	select {
	case <-s.news:
		close(stop)
		err = <-done
	case <-end.C:
		close(stop)
		err = <-done
	case err = <-done:
		close(stop)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return wire.Explain(s.where, err)
	}
	return nil
}

func (s *session) poll(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.client.LoggedOut():
	case <-time.After(s.config.Poll):
	}
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return wire.Explain(s.where, err)
	}
	if err := s.client.Noop(); err != nil {
		return wire.Explain(s.where, err)
	}
	return nil
}
