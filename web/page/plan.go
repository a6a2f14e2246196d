package page

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"kenshin/assess/plan"
	"kenshin/i18n"
)

// PlanPathOf is the address of a kind of yearly sheets: GET the list; POST year begins one. With an id: GET, POST the sheet's fields with revision;
// POST sign: revision, note; GET print, xlsx; of audits POST draw: revision, population, number.
func PlanPathOf(k plan.Kind) string {
	switch k {
	case plan.Risk:
		return PathRisks
	case plan.Audit:
		return PathAudits
	}
	return PathBudget
}

func sheetPath(s plan.Sheet, what string) string { return at(PlanPathOf(s.Kind), s.ID, what) }

// SheetPath is the address of a sheet, or of a deed on it.
func SheetPath(s plan.Sheet, what string) string { return sheetPath(s, what) }

func planSection(k plan.Kind) Section { return Section(strings.TrimPrefix(PlanPathOf(k), "/")) }

// PlanListView is the sheets of one kind.
type PlanListView struct {
	Kind   plan.Kind
	Sheets []plan.Sheet
	Year   int // the present fiscal year
	Errors Errors
}

// PlanListPage lists the sheets of one kind, and begins one.
func PlanListPage(s Shell, v PlanListView) templ.Component {
	return within(s, planSection(v.Kind), v.Kind.Label(), planList(v))
}

// PlanView is one sheet.
type PlanView struct {
	Sheet  plan.Sheet
	Owners []string
	Refs   []plan.Ref // what a line of a budget may close
	Errors Errors
}

// PlanPage is one sheet to work on.
func PlanPage(s Shell, v PlanView) templ.Component {
	return within(s, planSection(v.Sheet.Kind), v.Sheet.Kind.Label(), planSheet(v))
}

// PlanPrintPage is one sheet on A4.
func PlanPrintPage(s Shell, v PlanView) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		ctx = context.WithValue(ctx, shellKey{}, s)
		return planPrint(s, v).Render(ctx, w)
	})
}

func planTopic(k plan.Kind) string {
	if k == plan.Audit {
		return "#audit"
	}
	return "#risk"
}

func planSays(ctx context.Context, k plan.Kind) string {
	switch k {
	case plan.Risk:
		return t(ctx, "起こりうることを、起こりやすさと患者さんへの影響で並べ、どうするかを決めて、年に一度、経営者が承認します", "what may happen, how likely and how bad for patients, what is decided; approved once a year")
	case plan.Audit:
		return t(ctx, "計画、項目、くじ引きで選んだ抜き取り、指摘と直し、署名した報告", "plan, items, samples drawn at random, remarks and corrections, signed report")
	}
	return t(ctx, "三年分の費用と、それで良くなることを並べます", "the cost of three years beside what it makes better")
}

func sheetState(ctx context.Context, s plan.Sheet) (Mark, string) {
	switch {
	case s.Fresh():
		return MarkOK, t(ctx, "承認済み(第%d版)", "Approved (version %d)", s.Signed.Number)
	case s.Signed != nil:
		return MarkWarn, t(ctx, "承認のあとに変更あり", "Changed since approval")
	}
	return MarkInfo, t(ctx, "作成中", "Draft")
}

func fiveOptions(ctx context.Context, words [5]i18n.Text) []Option {
	var out []Option
	for i, w := range words {
		out = append(out, Option{Value: strconv.Itoa(i + 1), Text: strconv.Itoa(i+1) + " " + w.For(ctx)})
	}
	return out
}

func fiveText(ctx context.Context, n int, words [5]i18n.Text) string {
	if n < 1 || n > 5 {
		return "—"
	}
	return strconv.Itoa(n) + " " + words[n-1].For(ctx)
}

func treatmentOptions(ctx context.Context) []Option {
	out := []Option{{Value: "", Text: plan.Undecided.Label().For(ctx)}}
	for _, x := range plan.Treatments() {
		out = append(out, Option{Value: string(x), Text: x.Label().For(ctx)})
	}
	return out
}

