package paper

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
)

// workbook is the part of a .xlsx that all its sheets share (ECMA-376 part 1, SpreadsheetML).
type workbook struct {
	parts   map[string]*zip.File // by lower-case path: some programs write SharedStrings.xml
	shared  []string
	formats []numberFormat // by the index of cellXfs
	date904 bool
}

func openXLSX(r io.ReaderAt, size int64, name string) (*Book, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, notXLSX(err)
	}
	if err := checkZip(z); err != nil {
		return nil, err
	}
	w := &workbook{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		w.parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, "\\", "/"), "/"))] = f
	}
	if w.parts["xl/workbook.bin"] != nil || w.parts["mimetype"] != nil {
		return nil, fault.New(fault.Invalid, "この形式の表は読み込めません。Excelで開き「Excel ブック(*.xlsx)」で保存し直してください。",
			"This kind of workbook cannot be read in. Open it in Excel and save it as \"Excel Workbook (*.xlsx)\".")
	}
	book := &Book{Name: name, Format: XLSX}
	if w.parts["xl/vbaproject.bin"] != nil {
		book.Warnings = append(book.Warnings, Warning{Text: i18n.Text{Ja: "マクロが入っています。マクロは動かさず、表の値だけを読みます。",
			En: "The workbook has macros. They are not run; only the values of the cells are read."}})
	}
	if err := w.load(book); err != nil {
		return nil, err
	}
	return book, nil
}

// checkZip refuses an archive by its directory alone, before any byte is unpacked.
func checkZip(z *zip.Reader) error {
	bomb := fault.Newf(fault.TooLarge, "ファイルを広げると大きすぎるため、読み込みません(%[1]d MB まで)。使っていない行や画像を消して保存し直してください。",
		"Unpacked, the file would be too large (up to %[1]d MB), so it is not read. Delete unused rows and pictures, and save it again.", MaxUnpacked>>20)
	if len(z.File) > MaxParts {
		return bomb
	}
	var total uint64
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return fault.New(fault.Invalid, "パスワード付きの圧縮ファイルです。パスワードを外したExcelファイルを選んでください。",
				"The archive is protected with a password. Choose a workbook without one.")
		}
		total += f.UncompressedSize64
		if f.UncompressedSize64 > MaxUnpacked || total > MaxUnpacked ||
			f.UncompressedSize64 > 10<<20 && f.UncompressedSize64/max(f.CompressedSize64, 1) > MaxRatio {
			return bomb
		}
	}
	return nil
}

// part opens one part; reading ends with an error after as many bytes as its directory entry promised (archive/zip checks the rest).
func (w *workbook) part(name string) (io.ReadCloser, error) {
	f := w.parts[strings.ToLower(name)]
	if f == nil {
		return nil, notXLSX(fmt.Errorf("no part %s", name))
	}
	rc, err := f.Open()
	if err != nil {
		return nil, notXLSX(err)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(rc, int64(min(f.UncompressedSize64, MaxUnpacked))), rc}, nil
}

type relationship struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
	Mode   string `xml:"TargetMode,attr"`
}

func (w *workbook) relations(of string) ([]relationship, error) {
	var doc struct {
		Rels []relationship `xml:"Relationship"`
	}
	dir, base := path.Split(of)
	err := w.decode(dir+"_rels/"+base+".rels", &doc)
	for i, r := range doc.Rels {
		if strings.HasPrefix(r.Target, "/") {
			doc.Rels[i].Target = path.Clean(r.Target)[1:]
		} else {
			doc.Rels[i].Target = path.Join(dir, r.Target)
		}
	}
	return doc.Rels, err
}

