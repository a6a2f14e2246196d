package web

import (
	"strings"

	"kenshin/account"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/web/page"

	"context"
)

// me is the signed-in person's own page.
func (v *visit) me() error {
	return v.showMe(page.MeView{NewCodes: v.takeOnce().Codes})
}

func (v *visit) showMe(view page.MeView) error {
	p, err := v.s.Account.Person(v.ctx, v.session.Person.ID)
	if err != nil {
		return err
	}
	view.Email, view.TOTP = p.Email, p.TOTP
	if view.ProfileErrs == nil {
		view.Name, view.Reading = p.Name, p.Reading
	}
	sessions, err := v.s.Account.Sessions(v.ctx, p.ID)
	if err != nil {
		return err
	}
	for _, x := range sessions {
		view.Sessions = append(view.Sessions, page.Session{ID: x.ID, Where: v.where(x), Started: x.Created, Last: x.Seen, This: x.ID == v.session.ID})
	}
	keys, err := v.s.Account.Passkeys(v.ctx, p.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		view.Passkeys = append(view.Passkeys, page.Passkey{ID: k.ID, Name: or(k.Name, v.t("パスキー", "Passkey")), Made: k.Created, LastUsed: k.Used})
	}
	if view.Recovery, err = v.s.Account.RecoveryCodesLeft(v.ctx, p.ID); err != nil {
		return err
	}
	members, err := v.s.Account.Memberships(v.ctx, p.ID)
	if err != nil {
		return err
	}
	view.MinLength = account.MinPassword
	for _, m := range members {
		view.Places = append(view.Places, page.Place{Name: m.Facility.Name, Role: m.Role, Until: lastDay(m.Until), Here: m.Facility.ID == v.facility})
		n, err := v.s.passwordLength(v.ctx, m.Facility.ID)
		if err != nil {
			return err
		}
		view.MinLength = max(view.MinLength, n)
	}
	v.show(page.MePage(v.shell(), view))
	return nil
}

// where says from which browser and address a session came, in words that a person recognises.
func (v *visit) where(x account.Session) string {
	where := browserName(x.UserAgent)
	if where == "" {
		where = v.t("ブラウザ", "Browser")
	}
	if x.Address != "" && x.Address != "invalid IP" {
		where += " (" + x.Address + ")"
	}
	return where
}

// browserName reads the two words that matter out of a User-Agent. The order matters: every browser also names the ones it descends from.
func browserName(agent string) string {
	first := func(pairs ...string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	browser := first("Edg/", "Edge", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first("Windows", "Windows", "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Mac OS X", "Mac", "CrOS", "ChromeOS", "Linux", "Linux")
	return strings.Trim(browser+" · "+system, " ·")
}

// passwordLength is a facility's rule.
func (s *Server) passwordLength(ctx context.Context, f facility.ID) (n int, err error) {
	err = s.DB.Read(ctx, f, func(tx *store.Tx) (err error) {
		n, err = setting.PasswordLength().Get(ctx, tx)
		return err
	})
	return n, err
}

func (v *visit) changePassword() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	again := func(field string, err error) error {
		v.status(status(err))
		return v.showMe(page.MeView{Errors: page.Errors{field: v.sentence(err)}})
	}
	if f.Get("password") != f.Get("again") {
		return again("again", errAgain)
	}
	err = v.s.Account.ChangePassword(v.ctx, v.session, f.Get("old"), f.Get("password"), from(v.r))
	switch fault.KindOf(err) {
	case fault.Denied:
		return again("old", err)
	case fault.Invalid, fault.TooLarge, fault.Busy:
		return again("password", err)
	}
	if err != nil {
		return err
	}
	v.said("パスワードを変えました。ほかの場所はサインアウトしました。", "The password was changed, and you were signed out everywhere else.")
	v.redirect(page.PathMe)
	return nil
}

// totpForm begins to set a code app up; the one in use stays until the new one showed a code.
func (v *visit) totpForm() error {
	e, err := v.enrolment(false)
	if err != nil {
		return err
	}
	return v.showMe(page.MeView{Enrol: &e})
}

func (v *visit) totp() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	done, err := v.s.Account.FinishTOTP(v.ctx, v.session, v.kept(ceremonyCookie), f.Get("code"), from(v.r))
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		e, again := v.enrolment(false)
		if again != nil {
			return again
		}
		v.status(status(err))
		return v.showMe(page.MeView{Enrol: &e, TOTPErr: v.sentence(err)})
	}
	v.keep(ceremonyCookie, "", 0)
	if len(done.RecoveryCodes) > 0 {
		if err := v.showOnce(string(v.session.Person.ID), once{Codes: done.RecoveryCodes}); err != nil {
			return err
		}
	}
	v.said("認証アプリを登録しました。", "The authenticator app is set up.")
	v.redirect(page.PathMe)
	return nil
}

func (v *visit) totpRemove() error {
	return v.then(v.s.Account.RemoveTOTP(v.ctx, v.session), page.PathMe, i18n.Text{Ja: "認証アプリを外しました。", En: "The authenticator app was removed."})
}

func (v *visit) passkeyRemove() error {
	return v.then(v.s.Account.RemovePasskey(v.ctx, v.session, v.r.PathValue("id")), page.PathMe, i18n.Text{Ja: "パスキーを外しました。", En: "The passkey was removed."})
}

// then ends a POST: it goes on to a page with a sentence, or fails.
func (v *visit) then(err error, to string, says i18n.Text) error {
	if err != nil {
		return err
	}
	v.said(says.Ja, says.En)
	v.redirect(to)
	return nil
}

func (v *visit) newCodes() error {
	codes, err := v.s.Account.NewRecoveryCodes(v.ctx, v.session)
	if err != nil {
		return err
	}
	if err := v.showOnce(string(v.session.Person.ID), once{Codes: codes}); err != nil {
		return err
	}
	v.redirect(page.PathMe)
	return nil
}

func (v *visit) editProfile() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	err = v.s.Account.EditProfile(v.ctx, v.session, f.Get("name"), f.Get("reading"), v.session.Person.Lang)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) {
		v.status(status(err))
		return v.showMe(page.MeView{Name: f.Get("name"), Reading: f.Get("reading"), ProfileErrs: page.Errors{"name": v.sentence(err)}})
	}
	return v.then(err, page.PathMe, i18n.Text{Ja: "保存しました。", En: "Saved."})
}

func (v *visit) sessionEnd() error {
	return v.then(v.s.Account.SignOut(v.ctx, v.session.Person.ID, v.r.PathValue("id")), page.PathMe, i18n.Text{Ja: "サインアウトしました。", En: "Signed out."})
}

func (v *visit) sessionsEnd() error {
	return v.then(v.s.Account.SignOutAll(v.ctx, v.session.Person.ID, v.session.ID), page.PathMe,
		i18n.Text{Ja: "ここ以外をすべてサインアウトしました。", En: "Signed out everywhere else."})
}
