package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/web/page"
)

const r7 = "/assess/checklist-r7-facility"

// measure writes what a check would have found.
func (c *console) measure(check string, outcome evidence.Outcome, n, of int, bad ...evidence.Ref) {
	c.t.Helper()
	now := time.Now()
	c.must(c.DB.Write(c.t.Context(), c.f, func(tx *store.Tx) error {
		_, err := evidence.New(c.DB, time.Now).Record(c.t.Context(), tx, evidence.Record{ID: store.NewID(), Check: check, Version: 1, Outcome: outcome, Measured: n, Of: of, At: now, Until: now.AddDate(0, 0, 30),
			Says: i18n.Text{Ja: "試験の測定", En: "a test's measurement"}, Bad: bad})
		return err
	}))
}

func (c *console) answered(catalogueID, item string) assess.Item {
	c.t.Helper()
	a, err := c.Assess.Assessment(c.t.Context(), c.f, catalogueID, "")
	c.must(err)
	i, _ := a.Item(item)
	return i
}

// One press answers, is dated and signed; what an answer needs beyond that is asked; two people lose nothing.
func TestAnswersInTheConsole(t *testing.T) {
	c := openConsole(t)
	c.get(actor.Director, "/assess").is(http.StatusOK, "年次健診", "10分の年次健診から始めましょう", "レベル0に届いていません", "1回目", "次の3つ")
	c.get(actor.Auditor, r7).is(http.StatusOK, "医療情報システム安全管理責任者", "未回答", "!name=\"reply\"")
	c.get(actor.Admin, r7).is(http.StatusOK, `value="not-applicable"`, "要確認")

	c.post(actor.Admin, r7+"/r7.1.1", "quick", "1", "reply", "yes", "revision", "0").is(http.StatusSeeOther)
	if i := c.answered("checklist-r7-facility", "r7.1.1"); i.Claim.Reply != catalogue.Yes || i.Claim.On.IsZero() || i.ByName != "担当 admin" {
		t.Errorf("%+v", i.Claim)
	}
	row := c.htmx(actor.Admin, r7+"/r7.2.1", "quick", "1", "reply", "no", "revision", "0").is(http.StatusOK, `id="item-r7.2.1"`, `name="target"`, "年度内の目標日", "!<html")
	if row.Header().Get("HX-Trigger") != "answered" {
		t.Error("the progress above does not hear of it")
	}
	c.post(actor.Admin, r7+"/r7.2.1", "reply", "no", "on", "令和9年13月1日", "revision", "1", "note", "髙﨑さんに頼んだ").is(http.StatusUnprocessableEntity, "髙﨑さんに頼んだ", "まだ保存していません")
	c.post(actor.Admin, r7+"/r7.2.1", "reply", "no", "on", time.Now().Format(time.DateOnly), "target", "2099-01-01", "revision", "1").is(http.StatusUnprocessableEntity, "年度内")

	c.post(actor.Admin, r7+"/r7.1.1", "reply", "no", "revision", "0", "note", "わたしの答え").is(http.StatusConflict, "どちらも消えていません", "わたしの答え", `name="revision" value="1"`)
	c.get(actor.Admin, r7+"/r7.1.1").is(http.StatusOK, "やさしい説明", "こうなら「はい」", "聞く相手", "答えの履歴", "「はい」と答えました", "!わたしの答え")

	c.measure("officer-appointed", evidence.Fail, 1, 1, evidence.Ref{Kind: "register", ID: "officer", Text: "任命の記録がない"})
	c.get(actor.Admin, r7+"/r7.1.1").is(http.StatusOK, "食い違い", "任命の記録がない", `href="/registers/officer"`, `name="excuse"`)
	c.get(actor.Admin, r7+"?state=5").is(http.StatusOK, "r7.1.1", "!item-r7.2.1")
	c.get(actor.Director, "/assess").is(http.StatusOK, "答えと測定が食い違う項目が1あります")

	c.post(actor.Admin, r7+"/r7.2.2/ask", "to", "support", "text", "遠隔保守の線はありますか").is(http.StatusSeeOther)
	page := c.get(actor.Admin, r7+"/r7.2.2").is(http.StatusOK, "遠隔保守の線はありますか", "返事待ち").Body.String()
	q := regexp.MustCompile(`name="question" value="([^"]+)"`).FindStringSubmatch(page)[1]
	c.post(actor.Admin, r7+"/r7.2.2/reply", "question", q, "text", "2本あります", "by", "見本システムズ").is(http.StatusSeeOther)
	c.get(actor.Admin, r7+"/r7.2.2").is(http.StatusOK, "2本あります", "見本システムズ")
	if i := c.answered("checklist-r7-facility", "r7.2.2"); i.Revision != 0 {
		t.Error("an answer to a question answered the item")
	}
}

