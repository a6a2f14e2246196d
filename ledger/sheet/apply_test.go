package sheet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/paper"
	"kenshin/store"
)

type room struct {
	t    testing.TB
	ctx  context.Context
	db   *store.DB
	l    *ledger.Ledger
	desk *Desk
}

func enter(t testing.TB, db *store.DB) *room {
	l := ledger.Open(db, ledger.Options{})
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "情報 太郎"})
	return &room{t, ctx, db, l, New(db, l)}
}

// preview stages a book.
func (x *room) preview(b *paper.Book) Import {
	x.t.Helper()
	s, m, err := Best(b)
	if err != nil {
		x.t.Fatal(err)
	}
	i, err := x.desk.Begin(x.ctx, dbtest.Facility, b.Name, "")
	if err != nil {
		x.t.Fatal(err)
	}
	if i, err = x.desk.Stage(x.ctx, dbtest.Facility, i.ID, s, m); err != nil {
		x.t.Fatal(err)
	}
	return i
}

func (x *room) apply(b *paper.Book, replace bool) Import {
	x.t.Helper()
	i := x.preview(b)
	if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, replace); err != nil {
		x.t.Fatal(err)
	}
	return x.run(i.ID)
}

func (x *room) undo(id string) Import {
	x.t.Helper()
	if err := x.desk.Undo(x.ctx, dbtest.Facility, id); err != nil {
		x.t.Fatal(err)
	}
	return x.run(id)
}

func (x *room) run(id string) Import {
	x.t.Helper()
	if err := x.desk.Run(x.ctx, dbtest.Facility, id); err != nil {
		x.t.Fatal(err)
	}
	i, err := x.desk.Get(x.ctx, dbtest.Facility, id)
	if err != nil {
		x.t.Fatal(err)
	}
	return i
}

// words returns what people say of all devices, by name.
func (x *room) words() map[string]ledger.Word {
	x.t.Helper()
	keys, err := x.l.Keys(x.ctx, dbtest.Facility)
	if err != nil {
		x.t.Fatal(err)
	}
	out := map[string]ledger.Word{}
	for _, k := range keys {
		out[k.Word.Name] = k.Word
	}
	return out
}

func (x *room) edit(name string, fields map[string]string) {
	x.t.Helper()
	keys, err := x.l.Keys(x.ctx, dbtest.Facility)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, k := range keys {
		if k.Word.Name == name {
			if _, err := x.l.Edit(x.ctx, dbtest.Facility, k.ID, 0, ledger.Patch{Fields: fields}); err != nil {
				x.t.Fatal(err)
			}
			return
		}
	}
	x.t.Fatalf("no device %s", name)
}

const plain = "管理番号,機器名,MACアドレス,設置場所,担当者,色\nA-1,CT装置,00:1a:2b:00:00:01,CT室,佐藤,白\nA-2,MRI装置,00:1a:2b:00:00:02,MRI室,鈴木,青\n,血圧計,,外来,,\n"

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := enter(t, db)
		if i := x.apply(csv(t, plain), false); i.Count != (Count{New: 3}) || i.State != Applied || i.Done != 3 {
			t.Fatalf("%+v", i)
		}
		before := x.words()
		if w := before["CT装置"]; w.Number != "A-1" || w.Room != "CT室" || w.Extra["色"] != "白" {
			t.Errorf("%+v", w)
		}
		i := x.apply(csv(t, plain), true)
		if i.Count != (Count{Same: 3}) || i.Total != 0 {
			t.Errorf("%+v", i.Count)
		}
		if d := cmp.Diff(before, x.words()); d != "" {
			t.Error(d)
		}
		if b := x.apply(radiology(t), false); b.Count.New != 3 || b.Count.Skipped != 1 {
			t.Errorf("%+v", b.Count)
		}
		if b := x.apply(radiology(t), false); b.Count != (Count{Same: 3, Skipped: 1}) {
			t.Errorf("%+v", b.Count)
		}
	})
}

