package app

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/supplier"
)

// The demo is a fictitious hospital: one real check-up of a laboratory network (checkup --record), replayed as if it had been made on several
// days, and what the hospital's people would have written down.
//
//go:embed demo/observations.ndjson.gz
var demoObservations []byte

//go:embed demo/words.yaml
var demoWords []byte

// demoEmail is the person who sees most of the demo.
const demoEmail = "demo@kenshin.invalid"

// DemoDoor is how one enters the demo.
type DemoDoor struct {
	Facility, Email, Password string
	Trainer, TrainerPassword  string // the second person, who writes drills and sees names
}

type demoStory struct {
	Facility struct {
		Name, Reading, Address string
		Beds                   int
	}
	Segments []struct {
		Range                    netip.Prefix
		Name, Purpose, Interface string
		Medical                  bool
	}
	Sweeps    []int // days ago
	Presence  map[netid.MAC]demoStay
	Suppliers []supplier.Supplier
	Devices   []demoDevice
	NeverSeen []demoDevice `yaml:"never_seen"`
	Systems   []demoSystem
	Accepted  []demoAccepted
}

// demoStay is when a device was there, in days ago; nil is without an end.
type demoStay struct{ From, To *int }

type demoDevice struct {
	MAC    netid.MAC
	Day    int
	State  ledger.State
	Fields map[string]string
}

type demoSystem struct {
	Name, Reading, Kind, Department, Owner, Vendor string
	Hosting                                        ledger.Hosting
	Data                                           []string
	Impact                                         ledger.Impact
	Devices                                        []netid.MAC
	Numbers                                        []string
}

type demoAccepted struct {
	MAC           netid.MAC
	Check, Reason string
	Day, Until    int
}

// Demo fills an empty place with the fictitious hospital and says how to enter it. Nothing is sent: its segments are not approved, the
// interfaces that they name are on no machine, and the mails of its drills lead nowhere.
func Demo(ctx context.Context, c Config, told func(done, total int)) (DemoDoor, error) {
	var story demoStory
	dec := yaml.NewDecoder(bytes.NewReader(demoWords))
	dec.KnownFields(true)
	if err := dec.Decode(&story); err != nil {
		return DemoDoor{}, fmt.Errorf("read the demo's words: %w", err)
	}
	c = c.withDefaults()
	now := c.Now()
	var clock atomic.Int64 // the story's time: it moves from sweep to sweep
	c.Now = func() time.Time { return time.UnixMicro(clock.Load()).UTC() }
	clock.Store(now.UnixMicro())
	settle, err := demoPlace(&c)
	if err != nil {
		return DemoDoor{}, err
	}
	h, err := Open(ctx, c)
	if err != nil {
		return DemoDoor{}, errors.Join(err, settle(false))
	}
	d := &demo{House: h, story: story, now: now, clock: &clock, told: told}
	door, err := d.tell(actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "demo", Name: "見本 花子", Role: actor.Admin}))
	err = errors.Join(err, h.Close())
	return door, errors.Join(err, settle(err == nil))
}

// demoPlace lets an SQLite database that is not there yet be filled in a folder of its own. settle moves it to its place when it is whole; a
// demo that was cut off leaves nothing that the next try would meet.
func demoPlace(c *Config) (settle func(whole bool) error, err error) {
	place := filepath.Join(c.Data, "kenshin.db")
	if _, err := os.Lstat(place); c.Database != "" || err == nil {
		return func(bool) error { return nil }, nil
	}
	if err := makeFolder(c.Data); err != nil {
		return nil, err
	}
	if c.Data, err = os.MkdirTemp(c.Data, "demo-"); err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	work := c.Data
	c.passing = true
	return func(whole bool) (err error) {
		if whole {
			err = onDisk(filepath.Join(work, "kenshin.db"))
			err = errors.Join(err, os.Rename(filepath.Join(work, "kenshin.db"), place))
		}
		return errors.Join(err, os.RemoveAll(work))
	}, nil
}

// onDisk waits until a file is on the disk: it was written without waiting.
func onDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type demo struct {
	*House
	story    demoStory
	now      time.Time
	clock    *atomic.Int64
	told     func(done, total int)
	facility facility.ID
	segments map[string]string // range -> id
	vendors  map[string]string // name -> id
	years    *years
}

// demoLead is how long before the present time of day the story's days are told, so that none of them lies ahead of the next.
const demoLead = 15 * time.Minute

// ago sets the story's clock so many days back, at the hour of now.
func (d *demo) ago(days int) time.Time {
	t := d.now.Add(-time.Duration(days)*24*time.Hour - demoLead)
	d.clock.Store(t.UnixMicro())
	return t
}

