package ssdp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"kenshin/gate"
	"kenshin/observation"
)

const (
	patience   = 800 * time.Millisecond // for one search's answers
	pageTime   = 4 * time.Second        // for the description
	maxAnswers = 16                     // of one host
	maxHosts   = 4096                   // of one link-wide question
)

// Group is where questions to the whole link go.
var Group = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), Port)

// search is an M-SEARCH (UDA 1.1, 1.3.2); to one host it has no MX.
func search(to, st string, mx bool) []byte {
	wait := ""
	if mx {
		wait = "MX: 1\r\n"
	}
	return []byte("M-SEARCH * HTTP/1.1\r\nHOST: " + to + "\r\nMAN: \"ssdp:discover\"\r\n" + wait + "ST: " + st + "\r\n\r\n")
}

// Ask searches one host and, where it points to a description on itself, reads that. It ends within six seconds; a host that stays silent
// is no error. A *gate.Refusal is returned.
func Ask(ctx context.Context, h *gate.Host, found func(observation.Observation)) error {
	answers, err := ask(ctx, h)
	if err != nil {
		return silence(err)
	}
	seen := map[string]bool{}
	for _, a := range answers {
		for _, o := range a.observe() {
			if key := o.Value + "\x00" + a.location; !seen[key] {
				seen[key] = true
				o.IP, o.MAC, o.At = h.Addr(), h.MAC(), time.Now()
				found(o)
			}
		}
	}
	for _, a := range answers {
		if port, path, ok := a.page(h.Addr()); ok {
			return Describe(ctx, h, port, path, found)
		}
	}
	return nil
}

func ask(ctx context.Context, h *gate.Host) ([]answer, error) {
	conn, err := h.UDP(ctx, Port, gate.SSDPSearch)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	to := netip.AddrPortFrom(h.Addr(), Port).String()
	buf := make([]byte, maxHeader+1)
	for _, st := range []string{"upnp:rootdevice", "ssdp:all"} {
		if _, err := conn.Write(search(to, st, false)); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		var got []answer
		for len(got) < maxAnswers {
			n, err := conn.Read(buf)
			if err != nil {
				if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
					return got, err
				}
				break
			}
			if a, err := parseAnswer(buf[:n]); err == nil {
				if len(got) == 0 { // others of the same host follow at once
					_ = conn.SetReadDeadline(time.Now().Add(patience / 4))
				}
				got = append(got, a)
			}
		}
		if len(got) > 0 {
			return got, nil
		}
	}
	return nil, nil
}

// Describe reads the description page of one host and reports its model. What cannot be read is no error.
func Describe(ctx context.Context, h *gate.Host, port uint16, path string, found func(observation.Observation)) error {
	conn, err := h.TCP(ctx, port, gate.HTTPGet)
	if err != nil {
		return silence(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	if err := conn.SetDeadline(time.Now().Add(pageTime)); err != nil {
		return silence(err)
	}
	if _, err := conn.Write(request(netip.AddrPortFrom(h.Addr(), port), path)); err != nil {
		return silence(err)
	}
	body, err := readPage(conn)
	if err != nil {
		return silence(err)
	}
	o, err := parseDescription(body)
	if err != nil || o.Value == "" && o.Detail["friendly"] == "" && o.Detail["maker"] == "" {
		return nil
	}
	o.IP, o.MAC, o.At, o.Port = h.Addr(), h.MAC(), time.Now(), port
	o.Raw = bytes.Clone(body[:min(len(body), observation.MaxRaw)])
	found(o)
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

// Search asks the whole link and reports what each host answers to us within two seconds; the descriptions are read by Ask, host by host.
// The gate refuses it where a protected device lives on the link.
func Search(ctx context.Context, g *gate.Gate, segment string, found func(observation.Observation)) error {
	conn, err := g.Multicast(ctx, segment, gate.SSDPSearch, Group)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	if _, err := conn.WriteTo(search(Group.String(), "upnp:rootdevice", true), net.UDPAddrFromAddrPort(Group)); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	count := map[netip.Addr]int{}
	buf := make([]byte, maxHeader+1)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() && ctx.Err() == nil {
				return nil
			}
			return errors.Join(ctx.Err(), silence(err))
		}
		udp, ok := from.(*net.UDPAddr)
		a, err := parseAnswer(buf[:n])
		if !ok || err != nil {
			continue
		}
		ip := udp.AddrPort().Addr().Unmap().WithZone("")
		if count[ip]++; count[ip] > maxAnswers || len(count) > maxHosts {
			continue
		}
		for _, o := range a.observe() {
			o.IP, o.At = ip, time.Now()
			found(o)
		}
	}
}
