package assess_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
)

var now = time.Date(2025, time.November, 20, 10, 0, 0, 0, time.FixedZone("JST", 9*3600))

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

func yes(days int) assess.Claim { return assess.Claim{Reply: catalogue.Yes, On: ago(days)} }

func no(days int) assess.Claim {
	return assess.Claim{Reply: catalogue.No, On: ago(days), Target: now.AddDate(0, 2, 0)}
}

func exempt(reason, approver string) assess.Claim {
	return assess.Claim{Reply: catalogue.NotApplicable, On: ago(1), Reason: reason, Approver: approver}
}

// measured is a result of some days ago that counts for a month.
func measured(o assess.Outcome, n, of, days int) assess.Verdict {
	return assess.Verdict{Outcome: o, Measured: n, Of: of, At: ago(days), Until: ago(days).AddDate(0, 0, 30)}
}

func down(v assess.Verdict) assess.Verdict {
	v.Down = true
	return v
}

// The whole function as one table: every kind of claim against every kind of verdict.
func TestEveryClaimAgainstEveryVerdict(t *testing.T) {
	need := assess.Need{Percent: 95, Since: ago(300)}
	missing := measured(assess.Pass, 100, 100, 1)
	missing.Missing = 1
	endless := measured(assess.Pass, 100, 100, 1)
	endless.Until = time.Time{}
	verdicts := []struct {
		name string
		v    assess.Verdict
	}{
		{"no check", assess.Verdict{}}, {"collector down, never measured", down(assess.Verdict{})}, {"pass", measured(assess.Pass, 95, 100, 1)},
		{"pass, few measured", measured(assess.Pass, 94, 100, 1)}, {"pass of nothing", measured(assess.Pass, 0, 0, 1)}, {"more than there are", measured(assess.Pass, 101, 100, 1)},
		{"measured tomorrow", measured(assess.Pass, 100, 100, -1)}, {"pass, expired", measured(assess.Pass, 100, 100, 31)}, {"fail", measured(assess.Fail, 100, 100, 1)},
		{"fail, expired", measured(assess.Fail, 100, 100, 31)}, {"pass kept, collector down", down(measured(assess.Pass, 100, 100, 1))},
		{"expired, collector down", down(measured(assess.Pass, 100, 100, 31))}, {"one of its checks missing", missing}, {"fail, few measured", measured(assess.Fail, 1, 100, 1)},
		{"without an expiry", endless}, {"before it existed", measured(assess.Pass, 100, 100, 301)},
	}
	for _, row := range []struct {
		name string
		c    assess.Claim
		want string
	}{
		{"yes", yes(2), "○?●◐???⌛▲⌛●⌛◐▲⌛⌛"},
		{"yes, long ago", yes(299), "○?●◐???⌛▲⌛●⌛◐▲⌛⌛"},
		{"no", no(2), "✕?△✕???✕✕✕△⌛✕✕✕✕"},
		{"not applicable", exempt("遠隔保守なし", "院長"), "––––––––––––––––"},
		{"not applicable, no reason", exempt(" ", "院長"), "・・・・・・・・・・・・・・・・"},
		{"not applicable, no approver", exempt("遠隔保守なし", ""), "・・・・・・・・・・・・・・・・"},
		{"don't know", assess.Claim{Reply: catalogue.Unknown, On: ago(1)}, "・・・・・・・・・・・・・・・・"},
		{"no answer", assess.Claim{On: ago(1)}, "・・・・・・・・・・・・・・・・"},
		{"yes without a day", assess.Claim{Reply: catalogue.Yes}, "・・・・・・・・・・・・・・・・"},
		{"yes of tomorrow", yes(-1), "・・・・・・・・・・・・・・・・"},
		{"yes before it existed", yes(301), "・・・・・・・・・・・・・・・・"},
		{"a word that is none", assess.Claim{Reply: "maybe", On: ago(1)}, "・・・・・・・・・・・・・・・・"},
	} {
		marks := []rune(row.want)
		if len(marks) != len(verdicts) {
			t.Fatalf("%s: %d marks for %d verdicts", row.name, len(marks), len(verdicts))
		}
		for n, v := range verdicts {
			if got := assess.StateOf(row.c, v.v, need, now); got.Mark() != string(marks[n]) {
				t.Errorf("%s, %s: %s %s, want %c", row.name, v.name, got.Mark(), got.Label().Ja, marks[n])
			}
		}
	}
}

func TestStatesCanBeToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(assess.States(), assess.Open) {
		if s.Label().En == "" || seen[s.Mark()] || seen[s.Label().Ja] {
			t.Errorf("state %d is not told apart from the others", s)
		}
		seen[s.Mark()], seen[s.Label().Ja] = true, true
	}
	if len(assess.States()) != 9 {
		t.Error("there are nine states")
	}
}

func TestDaysAreCalendarDays(t *testing.T) {
	midnight := time.Date(2025, time.November, 20, 0, 0, 0, 0, now.Location())
	for name, c := range map[string]struct {
		on   time.Time
		want assess.State
	}{
		"today, as a form writes it": {time.Date(2025, time.November, 20, 0, 0, 0, 0, time.UTC), assess.WordOnly},
		"today, later than now":      {midnight.Add(23 * time.Hour), assess.WordOnly},
		"tomorrow":                   {midnight.Add(24 * time.Hour), assess.Open},
	} {
		if got := assess.StateOf(assess.Claim{Reply: catalogue.Yes, On: c.on}, assess.Verdict{}, assess.Need{}, now); got != c.want {
			t.Errorf("%s: %s", name, got.Label().Ja)
		}
	}
}

