package web

import (
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/dock"
	"kenshin/paper"
)

// From the first look to a frozen, approved check-up and its pack, over the console alone.
func TestAYearlyCheckupOnTheConsole(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Admin, "/dock").is(200, "まだ健診がありません", "今年すること", "業者に答えてもらう")
	c.get(actor.Director, "/dock").is(200, "!今日の状態で確定しますか")
	c.post(actor.Admin, "/dock/routine", "month", "13", "day", "1").is(422)
	c.post(actor.Admin, "/dock/routine", "month", "2", "day", "３０").is(422)
	c.post(actor.Admin, "/dock/routine", "month", "11", "day", "２０").is(303)
	c.get(actor.Admin, "/dock").is(200, "毎年11月20日")
	to := c.post(actor.Admin, "/dock", "kind", "full").is(303).Header().Get("Location")
	if !strings.HasPrefix(to, "/dock/") {
		t.Fatalf("leads to %q", to)
	}
	c.get(actor.Auditor, to).is(200, "領域ごとの判定", "判定できません", "判定の決め方", "体制構築", "まず直すところ", "新しい項目", "まだ承認されていません")
	c.get(actor.Auditor, to+"/verify").is(200, "署名は正しく")
	c.post(actor.Director, to+"/approve", "note", "承知した").is(303)
	c.get(actor.Director, to).is(200, "承知した")
	c.get(actor.Director, to+"/director").is(200, "経営者の1枚", "大きなリスク", "お願いしたい予算", "承知した")
	id := strings.TrimPrefix(to, "/dock/")

	file := c.get(actor.Auditor, to+"/file").is(200)
	key, err := c.Docks.Key(t.Context(), c.f)
	c.must(err)
	if v, err := dock.Verify(file.Body.Bytes(), key); err != nil || v.Number != 1 {
		t.Errorf("the file that was handed out: %v", err)
	}
	c.get(actor.Auditor, "/pack").is(200, "開いて印刷する", "!検査で言われたことを書く")
	sheet := c.get(actor.Auditor, "/pack/pack.html?dock="+id).is(200, "立入検査 点検資料", "第1回", "証拠の列の末尾", "<svg")
	if p := sheet.Header().Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || !strings.Contains(p, dock.StyleHash()) {
		t.Errorf("the pack's policy is %q", p)
	}
	book := c.get(actor.Auditor, "/pack/pack.xlsx").is(200).Body.String()
	b, err := paper.Open(strings.NewReader(book), int64(len(book)), "pack.xlsx")
	c.must(err)
	if len(b.Sheets()) < 8 || b.Sheets()[0].Name != "表紙" {
		t.Errorf("%d sheets", len(b.Sheets()))
	}
	c.get(actor.Auditor, "/pack/pack.exe").is(404)
	c.post(actor.Admin, "/pack/remarks", "inspected", "令和99年1月1日", "remark", "").is(422, "指摘")
	c.post(actor.Admin, "/pack/remarks", "inspected", "令和7年11月18日", "remark", "控えが1つしかない").is(303)
	c.get(actor.Admin, "/findings").is(200, "控えが1つしかない")
}
