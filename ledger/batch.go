package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"kenshin/facility"
	"kenshin/netid"
	"kenshin/store"
)

// Devices returns several devices at once, in the order of ids; ids that are not there or were merged away are left out.
func (l *Ledger) Devices(ctx context.Context, f facility.ID, ids []netid.DeviceID) (list []*Device, err error) {
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		list, err = load(ctx, tx, ids)
		return err
	})
	return list, err
}

// DevicesTx is Devices inside the caller's transaction.
func (l *Ledger) DevicesTx(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) ([]*Device, error) {
	return load(ctx, tx, ids)
}

// SubjectsOfAll is Subjects for devices that were loaded just now, by the device's id.
func (l *Ledger) SubjectsOfAll(ctx context.Context, f facility.ID, devices []*Device) (map[netid.DeviceID][]Subject, error) {
	out := make(map[netid.DeviceID][]Subject, len(devices))
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		for part := range slices.Chunk(devices, 64) {
			ids := make([]netid.DeviceID, len(part))
			for i, d := range part {
				ids[i] = d.ID
			}
			used := map[netid.DeviceID][]Address{}
			in, args := inList(2, ids)
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				var root string
				a, err := scanAddress(r, &root)
				used[netid.DeviceID(root)] = append(used[netid.DeviceID(root)], a)
				return err
			}, `SELECT d.root, x.mac, x.ip, x.segment, x.first_seen, x.last_seen, x.held FROM ledger_devices d JOIN ledger_addresses x
				ON x.facility_id = d.facility_id AND x.device_id = d.id WHERE d.facility_id = $1 AND d.root IN `+in+` ORDER BY x.last_seen DESC, x.ip, x.mac`, args...)
			if err != nil {
				return fmt.Errorf("read addresses: %w", err)
			}
			for _, d := range part {
				out[d.ID] = d.subjects(used[d.ID])
			}
		}
		return nil
	})
	return out, err
}

// Measurement is what the machine concludes of a device.
type Measurement struct {
	Device   netid.DeviceID
	Identity Identity
	Services []Service // everything that is open now
}

// Measure is SetIdentity and Tie for many devices in one go; at most a few dozen keep the transaction short. It returns each device as it was
// read in this transaction, with the new identity, in the order of list; nil for one that is not there.
func (l *Ledger) Measure(ctx context.Context, tx *store.Tx, list []Measurement) ([]*Device, []Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, nil, err
	}
	ids := make([]netid.DeviceID, len(list))
	for i := range list {
		ids[i] = list[i].Device
	}
	known, err := loadByAny(ctx, tx, ids)
	if err != nil {
		return nil, nil, err
	}
	out := make([]*Device, len(list))
	var changes []Change
	for i := range list {
		d := known[ids[i]]
		if d == nil {
			continue
		}
		out[i] = d
		set, err := l.setIdentity(ctx, tx, d, list[i].Identity, list[i].Services)
		if err != nil {
			return nil, nil, fmt.Errorf("write what %s is: %w", d.ID, err)
		}
		tied, err := l.tie(ctx, tx, d)
		if err != nil {
			return nil, nil, fmt.Errorf("look for the same device as %s elsewhere: %w", d.ID, err)
		}
		changes = append(append(changes, set...), tied...)
		if len(tied) == 0 {
			continue
		}
		if known, err = loadByAny(ctx, tx, ids); err != nil { // a merge moved what belongs to whom
			return nil, nil, err
		}
	}
	return out, changes, nil
}

// loadByAny loads the devices that these ids lead to, by the ids given.
func loadByAny(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) (map[netid.DeviceID]*Device, error) {
	roots := make(map[netid.DeviceID]netid.DeviceID, len(ids))
	for part := range slices.Chunk(ids, 64) {
		in, args := inList(2, part)
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var id, root netid.DeviceID
			err := r.Scan(&id, &root)
			roots[id] = root
			return err
		}, "SELECT id, root FROM ledger_devices WHERE facility_id = $1 AND id IN "+in, args...)
		if err != nil {
			return nil, err
		}
	}
	var distinct []netid.DeviceID
	for _, id := range ids {
		if r, ok := roots[id]; ok && !slices.Contains(distinct, r) {
			distinct = append(distinct, r)
		}
	}
	list, err := load(ctx, tx, distinct)
	if err != nil {
		return nil, err
	}
	byRoot := make(map[netid.DeviceID]*Device, len(list))
	for _, d := range list {
		byRoot[d.ID] = d
	}
	out := make(map[netid.DeviceID]*Device, len(ids))
	for _, id := range ids {
		if d := byRoot[roots[id]]; d != nil {
			out[id] = d
		}
	}
	return out, nil
}
