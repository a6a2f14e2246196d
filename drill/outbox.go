package drill

import (
	"context"
	"database/sql"
	"time"

	"kenshin/drill/relay"
	"kenshin/facility"
	"kenshin/store"
)

// lease is how long a mail may be in one copy's hands. Who comes later knows by it that the copy died: before the mail was begun it is safe to
// send it again, after that nobody knows.
const (
	lease    = 90 * time.Second
	claimed  = 40             // mails in hand at once
	giveUp   = 24 * time.Hour // after which a recipient who is always deferred counts as refused
	maxTries = 30
)

// parcel is one mail in hand.
type parcel struct {
	ID, Drill, Target, Kind string
	Attempts                int
	Due                     time.Time
	Lease                   string
	Content                 string
	To                      Target // of a drill's own mail, and of its feedback
}

// claim takes some mails that are due. drill "" takes mails that are no drill's own: feedback, answers, verifications.
func (b *Book) claim(ctx context.Context, f facility.ID, drill string) (out []parcel, err error) {
	now := b.stamp()
	token := store.NewID()
	which, args := "x.kind <> 'drill'", []any{token, store.Micros(now.Add(lease)), store.Micros(now), claimed}
	if drill != "" {
		which, args = "x.kind = 'drill' AND x.drill_id = $6", append(args, drill)
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		out = nil
		if err := b.recover(ctx, tx, now); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE drill_outbox SET state = 'leased', lease = $2, lease_until = $3
			WHERE facility_id = $1 AND state = 'queued' AND id IN (SELECT x.id FROM drill_outbox x WHERE x.facility_id = $1 AND x.state = 'queued'
				AND x.due_at <= $4 AND `+which+` ORDER BY x.due_at, x.id LIMIT $5)`, args...)
		if err != nil || n == 0 {
			return err
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			p := parcel{Lease: token}
			var due int64
			err := r.Scan(&p.ID, &p.Drill, &p.Target, &p.Kind, &p.Attempts, &due, &p.Content, &p.To.Address, &p.To.Surname, &p.To.Given, &p.To.Department, &p.To.Role)
			p.Due, p.To.ID, p.To.Drill = store.Time(due), p.Target, p.Drill
			out = append(out, p)
			return err
		}, `SELECT o.id, o.drill_id, o.target_id, o.kind, o.attempts, o.due_at, o.content, coalesce(t.address, ''), coalesce(t.surname, ''), coalesce(t.given, ''),
			coalesce(t.department, ''), coalesce(t.role, '')
			FROM drill_outbox o LEFT JOIN drill_targets t ON t.facility_id = o.facility_id AND t.drill_id = o.drill_id AND t.id = o.target_id
			WHERE o.facility_id = $1 AND o.lease = $2 AND o.state = 'leased' ORDER BY o.due_at, o.id`, token)
	})
	return out, err
}

// recover looks after mails whose copy died: what was not begun is queued again, of what was begun nobody knows, and it is never sent again by
// itself. A lease that ends later than one can was given by a clock that was ahead: whoever held it is gone, too.
func (b *Book) recover(ctx context.Context, tx *store.Tx, now time.Time) error {
	at, never := store.Micros(now), store.Micros(now.Add(2*lease))
	if _, err := tx.Exec(ctx, "UPDATE drill_outbox SET state = 'queued', lease = '' WHERE facility_id = $1 AND state = 'leased' AND (lease_until < $2 OR lease_until > $3)", at, never); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE drill_targets SET mail = 'unknown' WHERE facility_id = $1 AND EXISTS (SELECT 1 FROM drill_outbox o WHERE o.facility_id = $1
		AND o.state = 'begun' AND (o.lease_until < $2 OR o.lease_until > $3) AND o.kind = 'drill' AND o.drill_id = drill_targets.drill_id AND o.target_id = drill_targets.id)`, at, never); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE drill_outbox SET state = 'unknown', lease = '', changed_at = $2 WHERE facility_id = $1 AND state = 'begun' AND (lease_until < $2 OR lease_until > $3)", at, never); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE drill_outbox SET due_at = $2 WHERE facility_id = $1 AND state = 'queued' AND "+fromAhead("drill_outbox", "$3", "$4"),
		at, store.Micros(now.Add(longWait)), store.Micros(now.Add(longRest)))
	return err
}

const (
	longWait = 3 * time.Hour       // more than any pause between two tries
	longRest = 31 * 24 * time.Hour // more than any time that feedback waits for the sending hours
)

// fromAhead is true of a queued mail whose next time was told by a clock that was ahead of this one: it would wait until then.
func fromAhead(o, wait, rest string) string {
	return "(" + o + ".changed_at > " + wait + " OR " + o + ".attempts > 0 AND " + o + ".due_at > " + wait + " OR " + o + ".kind <> 'drill' AND " + o + ".due_at > " + rest + ")"
}

