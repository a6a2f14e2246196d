package web

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kenshin/internal/browsertest"
	"kenshin/web/asset"
)

// The newcomer's whole way in a real browser: the printed address, the setup, a passkey as the second factor, home, a code app beside it,
// sign-out, sign-in with password and code, sign-in with the passkey alone. A console error or a breach of the CSP fails it.
func TestFirstRunInBrowser(t *testing.T) {
	if !asset.Present() {
		t.Skip("no bundle; run make assets")
	}
	tab := browsertest.Open(t)
	s := openSite(t, nil)
	base := s.Site.URL
	code, err := s.Account.SetupCode(context.Background())
	s.must(err)
	key := tab.Authenticator()

	tab.Go(base + "/setup?code=" + code)
	tab.Wait(`location.pathname === "/setup" && location.search === "" && !!document.querySelector("#facility")`)
	tab.Screenshot("firstrun-1-facility")
	tab.Type("#facility", "みなと病院")
	tab.Type("#beds", "199")
	tab.Click("form.form .btn")
	tab.Wait(`!!document.querySelector("#email")`)
	tab.Type("#name", "佐藤 恵")
	tab.Type("#email", "sato@minato.example")
	tab.Type("#password", password)
	tab.Type("#again", password)
	tab.Wait(`document.querySelectorAll(".rules li.met").length === 4`)
	tab.Full("firstrun-2-admin")
	tab.Click("form.form > .btn")
	tab.Wait(`!!document.querySelector("img.qr") && document.querySelector("img.qr").naturalWidth > 0`)
	tab.Full("firstrun-3-second")
	tab.Axe("setup: second factor")
	tab.Click(`form[data-passkey="create"] button`)
	tab.Wait(`location.pathname === "/setup/done" && document.querySelectorAll("ul.codes li").length === 10`)
	if n := tab.Credentials(key); n != 1 {
		t.Fatalf("%d passkeys", n)
	}
	tab.Full("firstrun-4-done")
	tab.Axe("setup: done")
	tab.Click(`a.btn[href="/"]`)
	tab.Wait(`location.pathname === "/" && document.body.textContent.includes("みなと病院")`)
	tab.Screenshot("firstrun-5-home")

	tab.Go(base + "/me")
	tab.Full("me")
	tab.Axe("me")
	tab.Click(`a[href="/me/totp#app"]`)
	tab.Wait(`!!document.querySelector("#app img.qr")`)
	secret := strings.ReplaceAll(browsertest.Run(tab, chromedp.Evaluate[string](`document.querySelector("#app details .code").textContent`)), " ", "")
	tab.Type("#code", s.code(secret))
	tab.Click(`form[action="/me/totp"] .btn`)
	tab.Wait(`location.pathname === "/me" && document.body.textContent.includes("認証アプリを登録しました")`)

	tab.Click(`form[action="/signout"] button`)
	tab.Wait(`location.pathname === "/signin" && !!document.querySelector("#password")`)
	tab.Screenshot("signin")
	tab.Axe("signin")

	// A new code is needed: the app's time moves on.
	s.add(time.Minute)
	tab.Go(base + "/people")
	tab.Wait(`location.pathname === "/signin" && !!document.querySelector("#password")`)
	tab.Type("#email", "sato@minato.example")
	tab.Type("#password", password)
	tab.Click(`form[action="/signin"] .btn`)
	tab.Wait(`location.pathname === "/signin/second" && !!document.querySelector("#code")`)
	tab.Screenshot("signin-second")
	tab.Axe("signin second")
	tab.Type("#code", s.code(secret))
	tab.Click(`form[action="/signin/second"] .btn`)
	tab.Wait(`location.pathname === "/people" && !!document.getElementById("invite")`)

	// What an administrator sees, with an invitation that is shown once.
	tab.Click(`button[commandfor="invite"]`)
	tab.Wait(`document.getElementById("invite").open`)
	tab.Type("#invite #email", "suzuki@minato.example")
	tab.Screenshot("people-invite")
	tab.Click(`#invite form .btn`)
	tab.Wait(`!!document.querySelector("#invite-url")`)
	if link := tab.Text("#invite-url"); !regexp.MustCompile(`^` + regexp.QuoteMeta(base) + `/invite/[A-Za-z0-9_-]{40,}$`).MatchString(link) {
		t.Errorf("the invitation's link is %q", link)
	}
	tab.Full("people")
	tab.Axe("people")
	tab.Go(base + "/trail")
	tab.Click(`button[commandfor="verify"]`)
	tab.Wait(`document.getElementById("verify").open`)
	tab.Screenshot("trail-verify")
	tab.Axe("trail with its dialog open")
	tab.Click(`#verify .actions .btn`)
	tab.Wait(`location.pathname === "/trail/verify" && document.body.textContent.includes("すべてを確かめました")`)
	tab.Full("trail")
	tab.Go(base + "/trail/seals")
	tab.Axe("seals")
	tab.Go(base + "/settings")
	tab.Full("settings")
	tab.Axe("settings")
	tab.Go(base + "/help")
	tab.Full("help")

	tab.Click(`form[action="/signout"] button`)
	tab.Wait(`location.pathname === "/signin" && document.querySelector("form[data-passkey]").hidden === false`)
	tab.Click(`form[data-passkey="get"] button`)
	tab.Wait(`location.pathname === "/" && document.body.textContent.includes("佐藤 恵")`)

	// A page that is not there says so, within the frame.
	tab.Allow("404")
	tab.Go(base + "/no/such/page")
	tab.Wait(`document.body.textContent.includes("そのページはありません")`)
	tab.Screenshot("fault-404")
}
