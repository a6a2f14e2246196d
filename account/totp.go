package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"image/color"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"golang.org/x/text/unicode/norm"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

const (
	totpStep      = 30 * time.Second // RFC 6238, the value that every code app knows
	totpSkew      = 1                // steps before and after that are taken as well
	recoveryCodes = 10
	issuer        = "Kenshin"
)

// Enrolment is a code app about to be set up. Keep ID in the form; the secret is shown once.
type Enrolment struct {
	ID     string
	Secret string // base32, in groups of four, to type by hand
	URI    string // otpauth://
	QR     string // SVG picture of URI, to stand in the page as it is
}

// Enrolled is the result of setting up a factor.
type Enrolled struct {
	Token         string // the new cookie, where the session was pending until now; else ""
	Session       Session
	RecoveryCodes []string // shown once, with the first factor; else nil
}

// mayEnrol lets only those add a factor who are fully signed in, or who have none yet.
func mayEnrol(x Session) error {
	if x.Stage != StageOpen && x.Stage != StageEnrol {
		return fault.New(fault.Denied, "先に、登録済みの二要素で確認してください。", "First confirm with the second factor that you have.")
	}
	return nil
}

// BeginTOTP makes a secret for the person's code app. Nothing counts until FinishTOTP saw a code of it.
func (s *Service) BeginTOTP(ctx context.Context, x Session) (Enrolment, error) {
	if err := mayEnrol(x); err != nil {
		return Enrolment{}, err
	}
	raw := make([]byte, 20) // RFC 4226, section 4: 160 bits recommended
	_, _ = rand.Read(raw)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	id, err := s.beginCeremony(ctx, "totp", x.Person.ID, []byte(text))
	if err != nil {
		return Enrolment{}, err
	}
	return enrolment(x, id, text)
}

// ResumeTOTP shows an enrolment again that was begun, so that a reload or a mistyped code does not throw away what the phone has read.
func (s *Service) ResumeTOTP(ctx context.Context, x Session, id string) (Enrolment, error) {
	if err := mayEnrol(x); err != nil {
		return Enrolment{}, err
	}
	raw, err := s.ceremony(ctx, "totp", x.Person.ID, id, false)
	if err != nil {
		return Enrolment{}, err
	}
	return enrolment(x, id, string(raw))
}

func enrolment(x Session, id, secret string) (Enrolment, error) {
	uri := "otpauth://totp/" + url.PathEscape(issuer+":"+x.Person.Email) + "?" + "secret=" + secret + "&issuer=" + issuer + "&algorithm=SHA1&digits=6&period=30"
	qr, err := qrSVG(uri)
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{ID: id, Secret: groups(secret), URI: uri, QR: qr}, nil
}

// FinishTOTP sets the code app up with a code that it shows. A pending session becomes an open one.
func (s *Service) FinishTOTP(ctx context.Context, x Session, id, code string, from From) (Enrolled, error) {
	if err := mayEnrol(x); err != nil {
		return Enrolled{}, err
	}
	raw, err := s.ceremony(ctx, "totp", x.Person.ID, id, false) // a mistyped code does not throw the secret away
	if err != nil {
		return Enrolled{}, err
	}
	step, ok := s.matchTOTP(string(raw), code, 0)
	if !ok {
		return Enrolled{}, fault.New(fault.Invalid, "コードが合いません。スマートフォンとこの機械の時計が合っているか確かめ、次のコードを入れてください。",
			"The code does not fit. Check that the clocks of your phone and of this machine agree, and enter the next code.")
	}
	sealed, err := s.box.Seal("", totpPurpose(x.Person.ID), raw)
	if err != nil {
		return Enrolled{}, err
	}
	return s.enrolled(ctx, x, ByTOTP, from, i18n.Text{Ja: "認証アプリを登録しました", En: "Set up an authenticator app"}, func(tx *store.Shared) error {
		if err := endCeremony(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE account_people SET totp = $2, totp_step = $3 WHERE id = $1", string(x.Person.ID), sealed, step)
		return err
	})
}

// enrolled stores a new factor, gives out recovery codes with the first one, and opens a pending session.
func (s *Service) enrolled(ctx context.Context, x Session, m Method, from From, text i18n.Text, keep func(*store.Shared) error) (Enrolled, error) {
	out := Enrolled{Session: x}
	do := func(tx *store.Shared) (err error) {
		if x.Stage == StageEnrol {
			if err := firstFactor(ctx, tx, x.Person.ID); err != nil {
				return err
			}
		}
		if err := keep(tx); err != nil {
			return err
		}
		var n int
		if err := tx.Row(ctx, "SELECT count(*) FROM account_recovery_codes WHERE person_id = $1", string(x.Person.ID)).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			out.RecoveryCodes, err = newRecoveryCodes(ctx, tx, x.Person.ID)
		}
		return err
	}
	var err error
	if x.Stage == StageEnrol {
		out.Token, out.Session, err = s.open(ctx, x, x.Person, m, from, do)
	} else {
		err = s.db.WriteShared(ctx, do)
	}
	if err != nil {
		return Enrolled{}, err
	}
	return out, s.record(ctx, x.Person.ID, trail.Entry{Action: "person.factor-add", Summary: text, Detail: map[string]any{"factor": m}})
}

