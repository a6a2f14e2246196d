package drill

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/drill/letter"
	"kenshin/drill/preflight"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// The marker is read back from the mail as it was delivered. A way that drops it is refused, whatever somebody waives; a way that makes the mail anew
// must be known to keep it.
func TestTheMarkerIsReadBackFromTheDeliveredMail(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 5)
	ctx := as(t.Context(), trainer)
	_, _, err := r.SavePeople(ctx, r.f, []Person{{Address: "test1@hospital.example.jp", Role: Tester}}, false)
	r.must(err)
	d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: mailOf()})
	r.must(err)
	_, err = r.SendTests(ctx, r.f, d.ID)
	r.must(err)
	r.sendAll(20 * time.Second)
	whole := r.mailTo("test1@").Body
	at := bytes.Index(whole, []byte("\r\n"+letter.MarkerField))
	end := bytes.Index(whole, []byte("\r\n\r\n"))
	if at < 0 || end < at {
		t.Fatal("the mail has no marker")
	}
	stripped := append(bytes.Clone(whole[:at]), whole[end:]...)
	foreign := bytes.ReplaceAll(whole, []byte(d.ID), []byte("01990000-0000-7000-8000-00000000ffff"))
	for name, c := range map[string]struct {
		kind string
		raw  []byte
		ok   bool
	}{
		"SMTP, only the place is known": {"smtp", nil, true}, "SMTP, delivered whole": {"smtp", whole, true}, "SMTP, dropped on the way": {"smtp", stripped, false},
		"Graph, only the place is known": {"graph", nil, false}, "Graph, dropped": {"graph", stripped, false}, "Graph, kept": {"graph", whole, true},
		"Gmail, only the place is known": {"gmail", nil, false}, "Gmail, another drill's": {"gmail", foreign, false}, "Gmail, kept": {"gmail", whole, true},
	} {
		t.Run(name, func(t *testing.T) {
			r.change(func(s *Settings) { s.Relay.Kind = c.kind })
			now, err := r.Get(ctx, r.f, d.ID)
			r.must(err)
			r.green(now)
			r.must(r.db.Write(ctx, r.f, func(tx *store.Tx) error { return tested(ctx, tx, r.Book, d.ID) }))
			r.must(r.Delivered(ctx, r.f, d.ID, "test1@hospital.example.jp", preflight.Inbox, c.raw))
			got, err := r.Submit(ctx, r.f, d.ID)
			if c.ok {
				if r.must(err); got.State != Waiting {
					t.Error(got.State)
				}
				r.must(r.Reject(ctx, r.f, d.ID, "test"))
				return
			}
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), letter.MarkerField) {
				t.Errorf("submitted: %v", err)
			}
		})
	}
}

// tested notes in the last preflight that a test mail went out.
func tested(ctx context.Context, tx *store.Tx, b *Book, id string) error {
	p, err := lastFlight(ctx, tx, id)
	if err != nil {
		return err
	}
	p.Tests = map[string]FlightTest{"test1@hospital.example.jp": {Place: preflight.PlaceUnknown}}
	return b.putFlight(ctx, tx, id, &p)
}
