package token

import (
	"strings"
	"testing"
)

func TestTokenSurvivesItsWay(t *testing.T) {
	key := []byte("key")
	open, url := Derive(7, key, "r1/open"), Derive(7, key, "r1/url")
	if open == url || open.Hash() == url.Hash() {
		t.Fatal("two signals share a token")
	}
	if open != Derive(7, key, "r1/open") {
		t.Error("a mail that is made again would carry another token")
	}
	text := open.String()
	if len(text) != Length {
		t.Fatalf("%d characters", len(text))
	}
	for _, s := range []string{text, strings.ToUpper(text)} {
		if got, ok := Parse(s); !ok || got != open || got.Door != 7 {
			t.Errorf("Parse(%q) = %v %v", s, got, ok)
		}
	}
	for _, s := range []string{"", text[1:], text + "a", text[:Length-1] + "1", strings.Repeat("é", 16)} {
		if _, ok := Parse(s); ok {
			t.Errorf("Parse(%q) took it", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Derive(1, nil, "x").String())
	f.Fuzz(func(t *testing.T, s string) {
		if tok, ok := Parse(s); ok && tok.String() != strings.ToLower(s) {
			t.Errorf("%q became %q", s, tok)
		}
	})
}
