package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"kenshin/account"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

const pendingLasts = 10 * time.Minute

// signInForm is the way in. Whoever is in already goes on.
func (v *visit) signInForm() error {
	next := v.r.URL.Query().Get("next")
	if !local(next) {
		next = ""
	}
	if v.session.ID != "" {
		v.redirect(or(next, page.PathHome))
		return nil
	}
	needed, err := v.s.Account.NeedsSetup(v.ctx)
	if err != nil {
		return err
	}
	if needed {
		v.redirect(page.PathSetup)
		return nil
	}
	v.keep(nextCookie, next, pendingLasts)
	v.show(page.SignInPage(v.shell(), page.SignInView{Next: next, Expired: v.s.cookie(v.r) != ""}))
	return nil
}

// signIn takes the password.
func (v *visit) signIn() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	token, x, err := v.s.Account.SignIn(v.ctx, f.Get("email"), f.Get("password"), from(v.r))
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		v.status(status(err))
		v.show(page.SignInPage(v.shell(), page.SignInView{Email: f.Get("email"), Next: f.Get("next"), Error: v.sentence(err)}))
		return nil
	}
	if err := v.leave(); err != nil {
		return err
	}
	if next := f.Get("next"); local(next) {
		v.keep(nextCookie, next, pendingLasts)
	}
	v.s.setCookie(v.w, token)
	v.keep(ceremonyCookie, "", 0)
	v.s.Log.Debug("password taken", "stage", x.Stage)
	v.redirect(page.PathSecond)
	return nil
}

// leave ends the session that the browser had before it signs in anew.
func (v *visit) leave() error {
	if v.session.ID == "" {
		return nil
	}
	return v.s.Account.SignOut(v.ctx, v.session.Person.ID, v.session.ID)
}

func (v *visit) sentence(err error) string { return fault.Sentence(err, string(i18n.From(v.ctx))) }

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// secondForm asks for the second factor, or sets the first one up.
func (v *visit) secondForm() error { return v.showSecond(page.SecondView{}) }

func (v *visit) showSecond(view page.SecondView) error {
	p := v.session.Person
	view.App, view.Passkey = p.TOTP, p.Passkeys > 0
	if v.session.Stage == account.StageEnrol {
		e, err := v.enrolment(false)
		if err != nil {
			return err
		}
		view.Enrol = &e
	}
	v.show(page.SecondPage(v.shell(), view))
	return nil
}

// second takes the code of the authenticator app; for somebody who has none yet it sets the app up.
func (v *visit) second() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if v.session.Stage == account.StageEnrol {
		done, err := v.s.Account.FinishTOTP(v.ctx, v.session, v.kept(ceremonyCookie), f.Get("code"), from(v.r))
		if err != nil {
			return v.secondAgain(err, false)
		}
		return v.enrolled(done)
	}
	token, x, err := v.s.Account.ConfirmTOTP(v.ctx, v.s.cookie(v.r), f.Get("code"), from(v.r))
	if err != nil {
		return v.secondAgain(err, false)
	}
	v.opened(token, x)
	v.redirect(v.next())
	return nil
}

func (v *visit) secondAgain(err error, recovery bool) error {
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	v.status(status(err))
	return v.showSecond(page.SecondView{Recovery: recovery, Error: v.sentence(err)})
}

func (v *visit) recoveryForm() error {
	if v.session.Stage != account.StageSecond {
		v.redirect(page.PathSecond)
		return nil
	}
	return v.showSecond(page.SecondView{Recovery: true})
}

func (v *visit) recovery() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	token, x, err := v.s.Account.ConfirmRecovery(v.ctx, v.s.cookie(v.r), f.Get("code"), from(v.r))
	if err != nil {
		return v.secondAgain(err, true)
	}
	v.opened(token, x)
	if left, err := v.s.Account.RecoveryCodesLeft(v.ctx, x.Person.ID); err == nil && left < 3 {
		v.flash(page.Flash{Mark: page.MarkWarn, Text: v.t("復旧コードの残りが%d個です。「自分の設定」で作り直してください。", "%d recovery codes are left. Make new ones on your account page.", left)})
	}
	v.redirect(v.next())
	return nil
}

// opened hands the open session's token to the browser and clears what the way in left behind.
func (v *visit) opened(token string, x account.Session) {
	v.s.setCookie(v.w, token)
	v.keep(ceremonyCookie, "", 0)
	v.keep(nextCookie, "", 0)
	if _, err := v.r.Cookie(languageCookie); err != nil {
		v.setLanguage(x.Person.Lang)
	}
}

// next is where the person wanted to go.
func (v *visit) next() string {
	if to := v.kept(nextCookie); local(to) {
		return to
	}
	return page.PathHome
}

