package sheet

import (
	"fmt"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/paper"
)

// Issue is something about a row that a person should know.
type Issue struct {
	Cell string    `json:"cell,omitempty"` // "C12"
	Text i18n.Text `json:"text"`
}

// parsed is one row of the sheet, read.
type parsed struct {
	row    int
	id     netid.DeviceID // what an export wrote
	word   ledger.Word
	keys   []string // of word, that this row sets
	host   string
	macs   []netid.MAC
	issues []Issue
	skip   i18n.Text // why the row is no device
}

// reader turns rows into words by a mapping.
type reader struct {
	m     Mapping
	types map[string]ledger.FieldType
	lex   *lexicon
}

func newReader(m Mapping) *reader { return &reader{m: m, types: fieldTypes(), lex: lexis()} }

func say(ja, en string, args ...any) i18n.Text {
	return i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
}

// read reads one row. ok is false for rows above and in the header.
func (d *reader) read(r paper.Row) (p parsed, ok bool) {
	if r.Number <= d.m.Header {
		return p, false
	}
	p.row = r.Number
	if p.skip = d.notADevice(r); p.skip.Ja != "" {
		return p, true
	}
	for i := range d.m.Columns {
		c := &d.m.Columns[i]
		if c.Index >= len(r.Cells) || c.Field == LeaveOut && !c.Host {
			continue
		}
		d.cell(&p, c, r.Cells[c.Index])
	}
	p.macs = macsIn(p.word.MACText)
	if len(p.keys) == 0 && p.id == "" {
		p.skip = say("取り込む列が空です。", "The columns that are taken in are empty.")
	}
	return p, true
}

// notADevice finds headings, repeated headers and closing notes between the rows.
func (d *reader) notADevice(r paper.Row) i18n.Text {
	values, own, known := map[string]bool{}, 0, 0
	header := 0
	for i := range d.m.Columns {
		c := &d.m.Columns[i]
		v := jp.Clean(r.Text(c.Index))
		if v == "" {
			continue
		}
		values[v] = true
		if !r.Cells[c.Index].Merged {
			own++
		}
		if c.Field != Keep && c.Field != LeaveOut {
			known++
		}
		if v == c.Header || strings.HasSuffix(c.Header, " "+v) {
			header++
		}
	}
	switch {
	case header >= 3 && header*2 > len(values):
		return say("見出しの繰り返しです。", "A repetition of the header.")
	case len(values) == 1 && own == 1 && len(d.m.Columns) >= 3:
		for v := range values {
			if known == 0 || wide(r) || isNote(v) {
				return say("機器ではない行です(見出しか注記)。", "Not a device: a heading or a note.")
			}
		}
	}
	return i18n.Text{}
}

// wide reports a row whose only value spans several columns.
func wide(r paper.Row) bool {
	for _, c := range r.Cells {
		if c.Merged {
			return true
		}
	}
	return false
}

func isNote(v string) bool {
	f := jp.Fold(v)
	return strings.HasPrefix(f, "※") || strings.HasPrefix(f, "*") || strings.HasPrefix(f, "【") || strings.HasPrefix(f, "■") || strings.HasPrefix(f, "合計") ||
		strings.HasPrefix(f, "以上") || strings.HasPrefix(f, "計")
}

func (d *reader) cell(p *parsed, c *Column, cell paper.Cell) {
	at := func(text i18n.Text) {
		p.issues = append(p.issues, Issue{Cell: paper.Ref(c.Index, p.row), Text: text})
	}
	if cell.Formula {
		if cell.Text == "" {
			at(say("数式の計算結果が保存されていないため、空として扱います。", "The formula has no stored result, so the cell counts as empty."))
			return
		}
		at(say("数式は計算し直さず、保存されていた値「%s」を使います。", "The formula is not calculated; its stored value %q is used.", cut(cell.Text, 40)))
	}
	if cell.Kind == paper.Error {
		at(say("Excelのエラー値(%s)なので、空として扱います。", "An Excel error (%s), so the cell counts as empty.", cell.Text))
		return
	}
	v := strings.TrimSpace(cell.Text)
	if v == "" {
		return
	}
	if c.Host {
		p.host = jp.Narrow(v)
	}
	switch c.Field {
	case LeaveOut:
	case DeviceID:
		p.id = netid.DeviceID(jp.Narrow(v))
	case Keep:
		d.set(p, c, "extra."+c.Header, v, at)
	default:
		d.field(p, c, v, at)
	}
}

