package preflight

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
)

const (
	leastReason  = 10             // characters of a waiver's reason
	freshFor     = 24 * time.Hour // how long an outcome speaks for a drill
	watchAtLeast = 15 * time.Minute
)

// Waiver is a person's decision to start although a check is not green. It covers what was seen when it was given: should the check later
// find something worse, or say something else, it has to be decided anew.
type Waiver struct {
	Check  string    `json:"check"`
	State  State     `json:"state"` // Warn, Unknown or Bad, as seen
	Says   i18n.Text `json:"says"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Waive makes a waiver for an outcome.
func Waive(o Outcome, by, reason string, now time.Time) (Waiver, error) {
	reason = strings.TrimSpace(reason)
	if strings.TrimSpace(by) == "" {
		return Waiver{}, fault.New(fault.Denied, "だれが判断したか分かりません。", "It is not known who decided.")
	}
	if n := utf8.RuneCountInString(reason); n < leastReason || n > 1000 {
		return Waiver{}, fault.Newf(fault.Invalid, "このまま進める理由を%d文字以上1000文字以内で書いてください。", "Write why the drill may start all the same (%d to 1000 characters).", leastReason)
	}
	if o.State == OK {
		return Waiver{}, fault.New(fault.Conflict, "この項目に問題はありません。", "Nothing is wrong with this check.")
	}
	return Waiver{Check: o.Check, State: o.State, Says: o.Says, By: by, Reason: reason, At: now}, nil
}

func (w Waiver) covers(o Outcome) bool {
	return w.Check == o.Check && w.State == o.State && w.Says == o.Says && w.By != "" && utf8.RuneCountInString(w.Reason) >= leastReason
}

// Report is the whole preflight at one time.
type Report struct {
	Green    bool
	Open     []string // ids that keep it from being green, in the order of the checks
	Outcomes []Outcome
	Waived   []Waiver // those that count
}

// Judge puts outcomes and waivers together. Green means that nothing is bad or unknown unless a person waived it; a check that did not run,
// or more than a day ago, is unknown. Warnings are shown and stop nothing.
func Judge(outcomes []Outcome, waivers []Waiver, now time.Time) Report {
	var r Report
	for _, c := range Checks() {
		o := Outcome{Check: c.ID, Result: result(Unknown, "まだ調べていません。", "Not checked yet.")}
		for _, have := range outcomes { // the last one counts
			if have.Check == c.ID && !have.At.Before(o.At) {
				o = have
			}
		}
		if age := now.Sub(o.At); !o.At.IsZero() && (age > freshFor || age < -5*time.Minute) {
			o.Result = result(Unknown, "前に調べてから1日以上たっています。もう一度調べてください。", "It was checked more than a day ago. Check again.", o.Facts...)
		}
		r.Outcomes = append(r.Outcomes, o)
		if o.State == OK || o.State == Warn {
			continue
		}
		if i := slices.IndexFunc(waivers, func(w Waiver) bool { return w.covers(o) }); i >= 0 {
			r.Waived = append(r.Waived, waivers[i])
		} else {
			r.Open = append(r.Open, c.ID)
		}
	}
	r.Green = len(r.Open) == 0
	return r
}
