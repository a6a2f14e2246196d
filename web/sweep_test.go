package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/checkup"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/store"
)

// segment approves a range behind a router, which nothing on this machine is part of.
func (c *console) segment() string {
	c.t.Helper()
	c.post(actor.Admin, "/segments/new", "prefix", "10.77.8.0/24", "name", "2階病棟", "medical", "yes", "pace", "gentle", "agreed", "yes").is(303)
	list, err := c.Gates.Segments(c.t.Context(), c.f)
	c.must(err)
	return list[0].ID
}

func TestSegmentsAreApprovedByAPerson(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/segments").is(200, "まだありません")
	c.get(actor.Admin, "/segments/new").is(200, "範囲を足す", "どんな区画か")
	good := []string{"prefix", "10.77.8.0/24", "name", "2階病棟", "medical", "yes", "pace", "gentle", "agreed", "yes"}
	with := func(name, value string, more ...string) []string {
		out := append([]string{}, good...)
		for i := 0; i < len(out); i += 2 {
			if out[i] == name {
				out[i+1] = value
			}
		}
		return append(out, more...)
	}
	for _, x := range []struct {
		fields []string
		says   string
	}{
		{with("prefix", "8.8.8.0/24"), "2階病棟"}, {with("prefix", "10.0.0.0/8"), "2階病棟"}, {with("prefix", "病棟"), "病棟"}, {with("name", ""), "名前を付けてください"},
		{with("medical", ""), "医療機器がいるかどうか"}, {with("pace", "warp"), "速さを選んでください"}, {with("agreed", ""), "部門に知らせて"},
		{with("", "", "from", "20:00"), "両方の時刻"}, {with("", "", "from", "25:99", "to", "06:00"), "時刻を 20:00"}, {with("", "", "snmp", "v2c"), "合言葉を入れてください"},
		{with("", "", "snmp", "v3", "user", "reader", "auth", "SHA256", "auth_pass", "short"), "8文字以上"},
	} {
		c.post(actor.Admin, "/segments/new", x.fields...).is(422, x.says)
	}
	c.get(actor.Admin, "/segments").is(200, "まだありません")
	c.post(actor.Admin, "/segments/new", with("", "", "from", "20:00", "to", "06:00", "snmp", "v2c", "community", "himitsu")...).is(303)
	c.get(actor.Admin, "/segments").is(200, "2階病棟", "20:00〜06:00", "10.77.8.0/24", "担当 admin", "ルータの向こう")
	c.post(actor.Admin, "/segments/new", with("name", "同じ場所")...).is(http.StatusConflict, "重なっています")
	list, err := c.Gates.Segments(t.Context(), c.f)
	c.must(err)
	path := "/segments/" + list[0].ID
	c.get(actor.Admin, path).is(200, `value="20:00"`, "いまの合言葉のまま", "!himitsu")
	edit := []string{"revision", fmt.Sprint(list[0].Revision), "name", "2階病棟(東)", "medical", "no", "pace", "normal", "snmp", "keep"}
	c.post(actor.Admin, path, edit...).is(303)
	c.post(actor.Admin, path, edit...).is(http.StatusConflict, "その間に")
	if list, err = c.Gates.Segments(t.Context(), c.f); err != nil || list[0].Name != "2階病棟(東)" || !list[0].Approved || len(list[0].SNMP) != 1 || list[0].Pace != gate.Normal {
		t.Errorf("%+v %v", list, err)
	}
	c.post(actor.Admin, path+"/withdraw").is(303)
	c.post(actor.Admin, path+"/withdraw").is(http.StatusConflict)
	c.post(actor.Admin, "/sweeps", "segment", list[0].ID).is(422)
	c.get(actor.Desk, "/segments").is(200, "!内容を決めて承認する", "!すべての送信を止める")
}

