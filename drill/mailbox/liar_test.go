package mailbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/internal/mailtest"
)

// liar is an IMAP server of our own for what no real one does: reply gives the lines before the tagged answer to a command, and that answer.
func liar(t *testing.T, reply func(command string) (lines, status string)) Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	config, pool := mailtest.Certificate(t, "127.0.0.1")
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go converse(raw, tls.Server(raw, config), reply)
		}
	}()
	return Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, User: "u", Secret: "p", Roots: pool, Wait: 5 * time.Second, Poll: 50 * time.Millisecond}
}

func converse(raw, c net.Conn, reply func(string) (string, string)) {
	defer raw.Close()
	fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] liar\r\n")
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		lines, status := reply(command)
		if lines == "+" {
			fmt.Fprint(c, "+ "+base64.StdEncoding.EncodeToString([]byte(`{"status":"400"}`))+"\r\n")
			r.ReadString('\n')
			lines = ""
		}
		if _, err := fmt.Fprint(c, lines+tag+" "+status+"\r\n"); err != nil {
			return
		}
	}
}

func examined(command string) (lines, status string) {
	if strings.HasPrefix(command, "EXAMINE") {
		return "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n", "OK [READ-ONLY] ok"
	}
	return "", "OK done"
}

// A server that says 100 bytes and sends 2 MB costs a connection, not the machine's memory, and the watch goes on with the next mail.
func TestServerThatLiesAboutSizes(t *testing.T) {
	c := liar(t, func(command string) (string, string) {
		switch {
		case strings.HasPrefix(command, "UID FETCH 1:*"):
			return "* 1 FETCH (UID 1 RFC822.SIZE 100)\r\n* 2 FETCH (UID 2 RFC822.SIZE 100)\r\n", "OK done"
		case strings.HasPrefix(command, "UID FETCH 2:*"), strings.HasPrefix(command, "UID FETCH 3:*"):
			return "* 2 FETCH (UID 2 RFC822.SIZE 100)\r\n", "OK done"
		case strings.HasPrefix(command, "UID FETCH 1 "):
			if strings.Contains(command, "BODY.PEEK[HEADER]") {
				return "* 1 FETCH (UID 1 RFC822.SIZE 100 BODY[HEADER] {14}\r\nSubject: x\r\n\r\n)\r\n", "OK done"
			}
			return "* 1 FETCH (UID 1 RFC822.SIZE 100 BODY[] {2000000}\r\n" + strings.Repeat("x", 2_000_000) + ")\r\n", "OK done"
		case strings.HasPrefix(command, "UID FETCH 2 "):
			return "* 2 FETCH (UID 2 RFC822.SIZE 100 BODY[] {4}\r\nmail)\r\n", "OK done"
		}
		return examined(command)
	})
	c.Limit = 100_000
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	defer stop()
	if m := r.next(t); !m.TooLarge || string(m.Raw) != "Subject: x\r\n\r\n" {
		t.Errorf("%v %.50s", m.TooLarge, m.Raw)
	}
	if m := r.next(t); m.TooLarge || string(m.Raw) != "mail" {
		t.Errorf("%v %.50s", m.TooLarge, m.Raw)
	}
}

func TestMailThatIsGoneIsNoMail(t *testing.T) {
	c := liar(t, func(command string) (string, string) {
		switch {
		case strings.HasPrefix(command, "UID FETCH 1:*"):
			return "* 1 FETCH (UID 1 RFC822.SIZE 100)\r\n* 2 FETCH (UID 2 RFC822.SIZE 4)\r\n", "OK done"
		case strings.HasPrefix(command, "UID FETCH 2 "):
			return "* 2 FETCH (UID 2 RFC822.SIZE 4 BODY[] {4}\r\nmail)\r\n", "OK done"
		}
		return examined(command)
	})
	r := newReader()
	stop := watching(t, c, Cursor{}, r)
	defer stop()
	if m := r.next(t); m.UID != 2 || string(m.Raw) != "mail" {
		t.Errorf("%+v", m)
	}
}

func TestTokenInsteadOfPassword(t *testing.T) {
	c := liar(t, func(command string) (string, string) {
		if rest, ok := strings.CutPrefix(command, "AUTHENTICATE XOAUTH2 "); ok {
			b, _ := base64.StdEncoding.DecodeString(rest)
			if string(b) == "user=u\x01auth=Bearer good\x01\x01" {
				return "", "OK in"
			}
			return "+", "NO [AUTHENTICATIONFAILED] no"
		}
		return examined(command)
	})
	token := "good"
	c.Token = func(_ context.Context, user string) (string, error) { return token, nil }
	at, err := Newest(t.Context(), c)
	if err != nil || at.UIDValidity != 9 {
		t.Errorf("%+v %v", at, err)
	}
	token = "bad"
	if _, err := Newest(t.Context(), c); !fault.Is(err, fault.Denied) {
		t.Errorf("%v", err)
	}
}

func TestServersThatAreBusyOrNoServers(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply func(string) (string, string)
		kind  fault.Kind
	}{
		{"busy", func(string) (string, string) { return "", "NO [UNAVAILABLE] later" }, fault.Busy},
		{"endless", func(string) (string, string) { return strings.Repeat("* OK x\r\n", 1<<19), "OK" }, fault.Unavailable},
		{"nonsense", func(string) (string, string) { return strings.Repeat("(", 1<<20), "" }, fault.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := liar(t, c.reply)
			if _, err := Newest(t.Context(), k); fault.KindOf(err) != c.kind {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
		})
	}
}
