package trail

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/store"
)

// Append adds an entry inside the caller's transaction: what was done and its record are kept together or not at all. The actor
// is taken from ctx and the time from the clock where the entry names none; Append returns the entry as it was kept.
//
// Appends of one facility wait for each other until their transactions end: append last.
func Append(ctx context.Context, tx *store.Tx, e Entry) (Entry, error) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if e.Actor == (actor.Actor{}) {
		e.Actor = actor.From(ctx)
	}
	// The head's row is the lock: a copy that comes second waits here, then sees the first one's entry.
	err := tx.Row(ctx, `INSERT INTO trail_heads (facility_id, size) VALUES ($1, 1)
		ON CONFLICT (facility_id) DO UPDATE SET size = trail_heads.size + 1 RETURNING size`).Scan(&e.Seq)
	if err != nil {
		return Entry{}, fmt.Errorf("lock the trail: %w", err)
	}
	e.Seq-- // size counts, seq starts at 0
	line, detail, err := encode(tx.Facility(), e)
	if err != nil {
		return Entry{}, err
	}
	_, e, err = decode(line) // as it reads back, clipped
	if err != nil {
		return Entry{}, fmt.Errorf("trail: read back an entry: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO trail_entries (facility_id, seq, at, actor_kind, actor_id, actor_name, action,
		subject_kind, subject_id, summary_ja, summary_en, detail, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		e.Seq, store.Micros(e.At), string(e.Actor.Kind), e.Actor.ID, e.Actor.Name, e.Action,
		e.Subject.Kind, e.Subject.ID, e.Summary.Ja, e.Summary.En, string(detail), line)
	if err != nil {
		return Entry{}, err
	}
	hashes, err := tlog.StoredHashes(e.Seq, line, hashesIn(ctx, tx))
	if err != nil {
		return Entry{}, fmt.Errorf("hash the trail: %w", err)
	}
	first := tlog.StoredHashIndex(0, e.Seq)
	for i, h := range hashes {
		if _, err := tx.Exec(ctx, "INSERT INTO trail_hashes (facility_id, n, hash) VALUES ($1, $2, $3)", first+int64(i), h[:]); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}

// Do does what somebody asked for and records it, in one transaction: the deed and its entry are both kept, or neither. What packages write with
// the context that deed is given joins the transaction (see store.Within); deed may run twice, as every store.DB.Write, and sends nothing.
func Do(ctx context.Context, db *store.DB, f facility.ID, deed func(context.Context) (Entry, error)) error {
	return db.Write(ctx, f, func(tx *store.Tx) error {
		e, err := deed(store.Within(ctx, tx))
		if err != nil {
			return err
		}
		_, err = Append(ctx, tx, e)
		return err
	})
}

// hashesIn reads stored hashes for tlog: at most a few dozen at once, as a tree of n entries has log2(n) levels.
func hashesIn(ctx context.Context, tx *store.Tx) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		args, place := make([]any, len(indexes)), make(map[int64]int, len(indexes))
		for i, n := range indexes {
			args[i], place[n] = n, i
		}
		out, found := make([]tlog.Hash, len(indexes)), 0
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			n, h, err := scanHash(r)
			if i, ok := place[n]; ok && err == nil {
				out[i] = h
				found++
			}
			return err
		}, "SELECT n, hash FROM trail_hashes WHERE facility_id = $1 AND n IN "+store.In(2, len(args)), args...)
		if err == nil && found != len(place) {
			err = errors.New("hashes of the trail are missing; run kenshin trail verify")
		}
		return out, err
	}
}

func scanHash(r *sql.Rows) (n int64, h tlog.Hash, err error) {
	var b []byte
	if err := r.Scan(&n, &b); err != nil {
		return 0, h, err
	}
	if len(b) == len(h) { // a hash of a wrong length stays zero and matches nothing
		h = tlog.Hash(b)
	}
	return n, h, nil
}

// size returns how many entries the log says it has.
func size(ctx context.Context, tx *store.Tx) (int64, error) {
	var n int64
	err := tx.Row(ctx, "SELECT size FROM trail_heads WHERE facility_id = $1").Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// Filter chooses entries. Zero fields choose all.
type Filter struct {
	Actor    string // an actor's id
	Action   string // "device.edit", or a whole group: "device."
	Subject  Subject
	From, To time.Time // From <= at < To
	Before   int64     // cursor: entries with a smaller seq; 0 starts at the newest
	Limit    int       // 0 means 50, at most 500
}

// List returns entries, newest first, and the cursor of the next page (0 at the end).
func List(ctx context.Context, tx *store.Tx, f Filter) ([]Entry, int64, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 500)
	where := f.where()
	if f.Before > 0 {
		where.And("seq < ?", f.Before)
	}
	limit := where.Next(f.Limit + 1)
	var out []Entry
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		x, err := scanRow(r)
		if _, e, broken := decode(x.leaf); err == nil && broken == nil { // no column of its own; Verify tells a leaf that cannot be read
			x.shown.Actor.Role, x.shown.Actor.Address = e.Actor.Role, e.Actor.Address
		}
		out = append(out, x.shown)
		return err
	}, selectRows+where.SQL()+" ORDER BY seq DESC LIMIT "+limit, where.Args...)
	if err != nil || len(out) <= f.Limit {
		return out, 0, err
	}
	out = out[:f.Limit]
	return out, out[f.Limit-1].Seq, nil
}

func (f Filter) where() *store.Where {
	w := &store.Where{}
	if f.Actor != "" {
		w.And("actor_id = ?", f.Actor)
	}
	switch {
	case f.Action == "":
	case f.Action[len(f.Action)-1] == '.': // a range, so that the index serves it: '/' follows '.'
		w.And("action >= ? AND action < ?", f.Action, f.Action[:len(f.Action)-1]+"/")
	default:
		w.And("action = ?", f.Action)
	}
	if f.Subject.Kind != "" {
		w.And("subject_kind = ?", f.Subject.Kind)
	}
	if f.Subject.ID != "" {
		w.And("subject_id = ?", f.Subject.ID)
	}
	if !f.From.IsZero() {
		w.And("at >= ?", store.Micros(f.From))
	}
	if !f.To.IsZero() {
		w.And("at < ?", store.Micros(f.To))
	}
	return w
}

const selectRows = `SELECT seq, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, summary_ja, summary_en, detail, leaf
	FROM trail_entries WHERE facility_id = $1`

func scanRow(r *sql.Rows) (row, error) {
	var x row
	e := &x.shown
	var at int64
	var kind, detail string
	err := r.Scan(&e.Seq, &at, &kind, &e.Actor.ID, &e.Actor.Name, &e.Action, &e.Subject.Kind, &e.Subject.ID, &e.Summary.Ja,
		&e.Summary.En, &detail, &x.leaf)
	e.At, e.Actor.Kind = store.Time(at), actor.Kind(kind)
	if detail != "" {
		e.Detail = json.RawMessage(detail)
	}
	return x, err
}
