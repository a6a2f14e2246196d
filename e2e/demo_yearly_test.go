package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kenshin/internal/browsertest"
)

// yearlyPages are the pages of the yearly check-up on the demo's data, by the names of their pictures.
func yearlyPages(t *testing.T, tab *browsertest.Tab, address string) map[string]string {
	t.Helper()
	pages := map[string]string{"start": "/assess", "form": "/assess/checklist-r7-facility", "item": "/assess/checklist-r7-facility/r7.2.5", "excused": "/assess/checklist-r7-facility/r7.2.1", "gates": "/assess/level-gates", "quick": "/assess/start",
		"level": "/level?staff=yes", "yardstick": "/yardstick", "registers": "/registers", "contacts": "/registers/contacts", "backups": "/registers/backups/matrix", "accounts": "/registers/accounts",
		"leavers": "/registers/leavers/match", "inquiries": "/inquiries", "surveys": "/surveys", "risks": "/risks", "audits": "/audits", "budgets": "/budget", "docks": "/dock", "pack": "/pack", "editions": "/catalogues"}
	for name, list := range map[string]string{"inquiry": "/inquiries", "survey": "/surveys", "risk": "/risks", "audit": "/audits", "budget": "/budget", "dock": "/dock"} {
		tab.Go(address + list)
		if pages[name] = firstLink(tab, one(list)); pages[name] == "" {
			t.Errorf("%s leads to no record", list)
			delete(pages, name)
		}
	}
	if dock := pages["dock"]; dock != "" {
		pages["verified"], pages["director"] = dock+"/verify", dock+"/director"
	}
	return pages
}

// yearlySays is what the story promises, page by page.
var yearlySays = map[string][]string{
	"start":     {"食い違い", "分からない項目の質問"},
	"item":      {"食い違い", "退職者2人"},
	"excused":   {"未登録の機器は今週見回って"},
	"docks":     {"第3回", "承認"},
	"verified":  {"署名は正しく、書き換えはありません"},
	"dock":      {"年ごとの動き", "良くなった"},
	"inquiries": {"回答を断られた", "回答あり"},
	"survey":    {"検査科", "師長 見本 陽子"},
	"audit":     {"退職した人のID"},
	"risk":      {"見本 一郎(院長)"},
	"pack":      {"このままでは作れません"},
}

// plainPages hold nothing that the gallery's pages do not: their accessibility is looked at there.
var plainPages = []string{"gates", "quick", "registers", "contacts", "accounts", "leavers", "inquiries", "surveys", "risks", "audits", "budgets", "editions", "yardstick", "excused", "verified"}

// walkYearly looks at the yearly check-up of the fictitious hospital in both languages, and at what its story promises.
func walkYearly(t *testing.T, tab *browsertest.Tab, address string) {
	began := time.Now()
	pages := yearlyPages(t, tab, address)
	for _, lang := range []string{"en", "ja"} { // the walk before ends in English
		inLanguage(tab, address, lang)
		for name, at := range pages {
			tab.Go(address + at)
			shot := "yearly-" + lang + "-" + name
			tab.Full(shot)
			fits(t, tab, shot)
			if lang == "en" {
				left := browsertest.Run(tab, chromedp.Evaluate[string](japaneseWords))
				if left != "" && !slices.Contains([]string{"director", "risk", "budget"}, name) { // what people wrote heads these
					t.Errorf("%s: Japanese is left in English: %s", shot, left)
				}
				continue
			}
			if !slices.Contains(plainPages, name) {
				tab.Axe(shot)
			}
			text := browsertest.Run(tab, chromedp.Evaluate[string]("document.body.innerText + [...document.querySelectorAll('input, textarea')].map(e => e.value).join(' ')"))
			for _, want := range yearlySays[name] {
				if !strings.Contains(text, want) {
					t.Errorf("the demo's %s (%s) does not say %q", name, at, want)
				}
			}
			if name != "director" {
				continue
			}
			if n := sheets(t, tab.PrintPDF(shot)); n != 1 {
				t.Errorf("the director's page takes %d sheets of paper, want one", n)
			}
		}
	}
	t.Logf("the yearly check-up's %d pages in both languages: %s", len(pages), time.Since(began).Round(time.Second))
}
