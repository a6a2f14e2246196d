package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kenshin/actor"
	"kenshin/assess/plan"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// formFault reports whether an error is about what somebody typed or did, so that the page itself says it.
func formFault(err error) bool {
	return slices.Contains([]fault.Kind{fault.Invalid, fault.TooLarge, fault.Conflict}, fault.KindOf(err)) && err != nil
}

// sheets lists the sheets of a kind.
func sheets(k plan.Kind) func(*visit) error {
	return func(v *visit) error { return v.showSheets(k, "", nil) }
}

func (v *visit) showSheets(k plan.Kind, year string, wrong error) error {
	list, err := v.s.Plans.List(v.ctx, v.facility, k)
	if err != nil {
		return err
	}
	view := page.PlanListView{Kind: k, Sheets: list, Year: jp.FiscalYear(v.now())}
	if wrong != nil {
		view.Errors = page.Errors{"year": v.says(wrong)}
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.PlanListPage(v.shell(), view))
	return nil
}

func sheetBegin(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		f, err := v.form()
		if err != nil {
			return err
		}
		year, err := strconv.Atoi(narrow(f.Get("year")))
		if err != nil || year < 2000 || year > 2200 {
			return v.showSheets(k, f.Get("year"), fault.New(fault.Invalid, "年度は 2026 のように西暦で入れてください。", "Give the fiscal year as 2026."))
		}
		var s plan.Sheet
		err = v.do(func(ctx context.Context) (trail.Entry, error) {
			s, err = v.s.Plans.Begin(ctx, v.facility, k, year)
			return s.Deed("begin"), err
		})
		if formFault(err) {
			return v.showSheets(k, f.Get("year"), err)
		}
		if err != nil {
			return err
		}
		v.redirect(page.SheetPath(s, ""))
		return nil
	}
}

func (v *visit) oneSheet(k plan.Kind) (plan.Sheet, error) {
	return v.s.Plans.Get(v.ctx, v.facility, k, v.r.PathValue("id"))
}

func sheetOne(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		return v.showYearly(s, nil)
	}
}

func (v *visit) showYearly(s plan.Sheet, wrong error) error {
	view := page.PlanView{Sheet: s.Veiled(v.actor.Role)}
	var err error
	if v.actor.Role.May(actor.EditAssess) {
		if view.Owners, err = v.memberNames(); err != nil {
			return err
		}
		if s.Kind == plan.Budget {
			if view.Refs, err = v.s.Plans.Closable(v.ctx, v.facility); err != nil {
				return err
			}
		}
	}
	if wrong != nil {
		view.Errors = page.Errors{"": v.says(wrong)}
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.PlanPage(v.shell(), view))
	return nil
}

func sheetSave(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		f, err := v.form()
		if err != nil {
			return err
		}
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		s.Revision, _ = strconv.ParseInt(f.Get("revision"), 10, 64) // what is no number fits no revision
		s.Title = f.Get("title")
		switch k {
		case plan.Risk:
			readRisks(f, s.Risks)
		case plan.Audit:
			readAudit(f, s.Audit)
		default:
			if err = v.readMoney(f, s.Budget); err != nil && !formFault(err) {
				return err
			}
		}
		typed := s
		if err == nil {
			err = v.do(func(ctx context.Context) (trail.Entry, error) {
				s, err = v.s.Plans.Save(ctx, v.facility, s)
				return s.Deed("edit"), err
			})
		}
		if formFault(err) {
			return v.showYearly(typed, err)
		}
		if err != nil {
			return err
		}
		v.said("保存しました。", "Saved.")
		v.redirect(page.SheetPath(s, ""))
		return nil
	}
}

// nth is the nth value of a field that stands in every row; "" beyond the last.
func nth(f url.Values, name string, n int) string {
	if list := f[name]; n < len(list) {
		return list[n]
	}
	return ""
}

func readRisks(f url.Values, r *plan.Risks) {
	old := r.Rows
	r.Rows = nil
	for n, id := range f["id"] {
		row := plan.RiskRow{ID: id, Threat: nth(f, "threat", n), Asset: nth(f, "asset", n), Judged: true, Treatment: plan.Treatment(nth(f, "treatment", n)), Action: nth(f, "action", n), Owner: nth(f, "owner", n),
			Due: nth(f, "due", n), Done: nth(f, "done", n)}
		row.Likelihood, _ = strconv.Atoi(nth(f, "likelihood", n)) // 0 is refused by the sheet
		row.Impact, _ = strconv.Atoi(nth(f, "impact", n))
		if i := slices.IndexFunc(old, func(x plan.RiskRow) bool { return x.ID == id }); i >= 0 {
			row.Why = old[i].Why
		}
		if id == "" {
			if strings.TrimSpace(row.Threat) == "" {
				continue
			}
			row.ID = "own-" + store.NewID()
		}
		r.Rows = append(r.Rows, row)
	}
}

