package page

import (
	"testing"

	"github.com/a-h/templ"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

func deskLine(name, difficulty string, reported, fell, of int) DrillLine {
	return DrillLine{DrillFigures: DrillFigures{Totals: drill.Totals{Sent: of, Reported: reported, Fell: fell}, Name: name}, Mode: drill.Standard, Difficulty: difficulty, Started: before(40 * 24 * 3600e9)}
}

func TestTheDeskComparesOnlyLikeDrills(t *testing.T) {
	rows := []DeskRow{{ID: "a", Name: "あさひ", Last: []DrillLine{deskLine("1", "least", 2, 1, 40), deskLine("2", "very", 2, 1, 40)}},
		{ID: "b", Name: "いずみ", Last: []DrillLine{deskLine("3", "least", 39, 0, 40), deskLine("4", "moderately", 2, 1, 40)}},
		{ID: "c", Name: "うみ", Last: []DrillLine{deskLine("5", "least", 1, 0, 4), deskLine("6", "", 9, 0, 40)}}, {ID: "d", Name: "えのき", Last: []DrillLine{deskLine("7", "", 9, 0, 40)}}}
	got := DrillDeskView{Rows: rows}.like()
	if len(got) != 1 || got[0].Difficulty != "least" || len(got[0].Of) != 2 || got[0].Of[0].Name != "あさひ" || got[0].Of[1].Name != "いずみ" {
		t.Errorf("%+v", got) // in the order of the facilities, whoever did better; neither small nor unmeasured ones
	}
}

// deskSamples are the pages of the drills' desk for the gallery.
func deskSamples() []sample {
	cue := i18n.Text{Ja: "差出人のドメイン", En: "Sender's domain"}
	plan := func(month, title string, l scenario.Level, s drill.PlanState, owner string) drill.Planning {
		return drill.Planning{Plan: drill.Plan{ID: month, Month: month, Level: l, OwnerName: owner}, State: s, Title: i18n.Text{Ja: title, En: "Parcel"}, Cue: cue}
	}
	rows := []drill.Planning{plan("2026-06", "宅配の不在通知", scenario.Easy, drill.Done, "訓練 花子"), plan("2026-09", "勤務表の差し替え", scenario.Easy, drill.Overdue, ""),
		plan("2026-11", "検査結果の新しい画面", scenario.Medium, drill.Running, "訓練 花子"), plan("2027-02", "保守会社からの作業連絡", scenario.Medium, drill.Planned, "")}
	rows[0].Made, rows[2].Made = drill.Drill{ID: "d1", State: drill.Closed}, drill.Drill{ID: "d3", State: drill.Sending}
	months := []Option{{"2026-12", "2026-12", ""}, {"2027-01", "2027-01", ""}}
	why := drill.Advised{Level: scenario.Medium, Why: i18n.Text{Ja: "前回「宅配の不在通知」(やさしい)で報告 12 / 40人、開いた人 5 / 40人。報告が上回ったので、1段むずかしくします。", En: "Last drill: 12 of 40 reported, 5 of 40 fell. One step up."}}
	form := DrillPlanView{Year: 2026, Years: []int{2027, 2026}, Rows: rows, Next: why, Months: months, Scenarios: []Option{{"parcel", "宅配の不在通知", ""}}, Owners: []Option{{"p1", "訓練 花子", ""}}}
	cover := []drill.Coverage{{Department: "看護部", Done: 31, Of: 80}, {Department: "薬剤部", Done: 9, Of: 12}, {Department: "その他", Done: 2, Of: 9}}
	roll := DrillRollView{Year: 2026, Years: []int{2026, 2025}, All: drill.Coverage{Done: 42, Of: 101}, By: cover, Departments: []string{"看護部", "薬剤部"}, Export: "/drills/roll/export",
		Entries: []drill.RollEntry{{ID: "r1", Name: "髙﨑 花子", Department: "看護部", Title: i18n.Text{Ja: "パスワードと共用端末", En: "Passwords"}, At: before(3600e9), Score: 3, Questions: 3}, {ID: "r2", Department: "薬剤部", Title: cue, At: before(7200e9), Score: 2, Questions: 3}}}
	desk := DrillDeskView{Rows: []DeskRow{
		{ID: "f1", Name: "見本病院", Here: true, Done: 2, Planned: 2, Running: []string{"秋の訓練"}, Verified: true, Last: []DrillLine{deskLine("夏の訓練", "least", 22, 9, 120), deskLine("春の訓練", "moderately", 12, 30, 118)}},
		{ID: "f2", Name: "見本診療所", Done: 1, Planned: 2, Overdue: 1, Waiting: 1, Last: []DrillLine{deskLine("夏の訓練", "least", 6, 3, 14)}}, {ID: "f3", Name: "やま医院", Planned: 4, Last: []DrillLine{deskLine("夏の訓練", "least", 1, 1, 4)}}}}
	as := func(role actor.Role, make func(Shell) templ.Component) func(Shell) templ.Component {
		return func(s Shell) templ.Component {
			s.Role = role
			return make(s)
		}
	}
	return []sample{
		{"drill-plan", as(actor.Trainer, func(s Shell) templ.Component { return DrillPlanPage(s, form) })},
		{"drill-plan-empty", as(actor.Trainer, func(s Shell) templ.Component {
			return DrillPlanPage(s, DrillPlanView{Year: 2027, Years: form.Years, Next: why, Months: months})
		})},
		{"drill-roll", as(actor.Trainer, func(s Shell) templ.Component { return DrillRollPage(s, roll) })},
		{"drill-desk", as(actor.Desk, func(s Shell) templ.Component { return DrillDeskPage(s, desk) })},
		{"drill-releases", as(actor.Trainer, func(s Shell) templ.Component {
			return DrillReleasesPage(s, DrillReleasesView{Drill: drill.Drill{ID: "d1", Name: "隔離の訓練", Mode: drill.Quarantine, Started: before(90 * 3600e9)}, Read: true,
				Imported: drill.Imported{Added: 12, Known: 3, Rejected: []drill.RowError{{Line: 4, Why: i18n.Text{Ja: "時刻がありません。", En: "There is no time."}}}},
				Sum:      DrillSum{All: DrillFigures{Totals: drill.Totals{Sent: 80, Released: 12, Reported: 9}}}})
		})},
	}
}
