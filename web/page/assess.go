package page

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/i18n"
)

// AssessView is where the yearly check-up begins: where we stand, and what to do now.
type AssessView struct {
	Form      assess.Assessment // the newest checklist
	Level     assess.Standing
	Actions   []assess.Action
	Todo      Task // the one thing to do now
	Proposals int  // answers of the edition before that wait for a person
	Open      []assess.Question
	Others    []catalogue.Catalogue
}

// AssessPage is 年次健診.
func AssessPage(s Shell, v AssessView) templ.Component {
	return within(s, SectionAssess, i18n.Text{Ja: "年次健診", En: "Yearly check-up"}, assessStart(v))
}

// FormView is a form in its official order, with a person's answer beside the machine's.
type FormView struct {
	assess.Assessment
	State    string // only this state; "" is all
	Carried  map[string]catalogue.Carried
	Previous string // title of the edition that Carried comes from
	Open     string // item whose fields are shown
	Errors   Errors
	Typed    AnswerForm
}

// FormPage is one form. POST CarryPath: item (many), or all=true with sure=true.
func FormPage(s Shell, v FormView) templ.Component {
	return within(s, SectionAssess, v.Catalogue.Title, assessForm(v))
}

// FormRow is one item of the form, for htmx.
func FormRow(s Shell, v FormView, item assess.Item) templ.Component { return part(s, formRow(v, item)) }

// FormProgress is the head of the form, for htmx.
func FormProgress(s Shell, v FormView) templ.Component { return part(s, formProgress(v)) }

// AnswerForm is what a person typed: reply, on, target, reason, approver, value, note, excuse, revision; quick is one press in the list.
type AnswerForm struct {
	Reply                                             catalogue.Reply
	On, Target, Reason, Approver, Value, Note, Excuse string
	Revision                                          int64
	Quick                                             bool
}

// ReadAnswer reads the form of an answer.
func ReadAnswer(v url.Values) AnswerForm {
	g := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	n, _ := strconv.ParseInt(v.Get("revision"), 10, 64) // 0 is "nobody answered yet": a conflict where somebody did
	return AnswerForm{catalogue.Reply(g("reply")), g("on"), g("target"), g("reason"), g("approver"), g("value"), g("note"), g("excuse"), n, v.Get("quick") != ""}
}

// AnswerOf is how an item is answered now, as its form shows it.
func AnswerOf(i assess.Item, now time.Time) AnswerForm {
	c := i.Claim
	f := AnswerForm{Reply: c.Reply, On: dayText(c.On), Target: dayText(c.Target), Reason: c.Reason, Approver: c.Approver, Value: c.Value, Note: i.Note, Excuse: i.Excuse, Revision: i.Revision}
	if f.On == "" {
		f.On = dayText(now)
	}
	return f
}

func dayText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.DateOnly)
}

// ItemView is one item with all that is known of it.
type ItemView struct {
	assess.Assessment
	Item     assess.Item
	Carried  catalogue.Carried
	Checks   map[string]catalogue.Check
	History  []Change
	Links    map[string]string // of what fails, by kind/id
	Typed    AnswerForm
	Theirs   *assess.Item // what somebody else saved meanwhile
	Errors   Errors
	Prev     string // ids of the neighbours
	Next     string
	Files    Files
	Vendors  []Option
	Position int
}

// ItemPage is one item. POST ItemPath: AnswerForm's fields; ask: to, vendor, text; reply: question, text; withdraw: question.
func ItemPage(s Shell, v ItemView) templ.Component {
	return within(s, SectionAssess, i18n.Text{Ja: v.Item.Item.Title.Ja, En: v.Item.Item.Title.En}, assessItem(v))
}

func stateMark(s assess.State) Mark {
	switch s {
	case assess.Proven:
		return MarkOK
	case assess.Partly, assess.Better:
		return MarkInfo
	case assess.Contradicted:
		return MarkBad
	case assess.Expired, assess.NotDone, assess.Unmeasured:
		return MarkWarn
	case assess.Open, assess.WordOnly, assess.Exempt:
	}
	return MarkQuiet
}

// tally counts the items of a form by state, in the order of the legend.
func tally(a assess.Assessment) []stateCount {
	count := map[assess.State]int{}
	for _, i := range a.Items {
		count[i.State]++
	}
	var out []stateCount
	for _, s := range append([]assess.State{assess.Open}, assess.States()...) {
		if count[s] > 0 {
			out = append(out, stateCount{s, count[s]})
		}
	}
	return out
}

type stateCount struct {
	State assess.State
	Count int
}

func (v FormView) shown(section string) []assess.Item {
	var out []assess.Item
	for _, i := range v.Items {
		if i.Item.Section == section && (v.State == "" || v.State == strconv.Itoa(int(i.State))) {
			out = append(out, i)
		}
	}
	return out
}

func (v FormView) chips(ctx context.Context) []Chip {
	out := []Chip{{Text: t(ctx, "すべて", "All"), Count: len(v.Items), URL: FormPath(v.Catalogue.ID, v.Subject, ""), On: v.State == ""}}
	for _, c := range tally(v.Assessment) {
		key := strconv.Itoa(int(c.State))
		out = append(out, Chip{Text: c.State.Mark() + " " + c.State.Label().For(ctx), Count: c.Count, URL: FormPath(v.Catalogue.ID, v.Subject, key), On: v.State == key})
	}
	return out
}

