package drill

import (
	"strings"

	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
)

// Lint says what in a draft's mail must not be sent: real brands and domains, what runs or is fetched, lures that hurt, and what the
// charset cannot carry.
func (b *Book) Lint(d Drill, s Settings) ([]scenario.Problem, error) {
	rules, err := scenario.LoadRules()
	if err != nil {
		return nil, err
	}
	m := scenario.Mail{Subject: d.Mail.Subject, Sender: scenario.Sender{Name: d.Mail.FromName, Local: d.Mail.FromLocal, Domain: s.Domain}, Text: d.Mail.Text, HTML: d.Mail.HTML, Link: d.Mail.Link}
	if d.Mail.Attachment != "" {
		m.Attachment = &scenario.Attachment{Kind: d.Mail.Attachment, Name: d.Mail.FileName}
	}
	return append(rules.Lint(m, s.ownDomains()...), d.Mail.unencodable()...), nil
}

// checkMail refuses a draft whose mail the lint refuses, with all places.
func (b *Book) checkMail(d Drill, s Settings) error {
	problems, err := b.Lint(d, s)
	if err != nil || len(problems) == 0 {
		return err
	}
	var ja, en []string
	for _, p := range problems[:min(len(problems), 5)] {
		ja, en = append(ja, p.In(i18n.Ja)), append(en, p.In(i18n.En))
	}
	return fault.New(fault.Invalid, "このメールは送れません。"+strings.Join(ja, " "), "This mail cannot be sent. "+strings.Join(en, " "))
}
