package intake

import (
	"archive/zip"
	"bytes"
	"cmp"
	"io"
	"strings"
)

const (
	maxArchive = 16 << 20 // bytes of a zip that is looked into, and of a mail in it
	maxInside  = 50       // names that are kept of a zip
	maxFiles   = 200      // attachments that are kept of one mail
)

// walk reads a part into the mail that it belongs to.
func (r *reader) walk(p part, into *Original, depth int) {
	if !r.enter(depth) {
		return
	}
	name := strings.ToLower(p.name())
	switch {
	case strings.HasPrefix(p.kind, "multipart/"):
		r.multipart(p, into, depth)
	case p.kind == "message/rfc822" || p.kind == "message/global" || strings.HasSuffix(name, ".eml"):
		if b, ok := r.embedded(p); ok {
			r.mail(b, EML, depth+1)
		}
	case p.kind == "application/vnd.ms-outlook" || strings.HasSuffix(name, ".msg"):
		r.unpack(p, into, depth, r.outlook)
	case p.kind == "application/ms-tnef" || p.kind == "application/vnd.ms-tnef" || name == "winmail.dat":
		r.unpack(p, into, depth, r.winmail)
	case !p.attached() && name == "" && strings.HasPrefix(p.kind, "text/"):
		r.text(p, into)
	default:
		r.attachment(p, into, depth)
	}
}

func (r *reader) multipart(p part, into *Original, depth int) {
	children := p.children()
	if len(children) == 0 {
		r.missed("区切りの分からない部分があり、中を分けられませんでした。", "A part without a usable boundary could not be taken apart.")
		r.addText(into, decode(p.body[:min(len(p.body), r.limits.Text)], ""))
		return
	}
	for _, c := range children {
		r.walk(r.split(c), into, depth+1)
	}
}

// embedded is the mail inside a part: the raw bytes, or decoded where a program encoded it though it must not.
func (r *reader) embedded(p part) ([]byte, bool) {
	switch strings.ToLower(p.head.get("Content-Transfer-Encoding")) {
	case "base64", "quoted-printable":
		b, ok := r.bytes(p, r.limits.Raw)
		if !ok {
			r.missed("転送されたメール「%s」は大きすぎるため読んでいません。", "The forwarded mail %q was not read: too large.", p.name())
		}
		return b, ok
	}
	return p.body, true
}

// mail reads a whole mail that was handed on.
func (r *reader) mail(raw []byte, form Form, depth int) {
	if !r.enter(depth) {
		return
	}
	top := r.split(raw)
	o := &Original{Form: form, MessageID: messageID(top.head.get("Message-Id")), Subject: top.head.text("Subject"), From: address(top.head.text("From")),
		Date: date(top.head.get("Date")), Marker: clean(top.head.get(MarkerHeader), 1000)}
	at := len(r.originals)
	r.originals = append(r.originals, Original{}) // its place is before those that it carries
	r.findTokens([]byte(strings.Join(top.head.values, "\n")))
	r.walk(top, o, depth+1)
	r.finish(o)
	r.originals[at] = *o
}

// unpack gives a part's content to who reads its kind; what cannot be read stays an attachment.
func (r *reader) unpack(p part, into *Original, depth int, read func([]byte, *Original, int) error) {
	b, ok := r.bytes(p, r.limits.Raw)
	if !ok {
		r.missed("添付「%s」は大きすぎるため中を読んでいません。", "The attachment %q was not looked into: too large.", p.name())
		r.keep(into, p.file())
		return
	}
	if err := read(b, into, depth); err != nil {
		r.missed("添付「%s」は壊れているため中を読めません(%v)。", "The attachment %q is damaged and cannot be read (%v).", p.name(), err)
		r.findTokens(b)
		r.keep(into, p.file())
	}
}

func (r *reader) text(p part, into *Original) {
	b, whole := r.bytes(p, r.limits.Text)
	if !whole {
		r.missed("本文が長いため、初めの部分だけを読みました。", "A text is long: only its beginning was read.")
		r.spend(len(b))
	}
	label := p.params["charset"]
	if p.kind != "text/html" {
		s := decode(b, label)
		r.findTokens([]byte(s))
		r.addText(into, s)
		return
	}
	if m := metaSet.FindSubmatch(b[:min(len(b), 2048)]); label == "" && m != nil {
		label = string(m[1])
	}
	r.addHTML(into, decode(b, label))
}

