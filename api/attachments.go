package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
)

// Attachment is a file beside a record: a device, a system, a supplier, an answer, a row of a register.
type Attachment struct {
	ID   string    `json:"id"`
	Name string    `json:"name" example:"保守契約書.pdf"`
	Size int64     `json:"size" doc:"Bytes."`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
}

func viewAttachment(a *blob.Attachment) Attachment {
	return Attachment{ID: a.ID, Name: a.Name, Size: a.Size, At: a.At, By: a.By}
}

func viewAttachments(files []blob.Attachment) []Attachment {
	items := make([]Attachment, len(files))
	for i := range files {
		items[i] = viewAttachment(&files[i])
	}
	return items
}

// shelf keeps the files of records; the ledger does for devices and systems, the suppliers' book for suppliers.
type shelf interface {
	Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error)
	Attachments(ctx context.Context, f facility.ID, owner string) ([]blob.Attachment, error)
	Detach(ctx context.Context, f facility.ID, id string) error
}

// holder is a record that takes files.
type holder struct {
	shelf
	owner string
}

// key is what an input of a kind of record has in common.
func (b ByID) key() ByID     { return b }
func (i OfItem) key() OfItem { return i }
func (r OneRow) key() OneRow { return r }

// InFile names an attachment.
type InFile struct {
	File string `path:"file" maxLength:"80" doc:"The attachment's id."`
}

func (i InFile) attachment() string { return i.File }

type (
	attach struct {
		ByID
		Upload
	}
	attachItem struct {
		OfItem
		Upload
	}
	attachRow struct {
		OneRow
		Upload
	}
	oneFile struct {
		ByID
		InFile
	}
	itemFile struct {
		OfItem
		InFile
	}
	rowFile struct {
		OneRow
		InFile
	}
)

func (s *server) attachmentRoutes() []route {
	see, edit := actor.SeeLedger, actor.EditLedger
	out := fileRoutes[ByID, listWholeOfOne, attach, oneFile](s, "/devices/{id}", "device", see, edit, func(ctx context.Context, f facility.ID, in ByID, _ bool) (holder, error) {
		d, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.ID))
		if err != nil {
			return holder{}, err
		}
		return holder{s.Ledger, string(d.ID)}, nil
	})
	out = append(out, fileRoutes[ByID, listWholeOfOne, attach, oneFile](s, "/systems/{id}", "system", see, edit, func(ctx context.Context, f facility.ID, in ByID, _ bool) (holder, error) {
		_, err := s.Ledger.System(ctx, f, in.ID)
		return holder{s.Ledger, in.ID}, err
	})...)
	out = append(out, fileRoutes[ByID, listWholeOfOne, attach, oneFile](s, "/suppliers/{id}", "supplier", see, edit, func(ctx context.Context, f facility.ID, in ByID, _ bool) (holder, error) {
		_, err := s.Suppliers.Get(ctx, f, in.ID)
		return holder{s.Suppliers, in.ID}, err
	})...)
	out = append(out, fileRoutes[OfItem, listOfItem, attachItem, itemFile](s, "/assessments/{id}/items/{item}", "assessment-item", actor.SeeAssess, actor.EditAssess, func(ctx context.Context, f facility.ID, in OfItem, _ bool) (holder, error) {
		_, err := s.item(ctx, f, &in)
		return holder{s.Assess.Folder(in.ID, in.Subject, in.Item), ""}, err
	})...)
	return append(out, fileRoutes[OneRow, listOfRow, attachRow, rowFile](s, rowsPath+"/{id}", "register-row", actor.SeeAssess, actor.KeepRegister, func(ctx context.Context, f facility.ID, in OneRow, write bool) (holder, error) {
		_, _, err := s.row(ctx, f, &in, write)
		return holder{s.Registers, in.ID}, err
	})...)
}

