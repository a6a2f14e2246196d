package services_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"kenshin/discover/banner"
	"kenshin/discover/database"
	"kenshin/discover/dicom"
	"kenshin/discover/ipp"
	"kenshin/discover/rdp"
	"kenshin/discover/rtsp"
	"kenshin/discover/services"
	"kenshin/discover/smb"
	"kenshin/discover/ssh"
	"kenshin/discover/tlscert"
	"kenshin/discover/web"
	"kenshin/gate"
	"kenshin/internal/labtest"
	"kenshin/netid"
	"kenshin/observation"
)

type probe func(context.Context, *gate.Host, uint16) ([]observation.Observation, error)

var probes = map[services.Conversation]probe{
	services.Open: banner.Open, services.FTP: banner.FTP, services.Telnet: banner.Telnet, services.SMTP: banner.SMTP,
	services.POP3: banner.POP3, services.VNC: banner.VNC, services.Web: web.Probe, services.WebTLS: web.ProbeTLS, services.TLSCert: tlscert.Probe,
	services.SSH: ssh.Probe, services.SMB: smb.Probe, services.RDP: rdp.Probe, services.IPP: ipp.Probe, services.RTSP: rtsp.Probe,
	services.MySQL: database.MySQL, services.Postgres: database.Postgres, services.Redis: database.Redis, services.MSSQL: database.MSSQL,
	services.DICOM: dicom.Probe,
}

func TestEveryConversationHasAProbe(t *testing.T) {
	for _, p := range services.Ports() {
		for _, c := range append(p.Talk, p.Unlocked...) {
			if probes[c] == nil {
				t.Errorf("port %d: nobody speaks %q", p.Number, c)
			}
		}
	}
}

// walk goes through the list as a check-up does. An unlocked device is spoken to once a second only, so there just the ports of only are tried.
func walk(t *testing.T, h *gate.Host, unlocked bool, only []want) []observation.Observation {
	t.Helper()
	var seen []observation.Observation
	open := map[uint16]bool{}
	for _, p := range services.Ports() {
		if p.Unless != 0 && open[p.Unless] || unlocked && !slices.ContainsFunc(only, func(w want) bool { return w.port == p.Number }) {
			continue
		}
		talks := p.Talk
		if unlocked && len(p.Unlocked) > 0 {
			talks = p.Unlocked
		}
		for _, c := range talks {
			got, err := probes[c](t.Context(), h, p.Number)
			if len(got) == 0 {
				break // closed
			}
			open[p.Number] = true
			seen = append(seen, got...)
			if err != nil {
				t.Logf("%s port %d: %v", h.Addr(), p.Number, err)
			}
		}
		if open[p.Number] && p.Medical.Ja != "" {
			h.Medical(p.Medical.Ja)
			if !unlocked {
				return seen
			}
		}
	}
	return seen
}

// want is one observation that a device of the lab must yield.
type want struct {
	port   uint16
	signal observation.Signal
	value  string
	detail string // "key=value", "" = any
}