// proposals are the items whose answer of the edition before waits for a person.
func (v FormView) proposals() []string {
	var out []string
	for _, i := range v.Items {
		if v.proposal(i) {
			out = append(out, i.Item.ID)
		}
	}
	return out
}

func (v FormView) proposal(i assess.Item) bool {
	c := v.Carried[i.Item.ID]
	return i.Revision == 0 && c.Reply != catalogue.Unanswered && c.Reply != catalogue.Unknown
}

// measured says n of N, and what the checks are.
func measured(ctx context.Context, i assess.Item) string {
	v := i.Verdict
	switch {
	case v.Outcome == assess.NoCheck && v.Down:
		return t(ctx, "測れませんでした", "could not be measured")
	case v.Outcome == assess.NoCheck && len(i.Item.Checks) == 0:
		return t(ctx, "測る手段がありません", "nothing measures it")
	case v.Outcome == assess.NoCheck:
		return t(ctx, "まだ測っていません", "not measured yet")
	}
	word := t(ctx, "できています", "passes")
	if v.Outcome == assess.Fail {
		word = t(ctx, "できていません", "fails")
	}
	return t(ctx, "%s（%s件中 %s件を測定）", "%s (%[3]s of %[2]s measured)", word, n(v.Of), n(v.Measured))
}

func checkTitle(ctx context.Context, checks map[string]catalogue.Check, r evidence.Record) string {
	if c, ok := checks[r.Check]; ok {
		return c.Title.For(ctx)
	}
	return r.Check
}

// answerKind says whether an item is answered by yes or no.
func yesNo(i catalogue.Item) bool { return i.Answer.Kind == catalogue.YesNo }

func valueOptions(ctx context.Context, i catalogue.Item) []Option {
	out := []Option{{"", "—", ""}}
	for _, c := range i.Answer.Choices {
		out = append(out, Option{c.Ja, c.For(ctx), ""})
	}
	return out
}

func replies(ctx context.Context) []Option {
	says := map[catalogue.Reply]string{
		catalogue.Yes:           t(ctx, "できている", "it is done"),
		catalogue.No:            t(ctx, "まだ。目標日を決める", "not yet; set a target"),
		catalogue.NotApplicable: t(ctx, "理由と認めた人を書く", "with a reason and who agreed"),
		catalogue.Unknown:       t(ctx, "業者や支援団体に聞く", "ask the vendor or the support body"),
	}
	var out []Option
	for _, r := range catalogue.Replies() {
		out = append(out, Option{string(r), r.Label().For(ctx), says[r]})
	}
	return out
}

// whos joins whom to ask.
func whos(ctx context.Context, list []catalogue.Who) string {
	var out []string
	for _, w := range list {
		out = append(out, w.Label().For(ctx))
	}
	return strings.Join(out, t(ctx, "、", ", "))
}

// claimLine is a person's answer in one line.
func claimLine(ctx context.Context, i assess.Item) string {
	var parts []string
	if i.Claim.Value != "" {
		parts = append(parts, i.Claim.Value)
	}
	if !i.Claim.On.IsZero() {
		parts = append(parts, wareki(ctx, i.Claim.On))
	}
	if !i.Claim.Target.IsZero() {
		target := t(ctx, "目標 ", "target ") + wareki(ctx, i.Claim.Target)
		if i.Claim.Reply == catalogue.No && dayText(i.Claim.Target) < dayText(shell(ctx).Now) {
			target += t(ctx, "（過ぎています）", " (passed)")
		}
		parts = append(parts, target)
	}
	return join(append(parts, i.ByName)...)
}

// despite is why a yes stands against what was measured; on paper too it never stands without that.
func despite(ctx context.Context, i assess.Item) string {
	switch {
	case i.State != assess.Contradicted:
		return ""
	case i.Excuse == "":
		return t(ctx, "測定と違います。「はい」のままにする理由は、まだ書かれていません。", "The measurement says otherwise. No reason for the yes has been given yet.")
	}
	return t(ctx, "測定と違っても「はい」とする理由：", "Why yes against the measurement: ") + i.Excuse
}

// wareki writes a day that has no time: 令和8年11月21日, 21 Nov 2026.
func wareki(ctx context.Context, at time.Time) string {
	if i18n.From(ctx) == i18n.En {
		return at.Format("2 Jan 2006")
	}
	return era(at) + strconv.Itoa(int(at.Month())) + "月" + strconv.Itoa(at.Day()) + "日"
}

// draftOwner keeps what one person typed apart from another's on a shared PC.
func draftOwner(ctx context.Context) string {
	return shell(ctx).FacilityID + "/" + shell(ctx).PersonID + "/"
}

// eraYear is a fiscal year as an official form is named: 令和7年度, fiscal year 2025.
func eraYear(ctx context.Context, year int) string {
	if i18n.From(ctx) == i18n.En {
		return fiscal(ctx, year)
	}
	return era(time.Date(year, time.April, 1, 0, 0, 0, 0, time.UTC)) + "度"
}

func gapOf(r assess.Round, item string) (i18n.Text, bool) {
	for _, g := range r.Gaps {
		if g.Item == item {
			return g.Why, true
		}
	}
	return i18n.Text{}, false
}

// askWhom is who is proposed to be asked: whom a question that was made of 分からない is addressed to, else the support body.
func askWhom(v ItemView) string {
	if q := v.Item.Question; q != nil && q.Auto {
		return string(q.To)
	}
	return string(assess.ToSupport)
}
