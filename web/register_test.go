package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/web/page"
)

// typed adds a row through the form and returns its address.
func (c *console) typed(role actor.Role, kind string, fields ...string) string {
	c.t.Helper()
	a := c.post(role, page.RegisterPath(kind, "new"), fields...)
	if a.Code != http.StatusSeeOther {
		c.t.Fatalf("%s: %d %s", kind, a.Code, plainText(a.Body.String()))
	}
	return a.Header().Get("Location")
}

func TestTwoPeopleEditOneRow(t *testing.T) {
	c := openConsole(t)
	row := c.typed(actor.Admin, "contacts", "group", "police", "name", "みなと警察署 サイバー窓口", "phone", "０３－１１１１－２２２２")
	if a := c.post(actor.Admin, row+"/edit", "group", "police", "name", "みなと警察署", "phone", "03-1111-3333", "revision", "1"); a.Code != http.StatusSeeOther {
		t.Fatal(a.Code)
	}
	a := c.post(actor.Admin, row+"/edit", "group", "police", "name", "県警", "phone", "03-9999-0000", "note", "代表番号", "revision", "1")
	body := a.Body.String()
	if a.Code != http.StatusConflict || !strings.Contains(body, "代表番号") || !strings.Contains(body, "03-1111-3333") || !strings.Contains(body, `name="revision" value="2"`) {
		t.Fatalf("%d: what was typed and what is stored both stand there:\n%s", a.Code, plainText(body))
	}
	if a := c.post(actor.Admin, row+"/edit", "group", "nobody", "name", "", "phone", "1", "revision", "2", "note", "残る"); a.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Body.String(), "残る") || !strings.Contains(plainText(a.Body.String()), "氏名・窓口：入れてください") {
		t.Errorf("%d %s", a.Code, plainText(a.Body.String()))
	}
}

func TestConfirmAndRemoveARow(t *testing.T) {
	c := openConsole(t)
	row := c.typed(actor.Admin, "bcp", "title", "サイバーBCP", "approved", "令和元年5月1日")
	if text := plainText(c.get(actor.Admin, "/registers").Body.String()); !strings.Contains(text, "1行が期限を過ぎています") {
		t.Errorf("the overview says what is overdue: %s", text)
	}
	if a := c.post(actor.Admin, row+"/confirm", "day", "令和99年1月1日"); a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), "令和99年1月1日") {
		t.Errorf("a day in the future: %d", a.Code)
	}
	if a := c.post(actor.Admin, row+"/confirm", "day", c.Registers.Today()); a.Code != http.StatusSeeOther {
		t.Fatal(a.Code, plainText(a.Body.String()))
	}
	rows, err := c.Registers.Rows(t.Context(), c.f, "bcp")
	if err != nil || rows[0].Values["approved"] != c.Registers.Today() || rows[0].Overdue(c.Registers.Today()) {
		t.Fatalf("%+v %v", rows, err)
	}
	if a := c.post(actor.Admin, row+"/remove", "revision", "2", "reason", "改訂版に置き換え"); a.Code != http.StatusSeeOther {
		t.Fatal(a.Code, plainText(a.Body.String()))
	}
	if text := plainText(c.get(actor.Admin, "/registers/bcp").Body.String()); !strings.Contains(text, "改訂版に置き換え") || !strings.Contains(text, "サイバーBCP") {
		t.Errorf("what was removed and why stays: %s", text)
	}
}

func TestDepartmentsWriteTheirRegistersOnly(t *testing.T) {
	c := openConsole(t)
	c.typed(actor.Department, "drills-held", "held", "2026-01-10", "title", "紙の運用")
	if a := c.post(actor.Department, "/registers/officer/new", "name", "a", "role", "officer", "appointed", "2026-01-01"); a.Code != http.StatusForbidden {
		t.Errorf("a department appoints an officer: %d", a.Code)
	}
	for _, role := range []actor.Role{actor.Department, actor.Desk} {
		for _, path := range []string{"/registers/leavers", "/registers/leavers/match", "/registers/accounts", "/registers/proofs-of-identity/print"} {
			if a := c.get(role, path); a.Code != http.StatusForbidden {
				t.Errorf("%s reads %s: %d", role, path, a.Code)
			}
		}
	}
	if a := c.get(actor.Auditor, "/registers/leavers"); a.Code != http.StatusOK {
		t.Errorf("an auditor reads the leavers: %d", a.Code)
	}
}

var importPlace = regexp.MustCompile(`^/registers/[a-z-]+/import/[0-9a-f-]+$`)

