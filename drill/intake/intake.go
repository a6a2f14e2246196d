// Package intake reads the mails that staff send to the report mailbox: who reported, what they wrote, and the mail that they report, whichever way
// it was handed on. It opens nothing, follows nothing and runs nothing; what it reads was written by strangers, so everything has a bound.
package intake

import (
	"net/mail"
	"strings"
	"time"

	"kenshin/drill/internal/token"
	"kenshin/fault"
	"kenshin/i18n"
)

// Limits bound what one mail may cost. The zero value of a field means the default.
type Limits struct {
	Raw      int // bytes of the mail; default 64 MiB
	Unpacked int // bytes decoded into memory from all parts together; default 32 MiB
	Text     int // bytes of each text that is looked at; default 1 MiB
	Parts    int // default 500
	Depth    int // mails in mails and parts in parts; default 12
	Tokens   int // default 200
	Links    int // of each original; default 200
}

func (l Limits) filled() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Raw, 64<<20)
	set(&l.Unpacked, 32<<20)
	set(&l.Text, 1<<20)
	set(&l.Parts, 500)
	set(&l.Depth, 12)
	set(&l.Tokens, 200)
	set(&l.Links, 200)
	return l
}

// Given is what the way of arrival tells about a mail; what is not known stays empty.
type Given struct {
	MailFrom string // the envelope's sender
	Trusted  string // the name by which the facility's own mail server signs Authentication-Results (RFC 8601 authserv-id)
}

// Form is how the reported mail was handed on.
type Form string

const (
	Inline Form = "inline" // quoted in the text
	EML    Form = "eml"    // as message/rfc822
	MSG    Form = "msg"    // as an Outlook file
	TNEF   Form = "tnef"   // within winmail.dat
)

// Proof is what shows that the reporter's address is true.
type Proof string

const (
	ByEnvelope Proof = "envelope" // the envelope has the same address: weak, and enough within one's own server
	ByServer   Proof = "server"   // the facility's own server checked DMARC, or aligned SPF or DKIM
	Refuted    Proof = "refuted"  // the facility's own server found it false
	NoProof    Proof = ""
)

// Address is a mailbox; Addr is folded to lower case.
type Address struct{ Name, Addr string }

// Report is one mail to the report mailbox.
type Report struct {
	Reporter  Address // whose mail it is: who gets the credit, whoever owns the tokens
	Proof     Proof
	MessageID string
	At        time.Time // the Date field; zero when there is none that can be read
	Subject   string
	Note      string // what the reporter wrote, without the forwarded mail
	Opened    string // the words that say that they opened, pressed or typed; "" when they say no such thing
	Automatic string // why this is no person's mail; "" when it is
	AddOn     bool   // it has the shape in which a report button sends
	Originals []Original
	Files     []File        // what the reporter attached beside, like a picture of the screen
	Tokens    []token.Token // all tokens of the mail, in order; not all need be ours
	Marker    string        // the drill's header, as found; anybody can write one, so its hmac must be checked
	Unread    []i18n.Text   // what was left out, and why
}

// Original is a mail that was reported.
type Original struct {
	Form      Form
	MessageID string
	Subject   string
	From      Address
	Date      time.Time
	Text      string // at most Limits.Text bytes
	Links     []Link
	Files     []File
	Marker    string
}

// Link is an address in the mail with the words that it hides behind.
type Link struct{ URL, Text string }

// File is an attachment, never its content.
type File struct {
	Name   string
	Type   string // as declared
	Size   int64
	SHA256 string   // hexadecimal
	Inside []string // names in a zip, at most 50
}

// MarkerHeader is the header that every mail of a drill carries.
const MarkerHeader = "X-Hospital-Drill"

