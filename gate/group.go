package gate

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"kenshin/fault"
)

// groupConn sends to one multicast group only and hears the unicast answers. It joins no group.
type groupConn struct {
	net.PacketConn
	g     *Gate
	r     request
	group netip.AddrPort
	life  context.Context
	end   context.CancelFunc
	once  sync.Once
}

// GroupLifetime bounds a question to everybody and the wait for its answers.
const GroupLifetime = 60 * time.Second

// Multicast opens a socket for a question to a group on the segment's link. Each WriteTo is one frame and asks Decide; answers come by
// unicast to ReadFrom. TTL 1, 255 for mDNS (RFC 6762, 11).
func (g *Gate) Multicast(ctx context.Context, segment string, f Frame, group netip.AddrPort) (net.PacketConn, error) {
	r := request{segment: segment, host: group.Addr(), frame: f, port: group.Port()}
	if no := g.refusal(r); no != nil {
		return nil, g.refuse(r, no)
	}
	if !group.Addr().IsMulticast() || f.PerHost() {
		return nil, fault.Newf(fault.Internal, "%s は全員への問い合わせではありません。", "%s is not a question to a group.", f)
	}
	g.mu.RLock()
	s := g.segments[segment]
	g.mu.RUnlock()
	if s == nil { // withdrawn this moment
		return nil, g.refuse(r, g.refusal(r))
	}
	ifi, err := s.device()
	if err != nil {
		return nil, err
	}
	like := group.Addr()
	if like.Is4() {
		like = s.Prefix.Addr()
	} else {
		like = netip.MustParseAddr("fe80::1")
	}
	own, ok := ownAddress(ifi, s.Prefix, like)
	if !ok {
		return nil, fault.Newf(fault.Unavailable, "口「%s」に、この区画のアドレスがありません。", "Interface %s has no address in this segment.", ifi.Name)
	}
	if own.Is6() {
		own = own.WithZone(ifi.Name)
	}
	lc := net.ListenConfig{Control: control(ifi.Name)}
	pc, err := lc.ListenPacket(ctx, "udp", netip.AddrPortFrom(own, 0).String())
	if err != nil {
		return nil, err
	}
	ttl := 1
	if f == MDNSQuery {
		ttl = 255
	}
	if own.Is4() {
		p := ipv4.NewPacketConn(pc)
		_, _, _ = p.SetMulticastInterface(ifi), p.SetMulticastTTL(ttl), p.SetMulticastLoopback(false)
	} else {
		p := ipv6.NewPacketConn(pc)
		_, _, _ = p.SetMulticastInterface(ifi), p.SetMulticastHopLimit(ttl), p.SetMulticastLoopback(false)
	}
	c := &groupConn{PacketConn: pc, g: g, r: r, group: group}
	c.life, c.end = context.WithTimeout(context.Background(), GroupLifetime)
	g.register(c)
	context.AfterFunc(c.life, func() { _ = c.Close() })
	return c, nil
}

// refused closes the socket only when nothing may be sent at all: answers to a question that was asked in time are still worth hearing.
func (c *groupConn) refused() *Refusal {
	if no := c.g.refusal(c.r); no != nil && (no.Code == "killed" || no.Code == "not-approved") {
		return no
	}
	return nil
}

func (c *groupConn) abort() { _ = c.Close() }

func (c *groupConn) WriteTo(p []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok || plain(u.AddrPort().Addr()) != plain(c.group.Addr()) || u.Port != int(c.group.Port()) {
		return 0, fault.Newf(fault.Internal, "このソケットは %s にだけ送ります。", "This socket sends to %s only.", c.group)
	}
	if len(p) > maxDatagram {
		return 0, fault.Newf(fault.TooLarge, "送ろうとした電文が大きすぎます(%d バイト、上限 %d)。", "The datagram is too large (%d bytes, limit %d).",
			len(p), maxDatagram)
	}
	if err := c.g.leave(c.life, c.r, 1); err != nil {
		return 0, err
	}
	return c.PacketConn.WriteTo(p, to)
}

// ReadFrom returns the next answer; net.ErrClosed after Close.
func (c *groupConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(p)
	if c.life.Err() != nil {
		return 0, nil, net.ErrClosed
	}
	return n, from, err
}

// lateAnswers is how long the port stays open after Close: the kernel would send an ICMP error to every device that answers later.
const lateAnswers = 3 * time.Second

// Close ends the conversation; late answers fall on deaf ears for a while.
func (c *groupConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.end()
		c.g.forget(c)
		err = c.PacketConn.SetReadDeadline(time.Unix(1, 0))
		time.AfterFunc(lateAnswers, func() { _ = c.PacketConn.Close() })
	})
	return err
}
