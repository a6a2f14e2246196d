package register

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Row is one entry of a register.
type Row struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Values   map[string]string `json:"values"`  // by the column's key; dates "2026-11-21", "2026-11" or "2026"; choices by id; bools yes, no
	Owner    string            `json:"owner"`   // who sees to it
	Checked  string            `json:"checked"` // the day on which somebody last said that it is right
	Due      string            `json:"due"`     // the day by which it has to be confirmed again, "" when never; worked out when read
	Revision int64             `json:"revision"`
	Created  time.Time         `json:"created"`
	Changed  time.Time         `json:"changed"`
	ByName   string            `json:"by"` // who changed it last
}

// Overdue reports whether a row had to be confirmed before day ("2026-11-21").
func (r Row) Overdue(day string) bool { return r.Due != "" && r.Due < day }

const (
	maxText = 500    // characters of a field
	maxLong = 10_000 // characters of a field of several lines
)

// Problem is what is wrong with one field.
type Problem struct {
	Key  string    `json:"key"`
	Text i18n.Text `json:"text"`
}

// Problems are all that is wrong with a row.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	for _, x := range p {
		fmt.Fprintf(&b, "%s: %s; ", x.Key, x.Text.En)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// fault makes one sentence of the first problem; the others stay reachable with errors.As.
func (p Problems) fault() error {
	return fault.Wrap(fault.Invalid, p, p[0].Text.Ja, p[0].Text.En)
}

// Read cleans what was typed or imported for a row: dates in any Japanese writing, full-width numbers, answers by their words. today is
// "2026-11-21". Keys that the register does not have are problems, too.
func (k Kind) Read(typed map[string]string, today string) (map[string]string, Problems) {
	out, found := map[string]string{}, Problems{}
	for key := range typed {
		if _, ok := k.Column(key); !ok {
			found = append(found, Problem{clip(key, 60), i18n.Text{Ja: fmt.Sprintf("「%.60s」という欄はありません。", key), En: fmt.Sprintf("There is no field %.60q.", key)}})
		}
	}
	slices.SortFunc(found, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	for _, c := range k.Columns {
		value, err := c.read(typed[c.Key], today)
		switch {
		case err != nil:
			found = append(found, Problem{c.Key, i18n.Text{Ja: c.Label.Ja + "：" + fault.Sentence(err, "ja"), En: c.Label.En + ": " + fault.Sentence(err, "en")}})
		case value != "":
			out[c.Key] = value
		}
	}
	if len(found) == 0 {
		return out, nil
	}
	return out, found
}

// read cleans one field.
func (c Column) read(s, today string) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
	most := maxText
	if c.Type == Long {
		most = maxLong
	} else {
		s = jp.Clean(s)
	}
	switch {
	case s == "" && c.Required:
		return "", fault.New(fault.Invalid, "入れてください。", "Needed.")
	case s == "":
		return "", nil
	case utf8.RuneCountInString(s) > most:
		return "", fault.Newf(fault.Invalid, "%d文字までです。", "At most %d characters.", most)
	}
	switch c.Type {
	case Date:
		return c.date(s, today)
	case Number:
		return c.number(s)
	case Bool:
		return yesNo(s)
	case Choice:
		return c.choice(s)
	}
	return s, nil
}

func (c Column) date(s, today string) (string, error) {
	d, _, err := jp.Date(s)
	if err != nil {
		return "", err
	}
	if c.Past && d > today {
		return "", fault.Newf(fault.Invalid, "「%[1]s」は今日より先の日付です。", "%[1]s lies in the future.", s)
	}
	return d, nil
}

func (c Column) number(s string) (string, error) {
	plain := strings.NewReplacer(",", "", " ", "").Replace(jp.Narrow(s))
	for _, unit := range []string{"時間", "人", "日", "円", "件", "世代", "文字", "回"} {
		plain = strings.TrimSuffix(plain, unit)
	}
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil || n != n || n < 0 || strings.ContainsAny(plain, "xXeEpPnN_") {
		return "", fault.Newf(fault.Invalid, "「%.40s」は数ではありません。", "%.40q is not a number.", s)
	}
	if c.Max > 0 && n > c.Max {
		return "", fault.Newf(fault.Invalid, "%[1]s までの数にしてください。", "At most %[1]s.", strconv.FormatFloat(c.Max, 'f', -1, 64))
	}
	return strconv.FormatFloat(n, 'f', -1, 64), nil
}

