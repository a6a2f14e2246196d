package snmp

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"kenshin/netid"
	"kenshin/observation"
)

// Rows that are read of one column at most.
const (
	maxPhysical = 2000
	maxChassis  = 16
	maxIf       = 2000
	maxRemote   = 1000
	maxDevices  = 128
)

// bridge reads dot1dBase of BRIDGE-MIB (RFC 4188).
func (r *reader) bridge(ctx context.Context) error {
	const address, ports = "1.3.6.1.2.1.17.1.1.0", "1.3.6.1.2.1.17.1.2.0"
	got, err := r.s.get(ctx, address, ports)
	if m, ok := macOf(octets(got[address])); ok {
		r.emit(observation.SNMPBridge, m.String(), map[string]string{"ports": text(got[ports])})
	}
	return err
}

// printer reads prtGeneral of Printer-MIB (RFC 3805).
func (r *reader) printer(ctx context.Context) error {
	const name, serial = "1.3.6.1.2.1.43.5.1.1.16.1", "1.3.6.1.2.1.43.5.1.1.17.1"
	got, err := r.s.get(ctx, name, serial)
	if n, s := text(got[name]), text(got[serial]); n != "" || s != "" {
		r.emit(observation.SNMPPrinter, n, map[string]string{"serial": s})
	}
	return err
}

// entity reads entPhysicalTable of ENTITY-MIB (RFC 6933): stacks and chassis, or the first row where there are none.
func (r *reader) entity(ctx context.Context) error {
	const table = "1.3.6.1.2.1.47.1.1.1.1."
	const stack, chassis = 11, 3
	classes, err := r.s.walk(ctx, table+"5", maxPhysical)
	var pick []row
	for _, c := range classes {
		if n := number(c.pdu); (n == chassis || n == stack) && len(pick) < maxChassis {
			pick = append(pick, c)
		}
	}
	if len(pick) == 0 && len(classes) > 0 {
		pick = classes[:1]
	}
	for _, c := range pick {
		at := func(column string) string { return table + column + "." + index(c.index) }
		oids := make([]string, 0, 8)
		for _, col := range []string{"2", "8", "9", "10", "11", "12", "13"} {
			oids = append(oids, at(col))
		}
		got, gerr := r.s.get(ctx, oids...)
		class := decimal(number(c.pdu))
		switch class {
		case "3":
			class = "chassis"
		case "11":
			class = "stack"
		}
		detail := map[string]string{"descr": text(got[at("2")]), "hardware": text(got[at("8")]), "firmware": text(got[at("9")]),
			"software": text(got[at("10")]), "serial": text(got[at("11")]), "maker": text(got[at("12")])}
		if model := text(got[at("13")]); model != "" || detail["serial"] != "" || detail["descr"] != "" {
			detail["class"] = class
			r.emit(observation.SNMPEntity, model, detail)
		}
		if gerr != nil {
			return errors.Join(err, gerr)
		}
	}
	return err
}

// columns walks several columns of a table into rows by index; it stops at the first that fails, with what it has.
func (r *reader) columns(ctx context.Context, table string, limit int, cols ...string) (order []string, cells map[string]map[string]row, err error) {
	cells = map[string]map[string]row{}
	for _, c := range cols {
		rows, werr := r.s.walk(ctx, table+c, limit)
		for _, x := range rows {
			key := index(x.index)
			if cells[key] == nil {
				if len(cells) >= limit {
					continue
				}
				cells[key] = map[string]row{}
				order = append(order, key)
			}
			cells[key][c] = x
		}
		if werr != nil {
			return order, cells, werr
		}
	}
	return order, cells, nil
}

// interfaces reads ifTable and ifName of IF-MIB (RFC 2863).
func (r *reader) interfaces(ctx context.Context) error {
	order, cells, err := r.columns(ctx, "1.3.6.1.2.1.2.2.1.", maxIf, "2", "3", "6", "8")
	names := map[string]string{}
	if err == nil {
		var rows []row
		rows, err = r.s.walk(ctx, "1.3.6.1.2.1.31.1.1.1.1", maxIf)
		for _, x := range rows {
			names[index(x.index)] = text(x.pdu)
		}
	}
	macs := map[string]netid.MAC{}
	oper := map[string]string{"1": "up", "2": "down", "3": "testing", "4": "unknown", "5": "dormant", "6": "not-present", "7": "lower-layer-down"}
	for _, key := range order {
		c := cells[key]
		detail := map[string]string{"index": key, "type": text(c["3"].pdu), "descr": text(c["2"].pdu), "oper": oper[text(c["8"].pdu)]}
		if m, ok := macOf(octets(c["6"].pdu)); ok {
			detail["mac"], macs[key] = m.String(), m
		}
		name := names[key]
		if name == "" {
			name = detail["descr"]
		}
		r.emit(observation.SNMPIf, name, detail)
	}
	if err != nil {
		return err
	}
	return r.ownAddresses(ctx, macs)
}

