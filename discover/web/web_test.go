package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talk"
	"kenshin/discover/internal/talktest"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

var camera = Target{Addr: netip.MustParseAddrPort("10.0.0.50:80")}

func hello(conn net.Conn) ([]observation.Observation, error) {
	seen, _, err := Talk(conn, camera, "/")
	return seen, err
}

func page(header, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sConnection: close\r\n\r\n%s", header, body)
}

func TestPages(t *testing.T) {
	detail := func(pairs ...string) map[string]string { return talk.Detail(append(pairs, "scheme", "http")...) }
	title := func(value string, pairs ...string) []talktest.Fact {
		return []talktest.Fact{talktest.Of(observation.HTTPTitle, value, detail(append(pairs, "status", "200")...))}
	}
	for name, c := range map[string]struct {
		sent []byte
		want []talktest.Fact
	}{
		"UTF-8":               {page("Content-Type: text/html; charset=utf-8\r\n", "<html><title>\n 電子カルテ  端末 </title>"), title("電子カルテ 端末")},
		"Shift_JIS by header": {page("Content-Type: text/html; charset=Shift_JIS\r\n", "<title>\x95\xa1\x8d\x87\x8b@</title>"), title("複合機")},
		"EUC-JP by meta": {page("Content-Type: text/html\r\n",
			"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=EUC-JP\"><title>\xca\xa3\xb9\xe7\xb5\xa1</title>"), title("複合機")},
		"Shift_JIS that nobody declares":   {page("Content-Type: text/html\r\n", "<TITLE>\x95\xa1\x8d\x87\x8b@</TITLE>"), title("複合機")},
		"a wrong declaration is not fatal": {page("Content-Type: text/html; charset=klingon\r\n", "<title>x &amp; y</title>"), title("x & y")},
		"first title only":                 {page("", "<title>one</title><svg><title>two</title></svg>"), title("one")},
		"login form and generator": {page("", `<meta name="generator" content="LuCI"><title>r</title><input name=p type="PASSWORD">`),
			title("r", "generator", "LuCI", "password_field", "true")},
		"chunked":                   {page("Transfer-Encoding: chunked\r\n", "10\r\n<title>NAS</titl\r\n2\r\ne>\r\n0\r\n\r\n"), title("NAS")},
		"body shorter than it says": {page("Content-Length: 5000\r\n", "<title>Cam</title>"), title("Cam")},
		"no title":                  {page("", "hello"), title("")},
		"basic authentication": {[]byte("HTTP/1.0 401 Unauthorized\r\nServer: Boa/0.94\r\nWWW-Authenticate: Digest qop=\"auth\", realm=\"IPCAM \\\"1\\\"\"\r\n\r\n"),
			[]talktest.Fact{talktest.Of(observation.HTTPTitle, "", detail("status", "401", "server", "Boa/0.94", "realm", `IPCAM "1"`)),
				talktest.Of(observation.HTTPServer, "Boa/0.94", nil)}},
		"not HTTP": {[]byte("SSH-2.0-OpenSSH_9.2p1\r\n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := hello(talktest.Server(t, talktest.Says(c.sent)))
			if diff := cmp.Diff(c.want, talktest.Facts(t, seen)); diff != "" || (err != nil) != (c.want == nil) {
				t.Error(err, diff)
			}
		})
	}
}

// Only a redirect to the same address, scheme and port is followed: nothing leads us to another device or another port.
func TestRedirects(t *testing.T) {
	for location, want := range map[string]string{
		"/login.cgi?x=1":                "/login.cgi?x=1",
		"ui/":                           "/ui/",
		"http://10.0.0.50/ui":           "/ui",
		"http://10.0.0.50:80/ui#part":   "/ui",
		"//10.0.0.50/x":                 "/x",
		"/":                             "",
		"http://10.0.0.51/":             "",
		"http://nas.local/":             "",
		"https://10.0.0.50/":            "",
		"http://10.0.0.50:9100/":        "",
		"http://me:secret@10.0.0.50/x":  "",
		"ftp://10.0.0.50/":              "",
		"/a%0d%0aX:y":                   "/a%0d%0aX:y",
		"/" + strings.Repeat("a", 2000): "",
	} {
		sent := fmt.Appendf(nil, "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", location)
		_, next, err := Talk(talktest.Replay(sent), camera, "/")
		if next != want || err != nil {
			t.Errorf("%.40s leads to %q (%v)", location, next, err)
		}
	}
}

