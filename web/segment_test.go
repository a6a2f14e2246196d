package web

import (
	"net/http"
	"testing"

	"kenshin/actor"
	"kenshin/gate"
	"kenshin/web/page"
)

func TestANetworkOfThisMachineIsProposed(t *testing.T) {
	local, err := gate.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var s *gate.Segment
	for i := range local {
		if local[i].LeftOut == nil {
			s = &local[i].Segment
		}
	}
	if s == nil {
		t.Skip("this machine is on no private network")
	}
	c := openConsole(t)
	path := page.SegmentPath(linkID(*s), "") // it holds a slash of its own
	c.get(actor.Admin, "/segments").is(200, "承認を待っている区画", s.Prefix.String(), path)
	c.get(actor.Admin, "/").is(200, "はじめに、調べてよい区画を承認してください")
	c.get(actor.Admin, path).is(200, s.Prefix.String(), "を承認する")
	c.post(actor.Admin, path, "name", "事務", "medical", "no", "pace", "normal", "listen", "yes").is(422, "部門に知らせて")
	c.post(actor.Admin, path, "name", "事務", "medical", "no", "pace", "normal", "listen", "yes", "agreed", "yes").is(http.StatusSeeOther)
	list, err := c.Gates.Segments(t.Context(), c.f)
	c.must(err)
	if len(list) != 1 || !list[0].Approved || list[0].Interface != s.Interface || list[0].Routed || !list[0].Listen {
		t.Errorf("%+v", list)
	}
	c.get(actor.Admin, "/segments").is(200, "事務", "!"+path)
}
