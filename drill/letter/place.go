package letter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ja and en name a character and its place for a person.
func (m Misfit) ja() string {
	return fmt.Sprintf("%d行%d文字目の「%c」(U+%04X)", m.Line, m.Column, m.Rune, m.Rune)
}

func (m Misfit) en() string {
	return fmt.Sprintf("%q (U+%04X, line %d, character %d)", m.Rune, m.Rune, m.Line, m.Column)
}

// place is the line and character, from 1, of a byte of a text.
func place(text string, at int) (line, column int) {
	before := text[:at]
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}
