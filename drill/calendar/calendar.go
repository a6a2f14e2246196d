// Package calendar says when a drill may send: on working days within business hours, never at night, on holidays, while wards hand over or in
// hours that the hospital has closed. Pure: the caller brings the time. Japan has no summer time, so JST is a fixed offset and needs no zone file.
package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// JST is the zone of every rule here.
var JST = time.FixedZone("JST", 9*60*60)

const (
	day     = 24 * time.Hour
	horizon = 400 // days that Next looks ahead
	maxList = 500 // windows, blackouts
)

// Clock is a time of day in minutes after midnight, 0 to 1440 (24:00, the end of a day).
type Clock int

// At makes a Clock.
func At(hour, minute int) Clock { return Clock(hour*60 + minute) }

// String is "08:30".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// MarshalText and UnmarshalText let a Clock stand in JSON, YAML and forms. 8:30, 08:30, ８：３０ and 24:00 are read.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (c *Clock) UnmarshalText(b []byte) error {
	bad := func() error {
		return fault.Newf(fault.Invalid, "「%s」は時刻として読めません。8:30 のように書いてください。", "%q is not a time of day. Write it as 8:30.", short(string(b)))
	}
	if len(b) > 30 {
		return bad()
	}
	h, m, ok := strings.Cut(strings.TrimSpace(jp.Narrow(string(b))), ":")
	hour, ok1 := digits(h)
	minute, ok2 := digits(m)
	if !ok || !ok1 || !ok2 || len(m) != 2 || minute > 59 || hour > 24 || hour == 24 && minute > 0 {
		return bad()
	}
	*c = At(hour, minute)
	return nil
}

func digits(s string) (n int, ok bool) {
	if s == "" || len(s) > 2 {
		return 0, false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}

func short(s string) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	return string(r[:min(len(r), 30)])
}

// Window is a part of the day, From included, To not. With To before From it runs over midnight and belongs to the day on which it begins.
type Window struct {
	From Clock `json:"from" yaml:"from"`
	To   Clock `json:"to" yaml:"to"`
}

// Quiet is a window in which nothing is sent, and why.
type Quiet struct {
	Window   `yaml:",inline"`
	Kind     Code           `json:"kind" yaml:"kind"`                             // Night, Handover or Duty
	Weekdays []time.Weekday `json:"weekdays,omitempty" yaml:"weekdays,omitempty"` // on which it begins; none means every day
	Note     string         `json:"note,omitempty" yaml:"note,omitempty"`
}

// Blackout is a span of whole days without drills, both ends included: a move, an accreditation visit, a declared incident.
type Blackout struct {
	From string `json:"from" yaml:"from"` // 2026-12-01
	To   string `json:"to" yaml:"to"`
	Why  string `json:"why" yaml:"why"`
}

// Calendar is when one facility's drills may send.
type Calendar struct {
	Weekdays  []time.Weekday `json:"weekdays" yaml:"weekdays"` // on which sending is allowed
	Hours     []Window       `json:"hours" yaml:"hours"`       // within which it is allowed
	Holidays  bool           `json:"holidays" yaml:"holidays"` // send on national holidays and from 29 December to 3 January too
	Quiet     []Quiet        `json:"quiet" yaml:"quiet"`
	Blackouts []Blackout     `json:"blackouts" yaml:"blackouts"`
}

// Default sends on weekdays from 9:00 to 16:30, between the two handovers of a ward; night and the evening's duty are closed as well, so that
// wider hours alone never let a mail out at night.
func Default() Calendar {
	return Calendar{
		Weekdays: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		Hours:    []Window{{At(9, 0), At(16, 30)}},
		Quiet: []Quiet{
			{Window: Window{At(8, 0), At(9, 0)}, Kind: Handover},
			{Window: Window{At(16, 30), At(17, 30)}, Kind: Handover},
			{Window: Window{At(17, 30), At(8, 0)}, Kind: Night},
		},
	}
}

// Code says which rule closes a moment.
type Code string

const (
	Open      Code = ""
	ClosedDay Code = "weekday"
	Holiday   Code = "holiday"
	YearEnd   Code = "year-end"
	Outside   Code = "hours"
	Night     Code = "night"
	Handover  Code = "handover"
	Duty      Code = "duty"
	Black     Code = "blackout"
)

// Reason is why nothing is sent at a moment; the zero value when sending is allowed.
type Reason struct {
	Code Code
	Text i18n.Text
}

// Check refuses calendars that cannot be meant: no hours, a window without length, days that are not dates.
func (c Calendar) Check() error {
	if len(c.Hours)+len(c.Quiet)+len(c.Blackouts) > maxList {
		return fault.Newf(fault.TooLarge, "時間帯と停止期間は合わせて%d件までです。", "Up to %d windows and blackouts.", maxList)
	}
	if len(c.Weekdays) == 0 || len(c.Hours) == 0 {
		return fault.New(fault.Invalid, "送信してよい曜日と時間帯を1つ以上選んでください。", "Choose at least one weekday and one span of hours.")
	}
	windows := slices.Clone(c.Hours)
	for _, q := range c.Quiet {
		if q.Kind != Night && q.Kind != Handover && q.Kind != Duty {
			return fault.Newf(fault.Invalid, "送らない時間帯の種類「%s」は使えません。", "%q is no kind of quiet window.", short(string(q.Kind)))
		}
		windows = append(windows, q.Window)
	}
	for _, w := range windows {
		if w.From < 0 || w.To < 0 || w.From >= 24*60 || w.To > 24*60 || w.From == w.To {
			return fault.Newf(fault.Invalid, "時間帯 %s から %s が正しくありません。", "The window from %s to %s is wrong.", w.From, w.To)
		}
	}
	for _, b := range c.Blackouts {
		from, to, err := b.span()
		if err != nil || !from.Before(to) {
			return fault.Newf(fault.Invalid, "停止期間 %s から %s が正しくありません。2026-12-01 のように書いてください。",
				"The blackout from %s to %s is wrong. Write days as 2026-12-01.", short(b.From), short(b.To))
		}
	}
	return nil
}

