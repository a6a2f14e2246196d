package api

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/intake"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/store"
)

// rehearsed is a drill that a script had sent through a real SMTP server to 20 people of two departments, three of a third, and a decoy. What people
// did comes after: reports first, then falls, by department.
func (r *rig) rehearsed(name string, reports, falls [2]int) string {
	r.t.Helper()
	ctx := context.Background()
	id := r.train("POST", "/drills", m{"name": name, "mail": m{"from_name": "ひばり宅配便", "from_local": "info", "subject": "お届けもの", "text": "{{氏名}} 様\n本日中に\n{{リンク}}\n", "html": `<p><a href="{{リンク}}">再配達</a></p>`, "link": true, "landing": "parcel"},
		"rating": m{"premise": []int{0, 0, 0, 0, 0}, "cues": []m{{"id": "urgency", "part": "text", "text": "本日中に"}}}, "schedule": m{"rate": 1000, "any_time": true}}).str("id")
	r.waive(r.tokens[actor.Trainer], id)
	hash := r.train("POST", "/drills/"+id+"/submit", nil).str("hash")
	r.must(okay(r.send(r.tokens[actor.Director], "POST", root+"/drills/"+id+"/approve", m{"hash": hash})))
	for end := time.Now().Add(30 * time.Second); ; {
		d, err := r.Drills.Get(ctx, r.f, id)
		r.must(err)
		if d.State == drill.Sent {
			break
		}
		if time.Now().After(end) {
			r.t.Fatalf("still %s", d.State)
		}
		_, err = r.Drills.Send(ctx, r.f, r.Drills.OpenLine, end)
		r.must(err)
	}
	token := map[string]string{}
	for _, x := range r.sink.Messages() {
		mail, err := intake.Read(x.Body, intake.Given{}, intake.Limits{})
		r.must(err)
		for _, k := range mail.Tokens {
			at, known, err := r.Drills.Peek(ctx, k.String())
			r.must(err)
			if known && at.Drill == id && at.Of == drill.Visited {
				token[x.To] = k.String()
			}
		}
	}
	c := r.Drills.Counter()
	defer c.Close()
	did := func(to string, signals ...drill.Signal) {
		for _, s := range signals {
			a := drill.Arrival{Token: token[to], Signal: s, Method: map[bool]string{true: "POST", false: "GET"}[s != ""], Net: netip.MustParseAddr("203.0.113.7"), Agent: "Mozilla/5.0 (Windows NT 10.0)"}
			if _, known, err := c.Arrive(ctx, a); err != nil || !known {
				r.t.Fatalf("%s: %v %v", to, known, err)
			}
		}
	}
	for k := range 2 {
		for i := range reports[k] {
			did(fmt.Sprintf("s%d-%02d@hospital.example.jp", k, i), drill.Reported)
		}
		for i := range falls[k] {
			did(fmt.Sprintf("s%d-%02d@hospital.example.jp", k, 9-i), "", drill.Confirm)
		}
	}
	r.must(r.Drills.Judge(ctx, r.f, id))
	return id
}

func okay(a reply) error {
	if a.StatusCode >= 300 {
		return fmt.Errorf("%d %s", a.StatusCode, a.text)
	}
	return nil
}

// staffed has the hospital trained for, with people whom the API took from a pasted list.
func (r *rig) staffed() {
	r.t.Helper()
	r.trains("smtp")
	r.sink = mailtest.Start(r.t)
	set := r.ok("GET", "/drills/settings", nil).body
	set["relay"], set["apart"] = m{"kind": "smtp", "host": "127.0.0.1", "port": r.sink.Port(), "security": "none"}, 0
	r.ok("PUT", "/drills/settings", set)
	list := "氏名\t部署\tメール\n"
	for k, d := range []string{"看護部", "薬剤部", "検査科"} {
		for i := range []int{10, 10, 3}[k] {
			list += fmt.Sprintf("職員 %d%02d\t%s\ts%d-%02d@hospital.example.jp\n", k, i, d, k, i)
		}
	}
	if a := r.train("POST", "/drills/people/text", m{"text": list, "replace": true}); a.body["good"] != 23.0 {
		r.t.Fatal(a.text)
	}
	r.train("POST", "/drills/people/text", m{"text": "decoy@hospital.example.jp", "role": "canary"})
}

