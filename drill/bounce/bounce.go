// Package bounce reads what comes back after a mail was sent: reports that it could not be delivered (RFC 3464, and the texts of servers that
// follow no standard), read receipts, and answers that a program wrote. What is left was written by a person.
package bounce

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // ISO-2022-JP and its like

	"kenshin/drill/internal/plain"
)

const (
	maxRaw        = 8 << 20 // what follows in a larger mail is the original, whose head suffices
	maxText       = 256 << 10
	maxDepth      = 5
	maxParts      = 40
	maxRecipients = 200
	maxWords      = 300 // characters of a diagnostic
)

// Kind is what a mail is.
type Kind int

// The kinds.
const (
	Person    Kind = iota // nothing says that a program wrote it
	Bounce                // about a mail's delivery
	Receipt               // that a mail was displayed or deleted (RFC 8098)
	AutoReply             // absence and other automatic answers (RFC 3834)
)

func (k Kind) String() string { return [...]string{"person", "bounce", "receipt", "auto-reply"}[k] }

// Action is what became of a mail for one recipient (RFC 3464 section 2.3.3).
type Action string

// The actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Recipient is one address of a report.
type Recipient struct {
	Original   string // as we wrote it, if the server kept that
	Final      string // where it would have gone
	Action     Action
	Status     string // 5.1.1; "" if nothing was said
	Diagnostic string // at most 300 characters, one line, printable, without tokens
	Server     string // that refused
}

// Address is the address that we wrote, as far as the report tells; lower case.
func (r Recipient) Address() string {
	if r.Original != "" {
		return strings.ToLower(r.Original)
	}
	return strings.ToLower(r.Final)
}

// Report is what a mail says about another one.
type Report struct {
	Kind        Kind
	MessageID   string // of the mail that it is about, with its brackets; "" if it does not tell
	Recipients  []Recipient
	Disposition string // of a receipt: displayed, deleted ...
}

// Read looks into a mail. It never fails: a mail that it cannot understand is a person's.
func Read(raw []byte) Report {
	if len(raw) > maxRaw {
		raw = raw[:maxRaw]
	}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return Report{}
	}
	var f found
	f.walk(e, 0)
	head := e.Header
	switch {
	case len(f.fields) > 0 && isReport(head, "disposition-notification", f):
		return f.receipt(head)
	case len(f.fields) > 0:
		if r := f.standard(head); len(r.Recipients) > 0 {
			return r
		}
	}
	if r := f.texts(head); r.Kind == Bounce {
		return r
	}
	if automatic(head) {
		return Report{Kind: AutoReply, MessageID: answered(head)}
	}
	return Report{MessageID: answered(head)}
}

// found is what the parts of a mail hold.
type found struct {
	parts    int
	text     strings.Builder // plain text, or HTML without its tags
	fields   string          // of message/delivery-status or disposition-notification
	kind     string          // the media type of fields
	original string          // the head of the mail that is returned
}

func (f *found) walk(e *message.Entity, depth int) {
	f.parts++
	if depth > maxDepth || f.parts > maxParts {
		return
	}
	media, _, _ := e.Header.ContentType()
	if r := e.MultipartReader(); r != nil {
		for f.parts <= maxParts {
			p, err := r.NextPart()
			if p == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			f.walk(p, depth+1)
		}
		return
	}
	switch media {
	case "message/delivery-status", "message/global-delivery-status", "message/disposition-notification":
		if f.fields == "" {
			f.fields, f.kind = read(e.Body, maxText), media
		}
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers", "message/rfc822-headers":
		if f.original == "" {
			f.original = read(e.Body, maxText)
		}
	case "text/plain", "":
		f.add(read(e.Body, maxText))
	case "text/html":
		f.add(tags.ReplaceAllString(read(e.Body, maxText), "\n"))
	}
}

func (f *found) add(text string) {
	if f.text.Len()+len(text) <= 2*maxText {
		f.text.WriteString(strings.ReplaceAll(text, "\r\n", "\n"))
		f.text.WriteByte('\n')
	}
}

func read(r io.Reader, limit int64) string {
	b, _ := io.ReadAll(io.LimitReader(r, limit)) // a part that breaks off has what it has
	return string(b)
}

