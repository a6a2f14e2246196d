package page

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kenshin/drill"
	"kenshin/drill/hit"
)

// mailFate is how screens call what became of a mail.
func mailFate(ctx context.Context, d drill.Delivery) string { return DeliveryText(d).For(ctx) }

// mailCounts are the mails by what became of them.
func mailCounts(ctx context.Context, m map[drill.Delivery]int) string {
	var out []string
	for _, d := range []drill.Delivery{drill.Accepted, drill.UnknownMail, drill.Queued, drill.InHand, drill.Deferred, drill.Refused, drill.Bounced, drill.Skipped} {
		if m[d] > 0 {
			out = append(out, fmt.Sprintf("%s %s", mailFate(ctx, d), n(m[d])))
		}
	}
	return or(strings.Join(out, t(ctx, "、", ", ")))
}

// mailHolds says what there is to open in a mail.
func mailHolds(ctx context.Context, m drill.Mail) string {
	var out []string
	if m.Link {
		out = append(out, t(ctx, "リンク", "link"))
	}
	if m.QR {
		out = append(out, "QR")
	}
	if m.Attachment != "" {
		out = append(out, t(ctx, "添付 %s", "attachment %s", first(m.FileName, m.Attachment)))
	}
	if len(out) == 0 {
		return t(ctx, "リンクも添付もない", "neither link nor attachment")
	}
	return strings.Join(out, t(ctx, "と", ", "))
}

func resultMark(s drill.State) Mark {
	switch s {
	case drill.Sending, drill.Approved:
		return MarkInfo
	case drill.Waiting, drill.Paused:
		return MarkWarn
	case drill.Sent, drill.Closed:
		return MarkOK
	}
	return MarkQuiet
}

// didWhat sums one recipient up, for lists of drills.
func didWhat(ctx context.Context, d drill.Target) string {
	var out []string
	if !d.First[drill.Reported].IsZero() {
		out = append(out, t(ctx, "報告した", "reported"))
	}
	if !d.ByPerson[drill.Visited].IsZero() {
		out = append(out, t(ctx, "リンクを開いた", "followed the link"))
	}
	if !d.ByPerson[drill.Scanned].IsZero() {
		out = append(out, t(ctx, "QRのリンクを開いた", "followed the QR code"))
	}
	if !d.ByPerson[drill.Attached].IsZero() {
		out = append(out, t(ctx, "添付を開いた", "opened the attachment"))
	}
	if !d.First[drill.Lesson].IsZero() {
		out = append(out, t(ctx, "教材を終えた", "finished the lesson"))
	}
	if len(out) == 0 {
		return t(ctx, "報告も、開いた印もない", "neither reported nor fell")
	}
	return strings.Join(out, t(ctx, "、", ", "))
}

// date2 is a short time for a narrow cell: 11/27 9:14, — when it never was.
func date2(ctx context.Context, at time.Time) string {
	if at.IsZero() {
		return "—"
	}
	return at.In(shell(ctx).Now.Location()).Format("1/2 15:04")
}

func canaryLine(ctx context.Context, c hit.FalseHits) string {
	if c.Canaries == 0 {
		return t(ctx, "監視用メールボックスがないため、機械を人と間違えた率は測れていません。", "Without decoy mailboxes it is not known how often a machine was taken for a person.")
	}
	return t(ctx, "監視用メールボックス %d個のうち、人と間違えたもの %d個。", "Of %d decoy mailboxes %d would have been taken for a person.", c.Canaries, c.Person)
}

func (s DrillSum) shownDepartments() (out []DrillFigures) {
	for _, d := range s.Departments {
		if !d.Hidden {
			out = append(out, d)
		}
	}
	return out
}

func (s DrillSum) hiddenDepartments() int { return len(s.Departments) - len(s.shownDepartments()) }
