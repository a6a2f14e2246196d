package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Options are what a Ledger needs beside its database.
type Options struct {
	Now     func() time.Time                                          // nil: time.Now
	Changed func(ctx context.Context, tx *store.Tx, c []Change) error // told of every change that a face made, in the same transaction; may be nil
}

// Ledger is the 台帳 in the database. Methods that take a facility run in a transaction of their own and tell Options.Changed;
// methods that take a transaction return the changes to their caller.
type Ledger struct {
	db      *store.DB
	now     func() time.Time
	changed func(context.Context, *store.Tx, []Change) error
}

// Open returns the ledger that lies in db.
func Open(db *store.DB, o Options) *Ledger {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func(context.Context, *store.Tx, []Change) error { return nil }
	}
	return &Ledger{db: db, now: func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }, changed: o.Changed}
}

// write runs one of the methods that return changes, and passes these on.
func (l *Ledger) write(ctx context.Context, f facility.ID, fn func(tx *store.Tx) ([]Change, error)) error {
	return l.db.Write(ctx, f, func(tx *store.Tx) error {
		changes, err := fn(tx)
		if err != nil || len(changes) == 0 {
			return err
		}
		return l.changed(ctx, tx, changes)
	})
}

// Tell passes on what a Tx method returned, in the same transaction.
func (l *Ledger) Tell(ctx context.Context, tx *store.Tx, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	return l.changed(ctx, tx, changes)
}

// GetTx is Get in the caller's transaction.
func (l *Ledger) GetTx(ctx context.Context, tx *store.Tx, id netid.DeviceID) (*Device, error) {
	return get(ctx, tx, id)
}

