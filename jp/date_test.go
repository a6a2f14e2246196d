package jp

import (
	"strings"
	"testing"
	"time"

	"kenshin/fault"
)

func TestDate(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"令和6年4月1日":               "2024-04-01",
		"令和 ６年 ４月 １日":            "2024-04-01",
		"令和６年４月１日(月)":            "2024-04-01",
		"令和6年4月1日（月曜日）":          "2024-04-01",
		"令和元年5月1日":               "2019-05-01",
		"令和元年":                   "2019",
		"R元.5.1":                 "2019-05-01",
		"平成元年":                   "1989",
		"R6.4.1":                 "2024-04-01",
		"r6/4/1":                 "2024-04-01",
		"Ｒ６．４．１":                 "2024-04-01",
		"R06.04.01":              "2024-04-01",
		"R060401":                "2024-04-01",
		"R6":                     "2024",
		"令6.4":                   "2024-04",
		"H30/3":                  "2018-03",
		"H.30.3.31":              "2018-03-31",
		"S63-12":                 "1988-12",
		"昭和63年12月":               "1988-12",
		"昭和六十三年十二月一日":            "1988-12-01",
		"平成35年3月31日":             "2023-03-31",
		"2024/4/1":               "2024-04-01",
		"2024.4.1":               "2024-04-01",
		"2024-04-01":             "2024-04-01",
		"2024年4月1日":              "2024-04-01",
		"２０２４年４月":                "2024-04",
		"２０２４／０４／０１":             "2024-04-01",
		"2024年3月末":               "2024-03",
		"2024年":                  "2024",
		"2024年度":                 "2024",
		"2024":                   "2024",
		"20240401":               "2024-04-01",
		"202404":                 "2024-04",
		"2024-04-01 00:00:00":    "2024-04-01",
		"2024-04-01T09:30:00Z":   "2024-04-01",
		"2024/4/1 9:05":          "2024-04-01",
		"45383":                  "2024-04-01",
		"45383.75":               "2024-04-01",
		"2024-02-29":             "2024-02-29",
		"西暦2024年4月1日":            "2024-04-01",
		"二〇二四年四月一日":              "2024-04-01",
		"2024−04−01":             "2024-04-01",
		"大正15年12月24日":            "1926-12-24",
		"2024-04-01T00:00+09:00": "2024-04-01",
	} {
		got, _, err := Date(in)
		if got != want || err != nil {
			t.Errorf("Date(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"不明", "24/4/1", "2023-02-29", "2024/13/1", "2024/0/1", "2024-4-0", "R0.4.1", "4/1/2024", "99999", "12345", "令和",
		"X6.4.1", "2024-04-01-05", "1234567890123456789012345", "年月日", "-", "192.168.1.1", "0000"} {
		if got, _, err := Date(in); err == nil || !fault.Is(err, fault.Invalid) {
			t.Errorf("Date(%q) = %q, want an error", in, got)
		}
	}
	for in, want := range map[string]Precision{"2024": Year, "R6.4": Month, "R6.4.1": Day, "": None} {
		if _, p, _ := Date(in); p != want {
			t.Errorf("precision of %q = %d, want %d", in, p, want)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"令和6年4月1日", "R6.4.1", "45383", "2024-04-01T00:00:00Z", "昭和六十三年"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, p, err := Date(s)
		if err != nil {
			return
		}
		if len(out) != []int{0, 4, 7, 10}[p] {
			t.Fatalf("Date(%q) = %q with precision %d", s, out, p)
		}
		if again, _, err := Date(out); again != out || err != nil {
			t.Fatalf("Date(%q) = %q, which reads as %q, %v", s, out, again, err)
		}
	})
}

func TestWareki(t *testing.T) {
	for in, want := range map[string]string{"2024-04-01": "令和6年4月1日", "2019-05-01": "令和元年5月1日", "2019-04-30": "平成31年4月30日", "1989-01-07": "昭和64年1月7日"} {
		at, _ := time.Parse(time.DateOnly, in)
		if got := Wareki(at); got != want {
			t.Errorf("Wareki(%s) = %s, want %s", in, got, want)
		}
	}
	if Weekday(day(2026, 11, 21)) != "土" || FiscalYear(day(2026, 3, 31)) != 2025 || FiscalYear(day(2026, 4, 1)) != 2026 {
		t.Error("weekday or fiscal year")
	}
}

// The days are those that the Cabinet Office lists, or that follow from the law for the years that it has not listed yet.
func TestHolidays(t *testing.T) {
	byYear := map[int]string{
		2024: "0101 0108 0211 0212 0223 0320 0429 0503 0504 0505 0506 0715 0811 0812 0916 0922 0923 1014 1103 1104 1123",
		2025: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0721 0811 0915 0923 1013 1103 1123 1124",
		2026: "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123",
		2027: "0101 0111 0211 0223 0321 0322 0429 0503 0504 0505 0719 0811 0920 0923 1011 1103 1123",
		2020: "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0723 0724 0810 0921 0922 1103 1123",
		2021: "0101 0111 0211 0223 0320 0429 0503 0504 0505 0722 0723 0808 0809 0920 0923 1103 1123",
	}
	for y, want := range byYear {
		got := ""
		for at := day(y, 1, 1); at.Year() == y; at = at.AddDate(0, 0, 1) {
			if Holiday(at) != "" {
				got += at.Format(" 0102")
			}
		}
		if got != " "+want {
			t.Errorf("%d:\n got%s\nwant %s", y, got, want)
		}
	}
	for in, want := range map[string]string{
		"2028-03-20": "春分の日", "2028-09-22": "秋分の日", "2029-09-24": "振替休日", "2030-03-20": "春分の日", "2030-05-06": "振替休日", "2031-03-21": "春分の日",
		"2032-09-20": "敬老の日", "2032-09-21": "国民の休日", "2032-09-22": "秋分の日", "2033-03-20": "春分の日", "2033-03-21": "振替休日",
		"2034-01-02": "振替休日", "2035-03-21": "春分の日", "2035-09-23": "秋分の日", "2035-09-24": "振替休日", "2035-11-23": "勤労感謝の日", "2031-09-22": "",
	} {
		at, _ := time.Parse(time.DateOnly, in)
		if got := Holiday(at); got != want {
			t.Errorf("Holiday(%s) = %q, want %q", in, got, want)
		}
	}
	if Workday(day(2026, 12, 31)) || Workday(day(2026, 9, 22)) || !Workday(day(2026, 11, 20)) {
		t.Error("workdays")
	}
}

func TestFullDay(t *testing.T) {
	for s, want := range map[string]string{"令和8年4月1日": "2026-04-01", "R8.4.1": "2026-04-01", "2026/4/1": "2026-04-01", "令和元年5月1日": "2019-05-01", "平成31年4月30日": "2019-04-30", "２０２６年４月１日": "2026-04-01"} {
		if got, err := FullDay(s); err != nil || got.Format("2006-01-02") != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	for s, says := range map[string]string{"令和元年4月1日": "平成31年4月1日", "平成35年1月1日": "令和5年1月1日", "令和0年1月1日": "日付として読めません", "令和8年2月30日": "暦にない", "令和8年4月": "日まで", "昨日": "日付として読めません", "H40.1.1": "令和10年1月1日"} {
		if _, err := FullDay(s); err == nil || !strings.Contains(fault.Sentence(err, "ja"), says) {
			t.Errorf("%s: %v", s, err)
		}
	}
	if got, err := FullDay(""); err != nil || !got.IsZero() {
		t.Errorf("%v %v", got, err)
	}
}