func TestHostHeader(t *testing.T) {
	for addr, want := range map[string]string{"10.0.0.1:80": "10.0.0.1", "10.0.0.1:8080": "10.0.0.1:8080", "[fe80::1]:80": "[fe80::1]", "[fe80::1]:81": "[fe80::1]:81"} {
		if got := (Target{Addr: netip.MustParseAddrPort(addr)}).host(); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}

// leave is a real gate that lets us speak to loopback.
func leave(t *testing.T) *gate.Host {
	t.Helper()
	g := gate.New(gate.Config{})
	t.Cleanup(func() { _ = g.Close() })
	g.Approve(gate.Segment{ID: "lo", Interface: "lo", Prefix: netip.MustParsePrefix("127.0.0.0/8"), Pace: gate.Fast, Approved: true})
	return g.Host("lo", netip.MustParseAddr("127.0.0.1"), netid.MAC{2, 0, 0, 0, 0, 1})
}

func port(t *testing.T, s *httptest.Server) uint16 {
	return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
}

func TestProbeFollowsOnce(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path+" "+r.UserAgent())
		w.Header().Set("Server", "Board/1")
		if r.URL.Path == "/ui" {
			w.Header().Set("Location", "/ui/deeper")
			w.WriteHeader(302)
			fmt.Fprint(w, "<title>院内掲示板</title>")
			return
		}
		http.Redirect(w, r, "/ui", http.StatusMovedPermanently)
	}))
	defer s.Close()
	seen, err := ProbeTLS(t.Context(), leave(t), port(t, s))
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"/ Kenshin", "/ui Kenshin"}, asked); diff != "" {
		t.Error(diff)
	}
	last := seen[len(seen)-2]
	if last.Signal != observation.HTTPTitle || last.Value != "院内掲示板" || last.Detail["scheme"] != "https" ||
		last.Port != port(t, s) || last.IP.String() != "127.0.0.1" || last.MAC.IsZero() || last.At.IsZero() || len(last.Raw) == 0 {
		t.Errorf("%+v", last)
	}
	if seen[0].Signal != observation.TCPOpen || seen[0].Value != fmt.Sprint(port(t, s)) {
		t.Errorf("%+v", seen[0])
	}
}

func TestProbeStops(t *testing.T) {
	s := httptest.NewServer(nil)
	closed := port(t, s)
	s.Close()
	if seen, err := Probe(t.Context(), leave(t), closed); err == nil || len(seen) > 0 {
		t.Error("a closed port:", seen, err)
	}
	if seen, err := Probe(t.Context(), leave(t), 9100); err == nil || len(seen) > 0 {
		t.Error("port 9100:", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel() // somebody presses stop while the device thinks
		<-r.Context().Done()
	}))
	defer stuck.Close()
	seen, err := Probe(ctx, leave(t), port(t, stuck))
	if err == nil || len(seen) != 1 {
		t.Error("stopped:", seen, err)
	}
}

func TestBigPageIsCut(t *testing.T) {
	conn := talktest.Server(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = c.Write(page("", "<title>big</title>"+strings.Repeat("x", 3*maxBody)))
	})
	seen, err := hello(conn)
	conn.Close()
	if err != nil || len(seen) != 1 || seen[0].Value != "big" {
		t.Error(seen, err)
	}
}

func TestHostile(t *testing.T) {
	talktest.Hostile(t, hello, page("Server: x\r\nContent-Type: text/html; charset=Shift_JIS\r\n", "<html><title>\x95\xa1\x8d\x87\x8b@</title>"))
}

func FuzzTalk(f *testing.F) {
	f.Add(page("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 302 x\r\nLocation: http://10.0.0.50/x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, next, _ := Talk(talktest.Replay(b), camera, "/")
		talktest.Sane(t, seen)
		if next != "" && (next[0] != '/' || strings.ContainsAny(next, " \r\n")) {
			t.Errorf("would ask for %q", next)
		}
	})
}

func FuzzPage(f *testing.F) {
	f.Add([]byte("<title>\x95\xa1</title><meta charset=euc-jp>"), "text/html")
	f.Add([]byte("<title"), "text/html; charset=iso-2022-jp")
	f.Fuzz(func(t *testing.T, b []byte, contentType string) { read(b, contentType) })
}
