package roster

import (
	"strings"
	"sync"

	"kenshin/fault"
	"kenshin/jp"
	"kenshin/paper"
)

// words are what hospitals call the columns.
var words = sync.OnceValue(func() map[string]Field {
	m := map[string]Field{}
	for f, list := range map[Field]string{
		Email: "メール メールアドレス eメール 電子メール 電子メールアドレス e-mail email mail mailaddress email_address emailaddress アドレス 連絡先メール 院内メール 宛先 smtpaddress " +
			"primarysmtpaddress userprincipalname upn mailアドレス e-mailアドレス emailアドレス メアド 職員メールアドレス 業務用メールアドレス",
		Family:   "姓 苗字 名字 氏 lastname last_name familyname family_name surname sn 姓(漢字) 漢字姓",
		Given:    "名 firstname first_name givenname given_name 下の名前 名(漢字) 漢字名",
		FullName: "氏名 名前 お名前 職員名 職員氏名 姓名 漢字氏名 氏名(漢字) 利用者名 ユーザー名 name fullname full_name displayname display_name 表示名 社員名 対象者 対象者氏名 受信者",
		Kana: "ふりがな フリガナ 氏名カナ 氏名かな 氏名(カナ) 氏名(かな) カナ氏名 かな カナ 読み よみ よみがな 読み仮名 職員氏名カナ カナ名 kana furigana reading phonetic " +
			"phoneticdisplayname 氏名フリガナ 氏名ふりがな",
		Department: "部署 部署名 所属 所属部署 所属名 所属部署名 部門 部門名 部課 課 科 科名 診療科 病棟 病棟名 部 部名 配属 配属先 勤務先 勤務場所 職場 department dept division section unit ward group team",
		Job:        "職種 職種名 職名 役職 役職名 職 資格 職務 職位 job jobtitle job_title title role position occupation",
	} {
		for _, w := range strings.Fields(list) {
			m[key(w)] = f
		}
	}
	return m
})

// key folds a header for comparison; brackets and marks such as * (required) do not count.
func key(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("()[]【】<>〈〉*※:。、・.\"'_-/ ", r) {
			return -1
		}
		return r
	}, jp.Fold(s))
}

// fieldOf names a header's field. Half of a reading (姓カナ) is left out: the list has one column for readings.
func fieldOf(header string) Field {
	k := key(header)
	if f, ok := words()[k]; ok {
		return f
	}
	open := strings.IndexAny(header, "(（[［")
	if open > 0 {
		if f, ok := words()[key(header[:open])]; ok && !strings.Contains(k, key("カナ")) && !strings.Contains(k, key("ふりがな")) {
			return f
		}
	}
	return LeaveOut
}

// Guess finds the table: of all sheets the one that looks most like a list of people. For a plain pasted list it returns an empty mapping.
func (f *File) Guess() (Mapping, error) {
	if f.Plain() {
		return Mapping{}, nil
	}
	best, bestScore := Mapping{}, -1
	for _, s := range f.book.Sheets() {
		rows, err := head(s)
		if err != nil {
			return Mapping{}, err
		}
		m := mapped(s.Name, rows, findHeader(rows))
		score := 0
		for _, c := range m.Columns {
			if c.Field == Email {
				score += 10
			} else if c.Field != LeaveOut {
				score++
			}
		}
		if s.Hidden {
			score /= 4
		}
		if score > bestScore && len(m.Columns) > 0 {
			best, bestScore = m, score
		}
	}
	if bestScore < 0 {
		return best, fault.New(fault.Invalid, "表が空です。宛先の入ったファイルを選んでください。", "The table is empty. Choose the file that holds the recipients.")
	}
	return best, nil
}

// GuessAt is Guess with the sheet and its header row chosen by a person; 0 means that there is no header.
func (f *File) GuessAt(sheet string, header int) (Mapping, error) {
	if f.Plain() {
		return Mapping{}, nil
	}
	s, err := f.sheet(sheet)
	if err != nil {
		return Mapping{}, err
	}
	rows, err := head(s)
	if err != nil {
		return Mapping{}, err
	}
	for i, r := range rows {
		if r.number == header {
			return mapped(s.Name, rows, i), nil
		}
	}
	if header != 0 {
		return Mapping{}, fault.Newf(fault.Invalid, "%d行目は空か、表の外です。見出しのある行を選んでください。",
			"Row %d is empty or outside the table. Choose the row with the column names.", header)
	}
	return mapped(s.Name, rows, -1), nil
}

// findHeader returns the index of the row with the most known names, or -1. A row with an address in it is a person, not a header.
func findHeader(rows []row) int {
	best, bestScore := -1, 0
	for i, r := range rows[:min(len(rows), headerRows)] {
		score, seen := 0, map[Field]bool{}
		for col := range r.cells[:min(len(r.cells), maxColumns)] {
			if strings.Contains(jp.Narrow(r.text(col)), "@") {
				score = -100
				break
			}
			if f := fieldOf(r.text(col)); f != LeaveOut && !seen[f] {
				score++
				seen[f] = true
			}
		}
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	return best
}

func mapped(sheet string, rows []row, header int) Mapping {
	m := Mapping{Sheet: sheet}
	data := rows
	if header >= 0 {
		m.Header = rows[header].number
		data = rows[header+1:]
	}
	width := 0
	for _, r := range rows[max(header, 0):] {
		width = max(width, min(len(r.cells), maxColumns))
	}
	taken := map[Field]bool{}
	for col := range width {
		c := Column{Index: col}
		if header >= 0 {
			c.Header = short(rows[header].text(col), MaxValue)
		}
		for _, r := range data {
			if v := r.text(col); v != "" && len(c.Samples) < sampleCount {
				c.Samples = append(c.Samples, short(v, 60))
			}
		}
		if c.Header == "" && len(c.Samples) == 0 {
			continue
		}
		if f := fieldOf(c.Header); f != LeaveOut && !taken[f] && (f != Email || len(c.Samples) == 0 || addresses(data, col) > 0) {
			c.Field, taken[f] = f, true
		}
		m.Columns = append(m.Columns, c)
	}
	if !taken[Email] {
		byContent(m.Columns, data)
	}
	return m
}

// byContent takes the unnamed column with the most addresses for the mail column.
func byContent(columns []Column, data []row) {
	best, most := -1, 0
	for i, c := range columns {
		if n := addresses(data, c.Index); n > most && c.Field == LeaveOut {
			best, most = i, n
		}
	}
	if best >= 0 {
		columns[best].Field = Email
	}
}

func addresses(data []row, col int) (n int) {
	for _, r := range data {
		if strings.Contains(jp.Narrow(r.text(col)), "@") {
			n++
		}
	}
	return n
}

// Peek returns the first rows of a sheet as they read, for the page that shows the mapping.
func (f *File) Peek(sheet string, rows, columns int) ([][]string, error) {
	if f.Plain() {
		return nil, nil
	}
	s, err := f.sheet(sheet)
	if err != nil {
		return nil, err
	}
	var out [][]string
	err = s.Rows(func(r paper.Row) error {
		if len(out) >= rows {
			return enough{}
		}
		line := make([]string, min(columns, len(r.Cells)))
		for i := range line {
			line[i] = short(jp.Clean(r.Cells[i].Text), 60)
		}
		out = append(out, line)
		return nil
	})
	if _, ok := err.(enough); ok { //nolint:errorlint // our own, never wrapped
		err = nil
	}
	return out, err
}
