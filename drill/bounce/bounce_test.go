package bounce

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

// mailOf reads a case: {ISO-2022-JP} on the first line means that the file is UTF-8 here and goes over the wire in that encoding.
func mailOf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\n", "\r\n")
	if rest, ok := strings.CutPrefix(text, "{ISO-2022-JP}\r\n"); ok {
		if text, err = japanese.ISO2022JP.NewEncoder().String(rest); err != nil {
			t.Fatal(err)
		}
	}
	return []byte(text)
}

func TestReports(t *testing.T) {
	const id = "<m1@training.test>"
	for _, c := range []struct {
		file    string
		kind    Kind
		id      string
		address string
		action  Action
		status  string
		said    string // in the diagnostic
	}{
		{"postfix.eml", Bounce, id, "nobody@hospital.test", Failed, "5.1.1", "User unknown"},
		{"postfix-delayed.eml", Bounce, id, "staff1@hospital.test", Delayed, "4.4.1", "Connection timed out"},
		{"exchange.eml", Bounce, id, "nobody@hospital.test", Failed, "5.1.10", "RecipientNotFound"},
		{"success.eml", Bounce, id, "staff1@hospital.test", Delivered, "2.1.5", ""},
		{"qmail.eml", Bounce, id, "nobody@hospital.test", Failed, "5.1.1", "no mailbox here"},
		{"exim.eml", Bounce, id, "nobody@hospital.test", Failed, "", "550 No such user"},
		{"sendmail.eml", Bounce, id, "nobody@hospital.test", Failed, "5.1.1", "User unknown"},
		{"japanese.eml", Bounce, id, "nobody@hospital.test", Failed, "", "存在しません"},
		{"japanese-delayed.eml", Bounce, id, "staff1@hospital.test", Delayed, "", ""},
		{"receipt.eml", Receipt, id, "staff1@hospital.test", "", "", ""},
		{"away-exchange.eml", AutoReply, id, "", "", "", ""},
		{"away-vacation.eml", AutoReply, id, "", "", "", ""},
		{"away-japanese.eml", AutoReply, id, "", "", "", ""},
		{"person.eml", Person, id, "", "", "", ""},
		{"person-about-bounces.eml", Person, "", "", "", "", ""},
		{"newsletter.eml", AutoReply, "", "", "", "", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := Read(mailOf(t, c.file))
			if r.Kind != c.kind || r.MessageID != c.id {
				t.Fatalf("%v about %s: %+v", r.Kind, r.MessageID, r)
			}
			if c.address == "" {
				if len(r.Recipients) != 0 {
					t.Errorf("%+v", r.Recipients)
				}
				return
			}
			if len(r.Recipients) != 1 {
				t.Fatalf("%+v", r.Recipients)
			}
			if p := r.Recipients[0]; p.Address() != c.address || p.Action != c.action || p.Status != c.status || !strings.Contains(p.Diagnostic, c.said) {
				t.Errorf("%+v", p)
			}
		})
	}
}

// A report may speak of several people, and of people that the server knows by another address.
func TestSeveralRecipients(t *testing.T) {
	r := Read(mailOf(t, "several.eml"))
	if len(r.Recipients) != 3 || r.MessageID != "<m1@training.test>" {
		t.Fatalf("%+v", r)
	}
	a, b, c := r.Recipients[0], r.Recipients[1], r.Recipients[2]
	if a.Address() != "staff1@hospital.test" || a.Final != "staff1@inner.hospital.test" || a.Action != Failed || a.Server != "mx.hospital.test" {
		t.Errorf("%+v", a)
	}
	if b.Action != Delayed || c.Action != Relayed {
		t.Errorf("%+v %+v", b, c)
	}
}

func TestTokensAndControlsStayOut(t *testing.T) {
	token := strings.Repeat("b3", 16)
	mail := strings.Replace(string(mailOf(t, "postfix.eml")), "User unknown", "rejected http://x.test/"+token+" \x1b[31m", 1)
	r := Read([]byte(mail))
	if len(r.Recipients) != 1 || strings.Contains(r.Recipients[0].Diagnostic, token) || strings.Contains(r.Recipients[0].Diagnostic, "\x1b") {
		t.Errorf("%+v", r)
	}
}

func TestHugeReportsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("From: MAILER-DAEMON@x.test\r\nSubject: Undelivered Mail\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n")
	for range 5000 {
		b.WriteString("Final-Recipient: rfc822; a@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n")
	}
	if r := Read([]byte(b.String())); len(r.Recipients) != maxRecipients {
		t.Errorf("%d recipients", len(r.Recipients))
	}
	nest := "From: MAILER-DAEMON@x.test\r\nSubject: failure notice\r\n"
	for range 5000 {
		nest += "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	}
	Read([]byte(nest)) // no stack overflow
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, name := range files {
		f.Add(mailOf(f, filepath.Base(name)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := Read(raw)
		if len(r.Recipients) > maxRecipients {
			t.Errorf("%d recipients", len(r.Recipients))
		}
		for _, p := range r.Recipients {
			if strings.ContainsAny(p.Diagnostic+p.Server, "\r\n\x00\x1b") || len([]rune(p.Diagnostic)) > maxWords || p.Address() == "" {
				t.Errorf("%+v", p)
			}
		}
		if strings.ContainsAny(r.MessageID, " \r\n") {
			t.Errorf("%q", r.MessageID)
		}
	})
}
