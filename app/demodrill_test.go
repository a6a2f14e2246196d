package app

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/preflight"
	"kenshin/facility"
	"kenshin/fault"
)

// demoHouse is a demo's data folder, opened as serve does.
func demoHouse(t *testing.T) (*House, *drill.Book) {
	t.Helper()
	dir := t.TempDir()
	if _, err := Demo(t.Context(), Config{Data: dir}, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	h, err := Open(t.Context(), Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, h.Drills
}

// The demo tells of two drills that can be looked at from all sides, and leaves one to a second person; what the totals say is what the
// recipients did.
func TestDemoDrills(t *testing.T) {
	h, book := demoHouse(t)
	fac, err := h.OneFacility(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := book.List(t.Context(), fac.ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d drills, %v", len(list), err)
	}
	slices.Reverse(list)
	if list[0].Rating.Difficulty == list[1].Rating.Difficulty || list[2].State != drill.Waiting {
		t.Errorf("difficulties %s and %s, the third is %s", list[0].Rating.Difficulty, list[1].Rating.Difficulty, list[2].State)
	}
	sums, err := book.Totals(t.Context(), fac.ID, drill.Period{})
	if err != nil || len(sums.ByDepartment) != 8 {
		t.Fatalf("%d departments, %v", len(sums.ByDepartment), err)
	}
	fell := 0
	for _, d := range list[:2] {
		if d.State != drill.Closed || d.Ended.After(time.Now()) {
			t.Errorf("%s is %s, ended %s", d.Name, d.State, d.Ended)
		}
		page, err := book.Targets(t.Context(), fac.ID, d.ID, drill.TargetFilter{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		var staff, report, here, machine int
		for _, to := range page.Targets {
			staff++
			if !to.First[drill.Reported].IsZero() {
				report++
			}
			if !to.ByPerson[drill.Visited].IsZero() || !to.ByPerson[drill.Attached].IsZero() {
				here++
			}
			if to.Machine > 0 {
				machine++
			}
		}
		if fell += here; staff != 180 || report <= here || here < 9 || machine == 0 {
			t.Errorf("%s: %d recipients, %d reported, %d fell, %d with machines", d.Name, staff, report, here, machine)
		}
		if wrong, err := book.FalseHits(t.Context(), fac.ID, d.ID); err != nil || wrong.Canaries == 0 {
			t.Errorf("%s: the decoys saw nothing: %+v, %v", d.Name, wrong, err)
		}
	}
	if sums.All.Fell != fell || sums.All.Sent != 360 {
		t.Errorf("the totals say %d fell of %d, the recipients %d", sums.All.Fell, sums.All.Sent, fell)
	}
	open, err := book.Reports(t.Context(), fac.ID, drill.ReportFilter{Kinds: []drill.ReportKind{drill.ReportReal}, States: []drill.ReportState{drill.ReportNew}})
	if err != nil || len(open.Reports) == 0 {
		t.Errorf("no mail waits for triage: %v", err)
	}
}

// Whatever somebody sets and presses in a demo, nothing goes to anybody: not by any way of sending, not to a name server, not in a preflight.
func TestADemoSendsNothingToAnybody(t *testing.T) {
	h, book := demoHouse(t)
	fac, err := h.OneFacility(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, touched := fac.ID, new(atomic.Int32)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dns, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			touched.Add(1)
			c.Close()
		}
	}()
	go func() {
		for b := make([]byte, 600); ; {
			if _, _, err := dns.ReadFrom(b); err != nil {
				return
			}
			touched.Add(1)
		}
	}()
	book.Reach(preflight.World{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		touched.Add(1)
		return nil, net.ErrClosed
	}}, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) { touched.Add(1); return nil, net.ErrClosed }})

	trainer := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "t", Name: "t", Role: actor.Trainer})
	admin := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "a", Name: "a", Role: actor.Admin})
	s, err := book.Settings(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	s.Apart, s.Hours.Quiet = 0, nil
	port := l.Addr().(*net.TCPAddr).Port
	for _, way := range []drill.RelaySettings{{Kind: "smtp", Host: "127.0.0.1", Port: port, Security: "none"}, {Kind: "mx", Resolver: dns.LocalAddr().String()},
		{Kind: "graph", Client: "c", User: "u", TokenURL: "http://" + l.Addr().String()}, {Kind: "gmail", Client: "c", User: "u", TokenURL: "http://" + l.Addr().String()}} {
		s.Relay, s.Revision = way, 0 // saved by nobody else meanwhile
		if err := book.SaveSettings(admin, f, s, drill.Secrets{Relay: "secret"}); err != nil {
			t.Fatal(way.Kind, err)
		}
		m, rating, err := book.FromScenario(trainer, f, "parcel", "easy")
		if err != nil {
			t.Fatal(err)
		}
		d, err := book.Save(trainer, f, drill.Drill{Name: way.Kind, Mail: m, Rating: rating, Audience: drill.Audience{Departments: []string{"薬剤部"}}, Schedule: drill.Schedule{AnyTime: true, Rate: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := book.Preflight(trainer, f, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range p.Report.Open {
			if err := book.WaiveCheck(trainer, f, d.ID, check, "この試験では見送ってよい項目です"); err != nil {
				t.Fatal(err)
			}
		}
		d, err = book.Submit(trainer, f, d.ID)
		if cloud := way.Kind == "graph" || way.Kind == "gmail"; cloud && fault.Is(err, fault.Invalid) {
			continue // a cloud must show that it keeps the marker, and no test mail ever arrived
		} else if err != nil {
			t.Fatal(way.Kind, err)
		}
		if _, err := book.Approve(admin, f, d.ID, d.Hash); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); d.State != drill.Sent; d, err = book.Get(t.Context(), f, d.ID) {
			if err != nil || time.Now().After(end) {
				t.Fatalf("%s: %s, %v", way.Kind, d.State, err)
			}
			if _, err := book.Send(t.Context(), f, book.OpenLine, end); err != nil {
				t.Fatal(way.Kind, err)
			}
		}
	}
	if _, err := book.CheckDomain(admin, f, "mihon-byouin.invalid"); err != nil {
		t.Error(err)
	}
	if err := h.mailNow(t.Context(), f, "x", "x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("the house's own mails: %v", err)
	}
	if err := h.remindOfDrills(t.Context(), fac); err != nil {
		t.Errorf("reminders stop the daily upkeep: %v", err)
	}
	s.Mailbox = drill.Mailbox{Host: "127.0.0.1", Port: port, Security: "tls", User: "hokoku"}
	if err := book.SaveSettings(admin, f, s, drill.Secrets{Mailbox: "secret"}); err != nil {
		t.Fatal(err)
	}
	if _, err := book.TryMailbox(admin, f, s.Mailbox, ""); !fault.Is(err, fault.Denied) {
		t.Errorf("the report mailbox: %v", err)
	}
	watch, stop := context.WithCancel(t.Context())
	looked := 0
	if err := book.WatchMailboxes(watch, func(context.Context) ([]facility.ID, error) {
		if looked++; looked == 2 { // the first look at this facility is over
			stop()
		}
		return []facility.ID{f}, nil
	}); err != nil {
		t.Error(err)
	}
	if n := touched.Load(); n != 0 {
		t.Errorf("%d attempts to reach somebody", n)
	}
}
