// Package paper reads sheets that come from outside (xlsx, CSV) and writes those that go out. Nothing in a file is run: formulas give the
// value that Excel stored, macros are left alone, and every size is checked before anything is unpacked.
package paper

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Limits of a file from outside. A ledger of 20,000 devices is far below each.
const (
	MaxFile     = 100 << 20 // bytes as sent
	MaxUnpacked = 200 << 20 // bytes of all parts of a workbook together
	MaxParts    = 5000      // parts of a workbook
	MaxSheets   = 200       // sheets of a workbook that are looked at
	MaxRatio    = 400       // unpacked to packed, of a part above 10 MB
	MaxColumns  = 1000      // columns with something in them
	MaxRows     = 200_000   // rows with something in them, per sheet
	MaxCellText = 32_767    // characters of a cell: Excel's own limit
)

// Format is the kind of a file.
type Format string

const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
)

// Book is an opened file. Its sheets read from the file each time, so the reader that it was opened from must stay open.
type Book struct {
	Name      string
	Format    Format
	Encoding  jp.Encoding // of a CSV
	Separator rune        // of a CSV
	Warnings  []Warning   // about the book as a whole: macros, characters that were dropped
	sheets    []*Sheet
}

// Sheets returns the sheets in their order, hidden ones included.
func (b *Book) Sheets() []*Sheet { return b.sheets }

// Warning is something that a person should know, with its place if it has one.
type Warning struct {
	Sheet string    `json:"sheet,omitempty"`
	Cell  string    `json:"cell,omitempty"` // "C12"
	Text  i18n.Text `json:"text"`
}

// Sheet is one table of a book.
type Sheet struct {
	Name   string
	Hidden bool
	read   func(fn func(Row) error) error
	merges func() ([]Area, error)
}

// Rows calls fn for every row that has something in it, from the top. Cells inside a merged area carry the area's value. fn's error ends
// the reading and is returned as it is. A Row's Cells are reused: copy what must stay.
func (s *Sheet) Rows(fn func(Row) error) error { return s.read(fn) }

// Merges returns the merged areas of the sheet.
func (s *Sheet) Merges() ([]Area, error) { return s.merges() }

// Row is one row of a sheet.
type Row struct {
	Number int // as Excel counts, from 1
	Hidden bool
	Cells  []Cell // by column from 0; cells at the end may be missing
}

// Text returns the text of a column, "" when the row has no such cell.
func (r Row) Text(col int) string {
	if col < 0 || col >= len(r.Cells) {
		return ""
	}
	return r.Cells[col].Text
}

// CellKind is what a cell holds.
type CellKind byte

const (
	Empty CellKind = iota
	Text
	Number
	Date // Text is 2024-04-01, 2024-04 or 2024 (what the cell's format shows), or 2024-04-01 09:30:00
	Bool
	Error // #REF! and the like; Text is that word
)

// Cell is one cell as a person sees it: a number with its leading zeros, a date in the ISO form, a formula's stored value.
type Cell struct {
	Text    string
	Kind    CellKind
	Formula bool // Text is the value that was stored when the file was saved, "" when none was
	Merged  bool // Text is the value of the merged area that the cell lies in, not its own
}

// Area is a rectangle of cells; rows from 1, columns from 0, all inclusive.
type Area struct{ Top, Left, Bottom, Right int }

// ColumnName returns A, B, ... Z, AA for 0, 1, ...
func ColumnName(col int) string {
	if col < 0 {
		return ""
	}
	name := ""
	for col++; col > 0; col = (col - 1) / 26 {
		name = string(rune('A'+(col-1)%26)) + name
	}
	return name
}

// Ref returns the name of a cell as Excel writes it: C12.
func Ref(col, row int) string { return fmt.Sprintf("%s%d", ColumnName(col), row) }

// Open looks at what the file is (by its content, the name only helps to say so) and opens it. The errors are sentences for a person.
func Open(r io.ReaderAt, size int64, name string) (*Book, error) {
	if size > MaxFile {
		return nil, fault.Newf(fault.TooLarge, "ファイルが大きすぎます(%[1]d MB まで)。シートを分けるか、画像を取り除いて保存し直してください。",
			"The file is too large (up to %[1]d MB). Split it, or remove its pictures and save it again.", MaxFile>>20)
	}
	head := make([]byte, min(size, 8))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	switch {
	case size == 0:
		return nil, fault.New(fault.Invalid, "ファイルが空です。", "The file is empty.")
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return nil, oldBinary(r, size)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return openXLSX(r, size, path.Base(name))
	case bytes.HasPrefix(head, []byte("%PDF")):
		return nil, fault.New(fault.Invalid, "PDFは読み込めません。元のExcelファイルか、CSVを選んでください。",
			"A PDF cannot be read in. Choose the Excel file that it was made from, or a CSV.")
	case strings.EqualFold(path.Ext(name), ".xlsx"), strings.EqualFold(path.Ext(name), ".xlsm"):
		return nil, notXLSX(nil)
	}
	return openCSV(r, size, path.Base(name))
}

// oldBinary tells a workbook with a password (an encrypted package in an OLE file) from the .xls of before 2007.
func oldBinary(r io.ReaderAt, size int64) error {
	locked := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	found, err := contains(io.NewSectionReader(r, 0, size), locked)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if found {
		return fault.New(fault.Invalid,
			"パスワードで保護されたExcelファイルです。Excelで開き「ファイル > 情報 > ブックの保護 > パスワードを使用して暗号化」でパスワードを空にして保存してから、もう一度選んでください。",
			"The workbook is protected with a password. Open it in Excel, clear the password under File > Info > Protect Workbook, save, and choose it again.")
	}
	return fault.New(fault.Invalid, "古い形式のExcelファイル(.xls)です。Excelで開き「名前を付けて保存」で「Excel ブック(*.xlsx)」を選んで保存し、それを選んでください。",
		"This is the old Excel format (.xls). Open it in Excel, save it as \"Excel Workbook (*.xlsx)\" and choose that file.")
}

// contains looks for a short needle in a stream without holding the stream in memory.
func contains(r io.Reader, needle []byte) (bool, error) {
	buf := make([]byte, 64<<10)
	keep := 0
	for {
		n, err := r.Read(buf[keep:])
		if bytes.Contains(buf[:keep+n], needle) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		total := keep + n
		keep = min(total, len(needle)-1)
		copy(buf, buf[total-keep:total])
	}
}

func notXLSX(cause error) error {
	return fault.Wrap(fault.Invalid, cause, "Excelのファイル(.xlsx)として読めません。Excelで開けるか確かめ、保存し直してください。",
		"The file cannot be read as an Excel workbook (.xlsx). Check that Excel opens it, and save it again.")
}
