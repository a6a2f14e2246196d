package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/internal/dbtest"
	"kenshin/supplier"
)

func addSupplierNamed(name string) supplier.Supplier {
	return supplier.Supplier{Name: name, Kind: supplier.Other}
}

func TestBadInputGetsOneClearProblem(t *testing.T) {
	r := sqlite(t)
	device := "/devices/" + r.ids["device"]
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		place              string
	}{
		{"an unknown field", "PATCH", device, `{"word":{"nmae":"x"}}`, 422, "body.word.nmae"},
		{"an unknown property", "PATCH", device, `{"wrod":{}}`, 422, "body.wrod"},
		{"a wrong type", "PATCH", device, `{"word":{"name":5}}`, 422, "body.word.name"},
		{"a wrong choice", "PATCH", device, `{"word":{"kind":"spaceship"}}`, 422, "body.word.kind"},
		{"a wrong state", "PATCH", device, `{"state":"gone"}`, 422, "body.state"},
		{"a wrong date", "PATCH", device, `{"word":{"purchased":"tomorrow"}}`, 422, ""},
		{"no JSON", "PATCH", device, `{"word":`, 400, "body"},
		{"no body", "PATCH", device, nil, 400, ""},
		{"a list where an object belongs", "PATCH", device, `[]`, 422, "body"},
		{"no word", "POST", "/devices", `{"word":{}}`, 422, ""},
		{"a missing property", "POST", "/systems", `{}`, 422, "body"},
		{"a wrong prefix", "POST", "/segments", `{"prefix":"10.0.0.0/99"}`, 422, ""},
		{"no prefix at all", "POST", "/segments", `{"prefix":"hospital"}`, 422, ""},
		{"a public range", "POST", "/segments", `{"prefix":"8.8.8.0/24","routed":true}`, 403, ""},
		{"a huge range", "POST", "/segments", `{"prefix":"10.0.0.0/8","routed":true}`, 413, ""},
		{"an overlap", "POST", "/segments", `{"prefix":"10.1.0.0/25","routed":true}`, 409, ""},
		{"a wrong address", "POST", "/unlocks", `{"ip":"nowhere","until":"2026-11-20T10:00:00Z","reason":"x"}`, 422, ""},
		{"a wrong time", "POST", "/unlocks", `{"mac":"00:1b:54:00:00:01","until":"soon","reason":"x"}`, 422, "body.until"},
		{"an unknown parameter", "GET", "/devices?colour=red", nil, 422, "query.colour"},
		{"a wrong number", "GET", "/devices?limit=many", nil, 422, "query.limit"},
		{"too many rows", "GET", "/devices?limit=501", nil, 422, "query.limit"},
		{"a wrong order", "GET", "/devices?sort=colour", nil, 422, "query.sort"},
		{"a wrong cursor", "GET", "/devices?cursor=x", nil, 422, ""},
		{"a wrong cursor", "GET", "/trail?cursor=-5", nil, 422, ""},
		{"a wrong cursor", "GET", "/frames/sent?cursor=e30", nil, 422, ""},
		{"a wrong cursor", "GET", "/findings?cursor=zzz", nil, 422, ""},
		{"a wrong cursor", "GET", "/observations?cursor=zzz", nil, 422, ""},
		{"a wrong cursor", "GET", "/events?cursor=zzz", nil, 422, ""},
		{"a wrong time", "GET", "/events?since=yesterday", nil, 422, "query.since"},
		{"an unknown device", "GET", "/devices/x", nil, 404, ""},
		{"an unknown address", "GET", "/colours", nil, 404, ""},
		{"a wrong method", "DELETE", "/devices", nil, 405, ""},
		{"CSV of what is no table", "GET", "/words?format=csv", nil, 422, ""},
	} {
		a := r.admin(c.method, c.path, c.body, "Accept-Language", "en")
		if a.StatusCode != c.status || a.Header.Get("Content-Type") != "application/problem+json" || a.str("detail") == "" || a.str("request") == "" ||
			a.str("request") != a.Header.Get("X-Request-Id") || a.body["status"] != float64(c.status) {
			t.Errorf("%s: %d, want %d: %s", c.name, a.StatusCode, c.status, a.text)
			continue
		}
		if c.place != "" && !strings.Contains(a.text, `"location":"`+c.place) {
			t.Errorf("%s: no place %s in %s", c.name, c.place, a.text)
		}
	}
	if a := r.admin("DELETE", "/devices", nil); a.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := r.admin("PATCH", device, `{"word":{"notes":"`+strings.Repeat("x", 1<<20)+`"}}`); a.StatusCode != 413 || a.str("code") != "too-large" {
		t.Errorf("a huge body: %d %s", a.StatusCode, a.text)
	}
	if a := r.admin("PATCH", device, "<xml/>", "Content-Type", "application/xml"); a.StatusCode != 415 {
		t.Errorf("XML: %d %s", a.StatusCode, a.text)
	}
}

