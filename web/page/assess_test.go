package page

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/i18n"
)

// sampleAssessment answers a form in every way there is.
func sampleAssessment(t testing.TB, id string) assess.Assessment {
	c, ok := embeddedSet(t).Find(id)
	if !ok {
		t.Fatal(id)
	}
	a := assess.Assessment{Catalogue: c, At: now}
	var all []assess.Answered
	for n, i := range c.Items {
		x := assess.Item{ByName: "佐藤 恵", Changed: before(72 * time.Hour), Revision: 1}
		x.Item = i
		x.Claim = assess.Claim{Reply: catalogue.Yes, On: before(72 * time.Hour)}
		switch n % 7 {
		case 1:
			x.Verdict = assess.Verdict{Outcome: assess.Fail, Measured: 415, Of: 415, At: before(time.Hour), Until: now.AddDate(0, 0, 6)}
			x.Records = []evidence.Record{{Check: "ledger-coverage", Outcome: evidence.Fail, Measured: 415, Of: 415, At: before(time.Hour), Until: now.AddDate(0, 0, 6), Says: i18n.Text{Ja: "見えた機器のうち 30台が台帳にありません。", En: "30 devices that were seen are not in the ledger."},
				Bad: []evidence.Ref{{Kind: "device", ID: "d1", Text: "gazo-pc1"}}}}
		case 2:
			x.Claim = assess.Claim{Reply: catalogue.No, On: before(72 * time.Hour), Target: now.AddDate(0, 3, 0)}
		case 3:
			x.Claim, x.Revision, x.ByName = assess.Claim{}, 0, ""
		case 4:
			x.Verdict = assess.Verdict{Outcome: assess.Pass, Measured: 412, Of: 415, At: before(time.Hour), Until: now.AddDate(0, 0, 6), Percent: 95}
		case 5:
			x.Claim = assess.Claim{Reply: catalogue.Unknown, On: before(72 * time.Hour)}
			x.Question = &assess.Question{ID: "q1", Catalogue: id, Item: i.ID, To: assess.ToVendor, Text: "MDSを出していただけますか。", State: assess.Asked, Asked: before(48 * time.Hour), ByName: "佐藤 恵"}
		case 6:
			x.Verdict = assess.Verdict{Outcome: assess.Pass, Measured: 60, Of: 415, At: before(time.Hour), Until: now.AddDate(0, 0, 6)}
		}
		x.State = x.Answered.State(now)
		a.Items, all = append(a.Items, x), append(all, x.Answered)
	}
	a.First, a.Second = assess.Rounds(c, all, now)
	return a
}

// No line of a drawing begins with a mark that belongs to the line before or breaks a word, and nothing of a text is left out.
func TestTextsOfDrawingsBreakWhereJapaneseMay(t *testing.T) {
	shipped, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	gates, _ := shipped.Find(GatesID)
	texts := []string{"（VPN）、。", "", "ゃゅょ", "a"}
	for _, i := range gates.Items {
		texts = append(texts, i.Title.Ja, i.Title.En)
	}
	flat := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	for _, text := range texts {
		lines := wrapped(text, lineWide)
		if flat(strings.Join(lines, "")) != flat(text) {
			t.Errorf("%q became %q", text, lines)
		}
		for n, l := range lines {
			if n > 0 && strings.ContainsAny(string([]rune(l)[0]), notFirst) || breadth(l) > lineWide+2 {
				t.Errorf("line %d of %q is %q", n, text, l)
			}
			if n > 0 && !strings.Contains(text, " "+l) && l[0] < 0x80 && lines[n-1][len(lines[n-1])-1] < 0x80 {
				t.Errorf("a word of %q is broken: %q", text, lines)
			}
		}
	}
}

