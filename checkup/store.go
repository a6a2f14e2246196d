package checkup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
)

// cursor is where a sweep stands; it is saved after every piece of work.
type cursor struct {
	Phase   Phase    `json:"phase"`
	Order   []string `json:"order"`   // segments, local ones first: a router in them tells the MACs of those behind it
	Segment int      `json:"segment"` // index in Order
	Chunk   int      `json:"chunk"`   // next part of the segment's range
	Routers []router `json:"routers"` // who told of neighbours: asked again once the hosts behind them were woken
	Judged  string   `json:"judged"`  // the last device that was judged in closing
	Learned bool     `json:"learned"` // the routers were asked again for the segment at hand
}

// router is a host that keeps a table of neighbours.
type router struct {
	Segment string     `json:"segment"`
	IP      netip.Addr `json:"ip"`
	MAC     netid.MAC  `json:"mac"`
}

// hostState is how far one host of a sweep was asked.
type hostState string

const (
	waiting hostState = "waiting"
	asked   hostState = "asked"
	held    hostState = "held" // not asked, with the reason
)

// host is one that answered.
type host struct {
	Segment string
	MAC     netid.MAC
	IP      netip.Addr
	Device  netid.DeviceID
	Tries   int       // steps that brought nothing
	Next    int       // index in the list of ports
	At      time.Time // when it was found, or last spoken to
}

func (h *host) key() string {
	if !h.MAC.IsZero() {
		return h.MAC.String()
	}
	return h.IP.String()
}

// Create stores a sweep that is to be run; order lists its segments, local ones first.
func (c *Checkup) Create(ctx context.Context, tx *store.Tx, r Request, run string) (string, error) {
	if len(r.Segments) == 0 {
		return "", fault.New(fault.Invalid, "確認する区画が選ばれていません。", "No segment was chosen.")
	}
	if r.Listen < 0 || r.Listen > time.Hour {
		return "", fault.New(fault.Invalid, "聞く時間は0秒から1時間までにしてください。", "The time to listen must lie between 0 s and 1 h.")
	}
	order, err := c.order(r.Segments)
	if err != nil {
		return "", err
	}
	req, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	at, err := json.Marshal(cursor{Phase: Presence, Order: order})
	if err != nil {
		return "", err
	}
	id, now := store.NewID(), store.Micros(c.Now())
	_, err = tx.Exec(ctx, `INSERT INTO checkup_sweeps (facility_id, id, run_id, state, request_json, cursor_json, requested_by,
			created_at, started_at, finished_at, updated_at, done_count, total_count, frames_sent, note_json)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $8, 0, 0, 0, '[]')`,
		id, run, Running, string(req), string(at), actor.From(ctx).Name, now)
	return id, err
}

// Begin stores a sweep, the job that drives it (enqueue returns its id) and the trail's entry in the caller's transaction, so that none is there
// without the others.
func (c *Checkup) Begin(ctx context.Context, tx *store.Tx, r Request, enqueue func(sweep string) (run string, err error)) (string, error) {
	id, err := c.Create(ctx, tx, r, "")
	if err != nil {
		return "", err
	}
	run, err := enqueue(id)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, "UPDATE checkup_sweeps SET run_id = $3 WHERE facility_id = $1 AND id = $2", id, run); err != nil {
		return "", fmt.Errorf("tie the sweep to its job: %w", err)
	}
	_, err = trail.Append(ctx, tx, trail.Entry{At: c.Now(), Action: "sweep.start", Subject: trail.Subject{Kind: "sweep", ID: id},
		Summary: i18n.Text{Ja: "健診を始めました", En: "Started a check-up"}, Detail: r})
	return id, err
}

const sweepColumns = `s.id, s.run_id, s.state, s.request_json, s.cursor_json, s.requested_by, s.created_at, s.started_at, s.finished_at,
	s.updated_at, s.done_count, s.total_count, s.frames_sent, s.note_json, ` + hostCounts

const hostCounts = `(SELECT count(*) FROM checkup_hosts h WHERE h.facility_id = $1 AND h.sweep_id = s.id),
	(SELECT count(*) FROM checkup_hosts h WHERE h.facility_id = $1 AND h.sweep_id = s.id AND h.state = 'asked'),
	(SELECT count(*) FROM checkup_hosts h WHERE h.facility_id = $1 AND h.sweep_id = s.id AND h.state = 'held')`

// stand takes over from the cursor where the sweep is.
func (s *Sweep) stand(at cursor) {
	s.Phase, s.place, s.places = at.Phase, at.Segment, len(at.Order)
}

