package intake

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"

	"kenshin/jp"
)

// encodingOf finds an encoding by the names that mail programs give it; nil when nobody knows it.
func encodingOf(name string) encoding.Encoding {
	switch name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"'`)); name {
	case "":
		return nil
	case "cp932", "windows-31j", "ms932", "x-sjis", "sjis", "shift_jis", "shift-jis", "x-ms-cp932":
		return japanese.ShiftJIS
	case "iso-2022-jp", "iso-2022-jp-ms", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "cp50220", "cp50221", "jis":
		return japanese.ISO2022JP
	case "eucjp", "euc-jp", "x-euc-jp", "eucjp-ms", "eucjp-win", "cp51932":
		return japanese.EUCJP
	}
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil {
		return e
	}
	return nil
}

// decode makes text of bytes: by the label where it fits, else by what the bytes look like, and at worst with marks in place of what is lost.
func decode(b []byte, label string) string {
	if e := encodingOf(label); e != nil && !(bytes.Contains(b, []byte("\x1b$")) && e != japanese.ISO2022JP) {
		if out, err := e.NewDecoder().Bytes(b); err == nil && (!bytes.ContainsRune(out, utf8.RuneError) || !isUTF8(label) && !looksJapanese(b)) {
			return string(out)
		}
	}
	if bytes.Contains(b, []byte("\x1b$")) {
		if out, err := japanese.ISO2022JP.NewDecoder().Bytes(b); err == nil {
			return string(out)
		}
	}
	if s, _, err := jp.Decode(b); err == nil {
		return s
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func isUTF8(label string) bool { return strings.EqualFold(strings.ReplaceAll(label, "-", ""), "utf8") }

func looksJapanese(b []byte) bool {
	_, _, err := jp.Decode(b)
	return err == nil
}

// words reads encoded words (RFC 2047) in any of the encodings above, and raw bytes that should not be there.
func words(s string) string {
	d := mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
		e := encodingOf(charset)
		if e == nil {
			return nil, errors.New("unknown charset")
		}
		b, err := io.ReadAll(io.LimitReader(in, maxField))
		return strings.NewReader(decode(b, charset)), err
	}}
	if !utf8.ValidString(s) || strings.Contains(s, "\x1b$") {
		s = decode([]byte(s), "")
	}
	out, err := d.DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}

// clean takes control characters out and cuts at whole characters.
func clean(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most]
	}
	s = jp.Clean(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func fileName(s string) string {
	if s = strings.Trim(strings.ReplaceAll(strings.TrimSpace(s), `\`, "/"), "/\x00"); s == "" {
		return ""
	}
	return clean(path.Base(s), 255)
}

var (
	plainLink = regexp.MustCompile(`(?i)\b(?:https?|ftp)://[^\s<>"'」』）】。、]+`)
	metaSet   = regexp.MustCompile(`(?i)charset\s*=\s*["']?([\w-]+)`)
)

const maxLink = 2000 // bytes of a link that are kept

// plainLinks are the links of a text.
func plainLinks(text string, most int) []Link {
	var out []Link
	for _, u := range plainLink.FindAllString(text, most) {
		out = append(out, Link{URL: clean(u, maxLink)})
	}
	return out
}

// htmlText makes plain text of HTML, line by line as it would be shown, with the links and the words that they stand behind.
func htmlText(source string, most int) (string, []Link) {
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(1 << 20)
	var b strings.Builder
	var links []Link
	open, from, hidden := -1, 0, 0
	add := func(u string) {
		if u = clean(strings.TrimSpace(u), maxLink); u != "" && len(links) < most && !strings.HasPrefix(u, "#") && !strings.HasPrefix(strings.ToLower(u), "data:") {
			links = append(links, Link{URL: u})
		}
	}
	closeLink := func() {
		if open >= 0 {
			links[open].Text = clean(b.String()[from:], 300)
			open = -1
		}
	}
	for {
		switch z.Next() {
		case html.ErrorToken:
			closeLink()
			return tidyLines(b.String()), links
		case html.TextToken:
			if hidden == 0 {
				b.WriteString(strings.Map(func(r rune) rune {
					if r == '\n' || r == '\r' || r == '\t' {
						return ' '
					}
					return r
				}, string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			switch tag {
			case "script", "style", "title":
				hidden++
			case "br", "p", "div", "tr", "li", "h1", "h2", "h3", "hr", "table", "blockquote":
				b.WriteByte('\n')
			}
			if tag == "a" {
				closeLink()
			}
			before := len(links)
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				if key := string(k); key == "href" || key == "src" || key == "action" || key == "background" {
					add(string(v))
				}
			}
			if tag == "a" && len(links) > before {
				open, from = before, b.Len()
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "script", "style", "title":
				hidden = max(0, hidden-1)
			case "p", "div", "tr", "table", "blockquote":
				b.WriteByte('\n')
			case "a":
				closeLink()
			}
		}
	}
}

var manyBlankLines = regexp.MustCompile(`\n{3,}`)

func tidyLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\u00a0", " "), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.TrimSpace(manyBlankLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
