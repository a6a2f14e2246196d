package letter

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads ISO-2022-JP, Shift_JIS and others
	"github.com/emersion/go-message/mail"

	"kenshin/fault"
)

// View is a mail as its reader sees it.
type View struct {
	Subject, From, To, ReplyTo string // addresses as: name <address>
	Date                       time.Time
	Charset                    string // of the text, as the mail says
	Text, HTML                 string
	Inline                     []File // pictures of the HTML; ContentID is what its cid: links say
	Files                      []File
	Bytes                      int // the mail's size
}

const (
	maxView  = 30 << 20
	maxParts = 100
)

// Preview decodes a mail for the compose screen and for comparing what was delivered. It takes what other systems have rewritten, up to
// 30 MB and 100 parts; errors say that it is no mail at all.
func Preview(raw []byte) (View, error) {
	if len(raw) > maxView {
		return View{}, fault.Newf(fault.TooLarge, "メールが大きすぎます(%[1]d MBまで)。", "The mail is too large (up to %[1]d MB).", maxView>>20)
	}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) {
		return View{}, fault.Wrap(fault.Invalid, err, "メールとして読めません。", "This cannot be read as a mail.")
	}
	v := View{Bytes: len(raw), From: addresses(r.Header, "From"), To: addresses(r.Header, "To"), ReplyTo: addresses(r.Header, "Reply-To")}
	if v.Subject, err = r.Header.Subject(); err != nil {
		v.Subject = r.Header.Get("Subject")
	}
	v.Date, _ = r.Header.Date()
	for range maxParts {
		p, err := r.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return v, nil
		case message.IsUnknownCharset(err):
		case err != nil:
			return v, fault.Wrap(fault.Invalid, err, "メールの途中が壊れています。", "The mail is damaged.")
		}
		body, err := io.ReadAll(p.Body)
		if err != nil {
			return v, fault.Wrap(fault.Invalid, err, "メールの途中が壊れています。", "The mail is damaged.")
		}
		v.add(p.Header, body)
	}
	return v, nil
}

func (v *View) add(h mail.PartHeader, body []byte) {
	kind, params := contentType(h)
	attached, isAttachment := h.(*mail.AttachmentHeader)
	if !isAttachment && (kind == "text/plain" && v.Text == "" || kind == "text/html" && v.HTML == "") {
		if v.Charset == "" {
			v.Charset = strings.ToLower(params["charset"])
		}
		text := lf(strings.ToValidUTF8(string(body), "\uFFFD"))
		if kind == "text/html" {
			v.HTML = text
		} else {
			v.Text = text
		}
		return
	}
	f := File{Type: kind, ContentID: strings.Trim(h.Get("Content-Id"), "<> "), Body: body, Name: params["name"]}
	if isAttachment {
		if name, err := attached.Filename(); err == nil && name != "" {
			f.Name = name
		}
		v.Files = append(v.Files, f)
		return
	}
	v.Inline = append(v.Inline, f)
}

func contentType(h mail.PartHeader) (string, map[string]string) {
	t, ok := h.(interface {
		ContentType() (string, map[string]string, error)
	})
	if !ok {
		return "application/octet-stream", nil
	}
	kind, params, err := t.ContentType()
	if err != nil || kind == "" {
		return "text/plain", params
	}
	return strings.ToLower(kind), params
}

func addresses(h mail.Header, name string) string {
	list, err := h.AddressList(name)
	if err != nil {
		text, _ := h.Text(name)
		return text
	}
	var all []string
	for _, a := range list {
		if a.Name == "" {
			all = append(all, a.Address)
		} else {
			all = append(all, a.Name+" <"+a.Address+">")
		}
	}
	return strings.Join(all, ", ")
}