// firstFactor fails when the person has a factor by now, and ends all other pending sign-ins: of two that know the password, only
// one sets up the factor, and the other cannot add its own afterwards.
func firstFactor(ctx context.Context, tx *store.Shared, id actor.PersonID) error {
	if _, err := tx.Exec(ctx, "UPDATE account_people SET id = id WHERE id = $1", string(id)); err != nil { // the row is the lock
		return err
	}
	p, err := onePerson(ctx, tx, "p.id = $1", string(id))
	if err != nil {
		return fmt.Errorf("read a person: %w", err)
	}
	if p.TOTP || p.Passkeys > 0 {
		return errSignIn
	}
	_, err = tx.Exec(ctx, "DELETE FROM account_sessions WHERE person_id = $1 AND stage <> $2", string(id), string(StageOpen))
	return err
}

// ConfirmTOTP takes a code as the second factor and opens the session.
func (s *Service) ConfirmTOTP(ctx context.Context, pending, code string, from From) (string, Session, error) {
	x, tries, err := s.second(ctx, pending, from)
	if err != nil {
		return "", Session{}, err
	}
	var sealed []byte
	var last int64
	err = s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT totp, totp_step FROM account_people WHERE id = $1", string(x.Person.ID)).Scan(&sealed, &last)
	})
	if err != nil {
		return "", Session{}, fmt.Errorf("read the code app's secret: %w", err)
	}
	if len(sealed) == 0 {
		return "", Session{}, errCode
	}
	raw, err := s.box.Open("", totpPurpose(x.Person.ID), sealed)
	if err != nil {
		return "", Session{}, err
	}
	step, ok := s.matchTOTP(string(raw), code, last)
	if !ok {
		return "", Session{}, errCode
	}
	return s.open(ctx, x, x.Person, ByTOTP, from, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "UPDATE account_people SET totp_step = $2 WHERE id = $1 AND totp_step < $2", string(x.Person.ID), step)
		if err == nil && n == 0 {
			err = errCode // another request used this code first
		}
		if err != nil {
			return err
		}
		return takeBack(ctx, tx, tries)
	})
}

var errCode = fault.New(fault.Denied, "コードが違うか、もう使われています。次に表示されるコードを入れてください。",
	"The code is wrong or was used already. Enter the next one that your app shows.")

// second returns a session that waits for its second factor, and counts the try.
func (s *Service) second(ctx context.Context, pending string, from From) (Session, []try, error) {
	x, err := s.Pending(ctx, pending)
	if err == nil && x.Stage != StageSecond {
		err = errSignIn
	}
	if err != nil {
		return x, nil, err
	}
	tries, err := s.attempts(ctx, x.Person.Email, from)
	return x, tries, err
}

