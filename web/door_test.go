package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/dock"
	"kenshin/event"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/identify"
	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/supplier"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// site is an installation that nobody has set up yet, behind a real server.
type site struct {
	*Server
	*clock
	t    testing.TB
	http *httptest.Server
}

func openSite(t testing.TB, tune func(*Deps, *account.Options, *httptest.Server)) *site {
	t.Helper()
	s := &site{clock: &clock{now: time.Now()}, t: t}
	db, box, log := dbtest.SQLite(t), seal.NewBox(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var handler http.Handler
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	address := "http://" + strings.Replace(s.http.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	o := account.Options{Cost: account.Cost{Memory: 64, Passes: 1, Threads: 1}, Now: s.Now, RPID: "localhost", Origins: []string{address}}
	d := Deps{DB: db, Box: box, Log: log, Now: s.Now, Version: "1.2.3", Site: Site{URL: address, Database: "SQLite"}}
	if tune != nil {
		tune(&d, &o, s.http)
	}
	var err error
	d.Account, err = account.New(db, box, o)
	s.must(err)
	d.Jobs, err = job.New(db, job.Settings{})
	s.must(err)
	d.Identify, err = identify.New(nil)
	s.must(err)
	d.Seen, d.Findings, d.Events, d.Suppliers = observation.New(db), finding.New(db, s.Now), event.New(db), supplier.New(db, s.Now)
	d.Registers = register.New(db, s.Now)
	d.Ledger = ledger.Open(db, ledger.Options{})
	d.Sheets, d.Gates = sheet.New(db, d.Ledger), gate.NewBook(db, box, s.Now)
	d.Docks = dock.New(db, dock.Options{Box: box, Houses: d.Account, Findings: d.Findings, Ledger: d.Ledger, Suppliers: d.Suppliers, Gates: d.Gates, Registers: register.New(db, s.Now), Now: s.Now})
	h := &house{ident: d.Identify, gates: map[facility.ID]*gate.Gate{}}
	d.Work = h
	s.Server = New(d)
	h.Server, handler = s.Server, s.Handler()
	if d.TLS {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(s.http.Close)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// browser is somebody with cookies.
type browser struct {
	*http.Client
	s    *site
	base string
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	c := s.http.Client()
	client := &http.Client{Transport: c.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &browser{Client: client, s: s, base: s.http.URL}
}

// page is what a browser got.
type got struct {
	t      testing.TB
	code   int
	body   string
	header http.Header
}

func (b *browser) send(r *http.Request) got {
	b.s.t.Helper()
	res, err := b.Do(r)
	b.s.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.s.must(err)
	return got{b.s.t, res.StatusCode, string(body), res.Header}
}

func (b *browser) get(path string) got {
	b.s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	b.s.must(err)
	return b.send(r)
}

func (b *browser) post(path string, fields ...string) got {
	b.s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	b.s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// token is the session cookie's value.
func (b *browser) token() string {
	u, err := url.Parse(b.base)
	b.s.must(err)
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == b.s.cookieName() {
			return c.Value
		}
	}
	return ""
}

func (g got) is(code int, texts ...string) got {
	g.t.Helper()
	if g.code != code {
		g.t.Errorf("status %d, want %d (to %s)\n%s", g.code, code, g.header.Get("Location"), plainText(g.body))
	}
	for _, s := range texts {
		not, found := strings.CutPrefix(s, "!")
		if found == strings.Contains(g.body, not) {
			g.t.Errorf("the page holds %q: %v\n%s", not, found, plainText(g.body))
		}
	}
	return g
}

func (g got) leads(to string) got {
	g.t.Helper()
	if g.code != http.StatusSeeOther || g.header.Get("Location") != to {
		g.t.Errorf("%d to %q, want 303 to %q\n%s", g.code, g.header.Get("Location"), to, plainText(g.body))
	}
	return g
}

var secretIn = regexp.MustCompile(`class="code">([A-Z2-7 ]{20,})<`)

// secret is the code app's secret that a page shows.
func (g got) secret() string {
	g.t.Helper()
	m := secretIn.FindStringSubmatch(g.body)
	if m == nil {
		g.t.Fatalf("no secret on the page\n%s", plainText(g.body))
	}
	return strings.ReplaceAll(m[1], " ", "")
}

func (s *site) code(secret string) string {
	s.t.Helper()
	code, err := totp.GenerateCode(secret, s.Now())
	s.must(err)
	return code
}

// setUp goes through the first setup and returns the admin's browser, with the app's secret and the recovery codes.
func (s *site) setUp() (b *browser, secret string, codes []string) {
	s.t.Helper()
	b = s.browser()
	code, err := s.Account.SetupCode(context.Background())
	s.must(err)
	b.get("/setup?code=" + code).leads("/setup")
	b.post("/setup", "step", "facility", "facility", "みなと病院", "beds", "199").leads("/setup")
	b.post("/setup", "step", "admin", "name", "佐藤 恵", "email", "sato@minato.example", "password", password, "again", password).leads("/setup")
	secret = b.get("/setup").is(200).secret()
	b.post("/setup", "step", "second", "totp", s.code(secret)).leads("/setup/done")
	for _, m := range recoveryIn.FindAllStringSubmatch(b.get("/setup/done").is(200).body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		s.t.Fatalf("%d recovery codes", len(codes))
	}
	s.add(time.Minute)
	return b, secret, codes
}

var recoveryIn = regexp.MustCompile(`<li>([A-Z2-7]{4}-[A-Z2-7-]+)</li>`)

func (s *site) facility() facility.ID {
	s.t.Helper()
	all, err := s.Account.Facilities(context.Background())
	s.must(err)
	return all[0].ID
}

// join invites somebody and lets that person set the account up in a browser of its own.
func (s *site) join(admin *browser, mail string, role actor.Role) (b *browser, secret string) {
	s.t.Helper()
	admin.post("/people/invite", "email", mail, "role", string(role)).leads("/people")
	link := linkIn.FindStringSubmatch(admin.get("/people").is(200).body)
	if link == nil {
		s.t.Fatal("no link is shown")
	}
	b = s.browser()
	b.get(link[1]).is(200, mail, "みなと病院")
	b.post(link[1], "name", "鈴木 一郎", "password", password, "again", password).leads("/signin/second")
	secret = b.get("/signin/second").is(200).secret()
	b.post("/signin/second", "code", s.code(secret)).leads("/me")
	b.get("/me").is(200, "復旧コードです")
	s.add(time.Minute)
	return b, secret
}

var linkIn = regexp.MustCompile(`id="invite-url">https?://[^/]+(/invite/[A-Za-z0-9_-]+)<`)

func (b *browser) request(path string) *http.Request {
	b.s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	b.s.must(err)
	return r
}
