package ledger

import (
	"context"
	"database/sql"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
)

// Attach ties a stored file to a device or a system (Owner) and returns the attachment with its ID.
func (l *Ledger) Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error) {
	err := l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		kind, err := ownerKind(ctx, tx, a.Owner)
		if err != nil {
			return nil, err
		}
		if a, err = blob.Attach(ctx, tx, a, l.now()); err != nil {
			return nil, err
		}
		return nil, l.leave(ctx, tx, kind, "attach", a, Change{After: a.Name}, t("ファイルを添えました", "Attached a file"))
	})
	return a, err
}

// Attachments returns the files of a device (with those of what was merged into it) or a system, the newest first.
func (l *Ledger) Attachments(ctx context.Context, f facility.ID, owner string) (out []blob.Attachment, err error) {
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		owners := []string{}
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			owners = append(owners, id)
			return err
		}, `SELECT d.id FROM ledger_devices d WHERE d.facility_id = $1 AND (d.root = $2 OR d.id = $2) UNION
			SELECT s.id FROM ledger_systems s WHERE s.facility_id = $1 AND s.id = $2`, owner)
		if err != nil {
			return err
		}
		out, err = blob.Attachments(ctx, tx, owners...)
		return err
	})
	return out, err
}

// Detach takes an attachment off its device or system. The history keeps the name; the bytes go with the nightly clean-up.
func (l *Ledger) Detach(ctx context.Context, f facility.ID, id string) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		a, err := blob.Attached(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		kind, err := ownerKind(ctx, tx, a.Owner)
		if err != nil {
			return nil, err
		}
		if err := blob.Detach(ctx, tx, a); err != nil {
			return nil, err
		}
		return nil, l.leave(ctx, tx, kind, "detach", a, Change{Before: a.Name}, t("添付を外しました", "Took an attachment off"))
	})
}

// ownerKind says whether an id is a device's or a system's; NotFound when it is neither.
func ownerKind(ctx context.Context, tx *store.Tx, id string) (string, error) {
	var devices, systems int64
	err := tx.Row(ctx, `SELECT (SELECT count(*) FROM ledger_devices d WHERE d.facility_id = $1 AND d.id = $2),
		(SELECT count(*) FROM ledger_systems s WHERE s.facility_id = $1 AND s.id = $2)`, id).Scan(&devices, &systems)
	switch {
	case err != nil:
		return "", err
	case devices > 0:
		return "device", nil
	case systems > 0:
		return "system", nil
	}
	return "", fault.New(fault.NotFound, "この機器またはシステムは台帳にありません。", "There is no such device or system in the ledger.")
}

// leave writes into the history and the trail what a person did with an attachment.
func (l *Ledger) leave(ctx context.Context, tx *store.Tx, kind, deed string, a blob.Attachment, c Change, says i18n.Text) error {
	c.Kind, c.Device, c.At, c.Field = Edited, netid.DeviceID(a.Owner), l.now(), "attachment"
	if err := l.record(ctx, tx, []Change{c}); err != nil || actor.From(ctx).Kind == actor.System {
		return err
	}
	_, err := trail.Append(ctx, tx, trail.Entry{At: l.now(), Action: kind + "." + deed, Subject: trail.Subject{Kind: kind, ID: a.Owner}, Summary: says,
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
