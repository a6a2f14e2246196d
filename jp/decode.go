package jp

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"kenshin/fault"
)

// Encoding is how a text file is written.
type Encoding string

const (
	UTF8    Encoding = "UTF-8"
	UTF16LE Encoding = "UTF-16LE"
	UTF16BE Encoding = "UTF-16BE"
	CP932   Encoding = "CP932" // Windows' Shift_JIS
)

// Decode reads a text file of a Japanese PC: a BOM decides, else UTF-16 by its zero bytes, else UTF-8 if it is valid, else CP932. What is
// none of these is an error that names the line and the byte in it. The BOM is not part of the text.
func Decode(b []byte) (string, Encoding, error) {
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		b = b[3:]
		if !utf8.Valid(b) {
			return "", UTF8, undecodable(b, badUTF8(b), UTF8)
		}
		return string(b), UTF8, nil
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		return decode16(b[2:], binary.LittleEndian, UTF16LE)
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return decode16(b[2:], binary.BigEndian, UTF16BE)
	}
	if e := zeroPattern(b); e == UTF16LE {
		return decode16(b, binary.LittleEndian, e)
	} else if e == UTF16BE {
		return decode16(b, binary.BigEndian, e)
	}
	if utf8.Valid(b) {
		return string(b), UTF8, nil
	}
	if mostlyUTF8(b) {
		return "", UTF8, undecodable(b, badUTF8(b), UTF8)
	}
	return decode932(b)
}

func decode16(b []byte, order binary.ByteOrder, e Encoding) (string, Encoding, error) {
	if len(b)%2 != 0 {
		return "", e, undecodable(b, len(b)-1, e)
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	s := string(utf16.Decode(units))
	if n := strings.IndexRune(s, utf8.RuneError); n >= 0 && !hasUnit(units, 0xFFFD) {
		return "", e, fault.Newf(fault.Invalid, "文字コード(%s)として読めない文字が%d行目にあります。ファイルが壊れていないか確かめてください。",
			"Line %[2]d holds something that is not %[1]s text. Check that the file is not damaged.", string(e), 1+strings.Count(s[:n], "\n"))
	}
	return s, e, nil
}

func hasUnit(units []uint16, u uint16) bool {
	for _, v := range units {
		if v == u {
			return true
		}
	}
	return false
}

// zeroPattern recognises UTF-16 without a BOM: line ends, commas and digits leave a zero in every second byte.
func zeroPattern(b []byte) Encoding {
	if len(b) < 4 || len(b)%2 != 0 {
		return ""
	}
	n := min(len(b), 4096) &^ 1
	var even, odd int
	for i := 0; i < n; i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	switch pairs := n / 2; {
	case odd*5 >= pairs && even*20 <= pairs:
		return UTF16LE
	case even*5 >= pairs && odd*20 <= pairs:
		return UTF16BE
	}
	return ""
}

// mostlyUTF8 tells a UTF-8 file with a few damaged bytes from CP932, whose kanji hardly ever look like whole UTF-8 sequences.
func mostlyUTF8(b []byte) bool {
	var good, bad int
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		} else if n > 2 {
			good++
		}
		i += n
	}
	return good > 20*bad
}

func badUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

func decode932(b []byte) (string, Encoding, error) {
	out, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", CP932, undecodable(b, bad932(b), CP932)
	}
	return string(out), CP932, nil
}

// bad932 finds the first byte that is no CP932 character, by decoding one at a time.
func bad932(b []byte) int {
	d := japanese.ShiftJIS.NewDecoder()
	for i := 0; i < len(b); {
		n := 1
		if lead := b[i]; lead >= 0x81 && lead <= 0x9F || lead >= 0xE0 && lead <= 0xFC {
			n = 2
		}
		if i+n > len(b) {
			return i
		}
		if out, err := d.Bytes(b[i : i+n]); b[i] >= 0x80 && (err != nil || bytes.ContainsRune(out, utf8.RuneError)) {
			return i
		}
		i += n
	}
	return len(b)
}

func undecodable(b []byte, at int, e Encoding) error {
	at = min(at, len(b))
	line := 1 + bytes.Count(b[:at], []byte{'\n'})
	col := at - bytes.LastIndexByte(b[:at], '\n')
	return fault.Newf(fault.Invalid,
		"%d行目の%dバイト目が文字(%s)として読めません。Excelで開いて「CSV UTF-8(コンマ区切り)」で保存し直してください。",
		"Line %d, byte %d is not readable text (%s). Open the file in Excel and save it again as \"CSV UTF-8\".", line, col, string(e))
}

// Encode932 writes CP932; characters that it does not have become "?". ok is false when there were any.
func Encode932(s string) (b []byte, ok bool) {
	enc := japanese.ShiftJIS.NewEncoder()
	if out, err := enc.String(s); err == nil {
		return []byte(out), true
	}
	var buf bytes.Buffer
	for _, r := range s {
		out, err := japanese.ShiftJIS.NewEncoder().String(string(r))
		if err != nil {
			out = "?"
		}
		buf.WriteString(out)
	}
	return buf.Bytes(), false
}
