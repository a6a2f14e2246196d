package jp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kenshin/fault"
)

// Precision is how much of a date is known.
type Precision int

const (
	None  Precision = iota // no date
	Year                   // "2024"
	Month                  // "2024-04"
	Day                    // "2024-04-01"
)

// eras by their letter: the western year is the era's year plus the offset. A year past an era's end is read all the same, since old
// ledgers hold support ends like 平成35年.
var eras = []struct {
	letter, kanji, short string
	offset               int
	from                 time.Time
}{
	{"r", "令和", "令", 2018, day(2019, 5, 1)},
	{"h", "平成", "平", 1988, day(1989, 1, 8)},
	{"s", "昭和", "昭", 1925, day(1926, 12, 25)},
	{"t", "大正", "大", 1911, day(1912, 7, 30)},
	{"m", "明治", "明", 1867, day(1868, 1, 25)},
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

var (
	weekdayTail = regexp.MustCompile(`\(?[日月火水木金土](?:曜日?)?\)$`)
	clockTail   = regexp.MustCompile(`[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?$`)
	parts       = regexp.MustCompile(`^(\d{1,4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$`)
	eraParts    = regexp.MustCompile(`^([rhstm])[-/.]?(\d{1,3})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$`)
	compactEra  = regexp.MustCompile(`^([rhstm])(\d{2})(\d{2})(\d{2})$`)
	compact     = regexp.MustCompile(`^((?:19|20|21)\d{2})(\d{2})(\d{2})?$`)
	serial      = regexp.MustCompile(`^(\d{5})(?:\.\d+)?$`)
	fiscal      = strings.NewReplacer("年度", "年", "頃", "", "ごろ", "", "末", "", "上旬", "", "中旬", "", "下旬", "", "まで", "", "迄", "", "西暦", "")
	units       = strings.NewReplacer("年", "-", "月", "-", "日", "")
)

// Date reads a date as people write it in ledgers: 令和6年4月1日, R6.4.1, H30/3, 昭和63年, 元年, 2024/4/1, ２０２４．４, 20240401, an Excel
// serial number (1900 system). The text is "2024-04-01", "2024-04" or "2024". "" gives "", None. A fiscal year (令和6年度) gives the year that
// it starts in. Two-digit western years are refused: 24/4/1 may be 2024 or 平成24年.
func Date(s string) (string, Precision, error) {
	t := strings.ToLower(Narrow(s))
	if t == "" {
		return "", None, nil
	}
	if len(t) > 60 {
		return "", None, notADate(s)
	}
	t = clockTail.ReplaceAllString(t, "")
	t = strings.ReplaceAll(strings.ReplaceAll(t, " ", ""), "\u3000", "")
	t = weekdayTail.ReplaceAllString(t, "")
	t = fiscal.Replace(kanjiNumbers(t))
	for _, e := range eras {
		if rest, ok := cutEra(t, e.kanji, e.short); ok {
			t = e.letter + rest
			break
		}
	}
	t = strings.TrimRight(units.Replace(strings.Replace(t, "元", "1", 1)), "-")
	y, m, d, ok := split(t)
	if !ok {
		return "", None, notADate(s)
	}
	return build(s, y, m, d)
}

func cutEra(t, kanji, short string) (string, bool) {
	if rest, ok := strings.CutPrefix(t, kanji); ok {
		return rest, true
	}
	rest, ok := strings.CutPrefix(t, short)
	return rest, ok && rest != ""
}

// split returns year, month, day as numbers; -1 where a part is not there.
func split(t string) (y, m, d int, ok bool) {
	if g := eraParts.FindStringSubmatch(t); g != nil {
		return eraYear(g[1], number(g[2])), number(g[3]), number(g[4]), true
	}
	if g := compactEra.FindStringSubmatch(t); g != nil {
		return eraYear(g[1], number(g[2])), number(g[3]), number(g[4]), true
	}
	if g := compact.FindStringSubmatch(t); g != nil {
		return number(g[1]), number(g[2]), number(g[3]), true
	}
	if g := serial.FindStringSubmatch(t); g != nil {
		n := number(g[1])
		if n < 20000 || n > 73050 { // 1954-10-03 to 2099-12-31: outside it is no date of a device
			return 0, 0, 0, false
		}
		at := day(1899, 12, 30).AddDate(0, 0, n)
		return at.Year(), int(at.Month()), at.Day(), true
	}
	if g := parts.FindStringSubmatch(t); g != nil && len(g[1]) == 4 {
		return number(g[1]), number(g[2]), number(g[3]), true
	}
	return 0, 0, 0, false
}

func eraYear(letter string, n int) int {
	for _, e := range eras {
		if e.letter == letter && n > 0 {
			return e.offset + n
		}
	}
	return 0
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func build(s string, y, m, d int) (string, Precision, error) {
	if y < 1868 || y > 2199 {
		return "", None, notADate(s)
	}
	if m < 0 {
		return fmt.Sprintf("%04d", y), Year, nil
	}
	if m < 1 || m > 12 {
		return "", None, notADate(s)
	}
	if d < 0 {
		return fmt.Sprintf("%04d-%02d", y, m), Month, nil
	}
	if at := day(y, time.Month(m), d); at.Day() != d || d < 1 {
		return "", None, fault.Newf(fault.Invalid, "「%.40s」は暦にない日付です。", "%.40q is not a day of the calendar.", s)
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d), Day, nil
}

func notADate(s string) error {
	return fault.Newf(fault.Invalid, "「%.40s」は日付として読めません。2024/4/1 や 令和6年4月1日 のように、年は4桁か元号で書いてください。",
		"%.40q cannot be read as a date; write it like 2024/4/1 or 令和6年4月1日, the year with four digits or an era.", s)
}

// kanjiNumbers turns 二十六 into 26 and 二〇二四 into 2024 where kanji digits stand.
func kanjiNumbers(s string) string {
	if !strings.ContainsAny(s, "〇一二三四五六七八九十") {
		return s
	}
	var b strings.Builder
	run := []rune{}
	flush := func() {
		if len(run) > 0 {
			b.WriteString(kanjiNumber(run))
			run = run[:0]
		}
	}
	for _, r := range s {
		if strings.ContainsRune("〇一二三四五六七八九十", r) {
			run = append(run, r)
			continue
		}
		flush()
		b.WriteRune(r)
	}
	flush()
	return b.String()
}

func kanjiNumber(run []rune) string {
	digits := map[rune]int{'〇': 0, '一': 1, '二': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	n, ten := 0, false
	for _, r := range run {
		if r == '十' {
			n, ten = max(n, 1)*10, true
			continue
		}
		if ten {
			n += digits[r]
			ten = false
		} else {
			n = n*10 + digits[r]
		}
		n = min(n, 99999)
	}
	return strconv.Itoa(n)
}

// Wareki writes a day as 令和6年4月1日, in t's own zone; days before 1868 in western years.
func Wareki(t time.Time) string {
	y, m, d := t.Date()
	return fmt.Sprintf("%s%d月%d日", WarekiYear(day(y, m, d)), m, d)
}

// WarekiYear writes 令和6年, 令和元年.
func WarekiYear(t time.Time) string {
	y, m, d := t.Date()
	at := day(y, m, d)
	for _, e := range eras {
		if !at.Before(e.from) {
			if n := y - e.offset; n > 1 {
				return fmt.Sprintf("%s%d年", e.kanji, n)
			}
			return e.kanji + "元年"
		}
	}
	return fmt.Sprintf("%d年", y)
}

// Weekday returns 日 月 火 水 木 金 土.
func Weekday(t time.Time) string { return string([]rune("日月火水木金土")[t.Weekday()]) }

// FiscalYear returns the year in which t's fiscal year (April to March) began, in t's own zone.
func FiscalYear(t time.Time) int {
	if t.Month() < time.April {
		return t.Year() - 1
	}
	return t.Year()
}

// FullDay reads a date of which the day is known, as Date does, and refuses what no calendar has: 平成35年, or 令和元年4月1日, which was 平成31年. "" is the zero time.
func FullDay(s string) (time.Time, error) {
	text, known, err := Date(s)
	if err != nil || known == None {
		return time.Time{}, err
	}
	if known != Day {
		return time.Time{}, fault.Newf(fault.Invalid, "「%.40s」は日まで入れてください(例 令和8年4月1日)。", "Give %.40q with its day, like 2026-04-01.", s)
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, notADate(s)
	}
	said := strings.ToLower(strings.TrimSpace(Narrow(s)))
	for _, e := range eras {
		named := strings.HasPrefix(said, e.kanji) || strings.HasPrefix(said, e.short) || strings.HasPrefix(said, e.letter)
		if named && !strings.HasPrefix(Wareki(at), e.kanji) {
			return time.Time{}, fault.Newf(fault.Invalid, "「%[1]s」という日は暦にありません。%[2]sのことなら、そう書いてください。", "There is no day %[1]q in the calendar; if %[3]s is meant, write that.",
				clipped(s), Wareki(at), text)
		}
	}
	return at, nil
}

func clipped(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40])
	}
	return s
}
