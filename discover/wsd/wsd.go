// Package wsd asks Windows computers, copiers and cameras who they are over WS-Discovery (OASIS 1.1 and the 2005 draft that Windows
// speaks): one probe, to one host or to the link where the gate allows; and reads the greetings that they send by themselves.
package wsd

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"kenshin/gate"
	"kenshin/observation"
)

// Port is WS-Discovery, UDP.
const Port = 3702

const (
	patience  = 900 * time.Millisecond // an answer may wait half a second by itself (SOAP over UDP, APP_MAX_DELAY)
	maxBytes  = 16 << 10
	maxTokens = 4000
	maxDepth  = 24
	maxText   = observation.MaxValue
	maxHosts  = 4096
)

// Group is where questions to the whole link go.
var Group = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), Port)

// envelope asks for anything that is a device. Some responders compare the text "wsdp:Device" instead of its namespace, so the prefix
// must stay.
const envelope = `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
	` xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof">` +
	`<soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>` +
	`<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</wsa:Action><wsa:MessageID>urn:uuid:%s</wsa:MessageID></soap:Header>` +
	`<soap:Body><wsd:Probe><wsd:Types>%s</wsd:Types></wsd:Probe></soap:Body></soap:Envelope>`

func probe() ([]byte, error) {
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a message id: %w", err)
	}
	return fmt.Appendf(nil, envelope, id, "wsdp:Device"), nil
}

// match is one thing that a host says of itself.
type match struct {
	types, scopes, xaddrs, address string
}

// parse reads ProbeMatches and Hello. Go's XML reader knows no entities but the five of XML itself.
func parse(b []byte) ([]match, error) {
	if len(b) > maxBytes {
		return nil, errors.New("reading a WS-Discovery message: too long")
	}
	var (
		out  []match
		cur  *match
		path []string
		d    = xml.NewDecoder(bytes.NewReader(b))
	)
	for range maxTokens {
		t, err := d.Token()
		if err != nil {
			if len(out) > 0 {
				return out, nil
			}
			return nil, fmt.Errorf("reading a WS-Discovery message: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxDepth {
				return nil, errors.New("reading a WS-Discovery message: nested too deeply")
			}
			if inBody(path) && (t.Name.Local == "ProbeMatch" || t.Name.Local == "Hello") && len(out) < 8 {
				out = append(out, match{})
				cur = &out[len(out)-1]
			}
		case xml.EndElement:
			if t.Name.Local == "ProbeMatch" || t.Name.Local == "Hello" {
				cur = nil
			}
			path = path[:max(len(path)-1, 0)]
			if len(path) == 0 && len(out) > 0 {
				return out, nil
			}
		case xml.CharData:
			if cur != nil {
				cur.text(path[len(path)-1], string(t))
			}
		}
	}
	return out, nil
}

func inBody(path []string) bool {
	return len(path) >= 3 && path[0] == "Envelope" && path[1] == "Body"
}

func (m *match) text(element, s string) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || len(s) > maxText {
		return
	}
	switch element {
	case "Types":
		m.types = s
	case "Scopes":
		m.scopes = s
	case "XAddrs":
		m.xaddrs = s
	case "Address":
		m.address = s
	}
}

// observe reports the types without their prefixes, which mean nothing outside the message.
func (m match) observe() (observation.Observation, bool) {
	types := strings.Fields(m.types)
	for i, t := range types {
		if _, local, ok := strings.Cut(t, ":"); ok {
			types[i] = local
		}
	}
	o := observation.Observation{Signal: observation.WSD, Port: Port, Value: strings.Join(types, " "),
		Detail: map[string]string{"scopes": m.scopes, "xaddrs": m.xaddrs, "address": m.address}}
	o.Clean()
	return o, o.Value != "" || m.address != ""
}

// Heard reads a datagram that a host sent to UDP 3702: a Hello tells of itself. MAC, IP and time are for the caller to fill in.
func Heard(_ netip.Addr, b []byte) []observation.Observation {
	matches, err := parse(b)
	if err != nil {
		return nil
	}
	var out []observation.Observation
	for _, m := range matches {
		if o, ok := m.observe(); ok {
			out = append(out, o)
		}
	}
	return out
}

// Ask probes one host. It ends within a second; a host that stays silent is no error. A *gate.Refusal is returned.
func Ask(ctx context.Context, h *gate.Host, found func(observation.Observation)) error {
	conn, err := h.UDP(ctx, Port, gate.WSDProbe)
	if err != nil {
		return silence(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	p, err := probe()
	if err != nil {
		return err
	}
	if _, err := conn.Write(p); err != nil {
		return silence(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return silence(err)
	}
	buf := make([]byte, maxBytes+1)
	for range 8 {
		n, err := conn.Read(buf)
		if err != nil {
			return silence(err)
		}
		if got := Heard(h.Addr(), buf[:n]); len(got) > 0 {
			for _, o := range got {
				o.IP, o.MAC, o.At = h.Addr(), h.MAC(), time.Now()
				o.Raw = bytes.Clone(buf[:n])
				found(o)
			}
			return nil
		}
	}
	return nil
}

// silence keeps only the errors that say more than "nobody answered".
func silence(err error) error {
	if r, ok := errors.AsType[*gate.Refusal](err); ok {
		return r
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Probe asks the whole link and reports what each host answers to us within two seconds. The gate refuses it where a protected device lives
// on the link.
func Probe(ctx context.Context, g *gate.Gate, segment string, found func(observation.Observation)) error {
	conn, err := g.Multicast(ctx, segment, gate.WSDProbe, Group)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	p, err := probe()
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(p, net.UDPAddrFromAddrPort(Group)); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	seen := map[string]bool{}
	buf := make([]byte, maxBytes+1)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() && ctx.Err() == nil {
				return nil
			}
			return errors.Join(ctx.Err(), silence(err))
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok {
			continue
		}
		ip := udp.AddrPort().Addr().Unmap().WithZone("")
		for _, o := range Heard(ip, buf[:n]) {
			key := ip.String() + o.Value + o.Detail["address"]
			if seen[key] || len(seen) >= maxHosts {
				continue
			}
			seen[key] = true
			o.IP, o.At = ip, time.Now()
			found(o)
		}
	}
}
