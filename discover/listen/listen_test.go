package listen_test

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/pcapgo"

	"kenshin/discover/arp"
	"kenshin/discover/listen"
	"kenshin/discover/mdns"
	"kenshin/discover/nbns"
	"kenshin/discover/ndp"
	"kenshin/discover/ssdp"
	"kenshin/discover/wsd"
	"kenshin/observation"
)

func decoders() listen.Options {
	return listen.Options{
		Frame: []func([]byte, time.Time) []observation.Observation{arp.Heard, ndp.Heard},
		UDP: map[uint16]func(netip.Addr, []byte) []observation.Observation{
			mdns.Port: mdns.Heard, nbns.Port: nbns.Heard, ssdp.Port: ssdp.Heard, wsd.Port: wsd.Heard},
	}
}

func frames(t testing.TB, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for {
		b, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}

// What a sensor heard in half a minute while devices were plugged in.
func TestDecodeHeard(t *testing.T) {
	got := map[string]bool{}
	for _, b := range frames(t, "testdata/heard.pcap") {
		for _, o := range listen.Decode(b, time.Unix(1, 0), decoders()) {
			ip := "-"
			if o.IP.IsValid() {
				ip = o.IP.String()
			}
			got[string(o.Signal)+" "+o.MAC.String()+" "+ip+" "+o.Value] = true
			if o.Signal == observation.LLDP && o.Detail["caps"] != "bridge" {
				t.Errorf("%+v", o)
			}
		}
	}
	for _, want := range []string{
		"arp 00:26:73:00:00:53 10.77.99.50 10.77.99.50",
		"dhcp.options 98:e7:43:00:00:66 - 1,3,6,15,31,33,43,44,46,47,119,121,249,252",
		"dhcp.vendor 98:e7:43:00:00:66 - MSFT 5.0",
		"dhcp.hostname 98:e7:43:00:00:66 - rogue-pc",
		"lldp 00:00:f4:10:00:14 - sw-core",
		"nbns.name 98:e7:43:00:00:66 10.77.1.18 ROGUE-PC",
		"mdns.name 60:8b:0e:00:00:15 10.77.1.150 macbook",
		"mdns.service 60:8b:0e:00:00:15 10.77.1.150 _ssh._tcp",
		"nbns.group 98:e7:43:00:00:66 10.77.1.18 HOSPITAL",
	} {
		if !got[want] {
			t.Errorf("not heard: %s", want)
		}
	}
	if t.Failed() {
		var all []string
		for s := range got {
			all = append(all, s)
		}
		slices.Sort(all)
		t.Log(cmp.Diff("", all))
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range frames(f, "testdata/heard.pcap") {
		f.Add(b)
	}
	opt := decoders()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 9000 {
			return
		}
		for _, o := range listen.Decode(b, time.Time{}, opt) {
			if o.MAC.IsZero() || o.MAC.Multicast() || len(o.Value) > observation.MaxValue {
				t.Errorf("%x gave %+v", b, o)
			}
			if o.IP.IsValid() && (o.IP.IsMulticast() || o.IP.IsUnspecified()) {
				t.Errorf("%x gave %+v", b, o)
			}
		}
	})
}
