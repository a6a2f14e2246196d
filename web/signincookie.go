package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"kenshin/i18n"
)

// Small cookies carry a sign-in from one page to the next, so that no copy of the server has to remember it.
const (
	ceremonyCookie = "kenshin-ceremony" // which question of account is being answered: its id alone
	nextCookie     = "kenshin-next"     // local address to go on to after the second factor
	setupCookie    = "kenshin-setup"    // what the first pages of the setup were told
	onceCookie     = "kenshin-once"     // sealed: what the next page shows once
)

// keep leaves a small value in the browser, out of reach of scripts; "" takes it away.
func (v *visit) keep(name, value string, lasts time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: v.s.TLS, SameSite: http.SameSiteLaxMode, MaxAge: int(lasts.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

func (v *visit) kept(name string) string {
	if c, err := v.r.Cookie(name); err == nil && len(c.Value) <= 4096 {
		return c.Value
	}
	return ""
}

// once is what a page shows a single time after a redirect: recovery codes, a token, an invitation's link.
type once struct {
	Codes  []string  `json:"codes,omitempty"`
	Token  string    `json:"token,omitempty"`
	Invite string    `json:"invite,omitempty"`
	Until  time.Time `json:"until"`
}

const onceLasts = 5 * time.Minute

func oncePurpose(person string) string { return "once:" + person }

// showOnce seals o for the same person's next page. The cookie is unreadable to the browser, and useless to anybody else's session.
func (v *visit) showOnce(person string, o once) error {
	o.Until = v.s.Now().Add(onceLasts)
	raw, err := json.Marshal(o)
	if err != nil {
		return err
	}
	sealed, err := v.s.Box.Seal("", oncePurpose(person), raw)
	if err != nil {
		return err
	}
	v.keep(onceCookie, base64.RawURLEncoding.EncodeToString(sealed), onceLasts)
	return nil
}

// takeOnce opens and removes what showOnce left.
func (v *visit) takeOnce() (o once) {
	text := v.kept(onceCookie)
	if text == "" {
		return once{}
	}
	v.keep(onceCookie, "", 0)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return once{}
	}
	raw, err := v.s.Box.Open("", oncePurpose(string(v.session.Person.ID)), sealed)
	if err != nil || json.Unmarshal(raw, &o) != nil || v.s.Now().After(o.Until) {
		return once{}
	}
	return o
}

func (v *visit) setLanguage(l i18n.Lang) {
	http.SetCookie(v.w, &http.Cookie{Name: languageCookie, Value: string(l), Path: "/", HttpOnly: true, Secure: v.s.TLS,
		SameSite: http.SameSiteLaxMode, MaxAge: int((365 * 24 * time.Hour).Seconds())})
}