func TestANewerFileUpdatesAndAPersonsEntryStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := enter(t, db)
		first := x.apply(csv(t, plain), false)
		x.edit("MRI装置", map[string]string{"owner": "高橋"})
		newer := strings.NewReplacer("CT室", "新CT室", "鈴木", "田中", "MRI室", "新MRI室").Replace(plain)
		i := x.preview(csv(t, newer))
		if i.Count != (Count{Changed: 1, Conflict: 1, Same: 1}) {
			t.Fatalf("%+v", i.Count)
		}
		rows, err := x.desk.Rows(x.ctx, dbtest.Facility, i.ID, RowFilter{Action: Conflict})
		if err != nil || len(rows) != 1 || rows[0].Row != 3 || rows[0].By != ByMAC {
			t.Fatalf("%+v %v", rows, err)
		}
		want := []FieldChange{{Field: "room", Before: "MRI室", After: "新MRI室"}, {Field: "owner", Before: "高橋", After: "田中", Conflict: true}}
		if d := cmp.Diff(want, rows[0].Changes); d != "" {
			t.Error(d)
		}
		if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, false); err != nil {
			t.Fatal(err)
		}
		x.run(i.ID)
		if w := x.words(); w["MRI装置"].Owner != "高橋" || w["MRI装置"].Room != "新MRI室" || w["CT装置"].Room != "新CT室" {
			t.Errorf("%+v", w)
		}
		second := x.apply(csv(t, newer), true)
		if w := x.words(); w["MRI装置"].Owner != "田中" {
			t.Errorf("the sheet was to win: %+v", w["MRI装置"])
		}
		// what the second did goes, then what the first did
		x.undo(second.ID)
		if w := x.words(); w["MRI装置"].Owner != "高橋" {
			t.Errorf("%+v", w["MRI装置"])
		}
		x.undo(i.ID)
		if w := x.words(); w["MRI装置"].Room != "MRI室" || w["CT装置"].Room != "CT室" {
			t.Errorf("%+v", w)
		}
		u := x.undo(first.ID)
		if w := x.words(); len(w) != 1 || w["MRI装置"].Owner != "高橋" || w["MRI装置"].Number != "A-2" || u.State != TakenBack || u.Stayed != 1 {
			t.Errorf("the entry that a person worked on stays: %+v %s %d", w, u.State, u.Stayed)
		}
		rows, err = x.desk.Rows(x.ctx, dbtest.Facility, first.ID, RowFilter{State: Stayed})
		if err != nil || len(rows) != 1 || len(rows[0].Issues) == 0 {
			t.Errorf("what stayed is listed: %+v %v", rows, err)
		}
	})
}

