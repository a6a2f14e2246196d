package page

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/hit"
	share "kenshin/drill/rate"
	"kenshin/drill/scale"
	"kenshin/i18n"
)

// sectionDrill is the menu entry under which results stand.
const sectionDrill Section = "drills"

// PathDrillTotals is all drills of a period: from and to (2006-01-02, both days included; empty is open).
const PathDrillTotals = "/drills/totals"

// DrillFigures are the numbers of a group: a department, a drill, everybody.
type DrillFigures struct {
	drill.Totals
	Name   string
	URL    string
	Hidden bool // so few people that numbers would tell about single persons, or would let others be worked out
}

func (f DrillFigures) of(count int) share.Rate { return share.Rate{Count: count, Of: f.Reached()} }

// DrillSum is what the pages about one drill and about a period have in common.
type DrillSum struct {
	All         DrillFigures
	Departments []DrillFigures
	Curve       DrillCurve
	First       string // how long until the first report, in words; "" when there is none
	Median      string // how long reports took
	Canary      hit.FalseHits
	Links, QR   bool // some mail had one
	Attachments bool
	Released    bool // some mail was to be held back
	Dirty       int  // drills with arrivals that nobody judged yet
}

// hasQR reports whether tables have a column for the QR code.
func (s DrillSum) hasQR() bool { return s.QR || s.All.QRRaw > 0 }

// departmentColumns are the columns beside the name.
func (s DrillSum) departmentColumns() string {
	if s.hasQR() {
		return "7"
	}
	return "6"
}

// DrillTotalsView is the first screen of results.
type DrillTotalsView struct {
	From, To string
	Error    string // why the period cannot be used
	Presets  []DrillPreset
	Sum      DrillSum
	Drills   []DrillLine
	Warning  string // drills of different difficulty are added up
	Detailed int    // drills, the newest, that times and the curve are made of
}

// review is the sheet of the same period.
func (v DrillTotalsView) review() string {
	return PathDrillReview + "?" + url.Values{"from": {v.From}, "to": {v.To}}.Encode()
}

// DrillPreset is a ready-made period.
type DrillPreset struct {
	Link
	On bool
}

// DrillLine is one drill in a list of results.
type DrillLine struct {
	DrillFigures
	Mode       drill.Mode
	Difficulty string
	Started    time.Time
	First      string
	Change     string // of the report rate against the drill before of like difficulty
}

// DrillTotalsPage shows the drills of a period.
func DrillTotalsPage(s Shell, v DrillTotalsView) templ.Component {
	return within(s, sectionDrill, i18n.Text{Ja: "訓練の結果", En: "Results of drills"}, drillTotals(v))
}

// DrillResultView is one drill's result.
type DrillResultView struct {
	drill.Drill
	Sum      DrillSum
	Race     string // who was first, a report or a click
	Mails    map[drill.Delivery]int
	Previous string // its change against the drill before of like difficulty
}

// DrillResultPage shows one drill's result.
func DrillResultPage(s Shell, v DrillResultView) templ.Component {
	return within(s, sectionDrill, i18n.Text{Ja: v.Name + " の結果", En: "Result of " + v.Name}, drillResult(v))
}

// DrillTargetsView is who did what in one drill, a page of it.
type DrillTargetsView struct {
	drill.Drill
	Chips       []Chip
	Departments []string
	Department  string
	Query       string
	Shown       []drill.Shown
	Rows        []drill.Target
	Pager       Pager
	Export      string
}

// DrillTargetsPage lists a drill's recipients.
func DrillTargetsPage(s Shell, v DrillTargetsView) templ.Component {
	return within(s, sectionDrill, i18n.Text{Ja: "宛先ごとの結果", En: "Recipients"}, drillTargets(v))
}

// DrillTargetView is what happened to one mail, arrival by arrival.
type DrillTargetView struct {
	drill.Drill
	Target drill.Target
	Events []drill.Event
	Closed time.Time // what came later is late; zero: still open
	Others []DrillOther
}

// DrillOther is the same person in another drill.
type DrillOther struct {
	Link
	Target drill.Target
	At     time.Time
}

// DrillTargetPage shows one recipient's timeline.
func DrillTargetPage(s Shell, v DrillTargetView) templ.Component {
	return within(s, sectionDrill, i18n.Text{Ja: "宛先の経過", En: "Timeline of a recipient"}, drillTarget(v))
}

