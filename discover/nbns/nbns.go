// Package nbns asks a Windows computer, or what behaves like one, for its NetBIOS names (RFC 1002), and reads the registrations that
// computers broadcast by themselves.
package nbns

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"crypto/rand"

	"golang.org/x/text/encoding/japanese"

	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// Port is the NetBIOS name service, UDP.
const Port = 137

const (
	patience = 700 * time.Millisecond // for one answer; the question is asked twice
	maxNames = 64
)

// Ask sends a node status request (RFC 1002, 4.2.17) to one host and reports what it answers: names, workgroup and, where the answer holds
// one, the MAC that it claims (detail "mac"). It ends within two seconds; a host that stays silent is no error. A *gate.Refusal is returned.
func Ask(ctx context.Context, h *gate.Host, found func(observation.Observation)) error {
	conn, err := h.UDP(ctx, Port, gate.NBNSQuery)
	if err != nil {
		return silence(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	id, err := newID()
	if err != nil {
		return err
	}
	buf := make([]byte, 2048)
	for range 2 {
		if _, err := conn.Write(question(id)); err != nil {
			return silence(err)
		}
		for until := time.Now().Add(patience); ; {
			if err := conn.SetReadDeadline(until); err != nil {
				return silence(err)
			}
			n, err := conn.Read(buf)
			if err != nil {
				if r := silence(err); r != nil {
					return r
				}
				break
			}
			if st, err := parseStatus(buf[:n], id); err == nil {
				for _, o := range st.observe(h.Addr(), h.MAC(), time.Now()) {
					o.Raw = bytes.Clone(buf[:n])
					found(o)
				}
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// silence keeps only the errors that say more than "nobody answered".
func silence(err error) error {
	if r, ok := errors.AsType[*gate.Refusal](err); ok {
		return r
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func newID() (uint16, error) {
	var b [2]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("making a transaction id: %w", err)
	}
	return binary.BigEndian.Uint16(b[:]), nil
}

// question is a node status request for the wildcard name "*".
func question(id uint16) []byte {
	q := make([]byte, 12, 50)
	binary.BigEndian.PutUint16(q, id)
	q[5] = 1
	q = append(q, 32, 'C', 'K')
	q = append(q, bytes.Repeat([]byte("A"), 30)...)
	return append(q, 0, 0, 0x21, 0, 1)
}

type name struct {
	text   string
	suffix byte
	group  bool
}

type status struct {
	names []name
	mac   netid.MAC
}

var errMalformed = errors.New("malformed NetBIOS answer")

// parseStatus reads a node status response (RFC 1002, 4.2.18) to the question with this id.
func parseStatus(b []byte, id uint16) (status, error) {
	var st status
	if len(b) < 12 || binary.BigEndian.Uint16(b) != id || b[2]&0xf8 != 0x80 || b[3]&0x0f != 0 {
		return st, errMalformed
	}
	if binary.BigEndian.Uint16(b[6:]) == 0 {
		return st, errMalformed
	}
	rest := b[12:]
	if binary.BigEndian.Uint16(b[4:]) > 0 { // some copy the question
		_, r, ok := encodedName(rest)
		if !ok || len(r) < 4 {
			return st, errMalformed
		}
		rest = r[4:]
	}
	_, rest, ok := encodedName(rest)
	if !ok || len(rest) < 11 || binary.BigEndian.Uint16(rest) != 0x21 {
		return st, errMalformed
	}
	count := int(rest[10])
	rest = rest[11:]
	for range min(count, maxNames) {
		if len(rest) < 18 {
			return st, errMalformed
		}
		st.names = append(st.names, name{text: decode(rest[:15]), suffix: rest[15], group: rest[16]&0x80 != 0})
		rest = rest[18:]
	}
	if count <= maxNames && len(rest) >= 6 {
		st.mac = netid.MAC(rest[:6])
	}
	return st, nil
}

// encodedName reads a first-level encoded name (RFC 1001, 14.1) or a pointer, and returns what follows it. The scope is dropped.
func encodedName(b []byte) (raw [16]byte, rest []byte, ok bool) {
	if len(b) >= 2 && b[0]&0xc0 == 0xc0 {
		return raw, b[2:], true
	}
	if len(b) < 34 || b[0] != 32 {
		return raw, nil, false
	}
	for i := range raw {
		hi, lo := b[1+2*i]-'A', b[2+2*i]-'A'
		if hi > 15 || lo > 15 {
			return raw, nil, false
		}
		raw[i] = hi<<4 | lo
	}
	rest = b[33:]
	for len(rest) > 0 && rest[0] != 0 {
		n := int(rest[0])
		if n > 63 || len(rest) < n+1 {
			return raw, nil, false
		}
		rest = rest[n+1:]
	}
	if len(rest) == 0 {
		return raw, nil, false
	}
	return raw, rest[1:], true
}

// decode turns the 15 bytes of a name into text; Japanese Windows writes CP932.
func decode(b []byte) string {
	b = bytes.TrimRight(b, " \x00")
	if s, err := japanese.ShiftJIS.NewDecoder().Bytes(b); err == nil && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' }) {
		return string(s)
	}
	return strings.ToValidUTF8(string(b), "")
}

func (st status) observe(ip netip.Addr, mac netid.MAC, at time.Time) []observation.Observation {
	var out []observation.Observation
	seen := map[string]bool{}
	for _, n := range st.names {
		o := n.observe()
		if o.Value == "" || seen[string(o.Signal)+o.Value] {
			continue
		}
		seen[string(o.Signal)+o.Value] = true
		o.IP, o.MAC, o.At = ip, mac, at
		// what a host says of its own MAC does not name it: it may be another adapter's, or a lie; samba tells zeroes
		if !st.mac.IsZero() && !st.mac.Multicast() && o.Signal == observation.NBNSName {
			o.Detail["mac"] = st.mac.String()
		}
		out = append(out, o)
	}
	return out
}

func (n name) observe() observation.Observation {
	o := observation.Observation{Port: Port, Value: n.text}
	switch {
	case strings.Contains(n.text, "__MSBROWSE__"):
		o.Value = ""
	case n.group && (n.suffix == 0x00 || n.suffix == 0x1c || n.suffix == 0x1e):
		o.Signal = observation.NBNSGroup
	case !n.group && (n.suffix == 0x00 || n.suffix == 0x20):
		o.Signal = observation.NBNSName
		o.Detail = map[string]string{"suffix": hex.EncodeToString([]byte{n.suffix})}
	default:
		o.Value = ""
	}
	o.Clean()
	return o
}

// Heard reads a datagram that a host sent to UDP 137: a name that it registers or refreshes (RFC 1002, 4.2.2 and 4.2.4) is its own. Queries
// name somebody else and give nothing. MAC, IP and time are for the caller to fill in.
func Heard(_ netip.Addr, b []byte) []observation.Observation {
	if len(b) < 12 || b[2]&0x80 != 0 {
		return nil
	}
	op := b[2] >> 3 & 0x0f
	if op != 5 && op != 8 && op != 9 || binary.BigEndian.Uint16(b[4:]) != 1 || binary.BigEndian.Uint16(b[10:]) == 0 {
		return nil
	}
	raw, rest, ok := encodedName(b[12:])
	if !ok || len(rest) < 4 {
		return nil
	}
	_, rest, ok = encodedName(rest[4:]) // the additional record: type, class, TTL, length, flags, address
	if !ok || len(rest) < 12 {
		return nil
	}
	o := name{text: decode(raw[:15]), suffix: raw[15], group: rest[10]&0x80 != 0}.observe()
	if o.Value == "" {
		return nil
	}
	return []observation.Observation{o}
}
