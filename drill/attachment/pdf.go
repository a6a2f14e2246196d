package attachment

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

const (
	pageWidth, pageHeight, margin = 595, 842, 72 // A4 in points
	textWidth                     = (pageWidth - 2*margin) * 1000
)

// helvetica has the advance widths of the characters 32 to 126 in thousandths, from Adobe's font metrics of the standard font.
var helvetica = [...]int{278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584}

func width(r rune) int {
	switch {
	case r >= ' ' && r <= '~':
		return helvetica[r-' ']
	case r >= '\uff61' && r <= '\uff9f':
		return 500
	}
	return 1000
}

// pdfLine is one line of text with its size in points; link says that a click on it follows the link.
type pdfLine struct {
	text string
	size int
	link bool
}

// pdf is a document of ISO 32000-1 whose only action is a link annotation: no script, no launch, nothing fetched on opening. Japanese is
// written in a font of the collection Adobe-Japan1 that the reader's machine supplies (section 9.7.5.2), so that no font file is needed.
func (c Content) pdf() []byte {
	lines := wrap(c.Title, 18, false)
	for _, p := range c.Paragraphs {
		lines = append(append(lines, pdfLine{size: 5}), wrap(p, 11, false)...)
	}
	lines = append(append(lines, pdfLine{size: 9}), wrap(c.linkText(), 11, true)...)
	d := pdfDoc{objects: make([]string, 7), used: map[rune]bool{}} // 1 to 7 are filled last
	var kids []string
	for len(lines) > 0 {
		var stream, links strings.Builder
		y := pageHeight - margin
		n := 0
		for ; n < len(lines) && y-lines[n].size*17/10 > margin; n++ {
			l := lines[n]
			y -= l.size * 17 / 10
			d.line(&stream, l, y)
			if l.link {
				w := 0
				for _, r := range l.text {
					w += width(r) * l.size / 1000
				}
				ref := d.add(fmt.Sprintf("<< /Type /Annot /Subtype /Link /Rect [%d %d %d %d] /Border [0 0 0] /A << /S /URI /URI (%s) >> >>",
					margin, y-3, margin+w, y+l.size, c.Link)) // check lets no parenthesis or backslash through
				links.WriteString(ref + " ")
			}
		}
		lines = lines[n:]
		content := d.add(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", stream.Len(), stream.String()))
		kids = append(kids, d.add(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents %s /Annots [%s] >>",
			pageWidth, pageHeight, content, strings.TrimSpace(links.String()))))
	}
	const font = "KozGoPr6N-Medium"
	d.objects[0] = "<< /Type /Catalog /Pages 2 0 R /Lang (ja-JP) >>"
	d.objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(kids), strings.Join(kids, " "))
	d.objects[2] = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
	d.objects[3] = "<< /Type /Font /Subtype /Type0 /BaseFont /" + font + "-UniJIS-UTF16-H /Encoding /UniJIS-UTF16-H /DescendantFonts [5 0 R] /ToUnicode 7 0 R >>"
	d.objects[4] = "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /" + font + " /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >> /FontDescriptor 6 0 R /DW 1000 /W [327 389 500] >>"
	d.objects[5] = "<< /Type /FontDescriptor /FontName /" + font + " /Flags 4 /FontBBox [-150 -374 1254 1008] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 763 /StemV 90 >>"
	cmap := d.toUnicode()
	d.objects[6] = fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(cmap), cmap)
	return d.bytes()
}

// noStart are the characters that no line starts with (JIS X 4051): they stay at the end of the line before, beyond the margin if need be.
const noStart = "、。，．・：；？！）］｝〉》」』】〕ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ,.:;?!)]}"

// wrap parts a text into lines: between any two Japanese characters, but inside an ASCII word only where the word is longer than a line.
func wrap(s string, size int, link bool) []pdfLine {
	var lines []pdfLine
	var line []rune
	used, breakAt := 0, 0
	for _, r := range s {
		ascii := r > ' ' && r <= '~'
		if !ascii || len(line) > 0 && line[len(line)-1] > '~' {
			breakAt = len(line)
			if r == ' ' {
				breakAt++
			}
		}
		if used += width(r) * size; used > textWidth && len(line) > 0 && !strings.ContainsRune(noStart, r) {
			at := breakAt
			if at == 0 || at > len(line) {
				at = len(line)
			}
			lines = append(lines, pdfLine{string(line[:at]), size, link})
			line = slices.Clone(line[at:])
			used, breakAt = width(r)*size, 0
			for _, q := range line {
				used += width(q) * size
			}
		}
		line = append(line, r)
	}
	return append(lines, pdfLine{string(line), size, link})
}

// pdfDoc collects indirect objects; used are the characters that the Japanese font has to show.
type pdfDoc struct {
	objects []string
	used    map[rune]bool
}

func (d *pdfDoc) add(body string) (ref string) {
	d.objects = append(d.objects, body)
	return fmt.Sprintf("%d 0 R", len(d.objects))
}

// line shows one line: ASCII in Helvetica, all else in the Japanese font.
func (d *pdfDoc) line(b *strings.Builder, l pdfLine, y int) {
	if l.text == "" {
		return
	}
	colour := "0 g"
	if l.link {
		colour = "0.02 0.39 0.76 rg"
	}
	fmt.Fprintf(b, "BT %s 1 0 0 1 %d %d Tm", colour, margin, y)
	font := ""
	for _, r := range l.text {
		next, code := "F2", utf16Hex(r)
		if r >= ' ' && r <= '~' {
			next, code = "F1", fmt.Sprintf("%02X", r)
		} else {
			d.used[r] = true
		}
		switch {
		case font == "":
			fmt.Fprintf(b, " /%s %d Tf <", next, l.size)
		case next != font:
			fmt.Fprintf(b, "> Tj /%s %d Tf <", next, l.size)
		}
		font = next
		b.WriteString(code)
	}
	b.WriteString("> Tj ET\n")
}

func utf16Hex(r rune) string {
	var b strings.Builder
	for _, u := range utf16.AppendRune(nil, r) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String()
}

// toUnicode lets readers copy and search the text without knowing the encoding (section 9.10.3).
func (d *pdfDoc) toUnicode() string {
	var codes []string
	for r := range d.used {
		if r <= 0xffff { // common readers refuse surrogate pairs here; they know those from the encoding
			codes = append(codes, utf16Hex(r))
		}
	}
	slices.Sort(codes)
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Text def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for chunk := range slices.Chunk(codes, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(chunk))
		for _, c := range chunk {
			fmt.Fprintf(&b, "<%s> <%s>\n", c, c)
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nend\nend")
	return b.String()
}

// bytes writes header, objects, cross-reference table and trailer (section 7.5), without producer or date.
func (d *pdfDoc) bytes() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(d.objects))
	for i, o := range d.objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(d.objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(d.objects)+1, start)
	return b.Bytes()
}
