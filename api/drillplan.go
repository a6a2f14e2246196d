package api

import (
	"context"
	"slices"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
)

// DrillPlan is one drill of a yearly plan.
type DrillPlan struct {
	ID       string          `json:"id"`
	Month    string          `json:"month" example:"2027-06"`
	Scenario string          `json:"scenario"`
	Title    string          `json:"title"`
	Cue      string          `json:"cue,omitempty" doc:"What it teaches first."`
	Level    scenario.Level  `json:"level"`
	Owner    string          `json:"owner,omitempty" doc:"Who is responsible; empty is whoever trains."`
	OwnerID  string          `json:"owner_id,omitempty"`
	Note     string          `json:"note,omitempty"`
	State    drill.PlanState `json:"state" enum:"planned,prepared,running,done,overdue"`
	Drill    string          `json:"drill,omitempty" doc:"The drill that was made of it."`
}

func viewPlan(ctx context.Context, p drill.Planning) DrillPlan {
	return DrillPlan{ID: p.ID, Month: p.Month, Scenario: p.Scenario, Title: p.Title.For(ctx), Cue: p.Cue.For(ctx), Level: p.Level, Owner: p.OwnerName, OwnerID: string(p.Owner), Note: p.Note, State: p.State, Drill: p.Drill}
}

var planColumns = []col[DrillPlan]{
	{"month", func(v *DrillPlan) any { return v.Month }}, {"title", func(v *DrillPlan) any { return v.Title }}, {"level", func(v *DrillPlan) any { return string(v.Level) }},
	{"owner", func(v *DrillPlan) any { return v.Owner }}, {"state", func(v *DrillPlan) any { return string(v.State) }},
}

type listPlans struct {
	Whole
	Year int `query:"year" minimum:"0" maximum:"2200" doc:"The year in which the fiscal year begins, in April; 0 is the present one."`
}

func (s *server) listPlans(ctx context.Context, f facility.ID, in *listPlans) (out Page[DrillPlan], err error) {
	if in.Year == 0 {
		if in.Year, err = s.Drills.FiscalYear(ctx, f); err != nil {
			return out, err
		}
	}
	list, err := s.Drills.Plans(ctx, f, in.Year)
	items := make([]DrillPlan, len(list))
	for i, p := range list {
		items[i] = viewPlan(ctx, p)
	}
	return page(items, ""), err
}

// DrillPlanBody is what people decide of a planned drill.
type DrillPlanBody struct {
	Month    string  `json:"month" minLength:"7" maxLength:"7" example:"2027-06"`
	Scenario string  `json:"scenario" minLength:"1" maxLength:"80" example:"parcel"`
	Level    string  `json:"level,omitempty" enum:",easy,medium,hard"`
	Note     string  `json:"note,omitempty" maxLength:"200"`
	OwnerID  *string `json:"owner_id,omitempty" maxLength:"80" doc:"Who is responsible, one of /drill-plans/owners; empty is whoever trains, left out leaves it."`
}

// owned puts in who is responsible: somebody who may write drills here.
func (s *server) owned(ctx context.Context, f facility.ID, p drill.Plan, id *string) (drill.Plan, error) {
	if id == nil {
		return p, nil
	}
	p.Owner, p.OwnerName = "", ""
	if *id == "" {
		return p, nil
	}
	list, err := s.planOwners(ctx, f)
	if err != nil {
		return p, err
	}
	i := slices.IndexFunc(list, func(m account.Member) bool { return string(m.Person.ID) == *id })
	if i < 0 {
		return p, placed("body.owner_id", fault.New(fault.Invalid, "この人は、ここで訓練を作れません。/drill-plans/owners の人から選んでください。", "This person may not write drills here. Choose one of /drill-plans/owners."))
	}
	p.Owner, p.OwnerName = list[i].Person.ID, list[i].Person.Name
	return p, nil
}

// planOwners are the people who may write drills here.
func (s *server) planOwners(ctx context.Context, f facility.ID) ([]account.Member, error) {
	list, err := s.Account.Members(ctx, f)
	return slices.DeleteFunc(list, func(m account.Member) bool {
		return !m.Role.May(actor.EditDrill) || !m.Until.IsZero() && !m.Until.After(s.Now())
	}), err
}

// DrillOwner is somebody who can be responsible for a planned drill.
type DrillOwner struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (s *server) listOwners(ctx context.Context, f facility.ID, _ *listWhole) (Page[DrillOwner], error) {
	list, err := s.planOwners(ctx, f)
	items := make([]DrillOwner, len(list))
	for i, m := range list {
		items[i] = DrillOwner{string(m.Person.ID), m.Person.Name}
	}
	return page(items, ""), err
}

