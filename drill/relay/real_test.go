package relay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/internal/mailtest"
)

func realRoute(s *mailtest.Server, addr string) Route {
	return Route{Kind: SMTP, Host: "localhost", Port: mailtest.Port(addr), Security: STARTTLS, Roots: s.Roots, Helo: "kenshin.test"}
}

// Debian's postfix, with a sign-in over dovecot.
func TestPostfix(t *testing.T) {
	s := mailtest.Real(t, []string{"staff0", "staff1", "hanako"})
	t.Run("without a sign-in it is refused, as a matter of the relay", func(t *testing.T) {
		r, begun := send(t, open(t, realRoute(s, s.Submission)), letter(0))
		if r.Outcome != Refused || r.Scope != Relay || begun {
			t.Errorf("%+v", r)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		r := realRoute(s, s.Submission)
		r.Auth, r.User, r.Secret = Plain, "staff0@hospital.test", "x"
		if _, err := Open(t.Context(), r); !fault.Is(err, fault.Denied) {
			t.Errorf("%v", err)
		}
	})
	for _, auth := range []Auth{Plain, Login} {
		t.Run(string(auth), func(t *testing.T) {
			r := realRoute(s, s.Submission)
			r.Auth, r.User, r.Secret = auth, "staff0@hospital.test", mailtest.Password
			l := open(t, r)
			for n := range 2 {
				if r, _ := send(t, l, letter(n)); r.Outcome != Accepted || r.Enhanced != "2.0.0" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
	l := open(t, realRoute(s, s.SMTP))
	t.Run("unknown person", func(t *testing.T) {
		r, begun := send(t, l, letter(99))
		if r.Outcome != Refused || r.Scope != Recipient || r.Enhanced != "5.1.1" || begun {
			t.Errorf("%+v", r)
		}
	})
	t.Run("too large", func(t *testing.T) {
		e := letter(0)
		e.Body = append(e.Body, strings.Repeat("0123456789\r\n", 2<<20)...)
		if r, _ := send(t, l, e); r.Outcome != Refused || r.Enhanced != "5.3.4" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("not begun is not delivered", func(t *testing.T) {
		e := letter(0)
		e.To = "hanako@hospital.test"
		if r := l.Send(t.Context(), e, func() error { return errors.New("disk full") }); r.Outcome != NotTried {
			t.Errorf("%+v", r)
		}
		e.Body = []byte("Subject: second\r\n\r\n.\r\n..\r\n日本語\r\n")
		if r, _ := send(t, l, e); r.Outcome != Accepted {
			t.Errorf("%+v", r)
		}
		got := delivered(t, s, "hanako", 1)
		if !strings.HasSuffix(strings.ReplaceAll(got[0], "\r\n", "\n"), "\n\n.\n..\n日本語\n") {
			t.Errorf("it arrived as %q", got[0])
		}
	})
	t.Run("restarted in mid-run", func(t *testing.T) {
		lost := 0
		for n := range 20 {
			if n == 10 {
				s.Restart(time.Second)
			}
			e := letter(n)
			e.To = "staff1@hospital.test"
			if r, _ := send(t, l, e); r.Outcome != Accepted {
				lost++
				t.Errorf("mail %d: %+v", n, r)
			}
		}
		delivered(t, s, "staff1", 22) // two from the sign-ins
	})
}

// delivered waits for a mailbox to hold n mails and reads them.
func delivered(t *testing.T, s *mailtest.Server, user string, n int) []string {
	t.Helper()
	var files []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if files, _ = filepath.Glob(fmt.Sprintf("%s/mail/%s/Maildir/new/*", s.Dir, user)); len(files) >= n {
			break
		}
	}
	if len(files) != n {
		t.Fatalf("%d mails for %s, not %d\n%s", len(files), user, n, s.Log())
	}
	var all []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}
