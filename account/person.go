package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
)

const personColumns = `p.id, p.email, p.name, p.reading, p.lang, p.disabled, p.created_at, p.password_at, length(p.totp),
	(SELECT count(*) FROM account_passkeys pk WHERE pk.person_id = p.id)`

type personScan struct {
	p                 Person
	id, lang          string
	created, password int64
	totp              int
}

func (x *personScan) fields() []any {
	return []any{&x.id, &x.p.Email, &x.p.Name, &x.p.Reading, &x.lang, &x.p.Disabled, &x.created, &x.password, &x.totp, &x.p.Passkeys}
}

func (x *personScan) person() Person {
	x.p.ID, x.p.Lang, x.p.Created, x.p.PasswordAt, x.p.TOTP = actor.PersonID(x.id), i18n.Lang(x.lang), store.Time(x.created), store.Time(x.password), x.totp > 0
	return x.p
}

func onePerson(ctx context.Context, tx *store.Shared, cond string, args ...any) (Person, error) {
	var x personScan
	err := tx.Row(ctx, "SELECT "+personColumns+" FROM account_people p WHERE "+cond, args...).Scan(x.fields()...)
	return x.person(), err
}

// personByEmail returns a person and the password's hash; sql.ErrNoRows when there is none.
func (s *Service) personByEmail(ctx context.Context, email string) (p Person, phc string, err error) {
	err = s.db.ReadShared(ctx, func(tx *store.Shared) error {
		var x personScan
		err := tx.Row(ctx, "SELECT "+personColumns+", p.password FROM account_people p WHERE p.email = $1", email).Scan(append(x.fields(), &phc)...)
		p = x.person()
		return err
	})
	return p, phc, err
}

var errNoPerson = fault.New(fault.NotFound, "その利用者は登録されていません。", "There is no such person.")

// Person returns somebody by id.
func (s *Service) Person(ctx context.Context, id actor.PersonID) (Person, error) {
	return s.personWhere(ctx, "p.id = $1", string(id))
}

// PersonByEmail returns somebody by address.
func (s *Service) PersonByEmail(ctx context.Context, email string) (Person, error) {
	return s.personWhere(ctx, "p.email = $1", FoldEmail(email))
}

func (s *Service) personWhere(ctx context.Context, cond, arg string) (p Person, err error) {
	err = s.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		p, err = onePerson(ctx, tx, cond, arg)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return p, errNoPerson
	}
	return p, err
}

// NewPerson is what is asked when somebody joins.
type NewPerson struct {
	Email, Name, Reading string
	Lang                 i18n.Lang
	Password             string
}

// check cleans the fields and judges the password; words are what else must not be its base (the facility's name).
func (n NewPerson) check(least int, words ...string) (NewPerson, error) {
	var err error
	if n.Email, err = checkEmail(n.Email); err != nil {
		return n, err
	}
	if n.Name, err = checkName(n.Name, i18n.Text{Ja: "名前", En: "name"}, true); err != nil {
		return n, err
	}
	if n.Reading, err = checkName(n.Reading, i18n.Text{Ja: "ふりがな", En: "reading"}, false); err != nil {
		return n, err
	}
	n.Lang = i18n.Parse(string(n.Lang))
	return n, CheckPassword(n.Password, least, append(words, n.Email, n.Name, n.Reading)...)
}

// insertPerson expects a checked n and the hash of its password.
func (s *Service) insertPerson(ctx context.Context, tx *store.Shared, n NewPerson, phc string) (Person, error) {
	id := store.NewID()
	now := store.Micros(s.now())
	rows, err := tx.Exec(ctx, `INSERT INTO account_people (id, email, name, reading, lang, password, password_at, totp, totp_step, disabled, last_facility, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, '', $7) ON CONFLICT (email) DO NOTHING`,
		id, n.Email, n.Name, n.Reading, string(n.Lang), phc, now, []byte{}, false)
	if err != nil {
		return Person{}, err
	}
	if rows == 0 {
		return Person{}, fault.New(fault.Conflict, "このメールアドレスはもう登録されています。サインインしてから招待を受けてください。",
			"This e-mail address is registered already. Sign in and then accept the invitation.")
	}
	return onePerson(ctx, tx, "p.id = $1", id)
}