func TestRowsThatCannotBe(t *testing.T) {
	x := enter(t, dbtest.SQLite(t))
	x.apply(csv(t, plain), false)
	i := x.preview(csv(t, `管理番号,機器名,MACアドレス,設置場所
A-1,CT装置,00:1a:2b:00:00:02,CT室
B-1,エコー,00:1a:2b:00:00:11,検査室
B-1,エコー2,00:1a:2b:00:00:12,検査室
B-2,心電計,00:1a:2b:00:00:13,検査室
B-2,心電計,00:1a:2b:00:00:13,検査室
A-2,MRI装置,,MRI室
A-2,MRI装置の予備,,倉庫
管理番号,機器名,MACアドレス,設置場所
合計 7台,,,
`))
	rows, err := x.desk.Rows(x.ctx, dbtest.Facility, i.ID, RowFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		s := fmt.Sprintf("%d %s", r.Row, r.Action)
		if len(r.Issues) > 0 {
			s += " " + r.Issues[0].Text.Ja
		}
		got = append(got, s)
	}
	want := []string{
		"2 error この行は台帳の2台を指しています(「MRI装置」と「CT装置」)。番号とアドレスのどちらが正しいか確かめてください。",
		"3 new",
		"4 error 3行目と同じ機器を指しています(管理番号 B-1)。どちらかを直してください。",
		"5 new",
		"6 skip 5行目と同じ内容です。",
		"7 same",
		"8 error 7行目と同じ機器を指しています。どちらかの番号かアドレスを直してください。",
		"9 skip 見出しの繰り返しです。",
		"10 skip 機器ではない行です(見出しか注記)。",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := x.desk.Undo(x.ctx, dbtest.Facility, i.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("a preview cannot be undone: %v", err)
	}
	if err := x.desk.Discard(x.ctx, dbtest.Facility, i.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := x.desk.Get(x.ctx, dbtest.Facility, i.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if list, err := x.desk.List(x.ctx, dbtest.Facility); err != nil || len(list) != 1 || list[0].Done != 3 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestAValueTooLongForAnyPlace says so, and does not claim to keep it.
func TestAValueTooLongForAnyPlace(t *testing.T) {
	x := enter(t, dbtest.SQLite(t))
	for length, want := range map[int]string{600: "そのまま残します", 30000: "取り込みません"} {
		i := x.preview(csv(t, fmt.Sprintf("管理番号,機器名,備考\nL-%d,%s,あ\n", length, strings.Repeat("長", length/3))))
		rows, err := x.desk.Rows(x.ctx, dbtest.Facility, i.ID, RowFilter{})
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		if len(rows[0].Issues) != 1 || !strings.Contains(rows[0].Issues[0].Text.Ja, want) {
			t.Errorf("%d bytes: %v", length, rows[0].Issues)
		}
		if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, false); err != nil {
			t.Fatal(err)
		}
		x.run(i.ID)
		keys, err := x.l.Keys(x.ctx, dbtest.Facility)
		if err != nil {
			t.Fatal(err)
		}
		kept := slices.ContainsFunc(keys, func(k ledger.Key) bool {
			return k.Word.Number == fmt.Sprintf("L-%d", length) && len(k.Word.Extra["機器名"]) == length
		})
		if kept != (want == "そのまま残します") {
			t.Errorf("%d bytes: kept %t, and said %v", length, kept, rows[0].Issues)
		}
	}
}

func TestEditedBetweenPreviewAndApply(t *testing.T) {
	x := enter(t, dbtest.SQLite(t))
	x.apply(csv(t, plain), false)
	i := x.preview(csv(t, strings.Replace(plain, "佐藤", "伊藤", 1)))
	x.edit("CT装置", map[string]string{"owner": "部長"})
	if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, true); err != nil {
		t.Fatal(err)
	}
	x.run(i.ID)
	if w := x.words()["CT装置"]; w.Owner != "部長" {
		t.Errorf("an entry that the preview did not show was replaced: %s", w.Owner)
	}
	if u := x.undo(i.ID); u.Stayed != 0 || x.words()["CT装置"].Owner != "部長" {
		t.Errorf("%+v", u)
	}
}

// see tells the ledger that a MAC was on the wire.
func (x *room) see(mac, ip string) {
	x.t.Helper()
	m, err := netid.ParseMAC(mac)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := x.db.Write(x.ctx, dbtest.Facility, func(tx *store.Tx) error {
		_, err := x.l.Sight(x.ctx, tx, []ledger.Sighting{{MAC: m, IP: netip.MustParseAddr(ip), Segment: "s1", At: time.Now()}})
		return err
	}); err != nil {
		x.t.Fatal(err)
	}
}

func TestASheetMeetsWhatTheNetworkShowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := enter(t, db)
		x.see("00:1a:2b:00:00:01", "10.0.0.1")
		i := x.apply(csv(t, plain), false)
		if i.Count != (Count{New: 2, Changed: 1}) {
			t.Fatalf("%+v", i.Count)
		}
		ct, err := x.l.ByIP(x.ctx, dbtest.Facility, "*", "10.0.0.1")
		if err != nil || ct.Word.Name != "CT装置" || ct.State != ledger.Registered {
			t.Fatalf("%+v %v", ct, err)
		}
		if again := x.preview(csv(t, plain)); again.Count != (Count{Same: 3}) {
			t.Errorf("%+v", again.Count)
		}
		x.see("00:1a:2b:00:00:02", "10.0.0.2") // the MRI of the sheet shows up
		mri, err := x.l.ByIP(x.ctx, dbtest.Facility, "*", "10.0.0.2")
		if err != nil || mri.Word.Name != "MRI装置" {
			t.Fatalf("%+v %v", mri, err)
		}
		x.undo(i.ID)
		keys, err := x.l.Keys(x.ctx, dbtest.Facility)
		if err != nil || len(keys) != 2 {
			t.Fatal(len(keys), err)
		}
		for _, k := range keys { // what was seen stays, as it was before anybody said anything
			if k.State != ledger.New || len(k.Word.Keys()) != 0 || !k.Seen {
				t.Errorf("%+v", k)
			}
		}
	})
}

