package drill

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill/internal/token"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

const frozenRows = 400 // of one short transaction

// Submit fixes who gets a draft's mail and when, and asks for the second person's approval. It refuses what must not be sent: a recipient
// outside the verified domains, a mail that the lint refuses, a preflight that is missing or red, too many recipients of one day.
func (b *Book) Submit(ctx context.Context, f facility.ID, id string) (d Drill, err error) {
	if d, err = b.Get(ctx, f, id); err != nil {
		return d, err
	}
	if d.State != Draft {
		return d, fault.New(fault.Conflict, "下書きだけが承認を頼めます。", "Only a draft can be submitted.")
	}
	s, err := b.Settings(ctx, f)
	if err != nil {
		return d, err
	}
	if err := s.Ready(); err != nil {
		return d, err
	}
	if err := b.checkMail(d, s); err != nil {
		return d, err
	}
	list, err := b.recipients(ctx, f, &d, s)
	if err != nil {
		return d, err
	}
	org, err := b.orgName(ctx, f, s)
	if err != nil {
		return d, err
	}
	if err := d.Mail.checkNames(list, org); err != nil {
		return d, err
	}
	if err := b.clearTargets(ctx, f, id); err != nil {
		return d, err
	}
	if err := b.stageTargets(ctx, f, &d, list); err != nil {
		return d, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		now, err := getDrill(ctx, tx, id)
		if err != nil {
			return err
		}
		if now.Revision != d.Revision || now.State != Draft {
			return fault.New(fault.Conflict, "この訓練はほかの人が先に変更しました。もう一度開いてください。", "Somebody else changed this drill first. Open it again.")
		}
		if err := b.flightOK(ctx, tx, &d, s); err != nil {
			return err
		}
		d.State = Waiting
		if d.Hash, err = contentHash(ctx, tx, &d, s); err != nil {
			return err
		}
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.submit", id, i18n.Text{Ja: fmt.Sprintf("訓練「%s」の承認を頼みました(%d人)", d.Name, len(list)),
			En: fmt.Sprintf("Submitted the drill %s for approval (%d recipients)", d.Name, len(list))}, map[string]any{"hash": d.Hash, "recipients": len(list)})
	})
	return d, err
}

// Approve is the second person's word: the drill may be sent exactly as its hash says. hash is what the approver saw.
func (b *Book) Approve(ctx context.Context, f facility.ID, id, hash string) (d Drill, err error) {
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if d, err = getDrill(ctx, tx, id); err != nil {
			return err
		}
		who := actor.From(ctx)
		switch {
		case d.State != Waiting:
			return fault.New(fault.Conflict, "この訓練は承認待ちではありません。", "This drill does not wait for approval.")
		case who.Kind != actor.Person && who.Kind != actor.Token:
			return fault.New(fault.Denied, "承認は人がします。", "Only a person can approve.")
		case who.Same(d.Author):
			return fault.New(fault.Denied, "作った人は承認できません。ほかの人に頼んでください。", "Who wrote a drill cannot approve it. Ask somebody else.")
		}
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		now, err := contentHash(ctx, tx, &d, s)
		if err != nil {
			return err
		}
		if hash != d.Hash || now != d.Hash {
			return fault.New(fault.Conflict, "承認を頼まれてから、内容が変わりました。もう一度開いて確かめてください。", "The drill changed since it was submitted. Open it again.")
		}
		if _, err := tx.Exec(ctx, "INSERT INTO drill_approvals (facility_id, id, drill_id, hash, actor_id, actor_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			store.NewID(), id, hash, who.ID, who.Name, store.Micros(b.stamp())); err != nil {
			return err
		}
		d.State = Approved
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.approve", id, i18n.Text{Ja: "訓練「" + d.Name + "」を承認しました", En: "Approved the drill " + d.Name}, map[string]string{"hash": hash})
	})
	return d, err
}

// Reject sends a drill back to its author.
func (b *Book) Reject(ctx context.Context, f facility.ID, id, reason string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := b.turn(ctx, tx, id, Draft, Waiting, Approved)
		if err != nil {
			return err
		}
		d.Hash, d.Note = "", i18n.Text{Ja: "差し戻し: " + clip(reason, 500), En: "Sent back: " + clip(reason, 500)}
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.reject", id, i18n.Text{Ja: "訓練「" + d.Name + "」を差し戻しました", En: "Sent the drill " + d.Name + " back"}, map[string]string{"reason": clip(reason, 500)})
	})
}

