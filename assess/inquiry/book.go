package inquiry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/trail"
)

// Post sends one mail in the caller's transaction and says whether there is a mail server at all. The same key is not sent twice at a time.
type Post func(ctx context.Context, tx *store.Tx, to []string, subject, text, key string) (sent bool, err error)

// Claims takes answers over as the facility's claims, in the caller's transaction (see store.Within).
type Claims func(ctx context.Context, f facility.ID, i Inquiry, answers map[string]Answer, by string, over bool) error

// Replies puts what somebody answered to one item beside the item, in the caller's transaction.
type Replies func(ctx context.Context, f facility.ID, question, text, by string) error

// Houses tells a facility's name and time zone.
type Houses interface {
	Facility(ctx context.Context, id facility.ID) (account.Facility, error)
}

// Deps are what the book works with. Post, Claims and Replies may be missing.
type Deps struct {
	DB         *store.DB
	Catalogues func(ctx context.Context) (catalogue.Set, error) // those in force
	Houses     Houses
	Ledger     *ledger.Ledger
	Suppliers  *supplier.Book
	Findings   *finding.Book
	Post       Post
	Claims     Claims
	Replies    Replies
	Now        func() time.Time
}

// Book is the facilities' inquiries in the database. Safe for concurrent use.
type Book struct {
	Deps
	db *store.DB
}

// NewBook returns the book that lies in d.DB.
func NewBook(d Deps) *Book { return &Book{Deps: d, db: d.DB} }

func (b *Book) stamp() time.Time { return b.Now().UTC().Truncate(time.Microsecond) }

// local is now on the facility's clock, with the facility.
func (b *Book) local(ctx context.Context, f facility.ID) (time.Time, account.Facility, error) {
	house, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return time.Time{}, house, err
	}
	return b.Now().In(house.Location()), house, nil
}

func (b *Book) trail(ctx context.Context, tx *store.Tx, action, id string, says i18n.Text) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.stamp(), Actor: actor.From(ctx), Action: action, Subject: trail.Subject{Kind: "inquiry", ID: id}, Summary: says})
	return err
}

const columns = "i.id, i.kind, i.survey_id, i.catalogue_id, i.subject, i.vendor_id, i.state, i.due_at, i.created_at, i.revision, i.content"

func scan(r interface{ Scan(...any) error }) (i Inquiry, err error) {
	var due, created int64
	var content string
	if err := r.Scan(&i.ID, &i.Kind, &i.Survey, &i.Catalogue, &i.Subject, &i.Vendor, &i.State, &due, &created, &i.Revision, &content); err != nil {
		return i, err
	}
	i.Due, i.Created = store.Time(due), store.Time(created)
	if err := json.Unmarshal([]byte(content), &i.Content); err != nil {
		return i, fmt.Errorf("read an inquiry: %w", err)
	}
	return i, nil
}

