package drill

import (
	"context"
	"database/sql"
	"errors"

	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
)

const namelessRows = 500 // of one short transaction

// ForgetNames takes the names and addresses out of one drill that ended longer ago than the settings allow; departments, figures and arrivals
// stay. It also forgets mailboxes that were taken off the list as long ago. more is true while another drill waits.
func (b *Book) ForgetNames(ctx context.Context, f facility.ID) (more bool, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return false, err
	}
	before := store.Micros(b.stamp().AddDate(0, 0, -s.Nameless))
	if err := b.inPieces(ctx, f, `DELETE FROM drill_people WHERE facility_id = $1 AND id IN (SELECT p.id FROM drill_people p WHERE p.facility_id = $1
		AND p.active = $3 AND p.changed_at < $2 LIMIT $4)`, before, false, namelessRows); err != nil {
		return false, err
	}
	if err := b.inPieces(ctx, f, `UPDATE drill_outbox SET content = '', said = '' WHERE facility_id = $1 AND id IN (SELECT o.id FROM drill_outbox o WHERE o.facility_id = $1
		AND o.drill_id = '' AND o.changed_at > 0 AND o.changed_at < $2 AND o.state NOT IN ('queued', 'leased', 'begun') AND (o.content <> '' OR o.said <> '') LIMIT $3)`, before, namelessRows); err != nil {
		return false, err
	}
	var id string
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, `SELECT d.id FROM drill_drills d WHERE d.facility_id = $1 AND d.state IN ('closed', 'withdrawn') AND d.ended_at > 0 AND d.ended_at < $2
			AND d.anonymous_at = 0 ORDER BY d.ended_at LIMIT 1`, before).Scan(&id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, b.forgetNames(ctx, f, id)
}

func (b *Book) forgetNames(ctx context.Context, f facility.ID, id string) error {
	for _, q := range []string{
		// the person's number goes as well: by it whoever is still on the list could be found
		`UPDATE drill_targets SET person_id = '', address = '', surname = '', given = '', sort_key = '' WHERE facility_id = $1 AND drill_id = $2 AND id IN (SELECT t.id FROM drill_targets t
			WHERE t.facility_id = $1 AND t.drill_id = $2 AND (t.person_id <> '' OR t.address <> '' OR t.surname <> '' OR t.given <> '' OR t.sort_key <> '') LIMIT $3)`,
		`UPDATE drill_roll SET name = '', person_id = '' WHERE facility_id = $1 AND id IN (SELECT r.id FROM drill_roll r WHERE r.facility_id = $1 AND r.drill_id = $2
			AND (r.name <> '' OR r.person_id <> '') LIMIT $3)`,
		// a mail that still waits after so long is not sent any more
		`UPDATE drill_outbox SET content = '', said = '', state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END WHERE facility_id = $1 AND id IN (SELECT o.id FROM drill_outbox o
			WHERE o.facility_id = $1 AND o.drill_id = $2 AND (o.content <> '' OR o.said <> '' OR o.state = 'queued') LIMIT $3)`,
		`UPDATE drill_reports SET reporter = '', content = '{}' WHERE facility_id = $1 AND id IN (SELECT r.id FROM drill_reports r WHERE r.facility_id = $1 AND r.drill_id = $2
			AND (r.reporter <> '' OR r.content <> '{}') LIMIT $3)`,
	} {
		if err := b.inPieces(ctx, f, q, id, namelessRows); err != nil {
			return err
		}
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := getDrill(ctx, tx, id)
		if err != nil || !d.Nameless.IsZero() {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE drill_drills SET anonymous_at = $3 WHERE facility_id = $1 AND id = $2", id, store.Micros(b.stamp())); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.nameless", id, i18n.Text{Ja: "訓練「" + d.Name + "」の記録から名前を消しました", En: "Took the names out of the drill " + d.Name}, nil)
	})
}

// inPieces repeats a statement, each time in a transaction of its own, until it finds nothing more.
func (b *Book) inPieces(ctx context.Context, f facility.ID, query string, args ...any) error {
	for {
		var n int64
		err := b.db.Write(ctx, f, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, query, args...)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
