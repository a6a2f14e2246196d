package register

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/paper"
)

const (
	lookRows     = 30 // rows among which the header is looked for
	maxBad       = 500
	ownerKey     = "owner"
	maxImported  = 20_000 // rows of one file
	shownColumns = 200
)

// Source is a column of a file and what it is taken for.
type Source struct {
	Index  int    // from 0
	Letter string // A, B...
	Header string
	Key    string // of the register's column, owner, or "" when it is left out
}

// Line is one row of a file.
type Line struct {
	Number int // as Excel counts
	Values map[string]string
	Owner  string
	State  LineState
	Wrong  []Wrong
}

// LineState is what taking a line in would do.
type LineState string

const (
	LineNew     LineState = "new"
	LineChanged LineState = "changed"
	LineSame    LineState = "same"
	LineWrong   LineState = "wrong"
	LineTwice   LineState = "twice" // another line of the file is the same row
)

// Wrong is what is wrong with one cell.
type Wrong struct {
	Cell string    `json:"cell"` // "C12"
	Text i18n.Text `json:"text"`
}

// Import is a file as it was read, before anything of it is kept.
type Import struct {
	Sheet   string
	Header  int // its row
	Columns []Source
	Lines   []Line
	Notes   []i18n.Text // what a person should know: names that the ledger does not know, columns that were left out
	Counts  map[LineState]int
}

// Good is how many lines can be taken.
func (i Import) Good() int { return len(i.Lines) - i.Counts[LineWrong] - i.Counts[LineTwice] }

// Names knows systems, vendors and items of catalogues: ByID for what is shown, the rest for what people write.
type Names struct {
	ByID map[string]string
	ids  map[string]map[string]string // by what they are for, jp.Fold of the name -> id
}

// NewNames returns an empty set of names.
func NewNames() Names {
	return Names{ByID: map[string]string{}, ids: map[string]map[string]string{}}
}

// System, Vendor and Item add a name. Of an item also writes ("2-1") count, and its id.
func (n Names) System(id, name string) { n.add(string(System), id, name) }
func (n Names) Vendor(id, name string) { n.add(string(Vendor), id, name) }
func (n Names) Item(list, id, name string, writings ...string) {
	n.add(list, id, name, append(writings, id)...)
}

func (n Names) add(what, id, name string, writings ...string) {
	if n.ids[what] == nil {
		n.ids[what] = map[string]string{}
	}
	n.ByID[id] = name
	for _, w := range append(writings, name) {
		if key := jp.Fold(w); key != "" {
			n.ids[what][key] = id
		}
	}
}

func (n Names) find(c Column, value string) (string, bool) {
	what := c.Suggest
	if c.Type == System || c.Type == Vendor {
		what = string(c.Type)
	}
	if what == "" || value == "" {
		return value, true
	}
	if _, known := n.ByID[value]; known {
		return value, true
	}
	id, ok := n.ids[what][jp.Fold(value)]
	if !ok {
		return value, false
	}
	return id, true
}

// Resolve puts ids for the names of systems and vendors that are known; unknown names stay as they are written.
func (k Kind) Resolve(values map[string]string, n Names) {
	for _, c := range k.Columns {
		if value := jp.Clean(values[c.Key]); value != "" {
			if id, ok := n.find(c, value); ok {
				values[c.Key] = id
			}
		}
	}
}

// header is a row that may name the columns.
type header struct {
	sheet   *paper.Sheet
	row     int // the last row of it
	columns []Source
	score   int
}

// ReadBook reads a sheet of rows of this register. chosen overrides what columns are taken for (index -> key, "" leaves out). Nothing in a
// file that cannot be read becomes a value: such lines come back as wrong, with their cells.
func (k Kind) ReadBook(book *paper.Book, chosen map[int]string, n Names, have []Row, today string) (Import, error) {
	best, err := k.findHeader(book)
	if err != nil {
		return Import{}, err
	}
	for i := range best.columns {
		if key, ok := chosen[best.columns[i].Index]; ok {
			best.columns[i].Key = key
		}
	}
	out := Import{Sheet: best.sheet.Name, Header: best.row, Columns: best.columns, Counts: map[LineState]int{}}
	if err := k.complete(best.columns); err != nil {
		return out, err
	}
	known := map[string]Row{}
	for _, r := range have {
		known[k.sameKey(r.Values)] = r
	}
	reader := lineReader{kind: k, names: n, known: known, seen: map[string]int{}, unknown: map[string]bool{}, today: today, columns: best.columns}
	err = best.sheet.Rows(func(r paper.Row) error {
		if r.Number <= best.row {
			return nil
		}
		line, some := reader.read(r)
		if !some {
			return nil
		}
		if len(out.Lines) >= maxImported {
			return fault.Newf(fault.TooLarge, "一度に取り込めるのは%d行までです。ファイルを分けてください。", "At most %d rows at once. Split the file.", maxImported)
		}
		out.Lines = append(out.Lines, line)
		out.Counts[line.State]++
		return nil
	})
	out.Notes = reader.notes(book)
	return out, err
}

