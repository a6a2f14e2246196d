package snmp

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenshin/netid"
	"kenshin/observation"
)

// LLDP-MIB (IEEE 802.1AB-2005, 12).
const (
	lldpLocalPorts = "1.0.8802.1.1.2.1.3.7.1."
	lldpRemote     = "1.0.8802.1.1.2.1.4.1.1."
	lldpManagement = "1.0.8802.1.1.2.1.4.2.1.3"
)

// Subtypes of chassis and port identifiers that hold a MAC or an address.
const (
	chassisMAC, chassisAddr = 4, 5
	portMAC, portAddr       = 3, 4
)

// lldp reads the remote table. Each row tells of a port of this switch, and, where the neighbour names itself by a MAC, of the neighbour.
func (r *reader) lldp(ctx context.Context) error {
	order, cells, err := r.columns(ctx, lldpRemote, maxRemote, "4", "5", "6", "7", "8", "9", "10", "12")
	if len(order) == 0 {
		return err
	}
	var ids, descr map[string]row
	mgmt := map[string]string{}
	if err == nil {
		ids, descr, err = r.localPorts(ctx)
	}
	if err == nil {
		err = r.management(ctx, mgmt)
	}
	for _, key := range order {
		c := cells[key]
		x := c["5"].index // timeMark.localPort.remIndex
		if len(x) != 3 {
			continue
		}
		port := strconv.FormatUint(uint64(x[1]), 10)
		chassisType, portType := number(c["4"].pdu), number(c["6"].pdu)
		detail := map[string]string{
			"local_port":      identifier(octets(ids[port].pdu), number(descr["type."+port].pdu), portMAC, portAddr),
			"local_port_desc": text(descr[port].pdu),
			"chassis":         identifier(octets(c["5"].pdu), chassisType, chassisMAC, chassisAddr), "chassis_type": decimal(chassisType),
			"port": identifier(octets(c["7"].pdu), portType, portMAC, portAddr), "port_type": decimal(portType),
			"port_desc": text(c["8"].pdu), "descr": text(c["10"].pdu), "caps": capabilities(octets(c["12"].pdu)), "mgmt": mgmt[key],
		}
		if detail["local_port"] == "" {
			detail["local_port"] = port
		}
		name := text(c["9"].pdu)
		r.neighbour(c, name, chassisType, portType, detail)
		r.emit(observation.SNMPLLDP, name, detail)
	}
	return err
}

// neighbour reports the same row as something that the neighbour said.
func (r *reader) neighbour(c map[string]row, name string, chassisType, portType int64, d map[string]string) {
	var m netid.MAC
	ok := false
	if chassisType == chassisMAC {
		m, ok = macOf(octets(c["5"].pdu))
	}
	if !ok && portType == portMAC {
		m, ok = macOf(octets(c["7"].pdu))
	}
	if !ok {
		return
	}
	r.about(observation.Observation{MAC: m, Signal: observation.LLDP, Value: name, Detail: map[string]string{"chassis": d["chassis"],
		"port": d["port"], "port_desc": d["port_desc"], "descr": d["descr"], "caps": d["caps"], "mgmt": d["mgmt"],
		"told_by": r.host.Addr().String()}})
}

// localPorts returns lldpLocPortId and lldpLocPortDesc by port number; the identifiers' subtypes stand under "type.N".
func (r *reader) localPorts(ctx context.Context) (ids, descr map[string]row, err error) {
	ids, descr = map[string]row{}, map[string]row{}
	order, cells, err := r.columns(ctx, lldpLocalPorts, maxIf, "2", "3", "4")
	for _, key := range order {
		ids[key], descr[key], descr["type."+key] = cells[key]["3"], cells[key]["4"], cells[key]["2"]
	}
	return ids, descr, err
}

// management reads lldpRemManAddrTable: the address stands in the index (timeMark.localPort.remIndex.family.length.address).
func (r *reader) management(ctx context.Context, mgmt map[string]string) error {
	rows, err := r.s.walk(ctx, lldpManagement, maxRemote)
	for _, x := range rows {
		if len(x.index) < 6 || uint64(len(x.index)-5) != uint64(x.index[4]) {
			continue
		}
		key := index(x.index[:3])
		if a, ok := addrFromArcs(x.index[5:]); ok && (mgmt[key] == "" || a.Is4()) {
			mgmt[key] = a.String()
		}
	}
	return err
}

// identifier renders a chassis or port id: a MAC, an address (family and bytes), or text.
func identifier(b []byte, kind int64, macKind, addrKind int64) string {
	switch {
	case kind == macKind && len(b) == 6:
		return net.HardwareAddr(b).String()
	case kind == addrKind && len(b) > 1:
		if a, ok := netip.AddrFromSlice(b[1:]); ok {
			return a.String()
		}
	}
	if utf8.Valid(b) {
		return strings.TrimRight(string(b), "\x00")
	}
	return net.HardwareAddr(b).String()
}

// capabilities names the bits of LldpSystemCapabilitiesMap, the first bit is the highest.
func capabilities(b []byte) string {
	names := []string{"other", "repeater", "bridge", "wlan", "router", "telephone", "docsis", "station"}
	var out []string
	for i, n := range names {
		if len(b) > 0 && b[0]&(0x80>>i) != 0 {
			out = append(out, n)
		}
	}
	return strings.Join(out, ",")
}
