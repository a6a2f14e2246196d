package attachment

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// The relationship types of ECMA-376 part 1 that our packages use. Only image and hyperlink ever point outside.
const (
	relBase = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	nsA     = "http://schemas.openxmlformats.org/drawingml/2006/main"
	nsR     = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	nsPic   = "http://schemas.openxmlformats.org/drawingml/2006/picture"
)

// rel is one relationship (ECMA-376 part 2); those to addresses are external.
type rel struct{ kind, target string }

// pack is an Open Packaging Conventions file under construction: parts in the order in which they are added.
type pack struct {
	parts []opcPart
	main  string // the part that the package's own relationship names
}

type opcPart struct {
	name, contentType, body string
	rels                    []rel
}

// add puts one part with its relationships in; they get the identifiers rId1, rId2 and so on.
func (p *pack) add(name, contentType, body string, rels ...rel) {
	p.parts = append(p.parts, opcPart{name, contentType, xmlHead + body, rels})
}

// bytes writes the ZIP: no time, no owner, and nothing compressed, so that the same parts give the same bytes whatever compressor a later
// version of this program has.
func (p *pack) bytes() ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	write := func(name, body string) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(body))
		}
		return err
	}
	var types strings.Builder
	types.WriteString(xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>`)
	for _, part := range p.parts {
		fmt.Fprintf(&types, `<Override PartName="/%s" ContentType="application/vnd.openxmlformats-officedocument.%s+xml"/>`, part.name, part.contentType)
	}
	types.WriteString(`</Types>`)
	err := write("[Content_Types].xml", types.String())
	if err == nil {
		err = write("_rels/.rels", relationships([]rel{{"officeDocument", p.main}}))
	}
	for _, part := range p.parts {
		if err == nil {
			err = write(part.name, part.body)
		}
		if err == nil && len(part.rels) > 0 {
			i := strings.LastIndexByte(part.name, '/')
			err = write(part.name[:i]+"/_rels"+part.name[i:]+".rels", relationships(part.rels))
		}
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the attachment: %w", err)
	}
	return out.Bytes(), nil
}

func relationships(rels []rel) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i, r := range rels {
		mode := ""
		if r.kind == "image" || r.kind == "hyperlink" {
			mode = ` TargetMode="External"`
		}
		fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="%s%s" Target="%s"%s/>`, i+1, relBase, r.kind, esc(r.target), mode)
	}
	b.WriteString(`</Relationships>`)
	return b.String()
}

// esc writes a text for XML, in an element or an attribute.
func esc(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // into memory: cannot fail
	return b.String()
}

// outside are the two external relationships of a document: the picture first, then the link if there is one.
func (c Content) outside() []rel {
	rels := []rel{{"image", c.Beacon}}
	if c.Link != "" {
		rels = append(rels, rel{"hyperlink", c.Link})
	}
	return rels
}

// blip is a picture of DrawingML that is linked, not embedded: the program that shows the document fetches it.
const blip = `<a:blip r:link="rId1"/><a:stretch><a:fillRect/></a:stretch>`

// spot is the shape of one pixel that the picture is shown in.
const spot = `<a:xfrm><a:off x="0" y="0"/><a:ext cx="9525" cy="9525"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>`
