// Package arp finds the IPv4 devices of a link by asking who has each address (RFC 826), and reads the ARP of others, so that a device
// with an address of another network is found too.
package arp

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"kenshin/netid"
	"kenshin/observation"
)

// frameLen is the shortest Ethernet frame without its checksum; 42 bytes of question are padded up to it.
const frameLen = 60

// Heard reads one Ethernet frame, VLAN tags accepted, and returns what it says of its sender: at most one observation, none for
// anything that is not ARP, is malformed, or does not yet hold an address (the probes of RFC 5227).
func Heard(frame []byte, at time.Time) []observation.Observation {
	m, ok := parse(frame)
	if !ok {
		return nil
	}
	return []observation.Observation{m.observe("heard", at)}
}

// message is one ARP packet of which the sender is known.
type message struct {
	mac    netid.MAC
	ip     netip.Addr
	target netip.Addr
	reply  bool
}

func parse(frame []byte) (message, bool) {
	var (
		eth     layers.Ethernet
		tag     layers.Dot1Q
		arp     layers.ARP
		m       message
		decoded []gopacket.LayerType
	)
	// the parser turns a panic of a layer into an error
	p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &tag, &arp)
	p.IgnoreUnsupported = true
	if p.DecodeLayers(frame, &decoded) != nil || len(decoded) == 0 || decoded[len(decoded)-1] != layers.LayerTypeARP {
		return m, false
	}
	if arp.AddrType != layers.LinkTypeEthernet || arp.Protocol != layers.EthernetTypeIPv4 ||
		len(arp.SourceHwAddress) != 6 || len(arp.SourceProtAddress) != 4 || len(arp.DstProtAddress) != 4 {
		return m, false
	}
	m.mac = netid.MAC(arp.SourceHwAddress)
	m.ip = netip.AddrFrom4([4]byte(arp.SourceProtAddress))
	m.target = netip.AddrFrom4([4]byte(arp.DstProtAddress))
	m.reply = arp.Operation == layers.ARPReply
	if m.mac.IsZero() || m.mac.Multicast() || !m.ip.IsGlobalUnicast() && !m.ip.IsLinkLocalUnicast() {
		return m, false
	}
	return m, true
}

func (m message) observe(from string, at time.Time) observation.Observation {
	return observation.Observation{
		MAC: m.mac, IP: m.ip, Signal: observation.ARP, Value: m.ip.String(),
		Detail: map[string]string{"from": from}, At: at,
	}
}

// request writes "who has target, tell source" to everybody on the link.
func request(from netid.MAC, source, target netip.Addr) []byte {
	f := make([]byte, frameLen)
	copy(f, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	copy(f[6:], from[:])
	binary.BigEndian.PutUint16(f[12:], uint16(layers.EthernetTypeARP))
	copy(f[14:], []byte{0, 1, 8, 0, 6, 4, 0, 1}) // Ethernet, IPv4, their lengths, request
	copy(f[22:], from[:])
	s, t := source.As4(), target.As4()
	copy(f[28:], s[:])
	copy(f[38:], t[:])
	return f
}

// sourceFor picks our address to ask from: the one in the target's network, else any IPv4 one, else 0.0.0.0, which is RFC 5227's probe.
func sourceFor(ours []netip.Prefix, target netip.Prefix) netip.Addr {
	best := netip.IPv4Unspecified()
	for _, p := range ours {
		if !p.Addr().Is4() {
			continue
		}
		if p.Overlaps(target) {
			return p.Addr()
		}
		if best.IsUnspecified() {
			best = p.Addr()
		}
	}
	return best
}
