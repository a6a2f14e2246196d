package supplier

import (
	"context"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

// Attach ties a stored file to a vendor (Owner) and returns the attachment with its ID.
func (b *Book) Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error) {
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := get(ctx, tx, a.Owner); err != nil {
			return err
		}
		var err error
		if a, err = blob.Attach(ctx, tx, a, b.now()); err != nil {
			return err
		}
		return b.leave(ctx, tx, "attach", a, "", a.Name, i18n.Text{Ja: "ファイルを添えました", En: "Attached a file"})
	})
	return a, err
}

// Attachments returns the files of a vendor, the newest first.
func (b *Book) Attachments(ctx context.Context, f facility.ID, vendor string) (out []blob.Attachment, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if _, err := get(ctx, tx, vendor); err != nil {
			return err
		}
		out, err = blob.Attachments(ctx, tx, vendor)
		return err
	})
	return out, err
}

// Detach takes an attachment off its vendor. The history keeps the name; the bytes go with the nightly clean-up.
func (b *Book) Detach(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		a, err := blob.Attached(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := get(ctx, tx, a.Owner); err != nil {
			return err
		}
		if err := blob.Detach(ctx, tx, a); err != nil {
			return err
		}
		return b.leave(ctx, tx, "detach", a, a.Name, "", i18n.Text{Ja: "添付を外しました", En: "Took an attachment off"})
	})
}

// leave writes into the history and the trail what a person did with an attachment.
func (b *Book) leave(ctx context.Context, tx *store.Tx, deed string, a blob.Attachment, before, after string, says i18n.Text) error {
	if err := note(ctx, tx, a.Owner, b.now(), "edited", "attachment", before, after); err != nil || actor.From(ctx).Kind == actor.System {
		return err
	}
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.now(), Action: "vendor." + deed, Subject: trail.Subject{Kind: "vendor", ID: a.Owner}, Summary: says,
		Detail: map[string]string{"attachment": a.ID, "name": a.Name}})
	return err
}
