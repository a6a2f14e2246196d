package gate_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"kenshin/gate"
	"kenshin/internal/labtest"
	"kenshin/netid"
)

var (
	local  = netip.MustParsePrefix("10.77.0.0/22")
	routed = netip.MustParsePrefix("10.77.8.0/24")
)

// labGate is a gate in the sensor's namespace with the lab's two segments approved.
func labGate(t *testing.T, pace gate.Pace, c gate.Config) *gate.Gate {
	t.Helper()
	g := gate.New(c)
	t.Cleanup(func() { _ = g.Close() })
	g.Approve(gate.Segment{ID: "lan", Name: "lan", Prefix: local, Interface: "eth0", Pace: pace, Approved: true},
		gate.Segment{ID: "rad", Name: "rad", Prefix: routed, Routed: true, Pace: pace, Approved: true})
	return g
}

func arpRequest(own netid.MAC, from, to netip.Addr) []byte {
	b := append([]byte{255, 255, 255, 255, 255, 255}, own[:]...)
	b = append(b, 0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1)
	b = append(b, own[:]...)
	b = append(b, from.AsSlice()...)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, to.AsSlice()...)
}

// sweep asks by ARP for every address of a range, round and round, until ctx ends or the range was asked rounds times.
func sweep(ctx context.Context, t *testing.T, g *gate.Gate, in netip.Prefix, rounds int) {
	t.Helper()
	w, err := g.Wire("lan")
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Close()
	_, own, addrs := w.Interface()
	for range rounds {
		for a := in.Addr().Next(); in.Contains(a.Next()) && ctx.Err() == nil; a = a.Next() {
			err := w.Send(ctx, gate.ARPRequest, a, netid.MAC{}, arpRequest(own, addrs[0].Addr(), a))
			if no := (*gate.Refusal)(nil); err != nil && ctx.Err() == nil && !errors.As(err, &no) {
				t.Errorf("ARP %s: %v", a, err)
				return
			}
		}
	}
	for quiet, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond); ; { // answers that are on their way
		if _, _, err := w.Receive(quiet); err != nil {
			cancel()
			return
		}
	}
}

