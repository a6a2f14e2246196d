package talk

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// Text reads bytes of unknown encoding: UTF-8 where valid, else Shift_JIS or EUC-JP, else UTF-8 with the bad bytes blanked.
func Text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	for _, e := range []encoding.Encoding{japanese.EUCJP, japanese.ShiftJIS} {
		if s, err := e.NewDecoder().Bytes(b); err == nil && !strings.ContainsRune(string(s), utf8.RuneError) {
			return string(s)
		}
	}
	return strings.ToValidUTF8(string(b), " ")
}

// Detail makes a detail map of key, value pairs and leaves empty values out; nil when nothing is left.
func Detail(pairs ...string) map[string]string {
	var m map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// Realm returns the realm of a WWW-Authenticate header (RFC 9110 section 11.5), "" where there is none.
func Realm(header string) string {
	i := strings.Index(strings.ToLower(header), "realm=")
	if i < 0 || i+6 > len(header) {
		return ""
	}
	rest := header[i+6:]
	if !strings.HasPrefix(rest, `"`) {
		word, _, _ := strings.Cut(rest, ",")
		return strings.TrimSpace(Text([]byte(word)))
	}
	var b []byte
	for j := 1; j < len(rest) && rest[j] != '"'; j++ {
		if rest[j] == '\\' && j+1 < len(rest) {
			j++
		}
		b = append(b, rest[j])
	}
	return Text(b)
}
