package listen

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"kenshin/netid"
	"kenshin/observation"
)

func texts(list []observation.Observation) []string {
	var out []string
	for _, o := range list {
		s := string(o.Signal) + " " + o.MAC.String() + " " + o.Value
		if o.IP.IsValid() {
			s += " at " + o.IP.String()
		}
		out = append(out, s)
	}
	return out
}

func TestDHCP(t *testing.T) {
	client, sender := netid.MAC{2, 0, 0, 0, 0, 1}, netid.MAC{2, 0, 0, 0, 0, 9}
	message := func(kind dhcpv4.MessageType, opts ...dhcpv4.Modifier) []byte {
		m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(kind), dhcpv4.WithHwAddr(client.Hardware())}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.ToBytes()
	}
	asks := dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter)
	name81 := dhcpv4.WithGeneric(dhcpv4.OptionFQDN, append([]byte{4, 0, 0, 2}, "pc\x04ward\x00"...))
	wish := dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress([]byte{10, 0, 0, 8}))
	reply := func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootReply }
	for name, c := range map[string]struct {
		in   []byte
		want []string
	}{
		"a discovery": {message(dhcpv4.MessageTypeDiscover, asks, wish, dhcpv4.WithOption(dhcpv4.OptHostName("pc1")), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("MSFT 5.0"))),
			[]string{"dhcp.options 02:00:00:00:00:01 1,3", "dhcp.vendor 02:00:00:00:00:01 MSFT 5.0", "dhcp.hostname 02:00:00:00:00:01 pc1"}},
		"a renewal with a full name": {message(dhcpv4.MessageTypeRequest, name81, dhcpv4.WithClientIP([]byte{10, 0, 0, 7})),
			[]string{"dhcp.hostname 02:00:00:00:00:01 pc.ward at 10.0.0.7"}},
		"a relayed question": {message(dhcpv4.MessageTypeDiscover, asks, dhcpv4.WithGatewayIP([]byte{10, 0, 0, 1})), nil},
		"an offer": {message(dhcpv4.MessageTypeOffer, reply, dhcpv4.WithOption(dhcpv4.OptServerIdentifier([]byte{10, 0, 0, 2}))),
			[]string{"dhcp.server  10.0.0.2 at 10.0.0.2"}},
		"an offer of a public server": {message(dhcpv4.MessageTypeOffer, reply, dhcpv4.WithOption(dhcpv4.OptServerIdentifier([]byte{8, 8, 8, 8}))), nil},
		"nothing":                     {nil, nil},
	} {
		if d := cmp.Diff(c.want, texts(dhcp4(c.in, sender))); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
	for _, b := range [][]byte{{4, 0, 0, 63, 'a'}, {4, 0, 0}, {4, 0, 0, 0}, {0, 0, 0, 'p', 'c', 0}} {
		fqdn(b)
	}
}

func TestDHCP6(t *testing.T) {
	b := []byte{1, 1, 2, 3, 0, 6, 0, 4, 0, 23, 0, 24}
	got := texts(dhcp6(b, netid.MAC{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("fe80::1")))
	if d := cmp.Diff([]string{"dhcp.options 02:00:00:00:00:01 v6:23,24 at fe80::1"}, got); d != "" {
		t.Error(d)
	}
}

func tlv(kind int, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(kind<<9|len(b))), b...)
}

func TestLLDPMed(t *testing.T) {
	var b []byte
	for _, x := range [][]byte{tlv(1, []byte{4, 2, 0, 0, 0, 0, 1}), tlv(2, []byte("\x07p1")), tlv(3, []byte{0, 120}), tlv(5, []byte("phone")),
		tlv(7, []byte{0, 0x24, 0, 0x24}), tlv(127, []byte{0, 0x12, 0xbb, 1, 0, 0x33, 3}), tlv(127, []byte("\x00\x12\xbb\x0aModelX")),
		tlv(127, []byte("\x00\x12\xbb\x09MakerY")), tlv(0, nil)} {
		b = append(b, x...)
	}
	list := lldp(b)
	if len(list) != 1 {
		t.Fatal(list)
	}
	want := map[string]string{"chassis": "02:00:00:00:00:01", "port": "p1", "caps": "bridge,telephone", "med": "phone", "model": "ModelX", "maker": "MakerY"}
	if d := cmp.Diff(want, list[0].Detail); d != "" || list[0].Value != "phone" {
		t.Errorf("%s (-want +got)\n%s", list[0].Value, d)
	}
	for n := range b {
		lldp(b[:n])
	}
}

