package drill

import (
	"context"
	"time"

	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
)

const (
	namelessRows = 500 // of one short transaction
	// nobody stands in a drill's audience for the people who were chosen one by one: a copy of the drill must not go to everybody instead.
	nobody = "-"
)

// Forgotten reports whether people were chosen one by one, and who is forgotten.
func (a Audience) Forgotten() bool { return len(a.People) == 1 && a.People[0] == nobody }

// ForgetNames takes the names and addresses out of one drill that ended, or that nobody went on with, longer ago than the settings allow; departments,
// figures and arrivals stay. It also forgets mailboxes that were taken off the list as long ago, and who reported what. more is true while another
// drill waits.
func (b *Book) ForgetNames(ctx context.Context, f facility.ID) (more bool, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return false, err
	}
	before := b.stamp().AddDate(0, 0, -s.Nameless)
	if err := b.forgetOld(ctx, f, store.Micros(before)); err != nil {
		return false, err
	}
	id, state, err := b.namesOf(ctx, f, store.Micros(before))
	if err != nil || id == "" {
		return false, err
	}
	if state != Closed && state != Withdrawn {
		if err := b.giveUp(ctx, f, id, before); err != nil {
			return false, err
		}
	}
	return true, b.forgetNames(ctx, f, id)
}

// forgetOld empties what is old by itself, whichever drill it belongs to: it may have come long after the drill's end.
func (b *Book) forgetOld(ctx context.Context, f facility.ID, before int64) error {
	if err := b.inPieces(ctx, f, `DELETE FROM drill_people WHERE facility_id = $1 AND id IN (SELECT p.id FROM drill_people p WHERE p.facility_id = $1
		AND p.active = $3 AND p.changed_at < $2 LIMIT $4)`, before, false, namelessRows); err != nil {
		return err
	}
	// a mail that still waits after so long is not sent any more; the one to whom it went may stand in target_id, too
	if err := b.inPieces(ctx, f, `UPDATE drill_outbox SET content = '', said = '', target_id = CASE WHEN target_id LIKE 'to:%' THEN '' ELSE target_id END,
		state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END WHERE facility_id = $1 AND id IN (SELECT o.id FROM drill_outbox o WHERE o.facility_id = $1
		AND o.kind NOT IN ('drill', 'test') AND (o.changed_at > 0 AND o.changed_at < $2 OR o.changed_at = 0 AND o.due_at < $2) AND o.state NOT IN ('leased', 'begun')
		AND (o.content <> '' OR o.said <> '' OR o.target_id LIKE 'to:%') LIMIT $3)`, before, namelessRows); err != nil {
		return err
	}
	return b.inPieces(ctx, f, `UPDATE drill_reports SET reporter = '', content = '{}', state = 'closed' WHERE facility_id = $1 AND id IN (SELECT r.id FROM drill_reports r
		WHERE r.facility_id = $1 AND r.at < $2 AND (r.reporter <> '' OR r.content <> '{}') LIMIT $3)`, before, namelessRows)
}

// namesOf finds a drill that still has names: one that ended before the time, or one that was to be sent before it and that nobody touched since.
func (b *Book) namesOf(ctx context.Context, f facility.ID, before int64) (id string, state State, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, `SELECT d.id, d.state FROM drill_drills d WHERE d.facility_id = $1 AND d.anonymous_at = 0 AND (
			d.state IN ('closed', 'withdrawn') AND d.ended_at > 0 AND d.ended_at < $2
			OR d.state IN ('draft', 'waiting', 'approved', 'sending', 'paused', 'sent') AND d.created_at < $2 AND d.start_at < $2 AND d.started_at < $2
				AND NOT EXISTS (SELECT 1 FROM drill_approvals a WHERE a.facility_id = $1 AND a.drill_id = d.id AND a.at >= $2)
				AND NOT EXISTS (SELECT 1 FROM drill_preflights p WHERE p.facility_id = $1 AND p.drill_id = d.id AND p.at >= $2)
				AND (d.started_at > 0 OR EXISTS (SELECT 1 FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = d.id)
					OR EXISTS (SELECT 1 FROM drill_preflights p WHERE p.facility_id = $1 AND p.drill_id = d.id)))
			ORDER BY d.id LIMIT 1`, before).Scan(&id, &state)
	})
	return id, state, unlessNone(err)
}

