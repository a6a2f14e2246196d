package identify

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kenshin/netid"
	"kenshin/observation"
)

type prefixes map[string]string

func (p prefixes) Lookup(m netid.MAC) (string, bool) {
	o, ok := p[m.String()[:8]]
	return o, ok
}

var makers = prefixes{"00:09:fb": "Philips Patient Monitoring", "00:26:73": "RICOH COMPANY,LTD.", "00:60:b9": "NEC Platforms, Ltd.", "60:8b:0e": "Apple, Inc."}

func mac(s string) netid.MAC {
	m, err := netid.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func TestIdentity(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	o := func(m string, s observation.Signal, v string, kv ...string) observation.Observation {
		d := map[string]string{}
		for i := 0; i+1 < len(kv); i += 2 {
			d[kv[i]] = kv[i+1]
		}
		return observation.Observation{MAC: mac(m), Signal: s, Value: v, Detail: d, At: now}
	}
	port := func(x observation.Observation, p uint16) observation.Observation { x.Port = p; return x }
	for name, c := range map[string]struct {
		obs         []observation.Observation
		kind, maker string
		medical     bool
		least       float64
	}{
		"a monitor by its maker alone": {[]observation.Observation{o("00:09:fb:11:22:33", observation.ARP, "192.168.1.9")}, "patient-monitor", "Philips", true, 0.5},
		"a copier is a copier, not merely a printer": {[]observation.Observation{o("00:26:73:11:22:33", observation.SNMPDescr, "RICOH IM C3000 1.10"),
			o("00:26:73:11:22:33", observation.SNMPPrinter, "IM C3000")}, "mfp", "Ricoh", false, 0.8},
		"a phone is not the router its maker also makes": {[]observation.Observation{o("00:60:b9:11:22:33", observation.LLDP, "SEP", "caps", "bridge,telephone")}, "ip-phone", "NEC Platforms", false, 0.6},
		"a PC with an imaging port is a workstation, and medical": {[]observation.Observation{
			port(o("02:00:00:11:22:33", observation.SMBDialect, "smb1"), 445), port(o("02:00:00:11:22:33", observation.TCPOpen, "104"), 104)},
			"modality-workstation", "", true, 0.6},
		"nothing is known": {[]observation.Observation{o("ac:de:48:11:22:33", observation.ARP, "192.168.1.10")}, "unknown", "", false, 0},
		"an Android tablet": {[]observation.Observation{o("d6:11:11:11:22:33", observation.DHCPVendor, "android-dhcp-13"), o("d6:11:11:11:22:33", observation.DHCPHostname, "tablet-2f")},
			"tablet", "", false, 0.6},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := New(makers)
			if err != nil {
				t.Fatal(err)
			}
			id, _ := x.Of(c.obs)
			if id.Kind != c.kind || id.Maker != c.maker || id.Medical != c.medical || id.Confidence < c.least {
				t.Errorf("got kind %q maker %q medical %v confidence %.2f, want %q %q %v >= %.2f\n%+v", id.Kind, id.Maker, id.Medical, id.Confidence, c.kind, c.maker, c.medical, c.least, id.Because)
			}
			for _, r := range id.Because {
				if r.Says == "" || r.SaysEn == "" || strings.Contains(r.Says, "$") {
					t.Errorf("a reason that nobody can read: %+v", r)
				}
			}
		})
	}
}

func TestAMadeUpNameNeverUnprotects(t *testing.T) {
	x, err := New(makers)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	id, _ := x.Of([]observation.Observation{
		{MAC: mac("00:09:fb:11:22:33"), Signal: observation.ARP, Value: "10.0.0.1", At: at},
		{MAC: mac("00:09:fb:11:22:33"), Signal: observation.DHCPHostname, Value: "desktop-abcdefg", At: at},
		{MAC: mac("00:09:fb:11:22:33"), Signal: observation.DHCPVendor, Value: "MSFT 5.0", At: at},
	})
	if !id.Medical {
		t.Errorf("names that a device chose took away its protection: %+v", id)
	}
}

