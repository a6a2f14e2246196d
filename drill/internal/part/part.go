// Package part is a file that a drill's mail carries: what attachment makes and letter packs.
package part

// File is one attachment or one picture inside the text.
type File struct {
	Name      string // as the reader sees it, with its extension
	Type      string // media type with parameters, as in RFC 2045: "text/html; charset=utf-8"
	ContentID string // for a picture in the text: what the HTML calls cid:…; "" for an attachment
	Body      []byte
}
