package ledger

import (
	"context"
	"database/sql"
	"errors"

	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
)

// Claim follows up a device's own list of its network cards (IF-MIB), or a switch's word of who sits behind a management address: entries that
// stand for one of these cards are the same device. A card that is seen with an address of its own, and whose number is not next to the
// device's, is only proposed: anybody can claim anything over SNMP, and number its card as it likes. So is a newcomer's claim on a device that
// people know: it would vanish behind that name. MACs that nobody has seen are passed over.
func (l *Ledger) Claim(ctx context.Context, tx *store.Tx, id netid.DeviceID, macs []netid.MAC) ([]Change, error) {
	return l.claims(ctx, tx, id, macs, true)
}

// claims is Claim; own says that the device itself lists the cards, and not that their owner names the device.
func (l *Ledger) claims(ctx context.Context, tx *store.Tx, id netid.DeviceID, macs []netid.MAC, own bool) ([]Change, error) {
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, m := range macs {
		if !owned(m) || d.has(m) {
			continue
		}
		other, err := ownerOf(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		if other == "" || other == d.ID {
			continue
		}
		o, err := get(ctx, tx, other)
		if err != nil {
			return nil, err
		}
		likely := Maybe
		claimer, claimed := d, o
		if !own {
			claimer, claimed = o, d
		}
		if (d.near(m) || !o.addressed()) && (claimer.State != New || claimed.State == New) {
			likely = Certain
		}
		changes, err := l.unite(ctx, tx, pair{d.ID, o.ID, likely, []i18n.Text{t("機器が自分のネットワークカードとして挙げています("+m.String()+")",
			"The device lists this network card as its own ("+m.String()+")")}})
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// ownerOf returns whose a MAC is, "" when nobody's.
func ownerOf(ctx context.Context, tx *store.Tx, m netid.MAC) (netid.DeviceID, error) {
	var id string
	err := tx.Row(ctx, `SELECT d.root FROM ledger_interfaces i JOIN ledger_devices d ON d.facility_id = i.facility_id AND d.id = i.device_id
		WHERE i.facility_id = $1 AND i.mac = $2`, m.String()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return netid.DeviceID(id), err
}

func (d *Device) has(m netid.MAC) bool {
	for _, i := range d.Interfaces {
		if i.MAC == m {
			return true
		}
	}
	return false
}

// near reports whether a MAC differs from one of the device's in its last byte alone: makers number the cards of one device in a row.
func (d *Device) near(m netid.MAC) bool {
	for _, i := range d.Interfaces {
		if [5]byte(i.MAC[:5]) == [5]byte(m[:5]) {
			return true
		}
	}
	return false
}

func (d *Device) addressed() bool {
	for _, i := range d.Interfaces {
		if len(i.IPv4) > 0 || len(i.IPv6) > 0 {
			return true
		}
	}
	return false
}

// ClaimByAddress ties a card that told its neighbours a management address to the device that has this address, if that device's cards are
// numbered in a row with it.
func (l *Ledger) ClaimByAddress(ctx context.Context, tx *store.Tx, ip string, m netid.MAC) ([]Change, error) {
	var holders []netid.DeviceID
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id netid.DeviceID
		err := r.Scan(&id)
		holders = append(holders, id)
		return err
	}, `SELECT DISTINCT d.root FROM ledger_addresses a JOIN ledger_devices d ON d.facility_id = a.facility_id AND d.id = a.device_id
		WHERE a.facility_id = $1 AND a.ip = $2`, ip)
	if err != nil {
		return nil, err
	}
	for _, id := range holders {
		d, err := get(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if d.near(m) && !d.has(m) {
			return l.claims(ctx, tx, id, []netid.MAC{m}, false)
		}
	}
	return nil, nil
}
