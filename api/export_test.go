package api

import (
	"encoding/csv"
	"strings"
	"testing"

	"kenshin/actor"
)

// Every list as CSV and every role: what single persons did in a drill goes to whoever may see their names, as in the console, all else to whoever
// may export. Each file is in the trail.
func TestEveryListAsCSVAndRole(t *testing.T) {
	r := sqlite(t)
	lists := 0
	for _, rt := range r.routes() {
		if rt.method != "GET" || rt.needs == open || strings.HasPrefix(rt.id, "export-") {
			continue
		}
		path := fill(rt.path, r.ids) + "?format=csv"
		for _, role := range actor.Roles() {
			if role == actor.Desk {
				continue
			}
			before := len(r.actions())
			a := r.send(r.tokens[role], "GET", root+path, nil)
			switch {
			case !role.May(rt.needs):
				if a.StatusCode != 403 {
					t.Errorf("%s as %s: %d, want 403", path, role, a.StatusCode)
				}
				continue
			case a.StatusCode == 422 || a.StatusCode == 404: // no list, or not one for spreadsheets
				continue
			}
			lists++
			if role.May(actor.Export) || rt.needs == actor.SeeDrillNames {
				rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.text, "\ufeff"))).ReadAll()
				if a.StatusCode != 200 || err != nil || len(rows) == 0 {
					t.Errorf("%s as %s: %d %v %.200s", path, role, a.StatusCode, err, a.text)
				}
				if len(r.actions()) != before+1 {
					t.Errorf("%s as %s left %d entries in the trail", path, role, len(r.actions())-before)
				}
			} else if a.StatusCode != 403 {
				t.Errorf("%s as %s: %d, want 403", path, role, a.StatusCode)
			}
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists were tried", lists)
	}
	if a := r.send(r.tokens[actor.Trainer], "GET", root+"/drills/"+r.ids["drill"]+"/targets?format=csv", nil); a.StatusCode != 200 || !strings.Contains(a.text, "address") {
		t.Errorf("the trainer's own list: %d %s", a.StatusCode, a.text)
	}
	for cursor, want := range map[string]int{"": 1, "?cursor=1": 0} { // read as JSON it is remembered too, once for all its pages
		before := len(r.actions())
		r.send(r.tokens[actor.Trainer], "GET", root+"/drills/"+r.ids["drill"]+"/targets"+cursor, nil)
		if now := r.actions(); len(now) != before+want {
			t.Errorf("reading the recipients%s left %d entries in the trail, want %d", cursor, len(now)-before, want)
		}
	}
	if n := strings.Count(strings.Join(r.actions(), " "), "drill.export"); n < 3 {
		t.Errorf("%d exports of persons in the trail", n)
	}
}
