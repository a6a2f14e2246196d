package event_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kenshin/event"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

var t0 = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatChangedIsListedCountedAndTickedOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), event.New(db)
		must(t, db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
			var list []event.Event
			for n := range 25 {
				list = append(list, event.Event{At: t0.Add(time.Duration(n/2) * time.Hour), Kind: event.DeviceFound, Device: "d1",
					Params: map[string]string{"name": fmt.Sprint("端末", n), "before": "\x00\xff" + strings.Repeat("長", 1000)}})
			}
			list = append(list, event.Event{At: t0, Kind: event.SystemChanged, Params: map[string]string{"name": "PACS"}})
			return event.Add(ctx, tx, list)
		}))
		seen, q := map[string]bool{}, event.Filter{Kinds: []event.Kind{event.DeviceFound}, Limit: 10}
		for {
			p, err := log.List(ctx, dbtest.Facility, q)
			must(t, err)
			for _, e := range p.Events {
				seen[e.ID] = true
				if got := e.Title().Ja; !strings.Contains(got, e.Params["name"]) || e.Params["name"] == "" {
					t.Errorf("title %q", got)
				}
			}
			if q.Cursor = p.Next; p.Next == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d events over all pages", len(seen))
		}
		counts, err := log.Counts(ctx, dbtest.Facility, t0.Add(time.Hour))
		if err != nil || counts[event.DeviceFound] != 23 || counts[event.SystemChanged] != 0 {
			t.Errorf("%v, %v", counts, err)
		}
		must(t, log.MarkSeen(ctx, dbtest.Facility, t0.Add(time.Hour)))
		p, err := log.List(ctx, dbtest.Facility, event.Filter{Unseen: true, Limit: 100})
		if err != nil || len(p.Events) != 21 {
			t.Errorf("%d unseen, %v", len(p.Events), err)
		}
		other, err := log.List(ctx, dbtest.Canary, event.Filter{})
		if err != nil || len(other.Events) != 0 {
			t.Errorf("another facility sees %d, %v", len(other.Events), err)
		}
		if _, err := log.List(ctx, dbtest.Facility, event.Filter{Cursor: "?"}); err == nil {
			t.Error("a broken cursor was taken")
		}
	})
}

func TestEveryKindHasItsWords(t *testing.T) {
	for _, a := range event.Kinds() {
		e := event.Event{Kind: a.Kind, Params: map[string]string{"name": "x", "after": "病棟", "after_en": "ward"}}
		title := e.Title()
		if a.Label.Ja == "" || a.Label.En == "" || strings.ContainsAny(title.Ja+title.En, "{}") || strings.Contains(title.En, "病棟") {
			t.Errorf("%s: %+v", a.Kind, title)
		}
	}
}
