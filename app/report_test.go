package app_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"kenshin/app"
	"kenshin/checkup"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/paper"
)

func hostileReport() checkup.Report {
	evil := `<script>alert(1)</script>"'=HYPERLINK("x")`
	return checkup.Report{Schema: checkup.Schema, Started: time.Now(), Finished: time.Now(), Ranges: []string{"10.0.0.0/24"}, Pace: "gentle", FramesSent: 7, Notes: []string{evil},
		Devices: []checkup.ReportDevice{
			{ID: "1", Name: evil, IPv4: []string{"10.0.0.9"}, MAC: "02:00:00:00:00:01", Kind: "modality", Modality: "ct", Medical: true, Maker: evil, Model: evil, OS: evil,
				Because: []ledger.Reason{{Says: evil}}},
			{ID: "2", Kind: "unknown"},
		},
		Findings: []checkup.ReportFinding{
			{Check: "smb1", Severity: 3, Device: "1", Title: evil, Why: "w", Fix: "f"}, {Check: "smb1", Severity: 3, Device: "2", Title: "b", Why: "w", Fix: "f"},
			{Check: "unknown-device", Severity: 2, Device: "2", Title: "nobody-knows-it"},
		}}
}

func TestVisitPageIsOneSafeFile(t *testing.T) {
	for _, lang := range []i18n.Lang{i18n.Ja, i18n.En} {
		var b bytes.Buffer
		if err := app.VisitPage(i18n.With(t.Context(), lang), &b, hostileReport()); err != nil {
			t.Fatal(err)
		}
		s := b.String()
		for _, no := range []string{"<script", "http://", "https://", "url(", "@import", "nobody-knows-it", "ZgotmplZ"} {
			if strings.Contains(s, no) {
				t.Errorf("%s: the page holds %q", lang, no)
			}
		}
		for _, yes := range []string{`<html lang="` + string(lang) + `">`, "&lt;script&gt;", "@page", "(CT)", "10.0.0.9"} {
			if !strings.Contains(s, yes) {
				t.Errorf("%s: the page lacks %q", lang, yes)
			}
		}
	}
}

func TestVisitBookReadsBackAsText(t *testing.T) {
	var b bytes.Buffer
	if err := app.VisitBook(i18n.With(t.Context(), i18n.Ja), &b, hostileReport()); err != nil {
		t.Fatal(err)
	}
	book, err := paper.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), "a.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(book.Sheets()); n != 3 {
		t.Fatalf("%d sheets", n)
	}
	rows := 0
	err = book.Sheets()[0].Rows(func(r paper.Row) error {
		rows++
		for _, c := range r.Cells {
			if c.Formula {
				t.Errorf("a formula: %q", c.Text)
			}
		}
		return nil
	})
	if err != nil || rows != 3 {
		t.Errorf("%d rows, %v", rows, err)
	}
}
