package ledger_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kenshin/ledger"
	"kenshin/netid"
)

func TestResolve(t *testing.T) {
	vrrp := netid.MAC{0, 0, 0x5e, 0, 1, 7}
	only := func(d netid.DeviceID, ago time.Duration) ledger.Holder {
		return ledger.Holder{Device: d, Last: t0.Add(-ago)}
	}
	with := func(d netid.DeviceID, m netid.MAC, ago time.Duration) ledger.Holder {
		return ledger.Holder{Device: d, MAC: m, Last: t0.Add(-ago)}
	}
	for name, c := range map[string]struct {
		mac   netid.MAC
		known ledger.Known
		want  ledger.Verdict
	}{
		"nobody knows it":                        {mac(1), ledger.Known{}, ledger.Verdict{}},
		"same MAC, new address (DHCP)":           {mac(1), ledger.Known{Owner: "a"}, ledger.Verdict{Device: "a"}},
		"the address was another MAC's":          {mac(1), ledger.Known{Owner: "a", Holders: []ledger.Holder{with("b", mac(2), time.Minute)}}, ledger.Verdict{Device: "a"}},
		"a new MAC takes another's address":      {mac(1), ledger.Known{Holders: []ledger.Holder{with("b", mac(2), time.Minute)}}, ledger.Verdict{}},
		"routed host's MAC is told":              {mac(1), ledger.Known{Holders: []ledger.Holder{only("r", time.Hour)}}, ledger.Verdict{Device: "r", Adopt: true}},
		"... a month later":                      {mac(1), ledger.Known{Holders: []ledger.Holder{only("r", 30*24*time.Hour)}}, ledger.Verdict{Suggest: "r"}},
		"... a year later":                       {mac(1), ledger.Known{Holders: []ledger.Holder{only("r", 365*24*time.Hour)}}, ledger.Verdict{}},
		"known MAC is the routed host":           {mac(1), ledger.Known{Owner: "a", Holders: []ledger.Holder{only("r", time.Hour)}}, ledger.Verdict{Device: "a", Fold: "r"}},
		"... or was, last week":                  {mac(1), ledger.Known{Owner: "a", Holders: []ledger.Holder{only("r", 5*24*time.Hour)}}, ledger.Verdict{Device: "a", Suggest: "r"}},
		"a router answers for everybody":         {mac(1), ledger.Known{Owner: "a", Addresses: 200, Holders: []ledger.Holder{only("r", time.Hour)}}, ledger.Verdict{Device: "a"}},
		"a new router answers for everybody":     {mac(1), ledger.Known{Addresses: 200, Holders: []ledger.Holder{only("r", time.Hour)}}, ledger.Verdict{}},
		"routed host again":                      {netid.MAC{}, ledger.Known{Holders: []ledger.Holder{only("r", 300*24*time.Hour)}}, ledger.Verdict{Device: "r"}},
		"routed host whose MAC is known":         {netid.MAC{}, ledger.Known{Holders: []ledger.Holder{with("a", mac(1), time.Hour), only("r", 40*24*time.Hour)}}, ledger.Verdict{Device: "a"}},
		"... but silent for long":                {netid.MAC{}, ledger.Known{Holders: []ledger.Holder{with("a", mac(1), 20*24*time.Hour)}}, ledger.Verdict{}},
		"... but seen elsewhere since":           {netid.MAC{}, ledger.Known{Holders: []ledger.Holder{{Device: "a", MAC: mac(1), Last: t0, Moved: true}}}, ledger.Verdict{}},
		"a virtual router's MAC ties nothing":    {vrrp, ledger.Known{Owner: "a"}, ledger.Verdict{}},
		"... and its address is the address's":   {vrrp, ledger.Known{Holders: []ledger.Holder{only("v", time.Hour)}}, ledger.Verdict{Device: "v"}},
		"the older address-only trace is not it": {mac(1), ledger.Known{Owner: "a", Holders: []ledger.Holder{with("b", mac(2), time.Hour), only("r", 2*time.Hour)}}, ledger.Verdict{Device: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, ledger.Resolve(seen(c.mac, "10.0.0.1", t0), c.known)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSame(t *testing.T) {
	pc := func(change func(*ledger.Trace)) ledger.Trace {
		tr := ledger.Trace{HasMAC: true, First: t0.AddDate(0, -1, 0), Last: t0}
		change(&tr)
		return tr
	}
	later := func(change func(*ledger.Trace)) ledger.Trace {
		return pc(func(tr *ledger.Trace) { tr.First, tr.Last = t0.Add(time.Hour), t0.Add(2*time.Hour); change(tr) })
	}
	host := func(h, dhcp string) func(*ledger.Trace) {
		return func(tr *ledger.Trace) { tr.Ties = ledger.Ties{Host: h, DHCP: dhcp} }
	}
	phone := func(h, dhcp string) func(*ledger.Trace) {
		return func(tr *ledger.Trace) { host(h, dhcp)(tr); tr.Random = true }
	}
	for name, c := range map[string]struct {
		a, b ledger.Trace
		want ledger.Likeness
	}{
		"nothing in common":  {pc(func(*ledger.Trace) {}), pc(func(*ledger.Trace) {}), ledger.Different},
		"one serial number":  {pc(func(tr *ledger.Trace) { tr.Serial = "VNB3K12345" }), pc(func(tr *ledger.Trace) { tr.Serial = "ｖｎｂ3k-12345" }), ledger.Maybe},
		"a factory's filler": {pc(func(tr *ledger.Trace) { tr.Serial = "To be filled by O.E.M." }), pc(func(tr *ledger.Trace) { tr.Serial = "To be filled by O.E.M." }), ledger.Different},
		"zeros":              {pc(func(tr *ledger.Trace) { tr.Serial = "0000000000" }), pc(func(tr *ledger.Trace) { tr.Serial = "0000000000" }), ledger.Different},
		"one serial, two makers": {pc(func(tr *ledger.Trace) { tr.Serial, tr.Maker = "A123456", "Ricoh" }),
			pc(func(tr *ledger.Trace) { tr.Serial, tr.Maker = "A123456", "Fujitsu" }), ledger.Different},
		"two cards of one PC in a domain": {pc(func(tr *ledger.Trace) { tr.Ties = ledger.Ties{NetBIOS: "PC01", DNS: "pc01.hospital.local"} }),
			pc(func(tr *ledger.Trace) { tr.Ties = ledger.Ties{NetBIOS: "pc01", DNS: "PC01.hospital.local"} }), ledger.Maybe},
		"one computer name in a workgroup": {pc(func(tr *ledger.Trace) { tr.Ties = ledger.Ties{NetBIOS: "PC01", DNS: "PC01"} }),
			pc(func(tr *ledger.Trace) { tr.Ties = ledger.Ties{NetBIOS: "PC01", DNS: "PC01"} }), ledger.Maybe},
		"one name, two serials": {pc(func(tr *ledger.Trace) {
			tr.Serial = "AAA11111"
			tr.Ties = ledger.Ties{NetBIOS: "PC01", DNS: "pc01.h.local"}
		}),
			pc(func(tr *ledger.Trace) {
				tr.Serial = "BBB22222"
				tr.Ties = ledger.Ties{NetBIOS: "PC01", DNS: "pc01.h.local"}
			}), ledger.Different},
		"a new card in the same PC":         {pc(host("kensa-pc3", "1,3,6")), later(host("kensa-pc3", "1,3,6")), ledger.Maybe},
		"... while the old one is there":    {pc(host("kensa-pc3", "1,3,6")), pc(host("kensa-pc3", "1,3,6")), ledger.Different},
		"... with another fingerprint":      {pc(host("kensa-pc3", "1,3,6")), later(host("kensa-pc3", "1,15")), ledger.Different},
		"a phone with a new random MAC":     {pc(phone("Suzuki-no-Pixel", "1,3")), later(phone("Suzuki-no-Pixel", "1,3")), ledger.Maybe},
		"two iPhones":                       {pc(phone("iPhone", "1,3")), later(phone("iPhone", "1,3")), ledger.Different},
		"the ledger's line has its address": {ledger.Trace{SaidIP: []string{"10.0.0.9"}}, pc(func(tr *ledger.Trace) { tr.IPs = []string{"10.0.0.9"} }), ledger.Maybe},
		"the ledger's line is its name":     {ledger.Trace{SaidName: "ＲＥＣＥＰＴ－０１"}, pc(func(tr *ledger.Trace) { tr.Ties.NetBIOS = "RECEPT-01" }), ledger.Maybe},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := ledger.Same(c.a, c.b)
			if back, _ := ledger.Same(c.b, c.a); got != c.want || back != got {
				t.Errorf("%v (the other way round %v), want %v", got, back, c.want)
			}
			if got != ledger.Different && len(why) == 0 {
				t.Error("no reason is given")
			}
		})
	}
}

func TestConflictsAreOfSubstance(t *testing.T) {
	no := false
	d := ledger.Device{
		Word:       ledger.Word{Maker: "キヤノン株式会社", OS: "ｗｉｎｄｏｗｓ１０", Kind: "printer", Model: "LBP-251", Medical: &no, Serial: "X1", IPText: "10.0.0.5(固定)", MACText: "DHCP"},
		Identity:   ledger.Identity{Maker: "キャノン", OS: "Windows 10 Pro", Kind: "mfp", Model: "LBP9660Ci", Medical: true, Serial: "x-1"},
		Interfaces: []ledger.Interface{{MAC: mac(1), IPv4: []netip.Addr{netip.MustParseAddr("10.0.0.6")}, LastSeen: t0}},
	}
	var fields []string
	for _, c := range ledger.Conflicts(&d) {
		fields = append(fields, c.Field)
	}
	if diff := cmp.Diff([]string{"model", "medical", "ip_text"}, fields); diff != "" {
		t.Error(diff)
	}
}

func FuzzWord(f *testing.F) {
	f.Add("name", "受付ＰＣ")
	f.Add("purchased", "令和6年4月")
	f.Add("mac_text", "00-1A-2B-3C-4D-5E / 00:1a:2b:3c:4d:5f")
	f.Add("extra.棚番", "A\x00\xff")
	f.Add("medical", "yes")
	f.Fuzz(func(t *testing.T, key, value string) {
		var w ledger.Word
		if w.Set(key, value) != nil {
			return
		}
		d := ledger.Device{Word: w, Identity: ledger.Identity{Maker: value, Serial: value}, Interfaces: []ledger.Interface{{MAC: mac(1), LastSeen: t0}}}
		_ = ledger.Conflicts(&d)
		_, _ = ledger.Same(ledger.Trace{Serial: value, SaidName: value}, ledger.Trace{Serial: key, First: t0})
		kept := w.Get(key)
		if err := w.Set(key, kept); err != nil || w.Get(key) != kept {
			t.Errorf("%q: %q is not taken back as it was stored: %q, %v", key, kept, w.Get(key), err)
		}
	})
}
