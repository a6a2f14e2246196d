// Package sheet takes in the hospital's own ledger, whatever its columns are called, and gives the ledger out as xlsx, CSV and JSON. An import
// is looked at before anything changes, goes on after a crash where it stopped, and can be taken back.
package sheet

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/paper"
)

// What a column can be tied to beside the keys of ledger.Fields.
const (
	LeaveOut = ""          // the column is not taken in
	Keep     = "extra"     // kept under its own name in Word.Extra
	DeviceID = "device_id" // the id that an export wrote
)

// Mapping says how to read a sheet: where the header is and what each column means.
type Mapping struct {
	Sheet   string   `json:"sheet"`
	Top     int      `json:"top"`    // first header row as Excel counts; 0 when the sheet has none
	Header  int      `json:"header"` // last header row: the same as Top, or the one below it
	Columns []Column `json:"columns"`
	Score   float64  `json:"score"` // how much of it looks like a ledger; to choose between sheets
}

// Column is one column of the sheet.
type Column struct {
	Index   int       `json:"index"`  // from 0
	Header  string    `json:"header"` // two header rows joined: "設置場所 棟"
	Field   string    `json:"field"`  // a key of ledger.Fields, Keep, LeaveOut or DeviceID
	Sure    float64   `json:"sure"`   // 0..1, of the guess
	Samples []string  `json:"samples,omitempty"`
	Empty   bool      `json:"empty,omitempty"`   // nothing below the header, as far as was looked
	Why     i18n.Text `json:"why,omitzero"`      // why a column is left out
	Host    bool      `json:"host,omitempty"`    // holds host names: rows are matched by it, also where Field is Keep
	Measure bool      `json:"measure,omitempty"` // written by an export from measurements: never a person's word
}

const (
	lookRows    = 60  // rows that Guess reads
	headerRows  = 30  // of these, how many may stand above the data
	sampleCount = 3   // per column, for the screen
	maxHeader   = 120 // characters of a column's name
	MaxRows     = 50_000
)

// line is one row of a sheet, copied.
type line struct {
	number int
	cells  []paper.Cell
}

func (l line) text(col int) string {
	if col >= len(l.cells) {
		return ""
	}
	return jp.Clean(l.cells[col].Text)
}

type stop struct{}

func (stop) Error() string { return "enough" }

// head reads the first rows of a sheet.
func head(s *paper.Sheet, n int) ([]line, error) {
	var out []line
	err := s.Rows(func(r paper.Row) error {
		out = append(out, line{r.Number, slices.Clone(r.Cells)})
		if len(out) >= n {
			return stop{}
		}
		return nil
	})
	if _, ok := err.(stop); ok { //nolint:errorlint // our own, never wrapped
		err = nil
	}
	return out, err
}

// Peek returns the first rows and columns of a sheet as they read, blank rows between them left out, and how many rows have something in them.
func Peek(s *paper.Sheet, rows, columns int) (top [][]string, total int, err error) {
	err = s.Rows(func(r paper.Row) error {
		if total++; total > rows {
			return nil
		}
		line := make([]string, min(columns, len(r.Cells)))
		for i := range line {
			line[i] = cut(jp.Clean(r.Cells[i].Text), 60)
		}
		top = append(top, line)
		return nil
	})
	return top, total, err
}

// Best guesses every sheet and returns the one that looks most like a ledger.
func Best(b *paper.Book) (*paper.Sheet, Mapping, error) {
	var best *paper.Sheet
	var m Mapping
	for _, s := range b.Sheets() {
		g, err := Guess(s)
		if err != nil {
			return nil, m, err
		}
		if s.Hidden {
			g.Score /= 4
		}
		if best == nil || g.Score > m.Score {
			best, m = s, g
		}
	}
	if best == nil || len(m.Columns) == 0 {
		return nil, m, fault.New(fault.Invalid, "表が空です。台帳の入ったファイルを選んでください。", "The table is empty. Choose the file that holds the ledger.")
	}
	return best, m, nil
}

// Guess finds the header, below titles and over two rows if need be, and ties columns to fields by their names and by what stands in them.
func Guess(s *paper.Sheet) (Mapping, error) {
	rows, err := head(s, lookRows)
	if err != nil {
		return Mapping{}, err
	}
	top, bottom := findHeader(rows)
	return mapped(s.Name, rows, top, bottom), nil
}

// GuessAt is Guess with the header's last row chosen by a person; 0 means that there is no header.
func GuessAt(s *paper.Sheet, header int) (Mapping, error) {
	rows, err := head(s, max(lookRows, header+lookRows/2))
	if err != nil {
		return Mapping{}, err
	}
	if header <= 0 {
		return mapped(s.Name, rows, -1, -1), nil
	}
	at := slices.IndexFunc(rows, func(l line) bool { return l.number == header })
	if at < 0 {
		return Mapping{}, fault.Newf(fault.Invalid, "%d行目は空か、表の外です。見出しのある行を選んでください。",
			"Row %d is empty or outside the table. Choose the row with the column names.", header)
	}
	top := at
	if at > 0 && rows[at-1].number == rows[at].number-1 && joined(rows[at-1], rows[at]) {
		top = at - 1
	}
	return mapped(s.Name, rows, top, at), nil
}

