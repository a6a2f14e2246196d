package web

import (
	"net/http"
	"slices"
	"time"

	share "kenshin/drill/rate"
	"kenshin/web/page"
)

// drillReview is the facility's drills of a period on A4.
func (v *visit) drillReview() error {
	asked, period := v.period()
	view := page.DrillReviewView{From: period.From, To: period.To, Error: asked.Error}
	if view.Error != "" {
		v.status(http.StatusUnprocessableEntity)
		v.show(page.DrillReviewPage(v.shell(), view))
		return nil
	}
	view.Period = v.periodText(period.From, period.To)
	r, err := v.s.Drills.Review(v.ctx, v.facility, period, v.t("その他", "others"))
	if err != nil {
		return err
	}
	view.Sum, view.Warning, view.Missed = sumOf(r.Sums), r.Warning.For(v.ctx), r.Missed
	view.Sum.Canary = r.Canary
	view.Trained, view.TrainedBy, view.Year, view.Advice = r.Trained, r.TrainedBy, r.Year, r.Advice(v.ctx)
	if typical, ok := share.OfThose(r.Firsts, 0.5); ok && shown(r.Sums.All) {
		view.Sum.First = share.Span(typical).For(v.ctx)
		if len(r.Firsts) > 1 {
			view.Sum.Median = v.t("訓練 %d件の中央値", "median over %d drills", len(r.Firsts))
		}
	}
	for _, l := range slices.Backward(r.Drills) {
		view.Drills = append(view.Drills, v.drillLine(l))
	}
	for _, x := range r.Trends {
		view.Trends = append(view.Trends, v.t("「%s」の訓練 %d件、はじめ(%s)と終わり(%s)の差: 報告率は %s 開いた人の率は %s", "%[1]s, %[2]d drills, from %[3]s to %[4]s: reports %[5]s Fell %[6]s", page.DifficultyText(x.Difficulty).For(v.ctx),
			len(x.Drills), x.Drills[0].Drill.Name, x.Drills[len(x.Drills)-1].Drill.Name, x.Reported.Text().For(v.ctx), x.Fell.Text().For(v.ctx)))
	}
	v.show(page.DrillReviewPage(v.shell(), view))
	return nil
}

// periodText is a period in words.
func (v *visit) periodText(from, to string) string {
	date := func(day string) string {
		at, err := time.Parse(dateForm, day)
		if err != nil {
			return ""
		}
		return v.t("%d年%d月%d日", "%d-%02d-%02d", at.Year(), at.Month(), at.Day())
	}
	switch {
	case from == "" && to == "":
		return v.t("すべての期間", "all the time")
	case from == "":
		return v.t("%sまで", "until %s", date(to))
	case to == "":
		return v.t("%sから", "from %s", date(from))
	}
	return v.t("%sから%sまで", "%s to %s", date(from), date(to))
}
