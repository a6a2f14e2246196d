package gate

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"kenshin/netid"
)

// Limits of one conversation with a device.
const (
	DialTimeout = 3 * time.Second
	TCPLifetime = 10 * time.Second // a device that answers one byte a second does not stall a sweep
	UDPLifetime = 60 * time.Second // an SNMP walk of a large switch
	MaxRead     = 1 << 20          // bytes of one TCP connection
	maxUDPRead  = 16 << 20
)

// Host is one device as a sender sees it. It holds no state of its own: every question is answered by what the gate knows at that moment.
type Host struct {
	g *Gate
	r request
}

// Host names a device. mac is zero when unknown. A Host of a segment that nobody approved is refused everything.
// The MACs that answered for the address lately, to a Wire or to the kernel, count as well: an address may have gone to another device.
func (g *Gate) Host(segment string, ip netip.Addr, mac netid.MAC) *Host {
	g.protectByMaker(segment, mac)
	g.askKernel(segment, plain(ip))
	return &Host{g: g, r: request{segment: segment, host: plain(ip), mac: mac}}
}

// Addr returns the device's address, without a zone.
func (h *Host) Addr() netip.Addr { return h.r.host }

// MAC returns the device's MAC, zero when unknown.
func (h *Host) MAC() netid.MAC { return h.r.mac }

// Segment returns a copy of the approved segment, nil when it is not approved.
func (h *Host) Segment() *Segment {
	h.g.mu.RLock()
	defer h.g.mu.RUnlock()
	if s := h.g.segments[h.r.segment]; s != nil {
		c := s.Segment
		return &c
	}
	return nil
}

func (h *Host) request(f Frame, port uint16) request {
	r := h.r
	r.frame, r.port = f, port
	return r
}

// May reports why a frame may not go to this host now; nil is leave. It sends and counts nothing.
func (h *Host) May(f Frame, port uint16) *Refusal { return h.g.refusal(h.request(f, port)) }

// Medical says that an answer showed the device to be medical. It is protected from now on, and conversations with it end.
func (h *Host) Medical(why string) {
	h.g.Protect(HostKey{Segment: h.r.segment, IP: h.r.host, MAC: h.r.mac}, why)
}

// TCP connects to a port of the host. It waits for the pace and for any other conversation with the same device to end, so a sender
// closes one connection before it opens the next. The connection lives at most TCPLifetime and reads at most MaxRead bytes. Errors: a
// *Refusal; else the dial's own error, wrapped (syscall.ECONNREFUSED, a timeout).
func (h *Host) TCP(ctx context.Context, port uint16, f Frame) (net.Conn, error) {
	return h.dial(ctx, "tcp", port, f)
}

// UDP opens a socket that talks to one port of the host only. Each Write is one frame; it lives at most UDPLifetime. Turns as for TCP.
func (h *Host) UDP(ctx context.Context, port uint16, f Frame) (net.Conn, error) {
	return h.dial(ctx, "udp", port, f)
}

func (h *Host) dial(ctx context.Context, network string, port uint16, f Frame) (net.Conn, error) {
	g, r := h.g, h.request(f, port)
	if no := g.refusal(r); no != nil {
		return nil, g.refuse(r, no)
	}
	segment := h.Segment()
	if segment == nil {
		return nil, g.refuse(r, g.refusal(r))
	}
	release, err := g.turn(ctx, r, network == "tcp")
	if err != nil {
		return nil, err
	}
	d, to, err := segment.dialer(network, r.host, port)
	if err != nil {
		release()
		return nil, err
	}
	g.askKernel(r.segment, r.host)
	if network == "tcp" {
		if err := g.leave(ctx, r, 3); err != nil { // the kernel's ARP question, SYN, ACK
			release()
			return nil, err
		}
		for _, late := range []time.Duration{900 * time.Millisecond, 1900 * time.Millisecond, 2900 * time.Millisecond} {
			t := time.AfterFunc(late, func() { g.spend(r, 1) }) // nobody answers: a second SYN, or ARP again
			defer t.Stop()
		}
	}
	nc, err := g.dialGuarded(ctx, r, d, network, to)
	if err != nil {
		release()
		return nil, err
	}
	c := newConn(g, r, nc, network == "tcp", release)
	if no := c.refused(); no != nil { // pressed while we dialled
		c.abort()
		return nil, g.refuse(r, no)
	}
	return c, nil
}

// turn waits until nobody else talks to the device and, for TCP, until the segment has room for one more conversation.
func (g *Gate) turn(ctx context.Context, r request, tcp bool) (release func(), err error) {
	g.mu.RLock()
	keys := g.keys(r)
	var slots chan struct{}
	if s := g.segments[r.segment]; s != nil && tcp {
		slots = s.slots
	}
	g.mu.RUnlock()
	done, err := g.turns.take(ctx, keys)
	if err != nil || slots == nil {
		return done, err
	}
	select {
	case slots <- struct{}{}:
		return sync.OnceFunc(func() { <-slots; done() }), nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}

// attempt is a connection that is being made; it ends like an open one when the gate stops allowing it.
type attempt struct {
	g      *Gate
	r      request
	cancel context.CancelFunc
}

func (a *attempt) refused() *Refusal { return a.g.refusal(a.r) }
func (a *attempt) abort()            { a.cancel() }
func (a *attempt) Close() error      { a.cancel(); return nil }

func (g *Gate) dialGuarded(ctx context.Context, r request, d *net.Dialer, network, to string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &attempt{g: g, r: r, cancel: cancel}
	g.register(a)
	defer g.forget(a)
	nc, err := d.DialContext(ctx, network, to)
	if err != nil {
		if no := g.refusal(r); no != nil {
			return nil, g.refuse(r, no)
		}
		return nil, fmt.Errorf("connect %s: %w", to, err)
	}
	return nc, nil
}
