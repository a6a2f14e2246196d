package account

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

const (
	ceremonyLife = 5 * time.Minute
	maxResponse  = 64 << 10 // bytes of a browser's answer
	maxPasskeys  = 20
)

// Passkey is a credential that a person signs in with.
type Passkey struct {
	ID      string // base64url
	Name    string // as the person called it: 「ノートPC」
	Created time.Time
	Used    time.Time // zero: never
}

func newWebAuthn(o Options) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{
		RPID: o.RPID, RPDisplayName: "Kenshin（ネットワーク健診）", RPOrigins: o.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
		},
	})
}

// user is a person as the webauthn library wants to see it.
type user struct {
	p    Person
	keys []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return []byte(u.p.ID) }
func (u user) WebAuthnName() string                       { return u.p.Email }
func (u user) WebAuthnDisplayName() string                { return u.p.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

var errNoPasskeys = fault.New(fault.Unavailable, "このアドレスではパスキーを使えません(IPアドレスでは使えません)。https://名前 で開くか、認証アプリを使ってください。",
	"Passkeys do not work at this address (never with an IP address). Open https://NAME, or use an authenticator app.")

// PasskeysWork reports whether the console's address allows passkeys.
func (s *Service) PasskeysWork() bool { return s.passkey != nil }

// BeginRegister starts adding a passkey. options is the JSON for navigator.credentials.create; give ceremony back to FinishRegister.
func (s *Service) BeginRegister(ctx context.Context, x Session) (ceremony string, options []byte, err error) {
	if s.passkey == nil {
		return "", nil, errNoPasskeys
	}
	if err := mayEnrol(x); err != nil {
		return "", nil, err
	}
	u, err := s.user(ctx, x.Person)
	if err != nil {
		return "", nil, err
	}
	if len(u.keys) >= maxPasskeys {
		return "", nil, fault.Newf(fault.TooLarge, "パスキーは%d個までです。使っていないものを消してください。",
			"At most %d passkeys. Remove one that you do not use.", maxPasskeys)
	}
	exclude := webauthn.Credentials(u.keys).CredentialDescriptors()
	creation, data, err := s.passkey.BeginRegistration(u, webauthn.WithExclusions(exclude))
	if err != nil {
		return "", nil, fmt.Errorf("begin a passkey: %w", err)
	}
	return s.keepCeremony(ctx, "register", x.Person.ID, data, creation)
}

// FinishRegister takes the browser's answer (JSON of the credential). A pending session becomes an open one.
func (s *Service) FinishRegister(ctx context.Context, x Session, ceremony, name string, response []byte, from From) (Enrolled, error) {
	if s.passkey == nil {
		return Enrolled{}, errNoPasskeys
	}
	if err := mayEnrol(x); err != nil {
		return Enrolled{}, err
	}
	name, err := checkName(name, i18n.Text{Ja: "パスキーの名前", En: "name of the passkey"}, false)
	if err != nil {
		return Enrolled{}, err
	}
	var data webauthn.SessionData
	if err := s.takeCeremony(ctx, "register", x.Person.ID, ceremony, &data); err != nil {
		return Enrolled{}, err
	}
	answer, err := parseAnswer(response, protocol.ParseCredentialCreationResponseBytes)
	if err != nil {
		return Enrolled{}, err
	}
	c, err := s.passkey.CreateCredential(user{p: x.Person}, data, answer)
	if err != nil {
		return Enrolled{}, refused(err)
	}
	id := base64.RawURLEncoding.EncodeToString(c.ID)
	sealed, err := s.sealCredential(x.Person.ID, id, c)
	if err != nil {
		return Enrolled{}, err
	}
	text := i18n.Text{Ja: "パスキーを登録しました", En: "Added a passkey"}
	return s.enrolled(ctx, x, ByPasskey, from, text, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, `INSERT INTO account_passkeys (id, person_id, name, credential, created_at, used_at) VALUES ($1, $2, $3, $4, $5, 0)
			ON CONFLICT (id) DO NOTHING`, id, string(x.Person.ID), name, sealed, store.Micros(s.now()))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "このパスキーはもう登録されています。", "This passkey is registered already.")
		}
		return err
	})
}

// BeginLogin starts a sign-in by passkey; the browser offers the passkeys that it has. options is the JSON for navigator.credentials.get.
func (s *Service) BeginLogin(ctx context.Context) (ceremony string, options []byte, err error) {
	if s.passkey == nil {
		return "", nil, errNoPasskeys
	}
	assertion, data, err := s.passkey.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", nil, fmt.Errorf("begin a sign-in: %w", err)
	}
	return s.keepCeremony(ctx, "login", "", data, assertion)
}

// FinishLogin opens a session for the owner of the passkey that signed the browser's answer.
func (s *Service) FinishLogin(ctx context.Context, ceremony string, response []byte, from From) (string, Session, error) {
	if s.passkey == nil {
		return "", Session{}, errNoPasskeys
	}
	var data webauthn.SessionData
	if err := s.takeCeremony(ctx, "login", "", ceremony, &data); err != nil {
		return "", Session{}, err
	}
	answer, err := parseAnswer(response, protocol.ParseCredentialRequestResponseBytes)
	if err != nil {
		return "", Session{}, err
	}
	var broken error // the library hides what its handler says
	found, c, err := s.passkey.ValidatePasskeyLogin(func(rawID, handle []byte) (webauthn.User, error) {
		u, err := s.owner(ctx, rawID, handle)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			broken = err
		}
		return u, err
	}, data, answer)
	if broken != nil {
		return "", Session{}, broken
	}
	if err != nil {
		return "", Session{}, refused(err)
	}
	u, ok := found.(user)
	if !ok || u.p.Disabled || !c.Flags.UserVerified {
		return "", Session{}, refused(errors.New("disabled person, or no user verification"))
	}
	if c.Authenticator.CloneWarning {
		return "", Session{}, refused(errors.New("the signature counter went back: the authenticator may have been copied"))
	}
	id := base64.RawURLEncoding.EncodeToString(c.ID)
	sealed, err := s.sealCredential(u.p.ID, id, c)
	if err != nil {
		return "", Session{}, err
	}
	return s.open(ctx, Session{}, u.p, ByPasskey, from, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "UPDATE account_passkeys SET credential = $3, used_at = $4 WHERE id = $1 AND person_id = $2",
			id, string(u.p.ID), sealed, store.Micros(s.now()))
		if err == nil && n == 0 { // removed in this moment
			err = refused(sql.ErrNoRows)
		}
		return err
	})
}

