package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/gate"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/paper"
	"kenshin/store"
	"kenshin/trail"
)

// actions lists what the trail has, the newest first.
func (r *rig) actions() []string {
	r.t.Helper()
	var out []string
	for _, e := range r.ok("GET", "/trail?limit=500", nil).items() {
		a, _ := e["action"].(string)
		out = append(out, a)
	}
	return out
}

func (r *rig) lastAction(want string) {
	r.t.Helper()
	if got := r.actions(); got[0] != want {
		r.t.Errorf("the trail says %q, want %q", got[0], want)
	}
}

func TestADeviceIsEditedWithoutOverwritingAnybody(t *testing.T) {
	r := sqlite(t)
	path := "/devices/" + r.ids["device"]
	was := r.ok("GET", path, nil)
	tag := was.Header.Get("ETag")
	a := r.ok("PATCH", path, m{"word": m{"name": "CT室 操作卓", "department": "放射線科", "medical": true, "purchased": "令和3年4月1日", "extra": m{"棚番": "A-3"}},
		"state": "registered", "reason": "棚卸し"}, "If-Match", tag)
	word, _ := a.body["word"].(m)
	extra, _ := word["extra"].(m)
	if a.str("name") != "CT室 操作卓" || a.str("state") != "registered" || a.body["medical"] != true || word["purchased"] != "2021-04-01" || extra["棚番"] != "A-3" {
		t.Errorf("after the edit: %s", a.text)
	}
	r.lastAction("device.edit")
	if a := r.admin("PATCH", path, m{"word": m{"name": "別"}}, "If-Match", tag); a.StatusCode != 412 || a.str("code") != "conflict" {
		t.Errorf("an old If-Match: %d %s", a.StatusCode, a.text)
	}
	if a := r.admin("PATCH", path, m{"word": m{"name": "別"}, "revision": was.body["revision"]}); a.StatusCode != 409 {
		t.Errorf("an old revision: %d %s", a.StatusCode, a.text)
	}
	if a := r.admin("PATCH", path, m{}, "If-Match", `"x"`); a.StatusCode != 422 {
		t.Errorf("a wrong If-Match: %d %s", a.StatusCode, a.text)
	}
	a = r.ok("PATCH", path, m{"word": m{"department": nil, "owner": "", "extra": m{"棚番": nil}}})
	word, _ = a.body["word"].(m)
	if word["department"] != nil || word["extra"] != nil || word["name"] != "CT室 操作卓" {
		t.Errorf("taken back: %s", a.text)
	}
	history := r.ok("GET", path+"/history", nil).items()
	if len(history) < 5 || history[0]["by_kind"] != "token" || !strings.HasPrefix(fmt.Sprint(history[0]["by"]), "試験") {
		t.Errorf("history: %v", history)
	}
	if a := r.admin("DELETE", path, nil); a.StatusCode != 409 {
		t.Errorf("removing a device that was seen: %d", a.StatusCode)
	}
	if a := r.admin("DELETE", "/devices/"+r.ids["unseen"], nil); a.StatusCode != 204 || a.text != "" {
		t.Errorf("removing a device that was never seen: %d %s", a.StatusCode, a.text)
	}
	r.lastAction("device.remove")
}

// never_touch reaches the gate: it is what counts when something is sent.
func TestNeverTouchReachesTheGate(t *testing.T) {
	r := sqlite(t)
	path := "/devices/" + r.ids["second"]
	answer := func(m netid.MAC) *gate.Refusal {
		h, err := r.Work.For(t.Context(), r.f)
		r.must(err)
		return h.Gate.Host(r.ids["segment"], netip.MustParseAddr("10.1.0.6"), m).May(gate.EchoRequest, 0)
	}
	allowed := func() bool { return answer(mac("00:1b:54:00:01:02")) == nil }
	if !allowed() {
		t.Fatal("an ordinary host of an approved segment may not be asked")
	}
	if a := r.ok("PATCH", path, m{"never_touch": true, "reason": "人工呼吸器の制御"}); a.body["never_touch"] != true || allowed() {
		t.Errorf("after never_touch the gate still lets frames through: %s", a.text)
	}
	if no := answer(netid.MAC{}); no == nil || no.Code != "never-touch" { // an echo goes to an address; nobody knows the card yet
		t.Errorf("its address alone: %v", no)
	}
	if a := r.ok("PATCH", path, m{"never_touch": false}); a.body["never_touch"] != false || !allowed() {
		t.Errorf("after taking it back: %s", a.text)
	}
}

