package checkup

import (
	"context"
	"fmt"
	"slices"

	"kenshin/facility"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
)

// Guard tells the gate of every device that the ledger knows as medical or never to be touched, by all its cards and addresses, before the
// first frame goes out. It only ever adds protection: a retired device may still hang on the network, and where a person says "not medical" of
// what the machine holds for medical, the gate's book decides (only who may unlock devices writes there).
func (c *Checkup) Guard(ctx context.Context, f facility.ID) error {
	medical := true
	known, found := i18n.Text{Ja: "台帳で医療機器", En: "medical in the ledger"}.Ja, i18n.Text{Ja: "医療機器と判定された", En: "identified as medical"}.Ja
	err := c.each(ctx, f, ledger.Query{Medical: &medical}, func(_ *ledger.Device, k gate.HostKey) { c.Gate.Protect(k, known) })
	if err == nil {
		err = c.each(ctx, f, ledger.Query{Conflicts: true}, func(d *ledger.Device, k gate.HostKey) {
			if d.Identity.Medical {
				c.Gate.Protect(k, found)
			}
		})
	}
	if err == nil {
		err = c.each(ctx, f, ledger.Query{NeverTouch: true}, func(_ *ledger.Device, k gate.HostKey) { c.Gate.NeverTouch(k) })
	}
	return err
}

// each calls fn with every name of every device that a question chooses, whatever its state.
func (c *Checkup) each(ctx context.Context, f facility.ID, q ledger.Query, fn func(*ledger.Device, gate.HostKey)) error {
	q.States, q.Limit = []ledger.State{ledger.New, ledger.Registered, ledger.Excluded, ledger.Retired}, 500
	for {
		page, err := c.Ledger.List(ctx, f, q)
		if err != nil {
			return fmt.Errorf("read whom to protect: %w", err)
		}
		for _, d := range page.Devices {
			for _, k := range hostKeys(d) {
				fn(d, k)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// hostKeys are the names under which the gate may meet a device.
func hostKeys(d *ledger.Device) (list []gate.HostKey) {
	for _, card := range d.Interfaces {
		if !card.MAC.IsZero() {
			list = append(list, gate.HostKey{Segment: card.Segment, MAC: card.MAC}, gate.HostKey{MAC: card.MAC})
		}
		for _, ip := range slices.Concat(card.IPv4, card.IPv6) {
			list = append(list, gate.HostKey{Segment: card.Segment, IP: ip, MAC: card.MAC})
		}
	}
	return list
}

// Shield tells the gate at once of devices that people have just marked; Guard would do it when the next step begins. It only ever adds protection.
func (c *Checkup) Shield(devices []*ledger.Device) {
	for _, d := range devices {
		for _, k := range hostKeys(d) {
			if d.Medical() {
				c.Gate.Protect(k, i18n.Text{Ja: "台帳で医療機器", En: "medical in the ledger"}.Ja)
			}
			if d.NeverTouch {
				c.Gate.NeverTouch(k)
			}
		}
	}
}
