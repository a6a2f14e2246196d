package gate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"kenshin/fault"
	"kenshin/netid"
)

// Tap receives the frames of one interface. It sends nothing: no group is joined, the interface's mode is not changed.
type Tap struct {
	g       *Gate
	iface   net.Interface
	segment string // where learned bindings belong; "" on a Tap without a local segment
	pc      *packet.Conn
	frames  chan received
	closed  chan struct{}
	once    sync.Once
	lost    atomic.Int64
}

type received struct {
	frame []byte
	at    time.Time
}

// Wire is a Tap that may also send whole Ethernet frames into one segment.
type Wire struct {
	Tap
	seg string
}

// queueLength is how many received frames may wait for a slow reader: the answers of a full /20 swept at the fast pace.
const queueLength = 8192

// Wire opens the segment's interface for whole frames. Errors: a *Refusal when the segment is not approved; fault.Unavailable
// without the right to raw sockets.
func (g *Gate) Wire(segment string) (*Wire, error) {
	g.mu.RLock()
	s := g.segments[segment]
	g.mu.RUnlock()
	if s == nil || !s.Approved {
		return nil, refuse("not-approved", "この区画はまだ承認されていません。", "This segment has not been approved.")
	}
	ifi, err := s.device()
	if err != nil {
		return nil, err
	}
	w := &Wire{seg: segment}
	if err := w.start(g, *ifi, segment); err != nil {
		return nil, err
	}
	return w, nil
}

// Listen opens an interface for receiving, when a person chose listening for an approved segment on it.
func (g *Gate) Listen(iface string) (*Tap, error) {
	segment, chosen := g.listens(iface)
	if !chosen {
		return nil, refuse("not-chosen", "この口で聞くことは、まだ選ばれていません。区画の設定で「聞く」を選んでください。",
			"Nobody chose to listen on this interface yet; choose it in the segment's settings.")
	}
	ifi, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "ネットワークの口「"+iface+"」が見つかりません。", "The network interface "+iface+" was not found.")
	}
	t := &Tap{}
	if err := t.start(g, *ifi, segment); err != nil {
		return nil, err
	}
	return t, nil
}

func (g *Gate) listens(iface string) (segment string, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for id, s := range g.segments {
		if s.Approved && s.Listen && s.Interface == iface {
			return id, true
		}
	}
	return "", false
}

const ethPAll = 0x0003

func (t *Tap) start(g *Gate, ifi net.Interface, segment string) error {
	pc, err := packet.Listen(&ifi, packet.Raw, ethPAll, nil)
	if err != nil {
		return rawRight(err)
	}
	raw, err := pc.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
			}
		})
	}
	if err != nil {
		_ = pc.Close()
		return err
	}
	t.g, t.iface, t.segment, t.pc = g, ifi, segment, pc
	t.frames, t.closed = make(chan received, queueLength), make(chan struct{})
	g.register(t)
	go t.pump()
	return nil
}

// rawRight gives the missing right its sentence.
func rawRight(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fault.Wrap(fault.Unavailable, err,
			"この口でARPなどを送受信する権限がありません。「sudo setcap cap_net_raw+ep kenshin」を実行するか、rootで動かしてください。それまでは、この機械がもう知っている機器だけを調べます。",
			"The right to raw sockets is missing. Run \"sudo setcap cap_net_raw+ep kenshin\" or start as root; until then only devices that this machine already knows are looked at.")
	}
	return err
}

func (t *Tap) pump() {
	defer close(t.frames)
	buf := make([]byte, 1<<16)
	for {
		n, _, err := t.pc.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, unix.ENETDOWN) {
				continue // the cable was pulled; the socket lives on
			}
			return
		}
		f := received{frame: bytes.Clone(buf[:n]), at: time.Now()}
		t.learn(f.frame)
		select {
		case t.frames <- f:
		default:
			t.lost.Add(1)
		}
	}
}

// learn reads the sender of an ARP frame, so that protection by MAC holds for its address at once.
func (t *Tap) learn(f []byte) {
	if ip, mac, ok := arpSender(f); ok && t.segment != "" {
		t.g.learn(t.segment, ip, mac)
	}
}

// arpSender reads an Ethernet ARP frame's sender (RFC 826), untagged.
func arpSender(f []byte) (netip.Addr, netid.MAC, bool) {
	if len(f) < 42 || binary.BigEndian.Uint16(f[12:]) != unix.ETH_P_ARP || binary.BigEndian.Uint16(f[16:]) != unix.ETH_P_IP ||
		f[18] != 6 || f[19] != 4 {
		return netip.Addr{}, netid.MAC{}, false
	}
	return netip.AddrFrom4([4]byte(f[28:32])), netid.MAC(f[22:28]), true
}

