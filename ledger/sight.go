package ledger

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
)

// ownAddress is the signal by which a device lists the addresses of its own cards over SNMP: its word, and not the card's.
const ownAddress = "snmp.own"

// MaxSightings is how many sightings one call takes: it keeps the transaction short.
const MaxSightings = 250

// Sighted is what Sight found out.
type Sighted struct {
	Devices []netid.DeviceID // whose each sighting is, in the order given; "" for one that says nothing
	Changes []Change
}

// card is an interface in memory.
type card struct {
	mac            netid.MAC
	entry, root    netid.DeviceID // entry is whom it was found for, root who stands for that entry now
	segment        string
	first, last    time.Time
	newest         netip.Addr // newest IPv4, as of the database
	recent, total  int        // IPv4 addresses lately, all addresses ever
	written, known bool       // to be written; was in the database
}

// place is where an address means something.
type place struct{ segment, ip string }

// hold is a row of ledger_addresses in memory.
type hold struct {
	place
	mac         netid.MAC
	entry, root netid.DeviceID
	first, last time.Time
	card        time.Time // when the MAC was seen last, with any address
	held        bool
	written     bool
}

// who is what Sight needs to know of a device.
type who struct {
	id                   netid.DeviceID
	state                State
	first, last, changed time.Time
	fresh                *Device // set when it is new
	dirty                bool    // its summary must be made again
	touched              bool    // only its last sighting moved
}

// sighting is the work of one call of Sight.
type sighting struct {
	l       *Ledger
	cards   map[netid.MAC]*card
	holds   map[place][]*hold
	people  map[netid.DeviceID]*who
	drop    []*hold // rows that lost their address
	pairs   []pair
	apart   []card // that were merged into another device and now show an address of their own
	changes []Change
}

type pair struct {
	a, b   netid.DeviceID
	likely Likeness
	why    []i18n.Text
	silent bool // certain only because b has no address
}

// Sight tells the ledger who was on the network, and learns whose each sighting is. At most MaxSightings at a time. The same sightings
// again change nothing.
func (l *Ledger) Sight(ctx context.Context, tx *store.Tx, list []Sighting) (Sighted, error) {
	if len(list) > MaxSightings {
		return Sighted{}, fmt.Errorf("ledger: %d sightings at once, at most %d", len(list), MaxSightings)
	}
	if err := lock(ctx, tx); err != nil {
		return Sighted{}, err
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].tidy()
	}
	w := &sighting{l: l, cards: map[netid.MAC]*card{}, holds: map[place][]*hold{}, people: map[netid.DeviceID]*who{}}
	if err := w.load(ctx, tx, list); err != nil {
		return Sighted{}, fmt.Errorf("read who is known: %w", err)
	}
	out := Sighted{Devices: make([]netid.DeviceID, len(list))}
	answers := addressesOf(list)
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return list[a].At.Compare(list[b].At) })
	for _, i := range order {
		if s := list[i]; owned(s.MAC) || s.IP.IsValid() {
			out.Devices[i] = w.place(s, answers[s.MAC])
		}
	}
	if err := w.write(ctx, tx); err != nil {
		return Sighted{}, fmt.Errorf("write sightings: %w", err)
	}
	for _, p := range w.pairs {
		changes, err := l.unite(ctx, tx, p)
		if err != nil {
			return Sighted{}, err
		}
		w.changes = append(w.changes, changes...)
	}
	for _, c := range w.apart {
		changes, err := l.reconsider(ctx, tx, c.entry, c.root)
		if err != nil {
			return Sighted{}, fmt.Errorf("take a card with an address of its own apart: %w", err)
		}
		w.changes = append(w.changes, changes...)
		for i := range list {
			if list[i].MAC == c.mac {
				out.Devices[i] = c.entry
			}
		}
	}
	out.Changes = w.changes
	if len(w.pairs)+len(w.apart) == 0 {
		return out, nil
	}
	for i, id := range out.Devices {
		if id != "" {
			root, err := rootOf(ctx, tx, id)
			if err != nil {
				return Sighted{}, err
			}
			out.Devices[i] = root
		}
	}
	return out, nil
}

