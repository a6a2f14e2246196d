// Package roster takes in the list of people that a drill is for: an Excel file, a CSV or pasted text, whatever its columns are called. A row
// with trouble is rejected with its line and the reason; it never borrows a value from the row above, and the good rows stay good.
package roster

import (
	"io"
	"slices"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/paper"
)

const (
	MaxFile     = 20 << 20 // bytes
	MaxRows     = 50_000   // rows below the header
	MaxValue    = 100      // characters of a name, a department, a job
	lookRows    = 60       // rows that Guess reads
	headerRows  = 30       // of these, how many may stand above the people
	sampleCount = 3
	maxColumns  = 200
)

// Stored begins the names of uploaded lists while somebody looks at them, so that no other file can be read as one.
const Stored = "drill-roster "

// Field is what a column holds.
type Field string

const (
	LeaveOut   Field = ""
	Email      Field = "email"
	Family     Field = "family"
	Given      Field = "given"
	FullName   Field = "name" // 氏名 in one cell
	Kana       Field = "kana"
	Department Field = "department"
	Job        Field = "job"
)

// Fields are the fields with their names, in the order of an export.
func Fields() []struct {
	Field Field
	Name  i18n.Text
} {
	return []struct {
		Field Field
		Name  i18n.Text
	}{
		{Family, i18n.Text{Ja: "姓", En: "Family name"}},
		{Given, i18n.Text{Ja: "名", En: "Given name"}},
		{FullName, i18n.Text{Ja: "氏名", En: "Name"}},
		{Kana, i18n.Text{Ja: "ふりがな", En: "Reading"}},
		{Department, i18n.Text{Ja: "部署", En: "Department"}},
		{Job, i18n.Text{Ja: "職種", En: "Job"}},
		{Email, i18n.Text{Ja: "メール", En: "Mail"}},
	}
}

func (f Field) name() i18n.Text {
	for _, x := range Fields() {
		if x.Field == f {
			return x.Name
		}
	}
	return i18n.Text{}
}

// Recipient is one person of the list. Email has its domain as an A-label in lower case; Key finds two spellings of one mailbox.
type Recipient struct {
	Line       int    `json:"line"` // in the file or the pasted text, from 1
	Family     string `json:"family"`
	Given      string `json:"given"`
	Name       string `json:"name"` // as written, or 姓 and 名 with a space between
	Kana       string `json:"kana"`
	Department string `json:"department"`
	Job        string `json:"job"`
	Email      string `json:"email"`
	Domain     string `json:"domain"`
	Key        string `json:"key"`
}

// Code says why a row was rejected.
type Code string

const (
	NoAddress     Code = "no-address"
	BadAddress    Code = "bad-address"
	ShortRow      Code = "short-row"
	LongRow       Code = "long-row"
	Duplicate     Code = "duplicate"
	NotVerified   Code = "not-verified"
	MergedCell    Code = "merged-cell"
	NoStoredValue Code = "formula"
	TooLong       Code = "too-long"
	BadText       Code = "bad-text"
)

// Rejected is one row that was not taken.
type Rejected struct {
	Line  int       `json:"line"`
	Cell  string    `json:"cell,omitempty"`  // C12, where there is one
	Value string    `json:"value,omitempty"` // what stands there, shortened
	Code  Code      `json:"code"`
	Why   i18n.Text `json:"why"`
}

// List is what came of reading a file.
type List struct {
	Recipients []Recipient
	Rejected   []Rejected
	Rows       int             // below the header, with something in them: always len(Recipients)+len(Rejected)
	Warnings   []paper.Warning // about the file as a whole
}

// Mapping says how to read a table: which sheet, where the header is, what each column means. A person may change any of it.
type Mapping struct {
	Sheet   string   `json:"sheet"`
	Header  int      `json:"header"` // row of the header from 1, 0 when there is none
	Columns []Column `json:"columns"`
}

// Column is one column of the table.
type Column struct {
	Index   int      `json:"index"` // from 0
	Header  string   `json:"header"`
	Field   Field    `json:"field"`
	Samples []string `json:"samples,omitempty"`
}

