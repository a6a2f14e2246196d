package web

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// settings shows what the facility chose, and the machine's state.
func (v *visit) settings() error { return v.settingsWithMail(page.MailForm{}) }

// settingsWithMail shows the mail form as typed when there is something wrong with it.
func (v *visit) settingsWithMail(typed page.MailForm) error {
	var view page.SettingsView
	where, err := v.s.Account.Facility(v.ctx, v.facility)
	if err != nil {
		return err
	}
	view.Facility, view.Reading, view.Beds, view.Street, view.Zone = where.Name, where.Reading, strconv.Itoa(where.Beds), where.Address, where.Zone
	err = v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) error {
		var errs []error
		number := func(k setting.Key[int]) string {
			n, err := k.Get(v.ctx, tx)
			errs = append(errs, err)
			return strconv.Itoa(n)
		}
		idle, err1 := setting.Idle().Get(v.ctx, tx)
		pace, err2 := setting.Pace().Get(v.ctx, tx)
		closed, err3 := setting.Closed().Get(v.ctx, tx)
		lang, err4 := setting.Language().Get(v.ctx, tx)
		relay, err5 := setting.Mail().Get(v.ctx, tx)
		view.SessionMinutes, view.Pace, view.Closed, view.Language = strconv.Itoa(int(idle)), pace, closed, string(lang)
		view.PasswordLength, view.RetentionDays = number(setting.PasswordLength()), number(setting.ObservationDays())
		view.RawDays, view.EventDays = number(setting.RawDays()), number(setting.EventDays())
		view.Mail = mailForm(relay)
		return errors.Join(append(errs, err1, err2, err3, err4, err5)...)
	})
	if err != nil {
		return err
	}
	if len(typed.Errors) > 0 {
		typed.Ready = view.Mail.Ready
		view.Mail = typed
	}
	return v.showSettings(view)
}

// showSettings adds the machine's state to the forms.
func (v *visit) showSettings(view page.SettingsView) error {
	site := v.s.Site
	view.Address, view.Version, view.Database, view.DataBytes = site.URL, v.s.Version, site.Database, folderSize(site.Folder)
	switch {
	case site.Authority != nil:
		view.TLS = v.t("この製品が作った証明書", "A certificate made by this product")
		view.Fingerprint, view.CAURL = site.Authority.Fingerprint(), page.PathCAFile+"?format=der"
	case v.s.TLS:
		view.TLS = v.t("指定された証明書", "The certificate that was given")
	default:
		view.TLS = v.t("なし(この機械の中だけで使えます)", "None (reachable from this machine only)")
	}
	err := v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) (err error) {
		if view.Weekly, err = setting.Weekly().Get(v.ctx, tx); err != nil {
			return err
		}
		last, _, err := trail.List(v.ctx, tx, trail.Filter{Action: "backup.make", Limit: 1})
		if len(last) > 0 {
			view.Backup = last[0].At
		}
		return err
	})
	if err != nil {
		return err
	}
	v.show(page.SettingsPage(v.shell(), view))
	return nil
}

// folderSize adds up the files right inside the data folder, where the database lies; what cannot be read counts nothing.
func folderSize(dir string) (total int64) {
	if dir == "" {
		return 0
	}
	files, _ := filepath.Glob(filepath.Join(dir, "kenshin.db*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			total += info.Size()
		}
	}
	return total
}

// settingsSave stores all of the form or nothing of it.
func (v *visit) settingsSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	view := page.SettingsView{Facility: f.Get("facility"), Reading: f.Get("reading"), Beds: f.Get("beds"), Street: f.Get("address"), Zone: f.Get("zone"),
		SessionMinutes: f.Get("session_minutes"), PasswordLength: f.Get("password_length"), RetentionDays: f.Get("retention_days"),
		RawDays: f.Get("raw_days"), EventDays: f.Get("event_days"), Pace: f.Get("pace"), Closed: f.Get("closed") == "true", Language: f.Get("language"),
		Errors: page.Errors{}}
	where, err := v.s.Account.Facility(v.ctx, v.facility)
	if err != nil {
		return err
	}
	where.Name, where.Reading, where.Address, where.Zone = view.Facility, view.Reading, view.Street, narrow(view.Zone)
	if where.Beds, err = bedCount(view.Beds); err != nil {
		view.Errors["beds"] = v.sentence(err)
	}
	// The facility and the values lie in two places: the values are tried first, so that a mistake in either stores nothing.
	err = v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error {
		if err := v.putSettings(tx, view); err != nil {
			return err
		}
		return errForm
	})
	if !errors.Is(err, errForm) {
		return err
	}
	if len(view.Errors) == 0 {
		err = v.s.Account.EditFacility(v.ctx, where)
		switch {
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.TooLarge):
			view.Errors[facilityField(err)] = v.sentence(err)
		case err == nil:
			err = v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error { return v.putSettings(tx, view) })
		}
		if err != nil && len(view.Errors) == 0 {
			return err
		}
	}
	if len(view.Errors) > 0 {
		v.status(422)
		if err := v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) error {
			relay, err := setting.Mail().Get(v.ctx, tx)
			view.Mail = mailForm(relay)
			return err
		}); err != nil {
			return err
		}
		return v.showSettings(view)
	}
	v.said("保存しました。", "Saved.")
	v.redirect(page.PathSettings)
	return nil
}

