package dock

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/drill"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/trail"
)

// Houses knows the facilities.
type Houses interface {
	Facility(ctx context.Context, id facility.ID) (account.Facility, error)
}

// Options are the parts of the house that a dock reads.
type Options struct {
	Box        trail.Sealer
	Houses     Houses
	Catalogues func(context.Context, facility.ID) (catalogue.Set, error)
	Version    func(ctx context.Context, id, sha256 string) (catalogue.Catalogue, error) // a catalogue of that digest, whatever is in force now
	Assess     *assess.Book
	Evidence   *evidence.Book
	Findings   *finding.Book
	Ledger     *ledger.Ledger
	Suppliers  *supplier.Book
	Gates      *gate.Book
	Registers  *register.Book
	Plans      *plan.Book    // the signed yearly sheets; nil: none
	Inquiries  *inquiry.Book // which vendors refused; nil: none
	Drills     *drill.Book   // nil: none
	Now        func() time.Time
}

// Book keeps the docks of facilities. Safe for concurrent use.
type Book struct {
	db *store.DB
	Options
}

// New returns the book that lies in db.
func New(db *store.DB, o Options) *Book { return &Book{db: db, Options: o} }

// Entry is a dock in the list of docks, without what it froze.
type Entry struct {
	ID       string
	Number   int
	Day      string
	At       time.Time
	Kind     Kind
	ByName   string
	Hash     string
	Approval *Approval // nil: not approved yet
}

// Approval is the director's word on a dock.
type Approval struct {
	At   time.Time
	By   string
	Note string
}

// Dock is one frozen check-up.
type Dock struct {
	Entry
	Snapshot Snapshot
	Seal     string // the signed note
	body     []byte
}

const entryColumns = `d.id, d.number, d.day, d.at, d.kind, d.by_name, d.hash, coalesce(a.at, 0), coalesce(a.by_name, ''), coalesce(a.note, '')`

const fromDocks = ` FROM dock_docks d LEFT JOIN dock_approvals a ON a.facility_id = d.facility_id AND a.dock_id = d.id WHERE d.facility_id = $1`

func scanEntry(r interface{ Scan(...any) error }, more ...any) (e Entry, err error) {
	var at, approved int64
	var a Approval
	err = r.Scan(append([]any{&e.ID, &e.Number, &e.Day, &at, &e.Kind, &e.ByName, &e.Hash, &approved, &a.By, &a.Note}, more...)...)
	e.At = store.Time(at)
	if a.At = store.Time(approved); approved > 0 {
		e.Approval = &a
	}
	return e, err
}

// maxDocks is how many docks a facility may have: many a year for a century.
const maxDocks = 500

// List returns the docks, the newest first.
func (b *Book) List(ctx context.Context, f facility.ID) (out []Entry, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			e, err := scanEntry(r)
			out = append(out, e)
			return err
		}, "SELECT "+entryColumns+fromDocks+" ORDER BY d.number DESC")
	})
	return out, err
}

// Get returns one dock by its id, or by its number in words.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (d Dock, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		d, err = dockWhere(ctx, tx, " AND d.id = $2", id)
		return err
	})
	return d, err
}

// Before returns up to n docks before one of a number, the newest first: what it is laid beside.
func (b *Book) Before(ctx context.Context, f facility.ID, number, n int) (out []Dock, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			d, err := scanDock(r)
			out = append(out, d)
			return err
		}, "SELECT "+entryColumns+", d.body, d.seal"+fromDocks+" AND d.number < $2 ORDER BY d.number DESC LIMIT $3", number, n)
	})
	return out, err
}

// Latest returns the newest dock; NotFound when there is none yet.
func (b *Book) Latest(ctx context.Context, f facility.ID) (Dock, error) {
	all, err := b.Before(ctx, f, maxDocks+1, 1)
	if err == nil && len(all) == 0 {
		return Dock{}, noDock()
	}
	if err != nil {
		return Dock{}, err
	}
	return all[0], nil
}

func noDock() error {
	return fault.New(fault.NotFound, "この健診はありません。", "There is no such check-up.")
}

