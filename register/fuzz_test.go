package register_test

import (
	"bytes"
	"strings"
	"testing"

	"kenshin/paper"
	"kenshin/register"
)

// Whatever a sheet holds, no line that counts breaks its register's rules, none is lost without a word, and what is taken comes out and in again as it was.
func FuzzReadBook(f *testing.F) {
	f.Add("氏名,役割,任命日\n髙﨑①㈱,医療情報システム安全管理責任者,令和3年4月1日\n", 0, "officer", 9)
	f.Add("職員番号,氏名,退職日\n001,髙﨑 花子,R8.10.31\n1,髙﨑　花子,2026-10-31\n", 0, "leavers", 1)
	f.Add("システム,アカウント,氏名,有効\nx,u1,\"a\nb\",はい\n,,,\n", 2, "accounts", 0)
	f.Add("対象,場所,世代\n", 0, "backups", 3)
	f.Fuzz(func(t *testing.T, text string, column int, kind string, as int) {
		k, err := register.KindOf(kind)
		if err != nil {
			t.Skip()
		}
		book, err := paper.Open(strings.NewReader(text), int64(len(text)), "x.csv")
		if err != nil {
			return
		}
		const today = "2026-11-28"
		chosen := map[int]string{}
		if as >= 0 && as < len(k.Columns) {
			chosen[column] = k.Columns[as].Key
		}
		read, err := k.ReadBook(book, chosen, register.NewNames(), nil, today)
		if err != nil {
			return
		}
		var rows []register.Row
		for _, l := range read.Lines {
			if l.State == register.LineWrong || l.State == register.LineTwice {
				if len(l.Wrong) == 0 {
					t.Errorf("row %d is left out without a word", l.Number)
				}
				continue
			}
			if again, wrong := k.Read(l.Values, today); len(wrong) > 0 || len(again) != len(l.Values) {
				t.Errorf("row %d counts and does not keep the rules: %v %v", l.Number, l.Values, wrong)
			}
			rows = append(rows, register.Row{ID: "x", Kind: k.ID, Values: l.Values, Owner: l.Owner})
		}
		if read.Good() != len(rows) {
			t.Errorf("%d good lines, counted %d", len(rows), read.Good())
		}
		if len(rows) == 0 {
			return
		}
		var out bytes.Buffer
		table, records := k.Table(rows, "ja", register.NewNames())
		if err := paper.WriteCSV(&out, table, records); err != nil {
			t.Fatal(err)
		}
		book, err = paper.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), "y.csv")
		if err != nil {
			t.Fatal(err)
		}
		back, err := k.ReadBook(book, nil, register.NewNames(), rows, today)
		if err != nil {
			t.Fatalf("an export is not read: %v\n%s", err, out.String())
		}
		if back.Counts[register.LineSame] != len(rows) {
			t.Errorf("an export of %d rows comes back as %v\n%s", len(rows), back.Counts, out.String())
		}
	})
}

// An account is that of somebody who left by the staff number, or by the name where a number is missing; a shared name in another department is another person.
func TestWhoLeft(t *testing.T) {
	row := func(values ...string) register.Row {
		r := register.Row{ID: strings.Join(values, "/"), Values: map[string]string{}}
		for i := 0; i < len(values); i += 2 {
			r.Values[values[i]] = values[i+1]
		}
		return r
	}
	gone := []register.Row{row("name", "髙﨑 花子", "staff_no", "007", "department", "看護部", "left", "2026-10-31"), row("name", "田中 一郎", "department", "医事課", "left", "2026-10"),
		row("name", "鈴木 今日", "left", "2026-11-28"), row("name", "林 先", "left", "2027-03-31"), row("name", "森 不明")}
	for _, c := range []struct {
		account      []string
		found, named bool
	}{
		{[]string{"name", "タカサキ", "staff_no", "7"}, true, false},
		{[]string{"name", "高崎花子"}, true, true},
		{[]string{"name", "高崎花子", "staff_no", "8"}, false, false},
		{[]string{"name", "田中　一郎（派遣）", "staff_no", "9"}, true, true},
		{[]string{"name", "田中一郎", "department", "放射線科"}, false, false},
		{[]string{"name", "鈴木今日"}, false, false},
		{[]string{"name", "林先"}, false, false},
		{[]string{"name", "森不明"}, false, false},
		{[]string{"name", "高崎花子", "enabled", "no"}, false, false},
	} {
		left := register.StillThere(gone, []register.Row{row(c.account...)}, "2026-11-28")
		if (len(left) == 1) != c.found || c.found && left[0].ByName != c.named {
			t.Errorf("%v: %+v", c.account, left)
		}
	}
}
