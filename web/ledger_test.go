package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"kenshin/actor"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/trail"
)

const hostile = `<script>alert("x")</script>`

func asked() observation.Observation {
	return observation.Observation{Signal: observation.Asked, Value: "complete"}
}

func smb1() []observation.Observation {
	return []observation.Observation{asked(), {Signal: observation.SMBDialect, Port: 445, Value: "smb1"}}
}

func TestSilenceIsNeverAPass(t *testing.T) {
	c := openConsole(t)
	quiet := c.see("02:00:00:00:01:01", "10.9.0.1")
	looked := c.see("02:00:00:00:01:02", "10.9.0.2", asked())
	for _, id := range []netid.DeviceID{quiet, looked} {
		c.post(actor.Admin, "/devices/"+string(id)+"/state", "state", "registered").is(http.StatusSeeOther)
	}
	c.get(actor.Admin, "/devices?q=10.9.0.1").is(200, "調べていない", "!弱点は見つからず")
	c.get(actor.Admin, "/devices?q=10.9.0.2").is(200, "弱点は見つからず")
	c.get(actor.Admin, "/devices/"+string(quiet)).is(200, "まだ調べていないので、分かりません")
	c.get(actor.Admin, "/devices/"+string(looked)).is(200, "調べた範囲では見つかっていません")
	c.get(actor.Admin, "/findings").is(200, "まだ調べていないので、分かりません") // nothing was swept: an empty list proves nothing
}

