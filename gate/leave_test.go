package gate

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kenshin/fault"
	"kenshin/netid"
)

// loopback is a gate whose one segment is this machine itself.
func loopback(t *testing.T, c Config) *Gate {
	t.Helper()
	g := New(c)
	t.Cleanup(func() { _ = g.Close() })
	g.Approve(Segment{ID: "lo", Prefix: netip.MustParsePrefix("127.0.0.0/8"), Interface: "lo", Pace: Fast, Approved: true})
	return g
}

// device listens on 127.0.0.1 and serves every connection with fn.
func device(t *testing.T, fn func(net.Conn)) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); fn(c) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

var home = netip.MustParseAddr("127.0.0.1")

func code(err error) string {
	if no, ok := errors.AsType[*Refusal](err); ok {
		return no.Code
	}
	return ""
}

func TestNothingIsAllowedAtFirst(t *testing.T) {
	g := New(Config{})
	h := g.Host("lo", home, netid.MAC{})
	if _, err := h.TCP(t.Context(), 80, HTTPGet); code(err) != "not-approved" || !fault.Is(err, fault.Denied) {
		t.Errorf("TCP: %v", err)
	}
	if _, err := g.Wire("lo"); code(err) != "not-approved" {
		t.Errorf("Wire: %v", err)
	}
	if _, err := g.Listen("lo"); code(err) != "not-chosen" {
		t.Errorf("Listen: %v", err)
	}
	if _, err := g.Echo(t.Context(), "lo"); code(err) != "not-approved" {
		t.Errorf("Echo: %v", err)
	}
	if _, err := g.Multicast(t.Context(), "lo", MDNSQuery, netip.MustParseAddrPort("224.0.0.251:5353")); code(err) != "not-approved" {
		t.Errorf("Multicast: %v", err)
	}
}

func TestAConversation(t *testing.T) {
	port := device(t, func(c net.Conn) { _, _ = io.Copy(c, io.LimitReader(c, 5)) })
	g := loopback(t, Config{})
	c, err := g.Host("lo", home, netid.MAC{}).TCP(t.Context(), port, HTTPGet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if g.FramesSent("lo") < 6 {
		t.Errorf("%d frames counted; SYN, ACK, data, ACK, FIN, ACK is the least", g.FramesSent("lo"))
	}
}

func TestProtectionEndsAConversation(t *testing.T) {
	for name, protect := range map[string]func(g *Gate, h *Host){
		"Medical":  func(_ *Gate, h *Host) { h.Medical("DICOM answered") },
		"Protect":  func(g *Gate, _ *Host) { g.Protect(HostKey{MAC: netid.MAC{2, 1}}, "the ledger says so") },
		"Kill":     func(g *Gate, _ *Host) { g.Kill(true) },
		"never":    func(g *Gate, _ *Host) { g.NeverTouch(HostKey{Segment: "lo", IP: home}) },
		"withdraw": func(g *Gate, _ *Host) { g.Approve() },
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan int64, 1)
			port := device(t, func(c net.Conn) { n, _ := io.Copy(io.Discard, c); got <- n })
			g := loopback(t, Config{})
			h := g.Host("lo", home, netid.MAC{2, 1})
			c, err := h.TCP(t.Context(), port, TCPConnect)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			protect(g, h)
			if _, err := c.Write([]byte("more")); code(err) == "" {
				t.Errorf("a write after it: %v", err)
			}
			if _, err := c.Read(make([]byte, 1)); code(err) == "" {
				t.Errorf("a read after it: %v", err)
			}
			if n := <-got; n != 0 {
				t.Errorf("the device received %d bytes", n)
			}
			if _, err := h.TCP(t.Context(), port, TCPConnect); code(err) == "" {
				t.Errorf("a new connection: %v", err)
			}
		})
	}
}

func TestOneConversationAtATime(t *testing.T) {
	var now, most atomic.Int32
	g := loopback(t, Config{})
	mac := netid.MAC{0, 9, 9}
	var all sync.WaitGroup
	for i := range 8 { // two addresses of one device: known by its MAC
		all.Go(func() {
			ip := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i%2)})
			c, err := g.Host("lo", ip, mac).UDP(t.Context(), 137, NBNSQuery)
			if err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Millisecond)
			now.Add(-1)
			_ = c.Close()
		})
	}
	all.Wait()
	if most.Load() > 1 {
		t.Errorf("%d conversations at a time", most.Load())
	}
	c, err := g.Host("lo", home, mac).UDP(t.Context(), 137, NBNSQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.Host("lo", home, netid.MAC{}).TCP(ctx, 80, TCPConnect); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one beside it: %v", err)
	}
}

