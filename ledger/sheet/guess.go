package sheet

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
)

// guess is one field that a column may be.
type guess struct {
	field   string
	score   float64
	why     i18n.Text
	measure bool
}

// named ties a header's text to fields, the best first.
func named(header string) (field string, score float64) {
	l := lexis()
	key := headerKey(header)
	if key == "" {
		return "", 0
	}
	if f := l.exact[key]; f != "" {
		return f, 1
	}
	bare := headerKey(withoutBrackets(header))
	if f := l.exact[bare]; f != "" {
		return f, 0.9
	}
	for _, w := range notField {
		if strings.Contains(key, jp.Fold(w)) {
			return "", 0
		}
	}
	for _, w := range l.words {
		n, m := utf8.RuneCountInString(w.word), utf8.RuneCountInString(key)
		if n < 2 || !strings.Contains(key, w.word) || m > 4*n {
			continue
		}
		s := 0.4 + 0.4*float64(n)/float64(m)
		if strings.HasSuffix(bare, w.word) { // Japanese puts the noun last: 機器の設置場所 is a place
			s += 0.1
		}
		if s > score || s == score && w.field < field {
			field, score = w.field, s
		}
	}
	return field, score
}

func withoutBrackets(s string) string {
	depth := 0
	return strings.Map(func(r rune) rune {
		switch r {
		case '(', '（', '[', '［':
			depth++
			return -1
		case ')', '）', ']', '］':
			depth = max(0, depth-1)
			return -1
		}
		if depth > 0 {
			return -1
		}
		return r
	}, s)
}

// guessColumn lists what a column may be, by its name and by what stands in it.
func guessColumn(upper, lower string, c *Column, data []line) []guess {
	key := headerKey(upper + lower)
	for _, w := range secretWords {
		if strings.Contains(key, jp.Fold(w)) {
			return []guess{{LeaveOut, 1, i18n.Text{Ja: "パスワードの列は取り込みません。", En: "A column of passwords is not taken in."}, false}}
		}
	}
	if strings.HasSuffix(key, headerKey(measuredMark)) {
		return []guess{{LeaveOut, 1, measuredWhy(), true}}
	}
	if isCounter(lower, c.Index, data) {
		return []guess{{LeaveOut, 0.8, i18n.Text{Ja: "行の通し番号です。", En: "A running number of the rows."}, false}}
	}
	var out []guess
	add := func(field string, score float64) {
		if field != "" && score > 0 {
			out = append(out, guess{field: field, score: score})
		}
	}
	if l := lexis(); l.host[headerKey(lower)] || l.host[headerKey(upper+lower)] {
		c.Host = true
		add("name", 0.6) // any real name column wins
	}
	byName := func(text string, factor float64) {
		f, s := named(text)
		add(f, s*factor)
	}
	if upper != "" && upper != lower {
		byName(upper+lower, 1)
		byName(upper, 0.6)
	}
	byName(lower, 0.98)
	shape, share := shapeOf(c.Index, data)
	for i := range out { // what stands there can speak against the name
		if several(out[i].field) && shape != "" && shape != out[i].field && share > 0.7 {
			out[i].score *= 0.3
		}
	}
	if share > 0.7 {
		add(shape, 0.55+0.3*share)
	}
	return out
}

func measuredWhy() i18n.Text {
	return i18n.Text{Ja: "Kenshinが測った値の列です。人の記入ではないので取り込みません。", En: "Kenshin's own measurements: not somebody's entry, so not taken in."}
}

// isCounter finds a column 1, 2, 3... under No. or nothing.
func isCounter(header string, col int, data []line) bool {
	key := headerKey(header)
	known := key == ""
	for _, w := range counterWords {
		known = known || key == headerKey(w)
	}
	if !known {
		return false
	}
	want, rows := 0, 0
	for _, r := range data {
		n, err := strconv.Atoi(jp.Narrow(r.text(col)))
		if err != nil {
			continue
		}
		if rows == 0 {
			want = n
		}
		if n != want || want > 1 && rows == 0 {
			return false
		}
		want++
		rows++
	}
	return rows > 0 && rows*2 >= len(data)
}

