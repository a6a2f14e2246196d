package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"kenshin/gate"
	"kenshin/observation"
)

const (
	first    = 800 * time.Millisecond // for the first answer, of a host that may not speak mDNS at all
	patience = 500 * time.Millisecond // for each later one
	budget   = 5 * time.Second        // of one host
	maxTypes = 12                     // service types that one host is asked about
	maxHosts = 4096                   // of one link-wide question
)

// Group is where questions to the whole link go (RFC 6762, section 3).
var Group = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 251}), Port)

// Ask asks one host directly (RFC 6762, 5.5 and 6.7): its own name, its service types, and of up to twelve of them the instances with host,
// port and text. It ends within five seconds; a host that stays silent is no error. A *gate.Refusal is returned.
func Ask(ctx context.Context, h *gate.Host, found func(observation.Observation)) error {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	conn, err := h.UDP(ctx, Port, gate.MDNSQuery)
	if err != nil {
		return silence(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	r := newRecords()
	err = dialogue(conn, h.Addr(), r)
	for _, o := range r.observe(h.Addr()) {
		o.IP, o.MAC, o.At = h.Addr(), h.MAC(), time.Now()
		found(o)
	}
	return silence(err)
}

func dialogue(conn net.Conn, host netip.Addr, r *records) error {
	reverse, err := dns.ReverseAddr(host.String())
	if err != nil {
		return fmt.Errorf("naming %s: %w", host, err)
	}
	if err := exchange(conn, r, first, query(dns.TypePTR, enumerate), query(dns.TypePTR, reverse)); err != nil {
		return err
	}
	types := typesOf(r)
	for _, t := range types {
		if err := exchange(conn, r, patience, query(dns.TypePTR, t)); err != nil {
			return err
		}
		for _, instance := range r.ptr[strings.ToLower(t)][:min(len(r.ptr[strings.ToLower(t)]), 4)] {
			if r.srv[strings.ToLower(instance)] == nil {
				if err := exchange(conn, r, patience, query(dns.TypeSRV, instance), query(dns.TypeTXT, instance)); err != nil {
					return err
				}
			}
		}
	}
	for _, target := range r.ptr[reverse][:min(len(r.ptr[reverse]), 1)] {
		return exchange(conn, r, patience, query(dns.TypeHINFO, target))
	}
	return nil
}

func typesOf(r *records) []string {
	var out []string
	for _, t := range r.ptr[enumerate] {
		if _, ok := serviceType(t); ok && !slices.Contains(out, t) && len(out) < maxTypes {
			out = append(out, t)
		}
	}
	return out
}

// query asks for an answer to us alone: the top bit of the class is mDNS's wish for unicast (RFC 6762, 5.4).
func query(kind uint16, name string) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	m.RecursionDesired = false
	m.Question[0].Qclass = dns.ClassINET | 1<<15
	return m
}

// exchange sends the questions and reads until each is answered or patience ends; no answer is no error.
func exchange(conn net.Conn, r *records, patience time.Duration, questions ...*dns.Msg) error {
	open := map[uint16]bool{}
	for _, q := range questions {
		b, err := q.Pack()
		if err != nil {
			return fmt.Errorf("asking %q: %w", q.Question[0].Name, err)
		}
		if _, err := conn.Write(b); err != nil {
			return err
		}
		open[q.Id] = true
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	buf := make([]byte, 9001)
	for messages := 0; len(open) > 0 && messages < 16; messages++ {
		n, err := conn.Read(buf)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				return nil
			}
			return err
		}
		m, err := unpack(buf[:n])
		if err != nil {
			continue
		}
		delete(open, m.Id)
		if m.Id == 0 { // some answer as if by multicast
			clear(open)
		}
		r.add(m)
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

// Query asks the whole link for its service types, then for the instances of those told, and reports what each host answers to us within
// three seconds. The gate refuses it where a protected device lives on the link.
func Query(ctx context.Context, g *gate.Gate, segment string, found func(observation.Observation)) error {
	conn, err := g.Multicast(ctx, segment, gate.MDNSQuery, Group)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	hosts := map[netip.Addr]*records{}
	if err := round(conn, hosts, []*dns.Msg{query(dns.TypePTR, enumerate)}); err != nil {
		return err
	}
	var ask []*dns.Msg
	asked := map[string]bool{}
	for _, r := range hosts {
		for _, t := range typesOf(r) {
			if t = strings.ToLower(t); !asked[t] && len(ask) < 2*maxTypes {
				asked[t] = true
				ask = append(ask, query(dns.TypePTR, t))
			}
		}
	}
	err = round(conn, hosts, ask)
	for ip, r := range hosts {
		for _, o := range r.observe(ip) {
			o.IP, o.At = ip, time.Now()
			found(o)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func round(conn net.PacketConn, hosts map[netip.Addr]*records, ask []*dns.Msg) error {
	for _, q := range ask {
		b, err := q.Pack()
		if err != nil {
			return fmt.Errorf("asking %q: %w", q.Question[0].Name, err)
		}
		if _, err := conn.WriteTo(b, net.UDPAddrFromAddrPort(Group)); err != nil {
			return err
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(1500 * time.Millisecond)); err != nil {
		return err
	}
	buf := make([]byte, 9001)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				return nil
			}
			return err
		}
		udp, ok := from.(*net.UDPAddr)
		m, err := unpack(buf[:n])
		if !ok || err != nil {
			continue
		}
		ip := udp.AddrPort().Addr().Unmap().WithZone("")
		if hosts[ip] == nil {
			if len(hosts) >= maxHosts {
				continue
			}
			hosts[ip] = newRecords()
		}
		hosts[ip].add(m)
	}
}
