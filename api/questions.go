package api

import (
	"context"
	"time"

	"kenshin/assess"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

func noItem() error {
	return fault.New(fault.NotFound, "この項目は点検表にありません。", "There is no such item in the catalogue.")
}

// Question is what was not known and is asked.
type Question struct {
	ID        string               `json:"id"`
	Catalogue string               `json:"catalogue"`
	Subject   string               `json:"subject,omitempty"`
	Item      string               `json:"item"`
	To        assess.Addressee     `json:"to" enum:"vendor,support"`
	Vendor    string               `json:"vendor,omitempty"`
	Text      string               `json:"text"`
	State     assess.QuestionState `json:"state" enum:"open,answered,withdrawn"`
	Asked     time.Time            `json:"asked"`
	By        string               `json:"by"`
	Answer    string               `json:"answer,omitempty"`
	Answered  time.Time            `json:"answered,omitzero"`
	AnswerBy  string               `json:"answer_by,omitempty"`
	Unsent    bool                 `json:"unsent,omitempty" doc:"Made of an answer of don't know; nobody was asked yet."`
}

var questionColumns = []col[Question]{
	{"id", func(v *Question) any { return v.ID }}, {"catalogue", func(v *Question) any { return v.Catalogue }}, {"item", func(v *Question) any { return v.Item }},
	{"subject", func(v *Question) any { return v.Subject }}, {"to", func(v *Question) any { return string(v.To) }}, {"state", func(v *Question) any { return string(v.State) }},
	{"asked", func(v *Question) any { return when(v.Asked) }}, {"by", func(v *Question) any { return v.By }}, {"text", func(v *Question) any { return v.Text }},
	{"answer", func(v *Question) any { return v.Answer }}, {"answer_by", func(v *Question) any { return v.AnswerBy }},
}

func viewQuestion(q assess.Question) Question {
	return Question{q.ID, q.Catalogue, q.Subject, q.Item, q.To, q.Vendor, q.Text, q.State, q.Asked, q.ByName, q.Answer, q.Answered, q.AnswerBy, q.Auto && q.State == assess.Asked}
}

type listQuestions struct {
	Whole
	State     string `query:"state" enum:"open,answered,withdrawn"`
	To        string `query:"to" enum:"vendor,support"`
	Catalogue string `query:"catalogue" maxLength:"80"`
}

func (s *server) listQuestions(ctx context.Context, f facility.ID, in *listQuestions) (Page[Question], error) {
	list, err := s.Assess.Questions(ctx, f, assess.QuestionFilter{State: assess.QuestionState(in.State), To: assess.Addressee(in.To), Catalogue: in.Catalogue})
	items := make([]Question, len(list))
	for i, q := range list {
		items[i] = viewQuestion(q)
	}
	return page(items, ""), err
}

type askQuestion struct {
	Body struct {
		Catalogue string           `json:"catalogue" maxLength:"80"`
		Subject   string           `json:"subject,omitempty" maxLength:"80"`
		Item      string           `json:"item" maxLength:"80"`
		To        assess.Addressee `json:"to" enum:"vendor,support"`
		Vendor    string           `json:"vendor,omitempty" maxLength:"80" doc:"Id of a supplier."`
		Text      string           `json:"text,omitempty" maxLength:"8000"`
	}
}

func (s *server) askQuestion(ctx context.Context, f facility.ID, in *askQuestion) (Question, error) {
	b := &in.Body
	q, err := s.Assess.Ask(ctx, f, assess.Question{Catalogue: b.Catalogue, Subject: b.Subject, Item: b.Item, To: b.To, Vendor: b.Vendor, Text: b.Text})
	return viewQuestion(q), err
}

type answerQuestion struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"8000"`
		By   string `json:"by,omitempty" maxLength:"200" doc:"Who replied."`
	}
}

func (s *server) answerQuestion(ctx context.Context, f facility.ID, in *answerQuestion) (Question, error) {
	q, err := s.Assess.Answer(ctx, f, in.ID, in.Body.Text, in.Body.By)
	return viewQuestion(q), err
}

func (s *server) withdrawQuestion(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Assess.Withdraw(ctx, f, in.ID)
}

// LevelView is where the facility stands on the levels of network control.
type LevelView struct {
	Claimed   int          `json:"claimed" minimum:"-1" maximum:"3" doc:"-1: below level 0."`
	Evidenced int          `json:"evidenced" minimum:"-1" maximum:"3"`
	Missing   int          `json:"missing" doc:"Gates without an answer that counts."`
	Path      []LevelStep  `json:"path" nullable:"false"`
	Next      []NextAction `json:"next" nullable:"false"`
}

// LevelStep is one gate on the path.
type LevelStep struct {
	Gate    string    `json:"gate"`
	Level   int       `json:"level"`
	Title   i18n.Text `json:"title"`
	State   string    `json:"state"`
	Claimed bool      `json:"claimed"`
	Proven  bool      `json:"proven"`
}

// NextAction is one thing to do next.
type NextAction struct {
	Gate    string    `json:"gate"`
	Title   i18n.Text `json:"title"`
	Prove   bool      `json:"prove" doc:"It is claimed; the proof is missing."`
	Closes  []string  `json:"closes" nullable:"false" doc:"Items of the checklist that the same work answers."`
	Cost    string    `json:"cost"`
	Minutes int       `json:"minutes"`
	Who     string    `json:"who"`
}

func (s *server) getLevel(ctx context.Context, f facility.ID, _ *struct{}) (LevelView, error) {
	v, err := s.Assess.Level(ctx, f)
	out := LevelView{Claimed: int(v.Claimed), Evidenced: int(v.Evidenced), Missing: v.Missing, Path: []LevelStep{}, Next: []NextAction{}}
	for _, p := range v.Path {
		out.Path = append(out.Path, LevelStep{p.Gate.ID, p.Gate.Gate.Level, p.Gate.Title, stateName(p.State), p.Claimed, p.Proven})
	}
	for _, a := range v.Next {
		out.Next = append(out.Next, NextAction{a.Gate.ID, a.Gate.Title, a.Prove, full(a.Closes), string(a.Cost), a.Minutes, string(a.Who)})
	}
	return out, err
}