func TestProblemsSpeakTheCallersLanguage(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	for accept, want := range map[string]string{"": "台帳にありません", "ja": "台帳にありません", "ja-JP,en;q=0.5": "台帳にありません", "en-GB,ja;q=0.1": "no such device", "fr, de": "no such device",
		";;;": "台帳にありません"} {
		if a := r.admin("GET", "/devices/x", nil, "Accept-Language", accept); !strings.Contains(a.str("detail"), want) {
			t.Errorf("%q: %s", accept, a.str("detail"))
		}
	}
	if a := r.admin("POST", "/segments", `{"prefix":"hospital"}`, "Accept-Language", "ja"); a.StatusCode != 422 || !strings.Contains(a.str("detail"), "「hospital」は区画の範囲として読めません") {
		t.Errorf("no range: %s", a.text)
	}
	if a := r.admin("GET", "/devices?limit=many&colour=red", nil, "Accept-Language", "ja"); !strings.Contains(a.text, "知らない指定です") {
		t.Errorf("mistakes: %s", a.text)
	}
}

// A script that asks too fast is told to wait, and how long; others are not touched.
func TestRateLimit(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	d := r.Deps
	d.Rate, d.Work = 5, newHouse(r, nil)
	h, err := New(d)
	r.must(err)
	ask := func(role actor.Role) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		q := httptest.NewRequest("GET", root+"/events", nil)
		q.Header.Set("Authorization", "Bearer "+r.tokens[role])
		h.ServeHTTP(w, q)
		return w
	}
	for i := range 10 {
		if w := ask(actor.Admin); w.Code != 200 {
			t.Fatalf("request %d: %d", i, w.Code)
		}
	}
	if w := ask(actor.Admin); w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"code":"rate"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask(actor.Auditor); w.Code != 200 {
		t.Errorf("another token: %d", w.Code)
	}
	r.now = r.now.Add(time.Second)
	if w := ask(actor.Admin); w.Code != 200 {
		t.Errorf("a second later: %d", w.Code)
	}
}

// A revoked token is refused at once, and one of a facility opens that facility alone.
func TestTokens(t *testing.T) {
	r := sqlite(t)
	text, token, err := r.Account.AddToken(context.Background(), r.f, "夜間", actor.Auditor, time.Hour)
	r.must(err)
	if a := r.send(text, "GET", root+"/devices", nil); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	r.now = r.now.Add(2 * time.Hour)
	if a := r.send(text, "GET", root+"/devices", nil); a.StatusCode != 401 {
		t.Errorf("an expired token: %d", a.StatusCode)
	}
	r.now = start
	r.must(r.Account.RevokeToken(context.Background(), r.f, token.ID))
	if a := r.send(text, "GET", root+"/devices", nil); a.StatusCode != 401 || a.str("code") != "token" {
		t.Errorf("a revoked token: %d %s", a.StatusCode, a.text)
	}
	for _, header := range []string{"Basic abc", "Bearer", "Bearer  ", "bearer " + r.tokens[actor.Admin] + "x", strings.Repeat("x", 5000)} {
		if a := r.send("", "GET", root+"/devices", nil, "Authorization", header); a.StatusCode != 401 {
			t.Errorf("%.20q: %d", header, a.StatusCode)
		}
	}
	if a := r.send("", "GET", root+"/devices", nil, "Authorization", "bearer "+r.tokens[actor.Admin]); a.StatusCode != 200 {
		t.Errorf("a scheme in lower case: %d", a.StatusCode)
	}
}

// Whatever is sent, the API answers with a status below 500 and never shows the other facility.
func FuzzRequest(f *testing.F) {
	r := sqlite(f)
	d := r.Deps
	d.Work = newHouse(r, nil)
	h, err := New(d)
	r.must(err)
	ids := r.ids
	for _, rt := range r.routes() {
		f.Add(rt.method, fill(rt.path, ids), "limit=3&cursor=x", `{"word":{"name":"x"}}`, `"1"`)
	}
	f.Add("PATCH", "/devices/"+ids["device"], "", `{"word":{"extra":{"a":null},"medical":null,"purchased":"平成元年"}}`, "")
	f.Add("GET", "/frames/sent", "cursor=eyJob3VyIjoiMjAyNi0xMS0yMFQwOTowMDowMFoifQ", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, body, match string) {
		q, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/", io.NopCloser(strings.NewReader(body)))
		if err != nil {
			t.Skip("not a method of HTTP")
		}
		q.URL.Path, q.URL.RawQuery = root+path, query
		q.Header = http.Header{"Authorization": {"Bearer " + r.tokens[actor.Admin]}, "If-Match": {match}, "Content-Type": {"application/json"}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s?%s %q: %d %s", method, path, query, body, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), canaryMark) {
			t.Errorf("%s %s?%s shows the other facility", method, path, query)
		}
	})
}
