package api

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
)

// Attachment is a file beside a device, a system or a supplier.
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

// shelf keeps the files of records; the ledger does for devices and systems, the suppliers' book for suppliers.
type shelf interface {
	Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error)
	Attachments(ctx context.Context, f facility.ID, owner string) ([]blob.Attachment, error)
	Detach(ctx context.Context, f facility.ID, id string) error
}

// holders are the kinds of records that take files: how the API calls one, where its files lie, and its id if there is such a record.
type holder struct {
	kind string // "device"; its address is /devices/{id}
	shelf
	find func(ctx context.Context, f facility.ID, id string) (string, error)
}

func (s *server) holders() []holder {
	return []holder{
		{"device", s.Ledger, func(ctx context.Context, f facility.ID, id string) (string, error) {
			d, err := s.Ledger.Get(ctx, f, netid.DeviceID(id))
			if err != nil {
				return "", err
			}
			return string(d.ID), nil
		}},
		{"system", s.Ledger, func(ctx context.Context, f facility.ID, id string) (string, error) {
			_, err := s.Ledger.System(ctx, f, id)
			return id, err
		}},
		{"supplier", s.Suppliers, func(ctx context.Context, f facility.ID, id string) (string, error) {
			_, err := s.Suppliers.Get(ctx, f, id)
			return id, err
		}},
	}
}

func (s *server) attachmentRoutes() []route {
	var out []route
	for _, h := range s.holders() {
		base := "/" + h.kind + "s/{id}/attachments"
		out = append(out,
			route{"GET", base, actor.SeeLedger, "list-" + h.kind + "-attachments", "List the files of a " + h.kind + ", the newest first", "", list(s, h.list)},
			route{"POST", base, actor.EditLedger, "add-" + h.kind + "-attachment", "Put a file beside a " + h.kind,
				"multipart/form-data with the field file, at most 20 MB.", uploading("At most 20 MB.", one(s, func(ctx context.Context, f facility.ID, in *attach) (Attachment, error) {
					return s.attach(ctx, f, h, in)
				}))},
			route{"GET", base + "/{file}", actor.SeeLedger, "get-" + h.kind + "-attachment", "One file of a " + h.kind, "Always to be saved, never to be shown.", s.attachment(h)},
			route{"DELETE", base + "/{file}", actor.EditLedger, "remove-" + h.kind + "-attachment", "Take a file off a " + h.kind, "The history keeps its name.",
				done(s, func(ctx context.Context, f facility.ID, in *oneFile) error { return s.detach(ctx, f, h, in) })},
		)
	}
	return out
}

func (h holder) list(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[Attachment], error) {
	files, err := h.of(ctx, f, in.ID)
	items := make([]Attachment, len(files))
	for i := range files {
		items[i] = viewAttachment(&files[i])
	}
	return page(items, ""), err
}

func (h holder) of(ctx context.Context, f facility.ID, id string) ([]blob.Attachment, error) {
	id, err := h.find(ctx, f, id)
	if err != nil {
		return nil, err
	}
	return h.Attachments(ctx, f, id)
}

type attach struct {
	ByID
	Upload
}

func (s *server) attach(ctx context.Context, f facility.ID, h holder, in *attach) (Attachment, error) {
	owner, err := h.find(ctx, f, in.ID)
	if err != nil {
		return Attachment{}, err
	}
	part, err := in.part()
	if err != nil {
		return Attachment{}, err
	}
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
	a, err := h.Attach(ctx, f, blob.Attachment{Owner: owner, File: kept.ID, Name: kept.Name})
	if err != nil {
		return Attachment{}, drop(err)
	}
	a.Size = kept.Size
	return viewAttachment(&a), nil
}

type oneFile struct {
	ByID
	File string `path:"file" maxLength:"80" doc:"The attachment's id."`
}

// find returns an attachment, if it belongs to the record.
func (h holder) file(ctx context.Context, f facility.ID, in *oneFile) (blob.Attachment, error) {
	files, err := h.of(ctx, f, in.ID)
	if err != nil {
		return blob.Attachment{}, err
	}
	for _, a := range files {
		if a.ID == in.File {
			return a, nil
		}
	}
	return blob.Attachment{}, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
}

// attachment mounts the download of a file; like the console it never lets a browser show one.
func (s *server) attachment(h holder) mount {
	return func(a huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
		huma.Register(a, op, func(ctx context.Context, in *oneFile) (*file, error) {
			f := facilityOf(ctx)
			x, err := h.file(ctx, f, in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			r, err := blob.Open(ctx, s.DB, f, x.File)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &file{func(c huma.Context) {
				c.SetHeader("Content-Type", "application/octet-stream")
				c.SetHeader("Content-Disposition", r.Download())
				c.SetHeader("X-Content-Type-Options", "nosniff")
				_, err := io.Copy(c.BodyWriter(), r)
				s.written(ctx, err)
			}}, nil
		})
	}
}

func (s *server) detach(ctx context.Context, f facility.ID, h holder, in *oneFile) error {
	a, err := h.file(ctx, f, in)
	if err != nil {
		return err
	}
	return h.Detach(ctx, f, a.ID) // the bytes go with the nightly clean-up
}
