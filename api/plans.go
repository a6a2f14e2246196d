package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/assess/plan"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/store"
	"kenshin/trail"
)

// yearlyRoutes are the yearly sheets that a director signs: risk assessment, audit, three-year budget.
func (s *server) yearlyRoutes() []route {
	see, edit := actor.SeeAssess, actor.EditAssess
	var out []route
	for _, x := range []struct {
		kind            plan.Kind
		path, one, many string
		about           string
	}{
		{plan.Risk, "/risks", "risk-assessment", "risk-assessments", "risk assessment"},
		{plan.Audit, "/audits", "audit", "audits", "audit"},
		{plan.Budget, "/budget", "budget", "budgets", "three-year budget"},
	} {
		of := yearly{s, x.kind}
		out = append(out,
			route{"GET", x.path, see, "list-" + x.many, "List every " + x.about + ", the newest year first", "", list(s, of.list, sheetColumns...)},
			route{"POST", x.path, edit, "add-" + x.one, "Begin the " + x.about + " of a fiscal year", "What is known here fills it in beforehand; each line tells the facts that it rests on.", one(s, of.begin)},
			route{"GET", x.path + "/{id}", see, "get-" + x.one, "One " + x.about, "", one(s, of.get)},
			route{"PUT", x.path + "/{id}", edit, "edit-" + x.one, "Write the " + x.about + " anew",
				"Send back what you got with your changes. Send If-Match or revision. What Kenshin says itself (facts, audited items, drawn samples, fee conditions) stays as it is. A row without an id is new.", one(s, of.save)},
			route{"POST", x.path + "/{id}/sign", actor.ApproveAssess, "sign-" + x.one, "The director's word on a revision",
				"Kept word for word for ever; its rows go into the registers, its measures become tasks.", one(s, of.sign)},
			route{"GET", x.path + "/{id}/versions/{number}", see, "get-" + x.one + "-version", "What was signed, word for word", "0 is the last. Refused when it does not fit its digest any more.", one(s, of.version)},
			route{"GET", x.path + "/{id}/xlsx", actor.Export, "get-" + x.one + "-workbook", "The " + x.about + " as a workbook", "", download(s, of.workbook, xlsxType)},
		)
	}
	return append(out,
		route{"GET", "/audits/populations", see, "list-populations", "What a sample can be drawn from", "", list(s, s.populations)},
		route{"POST", "/audits/{id}/draw", edit, "draw-sample", "Draw a random sample for an audit",
			"From the seed and the sorted ids (frame) anybody can draw it again. A sample that was drawn stays.", one(s, s.drawSample)},
		route{"GET", "/budget/closes", see, "list-closable", "What a line of a budget may close: gates, items, risks", "", list(s, s.closable)},
	)
}

// yearly are the handlers of one kind of sheet.
type yearly struct {
	*server
	kind plan.Kind
}

// part is where the content of a sheet stands in JSON.
func (y yearly) part() string {
	return map[plan.Kind]string{plan.Risk: "risks", plan.Audit: "audit", plan.Budget: "budget"}[y.kind]
}

// YearlySheet is one sheet. Exactly one of risks, audit and budget is there.
type YearlySheet struct {
	plan.Sheet
	Fresh bool `json:"fresh" doc:"Nothing was changed since the last signature."`
}

func (v YearlySheet) revision() int64 { return v.Revision }

func viewSheet(ctx context.Context, s plan.Sheet) YearlySheet {
	return YearlySheet{s.Veiled(actor.From(ctx).Role), s.Fresh()}
}

var sheetColumns = []col[YearlySheet]{
	{"id", func(v *YearlySheet) any { return v.ID }}, {"year", func(v *YearlySheet) any { return v.Year }}, {"title", func(v *YearlySheet) any { return v.Title }},
	{"revision", func(v *YearlySheet) any { return v.Revision }}, {"changed", func(v *YearlySheet) any { return when(v.Changed) }}, {"by", func(v *YearlySheet) any { return v.ByName }},
	{"signed", func(v *YearlySheet) any { return yes(v.Fresh) }},
}

func (y yearly) list(ctx context.Context, f facility.ID, _ *listWhole) (Page[YearlySheet], error) {
	all, err := y.Plans.List(ctx, f, y.kind)
	items := make([]YearlySheet, len(all))
	for i, s := range all {
		items[i] = viewSheet(ctx, s)
	}
	return page(items, ""), err
}

type beginSheet struct {
	Body struct {
		Year int `json:"year" minimum:"2000" maximum:"2200" doc:"The fiscal year; it begins in April." example:"2026"`
	}
}

func (y yearly) begin(ctx context.Context, f facility.ID, in *beginSheet) (out YearlySheet, err error) {
	err = y.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		s, err := y.Plans.Begin(ctx, f, y.kind, in.Body.Year)
		out = viewSheet(ctx, s)
		return s.Deed("begin"), err
	})
	return out, err
}

