package ledger

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"kenshin/jp"
	"kenshin/netid"
	"kenshin/store"
)

// maxTies is how many entries one name may tie together before it stops telling anything.
const maxTies = 20

// SetIdentity writes what the machine measured; a person's word is not touched. services is everything that is open now. Differences go
// into the history with the signal that showed them. A device's id after a merge still works.
func (l *Ledger) SetIdentity(ctx context.Context, tx *store.Tx, id netid.DeviceID, identity Identity, list []Service) ([]Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, err
	}
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return l.setIdentity(ctx, tx, d, identity, list)
}

func (l *Ledger) setIdentity(ctx context.Context, tx *store.Tx, d *Device, identity Identity, list []Service) ([]Change, error) {
	changes := l.identityChanges(d, identity)
	opened := l.serviceChanges(d, identity, list)
	identity.Medical = identity.Medical || d.Identity.Medical // a signal may only add protection; taking it away needs a person
	d.Identity, d.Services = identity, list
	if err := setServices(ctx, tx, d.ID, list); err != nil {
		return nil, err
	}
	_, err := tx.Exec(ctx, `DELETE FROM ledger_services WHERE facility_id = $1 AND device_id <> $2 AND device_id IN
		(SELECT d.id FROM ledger_devices d WHERE d.facility_id = $1 AND d.root = $2)`, string(d.ID))
	if err != nil {
		return nil, err
	}
	if err := l.save(ctx, tx, d); err != nil {
		return nil, err
	}
	if err := saveTies(ctx, tx, d); err != nil {
		return nil, err
	}
	changes = append(changes, opened...)
	return changes, l.record(ctx, tx, changes)
}

func (l *Ledger) identityChanges(d *Device, now Identity) []Change {
	was, why := &d.Identity, grounds(now.Because)
	if was.Kind == "" && was.Name == "" {
		if now.Kind == "" || now.Kind == "unknown" {
			return nil
		}
		return []Change{{Kind: Identified, Device: d.ID, At: l.now(), Field: "kind", After: now.Kind, Signal: why}}
	}
	var out []Change
	for _, f := range []struct{ field, before, after string }{
		{"kind", was.Kind, now.Kind}, {"modality", was.Modality, now.Modality}, {"maker", was.Maker, now.Maker}, {"model", was.Model, now.Model},
		{"serial", was.Serial, now.Serial}, {"os", was.OS, now.OS}, {"os_version", was.OSVersion, now.OSVersion}, {"name", was.Name, now.Name},
	} {
		if f.before != f.after {
			out = append(out, Change{Kind: Measured, Device: d.ID, At: l.now(), Field: f.field, Before: f.before, After: f.after, Signal: why})
		}
	}
	if now.Medical && !was.Medical {
		out = append(out, Change{Kind: Measured, Device: d.ID, At: l.now(), Field: "medical", Before: "false", After: "true", Signal: why})
	}
	return out
}

// grounds names the strongest reason: "snmp.object-id=1.3.6.. (rule)".
func grounds(list []Reason) string {
	if len(list) == 0 {
		return ""
	}
	top := slices.MaxFunc(list, func(a, b Reason) int {
		switch {
		case a.Weight < b.Weight:
			return -1
		case a.Weight > b.Weight:
			return 1
		}
		return 0
	})
	out := top.Signal + "=" + cut(top.Value, 200)
	if top.Rule != "" {
		out += " (" + top.Rule + ")"
	}
	return out
}

func (l *Ledger) serviceChanges(d *Device, now Identity, list []Service) []Change {
	if d.Identity.Kind == "" && len(d.Services) == 0 {
		return nil // the first look is not a change
	}
	was, is := map[string]bool{}, map[string]bool{}
	for i := range d.Services {
		was[d.Services[i].key()] = true
	}
	for i := range list {
		is[list[i].key()] = true
	}
	var out []Change
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if !was[k] {
			out = append(out, Change{Kind: ServiceOpened, Device: d.ID, At: l.now(), Field: "service", After: k})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if !is[k] {
			out = append(out, Change{Kind: ServiceClosed, Device: d.ID, At: l.now(), Field: "service", Before: k})
		}
	}
	return out
}

// Summarise copies what upper floors conclude of a device, in their transaction, so that lists can sort on it. It is no change of the
// device: the revision stays.
func (l *Ledger) Summarise(ctx context.Context, tx *store.Tx, id netid.DeviceID, s Summary) error {
	n, err := tx.Exec(ctx, `UPDATE ledger_devices SET findings = $3, worst = $4, os_old = $5, switch_id = $6, switch_port = $7
		WHERE facility_id = $1 AND id = (SELECT o.root FROM ledger_devices o WHERE o.facility_id = $1 AND o.id = $2)`,
		string(id), int64(s.Findings), int64(s.Worst), s.OSOld, s.Switch, s.Port)
	if err == nil && n == 0 {
		err = notFound()
	}
	return err
}

// tie is one thing that could tie an entry to another.
type tie struct{ kind, value string }

const (
	tieSerial   = "serial"
	tieComputer = "netbios" // NetBIOS computer name, host name, or a person's name for an entry never seen: all folded
	tieSaidIP   = "said-ip" // an address that a person wrote, of an entry never seen
)

