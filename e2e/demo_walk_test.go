package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kenshin/internal/bintest"
	"kenshin/internal/browsertest"
)

// login is a person of the demo as kenshin demo names them.
type login struct{ email, password string }

// demoPeople makes the fictitious hospital with the real program, serves it, and says who may enter: the administrator and the trainer.
func demoPeople(t *testing.T) (*bintest.Server, []login) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	made := exec.Command(filepath.Join(bintest.Dir(t), "kenshin"), "demo", "--data", data)
	made.Env = append(os.Environ(), "LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo")
	out, err := made.CombinedOutput()
	if err != nil {
		t.Fatalf("kenshin demo: %v\n%s", err, out)
	}
	emails, passwords := regexp.MustCompile(`\S+@kenshin\.invalid`).FindAllString(string(out), -1), regexp.MustCompile(`パスワード: *(\S+)`).FindAllSubmatch(out, -1)
	if len(emails) != 2 || len(passwords) != 2 {
		t.Fatalf("kenshin demo does not say how to enter:\n%s", out)
	}
	var people []login
	for i, e := range emails {
		people = append(people, login{e, string(passwords[i][1])})
	}
	server := bintest.Serve(t, []string{"LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo"}, "--data", data, "--listen", freeAddress(t))
	server.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return server, people
}

// demoHouse is the fictitious hospital with its administrator signed in.
func demoHouse(t *testing.T) (*browsertest.Tab, *bintest.Server) {
	t.Helper()
	server, people := demoPeople(t)
	return signIn(t, server, people[0]), server
}

// signIn signs somebody in with a passkey.
func signIn(t *testing.T, server *bintest.Server, who login) *browsertest.Tab {
	t.Helper()
	tab := browsertest.OpenFor(t, 15*time.Minute) // some eighty pages
	tab.Authenticator()
	tab.Go(server.URL + "/signin")
	tab.Type("[name=email]", who.email)
	tab.Type("[name=password]", who.password+"\r")
	tab.Wait("document.querySelector('[data-passkey=create]') && !document.querySelector('[data-passkey=create]').hidden")
	tab.Click("[data-passkey=create] button")
	tab.Wait("location.pathname === '/me'")
	return tab
}

// freeAddress is a loopback address that nobody listens at: a passkey belongs to the address that the server was told.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// inLanguage switches the console's language by its own button.
func inLanguage(tab *browsertest.Tab, address, lang string) {
	tab.Go(address + "/help")
	if browsertest.Run(tab, chromedp.Evaluate[string]("document.documentElement.lang")) != lang {
		tab.Click("button[name=lang][value=" + lang + "]")
		tab.Wait("document.documentElement.lang === '" + lang + "'")
	}
}

// firstLink is where the first link of a page whose address matches leads; "" when there is none.
func firstLink(tab *browsertest.Tab, pattern string) string {
	return browsertest.Run(tab, chromedp.Evaluate[string](fmt.Sprintf(
		"([...document.querySelectorAll('main a')].map(a => a.getAttribute('href')).find(h => new RegExp(%q).test(h))) || ''", pattern)))
}

// TestDemo is a person before the fictitious hospital: the pictures of the README, every page in both languages, a merge and a split.
func TestDemo(t *testing.T) {
	tab, server := demoHouse(t)
	pictures(tab, server.URL)
	walk(t, tab, server.URL)
	walkYearly(t, tab, server.URL)
	mergeAndSplit(t, tab, server.URL)
}

// pictures takes those that docs/picture keeps (scripts/pictures.sh): all of the demo, all of one size.
func pictures(tab *browsertest.Tab, address string) {
	tab.Go(address + "/sweeps")
	sweep := firstLink(tab, one("/sweeps"))
	tab.Go(address + "/devices?q=CT")
	device := firstLink(tab, one("/devices"))
	tab.Go(address + "/dock")
	dock := firstLink(tab, one("/dock"))
	for name, at := range map[string]string{"home": "/", "ledger": "/devices", "device": device, "sweep": sweep, "segments": "/segments", "level": "/level", "result": dock} {
		tab.Go(address + at)
		tab.Screenshot("picture-" + name)
	}
}

// one matches the addresses of single records below a list's.
func one(list string) string { return "^" + list + "/[0-9a-f-]{36}$" }

var ids = regexp.MustCompile(`/[0-9a-f-]{36}`)

