package inquiry

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// The sheet of a workbook: what a row's columns hold. Rows are known by the item's id, so they may be sorted and moved.
const (
	answerSheet = "回答"
	markPrefix  = "Kenshin回答票"
	colID       = 0
	colReply    = 4
	colOn       = 5
	colTarget   = 6
	colNote     = 7
)

var answerHeads = []string{"項目ID", "番号", "問い", "やさしい説明", "答え（選ぶ）", "確認した日", "目標日（いいえのとき）", "備考・対象外の理由"}

// Cells of the head, beside their labels in column A.
const (
	labelCompany = "会社名"
	labelBy      = "回答者"
	labelRemark  = "全体の備考"
)

// mark ties a workbook to its inquiry and to the answers that it was made from.
func mark(i Inquiry, revision int64) string {
	return strings.Join([]string{markPrefix, i.ID, strconv.FormatInt(revision, 10), i.SHA256[:min(12, len(i.SHA256))]}, " ")
}

// Workbook writes the vendor's form as an Excel workbook: locked but for the cells to fill in, with the choices as drop-downs.
func (b *Book) Workbook(ctx context.Context, f facility.ID, id string, w io.Writer) error {
	i, err := b.Get(ctx, f, id)
	if err != nil {
		return err
	}
	if i.Kind != Vendor {
		return fault.New(fault.Invalid, "Excelで送れるのは、業者の点検表だけです。", "Only vendor forms come as a workbook.")
	}
	c, items, err := b.Items(ctx, i)
	if err != nil {
		return err
	}
	house, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return err
	}
	var s Sheet
	if err := b.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		s, err = sheet(ctx, tx, id, mainSheet)
		return err
	}); err != nil {
		return err
	}
	i.SHA256 = c.SHA256
	return writeWorkbook(w, house.Name, i, c, items, s)
}

func writeWorkbook(w io.Writer, hospital string, i Inquiry, c catalogue.Catalogue, items []catalogue.Item, s Sheet) (err error) {
	x := excelize.NewFile()
	defer func() {
		if cerr := x.Close(); err == nil {
			err = cerr
		}
	}()
	if err := x.SetSheetName("Sheet1", answerSheet); err != nil {
		return fmt.Errorf("name the sheet: %w", err)
	}
	pen := pen{x: x}
	pen.styles()
	pen.text(1, 1, pen.bold, c.Title.Ja)
	pen.text(2, 1, pen.locked, mark(i, s.Revision))
	for n, row := range [][2]string{{"医療機関", hospital}, {"業者", i.VendorName}, {"システム", i.SubjectName}} {
		pen.text(3+n, 1, pen.head, row[0])
		pen.text(3+n, 3, pen.locked, row[1])
	}
	for n, row := range [][2]string{{labelCompany, first(s.Company, i.VendorName)}, {labelBy, s.By}, {labelRemark, s.Note}} {
		pen.text(6+n, 1, pen.head, row[0])
		pen.text(6+n, 3, pen.free, row[1])
	}
	pen.text(9, 1, pen.locked, "黄色のところだけ書けます。行の並べ替えはできますが、行を消したりセルを結合したりしないでください。")
	for n, h := range answerHeads {
		pen.text(10, n+1, pen.head, h)
	}
	for n, item := range items {
		pen.row(11+n, item, s.Answers[item.ID])
	}
	pen.finish()
	if pen.err != nil {
		return fmt.Errorf("write the workbook: %w", pen.err)
	}
	if _, err := x.WriteTo(w); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// pen writes cells and keeps the first error.
type pen struct {
	x                        *excelize.File
	bold, head, locked, free int
	err                      error
}

func (p *pen) keep(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *pen) styles() {
	style := func(s excelize.Style) int {
		s.Alignment = &excelize.Alignment{WrapText: true, Vertical: "top"}
		n, err := p.x.NewStyle(&s)
		p.keep(err)
		return n
	}
	line := []excelize.Border{{Type: "left", Color: "8B8F97", Style: 1}, {Type: "right", Color: "8B8F97", Style: 1}, {Type: "top", Color: "8B8F97", Style: 1}, {Type: "bottom", Color: "8B8F97", Style: 1}}
	p.bold = style(excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	p.head = style(excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EBF0"}}, Border: line})
	p.locked = style(excelize.Style{Border: line})
	text := 49 // @: dates and numbers stay as they are typed
	p.free = style(excelize.Style{Border: line, NumFmt: text, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"FFF8DC"}}, Protection: &excelize.Protection{Locked: false}})
}

func cell(row, col int) string {
	name, err := excelize.CoordinatesToCellName(col, row)
	if err != nil {
		return "A1"
	}
	return name
}

func (p *pen) text(row, col, style int, s string) {
	p.keep(p.x.SetCellStr(answerSheet, cell(row, col), s))
	p.keep(p.x.SetCellStyle(answerSheet, cell(row, col), cell(row, col), style))
}

func (p *pen) row(row int, i catalogue.Item, a Answer) {
	for n, s := range []string{i.ID, i.Number, i.Title.Ja, i.Plain.Ja} {
		p.text(row, n+1, p.locked, s)
	}
	shown := ""
	if !a.Empty() {
		shown = a.Shown(i).Ja
	}
	for n, s := range []string{shown, a.On, a.Target, a.Note} {
		p.text(row, colReply+n+1, p.free, s)
	}
	var options []string
	for _, o := range Choices(i) {
		options = append(options, o.Ja)
	}
	list := strings.Join(options, ",")
	if i.Answer.Kind == catalogue.Many || len(options) == 0 || len([]rune(list)) > 250 || strings.Contains(strings.Join(options, ""), ",") {
		return // Excel's own limit for a list in place; the answer is checked when it comes back
	}
	v := excelize.NewDataValidation(true)
	v.SetSqref(cell(row, colReply+1))
	p.keep(v.SetDropList(options))
	v.SetError(excelize.DataValidationErrorStyleStop, "答え", "一覧から選んでください。")
	p.keep(p.x.AddDataValidation(answerSheet, v))
}

func (p *pen) finish() {
	for n, width := range []float64{14, 8, 44, 44, 14, 14, 16, 34} {
		name, err := excelize.ColumnNumberToName(n + 1)
		p.keep(err)
		p.keep(p.x.SetColWidth(answerSheet, name, name, width))
	}
	p.keep(p.x.SetPanes(answerSheet, &excelize.Panes{Freeze: true, YSplit: 10, TopLeftCell: "A11", ActivePane: "bottomLeft"}))
	p.keep(p.x.ProtectSheet(answerSheet, &excelize.SheetProtectionOptions{SelectLockedCells: true, SelectUnlockedCells: true, FormatColumns: true, FormatRows: true, Sort: true}))
	landscape, a4, wide, tall := "landscape", 9, 1, 0
	p.keep(p.x.SetPageLayout(answerSheet, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &wide, FitToHeight: &tall}))
	fit := true
	p.keep(p.x.SetSheetProps(answerSheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	p.keep(p.x.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + answerSheet + "'!$10:$10", Scope: answerSheet}))
}
