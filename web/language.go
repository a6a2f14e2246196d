package web

import (
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/web/page"
)

// language switches the language of the pages and comes back; for somebody who is signed in it is kept with the account.
func (v *visit) language() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	l := i18n.Parse(f.Get("lang"))
	v.setLanguage(l)
	if p := v.session.Person; v.session.ID != "" && p.Lang != l {
		v.note(v.s.Account.EditProfile(v.ctx, v.session, p.Name, p.Reading, l), "language")
	}
	v.redirect(back(f, page.PathHome))
	return nil
}

// enterFacility puts another facility on the screen.
func (v *visit) enterFacility() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if _, err := v.s.Account.Enter(v.ctx, v.session, facility.ID(f.Get("facility"))); err != nil {
		return err
	}
	v.redirect(back(f, page.PathHome))
	return nil
}
