package inquiry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// book exports the workbook of an inquiry, lets change edit it, and reads it back.
func (r *rig) roundTrip(i Inquiry, change func(*excelize.File)) (Preview, error) {
	r.t.Helper()
	x, err := excelize.OpenReader(bytes.NewReader(r.export(i)))
	r.must(err)
	defer func() { _ = x.Close() }()
	change(x)
	var out bytes.Buffer
	_, err = x.WriteTo(&out)
	r.must(err)
	return r.book.ReadWorkbook(r.ctx(), dbtest.Facility, i.ID, bytes.NewReader(out.Bytes()), int64(out.Len()), "回答票.xlsx")
}

func (r *rig) export(i Inquiry) []byte {
	r.t.Helper()
	var b bytes.Buffer
	r.must(r.book.Workbook(r.ctx(), dbtest.Facility, i.ID, &b))
	return b.Bytes()
}

// fillIn answers every row はい.
func fillIn(x *excelize.File) {
	_ = x.SetCellStr(answerSheet, "C6", "㈱髙﨑システム")
	_ = x.SetCellStr(answerSheet, "C7", "髙﨑 一郎")
	for row := 11; ; row++ {
		id, _ := x.GetCellValue(answerSheet, fmt.Sprintf("A%d", row))
		if id == "" {
			return
		}
		_ = x.SetCellStr(answerSheet, fmt.Sprintf("E%d", row), "はい")
		_ = x.SetCellStr(answerSheet, fmt.Sprintf("F%d", row), "令和8年11月1日")
	}
}

func TestAWorkbookGoesRound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		_, i := r.ask(r.emr)
		x, err := excelize.OpenReader(bytes.NewReader(r.export(i)))
		r.must(err)
		if v, err := x.GetDataValidations(answerSheet); err != nil || len(v) < 10 || !strings.Contains(v[0].Formula1, "対象外") {
			t.Errorf("drop-downs: %d %v", len(v), err)
		}
		if p, err := x.GetSheetProtection(answerSheet); err != nil || !p.Sort {
			t.Errorf("the sheet is not locked: %+v %v", p, err)
		}
		p, err := r.roundTrip(i, func(x *excelize.File) {
			fillIn(x)
			_ = x.DuplicateRowTo(answerSheet, 11, 40) // a row is moved to the end
			_ = x.RemoveRow(answerSheet, 11)
		})
		r.must(err)
		if len(p.Problems) > 0 || p.Lacks != "" || len(p.Changes) < 10 || p.By != "髙﨑 一郎" {
			t.Fatalf("the preview: problems %+v, lacks %q, %d changes, by %q", p.Problems, p.Lacks, len(p.Changes), p.By)
		}
		if r.get(i.ID).State != Waiting {
			t.Error("a preview changed something")
		}
		out, err := r.book.TakeWorkbook(r.ctx(), dbtest.Facility, i.ID, p.Staged, false)
		if r.must(err); out.State != Answered {
			t.Errorf("taken over: %v", out.State)
		}
		sheets, err := r.book.Sheets(r.ctx(), dbtest.Facility, i.ID)
		if r.must(err); len(sheets) != 1 || sheets[0].Answers["r7v.2.2"].Reply != catalogue.Yes || sheets[0].Answers["r7v.2.2"].On != "2026-11-01" {
			t.Errorf("the answers: %+v", sheets)
		}
		if _, err := r.book.TakeWorkbook(r.ctx(), dbtest.Facility, i.ID, p.Staged, true); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken over twice: %v", err)
		}
	})
}

