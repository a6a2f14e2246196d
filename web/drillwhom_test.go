package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/drill"
)

// composed are the fields of a compose form that can be saved.
func composed(more ...string) []string {
	return append([]string{"name", "一人ずつ", "mode", "standard", "from_name", "総務課", "from_local", "soumu", "subject", "会議室の予約", "text", "予約を確かめてください。\n{{リンク}}\n", "link", "yes", "landing", "notice"}, more...)
}

// A script's draft for two people shows exactly those two; on the screen a third is found by reading or address and the list is saved as ticked.
func TestSingleRecipientsOnTheComposePage(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	var many []drill.Person
	for i := range 25 {
		many = append(many, drill.Person{Address: fmt.Sprintf("ward%02d@minato-hospital.jp", i), Surname: "看護", Given: fmt.Sprintf("%02d子", i), Reading: "かんご", Department: "病棟"})
	}
	_, _, err := c.Drills.SavePeople(c.as(actor.Trainer), c.f, many, false)
	c.must(err)
	staff, err := c.Drills.People(c.as(actor.Trainer), c.f, drill.PeopleFilter{})
	c.must(err)
	id := func(address string) string {
		i := slices.IndexFunc(staff.People, func(p drill.Person) bool { return p.Address == address })
		return staff.People[i].ID
	}
	a, b, other := id("a@minato-hospital.jp"), id("b@minato-hospital.jp"), id("c@minato-hospital.jp")
	d := c.draft()
	d.Mode, d.Audience = drill.Course, drill.Audience{People: []string{a, b, "no-such-person"}}
	d, err = c.Drills.Save(c.as(actor.Trainer), c.f, d)
	c.must(err)
	edit := "/drills/" + d.ID + "/edit"
	page := c.get(actor.Trainer, edit).is(http.StatusOK, "髙﨑 花子", "山田 太郎", "一覧から外れた人", "選んだ人 3人", "宛先 2人", "!佐藤").Body.String()
	if !regexp.MustCompile(`name="whom" value="people" checked`).MatchString(page) || regexp.MustCompile(`name="whom" value="all" checked`).MatchString(page) {
		t.Error("the draft seems to go to everybody")
	}
	found := func(texts ...string) {
		t.Helper()
		c.post(actor.Trainer, "/drills/persons", "who", "かんご", "person", a).is(http.StatusOK, texts...)
	}
	found("看護 00子", "ほかにも 5人が当てはまります", `value="`+a+`" checked`, "髙﨑 花子", "!看護 24子")
	c.post(actor.Trainer, "/drills/persons", "who", "c@minato", "person", a).is(http.StatusOK, "佐藤", `value="`+other+`"`, "!"+`value="`+other+`" checked`)
	c.post(actor.Trainer, "/drills/persons", "who", "だれもいない").is(http.StatusOK, "当てはまる人は、ほかにいません")
	c.post(actor.Trainer, "/drills/new", composed("whom", "people")...).is(http.StatusUnprocessableEntity, "1人以上に印を付けてください")
	saved := c.post(actor.Trainer, "/drills/new", composed("whom", "people", "person", a, "person", other)...).is(http.StatusSeeOther)
	made := c.drillNow(strings.TrimPrefix(saved.Header().Get("Location"), "/drills/"))
	if !slices.Equal(made.Audience.People, []string{a, other}) || len(made.Audience.Departments) > 0 {
		t.Errorf("%+v", made.Audience)
	}
	c.post(actor.Trainer, "/drills/"+made.ID+"/edit", composed("whom", "all", "revision", fmt.Sprint(made.Revision), "person", a)...).is(http.StatusSeeOther)
	if made = c.drillNow(made.ID); len(made.Audience.People) > 0 {
		t.Errorf("everybody was chosen: %+v", made.Audience)
	}
}

