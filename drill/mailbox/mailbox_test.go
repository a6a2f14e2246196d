package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/internal/mailtest"
)

func config(s *mailtest.Server, user string) Config {
	return Config{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: user + "@hospital.test", Secret: mailtest.Password, Roots: s.Roots, Wait: 20 * time.Second}
}

// One server for all, with a mailbox for each.
func TestWithDovecot(t *testing.T) {
	cases := []struct {
		name string
		run  func(*testing.T, *mailtest.Server, string)
	}{
		{"mailsComeAsTheyArrive", mailsComeAsTheyArrive},
		{"deliveryThatFailsComesAgain", deliveryThatFailsComesAgain},
		{"renumberedMailboxIsReadAgain", renumberedMailboxIsReadAgain},
		{"serverThatRestarts", serverThatRestarts},
		{"largeMailComesAsItsHead", largeMailComesAsItsHead},
		{"newestSkipsWhatIsThere", newestSkipsWhatIsThere},
		{"findSaysWhereAMailLanded", findSaysWhereAMailLanded},
		{"whatAPersonMustChange", whatAPersonMustChange},
		{"manyMailsInOrder", manyMailsInOrder},
		{"takenMailsAreMarkedOrMoved", takenMailsAreMarkedOrMoved},
		{"polling", polling}, // the last, because it changes the server
	}
	var users []string
	for _, c := range cases {
		users = append(users, strings.ToLower(c.name))
	}
	s := mailtest.Real(t, users)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, s, users[i]) })
	}
}

func message(n int) []byte {
	return fmt.Appendf(nil, "From: staff@hospital.test\r\nMessage-ID: <r%d@hospital.test>\r\nSubject: report %d\r\n\r\nbody %d\r\n", n, n, n)
}

// reader collects what a watch delivers.
type reader struct {
	mu    sync.Mutex
	at    Cursor
	mails []Mail
	fail  error
	came  chan Mail
}

func newReader() *reader { return &reader{came: make(chan Mail, 100)} }

func (r *reader) deliver(c Cursor, m Mail) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.at, r.mails = c, append(r.mails, m)
	r.came <- m
	return nil
}

func (r *reader) next(t *testing.T) Mail {
	t.Helper()
	select {
	case m := <-r.came:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
		return Mail{}
	}
}

// watching runs Watch until the returned function is called, which gives its error.
func watching(t *testing.T, c Config, from Cursor, r *reader) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Watch(ctx, c, from, r.deliver) }()
	return sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(time.Second):
			return errors.New("it did not stop within a second")
		}
	})
}

func mailsComeAsTheyArrive(t *testing.T, s *mailtest.Server, user string) {
	for _, starttls := range []bool{false, true} {
		t.Run(fmt.Sprintf("STARTTLS %v", starttls), func(t *testing.T) {
			s.Doveadm("expunge", "-u", user+"@hospital.test", "mailbox", "INBOX", "all")
			s.Save(user, "INBOX", message(1))
			s.Save(user, "INBOX", message(2))
			c := config(s, user)
			if c.STARTTLS = starttls; starttls {
				c.Port = mailtest.Port(s.IMAP)
			}
			c.Trouble = func(err error) {
				if err != nil {
					t.Errorf("trouble: %v", err)
				}
			}
			r := newReader()
			stop := watching(t, c, Cursor{}, r)
			first, second := r.next(t), r.next(t)
			if string(first.Raw) != string(message(1)) || string(second.Raw) != string(message(2)) || first.TooLarge || first.Size != int64(len(first.Raw)) || first.Received.IsZero() {
				t.Errorf("%+v", first)
			}
			s.Save(user, "INBOX", message(3)) // the server tells: IDLE would last 5 minutes
			if third := r.next(t); third.UID <= second.UID || string(third.Raw) != string(message(3)) {
				t.Errorf("%+v", third)
			}
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			flags := s.Doveadm("fetch", "-u", user+"@hospital.test", "flags", "mailbox", "INBOX", "all")
			if strings.Contains(flags, "Seen") || strings.Count(flags, "Recent") != 3 {
				t.Errorf("the mailbox has changed: %s", flags)
			}
			s.Save(user, "INBOX", message(4))
			again := newReader()
			stop = watching(t, c, r.at, again)
			if m := again.next(t); string(m.Raw) != string(message(4)) {
				t.Errorf("after the cursor came %s", m.Raw)
			}
			stop()
			if len(again.mails) != 1 {
				t.Errorf("%d mails came again", len(again.mails)-1)
			}
		})
	}
}

