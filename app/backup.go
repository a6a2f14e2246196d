package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/trail"
)

// wrappedKey is the sealing key's name in a backup.
const wrappedKey = "key.pem"

// Backup writes everything into one file while others go on working. With a passphrase the sealing key is in it too, wrapped; without, the
// key file must be kept elsewhere. backupURL is PostgreSQL as the backup role.
func (h *House) Backup(ctx context.Context, file, backupURL, passphrase string) (store.Manifest, error) {
	o := store.BackupOptions{URL: backupURL, Now: h.Now}
	if passphrase != "" {
		text, err := h.Box.Wrap([]byte(passphrase), seal.WrapCost())
		if err != nil {
			return store.Manifest{}, err
		}
		o.Extra = map[string]func() (io.ReadCloser, error){wrappedKey: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
	}
	m, err := h.DB.Backup(ctx, file, o)
	if err != nil {
		return m, err
	}
	return m, h.noteAll(context.WithoutCancel(ctx), "backup.make", i18n.Text{Ja: "バックアップを取りました", En: "Made a backup"})
}

// Restore puts a backup into an empty place: the key first in memory, then the data, and the key file once the data is there. What was under
// way goes on when the server starts.
func Restore(ctx context.Context, c Config, file, passphrase string) (store.Manifest, error) {
	c = c.withDefaults()
	m, err := store.Verify(file)
	if err != nil {
		return m, err
	}
	_, statErr := os.Lstat(c.KeyFile)
	hasKey := statErr == nil
	inside := false
	for _, x := range m.Contents {
		inside = inside || x.Name == "extra/"+wrappedKey
	}
	switch {
	case passphrase == "" && !hasKey && inside:
		return m, fault.New(fault.Invalid, "このバックアップには鍵が入っています。合言葉を --passphrase-stdin で渡すか、保管していた鍵を --key-file で指定してください。",
			"The key is in this backup: pass the passphrase with --passphrase-stdin, or name the key that you kept with --key-file.")
	case !hasKey && !inside:
		return m, fault.New(fault.Invalid, "このバックアップには鍵が入っていません。保管していた鍵のファイルを "+c.KeyFile+" に置くか、--key-file で指定してください。",
			"The key is not in this backup. Put the key file that you kept at "+c.KeyFile+", or name it with --key-file.")
	case passphrase != "" && inside && hasKey:
		return m, fault.New(fault.Conflict, "鍵ファイル "+c.KeyFile+" がもうあります。上書きはしません。空の場所を --data で指定してください。",
			"The key file "+c.KeyFile+" exists already and is not overwritten. Name an empty place with --data.")
	}
	k := &keyTaker{passphrase: passphrase}
	o := store.RestoreOptions{Options: store.Options{Dir: c.Data, URL: c.Database, OwnerURL: c.DatabaseOwner}}
	if !hasKey {
		o.Extra = k.open
	}
	if m, err = store.Restore(ctx, file, o); err != nil {
		return m, err
	}
	ctx = context.WithoutCancel(ctx) // the data is in its place and wants its key
	if k.box != nil {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return m, fmt.Errorf("make %s: %w", c.Data, err)
		}
		if err := k.box.Save(c.KeyFile); err != nil {
			return m, err
		}
	}
	return m, afterRestore(ctx, c)
}

// afterRestore opens the house once: the key must fit, and what was under way gets its place in the queue again.
func afterRestore(ctx context.Context, c Config) error {
	h, err := Open(ctx, c)
	if err != nil {
		return err
	}
	all, err := h.Account.Facilities(ctx)
	for _, f := range all {
		if _, e := h.Jobs.Adopt(ctx, f.ID); e != nil {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, h.noteAll(ctx, "backup.restore", i18n.Text{Ja: "バックアップから戻しました", En: "Restored from a backup"}), h.Close())
}

// keyTaker unwraps the key when the backup brings it; a wrong passphrase ends the restore before anything is in place.
type keyTaker struct {
	bytes.Buffer
	passphrase string
	box        *seal.Box
}

const maxWrappedKey = 64 << 10

func (k *keyTaker) open(name string) (io.WriteCloser, error) {
	if name != wrappedKey {
		return discard{}, nil // a file of a newer version that this one has no use for
	}
	return k, nil
}

func (k *keyTaker) Write(p []byte) (int, error) {
	if k.Len()+len(p) > maxWrappedKey {
		return 0, errors.New("the wrapped key is too long")
	}
	return k.Buffer.Write(p)
}

func (k *keyTaker) Close() (err error) {
	k.box, err = seal.Unwrap(k.Bytes(), []byte(k.passphrase))
	return err
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// Note puts what a command did into a facility's trail.
func (h *House) Note(ctx context.Context, f facility.ID, action, kind, id string, says i18n.Text) error {
	return h.DB.Write(ctx, f, func(tx *store.Tx) error {
		_, err := trail.Append(ctx, tx, trail.Entry{At: h.Now(), Actor: actor.From(ctx), Action: action, Subject: trail.Subject{Kind: kind, ID: id}, Summary: says})
		return err
	})
}

func (h *House) noteAll(ctx context.Context, action string, says i18n.Text) error {
	all, err := h.Account.Facilities(ctx)
	for _, f := range all {
		err = errors.Join(err, h.Note(ctx, f.ID, action, "installation", "", says))
	}
	return err
}
