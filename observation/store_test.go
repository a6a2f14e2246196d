package observation_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/internal/dbtest"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

var t0 = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

func mac(n int) netid.MAC { return netid.MAC{0x00, 0x1a, 0x2b, byte(n >> 16), byte(n >> 8), byte(n)} }

func arp(n int, ip string, at time.Time) observation.Observation {
	return observation.Observation{Segment: "s1", Sensor: "local/eth0", MAC: mac(n), IP: netip.MustParseAddr(ip), Signal: observation.ARP,
		Value: ip, At: at}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSameSeenAgainIsCountedNotRepeated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		batch := []observation.Observation{
			arp(1, "10.0.0.1", t0), arp(1, "10.0.0.1", t0.Add(time.Second)),
			{Segment: "s1", Sensor: "local/eth0", MAC: mac(1), Signal: observation.HTTPTitle, Port: 80, Value: " 管理\x00画面 ", At: t0,
				Detail: map[string]string{"status": "200"}, Raw: []byte("HTTP/1.1 200")},
			{Sensor: "local/eth0", Signal: observation.MLD, Value: "about nobody", At: t0},
		}
		must(t, log.Add(ctx, dbtest.Facility, batch))
		must(t, log.Add(ctx, dbtest.Facility, batch)) // a retry
		got, err := log.Of(ctx, dbtest.Facility, []string{"mac:" + mac(1).String()})
		must(t, err)
		if len(got) != 2 {
			t.Fatalf("%d observations, want 2: %+v", len(got), got)
		}
		a, h := got[0], got[1]
		if a.Count != 2 || !a.First.Equal(t0) || !a.At.Equal(t0.Add(time.Second)) {
			t.Errorf("arp: count %d, %v to %v", a.Count, a.First, a.At)
		}
		if h.Value != "管理 画面" || h.Detail["status"] != "200" || h.Port != 80 || h.Count != 1 {
			t.Errorf("http: %+v", h)
		}
		raw, err := log.Raw(ctx, dbtest.Facility, h.ID)
		if err != nil || string(raw) != "HTTP/1.1 200" {
			t.Errorf("raw = %q, %v", raw, err)
		}
		other, err := log.Of(ctx, dbtest.Canary, []string{"mac:" + mac(1).String()})
		if err != nil || len(other) != 0 {
			t.Errorf("another facility sees %v, %v", other, err)
		}
	})
}

func TestNeighboursOfOneNameStayApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		var batch []observation.Observation
		for _, port := range []string{"1", "2"} {
			batch = append(batch, observation.Observation{Sensor: "local", MAC: mac(9), Signal: observation.SNMPLLDP, Value: "switch", At: t0,
				Detail: map[string]string{"local_port": port}})
		}
		must(t, log.Add(ctx, dbtest.Facility, batch))
		got, err := log.Of(ctx, dbtest.Facility, []string{"mac:" + mac(9).String()})
		if err != nil || len(got) != 2 {
			t.Errorf("%d rows, %v; want both ports", len(got), err)
		}
	})
}

func TestSinceTellsWhoWasSeenAndWhoIsNew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		var batch []observation.Observation
		for n := range 700 {
			batch = append(batch, arp(n, fmt.Sprintf("10.0.%d.%d", n/250, n%250+1), t0))
		}
		must(t, log.Add(ctx, dbtest.Facility, batch))
		seen := map[string]bool{}
		var cursor int64
		for {
			part, next, err := log.Since(ctx, dbtest.Facility, cursor, 600)
			must(t, err)
			if len(part) == 0 {
				break
			}
			for _, s := range part {
				if seen[s.Subject] || !s.New || s.MAC.IsZero() || !s.IP.IsValid() {
					t.Fatalf("told twice, or not whole: %+v", s)
				}
				seen[s.Subject] = true
			}
			cursor = next
		}
		if len(seen) != 700 {
			t.Fatalf("%d subjects, want 700", len(seen))
		}
		must(t, log.Add(ctx, dbtest.Facility, []observation.Observation{arp(3, "10.0.0.4", t0.Add(time.Minute)), arp(4, "10.0.9.9", t0.Add(time.Minute))}))
		got, _, err := log.Since(ctx, dbtest.Facility, cursor, 0)
		must(t, err)
		told := map[string]bool{}
		for _, s := range got {
			told[s.MAC.String()+" "+s.IP.String()] = s.New
		}
		if diff := cmp.Diff(map[string]bool{mac(3).String() + " 10.0.0.4": false, mac(4).String() + " 10.0.9.9": true}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTwoCopiesAddAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		done := make(chan error)
		for copyNo := range 4 {
			go func() {
				for round := range 5 {
					var batch []observation.Observation
					for n := range 60 {
						batch = append(batch, arp((n*7+copyNo)%60, fmt.Sprintf("10.0.0.%d", n+1), t0.Add(time.Duration(round)*time.Second)))
					}
					if err := log.Add(ctx, dbtest.Facility, batch); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 4 {
			must(t, <-done)
		}
	})
}

func TestListPagesAndFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		var batch []observation.Observation
		for n := range 25 {
			batch = append(batch, arp(n, fmt.Sprintf("10.0.0.%d", n+1), t0.Add(time.Duration(n/2)*time.Minute)))
		}
		must(t, log.Add(ctx, dbtest.Facility, batch))
		var ids []string
		q := observation.Filter{Signal: observation.ARP, Limit: 10}
		for {
			p, err := log.List(ctx, dbtest.Facility, q)
			must(t, err)
			for _, o := range p.Observations {
				ids = append(ids, o.ID)
			}
			if p.Next == "" {
				break
			}
			q.Cursor = p.Next
		}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 25 {
			t.Errorf("%d rows over all pages, want 25", len(ids))
		}
		p, err := log.List(ctx, dbtest.Facility, observation.Filter{IP: netip.MustParseAddr("10.0.0.7"), Since: t0, Segment: "s1"})
		if err != nil || len(p.Observations) != 1 || p.Observations[0].MAC != mac(6) {
			t.Errorf("by address: %+v, %v", p, err)
		}
		if _, err := log.List(ctx, dbtest.Facility, observation.Filter{Cursor: "nonsense"}); err == nil {
			t.Error("a broken cursor was taken")
		}
	})
}