func TestContradictionLowersConfidence(t *testing.T) {
	x, err := New(makers)
	if err != nil {
		t.Fatal(err)
	}
	alone := []observation.Observation{{MAC: mac("00:26:73:11:22:33"), Signal: observation.SNMPPrinter, Value: "X", At: time.Now()}}
	both := append(alone, observation.Observation{MAC: mac("00:26:73:11:22:33"), Signal: observation.SNMPDescr, Value: "L2 switch", At: time.Now()})
	a, _ := x.Of(alone)
	b, _ := x.Of(both)
	if b.Confidence >= a.Confidence {
		t.Errorf("confidence %.2f alone, %.2f with a contradiction", a.Confidence, b.Confidence)
	}
}

// The card of this very machine is Kenshin, whatever else runs on the machine.
func TestTheSensorKnowsItself(t *testing.T) {
	x, err := New(makers)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	id, _ := x.Of([]observation.Observation{
		{MAC: mac("dc:a6:32:00:00:05"), Signal: observation.Self, Value: "kenshin", At: at},
		{MAC: mac("dc:a6:32:00:00:05"), Signal: observation.SSHBanner, Value: "SSH-2.0-OpenSSH_10.0p2 Debian-7", Port: 22, At: at},
		{MAC: mac("dc:a6:32:00:00:05"), Signal: observation.SMBDialect, Value: "3.1.1", Port: 445, At: at},
		{MAC: mac("dc:a6:32:00:00:05"), Signal: observation.NTLM, Value: "KENSHIN-BOX", Detail: map[string]string{"build": "10.0.19045"}, Port: 445, At: at},
	})
	if id.Kind != "kenshin" || id.Confidence < 0.9 {
		t.Errorf("the sensor is %s, %v sure", id.Kind, id.Confidence)
	}
}

func TestSMB1IsAServiceOfItsOwn(t *testing.T) {
	x, _ := New(nil)
	_, services := x.Of([]observation.Observation{{Signal: observation.SMBDialect, Port: 445, Value: "smb1", At: time.Now()}, {Signal: observation.SMBDialect, Port: 445, Value: "3.1.1", At: time.Now()},
		{Signal: observation.TCPOpen, Port: 445, Value: "445", At: time.Now()}})
	var names []string
	for _, s := range services {
		names = append(names, s.Name)
	}
	if strings.Join(names, " ") != "smb1 smb2" {
		t.Errorf("services %v", services)
	}
}

func TestAServiceThatIsGoneIsNoLongerListed(t *testing.T) {
	x, _ := New(nil)
	now := time.Now()
	_, services := x.Of([]observation.Observation{{Signal: observation.TelnetBanner, Port: 23, Value: "login:", At: now.Add(-48 * time.Hour)},
		{Signal: observation.SSHBanner, Port: 22, Value: "SSH-2.0-x", At: now}, {Signal: observation.Asked, Value: "complete", At: now}})
	if len(services) != 1 || services[0].Name != "ssh" {
		t.Errorf("services %+v, want ssh alone", services)
	}
}

func TestBadRulesAreRefusedWithTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"- id: a\n  when: [{signal: arp}]\n  weight: 2\n  says: {ja: x, en: x}\n  source: s\n":                    "rules/x.yaml: rule 1 (a): weight",
		"- id: a\n  when: [{signal: arp, value: '('}]\n  weight: 0.5\n  says: {ja: x, en: x}\n  source: s\n":      "value of arp",
		"- id: a\n  when: [{signal: arp}]\n  kind: toaster\n  weight: 0.5\n  says: {ja: x, en: x}\n  source: s\n": "toaster",
		"- id: a\n  wen: []\n": "wen",
	} {
		_, err := Load(fstest.MapFS{"rules/x.yaml": {Data: []byte(text)}}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	x, err := New(makers)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("snmp.descr", "Lab switch", "caps", "bridge")
	f.Fuzz(func(t *testing.T, signal, value, key, detail string) {
		id, _ := x.Of([]observation.Observation{{Signal: observation.Signal(signal), Value: value, Detail: map[string]string{key: detail}, At: time.Unix(1, 0)}})
		if id.Confidence < 0 || id.Confidence > 1 {
			t.Fatalf("confidence %v", id.Confidence)
		}
	})
}
