package assess_test

import (
	"strings"
	"testing"
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
)

func set(t *testing.T) catalogue.Set {
	t.Helper()
	s, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func answered(c catalogue.Catalogue, with func(catalogue.Item) assess.Claim) []assess.Answered {
	var out []assess.Answered
	for _, i := range c.Items {
		out = append(out, assess.Answered{Item: i, Claim: with(i)})
	}
	return out
}

// An edition ends with its fiscal year; forms that no year replaces do not.
func TestAnEditionEnds(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	r7, _ := set(t).Find("checklist-r7-facility")
	gates, _ := set(t).Find("level-gates")
	last := time.Date(2026, time.March, 31, 23, 59, 0, 0, tokyo)
	if assess.Over(r7, last) || !assess.Over(r7, last.Add(time.Minute)) || assess.Over(gates, last.AddDate(9, 0, 0)) {
		t.Error("the last day belongs to the edition, the next does not")
	}
	late := assess.Claim{Reply: catalogue.No, On: time.Date(2026, time.January, 9, 0, 0, 0, 0, tokyo), Target: time.Date(2026, time.March, 1, 0, 0, 0, 0, tokyo)}
	_, second := assess.Rounds(r7, answered(r7, func(i catalogue.Item) assess.Claim {
		if i.Stops {
			return assess.Claim{Reply: catalogue.Yes, On: late.On}
		}
		return late
	}), last)
	if len(second.Gaps) == 0 || !strings.Contains(second.Gaps[len(second.Gaps)-1].Why.Ja, "過ぎています") {
		t.Errorf("a target that has passed is shown as if it were to come: %+v", second.Gaps)
	}
}

func TestRounds(t *testing.T) {
	r7, _ := set(t).Find("checklist-r7-facility")
	all := func(c assess.Claim) func(catalogue.Item) assess.Claim {
		return func(catalogue.Item) assess.Claim { return c }
	}
	but := func(id string, c assess.Claim) func(catalogue.Item) assess.Claim {
		return func(i catalogue.Item) assess.Claim {
			if i.ID == id {
				return c
			}
			return yes(1)
		}
	}
	for name, c := range map[string]struct {
		claims                func(catalogue.Item) assess.Claim
		first, second         bool
		total, ready1, ready2 int
	}{
		"nothing answered":            {all(assess.Claim{}), false, false, 19, 0, 0},
		"all yes and dated":           {all(yes(1)), true, true, 19, 19, 19},
		"all yes, no dates":           {all(assess.Claim{Reply: catalogue.Yes}), false, false, 19, 0, 0},
		"one no with a target":        {but("r7.2.9", no(1)), true, false, 19, 19, 18},
		"one no without a target":     {but("r7.2.9", assess.Claim{Reply: catalogue.No, On: ago(1)}), false, false, 19, 18, 18},
		"one no, target next year":    {but("r7.2.9", assess.Claim{Reply: catalogue.No, On: ago(1), Target: time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)}), false, false, 19, 18, 18},
		"one no, target on 31 March":  {but("r7.2.9", assess.Claim{Reply: catalogue.No, On: ago(1), Target: time.Date(2026, time.March, 31, 0, 0, 0, 0, time.UTC)}), true, false, 19, 19, 18},
		"one no, target before today": {but("r7.2.9", assess.Claim{Reply: catalogue.No, On: ago(1), Target: ago(2)}), false, false, 19, 18, 18},
		"one don't know":              {but("r7.2.9", assess.Claim{Reply: catalogue.Unknown, On: ago(1)}), false, false, 19, 18, 18},
		"one not applicable":          {but("r7.2.2", exempt("契約なし", "院長")), true, true, 19, 19, 19},
		"not applicable, no reason":   {but("r7.2.2", exempt("", "院長")), false, false, 19, 18, 18},
		"uses no system at all":       {but("r7.0", assess.Claim{Reply: catalogue.No, On: ago(1)}), true, true, 1, 1, 1},
		"uses no system, undated":     {but("r7.0", assess.Claim{Reply: catalogue.No}), false, false, 19, 18, 18},
	} {
		first, second := assess.Rounds(r7, answered(r7, c.claims), now)
		if first.Complete() != c.first || second.Complete() != c.second || first.Total != c.total || first.Ready != c.ready1 || second.Ready != c.ready2 {
			t.Errorf("%s: round 1 %+v\nround 2 %+v", name, first, second)
		}
	}
	if first, _ := assess.Rounds(r7, nil, now); first.Complete() {
		t.Error("a form without items counts as complete")
	}
}

// はい against a measurement is not done, unless somebody says why; the reason is printed too.
func TestContradictionNeedsAnExcuse(t *testing.T) {
	r7, _ := set(t).Find("checklist-r7-facility")
	all := answered(r7, func(catalogue.Item) assess.Claim { return yes(1) })
	all[2].Verdict = measured(assess.Fail, 460, 460, 1)
	if first, second := assess.Rounds(r7, all, now); !first.Complete() || second.Complete() || second.Gaps[0].Item != "r7.2.1" {
		t.Errorf("%+v %+v", first, second)
	}
	all[2].Excuse = "30台は廃棄の予定で倉庫にあります。"
	if _, second := assess.Rounds(r7, all, now); !second.Complete() {
		t.Errorf("%+v", second)
	}
}

func TestDueYears(t *testing.T) {
	s := set(t)
	for item, want := range map[string][2]string{
		"r5.1.1": {"2024-03-31", "0001-01-01"}, "r5.3.3": {"2025-03-31", "0001-01-01"}, "r6.3.3": {"2025-03-31", "0001-01-01"}, "r7.2.7": {"2026-03-31", "0001-01-01"},
		"r7.2.10": {"2026-03-31", "2028-03-31"}, "r7v.2.10": {"2026-03-31", "2028-03-31"},
	} {
		i, in, ok := s.Item(item)
		c, _ := s.Find(in)
		answer, done := assess.Due(c, i)
		if !ok || answer.Format(time.DateOnly) != want[0] || done.Format(time.DateOnly) != want[1] {
			t.Errorf("%s is due %s, %s; want %v", item, answer, done, want)
		}
	}
}

func TestWhatIsWrongWithAnAnswerIsSaid(t *testing.T) {
	r7, _ := set(t).Find("checklist-r7-facility")
	i, _ := r7.Item("r7.2.9")
	for says, c := range map[string]assess.Claim{
		"まだ答えていません": {}, "答えになりません": {Reply: catalogue.Unknown}, "確認した日": {Reply: catalogue.Yes}, "未来です": yes(-1), "理由と認めた人": exempt("x", ""),
		"令和8年3月31日まで）が要ります": {Reply: catalogue.No, On: ago(1)}, "令和9年4月1日）は年度内": {Reply: catalogue.No, On: ago(1), Target: time.Date(2027, time.April, 1, 0, 0, 0, 0, time.UTC)},
		"確認日より前": {Reply: catalogue.No, On: ago(1), Target: ago(3)},
	} {
		p := assess.CheckClaim(r7, i, c, now)
		if len(p) != 1 || !strings.Contains(p[0].Ja, says) || p[0].En == "" {
			t.Errorf("want “%s”: %v", says, p)
		}
	}
	if p := assess.CheckClaim(r7, i, no(1), now); len(p) != 0 {
		t.Errorf("a good answer is refused: %v", p)
	}
}
