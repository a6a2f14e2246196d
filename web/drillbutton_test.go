package web

import (
	"net/http"
	"strings"
	"testing"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/button"
)

// The report button's files are the facility's own; where one cannot be, the page says why and what works instead.
func TestReportButtonIsHandedOut(t *testing.T) {
	c := openConsole(t)
	c.drillHouse()
	s, err := c.Drills.Settings(t.Context(), c.f)
	c.must(err)
	s.ReportTo, s.Base, s.Revision = "", "http://drill.minato.example", 0 // whatever is there is replaced
	c.must(c.Drills.SaveSettings(c.as(actor.Admin), c.f, s, drill.Secrets{}))
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, "報告ボタン", "「不審なメールの報告先アドレス」を決めて", "!"+button.ThunderbirdFile)
	c.get(actor.Admin, "/drills/settings/report-button").is(http.StatusUnprocessableEntity)
	s.ReportTo = "houkoku@minato-hospital.jp"
	c.must(c.Drills.SaveSettings(c.as(actor.Admin), c.f, s, drill.Secrets{}))
	c.get(actor.Admin, "/drills/settings").is(http.StatusOK, button.ThunderbirdFile, "https:// で始まる", "!"+button.OutlookFile)
	c.get(actor.Admin, "/drills/settings/report-button").is(http.StatusOK, "添付ファイルとして転送", "mailto:houkoku@minato-hospital.jp")
	s.Base = "https://drill.minato.example"
	c.must(c.Drills.SaveSettings(c.as(actor.Admin), c.f, s, drill.Secrets{}))
	for name, kind := range map[string]string{button.OutlookFile: "application/xml", button.ThunderbirdFile: "application/x-xpinstall"} {
		c.get(actor.Admin, "/drills/settings").is(http.StatusOK, name)
		a := c.get(actor.Admin, "/drills/settings/report-button/"+name).is(http.StatusOK)
		if a.Header().Get("Content-Type") != kind || !strings.Contains(a.Header().Get("Content-Disposition"), "attachment") || !strings.Contains(a.Header().Get("Content-Disposition"), name) {
			t.Errorf("%v", a.Header())
		}
	}
	c.get(actor.Admin, "/drills/settings/report-button/x.xml").is(http.StatusNotFound)
}
