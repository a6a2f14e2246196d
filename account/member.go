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

const longestDesk = 366 * 24 * time.Hour // a supporter's leave is renewed at least once a year

// Members lists the people of a facility by reading, those whose time is over included.
func (s *Service) Members(ctx context.Context, f facility.ID) ([]Member, error) {
	return s.members(ctx, "m.facility = $1 ORDER BY CASE WHEN p.reading = '' THEN p.name ELSE p.reading END, p.id", string(f))
}

// Memberships lists the facilities that a person may enter now, by reading.
func (s *Service) Memberships(ctx context.Context, id actor.PersonID) ([]Member, error) {
	return s.members(ctx, `m.person_id = $1 AND (m.until_at = 0 OR m.until_at > $2)
		ORDER BY CASE WHEN f.reading = '' THEN f.name ELSE f.reading END, f.id`, string(id), store.Micros(s.now()))
}

func (s *Service) members(ctx context.Context, cond string, args ...any) ([]Member, error) {
	var out []Member
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var p personScan
			var f facilityScan
			var role string
			var until, created int64
			err := r.Scan(append(append(p.fields(), f.fields()...), &role, &until, &created)...)
			out = append(out, Member{Person: p.person(), Facility: f.facility(), Role: actor.Role(role), Until: store.Time(until),
				Created: store.Time(created)})
			return err
		}, "SELECT "+personColumns+", "+facilityColumns+`, m.role, m.until_at, m.created_at FROM account_members m
			JOIN account_people p ON p.id = m.person_id JOIN account_facilities f ON f.id = m.facility WHERE `+cond, args...)
	})
	return out, err
}

// checkRole takes a role with its end: a desk has one within a year, all others none.
func (s *Service) checkRole(role actor.Role, until time.Time) error {
	now := s.now()
	switch {
	case !role.Valid():
		return fault.New(fault.Invalid, "役割を選んでください。", "Choose a role.")
	case role == actor.Desk && (!until.After(now) || until.After(now.Add(longestDesk))):
		return fault.New(fault.Invalid, "支援者には、1年以内の期限を決めてください。", "Give the supporter an end date within a year.")
	case role != actor.Desk && !until.IsZero():
		return fault.New(fault.Invalid, "期限を決められるのは支援者だけです。", "Only a supporter has an end date.")
	}
	return nil
}

// lockFacility makes changes of a facility's people wait for each other.
func lockFacility(ctx context.Context, tx *store.Shared, f facility.ID) error {
	n, err := tx.Exec(ctx, "UPDATE account_facilities SET id = id WHERE id = $1", string(f))
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "その施設はありません。", "There is no such facility.")
	}
	return err
}

// hasAdmin fails when nobody would be left who can manage the facility.
func hasAdmin(ctx context.Context, tx *store.Shared, f facility.ID) error {
	var n int
	err := tx.Row(ctx, `SELECT count(*) FROM account_members m JOIN account_people p ON p.id = m.person_id
		WHERE m.facility = $1 AND m.role = $2 AND NOT p.disabled`, string(f), string(actor.Admin)).Scan(&n)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "施設には情報担当が1人は必要です。先に別の人を情報担当にしてください。",
			"A facility needs at least one admin. First make somebody else an admin.")
	}
	return err
}

// SetMember changes the role of somebody who belongs to the facility.
func (s *Service) SetMember(ctx context.Context, f facility.ID, id actor.PersonID, role actor.Role, until time.Time) error {
	if err := manage(ctx); err != nil {
		return err
	}
	if err := s.checkRole(role, until); err != nil {
		return err
	}
	return s.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := lockFacility(ctx, &tx.Shared, f); err != nil {
			return err
		}
		var before string
		err := tx.Shared.Row(ctx, "SELECT role FROM account_members WHERE facility = $1 AND person_id = $2", string(f), string(id)).Scan(&before)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoPerson
		}
		if err != nil {
			return fmt.Errorf("read a membership: %w", err)
		}
		if err := s.putMember(ctx, tx, id, role, until); err != nil {
			return err
		}
		if actor.Role(before) == actor.Admin {
			if err := hasAdmin(ctx, &tx.Shared, f); err != nil {
				return err
			}
		}
		return s.trailMember(ctx, tx, id, "member.edit", i18n.Text{Ja: "役割を変えました", En: "Changed a role"},
			map[string]any{"before": before, "role": role})
	})
}

