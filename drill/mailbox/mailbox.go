// Package mailbox reads a mailbox over IMAP while mails come. Nothing in it is ever deleted: a mail that was taken stays as it is, or is marked
// as read or moved where the configuration says so.
package mailbox

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"kenshin/drill/internal/wire"
	"kenshin/fault"
)

// Config is a mailbox that an administrator has named. A connection without encryption does not exist: a mailbox always wants a password.
type Config struct {
	Host     string
	Port     int  // 0: 993, or 143 with STARTTLS
	STARTTLS bool // else TLS from the first byte
	User     string
	Secret   string
	Token    func(ctx context.Context, user string) (string, error) // XOAUTH2 instead of Secret: see package bearer
	Folder   string                                                 // "": INBOX
	Roots    *x509.CertPool                                         // nil: the machine's

	Since  time.Time     // mails that the server got before are passed over unread; zero: none are
	After  After         // what becomes of a mail that was delivered
	MoveTo string        // the folder, with Move
	Turns  chan struct{} // holds a place while a mail is in memory, so that many mailboxes do not fill it; nil: no limit

	Limit   int64         // bytes of a mail that are read, 0: 50 MB; of a larger one only the head
	Poll    time.Duration // between looks where the server cannot tell of new mail (IDLE), 0: 1 min
	Idle    time.Duration // after which we look all the same, 0: 5 min
	Wait    time.Duration // for one answer, 0: 60 s
	Trouble func(error)   // told why a connection was lost (package fault) before it is tried again, and nil once it works; may be nil
}

// After is what becomes of a mail once its delivery is durable.
type After string

// What may become of it. It is never deleted.
const (
	Leave After = ""
	Mark  After = "mark" // as read
	Move  After = "move" // into another folder, by MOVE (RFC 6851) alone
)

// Cursor is how far a mailbox was read. The zero value is its beginning.
type Cursor struct {
	UIDValidity uint32 // when it changes, the server has renumbered: everything is read again (RFC 3501 section 2.3.1.1)
	UID         uint32 // the last mail that was read
}

// Mail is one mail as the server has it.
type Mail struct {
	UID      uint32
	Size     int64     // as the server says
	Received time.Time // by the server
	Raw      []byte    // the whole mail, or its head when TooLarge
	TooLarge bool
}

const (
	defaultLimit = 50 << 20
	headLimit    = 1 << 20
)

func (c *Config) fill() {
	if c.Port == 0 {
		c.Port = 993
		if c.STARTTLS {
			c.Port = 143
		}
	}
	if c.Folder == "" {
		c.Folder = "INBOX"
	}
	if c.Limit <= 0 {
		c.Limit = defaultLimit
	}
	for _, d := range []struct {
		of       *time.Duration
		ordinary time.Duration
	}{{&c.Poll, time.Minute}, {&c.Idle, 5 * time.Minute}, {&c.Wait, time.Minute}} {
		if *d.of <= 0 {
			*d.of = d.ordinary
		}
	}
	if c.Trouble == nil {
		c.Trouble = func(error) {}
	}
}

