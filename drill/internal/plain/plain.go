// Package plain makes what a stranger's server said fit for a log and a screen: one line, printable, bounded, without a drill's tokens.
package plain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var token = regexp.MustCompile(`(?i)[a-z2-7]{32}`) // should a server quote a link of the mail

// Words gives at most so many characters of s.
func Words(s string, limit int) string {
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = token.ReplaceAllString(strings.Join(strings.Fields(s), " "), "(token)")
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit-1]) + "…"
	}
	return s
}
