package attachment

import (
	"fmt"
	"strings"
)

const nsS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

// xlsx is a workbook of one sheet (ECMA-376 part 1, chapter 18). Every cell is text: none is a formula.
func (c Content) xlsx() ([]byte, error) {
	var b strings.Builder
	b.WriteString(`<worksheet xmlns="` + nsS + `" xmlns:r="` + nsR + `"><cols><col min="1" max="1" width="80" customWidth="1"/></cols><sheetData>`)
	row := 0
	cell := func(s string, style int) {
		row++
		fmt.Fprintf(&b, `<row r="%[1]d"><c r="A%[1]d" s="%[2]d" t="inlineStr"><is><t xml:space="preserve">%[3]s</t></is></c></row>`, row, style, esc(s))
	}
	cell(c.Title, 1)
	for _, p := range c.Paragraphs {
		cell(p, 3)
	}
	links := ""
	if c.Link != "" {
		cell(c.linkText(), 2)
		links = fmt.Sprintf(`<hyperlinks><hyperlink ref="A%d" r:id="rId2"/></hyperlinks>`, row)
	}
	b.WriteString(`</sheetData>` + links + `<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/><drawing r:id="rId1"/></worksheet>`)
	sheetRels := []rel{{"drawing", "../drawings/drawing1.xml"}}
	if c.Link != "" {
		sheetRels = append(sheetRels, rel{"hyperlink", c.Link})
	}
	p := pack{main: "xl/workbook.xml"}
	p.add("xl/workbook.xml", "spreadsheetml.sheet.main", `<workbook xmlns="`+nsS+`" xmlns:r="`+nsR+`"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		rel{"worksheet", "worksheets/sheet1.xml"}, rel{"styles", "styles.xml"})
	p.add("xl/worksheets/sheet1.xml", "spreadsheetml.worksheet", b.String(), sheetRels...)
	p.add("xl/drawings/drawing1.xml", "drawing", fmt.Sprintf(`<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="`+nsA+`" xmlns:r="`+nsR+`">`+
		`<xdr:oneCellAnchor><xdr:from><xdr:col>0</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>%d</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext cx="9525" cy="9525"/>`+
		`<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="2" name="Picture 1"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill>`+blip+`</xdr:blipFill><xdr:spPr>`+spot+`</xdr:spPr></xdr:pic>`+
		`<xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>`, row), rel{"image", c.Beacon})
	p.add("xl/styles.xml", "spreadsheetml.styles", `<styleSheet xmlns="`+nsS+`"><fonts count="3"><font><sz val="11"/><name val="游ゴシック"/></font><font><b/><sz val="16"/><name val="游ゴシック"/></font>`+
		`<font><u/><sz val="11"/><color rgb="FF0563C1"/><name val="游ゴシック"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>`+
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>`+
		`<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>`+
		`<xf numFmtId="0" fontId="2" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>`+
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`)
	return p.bytes()
}
