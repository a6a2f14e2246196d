package banner

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

func TestGreetings(t *testing.T) {
	want := func(s observation.Signal, value string, detail map[string]string) *talktest.Fact {
		f := talktest.Of(s, value, detail)
		return &f
	}
	code := func(c string) map[string]string { return map[string]string{"code": c} }
	negotiated := map[string]string{"negotiation": "true"}
	for name, c := range map[string]struct {
		hello talk.Hello
		sent  string
		want  *talktest.Fact
	}{
		"ftp":                      {TalkFTP, "220 nas-old FTP\r\n", want(observation.FTPBanner, "nas-old FTP", code("220"))},
		"ftp, several lines":       {TalkFTP, "220-Welcome\r\n to the\r\n220 ProFTPD 1.3.5 Server\r\n", want(observation.FTPBanner, "Welcome / to the / ProFTPD 1.3.5 Server", code("220"))},
		"ftp refuses":              {TalkFTP, "421 Too many users\r\n", want(observation.FTPBanner, "Too many users", code("421"))},
		"ftp without text":         {TalkFTP, "220\r\n", want(observation.FTPBanner, "", code("220"))},
		"ftp, Shift_JIS":           {TalkFTP, "220 \x95\xa1\x8d\x87\x8b@ FTP\r\n", want(observation.FTPBanner, "複合機 FTP", code("220"))},
		"ftp, EUC-JP":              {TalkFTP, "220 \xca\xa3\xb9\xe7\xb5\xa1 FTP\r\n", want(observation.FTPBanner, "複合機 FTP", code("220"))},
		"ftp is mail":              {TalkFTP, "220 mx1 ESMTP Postfix\r\n", nil},
		"ftp is ssh":               {TalkFTP, "SSH-2.0-x\r\n", nil},
		"smtp":                     {TalkSMTP, "220 mx1 ESMTP Postfix (Debian)\r\n", want(observation.SMTPBanner, "mx1 ESMTP Postfix (Debian)", code("220"))},
		"pop3":                     {TalkPOP3, "+OK Dovecot ready.\r\n", want(observation.POP3Banner, "+OK Dovecot ready.", nil)},
		"pop3 is not":              {TalkPOP3, "* OK IMAP\r\n", nil},
		"vnc":                      {TalkVNC, "RFB 003.008\n", want(observation.VNCBanner, "RFB 003.008", nil)},
		"telnet":                   {TalkTelnet, "\xff\xfd\x18\xff\xfd\x20\r\niotgw login: ", want(observation.TelnetBanner, "\r\niotgw login: ", negotiated)},
		"telnet, only negotiation": {TalkTelnet, "\xff\xfb\x01\xff\xfb\x03\xff\xfa\x18\x01\xff\xf0", want(observation.TelnetBanner, "", negotiated)},
		"telnet, only text":        {TalkTelnet, "RTX1210 Rev.14.01.42\r\nPassword: ", want(observation.TelnetBanner, "RTX1210 Rev.14.01.42\r\nPassword: ", nil)},
		"telnet is binary":         {TalkTelnet, "\x00\x00\x00\x01\x00\x00", nil},
		"telnet says nothing":      {TalkTelnet, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := c.hello(talktest.Server(t, talktest.Says([]byte(c.sent))))
			if c.want == nil {
				if err == nil || len(seen) > 0 {
					t.Fatalf("got %v, %v", seen, err)
				}
				return
			}
			if diff := cmp.Diff([]talktest.Fact{*c.want}, talktest.Facts(t, seen)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// A Telnet server that stays on the line is heard until it falls silent, not until the whole budget is used.
func TestTelnetStopsAtSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go func() {
			_, _ = server.Write([]byte("\xff\xfd\x18"))
			time.Sleep(time.Second)
			_, _ = server.Write([]byte("Main menu\r\n1) status\r\n"))
		}()
		start := time.Now()
		seen, err := TalkTelnet(client)
		client.Close()
		server.Close()
		if err != nil || len(seen) != 1 || seen[0].Value != "Main menu\r\n1) status\r\n" {
			t.Fatalf("%v %v", seen, err)
		}
		if took := time.Since(start); took != time.Second+quiet {
			t.Errorf("took %v", took)
		}
	})
}

func TestHostile(t *testing.T) {
	for name, c := range map[string]struct {
		hello talk.Hello
		sent  string
	}{
		"ftp":    {TalkFTP, "220-a\r\n220 b\r\n"},
		"smtp":   {TalkSMTP, "220 mx1 ESMTP\r\n"},
		"pop3":   {TalkPOP3, "+OK\r\n"},
		"vnc":    {TalkVNC, "RFB 003.008\n"},
		"telnet": {TalkTelnet, "\xff\xfd\x18\xff\xfa\x01\xff\xf0\r\nx login: "},
	} {
		t.Run(name, func(t *testing.T) { talktest.Hostile(t, c.hello, []byte(c.sent)) })
	}
}

func FuzzStrip(f *testing.F) {
	f.Add([]byte("\xff\xfd\x18\xff\xff\xff\xfa\x01\xff\xf0x"))
	f.Add([]byte{255})
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, _ := Strip(b); len(text) > len(b) {
			t.Error("longer than what came")
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("220-a\r\n b\r\n220 c\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, hello := range []talk.Hello{TalkFTP, TalkSMTP, TalkPOP3, TalkVNC, TalkTelnet} {
			seen, _ := hello(talktest.Replay(b))
			talktest.Sane(t, seen)
		}
	})
}