// lock makes this transaction the only one that changes the facility's ledger until it ends. What another one did before is visible
// to every statement after it, on PostgreSQL too (READ COMMITTED), so that no two copies ever make two devices of one MAC.
func lock(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_clock (facility_id, seq) VALUES ($1, 1)
		ON CONFLICT (facility_id) DO UPDATE SET seq = ledger_clock.seq + 1`)
	return err
}

func notFound() error {
	return fault.New(fault.NotFound, "この機器は台帳にありません。", "There is no such device in the ledger.")
}

// load reads devices with all that belongs to them, in the order of ids; ids that are not there or were merged away are left out.
func load(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) ([]*Device, error) {
	byID := make(map[string]*Device, len(ids))
	for chunk := range slices.Chunk(ids, 64) {
		list, args := inList(2, chunk)
		if err := loadDevices(ctx, tx, byID, list, args); err != nil {
			return nil, err
		}
		of := map[string]*Device{} // by the entries that each device is made of
		var entries []netid.DeviceID
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var id, root string
			err := r.Scan(&id, &root)
			if d := byID[root]; d != nil {
				of[id], entries = d, append(entries, netid.DeviceID(id))
			}
			return err
		}, "SELECT id, root FROM ledger_devices WHERE facility_id = $1 AND root IN "+list, args...)
		if err != nil {
			return nil, err
		}
		for part := range slices.Chunk(entries, 64) {
			list, args := inList(2, part)
			for _, load := range []func(context.Context, *store.Tx, map[string]*Device, string, []any) error{
				loadInterfaces, loadAddresses, loadServices, loadSystems,
			} {
				if err := load(ctx, tx, of, list, args); err != nil {
					return nil, err
				}
			}
		}
	}
	out := make([]*Device, 0, len(ids))
	for _, id := range ids {
		if d := byID[string(id)]; d != nil {
			tidyInterfaces(d)
			out = append(out, d)
		}
	}
	return out, nil
}

// inList is store.In for ids, padded to a power of two so that there are few different statements.
func inList[T ~string](next int, list []T) (string, []any) {
	n := 1
	for n < len(list) {
		n *= 2
	}
	args := make([]any, n)
	for i := range args {
		if len(list) > 0 {
			args[i] = string(list[min(i, len(list)-1)])
		} else {
			args[i] = ""
		}
	}
	return store.In(next, n), args
}

func loadDevices(ctx context.Context, tx *store.Tx, byID map[string]*Device, list string, args []any) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var d Device
		var word, identity string
		var first, last, changed int64
		err := r.Scan(&d.ID, &d.State, &d.Revision, &d.NeverTouch, &first, &last, &changed, &d.changedBy, &d.Summary.Findings, &d.Summary.Worst,
			&d.Summary.OSOld, &d.Summary.Switch, &d.Summary.Port, &word, &identity)
		if err != nil {
			return err
		}
		d.FirstSeen, d.LastSeen, d.ChangedAt = store.Time(first), store.Time(last), store.Time(changed)
		if err := json.Unmarshal([]byte(word), &d.Word); err != nil {
			return fmt.Errorf("word of device %s: %w", d.ID, err)
		}
		if err := json.Unmarshal([]byte(identity), &d.Identity); err != nil {
			return fmt.Errorf("identity of device %s: %w", d.ID, err)
		}
		byID[string(d.ID)] = &d
		return nil
	}, `SELECT d.id, d.state, d.revision, d.never_touch, d.first_seen, d.last_seen, d.changed_at, d.changed_by, d.findings, d.worst, d.os_old, d.switch_id,
		d.switch_port, c.word, c.identity FROM ledger_devices d JOIN ledger_contents c ON c.facility_id = d.facility_id AND c.device_id = d.id
		WHERE d.facility_id = $1 AND d.merged_into = '' AND d.id IN `+list, args...)
}

// The parts of a device lie with the entry that they were found for, also after that entry was merged into another.
const ofEntries = " WHERE x.facility_id = $1 AND x.device_id IN "

// entriesOf2 are the entries whose root is parameter 2.
const entriesOf2 = "(SELECT d.id FROM ledger_devices d WHERE d.facility_id = $1 AND d.root = $2)"

func loadInterfaces(ctx context.Context, tx *store.Tx, of map[string]*Device, list string, args []any) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var entry, mac string
		var first, last int64
		var i Interface
		if err := r.Scan(&entry, &mac, &i.Segment, &first, &last); err != nil {
			return err
		}
		m, err := netid.ParseMAC(mac)
		if err != nil {
			return err
		}
		i.MAC, i.FirstSeen, i.LastSeen = m, store.Time(first), store.Time(last)
		if d := of[entry]; d != nil {
			d.Interfaces = append(d.Interfaces, i)
		}
		return nil
	}, "SELECT x.device_id, x.mac, x.segment, x.first_seen, x.last_seen FROM ledger_interfaces x"+ofEntries+list+" ORDER BY x.last_seen DESC, x.mac", args...)
}

func loadAddresses(ctx context.Context, tx *store.Tx, of map[string]*Device, list string, args []any) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var entry string
		a, err := scanAddress(r, &entry)
		if d := of[entry]; err == nil && d != nil {
			d.addAddress(a)
		}
		return err
	}, "SELECT x.device_id, x.mac, x.ip, x.segment, x.first_seen, x.last_seen, x.held FROM ledger_addresses x"+ofEntries+list+
		" AND x.held ORDER BY x.last_seen DESC, x.ip", args...)
}

// addAddress puts a held address to its interface, which an address-only host gets here. Addresses come the newest first.
func (d *Device) addAddress(a Address) {
	i := slices.IndexFunc(d.Interfaces, func(i Interface) bool {
		return i.MAC == a.MAC && (!a.MAC.IsZero() || i.Segment == a.Segment)
	})
	if i < 0 {
		if !a.MAC.IsZero() { // its card was split off, the address is history
			return
		}
		d.Interfaces = append(d.Interfaces, Interface{Segment: a.Segment, FirstSeen: a.First, LastSeen: a.Last})
		i = len(d.Interfaces) - 1
	}
	in := &d.Interfaces[i]
	if a.MAC.IsZero() {
		in.FirstSeen = earliest(in.FirstSeen, a.First)
		in.LastSeen = latest(in.LastSeen, a.Last)
	}
	if in.LastSeen.Sub(a.Last) > freshTime {
		return
	}
	if a.IP.Is4() {
		in.IPv4 = append(in.IPv4, a.IP)
	} else {
		in.IPv6 = append(in.IPv6, a.IP)
	}
}

// tidyInterfaces puts the newest interface first, and leaves out an address-only one once a MAC has its address.
func tidyInterfaces(d *Device) {
	d.Interfaces = slices.DeleteFunc(d.Interfaces, func(i Interface) bool {
		return i.MAC.IsZero() && slices.ContainsFunc(d.Interfaces, func(o Interface) bool {
			return !o.MAC.IsZero() && o.Segment == i.Segment && !disjoint(append(slices.Clone(i.IPv4), i.IPv6...), append(slices.Clone(o.IPv4), o.IPv6...))
		})
	})
	slices.SortStableFunc(d.Interfaces, func(a, b Interface) int { return b.LastSeen.Compare(a.LastSeen) })
}

func loadServices(ctx context.Context, tx *store.Tx, of map[string]*Device, list string, args []any) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var entry string
		var s Service
		var port, last int64
		if err := r.Scan(&entry, &port, &s.Proto, &s.Name, &s.Detail, &last); err != nil {
			return err
		}
		s.Port, s.Last = uint16(port), store.Time(last) //nolint:gosec // written from a uint16
		d := of[entry]
		if d != nil && !slices.ContainsFunc(d.Services, func(o Service) bool { return o.key() == s.key() }) {
			d.Services = append(d.Services, s)
		}
		return nil
	}, "SELECT x.device_id, x.port, x.proto, x.name, x.detail, x.last_seen FROM ledger_services x"+ofEntries+list+
		" ORDER BY x.port, x.proto, x.name, x.last_seen DESC", args...)
}

// key is what makes two entries the same service: 443/tcp may speak https and dicom at once.
func (s *Service) key() string { return s.Proto + "/" + strconv.Itoa(int(s.Port)) + " " + s.Name }

func loadSystems(ctx context.Context, tx *store.Tx, of map[string]*Device, list string, args []any) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var entry, system string
		err := r.Scan(&entry, &system)
		if d := of[entry]; d != nil && !slices.Contains(d.Systems, system) {
			d.Systems = append(d.Systems, system)
		}
		return err
	}, "SELECT x.device_id, x.system_id FROM ledger_system_devices x"+ofEntries+list+" ORDER BY x.system_id", args...)
}

// rootOf follows merges to the entry that stands for id now.
func rootOf(ctx context.Context, tx *store.Tx, id netid.DeviceID) (netid.DeviceID, error) {
	var root netid.DeviceID
	err := tx.Row(ctx, "SELECT root FROM ledger_devices WHERE facility_id = $1 AND id = $2", string(id)).Scan(&root)
	if err == sql.ErrNoRows {
		return "", notFound()
	}
	return root, err
}

// get loads one device, following merges.
func get(ctx context.Context, tx *store.Tx, id netid.DeviceID) (*Device, error) {
	root, err := rootOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	list, err := load(ctx, tx, []netid.DeviceID{root})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound()
	}
	return list[0], nil
}

// deviceColumns and row are the summary in ledger_devices, in one order.
const deviceColumns = `id, root, merged_into, state, revision, never_touch, first_seen, last_seen, changed_at, changed_by, name_key, number_key,
	kind, maker_key, os_key, department, owner_key, place_key, ip_key, mac, segment, medical, randomised, conflicts, findings, worst, os_old,
	switch_id, switch_port, search`

func (d *Device) row() []any {
	var ip, mac, segment string
	random := false
	for _, i := range d.Interfaces {
		if ip == "" && len(i.IPv4) > 0 {
			ip = ipKey(i.IPv4[0])
		}
		if mac == "" {
			mac = i.MAC.String()
		}
		if segment == "" {
			segment = i.Segment
		}
		random = random || i.MAC.Local()
	}
	for _, i := range d.Interfaces {
		if ip == "" && len(i.IPv6) > 0 {
			ip = ipKey(i.IPv6[0])
		}
	}
	w := &d.Word
	return []any{string(d.ID), string(d.ID), "", string(d.State), d.Revision, d.NeverTouch, store.Micros(d.FirstSeen), store.Micros(d.LastSeen),
		store.Micros(d.ChangedAt), d.changedBy, sortKey(first(w.Reading, d.Name())), sortKey(w.Number), d.Kind(), sortKey(d.Maker()),
		sortKey(d.OS() + " " + d.OSVersion()), w.Department, sortKey(w.Owner), sortKey(w.Building) + " " + sortKey(w.Floor) + " " + sortKey(w.Room),
		ip, mac, segment, d.Medical(), random, int64(len(Conflicts(d))), int64(d.Summary.Findings), int64(d.Summary.Worst), d.Summary.OSOld,
		d.Summary.Switch, d.Summary.Port, d.search()}
}

// insert writes new devices; d.Revision and d.ChangedAt are set here. Interfaces, addresses and services are written by the caller.
func (l *Ledger) insert(ctx context.Context, tx *store.Tx, devices []*Device) error {
	by := actor.From(ctx).Name
	for group := range groups(devices) {
		var rows, contents []any
		for _, d := range group {
			d.Revision, d.ChangedAt, d.changedBy = 1, l.now(), by
			rows = append(rows, d.row()...)
			word, identity, err := d.contents()
			if err != nil {
				return err
			}
			contents = append(contents, string(d.ID), word, identity)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ledger_devices (facility_id, "+deviceColumns+") VALUES "+values(len(group), 30), rows...); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO ledger_contents (facility_id, device_id, word, identity) VALUES "+values(len(group), 3), contents...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Device) contents() (word, identity string, err error) {
	w, err := json.Marshal(d.Word)
	if err != nil {
		return "", "", fmt.Errorf("word of device %s: %w", d.ID, err)
	}
	i, err := json.Marshal(d.Identity)
	if err != nil {
		return "", "", fmt.Errorf("identity of device %s: %w", d.ID, err)
	}
	return string(w), string(i), nil
}

var setColumns = func() string {
	var b strings.Builder
	for i, c := range strings.Split(deviceColumns, ",")[3:] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.TrimSpace(c) + " = $" + strconv.Itoa(i+3))
	}
	return b.String()
}()

// say saves what a person changed: the next one who worked from an older revision is told by whom.
func (l *Ledger) say(ctx context.Context, tx *store.Tx, d *Device) error {
	d.Revision++
	d.ChangedAt, d.changedBy = l.now(), actor.From(ctx).Name
	return l.save(ctx, tx, d)
}

// save writes a device's state, contents and summary.
func (l *Ledger) save(ctx context.Context, tx *store.Tx, d *Device) error {
	firstSeen, lastSeen := seenTimes(d.Interfaces) // a host that lost its only address has no interface left, and was seen all the same
	d.FirstSeen, d.LastSeen = earliest(d.FirstSeen, firstSeen), latest(d.LastSeen, lastSeen)
	args := append([]any{string(d.ID)}, d.row()[3:]...)
	n, err := tx.Exec(ctx, "UPDATE ledger_devices SET "+setColumns+" WHERE facility_id = $1 AND id = $2 AND merged_into = ''", args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound()
	}
	word, identity, err := d.contents()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE ledger_contents SET word = $3, identity = $4 WHERE facility_id = $1 AND device_id = $2", string(d.ID), word, identity)
	return err
}

// refresh computes the summary of devices anew from what belongs to them.
func (l *Ledger) refresh(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) error {
	devices, err := load(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if err := l.save(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

func seenTimes(list []Interface) (firstSeen, lastSeen time.Time) {
	for _, i := range list {
		firstSeen, lastSeen = earliest(firstSeen, i.FirstSeen), latest(lastSeen, i.LastSeen)
	}
	return firstSeen, lastSeen
}

// earliest ignores zero times.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// groups cuts rows into 8s and 1s: few different statements, and short ones (SQLite looks parameters up one by one).
func groups[T any](rows []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for size := 8; len(rows) > 0; size = 1 {
			for len(rows) >= size {
				if !yield(rows[:size]) {
					return
				}
				rows = rows[size:]
			}
		}
	}
}

// values writes "($1,$2,..),($1,..)" for n rows of width columns after the facility.
func values(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("($1")
		for j := range width {
			b.WriteString(",$" + strconv.Itoa(2+i*width+j))
		}
		b.WriteByte(')')
	}
	return b.String()
}

func ipText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