// begin makes it durable that a mail is about to be given away. It fails when the mail is no longer in this copy's hands.
func (b *Book) begin(ctx context.Context, f facility.ID, p parcel, messageID string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		now := b.stamp()
		n, err := tx.Exec(ctx, `UPDATE drill_outbox SET state = 'begun', attempts = attempts + 1, message_id = $4, lease_until = $5, changed_at = $6
			WHERE facility_id = $1 AND id = $2 AND lease = $3 AND state = 'leased'`, p.ID, p.Lease, messageID, store.Micros(now.Add(lease)), store.Micros(now))
		if err == nil && n == 0 {
			err = errNotOurs
		}
		if err != nil || p.Kind != "drill" && p.Kind != kindTest {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE drill_targets SET mail = 'sending', begun_at = CASE WHEN begun_at = 0 THEN $4 ELSE begun_at END WHERE facility_id = $1 AND drill_id = $2 AND id = $3",
			p.Drill, p.Target, store.Micros(now))
		return err
	})
}

// finish writes down what became of a mail.
func (b *Book) finish(ctx context.Context, f facility.ID, p parcel, r relay.Result, first time.Time) error {
	now := b.stamp()
	state, mail, due := "queued", Queued, p.Due
	switch r.Outcome {
	case relay.Accepted:
		state, mail = "accepted", Accepted
	case relay.Refused:
		state, mail = "refused", Refused
	case relay.Unknown:
		state, mail = "unknown", UnknownMail
	case relay.Deferred:
		mail, due = Deferred, now.Add(backoff(p.Attempts, r.Retry))
		if p.Attempts+1 >= maxTries || !first.IsZero() && now.Sub(first) > giveUp {
			state, mail = "refused", Refused
		}
	}
	if r.Outcome == relay.Refused && r.Scope == relay.Relay { // the route is wrong, not the recipient: a person must look, nobody is given up
		state, mail, due = "queued", Queued, now.Add(time.Minute)
	}
	return b.settle(ctx, f, p, state, mail, due, r.Code, clip(r.Text, 300))
}

// settle stores a mail's new state, and its recipient's where it is the drill's own mail.
func (b *Book) settle(ctx context.Context, f facility.ID, p parcel, state string, mail Delivery, due time.Time, code int, said string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		now := b.stamp()
		state, mail := state, mail // the transaction may be made twice
		if state == "queued" && p.Kind == "drill" {
			d, err := getDrill(ctx, tx, p.Drill)
			if err != nil {
				return err
			}
			if d.State == Withdrawn { // while the mail was on its way
				state, mail = "cancelled", Skipped
			}
		}
		n, err := tx.Exec(ctx, `UPDATE drill_outbox SET state = $4, due_at = $5, code = $6, said = $7, changed_at = $8, lease = ''
			WHERE facility_id = $1 AND id = $2 AND lease = $3 AND state IN ('leased', 'begun')`, p.ID, p.Lease, state, store.Micros(due), code, said, store.Micros(now))
		if err == nil && n == 0 {
			err = errNotOurs
		}
		if err == nil && p.Kind == kindVerify && state != "queued" { // the code is kept nowhere once it is out
			_, err = tx.Exec(ctx, "UPDATE drill_outbox SET content = '' WHERE facility_id = $1 AND id = $2", p.ID)
		}
		if err != nil || p.Kind != "drill" && p.Kind != kindTest {
			return err
		}
		accepted := int64(0)
		if mail == Accepted {
			accepted = store.Micros(now)
		}
		_, err = tx.Exec(ctx, "UPDATE drill_targets SET mail = $4, accepted_at = $5 WHERE facility_id = $1 AND drill_id = $2 AND id = $3", p.Drill, p.Target, string(mail), accepted)
		return err
	})
}

// release puts mails back that were claimed and not touched.
func (b *Book) release(ctx context.Context, f facility.ID, list []parcel) error {
	if len(list) == 0 {
		return nil
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE drill_outbox SET state = 'queued', lease = '' WHERE facility_id = $1 AND lease = $2 AND state = 'leased'", list[0].Lease)
		return err
	})
}

// backoff is the wait before the next try of a recipient who was deferred: 1, 2, 4 ... 60 minutes, or longer when the server says so.
func backoff(attempts int, hint time.Duration) time.Duration {
	wait := min(time.Minute<<min(attempts, 6), time.Hour)
	if hint > wait && hint <= 2*time.Hour {
		wait = hint
	}
	return wait
}

// queueMail asks for a mail that is no drill's own, inside the caller's transaction. The same key is mailed once, whatever became of
// the mail.
func (b *Book) queueMail(ctx context.Context, tx *store.Tx, kind, drill, target, key string, m plainMail, due time.Time) error {
	text, err := marshal(m)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_outbox (facility_id, id, drill_id, target_id, kind, state, due_at, attempts, lease, lease_until, message_id, code, said, changed_at, content, queue_key)
		VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, '', 0, '', 0, '', 0, $7, $8) ON CONFLICT (facility_id, queue_key) WHERE queue_key <> '' DO NOTHING`,
		store.NewID(), drill, target, kind, store.Micros(due), text, key)
	return err
}

// plainMail is a mail that is no drill's own.
type plainMail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
}
