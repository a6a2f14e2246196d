package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kenshin/actor"
	"kenshin/event"
	"kenshin/internal/browsertest"
	"kenshin/ledger"
	"kenshin/observation"
	"kenshin/store"
	"kenshin/web/asset"
)

// browse gives a tab of a real browser in which a person of a role is signed in.
func (c *console) browse(t *testing.T, role actor.Role) (tab *browsertest.Tab, address string) {
	t.Helper()
	tab = browsertest.Open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/test-session" {
			c.setCookie(w, c.cookies[role])
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		c.h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	tab.Go(server.URL + "/test-session")
	return tab, server.URL
}

// ward is a small hospital as a first check-up leaves it.
func (c *console) ward() {
	id := c.segment()
	c.seg = id
	c.post(actor.Admin, "/sweeps", "segment", id).is(303)
	say := func(s observation.Signal, value string, detail ...string) observation.Observation {
		o := observation.Observation{Signal: s, Value: value, Detail: map[string]string{}}
		for i := 0; i+1 < len(detail); i += 2 {
			o.Detail[detail[i]] = detail[i+1]
		}
		return o
	}
	windows := func(name string, more ...observation.Observation) []observation.Observation {
		return append([]observation.Observation{asked(), say(observation.NTLM, name, "build", "10.0.19045", "via", "smb"), say(observation.NBNSName, name)}, more...)
	}
	c.see("02:00:00:10:00:01", "10.77.8.11", windows("UKETSUKE1")...)
	c.see("02:00:00:10:00:02", "10.77.8.12", windows("GAZO-PC1", say(observation.SMBDialect, "smb1"))...)
	c.see("02:00:00:10:00:03", "10.77.8.13", windows("KANGO-N3")...)
	c.see("02:00:00:10:00:04", "10.77.8.30", asked(), say(observation.IPP, "Mihon MFP 300", "maker", "Mihon", "name", "mfp-jimu"), say(observation.SNMPDescr, "Mihon MFP 300 series"))
	c.see("02:00:00:10:00:05", "10.77.8.40", say(observation.MDNSName, "nas-bangohyo"), say(observation.MDNSService, "_smb._tcp"))
	c.see("02:00:00:10:00:06", "10.77.8.60")
	c.see("02:00:00:10:00:07", "10.77.8.61")
	ctx := c.as(actor.Admin)
	c.must(c.DB.Write(ctx, c.f, func(tx *store.Tx) error {
		return event.Add(ctx, tx, []event.Event{{At: c.Now(), Kind: event.DeviceBack, Params: map[string]string{"name": "KANGO-N3"}}})
	}))
	_, err := c.Ledger.Add(ctx, c.f, ledger.Word{Name: "予備の端末", Number: "A-900", Department: "事務"}, ledger.Registered, "")
	c.must(err)
}

// TestJourney is what the IT person does on the first day: look at the list, filter, correct one device, change several, take the old ledger in and
// think better of it.
func TestJourney(t *testing.T) {
	if !asset.Present() {
		t.Skip("the browser bundle is not built in: run make assets (needs npm)")
	}
	c := openConsole(t)
	c.ward()
	c.must(c.Jobs.Start(context.Background()))
	t.Cleanup(func() { c.must(c.Jobs.Stop(context.Background())) })
	tab, at := c.browse(t, actor.Admin)
	text := func(js string) string { return fmt.Sprintf("document.body.innerText.includes(%q)", js) }

	tab.Wait(text("今日やること"))
	tab.Full("web-home")
	tab.Axe("home")
	tab.Click(`nav a[href="/devices"]`)
	tab.Wait(text("gazo-pc1"))
	tab.Full("web-ledger")
	tab.Axe("ledger")
	tab.Type(`input[type=search]`, "GAZO\r")
	tab.Wait(`document.querySelectorAll("tbody tr").length === 1`)
	tab.Click(`tbody th a`)
	tab.Wait(text("これは何か"))
	tab.Full("web-device")
	tab.Axe("device")
	tab.Click(`a[href$="/edit"]`)
	tab.Wait(`!!document.querySelector("input[name=name]")`)
	tab.Type(`input[name=name]`, "読影室PC")
	tab.Type(`input[name=department]`, "放射線科")
	tab.Type(`input[name=lease_end]`, "令和9年3月")
	tab.Full("web-edit")
	tab.Click(`form.narrow .actions button`)
	tab.Wait(text("「読影室PC」を保存しました"))

	tab.Go(at + "/devices?chip=new")
	tab.Wait(`!!document.querySelector("input[data-select-all]")`)
	tab.Click(`input[data-select-all]`)
	tab.Wait(`document.querySelector("[data-selected]").textContent !== "0"`)
	tab.Type(`.bulk input[name=department]`, "看護部")
	tab.Screenshot("web-bulk")
	tab.Click(`.bulk button`)
	tab.Wait(text("台を変えました"))

	tab.Click(`a[href="/import"]`)
	tab.Wait(`!!document.querySelector("input[type=file]")`)
	file := filepath.Join(t.TempDir(), "台帳.csv")
	csv := strings.ReplaceAll(sheetCSV, "02:00:00:00:09:01,10.9.8.1", "02:00:00:10:00:01,10.77.8.11")
	c.must(os.WriteFile(file, cp932(t, csv), 0o600))
	tab.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
	tab.Click(`form[enctype] button`)
	tab.Wait(text("見出しの行"))
	tab.Full("web-import-sheet")
	tab.Axe("import: sheet")
	tab.Click(`.form .actions button`)
	tab.Wait(text("台帳の項目"))
	tab.Full("web-import-columns")
	tab.Click(`form .actions button`)
	tab.Wait(text("まだ何も変えていません"))
	tab.Full("web-import-preview")
	tab.Axe("import: preview")
	tab.Click(`form[action$="/apply"] button`)
	tab.Wait(`!!document.querySelector("button[commandfor=undo]")`) // without loading the page again: it asks by itself
	tab.Full("web-import-done")
	tab.Axe("import: done")
	tab.Go(at + "/devices?q=A-002")
	tab.Wait(text("受付ＰＣ２"))
	tab.Do(chromedp.NavigateBack())
	tab.Wait(`!!document.querySelector("button[commandfor=undo]")`)
	tab.Click(`button[commandfor=undo]`)
	tab.Click(`dialog[open] form button.danger`)
	tab.Wait(text("元に戻した"))
	tab.Go(at + "/devices?q=A-002")
	tab.Wait(text("この条件に合う機器はありません"))

	for path, name := range map[string]string{"/findings": "web-findings", "/segments": "web-segments", "/sweeps": "web-sweeps", "/jobs": "web-jobs", "/segments/sent": "web-sent",
		"/systems/new": "web-system", "/vendors/new": "web-vendor", "/segments/new": "web-segment"} {
		tab.Go(at + path)
		tab.Full(name)
		tab.Axe(name)
	}
}