func TestLab(t *testing.T) {
	lab := labtest.Up(t)
	devices := map[string]labtest.Device{}
	for _, d := range lab.Truth() {
		devices[d.Name] = d
	}
	lab.InSensor(t, func() {
		g := gate.New(gate.Config{})
		defer g.Close()
		g.Approve(gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Pace: gate.Normal, Approved: true},
			gate.Segment{ID: "rad", Prefix: netip.MustParsePrefix("10.77.8.0/24"), Routed: true, Pace: gate.Normal, Approved: true})
		for name, c := range map[string]struct {
			unlocked bool
			want     []want
		}{
			"nas-old": {false, []want{{445, observation.SMBDialect, "smb1", "signing=disabled"}, {445, observation.SMBDialect, "3.1.1", "smb1=accepted"},
				{445, observation.NTLM, "NAS-OLD", "build=6.1.0"}, {445, observation.SMBNativeOS, "Windows 6.1", ""}, {21, observation.FTPBanner, "nas-old FTP", ""},
				{80, observation.HTTPTitle, "NAS", "scheme=http"}, {80, observation.HTTPServer, "Lab-HTTP (nas-old)", ""}}},
			"emr-srv": {false, []want{{445, observation.SMBDialect, "3.1.1", "smb1=refused"}, {443, observation.HTTPTitle, "電子カルテ", "scheme=https"},
				{443, observation.TLSCert, "emr-srv.hosp.example", "self_signed=true"}, {22, observation.SSHBanner, "SSH-2.0-OpenSSH_*", ""}}},
			"printer1": {false, []want{{631, observation.IPP, "Lab LBP-Lab", "state=idle"}, {80, observation.HTTPTitle, "Printer", ""}}},
			"cam1":     {false, []want{{554, observation.RTSP, "Lab RTSP", "status=200"}, {80, observation.HTTPTitle, "Camera", ""}}},
			"iotgw": {false, []want{{1883, observation.TCPOpen, "1883", ""}, {23, observation.TelnetBanner, "iotgw login:", "negotiation=true"},
				{22, observation.SSHBanner, "SSH-2.0-OpenSSH_*", ""}}},
			"pacs":  {true, []want{{11112, observation.DICOM, "rejected", "reason=called AE title not recognised"}, {443, observation.HTTPTitle, "PACS", ""}}},
			"ct1":   {true, []want{{104, observation.DICOM, "accepted", "implementation_version=OFFIS_DCMTK_367"}, {23, observation.TelnetBanner, "ct1 login:", ""}}},
			"modpc": {true, []want{{445, observation.SMBDialect, "smb1", ""}, {445, observation.NTLM, "MODPC", "via=smb"}, {104, observation.DICOM, "accepted", ""}}},
			"us1":   {false, []want{{104, observation.TCPOpen, "104", ""}}},
		} {
			t.Run(name, func(t *testing.T) {
				h := host(t, g, devices[name])
				if c.unlocked {
					g.Unlock(gate.Unlock{HostKey: gate.HostKey{IP: h.Addr(), MAC: h.MAC()}, From: time.Now().Add(-time.Minute), Until: time.Now().Add(time.Hour),
						Reason: "lab", By: "test"})
				}
				start := time.Now()
				seen := walk(t, h, c.unlocked, c.want)
				t.Logf("%d observations in %v", len(seen), time.Since(start).Round(time.Millisecond))
				for _, w := range c.want {
					if !found(seen, w) {
						t.Errorf("missing %+v", w)
					}
				}
				if name == "us1" {
					protected(t, h, seen)
				}
			})
		}
	})
}

// protected checks that an open DICOM port ended the probing of a device that nobody unlocked.
func protected(t *testing.T, h *gate.Host, seen []observation.Observation) {
	t.Helper()
	if len(seen) != 1 {
		t.Errorf("probing went on: %+v", seen)
	}
	_, err := dicom.Probe(t.Context(), h, 104)
	if no := (*gate.Refusal)(nil); !errors.As(err, &no) {
		t.Errorf("DICOM was spoken to a locked device: %v", err)
	}
}

func host(t *testing.T, g *gate.Gate, d labtest.Device) *gate.Host {
	t.Helper()
	mac, err := netid.ParseMAC(d.MAC)
	if err != nil || len(d.IPv4) == 0 {
		t.Fatal(d, err)
	}
	segment := "lan"
	if netip.MustParsePrefix("10.77.8.0/24").Contains(d.IPv4[0]) {
		segment = "rad"
	}
	return g.Host(segment, d.IPv4[0], mac)
}

func found(seen []observation.Observation, w want) bool {
	for _, o := range seen {
		if o.Port != w.port || o.Signal != w.signal || !match(w.value, o.Value) || !o.IP.IsValid() || o.MAC.IsZero() || o.At.IsZero() {
			continue
		}
		if w.detail == "" {
			return true
		}
		for k, v := range o.Detail {
			if k+"="+v == w.detail {
				return true
			}
		}
	}
	return false
}

// match compares; a star at the end stands for anything.
func match(pattern, s string) bool {
	if n := len(pattern) - 1; n >= 0 && pattern[n] == '*' {
		return len(s) >= n && s[:n] == pattern[:n]
	}
	return pattern == s
}
