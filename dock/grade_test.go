package dock_test

import (
	"testing"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/dock"
)

// The whole rule as a table: what is asked of an area, and what people and machine say.
func TestGrades(t *testing.T) {
	for name, c := range map[string]struct {
		tally            dock.Tally
		claims, evidence dock.Letter
	}{
		"nothing asked":                      {dock.Tally{}, dock.None, dock.None},
		"all 対象外":                            {dock.Tally{Exempt: 9}, dock.None, dock.None},
		"nothing answered, nothing measured": {dock.Tally{Asked: 5, Unknown: 5, Unmeasured: 5}, dock.None, dock.None},
		"all yes and proven":                 {dock.Tally{Asked: 5, Yes: 5, Proven: 5}, dock.A, dock.A},
		"all yes, four of five proven":       {dock.Tally{Asked: 5, Yes: 5, Proven: 4, Unmeasured: 1}, dock.A, dock.B},
		"all yes by word":                    {dock.Tally{Asked: 5, Yes: 5, Unmeasured: 5}, dock.A, dock.None},
		"one unknown is no A":                {dock.Tally{Asked: 50, Yes: 49, Unknown: 1, Proven: 49, Unmeasured: 1}, dock.B, dock.B},
		"79 of 100":                          {dock.Tally{Asked: 100, Yes: 79, Proven: 79, Unmeasured: 21}, dock.C, dock.C},
		"60 of 100":                          {dock.Tally{Asked: 100, Yes: 60, Proven: 60, Unmeasured: 40}, dock.C, dock.C},
		"59 of 100":                          {dock.Tally{Asked: 100, Yes: 59, Proven: 59, Unmeasured: 41}, dock.D, dock.D},
		"29 of 100":                          {dock.Tally{Asked: 100, Yes: 29, Proven: 29, Unmeasured: 71}, dock.E, dock.E},
		"all in part counts half":            {dock.Tally{Asked: 4, Yes: 4, Partly: 4}, dock.A, dock.D},
		"one contradiction among ten":        {dock.Tally{Asked: 10, Yes: 10, Proven: 9, Contradicted: 1}, dock.A, dock.D},
		"contradiction keeps an E":           {dock.Tally{Asked: 10, Yes: 10, Proven: 1, Contradicted: 1, Unmeasured: 8}, dock.A, dock.E},
		"a third contradicted":               {dock.Tally{Asked: 3, Yes: 3, Proven: 2, Contradicted: 1}, dock.A, dock.E},
		"only a contradiction":               {dock.Tally{Asked: 1, Yes: 1, Contradicted: 1}, dock.A, dock.E},
		"exempt beside proven":               {dock.Tally{Asked: 2, Exempt: 3, Yes: 2, Proven: 2}, dock.A, dock.A},
		"all いいえ":                            {dock.Tally{Asked: 4, Unmeasured: 4}, dock.E, dock.None},
	} {
		if a, b := c.tally.ByClaims(), c.tally.ByEvidence(); a != c.claims || b != c.evidence {
			t.Errorf("%s: %s by claims, %s by evidence; want %s and %s", name, a, b, c.claims, c.evidence)
		}
	}
}

// What is unknown is never an A, and nothing that is taken away makes a grade better.
func TestUnknownIsNeverAnA(t *testing.T) {
	worse := func(a, b dock.Letter) bool { return a != dock.None && (b == dock.None || b > a) || a == b }
	for asked := 1; asked <= 6; asked++ {
		for proven := 0; proven <= asked; proven++ {
			for partly := 0; proven+partly <= asked; partly++ {
				for bad := 0; proven+partly+bad <= asked; bad++ {
					x := dock.Tally{Asked: asked, Yes: proven + partly + bad, Proven: proven, Partly: partly, Contradicted: bad, Unmeasured: asked - proven - partly - bad, Unknown: asked - proven - partly - bad}
					if proven < asked && x.ByEvidence() == dock.A || x.Unknown > 0 && x.ByClaims() == dock.A {
						t.Errorf("an A for %+v", x)
					}
					if proven > 0 {
						y := x
						y.Proven--
						y.Unmeasured++
						y.Unknown++
						y.Yes--
						if !worse(x.ByEvidence(), y.ByEvidence()) || !worse(x.ByClaims(), y.ByClaims()) {
							t.Errorf("%+v is %s, with one less %s", x, x.ByEvidence(), y.ByEvidence())
						}
					}
				}
			}
		}
	}
}

