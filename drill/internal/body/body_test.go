package body_test

import (
	"strings"
	"testing"

	"kenshin/drill/internal/body"
)

func TestTextLinksAndPlacesOfAnHTMLBody(t *testing.T) {
	src := "<style>p{}</style><p>お客様へ</p>\n<p>本日中に<br>A &amp; B <a href=\"https://x.example/\">開 <b>く</b></a></p><script>alert(1)</script><table><tr><td>一</td><td>二</td></tr></table><div style=\"max-height:0\"><a href=\"https://x.example/h\" aria-hidden=\"true\"></a></div>" // the last link is for programs
	p := body.Read(src)
	if want := "お客様へ\n本日中に\nA & B 開 く\n一 二\n"; p.Text != want {
		t.Errorf("%q, want %q", p.Text, want)
	}
	if len(p.Links) != 1 || p.Links[0].Label != "開 く" || p.Links[0].Href != "https://x.example/" || p.Text[p.Links[0].Start:p.Links[0].End] != "開 く" {
		t.Errorf("%+v", p.Links)
	}
	for word, want := range map[string]string{"本日中": "本日中", "開 く": "開 <b>く", "& B": "A &amp; B "} { // where escapes stand, the whole stretch
		at := strings.Index(p.Text, word)
		from, to := p.Source(at, at+len(word))
		if src[from:to] != want {
			t.Errorf("%s stands at %q", word, src[from:to])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("<p>a<b", 0, 1)
	f.Add("<a href=x>&lt;<a></p><textarea><td>", 1, 9)
	f.Fuzz(func(t *testing.T, src string, from, to int) {
		p := body.Read(src)
		if a, b := p.Source(from, to); a < 0 || b < a && b != 0 || b > len(src) {
			t.Fatalf("%d-%d of %d", a, b, len(src))
		}
		for _, l := range p.Links {
			if l.Start > l.End || l.End > len(p.Text) {
				t.Fatalf("%+v of %d", l, len(p.Text))
			}
		}
	})
}
