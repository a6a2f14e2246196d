package drill

import (
	"context"

	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
)

// FromScenario makes a mail and its rating from a scenario: a built-in one or the facility's own.
func (b *Book) FromScenario(ctx context.Context, f facility.ID, id string, level scenario.Level) (m Mail, r Rating, err error) {
	all, err := b.Scenarios(ctx, f)
	if err != nil {
		return m, r, err
	}
	return fromScenario(all, id, level)
}

func fromScenario(all scenario.Catalogue, id string, level scenario.Level) (m Mail, r Rating, err error) {
	s, ok := all.Find(id)
	if !ok {
		return m, r, noScenario()
	}
	if level == "" {
		level = scenario.Medium
	}
	x, ok := s.Mail(level)
	if !ok {
		return m, r, fault.New(fault.NotFound, "この題材に、その難しさのメールはありません。", "This scenario has no mail of that level.")
	}
	m = Mail{FromName: x.Sender.Name, FromLocal: x.Sender.Local, Subject: x.Subject, Text: x.Text, HTML: x.HTML, Link: x.Link, Landing: string(s.Landing), Scenario: id, Level: string(level)}
	switch {
	case x.Attachment == nil:
	case x.Attachment.Kind == "qr":
		m.QR = true
	default:
		m.Attachment, m.FileName = x.Attachment.Kind, x.Attachment.Name
	}
	for _, c := range x.Cues {
		r.Cues = append(r.Cues, Cue{ID: string(c.Cue), Part: string(c.In()), Text: c.Text})
	}
	r.Premise = [5]int{x.Premise.Process, x.Premise.Relevance, x.Premise.Events, x.Premise.Concern, x.Premise.Trained}
	r.Difficulty = string(scale.Rate(scale.Tally(x.Cues), x.Premise).Difficulty)
	return m, r, nil
}

func noScenario() error {
	return fault.New(fault.NotFound, "この文例はありません。", "There is no such scenario.")
}
