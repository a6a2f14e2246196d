// Package rate holds the arithmetic of a drill: shares that carry their numerator, denominator and interval, times until something happened,
// and comparisons that say when they mean nothing.
package rate

import (
	"fmt"
	"math"
	"slices"

	"kenshin/i18n"
)

// z is the 97.5 % point of the normal distribution: all intervals here are 95 %.
const z = 1.959963984540054

// Smallest is the number of people below which a share would tell about single persons.
const Smallest = 5

// Rate is a share of people: Count of Of. Of = 0 is "nobody was asked".
type Rate struct {
	Count int `json:"count"`
	Of    int `json:"of"`
}

// Share is Count/Of in 0..1, 0 when nobody was asked.
func (r Rate) Share() float64 {
	if r.Of <= 0 {
		return 0
	}
	return float64(r.Count) / float64(r.Of)
}

// Interval is Wilson's 95 % score interval without continuity correction (Wilson, J. Am. Stat. Assoc. 1927; method 3 of Newcombe, Stat. Med.
// 1998, 17:857), in 0..1. Nobody asked gives 0..1: nothing is known.
func (r Rate) Interval() (low, high float64) {
	if r.Of <= 0 {
		return 0, 1
	}
	n, p := float64(r.Of), r.Share()
	mid := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = (mid-half)/(1+z*z/n), (mid+half)/(1+z*z/n)
	if r.Count == 0 {
		low = 0 // exactly, whatever the last digit of a float says
	}
	if r.Count == r.Of {
		high = 1
	}
	return max(low, 0), min(high, 1)
}

// Shown is false for groups so small that a share would tell about single persons.
func (r Rate) Shown() bool { return r.Of >= Smallest }

// Text is the rate in words: 「12 / 120人 (10.0 %、95 %信頼区間 5.8–16.7 %)」. A group that is too small gives the reason instead.
func (r Rate) Text() i18n.Text {
	if r.Of <= 0 {
		return i18n.Text{Ja: "対象者なし", En: "nobody"}
	}
	if !r.Shown() {
		return i18n.Text{Ja: fmt.Sprintf("%d人未満のため表示しません", Smallest), En: fmt.Sprintf("fewer than %d people: not shown", Smallest)}
	}
	low, high := r.Interval()
	return i18n.Text{
		Ja: fmt.Sprintf("%d / %d人 (%s、95 %%信頼区間 %s–%s)", r.Count, r.Of, percent(r.Share()), digits(low), percent(high)),
		En: fmt.Sprintf("%d of %d people (%s, 95 %% interval %s–%s)", r.Count, r.Of, percent(r.Share()), digits(low), percent(high)),
	}
}

func digits(share float64) string  { return fmt.Sprintf("%.1f", 100*share) }
func percent(share float64) string { return digits(share) + " %" }

// Hidden says which parts of a whole must not be shown: those that are too small and, when these together are still too small, so
// many of the next smallest that nobody can work them out from the whole.
func Hidden(parts []Rate) []bool {
	out := make([]bool, len(parts))
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return parts[a].Of - parts[b].Of })
	people, some := 0, false
	for _, i := range order {
		if parts[i].Of <= 0 {
			continue
		}
		if parts[i].Shown() && (!some || people >= Smallest) {
			break
		}
		out[i], some = true, true
		people += parts[i].Of
	}
	return out
}
