package event

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

const (
	maxParam = 500 // bytes of one text
	maxLimit = 500 // events of one page
	group    = 8   // rows of one statement
)

// Log is the facilities' events in the database.
type Log struct{ db *store.DB }

// New returns the log that lies in db.
func New(db *store.DB) *Log { return &Log{db: db} }

// Add writes events in the caller's transaction: the one that made the change.
func Add(ctx context.Context, tx *store.Tx, list []Event) error {
	for chunk := range slices.Chunk(list, group) {
		var rows []string
		var args []any
		for _, e := range chunk {
			params := make(map[string]string, len(e.Params))
			for k, v := range e.Params {
				params[k] = cut(v)
			}
			b, err := json.Marshal(params)
			if err != nil {
				return fmt.Errorf("event: %w", err)
			}
			n := len(args) + 2
			rows = append(rows, fmt.Sprintf("($1,$%d,$%d,$%d,$%d,$%d,$%d)", n, n+1, n+2, n+3, n+4, n+5))
			args = append(args, store.NewID(), store.Micros(e.At), string(e.Kind), string(e.Device), string(b), e.Seen)
		}
		_, err := tx.Exec(ctx, "INSERT INTO event_events (facility_id, id, at, kind, device_id, params, seen) VALUES "+strings.Join(rows, ","), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func cut(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) <= maxParam {
		return s
	}
	return strings.ToValidUTF8(s[:maxParam], "") + "…"
}

// Filter chooses events. Zero fields choose all.
type Filter struct {
	Kinds  []Kind
	Device netid.DeviceID
	Since  time.Time
	Unseen bool
	Cursor string // Next of the page before
	Limit  int    // 1 to 500, 50 when 0
}

// Page is a part of the list, the newest first.
type Page struct {
	Events []Event
	Next   string // "" at the end
}

// List returns events, the newest first.
func (l *Log) List(ctx context.Context, f facility.ID, q Filter) (Page, error) {
	w, err := q.where()
	if err != nil {
		return Page{}, err
	}
	limit := q.Limit
	if limit == 0 {
		limit = 50
	}
	limit = min(max(limit, 1), maxLimit)
	var p Page
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var e Event
			var at int64
			var params string
			if err := r.Scan(&e.ID, &at, &e.Kind, &e.Device, &params, &e.Seen); err != nil {
				return err
			}
			e.At = store.Time(at)
			p.Events = append(p.Events, e)
			return json.Unmarshal([]byte(params), &p.Events[len(p.Events)-1].Params)
		}, "SELECT id, at, kind, device_id, params, seen FROM event_events WHERE facility_id = $1"+w.SQL()+
			" ORDER BY at DESC, id DESC LIMIT "+strconv.Itoa(limit+1), w.Args...)
	})
	if len(p.Events) > limit {
		p.Events = p.Events[:limit]
		last := p.Events[limit-1]
		p.Next = strconv.FormatInt(store.Micros(last.At), 10) + "_" + last.ID
	}
	return p, err
}

func (q *Filter) where() (store.Where, error) {
	var w store.Where
	if len(q.Kinds) > 0 {
		var args []any
		for _, k := range q.Kinds[:min(len(q.Kinds), 50)] {
			args = append(args, string(k))
		}
		w.And("kind IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if q.Device != "" {
		w.And("device_id = ?", string(q.Device))
	}
	if !q.Since.IsZero() {
		w.And("at >= ?", store.Micros(q.Since))
	}
	if q.Unseen {
		w.And("NOT seen")
	}
	if q.Cursor != "" {
		us, id, _ := strings.Cut(q.Cursor, "_")
		at, err := strconv.ParseInt(us, 10, 64)
		if err != nil || id == "" {
			return w, fault.New(fault.Invalid, "続きの位置(cursor)が正しくありません。最初のページから開き直してください。",
				"The cursor is not valid. Start again from the first page.")
		}
		w.And("(at < ? OR at = ? AND id < ?)", at, at, id)
	}
	return w, nil
}

// Counts says how many events of each kind happened since a time: for ホーム.
func (l *Log) Counts(ctx context.Context, f facility.ID, since time.Time) (map[Kind]int, error) {
	out := map[Kind]int{}
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var k Kind
			var n int
			err := r.Scan(&k, &n)
			out[k] = n
			return err
		}, "SELECT kind, count(*) FROM event_events WHERE facility_id = $1 AND at >= $2 GROUP BY kind", store.Micros(since))
	})
	return out, err
}

// MarkSeen says that somebody looked at everything that happened until a time.
func (l *Log) MarkSeen(ctx context.Context, f facility.ID, until time.Time) error {
	return l.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE event_events SET seen = $3 WHERE facility_id = $1 AND at <= $2 AND NOT seen", store.Micros(until), true)
		return err
	})
}
