package ledger

import (
	"net/netip"
	"time"

	"kenshin/netid"
)

// Sighting says that somebody was on the network with an address.
type Sighting struct {
	Segment string
	MAC     netid.MAC  // zero when unknown
	IP      netip.Addr // invalid when unknown; one of the two is needed
	Signal  string     // which signal showed it
	First   time.Time  // of the same MAC and IP; zero means At
	At      time.Time
}

// Times by which Resolve judges.
const (
	sameHost  = 24 * time.Hour       // an address seen this lately is still the same host's
	adoptTime = 7 * 24 * time.Hour   // an address-only device seen this lately is who its MAC turns out to be
	holdTime  = 7 * 24 * time.Hour   // a MAC keeps speaking for its address this long
	hintTime  = 90 * 24 * time.Hour  // older traces are not even worth a question
	backAfter = 7 * 24 * time.Hour   // silence after which a return is told
	movedTime = time.Hour            // a MAC seen this much later than its address, but not with it, has left the address
	freshTime = 24 * time.Hour       // addresses this much older than the interface's newest sighting are history
	manyAddrs = 8                    // a MAC with more IPv4 addresses answers for others (proxy ARP, routers): it owns none of them alone
	mostAddrs = 512                  // addresses remembered of one MAC
	oldIPv6   = 180 * 24 * time.Hour // privacy addresses are forgotten after this
)

// Holder is a device that used an address.
type Holder struct {
	Device netid.DeviceID
	MAC    netid.MAC // zero: the device is known by this address only
	Last   time.Time
	Moved  bool // its MAC was seen with other addresses since
}

// Known is what the ledger knows when a sighting arrives.
type Known struct {
	Owner     netid.DeviceID // of the MAC; "" when the MAC is new
	Holders   []Holder       // of the address in this segment, the newest first
	Addresses int            // IPv4 addresses that the MAC answered for lately, this one included
}

// Verdict says whose sighting it is.
type Verdict struct {
	Device  netid.DeviceID // "" means: a new device
	Adopt   bool           // Device was known by the address only and now gets this MAC
	Fold    netid.DeviceID // an address-only device that turned out to be Device
	Suggest netid.DeviceID // an address-only device that may have been Device, too long ago to be sure
}

// Resolve decides which device a sighting is. It needs no I/O. A MAC decides where there is one: an address that moves to another MAC
// never carries its device along. An address decides only for hosts behind a router whose MAC nobody told, and such a host becomes the
// MAC's device when its MAC is learned.
func Resolve(s Sighting, k Known) Verdict {
	if !owned(s.MAC) {
		return byAddress(s, k)
	}
	v := Verdict{Device: k.Owner}
	for _, h := range k.Holders {
		if h.Device == k.Owner || k.Addresses > manyAddrs {
			continue
		}
		gap := s.At.Sub(h.Last).Abs()
		if owned(h.MAC) {
			if gap < sameHost {
				return v // somebody else has the address: it moved, or two use it
			}
			continue
		}
		switch {
		case k.Owner == "" && gap <= adoptTime:
			return Verdict{Device: h.Device, Adopt: true}
		case k.Owner != "" && gap <= sameHost:
			v.Fold = h.Device
		case gap <= hintTime:
			v.Suggest = h.Device
		}
		return v
	}
	return v
}

// byAddress continues the newest holder. A holder with a MAC speaks for its address only a while: a host that is silent on its link for
// longer has most likely lost the address.
func byAddress(s Sighting, k Known) Verdict {
	for _, h := range k.Holders {
		if !owned(h.MAC) || !h.Moved && s.At.Sub(h.Last).Abs() <= holdTime {
			return Verdict{Device: h.Device}
		}
	}
	return Verdict{}
}

// tidy drops what says nothing about a host: group, loopback and unspecified addresses.
func (s *Sighting) tidy() {
	if !owned(s.MAC) {
		s.MAC = netid.MAC{}
	}
	s.IP = s.IP.Unmap().WithZone("")
	if !s.IP.IsValid() || s.IP.IsUnspecified() || s.IP.IsMulticast() || s.IP.IsLoopback() || s.IP == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		s.IP = netip.Addr{}
	}
	if s.First.IsZero() || s.First.After(s.At) {
		s.First = s.At
	}
}