// ownAddresses reads ipAddrTable of IP-MIB (RFC 4293, deprecated there and still what agents answer): which of the device's own cards has
// which address. A router is found under each of its addresses, and is one device.
func (r *reader) ownAddresses(ctx context.Context, macs map[string]netid.MAC) error {
	rows, err := r.s.walk(ctx, "1.3.6.1.2.1.4.20.1.2", maxIf)
	for _, x := range rows {
		ip, ok := addrFromArcs(x.index)
		if m := macs[text(x.pdu)]; ok && ip.Is4() && !m.IsZero() {
			r.about(observation.Observation{MAC: m, IP: ip, Signal: observation.OwnAddress, Value: ip.String(),
				Detail: map[string]string{"host": r.host.Addr().String(), "ifindex": text(x.pdu)}})
		}
	}
	return err
}

// hostResources reads hrDeviceTable of HOST-RESOURCES-MIB (RFC 2790), each different line once: a server lists every core.
func (r *reader) hostResources(ctx context.Context) error {
	order, cells, err := r.columns(ctx, "1.3.6.1.2.1.25.3.2.1.", maxDevices, "3", "2")
	seen := map[string]bool{}
	for _, key := range order {
		value, kind := text(cells[key]["3"].pdu), text(cells[key]["2"].pdu)
		if i := strings.LastIndexByte(kind, '.'); i >= 0 {
			kind = kind[i+1:]
		}
		if value == "" || seen[value+"\x00"+kind] {
			continue
		}
		seen[value+"\x00"+kind] = true
		r.emit(observation.SNMPHost, value, map[string]string{"type": kind})
	}
	return err
}

// neighbors reads the ARP and neighbour caches: ipNetToMediaTable and ipNetToPhysicalTable of IP-MIB (RFC 4293).
func (r *reader) neighbors(ctx context.Context) error {
	type tie struct {
		mac netid.MAC
		ip  netip.Addr
	}
	seen := map[tie]bool{}
	emit := func(b []byte, ip netip.Addr, ifindex uint32) {
		m, ok := macOf(b)
		if !ok || seen[tie{m, ip}] || len(seen) >= r.opt.Neighbors {
			return
		}
		seen[tie{m, ip}] = true
		r.about(observation.Observation{MAC: m, IP: ip, Signal: observation.Neighbor, Value: ip.String(),
			Detail: map[string]string{"router": r.host.Addr().String(), "ifindex": strconv.FormatUint(uint64(ifindex), 10)}})
	}
	media, err := r.s.walk(ctx, "1.3.6.1.2.1.4.22.1.2", r.opt.Neighbors)
	for _, x := range media {
		if len(x.index) == 5 {
			if ip, ok := addrFromArcs(x.index[1:]); ok {
				emit(octets(x.pdu), ip, x.index[0])
			}
		}
	}
	if err != nil {
		return err
	}
	physical, err := r.s.walk(ctx, "1.3.6.1.2.1.4.35.1.4", r.opt.Neighbors)
	for _, x := range physical { // ifIndex, address type, length, address; a zone follows ipv6z
		if len(x.index) < 3 || uint64(len(x.index)-3) != uint64(x.index[2]) {
			continue
		}
		n := map[uint32]int{1: 4, 2: 16, 3: 4, 4: 16}[x.index[1]]
		if n == 0 || len(x.index) < 3+n {
			continue
		}
		if ip, ok := addrFromArcs(x.index[3 : 3+n]); ok {
			emit(octets(x.pdu), ip, x.index[0])
		}
	}
	if len(media) >= r.opt.Neighbors || len(physical) >= r.opt.Neighbors {
		err = errors.Join(err, errSpent)
	}
	return err
}

func addrFromArcs(a []uint32) (netip.Addr, bool) {
	b := make([]byte, len(a))
	for i, x := range a {
		if x > 255 {
			return netip.Addr{}, false
		}
		b[i] = byte(x)
	}
	return hostAddr(b)
}
