package preflight

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"

	"kenshin/fault"
)

const (
	maxMail  = 50 << 20
	maxParts = 200
	maxDepth = 10
)

// part is one leaf of a mail.
type part struct {
	kind    string // text/plain
	name    string
	cid     string
	charset string
	file    bool // an attachment rather than body or an inline picture
	data    []byte
	text    string // of text/*, in UTF-8
}

type message struct {
	header  mail.Header
	subject string
	parts   []part
}

// parseMail takes a mail apart. It is tolerant: what cannot be decoded is kept as it is, since a filter may have broken it and that is the finding.
func parseMail(raw []byte, whose string) (*message, error) {
	if len(raw) > maxMail {
		return nil, fault.Newf(fault.TooLarge, "メールが大きすぎます(%d MB まで)。", "The mail is too large (up to %d MB).", maxMail>>20)
	}
	m, err := mail.ReadMessage(bytes.NewReader(bytes.TrimLeft(raw, "\ufeff\r\n")))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%s mail: %w", whose, err), "メールとして読めません。メールを .eml で保存したものを渡してください。", "This cannot be read as a mail. Give the mail saved as .eml.")
	}
	out := &message{header: m.Header, subject: decodeWords(m.Header.Get("Subject"))}
	if err := out.walk(textproto.MIMEHeader(m.Header), m.Body, 0); err != nil {
		return nil, err
	}
	return out, nil
}

func (m *message) walk(h textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = strings.ToLower(strings.TrimSpace(strings.SplitN(h.Get("Content-Type"), ";", 2)[0]))
		if !strings.Contains(kind, "/") {
			kind = "text/plain"
		}
	}
	if len(m.parts) >= maxParts || depth > maxDepth {
		return fault.New(fault.TooLarge, "メールの部品が多すぎるか、入れ子が深すぎます。", "The mail has too many parts, or they are nested too deep.")
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err != nil { // the end, or a multipart that was cut off: what was read counts
				return nil
			}
			if err := m.walk(p.Header, p, depth+1); err != nil {
				return err
			}
		}
	}
	m.leaf(h, kind, params, body)
	return nil
}

func (m *message) leaf(h textproto.MIMEHeader, kind string, params map[string]string, body io.Reader) {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	data, _ := io.ReadAll(io.LimitReader(body, maxMail)) // what a broken encoding still gave
	p := part{kind: kind, data: data, charset: strings.ToLower(params["charset"]), cid: strings.Trim(strings.TrimSpace(h.Get("Content-Id")), "<>")}
	disposition, dp, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil {
		disposition, dp = "", nil
	}
	if p.name = decodeWords(dp["filename"]); p.name == "" {
		p.name = decodeWords(params["name"])
	}
	p.file = disposition == "attachment" || p.name != "" && p.cid == "" || !strings.HasPrefix(kind, "text/") && p.cid == ""
	if strings.HasPrefix(kind, "text/") && !p.file {
		p.text = toUTF8(data, p.charset)
	}
	m.parts = append(m.parts, p)
}

func toUTF8(data []byte, charset string) string {
	if r, err := charsetReader(charset, bytes.NewReader(data)); err == nil {
		if b, err := io.ReadAll(r); err == nil {
			return strings.ToValidUTF8(string(b), "\ufffd")
		}
	}
	return strings.ToValidUTF8(string(data), "\ufffd")
}

// charsetReader decodes what mails name: the standard names, and those of Japanese programs.
func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	switch charset = strings.ToLower(strings.TrimSpace(charset)); charset {
	case "", "us-ascii", "utf-8", "utf8":
		return r, nil
	case "iso-2022-jp-ms", "cp50220", "cp50221", "csiso2022jp", "iso-2022-jp-1":
		return transform.NewReader(r, japanese.ISO2022JP.NewDecoder()), nil
	case "cp932", "windows-31j", "x-sjis", "ms932":
		return transform.NewReader(r, japanese.ShiftJIS.NewDecoder()), nil
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return transform.NewReader(r, e.NewDecoder()), nil
}

// page is what stands in an HTML body.
type page struct {
	links, images []string
	text          string
}

func readHTML(s string) page {
	var p page
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	hidden := 0
	for {
		switch t := z.Next(); t {
		case html.ErrorToken:
			p.text = b.String()
			return p
		case html.TextToken:
			if hidden == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			switch tok.Data {
			case "style", "script", "title":
				if t == html.StartTagToken {
					hidden++
				} else if t == html.EndTagToken {
					hidden = max(0, hidden-1)
				}
			case "a", "area":
				p.links = appendAttr(p.links, tok, "href")
			case "img":
				p.images = appendAttr(p.images, tok, "src")
			case "br", "p", "div", "tr", "td", "li", "h1", "h2", "h3", "table":
				b.WriteByte('\n')
			}
		}
	}
}

func appendAttr(list []string, tok html.Token, name string) []string {
	for _, a := range tok.Attr {
		if a.Key == name && a.Val != "" && len(list) < 1000 {
			return append(list, strings.TrimSpace(a.Val))
		}
	}
	return list
}
