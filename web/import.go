package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kenshin/blob"
	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/paper"
	"kenshin/web/page"
)

func (v *visit) imports() error { return v.showImports(nil) }

// showImports shows where an import begins, with what is wrong with the file.
func (v *visit) showImports(errs page.Errors) error {
	list, err := v.s.Sheets.List(v.ctx, v.facility)
	if err != nil {
		return err
	}
	view := page.ImportsView{MaxBytes: maxFile, Errors: errs}
	for _, i := range list {
		view.Past = append(view.Past, importRow(i))
	}
	if len(errs) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.ImportsPage(v.shell(), view))
	return nil
}

func importRow(i sheet.Import) page.ImportRow {
	return page.ImportRow{ID: i.ID, File: i.File, State: importState(i.State), By: i.By, At: i.At, New: i.Count.New, Changed: i.Count.Changed + i.Count.Conflict}
}

// importState is the page's word for a state: it does not tell apart who reads and who writes.
func importState(s sheet.State) string {
	switch s {
	case sheet.Staging:
		return "mapping"
	case sheet.Undoing:
		return "applying"
	case sheet.Mapped, sheet.Preview, sheet.Applying, sheet.Applied, sheet.TakenBack:
	}
	return string(s)
}

// importUpload keeps the file and looks into it before anything else: a file that cannot be read is refused here, with the reason.
func (v *visit) importUpload() error {
	refuse := func(err error) error {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		return v.showImports(page.Errors{"file": v.says(err)})
	}
	p, err := v.upload("file")
	if err != nil {
		return refuse(err)
	}
	file, err := v.keepFile(p)
	if err != nil {
		return refuse(err)
	}
	book, err := v.bookOf(file.ID, file.Name)
	if err == nil {
		var m sheet.Mapping
		if _, m, err = sheet.Best(book); err == nil {
			var i sheet.Import
			if i, err = v.s.Sheets.Begin(v.ctx, v.facility, file.Name, file.ID); err == nil {
				if err = v.s.Sheets.Choose(v.ctx, v.facility, i.ID, m); err == nil {
					v.redirect(page.ImportPath(i.ID, "sheet"))
					return nil
				}
			}
		}
	}
	return refuse(errors.Join(err, v.dropFile(file.ID)))
}

// bookOf opens a stored file as sheets.
func (v *visit) bookOf(id, name string) (*paper.Book, error) {
	r, err := blob.Open(v.ctx, v.s.DB, v.facility, id)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the file of an import: %w", err)
	}
	return paper.Open(bytes.NewReader(content), int64(len(content)), name)
}

func (v *visit) oneImport() (sheet.Import, error) {
	return v.s.Sheets.Get(v.ctx, v.facility, v.r.PathValue("id"))
}

// importOne leads to the step that an import stands before.
func (v *visit) importOne() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	to := "apply"
	if i.State == sheet.Mapped || i.State == sheet.Staging {
		to = "sheet"
	}
	v.redirect(page.ImportPath(i.ID, to))
	return nil
}

// open returns an import that can still be changed, and its sheets.
func (v *visit) open() (sheet.Import, *paper.Book, error) {
	i, err := v.oneImport()
	if err != nil {
		return i, nil, err
	}
	if i.State != sheet.Mapped && i.State != sheet.Staging && i.State != sheet.Preview {
		return i, nil, fault.New(fault.Conflict, "この取り込みは、もう始まっています。", "This import has begun already.")
	}
	b, err := v.bookOf(i.Blob, i.File)
	return i, b, err
}

const (
	lookRows    = 12
	lookColumns = 12
)

func (v *visit) importSheet() error {
	i, book, err := v.open()
	if err != nil {
		return err
	}
	return v.showSheet(i, book, nil)
}