// htmx sends a form as the list does.
func (c *console) htmx(role actor.Role, path string, fields ...string) answer {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("HX-Request", "true")
	return c.do(role, r)
}

// Last year's answers are proposals: nothing is answered before a person says so, and a はい to less than is asked now is none.
func TestLastYearsAnswersAreProposals(t *testing.T) {
	c := openConsole(t)
	old, err := c.Assess.Assessment(t.Context(), c.f, "checklist-r6-facility", "")
	c.must(err)
	for _, i := range old.Items {
		_, err := c.Assess.SaveClaim(c.as(actor.Admin), c.f, "checklist-r6-facility", "", i.Item.ID, 0, assess.Claim{Reply: catalogue.Yes, On: time.Date(2024, 6, 3, 0, 0, 0, 0, time.UTC)}, "", "")
		c.must(err)
	}
	body := c.get(actor.Admin, r7).is(http.StatusOK, "昨年の答え：はい", "まとめて確かめる", "より多くを求めています").Body.String()
	if c.answered("checklist-r7-facility", "r7.1.1").Revision != 0 {
		t.Fatal("looking at it answered")
	}
	fields := []string{}
	for _, m := range regexp.MustCompile(`name="item" value="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		fields = append(fields, "item", m[1])
	}
	wider := "r7.2.4" // asks for more than the items it comes from
	c.post(actor.Admin, r7+"/carry", append(fields, "item", wider)...).is(http.StatusSeeOther)
	if i := c.answered("checklist-r7-facility", "r7.1.1"); i.Claim.Reply != catalogue.Yes || i.ByName == "" {
		t.Errorf("%+v", i.Claim)
	}
	if i := c.answered("checklist-r7-facility", wider); i.Revision != 0 {
		t.Error("a はい to less became a はい to more")
	}
}

// The form of a system carries that system's answers, and touches neither the hospital's form nor another system's.
func TestLastYearsAnswersOfASystem(t *testing.T) {
	c := openConsole(t)
	var ids []string
	for _, name := range []string{"PACS", "検査"} {
		s, err := c.Ledger.SaveSystem(c.as(actor.Admin), c.f, ledger.System{Name: name})
		c.must(err)
		ids = append(ids, s.ID)
		old, err := c.Assess.Assessment(t.Context(), c.f, "checklist-r6-vendor", s.ID)
		c.must(err)
		for _, i := range old.Items {
			_, err := c.Assess.SaveClaim(c.as(actor.Admin), c.f, "checklist-r6-vendor", s.ID, i.Item.ID, 0, assess.Claim{Reply: catalogue.Yes, On: time.Date(2024, 6, 3, 0, 0, 0, 0, time.UTC)}, "", "")
			c.must(err)
		}
	}
	body := c.get(actor.Admin, page.FormPath("checklist-r7-vendor", ids[0], "")).is(http.StatusOK, "PACS", "まとめて確かめる").Body.String()
	action := html.UnescapeString(regexp.MustCompile(`action="([^"]*/carry[^"]*)"`).FindStringSubmatch(body)[1])
	fields := []string{}
	for _, m := range regexp.MustCompile(`name="item" value="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		fields = append(fields, "item", m[1])
	}
	c.post(actor.Admin, action, fields...).is(http.StatusSeeOther)
	count := func(subject string) (n int) {
		a, err := c.Assess.Assessment(t.Context(), c.f, "checklist-r7-vendor", subject)
		c.must(err)
		for _, i := range a.Items {
			if i.Revision > 0 {
				n++
			}
		}
		return n
	}
	if count(ids[0]) == 0 || count(ids[1]) != 0 || count("") != 0 {
		t.Errorf("%d answers of PACS, %d of another system, %d of the hospital", count(ids[0]), count(ids[1]), count(""))
	}
}