// DrillReportView is one sheet for the director. It holds no names.
type DrillReportView struct {
	DrillResultView
	Before string   // the drill that it is compared with
	Change string   // of the report rate
	Fell   string   // change of those who fell
	Advice []string // sentences with the numbers behind them
	Cues   []DrillCue
}

// DrillCue is a place by which this mail could have been recognised.
type DrillCue struct {
	Name, Text, Look string
}

// DrillReportPage is the report on A4.
func DrillReportPage(s Shell, v DrillReportView) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return drillReport(s, v).Render(context.WithValue(ctx, shellKey{}, s), w)
	})
}

func resultPath(id, what string) string { return at("/drills", id, what) }

// DrillTargetPath is a recipient's timeline.
func DrillTargetPath(id, target string) string {
	return resultPath(id, "targets/"+url.PathEscape(target))
}

// DrillResultPath is a drill's result; what is results, targets, targets/export or report.
func DrillResultPath(id, what string) string { return resultPath(id, what) }

func sharePct(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

// interval says between which shares the true one lies.
func interval(ctx context.Context, r share.Rate) string {
	low, high := r.Interval()
	return t(ctx, "95%%の幅 %.1f〜%.1f%%", "95%% interval %.1f–%.1f%%", 100*low, 100*high)
}

func tooFew(ctx context.Context, r share.Rate) string {
	if r.Of <= 0 {
		return t(ctx, "届いたメールがありません", "no mail was delivered")
	}
	return t(ctx, "%d人未満のため表示しません", "fewer than %d people: not shown", share.Smallest)
}

// difficulty is a rating in words.
func difficulty(ctx context.Context, d string) string {
	if d == "" {
		return t(ctx, "難しさを量っていない", "difficulty not measured")
	}
	return scale.Difficulty(d).Name().For(ctx)
}

// signalName is how screens call a kind of arrival.
func signalName(s drill.Signal) i18n.Text {
	switch s {
	case drill.Opened:
		return i18n.Text{Ja: "メールを開いた印(画像)", En: "Mail opened (picture)"}
	case drill.Visited:
		return i18n.Text{Ja: "リンクを開いた", En: "Link followed"}
	case drill.Scanned:
		return i18n.Text{Ja: "QRのリンクを開いた", En: "QR link followed"}
	case drill.Attached:
		return i18n.Text{Ja: "添付を開いた", En: "Attachment opened"}
	case drill.Honeypot:
		return i18n.Text{Ja: "目に見えないリンクを開いた", En: "Hidden link followed"}
	case drill.Reported:
		return i18n.Text{Ja: "報告した", En: "Reported"}
	case drill.Lesson:
		return i18n.Text{Ja: "教材を終えた", En: "Lesson finished"}
	case drill.Confirm:
		return i18n.Text{Ja: "画面のボタンを押した", En: "Pressed the page's button"}
	case drill.Touched:
		return i18n.Text{Ja: "画面で手を動かした(何を入力したかは届きません)", En: "Touched the page (what was typed never arrives)"}
	case drill.Looked:
		return i18n.Text{Ja: "教材か報告のページを開いた", En: "Opened the page of the lesson or the report"}
	case drill.Replied:
		return i18n.Text{Ja: "返信した", En: "Replied"}
	case drill.Released:
		return i18n.Text{Ja: "隔離から取り出した", En: "Released from quarantine"}
	case drill.Read:
		return i18n.Text{Ja: "お知らせを最後まで読んだ", En: "Notice read to its end"}
	case drill.Answered:
		return i18n.Text{Ja: "教材の問題に答えた", En: "Answered a question of the lesson"}
	}
	return i18n.Text{Ja: string(s), En: string(s)}
}

// ShownText is what a filter of the list is called.
func ShownText(s drill.Shown) i18n.Text {
	switch s {
	case drill.ShowReported:
		return i18n.Text{Ja: "報告した", En: "Reported"}
	case drill.ShowFell:
		return i18n.Text{Ja: "リンク・QR・添付を開いた(人)", En: "Fell (a person)"}
	case drill.ShowQuiet:
		return i18n.Text{Ja: "どちらもなし", En: "Neither"}
	case drill.ShowOpened:
		return i18n.Text{Ja: "開封の印あり", En: "Open mark"}
	case drill.ShowVisited:
		return i18n.Text{Ja: "リンクへの通信あり", En: "Link requested"}
	case drill.ShowScanned:
		return i18n.Text{Ja: "QRへの通信あり", En: "QR code requested"}
	case drill.ShowAttached:
		return i18n.Text{Ja: "添付からの通信あり", En: "Attachment called"}
	case drill.ShowReplied:
		return i18n.Text{Ja: "返信した", En: "Replied"}
	case drill.ShowReleased:
		return i18n.Text{Ja: "隔離から取り出した", En: "Released"}
	case drill.ShowLesson:
		return i18n.Text{Ja: "教材を終えた", En: "Lesson finished"}
	case drill.ShowMachine:
		return i18n.Text{Ja: "機械の通信あり", En: "Machine traffic"}
	case drill.ShowFailed:
		return i18n.Text{Ja: "届いていない・不明", En: "Not delivered or unknown"}
	}
	return i18n.Text{Ja: "全員", En: "Everybody"}
}

// verdict is who made an arrival, as sign and word.
func verdict(ctx context.Context, v string) (Mark, string) {
	switch hit.Kind(v) {
	case hit.Person:
		return MarkInfo, t(ctx, "人", "a person")
	case hit.Machine:
		return MarkQuiet, t(ctx, "機械", "a machine")
	case hit.Proxy:
		return MarkQuiet, t(ctx, "代理", "a proxy")
	case hit.ByReport:
		return MarkQuiet, t(ctx, "報告に伴う検査", "caused by a report")
	case hit.Unconfirmed:
		return MarkQuiet, t(ctx, "未確認", "cannot be told")
	}
	return MarkQuiet, t(ctx, "まだ判定していない", "not judged yet")
}

// method says how an arrival came.
func method(ctx context.Context, m string) string {
	switch m {
	case hit.ByMail:
		return t(ctx, "メール", "mail")
	case hit.ByPhone:
		return t(ctx, "電話", "telephone")
	case hit.ByList:
		return t(ctx, "取り込んだ一覧", "imported list")
	}
	return m
}

// detailText is what else is known of an arrival, in words where it is a code.
func detailText(ctx context.Context, e drill.Event) string {
	question, option, ok := strings.Cut(e.Detail, "=")
	q, err1 := strconv.Atoi(question)
	o, err2 := strconv.Atoi(option)
	if e.Signal != drill.Answered || !ok || err1 != nil || err2 != nil {
		return e.Detail
	}
	return t(ctx, "%d問目に%d番目の答え", "question %d, answer %d", q+1, o+1)
}

// oddly says what a list must not pass over: a link that was followed without the mail having been seen open.
func oddly(ctx context.Context, d drill.Target) string {
	switch {
	case !d.First[drill.Opened].IsZero():
		return ""
	case !d.ByPerson[drill.Visited].IsZero():
		return t(ctx, "開封の印なし・リンクは開いた", "no open mark, yet the link was followed")
	case !d.ByPerson[drill.Scanned].IsZero():
		return t(ctx, "開封の印なし・QRは開いた", "no open mark, yet the QR code was followed")
	case !d.ByPerson[drill.Attached].IsZero():
		return t(ctx, "開封の印なし・添付は開いた", "no open mark, yet the attachment was opened")
	case d.Arrived():
		return t(ctx, "開封の印なし・通信だけあり", "no open mark, arrivals only")
	}
	return ""
}

// OddText is oddly for files.
func OddText(ctx context.Context, d drill.Target) string { return oddly(ctx, d) }

// exact is a time to the second, as a timeline needs it.
func exact(ctx context.Context, at time.Time) string {
	return date(ctx, at) + " " + at.In(shell(ctx).Now.Location()).Format("15:04:05")
}

// QR reports whether the list has a column for the QR code: where the mails have one, or something came by one.
func (v DrillTargetsView) QR() bool {
	for i := range v.Rows {
		if !v.Rows[i].First[drill.Scanned].IsZero() {
			return true
		}
	}
	return v.Mail.QR
}

func (v DrillTargetsView) has(s drill.Shown) bool {
	for _, x := range v.Shown {
		if x == s {
			return true
		}
	}
	return false
}
