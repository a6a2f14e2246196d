package listen

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"

	"kenshin/netid"
	"kenshin/observation"
)

const (
	maxDHCP    = 1500
	maxOptions = 64 // of an option list
)

// dhcp4 reads a DHCPv4 message (RFC 2131): what a client asks for tells its system and name, an OFFER or ACK shows a server.
func dhcp4(b []byte, sender netid.MAC) []observation.Observation {
	if len(b) > maxDHCP {
		return nil
	}
	m, err := dhcpv4.FromBytes(b)
	if err != nil {
		return nil
	}
	if m.OpCode == dhcpv4.OpcodeBootReply {
		return server4(m)
	}
	client := netid.FromHardware(m.ClientHWAddr)
	if client.IsZero() || client.Multicast() || !m.GatewayIPAddr.IsUnspecified() { // relayed: the link's own copy is heard where the client is
		return nil
	}
	var ip netip.Addr
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform, dhcpv4.MessageTypeDecline:
		// a client that fills in its own address has it (renewal, INFORM); option 50 is only a wish
		if a, ok := netip.AddrFromSlice(m.ClientIPAddr.To4()); ok && sure(a) && m.MessageType() != dhcpv4.MessageTypeDecline {
			ip = a
		}
	default:
		return nil
	}
	base := observation.Observation{MAC: client, IP: ip, Port: 68}
	out := with(nil, base, observation.DHCPOptions, optionList(m.Options.Get(dhcpv4.OptionParameterRequestList)))
	out = with(out, base, observation.DHCPVendor, m.ClassIdentifier())
	out = with(out, base, observation.DHCPHostname, clean0(m.HostName()))
	return with(out, base, observation.DHCPHostname, fqdn(m.Options.Get(dhcpv4.OptionFQDN)))
}

func with(out []observation.Observation, o observation.Observation, sig observation.Signal, value string) []observation.Observation {
	if value == "" || slices.ContainsFunc(out, func(x observation.Observation) bool { return x.Signal == sig && x.Value == value }) {
		return out
	}
	o.Signal, o.Value = sig, value
	return append(out, o)
}

// server4 reports the server of an OFFER or ACK. A relayed answer bears the relay's MAC, so the server is told from its identifier and
// the MAC is left to ARP unless the frame came from the server itself.
func server4(m *dhcpv4.DHCPv4) []observation.Observation {
	if t := m.MessageType(); t != dhcpv4.MessageTypeOffer && t != dhcpv4.MessageTypeAck {
		return nil
	}
	a, ok := netip.AddrFromSlice(m.ServerIdentifier().To4())
	if !ok || !sure(a) {
		return nil
	}
	o := observation.Observation{Signal: observation.DHCPServer, Value: a.String(), Port: 67}
	if m.GatewayIPAddr.IsUnspecified() {
		o.IP = a
	}
	return []observation.Observation{o}
}

func optionList(b []byte) string {
	var parts []string
	for _, x := range b[:min(len(b), maxOptions)] {
		parts = append(parts, strconv.Itoa(int(x)))
	}
	return strings.Join(parts, ",")
}

func clean0(s string) string { return strings.TrimRight(s, "\x00") }

// fqdn reads option 81 (RFC 4702): flags, two result codes, then a name as text, or as DNS labels where the E bit is set.
func fqdn(b []byte) string {
	if len(b) < 4 {
		return ""
	}
	name := b[3:]
	if b[0]&4 == 0 {
		return clean0(string(name))
	}
	var labels []string
	for len(name) > 0 && name[0] != 0 && name[0] < 64 && len(name) > int(name[0]) {
		labels = append(labels, string(name[1:1+name[0]]))
		name = name[1+name[0]:]
	}
	return strings.Join(labels, ".")
}

// dhcp6 reads a DHCPv6 client message (RFC 8415): option request, vendor class and name.
func dhcp6(b []byte, sender netid.MAC, from netip.Addr) []observation.Observation {
	if len(b) > maxDHCP || !from.IsLinkLocalUnicast() {
		return nil
	}
	m, err := dhcpv6.MessageFromBytes(b)
	if err != nil {
		return nil
	}
	switch m.MessageType {
	case dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeInformationRequest, dhcpv6.MessageTypeRenew:
	default:
		return nil
	}
	base := observation.Observation{MAC: sender, IP: from.WithZone(""), Port: 546}
	var codes []string
	for _, c := range m.Options.RequestedOptions() {
		if len(codes) < maxOptions {
			codes = append(codes, strconv.Itoa(int(c)))
		}
	}
	list := strings.Join(codes, ",")
	if list != "" {
		list = "v6:" + list // another number space than option 55
	}
	out := with(nil, base, observation.DHCPOptions, list)
	for _, o := range m.Options.Get(dhcpv6.OptionVendorClass) {
		if v, ok := o.(*dhcpv6.OptVendorClass); ok && len(v.Data) > 0 {
			out = with(out, base, observation.DHCPVendor, string(bytes.TrimRight(v.Data[0], "\x00")))
		}
	}
	if f := m.Options.FQDN(); f != nil && f.DomainName != nil && len(f.DomainName.Labels) > 0 {
		out = with(out, base, observation.DHCPHostname, f.DomainName.Labels[0])
	}
	return out
}