// recipients resolves the audience: active staff whose domain is verified and who had no drill lately, and the canaries.
func (b *Book) recipients(ctx context.Context, f facility.ID, d *Drill, s Settings) (list []Person, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		verified, err := verifiedDomains(ctx, tx)
		if err != nil {
			return err
		}
		staff, err := people(ctx, tx, PeopleFilter{Role: Staff})
		if err != nil {
			return err
		}
		staff = slices.DeleteFunc(staff, func(p Person) bool { return !d.Audience.Has(p) })
		if len(staff) == 0 {
			return fault.New(fault.Invalid, "この条件に当てはまる宛先がありません。", "Nobody fits the chosen recipients.")
		}
		if s.Apart > 0 && d.Mode != Course {
			if err := restedSince(ctx, tx, staff, b.now().AddDate(0, 0, -s.Apart), s.Apart); err != nil {
				return err
			}
		}
		if list = staff; d.Mode != Course {
			canaries, err := people(ctx, tx, PeopleFilter{Role: Canary})
			if err != nil {
				return err
			}
			list = append(list, canaries...)
		}
		for _, p := range list {
			if err := verified.covers(p.Address, b.now()); err != nil {
				return err
			}
		}
		return b.perDay(ctx, tx, d, len(list), s.PerDay)
	})
	return list, err
}

// restedSince refuses a drill for people who had one since a time.
func restedSince(ctx context.Context, tx *store.Tx, staff []Person, since time.Time, days int) error {
	recent := map[string]bool{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		recent[id] = true
		return err
	}, `SELECT DISTINCT t.person_id FROM drill_targets t JOIN drill_drills d ON d.facility_id = t.facility_id AND d.id = t.drill_id
		WHERE t.facility_id = $1 AND d.started_at > $2 AND d.mode <> 'course' AND t.accepted_at > $2`, store.Micros(since))
	if err != nil {
		return err
	}
	n := 0
	for _, p := range staff {
		if recent[p.ID] {
			n++
		}
	}
	if n > 0 {
		return fault.Newf(fault.Invalid, "宛先のうち %[1]d人は、この%[2]d日のあいだに訓練を受けたばかりです。日を空けるか、宛先から外してください。",
			"%[1]d of the recipients had a drill within the last %[2]d days. Wait, or leave them out.", n, days)
	}
	return nil
}

// perDay keeps to the most recipients of one day: those of other drills that start on the same day count as well.
func (b *Book) perDay(ctx context.Context, tx *store.Tx, d *Drill, n, most int) error {
	fac, err := b.houses.Facility(ctx, tx.Facility())
	if err != nil {
		return err
	}
	start := d.Schedule.Start
	if start.IsZero() || start.Before(b.now()) {
		start = b.now()
	}
	y, m, day := start.In(fac.Location()).Date()
	from := time.Date(y, m, day, 0, 0, 0, 0, fac.Location())
	var others int
	err = tx.Row(ctx, `SELECT count(*) FROM drill_targets t JOIN drill_drills d ON d.facility_id = t.facility_id AND d.id = t.drill_id
		WHERE t.facility_id = $1 AND d.id <> $2 AND d.state NOT IN ('draft', 'withdrawn') AND d.start_at >= $3 AND d.start_at < $4`,
		d.ID, store.Micros(from), store.Micros(from.AddDate(0, 0, 1))).Scan(&others)
	if err == nil && n+others > most {
		err = fault.Newf(fault.TooLarge, "1日に送れるのは %d人までです(この訓練 %d人、同じ日のほかの訓練 %d人)。日を分けるか、設定を変えてください。",
			"At most %d recipients a day (this drill %d, others of that day %d). Choose another day, or change the setting.", most, n, others)
	}
	return err
}

