package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"kenshin/fault"
	"kenshin/jp"
	"kenshin/paper"
)

func open(t testing.TB, b []byte, name string) *paper.Book {
	t.Helper()
	book, err := paper.Open(bytes.NewReader(b), int64(len(b)), name)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// workbook writes rows into a sheet; merges are "A1:C1".
func workbook(t testing.TB, rows [][]any, merges ...string) *paper.Book {
	t.Helper()
	f := excelize.NewFile()
	for i, r := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range merges {
		from, to, _ := strings.Cut(m, ":")
		if err := f.MergeCell("Sheet1", from, to); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return open(t, b.Bytes(), "台帳.xlsx")
}

func csv(t testing.TB, text string) *paper.Book { return open(t, []byte(text), "ledger.csv") }

// ties prints a mapping as "header=field".
func ties(m Mapping) []string {
	var out []string
	for _, c := range m.Columns {
		out = append(out, c.Header+"="+c.Field)
	}
	return out
}

// radiology is a department's list as they are made: a title, a note, a header over two rows, a place that spans rows, a footer.
func radiology(t testing.TB) *paper.Book {
	return workbook(t, [][]any{
		{"放射線科　機器管理台帳"},
		{"令和8年10月1日現在", nil, nil, nil, nil, nil, nil, nil, nil, "作成: 情報室"},
		nil,
		{"No.", "機器名", "種別", "メーカー／型式", nil, "ネットワーク", nil, "設置場所", nil, nil, "導入\n年月日", "リース", nil, "保守業者", "備考"},
		{nil, nil, nil, "メーカー", "型式", "IP", "MAC", "棟", "階", "室", nil, "開始日", "満了日", nil, nil},
		{1, "ＣＴ撮影装置", "ＣＴ", "キヤノンメディカルシステムズ", "Aquilion ONE", "192.168.10.11", "00-1A-2B-3C-4D-01", "本館", "１階", "CT室", "令和3年4月1日", "R3.4.1", "R10.3.31", "㈱テスト医療", "更新予定"},
		{2, "読影端末１", "パソコン", "HP", "Z4", "192.168.10.21", "001a.2b3c.4d02", nil, nil, "読影室", 45383, nil, "不明", nil, nil},
		{3, "読影端末２", "パソコン", "HP", "Z4", "192.168.10.22", "00:1a:2b:3c:4d:03", nil, nil, nil, "H35/3", nil, "R13.2.30", nil, nil},
		{"※IPアドレスは情報室が管理する"},
	}, "A1:O1", "A4:A5", "B4:B5", "C4:C5", "D4:E4", "F4:G4", "H4:J4", "K4:K5", "L4:M4", "N4:N5", "O4:O5", "H6:H8", "I6:I8")
}

func TestGuessOfTwoHeaderRowsWithMergedCells(t *testing.T) {
	m, err := Guess(radiology(t).Sheets()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"No.=", "機器名=name", "種別=kind", "メーカー／型式 メーカー=maker", "メーカー／型式 型式=model", "ネットワーク IP=ip_text", "ネットワーク MAC=mac_text",
		"設置場所 棟=building", "設置場所 階=floor", "設置場所 室=room", "導入 年月日=purchased", "リース 開始日=extra", "リース 満了日=lease_end", "保守業者=vendor", "備考=notes"}
	if d := cmp.Diff(want, ties(m)); d != "" || m.Top != 4 || m.Header != 5 {
		t.Errorf("rows %d-%d %s", m.Top, m.Header, d)
	}
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
}

func TestRowsAsWritten(t *testing.T) {
	s, m, err := Best(radiology(t))
	if err != nil {
		t.Fatal(err)
	}
	in, err := readAll(t.Context(), s, m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range in {
		if p.skip.Ja != "" {
			got = append(got, fmt.Sprintf("%d skip", p.row))
			continue
		}
		got = append(got, fmt.Sprintf("%d %s %s/%s %s|%s|%s %s %s %v %v", p.row, p.word.Name, p.word.Kind, p.word.Modality, p.word.Building, p.word.Floor, p.word.Room,
			p.word.Purchased, p.word.LeaseEnd, p.macs, p.word.Extra))
	}
	want := []string{
		"6 ＣＴ撮影装置 modality/ct 本館|１階|CT室 2021-04-01 2028-03-31 [00:1a:2b:3c:4d:01] map[リース 開始日:R3.4.1]",
		"7 読影端末１ pc/ 本館|１階|読影室 2024-04-01  [00:1a:2b:3c:4d:02] map[リース 満了日:不明]",
		"8 読影端末２ pc/ 本館|１階| 2023-03  [00:1a:2b:3c:4d:03] map[リース 満了日:R13.2.30]",
		"9 skip",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if is := in[2].issues; len(is) != 1 || is[0].Cell != "M8" || !strings.Contains(is[0].Text.Ja, "暦にない日付") || !strings.Contains(is[0].Text.En, "not a day") {
		t.Errorf("%+v", is)
	}
}

func TestGuessOfPlainSheets(t *testing.T) {
	sjis, _ := jp.Encode932("管理番号,ホスト名,ＩＰアドレス,MAC ｱﾄﾞﾚｽ,ＯＳ,ﾊﾞｰｼﾞｮﾝ,部署名,使用者,購入先電話番号,ﾘｰｽ満了日\r\nA-001,PC-GAIRAI-01,10.1.1.1,00:1a:2b:00:00:01,Windows 10,22H2,外来,田中,03-1111-2222,R8/3/31\r\n")
	for _, c := range []struct {
		name string
		book *paper.Book
		want []string
		head int
	}{
		{"cp932", open(t, sjis, "a.csv"), []string{"管理番号=number", "ホスト名=name", "ＩＰアドレス=ip_text", "MAC ｱﾄﾞﾚｽ=mac_text", "ＯＳ=os", "ﾊﾞｰｼﾞｮﾝ=os_version", "部署名=department",
			"使用者=owner", "購入先電話番号=extra", "ﾘｰｽ満了日=lease_end"}, 1},
		{"two names, a password", csv(t, "機器名,ホスト名,管理者パスワード,担当者,担当者(副),シリアルNo.,承認番号\n血圧計,BP-01,x,a,b,S1234,301AABZX00012000\n"),
			[]string{"機器名=name", "ホスト名=extra", "管理者パスワード=", "担当者=owner", "担当者(副)=extra", "シリアルNo.=serial", "承認番号=approval"}, 1},
		{"no header", csv(t, "PC-01,10.0.0.1,00:1a:2b:00:00:01\nPC-02,10.0.0.2,00:1a:2b:00:00:02\n"), []string{"列A=extra", "列B=ip_text", "列C=mac_text"}, 0},
		{"English", csv(t, "Asset Tag,Hostname,Manufacturer,Model,Serial Number,Location,IP Address,Purchased\n1,h1,HP,Z4,S1,Room 1,10.0.0.1,2024\n"),
			[]string{"Asset Tag=number", "Hostname=name", "Manufacturer=maker", "Model=model", "Serial Number=serial", "Location=room", "IP Address=ip_text", "Purchased=purchased"}, 1},
	} {
		_, m, err := Best(c.book)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if d := cmp.Diff(c.want, ties(m)); d != "" || m.Header != c.head {
			t.Errorf("%s: header %d %s", c.name, m.Header, d)
		}
	}
}

func TestSixtyColumnsAndAHeaderChosenByHand(t *testing.T) {
	header, row := make([]any, 60), make([]any, 60)
	for i := range header {
		header[i], row[i] = fmt.Sprintf("項目%d", i), fmt.Sprintf("値%d", i)
	}
	header[10], header[59] = "機器名", "IPアドレス"
	row[59] = "10.0.0.9"
	b := workbook(t, [][]any{{"メモ"}, header, row})
	m, err := GuessAt(b.Sheets()[0], 2)
	if err != nil || len(m.Columns) != 60 || m.Columns[10].Field != "name" || m.Columns[59].Field != "ip_text" || m.Header != 2 {
		t.Fatal(m.Header, len(m.Columns), err)
	}
	in, err := readAll(t.Context(), b.Sheets()[0], m)
	if err != nil || len(in) != 1 || len(in[0].word.Extra) != 58 {
		t.Fatal(len(in), err)
	}
	if _, err := GuessAt(b.Sheets()[0], 9); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	m.Columns[11].Field = "name"
	if err := m.Validate(); !fault.Is(err, fault.Invalid) {
		t.Error("two columns for one field", err)
	}
	m.Columns[11].Field = "nonsense"
	if err := m.Validate(); !fault.Is(err, fault.Invalid) {
		t.Error("no such field", err)
	}
}

func TestFormulasErrorsAndTicks(t *testing.T) {
	f := excelize.NewFile()
	_ = f.SetSheetRow("Sheet1", "A1", &[]any{"管理番号", "機器名", "医療機器", "利用可否", "患者影響", "種類"})
	_ = f.SetSheetRow("Sheet1", "A2", &[]any{"1", "x", "○", "使用中", "大", "謎の箱"})
	_ = f.SetSheetRow("Sheet1", "A3", &[]any{"2", "y", "×", "故障中", "C", "外来ノートPC"})
	_ = f.SetCellFormula("Sheet1", "B3", `=CMD|'/c calc'!A1`)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	s, m, err := Best(open(t, b.Bytes(), "a.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := readAll(t.Context(), s, m)
	if err != nil || len(in) != 2 {
		t.Fatal(in, err)
	}
	w := in[0].word
	if w.Medical == nil || !*w.Medical || w.InUse != "yes" || w.Impact != "high" || w.Kind != "" || w.Extra["種類"] != "謎の箱" || in[0].issues[0].Cell != "F2" {
		t.Errorf("%+v %+v", w, in[0].issues)
	}
	w = in[1].word
	if w.Medical == nil || *w.Medical || w.InUse != "no" || w.Impact != "low" || w.Kind != "pc" || len(in[1].issues) == 0 || in[1].issues[0].Cell != "B3" {
		t.Errorf("%+v %+v", w, in[1].issues)
	}
}

func FuzzGuess(f *testing.F) {
	f.Add("機器名,IPアドレス\nPC,10.0.0.1\n")
	f.Add("a\tb\n1\t2\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		book, err := paper.Open(strings.NewReader(text), int64(len(text)), "x.csv")
		if err != nil {
			return
		}
		s, m, err := Best(book)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		if _, err := readAll(t.Context(), s, m); err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatal(err)
		}
	})
}

// An address that cannot be is kept as it was written, and said.
func TestAnAddressThatCannotBe(t *testing.T) {
	s := csv(t, "名称,IPアドレス,備考\n受付,１０．９．１．９９９,\n会計,10.9.1.8 / 10.9.2.300,\n病棟,10.9.1.9(予備),\n倉庫,DHCP,\n").Sheets()[0]
	m, err := Guess(s)
	if err != nil {
		t.Fatal(err)
	}
	in, err := readAll(t.Context(), s, m)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, p := range in {
		for _, i := range p.issues {
			said[i.Cell] += i.Text.Ja
		}
		if p.word.IPText == "" {
			t.Errorf("row %d lost its address", p.row)
		}
	}
	for cell, bad := range map[string]string{"B2": "10.9.1.999", "B3": "10.9.2.300"} {
		if !strings.Contains(said[cell], bad) {
			t.Errorf("%s: %q", cell, said[cell])
		}
		delete(said, cell)
	}
	if len(said) > 0 {
		t.Errorf("said of good rows: %v", said)
	}
}
