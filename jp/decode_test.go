package jp

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"kenshin/fault"
)

func utf16Bytes(s string, big bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestDecode(t *testing.T) {
	text := "管理番号,機器名,IPアドレス\r\n1,①髙橋のＰＣ,10.0.0.1\r\n2,㈱テスト～,10.0.0.2\r\n"
	sjis, ok := Encode932(text)
	if !ok {
		t.Fatal("the text has no CP932 form")
	}
	for _, c := range []struct {
		in   []byte
		want Encoding
	}{
		{[]byte(text), UTF8}, {append([]byte("\xEF\xBB\xBF"), text...), UTF8}, {sjis, CP932},
		{append([]byte{0xFF, 0xFE}, utf16Bytes(text, false)...), UTF16LE}, {append([]byte{0xFE, 0xFF}, utf16Bytes(text, true)...), UTF16BE},
		{utf16Bytes(text, false), UTF16LE}, {utf16Bytes(text, true), UTF16BE},
	} {
		got, enc, err := Decode(c.in)
		if got != text || enc != c.want || err != nil {
			t.Errorf("%s: got %q %s %v", c.want, got, enc, err)
		}
	}
}

func TestDecodeSaysWhere(t *testing.T) {
	broken := append([]byte("a,b\r\n"), 0x82, 0xA0, 0x2C, 0x81, 0x0A)
	_, _, err := Decode(broken)
	if err == nil || !strings.Contains(err.Error(), "Line 2, byte 4") {
		t.Errorf("CP932: %v", err)
	}
	long := strings.Repeat("電子カルテ\n", 30)
	_, enc, err := Decode(append([]byte(long), 0xE3, 0x81))
	if err == nil || enc != UTF8 || !strings.Contains(fault.Sentence(err, "ja"), "31行目") {
		t.Errorf("damaged UTF-8 must not be read as CP932: %s %v", enc, err)
	}
}

func FuzzDecode(f *testing.F) {
	sjis, _ := Encode932("電子カルテ,①")
	f.Add(sjis)
	f.Add([]byte{0xFF, 0xFE, 0x41, 0x00})
	f.Add([]byte("\xEF\xBB\xBFabc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _, err := Decode(b)
		if err == nil && !utf8.ValidString(s) {
			t.Fatal("decoded text is not UTF-8")
		}
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("no sentence: %v", err)
		}
		if err == nil && bytes.Equal(b, []byte(s)) && !utf8.Valid(b) {
			t.Fatal("bytes passed through")
		}
	})
}
