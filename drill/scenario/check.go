package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kenshin/drill/internal/body"
	"kenshin/drill/internal/cue"
	"kenshin/fault"
	"kenshin/i18n"
)

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Check says what is wrong with a scenario: missing texts, marks that do not occur, a difficulty that the Phish Scale does not give, and
// everything that Lint refuses. Each error is one sentence that names scenario, level and place; nil means that it may be used.
func (s Scenario) Check(r Rules, own ...string) (errs []error) {
	for _, c := range s.complaints(r, own...) {
		errs = append(errs, &fault.Error{Kind: fault.Invalid, Ja: s.ID + "（" + c.label + "）：" + c.lead.Ja + c.why.Ja, En: s.ID + " (" + c.label + "): " + c.lead.En + c.why.En})
	}
	return errs
}

// complaint is one thing that is wrong, and where in the file it is looked for.
type complaint struct {
	label string    // how the place is called to a person who has no lines
	path  []any     // of fields and indices
	part  Part      // of a mail, "" where it is about a field
	words string    // that stand there, "" for the whole field
	lead  i18n.Text // where in a mail, for a person who has no lines
	why   i18n.Text
}

func (s Scenario) complaints(r Rules, own ...string) []complaint {
	c := &checker{}
	c.head(s)
	for i, l := range Levels() {
		if i >= len(s.Mails) || s.Mails[i].Level != l {
			c.bad("mails", "メールは hard、medium、easy の順に 3 通書いてください。", "there must be three mails: hard, medium, easy, in this order", "mails", i, "level")
			break
		}
	}
	if len(s.Mails) > len(Levels()) {
		c.bad("mails", "メールは 3 通までです。", "there may be three mails only", "mails", len(Levels()))
	}
	for i, m := range s.Mails[:min(len(s.Mails), len(Levels()))] {
		c.mail(m, i)
		for _, p := range r.Lint(m, own...) {
			c.lint(string(m.Level), p, append([]any{"mails", i}, m.field(p.Part)...)...)
		}
	}
	for _, p := range r.Lint(Mail{Sender: Sender{Name: s.Brand, Local: "x"}}, own...) {
		c.lint("brand", p, "brand")
	}
	for _, f := range s.said() {
		for _, p := range r.Lint(Mail{Sender: Sender{Name: "x", Local: "x"}, Text: f.text}, own...) {
			c.lint(f.label, p, f.path...)
		}
	}
	return c.out
}

type saying struct {
	label string
	path  []any
	text  string
}

// said are the texts about a scenario that are shown on screens and in lists: they follow the same rules as the mails.
func (s Scenario) said() []saying {
	return []saying{{"title.ja", []any{"title", "ja"}, s.Title.Ja}, {"title.en", []any{"title", "en"}, s.Title.En},
		{"season.note", []any{"season", "note"}, s.Season.Note.Ja + "\n" + s.Season.Note.En}}
}

// field is where in a file a part of a mail was written.
func (m Mail) field(p Part) []any {
	written := func(own string, given bool) []any {
		if given || m.Body == "" {
			return []any{own}
		}
		return []any{"body"}
	}
	switch p {
	case cue.Sender:
		return []any{"sender", "name"}
	case cue.Address:
		return []any{"sender", "local"}
	case cue.Subject:
		return []any{"subject"}
	case cue.FileName:
		return []any{"attachment", "name"}
	case cue.HTML:
		return written("html", m.own.html)
	}
	return written("text", m.own.text)
}

type checker struct{ out []complaint }

func (c *checker) bad(label, ja, en string, path ...any) {
	c.out = append(c.out, complaint{label: label, path: path, why: i18n.Text{Ja: ja, En: en}})
}

func (c *checker) lint(label string, p Problem, path ...any) {
	in := i18n.Text{Ja: p.In(i18n.Ja), En: p.In(i18n.En)}
	c.out = append(c.out, complaint{label: label, path: path, part: p.Part, words: strings.TrimSuffix(p.Text, "…"), why: p.Why,
		lead: i18n.Text{Ja: strings.TrimSuffix(in.Ja, p.Why.Ja), En: strings.TrimSuffix(in.En, p.Why.En)}})
}

