package drill

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenshin/drill/mailbox"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/seal"
	"kenshin/store"
)

var quick = pace{look: 50 * time.Millisecond, lease: 2 * time.Second, again: 100 * time.Millisecond}

// boxed is a hospital whose report mailbox lies on a real IMAP server.
func boxed(t *testing.T, db *store.DB, s *mailtest.Server, user string) *rig {
	t.Helper()
	r := newRig(t, db, 3)
	r.roots = s.Roots
	r.saveBox(Mailbox{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: user + "@hospital.test"}, mailtest.Password)
	return r
}

func (r *rig) saveBox(m Mailbox, secret string) {
	r.t.Helper()
	s, err := r.Settings(r.t.Context(), r.f)
	r.must(err)
	s.Mailbox = m
	r.must(r.SaveSettings(as(r.t.Context(), trainer), r.f, s, Secrets{Mailbox: secret}))
}

// watch reads mailboxes with one book until the returned function is called.
func (r *rig) watch(b *Book) (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.watchMailboxes(ctx, func(context.Context) ([]facility.ID, error) { return []facility.ID{r.f}, nil }, quick)
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rig) reports() []Incoming {
	r.t.Helper()
	page, err := r.Reports(r.t.Context(), r.f, ReportFilter{Limit: 500})
	r.must(err)
	return page.Reports
}

func (r *rig) await(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h, err := r.MailboxHealth(r.t.Context(), r.f)
			r.t.Fatalf("not within a minute: %s; %+v %v", what, h, err)
		}
	}
}

func (r *rig) health() MailboxHealth {
	r.t.Helper()
	h, err := r.MailboxHealth(r.t.Context(), r.f)
	r.must(err)
	return h
}

func (r *rig) taken(n int) {
	r.t.Helper()
	r.await(fmt.Sprintf("%d reports", n), func() bool { return len(r.reports()) >= n })
	if got := len(r.reports()); got != n {
		r.t.Fatalf("%d reports, want %d", got, n)
	}
}

func suspicious(n int) []byte {
	return forwarded(staffAddress(0), fmt.Sprintf("w%d@hospital.example.jp", n), "怪しいです", phish(fmt.Sprintf("お荷物 %d", n)))
}

// One server for all, with a mailbox for each.
func TestReportMailbox(t *testing.T) {
	cases := []struct {
		name string
		run  func(*testing.T, *mailtest.Server, string)
	}{
		{"everyMailOnce", everyMailOnce},
		{"wrongPasswordIsToldOnce", wrongPasswordIsToldOnce},
		{"oneCopyOfTwo", oneCopyOfTwo},
		{"hugeMails", hugeMails},
		{"oldMailsAreLeft", oldMailsAreLeft},
		{"killedReaders", killedReaders},
		{"tried", tried},
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

func everyMailOnce(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.SQLite(t), s, user)
	s.Save(user, "INBOX", suspicious(1))
	stop := r.watch(r.Book)
	r.taken(1)
	if in := r.reports()[0]; in.Kind != ReportReal || in.Via != ViaMailbox || in.Reporter != staffAddress(0) {
		t.Errorf("%+v", in)
	}
	r.await("connected", func() bool {
		h := r.health()
		return h.Reading && !h.Connected.IsZero() && h.Taken == 1 && h.Error.Ja == ""
	})
	s.Doveadm("kick", user+"@hospital.test") // the connection is lost
	s.Save(user, "INBOX", suspicious(2))
	r.taken(2)
	stop()
	if h := r.health(); h.Reading || !h.Connected.IsZero() {
		t.Errorf("after the end: %+v", h)
	}
	validity := r.boxNow().at.UIDValidity
	s.Doveadm("mailbox", "update", "-u", user+"@hospital.test", "--uid-validity", fmt.Sprint(validity+9), "INBOX") // the server renumbers
	s.Save(user, "INBOX", suspicious(3))
	defer r.watch(r.Book)()
	r.taken(3)
	r.await("all of the renumbered mailbox", func() bool { row := r.boxNow(); return row.at.UIDValidity == validity+9 && row.at.UID == 3 })
	if n := len(r.reports()); n != 3 {
		t.Errorf("%d reports", n)
	}
	if flags := s.Doveadm("fetch", "-u", user+"@hospital.test", "flags", "mailbox", "INBOX", "all"); strings.Contains(flags, "Seen") || strings.Contains(flags, "Deleted") {
		t.Errorf("the mailbox has changed: %s", flags)
	}
}

func (r *rig) boxNow() boxRow {
	r.t.Helper()
	s, err := r.Settings(r.t.Context(), r.f)
	r.must(err)
	row, err := r.boxOf(r.t.Context(), r.f, s.Mailbox)
	r.must(err)
	return row
}

func wrongPasswordIsToldOnce(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.SQLite(t), s, user)
	m := Mailbox{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: user + "@hospital.test"}
	r.saveBox(m, "expired")
	tries := func() int { return strings.Count(s.Log(), "auth failed, 1 attempts") }
	before := tries()
	stop := r.watch(r.Book)
	r.await("the refusal", func() bool { return r.health().Stopped })
	h := r.health()
	if !strings.Contains(h.Error.Ja, "サインインを断りました") || h.Reading && !h.Connected.IsZero() || h.ErrorAt.IsZero() {
		t.Errorf("%+v", h)
	}
	stop()
	stop = r.watch(r.Book) // nor does a restart try again
	defer func() { stop() }()
	time.Sleep(20 * quick.look) // that nothing happens cannot be awaited
	if n := tries() - before; n != 1 {
		t.Errorf("the wrong password was shown %d times\n%s", n, s.Log())
	}
	s.Save(user, "INBOX", suspicious(1))
	r.saveBox(m, mailtest.Password)
	r.taken(1)
	r.await("no error", func() bool { h := r.health(); return h.Error.Ja == "" && !h.Stopped && !h.Connected.IsZero() })
}

