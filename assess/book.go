package assess

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"kenshin/account"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
)

// Options are the parts of the house that a Book reads from and writes to.
type Options struct {
	Catalogues func(context.Context, facility.ID) (catalogue.Set, error) // the editions that a facility uses
	Evidence   *evidence.Book
	Findings   *finding.Book
	Ledger     *ledger.Ledger
	Suppliers  *supplier.Book
	Registers  *register.Book                                                  // nil: no register is kept
	Seen       *observation.Log                                                // nil: no device was ever asked
	Gates      *gate.Book                                                      // nil: no segment was ever approved
	People     *account.Service                                                // nil: nobody has an account, days are UTC's
	Drills     func(context.Context, facility.ID) ([]Held, int, error)         // mail drills that ended, and how many people work here; nil: none
	Trained    func(context.Context, facility.ID, time.Time) (Training, error) // lessons of the mail drill that were finished since a time; nil: none
	Tables     func(context.Context) (catalogue.Tables, error)                 // figures, patterns, costs and how long checks count; nil: the product's own
	Now        func() time.Time
}

// Book keeps what people answered, joins it with the evidence and says how a facility stands.
type Book struct {
	db *store.DB
	Options
	checks atomic.Pointer[catalogue.Checks] // as they were when a form was opened last; the same for all facilities
}

// NewBook returns the book that lies in db.
func NewBook(db *store.DB, o Options) (*Book, error) {
	if o.Tables == nil {
		o.Tables = func(context.Context) (catalogue.Tables, error) { return catalogue.BuiltIn() }
	}
	checks, err := catalogue.LoadChecks()
	if err != nil {
		return nil, err
	}
	b := &Book{db: db, Options: o}
	b.checks.Store(&checks)
	return b, nil
}

// refresh takes over how long and how wide checks count, where that was changed.
func (b *Book) refresh(ctx context.Context) error {
	s, err := b.Tables(ctx)
	if err == nil {
		b.checks.Store(&s.Checks)
	}
	return err
}

// Assessment is one form of a facility, or of one of its systems, as it stands now.
type Assessment struct {
	Catalogue catalogue.Catalogue
	Subject   string // "" for the facility, else the id of a system
	Name      string // what the subject is called
	Items     []Item
	First     Round
	Second    Round
	At        time.Time // when it was judged, in the facility's zone
}

// Item is one item with the person's answer, the machine's and what was kept beside them.
type Item struct {
	Answered
	State     State
	Note      string
	ByName    string
	Changed   time.Time // of the answer; zero: there is none
	Revision  int64     // of the answer; 0: there is none
	Records   []evidence.Record
	Question  *Question // the one that is open, or the newest
	Files     []blob.Attachment
	Unwritten []catalogue.Check // checks of the item that have no result here
}

// Item returns an item by its id.
func (a *Assessment) Item(id string) (Item, bool) {
	n := slices.IndexFunc(a.Items, func(i Item) bool { return i.Item.ID == id })
	if n < 0 {
		return Item{}, false
	}
	return a.Items[n], true
}

// clock returns the time in a facility's zone: what counts is the calendar there.
func (b *Book) clock(ctx context.Context, f facility.ID) (time.Time, error) {
	now := b.Now()
	if b.People == nil {
		return now, nil
	}
	fac, err := b.People.Facility(ctx, f)
	if err != nil {
		return now, err
	}
	return now.In(fac.Location()), nil
}

// Assessment returns a form with everything that is known of its items. subject is "" or the id of a system of the ledger.
func (b *Book) Assessment(ctx context.Context, f facility.ID, catalogueID, subject string) (Assessment, error) {
	all, err := b.Assessments(ctx, f, catalogueID, subject)
	if err != nil {
		return Assessment{}, err
	}
	return all[0], nil
}

