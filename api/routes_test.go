package api

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// thing is which of the seed's ids a path's {id} means.
func thing(path string) string {
	if name := yearlyThing(path); name != "" {
		return name
	}
	for prefix, name := range map[string]string{"/devices": "device", "/merges": "merge", "/systems": "system", "/suppliers": "supplier", "/findings": "finding",
		"/segments": "segment", "/unlocks": "unlock", "/words": "word", "/sweeps": "sweep", "/jobs": "job", "/imports": "import", "/drills": "drill", "/drill-reports": "drill-report", "/drill-plans": "drill-plan", "/drill-scenarios": "drill-scenario", "/inquiries": "inquiry", "/surveys": "survey", "/catalogues": "catalogue",
		"/assessments": "catalogue", "/tables": "table", "/questions": "question"} {
		if strings.HasPrefix(path, prefix+"/") {
			return name
		}
	}
	return ""
}

// bodies are inputs that fit the schema, by operation.
func (r *rig) bodies(ids map[string]string) map[string]any {
	until := r.now.Add(48 * 3600e9)
	sending := drill.DefaultSettings()
	sending.ReportTo = "report@hospital.example.jp"
	out := map[string]any{
		"add-device": m{"word": m{"name": "新しい機器"}}, "edit-device": m{"word": m{"owner": "鈴木"}, "state": "registered"},
		"merge-device": m{"other": ids["second"]}, "split-device": m{"macs": []string{"00:1b:54:00:01:01"}},
		"add-system": m{"name": "PACS"}, "edit-system": m{"name": "PACS 2"}, "add-supplier": m{"name": "丙商会"}, "edit-supplier": m{"name": "丁商会", "revision": 1},
		"accept-finding": m{"reason": "更新まで", "until": until}, "close-finding": m{"reason": "直した"}, "reopen-finding": m{"reason": "まだ"},
		"assign-finding": m{"owner": "佐藤"}, "assign-findings": m{"ids": []string{ids["finding"]}, "owner": "佐藤"}, "mark-events-seen": m{"until": r.now},
		"add-segment": m{"prefix": "10.99.0.0/24", "routed": true}, "edit-segment": m{"purpose": "検査"},
		"add-unlock": m{"device": ids["device"], "until": until, "reason": "点検"}, "add-word": m{"device": ids["device"], "word": "never-touch"},
		"set-kill-switch": m{"killed": true, "reason": "試験"}, "start-sweep": m{"segments": []string{ids["segment"]}},
		"answer-drill-report": m{"ruling": "harmless"}, "close-drill-report": m{}, "add-drill-phone-report": m{"target": "none"},
		"add-drill": m{"scenario": "parcel", "level": "easy", "name": "春"}, "edit-drill": m{"scenario": "parcel", "name": "夏", "revision": 1}, "put-drill-people": m{"people": []m{{"address": "taro@hospital.example.jp"}}},
		"add-drill-domain": m{"domain": "hospital.example.jp"}, "confirm-drill-domain": m{"code": "x"}, "put-drill-settings": sending, "try-drill-mailbox": m{},
		"add-drill-scanner": m{"net": "198.51.100.0/24", "note": "院内のメール検査装置"},
		"waive-drill-check": m{"check": "spf", "reason": "院内のメールサーバは外から見えない"}, "approve-drill": m{"hash": strings.Repeat("0", 64)}, "reject-drill": m{"reason": "件名"},
		"add-drill-plan": m{"month": "2031-06", "scenario": "parcel"}, "edit-drill-plan": m{"month": "2031-07", "scenario": "fax", "level": "medium"}, "propose-drill-plans": m{"year": 2032},
		"add-drill-scenarios":  m{"yaml": "id: x\n", "check": true},
		"tell-drill-delivered": m{"mailbox": "test@hospital.example.jp", "place": "junk"}, "check-drill-mail": m{"scenario": "parcel"}, "make-drill-dkim": m{"selector": "k1"},
		"read-drill-people-text": m{"text": "taro@hospital.example.jp"},
		"add-drill-releases":     m{"csv": "taro@hospital.example.jp,2030/1/1 9:30"},
		"add-catalogue":          m{"yaml": "id: x\n", "check": true},
		"add-inquiries":          m{"systems": []string{ids["system"]}}, "remind-inquiry": m{}, "revoke-inquiry": m{"reason": "担当が替わった"}, "refuse-inquiry": m{"reason": "契約外"},
		"return-inquiry": m{"reason": "2-③"}, "take-inquiry": m{"revision": 1}, "add-inquiry-question": m{"catalogue": "checklist-r7-facility", "item": "r7.2.2"},
		"add-survey":             m{"catalogue": "survey-departments", "departments": []string{"看護部"}},
		"answer-assessment-item": m{"reply": "unknown"}, "add-question": m{"catalogue": "checklist-r7-facility", "item": "r7.2.2", "to": "support"}, "answer-question": m{"text": "はい"}, "verify-evidence": m{},
		"map-import": m{}, "apply-import": m{}, "verify-trail": m{}, "set-table": m{"yaml": ""}, "set-level-pattern": m{"staff": "yes", "cloud": "no"},
	}
	maps.Copy(out, yearlyBodies())
	return out
}