func dockWhere(ctx context.Context, tx *store.Tx, cond string, args ...any) (Dock, error) {
	d, err := scanDock(tx.Row(ctx, "SELECT "+entryColumns+", d.body, d.seal"+fromDocks+cond, args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = noDock()
	}
	return d, err
}

func scanDock(r interface{ Scan(...any) error }) (d Dock, err error) {
	var body string
	if d.Entry, err = scanEntry(r, &body, &d.Seal); err != nil {
		return d, err
	}
	d.body = []byte(body)
	if err := json.Unmarshal(d.body, &d.Snapshot); err != nil {
		return d, fmt.Errorf("read dock %d: %w", d.Number, err)
	}
	return d, nil
}

// Freeze keeps the present state for ever: it is numbered, laid behind the dock before, and signed.
func (b *Book) Freeze(ctx context.Context, f facility.ID, w Want) (Entry, error) {
	s, err := b.Present(ctx, f, w)
	if err != nil {
		return Entry{}, err
	}
	if w.Kind == Full && len(s.Forms) == 0 {
		return Entry{}, fault.New(fault.Conflict, "点検表がありません。カタログを読み込んでから行ってください。", "There is no checklist: load the catalogues first.")
	}
	e := Entry{ID: store.NewID(), Day: s.Day, At: s.At, Kind: s.Kind, ByName: s.By}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		e.Number, s.Previous = 0, ""
		err := tx.Row(ctx, "SELECT d.number, d.hash"+fromDocks+" ORDER BY d.number DESC LIMIT 1").Scan(&e.Number, &s.Previous)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("find the dock before: %w", err)
		}
		if e.Number++; e.Number > maxDocks {
			return fault.Newf(fault.TooLarge, "健診は%d回まで残せます。", "At most %d check-ups are kept.", maxDocks)
		}
		s.Number = e.Number
		return b.keep(ctx, tx, &e, s)
	})
	return e, err
}

func (b *Book) keep(ctx context.Context, tx *store.Tx, e *Entry, s Snapshot) error {
	body, hash, err := canonicalOf(s)
	if err != nil {
		return err
	}
	e.Hash = hash
	signed, _, err := trail.Sign(ctx, tx, b.Box, Seal{Facility: tx.Facility(), Number: s.Number, Hash: hash, Previous: s.Previous, At: s.At}.text(), s.At)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO dock_docks (facility_id, number, id, day, at, kind, by_name, body, hash, seal) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.Number, e.ID, s.Day, store.Micros(s.At), string(s.Kind), s.By, string(body), hash, string(signed))
	if err != nil {
		return fmt.Errorf("keep a dock: %w", err)
	}
	return b.note(ctx, tx, "dock.freeze", e.ID, i18n.Text{Ja: fmt.Sprintf("年次健診（第%d回）を確定しました", s.Number), En: fmt.Sprintf("Froze the yearly check-up no. %d", s.Number)}, map[string]any{"hash": hash})
}

func (b *Book) note(ctx context.Context, tx *store.Tx, action, id string, says i18n.Text, detail any) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.Now(), Actor: actor.From(ctx), Action: action, Subject: trail.Subject{Kind: "dock", ID: id}, Summary: says, Detail: detail})
	return err
}

// Exported is the entry of the trail about a file that was handed out: "pack.xlsx".
func Exported(file string) trail.Entry {
	return trail.Entry{Action: "pack.export", Summary: i18n.Text{Ja: "点検資料を出しました（" + file + "）", En: "Made the inspection pack (" + file + ")"}}
}

const maxNote = 500 // characters

// Approve keeps the director's word on a dock. It is given once.
func (b *Book) Approve(ctx context.Context, f facility.ID, id, note string) error {
	note = strings.Join(strings.Fields(note), " ")
	if len([]rune(note)) > maxNote {
		return fault.Newf(fault.TooLarge, "ひとことは%d文字までです。", "A note has at most %d characters.", maxNote)
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := dockWhere(ctx, tx, " AND d.id = $2", id)
		if err != nil {
			return err
		}
		by := actor.From(ctx)
		n, err := tx.Exec(ctx, "INSERT INTO dock_approvals (facility_id, dock_id, at, by_id, by_name, note) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (facility_id, dock_id) DO NOTHING",
			id, store.Micros(b.Now()), by.ID, by.Name, note)
		if err != nil {
			return fmt.Errorf("keep an approval: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "この健診は、もう承認されています。", "This check-up is approved already.")
		}
		return b.note(ctx, tx, "dock.approve", id, i18n.Text{Ja: fmt.Sprintf("年次健診（第%d回）を承認しました", d.Number), En: fmt.Sprintf("Approved the yearly check-up no. %d", d.Number)}, nil)
	})
}

