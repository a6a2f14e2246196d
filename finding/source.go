package finding

import (
	"strings"

	"kenshin/i18n"
)

// Source is which part of Kenshin a finding comes from.
type Source string

const (
	Devices   Source = "devices"   // measured on a device
	Claims    Source = "claims"    // a person's answer that the evidence contradicts
	Inspector Source = "inspector" // an inspector's remark
	Registers Source = "registers" // a register's row that is to be confirmed again
	Mails     Source = "mails"     // a real phishing mail that staff reported
	Vendors   Source = "vendors"   // a vendor who refused or does not answer
	Risks     Source = "risks"     // a measure that a risk assessment decided on
	Audits    Source = "audits"    // a correction that an audit asked for
)

// sources lists the sources with how their checks' ids begin; Devices is every other check.
var sources = []struct {
	source Source
	starts []string
	text   i18n.Text
}{
	{Claims, []string{"assess.", "claim."}, i18n.Text{Ja: "申告との食い違い", En: "Answers contradicted"}},
	{Inspector, []string{"remark."}, i18n.Text{Ja: "立入検査の指摘", En: "Inspector's remarks"}},
	{Registers, []string{"register."}, i18n.Text{Ja: "記録簿の確認", En: "Registers to confirm"}},
	{Mails, []string{"drill."}, i18n.Text{Ja: "本物の不審メール", En: "Real phishing mail"}},
	{Vendors, []string{"vendor-refused", "vendor.", "inquiry."}, i18n.Text{Ja: "業者の回答", En: "Vendors' answers"}},
	{Risks, []string{"risk."}, i18n.Text{Ja: "リスクへの対応", En: "Risk treatment"}},
	{Audits, []string{"audit."}, i18n.Text{Ja: "監査の指摘", En: "Audit remarks"}},
}

// Sources lists all sources, the devices first.
func Sources() []Source {
	out := []Source{Devices}
	for _, s := range sources {
		out = append(out, s.source)
	}
	return out
}

// Label is the source's name.
func (s Source) Label() i18n.Text {
	for _, x := range sources {
		if x.source == s {
			return x.text
		}
	}
	return i18n.Text{Ja: "機器の弱点", En: "Devices"}
}

// SourceOf tells where the findings of a check come from.
func SourceOf(check string) Source {
	for _, x := range sources {
		for _, p := range x.starts {
			if strings.HasPrefix(check, p) {
				return x.source
			}
		}
	}
	return Devices
}

// condition is what a check's id must look like, as SQL with ? for each argument.
func (s Source) condition() (cond string, args []any) {
	for _, x := range sources {
		if s != Devices && s != x.source {
			continue
		}
		for _, p := range x.starts {
			if cond != "" {
				cond += " OR "
			}
			cond, args = cond+"f.check_id LIKE ?", append(args, p+"%")
		}
	}
	if s == Devices {
		return "NOT (" + cond + ")", args
	}
	return "(" + cond + ")", args
}
