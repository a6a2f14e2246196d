// Package listen hears what devices say by themselves: ARP, neighbour discovery, DHCP, names, announcements, LLDP and CDP. It sends nothing.
package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// Options wires the decoders of other packages in, which this one does not know.
type Options struct {
	// Frame decoders see whole Ethernet frames (arp.Heard, ndp.Heard) and name the sender themselves.
	Frame []func(frame []byte, at time.Time) []observation.Observation
	// UDP decoders see the payload of datagrams from or to their port (mdns.Heard at 5353, ...); from is the sender. Run fills in MAC, IP and time.
	UDP map[uint16]func(from netip.Addr, payload []byte) []observation.Observation
	// Limits hold back a flood; the zero value is a good choice.
	Limits Limits
}

// Run hears until ctx ends or the tap closes (nil then), and reports each thing a device says at most once per Limits.Again, with the MAC always
// and the IP where it is sure. found is called from one goroutine. Sensor and Segment are for the caller to fill in.
func Run(ctx context.Context, tap *gate.Tap, opt Options, found func(observation.Observation)) error {
	hold := newLimiter(opt.Limits)
	for {
		frame, at, err := tap.Receive(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("listening: %w", err)
		}
		for _, o := range Decode(frame, at, opt) {
			if hold.pass(&o, at) {
				found(o)
			}
		}
	}
}

// Decode reads one Ethernet frame, VLAN tags accepted. What is malformed or of no interest gives nothing.
func Decode(frame []byte, at time.Time, opt Options) (out []observation.Observation) {
	defer func() { // decoders guard their libraries; a gap there must not end the listening
		if recover() != nil {
			out = nil
		}
	}()
	for _, d := range opt.Frame {
		out = append(out, d(frame, at)...)
	}
	d := open(frame)
	if d == nil {
		return out
	}
	var more []observation.Observation
	switch {
	case d.has(layers.LayerTypeUDP):
		more = d.datagram(opt)
	case d.protocol == protocolLLDP:
		more = lldp(d.payload)
	case d.protocol == protocolCDP:
		more = cdp(d.payload)
	}
	for _, o := range more {
		if o.MAC.IsZero() {
			o.MAC = d.mac
		}
		o.At = at
		o.Clean()
		if !o.MAC.IsZero() && (o.Value != "" || len(o.Detail) > 0) {
			out = append(out, o)
		}
	}
	return out
}

type protocol int

const (
	protocolIP protocol = iota
	protocolLLDP
	protocolCDP
)

// dissected holds the layers of one frame.
type dissected struct {
	eth      layers.Ethernet
	tag      layers.Dot1Q
	ip4      layers.IPv4
	ip6      layers.IPv6
	udp      layers.UDP
	decoded  []gopacket.LayerType
	protocol protocol
	payload  []byte // of LLDP and CDP
	mac      netid.MAC
	from     netip.Addr
}

func (d *dissected) has(t gopacket.LayerType) bool {
	return len(d.decoded) > 0 && d.decoded[len(d.decoded)-1] == t
}

// open takes a frame apart as far as UDP, LLDP or CDP; nil when it is neither, or its sender is no single device.
func open(frame []byte) *dissected {
	d := &dissected{}
	// the parser turns a panic of a layer into an error
	p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &d.eth, &d.tag, &d.ip4, &d.ip6, &d.udp)
	p.IgnoreUnsupported = true
	if p.DecodeLayers(frame, &d.decoded) != nil || len(d.decoded) == 0 {
		return nil
	}
	d.mac = netid.FromHardware(d.eth.SrcMAC)
	if d.mac.IsZero() || d.mac.Multicast() {
		return nil
	}
	kind, payload := d.eth.EthernetType, d.eth.Payload
	if d.has(layers.LayerTypeDot1Q) {
		kind, payload = d.tag.Type, d.tag.Payload
	}
	switch {
	case d.has(layers.LayerTypeUDP):
		ip := d.ip4.SrcIP
		if ip == nil {
			ip = d.ip6.SrcIP
		}
		d.from, _ = netip.AddrFromSlice(ip)
		d.from = d.from.Unmap()
		if d.ip4.SrcIP != nil && (d.ip4.FragOffset != 0 || d.ip4.Flags&layers.IPv4MoreFragments != 0) {
			return nil
		}
		return d
	case kind == layers.EthernetTypeLinkLayerDiscovery:
		d.protocol, d.payload = protocolLLDP, payload
		return d
	case isCDP(payload) && d.eth.DstMAC.String() == "01:00:0c:cc:cc:cc":
		d.protocol, d.payload = protocolCDP, payload[8:]
		return d
	}
	return nil
}

// isCDP checks the LLC and SNAP headers of CDP: organisation 00:00:0c, protocol 0x2000.
func isCDP(b []byte) bool {
	return len(b) > 8 && string(b[:8]) == "\xaa\xaa\x03\x00\x00\x0c\x20\x00"
}

// sure reports an address that the sender of a frame surely has: its own one, said on its own link.
func sure(a netip.Addr) bool {
	return a.IsValid() && (a.IsGlobalUnicast() || a.IsLinkLocalUnicast()) && netid.Private(a)
}

// datagram hands a UDP payload to its decoder. Only what was said on the link counts: a datagram that came through a router bears the
// router's MAC. Discovery protocols go to a group, or answer with the full hop limit, so their reach is the test.
func (d *dissected) datagram(opt Options) []observation.Observation {
	src, dst := uint16(d.udp.SrcPort), uint16(d.udp.DstPort)
	switch {
	case src == 68 && dst == 67 || src == 67 && dst == 68:
		return dhcp4(d.udp.Payload, d.mac)
	case src == 546 && dst == 547:
		return dhcp6(d.udp.Payload, d.mac, d.from)
	}
	decode := opt.UDP[dst]
	if decode == nil || !d.toGroup() || !sure(d.from) {
		return nil
	}
	out := decode(d.from, d.udp.Payload)
	for i := range out {
		out[i].IP = d.from
	}
	return out
}

// toGroup reports a link-local destination: broadcast, 224.0.0.0/4 or ff00::/8 by its Ethernet address.
func (d *dissected) toGroup() bool {
	return len(d.eth.DstMAC) == 6 && d.eth.DstMAC[0]&1 != 0
}
