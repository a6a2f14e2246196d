package assess

import (
	"fmt"
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/i18n"
	"kenshin/jp"
)

// Answered is one item with all that is known of it.
type Answered struct {
	Item    catalogue.Item
	Claim   Claim
	Verdict Verdict
	Need    Need
	Excuse  string // why はい is printed against a contradiction; it is printed too
}

// State is StateOf for it.
func (a Answered) State(now time.Time) State { return StateOf(a.Claim, a.Verdict, a.Need, now) }

// Gap is an item that keeps a round from being complete, with why in one sentence.
type Gap struct {
	Item string // id
	Why  i18n.Text
}

// Round is where one round stands. Round 1 is complete when every item is answered and dated, round 2 when every item is done.
type Round struct {
	Total int // items that the form asks, given the answers
	Ready int
	Gaps  []Gap
}

// Complete says that nothing is left. A form without items is not complete.
func (r Round) Complete() bool { return r.Total > 0 && len(r.Gaps) == 0 }

// Rounds returns both rounds of a form on a day. An item that Stops (いいえ to "uses systems at all") leaves only itself to be answered.
func Rounds(c catalogue.Catalogue, all []Answered, now time.Time) (first, second Round) {
	for _, a := range asked(all, now) {
		first.Total++
		second.Total++
		if why := unanswered(c, a, now); why.Ja != "" {
			first.Gaps = append(first.Gaps, Gap{a.Item.ID, why})
			second.Gaps = append(second.Gaps, Gap{a.Item.ID, why})
			continue
		}
		first.Ready++
		if why := undone(c, a, now); why.Ja != "" {
			second.Gaps = append(second.Gaps, Gap{a.Item.ID, why})
			continue
		}
		second.Ready++
	}
	return first, second
}

// asked drops what the form no longer asks.
func asked(all []Answered, now time.Time) []Answered {
	for _, a := range all {
		if a.Item.Stops && a.Claim.Reply == catalogue.No && a.Claim.counts(a.Need, now) {
			return []Answered{a}
		}
	}
	return all
}

func unanswered(c catalogue.Catalogue, a Answered, now time.Time) i18n.Text {
	if p := CheckClaim(c, a.Item, a.Claim, now); len(p) > 0 {
		return p[0]
	}
	if !a.Claim.counts(a.Need, now) {
		return i18n.Text{Ja: "確認日が、対象の始まった日より前です。改めて確認してください。", En: "The date is before what is asked about began. Confirm it again."}
	}
	return i18n.Text{}
}

func undone(c catalogue.Catalogue, a Answered, now time.Time) i18n.Text {
	switch s := a.State(now); {
	case a.Item.Stops && a.Claim.Reply == catalogue.No, s == Exempt:
		return i18n.Text{}
	case a.Claim.Reply != catalogue.Yes:
		due := LastDay(c.DueYear(a.Item))
		if !a.Claim.Target.IsZero() {
			due = a.Claim.Target
		}
		if day(due) < day(now) {
			return i18n.Text{Ja: "まだ「いいえ」です（目標の" + jp.Wareki(due) + "を過ぎています）。", En: "Still no (the target " + due.Format(time.DateOnly) + " has passed)."}
		}
		return i18n.Text{Ja: "まだ「いいえ」です（目標 " + jp.Wareki(due) + "）。", En: "Still no (target " + due.Format(time.DateOnly) + ")."}
	case s == Contradicted && strings.TrimSpace(a.Excuse) == "":
		return i18n.Text{Ja: "「はい」ですが、測定と食い違っています。直すか、理由を書いてください。", En: "It says yes but the measurement disagrees. Correct it or give the reason."}
	}
	return i18n.Text{}
}

// LastDay is 31 March of a fiscal year (the year in which it begins).
func LastDay(fiscalYear int) time.Time {
	return time.Date(fiscalYear+1, time.March, 31, 0, 0, 0, 0, time.UTC)
}

// Over reports whether the year of a checklist's edition has ended: what was due is past, and the next edition asks anew.
func Over(c catalogue.Catalogue, now time.Time) bool {
	return c.Kind == catalogue.Checklist && c.FiscalYear > 0 && day(now) > day(LastDay(c.FiscalYear))
}