func (d *Device) ties() []tie {
	var out []tie
	add := func(kind, value string) {
		t := tie{kind, cut(value, maxKey)}
		if value != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	add(tieSerial, serial(d.Identity.Serial))
	add(tieSerial, serial(d.Word.Serial))
	names := []string{d.Identity.Ties.NetBIOS, d.Identity.Ties.Host}
	if d.FirstSeen.IsZero() {
		names = append(names, d.Word.Name)
		for _, a := range textAddrs(d.Word.IPText) {
			add(tieSaidIP, a.String())
		}
	}
	for _, n := range names {
		if n = jp.Fold(n); telling(n) {
			add(tieComputer, n)
		}
	}
	return out
}

// saveTies writes an entry's ties where they differ from what is there.
func saveTies(ctx context.Context, tx *store.Tx, d *Device) error {
	want := d.ties()
	var have []tie
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var t tie
		err := r.Scan(&t.kind, &t.value)
		have = append(have, t)
		return err
	}, "SELECT kind, value FROM ledger_ties WHERE facility_id = $1 AND device_id = $2", string(d.ID))
	if err != nil {
		return err
	}
	for _, t := range have {
		if !slices.Contains(want, t) {
			_, err := tx.Exec(ctx, "DELETE FROM ledger_ties WHERE facility_id = $1 AND kind = $2 AND value = $3 AND device_id = $4", t.kind, t.value, string(d.ID))
			if err != nil {
				return err
			}
		}
	}
	for _, t := range want {
		if !slices.Contains(have, t) {
			_, err := tx.Exec(ctx, "INSERT INTO ledger_ties (facility_id, kind, value, device_id) VALUES ($1, $2, $3, $4)", t.kind, t.value, string(d.ID))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Tie looks for other entries that are the same device by the evidence of Same, and merges or proposes. Call it after SetIdentity.
func (l *Ledger) Tie(ctx context.Context, tx *store.Tx, id netid.DeviceID) ([]Change, error) {
	if err := lock(ctx, tx); err != nil {
		return nil, err
	}
	d, err := get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return l.tie(ctx, tx, d)
}

func (l *Ledger) tie(ctx context.Context, tx *store.Tx, d *Device) ([]Change, error) {
	others, err := candidates(ctx, tx, d)
	if err != nil || len(others) == 0 {
		return nil, err
	}
	list, err := load(ctx, tx, others)
	if err != nil {
		return nil, err
	}
	serials := 0
	for _, o := range list {
		if s := serial(o.Serial()); s != "" && s == serial(d.Serial()) {
			serials++
		}
	}
	slices.SortStableFunc(list, func(a, b *Device) int { return better(b, a) }) // the likeliest first
	var out []Change
	mine, phone := d.trace(), false
	for _, o := range list {
		theirs := o.trace()
		if serials > 1 { // three devices with one serial number: the maker did not number them
			theirs.Serial = ""
		}
		likely, why := Same(mine, theirs)
		if likely == Maybe && mine.Random && theirs.Random {
			if phone { // one question for each new MAC of a telephone, not one for each that it ever had
				continue
			}
			phone = true
		}
		changes, err := l.unite(ctx, tx, pair{a: d.ID, b: o.ID, likely: likely, why: why})
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// known reports whether people said anything of a device.
func known(d *Device) bool { return d.State != New || len(d.Word.keys()) > 0 }

// better compares two entries that a newcomer may be: whom people know, then who was seen last.
func better(a, b *Device) int {
	switch {
	case known(a) && !known(b):
		return 1
	case known(b) && !known(a):
		return -1
	}
	return a.LastSeen.Compare(b.LastSeen)
}

func (d *Device) trace() Trace {
	tr := Trace{Device: d.ID, Serial: d.Serial(), Maker: d.Identity.Maker, Model: d.Identity.Model, Ties: d.Identity.Ties, Random: true,
		First: d.FirstSeen, Last: d.LastSeen, SaidName: d.Word.Name}
	for _, i := range d.Interfaces {
		tr.HasMAC = tr.HasMAC || !i.MAC.IsZero()
		tr.Random = tr.Random && i.MAC.Local()
		for _, a := range i.IPv4 {
			tr.IPs = append(tr.IPs, a.String())
		}
	}
	for _, a := range textAddrs(d.Word.IPText) {
		tr.SaidIP = append(tr.SaidIP, a.String())
	}
	return tr
}

// candidates finds entries that share a serial number or a name with d, or that are written in the ledger with its address.
func candidates(ctx context.Context, tx *store.Tx, d *Device) ([]netid.DeviceID, error) {
	want := d.ties()
	for _, a := range d.IPv4() {
		want = append(want, tie{tieSaidIP, a.String()})
	}
	var out []netid.DeviceID
	for _, t := range want {
		var found []netid.DeviceID
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var id netid.DeviceID
			err := r.Scan(&id)
			found = append(found, id)
			return err
		}, `SELECT DISTINCT d.root FROM ledger_ties x JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
			WHERE x.facility_id = $1 AND d.root <> $2 AND x.kind = $3 AND x.value = $4 ORDER BY d.root LIMIT 21`, string(d.ID), t.kind, t.value)
		if err != nil {
			return nil, err
		}
		if len(found) > maxTies {
			continue
		}
		for _, id := range found {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out, nil
}