// fill puts the seed's ids into a path.
func fill(path string, ids map[string]string) string {
	return strings.NewReplacer("{id}", ids[thing(path)], "{file}", ids[thing(path)+"-file"], "{domain}", ids["drill-domain"], "{target}", ids["drill-target"], "{item}", "r7.2.1", "{kind}", "training", "{number}", "0").Replace(path)
}

type m = map[string]any

func (r *rig) call(token string, rt route, ids map[string]string, headers ...string) reply {
	r.t.Helper()
	path := root + fill(rt.path, ids)
	switch {
	case rt.id == "add-register-import":
		return r.upload(token, strings.TrimPrefix(path, root), "研修.csv", []byte("受講日,研修の名前,受けた人\n2026-05-01,訓練,佐藤\n"))
	case rt.id == "read-drill-people-file":
		return r.upload(token, strings.TrimPrefix(path, root), "職員.csv", []byte("氏名,メール\n髙﨑 花子,taro@hospital.example.jp\n"))
	case rt.id == "read-inquiry-workbook", rt.id == "verify-dock-file":
		return r.upload(token, strings.TrimPrefix(path, root), "x.xlsx", []byte("nothing"))
	case rt.id == "remove-register-row":
		path += "?reason=test&revision=1"
	case rt.id == "add-import":
		return r.upload(token, "/imports", "台帳.csv", []byte("管理番号,機器名\nA-1,端末1\n"))
	case rt.method == "POST" && strings.HasSuffix(rt.path, "/attachments"):
		return r.upload(token, strings.TrimPrefix(path, root), "契約.txt", []byte("保守契約"))
	}
	return r.send(token, rt.method, path, r.bodies(ids)[rt.id], headers...)
}

// Every route refuses who has no token, and every role that lacks the permission; whoever has it gets through.
func TestEveryRouteAndRole(t *testing.T) {
	for _, role := range actor.Roles() {
		if role == actor.Desk {
			continue
		}
		t.Run(string(role), func(t *testing.T) {
			r := sqlite(t)
			doc := r.spec()
			for _, rt := range r.routes() {
				if rt.needs == open {
					continue
				}
				if a := r.call("", rt, r.ids); a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s without token: %d", rt.method, rt.path, a.StatusCode)
				}
				if a := r.call("ken_wrong", rt, r.ids); a.StatusCode != 401 {
					t.Errorf("%s %s with a wrong token: %d", rt.method, rt.path, a.StatusCode)
				}
				a := r.call(r.tokens[role], rt, r.ids)
				may := role.May(rt.needs)
				switch {
				case !may && (a.StatusCode != 403 || a.str("code") != "denied"):
					t.Errorf("%s %s as %s: %d, want 403", rt.method, rt.path, role, a.StatusCode)
				case rt.needs == actor.EditCatalogue: // this house has two facilities: tests of its own
				case may && (a.StatusCode == 401 || a.StatusCode == 403 || a.StatusCode >= 500 && a.StatusCode != 503):
					t.Errorf("%s %s as %s: %d %s", rt.method, rt.path, role, a.StatusCode, a.text)
				}
				doc.fits(t, rt, a)
				if strings.Contains(a.text, canaryMark) {
					t.Errorf("%s %s shows the other facility: %s", rt.method, rt.path, a.text)
				}
			}
		})
	}
}

func filter(list []route, keep func(route) bool) iter.Seq[route] {
	return func(yield func(route) bool) {
		for _, rt := range list {
			if keep(rt) && !yield(rt) {
				return
			}
		}
	}
}

// whoMay is a role with a permission, the admin if that is one.
func whoMay(p actor.Permission) actor.Role {
	for _, role := range actor.Roles() {
		if role.May(p) {
			return role
		}
	}
	return actor.Admin
}

