package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

var errPassword = fault.New(fault.Denied, "メールアドレスかパスワードが違います。忘れたときは、情報担当に再設定を頼んでください。",
	"The e-mail address or the password is wrong. If you forgot it, ask your admin to reset it.")

// SignIn takes the first factor. It returns a pending session (StageSecond or StageEnrol), never an open one. The answer and its
// time are the same for an unknown address, a wrong password and a disabled person.
func (s *Service) SignIn(ctx context.Context, email, password string, from From) (token string, x Session, err error) {
	email = FoldEmail(email)
	if len(email) > maxEmail || len(password) > 4*maxPassword {
		return "", x, errPassword
	}
	tries, err := s.attempts(ctx, email, from)
	if err != nil {
		return "", x, err
	}
	p, phc, err := s.personByEmail(ctx, email)
	known := err == nil && !p.Disabled && phc != ""
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", x, err
	}
	if !known {
		phc = s.decoy
	}
	var right bool
	var cost Cost
	if err := s.hashed(ctx, func() { right, cost = verifyPassword(phc, password) }); err != nil {
		return "", x, err
	}
	if !known || !right {
		return "", x, errPassword
	}
	again := ""
	if cost != s.o.Cost {
		if err := s.hashed(ctx, func() { again = hashPassword(s.o.Cost, password) }); err != nil {
			return "", x, err
		}
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) (err error) {
		if err := takeBack(ctx, tx, tries); err != nil {
			return err
		}
		if again != "" {
			if _, err := tx.Exec(ctx, "UPDATE account_people SET password = $3 WHERE id = $1 AND password = $2", string(p.ID), phc,
				again); err != nil {
				return err
			}
		}
		stage := StageSecond
		if !p.TOTP && p.Passkeys == 0 {
			stage = StageEnrol
		}
		token, x, err = s.newSession(ctx, tx, p, stage, ByPassword, from)
		return err
	})
	return token, x, err
}

// open turns a pending session (or a passkey's proof, where pending is the zero Session) into an open one with a new token.
func (s *Service) open(ctx context.Context, pending Session, p Person, m Method, from From,
	extra func(*store.Shared) error) (token string, x Session, err error) {
	failed := 0
	err = s.db.WriteShared(ctx, func(tx *store.Shared) (err error) {
		if pending.ID != "" { // used once: two requests at a time open one session
			n, err := tx.Exec(ctx, "DELETE FROM account_sessions WHERE id = $1 AND stage <> 'open'", pending.ID)
			if err == nil && n == 0 {
				err = errSignIn
			}
			if err != nil {
				return err
			}
		}
		if extra != nil {
			if err := extra(tx); err != nil {
				return err
			}
		}
		err = tx.Row(ctx, "DELETE FROM account_attempts WHERE name = $1 RETURNING failures", accountKey(p.Email)).Scan(&failed)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("forget failed tries: %w", err)
		}
		token, x, err = s.newSession(ctx, tx, p, StageOpen, m, from)
		return err
	})
	if err != nil {
		return "", Session{}, err
	}
	// Failed tries are told here and not when they happen: writing them then would show by its time that the address exists.
	detail := map[string]any{"method": m, "address": x.Address}
	if failed > 0 {
		detail["failed_before"] = failed
	}
	if x, err = s.enterFirst(ctx, x); err != nil {
		return "", Session{}, err
	}
	err = s.record(ctx, p.ID, trail.Entry{Action: "person.sign-in", Summary: i18n.Text{Ja: "サインインしました", En: "Signed in"}, Detail: detail})
	return token, x, err
}

// record writes an entry about a person into the trail of each facility that the person works in. A support body's facilities are
// left out: they see their supporter when it enters.
func (s *Service) record(ctx context.Context, id actor.PersonID, e trail.Entry) error {
	members, err := s.Memberships(ctx, id)
	if err != nil {
		return err
	}
	e.At, e.Subject, e.Actor = s.now(), personSubject(id), actor.From(ctx)
	for _, m := range members {
		if m.Role == actor.Desk {
			continue
		}
		one := e
		if one.Actor.Kind == actor.System { // nobody was named yet: a person who is just signing in
			one.Actor = actor.Actor{Kind: actor.Person, ID: string(id), Name: m.Person.Name, Role: m.Role}
		}
		err := s.db.Write(ctx, m.Facility.ID, func(tx *store.Tx) error {
			_, err := trail.Append(ctx, tx, one)
			return err
		})
		if err != nil {
			return fmt.Errorf("write the trail: %w", err)
		}
	}
	return nil
}

func personSubject(id actor.PersonID) trail.Subject {
	return trail.Subject{Kind: "person", ID: string(id)}
}