func TestDaysAreTheHospitalsDays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		late := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC) // 1 December, one o'clock, in Japan
		must(t, log.Add(ctx, dbtest.Facility, []observation.Observation{arp(1, "10.0.0.1", t0), arp(1, "10.0.0.2", t0), arp(1, "10.0.0.1", late)}))
		got, err := log.Days(ctx, dbtest.Facility, []string{"mac:" + mac(1).String()}, t0.AddDate(-1, 0, 0), t0.AddDate(0, 1, 0))
		must(t, err)
		if diff := cmp.Diff([]string{"2026-11-21", "2026-12-01"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRawAnswersAreForgottenTheRestStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), observation.New(db)
		old, fresh := arp(1, "10.0.0.1", t0.AddDate(0, 0, -8)), arp(2, "10.0.0.2", t0)
		old.Raw, fresh.Raw = []byte("old"), []byte("fresh")
		must(t, log.Add(ctx, dbtest.Facility, []observation.Observation{old, fresh}))
		n, err := log.Forget(ctx, dbtest.Facility, t0.AddDate(0, 0, -7))
		if err != nil || n != 1 {
			t.Fatalf("dropped %d, %v; want 1", n, err)
		}
		p, err := log.List(ctx, dbtest.Facility, observation.Filter{})
		must(t, err)
		for _, o := range p.Observations {
			_, err := log.Raw(ctx, dbtest.Facility, o.ID)
			if gone := err != nil; gone != (o.MAC == mac(1)) {
				t.Errorf("%s: raw error %v", o.MAC, err)
			}
		}
	})
}

func TestAHostThatInventsNamesIsBounded(t *testing.T) {
	db := dbtest.SQLite(t)
	ctx, log := t.Context(), observation.New(db)
	var batch []observation.Observation
	for n := range 1100 {
		batch = append(batch, observation.Observation{Sensor: "local", MAC: mac(1), Signal: observation.MDNSName, Value: fmt.Sprint("host", n),
			At: t0.Add(time.Duration(n) * time.Second)})
	}
	must(t, log.Add(ctx, dbtest.Facility, batch))
	n, err := log.Forget(ctx, dbtest.Facility, t0)
	if err != nil || n != 100 {
		t.Fatalf("dropped %d, %v; want the 100 oldest", n, err)
	}
	got, err := log.Of(ctx, dbtest.Facility, []string{"mac:" + mac(1).String()})
	if err != nil || len(got) != 1000 || got[999].Value != "host100" {
		t.Errorf("%d left, %v", len(got), err)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("管理画面", "key", []byte{1, 2})
	f.Add("\xff\xfe\u202eevil\x00", "\u200b", []byte(nil))
	f.Fuzz(func(t *testing.T, value, key string, raw []byte) {
		o := observation.Observation{Value: value, Sensor: value, Segment: key, Detail: map[string]string{key: value, value: key}, Raw: raw}
		o.Clean()
		again := o
		again.Clean()
		if again.Value != o.Value || len(o.Value) > observation.MaxValue || len(o.Raw) > observation.MaxRaw {
			t.Errorf("%q is not clean", o.Value)
		}
	})
}

// BenchmarkAdd prints observations a second into a real file: half of them repeat what is known, as in a second sweep.
func BenchmarkAdd(b *testing.B) {
	log := observation.New(dbtest.SQLite(b))
	const n = 5000
	at := t0
	total := 0
	for b.Loop() {
		at = at.Add(time.Minute)
		batch := make([]observation.Observation, 0, n)
		for i := range n / 5 {
			o := arp(total/2%100000+i, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), at)
			batch = append(batch, o)
			for _, s := range []observation.Signal{observation.DHCPHostname, observation.HTTPTitle, observation.SNMPDescr, observation.TLSCert} {
				o.Signal, o.Value = s, "some value that a device answered, of ordinary length"
				o.Detail = map[string]string{"status": "200", "server": "nginx"}
				batch = append(batch, o)
			}
		}
		if err := log.Add(context.Background(), dbtest.Facility, batch); err != nil {
			b.Fatal(err)
		}
		total += n
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "obs/s")
}
