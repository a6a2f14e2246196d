package outside

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/drill"
	"kenshin/internal/browsertest"
)

// tap stands before the pages and keeps all that a browser sends.
type tap struct {
	mu  sync.Mutex
	raw []string
	to  http.Handler
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, err := httputil.DumpRequest(r, true)
	p.mu.Lock()
	p.raw = append(p.raw, fmt.Sprintf("%s %v", all, err))
	p.mu.Unlock()
	r.Header.Set("Accept-Language", "ja")
	p.to.ServeHTTP(w, r)
}

func (p *tap) has(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.raw {
		if strings.Contains(r, text) {
			return true
		}
	}
	return false
}

func (r *rig) tapped() *tap {
	to, err := url.Parse(r.base)
	r.must(err)
	p := &tap{to: httputil.NewSingleHostReverseProxy(to)}
	s := &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	go func() { _ = s.Serve(l) }()
	r.t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	r.base = "http://" + l.Addr().String()
	return p
}

func TestWhatIsTypedStaysInChromium(t *testing.T) {
	r := newRig(t)
	m := parcelMail()
	m.Landing, m.FromName = "webmail", "ひばり院内メール"
	id, token := r.sent(drill.Standard, m)
	seen := r.tapped()
	tab := browsertest.Open(t)
	tab.Go(r.base + "/" + token[drill.Visited])
	tab.Axe("webmail")
	tab.Screenshot("landing-webmail")
	tab.Type("label:nth-of-type(1) input", "hunter2-user\r")
	tab.Type("label:nth-of-type(2) input", "hunter2-password\r") // Enter sends no form: there is none
	tab.Wait(`document.querySelector("input[type=password]").value.startsWith("hunter2-password") && document.forms.length == 0`)
	tab.Wait(`!document.querySelector("input[name],input[id]")`)
	tab.Click("a.btn")
	tab.Wait(`location.pathname.endsWith("/more")`)
	tab.Axe("after")
	tab.Full("after")
	tab.Click("form .btn")
	tab.Wait(`location.pathname.endsWith("/lesson")`)
	tab.Axe("lesson")
	tab.Full("lesson")
	tab.Click("a.btn")
	tab.Wait(`location.pathname.endsWith("/quiz/0")`)
	tab.Axe("quiz")
	tab.Screenshot("quiz")
	tab.Click("form:nth-of-type(1) .choice")
	tab.Wait(`location.pathname.endsWith("/quiz/0/0")`)
	tab.Axe("answer")
	tab.Screenshot("answer")
	if seen.has("hunter2") {
		t.Error("what was typed left the browser")
	}
	if !seen.has("/k.gif") || !seen.has("POST /"+token[drill.Visited]+"/ok") {
		t.Error("the requests were not seen at all")
	}
	if seen.has("Referer: ") {
		t.Error("a page's address, with its token, went into a Referer")
	}
	typed, confirmed := false, false
	for _, e := range r.events(id) {
		typed = typed || e.Signal == drill.Touched && e.Detail == "typed"
		confirmed = confirmed || e.Signal == drill.Confirm
	}
	if !typed || !confirmed {
		t.Errorf("typed %v, confirmed %v", typed, confirmed)
	}
	if in := r.find("hunter2"); len(in) > 0 {
		t.Errorf("it is in %v", in)
	}
}

func TestPagesInChromium(t *testing.T) {
	r := newRig(t)
	r.tapped()
	tab := browsertest.Open(t)
	tab.Allow("404")
	for kind, brand := range map[string]string{"parcel": "ひばり宅配便", "file-share": "つばさファイル便", "survey": "みどり総務サポート", "vendor-portal": "あけぼの医療機器", "": "院内事務局"} {
		m := parcelMail()
		m.Landing, m.FromName = kind, brand
		_, token := r.sent(drill.Standard, m)
		tab.Go(r.base + "/" + token[drill.Visited])
		tab.Axe("landing " + kind)
		tab.Screenshot("landing-" + first(kind, "notice"))
	}
	_, token := r.sent(drill.Standard, parcelMail())
	for name, path := range map[string]string{"report": "/" + token[drill.Reported], "attached": "/" + token[drill.Attached], "own-lesson": "/" + token[drill.Lesson], "nowhere": "/nowhere", "verify": "/verify",
		"verified": "/verify/" + token[drill.Visited]} {
		tab.Go(r.base + path)
		tab.Axe(name)
		tab.Screenshot("page-" + name)
	}
	tab.Viewport(390, 844)
	tab.Go(r.base + "/" + token[drill.Visited] + "/more")
	tab.Axe("after on a telephone")
	tab.Wait(`document.documentElement.scrollWidth <= innerWidth`)
	tab.Full("after-phone")
}
