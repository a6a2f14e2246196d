package services

import (
	"net/netip"
	"slices"
	"testing"

	"kenshin/gate"
	"kenshin/netid"
)

var netip24 = netip.MustParsePrefix("10.0.0.0/24")

// The order is a matter of safety: whatever shows a medical device is looked at before anything is said to the host.
func TestMedicalPortsComeFirst(t *testing.T) {
	spoken := false
	for _, p := range Ports() {
		medical := p.Medical.Ja != ""
		if medical && spoken {
			t.Errorf("port %d comes after ports that are spoken to", p.Number)
		}
		if medical && p.Frame() != gate.TCPConnect {
			t.Errorf("port %d is spoken to although nobody unlocked the device", p.Number)
		}
		spoken = spoken || !medical
	}
}

func TestListIsSound(t *testing.T) {
	known := make(map[gate.Frame]bool)
	for _, d := range gate.Frames() {
		known[d.Frame] = true
	}
	seen := make(map[uint16]bool)
	for _, p := range Ports() {
		switch {
		case seen[p.Number]:
			t.Errorf("port %d stands twice", p.Number)
		case slices.Contains(Never(), p.Number):
			t.Errorf("port %d must never be connected to", p.Number)
		case len(p.Talk) == 0 || p.Name == "":
			t.Errorf("port %d has no conversation or no name", p.Number)
		case p.Unless != 0 && !seen[p.Unless]:
			t.Errorf("port %d waits for %d, which does not come before it", p.Number, p.Unless)
		}
		seen[p.Number] = true
		for _, c := range append(slices.Clone(p.Talk), p.Unlocked...) {
			if !known[c.Frame()] {
				t.Errorf("%s opens with an unknown frame", c)
			}
		}
	}
	if n := len(seen); n < 30 || n > 45 {
		t.Errorf("%d ports: too few to know a device, or too many to be gentle", n)
	}
}

// The gate refuses the same ports: the list and the rule may not drift apart.
func TestNeverAsTheGateSays(t *testing.T) {
	segment := &gate.Segment{Approved: true, Interface: "eth0", Prefix: netip24}
	for _, port := range Never() {
		no := gate.Decide(gate.Question{Segment: segment, Host: netip24.Addr().Next(), MAC: netid.MAC{2}, Frame: gate.TCPConnect, Port: port})
		if no == nil || no.Code != "never-port" {
			t.Errorf("port %d: %v", port, no)
		}
	}
}