func (c *checker) head(s Scenario) {
	if len(s.ID) > 60 || !idForm.MatchString(s.ID) {
		c.bad("id", "id は小文字の英数字とハイフンで 60 文字までです。", "the id has small letters, digits and hyphens, up to 60", "id")
	}
	for _, f := range []saying{{"title.ja", []any{"title", "ja"}, s.Title.Ja}, {"title.en", []any{"title", "en"}, s.Title.En}, {"summary.ja", []any{"summary", "ja"}, s.Summary.Ja},
		{"summary.en", []any{"summary", "en"}, s.Summary.En}, {"brand", []any{"brand"}, s.Brand}} {
		if strings.TrimSpace(f.text) == "" || len(f.text) > 1000 {
			c.bad(f.label, "「"+f.label+"」の文がないか、長すぎます。", "the text of “"+f.label+"” is missing or too long", f.path...)
		}
	}
	if !slices.Contains(Landings(), s.Landing) {
		c.bad("landing", "リンク先の画面「"+string(s.Landing)+"」はありません。", "there is no landing page “"+string(s.Landing)+"”", "landing")
	}
	if len(s.For) == 0 {
		c.bad("for", "対象の部署を書いてください。", "name the departments it is for", "for")
	}
	for i, a := range s.For {
		if !slices.Contains(Audiences(), a) {
			c.bad("for", "部署「"+string(a)+"」はありません。", "there is no department “"+string(a)+"”", "for", i)
		}
	}
	for i, m := range s.Season.Months {
		if m < 1 || m > 12 {
			c.bad("season", "月は 1〜12 です。", "a month is 1 to 12", "season", "months", i)
		}
	}
}

func (c *checker) mail(m Mail, at int) {
	place := string(m.Level)
	bad := func(ja, en string, path ...any) { c.bad(place, ja, en, append([]any{"mails", at}, path...)...) }
	if strings.TrimSpace(m.Subject) == "" || strings.TrimSpace(m.Text) == "" || strings.TrimSpace(m.Sender.Name) == "" {
		bad("件名・本文・差出人の名前が要ります。", "subject, body and sender's name are needed")
	}
	if !slices.Contains([]Look{"", Plain, Letterhead, Card, Notice}, m.Look) {
		bad("look「"+string(m.Look)+"」はありません。", "there is no look “"+string(m.Look)+"”", "look")
	}
	if linked(m.Text) != m.Link || m.HTML != "" && linked(m.HTML) != m.Link {
		bad("link と本文のリンクが合いません。", "link does not agree with the links in the body", "link")
	}
	if !m.Link && m.Attachment == nil {
		bad("リンクか添付のどちらかが要ります。", "there must be a link or an attachment")
	}
	c.marks(m, place, at)
	counts := cue.Tally(m.Cues)
	for field, err := range map[string]error{"cues": counts.Check(), "premise": m.Premise.Check()} {
		if err != nil {
			bad(fault.Sentence(err, "ja"), fault.Sentence(err, "en"), field)
		}
	}
	if counts.Check() != nil || m.Premise.Check() != nil {
		return
	}
	r := cue.Rate(counts, m.Premise)
	if r.Difficulty != m.Difficulty || LevelOf(r.Difficulty) != m.Level {
		bad(fmt.Sprintf("難しさは %s と書いてありますが、手がかり %d、合いかた %d 点では %s です。", m.Difficulty, r.Cues, r.Premise, r.Difficulty),
			fmt.Sprintf("it says %s, but %d cues and a premise of %d give %s", m.Difficulty, r.Cues, r.Premise, r.Difficulty), "difficulty")
	}
}

// marks demands that each marked wording occurs in what the reader sees, in a place of its own, in the plain body and in the HTML.
func (c *checker) marks(m Mail, place string, at int) {
	if len(m.Cues) > 100 {
		c.bad(place, "手がかりは 100 か所までです。", "there may be 100 cues", "mails", at, "cues")
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
			c.bad(place, "手がかり「"+k.Text+"」は一行の中に書き、差し込みを入れないでください。", "the cue “"+k.Text+"” must stand on one line without a placeholder", "mails", at, "cues", i)
		case !placed[i+1]:
			c.bad(place, "手がかり「"+k.Text+"」が"+k.In().Name().Ja+"にないか、ほかの手がかりと重なっています。", "the cue “"+k.Text+"” is not in the "+k.In().Name().En+", or lies over another", "mails", at, "cues", i)
		case m.HTML != "" && k.In() == cue.Text && !inHTML[i+1]:
			c.bad(place, "手がかり「"+k.Text+"」が HTML の本文にありません。", "the cue “"+k.Text+"” is not in the HTML body", "mails", at, "cues", i)
		}
	}
}
