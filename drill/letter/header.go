package letter

import (
	"bytes"
	"encoding/base64"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"kenshin/fault"
)

const (
	lineLimit = 76 // RFC 2047 section 2: lines of a field that holds encoded-words
	wordLimit = 75 // RFC 2047 section 2: one encoded-word
)

// header writes the fields of RFC 5322, folded.
type header struct{ buf bytes.Buffer }

// field writes one field from words that may stand on lines of their own.
func (h *header) field(name string, words ...string) {
	h.buf.WriteString(name)
	h.buf.WriteByte(':')
	length := len(name) + 1
	for i, w := range words {
		if i > 0 && length+1+len(w) > lineLimit {
			h.buf.WriteString("\r\n")
			length = 0
		}
		h.buf.WriteByte(' ')
		h.buf.WriteString(w)
		length += 1 + len(w)
	}
	h.buf.WriteString("\r\n")
}

// text writes an unstructured field such as Subject.
func (h *header) text(name, value string, c Charset) {
	h.field(name, phrase(value, c, lineLimit-len(name)-2, false)...)
}

// address writes a mailbox: a name, if any, and the address in angle brackets.
func (h *header) address(name string, a mail.Address, c Charset) {
	if a.Name == "" {
		h.field(name, a.Address)
		return
	}
	h.field(name, append(phrase(a.Name, c, lineLimit-len(name)-2, true), "<"+a.Address+">")...)
}

// phrase splits a text into words for field: plain ones where ASCII is enough, else encoded-words; quoted is for a mailbox's name.
func phrase(s string, c Charset, first int, quoted bool) []string {
	if plainWords(s) {
		if quoted && strings.ContainsFunc(s, func(r rune) bool { return !atom(r) && r != ' ' }) {
			return []string{`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`}
		}
		return strings.Split(s, " ")
	}
	return encodedWords(s, c, first)
}

// plainWords says that a text can stand in a field as it is: nothing a reader would take for an encoded-word, nothing that folding changes.
func plainWords(s string) bool {
	if s == "" || strings.Contains(s, "=?") || strings.Contains(s, "  ") || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	run := 0
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
		if run++; s[i] == ' ' {
			run = 0
		}
		if run > 60 {
			return false
		}
	}
	return true
}

func atom(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// encodedWords makes RFC 2047 words of at most 75 bytes (the first of at most first), each whole in itself: no character is cut, and
// ISO-2022-JP starts and ends in ASCII in each.
func encodedWords(s string, c Charset, first int) []string {
	before := "=?" + c.label() + "?B?"
	if c == ISO2022JP {
		s = unify(s)
	}
	room := func(limit int) int { return (limit - len(before) - 2) / 4 * 3 }
	limit := room(min(first, wordLimit))
	var words []string
	for start, at := 0, 0; start < len(s); {
		size, wide := 0, false
		for at < len(s) {
			r, n := utf8.DecodeRuneInString(s[at:])
			cost, turned := c.cost(r, n, wide)
			closing := 0
			if turned {
				closing = 3
			}
			if size+cost+closing > limit && at > start {
				break
			}
			size, wide = size+cost, turned
			at += n
		}
		words = append(words, before+base64.StdEncoding.EncodeToString(c.encode(s[start:at]))+"?=")
		start, limit = at, room(wordLimit)
	}
	return words
}

// cost is the number of bytes of one more character, and whether the text stands in two-byte mode after it.
func (c Charset) cost(r rune, n int, wide bool) (int, bool) {
	if c != ISO2022JP {
		return n, false
	}
	switch {
	case r >= utf8.RuneSelf && wide:
		return 2, true
	case r >= utf8.RuneSelf:
		return 5, true
	case wide:
		return 4, false
	}
	return 1, false
}

// oneLine refuses what could start another field (RFC 5322) or show a text other than it is.
func oneLine(ja, en, s string, most int) error {
	if !utf8.ValidString(s) {
		return fault.Newf(fault.Invalid, "%[1]sに読めない文字があります。", "The %[2]s is not valid UTF-8.", ja, en)
	}
	if n := utf8.RuneCountInString(s); n > most {
		return fault.Newf(fault.TooLarge, "%[1]sが長すぎます(%[3]d文字、%[4]d文字まで)。", "The %[2]s is too long (%[3]d characters, at most %[4]d).", ja, en, n, most)
	}
	column := 0
	for _, r := range s {
		if column++; unicode.IsControl(r) || bidi(r) || r == '\u2028' || r == '\u2029' {
			return fault.Newf(fault.Invalid, "%[1]sの%[3]d文字目に改行か制御文字(U+%04[4]X)があります。消してください。",
				"Character %[3]d of the %[2]s is a line end or control character (U+%04[4]X). Remove it.", ja, en, column, r)
		}
	}
	return nil
}

// mailbox checks one address and brings its domain to ASCII (RFC 5890); the local part must be ASCII, since few relays know RFC 6531.
func mailbox(ja, en string, a mail.Address) (mail.Address, error) {
	if err := oneLine(ja+"の名前", "name of the "+en, a.Name, 100); err != nil {
		return a, err
	}
	bad := func(cause error) error {
		return fault.Wrap(fault.Invalid, cause, ja+"のアドレス「"+clip(plain(a.Address))+"」は正しくありません。", "The "+en+" address "+clip(plain(a.Address))+" is not valid.")
	}
	at := strings.LastIndexByte(a.Address, '@')
	if at < 1 || len(a.Address) > 254 {
		return a, bad(nil)
	}
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	if err != nil {
		return a, bad(err)
	}
	for i := range at {
		if a.Address[i] <= ' ' || a.Address[i] > '~' {
			return a, bad(nil)
		}
	}
	if !strings.Contains(domain, ".") || strings.ContainsAny(domain, "[]:") {
		return a, bad(nil)
	}
	text := (&mail.Address{Address: a.Address[:at] + "@" + domain}).String() // quotes a local part that needs it
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Name != "" {
		return a, bad(err)
	}
	return mail.Address{Name: a.Name, Address: strings.Trim(text, "<>")}, nil
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