func TestWorkbooksThatAreNotTaken(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	_, i := r.ask(r.emr)
	_, lab := r.ask(r.lab)
	for name, c := range map[string]struct {
		change func(*excelize.File)
		says   string
		row    int
	}{
		"a row deleted":    {func(x *excelize.File) { _ = x.RemoveRow(answerSheet, 12) }, "行が消えています", 0},
		"cells merged":     {func(x *excelize.File) { _ = x.MergeCell(answerSheet, "E12", "E13") }, "結合", 12},
		"an id gone":       {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A12", "") }, "項目ID", 12},
		"an id twice":      {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A13", cellOf(x, "A12")) }, "にもあります", 13},
		"a foreign id":     {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A12", "r9.9") }, "ありません", 12},
		"a foreign answer": {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "E14", "たぶん") }, "選択肢にありません", 14},
		"no such day":      {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "F15", "令和8年2月30日") }, "2月30日", 15},
		"a day ahead":      {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "F15", "2027-01-01") }, "未来", 15},
		"another system's": {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A2", mark(lab, 0)) }, "検体検査", 0},
		"nobody's":         {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A2", markPrefix+" x 0 y") }, "別の依頼", 0},
		"a broken mark":    {func(x *excelize.File) { _ = x.SetCellStr(answerSheet, "A2", markPrefix) }, "書き換えられて", 0},
	} {
		p, err := r.roundTrip(i, func(x *excelize.File) { fillIn(x); c.change(x) })
		r.must(err)
		found := false
		for _, x := range p.Problems {
			found = found || strings.Contains(x.Text.Ja, c.says) && (c.row == 0 || x.Row == c.row) && strings.Contains(x.Where().Ja, answerSheet)
		}
		if !found || p.Staged != "" {
			t.Errorf("%s: %+v", name, p.Problems)
		}
	}
	if _, err := r.roundTrip(i, func(x *excelize.File) { _ = x.RemoveRow(answerSheet, 2) }); !fault.Is(err, fault.Invalid) {
		t.Errorf("a workbook without a mark: %v", err)
	}
	for name, raw := range map[string]string{"空.xlsx": "", "a.xlsx": "no workbook", "a.csv": "項目ID,答え\n", "a.xls": "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"} {
		if _, err := r.book.ReadWorkbook(r.ctx(), dbtest.Facility, i.ID, strings.NewReader(raw), int64(len(raw)), name); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func cellOf(x *excelize.File, cell string) string {
	s, _ := x.GetCellValue(answerSheet, cell)
	return s
}

func TestAnOldWorkbookOverwritesNothingSilently(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	token, i := r.ask(r.emr)
	old := r.export(i)
	_, err := r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Seat: "a", Filling: Filling{Answers: map[string]Answer{"r7v.2.2": {Reply: catalogue.No, Target: "2027-03-01"}}}})
	r.must(err)
	p, err := r.book.ReadWorkbook(r.ctx(), dbtest.Facility, i.ID, bytes.NewReader(old), int64(len(old)), "古い.xlsx")
	r.must(err)
	if !p.Old || len(p.Changes) != 1 || p.Changes[0].Before.Reply != catalogue.No {
		t.Fatalf("the preview of an old workbook: old %v, %+v", p.Old, p.Changes)
	}
	if _, err := r.book.TakeWorkbook(r.ctx(), dbtest.Facility, i.ID, p.Staged, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("replaced without a word: %v", err)
	}
	_, err = r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Seat: "a", Revision: 1, Filling: Filling{Answers: map[string]Answer{"r7v.2.2": {Reply: catalogue.Yes}}}})
	r.must(err)
	if _, err := r.book.TakeWorkbook(r.ctx(), dbtest.Facility, i.ID, p.Staged, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("what was saved after the preview is replaced: %v", err)
	}
}

func FuzzReadWorkbook(f *testing.F) {
	set, err := catalogue.Embedded()
	if err != nil {
		f.Fatal(err)
	}
	c, _ := set.Find("checklist-r7-vendor")
	var b bytes.Buffer
	if err := writeWorkbook(&b, "病院", Inquiry{ID: "x", Content: Content{SHA256: c.SHA256}}, c, c.Items, Sheet{}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), "はい", "2026-11-01", 0, 0)
	f.Add(b.Bytes(), "いいえ", "令和9年4月1日", 3, 1)
	f.Add([]byte("PK\x03\x04"), "", "", 0, 0)
	f.Fuzz(func(t *testing.T, raw []byte, answer, day string, from, to int) {
		if x, err := excelize.OpenReader(bytes.NewReader(raw)); err == nil { // cells that somebody typed, beside bytes that nobody did
			_ = x.SetCellStr(answerSheet, fmt.Sprintf("E%d", 11+max(0, min(from, 30))), answer)
			_ = x.SetCellStr(answerSheet, fmt.Sprintf("F%d", 11+max(0, min(to, 30))), day)
			var out bytes.Buffer
			if _, err := x.WriteTo(&out); err == nil {
				raw = out.Bytes()
			}
			_ = x.Close()
		}
		r, err := readWorkbook(bytes.NewReader(raw), int64(len(raw)), "a.xlsx", c.Items)
		if err != nil {
			return
		}
		r.tidy(c, c.Items, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
		for id, a := range r.fill.Answers {
			if _, ok := c.Item(id); !ok {
				t.Errorf("an answer to %q, which nobody asked", id)
			}
			if a.On > "2026-11-02" && len(r.problems) == 0 {
				t.Errorf("a day in the future was taken: %q", a.On)
			}
		}
	})
}
