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

// demoHouse makes the fictitious hospital with the real program, serves it, and signs its person in with a passkey.
func demoHouse(t *testing.T) (*browsertest.Tab, *bintest.Server) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	made := exec.Command(filepath.Join(bintest.Dir(t), "kenshin"), "demo", "--data", data)
	made.Env = append(os.Environ(), "LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo")
	out, err := made.CombinedOutput()
	if err != nil {
		t.Fatalf("kenshin demo: %v\n%s", err, out)
	}
	said := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindSubmatch(out)
		if m == nil {
			t.Fatalf("kenshin demo does not say %s:\n%s", pattern, out)
		}
		return string(m[1])
	}
	server := bintest.Serve(t, []string{"LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo"}, "--data", data, "--listen", freeAddress(t))
	tab := browsertest.OpenFor(t, 15*time.Minute) // some eighty pages
	tab.Authenticator()
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	tab.Go(address + "/signin")
	tab.Type("[name=email]", said(`(\S+@kenshin\.invalid)`))
	tab.Type("[name=password]", said(`(?m)(?:Password|パスワード): *(\S+)`)+"\r")
	tab.Wait("document.querySelector('[data-passkey=create]') && !document.querySelector('[data-passkey=create]').hidden")
	tab.Click("[data-passkey=create] button")
	tab.Wait("location.pathname === '/me'")
	server.URL = address
	return tab, server
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

// TestDemoWalk opens every page of the console on the demo's data, in both languages.
func TestDemoWalk(t *testing.T) {
	tab, server := demoHouse(t)
	pages := []string{"/", "/devices", "/devices/new", "/import", "/systems", "/systems/new", "/vendors", "/vendors/new", "/findings", "/sweeps", "/segments", "/segments/new",
		"/segments/sent", "/jobs", "/people", "/me", "/trail", "/trail/seals", "/settings", "/settings/ca", "/help"}
	for list, pattern := range map[string]string{"/devices": `^/devices/[0-9a-f-]{36}$`, "/systems": `^/systems/[0-9a-f-]{36}$`, "/vendors": `^/vendors/[0-9a-f-]{36}$`,
		"/findings": `^/findings/[0-9a-f-]{36}$`, "/sweeps": `^/sweeps/[0-9a-f-]{36}$`, "/segments": `^/segments/[0-9a-f-]{36}$`, "/trail/seals": `^/trail/seals/.`} {
		tab.Go(server.URL + list)
		one := firstLink(tab, pattern)
		if one == "" {
			t.Logf("%s leads to nothing", list)
			continue
		}
		pages = append(pages, one)
		switch list {
		case "/devices":
			pages = append(pages, one+"/edit", one+"/history", one+"/merge", one+"/split")
		case "/systems", "/vendors":
			pages = append(pages, one+"/edit")
		}
	}
	tab.Allow("404") // there is no certificate to fetch on loopback without TLS
	for _, lang := range []string{"ja", "en"} {
		inLanguage(tab, server.URL, lang)
		for _, at := range pages {
			tab.Go(server.URL + at)
			name := strings.Trim(regexp.MustCompile(`/[0-9a-f-]{36}`).ReplaceAllString(strings.ReplaceAll(at, "?", "/"), "/one"), "/")
			name = "demo-" + lang + "-" + strings.ReplaceAll(name, "/", "-")
			tab.Full(name)
			tab.Axe(name)
			if lang == "en" {
				os.WriteFile(filepath.Join(browsertest.Shots(t), name+".txt"), []byte(tab.Text("main")), 0o600)
			}
		}
	}
}
