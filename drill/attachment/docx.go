package attachment

import "strings"

const nsW = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

// docx is a text document (ECMA-376 part 1, chapter 17).
func (c Content) docx() ([]byte, error) {
	var b strings.Builder
	b.WriteString(`<w:document xmlns:w="` + nsW + `" xmlns:r="` + nsR + `" xmlns:a="` + nsA + `" xmlns:pic="` + nsPic +
		`" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><w:body>`)
	b.WriteString(`<w:p><w:pPr><w:spacing w:after="240"/></w:pPr><w:r><w:rPr><w:b/><w:sz w:val="32"/></w:rPr>` + wText(c.Title) + `</w:r></w:p>`)
	for _, p := range c.Paragraphs {
		b.WriteString(`<w:p><w:r>` + wText(p) + `</w:r></w:p>`)
	}
	if c.Link != "" {
		b.WriteString(`<w:p><w:hyperlink r:id="rId2"><w:r><w:rPr><w:color w:val="0563C1"/><w:u w:val="single"/></w:rPr>` + wText(c.linkText()) + `</w:r></w:hyperlink></w:p>`)
	}
	b.WriteString(`<w:p><w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="9525" cy="9525"/><wp:docPr id="1" name="Picture 1"/>` +
		`<a:graphic><a:graphicData uri="` + nsPic + `"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="Picture 1"/><pic:cNvPicPr/></pic:nvPicPr>` +
		`<pic:blipFill>` + blip + `</pic:blipFill><pic:spPr>` + spot + `</pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`)
	b.WriteString(`<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1701" w:right="1701" w:bottom="1701" w:left="1701" w:header="851" w:footer="992" w:gutter="0"/></w:sectPr>` +
		`</w:body></w:document>`)
	p := pack{main: "word/document.xml"}
	p.add("word/document.xml", "wordprocessingml.document.main", b.String(), append(c.outside(), rel{"styles", "styles.xml"})...)
	p.add("word/styles.xml", "wordprocessingml.styles", `<w:styles xmlns:w="`+nsW+`"><w:docDefaults><w:rPrDefault><w:rPr>`+
		`<w:rFonts w:ascii="Yu Gothic" w:eastAsia="游ゴシック" w:hAnsi="Yu Gothic"/><w:sz w:val="21"/><w:lang w:val="en-US" w:eastAsia="ja-JP"/></w:rPr></w:rPrDefault></w:docDefaults></w:styles>`)
	return p.bytes()
}

func wText(s string) string { return `<w:t xml:space="preserve">` + esc(s) + `</w:t>` }
