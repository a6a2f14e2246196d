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
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
)

// Stage is how far a sign-in has come.
type Stage string

const (
	StageSecond Stage = "second" // the password was right; a second factor is asked for
	StageEnrol  Stage = "enrol"  // the password was right; the person has no second factor yet and must set one up
	StageOpen   Stage = "open"   // signed in
)

// Method is how a session was opened.
type Method string

const (
	ByTOTP     Method = "password+totp"
	ByRecovery Method = "password+recovery-code"
	ByPasskey  Method = "passkey"
	ByPassword Method = "password" // pending sessions only
)

// Session is one browser's sign-in. The browser's cookie holds a random token; the database holds its hash, which is ID.
type Session struct {
	ID        string
	Person    Person
	Stage     Stage
	Method    Method
	Facility  facility.ID // the one on the screen; "" when the person belongs to none
	Created   time.Time
	Seen      time.Time
	Expires   time.Time     // end of its longest life
	Idle      time.Duration // ends after so long without a request
	UserAgent string
	Address   string
}

// seenEvery spares the database a write per click.
const seenEvery = 30 * time.Second

var errSignIn = fault.New(fault.Denied, "サインインしてください。しばらく操作がないと自動でサインアウトします。", "Sign in. A session ends by itself after a while without activity.")

// newSession stores a session and returns the cookie's token.
func (s *Service) newSession(ctx context.Context, tx *store.Shared, p Person, stage Stage, m Method, from From) (string, Session, error) {
	token, hash := secret("")
	now, life := s.now(), s.o.Pending
	if stage == StageOpen {
		life = s.o.Absolute
	}
	x := Session{ID: hash, Person: p, Stage: stage, Method: m, Created: now, Seen: now, Expires: now.Add(life), Idle: life,
		UserAgent: clip(from.UserAgent, maxAgent), Address: from.Address.Unmap().String()}
	_, err := tx.Exec(ctx, `INSERT INTO account_sessions (id, person_id, stage, method, facility, created_at, seen_at, expires_at, idle, user_agent, address)
		VALUES ($1, $2, $3, $4, '', $5, $5, $6, $7, $8, $9)`, hash, string(p.ID), string(stage), string(m), store.Micros(now), store.Micros(x.Expires),
		life.Microseconds(), x.UserAgent, x.Address)
	return token, x, err
}

// Session returns the open session of a cookie's token and notes that it is in use. A pending one is not returned: see Pending.
func (s *Service) Session(ctx context.Context, token string) (Session, error) {
	x, err := s.session(ctx, token)
	if err != nil {
		return Session{}, err
	}
	if x.Stage != StageOpen {
		return Session{}, errSignIn
	}
	if now := s.now(); now.Sub(x.Seen).Abs() >= seenEvery { // also where the clock was set back: idle time counts from now
		err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
			_, err := tx.Exec(ctx, "UPDATE account_sessions SET seen_at = $2 WHERE id = $1", x.ID, store.Micros(now))
			return err
		})
		x.Seen = now
	}
	return x, err
}

// Pending returns the session of somebody who gave a right password and still owes the second factor (or has to set one up).
func (s *Service) Pending(ctx context.Context, token string) (Session, error) {
	x, err := s.session(ctx, token)
	if err == nil && x.Stage == StageOpen {
		err = errSignIn
	}
	if err != nil {
		return Session{}, err
	}
	return x, nil
}

func (s *Service) session(ctx context.Context, token string) (Session, error) {
	var x Session
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		list, err := s.sessions(ctx, tx, "s.id = $1", hashOf(token))
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].Person.Disabled {
			return errSignIn
		}
		x = list[0]
		return nil
	})
	return x, err
}

// sessions reads sessions that have not ended. cond holds $1 alone.
func (s *Service) sessions(ctx context.Context, tx *store.Shared, cond string, arg any) ([]Session, error) {
	var out []Session
	now := s.now()
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var x Session
		var stage, method, f string
		var created, seen, expires, idle int64
		p := personScan{}
		if err := r.Scan(append(p.fields(), &x.ID, &stage, &method, &f, &created, &seen, &expires, &idle, &x.UserAgent, &x.Address)...); err != nil {
			return err
		}
		x.Person, x.Stage, x.Method, x.Facility = p.person(), Stage(stage), Method(method), facility.ID(f)
		x.Created, x.Seen, x.Expires, x.Idle = store.Time(created), store.Time(seen), store.Time(expires), time.Duration(idle)*time.Microsecond
		if now.Before(x.Expires) && now.Before(x.Seen.Add(x.Idle)) {
			out = append(out, x)
		}
		return nil
	}, `SELECT `+personColumns+`, s.id, s.stage, s.method, s.facility, s.created_at, s.seen_at, s.expires_at, s.idle, s.user_agent, s.address
		FROM account_sessions s JOIN account_people p ON p.id = s.person_id WHERE `+cond+` ORDER BY s.seen_at DESC`, arg)
	return out, err
}

// Sessions lists a person's open sessions, the most recently used first.
func (s *Service) Sessions(ctx context.Context, person actor.PersonID) ([]Session, error) {
	var open []Session
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		all, err := s.sessions(ctx, tx, "s.person_id = $1", string(person))
		for _, x := range all {
			if x.Stage == StageOpen {
				open = append(open, x)
			}
		}
		return err
	})
	return open, err
}

