package ledger

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Patch is what a person changes. Fields' keys are the names of Word in JSON ("extra.棚番" for further columns); "" takes back what was
// said. What is not named stays.
type Patch struct {
	Fields     map[string]string
	State      State // "" leaves it
	NeverTouch *bool // nil leaves it
	Reason     string
}

// NewDevice is a device that a person enters. State "" means Registered.
type NewDevice struct {
	Word  Word
	State State
}

const bulkStep = 25 // devices changed in one transaction

// Edit changes what people say of a device. revision is the one that the person saw; 0 does not compare. When somebody else changed the
// device since, a fault of kind Conflict says who, and nothing is changed.
func (l *Ledger) Edit(ctx context.Context, f facility.ID, id netid.DeviceID, revision int64, p Patch) (*Device, error) {
	var out *Device
	err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		changes, err := l.EditTx(ctx, tx, id, revision, p)
		if err != nil {
			return nil, err
		}
		out, err = get(ctx, tx, id)
		return changes, err
	})
	return out, err
}

// EditTx is Edit in a transaction of the caller, who tells the changes on.
func (l *Ledger) EditTx(ctx context.Context, tx *store.Tx, id netid.DeviceID, revision int64, p Patch) ([]Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, err
	}
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if err := d.unchanged(revision); err != nil {
		return nil, err
	}
	changes, err := l.apply(d, p)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	if err := l.claim(ctx, tx, d); err != nil {
		return nil, err
	}
	if err := l.say(ctx, tx, d); err != nil {
		return nil, err
	}
	if err := saveTies(ctx, tx, d); err != nil {
		return nil, err
	}
	return changes, l.record(ctx, tx, changes)
}

// unchanged compares the revision by which a person worked. What the machine measured in between does not move the revision.
func (d *Device) unchanged(revision int64) error {
	if revision == 0 || revision == d.Revision {
		return nil
	}
	return fault.Newf(fault.Conflict, "開いている間に、%s さんがこの機器を変更しました。最新の内容を読み込んで、もう一度入力してください。",
		"%s changed this device while you had it open. Load it again and repeat your change.", d.changedBy)
}

// apply changes d and says what changed.
func (l *Ledger) apply(d *Device, p Patch) ([]Change, error) {
	var out []Change
	add := func(kind ChangeKind, field, before, after string) {
		if before != after {
			out = append(out, Change{Kind: kind, Device: d.ID, At: l.now(), Field: field, Before: before, After: after, Reason: p.Reason})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.Fields)) {
		before := d.Word.Get(key)
		if err := d.Word.Set(key, p.Fields[key]); err != nil {
			return nil, err
		}
		add(Edited, key, before, d.Word.Get(key))
	}
	if p.State != "" {
		if !slices.Contains([]State{New, Registered, Excluded, Retired}, p.State) {
			return nil, fault.Newf(fault.Invalid, "「%.20s」という状態はありません。", "There is no state %.20q.", string(p.State))
		}
		add(StateChanged, "state", string(d.State), string(p.State))
		d.State = p.State
	}
	if p.NeverTouch != nil {
		add(Edited, "never_touch", boolText(&d.NeverTouch), boolText(p.NeverTouch))
		d.NeverTouch = *p.NeverTouch
	}
	return out, nil
}

// claim ties the MACs that a person wrote to the device, so that it is recognised when it shows up. A MAC that another device has is
// left there: the difference is shown as a conflict.
func (l *Ledger) claim(ctx context.Context, tx *store.Tx, d *Device) error {
	said := textMACs(d.Word.MACText)
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() && i.LastSeen.IsZero() && !slices.Contains(said, i.MAC) {
			_, err := tx.Exec(ctx, "DELETE FROM ledger_interfaces WHERE facility_id = $1 AND mac = $2 AND last_seen = 0", i.MAC.String())
			if err != nil {
				return err
			}
		}
	}
	d.Interfaces = slices.DeleteFunc(d.Interfaces, func(i Interface) bool {
		return !i.MAC.IsZero() && i.LastSeen.IsZero() && !slices.Contains(said, i.MAC)
	})
	for _, m := range said {
		n, err := tx.Exec(ctx, `INSERT INTO ledger_interfaces (facility_id, mac, device_id, segment, first_seen, last_seen) VALUES ($1, $2, $3, '', 0, 0)
			ON CONFLICT (facility_id, mac) DO NOTHING`, m.String(), string(d.ID))
		if err != nil {
			return err
		}
		if n > 0 {
			d.Interfaces = append(d.Interfaces, Interface{MAC: m})
		}
	}
	return nil
}

// BulkEdit changes many devices alike and returns how many were changed; it works in short transactions. After an error those before
// it are changed. ids that are not there are left out.
func (l *Ledger) BulkEdit(ctx context.Context, f facility.ID, ids []netid.DeviceID, p Patch) (changed int, err error) {
	for chunk := range slices.Chunk(ids, bulkStep) {
		n := 0
		err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
			var all []Change
			for _, id := range chunk {
				changes, err := l.EditTx(ctx, tx, id, 0, p)
				if fault.Is(err, fault.NotFound) {
					continue
				}
				if err != nil {
					return nil, err
				}
				if len(changes) > 0 {
					n++
				}
				all = append(all, changes...)
			}
			return all, nil
		})
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}

