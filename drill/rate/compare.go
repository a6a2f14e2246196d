package rate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"kenshin/i18n"
)

// Race is who was first: the first report or the first person who followed the link.
type Race struct {
	FirstReport, FirstClick time.Time // zero: none
	Before                  int       // reports before the first click; all of them when nobody clicked
}

// First compares reports with the visits that were taken for persons'.
func First(reports, clicks []time.Time) Race {
	var r Race
	if len(reports) > 0 {
		r.FirstReport = slices.MinFunc(reports, time.Time.Compare)
	}
	if len(clicks) > 0 {
		r.FirstClick = slices.MinFunc(clicks, time.Time.Compare)
	}
	for _, at := range reports {
		if r.FirstClick.IsZero() || at.Before(r.FirstClick) {
			r.Before++
		}
	}
	return r
}

// Won is true when somebody reported before anybody followed the link: that is when others can be warned in time.
func (r Race) Won() bool { return r.Before > 0 }

// Text says who was first and by how much.
func (r Race) Text() i18n.Text {
	switch {
	case r.FirstReport.IsZero() && r.FirstClick.IsZero():
		return i18n.Text{Ja: "報告も、リンク・QR・添付を開いた人も、まだありません。", En: "Nobody has reported and nobody has opened the link, the QR code or the attachment."}
	case r.FirstReport.IsZero():
		return i18n.Text{Ja: "リンク・QR・添付を開いた人はいますが、報告はまだありません。", En: "The link, the QR code or the attachment was opened, and nobody has reported."}
	case r.FirstClick.IsZero():
		return i18n.Text{Ja: "リンク・QR・添付を開いた人はなく、報告がありました。", En: "It was reported, and nobody opened the link, the QR code or the attachment."}
	}
	if r.Won() {
		d := Span(r.FirstClick.Sub(r.FirstReport))
		return i18n.Text{Ja: fmt.Sprintf("最初の人がリンク・QR・添付を開く%s前に、最初の報告がありました。", d.Ja), En: fmt.Sprintf("The first report came %s before anybody opened the link, the QR code or the attachment.", d.En)}
	}
	d := Span(r.FirstReport.Sub(r.FirstClick))
	return i18n.Text{Ja: fmt.Sprintf("最初の報告は、最初の人がリンク・QR・添付を開いてから%s後でした。", d.Ja), En: fmt.Sprintf("The first report came %s after the first person opened the link, the QR code or the attachment.", d.En)}
}

// Drill is what a comparison needs of one drill.
type Drill struct {
	Rate       Rate
	Difficulty string // the key of its difficulty; "" when it was not measured
}

// Comparison is the change from one drill to another.
type Comparison struct {
	Difference float64   // share of the second less share of the first, -1..1
	Low, High  float64   // 95 %: Newcombe's method 10 (Stat. Med. 1998, 17:873)
	Like       bool      // both are of the same known difficulty and large enough
	Warning    i18n.Text // why they cannot be compared; empty when Like
}

// Compare gives the difference of two drills with its interval, and a warning when the two are not alike: a share of clicks measures the
// mail more than the people.
func Compare(first, second Drill) Comparison {
	c := Comparison{Difference: second.Rate.Share() - first.Rate.Share()}
	l1, u1 := first.Rate.Interval()
	l2, u2 := second.Rate.Interval()
	p1, p2 := first.Rate.Share(), second.Rate.Share()
	c.Low = c.Difference - math.Sqrt((p2-l2)*(p2-l2)+(u1-p1)*(u1-p1))
	c.High = c.Difference + math.Sqrt((u2-p2)*(u2-p2)+(p1-l1)*(p1-l1))
	c.Low, c.High = max(c.Low, -1), min(c.High, 1)
	switch {
	case !first.Rate.Shown() || !second.Rate.Shown():
		c.Warning = i18n.Text{Ja: fmt.Sprintf("対象者が%d人未満の訓練は比べられません。", Smallest), En: fmt.Sprintf("A drill with fewer than %d people cannot be compared.", Smallest)}
	case first.Difficulty == "" || second.Difficulty == "":
		c.Warning = i18n.Text{Ja: "難しさを測っていない訓練があるため、増減から職員の変化は分かりません。",
			En: "The difficulty of one of the drills was not measured, so the change says nothing about the staff."}
	case first.Difficulty != second.Difficulty:
		c.Warning = i18n.Text{Ja: "メールの難しさが違う訓練です。率の差は、職員の変化ではなくメールの違いかもしれません。",
			En: "The mails differ in difficulty: the difference may come from the mails and not from the staff."}
	default:
		c.Like = true
	}
	return c
}

// Text says what the difference shows; for drills that are not alike it is the warning.
func (c Comparison) Text() i18n.Text {
	if !c.Like {
		return c.Warning
	}
	ja := fmt.Sprintf("%+.1fポイント(95 %%信頼区間 %+.1f〜%+.1f)", 100*c.Difference, 100*c.Low, 100*c.High)
	en := fmt.Sprintf("%+.1f points (95 %% interval %+.1f to %+.1f)", 100*c.Difference, 100*c.Low, 100*c.High)
	if c.Low <= 0 && c.High >= 0 {
		return i18n.Text{Ja: ja + "。偶然の範囲で、変わったとは言えません。", En: en + ". Within chance: no change can be claimed."}
	}
	return i18n.Text{Ja: ja + "。偶然とは考えにくい変化です。", En: en + ". More than chance would give."}
}
