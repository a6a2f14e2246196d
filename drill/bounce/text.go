package bounce

import (
	"regexp"
	"strings"

	"github.com/emersion/go-message"
)

var (
	anAddress  = regexp.MustCompile(`[A-Za-z0-9.!#$%&'*+/=?^_{|}~\x{80}-\x{10ffff}-]{1,64}@[A-Za-z0-9\x{80}-\x{10ffff}.-]{1,253}[A-Za-z0-9\x{80}-\x{10ffff}]`)
	statusCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	replyCode  = regexp.MustCompile(`(?:^|[^0-9.])([45]\d\d)(?:[ -]|$)`)
	daemon     = regexp.MustCompile(`(?i)^(mailer-?daemon|mail-?daemon|postmaster|mdaemon|mmdf|daemon|.*mail ?(delivery|system|er)\b.*)`)
	// where the copy of our own mail begins
	copyBegins  = regexp.MustCompile(`(?im)^(--- Below this line is a copy of the message|-+ ?(This is a copy of|Original message|元のメッセージ|元メール|Returned message|Message header follows|Unsent message follows|以下は.{0,30}(原文|ヘッダ)).*|Original message headers:|[=-]{3,} ?元.{0,20})`)
	undelivered = regexp.MustCompile(`(?i)(undeliver|delivery (status|failure|has failed|notification)|returned mail|mail delivery (failed|failure|system)|failure notice|non-?delivery|could not be delivered|` +
		`delivery (incomplete|delayed)|配信不能|配信エラー|配信できません|配送(エラー|不能|できません)|送信(エラー|不能|できません|できなかった)|送信に失敗|不達|届けられません|届きません|エラーメール|存在しません|未配達|配達できません)`)
	waits = regexp.MustCompile(`(?i)(delayed|still being retried|will keep trying|will be retried|retry timeout has not|warning: could not send|遅延|再送(し|を試|中)|送信を続け)`)
	away  = regexp.MustCompile(`(?i)^\s*(automatic reply|auto(matic)?[ -]?(reply|response)|out of (the )?office|autoreply|自動応答|自動返信|【?不在|不在(通知|連絡|のため)|休暇)`)
)

// texts reads the reports of servers that follow no standard: a daemon's address, a failure in the subject or the first lines, and the addresses
// with what is said about each.
func (f *found) texts(head message.Header) Report {
	subject, _ := head.Text("Subject")
	said := head.Get("X-Failed-Recipients") // Exim
	body := f.text.String()
	if !fromDaemon(head) && said == "" {
		return Report{}
	}
	own, rest := body, ""
	if at := copyBegins.FindStringIndex(body); at != nil {
		own, rest = body[:at[0]], body[at[1]:]
	}
	if said == "" && !undelivered.MatchString(subject) && !undelivered.MatchString(own) {
		return Report{}
	}
	r := Report{Kind: Bounce}
	if m := messageID.FindStringSubmatch(f.original + "\n" + rest); m != nil {
		r.MessageID = m[1]
	} else {
		r.MessageID = f.about(head)
	}
	delayed := waits.MatchString(subject + "\n" + own)
	r.Recipients = addressed(own, said, delayed, ours(head))
	return r
}

// fromDaemon knows mail that a mail server wrote. An empty Return-Path alone also marks absence notes.
func fromDaemon(head message.Header) bool {
	from, _ := head.Text("From")
	local := from
	if a := anAddress.FindString(from); a != "" {
		local, _, _ = strings.Cut(a, "@")
	}
	return daemon.MatchString(local) || daemon.MatchString(strings.Trim(from, `" `))
}

// ours are the addresses in the report's own head: who is told is not who failed.
func ours(head message.Header) map[string]bool {
	skip := map[string]bool{}
	for _, name := range []string{"To", "From", "Delivered-To", "X-Original-To", "Reply-To"} {
		v, _ := head.Text(name)
		for _, a := range anAddress.FindAllString(v, 20) {
			skip[strings.ToLower(a)] = true
		}
	}
	return skip
}

// addressed collects the addresses of a report's own text; what is said about one stands on its line and on the next few, to the next address.
func addressed(text, named string, delayed bool, skip map[string]bool) []Recipient {
	var all []Recipient
	at := map[string]int{}
	for _, a := range anAddress.FindAllString(named, maxRecipients) {
		at[strings.ToLower(a)] = len(all)
		all = append(all, Recipient{Final: a})
	}
	current, left := -1, 0
	for line := range strings.Lines(text) {
		for _, a := range anAddress.FindAllString(line, 5) {
			key := strings.ToLower(strings.TrimRight(a, "."))
			if skip[key] || strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "message-id:") {
				continue
			}
			i, known := at[key]
			if !known && len(all) < maxRecipients && named == "" {
				i, known = len(all), true
				at[key] = i
				all = append(all, Recipient{Final: strings.TrimRight(a, ".")})
			}
			if known {
				current, left = i, 6
				break
			}
		}
		if current < 0 || left == 0 {
			continue
		}
		left--
		r := &all[current]
		if r.Status == "" {
			r.Status = statusCode.FindString(line)
		}
		said := strings.TrimSpace(strings.Trim(strings.TrimSpace(strings.Replace(line, r.Final, "", 1)), "<>:()"))
		if said == "" && r.Diagnostic != "" {
			left = 0 // a blank line ends what is said
		} else if len(r.Diagnostic) < 2*maxWords {
			r.Diagnostic += " " + said
		}
	}
	for i := range all {
		finish(&all[i], delayed)
	}
	return all
}

// finish settles what an address's words mean.
func finish(r *Recipient, delayed bool) {
	r.Diagnostic = words(r.Diagnostic)
	code := ""
	if m := replyCode.FindStringSubmatch(r.Diagnostic); m != nil {
		code = m[1]
	}
	switch {
	case r.Status != "":
		r.Action = actionOf(r.Status)
	case code != "":
		r.Action = actionOf(code)
	case delayed:
		r.Action = Delayed
	default:
		r.Action = Failed
	}
	if r.Action == Delayed && !delayed { // a last try that failed with 4xx is over all the same
		r.Action = Failed
	}
}

// automatic knows what a program answered (RFC 3834, and what was in use before).
func automatic(head message.Header) bool {
	if v := strings.ToLower(first(head.Get("Auto-Submitted"))); v != "" && v != "no" {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply", "X-Auto-Response-From"} {
		if head.Has(name) {
			return true
		}
	}
	switch strings.ToLower(strings.TrimSpace(head.Get("Precedence"))) {
	case "auto_reply", "auto-reply", "bulk", "junk":
		return true
	}
	subject, _ := head.Text("Subject")
	if away.MatchString(subject) {
		return true
	}
	return fromDaemon(head) && strings.TrimSpace(head.Get("Return-Path")) == "<>"
}
