package finding

import (
	"context"
	"fmt"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// maxAtOnce is how many findings one deed may change.
const maxAtOnce = 500

// AssignAll gives several findings to one person, all or none; an empty owner keeps each one's owner, a zero due its day. It returns what changed.
func (b *Book) AssignAll(ctx context.Context, f facility.ID, ids []string, owner string, dueAt time.Time) (out []Finding, err error) {
	switch {
	case len(ids) == 0:
		return nil, fault.New(fault.Invalid, "一つも選ばれていません。左の四角を選んでください。", "Nothing is selected: tick the boxes on the left.")
	case len(ids) > maxAtOnce:
		return nil, fault.Newf(fault.TooLarge, "一度に変えられるのは%d件までです。", "At most %d can be changed at once.", maxAtOnce)
	case owner == "" && dueAt.IsZero():
		return nil, fault.New(fault.Invalid, "担当か期限のどちらかを入れてください。", "Enter an owner or a day.")
	case len(owner) > maxOwner:
		return nil, ownerTooLong()
	}
	now := b.now().UTC().Truncate(time.Microsecond)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		out = nil
		for _, id := range ids {
			v, err := get(ctx, tx, id)
			if err != nil {
				return err
			}
			if v.State.Over() {
				continue
			}
			said := ""
			if owner != "" {
				v.Owner, said = owner, "担当: "+owner
			}
			if !dueAt.IsZero() {
				v.Due = dueAt.UTC().Truncate(time.Microsecond)
			}
			v.Revision++
			if err := write(ctx, tx, v); err != nil {
				return err
			}
			if err := note(ctx, tx, v.ID, now, v.State, said); err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// Lapse opens what was left until a day that has passed, so that its history says so, and returns what came back. Lists show it as open
// from that day on even if nobody calls this.
func (b *Book) Lapse(ctx context.Context, f facility.ID) (out []Finding, err error) {
	now := b.now().UTC().Truncate(time.Microsecond)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		out = nil
		list, err := selected(ctx, tx, "f.state = $2 AND f.accepted_until < $3 ORDER BY f.id LIMIT 500", string(Accepted), store.Micros(now))
		if err != nil {
			return err
		}
		for _, v := range list {
			v.AcceptedUntil, v.ClosedAt = time.Time{}, time.Time{}
			if err := b.move(ctx, tx, v, Open, lapsed, now); err != nil {
				return fmt.Errorf("open finding %s again: %w", v.ID, err)
			}
			v.State = Open
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// lapsed is the reason in the history of what came back by itself.
const lapsed = "lapsed"

// CameBack returns what is open again because its day has passed since a time.
func (b *Book) CameBack(ctx context.Context, f facility.ID, since time.Time) (out []Finding, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = selected(ctx, tx, `f.state = $2 AND EXISTS (SELECT 1 FROM finding_history h WHERE h.facility_id = $1 AND h.finding_id = f.id
			AND h.reason = $3 AND h.at >= $4) ORDER BY f.weight DESC, f.due_at, f.id LIMIT 500`, string(Open), lapsed, store.Micros(since))
		return err
	})
	return out, err
}

// Keep makes the open tasks of a source exactly those given, in the caller's transaction: new ones are opened, those that the source names no more
// are closed. A task that a person says is done stays so until the source drops it: here no machine measures.
func (b *Book) Keep(ctx context.Context, tx *store.Tx, check string, want []Result) error {
	have, err := recorded(ctx, tx, []subject{{check, ""}})
	if err != nil {
		return err
	}
	now := b.now().UTC().Truncate(time.Microsecond)
	kept := map[string]bool{}
	for _, r := range want {
		r.Check, r.Device, r.Outcome = check, "", Found
		if err := r.valid(); err != nil {
			return err
		}
		kept[r.Part] = true
		old, known := have[subject{check, ""}][r.Part]
		if known && old.State == Fixed {
			continue
		}
		if known && !r.Due.IsZero() && !old.Due.Equal(r.Due) || known && r.Owner != "" && old.Owner != r.Owner {
			old.Due, old.Owner = time.Time{}, "" // the source's own sheet was changed: it has the say
		}
		if _, err := b.found(ctx, tx, r, old, known, now); err != nil {
			return err
		}
	}
	for part, v := range have[subject{check, ""}] {
		if !kept[part] && !v.State.Over() {
			if err := b.move(ctx, tx, v, Gone, "", now); err != nil {
				return err
			}
		}
	}
	return nil
}
