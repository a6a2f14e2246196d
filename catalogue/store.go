package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// Editions keeps the catalogues that a support body has loaded from files, every version of each. They belong to no facility: what is asked is the same
// for all. Safe for concurrent use.
type Editions struct {
	db   *store.DB
	base func() (Set, error) // what comes with the product

	mu      sync.Mutex
	key     string // of the newest version that kept was made of
	kept    Set
	refused []Refused

	tableKey string // of the newest version that tables was made of
	tables   Tables
}

// NewEditions makes the store.
func NewEditions(db *store.DB) *Editions {
	return &Editions{db: db, base: sync.OnceValues(Embedded)}
}

// Loaded is one version of a catalogue that was loaded from a file, or corrected on the screen.
type Loaded struct {
	ID, SHA256, Name, Note string
	At                     time.Time
	ByID, ByName           string
}

// Refused is a loaded catalogue that no longer fits together with the others, as after an update of the product: it is kept and not in force.
type Refused struct {
	ID  string
	Why error
}

// File is a catalogue that was read and checked, ready to be kept.
type File struct {
	Catalogue Catalogue
	Name      string
	Note      i18n.Text // what was changed, for the list of versions
	raw       []byte
}

const maxVersions = 2000 // of all catalogues

// Load takes in a file: a new edition, or a corrected text of one that exists (same id). It is Read and Keep.
func (e *Editions) Load(ctx context.Context, name string, r io.Reader) (Catalogue, error) {
	f, err := e.Read(ctx, name, r)
	if err != nil {
		return Catalogue{}, err
	}
	return f.Catalogue, e.Keep(ctx, f)
}

// Read checks a file by itself and beside the catalogues in force, and keeps nothing. The error holds Mistakes.
func (e *Editions) Read(ctx context.Context, name string, r io.Reader) (File, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return File{}, fault.Wrap(fault.Unavailable, err, "ファイルを読めませんでした。もう一度試してください。", "the file could not be read; try again")
	}
	if len(name) > 200 || name == "" {
		name = "catalogue.yaml"
	}
	c, err := Parse(name, bytes.NewReader(raw))
	if err != nil {
		return File{}, err
	}
	set, err := e.Set(ctx)
	if err != nil {
		return File{}, err
	}
	if _, err := set.With(c); err != nil {
		return File{}, err
	}
	return File{Catalogue: c, Name: name, raw: raw}, nil
}

// Keep puts a file in force that Read returned, unless it is so already. Who did it comes from ctx; the caller writes the trail. What was loaded since Read is checked against.
func (e *Editions) Keep(ctx context.Context, f File) error {
	for range 10 { // somebody else may load at the same time
		kept, err := e.keep(ctx, f)
		if kept || err != nil {
			return err
		}
	}
	return fault.New(fault.Busy, "ほかの人が同時に取り込んでいます。もう一度試してください。", "somebody else is loading at the same time; try again")
}

// keep checks the catalogue against those in force, which takes longer than a write may, and stores it unless another came in meanwhile (false).
func (e *Editions) keep(ctx context.Context, f File) (kept bool, err error) {
	var seen int64
	var set Set
	err = e.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		if seen, err = newest(ctx, tx); err != nil {
			return err
		}
		set, err = e.inForce(ctx, tx)
		return err
	})
	if err != nil {
		return false, err
	}
	if _, err := set.With(f.Catalogue); err != nil {
		return false, err
	}
	if now, ok := set.Find(f.Catalogue.ID); ok && now.SHA256 == f.Catalogue.SHA256 {
		return true, nil
	}
	who := actor.From(ctx)
	err = e.db.WriteShared(ctx, func(tx *store.Shared) error {
		last, err := newest(ctx, tx)
		if err != nil {
			return err
		}
		if kept = last == seen; !kept {
			return nil
		}
		if last >= maxVersions {
			return fault.New(fault.TooLarge, "取り込んだ版が 2,000 を超えました。", "more than 2,000 versions were loaded")
		}
		n, err := tx.Exec(ctx, `INSERT INTO catalogue_editions (seq, id, sha256, name, note, content, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (seq) DO NOTHING`, last+1, f.Catalogue.ID, f.Catalogue.SHA256, f.Name, f.Note.In(i18n.Ja), f.raw, store.Micros(time.Now()), who.ID, who.Name)
		if err != nil {
			return fmt.Errorf("keep edition %s: %w", f.Catalogue.ID, err)
		}
		kept = n == 1 // on PostgreSQL another may commit between the question and the insert
		return nil
	})
	return kept, err
}

func newest(ctx context.Context, tx *store.Shared) (seq int64, err error) {
	if err := tx.Row(ctx, "SELECT COALESCE(MAX(seq), 0) FROM catalogue_editions").Scan(&seq); err != nil {
		return 0, fmt.Errorf("look for editions: %w", err)
	}
	return seq, nil
}

// Set returns the catalogues in force: those of the product, with what was loaded in their place or beside them.
func (e *Editions) Set(ctx context.Context) (Set, error) {
	var s Set
	err := e.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		s, err = e.inForce(ctx, tx)
		return err
	})
	return s, err
}

