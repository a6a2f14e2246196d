package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web"
)

// exportDays is how long the file of an export can be fetched.
const exportDays = 7

// sheetWorks says who takes sheets in and out.
func (h *House) sheetWorks() {
	h.Jobs.Handle(web.ImportKind, job.Options{Title: i18n.Text{Ja: "台帳の取り込み", En: "Import into the ledger"}}, h.importStep)
	h.Jobs.Handle(web.ExportKind, job.Options{Title: i18n.Text{Ja: "台帳の書き出し", En: "Export of the ledger"}}, h.exportStep)
}

// StartImport takes an import in: the decision, its record and the work are stored together.
func (h *House) StartImport(ctx context.Context, f facility.ID, id string, replace bool) (job.RunID, error) {
	return h.startSheet(ctx, f, id, trail.Entry{Action: "import.apply", Detail: map[string]bool{"replace": replace}},
		i18n.Text{Ja: "「%s」を台帳に取り込みました(新しい%d台、変わる%d台)", En: "Imported %s into the ledger (%d new, %d changed)"},
		func(tx *store.Tx) error { return h.Sheets.ApplyTx(ctx, tx, id, replace) })
}

// StartImportUndo takes an import back.
func (h *House) StartImportUndo(ctx context.Context, f facility.ID, id string) (job.RunID, error) {
	return h.startSheet(ctx, f, id, trail.Entry{Action: "import.undo"},
		i18n.Text{Ja: "「%s」の取り込みを元に戻しました(新しい%d台、変わった%d台)", En: "Took the import of %s back (%d new, %d changed)"},
		func(tx *store.Tx) error { return h.Sheets.UndoTx(ctx, tx, id) })
}

func (h *House) startSheet(ctx context.Context, f facility.ID, id string, e trail.Entry, text i18n.Text, turn func(*store.Tx) error) (run job.RunID, err error) {
	i, err := h.Sheets.Get(ctx, f, id)
	if err != nil {
		return "", err
	}
	n, changed := i.Count.New, i.Count.Changed+i.Count.Conflict
	e.At, e.Subject = h.Now(), trail.Subject{Kind: "import", ID: id}
	e.Summary = i18n.Text{Ja: fmt.Sprintf(text.Ja, i.File, n, changed), En: fmt.Sprintf(text.En, i.File, n, changed)}
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		if err := turn(tx); err != nil {
			return err
		}
		if run, err = h.enqueueImport(ctx, tx, id, i.File); err != nil {
			return err
		}
		_, err := trail.Append(ctx, tx, e)
		return err
	})
	return run, err
}

func (h *House) enqueueImport(ctx context.Context, tx *store.Tx, id, file string) (job.RunID, error) {
	return h.Jobs.Enqueue(ctx, tx, web.ImportKind, web.ImportArgs{Import: id}, job.Request{UniqueKey: id,
		Title: i18n.Text{Ja: "取り込み: " + file, En: "Import: " + file}})
}

// importStep goes on with an import that is being taken in or back. It acts as the person who asked for it.
func (h *House) importStep(ctx context.Context, run *job.Run) (job.Next, error) {
	var args web.ImportArgs
	if err := run.Args(&args); err != nil {
		return job.Next{}, err
	}
	ctx, done := untilEnough(ctx, run)
	defer done()
	for !run.Enough() {
		more, err := h.importSlice(ctx, run, args)
		if err != nil {
			return job.Next{}, err
		}
		if !more {
			return job.Done, nil
		}
	}
	return job.Again(0), nil
}

// importSliceTime is how long an import works between two notes of how far it is: a person watches, and a machine that loses its power again and
// again must be seen to come forward.
const importSliceTime = 400 * time.Millisecond

func (h *House) importSlice(ctx context.Context, run *job.Run, args web.ImportArgs) (more bool, err error) {
	until := time.Now().Add(importSliceTime)
	if run.Deadline().Before(until) {
		until = run.Deadline()
	}
	more, err = h.Sheets.Step(ctx, run.Facility, args.Import, until)
	if err != nil && !(run.Enough() && errors.Is(err, context.Canceled)) {
		return false, err
	}
	ctx = context.WithoutCancel(ctx)
	i, err := h.Sheets.Get(ctx, run.Facility, args.Import)
	if err != nil {
		return false, err
	}
	run.Say(i18n.Text{Ja: fmt.Sprintf("%d / %d 行", i.Done, i.Total), En: fmt.Sprintf("%d of %d rows", i.Done, i.Total)})
	return more, h.DB.Write(ctx, run.Facility, func(tx *store.Tx) error { return run.Save(ctx, tx, args, i.Done, i.Total) })
}

