package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/web/page"
)

// registerImport keeps a file and shows what was read of it. A file that cannot be read at all is not kept.
func (v *visit) registerImport() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	p, err := v.upload("file")
	if err != nil {
		return v.registerRefused(err)
	}
	id, err := v.s.Registers.Stage(v.ctx, v.facility, k, p.FileName(), p)
	if err != nil {
		return v.registerRefused(err)
	}
	v.redirect(page.RegisterPath(k.ID, "import/"+id))
	return nil
}

func (v *visit) registerRefused(err error) error {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return v.showRegister(page.Errors{"file": v.says(err)}, status(err))
	}
	return err
}

// readSheet reads a stored sheet again, as the form says.
func (v *visit) readSheet(k register.Kind, id string, typed url.Values) (page.RegisterImportView, error) {
	view := page.RegisterImportView{ID: id, Kind: k}
	names, err := v.names(k)
	if err != nil {
		return view, err
	}
	chosen := map[int]string{}
	for i := range paper.MaxColumns {
		if name := "col" + strconv.Itoa(i); typed.Has(name) {
			chosen[i] = typed.Get(name)
		}
	}
	view.Names = names.ByID
	view.File, view.Import, err = v.s.Registers.Staged(v.ctx, v.facility, k, id, chosen, names)
	if err != nil && fault.Is(err, fault.Invalid) {
		view.Wrong = v.says(err)
	}
	return view, err
}

func (v *visit) registerPreview() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	view, err := v.readSheet(k, v.r.PathValue("id"), nil)
	if err != nil && view.Wrong == "" {
		return err
	}
	view.Replace = k.List
	v.show(page.RegisterImportPage(v.shell(), view))
	return nil
}

func (v *visit) registerTake() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	view, err := v.readSheet(k, v.r.PathValue("id"), f)
	if err != nil && view.Wrong == "" {
		return err
	}
	view.Replace = f.Get("replace") == "yes"
	if view.Wrong == "" && f.Get("do") != "again" && view.Import.Good() == 0 {
		view.Wrong = v.t("取り込める行がありません。列の読み方か、ファイルを直してください。", "No row can be taken. Change how columns are read, or the file.")
	}
	if view.Wrong != "" || f.Get("do") == "again" {
		if view.Wrong != "" {
			v.status(http.StatusUnprocessableEntity)
		}
		v.show(page.RegisterImportPage(v.shell(), view))
		return nil
	}
	done, err := v.takeLines(k, view.Import.Lines, view.Replace, view.File)
	if err != nil {
		return err
	}
	v.note(v.s.Registers.Unstage(v.ctx, v.facility, k, view.ID), "a sheet that was taken in")
	v.said("%d行を足し、%d行を直し、%d行を消しました（取り込めない行 %d）。", "Added %d rows, changed %d, removed %d (%d not taken).", done.Added, done.Changed, done.Removed, done.Left)
	if k.ID == "leavers" || k.ID == "accounts" {
		v.redirect(page.PathLeavers)
		return nil
	}
	v.redirect(page.RegisterPath(k.ID, ""))
	return nil
}

// registerExport sends the register as it is filtered; who took it out is remembered.
func (v *visit) registerExport() error {
	k, err := v.registerKind()
	if err != nil {
		return err
	}
	format := v.r.URL.Query().Get("format")
	kinds := map[string]string{"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}
	if kinds[format] == "" {
		return fault.Newf(fault.Invalid, "「%.20s」の形式では書き出せません(xlsx, csv)。", "The format %.20q is not known (xlsx, csv).", format)
	}
	view, _, err := v.registerRows(k)
	if err != nil {
		return err
	}
	if err := v.tookOut(k, format, len(view.Rows)); err != nil {
		return err
	}
	names, err := v.names(k)
	if err != nil {
		return err
	}
	table, rows := k.Table(view.Rows, langOf(v), names)
	h := v.w.Header()
	h.Set("Content-Type", kinds[format])
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(k.Title.Ja+"-"+v.now().Format(dateForm)+"."+format))
	if format == "csv" {
		err = paper.WriteCSV(v.w, table, rows)
	} else {
		err = paper.WriteXLSX(v.w, paper.Part{Table: table, Rows: rows})
	}
	if err != nil {
		v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
	}
	return nil
}

func (v *visit) tookOut(k register.Kind, format string, rows int) error {
	return v.remember(k.Exported(format, rows))
}

