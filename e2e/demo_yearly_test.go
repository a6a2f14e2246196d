package e2e_test

import (
	"slices"
	"strings"
	"testing"

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

// walkYearly looks at the yearly check-up of the fictitious hospital in both languages, and at what its story promises.
func walkYearly(t *testing.T, tab *browsertest.Tab, address string) {
	pages := yearlyPages(t, tab, address)
	for _, lang := range []string{"ja", "en"} {
		inLanguage(tab, address, lang)
		for name, at := range pages {
			tab.Go(address + at)
			shot := "yearly-" + lang + "-" + name
			tab.Full(shot)
			fits(t, tab, shot)
			if lang == "ja" {
				tab.Axe(shot)
			}
			if left := browsertest.Run(tab, chromedp.Evaluate[string](japaneseWords)); lang == "en" && left != "" && !slices.Contains([]string{"director", "risk", "budget"}, name) { // what people wrote heads these
				t.Errorf("%s: Japanese is left in English: %s", shot, left)
			}
			if lang == "ja" && name == "director" {
				if n := sheets(t, tab.PrintPDF(shot)); n != 1 {
					t.Errorf("the director's page takes %d sheets of paper, want one", n)
				}
			}
		}
	}
	inLanguage(tab, address, "ja")
	for name, want := range map[string][]string{
		"start":     {"食い違い", "返事を待っている質問"},
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
	} {
		tab.Go(address + pages[name])
		text := browsertest.Run(tab, chromedp.Evaluate[string]("document.body.innerText + [...document.querySelectorAll('input, textarea')].map(e => e.value).join(' ')"))
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("the demo's %s (%s) does not say %q", name, pages[name], w)
			}
		}
	}
}