// Validate checks a mapping that came back from a person.
func (m Mapping) Validate() error {
	used := map[string]string{}
	for _, c := range m.Columns {
		switch {
		case c.Field == LeaveOut || c.Field == Keep:
			continue
		case c.Field != DeviceID && !slices.ContainsFunc(ledger.Fields(), func(f ledger.Field) bool { return f.Key == c.Field }):
			return fault.Newf(fault.Invalid, "列「%.40s」を結び付ける項目「%.40s」は台帳にありません。", "The ledger has no field for column %.40q: %.40q.", c.Header, c.Field)
		case used[c.Field] != "" && !several(c.Field):
			return fault.Newf(fault.Invalid, "列「%.40s」と列「%.40s」が同じ項目に結び付いています。どちらかを変えてください。",
				"The columns %.40q and %.40q are tied to the same field. Change one of them.", used[c.Field], c.Header)
		}
		used[c.Field] = c.Header
	}
	if len(used) == 0 {
		return fault.New(fault.Invalid, "台帳の項目に結び付いた列がありません。見出しの行を確かめ、列を1つ以上選んでください。",
			"No column is tied to a field of the ledger. Check the header row and choose at least one column.")
	}
	return nil
}

// several reports fields that more than one column may fill: a device has several cards.
func several(field string) bool { return field == "ip_text" || field == "mac_text" }

// mapped builds the mapping for a header from rows[top] to rows[bottom]; both -1 for none.
func mapped(name string, rows []line, top, bottom int) Mapping {
	m := Mapping{Sheet: name}
	if bottom >= 0 {
		m.Top, m.Header = rows[top].number, rows[bottom].number
	}
	data := rows[bottom+1:]
	width := 0
	for _, r := range rows[max(top, 0):] {
		width = max(width, len(r.cells))
	}
	guesses := make([][]guess, width)
	own := bottom >= 0 && ownExport(rows[bottom])
	for col := range width {
		c := Column{Index: col, Field: Keep}
		upper, lower := "", ""
		if bottom >= 0 {
			lower = rows[bottom].text(col)
			if top < bottom {
				upper = rows[top].text(col)
			}
		}
		if c.Header = headerName(upper, lower, col); own {
			c.Header = lower
		}
		c.sample(data)
		if upper == "" && lower == "" && c.Empty {
			continue
		}
		if own {
			guesses[len(m.Columns)] = ownColumn(lower)
		} else {
			guesses[len(m.Columns)] = guessColumn(upper, lower, &c, data)
		}
		m.Columns = append(m.Columns, c)
	}
	m.assign(guesses[:len(m.Columns)])
	m.uniqueHeaders()
	return m
}

// ownExport recognises the sheet of all fields that Export writes: there each column means exactly what it says.
func ownExport(header line) bool {
	labels := 0
	for _, f := range ledger.Fields() {
		for col := range header.cells {
			if header.text(col) == f.Label.Ja {
				labels++
				break
			}
		}
	}
	return header.text(0) == ownID && labels == len(ledger.Fields())
}

func ownColumn(header string) []guess {
	if header == ownID {
		return []guess{{field: DeviceID, score: 1}}
	}
	if strings.HasSuffix(header, measuredMark) {
		return []guess{{LeaveOut, 1, measuredWhy(), true}}
	}
	for _, f := range ledger.Fields() {
		if header == f.Label.Ja {
			return []guess{{field: f.Key, score: 1}} // a further column of the same name loses the bid and is kept
		}
	}
	return []guess{{field: Keep, score: 1}}
}

func headerName(upper, lower string, col int) string {
	name := lower
	if upper != "" && upper != lower {
		name = strings.TrimSpace(upper + " " + lower)
	}
	if name == "" {
		name = "列" + paper.ColumnName(col)
	}
	if utf8.RuneCountInString(name) > maxHeader {
		name = string([]rune(name)[:maxHeader])
	}
	return name
}

func (c *Column) sample(data []line) {
	c.Empty = true
	for _, r := range data {
		v := r.text(c.Index)
		if v == "" {
			continue
		}
		c.Empty = false
		if len(c.Samples) < sampleCount && !slices.Contains(c.Samples, v) {
			c.Samples = append(c.Samples, cut(v, 60))
		}
	}
}

func cut(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}

// assign gives each field to its likeliest column; what is left over is kept under its own name.
func (m *Mapping) assign(guesses [][]guess) {
	type bid struct {
		col int
		guess
	}
	var bids []bid
	for i, g := range guesses {
		for _, v := range g {
			bids = append(bids, bid{i, v})
		}
	}
	slices.SortStableFunc(bids, func(a, b bid) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	taken, done := map[string]bool{}, map[int]bool{}
	for _, b := range bids {
		if done[b.col] || taken[b.field] && !several(b.field) {
			continue
		}
		c := &m.Columns[b.col]
		done[b.col] = true
		c.Field, c.Sure, c.Why, c.Measure = b.field, b.score, b.why, b.measure
		if b.field != LeaveOut && b.field != Keep {
			taken[b.field] = true
			m.Score += b.score
			if b.field == DeviceID {
				m.Score += 5
			}
		}
	}
}

// uniqueHeaders keeps two columns of one name apart in Word.Extra.
func (m *Mapping) uniqueHeaders() {
	seen := map[string]int{}
	for i := range m.Columns {
		c := &m.Columns[i]
		if c.Field != Keep {
			continue
		}
		seen[c.Header]++
		if n := seen[c.Header]; n > 1 {
			c.Header += " " + strconv.Itoa(n)
		}
	}
}
