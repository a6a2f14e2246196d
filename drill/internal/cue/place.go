package cue

import (
	"cmp"
	"slices"
	"strings"
)

// Span is one marked place: bytes Start to End of a text. Number is the place of its mark in the list, from 1.
type Span struct {
	Start, End int
	Cue        ID
	Number     int
}

// Place finds the marks of one part in its text. Each takes the first place of its wording that no earlier mark has taken; spans come in the
// order of the text and do not overlap. A mark whose wording does not occur, or only under another mark, has none.
func Place(text string, part Part, marks []Mark) []Span {
	var out []Span
	for i, m := range marks {
		if m.In() != part || m.Text == "" {
			continue
		}
		for from := 0; ; {
			at := strings.Index(text[from:], m.Text)
			if at < 0 {
				break
			}
			s := Span{from + at, from + at + len(m.Text), m.Cue, i + 1}
			if !slices.ContainsFunc(out, func(o Span) bool { return o.Start < s.End && s.Start < o.End }) {
				out = append(out, s)
				break
			}
			from = s.Start + 1
		}
	}
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return out
}
