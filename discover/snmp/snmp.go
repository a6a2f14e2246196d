// Package snmp reads what a device tells about itself and its neighbours over SNMP v1, v2c and v3, with the credentials that a person gave
// for its segment. It never writes and never tries another credential.
package snmp

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// Port is SNMP, UDP.
const Port = 161

// Options of a reading; the zero value is a good choice.
type Options struct {
	Budget    time.Duration // for one host in all; 0 = 10 s. A large router's ARP table may want more
	Wait      time.Duration // for one answer; 0 = 1 s. Each question is asked twice
	Neighbors int           // rows of ARP tables; 0 = 20,000
}

// Outcome says how far the reading came.
type Outcome struct {
	Answered   bool
	Version    string   // "1", "2c", "3"
	Credential int      // which of the segment's credentials was accepted
	Incomplete []string // groups of tables that were cut short: time, rows or a broken agent
}

// Read asks the agent with each credential of the host's segment until one is accepted, and reports the system group, the hardware,
// interfaces, LLDP neighbours and ARP entries. found is called from this goroutine; where it protects the host (Host.Medical), the reading
// ends. A host without an agent, or that accepts no credential, is no error: Answered is false. Errors: a *gate.Refusal, ctx's,
// fault.Invalid for a credential that is not complete (the others are still tried).
//
// Observations about the host carry its address and MAC; those about neighbours (snmp.arp, and lldp where the neighbour's identifier is
// a MAC) carry the neighbour's. Segment and Sensor are for the caller to fill in: a neighbour may live in another segment.
func Read(ctx context.Context, h *gate.Host, opt Options, found func(observation.Observation)) (Outcome, error) {
	seg := h.Segment()
	if seg == nil || len(seg.SNMP) == 0 {
		if r := h.May(gate.SNMPGet, Port); r != nil {
			return Outcome{}, r
		}
		return Outcome{}, nil
	}
	if opt.Budget <= 0 {
		opt.Budget = 10 * time.Second
	}
	if opt.Wait <= 0 {
		opt.Wait = time.Second
	}
	if opt.Neighbors <= 0 {
		opt.Neighbors = 20_000
	}
	ctx, cancel := context.WithTimeout(ctx, opt.Budget)
	defer cancel()
	conn, err := h.UDP(ctx, Port, gate.SNMPGet)
	if err != nil {
		if _, ok := errors.AsType[*gate.Refusal](err); ok {
			return Outcome{}, err
		}
		return Outcome{}, nil
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	r := &reader{host: h, opt: opt, found: found}
	return r.run(ctx, seg.SNMP, func(c gate.SNMP, version string) (*session, error) {
		return newSession(conn, c, version, time.Now().Add(opt.Budget), opt.Wait)
	})
}

type reader struct {
	host  *gate.Host
	opt   Options
	found func(observation.Observation)
	s     *session
	out   Outcome
}

func (r *reader) run(ctx context.Context, creds []gate.SNMP, open func(gate.SNMP, string) (*session, error)) (Outcome, error) {
	var bad error
	for i, c := range creds {
		versions := []string{"2c", "1"}
		if c.User != "" {
			versions = []string{"3"}
		} else if c.Community == "" {
			continue
		}
		for _, v := range versions {
			s, err := open(c, v)
			if err != nil {
				bad = errors.Join(bad, err)
				break
			}
			r.s = s
			err = r.system(ctx)
			if err == nil {
				r.out.Answered, r.out.Version, r.out.Credential = true, v, i
				return r.out, errors.Join(bad, r.tables(ctx))
			}
			if refusal, ok := errors.AsType[*gate.Refusal](err); ok {
				return r.out, refusal
			}
			if errors.Is(err, errClosed) || errors.Is(err, errSpent) || ctx.Err() != nil {
				return r.out, bad
			}
		}
	}
	return r.out, bad
}

// tables reads the groups in the order of their worth, so that a slow agent gives the best first.
func (r *reader) tables(ctx context.Context) error {
	groups := []struct {
		name string
		read func(context.Context) error
	}{
		{"bridge", r.bridge}, {"printer", r.printer}, {"entity", r.entity}, {"interfaces", r.interfaces}, {"lldp", r.lldp},
		{"arp", r.neighbors}, {"host resources", r.hostResources},
	}
	for _, g := range groups {
		if refusal := r.host.May(gate.SNMPGet, Port); refusal != nil { // an answer may have shown that it must be protected
			return refusal
		}
		if err := g.read(ctx); err != nil {
			if refusal, ok := errors.AsType[*gate.Refusal](err); ok {
				return refusal
			}
			r.out.Incomplete = append(r.out.Incomplete, g.name)
		}
	}
	return nil
}

// emit reports something about the host itself; an empty value with no detail is nothing.
func (r *reader) emit(sig observation.Signal, value string, detail map[string]string) {
	r.about(observation.Observation{MAC: r.host.MAC(), IP: r.host.Addr(), Signal: sig, Port: Port, Value: value, Detail: detail})
}

func (r *reader) about(o observation.Observation) {
	o.At = time.Now()
	for k, v := range o.Detail {
		if v == "" {
			delete(o.Detail, k)
		}
	}
	o.Clean()
	if o.Value != "" || len(o.Detail) > 0 {
		r.found(o)
	}
}

// system reads the system group (RFC 3418); it is also the test of a credential.
func (r *reader) system(ctx context.Context) error {
	const sys = "1.3.6.1.2.1.1."
	signals := []struct {
		oid string
		sig observation.Signal
	}{
		{sys + "1.0", observation.SNMPDescr}, {sys + "2.0", observation.SNMPObjectID}, {sys + "5.0", observation.SNMPName},
		{sys + "6.0", observation.SNMPLocation}, {sys + "4.0", observation.SNMPContact}, {sys + "7.0", observation.SNMPServices},
	}
	oids := make([]string, len(signals))
	for i, s := range signals {
		oids[i] = s.oid
	}
	got, err := r.s.get(ctx, oids...)
	if err != nil && len(got) == 0 {
		return err
	}
	for _, s := range signals {
		if v, ok := got[s.oid]; ok {
			if value := text(v); value != "" {
				r.emit(s.sig, value, nil)
			}
		}
	}
	return nil
}

// text renders any value as the agent gave it.
func text(v gosnmp.SnmpPDU) string {
	switch x := v.Value.(type) {
	case []byte:
		return strings.TrimRight(string(x), "\x00")
	case string:
		if v.Type == gosnmp.ObjectIdentifier {
			return strings.TrimPrefix(x, ".")
		}
		return x
	case nil:
		return ""
	}
	if n := gosnmp.ToBigInt(v.Value); n != nil {
		return n.String()
	}
	return ""
}

func number(v gosnmp.SnmpPDU) int64 {
	switch v.Type {
	case gosnmp.Integer, gosnmp.Gauge32, gosnmp.Counter32, gosnmp.Uinteger32:
		return gosnmp.ToBigInt(v.Value).Int64()
	}
	return -1
}

// octets returns the bytes of an OCTET STRING.
func octets(v gosnmp.SnmpPDU) []byte {
	b, _ := v.Value.([]byte)
	return b
}

// macOf reads a MAC from six bytes; groups, zeroes and other lengths give none.
func macOf(b []byte) (netid.MAC, bool) {
	m := netid.FromHardware(b)
	return m, !m.IsZero() && !m.Multicast()
}

// hostAddr reads an address of four or sixteen bytes that one host may have.
func hostAddr(b []byte) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(b)
	a = a.Unmap()
	return a, ok && (a.IsGlobalUnicast() || a.IsLinkLocalUnicast())
}

func index(i []uint32) string { return strings.TrimPrefix(dotted(i), ".") }

func decimal(n int64) string {
	if n < 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