// giveUp ends a drill that nobody went on with. What was never sent is a draft again, without recipients; of the rest nothing more is sent.
func (b *Book) giveUp(ctx context.Context, f facility.ID, id string, before time.Time) error {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return err
	}
	if d.State == Sent { // an incident keeps it from being closed as usual: its figures stay, and no mail follows so late
		return b.db.Write(ctx, f, func(tx *store.Tx) error {
			d, err := b.turn(ctx, tx, id, Closed, Sent)
			if err != nil {
				return err
			}
			d.Ended = b.stamp()
			if err := b.put(ctx, tx, &d); err != nil {
				return err
			}
			return b.trail(ctx, tx, "drill.close", id, i18n.Text{Ja: "訓練「" + d.Name + "」を、名前を残す期限が過ぎたので終了しました", En: "Closed the drill " + d.Name + ": the term for its names is over"}, nil)
		})
	}
	if !d.Started.IsZero() {
		return b.Withdraw(ctx, f, id)
	}
	if d.State == Draft {
		return nil
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := b.turn(ctx, tx, id, Draft, Waiting, Approved, Paused)
		if err != nil {
			return err
		}
		day := before.Format(time.DateOnly)
		d.Hash, d.Note = "", i18n.Text{Ja: day + "より前から動きがないため、下書きに戻し、宛先の名前を消しました。", En: "Nobody went on with it since before " + day + ": it is a draft again, and its recipients are forgotten."}
		return b.put(ctx, tx, &d)
	})
}

func (b *Book) forgetNames(ctx context.Context, f facility.ID, id string) error {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return err
	}
	if d.State == Draft {
		if err := b.clearTargets(ctx, f, id); err != nil {
			return err
		}
	}
	for _, q := range []string{
		// the person's number goes as well: by it whoever is still on the list could be found
		`UPDATE drill_targets SET person_id = '', address = '', surname = '', given = '', sort_key = '' WHERE facility_id = $1 AND drill_id = $2 AND id IN (SELECT t.id FROM drill_targets t
			WHERE t.facility_id = $1 AND t.drill_id = $2 AND (t.person_id <> '' OR t.address <> '' OR t.surname <> '' OR t.given <> '' OR t.sort_key <> '') LIMIT $3)`,
		`UPDATE drill_roll SET name = '', person_id = '' WHERE facility_id = $1 AND id IN (SELECT r.id FROM drill_roll r WHERE r.facility_id = $1 AND r.drill_id = $2
			AND (r.name <> '' OR r.person_id <> '') LIMIT $3)`,
		`UPDATE drill_outbox SET content = '', said = '', target_id = CASE WHEN target_id LIKE 'to:%' THEN '' ELSE target_id END,
			state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END WHERE facility_id = $1 AND id IN (SELECT o.id FROM drill_outbox o
			WHERE o.facility_id = $1 AND o.drill_id = $2 AND (o.content <> '' OR o.said <> '' OR o.target_id LIKE 'to:%' OR o.state = 'queued') LIMIT $3)`,
		`UPDATE drill_reports SET reporter = '', content = '{}' WHERE facility_id = $1 AND id IN (SELECT r.id FROM drill_reports r WHERE r.facility_id = $1 AND r.drill_id = $2
			AND (r.reporter <> '' OR r.content <> '{}') LIMIT $3)`,
		// its test mailboxes may be somebody's; what was waived, and why, stands in the trail
		`DELETE FROM drill_preflights WHERE facility_id = $1 AND id IN (SELECT p.id FROM drill_preflights p WHERE p.facility_id = $1 AND p.drill_id = $2 LIMIT $3)`,
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
		if len(d.Audience.People) > 0 {
			d.Audience.People = []string{nobody}
			if err := b.put(ctx, tx, &d); err != nil {
				return err
			}
		}
		if d.State != Draft { // a draft may be taken up again, with other recipients
			if _, err := tx.Exec(ctx, "UPDATE drill_drills SET anonymous_at = $3 WHERE facility_id = $1 AND id = $2", id, store.Micros(b.stamp())); err != nil {
				return err
			}
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
