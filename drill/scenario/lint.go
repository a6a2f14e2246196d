package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"kenshin/drill/internal/body"
	"kenshin/drill/internal/cue"
	"kenshin/drill/internal/find"
	"kenshin/i18n"
	"kenshin/jp"
)

// Rule names why something is refused.
type Rule string

const (
	Brand       Rule = "brand"       // a real company, product or authority
	Foreign     Rule = "domain"      // a domain that is neither ours nor reserved for examples
	Active      Rule = "active"      // something that runs or sends: script, form, event handler
	Remote      Rule = "remote"      // something that is fetched when the mail is shown
	Cruel       Rule = "cruel"       // a lure that hurts
	TooLong     Rule = "size"        // over a limit
	FileRule    Rule = "file"        // an attachment's name
	Placeholder Rule = "placeholder" // {{...}} that nothing fills
	Wrong       Rule = "wrong"       // missing or contradictory
)

// Problem is one thing that must be changed before the mail may be used: bytes Start to End of the part, on a line (from 1).
type Problem struct {
	Rule       Rule      `json:"rule"`
	Part       Part      `json:"part"`
	Line       int       `json:"line"`
	Start, End int       `json:"-"`
	Text       string    `json:"text"` // what stands there
	Why        i18n.Text `json:"why"`
}

// In returns the problem as one sentence with its place.
func (p Problem) In(l i18n.Lang) string {
	if l == i18n.En {
		return fmt.Sprintf("%s, line %d: “%s”: %s", p.Part.Name().En, p.Line, p.Text, p.Why.En)
	}
	return fmt.Sprintf("%s %d行目「%s」：%s", p.Part.Name().Ja, p.Line, p.Text, p.Why.Ja)
}

const (
	maxSubject  = 150 // characters
	maxName     = 80
	maxLocal    = 64
	maxText     = 64 << 10 // bytes
	maxHTML     = 128 << 10
	maxProblems = 100
)

// Lint says what in a mail is refused, in the order of the mail. own are the drill's sending and landing domains; they and their
// subdomains may be written. A mail without a problem may still need the approval of a person.
func (r Rules) Lint(m Mail, own ...string) []Problem {
	l := &linter{rules: r, own: lower(own)}
	l.size(m)
	if len(l.out) > 0 { // what is too long is not searched
		return l.out
	}
	l.text(cue.Sender, m.Sender.Name, nil)
	l.address(m.Sender)
	l.text(cue.Subject, m.Subject, nil)
	l.text(cue.Text, m.Text, nil)
	read := body.Read(m.HTML)
	l.text(cue.HTML, read.Text, func(a, b int) (int, int) { return read.Source(a, b) })
	l.html(m.HTML)
	l.attachment(m.Attachment)
	slices.SortStableFunc(l.out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order(a.Part), order(b.Part)), cmp.Compare(a.Start, b.Start))
	})
	return l.out[:min(len(l.out), maxProblems)]
}

func order(p Part) int {
	return slices.Index([]Part{cue.Sender, cue.Address, cue.Subject, cue.Text, cue.HTML, cue.FileName}, p)
}

type linter struct {
	rules Rules
	own   []string
	out   []Problem
}

// add notes a problem at a place of src; the text shown is cut to what a person can take in.
func (l *linter) add(rule Rule, part Part, src string, at find.Span, ja, en string) {
	if len(l.out) >= maxProblems {
		return
	}
	at.End = min(at.End, len(src))
	at.Start = min(at.Start, at.End)
	shown := strings.ToValidUTF8(src[at.Start:at.End], "\uFFFD")
	if utf8.RuneCountInString(shown) > 60 {
		shown = string([]rune(shown)[:60]) + "…"
	}
	l.out = append(l.out, Problem{Rule: rule, Part: part, Line: find.Line(src, at.Start), Start: at.Start, End: at.End, Text: jp.Clean(shown), Why: i18n.Text{Ja: ja, En: en}})
}

func (l *linter) size(m Mail) {
	for _, f := range []struct {
		part  Part
		text  string
		chars int
		bytes int
	}{
		{cue.Sender, m.Sender.Name, maxName, 4 * maxName}, {cue.Address, m.Sender.Local, maxLocal, maxLocal}, {cue.Subject, m.Subject, maxSubject, 4 * maxSubject},
		{cue.Text, m.Text, maxText, maxText}, {cue.HTML, m.HTML, maxHTML, maxHTML},
	} {
		if !utf8.ValidString(f.text) {
			l.add(Wrong, f.part, f.text, find.Span{}, "文字コードが壊れています（UTF-8 ではありません）。", "it is not valid UTF-8")
			continue
		}
		if len(f.text) > f.bytes || f.chars < f.bytes && utf8.RuneCountInString(f.text) > f.chars {
			l.add(TooLong, f.part, f.text, find.Span{}, fmt.Sprintf("長すぎます（%d 文字まで）。", f.chars), fmt.Sprintf("too long (up to %d characters)", f.chars))
		}
	}
}

// text looks for brands, lures, domains and unknown placeholders in what a person reads. source follows a place back to src when text was
// taken out of it.
func (l *linter) text(part Part, text string, source func(int, int) (int, int)) {
	add := func(rule Rule, at find.Span, ja, en string) {
		n := len(l.out)
		l.add(rule, part, text, at, ja, en)
		if source != nil && len(l.out) > n { // the words are as read, the place is in the source
			p := &l.out[n]
			p.Start, p.End = source(at.Start, at.End)
		}
	}
	l.words(text, add)
	l.domains(text, add)
	for _, at := range braces.FindAllStringSubmatchIndex(text, 20) {
		name := strings.TrimSpace(text[at[2]:at[3]])
		if !slices.ContainsFunc(Placeholders(), func(p string) bool { return strings.EqualFold(p, name) }) {
			add(Placeholder, find.Span{Start: at[0], End: at[1]}, "この差し込みはありません。", "nothing fills this")
		}
	}
}

func (l *linter) words(text string, add func(Rule, find.Span, string, string)) {
	skeleton, written, folded := find.Skeleton(text), find.Written(text), jp.Fold(text)
	for _, b := range l.rules.brands {
		for _, h := range b.in(text, skeleton, written, find.Skeleton) {
			add(Brand, h.at, "実在の名前です（"+h.why.Ja+"：「"+h.word+"」）。架空の名前に変えてください。", "a real name ("+h.why.En+": “"+h.word+"”); use a made-up one")
		}
	}
	for _, c := range l.rules.cruel {
		for _, h := range c.in(text, folded, written, jp.Fold) {
			add(Cruel, h.at, h.why.Ja+"別の話にしてください（「"+h.word+"」）。", h.why.En+"; choose another story (“"+h.word+"”)")
		}
	}
}

func (l *linter) address(s Sender) {
	if !localPart.MatchString(s.Local) {
		l.add(Wrong, cue.Address, s.Local, find.Span{End: len(s.Local)}, "＠より前は、半角の英数字と . _ - だけにしてください。", "the part before the @ may have letters, digits and . _ - only")
	}
	whole := s.Local
	if s.Domain != "" {
		whole += "@" + s.Domain
		if !l.allowed(s.Domain) {
			l.add(Foreign, cue.Address, whole, find.Span{Start: len(s.Local) + 1, End: len(whole)}, "差出人のドメインは、訓練用に登録したものだけが使えます。", "the sender's domain must be one of the drill's own")
		}
	}
	l.words(s.Local, func(rule Rule, at find.Span, ja, en string) { l.add(rule, cue.Address, s.Local, at, ja, en) })
}
