package web

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/calendar"
)

func TestQuietLinesAreReadAsPeopleWriteThem(t *testing.T) {
	at := calendar.At
	w := func(a, b calendar.Clock) calendar.Window { return calendar.Window{From: a, To: b} }
	for line, want := range map[string]calendar.Quiet{
		"22:00-06:00":            {Window: w(at(22, 0), at(6, 0))},
		"２２：００～６：００":             {Window: w(at(22, 0), at(6, 0))},
		"8:30 〜 9:00":            {Window: w(at(8, 30), at(9, 0))},
		"月金 13:00-14:00":         {Window: w(at(13, 0), at(14, 0)), Weekdays: []time.Weekday{1, 5}},
		"土曜・日曜 0:00-24:00 救急当番①": {Window: w(0, at(24, 0)), Weekdays: []time.Weekday{0, 6}, Note: "救急当番①"},
		"Mon,Fri 13:00-14:00":    {Window: w(at(13, 0), at(14, 0)), Weekdays: []time.Weekday{1, 5}},
	} {
		if got, ok := quietOf(line); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"夜", "22:00", "22:00-22:00", "25:00-06:00", "22-6", "毎月 13:00-14:00", "24:00-06:00", "22:00-06:00x", "月金13:00"} {
		if got, ok := quietOf(line); ok {
			t.Errorf("%q was read as %+v", line, got)
		}
	}
}

// The night and the handovers are on the settings page: kept when nothing is touched, changed when they are, refused with the field when wrong.
func TestQuietWindowsOnTheSettingsPage(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	ctx := c.as(actor.Admin)
	s, err := c.Drills.Settings(ctx, c.f)
	c.must(err)
	s.Hours = calendar.Default()
	s.Hours.Quiet = append(s.Hours.Quiet, calendar.Quiet{Window: calendar.Window{From: calendar.At(12, 0), To: calendar.At(13, 0)}, Kind: calendar.Duty, Weekdays: []time.Weekday{1, 5}, Note: "外来①"})
	c.must(c.Drills.SaveSettings(ctx, c.f, s, drill.Secrets{}))
	const at = "/drills/settings"
	fields := func(more ...string) []string {
		return append([]string{"domain", s.Domain, "base", s.Base, "contact", s.Contact, "relay-kind", "smtp", "relay-host", "127.0.0.1", "relay-port", "9", "relay-security", "none",
			"per_day", "2000", "apart", "14", "quiet", "10", "nameless", "180", "lines", "1", "weekday", "1", "hours", "09:00-16:30"}, more...)
	}
	now := func() []calendar.Quiet {
		t.Helper()
		s, err := c.Drills.Settings(ctx, c.f)
		c.must(err)
		return s.Hours.Quiet
	}
	page := c.get(actor.Admin, at).is(http.StatusOK, "17:30-08:00", "08:00-09:00\n16:30-17:30", "月金 12:00-13:00 外来①", "夜間", "申し送り").Body.String()
	if strings.Count(page, `name="night"`) != 1 {
		t.Error("no field for the night")
	}
	c.post(actor.Admin, at, fields("night", "17:30-08:00", "handover", "08:00-09:00\r\n16:30-17:30", "duty", "月金 12:00-13:00 外来①")...).is(http.StatusSeeOther)
	if got := now(); len(got) != 4 || !reflect.DeepEqual(got[3], s.Hours.Quiet[3]) {
		t.Errorf("nothing was touched, but: %+v", got)
	}
	c.post(actor.Admin, at, fields("night", "夜は22時から", "handover", "", "duty", "")...).is(http.StatusUnprocessableEntity, "「夜は22時から」は 22:00-06:00 か", "夜は22時から</textarea>")
	if got := now(); len(got) != 4 {
		t.Errorf("a refused form changed it: %+v", got)
	}
	c.post(actor.Admin, at, fields("night", "２２：００〜６：００", "handover", "", "duty", "")...).is(http.StatusSeeOther)
	if got := now(); len(got) != 1 || got[0].Kind != calendar.Night || got[0].From != calendar.At(22, 0) || got[0].To != calendar.At(6, 0) {
		t.Errorf("%+v", got)
	}
}
