package arp

import (
	"fmt"
	"net/netip"
	"time"

	"kenshin/gate"
	"kenshin/observation"
)

// Table is what is left of a sweep for a machine without the right to raw sockets: it reads whom the kernel has met on an interface by itself,
// and sends nothing. Nothing else would be safe: an ARP question alone cannot be sent without that right, and any other frame would reach
// a device before its maker is known. A device that left in the last minutes may still stand in the table; the observations say
// from: kernel. Sensor and Segment are for the caller to fill in.
func Table(iface string, p netip.Prefix, now time.Time, found func(observation.Observation)) error {
	table, err := gate.Neighbors()
	if err != nil {
		return fmt.Errorf("reading the kernel's ARP table: %w", err)
	}
	for _, n := range table {
		if n.Interface == iface && n.IP.Is4() && p.Contains(n.IP) {
			found(message{mac: n.MAC, ip: n.IP}.observe("kernel", now))
		}
	}
	return nil
}
