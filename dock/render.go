package dock

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"rsc.io/qr"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/paper"
)

//go:embed pack.html
var packHTML string

//go:embed pack.css
var packCSS string

// StyleHash is what a Content-Security-Policy names so that a browser takes the pack's own style and nothing else.
func StyleHash() string {
	sum := sha256.Sum256([]byte(packCSS))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// line is a row of a table: a heading across it, or cells.
type line struct {
	Head  string
	Cells []string
}

type partView struct {
	Part
	Number  string
	Near    bool // begins on the page of the part before
	Heads   bool // the columns have titles
	Across  int
	Lines   []line
	Picture template.HTML
	QR      template.HTML
}

// HTML writes the pack as one file for the screen and A4 paper.
func (p *Pack) HTML(w io.Writer) error {
	t, err := template.New("pack").Parse(packHTML)
	if err != nil {
		return fmt.Errorf("read the pack's form: %w", err)
	}
	view := struct {
		Title, Facility, StyleHash string
		Style                      template.CSS
		Index                      []string
		Parts                      []partView
	}{Title: "点検資料 " + p.Snapshot.Facility.Name, Facility: p.Snapshot.Facility.Name, StyleHash: StyleHash(), Style: template.CSS(packCSS)} //nolint:gosec // our own file
	for n := range p.Parts {
		part := partView{Part: p.Parts[n], Across: len(p.Parts[n].Columns), Near: n > 0 && p.Parts[n].ID != "form" && p.Parts[n].ID != "vendors"}
		if n > 0 {
			part.Number = fmt.Sprintf("%d. ", n)
			view.Index = append(view.Index, part.Title)
		}
		for _, c := range part.Columns {
			part.Heads = part.Heads || c.Title != ""
		}
		for _, r := range part.Rows {
			if len(r) == 1 {
				part.Lines = append(part.Lines, line{Head: r[0]})
			} else {
				part.Lines = append(part.Lines, line{Cells: r})
			}
		}
		part.Picture = template.HTML(part.Drawing) //nolint:gosec // drawn by draw, which escapes
		if part.Code != "" {
			if part.QR, err = square(part.Code); err != nil {
				return err
			}
		}
		view.Parts = append(view.Parts, part)
	}
	if err := t.Execute(w, view); err != nil {
		return fmt.Errorf("write the pack: %w", err)
	}
	return nil
}

// square draws a QR code as SVG, with its quiet zone of four modules.
func square(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("make a QR code: %w", err)
	}
	var b strings.Builder
	side := code.Size + 8
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="証拠の列の末尾のQRコード" shape-rendering="crispEdges"><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, side, side, side, side)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // numbers only
}

// XLSX writes the pack as a workbook, a sheet for each part.
func (p *Pack) XLSX(w io.Writer) error {
	var parts []paper.Part
	for n := range p.Parts {
		part := &p.Parts[n]
		if part.Drawing != "" {
			continue // a drawing is for paper and screen
		}
		table := paper.Table{Sheet: sheetTitle(part, n), Print: paper.Print{A4: true, Landscape: part.Wide || len(part.Columns) > 5, Title: p.Snapshot.Facility.Name}}
		across := 95.0
		if table.Print.Landscape {
			across = 140
		}
		for _, c := range part.Columns {
			table.Columns = append(table.Columns, paper.Column{Header: c.Title, Width: max(float64(c.Width)*across/100, 6)})
		}
		parts = append(parts, paper.Part{Table: table, Rows: part.records()})
	}
	return paper.WriteXLSX(w, parts...)
}

func sheetTitle(p *Part, n int) string {
	title, _, _ := strings.Cut(p.Title, "（")
	if n == 0 {
		return "表紙"
	}
	return fmt.Sprintf("%d %s", n, title)
}

// records are a part's rows and then its sentences, since the first row is the head.
func (p *Part) records() paper.Records {
	return func(yield func([]any, error) bool) {
		rows := p.Rows
		if len(rows) == 0 {
			rows = [][]string{{p.Empty}}
		}
		for _, r := range rows {
			cells := make([]any, len(r))
			for i, c := range r {
				cells[i] = c
			}
			if !yield(cells, nil) {
				return
			}
		}
		for _, s := range p.Says {
			if !yield([]any{"※ " + s}, nil) {
				return
			}
		}
	}
}

// PDF makes the pack's A4 sheets with the Chromium that is on the machine; Unavailable where there is none.
func (p *Pack) PDF(ctx context.Context) ([]byte, error) {
	var b bytes.Buffer
	if err := p.HTML(&b); err != nil {
		return nil, err
	}
	pdf, err := paper.PDF(ctx, b.Bytes())
	if fault.Is(err, fault.Unavailable) {
		return nil, fault.Wrap(fault.Unavailable, err, "この機械ではPDFを作れません。点検資料を画面に開き、ブラウザの印刷で「PDFに保存」を選んでください。",
			"This machine cannot make a PDF. Open the pack on the screen and choose “save as PDF” in the browser's print dialog.")
	}
	return pdf, err
}

// As returns the pack in a format (html, xlsx, pdf, json) with its media type; json is sealed.
func (b *Book) As(ctx context.Context, f facility.ID, p *Pack, format string) (body []byte, media string, err error) {
	var out bytes.Buffer
	switch format {
	case "html":
		err = p.HTML(&out)
		return out.Bytes(), "text/html; charset=utf-8", err
	case "xlsx":
		err = p.XLSX(&out)
		return out.Bytes(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", err
	case "pdf":
		body, err = p.PDF(ctx)
		return body, "application/pdf", err
	case "json":
		s, err := b.Seal(ctx, f, *p)
		if err != nil {
			return nil, "", err
		}
		body, err = s.File()
		return body, "application/json", err
	}
	return nil, "", fault.Newf(fault.Invalid, "形式は html, xlsx, pdf, json のどれかです。", "The format is html, xlsx, pdf or json, not %.20q.", format)
}
