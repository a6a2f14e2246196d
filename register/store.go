package register

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

// Book is the facilities' registers in the database.
type Book struct {
	db  *store.DB
	now func() time.Time
	// Changed is called in the transaction of every change with all rows of the register, so that others can follow (findings of overdue rows).
	Changed func(ctx context.Context, tx *store.Tx, k Kind, rows []Row) error
}

func (b *Book) after(ctx context.Context, tx *store.Tx, k Kind) error {
	if b.Changed == nil {
		return nil
	}
	rows, err := b.RowsTx(ctx, tx, k.ID)
	if err != nil {
		return err
	}
	return b.Changed(ctx, tx, k, rows)
}

// New returns the registers that lie in db.
func New(db *store.DB, now func() time.Time) *Book { return &Book{db: db, now: now} }

// MaxRows is how many rows a register takes.
const MaxRows = 50_000

// Today is the day in Japan by the book's clock, "2026-11-21".
func (b *Book) Today() string { return day(b.now()) }

// Rows returns all rows of a register in the order in which they were made, with their due days.
func (b *Book) Rows(ctx context.Context, f facility.ID, kind string) (rows []Row, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		rows, err = b.RowsTx(ctx, tx, kind)
		return err
	})
	return rows, err
}

// RowsTx is Rows inside a transaction.
func (b *Book) RowsTx(ctx context.Context, tx *store.Tx, kind string) ([]Row, error) {
	k, err := KindOf(kind)
	if err != nil {
		return nil, err
	}
	var rows []Row
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		row, err := scan(r)
		rows = append(rows, row)
		return err
	}, selectRows+" WHERE facility_id = $1 AND kind = $2 ORDER BY id", kind)
	k.due(rows)
	return rows, err
}

// All returns the rows of all registers, by kind.
func (b *Book) All(ctx context.Context, f facility.ID) (map[string][]Row, error) {
	out := map[string][]Row{}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			row, err := scan(r)
			out[row.Kind] = append(out[row.Kind], row)
			return err
		}, selectRows+" WHERE facility_id = $1 ORDER BY kind, id")
	})
	for _, k := range Kinds() {
		k.due(out[k.ID])
	}
	return out, err
}

const selectRows = "SELECT id, kind, owner, checked, revision, created_at, changed_at, changed_by, content FROM register_rows"

func scan(r interface{ Scan(...any) error }) (Row, error) {
	var row Row
	var created, changed int64
	var content string
	if err := r.Scan(&row.ID, &row.Kind, &row.Owner, &row.Checked, &row.Revision, &created, &changed, &row.ByName, &content); err != nil {
		return row, err
	}
	row.Created, row.Changed = store.Time(created), store.Time(changed)
	if err := json.Unmarshal([]byte(content), &row.Values); err != nil {
		return row, fmt.Errorf("read a row of %s: %w", row.Kind, err)
	}
	return row, nil
}

// Get returns one row. Its Due does not know of newer rows of the same event.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (row Row, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		row, err = get(ctx, tx, id)
		return err
	})
	return row, err
}

func get(ctx context.Context, tx *store.Tx, id string) (Row, error) {
	row, err := scan(tx.Row(ctx, selectRows+" WHERE facility_id = $1 AND id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		return row, fault.New(fault.NotFound, "この行はもうありません。", "There is no such row any more.")
	}
	if err == nil {
		if k, err := KindOf(row.Kind); err == nil {
			row.Due = k.dueOf(row)
		}
	}
	return row, err
}

// Save adds a row (ID "") or changes one. A change names the Revision that it was made from; when somebody else was faster it is refused and
// nothing is overwritten. Values are cleaned; what is wrong comes back as a fault that holds Problems.
func (b *Book) Save(ctx context.Context, f facility.ID, row Row) (Row, error) {
	k, err := KindOf(row.Kind)
	if err == nil {
		err = k.byHand()
	}
	if err != nil {
		return row, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		var err error
		row, err = b.SaveTx(ctx, tx, row)
		return err
	})
	return row, err
}

// SaveTx is Save inside a transaction; a signed sheet writes its copy by it.
func (b *Book) SaveTx(ctx context.Context, tx *store.Tx, row Row) (Row, error) {
	k, row, err := b.tidy(ctx, row)
	if err != nil {
		return row, err
	}
	if row.ID == "" {
		if err = room(ctx, tx, k.ID); err == nil {
			err = b.insert(ctx, tx, &row, "")
		}
	} else {
		err = b.update(ctx, tx, k, &row, "edited", "")
	}
	if err != nil {
		return row, err
	}
	row.Due = k.dueOf(row)
	return row, b.after(ctx, tx, k)
}

func (b *Book) tidy(ctx context.Context, row Row) (Kind, Row, error) {
	k, err := KindOf(row.Kind)
	if err != nil {
		return k, row, err
	}
	values, problems := k.Read(row.Values, b.Today())
	if len(problems) > 0 {
		return k, row, problems.fault()
	}
	row.Values, row.Owner = values, jp.Clean(row.Owner)
	if utf8.RuneCountInString(row.Owner) > maxText {
		return k, row, Problems{{Key: "owner", Text: i18n.Text{Ja: "担当が長すぎます。", En: "The owner's name is too long."}}}.fault()
	}
	row.Checked = "" // only Confirm says that a row is right
	row.Changed, row.ByName = b.now().UTC().Truncate(time.Microsecond), actor.From(ctx).Name
	return k, row, nil
}
