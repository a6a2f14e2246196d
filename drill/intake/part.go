package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"regexp"
	"strings"
)

const (
	maxHead  = 256 << 10 // bytes of a header
	maxField = 16 << 10  // bytes of one field that are looked at
)

// head is a header that was read with forbearance: what is no field is left out.
type head struct {
	names, values []string // names in lower case, values unfolded, as they came
}

func (h head) get(name string) string {
	for i, n := range h.names {
		if strings.EqualFold(n, name) {
			return h.values[i]
		}
	}
	return ""
}

func (h head) all(name string) []string {
	var out []string
	for i, n := range h.names {
		if strings.EqualFold(n, name) {
			out = append(out, h.values[i])
		}
	}
	return out
}

// text is a field with its encoded words read.
func (h head) text(name string) string { return clean(words(h.get(name)), 2000) }

// part is one part of a mail; body is a piece of the raw mail, not a copy.
type part struct {
	head   head
	kind   string // media type in lower case; text/plain when there is none
	params map[string]string
	body   []byte
}

// split takes header and body apart.
func (r *reader) split(raw []byte) part {
	var h head
	var field []byte // the value of the last field, while it goes on
	flush := func() {
		if n := len(h.names); n > len(h.values) {
			h.values = append(h.values, strings.TrimSpace(string(field)))
		}
	}
	rest := raw
	for len(rest) > 0 && len(raw)-len(rest) < maxHead {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		text := bytes.TrimRight(line[:min(len(line), maxField)], "\r")
		if len(text) == 0 {
			rest = after
			break
		}
		name, value, colon := bytes.Cut(text, []byte{':'})
		name = bytes.TrimRight(name, " \t")
		switch {
		case text[0] == ' ' || text[0] == '\t':
			if len(h.names) > 0 && len(field) < maxField {
				field = append(append(field, ' '), bytes.TrimLeft(text, " \t")...)
			}
		case colon && fieldName(name):
			flush()
			h.names = append(h.names, strings.ToLower(string(name)))
			field = append(field[:0], value...)
		case len(h.names) == 0 && !bytes.HasPrefix(line, []byte("From ")): // no header at all: everything is body
			return part{body: raw, kind: "text/plain", params: map[string]string{}}
		}
		rest = after
	}
	flush()
	p := part{head: h, body: rest}
	p.kind, p.params = mediaType(h.get("Content-Type"))
	return p
}

func fieldName(s []byte) bool {
	if len(s) == 0 || len(s) > 100 {
		return false
	}
	for _, c := range s {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

var looseParam = regexp.MustCompile(`(?i)(?:^|[;\s])(boundary|charset|name|filename)\s*=\s*(?:"([^"]*)"?|([^\s;"]+))`)

// mediaType reads a Content-Type or Content-Disposition field, and what can be had of a malformed one.
func mediaType(s string) (string, map[string]string) {
	if strings.HasPrefix(s, "=?") { // some programs put the whole field into encoded words
		s = words(s)
	}
	kind, params, err := mime.ParseMediaType(s)
	if err == nil {
		return kind, params
	}
	kind, _, _ = strings.Cut(s, ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" || !strings.Contains(kind, "/") && kind != "attachment" && kind != "inline" {
		kind = "text/plain"
	}
	params = map[string]string{}
	for _, m := range looseParam.FindAllStringSubmatch(s, 20) {
		if k := strings.ToLower(m[1]); params[k] == "" {
			params[k] = m[2] + m[3]
		}
	}
	return kind, params
}

// name is the part's file name, "" when it has none.
func (p part) name() string {
	_, d := mediaType(p.head.get("Content-Disposition"))
	n := d["filename"]
	if n == "" {
		n = p.params["name"]
	}
	return fileName(words(n))
}

func (p part) attached() bool {
	kind, _ := mediaType(p.head.get("Content-Disposition"))
	return kind == "attachment"
}

// children cuts a multipart body at its boundary; a missing end, or a missing boundary parameter, is borne with.
func (p part) children() [][]byte {
	boundary := p.params["boundary"]
	if boundary == "" {
		boundary = guessBoundary(p.body)
	}
	if boundary == "" {
		return nil
	}
	mark := []byte("--" + boundary)
	var out [][]byte
	start, body := -1, p.body
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		next := at + end + 1
		if end < 0 {
			next = len(body)
		}
		if line := bytes.TrimRight(body[at:next], " \t\r\n"); bytes.HasPrefix(line, mark) {
			tail := line[len(mark):]
			if last := bytes.Equal(tail, []byte("--")); last || len(tail) == 0 {
				if start >= 0 {
					out = append(out, body[start:at])
				}
				start = next
				if last {
					return out
				}
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) {
		out = append(out, body[start:])
	}
	return out
}

func guessBoundary(body []byte) string {
	for line := range bytes.Lines(body[:min(len(body), 4096)]) {
		if s := strings.TrimRight(string(line), " \t\r\n"); strings.HasPrefix(s, "--") && len(s) > 2 && len(s) < 80 && !strings.Contains(s, " ") {
			return s[2:]
		}
	}
	return ""
}

// stream decodes the transfer encoding, and goes on over what does not belong there.
func (p part) stream() io.Reader {
	switch strings.ToLower(strings.TrimSpace(p.head.get("Content-Transfer-Encoding"))) {
	case "base64":
		return base64.NewDecoder(base64.RawStdEncoding, &onlyBase64{from: p.body})
	case "quoted-printable":
		return &unquoted{from: p.body}
	}
	return bytes.NewReader(p.body)
}

// bytes decodes the part into memory when there is room for it.
func (r *reader) bytes(p part, limit int) ([]byte, bool) {
	limit = min(limit, r.left)
	b, _ := io.ReadAll(io.LimitReader(p.stream(), int64(limit)+1)) // a damaged end leaves what came before it
	if len(b) > limit {
		return b[:limit], false
	}
	return b, r.spend(len(b))
}

// file describes an attachment; it is read once, and kept nowhere.
func (p part) file() File {
	sum := sha256.New()
	n, _ := io.Copy(sum, p.stream()) // a damaged end leaves what came before it
	return File{Name: p.name(), Type: clean(p.kind, 100), Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

// onlyBase64 passes on the letters of base64 and nothing else.
type onlyBase64 struct{ from []byte }

func (o *onlyBase64) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) && len(o.from) > 0 {
		if c := o.from[0]; c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			b[n] = c
			n++
		}
		o.from = o.from[1:]
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// unquoted undoes quoted-printable; what is malformed stays as it is.
type unquoted struct{ from []byte }

func (u *unquoted) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) && len(u.from) > 0 {
		c, used := u.from[0], 1
		if c == '=' {
			if v, err := hex.DecodeString(string(u.from[1:min(3, len(u.from))])); err == nil && len(v) == 1 {
				c, used = v[0], 3
			} else if soft, ok := softBreak(u.from[1:]); ok {
				u.from = u.from[1+soft:]
				continue
			}
		}
		b[n] = c
		n++
		u.from = u.from[used:]
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// softBreak is the length of the blanks and the line end behind an equals sign; at the very end of the text there need be none.
func softBreak(b []byte) (int, bool) {
	n := 0
	for n < len(b) && n < 80 && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r') {
		n++
	}
	if n < len(b) && b[n] == '\n' {
		return n + 1, true
	}
	return n, n == len(b)
}
