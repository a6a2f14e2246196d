package gate

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/netid"
	"kenshin/store"
)

// sentChunk keeps one statement small: the write lock is short and neither engine runs out of parameters.
const sentChunk = 200

// Record adds counts, as Config.Sent hands them over.
func (b *Book) Record(ctx context.Context, f facility.ID, rows []SentRow) error {
	for len(rows) > 0 {
		n := min(len(rows), sentChunk)
		if err := b.recordSome(ctx, f, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (b *Book) recordSome(ctx context.Context, f facility.ID, rows []SentRow) error {
	var text strings.Builder
	text.WriteString(`INSERT INTO gate_sent (facility_id, hour, segment_id, host, frame, refused, mac, frames) VALUES `)
	var args []any
	for i := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		n := len(args) + 2
		fmt.Fprintf(&text, "($1, $%d, $%d, $%d, $%d, $%d, $%d, $%d)", n, n+1, n+2, n+3, n+4, n+5, n+6)
		r := &rows[i]
		args = append(args, store.Micros(r.Hour), r.Segment, addrText(r.Host), string(r.Frame), r.Refused, r.MAC.String(), r.Frames)
	}
	text.WriteString(` ON CONFLICT (facility_id, hour, segment_id, host, frame, refused) DO UPDATE SET frames = gate_sent.frames + excluded.frames,
		mac = CASE WHEN excluded.mac <> '' THEN excluded.mac ELSE gate_sent.mac END`)
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, text.String(), args...)
		return err
	})
}

// SentFilter narrows what was sent; zero values mean all.
type SentFilter struct {
	Segment  string
	Host     netip.Addr
	MAC      netid.MAC
	Frame    Frame
	From, To time.Time // From <= hour < To
	Refused  bool      // only what was refused
	Offset   int
	Limit    int // 0 = 200, at most 1,000
}

func (q *SentFilter) where() *store.Where {
	w := &store.Where{}
	if q.Segment != "" {
		w.And("segment_id = ?", q.Segment)
	}
	if q.Host.IsValid() {
		w.And("host = ?", addrText(plain(q.Host)))
	}
	if !q.MAC.IsZero() {
		w.And("mac = ?", q.MAC.String())
	}
	if q.Frame != "" {
		w.And("frame = ?", string(q.Frame))
	}
	if !q.From.IsZero() {
		w.And("hour >= ?", store.Micros(q.From))
	}
	if !q.To.IsZero() {
		w.And("hour < ?", store.Micros(q.To))
	}
	if q.Refused {
		w.And("refused <> ''")
	}
	return w
}

// Sent returns what was sent and refused, newest hour first.
func (b *Book) Sent(ctx context.Context, f facility.ID, q SentFilter) (out []SentRow, err error) {
	if q.Limit <= 0 {
		q.Limit = 200
	}
	w := q.where()
	query := `SELECT hour, segment_id, host, frame, refused, mac, frames FROM gate_sent WHERE facility_id = $1` + w.SQL() +
		` ORDER BY hour DESC, segment_id, host, frame, refused LIMIT ` + w.Next(min(q.Limit, 1000)) + ` OFFSET ` + w.Next(max(q.Offset, 0))
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var s SentRow
			var hour int64
			var h hostColumns
			err := r.Scan(&hour, &s.Segment, &h.ip, &s.Frame, &s.Refused, &h.mac, &s.Frames)
			key, _ := h.key()
			s.Host, s.MAC, s.Hour = key.IP, key.MAC, store.Time(hour)
			out = append(out, s)
			return err
		}, query, w.Args...)
	})
	return out, err
}

// SentTotal is how often one kind of frame was sent and refused.
type SentTotal struct {
	Frame         Frame
	Sent, Refused int64
}

// SentTotals sums by kind of frame, for the page that lists every kind.
func (b *Book) SentTotals(ctx context.Context, f facility.ID, q SentFilter) (out []SentTotal, err error) {
	w := q.where()
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var s SentTotal
			err := r.Scan(&s.Frame, &s.Sent, &s.Refused)
			out = append(out, s)
			return err
		}, `SELECT frame, CAST(SUM(CASE WHEN refused = '' THEN frames ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN refused = '' THEN 0 ELSE frames END) AS BIGINT)
			FROM gate_sent WHERE facility_id = $1`+w.SQL()+` GROUP BY frame ORDER BY frame`, w.Args...)
	})
	return out, err
}

// Prune forgets counts of hours before a time. It deletes a limited number and reports whether more are left.
func (b *Book) Prune(ctx context.Context, f facility.ID, before time.Time) (more bool, err error) {
	const some = 2000
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		var cut sql.NullInt64 // hours are deleted whole, oldest first
		err := tx.Row(ctx, `SELECT MAX(hour) FROM (SELECT hour FROM gate_sent WHERE facility_id = $1 AND hour < $2 ORDER BY hour LIMIT $3) oldest`,
			store.Micros(before), some).Scan(&cut)
		if err != nil || !cut.Valid {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM gate_sent WHERE facility_id = $1 AND hour <= $2 AND hour < $3`, cut.Int64, store.Micros(before))
		more = true
		return err
	})
	return more, err
}
