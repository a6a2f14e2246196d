package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kenshin/actor"
)

// Next year's edition is loaded from a file: mistakes by line, only checked first, then in force, corrected on the screen and taken back.
func TestAnEditionIsLoadedInTheConsole(t *testing.T) {
	c := openConsole(t)
	const one = "/catalogues/checklist-r7-facility"
	c.get(actor.Auditor, "/catalogues").is(http.StatusOK, "要確認", "独自", "令和7年度版", "!取り込む")
	c.get(actor.Admin, "/catalogues").is(http.StatusOK, "!来年度の版を読み込む") // two facilities: the support body does it
	text := c.get(actor.Desk, one+"/file?version="+c.version(one)).is(http.StatusOK, "id: checklist-r7-facility").Body.String()
	bad := strings.Replace(text, "    section: \"1\"", "    section: \"9\"", 1)
	c.upload(actor.Desk, "/catalogues/load", "r7.yaml", []byte(bad)).is(http.StatusUnprocessableEntity, "区分「9」が sections にありません", "items[1].section", ">57<")
	better := []byte(strings.Replace(text, "医療情報システム安全管理責任者を設置している。", "医療情報システム安全管理責任者を任命している。", 1))
	c.upload(actor.Desk, "/catalogues/load?do=check", "r7.yaml", better).is(http.StatusOK, "まだ取り込んでいません", "前の版から：")
	c.get(actor.Desk, one).is(http.StatusOK, "!任命している")
	c.upload(actor.Desk, "/catalogues/load", "r7.yaml", better).is(http.StatusSeeOther)
	old := regexp.MustCompile(`version=([0-9a-f]{64})`)
	c.get(actor.Auditor, one).is(http.StatusOK, "任命している", "担当 desk", "製品の版", "まとめられた", "!この版に戻す")
	c.trailHas("catalogue.load", 1)

	form := c.get(actor.Desk, one+"/items/r7.1.1").is(http.StatusOK, "公式の文面を見て確かめた").Body.String()
	seen := regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(form)[1]
	c.post(actor.Desk, one+"/items/r7.1.1", "seen", seen, "ja", "責任者を任命している。", "en", "An officer is named.", "number", "1-①", "wording", "O", "numbering", "O").
		is(http.StatusUnprocessableEntity, "どこで見たか", "責任者を任命している。")
	fields := []string{"seen", seen, "ja", "髙﨑①㈱", "en", "An officer is named.", "number", "1-①", "wording", "S", "numbering", "O", "source", "告示 2ページ"}
	c.post(actor.Desk, one+"/items/r7.1.1", fields...).is(http.StatusSeeOther)
	c.post(actor.Desk, one+"/items/r7.1.1", fields...).is(http.StatusConflict, "ほかの人が先に", "髙﨑①㈱")
	page := c.get(actor.Desk, one).is(http.StatusOK, "髙﨑①㈱", "告示 2ページ").Body.String()
	versions := old.FindAllStringSubmatch(page, -1)
	c.post(actor.Desk, one+"/restore", "version", versions[len(versions)-1][1]).is(http.StatusSeeOther)
	c.get(actor.Desk, one).is(http.StatusOK, "!髙﨑①㈱", "設置している")
	c.trailHas("catalogue.amend", 1)
	c.trailHas("catalogue.restore", 1)
}

func (c *console) version(path string) string {
	c.t.Helper()
	return regexp.MustCompile(`version=([0-9a-f]{64})`).FindStringSubmatch(c.get(actor.Auditor, path).Body.String())[1]
}
