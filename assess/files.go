package assess

import (
	"context"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

// Folder is where the files of one answer lie.
type Folder struct {
	b                        *Book
	catalogue, subject, item string
}

// Folder returns the folder of an item of a form; subject is "" or the id of a system. That there is such an item is the caller's to know.
func (b *Book) Folder(catalogueID, subject, itemID string) Folder {
	return Folder{b, catalogueID, subject, itemID}
}

func (d Folder) owner() string { return fileOwner(d.catalogue, d.subject, d.item) }

// Attach ties a stored file to the answer. The file's name and size were judged when its bytes came in; what a browser might run is only ever
// downloaded.
func (d Folder) Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error) {
	err := d.b.db.Write(ctx, f, func(tx *store.Tx) error {
		k, err := claimOf(ctx, tx, d.catalogue, d.subject, d.item)
		if err != nil {
			return err
		}
		if k.revision == 0 {
			return fault.New(fault.Conflict, "先にこの項目に答えてから、ファイルを添えてください。", "Answer this item first, then attach files.")
		}
		a.Owner = d.owner()
		if a, err = blob.Attach(ctx, tx, a, d.b.Now()); err != nil {
			return err
		}
		return d.leave(ctx, tx, "assess.attach", a, i18n.Text{Ja: "答えにファイルを添えました", En: "Attached a file to an answer"})
	})
	return a, err
}

// Attachments returns the files of the answer, the newest first.
func (d Folder) Attachments(ctx context.Context, f facility.ID, _ string) (out []blob.Attachment, err error) {
	err = d.b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = blob.Attachments(ctx, tx, d.owner())
		return err
	})
	return out, err
}

// Detach takes a file off the answer. The trail keeps its name; the bytes go with the nightly clean-up.
func (d Folder) Detach(ctx context.Context, f facility.ID, id string) error {
	return d.b.db.Write(ctx, f, func(tx *store.Tx) error {
		a, err := blob.Attached(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Owner != d.owner() {
			return fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
		}
		if err := blob.Detach(ctx, tx, a); err != nil {
			return err
		}
		return d.leave(ctx, tx, "assess.detach", a, i18n.Text{Ja: "答えの添付を外しました", En: "Took a file off an answer"})
	})
}

func (d Folder) leave(ctx context.Context, tx *store.Tx, action string, a blob.Attachment, says i18n.Text) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: d.b.Now(), Action: action, Subject: trail.Subject{Kind: "item", ID: d.item}, Summary: says,
		Detail: map[string]string{"catalogue": d.catalogue, "subject": d.subject, "attachment": a.ID, "name": a.Name}})
	return err
}