// Read reads a report. An error means that nothing can be made of the mail, and says why; what only lacks a part is a Report with
// Unread set. Memory stays within Limits.Unpacked beside raw, time in proportion to its size.
func Read(raw []byte, given Given, limits Limits) (Report, error) {
	l := limits.filled()
	if len(raw) > l.Raw {
		return Report{}, fault.Newf(fault.TooLarge, "通報のメールが大きすぎます(%d MB、上限 %d MB)。本文だけを転送してもらってください。",
			"The reported mail is too large (%d MB, limit %d MB). Ask for it to be forwarded without its attachments.", len(raw)>>20, l.Raw>>20)
	}
	r := &reader{limits: l, left: l.Unpacked, seen: map[token.Token]bool{}}
	top := r.split(raw)
	from := address(top.head.text("From"))
	if from.Addr == "" {
		return Report{}, fault.New(fault.Invalid, "差出人(From)のないメールです。だれの通報か分からないため、記録できません。",
			"The mail has no readable From field: it cannot be said whose report it is.")
	}
	out := Report{Reporter: from, MessageID: messageID(top.head.get("Message-Id")), Subject: top.head.text("Subject"), At: date(top.head.get("Date"))}
	out.Proof = proof(top.head, from.Addr, given)
	out.Automatic = automatic(top.head)
	own := &Original{Form: Inline}
	r.walk(top, own, 0)
	r.findTokens([]byte(out.Subject))
	r.finish(own)
	r.tellApart(&out, own)
	if len(r.tokens) == 0 { // a broken structure hides nothing
		r.findTokens(raw[:min(len(raw), l.Text)])
	}
	out.Tokens = r.tokens
	for _, o := range out.Originals {
		if out.Marker == "" {
			out.Marker = o.Marker
		}
	}
	out.AddOn = addOn(top.head, out.Subject)
	out.Opened, _ = SaysOpened(out.Note)
	if r.skipped > 0 {
		r.missed("%d個の部分は、数や深さの上限を超えたため読んでいません。", "%d parts were not read: over the limits of number or depth.", r.skipped)
	}
	out.Unread = r.unread
	return out, nil
}

// tellApart takes the note from the mail's own text, and what was quoted below it.
func (r *reader) tellApart(out *Report, own *Original) {
	note, quoted := cutForward(own.Text)
	out.Note = note
	switch {
	case len(r.originals) > 0: // handed on as a file: the mail's own text is the note, with what the program quoted below it
		out.Files = own.Files
	case quoted.found || len(own.Links) > 0 || len(own.Files) > 0:
		o := *own
		o.Text, o.From, o.Subject, o.Date = quoted.text, quoted.from, quoted.subject, quoted.date
		o.MessageID, o.Marker = quoted.messageID, quoted.marker
		if !quoted.found {
			o.Text = note
		}
		r.originals = append(r.originals, o)
	}
	out.Originals = r.originals
}

// reader is the work on one mail: what was found, and what may still be spent.
type reader struct {
	limits    Limits
	left      int // bytes that may still be decoded
	parts     int
	skipped   int
	tokens    []token.Token
	seen      map[token.Token]bool
	originals []Original
	unread    []i18n.Text
}

func (r *reader) findTokens(text []byte) {
	if room := r.limits.Tokens - len(r.tokens); room > 0 {
		for _, t := range token.Find(text[:min(len(text), r.limits.Text)], r.limits.Tokens) {
			if !r.seen[t] && len(r.tokens) < r.limits.Tokens {
				r.seen[t] = true
				r.tokens = append(r.tokens, t)
			}
		}
	}
}

func (r *reader) missed(ja, en string, args ...any) {
	if len(r.unread) < 20 {
		f := fault.Newf(fault.Invalid, ja, en, args...)
		r.unread = append(r.unread, i18n.Text{Ja: f.Ja, En: f.En})
	}
}

// spend takes n bytes from what may be decoded; false: there is not enough left.
func (r *reader) spend(n int) bool {
	if n > r.left {
		return false
	}
	r.left -= n
	return true
}

// enter counts one part; false: there were too many, or they lie too deep.
func (r *reader) enter(depth int) bool {
	r.parts++
	if r.parts > r.limits.Parts || depth > r.limits.Depth {
		r.skipped++
		return false
	}
	return true
}

func address(s string) Address {
	s = strings.TrimSpace(s)
	list, err := (&mail.AddressParser{}).ParseList(s)
	if err == nil && len(list) > 0 {
		return Address{Name: clean(list[0].Name, 200), Addr: strings.ToLower(list[0].Address)}
	}
	// 山田 太郎 <taro@hospital.example> with what RFC 5322 does not allow in a name
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		name, rest = "", s
	}
	rest, _, _ = strings.Cut(rest, ">")
	rest = strings.ToLower(strings.Trim(rest, " \t\"'[]()"))
	if local, domain, ok := strings.Cut(rest, "@"); !ok || local == "" || domain == "" || len(rest) > 320 || strings.ContainsAny(rest, " \t,;\r\n") {
		return Address{}
	}
	return Address{Name: clean(strings.Trim(name, " \t\""), 200), Addr: rest}
}

func messageID(s string) string { return clean(strings.Trim(strings.TrimSpace(s), "<>"), 500) }

func date(s string) time.Time {
	at, err := mail.ParseDate(strings.TrimSpace(s))
	if err != nil {
		return time.Time{}
	}
	return at
}
