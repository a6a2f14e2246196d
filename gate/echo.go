package gate

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"kenshin/fault"
)

// Echo sends single ICMP echo requests (RFC 792) to the hosts of one segment and hears their answers.
type Echo struct {
	g     *Gate
	seg   string
	pc    *icmp.PacketConn
	raw   bool
	id    int
	token [8]byte
	once  sync.Once

	mu    sync.Mutex
	seq   uint16
	asked map[netip.Addr]uint16
}

func control(iface string) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { quiet(int(fd), iface, network) })
	}
}

// Echo opens a ping socket, or a raw one where the system does not allow it. Errors: a *Refusal for a segment that nobody approved,
// fault.Unavailable without any right.
func (g *Gate) Echo(ctx context.Context, segment string) (*Echo, error) {
	g.mu.RLock()
	s := g.segments[segment]
	g.mu.RUnlock()
	if s == nil || !s.Approved {
		return nil, refuse("not-approved", "この区画はまだ承認されていません。", "This segment has not been approved.")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := &Echo{g: g, seg: segment, id: os.Getpid() & 0xffff, asked: map[netip.Addr]uint16{}}
	_, _ = rand.Read(e.token[:])
	pc, err := icmp.ListenPacket("udp4", "0.0.0.0")
	if err != nil {
		e.raw = true
		if pc, err = icmp.ListenPacket("ip4:icmp", "0.0.0.0"); err != nil {
			return nil, rawRight(err)
		}
	}
	_ = pc.IPv4PacketConn().SetControlMessage(ipv4.FlagTTL, true)
	e.pc = pc
	g.register(e)
	return e, nil
}

// Send asks one host once. A second Send to the same host is refused: one echo is what rule 4.1 allows.
func (e *Echo) Send(ctx context.Context, host netip.Addr) error {
	host = plain(host)
	if !host.Is4() {
		return fault.Newf(fault.Invalid, "%s: pingで確認できるのはIPv4だけです。", "%s: only IPv4 hosts are asked by echo.", host)
	}
	e.mu.Lock()
	_, again := e.asked[host]
	if !again && len(e.asked) < 1<<16-1 {
		e.seq++
		e.asked[host] = e.seq
	}
	seq, ok := e.asked[host]
	e.mu.Unlock()
	if again || !ok {
		return fault.Newf(fault.Conflict, "%s にはもう1回聞きました。", "%s has been asked already.", host)
	}
	body := make([]byte, 32)
	copy(body, e.token[:])
	msg := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: e.id, Seq: int(seq), Data: body}}
	b, err := msg.Marshal(nil)
	if err != nil {
		return err
	}
	if err := e.g.leave(ctx, request{segment: e.seg, host: host, frame: EchoRequest}, 1); err != nil {
		return err
	}
	to := net.Addr(&net.UDPAddr{IP: host.AsSlice()})
	if e.raw {
		to = &net.IPAddr{IP: host.AsSlice()}
	}
	_, err = e.pc.WriteTo(b, to)
	return err
}

// Receive returns the next host that answered, with the TTL of its answer (0 when the system does not tell). Errors: net.ErrClosed after
// Close, ctx's error.
func (e *Echo) Receive(ctx context.Context) (from netip.Addr, ttl int, at time.Time, err error) {
	defer context.AfterFunc(ctx, func() { _ = e.pc.SetReadDeadline(time.Unix(1, 0)) })()
	if err := e.pc.SetReadDeadline(time.Time{}); err != nil {
		return from, 0, at, err
	}
	buf := make([]byte, 1500)
	for {
		if err := ctx.Err(); err != nil {
			return from, 0, at, err
		}
		n, cm, src, err := e.pc.IPv4PacketConn().ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil {
				return from, 0, at, ctx.Err()
			}
			if errors.Is(err, net.ErrClosed) {
				return from, 0, at, net.ErrClosed
			}
			if errors.Is(err, os.ErrDeadlineExceeded) { // left over from a call that was cancelled
				if err := e.pc.SetReadDeadline(time.Time{}); err != nil {
					return from, 0, at, err
				}
			}
			continue // an ICMP error for one host is no reason to stop
		}
		at = time.Now()
		if from = sourceOf(src); !e.answers(from, buf[:n]) {
			continue
		}
		if cm != nil {
			ttl = cm.TTL
		}
		return from, ttl, at, nil
	}
}

func sourceOf(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.IP
	case *net.IPAddr:
		ip = a.IP
	}
	out, _ := netip.AddrFromSlice(ip)
	return out.Unmap()
}

// answers reports whether b is the echo reply of a host that we asked. Duplicates are dropped.
func (e *Echo) answers(from netip.Addr, b []byte) bool {
	if len(b) < 16 || b[0] != byte(ipv4.ICMPTypeEchoReply) || [8]byte(b[8:16]) != e.token {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	seq, ok := e.asked[from]
	if !ok || seq == 0 || seq != binary.BigEndian.Uint16(b[6:]) {
		return false
	}
	e.asked[from] = 0
	return true
}

// Close closes the socket; a waiting Receive ends.
func (e *Echo) Close() error {
	err := net.ErrClosed
	e.once.Do(func() {
		e.g.forget(e)
		err = e.pc.Close()
	})
	return err
}

func (e *Echo) refused() *Refusal {
	e.g.mu.RLock()
	defer e.g.mu.RUnlock()
	if s := e.g.segments[e.seg]; e.g.killed || s == nil || !s.Approved {
		return refuse("not-approved", "この区画には今は送れません。", "Nothing may be sent into this segment now.")
	}
	return nil
}

func (e *Echo) abort() { _ = e.Close() }
