package ledger

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// FieldType says how a field of Word is typed in and checked.
type FieldType string

const (
	Line   FieldType = "line"   // one line of text
	Lines  FieldType = "lines"  // text with line breaks
	Date   FieldType = "date"   // "2026-11-21", "2026-11" or "2026"; wareki is understood and written in this form
	Choice FieldType = "choice" // one of Choices
	YesNo  FieldType = "yesno"  // "true", "false" or ""
)

// Group is the heading under which a form shows a field.
type Group string

const (
	GroupWhat   Group = "what"
	GroupWhere  Group = "where"
	GroupVendor Group = "vendor"
	GroupRemote Group = "remote"
	GroupOther  Group = "other"
)

// Option is one value of a Choice.
type Option struct {
	Value string
	Label i18n.Text
}

// Field describes one field of Word: forms, the import and the history are made from it.
type Field struct {
	Key     string // as in Patch.Fields, and the name in JSON
	Label   i18n.Text
	Group   Group
	Type    FieldType
	Options []Option
	at      func(*Word) *string // nil for Medical and Impact
}

// Fields lists all fields of Word but Extra, in the order of a form.
func Fields() []Field { return slices.Clone(fields) }

// fields is made once: imports ask for fields by the million.
var fields = allFields()

func allFields() []Field {
	return []Field{
		{"name", t("名称", "Name"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Name }},
		{"reading", t("ふりがな", "Reading"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Reading }},
		{"number", t("管理番号", "Asset number"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Number }},
		{"kind", t("種類", "Kind"), GroupWhat, Choice, Kinds(), func(w *Word) *string { return &w.Kind }},
		{"modality", t("モダリティ", "Modality"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Modality }},
		{"medical", t("医療機器", "Medical device"), GroupWhat, YesNo, nil, nil},
		{"maker", t("メーカー", "Maker"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Maker }},
		{"model", t("型番", "Model"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Model }},
		{"serial", t("製造番号", "Serial number"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Serial }},
		{"os", t("OS", "Operating system"), GroupWhat, Line, nil, func(w *Word) *string { return &w.OS }},
		{"os_version", t("OSの版", "OS version"), GroupWhat, Line, nil, func(w *Word) *string { return &w.OSVersion }},
		{"approval", t("承認・認証番号", "Medical approval number"), GroupWhat, Line, nil, func(w *Word) *string { return &w.Approval }},
		{"impact", t("患者さんへの影響", "Impact on patients"), GroupWhat, Choice, Impacts(), nil},
		{"department", t("部門", "Department"), GroupWhere, Line, nil, func(w *Word) *string { return &w.Department }},
		{"owner", t("管理者", "Owner"), GroupWhere, Line, nil, func(w *Word) *string { return &w.Owner }},
		{"building", t("建物", "Building"), GroupWhere, Line, nil, func(w *Word) *string { return &w.Building }},
		{"floor", t("階", "Floor"), GroupWhere, Line, nil, func(w *Word) *string { return &w.Floor }},
		{"room", t("部屋", "Room"), GroupWhere, Line, nil, func(w *Word) *string { return &w.Room }},
		{"ip_text", t("IPアドレス(台帳の記載)", "IP address (as written)"), GroupWhere, Line, nil, func(w *Word) *string { return &w.IPText }},
		{"mac_text", t("MACアドレス(台帳の記載)", "MAC address (as written)"), GroupWhere, Line, nil, func(w *Word) *string { return &w.MACText }},
		{"vendor_id", t("業者の登録", "Vendor record"), GroupVendor, Line, nil, func(w *Word) *string { return &w.VendorID }},
		{"vendor", t("業者", "Vendor"), GroupVendor, Line, nil, func(w *Word) *string { return &w.Vendor }},
		{"purchased", t("購入日", "Purchased"), GroupVendor, Date, nil, func(w *Word) *string { return &w.Purchased }},
		{"lease_end", t("リース満了", "End of lease"), GroupVendor, Date, nil, func(w *Word) *string { return &w.LeaseEnd }},
		{"support_end", t("保守終了", "End of support"), GroupVendor, Date, nil, func(w *Word) *string { return &w.SupportEnd }},
		{"remote_type", t("遠隔保守の回線", "Remote maintenance line"), GroupRemote, Line, nil, func(w *Word) *string { return &w.RemoteType }},
		{"remote_by", t("回線の提供者", "Line's provider"), GroupRemote, Line, nil, func(w *Word) *string { return &w.RemoteBy }},
		{"remote_holder", t("回線の契約者", "Line's contract holder"), GroupRemote, Line, nil, func(w *Word) *string { return &w.RemoteHolder }},
		{"remote_end", t("回線の終了日", "Line's end date"), GroupRemote, Date, nil, func(w *Word) *string { return &w.RemoteEnd }},
		{"in_use", t("利用可否", "May be used"), GroupOther, Choice, []Option{{"yes", t("可", "yes")}, {"no", t("否", "no")}},
			func(w *Word) *string { return &w.InUse }},
		{"notes", t("備考", "Notes"), GroupOther, Lines, nil, func(w *Word) *string { return &w.Notes }},
	}
}

