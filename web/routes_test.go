package web

import (
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"

	"kenshin/actor"
)

// letters stand for roles in the table below.
var letters = map[byte]actor.Role{'a': actor.Admin, 'd': actor.Director, 'p': actor.Department, 'u': actor.Auditor, 't': actor.Trainer, 'k': actor.Desk}

// allowed says who may open which address of the ledger's side of the console. It is written by hand: a new address needs a decision.
const allowed = `
GET /{$} adputk
GET /devices adpuk
POST /devices/bulk ap
GET /devices/export adu
GET /devices/print adu
GET /devices/new ap
POST /devices/new ap
GET /devices/{id} adpuk
GET /devices/{id}/edit ap
POST /devices/{id}/edit ap
POST /devices/{id}/state ap
GET /devices/{id}/history adpuk
GET /devices/{id}/merge ap
POST /devices/{id}/merge ap
GET /devices/{id}/split ap
POST /devices/{id}/split ap
POST /devices/{id}/never-touch a
POST /devices/{id}/unlock a
POST /devices/{id}/lock a
POST /devices/{id}/attachments ap
GET /devices/{id}/attachments/{file} adpuk
POST /devices/{id}/attachments/{file}/remove ap
POST /merges/{id}/accept ap
POST /merges/{id}/refuse ap
POST /merges/{id}/undo ap
GET /import a
POST /import a
GET /import/{id} a
GET /import/{id}/sheet a
POST /import/{id}/sheet a
GET /import/{id}/columns a
POST /import/{id}/columns a
GET /import/{id}/apply a
POST /import/{id}/apply a
GET /import/{id}/live a
POST /import/{id}/undo a
POST /import/{id}/discard a
GET /systems adpuk
GET /systems/new ap
POST /systems/new ap
GET /systems/{id} adpuk
GET /systems/{id}/edit ap
POST /systems/{id}/edit ap
POST /systems/{id}/delete ap
POST /systems/{id}/attachments ap
GET /systems/{id}/attachments/{file} adpuk
POST /systems/{id}/attachments/{file}/remove ap
GET /vendors adpuk
GET /vendors/new ap
POST /vendors/new ap
GET /vendors/{id} adpuk
GET /vendors/{id}/edit ap
POST /vendors/{id}/edit ap
POST /vendors/{id}/delete ap
POST /vendors/{id}/attachments ap
GET /vendors/{id}/attachments/{file} adpuk
POST /vendors/{id}/attachments/{file}/remove ap
GET /findings adputk
POST /findings/bulk ap
GET /findings/export adu
GET /findings/{id} adputk
GET /findings/{id}/letter adputk
POST /findings/{id}/state ap
GET /risks adpuk
POST /risks a
GET /risks/{id} adpuk
POST /risks/{id} a
POST /risks/{id}/sign d
GET /risks/{id}/print adpuk
GET /risks/{id}/xlsx adu
GET /audits adpuk
POST /audits a
GET /audits/{id} adpuk
POST /audits/{id} a
POST /audits/{id}/sign d
GET /audits/{id}/print adpuk
GET /audits/{id}/xlsx adu
GET /budget adpuk
POST /budget a
GET /budget/{id} adpuk
POST /budget/{id} a
POST /budget/{id}/sign d
GET /budget/{id}/print adpuk
GET /budget/{id}/xlsx adu
POST /audits/{id}/draw a
GET /drill-reports at
GET /drill-reports/{id} at
POST /drill-reports/{id}/answer at
POST /drill-reports/{id}/close at
GET /drills/{id}/phone t
POST /drills/{id}/phone t
GET /sweeps aduk
POST /sweeps a
GET /sweeps/{id} aduk
GET /sweeps/{id}/live aduk
POST /sweeps/{id}/pause a
POST /sweeps/{id}/resume a
POST /sweeps/{id}/stop a
GET /segments aduk
GET /segments/new a
POST /segments/new a
GET /segments/sent aduk
GET /segments/{id} a
POST /segments/{id} a
POST /segments/{id}/withdraw a
POST /segments/{id}/sweep a
POST /kill a
GET /jobs adu
GET /jobs/live adu
GET /jobs/{id} adu
GET /jobs/{id}/live adu
GET /jobs/{id}/file adu
POST /jobs/{id}/cancel a
POST /jobs/{id}/retry a
GET /drills adputk
GET /drills/new tk
POST /drills/new tk
POST /drills/preview tk
POST /drills/persons tk
GET /drills/{id}/edit tk
POST /drills/{id}/edit tk
GET /drill-scenarios tk
POST /drill-scenarios tk
GET /drill-scenarios/{id} tk
GET /drill-scenarios/{id}/file tk
POST /drill-scenarios/{id}/remove tk
GET /drills/people tk
POST /drills/people tk
POST /drills/people/{id}/remove tk
POST /drills/people/paste tk
POST /drills/people/import tk
GET /drills/people/import/{id} tk
POST /drills/people/import/{id}/take tk
GET /drills/scanners adputk
POST /drills/scanners tk
POST /drills/scanners/{id}/remove tk
POST /drills/{id}/judge tk
GET /drills/settings a
POST /drills/settings a
POST /drills/settings/dkim a
POST /drills/settings/mailbox a
GET /drills/settings/report-button a
GET /drills/settings/report-button/{file} a
POST /drills/settings/domains a
POST /drills/settings/domains/{id}/check a
POST /drills/settings/domains/{id}/confirm a
POST /drills/settings/domains/{id}/withdraw a
GET /drills/{id} adputk
GET /drills/{id}/live adputk
GET /drills/{id}/preflight adputk
GET /drills/{id}/preflight/live adputk
POST /drills/{id}/preflight tk
POST /drills/{id}/preflight/tests tk
POST /drills/{id}/preflight/delivered tk
POST /drills/{id}/preflight/learn tk
POST /drills/{id}/preflight/waive tk
POST /drills/{id}/submit tk
POST /drills/{id}/approve ad
POST /drills/{id}/reject ad
POST /drills/{id}/pause adtk
POST /drills/{id}/resume adtk
POST /drills/{id}/withdraw adtk
POST /drills/{id}/copy tk
POST /drills/{id}/close tk
GET /drills/review adputk
GET /drills/desk adputk
POST /drills/{id}/copy-to tk
GET /drills/plan adputk
POST /drills/plan tk
POST /drills/plan/propose tk
POST /drills/plan/{id}/draft tk
POST /drills/plan/{id}/remove tk
GET /drills/roll adputk
GET /drills/roll/export t
GET /drills/{id}/releases tk
POST /drills/{id}/releases tk
GET /drills/totals adputk
GET /drills/{id}/results adputk
GET /drills/{id}/report adputk
GET /drills/{id}/targets t
GET /drills/{id}/targets/export t
GET /drills/{id}/targets/{target} t
GET /assess adpuk
GET /level adpuk
POST /level/pattern a
GET /yardstick adpuk
GET /assess/start adpuk
POST /assess/start a
GET /assess/{id} adpuk
POST /assess/{id}/carry a
GET /assess/{id}/{item} adpuk
POST /assess/{id}/{item} a
POST /assess/{id}/{item}/ask a
POST /assess/{id}/{item}/reply a
POST /assess/{id}/{item}/withdraw a
POST /assess/{id}/{item}/attachments a
GET /assess/{id}/{item}/attachments/{file} adpuk
POST /assess/{id}/{item}/attachments/{file}/remove a
GET /dock adpuk
POST /dock a
POST /dock/routine a
GET /dock/{id} adpuk
GET /dock/{id}/director adpuk
GET /dock/{id}/verify adpuk
GET /dock/{id}/file adu
POST /dock/{id}/approve d
GET /pack adu
GET /pack/{file} adu
POST /pack/remarks a
GET /registers adpuk
GET /registers/leavers/match adu
GET /registers/{kind} adpuk
GET /registers/{kind}/print adpuk
GET /registers/{kind}/matrix adpuk
GET /registers/{kind}/export adu
GET /registers/{kind}/new ap
POST /registers/{kind}/new ap
GET /registers/{kind}/many ap
POST /registers/{kind}/many ap
POST /registers/{kind}/import ap
GET /registers/{kind}/import/{id} ap
POST /registers/{kind}/import/{id} ap
GET /registers/{kind}/rows/{id} adpuk
GET /registers/{kind}/rows/{id}/edit ap
POST /registers/{kind}/rows/{id}/edit ap
POST /registers/{kind}/rows/{id}/confirm ap
POST /registers/{kind}/rows/{id}/remove ap
POST /registers/{kind}/rows/{id}/attachments ap
GET /registers/{kind}/rows/{id}/attachments/{file} adpuk
POST /registers/{kind}/rows/{id}/attachments/{file}/remove ap
GET /catalogues adpuk
POST /catalogues/load k
GET /catalogue-tables/{table} adpuk
POST /catalogue-tables/{table}/reset k
GET /catalogues/{id} adpuk
GET /catalogues/{id}/file adpuk
POST /catalogues/{id}/restore k
GET /catalogues/{id}/items/{item} k
POST /catalogues/{id}/items/{item} k
GET /inquiries aduk
POST /inquiries/ask a
POST /inquiries/question a
GET /inquiries/settings a
POST /inquiries/settings a
GET /inquiries/{id} aduk
POST /inquiries/{id}/remind a
POST /inquiries/{id}/revoke a
POST /inquiries/{id}/refuse a
POST /inquiries/{id}/return a
POST /inquiries/{id}/take a
GET /inquiries/{id}/workbook a
POST /inquiries/{id}/workbook a
POST /inquiries/{id}/workbook/take a
GET /inquiries/{id}/files/{file} aduk
GET /inquiries/{id}/visit aduk
POST /inquiries/{id}/visit a
GET /surveys aduk
GET /surveys/new a
POST /surveys/new a
GET /surveys/{id} aduk
POST /surveys/{id}/close a
GET /people a
POST /people/invite a
POST /people/invite/{id}/revoke a
POST /people/tokens a
POST /people/tokens/{id}/revoke a
POST /people/{id}/role a
POST /people/{id}/remove a
POST /people/{id}/signout a
GET /trail adu
POST /trail/verify adu
GET /trail/export adu
GET /trail/checkpoint adu
GET /trail/seals adu
GET /trail/seals/{day} adu
GET /settings a
POST /settings a
POST /settings/mail a
POST /settings/mail/test a
POST /settings/weekly a
GET /settings/ca a
`

