package gate

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/netid"
)

// A discovery question to one host is judged by that host: a neighbour that is protected neither forbids it, nor does its name let it through.
func TestDiscoveryQuestionToOneHost(t *testing.T) {
	link := &Segment{ID: "s", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "eth0", Approved: true, Medical: true}
	routed := &Segment{ID: "r", Prefix: netip.MustParsePrefix("10.0.1.0/24"), Routed: true, Approved: true}
	for _, f := range []Frame{MDNSQuery, SSDPSearch, WSDProbe} {
		for name, c := range map[string]struct {
			q    Question
			code string
		}{
			"an ordinary host on a medical link": {Question{Segment: link, Host: netip.MustParseAddr("10.0.0.7"), MAC: netid.MAC{0, 7}}, ""},
			"a medical host":                     {Question{Segment: link, Host: netip.MustParseAddr("10.0.0.8"), Status: Status{Medical: "maker"}}, "medical"},
			"an unknown host behind a router":    {Question{Segment: routed, Host: netip.MustParseAddr("10.0.1.7")}, "unknown-mac"},
			"a host of another network":          {Question{Segment: link, Host: netip.MustParseAddr("10.0.9.7")}, "outside"},
			"everybody on a medical link":        {Question{Segment: link, Host: netip.MustParseAddr("224.0.0.251")}, "medical-link"},
		} {
			c.q.Now, c.q.Frame = time.Now(), f
			got := ""
			if r := Decide(c.q); r != nil {
				got = r.Code
			}
			if got != c.code {
				t.Errorf("%s to %s: %q, want %q", f, name, got, c.code)
			}
		}
	}
}