func (y yearly) get(ctx context.Context, f facility.ID, in *ByID) (YearlySheet, error) {
	s, err := y.Plans.Get(ctx, f, y.kind, in.ID)
	return viewSheet(ctx, s), err
}

type saveSheet struct {
	ByID
	IfMatch
	Body struct {
		Title    string          `json:"title,omitempty" maxLength:"300"`
		Risks    *plan.Risks     `json:"risks,omitempty"`
		Audit    *plan.AuditPlan `json:"audit,omitempty"`
		Budget   *plan.Money     `json:"budget,omitempty"`
		Revision int64           `json:"revision,omitempty" minimum:"0" doc:"The revision that the change stands on, instead of If-Match; one of the two is needed."`
	}
}

func (y yearly) save(ctx context.Context, f facility.ID, in *saveSheet) (out YearlySheet, err error) {
	s, err := y.Plans.Get(ctx, f, y.kind, in.ID)
	if err != nil {
		return out, err
	}
	if s.Revision, err = in.needed(in.Body.Revision); err != nil {
		return out, err
	}
	s.Title = in.Body.Title
	if err := y.merge(ctx, f, &s, in); err != nil {
		return out, err
	}
	err = y.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		saved, err := y.Plans.Save(ctx, f, s)
		out = viewSheet(ctx, saved)
		return saved.Deed("edit"), err
	})
	return out, in.judge(err)
}

// merge puts what was said into a stored sheet; what Kenshin itself says there stays.
func (y yearly) merge(ctx context.Context, f facility.ID, s *plan.Sheet, in *saveSheet) error {
	b := &in.Body
	missing := placed("body."+y.part(), fault.Newf(fault.Invalid, "%sに内容を入れてください。", "Put the content into %s.", y.part()))
	switch {
	case (b.Risks != nil) != (y.kind == plan.Risk) || (b.Audit != nil) != (y.kind == plan.Audit) || (b.Budget != nil) != (y.kind == plan.Budget):
		return missing
	case y.kind == plan.Risk:
		mergeRisks(s.Risks, b.Risks)
		return nil
	case y.kind == plan.Audit:
		return mergeAudit(s.Audit, b.Audit)
	}
	refs, err := y.Plans.Closable(ctx, f)
	if err != nil {
		return err
	}
	return mergeBudget(s.Budget, b.Budget, refs)
}

func newID(id string) string {
	if id == "" {
		return "own-" + store.NewID()
	}
	return id
}

func mergeRisks(old, said *plan.Risks) {
	why := map[string][]i18n.Text{}
	for _, r := range old.Rows {
		why[r.ID] = r.Why
	}
	old.Rows, old.Note = said.Rows, said.Note
	for i := range old.Rows {
		r := &old.Rows[i]
		r.Why = why[r.ID]
		r.ID = newID(r.ID)
	}
}

// mergeAudit takes verdicts and notes for the items that are audited, and everything that a person decides.
func mergeAudit(old, said *plan.AuditPlan) error {
	old.Day, old.Auditor, old.Independent, old.Scope, old.Reported, old.Result = said.Day, said.Auditor, said.Independent, said.Scope, said.Reported, said.Result
	old.Remarks = said.Remarks
	for i := range old.Remarks {
		old.Remarks[i].ID = newID(old.Remarks[i].ID)
	}
	for n, x := range said.Items {
		i := slices.IndexFunc(old.Items, func(o plan.AuditItem) bool { return o.ID == x.ID })
		if i < 0 {
			return placed(fmt.Sprintf("body.audit.items[%d].id", n), fault.Newf(fault.Invalid, "項目「%.60s」はこの監査にありません。", "There is no item %.60q in this audit.", x.ID))
		}
		old.Items[i].Verdict, old.Items[i].Note = x.Verdict, x.Note
	}
	for n, x := range said.Samples {
		if n >= len(old.Samples) || x.Seed != old.Samples[n].Seed {
			return placed(fmt.Sprintf("body.audit.samples[%d]", n), fault.New(fault.Invalid, "抜き取りは /draw で引きます。引いたものは変えられません。", "Samples are drawn with /draw and cannot be changed."))
		}
		for k, d := range x.Drawn {
			i := slices.IndexFunc(old.Samples[n].Drawn, func(o plan.Drawn) bool { return o.ID == d.ID })
			if i < 0 {
				return placed(fmt.Sprintf("body.audit.samples[%d].drawn[%d].id", n, k), fault.Newf(fault.Invalid, "「%.60s」は引かれていません。", "%.60q was not drawn.", d.ID))
			}
			old.Samples[n].Drawn[i].Verdict, old.Samples[n].Drawn[i].Note = d.Verdict, d.Note
		}
	}
	return nil
}

