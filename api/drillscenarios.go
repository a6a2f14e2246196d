package api

import (
	"context"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
)

func (s *server) scenarioRoutes() []route {
	return []route{
		{"GET", "/drill-scenarios", actor.EditDrill, "list-drill-scenarios", "The stories of which a drill can be made: the built-in ones and the facility's own", "", list(s, s.listScenarios, scenarioColumns...)},
		{"GET", "/drill-scenarios/{id}", actor.EditDrill, "get-drill-scenario", "One story with its three mails", "yaml is there for an own one.", one(s, s.getScenario)},
		{"POST", "/drill-scenarios", actor.EditDrill, "add-drill-scenarios", "Take in the stories of a YAML file, all or none",
			"At most 1 MB and 100 stories. errors says what is wrong, by line. An own story of the same id is replaced. check keeps nothing.", one(s, s.addScenarios)},
		{"DELETE", "/drill-scenarios/{id}", actor.EditDrill, "remove-drill-scenario", "Remove an own story", "Drills that were made of it stay.", done(s, s.removeScenario)},
	}
}

// DrillScenario is a story in three difficulties.
type DrillScenario struct {
	ID      string              `json:"id" example:"parcel"`
	Title   string              `json:"title"`
	Summary string              `json:"summary"`
	Brand   string              `json:"brand" doc:"Fictitious."`
	For     []scenario.Audience `json:"for" nullable:"false"`
	Months  []int               `json:"months,omitempty" doc:"When it is believable; missing means all year."`
	Landing scenario.Landing    `json:"landing"`
	Levels  []ScenarioLevel     `json:"levels" nullable:"false"`
	Own     bool                `json:"own" doc:"The facility wrote it."`
	By      string              `json:"by,omitempty"`
	At      *time.Time          `json:"at,omitempty"`
	Unread  bool                `json:"unread,omitempty" doc:"This version cannot read it: take it in again, or remove it."`
}

// ScenarioLevel is what is known of one of the three mails.
type ScenarioLevel struct {
	Level      scenario.Level      `json:"level" enum:"hard,medium,easy"`
	Difficulty scenario.Difficulty `json:"difficulty" doc:"By the NIST Phish Scale."`
	Cues       int                 `json:"cues"`
	Subject    string              `json:"subject"`
}

func viewScenario(ctx context.Context, s scenario.Scenario) DrillScenario {
	v := DrillScenario{ID: s.ID, Title: s.Title.For(ctx), Summary: s.Summary.For(ctx), Brand: s.Brand, For: s.For, Months: s.Season.Months, Landing: s.Landing, Levels: []ScenarioLevel{}}
	if v.For == nil {
		v.For = []scenario.Audience{}
	}
	for _, m := range s.Mails {
		v.Levels = append(v.Levels, ScenarioLevel{m.Level, m.Difficulty, len(m.Cues), m.Subject})
	}
	return v
}

func viewOwn(ctx context.Context, s drill.OwnScenario) DrillScenario {
	v := viewScenario(ctx, s.Scenario)
	v.Own, v.By, v.At, v.Unread = true, s.ByName, moment(s.At), s.Unread
	return v
}

var scenarioColumns = []col[DrillScenario]{
	{"id", func(v *DrillScenario) any { return v.ID }}, {"title", func(v *DrillScenario) any { return v.Title }}, {"brand", func(v *DrillScenario) any { return v.Brand }},
	{"own", func(v *DrillScenario) any { return v.Own }}, {"by", func(v *DrillScenario) any { return v.By }},
}

func (s *server) scenarios(ctx context.Context, f facility.ID) (out []DrillScenario, own []drill.OwnScenario, err error) {
	shipped, err := scenario.Load()
	if err != nil {
		return nil, nil, err
	}
	for _, x := range shipped.Scenarios {
		out = append(out, viewScenario(ctx, x))
	}
	own, err = s.Drills.OwnScenarios(ctx, f)
	for _, x := range own {
		out = append(out, viewOwn(ctx, x))
	}
	return out, own, err
}

func (s *server) listScenarios(ctx context.Context, f facility.ID, _ *listWhole) (Page[DrillScenario], error) {
	all, _, err := s.scenarios(ctx, f)
	return page(all, ""), err
}

// ScenarioMail is a mail that a drill can be made of, with its rating.
type ScenarioMail struct {
	Level  scenario.Level `json:"level"`
	Mail   drill.Mail     `json:"mail"`
	Rating drill.Rating   `json:"rating"`
}

// ScenarioWhole is a story with its mails.
type ScenarioWhole struct {
	DrillScenario
	Mails []ScenarioMail `json:"mails" nullable:"false"`
	YAML  string         `json:"yaml,omitempty"`
}

func (s *server) getScenario(ctx context.Context, f facility.ID, in *ByID) (ScenarioWhole, error) {
	all, own, err := s.scenarios(ctx, f)
	if err != nil {
		return ScenarioWhole{}, err
	}
	for _, x := range all {
		if x.ID != in.ID {
			continue
		}
		out := ScenarioWhole{DrillScenario: x, Mails: []ScenarioMail{}}
		for _, o := range own {
			if o.ID == x.ID {
				out.YAML = o.Source
			}
		}
		for _, l := range x.Levels {
			m := ScenarioMail{Level: l.Level}
			if m.Mail, m.Rating, err = s.Drills.FromScenario(ctx, f, x.ID, l.Level); err != nil {
				return out, err
			}
			out.Mails = append(out.Mails, m)
		}
		return out, nil
	}
	return ScenarioWhole{}, fault.New(fault.NotFound, "この文例はありません。", "There is no such scenario.")
}

type addScenarios struct {
	Body struct {
		YAML  string `json:"yaml" minLength:"1" maxLength:"1048576" doc:"The text of the file."`
		Check bool   `json:"check,omitempty" doc:"Only say what is wrong."`
	}
}

// ScenariosTaken are the stories of a file.
type ScenariosTaken struct {
	Scenarios []DrillScenario `json:"scenarios" nullable:"false"`
	Replaced  []string        `json:"replaced,omitempty" doc:"Ids that were there before."`
}

func (s *server) addScenarios(ctx context.Context, f facility.ID, in *addScenarios) (out ScenariosTaken, err error) {
	if in.Body.Check {
		list, err := s.Drills.CheckScenarios(ctx, f, strings.NewReader(in.Body.YAML))
		for _, e := range list {
			out.Scenarios = append(out.Scenarios, viewScenario(ctx, e.Scenario))
		}
		return out, err
	}
	list, err := s.Drills.AddScenarios(ctx, f, strings.NewReader(in.Body.YAML))
	for _, x := range list {
		out.Scenarios = append(out.Scenarios, viewOwn(ctx, x))
		if x.Replaced {
			out.Replaced = append(out.Replaced, x.ID)
		}
	}
	return out, err
}

func (s *server) removeScenario(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.RemoveScenario(ctx, f, in.ID)
}