// File returns a dock as a sealed file, which Verify checks years later without this database.
func (b *Book) File(ctx context.Context, f facility.ID, id string) (Sealed, error) {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return Sealed{}, err
	}
	key, err := b.Key(ctx, f)
	return Sealed{Schema: Schema, Body: json.RawMessage(d.body), Seal: d.Seal, Key: key}, err
}

// Key is the verifier key of a facility; auditors keep it.
func (b *Book) Key(ctx context.Context, f facility.ID) (string, error) {
	return trail.VerifierKey(ctx, b.db, b.Box, f, b.Now())
}

// Report is what Check found out.
type Report struct {
	Verified
	Kept     bool        // the dock lies in this database, byte for byte
	Chain    int         // docks of the chain that were read and fit each other
	Texts    []Text      // the catalogues that were asked from
	Problems []i18n.Text // what does not hold
}

// Text is a catalogue that a snapshot was answered from.
type Text struct {
	Catalogue, Edition, SHA256 string
	Here                       bool // its text of that digest can still be read here
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Check verifies a file with the facility's own key, and everything that the database adds: that the dock is kept, the chain of docks whole, the
// evidence that it names still there, the catalogues' texts too. What the seal itself refuses is an error.
func (b *Book) Check(ctx context.Context, f facility.ID, file []byte) (r Report, err error) {
	key, err := b.Key(ctx, f)
	if err != nil {
		return r, err
	}
	if r.Verified, err = Verify(file, key); err != nil {
		return r, err
	}
	if r.Facility != f {
		return r, fault.New(fault.Conflict, "ほかの施設の健診です。", "This is another facility's check-up.")
	}
	return r, b.beside(ctx, f, key, &r)
}

// CheckKept is Check of a dock of this database.
func (b *Book) CheckKept(ctx context.Context, f facility.ID, id string) (Report, error) {
	s, err := b.File(ctx, f, id)
	if err != nil {
		return Report{}, err
	}
	file, err := s.File()
	if err != nil {
		return Report{}, err
	}
	return b.Check(ctx, f, file)
}

func (b *Book) beside(ctx context.Context, f facility.ID, key string, r *Report) error {
	say := func(ja, en string, args ...any) {
		r.Problems = append(r.Problems, i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)})
	}
	all, err := b.Before(ctx, f, maxDocks+1, maxDocks)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	previous := ""
	for n, d := range all {
		file, err := Sealed{Schema: Schema, Body: json.RawMessage(d.body), Seal: d.Seal}.File()
		if err != nil {
			return err
		}
		v, err := Verify(file, key)
		switch {
		case err != nil:
			say("第%d回の健診が壊れています: %s", "Check-up no. %d is damaged: %s", d.Number, fault.Sentence(err, "ja"))
		case d.Number != n+1 || v.Number != n+1:
			say("第%d回の健診がありません。", "Check-up no. %d is missing.", n+1)
		case v.Previous != previous:
			say("第%d回の健診が、前の回とつながっていません。", "Check-up no. %d does not continue the one before.", n+1)
		default:
			r.Chain++
		}
		r.Kept = r.Kept || !r.Pack && err == nil && v.Hash == r.Hash
		previous = d.Hash
	}
	if !r.Pack && !r.Kept {
		say("署名は正しいのに、この健診はこのデータベースにありません。", "The seal holds, but this check-up is not in this database.")
	}
	for n := range r.Snapshot.Forms {
		form := &r.Snapshot.Forms[n]
		if slices.ContainsFunc(r.Texts, func(t Text) bool { return t.SHA256 == form.SHA256 }) {
			continue
		}
		_, err := b.Version(ctx, form.Catalogue, form.SHA256)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		r.Texts = append(r.Texts, Text{form.Catalogue, form.Edition, form.SHA256, err == nil})
	}
	return b.chained(ctx, f, r, say)
}

// chained looks whether the evidence chain still is the one that the snapshot saw.
func (b *Book) chained(ctx context.Context, f facility.ID, r *Report, say func(ja, en string, args ...any)) error {
	seen := r.Snapshot.Evidence
	if seen.Size == 0 {
		return nil
	}
	page, err := b.Evidence.List(ctx, f, evidence.Filter{Cursor: fmt.Sprint(seen.Size + 1), Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Records) == 0 || page.Records[0].Seq != seen.Size || page.Records[0].Hash != seen.Hash {
		say("健診のときの証拠の末尾（%d件目）が、今の証拠の列にありません。", "The end of the evidence chain of that day (record %d) is not in the chain of today.", seen.Size)
	}
	return nil
}