// everything is a word with every field, and further columns with awkward names and values.
func everything(t *testing.T, n int) ledger.Word {
	t.Helper()
	var w ledger.Word
	for _, f := range ledger.Fields() {
		v := fmt.Sprintf("%s %d", f.Key, n)
		switch f.Type {
		case ledger.Date:
			v = []string{"2024-04-01", "2024-04", "2024"}[n%3]
		case ledger.Choice:
			v = f.Options[n%len(f.Options)].Value
		case ledger.YesNo:
			v = []string{"true", "false"}[n%2]
		case ledger.Lines:
			v = "一行目\n二行目, \"引用\"; =1+1"
		case ledger.Line:
		}
		if err := w.Set(f.Key, v); err != nil {
			t.Fatal(f.Key, err)
		}
	}
	for k, v := range map[string]string{"number": fmt.Sprintf("00%d", n), "mac_text": fmt.Sprintf("00:1a:2b:00:01:%02x", n), "serial": fmt.Sprintf("=S%05d", n),
		"ip_text": fmt.Sprintf("10.0.0.%d", n), "extra.棚番": "@A-1", "extra.備考": "同じ名前の列", "extra.No.": fmt.Sprint(n), "extra.購入先": "+81", "extra.=式": "-",
		"extra.長い": strings.Repeat("あ", 3000), "extra.先頭の引用": "'=x"} {
		if err := w.Set(k, v); err != nil {
			t.Fatal(k, err)
		}
	}
	return w
}

func TestRoundTripLosesNothing(t *testing.T) {
	a := enter(t, dbtest.SQLite(t))
	for n := 1; n <= 40; n++ {
		if _, err := a.l.Add(a.ctx, dbtest.Facility, everything(t, n), "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.l.Add(a.ctx, dbtest.Facility, ledger.Word{Name: "名前だけ"}, "", ""); err != nil {
		t.Fatal(err)
	}
	want := a.words()
	for _, format := range []Format{XLSX, CSV} {
		var b bytes.Buffer
		if err := Export(&b, format, a.desk.All(a.ctx, dbtest.Facility, true)); err != nil {
			t.Fatal(err)
		}
		book := open(t, b.Bytes(), "export."+string(format))
		if i := a.preview(book); i.Count != (Count{Same: 41}) {
			t.Errorf("%s into the same ledger: %+v", format, i.Count)
		}
		elsewhere := enter(t, dbtest.SQLite(t))
		if i := elsewhere.apply(book, false); i.Count != (Count{New: 41}) {
			rows, _ := elsewhere.desk.Rows(elsewhere.ctx, dbtest.Facility, i.ID, RowFilter{Limit: 3})
			t.Errorf("%s elsewhere: %+v %+v", format, i.Count, rows)
		}
		if d := cmp.Diff(want, elsewhere.words()); d != "" {
			t.Errorf("%s: %s", format, d)
		}
	}
	var b bytes.Buffer
	if err := Export(&b, JSON, a.desk.All(a.ctx, dbtest.Facility, true)); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema  string          `json:"schema"`
		Devices []ledger.Device `json:"devices"`
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.Schema != "kenshin.ledger/1" || len(doc.Devices) != 41 {
		t.Error(doc.Schema, len(doc.Devices), err)
	}
}

func TestTheSheetForInspectorsHasItsColumns(t *testing.T) {
	x := enter(t, dbtest.SQLite(t))
	x.apply(csv(t, plain), false)
	var b bytes.Buffer
	if err := Export(&b, XLSX, x.desk.All(x.ctx, dbtest.Facility, false)); err != nil {
		t.Fatal(err)
	}
	var header, row string
	if err := open(t, b.Bytes(), "a.xlsx").Sheets()[0].Rows(func(r paper.Row) error {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, c.Text)
		}
		if line := strings.Join(cells, "|"); r.Number == 1 {
			header = line
		} else if strings.Contains(line, "CT装置") {
			row = line
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"種類", "設置場所", "利用可否", "OS", "IPアドレス", "MACアドレス", "業者", "遠隔保守", "保守終了", "管理者", "最終確認", "未対応の弱点"} {
		if !strings.Contains(header, want) {
			t.Errorf("no column %s in %s", want, header)
		}
	}
	if !strings.Contains(row, "未確認") {
		t.Errorf("whether it may be used was never said, so it is not a yes: %s", row)
	}
}

// bigLedger is a CSV of n devices.
func bigLedger(n int) string {
	var b strings.Builder
	b.WriteString("管理番号,機器名,種類,メーカー,型番,製造番号,OS,IPアドレス,MACアドレス,棟,階,設置場所,部署,担当者,購入日,保守期限,業者,備考,棚番,資産区分\n")
	for i := range n {
		fmt.Fprintf(&b, "K-%05d,端末%d,パソコン,HP,ProDesk %d,SN%07d,Windows 11,10.%d.%d.%d,00:1a:2b:%02x:%02x:%02x,本館,%d階,部屋%d,部署%d,担当%d,令和%d年4月1日,R10.3.31,株式会社テスト,備考 %d,棚%d,固定\n",
			i, i, i%7, i, i>>14&63, i>>7&127, i&127+1, i>>16, i>>8&255, i&255, i%9+1, i%300, i%30, i%50, i%7+1, i, i%90)
	}
	return b.String()
}

// TestKilledInTheMiddle kills a process while it imports, again and again, until the import is through: every row is in once.
func TestKilledInTheMiddle(t *testing.T) {
	if dir := os.Getenv("SHEET_TEST_DIR"); dir != "" {
		importInChild(t, dir, os.Getenv("SHEET_TEST_IMPORT"))
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	const n = 1500
	dir := dbtest.SQLiteDir(t)
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	x := enter(t, db)
	i := x.preview(csv(t, bigLedger(n)))
	if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for round := 0; ; round++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledInTheMiddle$")
		cmd.Env = append(os.Environ(), "SHEET_TEST_DIR="+dir, "SHEET_TEST_IMPORT="+i.ID)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Duration(150+round*70) * time.Millisecond):
			_ = cmd.Process.Kill()
			<-done
			kills++
			continue
		}
		break
	}
	if db, err = store.Open(t.Context(), store.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	x = enter(t, db)
	got, err := x.desk.Get(x.ctx, dbtest.Facility, i.ID)
	if err != nil || got.State != Applied || got.Done != n || len(x.words()) != n {
		t.Fatalf("after %d kills: %+v, %d devices, %v", kills, got.Count, len(x.words()), err)
	}
	if keys, err := x.l.Keys(x.ctx, dbtest.Facility); err != nil || len(keys) != n {
		t.Fatal(len(keys), err)
	}
	t.Logf("killed %d times", kills)
}