// Add enters a device by hand.
func (l *Ledger) Add(ctx context.Context, f facility.ID, w Word, s State, reason string) (*Device, error) {
	var out *Device
	err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		ids, changes, err := l.AddTx(ctx, tx, []NewDevice{{w, s}}, reason)
		if err != nil {
			return nil, err
		}
		out, err = get(ctx, tx, ids[0])
		return changes, err
	})
	return out, err
}

// AddTx enters devices in a transaction of the caller, who tells the changes on; at most some hundreds at a time. A MAC that another
// device has stays there and shows as a conflict.
func (l *Ledger) AddTx(ctx context.Context, tx *store.Tx, list []NewDevice, reason string) ([]netid.DeviceID, []Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, nil, err
	}
	var ids []netid.DeviceID
	var devices []*Device
	var changes []Change
	for _, n := range list {
		d := &Device{ID: netid.DeviceID(store.NewID()), State: n.State}
		if d.State == "" {
			d.State = Registered
		}
		for _, key := range n.Word.keys() { // checked and tidied like an edit
			if err := d.Word.Set(key, n.Word.Get(key)); err != nil {
				return nil, nil, err
			}
		}
		if err := l.claim(ctx, tx, d); err != nil {
			return nil, nil, err
		}
		ids, devices = append(ids, d.ID), append(devices, d)
		changes = append(changes, Change{Kind: Added, Device: d.ID, At: l.now(), After: first(d.Word.Name, d.Word.Number), Reason: reason})
	}
	if err := l.insert(ctx, tx, devices); err != nil {
		return nil, nil, err
	}
	var ties [][]any
	for _, d := range devices {
		for _, t := range d.ties() {
			ties = append(ties, []any{t.kind, t.value, string(d.ID)})
		}
	}
	for group := range groups(ties) {
		_, err := tx.Exec(ctx, "INSERT INTO ledger_ties (facility_id, kind, value, device_id) VALUES "+values(len(group), 3), slices.Concat(group...)...)
		if err != nil {
			return nil, nil, err
		}
	}
	return ids, changes, l.record(ctx, tx, changes)
}

// Remove takes a device out that was entered by hand or import and never seen; one that was seen can only be retired.
func (l *Ledger) Remove(ctx context.Context, f facility.ID, id netid.DeviceID, reason string) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) { return l.RemoveTx(ctx, tx, id, reason) })
}

// RemoveTx is Remove in a transaction of the caller. The history stays.
func (l *Ledger) RemoveTx(ctx context.Context, tx *store.Tx, id netid.DeviceID, reason string) ([]Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, err
	}
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var members int64
	err = tx.Row(ctx, "SELECT count(*) FROM ledger_devices WHERE facility_id = $1 AND root = $2", string(d.ID)).Scan(&members)
	if err != nil {
		return nil, err
	}
	if !d.FirstSeen.IsZero() || members > 1 {
		return nil, fault.New(fault.Conflict, "ネットワークで見つかった機器は台帳から消せません。使わなくなったときは「廃棄」にしてください。",
			"A device that was seen on the network cannot be removed. When it is no longer used, set it to retired.")
	}
	for _, table := range []string{"ledger_contents", "ledger_interfaces", "ledger_ties", "ledger_services", "ledger_system_devices"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE facility_id = $1 AND device_id = $2", string(d.ID)); err != nil {
			return nil, err
		}
	}
	for _, q := range []string{"DELETE FROM ledger_devices WHERE facility_id = $1 AND id = $2",
		"DELETE FROM ledger_merges WHERE facility_id = $1 AND (winner = $2 OR loser = $2)"} {
		if _, err := tx.Exec(ctx, q, string(d.ID)); err != nil {
			return nil, err
		}
	}
	if err := blob.DetachAll(ctx, tx, string(d.ID)); err != nil {
		return nil, err
	}
	changes := []Change{{Kind: Removed, Device: d.ID, At: l.now(), Before: first(d.Name(), d.Word.Number), Reason: reason}}
	return changes, l.record(ctx, tx, changes)
}

// Get returns a device, or what it was merged into.
func (l *Ledger) Get(ctx context.Context, f facility.ID, id netid.DeviceID) (*Device, error) {
	var out *Device
	err := l.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = get(ctx, tx, id)
		return err
	})
	return out, err
}

// ByMAC returns the device that has a MAC, seen or written; NotFound when none has.
func (l *Ledger) ByMAC(ctx context.Context, f facility.ID, mac netid.MAC) (*Device, error) {
	return l.by(ctx, f, "SELECT device_id FROM ledger_interfaces WHERE facility_id = $1 AND mac = $2", mac.String())
}

// ByIP returns the device that had an address of a segment last; segment "*" looks in all.
func (l *Ledger) ByIP(ctx context.Context, f facility.ID, segment, ip string) (*Device, error) {
	q := "SELECT device_id FROM ledger_addresses WHERE facility_id = $1 AND ip = $2 AND segment = $3 ORDER BY last_seen DESC, device_id LIMIT 1"
	if segment == "*" {
		return l.by(ctx, f, strings.Replace(q, "AND segment = $3 ", "", 1), ip)
	}
	return l.by(ctx, f, q, ip, segment)
}

func (l *Ledger) by(ctx context.Context, f facility.ID, query string, args ...any) (*Device, error) {
	var out *Device
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		var id netid.DeviceID
		err := tx.Row(ctx, query, args...).Scan(&id)
		if err == sql.ErrNoRows {
			return notFound()
		}
		if err != nil {
			return err
		}
		out, err = get(ctx, tx, id)
		return err
	})
	return out, err
}