func (d *demo) tell(ctx context.Context) (door DemoDoor, err error) {
	if d.years, err = readDemoYears(d); err != nil {
		return door, err
	}
	d.clock.Store(d.years.began().AddDate(0, 0, -7).UnixMicro())
	if door, err = d.open(ctx); err != nil {
		return door, err
	}
	if err := d.years.before(ctx); err != nil {
		return door, err
	}
	d.ago(d.story.Sweeps[0] + 1)
	if err := d.places(ctx); err != nil {
		return door, err
	}
	obs, start, err := demoRecording(d.now)
	if err != nil {
		return door, err
	}
	for i, day := range d.story.Sweeps {
		if err := d.sweep(ctx, obs, start, day); err != nil {
			return door, err
		}
		next := -1
		if i+1 < len(d.story.Sweeps) {
			next = d.story.Sweeps[i+1]
		}
		if err := d.between(ctx, day, next); err != nil {
			return door, err
		}
		d.told(i+1, len(d.story.Sweeps)+1)
	}
	if err := d.drills(ctx, &door); err != nil {
		return door, err
	}
	err = d.years.today(ctx)
	d.told(len(d.story.Sweeps)+1, len(d.story.Sweeps)+1)
	return door, err
}

// open makes the facility, its one person and its vendors.
func (d *demo) open(ctx context.Context) (DemoDoor, error) {
	have, err := d.Account.Facilities(ctx)
	if err != nil {
		return DemoDoor{}, err
	}
	if len(have) > 0 {
		return DemoDoor{}, fault.New(fault.Conflict, "この場所にはもう施設があります。見本は空のフォルダに作ります。--data で別の場所を指定してください。",
			"There is a facility here already. The demo is made in an empty folder: name another place with --data.")
	}
	w := d.story.Facility
	f, err := d.Account.AddFacility(ctx, account.Facility{Name: w.Name, Reading: w.Reading, Beds: w.Beds, Address: w.Address, Demo: true})
	if err != nil {
		return DemoDoor{}, err
	}
	d.facility = f.ID
	door := DemoDoor{Facility: f.Name, Email: demoEmail, Password: rand.Text()}
	if _, err := d.Account.AddPerson(ctx, f.ID, account.NewPerson{Email: demoEmail, Name: "見本 花子", Password: door.Password}, actor.Admin, time.Time{}); err != nil {
		return door, err
	}
	d.vendors = map[string]string{}
	for _, v := range d.story.Suppliers {
		saved, err := d.Suppliers.Save(ctx, f.ID, v)
		if err != nil {
			return door, fmt.Errorf("write down %s: %w", v.Name, err)
		}
		d.vendors[saved.Name] = saved.ID
	}
	return door, nil
}

// places writes the segments down: nobody approves them.
func (d *demo) places(ctx context.Context) error {
	d.segments = map[string]string{}
	for _, s := range d.story.Segments {
		id, err := d.Gates.Propose(ctx, d.facility, gate.Segment{Name: s.Name, Prefix: s.Range, Interface: s.Interface, Purpose: s.Purpose, Medical: s.Medical, Pace: gate.Gentle})
		if err != nil {
			return fmt.Errorf("write down segment %s: %w", s.Name, err)
		}
		d.segments[s.Range.String()] = id
	}
	return nil
}

func demoRecording(now time.Time) (obs []observation.Observation, start time.Time, err error) {
	r, err := OpenRecording(bytes.NewReader(demoObservations), now.AddDate(100, 0, 0)) // it was made whenever it was made
	if err != nil {
		return nil, start, err
	}
	for {
		o, ok, err := r.Next()
		if err != nil || !ok {
			return obs, start, err
		}
		if start.IsZero() || o.At.Before(start) {
			start = o.At
		}
		obs = append(obs, o)
	}
}

// sweep replays the recording as if it had been made so many days ago, by those who were there then.
func (d *demo) sweep(ctx context.Context, obs []observation.Observation, start time.Time, day int) error {
	at := d.ago(day)
	i := 0
	next := func() (observation.Observation, bool, error) {
		for ; i < len(obs); i++ {
			o := obs[i]
			if stay := d.story.Presence[o.MAC]; stay.From != nil && day > *stay.From || stay.To != nil && day < *stay.To {
				continue
			}
			i++
			o.At, o.First, o.Count = at.Add(o.At.Sub(start)), time.Time{}, 0
			if id, ok := d.segments[o.Segment]; ok {
				o.Segment = id
			}
			return o, true, nil
		}
		return observation.Observation{}, false, nil
	}
	kenshin := actor.With(ctx, actor.Actor{Kind: actor.System, ID: "kenshin", Name: "Kenshin"}) // the machine saw it, not the demo's person
	if err := d.Replay(kenshin, d.facility, next, func(int) {}); err != nil {
		return err
	}
	return d.keepSweep(ctx, at)
}

