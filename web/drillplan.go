package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/web/page"
)

// drillPlan is the drills of a fiscal year, planned and done.
func (v *visit) drillPlan() error {
	q := v.r.URL.Query()
	form := page.PlanForm{Plan: drill.Plan{Level: scenario.Level(q.Get("level")), Scenario: q.Get("scenario"), Month: q.Get("month")}}
	return v.showPlan(form, q.Get("edit"), http.StatusOK)
}

func (v *visit) showPlan(form page.PlanForm, edit string, code int) error {
	year, now, err := v.fiscalYear(v.r.URL.Query())
	if err != nil {
		return err
	}
	if y := drill.PlanYear(form.Month); y != 0 {
		year = y
	}
	view := page.DrillPlanView{Year: year, Years: yearsOf(now+1, now-years), Form: form}
	if view.Rows, err = v.s.Drills.Plans(v.ctx, v.facility, year); err != nil {
		return err
	}
	for _, p := range view.Rows {
		if edit != "" && p.ID == edit {
			view.Form.Plan = p.Plan
		}
	}
	if view.Next, err = v.s.Drills.NextLevel(v.ctx, v.facility); err != nil {
		return err
	}
	if err := v.planChoices(&view); err != nil {
		return err
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillPlanPage(v.shell(), view))
	return nil
}

// planChoices are the months, stories and people that the form offers.
func (v *visit) planChoices(view *page.DrillPlanView) error {
	for i := range 12 {
		m := time.Date(view.Year, time.April+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
		view.Months = append(view.Months, page.Option{Value: m.Format("2006-01"), Text: m.Format("2006-01")})
	}
	all, err := v.s.Drills.Scenarios(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, s := range all.Scenarios {
		view.Scenarios = append(view.Scenarios, page.Option{Value: s.ID, Text: s.Title.For(v.ctx)})
	}
	owners, err := v.planOwners()
	for _, m := range owners {
		view.Owners = append(view.Owners, page.Option{Value: string(m.id), Text: m.name})
	}
	return err
}

type owner struct {
	id   actor.PersonID
	name string
}

// planOwners are the people who may write drills here.
func (v *visit) planOwners() (out []owner, err error) {
	list, err := v.s.Account.Members(v.ctx, v.facility)
	for _, m := range list {
		if m.Role.May(actor.EditDrill) && (m.Until.IsZero() || m.Until.After(v.s.Now())) {
			out = append(out, owner{m.Person.ID, m.Person.Name})
		}
	}
	return out, err
}

func planURL(year int) string {
	return page.PathDrillPlan + "?" + url.Values{"year": {strconv.Itoa(year)}}.Encode()
}

func (v *visit) drillPlanSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	p := drill.Plan{ID: f.Get("id"), Month: f.Get("month"), Scenario: f.Get("scenario"), Level: scenario.Level(f.Get("level")), Note: f.Get("note")}
	owners, err := v.planOwners()
	if err != nil {
		return err
	}
	for _, o := range owners {
		if string(o.id) == strings.TrimSpace(f.Get("owner")) {
			p.Owner, p.OwnerName = o.id, o.name
		}
	}
	saved, err := v.s.Drills.SavePlan(v.ctx, v.facility, p)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return v.showPlan(page.PlanForm{Plan: p, Errors: page.Errors{"": v.says(err)}}, "", status(err))
	}
	if err != nil {
		return err
	}
	v.said("年間計画を保存しました。", "The plan was saved.")
	v.redirect(planURL(drill.PlanYear(saved.Month)))
	return nil
}

func (v *visit) drillPlanPropose() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	year, _, err := v.fiscalYear(f)
	if err != nil {
		return err
	}
	made, err := v.s.Drills.ProposePlans(v.ctx, v.facility, year, 0)
	if err != nil {
		return err
	}
	if len(made) == 0 {
		v.flash(page.Flash{Mark: page.MarkInfo, Text: v.t("足せる予定はありません。年に4回分があるか、年度の残りの月がありません。", "Nothing to add: there are four, or no month is left.")})
	} else {
		v.said("%d件の案を入れました。月・題材・難しさ・担当は、どれも変えられます。", "%d proposals were added. Month, story, difficulty and owner can all be changed.", len(made))
	}
	v.redirect(planURL(year))
	return nil
}

func (v *visit) drillPlanRemove() error {
	if err := v.s.Drills.RemovePlan(v.ctx, v.facility, v.r.PathValue("id")); err != nil {
		return err
	}
	v.said("予定を外しました。", "The plan was removed.")
	v.redirect(page.PathDrillPlan)
	return nil
}

// drillPlanDraft makes the draft of a planned drill and opens it.
func (v *visit) drillPlanDraft() error {
	d, err := v.s.Drills.DraftPlan(v.ctx, v.facility, v.r.PathValue("id"))
	if fault.Is(err, fault.Conflict) {
		v.flash(page.Flash{Mark: page.MarkInfo, Text: v.says(err)})
		v.redirect(page.PathDrillPlan)
		return nil
	}
	if err != nil {
		return err
	}
	v.said("下書きができました。内容と宛先を確かめてください。", "The draft is made. Look at its text and recipients.")
	v.redirect(page.DrillPath(d.ID, ""))
	return nil
}

// planTasks are planned drills that come up or are overdue, for whoever writes drills.
func (v *visit) planTasks(view *page.HomeView) error {
	due, err := v.s.Drills.DuePlans(v.ctx, v.facility)
	for _, p := range due {
		view.Tasks = append(view.Tasks, page.PlanTask(v.ctx, p))
	}
	return err
}
