package inquiry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// Form is what an addressee sees behind a link that opens.
type Form struct {
	Door
	Catalogue catalogue.Catalogue
	Items     []catalogue.Item
	Sheet     Sheet
	Files     []blob.Attachment
	Others    []Copyable // the vendor's other systems whose answers may be copied
	SameSeat  bool       // whether this browser saved it last
}

// Copyable is an answered form of the same vendor for another system.
type Copyable struct{ ID, System string }

const (
	maxFiles  = 10
	maxSheets = 2000 // of one department
)

// shut says why a link does not open, as an error.
func (d Door) shut() error {
	switch d.Gate {
	case Opens:
		return nil
	case NoSuch:
		return fault.New(fault.NotFound, "このリンクは正しくありません。", "This link is not right.")
	case Done:
		return fault.New(fault.Conflict, "このフォームは、すでに回答が届いています。", "This form was answered already.")
	case RunOut:
		return fault.New(fault.Denied, "このリンクの期限が過ぎました。病院に、新しいリンクを頼んでください。", "This link has run out. Ask the hospital for a new one.")
	case Declined:
		return fault.New(fault.Conflict, "このフォームは、回答を断ると伝えられています。", "This form was declined.")
	case Closed:
		return fault.New(fault.Conflict, "この調査は終わりました。", "This survey is over.")
	case Ended:
	}
	return fault.New(fault.Denied, "このリンクは、病院が取り消しました。", "The hospital has revoked this link.")
}

// Begin makes a fresh sheet of a survey and returns its id, which only that browser knows.
func (b *Book) Begin(ctx context.Context, token string) (id string, err error) {
	d, err := b.Open(ctx, token)
	if err == nil {
		err = d.shut()
	}
	if err != nil || d.Inquiry.Kind != Survey {
		return mainSheet, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return hex.EncodeToString(random[:]), nil
}

// sheetID refuses what is no sheet of an inquiry.
func sheetID(i Inquiry, id string) error {
	if i.Kind != Survey && id == mainSheet {
		return nil
	}
	if raw, err := hex.DecodeString(id); i.Kind == Survey && err == nil && len(raw) == 16 {
		return nil
	}
	return fault.New(fault.NotFound, "このリンクは正しくありません。", "This link is not right.")
}

// Form returns the form behind a link. Where the link does not open only the Door is filled. seat names the browser.
func (b *Book) Form(ctx context.Context, token, id, seat string) (v Form, err error) {
	if v.Door, err = b.Open(ctx, token); err != nil || v.Gate != Opens {
		return v, err
	}
	if err := sheetID(v.Inquiry, id); err != nil {
		return v, err
	}
	if v.Catalogue, v.Items, err = b.Items(ctx, v.Inquiry); err != nil {
		return v, err
	}
	err = b.db.Read(ctx, v.House, func(tx *store.Tx) error {
		if v.Sheet, err = sheet(ctx, tx, v.Inquiry.ID, id); err != nil {
			return err
		}
		if v.Inquiry.Kind == Survey {
			return nil
		}
		if v.Files, err = blob.Attachments(ctx, tx, owner(v.Inquiry.ID)); err != nil || v.Inquiry.Kind != Vendor || len(v.Sheet.Answers) > 0 {
			return err
		}
		others, _, err := list(ctx, tx, Filter{Kind: Vendor, Vendor: v.Inquiry.Vendor, Catalogue: v.Inquiry.Catalogue})
		for _, o := range others {
			if o.ID != v.Inquiry.ID && (o.State == Answered || o.State == Taken) {
				v.Others = append(v.Others, Copyable{o.ID, o.SubjectName})
			}
		}
		return err
	})
	v.SameSeat = v.Sheet.Seat == "" || v.Sheet.Seat == hashOf(seat)
	if v.Sheet.State == Sent {
		v.Gate = Done
	}
	return v, err
}

// Saving is what a browser sends.
type Saving struct {
	Sheet    string
	Revision int64 // of the sheet that the browser had
	Seat     string
	Filling
	Submit    bool
	Confirmed bool // that what was copied from another system holds here, too
}

// Save keeps a draft, or sends the answers in. A draft that another browser saved meanwhile is Conflict: nothing is overwritten, the caller shows both.
func (b *Book) Save(ctx context.Context, token string, in Saving) (out Sheet, err error) {
	d, err := b.Open(ctx, token)
	if err == nil {
		err = d.shut()
	}
	if err == nil {
		err = sheetID(d.Inquiry, in.Sheet)
	}
	if err != nil {
		return out, err
	}
	now, _, err := b.local(ctx, d.House)
	if err != nil {
		return out, err
	}
	c, items, err := b.Items(ctx, d.Inquiry)
	if err != nil {
		return out, err
	}
	if err := in.tidy(c, items, now); err != nil {
		return out, err
	}
	if d.Inquiry.Kind == Survey && !d.Inquiry.Named {
		in.By, in.Company = "", ""
	}
	if in.Submit {
		if err := in.lacking(d.Inquiry.Kind, d.Inquiry.Named, items, now); err != nil {
			return out, err
		}
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "inquiry", Name: "回答フォーム"})
	err = b.db.Write(ctx, d.House, func(tx *store.Tx) error {
		out, err = b.save(ctx, tx, token, in, now)
		return err
	})
	return out, err
}

