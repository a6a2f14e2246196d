package catalogue

import (
	"slices"

	"kenshin/fault"
	"kenshin/i18n"
)

// Change is what became of items from one edition to the next.
type Change string

const (
	Same     Change = "same"
	Reworded Change = "reworded"
	Split    Change = "split"   // one old item became several
	Merged   Change = "merged"  // several old items became one
	Added    Change = "new"     // nothing like it was asked before
	Dropped  Change = "dropped" // no longer asked
)

// Label is what a change is called on screens.
func (c Change) Label() i18n.Text {
	return name(c, map[Change]i18n.Text{Same: {Ja: "同じ", En: "same"}, Reworded: {Ja: "書き方が変わった", En: "reworded"}, Split: {Ja: "分かれた", En: "split"},
		Merged: {Ja: "まとめられた", En: "merged"}, Added: {Ja: "新しい", En: "new"}, Dropped: {Ja: "なくなった", En: "dropped"}})
}

// Step is what became of one item of the newer edition, or that an old one is gone (then To is empty).
type Step struct {
	Change Change
	From   []string // ids in the old edition
	To     string   // id in the newer edition
	Wider  bool     // more is asked than before: an old はい is not enough
}

// Compare says what changed between two editions, in the order of the newer one and then of what was dropped. Both have to be neighbours: next names
// old as its previous.
func Compare(old, next Catalogue) []Step {
	heirs := map[string]int{}
	for _, i := range next.Items {
		for _, f := range i.From {
			heirs[f]++
		}
	}
	var out []Step
	for _, i := range next.Items {
		s := Step{Change: Same, From: slices.Clone(i.From), To: i.ID, Wider: i.Widened}
		switch {
		case len(i.From) == 0:
			s.Change = Added
		case len(i.From) > 1:
			s.Change = Merged
		case heirs[i.From[0]] > 1:
			s.Change = Split
		case i.Reworded || i.Widened:
			s.Change = Reworded
		}
		out = append(out, s)
	}
	for _, i := range old.Items {
		if heirs[i.ID] == 0 {
			out = append(out, Step{Change: Dropped, From: []string{i.ID}})
		}
	}
	return out
}

// Reply is what a person answers to a yes/no item.
type Reply string

const (
	Unanswered    Reply = ""
	Yes           Reply = "yes"
	No            Reply = "no"
	NotApplicable Reply = "not-applicable"
	Unknown       Reply = "unknown" // 分からない
)

// Replies lists what can be chosen.
func Replies() []Reply { return []Reply{Yes, No, NotApplicable, Unknown} }

// Label is what a reply is called on screens and paper.
func (r Reply) Label() i18n.Text {
	return name(r, map[Reply]i18n.Text{Yes: {Ja: "はい", En: "Yes"}, No: {Ja: "いいえ", En: "No"}, NotApplicable: {Ja: "対象外", En: "Not applicable"},
		Unknown: {Ja: "分からない", En: "Don't know"}, Unanswered: {Ja: "未回答", En: "Not answered"}})
}

// Carried is an old answer brought to a newer item. It is a proposal: it has no date in the new edition and no round counts it before a person
// confirms it.
type Carried struct {
	Reply  Reply
	Change Change
	From   []string
	Why    i18n.Text // why there is no answer, where old ones were not enough
}

// Carry brings answers (by item id) to the next edition. A merged item is はい only when every old one was, いいえ when any was; half an answer, a
// split いいえ, and a はい to less than is asked now, stay open. Unanswered and 分からない never become anything else.
func Carry(old, next Catalogue, answers map[string]Reply) map[string]Carried {
	out := map[string]Carried{}
	for _, s := range Compare(old, next) {
		if s.To == "" {
			continue
		}
		c := Carried{Change: s.Change, From: s.From, Reply: joined(s.From, answers)}
		switch {
		case s.Change == Added:
			c.Why = i18n.Text{Ja: "この版で新しく加わった質問です。", En: "This question is new in this edition."}
		case c.Reply == Unanswered:
			c.Why = i18n.Text{Ja: "前の版の答えがないか、そろっていません。", En: "The older answers are missing or do not agree."}
		case c.Reply == Yes && s.Wider:
			c.Reply, c.Why = Unanswered, i18n.Text{Ja: "前は「はい」でしたが、この版ではより多くを求めています。", En: "It was yes, but this edition asks for more."}
		case c.Reply == No && s.Change == Split:
			c.Reply, c.Why = Unanswered, i18n.Text{Ja: "前は「いいえ」でしたが、分かれたどちらのことか分かりません。", En: "It was no, but to which of the parts is not known."}
		}
		out[s.To] = c
	}
	return out
}

func joined(from []string, answers map[string]Reply) Reply {
	if len(from) == 0 {
		return Unanswered
	}
	count := map[Reply]int{}
	for _, id := range from {
		count[answers[id]]++
	}
	for _, all := range []Reply{Yes, NotApplicable, Unknown} {
		if count[all] == len(from) {
			return all
		}
	}
	if count[No] > 0 {
		return No
	}
	return Unanswered
}

// Carry brings answers along the chain of editions from one to another, step by step, so that nothing skips a check that an edition between made.
func (s Set) Carry(from, to string, answers map[string]Reply) (map[string]Carried, error) {
	var chain []Catalogue
	for at := to; ; {
		c, ok := s.Find(at)
		if !ok {
			return nil, fault.New(fault.Invalid, "「"+from+"」から「"+to+"」へは、版のつながりがありません。", "no chain of editions leads from “"+from+"” to “"+to+"”")
		}
		chain = append(chain, c)
		if at == from {
			break
		}
		at = c.Previous
	}
	slices.Reverse(chain)
	var out map[string]Carried
	for n := 1; n < len(chain); n++ {
		out = Carry(chain[n-1], chain[n], answers)
		answers = map[string]Reply{}
		for id, c := range out {
			answers[id] = c.Reply
		}
	}
	return out, nil
}

// Line returns the ids of an item and of all that it comes from in older editions: what may be compared year on year.
func (s Set) Line(id string) []string {
	seen, todo := []string{}, []string{id}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if i, _, ok := s.Item(at); ok && !slices.Contains(seen, at) {
			seen = append(seen, at)
			todo = append(todo, i.From...)
		}
	}
	return seen
}
