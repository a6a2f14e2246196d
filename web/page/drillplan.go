package page

import (
	"context"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

// PlanForm is one planned drill as it is typed: id, month, scenario, level, owner, note.
type PlanForm struct {
	drill.Plan
	Errors Errors
}

// DrillPlanView is the drills of a fiscal year.
type DrillPlanView struct {
	Year      int
	Years     []int
	Rows      []drill.Planning
	Next      drill.Advised // what the results suggest
	Form      PlanForm
	Months    []Option
	Scenarios []Option
	Owners    []Option
}

// DrillPlanPage shows the yearly plan; it prints on A4.
func DrillPlanPage(s Shell, v DrillPlanView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "訓練の年間計画", En: "Yearly plan of drills"}, drillPlan(v))
}

// PlanTask is a planned drill on the list of what to do today.
func PlanTask(ctx context.Context, p drill.Planning) Task {
	k := Task{Mark: MarkInfo, Title: t(ctx, "%s の訓練「%s」の準備", "Prepare the drill of %s, “%s”", p.Month, p.Title.For(ctx)), Meta: t(ctx, "15分", "15 min"),
		Why:    t(ctx, "年間計画の予定です。下書きを作り、点検して、ほかの人の承認をもらいます。", "It is on the yearly plan: make the draft, the preflight, and ask for approval."),
		Action: Link{t(ctx, "年間計画を開く", "Open the plan"), planPath(p)}}
	if p.State == drill.Overdue {
		k.Mark, k.Title = MarkWarn, t(ctx, "%s の訓練「%s」がまだです", "The drill of %s, “%s”, is overdue", p.Month, p.Title.For(ctx))
		k.Why = t(ctx, "予定の月が過ぎました。進めるか、月を変えるか、外してください。", "Its month is over. Go on with it, move it or take it off.")
	}
	if p.Made.ID != "" && p.Made.State != drill.Withdrawn {
		k.Action = Link{t(ctx, "下書きを開く", "Open the draft"), DrillPath(p.Made.ID, "")}
	}
	return k
}

func planPath(p drill.Planning) string {
	return PathDrillPlan + "?" + url.Values{"year": {strconv.Itoa(drill.PlanYear(p.Month))}}.Encode()
}

func planEdit(p drill.Planning) string {
	return PathDrillPlan + "?" + url.Values{"year": {strconv.Itoa(drill.PlanYear(p.Month))}, "edit": {p.ID}}.Encode() + "#plan"
}

// planState is a state as sign and word.
func planState(ctx context.Context, s drill.PlanState) (Mark, string) {
	switch s {
	case drill.Prepared:
		return MarkInfo, t(ctx, "準備中", "being prepared")
	case drill.Running:
		return MarkInfo, t(ctx, "実施中", "running")
	case drill.Done:
		return MarkOK, t(ctx, "済み", "done")
	case drill.Overdue:
		return MarkWarn, t(ctx, "遅れ", "overdue")
	}
	return MarkQuiet, t(ctx, "予定", "planned")
}

func levelOptions(ctx context.Context) (out []Option) {
	for _, l := range []scenario.Level{scenario.Easy, scenario.Medium, scenario.Hard} {
		out = append(out, Option{Value: string(l), Text: l.Name().For(ctx)})
	}
	return out
}

func ownerOptions(ctx context.Context, v DrillPlanView) []Option {
	return append([]Option{{Value: "", Text: t(ctx, "訓練担当(決めない)", "whoever trains")}}, v.Owners...)
}

// count says how many of the year's drills stand where.
func (v DrillPlanView) count(s ...drill.PlanState) (n int) {
	for _, p := range v.Rows {
		for _, x := range s {
			if p.State == x {
				n++
			}
		}
	}
	return n
}

// differs reports whether the results suggest another difficulty for what was not made yet.
func (v DrillPlanView) differs(p drill.Planning) bool {
	for _, q := range v.Rows { // only the next one: what follows depends on its result
		if q.State == drill.Planned || q.State == drill.Overdue {
			return q.ID == p.ID && p.Level != v.Next.Level
		}
	}
	return false
}
