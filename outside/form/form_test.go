package form

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/internal/browsertest"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/supplier"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

type houses struct{}

func (houses) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: "見本総合病院", Zone: "Asia/Tokyo"}, nil
}

// rig is the pages on a port of their own, and a hospital with one vendor of two systems.
type rig struct {
	t       *testing.T
	book    *inquiry.Book
	base    string
	systems []string
	log     *bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	db := dbtest.SQLite(t)
	r := &rig{t: t, log: &bytes.Buffer{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	r.base = "http://" + l.Addr().String()
	suppliers, book := supplier.New(db, time.Now), ledger.Open(db, ledger.Options{})
	r.book = inquiry.NewBook(inquiry.Deps{DB: db, Houses: houses{}, Ledger: book, Suppliers: suppliers, Findings: finding.New(db, time.Now), Now: time.Now,
		Catalogues: func(context.Context) (catalogue.Set, error) { return catalogue.Embedded() }})
	v, err := suppliers.Save(r.ctx(), dbtest.Facility, supplier.Supplier{Name: "㈱髙﨑システム"})
	r.must(err)
	for _, name := range []string{"電子カルテ", "PACS"} {
		s, err := book.SaveSystem(r.ctx(), dbtest.Facility, ledger.System{Name: name, VendorID: v.ID})
		r.must(err)
		r.systems = append(r.systems, s.ID)
	}
	r.must(r.book.SaveSettings(r.ctx(), dbtest.Facility, inquiry.Settings{Base: r.base, Contact: "情報システム室 佐藤（内線1234）", Days: 60, Weeks: 4}))
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	pages := New(Deps{Book: r.book, Log: log}).Handler()
	server := HTTPServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.Header.Set("Accept-Language", "ja") // Chromium here would ask for English
		pages.ServeHTTP(w, q)
	}), log)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return r
}

func (r *rig) ctx() context.Context {
	return actor.With(r.t.Context(), actor.Actor{Kind: actor.Person, ID: "p-1", Name: "情報 太郎", Role: actor.Admin})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// ask makes a link for one system.
func (r *rig) ask(n int) (address string, i inquiry.Inquiry) {
	r.t.Helper()
	letters, _, err := r.book.AskVendors(r.ctx(), dbtest.Facility, r.systems[n:n+1], time.Time{}, "契約の更新に間に合うよう、お願いします。")
	r.must(err)
	return letters[0].Links[0].Address, letters[0].Links[0].Inquiry
}

// browser is one person's: it keeps cookies and follows redirects.
func (r *rig) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	r.must(err)
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func (r *rig) get(c *http.Client, address string) (int, string, http.Header) {
	r.t.Helper()
	a, err := c.Get(address)
	r.must(err)
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	r.must(err)
	return a.StatusCode, string(body), a.Header
}

func (r *rig) post(c *http.Client, address string, f url.Values) (int, string) {
	r.t.Helper()
	a, err := c.PostForm(address, f)
	r.must(err)
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	r.must(err)
	return a.StatusCode, string(body)
}

func (r *rig) upload(c *http.Client, address, name string, content []byte) (int, string) {
	r.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {"application/octet-stream"}})
	r.must(err)
	_, err = part.Write(content)
	r.must(err)
	r.must(w.Close())
	a, err := c.Post(address, w.FormDataContentType(), &b)
	r.must(err)
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	r.must(err)
	return a.StatusCode, string(body)
}

// yes is the whole form answered.
func (r *rig) yes(i inquiry.Inquiry, do string, revision int) url.Values {
	r.t.Helper()
	_, items, err := r.book.Items(r.ctx(), i)
	r.must(err)
	f := url.Values{"do": {do}, "revision": {fmt.Sprint(revision)}, "by": {"髙﨑 一郎"}, "company": {"㈱髙﨑システム"}}
	for _, item := range items {
		f.Set("r."+item.ID, "yes")
	}
	return f
}

