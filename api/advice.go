package api

import (
	"context"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// LevelAdvice is which reference pattern the facility is, and what fits it.
type LevelAdvice struct {
	Class   string          `json:"class" doc:"Of beds; empty: a clinic."`
	Staff   catalogue.Reply `json:"staff" doc:"Whether somebody here can look after systems."`
	Cloud   catalogue.Reply `json:"cloud" doc:"Whether the systems run outside; from the ledger where it was not said and every system agrees."`
	Pattern *AdvicePattern  `json:"pattern,omitempty" doc:"Missing while one of the two is not known."`
	Configs []AdviceConfig  `json:"configurations" nullable:"false"`
}

// AdvicePattern is a reference pattern of the guideline.
type AdvicePattern struct {
	ID       string    `json:"id" example:"II"`
	Title    i18n.Text `json:"title"`
	Must     []string  `json:"must" nullable:"false" doc:"Chapters to read."`
	Simplify []string  `json:"simplify" nullable:"false" doc:"Chapters that may be read in short."`
	Source   string    `json:"source"`
	Confirm  bool      `json:"confirm" doc:"要確認: the official text was not seen."`
}

// AdviceConfig is a configuration with what speaks for and against it.
type AdviceConfig struct {
	ID    string       `json:"id"`
	Title i18n.Text    `json:"title"`
	Says  i18n.Text    `json:"says"`
	Pros  []i18n.Text  `json:"pros" nullable:"false"`
	Cons  []i18n.Text  `json:"cons" nullable:"false"`
	Costs []AdviceCost `json:"costs" nullable:"false"`
}

// AdviceCost is what a configuration costs for some bed classes.
type AdviceCost struct {
	Classes []string  `json:"classes" nullable:"false"`
	Range   i18n.Text `json:"range"`
}

type getAdvice struct {
	Staff string `query:"staff" enum:"yes,no"`
	Cloud string `query:"cloud" enum:"yes,no"`
}

func (s *server) advice(ctx context.Context, f facility.ID, in *getAdvice) (LevelAdvice, error) {
	level, err := s.Assess.Level(ctx, f)
	if err != nil {
		return LevelAdvice{}, err
	}
	house, err := s.Account.Facility(ctx, f)
	if err != nil {
		return LevelAdvice{}, err
	}
	a, err := s.Assess.Advice(ctx, f, house.Beds, max(level.Claimed, level.Evidenced), catalogue.Reply(in.Staff), catalogue.Reply(in.Cloud))
	out := LevelAdvice{Class: string(a.Class), Staff: a.Staff, Cloud: a.Cloud, Configs: []AdviceConfig{}}
	if p := a.Pattern; p != nil {
		out.Pattern = &AdvicePattern{p.ID, p.Title, full(p.Must), full(p.Simplify), p.Source.Text, p.Source.Confidence != catalogue.Official}
	}
	for _, c := range a.Configs {
		v := AdviceConfig{c.ID, c.Title, c.Says, full(c.Pros), full(c.Cons), []AdviceCost{}}
		for _, x := range c.Costs {
			cost := AdviceCost{[]string{}, x.Range}
			for _, b := range x.Classes {
				cost.Classes = append(cost.Classes, string(b))
			}
			v.Costs = append(v.Costs, cost)
		}
		out.Configs = append(out.Configs, v)
	}
	return out, err
}

type setPattern struct {
	Body struct {
		Staff string `json:"staff" enum:"yes,no," doc:"Whether somebody is dedicated to running the systems."`
		Cloud string `json:"cloud" enum:"yes,no," doc:"Whether the main system is in a cloud."`
	}
}

func (s *server) setPattern(ctx context.Context, f facility.ID, in *setPattern) error {
	return s.Assess.SavePattern(ctx, f, catalogue.Reply(in.Body.Staff), catalogue.Reply(in.Body.Cloud))
}

// YardstickFigure is a published share of hospitals beside the facility's own answer.
type YardstickFigure struct {
	ID        string          `json:"id"`
	Title     i18n.Text       `json:"title"`
	Share     int             `json:"share" doc:"Percent."`
	Of        i18n.Text       `json:"of" doc:"Whose share: of the bed class, or of all hospitals where none was published for it."`
	Survey    i18n.Text       `json:"survey"`
	Date      string          `json:"date" example:"2025-01"`
	Answered  int             `json:"answered" doc:"Hospitals that answered; 0: not seen."`
	Source    string          `json:"source"`
	Secondary bool            `json:"secondary" doc:"Read in a source that quotes the survey: 要確認."`
	Item      string          `json:"item,omitempty" doc:"Of the newest checklist."`
	Reply     catalogue.Reply `json:"reply,omitempty"`
	State     string          `json:"state,omitempty"`
	Register  string          `json:"register,omitempty" doc:"Where no item asks: the register that answers instead."`
	Rows      int             `json:"rows,omitempty" doc:"Of it that bear the figure out."`
	RowsOf    int             `json:"rows_of,omitempty" doc:"Of how many; 0: nothing is kept, so it is not known."`
}

var yardColumns = []col[YardstickFigure]{
	{"id", func(v *YardstickFigure) any { return v.ID }}, {"title", func(v *YardstickFigure) any { return v.Title.Ja }}, {"share", func(v *YardstickFigure) any { return v.Share }},
	{"of", func(v *YardstickFigure) any { return v.Of.Ja }}, {"date", func(v *YardstickFigure) any { return v.Date }}, {"answered", func(v *YardstickFigure) any { return v.Answered }},
	{"source", func(v *YardstickFigure) any { return v.Source }}, {"secondary", func(v *YardstickFigure) any { return yes(v.Secondary) }},
	{"item", func(v *YardstickFigure) any { return v.Item }}, {"reply", func(v *YardstickFigure) any { return string(v.Reply) }}, {"state", func(v *YardstickFigure) any { return v.State }},
}

func (s *server) yardstick(ctx context.Context, f facility.ID, _ *listWhole) (Page[YardstickFigure], error) {
	set, err := s.Editions.Set(ctx)
	if err != nil {
		return Page[YardstickFigure]{}, err
	}
	c, ok := set.Newest(catalogue.Checklist, catalogue.FacilityForm)
	if !ok {
		return Page[YardstickFigure]{}, fault.New(fault.NotFound, "点検表がありません。", "There is no checklist.")
	}
	form, err := s.Assess.Assessment(ctx, f, c.ID, "")
	if err != nil {
		return Page[YardstickFigure]{}, err
	}
	house, err := s.Account.Facility(ctx, f)
	if err != nil {
		return Page[YardstickFigure]{}, err
	}
	rows, err := s.Assess.Yardstick(ctx, f, &form, catalogue.ClassOf(house.Beds))
	items := make([]YardstickFigure, len(rows))
	for i, r := range rows {
		items[i] = YardstickFigure{ID: r.Figure.ID, Title: r.Figure.Title, Share: r.Share, Of: r.Of, Survey: r.Inquiry.Title, Date: r.Inquiry.Date, Answered: r.Inquiry.Answered,
			Source: r.Figure.Source.Text, Secondary: r.Figure.Secondary()}
		if r.Own != nil {
			items[i].Item, items[i].Reply, items[i].State = r.Own.Item.ID, r.Own.Claim.Reply, stateName(r.Own.State)
		}
		if r.Kept != nil {
			items[i].Register, items[i].Rows, items[i].RowsOf = r.Kept.Register, r.Kept.N, r.Kept.Of
		}
	}
	return page(items, ""), err
}
