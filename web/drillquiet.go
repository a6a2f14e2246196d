package web

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenshin/drill/calendar"
	"kenshin/web/page"
)

// span is [weekdays] from - to [note], in any width and with any dash.
var span = regexp.MustCompile(`^(\D*?)\s*(\p{Nd}{1,2}[:：]\p{Nd}{2})\s*[-〜～~－–—ー]\s*(\p{Nd}{1,2}[:：]\p{Nd}{2})(?:\s+(.*))?$`)

// windowOf reads 9:00-16:30.
func windowOf(text string) (calendar.Window, bool) {
	q, ok := quietOf(text)
	return q.Window, ok && len(q.Weekdays) == 0 && q.Note == ""
}

// daysJa and daysEn name the weekdays in lines of quiet windows, Sunday first.
const daysJa = "日月火水木金土"

func daysEn() []string { return []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"} }

// weekdaysOf reads 月金, 月・金 or Mon,Fri.
func weekdaysOf(text string) (out []time.Weekday, ok bool) {
	take := func(n int) {
		if d := time.Weekday(n); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",、・ 　曜", r) }) {
		if n := slices.IndexFunc(daysEn(), func(d string) bool { return strings.EqualFold(d, word) }); n >= 0 {
			take(n)
			continue
		}
		for _, r := range word {
			n := slices.Index([]rune(daysJa), r)
			if n < 0 {
				return nil, false
			}
			take(n)
		}
	}
	slices.Sort(out)
	return out, len(out) > 0
}

// quietText writes the windows of one kind as lines.
func quietText(list []calendar.Quiet, kind calendar.Code) string {
	var lines []string
	for _, q := range list {
		if q.Kind != kind {
			continue
		}
		days := ""
		for _, d := range q.Weekdays {
			days += string([]rune(daysJa)[d])
		}
		lines = append(lines, strings.TrimSpace(days+" "+q.From.String()+"-"+q.To.String()+" "+q.Note))
	}
	return strings.Join(lines, "\n")
}

// quietTyped reads the times at which nothing is ever sent: [weekdays] from-to [note], one a line. A form without the fields changes nothing.
func (v *visit) quietTyped(old []calendar.Quiet, f url.Values, errs page.Errors) (out []calendar.Quiet) {
	if !f.Has("night") && !f.Has("handover") && !f.Has("duty") {
		return old
	}
	for _, field := range []struct {
		name string
		kind calendar.Code
	}{{"handover", calendar.Handover}, {"night", calendar.Night}, {"duty", calendar.Duty}} {
		for line := range strings.Lines(f.Get(field.name)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			q, ok := quietOf(line)
			if q.Kind = field.kind; !ok {
				errs[field.name] = v.t("「%s」は 22:00-06:00 か、月金 13:00-14:00 のように書いてください。", "Write “%s” like 22:00-06:00 or Mon,Fri 13:00-14:00.", cut(line, 60))
				continue
			}
			out = append(out, q)
		}
	}
	return out
}

func quietOf(line string) (q calendar.Quiet, ok bool) {
	m := span.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil || q.From.UnmarshalText([]byte(m[2])) != nil || q.To.UnmarshalText([]byte(m[3])) != nil || q.From == q.To || q.From == calendar.At(24, 0) {
		return q, false
	}
	if m[1] != "" {
		if q.Weekdays, ok = weekdaysOf(m[1]); !ok {
			return q, false
		}
	}
	q.Note = cut(m[4], 100)
	return q, true
}