// The router that is believed about MACs can be named, and must be an address of the house.
func TestTheRouterOfASegment(t *testing.T) {
	c := openConsole(t)
	typed := func(router string) []string {
		return []string{"prefix", "10.77.8.0/24", "name", "放射線", "medical", "yes", "pace", "gentle", "agreed", "yes", "router", router}
	}
	c.get(actor.Admin, "/segments/new").is(200, `name="router"`)
	c.post(actor.Admin, "/segments/new", typed("8.8.8.8")...).is(422, "院内のIPv4アドレス", `value="8.8.8.8"`)
	c.post(actor.Admin, "/segments/new", typed("ルータ")...).is(422, "院内のIPv4アドレス")
	c.post(actor.Admin, "/segments/new", typed("１０．７７．０．２")...).is(303)
	list, err := c.Gates.Segments(t.Context(), c.f)
	c.must(err)
	if got := list[0].Router.String(); got != "10.77.0.2" {
		t.Errorf("router %s", got)
	}
	c.get(actor.Admin, "/segments/"+list[0].ID).is(200, `value="10.77.0.2"`)
	rev := fmt.Sprint(list[0].Revision)
	c.post(actor.Admin, "/segments/"+list[0].ID, "name", "放射線", "medical", "yes", "pace", "gentle", "revision", rev, "snmp", "none", "router", "").is(303)
	if list, err = c.Gates.Segments(t.Context(), c.f); err != nil || list[0].Router.IsValid() || !list[0].Approved {
		t.Errorf("taken back: %+v, %v", list[0].Segment, err)
	}
}

func TestKillSwitch(t *testing.T) {
	c := openConsole(t)
	c.post(actor.Admin, "/kill", "on", "true", "back", "/sweeps").is(303)
	c.get(actor.Department, "/devices").is(200, "停止スイッチが入っています")
	if !c.checkup.Gate.Killed() {
		t.Error("this machine's gate is still open")
	}
	id := c.segment()
	c.post(actor.Admin, "/sweeps", "segment", id).is(422, "停止スイッチが入っています")
	c.post(actor.Admin, "/kill").is(422)
	c.post(actor.Admin, "/kill", "on", "false").is(303)
	c.get(actor.Admin, "/devices").is(200, "!停止スイッチが入っています")
}

func TestASweepFromStartToStop(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/sweeps").is(200, "承認した区画がまだありません")
	id := c.segment()
	c.get(actor.Admin, "/sweeps").is(200, "健診を始める", "2階病棟", "checked")
	c.post(actor.Admin, "/sweeps").is(422, "区画を1つ以上選んでください")
	c.post(actor.Admin, "/sweeps", "segment", "no-such").is(422)
	c.post(actor.Admin, "/sweeps", "segment", id, "only", "everything").is(422)
	path := c.post(actor.Admin, "/sweeps", "segment", id).is(303).to()
	c.get(actor.Admin, path).is(200, "2階病棟", "順番待ち", `hx-get="`+path+`/live"`, "だれがいるか")
	c.get(actor.Desk, path).is(200, "!一時停止")
	c.post(actor.Admin, "/sweeps", "segment", id).is(422, "ほかの健診が進んでいます")
	c.get(actor.Admin, "/").is(200, "順番待ち")
	c.post(actor.Admin, path+"/pause").is(303)
	c.get(actor.Admin, path+"/live").is(200, "一時停止", "つづける", "!<html")
	c.post(actor.Admin, path+"/resume").is(303)
	c.get(actor.Admin, path+"/live").is(200, "!つづける")
	c.post(actor.Admin, path+"/stop").is(303)
	c.get(actor.Admin, path).is(200, "途中で止めた", "!hx-get")
	c.post(actor.Admin, path+"/stop").is(http.StatusConflict)
	c.get(actor.Admin, "/sweeps").is(200, "途中で止めた", "担当 admin")
	c.get(actor.Admin, "/jobs").is(200, path, "取りやめた")
	for action, n := range map[string]int{"sweep.start": 1, "sweep.pause": 1, "sweep.resume": 1, "sweep.stop": 1} {
		c.trailHas(action, n)
	}
	again := c.post(actor.Admin, "/segments/"+id+"/sweep").is(303).to()
	if again == path {
		t.Error("the same check-up again")
	}
}

