package attachment

import (
	"fmt"
	"strings"
)

const nsP = "http://schemas.openxmlformats.org/presentationml/2006/main"

const (
	pNS     = ` xmlns:a="` + nsA + `" xmlns:r="` + nsR + `" xmlns:p="` + nsP + `"`
	noGroup = `<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>`
)

// pptx is a presentation of one slide with the master, layout and theme that each presentation must have (ECMA-376 part 1, chapter 19).
func (c Content) pptx() ([]byte, error) {
	p := pack{main: "ppt/presentation.xml"}
	p.add("ppt/presentation.xml", "presentationml.presentation.main", `<p:presentation`+pNS+`><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>`+
		`<p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="12192000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
		rel{"slideMaster", "slideMasters/slideMaster1.xml"}, rel{"slide", "slides/slide1.xml"}, rel{"theme", "theme/theme1.xml"})
	p.add("ppt/slideMasters/slideMaster1.xml", "presentationml.slideMaster", `<p:sldMaster`+pNS+`><p:cSld><p:bg><p:bgRef idx="1001"><a:schemeClr val="bg1"/></p:bgRef></p:bg><p:spTree>`+noGroup+`</p:spTree></p:cSld>`+
		`<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>`+
		`<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>`,
		rel{"slideLayout", "../slideLayouts/slideLayout1.xml"}, rel{"theme", "../theme/theme1.xml"})
	p.add("ppt/slideLayouts/slideLayout1.xml", "presentationml.slideLayout", `<p:sldLayout`+pNS+` type="blank" preserve="1"><p:cSld name="Blank"><p:spTree>`+noGroup+`</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>`,
		rel{"slideMaster", "../slideMasters/slideMaster1.xml"})
	p.add("ppt/theme/theme1.xml", "theme", theme())
	// the slide's layout comes last, so that the picture is rId1 and the link rId2
	p.add("ppt/slides/slide1.xml", "presentationml.slide", c.slide(), append(c.outside(), rel{"slideLayout", "../slideLayouts/slideLayout1.xml"})...)
	return p.bytes()
}

func (c Content) slide() string {
	var body strings.Builder
	for _, p := range c.Paragraphs {
		body.WriteString(aParagraph(p, 1800, ""))
	}
	if c.Link != "" {
		body.WriteString(aParagraph(c.linkText(), 1800, `<a:hlinkClick r:id="rId2"/>`))
	}
	if body.Len() == 0 {
		body.WriteString(`<a:p/>`)
	}
	box := func(id int, name string, y, height int, paragraphs string) string {
		return fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="838200" y="%d"/><a:ext cx="10515600" cy="%d"/></a:xfrm>`+
			`<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody><a:bodyPr wrap="square"><a:normAutofit/></a:bodyPr><a:lstStyle/>%s</p:txBody></p:sp>`, id, name, y, height, paragraphs)
	}
	return `<p:sld` + pNS + `><p:cSld><p:spTree>` + noGroup + box(2, "Title 1", 457200, 914400, aParagraph(c.Title, 3200, "")) + box(3, "Text 2", 1600200, 4572000, body.String()) +
		`<p:pic><p:nvPicPr><p:cNvPr id="4" name="Picture 3"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr><p:blipFill>` + blip + `</p:blipFill><p:spPr>` + spot + `</p:spPr></p:pic>` +
		`</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>`
}

func aParagraph(s string, size int, link string) string {
	return fmt.Sprintf(`<a:p><a:r><a:rPr lang="ja-JP" sz="%d">%s</a:rPr><a:t>%s</a:t></a:r></a:p>`, size, link, esc(s))
}

// theme is the least that ECMA-376 part 1 section 20.1.6.9 asks for: twelve colours, two fonts, three of each format.
func theme() string {
	var b strings.Builder
	b.WriteString(`<a:theme xmlns:a="` + nsA + `" name="Office"><a:themeElements><a:clrScheme name="Office">`)
	for _, c := range []string{"dk1 000000", "lt1 FFFFFF", "dk2 44546A", "lt2 E7E6E6", "accent1 4472C4", "accent2 ED7D31", "accent3 A5A5A5", "accent4 FFC000", "accent5 5B9BD5", "accent6 70AD47", "hlink 0563C1", "folHlink 954F72"} {
		name, rgb, _ := strings.Cut(c, " ")
		fmt.Fprintf(&b, `<a:%[1]s><a:srgbClr val="%[2]s"/></a:%[1]s>`, name, rgb)
	}
	font := `<a:latin typeface="Yu Gothic"/><a:ea typeface="游ゴシック"/><a:cs typeface=""/>`
	fill := `<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`
	b.WriteString(`</a:clrScheme><a:fontScheme name="Office"><a:majorFont>` + font + `</a:majorFont><a:minorFont>` + font + `</a:minorFont></a:fontScheme><a:fmtScheme name="Office">` +
		`<a:fillStyleLst>` + strings.Repeat(fill, 3) + `</a:fillStyleLst><a:lnStyleLst>` + strings.Repeat(`<a:ln w="6350">`+fill+`</a:ln>`, 3) + `</a:lnStyleLst>` +
		`<a:effectStyleLst>` + strings.Repeat(`<a:effectStyle><a:effectLst/></a:effectStyle>`, 3) + `</a:effectStyleLst><a:bgFillStyleLst>` + strings.Repeat(fill, 3) + `</a:bgFillStyleLst>` +
		`</a:fmtScheme></a:themeElements></a:theme>`)
	return b.String()
}
