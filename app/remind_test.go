package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	"kenshin/internal/mailtest"
	"kenshin/setting"
	"kenshin/store"
)

// A planned drill that comes up is told to the trainer by mail, once, however often the upkeep of the day runs.
func TestThePlanReminds(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2031, time.May, 20, 3, 0, 0, 0, time.UTC)
	h, err := Open(ctx, Config{Data: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	command := actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	f, err := h.Account.AddFacility(command, account.Facility{Name: "みなと病院"})
	must(err)
	for _, role := range []actor.Role{actor.Admin, actor.Trainer} {
		_, err := h.Account.AddPerson(command, f.ID, account.NewPerson{Email: string(role) + "@minato.example", Name: "試験 花子", Password: "kirin-tokei-mado-yuki"}, role, time.Time{})
		must(err)
	}
	_, err = h.Drills.SavePlan(command, f.ID, drill.Plan{Month: "2031-06", Scenario: "parcel"})
	must(err)
	_, err = h.Drills.SavePlan(command, f.ID, drill.Plan{Month: "2031-11", Scenario: "fax"})
	must(err)
	h.nightly()
	must(h.Jobs.Start(ctx))
	defer h.Jobs.Stop(ctx)
	must(h.remindOfDrills(ctx, f)) // no mail server yet: nothing is noted as told
	sink := mailtest.Start(t)
	must(h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
		_, err := setting.Mail().Set(ctx, tx, setting.Relay{Host: "127.0.0.1", Port: sink.Port(), Security: "none", From: "kenshin@minato.example", To: []string{"it@minato.example"}})
		return err
	}))
	for range 3 {
		must(h.remindOfDrills(ctx, f))
	}
	told := func() (out []string) {
		for _, m := range sink.Messages() {
			if m.To != "it@minato.example" { // the trail's seal of the day goes there
				out = append(out, m.To)
			}
		}
		return out
	}
	wait(t, func() bool { return len(told()) > 0 })
	must(h.remindOfDrills(ctx, f))
	list, err := h.Drills.Plans(ctx, f.ID, 2031)
	must(err)
	if got := strings.Join(told(), " "); got != "trainer@minato.example" || list[0].Told != drill.ToldSoon || list[1].Told != "" {
		t.Errorf("told %q, %+v", got, list)
	}
}
