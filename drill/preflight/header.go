package preflight

import (
	"mime"
	"net/mail"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kenshin/fault"
)

const (
	maxHeader  = 256 << 10
	maxFields  = 1000
	markerName = "X-Hospital-Drill"
)

// Verdict is one method's result in Authentication-Results.
type Verdict struct {
	Method string // spf, dkim, dmarc, compauth
	Value  string // pass, fail, softfail, none, ...
	Detail map[string]string
	IP     string // of "(sender IP is ...)"
	By     string // who wrote it, "" where Microsoft leaves it out
}

// Hop is one Received line, in the order of travel.
type Hop struct {
	From, By string
	IP       string // of From
	At       time.Time
	Delay    time.Duration // since the hop before, 0 when a time is missing
}

// Reading is what the headers of a delivered mail say.
type Reading struct {
	Subject   string
	MessageID string
	Marker    string // the drill's own header, "" when it is gone
	Verdicts  []Verdict
	Forefront map[string]string // X-Forefront-Antispam-Report: SCL, SFV, CAT, CIP, IPV, DIR, SFTY ...
	SCL       *int              // spam confidence level of Exchange
	BCL       *int
	Spam      []Field // X-Spam-* and the like, as they are
	Sanitised string  // X-MAIL-SANITIZED of m-FILTER
	Path      []Hop
	Place     Place // as far as the headers tell
	PlaceBy   string
}

// Field is one header field.
type Field struct{ Name, Value string }

// ReadDelivery reads the headers of a delivered mail as they are pasted from a mail program, or a whole .eml: the part above the first empty
// line counts. Lines that are no header are passed over, since programs print titles between them.
func ReadDelivery(raw string) (*Reading, error) {
	fields := headerFields(raw)
	if len(fields) == 0 {
		return nil, fault.New(fault.Invalid, "メールヘッダーが見つかりません。「Received:」や「Authentication-Results:」を含む全体を貼り付けてください。",
			"No mail headers were found. Paste all of them, with the lines that begin with Received: and Authentication-Results:.")
	}
	r := &Reading{Forefront: map[string]string{}}
	for _, f := range fields {
		r.take(f)
	}
	r.timePath()
	r.Place, r.PlaceBy = r.placed()
	return r, nil
}

func headerFields(raw string) []Field {
	raw = strings.ToValidUTF8(raw[:min(len(raw), maxHeader)], "\ufffd")
	raw = strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(raw, "\ufeff"), "\r\n", "\n"), "\r", "\n")
	var out []Field
	last := false
	for _, line := range strings.Split(raw, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			if len(out) > 0 {
				return out
			}
		case line[0] == ' ' || line[0] == '\t':
			if last && len(out[len(out)-1].Value) < 64<<10 {
				out[len(out)-1].Value += " " + strings.TrimSpace(line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if last = ok && fieldName(name) && len(out) < maxFields; last {
				out = append(out, Field{name, strings.TrimSpace(value)})
			}
		}
	}
	return out
}

func fieldName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

// take reads one field. Of what may stand there more than once, the uppermost counts: it was written last, by the receiving side.
func (r *Reading) take(f Field) {
	switch name := strings.ToLower(f.Name); name {
	case "subject":
		r.Subject = decodeWords(f.Value)
	case "message-id":
		r.MessageID = f.Value
	case strings.ToLower(markerName):
		r.Marker = f.Value
	case "authentication-results", "x-ms-exchange-authentication-results":
		r.verdicts(f.Value)
	case "x-forefront-antispam-report", "x-forefront-antispam-report-untrusted":
		if len(r.Forefront) == 0 && name == "x-forefront-antispam-report" {
			r.Forefront = pairs(f.Value)
			r.SCL = first(r.SCL, r.Forefront["SCL"])
		}
	case "x-microsoft-antispam":
		r.BCL = first(r.BCL, pairs(f.Value)["BCL"])
	case "x-ms-exchange-organization-scl":
		r.SCL = first(r.SCL, f.Value)
	case "x-microsoft-antispam-mailbox-delivery":
		r.Forefront["DEST"] = strings.ToUpper(pairs(f.Value)["DEST"])
	case "x-mail-sanitized":
		r.Sanitised = f.Value
	case "received":
		r.Path = append([]Hop{hop(f.Value)}, r.Path...)
	default:
		if strings.HasPrefix(name, "x-spam") || strings.HasPrefix(name, "x-barracuda-spam") || strings.HasPrefix(name, "x-proofpoint-spam") ||
			strings.HasPrefix(name, "x-tm-as-") || strings.HasPrefix(name, "x-mailscanner-spam") || name == "x-customspam" {
			r.Spam = append(r.Spam, Field{f.Name, oneLine(f.Value, 200)})
		}
	}
}

func first(have *int, s string) *int {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); have == nil && err == nil {
		return &n
	}
	return have
}

// pairs reads KEY:value;KEY:value. Keys come out in capitals.
func pairs(s string) map[string]string {
	m := map[string]string{}
	for _, p := range strings.Split(s, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(p), ":"); ok {
			if k = strings.ToUpper(strings.TrimSpace(k)); m[k] == "" {
				m[k] = strings.TrimSpace(v)
			}
		}
	}
	return m
}

var senderIP = regexp.MustCompile(`(?i)sender IP is ([0-9a-f.:]+)`)

