package plan

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/register"
	"kenshin/store"
)

// tokyo is the zone of the days in registers.
func tokyo() *time.Location { return time.FixedZone("JST", 9*60*60) }

// Checks of the tasks that sheets make.
const (
	riskCheck  = "risk.treatment"
	auditCheck = "audit.correction"
)

// enter writes what was signed into the registers, as evidence is read from there.
func (b *Book) enter(ctx context.Context, tx *store.Tx, s Sheet) error {
	today := s.Signed.At.In(tokyo()).Format(time.DateOnly)
	switch s.Kind {
	case Risk:
		for _, r := range s.Risks.Rows {
			if err := b.row(ctx, tx, "risks", "threat", r.Threat, "", "", r.Owner, map[string]string{"threat": r.Threat, "asset": r.Asset, "likelihood": strconv.Itoa(r.Likelihood), "impact": strconv.Itoa(r.Impact),
				"treatment": string(r.Treatment), "action": r.Action, "by_when": r.Due, "assessed": today, "approved_by": s.Signed.By}); err != nil {
				return err
			}
		}
	case Audit:
		a := s.Audit
		yes := "no"
		if a.Independent {
			yes = "yes"
		}
		title := cmp.Or(s.Title, fmt.Sprintf("%d年度の監査", s.Year))
		if err := b.row(ctx, tx, "audits", "title", title, "planned", a.Day, a.Auditor, map[string]string{"title": title, "planned": a.Day, "auditor": a.Auditor, "independent": yes, "scope": a.Scope,
			"reported": a.Reported, "result": a.Result}); err != nil {
			return err
		}
		return b.enterRemarks(ctx, tx, title, a.Remarks)
	case Budget:
		for _, l := range s.Budget.Lines {
			for i, yen := range l.Yen {
				year := strconv.Itoa(s.Year + i)
				if yen == 0 {
					continue
				}
				if err := b.row(ctx, tx, "budget", "what", l.What, "year", year, "", map[string]string{"year": year, "what": l.What, "yen": strconv.FormatInt(yen, 10), "effect": l.Effect, "state": l.State, "decided": today}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *Book) enterRemarks(ctx context.Context, tx *store.Tx, title string, remarks []Remark) error {
	for _, r := range remarks {
		if err := b.row(ctx, tx, "audit-remarks", "remark", r.Text, "audit", title, r.Owner, map[string]string{"audit": title, "remark": r.Text, "weight": r.Weight, "action": r.Action, "by_when": r.Due, "mended": r.Mended}); err != nil {
			return err
		}
	}
	return nil
}

// row adds a register's row, or changes the one that speaks of the same: whose two keys have these values.
func (b *Book) row(ctx context.Context, tx *store.Tx, kind, key, value, key2, value2, owner string, values map[string]string) error {
	rows, err := b.Registers.RowsTx(ctx, tx, kind)
	if err != nil {
		return err
	}
	row := register.Row{Kind: kind, Owner: owner}
	for _, r := range rows {
		if r.Values[key] == jp.Clean(value) && (key2 == "" || r.Values[key2] == jp.Clean(value2)) {
			row = r
			if owner != "" {
				row.Owner = owner
			}
			break
		}
	}
	if row.ID != "" && same(row.Values, values) {
		return nil
	}
	row.Values = values
	if _, err := b.Registers.SaveTx(ctx, tx, row); err != nil {
		return fmt.Errorf("enter it in the register %s: %w", kind, err)
	}
	return nil
}

// tasks makes the open measures of the newest signed risk assessment, or the open corrections of all signed audits, tasks in the list of findings.
func (b *Book) tasks(ctx context.Context, tx *store.Tx, s Sheet) error {
	switch s.Kind {
	case Risk:
		newest := 0
		if err := tx.Row(ctx, `SELECT coalesce(max(s.year), 0) FROM plan_sheets s WHERE s.facility_id = $1 AND s.kind = $2 AND EXISTS
			(SELECT 1 FROM plan_versions v WHERE v.facility_id = $1 AND v.sheet_id = s.id)`, string(Risk)).Scan(&newest); err != nil {
			return fmt.Errorf("find the newest assessment: %w", err)
		}
		if s.Year < newest {
			return nil
		}
		var want []finding.Result
		for _, r := range s.Risks.Rows {
			if r.Done == "" && r.Treatment != Accept && r.Due != "" {
				want = append(want, riskTask(r))
			}
		}
		return b.Findings.Keep(ctx, tx, riskCheck, want)
	case Audit:
		var want []finding.Result
		for _, r := range s.Audit.Remarks {
			if r.Mended == "" && r.Due != "" {
				want = append(want, remarkTask(s, r))
			}
		}
		if err := b.Findings.Keep(ctx, tx, auditCheck+"."+s.ID, want); err != nil {
			return err
		}
		return b.enterRemarks(ctx, tx, cmp.Or(s.Title, fmt.Sprintf("%d年度の監査", s.Year)), s.Audit.Remarks)
	}
	return nil
}

// endOf is the last second of a day in the registers' zone.
func endOf(day string) time.Time {
	at, err := time.ParseInLocation(time.DateOnly, day, tokyo())
	if err != nil {
		return time.Time{}
	}
	return at.AddDate(0, 0, 1).Add(-time.Second)
}

func riskTask(r RiskRow) finding.Result {
	sev, impact := finding.Low, [...]string{"", "none", "low", "middle", "middle", "high"}[r.Impact]
	switch {
	case r.Weight() >= 15:
		sev = finding.High
	case r.Weight() >= 8:
		sev = finding.Medium
	}
	return finding.Result{Version: "1", Part: r.ID, Severity: sev, Impact: impact, Owner: r.Owner, Due: endOf(r.Due), Text: finding.Text{
		Title: i18n.Text{Ja: "リスクへの対応: " + cmp.Or(r.Action, r.Threat), En: "Risk treatment: " + cmp.Or(r.Action, r.Threat)},
		Why:   i18n.Text{Ja: fmt.Sprintf("「%s」(起こりやすさ%d × 患者さんへの影響%d)について、経営者が承認した対応です。", r.Threat, r.Likelihood, r.Impact), En: fmt.Sprintf("The director approved it against %q (likelihood %d x impact %d).", r.Threat, r.Likelihood, r.Impact)},
		Fix:   i18n.Text{Ja: cmp.Or(r.Action, r.Treatment.Label().Ja) + "。終わったら、リスクアセスメントの行に終えた日を入れます。", En: cmp.Or(r.Action, r.Treatment.Label().En) + ". Then enter the day in the risk assessment."}}}
}

func remarkTask(s Sheet, r Remark) finding.Result {
	sev := map[string]finding.Severity{"major": finding.High, "minor": finding.Medium, "advice": finding.Low}[r.Weight]
	return finding.Result{Version: "1", Part: r.ID, Severity: sev, Owner: r.Owner, Due: endOf(r.Due), Text: finding.Text{
		Title: i18n.Text{Ja: "監査の指摘: " + short(r.Text), En: "Audit remark: " + short(r.Text)},
		Why:   i18n.Text{Ja: fmt.Sprintf("%d年度の監査(%s)で指摘されました。", s.Year, s.Audit.Auditor), En: fmt.Sprintf("The audit of %d (%s) found it.", s.Year, s.Audit.Auditor)},
		Fix:   i18n.Text{Ja: cmp.Or(r.Action, "直し方を決めます") + "。直ったことを見た人が、監査の表に直した日を入れます。", En: cmp.Or(r.Action, "Decide how to mend it") + ". Whoever saw it mended enters the day in the audit."}}}
}

func short(s string) string {
	r := []rune(s)
	if len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// same reports whether a register's row holds these values already.
func same(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}