func oneCopyOfTwo(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.Postgres(t), s, user)
	other := New(r.db, r.box, houses{}, time.Now, slog.New(slog.DiscardHandler))
	other.roots = s.Roots
	first := r.watch(r.Book)
	r.await("the first copy", func() bool { return !r.health().Connected.IsZero() })
	token := r.boxNow().lease
	second := r.watch(other)
	defer second()
	for n := range 5 {
		s.Save(user, "INBOX", suspicious(n))
	}
	r.taken(5)
	r.await("the count of the mails", func() bool { return r.health().Taken >= 5 }) // it is kept after the reports
	if now := r.boxNow().lease; now != token || r.health().Taken != 5 {
		t.Errorf("the mailbox went from %s to %s, %d mails", token, now, r.health().Taken)
	}
	first()
	r.await("the second copy", func() bool { now := r.boxNow().lease; return now != "" && now != token })
	s.Save(user, "INBOX", suspicious(6))
	r.taken(6)
}

// A mail of 50 MB is read as far as the limit allows, and never kept from the others behind it.
func hugeMails(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.SQLite(t), s, user)
	filler := strings.Repeat(strings.Repeat("A", 74)+"\r\n", 1<<20/76)
	mail := func(id string, megabytes int) []byte {
		return []byte("From: " + staffAddress(0) + "\r\nTo: report@hospital.example.jp\r\nMessage-ID: <" + id + "@x>\r\nSubject: Fw\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" +
			"--B\r\nContent-Type: message/rfc822\r\n\r\n" + string(phish("請求書")) + "\r\n--B\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			strings.Repeat(filler, megabytes) + "\r\n--B--\r\n")
	}
	s.Save(user, "INBOX", mail("fits", 45))
	s.Save(user, "INBOX", mail("too-large", 52))
	s.Save(user, "INBOX", suspicious(1))
	defer r.watch(r.Book)()
	r.taken(3)
	byKind := map[ReportKind]int{}
	whole := 0
	for _, in := range r.reports() {
		byKind[in.Kind]++
		if strings.Contains(fmt.Sprint(in.Unread), "50 MB") {
			whole++
		}
	}
	if byKind[ReportReal] != 2 || byKind[ReportUnclear] != 1 || whole != 1 {
		t.Errorf("%v, %d of them said to be read in part", byKind, whole)
	}
}

func oldMailsAreLeft(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.SQLite(t), s, user)
	s.Save(user, "INBOX", suspicious(1))
	ahead := New(r.db, r.box, houses{}, func() time.Time { return time.Now().Add(reach + time.Hour) }, slog.New(slog.DiscardHandler))
	ahead.roots = s.Roots
	defer r.watch(ahead)()
	r.await("connected", func() bool { return r.boxNow().state.Connected.After(time.Now()) })
	if n := len(r.reports()); n != 0 {
		t.Errorf("%d mails of the time before were taken", n)
	}
}

