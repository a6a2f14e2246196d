package roster

import (
	"io"
	"strconv"

	"kenshin/i18n"
	"kenshin/paper"
)

// WriteCSV writes people as UTF-8 with a BOM; what a spreadsheet would run as a formula is guarded by an apostrophe, which Open takes off again.
func WriteCSV(w io.Writer, people []Recipient, lang i18n.Lang) error {
	t, rows := table(people, lang)
	return paper.WriteCSV(w, t, rows)
}

// WriteXLSX writes people as a workbook; every cell is text.
func WriteXLSX(w io.Writer, people []Recipient, lang i18n.Lang) error {
	t, rows := table(people, lang)
	return paper.WriteXLSX(w, paper.Part{Table: t, Rows: rows})
}

func table(people []Recipient, lang i18n.Lang) (paper.Table, paper.Records) {
	t := paper.Table{Sheet: i18n.Text{Ja: "宛先", En: "Recipients"}.In(lang)}
	for _, f := range Fields() {
		t.Columns = append(t.Columns, paper.Column{Header: f.Name.In(lang)})
	}
	return t, func(yield func([]any, error) bool) {
		for _, p := range people {
			if !yield([]any{p.Family, p.Given, p.Name, p.Kana, p.Department, p.Job, p.Email}, nil) {
				return
			}
		}
	}
}

// WriteRejected writes the rejected rows as a CSV that can be worked through: line, cell, value, why.
func WriteRejected(w io.Writer, rejected []Rejected, lang i18n.Lang) error {
	t := paper.Table{Columns: []paper.Column{{Header: i18n.Text{Ja: "行", En: "Line"}.In(lang)}, {Header: i18n.Text{Ja: "セル", En: "Cell"}.In(lang)},
		{Header: i18n.Text{Ja: "値", En: "Value"}.In(lang)}, {Header: i18n.Text{Ja: "理由", En: "Why"}.In(lang)}}}
	return paper.WriteCSV(w, t, func(yield func([]any, error) bool) {
		for _, r := range rejected {
			if !yield([]any{strconv.Itoa(r.Line), r.Cell, r.Value, r.Why.In(lang)}, nil) {
				return
			}
		}
	})
}