// ConfirmRecovery takes a recovery code as the second factor; each works once.
func (s *Service) ConfirmRecovery(ctx context.Context, pending, code string, from From) (string, Session, error) {
	x, tries, err := s.second(ctx, pending, from)
	if err != nil {
		return "", Session{}, err
	}
	return s.open(ctx, x, x.Person, ByRecovery, from, func(tx *store.Shared) error {
		n, err := tx.Exec(ctx, "DELETE FROM account_recovery_codes WHERE person_id = $1 AND hash = $2", string(x.Person.ID), hashOf(plainCode(code)))
		if err == nil && n == 0 {
			err = fault.New(fault.Denied, "復旧コードが違うか、もう使われています。別のコードを入れてください。", "The recovery code is wrong or was used already. Enter another one.")
		}
		if err != nil {
			return err
		}
		return takeBack(ctx, tx, tries)
	})
}

// NewRecoveryCodes replaces a person's recovery codes; they are shown once.
func (s *Service) NewRecoveryCodes(ctx context.Context, x Session) (codes []string, err error) {
	if x.Stage != StageOpen {
		return nil, errSignIn
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) (err error) {
		codes, err = newRecoveryCodes(ctx, tx, x.Person.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return codes, s.record(ctx, x.Person.ID, trail.Entry{Action: "person.recovery-codes", Summary: i18n.Text{Ja: "復旧コードを作り直しました",
		En: "Made new recovery codes"}})
}

func newRecoveryCodes(ctx context.Context, tx *store.Shared, id actor.PersonID) ([]string, error) {
	if _, err := tx.Exec(ctx, "DELETE FROM account_recovery_codes WHERE person_id = $1", string(id)); err != nil {
		return nil, err
	}
	var codes []string
	for range recoveryCodes {
		raw := make([]byte, 10) // 80 bits: a plain hash is enough
		_, _ = rand.Read(raw)
		code := base32.StdEncoding.EncodeToString(raw)
		if _, err := tx.Exec(ctx, "INSERT INTO account_recovery_codes (person_id, hash) VALUES ($1, $2)", string(id), hashOf(code)); err != nil {
			return nil, err
		}
		codes = append(codes, strings.ReplaceAll(groups(code), " ", "-"))
	}
	return codes, nil
}

// RecoveryCodesLeft says how many codes a person still has.
func (s *Service) RecoveryCodesLeft(ctx context.Context, id actor.PersonID) (n int, err error) {
	err = s.db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT count(*) FROM account_recovery_codes WHERE person_id = $1", string(id)).Scan(&n)
	})
	return n, err
}

// plainCode undoes what people do to codes: groups, lower case, full width, digits that base32 does not have.
func plainCode(s string) string {
	s = strings.ToUpper(norm.NFKC.String(s))
	s = strings.NewReplacer(" ", "", "-", "", "ー", "", "0", "O", "1", "I", "8", "B").Replace(s)
	return clip(strings.TrimSpace(s), 64)
}

func totpPurpose(id actor.PersonID) string { return "totp:" + string(id) }

// matchTOTP returns the time step whose code this is; a step up to last is used up.
func (s *Service) matchTOTP(secret, code string, last int64) (int64, bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, norm.NFKC.String(clip(code, 64)))
	now := s.now().Unix() / int64(totpStep/time.Second)
	for step := now - totpSkew; step <= now+totpSkew; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix,
			Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // a time after 1970
		if err == nil && step > last && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// groups writes a code in fours.
func groups(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// qrSVG draws a QR code as an inline picture: sharp on paper, and the page's CSP needs no exception for it.
func qrSVG(text string) (string, error) {
	key, err := otp.NewKeyFromURL(text)
	if err != nil {
		return "", fmt.Errorf("read the otpauth address: %w", err)
	}
	const smallest, largest = 21, 177 // modules a side of versions 1 and 40
	for n := smallest; n <= largest; n += 4 {
		img, err := key.Image(n, n) // fails while the picture is smaller than the code; the first that fits is one pixel a module
		if err != nil {
			continue
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 %d %d" shape-rendering="crispEdges" role="img"><path fill="#fff" d="M-4-4h%dv%dh-%dz"/><path fill="#000" d="`,
			n+8, n+8, n+8, n+8, n+8)
		for y := range n {
			for x := range n {
				if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128 {
					fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
				}
			}
		}
		b.WriteString(`"/></svg>`)
		return b.String(), nil
	}
	return "", errors.New("the otpauth address does not fit into a QR code")
}