// putMember writes a membership of the transaction's facility.
func (s *Service) putMember(ctx context.Context, tx *store.Tx, id actor.PersonID, role actor.Role, until time.Time) error {
	_, err := tx.Shared.Exec(ctx, `INSERT INTO account_members (facility, person_id, role, until_at, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (facility, person_id) DO UPDATE SET role = excluded.role, until_at = excluded.until_at`,
		string(tx.Facility()), string(id), string(role), store.Micros(until), store.Micros(s.now()))
	return err
}

// RemoveMember takes a person out of the facility; its account stays. The last admin cannot be removed.
func (s *Service) RemoveMember(ctx context.Context, f facility.ID, id actor.PersonID) error {
	if err := manage(ctx); err != nil {
		return err
	}
	return s.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := lockFacility(ctx, &tx.Shared, f); err != nil {
			return err
		}
		n, err := tx.Shared.Exec(ctx, "DELETE FROM account_members WHERE facility = $1 AND person_id = $2", string(f), string(id))
		if err == nil && n == 0 {
			err = errNoPerson
		}
		if err != nil {
			return err
		}
		if err := hasAdmin(ctx, &tx.Shared, f); err != nil {
			return err
		}
		return s.trailMember(ctx, tx, id, "member.remove", i18n.Text{Ja: "利用者を施設から外しました", En: "Removed a person from the facility"}, nil)
	})
}

func (s *Service) trailMember(ctx context.Context, tx *store.Tx, id actor.PersonID, action string, text i18n.Text, detail map[string]any) error {
	p, err := onePerson(ctx, &tx.Shared, "p.id = $1", string(id))
	if err != nil {
		return fmt.Errorf("read a person: %w", err)
	}
	all := map[string]any{"name": p.Name, "email": p.Email}
	for k, v := range detail {
		all[k] = v
	}
	_, err = trail.Append(ctx, tx, trail.Entry{At: s.now(), Action: action, Subject: personSubject(id), Summary: text, Detail: all})
	return err
}

// AddPerson makes an account (or takes the one that the address has, then n's other fields are ignored) and puts it into a facility: for
// the command line. The second factor is set up at the first sign-in.
func (s *Service) AddPerson(ctx context.Context, f facility.ID, n NewPerson, role actor.Role, until time.Time) (Person, error) {
	if err := commandOnly(ctx); err != nil {
		return Person{}, err
	}
	if err := s.checkRole(role, until); err != nil {
		return Person{}, err
	}
	p, err := s.PersonByEmail(ctx, n.Email)
	phc := ""
	if fault.Is(err, fault.NotFound) {
		if n, phc, err = s.prepare(ctx, f, n); err != nil {
			return Person{}, err
		}
	}
	if err != nil {
		return Person{}, err
	}
	err = s.db.Write(ctx, f, func(tx *store.Tx) (err error) {
		if err := lockFacility(ctx, &tx.Shared, f); err != nil {
			return err
		}
		if phc != "" {
			if p, err = s.insertPerson(ctx, &tx.Shared, n, phc); err != nil {
				return err
			}
		}
		if err := s.putMember(ctx, tx, p.ID, role, until); err != nil {
			return err
		}
		if err := s.trailMember(ctx, tx, p.ID, "member.add", i18n.Text{Ja: "利用者を加えました", En: "Added a person"},
			map[string]any{"role": role}); err != nil {
			return err
		}
		return hasAdmin(ctx, &tx.Shared, f)
	})
	return p, err
}

// prepare checks a new person of a facility and hashes the password, outside any transaction.
func (s *Service) prepare(ctx context.Context, f facility.ID, n NewPerson) (NewPerson, string, error) {
	where, err := s.Facility(ctx, f)
	if err != nil {
		return n, "", err
	}
	least, err := s.leastPassword(ctx, f)
	if err != nil {
		return n, "", err
	}
	if n, err = n.check(least, where.Name, where.Reading); err != nil {
		return n, "", err
	}
	phc, err := s.hash(ctx, n.Password)
	return n, phc, err
}