// verdicts reads RFC 8601, and Microsoft's form of it, which leaves out who says so.
func (r *Reading) verdicts(value string) {
	by := ""
	for i, part := range splitOutside(value, ';') {
		note := senderIP.FindStringSubmatch(part)
		words := strings.Fields(withoutComments(part))
		if len(words) == 0 {
			continue
		}
		method, val, ok := strings.Cut(words[0], "=")
		if !ok {
			if i == 0 {
				by = words[0]
			}
			continue
		}
		v := Verdict{Method: strings.ToLower(method), Value: strings.ToLower(val), Detail: map[string]string{}, By: by}
		if r.has(v.Method) && v.Method != "dkim" { // several signatures are usual, several answers to the same question are not
			continue
		}
		for _, w := range words[1:] {
			if k, x, ok := strings.Cut(w, "="); ok {
				v.Detail[strings.ToLower(k)] = strings.Trim(x, `"`)
			}
		}
		if note != nil {
			v.IP = note[1]
		}
		if len(r.Verdicts) < 50 {
			r.Verdicts = append(r.Verdicts, v)
		}
	}
}

func (r *Reading) has(method string) bool { return r.Verdict(method).Method != "" }

// Verdict returns the result of a method: of several signatures the one that passed. Its Method is "" when there is none.
func (r *Reading) Verdict(method string) Verdict {
	var found Verdict
	for _, v := range r.Verdicts {
		if v.Method == method && (found.Method == "" || v.Value == "pass" && found.Value != "pass") {
			found = v
		}
	}
	return found
}

func splitOutside(s string, sep rune) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	for i, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		case c == sep && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func withoutComments(s string) string {
	depth := 0
	return strings.Map(func(c rune) rune {
		switch c {
		case '(':
			depth++
			return ' '
		case ')':
			depth = max(0, depth-1)
			return ' '
		}
		if depth > 0 {
			return -1
		}
		return c
	}, s)
}

var (
	receivedFrom = regexp.MustCompile(`(?i)\bfrom\s+(\S+)`)
	receivedBy   = regexp.MustCompile(`(?i)\bby\s+([^\s;]+)`)
	receivedIP   = regexp.MustCompile(`\[(?:IPv6:)?([0-9a-fA-F.:]+)\]|\(([0-9a-fA-F]*[.:][0-9a-fA-F.:]+)\)`)
)

func hop(value string) Hop {
	route, when := value, ""
	if i := strings.LastIndexByte(value, ';'); i >= 0 {
		route, when = value[:i], strings.TrimSpace(value[i+1:])
	}
	h := Hop{}
	if m := receivedFrom.FindStringSubmatch(route); m != nil {
		h.From = oneLine(m[1], 120)
	}
	if m := receivedBy.FindStringSubmatch(route); m != nil {
		h.By = oneLine(m[1], 120)
	}
	for _, m := range receivedIP.FindAllStringSubmatch(route, 5) {
		if ip, err := netip.ParseAddr(m[1] + m[2]); err == nil {
			h.IP = ip.String()
			break
		}
	}
	if at, err := mail.ParseDate(withoutTail(when)); err == nil {
		h.At = at
	}
	return h
}

func withoutTail(s string) string { // "(JST)" and what some programs put behind it
	if i := strings.IndexByte(s, '('); i > 0 {
		return strings.TrimSpace(s[:i])
	}
	return s
}

func (r *Reading) timePath() {
	if len(r.Path) > 100 {
		r.Path = r.Path[len(r.Path)-100:]
	}
	for i := 1; i < len(r.Path); i++ {
		if a, b := r.Path[i-1].At, r.Path[i].At; !a.IsZero() && !b.IsZero() {
			r.Path[i].Delay = b.Sub(a)
		}
	}
}

// placed concludes where the mail is. Only Microsoft 365 and Exchange write it into the headers; elsewhere a person has to look.
func (r *Reading) placed() (Place, string) {
	switch r.Forefront["DEST"] { // the last step in Exchange Online; letters by observation, 要確認
	case "I":
		return Inbox, "X-Microsoft-Antispam-Mailbox-Delivery"
	case "J":
		return Junk, "X-Microsoft-Antispam-Mailbox-Delivery"
	}
	switch r.Forefront["SFV"] {
	case "SKQ":
		return Quarantine, "X-Forefront-Antispam-Report SFV:SKQ"
	case "SPM", "SKS", "SKB", "BLK":
		return Junk, "X-Forefront-Antispam-Report SFV:" + r.Forefront["SFV"]
	case "SKA", "SFE":
		return Inbox, "X-Forefront-Antispam-Report SFV:" + r.Forefront["SFV"]
	}
	if r.SCL != nil {
		switch {
		case *r.SCL >= 5:
			return Junk, "SCL " + strconv.Itoa(*r.SCL)
		case *r.SCL >= -1:
			return Inbox, "SCL " + strconv.Itoa(*r.SCL)
		}
	}
	return PlaceUnknown, ""
}

// spamYes reports that a filter marked the mail (SpamAssassin's X-Spam-Flag and X-Spam-Status and those that copy it).
func (r *Reading) spamYes() (Field, bool) {
	for _, f := range r.Spam {
		v := strings.ToLower(f.Value)
		switch strings.ToLower(f.Name) {
		case "x-spam-flag", "x-spam-status", "x-barracuda-spam-flag", "x-spam":
			if strings.HasPrefix(v, "yes") {
				return f, true
			}
		}
	}
	return Field{}, false
}

func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charsetReader}
	if t, err := d.DecodeHeader(s); err == nil {
		return t
	}
	return s
}
