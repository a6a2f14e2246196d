package letter

import (
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
)

// Fields are what a placeholder of one recipient's mail stands for.
type Fields struct {
	Surname, Given, Reading, Department, Email string
	Facility                                   string // the hospital's name
	Link                                       string // the recipient's own address of the landing page; "" when the drill has none
	QR                                         string // the ContentID of the QR picture; "" when the drill has none
}

// Name is one placeholder: how it is written in Japanese and in English, and what it stands for.
type Name struct {
	Ja, En string
	Means  i18n.Text
}

// Names lists the placeholders for the compose screen.
func Names() []Name {
	return []Name{
		{"姓", "surname", i18n.Text{Ja: "受信者の姓", En: "the recipient's surname"}},
		{"名", "given", i18n.Text{Ja: "受信者の名", En: "the recipient's given name"}},
		{"氏名", "name", i18n.Text{Ja: "受信者の姓と名", En: "surname and given name"}},
		{"読み", "reading", i18n.Text{Ja: "氏名の読み", En: "how the name is read"}},
		{"部署", "department", i18n.Text{Ja: "受信者の部署", En: "the recipient's department"}},
		{"メール", "email", i18n.Text{Ja: "受信者のメールアドレス", En: "the recipient's mail address"}},
		{"施設", "facility", i18n.Text{Ja: "病院の名前", En: "the hospital's name"}},
		{"リンク", "link", i18n.Text{Ja: "受信者ごとのリンク", En: "the recipient's own link"}},
		{"QR", "qr", i18n.Text{Ja: "受信者ごとのリンクのQRコード(HTMLだけ)", En: "the recipient's own link as a QR code (HTML only)"}},
	}
}

// Template is a subject or a body whose placeholders have been found. It only ever copies text: no expression, no code.
type Template struct {
	text  string
	holes []hole
}

type hole struct {
	name       string // the English name
	start, end int    // in bytes, braces included
}

const maxTemplate = 1 << 20

// ParseTemplate finds the placeholders of a text: {{姓}} or {{surname}}, spaces inside and full-width braces allowed. An unknown or
// unclosed one is an error with its line and character.
func ParseTemplate(text string) (Template, error) {
	if len(text) > maxTemplate {
		return Template{}, fault.Newf(fault.TooLarge, "本文が長すぎます(%[1]d KBまで)。短くしてください。", "The text is too long (up to %[1]d KB). Shorten it.", maxTemplate>>10)
	}
	t := Template{text: text}
	for at := 0; ; {
		open, n := braces(text[at:], "{{", "｛｛")
		if open < 0 {
			return t, nil
		}
		start := at + open
		shut, m := braces(text[start+n:], "}}", "｝｝")
		inside := text[start+n:]
		if shut >= 0 {
			inside = inside[:shut]
		}
		line, column := place(text, start)
		if again, _ := braces(inside, "{{", "｛｛"); shut < 0 || again >= 0 || strings.Contains(inside, "\n") {
			return Template{}, fault.Newf(fault.Invalid, "%[1]d行%[2]d文字目の「{{」が閉じられていません。「}}」を付けてください。",
				"The braces at line %[1]d, character %[2]d are not closed. Add }}.", line, column)
		}
		name, ok := known(strings.TrimFunc(inside, unicode.IsSpace))
		if !ok {
			return Template{}, fault.Newf(fault.Invalid, "%[1]d行%[2]d文字目の「{{%[3]s}}」は使えません。使えるのは%[4]sです。",
				"Line %[1]d, character %[2]d: there is no {{%[3]s}}. Known are %[5]s.", line, column, clip(inside), list(true), list(false))
		}
		at = start + n + shut + m
		t.holes = append(t.holes, hole{name, start, at})
	}
}

// braces finds the first of two spellings and its length in bytes.
func braces(s, narrow, wide string) (at, length int) {
	i, j := strings.Index(s, narrow), strings.Index(s, wide)
	if i >= 0 && (j < 0 || i < j) {
		return i, len(narrow)
	}
	return j, len(wide)
}

