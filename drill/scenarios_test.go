package drill

import (
	"errors"
	"os"
	"strings"
	"testing"

	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
	"kenshin/trail"
)

func exampleScenario(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/guide/example-scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A hospital's own story is taken whole or not at all, is used like a built-in one, and leaves when nobody counts on it.
func TestOwnScenarios(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		ctx, text := as(t.Context(), trainer), exampleScenario(t)
		bad := text + "---\n" + strings.NewReplacer("id: canteen", "id: second", "来週の献立を載せました。", "冬季賞与の献立です。").Replace(text)
		_, err := r.AddScenarios(ctx, r.f, strings.NewReader(bad))
		if faults, ok := errors.AsType[scenario.Faults](err); !ok || !fault.Is(err, fault.Invalid) || faults[0].Line < strings.Count(text, "\n") {
			t.Errorf("a cruel story in the second document: %v", err)
		}
		if own, err := r.OwnScenarios(ctx, r.f); err != nil || len(own) != 0 {
			t.Fatalf("half of a refused file was kept: %v %v", own, err)
		}
		if _, err := r.CheckScenarios(ctx, r.f, strings.NewReader(text)); err != nil {
			t.Error(err)
		}
		if own, _ := r.OwnScenarios(ctx, r.f); len(own) != 0 {
			t.Error("only checked, but kept")
		}
		taken, err := r.AddScenarios(ctx, r.f, strings.NewReader(text))
		r.must(err)
		if len(taken) != 1 || taken[0].Replaced || taken[0].ByName != trainer.Name {
			t.Fatalf("%+v", taken)
		}
		m, rating, err := r.FromScenario(ctx, r.f, "canteen", scenario.Hard)
		r.must(err)
		if m.FromName != "職員食堂ふたば" || m.Landing != "survey" || rating.Difficulty != "very" || len(rating.Cues) != 2 || !strings.Contains(m.HTML, "{{リンク}}") {
			t.Errorf("%+v %+v", m, rating)
		}
		p, err := r.SavePlan(ctx, r.f, Plan{Month: r.Book.now().AddDate(0, 2, 0).Format(monthForm), Scenario: "canteen"})
		r.must(err)
		if list, err := r.Plans(ctx, r.f, PlanYear(p.Month)); err != nil || len(list) != 1 || list[0].Title.Ja != "食堂の献立" {
			t.Errorf("the plan knows it as %+v, %v", list, err)
		}
		if err := r.RemoveScenario(ctx, r.f, "canteen"); !fault.Is(err, fault.Conflict) {
			t.Errorf("removed though the plan counts on it: %v", err)
		}
		d, err := r.DraftPlan(ctx, r.f, p.ID)
		r.must(err)
		taken, err = r.AddScenarios(ctx, r.f, strings.NewReader(strings.ReplaceAll(text, "来週の献立", "今週の献立")))
		r.must(err)
		if !taken[0].Replaced {
			t.Error("the second time it takes the place of the first")
		}
		r.must(r.RemoveScenario(ctx, r.f, "canteen"))
		if err := r.RemoveScenario(ctx, r.f, "canteen"); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		if err := r.RemoveScenario(ctx, r.f, "parcel"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a built-in one: %v", err)
		}
		if d, err = r.Get(ctx, r.f, d.ID); err != nil || d.Mail.FromName != "ｼｮｸﾄﾞｳ係" {
			t.Errorf("its draft: %v %v", d.Mail, err)
		}
		var actions []string
		r.must(db.Read(ctx, r.f, func(tx *store.Tx) error {
			entries, _, err := trail.List(ctx, tx, trail.Filter{})
			for _, e := range entries {
				if strings.HasPrefix(e.Action, "drill.scenario") {
					actions = append(actions, e.Action+" "+e.Actor.Name)
				}
			}
			return err
		}))
		want := "drill.scenario-remove 訓練 花子, drill.scenario-add 訓練 花子, drill.scenario-add 訓練 花子"
		if got := strings.Join(actions, ", "); got != want {
			t.Errorf("the trail says %s", got)
		}
	})
}

// What was written into the table by another hand, or is changed after it was taken, is looked at again before it is sent.
func TestSubmitLintsWhatAScenarioBecame(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 3)
	ctx := as(t.Context(), trainer)
	_, err := r.AddScenarios(ctx, r.f, strings.NewReader(exampleScenario(t)))
	r.must(err)
	r.must(r.db.Write(ctx, r.f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE drill_scenarios SET source = replace(source, '来週の献立を載せました。', '冬季賞与の献立です。') WHERE facility_id = $1")
		return err
	}))
	m, rating, err := r.FromScenario(ctx, r.f, "canteen", scenario.Hard)
	r.must(err)
	d, err := r.Save(ctx, r.f, Drill{Name: "献立", Mail: m, Rating: rating})
	r.must(err)
	r.green(d)
	if _, err := r.Submit(ctx, r.f, d.ID); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), "賞与") {
		t.Errorf("submitted: %v", err)
	}
}

func TestAFacilitysScenariosAreItsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1)
		ctx := as(t.Context(), trainer)
		_, err := r.AddScenarios(ctx, r.f, strings.NewReader(exampleScenario(t)))
		r.must(err)
		var other facility.ID = dbtest.Canary
		if all, err := r.Scenarios(ctx, other); err != nil || len(all.Scenarios) < 24 {
			t.Errorf("%d, %v", len(all.Scenarios), err)
		} else if _, ok := all.Find("canteen"); ok {
			t.Error("another facility sees it")
		}
		if err := r.RemoveScenario(ctx, other, "canteen"); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility removes it: %v", err)
		}
	})
}
