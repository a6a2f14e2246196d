package drill

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill/hit"
	"kenshin/drill/lesson"
	"kenshin/drill/preflight"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/seal"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
)

// Houses tells a facility's name and time zone.
type Houses interface {
	Facility(ctx context.Context, id facility.ID) (account.Facility, error)
}

// Book is the facilities' drills in the database.
type Book struct {
	db     *store.DB
	box    *seal.Box
	houses Houses
	now    func() time.Time
	log    *slog.Logger

	findings Findings // where dangerous mails go

	world   preflight.World // how DNS and servers are reached, for proofs and preflights
	pretend preflight.World // the same for fictitious facilities

	doors sync.Map // number -> facility.ID and back; a door never changes its house
	keys  sync.Map // drill id -> its key; a drill's key never changes

	program func() (hit.Rules, string, error) // the rules that it carries, with their name

	sources sync.Map       // of access tokens, by what they are asked with
	roots   *x509.CertPool // who vouches for mail servers; nil: whom this machine trusts

	scenes  sync.Map // what pages tell, for a few seconds
	read    sync.Once
	book    *lesson.Book
	readErr error
}

// New returns the book that lies in db.
func New(db *store.DB, box *seal.Box, houses Houses, now func() time.Time, log *slog.Logger) *Book {
	return &Book{db: db, box: box, houses: houses, now: now, log: log, program: carried()}
}

// carried reads the rules of the program once.
func carried() func() (hit.Rules, string, error) {
	var once sync.Once
	var r hit.Rules
	var name string
	var err error
	return func() (hit.Rules, string, error) {
		once.Do(func() {
			r, err = hit.Default()
			name = r.Version()
		})
		return r, name, err
	}
}

// Reach says how DNS and servers are reached; without it proofs by DNS and preflights find nothing out.
func (b *Book) Reach(w preflight.World) { b.world = w }

// Trust says who vouches for mail servers; without it those do whom this machine trusts.
func (b *Book) Trust(roots *x509.CertPool) { b.roots = roots }

// stamp is now as the database keeps it.
func (b *Book) stamp() time.Time { return b.now().UTC().Truncate(time.Microsecond) }

// Door returns the number that stands for the facility in links; the first call makes it. Numbers are random: they tell nothing.
func (b *Book) Door(ctx context.Context, f facility.ID) (uint32, error) {
	if n, ok := b.doors.Load(f); ok {
		return n.(uint32), nil
	}
	for range 8 {
		var random [4]byte
		_, _ = rand.Read(random[:])
		var door int64
		err := b.db.WriteShared(ctx, func(tx *store.Shared) error {
			if _, err := tx.Exec(ctx, "INSERT INTO drill_doors (door, house) VALUES ($1, $2) ON CONFLICT DO NOTHING",
				int64(binary.BigEndian.Uint32(random[:])), string(f)); err != nil {
				return err
			}
			return tx.Row(ctx, "SELECT door FROM drill_doors WHERE house = $1", string(f)).Scan(&door)
		})
		if errors.Is(err, sql.ErrNoRows) { // the number was another house's
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("number the facility's links: %w", err)
		}
		b.doors.Store(f, uint32(door))
		return uint32(door), nil
	}
	return 0, fmt.Errorf("no free number for the facility's links")
}

// house returns the facility that a number stands for.
func (b *Book) house(ctx context.Context, door uint32) (facility.ID, bool, error) {
	if f, ok := b.doors.Load(door); ok {
		return f.(facility.ID), true, nil
	}
	var f string
	err := b.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT house FROM drill_doors WHERE door = $1", int64(door)).Scan(&f)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("find the facility of a link: %w", err)
	}
	b.doors.Store(door, facility.ID(f))
	return facility.ID(f), true, nil
}

// Settings returns how the facility's drills are sent.
func (b *Book) Settings(ctx context.Context, f facility.ID) (s Settings, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		s, err = settingsIn(ctx, tx)
		return err
	})
	return s, err
}

