package paper

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// numberFormat is what matters of a cell's number format: is it a date and which parts show, or a number with leading zeros.
type numberFormat struct {
	year, month, day, clock bool
	prefix                  string // literal before the digits: "PC-"0000
	zeros                   int    // least digits
}

func (n numberFormat) date() bool { return n.year || n.month || n.day }

// builtIn gives the built-in formats that matter here (ECMA-376 18.8.30; 27 to 36 and 50 to 58 are those of Japanese Excel).
func builtIn(id int) string {
	switch {
	case id >= 14 && id <= 16, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id >= 57 && id <= 58:
		return "yyyy/m/d"
	case id == 17, id == 55:
		return "yyyy/m"
	case id == 22:
		return "yyyy/m/d h:mm"
	case id == 56:
		return "m/d"
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47:
		return "h:mm"
	}
	return ""
}

var (
	formatNoise = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`)
	zeroFormat  = regexp.MustCompile(`^(?:"([^"]*)"|((?:\\.)+))?(0+)$`)
)

func parseFormat(code string) numberFormat {
	code, _, _ = strings.Cut(code, ";")
	if g := zeroFormat.FindStringSubmatch(code); g != nil {
		return numberFormat{prefix: g[1] + strings.ReplaceAll(g[2], `\`, ""), zeros: len(g[3])}
	}
	c := strings.ToLower(formatNoise.ReplaceAllString(code, ""))
	if c == "" || strings.Contains(c, "general") || strings.ContainsAny(strings.ReplaceAll(c, "ss.0", "ss"), "0#?@") {
		return numberFormat{}
	}
	n := numberFormat{year: strings.ContainsAny(c, "ye"), day: strings.Contains(c, "d"), clock: strings.ContainsAny(c, "hs")}
	n.month = strings.Contains(c, "m") && (!n.clock || n.year || n.day) // beside h or s alone, m means minutes
	return n
}

// number writes a stored number as the cell shows it.
func (n numberFormat) number(stored string, date904 bool) (string, CellKind) {
	v, err := strconv.ParseFloat(strings.TrimSpace(stored), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return stored, Text
	}
	if n.date() && v >= 1 && v < 2958466 { // 9999-12-31
		return n.dateText(v, date904), Date
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if math.Abs(v) >= 1e21 {
		text = stored
	}
	if n.zeros > 0 && v >= 0 && v == math.Trunc(v) {
		text = n.prefix + strings.Repeat("0", max(0, n.zeros-len(text))) + text
		if n.prefix != "" {
			return text, Text
		}
	}
	return text, Number
}

func (n numberFormat) dateText(v float64, date904 bool) string {
	days, fraction := math.Modf(v)
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	} else if days < 60 {
		days++ // Excel counts a 29 February 1900 that never was
	}
	at := epoch.AddDate(0, 0, int(days)).Add(time.Duration(math.Round(fraction*86400)) * time.Second)
	switch {
	case n.clock && fraction > 0:
		return at.Format("2006-01-02 15:04:05")
	case n.year && !n.month && !n.day:
		return at.Format("2006")
	case n.year && n.month && !n.day:
		return at.Format("2006-01")
	}
	return at.Format(time.DateOnly)
}
