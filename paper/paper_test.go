package paper

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"kenshin/fault"
	"kenshin/jp"
)

func open(t testing.TB, b []byte, name string) *Book {
	t.Helper()
	book, err := Open(bytes.NewReader(b), int64(len(b)), name)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func refused(t *testing.T, b []byte, name string, kind fault.Kind, ja string) {
	t.Helper()
	_, err := Open(bytes.NewReader(b), int64(len(b)), name)
	if !fault.Is(err, kind) || !strings.Contains(fault.Sentence(err, "ja"), ja) {
		t.Errorf("%s: got %v, want a sentence with %q", name, err, ja)
	}
}

// texts reads a sheet as "row: a|b|c" lines.
func texts(t testing.TB, s *Sheet) []string {
	t.Helper()
	var out []string
	if err := s.Rows(func(r Row) error {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = c.Text
		}
		out = append(out, fmt.Sprintf("%d: %s", r.Number, strings.TrimRight(strings.Join(cells, "|"), "|")))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func save(t testing.TB, f *excelize.File, opts ...excelize.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b, opts...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// minimal is a workbook by hand: sheet is the XML inside <worksheet>.
func minimal(t testing.TB, sheet, shared string) []byte {
	t.Helper()
	const ns = `xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	const rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	return pack(t, map[string]string{
		"_rels/.rels":                `<Relationships><Relationship Id="a" Type="` + rel + `officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<x:workbook ` + ns + `><x:sheets><x:sheet name="台帳" sheetId="1" r:id="r1"/></x:sheets></x:workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="` + rel + `worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="` + rel + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<x:worksheet ` + ns + `>` + sheet + `</x:worksheet>`,
		"xl/SharedStrings.xml":       `<x:sst ` + ns + `>` + shared + `</x:sst>`,
	})
}

func TestWorkbookAsPeopleMakeIt(t *testing.T) {
	f := excelize.NewFile()
	set := func(cell string, v any) {
		t.Helper()
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	style := func(cell, code string) {
		t.Helper()
		id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellStyle("Sheet1", cell, cell, id); err != nil {
			t.Fatal(err)
		}
	}
	set("A1", "医療機器台帳")
	_ = f.MergeCell("Sheet1", "A1", "E1")
	set("A2", "番号")
	set("B2", "設置場所")
	_ = f.MergeCell("Sheet1", "A2", "A3")
	_ = f.MergeCell("Sheet1", "B2", "C2")
	set("B3", "棟")
	set("C3", "階")
	set("D3", "導入日")
	set("A4", 12)
	style("A4", "0000")
	set("B4", "本館")
	_ = f.MergeCell("Sheet1", "B4", "B5")
	set("C4", 2)
	set("D4", 45383)
	style("D4", `[$-411]ggge"年"m"月"d"日"`)
	set("A5", 13)
	style("A5", `"PC-"0000`)
	set("D5", 45383)
	style("D5", `yyyy"年"m"月"`)
	set("E5", 490123456789012)
	_ = f.SetCellFormula("Sheet1", "F5", "=1+1")
	set("A7", time.Date(2024, 4, 1, 9, 30, 0, 0, time.UTC))
	set("B7", true)
	set("C7", 0.1)
	set("D7", "1行目\n2行目 & <x>")
	style("A7", "yyyy/m/d h:mm")
	_ = f.SetRowVisible("Sheet1", 7, false)
	_, _ = f.NewSheet("隠し")
	_ = f.SetSheetVisible("隠し", false)

	book := open(t, save(t, f), "dir/台帳.xlsx")
	want := []string{"1: 医療機器台帳|医療機器台帳|医療機器台帳|医療機器台帳|医療機器台帳", "2: 番号|設置場所|設置場所", "3: 番号|棟|階|導入日",
		"4: 0012|本館|2|2024-04-01", "5: PC-0013|本館||2024-04|490123456789012", "7: 2024-04-01 09:30:00|TRUE|0.1|1行目\n2行目 & <x>"}
	if d := cmp.Diff(want, texts(t, book.Sheets()[0])); d != "" {
		t.Error(d)
	}
	if !book.Sheets()[1].Hidden || book.Sheets()[1].Name != "隠し" {
		t.Error("hidden sheet")
	}
	_ = book.Sheets()[0].Rows(func(r Row) error {
		if r.Number == 5 && (!r.Cells[5].Formula || !r.Cells[1].Merged) {
			t.Error("formula or merge not marked")
		}
		if r.Hidden != (r.Number == 7) {
			t.Errorf("row %d hidden %v", r.Number, r.Hidden)
		}
		return nil
	})
}

func TestNamespacesFuriganaAndMissingReferences(t *testing.T) {
	b := minimal(t, `<x:sheetData><x:row><x:c t="s"><x:v>0</x:v></x:c><x:c t="inlineStr"><x:is><x:r><x:t>CT</x:t></x:r><x:r><x:t>室</x:t></x:r></x:is></x:c></x:row>
		<x:row r="5"><x:c r="C5" t="str"><x:f>A1&amp;"x"</x:f><x:v>計算済み</x:v></x:c><x:c r="D5" t="e"><x:v>#REF!</x:v></x:c><x:c r="E5"><x:f>SUM(A1)</x:f></x:c></x:row></x:sheetData>`,
		`<x:si><x:t>髙橋</x:t><x:rPh sb="0" eb="2"><x:t>タカハシ</x:t></x:rPh></x:si>`)
	got := texts(t, open(t, b, "a.xlsx").Sheets()[0])
	if d := cmp.Diff([]string{"1: 髙橋|CT室", "5: ||計算済み|#REF!"}, got); d != "" {
		t.Error(d)
	}
}

func TestHostileFiles(t *testing.T) {
	refused(t, nil, "a.csv", fault.Invalid, "空")
	refused(t, []byte("%PDF-1.7"), "a.xlsx", fault.Invalid, "PDF")
	refused(t, []byte("hello"), "a.xlsx", fault.Invalid, ".xlsx")
	refused(t, append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 600)...), "a.xls", fault.Invalid, "古い形式")
	refused(t, save(t, excelize.NewFile(), excelize.Options{Password: "secret"}), "a.xlsx", fault.Invalid, "パスワード")
	refused(t, pack(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "a.ods", fault.Invalid, "Excel ブック")
	refused(t, pack(t, map[string]string{"readme.txt": "x"}), "a.zip", fault.Invalid, ".xlsx")

	var many bytes.Buffer
	z := zip.NewWriter(&many)
	for i := range MaxParts + 1 {
		if _, err := z.Create(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	_ = z.Close()
	refused(t, many.Bytes(), "many.xlsx", fault.TooLarge, "広げると")

	macro := pack(t, map[string]string{"xl/vbaProject.bin": "x", "xl/workbook.xml": `<workbook><sheets><sheet name="a" id="r"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r" Type="x/worksheet" Target="s.xml"/></Relationships>`,
		"xl/s.xml":                   `<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>`})
	if book := open(t, macro, "a.xlsm"); len(book.Warnings) != 1 || texts(t, book.Sheets()[0])[0] != "1: 1" {
		t.Error("a workbook with macros is read and says so")
	}
	again := pack(t, map[string]string{"xl/workbook.xml": `<workbook><sheets><sheet name="a" id="r"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r" Type="x/worksheet" Target="s.xml"/>` +
			strings.Repeat(`<Relationship Id="t" Type="x/sharedStrings" Target="t.xml"/>`, 3) + `</Relationships>`,
		"xl/t.xml": `<sst><si><t>一つ</t></si></sst>`,
		"xl/s.xml": `<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>2</v></c></row></sheetData></worksheet>`})
	if got := texts(t, open(t, again, "a.xlsx").Sheets()[0])[0]; got != "1: 一つ" {
		t.Errorf("a table that is named three times is read once: %q", got)
	}
	for name, sheet := range map[string]string{"cut": `<x:sheetData><x:row><x:c`, "entity": `<x:sheetData><x:row><x:c><x:v>&bomb;</x:v></x:c></x:row></x:sheetData>`} {
		if err := open(t, minimal(t, sheet, ""), name).Sheets()[0].Rows(func(Row) error { return nil }); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// zeros reads as n zero bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.n <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), z.n)
	clear(b[:n])
	z.n -= n
	return int(n), nil
}

func TestOneGigabyteOfZippedZerosIsRefusedAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 1 GB")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "bomb.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := zip.NewWriter(file)
	w, _ := z.Create("xl/worksheets/sheet1.xml")
	if _, err := io.Copy(w, &zeros{1 << 30}); err != nil {
		t.Fatal(err)
	}
	_ = z.Close()
	info, _ := file.Stat()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err = Open(file, info.Size(), "bomb.xlsx")
	runtime.ReadMemStats(&after)
	if !fault.Is(err, fault.TooLarge) {
		t.Fatal(err)
	}
	if grew := after.TotalAlloc - before.TotalAlloc; grew > 4<<20 || time.Since(start) > time.Second {
		t.Errorf("took %s and %d bytes", time.Since(start), grew)
	}
}

func TestADirectoryThatLiesAboutSizes(t *testing.T) {
	honest := minimal(t, `<x:sheetData><x:row><x:c><x:v>1</x:v></x:c></x:row>`+strings.Repeat(" ", 64<<20)+`</x:sheetData>`, "")
	in, err := zip.NewReader(bytes.NewReader(honest), int64(len(honest)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		h := f.FileHeader
		if strings.Contains(h.Name, "sheet1") {
			h.UncompressedSize64 = 300 // in truth 64 MB
		}
		w, err := out.CreateRaw(&h)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	book := open(t, b.Bytes(), "a.xlsx")
	runtime.ReadMemStats(&before)
	err = book.Sheets()[0].Rows(func(Row) error { return nil })
	runtime.ReadMemStats(&after)
	if !fault.Is(err, fault.Invalid) || after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("%v, %d bytes", err, after.TotalAlloc-before.TotalAlloc)
	}
}

func TestPhantomRows(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>`)
	for i := 2; i <= 1_048_576; i++ {
		fmt.Fprintf(&b, `<x:row r="%d" spans="1:3"/>`, i)
	}
	b.WriteString(`</x:sheetData><x:mergeCells><x:mergeCell ref="A1:C1"/></x:mergeCells>`)
	start := time.Now()
	if got := texts(t, open(t, minimal(t, b.String(), ""), "a.xlsx").Sheets()[0]); len(got) != 1 || got[0] != "1: 1|1|1" {
		t.Errorf("%v", got)
	}
	t.Logf("1,048,576 empty rows in %s", time.Since(start))
}

func TestCSV(t *testing.T) {
	sjis, _ := jp.Encode932("番号;機器名\r\n001;\"髙橋の\"\"PC\"\"\r\n2行目\"\r\n\r\n002;5\" 画面;\r\n")
	for _, c := range []struct {
		name, in string
		sep      rune
		enc      jp.Encoding
		want     []string
	}{
		{"cp932 semicolons", string(sjis), ';', jp.CP932, []string{"1: 番号|機器名", "2: 001|髙橋の\"PC\"\n2行目", "4: 002|5\" 画面"}},
		{"tabs", "a\tb,c\n1\t2,3\n", '\t', jp.UTF8, []string{"1: a|b,c", "2: 1|2,3"}},
		{"old Mac", "a,b\r1,2", ',', jp.UTF8, []string{"1: a|b", "2: 1|2"}},
		{"hint", "sep=|\r\na|b\r\n", '|', jp.UTF8, []string{"2: a|b"}},
		{"one column", "a\nb\n", ',', jp.UTF8, []string{"1: a", "2: b"}},
		{"guarded", "a,b\n'=1+1,''@x\n'plain,-\n", ',', jp.UTF8, []string{"1: a|b", "2: =1+1|'@x", "3: 'plain|-"}},
	} {
		book := open(t, []byte(c.in), c.name+".csv")
		if d := cmp.Diff(c.want, texts(t, book.Sheets()[0])); d != "" || book.Separator != c.sep || book.Encoding != c.enc {
			t.Errorf("%s: %q %s %s", c.name, book.Separator, book.Encoding, d)
		}
	}
	if book := open(t, []byte("番号,名前,備考の列です\n1\x00,b,c\n"), "nul.csv"); len(book.Warnings) != 1 || texts(t, book.Sheets()[0])[1] != "2: 1|b|c" {
		t.Error("NUL bytes are dropped and said")
	}
	err := open(t, []byte("a,b\n1,2\n3,\"4\n5,6\n"), "q.csv").Sheets()[0].Rows(func(Row) error { return nil })
	if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), "3行目") {
		t.Errorf("unclosed quote: %v", err)
	}
}

func TestWriteAndReadBack(t *testing.T) {
	table := Table{Sheet: "台帳/一覧", Columns: []Column{{Header: "番号"}, {Header: "=名前"}, {Header: "件数", Width: 8}}}
	in := [][]any{{"0012", "=HYPERLINK(\"http://x\")", 3}, {"+81-3", "@SUM(A1)", int64(0)}, {"'=x", "-", nil}, {"a,\"b\"", "改\n行", 1}, {"''", "'普通", 2}, {"_x0041_ a_x", "", 3}}
	records := func(yield func([]any, error) bool) {
		for _, r := range in {
			if !yield(r, nil) {
				return
			}
		}
	}
	want := []string{"1: 番号|=名前|件数", "2: 0012|=HYPERLINK(\"http://x\")|3", "3: +81-3|@SUM(A1)|0", "4: '=x|-", "5: a,\"b\"|改\n行|1", "6: ''|'普通|2", "7: _x0041_ a_x||3"}
	var x, c bytes.Buffer
	if err := WriteXLSX(&x, Part{table, records}, Part{Table{Sheet: "二枚目", Columns: table.Columns}, records}); err != nil {
		t.Fatal(err)
	}
	if err := WriteCSV(&c, table, records); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"a.xlsx": x.Bytes(), "a.csv": c.Bytes()} {
		if d := cmp.Diff(want, texts(t, open(t, b, name).Sheets()[0])); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if !strings.HasPrefix(c.String(), "\uFEFF番号,'=名前") || strings.Contains(c.String(), ",@SUM") {
		t.Errorf("CSV: %q", c.String())
	}
	f, err := excelize.OpenReader(bytes.NewReader(x.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if formula, _ := f.GetCellFormula("台帳_一覧", "B2"); formula != "" {
		t.Errorf("a text became the formula %q", formula)
	}
	if names := f.GetDefinedName(); len(names) != 2 {
		t.Errorf("no filter: %v", names)
	}
}

func TestColumnNames(t *testing.T) {
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA"} {
		if ColumnName(n) != want || columnOf(want+"1") != n {
			t.Errorf("%d: %s %d", n, ColumnName(n), columnOf(want))
		}
	}
}

func ledgerBook(t testing.TB, rows, columns int) []byte {
	table := Table{Sheet: "台帳", Columns: make([]Column, columns)}
	for i := range table.Columns {
		table.Columns[i].Header = fmt.Sprintf("列%d", i)
	}
	var b bytes.Buffer
	if err := WriteXLSX(&b, Part{table, func(yield func([]any, error) bool) {
		for n := range rows {
			rec := make([]any, columns)
			for i := range rec {
				rec[i] = fmt.Sprintf("値%d-%d", n, i)
			}
			if !yield(rec, nil) {
				return
			}
		}
	}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkRead10000Rows(b *testing.B) {
	file := ledgerBook(b, 10_000, 20)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := open(b, file, "a.xlsx").Sheets()[0].Rows(func(Row) error { n++; return nil }); err != nil || n != 10_001 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkReadByExcelize is the peer beside which BenchmarkRead10000Rows stands.
func BenchmarkReadByExcelize(b *testing.B) {
	file := ledgerBook(b, 10_000, 20)
	b.ReportAllocs()
	for b.Loop() {
		f, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		rows, err := f.Rows("台帳")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			if _, err := rows.Columns(); err != nil {
				b.Fatal(err)
			}
		}
		_ = rows.Close()
		_ = f.Close()
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("a,b\n\"1\n\"\"2\",3\r\n", byte(','))
	f.Add("sep=;\r\na;b", byte(';'))
	f.Fuzz(func(t *testing.T, s string, sep byte) {
		if len(s) > 1<<16 {
			return
		}
		rows := 0
		err := csvRows(s, []rune{',', ';', '\t'}[sep%3], func(r Row) error { rows++; return nil })
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatalf("no sentence: %v", err)
		}
		if rows > len(s) {
			t.Fatal("more rows than bytes")
		}
		if _, err := Open(strings.NewReader(s), int64(len(s)), "x.csv"); err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatalf("no sentence: %v", err)
		}
	})
}

func FuzzSheetXML(f *testing.F) {
	f.Add(`<x:sheetData><x:row r="2"><x:c r="ZZ2" t="s" s="9"><x:v>7</x:v></x:c></x:row></x:sheetData><x:mergeCells><x:mergeCell ref="A1:B9"/></x:mergeCells>`)
	f.Add(`<row><v>0</c >`)
	f.Fuzz(func(t *testing.T, s string) {
		b := minimal(t, s, "<x:si><x:t>a</x:t></x:si>")
		book, err := Open(bytes.NewReader(b), int64(len(b)), "x.xlsx")
		if err != nil {
			t.Fatal(err)
		}
		if err := book.Sheets()[0].Rows(func(Row) error { return nil }); err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatalf("no sentence: %v", err)
		}
	})
}
