package page

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kenshin/gate"
	"kenshin/i18n"
)

var weekdays = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// day writes a date: 令和8年11月21日(土), 21 Nov 2026. Years before 令和 stay western.
func day(ctx context.Context, at time.Time) string {
	at = at.In(shell(ctx).Now.Location())
	if i18n.From(ctx) == i18n.En {
		return at.Format("2 Jan 2006 (Mon)")
	}
	return fmt.Sprintf("%s%d月%d日(%s)", era(at), at.Month(), at.Day(), weekdays[at.Weekday()])
}

func era(at time.Time) string {
	if at.Before(time.Date(2019, 5, 1, 0, 0, 0, 0, at.Location())) {
		return fmt.Sprintf("%d年", at.Year())
	}
	if at.Year() == 2019 {
		return "令和元年"
	}
	return fmt.Sprintf("令和%d年", at.Year()-2018)
}

// date is a short date of this year, with the year when it is another one.
func date(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return "—"
	}
	now := shell(ctx).Now
	at = at.In(now.Location())
	en := i18n.From(ctx) == i18n.En
	switch {
	case en && at.Year() == now.Year():
		return at.Format("2 Jan")
	case en:
		return at.Format("2 Jan 2006")
	case at.Year() == now.Year():
		return fmt.Sprintf("%d月%d日", at.Month(), at.Day())
	}
	return fmt.Sprintf("%s%d月%d日", era(at), at.Month(), at.Day())
}

// stamp is a date with its time: きょう 9:14, きのう 16:42, 11月20日 9:14.
func stamp(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return "—"
	}
	now := shell(ctx).Now
	at = at.In(now.Location())
	clock := at.Format("15:04")
	switch daysBetween(at, now) {
	case 0:
		return t(ctx, "きょう ", "Today ") + clock
	case 1:
		return t(ctx, "きのう ", "Yesterday ") + clock
	}
	return date(ctx, at) + " " + clock
}

// ago says how long since: いま, 3分前, 5時間前, きのう 16:42, 11月2日.
func ago(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return t(ctx, "見ていない", "Never seen")
	}
	now := shell(ctx).Now
	d := now.Sub(at)
	switch {
	case d < 2*time.Minute:
		return t(ctx, "いま", "Now")
	case d < time.Hour:
		return t(ctx, "%d分前", "%d min ago", int(d.Minutes()))
	case d < 12*time.Hour:
		return t(ctx, "%d時間前", "%d h ago", int(d.Hours()))
	case daysBetween(at.In(now.Location()), now) <= 1:
		return stamp(ctx, at)
	}
	return date(ctx, at)
}

// hourOf says in which hour something was, for what is only counted by the hour: この1時間, きょう 9時台, 11月20日 9時台.
func hourOf(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return "—"
	}
	now := shell(ctx).Now
	at = at.In(now.Location())
	if d := now.Sub(at); d >= 0 && d < time.Hour {
		return t(ctx, "この1時間", "This hour")
	}
	day := date(ctx, at)
	switch daysBetween(at, now) {
	case 0:
		day = t(ctx, "きょう", "Today")
	case 1:
		day = t(ctx, "きのう", "Yesterday")
	}
	return day + " " + t(ctx, "%d時台", "%[1]02d:00–%[1]02d:59", at.Hour())
}

// seenSpan says from when until when something was seen, each in the same words.
func seenSpan(ctx context.Context, from, to time.Time) string {
	if from.IsZero() {
		return t(ctx, "見ていない", "Never seen")
	}
	return stamp(ctx, from) + t(ctx, " 〜 ", " – ") + stamp(ctx, to)
}

func daysBetween(a, b time.Time) int {
	y1, m1, d1 := a.Date()
	y2, m2, d2 := b.Date()
	from := time.Date(y1, m1, d1, 12, 0, 0, 0, time.UTC)
	return int(time.Date(y2, m2, d2, 12, 0, 0, 0, time.UTC).Sub(from).Hours() / 24)
}

// machine is a time for <time datetime>.
func machine(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// span says a length of time in the one or two units that matter.
func span(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Second:
		return t(ctx, "1秒未満", "under 1 s")
	case d < time.Minute:
		return t(ctx, "%d秒", "%d s", int(d.Seconds()))
	case d < time.Hour:
		return t(ctx, "%d分%d秒", "%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return t(ctx, "%d時間%d分", "%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return t(ctx, "%d日", "%d days", int(d.Hours()/24))
}

// n writes a number with commas.
func n[T ~int | ~int64](v T) string {
	s := strconv.FormatInt(int64(v), 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// size writes bytes as people read them.
func size(b int64) string {
	switch {
	case b < 1024:
		return fmt.Sprintf("%d B", b)
	case b < 1024*1024:
		return fmt.Sprintf("%d KB", (b+1023)/1024)
	}
	return fmt.Sprintf("%.1f MB", float64(b)/1024/1024)
}

func percent(f float64) string { return strconv.Itoa(int(f*100+0.5)) + "%" }

// hours says a daily window: 一日中, 20:00〜6:00.
func hours(ctx context.Context, h gate.Hours) string {
	if h.From == h.To {
		return t(ctx, "一日中", "All day")
	}
	return clock(h.From) + t(ctx, "〜", "–") + clock(h.To)
}

// clock writes minutes after midnight as 08:30.
func clock(m int) string { return fmt.Sprintf("%02d:%02d", m/60%24, m%60) }

// agoOr is ago for things that people do: まだ when it never happened.
func agoOr(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return t(ctx, "まだ", "Not yet")
	}
	return ago(ctx, at)
}
