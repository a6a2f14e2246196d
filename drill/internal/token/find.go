package token

import (
	"bytes"
	"html"
)

// Find reads the tokens of a text, each once, in order of their first sight, at most max of them. It looks through what mail filters and mail programs do
// to links: percent signs (Safe Links, Barracuda) up to three deep, Proofpoint's v2 and v3, quoted-printable, HTML entities, upper case,
// lines broken within a link. What it returns need not be tokens of ours: any 32 letters of the alphabet look like one.
func Find(text []byte, max int) []Token {
	f := finder{max: max, seen: map[Token]bool{}}
	f.scan(text)
	f.chain(text)
	if bytes.IndexByte(text, '=') >= 0 {
		plain := unquote(text)
		f.scan(plain)
		f.chain(plain)
	}
	return f.found
}

type finder struct {
	max   int
	seen  map[Token]bool
	found []Token
}

// chain undoes the wrappings one after the other and looks after each.
func (f *finder) chain(text []byte) {
	f.scan(join(text))
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
		f.scan(text)
	}
	for range 3 {
		if bytes.IndexByte(text, '%') < 0 {
			break
		}
		text = unescape(text, '%')
		f.scan(text)
		f.scan(join(text))
	}
	if dashed := unescape(text, '-'); len(dashed) != len(text) { // Proofpoint v2 writes %2F as -252F
		f.scan(dashed)
		f.scan(unescape(dashed, '%'))
	}
}

// scan takes every run of exactly Length characters of the alphabet.
func (f *finder) scan(text []byte) {
	for i := 0; i < len(text) && len(f.found) < f.max; {
		start := i
		for i < len(text) && inAlphabet(text[i]) {
			i++
		}
		if i-start == Length {
			if t, ok := Parse(string(text[start:i])); ok && !f.seen[t] {
				f.seen[t] = true
				f.found = append(f.found, t)
			}
		}
		i = max(i, start+1)
	}
}

func inAlphabet(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '2' && c <= '7' }

// join takes out line ends, with the quote marks that an answer puts before each line.
func join(text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\n' && text[i] != '\r' {
			out = append(out, text[i])
			continue
		}
		for i+1 < len(text) && bytes.IndexByte([]byte("\r\n> \t"), text[i+1]) >= 0 {
			i++
		}
	}
	return out
}

// unquote undoes quoted-printable wherever it can be that, and leaves the rest as it is.
func unquote(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '=' {
			if n := softBreak(text[i+1:]); n > 0 {
				i += n
				continue
			}
		}
		out = append(out, text[i])
	}
	return unescape(out, '=')
}

// softBreak is the length of the blanks and the line end behind an equals sign, 0 when there is no line end.
func softBreak(b []byte) int {
	n := 0
	for n < len(b) && n < 80 && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r') {
		n++
	}
	if n < len(b) && b[n] == '\n' {
		return n + 1
	}
	return 0
}

// unescape puts a byte for each mark with two hexadecimal digits.
func unescape(text []byte, mark byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == mark && i+2 < len(text) {
			if a, b := hexDigit(text[i+1]), hexDigit(text[i+2]); a >= 0 && b >= 0 {
				out = append(out, byte(a<<4|b))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
