package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
)

func TestSignIn(t *testing.T) {
	s := openSite(t, nil)
	admin, secret, codes := s.setUp()
	b := s.browser()

	// Unknown, wrong and right addresses are told apart by nothing.
	unknown := b.post("/signin", "email", "nobody@minato.example", "password", password)
	wrong := b.post("/signin", "email", "sato@minato.example", "password", "wrong words here")
	if unknown.code != wrong.code || strings.ReplaceAll(unknown.body, "nobody@", "sato@") != wrong.body {
		t.Errorf("an address can be found out: %d, %d", unknown.code, wrong.code)
	}
	wrong.is(403, "メールアドレスかパスワードが違います", "!wrong words here")

	// The password alone opens nothing; the deep link survives the second factor.
	b.get("/devices?q=CT").leads("/signin?next=%2Fdevices%3Fq%3DCT")
	b.get("/signin?next=%2Fdevices%3Fq%3DCT").is(200, `value="/devices?q=CT"`)
	b.post("/signin", "email", "SATO@minato.example ", "password", password, "next", "/devices?q=CT").leads("/signin/second")
	pendingToken := b.token()
	b.get("/").leads("/signin?next=%2F")
	b.post("/me/passkey/options").is(403)
	b.get("/me/totp").leads("/signin?next=%2Fme%2Ftotp")

	b.post("/signin/second", "code", "123456").is(403, "コードが違うか")
	used := s.code(secret)
	b.post("/signin/second", "code", used).leads("/devices?q=CT")
	if b.token() == pendingToken {
		t.Error("the cookie did not change with the second factor")
	}
	if _, err := s.Account.Session(t.Context(), pendingToken); err == nil {
		t.Error("the pending cookie became an open one: fixation")
	}
	b.get("/").is(200)

	// A code works once, also in another browser.
	replay := s.browser()
	replay.post("/signin", "email", "sato@minato.example", "password", password).leads("/signin/second")
	replay.post("/signin/second", "code", used).is(403)
	replay.post("/signin/recovery", "code", "AAAA-BBBB").is(403, "復旧コードが違う")
	replay.post("/signin/recovery", "code", strings.ToLower(codes[0])).leads("/")
	again := s.browser()
	again.post("/signin", "email", "sato@minato.example", "password", password)
	again.post("/signin/recovery", "code", codes[0]).is(403)

	// Sign-out ends the session on the server, not only in the browser.
	kept := b.token()
	b.post("/signout").leads("/signin")
	if _, err := s.Account.Session(t.Context(), kept); err == nil {
		t.Error("the session lives on after the sign-out")
	}
	b.get("/signin").is(200, "サインアウトしました")
	admin.get("/").is(200)

	// An expired session says so, and htmx is sent to the door.
	s.add(13 * time.Hour)
	r, _ := http.NewRequest(http.MethodGet, admin.base+"/jobs/live", nil)
	r.Header.Set("HX-Request", "true")
	if g := admin.send(r).is(401); g.header.Get("HX-Redirect") != "/signin" {
		t.Errorf("HX-Redirect %q", g.header.Get("HX-Redirect"))
	}
	admin.post("/me/codes").leads("/signin")
	admin.get("/signin?next=%2Fme").is(200, "しばらく操作がなかった")
}

func TestFixation(t *testing.T) {
	s := openSite(t, nil)
	_, secret, _ := s.setUp()
	b := s.browser()
	u, _ := url.Parse(b.base)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: s.cookieName(), Value: "attacker-knows-this", Path: "/"}})
	b.post("/signin", "email", "sato@minato.example", "password", password).leads("/signin/second")
	if b.token() == "attacker-knows-this" {
		t.Fatal("the given cookie was taken over")
	}
	b.post("/signin/second", "code", s.code(secret)).leads("/")
	first := b.token()

	// Signing in again ends the session that the browser had.
	s.add(time.Minute)
	b.post("/signin", "email", "sato@minato.example", "password", password).leads("/signin/second")
	if _, err := s.Account.Session(t.Context(), first); err == nil {
		t.Error("the session from before lives on")
	}
}

func TestOpenRedirect(t *testing.T) {
	s := openSite(t, nil)
	b, secret, _ := s.setUp()
	for _, to := range []string{"//evil.example", "https://evil.example", "/\t/evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\n/evil.example", "evil.example", "/%0a/evil.example"} {
		for _, g := range []got{
			b.post("/language", "lang", "ja", "back", to),
			b.post("/facility", "facility", string(s.facility()), "back", to),
			b.get("/signin?next=" + url.QueryEscape(to)),
		} {
			at := g.header.Get("Location")
			if at != "/" && at != "/%0a/evil.example" { // the last stays on this server: it is a path
				t.Errorf("%q leads to %q", to, at)
			}
		}
	}
	// Through both stages of a sign-in.
	other := s.browser()
	other.get("/signin?next=%2F%2Fevil.example").is(200, `name="next" value=""`)
	other.post("/signin", "email", "sato@minato.example", "password", password, "next", "//evil.example").leads("/signin/second")
	other.post("/signin/second", "code", s.code(secret)).leads("/")
}

