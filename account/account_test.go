package account

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/trail"
)

const goodPassword = "kirin-tokei-mado-yuki"

var home = From{Address: netip.MustParseAddr("10.1.2.3"), UserAgent: "Test/1"}

// clock is a time that a test moves by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a service with one facility and its admin.
type rig struct {
	*Service
	t      *testing.T
	clock  *clock
	secret map[string]string // code app secrets by e-mail
	f      facility.ID
	admin  Session
	token  string // the admin's cookie
}

func cheap() Cost { return Cost{Memory: 64, Passes: 1, Threads: 1} }

func bare(t *testing.T, db *store.DB) *rig {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	s, err := New(db, seal.NewBox(), Options{Cost: cheap(), RPID: "localhost", Origins: []string{"http://localhost:8080"}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Service: s, t: t, clock: c, secret: map[string]string{}}
}

func setUp(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := bare(t, db)
	code, err := r.SetupCode(t.Context())
	must(t, err)
	pending, x, err := r.Setup(t.Context(), SetupForm{Code: code, Facility: Facility{Name: "みなと病院", Beds: 180},
		Person: NewPerson{Email: "Admin@Minato.example", Name: "情報 花子", Reading: "じょうほう はなこ", Password: goodPassword}}, home)
	must(t, err)
	if x.Stage != StageEnrol {
		t.Fatalf("after set-up: stage %q", x.Stage)
	}
	done := r.enrolTOTP(pending)
	r.admin, r.token, r.f = done.Session, done.Token, done.Session.Facility
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: got %v, want kind %d", what, err, kind)
	}
	if err != nil && (fault.Sentence(err, "ja") == "" || fault.Sentence(err, "en") == "") {
		t.Errorf("%s: no sentence in %v", what, err)
	}
}

func (r *rig) enrolTOTP(pending string) Enrolled {
	r.t.Helper()
	x, err := r.Pending(r.t.Context(), pending)
	must(r.t, err)
	e, err := r.BeginTOTP(r.t.Context(), x)
	must(r.t, err)
	r.secret[x.Person.Email] = strings.ReplaceAll(e.Secret, " ", "")
	done, err := r.FinishTOTP(r.t.Context(), x, e.ID, r.code(x.Person.Email), home)
	must(r.t, err)
	return done
}

func (r *rig) code(email string) string {
	r.t.Helper()
	c, err := totp.GenerateCode(r.secret[email], r.clock.now())
	must(r.t, err)
	return c
}

// signIn goes all the way with a password and a code.
func (r *rig) signIn(email, password string) (string, Session) {
	r.t.Helper()
	r.clock.add(time.Minute) // a fresh code
	pending, _, err := r.SignIn(r.t.Context(), email, password, home)
	must(r.t, err)
	token, x, err := r.ConfirmTOTP(r.t.Context(), pending, r.code(FoldEmail(email)), home)
	must(r.t, err)
	return token, x
}

// join brings somebody in by invitation, with a code app.
func (r *rig) join(email, name string, role actor.Role, until time.Time) Session {
	r.t.Helper()
	link, _, err := r.Invite(r.t.Context(), r.f, email, role, until)
	must(r.t, err)
	pending, _, err := r.AcceptNew(r.t.Context(), link, NewPerson{Name: name, Password: goodPassword}, home)
	must(r.t, err)
	return r.enrolTOTP(pending).Session
}

func (r *rig) trail(f facility.ID) []trail.Entry {
	r.t.Helper()
	var out []trail.Entry
	must(r.t, r.db.Read(r.t.Context(), f, func(tx *store.Tx) (err error) {
		out, _, err = trail.List(r.t.Context(), tx, trail.Filter{})
		return err
	}))
	return out
}

func TestSetup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := bare(t, db)
		if need, err := r.NeedsSetup(ctx); err != nil || !need {
			t.Fatal(need, err)
		}
		first, err := r.SetupCode(ctx)
		must(t, err)
		second, err := r.SetupCode(ctx) // another copy starts
		must(t, err)
		form := SetupForm{Code: "AAAA-BBBB-CCCC-DDDD", Facility: Facility{Name: "みなと病院"},
			Person: NewPerson{Email: "a@minato.example", Name: "花子", Password: goodPassword}}
		_, _, err = r.Setup(ctx, form, home)
		want(t, "wrong code", err, fault.Denied)
		form.Code, form.Person.Password = strings.ToLower(first), "short"
		_, _, err = r.Setup(ctx, form, home)
		want(t, "weak password", err, fault.Invalid)
		form.Person.Password = goodPassword
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, code := range []string{first, second} {
			mine := form
			mine.Code, mine.Person.Email = code, string(rune('a'+i))+"@minato.example"
			wg.Go(func() { _, _, errs[i] = r.Setup(ctx, mine, home) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("two set-ups at once: %v", errs)
		}
		_, _, err = r.Setup(ctx, form, home)
		want(t, "second set-up", err, fault.Conflict)
		if code, err := r.SetupCode(ctx); err != nil || code != "" {
			t.Fatalf("a code after set-up: %q, %v", code, err)
		}
		list, err := r.Facilities(ctx)
		must(t, err)
		if len(list) != 1 || list[0].Zone != "Asia/Tokyo" || list[0].Location().String() != "Asia/Tokyo" {
			t.Fatalf("facilities: %+v", list)
		}
	})
}

