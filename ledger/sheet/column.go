package sheet

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
)

// Col is a column of the ledger as people and inspectors read it: in the first sheet of a workbook and on paper.
type Col struct {
	Key    string // names the column for who lays out a page
	Header i18n.Text
	Width  float64 // characters
	cell   cell
}

// cell gives a column's value, a string, i18n.Text, int or time.Time, and whether Kenshin measured it; a person said it otherwise.
type cell func(*ledger.Device) (value any, measured bool)

// Value is what a column says of a device, times in a zone; "" when nobody said and nothing was measured.
func (c Col) Value(d *ledger.Device, l i18n.Lang, zone *time.Location) (text string, measured bool) {
	v, measured := c.cell(d)
	switch v := v.(type) {
	case i18n.Text:
		text = v.In(l)
	case int:
		text = strconv.Itoa(v)
	case time.Time:
		text = clock(v, zone)
	case string:
		text = v
	}
	return text, measured && text != ""
}

// Columns are what the checklist's manual asks of a ledger (item 2-①: what, where, fit for use; 2-②: remote maintenance) and what an inspector
// asks next. A person's word stands before the measured value.
func Columns() []Col {
	return []Col{
		{"number", say("管理番号", "Asset number"), 14, word(func(w *ledger.Word) string { return w.Number })},
		{"name", say("名称", "Name"), 24, best(func(w *ledger.Word) string { return w.Name }, (*ledger.Device).Name)},
		{"kind", say("種類", "Kind"), 16, func(d *ledger.Device) (any, bool) { return ledger.KindLabel(d.Kind()), d.Word.Kind == "" }},
		{"medical", say("医療機器", "Medical device"), 10, func(d *ledger.Device) (any, bool) { return yesNo(d.Medical()), d.Word.Medical == nil }},
		{"place", say("設置場所", "Place"), 26, word(place)},
		{"department", say("部門", "Department"), 16, word(func(w *ledger.Word) string { return w.Department })},
		{"owner", say("管理者", "Owner"), 14, word(func(w *ledger.Word) string { return w.Owner })},
		{"in_use", say("利用可否", "May be used"), 10, func(d *ledger.Device) (any, bool) { return usable(d), false }},
		{"maker", say("メーカー", "Maker"), 18, best(func(w *ledger.Word) string { return w.Maker }, (*ledger.Device).Maker)},
		{"model", say("型番", "Model"), 20, best(func(w *ledger.Word) string { return w.Model }, (*ledger.Device).Model)},
		{"serial", say("製造番号", "Serial number"), 18, best(func(w *ledger.Word) string { return w.Serial }, (*ledger.Device).Serial)},
		{"os", say("OS", "Operating system"), 22, best(func(w *ledger.Word) string { return w.OS },
			func(d *ledger.Device) string { return strings.TrimSpace(d.OS() + " " + d.OSVersion()) })},
		{"ip", say("IPアドレス", "IP address"), 18, seen(addresses, func(w *ledger.Word) string { return w.IPText })},
		{"mac", say("MACアドレス", "MAC address"), 20, seen(macs, func(w *ledger.Word) string { return w.MACText })},
		{"vendor", say("業者", "Vendor"), 22, word(func(w *ledger.Word) string { return w.Vendor })},
		{"remote", say("遠隔保守", "Remote maintenance"), 16, word(func(w *ledger.Word) string { return w.RemoteType })},
		{"purchased", say("購入日", "Purchased"), 12, word(func(w *ledger.Word) string { return w.Purchased })},
		{"support_end", say("保守終了", "End of support"), 12, word(func(w *ledger.Word) string { return w.SupportEnd })},
		{"impact", say("患者さんへの影響", "Impact on patients"), 12, func(d *ledger.Device) (any, bool) { return impactText(d.Word.Impact), false }},
		{"state", say("台帳の状態", "State"), 10, func(d *ledger.Device) (any, bool) { return stateText(d.State), d.State == ledger.New }},
		{"seen", say("最終確認", "Last seen"), 18, func(d *ledger.Device) (any, bool) { return d.LastSeen, true }},
		{"findings", say("未対応の弱点", "Open weak points"), 10, func(d *ledger.Device) (any, bool) { return d.Summary.Findings, true }},
	}
}

// word is a column that only people fill.
func word(field func(*ledger.Word) string) cell {
	return func(d *ledger.Device) (any, bool) { return field(&d.Word), false }
}

// best is a person's word, else what was measured.
func best(field func(*ledger.Word) string, value func(*ledger.Device) string) cell {
	return func(d *ledger.Device) (any, bool) { return value(d), field(&d.Word) == "" }
}

// seen is what was measured, else what a person wrote.
func seen(value func(*ledger.Device) string, field func(*ledger.Word) string) cell {
	return func(d *ledger.Device) (any, bool) {
		if s := value(d); s != "" {
			return s, true
		}
		return field(&d.Word), false
	}
}

// ja is a value as a workbook holds it.
func ja(v any) any {
	switch v := v.(type) {
	case i18n.Text:
		return v.Ja
	case time.Time:
		return clock(v, time.Local)
	}
	return v
}

func yesNo(b bool) i18n.Text {
	if b {
		return say("はい", "yes")
	}
	return say("いいえ", "no")
}

func place(w *ledger.Word) string {
	return strings.Join(slices.DeleteFunc([]string{w.Building, w.Floor, w.Room}, func(s string) bool { return s == "" }), " ")
}

func usable(d *ledger.Device) i18n.Text {
	switch {
	case d.State == ledger.Retired:
		return say("否(廃棄)", "no (retired)")
	case d.Word.InUse == "yes":
		return say("可", "yes")
	case d.Word.InUse == "no":
		return say("否", "no")
	}
	return say("未確認", "not confirmed") // silence is never a pass
}

func impactText(i ledger.Impact) i18n.Text {
	for _, o := range ledger.Impacts() {
		if o.Value == string(i) {
			return o.Label
		}
	}
	return i18n.Text{}
}

func stateText(s ledger.State) i18n.Text {
	switch s {
	case ledger.New:
		return say("新しい", "New")
	case ledger.Registered:
		return say("登録済み", "Registered")
	case ledger.Excluded:
		return say("対象外", "Excluded")
	case ledger.Retired:
		return say("廃棄", "Retired")
	}
	return i18n.Text{}
}
