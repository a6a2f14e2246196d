package plan

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
)

// Options are the parts of the house that the sheets are filled from, and where what was decided goes.
type Options struct {
	Ledger     *ledger.Ledger
	Suppliers  *supplier.Book
	Findings   *finding.Book
	Registers  *register.Book
	Gates      *gate.Book
	Catalogues func(context.Context, facility.ID) (catalogue.Set, error)
	Fees       func(context.Context) ([]catalogue.Fee, error) // nil: the product's own
	Now        func() time.Time
}

// Book keeps the facilities' sheets. Safe for concurrent use.
type Book struct {
	db *store.DB
	Options
}

// New returns the book that lies in db.
func New(db *store.DB, o Options) *Book { return &Book{db: db, Options: o} }

const maxSheets = 200 // of one kind

const sheetColumns = `s.id, s.kind, s.year, s.title, s.revision, s.created_at, s.changed_at, s.changed_by, s.body,
	coalesce(v.number, 0), coalesce(v.at, 0), coalesce(v.by_name, ''), coalesce(v.note, ''), coalesce(v.revision, 0), coalesce(v.hash, '')`

const fromSheets = ` FROM plan_sheets s LEFT JOIN plan_versions v ON v.facility_id = s.facility_id AND v.sheet_id = s.id
	AND v.number = (SELECT max(w.number) FROM plan_versions w WHERE w.facility_id = s.facility_id AND w.sheet_id = s.id) WHERE s.facility_id = $1`

func scan(r interface{ Scan(...any) error }) (s Sheet, err error) {
	var created, changed, at int64
	var body string
	var g Signature
	if err := r.Scan(&s.ID, &s.Kind, &s.Year, &s.Title, &s.Revision, &created, &changed, &s.ByName, &body, &g.Number, &at, &g.By, &g.Note, &g.Revision, &g.Hash); err != nil {
		return s, err
	}
	s.Created, s.Changed, g.At = store.Time(created), store.Time(changed), store.Time(at)
	if g.Number > 0 {
		s.Signed = &g
	}
	return s, s.read(body)
}

func (s *Sheet) read(body string) error {
	var err error
	switch s.Kind {
	case Risk:
		s.Risks = &Risks{}
		err = json.Unmarshal([]byte(body), s.Risks)
	case Audit:
		s.Audit = &AuditPlan{}
		err = json.Unmarshal([]byte(body), s.Audit)
	case Budget:
		s.Budget = &Money{}
		err = json.Unmarshal([]byte(body), s.Budget)
	default:
		err = errors.New("unknown kind")
	}
	if err != nil {
		return fmt.Errorf("read sheet %s: %w", s.ID, err)
	}
	return nil
}

// body checks a sheet and writes it as JSON.
func (s *Sheet) body() (string, error) {
	s.Title = strings.TrimSpace(s.Title)
	if err := tidyText(0, "名前", &s.Title, maxText); err != nil {
		return "", err
	}
	if s.Year < 2000 || s.Year > 2200 {
		return "", fault.New(fault.Invalid, "年度は 2026 のように西暦で入れてください。", "Give the fiscal year as 2026.")
	}
	var err error
	var part any
	switch {
	case s.Kind == Risk && s.Risks != nil:
		part, err = s.Risks, s.Risks.tidy()
	case s.Kind == Audit && s.Audit != nil:
		part, err = s.Audit, s.Audit.tidy()
	case s.Kind == Budget && s.Budget != nil:
		part, err = s.Budget, s.Budget.tidy()
	default:
		err = fault.New(fault.Invalid, "内容がありません。", "The sheet has no content.")
	}
	if err != nil {
		return "", s.Kind.of(err)
	}
	b, err := json.Marshal(part)
	if err == nil && len(b) > maxSheet {
		err = fault.New(fault.TooLarge, "内容が大きすぎます。", "The sheet is too large.")
	}
	return string(b), err
}

// ready says what is missing before a director may sign.
func (s *Sheet) ready() error {
	switch s.Kind {
	case Risk:
		return s.Kind.of(s.Risks.ready())
	case Audit:
		return s.Kind.of(s.Audit.ready())
	default:
		return s.Budget.ready()
	}
}

// List returns the sheets of a kind, the newest year first.
func (b *Book) List(ctx context.Context, f facility.ID, kind Kind) (out []Sheet, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			s, err := scan(r)
			out = append(out, s)
			return err
		}, "SELECT "+sheetColumns+fromSheets+" AND s.kind = $2 ORDER BY s.year DESC, s.created_at DESC", string(kind))
	})
	return out, err
}