// A cue that no machine sees is added by a person, counts, stays with the draft, and goes when it is unticked.
func TestAPersonAddsACue(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	add := func(id, part, text string, code int, says ...string) {
		t.Helper()
		c.post(actor.Trainer, "/drills/preview", composed("whom", "all", "do", "cue", "add_cue", id, "add_part", part, "add_text", text)...).is(code, says...)
	}
	const cue = `{&#34;id&#34;:&#34;no-branding&#34;,&#34;part&#34;:&#34;sender&#34;,&#34;text&#34;:&#34;総務課&#34;}`
	add("no-branding", "sender", "総務課", http.StatusOK, "あるはずの名前やマークがない「総務課」", `value="`+cue+`" checked`)
	add("no-branding", "sender", "人事課", http.StatusOK, "この言葉は、そこにありません", `value="人事課"`)
	add("no-branding", "text", "", http.StatusOK, "どの言葉で分かるか")
	add("magic", "text", "予約", http.StatusOK, "手がかりを選んでください")
	add("domain", "address", "soumu@training", http.StatusOK, "まぎらわしいアドレス「soumu@training」")
	count := func(more ...string) string {
		t.Helper()
		body := c.post(actor.Trainer, "/drills/preview", composed(append([]string{"whom", "all"}, more...)...)...).is(http.StatusOK).Body.String()
		return regexp.MustCompile(`数えている手がかり: (\d+)`).FindStringSubmatch(body)[1]
	}
	const raw = `{"id":"no-branding","part":"sender","text":"総務課"}`
	seen := []string{"seen", raw}
	for _, m := range regexp.MustCompile(`name="seen" form="compose" value="([^"]*)"`).FindAllStringSubmatch(c.post(actor.Trainer, "/drills/preview", composed("whom", "all")...).Body.String(), -1) {
		seen = append(seen, "seen", strings.ReplaceAll(m[1], "&#34;", `"`))
	}
	if none, one := count(seen...), count(append(seen, "cue", raw)...); none != "0" || one != "1" {
		t.Errorf("%s without it, %s with it", none, one)
	}
	saved := c.post(actor.Trainer, "/drills/new", composed("whom", "all", "cue", raw)...).is(http.StatusSeeOther)
	made := c.drillNow(strings.TrimPrefix(saved.Header().Get("Location"), "/drills/"))
	if len(made.Rating.Cues) != 1 || made.Rating.Cues[0].ID != "no-branding" {
		t.Errorf("%+v", made.Rating)
	}
	c.get(actor.Trainer, "/drills/"+made.ID+"/edit").is(http.StatusOK, "あるはずの名前やマークがない「総務課」", "数えている手がかり: 1", `value="`+cue+`" checked`)
	c.post(actor.Trainer, "/drills/"+made.ID+"/edit", composed("whom", "all", "revision", fmt.Sprint(made.Revision), "seen", raw)...).is(http.StatusSeeOther)
	if made = c.drillNow(made.ID); len(made.Rating.Cues) != 0 {
		t.Errorf("unticked, but there: %+v", made.Rating.Cues)
	}
}

// In a browser: a search shows people to tick without losing what was typed, the preview counts them, and an added cue is counted and marked.
func TestComposeInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a while")
	}
	c := openConsole(t)
	c.drillHouse()
	tab, base := c.browse(t, actor.Trainer)
	tab.Viewport(1366, 768)
	tab.Go(base + "/drills/new?scenario=parcel&level=easy")
	tab.Wait(`document.body.innerText.includes("数えている手がかり: 17")`)
	tab.Click(`input[name=whom][value=people]`)
	tab.Type("#who", "山田")
	tab.Wait(`document.querySelectorAll("#persons input[name=person]").length === 1`)
	tab.Click("#persons input[name=person]")
	tab.Wait(`document.querySelector("#shown small").innerText.includes("宛先 1人")`)
	tab.Wait(`document.body.innerText.includes("数えている手がかり: 17")`) // what was ticked outlives a renewed preview
	tab.Type("#who", "\b\bminato")
	tab.Wait(`document.querySelector("#chosen-label") && document.querySelectorAll("#persons input[name=person]").length === 3`)
	tab.Wait(`document.querySelectorAll("#persons input:checked").length === 1`)
	tab.Type("#add_cue", "見た目: あるはず")
	tab.Wait(`document.querySelector("#add_cue").value === "no-branding"`)
	tab.Type("#add_text", "配達することができません")
	tab.Click("#add-cue button")
	tab.Wait(`document.body.innerText.includes("数えている手がかり: 18")`)
	tab.Wait(`[...document.querySelectorAll("#cues ~ label")].some(l => l.innerText.includes("配達することができません") && l.querySelector("input").checked) || document.querySelector("#preview").innerText.includes("あるはずの名前やマークがない「配達することができません」")`)
	tab.Axe("drill-compose-people")
	tab.Full("drill-compose-people")
	tab.Click("button[name=do][value=save]")
	tab.Wait(`/^\/drills\/[0-9a-f-]{36}$/.test(location.pathname)`)
	list, err := c.Drills.List(c.as(actor.Trainer), c.f)
	c.must(err)
	if len(list) != 1 || len(list[0].Audience.People) != 1 || len(list[0].Rating.Cues) != 18 {
		t.Errorf("saved: %+v", list)
	}
}

func TestDrillSettingsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a while")
	}
	c := openConsole(t)
	c.drillHouse()
	tab, base := c.browse(t, actor.Admin)
	tab.Viewport(1366, 768)
	tab.Go(base + "/drills/settings")
	tab.Axe("drill-settings-real")
	tab.Full("drill-settings-real")
}
