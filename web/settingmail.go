package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

func mailForm(r setting.Relay) page.MailForm {
	return page.MailForm{Host: r.Host, Port: strconv.Itoa(r.Port), Security: r.Security, User: r.User, From: r.From, To: strings.Join(r.To, ", "),
		HasPassword: len(r.Password) > 0, Ready: r.Host != ""}
}

// mailSave stores the mail server. An empty password keeps the one that is there, as long as server and user stay: it is sent nowhere else.
func (v *visit) mailSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := page.MailForm{Host: narrow(f.Get("host")), Port: narrow(f.Get("port")), Security: f.Get("security"), User: strings.TrimSpace(f.Get("user")),
		From: strings.TrimSpace(f.Get("mail-from")), To: f.Get("mail-to")}
	relay := setting.Relay{Host: form.Host, Security: form.Security, User: form.User, From: form.From,
		To: strings.FieldsFunc(form.To, func(r rune) bool { return strings.ContainsRune(" ,;、\r\n\t", r) })}
	relay.Port, _ = strconv.Atoi(form.Port) // what is no number is 0, which the check refuses
	if relay.Host == "" {
		relay = setting.Mail().Default
	}
	if p := f.Get("mail-password"); p != "" && relay.User != "" {
		if relay.Password, err = v.s.Box.Seal(v.facility, setting.RelayPurpose, []byte(p)); err != nil {
			return err
		}
	}
	err = v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error {
		before, err := setting.Mail().Get(v.ctx, tx)
		if err != nil {
			return err
		}
		if len(relay.Password) == 0 && before.Host == relay.Host && before.Port == relay.Port && before.Security == relay.Security && before.User == relay.User {
			relay.Password = before.Password
		}
		form.HasPassword = len(relay.Password) > 0
		if _, err = setting.Mail().Set(v.ctx, tx, relay); err != nil {
			return err
		}
		_, err = trail.Append(v.ctx, tx, trail.Entry{At: v.s.Now(), Action: "setting.mail", Summary: i18n.Text{Ja: "お知らせメールの設定を変えました", En: "Changed the mail settings"},
			Detail: map[string]any{"host": relay.Host, "port": relay.Port, "security": relay.Security, "user": relay.User, "from": relay.From, "to": relay.To}})
		return err
	})
	if bad, ok := errors.AsType[*setting.RelayError](err); ok {
		field := bad.Field
		if slices.Contains([]string{"from", "to"}, field) {
			field = "mail-" + field
		}
		form.Errors = page.Errors{field: v.sentence(bad.Fault)}
		v.status(422)
		return v.settingsWithMail(form)
	}
	return v.then(err, page.PathSettings+"#mail", i18n.Text{Ja: "保存しました。", En: "Saved."})
}

// mailTest sends one mail at once and says what the server answered.
func (v *visit) mailTest() error {
	if v.s.Mail == nil {
		return fault.New(fault.Unavailable, "この起動ではメールを送れません。", "Mails cannot be sent in this start.")
	}
	err := v.s.Mail(v.ctx, v.facility, v.t("Kenshin: ためしのメール", "Kenshin: test mail"),
		v.t("Kenshin（ネットワーク健診）からのためしのメールです。届いたら、設定は正しくできています。", "A test mail from Kenshin. If it arrives, the settings are right."))
	if err == nil {
		return v.then(nil, page.PathSettings+"#mail", i18n.Text{Ja: "ためしのメールを送りました。届いたか確かめてください。", En: "The test mail was sent. Check that it arrived."})
	}
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	v.flash(page.Flash{Mark: page.MarkBad, Text: v.sentence(err)})
	v.redirect(page.PathSettings + "#mail")
	return nil
}
