package address

import (
	"strings"
	"testing"
	"unicode"

	"kenshin/fault"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want, key, err string }{
		{in: "taro@example.jp", want: "taro@example.jp"},
		{in: "Taro.Yamada@EXAMPLE.JP.", want: "Taro.Yamada@example.jp", key: "taro.yamada@example.jp"},
		{in: "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", want: "taro@example.jp"},
		{in: "　taro@example.jp　", want: "taro@example.jp"},
		{in: "taro@example.jp\u200b", want: "taro@example.jp"},
		{in: "\ufefftaro@example.jp", want: "taro@example.jp"},
		{in: "山田 太郎 <taro@example.jp>", want: "taro@example.jp"},
		{in: "mailto:taro@example.jp", want: "taro@example.jp"},
		{in: "taro@病院.jp", want: "taro@xn--0rys90e.jp"},
		{in: "taro@病院。jp", want: "taro@xn--0rys90e.jp"},
		{in: "taro@XN--0RYS90E.jp", want: "taro@xn--0rys90e.jp"},
		{in: "ta-ro_1+x@ward.example.jp", want: "ta-ro_1+x@ward.example.jp"},
		{in: "", err: "がありません"},
		{in: "taro.example.jp", err: "@ がありません"},
		{in: "a@example.jp;b@example.jp", err: "@ が2つ"},
		{in: "a@evil.example@example.jp", err: "@ が2つ"},
		{in: "@example.jp", err: "@ の前に何も"},
		{in: "太郎@example.jp", err: "太"},
		{in: "ta ro@example.jp", err: "使えない文字"},
		{in: "taro@example.jp\r\nBcc: x", err: "ドメイン名"},
		{in: "ta\r\nro@example.jp", err: "使えない文字"},
		{in: `"taro"@example.jp`, err: "使えない文字"},
		{in: ".taro@example.jp", err: "位置"},
		{in: "ta..ro@example.jp", err: "位置"},
		{in: "taro@localhost", err: "ドメイン名"},
		{in: "taro@[192.0.2.1]", err: "数字のアドレス"},
		{in: "taro@192.0.2.1", err: "数字のアドレス"},
		{in: "taro@example..jp", err: "ドメイン名"},
		{in: "taro@-example.jp", err: "ドメイン名"},
		{in: "taro@exa_mple.jp", err: "ドメイン名"},
		{in: "taro@example.jp/x", err: "ドメイン名"},
		{in: strings.Repeat("a", 65) + "@example.jp", err: "長すぎ"},
		{in: "a@" + strings.Repeat("a", 64) + ".jp", err: "ドメイン名"},
		{in: strings.Repeat("a", 2000), err: "長すぎ"},
	} {
		a, err := Parse(c.in)
		if c.err != "" {
			if err == nil || !strings.Contains(fault.Sentence(err, "ja"), c.err) {
				t.Errorf("%q: got %v, %v; want an error with %q", c.in, a, err, c.err)
			}
			continue
		}
		if err != nil || a.String() != c.want {
			t.Errorf("%q: got %q, %v; want %q", c.in, a.String(), err, c.want)
		}
		if c.key != "" && a.Key() != c.key {
			t.Errorf("%q: key %q, want %q", c.in, a.Key(), c.key)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"taro@example.jp", "ｔ＠病院。jp", "<a@b.c>", "a@b@c", "a@xn--0.jp", "\x00@a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		for _, r := range a.String() {
			if r <= ' ' || r > unicode.MaxASCII {
				t.Fatalf("%q became %q", s, a)
			}
		}
		if strings.Count(a.String(), "@") != 1 || strings.ContainsAny(a.String(), "<>,;\"") {
			t.Fatalf("%q became %q", s, a)
		}
		again, err := Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("%q became %q, then %q, %v", s, a, again, err)
		}
	})
}
