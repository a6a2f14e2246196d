package page

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/assess"
	"kenshin/dock"
	"kenshin/i18n"
	"kenshin/jp"
)

// DockStep is one step of this year.
type DockStep struct {
	Title, Says string
	Done        bool
	Link        Link
}

// DocksView is the yearly routine: where this year stands, and the docks so far.
type DocksView struct {
	Standing dock.Standing
	Steps    []DockStep
	Docks    []dock.Entry
	Owners   []Option
	Months   []Option
	Errors   Errors
}

// task is the step as a line of a list; done or not is said in words.
func (s DockStep) task(ctx context.Context, n int) Task {
	k := Task{Mark: MarkInfo, Sign: strconv.Itoa(n + 1), Title: s.Title, Why: s.Says, Meta: t(ctx, "まだ", "to do"), Action: s.Link}
	if s.Done {
		k.Mark, k.Sign, k.Meta = MarkOK, "✓", t(ctx, "済み", "done")
	}
	return k
}

// next is the first step that is not done.
func (v DocksView) next() (Task, bool) {
	for n, s := range v.Steps {
		if !s.Done {
			return Task{Mark: MarkInfo, Sign: strconv.Itoa(n + 1), Title: s.Title, Why: s.Says, Action: s.Link, Primary: true}, true
		}
	}
	return Task{}, false
}

// DocksPage is 年次健診.
func DocksPage(s Shell, v DocksView) templ.Component {
	return within(s, SectionDock, i18n.Text{Ja: "年次健診の確定と結果", En: "Yearly check-ups"}, docks(v))
}

// DockView is one dock as a result sheet, with the years before.
type DockView struct {
	dock.Result
	Report     *dock.Report
	MayApprove bool
	Errors     Errors
}

// DockPage is a result sheet.
func DockPage(s Shell, v DockView) templ.Component {
	return within(s, SectionDock, i18n.Text{Ja: "年次健診の結果", En: "Result of a yearly check-up"}, dockResult(v))
}

// DirectorPage is the director's one page, for A4.
func DirectorPage(s Shell, v DockView) templ.Component { return part(s, directorSheet(s, v)) }

// PackView is where the pack for an inspection is fetched.
type PackView struct {
	Docks       []dock.Entry
	Chosen      string
	Unexplained *dock.Unexplained
	Sentence    string // why there is no pack
	Over        string // that the edition's year has ended
	PDF         bool
	Remarks     Errors
	Typed       map[string]string
	MayRemark   bool
}

// PackPage is 点検資料.
func PackPage(s Shell, v PackView) templ.Component {
	return within(s, SectionPack, i18n.Text{Ja: "点検資料（立入検査）", En: "Inspection pack"}, packPage(v))
}

// dockDate is a day of the form 2026-11-28 as people of this language write it.
func dockDate(ctx context.Context, day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil || i18n.From(ctx) != i18n.Ja {
		return day
	}
	return jp.Wareki(at)
}

func letterMark(l dock.Letter) Mark {
	switch l {
	case dock.A, dock.B:
		return MarkOK
	case dock.C:
		return MarkWarn
	case dock.D, dock.E:
		return MarkBad
	}
	return MarkInfo
}

// firstSentence is what fits on one page of many subjects; the whole stands with the weak point.
func firstSentence(s string) string {
	if n := strings.Index(s, "。"); n >= 0 {
		return s[:n+len("。")]
	}
	return s
}

// letterText is a grade for a line of text.
func letterText(l dock.Letter) string {
	if l < dock.A || l > dock.E {
		return "―"
	}
	return string(l)
}

func levelText(ctx context.Context, l int) string { return assess.Level(l).Label().For(ctx) }

// gradeOf is an older dock's grade of the same area. Areas of another edition are known by their section.
func gradeOf(d *dock.Dock, area string, n int) (dock.Grade, bool) {
	for _, g := range d.Snapshot.Grades {
		if g.Area == area {
			return g, true
		}
	}
	if n < len(d.Snapshot.Grades) && sectionOf(d.Snapshot.Grades[n].Area) == sectionOf(area) {
		return d.Snapshot.Grades[n], true
	}
	return dock.Grade{}, false
}

func sectionOf(area string) string {
	for i := len(area) - 1; i >= 0; i-- {
		if area[i] == '/' {
			return area[i+1:]
		}
	}
	return area
}

func yen(n int64) string {
	if n <= 0 {
		return "—"
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + "円"
}

func fixDays(ctx context.Context, d int) string {
	if d < 0 {
		return t(ctx, "直したものなし", "none fixed")
	}
	return t(ctx, "%d日", "%d days", d)
}

// moneyByWhat is one line for each thing that is asked for, with its years and their sum: the director's page is one sheet.
func moneyByWhat(list []dock.Money) []dock.Money {
	var out []dock.Money
	for _, m := range list {
		n := slices.IndexFunc(out, func(o dock.Money) bool { return o.What == m.What && o.Why == m.Why })
		if n < 0 {
			out = append(out, m)
			continue
		}
		out[n].Year += "・" + m.Year
		out[n].Amount += m.Amount
	}
	return out
}

func moneySum(list []dock.Money) (sum int64) {
	for _, m := range list {
		sum += m.Amount
	}
	return sum
}

func tallyText(ctx context.Context, g dock.Grade) string {
	return t(ctx, "%d項目：証拠で確認 %d、一部 %d、食い違い %d、測定なし %d", "items: %d, proven %d, in part %d, contradicted %d, not measured %d", g.Tally.Asked, g.Tally.Proven, g.Tally.Partly, g.Tally.Contradicted, g.Tally.Unmeasured)
}

// form is the checklist of the snapshot, empty where there is none.
func (v DockView) form() *dock.Form {
	f, ok := v.Snapshot.Checklist()
	if !ok {
		return &dock.Form{}
	}
	return f
}

func partOf(part, of int) string {
	if of == 0 {
		return "—"
	}
	return fmt.Sprintf("%d%%（%d/%d）", part*100/of, part, of)
}

func dockWhen(ctx context.Context, v DocksView) string {
	switch s := v.Standing; {
	case s.Done != nil:
		return t(ctx, "今年度は確定済み（", "frozen this year (") + dockDate(ctx, s.Done.Day) + t(ctx, "）", ")")
	case s.Due.IsZero():
		return t(ctx, "健診の日を決めてください", "choose the day of the check-up")
	case s.Overdue():
		return t(ctx, "健診の日（%s）を過ぎています", "overdue since %s", date(ctx, s.Due))
	default:
		return t(ctx, "今年度の健診の日は %s", "due on %s", date(ctx, s.Due))
	}
}

func dockDay(d int) string {
	if d == 0 {
		return ""
	}
	return strconv.Itoa(d)
}

func packChoices(ctx context.Context, v PackView) []Option {
	out := []Option{{Value: "", Text: t(ctx, "いまの状態", "The present state")}}
	for _, d := range v.Docks {
		out = append(out, Option{Value: d.ID, Text: t(ctx, "第%d回 %s", "No. %d, %s", d.Number, dockDate(ctx, d.Day))})
	}
	return out
}

// unexplainedPath is where a reason is written.
func unexplainedPath(i dock.UnexplainedItem) string {
	return ItemPath(i.Catalogue, i.Item, "", i.Subject)
}
