package page

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/lesson"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

// DrillsView is the list of drills, and what a new one can be made of.
type DrillsView struct {
	Rows []DrillRow
	All  bool // withdrawn ones as well
	Lack string
}

// DrillRow is one drill with how far it is.
type DrillRow struct {
	drill.Drill
	Recipients int
	Mails      map[drill.Delivery]int // nothing before it was submitted
	Next       string                 // what is to be done now
}

// MailView is a mail as its reader sees it, with its cues marked: plain text made by us, nothing of its HTML.
type MailView struct {
	lesson.Shown
	Text   string // of those who read no HTML
	QR     string // data: address of the picture
	Bytes  int
	Wrong  string // why there is no mail to show
	Rating *scale.Rating
}

// DrillView is one drill, whole: an approver decides by it.
type DrillView struct {
	DrillRow
	Mail       MailView
	From       string // sender's address
	Base       string // where its links lead
	Groups     []drill.Group
	Canaries   int
	Names      []drill.Target // who gets it, before anything happened
	MoreNames  int
	Hours      string // when mails may go out
	Flight     FlightMark
	Approvals  []drill.Approval
	Mine       bool // the visitor wrote it: may not approve it
	Problems   []string
	Landing    string
	Errors     Errors
	Reason     string
	Incident   bool
	Quietly    bool // no feedback mail
	NextChance time.Time
	Received   drill.Coverage // who read a notice or finished a lesson; Of is 0 for other drills
	ReceivedBy []drill.Coverage
	CopyTo     []Option // other facilities in which the visitor may write drills
}

// FlightMark is a preflight in a word.
type FlightMark struct {
	Mark Mark
	Text string
	Says []string // of what was waived, with the reason
}

// Going reports whether numbers still change by themselves.
func (v DrillView) Going() bool { return v.State == drill.Sending || v.State == drill.Approved }

// Done counts the mails that have their end, of all.
func (r DrillRow) Done() int {
	done := 0
	for m, n := range r.Mails {
		if m != drill.Queued && m != drill.InHand && m != drill.Deferred {
			done += n
		}
	}
	return done
}

// All counts the mails.
func (r DrillRow) All() int {
	all := 0
	for _, n := range r.Mails {
		all += n
	}
	return all
}

// Percent is how many of the mails have their end.
func (r DrillRow) Percent() int {
	if r.All() == 0 {
		return 0
	}
	return r.Done() * 100 / r.All()
}

// DrillsPage lists the drills.
func DrillsPage(s Shell, v DrillsView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "メール訓練", En: "Mail drills"}, drills(v))
}

// DrillPage shows one drill; DrillLive is the part of it that moves.
func DrillPage(s Shell, v DrillView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: v.Name, En: v.Name}, drillOne(v))
}

// DrillLive is the moving part of a drill's page.
func DrillLive(s Shell, v DrillView) templ.Component { return part(s, drillLive(v)) }

// ModeText is how screens call a kind of drill; modeSays what it rehearses.
func ModeText(m drill.Mode) i18n.Text {
	switch m {
	case drill.ReportOnly:
		return i18n.Text{Ja: "報告だけの訓練", En: "Report-only drill"}
	case drill.Quarantine:
		return i18n.Text{Ja: "隔離メールの訓練", En: "Quarantine drill"}
	case drill.Course:
		return i18n.Text{Ja: "教材・お知らせ", En: "Lesson or notice"}
	}
	return i18n.Text{Ja: "ふつうの訓練", En: "Standard drill"}
}

func modeSays(m drill.Mode) i18n.Text {
	switch m {
	case drill.ReportOnly:
		return i18n.Text{Ja: "リンクも添付もないメールで、報告してもらえるかを見ます。", En: "Nothing to click: who reports it?"}
	case drill.Quarantine:
		return i18n.Text{Ja: "フィルタが止めたメールを、自分で取り出してしまうかを見ます。", En: "The filter holds it: who releases it?"}
	case drill.Course:
		return i18n.Text{Ja: "訓練ではなく、短い教材を全員に送ります。", En: "No rehearsal: a short lesson for everybody."}
	}
	return i18n.Text{Ja: "リンク・QR・添付のあるメールで、開いたか、報告したかを見ます。", En: "With a link, QR or attachment: who opens, who reports?"}
}

func drillMark(s drill.State) Mark {
	switch s {
	case drill.Waiting, drill.Paused:
		return MarkWarn
	case drill.Approved, drill.Sending:
		return MarkInfo
	case drill.Sent, drill.Closed:
		return MarkOK
	}
	return MarkQuiet
}

// DeliveryText is how screens call what became of a mail.
func DeliveryText(d drill.Delivery) i18n.Text {
	switch d {
	case drill.Queued:
		return i18n.Text{Ja: "これから送る", En: "To be sent"}
	case drill.InHand:
		return i18n.Text{Ja: "送っている", En: "Being sent"}
	case drill.Accepted:
		return i18n.Text{Ja: "受け取られた", En: "Accepted"}
	case drill.Deferred:
		return i18n.Text{Ja: "あとで送り直す", En: "To be retried"}
	case drill.Refused:
		return i18n.Text{Ja: "断られた", En: "Refused"}
	case drill.UnknownMail:
		return i18n.Text{Ja: "不明(送り直しません)", En: "Unknown (not sent again)"}
	case drill.Bounced:
		return i18n.Text{Ja: "戻ってきた", En: "Bounced"}
	case drill.Skipped:
		return i18n.Text{Ja: "送らなかった", En: "Not sent"}
	}
	return i18n.Text{Ja: string(d), En: string(d)}
}

// deliveries lists the states of a mail in the order of screens.
func deliveries() []drill.Delivery {
	return []drill.Delivery{drill.Queued, drill.InHand, drill.Accepted, drill.Deferred, drill.Refused, drill.Bounced, drill.UnknownMail, drill.Skipped}
}

// DifficultyText is how screens call a difficulty of the Phish Scale.
func DifficultyText(d string) i18n.Text {
	if d == "" {
		return i18n.Text{Ja: "まだ量っていない", En: "Not rated yet"}
	}
	return scenario.LevelOf(scale.Difficulty(d)).Name()
}

func audienceText(ctx context.Context, a drill.Audience) string {
	if a.Forgotten() {
		return t(ctx, "選んだ人(名前は消しました)", "chosen people, whose names are forgotten")
	}
	if len(a.People) > 0 {
		return t(ctx, "選んだ %d人", "%d chosen people", len(a.People))
	}
	var parts []string
	if len(a.Departments) > 0 {
		parts = append(parts, strings.Join(a.Departments, "、"))
	}
	if len(a.Jobs) > 0 {
		parts = append(parts, strings.Join(a.Jobs, "、"))
	}
	if len(parts) == 0 {
		return t(ctx, "全員", "everybody")
	}
	return strings.Join(parts, " / ")
}

func rate(d drill.Drill) string {
	if d.Schedule.Rate == 0 {
		d.Schedule.Rate = drill.DefaultRate
	}
	return strconv.FormatFloat(d.Schedule.Rate, 'f', -1, 64)
}
