package page

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"kenshin/gate"
	"kenshin/i18n"
)

// SegmentsView is the page on which a person says where Kenshin may send, and sees what it sent.
type SegmentsView struct {
	Proposed []gate.Segment // on this machine's interfaces, not approved
	Approved []SegmentRow
	Unlocks  []UnlockRow
	Kill     Kill
	Sent     []SentRow // the last day, by kind of frame, over all segments
}

// SegmentRow is an approved segment with its last check-up.
type SegmentRow struct {
	gate.Segment
	Devices int
	Last    time.Time // of the last check-up
	HasSNMP bool
}

// UnlockRow is a leave that is or will be in force.
type UnlockRow struct {
	UnlockView
	Device Link
	Lock   string // POST address that ends it
}

// SegmentsPage shows segments. POST PathKill: on, reason.
func SegmentsPage(s Shell, v SegmentsView) templ.Component {
	return within(s, SectionSegments, i18n.Text{Ja: "区画", En: "Segments"}, segments(v))
}

// SegmentForm approves or changes one segment. Fields: name, prefix (new ones only), purpose, medical (yes|no, required), pace, from, to
// (15:04, both empty: all day), listen (yes), router (an address, may be empty), snmp (none|keep|v2c|v3), community, user, auth, auth_pass, priv, priv_pass, agreed (yes).
type SegmentForm struct {
	Segment gate.Segment // as typed
	New     bool         // entered by hand: its prefix can be typed
	Prefix  string       // as typed
	Medical string       // "", "yes", "no": a person must answer
	From    string
	To      string
	SNMP    string // what the form chose
	HasSNMP bool   // a credential is stored; it is never shown again
	User    string
	Auth    string
	Priv    string
	Router  string // as typed
	Hosts   int    // addresses in it

	Revision int64 // of the stored segment that was opened
	Errors   Errors
}

// SegmentPage approves or changes one segment. POST SegmentPath(id, "") or PathSegmentNew.
func SegmentPage(s Shell, v SegmentForm) templ.Component {
	return within(s, SectionSegments, i18n.Text{Ja: "区画", En: "Segment"}, segment(v))
}

// FramesView lists what was sent, by device and hour.
type FramesView struct {
	Hour  string // 2006-01-02T15, "" for the last day
	Hours []Option
	Rows  []SentRow
	Pager Pager
	Total int64
}

// FramesPage is the page of every kind of frame that Kenshin sends. GET PathFrames: hour.
func FramesPage(s Shell, v FramesView) templ.Component {
	return within(s, SectionSegments, i18n.Text{Ja: "送ったもの", En: "What was sent"}, frames(v))
}

func (f SegmentForm) action() string {
	if f.New {
		return PathSegmentNew
	}
	return SegmentPath(f.Segment.ID, "")
}

func (f SegmentForm) labels(ctx context.Context) map[string]string {
	return map[string]string{"name": t(ctx, "名前", "Name"), "prefix": t(ctx, "範囲", "Range"), "medical": t(ctx, "医療機器", "Medical devices"),
		"pace": t(ctx, "速さ", "Pace"), "from": t(ctx, "時間帯", "Hours"), "to": t(ctx, "時間帯", "Hours"), "agreed": t(ctx, "確認", "Agreement"),
		"community": t(ctx, "SNMPの合言葉", "SNMP community"), "user": t(ctx, "SNMPの利用者名", "SNMP user"),
		"auth_pass": t(ctx, "SNMPのパスワード", "SNMP password"), "priv_pass": t(ctx, "SNMPの暗号の合言葉", "SNMP privacy password"), "router": t(ctx, "ルータ", "Router")}
}

func (f SegmentForm) snmpOptions(ctx context.Context) []Option {
	out := []Option{{"none", t(ctx, "使わない", "None"), t(ctx, "スイッチのどの口につながるかは分かりません。", "Which switch port a device is on stays unknown.")}}
	if f.HasSNMP {
		out = append(out, Option{"keep", t(ctx, "いまの合言葉のまま", "Keep what is stored"), t(ctx, "保存した合言葉は表示できません。", "What is stored is never shown.")})
	}
	return append(out,
		Option{"v3", t(ctx, "SNMP v3(すすめます)", "SNMP v3 (recommended)"), t(ctx, "利用者名とパスワードで、暗号で話します。", "With a user name and passwords, encrypted.")},
		Option{"v2c", "SNMP v2c", t(ctx, "合言葉だけ。古いスイッチ向けです。読み取り専用のものを。", "A community only, for older switches; use a read-only one.")})
}

func where(ctx context.Context, g gate.Segment) string {
	if g.Routed {
		return t(ctx, "ルータの向こう", "behind a router")
	}
	return t(ctx, "この機械の口 %s", "interface %s", g.Interface)
}

// addresses is how many addresses a segment's range holds.
func addresses(g gate.Segment) int {
	if !g.Prefix.IsValid() || !g.Prefix.Addr().Is4() {
		return 0
	}
	return 1 << (32 - g.Prefix.Bits())
}
