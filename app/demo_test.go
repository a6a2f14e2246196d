package app_test

import (
	"testing"
	"time"

	"kenshin/app"
	"kenshin/event"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/ledger"
)

// TestDemo looks at the story that the demo tells: people, systems, a stranger since yesterday, somebody who left, a conflict, and nothing sent.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	door, err := app.Demo(t.Context(), app.Config{Data: dir}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if door.Email == "" || len(door.Password) < 20 {
		t.Errorf("nobody can enter: %+v", door)
	}
	if _, err := app.Demo(t.Context(), app.Config{Data: dir}, func(int, int) {}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second demo in the same place: %v", err)
	}
	h, err := app.Open(t.Context(), app.Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	f, err := h.OneFacility(t.Context())
	if err != nil || !f.Demo {
		t.Fatalf("the facility is not marked: %+v, %v", f, err)
	}
	segments, err := h.Gates.Segments(t.Context(), f.ID)
	if err != nil || len(segments) < 2 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, s := range segments {
		if s.Approved || s.Routed {
			t.Errorf("segment %s could send", s.Name)
		}
	}
	page, err := h.Ledger.List(t.Context(), f.ID, ledger.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	var fresh, gone, conflicts, never, registered int
	for _, d := range page.Devices {
		switch {
		case d.FirstSeen.IsZero():
			never++
		case time.Since(d.FirstSeen) < 48*time.Hour:
			fresh++
		case time.Since(d.LastSeen) > 14*24*time.Hour:
			gone++
		}
		if d.LastSeen.After(time.Now()) {
			t.Errorf("%s was seen in the future", d.Name())
		}
		if d.State == ledger.Registered {
			registered++
		}
		conflicts += len(ledger.Conflicts(d))
	}
	if fresh == 0 || gone == 0 || conflicts == 0 || never == 0 || registered < 15 || registered == len(page.Devices) {
		t.Errorf("fresh %d, gone %d, conflicts %d, never seen %d, registered %d of %d", fresh, gone, conflicts, never, registered, len(page.Devices))
	}
	if list, err := h.Ledger.Systems(t.Context(), f.ID); err != nil || len(list) != 4 || len(list[0].Devices) == 0 {
		t.Errorf("systems: %+v, %v", list, err)
	}
	if list, err := h.Findings.List(t.Context(), f.ID, finding.Filter{Check: "smb1"}); err != nil || len(list.Findings) == 0 {
		t.Errorf("findings: %+v, %v", list, err)
	}
	if list, err := h.Findings.List(t.Context(), f.ID, finding.Filter{States: []finding.State{finding.Accepted}}); err != nil || len(list.Findings) != 1 {
		t.Errorf("accepted findings: %+v, %v", list, err)
	}
	counts, err := h.Events.Counts(t.Context(), f.ID, time.Now().Add(-26*time.Hour))
	if err != nil || counts[event.FindingOpened] == 0 {
		t.Errorf("what changed since yesterday: %v, %v", counts, err)
	}
	all, err := h.Events.Counts(t.Context(), f.ID, time.Now().AddDate(-1, 0, 0))
	if err != nil || all[event.FindingOpened] < 2*counts[event.FindingOpened] {
		t.Errorf("everything changed yesterday: %v of %v, %v", counts, all, err)
	}
	yearlyStory(t, h, f.ID)
}