// addText takes the first plain text as the mail's own; of both, the plain one counts.
func (r *reader) addText(into *Original, s string) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	r.addLinks(into, plainLinks(s, r.limits.Links))
	switch {
	case into.Text == "":
		into.Text = s
	case s != "" && len(into.Text)+len(s) < r.limits.Text && !strings.Contains(into.Text, s):
		into.Text += "\n\n" + s
	}
}

func (r *reader) addHTML(into *Original, source string) {
	r.findTokens([]byte(source))
	text, links := htmlText(source, r.limits.Links)
	r.addLinks(into, links)
	if into.Text == "" {
		into.Text = text
	}
}

// addLinks keeps each address once, with the first words that were seen with it.
func (r *reader) addLinks(into *Original, links []Link) {
	at := make(map[string]int, len(into.Links))
	for i, l := range into.Links {
		at[l.URL] = i
	}
	for _, l := range links {
		if i, ok := at[l.URL]; ok {
			into.Links[i].Text = cmp.Or(into.Links[i].Text, l.Text)
		} else if len(into.Links) < r.limits.Links {
			at[l.URL] = len(into.Links)
			into.Links = append(into.Links, l)
		}
	}
}

func (r *reader) attachment(p part, into *Original, depth int) {
	f := p.file()
	if isZip(p, f) {
		f.Inside = r.archive(p, depth)
	}
	if strings.HasPrefix(p.kind, "text/") && f.Size <= int64(r.limits.Text) { // an HTML attachment carries its link in clear
		if b, ok := r.bytes(p, r.limits.Text); ok {
			r.findTokens(b)
		}
	}
	r.keep(into, f)
}

func (r *reader) keep(into *Original, f File) {
	if len(into.Files) >= maxFiles {
		r.skipped++
		return
	}
	into.Files = append(into.Files, f)
}

func isZip(p part, f File) bool {
	return strings.HasSuffix(strings.ToLower(f.Name), ".zip") || p.kind == "application/zip" || p.kind == "application/x-zip-compressed"
}

// archive lists a zip's names, and reads the mails that are in it; nothing else is unpacked, whatever size it claims.
func (r *reader) archive(p part, depth int) []string {
	b, ok := r.bytes(p, maxArchive)
	if !ok {
		r.missed("添付「%s」は大きすぎるため中を見ていません。", "The attachment %q was not looked into: too large.", p.name())
		return nil
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		r.missed("添付「%s」はzipとして読めません。", "The attachment %q cannot be read as a zip.", p.name())
		return nil
	}
	var names []string
	for _, f := range z.File {
		if len(names) == maxInside {
			break
		}
		name := f.Name
		if f.NonUTF8 {
			name = decode([]byte(name), "cp932")
		}
		names = append(names, clean(name, 255))
		if low := strings.ToLower(name); f.Flags&1 == 0 && (strings.HasSuffix(low, ".eml") || strings.HasSuffix(low, ".msg")) {
			r.zipped(f, low, depth)
		}
	}
	return names
}

func (r *reader) zipped(f *zip.File, name string, depth int) {
	in, err := f.Open()
	if err != nil {
		return // its name is in the list
	}
	defer in.Close()
	most := min(maxArchive, r.left)
	b, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if len(b) > most || !r.spend(len(b)) {
		r.missed("zipの中の「%s」は大きすぎるため読んでいません。", "%q within a zip was not read: too large.", clean(name, 255))
		return
	}
	if err != nil {
		r.missed("zipの中の「%s」は壊れています。", "%q within a zip is damaged.", clean(name, 255))
	}
	if strings.HasSuffix(name, ".eml") {
		r.mail(b, EML, depth+1)
		return
	}
	if err := r.outlook(b, nil, depth+1); err != nil {
		r.missed("zipの中の「%s」は壊れています。", "%q within a zip is damaged.", clean(name, 255))
	}
}

// finish looks over what was put together.
func (r *reader) finish(o *Original) {
	r.findTokens([]byte(o.Subject))
	for _, l := range o.Links {
		r.findTokens([]byte(l.URL))
	}
	if o.Marker == "" {
		o.Marker = markerIn(o.Text)
	}
}
