package ledger

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"kenshin/netid"
	"kenshin/store"
)

// Brief is what counts over a whole ledger need of a device; Devices gives the rest of those that are to be named.
type Brief struct {
	ID         netid.DeviceID
	State      State
	Kind       string // a person's word, else the machine's
	OSKnown    bool
	Medical    bool
	NeverTouch bool
	FirstSeen  time.Time // zero: never seen on the wire
	LastSeen   time.Time
	ChangedAt  time.Time
}

// Census returns every device that stands for itself, the retired too, in one pass over narrow rows.
func (l *Ledger) Census(ctx context.Context, tx *store.Tx) ([]Brief, error) {
	var out []Brief
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var b Brief
		var first, last, changed int64
		if err := r.Scan(&b.ID, &b.State, &b.Kind, &b.OSKnown, &b.Medical, &b.NeverTouch, &first, &last, &changed); err != nil {
			return err
		}
		b.FirstSeen, b.LastSeen, b.ChangedAt = store.Time(first), store.Time(last), store.Time(changed)
		out = append(out, b)
		return nil
	}, `SELECT id, state, kind, os_key <> '', medical, never_touch, first_seen, last_seen, changed_at FROM ledger_devices
		WHERE facility_id = $1 AND merged_into = '' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Cards says whose each MAC is, and whose each address of those hosts behind a router whose MAC nobody told; as text, like an observation's.
func (l *Ledger) Cards(ctx context.Context, tx *store.Tx) (map[string]netid.DeviceID, error) {
	out := map[string]netid.DeviceID{}
	for _, q := range []string{
		`SELECT i.mac, d.root FROM ledger_interfaces i JOIN ledger_devices d ON d.facility_id = i.facility_id AND d.id = i.device_id WHERE i.facility_id = $1`,
		`SELECT x.ip, d.root FROM ledger_addresses x JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
			WHERE x.facility_id = $1 AND x.mac = '' ORDER BY x.last_seen`,
	} {
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var key string
			var id netid.DeviceID
			err := r.Scan(&key, &id)
			out[key] = id
			return err
		}, q)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Home is an address that a device holds.
type Home struct {
	Device netid.DeviceID
	IP     netip.Addr
}

// Homes returns the addresses at which devices were seen since a time and which they still hold.
func (l *Ledger) Homes(ctx context.Context, tx *store.Tx, since time.Time) (out []Home, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var h Home
		var ip string
		if err := r.Scan(&h.Device, &ip); err != nil {
			return err
		}
		var err error
		h.IP, err = netip.ParseAddr(ip)
		out = append(out, h)
		return err
	}, `SELECT DISTINCT d.root, x.ip FROM ledger_addresses x JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
		WHERE x.facility_id = $1 AND x.held AND x.last_seen >= $2 ORDER BY 1, 2`, store.Micros(since))
	return out, err
}

// RemoteLines returns the devices of which a person wrote that they are maintained from outside, or that they are not.
func (l *Ledger) RemoteLines(ctx context.Context, tx *store.Tx) ([]*Device, error) {
	var ids []netid.DeviceID
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id netid.DeviceID
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT d.id FROM ledger_devices d JOIN ledger_contents c ON c.facility_id = d.facility_id AND c.device_id = d.id
		WHERE d.facility_id = $1 AND d.merged_into = '' AND d.state <> 'retired' AND c.word LIKE '%"remote_type":%' ORDER BY d.id`)
	if err != nil {
		return nil, err
	}
	return load(ctx, tx, ids)
}
