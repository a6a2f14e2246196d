package api

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// filled answers every item of a workbook of answers はい.
func (r *rig) filled(text string, change func(*excelize.File)) []byte {
	r.t.Helper()
	x, err := excelize.OpenReader(strings.NewReader(text))
	r.must(err)
	defer func() { _ = x.Close() }()
	name := x.GetSheetList()[0]
	r.must(x.SetCellStr(name, "C6", "㈱髙﨑システム"))
	r.must(x.SetCellStr(name, "C7", "髙﨑 一郎"))
	for row := 11; ; row++ {
		id, err := x.GetCellValue(name, fmt.Sprintf("A%d", row))
		r.must(err)
		if id == "" {
			break
		}
		r.must(x.SetCellStr(name, fmt.Sprintf("E%d", row), "はい"))
		r.must(x.SetCellStr(name, fmt.Sprintf("F%d", row), "令和8年11月1日"))
	}
	change(x)
	var out bytes.Buffer
	_, err = x.WriteTo(&out)
	r.must(err)
	return out.Bytes()
}

// The workbook goes to the vendor and comes back: looked at first, refused where its rows were spoilt, taken once, and never over an answer unasked.
func TestAWorkbookByScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		one := "/inquiries/" + r.ids["vendor-inquiry"]
		text := r.ok("GET", one+"/workbook", nil).text
		send := func(content []byte) reply {
			return r.upload(r.tokens[actor.Admin], one+"/workbook", "回答票.xlsx", content)
		}
		if a := send(r.filled(text, func(x *excelize.File) { _ = x.RemoveRow(x.GetSheetList()[0], 12) })); a.StatusCode != 200 || a.str("staged") != "" || !strings.Contains(a.text, "行が消えています") {
			t.Errorf("a row deleted: %d %.400s", a.StatusCode, a.text)
		}
		if a := send([]byte("nothing")); a.StatusCode != 422 {
			t.Errorf("no workbook: %d %s", a.StatusCode, a.text)
		}
		if a := send(make([]byte, 6<<20)); a.StatusCode != 413 {
			t.Errorf("6 MB: %d %s", a.StatusCode, a.text)
		}
		a := send(r.filled(text, func(*excelize.File) {}))
		if a.StatusCode != 200 || a.str("by") != "髙﨑 一郎" || a.str("company") != "㈱髙﨑システム" || a.str("lacks") != "" || len(a.body["changes"].([]any)) < 10 {
			t.Fatalf("%d %.400s", a.StatusCode, a.text)
		}
		if b := r.ok("GET", one, nil); b.str("state") != "waiting" || len(b.body["answers"].([]any)) != 0 {
			t.Errorf("a preview changed something: %s", b.text)
		}
		if b := r.admin("POST", one+"/workbook/take", m{"staged": "another"}); b.StatusCode != 404 {
			t.Errorf("another workbook: %d", b.StatusCode)
		}
		if b := r.ok("POST", one+"/workbook/take", m{"staged": a.str("staged")}); b.str("state") != "answered" || b.body["sent"] != true {
			t.Errorf("taken over: %s", b.text)
		}
		again := send(r.filled(text, func(x *excelize.File) { _ = x.SetCellStr(x.GetSheetList()[0], "E11", "分からない") }))
		if again.body["outdated"] != true {
			t.Errorf("made before the answers that are there: %.300s", again.text)
		}
		if b := r.admin("POST", one+"/workbook/take", m{"staged": again.str("staged")}); b.StatusCode != 409 {
			t.Errorf("answers replaced unasked: %d", b.StatusCode)
		}
		r.ok("POST", one+"/workbook/take", m{"staged": again.str("staged"), "replace": true})
		if h := r.ok("GET", one+"/history", nil); !strings.Contains(h.text, "回答票.xlsx") {
			t.Errorf("history: %s", h.text)
		}
		if f := r.ok("GET", one+"/attachments", nil).items(); len(f) != 1 || f[0]["name"] != "みなと.txt" {
			t.Errorf("the vendor's files: %v", f)
		}
		if f := r.ok("GET", "/inquiries/targets", nil).items(); len(f) != 1 || f[0]["state"] != "answered" {
			t.Errorf("targets: %v", f)
		}
		if b := r.admin("GET", "/inquiries/"+r.ids["inquiry"]+"/workbook", nil); b.StatusCode != 422 {
			t.Errorf("a question as a workbook: %d", b.StatusCode)
		}
	})
}

// A visitor sees a department's answers only where names were asked for, and two visitors lose nothing.
func TestAVisitByScript(t *testing.T) {
	r := sqlite(t)
	nameless := r.ok("GET", "/inquiries/"+r.ids["visit"]+"/visit", nil)
	if nameless.body["named"] != false || strings.Contains(nameless.text, `"by":"看護`) {
		t.Error(nameless.text)
	}
	sent := r.ok("POST", "/surveys", m{"catalogue": "survey-departments", "named": true, "departments": []string{"放射線科"}})
	letter := sent.body["letters"].([]any)[0].(map[string]any)
	link := letter["links"].([]any)[0].(map[string]any)
	address, _ := link["address"].(string)
	id, _ := link["inquiry"].(string)
	token := address[strings.LastIndex(address, "/")+1:]
	ctx := t.Context()
	sheet, err := r.Inquiries.Begin(ctx, token)
	r.must(err)
	_, err = r.Inquiries.Save(ctx, token, inquiry.Saving{Sheet: sheet, Submit: true, Filling: inquiry.Filling{By: "技師 ①子", Answers: map[string]inquiry.Answer{"survey.daily.usb": {Value: "1", Note: "鍵付き"}}}})
	r.must(err)
	visit := "/inquiries/" + id + "/visit"
	if a := r.ok("GET", visit, nil); !strings.Contains(a.text, "技師 ①子") || !strings.Contains(a.text, "鍵付き") {
		t.Fatalf("%.600s", a.text)
	}
	note := func(item, text string, revision int) reply {
		return r.admin("PUT", visit, m{"notes": []m{{"item": item, "text": text, "revision": revision}}})
	}
	if a := note("survey.daily.usb", "引き出しに3本", 0); a.StatusCode != 200 || !strings.Contains(a.text, "引き出しに3本") {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := note("survey.daily.usb", "別の人のメモ", 0); a.StatusCode != 409 {
		t.Errorf("over another's note: %d", a.StatusCode)
	}
	if a := note("survey.nothing", "x", 0); a.StatusCode != 422 || a.places() != "body.notes[0].item" {
		t.Errorf("no such item: %s", a.text)
	}
	if a := note("survey.daily.usb", "4本", 1); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := r.admin("GET", "/inquiries/"+r.ids["inquiry"]+"/visit", nil); a.StatusCode != 404 {
		t.Errorf("a question has no visit sheet: %d", a.StatusCode)
	}
	if a := r.admin("PUT", "/inquiries/settings", m{"base": "ftp://x", "contact": "", "support": "", "days": 30, "weeks": 2, "remind": []int{}}); a.StatusCode != 422 {
		t.Errorf("an address that no browser opens: %d", a.StatusCode)
	}
}
