package letter

import (
	"strings"
	"testing"

	"kenshin/fault"
)

var hanako = Fields{Surname: "髙﨑", Given: "花子", Reading: "たかさき はなこ", Department: "3階<東>病棟 & 外来", Email: "hanako@hospital.example.jp",
	Facility: "みどり病院", Link: "https://lp.example.jp/abc?x=1&y=2", QR: "qr"}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		template, want string
		html           bool
	}{
		{"{{姓}} {{名}} 様", "髙﨑 花子 様", false},
		{"{{surname}}/{{Given}}/{{ name }}/{{　読み　}}", "髙﨑/花子/髙﨑 花子/たかさき はなこ", false},
		{"｛｛部署｝｝", "3階<東>病棟 & 外来", false},
		{"<b>{{部署}}</b>", "<b>3階&lt;東&gt;病棟 &amp; 外来</b>", true},
		{`<a href="{{リンク}}">{{メール}}</a>`, `<a href="https://lp.example.jp/abc?x=1&amp;y=2">hanako@hospital.example.jp</a>`, true},
		{"{{リンク}}", "https://lp.example.jp/abc?x=1&y=2", false},
		{"[{{QR}}]", "[]", false},
		{"{{qr}}", `<img src="cid:qr" alt="QR" width="180" height="180">`, true},
		{"style{a{b:c}} { {姓} }", "style{a{b:c}} { {姓} }", true},
		{"", "", false},
		{"{{施設}}{{facility}}", "みどり病院みどり病院", false},
	} {
		got, err := Fill(c.template, hanako, c.html)
		if err != nil || got != c.want {
			t.Errorf("Fill(%q) = %q, %v; want %q", c.template, got, err, c.want)
		}
	}
}

// A value is never read as a template, as HTML, or as more than one line.
func TestValuesAreOnlyText(t *testing.T) {
	f := Fields{Surname: "{{名}}<script>", Given: "x\r\nBcc: a@b.jp", Department: "\u202egnp.exe"}
	got, err := Fill("{{姓}}|{{名}}|{{部署}}", f, true)
	if want := "{{名}}&lt;script&gt;|x  Bcc: a@b.jp|gnp.exe"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if got, _ := Fill("{{氏名}}様", Fields{Surname: "山田"}, false); got != "山田様" {
		t.Errorf("a person with a surname only is called %q", got)
	}
}

func TestFillNamesThePlace(t *testing.T) {
	for template, want := range map[string][2]string{
		"様\n  {{年齢}}":           {"2行3文字目", "Line 2, character 3"},
		"一\n二\n三 {{姓":           {"3行3文字目", "line 3, character 3"},
		"{{姓 {{名}}":             {"1行1文字目", "line 1, character 1"},
		"{{姓\n}}":               {"1行1文字目", "line 1, character 1"},
		"{{.Surname | printf}}": {"1行1文字目", "Line 1, character 1"},
		"{{}}":                  {"1行1文字目", "Line 1, character 1"},
		"見て{{リンク}}":             {"1行3文字目", "Line 1, character 3"},
		"{{QR}}":                {"1行1文字目", "Line 1, character 1"},
	} {
		_, err := Fill(template, Fields{Surname: "山田"}, false)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", template, err)
			continue
		}
		for i, lang := range []string{"ja", "en"} {
			if s := fault.Sentence(err, lang); !strings.Contains(s, want[i]) || strings.Contains(s, "%!") {
				t.Errorf("%q: %s", template, s)
			}
		}
	}
	if _, err := ParseTemplate(strings.Repeat("a", maxTemplate+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a huge template: %v", err)
	}
}

func TestImageAndHoneypotStandInsideThePage(t *testing.T) {
	got := Honeypot(Image("<html><body>a</body></html>", `https://lp.example.jp/t.png?"x`), "https://lp.example.jp/u")
	if !strings.HasSuffix(got, "</body></html>") || !strings.Contains(got, `src="https://lp.example.jp/t.png?&#34;x"`) || !strings.Contains(got, `href="https://lp.example.jp/u"`) {
		t.Error(got)
	}
	if got := Image("<p>a", "https://x.jp/t"); !strings.HasPrefix(got, "<p>a<img ") {
		t.Error(got)
	}
	if strings.Contains(got, "display:none") {
		t.Error("filters look for display:none")
	}
}

func FuzzFill(f *testing.F) {
	f.Add("{{姓}} {{link}} ｛｛QR｝｝", "a<b", true)
	f.Add("{{", "}}", false)
	f.Fuzz(func(t *testing.T, template, value string, html bool) {
		got, err := Fill(template, Fields{Surname: value, Link: value, QR: value}, html)
		if err == nil && html && !strings.ContainsAny(template, `<>"'`) && !strings.Contains(got, "cid:") && strings.ContainsAny(got, `<>"'`) {
			t.Errorf("Fill(%q, %q) = %q", template, value, got)
		}
		if err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("Fill(%q): %v", template, err)
		}
	})
}