// On PostgreSQL too every route answers who may ask it.
func TestEveryRouteOnPostgreSQL(t *testing.T) {
	r := seeded(t, dbtest.Postgres(t))
	routes := r.routes()
	reads := func(rt route) bool { return rt.method == "GET" }
	routes = slices.Concat(slices.Collect(filter(routes, reads)), slices.Collect(filter(routes, func(rt route) bool { return !reads(rt) })))
	for _, rt := range routes {
		a := r.call(r.tokens[whoMay(rt.needs)], rt, r.ids)
		if a.StatusCode >= 500 && a.StatusCode != 503 || a.StatusCode == 401 || a.StatusCode == 403 && rt.needs != actor.EditCatalogue {
			t.Errorf("%s %s: %d %s", rt.method, rt.path, a.StatusCode, a.text)
		}
		if rt.method == "GET" && a.StatusCode != 200 && rt.id != "get-drill-target" && rt.id != "get-drill-results" { // a draft has neither recipients nor results yet
			t.Errorf("%s %s: %d %s", rt.method, rt.path, a.StatusCode, a.text)
		}
		if strings.Contains(a.text, canaryMark) {
			t.Errorf("%s %s shows the other facility", rt.method, rt.path)
		}
	}
}

// What belongs to another facility is not there: reading answers 404, and nothing that is sent changes it.
func TestTheOtherFacilityIsNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(t, db)
		tokens := map[actor.Role]string{}
		theirs := func(rt route) string {
			role := whoMay(rt.needs)
			if tokens[role] == "" {
				tokens[role] = r.token(r.canary, role)
			}
			return tokens[role]
		}
		before := map[string]string{}
		for _, rt := range r.routes() {
			if rt.method == "GET" && rt.needs != open && rt.id != "list-trail" && rt.id != "export-trail" && rt.id != "get-checkpoint" && rt.id != "get-pack" && !strings.HasSuffix(rt.id, "-workbook") && rt.id != "get-drill-target" && rt.id != "get-drill-results" && thing(rt.path) != "catalogue" && thing(rt.path) != "table" {
				before[rt.id] = r.call(theirs(rt), rt, r.other).text
			}
		}
		for _, rt := range r.routes() {
			if !strings.Contains(rt.path, "{id}") {
				continue
			}
			if a := r.call(r.tokens[whoMay(rt.needs)], rt, r.other); a.StatusCode != 404 && rt.id != "retry-job" { // this house has no retry
				t.Errorf("%s %s with the other facility's id: %d %s", rt.method, rt.path, a.StatusCode, a.text)
			}
		}
		for _, q := range []string{"/devices?system=" + r.other["system"], "/observations?device=" + r.other["device"], "/findings?device=" + r.other["device"],
			"/devices?segment=" + r.other["segment"], "/events?device=" + r.other["device"], "/frames/sent?segment=" + r.other["segment"]} {
			if a := r.admin("GET", q, nil); a.StatusCode != 404 && len(a.items()) != 0 || strings.Contains(a.text, canaryMark) {
				t.Errorf("%s: %d %s", q, a.StatusCode, a.text)
			}
		}
		if a := r.admin("POST", "/devices/"+r.ids["device"]+"/merge", m{"other": r.other["device"]}); a.StatusCode != 404 {
			t.Errorf("merge with the other facility's device: %d %s", a.StatusCode, a.text)
		}
		if a := r.admin("POST", "/sweeps", m{"segments": []string{r.other["segment"]}}); a.StatusCode < 400 || a.StatusCode >= 500 {
			t.Errorf("sweep of the other facility's segment: %d %s", a.StatusCode, a.text)
		}
		for _, rt := range r.routes() {
			if was, ok := before[rt.id]; ok {
				if is := r.call(theirs(rt), rt, r.other).text; is != was {
					t.Errorf("%s changed:\n%s\n%s", rt.id, was, is)
				}
			}
		}
	})
}

// document is the OpenAPI document as a reader gets it.
type document struct {
	all m
}

func (r *rig) spec() document {
	r.t.Helper()
	a := r.send("", "GET", specPath, nil)
	if a.StatusCode != 200 || a.body == nil {
		r.t.Fatalf("OpenAPI document: %d %s", a.StatusCode, a.text)
	}
	return document{all: a.body}
}

// at follows a JSON pointer.
func (d document) at(ref string) any {
	var v any = d.all
	for key := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, _ := v.(m)
		v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)]
	}
	return v
}

// fits checks that a JSON answer has the documented status and form.
func (d document) fits(t *testing.T, rt route, a reply) {
	t.Helper()
	op, _ := d.at("#/paths/" + strings.ReplaceAll(rt.path, "/", "~1") + "/" + strings.ToLower(rt.method)).(m)
	responses, _ := op["responses"].(m)
	found, ok := responses[fmt.Sprint(a.StatusCode)].(m)
	if !ok {
		if found, ok = responses["default"].(m); !ok || a.StatusCode < 400 {
			t.Errorf("%s %s answers %d, which is not documented", rt.method, rt.path, a.StatusCode)
			return
		}
	}
	content, _ := found["content"].(m)
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	media, ok := content[kind].(m)
	if !ok {
		if a.text != "" {
			t.Errorf("%s %s answers %d as %q, which is not documented", rt.method, rt.path, a.StatusCode, kind)
		}
		return
	}
	if a.body != nil {
		d.check(t, rt.method+" "+rt.path, media["schema"], a.body)
	}
}

