package ndp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/net/bpf"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

const (
	grace    = 400 * time.Millisecond // after the echo, before single questions
	tail     = time.Second            // after the last question
	maxKnown = netid.MaxRange         // neighbours that one sweep asks
	maxNew   = 2 * netid.MaxRange     // observations that one sweep hands on
)

// Sweep sends one echo to all nodes of the link, then asks for the EUI-64 address of each known MAC that did not answer, once and, where
// silent, once more. It ends one second after the last question, or when ctx does. found hears of every neighbour meanwhile, once per
// (MAC, value), from one goroutine; it must return quickly. Sensor and Segment are for the caller to fill in. Where the segment's rules do not
// allow the echo to all, only the single questions are asked.
func Sweep(ctx context.Context, w *gate.Wire, known []netid.MAC, found func(observation.Observation)) error {
	filter, err := icmp6Only()
	if err != nil {
		return err
	}
	if err := w.Filter(filter); err != nil {
		return fmt.Errorf("filtering ICMPv6: %w", err)
	}
	name, own, ours := w.Interface()
	source, err := linkLocalOf(name, ours)
	if err != nil {
		return err
	}
	s := &sweep{wire: w, own: own, source: source, found: found, answered: map[netid.MAC]bool{}, seen: map[heardKey]bool{}}
	hearing, stop := context.WithCancel(ctx)
	heard := make(chan error, 1)
	go func() { heard <- s.hear(hearing) }()
	err = s.ask(ctx, known[:min(len(known), maxKnown)])
	stop()
	if herr := <-heard; err == nil && ctx.Err() == nil {
		err = herr
	}
	return err
}

func linkLocalOf(name string, ours []netip.Prefix) (netip.Addr, error) {
	for _, p := range ours {
		if a := p.Addr(); a.Is6() && !a.Is4In6() && a.IsLinkLocalUnicast() {
			return a.WithZone(""), nil
		}
	}
	return netip.Addr{}, fault.Newf(fault.Unavailable,
		"%s ではIPv6が使われていないため、IPv6の機器は確認していません。", "IPv6 is off on %s, so IPv6 devices were not looked for.", name)
}

type heardKey struct {
	mac   netid.MAC
	sig   observation.Signal
	value string
}

type sweep struct {
	wire   *gate.Wire
	own    netid.MAC
	source netip.Addr
	found  func(observation.Observation)
	seen   map[heardKey]bool // only the hearing goroutine's

	mu       sync.Mutex
	answered map[netid.MAC]bool // of those asked
}

func (s *sweep) ask(ctx context.Context, known []netid.MAC) error {
	echo, err := s.echoAll()
	if err != nil {
		return err
	}
	err = s.wire.Send(ctx, gate.EchoAllNodes, allNodes, groupMAC(allNodes), echo)
	if r, ok := errors.AsType[*gate.Refusal](err); ok && r.Code != "medical-link" && r.Code != "never-touch" || !ok && err != nil {
		return err // the link's devices are still asked one by one, where they may be
	}
	s.mu.Lock()
	for _, m := range known {
		s.answered[m] = s.answered[m]
	}
	s.mu.Unlock()
	for round := range 2 {
		if err := wait(ctx, grace); err != nil {
			return err
		}
		for _, m := range s.silent(known) {
			target := LinkLocal(m)
			frame, err := s.solicit(target)
			if err != nil {
				return err
			}
			err = s.wire.Send(ctx, gate.NeighborSolicit, target, m, frame)
			if r, ok := errors.AsType[*gate.Refusal](err); ok && r.Code != "never-touch" || !ok && err != nil {
				return fmt.Errorf("round %d: %w", round+1, err)
			}
		}
	}
	return wait(ctx, tail)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *sweep) silent(known []netid.MAC) []netid.MAC {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []netid.MAC
	for _, m := range known {
		if !s.answered[m] && m != s.own && !m.IsZero() && !m.Multicast() && !m.Shared() {
			left = append(left, m)
		}
	}
	return left
}

func (s *sweep) hear(ctx context.Context) error {
	for {
		frame, at, err := s.wire.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hearing ICMPv6: %w", err)
		}
		m, ok := parse(frame)
		if !ok || m.mac == s.own {
			continue
		}
		s.mu.Lock()
		if _, asked := s.answered[m.mac]; asked && m.ip.IsLinkLocalUnicast() {
			s.answered[m.mac] = true
		}
		s.mu.Unlock()
		from := "heard"
		if m.echo || m.reply {
			from = "sweep"
		}
		for _, o := range m.observe(from, at) {
			key := heardKey{o.MAC, o.Signal, o.Value}
			if s.seen[key] || len(s.seen) >= maxNew {
				continue
			}
			s.seen[key] = true
			s.found(o)
		}
	}
}

// groupMAC is the Ethernet address of an IPv6 group (RFC 2464, section 7).
func groupMAC(g netip.Addr) netid.MAC {
	b := g.As16()
	return netid.MAC{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

func (s *sweep) echoAll() ([]byte, error) {
	payload := make([]byte, 12) // id, sequence, and 8 bytes of noise
	if _, err := rand.Read(payload); err != nil {
		return nil, fmt.Errorf("making an echo: %w", err)
	}
	binary.BigEndian.PutUint16(payload[2:], 1)
	return s.frame(allNodes, 1, layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0), gopacket.Payload(payload))
}

func (s *sweep) solicit(target netip.Addr) ([]byte, error) {
	t := target.As16()
	group := solicitedPrefix.Addr().As16()
	copy(group[13:], t[13:])
	return s.frame(netip.AddrFrom16(group), 255, layers.CreateICMPv6TypeCode(layers.ICMPv6TypeNeighborSolicitation, 0),
		&layers.ICMPv6NeighborSolicitation{TargetAddress: net.IP(t[:]),
			Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: s.own[:]}}})
}

func (s *sweep) frame(to netip.Addr, hops uint8, kind layers.ICMPv6TypeCode, body gopacket.SerializableLayer) ([]byte, error) {
	src, dst, mac := s.source.As16(), to.As16(), groupMAC(to)
	ip := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolICMPv6, HopLimit: hops, SrcIP: src[:], DstIP: dst[:]}
	icmp := &layers.ICMPv6{TypeCode: kind}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, fmt.Errorf("making an ICMPv6 frame: %w", err)
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: s.own.Hardware(), DstMAC: mac.Hardware(), EthernetType: layers.EthernetTypeIPv6}, ip, icmp, body)
	if err != nil {
		return nil, fmt.Errorf("making an ICMPv6 frame: %w", err)
	}
	return buf.Bytes(), nil
}

// icmp6Only keeps everything but ICMPv6 (plain, or behind the hop-by-hop header of MLD) away from the socket.
func icmp6Only() ([]bpf.RawInstruction, error) {
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipFalse: 4},
		bpf.LoadAbsolute{Off: 20, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 58, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipFalse: 1},
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	})
}