func TestSetupCodeCannotBeGuessed(t *testing.T) {
	r := bare(t, dbtest.SQLite(t))
	good, err := r.SetupCode(t.Context())
	must(t, err)
	form := SetupForm{Code: "wrong", Facility: Facility{Name: "X"}, Person: NewPerson{Email: "a@b.c", Name: "n", Password: goodPassword}}
	for range 7 {
		_, _, err = r.Setup(t.Context(), form, home)
	}
	want(t, "after many guesses", err, fault.Busy)
	form.Code = good
	_, _, err = r.Setup(t.Context(), form, home)
	want(t, "right code while waiting", err, fault.Busy)
	r.clock.add(time.Minute)
	_, _, err = r.Setup(t.Context(), form, home)
	must(t, err)
}

func TestPasswordAloneOpensNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		r.clock.add(time.Minute)
		pending, x, err := r.SignIn(ctx, "ADMIN@minato.example ", goodPassword, home)
		must(t, err)
		if x.Stage != StageSecond {
			t.Fatalf("stage %q", x.Stage)
		}
		_, err = r.Session(ctx, pending)
		want(t, "pending session as an open one", err, fault.Denied)
		_, err = r.Access(ctx, x.Subject(), r.f)
		want(t, "access with a pending session", err, fault.Denied)
		_, err = r.BeginTOTP(ctx, x)
		want(t, "a second code app with the password alone", err, fault.Denied)
		_, _, err = r.BeginRegister(ctx, x)
		want(t, "a passkey with the password alone", err, fault.Denied)
		_, err = r.NewRecoveryCodes(ctx, x)
		want(t, "recovery codes with the password alone", err, fault.Denied)
		_, _, err = r.ConfirmTOTP(ctx, pending, "000000", home)
		want(t, "wrong code", err, fault.Denied)
		code := r.code("admin@minato.example")
		token, open, err := r.ConfirmTOTP(ctx, pending, " "+code[:3]+" "+code[3:], home)
		must(t, err)
		if token == pending || open.Facility != r.f {
			t.Fatal("the token did not change, or no facility was chosen")
		}
		_, _, err = r.ConfirmTOTP(ctx, pending, code, home)
		want(t, "pending session used twice", err, fault.Denied)
		got, err := r.Session(ctx, token)
		must(t, err)
		if got.Person.Name != "情報 花子" || got.Method != ByTOTP || !got.Person.TOTP {
			t.Errorf("session: %+v", got)
		}
		pending, _, err = r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		must(t, err)
		_, _, err = r.ConfirmTOTP(ctx, pending, code, home)
		want(t, "the same code again", err, fault.Denied)
		who, err := r.Access(ctx, got.Subject(), r.f)
		must(t, err)
		if who.Role != actor.Admin || who.Kind != actor.Person || who.Name != "情報 花子" {
			t.Errorf("actor: %+v", who)
		}
		last := r.trail(r.f)[0]
		if last.Action != "person.sign-in" || last.Actor.Name != "情報 花子" || last.Subject.ID != string(got.Person.ID) {
			t.Errorf("trail: %+v", last)
		}
		if d, ok := last.Detail.(interface{ MarshalJSON() ([]byte, error) }); !ok || !strings.Contains(str(d.MarshalJSON()), `"failed_before":1`) {
			t.Errorf("the failed code is not told: %s", last.Detail)
		}
	})
}

func str(b []byte, _ error) string { return string(b) }

func TestOneCodeOpensOneSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		r.clock.add(time.Minute)
		code := r.code("admin@minato.example")
		opened := make(chan error, 4)
		var pendings []string
		for range cap(opened) {
			p, _, err := r.SignIn(ctx, "admin@minato.example", goodPassword, home)
			must(t, err)
			pendings = append(pendings, p)
		}
		must(t, r.db.WriteShared(ctx, func(tx *store.Shared) error {
			_, err := tx.Exec(ctx, "DELETE FROM account_attempts")
			return err
		}))
		for _, p := range pendings {
			go func() {
				_, _, err := r.ConfirmTOTP(ctx, p, code, home)
				opened <- err
			}()
		}
		n := 0
		for range cap(opened) {
			if err := <-opened; err == nil {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d sessions by one code", n)
		}
	})
}

