package checkup

import (
	"context"
	"fmt"
	"slices"

	"kenshin/facility"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// mostCards bounds how many cards of one agent's list are followed up: a large chassis has some hundreds.
const mostCards = 1000

// listed returns the cards that a host says are its own (IF-MIB).
func listed(seen []observation.Observation) (own []netid.MAC) {
	for i := range seen {
		if o := &seen[i]; o.Signal == observation.SNMPIf && len(own) < mostCards {
			if m, err := netid.ParseMAC(o.Detail["mac"]); err == nil && !slices.Contains(own, m) {
				own = append(own, m)
			}
		}
	}
	return own
}

// findMutual looks whether the hosts behind the cards that devices list as their own say the same of them: one alone may say what it likes.
func (c *Checkup) findMutual(ctx context.Context, f facility.ID, list []verdict) error {
	var keys []string
	for i := range list {
		v := &list[i]
		mine := v.device.MACs()
		for _, m := range listed(v.seen) {
			if !slices.Contains(mine, m) {
				v.cards, keys = append(v.cards, m), append(keys, subjectOf(m))
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	seen, err := c.Seen.OfEach(ctx, f, slices.Compact(keys))
	if err != nil {
		return fmt.Errorf("read what the listed cards say: %w", err)
	}
	for i := range list {
		v := &list[i]
		mine := v.device.MACs()
		v.mutual = map[netid.MAC]bool{}
		for _, m := range v.cards {
			back := listed(seen[subjectOf(m)])
			v.mutual[m] = slices.ContainsFunc(mine, func(own netid.MAC) bool { return own != m && slices.Contains(back, own) })
		}
	}
	return nil
}

func subjectOf(m netid.MAC) string {
	o := observation.Observation{MAC: m}
	return o.Subject()
}

// claims ties a device's cards together: by its own list of them, or by the management address that it tells its neighbours.
func (c *Checkup) claims(ctx context.Context, tx *store.Tx, v *verdict) ([]ledger.Change, error) {
	if len(listed(v.seen)) > 0 {
		return c.Ledger.Claim(ctx, tx, v.device.ID, v.cards, v.mutual)
	}
	var changes []ledger.Change
	for i := range v.seen {
		o := &v.seen[i]
		if o.Signal != observation.LLDP && o.Signal != observation.CDP || o.Detail["mgmt"] == "" {
			continue
		}
		more, err := c.Ledger.ClaimByAddress(ctx, tx, o.Detail["mgmt"], o.MAC)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}
