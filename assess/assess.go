// Package assess judges how a hospital stands: what a person claims beside what was measured, the rounds of the checklist, the level of network
// control and the shortest way up. It reads nothing and keeps nothing: everything here is a function of its arguments.
package assess

import (
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/i18n"
)

// Claim is a person's word on one item. Its dates are days; the time of day does not matter.
type Claim struct {
	Reply    catalogue.Reply
	On       time.Time // the day on which it was confirmed
	Target   time.Time // for いいえ: when it will be done
	Reason   string    // for 対象外
	Approver string    // for 対象外: who agreed
	Value    string    // for an item that asks for a choice, a number, words or a day
}

// Outcome is what a measurement says.
type Outcome int

const (
	NoCheck Outcome = iota // nothing measures this item here
	Pass
	Fail
)

// Verdict is the machine's word on one item: the newest result of its checks. A check that cannot run keeps its last result and sets Down.
type Verdict struct {
	Outcome  Outcome
	Measured int       // n: how many were looked at
	Of       int       // N: how many there are
	At       time.Time // when it was measured, not when it arrived
	Until    time.Time // until when it counts
	Down     bool      // the check's source is offline or failed
	Missing  int       // how many of the item's checks have no result
	Percent  int       // of Of that must have been measured by this check, 1 to 100; 0: as the item says
}

// Need is what an item asks of claim and verdict.
type Need struct {
	Percent int       // of N that must have been measured, 1 to 100; 0 means all
	Since   time.Time // what is asked about exists since then: a claim of an earlier day is about something else
}

// State is what is shown for an item. Open, the zero value, is before the nine: there is no answer that counts.
type State int

const (
	Open         State = iota // 未回答、分からない、or an answer that cannot count
	Proven                    // はい, and the measurement agrees
	Partly                    // はい, and too few were measured
	WordOnly                  // はい, and nothing measures it
	Expired                   // the measurement is too old to say anything
	Contradicted              // はい, and the measurement says no
	Better                    // いいえ, and the measurement says yes
	NotDone                   // いいえ
	Exempt                    // 対象外 with a reason and an approver
	Unmeasured                // the check could not look
)

// States lists the nine in the order of the legend.
func States() []State {
	return []State{Proven, Partly, WordOnly, Expired, Contradicted, Better, NotDone, Exempt, Unmeasured}
}

// Mark is the sign beside the colour: nothing is told by colour alone.
func (s State) Mark() string {
	return [...]string{"・", "●", "◐", "○", "⌛", "▲", "△", "✕", "–", "?"}[s]
}

// Label is what a state is called on screens and paper.
func (s State) Label() i18n.Text {
	return [...]i18n.Text{
		{Ja: "未回答", En: "Not answered"}, {Ja: "証拠で確認済み", En: "Confirmed by evidence"}, {Ja: "一部だけ確認", En: "Confirmed in part"}, {Ja: "申告のみ", En: "Claim only"},
		{Ja: "期限切れ", En: "Evidence expired"}, {Ja: "食い違い", En: "Contradiction"}, {Ja: "できているようです。確認を", En: "Seems to be done: please confirm"},
		{Ja: "未実施", En: "Not done"}, {Ja: "対象外", En: "Not applicable"}, {Ja: "測定できず", En: "Could not be measured"},
	}[s]
}

// skew is how far a clock may be ahead before its measurement is not believed.
const skew = 5 * time.Minute

// StateOf joins a claim and a verdict. It never overwrites either, and never takes silence for a yes: without a claim that counts there is no state
// but Open, and Proven needs a measurement that passed, on enough of what there is, that has not expired and does not lie in the future.
func StateOf(c Claim, v Verdict, need Need, now time.Time) State {
	if !c.counts(need, now) {
		return Open
	}
	if c.Reply == catalogue.NotApplicable {
		return Exempt
	}
	seen := v.reading(need, now)
	if seen == blind && (v.Down || v.Outcome != NoCheck) {
		return Unmeasured
	}
	yes := c.Reply == catalogue.Yes
	switch seen {
	case stale:
		if yes || v.Down {
			return Expired
		}
	case good:
		if yes {
			return Proven
		}
		return Better
	case bad:
		if yes {
			return Contradicted
		}
	case some:
		if yes {
			return Partly
		}
	case blind:
		if yes {
			return WordOnly
		}
	}
	return NotDone
}

