package arp

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"kenshin/netid"
)

func frame(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	reply    = "dca632000005 002673000053 0806 0001080006040002 002673000053 0a4d6332 dca632000005 0a4d0005"
	tagged   = "ffffffffffff 002673000053 8100000a 0806 0001080006040001 002673000053 0a4d6332 000000000000 0a4d6301"
	probe    = "ffffffffffff 002673000053 0806 0001080006040001 002673000053 00000000 000000000000 0a4d0005" // RFC 5227
	cut      = "ffffffffffff 002673000053 0806 0001080006040001 002673000053 0a4d"
	groupMAC = "ffffffffffff 012673000053 0806 0001080006040001 012673000053 0a4d6332 000000000000 0a4d6301"
	longHW   = "ffffffffffff 002673000053 0806 000108000804 0001 0026730000530000 0a4d6332 0000000000000000 0a4d6301"
	groupIP  = "ffffffffffff 002673000053 0806 0001080006040001 002673000053 e00000fb 000000000000 0a4d6301"
	ipv4     = "ffffffffffff 002673000053 0800 4500001c000000004001 0000 0a4d0001 0a4d0002 0800f7ff00000000"
)

func TestHeard(t *testing.T) {
	at := time.Unix(1, 0)
	for name, c := range map[string]struct{ in, want string }{
		"a reply": {reply, "00:26:73:00:00:53 10.77.99.50"}, "a tagged question": {tagged, "00:26:73:00:00:53 10.77.99.50"},
		"a probe": {probe, ""}, "cut": {cut, ""}, "a group as sender": {groupMAC, ""}, "another hardware": {longHW, ""},
		"a group's address": {groupIP, ""}, "not ARP": {ipv4, ""}, "nothing": {"", ""},
	} {
		got := ""
		for _, o := range Heard(frame(t, c.in), at) {
			got += o.MAC.String() + " " + o.Value
			if o.IP.String() != o.Value || !o.At.Equal(at) || o.Detail["from"] != "heard" {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRequestIsReadByOthers(t *testing.T) {
	mac := netid.MAC{0x02, 1, 2, 3, 4, 5}
	b := request(mac, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9"))
	m, ok := parse(b)
	if !ok || m.mac != mac || m.ip.String() != "10.0.0.1" || m.target.String() != "10.0.0.9" || m.reply || len(b) != 60 {
		t.Errorf("%+v %v, %d bytes", m, ok, len(b))
	}
}

func TestSourceFor(t *testing.T) {
	ours := []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("10.1.0.5/24"), netip.MustParsePrefix("10.2.0.5/24")}
	for target, want := range map[string]string{"10.2.0.0/24": "10.2.0.5", "10.9.0.0/24": "10.1.0.5"} {
		if got := sourceFor(ours, netip.MustParsePrefix(target)); got.String() != want {
			t.Errorf("%s: from %s, want %s", target, got, want)
		}
	}
	if got := sourceFor(nil, netip.MustParsePrefix("10.0.0.0/24")); !got.IsUnspecified() {
		t.Errorf("without an address: from %s", got)
	}
}

func TestAddresses(t *testing.T) {
	half := netip.MustParseAddr("10.0.0.127")
	got, err := addresses(netip.MustParsePrefix("10.0.0.9/24"), func(a netip.Addr) bool { return a.Compare(half) <= 0 })
	if err != nil || len(got) != 128 || got[0].String() != "10.0.0.128" {
		t.Errorf("%d %v %v", len(got), got[:1], err)
	}
	if got, err := addresses(netip.MustParsePrefix("255.255.255.255/32"), nil); err != nil || len(got) != 1 {
		t.Errorf("the last address: %v %v", got, err)
	}
	for _, p := range []string{"10.0.0.0/15", "fd00::/120"} {
		if _, err := addresses(netip.MustParsePrefix(p), nil); err == nil {
			t.Errorf("%s was accepted", p)
		}
	}
}

func TestFilterKeepsARPOnly(t *testing.T) {
	raw, err := arpOnly()
	if err != nil {
		t.Fatal(err)
	}
	prog, ok := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(prog)
	if err != nil || !ok {
		t.Fatal(err, ok)
	}
	vlanIP := "ffffffffffff 002673000053 8100000a 0800 4500001c"
	for in, want := range map[string]bool{reply: true, tagged: true, ipv4: false, vlanIP: false} {
		if n, err := vm.Run(frame(t, in)); err != nil || n > 0 != want {
			t.Errorf("%s: kept %d bytes, %v", in, n, err)
		}
	}
}

func FuzzHeard(f *testing.F) {
	for _, s := range []string{reply, tagged, probe, cut, groupMAC, longHW, ipv4} {
		f.Add(frame(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, o := range Heard(b, time.Time{}) {
			if o.MAC.IsZero() || o.MAC.Multicast() || !o.IP.Is4() || o.IP.IsMulticast() {
				t.Errorf("%x gave %+v", b, o)
			}
		}
	})
}
