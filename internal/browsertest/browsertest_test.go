package browsertest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func serve(t *testing.T, csp, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if csp != "" {
			w.Header().Set("Content-Security-Policy", csp)
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const good = `<!doctype html><html lang="ja"><head><title>試験</title></head><body><main><h1>こんにちは</h1></main></body></html>`

func TestTabReadsJapaneseAndPrints(t *testing.T) {
	tab := Open(t)
	tab.Go(serve(t, "", good))
	if got := tab.Text("h1"); got != "こんにちは" {
		t.Errorf("heading: %q", got)
	}
	tab.Axe("good page")
	pdf, err := os.ReadFile(tab.PrintPDF("good"))
	if err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("print: %v, %d bytes", err, len(pdf))
	}
}

// What must fail a test is seen: an inline style under a strict policy, a script's exception.
func TestTabNoticesProblems(t *testing.T) {
	for name, body := range map[string]string{
		"policy":    `<body><p style="color:red">x</p></body>`,
		"exception": `<body><script>throw new Error("broken")</script></body>`,
	} {
		csp := ""
		if name == "policy" {
			csp = "default-src 'none'; style-src 'self'"
		}
		tab := Open(t)
		tab.Go(serve(t, csp, body))
		tab.Wait("document.readyState === 'complete'")
		seen := func() int { tab.mu.Lock(); defer tab.mu.Unlock(); return len(tab.problems) }
		for i := 0; i < 200 && seen() == 0; i++ {
			tab.Wait("true")
		}
		if seen() == 0 {
			t.Errorf("%s: not noticed", name)
		}
		tab.mu.Lock()
		tab.problems = nil
		tab.mu.Unlock()
	}
}

func TestAxeNotices(t *testing.T) {
	if !HasAxe() {
		t.Skip("no axe-core; run npm ci in web/asset")
	}
	tab := Open(t)
	tab.Go(serve(t, "", `<!doctype html><html><body><input></body></html>`))
	if len(tab.violations()) == 0 {
		t.Error("a page without language, title and labels passed")
	}
}

func TestAuthenticatorHoldsPasskeys(t *testing.T) {
	tab := Open(t)
	id := tab.Authenticator()
	if n := tab.Credentials(id); n != 0 {
		t.Errorf("a new authenticator holds %d passkeys", n)
	}
}
