package inquiry

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/setting"
	"kenshin/store"
)

// Settings say how forms reach those who answer.
type Settings struct {
	Base    string `json:"base"`    // how vendors' browsers reach the pages: https://kaitou.hospital.example.jp
	Contact string `json:"contact"` // whom to ask, on every page and in every mail
	Support string `json:"support"` // the support body's mail address
	Days    int    `json:"days"`    // how long a link can be used
	Weeks   int    `json:"weeks"`   // within how many weeks an answer is asked for
	Remind  []int  `json:"remind"`  // days before the due day on which a reminder goes out
}

const maxRemind = 5

// SettingsKey is where the settings are kept.
func SettingsKey() setting.Key[Settings] {
	return setting.Key[Settings]{Name: "inquiry.sending", Default: Settings{Days: 60, Weeks: 4, Remind: []int{7, 1}}, Check: Settings.check,
		Title: i18n.Text{Ja: "回答フォームの送り方", En: "How forms are sent"}}
}

func (s Settings) check() error {
	if s.Base != "" {
		u, err := url.Parse(s.Base)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return fault.New(fault.Invalid, "回答ページのアドレスは https://kaitou.example.jp のように書いてください。", "Write the address of the pages as https://kaitou.example.jp.")
		}
	}
	switch {
	case len(s.Base) > 300 || len([]rune(s.Contact)) > maxName || len(s.Support) > 300:
		return tooLong("問い合わせ先", maxName)
	case s.Support != "" && !mailAddress(s.Support):
		return fault.New(fault.Invalid, "支援団体のメールアドレスが正しくありません。", "The support body's mail address is wrong.")
	case s.Days < 1 || s.Days > 365:
		return fault.New(fault.Invalid, "リンクの有効日数は1から365です。", "A link can be used for 1 to 365 days.")
	case s.Weeks < 1 || s.Weeks > 26:
		return fault.New(fault.Invalid, "回答の期限は1から26週間です。", "An answer is due within 1 to 26 weeks.")
	case len(s.Remind) > maxRemind || slices.ContainsFunc(s.Remind, func(n int) bool { return n < 0 || n > 90 }):
		return fault.New(fault.Invalid, "催促は期限の0日から90日前までの、5回までです。", "At most five reminders, 0 to 90 days before the due day.")
	}
	return nil
}

// Settings returns how the facility's forms are sent.
func (b *Book) Settings(ctx context.Context, f facility.ID) (s Settings, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		s, err = SettingsKey().Get(ctx, tx)
		return err
	})
	return s, err
}

// SaveSettings stores how the facility's forms are sent.
func (b *Book) SaveSettings(ctx context.Context, f facility.ID, s Settings) error {
	s.Base, s.Contact, s.Support = strings.TrimRight(jp.Narrow(jp.Clean(s.Base)), "/"), jp.Clean(s.Contact), jp.Narrow(jp.Clean(s.Support))
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := SettingsKey().Set(ctx, tx, s); err != nil {
			return err
		}
		return b.trail(ctx, tx, "inquiry.settings", "", i18n.Text{Ja: "回答フォームの送り方を変えました", En: "Changed how forms are sent"})
	})
}
