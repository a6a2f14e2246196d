package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kenshin/assess/plan"
	"kenshin/paper"
)

// sheetExcel sends a sheet as a workbook; who took it out is remembered.
func sheetExcel(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		e := sheetEntry(s, "export", "を書き出しました", "exported")
		if err := v.remember(e); err != nil {
			return err
		}
		h := v.w.Header()
		h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", download(fmt.Sprintf("%s-%d-%s.xlsx", s.Kind.Label().For(v.ctx), s.Year, v.now().Format(time.DateOnly))))
		if err := paper.WriteXLSX(v.w, v.sheetParts(s)...); err != nil {
			v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
			panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
		}
		return nil
	}
}

// partOf makes one sheet of a workbook.
func (v *visit) partOf(name string, heads [][2]string, rows [][]any) paper.Part {
	t := paper.Table{Sheet: name, Print: paper.Print{A4: true, Landscape: true, Title: name}}
	for _, h := range heads {
		t.Columns = append(t.Columns, paper.Column{Header: v.t(h[0], h[1])})
	}
	return paper.Part{Table: t, Rows: func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}}
}

func (v *visit) sheetParts(s plan.Sheet) []paper.Part {
	var rows [][]any
	switch s.Kind {
	case plan.Risk:
		for _, r := range s.Risks.Rows {
			why := ""
			for _, w := range r.Why {
				why += w.For(v.ctx) + "\n"
			}
			rows = append(rows, []any{r.Threat, r.Asset, why, r.Likelihood, r.Impact, r.Weight(), r.Treatment.Label().For(v.ctx), r.Action, r.Owner, r.Due, r.Done})
		}
		return []paper.Part{v.partOf(v.t("リスクアセスメント", "Risks"), [][2]string{{"起こりうること", "Threat"}, {"何が", "Asset"}, {"なぜ", "Why"}, {"起こりやすさ", "Likelihood"}, {"患者さんへの影響", "Impact"}, {"大きさ", "Weight"},
			{"どうするか", "Treatment"}, {"すること", "Action"}, {"担当", "Owner"}, {"いつまでに", "By"}, {"終えた日", "Done"}}, rows)}
	case plan.Audit:
		var remarks, drawn [][]any
		for _, i := range s.Audit.Items {
			kind := v.t("推奨", "Recommended")
			if i.Required {
				kind = v.t("必須", "Required")
			}
			rows = append(rows, []any{kind, i.Title.For(v.ctx), i.How.For(v.ctx), i.Verdict.Label().For(v.ctx), i.Note})
		}
		for _, r := range s.Audit.Remarks {
			remarks = append(remarks, []any{r.Text, r.Weight, r.Action, r.Owner, r.Due, r.Mended})
		}
		for _, one := range s.Audit.Samples {
			for _, d := range one.Drawn {
				drawn = append(drawn, []any{one.Text.For(v.ctx), one.Seed, len(one.Frame), d.Text, d.Verdict.Label().For(v.ctx), d.Note})
			}
		}
		return []paper.Part{v.partOf(v.t("項目", "Items"), [][2]string{{"区分", "Kind"}, {"項目", "Item"}, {"見方", "How"}, {"結果", "Seen"}, {"メモ", "Note"}}, rows),
			v.partOf(v.t("指摘", "Remarks"), [][2]string{{"指摘", "Remark"}, {"重さ", "Weight"}, {"直し方", "Correction"}, {"担当", "Owner"}, {"いつまでに", "By"}, {"直ったのを見た日", "Mended"}}, remarks),
			v.partOf(v.t("抜き取り", "Samples"), [][2]string{{"どこから", "From"}, {"種", "Seed"}, {"全部で", "Of"}, {"選ばれたもの", "Drawn"}, {"結果", "Seen"}, {"メモ", "Note"}}, drawn)}
	}
	for _, l := range s.Budget.Lines {
		closes := ""
		for _, c := range l.Closes {
			closes += c.Title.For(v.ctx) + "\n"
		}
		rows = append(rows, []any{l.What, l.Yen[0], l.Yen[1], l.Yen[2], plan.StateText(l.State).For(v.ctx), l.Effect, closes})
	}
	years, all := s.Budget.Totals()
	rows = append(rows, []any{v.t("合計", "Total"), years[0], years[1], years[2], "", all, ""})
	y := func(n int) [2]string { t := strconv.Itoa(s.Year + n); return [2]string{t, t} }
	return []paper.Part{v.partOf(v.t("予算", "Budget"), [][2]string{{"何に", "For what"}, y(0), y(1), y(2), {"状況", "State"}, {"良くなること", "Effect"}, {"閉じる項目", "Closes"}}, rows)}
}