// Due is the last day on which an item has to be はい, and, where a dated plan is enough for that, the last day for the thing itself (else zero).
func Due(c catalogue.Catalogue, i catalogue.Item) (answer, done time.Time) {
	answer = LastDay(c.DueYear(i))
	if i.Horizon != 0 {
		done = LastDay(i.Horizon)
	}
	return answer, done
}

// CheckClaim says what is wrong with a person's answer, one sentence each; none when it counts. Target dates have to lie in the edition's fiscal year,
// not before the answer's own day.
func CheckClaim(c catalogue.Catalogue, i catalogue.Item, claim Claim, now time.Time) []i18n.Text {
	var out []i18n.Text
	say := func(ja, en string, args ...any) {
		out = append(out, i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)})
	}
	switch claim.Reply {
	case catalogue.Yes, catalogue.No:
	case catalogue.NotApplicable:
		if strings.TrimSpace(claim.Reason) == "" || strings.TrimSpace(claim.Approver) == "" {
			say("「対象外」には、理由と認めた人が要ります。", "Not applicable needs a reason and who agreed.")
		}
	case catalogue.Unknown:
		say("「分からない」は答えになりません。業者か支援団体に聞いて、答えを入れてください。", "Don't know is no answer yet. Ask the vendor or the support body.")
		return out
	default:
		say("まだ答えていません。", "Not answered yet.")
		return out
	}
	if claim.On.IsZero() {
		say("確認した日を入れてください。", "Give the day on which it was confirmed.")
	}
	if claim.Reply == catalogue.No && !i.Stops && claim.Target.IsZero() {
		_, last := targets(c, claim, now)
		say("「いいえ」には、年度内の目標日（%[1]sまで）が要ります。", "No needs a target date in the fiscal year (by %[2]s).", jp.Wareki(last), last.Format(time.DateOnly))
	}
	return append(out, impossible(c, i, claim, now)...)
}

// targets is where a target date has to lie: in the fiscal year of the edition, or in the year of the answer where no newer edition has come.
func targets(c catalogue.Catalogue, claim Claim, now time.Time) (first, last time.Time) {
	year := c.FiscalYear
	if on := claim.On; !on.IsZero() && day(on) <= day(now) {
		year = max(year, jp.FiscalYear(on))
	}
	return LastDay(year-1).AddDate(0, 0, 1), LastDay(year)
}

// impossible says which dates of an answer cannot be; what only is missing is not here.
func impossible(c catalogue.Catalogue, i catalogue.Item, claim Claim, now time.Time) []i18n.Text {
	var out []i18n.Text
	say := func(ja, en string, args ...any) {
		out = append(out, i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)})
	}
	begin := LastDay(c.FiscalYear-1).AddDate(0, 0, 1)
	switch on := claim.On; {
	case on.IsZero():
	case day(on) > day(now):
		say("確認日（%[1]s）が未来です。", "The date (%[2]s) lies in the future.", jp.Wareki(on), on.Format(time.DateOnly))
	case c.Kind == catalogue.Checklist && day(on) < day(begin):
		say("確認日（%[1]s）が、この版の年度（%[2]sから）より前です。今年度に確かめた日を入れてください。", "The date (%[3]s) is before this edition's fiscal year (from %[4]s). Give a day of this year.",
			jp.Wareki(on), jp.Wareki(begin), on.Format(time.DateOnly), begin.Format(time.DateOnly))
	}
	if claim.Reply == catalogue.No && !i.Stops && !claim.Target.IsZero() {
		checkTarget(c, claim, now, say)
	}
	return out
}

func checkTarget(c catalogue.Catalogue, claim Claim, now time.Time, say func(ja, en string, args ...any)) {
	first, last := targets(c, claim, now)
	switch t := claim.Target; {
	case day(t) < day(first) || day(t) > day(last):
		say("目標日（%[1]s）は年度内（%[2]sまで）にしてください。", "The target (%[3]s) has to be in the fiscal year (by %[4]s).", jp.Wareki(t), jp.Wareki(last), t.Format(time.DateOnly), last.Format(time.DateOnly))
	case !claim.On.IsZero() && day(t) < day(claim.On):
		say("目標日（%[1]s）が確認日より前です。", "The target (%[2]s) is before the day of the answer.", jp.Wareki(t), t.Format(time.DateOnly))
	}
}
