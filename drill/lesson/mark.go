package lesson

import (
	"cmp"
	"net/mail"
	"slices"
	"strings"

	"kenshin/drill/internal/body"
	"kenshin/drill/internal/cue"
)

type (
	// Cue is a cue and the exact wording by which it shows in a mail, as a scenario has them.
	Cue = cue.Mark
	// Part of a mail.
	Part = cue.Part
)

// Span is one marked place; Number is the cue's place in the list, from 1, for the legend below the mail.
type Span = cue.Span

// Mark finds the cues of one part in its text: see cue.Place.
func Mark(text string, part Part, cues []Cue) []Span { return cue.Place(text, part, cues) }

// Piece is a stretch of text; Number 0 means unmarked.
type Piece struct {
	Text   string
	Cue    cue.ID
	Number int
	Link   string // where a link of the mail went; it is shown, never made clickable
}

// Pieces cuts one line into marked and unmarked stretches.
func Pieces(text string, spans []Span) []Piece {
	var out []Piece
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End > len(text) {
			continue
		}
		if s.Start > at {
			out = append(out, Piece{Text: text[at:s.Start]})
		}
		out = append(out, Piece{Text: text[s.Start:s.End], Cue: s.Cue, Number: s.Number})
		at = s.End
	}
	if at < len(text) {
		out = append(out, Piece{Text: text[at:]})
	}
	return out
}

// Line is one line of a mail; an empty one parts paragraphs.
type Line []Piece

// Mail is the mail that the reader got, as it is shown on the lesson page.
type Mail struct {
	Subject, Text, HTML string
	From                mail.Address
	Attachment          string // file name, "" when there was none
}

// Shown is a mail for the lesson page: plain marked lines, made by us from whatever the mail was, so that nothing of its HTML is left.
type Shown struct {
	Sender, Address, Subject, Attachment Line
	Body                                 []Line
	Legend                               []Legend
}

// Legend explains one number.
type Legend struct {
	Number int
	Cue    cue.Cue
	Text   string
	Part   Part
}

// Show marks cues in a mail. The HTML body is shown when there is one, because that is what the reader saw, as plain lines; the address a
// link had stands behind its words. Cues that no longer occur are left out of the legend.
func Show(m Mail, cues []Cue) Shown {
	line := func(text string, part Part) Line { return Pieces(text, Mark(text, part, cues)) }
	s := Shown{Sender: line(m.From.Name, cue.Sender), Address: line(m.From.Address, cue.Address), Subject: line(m.Subject, cue.Subject), Attachment: line(m.Attachment, cue.FileName)}
	if strings.TrimSpace(m.HTML) != "" {
		read := body.Read(m.HTML)
		s.Body = lines(read.Text, Mark(read.Text, cue.Text, cues), read.Links)
	} else {
		s.Body = lines(m.Text, Mark(m.Text, cue.Text, cues), nil)
	}
	s.Legend = legend(cues, append([]Line{s.Sender, s.Address, s.Subject, s.Attachment}, s.Body...))
	return s
}

// lines splits a body at its line ends; a span never reaches over one, because a cue stands on one line.
func lines(text string, spans []Span, links []body.Link) []Line {
	var out []Line
	at := 0
	for l := range strings.Lines(text) {
		end := at + len(l)
		trimmed := strings.TrimRight(l, "\r\n")
		var here []Span
		for _, s := range spans {
			if s.Start >= at && s.End <= at+len(trimmed) {
				here = append(here, Span{Start: s.Start - at, End: s.End - at, Cue: s.Cue, Number: s.Number})
			}
		}
		pieces := Pieces(trimmed, here)
		for _, k := range links {
			if k.End > at && k.End <= end && len(pieces) > 0 && strings.TrimSpace(k.Href) != "" {
				pieces = append(pieces, Piece{Link: k.Href})
			}
		}
		out = append(out, pieces)
		at = end
	}
	return out
}

func legend(cues []Cue, all []Line) []Legend {
	var out []Legend
	for i, c := range cues {
		kind, ok := cue.Find(c.Cue)
		shown := slices.ContainsFunc(all, func(l Line) bool { return slices.ContainsFunc(l, func(p Piece) bool { return p.Number == i+1 }) })
		if ok && shown {
			out = append(out, Legend{Number: i + 1, Cue: kind, Text: c.Text, Part: c.In()})
		}
	}
	return out
}

// Pick chooses the n cues that teach most: what can be checked by anybody in any mail first (address, link, attachment, what it asks
// for), each kind once, then the rest in the order of the mail.
func Pick(cues []Cue, n int) []Cue {
	order := []cue.ID{cue.DisplayName, cue.Domain, cue.LinkText, cue.Sensitive, cue.Attachment, cue.Urgency, cue.Threat, cue.Inconsistency, cue.NoSigner, cue.LimitedTime, cue.Greeting,
		cue.PosesAs, cue.WorkProcess}
	rank := func(c Cue) int {
		if i := slices.Index(order, c.Cue); i >= 0 {
			return i
		}
		return len(order)
	}
	best := slices.Clone(cues)
	slices.SortStableFunc(best, func(a, b Cue) int { return cmp.Compare(rank(a), rank(b)) })
	var out, again []Cue
	for _, c := range best {
		if slices.ContainsFunc(out, func(o Cue) bool { return o.Cue == c.Cue }) {
			again = append(again, c)
		} else {
			out = append(out, c)
		}
	}
	out = append(out, again...)
	return out[:min(max(n, 0), len(out))]
}
