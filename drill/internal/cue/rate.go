package cue

import (
	"fmt"
	"maps"
	"slices"

	"kenshin/fault"
	"kenshin/i18n"
)

// Counts says how many instances of each cue a mail has.
type Counts map[ID]int

// Total is the number of all instances.
func (c Counts) Total() int {
	n := 0
	for _, v := range c {
		n += max(v, 0)
	}
	return n
}

// Check refuses unknown cues and impossible counts.
func (c Counts) Check() error {
	for _, id := range slices.Sorted(maps.Keys(c)) {
		if _, ok := Find(id); !ok {
			return fault.Newf(fault.Invalid, "手がかり「%s」はありません。", "there is no cue %q", id)
		}
		if c[id] < 0 || c[id] > 1000 {
			return fault.Newf(fault.Invalid, "手がかり「%s」の数は 0〜1000 です。", "the count of cue %q must be 0 to 1000", id)
		}
	}
	return nil
}

// Premise is how well the story of a mail fits its readers: each element is 0, 2, 4, 6 or 8 (none, low, medium, high, extreme).
type Premise struct {
	Process   int `yaml:"process" json:"process"`     // mimics a process of the workplace
	Relevance int `yaml:"relevance" json:"relevance"` // matters at this workplace
	Events    int `yaml:"events" json:"events"`       // fits other situations or events of the day
	Concern   int `yaml:"concern" json:"concern"`     // worry over what happens if one does not click
	Trained   int `yaml:"trained" json:"trained"`     // was the subject of training or warnings; counts against
}

// Sum is elements one to four less the fifth.
func (p Premise) Sum() int { return p.Process + p.Relevance + p.Events + p.Concern - p.Trained }

// Check refuses a score that is not on the scale.
func (p Premise) Check() error {
	for _, e := range p.elements() {
		if e.score < 0 || e.score > 8 || e.score%2 != 0 {
			return &fault.Error{Kind: fault.Invalid,
				Ja: fmt.Sprintf("「%s」の点は 0・2・4・6・8 のどれかです（%d）。", e.name.Ja, e.score),
				En: fmt.Sprintf("the score of “%s” must be 0, 2, 4, 6 or 8 (%d)", e.name.En, e.score)}
		}
	}
	return nil
}

type element struct {
	name  i18n.Text
	score int
}

func (p Premise) elements() []element {
	names := Elements()
	return []element{{names[0], p.Process}, {names[1], p.Relevance}, {names[2], p.Events}, {names[3], p.Concern}, {names[4], p.Trained}}
}

// Elements names the five elements of the premise in their order.
func Elements() []i18n.Text {
	return []i18n.Text{
		tx("職場の仕事の流れに似ている", "Mimics a process of the workplace"),
		tx("この職場に関係がある", "Matters at this workplace"),
		tx("いまの出来事や時期に合う", "Fits what is going on now"),
		tx("開かないと困ると思わせる", "Worry over not clicking"),
		tx("研修や注意喚起で扱ったことがある", "Was the subject of training or a warning"),
	}
}

// Level is how many cues there are: Few (to 8), Some (9 to 14), Many (15 and more).
type Level string

const (
	Few  Level = "few"
	Some Level = "some"
	Many Level = "many"
)

// Fit is how well the premise fits: Weak (to 10), Medium (11 to 17), Strong (18 and more).
type Fit string

const (
	Weak   Fit = "weak"
	Medium Fit = "medium"
	Strong Fit = "strong"
)

// Difficulty is how hard it is for a person to see that the mail is not genuine.
type Difficulty string

const (
	Very              Difficulty = "very"
	Moderately        Difficulty = "moderately"
	ModeratelyToLeast Difficulty = "moderately-to-least"
	Least             Difficulty = "least"
)

// Difficulties lists them, hardest first.
func Difficulties() []Difficulty { return []Difficulty{Very, Moderately, ModeratelyToLeast, Least} }

// Name is what a difficulty is called on screens.
func (d Difficulty) Name() i18n.Text {
	switch d {
	case Very:
		return tx("とても見抜きにくい", "Very difficult")
	case Moderately:
		return tx("やや見抜きにくい", "Moderately difficult")
	case ModeratelyToLeast:
		return tx("やや見抜きやすい", "Moderately to least difficult")
	case Least:
		return tx("見抜きやすい", "Least difficult")
	}
	return tx(string(d), string(d))
}

// Rating is what the Phish Scale says of a mail, with the reasons in words.
type Rating struct {
	Cues       int         `json:"cues"` // instances
	Level      Level       `json:"level"`
	Premise    int         `json:"premise"` // the sum, -8 to 32
	Fit        Fit         `json:"fit"`
	Difficulty Difficulty  `json:"difficulty"`
	Reasons    []i18n.Text `json:"reasons"`
}

// Rate reckons the difficulty of a mail from the cues that were counted and the premise (TN 2276, table of detection difficulty).
// Counts and premise should have passed Check; a mail without any cue is rated as one with few.
func Rate(c Counts, p Premise) Rating {
	r := Rating{Cues: c.Total(), Premise: p.Sum()}
	r.Level, r.Fit = level(r.Cues), fit(r.Premise)
	r.Difficulty = table(r.Level, r.Fit)
	r.Reasons = reasons(c, p, r)
	return r
}

func level(n int) Level {
	switch {
	case n <= 8:
		return Few
	case n <= 14:
		return Some
	}
	return Many
}

func fit(n int) Fit {
	switch {
	case n <= 10:
		return Weak
	case n <= 17:
		return Medium
	}
	return Strong
}

func table(l Level, f Fit) Difficulty {
	switch {
	case l == Few && f != Weak, l == Some && f == Strong:
		return Very
	case l == Some && f == Weak:
		return ModeratelyToLeast
	case l == Many && f == Weak:
		return Least
	}
	return Moderately
}

func reasons(c Counts, p Premise, r Rating) []i18n.Text {
	levels := map[Level]i18n.Text{Few: tx("少ない", "few"), Some: tx("ほどほど", "some"), Many: tx("多い", "many")}
	fits := map[Fit]i18n.Text{Weak: tx("弱い", "weak"), Medium: tx("中くらい", "medium"), Strong: tx("強い", "strong")}
	out := []i18n.Text{
		tx(fmt.Sprintf("気づく手がかりが %d か所（%s）", r.Cues, levels[r.Level].Ja), fmt.Sprintf("%d cues to notice (%s)", r.Cues, levels[r.Level].En)),
		tx(fmt.Sprintf("話の合いかたが %d 点（%s）", r.Premise, fits[r.Fit].Ja), fmt.Sprintf("the premise scores %d (%s)", r.Premise, fits[r.Fit].En)),
	}
	if r.Cues == 0 {
		out = append(out, tx("手がかりが一つも数えられていません。数え直してください。", "no cue was counted: please count again"))
	}
	for _, q := range All() {
		if n := c[q.ID]; n >= 2 {
			out = append(out, tx(fmt.Sprintf("「%s」が %d か所", q.Name.Ja, n), fmt.Sprintf("“%s” in %d places", q.Name.En, n)))
		}
	}
	for i, e := range p.elements() {
		if e.score >= 6 && i < 4 {
			out = append(out, tx(fmt.Sprintf("「%s」%d 点", e.name.Ja, e.score), fmt.Sprintf("“%s”: %d", e.name.En, e.score)))
		}
	}
	if p.Trained > 0 {
		out = append(out, tx(fmt.Sprintf("研修などで扱った分 −%d 点", p.Trained), fmt.Sprintf("less %d for training and warnings", p.Trained)))
	}
	return out
}
