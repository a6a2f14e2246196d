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

// Figures and rules of thumb are saved, changed and loaded like an edition, and the product's own come back.
func TestFiguresAreCorrectedInTheConsole(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Auditor, "/catalogues").is(http.StatusOK, "数字と目安", "Kenshinの版", "診療報酬の条件", "!Kenshinの版に戻す")
	text := c.get(actor.Desk, "/catalogue-tables/configs").is(http.StatusOK, "id: separation").Body.String()
	better := []byte(strings.Replace(text, "分離（医療情報系とインターネット系を分け、画面だけ渡す）", "分けて、画面だけ渡す", 1))
	c.upload(actor.Desk, "/catalogues/load", "構成.yaml", []byte(strings.Replace(text, "levels: [0, 1, 2, 3]", "levels: [9]", 1))).is(http.StatusUnprocessableEntity, "levels は 0〜3")
	c.upload(actor.Desk, "/catalogues/load?do=check", "構成.yaml", better).is(http.StatusOK, "「構成の目安と費用」：正しく読めました", "!構成.yaml</td>")
	c.get(actor.Admin, "/level").is(http.StatusOK, "医療情報系とインターネット系を分け、画面だけ渡す")
	c.upload(actor.Desk, "/catalogues/load", "構成.yaml", better).is(http.StatusSeeOther)
	c.get(actor.Admin, "/level").is(http.StatusOK, "分けて、画面だけ渡す")
	c.get(actor.Desk, "/catalogues").is(http.StatusOK, "構成.yaml", "Kenshinの版に戻す")
	c.post(actor.Desk, "/catalogue-tables/configs/reset").is(http.StatusSeeOther)
	c.get(actor.Admin, "/level").is(http.StatusOK, "医療情報系とインターネット系を分け、画面だけ渡す")
	c.trailHas("catalogue.table", 2)
	c.get(actor.Desk, "/catalogue-tables/none").is(http.StatusNotFound)
}

func (c *console) version(path string) string {
	c.t.Helper()
	return regexp.MustCompile(`version=([0-9a-f]{64})`).FindStringSubmatch(c.get(actor.Auditor, path).Body.String())[1]
}