// span returns the blackout's first moment and the first moment after it.
func (b Blackout) span() (from, to time.Time, err error) {
	if from, err = time.ParseInLocation(time.DateOnly, b.From, JST); err != nil {
		return from, to, err
	}
	to, err = time.ParseInLocation(time.DateOnly, b.To, JST)
	return from, to.AddDate(0, 0, 1), err
}

// Allowed reports whether a mail may go out at t, and if not, which rule says so. t may be in any zone.
func (c Calendar) Allowed(t time.Time) (bool, Reason) {
	r := c.closed(t.In(JST))
	return r.Code == Open, r
}

func (c Calendar) closed(t time.Time) Reason {
	for _, b := range c.Blackouts {
		from, to, err := b.span()
		if err != nil { // an unreadable blackout closes everything rather than nothing
			return reason(Black, "停止期間の日付が読めません", "the days of a blackout cannot be read")
		}
		if !t.Before(from) && t.Before(to) {
			return reason(Black, "停止期間: "+b.Why, "blackout: "+b.Why)
		}
	}
	if !slices.Contains(c.Weekdays, t.Weekday()) {
		return reason(ClosedDay, jp.Weekday(t)+"曜日は送りません", "nothing is sent on "+t.Weekday().String())
	}
	if !c.Holidays {
		if h := jp.Holiday(t); h != "" {
			return reason(Holiday, h+"(祝日)", "a national holiday ("+h+")")
		}
		if m, d := t.Month(), t.Day(); m == time.December && d >= 29 || m == time.January && d <= 3 {
			return reason(YearEnd, "年末年始", "the days around New Year")
		}
	}
	for _, q := range c.Quiet {
		if q.holds(t, q.Weekdays) {
			return q.reason()
		}
	}
	for _, w := range c.Hours {
		if w.holds(t, c.Weekdays) {
			return Reason{}
		}
	}
	return reason(Outside, "送信してよい時間帯の外", "outside the hours of sending")
}

// holds reports whether t (in JST) lies in the window; over midnight, the weekday is that of the evening before.
func (w Window) holds(t time.Time, days []time.Weekday) bool {
	at := Clock(t.Hour()*60 + t.Minute())
	begins := func(d time.Weekday) bool { return len(days) == 0 || slices.Contains(days, d) }
	if w.From < w.To {
		return w.From <= at && at < w.To && begins(t.Weekday())
	}
	return at >= w.From && begins(t.Weekday()) || at < w.To && begins((t.Weekday()+6)%7)
}

func (q Quiet) reason() Reason {
	r := map[Code]i18n.Text{
		Night:    {Ja: "夜間", En: "night"},
		Handover: {Ja: "申し送りの時間", En: "a handover between shifts"},
		Duty:     {Ja: "当直の時間", En: "hours on duty"},
	}[q.Kind]
	span := fmt.Sprintf(" %s-%s", q.From, q.To)
	if q.Note != "" {
		span += " " + q.Note
	}
	return reason(q.Kind, r.Ja+span, r.En+span)
}

func reason(c Code, ja, en string) Reason { return Reason{c, i18n.Text{Ja: ja, En: en}} }

// Next returns the first moment at or after t at which sending is allowed, in JST, or the zero time when there is none within 400 days.
func (c Calendar) Next(t time.Time) time.Time {
	t = t.In(JST)
	if ok, _ := c.Allowed(t); ok {
		return t
	}
	for _, at := range c.edges(t, horizon) {
		if ok, _ := c.Allowed(at); ok {
			return at
		}
	}
	return time.Time{}
}

// Finish returns when work that takes d of sending time is done if it begins at t or as soon as allowed, or the zero time when the
// allowed hours of 400 days are not enough.
func (c Calendar) Finish(t time.Time, d time.Duration) time.Time {
	t = c.Next(t)
	if t.IsZero() || d <= 0 {
		return t
	}
	edges := c.edges(t, horizon)
	for _, at := range edges {
		if ok, _ := c.Allowed(t); ok {
			if left := at.Sub(t); d <= left {
				return t.Add(d)
			} else { //nolint:revive // reads as the two cases it is
				d -= left
			}
		}
		t = at
	}
	return time.Time{}
}

// edges lists the moments after t at which the answer of Allowed can change, in order. Between two of them it is constant.
func (c Calendar) edges(t time.Time, days int) []time.Time {
	marks := []Clock{0}
	for _, w := range c.Hours {
		marks = append(marks, w.From, w.To)
	}
	for _, q := range c.Quiet {
		marks = append(marks, q.From, q.To)
	}
	slices.Sort(marks)
	marks = slices.Compact(marks)
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, JST)
	var out []time.Time
	for d := range days {
		for _, m := range marks {
			if at := midnight.Add(time.Duration(d)*day + time.Duration(m)*time.Minute); at.After(t) {
				out = append(out, at)
			}
		}
	}
	return out
}

// SteppedBack reports that the clock has gone back since last, a moment that this program saw, by more than the small corrections of a time
// service. Sending then waits for a person: hours and due times cannot be trusted.
func SteppedBack(last, now time.Time) bool { return now.Before(last.Add(-2 * time.Minute)) }
