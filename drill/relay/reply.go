package relay

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kenshin/drill/internal/plain"
	"kenshin/fault"
)

const (
	maxText  = 300
	soon     = time.Second
	later    = time.Minute
	grey     = 5 * time.Minute // Debian's postgrey and most others accept from then on
	maxRetry = 6 * time.Hour
)

// step is the part of the conversation that a server refused.
type step int

const (
	atHello step = iota
	atAuth
	atFrom
	atTo
	atData
	atDot
)

var (
	enhanced = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)`)
	waiting  = regexp.MustCompile(`(?i)(?:for|in|after|within|wait)\s+(\d{1,5})\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|h)\b`)
)

// clean makes what a server said fit for a log and a screen.
func clean(s string) string { return plain.Words(s, maxText) }

// refusal reads a server's answer of 4xx or 5xx (RFC 5321 section 4.2, RFC 3463).
func refusal(at step, where string, code int, text string) Result {
	r := Result{Code: code, Outcome: Deferred}
	if m := enhanced.FindStringSubmatch(text); m != nil {
		r.Enhanced = m[1]
		text = strings.ReplaceAll(text, "\n"+m[1]+" ", "\n")[len(m[1]):]
	}
	r.Text = clean(text)
	if code >= 500 {
		r.Outcome = Refused
	}
	r.Scope = scope(at, code, r.Enhanced)
	if r.Outcome == Deferred {
		r.Retry = hint(r, text)
	}
	r.Err = told(where, r, at)
	return r
}

// scope tells whether an answer is about this recipient or about us.
func scope(at step, code int, enhanced string) Scope {
	subject := ""
	if len(enhanced) > 2 {
		subject = enhanced[2:]
	}
	switch {
	case code == 421 || at == atHello || at == atAuth:
		return Relay
	case code == 530 || code == 535 || code == 538: // sign in first
		return Relay
	case code == 552 || strings.HasPrefix(subject, "2.") || subject == "3.4": // this mail's size, this mailbox
		return Recipient
	}
	switch subject {
	case "5.3": // too many recipients in one go
		return Recipient
	case "1.7", "1.8", "7.23", "7.24", "7.25", "7.26", "7.27": // the sender's address, SPF, PTR, DMARC, null MX of ours
		return Relay
	case "3.1", "3.2": // system full, system not accepting
		return Relay
	}
	if at == atFrom {
		return Relay
	}
	return Recipient
}

// hint is what the server said about when to come back, or what is usual.
func hint(r Result, text string) time.Duration {
	if m := waiting.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		unit := time.Second
		switch m[2][0] | 0x20 {
		case 'm':
			unit = time.Minute
		case 'h':
			unit = time.Hour
		}
		if d := time.Duration(n) * unit; d > 0 {
			return min(d, maxRetry)
		}
	}
	switch {
	case strings.HasSuffix(r.Enhanced, ".5.3"):
		return soon
	case r.Scope == Relay:
		return later
	}
	return grey
}

// told is the sentence about a server's answer.
func told(where string, r Result, at step) error {
	said := strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text))
	cause := errors.New(where + ": " + said)
	switch {
	case at == atAuth && r.Outcome == Refused, r.Code == 535:
		return fault.Wrap(fault.Denied, cause, "メールサーバ "+where+" がサインインを断りました。名前とパスワード(またはトークン)を確かめてください。",
			"The mail server "+where+" refused the sign-in. Check user and password (or token).")
	case r.Code == 530:
		return fault.Wrap(fault.Denied, cause, "メールサーバ "+where+" はサインインを求めています。サインインの方式を設定してください。",
			"The mail server "+where+" wants a sign-in. Set how to sign in.")
	case at == atHello:
		return fault.Wrap(fault.Unavailable, cause, fmt.Sprintf("メールサーバ %s が話を始めさせてくれません(%d)。この機械のアドレスがそのサーバで許されているかを確かめてください。", where, r.Code),
			fmt.Sprintf("The mail server %s does not let us begin (%d). Check that this machine's address is allowed there.", where, r.Code))
	case r.Outcome == Deferred:
		return fault.Wrap(fault.Busy, cause, "メールサーバ "+where+" は今は受け取れないと答えました("+said+")。あとで自動で送り直します。",
			"The mail server "+where+" cannot take the mail now ("+said+"). It is tried again later.")
	case r.Scope == Relay:
		return fault.Wrap(fault.Denied, cause, "メールサーバ "+where+" が送り主としての私たちを断りました("+said+")。送り主のアドレス、SPF、許可の設定を確かめてください。",
			"The mail server "+where+" refuses us as a sender ("+said+"). Check the sender's address, SPF and what the server allows.")
	}
	return fault.Wrap(fault.Denied, cause, "メールサーバ "+where+" がこの宛先へのメールを断りました("+said+")。",
		"The mail server "+where+" refused the mail for this recipient ("+said+").")
}

// stopped is a mail that a person stopped before anybody got it.
func stopped(err error) Result {
	return Result{Outcome: NotTried, Scope: Relay, Text: "stopped",
		Err: fault.Wrap(fault.Busy, err, "送信が止められました。このメールは送っていません。", "Sending was stopped. This mail was not sent.")}
}

// protocol returns what a server answered, if err is an answer.
func protocol(err error) (*textproto.Error, bool) {
	return errors.AsType[*textproto.Error](err)
}

func ended(ctx context.Context) bool { return ctx.Err() != nil }
