package account

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/setting"
	"kenshin/store"
)

func TestSessionsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		must(t, db.Write(ctx, r.f, func(tx *store.Tx) error {
			_, err := setting.Idle().Set(ctx, tx, 10)
			return err
		}))
		token, x := r.signIn("admin@minato.example", goodPassword)
		if x.Idle != 10*time.Minute {
			t.Errorf("idle %v", x.Idle)
		}
		for range 3 {
			r.clock.add(9 * time.Minute)
			_, err := r.Session(ctx, token)
			must(t, err)
		}
		r.clock.add(10 * time.Minute)
		_, err := r.Session(ctx, token)
		want(t, "idle", err, fault.Denied)

		token, _ = r.signIn("admin@minato.example", goodPassword)
		for range 12*60/9 + 1 {
			r.clock.add(9 * time.Minute)
			_, err = r.Session(ctx, token)
		}
		want(t, "after 12 hours of work", err, fault.Denied)

		a, xa := r.signIn("admin@minato.example", goodPassword)
		b, xb := r.signIn("admin@minato.example", goodPassword)
		c, _ := r.signIn("admin@minato.example", goodPassword)
		list, err := r.Sessions(ctx, xa.Person.ID)
		must(t, err)
		if len(list) != 3 || list[0].UserAgent != "Test/1" || list[0].Address != "10.1.2.3" {
			t.Fatalf("%d sessions: %+v", len(list), list)
		}
		must(t, r.SignOut(ctx, "somebody else", xb.ID))
		_, err = r.Session(ctx, b)
		must(t, err)
		must(t, r.SignOut(ctx, xb.Person.ID, xb.ID))
		_, err = r.Session(ctx, b)
		want(t, "signed out", err, fault.Denied)
		must(t, r.SignOutAll(ctx, xa.Person.ID, xa.ID))
		_, err = r.Session(ctx, a)
		must(t, err)
		_, err = r.Session(ctx, c)
		want(t, "signed out elsewhere", err, fault.Denied)
		_, err = r.Session(ctx, "")
		want(t, "no cookie", err, fault.Denied)

		pending, _, err := r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		must(t, err)
		r.clock.add(11 * time.Minute)
		_, err = r.Pending(ctx, pending)
		want(t, "a second factor that never came", err, fault.Denied)
		r.clock.add(13 * time.Hour)
		must(t, r.Sweep(ctx))
		must(t, db.ReadShared(ctx, func(tx *store.Shared) error {
			var n int
			err := tx.Row(ctx, "SELECT count(*) FROM account_sessions").Scan(&n)
			if n != 0 {
				t.Errorf("%d sessions left after Sweep", n)
			}
			return err
		}))
	})
}

func TestChangePassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		a, xa := r.signIn("admin@minato.example", goodPassword)
		b, _ := r.signIn("admin@minato.example", goodPassword)
		const fresh = "umi no mieru kissaten de"
		want(t, "wrong old password", r.ChangePassword(ctx, xa, "wrong", fresh, home), fault.Denied)
		want(t, "facility's name", r.ChangePassword(ctx, xa, goodPassword, "みなと病院みなと病院123", home), fault.Invalid)
		must(t, r.ChangePassword(ctx, xa, goodPassword, fresh, home))
		_, err := r.Session(ctx, a)
		must(t, err)
		_, err = r.Session(ctx, b)
		want(t, "the other session", err, fault.Denied)
		_, _, err = r.SignIn(ctx, "admin@minato.example", goodPassword, home)
		want(t, "old password", err, fault.Denied)
		r.signIn("admin@minato.example", fresh)
		must(t, db.Write(ctx, r.f, func(tx *store.Tx) error {
			_, err := setting.PasswordLength().Set(ctx, tx, 30)
			return err
		}))
		want(t, "shorter than the facility wants", r.ChangePassword(ctx, xa, fresh, goodPassword, home), fault.Invalid)
	})
}