func TestAVendorAnswersWithoutAScript(t *testing.T) {
	r := newRig(t)
	link, i := r.ask(0)
	one, two := r.browser(), r.browser()
	code, page, h := r.get(one, link)
	if code != 200 || !strings.Contains(page, "見本総合病院") || !strings.Contains(page, "㈱髙﨑システム") || !strings.Contains(page, "電子カルテ") || !strings.Contains(page, "内線1234") {
		t.Fatalf("the form: %d", code)
	}
	if p := h.Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || !strings.Contains(p, "default-src 'none'") || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", h)
	}
	f := url.Values{"do": {"save"}, "revision": {"0"}, "r.r7v.2.2": {"yes"}, "n.r7v.2.2": {"保守回線あり"}, "by": {"髙﨑 一郎"}}
	if code, page = r.post(one, link, f); code != 200 || !strings.Contains(page, "保存しました") || !strings.Contains(page, "保守回線あり") {
		t.Fatalf("a draft: %d", code)
	}
	if _, page, _ = r.get(two, link); !strings.Contains(page, "別のブラウザーで") || !strings.Contains(page, "髙﨑 一郎") {
		t.Error("whoever gets the link forwarded is not told that somebody is writing")
	}
	stale := r.yes(i, "send", 0)
	stale.Set("r.r7v.2.2", "unknown")
	stale.Set("n.r7v.2.3", "書いたばかりの文")
	if code, page = r.post(two, link, stale); code != http.StatusConflict || !strings.Contains(page, "保守回線あり") || !strings.Contains(page, "書いたばかりの文") || !strings.Contains(page, `name="revision" value="1"`) {
		t.Errorf("two browsers at once: %d, both contents must be on the page", code)
	}
	if code, page = r.post(one, link, url.Values{"do": {"send"}, "revision": {"1"}, "r.r7v.2.2": {"no"}}); code != http.StatusUnprocessableEntity || !strings.Contains(page, `value="no" checked`) {
		t.Errorf("an incomplete form: %d; what was chosen must stay", code)
	}
	if code, page = r.post(one, link, r.yes(i, "send", 1)); code != 200 || !strings.Contains(page, "回答は届いています") {
		t.Fatalf("sending: %d %s", code, page)
	}
	for name, c := range map[string]*http.Client{"the same": one, "another": two} {
		if code, page, _ = r.get(c, link); code != 200 || !strings.Contains(page, "回答は届いています") || strings.Contains(page, "保守回線あり") {
			t.Errorf("opened again by %s browser: %d", name, code)
		}
	}
	if code, page = r.post(two, link, r.yes(i, "send", 2)); code != 200 || !strings.Contains(page, "回答は届いています") {
		t.Errorf("sent twice: %d", code)
	}
	if strings.Contains(r.log.String(), strings.TrimPrefix(link, r.base+"/f/")) {
		t.Error("a token is in the log")
	}
}

func TestEveryGateHasItsSentence(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	link, i := r.ask(0)
	if code, page, _ := r.get(c, link[:len(link)-1]+"!"); code != 404 || !strings.Contains(page, "見比べてください") || strings.Contains(page, "見本総合病院") {
		t.Errorf("nobody's link: %d", code)
	}
	r.must(r.book.Revoke(r.ctx(), dbtest.Facility, i.ID, "担当が替わった"))
	if code, page, _ := r.get(c, link); code != http.StatusGone || !strings.Contains(page, "取り消しました") || strings.Contains(page, "担当が替わった") {
		t.Errorf("a revoked link: %d", code)
	}
	other, _ := r.ask(1)
	if code, page := r.post(c, other+"/decline", url.Values{"reason": {""}, "by": {"a"}}); code != http.StatusUnprocessableEntity || !strings.Contains(page, "理由") {
		t.Errorf("a refusal without reason: %d", code)
	}
	if code, page := r.post(c, other+"/decline", url.Values{"reason": {"契約外"}, "by": {"髙﨑"}}); code != 200 || !strings.Contains(page, "回答しないと伝えられています") {
		t.Errorf("a refusal: %d", code)
	}
}

func TestHostileRequests(t *testing.T) {
	r := newRig(t)
	c := r.browser()
	link, i := r.ask(0)
	bad := r.yes(i, "save", 0)
	bad.Set("n.r7v.2.2", `<script>alert(1)</script>"><img src=x>`)
	bad.Set("r.nobody-asks", "yes")
	if code, page := r.post(c, link, bad); code != 200 || strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
		t.Errorf("markup in an answer: %d", code)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(r.yes(i, "send", 1).Encode()))
	r.must(err)
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	a, err := c.Do(q)
	r.must(err)
	_ = a.Body.Close()
	if got, err := r.book.Get(r.ctx(), dbtest.Facility, i.ID); err != nil || a.StatusCode != http.StatusForbidden || got.State != inquiry.Waiting {
		t.Errorf("a form of another site: %d, %v", a.StatusCode, got.State)
	}
	for name, content := range map[string]string{`..\\..\\MDS.pdf`: "%PDF", "/etc/passwd.txt": "x", "a.pdf.exe": "MZ", "MDS.pdf": "MZ\x00", "MDS.html": "<html>"} {
		if code, page := r.upload(c, link+"/file", name, []byte(content)); code != http.StatusUnprocessableEntity {
			t.Errorf("the file %q: %d %.200s", name, code, page)
		}
	}
	if code, _ := r.upload(c, link+"/file", "MDS.pdf", []byte("%PDF-1.7")); code != 200 {
		t.Errorf("a proper file: %d", code)
	}
	if code, _ := r.post(c, link, url.Values{"note": {strings.Repeat("x", 3<<20)}}); code != http.StatusRequestEntityTooLarge {
		t.Errorf("3 MB of text: %d", code)
	}
	for _, path := range []string{"/", "/f/", "/f/x/y/z", "/f/%00", "/f/" + strings.Repeat("a", 4000), "/devices", "/api/v1/systems", "/signin"} {
		if code, _, _ := r.get(c, r.base+path); code != 404 && code != 405 {
			t.Errorf("%.30s: %d", path, code)
		}
	}
	last := 0
	for n := range 30 { // guessing is slowed down
		last, _, _ = r.get(c, r.base+"/f/"+strings.Repeat("a", 31)+string(rune('a'+n%26)))
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the thirtieth guess: %d", last)
	}
	if code, _, _ := r.get(c, link); code != 200 {
		t.Errorf("a good link after guesses: %d", code)
	}
}

