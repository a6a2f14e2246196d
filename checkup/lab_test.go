package checkup_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kenshin/checkup"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/identify"
	"kenshin/internal/labtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// build puts a check-up together on a fresh database.
func build(t testing.TB, segments ...gate.Segment) *checkup.Checkup {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Passing: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	makers, err := netid.LoadMakers(netid.MakerFiles()...)
	if err != nil {
		t.Logf("makers: %v", err)
	}
	rules, err := identify.New(makers)
	if err != nil {
		t.Fatal(err)
	}
	g := gate.New(gate.Config{Maker: makers.Lookup})
	t.Cleanup(func() { g.Close() })
	g.Approve(segments...)
	return &checkup.Checkup{DB: db, Gate: g, Seen: observation.New(db), Ledger: ledger.Open(db, ledger.Options{}), Findings: finding.New(db, time.Now),
		Identify: rules, Sensor: "local", Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
}

const hospital = "0190aaaa-0000-7000-8000-000000000001"

// pass makes one sweep over all segments and returns its report.
func pass(t testing.TB, c *checkup.Checkup, r checkup.Request) checkup.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	rep, err := c.Visit(ctx, hospital, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestLabCheckup(t *testing.T) {
	lab := labtest.Up(t)
	out := filepath.Join(lab.Dir, "checkup.json")
	lab.InSensor(t, func() {
		c := build(t,
			gate.Segment{ID: "lan", Name: "院内LAN", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Pace: gate.Normal, Approved: true, SNMP: []gate.SNMP{{Community: "public"}}},
			gate.Segment{ID: "rad", Name: "放射線", Prefix: netip.MustParsePrefix("10.77.8.0/24"), Routed: true, Pace: gate.Normal, Approved: true, SNMP: []gate.SNMP{{Community: "public"}}})
		rep := pass(t, c, checkup.Request{Segments: []string{"lan", "rad"}})
		b, err := json.MarshalIndent(rep, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, b, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("KENSHIN_KEEP_REPORT"); keep != "" {
		_ = os.WriteFile(keep, b, 0o644)
		truth, _ := json.Marshal(map[string]any{"devices": lab.Truth(), "sensor": "10.77.0.5"})
		_ = os.WriteFile(keep+".truth", truth, 0o644)
	}
	var rep checkup.Report
	if err := json.Unmarshal(b, &rep); err != nil {
		t.Fatal(err)
	}
	byMAC := map[string]checkup.ReportDevice{}
	for _, d := range rep.Devices {
		for _, m := range d.MACs {
			byMAC[m] = d
		}
	}
	for _, want := range lab.Truth() {
		if !want.Plugged || want.MAC == "" || want.Type == "sensor" {
			continue
		}
		d, ok := byMAC[want.MAC]
		switch {
		case !ok:
			t.Errorf("%s (%s, %s) was not found", want.Name, want.Type, want.MAC)
		case want.Medical && !d.Medical:
			t.Errorf("%s is medical and was not said to be", want.Name)
		case !want.Medical && d.Medical:
			t.Errorf("%s is not medical and was said to be: %+v", want.Name, d.Because)
		}
	}
	if took := rep.Finished.Sub(rep.Started); took > time.Minute {
		t.Errorf("the check-up took %v", took)
	}
}

// TestLabPresence measures how long it takes to know who is there among 4,096 addresses, from the first frame to the ledger.
func TestLabPresence(t *testing.T) {
	lab := labtest.Up(t)
	for _, n := range []int{4000, 100, 0} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			lab.Do("many", strconv.Itoa(max(n, 1)))
			lab.InSensor(t, func() {
				c := build(t, gate.Segment{ID: "big", Prefix: netip.MustParsePrefix("10.78.0.0/20"), Interface: "eth0", Pace: gate.Fast, Approved: true})
				rep := pass(t, c, checkup.Request{Segments: []string{"big"}, PresenceOnly: true, Passing: true})
				found := 0
				for _, d := range rep.Devices {
					if len(d.IPv4) > 0 && netip.MustParsePrefix("10.78.0.0/20").Contains(netip.MustParseAddr(d.IPv4[0])) {
						found++
					}
				}
				t.Logf("%d of %d found in %v, %d frames", found, n, rep.Finished.Sub(rep.Started), rep.FramesSent)
				if took := rep.Finished.Sub(rep.Started); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
				if found < n {
					t.Errorf("%d of %d found", found, n)
				}
			})
		})
	}
}
