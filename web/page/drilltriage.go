package page

import (
	"context"
	"regexp"
	"strings"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/i18n"
)

// Addresses of what staff reported.
const PathReported = "/drill-reports" // GET: show (new, answered, closed, drill, reply, bounce, auto), page

// ReportedPath is one report; what is "", answer (POST: ruling, text) or close (POST: why).
func ReportedPath(id, what string) string { return at(PathReported, id, what) }

// PhonePath is the form for a report by telephone (GET; POST: who, note, opened).
func PhonePath(drill string) string { return at("/drills", drill, "phone") }

// ReportedView is the list of what staff reported.
type ReportedView struct {
	Chips []Chip
	Rows  []drill.Incoming
	Pager Pager
	Deaf  string // why the report mailbox is not read; "" when it is
}

// ReportedPage lists what staff reported.
func ReportedPage(s Shell, v ReportedView) templ.Component {
	return within(s, SectionFindings, i18n.Text{Ja: "届いた報告", En: "Reports"}, reportedList(v))
}

// ReportedOneView is one report with the answer as it would go out.
type ReportedOneView struct {
	drill.Incoming
	Texts  []Option // by ruling: Says is the whole text
	Ruling string
	Text   string
	Errors Errors
}

// ReportedOnePage shows one report.
func ReportedOnePage(s Shell, v ReportedOneView) templ.Component {
	return within(s, SectionFindings, i18n.Text{Ja: "届いた報告", En: "Report"}, reportedOne(v))
}

// PhoneView is the form for a report by telephone.
type PhoneView struct {
	Drill, Name string // id and name of the drill
	Query       string
	Found       []drill.Target
	Who         string
	Note        string
	Opened      bool
	Errors      Errors
}

// PhonePage takes a report by telephone.
func PhonePage(s Shell, v PhoneView) templ.Component {
	return within(s, SectionFindings, i18n.Text{Ja: "電話での報告", En: "Report by telephone"}, phone(v))
}

func reportKind(ctx context.Context, k drill.ReportKind) (Mark, string) {
	switch k {
	case drill.ReportReal:
		return MarkWarn, t(ctx, "訓練ではないメール", "Not a drill")
	case drill.ReportUnclear:
		return MarkWarn, t(ctx, "見分けられない", "Unclear")
	case drill.ReportDrill:
		return MarkInfo, t(ctx, "訓練のメール", "A drill's mail")
	case drill.ReportReply:
		return MarkInfo, t(ctx, "訓練への返信", "Answer to a drill")
	case drill.ReportBounce:
		return MarkQuiet, t(ctx, "届かなかった知らせ", "Not delivered")
	}
	return MarkQuiet, t(ctx, "自動の返事", "Automatic")
}

func reportState(ctx context.Context, s drill.ReportState) (Mark, string) {
	switch s {
	case drill.ReportNew:
		return MarkWarn, t(ctx, "確認待ち", "To be looked at")
	case drill.ReportAnswered:
		return MarkOK, t(ctx, "返事をした", "Answered")
	}
	return MarkQuiet, t(ctx, "終わり", "Closed")
}

func reportVia(ctx context.Context, v drill.Via) string {
	switch v {
	case drill.ViaPhone:
		return t(ctx, "電話", "telephone")
	case drill.ViaMailbox:
		return t(ctx, "報告用のメールボックス", "report mailbox")
	}
	return t(ctx, "メール", "mail")
}

// reportedSubject is what the reported mail was called; the report's own subject where that is not known.
func reportedSubject(ctx context.Context, in drill.Incoming) string {
	if len(in.Mails) > 0 && in.Mails[0].Subject != "" {
		return in.Mails[0].Subject
	}
	return first(in.Subject, t(ctx, "(件名なし)", "(no subject)"))
}

var written = regexp.MustCompile(`(?i)https?://[^\s<>"'）」』]+`)

// shownText writes the addresses of a reported text as shownLink does.
func shownText(s string) string { return written.ReplaceAllStringFunc(s, shownLink) }

// shownLink writes an address so that nothing makes a link of it by accident: hxxp://203.0.113.66[.]example.
func shownLink(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if ok {
		scheme = strings.Replace(strings.ToLower(scheme), "http", "hxxp", 1) + "://"
	} else {
		scheme, rest = "", s
	}
	host, path, ok := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '.'); i >= 0 {
		host = host[:i] + "[.]" + host[i+1:]
	}
	if ok {
		host += "/" + path
	}
	if r := []rune(scheme + host); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return scheme + host
}

// rulings are the three words that can be said of a report.
func rulings(ctx context.Context) []Option {
	says := map[drill.Ruling]i18n.Text{
		drill.Dangerous: {Ja: "弱点の一覧に載り、送り主とリンクを止める手順が出ます", En: "Becomes a weak point, with the steps to block it"},
		drill.Harmless:  {Ja: "ふだんのメールです。安心して使えると知らせます", En: "An ordinary mail; the reporter may use it"},
		drill.OurDrill:  {Ja: "訓練だったと知らせます。件数は変わりません", En: "The reporter learns that it was a drill; no count changes"},
	}
	var out []Option
	for _, r := range []drill.Ruling{drill.Dangerous, drill.Harmless, drill.OurDrill} {
		out = append(out, Option{Value: string(r), Text: r.Label().For(ctx), Says: says[r].For(ctx)})
	}
	return out
}

// callers are the people who may have called.
func callers(ctx context.Context, list []drill.Target) []Option {
	var out []Option
	for _, x := range list {
		says := join(x.Department, x.Address)
		if !x.First[drill.Reported].IsZero() {
			says = join(says, t(ctx, "報告ずみ", "has reported"))
		}
		out = append(out, Option{Value: x.ID, Text: x.Name(), Says: says})
	}
	return out
}
