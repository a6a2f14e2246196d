package mdns

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"kenshin/observation"
)

var printer = netip.MustParseAddr("10.77.0.40")

func captured(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/avahi-*.bin")
	if err != nil || len(names) == 0 {
		t.Fatal("no captured answers", err)
	}
	var out [][]byte
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func texts(list []observation.Observation) []string {
	var out []string
	for _, o := range list {
		s := string(o.Signal) + " " + o.Value
		if o.Detail["name"] != "" {
			s += " / " + o.Detail["name"]
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// The answers that avahi gave to one printer's dialogue.
func TestAnswersOfAPrinter(t *testing.T) {
	r := newRecords()
	for _, b := range captured(t) {
		m, err := unpack(b)
		if err != nil {
			t.Fatal(err)
		}
		r.add(m)
	}
	list := r.observe(printer)
	want := []string{"mdns.hinfo X86_64 LINUX", "mdns.name printer1", "mdns.service _http._tcp / printer1", "mdns.service _ipp._tcp / printer1",
		"mdns.service _ipps._tcp / printer1", "mdns.service _printer._tcp / printer1", "mdns.service _workstation._tcp / printer1 [84:ba:3b:00:00:40]"}
	if d := cmp.Diff(want, texts(list)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, o := range list {
		if o.Value == "_ipp._tcp" && (o.Detail["txt.ty"] != "Lab LBP-Lab" || o.Port != 631) {
			t.Errorf("%+v", o)
		}
	}
}

func announce(t testing.TB, address string, rr ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.Response = true
	for _, s := range rr {
		x, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, x)
	}
	if address != "" {
		m.Extra = append(m.Extra, &dns.A{Hdr: dns.RR_Header{Name: "cam.local.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 120}, A: net.ParseIP(address)})
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeard(t *testing.T) {
	from := netip.MustParseAddr("10.0.0.9")
	srv := `Cam\.1._rtsp._tcp.local. 120 IN SRV 0 0 554 cam.local.`
	txt := `Cam\.1._rtsp._tcp.local. 120 IN TXT "Model=X1" "model=Y" "=junk" "flag"`
	question := new(dns.Msg)
	question.SetQuestion("cam.local.", dns.TypeA)
	asked, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   []byte
		want []string
	}{
		"its own":                         {announce(t, "10.0.0.9", srv, txt), []string{"mdns.name cam", "mdns.service _rtsp._tcp / Cam.1"}},
		"what a reflector repeats":        {announce(t, "10.0.0.8", srv, txt), nil},
		"a goodbye":                       {announce(t, "", strings.Replace(srv, " 120 ", " 0 ", 1)), nil},
		"a name of the outer world":       {announce(t, "", `x._rtsp._tcp.example.com. 120 IN SRV 0 0 554 www.example.com.`), nil},
		"a question":                      {asked, nil},
		"cut":                             {announce(t, "10.0.0.9", srv)[:30], nil},
		"a pointer that points to itself": {append(make([]byte, 2), []byte("\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x78\x00\x02\xc0\x0c")...), nil},
	} {
		list := Heard(from, c.in)
		if d := cmp.Diff(c.want, texts(list)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
		for _, o := range list {
			if o.Signal == observation.MDNSService {
				if d := cmp.Diff(map[string]string{"name": "Cam.1", "txt.model": "X1", "txt.flag": ""}, o.Detail); d != "" {
					t.Errorf("%s: (-want +got)\n%s", name, d)
				}
			}
		}
	}
}

func FuzzHeard(f *testing.F) {
	for _, b := range captured(f) {
		f.Add(b)
	}
	f.Add(announce(f, "10.0.0.9", `a._rtsp._tcp.local. 120 IN SRV 0 0 554 cam.local.`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, o := range Heard(printer, b) {
			if len(o.Value) > observation.MaxValue || len(o.Detail) > maxTXT+1 {
				t.Errorf("%+v", o)
			}
		}
	})
}