var (
	tags      = regexp.MustCompile(`<[a-zA-Z/!][^>]{0,500}>`)
	messageID = regexp.MustCompile(`(?im)^message-id:\s*(<[^<>\s]{1,300}>)`)
	someID    = regexp.MustCompile(`<[^<>\s]{1,300}@[^<>\s]{1,300}>`)
)

// about is the Message-ID of the mail that a report is about.
func (f *found) about(head message.Header) string {
	for _, text := range []string{f.original, f.text.String()} {
		if m := messageID.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return answered(head)
}

// answered is the Message-ID that a mail answers: In-Reply-To, else the last of References (RFC 5322 section 3.6.4).
func answered(head message.Header) string {
	if id := someID.FindString(head.Get("In-Reply-To")); id != "" {
		return id
	}
	if ids := someID.FindAllString(head.Get("References"), -1); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return ""
}

func isReport(head message.Header, kind string, f found) bool {
	_, p, _ := head.ContentType()
	return strings.EqualFold(p["report-type"], kind) || f.kind == "message/"+kind
}

// standard reads RFC 3464: groups of fields, the first about the mail, one for each recipient after it.
func (f *found) standard(head message.Header) Report {
	r := Report{Kind: Bounce, MessageID: f.about(head)}
	for _, group := range groups(f.fields) {
		action := Action(strings.ToLower(first(group["action"])))
		final, original := addressOf(group["final-recipient"]), addressOf(group["original-recipient"])
		if final == "" && original == "" || len(r.Recipients) >= maxRecipients {
			continue
		}
		status := statusCode.FindString(group["status"])
		if !slices.Contains([]Action{Failed, Delayed, Delivered, Relayed, Expanded}, action) {
			action = actionOf(status)
		}
		_, server := typed(group["remote-mta"])
		_, said := typed(group["diagnostic-code"])
		r.Recipients = append(r.Recipients, Recipient{Original: original, Final: final, Action: action, Status: status, Diagnostic: words(said), Server: words(server)})
	}
	return r
}

func actionOf(status string) Action {
	switch {
	case strings.HasPrefix(status, "4"):
		return Delayed
	case strings.HasPrefix(status, "2"):
		return Delivered
	}
	return Failed
}

// receipt reads RFC 8098.
func (f *found) receipt(head message.Header) Report {
	r := Report{Kind: Receipt, MessageID: f.about(head)}
	for _, g := range groups(f.fields) {
		if id := someID.FindString(g["original-message-id"]); id != "" {
			r.MessageID = id
		}
		if d := g["disposition"]; d != "" { // manual-action/MDN-sent-manually; displayed
			_, d, _ = strings.Cut(d, ";")
			r.Disposition = first(strings.ToLower(strings.ReplaceAll(d, "/", " ")))
		}
		if a := addressOf(g["final-recipient"]); a != "" && len(r.Recipients) == 0 {
			r.Recipients = []Recipient{{Original: addressOf(g["original-recipient"]), Final: a}}
		}
	}
	return r
}

// groups splits fields at blank lines and unfolds them; names are lower case.
func groups(text string) []map[string]string {
	var all []map[string]string
	g := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "":
			if len(g) > 0 {
				all, g, name = append(all, g), map[string]string{}, ""
			}
		case (line[0] == ' ' || line[0] == '\t') && name != "":
			if len(g[name]) < 4*maxWords {
				g[name] += " " + strings.TrimSpace(line)
			}
		default:
			n, value, ok := strings.Cut(line, ":")
			if name = strings.ToLower(strings.TrimSpace(n)); ok && g[name] == "" {
				g[name] = strings.TrimSpace(value)
			} else {
				name = ""
			}
		}
		if len(all) > maxRecipients {
			break
		}
	}
	if len(g) > 0 {
		all = append(all, g)
	}
	return all
}

// typed splits "rfc822; a@b" and "smtp; 550 no".
func typed(v string) (kind, value string) {
	kind, value, ok := strings.Cut(v, ";")
	if !ok {
		return "", v
	}
	return strings.TrimSpace(kind), strings.TrimSpace(value)
}

func addressOf(v string) string {
	_, a := typed(v)
	return anAddress.FindString(strings.Trim(a, "<> "))
}

func first(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// words makes a server's words fit for a screen.
func words(s string) string { return plain.Words(s, maxWords) }
