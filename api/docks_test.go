package api

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"kenshin/actor"
	"kenshin/internal/dbtest"
	"kenshin/paper"
	"kenshin/store"
)

func (r *rig) director(method, path string, body any) reply {
	r.t.Helper()
	return r.send(r.tokens[actor.Director], method, root+path, body)
}

// A year by script: freeze, verify here and as a file, approve what was looked at, freeze again and compare.
func TestDocksByScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		first := r.ids["dock"]
		if a := r.ok("GET", "/docks/"+first, nil); a.sub("snapshot")["schema"] != "kenshin.dock/1" || !strings.Contains(a.text, "r7.2.1") {
			t.Fatalf("%.300s", a.text)
		}
		if a := r.ok("POST", "/docks/"+first+"/verify", nil); a.body["ok"] != true || a.body["kept"] != true || a.num("chain") != 1 {
			t.Errorf("verified: %s", a.text)
		}
		file := r.ok("GET", "/docks/"+first+"/file", nil).text
		verify := func(content string) reply {
			return r.upload(r.tokens[actor.Auditor], "/docks/verify", "健診.json", []byte(content))
		}
		if a := verify(file); a.StatusCode != 200 || a.body["ok"] != true || a.body["kept"] != true || a.num("number") != 1 {
			t.Errorf("the file: %d %s", a.StatusCode, a.text)
		}
		if a := verify(strings.Replace(file, `"beds":0`, `"beds":900`, 1)); a.StatusCode != 200 || a.body["ok"] != false || !strings.Contains(a.text, "書き換えられて") {
			t.Errorf("an altered file: %d %s", a.StatusCode, a.text)
		}
		if a := verify("{}"); a.StatusCode != 422 {
			t.Errorf("no sealed file: %d", a.StatusCode)
		}
		theirs := r.send(r.token(r.canary, actor.Admin), "GET", root+"/docks/"+r.other["dock"]+"/file", nil).text
		if a := verify(theirs); a.body["ok"] != false || strings.Contains(a.text, canaryMark) {
			t.Errorf("another facility's file: %d %s", a.StatusCode, a.text)
		}
		hash := r.ok("GET", "/docks", nil).items()[0]["hash"]
		if a := r.admin("POST", "/docks/"+first+"/approve", m{"hash": hash}); a.StatusCode != 403 {
			t.Errorf("approved by an administrator: %d", a.StatusCode)
		}
		if a := r.director("POST", "/docks/"+first+"/approve", m{"hash": "another"}); a.StatusCode != 409 || a.places() != "body.hash" {
			t.Errorf("approved what was not looked at: %d %s", a.StatusCode, a.text)
		}
		if a := r.director("POST", "/docks/"+first+"/approve", m{"hash": hash, "note": "来年はBCP"}); a.StatusCode != 200 || !strings.Contains(a.text, "来年はBCP") {
			t.Errorf("approved: %d %s", a.StatusCode, a.text)
		}
		if a := r.director("POST", "/docks/"+first+"/approve", m{"hash": hash}); a.StatusCode != 409 {
			t.Errorf("approved twice: %d", a.StatusCode)
		}
		r.ok("PUT", "/assessments/checklist-r7-facility/items/r7.1.1", m{"reply": "yes", "on": "令和8年11月1日"})
		second := r.ok("POST", "/docks", m{})
		if second.num("number") != 2 {
			t.Fatal(second.text)
		}
		a := r.ok("GET", "/docks/"+second.str("id")+"/compare", nil)
		if a.sub("with")["id"] != first || a.num("better") != 1 || !strings.Contains(a.text, `"r7.1.1"`) {
			t.Errorf("compared: %.500s", a.text)
		}
		if a := r.admin("GET", "/docks/"+first+"/compare?with="+second.str("id"), nil); a.StatusCode != 422 || a.places() != "query.with" {
			t.Errorf("compared with a later one: %d %s", a.StatusCode, a.text)
		}
		if a := r.ok("GET", "/docks/"+first+"/compare", nil); a.sub("with") != nil {
			t.Errorf("the first has none before it: %.200s", a.text)
		}
		if a := r.ok("GET", "/docks/"+second.str("id")+"/director", nil); len(a.body["years"].([]any)) != 2 || a.sub("first_round")["total"] == nil {
			t.Errorf("the director's page: %.300s", a.text)
		}
		if a := r.admin("POST", "/docks", m{"catalogue": "none"}); a.StatusCode != 422 || a.places() != "body.catalogue" {
			t.Errorf("frozen over nothing: %d %s", a.StatusCode, a.text)
		}
		if a := r.ok("PUT", "/docks/routine", m{"month": 11, "day": 28}); a.str("due") != "2026-11-28" || a.sub("done")["number"] != float64(2) {
			t.Errorf("routine: %s", a.text)
		}
		if a := r.admin("PUT", "/docks/routine", m{"month": 2, "day": 30}); a.StatusCode != 422 || a.places() != "body.day" {
			t.Errorf("30 February: %d %s", a.StatusCode, a.text)
		}
		trail := r.ok("GET", "/trail?limit=50", nil).text
		for _, deed := range []string{"dock.freeze", "dock.approve", "pack.export", "dock.routine"} {
			if !strings.Contains(trail, deed) {
				t.Errorf("the trail does not tell of %s", deed)
			}
		}
	})
}