// SignOut ends one session of a person, by its ID.
func (s *Service) SignOut(ctx context.Context, person actor.PersonID, id string) error {
	return s.endSessions(ctx, person, "person.sign-out", i18n.Text{Ja: "サインアウトしました", En: "Signed out"}, "id = $2", id)
}

// SignOutAll ends all sessions of a person but the one to keep ("" keeps none).
func (s *Service) SignOutAll(ctx context.Context, person actor.PersonID, keep string) error {
	return s.endSessions(ctx, person, "person.sign-out-all", i18n.Text{Ja: "ほかの端末をすべてサインアウトしました", En: "Signed out everywhere else"}, "id <> $2", keep)
}

func (s *Service) endSessions(ctx context.Context, person actor.PersonID, action string, text i18n.Text, cond, id string) error {
	var n int64
	err := s.db.WriteShared(ctx, func(tx *store.Shared) (err error) {
		n, err = tx.Exec(ctx, "DELETE FROM account_sessions WHERE person_id = $1 AND "+cond, string(person), id)
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	return s.record(ctx, person, trail.Entry{Action: action, Summary: text})
}

// Enter puts a facility on a session's screen. The person must be a member; a desk's entry is written into the facility's trail, so
// that the facility sees when its supporter came.
func (s *Service) Enter(ctx context.Context, x Session, f facility.ID) (Session, error) {
	who, err := s.Access(ctx, x.Subject(), f)
	if err != nil {
		return x, err
	}
	err = s.db.Write(ctx, f, func(tx *store.Tx) error {
		idle, err := setting.Idle().Get(ctx, tx)
		if err != nil {
			return err
		}
		x.Facility, x.Idle = f, idle.Duration()
		if _, err := tx.Shared.Exec(ctx, "UPDATE account_sessions SET facility = $2, idle = $3 WHERE id = $1",
			x.ID, string(f), x.Idle.Microseconds()); err != nil {
			return err
		}
		if _, err := tx.Shared.Exec(ctx, "UPDATE account_people SET last_facility = $2 WHERE id = $1", string(x.Person.ID), string(f)); err != nil {
			return err
		}
		if who.Role != actor.Desk {
			return nil
		}
		_, err = trail.Append(ctx, tx, trail.Entry{At: s.now(), Actor: who, Action: "desk.enter", Subject: personSubject(x.Person.ID),
			Summary: i18n.Text{Ja: "支援者がこの施設の画面を開きました", En: "A supporter opened this facility"}, Detail: map[string]string{"address": x.Address}})
		return err
	})
	return x, err
}

// enterFirst chooses the facility of a fresh session: the one that the person was in last, else the first.
func (s *Service) enterFirst(ctx context.Context, x Session) (Session, error) {
	members, err := s.Memberships(ctx, x.Person.ID)
	if err != nil || len(members) == 0 {
		return x, err
	}
	choice := members[0].Facility.ID
	var last string
	err = s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT last_facility FROM account_people WHERE id = $1", string(x.Person.ID)).Scan(&last)
	})
	if err != nil {
		return x, fmt.Errorf("read the last facility: %w", err)
	}
	for _, m := range members {
		if m.Facility.ID == facility.ID(last) {
			choice = m.Facility.ID
		}
	}
	return s.Enter(ctx, x, choice)
}

// Subject is somebody or something that may be let into a facility: a person or an API token.
type Subject struct {
	person actor.PersonID
	token  *Token
}

// Subject of an open session; a pending one is nobody.
func (x Session) Subject() Subject {
	if x.Stage != StageOpen {
		return Subject{}
	}
	return Subject{person: x.Person.ID}
}

// Subject of a token.
func (t Token) Subject() Subject { return Subject{token: &t} }

// Access says in which role a subject acts in a facility. Whoever has no place there gets NotFound: the facility is not visible.
func (s *Service) Access(ctx context.Context, who Subject, f facility.ID) (actor.Actor, error) {
	hidden := fault.New(fault.NotFound, "この施設は見つかりません。使えるようにするには、施設の情報担当に招待してもらってください。",
		"No such facility. To get in, ask its admin for an invitation.")
	if t := who.token; t != nil {
		if t.Facility != f || f == "" {
			return actor.Actor{}, hidden
		}
		return actor.Actor{Kind: actor.Token, ID: t.ID, Name: t.Name, Role: t.Role, Behind: t.Maker}, nil
	}
	if who.person == "" {
		return actor.Actor{}, errSignIn
	}
	var name, role string
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, `SELECT p.name, m.role FROM account_members m JOIN account_people p ON p.id = m.person_id
			WHERE m.facility = $1 AND m.person_id = $2 AND NOT p.disabled AND (m.until_at = 0 OR m.until_at > $3)`,
			string(f), string(who.person), store.Micros(s.now())).Scan(&name, &role)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return actor.Actor{}, hidden
	}
	if err != nil {
		return actor.Actor{}, fmt.Errorf("look up a membership: %w", err)
	}
	return actor.Actor{Kind: actor.Person, ID: string(who.person), Name: name, Role: actor.Role(role)}, nil
}
