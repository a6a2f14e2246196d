package assess

import (
	"fmt"
	"slices"
	"time"

	"kenshin/evidence"
	"kenshin/i18n"
)

// check is one thing that is measured: what catalogue/checks.yaml calls by this id. Version grows when the judgement changes.
type check struct {
	id      string
	version int
	run     func(v *facts, days int) []result
}

// result is what a check says of the facility (subject "") or of one system. until is At plus the check's days where it is zero.
type result struct {
	subject      string
	outcome      evidence.Outcome
	measured, of int
	from, at     time.Time
	until        time.Time
	says         i18n.Text
	bad          []evidence.Ref
	down         bool
}

// checks lists all of them.
func checks() []check {
	return slices.Concat(ledgerChecks(), systemChecks(), registerChecks(), lineChecks())
}

// records makes what is kept of a check's results.
func (c check) records(v *facts, days int) []evidence.Record {
	var out []evidence.Record
	for _, r := range c.run(v, days) {
		rec := evidence.Record{Check: c.id, Version: c.version, Subject: r.subject, Outcome: r.outcome, Measured: r.measured, Of: r.of, From: r.from, At: r.at, Until: r.until,
			Says: r.says, Bad: r.bad, Down: r.down}
		if rec.Outcome == evidence.Pass && rec.Measured == 0 { // silence is never a pass, whatever a check says
			rec.Outcome = evidence.None
		}
		if rec.At.IsZero() {
			rec.At = v.now
		}
		if rec.Until.IsZero() {
			rec.Until = rec.At.AddDate(0, 0, days)
		}
		out = append(out, rec)
	}
	return out
}

// nothing says why there is no result.
func nothing(ja, en string) []result {
	return []result{{outcome: evidence.None, says: t(ja, en)}}
}

func says(ja, en string, args ...any) i18n.Text {
	return i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
}

// aged are rows of a register, told apart by whether they still count.
type aged struct {
	fresh, stale []entry
	undated      int
}

// age sorts rows by whether they were proven within so many days.
func (v *facts) age(rows []entry, days int) (a aged) {
	for _, r := range rows {
		switch {
		case r.day.IsZero():
			a.undated++
		case r.day.After(v.now) || !v.now.Before(r.day.AddDate(0, 0, days)):
			a.stale = append(a.stale, r)
		default:
			a.fresh = append(a.fresh, r)
		}
	}
	return a
}

// span is when the oldest and the newest of rows were proven.
func span(rows []entry) (from, at time.Time) {
	for _, r := range rows {
		if from.IsZero() || r.day.Before(from) {
			from = r.day
		}
		if r.day.After(at) {
			at = r.day
		}
	}
	return from, at
}

// of makes a result of the rows that count: bad ones make it fail, n of N were proven lately, and it counts until the first of them has to be proven
// again. Without any that counts it is what the old ones said, which has expired; without a day it is nothing.
func (v *facts) of(a aged, n, of, days int, bad []evidence.Ref, text i18n.Text) result {
	r := result{outcome: evidence.Pass, measured: n, of: max(of, n), says: text, bad: bad}
	if len(bad) > 0 {
		r.outcome = evidence.Fail
	}
	switch {
	case len(a.fresh) > 0:
		r.from, r.at = span(a.fresh)
		r.until = r.from.AddDate(0, 0, days)
	case len(a.stale) > 0:
		r.from, r.at = span(a.stale)
		r.outcome, r.bad = evidence.Pass, nil
		r.measured, r.of = len(a.stale), max(len(a.stale), of)
		r.until = r.at.AddDate(0, 0, days)
		r.says = says("%[1]d日より前に確かめたものしかありません（最後は%[2]s）。", "Only records older than %[1]d days (the last of %[3]s).", days, wareki(r.at), r.at.Format(time.DateOnly))
	default:
		r.outcome, r.measured, r.bad = evidence.None, 0, nil
	}
	return r
}