// Refused lists what was loaded and is not in force, since it does not fit together with the rest.
func (e *Editions) Refused(ctx context.Context) ([]Refused, error) {
	if _, err := e.Set(ctx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused, nil
}

// inForce reads the catalogues anew only when another version came in: reading them takes longer than a page may.
func (e *Editions) inForce(ctx context.Context, tx *store.Shared) (Set, error) {
	key := "none"
	err := tx.Row(ctx, "SELECT id || ' ' || sha256 || ' ' || seq FROM catalogue_editions ORDER BY seq DESC LIMIT 1").Scan(&key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Set{}, fmt.Errorf("look for editions: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.key == key {
		return e.kept, nil
	}
	s, refused, err := e.read(ctx, tx)
	if err != nil {
		return Set{}, err
	}
	e.key, e.kept, e.refused = key, s, refused
	return s, nil
}

func (e *Editions) read(ctx context.Context, tx *store.Shared) (s Set, refused []Refused, err error) {
	if s, err = e.base(); err != nil {
		return s, nil, err
	}
	var todo []Catalogue
	err = store.Each(ctx, tx, func(rows *sql.Rows) error {
		var id, name string
		var raw []byte
		if err := rows.Scan(&id, &name, &raw); err != nil {
			return err
		}
		c, err := Parse(name, bytes.NewReader(raw))
		if err != nil { // an update of the product may ask for more
			refused = append(refused, Refused{id, err})
			return nil
		}
		todo = append(todo, c)
		return nil
	}, `SELECT id, name, content FROM catalogue_editions e WHERE id NOT LIKE 'table:%' AND seq = (SELECT MAX(seq) FROM catalogue_editions n WHERE n.id = e.id) ORDER BY seq`)
	if err != nil {
		return s, nil, fmt.Errorf("read loaded editions: %w", err)
	}
	s, unfit := s.withAll(todo)
	return s, append(refused, unfit...), nil
}

// withAll adds what fits, in whatever order it fits: an edition needs the one before, which may have been corrected later. The rest stays out.
func (s Set) withAll(todo []Catalogue) (Set, []Refused) {
	for {
		var left []Catalogue
		var unfit []Refused
		for _, c := range todo {
			with, err := s.With(c)
			if err != nil {
				left, unfit = append(left, c), append(unfit, Refused{c.ID, err})
				continue
			}
			s = with
		}
		if len(left) == 0 || len(left) == len(todo) {
			return s, unfit
		}
		todo = left
	}
}

// File returns a version as it came, to download or to put in force again: a loaded one, or the product's own.
func (e *Editions) File(ctx context.Context, id, sha256 string) (File, error) {
	base, err := e.base()
	if err != nil {
		return File{}, err
	}
	f := File{Name: id + ".yaml"}
	if c, ok := base.Find(id); ok && c.SHA256 == sha256 {
		f.Catalogue = c
		f.raw, err = fs.ReadFile(embedded, "data/"+f.Name)
		return f, err
	}
	err = e.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT name, content FROM catalogue_editions WHERE id = $1 AND sha256 = $2 ORDER BY seq DESC LIMIT 1", id, sha256).Scan(&f.Name, &f.raw)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return File{}, fault.New(fault.NotFound, "「"+id+"」のその版はここにありません。", "that version of “"+id+"” is not here")
	}
	if err != nil {
		return File{}, fmt.Errorf("read edition %s: %w", id, err)
	}
	f.Catalogue, err = Parse(f.Name, bytes.NewReader(f.raw))
	return f, err
}

// Own returns the product's own version of a catalogue.
func (e *Editions) Own(id string) (Catalogue, bool, error) {
	s, err := e.base()
	if err != nil {
		return Catalogue{}, false, err
	}
	c, ok := s.Find(id)
	return c, ok, nil
}

// Raw is the file as it came.
func (f File) Raw() []byte { return f.raw }

// Version returns the catalogue of a digest, whatever is in force now: a pack of years ago is checked against the text that it was made from.
func (e *Editions) Version(ctx context.Context, id, sha256 string) (Catalogue, error) {
	f, err := e.File(ctx, id, sha256)
	return f.Catalogue, err
}

// Loaded lists every version that was loaded, the newest first; of one catalogue where id is given.
func (e *Editions) Loaded(ctx context.Context, id string) ([]Loaded, error) {
	var out []Loaded
	err := e.db.ReadShared(ctx, func(tx *store.Shared) error {
		out = nil
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var l Loaded
			var at int64
			if err := rows.Scan(&l.ID, &l.SHA256, &l.Name, &l.Note, &at, &l.ByID, &l.ByName); err != nil {
				return err
			}
			l.At = store.Time(at)
			out = append(out, l)
			return nil
		}, "SELECT id, sha256, name, note, at, by_id, by_name FROM catalogue_editions WHERE id NOT LIKE 'table:%' AND ($1 = '' OR id = $1) ORDER BY seq DESC", id)
	})
	return out, err
}