func scanSweep(scan func(...any) error) (s Sweep, at cursor, err error) {
	var req, cur, notes string
	var created, started, finished, updated int64
	err = scan(&s.ID, &s.Run, &s.State, &req, &cur, &s.RequestedBy, &created, &started, &finished, &updated,
		&s.Done, &s.Total, &s.Frames, &notes, &s.Found, &s.Asked, &s.Held)
	if err != nil {
		return s, at, err
	}
	s.Created, s.Started, s.Finished, s.Updated = store.Time(created), store.Time(started), store.Time(finished), store.Time(updated)
	err = errors.Join(json.Unmarshal([]byte(req), &s.Request), json.Unmarshal([]byte(cur), &at), json.Unmarshal([]byte(notes), &s.Notes))
	s.stand(at)
	if at.Segment < len(at.Order) {
		s.Segment = at.Order[at.Segment]
	}
	return s, at, err
}

func (c *Checkup) load(ctx context.Context, f facility.ID, id string) (s Sweep, at cursor, err error) {
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		s, at, err = scanSweep(tx.Row(ctx, "SELECT "+sweepColumns+" FROM checkup_sweeps s WHERE s.facility_id = $1 AND s.id = $2", id).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "その健診は見つかりません。", "There is no such sweep.")
		}
		return err
	})
	return s, at, err
}

// Get returns one sweep.
func (c *Checkup) Get(ctx context.Context, f facility.ID, id string) (Sweep, error) {
	s, _, err := c.load(ctx, f, id)
	return s, err
}

// List returns sweeps, the newest first; before is the id of the last one seen, "" to begin.
func (c *Checkup) List(ctx context.Context, f facility.ID, before string, limit int) (list []Sweep, err error) {
	if before == "" {
		before = "~" // after every id
	}
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			s, _, err := scanSweep(rows.Scan)
			list = append(list, s)
			return err
		}, "SELECT "+sweepColumns+" FROM checkup_sweeps s WHERE s.facility_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3", before, limit)
	})
	return list, err
}

// Stop ends a sweep for good; what it found stays.
func (c *Checkup) Stop(ctx context.Context, tx *store.Tx, id string) error {
	now := store.Micros(c.Now())
	n, err := tx.Exec(ctx, `UPDATE checkup_sweeps SET state = $3, finished_at = $4, updated_at = $4
		WHERE facility_id = $1 AND id = $2 AND state = 'running'`, id, Stopped, now)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "この健診はもう動いていません。", "This sweep is no longer running.")
	}
	return err
}

// save writes progress; it never brings back a sweep that a person stopped meanwhile.
// Saved is told, in the transaction that stores how far a sweep is, so that a job is no step ahead of its sweep; nil when nobody counts.
type Saved func(ctx context.Context, tx *store.Tx, s *Sweep) error

