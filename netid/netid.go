// Package netid has the names that networks give to things: MAC addresses, address ranges, makers' prefixes.
package netid

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/text/unicode/norm"

	"kenshin/fault"
)

// DeviceID identifies one device of a facility's ledger (UUIDv7 text).
type DeviceID string

// MAC is an EUI-48 address; the zero value means "unknown".
type MAC [6]byte

// ParseMAC reads the forms that people and switches write: aa:bb:.., aa-bb-.., aabb.ccdd.eeff, aabbccddeeff,
// also in full-width characters.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	plain := strings.Map(func(r rune) rune {
		switch r {
		case ':', '-', '.', ' ':
			return -1
		}
		return r
	}, norm.NFKC.String(strings.TrimSpace(s)))
	b, err := hex.DecodeString(plain)
	if err != nil || len(b) != len(m) {
		return m, fault.Newf(fault.Invalid, "「%.40s」はMACアドレスではありません(例 00:1a:2b:3c:4d:5e)。",
			"%.40q is not a MAC address (like 00:1a:2b:3c:4d:5e).", s)
	}
	copy(m[:], b)
	return m, nil
}

// FromHardware converts net's type; anything but six bytes gives the zero MAC.
func FromHardware(h net.HardwareAddr) MAC {
	var m MAC
	if len(h) == len(m) {
		copy(m[:], h)
	}
	return m
}

// String writes lower case with colons, "" for the zero MAC.
func (m MAC) String() string {
	if m.IsZero() {
		return ""
	}
	return net.HardwareAddr(m[:]).String()
}

// Hardware returns net's type.
func (m MAC) Hardware() net.HardwareAddr { return net.HardwareAddr(m[:]) }

// IsZero reports whether the address is unknown.
func (m MAC) IsZero() bool { return m == MAC{} }

// Multicast reports the group bit (IEEE 802): such a MAC never belongs to one device.
func (m MAC) Multicast() bool { return m[0]&1 != 0 }

// Local reports the locally administered bit: set by randomising phones, but also by VMs, containers and bonds.
func (m MAC) Local() bool { return m[0]&2 != 0 }

// Shared reports addresses that move between routers: VRRP (RFC 9568) 00:00:5e:00:01/02:xx, HSRP 00:00:0c:07:ac:xx and
// 00:00:0c:9f:fx:xx, GLBP 00:07:b4. They must never tie two devices together.
func (m MAC) Shared() bool {
	switch {
	case m[0] == 0 && m[1] == 0 && m[2] == 0x5e && m[3] == 0 && (m[4] == 1 || m[4] == 2):
		return true
	case m[0] == 0 && m[1] == 0 && m[2] == 0x0c && (m[3] == 0x07 && m[4] == 0xac || m[3] == 0x9f && m[4]>>4 == 0xf):
		return true
	}
	return m[0] == 0 && m[1] == 0x07 && m[2] == 0xb4
}

// MarshalText and UnmarshalText let a MAC stand in JSON and YAML.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

func (m *MAC) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = MAC{}
		return nil
	}
	v, err := ParseMAC(string(b))
	if err == nil {
		*m = v
	}
	return err
}

// MaxRange is the largest range that a sweep takes: a /16, in IPv4 addresses.
const MaxRange = 1 << 16

// ParseRange reads an IPv4 range for a sweep. It refuses what is not private (RFC 1918, RFC 6598, RFC 3927), what is larger than a /16,
// loopback, multicast, and IPv6 (which is swept by neighbour discovery, not by counting).
func ParseRange(s string) (netip.Prefix, error) {
	s = norm.NFKC.String(strings.TrimSpace(s))
	text := s
	if !strings.Contains(s, "/") {
		text += "/32"
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fault.Newf(fault.Invalid, "「%.40s」は区画の範囲として読めません。192.168.1.0/24 のように書いてください。",
			"%.40q is not an address range; write it like 192.168.1.0/24.", s)
	}
	p = p.Masked()
	switch {
	case !p.Addr().Is4():
		return p, fault.Newf(fault.Invalid, "%s: 範囲で確認できるのはIPv4だけです。IPv6の機器は近隣探索で自動に見つかります。",
			"%s: only IPv4 ranges are swept; IPv6 devices are found by neighbour discovery.", p)
	case p.Bits() < 16:
		return p, fault.Newf(fault.TooLarge, "%s は広すぎます(/16 まで)。区画ごとに分けてください。",
			"%s is larger than a /16: split it into segments.", p)
	case !Private(p.Addr()):
		return p, fault.Newf(fault.Denied, "%s は院内のアドレスではありません(プライベートアドレスだけ確認できます)。",
			"%s is not a private address range; only addresses inside the house are swept.", p)
	}
	return p, nil
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// Private reports addresses that may stand inside a hospital: RFC 1918, RFC 4193, link-local and RFC 6598.
func Private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLinkLocalUnicast() || a.Is4() && sharedSpace.Contains(a)
}
