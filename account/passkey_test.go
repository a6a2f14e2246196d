package account

import (
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/seal"
	"kenshin/store"
)

func TestPasskey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		key := newAuthenticator(t)
		id, options, err := r.BeginRegister(ctx, r.admin)
		must(t, err)
		if !strings.Contains(string(options), `"userVerification":"required"`) || !strings.Contains(string(options), `"residentKey":"required"`) {
			t.Errorf("options: %s", options)
		}
		other, err := New(db, r.box, r.o) // another copy gets the answer
		must(t, err)
		done, err := other.FinishRegister(ctx, r.admin, id, "ノートPC", key.create(options), home)
		must(t, err)
		if done.Token != "" || done.RecoveryCodes != nil {
			t.Error("a second factor more gives neither a new session nor new codes")
		}
		_, err = r.FinishRegister(ctx, r.admin, id, "x", key.create(options), home)
		want(t, "an answer given twice", err, fault.Conflict)

		login := func(change func(*authenticator)) error {
			id, options, err := r.BeginLogin(ctx)
			must(t, err)
			mine := *key
			if change != nil {
				change(&mine)
			}
			_, x, err := r.FinishLogin(ctx, id, mine.get(options), home)
			if err == nil && (x.Stage != StageOpen || x.Method != ByPasskey || x.Person.ID != r.admin.Person.ID) {
				t.Errorf("session: %+v", x)
			}
			if change == nil {
				key.count = mine.count
			}
			return err
		}
		must(t, login(nil))
		must(t, login(nil))
		stranger := newAuthenticator(t)
		for name, change := range map[string]func(*authenticator){
			"no user verification": func(a *authenticator) { a.flags = 0x01 },
			"another site":         func(a *authenticator) { a.origin = "http://evil.example" },
			"another key":          func(a *authenticator) { a.key = stranger.key },
			"unknown credential":   func(a *authenticator) { a.id = stranger.id },
			"another person":       func(a *authenticator) { a.handle = []byte("somebody") },
			"a copied key":         func(a *authenticator) { a.count = 0 },
		} {
			want(t, name, login(change), fault.Denied)
		}
		must(t, login(nil))

		id, options, err = r.BeginLogin(ctx)
		must(t, err)
		r.clock.add(6 * time.Minute)
		_, _, err = r.FinishLogin(ctx, id, key.get(options), home)
		want(t, "after 6 minutes", err, fault.Conflict)
		_, _, err = r.FinishLogin(ctx, "made up", key.get(options), home)
		want(t, "unknown ceremony", err, fault.Conflict)
		id, _, err = r.BeginLogin(ctx)
		must(t, err)
		_, _, err = r.FinishLogin(ctx, id, []byte(`{"id":`), home)
		want(t, "broken JSON", err, fault.Denied)
		id, _, err = r.BeginLogin(ctx)
		must(t, err)
		_, _, err = r.FinishLogin(ctx, id, make([]byte, maxResponse+1), home)
		want(t, "huge answer", err, fault.TooLarge)

		keys, err := r.Passkeys(ctx, r.admin.Person.ID)
		must(t, err)
		if len(keys) != 1 || keys[0].Name != "ノートPC" || keys[0].Used.IsZero() {
			t.Fatalf("passkeys: %+v", keys)
		}
		must(t, r.RemoveTOTP(ctx, r.admin))
		want(t, "the last factor", r.RemovePasskey(ctx, r.admin, keys[0].ID), fault.Conflict)
		must(t, login(nil))
	})
}

func TestPasskeyAsFirstFactorOfAnInvitedPerson(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		link, _, err := r.Invite(ctx, r.f, "ph@minato.example", actor.Director, time.Time{})
		must(t, err)
		_, x, err := r.AcceptNew(ctx, link, NewPerson{Name: "院長", Password: goodPassword}, home)
		must(t, err)
		id, options, err := r.BeginRegister(ctx, x)
		must(t, err)
		done, err := r.FinishRegister(ctx, x, id, "", newAuthenticator(t).create(options), home)
		must(t, err)
		if done.Session.Stage != StageOpen || len(done.RecoveryCodes) != 10 {
			t.Fatalf("%+v", done)
		}
		if _, err := r.Session(ctx, done.Token); err != nil {
			t.Fatal(err)
		}
		// Password and recovery code are the way in when the passkey is lost; a code app cannot be asked for.
		pending, y, err := r.SignIn(ctx, "ph@minato.example", goodPassword, home)
		must(t, err)
		if y.Stage != StageSecond || y.Person.TOTP || y.Person.Passkeys != 1 {
			t.Errorf("%+v", y)
		}
		_, _, err = r.ConfirmTOTP(ctx, pending, "123456", home)
		want(t, "code without a code app", err, fault.Denied)
		_, _, err = r.ConfirmRecovery(ctx, pending, done.RecoveryCodes[0], home)
		must(t, err)
	})
}

func TestNoPasskeysAtAnIPAddress(t *testing.T) {
	db := dbtest.SQLite(t)
	s, err := New(db, seal.NewBox(), Options{Cost: cheap()})
	must(t, err)
	_, _, err = s.BeginLogin(t.Context())
	want(t, "login", err, fault.Unavailable)
	if s.PasskeysWork() {
		t.Error("says that they work")
	}
}