func TestUnknownAddressAnswersLikeAWrongPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		p := r.join("out@minato.example", "出 者", actor.Department, time.Time{})
		must(t, r.SetDisabled(ctx, r.f, p.Person.ID, true))
		said := map[string][]string{}
		for _, email := range []string{"admin@minato.example", "nobody@minato.example", "out@minato.example", "not an address", ""} {
			for range 9 {
				_, _, err := r.SignIn(ctx, email, "wrong password, long", From{Address: netip.MustParseAddr("10.9.9.9")})
				if err == nil {
					t.Fatal("signed in")
				}
				said[email] = append(said[email], err.Error())
			}
			must(t, r.db.WriteShared(ctx, func(tx *store.Shared) error {
				_, err := tx.Exec(ctx, "DELETE FROM account_attempts WHERE name LIKE 'address:%'")
				return err
			}))
		}
		for email, s := range said {
			if strings.Join(s, "|") != strings.Join(said["admin@minato.example"], "|") {
				t.Errorf("%q answers differently: %v", email, s)
			}
		}
		_, _, err := r.SignIn(ctx, "out@minato.example", goodPassword, home)
		if err == nil {
			t.Error("a disabled person got past the password")
		}
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		r.clock.add(3 * time.Hour)
		var err error
		for range 6 {
			_, _, err = r.SignIn(ctx, "admin@minato.example", "wrong", home)
			want(t, "free try", err, fault.Denied)
		}
		_, _, err = r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		want(t, "right password while waiting", err, fault.Busy)
		// Another copy, or this one after a restart, knows it too.
		other, err := New(db, r.box, r.o)
		must(t, err)
		_, _, err = other.SignIn(ctx, "admin@minato.example", goodPassword, home)
		want(t, "on another copy", err, fault.Busy)
		waited := []time.Duration{}
		for range 12 {
			w := time.Duration(0)
			for {
				if _, _, err = r.SignIn(ctx, "admin@minato.example", "wrong", home); !fault.Is(err, fault.Busy) {
					break
				}
				w += time.Second
				r.clock.add(time.Second)
			}
			waited = append(waited, w)
		}
		if waited[0] != 2*time.Second || waited[1] != 4*time.Second || waited[11] != longestWait {
			t.Errorf("waits: %v", waited)
		}
		r.clock.add(longestWait)
		r.signIn("admin@minato.example", goodPassword)
		_, _, err = r.SignIn(ctx, "admin@minato.example", "wrong", home)
		want(t, "counting starts again after a sign-in", err, fault.Denied)
	})
}

func TestOneAddressTriesManyAccounts(t *testing.T) {
	r := setUp(t, dbtest.SQLite(t))
	var err error
	for i := range 60 {
		from := From{Address: netip.MustParseAddr("2001:db8::1")}
		if i%2 == 1 {
			from.Address = netip.MustParseAddr("2001:db8::ffff:2") // the same /64
		}
		_, _, err = r.SignIn(t.Context(), string(rune('a'+i%26))+string(rune('a'+i/26))+"@x.example", "wrong", from)
		if fault.Is(err, fault.Busy) {
			if i < perAddress.free {
				t.Fatalf("blocked at try %d", i)
			}
			break
		}
	}
	want(t, "the address", err, fault.Busy)
	r.signIn("admin@minato.example", goodPassword) // from elsewhere
}

func TestManyAtOnceDoNotOutrunTheCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := setUp(t, db)
		r.clock.add(3 * time.Hour)
		var mu sync.Mutex
		tried := 0
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, _, err := r.SignIn(t.Context(), "admin@minato.example", "wrong", home)
				mu.Lock()
				defer mu.Unlock()
				if !fault.Is(err, fault.Busy) {
					tried++
				}
			})
		}
		wg.Wait()
		if tried != perAccount.free+1 {
			t.Fatalf("%d of 20 tries at once got through", tried)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		codes, err := r.NewRecoveryCodes(ctx, r.admin)
		must(t, err)
		if len(codes) != 10 {
			t.Fatalf("%d codes", len(codes))
		}
		pending, _, err := r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		must(t, err)
		_, x, err := r.ConfirmRecovery(ctx, pending, strings.ToLower(strings.ReplaceAll(codes[3], "-", " ")), home)
		must(t, err)
		if x.Method != ByRecovery {
			t.Errorf("method %q", x.Method)
		}
		if n, err := r.RecoveryCodesLeft(ctx, x.Person.ID); err != nil || n != 9 {
			t.Errorf("%d left, %v", n, err)
		}
		pending, _, err = r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		must(t, err)
		_, _, err = r.ConfirmRecovery(ctx, pending, codes[3], home)
		want(t, "a used code", err, fault.Denied)
		_, _, err = r.ConfirmRecovery(ctx, pending, codes[4], home)
		must(t, err)
		_, err = r.NewRecoveryCodes(ctx, x)
		must(t, err)
		pending, _, err = r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		must(t, err)
		_, _, err = r.ConfirmRecovery(ctx, pending, codes[5], home)
		want(t, "a code of the old set", err, fault.Denied)
	})
}