// A device that was found outside the approved range says why nobody asked it, and what to do.
func TestWhyADeviceWasNotAsked(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:01:77", "10.77.99.50")
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "!なぜ聞いていないのですか")
	hold := func(sweep, state, reason string, at int64) {
		c.must(c.DB.Write(t.Context(), c.f, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO checkup_hosts (facility_id, sweep_id, segment_id, host_key, mac, ip, device_id, state, tries, next_port, reason, updated_at)
				VALUES ($1, $2, 'lan', 'k', '02:00:00:00:01:77', '10.77.99.50', $3, $4, 0, 0, $5, $6)`, sweep, string(id), state, reason, at)
			return err
		}))
	}
	hold("s1", "held", "outside", 1)
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "なぜ聞いていないのですか", "10.77.99.50 は、承認した区画の範囲の外です", "「区画」で足して承認")
	hold("s2", "asked", "", 2) // a later check-up did ask
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "!なぜ聞いていないのですか")
}

// The device's page tells all that changed: by whom or by which signal, when, from what to what.
func TestTheHistoryTellsPeopleAndSignals(t *testing.T) {
	c := openConsole(t)
	banner := func(value string) observation.Observation {
		return observation.Observation{Signal: observation.SMBDialect, Port: 445, Value: value}
	}
	id := c.see("02:00:00:00:01:78", "10.77.99.51", banner("3.1.1"))
	path := "/devices/" + string(id)
	edit := func(fields ...string) {
		c.post(actor.Department, path+"/edit", append([]string{"revision", fmt.Sprint(c.one(id).Revision)}, fields...)...).is(303)
	}
	edit("name", "受付1", "owner", "鈴木")
	edit("name", "受付2", "owner", "鈴木")
	c.must(c.DB.Write(t.Context(), c.f, func(tx *store.Tx) error {
		for _, os := range []string{"Windows 10", "Windows 11"} {
			_, err := c.Ledger.SetIdentity(t.Context(), tx, id, ledger.Identity{Kind: "pc", OS: os, Because: []ledger.Reason{{Signal: "ntlm", Value: os, Weight: 1, Rule: "r"}}}, nil)
			if err != nil {
				return err
			}
		}
		return nil
	}))
	for _, page := range []string{path, path + "/history"} {
		c.get(actor.Auditor, page).is(200, "名称を「受付1」から「受付2」に変えました", "担当 department", "測った「OS」が Windows 10 から Windows 11 に変わりました", "Kenshin ·", "<time")
	}
	c.get(actor.Auditor, path+"/history").is(200, "ネットワークで初めて見つかりました", "鈴木")
}

func TestLedgerListFiltersSortsAndPages(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/devices").is(200, "台帳はまだ空です")
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.Person, ID: "p", Name: "佐藤"})
	for i := range 120 {
		_, err := c.Ledger.Add(ctx, c.f, ledger.Word{Name: fmt.Sprintf("端末%d", i+1), Department: []string{"看護部", "事務"}[i%2]}, ledger.Registered, "")
		c.must(err)
	}
	smb := c.see("02:00:00:00:02:01", "10.9.1.1", smb1()...)
	c.get(actor.Admin, "/devices").is(200, "1〜50 / 121件", "端末1<", "rel=\"next\"", "!rel=\"prev\"")
	c.get(actor.Admin, "/devices?cursor=50").is(200, "51〜100 / 121件", "rel=\"prev\"", "rel=\"next\"")
	c.get(actor.Admin, "/devices?cursor=100").is(200, "101〜121 / 121件", "!rel=\"next\"")
	c.get(actor.Admin, "/devices?sort=name&desc=true").is(200, "端末120")
	c.get(actor.Admin, "/devices?chip=findings").is(200, string(smb), "!端末1<")
	c.get(actor.Admin, "/devices?chip=new").is(200, string(smb), "!端末1<")
	c.get(actor.Admin, "/devices?department=事務").is(200, "60件", "!端末1<", "端末2<")
	c.get(actor.Admin, "/devices?q=見つからない").is(200, "この条件に合う機器はありません")
	for _, sort := range []string{"name", "kind", "maker", "os", "place", "port", "ip", "seen", "worst"} {
		c.get(actor.Admin, "/devices?sort="+sort).is(200)
	}
	for _, bad := range []string{"sort=colour", "cursor=-5", "cursor=abc", "chip=nothing"} {
		c.get(actor.Admin, "/devices?"+bad).is(http.StatusUnprocessableEntity)
	}
	c.get(actor.Trainer, "/devices").is(http.StatusForbidden)
	c.get(actor.Director, "/devices").is(200, "!まとめて変える", "!Excelを取り込む")
}

func TestHostileNamesAreOnlyText(t *testing.T) {
	c := openConsole(t)
	obs := append(smb1(), observation.Observation{Signal: observation.MDNSName, Value: hostile}, observation.Observation{Signal: observation.NTLM, Value: hostile,
		Detail: map[string]string{"dns": hostile}})
	id := c.see("02:00:00:00:03:01", "10.9.2.1", obs...)
	_, err := c.Ledger.Edit(c.as(actor.Admin), c.f, id, 0, ledger.Patch{Fields: map[string]string{"name": hostile, "notes": hostile, "extra." + hostile: hostile, "vendor": hostile}})
	c.must(err)
	list, err := c.Findings.List(t.Context(), c.f, finding.Filter{Device: id})
	c.must(err)
	if len(list.Findings) == 0 {
		t.Fatal("no finding")
	}
	paths := []string{"/", "/devices", "/devices/" + string(id), "/devices/" + string(id) + "/edit", "/devices/" + string(id) + "/history",
		"/devices/" + string(id) + "/merge?q=" + url.QueryEscape(hostile), "/findings", "/findings/" + list.Findings[0].ID, "/systems/new", "/vendors"}
	for _, p := range paths {
		c.get(actor.Admin, p).is(200, "!"+hostile)
	}
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "&lt;script&gt;alert")
	a := c.get(actor.Admin, "/findings/"+list.Findings[0].ID+"/letter")
	if !strings.HasPrefix(a.Header().Get("Content-Disposition"), "attachment") || a.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the letter is shown: %v", a.Header())
	}
}

// as is a person of a role, for calls past the pages.
func (c *console) as(role actor.Role) context.Context {
	return actor.With(context.Background(), actor.Actor{Kind: actor.Person, ID: "p-" + string(role), Name: "佐藤", Role: role})
}

func TestEditKeepsWhatWasTypedAndNoticesOthers(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:04:01", "10.9.3.1")
	path := "/devices/" + string(id)
	rev := strconv.FormatInt(c.one(id).Revision, 10)
	c.get(actor.Department, path+"/edit").is(200, `name="revision" value="`+rev+`"`)
	c.post(actor.Department, path+"/edit", "revision", rev, "name", "受付PC", "lease_end", "令和9年13月", "state", "registered").
		is(422, "受付PC", "令和9年13月", "まだ保存していません")
	if c.one(id).Word.Name != "" {
		t.Error("a refused form was saved")
	}
	c.post(actor.Department, path+"/edit", "revision", rev, "name", "受付PC", "lease_end", "令和9年3月31日", "state", "registered").is(303)
	d := c.one(id)
	if d.Word.Name != "受付PC" || d.Word.LeaseEnd != "2027-03-31" || d.State != ledger.Registered {
		t.Errorf("%+v %s", d.Word, d.State)
	}
	c.get(actor.Department, path).is(200, "受付PC", "名称を「受付PC」と書きました", "担当 department")

	c.post(actor.Admin, path+"/edit", "revision", rev, "name", "別の名前", "state", "registered").
		is(http.StatusConflict, "別の名前", "担当 department さんが先に保存しました", "ほかの人がこの機器を保存しました")
	if c.one(id).Word.Name != "受付PC" {
		t.Error("somebody else's edit was overwritten")
	}
	c.post(actor.Admin, path+"/edit", "revision", "x", "name", "n", "state", "registered").is(422)
	c.post(actor.Admin, path+"/edit", "revision", "1", "name", strings.Repeat("あ", 500), "state", "registered").is(422)
	c.post(actor.Admin, path+"/edit", "revision", strconv.FormatInt(c.one(id).Revision, 10), "name", "n", "state", "gone").is(422)
	c.post(actor.Admin, path+"/edit", "revision", strconv.FormatInt(c.one(id).Revision, 10), "vendor_id", "no-such", "state", "registered").is(422, "この業者は登録されていません")
	c.post(actor.Admin, "/devices/new", "state", "registered").is(422, "名前か管理番号を入れてください")
	if to := c.post(actor.Department, "/devices/new", "name", "紙の台帳の機器", "state", "registered").is(303).to(); !strings.HasPrefix(to, "/devices/") {
		t.Errorf("to %s", to)
	}
}

func TestBulkEdit(t *testing.T) {
	c := openConsole(t)
	a, b := c.see("02:00:00:00:05:01", "10.9.4.1"), c.see("02:00:00:00:05:02", "10.9.4.2")
	vendor := strings.TrimPrefix(c.post(actor.Admin, "/vendors/new", "name", "見本システムズ").is(303).to(), "/vendors/")
	back := "/devices?chip=new"
	c.post(actor.Admin, "/devices/bulk", "back", back, "state", "registered").is(422, "変える機器に印を付けてください")
	c.post(actor.Admin, "/devices/bulk", "back", back, "id", string(a)).is(422, "何を変えるかを選んでください")
	c.post(actor.Admin, "/devices/bulk", "back", back, "id", string(a), "impact", "enormous").is(422)
	c.post(actor.Admin, "/devices/bulk", "back", back, "id", string(a), "vendor", "no-such").is(422)
	w := c.post(actor.Department, "/devices/bulk", "back", back, "id", string(a), "id", string(b), "id", "no-such", "state", "registered", "department", "事務", "vendor", vendor).is(303)
	if w.to() != back {
		t.Errorf("back to %s", w.to())
	}
	if d := c.one(b); d.State != ledger.Registered || d.Word.Department != "事務" || d.Word.Vendor != "見本システムズ" || d.Word.VendorID != vendor {
		t.Errorf("%+v", d.Word)
	}
	if w := c.post(actor.Admin, "/devices/bulk", "back", "//evil.example", "id", string(a), "state", "excluded").is(303); w.to() != "/devices" {
		t.Errorf("led to %s", w.to())
	}
	// registered devices are no longer "not in the ledger"
	c.get(actor.Admin, "/").is(200, "!台帳にない機器が")
}

func TestAnotherFacilitysThingsAreNotThere(t *testing.T) {
	c := openConsole(t)
	ctx := c.as(actor.Admin)
	d, err := c.Ledger.Add(ctx, c.other, ledger.Word{Name: "よその機器"}, ledger.Registered, "")
	c.must(err)
	s, err := c.Ledger.SaveSystem(ctx, c.other, ledger.System{Name: "よそのカルテ"})
	c.must(err)
	i, err := c.Sheets.Begin(ctx, c.other, "よそ.csv", "")
	c.must(err)
	seg, err := c.Gates.Propose(ctx, c.other, gate.Segment{Name: "よその区画", Prefix: netip.MustParsePrefix("10.50.0.0/24"), Routed: true})
	c.must(err)
	device, system, imp, segment := "/devices/"+string(d.ID), "/systems/"+s.ID, "/import/"+i.ID, "/segments/"+seg
	for _, p := range []string{device, device + "/edit", device + "/history", device + "/merge", device + "/split", system, system + "/edit", imp, imp + "/sheet",
		imp + "/apply", imp + "/live", segment, "/sweeps/" + string(d.ID), "/jobs/" + string(d.ID), "/findings/" + string(d.ID), "/vendors/" + s.ID} {
		c.get(actor.Admin, p).is(http.StatusNotFound, "!よその")
	}
	for _, p := range []string{device + "/edit", device + "/state", device + "/never-touch", device + "/unlock", device + "/lock", device + "/merge", system + "/edit",
		system + "/delete", imp + "/apply", imp + "/discard", segment, segment + "/withdraw"} {
		c.post(actor.Admin, p, "state", "retired", "on", "true", "other", "x", "name", "x", "revision", "1").is(http.StatusNotFound)
	}
	c.post(actor.Admin, "/devices/bulk", "id", string(d.ID), "state", "retired").is(303)
	if got, err := c.Ledger.Get(ctx, c.other, d.ID); err != nil || got.State != ledger.Registered {
		t.Errorf("%v %v", got, err)
	}
	c.get(actor.Admin, "/devices?q=よその").is(200, "!よその機器<")
	c.get(actor.Admin, "/segments").is(200, "!よその")
}

func TestProtectionFromTheDevicePage(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:06:01", "10.9.5.1")
	path := "/devices/" + string(id)
	yes := true
	_, err := c.Ledger.Edit(c.as(actor.Admin), c.f, id, 0, ledger.Patch{Fields: map[string]string{"medical": "true"}})
	c.must(err)
	c.get(actor.Admin, path).is(200, "保護中", "この機器は守られています", "確認を許可する")
	c.get(actor.Department, path).is(200, "保護中", "!確認を許可する")
	now := time.Now().In(time.FixedZone("JST", 9*3600))
	at := func(d time.Duration) string { return now.Add(d).Format(typedTime) }
	for _, bad := range [][]string{
		{"reason", "", "from", at(0), "until", at(time.Hour), "agreed", "yes"},
		{"reason", "点検の時間に調べる", "from", at(0), "until", at(time.Hour)},
		{"reason", "点検の時間に調べる", "from", "soon", "until", "later", "agreed", "yes"},
		{"reason", "点検の時間に調べる", "from", at(2 * time.Hour), "until", at(time.Hour), "agreed", "yes"},
		{"reason", "点検の時間に調べる", "from", at(0), "until", at(8 * 24 * time.Hour), "agreed", "yes"},
	} {
		c.post(actor.Admin, path+"/unlock", bad...).is(422, `data-show`)
	}
	c.post(actor.Admin, path+"/unlock", "reason", "点検の時間に調べる", "from", at(0), "until", at(24*time.Hour), "agreed", "yes").is(303)
	c.get(actor.Admin, path).is(200, "詳しい確認を許可しています", "点検の時間に調べる", "担当 admin")
	c.get(actor.Admin, "/segments").is(200, "点検の時間に調べる")
	c.post(actor.Admin, path+"/lock").is(303)
	c.get(actor.Admin, path).is(200, "保護中", "!詳しい確認を許可しています")

	c.post(actor.Admin, path+"/never-touch", "on", "true").is(303)
	if d := c.one(id); !d.NeverTouch {
		t.Error("the ledger does not know")
	}
	words, err := c.Gates.Words(t.Context(), c.f)
	c.must(err)
	byCard := func(w gate.WordEntry) bool {
		return w.Word == gate.SaidNeverTouch && w.MAC.String() == "02:00:00:00:06:01"
	}
	byAddress := func(w gate.WordEntry) bool { return w.Word == gate.SaidNeverTouch && w.IP.String() == "10.9.5.1" }
	if len(words) != 2 || !slices.ContainsFunc(words, byCard) || !slices.ContainsFunc(words, byAddress) {
		t.Errorf("the gate's book: %+v", words)
	}
	c.post(actor.Admin, path+"/unlock", "reason", "点検の時間に調べる", "from", at(0), "until", at(time.Hour), "agreed", "yes").is(422, "何も送らない")
	c.post(actor.Admin, path+"/never-touch", "on", "false").is(303)
	if words, err = c.Gates.Words(t.Context(), c.f); err != nil || len(words) != 0 || c.one(id).NeverTouch == yes {
		t.Errorf("%v %v", words, err)
	}
	c.post(actor.Admin, path+"/never-touch", "on", "perhaps").is(422)
}

func TestOnlyWhoMaySendTakesProtectionAway(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:06:02", "10.9.5.2")
	save := func(role actor.Role, medical string) {
		rev := strconv.FormatInt(c.one(id).Revision, 10)
		c.post(role, "/devices/"+string(id)+"/edit", "revision", rev, "medical", medical, "state", "registered").is(303)
	}
	words := func() int {
		list, err := c.Gates.Words(t.Context(), c.f)
		c.must(err)
		return len(list)
	}
	save(actor.Department, "no")
	if words() != 0 {
		t.Error("a department took protection away")
	}
	save(actor.Department, "")
	save(actor.Admin, "no")
	if words() != 1 {
		t.Error("an admin's word did not reach the gate")
	}
	save(actor.Admin, "yes")
	if words() != 0 {
		t.Error("the word was not taken back")
	}
}

func TestMergeSplitAndUndo(t *testing.T) {
	c := openConsole(t)
	a, b := c.see("02:00:00:00:07:01", "10.9.6.1"), c.see("02:00:00:00:07:02", "10.9.6.2")
	path := "/devices/" + string(a)
	c.get(actor.Department, path+"/merge?q=10.9.6.2").is(200, "これとまとめる")
	c.post(actor.Department, path+"/merge").is(422, "まとめる相手を選んでください")
	c.post(actor.Department, path+"/merge", "other", string(a)).is(422)
	c.post(actor.Department, path+"/merge", "other", "no-such").is(404)
	c.post(actor.Department, path+"/merge", "other", string(b)).is(303)
	if w := c.get(actor.Admin, "/devices/"+string(b)).is(303); w.to() != path {
		t.Errorf("the merged device leads to %s", w.to())
	}
	c.get(actor.Admin, path).is(200, "02:00:00:00:07:02", "まとめた機器・分けた機器", "元に戻す")
	done, err := c.Ledger.Merges(t.Context(), c.f, ledger.Done)
	c.must(err)
	c.post(actor.Department, "/merges/"+done[0].ID+"/undo").is(303)
	c.post(actor.Department, "/merges/"+done[0].ID+"/undo").is(http.StatusConflict)
	c.get(actor.Admin, "/devices/"+string(b)).is(200)

	c.post(actor.Department, path+"/merge", "other", string(b)).is(303)
	c.post(actor.Department, path+"/split").is(422, "少なくとも1つは元の機器に残してください")
	c.post(actor.Department, path+"/split", "mac", "zz").is(422)
	c.post(actor.Department, path+"/split", "mac", "02:00:00:00:07:02").is(303)
	if d := c.one(a); len(d.Interfaces) != 1 {
		t.Errorf("%d cards left", len(d.Interfaces))
	}
}

// Files lie beside devices, systems and vendors alike.
func TestAttachments(t *testing.T) {
	c := openConsole(t)
	id := string(c.see("02:00:00:00:08:01", "10.9.7.1"))
	other := string(c.see("02:00:00:00:08:02", "10.9.7.2"))
	system, err := c.Ledger.SaveSystem(t.Context(), c.f, ledger.System{Name: "電子カルテ"})
	c.must(err)
	vendor, err := c.Suppliers.Save(t.Context(), c.f, supplier.Supplier{Name: "見本システムズ"})
	c.must(err)
	for _, x := range []struct {
		record, elsewhere string
		shelf             shelf
	}{{"/devices/" + id, "/devices/" + other, c.Ledger}, {"/systems/" + system.ID, "/devices/" + id, c.Ledger}, {"/vendors/" + vendor.ID, "/systems/" + system.ID, c.Suppliers}} {
		path := x.record + "/attachments"
		if to := c.upload(actor.Department, path, "契約書.html", []byte("<html><script>alert(1)</script>")).is(303).to(); to != x.record+"#files" {
			t.Errorf("%s leads to %s", path, to)
		}
		list, err := x.shelf.Attachments(t.Context(), c.f, x.record[strings.LastIndex(x.record, "/")+1:])
		c.must(err)
		if len(list) != 1 {
			t.Fatalf("%s: %d attachments", path, len(list))
		}
		file := "/attachments/" + list[0].ID
		if page := c.get(actor.Desk, x.record).is(200, "契約書.html", "「契約書.html」を添えました").Body.String(); strings.Contains(page, file+"/remove") || strings.Contains(page, "multipart") {
			t.Errorf("%s offers changes to somebody who may not make them", x.record)
		}
		c.get(actor.Department, x.record).is(200, file+"/remove", "multipart/form-data")
		w := c.get(actor.Desk, x.record+file).is(200)
		if cd := w.Header().Get("Content-Disposition"); !strings.HasPrefix(cd, "attachment") || strings.Contains(w.Header().Get("Content-Type"), "html") {
			t.Errorf("%s %s", cd, w.Header().Get("Content-Type"))
		}
		c.get(actor.Desk, x.elsewhere+file).is(404)
		c.post(actor.Department, x.elsewhere+file+"/remove").is(404)
		c.post(actor.Department, path).is(422)
		c.upload(actor.Department, path, "big.bin", make([]byte, maxFile+1)).is(http.StatusRequestEntityTooLarge)
		c.post(actor.Department, x.record+file+"/remove").is(303)
		c.get(actor.Desk, x.record+file).is(404)
		c.get(actor.Desk, x.record).is(200, "契約書.html")
	}
}

const sheetCSV = "管理番号,名称,種類,設置場所,リース満了,担当業者,MACアドレス,IPアドレス\r\n" +
	"A-001,受付PC1,PC,1F 受付,令和9年3月31日,見本システムズ,,\r\n" +
	"A-002,受付ＰＣ２,PC,1F 受付,R9.3.31,見本システムズ,02:00:00:00:09:01,10.9.8.1\r\n" +
	"A-003,複合機,複合機,事務室,2027/13/45,,,\r\n"

func cp932(t testing.TB, s string) []byte {
	t.Helper()
	b, err := japanese.ShiftJIS.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(b)
}

func TestImportFromFileToUndo(t *testing.T) {
	c := openConsole(t)
	seen := c.see("02:00:00:00:09:01", "10.9.8.1")
	c.post(actor.Admin, "/import").is(422, "ファイルを選んでください")
	c.upload(actor.Admin, "/import", "x.xlsx", []byte("no workbook")).is(422)
	c.upload(actor.Admin, "/import", "empty.csv", nil).is(422)
	var locked bytes.Buffer
	c.must(excelize.NewFile().Write(&locked, excelize.Options{Password: "himitsu"}))
	c.upload(actor.Admin, "/import", "台帳.xlsx", locked.Bytes()).is(422, "パスワード")
	c.upload(actor.Admin, "/import", "big.csv", make([]byte, maxFile+1)).is(422, "20 MB")
	imp := strings.TrimSuffix(c.upload(actor.Admin, "/import", "台帳.csv", cp932(t, sheetCSV)).is(303).to(), "/sheet")
	c.get(actor.Admin, imp).is(303)
	c.get(actor.Admin, imp+"/sheet").is(200, "台帳.csv", "管理番号", "受付PC1", "CP932")
	c.post(actor.Admin, imp+"/sheet", "sheet", "", "header", "x").is(422)
	c.post(actor.Admin, imp+"/sheet", "sheet", "", "header", "999").is(422)
	c.post(actor.Admin, imp+"/sheet", "sheet", "", "header", "1").is(303)
	c.get(actor.Admin, imp+"/columns").is(200, "管理番号", "たしか", "MACアドレス")
	c.post(actor.Admin, imp+"/columns", "col.0", "number", "col.1", "number").is(422, "同じ項目に結び付いています")
	c.post(actor.Admin, imp+"/columns", "col.0", "colour").is(422)
	c.post(actor.Admin, imp+"/columns").is(303)
	c.get(actor.Admin, imp+"/apply").is(200, "まだ何も変えていません", "受付PC1", "2027/13/45")
	c.get(actor.Admin, imp+"/apply?show=new").is(200, "受付PC1", "!受付ＰＣ２")
	c.get(actor.Admin, imp+"/apply?show=nothing").is(422)
	if p, err := c.Ledger.List(t.Context(), c.f, ledger.Query{}); err != nil || p.Total != 1 {
		t.Fatalf("a preview changed the ledger: %d %v", p.Total, err)
	}
	c.post(actor.Admin, imp+"/apply", "conflict", "perhaps").is(422)
	c.post(actor.Admin, imp+"/apply").is(303)
	c.get(actor.Admin, imp+"/apply").is(200, `hx-get="`+imp+`/live"`)
	c.work()
	c.get(actor.Admin, imp+"/live").is(200, "100%", "取り込みを元に戻す", "!hx-get")
	c.get(actor.Admin, "/devices").is(200, "受付PC1", "受付ＰＣ２", "複合機")
	if d := c.one(seen); d.Word.Number != "A-002" || d.Word.LeaseEnd != "2027-03-31" {
		t.Errorf("the row did not find its device by MAC: %+v", d.Word)
	}
	c.post(actor.Admin, imp+"/apply").is(http.StatusConflict)
	c.post(actor.Admin, imp+"/discard").is(http.StatusConflict)
	c.get(actor.Admin, "/jobs").is(200, imp)
	c.post(actor.Admin, imp+"/undo").is(303)
	c.work()
	c.get(actor.Admin, imp+"/apply").is(200, "元に戻した")
	c.get(actor.Admin, "/devices").is(200, "!受付PC1", "!受付ＰＣ２")
	if d := c.one(seen); d.Word.Number != "" {
		t.Errorf("not taken back: %+v", d.Word)
	}
}

func TestExport(t *testing.T) {
	c := openConsole(t)
	c.see("02:00:00:00:0a:01", "10.9.9.1")
	for _, format := range []string{"xlsx", "csv", "json"} {
		w := c.get(actor.Auditor, "/devices/export?format="+format).is(200)
		if cd := w.Header().Get("Content-Disposition"); !strings.HasPrefix(cd, "attachment") || !strings.Contains(cd, "."+format) || w.Body.Len() < 100 {
			t.Errorf("%s: %s, %d bytes", format, cd, w.Body.Len())
		}
	}
	c.get(actor.Auditor, "/devices/export?format=csv&q=10.9.9.1").is(200, "02:00:00:00:0a:01")
	c.get(actor.Auditor, "/devices/export?format=csv&q=nothing").is(200, "!02:00:00:00:0a:01")
	c.get(actor.Auditor, "/devices/export?format=exe").is(422)
	c.trailHas("ledger.export", 5)
}

// trailHas counts the entries of an action.
func (c *console) trailHas(action string, want int) {
	c.t.Helper()
	c.must(c.DB.Read(context.Background(), c.f, func(tx *store.Tx) error {
		list, _, err := trail.List(context.Background(), tx, trail.Filter{Action: action})
		if len(list) != want {
			c.t.Errorf("%d entries of %s, want %d", len(list), action, want)
		}
		return err
	}))
}
