package catalogue_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/text/encoding/japanese"

	"kenshin/catalogue"
	"kenshin/fault"
)

const small = `id: checklist-r8-facility
kind: checklist
form: facility
edition: R8
fiscal_year: 2026
origin: official
title: {ja: 令和8年度版, en: FY2026}
basis: {ja: 試験用です。, en: For a test.}
published: 令和8年5月15日
previous: checklist-r7-facility
source: {text: 試験, confidence: O}
sections:
  - {id: "1", title: {ja: 体制, en: Organisation}}
items:
  - id: r8.1.1
    section: "1"
    number: 1-①
    title: {ja: 責任者を置いている。, en: An officer is named.}
    wording: O
    numbering: O
    source: 告示
    from: [r7.1.1]
    checks: [officer-appointed]
    explain: r7.1.1
  - id: r8.1.2
    section: "1"
    title: {ja: 髙﨑①㈱の項目, en: Another item.}
    wording: S
    source: 二次資料
    plain: {ja: 説明です。, en: Explained.}
`

func TestParseReadsNextYearsEdition(t *testing.T) {
	cp932, err := japanese.ShiftJIS.NewEncoder().String(small)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"UTF-8": small, "BOM": "\ufeff" + small, "CP932": cp932} {
		c, err := catalogue.Parse(name, strings.NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Published != "2026-05-15" || c.Items[1].Title.Ja != "髙﨑①㈱の項目" || c.Items[1].Standing() != catalogue.ToConfirm || c.Items[0].Standing() != catalogue.Confirmed {
			t.Errorf("%s: %+v", name, c.Items)
		}
		s, err := embedded(t).With(c)
		if err != nil {
			t.Fatal(err)
		}
		if newest, _ := s.Newest(catalogue.Checklist, catalogue.FacilityForm); newest.ID != c.ID || newest.Items[0].Plain.Ja == "" {
			t.Error("the new edition is not the newest, or has not borrowed its explanation")
		}
		if old, ok := s.Find("checklist-r7-facility"); !ok || len(old.Items) != 19 {
			t.Error("the old edition is gone: old packs could not be read")
		}
		if _, err := s.With(c); err != nil {
			t.Errorf("loading the same edition again: %v", err)
		}
	}
}

// Each mistake is told with its line and path, in a sentence, in both languages.
func TestMistakesNameTheirLine(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		line     int
		path, ja string
	}{
		"unknown field":       {"    explain: r7.1.1", "    expain: r7.1.1", 24, "", "「expain」という項目名はありません"},
		"wrong type":          {"from: [r7.1.1]", "from: r7.1.1", 22, "", "書くところ"},
		"twice":               {"    wording: S", "    wording: S\n    wording: S", 29, "", "二度書かれています"},
		"not YAML":            {"kind: checklist", "kind: [checklist", 2, "", "YAMLの書き方"},
		"unknown kind":        {"kind: checklist", "kind: list", 2, "kind", "種類「list」"},
		"unknown form":        {"form: facility", "form: hospital", 3, "form", "form「hospital」"},
		"unknown edition":     {"edition: R8", "edition: Reiwa8", 4, "edition", "版「Reiwa8」が分かりません"},
		"edition and year":    {"fiscal_year: 2026", "fiscal_year: 2025", 5, "fiscal_year", "合いません"},
		"impossible wareki":   {"令和8年5月15日", "令和8年2月30日", 9, "published", "暦にない"},
		"no month":            {"published: 令和8年5月15日", "published: 令和元年", 9, "published", "月まで"},
		"year with 2 digits":  {"令和8年5月15日", "26/5/15", 9, "published", "日付として読めません"},
		"own with a number":   {"    wording: O\n    numbering: O\n    source: 告示", "    origin: own\n    numbering: O\n    source: 告示", 17, "items[0].number", "公式の番号"},
		"number, no source":   {"    source: 告示\n", "", 15, "items[0]", "どこで見たか"},
		"number, confidence?": {"    numbering: O\n", "", 15, "items[0].numbering", "確かさ"},
		"unknown section":     {"section: \"1\"\n    number", "section: \"9\"\n    number", 16, "items[0].section", "区分「9」"},
		"duplicate id":        {"id: r8.1.2", "id: r8.1.1", 25, "items[1].id", "二度使われて"},
		"unknown check":       {"checks: [officer-appointed]", "checks: [officer-appointed, magic]", 23, "items[0].checks[1]", "測定「magic」"},
		"lineage to itself":   {"from: [r7.1.1]", "from: [r8.1.1]", 22, "items[0].from[0]", "自分自身"},
		"one language":        {"plain: {ja: 説明です。, en: Explained.}", "plain: {ja: 説明です。}", 30, "items[1].plain", "英語"},
		"no explanation":      {"    explain: r7.1.1\n", "", 15, "items[0]", "やさしい説明"},
		"alias":               {"source: 二次資料", "source: &a 二次資料", 29, "", "参照"},
		"year out of range":   {"    wording: S", "    due: 9\n    wording: S", 28, "items[1].due", "年度 9"},
		"gate elsewhere":      {"    wording: S", "    gate: {level: 1, axis: media, cost: free, minutes: 1, who: it}\n    wording: S", 25, "items[1]", "gate は"},
	} {
		in := strings.Replace(small, c.from, c.to, 1)
		if in == small {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, err := catalogue.Parse("r8.yaml", strings.NewReader(in))
		told(t, name, err, c.line, c.path, c.ja)
	}
}

