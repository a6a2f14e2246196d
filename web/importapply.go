package web

import (
	"net/url"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/job"
	"kenshin/ledger/sheet"
	"kenshin/netid"
	"kenshin/web/page"
)

// ImportKind is the kind of the jobs that take imports in and back; their argument is an ImportArgs.
const ImportKind = "import"

// ImportArgs is what such a job carries.
type ImportArgs struct {
	Import string `json:"import"`
}

const previewPage = 100 // rows of one page

// importPreview shows what the import would do, or how far it is.
func (v *visit) importPreview() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	switch i.State {
	case sheet.Mapped, sheet.Staging:
		v.redirect(page.ImportPath(i.ID, "sheet"))
		return nil
	case sheet.Preview:
		return v.showPreview(i, nil)
	case sheet.Applying, sheet.Applied, sheet.Undoing, sheet.TakenBack:
	}
	view, err := v.applyView(i)
	if err != nil {
		return err
	}
	v.show(page.ApplyPage(v.shell(), view))
	return nil
}

func (v *visit) showPreview(i sheet.Import, errs page.Errors) error {
	q := v.r.URL.Query()
	view := page.PreviewView{ID: i.ID, File: i.File, New: i.Count.New, Changed: i.Count.Changed, Same: i.Count.Same, Conflict: i.Count.Conflict,
		Failed: i.Count.Failed, Show: q.Get("show"), Errors: errs}
	all := map[string]int{"": i.Count.New + i.Count.Changed + i.Count.Same + i.Count.Conflict + i.Count.Failed + i.Count.Skipped, "new": i.Count.New,
		"changed": i.Count.Changed, "same": i.Count.Same, "conflict": i.Count.Conflict, "error": i.Count.Failed}
	total, known := all[view.Show]
	if !known {
		return fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
	}
	from, err := strconv.Atoi("0" + q.Get("from"))
	if err != nil {
		return fault.New(fault.Invalid, "ページの位置が正しくありません。", "The page's position is not valid.")
	}
	rows, err := v.s.Sheets.Rows(v.ctx, v.facility, i.ID, sheet.RowFilter{Action: sheet.Action(view.Show), Offset: from, Limit: previewPage})
	if err != nil {
		return err
	}
	if view.Rows, err = v.previewRows(rows); err != nil {
		return err
	}
	at := func(n int) string {
		return page.ImportPath(i.ID, "apply") + "?" + url.Values{"show": {view.Show}, "from": {strconv.Itoa(n)}}.Encode()
	}
	view.Pager = page.Pager{From: min(from+1, total), To: from + len(rows), Total: total}
	if from > 0 {
		view.Pager.Prev = at(max(from-previewPage, 0))
	}
	if from+len(rows) < total && len(rows) > 0 {
		view.Pager.Next = at(from + len(rows))
	}
	v.show(page.PreviewPage(v.shell(), view))
	return nil
}

func (v *visit) previewRows(rows []sheet.Row) ([]page.PreviewRow, error) {
	var ids []netid.DeviceID
	for _, r := range rows {
		if r.Device != "" {
			ids = append(ids, r.Device)
		}
	}
	names, err := v.deviceNames(ids)
	if err != nil {
		return nil, err
	}
	var out []page.PreviewRow
	for _, r := range rows {
		p := page.PreviewRow{Row: r.Row, What: string(r.Action), Name: r.Name}
		if r.Action == sheet.Skipped {
			p.What = "same" // no device of its own: nothing happens, and the issue says why
		}
		if name := names[r.Device]; name != "" {
			p.Device = page.Link{Text: name, URL: page.DevicePath(r.Device, "")}
		}
		for _, c := range r.Changes {
			p.Fields = append(p.Fields, page.FieldChange{Field: v.fieldName(c.Field), Old: v.valueText(c.Field, c.Before), New: v.valueText(c.Field, c.After)})
		}
		var says []string
		for _, x := range r.Issues {
			says = append(says, strings.TrimSpace(x.Cell+" "+x.Text.For(v.ctx)))
		}
		p.Error = strings.Join(says, " ")
		out = append(out, p)
	}
	return out, nil
}

// importApply takes the import in, as a job.
func (v *visit) importApply() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	conflict := f.Get("conflict")
	if conflict != "" && conflict != "person" && conflict != "sheet" {
		return fault.New(fault.Invalid, "食い違いの扱いを選んでください。", "Choose what to do where they differ.")
	}
	if _, err := v.s.Work.StartImport(v.ctx, v.facility, i.ID, conflict == "sheet"); err != nil {
		return err
	}
	v.redirect(page.ImportPath(i.ID, "apply"))
	return nil
}

// importUndo takes the import back, as a job.
func (v *visit) importUndo() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	if _, err := v.s.Work.StartImportUndo(v.ctx, v.facility, i.ID); err != nil {
		return err
	}
	v.redirect(page.ImportPath(i.ID, "apply"))
	return nil
}

func (v *visit) importLive() error {
	i, err := v.oneImport()
	if err != nil {
		return err
	}
	view, err := v.applyView(i)
	if err != nil {
		return err
	}
	v.show(page.ApplyLive(v.shell(), view))
	return nil
}

// applyView says how far an import is. One whose job was cancelled or gave up is not shown as going on.
func (v *visit) applyView(i sheet.Import) (page.ApplyView, error) {
	view := page.ApplyView{ImportRow: importRow(i), Done: i.Done, All: i.Total, CanUndo: i.State == sheet.Applied}
	switch {
	case i.State == sheet.Applied || i.State == sheet.TakenBack:
		view.Percent = 100
	case i.Total > 0:
		view.Percent = min(i.Done*100/i.Total, 99)
	}
	switch i.State {
	case sheet.Undoing:
		view.Says = v.t("元に戻しています", "Taking it back")
	case sheet.TakenBack:
		if i.Stayed > 0 {
			view.Says = v.t("元に戻しました。あとで人が直した%d行は、そのまま残しました。", "Taken back; %d rows that people changed afterwards were left.", i.Stayed)
		}
	case sheet.Applied, sheet.Applying, sheet.Mapped, sheet.Staging, sheet.Preview:
	}
	if view.State == "applying" {
		run, err := v.importRun(i.ID)
		if err != nil {
			return view, err
		}
		if run != nil && run.State.Over() && run.State != job.Finished {
			view.State, view.CanUndo = "failed", i.State == sheet.Applying
			view.Says = v.t("途中で止まっています。「仕事の進み」から続けられます。", "It stopped on the way. It can go on from “Work”.") + " " + run.Error.For(v.ctx)
		}
	}
	rows, err := v.s.Sheets.Rows(v.ctx, v.facility, i.ID, sheet.RowFilter{Action: sheet.Failed, Limit: previewPage})
	if err != nil {
		return view, err
	}
	view.Failed, err = v.previewRows(rows)
	return view, err
}

// importRun finds the newest job of an import.
func (v *visit) importRun(id string) (*job.Info, error) {
	runs, err := v.s.Jobs.List(v.ctx, v.facility, job.Filter{Kinds: []string{ImportKind}, Limit: 100})
	for n := range runs {
		var a ImportArgs
		if runs[n].Args(&a) == nil && a.Import == id {
			return &runs[n], nil
		}
	}
	return nil, err
}