// The ten-minute check-up asks one level after the other and stops where it is not passed.
func TestTenMinuteCheckUp(t *testing.T) {
	c := openConsole(t)
	gates := c.answers(c.get(actor.Admin, "/assess/start").is(http.StatusOK, "レベル0", "!レベル1：").Body.String(), "yes")
	c.post(actor.Admin, "/assess/start", gates...).is(http.StatusSeeOther)
	next := c.answers(c.get(actor.Admin, "/assess/start").is(http.StatusOK, "レベル1：").Body.String(), "unknown")
	c.post(actor.Admin, "/assess/start", next...).is(http.StatusSeeOther)
	c.get(actor.Admin, "/assess").is(http.StatusOK, "最後まで進めましょう")
	c.get(actor.Director, "/assess/start").is(http.StatusOK, "申告では「レベル0」", "!id=\"freeze\"")
	c.get(actor.Admin, "/assess/start").is(http.StatusOK, "申告では「レベル0」、証拠では「レベル0に届いていません」", "次の3つ", "年次健診を残す", `name="kind" value="short"`)
	to := c.post(actor.Admin, "/dock", "kind", "short").is(http.StatusSeeOther).to()
	c.get(actor.Admin, to).is(http.StatusOK, "10分版", "外部とのつながり")
	c.get(actor.Admin, "/assess").is(http.StatusOK, "あと19項目に答えましょう")
}

// answers gives every group of radio buttons of a page the same reply.
func (c *console) answers(body, reply string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`name="(gate[^"]+)" value="yes"`).FindAllStringSubmatch(body, -1) {
		out = append(out, m[1], reply)
	}
	return out
}

// A paper lies beside an answer: never before there is one, never with a path in its name, never shown by a browser, and gone when it is taken off.
func TestPapersBesideAnAnswer(t *testing.T) {
	c := openConsole(t)
	item := "/assess/checklist-r7-facility/r7.2.1"
	c.get(actor.Admin, item).is(200, "答えを保存すると、根拠の書類や写真をここに添えられます。", `!type="file"`)
	c.upload(actor.Admin, item+"/attachments", "x.txt", []byte("x")).is(409)
	c.post(actor.Admin, item, "reply", "yes", "on", "令和8年4月1日", "revision", "0").is(303)
	c.upload(actor.Admin, item+"/attachments", "../../髙﨑①㈱\u202efdp.exe", []byte("MZ\x00")).is(303)
	page := c.get(actor.Admin, item).is(200, "髙﨑①㈱fdp.exe")
	href := regexp.MustCompile(`href="(` + item + `/attachments/[^"]+)"`).FindStringSubmatch(page.Body.String())
	if href == nil {
		t.Fatal("no link to the file")
	}
	got := c.get(actor.Auditor, href[1]).is(200)
	if !strings.HasPrefix(got.Header().Get("Content-Disposition"), "attachment;") {
		t.Errorf("shown by the browser: %v", got.Header())
	}
	c.get(actor.Auditor, item).is(200, "髙﨑①㈱fdp.exe", `!type="file"`)
	c.upload(actor.Director, item+"/attachments", "x.txt", []byte("x")).is(403)
	c.upload(actor.Admin, item+"/attachments", "大.bin", make([]byte, maxFile+1)).is(413)
	c.get(actor.Admin, strings.Replace(href[1], "r7.2.1", "r7.2.2", 1)).is(404)
	c.post(actor.Admin, href[1]+"/remove").is(303)
	c.get(actor.Admin, item).is(200, "!"+href[1])
}

// Since when a system runs is typed as people do, stays when it is wrong, and makes older answers count for nothing.
func TestSinceWhenASystemIsInUse(t *testing.T) {
	c := openConsole(t)
	c.post(actor.Admin, "/systems/new", "name", "検査", "start", "令和3年13月", "revision", "0").is(422, "使い始めた日", "令和3年13月")
	c.post(actor.Admin, "/systems/new", "name", "検査", "start", "令和3年4月", "revision", "0").is(303)
	list, err := c.Ledger.Systems(t.Context(), c.f)
	if err != nil || len(list) != 1 || list[0].Start != "2021-04" {
		t.Fatalf("%+v %v", list, err)
	}
	c.get(actor.Admin, "/systems/"+list[0].ID).is(200, "使い始めた日", "2021-04")
	c.get(actor.Admin, "/systems/"+list[0].ID+"/edit").is(200, `value="2021-04"`)
}
