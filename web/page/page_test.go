package page

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"kenshin/actor"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/internal/browsertest"
	"kenshin/ledger"
)

// overflow names what makes a page wider than its window, "" when nothing does.
var overflow = chromedp.Evaluate[string](`(() => { const w = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= w) return "";
	const e = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > w + 1 && !e.closest(".scroll"));
	return e ? e.outerHTML.slice(0, 160) : "?"; })()`)

// Tablets show every page without scrolling sideways.
func TestTablet(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a while")
	}
	pages := gallery(t)
	tab := browsertest.Open(t)
	base := serve(t, pages)
	tab.Viewport(768, 1024)
	for _, p := range pages {
		tab.Go(base + "/page/ja/" + p.name)
		if wide := browsertest.Run(tab, overflow); wide != "" {
			t.Errorf("%s on a tablet: wider than the screen: %s", p.name, wide)
		}
	}
	tab.Go(base + "/page/ja/ledger")
	tab.Screenshot("tablet-ledger")
}

func render(t *testing.T, lang i18n.Lang, name string, change func(*Shell)) string {
	t.Helper()
	for _, p := range gallery(t) {
		if p.name != name {
			continue
		}
		s := frame()
		if change != nil {
			change(&s)
		}
		var b strings.Builder
		if err := p.page(s).Render(i18n.With(context.Background(), lang), &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	t.Fatalf("no page %q", name)
	return ""
}

// A role sees only what it may use.
func TestMenuFollowsTheRole(t *testing.T) {
	trainer := render(t, i18n.Ja, "home", func(s *Shell) { s.Role = actor.Trainer })
	for _, path := range []string{PathLedger + `"`, PathPeople + `"`, PathTrail + `"`} {
		if strings.Contains(trainer, `<a href="`+path) {
			t.Errorf("a trainer sees the menu entry %s", path)
		}
	}
	for _, r := range actor.Roles() {
		device := render(t, i18n.Ja, "device", func(s *Shell) { s.Role = r })
		if got, want := strings.Contains(device, `commandfor="unlock"`), r.May(actor.EditSegments); got != want {
			t.Errorf("%s: unlock button %v, want %v", r, got, want)
		}
	}
}

// What a device calls itself stays text.
func TestNamesFromTheWireAreEscaped(t *testing.T) {
	evil := sampleDevices()[2]
	evil.Identity.Name = `<script>alert(1)</script>"'`
	var b strings.Builder
	if err := LedgerPage(frame(), LedgerView{Rows: []LedgerRow{evil}}).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>alert") {
		t.Error("a device's name became markup")
	}
}

// Inline styles and handlers would need an unsafe policy.
func TestNoInlineStyleOrHandler(t *testing.T) {
	for _, p := range gallery(t) {
		html := render(t, i18n.Ja, p.name, nil)
		for _, bad := range []string{` style="`, ` onclick=`, `javascript:`, `<style`, ` hx-on`} {
			if strings.Contains(html, bad) {
				t.Errorf("%s contains %q", p.name, bad)
			}
		}
	}
}

// English pages say nothing in Japanese but what the hospital wrote itself, which the samples put into known places.
func TestLanguages(t *testing.T) {
	for _, name := range []string{"home-first", "ledger-empty", "findings-empty", "sweeps-empty", "systems-empty", "help", "setup-1-code", "door-signin", "door-second"} {
		html := render(t, i18n.En, name, func(s *Shell) { s.Facility, s.Facilities, s.Person, s.Findings = "General", nil, "Sato", 0 })
		html = strings.ReplaceAll(html, ">日本語<", "")
		html = strings.ReplaceAll(html, "見本病院", "")
		for _, r := range html {
			if r >= 0x3040 && r <= 0x9fff {
				i := strings.IndexRune(html, r)
				t.Errorf("%s in English says %q", name, html[max(0, i-40):min(len(html), i+60)])
				break
			}
		}
	}
}

func TestLedgerQueryRoundTrip(t *testing.T) {
	q := LedgerQuery{Q: "放射線 10.0", Chip: "new", Kind: "pc", Department: "看護部", Segment: "g1", State: "new", Sort: "name", Desc: true, Cursor: "abc"}
	u, err := url.Parse(q.URL())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, ReadLedgerQuery(u.Query())); diff != "" {
		t.Error(diff)
	}
	if got := q.sorted("name"); strings.Contains(got, "cursor") || strings.Contains(got, "desc") {
		t.Errorf("sorting again by the same column turns the order and goes to the first page: %s", got)
	}
}

func TestDeviceFormRoundTrip(t *testing.T) {
	no := false
	want := ledger.Word{Name: "a", Number: "R-1", Medical: &no, Impact: ledger.ImpactLow, Extra: map[string]string{"備品番号": "B-1"}}
	w, state := DeviceWord(url.Values{"name": {" a "}, "number": {"R-1"}, "medical": {"no"}, "impact": {"low"}, "extra.備品番号": {"B-1"}, "state": {"registered"}})
	if diff := cmp.Diff(want, w); diff != "" || state != ledger.Registered {
		t.Errorf("%s state %s", diff, state)
	}
}

func TestTimesInWords(t *testing.T) {
	ctx := context.WithValue(context.Background(), shellKey{}, Shell{Now: now})
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now, "いま"}, {before(3 * time.Minute), "3分前"}, {before(5 * time.Hour), "5時間前"}, {before(17 * time.Hour), "きのう 16:14"},
		{before(19 * 24 * time.Hour), "11月2日"}, {before(400 * 24 * time.Hour), "令和7年10月17日"}, {time.Time{}, "見ていない"},
	} {
		if got := ago(ctx, c.at.In(time.UTC)); got != c.want {
			t.Errorf("ago(%v) = %q, want %q", c.at, got, c.want)
		}
	}
	if got := day(ctx, now); got != "令和8年11月21日(土)" {
		t.Errorf("day: %q", got)
	}
	if got := hours(ctx, gate.Hours{From: 1200, To: 360}); got != "20:00〜06:00" {
		t.Errorf("hours: %q", got)
	}
	if n(1234567) != "1,234,567" || n(-12) != "-12" || n(999) != "999" {
		t.Errorf("numbers: %s %s %s", n(1234567), n(-12), n(999))
	}
}

// Every kind has a word in both languages and an icon that is drawn.
func TestEveryKindHasAnIcon(t *testing.T) {
	for _, k := range kinds() {
		if _, ok := drawings[k.icon]; !ok || k.Ja == "" || k.En == "" {
			t.Errorf("%s: icon %q drawn %v, words %q %q", k.kind, k.icon, ok, k.Ja, k.En)
		}
	}
}

func focusOn(css string) chromedp.Action[chromedp.Void] { return chromedp.Focus(chromedp.CSS(css)) }