// clearTargets removes what an earlier submission staged. Nothing of it was ever sent: the drill is a draft.
func (b *Book) clearTargets(ctx context.Context, f facility.ID, id string) error {
	for _, q := range []string{
		"DELETE FROM drill_tokens WHERE facility_id = $1 AND hash IN (SELECT x.hash FROM drill_tokens x WHERE x.facility_id = $1 AND x.drill_id = $2 LIMIT 2000)",
		"DELETE FROM drill_outbox WHERE facility_id = $1 AND id IN (SELECT x.id FROM drill_outbox x WHERE x.facility_id = $1 AND x.drill_id = $2 LIMIT 1000)",
		"DELETE FROM drill_targets WHERE facility_id = $1 AND drill_id = $2 AND id IN (SELECT x.id FROM drill_targets x WHERE x.facility_id = $1 AND x.drill_id = $2 LIMIT 1000)",
	} {
		for {
			var n int64
			err := b.db.Write(ctx, f, func(tx *store.Tx) (err error) {
				n, err = tx.Exec(ctx, q, id)
				return err
			})
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// stageTargets writes the recipients with their tokens and their place in the outbox. The order of sending is shuffled, so that a ward does not
// get its mails all at once.
func (b *Book) stageTargets(ctx context.Context, f facility.ID, d *Drill, list []Person) error {
	door, err := b.Door(ctx, f)
	if err != nil {
		return err
	}
	key, err := b.tokenKey(ctx, f, d.ID)
	if err != nil {
		return err
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	mix := func(i int) string { sum := sha256.Sum256(append([]byte(list[i].ID), key...)); return string(sum[:8]) }
	slices.SortFunc(order, func(a, c int) int { return strings.Compare(mix(a), mix(c)) })
	due := d.Schedule.spread(len(list))
	for at := 0; at < len(order); at += frozenRows {
		some := order[at:min(at+frozenRows, len(order))]
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			for n, i := range some {
				if err := stageOne(ctx, tx, d, list[i], door, key, due(at+n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// spread says when the n-th mail is due: at the start, or evenly up to Until.
func (s Schedule) spread(total int) func(n int) time.Time {
	step := time.Duration(0)
	if !s.Until.IsZero() && total > 1 {
		step = s.Until.Sub(s.Start) / time.Duration(total)
	}
	return func(n int) time.Time { return s.Start.Add(step * time.Duration(n)) }
}

func stageOne(ctx context.Context, tx *store.Tx, d *Drill, p Person, door uint32, key []byte, due time.Time) error {
	id := store.NewID()
	_, err := tx.Exec(ctx, `INSERT INTO drill_targets (facility_id, drill_id, id, person_id, address, surname, given, sort_key, department, job, role, mail, accepted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', 0)`,
		d.ID, id, p.ID, p.Address, p.Surname, p.Given, jp.Reading(p.Surname+p.Given, p.Reading), p.Department, p.Job, string(p.Role))
	if err != nil {
		return err
	}
	for _, s := range Linked() {
		if _, err := tx.Exec(ctx, "INSERT INTO drill_tokens (facility_id, hash, drill_id, target_id, signal) VALUES ($1, $2, $3, $4, $5)",
			token.Derive(door, key, id+"/"+string(s)).Hash(), d.ID, id, string(s)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_outbox (facility_id, id, drill_id, target_id, kind, state, due_at, attempts, lease, lease_until, message_id, code, said, changed_at, content)
		VALUES ($1, $2, $3, $4, 'drill', 'queued', $5, 0, '', 0, '', 0, '', 0, '')`, store.NewID(), d.ID, id, store.Micros(due))
	return err
}

// tokenKey opens the key that a drill's tokens are derived from.
func (b *Book) tokenKey(ctx context.Context, f facility.ID, id string) ([]byte, error) {
	if k, ok := b.keys.Load(string(f) + id); ok {
		return k.([]byte), nil
	}
	var sealed []byte
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, "SELECT d.key FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2", id).Scan(&sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("read a drill's key: %w", err)
	}
	key, err := b.box.Open(f, keyPurpose(id), sealed)
	if err != nil {
		return nil, err
	}
	b.keys.Store(string(f)+id, key)
	return key, nil
}

// contentHash is the SHA-256 of all that an approval is for: the mail, who sends it, when, and who gets it.
func contentHash(ctx context.Context, tx *store.Tx, d *Drill, s Settings) (string, error) {
	h := sha256.New()
	if err := hashJSON(h, []any{d.Mode, d.Mail, d.Schedule, s.Domain, s.Base, s.Contact, s.Hours}); err != nil {
		return "", err
	}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var row [6]string
		if err := r.Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5]); err != nil {
			return err
		}
		return hashJSON(h, row)
	}, "SELECT t.address, t.surname, t.given, t.department, t.id, t.role FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 ORDER BY t.address, t.id", d.ID)
	return hex.EncodeToString(h.Sum(nil)), err
}

func hashJSON(h hash.Hash, v any) error {
	return json.NewEncoder(h).Encode(v)
}
