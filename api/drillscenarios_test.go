package api

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"kenshin/actor"
)

// A script brings stories like a person does: what is wrong comes by line, nothing is taken by halves, and drills are made of what was taken.
func TestScenariosOverTheAPI(t *testing.T) {
	r := sqlite(t)
	b, err := os.ReadFile("../docs/guide/example-scenario.yaml")
	r.must(err)
	good, trainer := string(b), r.tokens[actor.Trainer]
	bad := r.send(trainer, "POST", root+"/drill-scenarios", m{"yaml": strings.Replace(good, "landing: survey", "landing: bank", 1)})
	if bad.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(bad.text, `"line 9 canteen"`) || !strings.Contains(bad.text, "bank") {
		t.Errorf("%d %s", bad.StatusCode, bad.text)
	}
	if a := r.send(trainer, "POST", root+"/drill-scenarios", m{"yaml": strings.Repeat("#", 1<<20+1)}); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 1 MB: %d %.200s", a.StatusCode, a.text)
	}
	if a := r.send(trainer, "POST", root+"/drill-scenarios", m{"yaml": good, "check": true}); a.StatusCode != http.StatusCreated || !strings.Contains(a.text, `"canteen"`) {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := r.send(trainer, "GET", root+"/drill-scenarios/canteen", nil); a.StatusCode != http.StatusNotFound {
		t.Errorf("only checked, but there: %d", a.StatusCode)
	}
	if a := r.send(trainer, "POST", root+"/drill-scenarios", m{"yaml": good}); a.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	one := r.send(trainer, "GET", root+"/drill-scenarios/canteen", nil)
	if one.str("yaml") == "" || !strings.Contains(one.text, "職員食堂ふたば") || !strings.Contains(one.text, `"own":true`) {
		t.Errorf("%s", one.text)
	}
	if a := r.send(trainer, "POST", root+"/drills", m{"scenario": "canteen", "level": "hard"}); a.StatusCode != http.StatusCreated || a.str("name") != "来週の献立について" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := r.send(trainer, "DELETE", root+"/drill-scenarios/canteen", nil); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := r.send(trainer, "POST", root+"/drills", m{"scenario": "canteen"}); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}
