package drill

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/mail"
	"strings"
	"time"

	"kenshin/drill/attachment"
	"kenshin/drill/internal/token"
	"kenshin/drill/letter"
	"kenshin/facility"
)

// lessonLink stands in a kept mail for the recipient's own link: tokens are nowhere stored.
const lessonLink = "{{LESSON-LINK}}"

// writer makes the mails of one drill, or those that are no drill's own.
type writer struct {
	book     *Book
	facility facility.ID
	name     string // of the facility
	settings Settings
	drill    Drill
	door     uint32
	from     string // the envelope's sender: bounces go there
	dkim     *letter.Key
	text     letter.Template
	html     letter.Template
	subject  letter.Template
}

func (b *Book) newWriter(ctx context.Context, f facility.ID, s Settings, d Drill) (*writer, error) {
	name, err := b.orgName(ctx, f, s)
	if err != nil {
		return nil, err
	}
	w := &writer{book: b, facility: f, name: name, settings: s, drill: d, from: "bounce@" + s.Domain}
	if w.door, err = b.Door(ctx, f); err != nil {
		return nil, err
	}
	if pem, err := b.secret(f, dkimPurpose, s.DKIM.Sealed); err != nil {
		return nil, err
	} else if pem != "" {
		key, err := letter.ParseKey([]byte(pem))
		if err != nil {
			return nil, err
		}
		w.dkim = &key
	}
	for text, to := range map[string]*letter.Template{d.Mail.Text: &w.text, d.Mail.HTML: &w.html, d.Mail.Subject: &w.subject} {
		if *to, err = letter.ParseTemplate(text); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// orgName is what mails call the hospital.
func (b *Book) orgName(ctx context.Context, f facility.ID, s Settings) (string, error) {
	if s.Org != "" {
		return s.Org, nil
	}
	fac, err := b.houses.Facility(ctx, f)
	return fac.Name, err
}

// link is the address that carries one signal of one recipient.
func (w *writer) link(key []byte, target string, s Signal) string {
	return strings.TrimRight(w.settings.Base, "/") + "/" + token.Derive(w.door, key, target+"/"+string(s)).String()
}

// write makes one mail as it goes out, with its Message-ID, which stays the same however often it is made.
func (w *writer) write(p parcel) (raw []byte, id string, err error) {
	if p.Kind != "drill" && p.Kind != kindTest {
		return w.plain(p)
	}
	ctx := context.Background()
	key, err := w.book.tokenKey(ctx, w.facility, p.Drill)
	if err != nil {
		return nil, "", err
	}
	draft, err := w.draft(p.To, key)
	if err != nil {
		return nil, "", err
	}
	raw, err = w.seal(draft, markerKey(key))
	return raw, draft.MessageID, err
}

func (w *writer) draft(t Target, key []byte) (letter.Draft, error) {
	m := w.drill.Mail
	fields := letter.Fields{Surname: t.Surname, Given: t.Given, Department: t.Department, Email: t.Address, Facility: w.name}
	if m.Link || w.drill.Mode == Course {
		fields.Link = w.link(key, t.ID, Visited)
	}
	from := mail.Address{Name: m.FromName, Address: m.FromLocal + "@" + w.settings.Domain}
	d := letter.Draft{From: from, To: mail.Address{Name: t.Name(), Address: t.Address}, Charset: letter.Charset(m.Charset), Date: w.book.now(),
		MessageID: letter.MessageID(w.drill.ID+"/"+t.ID, from), Marker: letter.Marker{Org: w.name, Drill: w.drill.ID, Contact: w.settings.Contact}}
	if m.QR {
		picture, err := attachment.QR(w.link(key, t.ID, Scanned))
		if err != nil {
			return d, err
		}
		fields.QR, picture.ContentID = "qr", "qr"
		d.Inline = append(d.Inline, picture)
	}
	var err error
	if d.Subject, err = w.subject.Fill(fields, false); err != nil {
		return d, err
	}
	if d.Text, err = w.text.Fill(fields, false); err != nil {
		return d, err
	}
	if d.HTML, err = w.html.Fill(fields, true); err != nil {
		return d, err
	}
	if d.HTML != "" {
		if w.drill.Mode != ReportOnly {
			d.HTML = letter.Honeypot(d.HTML, w.link(key, t.ID, Honeypot))
		}
		d.HTML = letter.Image(d.HTML, w.link(key, t.ID, Opened)+".gif")
	}
	if m.Attachment != "" {
		link := w.link(key, t.ID, Attached)
		file, err := attachment.Make(attachment.Kind(m.Attachment), m.FileName, attachment.Content{Title: clip(d.Subject, 99), Paragraphs: paragraphs(d.Text),
			Beacon: link + ".gif", Link: link, When: w.book.now().AddDate(0, 0, 7).Truncate(time.Hour)})
		if err != nil {
			return d, err
		}
		d.Files = append(d.Files, file)
	}
	return d, nil
}

// paragraphs are the lines of a text, as a document has them; only a part of a long one.
func paragraphs(text string) (out []string) {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && !strings.Contains(l, "://") && len(out) < 12 { // the mail's own link is another signal
			out = append(out, clip(l, 300))
		}
	}
	return out
}

// plain makes a mail that is no drill's own.
func (w *writer) plain(p parcel) (raw []byte, id string, err error) {
	var m plainMail
	if err := unmarshal(p.Content, &m); err != nil {
		return nil, "", err
	}
	key := make([]byte, 32)
	if p.Drill != "" {
		if key, err = w.book.tokenKey(context.Background(), w.facility, p.Drill); err != nil {
			return nil, "", err
		}
		link := w.link(key, p.Target, Lesson)
		m.Text, m.HTML = strings.ReplaceAll(m.Text, lessonLink, link), strings.ReplaceAll(m.HTML, lessonLink, link)
	}
	from := mail.Address{Name: "Kenshin（ネットワーク健診）", Address: "kenshin@" + w.settings.Domain}
	d := letter.Draft{From: from, To: mail.Address{Address: m.To}, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: w.book.now(),
		MessageID: letter.MessageID(p.ID, from), Marker: letter.Marker{Org: w.name, Drill: "notice", Contact: w.settings.Contact}}
	raw, err = w.seal(d, markerKey(key))
	return raw, d.MessageID, err
}

// seal writes a mail and signs it with our own key, if there is one.
func (w *writer) seal(d letter.Draft, key []byte) ([]byte, error) {
	raw, err := d.Compose(key)
	if err != nil || w.dkim == nil {
		return raw, err
	}
	return letter.Sign(raw, w.settings.Domain, w.settings.DKIM.Selector, *w.dkim)
}

// markerKey seals the marker of a drill's mails; a report of the mail is recognised by it.
func markerKey(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("marker"))
	return mac.Sum(nil)
}
