package jp

import "time"

// Holiday returns the name of the national holiday that t is in its own zone, "" for any other day. It knows 2020 to 2099: 国民の祝日に
// 関する法律 with its substitute (3条2項) and between-two-holidays (3条3項) rules, and the moved days of 2020 and 2021.
func Holiday(t time.Time) string {
	y, m, d := t.Date()
	at := day(y, m, d)
	if name := named(at); name != "" {
		return name
	}
	if y < 2020 || y > 2099 {
		return ""
	}
	for before := at.AddDate(0, 0, -1); named(before) != ""; before = before.AddDate(0, 0, -1) {
		if before.Weekday() == time.Sunday {
			return "振替休日"
		}
	}
	if named(at.AddDate(0, 0, -1)) != "" && named(at.AddDate(0, 0, 1)) != "" && at.Weekday() != time.Sunday {
		return "国民の休日"
	}
	return ""
}

// Workday reports a day on which offices work: Monday to Friday, no holiday, not 29 December to 3 January.
func Workday(t time.Time) bool {
	_, m, d := t.Date()
	closed := m == time.December && d >= 29 || m == time.January && d <= 3
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !closed && Holiday(t) == ""
}

// named is the holiday that the law sets on this very day.
func named(at time.Time) string {
	y, m, d := at.Date()
	if y < 2020 || y > 2099 {
		return ""
	}
	if y == 2020 || y == 2021 {
		if name, known := olympic(y, m, d); known {
			return name
		}
	}
	monday := 0 // which Monday of the month
	if at.Weekday() == time.Monday {
		monday = (d-1)/7 + 1
	}
	type md struct {
		m time.Month
		d int
	}
	switch (md{m, d}) {
	case md{1, 1}:
		return "元日"
	case md{2, 11}:
		return "建国記念の日"
	case md{2, 23}:
		return "天皇誕生日"
	case md{3, equinox(y, 20.8431)}:
		return "春分の日"
	case md{4, 29}:
		return "昭和の日"
	case md{5, 3}:
		return "憲法記念日"
	case md{5, 4}:
		return "みどりの日"
	case md{5, 5}:
		return "こどもの日"
	case md{8, 11}:
		return "山の日"
	case md{9, equinox(y, 23.2488)}:
		return "秋分の日"
	case md{11, 3}:
		return "文化の日"
	case md{11, 23}:
		return "勤労感謝の日"
	}
	switch {
	case m == time.January && monday == 2:
		return "成人の日"
	case m == time.July && monday == 3:
		return "海の日"
	case m == time.September && monday == 3:
		return "敬老の日"
	case m == time.October && monday == 2:
		return "スポーツの日"
	}
	return ""
}

// equinox is the day of the month by the usual approximation for 1980 to 2099; the Cabinet announces the day a year ahead.
func equinox(y int, base float64) int {
	n := y - 1980
	return int(base + 0.242194*float64(n) - float64(n/4))
}

// olympic: the holidays that the Olympic special measures acts moved in 2020 and 2021. known is true for the old and the new days.
func olympic(y int, m time.Month, d int) (name string, known bool) {
	moved := map[int]map[time.Month]map[int]string{
		2020: {7: {20: "", 23: "海の日", 24: "スポーツの日"}, 8: {11: "", 10: "山の日"}, 10: {12: ""}},
		2021: {7: {19: "", 22: "海の日", 23: "スポーツの日"}, 8: {11: "", 8: "山の日"}, 10: {11: ""}},
	}
	name, known = moved[y][m][d]
	return name, known
}
