package register

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/paper"
)

// stagePrefix begins the names of uploaded sheets while somebody looks at them, so that no other file can be read as one.
const stagePrefix = "register-sheet "

// Stage keeps a sheet (xlsx, CSV) until Staged was looked at and Take took it, and returns its id. A file that cannot be read at all is not kept.
func (b *Book) Stage(ctx context.Context, f facility.ID, k Kind, name string, r io.Reader) (string, error) {
	name = path.Base(strings.ReplaceAll(name, `\`, "/")) // a folder in it would hide the prefix
	file, err := blob.Put(ctx, b.db, f, stagePrefix+k.ID+" "+name, r)
	if err != nil {
		return "", err
	}
	if _, read, err := b.Staged(ctx, f, k, file.ID, nil, NewNames()); err != nil && len(read.Columns) == 0 {
		_ = b.Unstage(context.WithoutCancel(ctx), f, k, file.ID) // why it cannot be read is what the caller has to know
		return "", err
	}
	return file.ID, nil
}

// Staged reads a kept sheet against the rows of today and returns its file's name, too. See ReadBook for chosen.
func (b *Book) Staged(ctx context.Context, f facility.ID, k Kind, id string, chosen map[int]string, n Names) (name string, read Import, err error) {
	r, err := blob.Open(ctx, b.db, f, id)
	if err != nil {
		return "", read, gone(err)
	}
	name, ours := strings.CutPrefix(r.Name, stagePrefix+k.ID+" ")
	if !ours {
		return "", read, gone(nil)
	}
	content, err := io.ReadAll(io.LimitReader(r, blob.MaxSize+1))
	if err != nil {
		return name, read, err
	}
	book, err := paper.Open(bytes.NewReader(content), int64(len(content)), name)
	if err != nil {
		return name, read, err
	}
	have, err := b.Rows(ctx, f, k.ID)
	if err != nil {
		return name, read, err
	}
	read, err = k.ReadBook(book, chosen, n, have, b.Today())
	return name, read, err
}

// Unstage forgets a kept sheet.
func (b *Book) Unstage(ctx context.Context, f facility.ID, k Kind, id string) error {
	r, err := blob.Open(ctx, b.db, f, id)
	if err != nil {
		return gone(err)
	}
	if !strings.HasPrefix(r.Name, stagePrefix+k.ID+" ") {
		return gone(nil)
	}
	return blob.Remove(ctx, b.db, f, id)
}

func gone(err error) error {
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.Wrap(fault.NotFound, err, "この表はもうありません。もう一度読み込んでください。", "This sheet is gone. Read it again.")
}
