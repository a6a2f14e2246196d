package gate_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/internal/dbtest"
	"kenshin/netid"
	"kenshin/seal"
	"kenshin/store"
)

func person(t *testing.T) context.Context {
	return actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "佐藤", Role: actor.Admin})
}

func segment(cidr string) gate.Segment {
	return gate.Segment{Name: "外来 " + cidr, Prefix: netip.MustParsePrefix(cidr), Interface: "eth0", Pace: gate.Normal}
}

// settled is a comparison of a gate's answer with what is expected, waited for.
func settled(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func TestSegmentsInTheBook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, f := person(t), dbtest.Facility
		b := gate.NewBook(db, seal.NewBox(), nil)
		s := segment("192.168.1.0/24")
		s.SNMP = []gate.SNMP{{Community: "himitsu"}, {User: "mon", Auth: "sha", AuthPass: "12345678", Priv: "aes", PrivPass: "12345678"}}
		s.Approved = true // nobody approves by proposing
		id, err := b.Propose(ctx, f, s)
		if err != nil {
			t.Fatal(err)
		}
		all, err := b.Segments(ctx, f)
		if err != nil || len(all) != 1 || all[0].Approved || all[0].SNMP[0].Community != "himitsu" || all[0].SNMP[1].Auth != "SHA" {
			t.Fatalf("segments: %+v, %v", all, err)
		}
		if err := b.Approve(t.Context(), f, id); !fault.Is(err, fault.Denied) {
			t.Errorf("the program approved a segment itself: %v", err)
		}
		if err := b.Approve(ctx, f, id); err != nil {
			t.Fatal(err)
		}
		e := all[0]
		e.Purpose, e.SNMP = "受付", nil
		if err := b.Edit(ctx, f, e.Segment, e.Revision); !fault.Is(err, fault.Conflict) {
			t.Errorf("an edit of an older revision: %v", err)
		}
		if err := b.Edit(ctx, f, e.Segment, e.Revision+1); err != nil {
			t.Fatal(err)
		}
		all, err = b.Segments(ctx, f)
		if err != nil || !all[0].Approved || all[0].ApprovedBy != "佐藤" || all[0].Purpose != "受付" || len(all[0].SNMP) != 2 {
			t.Errorf("after an edit: %+v, %v", all, err)
		}
		e = all[0]
		e.Prefix = netip.MustParsePrefix("192.168.2.0/24")
		if err := b.Edit(ctx, f, e.Segment, 0); err != nil {
			t.Fatal(err)
		}
		if all, _ = b.Segments(ctx, f); all[0].Approved {
			t.Error("another range is another place: it must be approved again")
		}
		if other, err := b.Segments(ctx, dbtest.Canary); err != nil || len(other) != 0 {
			t.Errorf("another facility sees %v, %v", other, err)
		}
		if err := b.Remove(ctx, f, id); err != nil {
			t.Error(err)
		}
		if err := b.Remove(ctx, f, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestSNMPIsSealed(t *testing.T) {
	db := dbtest.SQLite(t)
	ctx, f := person(t), dbtest.Facility
	s := segment("192.168.1.0/24")
	s.SNMP = []gate.SNMP{{Community: "himitsu"}}
	if _, err := gate.NewBook(db, nil, nil).Propose(ctx, f, s); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := gate.NewBook(db, seal.NewBox(), nil).Propose(ctx, f, s); err != nil {
		t.Fatal(err)
	}
	err := db.Read(ctx, f, func(tx *store.Tx) error {
		var raw []byte
		if err := tx.Row(ctx, "SELECT snmp FROM gate_segments WHERE facility_id = $1").Scan(&raw); err != nil {
			return err
		}
		if len(raw) == 0 || strings.Contains(string(raw), "himitsu") {
			t.Errorf("stored as %q", raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBadSegmentsGetOneSentence(t *testing.T) {
	db := dbtest.SQLite(t)
	ctx, f := person(t), dbtest.Facility
	b := gate.NewBook(db, seal.NewBox(), nil)
	if _, err := b.Propose(ctx, f, segment("192.168.0.0/23")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		s    gate.Segment
		kind fault.Kind
	}{
		"public":            {segment("8.8.8.0/24"), fault.Denied},
		"loopback":          {segment("127.0.0.0/16"), fault.Denied},
		"too large":         {segment("10.0.0.0/8"), fault.TooLarge},
		"IPv6":              {segment("fd00::/64"), fault.Invalid},
		"no range":          {gate.Segment{Name: "x"}, fault.Invalid},
		"overlap":           {segment("192.168.1.128/25"), fault.Conflict},
		"pace":              {func() gate.Segment { s := segment("10.1.0.0/24"); s.Pace = "warp"; return s }(), fault.Invalid},
		"hours":             {func() gate.Segment { s := segment("10.1.0.0/24"); s.Hours.To = 9999; return s }(), fault.Invalid},
		"name":              {func() gate.Segment { s := segment("10.1.0.0/24"); s.Name = strings.Repeat("長", 101); return s }(), fault.Invalid},
		"routed, interface": {func() gate.Segment { s := segment("10.1.0.0/24"); s.Routed = true; return s }(), fault.Invalid},
		"short passphrase": {func() gate.Segment {
			s := segment("10.1.0.0/24")
			s.SNMP = []gate.SNMP{{User: "u", Auth: "SHA", AuthPass: "short"}}
			return s
		}(), fault.Invalid},
	} {
		_, err := b.Propose(ctx, f, c.s)
		if fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if ja := fault.Sentence(err, "ja"); !strings.HasSuffix(strings.TrimRight(ja, ")"), "。") {
			t.Errorf("%s: %q is no sentence", name, ja)
		}
	}
}

func TestUnlocksAndWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, f := person(t), dbtest.Facility
		now := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		b := gate.NewBook(db, nil, clock)
		g := gate.New(gate.Config{Now: clock})
		id, err := b.Propose(ctx, f, segment("192.168.1.0/24"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Approve(ctx, f, id); err != nil {
			t.Fatal(err)
		}
		mac := netid.MAC{0, 0x40, 0xd1, 0, 0, 1}
		h := gate.HostKey{Segment: id, IP: netip.MustParseAddr("192.168.1.9"), MAC: mac}
		g.Protect(h, "maker")
		may := func() string {
			t.Helper()
			if _, err := b.Load(ctx, f, g); err != nil {
				t.Fatal(err)
			}
			if no := g.Host(id, h.IP, h.MAC).May(gate.HTTPGet, 80); no != nil {
				return no.Code
			}
			return ""
		}
		if got := may(); got != "medical" {
			t.Fatalf("protected: %q", got)
		}
		ok := gate.Unlock{HostKey: h, Until: now.Add(time.Hour), Reason: "保守の立ち会い"}
		for name, u := range map[string]gate.Unlock{
			"no reason":  {HostKey: h, Until: now.Add(time.Hour)},
			"no expiry":  {HostKey: h, Reason: "x"},
			"eight days": {HostKey: h, Reason: "x", Until: now.Add(8 * 24 * time.Hour)},
			"no device":  {Reason: "x", Until: now.Add(time.Hour)},
		} {
			if _, err := b.Unlock(ctx, f, u, ""); err == nil || fault.KindOf(err) == fault.Internal {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.Unlock(t.Context(), f, ok, ""); !fault.Is(err, fault.Denied) {
			t.Errorf("the program unlocked a device itself: %v", err)
		}
		unlock, err := b.Unlock(ctx, f, ok, "dev1")
		if err != nil {
			t.Fatal(err)
		}
		if got := may(); got != "" {
			t.Errorf("unlocked: %q", got)
		}
		if err := b.Revoke(ctx, f, unlock); err != nil {
			t.Fatal(err)
		}
		if got := may(); got != "medical" {
			t.Errorf("revoked: %q", got)
		}
		if list, err := b.Unlocks(ctx, f, time.Time{}); err != nil || len(list) != 1 || list[0].RevokedBy != "佐藤" || list[0].Device != "dev1" ||
			!cmp.Equal(list[0].HostKey, h, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Errorf("unlocks: %+v, %v", list, err)
		}
		word, err := b.Say(ctx, f, h, "dev1", gate.SaidNotMedical, "複合機だと現地で確かめた")
		if err != nil {
			t.Fatal(err)
		}
		if got := may(); got != "" {
			t.Errorf("a person said that it is not medical: %q", got)
		}
		never, err := b.Say(ctx, f, gate.HostKey{MAC: mac}, "dev1", gate.SaidNeverTouch, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := may(); got != "never-touch" {
			t.Errorf("never-touch: %q", got)
		}
		for _, w := range []string{word, never} {
			if err := b.TakeBack(ctx, f, w); err != nil {
				t.Fatal(err)
			}
		}
		if got := may(); got != "medical" {
			t.Errorf("both words taken back: %q", got)
		}
	})
}

func TestKillSwitchReachesOtherCopies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, f := person(t), dbtest.Facility
		here, there := gate.NewBook(db, nil, nil), gate.NewBook(db, nil, nil)
		g := gate.New(gate.Config{})
		watching, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() { defer close(ended); _ = there.Watch(watching, f, g) }()
		defer func() { stop(); <-ended }()
		id, err := here.Propose(ctx, f, segment("192.168.1.0/24"))
		if err != nil {
			t.Fatal(err)
		}
		if err := here.Approve(ctx, f, id); err != nil {
			t.Fatal(err)
		}
		may := func() bool {
			return g.Host(id, netip.MustParseAddr("192.168.1.9"), netid.MAC{0, 1}).May(gate.HTTPGet, 80) == nil
		}
		settled(t, "the approval", may)
		pressed := time.Now()
		if err := here.Kill(ctx, f, "検査機が止まった"); err != nil {
			t.Fatal(err)
		}
		settled(t, "the kill switch", g.Killed)
		t.Logf("stopped after %v", time.Since(pressed))
		if sw, err := here.Switch(ctx, f); err != nil || !sw.Killed || sw.By != "佐藤" || sw.Reason == "" {
			t.Errorf("switch: %+v, %v", sw, err)
		}
		if err := here.Release(t.Context(), f); !fault.Is(err, fault.Denied) {
			t.Errorf("the program released it itself: %v", err)
		}
		if err := here.Release(ctx, f); err != nil {
			t.Fatal(err)
		}
		settled(t, "the release", may)
	})
}

// A check-up that starts loads the book while the watch does: whoever read it before the switch was pressed must not undo the switch.
func TestALateLoadDoesNotUndoTheSwitch(t *testing.T) {
	ctx, f, db := person(t), dbtest.Facility, dbtest.SQLite(t)
	b, g := gate.NewBook(db, nil, nil), gate.New(gate.Config{})
	for range 40 {
		var late sync.WaitGroup
		for range 8 {
			late.Go(func() { _, _ = b.Load(ctx, f, g) })
		}
		if err := b.Kill(ctx, f, "止める"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Load(ctx, f, g); err != nil {
			t.Fatal(err)
		}
		late.Wait()
		if !g.Killed() {
			t.Fatal("the switch is on, and the gate is open")
		}
		if err := b.Release(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSentIsAddedUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, f := person(t), dbtest.Facility
		b := gate.NewBook(db, nil, nil)
		hour := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
		ip := netip.MustParseAddr("192.168.1.9")
		var rows []gate.SentRow
		for i := range 450 { // more than one statement takes
			rows = append(rows, gate.SentRow{Segment: "s", Host: netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(i % 250)}), Frame: gate.TCPConnect, Hour: hour, Frames: 2})
		}
		rows = append(rows, gate.SentRow{Segment: "s", Host: ip, Frame: gate.SNMPGet, Hour: hour, Frames: 1, Refused: "medical"},
			gate.SentRow{Segment: "s", Frame: gate.ARPRequest, Hour: hour.Add(-time.Hour), Frames: 7})
		for range 2 {
			if err := b.Record(ctx, f, rows); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.Sent(ctx, f, gate.SentFilter{Host: ip})
		want := []gate.SentRow{{Segment: "s", Host: ip, Frame: gate.SNMPGet, Hour: hour, Frames: 2, Refused: "medical"}}
		if err != nil || !cmp.Equal(got, want, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Errorf("sent: %+v, %v", got, err)
		}
		totals, err := b.SentTotals(ctx, f, gate.SentFilter{From: hour.Add(-time.Hour)})
		if err != nil || !cmp.Equal(totals, []gate.SentTotal{{Frame: gate.ARPRequest, Sent: 14}, {Frame: gate.SNMPGet, Refused: 2}, {Frame: gate.TCPConnect, Sent: 1800}}) {
			t.Errorf("totals: %+v, %v", totals, err)
		}
		for more := true; more; {
			if more, err = b.Prune(ctx, f, hour); err != nil {
				t.Fatal(err)
			}
		}
		if old, err := b.Sent(ctx, f, gate.SentFilter{To: hour}); err != nil || len(old) != 0 {
			t.Errorf("pruned: %v, %v", old, err)
		}
	})
}