func refused(err error) error {
	detail := err
	if p, ok := errors.AsType[*protocol.Error](err); ok {
		detail = fmt.Errorf("%w: %s", err, p.DevInfo)
	}
	return fault.Wrap(fault.Denied, detail, "パスキーを確認できませんでした。もう一度試すか、メールアドレスとパスワードでサインインしてください。",
		"The passkey could not be verified. Try again, or sign in with your e-mail address and password.")
}

func parseAnswer[T any](response []byte, parse func([]byte) (T, error)) (T, error) {
	var none T
	if len(response) > maxResponse {
		return none, fault.New(fault.TooLarge, "ブラウザの応答が大きすぎます。もう一度試してください。", "The browser's answer is too large. Try again.")
	}
	v, err := parse(response)
	if err != nil {
		return none, refused(err)
	}
	return v, nil
}

// Passkeys lists a person's passkeys, oldest first.
func (s *Service) Passkeys(ctx context.Context, id actor.PersonID) ([]Passkey, error) {
	var out []Passkey
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var k Passkey
			var created, used int64
			err := r.Scan(&k.ID, &k.Name, &created, &used)
			k.Created, k.Used = store.Time(created), store.Time(used)
			out = append(out, k)
			return err
		}, "SELECT id, name, created_at, used_at FROM account_passkeys WHERE person_id = $1 ORDER BY created_at, id", string(id))
	})
	return out, err
}

// RemovePasskey removes one of the signed-in person's passkeys, but never the last factor.
func (s *Service) RemovePasskey(ctx context.Context, x Session, id string) error {
	return s.removeFactor(ctx, x, i18n.Text{Ja: "パスキーを消しました", En: "Removed a passkey"}, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "DELETE FROM account_passkeys WHERE id = $1 AND person_id = $2", id, string(x.Person.ID))
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "そのパスキーはありません。", "There is no such passkey.")
		}
		return err
	})
}

// RemoveTOTP removes the signed-in person's code app, but never the last factor.
func (s *Service) RemoveTOTP(ctx context.Context, x Session) error {
	return s.removeFactor(ctx, x, i18n.Text{Ja: "認証アプリを外しました", En: "Removed the authenticator app"}, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "UPDATE account_people SET totp = $2 WHERE id = $1", string(x.Person.ID), []byte{})
		return err
	})
}

func (s *Service) removeFactor(ctx context.Context, x Session, text i18n.Text, remove func(*store.Shared) error) error {
	if x.Stage != StageOpen {
		return errSignIn
	}
	err := s.db.WriteShared(ctx, func(tx *store.Shared) error {
		// The person's row is the lock: two removals at once must not take the last two factors.
		if _, err := tx.Exec(ctx, "UPDATE account_people SET id = id WHERE id = $1", string(x.Person.ID)); err != nil {
			return err
		}
		if err := remove(tx); err != nil {
			return err
		}
		p, err := onePerson(ctx, tx, "p.id = $1", string(x.Person.ID))
		if err == nil && !p.TOTP && p.Passkeys == 0 {
			err = fault.New(fault.Conflict, "最後の二要素は外せません。先に別のパスキーか認証アプリを登録してください。",
				"The last second factor stays. First add another passkey or an authenticator app.")
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.record(ctx, x.Person.ID, trail.Entry{Action: "person.factor-remove", Summary: text})
}

func (s *Service) sealCredential(id actor.PersonID, key string, c *webauthn.Credential) ([]byte, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write a passkey: %w", err)
	}
	return s.box.Seal("", "passkey:"+string(id)+":"+key, raw)
}

// user reads a person's passkeys.
func (s *Service) user(ctx context.Context, p Person) (user, error) {
	u := user{p: p}
	err := s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			var sealed []byte
			if err := r.Scan(&id, &sealed); err != nil {
				return err
			}
			raw, err := s.box.Open("", "passkey:"+string(p.ID)+":"+id, sealed)
			if err != nil {
				return err
			}
			var c webauthn.Credential
			if err := json.Unmarshal(raw, &c); err != nil {
				return fmt.Errorf("read a passkey: %w", err)
			}
			u.keys = append(u.keys, c)
			return nil
		}, "SELECT id, credential FROM account_passkeys WHERE person_id = $1 ORDER BY created_at", string(p.ID))
	})
	return u, err
}

// owner finds whom a passkey belongs to; the handle that the authenticator keeps must name the same person.
func (s *Service) owner(ctx context.Context, rawID, handle []byte) (user, error) {
	var p Person
	err := s.db.ReadShared(ctx, func(tx *store.Shared) (err error) {
		p, err = onePerson(ctx, tx, "p.id = (SELECT k.person_id FROM account_passkeys k WHERE k.id = $1)",
			base64.RawURLEncoding.EncodeToString(rawID))
		return err
	})
	if err != nil {
		return user{}, err
	}
	if string(handle) != string(p.ID) {
		return user{}, sql.ErrNoRows
	}
	return s.user(ctx, p)
}
