// Package account knows the people, the facilities and who may enter which in what role; it proves who somebody is. Two factors are
// always required: a password alone never opens a session, a passkey with user verification does.
package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/seal"
	"kenshin/store"
)

// Options says how people sign in. The zero value of a field takes its default.
type Options struct {
	Cost     Cost          // of passwords; tests pass a cheap one
	Absolute time.Duration // a session's longest life; 12 h
	Pending  time.Duration // from the password to the second factor; 10 min

	// RPID is the host name that passkeys belong to ("kenshin.hospital.example", "localhost"); "" switches passkeys off, as they
	// cannot belong to an IP address. Origins are the console's addresses, such as "https://kenshin.hospital.example:8443".
	RPID    string
	Origins []string

	Now func() time.Time
}

// Service is the accounts of one installation. It is safe for use by many at once, and several copies share one database.
type Service struct {
	db      *store.DB
	box     *seal.Box
	o       Options
	hashing chan struct{} // argon2id needs much memory: few at a time
	decoy   string        // verified against when there is no such person, so that the answer takes as long
	passkey *webauthn.WebAuthn
}

// New makes the service.
func New(db *store.DB, box *seal.Box, o Options) (*Service, error) {
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost()
	}
	if o.Absolute == 0 {
		o.Absolute = 12 * time.Hour
	}
	if o.Pending == 0 {
		o.Pending = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{db: db, box: box, o: o, hashing: make(chan struct{}, 2)}
	s.decoy = decoyHash(o.Cost)
	if o.RPID != "" {
		w, err := newWebAuthn(o)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "--url の名前ではパスキーを使えません。https://名前 の形で指定してください。",
				"Passkeys cannot be used with the name in --url. Give it as https://NAME.")
		}
		s.passkey = w
	}
	return s, nil
}

// Person is somebody with an account.
type Person struct {
	ID         actor.PersonID
	Email      string // case-folded
	Name       string
	Reading    string // kana; lists sort by it
	Lang       i18n.Lang
	Disabled   bool
	Created    time.Time
	PasswordAt time.Time // zero: has no password
	TOTP       bool      // has a code app
	Passkeys   int
}

// Facility is a hospital or clinic.
type Facility struct {
	ID      facility.ID
	Name    string
	Reading string
	Beds    int
	Address string
	Zone    string // IANA time zone, "Asia/Tokyo" where empty
	Demo    bool   // fictitious, and marked as such on every page
	Created time.Time
}

// Location is the facility's time zone; Japan's where the machine does not know the zone.
func (f Facility) Location() *time.Location {
	if l, err := time.LoadLocation(f.Zone); err == nil && f.Zone != "" {
		return l
	}
	return time.FixedZone("JST", 9*60*60)
}

// Member is a person's place in a facility.
type Member struct {
	Person   Person
	Facility Facility
	Role     actor.Role
	Until    time.Time // zero: no end; always set for a desk
	Created  time.Time
}

// From is where a request came from, kept with the session and used to slow guessing down.
type From struct {
	Address   netip.Addr
	UserAgent string
}

const (
	maxName  = 200 // characters
	maxEmail = 254 // bytes (RFC 5321, 4.5.3.1.3)
	maxAgent = 300 // bytes kept of a User-Agent
)

// FoldEmail is an address as it is stored and compared.
func FoldEmail(s string) string {
	return cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s)))
}

func checkEmail(s string) (string, error) {
	s = FoldEmail(s)
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" || len(s) > maxEmail || strings.ContainsAny(s, " \t\r\n\x00<>,;\"()") || strings.Contains(domain, "@") {
		return "", fault.New(fault.Invalid, "メールアドレスの形が正しくありません。name@hospital.example のように入れてください。",
			"This is not an e-mail address. Enter it like name@hospital.example.")
	}
	return s, nil
}

// checkName cleans a name that people will read.
func checkName(s string, what i18n.Text, required bool) (string, error) {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")), " ")
	if s == "" && required {
		return "", fault.New(fault.Invalid, what.Ja+"を入れてください。", "Enter the "+what.En+".")
	}
	if len([]rune(s)) > maxName {
		return "", fault.New(fault.TooLarge, fmt.Sprintf("%sは%d文字までです。", what.Ja, maxName),
			fmt.Sprintf("The %s has at most %d characters.", what.En, maxName))
	}
	return s, nil
}

// secret makes 32 random bytes as text, and the hash under which the database knows it.
func secret(prefix string) (text, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	text = prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return text, hashOf(text)
}

// hashOf is enough for secrets of 80 random bits and more; passwords go through argon2id.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte("kenshin account\x00" + s))
	return hex.EncodeToString(sum[:])
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// manage refuses a person or token whose role may not manage people: a second lock behind the faces' own check.
func manage(ctx context.Context) error {
	a := actor.From(ctx)
	if (a.Kind == actor.Person || a.Kind == actor.Token) && !a.Role.May(actor.ManagePeople) {
		return fault.New(fault.Denied, "利用者を管理できるのは情報担当だけです。情報担当に頼んでください。", "Only an admin manages people. Ask your admin.")
	}
	return nil
}

// commandOnly refuses what only the machine's command line may do: it reaches across facilities.
func commandOnly(ctx context.Context) error {
	if a := actor.From(ctx); a.Kind == actor.Person || a.Kind == actor.Token {
		return fault.New(fault.Denied, "これはサーバの画面で kenshin user コマンドを使って行います。", "Do this on the server with the kenshin user command.")
	}
	return nil
}
