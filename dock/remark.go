package dock

import (
	"context"
	"time"

	"kenshin/facility"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/register"
	"kenshin/store"
)

// remarkCheck is under which an inspector's remarks stand among the findings.
const remarkCheck = "remark.inspection"

// Remark keeps what an inspector said as a row of its register and, in the same transaction, as a task. Next year's pack prints it with the answer.
func (b *Book) Remark(ctx context.Context, f facility.ID, values map[string]string) (row register.Row, err error) {
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if row, err = b.Registers.SaveTx(ctx, tx, register.Row{Kind: "remarks", Values: values}); err != nil {
			return err
		}
		return b.remarked(ctx, tx)
	})
	return row, err
}

// TellRemarks makes tasks of the inspector's remarks that are not answered, and closes those that are: whoever changed the register.
func (b *Book) TellRemarks(ctx context.Context, f facility.ID) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error { return b.remarked(ctx, tx) })
}

func (b *Book) remarked(ctx context.Context, tx *store.Tx) error {
	rows, err := b.Registers.RowsTx(ctx, tx, "remarks")
	if err != nil {
		return err
	}
	out := []finding.Result{{Check: remarkCheck, Version: "1", Outcome: finding.Clear}} // what is no longer named is closed
	for _, r := range rows {
		v := r.Values
		if v["answered"] != "" {
			continue
		}
		due, _ := time.Parse(time.DateOnly, v["by_when"])
		out = append(out, finding.Result{Check: remarkCheck, Version: "1", Part: r.ID, Outcome: finding.Found, Severity: finding.High, Owner: r.Owner, Due: due,
			Text: finding.Text{Title: i18n.Text{Ja: "立入検査の指摘: " + short(v["remark"]), En: "Inspector's remark: " + short(v["remark"])},
				Why:  i18n.Text{Ja: wareki(v["inspected"]) + "の立入検査で指摘されました。次の年の点検資料で答えます。", En: "Said at the inspection of " + v["inspected"] + "; answered in next year's pack."},
				Fix:  i18n.Text{Ja: orElse(v["action"], "対応を決め、「立入検査の指摘」に対応と答えた日を書いてください。"), En: orElse(v["action"], "Decide what to do, and write answer and day into the register of remarks.")},
				Call: i18n.Text{Ja: orElse(v["inspector"], "検査した保健所など"), En: orElse(v["inspector"], "the inspecting office")}},
			Evidence: []finding.Evidence{{Signal: "inspection", Value: v["remark"], At: r.Created}}})
	}
	_, err = b.Findings.Record(ctx, tx, out)
	return err
}

func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