// What somebody says about being medical counts for the next frame already.
func TestMedicalIsProtectedAtOnce(t *testing.T) {
	r := sqlite(t)
	path := "/devices/" + r.ids["second"]
	allowed := func() bool {
		c, err := r.Work.For(t.Context(), r.f)
		r.must(err)
		return c.Gate.Host(r.ids["segment"], netip.MustParseAddr("10.1.0.6"), mac("00:1b:54:00:01:02")).May(gate.HTTPGet, 80) == nil
	}
	if !allowed() {
		t.Fatal("an ordinary device may not be asked")
	}
	r.ok("PATCH", path, m{"word": m{"medical": true}})
	if allowed() {
		t.Error("a device that was said to be medical is still asked")
	}
	// who may not decide about sending takes no protection away
	if a := r.send(r.tokens[actor.Department], "PATCH", root+path, m{"word": m{"medical": false}}); a.StatusCode != 200 || len(r.ok("GET", "/words", nil).items()) != 1 {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	r.ok("PATCH", path, m{"word": m{"medical": nil}})
	r.ok("PATCH", path, m{"word": m{"medical": false}})
	words := r.ok("GET", "/words", nil).items()
	if len(words) != 2 || words[0]["word"] != "not-medical" {
		t.Errorf("words: %v", words)
	}
	if !allowed() {
		t.Error("a device that an admin said is not medical is still protected")
	}
}

func TestFindingsAreDecidedOnAndCounted(t *testing.T) {
	r := sqlite(t)
	path := "/findings/" + r.ids["finding"]
	open := func() any { return r.ok("GET", "/devices/"+r.ids["device"], nil).body["findings"] }
	r.ok("POST", path+"/reopen", m{"reason": "確認"})
	if open() != 1.0 {
		t.Errorf("open findings: %v", open())
	}
	if a := r.ok("POST", path+"/accept", m{"reason": "更新まで", "until": r.now.AddDate(0, 2, 0)}); a.str("state") != "accepted" || open() != 0.0 {
		t.Errorf("accepted: %s, open %v", a.text, open())
	}
	if a := r.admin("POST", path+"/accept", m{"reason": "更新まで", "until": r.now.AddDate(5, 0, 0)}); a.StatusCode < 400 || a.StatusCode > 499 {
		t.Errorf("accepted for five years: %d %s", a.StatusCode, a.text)
	}
	a := r.ok("POST", path+"/assign", m{"owner": "放射線科 佐藤"})
	steps, _ := a.body["history"].([]any)
	if a.str("owner") != "放射線科 佐藤" || len(steps) < 2 {
		t.Errorf("assigned: %s", a.text)
	}
	r.lastAction("finding.assign")
}

// Credentials go in and never come out, not even in the trail; each step of a segment's life is in the trail.
func TestASegmentsLife(t *testing.T) {
	r := sqlite(t)
	a := r.ok("POST", "/segments", m{"name": "放射線科", "prefix": "10.50.3.0/24", "routed": true, "pace": "normal", "snmp": []m{{"community": "himitsu-1"}}})
	if a.StatusCode != 201 || a.body["approved"] != false || a.body["snmp_credentials"] != 1.0 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	path := "/segments/" + a.str("id")
	if a := r.admin("POST", "/sweeps", m{"segments": []string{a.str("id")}}); a.StatusCode != 403 {
		t.Errorf("a sweep of a segment that nobody approved: %d", a.StatusCode)
	}
	if a := r.ok("POST", path+"/approve", nil); a.body["approved"] != true || !strings.HasPrefix(a.str("approved_by"), "試験") {
		t.Errorf("approved: %s", a.text)
	}
	if a := r.ok("PATCH", path, m{"purpose": "CTとMR", "hours": m{"from": 60, "to": 300}}); a.body["approved"] != true || a.str("name") != "放射線科" || a.body["snmp_credentials"] != 1.0 {
		t.Errorf("edited: %s", a.text)
	}
	if a := r.ok("PATCH", path, m{"prefix": "10.50.4.0/24"}); a.body["approved"] != false {
		t.Errorf("another range keeps the approval: %s", a.text)
	}
	if a := r.ok("PATCH", path, m{"snmp": []m{}}); a.body["snmp_credentials"] != 0.0 {
		t.Errorf("credentials removed: %s", a.text)
	}
	if a := r.admin("PATCH", path, m{"purpose": "x"}, "If-Match", `"1"`); a.StatusCode != 412 {
		t.Errorf("an old If-Match: %d", a.StatusCode)
	}
	r.ok("POST", path+"/approve", nil)
	r.ok("POST", path+"/withdraw", nil)
	r.ok("DELETE", path, nil)
	want := "segment.remove segment.withdraw segment.approve segment.edit segment.edit segment.edit segment.approve segment.add"
	if got := strings.Join(r.actions()[:8], " "); got != want {
		t.Errorf("trail:\n%s\nwant\n%s", got, want)
	}
	for _, p := range []string{"/segments", "/segments?format=csv", "/trail", "/trail/export", "/segments/" + r.ids["segment"]} {
		if a := r.ok("GET", p, nil); strings.Contains(a.text, "himitsu") {
			t.Errorf("%s tells an SNMP community", p)
		}
	}
	wrong := r.admin("POST", "/segments", m{"prefix": "10.51.0.0/24", "routed": true, "snmp": []m{{"community": "himitsu-2", "colour": "himitsu-3"}}})
	if wrong.StatusCode != 422 || strings.Contains(wrong.text, "himitsu") {
		t.Errorf("an error echoes a secret: %s", wrong.text)
	}
}

func TestTheKillSwitchAndUnlocks(t *testing.T) {
	r := sqlite(t)
	if a := r.ok("PUT", "/kill", m{"killed": true, "reason": "手術室の不調"}); a.body["killed"] != true || a.str("reason") != "手術室の不調" {
		t.Errorf("%s", a.text)
	}
	r.lastAction("gate.kill")
	if a := r.ok("PUT", "/kill", m{"killed": false}); a.body["killed"] != false {
		t.Errorf("%s", a.text)
	}
	r.lastAction("gate.release")
	a := r.ok("POST", "/unlocks", m{"device": r.ids["device"], "until": r.now.Add(time.Hour), "reason": "点検"})
	if items := a.items(); len(items) != 1 || items[0]["mac"] != "00:1b:54:00:01:01" {
		t.Fatalf("unlock: %s", a.text)
	}
	r.lastAction("device.unlock")
	id := fmt.Sprint(a.items()[0]["id"])
	before := len(r.ok("GET", "/unlocks", nil).items())
	r.ok("DELETE", "/unlocks/"+id, nil)
	r.lastAction("device.lock")
	if after := len(r.ok("GET", "/unlocks", nil).items()); after != before-1 {
		t.Errorf("%d unlocks, then %d", before, after)
	}
	if a := r.admin("POST", "/unlocks", m{"device": r.ids["device"], "until": r.now.AddDate(0, 0, 30), "reason": "点検"}); a.StatusCode != 413 {
		t.Errorf("an unlock of a month: %d %s", a.StatusCode, a.text)
	}
}

func TestASweepIsStartedPausedAndStopped(t *testing.T) {
	r := sqlite(t)
	a := r.ok("POST", "/sweeps", m{"segments": []string{r.ids["segment"]}, "presence_only": true, "listen_seconds": 30})
	if a.StatusCode != 202 || a.str("state") != "running" || a.body["listen_seconds"] != 30.0 || a.str("job") == "" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	path := "/sweeps/" + a.str("id")
	if a := r.ok("POST", path+"/pause", nil); a.body["paused"] != true {
		t.Errorf("paused: %s", a.text)
	}
	if a := r.ok("POST", path+"/resume", nil); a.body["paused"] != false {
		t.Errorf("resumed: %s", a.text)
	}
	if a := r.ok("POST", path+"/stop", nil); a.str("state") != "stopped" {
		t.Errorf("stopped: %s", a.text)
	}
	if a := r.ok("GET", "/jobs/"+a.str("job"), nil); a.str("state") != "cancelled" {
		t.Errorf("its job: %s", a.text)
	}
	if a := r.admin("POST", path+"/pause", nil); a.StatusCode != 409 {
		t.Errorf("pausing a stopped sweep: %d", a.StatusCode)
	}
	if got := strings.Join(r.actions()[:4], " "); got != "sweep.stop sweep.resume sweep.pause sweep.start" {
		t.Errorf("trail: %s", got)
	}
}

// A sweep whose job was cancelled or given up does not run for ever.
func TestASweepEndsWithItsJob(t *testing.T) {
	r := sqlite(t)
	for state, end := range map[string]func(run string){
		"stopped": func(run string) { r.ok("POST", "/jobs/"+run+"/cancel", nil) },
		"failed": func(run string) {
			r.must(r.DB.Write(t.Context(), r.f, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), "UPDATE job_runs SET state = 'failed', finished_at = 1 WHERE facility_id = $1 AND id = $2", run)
				return err
			}))
		},
	} {
		a := r.ok("POST", "/sweeps", m{"segments": []string{r.ids["segment"]}})
		end(a.str("job"))
		if got := r.ok("GET", "/sweeps/"+a.str("id"), nil).str("state"); got != state {
			t.Errorf("one sweep: %s, want %s", got, state)
		}
		items, _ := r.ok("GET", "/sweeps?limit=1", nil).body["items"].([]any)
		if first, _ := items[0].(m); first["state"] != state {
			t.Errorf("in the list: %v, want %s", first["state"], state)
		}
	}
}