// failure is an error of deliver, which is not ours to explain.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Watch gives every mail after the cursor to deliver, oldest first, and then each new one, until ctx ends, deliver fails or a person has to
// change something (Denied, NotFound, Invalid). deliver makes the mail and the cursor durable together: a mail whose delivery failed comes
// again. After UIDValidity has changed, mails come that were delivered before; the caller knows them by their Message-ID.
func Watch(ctx context.Context, c Config, from Cursor, deliver func(Cursor, Mail) error) error {
	c.fill()
	w := &watch{config: c, at: from, last: from.UID, deliver: deliver, heavy: map[uint32]int{}}
	for pause := first; ; pause = min(2*pause, longest) {
		err := w.run(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f, ok := errors.AsType[failure](err); ok {
			return f.error
		}
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
			return err
		}
		if w.worked {
			pause, w.worked = first, false
		}
		c.Trouble(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

const (
	first   = 2 * time.Second
	longest = 5 * time.Minute
)

// watch is one mailbox being read.
type watch struct {
	config  Config
	at      Cursor
	last    uint32 // the last mail that was delivered; what became of it may be unfinished
	deliver func(Cursor, Mail) error
	heavy   map[uint32]int // mails that turned out larger than the server said: 1 read the head, 2 not even that
	worked  bool           // the last connection got as far as the mailbox
}

func (w *watch) run(ctx context.Context) error {
	s, err := connect(ctx, w.config)
	if err != nil {
		return err
	}
	defer s.close()
	box, err := s.enter(w.config.Folder, w.config.After)
	if err != nil {
		return err
	}
	if box.UidValidity != w.at.UIDValidity {
		w.at, w.last = Cursor{UIDValidity: box.UidValidity}, 0
	}
	if err := s.settle(w.last, w.config.After, w.config.MoveTo); err != nil { // whoever was killed between delivery and mark
		return err
	}
	w.worked = true
	w.config.Trouble(nil)
	for {
		if err := w.catchUp(ctx, s); err != nil {
			return err
		}
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
}

// catchUp delivers what lies behind the cursor.
func (w *watch) catchUp(ctx context.Context, s *session) error {
	found, err := s.after(w.at.UID)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.received.Before(w.config.Since) {
			if err := w.one(ctx, s, f); err != nil {
				return err
			}
		}
		w.at = Cursor{UIDValidity: w.at.UIDValidity, UID: f.uid}
	}
	return nil
}

// one reads a mail, delivers it, and does with it what the configuration says.
func (w *watch) one(ctx context.Context, s *session, f entry) error {
	if w.config.Turns != nil {
		select {
		case w.config.Turns <- struct{}{}:
			defer func() { <-w.config.Turns }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m, err := w.fetch(s, f)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if m == nil { // somebody has deleted it meanwhile
		return nil
	}
	next := Cursor{UIDValidity: w.at.UIDValidity, UID: f.uid}
	if err := w.deliver(next, *m); err != nil {
		return failure{err}
	}
	w.at, w.last = next, f.uid
	return s.settle(f.uid, w.config.After, w.config.MoveTo)
}

// fetch reads a mail as far as the limit allows. When the server sends more than it said, the connection is lost, and the next one is content
// with less.
func (w *watch) fetch(s *session, f entry) (*Mail, error) {
	if f.size > w.config.Limit {
		w.heavy[f.uid] = max(w.heavy[f.uid], 1)
	}
	var m *Mail
	var err error
	switch w.heavy[f.uid] {
	case 0:
		m, err = s.fetch(f.uid, false, w.config.Limit)
	case 1:
		m, err = s.fetch(f.uid, true, headLimit)
	default:
		m = &Mail{UID: f.uid, Size: f.size, Received: f.received}
	}
	if err != nil {
		if s.tooMuch() {
			w.heavy[f.uid]++
		}
		return nil, err
	}
	if m != nil {
		m.TooLarge = w.heavy[f.uid] > 0
	}
	delete(w.heavy, f.uid)
	return m, nil
}

// State is what a mailbox looked like.
type State struct {
	Messages int
	Since    int       // of these received since Config.Since
	Newest   time.Time // when the server got the last one; zero: the folder is empty
	Idle     bool      // the server tells of new mail by itself
}

// Look signs in and tells what is there, without changing anything. It finds all that would stop Watch.
func Look(ctx context.Context, c Config) (State, error) {
	state, _, err := look(ctx, c)
	return state, err
}

// Newest is the cursor behind the last mail: Watch from there gives only what comes later. It also tells whether a configuration works.
func Newest(ctx context.Context, c Config) (Cursor, error) {
	_, at, err := look(ctx, c)
	return at, err
}

func look(ctx context.Context, c Config) (state State, at Cursor, err error) {
	c.fill()
	s, err := connect(ctx, c)
	if err != nil {
		return state, at, err
	}
	defer s.close()
	box, err := s.enter(c.Folder, Leave)
	if err != nil {
		return state, at, err
	}
	at.UIDValidity = box.UidValidity
	found, err := s.after(0)
	if err != nil {
		return state, at, err
	}
	if n := len(found); n > 0 {
		at.UID = found[n-1].uid
	}
	state.Messages = len(found)
	for _, f := range found {
		if !f.received.Before(c.Since) {
			state.Since++
		}
		if f.received.After(state.Newest) {
			state.Newest = f.received
		}
	}
	if state.Idle, err = s.client.Support("IDLE"); err != nil {
		return state, at, wire.Explain(s.where, err)
	}
	if c.After != Leave {
		_, err = s.enter(c.Folder, c.After)
	}
	return state, at, err
}
