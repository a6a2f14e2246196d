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

// Attach ties a stored file to an answer. The file's name and size were judged when its bytes came in; what a browser might run is only ever downloaded.
func (b *Book) Attach(ctx context.Context, f facility.ID, catalogueID, subject, itemID string, a blob.Attachment) (blob.Attachment, error) {
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		k, err := claimOf(ctx, tx, catalogueID, subject, itemID)
		if err != nil {
			return err
		}
		if k.revision == 0 {
			return fault.New(fault.Conflict, "先にこの項目に答えてから、ファイルを添えてください。", "Answer this item first, then attach files.")
		}
		a.Owner = fileOwner(catalogueID, subject, itemID)
		if a, err = blob.Attach(ctx, tx, a, b.Now()); err != nil {
			return err
		}
		return b.filed(ctx, tx, "assess.attach", itemID, a, i18n.Text{Ja: "答えにファイルを添えました", En: "Attached a file to an answer"})
	})
	return a, err
}

// Detach takes a file off an answer.
func (b *Book) Detach(ctx context.Context, f facility.ID, catalogueID, subject, itemID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		a, err := blob.Attached(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Owner != fileOwner(catalogueID, subject, itemID) {
			return fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
		}
		if err := blob.Detach(ctx, tx, a); err != nil {
			return err
		}
		return b.filed(ctx, tx, "assess.detach", itemID, a, i18n.Text{Ja: "答えの添付を外しました", En: "Took a file off an answer"})
	})
}

func (b *Book) filed(ctx context.Context, tx *store.Tx, action, item string, a blob.Attachment, says i18n.Text) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.Now(), Action: action, Subject: trail.Subject{Kind: "item", ID: item}, Summary: says, Detail: map[string]string{"attachment": a.ID, "name": a.Name}})
	return err
}