func takenMailsAreMarkedOrMoved(t *testing.T, s *mailtest.Server, user string) {
	at := user + "@hospital.test"
	c := config(s, user)
	c.After = Mark
	s.Save(user, "INBOX", message(1))
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	r.next(t)
	s.Save(user, "INBOX", message(2))
	r.next(t)
	s.Doveadm("mailbox", "create", "-u", at, "済み")
	s.Save(user, "INBOX", message(3))
	r.next(t) // by then the second is marked
	if flags := s.Doveadm("fetch", "-u", at, "flags", "mailbox", "INBOX", "uid", "1:2"); strings.Count(flags, "Seen") != 2 {
		t.Errorf("not marked: %s", flags)
	}
	stop()
	c.After, c.MoveTo = Move, "済み"
	cursor := r.at
	s.Save(user, "INBOX", message(4))
	again := newReader()
	stop = watching(t, c, cursor, again)
	again.next(t)
	s.Save(user, "INBOX", message(5))
	again.next(t)
	stop()
	// the third was delivered and perhaps not marked when the first watch was stopped: what was unfinished is finished
	moved := s.Doveadm("fetch", "-u", at, "hdr.subject", "mailbox", "済み", "all")
	if !strings.Contains(moved, "report 3") || !strings.Contains(moved, "report 4") {
		t.Errorf("not moved: %s", moved)
	}
	all := strings.Count(s.Doveadm("fetch", "-u", at, "uid", "mailbox", "*", "all"), "uid:")
	if all != 5 {
		t.Errorf("%d mails, want 5", all)
	}
	c.MoveTo = "どこにもない"
	if err := Watch(t.Context(), c, cursor, newReader().deliver); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// A server that cannot tell of new mail is asked.
func polling(t *testing.T, s *mailtest.Server, user string) {
	s.Configure("imap_capability = IMAP4rev1 LITERAL+ UIDPLUS")
	c := config(s, user)
	c.Poll = 100 * time.Millisecond
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	defer stop()
	for n := range 3 {
		s.Save(user, "INBOX", message(n))
		if m := r.next(t); string(m.Raw) != string(message(n)) {
			t.Errorf("%s", m.Raw)
		}
	}
}

func deliveryThatFailsComesAgain(t *testing.T, s *mailtest.Server, user string) {
	s.Save(user, "INBOX", message(1))
	full := errors.New("disk full")
	r := newReader()
	r.fail = full
	if err := Watch(t.Context(), config(s, user), Cursor{}, r.deliver); err != full {
		t.Errorf("%v", err)
	}
	r.fail = nil
	stop := watching(t, config(s, user), r.at, r)
	defer stop()
	if m := r.next(t); string(m.Raw) != string(message(1)) {
		t.Errorf("%s", m.Raw)
	}
}

func renumberedMailboxIsReadAgain(t *testing.T, s *mailtest.Server, user string) {
	s.Save(user, "INBOX", message(1))
	c := config(s, user)
	c.Folder = "INBOX"
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	r.next(t)
	stop()
	old := r.at
	s.Doveadm("mailbox", "update", "-u", user+"@hospital.test", "--uid-validity", fmt.Sprint(old.UIDValidity+7), "INBOX")
	again := newReader()
	stop = watching(t, c, old, again)
	defer stop()
	if m := again.next(t); string(m.Raw) != string(message(1)) || again.at.UIDValidity != old.UIDValidity+7 {
		t.Errorf("%+v at %+v", m, again.at)
	}
}

func serverThatRestarts(t *testing.T, s *mailtest.Server, user string) {
	c := config(s, user)
	trouble, back := make(chan error, 10), make(chan bool, 10)
	c.Trouble = func(err error) {
		if err == nil {
			back <- true
		} else {
			trouble <- err
		}
	}
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	defer stop()
	<-back
	s.Doveadm("kick", user+"@hospital.test")
	s.Save(user, "INBOX", message(1))
	if m := r.next(t); string(m.Raw) != string(message(1)) {
		t.Errorf("%s", m.Raw)
	}
	if err := <-trouble; !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err, "ja"), "メールサーバ localhost") {
		t.Errorf("%v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mails) != 1 {
		t.Errorf("%d mails", len(r.mails))
	}
}

