package listen

import (
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"kenshin/observation"
)

// packet decodes a payload whole; gopacket turns a panic of a layer into an error layer and keeps what came before.
func packet(b []byte, as gopacket.LayerType) gopacket.Packet {
	return gopacket.NewPacket(b, as, gopacket.NoCopy)
}

// lldp reads an LLDP frame (IEEE 802.1AB) with the inventory of LLDP-MED (ANSI/TIA-1057).
func lldp(b []byte) []observation.Observation {
	p := packet(b, layers.LayerTypeLinkLayerDiscovery)
	head, ok := p.Layer(layers.LayerTypeLinkLayerDiscovery).(*layers.LinkLayerDiscovery)
	if !ok || head.TTL == 0 { // a goodbye
		return nil
	}
	d := map[string]string{
		"chassis": identifier(head.ChassisID.ID, head.ChassisID.Subtype == layers.LLDPChassisIDSubTypeMACAddr,
			head.ChassisID.Subtype == layers.LLDPChassisIDSubTypeNetworkAddr),
		"port": identifier(head.PortID.ID, head.PortID.Subtype == layers.LLDPPortIDSubtypeMACAddr,
			head.PortID.Subtype == layers.LLDPPortIDSubtypeNetworkAddr),
	}
	o := observation.Observation{Signal: observation.LLDP, Detail: d}
	if info, ok := p.Layer(layers.LayerTypeLinkLayerDiscoveryInfo).(*layers.LinkLayerDiscoveryInfo); ok {
		o.Value = info.SysName
		d["port_desc"], d["descr"] = info.PortDescription, info.SysDescription
		d["caps"] = capabilities(info.SysCapabilities.EnabledCap)
		if a, ok := netip.AddrFromSlice(info.MgmtAddress.Address); ok {
			d["mgmt"] = a.Unmap().String()
		}
		inventory(info, d)
	}
	prune(d)
	return []observation.Observation{o}
}

// inventory fills in what LLDP-MED tells, as far as it can be read.
func inventory(info *layers.LinkLayerDiscoveryInfo, d map[string]string) {
	media, _ := info.DecodeMedia() // it keeps what stood before a malformed part
	d["med"] = map[layers.LLDPMediaClass]string{layers.LLDPMediaClassEndpointI: "endpoint", layers.LLDPMediaClassEndpointII: "media",
		layers.LLDPMediaClassEndpointIII: "phone", layers.LLDPMediaClassNetwork: "network"}[media.MediaCapabilities.Class]
	d["model"], d["maker"], d["serial"] = media.Model, media.Manufacturer, media.SerialNumber
}

func prune(d map[string]string) {
	for k, v := range d {
		if v == "" {
			delete(d, k)
		}
	}
}

// identifier renders a chassis or port id: a MAC, an address (family and bytes), or text.
func identifier(b []byte, mac, addr bool) string {
	if mac && len(b) == 6 || !utf8.Valid(b) {
		return net.HardwareAddr(b).String()
	}
	if addr && len(b) > 1 {
		if a, ok := netip.AddrFromSlice(b[1:]); ok {
			return a.String()
		}
	}
	return string(b)
}

func capabilities(c layers.LLDPCapabilities) string {
	var out []string
	for _, x := range []struct {
		on   bool
		name string
	}{{c.Other, "other"}, {c.Repeater, "repeater"}, {c.Bridge, "bridge"}, {c.WLANAP, "wlan"}, {c.Router, "router"},
		{c.Phone, "telephone"}, {c.DocSis, "docsis"}, {c.StationOnly, "station"}} {
		if x.on {
			out = append(out, x.name)
		}
	}
	return strings.Join(out, ",")
}

// cdp reads a Cisco Discovery Protocol message, after its LLC and SNAP headers.
func cdp(b []byte) []observation.Observation {
	p := packet(b, layers.LayerTypeCiscoDiscovery)
	info, ok := p.Layer(layers.LayerTypeCiscoDiscoveryInfo).(*layers.CiscoDiscoveryInfo)
	if !ok {
		return nil
	}
	d := map[string]string{"port": info.PortID, "platform": info.Platform, "version": info.Version}
	for _, list := range [][]net.IP{info.MgmtAddresses, info.Addresses} {
		for _, ip := range list {
			if a, ok := netip.AddrFromSlice(ip); ok && d["mgmt"] == "" {
				d["mgmt"] = a.Unmap().String()
			}
		}
	}
	c := info.Capabilities
	var caps []string
	for _, x := range []struct {
		on   bool
		name string
	}{{c.L3Router, "router"}, {c.TBBridge || c.SPBridge, "bridge"}, {c.L2Switch, "switch"}, {c.IsHost, "host"},
		{c.L1Repeater, "repeater"}, {c.IsPhone, "telephone"}} {
		if x.on {
			caps = append(caps, x.name)
		}
	}
	d["caps"] = strings.Join(caps, ",")
	prune(d)
	return []observation.Observation{{Signal: observation.CDP, Value: info.DeviceID, Detail: d}}
}
