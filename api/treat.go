package api

import (
	"context"
	"slices"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
)

// tellGate writes a word about a device into the gate's book, under all names that the gate knows it by.
func (s *server) tellGate(ctx context.Context, f facility.ID, d *ledger.Device, w gate.Word, reason string) error {
	words, err := s.Gates.Words(ctx, f)
	if err != nil {
		return err
	}
	hosts := hostsOf(d)
	if w == gate.SaidNeverTouch {
		hosts = append(hosts, addressesOf(d)...)
	}
	for _, h := range hosts {
		if slices.ContainsFunc(words, func(e gate.WordEntry) bool { return e.Word == w && e.HostKey == h }) {
			continue
		}
		if _, err := s.Gates.Say(ctx, f, h, d.ID, w, reason); err != nil {
			return err
		}
	}
	return nil
}

// takeBack removes the words of a kind about a device.
func (s *server) takeBack(ctx context.Context, f facility.ID, id netid.DeviceID, w gate.Word) error {
	words, err := s.Gates.Words(ctx, f)
	if err != nil {
		return err
	}
	for _, e := range words {
		if e.Device == id && e.Word == w {
			if err := s.Gates.TakeBack(ctx, f, e.ID); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	return nil
}

// sayMedical tells the gate what somebody said about being medical. A yes protects at once; a no takes protection away only when it comes from
// who may decide about sending.
func (s *server) sayMedical(ctx context.Context, f facility.ID, before, after *ledger.Device) error {
	if after.Medical() && !before.Medical() {
		c, err := s.Work.For(ctx, f)
		if err != nil {
			return err
		}
		for _, h := range hostsOf(after) {
			c.Gate.Protect(h, "医療機器と記入された")
		}
	}
	not := func(d *ledger.Device) bool { return d.Word.Medical != nil && !*d.Word.Medical }
	switch {
	case not(before) == not(after) || !actor.From(ctx).Role.May(actor.EditSegments):
		return nil
	case not(after):
		return s.tellGate(ctx, f, after, gate.SaidNotMedical, "台帳で「医療機器ではない」と記入")
	}
	return s.takeBack(ctx, f, after.ID, gate.SaidNotMedical)
}

// hostsOf names a device as the gate does: by its MACs, and by address where the MAC is unknown.
func hostsOf(d *ledger.Device) []gate.HostKey {
	var out []gate.HostKey
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			out = append(out, gate.HostKey{MAC: i.MAC})
			continue
		}
		for _, ip := range i.IPv4 {
			out = append(out, gate.HostKey{Segment: i.Segment, IP: ip})
		}
	}
	return out
}

// addressesOf names the addresses of a device's cards: behind a router, where no frame shows a card, they alone keep it from being touched.
func addressesOf(d *ledger.Device) []gate.HostKey {
	var out []gate.HostKey
	for _, i := range d.Interfaces {
		for _, ip := range i.IPv4 {
			if !i.MAC.IsZero() {
				out = append(out, gate.HostKey{Segment: i.Segment, IP: ip})
			}
		}
	}
	return out
}
