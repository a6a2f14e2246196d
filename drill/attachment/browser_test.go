package attachment

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/internal/browsertest"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

// seen is all that a page could send: every request with its body.
type seen struct {
	mu   sync.Mutex
	hits []string
	raw  strings.Builder
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits = append(s.hits, r.Method+" "+r.URL.RequestURI())
	_ = r.Write(&s.raw)
	w.Header().Set("Content-Type", "image/gif")
	_, _ = w.Write([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
}

func (s *seen) has(want string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hits {
		if strings.HasPrefix(h, want) {
			return true
		}
	}
	return false
}

// The page as a person opens it from the mail: the opening is told, the link is told, and what was typed is nowhere.
func TestPageInChromium(t *testing.T) {
	var server seen
	s := httptest.NewServer(&server)
	defer s.Close()
	c := content()
	c.SignIn, c.Beacon, c.Link = true, s.URL+"/beacon.png", s.URL+"/link"
	f := build(t, HTML, c)
	name := filepath.Join(t.TempDir(), "a.html")
	if err := os.WriteFile(name, f.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	tab := browsertest.Open(t)
	tab.Go("file://" + name)
	tab.Wait(`document.querySelector("img").complete && document.querySelector("img").naturalWidth == 1`)
	if !server.has("GET /beacon.png") {
		t.Fatal("the opening was not told")
	}
	tab.Wait(`getComputedStyle(document.querySelector("label")).display == "block"`) // the policy lets the style through
	tab.Wait(`document.forms.length == 0 && document.scripts.length == 0`)
	tab.Type("label:nth-of-type(1) input", "taro-secret-id\r")
	tab.Type("label:nth-of-type(2) input", "hunter2-secret\r")
	tab.Wait(`document.querySelector("input[type=password]").value.startsWith("hunter2-secret") && !document.querySelector("input[name],input[id]")`)
	tab.Screenshot("attachment-html")
	tab.Click("a.go")
	deadline := time.Now().Add(10 * time.Second)
	for !server.has("GET /link") {
		if time.Now().After(deadline) {
			t.Fatal("the link was not followed")
		}
		time.Sleep(20 * time.Millisecond)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if raw := server.raw.String(); strings.Contains(raw, "secret") || strings.Contains(raw, "Referer") || strings.Contains(raw, "POST") {
		t.Errorf("the page sent\n%s", raw)
	}
}

// Even a page that somebody edits to have a form or a script sends nothing: the policy stands in it.
func TestPolicyHoldsAgainstEdits(t *testing.T) {
	var server seen
	s := httptest.NewServer(&server)
	defer s.Close()
	c := content()
	c.SignIn, c.Beacon, c.Link = true, s.URL+"/beacon.png", s.URL+"/link"
	page := string(build(t, HTML, c).Body)
	page = strings.Replace(page, "<label>", `<form id="f" method="post" action="`+s.URL+`/stolen"><input name="p" value="secret"><button id="b">x</button></form>`+
		`<script>fetch("`+s.URL+`/stolen-by-script")</script><label>`, 1)
	name := filepath.Join(t.TempDir(), "a.html")
	if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := browsertest.Open(t)
	tab.Allow("Content Security Policy")
	tab.Go("file://" + name)
	tab.Click("#b")
	tab.Click("a.go") // the last thing the page does; the refused form would have come before it
	deadline := time.Now().Add(10 * time.Second)
	for !server.has("GET /link") {
		if time.Now().After(deadline) {
			t.Fatal("the link was not followed")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if server.has("POST") || server.has("GET /stolen") {
		t.Errorf("the page sent %v", server.hits)
	}
}
