package arp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/bpf"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

const (
	grace  = 250 * time.Millisecond // for the last answers, before the silent are asked again
	tail   = time.Second            // after the last question
	maxNew = 2 * netid.MaxRange     // observations that one sweep hands on; a flood of made-up senders ends there
)

// Options of a sweep; all may be left out.
type Options struct {
	// Skip leaves addresses out, so that a sweep that was cut short goes on where it stopped.
	Skip func(netip.Addr) bool
	// Progress is told after every question. It is called from Sweep's own goroutine and must return at once.
	Progress func(Progress)
}

// Progress counts questions of one round. In the second round only those that stayed silent are asked, so Total is smaller.
type Progress struct {
	Round, Asked, Total int
	Last                netip.Addr // asked just now
}

// Sweep asks every address of the range once, those that stayed silent once more, and ends one second after the last question, or when
// ctx does. found hears of every ARP sender on the link meanwhile, also of those whose address lies outside the range; it is called from
// one goroutine, once per (MAC, address), and must return quickly. Sensor and Segment are for the caller to fill in. A host that must not be
// touched is left out; any other refusal of the gate ends the sweep and is returned.
func Sweep(ctx context.Context, w *gate.Wire, p netip.Prefix, opt Options, found func(observation.Observation)) error {
	todo, err := addresses(p, opt.Skip)
	if err != nil {
		return err
	}
	filter, err := arpOnly()
	if err != nil {
		return err
	}
	if err := w.Filter(filter); err != nil {
		return fmt.Errorf("filtering ARP: %w", err)
	}
	_, own, ours := w.Interface()
	s := &sweep{wire: w, own: own, source: sourceFor(ours, p), p: p, found: found,
		answered: map[netip.Addr]bool{}, seen: map[sender]bool{}, opt: opt}
	hearing, stop := context.WithCancel(ctx)
	heard := make(chan error, 1)
	go func() { heard <- s.hear(hearing) }()
	err = s.ask(ctx, todo)
	stop()
	if herr := <-heard; err == nil && ctx.Err() == nil {
		err = herr
	}
	return err
}

// addresses lists the range; network and broadcast addresses are asked too, since a segment may be cut smaller than the network is.
func addresses(p netip.Prefix, skip func(netip.Addr) bool) ([]netip.Addr, error) {
	p = p.Masked()
	switch {
	case !p.Addr().Is4():
		return nil, fault.Newf(fault.Invalid, "%s: ARPで確認できるのはIPv4だけです。", "%s: ARP is for IPv4 only.", p)
	case p.Bits() < 16:
		return nil, fault.Newf(fault.TooLarge, "%s は広すぎます(/16 まで)。区画ごとに分けてください。",
			"%s is larger than a /16: split it into segments.", p)
	}
	var list []netip.Addr
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		if skip == nil || !skip(a) {
			list = append(list, a)
		}
	}
	return list, nil
}

type sender struct {
	mac netid.MAC
	ip  netip.Addr
}

type sweep struct {
	wire   *gate.Wire
	own    netid.MAC
	source netip.Addr
	p      netip.Prefix
	opt    Options
	found  func(observation.Observation)
	seen   map[sender]bool // only the hearing goroutine's

	mu       sync.Mutex
	answered map[netip.Addr]bool
}

func (s *sweep) ask(ctx context.Context, todo []netip.Addr) error {
	for round := 1; round <= 2; round++ {
		for i, a := range todo {
			err := s.wire.Send(ctx, gate.ARPRequest, a, netid.MAC{}, request(s.own, s.source, a))
			if r, ok := errors.AsType[*gate.Refusal](err); ok && r.Code != "never-touch" || !ok && err != nil {
				return err
			}
			if s.opt.Progress != nil {
				s.opt.Progress(Progress{Round: round, Asked: i + 1, Total: len(todo), Last: a})
			}
		}
		wait := grace
		if round == 2 {
			wait = tail
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		todo = s.silent(todo)
	}
	return nil
}

// silent returns those of asked that nobody has answered for.
func (s *sweep) silent(asked []netip.Addr) []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []netip.Addr
	for _, a := range asked {
		if a != s.source && !s.answered[a] {
			left = append(left, a)
		}
	}
	return left
}

// hear reads until ctx ends.
func (s *sweep) hear(ctx context.Context) error {
	for {
		frame, at, err := s.wire.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hearing ARP: %w", err)
		}
		m, ok := parse(frame)
		if !ok || m.mac == s.own {
			continue
		}
		if s.p.Contains(m.ip) {
			s.mu.Lock()
			s.answered[m.ip] = true
			s.mu.Unlock()
		}
		key := sender{m.mac, m.ip}
		if s.seen[key] || len(s.seen) >= maxNew {
			continue
		}
		s.seen[key] = true
		from := "heard"
		if m.reply && m.target == s.source && s.p.Contains(m.ip) {
			from = "sweep"
		}
		s.found(m.observe(from, at))
	}
}

// arpOnly keeps everything but ARP away from the socket; the kernel has taken a VLAN tag off before the filter sees the frame, but not
// where the driver leaves it in.
func arpOnly() ([]bpf.RawInstruction, error) {
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0806, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 16, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0806, SkipFalse: 1},
		bpf.RetConstant{Val: 256},
		bpf.RetConstant{Val: 0},
	})
}