// errForm rolls a form's transaction back; what is wrong stands in its Errors.
var errForm = errors.New("the form has errors")

// putSettings checks and stores the values, and tells the trail what changed.
func (v *visit) putSettings(tx *store.Tx, view page.SettingsView) error {
	changed := map[string]any{}
	var broken error
	put := func(field, name string, set func() (before, after any, err error)) {
		before, after, err := set()
		switch {
		case fault.Is(err, fault.Invalid):
			view.Errors[field] = v.sentence(err)
		case err != nil:
			broken = errors.Join(broken, err)
		case !reflect.DeepEqual(before, after):
			changed[name] = map[string]any{"before": before, "after": after}
		}
	}
	number := func(field, text string, k setting.Key[int]) {
		put(field, k.Name, func() (any, any, error) {
			n, err := strconv.Atoi(narrow(text))
			if err != nil {
				return nil, nil, errNumber
			}
			before, err := k.Set(v.ctx, tx, n)
			return before, n, err
		})
	}
	put("session_minutes", setting.Idle().Name, func() (any, any, error) {
		n, err := strconv.Atoi(narrow(view.SessionMinutes))
		if err != nil {
			return nil, nil, errNumber
		}
		before, err := setting.Idle().Set(v.ctx, tx, setting.Minutes(n))
		return before, setting.Minutes(n), err
	})
	number("password_length", view.PasswordLength, setting.PasswordLength())
	number("retention_days", view.RetentionDays, setting.ObservationDays())
	number("raw_days", view.RawDays, setting.RawDays())
	number("event_days", view.EventDays, setting.EventDays())
	put("pace", setting.Pace().Name, func() (any, any, error) {
		before, err := setting.Pace().Set(v.ctx, tx, view.Pace)
		return before, view.Pace, err
	})
	put("closed", setting.Closed().Name, func() (any, any, error) {
		before, err := setting.Closed().Set(v.ctx, tx, view.Closed)
		return before, view.Closed, err
	})
	put("language", setting.Language().Name, func() (any, any, error) {
		l := i18n.Parse(view.Language)
		before, err := setting.Language().Set(v.ctx, tx, l)
		return before, l, err
	})
	if broken != nil {
		return broken
	}
	if len(view.Errors) > 0 {
		return errForm
	}
	if len(changed) == 0 {
		return nil
	}
	_, err := trail.Append(v.ctx, tx, trail.Entry{At: v.s.Now(), Action: "setting.edit", Summary: i18n.Text{Ja: "設定を変えました", En: "Changed settings"}, Detail: changed})
	return err
}

var errNumber = fault.New(fault.Invalid, "数字で入れてください。", "Enter a number.")

// facilityField finds the field that an error about a facility belongs to, by its own words.
func facilityField(err error) string {
	text := fault.Sentence(err, "en")
	switch {
	case strings.Contains(text, "time zone"):
		return "zone"
	case strings.Contains(text, "address"):
		return "address"
	case strings.Contains(text, "reading"):
		return "reading"
	case strings.Contains(text, "beds"):
		return "beds"
	}
	return "facility"
}

// rootFile is the root certificate of our own CA. It is for everybody: a PC needs it before it can trust any page, and it is no secret.
func (v *visit) rootFile() error {
	a := v.s.Site.Authority
	if a == nil {
		return errNoAuthority
	}
	body, name, kind := a.PEM(), "kenshin-root.crt", "application/x-pem-file"
	if v.r.URL.Query().Get("format") == "der" {
		body, name, kind = a.DER(), "kenshin-root.cer", "application/pkix-cert"
	}
	v.download(kind, name)
	_, err := v.w.Write(body)
	v.note(err, "root certificate")
	return nil
}

var errNoAuthority = fault.New(fault.NotFound, "この機械は、指定された証明書を使っています。PCに入れるものはありません。",
	"This machine uses the certificate that was given. There is nothing to install on the PCs.")

// rootHelp says how to bring the root certificate to the hospital's computers.
func (v *visit) rootHelp() error {
	a := v.s.Site.Authority
	if a == nil {
		return errNoAuthority
	}
	file := func(format string) string { return page.PathCAFile + "?" + url.Values{"format": {format}}.Encode() }
	v.show(page.CAPage(v.shell(), page.CAView{Address: v.s.Site.URL, Fingerprint: a.Fingerprint(), Expires: a.Expires(), PEM: file("pem"), DER: file("der")}))
	return nil
}
