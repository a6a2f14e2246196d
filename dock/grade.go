package dock

import (
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/i18n"
)

// GradeRule names the rule below; a snapshot keeps it beside its grades.
const GradeRule = "kenshin.grade/1"

// Letter is a grade as a health check gives it.
type Letter string

const (
	A    Letter = "A"
	B    Letter = "B"
	C    Letter = "C"
	D    Letter = "D"
	E    Letter = "E"
	None Letter = "-" // cannot be told: nothing was asked, nothing answered, or nothing measured
)

// Letters lists the grades from good to bad.
func Letters() []Letter { return []Letter{A, B, C, D, E, None} }

// Label is what a letter means.
func (l Letter) Label() i18n.Text {
	switch l {
	case A:
		return i18n.Text{Ja: "異常なし", En: "nothing to remark"}
	case B:
		return i18n.Text{Ja: "わずかな不足", En: "slightly short"}
	case C:
		return i18n.Text{Ja: "要経過観察", En: "to be watched"}
	case D:
		return i18n.Text{Ja: "要改善", En: "to be mended"}
	case E:
		return i18n.Text{Ja: "至急対応", En: "to be mended at once"}
	}
	return i18n.Text{Ja: "判定できません", En: "cannot be told"}
}

// Grade is one area of the result sheet: a section of the checklist, or an axis of the level.
type Grade struct {
	Area     string    `json:"area"`
	Title    i18n.Text `json:"title"`
	Claims   Letter    `json:"claims"`   // by what people say
	Evidence Letter    `json:"evidence"` // by what was measured
	Tally    Tally     `json:"tally"`
}

// Tally is what a grade is counted from.
type Tally struct {
	Asked        int `json:"asked"`   // without what is 対象外
	Exempt       int `json:"exempt"`  // 対象外 with a reason and an approver
	Yes          int `json:"yes"`     // はい that count
	Unknown      int `json:"unknown"` // 未回答 or 分からない
	Proven       int `json:"proven"`
	Partly       int `json:"partly"` // proven for too few, or measured as done where people say いいえ
	Unmeasured   int `json:"unmeasured"`
	Contradicted int `json:"contradicted"`
}

// add counts one item.
func (t *Tally) add(s assess.State, r catalogue.Reply) {
	if s == assess.Exempt {
		t.Exempt++
		return
	}
	t.Asked++
	switch {
	case s == assess.Open:
		t.Unknown++
	case r == catalogue.Yes:
		t.Yes++
	}
	switch s {
	case assess.Proven:
		t.Proven++
	case assess.Partly, assess.Better:
		t.Partly++
	case assess.Contradicted:
		t.Contradicted++
	case assess.Open, assess.WordOnly, assess.Expired, assess.NotDone, assess.Unmeasured, assess.Exempt:
		t.Unmeasured++
	}
}

// ByClaims is the grade of what people say. はい for all is an A; what is unknown keeps it from being one, as いいえ does.
func (t Tally) ByClaims() Letter {
	if t.Asked == 0 || t.Unknown == t.Asked {
		return None
	}
	return scale(2*t.Yes, 2*t.Asked)
}

// ByEvidence is the grade of what was measured. Proven counts whole, proven in part half, all else nothing: what was not measured is never good. A
// contradiction, はい against a measurement, leaves at best a D, and an E where a third of the area or more is contradicted. Where nothing was measured
// there is no grade: silence is neither good nor bad.
func (t Tally) ByEvidence() Letter {
	if t.Asked == 0 || t.Unmeasured == t.Asked {
		return None
	}
	l := scale(2*t.Proven+t.Partly, 2*t.Asked)
	switch {
	case t.Contradicted*3 >= t.Asked && t.Contradicted > 0:
		return E
	case t.Contradicted > 0:
		return max(l, D)
	}
	return l
}

// scale turns a share into a letter: all, four fifths, three fifths, three tenths.
func scale(points, of int) Letter {
	switch share := points * 100 / of; {
	case points == of:
		return A
	case share >= 80:
		return B
	case share >= 60:
		return C
	case share >= 30:
		return D
	}
	return E
}

// Grades are the areas of a snapshot: the checklist's sections, then the axes of the level.
func (s *Snapshot) grade() []Grade {
	var out []Grade
	if f, ok := s.Checklist(); ok {
		for _, section := range f.Sections {
			g := Grade{Area: f.Catalogue + "/" + section.ID, Title: section.Title}
			for i := range f.Items {
				if item := &f.Items[i]; item.Section == section.ID && item.Asked {
					g.Tally.add(item.State.assess(), item.Reply)
				}
			}
			out = append(out, g.done())
		}
	}
	if f, ok := s.GateForm(); ok {
		for _, axis := range catalogue.Axes() {
			g := Grade{Area: f.Catalogue + "/" + string(axis), Title: axis.Label()}
			for i := range f.Items {
				if item := &f.Items[i]; item.Gate != nil && item.Gate.Axis == axis {
					g.Tally.add(item.State.assess(), item.Reply)
				}
			}
			out = append(out, g.done())
		}
	}
	return out
}

func (g Grade) done() Grade {
	g.Claims, g.Evidence = g.Tally.ByClaims(), g.Tally.ByEvidence()
	return g
}

// Explained is the rule in plain words, for the page and the paper.
func Explained() []i18n.Text {
	return []i18n.Text{
		{Ja: "申告の判定：「はい」の割合。すべて「はい」でA、8割以上でB、6割以上でC、3割以上でD、それより少なければE。「分からない」と未回答は「はい」に数えません。", En: "By claims: the share of yes. All is an A, from 80% a B, from 60% a C, from 30% a D, less an E. Unknown and unanswered do not count as yes."},
		{Ja: "証拠の判定：測って確かめられた割合。一部だけ確かめたものは半分に数えます。測っていないもの・期限の切れたものは0です。区切りは申告と同じです。", En: "By evidence: the share that was measured and holds; in part counts half, not measured or expired counts nothing. The same steps."},
		{Ja: "「はい」と測った結果が食い違う項目が1つでもあればD以下、3つに1つ以上ならEです。", En: "One contradiction leaves at best a D, a third of the area or more an E."},
		{Ja: "何も測っていない領域は「−（判定できません）」です。分からないことがAになることはありません。", En: "Where nothing was measured there is no grade. What is unknown is never an A."},
		{Ja: "理由と承認のある「対象外」は、数から除きます。", En: "Not applicable, with a reason and an approval, is left out of the count."},
	}
}
