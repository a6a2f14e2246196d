package letter

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"kenshin/drill/internal/part"
)

// node is a MIME entity of RFC 2045: its own fields and its body, ready to be written.
type node struct {
	fields header
	body   bytes.Buffer
}

// fromLine is what some mailboxes put ">" before, which would break the signature.
var fromLine = regexp.MustCompile(`(?m)^From `)

// textNode is one text part. It stays 7bit as long as all lines are within 78 bytes, else it is quoted-printable, or base64 where most
// of it is not ASCII; nothing ever relies on 8BITMIME.
func textNode(subtype, text string, c Charset) *node {
	raw := bytes.ReplaceAll(c.lines(text), []byte("\n"), []byte("\r\n"))
	n := &node{}
	n.fields.field("Content-Type", "text/"+subtype+"; charset="+c.label())
	long := false
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		long = long || len(line) > 78 || bytes.HasPrefix(line, []byte("From "))
	}
	wide := 0
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			wide++
		}
	}
	switch {
	case !long && (c == ISO2022JP || wide == 0):
		n.fields.field("Content-Transfer-Encoding", "7bit")
		n.body.Write(raw)
	case wide*6 < len(text):
		n.fields.field("Content-Transfer-Encoding", "quoted-printable")
		var quoted bytes.Buffer
		w := quotedprintable.NewWriter(&quoted)
		_, _ = w.Write(raw) // into memory: cannot fail
		_ = w.Close()
		n.body.Write(fromLine.ReplaceAll(quoted.Bytes(), []byte("=46rom =\r\n")))
	default:
		n.fields.field("Content-Transfer-Encoding", "base64")
		writeBase64(&n.body, raw)
	}
	return n
}

// lines encodes a text line by line, so that ISO-2022-JP is back in ASCII at each line end; the last line has its end.
func (c Charset) lines(text string) []byte {
	text = strings.TrimSuffix(text, "\n")
	if c != ISO2022JP {
		return append([]byte(text), '\n')
	}
	w := jisWriter{out: make([]byte, 0, len(text)+len(text)/8)}
	for _, r := range unify(text) + "\n" {
		w.rune(r) // a line end is ASCII, which ends two-byte mode
	}
	return w.out
}

// fileNode is an attachment or a picture in the text. Its name stands in RFC 2231 form in the disposition and as encoded-words in the
// type, which is what older Japanese mailers read.
func fileNode(f part.File, cid string, c Charset) *node {
	n := &node{}
	n.fields.field("Content-Type", append(words(f.Type+";"), legacyName(f.Name, c)...)...)
	n.fields.field("Content-Transfer-Encoding", "base64")
	disposition := "attachment;"
	if cid != "" {
		disposition = "inline;"
		n.fields.field("Content-ID", "<"+cid+">")
	}
	n.fields.field("Content-Disposition", append([]string{disposition}, extendedName(f.Name)...)...)
	writeBase64(&n.body, f.Body)
	return n
}

func words(s string) []string { return strings.Split(s, " ") }

func legacyName(name string, c Charset) []string {
	if plainWords(name) {
		return []string{`name="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`}
	}
	if len(Misfits(name)) > 0 {
		c = UTF8
	}
	w := encodedWords(name, c, wordLimit-len(`name=""`))
	w[0] = `name="` + w[0]
	w[len(w)-1] += `"`
	return w
}

// extendedName is RFC 2231: one parameter, or numbered pieces when it is long. No character's bytes are cut between pieces.
func extendedName(name string) []string {
	if plainWords(name) {
		return []string{`filename="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`}
	}
	const room = 55
	pieces := []string{""}
	for _, r := range name {
		e := strings.ReplaceAll(url.QueryEscape(string(r)), "+", "%20")
		if last := len(pieces) - 1; len(pieces[last])+len(e) > room {
			pieces = append(pieces, e)
		} else {
			pieces[last] += e
		}
	}
	if len(pieces) == 1 {
		return []string{"filename*=UTF-8''" + pieces[0]}
	}
	for i := range pieces {
		start, end := "", ";"
		if i == 0 {
			start = "UTF-8''"
		}
		if i == len(pieces)-1 {
			end = ""
		}
		pieces[i] = fmt.Sprintf("filename*%d*=%s%s%s", i, start, pieces[i], end)
	}
	return pieces
}

// multi packs nodes into one multipart (RFC 2046). The boundary follows from the seed, so that the same mail has the same bytes.
func multi(subtype, seed string, params []string, children ...*node) *node {
	if len(children) == 1 {
		return children[0]
	}
	sum := sha256.Sum256([]byte(subtype + "\x00" + seed))
	boundary := "=_" + hex.EncodeToString(sum[:14]) // "=_" cannot occur in base64 or quoted-printable
	n := &node{}
	n.fields.field("Content-Type", append([]string{"multipart/" + subtype + ";"}, append(params, `boundary="`+boundary+`"`)...)...)
	for _, c := range children {
		fmt.Fprintf(&n.body, "--%s\r\n%s\r\n", boundary, c.fields.buf.Bytes())
		n.body.Write(c.body.Bytes())
		n.body.WriteString("\r\n")
	}
	fmt.Fprintf(&n.body, "--%s--\r\n", boundary)
	return n
}

func writeBase64(out *bytes.Buffer, raw []byte) {
	const perLine = 57 // 76 characters
	var line [78]byte
	out.Grow(len(raw)/perLine*78 + 80)
	for len(raw) > 0 {
		k := min(perLine, len(raw))
		n := base64.StdEncoding.EncodedLen(k)
		base64.StdEncoding.Encode(line[:n], raw[:k])
		raw = raw[k:]
		out.Write(append(line[:n], '\r', '\n'))
	}
}

// mediaType checks a file's type and writes it in one form.
func mediaType(s string) (string, bool) {
	t, params, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(t, "/") || strings.HasPrefix(t, "multipart/") || strings.HasPrefix(t, "message/") {
		return "", false
	}
	s = mime.FormatMediaType(t, params)
	return s, s != "" && len(s) <= 120
}
