package assess

import (
	"context"
	"slices"
	"time"

	"kenshin/account"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
)

// Held is a mail drill that was carried out.
type Held struct {
	ID, Name string
	At       time.Time
	People   int // who got a mail
}

// facts are all that the checks read, as of one moment. Checks read nothing else.
type facts struct {
	now       time.Time // in the facility's zone
	devices   []ledger.Brief
	names     map[netid.DeviceID]string // of the devices that a check may have to name
	asked     map[netid.DeviceID]time.Time
	open      map[string][]finding.Brief // by check of exposure
	remote    []*ledger.Device
	systems   []ledger.System
	suppliers []supplier.Supplier
	members   []account.Member
	segments  []gate.Segment // approved: somebody wants to have these looked at
	homes     []ledger.Home  // addresses that devices held lately
	rows      map[string][]entry
	leavers   *register.Departed // made when first asked
	drills    []Held
	training  Training // by the mail drill
	staff     int      // people that are known to work here; 0: not known
	items     []string // ids of the checklist in use that rules have to cover
}

// entry is a row of a register.
type entry struct {
	id     string
	values map[string]string
	day    time.Time // when it was last proven or confirmed; zero: never
}

// gather reads the facts. What a source cannot give is an error: half of the facts would look like silence.
func (b *Book) gather(ctx context.Context, f facility.ID, now time.Time) (*facts, error) {
	v := &facts{now: now}
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	v.items = ruled(set)
	if b.Gates != nil {
		list, err := b.Gates.Segments(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if s.Approved {
				v.segments = append(v.segments, s.Segment)
			}
		}
	}
	if b.People != nil {
		if v.members, err = b.People.Members(ctx, f); err != nil {
			return nil, err
		}
	}
	if v.suppliers, err = b.Suppliers.List(ctx, f, ""); err != nil {
		return nil, err
	}
	if b.Drills != nil {
		if v.drills, v.staff, err = b.Drills(ctx, f); err != nil {
			return nil, err
		}
	}
	if b.Trained != nil {
		if v.training, err = b.Trained(ctx, f, now.AddDate(-rollYears, 0, 0)); err != nil {
			return nil, err
		}
	}
	return v, b.db.Read(ctx, f, func(tx *store.Tx) error { return b.read(ctx, tx, v) })
}

// rollYears is how far back lessons are read: what is older proves nothing, and is said to be old.
const rollYears = 3

// watched are the checks on devices that checks here sum up.
func watched() []string {
	return []string{"os-support", "smb1", "telnet", "ftp", "vnc", "open-database"}
}

func (b *Book) read(ctx context.Context, tx *store.Tx, v *facts) (err error) {
	if v.devices, err = b.Ledger.Census(ctx, tx); err != nil {
		return err
	}
	if v.systems, err = b.Ledger.SystemsTx(ctx, tx); err != nil {
		return err
	}
	if v.remote, err = b.Ledger.RemoteLines(ctx, tx); err != nil {
		return err
	}
	if v.homes, err = b.Ledger.Homes(ctx, tx, v.now.AddDate(0, 0, -homeDays)); err != nil {
		return err
	}
	if v.asked, err = b.askedOf(ctx, tx); err != nil {
		return err
	}
	list, err := b.Findings.Standing(ctx, tx, watched()...)
	if err != nil {
		return err
	}
	v.open = map[string][]finding.Brief{}
	for _, f := range list {
		v.open[f.Check] = append(v.open[f.Check], f)
	}
	if v.rows, err = b.registers(ctx, tx, v.now); err != nil {
		return err
	}
	return b.name(ctx, tx, v)
}

// askedOf says when each device was last asked what it offers.
func (b *Book) askedOf(ctx context.Context, tx *store.Tx) (map[netid.DeviceID]time.Time, error) {
	out := map[netid.DeviceID]time.Time{}
	if b.Seen == nil {
		return out, nil
	}
	hosts, err := b.Seen.AskedHosts(ctx, tx)
	if err != nil || len(hosts) == 0 {
		return out, err
	}
	owner, err := b.Ledger.Cards(ctx, tx)
	for _, h := range hosts {
		id := owner[h.MAC]
		if h.MAC == "" {
			id = owner[h.IP]
		}
		if id != "" && h.At.After(out[id]) {
			out[id] = h.At
		}
	}
	return out, err
}

