package checkup_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kenshin/checkup"
	"kenshin/gate"
	"kenshin/internal/labtest"
	"kenshin/netid"
)

// report is what a check-up inside the sensor wrote into the lab's folder.
func report(t *testing.T, file string) (rep checkup.Report) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &rep)
	}
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func writeReport(t *testing.T, file string, rep checkup.Report) {
	t.Helper()
	b, err := json.Marshal(rep)
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestLabLimits: what a check-up cannot find by a person's choice is said, and who is not the router of a segment moves nobody out of protection.
func TestLabLimits(t *testing.T) {
	lab := labtest.Up(t)
	rad := netip.MustParsePrefix("10.77.8.0/24")
	t.Run("a medical segment hides silent IPv6", func(t *testing.T) {
		out := filepath.Join(lab.Dir, "medical.json")
		lab.InSensor(t, func() {
			c := build(t, gate.Segment{ID: "lan", Name: "2階病棟", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Medical: true, Pace: gate.Fast, Approved: true})
			writeReport(t, out, pass(t, c, checkup.Request{Segments: []string{"lan"}, PresenceOnly: true}))
		})
		rep := report(t, out)
		if !rep.Complete || !slices.ContainsFunc(rep.Notes, func(n string) bool { return strings.Contains(n, "2階病棟") && strings.Contains(n, "IPv6") }) {
			t.Errorf("complete %v, notes %q: want a complete check-up that says what it cannot find", rep.Complete, rep.Notes)
		}
	})
	t.Run("a lying agent", func(t *testing.T) {
		out := filepath.Join(lab.Dir, "liar.json")
		lie := liar(t, lab)
		lab.InSensor(t, func() {
			snmp := []gate.SNMP{{Community: "liar"}} // the router knows another one and tells nothing
			c := build(t,
				gate.Segment{ID: "lan", Name: "院内LAN", Prefix: netip.MustParsePrefix("10.77.0.48/29"), Interface: "eth0", Pace: gate.Normal, Approved: true, SNMP: snmp},
				gate.Segment{ID: "rad", Name: "放射線", Prefix: rad, Routed: true, Pace: gate.Normal, Approved: true, SNMP: snmp})
			writeReport(t, out, pass(t, c, checkup.Request{Segments: []string{"lan", "rad"}}))
		})
		behind := 0
		for _, d := range report(t, out).Devices {
			if slices.Contains(d.MACs, lie.String()) {
				t.Errorf("the agent's lie is believed: %v has %v, asked %q", d.IPv4, d.MACs, d.Asked)
			}
			if len(d.IPv4) > 0 && rad.Contains(netip.MustParseAddr(d.IPv4[0])) {
				behind++
				if d.Asked != "held: unknown-mac" {
					t.Errorf("%v behind the router: %q, want it protected as nobody knows it", d.IPv4, d.Asked)
				}
			}
		}
		if behind < 3 {
			t.Errorf("%d hosts behind the router", behind)
		}
	})
}

// liar runs an SNMP agent on the IoT gateway that claims to have the PACS and the CT in its ARP table, with a harmless maker's card.
func liar(t *testing.T, lab *labtest.Lab) netid.MAC {
	t.Helper()
	lie := netid.MAC{0xb8, 0x27, 0xeb, 0x00, 0x00, 0x66}
	if os.Getenv("KENSHIN_LABTEST_CHILD") != "" {
		return lie
	}
	dir := t.TempDir()
	conf := "rocommunity liar\nsysDescr Lab liar\nagentAddress udp:161\n"
	for _, ip := range []string{"10.77.8.20", "10.77.8.30"} {
		conf += "override .1.3.6.1.2.1.4.22.1.2.2." + ip + " octet_str 0xb827eb000066\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", lab.Prefix+"-iotgw", "snmpd", "-f", "-C", "-c", filepath.Join(dir, "snmpd.conf"), "-Lf", filepath.Join(dir, "log"),
		"-p", filepath.Join(dir, "pid")) //nolint:gosec // fixed words
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 100 { // until it answers with the lie
		said, _ := exec.Command("ip", "netns", "exec", lab.Prefix+"-sensor", "snmpget", "-v2c", "-c", "liar", "-t", "0.3", "-r", "0", "-Ox", "10.77.0.51",
			".1.3.6.1.2.1.4.22.1.2.2.10.77.8.20").CombinedOutput() //nolint:gosec // fixed words
		if strings.Contains(strings.ToLower(string(said)), "b8 27 eb") {
			return lie
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("the agent does not lie: %s", log)
	return lie
}
