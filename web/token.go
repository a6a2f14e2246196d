package web

import (
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

// tokenAdd makes an API token; its text is shown once.
func (v *visit) tokenAdd() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := page.InviteForm{Name: f.Get("token-name"), Role: actor.Role(f.Get("token-role")), Until: f.Get("token-until")}
	again := func(field string, err error) error {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		v.status(status(err))
		return v.showPeople(page.PeopleView{TokenForm: form, TokenErrs: page.Errors{field: v.sentence(err)}})
	}
	until, err := v.endOf(form.Until)
	if err == nil && until.IsZero() {
		err = fault.New(fault.Invalid, "期限を選んでください。", "Choose an end.")
	}
	if err != nil {
		return again("until", err)
	}
	lasts := until.Sub(v.s.Now())
	if lasts < time.Minute {
		return again("until", fault.New(fault.Invalid, "期限は今日より後にしてください。", "The end must lie ahead."))
	}
	text, _, err := v.s.Account.AddToken(v.ctx, v.facility, form.Name, form.Role, lasts)
	if err != nil {
		return again("name", err)
	}
	if err := v.showOnce(string(v.session.Person.ID), once{Token: text}); err != nil {
		return err
	}
	v.redirect(page.PathPeople)
	return nil
}

func (v *visit) tokenRevoke() error {
	return v.then(v.s.Account.RevokeToken(v.ctx, v.facility, v.r.PathValue("id")), page.PathPeople, i18n.Text{Ja: "鍵を止めました。", En: "The token was revoked."})
}