// name loads what the devices are called that a record may have to list; at most a few hundred.
func (b *Book) name(ctx context.Context, tx *store.Tx, v *facts) error {
	var ids []netid.DeviceID
	for _, d := range v.devices {
		if (d.State == ledger.New || d.State == ledger.Retired || d.State == ledger.Registered && v.old(d.LastSeen, silentDays)) && !d.FirstSeen.IsZero() {
			ids = append(ids, d.ID)
		}
	}
	ids = ids[:min(len(ids), 3*evidence.MaxBad)]
	for _, d := range v.devices {
		if d.Kind == "firewall" && len(ids) < 4*evidence.MaxBad {
			ids = append(ids, d.ID)
		}
	}
	for _, list := range v.open {
		for _, f := range list[:min(len(list), evidence.MaxBad)] {
			ids = append(ids, f.Device)
		}
	}
	slices.Sort(ids)
	devices, err := b.Ledger.DevicesTx(ctx, tx, slices.Compact(ids))
	v.names = make(map[netid.DeviceID]string, len(devices))
	for _, d := range devices {
		v.names[d.ID] = called(d)
	}
	return err
}

// called is how people will recognise a device.
func called(d *ledger.Device) string {
	for _, i := range d.Interfaces {
		for _, ip := range i.IPv4 {
			if d.Name() == "" {
				return ip.String()
			}
			return d.Name() + " " + ip.String()
		}
	}
	if d.Name() != "" {
		return d.Name()
	}
	return string(d.ID)
}

// old says that a time lies more than so many days back.
func (v *facts) old(t time.Time, days int) bool { return t.Before(v.now.AddDate(0, 0, -days)) }

// device is a link to a device.
func (v *facts) device(id netid.DeviceID) evidence.Ref {
	name := v.names[id]
	if name == "" {
		name = string(id)
	}
	return evidence.Ref{Kind: "device", ID: string(id), Text: name}
}

// system finds a system by its id, or by the name that a person wrote instead.
func (v *facts) system(s string) (ledger.System, bool) {
	n := slices.IndexFunc(v.systems, func(x ledger.System) bool { return x.ID == s })
	if n < 0 && s != "" {
		n = slices.IndexFunc(v.systems, func(x ledger.System) bool { return jp.Fold(x.Name) == jp.Fold(s) })
	}
	if n < 0 {
		return ledger.System{}, false
	}
	return v.systems[n], true
}

// vendor is the key under which a vendor's rows meet, whether it was chosen from the directory or written.
func (v *facts) vendor(s string) string {
	for _, x := range v.suppliers {
		if x.ID == s {
			return supplier.NameKey(x.Name)
		}
	}
	return supplier.NameKey(s)
}

// wareki writes a day as people read it on paper.
func wareki(at time.Time) string { return jp.Wareki(at) }

func t(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }

// registers reads the rows of all registers that a check reads.
func (b *Book) registers(ctx context.Context, tx *store.Tx, now time.Time) (map[string][]entry, error) {
	out := map[string][]entry{}
	if b.Registers == nil {
		return out, nil
	}
	for _, k := range register.Kinds() {
		if len(k.Feeds) == 0 {
			continue
		}
		rows, err := b.Registers.RowsTx(ctx, tx, k.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[k.ID] = append(out[k.ID], entry{id: r.ID, values: r.Values, day: dayIn(provenOn(k, r, now.Location()), now.Location())})
		}
	}
	return out, nil
}

// provenOn is the day that a row rests on: its proof, or where a confirmation counts too the newer of both. That somebody wrote the row down confirms
// nothing: an old day that is entered today stays old.
func provenOn(k register.Kind, r register.Row, loc *time.Location) time.Time {
	proof, checked := firstDay(r.Values[k.Proof]), firstDay(r.Checked)
	if k.Strict || k.Event || !checked.After(proof) || !proof.IsZero() && day(checked) <= day(r.Created.In(loc)) {
		return proof
	}
	return checked
}

// firstDay reads "2026-11-21", "2026-11" and "2026"; zero where there is none.
func firstDay(s string) time.Time {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
