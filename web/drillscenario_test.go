package web

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"kenshin/actor"
)

func guideScenario(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/guide/example-scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A trainer brings the hospital's own story: told what is wrong by line, then taken, seen, used for a drill, and removed.
func TestOwnScenarioOnTheScreen(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	const at = "/drill-scenarios"
	good := guideScenario(t)
	wrong := strings.NewReplacer("来週の献立を載せました。", "配達はヤマト運輸です。", "landing: survey", "landing: bank").Replace(good)
	c.get(actor.Trainer, at).is(http.StatusOK, "不在の荷物", "とても見抜きにくい(手がかり 4)", "うち自院の文例 0話")
	c.get(actor.Trainer, at+"/parcel").is(http.StatusOK, "再配達の場所と時間を選ぶ", "この文で訓練を作る", "名前とアドレスの食い違い", "!この文例を外す")
	c.upload(actor.Trainer, at, "献立.yaml", []byte(wrong)).is(http.StatusUnprocessableEntity, "献立.yaml に直すところが2か所あります", "何も取り込んでいません",
		"リンク先の画面「bank」はありません", "実在の名前です", ">9</td>", ">20</td>", "うち自院の文例 0話")
	c.upload(actor.Trainer, at, "x.yaml", []byte(strings.Repeat("# x\n", 300000))).is(http.StatusRequestEntityTooLarge, "1 MB まで")
	c.post(actor.Trainer, at).is(http.StatusUnprocessableEntity, "ファイルを選んでください")
	c.upload(actor.Trainer, at+"?do=check", "献立.yaml", []byte(good)).is(http.StatusOK, "献立.yaml に直すところはありません", "食堂の献立", "うち自院の文例 0話")
	c.upload(actor.Trainer, at, "献立.yaml", []byte(good)).is(http.StatusSeeOther)
	c.get(actor.Trainer, at).is(http.StatusOK, "食堂の献立", "自院の文例", "うち自院の文例 1話")
	c.get(actor.Trainer, at+"/canteen").is(http.StatusOK, "来週の献立を載せました。", "この文例を外す", "職員食堂ふたば")
	if file := c.get(actor.Trainer, at+"/canteen/file").is(http.StatusOK).Body.String(); !strings.Contains(file, "id: canteen") || !strings.Contains(file, "# 架空の名前") {
		t.Errorf("the file that comes back: %.300s", file)
	}
	c.get(actor.Trainer, "/drills/new").is(http.StatusOK, "食堂の献立", "自院の文例", "/drills/new?level=hard&amp;scenario=canteen")
	c.get(actor.Trainer, "/drills/new?scenario=canteen&level=hard").is(http.StatusOK, "職員食堂ふたば", "来週の献立について")
	c.get(actor.Trainer, "/drills/plan").is(http.StatusOK, "食堂の献立")
	c.post(actor.Trainer, at+"/canteen/remove").is(http.StatusSeeOther)
	c.get(actor.Trainer, at+"/canteen").is(http.StatusNotFound)
	c.get(actor.Trainer, "/drills/new").is(http.StatusOK, "!食堂の献立")
	c.post(actor.Trainer, at+"/parcel/remove").is(http.StatusNotFound)
}

// The pages that make a drill, in a browser: no rule of accessibility broken, and with KENSHIN_SHOTS a picture of each.
func TestScenarioPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a while")
	}
	c := openConsole(t)
	c.drillHouse()
	_, err := c.Drills.AddScenarios(c.as(actor.Trainer), c.f, strings.NewReader(guideScenario(t)))
	c.must(err)
	tab, base := c.browse(t, actor.Trainer)
	tab.Viewport(1366, 768)
	for _, p := range []struct{ name, path string }{{"drill-scenarios", "/drill-scenarios"}, {"drill-scenario", "/drill-scenarios/canteen"}, {"drill-new", "/drills/new"},
		{"drill-compose", "/drills/new?scenario=canteen&level=medium"}} {
		tab.Go(base + p.path)
		tab.Axe(p.name)
		tab.Full(p.name)
	}
}
