package netid

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kenshin/fault"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func lookup(t *testing.T, m *Makers, mac string) string {
	t.Helper()
	a, err := ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	name, _ := m.Lookup(a)
	return name
}

func TestMakersLongestPrefixWins(t *testing.T) {
	csv := write(t, "oui.csv", "Registry,Assignment,Organization Name,Organization Address\n"+
		"MA-L,70B3D5,IEEE Registration Authority,NJ\nMA-S,70B3D5F2F,\"Small, Maker　Ltd.\",x\nMA-M,70B3D5E,Private,\nMA-L,020000,Local Corp,x\n")
	m, err := LoadMakers(csv)
	if err != nil {
		t.Fatal(err)
	}
	for mac, want := range map[string]string{
		"70:b3:d5:f2:f0:01": "Small, Maker Ltd.",
		"70:b3:d5:10:00:01": "IEEE Registration Authority",
		"70:b3:d5:e0:00:01": "", // a private block is not its neighbour's
		"02:00:00:00:00:01": "", // set by software: no maker
		"71:b3:d5:f2:f0:01": "",
		"00:11:22:33:44:55": "",
	} {
		if got := lookup(t, m, mac); got != want {
			t.Errorf("Lookup(%s) = %q, want %q", mac, got, want)
		}
	}
}

func TestMakersJSON(t *testing.T) {
	m, err := LoadMakers(write(t, "oui.json", `{"0000F4":"Allied Telesis\n1 Street","70B3D5F2F":"T"}`))
	if err != nil || lookup(t, m, "0000.f412.3456") != "Allied Telesis" {
		t.Errorf("JSON: %v, %d prefixes", err, m.Len())
	}
}

func TestMakersMissingFileIsAWarning(t *testing.T) {
	good := write(t, "oui.csv", "MA-L,0000F4,Allied Telesis,x\n")
	m, err := LoadMakers(filepath.Join(t.TempDir(), "none.csv"), good, write(t, "x.csv", "nothing"), write(t, "x.json", "[1]"))
	if err == nil || !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err, "ja"), "ieee-data") {
		t.Errorf("a missing list is not explained: %v", err)
	}
	if lookup(t, m, "00:00:f4:00:00:01") != "Allied Telesis" {
		t.Error("the readable list was not used")
	}
	var none *Makers
	if _, ok := none.Lookup(MAC{0, 0, 0xf4}); ok {
		t.Error("no list knows nothing")
	}
}

func FuzzMakers(f *testing.F) {
	f.Add([]byte("Registry,Assignment,Organization Name\nMA-L,0000F4,\"A \"\"B\"\",x\n"), false)
	f.Add([]byte(`{"0000F4":"x\ny","zz":1}`), true)
	f.Add([]byte("MA-L,0000F4,\xff\xfe\x00\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, isJSON bool) {
		m := &Makers{}
		if isJSON {
			_ = m.readJSON(strings.NewReader(string(b)))
		} else {
			_ = m.readCSV(strings.NewReader(string(b)))
		}
		for _, names := range m.byBits {
			for _, n := range names {
				if len(n) > maxMakerName || strings.ContainsAny(n, "\x00\n\r") {
					t.Fatalf("unclean name %q", n)
				}
			}
		}
	})
}
