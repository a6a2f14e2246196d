package page

import (
	"context"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/drill"
	share "kenshin/drill/rate"
	"kenshin/i18n"
)

// drillTab is one page of the drills' own section.
type drillTab struct {
	Link
	needs actor.Permission
}

// tabsOf are the pages that this person may see.
func tabsOf(ctx context.Context) (out []drillTab) {
	all := []drillTab{{Link{t(ctx, "訓練の一覧", "Drills"), PathDrills}, actor.SeeDrill}, {Link{t(ctx, "年間計画", "Yearly plan"), PathDrillPlan}, actor.SeeDrill},
		{Link{t(ctx, "結果", "Results"), PathDrillTotals}, actor.SeeDrill},
		{Link{t(ctx, "受講簿", "Training roll"), PathDrillRoll}, actor.SeeDrill},
		{Link{t(ctx, "教材・お知らせを送る", "Send a lesson or notice"), PathDrillNew + "#lessons"}, actor.EditDrill}}
	for _, x := range all {
		if may(ctx, x.needs) {
			out = append(out, x)
		}
	}
	return out
}

// DrillRollView is the training roll of a fiscal year: figures for whoever sees drills, names for the trainer alone.
type DrillRollView struct {
	Year        int
	Years       []int
	All         drill.Coverage
	By          []drill.Coverage // small departments are folded
	Department  string
	Departments []string
	Entries     []drill.RollEntry
	Next        string
	Export      string // "" where names are not shown
}

// DrillRollPage shows the training roll.
func DrillRollPage(s Shell, v DrillRollView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "受講簿", En: "Training roll"}, drillRoll(v))
}

// DrillReleasesView is where the filter's list of releases is read in.
type DrillReleasesView struct {
	drill.Drill
	Sum      DrillSum
	Read     bool
	Imported drill.Imported
	Errors   Errors
}

// DrillReleasesPage shows what was released from quarantine.
func DrillReleasesPage(s Shell, v DrillReleasesView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "隔離からの取り出し", En: "Releases from quarantine"}, drillReleases(v))
}

// coverageText is 12 / 40人(30.0%).
func coverageText(ctx context.Context, c drill.Coverage) string {
	if !c.Shown() {
		return tooFew(ctx, share.Rate{Of: c.Of})
	}
	least := ""
	if c.AtLeast {
		least = t(ctx, " 以上(名前を消した分は数え切れません)", " or more (names were forgotten)")
	}
	return t(ctx, "%s / %s人(%s)%s", "%s of %s (%s)%s", n(c.Done), n(c.Of), sharePct(share.Rate{Count: c.Done, Of: c.Of}.Share()), least)
}

func receivedHead(ctx context.Context, v DrillView) string {
	if v.Drill.Mail.Lesson == "" {
		return t(ctx, "お知らせを読んだ人", "Who read the notice")
	}
	return t(ctx, "教材を終えた人", "Who finished the lesson")
}

func fiscal(ctx context.Context, year int) string {
	return t(ctx, "%d年度", "fiscal year %d", year)
}