// addressesOf counts the IPv4 addresses that each MAC answers for within one batch.
func addressesOf(list []Sighting) map[netid.MAC]int {
	seen := map[netid.MAC]map[netip.Addr]bool{}
	out := map[netid.MAC]int{}
	for _, s := range list {
		if s.IP.Is4() && owned(s.MAC) {
			if seen[s.MAC] == nil {
				seen[s.MAC] = map[netip.Addr]bool{}
			}
			seen[s.MAC][s.IP] = true
			out[s.MAC] = len(seen[s.MAC])
		}
	}
	return out
}

// place decides whose a sighting is and notes what is to be written.
func (w *sighting) place(s Sighting, answers int) netid.DeviceID {
	k := Known{Addresses: answers}
	c := w.cards[s.MAC]
	if owned(s.MAC) && c != nil {
		k.Owner = c.root
		k.Addresses = max(answers, c.recent)
	}
	at := place{s.Segment, ipText(s.IP)}
	rows := w.holds[at]
	slices.SortStableFunc(rows, func(a, b *hold) int { return b.last.Compare(a.last) })
	if s.IP.IsValid() {
		for _, h := range rows {
			k.Holders = append(k.Holders, Holder{Device: h.root, MAC: h.mac, Last: h.last, Moved: h.card.Sub(h.last) > movedTime})
		}
	}
	v := Resolve(s, k)
	d := w.person(v.Device, s)
	entry := d.id
	if c != nil && owned(s.MAC) {
		entry = c.entry
	} else if i := slices.IndexFunc(rows, func(h *hold) bool { return h.root == d.id }); i >= 0 {
		entry = rows[i].entry
	}
	if v.Adopt {
		w.note(Change{Kind: CardFound, Device: d.id, At: s.At, Field: "mac", After: s.MAC.String(), Signal: s.Signal})
		w.dropAddressOnly(rows, d.id)
	}
	why := t("ルータが、このIPアドレスのMACアドレスを知らせました("+at.ip+")", "A router told the MAC of this IP address ("+at.ip+")")
	if v.Fold != "" {
		w.dropAddressOnly(rows, v.Fold)
		w.pairs = append(w.pairs, pair{a: d.id, b: v.Fold, likely: Certain, why: []i18n.Text{why}})
	}
	if v.Suggest != "" {
		w.pairs = append(w.pairs, pair{a: d.id, b: v.Suggest, likely: Maybe, why: []i18n.Text{why}})
	}
	if owned(s.MAC) {
		c = w.seeCard(s, d, entry, c)
	}
	if s.IP.IsValid() {
		w.seeAddress(s, d, entry, c, at)
	}
	return d.id
}

// person returns a device, a new one for "", and notes what its sighting means for it.
func (w *sighting) person(id netid.DeviceID, s Sighting) *who {
	d := w.people[id]
	if d == nil {
		fresh := &Device{ID: netid.DeviceID(store.NewID()), State: New}
		d = &who{id: fresh.ID, state: New, fresh: fresh, first: s.First, last: s.At}
		w.people[d.id] = d
		w.note(Change{Kind: DeviceFound, Device: d.id, At: s.At, After: first(s.MAC.String(), ipText(s.IP)), Signal: s.Signal})
		return d
	}
	switch {
	case d.first.IsZero():
		w.note(Change{Kind: DeviceConfirm, Device: d.id, At: s.At, After: first(s.MAC.String(), ipText(s.IP)), Signal: s.Signal})
		d.first, d.dirty = s.First, true
	case d.state == Retired && d.last.Before(d.changed) && s.At.After(d.changed):
		w.note(Change{Kind: RetiredSeen, Device: d.id, At: s.At, After: ipText(s.IP), Signal: s.Signal})
	case s.At.Sub(d.last) >= backAfter:
		w.note(Change{Kind: DeviceBack, Device: d.id, At: s.At, Before: d.last.Format(time.RFC3339), Signal: s.Signal})
	}
	if s.First.Before(d.first) {
		d.first, d.dirty = s.First, true
	}
	if s.At.After(d.last) {
		d.last, d.touched = s.At, true
	}
	return d
}