// check compares a value with a schema: types, required and unknown properties, enums.
func (d document) check(t *testing.T, where string, schema, v any) {
	t.Helper()
	s, _ := schema.(m)
	if ref, ok := s["$ref"].(string); ok {
		s, _ = d.at(ref).(m)
	}
	types := []any{s["type"]}
	if list, ok := s["type"].([]any); ok {
		types = list
	}
	is := func(name string) bool {
		for _, x := range types {
			if x == name || x == nil {
				return true
			}
		}
		return false
	}
	bad := func(what string) { t.Errorf("%s: %s (%v)", where, what, v) }
	switch x := v.(type) {
	case nil:
		if !is("null") {
			bad("null")
		}
	case string:
		if !is("string") {
			bad("a string")
		}
		if enum, ok := s["enum"].([]any); ok {
			known := false
			for _, e := range enum {
				known = known || e == x
			}
			if !known {
				bad("not in the enum")
			}
		}
	case bool:
		if !is("boolean") {
			bad("a boolean")
		}
	case float64:
		if !is("number") && !is("integer") {
			bad("a number")
		}
	case []any:
		if !is("array") {
			bad("an array")
		}
		for i, e := range x {
			d.check(t, fmt.Sprintf("%s[%d]", where, i), s["items"], e)
		}
	case m:
		properties, _ := s["properties"].(m)
		for key, e := range x {
			switch p, known := properties[key]; {
			case known:
				d.check(t, where+"."+key, p, e)
			case s["additionalProperties"] == false:
				t.Errorf("%s: property %s is not documented", where, key)
			}
		}
		required, _ := s["required"].([]any)
		for _, key := range required {
			if name, _ := key.(string); x[name] == nil {
				if _, there := x[name]; !there {
					t.Errorf("%s: required property %s is missing", where, name)
				}
			}
		}
	}
}

// The document lists exactly the table's routes, each with id, summary, permission and responses, and every reference leads somewhere.
func TestOpenAPI(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	d := r.spec()
	if d.all["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", d.all["openapi"])
	}
	want, ids := map[string]route{}, map[string]bool{}
	for _, rt := range r.routes() {
		want[strings.ToLower(rt.method)+" "+rt.path] = rt
	}
	paths, _ := d.all["paths"].(m)
	for path, v := range paths {
		item, _ := v.(m)
		for method, v := range item {
			op, _ := v.(m)
			rt, ok := want[method+" "+path]
			if !ok {
				t.Errorf("%s %s is not in the table", method, path)
				continue
			}
			delete(want, method+" "+path)
			id, _ := op["operationId"].(string)
			responses, _ := op["responses"].(m)
			switch {
			case id == "" || ids[id]:
				t.Errorf("%s %s: operationId %q", method, path, id)
			case op["summary"] == "" || op["summary"] == nil || len(responses) < 2:
				t.Errorf("%s %s: summary %v, %d responses", method, path, op["summary"], len(responses))
			case rt.needs != open && (op["security"] == nil || op["x-permission"] != string(rt.needs)):
				t.Errorf("%s %s: security %v, permission %v", method, path, op["security"], op["x-permission"])
			case rt.needs == open && op["security"] != nil:
				t.Errorf("%s %s is documented to need a token", method, path)
			}
			ids[id] = true
			parameters, _ := op["parameters"].([]any)
			named := false
			for _, p := range parameters {
				x, _ := p.(m)
				named = named || x["in"] == "path" && x["name"] == "id"
			}
			if named != strings.Contains(path, "{id}") {
				t.Errorf("%s %s: path parameter documented: %v", method, path, named)
			}
		}
	}
	for left := range want {
		t.Errorf("%s is not documented", left)
	}
	text, err := json.Marshal(d.all)
	r.must(err)
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case m:
			if ref, ok := x["$ref"].(string); ok && d.at(ref) == nil {
				t.Errorf("%s leads nowhere", ref)
			}
			for _, e := range x {
				walk(e)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(d.all)
	for _, no := range []string{"ErrorModel", `"$schema"`, "ErrorDetail"} {
		if strings.Contains(string(text), no) {
			t.Errorf("the document has %s", no)
		}
	}
	if a := r.send("", "GET", "/docs", nil); a.StatusCode != 404 {
		t.Errorf("/docs: %d", a.StatusCode)
	}
}

// Nobody learns anything without a token but that the API answers.
func TestHealth(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	a := r.send("", "GET", root+"/health", nil)
	if got := strings.TrimSpace(a.text); a.StatusCode != 200 || got != `{"status":"ok","version":"1.2.3"}` {
		t.Errorf("%d %s", a.StatusCode, got)
	}
}
