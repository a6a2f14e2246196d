package catalogue_test

import (
	"testing"

	"kenshin/catalogue"
)

// pair makes two neighbouring editions: every change once.
func pair() (old, next catalogue.Catalogue) {
	item := func(id string, from ...string) catalogue.Item { return catalogue.Item{ID: id, From: from} }
	old = catalogue.Catalogue{ID: "old", Items: []catalogue.Item{item("o.same"), item("o.re"), item("o.split"), item("o.m1"), item("o.m2"), item("o.wide"), item("o.gone")}}
	re, wide := item("n.re", "o.re"), item("n.wide", "o.wide")
	re.Reworded, wide.Widened = true, true
	next = catalogue.Catalogue{ID: "next", Previous: "old", Items: []catalogue.Item{item("n.same", "o.same"), re, item("n.s1", "o.split"), item("n.s2", "o.split"), item("n.m", "o.m1", "o.m2"), wide, item("n.new")}}
	return old, next
}

func TestCompareNamesEveryChange(t *testing.T) {
	want := map[string]catalogue.Change{"n.same": catalogue.Same, "n.re": catalogue.Reworded, "n.s1": catalogue.Split, "n.s2": catalogue.Split, "n.m": catalogue.Merged,
		"n.wide": catalogue.Reworded, "n.new": catalogue.Added, "": catalogue.Dropped}
	steps := catalogue.Compare(pair())
	if len(steps) != len(want) {
		t.Fatalf("%d steps", len(steps))
	}
	for _, s := range steps {
		if s.Change != want[s.To] {
			t.Errorf("%s is %s, want %s", s.To, s.Change, want[s.To])
		}
	}
}

func TestOldAnswersCarry(t *testing.T) {
	const yes, no, na, dunno, none = catalogue.Yes, catalogue.No, catalogue.NotApplicable, catalogue.Unknown, catalogue.Unanswered
	for _, c := range []struct {
		name    string
		answers map[string]catalogue.Reply
		to      string
		want    catalogue.Reply
	}{
		{"same yes", map[string]catalogue.Reply{"o.same": yes}, "n.same", yes},
		{"same no", map[string]catalogue.Reply{"o.same": no}, "n.same", no},
		{"same unknown", map[string]catalogue.Reply{"o.same": dunno}, "n.same", dunno},
		{"same not applicable", map[string]catalogue.Reply{"o.same": na}, "n.same", na},
		{"same unanswered", nil, "n.same", none},
		{"reworded yes", map[string]catalogue.Reply{"o.re": yes}, "n.re", yes},
		{"reworded no", map[string]catalogue.Reply{"o.re": no}, "n.re", no},
		{"asks for more, was yes", map[string]catalogue.Reply{"o.wide": yes}, "n.wide", none},
		{"asks for more, was no", map[string]catalogue.Reply{"o.wide": no}, "n.wide", no},
		{"split, was yes", map[string]catalogue.Reply{"o.split": yes}, "n.s2", yes},
		{"split, was no: which part?", map[string]catalogue.Reply{"o.split": no}, "n.s1", none},
		{"merged, both yes", map[string]catalogue.Reply{"o.m1": yes, "o.m2": yes}, "n.m", yes},
		{"merged, one no", map[string]catalogue.Reply{"o.m1": yes, "o.m2": no}, "n.m", no},
		{"merged, one no, one unknown", map[string]catalogue.Reply{"o.m1": dunno, "o.m2": no}, "n.m", no},
		{"merged, one missing", map[string]catalogue.Reply{"o.m1": yes}, "n.m", none},
		{"merged, one unknown", map[string]catalogue.Reply{"o.m1": yes, "o.m2": dunno}, "n.m", none},
		{"merged, one not applicable", map[string]catalogue.Reply{"o.m1": yes, "o.m2": na}, "n.m", none},
		{"merged, both not applicable", map[string]catalogue.Reply{"o.m1": na, "o.m2": na}, "n.m", na},
		{"new", map[string]catalogue.Reply{"o.same": yes, "o.gone": yes}, "n.new", none},
	} {
		old, next := pair()
		got := catalogue.Carry(old, next, c.answers)[c.to]
		if got.Reply != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.Reply, c.want)
		}
		if got.Reply == none && got.Why.Ja == "" {
			t.Errorf("%s: nothing says why it stays open", c.name)
		}
	}
}

// From R5 to R7 an answer goes through R6. No answer that was not はい ever becomes はい on the way.
func TestCarryOverTwoYears(t *testing.T) {
	s := embedded(t)
	r5, _ := s.Find("checklist-r5-facility")
	for _, hole := range append([]catalogue.Item{{}}, r5.Items...) {
		answers := map[string]catalogue.Reply{}
		for _, i := range r5.Items {
			if i.ID != hole.ID {
				answers[i.ID] = catalogue.Yes
			}
		}
		out, err := s.Carry("checklist-r5-facility", "checklist-r7-facility", answers)
		if err != nil {
			t.Fatal(err)
		}
		for id, c := range out {
			line := s.Line(id)
			for _, from := range line {
				if from == hole.ID && c.Reply == catalogue.Yes {
					t.Errorf("%s is yes although %s was never answered", id, hole.ID)
				}
			}
			if c.Reply == catalogue.Yes && len(line) == 1 {
				t.Errorf("%s is new and already yes", id)
			}
		}
		if hole.ID == "" && (out["r7.2.6"].Reply != catalogue.Yes || out["r7.2.4"].Reply != catalogue.Unanswered || out["r7.2.1"].Reply != catalogue.Yes) {
			t.Errorf("patching %v, rights (asks for more) %v, ledger %v", out["r7.2.6"], out["r7.2.4"], out["r7.2.1"])
		}
	}
	if _, err := s.Carry("checklist-r7-facility", "checklist-r5-facility", nil); err == nil {
		t.Error("answers went back in time")
	}
}
