package paper

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Column is one column of a table that goes out.
type Column struct {
	Header string
	Width  float64 // in characters; 0 means by the header
}

// Table is what a sheet that goes out looks like.
type Table struct {
	Sheet   string // its name
	Columns []Column
	Print   Print
}

// Print is how a sheet lies on paper. A sheet for A4 wraps its texts and has no filters.
type Print struct {
	A4        bool // as wide as one sheet, as many sheets long as it takes, the head on each
	Landscape bool
	Title     string // at the head of each sheet
}

// Records are the rows of a table: a value is a string, an int, an int64 or nil. Strings stay text in every program: leading zeros are kept and
// nothing in them becomes a formula.
type Records = iter.Seq2[[]any, error]

// Part is one sheet of a workbook that goes out.
type Part struct {
	Table Table
	Rows  Records
}

// WriteXLSX writes a workbook: on each sheet a styled header that stays in view, filters, column widths. Rows are streamed.
func WriteXLSX(w io.Writer, parts ...Part) (err error) {
	f := excelize.NewFile()
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	header, text, wrapped, err := styles(f)
	if err != nil {
		return err
	}
	for i, p := range parts {
		name := sheetName(p.Table.Sheet)
		if i == 0 {
			err = f.SetSheetName("Sheet1", name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err != nil {
			return fmt.Errorf("name the sheet: %w", err)
		}
		style := text
		if p.Table.Print.A4 {
			style = wrapped
		}
		if err := writeSheet(f, name, p, header, style); err != nil {
			return err
		}
		if err := p.Table.Print.onPaper(f, name); err != nil {
			return err
		}
	}
	if _, err := f.WriteTo(w); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

func writeSheet(f *excelize.File, name string, p Part, header, text int) error {
	sw, err := f.NewStreamWriter(name)
	if err != nil {
		return fmt.Errorf("begin the sheet: %w", err)
	}
	if err := writeHead(sw, p.Table, header); err != nil {
		return err
	}
	last := 1
	for rec, err := range p.Rows {
		if err != nil {
			return err
		}
		last++
		cells := make([]any, len(rec))
		for i, v := range rec {
			if s, ok := v.(string); ok {
				v = excelize.Cell{StyleID: text, Value: clip(s)}
			}
			cells[i] = v
		}
		if err := sw.SetRow("A"+strconv.Itoa(last), cells); err != nil {
			return fmt.Errorf("write row %d: %w", last, err)
		}
	}
	if len(p.Table.Columns) > 0 && !p.Table.Print.A4 {
		if err := f.AutoFilter(name, "A1:"+Ref(len(p.Table.Columns)-1, last), nil); err != nil {
			return fmt.Errorf("set the filter: %w", err)
		}
	}
	if err := sw.Flush(); err != nil {
		return fmt.Errorf("finish the sheet: %w", err)
	}
	return nil
}

// onPaper sets a sheet up for the printer.
func (p Print) onPaper(f *excelize.File, name string) error {
	if !p.A4 {
		return nil
	}
	const a4 = 9 // ECMA-376 18.3.1.63
	one, long, size, way, fit := 1, 0, a4, "portrait", true
	if p.Landscape {
		way = "landscape"
	}
	err := f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit})
	if err == nil {
		err = f.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &size, Orientation: &way, FitToWidth: &one, FitToHeight: &long})
	}
	if err == nil {
		err = f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddHeader: "&L" + strings.ReplaceAll(clip(p.Title), "&", "&&") + "&R&A", OddFooter: "&C&P / &N"})
	}
	if err == nil {
		err = f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!$1:$1", Scope: name})
	}
	if err != nil {
		return fmt.Errorf("set the sheet up for paper: %w", err)
	}
	return nil
}

func styles(f *excelize.File) (header, text, wrapped int, err error) {
	header, err = f.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true, Color: "1A1A1C"},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8F1FE"}},
		Border:    []excelize.Border{{Type: "bottom", Color: "0031D8", Style: 2}},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}, NumFmt: 49})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("header style: %w", err)
	}
	text, err = f.NewStyle(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{Vertical: "top"}})
	if err == nil {
		wrapped, err = f.NewStyle(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}})
	}
	if err != nil {
		return 0, 0, 0, fmt.Errorf("text style: %w", err)
	}
	return header, text, wrapped, nil
}

func writeHead(sw *excelize.StreamWriter, t Table, style int) error {
	cells := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		width := c.Width
		if width == 0 {
			width = min(max(2*float64(utf8.RuneCountInString(c.Header))+4, 10), 40)
		}
		if err := sw.SetColWidth(i+1, i+1, width); err != nil {
			return fmt.Errorf("column width: %w", err)
		}
		cells[i] = excelize.Cell{StyleID: style, Value: clip(c.Header)}
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("freeze the header: %w", err)
	}
	if err := sw.SetRow("A1", cells, excelize.RowOpts{Height: 32}); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	return nil
}

// sheetName keeps to Excel's rules: 31 characters, none of : \ / ? * [ ].
func sheetName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) {
			return '_'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 31 {
		s = string(r[:31])
	}
	if s == "" {
		return "Sheet1"
	}
	return s
}

// clip keeps to Excel's length of a cell and drops the control characters that XML cannot hold.
func clip(s string) string {
	if utf8.RuneCountInString(s) > MaxCellText {
		s = string([]rune(s)[:MaxCellText])
	}
	if !strings.ContainsFunc(s, notXML) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if notXML(r) {
			return -1
		}
		return r
	}, s)
}

func notXML(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }

// WriteCSV writes UTF-8 with a BOM and CRLF, which is what Excel opens without garbling. Texts that a spreadsheet would run as a formula get an
// apostrophe before them; reading the file with this package takes it off again.
func WriteCSV(w io.Writer, t Table, rows Records) error {
	b := bufio.NewWriter(w)
	if _, err := b.WriteString("\uFEFF"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	c := csv.NewWriter(b)
	c.UseCRLF = true
	rec := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		rec[i] = guard(col.Header)
	}
	if err := c.Write(rec); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	for values, err := range rows {
		if err != nil {
			return err
		}
		rec = rec[:0]
		for _, v := range values {
			switch v := v.(type) {
			case nil:
				rec = append(rec, "")
			case string:
				rec = append(rec, guard(v))
			default:
				rec = append(rec, fmt.Sprint(v))
			}
		}
		if err := c.Write(rec); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