func TestASampleFacilityIsNeverSwept(t *testing.T) {
	c := openConsole(t)
	id := c.segment()
	f, err := c.Account.Facility(t.Context(), c.f)
	c.must(err)
	f.Demo = true
	c.must(c.DB.WriteShared(t.Context(), func(tx *store.Shared) error {
		_, err := tx.Exec(t.Context(), "UPDATE account_facilities SET demo = $2 WHERE id = $1", string(f.ID), true)
		return err
	}))
	c.post(actor.Admin, "/sweeps", "segment", id).is(422, "見本の施設では")
	c.get(actor.Admin, "/").is(200, "見本データ")
}

func TestJobsAreCancelledAndTriedAgain(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/jobs").is(200, "いまは何もありません")
	id := c.segment()
	sweep := c.post(actor.Admin, "/sweeps", "segment", id).is(303).to()
	runs, err := c.Jobs.List(t.Context(), c.f, job.Filter{})
	c.must(err)
	path := "/jobs/" + string(runs[0].ID)
	c.get(actor.Admin, "/jobs?show=going").is(200, sweep)
	c.get(actor.Admin, "/jobs/live").is(200, sweep, "!<html")
	if w := c.get(actor.Admin, path).is(303); w.to() != sweep {
		t.Errorf("to %s", w.to())
	}
	c.post(actor.Admin, path+"/retry").is(http.StatusConflict)
	c.post(actor.Admin, path+"/cancel").is(303)
	c.get(actor.Admin, sweep).is(200, "途中で止めた")
	if w := c.post(actor.Admin, path+"/retry").is(303); w.to() == sweep || !strings.HasPrefix(w.to(), "/sweeps/") {
		t.Errorf("to %s", w.to())
	}
	c.get(actor.Auditor, path+"/file").is(404)
	c.get(actor.Admin, "/jobs?show=nothing").is(422)
	run, err := c.Work.StartExport(t.Context(), c.f, ledger.Query{})
	c.must(err)
	c.get(actor.Admin, "/jobs/"+string(run)).is(200, `hx-get="/jobs/`+string(run)+`/live"`)
	c.get(actor.Admin, "/jobs/"+string(run)+"/live").is(200, string(run))
}

func TestHomeSaysWhatToDo(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/").is(200, "はじめに、調べてよい区画を承認してください", "まだ分かりません")
	c.get(actor.Trainer, "/").is(200, "!内容を決めて承認する")
	id := c.segment()
	c.get(actor.Admin, "/").is(200, "最初の健診をしましょう")
	c.post(actor.Admin, "/sweeps", "segment", id).is(303)
	for i := range 3 {
		c.see(fmt.Sprintf("02:00:00:00:0b:%02x", i), fmt.Sprintf("10.9.10.%d", i+1))
	}
	c.see("02:00:00:00:0b:10", "10.9.10.16", smb1()...)
	c.get(actor.Admin, "/").is(200, "台帳にない機器が4台つながっています", "!台帳にない機器「10.9.10.1」", "SMB1", "文面を見る", "新しい機器 4件", "確かめて、台帳にしましょう")
}

