package checkup

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"kenshin/discover/arp"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
)

// staleAfter is how long it counts that a card answered for an address: after a pause, or late in a long sweep, DHCP may have given the address
// to another device, which nobody approved to be asked.
const staleAfter = 2 * time.Minute

// old reports whether a sighting of that age counts no more; one of the future comes from a clock that was set back, and its age is not known.
func old(age time.Duration) bool { return age > staleAfter || age < 0 }

// meetAgain asks by ARP once more who has the addresses of hosts that were found a while ago, and leaves out those whose address another card
// answers for now. That card becomes a host of the sweep of its own.
func (c *Checkup) meetAgain(ctx context.Context, f facility.ID, s *Sweep, seg *gate.Segment, hosts []host) ([]host, error) {
	stale := map[netip.Addr]bool{}
	for i := range hosts {
		if h := &hosts[i]; h.IP.Is4() && !h.MAC.IsZero() && old(c.Now().Sub(h.At)) {
			stale[h.IP] = true
		}
	}
	if len(stale) == 0 || seg.Routed {
		return hosts, nil
	}
	w, err := c.Gate.Wire(seg.ID)
	_, refused := errors.AsType[*gate.Refusal](err)
	if refused || fault.Is(err, fault.Unavailable) {
		return hosts, nil // the gate answers for each host; without raw sockets it has the kernel's table
	}
	if err != nil {
		return nil, err
	}
	defer w.Close()
	got := c.collect(context.WithoutCancel(ctx), f, s.ID, seg)
	var mu sync.Mutex
	now := map[netip.Addr][]netid.MAC{}
	err = arp.Sweep(ctx, w, seg.Prefix, arp.Options{Skip: func(a netip.Addr) bool { return !stale[a] }}, func(o observation.Observation) {
		mu.Lock()
		now[o.IP] = append(now[o.IP], o.MAC)
		mu.Unlock()
		got.add(o)
	})
	if _, refused := errors.AsType[*gate.Refusal](err); refused {
		err = nil // out of hours, or the kill switch: each host is held with that reason
	}
	if err = errors.Join(err, got.close()); err != nil {
		return nil, err
	}
	here := hosts[:0:0]
	for i := range hosts {
		h := &hosts[i]
		if macs := now[h.IP]; stale[h.IP] && len(macs) > 0 && !slices.Contains(macs, h.MAC) {
			if err := c.setHost(context.WithoutCancel(ctx), f, s.ID, h, held, "moved"); err != nil {
				return nil, err
			}
			continue
		}
		here = append(here, *h)
	}
	return here, nil
}
