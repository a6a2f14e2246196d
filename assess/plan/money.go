package plan

import (
	"context"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
)

// Money is a budget over three fiscal years from the sheet's year on.
type Money struct {
	Lines []Line `json:"lines"`
	Fees  []Fee  `json:"fees"` // conditions of the fee schedule, as far as they are known
	Note  string `json:"note,omitempty"`
}

// Line is one thing that costs money.
type Line struct {
	ID     string   `json:"id"`
	What   string   `json:"what"`
	Effect string   `json:"effect"`
	Yen    [3]int64 `json:"yen"` // in each of the three years
	State  string   `json:"state"`
	Closes []Ref    `json:"closes,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// Ref is what a line closes: a gate to a level, an item of the checklist, or a risk.
type Ref struct {
	Kind  string    `json:"kind"` // gate, item, risk
	ID    string    `json:"id"`
	Title i18n.Text `json:"title,omitzero"`
}

// LineStates are where a line can stand; the words are the register's.
func LineStates() []string { return []string{"wanted", "asked", "granted", "spent", "refused"} }

// StateText is a line's state in words.
func StateText(s string) i18n.Text {
	switch s {
	case "asked":
		return i18n.Text{Ja: "申請中", En: "Asked for"}
	case "granted":
		return i18n.Text{Ja: "認められた", En: "Granted"}
	case "spent":
		return i18n.Text{Ja: "使った", En: "Spent"}
	case "refused":
		return i18n.Text{Ja: "認められなかった", En: "Refused"}
	}
	return i18n.Text{Ja: "要望", En: "Wanted"}
}

// Fee is a condition of the fee schedule. Kenshin ships what it found with how sure that is; a person notes what the notice itself says.
type Fee struct {
	ID         string               `json:"id"`
	Title      i18n.Text            `json:"title"`
	Text       i18n.Text            `json:"text"`
	Source     string               `json:"source"`
	Confidence catalogue.Confidence `json:"confidence"`
	Checked    string               `json:"checked"` // the day on which somebody looked into the notice; "" is 要確認
	Found      string               `json:"found"`   // what it said
}

// fees are the conditions that are in force, none of them looked up yet.
func (b *Book) fees(ctx context.Context) (out []Fee, err error) {
	var all []catalogue.Fee
	if b.Fees != nil {
		all, err = b.Fees(ctx)
	} else {
		var s catalogue.Tables
		s, err = catalogue.BuiltIn()
		all = s.Fees
	}
	for _, f := range all {
		out = append(out, Fee{ID: f.ID, Title: f.Title, Text: f.Text, Source: f.Source, Confidence: f.Confidence})
	}
	return out, err
}

// Totals are the sums of each year, without what was refused, and of all.
func (m Money) Totals() (years [3]int64, all int64) {
	for _, l := range m.Lines {
		if l.State == "refused" {
			continue
		}
		for i, y := range l.Yen {
			years[i] += y
			all += y
		}
	}
	return years, all
}

const maxYen = 1_000_000_000_000

func (m *Money) tidy() error {
	if len(m.Lines) > maxRows || len(m.Fees) > maxRows {
		return fault.Newf(fault.TooLarge, "行は%d行までです。", "At most %d rows.", maxRows)
	}
	if err := tidyText(0, "メモ", &m.Note, maxLong); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range m.Lines {
		l, n := &m.Lines[i], i+1
		for _, x := range []struct {
			field string
			s     *string
			most  int
		}{{"何に", &l.What, maxText}, {"良くなること", &l.Effect, maxLong}, {"メモ", &l.Note, maxLong}, {"番号", &l.ID, 60}} {
			if err := tidyText(n, x.field, x.s, x.most); err != nil {
				return err
			}
		}
		switch {
		case l.ID == "" || seen[l.ID]:
			return bad(n, "番号", "空か、重なっています。", "it is empty or used twice.")
		case l.What == "":
			return bad(n, "何に", "書いてください。", "write it.")
		case len(l.Closes) > 60:
			return bad(n, "良くなる項目", "多すぎます。", "there are too many.")
		}
		seen[l.ID] = true
		for _, y := range l.Yen {
			if y < 0 || y > maxYen {
				return bad(n, "金額", "0円から1兆円の間で入れてください。", "enter 0 to 10^12 yen.")
			}
		}
		if l.State == "" {
			l.State = "wanted"
		}
		if StateText(l.State).Ja == StateText("").Ja && l.State != "wanted" {
			return bad(n, "状況", "選べる答えにありません。", "there is no such state.")
		}
	}
	for i := range m.Fees {
		if err := tidyDay(i+1, "確かめた日", &m.Fees[i].Checked); err != nil {
			return err
		}
		if err := tidyText(i+1, "確かめた内容", &m.Fees[i].Found, maxLong); err != nil {
			return err
		}
	}
	return nil
}

func (m *Money) ready() error {
	if _, all := m.Totals(); all == 0 {
		return fault.New(fault.Conflict, "金額がまだありません。", "There is no amount yet.")
	}
	return nil
}
