package gate_test

import (
	"net/netip"
	"testing"

	"kenshin/gate"
	"kenshin/netid"
)

// TestWhoIsBelieved: a person's word names the router, and nobody else is believed; without it, where no route leads, nobody is.
func TestWhoIsBelieved(t *testing.T) {
	g := gate.New(gate.Config{})
	defer g.Close()
	core, floor := netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.1.1")
	g.Approve(gate.Segment{ID: "core", Prefix: netip.MustParsePrefix("10.99.1.0/24"), Routed: true, Approved: true},
		gate.Segment{ID: "ward", Prefix: netip.MustParsePrefix("10.99.2.0/24"), Routed: true, Router: floor, Approved: true})
	mac := netid.MAC{0, 0x1b, 0x54, 0, 0, 1}
	for _, c := range []struct {
		name  string
		host  gate.HostKey
		about string
		want  bool
	}{
		{"the one that a person named", gate.HostKey{Segment: "core", IP: floor, MAC: mac}, "ward", true},
		{"another address", gate.HostKey{Segment: "core", IP: floor.Next(), MAC: mac}, "ward", false},
		{"the core, when the floor's router was named", gate.HostKey{Segment: "core", IP: core, MAC: mac}, "ward", false},
		{"the ward's router about another segment", gate.HostKey{Segment: "core", IP: floor, MAC: mac}, "core", false},
		{"about a segment that nobody approved", gate.HostKey{Segment: "core", IP: floor, MAC: mac}, "elsewhere", false},
		{"from a segment that nobody approved", gate.HostKey{Segment: "elsewhere", IP: floor, MAC: mac}, "ward", false},
		{"without an address", gate.HostKey{Segment: "core", MAC: mac}, "ward", false},
	} {
		if got := g.Tells(c.host, c.about); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
