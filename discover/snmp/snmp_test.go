package snmp

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// ask reads an agent as Read does, over a connection of the test's own.
func ask(t testing.TB, a *agent, creds []gate.SNMP, opt Options) (Outcome, []observation.Observation) {
	t.Helper()
	conn := newAgent(t, a)
	g := gate.New(gate.Config{})
	t.Cleanup(func() { _ = g.Close() })
	g.Approve(gate.Segment{ID: "s", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "lo", Approved: true})
	if opt.Neighbors == 0 {
		opt.Neighbors = 100
	}
	ctx, cancel := context.WithTimeout(t.Context(), opt.Budget)
	defer cancel()
	var list []observation.Observation
	r := &reader{host: g.Host("s", netip.MustParseAddr("10.0.0.5"), netid.MAC{2, 0, 0, 0, 0, 5}), opt: opt,
		found: func(o observation.Observation) { list = append(list, o) }}
	out, err := r.run(ctx, creds, func(c gate.SNMP, v string) (*session, error) {
		return newSession(conn, c, v, time.Now().Add(opt.Budget), opt.Wait)
	})
	if err != nil {
		t.Error(err)
	}
	return out, list
}

func texts(list []observation.Observation) []string {
	var out []string
	for _, o := range list {
		s := fmt.Sprintf("%s %s %s %s", o.Signal, o.MAC, o.IP, o.Value)
		for _, k := range []string{"serial", "maker", "class", "mac", "local_port", "chassis", "port", "caps", "mgmt", "ports", "type", "router"} {
			if o.Detail[k] != "" {
				s += " " + k + "=" + o.Detail[k]
			}
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

const sys = "1.3.6.1.2.1.1."

func switchTree() []gosnmp.SnmpPDU {
	const phys, rem = "1.3.6.1.2.1.47.1.1.1.1.", "1.0.8802.1.1.2.1.4.1.1."
	row := ".0.7.1"
	return []gosnmp.SnmpPDU{
		octet(sys+"1.0", "A switch"), {Name: "." + sys + "2.0", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.9.1.1"}, octet(sys+"5.0", "sw"),
		octet("1.3.6.1.2.1.2.2.1.2.3", "GigabitEthernet3"), octet("1.3.6.1.2.1.2.2.1.3.3", 6),
		octet("1.3.6.1.2.1.2.2.1.6.3", []byte{2, 0, 0, 0, 0, 3}), octet("1.3.6.1.2.1.2.2.1.8.3", 1), octet("1.3.6.1.2.1.31.1.1.1.1.3", "ge3"),
		octet("1.3.6.1.2.1.17.1.1.0", []byte{2, 0, 0, 0, 0, 9}), octet("1.3.6.1.2.1.17.1.2.0", 8),
		octet(phys+"5.1", 11), octet(phys+"5.2", 3), octet(phys+"5.3", 8), octet(phys+"11.2", "SER1"), octet(phys+"12.2", "Maker"), octet(phys+"13.2", "M-1"),
		octet("1.3.6.1.2.1.4.22.1.2.3.10.0.0.77", []byte{2, 0, 0, 0, 0, 0x77}), octet("1.3.6.1.2.1.4.22.1.2.3.10.0.0.78", []byte{0, 0, 0, 0, 0, 0}),
		octet("1.3.6.1.2.1.4.22.1.2.3.224.0.0.1", []byte{1, 0, 0x5e, 0, 0, 1}), octet("1.3.6.1.2.1.4.22.1.2.3.10.0.0.999", []byte{2, 0, 0, 0, 0, 0x79}),
		octet("1.3.6.1.2.1.4.35.1.4.3.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1", []byte{2, 0, 0, 0, 0, 0x80}),
		octet("1.3.6.1.2.1.4.35.1.4.3.2.200.254.128", []byte{2, 0, 0, 0, 0, 0x81}),
		octet(rem+"4"+row, 4), octet(rem+"5"+row, []byte{2, 0, 0, 0, 0, 0x42}), octet(rem+"6"+row, 5), octet(rem+"7"+row, "eth0"),
		octet(rem+"9"+row, "ap"), octet(rem+"12"+row, []byte{0x30, 0}),
		octet("1.0.8802.1.1.2.1.3.7.1.2.7", 5), octet("1.0.8802.1.1.2.1.3.7.1.3.7", "ge7"), octet("1.0.8802.1.1.2.1.3.7.1.4.7", "port 7"),
		octet("1.0.8802.1.1.2.1.4.2.1.3"+row+".1.4.10.0.0.66", 2),
	}
}

var wantSwitch = []string{
	"lldp 02:00:00:00:00:42 invalid IP ap chassis=02:00:00:00:00:42 port=eth0 caps=bridge,wlan mgmt=10.0.0.66",
	"snmp.arp 02:00:00:00:00:77 10.0.0.77 10.0.0.77 router=10.0.0.5",
	"snmp.arp 02:00:00:00:00:80 fe80::1 fe80::1 router=10.0.0.5",
	"snmp.bridge 02:00:00:00:00:05 10.0.0.5 02:00:00:00:00:09 ports=8",
	"snmp.descr 02:00:00:00:00:05 10.0.0.5 A switch",
	"snmp.entity 02:00:00:00:00:05 10.0.0.5 M-1 serial=SER1 maker=Maker class=chassis",
	"snmp.if 02:00:00:00:00:05 10.0.0.5 ge3 mac=02:00:00:00:00:03 type=6",
	"snmp.lldp 02:00:00:00:00:05 10.0.0.5 ap local_port=ge7 chassis=02:00:00:00:00:42 port=eth0 caps=bridge,wlan mgmt=10.0.0.66",
	"snmp.name 02:00:00:00:00:05 10.0.0.5 sw",
	"snmp.object-id 02:00:00:00:00:05 10.0.0.5 1.3.6.1.4.1.9.1.1",
}

func TestReadSwitch(t *testing.T) {
	quick := Options{Budget: 10 * time.Second, Wait: time.Second}
	for name, a := range map[string]*agent{"v2c": {community: "given", tree: switchTree()}, "v1 only": {community: "given", tree: switchTree(), v1: true}} {
		if a.v1 {
			quick.Wait = 100 * time.Millisecond
		}
		out, list := ask(t, a, []gate.SNMP{{Community: "given"}}, quick)
		if !out.Answered || len(out.Incomplete) > 0 || a.v1 != (out.Version == "1") {
			t.Errorf("%s: %+v", name, out)
		}
		if d := cmp.Diff(wantSwitch, texts(list)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}

// Only what a person gave is tried, in that order, and a silent agent costs no more than its share.
func TestCredentials(t *testing.T) {
	a := &agent{community: "second", tree: switchTree()}
	out, list := ask(t, a, []gate.SNMP{{Community: "first"}, {}, {Community: "second"}}, Options{Budget: 10 * time.Second, Wait: 50 * time.Millisecond})
	if !out.Answered || out.Credential != 2 || len(list) == 0 {
		t.Errorf("%+v, %d observations", out, len(list))
	}
	silent := &agent{community: "other"}
	out, list = ask(t, silent, []gate.SNMP{{Community: "first"}}, Options{Budget: 10 * time.Second, Wait: 50 * time.Millisecond})
	if out.Answered || len(list) > 0 || silent.asked.Load() > 4 {
		t.Errorf("%+v, %d questions", out, silent.asked.Load())
	}
	if _, _, err := userOf(gate.SNMP{User: "u", Auth: "SHA", AuthPass: "short"}); err == nil {
		t.Error("a passphrase that RFC 3414 forbids was accepted")
	}
}

func TestAgentsWithBadManners(t *testing.T) {
	tree := switchTree()[:3]
	for name, c := range map[string]struct {
		a        *agent
		answered bool
		partial  bool
	}{
		"goes round in a circle": {&agent{tree: tree, loop: true}, true, true},
		"answers garbage":        {&agent{tree: tree, garbage: true}, false, false},
		"is slow":                {&agent{tree: switchTree(), delay: 150 * time.Millisecond}, true, true},
		"has an endless table":   {&agent{tree: append(endless(), tree...)}, true, false},
	} {
		c.a.community = "c"
		begin := time.Now()
		out, list := ask(t, c.a, []gate.SNMP{{Community: "c"}}, Options{Budget: time.Second, Wait: 200 * time.Millisecond})
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		if out.Answered != c.answered || len(out.Incomplete) > 0 != c.partial && name != "has an endless table" || c.answered && len(list) < 3 {
			t.Errorf("%s: %+v, %d observations", name, out, len(list))
		}
		if len(list) > 3000 {
			t.Errorf("%s: %d observations", name, len(list))
		}
	}
}

func endless() []gosnmp.SnmpPDU {
	var out []gosnmp.SnmpPDU
	for i := range 5000 {
		out = append(out, octet(fmt.Sprintf("1.3.6.1.2.1.4.22.1.2.3.10.1.%d.%d", i/256, i%256), []byte{2, 0, 1, 0, byte(i / 256), byte(i)}))
	}
	return out
}

// A neighbour's answer that protects the host ends the reading of it.
func TestProtectionEndsTheReading(t *testing.T) {
	conn := newAgent(t, &agent{community: "c", tree: switchTree()})
	g := gate.New(gate.Config{})
	defer g.Close()
	g.Approve(gate.Segment{ID: "s", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "lo", Approved: true})
	h := g.Host("s", netip.MustParseAddr("10.0.0.5"), netid.MAC{})
	var list []observation.Observation
	r := &reader{host: h, opt: Options{Neighbors: 10}, found: func(o observation.Observation) {
		list = append(list, o)
		h.Medical("its sysDescr says so")
	}}
	_, err := r.run(t.Context(), []gate.SNMP{{Community: "c"}}, func(c gate.SNMP, v string) (*session, error) {
		return newSession(conn, c, v, time.Now().Add(time.Second), time.Second)
	})
	if err == nil || len(list) != 3 {
		t.Errorf("%v after %d observations", err, len(list))
	}
}

func TestIdentifier(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		kind int64
		want string
	}{{[]byte{2, 0, 0, 0, 0, 1}, 4, "02:00:00:00:00:01"}, {[]byte{1, 10, 0, 0, 1}, 5, "10.0.0.1"}, {[]byte("sw-2f"), 7, "sw-2f"},
		{[]byte{0xff, 0xfe}, 7, "ff:fe"}, {nil, 4, ""}, {[]byte{9}, 5, "\t"}} {
		if got := identifier(c.b, c.kind, chassisMAC, chassisAddr); got != c.want {
			t.Errorf("%x as %d: %q, want %q", c.b, c.kind, got, c.want)
		}
	}
	if got := capabilities([]byte{0x2c}); got != "bridge,router,telephone" {
		t.Error(got)
	}
}

func FuzzAnswer(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.bin")
	for _, n := range names {
		if b, err := os.ReadFile(n); err == nil {
			f.Add(b)
		}
	}
	v2, err := newSession(nil, gate.SNMP{Community: "c"}, "2c", time.Time{}, 0)
	if err != nil {
		f.Fatal(err)
	}
	v3, err := newSession(nil, gate.SNMP{User: "u", Auth: "SHA", AuthPass: "12345678", Priv: "AES", PrivPass: "12345678"}, "3", time.Time{}, 0)
	if err != nil {
		f.Fatal(err)
	}
	v3.usm.AuthoritativeEngineID = "engine"
	if err := v3.usm.InitSecurityKeys(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := v2.open(b); err == nil {
			for _, v := range p.Variables {
				text(v)
				number(v)
				if oid, ok := arcs(v.Name); ok && "."+index(oid) != "."+strings.TrimPrefix(v.Name, ".") {
					t.Errorf("%s became %v", v.Name, oid)
				}
			}
		}
		if p, err := v3.open(b); err == nil && p.PDUType != gosnmp.Report {
			t.Errorf("an answer was believed without its key: %x", b)
		}
	})
}
