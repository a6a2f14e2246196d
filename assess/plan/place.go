package plan

import (
	"errors"
	"fmt"

	"kenshin/fault"
)

// Misfit is which field of a sheet an error is about.
type Misfit struct {
	Kind  Kind
	Row   int    // from 1; 0 is the sheet as a whole
	Field string // as the page calls it
}

func (m *Misfit) Error() string { return fmt.Sprintf("%s, row %d: %s", m.Kind, m.Row, m.Field) }

// Place is the field as JSON names it: "risks.rows[2].likelihood".
func (m *Misfit) Place() string {
	if m.Row == 0 {
		if p, ok := wholes()[string(m.Kind)+" "+m.Field]; ok {
			return p
		}
		return map[string]string{"名前": "title", "ひとこと": "note"}[m.Field]
	}
	if format, ok := rowsOf(m.Kind)[m.Field]; ok {
		return fmt.Sprintf(format, m.Row-1)
	}
	return map[Kind]string{Risk: "risks", Audit: "audit", Budget: "budget"}[m.Kind]
}

func wholes() map[string]string {
	return map[string]string{"risk メモ": "risks.note", "budget メモ": "budget.note", "audit 監査する人": "audit.auditor", "audit 範囲": "audit.scope", "audit 結果": "audit.result",
		"audit 予定の日": "audit.day", "audit 報告の日": "audit.reported"}
}

func rowsOf(k Kind) map[string]string {
	switch k {
	case Risk:
		return map[string]string{"起こりうること": "risks.rows[%d].threat", "何が": "risks.rows[%d].asset", "すること": "risks.rows[%d].action", "担当": "risks.rows[%d].owner", "番号": "risks.rows[%d].id",
			"起こりやすさ": "risks.rows[%d].likelihood", "患者さんへの影響": "risks.rows[%d].impact", "どうするか": "risks.rows[%d].treatment", "いつまでに": "risks.rows[%d].due", "終えた日": "risks.rows[%d].done",
			"起こりやすさと影響": "risks.rows[%d].judged", "担当といつまでに": "risks.rows[%d].owner"}
	case Audit:
		return map[string]string{"項目": "audit.items[%d].verdict", "項目のメモ": "audit.items[%d].note", "必須の項目": "audit.items[%d].verdict", "指摘": "audit.remarks[%d].text", "直し方": "audit.remarks[%d].action",
			"担当": "audit.remarks[%d].owner", "番号": "audit.remarks[%d].id", "いつまでに": "audit.remarks[%d].due", "直した日": "audit.remarks[%d].mended", "重さ": "audit.remarks[%d].weight",
			"指摘の担当といつまでに": "audit.remarks[%d].owner", "抜き取り": "audit.samples[].drawn[%d].verdict", "抜き取りのメモ": "audit.samples[].drawn[%d].note"}
	}
	return map[string]string{"何に": "budget.lines[%d].what", "良くなること": "budget.lines[%d].effect", "メモ": "budget.lines[%d].note", "番号": "budget.lines[%d].id", "良くなる項目": "budget.lines[%d].closes",
		"金額": "budget.lines[%d].yen", "状況": "budget.lines[%d].state", "確かめた日": "budget.fees[%d].checked", "確かめた内容": "budget.fees[%d].found"}
}

// bad is what is wrong in a row (from 1) and a field.
func bad(row int, field, ja, en string) error {
	m := &Misfit{Row: row, Field: field}
	if row == 0 {
		return fault.Wrap(fault.Invalid, m, field+": "+ja, field+": "+en)
	}
	return fault.Wrap(fault.Invalid, m, fmt.Sprintf("%d行目の%s: %s", row, field, ja), fmt.Sprintf("Row %d, %s: %s", row, field, en))
}

// of names the kind of sheet in an error about one of its fields.
func (k Kind) of(err error) error {
	if m, ok := errors.AsType[*Misfit](err); ok {
		m.Kind = k
	}
	return err
}