func verdictOptions(ctx context.Context) []Option {
	var out []Option
	for _, x := range []plan.Verdict{plan.NotSeen, plan.Good, plan.Poor, plan.NoCase} {
		out = append(out, Option{Value: string(x), Text: x.Label().For(ctx)})
	}
	return out
}

func weightText(ctx context.Context, w string) string {
	switch w {
	case "major":
		return t(ctx, "重い", "Major")
	case "minor":
		return t(ctx, "軽い", "Minor")
	}
	return t(ctx, "助言", "Advice")
}

func lineStateOptions(ctx context.Context) []Option {
	var out []Option
	for _, s := range plan.LineStates() {
		out = append(out, Option{Value: s, Text: plan.StateText(s).For(ctx)})
	}
	return out
}

// riskMark is the weight of a risk: its word stands beside the colour.
func riskMark(ctx context.Context, weight int) (Mark, string) {
	switch {
	case weight >= 15:
		return MarkBad, t(ctx, "大", "High") + " " + strconv.Itoa(weight)
	case weight >= 8:
		return MarkWarn, t(ctx, "中", "Middle") + " " + strconv.Itoa(weight)
	}
	return MarkQuiet, t(ctx, "小", "Low") + " " + strconv.Itoa(weight)
}

// cellOf is one cell of the drawn matrix.
type matrixCell struct{ x, y, class, text, label string }

const matrixStep = 56

// matrixCells draws likelihood upwards and impact to the right; a cell names the numbers of the rows that lie in it.
func matrixCells(ctx context.Context, rows []plan.RiskRow) (out []matrixCell) {
	for likelihood := 5; likelihood >= 1; likelihood-- {
		for impact := 1; impact <= 5; impact++ {
			var in []string
			for i, r := range rows {
				if r.Likelihood == likelihood && r.Impact == impact {
					in = append(in, strconv.Itoa(i+1))
				}
			}
			m, w := riskMark(ctx, likelihood*impact)
			out = append(out, matrixCell{strconv.Itoa(40 + (impact-1)*matrixStep), strconv.Itoa(10 + (5-likelihood)*matrixStep), string(m), strings.Join(in, ","),
				t(ctx, "起こりやすさ%d、影響%d、%s", "likelihood %d, impact %d, %s", likelihood, impact, w)})
		}
	}
	return out
}

func plus(s string, d int) string {
	n, _ := strconv.Atoi(s) // made by matrixCells
	return strconv.Itoa(n + d)
}

func wants(refs []plan.Ref, kind, id string) bool {
	return slices.ContainsFunc(refs, func(r plan.Ref) bool { return r.Kind == kind && r.ID == id })
}

func refKind(ctx context.Context, k string) string {
	switch k {
	case "gate":
		return t(ctx, "レベルの関門", "Gates to levels")
	case "item":
		return t(ctx, "点検表の項目", "Checklist items")
	}
	return t(ctx, "リスク", "Risks")
}

func refTexts(ctx context.Context, refs []plan.Ref) string {
	var out []string
	for _, r := range refs {
		out = append(out, refKind(ctx, r.Kind)+": "+r.Title.For(ctx))
	}
	return strings.Join(out, " / ")
}

// extended adds an empty row to a form, for one more.
func extended[T any](rows []T) []T { return append(slices.Clone(rows), *new(T)) }

func num(v int64) string {
	if v == 0 {
		return ""
	}
	return grouped(strconv.FormatInt(v, 10))
}

func populationOptions(ctx context.Context) []Option {
	var out []Option
	for _, p := range plan.Populations() {
		out = append(out, Option{Value: p.ID, Text: p.Text.For(ctx)})
	}
	return out
}

func boolText(b bool) string { return strconv.FormatBool(b) }

func doneText(ctx context.Context, day string) string {
	if day == "" {
		return ""
	}
	return t(ctx, "終えた日 ", "done ") + day
}

func independentText(ctx context.Context, b bool) string {
	if b {
		return t(ctx, "ふだんの担当とは別の人", "independent")
	}
	return t(ctx, "ふだんの担当とは別の人ではない", "not independent")
}

func requiredText(ctx context.Context, b bool) string {
	if b {
		return t(ctx, "必須", "Required")
	}
	return t(ctx, "推奨", "Recommended")
}
