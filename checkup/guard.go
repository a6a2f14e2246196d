package checkup

import (
	"context"
	"fmt"

	"kenshin/facility"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
)

// Guard tells the gate of every device that the ledger knows as medical or never to be touched, by all its cards and addresses, before the
// first frame goes out. It only ever adds protection.
func (c *Checkup) Guard(ctx context.Context, f facility.ID) error {
	medical := true
	for cursor := ""; ; {
		page, err := c.Ledger.List(ctx, f, ledger.Query{Medical: &medical, Cursor: cursor, Limit: 500})
		if err != nil {
			return fmt.Errorf("read whom to protect: %w", err)
		}
		for _, d := range page.Devices {
			for _, k := range hostKeys(d) {
				c.Gate.Protect(k, i18n.Text{Ja: "台帳で医療機器", En: "medical in the ledger"}.Ja)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for cursor := ""; ; {
		page, err := c.Ledger.List(ctx, f, ledger.Query{NeverTouch: true, Cursor: cursor, Limit: 500})
		if err != nil {
			return fmt.Errorf("read whom never to touch: %w", err)
		}
		for _, d := range page.Devices {
			for _, k := range hostKeys(d) {
				c.Gate.NeverTouch(k)
			}
		}
		if cursor = page.Next; cursor == "" {
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
		for _, ip := range card.IPv4 {
			list = append(list, gate.HostKey{Segment: card.Segment, IP: ip, MAC: card.MAC})
		}
	}
	return list
}