// hash runs argon2id at a bounded number of places.
func (s *Service) hash(ctx context.Context, password string) (phc string, err error) {
	err = s.hashed(ctx, func() { phc = hashPassword(s.o.Cost, password) })
	return phc, err
}

// EditProfile changes what a person says of itself.
func (s *Service) EditProfile(ctx context.Context, x Session, name, reading string, lang i18n.Lang) error {
	if x.Stage != StageOpen {
		return errSignIn
	}
	name, err := checkName(name, i18n.Text{Ja: "名前", En: "name"}, true)
	if err != nil {
		return err
	}
	if reading, err = checkName(reading, i18n.Text{Ja: "ふりがな", En: "reading"}, false); err != nil {
		return err
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "UPDATE account_people SET name = $2, reading = $3, lang = $4 WHERE id = $1", string(x.Person.ID),
			name, reading, string(i18n.Parse(string(lang))))
		return err
	})
	if err != nil || (name == x.Person.Name && reading == x.Person.Reading) {
		return err
	}
	return s.record(ctx, x.Person.ID, trail.Entry{Action: "person.edit", Summary: i18n.Text{Ja: "名前を変えました", En: "Changed the name"},
		Detail: map[string]string{"before": x.Person.Name, "after": name}})
}

// ChangePassword takes the old password and a new one. All other sessions of the person end.
func (s *Service) ChangePassword(ctx context.Context, x Session, old, fresh string, from From) error {
	if x.Stage != StageOpen {
		return errSignIn
	}
	tries, err := s.attempts(ctx, x.Person.Email, from)
	if err != nil {
		return err
	}
	_, phc, err := s.personByEmail(ctx, x.Person.Email)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	right := false
	if err := s.hashed(ctx, func() { right, _ = verifyPassword(phc, clip(old, 4*maxPassword)) }); err != nil {
		return err
	}
	if !right {
		return fault.New(fault.Denied, "今のパスワードが違います。", "The current password is wrong.")
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error { return takeBack(ctx, tx, tries) })
	if err != nil {
		return err
	}
	return s.putPassword(ctx, x.Person, fresh, x.ID, i18n.Text{Ja: "パスワードを変えました", En: "Changed the password"})
}

// SetPassword gives a person a new password without the old one: for an admin's reset at the command line. All sessions end.
func (s *Service) SetPassword(ctx context.Context, email, fresh string) error {
	if err := commandOnly(ctx); err != nil {
		return err
	}
	p, err := s.PersonByEmail(ctx, email)
	if err != nil {
		return err
	}
	return s.putPassword(ctx, p, fresh, "", i18n.Text{Ja: "パスワードを設定し直しました", En: "Reset the password"})
}

func (s *Service) putPassword(ctx context.Context, p Person, fresh, keep string, text i18n.Text) error {
	least, words, err := s.passwordRule(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := CheckPassword(fresh, least, append(words, p.Email, p.Name, p.Reading)...); err != nil {
		return err
	}
	phc, err := s.hash(ctx, fresh)
	if err != nil {
		return err
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		if _, err := tx.Exec(ctx, "UPDATE account_people SET password = $2, password_at = $3 WHERE id = $1", string(p.ID), phc,
			store.Micros(s.now())); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM account_attempts WHERE name = $1", accountKey(p.Email)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM account_sessions WHERE person_id = $1 AND id <> $2", string(p.ID), keep)
		return err
	})
	if err != nil {
		return err
	}
	return s.record(ctx, p.ID, trail.Entry{Action: "person.password", Summary: text})
}

