package api

import (
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// Over the API the trainer keeps the list of the site's scanners, has a drill judged anew, and sees which arrivals came after its end.
func TestJudgingByAScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.trains("smtp")
		id := r.train("POST", "/drills", m{"scenario": "parcel", "level": "easy", "name": "春"}).str("id")
		if a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills/"+id+"/judge", nil); a.StatusCode != 409 {
			t.Errorf("a draft: %d %s", a.StatusCode, a.text)
		}
		ended := time.Now().Add(-time.Hour)
		r.must(r.DB.Write(t.Context(), r.f, func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE drill_drills SET state = 'closed', started_at = $3, ended_at = $4 WHERE facility_id = $1 AND id = $2", id,
				store.Micros(ended.Add(-time.Hour)), store.Micros(ended)); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), `INSERT INTO drill_targets (facility_id, drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at)
				VALUES ($1, $2, 't-1', '', 'taro@hospital.example.jp', '', '', '', '', '', 'staff', 'accepted', $3)`, id, store.Micros(ended.Add(-time.Hour))); err != nil {
				return err
			}
			for i, at := range []time.Time{ended.Add(-time.Minute), ended.Add(time.Minute)} {
				if _, err := tx.Exec(t.Context(), `INSERT INTO drill_events (facility_id, id, drill_id, target_id, signal, at, method, net, agent, content)
					VALUES ($1, $2, $3, 't-1', 'url', $4, 'GET', '198.51.100.7', 'Gate/1', '{}')`, []string{"e-1", "e-2"}[i], id, store.Micros(at)); err != nil {
					return err
				}
			}
			return nil
		}))
		r.must(r.Drills.Judge(t.Context(), r.f, id))
		due := func(want int, what string) {
			t.Helper()
			list, err := r.Drills.Dirty(t.Context(), r.f)
			if r.must(err); len(list) != want {
				t.Errorf("%s: %d drills are judged anew, want %d", what, len(list), want)
			}
			for _, one := range list {
				r.must(r.Drills.Judge(t.Context(), r.f, one))
			}
		}
		events := func() (verdicts, late []any) {
			list, _ := r.train("GET", "/drills/"+id+"/targets/t-1", nil).body["events"].([]any)
			for _, x := range list {
				verdicts, late = append(verdicts, x.(m)["verdict"]), append(late, x.(m)["late"])
			}
			return verdicts, late
		}
		due(0, "nothing changed")
		if v, late := events(); len(v) != 2 || v[0] != "unconfirmed" || late[0] != nil || late[1] != true {
			t.Errorf("%v, late %v", v, late)
		}
		for place, body := range map[string]m{"body.net": {"net": "198.51.100", "note": "検査"}, "body.agent": {"agent": "Mozilla", "note": "検査"}, "body.note": {"agent": "Gate/1", "note": " "}} {
			a := r.send(r.tokens[actor.Trainer], "POST", root+"/drills/scanners", body)
			if a.StatusCode != 422 || !strings.Contains(a.text, `"`+place+`"`) || a.str("detail") == "" {
				t.Errorf("%v: %d %s", body, a.StatusCode, a.text)
			}
		}
		due(0, "refused scanners")
		scanner := r.train("POST", "/drills/scanners", m{"net": "198.51.100.7", "agent": "gate/", "note": "検査装置"})
		due(1, "a scanner")
		if v, _ := events(); v[0] != "machine" || v[1] != "machine" {
			t.Errorf("%v", v)
		}
		if list := r.train("GET", "/drills/scanners", nil).items(); len(list) != 1 || list[0]["net"] != "198.51.100.7/32" || list[0]["learned"] != false {
			t.Errorf("%v", list)
		}
		r.train("DELETE", "/drills/scanners/"+scanner.str("id"), nil)
		due(1, "no scanner")
		if v, _ := events(); v[0] != "unconfirmed" {
			t.Errorf("%v", v)
		}
		r.train("POST", "/drills/"+id+"/judge", nil)
		due(1, "somebody asked")
		set := r.ok("GET", "/drills/settings", nil).body
		set["egress"] = []string{"198.51.100.0/24"}
		r.ok("PUT", "/drills/settings", set)
		due(1, "the hospital's own address")
		if v, _ := events(); v[0] != "person" {
			t.Errorf("%v", v)
		}
	})
}
