package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kenshin/actor"
	"kenshin/internal/browsertest"
	"kenshin/ledger"
	"kenshin/web/asset"
)

// keyboard is somebody who has no mouse.
type keyboard struct {
	*browsertest.Tab
	t     *testing.T
	faint map[string]bool // places where the focus could not be seen, said once each
}

// stop is the element that has the focus.
type stop struct {
	Hit, Seen, Ring bool
	Name            string
}

func (k *keyboard) press(keys string) { k.t.Helper(); k.Do(chromedp.KeyEvent(keys)) }

func (k *keyboard) here(css string) stop {
	k.t.Helper()
	text := browsertest.Run(k.Tab, chromedp.Evaluate[string](fmt.Sprintf(`(() => {
		const e = document.activeElement || document.body, r = e.getBoundingClientRect(), s = getComputedStyle(e);
		return JSON.stringify({Hit: e.matches(%q), Name: e.tagName + " " + (e.name || e.getAttribute("href") || e.innerText || "").slice(0, 40),
			Seen: e === document.body || (r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth),
			Ring: e === document.body || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"});
	})()`, css)))
	var s stop
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		k.t.Fatal(err)
	}
	return s
}

// to presses Tab until the focus is on what the selector names; on the way it must always be seen.
func (k *keyboard) to(css string) {
	k.t.Helper()
	var way []string
	for range 150 {
		s := k.here(css)
		for until := time.Now().Add(time.Second); !s.Seen && time.Now().Before(until); { // the skip link and the page slide into view
			time.Sleep(10 * time.Millisecond)
			s = k.here(css)
		}
		if !(s.Seen && s.Ring) && len(way) > 0 && !k.faint[s.Name] {
			k.faint[s.Name] = true
			k.t.Errorf("the focus on %s cannot be seen: %+v", s.Name, s)
		}
		if s.Hit {
			return
		}
		way = append(way, s.Name)
		k.press("\t")
	}
	k.Full("keyboard-lost")
	k.t.Fatalf("Tab never comes to %s; it went\n%s", css, strings.Join(way, "\n"))
}

func (k *keyboard) fill(css, text string) { k.t.Helper(); k.to(css); k.press(text) }

func (k *keyboard) says(text string) {
	k.t.Helper()
	k.Wait(fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text))
}

// From the printed address to a device that was put right, with Tab, Enter and the space bar alone.
func TestKeyboardAlone(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	tab := browsertest.Open(t)
	s := openSite(t, nil)
	code, err := s.Account.SetupCode(context.Background())
	s.must(err)
	tab.Authenticator()
	k := &keyboard{Tab: tab, t: t, faint: map[string]bool{}}

	k.Go(s.Site.URL + "/setup?code=" + code)
	k.Wait(`!!document.querySelector("#facility")`)
	k.fill("#facility", "みなと病院")
	k.fill("#beds", "199\r")
	k.Wait(`!!document.querySelector("#email")`)
	k.fill("#name", "佐藤 恵")
	k.fill("#email", "sato@minato.example")
	k.fill("#password", password)
	k.fill("#again", password+"\r")
	k.Wait(`document.querySelector("[data-passkey=create]") && !document.querySelector("[data-passkey=create]").hidden`)
	k.to("form[data-passkey=create] button")
	k.press(" ")
	k.Wait(`location.pathname === "/setup/done"`)
	k.to(`a.btn[href="/"]`)
	k.press("\r")
	k.says("はじめに、調べてよい区画を承認してください")

	// the first Tab offers the way past the menu, and it leads into the page
	k.press("\t")
	if at := k.here("a.skip"); !at.Hit {
		t.Errorf("the first stop is %s, not the skip link", at.Name)
	}
	k.to("a.skip")
	k.Screenshot("keyboard-skip")
	k.press("\r")
	k.Wait(`document.activeElement.id === "main"`)
	k.press("\t")
	if at := k.here("main *"); !at.Hit {
		t.Errorf("after the skip link Tab goes to %s, outside the page's content", at.Name)
	}

	k.to(`nav a[href="/segments"]`)
	k.press("\r")
	k.Wait(`location.pathname === "/segments"`)
	k.to(`main a[href="/segments/new"]`)
	k.press("\r")
	k.Wait(`location.pathname === "/segments/new"`)
	k.fill("[name=prefix]", "10.99.0.0/24")
	k.fill("[name=name]", "2階病棟")
	k.to("[name=medical]")
	k.press(" ")
	k.to("[name=agreed]")
	k.press(" ")
	k.to("main form .actions button.btn")
	k.press("\r")
	k.Wait(`location.pathname === "/segments"`)
	k.says("2階病棟")
	places, err := s.Account.Facilities(t.Context())
	s.must(err)
	f := places[0].ID
	entries, err := s.Gates.Segments(t.Context(), f)
	s.must(err)
	if len(entries) != 1 || !entries[0].Approved || entries[0].Prefix.String() != "10.99.0.0/24" || !entries[0].Medical {
		t.Fatalf("approved: %+v", entries)
	}

	d, err := s.Ledger.Add(t.Context(), f, ledger.Word{Name: "受付PC"}, ledger.Registered, "")
	s.must(err)
	k.to(`nav a[href="/devices"]`)
	k.press("\r")
	k.Wait(`location.pathname === "/devices" && document.readyState === "complete"`)
	k.to("main tbody th a")
	k.press("\r")
	k.says("これは何か")
	k.to(`main a[href$="/edit"]`)
	k.press("\r")
	k.Wait(`location.pathname.endsWith("/edit") && document.readyState === "complete"`)
	k.fill("[name=department]", "医事課")
	k.Screenshot("keyboard-edit")
	k.to("main form .actions button.btn")
	k.press("\r")
	k.says("「受付PC」を保存しました")
	if now, err := s.Ledger.Get(t.Context(), f, d.ID); err != nil || now.Word.Department != "医事課" {
		t.Errorf("saved: %+v, %v", now, err)
	}
}

// A trainer writes a drill from a story, saves it and comes to what is missing before it may be sent, without a mouse.
func TestDrillByKeyboardAlone(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	c := openConsole(t)
	c.drillHouse()
	tab, base := c.browse(t, actor.Trainer)
	k := &keyboard{Tab: tab, t: t, faint: map[string]bool{}}
	follow := func(css, there string) {
		t.Helper()
		k.to(css)
		k.press("\r")
		k.Wait(there + ` && document.readyState === "complete"`)
	}
	k.Go(base + "/")
	follow(`nav a[href="/drills"]`, `location.pathname === "/drills"`)
	follow(`main a[href="/drills/new"]`, `location.pathname === "/drills/new"`)
	follow(`main a[href*="scenario=parcel"][href*="level=easy"]`, `location.search.includes("parcel")`)
	k.fill("[name=name]", " キーボードで")
	k.Screenshot("keyboard-compose")
	follow("button[name=do][value=save]", `/^\/drills\/[0-9a-f-]{36}$/.test(location.pathname)`)
	k.says("キーボードで")
	follow(`main a[href$="/preflight"]`, `location.pathname.endsWith("/preflight")`)
	follow(`form[action$="/preflight"] button`, `(document.body.innerText.includes("結果は、点検が終わると出ます") || !!document.querySelector("#checks ~ .scroll"))`)
	k.Screenshot("keyboard-preflight")
}
