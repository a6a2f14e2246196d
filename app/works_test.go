package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/blob"
	"kenshin/fault"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/paper"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web"
)

// TestSheetsAsJobs takes a sheet in, a workbook out and the sheet back, by the jobs that the console asks for.
func TestSheetsAsJobs(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	h, err := Open(ctx, Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	must(err)
	t.Cleanup(func() { must(h.Close()) })
	fac, err := h.Account.AddFacility(ctx, account.Facility{Name: "みなと病院"})
	must(err)
	f := fac.ID
	ctx = actor.With(ctx, actor.Actor{Kind: actor.Person, ID: "p1", Name: "佐藤 恵", Role: actor.Admin})

	csv := []byte("管理番号,名称,種類\n")
	for i := range 300 {
		csv = fmt.Appendf(csv, "A-%03d,端末%d,PC\n", i, i)
	}
	book, err := paper.Open(bytes.NewReader(csv), int64(len(csv)), "台帳.csv")
	must(err)
	s, m, err := sheet.Best(book)
	must(err)
	imp, err := h.Sheets.Begin(ctx, f, "台帳.csv", "")
	must(err)
	_, err = h.Sheets.Stage(ctx, f, imp.ID, s, m)
	must(err)
	_, err = h.StartImport(ctx, f, imp.ID, false)
	must(err)
	if _, err := h.StartImport(ctx, f, imp.ID, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second start: %v", err)
	}
	must(h.Jobs.Start(ctx))
	t.Cleanup(func() { must(h.Jobs.Stop(context.Background())) })
	await := func(run job.RunID) job.Info {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			i, err := h.Jobs.Get(ctx, f, run)
			must(err)
			if i.State.Over() {
				if i.State != job.Finished {
					t.Fatalf("%s ended as %s: %s", i.Kind, i.State, i.Error.En)
				}
				return i
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s did not end", i.Kind)
			}
		}
	}
	count := func() int {
		p, err := h.Ledger.List(ctx, f, ledger.Query{Limit: 1})
		must(err)
		return p.Total
	}
	imports, err := h.Jobs.List(ctx, f, job.Filter{Kinds: []string{web.ImportKind}})
	must(err)
	if done := await(imports[0].ID); done.Done != 300 || count() != 300 {
		t.Errorf("%d rows, %d devices", done.Done, count())
	}
	p, err := h.Ledger.List(ctx, f, ledger.Query{Text: "A-007"})
	must(err)
	history, _, err := h.Ledger.History(ctx, f, string(p.Devices[0].ID), "", 10)
	must(err)
	if history[0].Actor.Name != "佐藤 恵" {
		t.Errorf("the history names %q, not who asked for the import", history[0].Actor.Name)
	}

	run, err := h.StartExport(ctx, f, ledger.Query{Text: "端末1"})
	must(err)
	var file web.ExportFile
	info := await(run)
	must(info.Data(&file))
	r, err := blob.Open(ctx, h.DB, f, file.Blob)
	must(err)
	content, err := io.ReadAll(r)
	must(err)
	if _, err := paper.Open(bytes.NewReader(content), int64(len(content)), file.Name); err != nil || file.Devices == 0 || file.Devices == 300 {
		t.Errorf("%+v: %v", file, err)
	}
	if _, err := h.Retry(ctx, f, run); !fault.Is(err, fault.Conflict) {
		t.Errorf("a finished run was tried again: %v", err)
	}

	run, err = h.StartImportUndo(ctx, f, imp.ID)
	must(err)
	await(run)
	if count() != 0 {
		t.Errorf("%d devices after the undo", count())
	}
	must(h.DB.Read(ctx, f, func(tx *store.Tx) error {
		list, _, err := trail.List(ctx, tx, trail.Filter{Action: "import."})
		if len(list) != 2 || list[0].Actor.Name != "佐藤 恵" {
			t.Errorf("the trail: %+v", list)
		}
		return err
	}))
}
