package setting

import (
	"time"

	"kenshin/fault"
	"kenshin/i18n"
)

// Week is when the weekly mail of tasks goes out, in the facility's time.
type Week struct {
	On   bool         `json:"on"`
	Day  time.Weekday `json:"day"`
	Hour int          `json:"hour"` // 0 to 23
}

// Weekly is the weekly mail: Mondays at eight unless the facility chose otherwise.
func Weekly() Key[Week] {
	return Key[Week]{Name: "notify.weekly", Default: Week{On: true, Day: time.Monday, Hour: 8}, Check: Week.check,
		Title: i18n.Text{Ja: "毎週のお知らせメール", En: "Weekly mail of tasks"}}
}

// WeeklySent is the day of the last weekly mail, "2026-11-23": of a week that was done.
func WeeklySent() Key[string] { return Key[string]{Name: "notify.weekly-sent"} }

func (w Week) check() error {
	if w.Day < time.Sunday || w.Day > time.Saturday || w.Hour < 0 || w.Hour > 23 {
		return fault.New(fault.Invalid, "曜日と時刻(0から23)を選んでください。", "Choose a weekday and an hour from 0 to 23.")
	}
	return nil
}

// Last returns the moment at or before now when the mail was due last.
func (w Week) Last(now time.Time) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day()-int((now.Weekday()-w.Day+7)%7), w.Hour, 0, 0, 0, now.Location())
	if at.After(now) {
		at = at.AddDate(0, 0, -7)
	}
	return at
}
