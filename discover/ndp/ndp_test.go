package ndp

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"

	"kenshin/netid"
)

func frame(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	from  = "333300000001 9009d0000052 86dd 60000000 "
	addrs = " fe80000000000000f0d44dfffe092146 ff020000000000000000000000000001 "
	none  = " 00000000000000000000000000000000 ff020000000000000000000000000001 "
	na    = from + "0020 3a ff" + addrs + "88000000 20000000 fe80000000000000f0d44dfffe092146 0201 9009d0000099"
	naFar = from + "0020 3a 40" + addrs + "88000000 20000000 fe80000000000000f0d44dfffe092146 0201 9009d0000099"
	naR   = from + "0018 3a ff" + addrs + "88000000 e0000000 fd000000000000000000000000000001"
	dad   = from + "0018 3a ff" + none + "87000000 00000000 fe80000000000000f0d44dfffe092146"
	ra    = from + "0010 3a ff" + addrs + "86000000 40c00708 00000000 00000000"
	echo  = from + "000c 3a 40" + addrs + "81000000 00000001 01020304"
	ask   = from + "000c 3a 40" + addrs + "80000000 00000001 01020304"
	zero  = "333300000001 9009d0000052 86dd 60000000 001a 3a ff" + addrs + "88000000 20000000 fe80000000000000f0d44dfffe092146 0200" // option of no length
)

// MLDv2 report behind a hop-by-hop header: one group that matters and one solicited-node group.
const mldReport = from + "0044 00 01" + addrs + "3a 00 0502 0000 0100" + "8f00 0000 0000 0002" +
	"04000000 ff0200000000000000000000000000fb" + "04000000 ff0200000000000000000001ff092146" + "00000000"

func TestHeard(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"an advertisement, MAC of its option": {na, []string{"ndp 90:09:d0:00:00:99 fe80::f0d4:4dff:fe09:2146"}},
		"one that came through a router":      {naFar, nil},
		"a router's advertisement of itself":  {naR, []string{"ndp 90:09:d0:00:00:52 fd00::1 router"}},
		"an address that is only tried":       {dad, nil},
		"a router":                            {ra, []string{"ndp 90:09:d0:00:00:52 fe80::f0d4:4dff:fe09:2146 router"}},
		"an MLD report":                       {mldReport, []string{"ndp 90:09:d0:00:00:52 fe80::f0d4:4dff:fe09:2146", "mld 90:09:d0:00:00:52 ff02::fb"}},
		"an answer to our echo":               {echo, []string{"ndp 90:09:d0:00:00:52 fe80::f0d4:4dff:fe09:2146"}},
		"an echo request":                     {ask, nil},
		"an option that would never end":      {zero, nil},
		"nothing":                             {"", nil},
	} {
		var got []string
		for _, o := range Heard(frame(t, c.in), time.Unix(1, 0)) {
			s := string(o.Signal) + " " + o.MAC.String() + " " + o.Value
			if o.Detail["router"] == "true" {
				s += " router"
			}
			got = append(got, s)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}

func TestLinkLocal(t *testing.T) {
	if got := LinkLocal(netid.MAC{0x90, 0x09, 0xd0, 0, 0, 0x52}).String(); got != "fe80::9209:d0ff:fe00:52" {
		t.Error(got)
	}
}

// What we send reads back as what it should be, and passes our own filter.
func TestQuestions(t *testing.T) {
	s := &sweep{own: netid.MAC{2, 0, 0, 0, 0, 1}, source: netip.MustParseAddr("fe80::1")}
	b, err := s.solicit(netip.MustParseAddr("fe80::9209:d0ff:fe00:52"))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := parse(b)
	if !ok || m.mac != s.own || m.ip != s.source || hex.EncodeToString(b[:6]) != "3333ff000052" {
		t.Errorf("solicitation: %+v %v to %x", m, ok, b[:6])
	}
	e, err := s.echoAll()
	if err != nil || hex.EncodeToString(e[:6]) != "333300000001" {
		t.Errorf("echo: %x %v", e, err)
	}
	raw, err := icmp6Only()
	if err != nil {
		t.Fatal(err)
	}
	prog, _ := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]bool{string(b): true, string(e): true, string(frame(t, mldReport)): true,
		string(frame(t, "ffffffffffff 002673000053 0800 4500001c")): false} {
		if n, err := vm.Run([]byte(in)); err != nil || n > 0 != want {
			t.Errorf("filter kept %d bytes of %x, %v", n, in, err)
		}
	}
}

func FuzzHeard(f *testing.F) {
	for _, s := range []string{na, naFar, naR, dad, ra, mldReport, echo, zero} {
		f.Add(frame(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Heard(b, time.Time{})
		if len(got) > maxGroups+1 {
			t.Errorf("%d observations of one frame", len(got))
		}
		for _, o := range got {
			if o.MAC.IsZero() || o.MAC.Multicast() || o.IP.IsValid() && (o.IP.IsMulticast() || o.IP.IsUnspecified()) {
				t.Errorf("%x gave %+v", b, o)
			}
		}
	})
}