func known(name string) (string, bool) {
	for _, n := range Names() {
		if name == n.Ja || strings.EqualFold(name, n.En) {
			return n.En, true
		}
	}
	return "", false
}

func list(ja bool) string {
	var s []string
	for _, n := range Names() {
		if ja {
			s = append(s, "{{"+n.Ja+"}}")
		} else {
			s = append(s, "{{"+n.En+"}}")
		}
	}
	return strings.Join(s, " ")
}

func clip(s string) string {
	if utf8.RuneCountInString(s) > 20 {
		return string([]rune(s)[:20]) + "…"
	}
	return s
}

// Uses says whether a placeholder, by its English name, occurs.
func (t Template) Uses(name string) bool {
	for _, h := range t.holes {
		if h.name == name {
			return true
		}
	}
	return false
}

// Fill puts one recipient's fields in. In HTML every value is escaped; line ends and control characters of a value become spaces.
// A link or QR placeholder of a mail that has none is an error with its place.
func (t Template) Fill(f Fields, asHTML bool) (string, error) {
	var b strings.Builder
	b.Grow(len(t.text) + 64*len(t.holes))
	at := 0
	for _, h := range t.holes {
		b.WriteString(t.text[at:h.start])
		at = h.end
		v := f.value(h.name)
		switch {
		case v == "" && (h.name == "link" || h.name == "qr"):
			line, column := place(t.text, h.start)
			return "", fault.Newf(fault.Invalid, "%[1]d行%[2]d文字目: この訓練にはリンクもQRコードもないので「%[3]s」を使えません。",
				"Line %[1]d, character %[2]d: this drill has nothing to put in for %[3]s.", line, column, t.text[h.start:h.end])
		case h.name == "qr" && asHTML:
			fmt.Fprintf(&b, `<img src="cid:%s" alt="QR" width="180" height="180">`, html.EscapeString(v))
		case h.name == "qr": // a text has no pictures
		case asHTML:
			b.WriteString(html.EscapeString(plain(v)))
		default:
			b.WriteString(plain(v))
		}
	}
	b.WriteString(t.text[at:])
	return b.String(), nil
}

// Fill is ParseTemplate and Template.Fill at once.
func Fill(template string, f Fields, asHTML bool) (string, error) {
	t, err := ParseTemplate(template)
	if err != nil {
		return "", err
	}
	return t.Fill(f, asHTML)
}

func (f Fields) value(name string) string {
	switch name {
	case "surname":
		return f.Surname
	case "given":
		return f.Given
	case "name":
		return strings.TrimSpace(f.Surname + " " + f.Given)
	case "reading":
		return f.Reading
	case "department":
		return f.Department
	case "email":
		return f.Email
	case "facility":
		return f.Facility
	case "link":
		return f.Link
	case "qr":
		return f.QR
	}
	return ""
}

// plain keeps a value on its line and free of characters that turn the writing direction.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case bidi(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// bidi are the characters that make a text look other than it is (UAX 9).
func bidi(r rune) bool {
	return r == '\u200e' || r == '\u200f' || r == '\u061c' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Image puts a picture of one pixel at the end of an HTML body; that it was fetched tells that the mail was opened.
func Image(body, src string) string {
	return beforeEnd(body, `<img src="`+html.EscapeString(src)+`" alt="" width="1" height="1">`)
}

// Honeypot puts a link at the end of an HTML body that a program follows and a person cannot see.
func Honeypot(body, href string) string {
	return beforeEnd(body, `<div style="max-height:0;overflow:hidden"><a href="`+html.EscapeString(href)+`" tabindex="-1" aria-hidden="true"></a></div>`)
}

func beforeEnd(body, more string) string {
	for _, end := range []string{"</body>", "</BODY>", "</html>", "</HTML>"} {
		if i := strings.LastIndex(body, end); i >= 0 {
			return body[:i] + more + body[i:]
		}
	}
	return body + more
}