// counts says whether a claim may be used: はい and いいえ of a day that is not in the future nor before the thing existed, 対象外 with reason and approver.
func (c Claim) counts(need Need, now time.Time) bool {
	if c.On.IsZero() || day(c.On) > day(now) || !need.Since.IsZero() && day(c.On) < day(need.Since) {
		return false
	}
	switch c.Reply {
	case catalogue.Yes, catalogue.No:
		return true
	case catalogue.NotApplicable:
		return strings.TrimSpace(c.Reason) != "" && strings.TrimSpace(c.Approver) != ""
	}
	return false
}

// reading is what a verdict is worth now.
type reading int

const (
	blind reading = iota // nothing was seen, or what was seen cannot be
	stale
	good
	some // good, but of too few
	bad
)

func (v Verdict) reading(need Need, now time.Time) reading {
	impossible := v.At.IsZero() || v.At.After(now.Add(skew)) || v.Measured < 1 || v.Measured > v.Of || v.Missing < 0
	switch {
	case v.Outcome != Pass && v.Outcome != Fail, impossible:
		return blind
	case !v.Until.After(now), !v.Until.After(v.At), v.At.Before(need.Since):
		return stale
	case v.Outcome == Fail:
		return bad
	}
	percent := v.Percent
	if percent == 0 {
		percent = need.Percent
	}
	if percent < 1 || percent > 100 {
		percent = 100
	}
	if v.Missing > 0 || int64(v.Measured)*100 < int64(percent)*int64(v.Of) {
		return some
	}
	return good
}

// Join makes one verdict of an item's checks: it fails when one fails, passes when those that have a result pass, and says how many have none. The
// coverage is the thinnest, the time the oldest, the expiry the first.
func Join(all []Verdict, now time.Time) Verdict {
	var out Verdict
	for _, v := range all {
		if v.Outcome == NoCheck {
			out.Missing++
			out.Down = out.Down || v.Down
			continue
		}
		switch {
		case out.Outcome == NoCheck:
			v.Missing, v.Down = out.Missing+v.Missing, out.Down || v.Down
			out = v
		case failing(v, now) && !failing(out, now):
			v.Missing, v.Down = out.Missing+v.Missing, out.Down || v.Down
			out = v
		case failing(out, now) && !failing(v, now): // the failure stands alone: what passed cannot make it younger or thinner
			out.Missing, out.Down = out.Missing+v.Missing, out.Down || v.Down
		default:
			out = weaker(out, v)
		}
	}
	return out
}

// failing says that a verdict is a no that still counts; an expired no must not hide behind nor in front of a fresh yes.
func failing(v Verdict, now time.Time) bool { return v.reading(Need{}, now) == bad }

func weaker(a, b Verdict) Verdict {
	if b.Outcome == Fail {
		a.Outcome = Fail
	}
	if int64(b.Measured)*int64(a.Of)*a.share() < int64(a.Measured)*int64(b.Of)*b.share() || b.Of < 1 || b.Measured > b.Of {
		a.Measured, a.Of, a.Percent = b.Measured, b.Of, b.Percent
	}
	if b.At.IsZero() || b.At.Before(a.At) {
		a.At = earlier(a.At, b.At)
	}
	a.Until = earlier(a.Until, b.Until)
	a.Missing += b.Missing
	a.Down = a.Down || b.Down
	return a
}

// share is the percentage that has to be measured; the thinner of two verdicts is the one that misses more of its own.
func (v Verdict) share() int64 {
	if v.Percent < 1 || v.Percent > 100 {
		return 100
	}
	return int64(v.Percent)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// day makes days of any zones comparable: what counts is the calendar where each was written.
func day(t time.Time) int {
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}
