package ledger

import (
	"context"
	"database/sql"
	"errors"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
)

// Claim follows up a device's own list of its network cards (IF-MIB): entries that stand for one of these cards may be the same device. The list
// is the device's word, and anybody with an agent can list anybody's card. So they are joined without a person only where nothing can hide
// behind it: the card has no address of its own (a switch's port), or mutual says that the host behind the card lists one of the device's cards
// as well. All else is proposed, and so is a newcomer's claim on a device that people know. MACs that nobody has seen are passed over.
func (l *Ledger) Claim(ctx context.Context, tx *store.Tx, id netid.DeviceID, macs []netid.MAC, mutual map[netid.MAC]bool) ([]Change, error) {
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var out []Change
	for _, m := range macs {
		if !owned(m) || d.has(m) {
			continue
		}
		o, err := d.other(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		changes, err := l.unite(ctx, tx, claimed(d, o, d, mutual[m], t("機器が自分のネットワークカードとして挙げています("+m.String()+")",
			"The device lists this network card as its own ("+m.String()+")")))
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// claimed judges a claim: claimer is the one of the two that says so.
func claimed(d, o, claimer *Device, mutual bool, why i18n.Text) pair {
	of := o
	if claimer == o {
		of = d
	}
	p := pair{a: d.ID, b: o.ID, likely: Maybe, why: []i18n.Text{why}}
	switch {
	case claimer.State == New && of.State != New:
	case mutual:
		p.likely = Certain
	case !o.addressed() && !known(o):
		p.likely, p.silent = Certain, true
	}
	return p
}

// reconsider takes apart what was joined without a person because a card had no address, now that it shows one: it may be a device of its own
// that hides behind the other. The two stay proposed.
func (l *Ledger) reconsider(ctx context.Context, tx *store.Tx, entry, root netid.DeviceID) ([]Change, error) {
	var id string
	err := tx.Row(ctx, `SELECT id FROM ledger_merges WHERE facility_id = $1 AND kind = 'merge' AND state = 'done' AND winner = $2 AND loser = $3
		ORDER BY at DESC, id DESC LIMIT 1`, string(root), string(entry)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := getMerge(ctx, tx, id)
	if err != nil || !m.before.Silent {
		return nil, err
	}
	changes, err := l.undo(ctx, tx, id)
	if fault.Is(err, fault.Conflict) { // merged on by a person, who saw the card
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := setMerge(ctx, tx, id, Proposed); err != nil {
		return nil, err
	}
	again := []Change{{Kind: MergeProposed, Device: root, Other: entry, At: l.now(), Signal: texts(m.Reasons)}}
	return append(changes, again...), l.record(ctx, tx, again)
}

// other returns the device that a MAC belongs to, nil where that is nobody or d itself.
func (d *Device) other(ctx context.Context, tx *store.Tx, m netid.MAC) (*Device, error) {
	id, err := ownerOf(ctx, tx, m)
	if err != nil || id == "" || id == d.ID {
		return nil, err
	}
	return get(ctx, tx, id)
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
// numbered in a row with it. It is joined without a person only while the card has no address of its own, as the ports of telephones, access
// points and switches have none, and nobody knows the device yet; see reconsider for one that shows an address later.
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
		if !d.near(m) || d.has(m) {
			continue
		}
		o, err := d.other(ctx, tx, m)
		if o == nil || err != nil {
			return nil, err
		}
		return l.unite(ctx, tx, claimed(d, o, o, false, t("機器が隣に、この機器の管理アドレスを名のっています("+m.String()+")",
			"The card tells its neighbours this device's management address ("+m.String()+")")))
	}
	return nil, nil
}