// Receive returns the next frame and when it came. Errors: io.EOF after Close, ctx's error.
func (t *Tap) Receive(ctx context.Context) ([]byte, time.Time, error) {
	select {
	case f, ok := <-t.frames:
		if !ok {
			return nil, time.Time{}, io.EOF
		}
		return f.frame, f.at, nil
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
}

// Filter lets the kernel drop what the receiver does not want (bpf.Assemble makes the program). Frames that came before stay queued.
func (t *Tap) Filter(program []bpf.RawInstruction) error { return t.pc.SetBPF(program) }

// Lost returns how many frames came faster than they were read.
func (t *Tap) Lost() int64 { return t.lost.Load() }

// Interface returns the interface's name, its MAC and its addresses now.
func (t *Tap) Interface() (name string, mac netid.MAC, addrs []netip.Prefix) {
	return t.iface.Name, netid.FromHardware(t.iface.HardwareAddr), prefixes(&t.iface)
}

// Close stops receiving.
func (t *Tap) Close() error {
	err := net.ErrClosed
	t.once.Do(func() {
		close(t.closed)
		t.g.forget(t)
		err = t.pc.Close()
	})
	return err
}

// refused ends a Tap when no approved segment needs its interface any more. Listening sends nothing, so the kill switch leaves it alone.
func (t *Tap) refused() *Refusal {
	t.g.mu.RLock()
	defer t.g.mu.RUnlock()
	for _, s := range t.g.segments {
		if s.Approved && (s.ID == t.segment || s.Interface == t.iface.Name) {
			return nil
		}
	}
	return refuse("not-approved", "この区画の承認が取り消されました。", "The segment's approval was taken back.")
}

func (t *Tap) abort() { _ = t.Close() }

// Send sends one whole Ethernet frame. host and mac name the device that it asks about (or the group it goes to); the frame must say
// the same. It waits for the pace. Errors: a *Refusal, fault.Internal when frame and names differ, the socket's.
func (w *Wire) Send(ctx context.Context, f Frame, host netip.Addr, mac netid.MAC, frame []byte) error {
	if err := honest(f, plain(host), netid.FromHardware(w.iface.HardwareAddr), w.iface.MTU, frame); err != nil {
		return err
	}
	if err := w.g.leave(ctx, request{segment: w.seg, host: host, mac: mac, frame: f}, 1); err != nil {
		return err
	}
	_, err := w.pc.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])})
	for try := 0; errors.Is(err, unix.ENOBUFS) && try < 20; try++ { // the card's queue is full
		if err = sleep(ctx, 5*time.Millisecond); err == nil {
			_, err = w.pc.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])})
		}
	}
	return err
}

// honest reports a frame that is not what its sender told Decide: another target, another source, a fragment.
func honest(f Frame, host netip.Addr, own netid.MAC, mtu int, b []byte) error {
	bad := func(what string) error {
		return fault.Newf(fault.Internal, "送ろうとしたフレーム(%s)が申告と違います: %s", "The %s frame is not what was declared: %s.", f, what)
	}
	if len(b) < 34 || len(b) > mtu+14 {
		return bad("size")
	}
	if netid.MAC(b[6:12]) != own {
		return bad("source MAC")
	}
	switch kind := binary.BigEndian.Uint16(b[12:]); {
	case f == ARPRequest:
		if kind != unix.ETH_P_ARP || len(b) < 42 || binary.BigEndian.Uint16(b[20:]) != 1 || netip.AddrFrom4([4]byte(b[38:42])) != host {
			return bad("ARP target")
		}
	case kind == unix.ETH_P_IP:
		if b[14] != 0x45 || b[20]&0x3f != 0 || b[21] != 0 {
			return bad("IPv4 options or a fragment")
		}
		if netip.AddrFrom4([4]byte(b[30:34])) != host {
			return bad("IPv4 target")
		}
	case kind == unix.ETH_P_IPV6:
		return honest6(f, host, b, bad)
	default:
		return bad("EtherType")
	}
	return nil
}

// honest6 checks an IPv6 frame without extension headers; a neighbour solicitation names its target inside (RFC 4861, 4.3).
func honest6(f Frame, host netip.Addr, b []byte, bad func(string) error) error {
	if len(b) < 54 {
		return bad("size")
	}
	to := netip.AddrFrom16([16]byte(b[38:54]))
	if f == NeighborSolicit {
		if b[20] != unix.IPPROTO_ICMPV6 || len(b) < 78 || b[54] != 135 {
			return bad("neighbour solicitation")
		}
		to = netip.AddrFrom16([16]byte(b[62:78]))
	}
	if to != host {
		return bad("IPv6 target")
	}
	return nil
}
