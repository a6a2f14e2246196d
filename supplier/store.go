package supplier

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/store"
)

// Book is the facilities' vendors in the database.
type Book struct {
	db  *store.DB
	now func() time.Time
}

// New returns the directory that lies in db.
func New(db *store.DB, now func() time.Time) *Book { return &Book{db: db, now: now} }

// Save adds a vendor (ID "") or changes one. A change names the Revision that it was made from; when somebody else was faster it is refused
// and nothing is overwritten.
func (b *Book) Save(ctx context.Context, f facility.ID, v Supplier) (Supplier, error) {
	if err := v.tidy(); err != nil {
		return v, err
	}
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		v.ChangedAt, v.ChangedBy = b.now().UTC().Truncate(time.Microsecond), actor.From(ctx).Name
		if v.ID == "" {
			v.ID, v.Revision = store.NewID(), 1
			return b.insert(ctx, tx, v)
		}
		return b.update(ctx, tx, &v)
	})
	return v, err
}

func (b *Book) insert(ctx context.Context, tx *store.Tx, v Supplier) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write vendor: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO supplier_suppliers (facility_id, id, revision, changed_at, changed_by, sort_key, name_key, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.ID, v.Revision, store.Micros(v.ChangedAt), v.ChangedBy, jp.Reading(v.Name, v.Reading), NameKey(v.Name), string(content))
	if err != nil {
		return err
	}
	return note(ctx, tx, v.ID, v.ChangedAt, "added", "", "", v.Name)
}

func (b *Book) update(ctx context.Context, tx *store.Tx, v *Supplier) error {
	old, err := get(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	from := v.Revision
	v.Revision = old.Revision + 1
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write vendor: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE supplier_suppliers SET revision = $4, changed_at = $5, changed_by = $6, sort_key = $7, name_key = $8, content = $9
		WHERE facility_id = $1 AND id = $2 AND revision = $3`,
		v.ID, from, v.Revision, store.Micros(v.ChangedAt), v.ChangedBy, jp.Reading(v.Name, v.Reading), NameKey(v.Name), string(content))
	if err != nil {
		return err
	}
	if n == 0 {
		return outdated(old)
	}
	for _, c := range differences(old, *v) {
		if err := note(ctx, tx, v.ID, v.ChangedAt, "edited", c[0], c[1], c[2]); err != nil {
			return err
		}
	}
	return nil
}

func outdated(v Supplier) error {
	return fault.Newf(fault.Conflict, "%[1]s さんが先に変更しました。最新の内容を確かめてから、もう一度変更してください。",
		"%[1]s changed this vendor first. Look at the newest state and change it again.", v.ChangedBy)
}

// Remove deletes a vendor; its history stays. Devices that name it are the caller's to check.
func (b *Book) Remove(ctx context.Context, f facility.ID, id string, revision int64) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		old, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "DELETE FROM supplier_suppliers WHERE facility_id = $1 AND id = $2 AND revision = $3", id, revision)
		if err != nil {
			return err
		}
		if n == 0 {
			return outdated(old)
		}
		if err := blob.DetachAll(ctx, tx, id); err != nil {
			return err
		}
		before, err := json.Marshal(old)
		if err != nil {
			return fmt.Errorf("write vendor: %w", err)
		}
		return note(ctx, tx, id, b.now(), "removed", "", string(before), "")
	})
}

// Get returns one vendor.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (v Supplier, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		v, err = get(ctx, tx, id)
		return err
	})
	return v, err
}

func get(ctx context.Context, tx *store.Tx, id string) (v Supplier, err error) {
	var content string
	err = tx.Row(ctx, "SELECT content FROM supplier_suppliers WHERE facility_id = $1 AND id = $2", id).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fault.New(fault.NotFound, "この業者は登録されていません。", "There is no such vendor.")
	}
	if err == nil {
		err = json.Unmarshal([]byte(content), &v)
	}
	return v, err
}

// List returns the vendors whose name, reading or contacts hold query (any writing), sorted by reading.
func (b *Book) List(ctx context.Context, f facility.ID, query string) ([]Supplier, error) {
	var out []Supplier
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var content string
			var v Supplier
			if err := r.Scan(&content); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(content), &v); err != nil {
				return fmt.Errorf("read vendor: %w", err)
			}
			if query == "" || v.mentions(query) {
				out = append(out, v)
			}
			return nil
		}, "SELECT content FROM supplier_suppliers WHERE facility_id = $1 ORDER BY sort_key, id")
	})
	return out, err
}

func (v Supplier) mentions(query string) bool {
	texts := []string{v.Name, v.Reading}
	for _, c := range v.Contacts {
		texts = append(texts, c.Name, c.Phone, c.Mail)
	}
	return slices.ContainsFunc(texts, func(s string) bool { return jp.Contains(s, query) })
}

// Match returns the vendors whose name is the same company as a name written in a ledger (see NameKey).
func (b *Book) Match(ctx context.Context, f facility.ID, name string) ([]Supplier, error) {
	key := NameKey(name)
	if key == "" {
		return nil, nil
	}
	all, err := b.List(ctx, f, "")
	return slices.DeleteFunc(all, func(v Supplier) bool { return NameKey(v.Name) != key }), err
}

// History returns what happened to a vendor, the newest first.
func (b *Book) History(ctx context.Context, f facility.ID, id string) ([]Change, error) {
	var out []Change
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var c Change
			var at int64
			if err := r.Scan(&at, &c.By, &c.Kind, &c.Field, &c.Before, &c.After); err != nil {
				return err
			}
			c.At = store.Time(at)
			out = append(out, c)
			return nil
		}, `SELECT at, actor_name, kind, field, before, after FROM supplier_history WHERE facility_id = $1 AND supplier_id = $2
			ORDER BY at DESC, id DESC LIMIT 1000`, id)
	})
	return out, err
}

func note(ctx context.Context, tx *store.Tx, id string, at time.Time, kind, field, before, after string) error {
	a := actor.From(ctx)
	_, err := tx.Exec(ctx, `INSERT INTO supplier_history (facility_id, id, supplier_id, at, actor_kind, actor_id, actor_name, kind, field, before, after)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		store.NewID(), id, store.Micros(at), string(a.Kind), a.ID, a.Name, kind, field, before, after)
	return err
}

// differences lists field, before, after.
func differences(a, b Supplier) [][3]string {
	var out [][3]string
	for _, p := range [][3]string{{"name", a.Name, b.Name}, {"reading", a.Reading, b.Reading}, {"kind", string(a.Kind), string(b.Kind)},
		{"contacts", contactLines(a), contactLines(b)}, {"contracts", contractLines(a), contractLines(b)}, {"notes", a.Notes, b.Notes}} {
		if p[1] != p[2] {
			out = append(out, p)
		}
	}
	return out
}

func contactLines(v Supplier) string {
	var lines []string
	for _, c := range v.Contacts {
		lines = append(lines, joined(c.Role, c.Name, c.Phone, c.Mail, c.Hours))
	}
	return strings.Join(lines, "\n")
}

func contractLines(v Supplier) string {
	var lines []string
	for _, c := range v.Contracts {
		lines = append(lines, joined(c.What, c.From+"〜"+c.To, c.Notes, strings.Join(c.Documents, ", ")))
	}
	return strings.Join(lines, "\n")
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" || s == "〜" }), " / ")
}