func TestMergesAreUndone(t *testing.T) {
	r := sqlite(t)
	a := r.ok("POST", "/devices/"+r.ids["device"]+"/merge", m{"other": r.ids["second"], "reason": "同じPC"})
	d, _ := a.body["device"].(m)
	if macs, _ := d["macs"].([]any); len(macs) != 2 {
		t.Errorf("merged: %s", a.text)
	}
	r.ok("POST", "/merges/"+a.str("merge")+"/undo", nil)
	r.lastAction("device.merge-undo")
	if d := r.ok("GET", "/devices/"+r.ids["second"], nil); d.str("id") != r.ids["second"] || d.str("mac") != "00:1b:54:00:01:02" {
		t.Errorf("after the undo: %s", d.text)
	}
}

// A ledger goes in by upload, correction, apply, and out again by undo; the export comes back without a change.
func TestAnImport(t *testing.T) {
	r := sqlite(t)
	sheet := "設備台帳,,,\n管理番号,機器名,担当,謎の列\nA-1,受付PC,佐藤,x\nA-2,会計PC,鈴木,y\nA-2,会計PC その2,鈴木,z\n"
	a := r.upload(r.tokens[actor.Admin], "/imports", "台帳 2026.csv", []byte(sheet))
	count, _ := a.body["count"].(m)
	if a.StatusCode != 201 || a.str("state") != "preview" || count["new"] != 2.0 || count["error"] != 1.0 || a.str("file") != "台帳 2026.csv" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	path := "/imports/" + a.str("id")
	mapping, _ := a.body["mapping"].(m)
	columns, _ := mapping["columns"].([]any)
	var odd any
	for _, c := range columns {
		if x, _ := c.(m); x["header"] == "謎の列" {
			odd = x["index"]
		}
	}
	a = r.ok("POST", path+"/mapping", m{"columns": []m{{"index": odd, "field": "room"}}})
	if a := r.admin("POST", path+"/mapping", m{"columns": []m{{"index": odd, "field": "colour"}}}); a.StatusCode != 422 {
		t.Errorf("an unknown field: %d %s", a.StatusCode, a.text)
	}
	rows := r.ok("GET", path+"/rows?action=error", nil).items()
	if len(rows) != 1 || rows[0]["row"] != 5.0 {
		t.Errorf("rows with errors: %v", rows)
	}
	a = r.ok("POST", path+"/apply", nil)
	if a.str("state") != "done" || a.body["done"] != 2.0 {
		t.Errorf("applied: %s", a.text)
	}
	if d := r.ok("GET", "/devices?q=A-1", nil).items(); len(d) != 1 || d[0]["name"] != "受付PC" || d[0]["room"] != "x" {
		t.Errorf("device: %v", d)
	}
	if a := r.admin("POST", path+"/apply", nil); a.StatusCode != 409 {
		t.Errorf("applied twice: %d", a.StatusCode)
	}
	for _, format := range []string{"csv", "xlsx"} {
		again := r.upload(r.tokens[actor.Admin], "/imports", "出力."+format, []byte(r.ok("GET", "/devices?format="+format+"&state=new,registered,excluded,retired", nil).text))
		count, _ := again.body["count"].(m)
		if again.StatusCode != 201 || count["new"] != 0.0 || count["conflict"] != 0.0 || count["error"] != 0.0 {
			t.Errorf("the %s export says something new: %v", format, count)
		}
		for _, row := range r.ok("GET", "/imports/"+again.str("id")+"/rows?action=changed", nil).items() {
			changes, _ := row["changes"].([]any)
			for _, c := range changes { // what a ledger names counts as registered; no word may change
				if x, _ := c.(m); x["field"] != "state" {
					t.Errorf("the %s export changes %v", format, x)
				}
			}
		}
		r.ok("DELETE", "/imports/"+again.str("id"), nil)
	}
	if a := r.ok("POST", path+"/undo", nil); a.str("state") != "undone" {
		t.Errorf("undone: %s", a.text)
	}
	if d := r.ok("GET", "/devices?q=A-1", nil).items(); len(d) != 0 {
		t.Errorf("still there: %v", d)
	}
	r.lastAction("import.undo")
}