func TestASlowDeviceDoesNotStallASweep(t *testing.T) {
	port := device(t, func(c net.Conn) {
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	g := loopback(t, Config{})
	g.tcpLife = 200 * time.Millisecond
	h := g.Host("lo", home, netid.MAC{})
	c, err := h.TCP(t.Context(), port, BannerWait)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Hour)) // a sender cannot prolong it
	if _, err := io.ReadAll(c); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading ended with %v", err)
	}
	again, err := h.TCP(t.Context(), port, BannerWait) // nobody closed the first one
	if err != nil {
		t.Fatalf("the device's turn was not given back: %v", err)
	}
	_ = again.Close()
}

func TestAHugeAnswerIsCut(t *testing.T) {
	port := device(t, func(c net.Conn) {
		for b := make([]byte, 64<<10); ; {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	c, err := loopback(t, Config{}).Host("lo", home, netid.MAC{}).TCP(t.Context(), port, HTTPGet)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := io.Copy(io.Discard, c)
	if n > MaxRead || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestSignalsNeverUnprotect(t *testing.T) {
	g := loopback(t, Config{Maker: func(m netid.MAC) (string, bool) {
		if m[0] == 0 {
			return "FUKUDA DENSHI CO., LTD.", true
		}
		return "Dell Inc.", true
	}})
	ecg, spoof := netid.MAC{0, 0x40, 0xd1, 1}, netid.MAC{4, 1}
	refused := func(when string, mac netid.MAC) {
		t.Helper()
		if no := g.Host("lo", home, mac).May(TCPConnect, 80); no == nil || no.Code != "medical" {
			t.Errorf("%s: %v", when, no)
		}
	}
	refused("its maker makes medical devices", ecg)
	g.learn("lo", home, ecg)
	refused("the address answered with that MAC", netid.MAC{})
	g.learn("lo", home, spoof)
	refused("another MAC claims the address", netid.MAC{})
	refused("a sender names the other MAC", spoof)
	g.Host("lo", home, ecg).Medical("seen")
	for range 10 { // more spoofed answers than are remembered
		spoof[5]++
		g.learn("lo", home, spoof)
	}
	refused("many MACs claim the address", spoof)
	g.Unlock(Unlock{HostKey: HostKey{Segment: "lo", IP: home, MAC: spoof}, Until: time.Now().Add(time.Hour)})
	refused("another device's unlock", ecg)
	g.Unlock(Unlock{HostKey: HostKey{MAC: ecg}, Until: time.Now().Add(-time.Second)})
	refused("an unlock that is over", ecg)
}

// A person said of an address that it is no medical device; then DHCP gives it to a pump.
func TestAWordAboutAnAddressDoesNotFollowIt(t *testing.T) {
	g := loopback(t, Config{})
	pump, pc := netid.MAC{0, 9}, netid.MAC{4, 9}
	g.Protect(HostKey{MAC: pump}, "an infusion pump")
	g.Protect(HostKey{Segment: "lo", IP: home}, "an answer")
	g.setWords(words{notMedical: []HostKey{{Segment: "lo", IP: home}}})
	if no := g.Host("lo", home, pc).May(TCPConnect, 80); no != nil {
		t.Errorf("the device that the word was about: %v", no)
	}
	if no := g.Host("lo", home, pump).May(TCPConnect, 80); no == nil || no.Code != "medical" {
		t.Errorf("the pump that has its address now: %v", no)
	}
	g.learn("lo", home, pump)
	if no := g.Host("lo", home, pc).May(TCPConnect, 80); no == nil || no.Code != "medical" {
		t.Errorf("the pump answered for the address: %v", no)
	}
}

func TestUnlockOpensOneDeviceForAWhile(t *testing.T) {
	now := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	g := loopback(t, Config{Now: func() time.Time { return now }})
	a, b := netid.MAC{0, 1}, netid.MAC{0, 2}
	g.Protect(HostKey{MAC: a}, "x")
	g.Protect(HostKey{MAC: b}, "x")
	g.Unlock(Unlock{HostKey: HostKey{Segment: "lo", MAC: a}, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})
	ask := func(m netid.MAC) bool { return g.Host("lo", home, m).May(DICOMAssociation, 104) == nil }
	if ask(a) {
		t.Error("before the window")
	}
	now = now.Add(90 * time.Minute)
	if !ask(a) || ask(b) {
		t.Error("in the window: this device, and no other")
	}
	now = now.Add(time.Hour)
	if ask(a) {
		t.Error("after the window")
	}
}

func TestLinkWideQuestionsTakeTheStrictest(t *testing.T) {
	g := loopback(t, Config{})
	g.Approve(Segment{ID: "a", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "x0", Approved: true},
		Segment{ID: "b", Prefix: netip.MustParsePrefix("10.0.1.0/24"), Interface: "x0", Approved: true},
		Segment{ID: "c", Prefix: netip.MustParsePrefix("10.0.2.0/24"), Interface: "x1", Approved: true})
	ask := func(segment string) string {
		if no := g.refusal(request{segment: segment, host: netip.MustParseAddr("224.0.0.251"), frame: MDNSQuery}); no != nil {
			return no.Code
		}
		return ""
	}
	g.Protect(HostKey{Segment: "a", IP: netip.MustParseAddr("10.0.0.9")}, "ventilator")
	if ask("a") != "medical-link" || ask("b") != "medical-link" || ask("c") != "" {
		t.Errorf("the same wire hears it, another does not: %q %q %q", ask("a"), ask("b"), ask("c"))
	}
	g.NeverTouch(HostKey{MAC: netid.MAC{0, 7}}) // nobody knows where it is
	if ask("c") != "never-touch" {
		t.Errorf("a never-touch device somewhere: %q", ask("c"))
	}
}

func TestPaceInAnySecond(t *testing.T) {
	for pace, limit := range map[Pace]int{Gentle: 50, Normal: 1000, Fast: 5000} {
		synctest.Test(t, func(t *testing.T) {
			b := []*bucket{newBucket(pace), newBucket(Fast)}
			var at []time.Time
			for i := range 3 * limit { // steps of 1 to 4 frames, with idle times that must not be saved up
				n := 1 + i%4
				_ = sleep(t.Context(), reserveAll(b, n))
				for range n {
					at = append(at, time.Now())
				}
				if i%limit == limit/2 {
					time.Sleep(5 * time.Second)
				}
			}
			from := 0
			for i := range at {
				for at[i].Sub(at[from]) >= time.Second {
					from++
				}
				if n := i - from + 1; n >= limit {
					t.Fatalf("%s: %d frames in a second", pace, n)
				}
			}
		})
	}
}

func TestUnlockedMedicalIsSpokenToSlowly(t *testing.T) {
	g := loopback(t, Config{})
	h := g.Host("lo", home, netid.MAC{0, 1})
	h.Medical("x")
	g.Unlock(Unlock{HostKey: HostKey{MAC: netid.MAC{0, 1}}, Until: time.Now().Add(time.Hour)})
	r := h.request(DICOMAssociation, 104)
	first, second, third := g.spacing(r), g.spacing(r), g.spacing(r)
	if first != 0 || second < time.Second || third-second < time.Second {
		t.Errorf("waits %v, %v, %v", first, second, third)
	}
	if g.spacing(h.request(ARPRequest, 0)) != 0 {
		t.Error("a neighbour's question does not wait")
	}
}

func TestCounts(t *testing.T) {
	var mu sync.Mutex
	var rows []SentRow
	hour := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	g := New(Config{Now: func() time.Time { return hour.Add(20 * time.Minute) }, Sent: func(r []SentRow) {
		mu.Lock()
		defer mu.Unlock()
		rows = append(rows, r...)
	}})
	g.Approve(Segment{ID: "s", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "none0", Pace: Fast, Approved: true})
	for i := range 20 {
		_ = g.leave(t.Context(), request{segment: "s", host: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), frame: ARPRequest}, 1)
	}
	known := netip.MustParseAddr("10.0.0.3")
	g.learn("s", known, netid.MAC{0, 3})
	g.NeverTouch(HostKey{Segment: "s", IP: netip.MustParseAddr("10.0.0.4")})
	_ = g.leave(t.Context(), request{segment: "s", host: netip.MustParseAddr("10.0.0.4"), frame: ARPRequest}, 1)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	sum := map[string]int64{}
	for _, r := range rows {
		if !r.Hour.Equal(hour) || r.Segment != "s" {
			t.Errorf("row %+v", r)
		}
		sum[addrText(r.Host)+" "+r.MAC.String()+" "+r.Refused] += r.Frames
	}
	if sum["10.0.0.3 00:03:00:00:00:00 "] != 1 || sum["  "] != 18 || sum["10.0.0.4  never-touch"] != 1 || sum["10.0.0.4  "] != 1 {
		t.Errorf("counts: %v", sum)
	}
	if g.FramesSent("s") != 20 {
		t.Errorf("%d frames sent, want 20: a refused one is not sent", g.FramesSent("s"))
	}
}

func TestHostsOfAMedicalSegmentAreAskedSlowly(t *testing.T) {
	for medical, least := range map[bool]time.Duration{true: time.Second, false: 0} {
		g := New(Config{})
		defer g.Close()
		g.Approve(Segment{ID: "s", Prefix: netip.MustParsePrefix("10.1.0.0/24"), Interface: "lo", Pace: Fast, Medical: medical, Approved: true})
		r := request{segment: "s", host: netip.MustParseAddr("10.1.0.9"), mac: netid.MAC{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}, frame: HTTPGet, port: 80}
		g.spacing(r)
		if wait := g.spacing(r); wait < least || !medical && wait > 0 {
			t.Errorf("medical %v: the second message waits %v", medical, wait)
		}
		r.frame, r.port = SNMPGet, 161
		if wait := g.spacing(r); wait > 0 {
			t.Errorf("medical %v: reading a table of a switch waits %v for each row", medical, wait)
		}
	}
}
