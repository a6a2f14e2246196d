package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kenshin/internal/bintest"
	"kenshin/internal/browsertest"
)

// mostDeeds is how many clicks and fields a person who knows nothing needs at most from the printed address to a first yearly check-up.
const mostDeeds = 45

// newcomer counts what a person does. Where to go next is never known beforehand: it is the one button that a page shows before all others.
type newcomer struct {
	*browsertest.Tab
	t     *testing.T
	deeds int
}

// fill types into a field.
func (p *newcomer) fill(css, text string) {
	p.t.Helper()
	p.deeds++
	p.Type(css, text)
}

// press clicks something that the page asks for.
func (p *newcomer) press(css string) {
	p.t.Helper()
	p.deeds++
	p.Click(css)
}

// primary lists the buttons of the page, or of the dialog that is open, that stand before all others, and marks the first.
const primary = `(() => {
	const all = [...(document.querySelector("dialog[open]") || document.querySelector("main")).querySelectorAll("a.btn, button.btn")]
		.filter(e => !e.classList.contains("quiet") && e.checkVisibility() && (!e.closest("dialog") || e.closest("dialog").open));
	document.querySelectorAll("[data-next]").forEach(e => e.removeAttribute("data-next"));
	if (all.length) all[0].setAttribute("data-next", "");
	return all.map(e => e.textContent.trim());
})()`

// next presses the one button that the page puts before all others.
func (p *newcomer) next() {
	p.t.Helper()
	shown := browsertest.Run(p.Tab, chromedp.Evaluate[[]string](primary))
	if len(shown) != 1 {
		p.Screenshot("newcomer-lost")
		p.t.Fatalf("after %d deeds: the page shows %d next steps: %s", p.deeds, len(shown), strings.Join(shown, " | "))
	}
	p.press("[data-next]")
}

func (p *newcomer) sees(text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text))
}

// TestNewcomerReachesAFirstDock is a clinic without any device data: from the address that the program prints to a sealed first check-up.
func TestNewcomerReachesAFirstDock(t *testing.T) {
	t.Parallel()
	server := bintest.Serve(t, []string{"LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo"}, "--data", filepath.Join(t.TempDir(), "data"), "--listen", freeAddress(t))
	local := func(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }
	p := &newcomer{Tab: browsertest.OpenFor(t, 5*time.Minute), t: t}
	p.Authenticator()

	p.Go(local(server.Setup))
	p.sees("施設のことを教えてください")
	p.fill("[name=facility]", "みほん診療所")
	p.fill("[name=beds]", "0")
	p.next()
	p.sees("最初に使う人")
	for _, f := range [][2]string{{"name", "見本 良子"}, {"email", "ryoko@shinryojo.invalid"}, {"password", "kirin-tokei-mado-yuki"}, {"again", "kirin-tokei-mado-yuki"}} {
		p.fill("[name="+f[0]+"]", f[1])
	}
	p.next()
	p.Wait("document.querySelector('[data-passkey=create]') && !document.querySelector('[data-passkey=create]').hidden")
	p.press("[data-passkey=create] button") // of two ways the one that needs no phone
	p.Wait("location.pathname === '/setup/done'")
	p.next()
	p.sees("はじめに、10分の年次健診をしましょう")
	p.Screenshot("newcomer-home")
	p.next()
	for level := range 4 { // はい to everything is the longest way
		p.Wait(fmt.Sprintf("document.readyState === 'complete' && document.querySelector('legend') && document.querySelector('legend').innerText.includes('レベル%d')", level))
		p.Full(fmt.Sprintf("newcomer-level-%d", level))
		gates := browsertest.Run(p.Tab, chromedp.Evaluate[[]string]("[...document.querySelectorAll('main [role=radiogroup] input[value=yes]')].map(e => e.name)"))
		for _, g := range gates {
			p.press(fmt.Sprintf("label:has(> input[name=%q][value=yes])", g))
		}
		p.next()
	}
	p.Wait("document.readyState === 'complete' && !!document.querySelector('#keep')")
	p.Full("newcomer-stand")
	p.Axe("newcomer-stand")
	p.next() // asks whether it is to be kept
	p.Wait("!!document.querySelector('dialog[open]')")
	p.Screenshot("newcomer-keep")
	p.next()
	p.sees("年次健診の結果 第1回")
	p.Full("newcomer-dock")
	for _, want := range []string{"10分版", "申告の判定", "経営者の1枚"} {
		p.sees(want)
	}
	if p.deeds > mostDeeds {
		t.Errorf("a first check-up takes %d clicks and fields, more than %d", p.deeds, mostDeeds)
	}
	t.Logf("%d clicks and fields", p.deeds)

	// the home page leads on, and the answers are in what was kept
	if grade := browsertest.Run(p.Tab, chromedp.Evaluate[string]("document.querySelector('section[aria-labelledby=grades] tbody tr:last-child').innerText")); !strings.Contains(grade, "A") {
		t.Errorf("all gates are claimed, and the last area says %q", grade)
	}
	p.Go(local(server.URL) + "/")
	p.sees("はじめに、調べてよい区画を承認してください")
}
