package arp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// status asks a Windows-like host for its names (RFC 1002, 4.2.17). Here it only makes the kernel ask who has the address.
const status = "\x4b\x53\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01"

const (
	kernelRate = 200             // hosts a second: the kernel's table holds 1,024, and one that is silent stays in it for three seconds
	kernelAsks = 3               // ARP questions that the kernel sends for a silent host
	kernelTail = 3 * time.Second // until it gives up the last one
)

// Kernel says what a sweep without raw sockets left open.
type Kernel struct {
	Asked    int
	NotAsked int // without raw sockets an ARP question alone cannot be sent: protected devices, and all of a medical segment, got nothing
}

// SweepKernel is Sweep for a machine without the right to raw sockets: it sends one NetBIOS question to each address, which makes the kernel
// ask by ARP, and reads the kernel's table. In a segment where medical devices live it only reads the table, for the question would reach a device
// before its maker is known. It is slower, misses protected devices and those with an address of another network, and may
// report a device that left in the last minute; its observations say from: kernel.
func SweepKernel(ctx context.Context, g *gate.Gate, segment string, p netip.Prefix, opt Options, found func(observation.Observation)) (Kernel, error) {
	var k Kernel
	todo, err := addresses(p, opt.Skip)
	if err != nil {
		return k, err
	}
	seg := g.Host(segment, p.Addr(), netid.MAC{}).Segment()
	if seg == nil || seg.Routed {
		return k, fault.New(fault.Denied, "承認された、この機械がつながっている区画ではありません。", "This is not an approved segment that the machine is on.")
	}
	seen := map[sender]bool{}
	if seg.Medical {
		k.NotAsked = len(todo)
		return k, readTable(p, seen, found)
	}
	each := max(time.Second/kernelRate, kernelAsks*time.Second/time.Duration(seg.Pace.FramesPerSecond()-1))
	pace := time.NewTicker(each)
	defer pace.Stop()
	read := time.NewTicker(500 * time.Millisecond)
	defer read.Stop()
	for i := 0; i < len(todo); {
		select {
		case <-ctx.Done():
			return k, ctx.Err()
		case <-read.C:
			if err := readTable(p, seen, found); err != nil {
				return k, err
			}
			continue
		case <-pace.C:
		}
		switch err := touch(ctx, g.Host(segment, todo[i], netid.MAC{})); {
		case err == nil:
			k.Asked++
		case refusedOne(err):
			k.NotAsked++
		default:
			return k, err
		}
		if i++; opt.Progress != nil {
			opt.Progress(Progress{Round: 1, Asked: i, Total: len(todo), Last: todo[i-1]})
		}
	}
	select {
	case <-ctx.Done():
		return k, ctx.Err()
	case <-time.After(kernelTail):
	}
	return k, readTable(p, seen, found)
}

// refusedOne reports a refusal that concerns one host and not the segment.
func refusedOne(err error) bool {
	r, ok := errors.AsType[*gate.Refusal](err)
	return ok && (r.Code == "never-touch" || r.Code == "medical")
}

func touch(ctx context.Context, h *gate.Host) error {
	conn, err := h.UDP(ctx, 137, gate.NBNSQuery)
	if err == nil {
		_, err = conn.Write([]byte(status))
		_ = conn.Close()
	}
	if _, ok := errors.AsType[*gate.Refusal](err); ok || ctx.Err() != nil {
		return err
	}
	return nil // no route, no such host: an answer of its own
}

func readTable(p netip.Prefix, seen map[sender]bool, found func(observation.Observation)) error {
	table, err := gate.Neighbors()
	if err != nil {
		return fmt.Errorf("reading the kernel's ARP table: %w", err)
	}
	for _, n := range table {
		key := sender{n.MAC, n.IP}
		if !p.Contains(n.IP) || seen[key] {
			continue
		}
		seen[key] = true
		found(message{mac: n.MAC, ip: n.IP}.observe("kernel", time.Now()))
	}
	return nil
}