// keepSweep writes the replay down as the check-up that it was: with those who were seen in it.
func (d *demo) keepSweep(ctx context.Context, at time.Time) error {
	page, err := d.Ledger.List(ctx, d.facility, ledger.Query{Limit: 500})
	if err != nil {
		return err
	}
	var ids []netid.DeviceID
	to := at
	for _, x := range page.Devices {
		if x.LastSeen.Before(at) {
			continue
		}
		ids = append(ids, x.ID)
		if x.LastSeen.After(to) {
			to = x.LastSeen
		}
	}
	seen, err := d.Ledger.Devices(ctx, d.facility, ids)
	if err != nil {
		return err
	}
	var r checkup.Request
	for _, id := range d.segments {
		r.Segments = append(r.Segments, id)
	}
	slices.Sort(r.Segments)
	return d.judge().Keep(ctx, d.facility, r, at, to, seen)
}

// between does what people did after one sweep and before the next.
func (d *demo) between(ctx context.Context, from, to int) error {
	during := func(day int) bool { return day <= from && day > to }
	for _, w := range d.story.Devices {
		if during(w.Day) {
			if err := d.register(ctx, w); err != nil {
				return fmt.Errorf("write down %s: %w", w.MAC, err)
			}
		}
	}
	for _, w := range d.story.NeverSeen {
		if during(w.Day) {
			d.ago(w.Day)
			if err := d.add(ctx, w); err != nil {
				return fmt.Errorf("write down %s: %w", w.Fields["name"], err)
			}
		}
	}
	for _, a := range d.story.Accepted {
		if during(a.Day) {
			d.ago(a.Day)
			if err := d.accept(ctx, a); err != nil {
				return fmt.Errorf("accept %s: %w", a.Check, err)
			}
		}
	}
	if during(demoSystemsDay) {
		d.ago(demoSystemsDay)
		if err := d.systems(ctx); err != nil {
			return err
		}
		if err := d.forms(ctx); err != nil {
			return err
		}
	}
	return d.years.during(ctx, during)
}

// demoSystemsDay is when the systems were written down: after the devices that they are made of.
const demoSystemsDay = 35

func (d *demo) fields(w demoDevice) map[string]string {
	if id := d.vendors[w.Fields["vendor"]]; id != "" {
		w.Fields["vendor_id"] = id
	}
	return w.Fields
}

func (d *demo) register(ctx context.Context, w demoDevice) error {
	d.ago(w.Day)
	dev, err := d.Ledger.ByMAC(ctx, d.facility, w.MAC)
	if err != nil {
		return err
	}
	if w.State == "" {
		w.State = ledger.Registered
	}
	_, err = d.Ledger.Edit(ctx, d.facility, dev.ID, 0, ledger.Patch{Fields: d.fields(w), State: w.State, Reason: "台帳への登録"})
	return err
}

func (d *demo) add(ctx context.Context, w demoDevice) error {
	var word ledger.Word
	for k, v := range d.fields(w) {
		if err := word.Set(k, v); err != nil {
			return err
		}
	}
	_, err := d.Ledger.Add(ctx, d.facility, word, ledger.Registered, "紙の台帳から")
	return err
}

func (d *demo) systems(ctx context.Context) error {
	keys, err := d.Ledger.Keys(ctx, d.facility)
	if err != nil {
		return err
	}
	for _, w := range d.story.Systems {
		s := ledger.System{Name: w.Name, Reading: w.Reading, Kind: w.Kind, Department: w.Department, Owner: w.Owner, Vendor: w.Vendor, VendorID: d.vendors[w.Vendor],
			Hosting: w.Hosting, Data: w.Data, Impact: w.Impact}
		for i := range keys {
			if slices.ContainsFunc(keys[i].MACs, func(m netid.MAC) bool { return slices.Contains(w.Devices, m) }) || slices.Contains(w.Numbers, keys[i].Word.Number) {
				s.Devices = append(s.Devices, keys[i].ID)
			}
		}
		if _, err := d.Ledger.SaveSystem(ctx, d.facility, s); err != nil {
			return fmt.Errorf("write down system %s: %w", w.Name, err)
		}
	}
	return nil
}

func (d *demo) accept(ctx context.Context, a demoAccepted) error {
	dev, err := d.Ledger.ByMAC(ctx, d.facility, a.MAC)
	if err != nil {
		return err
	}
	page, err := d.Findings.List(ctx, d.facility, finding.Filter{States: []finding.State{finding.Open}, Device: dev.ID, Limit: 200})
	if err != nil {
		return err
	}
	for _, f := range page.Findings {
		if f.Check == a.Check {
			return d.Findings.Accept(ctx, d.facility, f.ID, a.Reason, d.Now().AddDate(0, 0, a.Until))
		}
	}
	return fault.New(fault.NotFound, "その弱点はありません。", "There is no such finding.")
}