// Assessments is Assessment for several subjects in their order, as of one moment: the evidence is read once for all of them.
func (b *Book) Assessments(ctx context.Context, f facility.ID, catalogueID string, subjects ...string) ([]Assessment, error) {
	c, err := b.form(ctx, f, catalogueID)
	if err != nil {
		return nil, err
	}
	now, err := b.clock(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]Assessment, len(subjects))
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		latest, err := b.Evidence.LatestTx(ctx, tx)
		if err != nil {
			return err
		}
		files, err := blob.Below(ctx, tx, fileOwners(c.ID))
		if err != nil {
			return err
		}
		for n, s := range subjects {
			out[n] = Assessment{Catalogue: c, Subject: s, At: now}
			since, err := b.subject(ctx, tx, &out[n])
			if err != nil {
				return err
			}
			if err := b.fill(ctx, tx, &out[n], since, latest, files); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (b *Book) form(ctx context.Context, f facility.ID, id string) (catalogue.Catalogue, error) {
	if err := b.refresh(ctx); err != nil {
		return catalogue.Catalogue{}, err
	}
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return catalogue.Catalogue{}, err
	}
	c, ok := set.Find(id)
	if !ok {
		return c, fault.New(fault.NotFound, "この点検表はありません。", "There is no such catalogue.")
	}
	return c, nil
}

// subject finds what an assessment is about, and since when it exists.
func (b *Book) subject(ctx context.Context, tx *store.Tx, a *Assessment) (time.Time, error) {
	if a.Subject == "" {
		return time.Time{}, nil
	}
	name, since, err := b.Ledger.SystemSince(ctx, tx, a.Subject)
	a.Name = name
	return dayIn(since, a.At.Location()), err
}

// fill joins claims and evidence; files are all that hang on the catalogue's answers, by owner.
func (b *Book) fill(ctx context.Context, tx *store.Tx, a *Assessment, since time.Time, latest map[string]evidence.Record, files map[string][]blob.Attachment) error {
	claims, err := claimsOf(ctx, tx, a.Catalogue.ID, a.Subject)
	if err != nil {
		return err
	}
	asked, err := questionsOf(ctx, tx, a.Catalogue.ID, a.Subject)
	if err != nil {
		return err
	}
	var all []Answered
	for _, item := range a.Catalogue.Items {
		i := b.join(item, a.Subject, claims[item.ID], latest, since, a.At)
		i.Question = asked[item.ID]
		i.Files = files[fileOwner(a.Catalogue.ID, a.Subject, item.ID)]
		a.Items, all = append(a.Items, i), append(all, i.Answered)
	}
	a.First, a.Second = Rounds(a.Catalogue, all, a.At)
	return nil
}

// join makes an item of its answer and of the newest results of its checks.
func (b *Book) join(item catalogue.Item, subject string, k kept, latest map[string]evidence.Record, since, now time.Time) Item {
	out := Item{Note: k.Note, ByName: k.byName, Changed: k.changed, Revision: k.revision}
	out.Item, out.Claim, out.Excuse = item, k.claim(), k.Excuse
	var verdicts []Verdict
	for _, id := range item.Checks {
		check, _ := b.checks.Load().Find(id)
		r, known := latest[evidence.Key(id, subject)]
		if known {
			out.Records = append(out.Records, r)
		} else {
			out.Unwritten = append(out.Unwritten, check)
		}
		verdicts = append(verdicts, verdictOf(r, check.Percent))
	}
	out.Verdict, out.Need = Join(verdicts, now), Need{Since: since}
	out.State = out.Answered.State(now)
	return out
}

// verdictOf reads a record; the zero record is a check that never ran.
func verdictOf(r evidence.Record, percent int) Verdict {
	v := Verdict{Measured: r.Measured, Of: r.Of, At: r.At, Until: r.Until, Down: r.Down, Percent: percent}
	switch r.Outcome {
	case evidence.Pass:
		v.Outcome = Pass
	case evidence.Fail:
		v.Outcome = Fail
	default: // nothing could be looked at: that the check ran makes no measurement of it
		return Verdict{Down: r.Down}
	}
	return v
}
