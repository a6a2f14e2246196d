// Package observation keeps what was seen on the wire, as it was seen: which host said what, by which signal, when, to which sensor.
// It judges nothing.
package observation

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"kenshin/netid"
)

// Limits of one observation; longer values are cut by Clean and marked with "…".
const (
	MaxValue = 2048      // bytes of Value
	MaxRaw   = 16 * 1024 // bytes of Raw
	maxKeys  = 64        // entries of Detail, the first ones by name
	maxName  = 128       // bytes of a detail's key, a segment, a sensor, a signal
)

// Observation is one thing that one host showed. The same (subject, signal, port, value) seen again updates LastSeen and Count.
type Observation struct {
	ID      string            `json:"id,omitempty"`
	Segment string            `json:"segment,omitempty"` // gate's segment id, "" when heard outside any
	Sensor  string            `json:"sensor"`            // who saw it: "local" or a sensor's id, with "/" and the interface
	MAC     netid.MAC         `json:"mac,omitzero"`      // of the host, when the sensor is on its link or a router told it
	IP      netip.Addr        `json:"ip,omitzero"`       // of the host; at least one of MAC and IP is set
	Signal  Signal            `json:"signal"`
	Port    uint16            `json:"port,omitempty"`   // TCP or UDP port where the signal belongs to a service
	Value   string            `json:"value"`            // normalised: valid UTF-8, no control characters, at most MaxValue bytes
	Detail  map[string]string `json:"detail,omitempty"` // further fields of signals that have more than one, see Signal
	Raw     []byte            `json:"raw,omitempty"`    // the answer's bytes, kept seven days
	At      time.Time         `json:"at"`               // when it was seen last
	First   time.Time         `json:"first,omitzero"`   // set by the store
	Count   int               `json:"count,omitempty"`  // set by the store
}

// Subject is the key of whom an observation is about: the MAC where known ("mac:aa:bb:.."), else the address within its
// segment ("ip:SEGMENT:10.0.0.1").
func (o *Observation) Subject() string {
	if !o.MAC.IsZero() && !o.MAC.Multicast() && !o.MAC.Shared() {
		return "mac:" + o.MAC.String()
	}
	return "ip:" + o.Segment + ":" + o.IP.String()
}

// Clean cuts and normalises what came from outside so that it can be stored and shown: invalid UTF-8 and control characters become
// spaces, ends are trimmed, over-long fields are cut, an address loses its zone and its IPv4-in-IPv6 form.
func (o *Observation) Clean() {
	o.Value = cleanText(o.Value, MaxValue)
	o.Segment, o.Sensor = cleanText(o.Segment, maxName), cleanText(o.Sensor, maxName)
	o.Signal = Signal(cleanText(string(o.Signal), maxName))
	o.IP = o.IP.Unmap().WithZone("")
	if len(o.Detail) > 0 {
		clean := make(map[string]string, min(len(o.Detail), maxKeys))
		for _, k := range slices.Sorted(maps.Keys(o.Detail)) {
			if name := cleanText(k, maxName); name != "" && len(clean) < maxKeys {
				clean[name] = cleanText(o.Detail[k], MaxValue)
			}
		}
		o.Detail = clean
	}
	if len(o.Raw) > MaxRaw {
		o.Raw = o.Raw[:MaxRaw]
	}
}

// About reports whether the observation says whom it is about; one that does not is of no use to anybody.
func (o *Observation) About() bool {
	return o.IP.IsValid() || !o.MAC.IsZero() && !o.MAC.Multicast() && !o.MAC.Shared()
}
