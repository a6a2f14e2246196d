package e2e_test

import (
	"strings"
	"testing"
	"time"

	"kenshin/internal/bintest"
	"kenshin/internal/browsertest"
	"kenshin/internal/labtest"
)

// TestLabNewcomer is what a newcomer does on the first day, in a real browser against the real server in the lab: set up with a passkey, approve the
// segment that the console proposes, start a check-up, watch the devices come, and look at the ledger and one device.
func TestLabNewcomer(t *testing.T) {
	t.Parallel() // it mostly waits for devices
	lab := labtest.Up(t)
	lab.InSensor(t, func() {
		server := bintest.Serve(t, []string{"LANG=ja_JP.UTF-8"}, "--data", t.TempDir(), "--listen", "127.0.0.1:18471")
		tab := browsertest.Open(t)
		keys := tab.Authenticator()

		tab.Go(server.Setup)
		tab.Screenshot("newcomer-1-setup")
		if strings.Contains(tab.Text("main"), "合言葉を入れて") {
			tab.Click("main form button")
		}
		tab.Type("[name=facility]", "潮見ヶ丘病院")
		tab.Type("[name=beds]", "199")
		tab.Click("main form button.btn")
		tab.Type("[name=name]", "髙﨑 一郎")
		tab.Type("[name=email]", "takasaki@hospital.example")
		tab.Type("#password", "みかん-踏切-灯台-42番")
		tab.Type("#again", "みかん-踏切-灯台-42番")
		tab.Click("main form button.btn:not(.quiet)")
		tab.Wait("document.querySelector('[data-passkey=create]') && !document.querySelector('[data-passkey=create]').hidden")
		tab.Screenshot("newcomer-2-second-factor")
		tab.Click("[data-passkey=create] button")
		tab.Wait("document.body.innerText.includes('できあがり') && !document.querySelector('[data-passkey=create]')")
		if n := tab.Credentials(keys); n != 1 {
			t.Fatalf("%d passkeys were made", n)
		}
		tab.Screenshot("newcomer-3-done")
		tab.Go(server.URL + "/")
		tab.Full("newcomer-4-home-empty")

		tab.Go(server.URL + "/segments")
		tab.Full("newcomer-5-segments")
		if !strings.Contains(tab.Text("main"), "10.77.0.0/22") {
			t.Fatalf("the network of the machine is not proposed:\n%s", tab.Text("main"))
		}
		tab.Click("main a[href*='10.77.0.0']")
		tab.Type("[name=name]", "院内LAN")
		tab.Type("[name=purpose]", "全館")
		tab.Click("[name=medical][value=no], [name=medical][value=false]")
		tab.Click("[name=pace][value=normal]")
		tab.Click("[name=agreed]")
		tab.Full("newcomer-6-approve")
		tab.Click("main form button.btn:not(.quiet)")
		tab.Wait("location.pathname === '/segments'")

		tab.Go(server.URL + "/sweeps")
		tab.Click("main form button.btn")
		tab.Wait("/^\\/sweeps\\/.+/.test(location.pathname)")
		time.Sleep(3 * time.Second) // a person watches for a while
		tab.Screenshot("newcomer-7-sweep-live")
		for until := time.Now().Add(90 * time.Second); !strings.Contains(tab.Text("main"), "終わった"); time.Sleep(500 * time.Millisecond) {
			if time.Now().After(until) {
				tab.Full("newcomer-sweep-stuck")
				t.Fatalf("the check-up does not end:\n%s", tab.Text("main"))
			}
		}
		tab.Full("newcomer-8-sweep-done")
		tab.Go(server.URL + "/devices")
		tab.Full("newcomer-9-ledger")
		for _, want := range []string{"nas-old", "emr-srv", "Ricoh", "保護中"} {
			if !strings.Contains(tab.Text("main"), want) {
				t.Errorf("the ledger does not show %q", want)
			}
		}
		tab.Go(server.URL + "/devices?q=nas-old")
		tab.Click("main tbody a")
		tab.Wait("document.querySelector('h1').innerText.includes('nas-old')")
		tab.Full("newcomer-10-device")
		if text := tab.Text("main"); !strings.Contains(text, "SMB1") {
			t.Errorf("the device's page does not tell of SMB1:\n%s", text)
		}
		tab.Go(server.URL + "/")
		tab.Full("newcomer-11-home")
		tab.PrintPDF("newcomer-home")
		tab.Go(server.URL + "/findings")
		tab.Full("newcomer-12-findings")
		tab.Go(server.URL + "/segments/sent")
		tab.Full("newcomer-13-sent")
		tab.Go(server.URL + "/trail")
		tab.Full("newcomer-14-trail")
	})
}