func TestInvitation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		link, inv, err := r.Invite(ctx, r.f, "Doctor@Minato.example", actor.Department, time.Time{})
		must(t, err)
		got, err := r.Invitation(ctx, link)
		must(t, err)
		if got.Email != "doctor@minato.example" || got.Known || got.Role != actor.Department || got.ID != inv.ID {
			t.Errorf("%+v", got)
		}
		_, _, err = r.AcceptNew(ctx, link, NewPerson{Name: "医師", Password: "short"}, home)
		want(t, "weak password", err, fault.Invalid)
		again, _, err := r.Invite(ctx, r.f, "doctor@minato.example", actor.Department, time.Time{})
		must(t, err)
		_, err = r.Invitation(ctx, link)
		want(t, "an earlier link", err, fault.NotFound)
		pending, _, err := r.AcceptNew(ctx, again, NewPerson{Email: "other@evil.example", Name: "医師", Password: goodPassword}, home)
		must(t, err)
		x := r.enrolTOTP(pending).Session
		if x.Person.Email != "doctor@minato.example" || x.Facility != r.f {
			t.Errorf("%+v", x)
		}
		_, _, err = r.AcceptNew(ctx, again, NewPerson{Name: "医師", Password: goodPassword}, home)
		want(t, "used twice", err, fault.NotFound)
		who, err := r.Access(ctx, x.Subject(), r.f)
		must(t, err)
		if who.Role != actor.Department {
			t.Errorf("%+v", who)
		}

		second, err := r.AddFacility(ctx, Facility{Name: "きた診療所"})
		must(t, err)
		link, _, err = r.Invite(ctx, second.ID, "doctor@minato.example", actor.Admin, time.Time{})
		must(t, err)
		if got, err := r.Invitation(ctx, link); err != nil || !got.Known {
			t.Errorf("%+v, %v", got, err)
		}
		_, _, err = r.AcceptNew(ctx, link, NewPerson{Name: "偽者", Password: goodPassword}, home)
		want(t, "a new account over an old one", err, fault.Conflict)
		want(t, "somebody else's invitation", r.Accept(ctx, link, r.admin), fault.Denied)
		must(t, r.Accept(ctx, link, x))
		list, err := r.Memberships(ctx, x.Person.ID)
		must(t, err)
		if len(list) != 2 {
			t.Errorf("%+v", list)
		}
		_, err = r.Enter(ctx, x, second.ID)
		must(t, err)
		_, err = r.Access(ctx, r.admin.Subject(), second.ID)
		want(t, "a facility of others", err, fault.NotFound)

		link, inv, err = r.Invite(ctx, r.f, "late@minato.example", actor.Trainer, time.Time{})
		must(t, err)
		r.clock.add(7*24*time.Hour + time.Second)
		_, _, err = r.AcceptNew(ctx, link, NewPerson{Name: "n", Password: goodPassword}, home)
		want(t, "after 7 days", err, fault.NotFound)
		link, inv, err = r.Invite(ctx, r.f, "late@minato.example", actor.Trainer, time.Time{})
		must(t, err)
		want(t, "another facility withdraws", r.Withdraw(ctx, second.ID, inv.ID), fault.NotFound)
		must(t, r.Withdraw(ctx, r.f, inv.ID))
		_, err = r.Invitation(ctx, link)
		want(t, "withdrawn", err, fault.NotFound)
	})
}

func TestInvitationRefuses(t *testing.T) {
	r := setUp(t, dbtest.SQLite(t))
	now := r.clock.now()
	for name, c := range map[string]struct {
		email string
		role  actor.Role
		until time.Time
	}{
		"no address":         {"", actor.Auditor, time.Time{}},
		"two addresses":      {"a@b.example,c@d.example", actor.Auditor, time.Time{}},
		"header injection":   {"a@b.example\r\nBcc: x@y.example", actor.Auditor, time.Time{}},
		"two at signs":       {"a@b@c.example", actor.Auditor, time.Time{}},
		"unknown role":       {"a@b.example", "root", time.Time{}},
		"desk without end":   {"a@b.example", actor.Desk, time.Time{}},
		"desk in the past":   {"a@b.example", actor.Desk, now.Add(-time.Hour)},
		"desk for ever":      {"a@b.example", actor.Desk, now.AddDate(5, 0, 0)},
		"admin with an end":  {"a@b.example", actor.Admin, now.AddDate(0, 1, 0)},
		"overlong address":   {strings.Repeat("a", 250) + "@b.example", actor.Auditor, time.Time{}},
		"address with a NUL": {"a\x00@b.example", actor.Auditor, time.Time{}},
	} {
		_, _, err := r.Invite(t.Context(), r.f, c.email, c.role, c.until)
		want(t, name, err, fault.Invalid)
	}
}

func TestDeskEndsAndIsSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		desk := r.join("support@center.example", "支援 者", actor.Desk, r.clock.now().Add(30*24*time.Hour))
		if e := r.trail(r.f)[0]; e.Action != "desk.enter" || e.Actor.Name != "支援 者" {
			t.Errorf("trail: %+v", e)
		}
		who, err := r.Access(ctx, desk.Subject(), r.f)
		must(t, err)
		if who.Role.May(actor.EditLedger) {
			t.Error("a desk may edit")
		}
		r.clock.add(31 * 24 * time.Hour)
		_, err = r.Access(ctx, desk.Subject(), r.f)
		want(t, "after the end", err, fault.NotFound)
		list, err := r.Memberships(ctx, desk.Person.ID)
		must(t, err)
		if len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestLastAdminStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		me := r.admin.Person.ID
		want(t, "remove", r.RemoveMember(ctx, r.f, me), fault.Conflict)
		want(t, "demote", r.SetMember(ctx, r.f, me, actor.Auditor, time.Time{}), fault.Conflict)
		want(t, "disable", r.SetDisabled(ctx, r.f, me, true), fault.Conflict)
		_, err := r.AddPerson(ctx, r.f, NewPerson{Email: "admin@minato.example"}, actor.Auditor, time.Time{})
		want(t, "demote by the command line", err, fault.Conflict)
		if _, err := r.Session(ctx, r.token); err != nil {
			t.Errorf("a refused change ended the session: %v", err)
		}
		other := r.join("b@minato.example", "二人目", actor.Admin, time.Time{}).Person.ID
		must(t, r.SetDisabled(ctx, r.f, other, true))
		want(t, "the other one is disabled", r.RemoveMember(ctx, r.f, me), fault.Conflict)
		must(t, r.SetDisabled(ctx, r.f, other, false))
		var wg sync.WaitGroup
		errs := make([]error, 2)
		wg.Go(func() { errs[0] = r.RemoveMember(ctx, r.f, me) })
		wg.Go(func() { errs[1] = r.SetMember(ctx, r.f, other, actor.Director, time.Time{}) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("both admins gone at once: %v", errs)
		}
	})
}

func TestOnlyAdminsManagePeople(t *testing.T) {
	r := setUp(t, dbtest.SQLite(t))
	for _, role := range actor.Roles() {
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "x", Role: role})
		_, _, e1 := r.Invite(ctx, r.f, "x@minato.example", actor.Auditor, time.Time{})
		_, _, e2 := r.AddToken(ctx, r.f, "t", actor.Auditor, 0)
		e3 := r.SetMember(ctx, r.f, r.admin.Person.ID, actor.Admin, time.Time{})
		for i, err := range []error{e1, e2, e3} {
			if role == actor.Admin && err != nil {
				t.Errorf("admin, %d: %v", i, err)
			} else if role != actor.Admin {
				want(t, string(role), err, fault.Denied)
			}
		}
		want(t, "reset factors from the web", r.ResetFactors(ctx, "admin@minato.example"), fault.Denied)
		want(t, "set a password from the web", r.SetPassword(ctx, "admin@minato.example", goodPassword), fault.Denied)
		_, err := r.AddPerson(ctx, r.f, NewPerson{}, role, time.Time{})
		want(t, "add from the web", err, fault.Denied)
	}
}

func TestTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		text, tok, err := r.AddToken(ctx, r.f, "監視スクリプト", actor.Auditor, 24*time.Hour)
		must(t, err)
		if !strings.HasPrefix(text, "ken_") || len(text) != 4+43 || !strings.HasPrefix(text, tok.Hint) {
			t.Fatalf("token %q, hint %q", text, tok.Hint)
		}
		got, err := r.Token(ctx, text)
		must(t, err)
		who, err := r.Access(ctx, got.Subject(), r.f)
		must(t, err)
		if who.Kind != actor.Token || who.Role != actor.Auditor || who.Name != "監視スクリプト" {
			t.Errorf("%+v", who)
		}
		for _, f := range []facility.ID{dbtest.Canary, ""} {
			_, err = r.Access(ctx, got.Subject(), f)
			want(t, "another facility", err, fault.NotFound)
		}
		if list, _ := r.Tokens(ctx, r.f); len(list) != 1 || list[0].Used.IsZero() {
			t.Errorf("%+v", list)
		}
		for _, bad := range []string{"", "ken_", text[:len(text)-1], text + "x", strings.ToUpper(text), "Bearer " + text} {
			_, err := r.Token(ctx, bad)
			want(t, "token "+bad, err, fault.Denied)
		}
		want(t, "another facility revokes", r.RevokeToken(ctx, dbtest.Canary, tok.ID), fault.NotFound)
		must(t, r.RevokeToken(ctx, r.f, tok.ID))
		_, err = r.Token(ctx, text)
		want(t, "revoked", err, fault.Denied)
		text, _, err = r.AddToken(ctx, r.f, "t", actor.Admin, time.Hour)
		must(t, err)
		r.clock.add(time.Hour)
		_, err = r.Token(ctx, text)
		want(t, "expired", err, fault.Denied)
		_, _, err = r.AddToken(ctx, r.f, "t", actor.Desk, 0)
		want(t, "a desk's token", err, fault.Invalid)
		_, _, err = r.AddToken(ctx, r.f, " ", actor.Admin, 0)
		want(t, "no name", err, fault.Invalid)
	})
}

func TestCommandLineRecovery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
		r := setUp(t, db)
		token, x := r.signIn("admin@minato.example", goodPassword)
		must(t, r.ResetFactors(ctx, "ADMIN@minato.example"))
		_, err := r.Session(ctx, token)
		want(t, "the open session", err, fault.Denied)
		const fresh = "umi no mieru kissaten de"
		must(t, r.SetPassword(ctx, "admin@minato.example", fresh))
		pending, y, err := r.SignIn(ctx, "admin@minato.example", fresh, home)
		must(t, err)
		if y.Stage != StageEnrol || y.Person.ID != x.Person.ID {
			t.Fatalf("%+v", y)
		}
		r.enrolTOTP(pending)
		if e := r.trail(r.f)[2]; e.Action != "person.password" || e.Actor.Kind != actor.Command || e.Actor.Name != "root" {
			t.Errorf("trail: %+v", e)
		}
		p, err := r.AddPerson(ctx, r.f, NewPerson{Email: "new@minato.example", Name: "新人", Password: goodPassword}, actor.Trainer, time.Time{})
		must(t, err)
		if _, y, err := r.SignIn(ctx, "new@minato.example", goodPassword, home); err != nil || y.Stage != StageEnrol || y.Person.ID != p.ID {
			t.Errorf("%+v, %v", y, err)
		}
		want(t, "unknown person", r.ResetFactors(ctx, "nobody@minato.example"), fault.NotFound)
		_, err = r.AddPerson(ctx, "no such facility", NewPerson{Email: "x@y.example", Name: "n", Password: goodPassword}, actor.Admin, time.Time{})
		want(t, "unknown facility", err, fault.NotFound)
	})
}

func TestSecretsAreNotInTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		must(t, db.ReadShared(ctx, func(tx *store.Shared) error {
			var sealed []byte
			var phc, session string
			if err := tx.Row(ctx, "SELECT totp, password FROM account_people").Scan(&sealed, &phc); err != nil {
				return err
			}
			if err := tx.Row(ctx, "SELECT id FROM account_sessions").Scan(&session); err != nil {
				return err
			}
			all := string(sealed) + phc + session
			for _, s := range []string{r.secret["admin@minato.example"], goodPassword, r.token} {
				if strings.Contains(all, s) {
					t.Errorf("readable: %s", s)
				}
			}
			return nil
		}))
	})
}

func TestEnrolment(t *testing.T) {
	r := setUp(t, dbtest.SQLite(t))
	ctx := t.Context()
	e, err := r.BeginTOTP(ctx, r.admin)
	must(t, err)
	if !strings.HasPrefix(e.URI, "otpauth://totp/Kenshin:admin@minato.example?secret=") || len(e.Secret) != 39 {
		t.Errorf("%+v", e)
	}
	if !strings.HasPrefix(e.QR, "<svg ") || strings.Count(e.QR, "h1v1h-1z") < 300 {
		t.Errorf("picture: %.200s", e.QR)
	}
	_, err = r.FinishTOTP(ctx, r.admin, e.ID, "000000", home)
	want(t, "wrong code", err, fault.Invalid)
	other := r.join("b@minato.example", "二人目", actor.Admin, time.Time{})
	_, err = r.FinishTOTP(ctx, other, e.ID, "000000", home)
	want(t, "somebody else's enrolment", err, fault.Conflict)
	r.secret["admin@minato.example"] = strings.ReplaceAll(e.Secret, " ", "")
	r.clock.add(time.Minute)
	_, err = r.FinishTOTP(ctx, r.admin, e.ID, r.code("admin@minato.example"), home)
	must(t, err)
	r.signIn("admin@minato.example", goodPassword)
}

func TestOnlyOneOfTwoSetsUpTheFirstFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		_, err := r.AddPerson(ctx, r.f, NewPerson{Email: "n@minato.example", Name: "新人", Password: goodPassword}, actor.Director, time.Time{})
		must(t, err)
		mine, _, err := r.SignIn(ctx, "n@minato.example", goodPassword, home)
		must(t, err)
		_, thief, err := r.SignIn(ctx, "n@minato.example", goodPassword, home)
		must(t, err)
		id, options, err := r.BeginRegister(ctx, thief)
		must(t, err)
		r.enrolTOTP(mine)
		_, err = r.FinishRegister(ctx, thief, id, "", newAuthenticator(t).create(options), home)
		want(t, "a second first factor", err, fault.Denied)
		if keys, _ := r.Passkeys(ctx, thief.Person.ID); len(keys) != 0 {
			t.Errorf("the passkey was kept: %+v", keys)
		}
	})
}

func TestFacility(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := setUp(t, db)
		f, err := r.Facility(ctx, r.f)
		must(t, err)
		f.Beds, f.Address, f.Zone = 199, "東京都千代田区", "Asia/Tokyo"
		must(t, r.EditFacility(ctx, f))
		got, err := r.Facility(ctx, r.f)
		must(t, err)
		if got.Beds != 199 || got.Name != "みなと病院" {
			t.Errorf("%+v", got)
		}
		e := r.trail(r.f)[0]
		raw, ok := e.Detail.(json.RawMessage)
		if e.Action != "facility.edit" || !ok || !strings.Contains(string(raw), "千代田") {
			t.Errorf("%+v", e)
		}
		for name, bad := range map[string]Facility{
			"no name": {ID: r.f}, "beds": {ID: r.f, Name: "x", Beds: -1}, "zone": {ID: r.f, Name: "x", Zone: "../etc/passwd"},
			"long name": {ID: r.f, Name: strings.Repeat("あ", 201)},
		} {
			if err := r.EditFacility(ctx, bad); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, r.EditProfile(ctx, r.admin, "情報 はな", "", i18n.En))
		p, err := r.Person(ctx, r.admin.Person.ID)
		must(t, err)
		if p.Name != "情報 はな" || p.Lang != i18n.En {
			t.Errorf("%+v", p)
		}
	})
}
