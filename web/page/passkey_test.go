package page

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/chromedp/chromedp"

	"kenshin/internal/browsertest"
	"kenshin/web/asset"
)

// owner is the one person of the passkey tests.
type owner struct{ keys []webauthn.Credential }

func (o *owner) WebAuthnID() []byte                         { return []byte("person-1") }
func (o *owner) WebAuthnName() string                       { return "sato@example.jp" }
func (o *owner) WebAuthnDisplayName() string                { return "佐藤 恵" }
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

// desk answers the four addresses of passkeys as the server does, with the real library.
type desk struct {
	mu      sync.Mutex
	wan     *webauthn.WebAuthn
	who     owner
	session *webauthn.SessionData
	label   string
	refuse  bool
}

func (d *desk) answer(t *testing.T, w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		t.Logf("refused: %v", err)
		if e, ok := errors.AsType[*protocol.Error](err); ok {
			t.Logf("because: %s", e.DevInfo)
		}
		w.WriteHeader(http.StatusForbidden)
		v = map[string]string{"detail": "このパスキーは登録されていません。"}
	}
	_ = json.NewEncoder(w).Encode(v)
}

func (d *desk) routes(t *testing.T) *http.ServeMux {
	mux := http.NewServeMux()
	on := func(path string, f func(r *http.Request) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			d.mu.Lock()
			defer d.mu.Unlock()
			v, err := f(r)
			d.answer(t, w, v, err)
		})
	}
	on(PathMePasskey, func(r *http.Request) (any, error) {
		options, session, err := d.wan.BeginRegistration(&d.who)
		d.session = session
		return options, err
	})
	on(PathMePasskeyOK, func(r *http.Request) (any, error) {
		d.label = r.URL.Query().Get("label")
		key, err := d.wan.FinishRegistration(&d.who, *d.session, r)
		if err != nil {
			return nil, err
		}
		d.who.keys = append(d.who.keys, *key)
		return map[string]string{"location": "/registered"}, nil
	})
	on(PathPasskeyGet, func(r *http.Request) (any, error) {
		options, session, err := d.wan.BeginLogin(&d.who)
		d.session = session
		return options, err
	})
	on(PathPasskeyVerify, func(r *http.Request) (any, error) {
		if d.refuse {
			return nil, http.ErrNoCookie
		}
		_, err := d.wan.FinishLogin(&d.who, *d.session, r)
		return map[string]string{"location": "/in"}, err
	})
	return mux
}

// A passkey is made on one's own page and opens the door afterwards, with a real browser and the real library.
func TestPasskeyFromPageToServer(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	tab := browsertest.Open(t)
	d := &desk{}
	mux := d.routes(t)
	show := func(path string, f func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", strict)
			f(w, r)
		})
	}
	mux.Handle("GET "+asset.Prefix, asset.Handler())
	show(PathMe, func(w http.ResponseWriter, r *http.Request) {
		_ = MePage(frame(), MeView{Name: "佐藤 恵", Email: "sato@example.jp", MinLength: 13}).Render(r.Context(), w)
	})
	show(PathSignIn, func(w http.ResponseWriter, r *http.Request) {
		_ = SignInPage(frame(), SignInView{}).Render(r.Context(), w)
	})
	for _, path := range []string{"/registered", "/in"} {
		show(path, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`<!doctype html><html lang="ja"><title>ok</title><h1>` + path + `</h1></html>`))
		})
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	var err error
	d.wan, err = webauthn.New(&webauthn.Config{RPID: "localhost", RPDisplayName: "Kenshin", RPOrigins: []string{base}})
	if err != nil {
		t.Fatal(err)
	}

	key := tab.Authenticator()
	tab.Go(base + PathMe)
	tab.Wait(`!document.querySelector("form[data-passkey]").hidden`)
	tab.Type("#label", "情報室のPC")
	tab.Click("form[data-passkey] button")
	tab.Wait(`location.pathname === "/registered"`)
	if got := tab.Credentials(key); got != 1 || d.label != "情報室のPC" {
		t.Fatalf("after registering: %d passkeys, label %q", got, d.label)
	}

	tab.Go(base + PathSignIn)
	tab.Click("form[data-passkey] button")
	tab.Wait(`location.pathname === "/in"`)

	d.mu.Lock()
	d.refuse = true
	d.mu.Unlock()
	tab.Allow("403")
	tab.Go(base + PathSignIn)
	tab.Click("form[data-passkey] button")
	tab.Wait(`document.querySelector("form[data-passkey] [data-says]").textContent.includes("登録されていません")`)
}

// What scripts add: "/" goes to the search field, ticking rows opens the bulk bar, password rules are said as one types, a dialog opens by key.
func TestKeysSelectionRulesAndDialog(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	tab := browsertest.Open(t)
	base := serve(t, gallery(t)) + "/page/ja/"
	tab.Go(base + "ledger")
	tab.Wait(`document.documentElement.classList.contains("js") && getComputedStyle(document.querySelector(".bulk")).display === "none"`)
	tab.Wait(`!document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}))`)
	tab.Wait(`document.activeElement.type === "search"`)
	tab.Click("tbody input[data-row]")
	tab.Wait(`document.querySelector("[data-selected]").textContent === "1" && getComputedStyle(document.querySelector(".bulk")).display !== "none"`)
	tab.Click("input[data-select-all]")
	tab.Wait(`document.querySelector("[data-selected]").textContent === "9"`)

	tab.Go(base + "setup-3-admin")
	met := `[...document.querySelectorAll(".rules li.met")].map(l => l.dataset.rule).join(" ")`
	tab.Type("#email", "sato@example.jp")
	tab.Type("#password", "sato-sato-sato-1")
	tab.Wait(met + ` === "length varied"`)
	tab.Go(base + "setup-3-admin")
	tab.Type("#password", "あおい雲とながい坂道の朝")
	tab.Type("#again", "あおい雲とながい坂道の朝")
	tab.Wait(met + ` === "varied name same"`)

	tab.Go(base + "device")
	tab.Do(focusOn(`.top button[commandfor=unlock]`), chromedp.KeyEvent("\r"))
	tab.Wait(`document.getElementById("unlock").open`)
	tab.Axe("device with its dialog open")
}