// field reads a value for a field; what the field cannot hold is kept under the column's name, so that nothing is lost.
func (d *reader) field(p *parsed, c *Column, v string, at func(i18n.Text)) {
	key := c.Field
	value, ok := v, true
	switch d.types[key] {
	case ledger.Date, ledger.Choice, ledger.YesNo:
		if d.lex.sets["blank"][jp.Fold(v)] && key != "medical" && key != "impact" && (key != "kind" || d.lex.kinds[jp.Fold(v)] == "") {
			d.set(p, c, "extra."+c.Header, v, at)
			return
		}
		value, ok = d.choice(p, key, v)
	case ledger.Line, ledger.Lines:
		if several(key) {
			if before := p.word.Get(key); before != "" && before != jp.Clean(v) {
				value = before + ", " + v
			}
		}
	}
	if !ok {
		at(say("「%s」は「%s」の値として読めないため、「%s」の列としてそのまま残します。", "%q cannot be read as %s; it is kept as the column %q.", cut(v, 40), key, c.Header))
		d.set(p, c, "extra."+c.Header, v, at)
		return
	}
	if err := p.word.Set(key, value); err != nil {
		if p.word.Set("extra."+c.Header, v) != nil { // nowhere to keep it
			at(i18n.Text{Ja: fault.Sentence(err, "ja") + " この値は取り込みません。", En: fault.Sentence(err, "en") + " The value is left out."})
			return
		}
		p.note("extra." + c.Header)
		at(i18n.Text{Ja: fmt.Sprintf("%s 値は「%s」の列としてそのまま残します。", fault.Sentence(err, "ja"), c.Header),
			En: fmt.Sprintf("%s The value is kept as the column %q.", fault.Sentence(err, "en"), c.Header)})
		return
	}
	p.note(key)
	if key == "ip_text" {
		for _, w := range pieces(v) {
			if dottedQuad(w) && len(addrsIn(w)) == 0 {
				at(say("「%s」はIPアドレスとして正しくないため、文字のまま残します。", "%q is no IP address; it is kept as text.", cut(w, 40)))
			}
		}
	}
}

// dottedQuad reports what was meant as an IPv4 address: four numbers with dots, whatever their size.
func dottedQuad(s string) bool {
	parts := strings.Split(s, ".")
	for _, n := range parts {
		if n == "" || len(n) > 5 || strings.Trim(n, "0123456789") != "" {
			return false
		}
	}
	return len(parts) == 4
}

func (p *parsed) note(key string) {
	for _, k := range p.keys {
		if k == key {
			return
		}
	}
	p.keys = append(p.keys, key)
}

func (d *reader) set(p *parsed, c *Column, key, v string, at func(i18n.Text)) {
	if err := p.word.Set(key, v); err != nil {
		at(i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")})
		return
	}
	p.note(key)
}

// choice turns what people write into the ledger's own values.
func (d *reader) choice(p *parsed, key, v string) (string, bool) {
	f := jp.Fold(v)
	switch key {
	case "kind":
		return d.kind(p, f)
	case "medical":
		switch {
		case d.lex.sets["yes"][f] || f == jp.Fold("医療機器"):
			return "true", true
		case d.lex.sets["no"][f] || f == "-" || f == jp.Fold("非医療機器") || f == jp.Fold("一般"):
			return "false", true
		}
		return "", false
	case "in_use":
		switch {
		case d.lex.sets["ok"][f] || d.lex.sets["yes"][f]:
			return "yes", true
		case d.lex.sets["bad"][f] || d.lex.sets["no"][f]:
			return "no", true
		}
		return "", false
	case "impact":
		i, ok := impacts[f]
		return i, ok
	}
	return v, true // dates: Word.Set reads them
}

func (d *reader) kind(p *parsed, f string) (string, bool) {
	k, ok := d.lex.kinds[f]
	if !ok {
		best := ""
		for w, v := range d.lex.kinds { // 外来ノートPC: the longest word in it, if it is long enough to mean something
			if len([]rune(w)) >= 3 && strings.HasSuffix(f, w) && (len(w) > len(best) || len(w) == len(best) && w < best) {
				best, k, ok = w, v, true
			}
		}
	}
	kind, modality, both := strings.Cut(k, " ")
	if both && p.word.Modality == "" && ok {
		if err := p.word.Set("modality", modality); err == nil {
			p.note("modality")
		}
	}
	return kind, ok
}
