package catalogue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/store"
)

// Editions keeps the catalogues that a support body has loaded from files, every version of each. They belong to no facility: what is asked is the same
// for all.
type Editions struct {
	db *store.DB
}

// NewEditions makes the store.
func NewEditions(db *store.DB) *Editions { return &Editions{db: db} }

// Loaded is one version of a catalogue that was loaded from a file.
type Loaded struct {
	ID, SHA256, Name string
	At               time.Time
	ByID, ByName     string
}

const maxVersions = 2000 // of all catalogues

// Load takes in a file: a new edition, or a corrected text of one that exists (same id). Nothing is kept unless it fits together with all others. The
// same file again changes nothing, unless another version came in between: then it is in force again. Who did it comes from ctx; the caller writes the trail.
func (e *Editions) Load(ctx context.Context, name string, r io.Reader) (Catalogue, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Catalogue{}, fault.Wrap(fault.Unavailable, err, "ファイルを読めませんでした。もう一度試してください。", "the file could not be read; try again")
	}
	if len(name) > 200 {
		name = "catalogue.yaml"
	}
	c, err := Parse(name, bytes.NewReader(raw))
	if err != nil {
		return Catalogue{}, err
	}
	for range 5 { // somebody else may load at the same time
		kept, err := e.keep(ctx, name, raw, c)
		if kept || err != nil {
			return c, err
		}
	}
	return Catalogue{}, fault.New(fault.Busy, "ほかの人が同時に取り込んでいます。もう一度試してください。", "somebody else is loading at the same time; try again")
}

// keep checks the catalogue against those in force, which takes longer than a write may, and stores it unless another came in meanwhile (false).
func (e *Editions) keep(ctx context.Context, name string, raw []byte, c Catalogue) (kept bool, err error) {
	var seen int64
	var set Set
	err = e.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		if err := tx.Row(ctx, "SELECT COALESCE(MAX(seq), 0) FROM catalogue_editions").Scan(&seen); err != nil {
			return fmt.Errorf("look for editions: %w", err)
		}
		set, err = inForce(ctx, tx)
		return err
	})
	if err != nil {
		return false, err
	}
	if _, err := set.With(c); err != nil {
		return false, err
	}
	who := actor.From(ctx)
	err = e.db.WriteShared(ctx, func(tx *store.Shared) error {
		var count, last int64
		if err := tx.Row(ctx, "SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM catalogue_editions").Scan(&count, &last); err != nil {
			return fmt.Errorf("count editions: %w", err)
		}
		if kept = last == seen; !kept {
			return nil
		}
		if count >= maxVersions {
			return fault.New(fault.TooLarge, "取り込んだ版が 2,000 を超えました。", "more than 2,000 versions were loaded")
		}
		_, err := tx.Exec(ctx, `INSERT INTO catalogue_editions (id, sha256, seq, name, content, at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id, sha256) DO UPDATE SET seq = excluded.seq`, c.ID, c.SHA256, last+1, name, raw, store.Micros(time.Now()), who.ID, who.Name)
		if err != nil {
			return fmt.Errorf("keep edition %s: %w", c.ID, err)
		}
		return nil
	})
	return kept, err
}

// Set returns the catalogues in force: those of the product, with what was loaded in their place or beside them.
func (e *Editions) Set(ctx context.Context) (Set, error) {
	var s Set
	err := e.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		s, err = inForce(ctx, tx)
		return err
	})
	return s, err
}

func inForce(ctx context.Context, tx *store.Shared) (Set, error) {
	s, err := Embedded()
	if err != nil {
		return Set{}, err
	}
	all := map[string]Catalogue{}
	for _, c := range s.All() {
		all[c.ID] = c
	}
	err = store.Each(ctx, tx, func(rows *sql.Rows) error {
		var name string
		var raw []byte
		if err := rows.Scan(&name, &raw); err != nil {
			return err
		}
		c, err := Parse(name, bytes.NewReader(raw))
		if err != nil {
			return err
		}
		all[c.ID] = c
		return nil
	}, `SELECT name, content FROM catalogue_editions e WHERE seq = (SELECT MAX(seq) FROM catalogue_editions n WHERE n.id = e.id) ORDER BY seq`)
	if err != nil {
		return Set{}, fmt.Errorf("read loaded editions: %w", err)
	}
	list := make([]Catalogue, 0, len(all))
	for _, c := range all {
		list = append(list, c)
	}
	return New(list...)
}

// Version returns the catalogue of a digest, whatever is in force now: a pack of years ago is checked against the text that it was made from.
func (e *Editions) Version(ctx context.Context, id, sha256 string) (Catalogue, error) {
	s, err := Embedded()
	if err != nil {
		return Catalogue{}, err
	}
	if c, ok := s.Find(id); ok && c.SHA256 == sha256 {
		return c, nil
	}
	var name string
	var raw []byte
	err = e.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT name, content FROM catalogue_editions WHERE id = $1 AND sha256 = $2", id, sha256).Scan(&name, &raw)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Catalogue{}, fault.New(fault.NotFound, "「"+id+"」のその版はここにありません。", "that version of “"+id+"” is not here")
	}
	if err != nil {
		return Catalogue{}, fmt.Errorf("read edition %s: %w", id, err)
	}
	return Parse(name, bytes.NewReader(raw))
}

// Loaded lists every version that was loaded, the newest first.
func (e *Editions) Loaded(ctx context.Context) ([]Loaded, error) {
	var out []Loaded
	err := e.db.ReadShared(ctx, func(tx *store.Shared) error {
		out = nil
		return store.Each(ctx, tx, func(rows *sql.Rows) error {
			var l Loaded
			var at int64
			if err := rows.Scan(&l.ID, &l.SHA256, &l.Name, &at, &l.ByID, &l.ByName); err != nil {
				return err
			}
			l.At = store.Time(at)
			out = append(out, l)
			return nil
		}, "SELECT id, sha256, name, at, by_id, by_name FROM catalogue_editions ORDER BY seq DESC")
	})
	return out, err
}