func assessSamples(t testing.TB) []sample {
	form := sampleAssessment(t, "checklist-r7-facility")
	gates := sampleAssessment(t, GatesID)
	var all []assess.Answered
	for _, i := range gates.Items {
		all = append(all, i.Answered)
	}
	level, actions := assess.Levels(all, now), assess.NextActions(all, form.Catalogue, 3, now)
	start := AssessView{Form: form, Level: level, Actions: actions, Open: []assess.Question{*form.Items[5].Question}, Others: embeddedSet(t).All()[8:],
		Todo: Task{Mark: MarkBad, Title: "答えと測定が食い違う項目が3あります", Why: "「はい」と答えましたが、測るとできていません。", Meta: "1件 10分", Action: Link{"見る", "/assess/checklist-r7-facility?state=5"}, Primary: true}}
	list := FormView{Assessment: form, Carried: map[string]catalogue.Carried{form.Items[3].Item.ID: {Reply: catalogue.Yes, From: []string{"r6.2.2"}}}, Previous: "令和6年度版", Open: form.Items[2].Item.ID, Typed: AnswerOf(form.Items[2], now)}
	one := ItemView{Assessment: form, Item: form.Items[1], Checks: map[string]catalogue.Check{"ledger-coverage": {Title: i18n.Text{Ja: "台帳と見えた機器の一致", En: "Ledger against what was seen"}}}, History: sampleChanges(), Links: map[string]string{"device/d1": "/devices/d1"},
		Typed: AnswerOf(form.Items[1], now), Prev: form.Items[0].Item.ID, Next: form.Items[2].Item.ID, Position: 2}
	two := one
	two.Theirs, two.Typed.Reply, two.Typed.Note = &form.Items[1], catalogue.No, "PCが10台足りない"
	configs := shippedTables(t).Configs
	patterns := shippedTables(t).Patterns
	figures := shippedTables(t).Figures
	for n := range all[:9] {
		all[n].Claim = assess.Claim{Reply: catalogue.Yes, On: before(72 * time.Hour)}
		if n < 6 {
			all[n].Verdict = assess.Verdict{Outcome: assess.Pass, Measured: 10, Of: 10, At: before(time.Hour), Until: now.AddDate(0, 0, 6)}
		}
	}
	up := LevelView{Catalogue: gates.Catalogue, Standing: assess.Levels(all, now), Gates: assess.Steps(all, now), Actions: actions, Closes: map[string]string{}, Staff: catalogue.No, Cloud: catalogue.Yes, Pattern: &patterns[3], Class: "100-199", Configs: configs, Beyond: embeddedSet(t).All()[9:11]}
	yard := YardstickView{Class: "100-199", Beds: 180, Form: form.Catalogue.ID}
	for n, f := range figures.Figures {
		row := YardstickRow{Figure: f, Inquiry: figures.Inquiry(f)}
		row.Share, row.Of = f.Share(yard.Class)
		if n%3 != 1 {
			row.Own = &form.Items[n]
		}
		yard.Rows = append(yard.Rows, row)
	}
	return []sample{
		{"level", func(s Shell) templ.Component { return LevelPage(s, up) }},
		{"yardstick", func(s Shell) templ.Component { return YardstickPage(s, yard) }},
		{"assess", func(s Shell) templ.Component { return AssessPage(s, start) }},
		{"assess-form", func(s Shell) templ.Component { return FormPage(s, list) }},
		{"assess-item", func(s Shell) templ.Component { return ItemPage(s, one) }},
		{"assess-two", func(s Shell) templ.Component { return ItemPage(s, two) }},
		{"assess-start", func(s Shell) templ.Component {
			return StartPage(s, StartView{At: 0, Title: gates.Catalogue.Sections[0].Title, Gates: gates.Items[:4], Checklist: form.Catalogue})
		}},
		{"assess-start-level", func(s Shell) templ.Component {
			return StartPage(s, StartView{At: -1, Level: level, Actions: actions, Checklist: form.Catalogue})
		}},
	}
}

// shippedTables are what the product ships beside the questions.
func shippedTables(t testing.TB) catalogue.Tables {
	t.Helper()
	s, err := catalogue.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
