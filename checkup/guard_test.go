package checkup_test

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// Whatever the ledger knows as medical or never to be touched is protected when a sweep begins: also a retired device, one that has IPv6 only,
// and one of which somebody without a say about sending wrote that it is not medical.
func TestTheLedgersDevicesAreProtectedBeforeTheFirstFrame(t *testing.T) {
	lan := gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "lo", Pace: gate.Fast, Approved: true}
	c := build(t, lan)
	card := func(n byte) netid.MAC { return netid.MAC{0x00, 0x30, 0x13, 7, 7, n} }
	see := func(n byte, ip string) netid.DeviceID {
		t.Helper()
		owners, err := c.Ingest(t.Context(), hospital, []observation.Observation{{MAC: card(n), IP: netip.MustParseAddr(ip), Segment: "lan", Sensor: "local",
			Signal: observation.ARP, Value: ip, At: time.Now()}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range owners {
			return id
		}
		t.Fatal("nobody was seen")
		return ""
	}
	edit := func(id netid.DeviceID, p ledger.Patch) {
		t.Helper()
		if _, err := c.Ledger.Edit(t.Context(), hospital, id, 0, p); err != nil {
			t.Fatal(err)
		}
	}
	yes := true
	edit(see(1, "10.0.0.1"), ledger.Patch{Fields: map[string]string{"medical": "true"}, State: ledger.Retired})
	edit(see(2, "10.0.0.2"), ledger.Patch{State: ledger.Retired, NeverTouch: &yes})
	edit(see(3, "fe80::3"), ledger.Patch{Fields: map[string]string{"medical": "true"}})
	denied := see(4, "10.0.0.4")
	err := c.DB.Write(t.Context(), hospital, func(tx *store.Tx) error {
		_, err := c.Ledger.SetIdentity(t.Context(), tx, denied, ledger.Identity{Kind: "infusion-pump", Medical: true}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	edit(denied, ledger.Patch{Fields: map[string]string{"medical": "false"}})

	g := gate.New(gate.Config{}) // as after a restart
	defer g.Close()
	g.Approve(lan)
	c.Gate = g
	if err := c.Guard(t.Context(), hospital); err != nil {
		t.Fatal(err)
	}
	other := netid.MAC{0x00, 0x30, 0x13, 9, 9, 9}
	for _, x := range []struct {
		ip   string
		mac  netid.MAC
		want string
	}{{"10.0.0.50", card(1), "medical"}, {"10.0.0.50", card(2), "never-touch"}, {"fe80::3", other, "medical"}, {"10.0.0.4", card(4), "medical"}} {
		if no := g.Host("lan", netip.MustParseAddr(x.ip), x.mac).May(gate.TCPConnect, 80); no == nil || no.Code != x.want {
			t.Errorf("%s %s: %v, want %s", x.ip, x.mac, no, x.want)
		}
	}
	if no := g.Host("lan", netip.MustParseAddr("10.0.0.60"), other).May(gate.TCPConnect, 80); no != nil {
		t.Errorf("an ordinary device: %v", no)
	}
}
