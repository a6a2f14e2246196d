package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

var errNotOurs = fault.New(fault.Denied, "自院のドメインと確認されていません。", "Not proven to be ours.")

func ours(addr string) error {
	if strings.HasSuffix(addr, "@hosp.example.jp") {
		return nil
	}
	return errNotOurs
}

func read(t *testing.T, data []byte, name string) List {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)), name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Guess()
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Read(m, ours)
	if err != nil {
		t.Fatal(err)
	}
	if l.Rows != len(l.Recipients)+len(l.Rejected) {
		t.Fatalf("%d rows became %d people and %d rejections", l.Rows, len(l.Recipients), len(l.Rejected))
	}
	return l
}

func codes(l List) map[int]Code {
	m := map[int]Code{}
	for _, r := range l.Rejected {
		m[r.Line] = r.Code
	}
	return m
}

const hospital = "姓,名,フリガナ,所属部署,職種,メールアドレス\r\n" + // line 1
	"髙橋,花子,タカハシ ハナコ,5階東病棟,看護師,hanako@hosp.example.jp\r\n" +
	"花子\r\n" + // 3: short
	"﨑山,太郎,,薬剤部,薬剤師,ｔａｒｏ＠ｈｏｓｐ．ｅｘａｍｐｌｅ．ｊｐ\r\n" +
	"\"佐藤, Jr\",次郎,,\"検査\n科\",技師,jiro@hosp.example.jp\r\n" + // 5 and 6
	"山田,三郎,,事務,,HANAKO@HOSP.example.jp\r\n" + // row 6 by count: duplicate
	"鈴木,四郎,,事務,,shiro.hosp.example.jp\r\n" +
	"田中,五郎,,事務,,goro@gmail.example\r\n" +
	"伊藤,六郎,,事務,,\r\n" +
	"渡辺,七郎,,事務,,shichiro@hosp.example.jp,余分\r\n" +
	"=1+1,@八郎,+81,-2,\tx,hachiro@hosp.example.jp\r\n"

func TestHospitalList(t *testing.T) {
	sjis, err := japanese.ShiftJIS.NewEncoder().String(hospital)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(hospital, ",", "\t"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"utf-8": hospital, "bom": "\ufeff" + hospital, "cp932": sjis, "utf-16 with tabs": utf16, "lf": strings.ReplaceAll(hospital, "\r\n", "\n")} {
		t.Run(name, func(t *testing.T) {
			if name == "utf-16 with tabs" {
				text = strings.ReplaceAll(text, "\t\x00x\x00", "x\x00")
			}
			l := read(t, []byte(text), "list.csv")
			want := map[int]Code{3: ShortRow, 6: Duplicate, 7: BadAddress, 8: NotVerified, 9: NoAddress, 10: LongRow}
			if name == "utf-16 with tabs" { // a comma inside a value is no separator there, and the tab of the last row was one
				want = map[int]Code{3: ShortRow, 6: Duplicate, 7: BadAddress, 8: NotVerified, 9: NoAddress, 10: LongRow}
			}
			if d := cmp.Diff(want, codes(l)); d != "" {
				t.Fatal(d)
			}
			if len(l.Recipients) != 4 {
				t.Fatalf("%+v", l.Recipients)
			}
			a, b := l.Recipients[0], l.Recipients[1]
			if a.Family != "髙橋" || a.Given != "花子" || a.Name != "髙橋 花子" || a.Department != "5階東病棟" || a.Job != "看護師" || a.Line != 2 {
				t.Errorf("%+v", a)
			}
			if b.Family != "﨑山" || b.Email != "taro@hosp.example.jp" || b.Department != "薬剤部" || b.Kana != "" {
				t.Errorf("full-width letters, or a value from the row above: %+v", b)
			}
			for _, r := range l.Rejected {
				if r.Why.Ja == "" || r.Why.En == "" {
					t.Errorf("line %d has no reason", r.Line)
				}
			}
		})
	}
}

