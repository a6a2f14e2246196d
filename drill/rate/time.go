package rate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"kenshin/i18n"
)

// Time is one recipient: how long after the mail's acceptance it happened, or, when it did not, how long the recipient was watched.
type Time struct {
	After time.Duration
	Seen  bool
}

// Point is a step of a curve: the share of all recipients of whom it had happened by After.
type Point struct {
	After  time.Duration `json:"after"`
	Count  int           `json:"count"`   // of whom it had happened, as counted
	AtRisk int           `json:"at_risk"` // who were still watched and had not, just before
	Share  float64       `json:"share"`   // estimated by Kaplan and Meier, 0..1
	Error  float64       `json:"error"`   // Greenwood's standard error of Share
	Low    float64       `json:"low"`     // 95 %, Share ± 1.96 Error within 0..1
	High   float64       `json:"high"`
}

// Curve is 1 - S of Kaplan and Meier (J. Am. Stat. Assoc. 1958): who was watched for a shorter time counts only as long as watched. One point
// for each time at which something happened. Negative times count as 0: clocks may differ a little.
func Curve(ts []Time) []Point {
	ts = slices.Clone(ts)
	for i := range ts {
		ts[i].After = max(ts[i].After, 0)
	}
	slices.SortFunc(ts, func(a, b Time) int { return cmp.Compare(a.After, b.After) })
	var out []Point
	left, greenwood, count := 1.0, 0.0, 0
	for i := 0; i < len(ts); {
		at, d, end := ts[i].After, 0, i
		for end < len(ts) && ts[end].After == at {
			if ts[end].Seen {
				d++
			}
			end++
		}
		if risk := len(ts) - i; d > 0 {
			left *= 1 - float64(d)/float64(risk)
			if risk > d {
				greenwood += float64(d) / (float64(risk) * float64(risk-d))
			}
			count += d
			se := left * math.Sqrt(greenwood)
			out = append(out, Point{After: at, Count: count, AtRisk: risk, Share: 1 - left, Error: se, Low: max(0, 1-left-z*se), High: min(1, 1-left+z*se)})
		}
		i = end
	}
	return out
}

// OfAll is the time by which it had happened to a share q of all recipients (0 < q <= 1), by Kaplan and Meier; false when it
// never came so far.
func OfAll(curve []Point, q float64) (time.Duration, bool) {
	for _, p := range curve {
		if p.Share >= q-1e-12 {
			return p.After, true
		}
	}
	return 0, false
}

// OfThose is the quantile q among those to whom it happened, nearest rank, unlike OfAll blind for the others; false for none.
func OfThose(ts []Time, q float64) (time.Duration, bool) {
	var seen []time.Duration
	for _, t := range ts {
		if t.Seen {
			seen = append(seen, max(t.After, 0))
		}
	}
	if len(seen) == 0 {
		return 0, false
	}
	slices.Sort(seen)
	rank := int(math.Ceil(q * float64(len(seen))))
	return seen[min(max(rank, 1), len(seen))-1], true
}

// Median says how long it took, in words that name over whom it was reckoned.
func Median(ts []Time) i18n.Text {
	own, ok := OfThose(ts, 0.5)
	if !ok {
		return i18n.Text{Ja: "まだだれもいません", En: "nobody yet"}
	}
	n := 0
	for _, t := range ts {
		if t.Seen {
			n++
		}
	}
	o := Span(own)
	all, reached := OfAll(Curve(ts), 0.5)
	if !reached {
		return i18n.Text{
			Ja: fmt.Sprintf("した人(%d人)の中央値 %s。全員(%d人)の半数には達していません", n, o.Ja, len(ts)),
			En: fmt.Sprintf("median %s among the %d who did; half of all %d was not reached", o.En, n, len(ts)),
		}
	}
	a := Span(all)
	return i18n.Text{
		Ja: fmt.Sprintf("した人(%d人)の中央値 %s。全員(%d人)の半数に達するまで %s", n, o.Ja, len(ts), a.Ja),
		En: fmt.Sprintf("median %s among the %d who did; half of all %d after %s", o.En, n, len(ts), a.En),
	}
}

// Span is a duration in words, to the second below an hour, to the minute below a day, to the hour above.
func Span(d time.Duration) i18n.Text {
	d = max(d, 0)
	h, m, s := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case d < time.Minute:
		return i18n.Text{Ja: fmt.Sprintf("%d秒", s), En: fmt.Sprintf("%d s", s)}
	case d < time.Hour:
		return i18n.Text{Ja: fmt.Sprintf("%d分%d秒", m, s), En: fmt.Sprintf("%d min %d s", m, s)}
	case d < 24*time.Hour:
		return i18n.Text{Ja: fmt.Sprintf("%d時間%d分", h, m), En: fmt.Sprintf("%d h %d min", h, m)}
	}
	return i18n.Text{Ja: fmt.Sprintf("%d日%d時間", h/24, h%24), En: fmt.Sprintf("%d d %d h", h/24, h%24)}
}