func (v *visit) showSheet(i sheet.Import, book *paper.Book, errs page.Errors) error {
	view := page.SheetView{ID: i.ID, File: i.File, Sheet: i.Mapping.Sheet, Header: i.Mapping.Header, Errors: errs}
	if book.Format == paper.CSV {
		view.Encoding = string(book.Encoding)
	}
	for _, w := range book.Warnings {
		view.Warnings = append(view.Warnings, strings.TrimSpace(w.Sheet+" "+w.Cell+" "+w.Text.For(v.ctx)))
	}
	chosen := v.r.URL.Query().Get("sheet") // another sheet is looked at before it is chosen
	if slices.ContainsFunc(book.Sheets(), func(s *paper.Sheet) bool { return s.Name == chosen }) && chosen != view.Sheet {
		view.Sheet, view.Header = chosen, 1
	}
	for _, s := range book.Sheets() {
		rows := 0
		err := s.Rows(func(r paper.Row) error {
			rows++
			if s.Name == view.Sheet && r.Number <= lookRows {
				view.Rows = lookedAt(view.Rows, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		view.Sheets = append(view.Sheets, page.SheetChoice{Name: s.Name, Rows: rows})
	}
	if len(errs) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.SheetPage(v.shell(), view))
	return nil
}

// lookedAt adds a row, with the empty ones before it.
func lookedAt(rows [][]string, r paper.Row) [][]string {
	for len(rows) < r.Number-1 {
		rows = append(rows, nil)
	}
	var cells []string
	for i := range min(len(r.Cells), lookColumns) {
		cells = append(cells, short(r.Text(i), 40))
	}
	return append(rows, cells)
}

func short(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return s
}

// importChooseSheet takes the sheet and the header, and guesses its columns again.
func (v *visit) importChooseSheet() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	i, book, err := v.open()
	if err != nil {
		return err
	}
	s := sheetNamed(book, f.Get("sheet"))
	if s == nil {
		return v.showSheet(i, book, page.Errors{"sheet": v.t("シートを選んでください。", "Choose a sheet.")})
	}
	header, err := strconv.Atoi(f.Get("header"))
	if err != nil || header < 0 || header > 1000 {
		return v.showSheet(i, book, page.Errors{"header": v.t("見出しの行を選んでください。", "Choose the row with the headings.")})
	}
	m := i.Mapping
	if m.Sheet != s.Name || m.Header != header {
		if m, err = sheet.GuessAt(s, header); err != nil {
			if fault.KindOf(err) == fault.Internal {
				return err
			}
			return v.showSheet(i, book, page.Errors{"header": v.says(err)})
		}
	}
	if err := v.s.Sheets.Choose(v.ctx, v.facility, i.ID, m); err != nil {
		return err
	}
	v.redirect(page.ImportPath(i.ID, "columns"))
	return nil
}

func sheetNamed(b *paper.Book, name string) *paper.Sheet {
	for _, s := range b.Sheets() {
		if s.Name == name || name == "" && len(b.Sheets()) == 1 {
			return s
		}
	}
	return nil
}

func (v *visit) importColumns() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	return v.showColumns(i, nil)
}

func (v *visit) showColumns(i sheet.Import, errs page.Errors) error {
	if len(i.Mapping.Columns) == 0 {
		v.redirect(page.ImportPath(i.ID, "sheet"))
		return nil
	}
	view := page.ColumnsView{ID: i.ID, File: i.File, Errors: errs, Key: v.t("行は、MAC、管理番号、製造番号、IPと名前の順で台帳の機器と結び付けます。",
		"Rows find their device by MAC, asset number, serial number, or IP and name.")}
	view.Fields = []page.Option{{Value: sheet.LeaveOut, Text: v.t("取り込まない", "leave out")}, {Value: sheet.Keep, Text: v.t("そのままの名前で残す", "keep under its own name")}}
	own := false
	for _, c := range i.Mapping.Columns {
		own = own || c.Field == sheet.DeviceID
		view.Columns = append(view.Columns, page.ImportColumn{Number: c.Index, Header: c.Header, Samples: c.Samples, Field: c.Field, Sure: c.Sure, Empty: c.Empty})
	}
	if own {
		view.Fields = append(view.Fields, page.Option{Value: sheet.DeviceID, Text: v.t("Kenshinの番号", "Kenshin's id")})
	}
	for _, field := range ledger.Fields() {
		if field.Key != "vendor_id" {
			view.Fields = append(view.Fields, page.Option{Value: field.Key, Text: field.Label.For(v.ctx)})
		}
	}
	if len(errs) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.ColumnsPage(v.shell(), view))
	return nil
}

// importChooseColumns takes what the columns mean and reads the sheet through: afterwards it can be looked at what the import would do.
func (v *visit) importChooseColumns() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	i, book, err := v.open()
	if err != nil {
		return err
	}
	m := i.Mapping
	m.Columns = slices.Clone(m.Columns)
	for n := range m.Columns {
		c := &m.Columns[n]
		name := "col." + strconv.Itoa(c.Index)
		if field := f.Get(name); f.Has(name) && field != c.Field {
			c.Field, c.Sure = field, 0
		}
	}
	s := sheetNamed(book, m.Sheet)
	if s == nil {
		v.redirect(page.ImportPath(i.ID, "sheet"))
		return nil
	}
	if err = m.Validate(); err == nil {
		if err = v.s.Sheets.Choose(v.ctx, v.facility, i.ID, m); err == nil {
			_, err = v.s.Sheets.Stage(v.ctx, v.facility, i.ID, s, m)
		}
	}
	if err != nil {
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
			return err
		}
		i.Mapping = m
		return v.showColumns(i, page.Errors{"": v.says(err)})
	}
	v.redirect(page.ImportPath(i.ID, "apply"))
	return nil
}

func (v *visit) importDiscard() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	if err := v.s.Sheets.Discard(v.ctx, v.facility, i.ID); err != nil {
		return err
	}
	v.note(v.dropFile(i.Blob), "the file of a discarded import")
	v.said("「%s」の取り込みをやめました。台帳は変わっていません。", "Gave up importing “%s”. The ledger did not change.", cmp.Or(i.File, "?"))
	v.redirect(page.PathImport)
	return nil
}
