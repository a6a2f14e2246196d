package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"testing"
	"time"

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