// enrolled goes on after a first factor was set up: the recovery codes are shown once.
func (v *visit) enrolled(done account.Enrolled) error {
	v.opened(done.Token, done.Session)
	if err := v.showOnce(string(done.Session.Person.ID), once{Codes: done.RecoveryCodes}); err != nil {
		return err
	}
	v.redirect(v.afterEnrolment())
	return nil
}

// afterEnrolment is where the recovery codes are shown: at the end of the setup, or on the person's own page.
func (v *visit) afterEnrolment() string {
	if v.kept(setupCookie) != "" {
		v.keep(setupCookie, "", 0)
		return page.PathSetupDone
	}
	return page.PathMe
}

// enrolment is the code app that is being set up: the one begun before, so that a reload keeps what the phone has read.
func (v *visit) enrolment(fresh bool) (page.TOTP, error) {
	if id := v.kept(ceremonyCookie); id != "" && !fresh {
		if e, err := v.s.Account.ResumeTOTP(v.ctx, v.session, id); err == nil {
			return totpView(e), nil
		}
	}
	e, err := v.s.Account.BeginTOTP(v.ctx, v.session)
	if err != nil {
		return page.TOTP{}, err
	}
	v.keep(ceremonyCookie, e.ID, pendingLasts)
	return totpView(e), nil
}

func totpView(e account.Enrolment) page.TOTP {
	return page.TOTP{Image: "data:image/svg+xml," + url.PathEscape(e.QR), Secret: e.Secret}
}

func (v *visit) signOut() error {
	if v.session.ID != "" {
		if err := v.s.Account.SignOut(v.ctx, v.session.Person.ID, v.session.ID); err != nil {
			return err
		}
	}
	v.s.setCookie(v.w, "")
	for _, name := range []string{ceremonyCookie, nextCookie, onceCookie, setupCookie} {
		v.keep(name, "", 0)
	}
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	v.flash(page.Flash{Mark: page.MarkOK, Text: v.t("サインアウトしました。", "You are signed out.")})
	v.redirect(page.PathSignIn)
	return nil
}

// passkeyOptions asks the browser for one of its passkeys.
func (v *visit) passkeyOptions() error {
	id, options, err := v.s.Account.BeginLogin(v.ctx)
	if err != nil {
		return err
	}
	return v.question(id, options)
}

// question sends a passkey's question and remembers which it was.
func (v *visit) question(id string, options []byte) error {
	v.keep(ceremonyCookie, id, pendingLasts)
	v.json(http.StatusOK, json.RawMessage(options))
	return nil
}

// answer reads the browser's answer to a passkey's question.
func (v *visit) answer() ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, 64<<10))
	if err != nil {
		return nil, badForm(err)
	}
	return b, nil
}

func (v *visit) passkeyVerify() error {
	b, err := v.answer()
	if err != nil {
		return err
	}
	token, x, err := v.s.Account.FinishLogin(v.ctx, v.kept(ceremonyCookie), b, from(v.r))
	if err != nil {
		return err
	}
	if err := v.leave(); err != nil {
		return err
	}
	v.opened(token, x)
	v.json(http.StatusOK, map[string]string{"location": v.next()})
	return nil
}

// enrolling lets those register a passkey who are signed in, or who set their first factor up.
func (v *visit) enrolling() error {
	if v.session.ID != "" {
		return nil
	}
	x, err := v.s.Account.Pending(v.ctx, v.s.cookie(v.r))
	if err != nil {
		return fault.Wrap(fault.Denied, err, "サインインが切れました。もう一度サインインしてください。", "Your sign-in has ended. Sign in again.")
	}
	v.session = x
	return nil
}

func (v *visit) passkeyCreateOptions() error {
	if err := v.enrolling(); err != nil {
		return err
	}
	id, options, err := v.s.Account.BeginRegister(v.ctx, v.session)
	if err != nil {
		return err
	}
	return v.question(id, options)
}

func (v *visit) passkeyCreate() error {
	if err := v.enrolling(); err != nil {
		return err
	}
	b, err := v.answer()
	if err != nil {
		return err
	}
	name := or(v.r.URL.Query().Get("label"), browserName(v.r.UserAgent()))
	done, err := v.s.Account.FinishRegister(v.ctx, v.session, v.kept(ceremonyCookie), name, b, from(v.r))
	if err != nil {
		return err
	}
	to := page.PathMe
	if done.Token != "" {
		v.opened(done.Token, done.Session)
		to = v.afterEnrolment()
	} else {
		v.keep(ceremonyCookie, "", 0)
		v.said("パスキーを登録しました。", "The passkey was registered.")
	}
	if len(done.RecoveryCodes) > 0 {
		if err := v.showOnce(string(done.Session.Person.ID), once{Codes: done.RecoveryCodes}); err != nil {
			return err
		}
	}
	v.json(http.StatusOK, map[string]string{"location": to})
	return nil
}
