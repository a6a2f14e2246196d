package checkup_test

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
)

// TestCardsOfOneDevice shows two cards whose agents list each other: they are one device, judged by what both of them showed.
func TestCardsOfOneDevice(t *testing.T) {
	c := build(t)
	at := time.Now().Add(-time.Hour)
	seen := func(last byte, ip string, s observation.Signal, port uint16, value string, detail map[string]string) observation.Observation {
		return observation.Observation{MAC: netid.MAC{0, 0x30, 0x13, 0, 0, last}, IP: netip.MustParseAddr(ip), Segment: "lan", Sensor: "local", Signal: s, Port: port,
			Value: value, Detail: detail, At: at}
	}
	card := func(last string) map[string]string {
		return map[string]string{"index": last, "mac": "00:30:13:00:00:0" + last}
	}
	_, err := c.Ingest(t.Context(), hospital, []observation.Observation{
		seen(1, "10.0.0.1", observation.SNMPIf, 161, "eth0", card("1")),
		seen(1, "10.0.0.1", observation.SNMPIf, 161, "eth1", card("2")),
		seen(1, "10.0.0.1", observation.TelnetBanner, 23, "login:", nil),
		seen(2, "10.0.0.2", observation.SNMPIf, 161, "eth0", card("1")),
		seen(2, "10.0.0.2", observation.SNMPIf, 161, "eth1", card("2")),
		seen(2, "10.0.0.2", observation.SSHBanner, 22, "SSH-2.0-OpenSSH_9.2p1 Debian-2", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Ledger.List(t.Context(), hospital, ledger.Query{})
	if err != nil || len(p.Devices) != 1 {
		t.Fatalf("%d devices, want 1: %v", len(p.Devices), err)
	}
	ports := map[uint16]bool{}
	for _, s := range p.Devices[0].Services {
		ports[s.Port] = true
	}
	if !ports[22] || !ports[23] {
		t.Errorf("the device shows %v, want what both of its cards showed", p.Devices[0].Services)
	}
	if p.Devices[0].Summary.Findings == 0 {
		t.Error("telnet is no finding of the device")
	}
}
