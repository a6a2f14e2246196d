package app

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/job"
	"kenshin/store"
	"kenshin/trail"
)

// person signs in by password and code, with the clock of the house.
type person struct {
	h      *House
	t      *testing.T
	secret string
}

const (
	hiyori   = "hiyori@minato.example"
	passcode = "kirin-tokei-mado-yuki"
)

var ward = account.From{Address: netip.MustParseAddr("10.1.2.3"), UserAgent: "Test/1"}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) code() string {
	code, err := totp.GenerateCode(p.secret, p.h.Now())
	p.must(err)
	return code
}

// enrol signs in for the first time and returns the session's token.
func (p *person) enrol() string {
	p.t.Helper()
	ctx := p.t.Context()
	pending, _, err := p.h.Account.SignIn(ctx, hiyori, passcode, ward)
	p.must(err)
	x, err := p.h.Account.Pending(ctx, pending)
	p.must(err)
	e, err := p.h.Account.BeginTOTP(ctx, x)
	p.must(err)
	p.secret = strings.ReplaceAll(e.Secret, " ", "")
	done, err := p.h.Account.FinishTOTP(ctx, x, e.ID, p.code(), ward)
	p.must(err)
	return done.Token
}

// signIn signs in with a code of the clock of now.
func (p *person) signIn() (string, error) {
	pending, _, err := p.h.Account.SignIn(p.t.Context(), hiyori, passcode, ward)
	if err != nil {
		return "", err
	}
	token, _, err := p.h.Account.ConfirmTOTP(p.t.Context(), pending, p.code(), ward)
	return token, err
}

// TestTheClockJumps sets the clock of a whole house two hours back and three days ahead while work is under way.
func TestTheClockJumps(t *testing.T) {
	ctx := context.Background()
	var offset atomic.Int64
	h, err := Open(ctx, Config{Data: t.TempDir(), Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	command := actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	f, err := h.Account.AddFacility(command, account.Facility{Name: "みなと病院", Zone: "Asia/Tokyo"})
	p := &person{h: h, t: t}
	p.must(err)
	_, err = h.Account.AddPerson(command, f.ID, account.NewPerson{Email: hiyori, Name: "ひより", Password: passcode}, actor.Admin, time.Time{})
	p.must(err)
	session := p.enrol()

	const steps = 30
	h.Jobs.Handle("walk", job.Options{}, func(ctx context.Context, run *job.Run) (job.Next, error) {
		done := 0
		if err := run.Data(&done); err != nil {
			return job.Next{}, err
		}
		switch done++; done {
		case 10:
			offset.Store(int64(-2 * time.Hour))
		case 20:
			offset.Store(int64(72 * time.Hour))
		}
		err := h.DB.Write(ctx, run.Facility, func(tx *store.Tx) error {
			if _, err := trail.Append(ctx, tx, trail.Entry{At: h.Now(), Action: "test.step"}); err != nil {
				return err
			}
			return run.Save(ctx, tx, done, done, steps)
		})
		if done == steps {
			return job.Done, err
		}
		return job.Again(time.Duration(done%3) * 10 * time.Millisecond), err
	})
	h.nightly()
	p.must(h.Jobs.Start(ctx))
	defer h.Jobs.Stop(ctx)
	var run job.RunID
	p.must(h.DB.Write(ctx, f.ID, func(tx *store.Tx) (err error) {
		run, err = h.Jobs.Enqueue(ctx, tx, "walk", nil, job.Request{})
		return err
	}))
	wait(t, func() bool { i, err := h.Jobs.Get(ctx, f.ID, run); return err == nil && i.State.Over() })
	if i, err := h.Jobs.Get(ctx, f.ID, run); err != nil || i.State != job.Finished || i.Done != steps || i.Attempts != 0 {
		t.Errorf("the work is %s at %d of %d after %d tries, %v", i.State, i.Done, i.Total, i.Attempts, err)
	}
	if n := entries(t, h, f.ID, "test.step"); n != steps {
		t.Errorf("%d steps left a trail, want %d: one was lost or done twice", n, steps)
	}
	if r, err := trail.Verify(ctx, h.DB, f.ID, nil); err != nil || !r.OK() {
		t.Errorf("the trail is damaged: %v %+v", err, r.Findings)
	}

	// Three days ahead the session is over, and one signs in again.
	if _, err := h.Account.Session(ctx, session); !fault.Is(err, fault.Denied) {
		t.Errorf("a session three days old: %v", err)
	}
	ahead, err := p.signIn()
	p.must(err)
	// Set back to the true time: the session goes on, its idle time counts from now, and a code that was used is not taken again.
	offset.Store(0)
	x, err := h.Account.Session(ctx, ahead)
	p.must(err)
	if gap := x.Seen.Sub(h.Now()); gap > time.Minute {
		t.Errorf("the session counts as used %v from now", gap)
	}
	// Wrong tries under the wrong clock lock nobody out for days.
	offset.Store(int64(72 * time.Hour))
	for range 12 {
		_, _, _ = h.Account.SignIn(ctx, hiyori, "wrong wrong wrong", ward)
	}
	offset.Store(0)
	if _, _, err := h.Account.SignIn(ctx, hiyori, passcode, ward); err != nil {
		t.Errorf("after the clock was put right: %v", err)
	}
}

func entries(t *testing.T, h *House, f facility.ID, action string) (n int) {
	t.Helper()
	err := h.DB.Read(context.Background(), f, func(tx *store.Tx) error {
		list, _, err := trail.List(context.Background(), tx, trail.Filter{Action: action, Limit: 500})
		n = len(list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNothingIsForgottenByAClockThatJumped: the first night after a jump drops nothing.
func TestNothingIsForgottenByAClockThatJumped(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	h, err := Open(ctx, Config{Data: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	f, err := h.Account.AddFacility(actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"}), account.Facility{Name: "みなと病院", Zone: "Asia/Tokyo"})
	if err != nil {
		t.Fatal(err)
	}
	night := func(want bool) {
		t.Helper()
		if err := h.sealTrail(ctx, f); err != nil {
			t.Fatal(err)
		}
		if got, err := h.steady(ctx, f); err != nil || got != want {
			t.Errorf("%s: something may be forgotten: %v, want %v; %v", now.Format(time.DateOnly), got, want, err)
		}
	}
	night(false) // nothing is known of the clock yet
	now = now.AddDate(0, 0, 1)
	night(true)
	now = now.AddDate(2, 0, 0) // a dead battery
	night(false)
	now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) // put right
	night(true)
}
