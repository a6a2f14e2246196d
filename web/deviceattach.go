package web

import (
	"errors"
	"mime/multipart"
	"net/http"
	"time"

	"kenshin/blob"
	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/store"
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

func (v *visit) fileOf(id string) (file blob.File, err error) {
	err = v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) error {
		file, err = blob.Get(v.ctx, tx, id)
		return err
	})
	return file, err
}

// attach puts a file beside a device.
func (v *visit) attach() error {
	d, _, err := v.oneDevice()
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
	if _, err := v.s.Ledger.Attach(v.ctx, v.facility, ledger.Attachment{Entry: string(d.ID), Blob: file.ID, Name: file.Name}); err != nil {
		return errors.Join(err, v.dropFile(file.ID))
	}
	v.said("「%s」を添えました。", "Attached “%s”.", file.Name)
	v.redirect(page.DevicePath(d.ID, "") + "#files")
	return nil
}

// attachmentOf returns the attachment that the address names, if it belongs to the device.
func (v *visit) attachmentOf() (*ledger.Device, ledger.Attachment, error) {
	d, _, err := v.oneDevice()
	if err != nil {
		return nil, ledger.Attachment{}, err
	}
	list, err := v.s.Ledger.Attachments(v.ctx, v.facility, string(d.ID))
	if err != nil {
		return nil, ledger.Attachment{}, err
	}
	for _, a := range list {
		if a.ID == v.r.PathValue("file") {
			return d, a, nil
		}
	}
	return nil, ledger.Attachment{}, fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
}

func (v *visit) attachment() error {
	_, a, err := v.attachmentOf()
	if err != nil {
		return err
	}
	return v.sendFile(a.Blob)
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

func (v *visit) detach() error {
	d, a, err := v.attachmentOf()
	if err != nil {
		return err
	}
	if _, err := v.s.Ledger.Detach(v.ctx, v.facility, a.ID); err != nil {
		return err
	}
	v.note(v.dropFile(a.Blob), "a detached file")
	v.said("「%s」を外しました。", "Removed “%s”.", a.Name)
	v.redirect(page.DevicePath(d.ID, "") + "#files")
	return nil
}