func TestAFindingIsDealtWith(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:0c:01", "10.9.11.1", smb1()...)
	c.post(actor.Admin, "/devices/"+string(id)+"/edit", "revision", fmt.Sprint(c.one(id).Revision), "name", "gazo-pc1", "department", "放射線科", "state", "registered").is(303)
	list, err := c.Findings.List(t.Context(), c.f, finding.Filter{Device: id})
	c.must(err)
	if len(list.Findings) != 1 || list.Findings[0].Check != "smb1" {
		t.Fatalf("%+v", list.Findings)
	}
	path := "/findings/" + list.Findings[0].ID
	c.get(actor.Admin, "/findings").is(200, path, "gazo-pc1", "放射線科", "未対応")
	c.get(actor.Trainer, path).is(200, "SMB1", "!対応を記録する")
	c.get(actor.Admin, path).is(200, "SMB1(古い方式のファイル共有)を止められますか", "smb.dialect", "対応を記録する", "みなと病院")
	c.get(actor.Admin, path+"/letter").is(200, "gazo-pc1", "!<html")
	day := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	c.post(actor.Department, path+"/state", "state", "accepted", "note", "", "until", day).is(422, "残す理由を書いてください")
	c.post(actor.Department, path+"/state", "state", "accepted", "note", "更新は来年度", "until", "2099-01-01").is(422, "更新は来年度")
	c.post(actor.Department, path+"/state", "state", "accepted", "note", "更新は来年度", "until", "あした").is(422)
	c.post(actor.Department, path+"/state", "state", "gone").is(422)
	if c.one(id).Summary.Findings != 1 {
		t.Error("the ledger's count changed")
	}
	c.post(actor.Department, path+"/state", "state", "waiting", "owner", "佐藤", "note", "メーカーに質問").is(303)
	c.get(actor.Admin, "/findings?show=waiting").is(200, path, "佐藤")
	if c.one(id).Summary.Findings != 1 {
		t.Error("waiting for a vendor counts as mended")
	}
	c.post(actor.Department, path+"/state", "state", "accepted", "owner", "佐藤", "note", "更新は来年度", "until", day).is(303)
	c.get(actor.Admin, "/findings").is(200, "!"+path)
	c.get(actor.Admin, "/findings?show=accepted").is(200, path)
	c.get(actor.Admin, path).is(200, "更新は来年度", "担当 department")
	if c.one(id).Summary.Findings != 0 {
		t.Error("the ledger still counts an accepted finding")
	}
	c.post(actor.Department, path+"/state", "state", "open").is(303)
	c.post(actor.Department, path+"/state", "state", "fixed").is(303)
	c.get(actor.Admin, "/findings?show=fixed").is(200, path)
	c.get(actor.Admin, "/findings?show=all").is(422)
	c.trailHas("finding.accepted", 1)
}