func mergeBudget(old, said *plan.Money, refs []plan.Ref) error {
	kept := map[string][]plan.Ref{}
	for _, l := range old.Lines {
		kept[l.ID] = l.Closes
	}
	for n := range said.Lines {
		l := &said.Lines[n]
		for k, r := range l.Closes {
			same := func(o plan.Ref) bool { return o.Kind == r.Kind && o.ID == r.ID }
			known := slices.Concat(refs, kept[l.ID]) // what was closable when the line was written stays nameable
			i := slices.IndexFunc(known, same)
			if i < 0 {
				return placed(fmt.Sprintf("body.budget.lines[%d].closes[%d]", n, k), fault.Newf(fault.Invalid, "「%.20s %.60s」は選べません。", "%.20q %.60q is none of /budget/closes.", r.Kind, r.ID))
			}
			l.Closes[k] = known[i]
		}
		l.ID = newID(l.ID)
	}
	old.Lines, old.Note = said.Lines, said.Note
	for n, x := range said.Fees {
		i := slices.IndexFunc(old.Fees, func(o plan.Fee) bool { return o.ID == x.ID })
		if i < 0 {
			return placed(fmt.Sprintf("body.budget.fees[%d].id", n), fault.Newf(fault.Invalid, "条件「%.60s」はありません。", "There is no condition %.60q.", x.ID))
		}
		old.Fees[i].Found, old.Fees[i].Checked = x.Found, x.Checked
	}
	return nil
}

type signSheet struct {
	ByID
	Body struct {
		Revision int64  `json:"revision" minimum:"1" doc:"The revision that you looked at."`
		Note     string `json:"note,omitempty" maxLength:"500"`
	}
}

func (y yearly) sign(ctx context.Context, f facility.ID, in *signSheet) (out YearlySheet, err error) {
	err = y.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		s, err := y.Plans.Sign(ctx, f, y.kind, in.ID, in.Body.Revision, in.Body.Note)
		out = viewSheet(ctx, s)
		return s.Deed("sign"), err
	})
	if p, ok := errors.AsType[register.Problems](err); ok { // a register does not take a row of it
		err = placed("body."+y.part()+"."+p[0].Key, fault.New(fault.Invalid, p[0].Text.Ja, p[0].Text.En))
	}
	return out, err
}

type sheetVersion struct {
	ByID
	Number int `path:"number" minimum:"0" maximum:"100000"`
}

func (y yearly) version(ctx context.Context, f facility.ID, in *sheetVersion) (YearlySheet, error) {
	s, err := y.Plans.Version(ctx, f, y.kind, in.ID, in.Number)
	return viewSheet(ctx, s), err
}

func (y yearly) workbook(ctx context.Context, f facility.ID, in *ByID) (handed, error) {
	s, err := y.Plans.Get(ctx, f, y.kind, in.ID)
	if err != nil {
		return handed{}, err
	}
	if err := y.record(ctx, f, s.Deed("export")); err != nil {
		return handed{}, err
	}
	name := fmt.Sprintf("%s-%d-%s.xlsx", y.kind, s.Year, y.Now().Format(time.DateOnly))
	return handed{name, xlsxType, func(w io.Writer) error { return paper.WriteXLSX(w, s.Parts(ctx)...) }}, nil
}

// Population is what a sample can be drawn from.
type Population struct {
	ID   string    `json:"id"`
	Text i18n.Text `json:"text"`
}

func (s *server) populations(_ context.Context, _ facility.ID, _ *listWhole) (Page[Population], error) {
	var items []Population
	for _, p := range plan.Populations() {
		items = append(items, Population(p))
	}
	return page(items, ""), nil
}

type drawSample struct {
	ByID
	IfMatch
	Body struct {
		Population string `json:"population" maxLength:"60" example:"devices"`
		Number     int    `json:"number" minimum:"1" maximum:"100"`
		Revision   int64  `json:"revision,omitempty" minimum:"0" doc:"Of the audit that was looked at, instead of If-Match; one of the two is needed."`
	}
}

func (s *server) drawSample(ctx context.Context, f facility.ID, in *drawSample) (out YearlySheet, err error) {
	if _, err := s.Plans.Get(ctx, f, plan.Audit, in.ID); err != nil {
		return out, err
	}
	revision, err := in.needed(in.Body.Revision)
	if err != nil {
		return out, err
	}
	if !slices.ContainsFunc(plan.Populations(), func(p plan.Population) bool { return p.ID == in.Body.Population }) {
		return out, placed("body.population", fault.Newf(fault.Invalid, "「%.60s」からは選べません。", "%.60q is none of /audits/populations.", in.Body.Population))
	}
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		drawn, err := s.Plans.Draw(ctx, f, in.ID, revision, in.Body.Population, in.Body.Number)
		out = viewSheet(ctx, drawn)
		return drawn.Deed("draw"), err
	})
	return out, in.judge(err)
}

func (s *server) closable(ctx context.Context, f facility.ID, _ *listWhole) (Page[plan.Ref], error) {
	refs, err := s.Plans.Closable(ctx, f)
	return page(refs, ""), err
}
