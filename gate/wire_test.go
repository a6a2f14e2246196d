package gate

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"kenshin/fault"
	"kenshin/netid"
)

var (
	own  = netid.MAC{0xdc, 0xa6, 0x32, 0, 0, 5}
	all6 = netip.MustParseAddr("ff02::1")
)

func frame(kind uint16, payload ...[]byte) []byte {
	b := append([]byte{255, 255, 255, 255, 255, 255}, own[:]...)
	return append(append(b, byte(kind>>8), byte(kind)), bytes.Join(payload, nil)...)
}

func arp(op byte, target string) []byte {
	return frame(0x0806, []byte{0, 1, 8, 0, 6, 4, 0, op}, own[:], []byte{10, 0, 0, 5}, make([]byte, 6), netip.MustParseAddr(target).AsSlice())
}

func ip4Frame(flags byte, to string) []byte {
	return frame(0x0800, []byte{0x45, 0, 0, 28, 0, 0, flags, 0, 1, 17, 0, 0, 10, 0, 0, 5}, netip.MustParseAddr(to).AsSlice(), make([]byte, 8))
}

func icmp6(kind byte, to, target string) []byte {
	return frame(0x86dd, []byte{0x60, 0, 0, 0, 0, 24, 58, 255}, make([]byte, 16), netip.MustParseAddr(to).AsSlice(), []byte{kind, 0, 0, 0, 0, 0, 0, 0},
		netip.MustParseAddr(target).AsSlice())
}

func TestAFrameMustBeWhatItsSenderDeclared(t *testing.T) {
	host := netip.MustParseAddr("10.0.0.9")
	for name, c := range map[string]struct {
		f    Frame
		host netip.Addr
		b    []byte
		ok   bool
	}{
		"ARP":                     {ARPRequest, host, arp(1, "10.0.0.9"), true},
		"ARP for another":         {ARPRequest, host, arp(1, "10.0.0.8"), false},
		"an ARP answer":           {ARPRequest, host, arp(2, "10.0.0.9"), false},
		"another source":          {ARPRequest, host, append(append(bytes.Repeat([]byte{255}, 6), 2, 2, 2, 2, 2, 2), arp(1, "10.0.0.9")[12:]...), false},
		"IPv4":                    {NBNSQuery, host, ip4Frame(0x40, "10.0.0.9"), true},
		"IPv4 to another":         {NBNSQuery, host, ip4Frame(0x40, "10.0.0.8"), false},
		"more fragments":          {NBNSQuery, host, ip4Frame(0x20, "10.0.0.9"), false},
		"IPv4 in an ARP question": {ARPRequest, host, ip4Frame(0, "10.0.0.9"), false},
		"solicitation":            {NeighborSolicit, netip.MustParseAddr("fe80::9"), icmp6(135, "ff02::1:ff00:9", "fe80::9"), true},
		"solicitation of another": {NeighborSolicit, netip.MustParseAddr("fe80::9"), icmp6(135, "ff02::1:ff00:9", "fe80::8"), false},
		"ping to all":             {EchoAllNodes, all6, icmp6(128, "ff02::1", "::"), true},
		"ping to one instead":     {EchoAllNodes, all6, icmp6(128, "fe80::9", "::"), false},
		"cut":                     {NeighborSolicit, netip.MustParseAddr("fe80::9"), icmp6(135, "ff02::1:ff00:9", "fe80::9")[:60], false},
		"too long":                {NBNSQuery, host, append(ip4Frame(0, "10.0.0.9"), make([]byte, 1600)...), false},
		"another protocol":        {ARPRequest, host, frame(0x88cc, make([]byte, 60)), false},
	} {
		if err := honest(c.f, c.host, own, 1500, c.b); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(arp(2, "10.0.0.9"))
	f.Add(icmp6(135, "ff02::1:ff00:9", "fe80::9"))
	f.Add(ip4Frame(0x20, "10.0.0.8"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if ip, _, ok := arpSender(b); ok && !ip.Is4() {
			t.Fatal("an ARP sender without an address")
		}
		for _, k := range Frames() {
			_ = honest(k.Frame, all6, own, 1500, b)
		}
		e := Echo{asked: map[netip.Addr]uint16{all6: 1}}
		_ = e.answers(all6, b)
	})
}

// TestWithoutTheRightToRawSockets runs this test again as "nobody".
func TestWithoutTheRightToRawSockets(t *testing.T) {
	if os.Getenv("GATE_TEST_NOBODY") != "" {
		g := loopback(t, Config{})
		_, err := g.Wire("lo")
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err, "ja"), "setcap") || !strings.Contains(fault.Sentence(err, "en"), "setcap") {
			t.Errorf("Wire: %v", err)
		}
		if _, err := Neighbors(); err != nil {
			t.Errorf("the kernel's table: %v", err)
		}
		if _, err := g.Host("lo", home, netid.MAC{}).UDP(t.Context(), 9, NBNSQuery); err != nil {
			t.Errorf("an ordinary socket: %v", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to become somebody else")
	}
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "gate-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bin := dir + "/gate.test"
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(bin, b, 0o755)); err != nil { //nolint:gosec // nobody must run it
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-test.run=^TestWithoutTheRightToRawSockets$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"GATE_TEST_NOBODY=1", "TMPDIR=/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestProposalsAreOnlyProposals(t *testing.T) {
	list, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Segment.Approved || p.Segment.Pace != Gentle {
			t.Errorf("proposed as %+v", p.Segment)
		}
		if p.Segment.Prefix.Addr().IsLoopback() && p.LeftOut == nil {
			t.Error("the loopback was proposed")
		}
		if p.LeftOut == nil {
			if _, err := netid.ParseRange(p.Segment.Prefix.String()); err != nil {
				t.Errorf("proposed, but cannot be approved: %v", err)
			}
		}
	}
}