func TestSystemsAndVendors(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:0d:01", "10.9.12.1")
	c.get(actor.Admin, "/systems").is(200, "まだ登録がありません")
	c.get(actor.Admin, "/vendors").is(200, "まだ登録がありません")
	c.post(actor.Admin, "/vendors/new", "name", "").is(422, "会社の名前を入れてください")
	c.post(actor.Admin, "/vendors/new", "name", "見本", "from", "いつか").is(422, "いつか")
	c.post(actor.Admin, "/vendors/new", "name", "見本", "contact_name", "林", "email", "林@").is(422, "メールアドレスではありません", "林")
	vendor := c.post(actor.Department, "/vendors/new", "name", "見本システムズ", "contract", "電子カルテ保守", "from", "R7.4.1", "until", "令和9年3月", "remote", "VPN",
		"contact_name", "保守窓口", "contact_role", "夜間も", "phone", "０３−００００−００００", "email", "support@example.jp", "hours", "24時間").is(303).to()
	c.get(actor.Admin, vendor).is(200, "見本システムズ", "保守窓口", "03-0000-0000", "2027-03", "VPN")
	c.get(actor.Admin, vendor+"/edit").is(200, `name="revision" value="1"`)
	edit := []string{"revision", "1", "name", "見本システムズ株式会社", "contract", "電子カルテ保守", "remote", "LTE"}
	c.post(actor.Admin, vendor+"/edit", edit...).is(303)
	c.post(actor.Admin, vendor+"/edit", edit...).is(http.StatusConflict, "先に変更しました", "見本システムズ株式会社")

	vendorID := strings.TrimPrefix(vendor, "/vendors/")
	c.post(actor.Admin, "/systems/new", "name", "").is(422, "名称を入力してください")
	c.post(actor.Admin, "/systems/new", "name", "カルテ", "device", "no-such").is(404)
	system := c.post(actor.Department, "/systems/new", "name", "見本カルテ", "kind", "電子カルテ", "hosting", "onsite", "impact", "high", "data", "診療記録、処方", "vendor_id", vendorID,
		"device", string(id)).is(303).to()
	c.get(actor.Admin, system).is(200, "見本カルテ", "電子カルテ", "院内のサーバ", "診療記録、処方", "10.9.12.1", "見本システムズ株式会社")
	c.get(actor.Admin, "/systems").is(200, "見本カルテ", "見本システムズ株式会社")
	c.get(actor.Admin, vendor).is(200, "見本カルテ")
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "見本カルテ")
	c.post(actor.Admin, vendor+"/delete").is(http.StatusConflict, "担当です")
	c.post(actor.Admin, system+"/edit", "revision", "1", "name", "見本カルテ2", "device", string(id)).is(303)
	c.post(actor.Admin, system+"/edit", "revision", "1", "name", "見本カルテ3").is(http.StatusConflict, "見本カルテ3", "変更しました")
	c.post(actor.Admin, system+"/edit", "revision", "", "name", "x").is(422)
	c.post(actor.Admin, system+"/delete").is(303)
	c.post(actor.Admin, vendor+"/delete").is(303)
	c.get(actor.Admin, vendor).is(404)
	c.get(actor.Admin, "/devices/"+string(id)).is(200, "!見本カルテ")
}

func TestFramesSent(t *testing.T) {
	c := openConsole(t)
	id := c.see("02:00:00:00:0e:01", "10.9.13.1")
	mac := c.one(id).Interfaces[0].MAC
	hour := time.Now().UTC().Truncate(time.Hour)
	c.must(c.Gates.Record(t.Context(), c.f, []gate.SentRow{{Segment: "s", Host: netip.MustParseAddr("10.9.13.1"), MAC: mac, Frame: gate.ARPRequest, Hour: hour, Frames: 12},
		{Segment: "s", Host: netip.MustParseAddr("10.9.13.1"), MAC: mac, Frame: gate.TCPConnect, Hour: hour, Refused: "medical", Frames: 3},
		{Segment: "s", Frame: gate.ARPRequest, Hour: hour, Frames: 240}}))
	c.get(actor.Auditor, "/segments/sent").is(200, "全部で 252通", "/devices/"+string(id), "だれも答えなかったアドレス", "送らなかった 3回", "守っている医療機器")
	c.get(actor.Auditor, "/segments/sent?hour=yesterday").is(422)
	c.get(actor.Auditor, "/segments/sent?hour="+hour.In(time.FixedZone("JST", 9*3600)).Format("2006-01-02T15")).is(200, "252通")
	c.get(actor.Auditor, "/devices/"+string(id)).is(200, "ARPの問い合わせ")
}

func TestSweepWords(t *testing.T) {
	running := checkup.Sweep{State: checkup.Running, Phase: checkup.Asking, Asked: 4, Held: 1, Found: 10, Started: time.Now()}
	for want, run := range map[string]*job.Info{"running": {State: job.Running}, "paused": {State: job.Paused}, "failed": {State: job.Failed}, "stopped": {State: job.Cancelled}} {
		if got := sweepState(running, run); got != want {
			t.Errorf("%s: %s", run.State, got)
		}
	}
	if p := running.Permille(); p != 675 { // 400 for who is there, 550 for the half that was asked
		t.Errorf("%d %%", p)
	}
	if p := (&checkup.Sweep{State: checkup.Done}).Permille(); p != 1000 {
		t.Errorf("%d %%", p)
	}
}