func TestFormulasStayTextAndGoOutHarmless(t *testing.T) {
	l := read(t, []byte(hospital), "list.csv")
	p := l.Recipients[3]
	if p.Family != "=1+1" || p.Given != "@八郎" || p.Kana != "+81" || p.Department != "-2" {
		t.Fatalf("%+v", p)
	}
	var out bytes.Buffer
	if err := WriteCSV(&out, l.Recipients, i18n.Ja); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "\ufeff姓,名,") {
		t.Errorf("no BOM for Excel: %q", out.String()[:20])
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	back := read(t, out.Bytes(), "out.csv")
	for i := range back.Recipients {
		back.Recipients[i].Line = l.Recipients[i].Line
	}
	if d := cmp.Diff(l.Recipients, back.Recipients); d != "" {
		t.Errorf("out and in again: %s", d)
	}
	out.Reset()
	if err := WriteXLSX(&out, l.Recipients, i18n.En); err != nil {
		t.Fatal(err)
	}
	if x := read(t, out.Bytes(), "out.xlsx"); len(x.Recipients) != 4 || x.Recipients[3].Family != "=1+1" {
		t.Errorf("xlsx out and in: %+v", x)
	}
	out.Reset()
	if err := WriteRejected(&out, []Rejected{{Line: 7, Value: "=cmd", Why: i18n.Text{Ja: "理由"}}}, i18n.Ja); err != nil || !strings.Contains(out.String(), "'=cmd") {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestMergedCellsAndFormulasOfAWorkbook(t *testing.T) {
	x := excelize.NewFile()
	for ref, v := range map[string]string{"A1": "訓練対象者一覧", "A3": "氏名", "B3": "部署", "C3": "e-mail",
		"A4": "長谷川 一", "B4": "看護部", "C4": "hajime@hosp.example.jp",
		"A5": "長谷川二", "C5": "futa@hosp.example.jp",
		"A6": "三上　三", "B6": "医事課", "C6": "mikami@hosp.example.jp",
		"A8": "Hanako Yamada", "B8": "ER", "C9": "noname@hosp.example.jp"} {
		if err := x.SetCellStr("Sheet1", ref, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{x.MergeCell("Sheet1", "B4", "B5"), x.MergeCell("Sheet1", "C6", "C7"), x.SetCellStr("Sheet1", "A7", "下の人"),
		x.SetCellFormula("Sheet1", "C8", `"hanako"&"@hosp.example.jp"`)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := x.Write(&b); err != nil {
		t.Fatal(err)
	}
	l := read(t, b.Bytes(), "名簿.xlsx")
	if d := cmp.Diff(map[int]Code{7: MergedCell, 8: NoStoredValue}, codes(l)); d != "" {
		t.Fatalf("%s\n%+v", d, l)
	}
	type short struct{ Family, Given, Name, Department string }
	var got []short
	for _, p := range l.Recipients {
		got = append(got, short{p.Family, p.Given, p.Name, p.Department})
	}
	want := []short{{"長谷川", "一", "長谷川 一", "看護部"}, {"", "", "長谷川二", "看護部"}, {"三上", "三", "三上 三", "医事課"}, {"", "", "", ""}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNamesSplitAtASpaceOnly(t *testing.T) {
	for name, want := range map[string][2]string{"山田 太郎": {"山田", "太郎"}, "山田　太郎": {"山田", "太郎"}, "山田太郎": {}, "山田 太郎 様": {}, "Hanako Yamada": {"Yamada", "Hanako"}} {
		l := read(t, []byte("氏名,mail\n"+name+",a@hosp.example.jp\n"), "x.csv")
		if p := l.Recipients[0]; p.Family != want[0] || p.Given != want[1] {
			t.Errorf("%s: %q %q", name, p.Family, p.Given)
		}
	}
}

func TestColumnsAreGuessedAndCorrected(t *testing.T) {
	for header, want := range map[string][]Field{
		"職員番号,職員氏名,氏名（カナ）,所属名,役職,E-mail":                     {LeaveOut, FullName, Kana, Department, Job, Email},
		"Last Name,First Name,Dept.,Job Title,Email Address": {Family, Given, Department, Job, Email},
		"姓（漢字）,名（漢字）,姓（カナ）,名（カナ）,メール（必須）":                    {Family, Given, LeaveOut, LeaveOut, Email},
		"表示名,userPrincipalName":                              {FullName, Email},
		"No,名前,備考,連絡先":                                       {LeaveOut, FullName, LeaveOut, Email}, // by what stands in it
	} {
		n := len(want)
		cells := make([]string, n)
		for i := range cells {
			cells[i] = fmt.Sprint(i)
		}
		cells[n-1] = "a@hosp.example.jp"
		text := "2026年度 標的型メール訓練\n" + header + "\n" + strings.Join(cells, ",") + "\n"
		f, err := Open(strings.NewReader(text), int64(len(text)), "x.csv")
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Guess()
		if err != nil {
			t.Fatal(err)
		}
		var got []Field
		for _, c := range m.Columns {
			got = append(got, c.Field)
		}
		if d := cmp.Diff(want, got); d != "" || m.Header != 2 {
			t.Errorf("%s: header %d %s", header, m.Header, d)
		}
	}

	text := "花子,乙,hanako@hosp.example.jp\n太郎,丙,taro@hosp.example.jp\n"
	f, err := Pasted(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Guess()
	if err != nil || m.Header != 0 || len(m.Columns) != 3 || m.Columns[2].Field != Email {
		t.Fatalf("%+v %v", m, err)
	}
	m.Columns[0].Field, m.Columns[1].Field = Given, Department
	l, err := f.Read(m, ours)
	if err != nil || len(l.Recipients) != 2 || l.Recipients[1].Given != "太郎" || l.Recipients[1].Department != "丙" || l.Recipients[0].Line != 1 {
		t.Errorf("%+v %v", l, err)
	}
	m.Columns[1].Field = Given
	if _, err := f.Read(m, ours); !fault.Is(err, fault.Invalid) {
		t.Errorf("one field twice: %v", err)
	}
	m.Columns[1].Field, m.Columns[2].Field = Department, LeaveOut
	if _, err := f.Read(m, ours); !strings.Contains(fault.Sentence(err, "ja"), "メールアドレスの列") {
		t.Errorf("no mail column: %v", err)
	}
	if _, err := f.GuessAt("paste", 99); err == nil {
		t.Error("a header row outside the table was taken")
	}
}

func TestPastedLists(t *testing.T) {
	for text, want := range map[string]string{
		"hanako@hosp.example.jp\ntaro@hosp.example.jp":                           "1:hanako@hosp.example.jp: 2:taro@hosp.example.jp:",
		"山田 花子 <hanako@hosp.example.jp>; \"Sato, Taro\" <taro@hosp.example.jp>;": "1:hanako@hosp.example.jp:山田 花子 1:taro@hosp.example.jp:Sato, Taro",
		"hanako@hosp.example.jp, taro@hosp.example.jp":                           "1:hanako@hosp.example.jp: 1:taro@hosp.example.jp:",
		"hanako@hosp.example.jp、Ｔaro＠hosp.example.jp":                            "1:hanako@hosp.example.jp: 1:Taro@hosp.example.jp:",
		"山田＜hanako＠hosp.example.jp＞":                                             "1:hanako@hosp.example.jp:山田",
		"\r\n\r\nhanako@hosp.example.jp\r\nHanako@hosp.example.jp\r\nなし":         "3:hanako@hosp.example.jp: !4:duplicate !5:bad-address",
		"x@other.example":             "!1:not-verified",
		"メール\nhanako@hosp.example.jp": "2:hanako@hosp.example.jp:",
		"氏名\tメール\n山田 花子\thanako@hosp.example.jp\n佐藤":                                "2:hanako@hosp.example.jp:山田 花子 !3:short-row",
		"花子,hanako@hosp.example.jp\n太郎,taro@hosp.example.jp":                        "1:hanako@hosp.example.jp: 2:taro@hosp.example.jp:",
		"hanako@hosp.example.jp\r\nBcc: evil@hosp.example.jp\nx\ry@hosp.example.jp": "1:hanako@hosp.example.jp: 4:y@hosp.example.jp: !2:bad-address !3:bad-address",
	} {
		f, err := Pasted(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		m, err := f.Guess()
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		l, err := f.Read(m, ours)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got []string
		for _, p := range l.Recipients {
			got = append(got, fmt.Sprintf("%d:%s:%s", p.Line, p.Email, p.Name))
		}
		for _, r := range l.Rejected {
			got = append(got, fmt.Sprintf("!%d:%s", r.Line, r.Code))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q:\n got %s\nwant %s", text, s, want)
		}
	}
	if _, err := Pasted("  \n "); err == nil {
		t.Error("nothing was pasted, and taken")
	}
}

func TestNobodyIsTakenWithoutAProof(t *testing.T) {
	f, _ := Pasted("a@hosp.example.jp")
	if l, _ := f.Read(Mapping{}, nil); len(l.Recipients) != 0 || l.Rejected[0].Code != NotVerified {
		t.Errorf("%+v", l)
	}
	asked := 0
	f, _ = Pasted("a@x.example\nb@x.example\nc@x.example")
	if _, err := f.Read(Mapping{}, func(string) error { asked++; return errors.New("no") }); err != nil || asked != 1 {
		t.Errorf("one domain was asked about %d times", asked)
	}
}

func TestLimits(t *testing.T) {
	var b strings.Builder
	b.WriteString("mail\n")
	for i := range MaxRows {
		fmt.Fprintf(&b, "u%d@hosp.example.jp\n", i)
	}
	if l := read(t, []byte(b.String()), "x.csv"); len(l.Recipients) != MaxRows {
		t.Errorf("%d of %d rows were read", len(l.Recipients), MaxRows)
	}
	b.WriteString("one@hosp.example.jp\n")
	f, err := Open(strings.NewReader(b.String()), int64(b.Len()), "x.csv")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := f.Guess()
	if _, err := f.Read(m, ours); !fault.Is(err, fault.TooLarge) {
		t.Errorf("%d rows: %v", MaxRows+1, err)
	}
	if _, err := Pasted(strings.TrimPrefix(b.String(), "mail\n")); !fault.Is(err, fault.TooLarge) {
		t.Errorf("pasted: %v", err)
	}
	if _, err := Open(io.NewSectionReader(strings.NewReader(""), 0, 0), MaxFile+1, "x.csv"); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a large file: %v", err)
	}
	long := "氏名,mail\n" + strings.Repeat("長", MaxValue+1) + ",a@hosp.example.jp\n"
	if l := read(t, []byte(long), "x.csv"); len(l.Rejected) != 1 || l.Rejected[0].Code != TooLong || l.Rejected[0].Cell != "A2" {
		t.Errorf("%+v", l)
	}
	if l := read(t, []byte("氏名,mail\n山\ufffd田,a@hosp.example.jp\n"), "x.csv"); len(l.Rejected) != 1 || l.Rejected[0].Code != BadText {
		t.Errorf("garbled text was taken: %+v", l)
	}
}

func FuzzOpen(f *testing.F) {
	sjis, _ := japanese.ShiftJIS.NewEncoder().String(hospital)
	for _, s := range []string{hospital, sjis, "\ufeffmail\na@hosp.example.jp", "sep=;\na;b", "\"", "a@hosp.example.jp;b@hosp.example.jp"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, paste bool) {
		open := func() (*File, error) { return Open(bytes.NewReader(b), int64(len(b)), "f.csv") }
		if paste {
			open = func() (*File, error) { return Pasted(string(b)) }
		}
		file, err := open()
		if err != nil {
			return
		}
		m, err := file.Guess()
		if err != nil {
			return
		}
		l, err := file.Read(m, ours)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, p := range l.Recipients {
			if seen[p.Key] || ours(p.Email) != nil || strings.ContainsAny(p.Email+p.Family+p.Given+p.Name+p.Department, "\r\n\x00") {
				t.Fatalf("%+v", p)
			}
			if p.Family != "" && p.Name == "" || p.Name != jp.Clean(p.Name) {
				t.Fatalf("%+v", p)
			}
			seen[p.Key] = true
		}
		if l.Rows != len(l.Recipients)+len(l.Rejected) {
			t.Fatal("a row was lost")
		}
	})
}