func (w *workbook) decode(name string, into any) error {
	rc, err := w.part(name)
	if err != nil {
		return err
	}
	defer rc.Close()
	if err := newDecoder(rc).Decode(into); err != nil {
		return notXLSX(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

func newDecoder(r io.Reader) *xml.Decoder {
	d := xml.NewDecoder(r)
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("charset %s", charset) // the standard allows UTF-8 and UTF-16; every known writer uses UTF-8
	}
	return d
}

// load reads what comes before the cells: the list of sheets, the shared strings, the number formats.
func (w *workbook) load(book *Book) error {
	main := "xl/workbook.xml"
	if root, err := w.relations(""); err == nil {
		for _, r := range root {
			if strings.HasSuffix(r.Type, "/officeDocument") {
				main = r.Target
			}
		}
	}
	var doc struct {
		Props struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := w.decode(main, &doc); err != nil {
		return err
	}
	w.date904 = doc.Props.Date1904 == "1" || doc.Props.Date1904 == "true"
	rels, err := w.relations(main)
	if err != nil {
		return err
	}
	byID, once := map[string]relationship{}, map[string]bool{}
	for _, r := range rels {
		byID[r.ID] = r
		if shared := strings.HasSuffix(r.Type, "/sharedStrings") || strings.HasSuffix(r.Type, "/styles"); shared && once[r.Type] {
			continue // a workbook has one of each: naming it a thousand times would have it unpacked a thousand times
		}
		once[r.Type] = true
		switch {
		case r.Mode == "External":
		case strings.HasSuffix(r.Type, "/sharedStrings"):
			err = w.loadShared(r.Target)
		case strings.HasSuffix(r.Type, "/styles"):
			err = w.loadFormats(r.Target)
		}
		if err != nil {
			return err
		}
	}
	for _, s := range doc.Sheets[:min(len(doc.Sheets), MaxSheets)] {
		r := byID[s.ID]
		if !strings.HasSuffix(r.Type, "/worksheet") || w.parts[strings.ToLower(r.Target)] == nil {
			continue // a chart sheet, or a part that is not there
		}
		target := r.Target
		book.sheets = append(book.sheets, &Sheet{Name: s.Name, Hidden: s.State != "" && s.State != "visible",
			read:   func(fn func(Row) error) error { return w.rows(target, fn) },
			merges: func() ([]Area, error) { return w.merges(target) }})
	}
	if len(book.sheets) == 0 {
		return fault.New(fault.Invalid, "表のあるシートがありません。", "The workbook has no sheet with a table.")
	}
	return nil
}

// loadShared reads the string table. Furigana (rPh) are not part of a cell's text.
func (w *workbook) loadShared(name string) error {
	rc, err := w.part(name)
	if err != nil {
		return nil //nolint:nilerr // a workbook of numbers may promise a table that is not there
	}
	defer rc.Close()
	d := newDecoder(rc)
	var b strings.Builder
	inText, furigana := false, false
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return notXLSX(fmt.Errorf("%s: %w", name, err))
		}
		switch t := tok.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				b.Reset()
			case "rPh":
				furigana = true
			case "t":
				inText = !furigana
			}
		case xml.CharData:
			if inText {
				b.Write(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "si":
				w.shared = append(w.shared, unescape(b.String()))
			case "rPh":
				furigana = false
			case "t":
				inText = false
			}
		}
	}
}

// unescape undoes _xHHHH_, by which SpreadsheetML writes characters that XML cannot hold.
func unescape(s string) string {
	at := strings.Index(s, "_x")
	if at < 0 {
		return s
	}
	var b strings.Builder
	for at >= 0 {
		b.WriteString(s[:at])
		s = s[at:]
		if len(s) >= 7 && s[6] == '_' {
			if n, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
				b.WriteRune(rune(n))
				s = s[7:]
				at = strings.Index(s, "_x")
				continue
			}
		}
		b.WriteString(s[:2])
		s = s[2:]
		at = strings.Index(s, "_x")
	}
	b.WriteString(s)
	return b.String()
}

func (w *workbook) loadFormats(name string) error {
	var doc struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			ID int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if w.parts[strings.ToLower(name)] == nil {
		return nil
	}
	if err := w.decode(name, &doc); err != nil {
		return err
	}
	custom := map[int]string{}
	for _, f := range doc.Formats {
		custom[f.ID] = f.Code
	}
	for _, c := range doc.Cells {
		code, ok := custom[c.ID]
		if !ok {
			code = builtIn(c.ID)
		}
		w.formats = append(w.formats, parseFormat(code))
	}
	return nil
}
