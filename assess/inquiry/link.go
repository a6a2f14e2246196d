package inquiry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// tokenLength is the number of characters of a link's token: 160 random bits.
const tokenLength = 32

func newToken() string {
	var random [20]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

// hashOf is what is stored of a token: whoever reads the database cannot open the link.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// link makes a link to an inquiry. Older ones stay good: a reminder does not take the first mail's away.
func (b *Book) link(ctx context.Context, tx *store.Tx, i *Inquiry, until time.Time) (token string, err error) {
	token = newToken()
	if _, err := tx.Exec(ctx, "INSERT INTO inquiry_doors (house, hash) VALUES ($1, $2)", hashOf(token)); err != nil {
		return "", err
	}
	i.Until = until.UTC().Truncate(time.Microsecond)
	_, err = tx.Exec(ctx, "INSERT INTO inquiry_links (facility_id, hash, inquiry_id, at, until_at, ended_at) VALUES ($1, $2, $3, $4, $5, 0)",
		hashOf(token), i.ID, store.Micros(b.stamp()), store.Micros(i.Until))
	return token, err
}

// end makes all links of an inquiry useless.
func (b *Book) end(ctx context.Context, tx *store.Tx, inquiry string) error {
	_, err := tx.Exec(ctx, "UPDATE inquiry_links SET ended_at = $3 WHERE facility_id = $1 AND inquiry_id = $2 AND ended_at = 0", inquiry, store.Micros(b.stamp()))
	return err
}

// Gate says whether a link opens, and if not, why.
type Gate string

const (
	Opens    Gate = "opens"
	Ended    Gate = "ended"    // taken back by the hospital
	RunOut   Gate = "run-out"  // its time is over
	Done     Gate = "done"     // answered already
	Declined Gate = "declined" // the addressee refused
	Closed   Gate = "closed"   // the survey is over
	NoSuch   Gate = "no-such"  // nobody's link
)

// Door is what a link leads to.
type Door struct {
	Gate     Gate
	House    facility.ID
	Inquiry  Inquiry
	Hospital string
	Contact  string
}

// house returns the facility that a link belongs to.
func (b *Book) house(ctx context.Context, token string) (facility.ID, bool, error) {
	if len(token) != tokenLength {
		return "", false, nil
	}
	var f string
	err := b.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT house FROM inquiry_doors WHERE hash = $1", hashOf(token)).Scan(&f)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("find the facility of a form's link: %w", err)
	}
	return facility.ID(f), true, nil
}

// gate reads what a token opens, in a facility's transaction.
func (b *Book) gate(ctx context.Context, tx *store.Tx, token string) (Gate, Inquiry, error) {
	var id string
	var until, ended int64
	err := tx.Row(ctx, "SELECT inquiry_id, until_at, ended_at FROM inquiry_links WHERE facility_id = $1 AND hash = $2", hashOf(token)).Scan(&id, &until, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return NoSuch, Inquiry{}, nil
	}
	if err != nil {
		return NoSuch, Inquiry{}, err
	}
	i, err := get(ctx, tx, id)
	if err != nil {
		return NoSuch, i, err
	}
	switch {
	case ended != 0 || i.State == Revoked:
		return Ended, i, nil
	case i.State == Refused:
		return Declined, i, nil
	case i.State == Answered || i.State == Taken:
		return Done, i, nil
	case !store.Time(until).After(b.Now()):
		return RunOut, i, nil
	}
	if i.Kind == Survey {
		s, err := survey(ctx, tx, i.Survey)
		if err != nil || s.State != SurveyOpen {
			return Closed, i, err
		}
	}
	return Opens, i, nil
}

// Open looks at what a link leads to. Looking changes nothing: mail filters follow links, too.
func (b *Book) Open(ctx context.Context, token string) (d Door, err error) {
	d.Gate = NoSuch
	f, known, err := b.house(ctx, token)
	if err != nil || !known {
		return d, err
	}
	house, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return d, err
	}
	d.House, d.Hospital = f, house.Name
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if d.Gate, d.Inquiry, err = b.gate(ctx, tx, token); err != nil {
			return err
		}
		s, err := SettingsKey().Get(ctx, tx)
		d.Contact = s.Contact
		return err
	})
	return d, err
}