func largeMailComesAsItsHead(t *testing.T, s *mailtest.Server, user string) {
	s.Save(user, "INBOX", append(message(1), strings.Repeat("0123456789abcdef\r\n", 1000)...))
	s.Save(user, "INBOX", message(2))
	c := config(s, user)
	c.Limit = 5000
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	defer stop()
	large, small := r.next(t), r.next(t)
	if !large.TooLarge || large.Size < 18000 || len(large.Raw) > 200 || !strings.Contains(string(large.Raw), "<r1@hospital.test>") {
		t.Errorf("%d of %d bytes: %s", len(large.Raw), large.Size, large.Raw)
	}
	if small.TooLarge || string(small.Raw) != string(message(2)) {
		t.Errorf("%s", small.Raw)
	}
}

func newestSkipsWhatIsThere(t *testing.T, s *mailtest.Server, user string) {
	s.Save(user, "INBOX", message(1))
	at, err := Newest(t.Context(), config(s, user))
	if err != nil {
		t.Fatal(err)
	}
	s.Save(user, "INBOX", message(2))
	r := newReader()
	stop := watching(t, config(s, user), at, r)
	defer stop()
	if m := r.next(t); string(m.Raw) != string(message(2)) {
		t.Errorf("%s", m.Raw)
	}
}

func findSaysWhereAMailLanded(t *testing.T, s *mailtest.Server, user string) {
	s.Save(user, "INBOX", message(1))
	s.Save(user, "迷惑メール", message(2))
	for n, want := range []*Found{nil, {Folder: "INBOX"}, {Folder: "迷惑メール", Junk: true}} {
		got, err := Find(t.Context(), config(s, user), fmt.Sprintf("<r%d@hospital.test>", n))
		if err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (want == nil) || got != nil && (got.Folder != want.Folder || got.Junk != want.Junk || string(got.Mail.Raw) != string(message(n))) {
			t.Errorf("%d: %+v", n, got)
		}
	}
	flags := s.Doveadm("fetch", "-u", user+"@hospital.test", "flags", "mailbox", "*", "all")
	if strings.Contains(flags, "Seen") {
		t.Errorf("it was marked: %s", flags)
	}
}

func whatAPersonMustChange(t *testing.T, s *mailtest.Server, user string) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		kind   fault.Kind
		ja     string
	}{
		{"password", func(c *Config) { c.Secret = "x" }, fault.Denied, "サインインを断りました"},
		{"folder", func(c *Config) { c.Folder = "報告" }, fault.NotFound, "フォルダ「報告」がありません"},
		{"authority", func(c *Config) { c.Roots = nil }, fault.Unavailable, "証明書を確かめられません"},
		{"port", func(c *Config) { c.Port = mailtest.Port(s.SMTP) }, fault.Unavailable, "暗号で話せません"},
		{"STARTTLS where TLS is", func(c *Config) { c.STARTTLS, c.Wait = true, time.Second }, fault.Unavailable, "時間内に返事をしません"},
		{"token", func(c *Config) {
			c.Token = func(context.Context, string) (string, error) {
				return "", fault.New(fault.Denied, "認証サーバが断りました。", "refused")
			}
		}, fault.Denied, "認証サーバ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := config(s, user)
			c.change(&k)
			_, err := Newest(t.Context(), k)
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err, "ja"), c.ja) {
				t.Errorf("%v: %s / %v", fault.KindOf(err), fault.Sentence(err, "ja"), err)
			}
			if c.kind != fault.Unavailable { // Watch gives up at once on what only a person can change
				if err := Watch(t.Context(), k, Cursor{}, newReader().deliver); fault.KindOf(err) != c.kind {
					t.Error(err)
				}
			}
		})
	}
}

func manyMailsInOrder(t *testing.T, s *mailtest.Server, user string) {
	for n := range 30 {
		s.Save(user, "INBOX", message(n))
	}
	r := newReader()
	stop := watching(t, config(s, user), Cursor{}, r)
	defer stop()
	var uids []uint32
	for range 30 {
		uids = append(uids, r.next(t).UID)
	}
	if !slices.IsSorted(uids) {
		t.Error(uids)
	}
}