// walk opens every page of the console on the demo's data, in both languages.
func walk(t *testing.T, tab *browsertest.Tab, address string) {
	pages := []string{"/", "/devices", "/devices/new", "/devices/print", "/import", "/systems", "/systems/new", "/vendors", "/vendors/new", "/findings", "/sweeps", "/segments",
		"/segments/new", "/segments/sent", "/jobs", "/people", "/me", "/trail", "/trail/seals", "/settings", "/help"}
	for list, below := range map[string][]string{"/devices": {"", "/edit", "/history", "/merge", "/split"}, "/systems": {"", "/edit"}, "/vendors": {"", "/edit"},
		"/findings": {""}, "/sweeps": {""}, "/segments": {""}} {
		tab.Go(address + list)
		first := firstLink(tab, one(list))
		if first == "" {
			t.Errorf("%s leads to no record", list)
			continue
		}
		for _, what := range below {
			pages = append(pages, first+what)
		}
	}
	for _, lang := range []string{"ja", "en"} {
		inLanguage(tab, address, lang)
		for _, at := range pages {
			tab.Go(address + at)
			name := "demo-" + lang + strings.ReplaceAll(strings.TrimSuffix(ids.ReplaceAllString(at, "/one"), "/"), "/", "-")
			tab.Full(name)
			fits(t, tab, name)
			if lang == "ja" { // the other language has the same structure and colours
				tab.Axe(name)
			}
			if lang == "ja" && (at == "/" || at == "/devices/print" || at == "/trail/seals" || strings.HasPrefix(at, "/findings/")) {
				tab.PrintPDF(name)
			}
			if left := browsertest.Run(tab, chromedp.Evaluate[string](japaneseWords)); lang == "en" && left != "" {
				t.Errorf("%s: Japanese is left in English: %s", name, left)
			}
		}
	}
}

// fits fails when a page is wider than the screen: something is cut off at the right.
func fits(t *testing.T, tab *browsertest.Tab, name string) {
	t.Helper()
	if over := browsertest.Run(tab, chromedp.Evaluate[int]("document.documentElement.scrollWidth - innerWidth")); over > 0 {
		t.Errorf("%s is %d pixels wider than the screen", name, over)
	}
}

// japaneseWords lists the headings, labels and buttons that hold kana. What people called their things stays as they wrote it: links and
// cells of tables are not looked at, nor the titles of records.
const japaneseWords = `[...document.querySelectorAll("nav a, main h2, main legend, main label, main dt, main th[scope=col], main button, main .hint")]
	.filter(e => !e.closest(".pick, .log, .todo, [role=radiogroup], dialog"))
	.map(e => [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join(""))
	.filter(s => /[\u3040-\u30ff]/.test(s)).join(" | ")`

// mergeAndSplit does what somebody does who finds a notebook twice in the list: one line of the two, thinks better of it, does it again
// and takes a card out.
func mergeAndSplit(t *testing.T, tab *browsertest.Tab, address string) {
	says := func(text string) string {
		return fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text)
	}
	count := func() int {
		tab.Go(address + "/devices?q=Fujitsu")
		tab.Wait("document.readyState === 'complete'")
		return browsertest.Run(tab, chromedp.Evaluate[int]("document.querySelectorAll('main tbody tr').length"))
	}
	before := count()
	if before < 2 {
		t.Fatalf("%d devices by Fujitsu in the demo", before)
	}
	device := firstLink(tab, one("/devices"))
	merge := func() {
		tab.Go(address + device)
		tab.Click("details.menu summary")
		tab.Click("a[href$='/merge']")
		tab.Type("main input[name=q]", "Fujitsu\r")
		tab.Wait("location.search.includes('q=') && !!document.querySelector('button[name=other]')")
		tab.Full("demo-merge")
		tab.Click("button[name=other]")
		tab.Wait(says("同じ機器としてまとめました"))
	}
	merge()
	tab.Full("demo-merged")
	fits(t, tab, "a device with several cards")
	tab.Click(".flash form button")
	tab.Wait(says("元に戻しました"))
	if n := count(); n != before {
		t.Errorf("after the undo %d devices, before %d", n, before)
	}
	merge()
	if n := count(); n != before-1 {
		t.Errorf("merged: %d devices, before %d", n, before)
	}
	tab.Go(address + device + "/split")
	tab.Click("main input[name=mac]")
	tab.Full("demo-split")
	tab.Click("main form .actions button.btn")
	tab.Wait(says("別の機器に分けました"))
	tab.Full("demo-splitted")
	tab.Go(address + device)
	if n := browsertest.Run(tab, chromedp.Evaluate[int]("[...document.querySelectorAll('dd')].map(d => d.innerText).join(' ').match(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g).length")); n != 1 {
		t.Errorf("after the split the device still has %d cards", n)
	}
}
