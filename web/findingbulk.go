package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/paper"
	"kenshin/trail"
	"kenshin/web/page"
)

// findingsBulk gives the chosen ones to one person, or one day.
func (v *visit) findingsBulk() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	to := back(f, page.PathFindings)
	owner, ids := strings.TrimSpace(f.Get("owner")), slices.Compact(slices.Sorted(slices.Values(f["id"])))
	due, err := endOfDay(f.Get("due"), v.now().Location())
	n := 0
	if err == nil {
		n, err = v.assignAll(ids, owner, due)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		u, bad := url.Parse(to)
		if bad != nil {
			return bad
		}
		return v.showFindings(page.ReadFindingQuery(u.Query()), page.Errors{"": v.says(err)})
	}
	if err != nil {
		return err
	}
	v.said("%d件を割り当てました。", "Assigned %d.", n)
	v.redirect(to)
	return nil
}

// endOfDay reads a date field as the last second of that day; "" is the zero time.
func endOfDay(s string, loc *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s, loc)
	if err != nil {
		return day, fault.New(fault.Invalid, "期限を日付として読めません。", "The day is no date.")
	}
	return day.AddDate(0, 0, 1).Add(-time.Second), nil
}

func (v *visit) assignAll(ids []string, owner string, due time.Time) (n int, err error) {
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		list, err := v.s.Findings.AssignAll(ctx, v.facility, ids, owner, due)
		if err != nil {
			return trail.Entry{}, err
		}
		n = len(list)
		return trail.Entry{Action: "finding.assign", Subject: trail.Subject{Kind: "finding"}, Summary: i18n.Text{
			Ja: fmt.Sprintf("弱点と宿題 %d件をまとめて割り当てました", n), En: fmt.Sprintf("Assigned %d weak points and tasks at once", n)},
			Detail: map[string]any{"ids": ids, "owner": owner, "due": dayText(due)}}, nil
	})
	return n, err
}

// findingsExport writes the list as it is filtered. Who took it out is remembered: it says where the hospital is weak.
func (v *visit) findingsExport() error {
	f, err := v.findingFilter(page.ReadFindingQuery(v.r.URL.Query()))
	if err != nil {
		return err
	}
	f.Limit = 1
	p, err := v.s.Findings.List(v.ctx, v.facility, f)
	if err != nil {
		return err
	}
	if err := v.remember(trail.Entry{Action: "finding.export", Subject: trail.Subject{Kind: "finding"}, Summary: i18n.Text{
		Ja: fmt.Sprintf("弱点と宿題 %d件を書き出しました", p.Total), En: fmt.Sprintf("Exported %d weak points and tasks", p.Total)},
		Detail: map[string]any{"entries": p.Total, "filter": v.r.URL.RawQuery}}); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(v.t("弱点と宿題", "findings")+"-"+v.now().Format(time.DateOnly)+".csv"))
	if err := paper.WriteCSV(v.w, v.findingHeads(), v.findingCells(f)); err != nil {
		v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
	}
	return nil
}

func (v *visit) findingHeads() (t paper.Table) {
	for _, c := range [][2]string{{"重さ", "Weight"}, {"内容", "What"}, {"どこから", "Source"}, {"機器", "Device"}, {"場所", "Place"}, {"患者さんへの影響", "Patient impact"},
		{"状態", "State"}, {"期限", "Due"}, {"期限切れ", "Overdue"}, {"担当", "Owner"}, {"残す期限", "Left until"}, {"理由", "Reason"}, {"どうするか", "What to do"}, {"見つけた日", "Found"}} {
		t.Columns = append(t.Columns, paper.Column{Header: v.t(c[0], c[1])})
	}
	return t
}

// findingCells gives all rows of a filter, page by page.
func (v *visit) findingCells(f finding.Filter) func(yield func([]any, error) bool) {
	zone := v.now().Location()
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.In(zone).Format(time.DateOnly)
	}
	return func(yield func([]any, error) bool) {
		f.After, f.Limit = "", 500
		for {
			p, err := v.s.Findings.List(v.ctx, v.facility, f)
			var rows []page.FindingRow
			if err == nil {
				rows, err = v.rowsOf(p.Findings)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i, x := range p.Findings {
				late := ""
				if rows[i].Late(v.s.Now()) {
					late = v.t("期限切れ", "overdue")
				}
				cells := []any{x.Severity.Label().For(v.ctx), x.Title.For(v.ctx), rows[i].Source, rows[i].Device.Text, rows[i].Place, page.ImpactText(ledger.Impact(x.Impact)).For(v.ctx),
					finding.State(rows[i].State).Label().For(v.ctx), day(x.Due), late, x.Owner, day(x.AcceptedUntil), x.Reason, x.Fix.For(v.ctx), day(x.FirstSeen)}
				if !yield(cells, nil) {
					return
				}
			}
			if f.After = p.Next; f.After == "" {
				return
			}
		}
	}
}

func (v *visit) rowsOf(list []finding.Finding) ([]page.FindingRow, error) {
	devices, err := v.devicesOf(list)
	return v.findingRows(list, devices), err
}