// Words of a snapshot stay as they are for ever: a snapshot of years ago has to say the same.
func TestStateWordsStay(t *testing.T) {
	want := map[assess.State]dock.State{assess.Open: "open", assess.Proven: "proven", assess.Partly: "partly", assess.WordOnly: "word-only", assess.Expired: "expired",
		assess.Contradicted: "contradicted", assess.Better: "better", assess.NotDone: "not-done", assess.Exempt: "exempt", assess.Unmeasured: "unmeasured"}
	for s, word := range want {
		if dock.StateOf(s) != word || word.Label() != s.Label() || word.Mark() != s.Mark() {
			t.Errorf("%s is written %s", s.Label().Ja, dock.StateOf(s))
		}
	}
	if dock.State("of a later version").Label() != assess.Open.Label() {
		t.Error("a word that nobody knows is shown as something")
	}
}

func item(id string, s assess.State, line ...string) dock.Item {
	return dock.Item{ID: id, State: dock.StateOf(s), Asked: true, Line: line, Reply: catalogue.Yes}
}

func TestYearsAreComparedByLineage(t *testing.T) {
	old := &dock.Snapshot{Forms: []dock.Form{{Items: []dock.Item{item("r6.pc", assess.Proven), item("r6.srv", assess.NotDone), item("r6.x", assess.WordOnly), item("r6.w", assess.Proven), item("r6.e", assess.Exempt)}}}}
	unasked := item("r7.u", assess.Open, "r6.x")
	unasked.Asked = false
	wider := item("r7.w", assess.Partly, "r6.w")
	wider.Wider = true
	form := &dock.Form{Items: []dock.Item{item("r7.m", assess.Partly, "r6.srv", "r6.pc"), item("r7.x", assess.Contradicted, "r6.x"), item("r7.n", assess.Proven), wider, item("r7.e", assess.NotDone, "r6.e"), unasked,
		item("r6.x", assess.WordOnly), item("r7.deep", assess.Proven, "r6b.gone", "r6.x")}}
	want := []struct {
		moved dock.Moved
		then  dock.State
	}{{dock.Up, "not-done"}, {dock.Down, "word-only"}, {dock.Fresh, ""}, {dock.Altered, "proven"}, {dock.Changed, "exempt"}, {dock.Blank, "word-only"}, {dock.Same, "word-only"}, {dock.Up, "word-only"}}
	for n, b := range dock.Compare(form, old) {
		if b.Moved != want[n].moved || b.Then != want[n].then {
			t.Errorf("%s: %s, then %q; want %s, %q", b.Item.ID, b.Moved, b.Then, want[n].moved, want[n].then)
		}
		if b.Moved.Label().Ja == "" || b.Moved.Mark() == "" {
			t.Errorf("%s has no words", b.Moved)
		}
	}
	other := &dock.Form{Subject: "pacs", Items: []dock.Item{item("r6.x", assess.Proven)}}
	if got := dock.Compare(other, old)[0].Moved; got != dock.Fresh {
		t.Errorf("another system's answers are compared: %s", got)
	}
}

func TestStrengthsAndWeaknesses(t *testing.T) {
	old := &dock.Snapshot{Level: dock.Level{Evidenced: -1}, Work: dock.Work{Days: 40}, Forms: []dock.Form{{Kind: catalogue.Checklist, Items: []dock.Item{item("a", assess.WordOnly), item("b", assess.Proven)}}}}
	s := &dock.Snapshot{Level: dock.Level{Evidenced: 1}, Work: dock.Work{Days: 12, Open: map[string]int{"critical": 2}}, Forms: []dock.Form{{Kind: catalogue.Checklist,
		Items: []dock.Item{item("a", assess.Proven), item("b", assess.Expired), item("c", assess.Contradicted), item("d", assess.NotDone)}}}}
	if got := dock.Strengths(s, old); len(got) != 3 || got[1].Item != "a" {
		t.Errorf("strengths: %+v", got)
	}
	weak := dock.Weaknesses(s, old)
	if len(weak) != 4 || weak[0].Item != "c" || weak[2].Item != "b" || weak[3].Item != "d" {
		t.Errorf("weaknesses: %+v", weak)
	}
	if y := dock.TrendOf(s); y.Asked != 4 || y.Measured != 2 || y.Days != 12 {
		t.Errorf("trend: %+v", y)
	}
}