// passwordRule is the strictest of the person's facilities, and their names.
func (s *Service) passwordRule(ctx context.Context, id actor.PersonID) (least int, words []string, err error) {
	members, err := s.Memberships(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	least = MinPassword
	for _, m := range members {
		words = append(words, m.Facility.Name, m.Facility.Reading)
		n, err := s.leastPassword(ctx, m.Facility.ID)
		if err != nil {
			return 0, nil, err
		}
		least = max(least, n)
	}
	return least, words, nil
}

func (s *Service) leastPassword(ctx context.Context, f facility.ID) (n int, err error) {
	err = s.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		n, err = setting.PasswordLength().Get(ctx, tx)
		return err
	})
	return n, err
}

// ResetFactors takes away a person's code app, passkeys and recovery codes, and ends all sessions: the next sign-in sets up a new
// factor. It is for the command line, after somebody made sure who asks.
func (s *Service) ResetFactors(ctx context.Context, email string) error {
	if err := commandOnly(ctx); err != nil {
		return err
	}
	p, err := s.PersonByEmail(ctx, email)
	if err != nil {
		return err
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		for _, q := range []string{"DELETE FROM account_passkeys WHERE person_id = $1", "DELETE FROM account_recovery_codes WHERE person_id = $1",
			"DELETE FROM account_sessions WHERE person_id = $1"} {
			if _, err := tx.Exec(ctx, q, string(p.ID)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE account_people SET totp = $2, totp_step = 0 WHERE id = $1", string(p.ID), []byte{})
		return err
	})
	if err != nil {
		return err
	}
	return s.record(ctx, p.ID, trail.Entry{Action: "person.factor-reset", Summary: i18n.Text{Ja: "二要素を登録し直せるようにしました", En: "Reset the second factor"}})
}

// SetDisabled shuts a person out, or lets it in again. An admin does it for people of the own facility f alone; the command line (f = "")
// for all. The last admin of a facility cannot be shut out.
func (s *Service) SetDisabled(ctx context.Context, f facility.ID, id actor.PersonID, disabled bool) error {
	if f == "" {
		if err := commandOnly(ctx); err != nil {
			return err
		}
	}
	if err := manage(ctx); err != nil {
		return err
	}
	members, err := s.Memberships(ctx, id)
	if err != nil {
		return err
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(string(a.Facility.ID), string(b.Facility.ID)) })
	for _, m := range members {
		if f != "" && m.Facility.ID != f {
			return fault.New(fault.Denied, "この人はほかの施設でも使っています。この施設から外すだけにしてください。",
				"This person works in other facilities too. Remove the person from this facility instead.")
		}
	}
	if f != "" && len(members) == 0 {
		return errNoPerson
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error { return setDisabled(ctx, tx, members, id, disabled) })
	if err != nil {
		return err
	}
	text, action := i18n.Text{Ja: "利用を再開しました", En: "Enabled the person"}, "person.enable"
	if disabled {
		text, action = i18n.Text{Ja: "利用を止めました", En: "Disabled the person"}, "person.disable"
	}
	return s.record(ctx, id, trail.Entry{Action: action, Summary: text})
}

// setDisabled expects members in the order of their facilities, so that two of these never wait for each other in a circle.
func setDisabled(ctx context.Context, tx *store.Shared, members []Member, id actor.PersonID, disabled bool) error {
	for _, m := range members {
		if err := lockFacility(ctx, tx, m.Facility.ID); err != nil {
			return err
		}
	}
	n, err := tx.Exec(ctx, "UPDATE account_people SET disabled = $2 WHERE id = $1", string(id), disabled)
	if err == nil && n == 0 {
		err = errNoPerson
	}
	if err != nil || !disabled {
		return err
	}
	for _, m := range members {
		if m.Role == actor.Admin {
			if err := hasAdmin(ctx, tx, m.Facility.ID); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM account_sessions WHERE person_id = $1", string(id))
	return err
}

// clip cuts at a byte limit without leaving half a character.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}
