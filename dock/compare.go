package dock

import (
	"cmp"
	"fmt"
	"slices"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/i18n"
)

// Moved is what became of an item since the dock before.
type Moved string

const (
	Fresh   Moved = "new"      // there is no older item of its line
	Altered Moved = "altered"  // it comes from older items but asks for something else now: shown beside, not judged
	Same    Moved = "same"     // no better and no worse
	Up      Moved = "better"   //
	Down    Moved = "worse"    //
	Blank   Moved = "unasked"  // it was not asked, then or now
	Changed Moved = "sideways" // to or from a state that is neither better nor worse, like 対象外
)

// Label is what a movement is called.
func (m Moved) Label() i18n.Text {
	return map[Moved]i18n.Text{Fresh: {Ja: "新しい項目", En: "new item"}, Altered: {Ja: "求めが変わった項目", En: "asks for something else"}, Same: {Ja: "変わらず", En: "unchanged"},
		Up: {Ja: "良くなった", En: "better"}, Down: {Ja: "悪くなった", En: "worse"}, Blank: {Ja: "前回は対象なし", En: "not asked before"}, Changed: {Ja: "扱いが変わった", En: "treated differently"}}[m]
}

// Mark is the sign beside the words.
func (m Moved) Mark() string {
	return map[Moved]string{Fresh: "＋", Altered: "≠", Same: "→", Up: "↗", Down: "↘", Blank: "・", Changed: "↔"}[m]
}

// Beside is one item of this year with the items of its line in an older dock.
type Beside struct {
	Item   *Item
	Before []*Item // of the older dock; several where rows were merged
	Then   State   // the weakest of Before
	Moved  Moved
}

// rank orders states by what they are worth: proof before word, word before nothing. 対象外 has no place in it.
func rank(s assess.State) int {
	return slices.Index([]assess.State{assess.Contradicted, assess.Open, assess.NotDone, assess.Unmeasured, assess.Better, assess.Expired, assess.WordOnly, assess.Partly, assess.Proven}, s)
}

// Compare lays a form of this dock beside an older dock, item by item of the same lineage.
func Compare(now *Form, old *Snapshot) []Beside {
	before := map[string]*Item{}
	for f := range old.Forms {
		if old.Forms[f].Subject != now.Subject {
			continue
		}
		for i := range old.Forms[f].Items {
			before[old.Forms[f].Items[i].ID] = &old.Forms[f].Items[i]
		}
	}
	out := make([]Beside, len(now.Items))
	for n := range now.Items {
		item := &now.Items[n]
		b := Beside{Item: item}
		same := before[item.ID]
		if same != nil {
			b.Before = []*Item{same}
		} else {
			for _, id := range item.Line {
				if o := before[id]; o != nil {
					b.Before = append(b.Before, o)
				}
			}
		}
		b.Then, b.Moved = moved(item, b.Before, same != nil)
		out[n] = b
	}
	return out
}

func moved(item *Item, before []*Item, same bool) (State, Moved) {
	if len(before) == 0 {
		return "", Fresh
	}
	before = slices.DeleteFunc(slices.Clone(before), func(o *Item) bool { return !o.Asked })
	if len(before) == 0 {
		return "", Blank
	}
	then := slices.MinFunc(before, func(a, b *Item) int { return cmp.Compare(rank(a.State.assess()), rank(b.State.assess())) }).State
	was, is := rank(then.assess()), rank(item.State.assess())
	switch {
	case !item.Asked:
		return then, Blank
	case !same && (item.Wider || item.Change == catalogue.Split):
		return then, Altered
	case then == item.State:
		return then, Same
	case was < 0 || is < 0:
		return then, Changed
	case is > was:
		return then, Up
	}
	return then, Down
}

// Year is one dock of the trend.
type Year struct {
	Number    int
	Day       string
	Claimed   int // level
	Evidenced int
	Gates     int
	Proven    int // gates
	Measured  int // items of the checklist with a measurement that counts
	Asked     int // items of the checklist
	Fixed     int // findings within the year
	Days      int // median days to fix, -1: none was fixed
	Short     bool
}

// TrendOf is what is laid beside one another over the years: gates, coverage and days to fix. There is no single score.
func TrendOf(s *Snapshot) Year {
	y := Year{Number: s.Number, Day: s.Day, Claimed: s.Level.Claimed, Evidenced: s.Level.Evidenced, Gates: s.Level.Gates, Proven: s.Level.Proven,
		Fixed: s.Work.Fixed, Days: s.Work.Days, Short: s.Kind == Short}
	if f, ok := s.Checklist(); ok {
		for i := range f.Items {
			item := &f.Items[i]
			if !item.Asked || item.State.assess() == assess.Exempt {
				continue
			}
			y.Asked++
			switch item.State.assess() {
			case assess.Proven, assess.Partly, assess.Contradicted, assess.Better:
				y.Measured++
			case assess.Open, assess.WordOnly, assess.Expired, assess.NotDone, assess.Exempt, assess.Unmeasured:
			}
		}
	}
	return y
}

