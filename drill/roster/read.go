package roster

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"kenshin/drill/internal/address"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/paper"
)

// Verified says whether a drill may write to an address at all; its error is the sentence that the row is rejected with. It is asked once
// for each domain.
type Verified func(addr string) error

// Read reads the whole list by a mapping (which Guess made and a person may have changed). The error is about the list as a whole; what is
// wrong with a row is in List.Rejected.
func (f *File) Read(m Mapping, verified Verified) (List, error) {
	rd := &reader{verified: verified, domains: map[string]error{}, first: map[string]int{}}
	if f.Plain() {
		for _, it := range f.items {
			rd.take(it.line, "", it.text, Recipient{Line: it.line, Name: it.name, Email: it.addr})
		}
		return rd.list, nil
	}
	if err := m.Check(); err != nil {
		return List{}, err
	}
	s, err := f.sheet(m.Sheet)
	if err != nil {
		return List{}, err
	}
	rd.mapping, rd.csv, rd.list.Warnings = m, f.book.Format == paper.CSV, f.book.Warnings
	for _, c := range m.Columns {
		if c.Field != LeaveOut || c.Header != "" {
			rd.width = max(rd.width, c.Index+1)
		}
	}
	if m.Header == 0 { // without a header the columns that are used must be there
		rd.width = 0
		for _, c := range m.Columns {
			if c.Field != LeaveOut {
				rd.width = max(rd.width, c.Index+1)
			}
		}
	}
	err = s.Rows(rd.row)
	return rd.list, err
}

type reader struct {
	mapping  Mapping
	csv      bool
	width    int // columns that a row of a CSV must have
	named    int // cells of the header row, empty ones included
	verified Verified
	domains  map[string]error
	first    map[string]int // line by key
	list     List
}

func (rd *reader) row(r paper.Row) error {
	if r.Number == rd.mapping.Header {
		rd.named = len(r.Cells)
	}
	if r.Number <= rd.mapping.Header || blank(r) {
		return nil
	}
	if rd.list.Rows >= MaxRows {
		return tooMany()
	}
	if why, cell := rd.wrongWidth(r); why.Code != "" {
		rd.reject(r.Number, cell, preview(r), why)
		return nil
	}
	p := Recipient{Line: r.Number}
	var mail string
	mailCell := ""
	for _, c := range rd.mapping.Columns {
		if c.Field == LeaveOut {
			continue
		}
		cell, ref := paper.Cell{}, paper.Ref(c.Index, r.Number)
		if c.Index < len(r.Cells) {
			cell = r.Cells[c.Index]
		}
		if c.Field == Email {
			mail, mailCell = cell.Text, ref
		}
		if why := wrongCell(cell, c.Field); why.Code != "" {
			rd.reject(r.Number, ref, cell.Text, why)
			return nil
		}
		p.set(c.Field, cell.Text)
	}
	rd.take(r.Number, mailCell, mail, p)
	return nil
}

func blank(r paper.Row) bool {
	return !slices.ContainsFunc(r.Cells, func(c paper.Cell) bool { return strings.TrimSpace(c.Text) != "" || c.Formula })
}

type trouble struct {
	Code Code
	Why  i18n.Text
}

// wrongWidth finds rows of a CSV whose cells have slid: an Excel sheet leaves out empty cells at the end, a CSV does not.
func (rd *reader) wrongWidth(r paper.Row) (trouble, string) {
	if !rd.csv {
		return trouble{}, ""
	}
	if len(r.Cells) < rd.width {
		return trouble{ShortRow, i18n.Text{
			Ja: fmt.Sprintf("列が足りません(%d列のはずが%d列)。引用符や改行が欠けていないか確かめてください。", rd.width, len(r.Cells)),
			En: fmt.Sprintf("The row is short (%d columns of %d). Look for a missing quote or line break.", len(r.Cells), rd.width)}}, ""
	}
	if rd.mapping.Header == 0 {
		return trouble{}, ""
	}
	for i := max(rd.named, rd.width); i < len(r.Cells); i++ {
		if strings.TrimSpace(r.Cells[i].Text) != "" {
			return trouble{LongRow, i18n.Text{Ja: "見出しより列が多く、値がずれています。「,」を含む値は「\"」で囲んでください。",
				En: "The row has more columns than the header: values have slid. Put quotes around values with a comma."}}, paper.Ref(i, r.Number)
		}
	}
	return trouble{}, ""
}

