package ledger

import (
	"context"
	"database/sql"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
)

// Attachment is a file that belongs to a device or a system: a contract, a manual, a photograph. The bytes lie in package blob.
type Attachment struct {
	ID    string    `json:"id"`
	Entry string    `json:"entry"` // a device's or a system's id
	Blob  string    `json:"blob"`
	Name  string    `json:"name"` // of the file
	Note  string    `json:"note,omitempty"`
	At    time.Time `json:"at"`
	By    string    `json:"by"`
}

const maxAttachments = 200 // of one entry

// Attach ties a stored file to an entry and returns the attachment with its ID.
func (l *Ledger) Attach(ctx context.Context, f facility.ID, a Attachment) (Attachment, error) {
	a.ID, a.At, a.By = store.NewID(), l.now(), actor.From(ctx).Name
	a.Name, a.Note = cut(jp.Clean(a.Name), maxLine), cut(tidyLines(a.Note), maxText)
	if a.Name == "" || a.Blob == "" || a.Entry == "" {
		return a, fault.New(fault.Invalid, "添付するファイルを選んでください。", "Choose a file to attach.")
	}
	return a, l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		var entries, have int64
		err := tx.Row(ctx, `SELECT (SELECT count(*) FROM ledger_devices WHERE facility_id = $1 AND id = $2) + (SELECT count(*) FROM ledger_systems
			WHERE facility_id = $1 AND id = $2), (SELECT count(*) FROM ledger_attachments WHERE facility_id = $1 AND entry_id = $2)`, a.Entry).Scan(&entries, &have)
		if err != nil {
			return nil, err
		}
		if entries == 0 {
			return nil, notFound()
		}
		if have >= maxAttachments {
			return nil, fault.Newf(fault.TooLarge, "添付は1件につき%d個までです。", "An entry takes at most %d attachments.", maxAttachments)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ledger_attachments (facility_id, id, entry_id, blob_id, name, note, at, actor_name) VALUES "+values(1, 7),
			a.ID, a.Entry, a.Blob, a.Name, a.Note, store.Micros(a.At), a.By); err != nil {
			return nil, err
		}
		if err := l.record(ctx, tx, []Change{{Kind: Edited, Device: netid.DeviceID(a.Entry), At: a.At, Field: "attachment", After: a.Name}}); err != nil {
			return nil, err
		}
		return nil, l.leave(ctx, tx, "device.attach", a, t("ファイルを添えました", "Attached a file"))
	})
}

// Attachments returns the files of a device (with those of what was merged into it) or a system, the newest first.
func (l *Ledger) Attachments(ctx context.Context, f facility.ID, entry string) ([]Attachment, error) {
	var out []Attachment
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var a Attachment
			var at int64
			err := r.Scan(&a.ID, &a.Entry, &a.Blob, &a.Name, &a.Note, &at, &a.By)
			a.At = store.Time(at)
			out = append(out, a)
			return err
		}, `SELECT id, entry_id, blob_id, name, note, at, actor_name FROM ledger_attachments WHERE facility_id = $1 AND (entry_id = $2 OR entry_id IN
			(SELECT d.id FROM ledger_devices d WHERE d.facility_id = $1 AND d.root = $2)) ORDER BY at DESC, id DESC`, entry)
	})
	return out, err
}

// Detach takes an attachment off its entry and returns it, so that its file can be dropped. The history keeps the name.
func (l *Ledger) Detach(ctx context.Context, f facility.ID, id string) (Attachment, error) {
	a := Attachment{ID: id}
	err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		err := tx.Row(ctx, "DELETE FROM ledger_attachments WHERE facility_id = $1 AND id = $2 RETURNING entry_id, blob_id, name", id).Scan(&a.Entry, &a.Blob, &a.Name)
		if err == sql.ErrNoRows {
			return nil, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
		}
		if err != nil {
			return nil, err
		}
		if err := l.record(ctx, tx, []Change{{Kind: Edited, Device: netid.DeviceID(a.Entry), At: l.now(), Field: "attachment", Before: a.Name}}); err != nil {
			return nil, err
		}
		return nil, l.leave(ctx, tx, "device.detach", a, t("添付を外しました", "Took an attachment off"))
	})
	return a, err
}

// leave writes into the trail what a person did with an attachment.
func (l *Ledger) leave(ctx context.Context, tx *store.Tx, action string, a Attachment, says i18n.Text) error {
	if actor.From(ctx).Kind == actor.System {
		return nil
	}
	_, err := trail.Append(ctx, tx, trail.Entry{At: l.now(), Action: action, Subject: trail.Subject{Kind: "device", ID: a.Entry}, Summary: says,
		Detail: map[string]string{"attachment": a.ID, "name": a.Name}})
	return err
}

// Forget drops IPv6 addresses that no device used since before: privacy addresses change daily. A nightly task calls it.
func (l *Ledger) Forget(ctx context.Context, f facility.ID) (dropped int64, err error) {
	for {
		var n int64
		err := l.db.Write(ctx, f, func(tx *store.Tx) (err error) {
			if err := lock(ctx, tx); err != nil {
				return err
			}
			n, err = tx.Exec(ctx, `DELETE FROM ledger_addresses WHERE facility_id = $1 AND last_seen < $2 AND mac <> '' AND ip LIKE '%:%' AND ip IN
				(SELECT ip FROM ledger_addresses WHERE facility_id = $1 AND last_seen < $2 AND mac <> '' AND ip LIKE '%:%' LIMIT 500)`,
				store.Micros(l.now().Add(-oldIPv6)))
			return err
		})
		dropped += n
		if err != nil || n == 0 {
			return dropped, err
		}
	}
}
