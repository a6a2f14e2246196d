package arp_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/arp"
	"kenshin/discover/echo"
	"kenshin/discover/ndp"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/internal/labtest"
	"kenshin/netid"
	"kenshin/observation"
)

var (
	lan    = gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Pace: gate.Normal, Approved: true}
	routed = gate.Segment{ID: "rad", Prefix: netip.MustParsePrefix("10.77.8.0/24"), Routed: true, Pace: gate.Normal, Approved: true}
	large  = gate.Segment{ID: "large", Prefix: netip.MustParsePrefix("10.78.0.0/20"), Interface: "eth0", Pace: gate.Fast, Approved: true}
)

// sweep runs one kind of presence sweep and returns what it found.
func sweep(t *testing.T, run func(ctx context.Context, g *gate.Gate, found func(observation.Observation)) error) []observation.Observation {
	t.Helper()
	g := gate.New(gate.Config{})
	defer g.Close()
	g.Approve(lan, routed, large)
	var got []observation.Observation
	if err := run(t.Context(), g, func(o observation.Observation) { got = append(got, o) }); err != nil {
		t.Fatal(err)
	}
	return got
}

func wired(segment string, opt arp.Options, lost *int64) func(context.Context, *gate.Gate, func(observation.Observation)) error {
	return func(ctx context.Context, g *gate.Gate, found func(observation.Observation)) error {
		w, err := g.Wire(segment)
		if err != nil {
			return err
		}
		defer w.Close()
		err = arp.Sweep(ctx, w, map[string]gate.Segment{"lan": lan, "large": large}[segment].Prefix, opt, found)
		*lost = w.Lost()
		return err
	}
}

// Everything that is plugged in is found: by ARP on the link (a printer with an address of another network too), by IPv6 what has nothing
// else, by echo behind the router.
func TestPresenceInTheLab(t *testing.T) {
	lab := labtest.Up(t)
	t.Run("everything that is plugged in", func(t *testing.T) { present(t, lab) })
	for _, n := range []int{4000, 100, 0} {
		t.Run(fmt.Sprintf("%d of 4096", n), func(t *testing.T) { many(t, lab, n) })
	}
}

func present(t *testing.T, lab *labtest.Lab) {
	lab.InSensor(t, func() {
		var wantARP, wantEcho []string
		var v6only netid.MAC
		for _, d := range lab.Truth() {
			for _, ip := range d.IPv4 {
				switch {
				case !d.Plugged || d.Name == "sensor":
				case routed.Prefix.Contains(ip):
					wantEcho = append(wantEcho, ip.String())
				default:
					wantARP = append(wantARP, d.MAC+" "+ip.String())
				}
			}
			if d.Plugged && len(d.IPv4) == 0 && d.MAC != "" {
				v6only, _ = netid.ParseMAC(d.MAC)
			}
		}
		var gotARP, gotEcho []string
		var lost int64
		asked := map[netip.Addr]int{}
		for _, o := range sweep(t, wired("lan", arp.Options{Progress: func(p arp.Progress) { asked[p.Last]++ }}, &lost)) {
			gotARP = append(gotARP, o.MAC.String()+" "+o.Value)
		}
		for a, n := range asked {
			if n > 2 {
				t.Errorf("%s was asked %d times", a, n)
			}
		}
		for _, o := range sweep(t, func(ctx context.Context, g *gate.Gate, found func(observation.Observation)) error {
			e, err := g.Echo(ctx, "rad")
			if err != nil {
				return err
			}
			defer e.Close()
			return echo.Sweep(ctx, e, routed.Prefix, echo.Options{}, found)
		}) {
			gotEcho = append(gotEcho, o.IP.String())
		}
		for _, x := range [][]string{wantARP, gotARP, wantEcho, gotEcho} {
			slices.Sort(x)
		}
		if d := cmp.Diff(wantARP, gotARP); d != "" || lost > 0 {
			t.Errorf("ARP, %d frames lost: (-want +got)\n%s", lost, d)
		}
		if d := cmp.Diff(wantEcho, gotEcho); d != "" {
			t.Errorf("echo: (-want +got)\n%s", d)
		}
		if !slices.ContainsFunc(sweep(t, func(ctx context.Context, g *gate.Gate, found func(observation.Observation)) error {
			w, err := g.Wire("lan")
			if err != nil {
				return err
			}
			defer w.Close()
			return ndp.Sweep(ctx, w, nil, found)
		}), func(o observation.Observation) bool { return o.MAC == v6only && o.Signal == observation.NDP }) {
			t.Errorf("the device without IPv4 (%s) was not found", v6only)
		}
		half := func(a netip.Addr) bool { return a.Compare(netip.MustParseAddr("10.77.1.0")) < 0 }
		for _, o := range sweep(t, wired("lan", arp.Options{Skip: half}, &lost)) {
			if half(o.IP) && o.Detail["from"] == "sweep" {
				t.Errorf("%s was asked again after a pause", o.IP)
			}
		}
		var table []observation.Observation
		conn, err := net.DialTimeout("tcp", "10.77.0.1:1", 2*time.Second) // the kernel meets somebody
		if err == nil {
			conn.Close()
		}
		if err := arp.Table("eth0", lan.Prefix, time.Now(), func(o observation.Observation) { table = append(table, o) }); err != nil || len(table) == 0 {
			t.Errorf("the kernel's table gave %d entries, %v", len(table), err)
		}
		sweep(t, func(ctx context.Context, g *gate.Gate, found func(observation.Observation)) error {
			w, err := g.Wire("lan")
			if err != nil {
				return err
			}
			defer w.Close()
			g.Kill(true)
			if err := arp.Sweep(ctx, w, lan.Prefix, arp.Options{}, found); !fault.Is(err, fault.Denied) {
				t.Errorf("with the kill switch on: %v", err)
			}
			return nil
		})
	})
}

// many sweeps a /20: a full, a sparse and an empty one take much the same time, and no answer is lost.
func many(t *testing.T, lab *labtest.Lab, n int) {
	lab.Do("many", fmt.Sprint(n))
	lab.InSensor(t, func() {
		var lost int64
		begin := time.Now()
		got := sweep(t, wired("large", arp.Options{}, &lost))
		macs := map[netid.MAC]bool{}
		for _, o := range got {
			if large.Prefix.Contains(o.IP) {
				macs[o.MAC] = true
			}
		}
		t.Logf("%d of %d found among 4,096 in %s", len(macs), n, time.Since(begin).Round(time.Millisecond))
		if len(macs) != n || lost > 0 {
			t.Errorf("%d of %d found, %d frames lost", len(macs), n, lost)
		}
	})
}