func yesNo(s string) (string, error) {
	switch jp.Fold(s) {
	case "yes", "true", "1", "y", "o", "はい", jp.Fold("○"), jp.Fold("〇"), jp.Fold("◯"), "有", "有り", "あり", "ある", "済", "済み", "有効", "する", "可":
		return "yes", nil
	case "no", "false", "0", "n", "x", "いいえ", jp.Fold("×"), jp.Fold("✕"), "無", "無し", "なし", "ない", "未", "無効", "しない", "不可":
		return "no", nil
	}
	return "", fault.Newf(fault.Invalid, "「%.40s」は「はい」か「いいえ」で書いてください。", "%.40q: write yes or no.", s)
}

func (c Column) choice(s string) (string, error) {
	folded := jp.Fold(s)
	var words []string
	for _, o := range c.Choices {
		if s == o.ID || folded == jp.Fold(o.Ja) || folded == jp.Fold(o.En) {
			return o.ID, nil
		}
		words = append(words, o.Ja)
	}
	return "", fault.Newf(fault.Invalid, "「%.40s」は選べません。%s のどれかにしてください。", "%.40q is none of the choices: %s.", s, strings.Join(words, "・"))
}

// Shown is a value in words. Systems and vendors are named by names, which maps their ids; dates stay in the ISO form.
func (c Column) Shown(value string, l i18n.Lang, names map[string]string) string {
	switch c.Type {
	case Choice:
		for _, o := range c.Choices {
			if o.ID == value {
				return o.Label().In(l)
			}
		}
	case Bool:
		switch value {
		case "yes":
			return i18n.Text{Ja: "はい", En: "Yes"}.In(l)
		case "no":
			return i18n.Text{Ja: "いいえ", En: "No"}.In(l)
		}
	}
	if name, ok := names[value]; ok && (c.Type == System || c.Type == Vendor || c.Suggest != "") {
		return name
	}
	return value
}

// sameKey is what two writings of one row have in common.
func (k Kind) sameKey(values map[string]string) string {
	parts := make([]string, len(k.Same))
	for i, key := range k.Same {
		parts[i] = jp.Fold(values[key])
	}
	return strings.Join(parts, "\x1f")
}

// due sets Due of all rows of one register. Of things that happened only the newest of each group is due again.
func (k Kind) due(rows []Row) {
	newest := map[string]int{}
	for i := range rows {
		rows[i].Due = k.dueOf(rows[i])
		if !k.Event || rows[i].Values[k.Proof] == "" {
			continue
		}
		group := jp.Fold(rows[i].Values[k.Per])
		last, seen := newest[group]
		switch {
		case !seen:
			newest[group] = i
		case rows[last].Values[k.Proof] < rows[i].Values[k.Proof]:
			rows[last].Due, newest[group] = "", i
		default:
			rows[i].Due = ""
		}
	}
}

func (k Kind) dueOf(r Row) string {
	if k.Done != "" && r.Values[k.Done] != "" {
		return ""
	}
	var due string
	if k.Days > 0 {
		proof := firstDay(r.Values[k.Proof])
		base := proof
		if !k.Strict && !k.Event {
			base = max(proof, r.Checked)
		}
		switch {
		case base != "":
			due = addDays(base, k.Days)
		case k.Strict: // never proven: overdue from the day on which it was written
			due = day(r.Created)
		}
	}
	if end := r.Values[k.Ends]; end != "" && (due == "" || lastDay(end) < due) {
		due = lastDay(end)
	}
	return due
}

// day is the day in Japan.
func day(t time.Time) string { return t.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly) }

func addDays(d string, n int) string {
	t, err := time.Parse(time.DateOnly, d)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// firstDay and lastDay fill up a date of which only the year or month is known.
func firstDay(d string) string {
	switch len(d) {
	case 4:
		return d + "-01-01"
	case 7:
		return d + "-01"
	}
	return d
}

func lastDay(d string) string {
	switch len(d) {
	case 4:
		return d + "-12-31"
	case 7:
		if t, err := time.Parse("2006-01", d); err == nil {
			return t.AddDate(0, 1, -1).Format(time.DateOnly)
		}
	}
	return d
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
