package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

// TokenPrefix starts every API token, so that secret scanners and people know one when they see it.
const TokenPrefix = "ken_"

const maxTokens = 100

// Token lets a script use the API of one facility in one role.
type Token struct {
	ID        string
	Facility  facility.ID
	Name      string
	Role      actor.Role
	Hint      string // the token's first characters
	CreatedBy string
	Maker     actor.PersonID // who made it; "" where it was made at the command line
	Created   time.Time
	Expires   time.Time // zero: no end
	Used      time.Time // zero: never; exact to a minute
}

// AddToken makes a token and returns its secret, which is kept nowhere. lasts 0 means without end.
func (s *Service) AddToken(ctx context.Context, f facility.ID, name string, role actor.Role, lasts time.Duration) (text string, t Token, err error) {
	if err := manage(ctx); err != nil {
		return "", t, err
	}
	if name, err = checkName(name, i18n.Text{Ja: "トークンの名前", En: "name of the token"}, true); err != nil {
		return "", t, err
	}
	if !role.Valid() || role == actor.Desk {
		return "", t, fault.New(fault.Invalid, "トークンの役割を選んでください(支援者は選べません)。", "Choose the token's role (not desk).")
	}
	if lasts < 0 {
		return "", t, fault.New(fault.Invalid, "期限は今より後にしてください。", "The token's end must lie ahead.")
	}
	now := s.now()
	text, hash := secret(TokenPrefix)
	t = Token{ID: store.NewID(), Facility: f, Name: name, Role: role, Hint: text[:len(TokenPrefix)+4], CreatedBy: actor.From(ctx).Name, Created: now}
	if who := actor.From(ctx); who.Kind == actor.Person {
		t.Maker = actor.PersonID(who.ID)
	}
	if lasts > 0 {
		t.Expires = now.Add(lasts)
	}
	err = s.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := lockFacility(ctx, &tx.Shared, f); err != nil {
			return err
		}
		var n int
		if err := tx.Shared.Row(ctx, "SELECT count(*) FROM account_tokens WHERE facility = $1", string(f)).Scan(&n); err != nil {
			return err
		}
		if n >= maxTokens {
			return fault.Newf(fault.TooLarge, "トークンは%d個までです。使っていないものを消してください。", "At most %d tokens. Remove one that is not used.", maxTokens)
		}
		_, err := tx.Shared.Exec(ctx, `INSERT INTO account_tokens (id, hash, facility, name, role, hint, created_by, created_at, expires_at, used_at, maker)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)`, t.ID, hash, string(f), name, string(role), t.Hint, t.CreatedBy, store.Micros(now), store.Micros(t.Expires),
			string(t.Maker))
		if err != nil {
			return err
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: now, Action: "token.add", Subject: trail.Subject{Kind: "token", ID: t.ID},
			Summary: i18n.Text{Ja: "プログラム用の鍵(APIトークン)を作りました", En: "Made an API token"}, Detail: map[string]any{"name": name, "role": role,
				"expires": t.Expires}})
		return err
	})
	return text, t, err
}

// Token returns the token of a bearer header's text and notes that it is in use.
func (s *Service) Token(ctx context.Context, text string) (Token, error) {
	wrong := fault.New(fault.Denied, "プログラム用の鍵(APIトークン)が違うか、期限が切れているか、取り消されています。", "The API token is wrong, expired or revoked.")
	if !strings.HasPrefix(text, TokenPrefix) || len(text) > 100 {
		return Token{}, wrong
	}
	now := s.now()
	var t Token
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		list, err := tokens(ctx, tx, "t.hash = $1 AND (t.expires_at = 0 OR t.expires_at > $2)", hashOf(text), store.Micros(now))
		if err == nil && len(list) == 0 {
			err = wrong
		}
		if err == nil {
			t = list[0]
		}
		return err
	})
	if err != nil || now.Sub(t.Used) < time.Minute {
		return t, err
	}
	t.Used = now
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "UPDATE account_tokens SET used_at = $2 WHERE id = $1", t.ID, store.Micros(now))
		return err
	})
	return t, err
}

// Tokens lists a facility's tokens, newest first, expired ones included.
func (s *Service) Tokens(ctx context.Context, f facility.ID) (out []Token, err error) {
	err = s.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		out, err = tokens(ctx, tx, "t.facility = $1", string(f))
		return err
	})
	return out, err
}

func tokens(ctx context.Context, tx *store.Shared, cond string, args ...any) ([]Token, error) {
	var out []Token
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var t Token
		var f, role string
		var created, expires, used int64
		err := r.Scan(&t.ID, &f, &t.Name, &role, &t.Hint, &t.CreatedBy, &created, &expires, &used, &t.Maker)
		t.Facility, t.Role, t.Created, t.Expires, t.Used = facility.ID(f), actor.Role(role), store.Time(created), store.Time(expires), store.Time(used)
		out = append(out, t)
		return err
	}, `SELECT t.id, t.facility, t.name, t.role, t.hint, t.created_by, t.created_at, t.expires_at, t.used_at, t.maker
		FROM account_tokens t WHERE `+cond+" ORDER BY t.id DESC", args...)
	return out, err
}

// RevokeToken ends a token at once.
func (s *Service) RevokeToken(ctx context.Context, f facility.ID, id string) error {
	if err := manage(ctx); err != nil {
		return err
	}
	return s.db.Write(ctx, f, func(tx *store.Tx) error {
		var name string
		err := tx.Shared.Row(ctx, "DELETE FROM account_tokens WHERE facility = $1 AND id = $2 RETURNING name", string(f), id).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "そのトークンはありません。", "There is no such token.")
		}
		if err != nil {
			return fmt.Errorf("revoke a token: %w", err)
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: s.now(), Action: "token.revoke", Subject: trail.Subject{Kind: "token", ID: id},
			Summary: i18n.Text{Ja: "プログラム用の鍵(APIトークン)を止めました", En: "Revoked an API token"}, Detail: map[string]string{"name": name}})
		return err
	})
}