func (w *sighting) note(c Change) { w.changes = append(w.changes, c) }

// dropAddressOnly ends the time in which a device was known by this address only.
func (w *sighting) dropAddressOnly(rows []*hold, root netid.DeviceID) {
	for _, h := range rows {
		if h.root == root && !owned(h.mac) && h.held {
			h.held = false
			w.drop = append(w.drop, h)
		}
	}
}

func (w *sighting) seeCard(s Sighting, d *who, entry netid.DeviceID, c *card) *card {
	if c == nil {
		c = &card{mac: s.MAC, entry: entry, root: d.id, segment: s.Segment, first: s.First, last: s.At, written: true}
		w.cards[s.MAC] = c
		d.dirty = true
	}
	if c.first.IsZero() || s.First.Before(c.first) {
		c.first, c.written = s.First, true
	}
	if s.At.After(c.last) {
		if c.segment != s.Segment && s.Segment != "" {
			c.segment, d.dirty = s.Segment, true
		}
		c.last, c.written = s.At, true
	}
	if d.fresh != nil && !slices.ContainsFunc(d.fresh.Interfaces, func(i Interface) bool { return i.MAC == c.mac }) {
		d.fresh.Interfaces = append(d.fresh.Interfaces, Interface{MAC: c.mac, Segment: c.segment, FirstSeen: c.first, LastSeen: c.last})
	}
	return c
}

func (w *sighting) seeAddress(s Sighting, d *who, entry netid.DeviceID, c *card, at place) {
	rows := w.holds[at]
	var own *hold
	for _, h := range rows {
		switch {
		case own == nil && (owned(s.MAC) && h.entry == entry && h.mac == s.MAC || !owned(s.MAC) && h.root == d.id):
			own = h // the address alone continues the newest row of its device
		case h.root != d.id && h.held && !h.last.After(s.At):
			h.held = false
			w.drop = append(w.drop, h)
			if o := w.people[h.root]; o != nil && o.fresh == nil {
				o.dirty = true
			}
		}
	}
	moved := own == nil || s.At.Sub(own.last) > freshTime
	if own == nil {
		if c != nil && c.total >= mostAddrs {
			return // it answers for whole networks; its own address is known long since
		}
		own = &hold{place: at, mac: s.MAC, entry: entry, root: d.id, first: s.First, last: s.At, held: true, written: true}
		w.holds[at] = append(rows, own)
		d.dirty = true
		if c != nil {
			c.total++
			if c.entry != d.id && s.Signal != ownAddress {
				w.apart = append(w.apart, *c)
			}
		}
	}
	if s.First.Before(own.first) {
		own.first, own.written = s.First, true
	}
	if s.At.After(own.last) || !own.held && !s.At.Before(own.last) {
		if !own.held || moved {
			d.dirty = true
		}
		own.last, own.held, own.written = latest(own.last, s.At), true, true
	}
	if c != nil && c.known && moved && s.IP.Is4() && !s.At.Before(c.last) && c.newest.IsValid() && c.newest != s.IP && c.recent <= manyAddrs {
		w.note(Change{Kind: AddressChanged, Device: d.id, At: s.At, Field: "ip", Before: c.newest.String(), After: s.IP.String(), Signal: s.Signal})
	}
	if c != nil && s.IP.Is4() && !s.At.Before(c.last) {
		c.newest = s.IP
	}
	if d.fresh != nil {
		d.fresh.addAddress(Address{MAC: s.MAC, IP: s.IP, Segment: s.Segment, First: own.first, Last: own.last})
	}
}