func (b DrillPlanBody) plan(id string) drill.Plan {
	return drill.Plan{ID: id, Month: b.Month, Scenario: b.Scenario, Level: scenario.Level(b.Level), Note: b.Note}
}

func (s *server) onePlan(ctx context.Context, f facility.ID, id, month string) (DrillPlan, error) {
	list, err := s.Drills.Plans(ctx, f, drill.PlanYear(month))
	for _, p := range list {
		if p.ID == id {
			return viewPlan(ctx, p), nil
		}
	}
	return DrillPlan{}, err
}

type addPlan struct{ Body DrillPlanBody }

func (s *server) addPlan(ctx context.Context, f facility.ID, in *addPlan) (DrillPlan, error) {
	p, err := s.owned(ctx, f, in.Body.plan(""), in.Body.OwnerID)
	if err == nil {
		p, err = s.Drills.SavePlan(ctx, f, p)
	}
	if err != nil {
		return DrillPlan{}, err
	}
	return s.onePlan(ctx, f, p.ID, p.Month)
}

type editPlan struct {
	ByID
	Body DrillPlanBody
}

func (s *server) editPlan(ctx context.Context, f facility.ID, in *editPlan) (DrillPlan, error) {
	old, err := s.Drills.Plan(ctx, f, in.ID)
	if err != nil {
		return DrillPlan{}, err
	}
	p := in.Body.plan(in.ID)
	p.Owner, p.OwnerName = old.Owner, old.OwnerName
	if p, err = s.owned(ctx, f, p, in.Body.OwnerID); err != nil {
		return DrillPlan{}, err
	}
	if p, err = s.Drills.SavePlan(ctx, f, p); err != nil {
		return DrillPlan{}, err
	}
	return s.onePlan(ctx, f, p.ID, p.Month)
}

func (s *server) removePlan(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.RemovePlan(ctx, f, in.ID)
}

type proposePlans struct {
	Body struct {
		Year  int `json:"year,omitempty" minimum:"0" maximum:"2200" doc:"0 is the present fiscal year."`
		Count int `json:"count,omitempty" minimum:"0" maximum:"12" doc:"Drills that the year shall have; 0 is the usual four, and no more than one in two months."`
	}
}

// DrillProposals are what was added to a plan, and the difficulty that the results suggest.
type DrillProposals struct {
	Added []DrillPlan    `json:"added" nullable:"false"`
	Level scenario.Level `json:"level"`
	Why   string         `json:"why"`
}

func (s *server) proposePlans(ctx context.Context, f facility.ID, in *proposePlans) (out DrillProposals, err error) {
	out.Added = []DrillPlan{}
	year := in.Body.Year
	if year == 0 {
		if year, err = s.Drills.FiscalYear(ctx, f); err != nil {
			return out, err
		}
	}
	next, err := s.Drills.NextLevel(ctx, f)
	if err != nil {
		return out, err
	}
	out.Level, out.Why = next.Level, next.Why.For(ctx)
	made, err := s.Drills.ProposePlans(ctx, f, year, in.Body.Count)
	for _, p := range made {
		view, err := s.onePlan(ctx, f, p.ID, p.Month)
		if err != nil {
			return out, err
		}
		out.Added = append(out.Added, view)
	}
	return out, err
}

func (s *server) draftPlan(ctx context.Context, f facility.ID, in *ByID) (Drill, error) {
	d, err := s.Drills.DraftPlan(ctx, f, in.ID)
	return viewDrill(ctx, d), err
}

// planRoutes are the yearly plan.
func (s *server) planRoutes() []route {
	return []route{
		{"GET", "/drill-plans", actor.SeeDrill, "list-drill-plans", "The drills that are planned for a fiscal year", "", list(s, s.listPlans, planColumns...)},
		{"GET", "/drill-plans/owners", actor.EditDrill, "list-drill-plan-owners", "Who can be responsible for a planned drill", "Whoever may write drills here.", list(s, s.listOwners)},
		{"POST", "/drill-plans", actor.EditDrill, "add-drill-plan", "Plan a drill", "", one(s, s.addPlan)},
		{"POST", "/drill-plans/propose", actor.EditDrill, "propose-drill-plans", "Fill a year's plan with proposals", "Other stories and cues than before; the difficulty follows the results.", one(s, s.proposePlans)},
		{"PUT", "/drill-plans/{id}", actor.EditDrill, "edit-drill-plan", "Change a planned drill", "", one(s, s.editPlan)},
		{"POST", "/drill-plans/{id}/draft", actor.EditDrill, "draft-drill-plan", "Make the draft of a planned drill", "Answers the draft.", one(s, s.draftPlan)},
		{"DELETE", "/drill-plans/{id}", actor.EditDrill, "remove-drill-plan", "Take a drill off the plan", "A drill that was made of it stays.", done(s, s.removePlan)},
	}
}
