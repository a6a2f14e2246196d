package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kenshin/drill"
	"kenshin/drill/mailbox"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/web/page"
)

// mailboxView is the report mailbox as it is set up now.
func (v *visit) mailboxView(s drill.Settings) (page.MailboxView, error) {
	m := page.MailboxView{Mailbox: s.Mailbox, Revision: s.Revision, HasSecret: len(s.Mailbox.Sealed) > 0}
	if s.Mailbox.Port > 0 {
		m.Port = strconv.Itoa(s.Mailbox.Port)
	}
	var err error
	m.Health, err = v.s.Drills.MailboxHealth(v.ctx, v.facility)
	return m, err
}

// drillMailbox saves how the report mailbox is read and looks into it, or looks with what was typed and saves nothing.
func (v *visit) drillMailbox() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	view, err := v.mailboxView(s)
	if err != nil {
		return err
	}
	view.Errors = page.Errors{}
	v.mailboxTyped(&view, f)
	code := http.StatusOK
	if len(view.Errors) == 0 && f.Get("do") != "try" {
		s.Mailbox = view.Mailbox
		s.Revision = revisionTyped(f, s.Revision)
		switch err := v.s.Drills.SaveSettings(v.ctx, v.facility, s, drill.Secrets{Mailbox: f.Get("box-secret")}); {
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
			view.Errors[""] = v.says(err)
		case err != nil:
			return err
		case s.Mailbox.Host == "":
			v.said("メールボックスを読むのをやめました。", "The mailbox is read no more.")
			v.redirect(page.PathDrillSettings + "#mailbox")
			return nil
		default:
			if s, err = v.s.Drills.Settings(v.ctx, v.facility); err != nil {
				return err
			}
			view.Mailbox, view.Revision, view.HasSecret = s.Mailbox, s.Revision, len(s.Mailbox.Sealed) > 0
			if view.Health, err = v.s.Drills.MailboxHealth(v.ctx, v.facility); err != nil {
				return err
			}
		}
	}
	if len(view.Errors) == 0 {
		if err := v.lookIntoMailbox(&view, f.Get("box-secret")); err != nil {
			return err
		}
	}
	if len(view.Errors) > 0 {
		code = http.StatusUnprocessableEntity
	}
	return v.showDrillSettings(page.DrillSettingsView{Settings: s, Text: settingTexts(s), Box: &view}, code)
}

func (v *visit) lookIntoMailbox(view *page.MailboxView, secret string) error {
	found, err := v.s.Drills.TryMailbox(v.ctx, v.facility, view.Mailbox, secret)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied, fault.NotFound, fault.Unavailable, fault.Busy:
		if err != nil {
			view.Failed = v.says(err)
		}
	default:
		if err != nil {
			return err
		}
	}
	view.Tried, view.Found = true, found
	return nil
}

func (v *visit) mailboxTyped(view *page.MailboxView, f url.Values) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	m := &view.Mailbox
	for name, to := range map[string]*string{"box-host": &m.Host, "box-security": &m.Security, "box-auth": &m.Auth, "box-user": &m.User, "box-folder": &m.Folder, "box-move": &m.MoveTo,
		"box-token-url": &m.TokenURL, "box-client": &m.Client} {
		*to = get(name)
	}
	m.After = mailbox.After(get("box-after"))
	view.Port = get("box-port")
	m.Port = 0
	if text := jp.Narrow(view.Port); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			view.Errors["box-port"] = v.t("数字で入れてください。", "Enter a number.")
		}
		m.Port = n
	}
}