// TestLeaversAreFoundInTheAccounts takes both lists in as offices send them and looks who still has an account.
func TestLeaversAreFoundInTheAccounts(t *testing.T) {
	c := openConsole(t)
	take := func(kind, name, text string, cp932 bool) string {
		t.Helper()
		content := []byte(text)
		if cp932 {
			var ok bool
			if content, ok = jp.Encode932(text); !ok {
				t.Fatal("not CP932")
			}
		}
		a := c.upload(actor.Admin, "/registers/"+kind+"/import", name, content)
		to := a.Header().Get("Location")
		if a.Code != http.StatusSeeOther || !importPlace.MatchString(to) {
			t.Fatalf("%s: %d %s %s", kind, a.Code, to, plainText(a.Body.String()))
		}
		preview := plainText(c.get(actor.Admin, to).Body.String())
		if rows, _ := c.Registers.Rows(t.Context(), c.f, kind); len(rows) != 0 {
			t.Error("a preview changed the register")
		}
		if a := c.post(actor.Admin, to, "do", "take"); a.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", kind, a.Code, plainText(a.Body.String()))
		}
		return preview
	}
	preview := take("leavers", "退職者.csv", "人事課 退職者一覧,,\n職員番号,職員氏名,退職年月日\n００１２,髙﨑 一郎,令和8年3月31日\n0013,山田 花子,R8.4.31\n0014,佐藤 次郎,令和元年9月30日\n", true)
	if !strings.Contains(preview, "C4") || !strings.Contains(preview, "暦にない日付") {
		t.Errorf("the cell of an impossible day is named: %s", preview)
	}
	take("accounts", "users.csv", "ID,氏名,社員番号,状態,最終ログイン\ni.takasaki,高崎　一郎,12,有効,2026/1/5\nsato,ｻﾄｳ,,有効,\njiro,佐藤次郎,,有効,2020/1/1\nold,佐藤 次郎,,無効,\n", false)
	text := plainText(c.get(actor.Admin, "/registers/leavers/match").Body.String())
	for _, want := range []string{"i.takasaki", "職員番号が同じ", "jiro", "名前が同じ", "90日以上"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing: %s", want, text)
		}
	}
	if strings.Contains(text, "old") {
		t.Error("a disabled account is no problem")
	}
	c.trailHas("register.import", 2)
}

func TestTheBackupTableShowsHoles(t *testing.T) {
	c := openConsole(t)
	s, err := c.Ledger.SaveSystem(c.as(actor.Admin), c.f, ledger.System{Name: "見本カルテ"})
	c.must(err)
	c.typed(actor.Admin, "backups", "system", "見本ｶﾙﾃ", "threat", "attack", "generations", "7", "offline", "yes")
	rows, err := c.Registers.Rows(t.Context(), c.f, "backups")
	if err != nil || len(rows) != 1 || rows[0].Values["system"] != s.ID {
		t.Fatalf("a name becomes the ledger's system: %+v %v", rows, err)
	}
	text := plainText(c.get(actor.Auditor, "/registers/backups/matrix").Body.String())
	if !strings.Contains(text, "見本カルテ") || !strings.Contains(text, "7世代・オフライン") || !strings.Contains(text, "空いているマスは 2 / 3") {
		t.Error(text)
	}
	if text := plainText(c.get(actor.Auditor, "/registers/rules/matrix").Body.String()); !strings.Contains(text, "空いているマスは 18 / 18") {
		t.Errorf("without rules every item of the checklist is a hole: %s", text)
	}
}

func TestManyPeopleAreEnteredAtOnce(t *testing.T) {
	c := openConsole(t)
	a := c.post(actor.Department, "/registers/training/many", "held", "2026-06-01", "title", "情報セキュリティ研修", "many", "髙橋 一\t看護部\t77\n\n鈴木 二，医事課\n鈴木 二，医事課\n")
	if a.Code != http.StatusSeeOther {
		t.Fatal(a.Code, plainText(a.Body.String()))
	}
	rows, err := c.Registers.Rows(t.Context(), c.f, "training")
	if err != nil || len(rows) != 2 || rows[0].Values["department"] != "看護部" || rows[1].Values["name"] != "鈴木 二" {
		t.Errorf("%+v %v", rows, err)
	}
	if a := c.post(actor.Department, "/registers/training/many", "held", "2099-06-01", "title", "x", "many", "残る人"); a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), "残る人") {
		t.Errorf("%d", a.Code)
	}
}

// TestEveryRegisterOpensAndComesBack looks at each register's pages, and takes its own export in again without loss.
func TestEveryRegisterOpensAndComesBack(t *testing.T) {
	c := openConsole(t)
	for _, k := range register.Kinds() {
		for _, what := range []string{"", "new", "print", "export?format=xlsx"} {
			if a := c.get(actor.Admin, page.RegisterPath(k.ID, "")+"/"+what); what != "" && a.Code != http.StatusOK {
				t.Errorf("%s/%s: %d", k.ID, what, a.Code)
			}
		}
		if a := c.get(actor.Admin, page.RegisterPath(k.ID, "")); a.Code != http.StatusOK {
			t.Errorf("%s: %d", k.ID, a.Code)
		}
	}
	c.typed(actor.Admin, "officer", "name", "髙﨑①㈱", "role", "医療情報システム安全管理責任者", "appointed", "R8.4.1", "hours", "１０", "qualification", "hit", "note", "=1+1\n二行目")
	for _, format := range []string{"xlsx", "csv"} {
		file := c.get(actor.Admin, "/registers/officer/export?format="+format).Body.Bytes()
		to := c.upload(actor.Admin, "/registers/officer/import", "officer."+format, file).Header().Get("Location")
		if text := plainText(c.get(actor.Admin, to).Body.String()); !strings.Contains(text, "<dt>同じ</dt><dd>1 ") {
			t.Errorf("%s: an unchanged export changes nothing: %s", format, text)
		}
	}
}