func get(ctx context.Context, tx *store.Tx, id string) (Inquiry, error) {
	i, err := scan(tx.Row(ctx, "SELECT "+columns+" FROM inquiry_inquiries i WHERE i.facility_id = $1 AND i.id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		return i, fault.New(fault.NotFound, "この依頼はありません。", "There is no such inquiry.")
	}
	return i, err
}

// put writes an inquiry; its revision grows by one. Who was slower than somebody else gets Conflict.
func (i *Inquiry) put(ctx context.Context, tx *store.Tx) error {
	content, err := json.Marshal(i.Content)
	if err != nil {
		return fmt.Errorf("write an inquiry: %w", err)
	}
	from := i.Revision
	i.Revision++
	if from == 0 {
		_, err = tx.Exec(ctx, `INSERT INTO inquiry_inquiries (facility_id, id, kind, survey_id, catalogue_id, subject, vendor_id, state, due_at, created_at, revision, content)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			i.ID, string(i.Kind), i.Survey, i.Catalogue, i.Subject, i.Vendor, string(i.State), store.Micros(i.Due), store.Micros(i.Created), i.Revision, string(content))
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE inquiry_inquiries SET state = $4, due_at = $5, revision = $6, content = $7 WHERE facility_id = $1 AND id = $2 AND revision = $3`,
		i.ID, from, string(i.State), store.Micros(i.Due), i.Revision, string(content))
	if err == nil && n == 0 {
		return stale()
	}
	return err
}

func stale() error {
	return fault.New(fault.Conflict, "ほかの人が先に変えました。新しい内容を確かめてから、もう一度行ってください。", "Somebody else was faster. Look at the newest state and try again.")
}

// Filter chooses inquiries; zero fields choose all.
type Filter struct {
	Kind      Kind
	State     State
	Survey    string
	Vendor    string
	Catalogue string
	After     string // the id of the last one seen
	Limit     int    // 0: 1000
}

const maxList = 1000

// List returns inquiries, the newest first. next is where to go on, "" at the end.
func (b *Book) List(ctx context.Context, f facility.ID, q Filter) (out []Inquiry, next string, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, next, err = list(ctx, tx, q)
		return err
	})
	return out, next, err
}

func list(ctx context.Context, tx *store.Tx, q Filter) (out []Inquiry, next string, err error) {
	var w store.Where
	for column, value := range map[string]string{"i.kind": string(q.Kind), "i.state": string(q.State), "i.survey_id": q.Survey, "i.vendor_id": q.Vendor, "i.catalogue_id": q.Catalogue} {
		if value != "" {
			w.And(column+" = ?", value)
		}
	}
	if q.After != "" {
		w.And("i.id < ?", q.After)
	}
	if q.Limit <= 0 || q.Limit > maxList {
		q.Limit = maxList
	}
	limit := w.Next(q.Limit + 1)
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		i, err := scan(r)
		out = append(out, i)
		return err
	}, "SELECT "+columns+" FROM inquiry_inquiries i WHERE i.facility_id = $1"+w.SQL()+" ORDER BY i.id DESC LIMIT "+limit, w.Args...)
	if len(out) > q.Limit {
		out = out[:q.Limit]
		next = out[q.Limit-1].ID
	}
	return out, next, err
}

// Get returns one inquiry.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (i Inquiry, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		i, err = get(ctx, tx, id)
		return err
	})
	return i, err
}

// Step is something that happened to an inquiry.
type Step struct {
	At      time.Time
	What    string
	ByName  string
	Says    string
	Answers map[string]Answer // as they were after it, where they changed
}

// History returns what happened to an inquiry, the newest first.
func (b *Book) History(ctx context.Context, f facility.ID, id string) (out []Step, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var s Step
			var at int64
			var content string
			if err := r.Scan(&at, &s.What, &s.ByName, &s.Says, &content); err != nil {
				return err
			}
			s.At = store.Time(at)
			out = append(out, s)
			if content == "" {
				return nil
			}
			return json.Unmarshal([]byte(content), &out[len(out)-1].Answers)
		}, "SELECT at, what, by_name, says, content FROM inquiry_history WHERE facility_id = $1 AND inquiry_id = $2 ORDER BY at DESC, id DESC LIMIT 500", id)
	})
	return out, err
}