func (b *Book) save(ctx context.Context, tx *store.Tx, token string, in Saving, now time.Time) (s Sheet, err error) {
	gate, i, err := b.gate(ctx, tx, token)
	if err == nil {
		err = Door{Gate: gate}.shut()
	}
	if err != nil {
		return s, err
	}
	if s, err = sheet(ctx, tx, i.ID, in.Sheet); err != nil {
		return s, err
	}
	switch {
	case s.State == Sent:
		return s, Door{Gate: Done}.shut()
	case s.Revision != in.Revision:
		return s, fault.New(fault.Conflict, "開いている間に、別のブラウザーから保存されました。どちらの内容も残っています。下の一覧で違いを確かめて、もう一度保存してください。",
			"Another browser saved meanwhile. Both are kept: look at the differences below and save again.")
	case s.Revision == 0 && i.Kind == Survey:
		var n int
		if err := tx.Row(ctx, "SELECT count(*) FROM inquiry_sheets WHERE facility_id = $1 AND inquiry_id = $2", i.ID).Scan(&n); err != nil || n >= maxSheets {
			return s, errors.Join(err, fault.Newf(fault.TooLarge, "回答は%d件までです。", "At most %d answers.", maxSheets))
		}
	}
	if err := in.copied(s.Answers); err != nil {
		return s, err
	}
	s.Filling = in.Filling
	s.Seat = hashOf(in.Seat)
	if in.Submit {
		s.State = Sent
	}
	at := b.stamp()
	nameless := i.Kind == Survey && !i.Named
	if nameless { // the day only, so that nobody can be told by the minute
		s.Seat = ""
		at = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location()).UTC()
	}
	if err := s.put(ctx, tx, at); err != nil {
		return s, err
	}
	if i.Kind == Survey {
		return s, nil
	}
	return s, b.saved(ctx, tx, i, s, in.Submit)
}

// copied carries the marks of answers that came from another system and were not touched. To be sent in they have to be confirmed.
func (in *Saving) copied(before map[string]Answer) error {
	left := 0
	for id, a := range in.Answers {
		old := before[id]
		if old.Copied == "" || old.Reply != a.Reply || old.Value != a.Value || old.Note != a.Note || old.Target != a.Target || !slices.Equal(old.Many, a.Many) || in.Submit && in.Confirmed {
			continue
		}
		a.Copied = old.Copied
		in.Answers[id] = a
		left++
	}
	if in.Submit && left > 0 {
		return fault.Newf(fault.Invalid, "別のシステムから写した答えが%d項目あります。このシステムでも同じか確かめて、下の印を付けてください。",
			"%d answers were copied from another system. Check that they hold here, and tick the box.", left)
	}
	return nil
}

// saved keeps the history of a form, and moves it on where it was sent in.
func (b *Book) saved(ctx context.Context, tx *store.Tx, i Inquiry, s Sheet, submit bool) error {
	what, who := "saved", s.Company+" "+s.By
	if i.Opened.IsZero() {
		i.Opened = b.stamp()
	}
	if submit {
		what, i.State, i.Answered, i.Reason = "answered", Answered, b.stamp(), ""
	}
	if err := i.put(ctx, tx); err != nil {
		return err
	}
	if err := b.note(ctx, tx, i.ID, what, who, s.Note, s.Answers); err != nil || !submit {
		return err
	}
	if i.Kind == Question && b.Replies != nil && i.Subject != i.ID {
		a := s.Answers[i.Item]
		text := a.Reply.Label().Ja
		if a.Note != "" {
			text += "。" + a.Note
		}
		if s.Note != "" {
			text += "\n" + s.Note
		}
		if err := b.Replies(store.Within(ctx, tx), tx.Facility(), i.Subject, text, i.VendorName+" "+s.By); err != nil {
			return err
		}
	}
	return b.trail(ctx, tx, "inquiry.answered", i.ID, i18n.Text{Ja: "回答が届きました（" + i.VendorName + " " + s.By + "・" + i.SubjectName + "）", En: "An answer came in (" + i.VendorName + ", " + i.SubjectName + ")"})
}

