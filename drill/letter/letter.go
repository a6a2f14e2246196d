// Package letter writes one mail of a drill: placeholders, text and HTML in UTF-8 or true ISO-2022-JP, attachments, the marker that says
// that it is a drill, the DKIM signature. It also reads a mail back as its reader sees it. It sends nothing and stores nothing.
package letter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kenshin/drill/internal/part"
	"kenshin/fault"
)

// File is one attachment or one picture inside the HTML.
type File = part.File

// Header is one more field of a mail; ExtraHeaders lists those that exist.
type Header struct{ Name, Value string }

// Draft is one recipient's mail before it is written. The same Draft always gives the same bytes.
type Draft struct {
	From, To   mail.Address
	ReplyTo    mail.Address // no field when its Address is ""
	Subject    string       // one line, up to 300 characters
	Text, HTML string       // at least one; lines end in \n or \r\n
	Charset    Charset
	Files      []File    // attachments
	Inline     []File    // pictures that HTML shows as cid:CONTENT-ID
	Date       time.Time // written in its own zone
	MessageID  string    // without angle brackets, in the domain of From: a mail sent again keeps it
	Marker     Marker
	Headers    []Header
}

const (
	maxSubject = 300
	maxBody    = 1 << 20
	maxFiles   = 10
	maxBytes   = 10 << 20 // of all files; larger ones are stopped by relays
)

// ExtraHeaders lists the fields that a draft may add; no other exists, so that none can hide or forge what Compose writes.
func ExtraHeaders() []string {
	return []string{"Importance", "Priority", "X-Priority", "Sensitivity", "Organization", "Content-Language", "In-Reply-To", "References"}
}

// MessageID makes the identifier of RFC 5322 section 3.6.4, without angle brackets, in the sender's domain; it names no machine. The same
// seed gives the same identifier.
func MessageID(seed string, from mail.Address) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:16]) + "@" + domainOf(from.Address)
}

// Compose writes the mail as it goes to a relay: RFC 5322 with CRLF, 7bit throughout, lines of 78 bytes. key seals the marker, at least
// 16 bytes. Errors are fault.Invalid or fault.TooLarge and name the field; nothing is repaired silently.
func (d Draft) Compose(key []byte) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	d.Text, d.HTML = lf(d.Text), lf(d.HTML)
	c, err := d.Charset.choose([]piece{{"件名", "subject", d.Subject}, {"本文(テキスト)", "text", d.Text}, {"本文(HTML)", "HTML", d.HTML},
		{"差出人の名前", "sender's name", d.From.Name}, {"宛先の名前", "recipient's name", d.To.Name}, {"返信先の名前", "reply-to name", d.ReplyTo.Name}})
	if err != nil {
		return nil, err
	}
	body, err := d.body(c)
	if err != nil {
		return nil, err
	}
	var h header
	if err := d.head(&h, c); err != nil {
		return nil, err
	}
	h.field("MIME-Version", "1.0")
	h.buf.Write(body.fields.buf.Bytes())
	if err := d.Marker.write(&h, d.MessageID, key); err != nil { // last: nothing comes after it
		return nil, err
	}
	out := make([]byte, 0, h.buf.Len()+2+body.body.Len())
	out = append(out, h.buf.Bytes()...)
	out = append(out, "\r\n"...)
	return append(out, body.body.Bytes()...), nil
}

func (d Draft) check() error {
	if err := oneLine("件名", "subject", d.Subject, maxSubject); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(d.Subject) == "":
		return fault.New(fault.Invalid, "件名がありません。", "There is no subject.")
	case d.Text == "" && d.HTML == "":
		return fault.New(fault.Invalid, "本文がありません。", "There is no body.")
	case d.Date.IsZero():
		return fault.New(fault.Invalid, "メールの日時がありません。", "The mail has no date.")
	}
	for _, p := range []piece{{"本文(テキスト)", "text", d.Text}, {"本文(HTML)", "HTML", d.HTML}} {
		if err := p.check(); err != nil {
			return err
		}
	}
	return d.checkFiles()
}

// check refuses a body that is too long or holds what no mail carries.
func (p piece) check() error {
	if len(p.text) > maxBody {
		return fault.Newf(fault.TooLarge, "%[1]sが長すぎます(%[3]d KBまで)。", "The %[2]s is too long (up to %[3]d KB).", p.ja, p.en, maxBody>>10)
	}
	for i, r := range p.text {
		broken := false
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(p.text[i:])
			broken = n == 1
		}
		if broken || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			line, column := place(p.text, i)
			return fault.Newf(fault.Invalid, "%[1]sの%[3]d行%[4]d文字目に読めない文字か制御文字があります。消してください。",
				"Line %[3]d, character %[4]d of the %[2]s is a control character or not valid UTF-8. Remove it.", p.ja, p.en, line, column)
		}
	}
	return nil
}

