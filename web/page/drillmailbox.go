package page

import (
	"context"

	"kenshin/drill"
	"kenshin/drill/mailbox"
)

// MailboxView is the report mailbox: how it is read, how that goes, and what a look into it found. The form's fields: box-host, box-port, box-security,
// box-auth, box-user, box-secret, box-folder, box-after, box-move, box-token-url, box-client.
type MailboxView struct {
	drill.Mailbox
	Revision  int64  // of the settings that the form was made from
	Port      string // as typed
	HasSecret bool
	Health    drill.MailboxHealth
	Tried     bool
	Found     mailbox.State
	Failed    string // what the look was told instead
	Errors    Errors
}

func afterOptions(ctx context.Context) []Option {
	return []Option{{string(mailbox.Leave), t(ctx, "そのまま残す", "Leave them"), ""}, {string(mailbox.Mark), t(ctx, "既読にする", "Mark them as read"), ""},
		{string(mailbox.Move), t(ctx, "下のフォルダに移す", "Move them to the folder below"), ""}}
}

func boxSecurityOptions(ctx context.Context) []Option {
	return []Option{{"tls", t(ctx, "TLS(はじめから暗号)", "TLS from the start"), ""}, {"starttls", "STARTTLS", ""}}
}

// foundText says what a look into the mailbox found; fresh: nothing was taken from it yet.
func foundText(ctx context.Context, s mailbox.State, fresh bool) string {
	text := t(ctx, "つながりました。フォルダにメールが %s通あります。", "It works. The folder holds %s mails.", n(s.Messages))
	if s.Messages > 0 {
		text += t(ctx, "いちばん新しいものは %sに届きました。", " The newest came %s.", stamp(ctx, s.Newest))
	}
	if s.Messages > 0 && fresh {
		text += t(ctx, "この1週間の %s通から読み始めます。", " Reading begins with the %s of the last week.", n(s.Since))
	}
	if !s.Idle {
		text += t(ctx, "このサーバは新着を知らせないため、1分ごとに見に行きます。", " The server does not tell of new mail: it is asked every minute.")
	}
	return text
}
