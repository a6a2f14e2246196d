// Package blob keeps attachments (contracts, photographs, MDS2 sheets) in the database in small chunks, so that a backup holds them and
// no write takes long. What a browser might run is only ever downloaded.
package blob

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxSize is the largest attachment: 20 MB.
	MaxSize = 20 << 20

	chunkSize = 256 << 10
	maxName   = 200 // characters
	sniffed   = 512 // bytes that mediaType looks at
)

// File is an attachment without its content.
type File struct {
	ID        string
	Name      string // as shown and offered for download; never a path
	MediaType string // from the content, not from what the sender said
	Size      int64  // bytes
	SHA256    string // hex
	Created   time.Time
	ByID, By  string // who brought it
}

// shown are the types that a browser cannot run: all others are downloaded. SVG, HTML, XML and PDF can hold scripts.
var shown = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "text/plain; charset=utf-8": true}

// Disposition is the Content-Disposition header for the file (RFC 6266): inline only for what a browser cannot run. Send it with
// X-Content-Type-Options: nosniff and MediaType as it is.
func (f File) Disposition() string {
	if shown[f.MediaType] {
		return "inline" + f.names()
	}
	return f.Download()
}

// Download is the Content-Disposition header (RFC 6266) that has the file saved and never shown.
func (f File) Download() string { return "attachment" + f.names() }

func (f File) names() string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, f.Name)
	return `; filename="` + ascii + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(f.Name), "+", "%20")
}

// cleanName makes a name that is safe to show and to save: no folders, no control or direction characters, not empty.
func cleanName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, "_"), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0), r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 &&
			r <= 0x2069, r == 0xfeff:
			return -1 // a name that reads backwards hides what a file is
		case strings.ContainsRune(`/:*?"<>|`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.TrimSpace(strings.TrimLeft(s, "."))
	if runes := []rune(s); len(runes) > maxName {
		ext := path.Ext(s)
		if utf8.RuneCountInString(ext) > 10 {
			ext = ""
		}
		s = string(runes[:maxName-utf8.RuneCountInString(ext)]) + ext
	}
	if s == "" {
		return "file"
	}
	return s
}

// office are the containers that look like a plain zip; the ending counts only when the content is such a container.
var office = map[string]string{
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

// contentTypes is a part that every Office Open XML package has (ECMA-376 part 2); its name stands twice in the zip, in plain bytes.
var contentTypes = []byte("[Content_Types].xml")

// mediaType judges by the content: its first bytes, and whether the name of contentTypes was seen anywhere in it.
func mediaType(name string, head []byte, ooxml bool) string {
	t := "application/octet-stream"
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.first)) && (m.at8 == "" || (len(head) >= 12 && string(head[8:12]) == m.at8)) {
			t = m.media
		}
	}
	switch ext := strings.ToLower(path.Ext(name)); {
	case t == "application/zip" && ooxml && office[ext] != "":
		return office[ext]
	case t == "application/octet-stream" && plainText(head):
		return "text/plain; charset=utf-8"
	}
	return t
}

// magic are the first bytes of what people attach; all else is octet-stream.
var magic = []struct{ first, at8, media string }{
	{first: "\x89PNG\r\n\x1a\n", media: "image/png"},
	{first: "\xff\xd8\xff", media: "image/jpeg"},
	{first: "GIF87a", media: "image/gif"},
	{first: "GIF89a", media: "image/gif"},
	{first: "RIFF", at8: "WEBP", media: "image/webp"},
	{first: "%PDF-", media: "application/pdf"},
	{first: "PK\x03\x04", media: "application/zip"},
	{first: "PK\x05\x06", media: "application/zip"},
	{first: "\x1f\x8b", media: "application/gzip"},
	{first: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", media: "application/x-ole-storage"}, // the Office files of before 2007
}

// plainText reports whether a file starts like a text that a browser only shows: UTF-8 (CP932 would be garbled), no control characters,
// and nothing that looks like markup.
func plainText(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(trimHalf(head), []byte("\uFEFF")), " \t\r\n\f")
	return len(text) > 0 && text[0] != '<' && utf8.Valid(text) && !bytes.ContainsFunc(text, func(r rune) bool {
		return (r < ' ' && !strings.ContainsRune("\t\r\n\f", r)) || r == 0x7f
	})
}

// trimHalf drops a character that the 512th byte cut.
func trimHalf(b []byte) []byte {
	for i := range min(3, len(b)) {
		if tail := b[len(b)-1-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-1-i]
			}
			break
		}
	}
	return b
}
