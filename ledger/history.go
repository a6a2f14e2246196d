package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Entry is one row of the history: who, or which signal, changed what, when.
type Entry struct {
	ID            string
	Entry         string // the device or system; of a merged device, the one that it was then
	At            time.Time
	Actor         actor.Actor
	Signal        string
	Kind          ChangeKind
	Field         string
	Before, After string
	Reason        string
}

const maxText = 2000 // bytes of before and after in the history

// record writes changes of devices into the history.
func (l *Ledger) record(ctx context.Context, tx *store.Tx, changes []Change) error {
	who := actor.From(ctx)
	for group := range groups(changes) {
		var args []any
		for _, c := range group {
			args = append(args, store.NewID(), string(c.Device), store.Micros(c.At), string(who.Kind), who.ID, who.Name, c.Signal, string(c.Kind),
				c.Field, cut(c.Before, maxText), cut(first(c.After, string(c.Other)), maxText), cut(c.Reason, maxText))
		}
		if err := addHistory(ctx, tx, len(group), args); err != nil {
			return err
		}
	}
	return nil
}

func addHistory(ctx context.Context, tx *store.Tx, n int, args []any) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_history (facility_id, id, entry_id, at, actor_kind, actor_id, actor_name, signal, kind, field, before,
		after, reason) VALUES `+values(n, 12), args...)
	return err
}

// History returns the history of a device (with those that were merged into it) or of a system, the newest first. cursor is next of the
// page before; limit at most 200.
func (l *Ledger) History(ctx context.Context, f facility.ID, id, cursor string, limit int) (list []Entry, next string, err error) {
	limit = min(max(limit, 1), 200)
	var w store.Where
	w.And("entry_id IN (SELECT d.id FROM ledger_devices d WHERE d.facility_id = $1 AND d.root = ? UNION SELECT CAST(? AS TEXT))", id, id)
	if cursor != "" {
		us, row, _ := strings.Cut(cursor, "_")
		at, err := strconv.ParseInt(us, 10, 64)
		if err != nil {
			return nil, "", badCursor()
		}
		w.And("(at < ? OR at = ? AND id < ?)", at, at, row)
	}
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var e Entry
			var at int64
			err := r.Scan(&e.ID, &e.Entry, &at, &e.Actor.Kind, &e.Actor.ID, &e.Actor.Name, &e.Signal, &e.Kind, &e.Field, &e.Before, &e.After, &e.Reason)
			e.At = store.Time(at)
			list = append(list, e)
			return err
		}, `SELECT id, entry_id, at, actor_kind, actor_id, actor_name, signal, kind, field, before, after, reason FROM ledger_history
			WHERE facility_id = $1`+w.SQL()+" ORDER BY at DESC, id DESC LIMIT "+strconv.Itoa(limit+1), w.Args...)
	})
	if len(list) > limit {
		list = list[:limit]
		next = strconv.FormatInt(store.Micros(list[limit-1].At), 10) + "_" + list[limit-1].ID
	}
	return list, next, err
}

func badCursor() error {
	return fault.New(fault.Invalid, "続きの位置(cursor)が正しくありません。最初のページから開き直してください。",
		"The cursor is not valid. Start again from the first page.")
}

// Address is one address that a device used, with the time in which it was seen. Held is false once another device took it.
type Address struct {
	MAC         netid.MAC
	IP          netip.Addr
	Segment     string
	First, Last time.Time
	Held        bool
}

func scanAddress(r *sql.Rows, owner *string) (Address, error) {
	var a Address
	var mac, ip string
	var firstSeen, lastSeen int64
	if err := r.Scan(owner, &mac, &ip, &a.Segment, &firstSeen, &lastSeen, &a.Held); err != nil {
		return a, err
	}
	a.First, a.Last = store.Time(firstSeen), store.Time(lastSeen)
	var err error
	if mac != "" {
		if a.MAC, err = netid.ParseMAC(mac); err != nil {
			return a, err
		}
	}
	a.IP, err = netip.ParseAddr(ip)
	return a, err
}

// Addresses returns every address that a device ever used, the newest first.
func (l *Ledger) Addresses(ctx context.Context, f facility.ID, id netid.DeviceID) ([]Address, error) {
	var out []Address
	err := l.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = addresses(ctx, tx, id)
		return err
	})
	return out, err
}

func addresses(ctx context.Context, tx *store.Tx, id netid.DeviceID) ([]Address, error) {
	var out []Address
	root, err := rootOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		a, err := scanAddress(r, new(string))
		out = append(out, a)
		return err
	}, `SELECT x.device_id, x.mac, x.ip, x.segment, x.first_seen, x.last_seen, x.held FROM ledger_addresses x`+ofEntries+entriesOf2+`
		ORDER BY x.last_seen DESC, x.ip, x.mac`, string(root))
	if err != nil {
		return nil, fmt.Errorf("read addresses: %w", err)
	}
	return out, nil
}

// Subject is a key under which observations about a device are found (observation.Observation.Subject), and the time in which the key
// meant this device: an address may have been another's before. Zero times are open ends.
type Subject struct {
	Key      string
	From, To time.Time
}

// Subjects returns the keys of a device's observations.
func (l *Ledger) Subjects(ctx context.Context, f facility.ID, id netid.DeviceID) ([]Subject, error) {
	var out []Subject
	err := l.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = SubjectsOf(ctx, tx, id)
		return err
	})
	return out, err
}

// SubjectsOf is Subjects in a transaction.
func SubjectsOf(ctx context.Context, tx *store.Tx, id netid.DeviceID) ([]Subject, error) {
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	list, err := addresses(ctx, tx, d.ID)
	if err != nil {
		return nil, err
	}
	return d.subjects(list), nil
}

// subjects makes the keys of a device from its cards and from every address that it ever used, the newest first.
func (d *Device) subjects(used []Address) []Subject {
	var out []Subject
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			out = append(out, Subject{Key: "mac:" + i.MAC.String()})
		}
	}
	at := map[string]int{}
	for _, a := range used {
		key := "ip:" + a.Segment + ":" + a.IP.String()
		if i, ok := at[key]; ok {
			out[i].From = a.First
			continue
		}
		at[key] = len(out)
		s := Subject{Key: key, From: a.First}
		if !a.Held {
			s.To = a.Last
		}
		out = append(out, s)
	}
	return out
}
