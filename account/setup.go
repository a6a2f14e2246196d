package account

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

const (
	setupKey      = "setup"
	keptSetupCode = 8 // copies that start side by side each show a code, and each works
)

var (
	errSetupDone = fault.New(fault.Conflict, "はじめの設定はもう済んでいます。サインインしてください。", "The first setup is done already. Sign in.")
	errSetupCode = fault.New(fault.Denied, "はじめの設定の合言葉が違います。起動した画面(またはログ)に出ている文字を、そのまま入れてください。",
		"The setup code is wrong. Enter the code that was shown when Kenshin started.")
)

// NeedsSetup reports whether nobody can manage this installation yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	needed := false
	err := s.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		needed, err = needsSetup(ctx, tx)
		return err
	})
	return needed, err
}

func needsSetup(ctx context.Context, tx *store.Shared) (bool, error) {
	var n int
	if err := tx.Row(ctx, "SELECT count(*) FROM account_members WHERE role = $1", string(actor.Admin)).Scan(&n); err != nil {
		return false, fmt.Errorf("count admins: %w", err)
	}
	return n == 0, nil
}

// SetupCode makes a one-time code for the first set-up, to be shown where Kenshin was started. It returns "" when an admin exists.
func (s *Service) SetupCode(ctx context.Context) (code string, err error) {
	raw := make([]byte, 10)
	_, _ = rand.Read(raw)
	plain := base32.StdEncoding.EncodeToString(raw)
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		needed, err := needsSetup(ctx, tx)
		if err != nil || !needed {
			return err
		}
		now := store.Micros(s.now())
		if _, err := tx.Exec(ctx, "INSERT INTO account_setup_codes (hash, created_at) VALUES ($1, $2)", hashOf(plain), now); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM account_setup_codes WHERE hash NOT IN
			(SELECT hash FROM account_setup_codes ORDER BY created_at DESC, hash LIMIT $1)`, keptSetupCode)
		code = strings.ReplaceAll(groups(plain), " ", "-")
		return err
	})
	return code, err
}

// SetupForm is what the first page asks.
type SetupForm struct {
	Code     string
	Facility Facility // Name at least
	Person   NewPerson
}

// Setup makes the first facility and its admin, with the code of SetupCode. It returns a pending session, in which the admin
// sets up the second factor.
func (s *Service) Setup(ctx context.Context, form SetupForm, from From) (token string, x Session, err error) {
	code, err := s.setupCodeHash(ctx, form.Code)
	if err != nil {
		return "", x, err
	}
	f, err := form.Facility.check()
	if err != nil {
		return "", x, err
	}
	n, err := form.Person.check(MinPassword, f.Name, f.Reading)
	if err != nil {
		return "", x, err
	}
	phc, err := s.hash(ctx, n.Password)
	if err != nil {
		return "", x, err
	}
	f.ID = facility.ID(store.NewID())
	err = s.db.Write(ctx, f.ID, func(tx *store.Tx) error {
		if err := takeSetup(ctx, &tx.Shared, code); err != nil {
			return err
		}
		p, err := s.insertPerson(ctx, &tx.Shared, n, phc)
		if err != nil {
			return err
		}
		ctx := actor.With(ctx, actor.Actor{Kind: actor.Person, ID: string(p.ID), Name: p.Name, Role: actor.Admin})
		if _, err := s.insertFacility(ctx, tx, f); err != nil {
			return err
		}
		if err := s.putMember(ctx, tx, p.ID, actor.Admin, time.Time{}); err != nil {
			return err
		}
		if err := s.trailMember(ctx, tx, p.ID, "member.add", i18n.Text{Ja: "最初の情報担当を登録しました", En: "Added the first admin"},
			map[string]any{"role": actor.Admin}); err != nil {
			return err
		}
		token, x, err = s.newSession(ctx, &tx.Shared, p, StageEnrol, ByPassword, from)
		return err
	})
	return token, x, err
}

// CheckSetupCode tells, before the rest is asked, whether a code opens the first set-up; wrong ones are counted.
func (s *Service) CheckSetupCode(ctx context.Context, code string) error {
	_, err := s.setupCodeHash(ctx, code)
	return err
}

func (s *Service) setupCodeHash(ctx context.Context, text string) (string, error) {
	needed, err := s.NeedsSetup(ctx)
	if err == nil && !needed {
		err = errSetupDone
	}
	if err != nil {
		return "", err
	}
	if _, err := s.attempt(ctx, setupKey, perAccount); err != nil {
		return "", err
	}
	code := hashOf(plainCode(text))
	if err := s.db.ReadShared(ctx, func(tx *store.Shared) error { return knownCode(ctx, tx, code) }); err != nil {
		return "", err
	}
	return code, s.db.WriteShared(ctx, func(tx *store.Shared) error { // the code was right: mistakes in the rest are not guesses
		_, err := tx.Exec(ctx, "DELETE FROM account_attempts WHERE name = $1", setupKey)
		return err
	})
}

func knownCode(ctx context.Context, tx *store.Shared, hash string) error {
	var n int
	err := tx.Row(ctx, "SELECT count(*) FROM account_setup_codes WHERE hash = $1", hash).Scan(&n)
	if err == nil && n == 0 {
		err = errSetupCode
	}
	return err
}

// takeSetup ends all codes. Of two set-ups at once the second waits at the rows that the first deletes, and then finds none.
func takeSetup(ctx context.Context, tx *store.Shared, hash string) error {
	if _, err := tx.Exec(ctx, "UPDATE account_setup_codes SET created_at = created_at WHERE hash >= $1", ""); err != nil {
		return err
	}
	needed, err := needsSetup(ctx, tx)
	if err != nil {
		return err
	}
	if !needed {
		return errSetupDone
	}
	if err := knownCode(ctx, tx, hash); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM account_setup_codes")
	return err
}

// Sweep drops what is over: sessions, ceremonies, invitations, counted tries. A schedule calls it about once an hour.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	return s.db.WriteShared(ctx, func(tx *store.Shared) error {
		for _, q := range []string{
			"DELETE FROM account_sessions WHERE expires_at < $1 OR seen_at + idle < $1",
			"DELETE FROM account_ceremonies WHERE expires_at < $1",
			"DELETE FROM account_invitations WHERE expires_at < $1",
		} {
			if _, err := tx.Exec(ctx, q, store.Micros(now)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "DELETE FROM account_attempts WHERE last_at < $1", store.Micros(now.Add(-24*perAccount.forget)))
		return err
	})
}
