package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/lesson"
)

// learned lets a person of a department finish a lesson of the drill.
func (r *rehearsal) learned(department, i int) {
	r.t.Helper()
	at, known, err := r.Drills.Peek(context.Background(), r.token[address(department, i)+" "+string(drill.Visited)])
	r.must(err)
	if !known {
		r.t.Fatal("no link")
	}
	book, err := lesson.Load()
	r.must(err)
	_, err = r.Drills.FinishLesson(context.Background(), at, book.Sets[0])
	r.must(err)
}

func TestTheRollNamesNobodyToWhoMayNotSeeNames(t *testing.T) {
	r := rehearse(t)
	for i := range 3 {
		r.learned(0, i)
	}
	r.learned(3, 0) // of three people
	r.get(actor.Director, "/drills/roll").is(http.StatusOK, "看護部", "3 / 14人", "その他", "4 / 33人", "!=髙﨑", "!検査科", "!/drills/roll/export")
	r.get(actor.Trainer, "/drills/roll").is(http.StatusOK, "=髙﨑 0-0", "=髙﨑 3-0", "/drills/roll/export")
	r.get(actor.Trainer, "/drills/roll?department=看護部").is(http.StatusOK, "=髙﨑 0-0", "!=髙﨑 3-0")
	r.get(actor.Trainer, "/drills/roll?year=x").is(http.StatusUnprocessableEntity)
	r.get(actor.Trainer, "/drills/roll?year=2001").is(http.StatusOK, "まだいません", "!=髙﨑")
	file := r.get(actor.Trainer, "/drills/roll/export").is(http.StatusOK)
	body, bom := bytes.CutPrefix(file.Body.Bytes(), []byte("\uFEFF"))
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || !bom || len(rows) != 5 || rows[1][0][:2] != "'=" {
		t.Fatalf("%v %v %v", rows, bom, err)
	}
	r.trailHas("drill.roll-export", 1)
}

func TestReleasesAreReadOnTheConsole(t *testing.T) {
	r := rehearse(t)
	at := "/drills/" + r.d.ID + "/releases"
	r.get(actor.Trainer, at).is(http.StatusOK, "フィルタの一覧を読み込む")
	now := time.Now().UTC().Format(time.RFC3339)
	list := []byte("宛先,日時\r\n" + address(0, 1) + "," + now + "\r\nstranger@minato-hospital.jp," + now + "\r\n" + address(0, 2) + ",きのう\r\n")
	r.upload(actor.Trainer, at, "release.csv", list).is(http.StatusOK, "1件を読み込みました", "3行目", "宛先にないアドレス", "4行目", "時刻がありません", "1 / 33人")
	r.upload(actor.Trainer, at, "release.csv", list).is(http.StatusOK, "0件を読み込みました。前に読んだ 1件", "1 / 33人")
	r.upload(actor.Trainer, at, "release.csv", bytes.Repeat([]byte("x"), maxReleases+5)).is(http.StatusRequestEntityTooLarge, "10MBまで")
	r.post(actor.Trainer, at).is(http.StatusUnprocessableEntity, "ファイルを選んで")
}

func TestADrillIsClosedOnTheConsole(t *testing.T) {
	r := rehearse(t)
	at := "/drills/" + r.d.ID
	r.get(actor.Admin, at).is(http.StatusOK, "!"+at+"/close")
	r.get(actor.Trainer, at).is(http.StatusOK, at+"/close")
	if to := r.post(actor.Trainer, at+"/close").is(http.StatusSeeOther).to(); to != at {
		t.Errorf("to %q", to)
	}
	if d := r.drillNow(r.d.ID); d.State != drill.Closed || d.Feedback.IsZero() {
		t.Errorf("%s, feedback %v", d.State, d.Feedback)
	}
	r.get(actor.Trainer, at).is(http.StatusOK, "!"+at+"/close")
}

