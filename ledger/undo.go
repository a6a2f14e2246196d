package ledger

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Split takes network cards out of a device into a new one, by hand. Cards that came by a merge, all of them, undo that merge.
func (l *Ledger) Split(ctx context.Context, f facility.ID, id netid.DeviceID, macs []netid.MAC, reason string) (*Device, error) {
	var out *Device
	err := l.write(ctx, f, func(tx *store.Tx) (changes []Change, err error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		out, changes, err = l.split(ctx, tx, id, macs, reason)
		return changes, err
	})
	return out, err
}

func (l *Ledger) split(ctx context.Context, tx *store.Tx, id netid.DeviceID, macs []netid.MAC, reason string) (*Device, []Change, error) {
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	owners, err := cardOwners(ctx, tx, d.ID)
	if err != nil {
		return nil, nil, err
	}
	moved := map[string]netid.DeviceID{}
	for _, m := range macs {
		if owners[m.String()] == "" {
			return nil, nil, fault.Newf(fault.Invalid, "%s はこの機器のMACアドレスではありません。", "%s is not a MAC of this device.", m)
		}
		moved[m.String()] = owners[m.String()]
	}
	if len(moved) == 0 || len(moved) == len(owners) {
		return nil, nil, fault.New(fault.Invalid, "分ける MACアドレスを選び、少なくとも1つは元の機器に残してください。",
			"Choose the MACs to take out, and leave at least one.")
	}
	if undone, changes, err := l.splitMerged(ctx, tx, d, owners, moved); undone != nil || err != nil {
		return undone, changes, err
	}
	fresh := &Device{ID: netid.DeviceID(store.NewID()), State: New, NeverTouch: d.NeverTouch}
	fresh.Identity.Medical = d.Identity.Medical || d.Medical() // a split takes no protection away
	if err := l.insert(ctx, tx, []*Device{fresh}); err != nil {
		return nil, nil, err
	}
	if err := moveCards(ctx, tx, moved, func(string) netid.DeviceID { return fresh.ID }); err != nil {
		return nil, nil, err
	}
	if _, err := l.keepMerge(ctx, tx, Merge{Split: true, State: Done, Winner: d.ID, Loser: fresh.ID, before: before{Cards: moved}}); err != nil {
		return nil, nil, err
	}
	for _, part := range []*Device{d, fresh} {
		if err := l.saveMerged(ctx, tx, part); err != nil {
			return nil, nil, err
		}
	}
	changes := []Change{{Kind: SplitOff, Device: d.ID, Other: fresh.ID, At: l.now(), Before: strings.Join(keysOf(moved), ", "), Reason: reason}}
	return fresh, changes, l.record(ctx, tx, changes)
}