// Remark is a strength or a weakness in one plain sentence, with the item that it is about.
type Remark struct {
	Text i18n.Text
	Item string // id, "" where it is about an area
}

const maxRemarks = 5

// Strengths are what went well, the weightiest first; old is the dock before, nil for the first.
func Strengths(s, old *Snapshot) []Remark {
	var out []Remark
	say := func(item, ja, en string, args ...any) {
		out = append(out, Remark{i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}, item})
	}
	for _, g := range s.Grades {
		if g.Evidence == A || g.Evidence == B {
			say("", "「%[1]s」は、測った結果で%[3]s判定です（%[4]d項目のうち%[5]d項目を証拠で確認）。", "%[2]s: %[3]s by evidence (%[5]d of %[4]d items proven).", g.Title.Ja, g.Title.En, g.Evidence, g.Tally.Asked, g.Tally.Proven)
		}
	}
	if old != nil {
		if s.Level.Evidenced > old.Level.Evidenced {
			say("", "証拠で数えたレベルが、前回の%sから%sに上がりました。", "The level by evidence rose from %s to %s.", levelWord(old.Level.Evidenced), levelWord(s.Level.Evidenced))
		}
		if f, ok := s.Checklist(); ok {
			for _, b := range Compare(f, old) {
				if b.Moved == Up && b.Item.State.assess() == assess.Proven {
					say(b.Item.ID, "「%s」が、証拠で確かめられるようになりました。", "“%s” is now proven.", b.Item.Title.Ja)
				}
			}
		}
		if d := s.Work.Days; d >= 0 && old.Work.Days > d {
			say("", "見つかった弱点を直すまでの日数が、%d日から%d日に短くなりました。", "Days to fix fell from %d to %d.", old.Work.Days, d)
		}
	}
	return out[:min(len(out), maxRemarks)]
}

// Weaknesses are what to look at first: contradictions, then what expired, then what is not done.
func Weaknesses(s, old *Snapshot) []Remark {
	var out []Remark
	f, ok := s.Checklist()
	if !ok {
		return nil
	}
	of := func(state assess.State, ja, en string) {
		for i := range f.Items {
			if item := &f.Items[i]; item.Asked && item.State.assess() == state {
				out = append(out, Remark{i18n.Text{Ja: fmt.Sprintf(ja, item.Title.Ja), En: fmt.Sprintf(en, item.Title.In(i18n.En))}, item.ID})
			}
		}
	}
	of(assess.Contradicted, "「%s」は「はい」と答えていますが、測った結果が違います。どちらが本当か、まず確かめてください。", "“%s” is answered yes, and the measurement says no. Find out which is so.")
	if s.Work.Open["critical"] > 0 {
		out = append(out, Remark{Text: i18n.Text{Ja: fmt.Sprintf("緊急の弱点が%d件、残っています。", s.Work.Open["critical"]), En: fmt.Sprintf("%d critical findings are open.", s.Work.Open["critical"])}})
	}
	if old != nil {
		for _, b := range Compare(f, old) {
			if b.Moved == Down && b.Item.State.assess() != assess.Contradicted {
				out = append(out, Remark{i18n.Text{Ja: fmt.Sprintf("「%s」が、前回の「%s」から「%s」に下がりました。", b.Item.Title.Ja, b.Then.Label().Ja, b.Item.State.Label().Ja),
					En: fmt.Sprintf("“%s” fell from %s to %s.", b.Item.Title.In(i18n.En), b.Then.Label().En, b.Item.State.Label().En)}, b.Item.ID})
			}
		}
	}
	of(assess.NotDone, "「%s」が、まだできていません。", "“%s” is not done yet.")
	of(assess.Open, "「%s」に、まだ答えていません。", "“%s” is not answered yet.")
	of(assess.Expired, "「%s」の証拠は期限が切れています。", "The evidence for “%s” has expired.")
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(r Remark) bool {
		twice := r.Item != "" && seen[r.Item]
		seen[r.Item] = true
		return twice
	})
	return out[:min(len(out), maxRemarks)]
}

func levelWord(l int) string {
	if l < 0 {
		return "0未満"
	}
	return fmt.Sprint(l)
}
