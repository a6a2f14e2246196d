// Package find tells where a word stands in a text although both are compared in a folded form that loses positions.
package find

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kenshin/jp"
)

// Key brings a text to the form in which it is compared; more text in must never take away what was found before.
type Key func(string) string

// Span is a place in bytes: [Start, End).
type Span struct{ Start, End int }

// All returns up to limit places of word, which is already in key form, in text, whose key form is folded. Places are found by halving: a
// prefix just long enough to hold the word gives the end, a suffix of that the start; so it costs nothing where the word is absent.
func All(text, folded, word string, key Key, limit int) []Span {
	var out []Span
	if word == "" {
		return nil
	}
	from := 0
	for len(out) < limit && strings.Contains(folded, word) {
		rest := text[from:]
		end := least(rest, func(i int) bool { return strings.Contains(key(rest[:i]), word) })
		start := most(rest[:end], func(i int) bool { return strings.Contains(key(rest[i:end]), word) })
		if end == 0 {
			break
		}
		out = append(out, Span{from + start, from + end})
		from += end
		folded = key(text[from:])
	}
	return out
}

// least returns the smallest rune boundary for which ok holds, the length when none does. It looks near the front first, because
// folding a long text many times is what costs.
func least(s string, ok func(int) bool) int {
	hi := 64
	for hi < len(s) && !ok(boundary(s, hi)) {
		hi *= 2
	}
	lo := 0
	hi = min(hi, len(s))
	for lo < hi {
		mid := boundary(s, (lo+hi)/2)
		if mid >= hi {
			mid = boundaryBefore(s, hi)
		}
		if mid <= lo {
			if ok(lo) {
				return lo
			}
			return boundary(s, hi)
		}
		if ok(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return boundary(s, hi)
}

// most returns the largest rune boundary for which ok holds, 0 when none does.
func most(s string, ok func(int) bool) int {
	for i := len(s); i > 0; {
		_, n := utf8.DecodeLastRuneInString(s[:i])
		i -= n
		if ok(i) {
			return i
		}
		if len(s)-i > 512 { // a word with long gaps of marks that fold to nothing
			break
		}
	}
	return 0
}

func boundary(s string, i int) int {
	for i < len(s) && !utf8.RuneStart(s[i]) {
		i++
	}
	return min(i, len(s))
}

func boundaryBefore(s string, i int) int {
	i--
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return max(i, 0)
}

// Whole reports whether no Latin letter or digit, narrow or full-width, touches the place: "ups" is not in "groups".
func Whole(text string, at Span) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at.Start])
	after, _ := utf8.DecodeRuneInString(text[at.End:])
	return !alnum(before) && !alnum(after)
}

func alnum(r rune) bool {
	if '！' <= r && r <= '～' {
		r -= '！' - '!'
	}
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// Line is the line of an offset, from 1.
func Line(text string, at int) int { return 1 + strings.Count(text[:min(at, len(text))], "\n") }

// Skeleton is jp.Fold with letters that look alike made equal, so that a brand is found in Cyrillic, with digits for letters, or with
// the kanji that pass for katakana. For comparing only: it is not readable.
func Skeleton(s string) string {
	s = strings.Map(func(r rune) rune {
		if q, ok := twins[r]; ok {
			return q
		}
		return r
	}, jp.Fold(s))
	return strings.ReplaceAll(strings.ReplaceAll(s, "rn", "m"), "vv", "w")
}

// twins maps what looks like a Latin letter or a kana to it. Katakana are hiragana by then.
var twins = map[rune]rune{
	'0': 'o', '1': 'l', '|': 'l', 'i': 'l', '!': 'l', '5': 's', '$': 's', '@': 'a',
	'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'і': 'l', 'ѕ': 's', 'ј': 'j', 'ԁ': 'd', 'м': 'm', 'т': 't', 'к': 'k', 'в': 'b', 'н': 'h', 'п': 'n',
	'α': 'a', 'ο': 'o', 'ρ': 'p', 'ε': 'e', 'ι': 'l', 'κ': 'k', 'ν': 'v', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ı': 'l', 'ɑ': 'a', 'ɡ': 'g', 'ö': 'o', 'ü': 'u', 'é': 'e', 'á': 'a', 'ó': 'o', 'í': 'l',
	'力': 'か', '二': 'に', '口': 'ろ', '卜': 'と', '工': 'え', '夕': 'た', '八': 'は', '才': 'お', '千': 'ち', '又': 'ぬ', '三': 'み', '丿': 'の',
}

// Written keeps kana as they are written (ヤマト is not やまと) but is blind to width, case, spaces and look-alike kanji.
func Written(s string) string {
	return strings.Map(func(r rune) rune {
		switch q, ok := twins[r]; {
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '・':
			return -1
		case ok && 'ぁ' <= q && q <= 'ゖ':
			return q + 'ァ' - 'ぁ'
		}
		return r
	}, strings.ToLower(norm.NFKC.String(s)))
}