// A sheet whose headings say nothing waits until a person has tied its columns.
func TestAnImportWithUnknownColumns(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	a := r.upload(r.tokens[actor.Admin], "/imports", "x.csv", []byte("あ,い\nか,き\nさ,し\n"))
	if a.StatusCode != 201 || a.str("state") != "mapping" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	path := "/imports/" + a.str("id")
	if a := r.admin("POST", path+"/apply", nil); a.StatusCode != 409 {
		t.Errorf("applied without a mapping: %d %s", a.StatusCode, a.text)
	}
	a = r.ok("POST", path+"/mapping", m{"header": 1, "columns": []m{{"index": 0, "field": "name"}, {"index": 1, "field": "room"}}})
	if count, _ := a.body["count"].(m); a.str("state") != "preview" || count["new"] != 2.0 {
		t.Errorf("mapped: %s", a.text)
	}
	if a := r.ok("POST", path+"/apply", m{"replace": true}); a.str("state") != "done" || a.body["replace"] != true {
		t.Errorf("applied: %s", a.text)
	}
}

func TestWrongFiles(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	for name, content := range map[string][]byte{"空.csv": nil, "文.docx": []byte("PK\x03\x04nothing"), "../../etc/passwd": {0, 1, 2}} {
		a := r.upload(r.tokens[actor.Admin], "/imports", name, content)
		if a.StatusCode < 400 || a.StatusCode > 499 || a.str("detail") == "" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	if a := r.upload(r.tokens[actor.Admin], "/imports", "大.csv", bytes.Repeat([]byte("a,b\n"), 6<<20)); a.StatusCode != 413 {
		t.Errorf("24 MB: %d %s", a.StatusCode, a.text)
	}
	for _, kind := range []string{"application/json", "multipart/form-data", "multipart/form-data; boundary=x"} {
		if a := r.admin("POST", "/imports", "{}", "Content-Type", kind); a.StatusCode != 422 {
			t.Errorf("%s: %d %s", kind, a.StatusCode, a.text)
		}
	}
	if left := r.ok("GET", "/imports", nil); len(left.items()) != 0 {
		t.Errorf("imports are left of files that were refused: %s", left.text)
	}
}

// A checkpoint that was kept shows that nothing was taken away; an entry that somebody changed is found.
func TestTheTrailIsVerified(t *testing.T) {
	r := sqlite(t)
	kept := r.ok("GET", "/trail/checkpoint", nil).str("checkpoint")
	r.ok("PUT", "/kill", m{"killed": true})
	if a := r.ok("POST", "/trail/verify", m{"checkpoint": kept}); a.body["ok"] != true || a.body["compared"] != true {
		t.Errorf("an intact trail: %s", a.text)
	}
	if lines := strings.Count(r.ok("GET", "/trail/export", nil).text, "\n"); lines != len(r.actions()) {
		t.Errorf("%d lines, %d entries", lines, len(r.actions()))
	}
	r.must(r.DB.Write(context.Background(), r.f, func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), "UPDATE trail_entries SET summary_ja = 'x' WHERE facility_id = $1 AND seq = 1")
		return err
	}))
	if a := r.ok("POST", "/trail/verify", nil); a.body["ok"] != false {
		t.Errorf("an edited trail: %s", a.text)
	}
}