// talk fetches a page from a host as senders do.
func talk(ctx context.Context, g *gate.Gate, ip string, port uint16) error {
	c, err := g.Host("lan", netip.MustParseAddr(ip), netid.MAC{}).TCP(ctx, port, gate.HTTPGet)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\nHost: " + ip + "\r\n\r\n")); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}

// everything sends all that a sweep sends, side by side, for a while.
func everything(t *testing.T, g *gate.Gate, for_ time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), for_)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { sweep(ctx, t, g, local, 100) })
	for _, to := range []struct {
		ip   string
		port uint16
	}{{"10.77.0.21", 80}, {"10.77.0.40", 80}, {"10.77.0.41", 80}, {"10.77.0.50", 80}, {"10.77.0.20", 443}, {"10.77.0.21", 81}, {"10.77.0.77", 80}} {
		for range 4 {
			all.Go(func() {
				for ctx.Err() == nil {
					if err := talk(ctx, g, to.ip, to.port); err != nil { // not yet answered by ARP: not known, so refused
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
	}
	all.Go(func() {
		e, err := g.Echo(ctx, "rad")
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = e.Close() })
		for a := routed.Addr().Next(); routed.Contains(a) && ctx.Err() == nil; a = a.Next() {
			_ = e.Send(ctx, a)
		}
		from, ttl, _, err := e.Receive(ctx)
		if err == nil && (!routed.Contains(from) || ttl == 0) {
			t.Errorf("echo from %s, ttl %d", from, ttl)
		}
	})
	all.Wait()
}

func TestWire(t *testing.T) {
	lab := labtest.Up(t)
	t.Run("gentle", func(t *testing.T) { paceOnTheWire(t, lab, gate.Gentle, 25) })
	t.Run("normal", func(t *testing.T) { paceOnTheWire(t, lab, gate.Normal, 500) })
	t.Run("fast", func(t *testing.T) { paceOnTheWire(t, lab, gate.Fast, 2000) })
	t.Run("protected", func(t *testing.T) { protectedOnTheWire(t, lab) })
	t.Run("kill", func(t *testing.T) { killOnTheWire(t, lab) })
	t.Run("group", func(t *testing.T) { groupOnTheWire(t, lab) })
	t.Run("hours", func(t *testing.T) {
		night := lab.Capture("sensor", labtest.Out, "arp or ip")
		lab.InSensor(t, func() {
			day := gate.Hours{From: 8 * 60, To: 18 * 60}
			g := gate.New(gate.Config{Now: func() time.Time { return time.Date(2026, 11, 4, 3, 0, 0, 0, time.UTC) }})
			g.Approve(gate.Segment{ID: "lan", Prefix: local, Interface: "eth0", Pace: gate.Fast, Approved: true, Hours: day},
				gate.Segment{ID: "rad", Prefix: routed, Routed: true, Pace: gate.Fast, Approved: true, Hours: day})
			everything(t, g, 500*time.Millisecond)
		})
		frames := slices.DeleteFunc(night.Stop(), labtest.Frame.KernelARP)
		if len(frames) != 0 {
			t.Errorf("%d frames at night, the first: %x", len(frames), frames[0].Data)
		}
	})
}

func paceOnTheWire(t *testing.T, lab *labtest.Lab, pace gate.Pace, low int) {
	seen := lab.Capture("sensor", labtest.Out)
	lab.InSensor(t, func() {
		g := labGate(t, pace, gate.Config{})
		everything(t, g, 4*time.Second)
		keep(t, lab, "sent", strconv.FormatInt(g.FramesSent("lan")+g.FramesSent("rad"), 10))
	})
	frames := slices.DeleteFunc(seen.Stop(), ofTheKernel)
	most := labtest.MaxPerSecond(frames)
	t.Logf("at most %d frames in any second, %d in all, the gate counted %s", most, len(frames), kept(t, lab, "sent"))
	if most >= pace.FramesPerSecond() || most < low {
		t.Errorf("%d frames in a second, want %d to below %d", most, low, pace.FramesPerSecond())
	}
	if counted, _ := strconv.Atoi(kept(t, lab, "sent")); counted < len(frames) {
		t.Errorf("the gate counted %d frames, the wire saw %d", counted, len(frames))
	}
}

// protectedOnTheWire: a device protected by its maker's prefix gets neighbour questions only, a never-touch device nothing.
func protectedOnTheWire(t *testing.T, lab *labtest.Lab) {
	us1, mon1 := lab.Capture("us1", labtest.In), lab.Capture("mon1", labtest.In)
	lab.InSensor(t, func() { knock(t, lab) })
	macs := macs(t, lab)
	sensor, toMon1 := macs["sensor"], macs["mon1"]
	arps := 0
	for _, f := range labtest.From(us1.Stop(), sensor) {
		if !f.ARP() && !ofTheKernel(f) {
			t.Errorf("the protected device received %x", f.Data)
		}
		if f.IPv4() == netip.MustParseAddr("10.77.0.31") {
			arps++
		}
	}
	if arps == 0 {
		t.Error("the protected device was not even asked by ARP: the test proves nothing")
	}
	others := 0
	for _, f := range labtest.From(mon1.Stop(), sensor) {
		if f.Target() == toMon1 || f.IPv4() == netip.MustParseAddr("10.77.0.32") {
			t.Errorf("the never-touch device received %x", f.Data)
		}
		others++
	}
	if others == 0 {
		t.Error("nothing of the sweep passed the never-touch device: the test proves nothing")
	}
}

// killOnTheWire: the switch stops everything within a second.
func killOnTheWire(t *testing.T, lab *labtest.Lab) {
	all := lab.Capture("sensor", labtest.Out)
	lab.InSensor(t, func() {
		g := labGate(t, gate.Fast, gate.Config{})
		time.AfterFunc(1500*time.Millisecond, func() {
			keep(t, lab, "killed", strconv.FormatInt(time.Now().UnixNano(), 10))
			g.Kill(true)
		})
		everything(t, g, 4*time.Second)
	})
	ns, err := strconv.ParseInt(kept(t, lab, "killed"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	before, after := 0, time.Duration(0)
	for _, f := range all.Stop() {
		if d := f.At.Sub(time.Unix(0, ns)); d > 0 {
			if f.ARP() && len(f.Data) == 42 { // the kernel repeats its own question for a connection that is closed by now; ours are padded
				continue
			}
			after = d
		} else {
			before++
		}
	}
	t.Logf("%d frames before the switch, the last one %v after it", before, after)
	if before == 0 || after > time.Second {
		t.Errorf("%d frames before the switch, the last one %v after it", before, after)
	}
}

// mdnsQuestion asks for all kinds of services (RFC 6763, 9), to be answered by unicast.
var mdnsQuestion = []byte("\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09_services\x07_dns-sd\x04_udp\x05local\x00\x00\x0c\x80\x01")

// groupOnTheWire: a question to everybody is one frame with the right TTL, joins no group, and is answered by unicast.
func groupOnTheWire(t *testing.T, lab *labtest.Lab) {
	all := lab.Capture("sensor", labtest.Out, "ip")
	lab.InSensor(t, func() {
		g := labGate(t, gate.Fast, gate.Config{})
		group := netip.MustParseAddrPort("224.0.0.251:5353")
		c, err := g.Multicast(t.Context(), "lan", gate.MDNSQuery, group)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.WriteTo(mdnsQuestion, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.77.0.40:5353"))); err == nil {
			t.Error("the socket sent to a single host")
		}
		if _, err := c.WriteTo(mdnsQuestion, net.UDPAddrFromAddrPort(group)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
		if n, from, err := c.ReadFrom(make([]byte, 9000)); err != nil || n < 20 {
			t.Errorf("no answer: %v from %v", err, from)
		}
		list, err := gate.Interfaces()
		if err != nil || !slices.ContainsFunc(list, func(p gate.Proposal) bool {
			return p.LeftOut == nil && p.Segment.Prefix == local && p.Segment.Interface == "eth0"
		}) {
			t.Errorf("proposals: %+v, %v", list, err)
		}
	})
	frames := all.Stop() // the copy ended at once and took its socket along: errors for late answers are the kernel's
	frames = slices.DeleteFunc(frames, func(f labtest.Frame) bool { return f.Data[23] == 1 && f.Data[34] == 3 })
	if len(frames) != 1 || frames[0].IPv4() != netip.MustParseAddr("224.0.0.251") || frames[0].Data[22] != 255 {
		t.Errorf("%d IPv4 frames left the sensor, want the one question with TTL 255: %x", len(frames), frames)
	}
}

// ofTheKernel reports what the sensor's system says by itself: router solicitations and group reports after the cable was plugged in, and
// answers to its neighbours' questions (ARP, and neighbour advertisements, ICMPv6 type 136).
func ofTheKernel(f labtest.Frame) bool {
	if len(f.Data) > 54 && f.Data[12] == 0x86 && f.Data[13] == 0xdd && f.Data[20] == 58 && f.Data[54] == 136 {
		return true
	}
	return len(f.Data) > 20 && (f.Data[0] == 0x33 && f.Data[12] == 0x86 || f.ARP() && f.Data[21] == 2)
}

func macs(t *testing.T, lab *labtest.Lab) map[string]netid.MAC {
	out := map[string]netid.MAC{}
	for _, d := range lab.Truth() {
		if m, err := netid.ParseMAC(d.MAC); err == nil {
			out[d.Name] = m
		} else if d.MAC != "" {
			t.Fatal(err)
		}
	}
	return out
}

// knock sweeps and then tries everything on every address, as a careless sender would.
func knock(t *testing.T, lab *labtest.Lab) {
	makers, err := netid.LoadMakers(netid.MakerFiles()...)
	if err != nil {
		t.Skip(err)
	}
	g := labGate(t, gate.Fast, gate.Config{Maker: makers.Lookup})
	never := netip.MustParseAddr("10.77.0.32")
	g.NeverTouch(gate.HostKey{Segment: "lan", IP: never})
	near := netip.MustParsePrefix("10.77.0.0/25")
	sweep(t.Context(), t, g, near, 1)
	for _, ip := range []string{"10.77.0.31", "10.77.0.32", "10.77.0.20"} {
		h := g.Host("lan", netip.MustParseAddr(ip), netid.MAC{})
		for _, port := range []uint16{80, 104, 445, 2575, 9100} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			c, err := h.TCP(ctx, port, gate.TCPConnect)
			cancel()
			if err == nil {
				_ = c.Close()
			}
			if no := (*gate.Refusal)(nil); ip != "10.77.0.20" && !errors.As(err, &no) {
				t.Errorf("%s:%d: %v, want a refusal", ip, port, err)
			}
		}
		if c, err := h.UDP(t.Context(), 137, gate.NBNSQuery); err == nil {
			_, _ = c.Write(make([]byte, 50))
			_ = c.Close()
		}
	}
	if no := g.Host("lan", netip.MustParseAddr("10.77.0.77"), netid.MAC{}).May(gate.TCPConnect, 80); no == nil || no.Code != "unknown-mac" {
		t.Errorf("an address where nobody answered: %v", no)
	}
	if c, err := g.Multicast(t.Context(), "lan", gate.MDNSQuery, netip.MustParseAddrPort("224.0.0.251:5353")); err == nil {
		t.Error("a question to everybody was allowed beside a protected device")
		_ = c.Close()
	}
	if no := g.Host("lan", netip.MustParseAddr("10.77.0.20"), netid.MAC{}).May(gate.TCPConnect, 443); no != nil {
		t.Errorf("the server is refused as well: %v", no)
	}
}

func keep(t *testing.T, lab *labtest.Lab, name, value string) {
	if err := os.WriteFile(filepath.Join(lab.Dir, "result-"+name), []byte(value), 0o600); err != nil {
		t.Error(err)
	}
}

func kept(t *testing.T, lab *labtest.Lab, name string) string {
	b, err := os.ReadFile(filepath.Join(lab.Dir, "result-"+name))
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
