package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Book is the facilities' evidence in the database.
type Book struct {
	db  *store.DB
	now func() time.Time
}

// New returns the book that lies in db.
func New(db *store.DB, now func() time.Time) *Book { return &Book{db: db, now: now} }

// Head is the end of a facility's chain. Who keeps it can prove later that the records up to it are the same.
type Head struct {
	Seq  int64     `json:"seq"` // 0: there is no record yet
	Hash string    `json:"hash"`
	At   time.Time `json:"at,omitzero"` // when the last record was written
}

// Record appends results in the caller's transaction and returns those that were written: what says the same as the newest record of its check and
// subject, less than a quarter of a life later, is left out.
func (b *Book) Record(ctx context.Context, tx *store.Tx, list ...Record) ([]Record, error) {
	if len(list) == 0 {
		return nil, nil
	}
	head, err := lock(ctx, tx)
	if err != nil {
		return nil, err
	}
	last, err := latest(ctx, tx)
	if err != nil {
		return nil, err
	}
	now := b.now().UTC().Truncate(time.Microsecond)
	var out []Record
	for _, r := range list {
		r, err := r.tidy(now)
		if err != nil {
			return nil, err
		}
		if old, known := last[r.Key()]; known && !r.news(old) {
			continue
		}
		r.ID, r.Seq, r.Prev = store.NewID(), head.Seq+1, head.Hash
		if err := r.insert(ctx, tx); err != nil {
			return nil, err
		}
		head = Head{Seq: r.Seq, Hash: r.Hash, At: r.Received}
		last[r.Key()] = r
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, nil
	}
	_, err = tx.Exec(ctx, "UPDATE evidence_heads SET seq = $2, hash = $3, at = $4 WHERE facility_id = $1", head.Seq, head.Hash, store.Micros(head.At))
	return out, err
}

// lock makes writers of one facility wait for each other and returns the end of its chain.
func lock(ctx context.Context, tx *store.Tx) (Head, error) {
	var h Head
	var at int64
	err := tx.Row(ctx, `INSERT INTO evidence_heads (facility_id, seq, hash, at) VALUES ($1, 0, '', 0)
		ON CONFLICT (facility_id) DO UPDATE SET seq = evidence_heads.seq RETURNING seq, hash, at`).Scan(&h.Seq, &h.Hash, &at)
	h.At = store.Time(at)
	return h, err
}

func (r *Record) insert(ctx context.Context, tx *store.Tx) error {
	text, err := r.canonical()
	if err != nil {
		return err
	}
	r.Hash = digest(r.Prev, text)
	_, err = tx.Exec(ctx, `INSERT INTO evidence_records (facility_id, seq, id, check_id, subject, outcome, at, received_at, until_at, leaf, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.Seq, r.ID, r.Check, r.Subject, string(r.Outcome), store.Micros(r.At), store.Micros(r.Received), store.Micros(r.Until), text, r.Hash)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO evidence_latest (facility_id, check_id, subject, seq) VALUES ($1, $2, $3, $4)
		ON CONFLICT (facility_id, check_id, subject) DO UPDATE SET seq = excluded.seq`, r.Check, r.Subject, r.Seq)
	return err
}

func scan(row interface{ Scan(...any) error }) (r Record, err error) {
	var text, hash string
	if err := row.Scan(&text, &hash); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("read evidence: %w", err)
	}
	r.Hash = hash
	return r, nil
}

// Latest returns the newest record of every check and subject, by Key.
func (b *Book) Latest(ctx context.Context, f facility.ID) (out map[string]Record, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = latest(ctx, tx)
		return err
	})
	return out, err
}

// LatestTx is Latest in the caller's transaction.
func (b *Book) LatestTx(ctx context.Context, tx *store.Tx) (map[string]Record, error) {
	return latest(ctx, tx)
}

func latest(ctx context.Context, tx *store.Tx) (map[string]Record, error) {
	out := map[string]Record{}
	err := store.Each(ctx, tx, func(rows *sql.Rows) error {
		r, err := scan(rows)
		out[r.Key()] = r
		return err
	}, `SELECT r.leaf, r.hash FROM evidence_latest l JOIN evidence_records r ON r.facility_id = l.facility_id AND r.seq = l.seq WHERE l.facility_id = $1`)
	return out, err
}

// Filter chooses records. Zero fields choose all.
type Filter struct {
	Check   string
	Subject *string // "" chooses what is about the facility as a whole
	Outcome Outcome
	Since   time.Time // received at or after
	Before  time.Time // received before
	Cursor  string    // Next of the page before
	Limit   int       // 1 to 500, 50 when 0
}

// Page is a part of the list, the newest first.
type Page struct {
	Records []Record
	Total   int
	Next    string // "" at the end
}

// List returns records, the newest first.
func (b *Book) List(ctx context.Context, f facility.ID, q Filter) (Page, error) {
	var p Page
	var w store.Where
	if q.Check != "" {
		w.And("check_id = ?", q.Check)
	}
	if q.Subject != nil {
		w.And("subject = ?", *q.Subject)
	}
	if q.Outcome != "" {
		w.And("outcome = ?", string(q.Outcome))
	}
	if !q.Since.IsZero() {
		w.And("received_at >= ?", store.Micros(q.Since))
	}
	if !q.Before.IsZero() {
		w.And("received_at < ?", store.Micros(q.Before))
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	limit := min(max(q.Limit, 1), 500)
	after := int64(0)
	if q.Cursor != "" {
		n, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil || n < 1 {
			return p, fault.New(fault.Invalid, "続きの位置(cursor)が正しくありません。最初のページから開き直してください。", "The cursor is not valid. Start again from the first page.")
		}
		after = n
	}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		p = Page{}
		if err := tx.Row(ctx, "SELECT count(*) FROM evidence_records WHERE facility_id = $1"+w.SQL(), w.Args...).Scan(&p.Total); err != nil {
			return err
		}
		w := w
		w.Args = append([]any(nil), w.Args...)
		if after > 0 {
			w.And("seq < ?", after)
		}
		end := w.Next(limit + 1)
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			r, err := scan(rows)
			p.Records = append(p.Records, r)
			return err
		}, "SELECT leaf, hash FROM evidence_records WHERE facility_id = $1"+w.SQL()+" ORDER BY seq DESC LIMIT "+end, w.Args...)
	})
	if len(p.Records) > limit {
		p.Records = p.Records[:limit]
		p.Next = strconv.FormatInt(p.Records[limit-1].Seq, 10)
	}
	return p, err
}

// Head returns the end of the chain: what packs and mails print.
func (b *Book) Head(ctx context.Context, f facility.ID) (h Head, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		h, err = head(ctx, tx)
		return err
	})
	return h, err
}

// HeadTx is Head in the caller's transaction.
func (b *Book) HeadTx(ctx context.Context, tx *store.Tx) (Head, error) { return head(ctx, tx) }

func head(ctx context.Context, tx *store.Tx) (h Head, err error) {
	var at int64
	err = tx.Row(ctx, "SELECT seq, hash, at FROM evidence_heads WHERE facility_id = $1").Scan(&h.Seq, &h.Hash, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, nil
	}
	h.At = store.Time(at)
	return h, err
}