// Get returns one sheet of a kind.
func (b *Book) Get(ctx context.Context, f facility.ID, kind Kind, id string) (s Sheet, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		s, err = get(ctx, tx, kind, id)
		return err
	})
	return s, err
}

func get(ctx context.Context, tx *store.Tx, kind Kind, id string) (Sheet, error) {
	s, err := scan(tx.Row(ctx, "SELECT "+sheetColumns+fromSheets+" AND s.kind = $2 AND s.id = $3", string(kind), id))
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.NotFound, "この表は見つかりません。", "There is no such sheet.")
	}
	return s, err
}

func (b *Book) moment() time.Time { return b.Now().UTC().Truncate(time.Microsecond) }

// insert stores a new sheet.
func (b *Book) insert(ctx context.Context, f facility.ID, s Sheet) (Sheet, error) {
	body, err := s.body()
	if err != nil {
		return s, err
	}
	s.ID, s.Revision, s.Created, s.ByName = store.NewID(), 1, b.moment(), actor.From(ctx).Name
	s.Changed = s.Created
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		n := 0
		if err := tx.Row(ctx, "SELECT count(*) FROM plan_sheets s WHERE s.facility_id = $1 AND s.kind = $2", string(s.Kind)).Scan(&n); err != nil {
			return fmt.Errorf("count sheets: %w", err)
		}
		if n >= maxSheets {
			return fault.Newf(fault.TooLarge, "表は%dまでです。", "At most %d sheets are kept.", maxSheets)
		}
		_, err := tx.Exec(ctx, `INSERT INTO plan_sheets (facility_id, id, kind, year, title, revision, created_at, changed_at, changed_by, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, s.ID, string(s.Kind), s.Year, s.Title, s.Revision, store.Micros(s.Created), store.Micros(s.Changed), s.ByName, body)
		return err
	})
	return s, err
}

// Save writes a sheet as somebody changed it; s.Revision is the one that it was made from. After a signature the tasks that it asks for follow the
// change, the signed version stays.
func (b *Book) Save(ctx context.Context, f facility.ID, s Sheet) (Sheet, error) {
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		old, err := get(ctx, tx, s.Kind, s.ID)
		if err != nil {
			return err
		}
		if old.Revision != s.Revision {
			return outdated()
		}
		s.Created, s.Signed = old.Created, old.Signed
		if s.Audit != nil {
			s.Audit.Samples = withDraws(s.Audit.Samples, old.Audit.Samples)
		}
		if err := b.write(ctx, tx, &s); err != nil {
			return err
		}
		if s.Signed == nil {
			return nil
		}
		return b.tasks(ctx, tx, s)
	})
	return s, err
}

// withDraws keeps what chance decided: seeds, frames and who was drawn come from the stored sheet, only verdicts and notes from a person.
func withDraws(said, drawn []Sample) []Sample {
	out := make([]Sample, len(drawn))
	for i, s := range drawn {
		s.Drawn = append([]Drawn(nil), s.Drawn...)
		for k := range s.Drawn {
			if i < len(said) && k < len(said[i].Drawn) && said[i].Drawn[k].ID == s.Drawn[k].ID {
				s.Drawn[k].Verdict, s.Drawn[k].Note = said[i].Drawn[k].Verdict, said[i].Drawn[k].Note
			}
		}
		out[i] = s
	}
	return out
}

// add puts a drawn sample into an audit.
func (b *Book) add(ctx context.Context, f facility.ID, id string, revision int64, one Sample) (s Sheet, err error) {
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if s, err = get(ctx, tx, Audit, id); err != nil {
			return err
		}
		if s.Revision != revision {
			return outdated()
		}
		s.Audit.Samples = append(s.Audit.Samples, one)
		return b.write(ctx, tx, &s)
	})
	return s, err
}

func outdated() error {
	return fault.New(fault.Conflict, "ほかの人が先に変えました。開き直して、もう一度入れてください。", "Somebody else changed it first: open it anew and enter it again.")
}

func (b *Book) write(ctx context.Context, tx *store.Tx, s *Sheet) error {
	body, err := s.body()
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE plan_sheets SET year = $3, title = $4, revision = $5, changed_at = $6, changed_by = $7, body = $8 WHERE facility_id = $1 AND id = $2 AND revision = $9`,
		s.ID, s.Year, s.Title, s.Revision+1, store.Micros(b.moment()), actor.From(ctx).Name, body, s.Revision)
	if err == nil && n == 0 {
		err = outdated()
	}
	s.Revision++
	s.Changed, s.ByName = b.moment(), actor.From(ctx).Name
	return err
}