// Decline is the addressee's own refusal.
func (b *Book) Decline(ctx context.Context, token, reason, by string) error {
	d, err := b.Open(ctx, token)
	if err == nil {
		err = d.shut()
	}
	if err != nil {
		return err
	}
	if d.Inquiry.Kind == Survey {
		return fault.New(fault.Invalid, "この調査は、断る手続きは要りません。", "No refusal is needed for a survey.")
	}
	if by = words(by); by == "" || len([]rune(by)) > maxName {
		return fault.New(fault.Invalid, "お名前を入れてください。", "Enter your name.")
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "inquiry", Name: d.Inquiry.VendorName + " " + by})
	return b.move(ctx, d.House, d.Inquiry.ID, func(ctx context.Context, tx *store.Tx, i *Inquiry) (string, i18n.Text, error) {
		return "refused", i18n.Text{Ja: "業者が回答を断りました", En: "A vendor refused"}, b.refused(ctx, tx, i, reason)
	})
}

// CopyFrom fills an untouched form with what the same vendor answered for another system. Each answer is marked until the vendor touched it or sends it in,
// and has no day: whoever sends it in confirms it anew.
func (b *Book) CopyFrom(ctx context.Context, token, from, seat string) error {
	d, err := b.Open(ctx, token)
	if err == nil {
		err = d.shut()
	}
	if err != nil {
		return err
	}
	return b.db.Write(ctx, d.House, func(tx *store.Tx) error {
		o, err := get(ctx, tx, from)
		i := d.Inquiry
		if err != nil || o.Vendor != i.Vendor || o.Catalogue != i.Catalogue || o.Kind != Vendor || i.Kind != Vendor || o.State != Answered && o.State != Taken {
			return errors.Join(err, fault.New(fault.NotFound, "写す元の回答がありません。", "There is no such answer to copy."))
		}
		source, err := sheet(ctx, tx, o.ID, mainSheet)
		if err != nil {
			return err
		}
		s, err := sheet(ctx, tx, i.ID, mainSheet)
		if err != nil {
			return err
		}
		if s.State == Sent || len(s.Answers) > 0 {
			return fault.New(fault.Conflict, "もう書き始めているので、写しませんでした。", "Not copied: the form was begun already.")
		}
		s.Filling = Filling{Answers: map[string]Answer{}, By: source.By, Company: source.Company, Seat: hashOf(seat)}
		for id, a := range source.Answers {
			a.On, a.Copied = "", o.SubjectName
			s.Answers[id] = a
		}
		if err := s.put(ctx, tx, b.stamp()); err != nil {
			return err
		}
		return b.note(ctx, tx, i.ID, "saved", source.Company+" "+source.By, "「"+o.SubjectName+"」の回答を写した", s.Answers)
	})
}

// Attach keeps a file that an addressee sends along. name is as the browser sent it.
func (b *Book) Attach(ctx context.Context, token, name string, r io.Reader) error {
	d, err := b.Open(ctx, token)
	if err == nil {
		err = d.shut()
	}
	if err != nil {
		return err
	}
	if d.Inquiry.Kind == Survey {
		return fault.New(fault.Invalid, "この調査にファイルは付けられません。", "No file can be attached to this survey.")
	}
	if err := fileName(name); err != nil {
		return err
	}
	have, err := b.Files(ctx, d.House, d.Inquiry.ID)
	if err != nil {
		return err
	}
	if len(have) >= maxFiles {
		return fault.Newf(fault.TooLarge, "添付は%d個までです。", "At most %d files.", maxFiles)
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "inquiry", Name: d.Inquiry.VendorName})
	checked, err := content(name, r)
	if err != nil {
		return err
	}
	file, err := blob.Put(ctx, b.db, d.House, name, checked)
	if err != nil {
		return err
	}
	if file.Size == 0 {
		return errors.Join(fault.New(fault.Invalid, "ファイルが空です。", "The file is empty."), blob.Remove(ctx, b.db, d.House, file.ID))
	}
	err = b.db.Write(ctx, d.House, func(tx *store.Tx) error {
		gate, i, err := b.gate(ctx, tx, token)
		if err == nil {
			err = Door{Gate: gate}.shut()
		}
		if err != nil {
			return err
		}
		if _, err := blob.Attach(ctx, tx, blob.Attachment{Owner: owner(i.ID), File: file.ID, Name: file.Name}, b.Now()); err != nil {
			return err
		}
		return b.note(ctx, tx, i.ID, "saved", i.VendorName, "添付: "+file.Name, nil)
	})
	if err != nil {
		err = errors.Join(err, blob.Remove(context.WithoutCancel(ctx), b.db, d.House, file.ID))
	}
	return err
}

// OpenFile returns an attachment's stored file for the hospital.
func (b *Book) OpenFile(ctx context.Context, f facility.ID, inquiry, attachment string) (*blob.Reader, error) {
	files, err := b.Files(ctx, f, inquiry)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(files, func(a blob.Attachment) bool { return a.ID == attachment })
	if n < 0 {
		return nil, fault.New(fault.NotFound, "この添付はありません。", "There is no such attachment.")
	}
	return blob.Open(ctx, b.db, f, files[n].File)
}