// A pack is refused while a はい stands against a measurement, with the items named; then it comes in every form, names the papers, and can be verified.
func TestThePackByScript(t *testing.T) {
	r := sqlite(t)
	item := "/assessments/checklist-r7-facility/items/r7.2.1"
	r.ok("PUT", item, m{"reply": "yes", "on": "2026-11-19", "revision": 1})
	if a := r.ok("GET", item, nil); a.str("state") != "contradicted" || !strings.Contains(a.text, "みなと.txt") {
		t.Fatal(a.text)
	}
	if a := r.ok("GET", "/pack", nil); a.body["ready"] != false || !strings.Contains(a.text, `"item":"r7.2.1"`) {
		t.Errorf("not ready: %s", a.text)
	}
	if a := r.admin("GET", "/pack/file?format=html", nil); a.StatusCode != 409 || a.places() != "assessments/checklist-r7-facility/items/r7.2.1" {
		t.Errorf("refused: %d %s", a.StatusCode, a.text)
	}
	r.ok("PUT", item, m{"reply": "yes", "on": "2026-11-19", "excuse": "①号館は㈱髙﨑が管理", "revision": 2})
	html := r.ok("GET", "/pack/file?format=html", nil)
	if !strings.Contains(html.text, "①号館は㈱髙﨑が管理") || !strings.Contains(html.text, "添付：みなと.txt") || !strings.HasPrefix(html.Header.Get("Content-Type"), "text/html") ||
		!strings.HasPrefix(html.Header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("on paper: %v", html.Header)
	}
	x, err := excelize.OpenReader(strings.NewReader(r.ok("GET", "/pack/file?format=xlsx", nil).text))
	if err != nil || len(x.GetSheetList()) < 5 {
		t.Errorf("the workbook: %v", err)
	}
	sealed := r.ok("GET", "/pack/file", nil)
	if a := r.upload(r.tokens[actor.Admin], "/docks/verify", "pack.json", []byte(sealed.text)); a.body["ok"] != true || a.body["pack"] != true {
		t.Errorf("the sealed pack: %s", a.text)
	}
	pdf := r.admin("GET", "/pack/file?format=pdf", nil)
	switch paper.HasPDF() {
	case true:
		if pdf.StatusCode != 200 || !strings.HasPrefix(pdf.text, "%PDF") {
			t.Errorf("pdf: %d %.100s", pdf.StatusCode, pdf.text)
		}
	default:
		if _, err := exec.LookPath("chromium"); err == nil || pdf.StatusCode != 503 || pdf.str("code") != "unavailable" || !strings.Contains(pdf.str("detail"), "PDF") {
			t.Errorf("without Chromium: %d %s", pdf.StatusCode, pdf.text)
		}
	}
	if a := r.admin("POST", "/pack/remarks", m{"inspected": "令和99年1月1日", "remark": "x"}); a.StatusCode != 422 || a.places() != "body.inspected" {
		t.Errorf("a remark of a day that is none: %s", a.text)
	}
	a := r.ok("POST", "/pack/remarks", m{"inspected": "令和8年11月18日", "inspector": "みなと保健所", "remark": "控えが1つしかない", "item": "2-1", "by_when": "2027-03-31"})
	if f := r.ok("GET", "/findings", nil); !strings.Contains(f.text, "控えが1つしかない") {
		t.Error("the remark is no task")
	}
	if b := r.admin("POST", "/pack/remarks/"+a.str("id")+"/answer", m{"action": "2つにした", "answered": "2099-01-01", "revision": 1}); b.StatusCode != 422 || b.places() != "body.answered" {
		t.Errorf("answered in the future: %s", b.text)
	}
	r.ok("POST", "/pack/remarks/"+a.str("id")+"/answer", m{"action": "2つにした", "answered": "2026-11-20", "revision": 1})
	if f := r.ok("GET", "/findings", nil); strings.Contains(f.text, "控えが1つしかない") {
		t.Error("answered, and still a task")
	}
	if b := r.ok("GET", "/pack/file?format=html", nil); !strings.Contains(b.text, "2つにした") {
		t.Error("the pack does not answer")
	}
}