func TestCDP(t *testing.T) {
	frame := []byte("\x01\x00\x0c\xcc\xcc\xcc\x02\x00\x00\x00\x00\x01\x00\x40\xaa\xaa\x03\x00\x00\x0c\x20\x00")
	part := func(kind int, b string) {
		frame = binary.BigEndian.AppendUint16(frame, uint16(kind))
		frame = binary.BigEndian.AppendUint16(frame, uint16(4+len(b)))
		frame = append(frame, b...)
	}
	frame = append(frame, 2, 180, 0, 0)
	part(1, "sw1")
	part(3, "Gi0/1")
	part(4, "\x00\x00\x00\x28")
	part(6, "cisco X")
	frame[12], frame[13] = byte((len(frame)-14)>>8), byte(len(frame)-14)
	list := Decode(frame, time.Unix(1, 0), Options{})
	if len(list) != 1 || list[0].Value != "sw1" || list[0].MAC.String() != "02:00:00:00:00:01" {
		t.Fatalf("%+v", list)
	}
	// 0x28 is switch, and IGMP, which is no kind of device
	if d := cmp.Diff(map[string]string{"port": "Gi0/1", "platform": "cisco X", "caps": "switch"}, list[0].Detail); d != "" {
		t.Error(d)
	}
}

// A decoder that breaks must not end the listening.
func TestBrokenDecoder(t *testing.T) {
	opt := Options{Frame: []func([]byte, time.Time) []observation.Observation{func([]byte, time.Time) []observation.Observation { panic("x") }}}
	if got := Decode(make([]byte, 60), time.Time{}, opt); got != nil {
		t.Error(got)
	}
}

func TestLimiter(t *testing.T) {
	x := newLimiter(Limits{PerMAC: 5, NewMACs: 100, Remember: 1000})
	now := time.Unix(1000, 0)
	say := func(mac netid.MAC, value string, at time.Time) bool {
		return x.pass(&observation.Observation{MAC: mac, Signal: observation.MDNSName, Value: value}, at)
	}
	honest := netid.MAC{2, 0, 0, 0, 0, 1}
	if !say(honest, "a", now) || say(honest, "a", now.Add(time.Second)) || !say(honest, "b", now) || !say(honest, "a", now.Add(61*time.Second)) {
		t.Error("the same thing must pass once a minute, another at once")
	}
	passed := 0
	for i := range 1000 {
		if say(honest, string(rune('A'+i)), now.Add(3*time.Minute)) {
			passed++
		}
	}
	if passed != 5 {
		t.Errorf("one MAC said %d things in a minute", passed)
	}
	passed = 0
	for i := range 100_000 {
		if say(netid.MAC{2, 1, byte(i >> 16), byte(i >> 8), byte(i), 0}, "flood", now.Add(5*time.Minute)) {
			passed++
		}
	}
	if passed > 100 || len(x.macs.at) > 1000 || len(x.said.at) > 1000 || x.said.order.Len() > 1000 {
		t.Errorf("a flood of senders: %d passed, %d and %d remembered", passed, len(x.macs.at), len(x.said.at))
	}
	if !say(honest, "new", now.Add(7*time.Minute)) {
		t.Error("after a flood nobody is heard any more")
	}
	if !say(honest, "later", now.Add(-time.Hour)) {
		t.Error("a clock that jumped back silences a device")
	}
}
