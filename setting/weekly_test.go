package setting_test

import (
	"testing"
	"time"

	"kenshin/setting"
)

func TestWhenTheWeeklyMailWasDue(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	w := setting.Week{On: true, Day: time.Monday, Hour: 8}
	for now, want := range map[string]string{
		"2026-11-23 08:00": "2026-11-23", // a Monday
		"2026-11-23 07:59": "2026-11-16",
		"2026-11-22 23:00": "2026-11-16",
		"2026-11-28 12:00": "2026-11-23",
		"2027-01-03 12:00": "2026-12-28",
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", now, tokyo)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Last(at).Format("2006-01-02 15"); got != want+" 08" {
			t.Errorf("%s: %s, want %s", now, got, want)
		}
	}
}