func readAudit(f url.Values, a *plan.AuditPlan) {
	a.Day, a.Auditor, a.Independent, a.Scope, a.Reported, a.Result = f.Get("day"), f.Get("auditor"), f.Get("independent") == "true", f.Get("scope"), f.Get("reported"), f.Get("result")
	for n := range a.Items {
		a.Items[n].Verdict, a.Items[n].Note = plan.Verdict(nth(f, "verdict", n)), nth(f, "note", n)
	}
	n := 0
	for i := range a.Samples {
		for k := range a.Samples[i].Drawn {
			a.Samples[i].Drawn[k].Verdict, a.Samples[i].Drawn[k].Note = plan.Verdict(nth(f, "drawn-verdict", n)), nth(f, "drawn-note", n)
			n++
		}
	}
	a.Remarks = nil
	for n, id := range f["id"] {
		r := plan.Remark{ID: id, Text: nth(f, "text", n), Weight: nth(f, "weight", n), Action: nth(f, "action", n), Owner: nth(f, "owner", n), Due: nth(f, "due", n), Mended: nth(f, "mended", n)}
		if id == "" {
			if strings.TrimSpace(r.Text) == "" {
				continue
			}
			r.ID = store.NewID()
		}
		a.Remarks = append(a.Remarks, r)
	}
}

func (v *visit) readMoney(f url.Values, m *plan.Money) error {
	refs, err := v.s.Plans.Closable(v.ctx, v.facility)
	if err != nil {
		return err
	}
	m.Lines = nil
	var wrong error
	for n, id := range f["id"] {
		l := plan.Line{ID: id, What: nth(f, "what", n), Effect: nth(f, "effect", n), State: nth(f, "state", n)}
		for k := range 3 {
			text := strings.TrimSuffix(strings.ReplaceAll(narrow(nth(f, "yen", 3*n+k)), ",", ""), "円")
			if text == "" {
				continue
			}
			if l.Yen[k], err = strconv.ParseInt(text, 10, 64); err != nil {
				wrong = fault.Newf(fault.Invalid, "%d行目の金額を数字で入れてください。", "Row %d: enter the amount as a number.", n+1)
			}
		}
		for _, r := range refs {
			if slices.Contains(f["closes-"+strconv.Itoa(n)], r.Kind+" "+r.ID) {
				l.Closes = append(l.Closes, r)
			}
		}
		if id == "" {
			if strings.TrimSpace(l.What) == "" {
				continue
			}
			l.ID = "own-" + store.NewID()
		}
		m.Lines = append(m.Lines, l)
	}
	for n := range m.Fees {
		m.Fees[n].Found, m.Fees[n].Checked = nth(f, "fee-found", n), nth(f, "fee-checked", n)
	}
	return wrong
}

func sheetSign(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		f, err := v.form()
		if err != nil {
			return err
		}
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		revision, _ := strconv.ParseInt(f.Get("revision"), 10, 64) // what is no number fits no revision
		err = v.do(func(ctx context.Context) (trail.Entry, error) {
			signed, err := v.s.Plans.Sign(ctx, v.facility, k, s.ID, revision, f.Get("note"))
			return signed.Deed("sign"), err
		})
		if formFault(err) {
			return v.showYearly(s, err)
		}
		return v.then(err, page.SheetPath(s, ""), i18n.Text{Ja: "承認しました。", En: "Approved."})
	}
}

func (v *visit) sheetDraw() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s, err := v.oneSheet(plan.Audit)
	if err != nil {
		return err
	}
	revision, _ := strconv.ParseInt(f.Get("revision"), 10, 64) // what is no number fits no revision
	number, _ := strconv.Atoi(narrow(f.Get("number")))         // 0 is refused
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		drawn, err := v.s.Plans.Draw(ctx, v.facility, s.ID, revision, f.Get("population"), number)
		return drawn.Deed("draw"), err
	})
	if formFault(err) {
		return v.showYearly(s, err)
	}
	return v.then(err, page.SheetPath(s, ""), i18n.Text{Ja: "引きました。", En: "Drawn."})
}

func sheetPrint(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		v.show(page.PlanPrintPage(v.shell(), page.PlanView{Sheet: s.Veiled(v.actor.Role)}))
		return nil
	}
}
