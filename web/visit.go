package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

// visit is one request with who makes it.
type visit struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context
	session  account.Session
	actor    actor.Actor
	facility facility.ID
	here     account.Facility // see place
	code     int
}

// t is i18n.T in the visitor's language.
func (v *visit) t(ja, en string, args ...any) string { return i18n.T(v.ctx, ja, en, args...) }

// partial reports whether htmx asks for a piece of a page.
func (v *visit) partial() bool { return v.r.Header.Get("HX-Request") == "true" }

// status sets the answer's code, to be sent with the page.
func (v *visit) status(code int) { v.code = code }

// show renders a page.
func (v *visit) show(c templ.Component) {
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if v.code != 0 {
		v.w.WriteHeader(v.code)
	}
	if err := c.Render(v.ctx, v.w); err != nil {
		v.s.Log.Debug("page not delivered", "path", v.r.URL.Path, "error", err)
	}
}

// redirect answers a POST; the browser fetches the next page by GET.
func (v *visit) redirect(to string) { http.Redirect(v.w, v.r, to, http.StatusSeeOther) }

// form reads a form within the body limit.
func (v *visit) form() (url.Values, error) {
	if err := v.r.ParseForm(); err != nil {
		return nil, badForm(err)
	}
	return v.r.PostForm, nil
}

func badForm(err error) error {
	if strings.Contains(err.Error(), "request body too large") {
		return fault.Wrap(fault.TooLarge, err, "送られたデータが大きすぎます。", "What was sent is too large.")
	}
	return fault.Wrap(fault.Invalid, err, "送られた内容を読めませんでした。もう一度試してください。", "What was sent could not be read. Try again.")
}

// back returns the local address that a form wants to return to, else otherwise.
func back(f url.Values, otherwise string) string {
	if to := f.Get("back"); local(to) {
		return to
	}
	return otherwise
}

// local reports whether an address stays on this server.
func local(to string) bool {
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) } // browsers drop tabs: "/\t/evil" becomes "//evil"
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsFunc(to, odd)
}

func safeNext(uri string) string {
	if !local(uri) {
		return ""
	}
	return url.QueryEscape(uri)
}

const flashCookie = "kenshin-flash"

// flash leaves a sentence for the next page.
func (v *visit) flash(f page.Flash) {
	b, err := json.Marshal(f)
	if err != nil {
		return
	}
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(b), Path: "/", HttpOnly: true, Secure: v.s.TLS,
		SameSite: http.SameSiteLaxMode, MaxAge: 60})
}

// said is flash with the usual mark of success.
func (v *visit) said(ja, en string, args ...any) {
	v.flash(page.Flash{Mark: page.MarkOK, Text: v.t(ja, en, args...)})
}

func (v *visit) takeFlash() *page.Flash {
	c, err := v.r.Cookie(flashCookie)
	if err != nil || v.partial() {
		return nil
	}
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Path: "/", HttpOnly: true, Secure: v.s.TLS, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	var f page.Flash
	if err != nil || len(b) > 4096 || json.Unmarshal(b, &f) != nil || f.Undo != "" && !local(f.Undo) {
		return nil
	}
	return &f
}

// shell fills the frame around a page. What cannot be read leaves its place empty: a broken counter must not hide a page.
func (v *visit) shell() page.Shell {
	s := page.Shell{Path: v.r.URL.RequestURI(), Version: v.s.Version, Now: v.s.Now(), Flash: v.takeFlash()}
	if u, err := url.Parse(v.s.Site.URL); err == nil {
		s.Local = u.Hostname() == "localhost"
	}
	if v.facility == "" {
		return s
	}
	s.Person, s.PersonID, s.Role, s.FacilityID = v.actor.Name, string(v.actor.ID), v.actor.Role, string(v.facility)
	members, err := v.s.Account.Memberships(v.ctx, v.session.Person.ID)
	v.note(err, "memberships")
	for _, m := range members {
		s.Facilities = append(s.Facilities, page.Option{Value: string(m.Facility.ID), Text: m.Facility.Name})
		if m.Facility.ID == v.facility {
			s.Facility, s.Demo, s.Now = m.Facility.Name, m.Facility.Demo, v.s.Now().In(m.Facility.Location())
		}
	}
	v.s.fillShell(v, &s)
	return s
}

// note logs an error that does not stop a page.
func (v *visit) note(err error, what string) {
	if err != nil {
		v.s.Log.Warn("a part of a page is missing", "part", what, "path", v.r.URL.Path, "error", err)
	}
}

// place is the facility that the visitor is in.
func (v *visit) place() (account.Facility, error) {
	if v.here.ID == "" {
		f, err := v.s.Account.Facility(v.ctx, v.facility)
		if err != nil {
			return f, err
		}
		v.here = f
	}
	return v.here, nil
}

// now is the time in the facility's zone, for what people type and read.
func (v *visit) now() time.Time {
	f, err := v.place()
	v.note(err, "the facility's time zone")
	return v.s.Now().In(f.Location())
}
