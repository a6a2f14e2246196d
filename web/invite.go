package web

import (
	"net/url"

	"kenshin/account"
	"kenshin/fault"
	"kenshin/web/page"
)

// inviteForm is where an invitation's link leads.
func (v *visit) inviteForm() error { return v.showInvite(page.InviteView{}) }

func (v *visit) showInvite(view page.InviteView) error {
	secret := v.r.PathValue("secret")
	inv, err := v.s.Account.Invitation(v.ctx, secret)
	if err != nil {
		return err
	}
	where, err := v.s.Account.Facility(v.ctx, inv.Facility)
	if err != nil {
		return err
	}
	view.MinLength, err = v.s.passwordLength(v.ctx, inv.Facility)
	if err != nil {
		return err
	}
	view.URL, view.Facility, view.Email, view.Role, view.Known = page.InvitePath(secret), where.Name, inv.Email, inv.Role, inv.Known
	view.Mine = v.session.ID != "" && v.session.Person.Email == inv.Email
	view.SignIn = page.PathSignIn + "?next=" + url.QueryEscape(view.URL)
	v.show(page.InvitePage(v.shell(), view))
	return nil
}

// invite takes an invitation up: with a new account, or for the person who is signed in.
func (v *visit) invite() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	secret := v.r.PathValue("secret")
	inv, err := v.s.Account.Invitation(v.ctx, secret)
	if err != nil {
		return err
	}
	if inv.Known {
		return v.inviteKnown(secret, inv)
	}
	view := page.InviteView{Name: f.Get("name")}
	if f.Get("password") != f.Get("again") {
		return v.inviteAgain(view, "again", errAgain)
	}
	n := account.NewPerson{Name: view.Name, Password: f.Get("password"), Lang: v.s.language(v.r)}
	token, _, err := v.s.Account.AcceptNew(v.ctx, secret, n, from(v.r))
	if err != nil {
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) || fault.Is(err, fault.Conflict) {
			return v.inviteAgain(view, personField(err), err)
		}
		return err
	}
	if err := v.leave(); err != nil {
		return err
	}
	v.s.setCookie(v.w, token)
	v.keep(ceremonyCookie, "", 0)
	v.redirect(page.PathSecond)
	return nil
}

func (v *visit) inviteKnown(secret string, inv account.Invitation) error {
	if v.session.ID == "" {
		v.redirect(page.PathSignIn + "?next=" + url.QueryEscape(page.InvitePath(secret)))
		return nil
	}
	if err := v.s.Account.Accept(v.ctx, secret, v.session); err != nil {
		return err
	}
	if _, err := v.s.Account.Enter(v.ctx, v.session, inv.Facility); err != nil {
		return err
	}
	v.said("参加しました。", "You have joined.")
	v.redirect(page.PathHome)
	return nil
}

func (v *visit) inviteAgain(view page.InviteView, field string, err error) error {
	view.Errors = page.Errors{field: v.sentence(err)}
	v.status(status(err))
	return v.showInvite(view)
}
