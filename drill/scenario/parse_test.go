package scenario_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"kenshin/drill/scenario"
	"kenshin/fault"
)

func parcel(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("catalogue/parcel.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseReadsTheEncodingsOfJapanesePCs(t *testing.T) {
	text := strings.ReplaceAll(parcel(t), "〜", "から") // U+301C is not in CP932
	cp932, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"UTF-8": text, "BOM": "\ufeff" + text, "CP932": cp932, "two documents": text + "\n---\n" + text} {
		s, err := scenario.Parse(strings.NewReader(in))
		if err != nil || len(s) == 0 || s[0].Brand != "さくら空便" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadFilesAreRefusedWithTheirLine(t *testing.T) {
	good := parcel(t)
	for name, c := range map[string]struct{ in, says string }{
		"unknown field":  {strings.Replace(good, "landing: parcel", "landing: parcel\nscript: x", 1), "line 10"},
		"not YAML":       {"id: [", "line"},
		"empty":          {"", "no scenario"},
		"wrong type":     {strings.Replace(good, "link: true", "link: [1]", 1), "line 16"},
		"too large":      {strings.Repeat("# x\n", 300000), "1 MB"},
		"too many":       {strings.Repeat("id: a\n---\n", 101), "100"},
		"domain in file": {strings.Replace(good, "local: haitatsu}", "local: haitatsu, domain: evil.com}", 1), "line"},
	} {
		_, err := scenario.Parse(strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.says) || fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	r := rules(t)
	for name, c := range map[string]struct{ from, to, says string }{
		"difficulty":      {"difficulty: very", "difficulty: least", "give very"},
		"cue not in mail": {"text: 持ち戻りから 48 時間}", "text: 三日以内}", "三日以内"},
		"unknown cue":     {"cue: limited-time, text: 持ち", "cue: no-such, text: 持ち", "no-such"},
		"score":           {"process: 6, relevance: 6", "process: 5, relevance: 6", "0, 2, 4, 6 or 8"},
		"landing":         {"landing: parcel", "landing: bank", "bank"},
		"audience":        {"for: [all, supply, ward]", "for: [all, moon]", "moon"},
		"brand":           {"brand: さくら空便", "brand: ヤマト運輸", "real name"},
		"link":            {"[[再配達の場所と時間を選ぶ]]", "再配達の場所と時間を選ぶ", "link does not agree"},
		"level order":     {"- level: hard", "- level: easy", "in this order"},
		"id":              {"id: parcel", "id: Parcel!", "small letters"},
	} {
		in := strings.Replace(parcel(t), c.from, c.to, 1)
		s, err := scenario.Parse(strings.NewReader(in))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		said := ""
		for _, e := range s[0].Check(r) {
			said += e.Error() + "\n"
		}
		if !strings.Contains(said, c.says) {
			t.Errorf("%s: said %q, want %q", name, said, c.says)
		}
	}
}

func TestHTMLIsMadeFromTheBody(t *testing.T) {
	s, err := scenario.Parse(strings.NewReader(parcel(t)))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := s[0].Mail(scenario.Hard)
	if !strings.Contains(m.HTML, `<a href="{{リンク}}"`) || strings.Contains(m.HTML, "[[") || !strings.Contains(m.Text, "再配達の場所と時間を選ぶ\n{{リンク}}") {
		t.Errorf("text:\n%s\nhtml:\n%s", m.Text, m.HTML)
	}
	s, err = scenario.Parse(strings.NewReader(strings.Replace(parcel(t), "個数：1\n", "個数：<b>1</b> & \"2\"\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := s[0].Mail(scenario.Hard); strings.Contains(m.HTML, "<b>1") || !strings.Contains(m.HTML, "&lt;b&gt;1") {
		t.Error("the body's < is not escaped")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(parcel(f)))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("\xff\xfe"))
	r := rules(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := scenario.Inspect(bytes.NewReader(b), r); err != nil && (fault.Sentence(err, "ja") == "" || fault.KindOf(err) == fault.Internal) {
			t.Fatalf("no sentence: %v", err)
		}
		list, err := scenario.Parse(bytes.NewReader(b))
		if err != nil {
			if fault.Sentence(err, "ja") == "" {
				t.Fatal("no sentence")
			}
			return
		}
		for _, s := range list {
			s.Check(r)
		}
	})
}
