package outside

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kenshin/drill"
	"kenshin/drill/button"
	"kenshin/internal/browsertest"
	"kenshin/internal/dbtest"
)

// Every address in the manifest of Outlook's button is answered, and only the button's page lets Microsoft's script in.
func TestOutlookButtonsAddresses(t *testing.T) {
	r := newRig(t)
	spec, err := r.book.Button(t.Context(), dbtest.Facility)
	r.must(err)
	manifest, err := spec.Outlook()
	r.must(err)
	d := xml.NewDecoder(strings.NewReader(string(manifest)))
	seen := map[string]bool{}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		r.must(err)
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range e.Attr {
			if path, ours := strings.CutPrefix(a.Value, "https://kunren.example.jp"); ours && path != "" && !seen[path] {
				seen[path] = true
				answer, err := http.Get(r.base + path) //nolint:noctx // loopback
				r.must(err)
				kind, policy := answer.Header.Get("Content-Type"), answer.Header.Get("Content-Security-Policy")
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK || strings.HasSuffix(path, ".png") != (kind == "image/png") {
					t.Errorf("%s: %d %s", path, answer.StatusCode, kind)
				}
				if strings.Contains(policy, "appsforoffice.microsoft.com") != strings.HasSuffix(path, "/outlook") || strings.Contains(policy, "unsafe") {
					t.Errorf("%s: %s", path, policy)
				}
			}
		}
	}
	if len(seen) < 6 {
		t.Errorf("%v", seen)
	}
	for _, path := range []string{fmt.Sprintf("%08x", r.door+1), strings.ToUpper(fmt.Sprintf("%08x", r.door|0xa0000000)), "0", "x", fmt.Sprintf("%09x", r.door)} {
		if path == fmt.Sprintf("%08x", r.door) {
			continue
		}
		answer, err := http.Get(r.base + button.Paths + path + "/outlook") //nolint:noctx // loopback
		r.must(err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound || strings.Contains(answer.Header.Get("Content-Security-Policy"), "microsoft") {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	s, err := r.book.Settings(t.Context(), dbtest.Facility)
	r.must(err)
	s.ReportTo = ""
	r.must(r.book.SaveSettings(r.ctx(), dbtest.Facility, s, drill.Secrets{}))
	answer, err := http.Get(fmt.Sprintf("%s%s%08x/outlook", r.base, button.Paths, r.door)) //nolint:noctx // loopback
	r.must(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("a hospital that takes no reports has a button: %d", answer.StatusCode)
	}
}

// The button's program makes one report with the mail attached, both when Outlook calls it and when somebody presses it; without Outlook it says what to do.
func TestOutlookButtonMakesAReport(t *testing.T) {
	r := newRig(t)
	tab := browsertest.Open(t)
	tab.Allow("ERR_NAME_NOT_RESOLVED") // Microsoft is out of reach of a test
	tab.Go(fmt.Sprintf("%s%s%08x/outlook", r.base, button.Paths, r.door))
	if said := browsertest.Run(tab, chromedp.Evaluate[string](`(function () { document.getElementById("report").click(); return document.getElementById("failed").innerText; })()`)); !strings.Contains(said, "hokoku@hospital.example.jp") {
		t.Errorf("without Outlook: %q", said)
	}
	got := browsertest.Run(tab, chromedp.Evaluate[string](`(function () {
		var forms = [], done = 0;
		window.Office = { context: { mailbox: { item: { subject: "お荷物 <b>" + Array(400).join("x"), itemId: "AAMk=" }, displayNewMessageForm: function (f) { forms.push(f); } } } };
		window.reportMail({ completed: function () { done++; } });
		document.getElementById("report").click();
		return JSON.stringify({ forms: forms, done: done, hidden: document.getElementById("failed").hidden });
	})()`))
	var out struct {
		Forms []struct {
			To          []string `json:"toRecipients"`
			Subject     string   `json:"subject"`
			Body        string   `json:"htmlBody"`
			Attachments []struct{ Type, ItemID, Name string }
		}
		Done   int
		Hidden bool
	}
	r.must(json.Unmarshal([]byte(got), &out))
	if len(out.Forms) != 2 || out.Done != 1 || !out.Hidden {
		t.Fatalf("%s", got)
	}
	for _, f := range out.Forms {
		if len(f.To) != 1 || f.To[0] != "hokoku@hospital.example.jp" || !strings.HasPrefix(f.Subject, button.Subject+": お荷物") || len([]rune(f.Subject)) > 255 || strings.Contains(f.Body, "<") ||
			len(f.Attachments) != 1 || f.Attachments[0].Type != "item" || f.Attachments[0].ItemID != "AAMk=" || len([]rune(f.Attachments[0].Name)) > 255 {
			t.Errorf("%+v", f)
		}
	}
}