// fileRoutes are the routes of the files beside one kind of record: L, U and O are the inputs of the list, of an upload and of one file, K what
// names the record in each of them.
func fileRoutes[K, L, U, O any, PL interface {
	listed[L]
	key() K
}, PU interface {
	*U
	key() K
	part() (*multipart.Part, error)
}, PO interface {
	*O
	key() K
	attachment() string
}](s *server, base, kind string, see, edit actor.Permission, find func(ctx context.Context, f facility.ID, in K, write bool) (holder, error)) []route {
	base += "/attachments"
	one1 := func(ctx context.Context, f facility.ID, in *O, write bool) (holder, blob.Attachment, error) {
		h, err := find(ctx, f, PO(in).key(), write)
		if err != nil {
			return h, blob.Attachment{}, err
		}
		a, err := h.file(ctx, f, PO(in).attachment())
		return h, a, err
	}
	return []route{
		{"GET", base, see, "list-" + kind + "-attachments", "List the files of a " + kind + ", the newest first", "", list[L, Attachment, PL](s, func(ctx context.Context, f facility.ID, in *L) (Page[Attachment], error) {
			h, err := find(ctx, f, PL(in).key(), false)
			if err != nil {
				return Page[Attachment]{}, err
			}
			files, err := h.Attachments(ctx, f, h.owner)
			return page(viewAttachments(files), ""), err
		})},
		{"POST", base, edit, "add-" + kind + "-attachment", "Put a file beside a " + kind,
			"multipart/form-data with the field file, at most 20 MB.", uploading("At most 20 MB.", one(s, func(ctx context.Context, f facility.ID, in *U) (Attachment, error) {
				h, err := find(ctx, f, PU(in).key(), true)
				if err != nil {
					return Attachment{}, err
				}
				part, err := PU(in).part()
				if err != nil {
					return Attachment{}, err
				}
				return s.attach(ctx, f, h, part)
			}))},
		{"GET", base + "/{file}", see, "get-" + kind + "-attachment", "One file of a " + kind, "Always to be saved, never to be shown.", download(s, func(ctx context.Context, f facility.ID, in *O) (handed, error) {
			_, a, err := one1(ctx, f, in, false)
			if err != nil {
				return handed{}, err
			}
			return s.fileOf(ctx, f, a.File)
		}, octets)},
		{"DELETE", base + "/{file}", edit, "remove-" + kind + "-attachment", "Take a file off a " + kind, "The history or the trail keeps its name.",
			done(s, func(ctx context.Context, f facility.ID, in *O) error {
				h, a, err := one1(ctx, f, in, true)
				if err != nil {
					return err
				}
				return h.Detach(ctx, f, a.ID) // the bytes go with the nightly clean-up
			})},
	}
}

func (s *server) attach(ctx context.Context, f facility.ID, h holder, part *multipart.Part) (Attachment, error) {
	kept, err := blob.Put(ctx, s.DB, f, part.FileName(), part)
	if err != nil {
		return Attachment{}, err
	}
	drop := func(err error) error {
		return errors.Join(err, blob.Remove(context.WithoutCancel(ctx), s.DB, f, kept.ID))
	}
	if kept.Size == 0 {
		return Attachment{}, drop(fault.New(fault.Invalid, "ファイルが空です。", "The file is empty."))
	}
	a, err := h.Attach(ctx, f, blob.Attachment{Owner: h.owner, File: kept.ID, Name: kept.Name})
	if err != nil {
		return Attachment{}, drop(err)
	}
	a.Size = kept.Size
	return viewAttachment(&a), nil
}

// file returns an attachment, if it belongs to the record.
func (h holder) file(ctx context.Context, f facility.ID, id string) (blob.Attachment, error) {
	files, err := h.Attachments(ctx, f, h.owner)
	if err != nil {
		return blob.Attachment{}, err
	}
	for _, a := range files {
		if a.ID == id {
			return a, nil
		}
	}
	return blob.Attachment{}, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
}

const octets = "application/octet-stream"

// fileOf is a stored file to be downloaded; like the console it never lets a browser show one.
func (s *server) fileOf(ctx context.Context, f facility.ID, id string) (handed, error) {
	r, err := blob.Open(ctx, s.DB, f, id)
	if err != nil {
		return handed{}, err
	}
	return handStored(r), nil
}

func handStored(r *blob.Reader) handed {
	return handed{r.Name, octets, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	}}
}
