package checkup

import (
	"context"
	"fmt"
	"slices"

	"kenshin/event"
	"kenshin/exposure"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// judgeTogether is how many devices are judged in one transaction: it keeps SQLite's writer free for others.
const judgeTogether = 40

// Ingest is the way of the data: what was seen is stored, the ledger learns whose it is, identify says what that device is, exposure what is
// weak on it, and findings, events and the list's summary follow. It returns whose each subject is. The same observations again change nothing.
func (c *Checkup) Ingest(ctx context.Context, f facility.ID, obs []observation.Observation) (map[string]netid.DeviceID, error) {
	owners, devices, err := c.take(ctx, f, obs)
	if err != nil {
		return nil, err
	}
	return owners, c.Judge(ctx, f, devices)
}

// take is the first half of Ingest: what was seen is stored and the ledger knows who was there. It returns whose each subject is, and each
// device once.
func (c *Checkup) take(ctx context.Context, f facility.ID, obs []observation.Observation) (map[string]netid.DeviceID, []netid.DeviceID, error) {
	if err := c.Seen.Add(ctx, f, obs); err != nil {
		return nil, nil, err
	}
	owners := map[string]netid.DeviceID{}
	known := map[netid.DeviceID]bool{}
	var order []netid.DeviceID
	for chunk := range slices.Chunk(sightings(obs), ledger.MaxSightings) {
		err := c.DB.Write(ctx, f, func(tx *store.Tx) error {
			list := make([]ledger.Sighting, len(chunk))
			for i := range chunk {
				list[i] = chunk[i].Sighting
			}
			seen, err := c.Ledger.Sight(ctx, tx, list)
			if err != nil {
				return fmt.Errorf("tell the ledger who was seen: %w", err)
			}
			for i, id := range seen.Devices {
				if id == "" {
					continue
				}
				if _, named := owners[chunk[i].subject]; !named || chunk[i].mac {
					owners[chunk[i].subject] = id
				}
				if !known[id] {
					known[id], order = true, append(order, id)
				}
			}
			return c.tell(ctx, tx, seen.Changes)
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return owners, order, nil
}

// told is a sighting with the subject that it came from.
type told struct {
	ledger.Sighting
	subject string
	mac     bool
}

// sightings turns observations into who was where, each (MAC, address) once.
func sightings(obs []observation.Observation) []told {
	type key struct {
		segment string
		mac     netid.MAC
		ip      string
	}
	at := map[key]int{}
	var list []told
	for i := range obs {
		o := &obs[i]
		if !o.About() || o.Signal == observation.Asked {
			continue
		}
		k := key{o.Segment, o.MAC, addrText(o.IP)}
		if j, ok := at[k]; ok {
			if o.At.After(list[j].At) {
				list[j].At = o.At
			}
			continue
		}
		at[k] = len(list)
		list = append(list, told{ledger.Sighting{Segment: o.Segment, MAC: o.MAC, IP: o.IP, Signal: string(o.Signal), First: o.First, At: o.At},
			o.Subject(), !o.MAC.IsZero()})
	}
	return list
}

// Judge says again what devices are and what is weak on them, from all that was ever seen of them.
func (c *Checkup) Judge(ctx context.Context, f facility.ID, ids []netid.DeviceID) error {
	for part := range slices.Chunk(ids, judgeTogether) {
		verdicts, err := c.weigh(ctx, f, part)
		if err != nil {
			return err
		}
		err = c.DB.Write(ctx, f, func(tx *store.Tx) error {
			for i := range verdicts {
				if err := c.record(ctx, tx, &verdicts[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// verdict is what the machine concludes of one device.
type verdict struct {
	device   *ledger.Device
	seen     []observation.Observation
	identity ledger.Identity
	services []ledger.Service
}

// weigh reads what was seen of devices and concludes; it writes nothing.
func (c *Checkup) weigh(ctx context.Context, f facility.ID, ids []netid.DeviceID) ([]verdict, error) {
	devices, err := c.Ledger.Devices(ctx, f, ids)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	list := make([]verdict, 0, len(devices))
	for _, d := range devices {
		seen, err := c.SeenOf(ctx, f, d.ID)
		if err != nil {
			return nil, err
		}
		v := verdict{device: d, seen: seen}
		v.identity, v.services = c.Identify.Of(seen)
		c.protect(d, v.identity)
		list = append(list, v)
	}
	return list, nil
}

// SeenOf returns every observation of a device, under all MACs and addresses that it had.
func (c *Checkup) SeenOf(ctx context.Context, f facility.ID, id netid.DeviceID) ([]observation.Observation, error) {
	subjects, err := c.Ledger.Subjects(ctx, f, id)
	if err != nil {
		return nil, fmt.Errorf("read whose the observations are: %w", err)
	}
	return c.under(ctx, f, subjects)
}

// under returns what was seen under keys, each while it meant the device.
func (c *Checkup) under(ctx context.Context, f facility.ID, subjects []ledger.Subject) ([]observation.Observation, error) {
	keys := make([]string, len(subjects))
	when := make(map[string]ledger.Subject, len(subjects))
	for i := range subjects {
		keys[i], when[subjects[i].Key] = subjects[i].Key, subjects[i]
	}
	seen, err := c.Seen.Of(ctx, f, keys)
	if err != nil {
		return nil, fmt.Errorf("read what was seen: %w", err)
	}
	return slices.DeleteFunc(seen, func(o observation.Observation) bool {
		s := when[o.Subject()]
		return !s.From.IsZero() && o.At.Before(s.From) || !s.To.IsZero() && o.At.After(s.To)
	}), nil
}

// protect tells the gate at once when a device turns out to be medical. It only ever adds protection.
func (c *Checkup) protect(d *ledger.Device, id ledger.Identity) {
	if c.Gate == nil || !id.Medical && !d.Medical() {
		return
	}
	why := i18n.Text{Ja: "医療機器と判定された", En: "identified as medical"}.Ja
	if len(id.Because) > 0 {
		why = id.Because[0].Says
	}
	for _, card := range d.Interfaces {
		if !card.MAC.IsZero() {
			c.Gate.Protect(gate.HostKey{MAC: card.MAC}, why)
			continue
		}
		for _, ip := range card.IPv4 {
			c.Gate.Protect(gate.HostKey{Segment: card.Segment, IP: ip}, why)
		}
	}
}

// record writes one device's verdict: the machine's side of the ledger, the findings, and what the lists sort by.
func (c *Checkup) record(ctx context.Context, tx *store.Tx, v *verdict) error {
	changes, err := c.Ledger.SetIdentity(ctx, tx, v.device.ID, v.identity, v.services)
	if err != nil {
		return fmt.Errorf("write what %s is: %w", v.device.ID, err)
	}
	tied, err := c.Ledger.Tie(ctx, tx, v.device.ID)
	if err != nil {
		return fmt.Errorf("look for the same device elsewhere: %w", err)
	}
	claimed, err := c.claims(ctx, tx, v)
	if err != nil {
		return fmt.Errorf("look for the device's other cards: %w", err)
	}
	changes = slices.Concat(changes, tied, claimed)
	if err := c.tell(ctx, tx, changes); err != nil {
		return err
	}
	d := *v.device
	d.Identity, d.Services = v.identity, v.services
	return c.examine(ctx, tx, &d, v.seen)
}

// examine runs the checks on a device as it now is, and copies how it stands into the ledger's list.
func (c *Checkup) examine(ctx context.Context, tx *store.Tx, d *ledger.Device, seen []observation.Observation) error {
	results := exposure.Examine(exposure.Subject{Device: d, Observations: seen, Now: c.Now()})
	changes, err := c.Findings.Record(ctx, tx, findings(d, results, c.Now()))
	if err != nil {
		return fmt.Errorf("write the findings of %s: %w", d.ID, err)
	}
	if err := event.Add(ctx, tx, findingEvents(changes, c.Now())); err != nil {
		return err
	}
	counts, err := c.Findings.Counts(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	sum := d.Summary
	sum.Findings, sum.Worst = counts[d.ID].Open, int(counts[d.ID].Worst)
	for i := range results {
		if results[i].Check.ID == exposure.UnsupportedOS {
			sum.OSOld = results[i].Outcome == exposure.Fail
		}
	}
	return c.Ledger.Summarise(ctx, tx, d.ID, sum)
}

// tell passes the ledger's changes on to the list of what changed; findings move along with merged devices.
func (c *Checkup) tell(ctx context.Context, tx *store.Tx, changes []ledger.Change) error {
	for _, ch := range changes {
		if ch.Kind == ledger.Merged {
			if err := c.Findings.Merge(ctx, tx, ch.Device, ch.Other); err != nil {
				return fmt.Errorf("move the findings of a merged device: %w", err)
			}
		}
	}
	return Tell(ctx, tx, c.Ledger, changes)
}

// Tell writes the ledger's changes into the list of what changed, with the names that people know. app gives it to the ledger for changes
// that people make.
func Tell(ctx context.Context, tx *store.Tx, book *ledger.Ledger, changes []ledger.Change) error {
	if len(changes) == 0 {
		return nil
	}
	named := map[netid.DeviceID]bool{}
	var ids []netid.DeviceID
	for _, ch := range changes {
		for _, id := range []netid.DeviceID{ch.Device, ch.Other} {
			if id != "" && !named[id] {
				named[id], ids = true, append(ids, id)
			}
		}
	}
	devices, err := book.DevicesTx(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("name what changed: %w", err)
	}
	names := make(map[netid.DeviceID]*ledger.Device, len(devices))
	for _, d := range devices {
		names[d.ID] = d
	}
	return event.Add(ctx, tx, ledgerEvents(changes, names))
}

var outcomes = map[exposure.Outcome]finding.Outcome{exposure.Fail: finding.Found, exposure.Pass: finding.Clear, exposure.NotTested: finding.Unreached}

// claims ties a device's cards together: by its own list of them, or by the management address that it tells its neighbours.
func (c *Checkup) claims(ctx context.Context, tx *store.Tx, v *verdict) ([]ledger.Change, error) {
	var own []netid.MAC
	for i := range v.seen {
		if o := &v.seen[i]; o.Signal == observation.SNMPIf {
			if m, err := netid.ParseMAC(o.Detail["mac"]); err == nil && !slices.Contains(own, m) {
				own = append(own, m)
			}
		}
	}
	if len(own) > 0 {
		return c.Ledger.Claim(ctx, tx, v.device.ID, own)
	}
	var changes []ledger.Change
	for i := range v.seen {
		o := &v.seen[i]
		if o.Signal != observation.LLDP && o.Signal != observation.CDP || o.Detail["mgmt"] == "" {
			continue
		}
		more, err := c.Ledger.ClaimByAddress(ctx, tx, o.Detail["mgmt"], o.MAC)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}
