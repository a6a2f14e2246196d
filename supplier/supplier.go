// Package supplier keeps the 業者: who sold, runs or repairs what, whom to call there, and under which contract until when.
package supplier

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Kind is what a vendor does for the facility.
type Kind string

const (
	Maker       Kind = "maker"       // メーカー
	Dealer      Kind = "dealer"      // 販売店
	Maintenance Kind = "maintenance" // 保守
	Network     Kind = "network"     // 回線・ネットワーク
	Cloud       Kind = "cloud"       // クラウド
	Other       Kind = "other"
)

// Kinds lists the kinds with their names.
func Kinds() []struct {
	Kind  Kind
	Label i18n.Text
} {
	return []struct {
		Kind  Kind
		Label i18n.Text
	}{
		{Maker, i18n.Text{Ja: "メーカー", En: "Maker"}}, {Dealer, i18n.Text{Ja: "販売店", En: "Dealer"}},
		{Maintenance, i18n.Text{Ja: "保守業者", En: "Maintenance"}}, {Network, i18n.Text{Ja: "回線・ネットワーク", En: "Network"}},
		{Cloud, i18n.Text{Ja: "クラウドの業者", En: "Cloud"}}, {Other, i18n.Text{Ja: "その他", En: "Other"}},
	}
}

// Contact is a person or a desk at the vendor.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Role  string `json:"role,omitempty"` // 営業, 保守窓口, 夜間緊急...
	Phone string `json:"phone,omitempty"`
	Mail  string `json:"mail,omitempty"`
	Hours string `json:"hours,omitempty"`
}

// Contract is what was agreed. Dates are "2026-11-21", "2026-11" or "2026".
type Contract struct {
	What      string   `json:"what"`
	From      string   `json:"from,omitempty"`
	To        string   `json:"to,omitempty"`
	Notes     string   `json:"notes,omitempty"`
	Documents []string `json:"documents,omitempty"` // ids of attachments
}

// Supplier is one 業者.
type Supplier struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Reading   string     `json:"reading,omitempty"`
	Kind      Kind       `json:"kind"`
	Contacts  []Contact  `json:"contacts,omitempty"`
	Contracts []Contract `json:"contracts,omitempty"`
	Notes     string     `json:"notes,omitempty"`
	Revision  int64      `json:"revision"` // grows with every change; an edit names the revision that it was made from
	ChangedAt time.Time  `json:"changed_at"`
	ChangedBy string     `json:"changed_by"`
}

// Change is one row of a vendor's history.
type Change struct {
	At            time.Time `json:"at"`
	By            string    `json:"by"`
	Field         string    `json:"field"` // name, reading, kind, contacts, contracts, notes; "" for added and removed
	Kind          string    `json:"kind"`  // added, edited, removed
	Before, After string
}

const (
	maxText  = 300
	maxNotes = 20_000
	maxList  = 100
)

// tidy cleans and checks a vendor as typed in.
func (v *Supplier) tidy() error {
	v.Name, v.Reading = jp.Clean(v.Name), jp.Clean(v.Reading)
	v.Notes = strings.TrimSpace(strings.ToValidUTF8(v.Notes, ""))
	if v.Kind == "" {
		v.Kind = Other
	}
	switch {
	case v.Name == "":
		return fault.New(fault.Invalid, "業者の名前を入れてください。", "Enter the vendor's name.")
	case !slices.ContainsFunc(Kinds(), func(k struct {
		Kind  Kind
		Label i18n.Text
	}) bool {
		return k.Kind == v.Kind
	}):
		return fault.New(fault.Invalid, "業者の種類が正しくありません。", "This is no kind of vendor.")
	case len(v.Name) > maxText || len(v.Reading) > maxText || len(v.Notes) > maxNotes:
		return fault.New(fault.TooLarge, "業者の名前か備考が長すぎます。", "The vendor's name or notes are too long.")
	case len(v.Contacts) > maxList || len(v.Contracts) > maxList:
		return fault.Newf(fault.TooLarge, "連絡先と契約は%d件までです。", "At most %d contacts and contracts each.", maxList)
	}
	v.Contacts, v.Contracts = slices.Clone(v.Contacts), slices.Clone(v.Contracts)
	for i := range v.Contacts {
		if err := v.Contacts[i].tidy(); err != nil {
			return err
		}
	}
	for i := range v.Contracts {
		if err := v.Contracts[i].tidy(); err != nil {
			return err
		}
	}
	v.Contacts = slices.DeleteFunc(v.Contacts, func(c Contact) bool { return c == Contact{} })
	return nil
}

func (c *Contact) tidy() error {
	for _, p := range []*string{&c.Name, &c.Role, &c.Hours} {
		*p = jp.Clean(*p)
	}
	c.Phone, c.Mail = jp.Narrow(jp.Clean(c.Phone)), jp.Narrow(jp.Clean(c.Mail))
	if max(len(c.Name), len(c.Role), len(c.Hours), len(c.Phone), len(c.Mail)) > maxText {
		return fault.New(fault.TooLarge, "連絡先の項目が長すぎます。", "A field of the contact is too long.")
	}
	if c.Mail != "" {
		if a, err := mail.ParseAddress(c.Mail); err != nil || a.Address != c.Mail {
			return fault.Newf(fault.Invalid, "「%.60s」はメールアドレスではありません。", "%.60q is not a mail address.", c.Mail)
		}
	}
	return nil
}

func (c *Contract) tidy() error {
	c.What = jp.Clean(c.What)
	if c.What == "" || len(c.What) > maxText || len(c.Notes) > maxNotes || len(c.Documents) > maxList {
		return fault.New(fault.Invalid, "契約の内容を入れてください(長すぎる場合は備考へ)。", "Say what the contract is about (put long texts into the notes).")
	}
	for _, d := range []*string{&c.From, &c.To} {
		text, _, err := jp.Date(*d)
		if err != nil {
			return err
		}
		*d = text
	}
	if c.From != "" && c.To != "" && c.To < c.From[:min(len(c.From), len(c.To))] {
		return fault.Newf(fault.Invalid, "契約「%.40s」の終わりが始まりより前です。", "The contract %.40q ends before it begins.", c.What)
	}
	return nil
}

var companyForms = regexp.MustCompile(`(株式会社|有限会社|合同会社|合資会社|一般社団法人|一般財団法人|\([株有同]\)|co\.,?ltd\.?|inc\.?$|corp\.?$|ltd\.?$)`)

// NameKey is what two writings of one company's name have in common: （株）テスト = 株式会社 テスト = ㈱テスト.
func NameKey(name string) string { return companyForms.ReplaceAllString(jp.Fold(name), "") }

// Ends returns the last day of a contract's or support's end date: "2026-11" ends on 30 November. ok is false when there is none.
func Ends(date string) (time.Time, bool) {
	for layout, last := range map[string]func(time.Time) time.Time{
		time.DateOnly: func(t time.Time) time.Time { return t },
		"2006-01":     func(t time.Time) time.Time { return t.AddDate(0, 1, -1) },
		"2006":        func(t time.Time) time.Time { return t.AddDate(1, 0, -1) },
	} {
		if t, err := time.Parse(layout, date); err == nil {
			return last(t), true
		}
	}
	return time.Time{}, false
}
