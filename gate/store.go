package gate

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
)

// Book keeps what people decided about sending: segments, unlocks, words about devices, the kill switch, and what was sent.
// Who acts is taken from the context (actor.From).
type Book struct {
	db   *store.DB
	seal Sealer
	now  func() time.Time
}

// NewBook returns a facility's book. sealer may be nil where no SNMP credentials are kept; now nil means the system's clock.
func NewBook(db *store.DB, sealer Sealer, now func() time.Time) *Book {
	if now == nil {
		now = time.Now
	}
	return &Book{db: db, seal: sealer, now: now}
}

func who(ctx context.Context) string {
	a := actor.From(ctx)
	if a.Name != "" {
		return a.Name
	}
	return a.ID
}

// touch makes every copy read the book again within a second.
func (b *Book) touch(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO gate_switch (facility_id, killed, reason, changed_by, changed_at, revision) VALUES ($1, $2, '', '', 0, 1)
		ON CONFLICT (facility_id) DO UPDATE SET revision = gate_switch.revision + 1`, false)
	return err
}

const segmentColumns = `id, name, prefix, interface, routed, purpose, medical, pace, hours_from, hours_to, listen, snmp,
	approved, approved_by, approved_at, changed_by, changed_at, revision, router`

func (b *Book) segments(ctx context.Context, tx *store.Tx) ([]Entry, error) {
	var out []Entry
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var e Entry
		var prefix, pace, router string
		var sealed []byte
		var approvedAt, changedAt int64
		err := r.Scan(&e.ID, &e.Name, &prefix, &e.Interface, &e.Routed, &e.Purpose, &e.Medical, &pace, &e.Hours.From, &e.Hours.To, &e.Listen,
			&sealed, &e.Approved, &e.ApprovedBy, &approvedAt, &e.ChangedBy, &changedAt, &e.Revision, &router)
		if err != nil {
			return err
		}
		e.Pace, e.ApprovedAt, e.ChangedAt = Pace(pace), store.Time(approvedAt), store.Time(changedAt)
		e.Router = textAddr(router)
		if e.Prefix, err = netip.ParsePrefix(prefix); err != nil {
			return fmt.Errorf("segment %s: %w", e.ID, err)
		}
		if e.SNMP, err = b.openSNMP(tx.Facility(), e.ID, sealed); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	}, `SELECT `+segmentColumns+` FROM gate_segments WHERE facility_id = $1 ORDER BY name, id`)
	return out, err
}

func snmpPurpose(id string) string { return "gate/segment/" + id + "/snmp" }

func (b *Book) openSNMP(f facility.ID, id string, sealed []byte) ([]SNMP, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if b.seal == nil {
		return nil, noSealer()
	}
	plain, err := b.seal.Open(f, snmpPurpose(id), sealed)
	if err != nil {
		return nil, err
	}
	var out []SNMP
	if err := json.Unmarshal(plain, &out); err != nil {
		return nil, fmt.Errorf("SNMP credentials of segment %s: %w", id, err)
	}
	return out, nil
}

func (b *Book) sealSNMP(f facility.ID, s *Segment) ([]byte, error) {
	if len(s.SNMP) == 0 {
		return nil, nil
	}
	if b.seal == nil {
		return nil, noSealer()
	}
	plain, err := json.Marshal(s.SNMP)
	if err != nil {
		return nil, err
	}
	return b.seal.Seal(f, snmpPurpose(s.ID), plain)
}

func noSealer() error {
	return fault.New(fault.Unavailable, "鍵ファイルがないため、SNMPの合言葉を扱えません。", "Without the key file SNMP credentials cannot be kept or read.")
}

// Segments returns all segments, proposed and approved, by name.
func (b *Book) Segments(ctx context.Context, f facility.ID) (out []Entry, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error { out, err = b.segments(ctx, tx); return err })
	return out, err
}

// Propose writes a segment down without approving it and returns its id. Errors: fault.Invalid, Denied or TooLarge for the range,
// Conflict when it overlaps another.
func (b *Book) Propose(ctx context.Context, f facility.ID, s Segment) (id string, err error) {
	if err := checkSegment(&s); err != nil {
		return "", err
	}
	s.ID = store.NewID()
	s.Approved, s.ApprovedBy, s.ApprovedAt = false, "", time.Time{}
	return s.ID, b.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := b.put(ctx, tx, &s, 1); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "segment.add", "segment", s.ID, about(&s, "を書き加えました", "Added"), segmentDetail(&s))
	})
}

func (b *Book) put(ctx context.Context, tx *store.Tx, s *Segment, revision int64) error {
	others, err := b.segments(ctx, tx)
	if err != nil {
		return err
	}
	if err := overlap(s, others); err != nil {
		return err
	}
	sealed, err := b.sealSNMP(tx.Facility(), s)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO gate_segments (facility_id, `+segmentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (facility_id, id) DO UPDATE SET router = excluded.router, name = excluded.name, prefix = excluded.prefix, interface = excluded.interface,
		routed = excluded.routed, purpose = excluded.purpose, medical = excluded.medical, pace = excluded.pace, hours_from = excluded.hours_from,
		hours_to = excluded.hours_to, listen = excluded.listen, snmp = excluded.snmp, approved = excluded.approved,
		approved_by = excluded.approved_by, approved_at = excluded.approved_at, changed_by = excluded.changed_by,
		changed_at = excluded.changed_at, revision = excluded.revision`,
		s.ID, s.Name, s.Prefix.String(), s.Interface, s.Routed, s.Purpose, s.Medical, string(s.Pace), s.Hours.From, s.Hours.To, s.Listen,
		sealed, s.Approved, s.ApprovedBy, store.Micros(s.ApprovedAt), who(ctx), store.Micros(b.now()), revision, addrText(s.Router))
	if err != nil {
		return err
	}
	return b.touch(ctx, tx)
}

// change reads a segment, lets fn alter it and writes it back. revision 0 takes whatever is there.
func (b *Book) change(ctx context.Context, f facility.ID, id string, revision int64, action, ja, en string, fn func(*Segment) error) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		all, err := b.segments(ctx, tx)
		if err != nil {
			return err
		}
		for i := range all {
			e := &all[i]
			if e.ID != id {
				continue
			}
			if revision != 0 && e.Revision != revision {
				return fault.Newf(fault.Conflict, "この区画は、その間に%sさんが変えました。開き直して確かめてください。",
					"%s changed this segment meanwhile. Open it again and check.", e.ChangedBy)
			}
			if err := fn(&e.Segment); err != nil {
				return err
			}
			if err := b.put(ctx, tx, &e.Segment, e.Revision+1); err != nil {
				return err
			}
			return b.wrote(ctx, tx, action, "segment", id, about(&e.Segment, ja, en), segmentDetail(&e.Segment))
		}
		return noSegment()
	})
}

func noSegment() error {
	return fault.New(fault.NotFound, "その区画はありません。", "There is no such segment.")
}

// Approve is a person's leave to send into a segment.
func (b *Book) Approve(ctx context.Context, f facility.ID, id string) error {
	if actor.From(ctx).Kind == actor.System {
		return fault.New(fault.Denied, "区画を承認できるのは人だけです。", "Only a person approves a segment.")
	}
	return b.change(ctx, f, id, 0, "segment.approve", "を承認しました", "Approved", func(s *Segment) error {
		s.Approved, s.ApprovedBy, s.ApprovedAt = true, who(ctx), b.now()
		return nil
	})
}

// Withdraw takes the approval back.
func (b *Book) Withdraw(ctx context.Context, f facility.ID, id string) error {
	return b.change(ctx, f, id, 0, "segment.withdraw", "の承認を取り消しました", "Withdrew the approval of", func(s *Segment) error {
		s.Approved, s.ApprovedBy, s.ApprovedAt = false, "", time.Time{}
		return nil
	})
}

// Edit changes a segment; revision is the Entry's. A nil SNMP keeps the credentials, an empty one removes them. Another range, interface
// or way there is another place, so the approval is lost and must be given again.
func (b *Book) Edit(ctx context.Context, f facility.ID, s Segment, revision int64) error {
	keep := s.SNMP == nil
	if err := checkSegment(&s); err != nil {
		return err
	}
	return b.change(ctx, f, s.ID, revision, "segment.edit", "を変えました", "Changed", func(old *Segment) error {
		s.Approved, s.ApprovedBy, s.ApprovedAt = old.Approved, old.ApprovedBy, old.ApprovedAt
		if s.Prefix != old.Prefix || s.Interface != old.Interface || s.Routed != old.Routed {
			s.Approved, s.ApprovedBy, s.ApprovedAt = false, "", time.Time{}
		}
		if keep {
			s.SNMP = old.SNMP
		}
		*old = s
		return nil
	})
}

// Remove forgets a segment; nothing is sent there any more. What was sent stays written down.
func (b *Book) Remove(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM gate_segments WHERE facility_id = $1 AND id = $2`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return noSegment()
		}
		if err := b.touch(ctx, tx); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "segment.remove", "segment", id, i18n.Text{Ja: "区画を取り除きました", En: "Removed a segment"}, nil)
	})
}

