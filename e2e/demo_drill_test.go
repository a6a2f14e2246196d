package e2e_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kenshin/internal/browsertest"
)

// drillPages are the pages of mail drills on the demo's data that the person may see, with one drill of each state.
func drillPages(t *testing.T, tab *browsertest.Tab, address string, trainer bool) (pages map[string]string) {
	t.Helper()
	tab.Go(address + "/drills")
	drills := browsertest.Run(tab, chromedp.Evaluate[[]string](`[...new Set([...document.querySelectorAll("main a")].map(a => a.getAttribute("href")).filter(h => /^\/drills\/[0-9a-f-]{36}$/.test(h)))]`))
	if len(drills) != 3 {
		t.Fatalf("the demo has %d drills", len(drills))
	}
	waiting, last := drills[0], drills[1]
	pages = map[string]string{"drills": "/drills", "waiting": waiting, "preflight": waiting + "/preflight", "finished": last, "totals": "/drills/totals",
		"results": last + "/results", "report": last + "/report"}
	if !trainer {
		pages["settings"] = "/drills/settings"
		return pages
	}
	tab.Go(address + last + "/targets?show=fell")
	target := browsertest.Run(tab, chromedp.Evaluate[string](`([...document.querySelectorAll("main a")].map(a => a.getAttribute("href")).find(h => /\/targets\/[0-9a-f-]{36}$/.test(h))) || ""`))
	for name, at := range map[string]string{"new": "/drills/new", "compose": "/drills/new?level=medium&scenario=parcel", "edit": waiting + "/edit", "targets": last + "/targets", "fell": last + "/targets?show=fell",
		"target": target, "people": "/drills/people", "phone": last + "/phone", "triage": "/drill-reports"} {
		pages[name] = at
	}
	tab.Go(address + "/drill-reports")
	pages["triage-one"] = firstLink(tab, one("/drill-reports"))
	return pages
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// sheets counts the pages of a PDF that Chromium made.
func sheets(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return len(pdfPage.FindAll(b, -1))
}

// TestDemoDrills walks the mail drills of the fictitious hospital as its administrator and as its trainer, in both languages.
func TestDemoDrills(t *testing.T) {
	t.Parallel()
	server, people := demoPeople(t)
	for i, who := range people {
		tab := signIn(t, server, who)
		pages := drillPages(t, tab, server.URL, i == 1)
		for _, lang := range []string{"ja", "en"} {
			inLanguage(tab, server.URL, lang)
			for name, at := range pages {
				if i == 1 && lang == "en" && strings.HasPrefix(name, "fell") {
					continue
				}
				name = "drill-" + lang + "-" + []string{"admin", "trainer"}[i] + "-" + name
				tab.Go(server.URL + at)
				tab.Full(name)
				fits(t, tab, name)
				if lang == "ja" {
					tab.Axe(name)
				}
				if left := browsertest.Run(tab, chromedp.Evaluate[string](japaneseWords)); lang == "en" && left != "" {
					t.Errorf("%s: Japanese is left in English: %s", name, left)
				}
				if strings.HasSuffix(name, "-report") && lang == "ja" {
					if n := sheets(t, tab.PrintPDF(name)); n != 1 {
						t.Errorf("%s takes %d sheets of paper, want one", name, n)
					}
				}
			}
		}
		if i == 0 {
			inLanguage(tab, server.URL, "ja")
			tab.Go(server.URL + pages["results"])
			tab.Screenshot("picture-drill")
		}
	}
}
