package plan

import (
	"context"
	"fmt"
	"strconv"

	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/trail"
)

// Deed is an entry of the trail about a sheet: begin, edit, sign, draw or export.
func (s Sheet) Deed(action string) trail.Entry {
	says := map[string]i18n.Text{"begin": {Ja: "を作り始めました", En: "began"}, "edit": {Ja: "を変えました", En: "changed"}, "sign": {Ja: "を承認しました", En: "approved"},
		"draw": {Ja: "の抜き取りを引きました", En: "drew a sample"}, "export": {Ja: "を書き出しました", En: "exported"}}[action]
	e := trail.Entry{Action: string(s.Kind) + "." + action, Subject: trail.Subject{Kind: string(s.Kind), ID: s.ID}, Summary: i18n.Text{
		Ja: fmt.Sprintf("%d年度の%s%s", s.Year, s.Kind.Label().Ja, says.Ja), En: fmt.Sprintf("%s of %d: %s", s.Kind.Label().En, s.Year, says.En)}, Detail: map[string]any{"revision": s.Revision}}
	switch {
	case action == "sign" && s.Signed != nil:
		e.Detail = map[string]any{"version": s.Signed.Number, "sha256": s.Signed.Hash}
	case action == "draw" && s.Audit != nil && len(s.Audit.Samples) > 0:
		last := s.Audit.Samples[len(s.Audit.Samples)-1]
		e.Detail = map[string]any{"population": last.Population, "of": len(last.Frame), "drawn": len(last.Drawn), "seed": last.Seed, "frame": last.Digest}
	}
	return e
}

// Parts is the sheet as a workbook.
func (s Sheet) Parts(ctx context.Context) []paper.Part {
	switch s.Kind {
	case Risk:
		return s.Risks.parts(ctx)
	case Audit:
		return s.Audit.parts(ctx)
	}
	return s.Budget.parts(ctx, s.Year)
}

// partOf makes one sheet of a workbook; heads are in Japanese and English.
func partOf(ctx context.Context, name i18n.Text, heads [][2]string, rows [][]any) paper.Part {
	t := paper.Table{Sheet: name.For(ctx), Print: paper.Print{A4: true, Landscape: true, Title: name.For(ctx)}}
	for _, h := range heads {
		t.Columns = append(t.Columns, paper.Column{Header: i18n.T(ctx, h[0], h[1])})
	}
	return paper.Part{Table: t, Rows: func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}}
}

func (r *Risks) parts(ctx context.Context) []paper.Part {
	var rows [][]any
	for _, x := range r.Rows {
		why := ""
		for _, w := range x.Why {
			why += w.For(ctx) + "\n"
		}
		rows = append(rows, []any{x.Threat, x.Asset, why, x.Likelihood, x.Impact, x.Weight(), x.Treatment.Label().For(ctx), x.Action, x.Owner, x.Due, x.Done})
	}
	return []paper.Part{partOf(ctx, i18n.Text{Ja: "リスクアセスメント", En: "Risks"}, [][2]string{{"起こりうること", "Threat"}, {"何が", "Asset"}, {"なぜ", "Why"}, {"起こりやすさ", "Likelihood"},
		{"患者さんへの影響", "Impact"}, {"大きさ", "Weight"}, {"どうするか", "Treatment"}, {"すること", "Action"}, {"担当", "Owner"}, {"いつまでに", "By"}, {"終えた日", "Done"}}, rows)}
}

func (a *AuditPlan) parts(ctx context.Context) []paper.Part {
	var rows, remarks, drawn [][]any
	for _, i := range a.Items {
		kind := i18n.T(ctx, "推奨", "Recommended")
		if i.Required {
			kind = i18n.T(ctx, "必須", "Required")
		}
		rows = append(rows, []any{kind, i.Title.For(ctx), i.How.For(ctx), i.Verdict.Label().For(ctx), i.Note})
	}
	for _, r := range a.Remarks {
		remarks = append(remarks, []any{r.Text, r.Weight, r.Action, r.Owner, r.Due, r.Mended})
	}
	for _, one := range a.Samples {
		for _, d := range one.Drawn {
			drawn = append(drawn, []any{one.Text.For(ctx), one.Seed, len(one.Frame), d.Text, d.Verdict.Label().For(ctx), d.Note})
		}
	}
	return []paper.Part{partOf(ctx, i18n.Text{Ja: "項目", En: "Items"}, [][2]string{{"区分", "Kind"}, {"項目", "Item"}, {"見方", "How"}, {"結果", "Seen"}, {"メモ", "Note"}}, rows),
		partOf(ctx, i18n.Text{Ja: "指摘", En: "Remarks"}, [][2]string{{"指摘", "Remark"}, {"重さ", "Weight"}, {"直し方", "Correction"}, {"担当", "Owner"}, {"いつまでに", "By"}, {"直ったのを見た日", "Mended"}}, remarks),
		partOf(ctx, i18n.Text{Ja: "抜き取り", En: "Samples"}, [][2]string{{"どこから", "From"}, {"種", "Seed"}, {"全部で", "Of"}, {"選ばれたもの", "Drawn"}, {"結果", "Seen"}, {"メモ", "Note"}}, drawn)}
}

func (m *Money) parts(ctx context.Context, from int) []paper.Part {
	var rows [][]any
	for _, l := range m.Lines {
		closes := ""
		for _, c := range l.Closes {
			closes += c.Title.For(ctx) + "\n"
		}
		rows = append(rows, []any{l.What, l.Yen[0], l.Yen[1], l.Yen[2], StateText(l.State).For(ctx), l.Effect, closes})
	}
	years, all := m.Totals()
	rows = append(rows, []any{i18n.T(ctx, "合計", "Total"), years[0], years[1], years[2], "", all, ""})
	y := func(n int) [2]string { t := strconv.Itoa(from + n); return [2]string{t, t} }
	return []paper.Part{partOf(ctx, i18n.Text{Ja: "予算", En: "Budget"}, [][2]string{{"何に", "For what"}, y(0), y(1), y(2), {"状況", "State"}, {"良くなること", "Effect"}, {"閉じる項目", "Closes"}}, rows)}
}
