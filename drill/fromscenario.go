package drill

import (
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/fault"
)

// FromScenario makes a mail and its rating from a scenario of the catalogue.
func FromScenario(id string, level scenario.Level) (m Mail, r Rating, err error) {
	all, err := scenario.Load()
	if err != nil {
		return m, r, err
	}
	s, ok := all.Find(id)
	if !ok {
		return m, r, fault.New(fault.NotFound, "この題材はありません。", "There is no such scenario.")
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