func TestCSV(t *testing.T) {
	r := sqlite(t)
	_, err := r.Suppliers.Save(context.Background(), r.f, addSupplierNamed("=HYPERLINK(\"http://x\")"))
	r.must(err)
	a := r.ok("GET", "/suppliers", nil, "Accept", "text/csv")
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(a.Header.Get("Content-Disposition"), "suppliers.csv") {
		t.Errorf("headers: %v", a.Header)
	}
	if !strings.Contains(a.text, "'=HYPERLINK") {
		t.Errorf("a formula goes out alive: %s", a.text)
	}
	for _, rt := range r.routes() {
		if rt.method != "GET" || strings.Contains(rt.path, "{") && rt.id != "list-device-history" {
			continue
		}
		a := r.admin("GET", strings.Replace(rt.path, "{id}", r.ids["device"], 1)+"?format=csv", nil)
		if a.StatusCode == 422 || !actor.Admin.May(rt.needs) { // no list, or one that is not for spreadsheets, or not for the admin
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.text, "\ufeff"))).ReadAll()
		if a.StatusCode != 200 || err != nil || len(rows) == 0 || len(rows[0]) < 3 {
			t.Errorf("%s: %d %v %q", rt.path, a.StatusCode, err, a.text)
		}
		if strings.Contains(a.text, canaryMark) {
			t.Errorf("%s exports the other facility", rt.path)
		}
	}
	for _, path := range []string{"/devices?format=csv", "/devices?format=xlsx", "/systems?format=csv", "/findings?format=csv"} {
		if a := r.send(r.tokens[actor.Department], "GET", root+path, nil); a.StatusCode != 403 {
			t.Errorf("%s without the permission to export: %d", path, a.StatusCode)
		}
	}
	var book *paper.Book
	x := r.ok("GET", "/devices?format=xlsx", nil).text
	if book, err = paper.Open(strings.NewReader(x), int64(len(x)), "x.xlsx"); err != nil || len(book.Sheets()) != 2 {
		t.Errorf("xlsx: %v", err)
	}
}

