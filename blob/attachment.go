package blob

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/store"
)

// Attachment is a file that a person put beside a record: a contract, a manual, a photograph. The bytes are those of the File.
type Attachment struct {
	ID    string    `json:"id"`
	Owner string    `json:"owner"` // the record's id
	File  string    `json:"file"`  // the stored file's id
	Name  string    `json:"name"`  // of the file
	Note  string    `json:"note,omitempty"`
	Size  int64     `json:"size"` // bytes; 0 when the file is missing
	At    time.Time `json:"at"`
	By    string    `json:"by"`
}

const (
	maxAttachments = 200 // of one record
	maxNote        = 500 // characters
)

// Attach ties a stored file to a record. That the record exists, its history and the trail are the caller's.
func Attach(ctx context.Context, tx *store.Tx, a Attachment, now time.Time) (Attachment, error) {
	a.ID, a.At, a.By = store.NewID(), now.UTC().Truncate(time.Microsecond), actor.From(ctx).Name
	a.Name, a.Note = jp.Clean(a.Name), strings.TrimSpace(strings.ToValidUTF8(a.Note, ""))
	if runes := []rune(a.Note); len(runes) > maxNote {
		a.Note = string(runes[:maxNote])
	}
	if a.Name == "" || a.File == "" || a.Owner == "" {
		return a, fault.New(fault.Invalid, "添付するファイルを選んでください。", "Choose a file to attach.")
	}
	var have int64
	if err := tx.Row(ctx, "SELECT count(*) FROM blob_attachments WHERE facility_id = $1 AND owner_id = $2", a.Owner).Scan(&have); err != nil {
		return a, err
	}
	if have >= maxAttachments {
		return a, fault.Newf(fault.TooLarge, "添付は1件につき%d個までです。", "A record takes at most %d attachments.", maxAttachments)
	}
	_, err := tx.Exec(ctx, `INSERT INTO blob_attachments (facility_id, id, owner_id, file_id, name, note, at, actor_name)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, a.ID, a.Owner, a.File, a.Name, a.Note, store.Micros(a.At), a.By)
	return a, err
}

const attachmentColumns = `a.id, a.owner_id, a.file_id, a.name, a.note, a.at, a.actor_name, COALESCE((SELECT f.size FROM blob_files f WHERE f.facility_id = $1
	AND f.id = a.file_id), 0)`

func scanAttachment(r *sql.Rows) (a Attachment, err error) {
	var at int64
	err = r.Scan(&a.ID, &a.Owner, &a.File, &a.Name, &a.Note, &at, &a.By, &a.Size)
	a.At = store.Time(at)
	return a, err
}

// Below returns the files of all records whose ids begin with prefix, by id, the newest first.
func Below(ctx context.Context, tx *store.Tx, prefix string) (map[string][]Attachment, error) {
	out := map[string][]Attachment{}
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		a, err := scanAttachment(r)
		out[a.Owner] = append(out[a.Owner], a)
		return err
	}, "SELECT "+attachmentColumns+" FROM blob_attachments a WHERE a.facility_id = $1 AND substr(a.owner_id, 1, $3) = $2 ORDER BY a.at DESC, a.id DESC", prefix, utf8.RuneCountInString(prefix))
	return out, err
}

// Attachments returns the files of a record that is known under these ids (a device that was merged has several), the newest first.
func Attachments(ctx context.Context, tx *store.Tx, owners ...string) ([]Attachment, error) {
	var out []Attachment
	for _, owner := range owners {
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			a, err := scanAttachment(r)
			out = append(out, a)
			return err
		}, "SELECT "+attachmentColumns+" FROM blob_attachments a WHERE a.facility_id = $1 AND a.owner_id = $2 ORDER BY a.at DESC, a.id DESC", owner)
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b Attachment) int { return b.At.Compare(a.At) })
	return out, nil
}

// Attached returns one attachment.
func Attached(ctx context.Context, tx *store.Tx, id string) (Attachment, error) {
	a := Attachment{ID: id}
	var at int64
	err := tx.Row(ctx, "SELECT owner_id, file_id, name, note, at, actor_name FROM blob_attachments WHERE facility_id = $1 AND id = $2", id).
		Scan(&a.Owner, &a.File, &a.Name, &a.Note, &at, &a.By)
	a.At = store.Time(at)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
	}
	return a, err
}

// Detach takes an attachment off its record. The file itself goes with the next Sweep.
func Detach(ctx context.Context, tx *store.Tx, a Attachment) error {
	if _, err := tx.Exec(ctx, "DELETE FROM blob_attachments WHERE facility_id = $1 AND id = $2", a.ID); err != nil {
		return err
	}
	return discard(ctx, tx, a.File)
}

// DetachAll takes every attachment off a record that is being removed; the files go with the next Sweep.
func DetachAll(ctx context.Context, tx *store.Tx, owner string) error {
	list, err := Attachments(ctx, tx, owner)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := discard(ctx, tx, a.File); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM blob_attachments WHERE facility_id = $1 AND owner_id = $2", owner)
	return err
}

// discard marks a file as one that was never finished, long ago: nobody reads it any more, and Sweep deletes it in small steps.
func discard(ctx context.Context, tx *store.Tx, file string) error {
	_, err := tx.Exec(ctx, "UPDATE blob_files SET sha256 = '', created_at = 0 WHERE facility_id = $1 AND id = $2", file)
	return err
}
