package paper

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenshin/fault"
)

// rows streams one worksheet part. Memory does not grow with the number of rows.
func (w *workbook) rows(part string, fn func(Row) error) error {
	areas, err := w.merges(part)
	if err != nil {
		return err
	}
	rc, err := w.part(part)
	if err != nil {
		return err
	}
	defer rc.Close()
	s := &scanner{w: w, d: newDecoder(bufio.NewReaderSize(rc, 256<<10)), spread: newSpread(areas), fn: fn}
	return s.run()
}

// scanner is the state of the one pass over a worksheet's XML.
type scanner struct {
	w      *workbook
	d      *xml.Decoder
	spread *spread
	fn     func(Row) error
	row    Row
	col    int // of the cell at hand
	seen   int // rows given to fn
	cell   struct {
		typ     string
		style   int
		formula bool
		value   strings.Builder
	}
	inValue, inInline bool
}

func (s *scanner) run() error {
	for {
		tok, err := s.d.RawToken()
		if err == io.EOF {
			return notXLSX(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return notXLSX(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := s.start(t); err != nil {
				return err
			}
		case xml.CharData:
			if s.inValue {
				s.cell.value.Write(t)
			}
		case xml.EndElement:
			done, err := s.end(t.Name.Local)
			if done || err != nil {
				return err
			}
		}
	}
}

func (s *scanner) start(t xml.StartElement) error {
	switch t.Name.Local {
	case "row":
		s.row = Row{Number: s.row.Number + 1, Cells: s.row.Cells[:0]}
		s.col = -1
		for _, a := range t.Attr {
			switch a.Name.Local {
			case "r":
				if n, err := strconv.Atoi(a.Value); err == nil && n > 0 {
					s.row.Number = n
				}
			case "hidden":
				s.row.Hidden = a.Value == "1" || a.Value == "true"
			}
		}
	case "c":
		s.col++
		s.cell.typ, s.cell.style, s.cell.formula = "", 0, false
		s.cell.value.Reset()
		for _, a := range t.Attr {
			switch a.Name.Local {
			case "r":
				if c := columnOf(a.Value); c >= 0 {
					s.col = c
				}
			case "t":
				s.cell.typ = a.Value
			case "s":
				s.cell.style, _ = strconv.Atoi(a.Value)
			}
		}
	case "f":
		s.cell.formula = true
	case "v":
		s.inValue = true
	case "is":
		s.inInline = true
	case "rPh":
		s.inInline = false // furigana
	case "t":
		s.inValue = s.inInline
	}
	return nil
}

func (s *scanner) end(name string) (done bool, err error) {
	switch name {
	case "v", "t":
		s.inValue = false
	case "rPh":
		s.inInline = true
	case "is":
		s.inInline = false
	case "c":
		return false, s.put()
	case "row":
		return false, s.emit()
	case "sheetData":
		return true, nil
	}
	return false, nil
}

// put stores the cell at hand into the row.
func (s *scanner) put() error {
	if s.col < 0 { // an end without a beginning
		return nil
	}
	cell := s.w.cell(s.cell.typ, s.cell.style, s.cell.value.String())
	cell.Formula = s.cell.formula
	if cell.Kind == Empty && !cell.Formula {
		return nil
	}
	if s.col >= MaxColumns {
		return fault.Newf(fault.TooLarge, "列が多すぎます(%d列まで)。%sに値があります。使っていない列を消して保存し直してください。",
			"There are too many columns (up to %d); %s has a value. Delete unused columns and save the file again.", MaxColumns, Ref(s.col, s.row.Number))
	}
	if utf8.RuneCountInString(cell.Text) > MaxCellText {
		return fault.Newf(fault.TooLarge, "%s の文字が多すぎます(%d文字まで)。", "The cell %s has too many characters (up to %d).",
			Ref(s.col, s.row.Number), MaxCellText)
	}
	for len(s.row.Cells) <= s.col {
		s.row.Cells = append(s.row.Cells, Cell{})
	}
	s.row.Cells[s.col] = cell
	return nil
}

func (s *scanner) emit() error {
	if !slices.ContainsFunc(s.row.Cells, func(c Cell) bool { return c.Text != "" || c.Formula }) {
		return nil
	}
	if s.seen++; s.seen > MaxRows {
		return fault.Newf(fault.TooLarge, "行が多すぎます(%d行まで)。ファイルを分けてください。", "There are too many rows (up to %d). Split the file.", MaxRows)
	}
	s.row.Cells = s.spread.fill(s.row.Number, s.row.Cells)
	return s.fn(s.row)
}

// cell turns a stored value into what a person sees.
func (w *workbook) cell(typ string, style int, v string) Cell {
	switch typ {
	case "s":
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n >= 0 && n < len(w.shared) {
			return textCell(w.shared[n])
		}
		return Cell{}
	case "inlineStr", "str":
		return textCell(unescape(v))
	case "b":
		return Cell{Text: map[bool]string{true: "TRUE", false: "FALSE"}[v == "1" || v == "true"], Kind: Bool}
	case "e":
		return Cell{Text: v, Kind: Error}
	case "d": // ISO 8601, in strict workbooks
		return Cell{Text: strings.TrimSuffix(strings.Replace(v, "T", " ", 1), " 00:00:00"), Kind: Date}
	}
	if strings.TrimSpace(v) == "" {
		return Cell{}
	}
	var f numberFormat
	if style >= 0 && style < len(w.formats) {
		f = w.formats[style]
	}
	text, kind := f.number(v, w.date904)
	return Cell{Text: text, Kind: kind}
}

func textCell(s string) Cell {
	if strings.TrimSpace(s) == "" {
		return Cell{}
	}
	return Cell{Text: s, Kind: Text}
}

// columnOf returns the column of "C12", -1 when it is none.
func columnOf(ref string) int {
	n := 0
	for i := range len(ref) {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > 1<<20 {
			return -1
		}
	}
	return n - 1
}

// merges finds the merged areas, which stand behind the cells in the part: bytes are searched, not parsed, so that this stays quick.
func (w *workbook) merges(part string) ([]Area, error) {
	rc, err := w.part(part)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var areas []Area
	needle := []byte("mergeCell ")
	buf := make([]byte, 256<<10)
	keep := 0
	for {
		n, err := rc.Read(buf[keep:])
		have := buf[:keep+n]
		last := err == io.EOF
		if err != nil && !last {
			return nil, notXLSX(fmt.Errorf("%s: %w", part, err))
		}
		for {
			at := bytes.Index(have, needle)
			if at < 0 || !last && len(have)-at < 200 {
				break
			}
			if a, ok := parseArea(have[at:min(len(have), at+200)]); ok && len(areas) < 20_000 {
				areas = append(areas, a)
			}
			have = have[at+len(needle):]
		}
		if last {
			return areas, nil
		}
		if at := bytes.Index(have, needle); at >= 0 {
			have = have[at:]
		} else if len(have) >= len(needle) {
			have = have[len(have)-len(needle)+1:]
		}
		keep = copy(buf, have)
	}
}

func parseArea(b []byte) (Area, bool) {
	_, rest, ok := bytes.Cut(b, []byte("ref="))
	if !ok || len(rest) < 2 {
		return Area{}, false
	}
	ref, _, ok := bytes.Cut(rest[1:], rest[:1])
	if !ok {
		return Area{}, false
	}
	from, to, ok := strings.Cut(string(ref), ":")
	if !ok {
		return Area{}, false
	}
	a := Area{Left: columnOf(from), Right: columnOf(to), Top: rowOf(from), Bottom: rowOf(to)}
	return a, a.Left >= 0 && a.Top > 0 && a.Right >= a.Left && a.Bottom >= a.Top && a.Left < MaxColumns
}

func rowOf(ref string) int {
	n, err := strconv.Atoi(strings.TrimLeft(strings.ToUpper(ref), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	if err != nil {
		return -1
	}
	return n
}

// spread gives the cells of a merged area the area's value, while rows stream by.
type spread struct {
	areas  []Area // by Top
	next   int
	active []merged
}

type merged struct {
	Area
	cell Cell
}

func newSpread(areas []Area) *spread {
	slices.SortFunc(areas, func(a, b Area) int { return a.Top - b.Top })
	return &spread{areas: areas}
}

func (s *spread) fill(row int, cells []Cell) []Cell {
	s.active = slices.DeleteFunc(s.active, func(m merged) bool { return m.Bottom < row })
	for s.next < len(s.areas) && s.areas[s.next].Top <= row {
		a := s.areas[s.next]
		s.next++
		if a.Top == row && a.Left < len(cells) && cells[a.Left].Text != "" && len(s.active) < 4096 {
			s.active = append(s.active, merged{a, cells[a.Left]})
		}
	}
	for _, m := range s.active {
		for c := m.Left; c <= min(m.Right, MaxColumns-1); c++ {
			for len(cells) <= c {
				cells = append(cells, Cell{})
			}
			if cells[c].Text == "" {
				cells[c] = Cell{Text: m.cell.Text, Kind: m.cell.Kind, Merged: true}
			}
		}
	}
	return cells
}
