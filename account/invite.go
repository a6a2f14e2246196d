package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

const invitationLife = 7 * 24 * time.Hour

// Invitation lets one person into one facility, once.
type Invitation struct {
	ID       string
	Facility facility.ID
	Email    string
	Role     actor.Role
	Until    time.Time // end of the membership; zero: none
	Created  time.Time
	Expires  time.Time
	Known    bool // the address has an account: sign in, then Accept
}

var errInvitation = fault.New(fault.NotFound, "この招待は使えません。期限(7日)が切れたか、もう使われています。招待した人にもう一度送ってもらってください。",
	"This invitation cannot be used: it is over (7 days) or was used already. Ask for a new one.")

// Invite makes an invitation and returns the secret for its link; it is kept nowhere. An earlier invitation of the same address ends.
func (s *Service) Invite(ctx context.Context, f facility.ID, email string, role actor.Role, until time.Time) (link string,
	inv Invitation, err error) {
	if err := manage(ctx); err != nil {
		return "", inv, err
	}
	if email, err = checkEmail(email); err != nil {
		return "", inv, err
	}
	if err := s.checkRole(role, until); err != nil {
		return "", inv, err
	}
	now := s.now()
	link, hash := secret("")
	inv = Invitation{ID: store.NewID(), Facility: f, Email: email, Role: role, Until: until, Created: now, Expires: now.Add(invitationLife)}
	err = s.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := lockFacility(ctx, &tx.Shared, f); err != nil {
			return err
		}
		if _, err := tx.Shared.Exec(ctx, "DELETE FROM account_invitations WHERE facility = $1 AND email = $2", string(f), email); err != nil {
			return err
		}
		_, err := tx.Shared.Exec(ctx, `INSERT INTO account_invitations (id, hash, facility, email, role, until_at, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, inv.ID, hash, string(f), email, string(role), store.Micros(until), actor.From(ctx).ID,
			store.Micros(now), store.Micros(inv.Expires))
		if err != nil {
			return err
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: now, Action: "invitation.add", Subject: trail.Subject{Kind: "invitation", ID: inv.ID},
			Summary: i18n.Text{Ja: "利用者を招待しました", En: "Invited a person"}, Detail: map[string]any{"email": email, "role": role}})
		return err
	})
	return link, inv, err
}

// Invitations lists a facility's open invitations, newest first.
func (s *Service) Invitations(ctx context.Context, f facility.ID) ([]Invitation, error) {
	return s.invitations(ctx, "i.facility = $1", string(f))
}

// Invitation returns what a link's secret invites to, for the page that it opens.
func (s *Service) Invitation(ctx context.Context, link string) (Invitation, error) {
	list, err := s.invitations(ctx, "i.hash = $1", hashOf(link))
	if err == nil && len(list) == 0 {
		err = errInvitation
	}
	if err != nil {
		return Invitation{}, err
	}
	return list[0], nil
}

func (s *Service) invitations(ctx context.Context, cond, arg string) ([]Invitation, error) {
	var out []Invitation
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var i Invitation
			var f, role string
			var until, created, expires, known int64
			err := r.Scan(&i.ID, &f, &i.Email, &role, &until, &created, &expires, &known)
			i.Facility, i.Role, i.Until, i.Created, i.Expires, i.Known = facility.ID(f), actor.Role(role), store.Time(until), store.Time(created), store.Time(expires), known > 0
			out = append(out, i)
			return err
		}, `SELECT i.id, i.facility, i.email, i.role, i.until_at, i.created_at, i.expires_at,
			(SELECT count(*) FROM account_people p WHERE p.email = i.email)
			FROM account_invitations i WHERE `+cond+" AND i.expires_at > $2 ORDER BY i.id DESC", arg, store.Micros(s.now()))
	})
	return out, err
}

// Withdraw ends an invitation.
func (s *Service) Withdraw(ctx context.Context, f facility.ID, id string) error {
	if err := manage(ctx); err != nil {
		return err
	}
	return s.db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Shared.Exec(ctx, "DELETE FROM account_invitations WHERE facility = $1 AND id = $2", string(f), id)
		if err == nil && n == 0 {
			err = errInvitation
		}
		if err != nil {
			return err
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: s.now(), Action: "invitation.withdraw", Subject: trail.Subject{Kind: "invitation", ID: id},
			Summary: i18n.Text{Ja: "招待を取り消しました", En: "Withdrew an invitation"}})
		return err
	})
}

// AcceptNew makes the invited person's account and returns a pending session that sets up the second factor. The address is the
// invitation's, whatever n says.
func (s *Service) AcceptNew(ctx context.Context, link string, n NewPerson, from From) (token string, x Session, err error) {
	inv, err := s.Invitation(ctx, link)
	if err != nil {
		return "", x, err
	}
	n.Email = inv.Email
	n, phc, err := s.prepare(ctx, inv.Facility, n)
	if err != nil {
		return "", x, err
	}
	err = s.accept(ctx, inv, func(tx *store.Tx) (Person, error) {
		p, err := s.insertPerson(ctx, &tx.Shared, n, phc)
		if err == nil {
			token, x, err = s.newSession(ctx, &tx.Shared, p, StageEnrol, ByPassword, from)
		}
		return p, err
	})
	return token, x, err
}

// Accept lets somebody who is signed in take an invitation to the own address.
func (s *Service) Accept(ctx context.Context, link string, x Session) error {
	if x.Stage != StageOpen {
		return errSignIn
	}
	inv, err := s.Invitation(ctx, link)
	if err != nil {
		return err
	}
	if inv.Email != x.Person.Email {
		return fault.New(fault.Denied, "この招待は別のメールアドレスに宛てたものです。そのアドレスでサインインし直してください。",
			"This invitation is for another e-mail address. Sign in with that address.")
	}
	return s.accept(ctx, inv, func(*store.Tx) (Person, error) { return x.Person, nil })
}

func (s *Service) accept(ctx context.Context, inv Invitation, who func(*store.Tx) (Person, error)) error {
	return s.db.Write(ctx, inv.Facility, func(tx *store.Tx) error {
		if err := lockFacility(ctx, &tx.Shared, inv.Facility); err != nil {
			return err
		}
		n, err := tx.Shared.Exec(ctx, "DELETE FROM account_invitations WHERE id = $1", inv.ID)
		if err == nil && n == 0 {
			err = errInvitation // somebody was faster
		}
		if err != nil {
			return err
		}
		p, err := who(tx)
		if err != nil {
			return err
		}
		var before string
		err = tx.Shared.Row(ctx, "SELECT role FROM account_members WHERE facility = $1 AND person_id = $2", string(inv.Facility),
			string(p.ID)).Scan(&before)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read a membership: %w", err)
		}
		if err := s.putMember(ctx, tx, p.ID, inv.Role, inv.Until); err != nil {
			return err
		}
		if err := hasAdmin(ctx, &tx.Shared, inv.Facility); err != nil {
			return err
		}
		ctx := actor.With(ctx, actor.Actor{Kind: actor.Person, ID: string(p.ID), Name: p.Name, Role: inv.Role})
		return s.trailMember(ctx, tx, p.ID, "invitation.accept", i18n.Text{Ja: "招待を受けて参加しました", En: "Accepted an invitation"},
			map[string]any{"role": inv.Role, "before": before})
	})
}