// Check refuses mappings by which nothing could be read.
func (m Mapping) Check() error {
	seen := map[Field]bool{}
	for _, c := range m.Columns {
		if c.Index < 0 || c.Index >= paper.MaxColumns || m.Header < 0 {
			return fault.New(fault.Invalid, "列の番号が正しくありません。", "The number of a column is wrong.")
		}
		if c.Field == LeaveOut {
			continue
		}
		if c.Field.name() == (i18n.Text{}) {
			return fault.Newf(fault.Invalid, "列の種類「%s」は使えません。", "%q is no kind of column.", short(string(c.Field), 30))
		}
		if seen[c.Field] {
			return &fault.Error{Kind: fault.Invalid, Ja: "「" + c.Field.name().Ja + "」の列が2つあります。どちらか1つにしてください。",
				En: "Two columns are marked as " + c.Field.name().En + ". Choose one."}
		}
		seen[c.Field] = true
	}
	if !seen[Email] {
		return fault.New(fault.Invalid, "メールアドレスの列を選んでください。", "Choose the column with the mail addresses.")
	}
	return nil
}

// File is an opened list.
type File struct {
	book  *paper.Book
	items []item // of a pasted list without columns
}

// Open opens an Excel file or a CSV (UTF-8, UTF-16, CP932). Its content decides what it is. r must stay open.
func Open(r io.ReaderAt, size int64, name string) (*File, error) {
	if size > MaxFile {
		return nil, fault.Newf(fault.TooLarge, "ファイルが大きすぎます(%d MB まで)。", "The file is too large (up to %d MB).", MaxFile>>20)
	}
	b, err := paper.Open(r, size, name)
	if err != nil {
		return nil, err
	}
	return &File{book: b}, nil
}

// Pasted opens text from a form: cells copied from Excel, CSV lines, or a plain list of addresses (one a line, or with ; and , between, as mail
// programs copy them: 山田 太郎 <taro@example.jp>; ...).
func Pasted(text string) (*File, error) {
	if len(text) > MaxFile {
		return nil, fault.Newf(fault.TooLarge, "貼り付けた文章が大きすぎます(%d MB まで)。", "The pasted text is too large (up to %d MB).", MaxFile>>20)
	}
	if strings.TrimSpace(text) == "" {
		return nil, fault.New(fault.Invalid, "何も貼り付けられていません。", "Nothing was pasted.")
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	if items, plain := plainList(text); plain {
		if len(items) > MaxRows {
			return nil, tooMany()
		}
		return &File{items: items}, nil
	}
	return Open(strings.NewReader(text), int64(len(text)), "paste.csv")
}

func tooMany() error {
	return fault.Newf(fault.TooLarge, "宛先は一度に%d人までです。", "Up to %d recipients at a time.", MaxRows)
}

// Plain reports a pasted list without columns: there is nothing to map.
func (f *File) Plain() bool { return f.book == nil }

// Sheets returns the names of the sheets.
func (f *File) Sheets() []string {
	var names []string
	if f.book != nil {
		for _, s := range f.book.Sheets() {
			names = append(names, s.Name)
		}
	}
	return names
}

func (f *File) sheet(name string) (*paper.Sheet, error) {
	for _, s := range f.book.Sheets() {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fault.Newf(fault.NotFound, "シート「%s」はこのファイルにありません。", "There is no sheet %q in this file.", short(name, 60))
}

type row struct {
	number int
	cells  []paper.Cell
}

func (r row) text(col int) string {
	if col >= len(r.cells) {
		return ""
	}
	return jp.Clean(r.cells[col].Text)
}

type enough struct{}

func (enough) Error() string { return "enough" }

func head(s *paper.Sheet) ([]row, error) {
	var out []row
	err := s.Rows(func(r paper.Row) error {
		out = append(out, row{r.Number, slices.Clone(r.Cells)})
		if len(out) >= lookRows {
			return enough{}
		}
		return nil
	})
	if _, ok := err.(enough); ok { //nolint:errorlint // our own, never wrapped
		err = nil
	}
	return out, err
}

func short(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "\ufffd"))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
