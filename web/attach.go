package web

import (
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/web/page"
)

// upload gives the part of a form that is a file; nothing of it is kept in memory or in a temporary file. All other fields of such forms
// stand in the address.
func (v *visit) upload(field string) (*multipart.Part, error) {
	none := fault.New(fault.Invalid, "ファイルを選んでください。", "Choose a file.")
	parts, err := v.r.MultipartReader()
	if err != nil {
		return nil, none
	}
	for range 20 {
		p, err := parts.NextPart()
		if err != nil {
			return nil, errors.Join(none, err)
		}
		if p.FormName() == field {
			if p.FileName() == "" {
				return nil, none
			}
			return p, nil
		}
	}
	return nil, none
}

// keepFile stores an uploaded file.
func (v *visit) keepFile(p *multipart.Part) (blob.File, error) {
	file, err := blob.Put(v.ctx, v.s.DB, v.facility, p.FileName(), p)
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return file, fault.Newf(fault.TooLarge, "ファイルは%d MBまでです。", "A file has at most %d MB.", maxFile>>20)
	}
	if err == nil && file.Size == 0 {
		return file, errors.Join(fault.New(fault.Invalid, "ファイルが空です。", "The file is empty."), v.dropFile(file.ID))
	}
	return file, err
}

func (v *visit) dropFile(id string) error { return blob.Remove(v.ctx, v.s.DB, v.facility, id) }

// shelf keeps the files of records; the ledger does for devices and systems, the suppliers' book for vendors, a folder for an answer.
type shelf interface {
	Attach(ctx context.Context, f facility.ID, a blob.Attachment) (blob.Attachment, error)
	Attachments(ctx context.Context, f facility.ID, owner string) ([]blob.Attachment, error)
	Detach(ctx context.Context, f facility.ID, id string) error
}

// holder is the record that an address names, and where its files lie.
type holder struct {
	shelf
	id    string
	path  func(id, what string) string
	edits bool // whether this person may add and remove files
}

func (v *visit) deviceHolder() (holder, error) {
	d, _, err := v.oneDevice()
	if err != nil {
		return holder{}, err
	}
	return holder{v.s.Ledger, string(d.ID), func(id, what string) string { return page.DevicePath(netid.DeviceID(id), what) }, v.actor.Role.May(actor.EditLedger)}, nil
}

func (v *visit) systemHolder() (holder, error) {
	s, err := v.oneSystem()
	if err != nil {
		return holder{}, err
	}
	return holder{v.s.Ledger, s.ID, page.SystemPath, v.actor.Role.May(actor.EditLedger)}, nil
}

func (v *visit) vendorHolder() (holder, error) {
	s, err := v.oneVendor()
	if err != nil {
		return holder{}, err
	}
	return holder{v.s.Suppliers, s.ID, page.VendorPath, v.actor.Role.May(actor.EditLedger)}, nil
}

// files lists the attachments of a record for its page.
func (v *visit) files(h holder, err error) (page.Files, error) {
	if err != nil {
		return page.Files{}, err
	}
	list, err := h.Attachments(v.ctx, v.facility, h.id)
	if err != nil {
		return page.Files{}, err
	}
	var out page.Files
	if h.edits {
		out.Add = h.path(h.id, "attachments")
	}
	for _, a := range list {
		row := page.Attachment{ID: a.ID, Name: a.Name, Bytes: a.Size, By: a.By, At: a.At, URL: h.path(h.id, "attachments/"+a.ID)}
		if h.edits {
			row.Remove = h.path(h.id, "attachments/"+a.ID+"/remove")
		}
		out.List = append(out.List, row)
	}
	return out, nil
}

// attach puts a file beside the record that of finds.
func attach(of func(*visit) (holder, error)) func(*visit) error {
	return func(v *visit) error {
		h, err := of(v)
		if err != nil {
			return err
		}
		p, err := v.upload("file")
		if err != nil {
			return err
		}
		file, err := v.keepFile(p)
		if err != nil {
			return err
		}
		if _, err := h.Attach(v.ctx, v.facility, blob.Attachment{Owner: h.id, File: file.ID, Name: file.Name}); err != nil {
			return errors.Join(err, v.dropFile(file.ID))
		}
		v.said("「%s」を添えました。", "Attached “%s”.", file.Name)
		v.redirect(h.path(h.id, "") + "#files")
		return nil
	}
}

// attached returns the attachment that the address names, if it belongs to the record.
func (v *visit) attached(h holder) (blob.Attachment, error) {
	list, err := h.Attachments(v.ctx, v.facility, h.id)
	if err != nil {
		return blob.Attachment{}, err
	}
	for _, a := range list {
		if a.ID == v.r.PathValue("file") {
			return a, nil
		}
	}
	return blob.Attachment{}, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
}

// attachment sends one file of a record.
func attachment(of func(*visit) (holder, error)) func(*visit) error {
	return func(v *visit) error {
		h, err := of(v)
		if err != nil {
			return err
		}
		a, err := v.attached(h)
		if err != nil {
			return err
		}
		return v.sendFile(a.File)
	}
}

// detach takes one file off a record.
func detach(of func(*visit) (holder, error)) func(*visit) error {
	return func(v *visit) error {
		h, err := of(v)
		if err != nil {
			return err
		}
		a, err := v.attached(h)
		if err != nil {
			return err
		}
		if err := h.Detach(v.ctx, v.facility, a.ID); err != nil {
			return err
		}
		v.note(v.dropFile(a.File), "a detached file")
		v.said("「%s」を外しました。", "Removed “%s”.", a.Name)
		v.redirect(h.path(h.id, "") + "#files")
		return nil
	}
}

// sendFile sends a stored file, to be saved and never shown inside the console.
func (v *visit) sendFile(id string) error {
	r, err := blob.Open(v.ctx, v.s.DB, v.facility, id)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", r.MediaType)
	h.Set("Content-Disposition", download(r.Name))
	h.Set("Cache-Control", "no-store")
	http.ServeContent(v.w, v.r, "", time.Time{}, r)
	return nil
}