func TestEveryRouteForEveryRole(t *testing.T) {
	c := openConsole(t)
	table := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(allowed)) {
		f := strings.Fields(line)
		table[f[0]+" "+f[1]] = f[2]
	}
	var missing []string
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.ReplaceAll(strings.NewReplacer("{$}", "", "{id}", "no-such", "{file}", "no-such", "{target}", "no-such", "{item}", "no-such", "{day}", "2026-11-21", "{secret}", "x").Replace(path), "//", "/")
		ask := func(role actor.Role) answer {
			body := strings.NewReader("")
			q := httptest.NewRequest(method, path, body)
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return c.do(role, q)
		}
		if r.needs.stage == "door" {
			continue // anybody may knock; what the handlers decide is tested with them
		}
		if a := ask(""); a.Code != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/signin") {
			t.Errorf("%s without signing in: %d to %q", r.pattern, a.Code, a.to())
		}
		if r.needs.permission == "" {
			continue // one's own account
		}
		who, known := table[r.pattern]
		delete(table, r.pattern)
		if !known {
			missing = append(missing, r.pattern)
			continue
		}
		for letter, role := range letters {
			a, may := ask(role), strings.IndexByte(who, letter) >= 0
			if refused := a.Code == http.StatusForbidden; refused == may {
				t.Errorf("%s as %s: %d, allowed %v", r.pattern, role, a.Code, may)
			}
		}
	}
	sort.Strings(missing)
	for _, p := range missing {
		t.Errorf("nobody decided who may open %s", p)
	}
	for p := range table {
		t.Errorf("%s is decided and does not exist", p)
	}
}

func TestAPartialWithoutSessionLeadsToSignIn(t *testing.T) {
	c := openConsole(t)
	r := httptest.NewRequest(http.MethodGet, "/jobs/live", nil)
	r.Header.Set("HX-Request", "true")
	if a := c.do("", r); a.Code != http.StatusUnauthorized || a.Header().Get("HX-Redirect") != "/signin" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

func TestAnotherSiteCannotPost(t *testing.T) {
	c := openConsole(t)
	r := httptest.NewRequest(http.MethodPost, "/kill", strings.NewReader("on=true"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	c.do(actor.Admin, r).is(http.StatusForbidden)
	if sw, err := c.Gates.Switch(t.Context(), c.f); err != nil || sw.Killed {
		t.Errorf("%+v %v", sw, err)
	}
}
