package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/facility"
	"kenshin/job"
	"kenshin/store"
	"kenshin/trail"
)

// The trail is sealed by itself once a day and facility, and what was kept can be given back to the verification.
func TestNightly(t *testing.T) {
	ctx := context.Background()
	now := time.Now()
	h, err := Open(ctx, Config{Data: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	command := actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	var all []account.Facility
	for _, name := range []string{"みなと病院", "やま病院"} {
		f, err := h.Account.AddFacility(command, account.Facility{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	h.nightly()
	if err := h.Jobs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer h.Jobs.Stop(ctx)
	for _, f := range all {
		wait(t, func() bool { return len(h.runs(t, f.ID, job.Finished)) == 1 })
		day := now.In(f.Location()).Format(time.DateOnly)
		var text string
		err := h.DB.Read(ctx, f.ID, func(tx *store.Tx) (err error) {
			text, err = trail.DailyOf(ctx, tx, day)
			return err
		})
		if err != nil || !strings.Contains(text, f.Name) {
			t.Fatalf("%v: %s", err, text)
		}
		report, err := trail.Verify(ctx, h.DB, f.ID, []byte(text))
		if err != nil || !report.OK() || report.Checkpoint == nil {
			t.Errorf("%v %+v", err, report)
		}
	}
	// Asking again on the same day asks for nothing.
	if err := h.askNightly(ctx); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if n := len(h.runs(t, f.ID)); n != 1 {
			t.Errorf("%d runs on one day", n)
		}
	}
}

func (h *House) runs(t *testing.T, f facility.ID, states ...job.State) []job.Info {
	t.Helper()
	list, err := h.Jobs.List(context.Background(), f, job.Filter{Kinds: []string{nightlyKind}, States: states})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in 20 s")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
