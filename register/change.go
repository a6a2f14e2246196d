package register

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
	"kenshin/trail"
)

// room refuses a row too many.
func room(ctx context.Context, tx *store.Tx, kind string) error {
	var have int64
	err := tx.Row(ctx, "SELECT count(*) FROM register_rows WHERE facility_id = $1 AND kind = $2", kind).Scan(&have)
	if err == nil && have >= MaxRows {
		err = fault.Newf(fault.TooLarge, "1つの記録簿は%d行までです。", "A register takes at most %d rows.", MaxRows)
	}
	return err
}

func (b *Book) insert(ctx context.Context, tx *store.Tx, row *Row, from string) error {
	content, err := json.Marshal(row.Values)
	if err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	row.ID, row.Revision, row.Created, row.Checked = store.NewID(), 1, row.Changed, b.Today()
	_, err = tx.Exec(ctx, `INSERT INTO register_rows (facility_id, id, kind, owner, checked, revision, created_at, changed_at, changed_by, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		row.ID, row.Kind, row.Owner, row.Checked, row.Revision, store.Micros(row.Created), store.Micros(row.Changed), row.ByName, string(content))
	if err != nil {
		return err
	}
	return note(ctx, tx, *row, row.Changed, Change{Kind: "added", Reason: from})
}

func (b *Book) update(ctx context.Context, tx *store.Tx, k Kind, row *Row, deed, reason string) error {
	old, err := get(ctx, tx, row.ID)
	if err != nil {
		return err
	}
	if old.Kind != row.Kind {
		return fault.New(fault.Invalid, "この行は別の記録簿のものです。", "This row belongs to another register.")
	}
	if old.Revision != row.Revision {
		return outdated(old)
	}
	row.Revision, row.Created = old.Revision+1, old.Created
	if row.Checked == "" {
		row.Checked = old.Checked
	}
	content, err := json.Marshal(row.Values)
	if err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE register_rows SET owner = $4, checked = $5, revision = $6, changed_at = $7, changed_by = $8, content = $9
		WHERE facility_id = $1 AND id = $2 AND revision = $3`,
		row.ID, old.Revision, row.Owner, row.Checked, row.Revision, store.Micros(row.Changed), row.ByName, string(content))
	if err != nil {
		return err
	}
	if n == 0 {
		return outdated(old)
	}
	for _, c := range differences(k, old, *row) {
		c.Kind, c.Reason = deed, reason
		if err := note(ctx, tx, *row, row.Changed, c); err != nil {
			return err
		}
	}
	return nil
}

func outdated(r Row) error {
	return fault.Newf(fault.Conflict, "%[1]s さんが先にこの行を変えました。いまの内容を確かめてから、もう一度保存してください。",
		"%[1]s changed this row first. Look at what it says now, then save again.", r.ByName)
}

func differences(k Kind, old, row Row) (out []Change) {
	for _, c := range k.Columns {
		if a, b := old.Values[c.Key], row.Values[c.Key]; a != b {
			out = append(out, Change{Field: c.Key, Before: a, After: b})
		}
	}
	if old.Owner != row.Owner {
		out = append(out, Change{Field: "owner", Before: old.Owner, After: row.Owner})
	}
	if old.Checked != row.Checked {
		out = append(out, Change{Field: "checked", Before: old.Checked, After: row.Checked})
	}
	return out
}

// Confirm says that a row was right on a day, which cannot lie in the future. Where only the proof date counts, it becomes that day.
func (b *Book) Confirm(ctx context.Context, f facility.ID, id, on string) (Row, error) {
	var row Row
	at, exact, err := jp.Date(on)
	if err != nil {
		return row, err
	}
	if exact != jp.Day || at > b.Today() {
		return row, fault.New(fault.Invalid, "確かめた日は、今日までの日付で入れてください。", "Give the day on which it was confirmed; it cannot lie in the future.")
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if row, err = get(ctx, tx, id); err != nil {
			return err
		}
		k, err := KindOf(row.Kind)
		if err == nil {
			err = k.byHand()
		}
		if err != nil {
			return err
		}
		if last := max(row.Checked, firstDay(row.Values[k.Proof])); k.Strict && firstDay(row.Values[k.Proof]) > at || !k.Strict && last > at {
			return fault.Newf(fault.Invalid, "%[1]s に確かめた記録がもうあります。それより後の日を入れてください。",
				"It was confirmed on %[1]s already. Give a later day.", last)
		}
		if row.Checked = at; k.Strict {
			row.Values[k.Proof] = at
		}
		maps.Copy(row.Values, k.Confirms)
		row.Changed, row.ByName = b.now().UTC().Truncate(time.Microsecond), actor.From(ctx).Name
		if err := b.update(ctx, tx, k, &row, "confirmed", ""); err != nil {
			return err
		}
		row.Due = k.dueOf(row)
		return b.after(ctx, tx, k)
	})
	return row, err
}

// Remove takes a row out. The reason stays in the history with what the row said.
func (b *Book) Remove(ctx context.Context, f facility.ID, id string, revision int64, reason string) error {
	reason = jp.Clean(reason)
	if reason == "" {
		return fault.New(fault.Invalid, "消す理由を書いてください。", "Say why it is removed.")
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		row, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if row.Revision != revision {
			return outdated(row)
		}
		k, err := KindOf(row.Kind)
		if err != nil {
			return err
		}
		if err := b.drop(ctx, tx, row, clip(reason, maxText)); err != nil {
			return err
		}
		return b.after(ctx, tx, k)
	})
}