// Every list gives each row once, also while rows are added and changed between the pages.
func TestPagingToTheEndWhileRowsChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		ctx := context.Background()
		host := func(i int) (netid.MAC, netip.Addr) {
			return netid.MAC{0, 0x1b, 0x54, 9, byte(i >> 8), byte(i)}, netip.AddrFrom4([4]byte{10, 1, byte(1 + i>>8), byte(i)})
		}
		add := func(from, to int) {
			var sightings []ledger.Sighting
			var seen []observation.Observation
			var sent []gate.SentRow
			for i := from; i < to; i++ {
				mac, ip := host(i)
				sightings = append(sightings, ledger.Sighting{MAC: mac, IP: ip, Signal: "arp", At: r.now})
				seen = append(seen, observation.Observation{Sensor: "local", MAC: mac, IP: ip, Signal: observation.ARP, Value: ip.String(), At: r.now})
				sent = append(sent, gate.SentRow{Host: ip, MAC: mac, Frame: gate.ARPRequest, Hour: r.now.Truncate(time.Hour), Frames: 1})
			}
			r.must(db.Write(ctx, r.f, func(tx *store.Tx) error {
				_, err := r.Ledger.Sight(ctx, tx, sightings)
				return err
			}))
			r.must(r.Seen.Add(ctx, r.f, seen))
			r.must(r.Gates.Record(ctx, r.f, sent))
			r.must(db.Write(ctx, r.f, func(tx *store.Tx) error {
				for range to - from {
					if _, err := trail.Append(ctx, tx, deed("test.row", "", "", "行", "row", nil)); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		add(0, 60)
		for path, key := range map[string]func(m) string{
			"/devices?sort=ip":     func(v m) string { return fmt.Sprint(v["id"]) },
			"/devices?desc=true":   func(v m) string { return fmt.Sprint(v["id"]) },
			"/observations":        func(v m) string { return fmt.Sprint(v["id"]) },
			"/trail":               func(v m) string { return fmt.Sprint(v["seq"]) },
			"/frames/sent":         func(v m) string { return fmt.Sprint(v["segment"], v["host"], v["frame"]) },
			"/frames/sent?limit=1": func(v m) string { return fmt.Sprint(v["segment"], v["host"], v["frame"]) },
		} {
			mark := "?"
			if strings.Contains(path, "?") {
				mark = "&"
			}
			if !strings.Contains(path, "limit") {
				path += mark + "limit=7"
				mark = "&"
			}
			before := map[string]bool{}
			for _, v := range r.ok("GET", strings.Replace(strings.Replace(path, "limit=7", "limit=500", 1), "limit=1", "limit=500", 1), nil).items() {
				before[key(v)] = true
			}
			if len(before) < 60 {
				t.Fatalf("%s: %d rows", path, len(before))
			}
			got := map[string]int{}
			cursor, pages := "", 0
			for {
				p := path
				if cursor != "" {
					p += mark + "cursor=" + cursor
				}
				a := r.ok("GET", p, nil)
				for _, v := range a.items() {
					got[key(v)]++
				}
				if pages++; pages == 2 {
					n := 100 + len(path)
					r.now = r.now.Add(time.Second)
					add(n, n+5)
				}
				if cursor = a.str("next"); cursor == "" {
					break
				}
			}
			for k := range before {
				if got[k] != 1 && !(strings.HasPrefix(path, "/trail") && got[k] == 1) {
					t.Errorf("%s: row %s came %d times", path, k, got[k])
				}
			}
			for k, n := range got {
				if n > 1 {
					t.Errorf("%s: row %s came %d times", path, k, n)
				}
			}
		}
	})
}

// A file can be put beside a device, a system and a supplier, comes back as it was, always to be saved, and goes again; history and trail tell.
func TestAttachments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		content := []byte("<html>\x00\xff保守")
		for kind, in := range map[string]string{"device": r.ids["device"], "system": r.ids["system"], "supplier": r.ids["supplier"]} {
			base := "/" + kind + "s/" + in + "/attachments"
			a := r.upload(r.tokens[actor.Admin], base, "../契約 書.html", content)
			if a.StatusCode != 201 || a.str("name") != "契約 書.html" || a.body["size"] != float64(len(content)) {
				t.Fatalf("%s: %d %s", kind, a.StatusCode, a.text)
			}
			if e := r.upload(r.tokens[actor.Admin], base, "空.txt", nil); e.StatusCode != 422 {
				t.Errorf("%s: an empty file: %d %s", kind, e.StatusCode, e.text)
			}
			if l := r.ok("GET", base, nil).items(); len(l) != 2 || l[0]["id"] != a.str("id") {
				t.Errorf("%s: %v", kind, l)
			}
			one := base + "/" + a.str("id")
			got := r.ok("GET", one, nil)
			if got.text != string(content) || got.Header.Get("Content-Type") != "application/octet-stream" ||
				!strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment;") || got.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %q %v", kind, got.text, got.Header)
			}
			for other, id := range map[string]string{"device": r.ids["second"], "system": r.ids["device"], "supplier": r.ids["system"]} {
				if x := r.admin("GET", "/"+other+"s/"+id+"/attachments/"+a.str("id"), nil); x.StatusCode != 404 {
					t.Errorf("the file of a %s at a %s: %d", kind, other, x.StatusCode)
				}
			}
			r.ok("DELETE", one, nil)
			if x := r.admin("GET", one, nil); x.StatusCode != 404 {
				t.Errorf("%s: removed, and still there: %d", kind, x.StatusCode)
			}
			told := r.ok("GET", "/"+kind+"s/"+in+"/history", nil).text
			if !strings.Contains(told, "契約 書.html") {
				t.Errorf("%s: the history does not tell: %s", kind, told)
			}
		}
		r.ok("PUT", "/assessments/checklist-r7-facility/items/r7.2.2?subject=", m{"reply": "unknown"})
		item := "/assessments/checklist-r7-facility/items/r7.2.2/attachments"
		for _, base := range []string{item, "/registers/training/rows/" + r.ids["row"] + "/attachments"} {
			a := r.upload(r.tokens[actor.Admin], base, "../../etc/"+"契約\u202efdp.exe", content)
			if a.StatusCode != 201 || a.str("name") != "契約fdp.exe" {
				t.Fatalf("%s: %d %s", base, a.StatusCode, a.text)
			}
			got := r.ok("GET", base+"/"+a.str("id"), nil)
			if got.text != string(content) || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment;") {
				t.Errorf("%s: %q %v", base, got.text, got.Header)
			}
			if b := r.upload(r.tokens[actor.Admin], base, "大.bin", make([]byte, 20<<20+1)); b.StatusCode != 413 {
				t.Errorf("%s: more than 20 MB: %d", base, b.StatusCode)
			}
			r.ok("DELETE", base+"/"+a.str("id"), nil)
			if x := r.admin("GET", base+"/"+a.str("id"), nil); x.StatusCode != 404 {
				t.Errorf("%s: removed, and still there: %d", base, x.StatusCode)
			}
		}
		if a := r.upload(r.tokens[actor.Admin], strings.Replace(item, "r7.2.2", "r7.2.3", 1), "x.txt", content); a.StatusCode != 409 {
			t.Errorf("beside an item that nobody answered: %d %s", a.StatusCode, a.text)
		}
		if a := r.admin("GET", item+"/"+r.ids["catalogue-file"], nil); a.StatusCode != 404 {
			t.Errorf("another item's file: %d", a.StatusCode)
		}
		if a := r.upload(r.tokens[actor.Director], item, "x.txt", content); a.StatusCode != 403 {
			t.Errorf("by a director: %d", a.StatusCode)
		}
		trail := r.ok("GET", "/trail?limit=50", nil).text
		for _, deed := range []string{"assess.attach", "assess.detach", "register.attach", "device.attach", "system.attach", "vendor.attach", "device.detach", "system.detach", "vendor.detach"} {
			if !strings.Contains(trail, deed) {
				t.Errorf("the trail does not tell of %s", deed)
			}
		}
	})
}