// Impacts lists how a stop touches patients.
func Impacts() []Option {
	return []Option{{string(ImpactNone), t("なし", "none")}, {string(ImpactLow), t("小", "low")}, {string(ImpactMiddle), t("中", "medium")},
		{string(ImpactHigh), t("大", "high")}}
}

func t(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }

const (
	maxLine  = 500   // bytes of a field
	maxLines = 20000 // bytes of notes
	maxExtra = 200   // columns kept in Extra
)

// extraPrefix marks the keys of Patch.Fields that go to Word.Extra: "extra.棚番".
const extraPrefix = "extra."

// Get returns a field by its key, "" when nobody said anything or there is no such field.
func (w *Word) Get(key string) string {
	switch {
	case key == "medical":
		return boolText(w.Medical)
	case key == "impact":
		return string(w.Impact)
	case strings.HasPrefix(key, extraPrefix):
		return w.Extra[key[len(extraPrefix):]]
	}
	for i := range fields {
		if f := &fields[i]; f.Key == key {
			return *f.at(w)
		}
	}
	return ""
}

// Set writes a field by its key, checked and tidied; "" takes back what was said. A fault names the field and what is wrong.
func (w *Word) Set(key, value string) error {
	if name, ok := strings.CutPrefix(key, extraPrefix); ok {
		return w.setExtra(jp.Clean(name), value)
	}
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key })
	if i < 0 {
		return fault.Newf(fault.Invalid, "台帳に「%.40s」という項目はありません。", "The ledger has no field %.40q.", key)
	}
	f := fields[i]
	value, err := f.clean(value)
	if err != nil {
		return err
	}
	switch f.Key {
	case "medical":
		w.Medical = parseBool(value)
	case "impact":
		w.Impact = Impact(value)
	default:
		*f.at(w) = value
	}
	return nil
}

func (w *Word) setExtra(name, value string) error {
	extra := maps.Clone(w.Extra)
	if extra == nil {
		extra = map[string]string{}
	}
	if value = tidyLines(value); value == "" {
		delete(extra, name)
	} else {
		extra[name] = value
	}
	switch {
	case name == "" || len(name) > maxLine || len(value) > maxLines:
		return fault.Newf(fault.TooLarge, "列「%.40s」の名前か値が長すぎます。", "The name or the value of column %.40q is too long.", name)
	case len(extra) > maxExtra:
		return fault.Newf(fault.TooLarge, "追加の列は%d個までです。", "At most %d further columns are kept.", maxExtra)
	case len(extra) == 0:
		extra = nil
	}
	w.Extra = extra
	return nil
}

func (f Field) clean(value string) (string, error) {
	limit := maxLine
	if f.Type == Lines {
		value, limit = tidyLines(value), maxLines
	} else {
		value = jp.Clean(value)
	}
	if len(value) > limit {
		return "", fault.New(fault.TooLarge, "「"+f.Label.Ja+"」が長すぎます。", f.Label.En+" is too long.")
	}
	if value == "" {
		return "", nil
	}
	switch f.Type {
	case Date:
		iso, _, err := jp.Date(value)
		return iso, err
	case YesNo:
		if value != "true" && value != "false" {
			return "", fault.New(fault.Invalid, "「"+f.Label.Ja+"」は「はい」か「いいえ」で答えてください。", f.Label.En+" is either true or false.")
		}
	case Choice:
		if !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value }) {
			return "", fault.New(fault.Invalid, "「"+f.Label.Ja+"」に「"+cut(value, 40)+"」という選択肢はありません。",
				f.Label.En+" has no choice \""+cut(value, 40)+"\".")
		}
	case Line, Lines:
	}
	return value, nil
}

// tidyLines keeps line breaks and drops everything that could not be shown.
func tidyLines(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, s))
}

func cut(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	return strings.ToValidUTF8(s[:bytes], "") + "…"
}

func boolText(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return "true"
	}
	return "false"
}

func parseBool(s string) *bool {
	if s == "" {
		return nil
	}
	b := s == "true"
	return &b
}

// Keys returns all keys that are set in w, Extra's included.
func (w *Word) Keys() []string { return w.keys() }

func (w *Word) keys() []string {
	var out []string
	for i := range fields {
		f := &fields[i]
		if w.Get(f.Key) != "" {
			out = append(out, f.Key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(w.Extra)) {
		out = append(out, extraPrefix+k)
	}
	return out
}
