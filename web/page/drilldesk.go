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
	if len(shell(ctx).Facilities) > 1 {
		all = append(all, drillTab{Link{t(ctx, "施設ごと", "By facility"), PathDrillDesk}, actor.SeeDrill})
	}
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

// DeskRow is one facility on the support body's desk.
type DeskRow struct {
	ID, Name               string
	Here                   bool
	Done, Planned, Overdue int // of this fiscal year's plan
	Running                []string
	Waiting                int
	Verified               bool
	Last                   []DrillLine // the newest closed drill of each difficulty, the newest first
}

// DrillDeskView is every facility that a person looks after.
type DrillDeskView struct{ Rows []DeskRow }

// DrillDeskPage shows the drills of several facilities.
func DrillDeskPage(s Shell, v DrillDeskView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "施設ごとの訓練", En: "Drills by facility"}, drillDesk(v))
}

// likeDrills are the newest drills of one kind and difficulty, one of each facility, in the order of the facilities: no ranking.
type likeDrills struct {
	Mode       drill.Mode
	Difficulty string
	Of         []DeskRow // Last holds the one drill
}

func (v DrillDeskView) like() (out []likeDrills) {
	at := map[[2]string]int{}
	for _, r := range v.Rows {
		for _, d := range r.Last {
			if d.Difficulty == "" || !d.of(0).Shown() {
				continue
			}
			key := [2]string{string(d.Mode), d.Difficulty}
			i, known := at[key]
			if !known {
				i = len(out)
				at[key] = i
				out = append(out, likeDrills{Mode: d.Mode, Difficulty: d.Difficulty})
			}
			if n := len(out[i].Of); n > 0 && out[i].Of[n-1].ID == r.ID {
				continue
			}
			out[i].Of = append(out[i].Of, DeskRow{ID: r.ID, Name: r.Name, Last: []DrillLine{d}})
		}
	}
	var enough []likeDrills
	for _, l := range out {
		if len(l.Of) > 1 {
			enough = append(enough, l)
		}
	}
	return enough
}