func TestJoinIsAsWeakAsItsWeakest(t *testing.T) {
	pass, few, fail := measured(assess.Pass, 100, 100, 1), measured(assess.Pass, 10, 100, 2), measured(assess.Fail, 100, 100, 1)
	old, oldFail := measured(assess.Pass, 100, 100, 40), measured(assess.Fail, 100, 100, 40)
	none, gone := assess.Verdict{}, down(assess.Verdict{})
	for name, c := range map[string]struct {
		all  []assess.Verdict
		want assess.State
	}{
		"nothing": {nil, assess.WordOnly}, "all silent": {[]assess.Verdict{none, none}, assess.WordOnly}, "one down": {[]assess.Verdict{gone}, assess.Unmeasured},
		"both pass": {[]assess.Verdict{pass, pass}, assess.Proven}, "one thin": {[]assess.Verdict{pass, few}, assess.Partly}, "thin first": {[]assess.Verdict{few, pass}, assess.Partly},
		"one silent": {[]assess.Verdict{pass, none}, assess.Partly}, "silent first": {[]assess.Verdict{none, pass}, assess.Partly}, "one down too": {[]assess.Verdict{gone, pass}, assess.Partly},
		"one fails": {[]assess.Verdict{pass, fail, pass}, assess.Contradicted}, "fails first": {[]assess.Verdict{fail, pass}, assess.Contradicted},
		"a failure beside an old pass": {[]assess.Verdict{old, fail}, assess.Contradicted}, "failure, then old pass": {[]assess.Verdict{fail, old}, assess.Contradicted},
		"one expired": {[]assess.Verdict{pass, old}, assess.Expired}, "an old failure is no contradiction": {[]assess.Verdict{oldFail, pass}, assess.Expired},
		"the same, other order": {[]assess.Verdict{pass, oldFail}, assess.Expired},
	} {
		if got := assess.StateOf(yes(1), assess.Join(c.all, now), assess.Need{Percent: 90}, now); got != c.want {
			t.Errorf("%s: %s, want %s", name, got.Label().Ja, c.want.Label().Ja)
		}
	}
}

// No sequence of imports and answers turns unknown into pass: whatever happened before, "proven" is shown only while a claim はい that counts stands beside
// a fresh, possible, sufficient pass of every check.
func TestNoSequenceTurnsUnknownIntoPass(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2025))
	proven := 0
	for range 4000 {
		var claim assess.Claim
		checks := make([]assess.Verdict, 1+r.IntN(3))
		at := now
		need := assess.Need{Percent: []int{0, 50, 95, 100, 1000, -1}[r.IntN(6)]}
		for range 25 {
			pick := r.IntN(len(checks))
			switch r.IntN(9) {
			case 0:
				claim.Reply = append(catalogue.Replies(), catalogue.Unanswered, "はい")[r.IntN(6)]
			case 1:
				claim.On = at.AddDate(0, 0, r.IntN(40)-30)
			case 2:
				claim = assess.Claim{Reply: catalogue.Carry(catalogue.Catalogue{Items: []catalogue.Item{{ID: "a"}}}, catalogue.Catalogue{Items: []catalogue.Item{{ID: "b", From: []string{"a"}}}},
					map[string]catalogue.Reply{"a": claim.Reply})["b"].Reply} // a new edition: carried answers have no date
			case 3:
				checks[pick] = assess.Verdict{Down: r.IntN(2) == 0}
			case 4:
				checks[pick].Down = !checks[pick].Down
			case 5:
				checks[pick].Measured, checks[pick].Of = r.IntN(12)-1, r.IntN(12)-1
			case 6:
				at = at.Add(time.Duration(r.IntN(80)-20) * 24 * time.Hour) // the clock, forth and back
			case 7:
				checks[pick].Outcome = assess.Outcome(r.IntN(4))
			case 8:
				checks[pick].At, checks[pick].Until = at, at.AddDate(0, 0, r.IntN(60)-10)
			}
			if assess.StateOf(claim, assess.Join(checks, at), need, at) != assess.Proven {
				continue
			}
			proven++
			if claim.Reply != catalogue.Yes || claim.On.IsZero() {
				t.Fatalf("proven without a claim: %+v", claim)
			}
			for _, v := range checks {
				if v.Outcome != assess.Pass || v.Measured < 1 || v.Measured > v.Of || v.At.IsZero() || v.At.After(at.Add(time.Hour)) || !v.Until.After(at) {
					t.Fatalf("proven by %+v at %s", v, at)
				}
				if p := need.Percent; p >= 1 && p <= 100 && v.Measured*100 < p*v.Of || (p < 1 || p > 100) && v.Measured != v.Of {
					t.Fatalf("proven by %d of %d where %d %% are needed", v.Measured, v.Of, p)
				}
			}
		}
	}
	if proven == 0 {
		t.Error("nothing was ever proven: the test does not reach what it guards")
	}
}