// registerPrint is the register for A4.
func (v *visit) registerPrint() error {
	k, err := v.registerKind()
	if err != nil {
		return err
	}
	view, _, err := v.registerRows(k)
	if err != nil {
		return err
	}
	if k.Private {
		if err := v.tookOut(k, "A4", len(view.Rows)); err != nil {
			return err
		}
	}
	v.show(page.RegisterPrintPage(v.shell(), view))
	return nil
}

// registerMatrix sets a register out by two of its columns. Rows and columns that ought to be there but are not (the ledger's systems, the
// items of a catalogue, the choices of a column) stand there empty.
func (v *visit) registerMatrix() error {
	k, err := v.registerKind()
	if err != nil {
		return err
	}
	if k.Matrix == nil {
		return fault.New(fault.NotFound, "この記録簿には、穴が見える表がありません。", "This register has no matrix.")
	}
	rows, err := v.s.Registers.Rows(v.ctx, v.facility, k.ID)
	if err != nil {
		return err
	}
	names, err := v.names(k)
	if err != nil {
		return err
	}
	across, _ := k.Column(k.Matrix.Columns)
	down, _ := k.Column(k.Matrix.Rows)
	view := page.MatrixView{Kind: k, Corner: down.Label.For(v.ctx)}
	m := k.Spread(rows, v.expected(down), v.expected(across))
	for _, c := range m.Columns {
		text := across.Shown(c, langOf(v), names.ByID)
		if text == "" {
			text = across.Label.For(v.ctx)
		}
		view.Columns = append(view.Columns, page.Link{Text: text})
	}
	write := k.MayWrite(v.actor.Role)
	for i, r := range m.Rows {
		view.Rows = append(view.Rows, page.Link{Text: down.Shown(r, langOf(v), names.ByID)})
		cells, holes := make([][]page.Link, len(m.Columns)), make([]string, len(m.Columns))
		for j, c := range m.Columns {
			view.Fields++
			for _, x := range m.Cells[i][j] {
				cells[j] = append(cells[j], page.Link{Text: v.cellText(k, x, names), URL: page.RowPath(k.ID, x.ID, "")})
			}
			if len(cells[j]) == 0 {
				view.Holes++
				if write {
					q := url.Values{down.Key: {r}, across.Key: {c}}
					holes[j] = page.RegisterPath(k.ID, "new") + "?" + q.Encode()
				}
			}
		}
		view.Cells, view.Add = append(view.Cells, cells), append(view.Add, holes)
	}
	v.show(page.MatrixPage(v.shell(), view))
	return nil
}

// expected are the values that a matrix shows even where no row has them.
func (v *visit) expected(c register.Column) []string {
	var out []string
	switch {
	case c.Type == register.System:
		systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
		v.note(err, "systems")
		for _, s := range systems {
			out = append(out, s.ID)
		}
	case c.Suggest != "":
		items, err := v.s.Assess.Suggested(v.ctx, v.facility, c.Suggest)
		v.note(err, "items")
		for _, i := range items {
			if !i.Stops {
				out = append(out, i.ID)
			}
		}
	default:
		for _, o := range c.Choices {
			out = append(out, o.ID)
		}
	}
	return out
}

// cellText is what a row says in a matrix: values, and of yes and no only what is so.
func (v *visit) cellText(k register.Kind, r register.Row, n register.Names) string {
	var parts []string
	for _, key := range k.Matrix.Show {
		c, _ := k.Column(key)
		value := r.Values[key]
		switch {
		case value == "" || value == "no":
		case c.Type == register.Bool:
			parts = append(parts, c.Short.For(v.ctx))
		case c.Type == register.Number:
			parts = append(parts, value+c.Label.For(v.ctx))
		default:
			parts = append(parts, c.Shown(value, langOf(v), n.ByID))
		}
	}
	if len(parts) == 0 {
		return v.t("記入あり", "entered")
	}
	return strings.Join(parts, "・")
}

// leavers shows which leavers still have an account.
func (v *visit) leavers() error {
	k, err := register.KindOf("leavers")
	if err != nil {
		return err
	}
	if err := k.Allow(v.actor.Role, false); err != nil {
		return err
	}
	left, err := v.s.Registers.Rows(v.ctx, v.facility, "leavers")
	if err != nil {
		return err
	}
	accounts, err := v.s.Registers.Rows(v.ctx, v.facility, "accounts")
	if err != nil {
		return err
	}
	names, err := v.names()
	if err != nil {
		return err
	}
	today := v.s.Registers.Today()
	v.show(page.LeaversPage(v.shell(), page.LeaversView{Leavers: len(left), Accounts: len(accounts), Left: register.StillThere(left, accounts, today),
		Dormant: register.Dormant(accounts, 90, today), Names: names.ByID}))
	return nil
}
