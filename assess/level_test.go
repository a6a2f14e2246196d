package assess_test

import (
	"slices"
	"testing"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/exposure"
)

func gates(t *testing.T, with func(catalogue.Item) (assess.Claim, assess.Verdict)) []assess.Answered {
	t.Helper()
	c, _ := set(t).Find("level-gates")
	var out []assess.Answered
	for _, i := range c.Items {
		claim, v := with(i)
		out = append(out, assess.Answered{Item: i, Claim: claim, Verdict: v})
	}
	return out
}

func TestLevels(t *testing.T) {
	pass := measured(assess.Pass, 10, 10, 1)
	upTo := func(level int, claim assess.Claim, v assess.Verdict) func(catalogue.Item) (assess.Claim, assess.Verdict) {
		return func(i catalogue.Item) (assess.Claim, assess.Verdict) {
			if i.Gate.Level <= level {
				return claim, v
			}
			return assess.Claim{}, assess.Verdict{}
		}
	}
	for name, c := range map[string]struct {
		with              func(catalogue.Item) (assess.Claim, assess.Verdict)
		claimed, evidence assess.Level
		path, open        int
	}{
		"nothing answered":     {upTo(-1, assess.Claim{}, pass), assess.Below, assess.Below, 4, 14},
		"all don't know":       {upTo(3, assess.Claim{Reply: catalogue.Unknown, On: ago(1)}, pass), assess.Below, assess.Below, 4, 14},
		"all yes by word":      {upTo(3, yes(1), assess.Verdict{}), 3, assess.Below, 14, 0},
		"all yes and proven":   {upTo(3, yes(1), pass), 3, 3, 14, 0},
		"proven to 1":          {upTo(1, yes(1), pass), 1, 1, 13, 6},
		"all 対象外 with reasons": {upTo(3, exempt("全部", "院長"), assess.Verdict{}), 3, assess.Below, 14, 0},
		"said 2, proven 1": {func(i catalogue.Item) (assess.Claim, assess.Verdict) {
			switch {
			case i.Gate.Level == 3:
				return no(1), assess.Verdict{}
			case i.ID == "gate.2.session-match":
				return yes(1), assess.Verdict{}
			}
			return yes(1), pass
		}, 2, 1, 14, 0},
		"a hole at the bottom": {func(i catalogue.Item) (assess.Claim, assess.Verdict) {
			if i.ID == "gate.0.leavers" {
				return no(1), assess.Verdict{}
			}
			return yes(1), pass
		}, assess.Below, assess.Below, 4, 0},
		"contradicted": {func(i catalogue.Item) (assess.Claim, assess.Verdict) {
			if i.ID == "gate.1.no-internet" {
				return yes(1), measured(assess.Fail, 10, 10, 1)
			}
			return yes(1), pass
		}, 3, 0, 14, 0},
	} {
		got := assess.Levels(gates(t, c.with), now)
		if got.Claimed != c.claimed || got.Evidenced != c.evidence || len(got.Path) != c.path || got.Missing != c.open {
			t.Errorf("%s: said %d, proven %d, path %d, open %d", name, got.Claimed, got.Evidenced, len(got.Path), got.Missing)
		}
		if got.Evidenced > got.Claimed {
			t.Errorf("%s: evidence alone reached more than was claimed", name)
		}
	}
	if got := assess.Levels(nil, now); got.Claimed != assess.Below {
		t.Error("a catalogue without gates grants a level")
	}
}

// More unknown never makes the level higher.
func TestForgettingNeverRaisesTheLevel(t *testing.T) {
	pass := measured(assess.Pass, 10, 10, 1)
	all := gates(t, func(catalogue.Item) (assess.Claim, assess.Verdict) { return yes(1), pass })
	for n := range all {
		for _, forget := range []func(*assess.Answered){func(a *assess.Answered) { a.Claim = assess.Claim{} }, func(a *assess.Answered) { a.Verdict = assess.Verdict{} }, func(a *assess.Answered) { a.Verdict.Missing++ }} {
			less := slices.Clone(all)
			forget(&less[n])
			if got := assess.Levels(less, now); int(got.Evidenced) >= less[n].Item.Gate.Level {
				t.Errorf("%s is not known, and level %d is reached by evidence", less[n].Item.ID, got.Evidenced)
			}
		}
	}
}

func TestNextActions(t *testing.T) {
	r7, _ := set(t).Find("checklist-r7-facility")
	pass := measured(assess.Pass, 10, 10, 1)
	all := gates(t, func(i catalogue.Item) (assess.Claim, assess.Verdict) {
		switch {
		case i.Gate.Level == 0 && i.ID != "gate.0.privileged", i.ID == "gate.1.no-internet":
			return yes(1), pass
		case i.ID == "gate.1.media-rule":
			return yes(1), assess.Verdict{}
		}
		return no(1), assess.Verdict{}
	})
	next := assess.NextActions(all, r7, 3, now)
	if len(next) != 3 || next[0].Gate.ID != "gate.0.privileged" || next[1].Gate.ID != "gate.1.media-rule" || next[2].Gate.ID != "gate.1.firewall" {
		t.Fatalf("%+v", next)
	}
	if a := next[0]; a.Cost != catalogue.Vendor || a.Minutes == 0 || a.Who == "" || !slices.Equal(a.Closes, []string{"r7.2.4", "r7.2.8"}) || a.Prove {
		t.Errorf("%+v", a)
	}
	if !next[1].Prove || next[1].Why != assess.WordOnly {
		t.Errorf("what is claimed needs its proof only: %+v", next[1])
	}
	if got := assess.NextActions(gates(t, func(catalogue.Item) (assess.Claim, assess.Verdict) { return yes(1), pass }), r7, 3, now); len(got) != 0 {
		t.Errorf("all is proven and yet: %v", got)
	}
	if got := assess.NextActions(all, r7, -1, now); len(got) != 0 {
		t.Error("less than none")
	}
}

func TestPatternByTwoQuestions(t *testing.T) {
	all := tables(t).Patterns
	for _, c := range []struct {
		staff, cloud catalogue.Reply
		want         string
	}{{catalogue.Yes, catalogue.No, "I"}, {catalogue.Yes, catalogue.Yes, "II"}, {catalogue.No, catalogue.No, "III"}, {catalogue.No, catalogue.Yes, "IV"},
		{catalogue.Unknown, catalogue.Yes, ""}, {catalogue.Yes, catalogue.Unanswered, ""}} {
		p, ok := assess.PatternOf(all, c.staff, c.cloud)
		if p.ID != c.want || ok != (c.want != "") {
			t.Errorf("staff %q, cloud %q: %q", c.staff, c.cloud, p.ID)
		}
	}
}

// The vocabulary names checks on devices that exist, so that a check can sum them up.
func TestVocabularyNamesRealChecks(t *testing.T) {
	known, err := catalogue.LoadChecks()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range known {
		for _, id := range c.Exposure {
			if !slices.ContainsFunc(exposure.Checks(), func(e *exposure.Check) bool { return e.ID == id }) {
				t.Errorf("%s sums up %s, which exposure does not have", c.ID, id)
			}
		}
	}
}

// tables are what the product ships beside the questions.
func tables(t *testing.T) catalogue.Tables {
	t.Helper()
	s, err := catalogue.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
