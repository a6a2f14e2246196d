package scenario

import (
	"html"
	"regexp"
	"strings"
)

// linkWords is [[the words of a link]] in a body.
var linkWords = regexp.MustCompile(`\[\[([^\[\]\n]{1,200})\]\]`)

// finish makes Text and HTML from Body where the file did not give them.
func (m *Mail) finish(brand string) {
	m.own.text, m.own.html = m.Text != "", m.HTML != ""
	if m.Text == "" {
		m.Text = plainText(m.Body)
	}
	if m.HTML == "" && m.Body != "" {
		m.HTML = page(m.Look, brand, m.Body)
		if m.Attachment != nil && m.Attachment.Kind == "qr" { // shown in the mail too; package letter puts the picture there
			m.HTML += "<p>{{QR}}</p>\n"
		}
	}
}

// plainText writes a link as its words and the address on the next line.
func plainText(body string) string {
	return strings.TrimRight(linkWords.ReplaceAllString(body, "$1\n"+LinkHole), "\n") + "\n"
}

const (
	font   = "font-family:'Yu Gothic',Meiryo,sans-serif;font-size:14px;line-height:1.7;color:#222222"
	button = "display:inline-block;padding:10px 24px;background-color:#1f5f8b;color:#ffffff;text-decoration:none;border-radius:4px"
)

func page(look Look, brand, body string) string {
	linkStyle := ""
	if look == Card {
		linkStyle = ` style="` + button + `"`
	}
	inner := paragraphs(body, linkStyle)
	b := html.EscapeString(brand)
	switch look {
	case Letterhead:
		inner = `<table width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td style="background-color:#1f5f8b;color:#ffffff;padding:8px 16px;font-weight:bold">` +
			b + `</td></tr></table>` + "\n" + `<div style="padding:16px">` + "\n" + inner + `</div>` + "\n"
	case Card:
		inner = `<div style="max-width:600px;border:1px solid #cccccc;padding:24px">` + "\n" + `<p style="font-size:18px;font-weight:bold;color:#1f5f8b">` + b + `</p>` + "\n" + inner + `</div>` + "\n"
	case Notice:
		inner = `<div style="background-color:#f4f4f4;padding:16px">` + "\n" + inner + `<p style="font-size:12px;color:#555555">` + b + `</p>` + "\n" + `</div>` + "\n"
	}
	return `<div style="` + font + `">` + "\n" + inner + "</div>\n"
}

func paragraphs(body, linkStyle string) string {
	var out strings.Builder
	for _, p := range strings.Split(strings.Trim(body, "\n"), "\n\n") {
		p = html.EscapeString(strings.Trim(p, "\n"))
		p = linkWords.ReplaceAllString(p, `<a href="`+LinkHole+`"`+linkStyle+`>$1</a>`)
		out.WriteString("<p>" + strings.ReplaceAll(p, "\n", "<br>\n") + "</p>\n")
	}
	return out.String()
}
