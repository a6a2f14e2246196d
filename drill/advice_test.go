package drill

import (
	"strings"
	"testing"
	"time"

	"kenshin/drill/rate"
	"kenshin/i18n"
)

// Each rule of the advice speaks when its numbers are there, with these numbers, and is silent else.
func TestAdviceFollowsTheNumbers(t *testing.T) {
	at := time.Date(2027, time.June, 1, 10, 0, 0, 0, time.UTC)
	group := func(name string, sent, reported, fell int) Totals {
		return Totals{Department: name, Sent: sent, Reported: reported, Fell: fell}
	}
	rated := Drill{Rating: Rating{Difficulty: "moderately", Cues: []Cue{{ID: "greeting", Part: "text", Text: "お客様各位"}, {ID: "urgency", Part: "text", Text: "本日中に"}}}}
	for _, x := range []struct {
		name   string
		d      Drill
		by     []Totals
		change func(*Totals)
		times  Times
		says   []string
		never  []string
	}{
		{name: "too few people", d: rated, by: []Totals{group("看護部", 4, 4, 0)}, says: []string{"人数が少ない"}, never: []string{"4"}},
		{name: "nobody reported", d: rated, by: []Totals{group("看護部", 30, 0, 3)}, says: []string{"報告が1件もありませんでした(0 / 30人)", "3 / 30人が開いたこのメールは", "「本日中に」"}, never: []string{"お礼", "お客様各位"}},
		{name: "more fell", d: rated, by: []Totals{group("看護部", 30, 2, 5)}, says: []string{"報告した人(2人)より、開いた人(5人)"}, never: []string{"お礼"}},
		{name: "as many", d: rated, by: []Totals{group("看護部", 30, 5, 5)}, says: []string{"同じ 5人"}, never: []string{"より"}},
		{name: "more reported and nobody fell", d: rated, by: []Totals{group("看護部", 30, 9, 0)}, says: []string{"開いた人(0人)より、報告した人(9人)", "お礼"}, never: []string{"から気づけました"}},
		{name: "one department fell more", d: rated, by: []Totals{group("看護部", 40, 10, 20), group("薬剤部", 40, 10, 1)}, says: []string{"「看護部」は開いた人が多く(20 / 40人)、ほかの部署(1 / 40人)"}, never: []string{"報告が少なく", "「薬剤部」"}},
		{name: "one department reported less", d: rated, by: []Totals{group("看護部", 40, 0, 2), group("薬剤部", 40, 20, 2)}, says: []string{"「看護部」は報告が少なく(0 / 40人)、ほかの部署(20 / 40人)", "偶然と言えないほどの差はありません"}},
		{name: "departments within chance", d: rated, by: []Totals{group("看護部", 20, 5, 4), group("薬剤部", 20, 5, 3)}, says: []string{"偶然と言えないほどの差はありません"}, never: []string{"「看護部」", "「薬剤部」"}},
		{name: "a small department is never named", d: rated, by: []Totals{group("看護部", 40, 10, 1), group("薬剤部", 40, 10, 1), group("検査科", 3, 0, 3)}, never: []string{"検査科"}},
		{name: "the first report came late", d: rated, by: []Totals{group("看護部", 30, 9, 0)}, times: Times{Reported: true, First: 95 * time.Minute, Race: rate.First([]time.Time{at.Add(95 * time.Minute)}, nil)}, says: []string{"最初の報告まで", "かかりました"}},
		{name: "the first report came early", d: rated, by: []Totals{group("看護部", 30, 9, 0)}, times: Times{Reported: true, First: 3 * time.Minute, Race: rate.First([]time.Time{at}, nil)}, never: []string{"かかりました", "広がります"}},
		{name: "somebody fell before the first report", d: rated, by: []Totals{group("看護部", 30, 9, 2)}, times: Times{Reported: true, First: 95 * time.Minute, Race: rate.First([]time.Time{at.Add(time.Hour)}, []time.Time{at})}, says: []string{"広がります"}, never: []string{"かかりました"}},
		{name: "mails that failed", d: rated, by: []Totals{group("看護部", 30, 9, 2)}, change: func(t *Totals) { t.Failed = 3 }, says: []string{"3通"}},
		{name: "arrivals of machines", d: rated, by: []Totals{group("看護部", 30, 9, 2)}, change: func(t *Totals) { t.URLRaw, t.URLPerson = 11, 2 }, says: []string{"通信 11、人 2"}},
		{name: "a mail that was not measured", d: Drill{}, by: []Totals{group("看護部", 30, 9, 2)}, says: []string{"量られていません"}, never: []string{"から気づけました"}},
	} {
		sums := Sums{ByDepartment: x.by}
		for _, d := range x.by {
			sums.All.Sent, sums.All.Reported, sums.All.Fell = sums.All.Sent+d.Sent, sums.All.Reported+d.Reported, sums.All.Fell+d.Fell
		}
		if x.change != nil {
			x.change(&sums.All)
		}
		got := strings.Join(Result{Drill: x.d, Sums: sums, Times: x.times}.Advice(i18n.With(t.Context(), i18n.Ja)), "\n")
		for _, want := range x.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", x.name, want, got)
			}
		}
		for _, never := range x.never {
			if strings.Contains(got, never) {
				t.Errorf("%s says %q:\n%s", x.name, never, got)
			}
		}
		if en := strings.Join(Result{Drill: x.d, Sums: sums, Times: x.times}.Advice(i18n.With(t.Context(), i18n.En)), "\n"); strings.Contains(en, "%!") || strings.Contains(got, "%!") {
			t.Errorf("%s: %s", x.name, en)
		}
	}
}
