package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/app"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/paper"
)

type importCmd struct {
	Ledger importLedgerCmd `cmd:"" help:"台帳のExcelかCSVを取り込む / take in the hospital's own ledger"`
	Undo   importUndoCmd   `cmd:"" help:"取り込みを取り消す / take an import back"`
	Resume importResumeCmd `cmd:"" help:"途中で止まった取り込みを続ける / go on with an import that was cut off"`
	List   importListCmd   `cmd:"" help:"取り込みの一覧 / list imports"`
}

type importLedgerCmd struct {
	place
	File    string `arg:"" help:"xlsx か csv" type:"path"`
	DryRun  bool   `help:"何が起きるかを見るだけ / only show what would happen"`
	Replace bool   `help:"人が入力した値よりファイルを優先する / the file wins over what people entered"`
	Sheet   string `help:"シートの名前。なければ台帳らしいものを選ぶ / sheet, else the one that looks like a ledger"`
}

func (c importLedgerCmd) Run(e *env) error {
	f, size, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	name := filepath.Base(c.File)
	book, err := paper.Open(f, size, name)
	if err != nil {
		return err
	}
	s, m, err := c.choose(book)
	if err != nil {
		return err
	}
	h, err := open(c.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	fac, err := h.OneFacility(e.ctx)
	if err != nil {
		return err
	}
	if err := e.printMapping(book, m); err != nil {
		return err
	}
	rows, n, err := h.Sheets.Look(e.ctx, fac.ID, s, m)
	if err != nil {
		return err
	}
	failed := e.printRows(name, s.Name, rows)
	e.printCount(n)
	if c.DryRun {
		return incompleteIf(failed)
	}
	i, err := h.Sheets.Begin(e.ctx, fac.ID, name, "")
	if err != nil {
		return err
	}
	staged, err := h.Sheets.StageRows(e.ctx, fac.ID, i.ID, m, rows, n)
	if err == nil {
		err = h.Sheets.Apply(e.ctx, fac.ID, i.ID, c.Replace)
	}
	if err != nil { // nothing is in the ledger yet: no half import is left in the list, whatever ended it
		return errors.Join(err, h.Sheets.Discard(context.WithoutCancel(e.ctx), fac.ID, i.ID))
	}
	return e.finishImport(h, fac, staged, failed)
}

func (c importLedgerCmd) choose(book *paper.Book) (*paper.Sheet, sheet.Mapping, error) {
	if c.Sheet == "" {
		return sheet.Best(book)
	}
	for _, s := range book.Sheets() {
		if s.Name == c.Sheet {
			m, err := sheet.Guess(s)
			return s, m, err
		}
	}
	var names []string
	for _, s := range book.Sheets() {
		names = append(names, s.Name)
	}
	return nil, sheet.Mapping{}, fault.Newf(fault.NotFound, "シート「%[1]s」はありません。あるのは: %[2]s", "There is no sheet %[1]q. There are: %[2]s", c.Sheet, strings.Join(names, ", "))
}

// finishImport takes the rows in, with a bar, and says how it ended. It may go on with an import that was cut off.
func (e *env) finishImport(h *app.House, fac account.Facility, i sheet.Import, failed bool) error {
	bar := e.bar()
	for more := true; more; {
		var err error
		if more, err = h.Sheets.Step(e.ctx, fac.ID, i.ID, h.Now().Add(importStep)); err != nil {
			bar.end()
			return e.cutOff(h, fac, i, err)
		}
		now, err := h.Sheets.Get(context.WithoutCancel(e.ctx), fac.ID, i.ID)
		if err != nil {
			return err
		}
		i = now
		bar.set(i.Done, i.Total)
	}
	bar.end()
	refused, err := h.Sheets.Rows(e.ctx, fac.ID, i.ID, sheet.RowFilter{Action: sheet.Failed, State: sheet.Done, Limit: 500})
	if err != nil {
		return err
	}
	failed = e.printRows(i.File, i.Mapping.Sheet, refused) || failed
	if i.State == sheet.TakenBack {
		err = h.Note(e.ctx, fac.ID, "import.undo", "import", i.ID, i18n.Text{Ja: "取り込みを取り消しました: " + i.File, En: "Took an import back: " + i.File})
		e.say("取り消しました: %d行(人が後から変えたため残した行 %d)。", "Taken back: %d rows (left, since people changed them later: %d).", i.Done-i.Stayed, i.Stayed)
		return err
	}
	err = h.Note(e.ctx, fac.ID, "import.apply", "import", i.ID, i18n.Text{Ja: "台帳に取り込みました: " + i.File, En: "Took a file into the ledger: " + i.File})
	if err != nil {
		return err
	}
	e.say("取り込みました: %d行。取り消すには: kenshin import undo %s", "Taken in: %d rows. To take it back: kenshin import undo %s", i.Done, i.ID)
	if i.Count.Conflict > 0 && !i.Replace {
		e.say("人の入力と食い違う行が %d行あり、人の入力を残しました(--replace でファイルを優先)。",
			"%d rows differ from what people entered; their entries stayed (--replace lets the file win).", i.Count.Conflict)
	}
	return incompleteIf(failed)
}

// cutOff says how far an import came that did not come to its end, and the two ways on.
func (e *env) cutOff(h *app.House, fac account.Facility, i sheet.Import, err error) error {
	if now, e := h.Sheets.Get(context.WithoutCancel(e.ctx), fac.ID, i.ID); e == nil {
		i = now
	}
	if e.ctx.Err() == nil {
		e.say("取り込み %[1]s は途中です(%[2]d/%[3]d行)。続けるには: kenshin import resume %[1]s", "Import %[1]s is not finished (%[2]d of %[3]d rows). To go on: kenshin import resume %[1]s", i.ID, i.Done, i.Total)
		return err
	}
	return e.halted(err, true, "途中で止めました(%[2]d/%[3]d行)。続けるには: kenshin import resume %[1]s  取り消すには: kenshin import undo %[1]s",
		"Stopped halfway (%[2]d of %[3]d rows). To go on: kenshin import resume %[1]s  To take it back: kenshin import undo %[1]s", i.ID, i.Done, i.Total)
}

func incompleteIf(failed bool) error {
	if failed {
		return errIncomplete
	}
	return nil
}

func (e *env) printMapping(book *paper.Book, m sheet.Mapping) error {
	labels := map[string]string{sheet.Keep: i18n.T(e.ctx, "(列名のまま残す)", "(kept under its own name)"), sheet.DeviceID: "Kenshin ID"}
	for _, f := range ledger.Fields() {
		labels[f.Key] = f.Label.For(e.ctx)
	}
	fmt.Fprintln(e.out, i18n.T(e.ctx, "シート「%s」、見出しは%d行目", "Sheet %q, column names in row %d", m.Sheet, m.Header))
	var w columns
	for _, c := range m.Columns {
		if c.Empty && c.Header == "" {
			continue
		}
		to := cmp.Or(labels[c.Field], i18n.T(e.ctx, "(取り込まない)", "(left out)"))
		sample := ""
		if len(c.Samples) > 0 {
			sample = c.Samples[0]
		}
		w.add("  "+paper.ColumnName(c.Index), c.Header, "-> "+to, sample)
	}
	if err := w.print(e.out); err != nil {
		return err
	}
	for _, n := range book.Warnings {
		fmt.Fprintln(e.err, "kenshin:", n.Text.For(e.ctx))
	}
	return nil
}

const importStep = 500 * time.Millisecond // between two moves of the bar

const printedRows = 200 // rows with a problem that are printed; more are counted

// printRows tells what is wrong with which row and reports whether any row was left out.
func (e *env) printRows(file, sheetName string, rows []sheet.Row) (failed bool) {
	n := 0
	for _, r := range rows {
		failed = failed || r.Action == sheet.Failed
		for _, issue := range r.Issues {
			if n++; n > printedRows {
				continue
			}
			at := cmp.Or(issue.Cell, i18n.T(e.ctx, "%d行目", "row %d", r.Row))
			mark := i18n.T(e.ctx, "注意", "note")
			if r.Action == sheet.Failed {
				mark = i18n.T(e.ctx, "取り込めません", "not taken in")
			}
			fmt.Fprintf(e.err, "%s [%s] %s: %s: %s\n", file, sheetName, at, mark, issue.Text.For(e.ctx))
		}
	}
	if n > printedRows {
		e.say("ほかに%d件あります。", "And %d more.", n-printedRows)
	}
	return failed
}

func (e *env) printCount(n sheet.Count) {
	fmt.Fprintln(e.out, i18n.T(e.ctx, "新しい %d、変更 %d、同じ %d、人の入力と食い違う %d、取り込めない %d、機器でない行 %d",
		"new %d, changed %d, same %d, conflicting %d, failed %d, no device %d", n.New, n.Changed, n.Same, n.Conflict, n.Failed, n.Skipped))
}

type importUndoCmd struct {
	place
	ID string `arg:"" help:"取り込みの番号(import list) / the import's id"`
}

func (c importUndoCmd) Run(e *env) error {
	return withFacility(c.place, e, func(h *app.House, fac account.Facility) error {
		if err := h.Sheets.Undo(e.ctx, fac.ID, c.ID); err != nil {
			return err
		}
		i, err := h.Sheets.Get(e.ctx, fac.ID, c.ID)
		if err != nil {
			return err
		}
		return e.finishImport(h, fac, i, false)
	})
}

type importResumeCmd struct {
	place
	ID string `arg:"" help:"取り込みの番号(import list) / the import's id"`
}

func (c importResumeCmd) Run(e *env) error {
	return withFacility(c.place, e, func(h *app.House, fac account.Facility) error {
		i, err := h.Sheets.Get(e.ctx, fac.ID, c.ID)
		if err != nil {
			return err
		}
		if i.State != sheet.Applying && i.State != sheet.Undoing {
			return fault.New(fault.Conflict, "この取り込みは途中で止まったものではありません。kenshin import list で確かめてください。",
				"This import did not stop halfway. See kenshin import list.")
		}
		return e.finishImport(h, fac, i, false)
	})
}

type importListCmd struct{ place }

func (c importListCmd) Run(e *env) error {
	return withFacility(c.place, e, func(h *app.House, fac account.Facility) error {
		list, err := h.Sheets.List(e.ctx, fac.ID)
		if err != nil {
			return err
		}
		var w columns
		for _, i := range list {
			w.add(i.ID, i.At.In(fac.Location()).Format("2006-01-02 15:04"), string(i.State), fmt.Sprintf("%d/%d", i.Done, i.Total), i.By, i.File)
		}
		return w.print(e.out)
	})
}

type exportCmd struct {
	Ledger exportLedgerCmd `cmd:"" help:"台帳 / the ledger"`
}

type exportLedgerCmd struct {
	place
	Format  string `help:"xlsx, csv, json" enum:"xlsx,csv,json," default:""`
	Out     string `help:"書き出すファイル。なければ標準出力 / file, else standard output" type:"path"`
	Retired bool   `help:"廃棄した機器も / retired devices too"`
}

func (c exportLedgerCmd) Run(e *env) error {
	format := sheet.Format(cmp.Or(c.Format, strings.TrimPrefix(strings.ToLower(filepath.Ext(c.Out)), ".")))
	switch {
	case !slices.Contains([]sheet.Format{sheet.XLSX, sheet.CSV, sheet.JSON}, format):
		return usage("--format で xlsx, csv, json のどれかを指定してください。", "Give --format: xlsx, csv or json.")
	case format == sheet.XLSX && c.Out == "":
		return usage("xlsx は --out でファイル名を指定してください。", "xlsx needs a file name in --out.")
	}
	return withFacility(c.place, e, func(h *app.House, fac account.Facility) error {
		n := 0
		each := func(yield func(*ledger.Device, error) bool) {
			h.Sheets.All(e.ctx, fac.ID, c.Retired)(func(d *ledger.Device, err error) bool { n++; return yield(d, err) })
		}
		render := func(w io.Writer) error { return sheet.Export(w, format, each) }
		if c.Out == "" {
			if err := render(e.out); err != nil {
				return err
			}
		} else if err := writeFile(c.Out, render); err != nil {
			return err
		}
		err := h.Note(e.ctx, fac.ID, "ledger.export", "ledger", "", i18n.Text{Ja: fmt.Sprintf("台帳を書き出しました(%d台、%s)", n, format),
			En: fmt.Sprintf("Wrote the ledger out (%d devices, %s)", n, format)})
		e.say("%d台を書き出しました。", "%d devices written.", n)
		return err
	})
}