// What a script got it can send back; what chance and the ledger say stays, whatever is sent.
func TestYearlySheetsByScript(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		back := func(path, part string, change func(map[string]any)) reply {
			a := r.ok("GET", path, nil)
			change(a.sub(part))
			return r.admin("PUT", path, m{"title": a.str("title"), part: a.sub(part)}, "If-Match", a.Header.Get("ETag"))
		}
		row := func(sheet map[string]any, list string, n int) map[string]any {
			return sheet[list].([]any)[n].(map[string]any)
		}
		risks := "/risks/" + r.ok("POST", "/risks", m{"year": 2027}).str("id")
		a := back(risks, "risks", func(s map[string]any) {
			row(s, "rows", 0)["why"] = []m{{"ja": "うそ", "en": "a lie"}}
			row(s, "rows", 0)["due"] = "令和9年12月1日"
			s["rows"] = append(s["rows"].([]any), m{"id": "", "threat": "停電①", "asset": "全館", "likelihood": 2, "impact": 5, "judged": true, "treatment": "reduce", "action": "発電機", "owner": "佐藤", "due": "2027-12-01"})
		})
		if a.StatusCode != 200 || strings.Contains(a.text, "うそ") || row(a.sub("risks"), "rows", 0)["due"] != "2027-12-01" || !strings.Contains(a.text, `"own-`) {
			t.Errorf("risks: %d %.600s", a.StatusCode, a.text)
		}
		if b := r.admin("PUT", risks, m{"risks": m{"rows": []m{}}, "revision": 1}); b.StatusCode != 409 {
			t.Errorf("an older revision: %d", b.StatusCode)
		}
		if b := back(risks, "risks", func(s map[string]any) { row(s, "rows", 1)["likelihood"] = 9 }); b.StatusCode != 422 || b.places() != "body.risks.rows[1].likelihood" {
			t.Errorf("likelihood 9: %d %s", b.StatusCode, b.text)
		}
		if b := r.admin("PUT", risks, m{"audit": nil, "revision": 2}); b.StatusCode != 422 || b.places() != "body.risks" {
			t.Errorf("a sheet of another kind: %d %s", b.StatusCode, b.text)
		}
		if b := r.director("POST", risks+"/sign", m{"revision": 2}); b.StatusCode != 422 || !strings.HasPrefix(b.places(), "body.risks.rows[0].") {
			t.Errorf("signed what nobody judged: %d %s", b.StatusCode, b.text)
		}

		audits := "/audits/" + r.ok("POST", "/audits", m{"year": 2027}).str("id")
		drawn := r.ok("POST", audits+"/draw", m{"population": "devices", "number": 2, "revision": 1})
		if b := r.admin("POST", audits+"/draw", m{"population": "nobody", "number": 2, "revision": 2}); b.StatusCode != 422 || b.places() != "body.population" {
			t.Errorf("drawn from nothing: %s", b.text)
		}
		seed := row(drawn.sub("audit"), "samples", 0)["seed"]
		a = back(audits, "audit", func(s map[string]any) {
			for _, x := range s["items"].([]any) {
				x.(map[string]any)["required"] = false
				x.(map[string]any)["verdict"] = "good"
			}
			row(row(s, "samples", 0), "drawn", 0)["verdict"] = "poor"
			s["remarks"] = []m{{"id": "", "text": "鍵が開いている", "weight": "minor", "action": "", "owner": "鈴木", "due": "2027-12-01", "mended": ""}}
		})
		if a.StatusCode != 200 || !strings.Contains(a.text, `"required":true`) || row(row(a.sub("audit"), "samples", 0), "drawn", 0)["verdict"] != "poor" || row(a.sub("audit"), "samples", 0)["seed"] != seed {
			t.Errorf("audit: %d %.600s", a.StatusCode, a.text)
		}
		if b := back(audits, "audit", func(s map[string]any) { row(s, "samples", 0)["seed"] = strings.Repeat("0", 32) }); b.StatusCode != 422 || b.places() != "body.audit.samples[0]" {
			t.Errorf("another draw: %d %s", b.StatusCode, b.text)
		}
		if b := back(audits, "audit", func(s map[string]any) { s["auditor"], s["reported"] = "監査 花子", "令和8年11月19日" }); b.StatusCode != 200 {
			t.Fatal(b.text)
		}
		if b := r.director("POST", audits+"/sign", m{"revision": 3}); b.StatusCode != 409 {
			t.Errorf("signed what changed since: %d %s", b.StatusCode, b.text)
		}
		if b := r.director("POST", audits+"/sign", m{"revision": 4, "note": "見ました"}); b.StatusCode != 200 || b.body["fresh"] != true {
			t.Errorf("signed: %d %s", b.StatusCode, b.text)
		}
		if b := r.ok("GET", audits+"/versions/1", nil); !strings.Contains(b.text, "監査 花子") || b.sub("signed")["note"] != "見ました" {
			t.Errorf("the signed version: %.300s", b.text)
		}
		if b := r.ok("GET", "/findings", nil); !strings.Contains(b.text, "鍵が開いている") {
			t.Error("a correction is no task")
		}

		budget := "/budget/" + r.ids["budget"]
		a = back(budget, "budget", func(s map[string]any) {
			s["lines"] = []m{{"id": "", "what": "控え①", "effect": "", "yen": []int{100, 0, 0}, "state": "asked", "closes": []m{{"kind": "item", "id": "r7.2.1"}}}}
		})
		if a.StatusCode != 200 || !strings.Contains(a.text, "控え①") || !strings.Contains(a.text, `"title":{"ja"`) {
			t.Errorf("budget: %d %.400s", a.StatusCode, a.text)
		}
		for place, change := range map[string]func(map[string]any){
			"body.budget.lines[0].closes[0]": func(s map[string]any) { row(s, "lines", 0)["closes"] = []m{{"kind": "item", "id": "r9.9"}} },
			"body.budget.lines[0].yen":       func(s map[string]any) { row(s, "lines", 0)["yen"] = []int{-1, 0, 0} },
			"body.budget.lines[0].state":     func(s map[string]any) { row(s, "lines", 0)["state"] = "spoilt" },
			"body.budget.fees[0].checked":    func(s map[string]any) { row(s, "fees", 0)["checked"] = "きのう" },
		} {
			if b := back(budget, "budget", change); b.StatusCode != 422 || b.places() != place {
				t.Errorf("want %s: %d %s", place, b.StatusCode, b.text)
			}
		}
		for _, path := range []string{risks, audits, budget} {
			x, err := excelize.OpenReader(bytes.NewReader([]byte(r.ok("GET", path+"/xlsx", nil).text)))
			if err != nil || len(x.GetSheetList()) == 0 {
				t.Errorf("%s as a workbook: %v", path, err)
			}
		}
		trail := r.ok("GET", "/trail?limit=50", nil).text
		for _, deed := range []string{"risk.begin", "risk.edit", "audit.draw", "audit.sign", "budget.edit", "budget.export"} {
			if !strings.Contains(trail, deed) {
				t.Errorf("the trail does not tell of %s", deed)
			}
		}
	})
}
