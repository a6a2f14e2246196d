package drill

import (
	"context"
	"database/sql"
	"time"

	"kenshin/drill/domain"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// proofs are the facility's domains with their proofs.
type proofs []domain.Verification

// covers refuses an address whose domain is not proven to be the hospital's own.
func (p proofs) covers(address string, now time.Time) error { return domain.Covers(p, address, now) }

func verifiedDomains(ctx context.Context, tx *store.Tx) (out proofs, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var text string
		var v domain.Verification
		if err := r.Scan(&text); err != nil {
			return err
		}
		err := unmarshal(text, &v)
		out = append(out, v)
		return err
	}, "SELECT d.content FROM drill_domains d WHERE d.facility_id = $1 ORDER BY d.domain")
	return out, err
}

// Domains lists the facility's domains with their proofs.
func (b *Book) Domains(ctx context.Context, f facility.ID) (out []domain.Verification, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = verifiedDomains(ctx, tx)
		return err
	})
	return out, err
}

func (b *Book) putDomain(ctx context.Context, tx *store.Tx, v domain.Verification) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_domains (facility_id, domain, state, until_at, changed_at, content) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (facility_id, domain) DO UPDATE SET state = excluded.state, until_at = excluded.until_at, changed_at = excluded.changed_at, content = excluded.content`,
		string(v.Domain), string(v.State(b.now())), store.Micros(v.Until()), store.Micros(b.stamp()), text)
	return err
}

func noDomain() error {
	return fault.New(fault.NotFound, "このドメインは登録されていません。", "There is no such domain.")
}