func TestGuessingIsSlowed(t *testing.T) {
	s := openSite(t, nil)
	_, secret, _ := s.setUp()
	b := s.browser()
	for range 6 {
		b.post("/signin", "email", "sato@minato.example", "password", "wrong words").is(403)
	}
	b.post("/signin", "email", "sato@minato.example", "password", password).is(429, "待ってから", "sato@minato.example")
	s.add(time.Hour)
	b.post("/signin", "email", "sato@minato.example", "password", password).leads("/signin/second")
	slowed := false
	for range 8 {
		slowed = slowed || b.post("/signin/second", "code", "000000").code == 429
	}
	if !slowed {
		t.Error("codes can be tried without end")
	}
	s.add(time.Hour)
	b.post("/signin", "email", "sato@minato.example", "password", password).leads("/signin/second")
	b.post("/signin/second", "code", s.code(secret)).leads("/")
}

func TestCookieFlags(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := openSite(t, func(d *Deps, _ *account.Options, _ *httptest.Server) { d.TLS = secure })
		s.setUp()
		b := s.browser()
		g := b.post("/signin", "email", "sato@minato.example", "password", password, "next", "/me").leads("/signin/second")
		name := "kenshin"
		if secure {
			name = "__Host-kenshin"
			if !strings.Contains(g.header.Get("Strict-Transport-Security"), "max-age=") {
				t.Error("browsers are not told to stay with HTTPS")
			}
		}
		found := false
		for _, line := range g.header.Values("Set-Cookie") {
			if !strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") || !strings.Contains(line, "Path=/") ||
				strings.Contains(line, "Domain=") || strings.Contains(line, "Secure") != secure {
				t.Errorf("TLS %v: %s", secure, line)
			}
			found = found || strings.HasPrefix(line, name+"=")
		}
		if !found {
			t.Errorf("TLS %v: no cookie %s in %q", secure, name, g.header.Values("Set-Cookie"))
		}
	}
}

func TestForeignRequests(t *testing.T) {
	s := openSite(t, func(d *Deps, _ *account.Options, _ *httptest.Server) {
		d.Site.Hosts = []string{"localhost", "127.0.0.1"}
	})
	b, _, _ := s.setUp()
	for name, header := range map[string][2]string{"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "same site, other origin": {"Sec-Fetch-Site", "same-site"},
		"old browser": {"Origin", "https://evil.example"}} {
		r, _ := http.NewRequest(http.MethodPost, b.base+"/me/codes", nil)
		r.Header.Set(header[0], header[1])
		if g := b.send(r); g.code != 403 {
			t.Errorf("%s: %d", name, g.code)
		}
	}
	// A name that somebody else points here gets nothing; links are not made of it either.
	r, _ := http.NewRequest(http.MethodGet, b.base+"/signin", nil)
	r.Host = "evil.example"
	b.send(r).is(421, "!<form")

	r, _ = http.NewRequest(http.MethodPost, b.base+"/signin", strings.NewReader("email="+strings.Repeat("a", 2<<20)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.send(r).is(413, "大きすぎます")
	r, _ = http.NewRequest(http.MethodPost, b.base+"/signin/passkey/verify", strings.NewReader(strings.Repeat("a", 100<<10)))
	r.Header.Set("Accept", "application/json")
	b.send(r).is(413, `"detail":`)
	b.get("/no/such/page").is(404, "そのページはありません")
	s.browser().get("/no/such/page").is(404)
}

func TestInvitationLinkIgnoresHost(t *testing.T) {
	s := openSite(t, nil)
	b, _, _ := s.setUp()
	r, _ := http.NewRequest(http.MethodPost, b.base+"/people/invite", strings.NewReader(url.Values{"email": {"k@minato.example"}, "role": {string(actor.Auditor)}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Host = "evil.example"
	r.AddCookie(&http.Cookie{Name: s.cookieName(), Value: b.token()}) // the jar keeps it from a foreign host, as browsers do
	g := b.send(r).leads("/people")
	r, _ = http.NewRequest(http.MethodGet, b.base+"/people", nil)
	for _, line := range g.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			r.AddCookie(c)
		}
	}
	b.send(r).is(200, s.Site.URL+"/invite/", "!evil.example/invite")
}