// Sign keeps the sheet word for word as a version that cannot be changed, enters it in the registers that the evidence is read from, and makes its
// measures tasks. revision is the one that the director saw.
func (b *Book) Sign(ctx context.Context, f facility.ID, kind Kind, id string, revision int64, note string) (s Sheet, err error) {
	if err := tidyText(0, "ひとこと", &note, 500); err != nil {
		return s, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if s, err = get(ctx, tx, kind, id); err != nil {
			return err
		}
		switch {
		case s.Revision != revision:
			return fault.New(fault.Conflict, "見たあとに内容が変わりました。もう一度見てから承認してください。", "It was changed since you looked at it: look again before you sign.")
		case s.Fresh():
			return fault.New(fault.Conflict, "この内容は、もう承認されています。", "This is signed already.")
		}
		if err := s.ready(); err != nil {
			return err
		}
		body, err := s.body()
		if err != nil {
			return err
		}
		by := actor.From(ctx)
		g := Signature{Number: 1, At: b.moment(), By: by.Name, Note: note, Revision: revision}
		if s.Signed != nil {
			g.Number = s.Signed.Number + 1
		}
		g.Hash = versionHash(f, s.ID, g.Number, s.Title, body)
		if _, err := tx.Exec(ctx, `INSERT INTO plan_versions (facility_id, sheet_id, number, at, by_id, by_name, note, title, revision, body, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			s.ID, g.Number, store.Micros(g.At), by.ID, by.Name, note, s.Title, revision, body, g.Hash); err != nil {
			return fmt.Errorf("keep a signed version: %w", err)
		}
		s.Signed = &g
		if err := b.enter(ctx, tx, s); err != nil {
			return err
		}
		return b.tasks(ctx, tx, s)
	})
	return s, err
}

func versionHash(f facility.ID, id string, number int, title, body string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "kenshin plan version\x00%s\x00%s\x00%d\x00%s\x00%s", f, id, number, title, body))
	return hex.EncodeToString(sum[:])
}

// Version returns what was signed, word for word; an error when it does not fit its digest any more. number 0 is the last.
func (b *Book) Version(ctx context.Context, f facility.ID, kind Kind, id string, number int) (s Sheet, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if s, err = get(ctx, tx, kind, id); err != nil {
			return err
		}
		if number == 0 && s.Signed != nil {
			number = s.Signed.Number
		}
		var g Signature
		var at int64
		var body string
		row := tx.Row(ctx, `SELECT v.number, v.at, v.by_name, v.note, v.title, v.revision, v.body, v.hash FROM plan_versions v WHERE v.facility_id = $1 AND v.sheet_id = $2 AND v.number = $3`, id, number)
		err := row.Scan(&g.Number, &at, &g.By, &g.Note, &s.Title, &g.Revision, &body, &g.Hash)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "この版はまだありません。", "There is no such version yet.")
		}
		if err != nil {
			return fmt.Errorf("read a signed version: %w", err)
		}
		if versionHash(f, id, g.Number, s.Title, body) != g.Hash {
			return fault.New(fault.Internal, "承認した版が、承認のときと違っています。バックアップから戻し、記録を確かめてください。", "The signed version is not what was signed. Restore it from a backup and check the trail.")
		}
		g.At = store.Time(at)
		s.Signed, s.Revision = &g, g.Revision
		s.Risks, s.Audit, s.Budget = nil, nil, nil
		return s.read(body)
	})
	return s, err
}

// Latest returns the newest signed sheet of a kind; NotFound when none is signed.
func (b *Book) Latest(ctx context.Context, f facility.ID, kind Kind) (Sheet, error) {
	list, err := b.List(ctx, f, kind)
	if err != nil {
		return Sheet{}, err
	}
	for _, s := range list {
		if s.Signed != nil {
			return b.Version(ctx, f, kind, s.ID, 0)
		}
	}
	return Sheet{}, fault.New(fault.NotFound, "承認されたものはまだありません。", "Nothing is signed yet.")
}