func wrongCell(c paper.Cell, f Field) trouble {
	switch {
	case c.Merged && f != Department && f != Job: // a department that spans its people is how such lists are drawn
		return trouble{MergedCell, i18n.Text{Ja: "結合されたセルです。上の行の値かもしれないので取り込みません。結合を解いて、1人に1行で書いてください。",
			En: "The cell is merged: it may be the value of the row above. Unmerge it and write one person per row."}}
	case c.Formula && strings.TrimSpace(c.Text) == "":
		return trouble{NoStoredValue, i18n.Text{Ja: "数式の値がファイルに保存されていません。Excelで開いて保存し直すか、値を貼り付けてください。",
			En: "The file does not hold the formula's value. Open and save it in Excel, or paste values."}}
	case c.Kind == paper.Error:
		return trouble{BadText, i18n.Text{Ja: "数式のエラー(" + short(c.Text, 12) + ")が入っています。", En: "The cell holds an error (" + short(c.Text, 12) + ")."}}
	case strings.ContainsRune(c.Text, unicode.ReplacementChar):
		return trouble{BadText, i18n.Text{Ja: "文字化けしています。元のファイルの文字コードを確かめてください。", En: "The text is garbled. Check the file's encoding."}}
	}
	if n := len([]rune(c.Text)); f != Email && n > MaxValue {
		return trouble{TooLong, i18n.Text{Ja: fmt.Sprintf("「%s」が長すぎます(%d文字まで)。", f.name().Ja, MaxValue),
			En: fmt.Sprintf("%s is too long (up to %d characters).", f.name().En, MaxValue)}}
	}
	return trouble{}
}

func (p *Recipient) set(f Field, v string) {
	if f == Email {
		p.Email = v
		return
	}
	v = clean(v)
	switch f {
	case Family:
		p.Family = v
	case Given:
		p.Given = v
	case FullName:
		p.Name = v
	case Kana:
		p.Kana = v
	case Department:
		p.Department = v
	case Job:
		p.Job = v
	}
}

// clean keeps a value as it was written, but on one line and without marks that nobody sees. A value that looks like a formula stays text.
func clean(s string) string {
	return jp.Clean(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s))
}

// take checks the address and puts the person on the list.
func (rd *reader) take(line int, cell, value string, p Recipient) {
	if rd.list.Rows >= MaxRows {
		return
	}
	if strings.TrimSpace(address.Tidy(p.Email)) == "" {
		rd.reject(line, cell, value, trouble{NoAddress, i18n.Text{Ja: "メールアドレスがありません。", En: "The mail address is missing."}})
		return
	}
	a, err := address.Parse(p.Email)
	if err != nil {
		rd.reject(line, cell, value, trouble{BadAddress, sentence(err)})
		return
	}
	p.Email, p.Domain, p.Key = a.String(), a.Domain, a.Key()
	if at, twice := rd.first[p.Key]; twice {
		rd.reject(line, cell, value, trouble{Duplicate, i18n.Text{Ja: fmt.Sprintf("%d行目と同じアドレスです(大文字と小文字は区別しません)。", at),
			En: fmt.Sprintf("The same address as on line %d (letter case does not matter).", at)}})
		return
	}
	if err := rd.mayWrite(a); err != nil {
		rd.reject(line, cell, value, trouble{NotVerified, sentence(err)})
		return
	}
	rd.first[p.Key] = line
	p.fillNames()
	rd.list.Rows++
	rd.list.Recipients = append(rd.list.Recipients, p)
}

func (rd *reader) mayWrite(a address.Address) error {
	if rd.verified == nil {
		return fault.New(fault.Denied, "確認済みのドメインがありません。", "No domain has been verified.")
	}
	err, asked := rd.domains[a.Domain]
	if !asked {
		err = rd.verified(a.String())
		rd.domains[a.Domain] = err
	}
	return err
}

// fillNames splits 氏名 at a space and nowhere else: 長谷川 is not 長 谷川.
func (p *Recipient) fillNames() {
	if p.Name == "" {
		p.Name = strings.TrimSpace(p.Family + " " + p.Given)
		return
	}
	if family, given, ok := strings.Cut(p.Name, " "); ok && p.Family == "" && p.Given == "" && !strings.Contains(given, " ") {
		if western(p.Name) { // Hanako Yamada: the family name stands last
			family, given = given, family
		}
		p.Family, p.Given = family, given
	}
}

func western(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x24f }) < 0
}

func (rd *reader) reject(line int, cell, value string, t trouble) {
	rd.list.Rows++
	rd.list.Rejected = append(rd.list.Rejected, Rejected{Line: line, Cell: cell, Value: short(clean(value), 60), Code: t.Code, Why: t.Why})
}

func preview(r paper.Row) string {
	var b strings.Builder
	for i, c := range r.Cells {
		if i > 0 {
			b.WriteString(" | ")
		}
		if b.WriteString(short(c.Text, 60)); b.Len() > 200 {
			break
		}
	}
	return b.String()
}

func sentence(err error) i18n.Text {
	return i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}
}