func (w *sighting) write(ctx context.Context, tx *store.Tx) error {
	var fresh []*Device
	var dirty []netid.DeviceID
	touch := map[netid.DeviceID]time.Time{}
	for id, d := range w.people {
		if d.fresh != nil {
			d.fresh.FirstSeen, d.fresh.LastSeen = seenTimes(d.fresh.Interfaces)
			fresh = append(fresh, d.fresh)
			continue
		}
		if d.dirty {
			dirty = append(dirty, id)
		}
		if d.touched {
			touch[id] = d.last
		}
	}
	slices.SortFunc(fresh, func(a, b *Device) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.Sort(dirty)
	if err := w.l.insert(ctx, tx, fresh); err != nil {
		return err
	}
	if err := w.writeCards(ctx, tx); err != nil {
		return err
	}
	if err := w.writeHolds(ctx, tx); err != nil {
		return err
	}
	if err := touchAll(ctx, tx, touch); err != nil {
		return err
	}
	if err := w.l.refresh(ctx, tx, dirty); err != nil {
		return err
	}
	return w.l.record(ctx, tx, w.changes)
}

func (w *sighting) writeCards(ctx context.Context, tx *store.Tx) error {
	var cards []*card
	for _, c := range w.cards {
		if c.written {
			cards = append(cards, c)
		}
	}
	slices.SortFunc(cards, func(a, b *card) int { return strings.Compare(a.mac.String(), b.mac.String()) })
	for group := range groups(cards) {
		var args []any
		for _, c := range group {
			args = append(args, c.mac.String(), string(c.entry), c.segment, store.Micros(c.first), store.Micros(c.last))
		}
		_, err := tx.Exec(ctx, `INSERT INTO ledger_interfaces (facility_id, mac, device_id, segment, first_seen, last_seen) VALUES `+
			values(len(group), 5)+` ON CONFLICT (facility_id, mac) DO UPDATE SET segment = excluded.segment, first_seen = excluded.first_seen,
			last_seen = excluded.last_seen`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *sighting) writeHolds(ctx context.Context, tx *store.Tx) error {
	var holds []*hold
	for _, rows := range w.holds {
		for _, h := range rows {
			if h.written {
				holds = append(holds, h)
			}
		}
	}
	for _, h := range w.drop {
		if !h.written && !h.held {
			h.written = true
			holds = append(holds, h)
		}
	}
	slices.SortFunc(holds, func(a, b *hold) int {
		return strings.Compare(a.segment+" "+a.ip+" "+a.mac.String()+string(a.entry), b.segment+" "+b.ip+" "+b.mac.String()+string(b.entry))
	})
	for group := range groups(holds) {
		var args []any
		for _, h := range group {
			args = append(args, h.segment, h.ip, h.mac.String(), string(h.entry), store.Micros(h.first), store.Micros(h.last), h.held)
		}
		_, err := tx.Exec(ctx, `INSERT INTO ledger_addresses (facility_id, segment, ip, mac, device_id, first_seen, last_seen, held) VALUES `+
			values(len(group), 7)+` ON CONFLICT (facility_id, segment, ip, mac, device_id) DO UPDATE SET first_seen = excluded.first_seen,
			last_seen = excluded.last_seen, held = excluded.held`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// touchAll moves the last sighting of devices that showed nothing else.
func touchAll(ctx context.Context, tx *store.Tx, at map[netid.DeviceID]time.Time) error {
	ids := make([]netid.DeviceID, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for group := range groups(ids) {
		var args []any
		var list []string
		for i, id := range group {
			args = append(args, string(id), store.Micros(at[id]))
			list = append(list, "($"+strconv.Itoa(2+2*i)+", CAST($"+strconv.Itoa(3+2*i)+" AS BIGINT))")
		}
		_, err := tx.Exec(ctx, "WITH v (id, at) AS (VALUES "+strings.Join(list, ", ")+`) UPDATE ledger_devices SET last_seen = v.at FROM v
			WHERE ledger_devices.facility_id = $1 AND ledger_devices.id = v.id AND v.at > ledger_devices.last_seen`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