func (c *Checkup) save(ctx context.Context, f facility.ID, s *Sweep, at cursor, saved Saved) error {
	cur, err := json.Marshal(at)
	if err != nil {
		return err
	}
	notes, err := json.Marshal(s.Notes)
	if err != nil {
		return err
	}
	now := c.Now()
	if s.Started.IsZero() {
		s.Started = now
	}
	err = c.DB.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE checkup_sweeps SET state = $3, cursor_json = $4, started_at = $5, finished_at = $6, updated_at = $7,
				done_count = $8, total_count = $9, frames_sent = $10, note_json = $11
			WHERE facility_id = $1 AND id = $2 AND state = 'running'`,
			s.ID, s.State, string(cur), store.Micros(s.Started), store.Micros(s.Finished), store.Micros(now), s.Done, s.Total, s.Frames, string(notes))
		if err != nil || saved == nil {
			return err
		}
		s.stand(at)
		err = tx.Row(ctx, "SELECT "+hostCounts+" FROM checkup_sweeps s WHERE s.facility_id = $1 AND s.id = $2", s.ID).Scan(&s.Found, &s.Asked, &s.Held)
		if err != nil {
			return fmt.Errorf("count the hosts: %w", err)
		}
		return saved(ctx, tx, s)
	})
	if err != nil {
		return fmt.Errorf("save the sweep's progress: %w", err)
	}
	return nil
}

// putHosts stores hosts that answered; one that is known keeps its state.
func (c *Checkup) putHosts(ctx context.Context, f facility.ID, sweep string, hosts []host) error {
	const step = 200
	for from := 0; from < len(hosts); from += step {
		part := hosts[from:min(from+step, len(hosts))]
		err := c.DB.Write(ctx, f, func(tx *store.Tx) error {
			for i := range part {
				h := &part[i]
				_, err := tx.Exec(ctx, `INSERT INTO checkup_hosts (facility_id, sweep_id, segment_id, host_key, mac, ip, device_id, state, tries, next_port, reason, updated_at)
					VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, 0, '', $8)
					ON CONFLICT (facility_id, sweep_id, segment_id, host_key) DO UPDATE SET
						ip = CASE WHEN checkup_hosts.ip = '' THEN excluded.ip ELSE checkup_hosts.ip END,
						device_id = CASE WHEN excluded.device_id = '' THEN checkup_hosts.device_id ELSE excluded.device_id END`,
					sweep, h.Segment, h.key(), h.MAC.String(), addrText(h.IP), string(h.Device), store.Micros(c.Now()))
				if err != nil {
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

// waitingHosts returns hosts of a segment that are still to be asked.
func (c *Checkup) waitingHosts(ctx context.Context, f facility.ID, sweep, segment string, limit int) (list []host, err error) {
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var h host
			var mac, ip string
			var at int64
			if err := rows.Scan(&h.Segment, &mac, &ip, &h.Device, &h.Tries, &h.Next, &at); err != nil {
				return err
			}
			h.At = store.Time(at)
			if mac != "" {
				if h.MAC, err = netid.ParseMAC(mac); err != nil {
					return err
				}
			}
			if ip != "" {
				if h.IP, err = netip.ParseAddr(ip); err != nil {
					return err
				}
			}
			list = append(list, h)
			return nil
		}, `SELECT segment_id, mac, ip, device_id, tries, next_port, updated_at FROM checkup_hosts
			WHERE facility_id = $1 AND sweep_id = $2 AND segment_id = $3 AND state = 'waiting' ORDER BY tries, host_key LIMIT $4`, sweep, segment, limit)
	})
	return list, err
}

// setHost records how the asking of a host ended, or how far it came.
func (c *Checkup) setHost(ctx context.Context, f facility.ID, sweep string, h *host, st hostState, reason string) error {
	return c.DB.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE checkup_hosts SET state = $5, reason = $6, tries = $7, next_port = $8, updated_at = $9
			WHERE facility_id = $1 AND sweep_id = $2 AND segment_id = $3 AND host_key = $4`,
			sweep, h.Segment, h.key(), st, reason, h.Tries, h.Next, store.Micros(c.Now()))
		return err
	})
}

// HostRow is one host of a sweep as the live page shows it.
type HostRow struct {
	Device netid.DeviceID
	MAC    string
	IP     string
	State  string
	Reason string
	At     time.Time
}

// Hosts returns the newest hosts of a sweep.
func (c *Checkup) Hosts(ctx context.Context, f facility.ID, sweep string, limit int) (list []HostRow, err error) {
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var h HostRow
			var at int64
			err := rows.Scan(&h.Device, &h.MAC, &h.IP, &h.State, &h.Reason, &at)
			h.At = store.Time(at)
			list = append(list, h)
			return err
		}, `SELECT device_id, mac, ip, state, reason, updated_at FROM checkup_hosts
			WHERE facility_id = $1 AND sweep_id = $2 ORDER BY updated_at DESC, host_key LIMIT $3`, sweep, limit)
	})
	return list, err
}

// LastOf returns how the asking of a device ended the last time that a sweep met it; ok is false when none did.
func (c *Checkup) LastOf(ctx context.Context, f facility.ID, id netid.DeviceID) (h HostRow, ok bool, err error) {
	var at int64
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, `SELECT device_id, mac, ip, state, reason, updated_at FROM checkup_hosts
			WHERE facility_id = $1 AND device_id = $2 ORDER BY updated_at DESC, sweep_id DESC, host_key LIMIT 1`, string(id)).
			Scan(&h.Device, &h.MAC, &h.IP, &h.State, &h.Reason, &at)
	})
	h.At = store.Time(at)
	if errors.Is(err, sql.ErrNoRows) {
		return h, false, nil
	}
	return h, err == nil, err
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// unjudged returns devices of a sweep in the order of their ids, after the one named.
func (c *Checkup) unjudged(ctx context.Context, f facility.ID, sweep, after string, limit int) (list []netid.DeviceID, err error) {
	err = c.DB.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var id netid.DeviceID
			err := rows.Scan(&id)
			list = append(list, id)
			return err
		}, `SELECT DISTINCT device_id FROM checkup_hosts WHERE facility_id = $1 AND sweep_id = $2 AND device_id > $3 ORDER BY device_id LIMIT $4`, sweep, after, limit)
	})
	return list, err
}