// settingsIn reads the settings with the revision that a save is compared with.
func settingsIn(ctx context.Context, tx *store.Tx) (Settings, error) {
	s, err := SettingsKey().Get(ctx, tx)
	if err != nil {
		return s, err
	}
	at, err := SettingsKey().Changed(ctx, tx)
	if s.Revision = 0; !at.IsZero() {
		s.Revision = store.Micros(at)
	}
	return s, err
}

// SaveSettings stores how the facility's drills are sent. Secrets that are left empty stay as they were. A Revision that is not the stored one's is a
// Conflict: somebody saved in between.
func (b *Book) SaveSettings(ctx context.Context, f facility.ID, s Settings, secrets Secrets) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		old, err := settingsIn(ctx, tx)
		if err != nil {
			return err
		}
		if s.Revision != 0 && s.Revision != old.Revision {
			return fault.New(fault.Conflict, "訓練の設定は、開いている間にほかの人が変更しました。もう一度開いて、変更をやり直してください。",
				"Somebody else changed the drill settings while this page was open. Open it again and repeat the change.")
		}
		if moved := s.Mailbox.Host != old.Mailbox.Host || s.Mailbox.TokenURL != old.Mailbox.TokenURL; moved && s.Mailbox.Host != "" && secrets.Mailbox == "" && len(old.Mailbox.Sealed) > 0 {
			return fault.New(fault.Invalid, "報告用メールボックスのサーバが変わったので、パスワードをもう一度入れてください。前のパスワードを、別のサーバに渡すことはしません。",
				"The report mailbox is on another server now: enter the password again. The old one is not given to another server.")
		}
		s.Relay.Sealed, s.Mailbox.Sealed, s.DKIM.Sealed = old.Relay.Sealed, old.Mailbox.Sealed, old.DKIM.Sealed
		for purpose, to := range map[string]*[]byte{relayPurpose: &s.Relay.Sealed, mailboxPurpose: &s.Mailbox.Sealed, dkimPurpose: &s.DKIM.Sealed} {
			if plain := secrets.of(purpose); plain != "" {
				if *to, err = b.box.Seal(f, purpose, []byte(plain)); err != nil {
					return err
				}
			}
		}
		s.Revision = 0
		if _, err := SettingsKey().Set(ctx, tx, s); err != nil {
			return err
		}
		var detail any
		if s.Quiet != old.Quiet || !slices.Equal(s.Egress, old.Egress) {
			n, err := judgeAgain(ctx, tx)
			if err != nil {
				return err
			}
			detail = map[string]int64{"judged_anew": n}
		}
		return b.trail(ctx, tx, "drill.settings", "", i18n.Text{Ja: "訓練メールの送り方を変えました", En: "Changed how drills are sent"}, detail)
	})
}

func (b *Book) secret(f facility.ID, purpose string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := b.box.Open(f, purpose, sealed)
	return string(plain), err
}

// trail records a deed in the deed's own transaction.
func (b *Book) trail(ctx context.Context, tx *store.Tx, action, id string, text i18n.Text, detail any) error {
	_, err := trail.Append(ctx, tx, trail.Entry{At: b.stamp(), Actor: actor.From(ctx), Action: action,
		Subject: trail.Subject{Kind: "drill", ID: id}, Summary: text, Detail: detail})
	return err
}

func marshal(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write a drill: %w", err)
	}
	return string(text), nil
}

func unmarshal(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("read a drill: %w", err)
	}
	return nil
}

func noDrill() error {
	return fault.New(fault.NotFound, "この訓練はありません。", "There is no such drill.")
}

// SettingsKey is where the settings are kept.
func SettingsKey() setting.Key[Settings] {
	return setting.Key[Settings]{Name: "drill.sending", Default: DefaultSettings(), Check: Settings.check,
		Title: i18n.Text{Ja: "訓練メールの送り方", En: "How drills are sent"}}
}
