package token

import (
	"mime/quotedprintable"
	"net/url"
	"strings"
	"testing"
)

func quoted(s string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestFindsTokensInWrappedLinks(t *testing.T) {
	for n := range 40 { // tokens that start or end with what looks like an escape are among these
		tok := Derive(uint32(n), []byte("key"), "r1/url")
		link := "https://kensyu.example.jp/" + tok.String()
		safe := "https://jpn01.safelinks.protection.outlook.com/?url=" + url.QueryEscape(link) + "&data=05%7C02%7Chana%40hospital.example%7C1234&reserved=0"
		for name, text := range map[string]string{
			"plain":                     "次を開いてください。\r\n" + link + "\r\n",
			"picture":                   `<img src="` + link + `.gif">`,
			"attribute":                 `<a href=` + link + `>開く</a>`,
			"full-width mark behind":    link + "。至急",
			"punctuation":               "(" + link + ").",
			"quote":                     link + "%27",
			"upper case":                strings.ToUpper(link),
			"query":                     "https://kensyu.example.jp/?t=" + tok.String() + "&x=1",
			"safe links":                safe,
			"safe links in HTML":        strings.ReplaceAll(safe, "&", "&amp;"),
			"safe links, quoted":        quoted(strings.Repeat("あ", 5) + ` <a href="` + strings.ReplaceAll(safe, "&", "&amp;") + `">`),
			"safe links twice":          "https://eur01.safelinks.protection.outlook.com/?url=" + url.QueryEscape(safe) + "&sdata=x",
			"safe links three times":    "https://x.example/?url=" + url.QueryEscape("https://eur01.safelinks.protection.outlook.com/?url="+url.QueryEscape(safe)),
			"proofpoint v2":             "https://urldefense.proofpoint.com/v2/url?u=https-3A__kensyu.example.jp_" + tok.String() + "&d=DwMFaQ&c=euGZstcaTDllvimEN8b7jXrwqOf",
			"proofpoint v2 of escaped":  "https://urldefense.proofpoint.com/v2/url?u=https-3A__x.example_-3Furl-3Dhttps-253A-252F-252Fkensyu.example.jp-252F" + tok.String() + "-2526data-253D05&d=DwMFaQ",
			"proofpoint v3":             "https://urldefense.com/v3/__" + link + "__;!!ABC!xyz$",
			"barracuda":                 "https://linkprotect.cudasvc.com/url?a=" + strings.ToLower(url.QueryEscape(link)) + "&c=E,1,abc&typo=1",
			"entities":                  `<a href="https:&#x2F;&#47;kensyu.example.jp&#47;` + tok.String() + `&quot;">`,
			"broken line":               "> " + link[:40] + "\r\n> " + link[40:] + "\r\n> 以上\r\n",
			"format flowed":             link[:30] + "\n" + link[30:] + "\n",
			"quoted, broken everywhere": strings.Join(strings.Split("=3D\""+link+"\"", ""), "=\r\n"),
			"soft break with blanks":    link[:40] + "= \t\r\n" + link[40:] + "\r\n",
		} {
			got := Find([]byte(text), 10)
			if len(got) == 0 || got[0] != tok && !contains(got, tok) {
				t.Errorf("%s: %s not found: %v", name, text, got)
			}
		}
	}
}

func contains(ts []Token, want Token) bool {
	for _, t := range ts {
		if t == want {
			return true
		}
	}
	return false
}

func TestFindIsBoundedAndFindsNothingInOrdinaryText(t *testing.T) {
	var b strings.Builder
	for n := range 300 {
		b.WriteString(Derive(uint32(n), nil, "x").String() + " " + Derive(uint32(n), nil, "x").String() + "\n")
	}
	if got := Find([]byte(b.String()), 100); len(got) != 100 {
		t.Errorf("%d tokens", len(got))
	}
	for _, s := range []string{"", "=", "%", "&#", "-", "d41d8cd98f00b204e9800998ecf8427e", strings.Repeat("a", 33), strings.Repeat("a", 31), "看護部の皆さま\n\n研修のお知らせです。"} {
		if got := Find([]byte(s), 10); len(got) != 0 {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func BenchmarkFindInAMegabyte(b *testing.B) {
	text := []byte(strings.Repeat("=E3=81=82 <a href=\"https%3A%2F%2Fx-2Dy&amp;z\">看護部</a>\r\n", 17000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Find(text, 100)
	}
}

func FuzzFind(f *testing.F) {
	tok := Derive(3, nil, "x").String()
	f.Add([]byte("%2F" + tok + "=\r\n"))
	f.Add([]byte("-252F" + tok + "&#x2f;&amp;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Find(b, 5)
		if len(got) > 5 {
			t.Errorf("%d tokens", len(got))
		}
		mark := []byte("\x00" + tok + "\x00")
		if len(got) < 5 && !contains(Find(append(b, mark...), 1<<20), Derive(3, nil, "x")) {
			t.Error("a token at the end was lost")
		}
	})
}