// Kill presses the facility's kill switch: every copy stops sending within about a second.
func (b *Book) Kill(ctx context.Context, f facility.ID, reason string) error {
	return b.turn(ctx, f, true, reason)
}

// Release lets sending go on. Only a person does that.
func (b *Book) Release(ctx context.Context, f facility.ID) error {
	if actor.From(ctx).Kind == actor.System {
		return fault.New(fault.Denied, "停止スイッチを戻せるのは人だけです。", "Only a person releases the kill switch.")
	}
	return b.turn(ctx, f, false, "")
}

func (b *Book) turn(ctx context.Context, f facility.ID, on bool, reason string) error {
	reason, err := cleanText(reason, 500, "理由", "reason")
	if err != nil {
		return err
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO gate_switch (facility_id, killed, reason, changed_by, changed_at, revision) VALUES ($1, $2, $3, $4, $5, 1)
			ON CONFLICT (facility_id) DO UPDATE SET killed = excluded.killed, reason = excluded.reason, changed_by = excluded.changed_by,
			changed_at = excluded.changed_at, revision = gate_switch.revision + 1`, on, reason, who(ctx), store.Micros(b.now()))
		if err != nil {
			return err
		}
		if on {
			return b.wrote(ctx, tx, "gate.kill", "gate", "", i18n.Text{Ja: "停止スイッチを入れました", En: "Pressed the kill switch"}, map[string]string{"reason": reason})
		}
		return b.wrote(ctx, tx, "gate.release", "gate", "", i18n.Text{Ja: "停止スイッチを戻しました", En: "Released the kill switch"}, nil)
	})
}

// Switch returns the kill switch.
func (b *Book) Switch(ctx context.Context, f facility.ID) (s Switch, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error { s, _, err = b.readSwitch(ctx, tx); return err })
	return s, err
}

func (b *Book) readSwitch(ctx context.Context, tx *store.Tx) (s Switch, revision int64, err error) {
	var at int64
	err = tx.Row(ctx, `SELECT killed, reason, changed_by, changed_at, revision FROM gate_switch WHERE facility_id = $1`).
		Scan(&s.Killed, &s.Reason, &s.By, &at, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return Switch{}, 0, nil
	}
	s.At = store.Time(at)
	return s, revision, err
}

// hostColumns reads the four columns that name a device.
type hostColumns struct{ device, segment, ip, mac string }

func (c *hostColumns) key() (HostKey, netid.DeviceID) {
	var m netid.MAC
	_ = m.UnmarshalText([]byte(c.mac))
	return HostKey{Segment: c.segment, IP: textAddr(c.ip), MAC: m}, netid.DeviceID(c.device)
}