var contentID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$`)

func (d Draft) checkFiles() error {
	total := 0
	for _, f := range slices.Concat(d.Files, d.Inline) {
		if err := oneLine("添付ファイルの名前", "file name", f.Name, 120); err != nil {
			return err
		}
		if _, ok := mediaType(f.Type); !ok || f.Name == "" {
			return fault.Newf(fault.Invalid, "添付ファイル「%[1]s」の名前か種類が正しくありません。", "The file %[1]q has no name or no valid media type.", f.Name)
		}
		total += len(f.Body)
	}
	for _, f := range d.Inline {
		if !contentID.MatchString(f.ContentID) {
			return fault.Newf(fault.Invalid, "本文中の画像の名前「%[1]s」は使えません。", "%[1]q cannot name a picture in the text.", clip(plain(f.ContentID)))
		}
	}
	if n := len(d.Files) + len(d.Inline); n > maxFiles || total > maxBytes {
		return fault.Newf(fault.TooLarge, "添付が多すぎます(%[1]d個まで、合わせて%[2]d MBまで)。", "Too many or too large attachments (at most %[1]d, together %[2]d MB).", maxFiles, maxBytes>>20)
	}
	return nil
}

// head writes the fields above the MIME ones, in the order that mailers use.
func (d Draft) head(h *header, c Charset) error {
	from, err := mailbox("差出人", "sender", d.From)
	if err != nil {
		return err
	}
	to, err := mailbox("宛先", "recipient", d.To)
	if err != nil {
		return err
	}
	if !messageID.MatchString(d.MessageID) || domainOf(d.MessageID) != domainOf(from.Address) {
		return fault.New(fault.Invalid, "Message-IDが正しくないか、差出人と別のドメインです。", "The Message-ID is not valid, or not in the sender's domain.")
	}
	h.field("Date", words(d.Date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))...)
	h.address("From", from, c)
	h.address("To", to, c)
	if d.ReplyTo.Address != "" {
		reply, err := mailbox("返信先", "reply-to", d.ReplyTo)
		if err != nil {
			return err
		}
		h.address("Reply-To", reply, c)
	}
	h.text("Subject", d.Subject, c)
	h.field("Message-ID", "<"+d.MessageID+">")
	h.field("List-Id", d.Marker.list(domainOf(from.Address)))
	return d.extra(h, c)
}

var (
	messageID  = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,100}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	references = regexp.MustCompile(`^<[^\s<>@]+@[^\s<>@]+>( <[^\s<>@]+@[^\s<>@]+>)*$`)
)

func (d Draft) extra(h *header, c Charset) error {
	seen := map[string]bool{}
	for _, x := range d.Headers {
		i := slices.IndexFunc(ExtraHeaders(), func(n string) bool { return strings.EqualFold(n, x.Name) })
		if i < 0 {
			return fault.Newf(fault.Denied, "ヘッダー「%[1]s」は付けられません。付けられるのは%[2]sです。", "The header %[1]q cannot be set. Allowed are %[2]s.", clip(plain(x.Name)), strings.Join(ExtraHeaders(), ", "))
		}
		name := ExtraHeaders()[i]
		if err := oneLine("ヘッダー "+name, "header "+name, x.Value, 500); err != nil {
			return err
		}
		threads := name == "In-Reply-To" || name == "References"
		if seen[name] || x.Value == "" || threads && !references.MatchString(x.Value) {
			return fault.Newf(fault.Invalid, "ヘッダー「%[1]s」の値が正しくないか、二度書かれています。", "The header %[1]q has no valid value, or stands twice.", name)
		}
		seen[name] = true
		if threads {
			h.field(name, words(x.Value)...)
			continue
		}
		value := x.Value
		if len(Misfits(value)) > 0 {
			h.text(name, value, UTF8)
		} else {
			h.text(name, value, c)
		}
	}
	return nil
}

// body builds mixed(alternative(text, related(html, pictures)), files), leaving out each level that would hold one part only.
func (d Draft) body(c Charset) (*node, error) {
	var views []*node
	if d.Text != "" {
		views = append(views, textNode("plain", d.Text, c))
	}
	if d.HTML != "" {
		page, pictures, err := d.pictures(c)
		if err != nil {
			return nil, err
		}
		views = append(views, multi("related", d.MessageID, []string{`type="text/html";`}, append([]*node{textNode("html", page, c)}, pictures...)...))
	} else if len(d.Inline) > 0 {
		return nil, fault.New(fault.Invalid, "本文中の画像にはHTMLの本文が要ります。", "A picture in the text needs an HTML body.")
	}
	all := []*node{multi("alternative", d.MessageID, nil, views...)}
	for _, f := range d.Files {
		f.Type, _ = mediaType(f.Type)
		all = append(all, fileNode(f, "", c))
	}
	return multi("mixed", d.MessageID, nil, all...), nil
}

var (
	cid     = regexp.MustCompile(`(?i)\bcid:([A-Za-z0-9._-]+)`)
	charset = regexp.MustCompile(`(?i)(<meta\b[^>]*\bcharset\s*=\s*["']?)([a-z0-9_-]+)`)
)

// pictures gives each picture of the HTML a Content-ID of its own (RFC 2392), and the page the charset that it is sent in.
func (d Draft) pictures(c Charset) (page string, nodes []*node, err error) {
	sum := sha256.Sum256([]byte(d.MessageID))
	tail := "." + hex.EncodeToString(sum[:6]) + "@" + domainOf(d.MessageID)
	used := map[string]bool{}
	page = cid.ReplaceAllStringFunc(d.HTML, func(m string) string {
		used[m[len("cid:"):]] = true
		return m + tail
	})
	page = charset.ReplaceAllString(page, "${1}"+c.label())
	for _, f := range d.Inline {
		if !used[f.ContentID] {
			return "", nil, fault.Newf(fault.Invalid, "画像「%[1]s」が本文(HTML)で使われていません。", "The HTML does not show the picture %[1]q.", f.ContentID)
		}
		delete(used, f.ContentID)
		f.Type, _ = mediaType(f.Type)
		nodes = append(nodes, fileNode(f, f.ContentID+tail, c))
	}
	for name := range used {
		return "", nil, fault.Newf(fault.Invalid, "本文(HTML)の画像「cid:%[1]s」がありません。", "There is no picture for cid:%[1]s of the HTML.", clip(name))
	}
	return page, nodes, nil
}

// lf makes every line end one \n.
func lf(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(s), []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n")))
}
