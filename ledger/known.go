package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"kenshin/netid"
	"kenshin/store"
)

// load reads all that the ledger knows of these MACs and addresses.
func (w *sighting) load(ctx context.Context, tx *store.Tx, list []Sighting) error {
	var macs, ips, segments []string
	for _, s := range list {
		if owned(s.MAC) {
			macs = append(macs, s.MAC.String())
		}
		if s.IP.IsValid() {
			ips, segments = append(ips, s.IP.String()), append(segments, s.Segment)
		}
	}
	macs, ips, segments = unique(macs), unique(ips), unique(segments)
	var entries, roots []string
	for chunk := range slices.Chunk(macs, 64) {
		in, args := inList(2, chunk)
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var c card
			var mac string
			var firstSeen, lastSeen int64
			if err := r.Scan(&mac, &c.entry, &c.root, &c.segment, &firstSeen, &lastSeen); err != nil {
				return err
			}
			c.first, c.last, c.known = store.Time(firstSeen), store.Time(lastSeen), true
			var err error
			c.mac, err = netid.ParseMAC(mac)
			w.cards[c.mac] = &c
			entries, roots = append(entries, string(c.entry)), append(roots, string(c.root))
			return err
		}, `SELECT x.mac, x.device_id, d.root, x.segment, x.first_seen, x.last_seen FROM ledger_interfaces x JOIN ledger_devices d
			ON d.facility_id = x.facility_id AND d.id = x.device_id WHERE x.facility_id = $1 AND x.mac IN `+in, args...)
		if err != nil {
			return err
		}
	}
	if err := w.loadOwn(ctx, tx, unique(entries)); err != nil {
		return err
	}
	held, err := w.loadHolders(ctx, tx, ips, segments)
	if err != nil {
		return err
	}
	return w.loadPeople(ctx, tx, unique(append(roots, held...)))
}

// loadOwn counts the addresses of each known card.
func (w *sighting) loadOwn(ctx context.Context, tx *store.Tx, entries []string) error {
	newest := map[netid.MAC]time.Time{}
	for chunk := range slices.Chunk(entries, 64) {
		in, args := inList(2, chunk)
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			a, err := scanAddress(r, new(string))
			c := w.cards[a.MAC]
			if err != nil || c == nil {
				return err
			}
			c.total++
			if a.IP.Is4() && c.last.Sub(a.Last) < freshTime {
				c.recent++
			}
			if a.IP.Is4() && !a.Last.Before(newest[a.MAC]) {
				c.newest, newest[a.MAC] = a.IP, a.Last
			}
			return nil
		}, `SELECT device_id, mac, ip, segment, first_seen, last_seen, held FROM ledger_addresses
			WHERE facility_id = $1 AND mac <> '' AND device_id IN `+in, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *sighting) loadHolders(ctx context.Context, tx *store.Tx, ips, segments []string) (roots []string, err error) {
	for _, segment := range segments {
		for chunk := range slices.Chunk(ips, 64) {
			in, args := inList(3, chunk)
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				var h hold
				var mac string
				var firstSeen, lastSeen, cardSeen int64
				if err := r.Scan(&h.entry, &h.root, &h.ip, &mac, &firstSeen, &lastSeen, &h.held, &cardSeen); err != nil {
					return err
				}
				h.card, h.segment, h.first, h.last = store.Time(cardSeen), segment, store.Time(firstSeen), store.Time(lastSeen)
				if mac != "" {
					m, err := netid.ParseMAC(mac)
					if err != nil {
						return err
					}
					h.mac = m
				}
				w.holds[h.place] = append(w.holds[h.place], &h)
				roots = append(roots, string(h.root))
				return nil
			}, `SELECT x.device_id, d.root, x.ip, x.mac, x.first_seen, x.last_seen, x.held, coalesce(i.last_seen, 0) FROM ledger_addresses x
				JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
				LEFT JOIN ledger_interfaces i ON i.facility_id = x.facility_id AND i.mac = x.mac WHERE x.facility_id = $1 AND x.segment = $2 AND x.ip IN `+in,
				append([]any{segment}, args...)...)
			if err != nil {
				return nil, err
			}
		}
	}
	return roots, nil
}

func (w *sighting) loadPeople(ctx context.Context, tx *store.Tx, ids []string) error {
	for chunk := range slices.Chunk(ids, 64) {
		in, args := inList(2, chunk)
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var d who
			var firstSeen, lastSeen, changed int64
			err := r.Scan(&d.id, &d.state, &firstSeen, &lastSeen, &changed)
			d.first, d.last, d.changed = store.Time(firstSeen), store.Time(lastSeen), store.Time(changed)
			w.people[d.id] = &d
			return err
		}, "SELECT id, state, first_seen, last_seen, changed_at FROM ledger_devices WHERE facility_id = $1 AND id IN "+in, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
