package page

import (
	"context"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/domain"
	"kenshin/i18n"
)

// DrillSettingsView is how drills are sent. The form's fields: domain, base, contact, security, report_to, extension, org, egress and outgoing
// (lines), per_day, apart, quiet, nameless, lines, incident, weekday (many, 0-6), hours (lines), night, handover and duty (lines), holidays, blackouts (lines), relay-kind,
// relay-host, relay-port, relay-security, relay-auth, relay-user, relay-helo, relay-token-url, relay-client, relay-secret.
type DrillSettingsView struct {
	drill.Settings
	Text        map[string]string // fields that are text and not of the type that they stand for, as typed
	HasSecret   map[string]bool   // relay, dkim: a secret is stored, never shown
	DKIMName    string            // of the record to publish
	Domains     []DrillDomain
	Box         *MailboxView
	ButtonFault string // why Outlook can have no report button
	Ask         string // domain typed
	AskBy       string // dns or mail
	Contact     string // of a round trip
	Selector    string
	Missing     string
	Errors      Errors
	AskErrors   Errors
}

// DrillDomain is one domain with its proof.
type DrillDomain struct {
	domain.Verification
	Now         domain.State
	Host, Value string // of the DNS record
	Said        string // by the last look
}

// DrillDomainPath is a domain's proof; what is check, confirm (code) or withdraw (why), all POST.
func DrillDomainPath(name, what string) string { return at(PathDrillDomains, name, what) }

// DrillSettingsPage is the settings of drills and the domains of recipients.
func DrillSettingsPage(s Shell, v DrillSettingsView) templ.Component {
	return within(s, SectionMailing, i18n.Text{Ja: "訓練の設定", En: "Drill settings"}, drillSettings(v))
}

func domainMark(s domain.State) Mark {
	switch s {
	case domain.Verified:
		return MarkOK
	case domain.Pending:
		return MarkWarn
	case domain.Expired:
		return MarkBad
	}
	return MarkQuiet
}

func domainText(s domain.State) i18n.Text {
	switch s {
	case domain.Verified:
		return i18n.Text{Ja: "確認できた", En: "Verified"}
	case domain.Pending:
		return i18n.Text{Ja: "確認待ち", En: "Waiting"}
	case domain.Expired:
		return i18n.Text{Ja: "期限切れ", En: "Expired"}
	case domain.Withdrawn:
		return i18n.Text{Ja: "取り下げた", En: "Withdrawn"}
	}
	return i18n.Text{Ja: "未確認", En: "Not verified"}
}

func relayOptions(ctx context.Context) []Option {
	return []Option{{"", t(ctx, "まだ決めていない", "Not decided"), ""}, {"smtp", t(ctx, "院内などのメールサーバ(SMTP)", "A mail server (SMTP)"), ""}, {"mx", t(ctx, "相手のサーバに直接", "Directly to the recipients' servers"), ""},
		{"graph", "Microsoft 365 (Graph)", ""}, {"gmail", "Google Workspace (Gmail API)", ""}}
}

func securityOptions(ctx context.Context) []Option {
	return []Option{{"starttls", "STARTTLS", ""}, {"tls", t(ctx, "TLS(はじめから暗号)", "TLS from the start"), ""}, {"none", t(ctx, "暗号なし", "No encryption"), ""}}
}

func authOptions(ctx context.Context) []Option {
	return []Option{{"", t(ctx, "なし", "none"), ""}, {"password", t(ctx, "名前とパスワード", "user and password"), ""}, {"xoauth2", "XOAUTH2", ""}}
}

func weekdayNames(ctx context.Context) []string {
	return []string{t(ctx, "日", "Sun"), t(ctx, "月", "Mon"), t(ctx, "火", "Tue"), t(ctx, "水", "Wed"), t(ctx, "木", "Thu"), t(ctx, "金", "Fri"), t(ctx, "土", "Sat")}
}

func (v DrillSettingsView) on(day int) bool {
	for _, d := range v.Hours.Weekdays {
		if int(d) == day {
			return true
		}
	}
	return false
}

func kept(ctx context.Context, has bool) string {
	if has {
		return t(ctx, "保存されています。変えるときだけ入れてください。表示はされません。", "One is stored and never shown. Enter only to change it.")
	}
	return t(ctx, "暗号にして保存し、表示はされません。", "Stored sealed and never shown.")
}