func TestTheYearlyPlanOnTheConsole(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	year, err := c.Drills.FiscalYear(context.Background(), c.f)
	c.must(err)
	next := strconv.Itoa(year + 1)
	c.get(actor.Director, "/drills/plan?year="+next).is(http.StatusOK, "予定はまだありません", "やさしいものから", "!/drills/plan/propose")
	c.post(actor.Trainer, "/drills/plan/propose", "year", next).is(http.StatusSeeOther)
	list, err := c.Drills.Plans(context.Background(), c.f, year+1)
	c.must(err)
	if len(list) != drill.Yearly {
		t.Fatalf("%d plans", len(list))
	}
	first := list[0]
	c.get(actor.Director, "/drills/plan?year="+next).is(http.StatusOK, first.Month, first.Title.Ja, first.Cue.Ja, "やさしい", "ふつう", "!下書きにする")
	c.get(actor.Trainer, "/drills/plan?year="+next+"&edit="+first.ID).is(http.StatusOK, "予定を直す", "下書きにする")
	me := c.person(actor.Trainer)
	c.post(actor.Trainer, "/drills/plan", "id", first.ID, "month", next+"-07", "scenario", "fax", "level", "hard", "owner", me.ID, "note", "夏の回").is(http.StatusSeeOther)
	c.get(actor.Auditor, "/drills/plan?year="+next).is(http.StatusOK, next+"-07", "むずかしい", "夏の回", me.Name)
	c.post(actor.Trainer, "/drills/plan", "month", "13月", "scenario", "fax").is(http.StatusUnprocessableEntity, "月は 2027-06 のように")
	to := c.post(actor.Trainer, "/drills/plan/"+first.ID+"/draft").is(http.StatusSeeOther).to()
	c.get(actor.Trainer, to).is(http.StatusOK, "下書き", next+"-07")
	if again := c.post(actor.Trainer, "/drills/plan/"+first.ID+"/draft").is(http.StatusSeeOther).to(); again != "/drills/plan" {
		t.Errorf("a second draft: %q", again)
	}
	c.post(actor.Trainer, "/drills/plan/"+list[1].ID+"/remove").is(http.StatusSeeOther)
	c.get(actor.Auditor, "/drills/plan?year="+next).is(http.StatusOK, "!"+list[1].Title.Ja)

	_, err = c.Drills.SavePlan(c.byRole(actor.Trainer), c.f, drill.Plan{Month: time.Now().AddDate(0, -2, 0).Format("2006-01"), Scenario: "parcel"})
	c.must(err)
	c.get(actor.Trainer, "/").is(http.StatusOK, "がまだです", "年間計画を開く")
	c.get(actor.Director, "/").is(http.StatusOK, "!がまだです")
}

func TestTheDeskShowsOnlyWhereOneHasARight(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	command := actor.With(context.Background(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	_, err := c.Account.AddPerson(command, c.other, account.NewPerson{Email: "yama@yama.example", Name: "やま 太郎", Password: password}, actor.Admin, time.Time{})
	c.must(err)
	theirs, err := c.Drills.Save(c.byRole(actor.Trainer), c.other, drill.Drill{Name: "やまの訓練", Mail: drill.Mail{FromName: "ひばり", FromLocal: "info", Subject: "やまの件名", Text: "{{リンク}}", Link: true}})
	c.must(err)
	mine := c.draft()
	last := time.Now().AddDate(0, -2, 0).Format("2006-01")
	_, err = c.Drills.SavePlan(c.byRole(actor.Trainer), c.other, drill.Plan{Month: last, Scenario: "parcel"})
	c.must(err)

	c.get(actor.Trainer, "/drills/desk").is(http.StatusOK, "みなと病院", "1施設", "!やま病院")
	c.post(actor.Trainer, "/drills/"+mine.ID+"/copy-to", "facility", string(c.other)).is(http.StatusForbidden)
	me := actor.PersonID(c.person(actor.Trainer).ID)
	_, err = c.Account.AddPerson(command, c.other, account.NewPerson{Email: "trainer@minato.example"}, actor.Auditor, time.Time{})
	c.must(err)
	c.get(actor.Trainer, "/drills/desk").is(http.StatusOK, "みなと病院", "やま病院", "2施設", "確認済み", "まだ", "遅れ 1")
	c.get(actor.Director, "/drills/desk").is(http.StatusOK, "!やま病院")
	c.get(actor.Trainer, "/drills/"+mine.ID).is(http.StatusOK, "!ほかの施設に写す")
	c.post(actor.Trainer, "/drills/"+mine.ID+"/copy-to", "facility", string(c.other)).is(http.StatusForbidden) // an auditor there

	c.must(c.Account.SetMember(command, c.other, me, actor.Trainer, time.Time{}))
	c.get(actor.Trainer, "/drills/"+mine.ID).is(http.StatusOK, "ほかの施設に写す")
	c.get(actor.Trainer, "/drills/"+theirs.ID).is(http.StatusNotFound) // the facility on the screen is another one
	c.post(actor.Trainer, "/drills/"+theirs.ID+"/copy-to", "facility", string(c.other)).is(http.StatusNotFound)
	c.post(actor.Trainer, "/drills/"+mine.ID+"/copy-to", "facility", string(c.other)).is(http.StatusSeeOther)
	list, err := c.Drills.List(context.Background(), c.other)
	c.must(err)
	if len(list) != 2 || list[0].Mail.Subject != mine.Mail.Subject || list[0].State != drill.Draft || list[0].Author.ID != string(me) || len(list[0].Audience.People)+len(list[0].Audience.Departments) != 0 {
		t.Errorf("%+v", list)
	}
}
