// Package body reads the HTML of a mail as a person sees it: text without tags, and links with what they say and where they go.
package body

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Plain is the visible text of an HTML body; places in it can be followed back to the source.
type Plain struct {
	Text  string
	Links []Link
	runs  []run
}

// Link is one <a href>: Label is Text[Start:End].
type Link struct {
	Label, Href string
	Start, End  int
}

// run is a stretch of text that came from one stretch of source.
type run struct {
	at, n      int // in Text
	src, srcTo int
	exact      bool // source and text are the same bytes
}

// Read takes the visible text of an HTML source. Anything is accepted: what is no HTML is text.
func Read(src string) Plain {
	r := reader{z: html.NewTokenizer(strings.NewReader(src))}
	for {
		t := r.z.Next()
		raw := len(r.z.Raw())
		if t == html.ErrorToken {
			r.text(string(r.z.Raw())) // an unfinished tag at the end is shown as nothing by browsers, but never hide it from a check
			break
		}
		r.token(t, raw)
		r.pos += raw
	}
	r.closeLink()
	return Plain{Text: r.b.String(), Links: r.links, runs: r.runs}
}

type reader struct {
	z     *html.Tokenizer
	b     strings.Builder
	pos   int // in the source
	links []Link
	runs  []run
	href  string
	from  int
	open  bool
	skip  int
	pre   int
}

func (r *reader) token(t html.TokenType, _ int) {
	switch t {
	case html.TextToken:
		if r.skip == 0 {
			r.text(string(r.z.Raw()))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		r.start(r.z.Token(), t == html.SelfClosingTagToken)
	case html.EndTagToken:
		r.end(r.z.Token())
	}
}

func (r *reader) start(tok html.Token, selfClosing bool) {
	switch a := tok.DataAtom; {
	case a == atom.Br || a == atom.Hr:
		r.newline()
	case hidden(a) && !selfClosing:
		r.skip++
	case a == atom.Pre:
		r.pre++
		r.block()
	case a == atom.A:
		r.closeLink()
		for _, at := range tok.Attr {
			if at.Key == "href" {
				r.open, r.href, r.from = true, at.Val, r.b.Len()
			}
		}
		if slices.ContainsFunc(tok.Attr, func(at html.Attribute) bool { return at.Key == "aria-hidden" && at.Val == "true" }) {
			r.open = false // nobody sees it
		}
	case a == atom.Td || a == atom.Th:
		if s := r.b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			r.b.WriteByte(' ')
		}
	case blocky(a):
		r.block()
	}
}

func (r *reader) end(tok html.Token) {
	switch a := tok.DataAtom; {
	case hidden(a):
		r.skip = max(0, r.skip-1)
	case a == atom.Pre:
		r.pre = max(0, r.pre-1)
		r.block()
	case a == atom.A:
		r.closeLink()
	case blocky(a):
		r.block()
	}
}

func (r *reader) closeLink() {
	if r.open {
		r.links = append(r.links, Link{Label: strings.TrimSpace(r.b.String()[r.from:]), Href: r.href, Start: r.from, End: r.b.Len()})
	}
	r.open = false
}

func (r *reader) text(raw string) {
	s := html.UnescapeString(raw)
	if r.pre == 0 && strings.ContainsAny(s, "\r\n\t") { // white space of the source is not a line of the page
		if strings.TrimSpace(s) == "" {
			return
		}
	}
	if s == "" {
		return
	}
	r.runs = append(r.runs, run{at: r.b.Len(), n: len(s), src: r.pos, srcTo: r.pos + len(raw), exact: s == raw})
	r.b.WriteString(s)
}

func (r *reader) newline() { r.b.WriteByte('\n') }

func (r *reader) block() {
	if s := r.b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		r.b.WriteByte('\n')
	}
}

// Source follows a place in Text back to the HTML source: to the byte where the text stands there as it is, else to the whole stretch
// with the escapes.
func (p Plain) Source(start, end int) (int, int) {
	end = max(start, end)
	from, to := -1, -1
	for _, r := range p.runs {
		if r.at+r.n <= start || r.at >= end {
			continue
		}
		a, b := r.src, r.srcTo
		if r.exact {
			a, b = r.src+max(0, start-r.at), r.src+min(r.n, end-r.at)
		}
		if from < 0 {
			from = a
		}
		to = b
	}
	if from < 0 {
		return 0, 0
	}
	return from, to
}

func hidden(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Noscript, atom.Textarea, atom.Iframe:
		return true
	}
	return false
}

func blocky(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Table, atom.Tr, atom.Ul, atom.Ol, atom.Li, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Blockquote, atom.Center, atom.Body, atom.Section, atom.Header, atom.Footer, atom.Dl, atom.Dt, atom.Dd, atom.Address:
		return true
	}
	return false
}
