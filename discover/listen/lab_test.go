package listen_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kenshin/discover/listen"
	"kenshin/discover/mdns"
	"kenshin/discover/nbns"
	"kenshin/discover/snmp"
	"kenshin/discover/ssdp"
	"kenshin/discover/wsd"
	"kenshin/gate"
	"kenshin/internal/labtest"
	"kenshin/netid"
	"kenshin/observation"
)

// seen gathers what was found, by signal and value.
type seen struct {
	mu  sync.Mutex
	all []observation.Observation
}

func (s *seen) found(o observation.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, o)
}

func (s *seen) has(ip netip.Addr, sig observation.Signal, value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		if o.Signal == sig && o.Value == value && (!ip.IsValid() || o.IP == ip) {
			return true
		}
	}
	return false
}

func TestInTheLab(t *testing.T) {
	lab := labtest.Up(t)
	t.Run("questions", func(t *testing.T) { questions(t, lab) })
	t.Run("listening", func(t *testing.T) { listening(t, lab) })
}

// questions: what each host of the lab answers when it is asked politely, one by one.
func questions(t *testing.T, lab *labtest.Lab) {
	lab.InSensor(t, func() {
		ip, macs := map[string]netip.Addr{}, map[string]netid.MAC{}
		for _, d := range lab.Truth() {
			macs[d.Name], _ = netid.ParseMAC(d.MAC)
			for _, a := range d.IPv4 {
				if !ip[d.Name].IsValid() || a.Less(ip[d.Name]) {
					ip[d.Name] = a
				}
			}
		}
		g := gate.New(gate.Config{})
		defer g.Close()
		lan := gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Pace: gate.Normal, Approved: true,
			SNMP: []gate.SNMP{{Community: "public"}}}
		rad := gate.Segment{ID: "rad", Prefix: netip.MustParsePrefix("10.77.8.0/24"), Routed: true, Pace: gate.Normal, Approved: true,
			SNMP: []gate.SNMP{{User: "labmon", Auth: "SHA", AuthPass: "wrong-passphrase", Priv: "AES", PrivPass: "lab-priv-pass"},
				{User: "labmon", Auth: "SHA", AuthPass: "lab-auth-pass", Priv: "AES", PrivPass: "lab-priv-pass"}}}
		g.Approve(lan, rad)
		ctx := t.Context()
		s := &seen{}
		each := func(ask func(context.Context, *gate.Host, func(observation.Observation)) error, names ...string) {
			for _, n := range names {
				if err := ask(ctx, g.Host("lan", ip[n], macs[n]), s.found); err != nil {
					t.Errorf("%s: %v", n, err)
				}
			}
		}
		each(mdns.Ask, "tablet2", "macbook", "printer1", "emr-srv")
		each(nbns.Ask, "nas-old", "nurse-pc1", "emr-pc2", "emr-srv")
		each(ssdp.Ask, "nas-old", "cam1", "emr-srv")
		each(wsd.Ask, "emr-srv")
		if err := wsd.Probe(ctx, g, "lan", s.found); err != nil {
			t.Error(err)
		}
		read := func(segment, name, version string, credential int) {
			out, err := snmp.Read(ctx, g.Host(segment, ip[name], macs[name]), snmp.Options{}, s.found)
			if err != nil || !out.Answered || out.Version != version || out.Credential != credential || len(out.Incomplete) > 0 {
				t.Errorf("SNMP of %s: %+v %v", name, out, err)
			}
		}
		read("rad", "sw-rad", "3", 1) // before the router, which then has it in its table
		for _, n := range []string{"sw-core", "sw-2f", "sw-adm", "rt1", "printer1", "mfp1"} {
			read("lan", n, "2c", 0)
		}
		for _, w := range []struct {
			host  string
			sig   observation.Signal
			value string
		}{
			{"tablet2", observation.MDNSName, "tablet2"}, {"macbook", observation.MDNSService, "_ssh._tcp"}, {"printer1", observation.MDNSService, "_ipp._tcp"},
			{"nas-old", observation.NBNSName, "NAS-OLD"}, {"nurse-pc1", observation.NBNSGroup, "HOSPITAL"}, {"emr-pc2", observation.NBNSName, "EMR-PC2"},
			{"nas-old", observation.UPnP, "LS-NAS"}, {"cam1", observation.UPnP, "NetCam"}, {"nurse-pc1", observation.WSD, "Device Computer"},
			{"sw-core", observation.SNMPLLDP, "sw-2f"}, {"sw-core", observation.SNMPBridge, "00:00:f4:10:00:01"}, {"rt1", observation.SNMPLLDP, "sw-rad"},
			{"sw-adm", observation.SNMPIf, "ge4"}, {"printer1", observation.SNMPPrinter, "LBP-Lab"}, {"mfp1", observation.SNMPHost, "RICOH IM-Lab"},
			{"sw-rad", observation.SNMPName, "sw-rad"},
		} {
			if !s.has(ip[w.host], w.sig, w.value) {
				t.Errorf("%s did not tell %s %q", w.host, w.sig, w.value)
			}
		}
		if !s.has(netip.Addr{}, observation.Neighbor, ip["sw-rad"].String()) {
			t.Error("the router's table did not tell the MAC of a device behind it")
		}
	})
}

// listening: what is heard when a device is plugged in, without a frame of ours.
func listening(t *testing.T, lab *labtest.Lab) {
	ready := filepath.Join(lab.Dir, "listening")
	first, err := os.OpenFile(filepath.Join(lab.Dir, "first-process"), os.O_CREATE|os.O_EXCL, 0o600) // the copy finds it there
	var plugged sync.WaitGroup
	defer plugged.Wait()
	if err == nil {
		first.Close()
		plugged.Go(func() {
			for _, err := os.Stat(ready); err != nil; _, err = os.Stat(ready) {
				select {
				case <-t.Context().Done():
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
			lab.Do("plug", "rogue-pc")
		})
	}
	ours := lab.Capture("sensor", labtest.Out, "not icmp6 and not igmp") // the kernel speaks those by itself
	lab.InSensor(t, func() {
		g := gate.New(gate.Config{})
		defer g.Close()
		g.Approve(gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Approved: true, Listen: true})
		tap, err := g.Listen("eth0")
		if err != nil {
			t.Fatal(err)
		}
		defer tap.Close()
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 40*time.Second)
		defer stop()
		s := &seen{}
		done := func() bool {
			none := netip.Addr{}
			return s.has(none, observation.DHCPHostname, "rogue-pc") && s.has(none, observation.DHCPVendor, "MSFT 5.0") &&
				s.has(none, observation.NBNSName, "ROGUE-PC") && s.has(none, observation.LLDP, "sw-core") &&
				s.has(none, observation.ARP, "10.77.99.50") && s.has(none, observation.DHCPOptions, "1,3,6,15,31,33,43,44,46,47,119,121,249,252")
		}
		err = listen.Run(ctx, tap, decoders(), func(o observation.Observation) {
			if s.found(o); done() {
				stop()
			}
		})
		if err != nil || !done() {
			t.Errorf("%v; heard: %+v", err, s.all)
		}
	})
	for _, f := range slices.DeleteFunc(ours.Stop(), labtest.Frame.KernelARP) {
		t.Errorf("a frame of %d bytes left the sensor while it listened: %x", len(f.Data), f.Data[:min(len(f.Data), 40)])
	}
}
