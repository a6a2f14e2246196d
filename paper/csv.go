package paper

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// maxCSV is smaller than MaxFile: a CSV is decoded in memory.
const maxCSV = 64 << 20

func openCSV(r io.ReaderAt, size int64, name string) (*Book, error) {
	if size > maxCSV {
		return nil, fault.Newf(fault.TooLarge, "CSVファイルが大きすぎます(%[1]d MB まで)。ファイルを分けてください。",
			"The CSV file is too large (up to %[1]d MB). Split it.", maxCSV>>20)
	}
	raw := make([]byte, size)
	if n, err := r.ReadAt(raw, 0); err != nil && err != io.EOF || int64(n) != size {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	text, enc, err := jp.Decode(raw)
	if err != nil {
		return nil, err
	}
	book := &Book{Name: name, Format: CSV, Encoding: enc}
	if n := strings.Count(text, "\x00"); n > 0 {
		if n*10 > utf8.RuneCountInString(text) {
			return nil, fault.New(fault.Invalid, "表のファイルとして読めません。ExcelファイルかCSVを選んでください。",
				"This is not a table. Choose an Excel file or a CSV.")
		}
		text = strings.ReplaceAll(text, "\x00", "")
		book.Warnings = append(book.Warnings, Warning{Text: i18n.Text{Ja: fmt.Sprintf("読めない文字(NUL)を%d個取り除きました。", n),
			En: fmt.Sprintf("%d unreadable characters (NUL) were dropped.", n)}})
	}
	book.Separator, text = separator(text)
	sheet := strings.TrimSuffix(strings.TrimSuffix(name, ".csv"), ".CSV")
	book.sheets = []*Sheet{{Name: sheet, merges: func() ([]Area, error) { return nil, nil },
		read: func(fn func(Row) error) error { return csvRows(text, book.Separator, fn) }}}
	return book, nil
}

// separator takes Excel's own hint (a first line "sep=;"), else the one of , ; tab that splits the first lines most evenly.
func separator(text string) (rune, string) {
	if rest, ok := strings.CutPrefix(text, "sep="); ok && rest != "" {
		c, n := utf8.DecodeRuneInString(rest)
		if rest = strings.TrimLeft(rest[n:], " "); rest == "" || rest[0] == '\r' || rest[0] == '\n' {
			return c, text // the hint stays as row 1, so that rows keep their numbers; csvRows skips it
		}
	}
	best, bestScore := ',', 0
	for _, sep := range []rune{'\t', ',', ';'} {
		counts := map[int]int{}
		lines := 0
		_ = csvRows(text, sep, func(r Row) error {
			if n := len(r.Cells); n > 1 {
				counts[n]++
			}
			if lines++; lines >= 30 {
				return io.EOF
			}
			return nil
		})
		score := 0
		for n, times := range counts {
			score = max(score, times*(n-1))
		}
		if score > bestScore {
			best, bestScore = sep, score
		}
	}
	return best, text
}

// csvRows reads RFC 4180 as Excel does: a quote opens a field only at its start, other quotes are characters; lines end in CRLF, LF or CR.
// A quote that never closes is an error at the line where it opened, since it would swallow the rest of the file.
func csvRows(text string, sep rune, fn func(Row) error) error {
	row := Row{Number: 1}
	line, seen, pos := 1, 0, 0
	for pos < len(text) {
		field, next, lines, err := csvField(text, pos, sep, line)
		if err != nil {
			return err
		}
		line += lines
		if len(row.Cells) >= MaxColumns {
			if strings.TrimSpace(field) != "" {
				return fault.Newf(fault.TooLarge, "%d行目の列が多すぎます(%d列まで)。", "Row %d has too many columns (up to %d).", row.Number, MaxColumns)
			}
		} else {
			row.Cells = append(row.Cells, csvCell(field))
		}
		if utf8.RuneCountInString(field) > MaxCellText {
			return fault.Newf(fault.TooLarge, "%s の文字が多すぎます(%d文字まで)。", "The cell %s has too many characters (up to %d).",
				Ref(len(row.Cells)-1, row.Number), MaxCellText)
		}
		pos = next
		if pos < len(text) && strings.HasPrefix(text[pos:], string(sep)) {
			pos += utf8.RuneLen(sep)
			if pos < len(text) {
				continue
			}
		}
		if strings.HasPrefix(text[pos:], "\r\n") {
			pos += 2
		} else if pos < len(text) {
			pos++
		}
		line++
		if err := emitCSV(&row, sep, &seen, fn); err != nil {
			return err
		}
	}
	return nil
}

func emitCSV(row *Row, sep rune, seen *int, fn func(Row) error) error {
	empty := true
	for _, c := range row.Cells {
		empty = empty && c.Kind == Empty
	}
	hint := row.Number == 1 && strings.HasPrefix(row.Text(0), "sep=") && len(row.Text(0)) <= 4+utf8.RuneLen(sep)
	if !empty && !hint {
		if *seen++; *seen > MaxRows {
			return fault.Newf(fault.TooLarge, "行が多すぎます(%d行まで)。ファイルを分けてください。", "There are too many rows (up to %d). Split the file.", MaxRows)
		}
		if err := fn(*row); err != nil {
			return err
		}
	}
	row.Number++
	row.Cells = row.Cells[:0]
	return nil
}

// csvField reads one field from pos; next is where its separator or line end (or the end) stands.
func csvField(text string, pos int, sep rune, line int) (field string, next, lines int, err error) {
	rest := text[pos:]
	if !strings.HasPrefix(rest, `"`) {
		n := strings.IndexFunc(rest, func(r rune) bool { return r == sep || r == '\n' || r == '\r' })
		if n < 0 {
			n = len(rest)
		}
		return rest[:n], pos + n, 0, nil
	}
	var b strings.Builder
	rest = rest[1:]
	for {
		n := strings.IndexByte(rest, '"')
		if n < 0 {
			return "", 0, 0, fault.Newf(fault.Invalid, "%d行目で始まる「\"」が閉じていません。その行の引用符を確かめてください。",
				"A quote (\") that opens on line %d never closes. Check the quotes of that line.", line)
		}
		b.WriteString(rest[:n])
		rest = rest[n+1:]
		if !strings.HasPrefix(rest, `"`) {
			break
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
	field = b.String()
	lines = strings.Count(field, "\n")
	field = strings.ReplaceAll(field, "\r\n", "\n")
	tail := strings.IndexFunc(rest, func(r rune) bool { return r == sep || r == '\n' || r == '\r' })
	if tail < 0 {
		tail = len(rest)
	}
	return field + rest[:tail], len(text) - len(rest) + tail, lines, nil // text after a closing quote is kept, as Excel does
}

// csvCell undoes the apostrophe that guards against formulas (see guard).
func csvCell(s string) Cell {
	c := textCell(s)
	if strings.HasPrefix(s, "'") && dangerous(strings.TrimLeft(s, "'")) {
		c.Text = s[1:]
	}
	return c
}

// dangerous reports texts that a spreadsheet would take for a formula when it opens a CSV.
func dangerous(s string) bool {
	return s != "" && strings.ContainsAny(s[:1], "=+-@\t\r")
}

// guard puts an apostrophe before a text that would become a formula, and before one that looks guarded, so that csvCell restores both.
func guard(s string) string {
	if dangerous(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}