// A script gets what the page and the sheet of a drill say: rates with intervals, curves, who was first, the decoys' error, the change since the drill
// before, advice with its numbers; of three people of a department, and of those from whom they could be worked out, nothing.
func TestResultsOfADrillForAScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.staffed()
		first := r.rehearsed("春", [2]int{1, 1}, [2]int{8, 0})
		r.now = r.now.Add(24 * time.Hour)
		id := r.rehearsed("秋", [2]int{6, 6}, [2]int{3, 0})
		read := func(token, path string) reply {
			t.Helper()
			a := r.send(token, "GET", root+path, nil)
			if a.StatusCode != 200 {
				t.Fatalf("%s: %d %s", path, a.StatusCode, a.text)
			}
			return a
		}
		a := read(r.tokens[actor.Director], "/drills/"+id+"/results")
		reported := a.body["all"].(m)["rates"].(m)["reported"].(m)
		if reported["count"] != 12.0 || reported["of"] != 23.0 || reported["low"].(float64) < 0.3 || reported["high"].(float64) > 0.75 {
			t.Errorf("rate: %v", reported)
		}
		curves := a.body["curves"].(m)
		if steps := curves["reports"].([]any); curves["people"] != 23.0 || len(steps) == 0 || steps[len(steps)-1].(m)["count"] != 12.0 {
			t.Errorf("curves: %v", curves)
		}
		if c := a.body["canaries"].(m); c["canaries"] != 1.0 || c["person"] != 0.0 {
			t.Errorf("decoys: %v", c)
		}
		before := a.body["before"].(m)
		if change := before["reported"].(m); before["drill"] != first || change["like"] != true || change["low"].(float64) <= 0 {
			t.Errorf("before: %v", before)
		}
		if !strings.Contains(a.text, "報告した人(12人)") || len(a.body["cues"].([]any)) != 1 || a.str("race") == "" || a.body["first_report"] == nil {
			t.Errorf("words: %s", a.text)
		}
		if strings.Contains(a.text, "検査科") || strings.Contains(a.text, "職員 ") || strings.Contains(a.text, "@hospital") {
			t.Errorf("a few people or a name: %s", a.text)
		}
		all := read(r.tokens[actor.Director], "/drills/totals")
		lines := all.body["drills"].([]any)
		if len(lines) != 2 || lines[0].(m)["drill"] != id || lines[0].(m)["before"] != first || lines[0].(m)["change"].(m)["like"] != true || lines[1].(m)["change"] != nil {
			t.Errorf("lines: %v", lines)
		}
		if all.body["curves"].(m)["people"] != 46.0 || all.body["detailed"] != 2.0 {
			t.Errorf("curves of the period: %s", all.text)
		}
		if x := r.send(r.tokens[actor.Trainer], "GET", root+"/drills/totals?from=2026-05-01&to=2026-04-01", nil); x.StatusCode != 422 {
			t.Errorf("a period that ends before it begins: %d", x.StatusCode)
		}
		sheet := read(r.tokens[actor.Director], "/drills/review?from=2026-11-01&to=2026-12-31")
		trend := sheet.body["trends"].([]any)
		if len(trend) != 1 || trend[0].(m)["drills"].([]any)[0] != first || trend[0].(m)["reported"].(m)["low"].(float64) <= 0 {
			t.Errorf("trend: %v", trend)
		}
		if cue := sheet.body["missed"].([]any); len(cue) != 1 || cue[0].(m)["fell"].(m)["count"] != 11.0 || cue[0].(m)["fell"].(m)["of"] != 46.0 || cue[0].(m)["drills"] != 2.0 {
			t.Errorf("cues: %v", cue)
		}
		if n := len(sheet.body["advice"].([]any)); n != 3 || sheet.body["trained"].(m)["of"] != 23.0 || strings.Contains(sheet.text, "検査科") || strings.Contains(sheet.text, "職員 ") {
			t.Errorf("sheet: %s", sheet.text)
		}
		draft := r.train("POST", "/drills", m{"scenario": "fax"}).str("id")
		if x := r.send(r.tokens[actor.Trainer], "GET", root+"/drills/"+draft+"/results", nil); x.StatusCode != 404 {
			t.Errorf("results of a draft: %d", x.StatusCode)
		}
	})
}
