package web

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"kenshin/discover/internal/talk"
)

const (
	maxTokens = 20000     // tags of a page that are looked at
	maxTag    = 64 * 1024 // bytes of one tag or text
)

// content is what a page tells of the device.
type content struct {
	title     string
	generator string // <meta name="generator">
	password  bool   // the page asks for a password
}

// read looks through the page. The encoding is that of the header or the page's own declaration, else guessed.
func read(body []byte, contentType string) content {
	var c content
	encoding, _, certain := charset.DetermineEncoding(body, contentType)
	decode := func(b []byte) string {
		if !certain {
			return talk.Text(b)
		}
		if s, err := encoding.NewDecoder().Bytes(b); err == nil {
			return string(s)
		}
		return talk.Text(b)
	}
	z := html.NewTokenizer(bytes.NewReader(body))
	z.SetMaxBuf(maxTag)
	in, done := false, false // inside the first title; after it
	var title strings.Builder
	for range maxTokens {
		switch z.Next() {
		case html.ErrorToken:
			c.title = strings.Join(strings.Fields(title.String()), " ")
			return c
		case html.TextToken:
			if in && title.Len() < talk.MaxText {
				title.WriteString(html.UnescapeString(decode(z.Raw())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch a := atom.Lookup(name); a {
			case atom.Title:
				in = !done
			case atom.Meta, atom.Input:
				c.tag(a, attributes(z, more), decode)
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); in && atom.Lookup(name) == atom.Title {
				in, done = false, true
			}
		}
	}
	c.title = strings.Join(strings.Fields(title.String()), " ")
	return c
}

func (c *content) tag(a atom.Atom, attr map[string]string, decode func([]byte) string) {
	switch {
	case a == atom.Meta && strings.EqualFold(attr["name"], "generator"):
		c.generator = decode([]byte(attr["content"]))
	case a == atom.Input && strings.EqualFold(attr["type"], "password"):
		c.password = true
	}
}

// attributes reads the few that matter.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	m := make(map[string]string)
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		switch string(k) {
		case "name", "content", "type":
			m[string(k)] = string(v)
		}
	}
	return m
}
