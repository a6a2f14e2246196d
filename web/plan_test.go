package web

import (
	"fmt"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/assess/plan"
)

// A risk assessment on the screens: begun with the facts, judged by the admin, approved by the director alone, shown on paper with its digest.
func TestARiskAssessmentOnTheScreens(t *testing.T) {
	c := openConsole(t)
	begun := c.post(actor.Admin, "/risks", "year", "２０２６")
	at := begun.Header().Get("Location")
	if begun.Code != 303 || !strings.HasPrefix(at, "/risks/") {
		t.Fatalf("%d %s %s", begun.Code, at, begun.Body.String())
	}
	s, err := c.Plans.Get(t.Context(), c.f, plan.Risk, strings.TrimPrefix(at, "/risks/"))
	c.must(err)
	form := []string{"revision", fmt.Sprint(s.Revision), "title", s.Title}
	for _, r := range s.Risks.Rows {
		for k, v := range map[string]string{"id": r.ID, "threat": r.Threat, "asset": r.Asset, "likelihood": "3", "impact": "4", "treatment": "accept", "action": "髙﨑①の判断", "owner": "", "due": "", "done": ""} {
			form = append(form, k, v)
		}
	}
	if a := c.post(actor.Admin, at, form...); a.Code != 303 {
		t.Fatalf("save: %d %s", a.Code, a.Body.String())
	}
	if a := c.post(actor.Admin, at, form...); a.Code != 422 || !strings.Contains(a.Body.String(), "ほかの人が先に変えました") {
		t.Errorf("from an older revision: %d", a.Code)
	}
	sign := []string{"revision", fmt.Sprint(s.Revision + 1), "note", "了承"}
	if a := c.post(actor.Admin, at+"/sign", sign...); a.Code != 403 {
		t.Errorf("an admin signs: %d", a.Code)
	}
	if a := c.post(actor.Director, at+"/sign", sign...); a.Code != 303 {
		t.Fatalf("sign: %d %s", a.Code, a.Body.String())
	}
	s, err = c.Plans.Get(t.Context(), c.f, plan.Risk, s.ID)
	c.must(err)
	if paper := c.get(actor.Director, at+"/print").Body.String(); !strings.Contains(paper, s.Signed.Hash) || !strings.Contains(paper, "髙﨑①の判断") {
		t.Error("the paper lacks what was signed")
	}
}
