package roster

import (
	"strings"

	"kenshin/jp"
)

// item is one entry of a list without columns.
type item struct {
	line             int
	text, name, addr string
}

// plainList reads text that is only addresses, with names around them at most: one a line, or separated as mail programs do. Text with tabs,
// a header or more than one value beside the address is a table.
func plainList(text string) ([]item, bool) {
	if strings.Contains(text, "\t") {
		return nil, false
	}
	var items []item
	for n, line := range strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		for _, part := range entries(line) {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			it := item{line: n + 1, text: part, addr: part}
			flat := jp.Narrow(part)
			if open := strings.IndexByte(flat, '<'); open >= 0 && strings.Contains(flat, "@") {
				it.addr, it.name = flat, clean(strings.Trim(strings.TrimSpace(beforeBracket(part)), `"'`))
			} else if open < 0 && !strings.Contains(flat, "@") && len(items) == 0 {
				return nil, false // a first line without an address is a header
			} else if strings.Contains(flat, ",") {
				return nil, false
			}
			items = append(items, it)
		}
	}
	return items, len(items) > 0
}

func beforeBracket(s string) string {
	if i := strings.IndexAny(s, "<＜"); i >= 0 {
		return s[:i]
	}
	return s
}

// entries splits a line at ; and at the commas that follow an address, outside quotes: "Yamada, Taro" <t@example.jp>, h@example.jp.
func entries(line string) []string {
	var out []string
	start, quoted := 0, false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == ';' || r == '；' || (r == ',' || r == '、') && allAddresses(line[start:i], line[i:]):
			out = append(out, line[start:i])
			start = i + len(string(r))
		}
	}
	return append(out, line[start:])
}

// allAddresses reports that a comma stands between two addresses rather than between the cells of one row.
func allAddresses(before, after string) bool {
	next := strings.TrimLeft(after, ",、 ")
	if i := strings.IndexAny(next, ",;；、"); i >= 0 {
		next = next[:i]
	}
	has := func(s string) bool { return strings.ContainsAny(s, "@＠") }
	return has(before) && (has(next) || strings.TrimSpace(next) == "")
}
