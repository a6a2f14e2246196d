// Package echo asks each address of a routed segment once, by one ICMP echo, whether a device is there.
package echo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// tail is how long answers are awaited after the last question; a routed answer may come from another house.
const tail = 1500 * time.Millisecond

// Options of a sweep; all may be left out.
type Options struct {
	// Skip leaves addresses out, so that a sweep that was cut short goes on where it stopped.
	Skip func(netip.Addr) bool
	// Progress is told after every question, with the address asked just now. It is called from Sweep's own goroutine and must return at once.
	Progress func(asked, total int, last netip.Addr)
}

// Sweep asks every address of the range exactly once and ends 1.5 s after the last question, or when ctx does. found hears of each that
// answered, once, from one goroutine. Sensor and Segment are for the caller to fill in. A host that must not be touched is left out; any
// other refusal of the gate ends the sweep and is returned.
func Sweep(ctx context.Context, e *gate.Echo, p netip.Prefix, opt Options, found func(observation.Observation)) error {
	p = p.Masked()
	if !p.IsValid() || p.Addr().BitLen()-p.Bits() > 16 {
		return fault.Newf(fault.TooLarge, "%s は広すぎます(アドレス %d 個まで)。区画ごとに分けてください。",
			"%s has more than %d addresses: split it into segments.", p, netid.MaxRange)
	}
	var todo []netip.Addr
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		if opt.Skip == nil || !opt.Skip(a) {
			todo = append(todo, a)
		}
	}
	s := &sweep{echo: e, asked: make(map[netip.Addr]bool, len(todo)), found: found}
	hearing, stop := context.WithCancel(ctx)
	heard := make(chan error, 1)
	go func() { heard <- s.hear(hearing) }()
	err := s.ask(ctx, todo, opt.Progress)
	stop()
	if herr := <-heard; err == nil && ctx.Err() == nil {
		err = herr
	}
	return err
}

type sweep struct {
	echo  *gate.Echo
	found func(observation.Observation)

	mu    sync.Mutex
	asked map[netip.Addr]bool // true until the answer is in
}

// noWay is how many first addresses without a route say that there is none to the range.
const noWay = 8

func (s *sweep) ask(ctx context.Context, todo []netip.Addr, progress func(int, int, netip.Addr)) error {
	lost := 0
	for i, a := range todo {
		s.mu.Lock()
		s.asked[a] = true
		s.mu.Unlock()
		err := s.echo.Send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// a router's "no such host" comes back as an error of the next send: only a refusal ends the sweep
		if r, ok := errors.AsType[*gate.Refusal](err); ok && r.Code != "never-touch" {
			return err
		}
		if errors.Is(err, syscall.ENETUNREACH) {
			lost++
		}
		if lost == i+1 && (lost == noWay || lost == len(todo)) { // silence here would look like an empty network
			return fault.Newf(fault.Unavailable, "%s への経路がこの機械にありません。範囲の書き間違いか、ルータの設定(デフォルトゲートウェイ)を確かめてください。",
				"This machine has no route to %s. Check the range for a typing error, and the default gateway.", todo[0])
		}
		if progress != nil {
			progress(i+1, len(todo), a)
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(tail):
		return nil
	}
}

func (s *sweep) hear(ctx context.Context) error {
	for {
		from, ttl, at, err := s.echo.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("hearing echoes: %w", err)
		}
		from = from.Unmap().WithZone("")
		s.mu.Lock()
		waiting := s.asked[from]
		s.asked[from] = false
		if !waiting {
			delete(s.asked, from) // answers of strangers take no memory
		}
		s.mu.Unlock()
		if waiting {
			s.found(observation.Observation{IP: from, Signal: observation.ICMPEcho, Value: "reply",
				Detail: map[string]string{"ttl": strconv.Itoa(ttl)}, At: at})
		}
	}
}
