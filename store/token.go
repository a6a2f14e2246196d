package store

import (
	"fmt"
	"strings"
)

type tokenKind int

const (
	word    tokenKind = iota // a name or key word, lower case
	sign                     // one character, or $n
	literal                  // a string or number
	sub                      // stands for a nested query
)

type token struct {
	kind  tokenKind
	text  string
	depth int // brackets around it
}

// tokenize cuts SQL into words. Comments and the contents of strings vanish, so that nothing in them counts.
func tokenize(q string) ([]token, error) {
	var out []token
	for i := 0; i < len(q); {
		c := q[i]
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			i++
		case strings.HasPrefix(q[i:], "--"):
			n := strings.IndexByte(q[i:], '\n')
			if n < 0 {
				n = len(q) - i
			}
			i += n
		case strings.HasPrefix(q[i:], "/*"):
			n := strings.Index(q[i+2:], "*/")
			if n < 0 {
				return nil, fmt.Errorf("a comment without an end")
			}
			i += n + 4
		case c == '\'' || c == '"' || c == '`':
			n := quoted(q[i:], c)
			if n < 0 {
				return nil, fmt.Errorf("a string without an end")
			}
			t := token{kind: literal, text: "''"}
			if c != '\'' {
				t = token{kind: word, text: strings.ToLower(q[i+1 : i+n-1])}
			}
			out = append(out, t)
			i += n
		case letter(c):
			n := i
			for n < len(q) && (letter(q[n]) || digit(q[n])) {
				n++
			}
			out = append(out, token{kind: word, text: strings.ToLower(q[i:n])})
			i = n
		case c == '$' || digit(c):
			n := i + 1
			for n < len(q) && (digit(q[n]) || c != '$' && q[n] == '.') {
				n++
			}
			kind := literal
			if c == '$' {
				kind = sign
			}
			out = append(out, token{kind: kind, text: q[i:n]})
			i = n
		case c == '<' || c == '>' || c == '!':
			n := i + 1
			for n < len(q) && strings.IndexByte("<>=", q[n]) >= 0 {
				n++
			}
			out = append(out, token{kind: sign, text: q[i:n]})
			i = n
		default:
			out = append(out, token{kind: sign, text: string(c)})
			i++
		}
	}
	return out, nil
}

// quoted returns the length of the quoted text at the start of q, doubled quotes included; -1 without an end.
func quoted(q string, quote byte) int {
	for i := 1; i < len(q); i++ {
		if q[i] != quote {
			continue
		}
		if i+1 < len(q) && q[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return -1
}

func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
func digit(c byte) bool { return c >= '0' && c <= '9' }