func (b *Book) note(ctx context.Context, tx *store.Tx, inquiry, what, by, says string, answers map[string]Answer) error {
	content := ""
	if answers != nil {
		text, err := json.Marshal(answers)
		if err != nil {
			return fmt.Errorf("write an inquiry's history: %w", err)
		}
		content = string(text)
	}
	_, err := tx.Exec(ctx, `INSERT INTO inquiry_history (facility_id, id, inquiry_id, at, what, by_name, says, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		store.NewID(), inquiry, store.Micros(b.stamp()), what, by, says, content)
	return err
}

// Sheets returns what was filled in for an inquiry: drafts and what was sent, the newest first.
func (b *Book) Sheets(ctx context.Context, f facility.ID, inquiry string) (out []Sheet, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = sheets(ctx, tx, inquiry)
		return err
	})
	return out, err
}

const sheetColumns = "s.inquiry_id, s.id, s.state, s.revision, s.changed_at, s.content"

func scanSheet(r interface{ Scan(...any) error }) (s Sheet, err error) {
	var at int64
	var content string
	if err := r.Scan(&s.Inquiry, &s.ID, &s.State, &s.Revision, &at, &content); err != nil {
		return s, err
	}
	s.Changed = store.Time(at)
	if err := json.Unmarshal([]byte(content), &s.Filling); err != nil {
		return s, fmt.Errorf("read a sheet: %w", err)
	}
	return s, nil
}

func sheets(ctx context.Context, tx *store.Tx, inquiry string) (out []Sheet, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		s, err := scanSheet(r)
		if s.State != Staged {
			out = append(out, s)
		}
		return err
	}, "SELECT "+sheetColumns+" FROM inquiry_sheets s WHERE s.facility_id = $1 AND s.inquiry_id = $2 ORDER BY s.changed_at DESC, s.id LIMIT 2000", inquiry)
	return out, err
}

// sheet returns one sheet; one that does not exist yet has revision 0.
func sheet(ctx context.Context, tx *store.Tx, inquiry, id string) (Sheet, error) {
	s, err := scanSheet(tx.Row(ctx, "SELECT "+sheetColumns+" FROM inquiry_sheets s WHERE s.facility_id = $1 AND s.inquiry_id = $2 AND s.id = $3", inquiry, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Sheet{ID: id, Inquiry: inquiry, State: Draft, Filling: Filling{Answers: map[string]Answer{}}}, nil
	}
	if s.Answers == nil {
		s.Answers = map[string]Answer{}
	}
	return s, err
}

// put writes a sheet. One that somebody saved meanwhile is never overwritten.
func (s *Sheet) put(ctx context.Context, tx *store.Tx, at time.Time) error {
	content, err := json.Marshal(s.Filling)
	if err != nil {
		return fmt.Errorf("write a sheet: %w", err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO inquiry_sheets (facility_id, inquiry_id, id, state, revision, changed_at, content) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (facility_id, inquiry_id, id) DO UPDATE SET state = excluded.state, revision = excluded.revision, changed_at = excluded.changed_at,
			content = excluded.content WHERE inquiry_sheets.revision = excluded.revision - 1`,
		s.Inquiry, s.ID, s.State, s.Revision+1, store.Micros(at), string(content))
	if err == nil && n == 0 {
		return stale()
	}
	s.Revision, s.Changed = s.Revision+1, at
	return err
}

// Items returns the catalogue of an inquiry and the items that it asks.
func (b *Book) Items(ctx context.Context, i Inquiry) (catalogue.Catalogue, []catalogue.Item, error) {
	set, err := b.Catalogues(ctx)
	if err != nil {
		return catalogue.Catalogue{}, nil, err
	}
	c, ok := set.Find(i.Catalogue)
	if !ok {
		return c, nil, fault.Newf(fault.NotFound, "点検表「%s」はもうありません。", "The catalogue %s is no longer there.", i.Catalogue)
	}
	if i.Kind != Question {
		return c, c.Items, nil
	}
	item, ok := c.Item(i.Item)
	if !ok {
		return c, nil, fault.New(fault.NotFound, "この項目は点検表にありません。", "There is no such item in the catalogue.")
	}
	return c, []catalogue.Item{item}, nil
}

// Files returns what the addressee attached.
func (b *Book) Files(ctx context.Context, f facility.ID, id string) (out []blob.Attachment, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if _, err := get(ctx, tx, id); err != nil {
			return err
		}
		out, err = blob.Attachments(ctx, tx, owner(id))
		return err
	})
	return out, err
}

// owner is what an inquiry's attachments hang on.
func owner(id string) string { return "inquiry:" + id }

func mailAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254
}
