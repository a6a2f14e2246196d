package scenario_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
)

const example = "../../docs/guide/example-scenario.yaml"

func inspect(t testing.TB, text string, own ...string) ([]scenario.Entry, scenario.Faults) {
	t.Helper()
	list, err := scenario.Inspect(strings.NewReader(text), rules(t), own...)
	bad, ok := errors.AsType[scenario.Faults](err)
	if err != nil && (!ok || fault.KindOf(err) != fault.Invalid) {
		t.Fatal(err)
	}
	if err != nil && list != nil {
		t.Fatal("scenarios were taken from a file that is wrong")
	}
	return list, bad
}

// The guide tells people to begin with this file: it must be taken as it is.
func TestTheGuidesFileIsTaken(t *testing.T) {
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	list, bad := inspect(t, string(b))
	if len(bad) > 0 || len(list) != 1 || len(list[0].Mails) != 3 {
		t.Fatalf("%d scenarios, %v", len(list), bad)
	}
}

func TestFaultsNameTheirLine(t *testing.T) {
	good, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	lineOf := func(text, words string, nth int) int {
		for i, l := range strings.Split(text, "\n") {
			if strings.Contains(l, words) {
				if nth--; nth == 0 {
					return i + 1
				}
			}
		}
		t.Fatalf("%q does not stand in the file", words)
		return 0
	}
	for name, c := range map[string]struct{ from, to, at, ja, en string }{
		"real brand in a body":  {"来週の献立を載せました。", "来週の献立を載せました。\n      配達はヤマト運輸です。", "ヤマト運輸", "実在の名前", "a real name"},
		"cruel subject":         {"subject: 来週の献立について", "subject: 冬季賞与の支給について", "賞与", "賞与", "bonus"},
		"foreign domain":        {"来週の献立を載せました。", "https://kondate-futaba.jp/ に載せました。", "kondate-futaba", "ドメイン", "domain"},
		"unknown field":         {"landing: survey", "landing: survey\nscript: x", "script: x", "「script」という項目はありません", "no field “script”"},
		"wrong kind":            {"link: true", "link: はい", "link: はい", "true か false", "true or false"},
		"list wanted":           {"for: [all]", "for: all", "for: all", "一覧", "a list"},
		"unknown department":    {"for: [all]", "for: [all, 月]", "for: [all, 月]", "部署「月」", "“月”"},
		"written twice":         {"landing: survey", "landing: survey\nlanding: notice", "landing: notice", "2回", "twice"},
		"cue that is not there": {"text: 献立を見る}", "text: 献立をみる}", "献立をみる", "献立をみる", "献立をみる"},
		"wrong difficulty":      {"difficulty: very", "difficulty: least", "difficulty: least", "難しさ", "it says least"},
		"score":                 {"process: 6, relevance: 4", "process: 5, relevance: 4", "process: 5", "0・2・4・6・8", "0, 2, 4, 6 or 8"},
		"built-in id":           {"id: canteen", "id: parcel", "id: parcel", "もうあります", "already"},
		"not YAML":              {"canteen's menu}", "canteen's menu", "title:", "字下げ", "indentation"},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Replace(string(good), c.from, c.to, 1)
			if in == string(good) {
				t.Fatal("nothing was changed")
			}
			_, bad := inspect(t, in)
			want := lineOf(in, c.at, 1)
			found := slices.ContainsFunc(bad, func(f scenario.Fault) bool {
				near := f.Line == want || name == "not YAML" && f.Line >= want-1 && f.Line <= want+1 // the reader of YAML is no more exact
				return near && strings.Contains(f.In(i18n.Ja), c.ja) && strings.Contains(f.In(i18n.En), c.en)
			})
			if !found {
				t.Errorf("line %d was wanted, got: %v", want, bad)
			}
			for _, f := range bad {
				if strings.Contains(f.In(i18n.Ja), "!!") || strings.Contains(f.In(i18n.Ja), "scenario.") {
					t.Errorf("words of a programmer: %s", f.In(i18n.Ja))
				}
			}
		})
	}
	twice := strings.Replace(string(good), "来週の献立を載せました。", "賞与の日の献立です。\n      賞与の話もあります。", 1)
	_, bad := inspect(t, twice)
	if len(bad) < 2 || bad[0].Line+1 != bad[1].Line || bad[0].Line != lineOf(twice, "賞与の日", 1) {
		t.Errorf("the same word on two lines: %v", bad)
	}
	both := string(good) + "---\n" + strings.Replace(string(good), "id: canteen", "id: canteen-2", 1)
	both = both[:strings.LastIndex(both, "landing: survey")] + "landing: bank" + both[strings.LastIndex(both, "landing: survey")+len("landing: survey"):]
	if _, bad := inspect(t, both); len(bad) != 1 || bad[0].Scenario != "canteen-2" || bad[0].Line != lineOf(both, "landing: bank", 1) {
		t.Errorf("the second scenario of a file: %v", bad)
	}
}

// What is kept of a scenario is its own text: read again, it must be the same scenario.
func TestSourceReadsBackTheSame(t *testing.T) {
	names, err := filepath.Glob("catalogue/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, n := range append(names, example) {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "\nid: ", "\nid: own-")
		if strings.HasPrefix(text, "id: ") {
			text = "id: own-" + strings.TrimPrefix(text, "id: ")
		}
		list, bad := inspect(t, text)
		if len(bad) > 0 || len(list) == 0 {
			t.Fatalf("%s: %v", n, bad)
		}
		for _, e := range list {
			again, err := scenario.Parse(strings.NewReader(e.Source))
			if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], e.Scenario) {
				t.Errorf("%s: %v\n%s", n, err, e.Source)
			}
		}
	}
}

func TestATrailingDividerIsNoScenario(t *testing.T) {
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if list, bad := inspect(t, "---\n"+string(b)+"\n---\n"); len(list) != 1 || len(bad) != 0 {
		t.Errorf("%d scenarios, %v", len(list), bad)
	}
}