// shapeOf tells a column by its values: addresses and operating systems look like nothing else.
func shapeOf(col int, data []line) (field string, share float64) {
	counts := map[string]int{}
	total := 0
	for _, r := range data {
		v := r.text(col)
		if v == "" || lexis().sets["blank"][jp.Fold(v)] {
			continue
		}
		total++
		switch {
		case len(macsIn(v)) > 0:
			counts["mac_text"]++
		case len(addrsIn(v)) > 0:
			counts["ip_text"]++
		case strings.Contains(jp.Fold(v), "windows") || strings.Contains(jp.Fold(v), "linux"):
			counts["os"]++
		}
	}
	for f, n := range counts {
		if s := float64(n) / float64(total); s > share {
			field, share = f, s
		}
	}
	return field, share
}

// findHeader returns the header's first and last index in rows, -1, -1 when the data has none.
func findHeader(rows []line) (top, bottom int) {
	top, bottom = -1, -1
	best := 0.0
	for i := range rows[:min(len(rows), headerRows)] {
		if looksLikeData(rows[i]) {
			continue
		}
		one := headerScore(line{}, rows[i])
		if one > best+0.01 {
			best, top, bottom = one, i, i
		}
		if i+1 < len(rows) && rows[i+1].number == rows[i].number+1 && joined(rows[i], rows[i+1]) && !looksLikeData(rows[i+1]) {
			if two := headerScore(rows[i], rows[i+1]); two >= best && two > one {
				best, top, bottom = two, i, i+1
			}
		}
	}
	if best < 1.5 { // one lucky word is no header
		return -1, -1
	}
	return top, bottom
}

// headerScore sums how well each field is named, each field once.
func headerScore(upper, lower line) float64 {
	fields := map[string]float64{}
	for col := range max(len(upper.cells), len(lower.cells)) {
		u, v := upper.text(col), lower.text(col)
		if u == v {
			u = ""
		}
		f, s := named(u + v)
		if g, t := named(v); t*0.98 > s {
			f, s = g, t*0.98
		}
		if lexis().host[headerKey(v)] {
			f, s = "host", 0.8
		}
		if f != "" && s > fields[f] && utf8.RuneCountInString(v) <= 40 {
			fields[f] = s
		}
	}
	sum := 0.0
	for _, s := range fields {
		sum += s
	}
	return sum
}

// joined reports whether two rows belong to one header: a merged cell reaches down, or one above spans several below.
func joined(upper, lower line) bool {
	across, down, differ := 0, 0, 0
	for col := range max(len(upper.cells), len(lower.cells)) {
		u, v := upper.text(col), lower.text(col)
		if col < len(upper.cells) && upper.cells[col].Merged {
			across++
		}
		if col < len(lower.cells) && lower.cells[col].Merged && u == v {
			down++
		}
		if v != "" && v != u {
			differ++
		}
	}
	return (across > 0 || down > 0) && differ > 0
}

// looksLikeData reports rows that hold addresses, dates or long texts: headers do not.
func looksLikeData(r line) bool {
	values, data := 0, 0
	for col := range r.cells {
		v := r.text(col)
		if v == "" || r.cells[col].Merged {
			continue
		}
		values++
		_, p, err := jp.Date(v)
		if len(macsIn(v)) > 0 || len(addrsIn(v)) > 0 || err == nil && p == jp.Day || utf8.RuneCountInString(v) > 60 {
			data++
		}
	}
	return values > 0 && (data >= 2 || data*4 >= values)
}

// pieces cuts a cell that may hold several addresses: "10.0.0.1 / 10.0.0.2".
func pieces(s string) []string {
	return strings.FieldsFunc(jp.Narrow(cut(s, 400)), func(r rune) bool { return strings.ContainsRune(" \t\n,;/、，・()（）", r) })
}

func addrsIn(s string) []string {
	if !strings.ContainsAny(s, "0123456789０１２３４５６７８９") {
		return nil
	}
	var out []string
	for _, p := range pieces(s) {
		if a, err := netip.ParseAddr(p); err == nil && !a.IsUnspecified() {
			out = append(out, a.Unmap().String())
		}
	}
	return out
}

func macsIn(s string) []netid.MAC {
	if len(s) < 12 {
		return nil
	}
	var out []netid.MAC
	for _, p := range pieces(s) {
		if len(p) < 12 {
			continue
		}
		if m, err := netid.ParseMAC(p); err == nil && !m.IsZero() && !m.Multicast() && !m.Shared() {
			out = append(out, m)
		}
	}
	return out
}

// fieldTypes is how each field is typed in.
func fieldTypes() map[string]ledger.FieldType {
	out := map[string]ledger.FieldType{}
	for _, f := range ledger.Fields() {
		out[f.Key] = f.Type
	}
	return out
}