func (k Kind) findHeader(book *paper.Book) (header, error) {
	var best header
	for _, s := range book.Sheets() {
		var above []string
		err := s.Rows(func(r paper.Row) error {
			if r.Number > lookRows {
				return io.EOF
			}
			texts := make([]string, min(len(r.Cells), shownColumns))
			for i := range texts {
				texts[i] = strings.TrimSpace(r.Cells[i].Text)
			}
			if h := k.asHeader(texts, above); h.score > best.score {
				h.sheet, h.row = s, r.Number
				best = h
			}
			above = texts
			return nil
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return best, err
		}
	}
	if best.score == 0 {
		var words []string
		for _, c := range k.Columns {
			words = append(words, c.Label.Ja)
		}
		return best, fault.Newf(fault.Invalid, "見出しの行が見つかりません。最初の%[1]d行のどこかに「%[2]s」などの見出しを置いてください。",
			"There is no row of headings. Put headings such as %[2]s into one of the first %[1]d rows.", lookRows, strings.Join(words[:min(len(words), 4)], "」「"))
	}
	return best, nil
}

// asHeader takes a row for the headings; above is the row over it, for headings of two rows with merged cells.
func (k Kind) asHeader(texts, above []string) header {
	var h header
	taken := map[string]bool{}
	for i, text := range texts {
		c := Source{Index: i, Letter: paper.ColumnName(i), Header: text}
		key := k.named(text)
		if key == "" && i < len(above) && above[i] != "" {
			key = k.named(above[i] + text)
		}
		if key != "" && !taken[key] {
			c.Key, taken[key] = key, true
			h.score += 2
			if col, ok := k.Column(key); ok && col.Required {
				h.score++
			}
		}
		if text != "" {
			h.columns = append(h.columns, c)
		}
	}
	return h
}

// named returns the key of the column that a heading means, "" when none.
func (k Kind) named(heading string) string {
	fold := jp.Fold(heading)
	if fold == "" {
		return ""
	}
	for _, c := range k.Columns {
		for _, word := range append([]string{c.Key, c.Label.Ja, c.Label.En}, c.Also...) {
			if fold == jp.Fold(word) || withoutBrackets(fold) != "" && withoutBrackets(fold) == withoutBrackets(jp.Fold(word)) {
				return c.Key
			}
		}
	}
	for _, word := range []string{ownerKey, ownerHead.Ja, ownerHead.En, "担当者", "責任者"} {
		if fold == jp.Fold(word) {
			return ownerKey
		}
	}
	return ""
}

func withoutBrackets(s string) string {
	before, _, found := strings.Cut(s, "(")
	if !found {
		return s
	}
	return before
}

// complete refuses a file in which a column is missing that every row needs.
func (k Kind) complete(columns []Source) error {
	var missing []string
	for _, c := range k.Columns {
		found := !c.Required
		for _, s := range columns {
			found = found || s.Key == c.Key
		}
		if !found {
			missing = append(missing, c.Label.Ja)
		}
	}
	if len(missing) > 0 {
		return fault.Newf(fault.Invalid, "必ず要る列がありません：%[1]s。下の表で、どの列がそれかを選んでください。",
			"Columns are missing that every row needs: %[1]s. Choose below which columns they are.", strings.Join(missing, "、"))
	}
	return nil
}

type lineReader struct {
	kind    Kind
	names   Names
	known   map[string]Row
	seen    map[string]int
	unknown map[string]bool
	today   string
	columns []Source
}

func (l *lineReader) read(r paper.Row) (Line, bool) {
	line := Line{Number: r.Number, Values: map[string]string{}, State: LineNew}
	typed, cells, some := map[string]string{}, map[string]string{}, false
	for _, s := range l.columns {
		text := strings.TrimSpace(r.Text(s.Index))
		if s.Key == "" || s.Index >= len(r.Cells) {
			continue
		}
		cell := r.Cells[s.Index]
		some = some || text != "" && !cell.Merged
		if cell.Formula && text == "" || cell.Kind == paper.Error {
			line.Wrong = append(line.Wrong, Wrong{paper.Ref(s.Index, r.Number), i18n.Text{Ja: "計算式の値がありません。Excelで開いて保存し直してください。", En: "A formula without a value: open and save the file in Excel."}})
			some = true
			continue
		}
		if s.Key == ownerKey {
			line.Owner = jp.Clean(text)
			continue
		}
		typed[s.Key], cells[s.Key] = l.name(s.Key, text), paper.Ref(s.Index, r.Number)
	}
	if !some {
		return line, false
	}
	if l.kind.List && l.kind.Proof != "" && typed[l.kind.Proof] == "" {
		typed[l.kind.Proof] = l.today
	}
	values, problems := l.kind.Read(typed, l.today)
	line.Values = values
	for _, p := range problems {
		at := cells[p.Key]
		if at == "" {
			at = fmt.Sprintf("%d", r.Number)
		}
		line.Wrong = append(line.Wrong, Wrong{at, p.Text})
	}
	l.judge(&line)
	return line, true
}

// name puts the id for the name of a system or vendor, and remembers names that nobody knows.
func (l *lineReader) name(key, text string) string {
	c, _ := l.kind.Column(key)
	id, ok := l.names.find(c, jp.Clean(text))
	if !ok {
		l.unknown[c.Label.Ja+"「"+clip(text, 40)+"」"] = true
		return text
	}
	return id
}

func (l *lineReader) judge(line *Line) {
	if len(line.Wrong) > 0 {
		line.State = LineWrong
		return
	}
	key := l.kind.sameKey(line.Values)
	if first, again := l.seen[key]; again {
		line.State = LineTwice
		line.Wrong = []Wrong{{fmt.Sprintf("%d", line.Number), i18n.Text{Ja: fmt.Sprintf("%d行目と同じです。", first), En: fmt.Sprintf("The same as row %d.", first)}}}
		return
	}
	l.seen[key] = line.Number
	if old, ok := l.known[key]; ok {
		line.State = LineSame
		for key, value := range line.Values {
			if old.Values[key] != value && !(l.kind.List && key == l.kind.Proof) {
				line.State = LineChanged
			}
		}
		if line.Owner != "" && line.Owner != old.Owner {
			line.State = LineChanged
		}
	}
}

func (l *lineReader) notes(book *paper.Book) (out []i18n.Text) {
	for _, w := range book.Warnings {
		out = append(out, w.Text)
	}
	var left []string
	for _, c := range l.columns {
		if c.Key == "" {
			left = append(left, "「"+clip(c.Header, 30)+"」")
		}
	}
	if len(left) > 0 {
		words := strings.Join(left[:min(len(left), 20)], "")
		out = append(out, i18n.Text{Ja: "取り込まない列：" + words, En: "Columns left out: " + words})
	}
	for name := range l.unknown {
		if len(out) > 20 {
			break
		}
		out = append(out, i18n.Text{Ja: name + "は台帳にありません。書かれた名前のまま残します。", En: name + " is not in the ledger; kept as written."})
	}
	return out
}

var ownerHead = i18n.Text{Ja: "見る人", En: "Owner"}

// OwnerLabel is what the column of a row's owner is called.
func OwnerLabel() i18n.Text { return ownerHead }

// Table is the register as a sheet that an import takes back.
func (k Kind) Table(rows []Row, l i18n.Lang, n Names) (paper.Table, paper.Records) {
	t := paper.Table{Sheet: clip(k.Title.In(l), 28)}
	for _, c := range k.Columns {
		width := 14.0
		if c.Type == Long {
			width = 30
		}
		t.Columns = append(t.Columns, paper.Column{Header: c.Label.In(l), Width: width})
	}
	for _, h := range []i18n.Text{ownerHead, {Ja: "最後に確かめた日", En: "Confirmed on"}, {Ja: "次の期限", En: "Due"}} {
		t.Columns = append(t.Columns, paper.Column{Header: h.In(l), Width: 14})
	}
	return t, iter.Seq2[[]any, error](func(yield func([]any, error) bool) {
		for _, r := range rows {
			rec := make([]any, 0, len(t.Columns))
			for _, c := range k.Columns {
				rec = append(rec, c.Shown(r.Values[c.Key], l, n.ByID))
			}
			if !yield(append(rec, r.Owner, r.Checked, r.Due), nil) {
				return
			}
		}
	})
}
