package checkup

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// judgeRounds bounds how often cards that turn out to be one device are judged together; more than that is left to the next sweep.
const judgeRounds = 4

// Judge says again what devices are and what is weak on them, from all that was ever seen of them. Cards that turn out to be one device are
// judged once more, as that device.
func (c *Checkup) Judge(ctx context.Context, f facility.ID, ids []netid.DeviceID) error {
	for round := 0; len(ids) > 0 && round < judgeRounds; round++ {
		var joined []netid.DeviceID
		for part := range slices.Chunk(ids, judgeTogether) {
			verdicts, err := c.weigh(ctx, f, part)
			if err != nil {
				return err
			}
			var changes []ledger.Change
			err = c.DB.Write(ctx, f, func(tx *store.Tx) (err error) {
				changes, err = c.record(ctx, tx, verdicts)
				return err
			})
			if err != nil {
				return err
			}
			for _, ch := range changes {
				if ch.Kind == ledger.Merged && !slices.Contains(joined, ch.Device) {
					joined = append(joined, ch.Device)
				}
			}
		}
		ids = joined
	}
	return nil
}

// verdict is what the machine concludes of one device.
type verdict struct {
	device   *ledger.Device
	seen     []observation.Observation
	identity ledger.Identity
	services []ledger.Service
	cards    []netid.MAC        // that the device lists as its own and the ledger does not know as its
	mutual   map[netid.MAC]bool // those whose host lists one of the device's cards as well
}

// weigh reads what was seen of devices and concludes; it writes nothing.
func (c *Checkup) weigh(ctx context.Context, f facility.ID, ids []netid.DeviceID) ([]verdict, error) {
	devices, err := c.Ledger.Devices(ctx, f, ids)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	seen, err := c.seenOfAll(ctx, f, devices)
	if err != nil {
		return nil, err
	}
	list := make([]verdict, 0, len(devices))
	for _, d := range devices {
		v := verdict{device: d, seen: seen[d.ID]}
		v.identity, v.services = c.Identify.Of(v.seen)
		c.protect(d, v.identity)
		list = append(list, v)
	}
	return list, c.findMutual(ctx, f, list)
}

// seenOfAll is SeenOf for many devices at once.
func (c *Checkup) seenOfAll(ctx context.Context, f facility.ID, devices []*ledger.Device) (map[netid.DeviceID][]observation.Observation, error) {
	subjects, err := c.Ledger.SubjectsOfAll(ctx, f, devices)
	if err != nil {
		return nil, fmt.Errorf("read whose the observations are: %w", err)
	}
	var keys []string
	for _, d := range devices {
		for _, s := range subjects[d.ID] {
			keys = append(keys, s.Key)
		}
	}
	slices.Sort(keys)
	seen, err := c.Seen.OfEach(ctx, f, slices.Compact(keys))
	if err != nil {
		return nil, fmt.Errorf("read what was seen: %w", err)
	}
	out := make(map[netid.DeviceID][]observation.Observation, len(devices))
	for _, d := range devices {
		for _, s := range subjects[d.ID] {
			for _, o := range seen[s.Key] {
				if meant(s, o.At) {
					out[d.ID] = append(out[d.ID], o)
				}
			}
		}
	}
	return out, nil
}

// meant reports whether a key stood for its device at a time.
func meant(s ledger.Subject, at time.Time) bool {
	return (s.From.IsZero() || !at.Before(s.From)) && (s.To.IsZero() || !at.After(s.To))
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
		return !meant(when[o.Subject()], o.At)
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

// record writes what was concluded: the machine's side of the ledger, the findings, and what the lists sort by. It
// returns what changed in the ledger.
func (c *Checkup) record(ctx context.Context, tx *store.Tx, verdicts []verdict) ([]ledger.Change, error) {
	measured := make([]ledger.Measurement, len(verdicts))
	for i := range verdicts {
		v := &verdicts[i]
		measured[i] = ledger.Measurement{Device: v.device.ID, Identity: v.identity, Services: v.services}
	}
	devices, changes, err := c.Ledger.Measure(ctx, tx, measured)
	if err != nil {
		return nil, err
	}
	list := make([]examined, 0, len(verdicts))
	for i := range verdicts {
		v := &verdicts[i]
		claimed, err := c.claims(ctx, tx, v)
		if err != nil {
			return nil, fmt.Errorf("look for the device's other cards: %w", err)
		}
		changes = append(changes, claimed...)
	}
	for i, d := range devices {
		twice := func(have examined) bool { return have.ID == d.ID }
		gone := func(ch ledger.Change) bool { return ch.Kind == ledger.Merged && ch.Other == d.ID }
		if d != nil && !slices.ContainsFunc(list, twice) && !slices.ContainsFunc(changes, gone) {
			list = append(list, examined{d, verdicts[i].seen})
		}
	}
	if err := c.tell(ctx, tx, changes); err != nil {
		return nil, err
	}
	return changes, c.examine(ctx, tx, list)
}

// examined is a device as it now is, with all that was seen of it.
type examined struct {
	*ledger.Device
	seen []observation.Observation
}

// examine runs the checks on devices as they now are, and copies how these stand into the ledger's list.
func (c *Checkup) examine(ctx context.Context, tx *store.Tx, list []examined) error {
	if len(list) == 0 {
		return nil
	}
	now := c.Now()
	var results []finding.Result
	ids, sums := make([]netid.DeviceID, len(list)), make([]ledger.Summary, len(list))
	for i, d := range list {
		said := exposure.Examine(exposure.Subject{Device: d.Device, Observations: d.seen, Now: now})
		results = append(results, findings(d.Device, said, now)...)
		ids[i], sums[i] = d.ID, d.Summary
		for k := range said {
			if said[k].Check.ID == exposure.UnsupportedOS {
				sums[i].OSOld = said[k].Outcome == exposure.Fail
			}
		}
	}
	changes, err := c.Findings.Record(ctx, tx, results)
	if err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	if err := event.Add(ctx, tx, findingEvents(changes, now)); err != nil {
		return err
	}
	counts, err := c.Findings.Counts(ctx, tx, ids...)
	if err != nil {
		return err
	}
	for i, d := range list {
		sums[i].Findings, sums[i].Worst = counts[d.ID].Open, int(counts[d.ID].Worst)
		if sums[i] == d.Summary {
			continue
		}
		if err := c.Ledger.Summarise(ctx, tx, d.ID, sums[i]); err != nil {
			return err
		}
	}
	return nil
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
