package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Verify reads the whole chain and returns its head. What was altered, left out or put in is an error of kind Conflict that names the place. Heads
// that were printed or mailed earlier may be given too: a chain that was made anew from its beginning differs from them.
func (b *Book) Verify(ctx context.Context, f facility.ID, noted ...Head) (Head, error) {
	var at Head
	known := map[int64]string{}
	for _, h := range noted {
		if h.Seq > 0 {
			known[h.Seq] = h.Hash
		}
	}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		at = Head{}
		err := store.Each(ctx, tx, func(rows *sql.Rows) error { return follow(rows, &at, known) },
			`SELECT leaf, hash, seq, id, check_id, subject, outcome, at, received_at, until_at FROM evidence_records WHERE facility_id = $1 ORDER BY seq`)
		if err != nil {
			return err
		}
		end, err := head(ctx, tx)
		if err == nil && (end.Seq != at.Seq || end.Hash != at.Hash) {
			return broken(at.Seq + 1)
		}
		return err
	})
	for _, h := range noted {
		if err == nil && h.Seq > at.Seq {
			return at, broken(at.Seq + 1)
		}
	}
	return at, err
}

// follow checks one record against the one before it.
func follow(rows *sql.Rows, at *Head, known map[int64]string) error {
	var row struct {
		text, hash, id, check, subject, outcome string
		seq, at, received, until                int64
	}
	if err := rows.Scan(&row.text, &row.hash, &row.seq, &row.id, &row.check, &row.subject, &row.outcome, &row.at, &row.received, &row.until); err != nil {
		return err
	}
	r, err := scan(values{row.text, row.hash})
	same := err == nil && row.seq == at.Seq+1 && r.Seq == row.seq && r.ID == row.id && r.Check == row.check && r.Subject == row.subject && string(r.Outcome) == row.outcome &&
		store.Micros(r.At) == row.at && store.Micros(r.Received) == row.received && store.Micros(r.Until) == row.until
	if !same || r.Prev != at.Hash || digest(at.Hash, row.text) != row.hash || known[row.seq] != "" && known[row.seq] != row.hash {
		return broken(at.Seq + 1)
	}
	*at = Head{Seq: row.seq, Hash: row.hash, At: r.Received}
	return nil
}

// values lets scan read what was read already.
type values [2]string

func (v values) Scan(to ...any) error {
	if len(to) != len(v) {
		return errors.New("evidence: two values are read")
	}
	for i := range v {
		*to[i].(*string) = v[i]
	}
	return nil
}

func broken(seq int64) error {
	return fault.Wrap(fault.Conflict, fmt.Errorf("evidence: the chain breaks at record %d", seq),
		fmt.Sprintf("証拠の記録が、%d件目で書き換えられたか、抜けています。バックアップの記録と比べてください。", seq),
		fmt.Sprintf("The evidence was altered or is missing at record %d. Compare it with a backup.", seq))
}
