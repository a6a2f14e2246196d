// Package ndp finds the IPv6 devices of a link: one echo to all nodes, a neighbour solicitation (RFC 4861) to the addresses that known MACs
// would give themselves, and whatever neighbour discovery and MLD (RFC 2710, 3810) say by themselves.
package ndp

import (
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"kenshin/netid"
	"kenshin/observation"
)

// maxGroups is how many multicast groups of one MLD report are kept.
const maxGroups = 32

// Heard reads one Ethernet frame, VLAN tags accepted, and returns what it says of its sender: an NDP observation where the frame ties the
// sender's MAC to an address for sure, and one MLD observation per group joined. It returns none for anything else. An address that is only
// being tried (duplicate address detection) is not sure.
func Heard(frame []byte, at time.Time) []observation.Observation {
	m, ok := parse(frame)
	if !ok {
		return nil
	}
	return m.observe("heard", at)
}

// message is one ICMPv6 packet of neighbour discovery or MLD, or an echo reply.
type message struct {
	mac    netid.MAC
	ip     netip.Addr // invalid where not sure
	router bool
	echo   bool // an echo reply
	reply  bool // solicited advertisement
	groups []netip.Addr
}

func (m message) observe(from string, at time.Time) []observation.Observation {
	var out []observation.Observation
	if m.ip.IsValid() {
		o := observation.Observation{MAC: m.mac, IP: m.ip, Signal: observation.NDP, Value: m.ip.String(),
			Detail: map[string]string{"from": from}, At: at}
		if m.router {
			o.Detail["router"] = "true"
		}
		out = append(out, o)
	}
	for _, g := range m.groups {
		out = append(out, observation.Observation{MAC: m.mac, IP: m.ip, Signal: observation.MLD, Value: g.String(), At: at})
	}
	return out
}

// packet holds the layers that parse needs; gopacket fills them.
type packet struct {
	eth  layers.Ethernet
	tag  layers.Dot1Q
	ip   layers.IPv6
	icmp layers.ICMPv6
	ns   layers.ICMPv6NeighborSolicitation
	na   layers.ICMPv6NeighborAdvertisement
	rs   layers.ICMPv6RouterSolicitation
	ra   layers.ICMPv6RouterAdvertisement
	mld1 layers.MLDv1MulticastListenerReportMessage
	mld2 layers.MLDv2MulticastListenerReportMessage
}

func parse(frame []byte) (message, bool) {
	var (
		p       packet
		decoded []gopacket.LayerType
	)
	// the parser turns a panic of a layer into an error
	d := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet,
		&p.eth, &p.tag, &p.ip, &p.icmp, &p.ns, &p.na, &p.rs, &p.ra, &p.mld1, &p.mld2)
	d.IgnoreUnsupported = true
	if d.DecodeLayers(frame, &decoded) != nil || len(decoded) == 0 {
		return message{}, false
	}
	m := message{mac: netid.FromHardware(p.eth.SrcMAC)}
	source, ok := netip.AddrFromSlice(p.ip.SrcIP)
	if !ok || m.mac.IsZero() || m.mac.Multicast() {
		return message{}, false
	}
	switch last := decoded[len(decoded)-1]; last {
	case layers.LayerTypeICMPv6NeighborSolicitation, layers.LayerTypeICMPv6RouterSolicitation:
		opts := p.ns.Options
		if last == layers.LayerTypeICMPv6RouterSolicitation {
			opts = p.rs.Options
		}
		m.ip, m.mac = source, linkAddress(opts, layers.ICMPv6OptSourceAddress, m.mac)
	case layers.LayerTypeICMPv6RouterAdvertisement:
		m.ip, m.mac, m.router = source, linkAddress(p.ra.Options, layers.ICMPv6OptSourceAddress, m.mac), true
	case layers.LayerTypeICMPv6NeighborAdvertisement:
		m.ip, _ = netip.AddrFromSlice(p.na.TargetAddress)
		m.mac = linkAddress(p.na.Options, layers.ICMPv6OptTargetAddress, m.mac)
		m.router, m.reply = p.na.Flags&0x80 != 0, p.na.Flags&0x40 != 0
	case layers.LayerTypeMLDv1MulticastListenerReport:
		m.ip, m.groups = source, groups(p.mld1.MulticastAddress)
	case layers.LayerTypeMLDv2MulticastListenerReport:
		m.ip = source
		for _, r := range p.mld2.MulticastAddressRecords {
			m.groups = append(m.groups, groups(r.MulticastAddress)...)
		}
		m.groups = m.groups[:min(len(m.groups), maxGroups)]
	case layers.LayerTypeICMPv6: // echo has no layer of ours
		m.ip, m.echo = source, p.icmp.TypeCode.Type() == layers.ICMPv6TypeEchoReply
		if !m.echo {
			return message{}, false
		}
	default:
		return message{}, false
	}
	// RFC 4861 7.1: a hop limit below 255 came through a router, so its MAC is not the sender's; echo and MLD have limits of their own
	if !m.echo && m.groups == nil && p.ip.HopLimit != 255 {
		return message{}, false
	}
	if (m.echo || m.groups != nil) && !m.ip.IsLinkLocalUnicast() || !m.ip.IsLinkLocalUnicast() && !m.ip.IsGlobalUnicast() {
		m.ip = netip.Addr{}
	}
	m.ip = m.ip.WithZone("")
	return m, m.ip.IsValid() || len(m.groups) > 0
}

// linkAddress returns the link-layer address of an option, or the frame's own where there is none.
func linkAddress(opts layers.ICMPv6Options, kind layers.ICMPv6Opt, frame netid.MAC) netid.MAC {
	for _, o := range opts {
		if o.Type == kind && len(o.Data) == 6 {
			if m := netid.MAC(o.Data); !m.IsZero() && !m.Multicast() {
				return m
			}
		}
	}
	return frame
}

// groups keeps a joined group, without the all-nodes and solicited-node ones that everybody joins.
func groups(ip net.IP) []netip.Addr {
	a, ok := netip.AddrFromSlice(ip)
	if !ok || !a.Is6() || !a.IsMulticast() || a == allNodes || solicitedPrefix.Contains(a) {
		return nil
	}
	return []netip.Addr{a}
}

var (
	allNodes        = netip.MustParseAddr("ff02::1")
	solicitedPrefix = netip.MustParsePrefix("ff02::1:ff00:0/104")
)

// LinkLocal is the address that a MAC gives itself by EUI-64 (RFC 4291, appendix A); many devices choose another one.
func LinkLocal(m netid.MAC) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]})
}