func TestANamelessSurvey(t *testing.T) {
	r := newRig(t)
	p, letters, err := r.book.StartSurvey(r.ctx(), dbtest.Facility, inquiry.Poll{Catalogue: "survey-departments"}, []inquiry.Department{{Name: "看護部"}})
	r.must(err)
	c := r.browser()
	link := letters[0].Links[0].Address
	if code, page, h := r.get(c, link); code != 200 || !strings.Contains(page, "名前は聞きません") || len(h.Values("Set-Cookie")) > 0 {
		t.Fatalf("the cover: %d, cookies %v", code, h.Values("Set-Cookie"))
	}
	for range 2 { // two people behind one link
		a, err := c.PostForm(link+"/begin", nil)
		r.must(err)
		body, err := io.ReadAll(a.Body)
		r.must(err)
		_ = a.Body.Close()
		if a.StatusCode != 200 || strings.Contains(string(body), `name="by"`) {
			t.Fatalf("the sheet: %d; it must not ask for a name", a.StatusCode)
		}
		sheet := a.Request.URL.String()
		if code, page := r.post(c, sheet, url.Values{"do": {"send"}, "revision": {"0"}, "v.survey.daily.usb": {"0"}, "by": {"名前を書いた"}}); code != 200 || !strings.Contains(page, "ご協力ありがとう") {
			t.Fatalf("sending: %d", code)
		}
	}
	tally, err := r.book.Tally(r.ctx(), dbtest.Facility, p.ID)
	if r.must(err); tally.Sent != 2 || tally.Shown {
		t.Errorf("%d sheets, shown %v", tally.Sent, tally.Shown)
	}
	sheets, err := r.book.Sheets(r.ctx(), dbtest.Facility, letters[0].Links[0].Inquiry.ID)
	r.must(err)
	for _, s := range sheets {
		if s.By != "" || s.Seat != "" || s.Changed.Add(9*time.Hour).Hour() != 0 {
			t.Errorf("a nameless sheet tells %q, %q, %v", s.By, s.Seat, s.Changed)
		}
	}
	r.must(r.book.CloseSurvey(r.ctx(), dbtest.Facility, p.ID))
	if code, page, _ := r.get(c, link); code != http.StatusGone || !strings.Contains(page, "調査は終わりました") {
		t.Errorf("a closed survey: %d", code)
	}
}

func TestPagesInChromium(t *testing.T) {
	r := newRig(t)
	link, _ := r.ask(0)
	tab := browsertest.Open(t)
	tab.Allow("422")
	tab.Go(link)
	tab.Axe("form")
	tab.Full("form")
	tab.Click(`input[name="r.r7v.2.3"][value=no]`)
	tab.Wait(`getComputedStyle(document.querySelector('[name="target.r7v.2.3"]').parentElement).display == "block"`)
	tab.Wait(`document.getElementById("autosave").textContent != ""`) // ten seconds after the change the draft is kept
	tab.Wait(`document.querySelector("[name=revision]").value == "1"`)
	tab.Click(`button[value=send]`)
	tab.Wait(`document.querySelector(".problem") != null`)
	tab.Axe("refused")
	tab.Viewport(390, 844)
	tab.Go(link)
	tab.Wait(`document.querySelector('input[name="r.r7v.2.3"][value=no]').checked`)
	tab.Axe("form on a telephone")
	tab.Screenshot("form-phone-top")
	tab.Wait(`document.documentElement.scrollWidth <= innerWidth`)
	tab.Full("form-phone")
	_, letters, err := r.book.StartSurvey(r.ctx(), dbtest.Facility, inquiry.Poll{Catalogue: "visit-23", Named: true}, []inquiry.Department{{Name: "放射線科"}})
	r.must(err)
	tab.Go(letters[0].Links[0].Address)
	tab.Axe("cover")
	tab.Screenshot("cover-phone")
	tab.Click(".btn")
	tab.Wait(`document.querySelector("fieldset") != null`)
	tab.Axe("survey")
	tab.Full("survey-phone")
}
