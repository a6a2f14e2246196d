package web

import (
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

const dateForm = "2006-01-02" // of <input type="date">

// people is who may use this facility's console.
func (v *visit) people() error {
	o := v.takeOnce()
	return v.showPeople(page.PeopleView{NewToken: o.Token, InviteURL: o.Invite})
}

func (v *visit) showPeople(view page.PeopleView) error {
	members, err := v.s.Account.Members(v.ctx, v.facility)
	if err != nil {
		return err
	}
	admins := 0
	for _, m := range members {
		if m.Role == actor.Admin && !m.Person.Disabled {
			admins++
		}
	}
	for _, m := range members {
		row := page.Member{ID: string(m.Person.ID), Name: m.Person.Name, Email: m.Person.Email, Role: m.Role, Until: lastDay(m.Until),
			Self: m.Person.ID == v.session.Person.ID, LastOne: m.Role == actor.Admin && admins == 1}
		switch {
		case m.Person.Passkeys > 0:
			row.Second = "passkey"
		case m.Person.TOTP:
			row.Second = "totp"
		}
		sessions, err := v.s.Account.Sessions(v.ctx, m.Person.ID)
		if err != nil {
			return err
		}
		row.Sessions = len(sessions)
		if len(sessions) > 0 {
			row.LastSeen = sessions[0].Seen
		}
		view.Members = append(view.Members, row)
	}
	invites, err := v.s.Account.Invitations(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, i := range invites {
		view.Invites = append(view.Invites, page.Invite{ID: i.ID, Email: i.Email, Role: i.Role, Until: i.Expires, Revoke: page.InviteRevoke(i.ID)})
	}
	tokens, err := v.s.Account.Tokens(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		view.Tokens = append(view.Tokens, page.Token{ID: t.ID, Name: t.Name, Role: t.Role, Until: lastDay(t.Expires), LastUsed: t.Used, By: t.CreatedBy})
	}
	if view.InviteForm.Role == "" {
		view.InviteForm.Role = actor.Department
	}
	if view.TokenForm.Role == "" {
		view.TokenForm.Role = actor.Auditor
		view.TokenForm.Until = v.now().AddDate(1, 0, 0).Format(dateForm)
	}
	v.show(page.PeoplePage(v.shell(), view))
	return nil
}

// lastDay is the day to show for an end: what ends at midnight was good until the day before.
func lastDay(end time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return end.Add(-time.Second)
}

// endOf reads the last day that a person typed: it counts until midnight in the facility's zone. "" is the zero time.
func (v *visit) endOf(text string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(dateForm, text, v.now().Location())
	if err != nil {
		return time.Time{}, fault.Wrap(fault.Invalid, err, "日付を選び直してください。", "Choose the date again.")
	}
	return day.AddDate(0, 0, 1), nil
}

// inviteAdd makes an invitation; its link is shown once, for the admin to hand over.
func (v *visit) inviteAdd() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := page.InviteForm{Email: f.Get("email"), Role: actor.Role(f.Get("role")), Until: f.Get("until")}
	again := func(field string, err error) error {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		v.status(status(err))
		return v.showPeople(page.PeopleView{InviteForm: form, Errors: page.Errors{field: v.sentence(err)}})
	}
	until, err := v.endOf(form.Until)
	if err != nil {
		return again("until", err)
	}
	secret, _, err := v.s.Account.Invite(v.ctx, v.facility, form.Email, form.Role, until)
	if err != nil {
		field := "email"
		switch text := fault.Sentence(err, "en"); {
		case strings.Contains(text, "end date"):
			field = "until"
		case strings.Contains(text, "role"):
			field = "role"
		}
		return again(field, err)
	}
	if err := v.showOnce(string(v.session.Person.ID), once{Invite: v.s.Site.URL + page.InvitePath(secret)}); err != nil {
		return err
	}
	v.redirect(page.PathPeople)
	return nil
}

func (v *visit) inviteRevoke() error {
	return v.then(v.s.Account.Withdraw(v.ctx, v.facility, v.r.PathValue("id")), page.PathPeople, i18n.Text{Ja: "招待を取り消しました。", En: "The invitation was withdrawn."})
}

func (v *visit) personRole() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	until, err := v.endOf(f.Get("until"))
	if err != nil {
		return err
	}
	role := actor.Role(f.Get("role"))
	if role == actor.Desk && until.IsZero() {
		until = v.s.Now().AddDate(0, 6, 0) // the list has no room for a date; an invitation gives another one
	}
	return v.then(v.s.Account.SetMember(v.ctx, v.facility, actor.PersonID(v.r.PathValue("id")), role, until), page.PathPeople,
		i18n.Text{Ja: "役割を変えました。", En: "The role was changed."})
}

func (v *visit) personRemove() error {
	return v.then(v.s.Account.RemoveMember(v.ctx, v.facility, actor.PersonID(v.r.PathValue("id"))), page.PathPeople,
		i18n.Text{Ja: "この施設から外しました。", En: "Removed from this facility."})
}

// personSignOut signs a member of this facility out everywhere, for a lost phone or computer.
func (v *visit) personSignOut() error {
	id := actor.PersonID(v.r.PathValue("id"))
	members, err := v.s.Account.Members(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Person.ID == id {
			return v.then(v.s.Account.SignOutAll(v.ctx, id, ""), page.PathPeople, i18n.Text{Ja: "サインアウトさせました。", En: "Signed out."})
		}
	}
	return fault.New(fault.NotFound, "その利用者はいません。", "There is no such person.")
}
