package api

import (
	"net/url"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// places are the locations that a problem names.
func (r reply) places() string {
	var out []string
	list, _ := r.body["errors"].([]any)
	for _, v := range list {
		e, _ := v.(map[string]any)
		at, _ := e["location"].(string)
		out = append(out, at)
	}
	return strings.Join(out, " ")
}

func (r reply) num(key string) int { n, _ := r.body[key].(float64); return int(n) }

func (r reply) sub(key string) map[string]any { v, _ := r.body[key].(map[string]any); return v }

// What a script reads it can write back, what a colleague changed is never overwritten, and an export goes in again as it came out.
func TestRegistersByScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		rows := "/registers/contacts/rows"
		a := r.ok("POST", rows, m{"values": m{"group": "院内", "name": "髙﨑①㈱ 一郎", "phone": "０３-1111-2222", "order": "１"}, "owner": "佐藤"})
		if a.StatusCode != 201 || a.sub("values")["group"] != "inside" || a.sub("shown")["group"] != "院内" || a.sub("values")["name"] != "髙﨑①㈱ 一郎" || a.Header.Get("ETag") != `"1"` {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
		one := rows + "/" + a.str("id")
		if b := r.admin("PATCH", one, m{"values": m{"phone": "1"}}); b.StatusCode != 422 || b.places() != "revision" {
			t.Errorf("a change that stands on nothing: %d %s", b.StatusCode, b.text)
		}
		b := r.ok("PATCH", one, m{"values": m{"order": "", "what": "当直"}, "revision": 1})
		if v := b.sub("values"); v["phone"] == nil || v["order"] != nil || b.num("revision") != 2 {
			t.Errorf("named values change, others stay: %s", b.text)
		}
		if c := r.admin("PATCH", one, m{"values": m{"phone": "9"}, "revision": 1}); c.StatusCode != 409 {
			t.Errorf("an older revision: %d", c.StatusCode)
		}
		if c := r.admin("PATCH", one, m{"values": m{"phone": "9"}}, "If-Match", `"1"`); c.StatusCode != 412 {
			t.Errorf("an older ETag: %d", c.StatusCode)
		}
		if c := r.admin("POST", rows, m{"values": m{"group": "宇宙", "surprise": "x"}}); c.StatusCode != 422 || !strings.Contains(c.places(), "body.values.surprise") || !strings.Contains(c.places(), "body.values.group") || !strings.Contains(c.places(), "body.values.name") {
			t.Errorf("everything that is wrong is named: %s", c.text)
		}
		if c := r.admin("POST", one+"/confirm", m{"day": "令和9年1月1日"}); c.StatusCode != 422 || c.places() != "body.day" {
			t.Errorf("confirmed in the future: %s", c.text)
		}
		if c := r.ok("POST", one+"/confirm", m{"day": "R8.11.19"}); c.str("checked") != "2026-11-19" {
			t.Errorf("confirmed: %s", c.text)
		}
		if c := r.admin("GET", "/registers/officer/rows/"+a.str("id"), nil); c.StatusCode != 404 {
			t.Errorf("a row of another register: %d", c.StatusCode)
		}
		for _, format := range []string{"csv", "xlsx"} {
			out := r.ok("GET", rows+"?format="+format, nil)
			in := r.upload(r.tokens[actor.Admin], "/registers/contacts/imports", "連絡先."+format, []byte(out.text))
			if in.StatusCode != 201 || in.num("same") != 1 || in.num("new")+in.num("changed")+in.num("wrong") != 0 {
				t.Errorf("%s does not come back as it went out: %d %s", format, in.StatusCode, in.text)
			}
		}
		if c := r.admin("DELETE", one+"?reason=x&revision=1", nil); c.StatusCode != 409 {
			t.Errorf("removed on an older revision: %d", c.StatusCode)
		}
		if c := r.admin("DELETE", one+"?revision=3", nil); c.StatusCode != 422 {
			t.Errorf("removed without a reason: %d", c.StatusCode)
		}
		r.ok("DELETE", one+"?revision=3&reason="+url.QueryEscape("異動"), nil)
		if c := r.ok("GET", one+"/history", nil); !strings.Contains(c.text, "異動") || !strings.Contains(c.text, "髙﨑①㈱") {
			t.Errorf("what was removed is not told: %s", c.text)
		}
		if c := r.admin("GET", "/registers/officer/rows/"+a.str("id")+"/history", nil); c.StatusCode != 404 {
			t.Errorf("its history in another register: %d", c.StatusCode)
		}
		if c := r.ok("GET", "/registers/contacts/removed", nil); len(c.items()) != 1 {
			t.Errorf("removed rows: %s", c.text)
		}
		trail := r.ok("GET", "/trail?limit=50", nil).text
		for _, deed := range []string{"register.add", "register.edit", "register.confirm", "register.export", "register.remove"} {
			if !strings.Contains(trail, deed) {
				t.Errorf("the trail does not tell of %s", deed)
			}
		}
	})
}

func TestRegisterPages(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	for n := range 5 {
		r.ok("POST", "/registers/training/rows", m{"values": m{"held": "2026-05-01", "title": "研修", "name": string(rune('甲' + n))}})
	}
	seen, cursor := map[string]int{}, ""
	for {
		p := r.ok("GET", "/registers/training/rows?limit=2&cursor="+cursor, nil)
		if p.num("total") != 5 {
			t.Fatal(p.text)
		}
		for _, x := range p.items() {
			id, _ := x["id"].(string)
			seen[id]++
		}
		if cursor = p.str("next"); cursor == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%v", seen)
	}
	if p := r.ok("GET", "/registers/training/rows?q=ケンシュウ", nil); p.num("total") != 0 {
		t.Errorf("found by what it does not say: %s", p.text)
	}
	if p := r.ok("GET", "/registers/training/rows?due=overdue", nil); p.num("total") != 0 {
		t.Errorf("overdue: %s", p.text)
	}
}

