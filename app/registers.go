package app

import (
	"context"
	"fmt"
	"time"

	"kenshin/account"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/register"
	"kenshin/store"
)

// mostNamed is how many overdue rows a finding names.
const mostNamed = 20

// overdueRows keeps one finding for each register with rows that had to be confirmed before today: it opens, follows and closes by itself.
func (h *House) overdueRows(ctx context.Context, tx *store.Tx, k register.Kind, rows []register.Row) error {
	today, late, owner, oldest := h.Registers.Today(), []register.Row{}, "", ""
	for _, r := range rows {
		if r.Overdue(today) {
			late = append(late, r)
			if oldest == "" || r.Due < oldest {
				oldest, owner = r.Due, r.Owner
			}
		}
	}
	result := finding.Result{Check: "register." + k.ID, Version: "1", Outcome: finding.Clear}
	if len(late) > 0 {
		result.Outcome, result.Severity, result.Owner = finding.Found, finding.Medium, owner
		if len(k.Feeds) == 0 {
			result.Severity = finding.Low
		}
		result.Text = finding.Text{
			Title: i18n.Text{Ja: fmt.Sprintf("記録簿「%s」の%d行が期限を過ぎています", k.Title.Ja, len(late)), En: fmt.Sprintf("Register %s: %d rows are overdue", k.Title.En, len(late))},
			Why:   k.Why,
			Fix: i18n.Text{Ja: fmt.Sprintf("記録簿を開き、期限を過ぎた行を確かめて「%s」を押すか、内容を直してください。", k.ConfirmText().Ja),
				En: fmt.Sprintf("Open the register, look at the overdue rows and press “%s”, or correct them.", k.ConfirmText().En)},
		}
		if k.Private { // everybody reads findings
			late = nil
		}
		for _, r := range late[:min(len(late), mostNamed)] {
			at, err := time.Parse(time.DateOnly, r.Due)
			if err != nil {
				return fmt.Errorf("due day of a row of %s: %w", k.ID, err)
			}
			result.Evidence = append(result.Evidence, finding.Evidence{Signal: "register", Value: k.Told(r, i18n.Ja), At: at})
		}
	}
	_, err := h.Findings.Record(ctx, tx, []finding.Result{result})
	return err
}

// remindOfRegisters looks at all registers of a facility once a day: a row becomes overdue by the mere passing of time.
func (h *House) remindOfRegisters(ctx context.Context, f account.Facility) error {
	all, err := h.Registers.All(ctx, f.ID)
	if err != nil {
		return err
	}
	return h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
		for _, k := range register.Kinds() {
			if len(all[k.ID]) == 0 {
				continue
			}
			if err := h.overdueRows(ctx, tx, k, all[k.ID]); err != nil {
				return err
			}
		}
		return nil
	})
}