func told(t *testing.T, name string, err error, line int, path, ja string) {
	t.Helper()
	m, ok := errors.AsType[catalogue.Mistakes](err)
	if !ok || fault.KindOf(err) == fault.Internal {
		t.Errorf("%s: no mistake was told: %v", name, err)
		return
	}
	for _, one := range m {
		if one.Line == line && one.Path == path && strings.Contains(one.In("ja"), ja) && one.Why.En != "" {
			return
		}
	}
	t.Errorf("%s: want line %d, %q, %q; told:", name, line, path, ja)
	for _, one := range m {
		t.Errorf("  line %d %q %s", one.Line, one.Path, one.Why.Ja)
	}
}

func TestMistakesBetweenFiles(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		line     int
		path, ja string
	}{
		"missing lineage":     {"from: [r7.1.1]", "from: [r7.9.9]", 22, "items[0].from[0]", "「r7.9.9」という質問はありません"},
		"skips an edition":    {"from: [r7.1.1]", "from: [r6.1.1]", 22, "items[0].from[0]", "前の版"},
		"missing previous":    {"previous: checklist-r7-facility", "previous: checklist-r70", 10, "previous", "「checklist-r70」という表はありません"},
		"another form":        {"previous: checklist-r7-facility", "previous: checklist-r7-vendor", 10, "previous", "別の種類"},
		"item of another":     {"id: r8.1.2", "id: r6.2.1", 25, "items[1].id", "checklist-r6-facility"},
		"catalogue of others": {"id: checklist-r8-facility", "id: level-gates", 1, "id", "ほかのファイル"},
		"unknown explain":     {"explain: r7.1.1", "explain: r7.0.0", 24, "items[0].explain", "「r7.0.0」"},
		"unknown relation":    {"    wording: S", "    relates: [nothing]\n    wording: S", 28, "items[1].relates[0]", "「nothing」"},
		"circle inside":       {"from: [r7.1.1]\n", "from: [r8.1.2]\n", 22, "items[0].from", "一周"},
	} {
		in := strings.Replace(small, c.from, c.to, 1)
		if name == "circle inside" {
			in = strings.Replace(in, "    wording: S", "    from: [r8.1.1]\n    wording: S", 1)
		}
		parsed, err := catalogue.Parse("r8.yaml", strings.NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = catalogue.New(append(embedded(t).All(), parsed)...)
		told(t, name, err, c.line, c.path, c.ja)
	}
}

func TestCirclesOfEditions(t *testing.T) {
	one := strings.NewReplacer("id: checklist-r8-facility", "id: a", "previous: checklist-r7-facility", "previous: b", "r8.", "a.", "    from: [r7.1.1]\n", "", "explain: r7.1.1", "explain: b.1.1").Replace(small)
	two := strings.NewReplacer("id: checklist-r8-facility", "id: b", "previous: checklist-r7-facility", "previous: a", "r8.", "b.", "    from: [r7.1.1]\n", "", "explain: r7.1.1", "explain: a.1.1").Replace(small)
	_, err := catalogue.Load(fstest.MapFS{"a.yaml": {Data: []byte(one)}, "b.yaml": {Data: []byte(two)}})
	told(t, "editions", err, 10, "previous", "一周")
	told(t, "explanations", err, 23, "items[0].explain", "一周")
}

func TestFilesThatCannotBeACatalogue(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		kind fault.Kind
		ja   string
	}{
		"empty":        {"", fault.Invalid, "空です"},
		"too large":    {strings.Repeat("# x\n", 200000), fault.TooLarge, "512 KB"},
		"two of them":  {small + "---\n" + small, fault.Invalid, "一つだけ"},
		"no items":     {small[:strings.Index(small, "items:")], fault.Invalid, "質問が一つもありません"},
		"a list":       {"- a\n- b\n", fault.Invalid, "書くところ"},
		"not text":     {"\xff\xfe\x00", fault.Invalid, ""},
		"self alias":   {"a: &a [*a]", fault.Invalid, ""},
		"many mistake": {strings.Replace(small, "items:\n", "items:\n"+strings.Repeat("  - {id: X}\n", 200), 1), fault.Invalid, "ほかに"},
	} {
		_, err := catalogue.Parse("x.yaml", strings.NewReader(c.in))
		if err == nil || fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err, "ja"), c.ja) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("items: [{}]"))
	f.Add([]byte("\xff\xfe"))
	if b, err := os.ReadFile("data/level-gates.yaml"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalogue.Parse("fuzz.yaml", bytes.NewReader(b))
		if err != nil {
			if fault.Sentence(err, "ja") == "" || fault.KindOf(err) == fault.Internal {
				t.Fatalf("no sentence: %v", err)
			}
			return
		}
		for _, i := range c.Items {
			if i.Number != "" && i.Standing() == catalogue.Own || i.Source == "" {
				t.Fatalf("%s has a number or no source", i.ID)
			}
		}
		if _, err := catalogue.New(c); err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatal(err)
		}
	})
}