// Names of people are for those who keep or audit the registers; departments write in theirs.
func TestWhoMayReadARegister(t *testing.T) {
	r := sqlite(t)
	department := func(method, path string, body any) reply {
		return r.send(r.tokens[actor.Department], method, root+path, body)
	}
	if a := department("GET", "/registers", nil); strings.Contains(a.text, `"id":"leavers"`) || !strings.Contains(a.text, `"id":"training"`) {
		t.Error(a.text)
	}
	for path, want := range map[string]int{"/registers/leavers/rows": 403, "/registers/accounts": 403, "/registers/leavers/removed": 403, "/registers/contacts/rows": 200, "/registers/training/rows?format=csv": 403, "/registers/nothing": 404} {
		if a := department("GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
	row := m{"values": m{"held": "2026-06-01", "title": "a", "name": "b"}}
	if a := department("POST", "/registers/training/rows", row); a.StatusCode != 201 {
		t.Errorf("its own register: %d %s", a.StatusCode, a.text)
	}
	if a := department("POST", "/registers/contacts/rows", row); a.StatusCode != 403 {
		t.Errorf("the administrators' register: %d", a.StatusCode)
	}
	if a := r.send(r.tokens[actor.Auditor], "GET", root+"/registers/leavers/rows?format=csv", nil); a.StatusCode != 200 {
		t.Errorf("an auditor: %d %s", a.StatusCode, a.text)
	}
}

func TestARegisterFromASheet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		base := "/registers/leavers/imports"
		send := func(text string) reply {
			return r.upload(r.tokens[actor.Admin], base, `C:\人事\退職者.csv`, []byte(text))
		}
		a := send("職員番号,氏名,退職日\n001,髙﨑 花子,令和8年10月31日\n2,田中,令和8年13月1日\n1,髙﨑　花子,2026-10-31\n3,佐藤 次郎,2026/9/30\n")
		if a.StatusCode != 201 || a.str("file") != "退職者.csv" || a.num("new") != 3 || a.num("wrong") != 1 || !strings.Contains(a.text, "C3") {
			t.Fatalf("%d %s", a.StatusCode, a.text)
		}
		if n := r.ok("GET", "/registers/leavers/rows", nil).num("total"); n != 0 {
			t.Errorf("a preview took %d rows in", n)
		}
		one := base + "/" + a.str("id")
		if b := r.ok("GET", one, nil); b.num("new") != 3 {
			t.Errorf("looked at again: %s", b.text)
		}
		if b := r.admin("POST", one+"/preview", m{"columns": []m{{"index": 0, "key": "shoe size"}}}); b.StatusCode != 422 || b.places() != "body.columns[0].key" {
			t.Errorf("an unknown column: %s", b.text)
		}
		if b := r.ok("POST", one+"/preview", m{"columns": []m{{"index": 1, "key": ""}}}); !strings.Contains(b.str("missing"), "氏名") {
			t.Errorf("without a column that every row needs: %s", b.text)
		}
		if b := r.admin("POST", one+"/apply", m{"columns": []m{{"index": 1, "key": ""}}}); b.StatusCode != 422 {
			t.Errorf("taken without it: %d", b.StatusCode)
		}
		if b := r.ok("POST", one+"/apply", nil); b.num("new") != 3 || b.str("id") != "" {
			t.Errorf("taken: %s", b.text)
		}
		if b := r.admin("POST", one+"/apply", nil); b.StatusCode != 404 {
			t.Errorf("taken twice: %d", b.StatusCode)
		}
		r.ok("POST", "/registers/accounts/rows", m{"values": m{"system": r.ids["system"], "account": "u1", "name": "髙﨑花子", "staff_no": "0001", "exported": "2026-11-19"}})
		if b := r.ok("GET", "/registers/leavers/match", nil); len(b.items()) != 1 || b.items()[0]["by_name"] != false {
			t.Errorf("leavers with accounts: %s", b.text)
		}
		a = send("氏名,退職日\n佐藤 次郎,2026/9/30\n")
		if b := r.ok("POST", base+"/"+a.str("id")+"/apply", m{"replace": true}); b.num("removed") == 0 {
			t.Errorf("replaced: %s", b.text)
		}
		if b := send("\x00\x01\x02"); b.StatusCode != 422 {
			t.Errorf("no sheet at all: %d %s", b.StatusCode, b.text)
		}
		a = send("氏名,退職日\nあ,2026/9/30\n")
		r.ok("DELETE", base+"/"+a.str("id"), nil)
		if b := r.admin("GET", base+"/"+a.str("id"), nil); b.StatusCode != 404 {
			t.Errorf("discarded: %d", b.StatusCode)
		}
		if b := r.admin("GET", "/registers/training/imports/"+r.ids["catalogue-file"], nil); b.StatusCode != 404 {
			t.Errorf("another file read as a sheet: %d", b.StatusCode)
		}
	})
}

func TestSinceWhenASystemRuns(t *testing.T) {
	r := sqlite(t)
	a := r.ok("POST", "/systems", m{"name": "検査", "start": "令和3年4月"})
	if a.str("start") != "2021-04" {
		t.Fatal(a.text)
	}
	if b := r.admin("PUT", "/systems/"+a.str("id"), m{"name": "検査", "start": "令和3年13月"}); b.StatusCode != 422 || b.places() != "body.start" {
		t.Errorf("%d %s", b.StatusCode, b.text)
	}
	if b := r.ok("GET", "/systems?format=csv", nil); !strings.Contains(b.text, "start") || !strings.Contains(b.text, "2021-04") {
		t.Error(b.text)
	}
}