// TestReaderProcess is the process that killedReaders kills.
func TestReaderProcess(t *testing.T) {
	dir := os.Getenv("KENSHIN_READER_DIR")
	if dir == "" {
		t.Skip("only as a child of TestReportMailbox")
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.LoadOrCreate(filepath.Join(dir, "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(os.Getenv("KENSHIN_READER_CERT"))
	if err != nil {
		t.Fatal(err)
	}
	b := New(db, box, houses{}, time.Now, slog.New(slog.DiscardHandler))
	b.roots = x509.NewCertPool()
	b.roots.AppendCertsFromPEM(pem)
	_ = b.watchMailboxes(t.Context(), func(context.Context) ([]facility.ID, error) { return []facility.ID{dbtest.Facility}, nil }, quick)
}

func killedReaders(t *testing.T, s *mailtest.Server, user string) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	const mails = 40
	dir := dbtest.SQLiteDir(t)
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := newRig(t, db, 3)
	box, err := seal.LoadOrCreate(filepath.Join(dir, "test.key"))
	r.must(err)
	r.box, r.roots = box, s.Roots
	s.Doveadm("mailbox", "create", "-u", user+"@hospital.test", "done")
	r.saveBox(Mailbox{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: user + "@hospital.test", After: mailbox.Move, MoveTo: "done"}, mailtest.Password)
	for n := range mails {
		s.Save(user, "INBOX", suspicious(n))
	}
	for enough := 3; enough <= 33; enough += 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReaderProcess$") //nolint:gosec // this very test
		cmd.Env = append(os.Environ(), "KENSHIN_READER_DIR="+dir, "KENSHIN_READER_CERT="+filepath.Join(s.Dir, "cert.pem"))
		r.must(cmd.Start())
		r.await("the child's reports", func() bool { return len(r.reports()) >= enough })
		r.must(cmd.Process.Kill())
		_ = cmd.Wait()
	}
	stop := r.watch(r.Book)
	r.taken(mails)
	r.await("an empty inbox", func() bool {
		return !strings.Contains(s.Doveadm("fetch", "-u", user+"@hospital.test", "uid", "mailbox", "INBOX", "all"), "uid")
	})
	stop()
	if n := strings.Count(s.Doveadm("fetch", "-u", user+"@hospital.test", "uid", "mailbox", "done", "all"), "uid:"); n != mails {
		t.Errorf("%d mails were moved, want %d: none is deleted", n, mails)
	}
}

func tried(t *testing.T, s *mailtest.Server, user string) {
	r := boxed(t, dbtest.SQLite(t), s, user)
	ctx := as(t.Context(), trainer)
	s.Save(user, "INBOX", suspicious(1))
	m := Mailbox{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: user + "@hospital.test"}
	found, err := r.TryMailbox(ctx, r.f, m, "")
	r.must(err)
	if found.Messages != 1 || found.Since != 1 || !found.Idle || time.Since(found.Newest) > time.Hour {
		t.Errorf("%+v", found)
	}
	for _, c := range []struct {
		name   string
		change func(*Mailbox)
		secret string
		kind   fault.Kind
		ja     string
	}{
		{"password", func(*Mailbox) {}, "x", fault.Denied, "サインインを断りました"},
		{"no encryption", func(m *Mailbox) { m.Security = "none" }, "", fault.Invalid, "暗号"},
		{"folder", func(m *Mailbox) { m.Folder = "報告" }, "", fault.NotFound, "フォルダ「報告」"},
		{"move to nowhere", func(m *Mailbox) { m.After, m.MoveTo = mailbox.Move, "済み" }, "", fault.NotFound, "移す先のフォルダ「済み」"},
		{"another server gets no kept password", func(m *Mailbox) { m.Host = "127.0.0.1" }, "", fault.Invalid, "パスワード"},
		{"token without an address", func(m *Mailbox) { m.Auth = "xoauth2" }, "", fault.Invalid, "トークンのアドレス"},
	} {
		k := m
		c.change(&k)
		if _, err := r.TryMailbox(ctx, r.f, k, c.secret); fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err, "ja"), c.ja) {
			t.Errorf("%s: %v %s", c.name, fault.KindOf(err), fault.Sentence(err, "ja"))
		}
	}
	set, err := r.Settings(ctx, r.f)
	r.must(err)
	set.Mailbox.Host = "127.0.0.1"
	if err := r.SaveSettings(ctx, r.f, set, Secrets{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("the kept password would go to another server: %v", err)
	}
	if flags := s.Doveadm("fetch", "-u", user+"@hospital.test", "flags", "mailbox", "INBOX", "all"); strings.Contains(flags, "Seen") {
		t.Errorf("a look has marked a mail: %s", flags)
	}
}
