package ssh

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

const honest = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"

func TestTalk(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"plain":            {honest, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"},
		"lines before":     {"welcome\r\nto the ward\r\n" + honest, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"},
		"old version":      {"SSH-1.99-Cisco-1.25\n", "SSH-1.99-Cisco-1.25"},
		"no line end":      {"SSH-2.0-dropbear_2019.78", "SSH-2.0-dropbear_2019.78"},
		"followed by kex":  {honest + "\x00\x00\x04\x0c\x0a\x14", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"},
		"too long is cut":  {"SSH-2.0-" + strings.Repeat("x", 600) + "\r\n", "SSH-2.0-" + strings.Repeat("x", 247)},
		"not SSH":          {"220 ftp ready\r\n", ""},
		"a hundred others": {strings.Repeat("hello\r\n", 100) + honest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := Talk(talktest.Server(t, talktest.Says([]byte(c.sent))))
			if c.want == "" {
				if err == nil || len(seen) > 0 {
					t.Fatalf("got %v, %v", seen, err)
				}
				return
			}
			if diff := cmp.Diff([]talktest.Fact{{Signal: observation.SSHBanner, Value: c.want}}, talktest.Facts(t, seen)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func TestSaysWhoWeAre(t *testing.T) {
	got := make(chan string, 1)
	conn := talktest.Server(t, func(c net.Conn) {
		_, _ = c.Write([]byte(honest))
		b, _ := io.ReadAll(c)
		got <- string(b)
	})
	if _, err := Talk(conn); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if s := <-got; s != ours {
		t.Errorf("sent %q", s)
	}
}

func TestHostile(t *testing.T) { talktest.Hostile(t, Talk, []byte(honest)) }

func TestOther(t *testing.T) {
	_, err := Talk(talktest.Replay([]byte(strings.Repeat("x\n", 50))))
	if !errors.Is(err, talk.ErrOther) {
		t.Error(err)
	}
}

func FuzzTalk(f *testing.F) {
	f.Add([]byte(honest))
	f.Add([]byte("\n\nSSH-"))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := Talk(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}