// splitMerged undoes a merge when the cards to split are just those that it brought.
func (l *Ledger) splitMerged(ctx context.Context, tx *store.Tx, d *Device, owners, moved map[string]netid.DeviceID) (*Device, []Change, error) {
	var entry netid.DeviceID
	for _, e := range moved {
		if entry != "" && e != entry {
			return nil, nil, nil
		}
		entry = e
	}
	count := 0
	for _, e := range owners {
		if e == entry {
			count++
		}
	}
	if entry == d.ID || count != len(moved) {
		return nil, nil, nil
	}
	var id string
	err := tx.Row(ctx, `SELECT id FROM ledger_merges WHERE facility_id = $1 AND kind = 'merge' AND state = 'done' AND winner = $2 AND loser = $3
		ORDER BY at DESC, id DESC LIMIT 1`, string(d.ID), string(entry)).Scan(&id)
	if err == sql.ErrNoRows {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	changes, err := l.undo(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	out, err := get(ctx, tx, entry)
	return out, changes, err
}

func keysOf(m map[string]netid.DeviceID) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// cardOwners returns the MACs of a device, each with the entry that it was found for.
func cardOwners(ctx context.Context, tx *store.Tx, root netid.DeviceID) (map[string]netid.DeviceID, error) {
	out := map[string]netid.DeviceID{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var mac string
		var id netid.DeviceID
		err := r.Scan(&mac, &id)
		out[mac] = id
		return err
	}, "SELECT x.mac, x.device_id FROM ledger_interfaces x"+ofEntries+entriesOf2, string(root))
	return out, err
}

func moveCards(ctx context.Context, tx *store.Tx, cards map[string]netid.DeviceID, to func(mac string) netid.DeviceID) error {
	for _, mac := range keysOf(cards) {
		for _, table := range []string{"ledger_interfaces", "ledger_addresses"} {
			if _, err := tx.Exec(ctx, "UPDATE "+table+" SET device_id = $3 WHERE facility_id = $1 AND mac = $2", mac, string(to(mac))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Undo takes a merge or a split back: each part is as it was before, with what was learned of its own network cards since. What was
// concluded of both together is measured anew at the next check-up.
func (l *Ledger) Undo(ctx context.Context, f facility.ID, id string) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		return l.undo(ctx, tx, id)
	})
}

func (l *Ledger) undo(ctx context.Context, tx *store.Tx, id string) ([]Change, error) {
	m, err := getMerge(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if m.State != Done {
		return nil, fault.New(fault.Conflict, "この統合は、もう取り消されています。", "This was undone already.")
	}
	if m.Split {
		return l.undoSplit(ctx, tx, m)
	}
	var into, top string
	err = tx.Row(ctx, `SELECT o.merged_into, w.merged_into FROM ledger_devices o JOIN ledger_devices w ON w.facility_id = o.facility_id
		WHERE o.facility_id = $1 AND o.id = $2 AND w.id = $3`, string(m.Loser), string(m.Winner)).Scan(&into, &top)
	if err != nil {
		return nil, err
	}
	if into != string(m.Winner) || top != "" {
		return nil, fault.New(fault.Conflict, "この機器はそのあと別の機器に統合されています。先に、あとの統合を取り消してください。",
			"The device was merged into another one later. Undo that merge first.")
	}
	if err := release(ctx, tx, m.Loser); err != nil {
		return nil, err
	}
	if err := l.restoreWinner(ctx, tx, m); err != nil {
		return nil, err
	}
	if err := setServices(ctx, tx, m.Loser, m.before.LoserServices); err != nil {
		return nil, err
	}
	loser, err := get(ctx, tx, m.Loser)
	if err != nil {
		return nil, err
	}
	if err := l.saveMerged(ctx, tx, loser); err != nil {
		return nil, err
	}
	if err := setMerge(ctx, tx, m.ID, Undone); err != nil {
		return nil, err
	}
	changes := []Change{{Kind: MergeUndone, Device: m.Winner, Other: m.Loser, At: l.now(), Before: loser.called()}}
	return changes, l.record(ctx, tx, changes)
}

// restoreWinner takes back what a merge gave to the winner, unless a person changed it since.
func (l *Ledger) restoreWinner(ctx context.Context, tx *store.Tx, m Merge) error {
	w, err := get(ctx, tx, m.Winner)
	if err != nil {
		return err
	}
	for key, value := range m.before.Filled {
		if w.Word.Get(key) == value {
			if err := w.Word.Set(key, ""); err != nil {
				return err
			}
		}
	}
	if w.State == m.before.AfterState {
		w.State = m.before.State
	}
	if m.before.LoserNever && !m.before.NeverTouch { // it came from the loser, which keeps it
		w.NeverTouch = false
	}
	if m.before.Identity != nil {
		w.Identity = *m.before.Identity
	}
	if err := setServices(ctx, tx, w.ID, m.before.Services); err != nil {
		return err
	}
	return l.saveMerged(ctx, tx, w)
}

// release lets an entry stand for itself again, with everything that was merged into it earlier.
func release(ctx context.Context, tx *store.Tx, id netid.DeviceID) error {
	if _, err := tx.Exec(ctx, "UPDATE ledger_devices SET merged_into = '' WHERE facility_id = $1 AND id = $2", string(id)); err != nil {
		return err
	}
	todo := []netid.DeviceID{id}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if _, err := tx.Exec(ctx, "UPDATE ledger_devices SET root = $3 WHERE facility_id = $1 AND id = $2", string(next), string(id)); err != nil {
			return err
		}
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var child netid.DeviceID
			err := r.Scan(&child)
			todo = append(todo, child)
			return err
		}, "SELECT id FROM ledger_devices WHERE facility_id = $1 AND merged_into = $2", string(next))
		if err != nil {
			return err
		}
	}
	return nil
}

// undoSplit brings the cards home; the entry that came out goes into the device, so that nothing said of it is lost.
func (l *Ledger) undoSplit(ctx context.Context, tx *store.Tx, m Merge) ([]Change, error) {
	if err := moveCards(ctx, tx, m.before.Cards, func(mac string) netid.DeviceID { return m.before.Cards[mac] }); err != nil {
		return nil, err
	}
	if err := setMerge(ctx, tx, m.ID, Undone); err != nil {
		return nil, err
	}
	w, err := get(ctx, tx, m.Winner)
	if err != nil {
		return nil, err
	}
	o, err := get(ctx, tx, m.Loser)
	if err != nil {
		return nil, err
	}
	if w.ID == o.ID {
		return nil, l.refresh(ctx, tx, []netid.DeviceID{w.ID})
	}
	_, changes, err := l.merge(ctx, tx, w, o, merging{})
	return changes, err
}