func importInChild(t *testing.T, dir, id string) {
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	enter(t, db).run(id)
}

func TestTwoCopiesShareAnImport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := enter(t, db)
		i := x.preview(csv(t, bigLedger(200)))
		if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, false); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		for range 2 {
			go func() { done <- New(db, x.l).Run(x.ctx, dbtest.Facility, i.ID) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if keys, err := x.l.Keys(x.ctx, dbtest.Facility); err != nil || len(keys) != 200 {
			t.Error(len(keys), err)
		}
	})
}

// BenchmarkImport10000Rows reads, previews and takes in a workbook of 10,000 rows into an empty ledger.
func BenchmarkImport10000Rows(b *testing.B) {
	file := xlsxOf(b, bigLedger(10_000))
	for b.Loop() {
		b.StopTimer()
		x := enter(b, dbtest.SQLite(b))
		b.StartTimer()
		start := time.Now()
		book := open(b, file, "big.xlsx")
		i := x.preview(book)
		staged := time.Since(start)
		if err := x.desk.Apply(x.ctx, dbtest.Facility, i.ID, false); err != nil {
			b.Fatal(err)
		}
		if i = x.run(i.ID); i.Done != 10_000 {
			b.Fatalf("%+v", i)
		}
		b.ReportMetric(staged.Seconds(), "preview-s")
	}
}

func xlsxOf(b testing.TB, text string) []byte {
	var rows [][]any
	var t paper.Table
	_ = csv(b, text).Sheets()[0].Rows(func(r paper.Row) error {
		var rec []any
		for _, c := range r.Cells {
			if r.Number == 1 {
				t.Columns = append(t.Columns, paper.Column{Header: c.Text})
			}
			rec = append(rec, c.Text)
		}
		if r.Number > 1 {
			rows = append(rows, rec)
		}
		return nil
	})
	var out bytes.Buffer
	if err := paper.WriteXLSX(&out, paper.Part{Table: t, Rows: func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