// StartExport makes a workbook of what a list's question chooses; the run's page then offers it.
func (h *House) StartExport(ctx context.Context, f facility.ID, q ledger.Query) (run job.RunID, err error) {
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		run, err = h.Jobs.Enqueue(ctx, tx, web.ExportKind, q, job.Request{})
		return err
	})
	return run, err
}

// exportStep writes the workbook in one go: 20,000 devices take a few seconds.
func (h *House) exportStep(ctx context.Context, run *job.Run) (job.Next, error) {
	var q ledger.Query
	if err := run.Args(&q); err != nil {
		return job.Next{}, err
	}
	if err := h.dropOldExports(ctx, run.Facility); err != nil {
		return job.Next{}, err
	}
	fac, err := h.Account.Facility(ctx, run.Facility)
	if err != nil {
		return job.Next{}, err
	}
	out := web.ExportFile{Name: web.ExportName(h.Now().In(fac.Location()).Format(time.DateOnly), sheet.XLSX)}
	devices := func(yield func(*ledger.Device, error) bool) {
		for d, err := range web.Chosen(ctx, h.Ledger, run.Facility, q) {
			out.Devices++
			if !yield(d, err) {
				return
			}
		}
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(sheet.Export(w, sheet.XLSX, devices)) }()
	file, err := blob.Put(ctx, h.DB, run.Facility, out.Name, r)
	_ = r.Close() // lets the writer end when the reader gave up
	if err != nil {
		return job.Next{}, err
	}
	out.Blob = file.ID
	run.Say(i18n.Text{Ja: fmt.Sprintf("%d台。%d日間受け取れます", out.Devices, exportDays), En: fmt.Sprintf("%d devices; can be fetched for %d days", out.Devices, exportDays)})
	err = h.DB.Write(ctx, run.Facility, func(tx *store.Tx) error { return run.Save(ctx, tx, out, out.Devices, out.Devices) })
	if err != nil {
		return job.Next{}, errors.Join(err, blob.Remove(context.WithoutCancel(ctx), h.DB, run.Facility, file.ID))
	}
	return job.Done, nil
}

// dropOldExports removes the files of exports that nobody fetches any more.
func (h *House) dropOldExports(ctx context.Context, f facility.ID) error {
	runs, err := h.Jobs.List(ctx, f, job.Filter{Kinds: []string{web.ExportKind}, Limit: 500})
	if err != nil {
		return err
	}
	for i := range runs {
		var file web.ExportFile
		if runs[i].Finished.IsZero() || h.Now().Sub(runs[i].Finished) < exportDays*24*time.Hour || runs[i].Data(&file) != nil || file.Blob == "" {
			continue
		}
		if err := blob.Remove(ctx, h.DB, f, file.Blob); err != nil {
			return err
		}
	}
	return nil
}

// Retry asks once more for a run that failed or was cancelled, with the same input.
func (h *House) Retry(ctx context.Context, f facility.ID, id job.RunID) (run job.RunID, err error) {
	old, err := h.Jobs.Get(ctx, f, id)
	if err != nil {
		return "", err
	}
	if !old.State.Over() || old.State == job.Finished {
		return "", fault.New(fault.Conflict, "この仕事は、やり直すところがありません。", "There is nothing to do again.")
	}
	var args json.RawMessage
	if err := old.Args(&args); err != nil {
		return "", err
	}
	request := job.Request{Title: old.Title, Queue: old.Queue}
	if old.Kind == web.ImportKind {
		var a web.ImportArgs
		if err := old.Args(&a); err != nil {
			return "", err
		}
		request.UniqueKey = a.Import
	}
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		run, err = h.Jobs.Enqueue(ctx, tx, old.Kind, args, request)
		return err
	})
	return run, err
}
