package intake

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// quoted is a mail that stands in the text of another.
type quoted struct {
	found     bool
	text      string
	from      Address
	subject   string
	date      time.Time
	messageID string
	marker    string
}

var (
	forwardRule = regexp.MustCompile(`(?i)^[\s>]*(?:[-_=*]{2,}\s*)?(?:original message|forwarded message|begin forwarded message:?|元のメッセージ|転送メッセージ|転送されたメッセージ:?|` +
		`以下のメッセージを転送します[。:]?|forwarded by .{0,60}|転送元メッセージ|原文)(?:\s*[-_=*]{2,})?\s*$`)
	quotedField = regexp.MustCompile(`(?i)^[\s>*]*(from|差出人|送信者|送信元|sent|date|送信日時|日時|日付|to|宛先|cc|subject|件名|message-id|reply-to|返信先|x-hospital-drill)\s*\*?\s*[:：]\s*\*?\s*(.*)$`)
	markerLine  = regexp.MustCompile(`(?im)^[\s>]*` + MarkerHeader + `\s*[:：]\s*(\S.{0,999})$`)
)

// fieldOf names a field of a quoted header in English.
func fieldOf(name string) string {
	switch strings.ToLower(name) {
	case "from", "差出人", "送信者", "送信元":
		return "from"
	case "subject", "件名":
		return "subject"
	case "sent", "date", "送信日時", "日時", "日付":
		return "date"
	case "message-id":
		return "message-id"
	case "x-hospital-drill":
		return "marker"
	}
	return "other"
}

// cutForward takes a text apart into what its writer added and the mail that was quoted below, by the line that programs put between, or by two
// or more lines of a header that follow one another.
func cutForward(text string) (note string, q quoted) {
	lines := strings.Split(text, "\n")
	start := -1
	for i, line := range lines {
		if forwardRule.MatchString(norm.NFKC.String(line)) {
			start = i
			break
		}
		if f := fieldAt(line); (f == "from" || f == "subject") && fields(lines[i:]) >= 2 {
			start = i
			break
		}
	}
	if start < 0 {
		return strings.TrimSpace(text), quoted{}
	}
	note = strings.TrimRight(strings.Join(lines[:start], "\n"), " \t\r\n_-=")
	q.found = true
	rest := lines[start:]
	if fieldAt(rest[0]) == "" {
		rest = rest[1:]
	}
	q.text = strings.TrimSpace(strings.Join(q.header(rest), "\n"))
	return strings.TrimSpace(note), q
}

func fieldAt(line string) string {
	m := quotedField.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return fieldOf(m[1])
}

// fields counts how many kinds of fields stand in the next few lines.
func fields(lines []string) int {
	kinds, others := map[string]bool{}, 0
	for _, line := range lines[:min(len(lines), 8)] {
		if f := fieldAt(line); f == "other" {
			others++
		} else if f != "" {
			kinds[f] = true
		}
	}
	return len(kinds) + min(others, 1)
}

// header reads the quoted header and returns the lines below it.
func (q *quoted) header(lines []string) []string {
	seen := false
	for i, line := range lines {
		bare := strings.TrimLeft(line, " \t>")
		m := quotedField.FindStringSubmatch(line)
		switch {
		case m == nil && strings.TrimSpace(bare) == "":
			if seen {
				return lines[i:]
			}
		case m == nil && !seen: // no header: the text begins at once
			return lines[i:]
		case m == nil && i > 20:
			return lines[i:]
		case m != nil:
			seen = true
			value := strings.TrimSpace(m[2])
			switch fieldOf(m[1]) {
			case "from":
				q.from = address(strings.NewReplacer("[mailto:", "<", "]", ">").Replace(value))
			case "subject":
				q.subject = clean(value, 2000)
			case "date":
				q.date = date(value)
			case "message-id":
				q.messageID = messageID(value)
			case "marker":
				q.marker = clean(value, 1000)
			}
		}
	}
	return nil
}

// markerIn finds the drill's header where somebody pasted the headers into the text.
func markerIn(text string) string {
	if m := markerLine.FindStringSubmatch(text); m != nil {
		return clean(m[1], 1000)
	}
	return ""
}

// The report buttons of Microsoft put five things into the subject: what was pressed, the mail's id in their network, the sender's address, the
// sender, the subject (learn.microsoft.com, user reported messages, custom mailbox). KnowBe4's and others put a word before it.
var addOnSubject = regexp.MustCompile(`(?i)^(?:\d\|[0-9a-f]{8}-[0-9a-f-]{20,40}\||\[phish ?alert\]|\[phishing report\]|\[user reported\]|phishing report:)`)

func addOn(h head, subject string) bool {
	return addOnSubject.MatchString(subject) || h.get("X-Microsoft-Antispam-Message-Report") != "" || h.get("X-Phish-Alert") != "" || h.get("X-Gmail-Report") != ""
}