func (b *Book) drop(ctx context.Context, tx *store.Tx, row Row, reason string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM register_rows WHERE facility_id = $1 AND id = $2", row.ID); err != nil {
		return err
	}
	if err := blob.DetachAll(ctx, tx, row.ID); err != nil {
		return err
	}
	before, err := json.Marshal(row.Values)
	if err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	return note(ctx, tx, row, b.now(), Change{Kind: "removed", Before: string(before), Reason: reason})
}

// Change is one line of a row's history.
type Change struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Kind   string    `json:"kind"`  // added, edited, confirmed, removed
	Field  string    `json:"field"` // a column's key, owner, checked, attachment; "" for added and removed
	Before string    `json:"before"`
	After  string    `json:"after"`
	Reason string    `json:"reason,omitempty"`
}

// History returns what happened to a row, the newest first, also after it was removed.
func (b *Book) History(ctx context.Context, f facility.ID, id string) (out []Change, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = history(ctx, tx, "", id)
		return err
	})
	return out, err
}

// HistoryOf is History of a row that is, or was, of a register; nothing where it is of another one.
func (b *Book) HistoryOf(ctx context.Context, f facility.ID, kind, id string) (out []Change, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = history(ctx, tx, "AND kind = $3", id, kind)
		return err
	})
	return out, err
}

func history(ctx context.Context, tx *store.Tx, cond string, args ...any) (out []Change, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		c, err := scanChange(r)
		out = append(out, c)
		return err
	}, "SELECT at, actor_name, deed, field, before, after, reason FROM register_history WHERE facility_id = $1 AND row_id = $2 "+cond+" ORDER BY at DESC, id DESC LIMIT 1000", args...)
	return out, err
}

// Removed returns what was taken out of a register, the newest first.
func (b *Book) Removed(ctx context.Context, f facility.ID, kind string) (out []Change, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			c, err := scanChange(r)
			out = append(out, c)
			return err
		}, `SELECT at, actor_name, deed, field, before, after, reason FROM register_history WHERE facility_id = $1 AND kind = $2 AND deed = 'removed'
			ORDER BY at DESC, id DESC LIMIT 200`, kind)
	})
	return out, err
}

func scanChange(r *sql.Rows) (c Change, err error) {
	var at int64
	err = r.Scan(&at, &c.By, &c.Kind, &c.Field, &c.Before, &c.After, &c.Reason)
	c.At = store.Time(at)
	return c, err
}

func note(ctx context.Context, tx *store.Tx, row Row, at time.Time, c Change) error {
	a := actor.From(ctx)
	_, err := tx.Exec(ctx, `INSERT INTO register_history (facility_id, id, kind, row_id, at, actor_kind, actor_id, actor_name, deed, field, before, after, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		store.NewID(), row.Kind, row.ID, store.Micros(at), string(a.Kind), a.ID, a.Name, c.Kind, c.Field, c.Before, c.After, c.Reason)
	return err
}

// Attach ties a stored file to a row (Owner) and returns the attachment with its ID.
func (b *Book) Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error) {
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		row, err := get(ctx, tx, a.Owner)
		if err != nil {
			return err
		}
		if a, err = blob.Attach(ctx, tx, a, b.now()); err != nil {
			return err
		}
		return b.leave(ctx, tx, row, "attach", a, "", a.Name, i18n.Text{Ja: "ファイルを添えました", En: "Attached a file"})
	})
	return a, err
}

// Attachments returns the files of a row, the newest first.
func (b *Book) Attachments(ctx context.Context, f facility.ID, id string) (out []blob.Attachment, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if _, err := get(ctx, tx, id); err != nil {
			return err
		}
		out, err = blob.Attachments(ctx, tx, id)
		return err
	})
	return out, err
}

// Detach takes an attachment off its row. The history keeps the name; the bytes go with the nightly clean-up.
func (b *Book) Detach(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		a, err := blob.Attached(ctx, tx, id)
		if err != nil {
			return err
		}
		row, err := get(ctx, tx, a.Owner)
		if err != nil {
			return err
		}
		if err := blob.Detach(ctx, tx, a); err != nil {
			return err
		}
		return b.leave(ctx, tx, row, "detach", a, a.Name, "", i18n.Text{Ja: "添付を外しました", En: "Took an attachment off"})
	})
}

// leave writes into the history and the trail what a person did with an attachment.
func (b *Book) leave(ctx context.Context, tx *store.Tx, row Row, deed string, a blob.Attachment, before, after string, says i18n.Text) error {
	err := note(ctx, tx, row, b.now(), Change{Kind: "edited", Field: "attachment", Before: before, After: after})
	if err != nil || actor.From(ctx).Kind == actor.System {
		return err
	}
	_, err = trail.Append(ctx, tx, trail.Entry{At: b.now(), Action: "register." + deed, Subject: trail.Subject{Kind: "register", ID: row.ID}, Summary: says,
		Detail: map[string]string{"attachment": a.ID, "name": a.Name}})
	return err
}
