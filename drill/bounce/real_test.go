package bounce_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"kenshin/drill/bounce"
	"kenshin/drill/mailbox"
	"kenshin/drill/relay"
	"kenshin/internal/mailtest"
)

// The whole way with real servers: postfix takes a mail that it cannot deliver, its report lies in a mailbox of dovecot, we read it there.
func TestReportOfPostfix(t *testing.T) {
	s := mailtest.Real(t, []string{"drill"}, "virtual_mailbox_maps = static:ok") // postfix takes everybody, dovecot knows one
	line, err := relay.Open(t.Context(), relay.Route{Kind: relay.SMTP, Host: "localhost", Port: mailtest.Port(s.SMTP), Roots: s.Roots, Helo: "kenshin.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n, to := range []string{"gone@hospital.test", "left@hospital.test"} {
		e := relay.Envelope{From: "drill@hospital.test", To: to, Body: fmt.Appendf(nil, "From: drill@hospital.test\r\nTo: %s\r\nMessage-ID: <m%d@training.test>\r\nSubject: test\r\n\r\nx\r\n", to, n)}
		if r := line.Send(ctx, e, func() error { return nil }); r.Outcome != relay.Accepted {
			t.Fatalf("%+v", r)
		}
	}
	enough := errors.New("enough")
	found := map[string]bounce.Recipient{}
	c := mailbox.Config{Host: "localhost", Port: mailtest.Port(s.IMAPS), User: "drill@hospital.test", Secret: mailtest.Password, Roots: s.Roots}
	err = mailbox.Watch(ctx, c, mailbox.Cursor{}, func(_ mailbox.Cursor, m mailbox.Mail) error {
		r := bounce.Read(m.Raw)
		if r.Kind != bounce.Bounce || len(r.Recipients) != 1 {
			t.Errorf("%+v\n%s", r, m.Raw)
			return enough
		}
		found[r.MessageID] = r.Recipients[0]
		if len(found) == 2 {
			return enough
		}
		return nil
	})
	if err != enough {
		t.Fatalf("%v\n%s", err, s.Log())
	}
	for id, to := range map[string]string{"<m0@training.test>": "gone@hospital.test", "<m1@training.test>": "left@hospital.test"} {
		if p := found[id]; p.Address() != to || p.Action != bounce.Failed || p.Status != "5.1.1" || p.Diagnostic == "" {
			t.Errorf("%s: %+v", id, p)
		}
	}
}
