package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/drill"
	"kenshin/register"
	"kenshin/store"
)

// A lesson that somebody finishes reaches the checklist without anybody writing it down: share by share, once for each person, until it is a
// year old.
func TestFinishedLessonsReachTheChecklist(t *testing.T) {
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	h, err := Open(t.Context(), Config{Data: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.Person, ID: "trainer", Name: "訓練担当", Role: actor.Trainer})
	fac, err := h.Account.AddFacility(actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"}), account.Facility{Name: "みなと病院"})
	must(err)
	f := fac.ID
	var people []drill.Person
	for i := range 10 {
		people = append(people, drill.Person{Address: fmt.Sprintf("s%02d@minato.example.jp", i), Surname: "髙﨑", Given: fmt.Sprintf("%d子", i), Department: []string{"看護部", "薬剤部"}[i/6]})
	}
	_, _, err = h.Drills.SavePeople(ctx, f, people, false)
	must(err)
	list, err := h.Drills.People(ctx, f, drill.PeopleFilter{})
	must(err)
	d, err := h.Drills.Save(ctx, f, drill.Drill{Name: "秋の教材", Mode: drill.Course, Mail: drill.Mail{FromName: "総務課", FromLocal: "soumu", Subject: "教材", Text: "{{リンク}}"}})
	must(err)
	must(h.DB.Write(ctx, f, func(tx *store.Tx) error {
		for _, p := range list.People { // as Submit fixes them
			if _, err := tx.Exec(ctx, `INSERT INTO drill_targets (facility_id, drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, '', 'staff', 'accepted', 0)`, d.ID, "t-"+p.ID, p.ID, p.Address, p.Surname, p.Given, p.Department); err != nil {
				return err
			}
		}
		return nil
	}))
	book, err := h.Drills.Lessons()
	must(err)
	finish := func(from, to int) {
		t.Helper()
		for _, p := range list.People[from:to] {
			for range 2 { // twice is once
				_, err := h.Drills.FinishLesson(ctx, drill.Landed{Facility: f, Drill: d.ID, Target: "t-" + p.ID}, book.Sets[0])
				must(err)
			}
		}
	}
	_, err = h.Assess.SaveClaim(ctx, f, "level-gates", "", "gate.0.training", 0, assess.Claim{Reply: catalogue.Yes, On: now}, "", "")
	must(err)
	stands := func(want assess.State, says string) {
		t.Helper()
		must(h.Assess.Recompute(ctx, f))
		a, err := h.Assess.Assessment(ctx, f, "level-gates", "")
		must(err)
		i, ok := a.Item("gate.0.training")
		if !ok || i.State != want || !strings.Contains(fmt.Sprintf("%+v", i.Records), says) {
			t.Errorf("state %v, want %v with %q: %+v", i.State, want, says, i.Records)
		}
	}
	stands(assess.WordOnly, "")
	finish(0, 5)
	stands(assess.Partly, "職員10人のうち5人")
	finish(5, 8)
	stands(assess.Proven, "職員10人のうち8人が、この1年に研修を受けました。うち訓練メールの教材を終えた人 8人。部署ごとの教材: 看護部 6/6。") // four people are too few to be told apart
	named := list.People[0]
	_, err = h.Registers.Save(ctx, f, register.Row{Kind: "training", Values: map[string]string{"name": named.Surname + named.Given, "title": "集合研修", "held": now.Format(time.DateOnly), "result": "attended"}})
	must(err)
	stands(assess.Proven, "職員10人のうち8人")                // the same person in both rolls
	must(h.DB.Write(ctx, f, func(tx *store.Tx) error { // after half a year names are forgotten, the numbers stay
		_, err := tx.Exec(ctx, "UPDATE drill_roll SET person_id = '', name = '' WHERE facility_id = $1")
		return err
	}))
	stands(assess.Proven, "少なくとも8人")
	now = now.AddDate(1, 0, 2)
	stands(assess.Expired, "")
}
