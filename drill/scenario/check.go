package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kenshin/drill/internal/body"
	"kenshin/drill/internal/cue"
	"kenshin/fault"
)

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Check says what is wrong with a scenario: missing texts, marks that do not occur, a difficulty that the Phish Scale does not give, and
// everything that Lint refuses. Each error is one sentence that names scenario, level and place; nil means that it may be used.
func (s Scenario) Check(r Rules, own ...string) []error {
	c := &checker{id: s.ID}
	c.head(s)
	for i, l := range Levels() {
		if i >= len(s.Mails) || s.Mails[i].Level != l {
			c.bad("mails", "メールは hard、medium、easy の順に 3 通書いてください。", "there must be three mails: hard, medium, easy, in this order")
			break
		}
	}
	if len(s.Mails) > len(Levels()) {
		c.bad("mails", "メールは 3 通までです。", "there may be three mails only")
	}
	for _, m := range s.Mails[:min(len(s.Mails), len(Levels()))] {
		c.mail(m)
		for _, p := range r.Lint(m, own...) {
			c.bad(string(m.Level), p.In("ja"), p.In("en"))
		}
	}
	for _, p := range r.Lint(Mail{Sender: Sender{Name: s.Brand, Local: "x"}}, own...) {
		c.bad("brand", p.In("ja"), p.In("en"))
	}
	return c.errs
}

type checker struct {
	id   string
	errs []error
}

func (c *checker) bad(place, ja, en string) {
	c.errs = append(c.errs, &fault.Error{Kind: fault.Invalid, Ja: c.id + "（" + place + "）：" + ja, En: c.id + " (" + place + "): " + en})
}

func (c *checker) head(s Scenario) {
	if len(s.ID) > 60 || !idForm.MatchString(s.ID) {
		c.bad("id", "id は小文字の英数字とハイフンで 60 文字までです。", "the id has small letters, digits and hyphens, up to 60")
	}
	for place, t := range map[string]string{"title.ja": s.Title.Ja, "title.en": s.Title.En, "summary.ja": s.Summary.Ja, "summary.en": s.Summary.En, "brand": s.Brand} {
		if strings.TrimSpace(t) == "" || len(t) > 1000 {
			c.bad(place, "必要な文がないか、長すぎます。", "a text is missing or too long")
		}
	}
	if !slices.Contains(Landings(), s.Landing) {
		c.bad("landing", "リンク先の画面「"+string(s.Landing)+"」はありません。", "there is no landing page “"+string(s.Landing)+"”")
	}
	if len(s.For) == 0 {
		c.bad("for", "対象の部署を書いてください。", "name the departments it is for")
	}
	for _, a := range s.For {
		if !slices.Contains(Audiences(), a) {
			c.bad("for", "部署「"+string(a)+"」はありません。", "there is no department “"+string(a)+"”")
		}
	}
	for _, m := range s.Season.Months {
		if m < 1 || m > 12 {
			c.bad("season", "月は 1〜12 です。", "a month is 1 to 12")
		}
	}
}

func (c *checker) mail(m Mail) {
	place := string(m.Level)
	if strings.TrimSpace(m.Subject) == "" || strings.TrimSpace(m.Text) == "" || strings.TrimSpace(m.Sender.Name) == "" {
		c.bad(place, "件名・本文・差出人の名前が要ります。", "subject, body and sender's name are needed")
	}
	if !slices.Contains([]Look{"", Plain, Letterhead, Card, Notice}, m.Look) {
		c.bad(place, "look「"+string(m.Look)+"」はありません。", "there is no look “"+string(m.Look)+"”")
	}
	if linked(m.Text) != m.Link || m.HTML != "" && linked(m.HTML) != m.Link {
		c.bad(place, "link と本文のリンクが合いません。", "link does not agree with the links in the body")
	}
	if !m.Link && m.Attachment == nil {
		c.bad(place, "リンクか添付のどちらかが要ります。", "there must be a link or an attachment")
	}
	c.marks(m, place)
	counts := cue.Tally(m.Cues)
	for _, err := range []error{counts.Check(), m.Premise.Check()} {
		if err != nil {
			c.bad(place, fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
			return
		}
	}
	r := cue.Rate(counts, m.Premise)
	if r.Difficulty != m.Difficulty || LevelOf(r.Difficulty) != m.Level {
		c.bad(place, fmt.Sprintf("難しさは %s と書いてありますが、手がかり %d、合いかた %d 点では %s です。", m.Difficulty, r.Cues, r.Premise, r.Difficulty),
			fmt.Sprintf("it says %s, but %d cues and a premise of %d give %s", m.Difficulty, r.Cues, r.Premise, r.Difficulty))
	}
}

// marks demands that each marked wording occurs in what the reader sees, in a place of its own, in the plain body and in the HTML.
func (c *checker) marks(m Mail, place string) {
	if len(m.Cues) > 100 {
		c.bad(place, "手がかりは 100 か所までです。", "there may be 100 cues")
		return
	}
	file := ""
	if m.Attachment != nil {
		file = m.Attachment.Name
	}
	placed := map[int]bool{}
	for part, text := range map[Part]string{cue.Subject: m.Subject, cue.Text: m.Text, cue.Sender: m.Sender.Name, cue.Address: m.Sender.Local + "@", cue.FileName: file} {
		for _, s := range cue.Place(text, part, m.Cues) {
			placed[s.Number] = true
		}
	}
	inHTML := map[int]bool{}
	for _, s := range cue.Place(body.Read(m.HTML).Text, cue.Text, m.Cues) {
		inHTML[s.Number] = true
	}
	for i, k := range m.Cues {
		switch {
		case strings.Contains(k.Text, "{{") || strings.Contains(k.Text, "\n"):
			c.bad(place, "手がかり「"+k.Text+"」は一行の中に書き、差し込みを入れないでください。", "the cue “"+k.Text+"” must stand on one line without a placeholder")
		case !placed[i+1]:
			c.bad(place, "手がかり「"+k.Text+"」が"+k.In().Name().Ja+"にないか、ほかの手がかりと重なっています。", "the cue “"+k.Text+"” is not in the "+k.In().Name().En+", or lies over another")
		case m.HTML != "" && k.In() == cue.Text && !inHTML[i+1]:
			c.bad(place, "手がかり「"+k.Text+"」が HTML の本文にありません。", "the cue “"+k.Text+"” is not in the HTML body")
		}
	}
}
