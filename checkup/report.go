package checkup

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
)

// Schema names the shape of Report for scripts.
const Schema = "kenshin.checkup/1"

// Report is one pass as scripts read it (docs/guide/scripts.md). Times are RFC 3339, MACs lower case with colons.
type Report struct {
	Schema     string          `json:"schema"`
	Started    time.Time       `json:"started"`
	Finished   time.Time       `json:"finished"`
	Ranges     []string        `json:"ranges"`
	Pace       string          `json:"pace"`
	FramesSent int64           `json:"frames_sent"`
	Complete   bool            `json:"complete"`
	Notes      []string        `json:"notes"`
	Devices    []ReportDevice  `json:"devices"`
	Links      []ReportLink    `json:"links"`
	Findings   []ReportFinding `json:"findings"`
}

// ReportDevice is one device of a Report.
type ReportDevice struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	MAC        string          `json:"mac"`
	MACs       []string        `json:"macs"`
	IPv4       []string        `json:"ipv4"`
	IPv6       []string        `json:"ipv6"`
	Hostnames  []string        `json:"hostnames"`
	Kind       string          `json:"kind"`
	Modality   string          `json:"modality,omitempty"`
	Maker      string          `json:"maker"`
	Model      string          `json:"model"`
	Serial     string          `json:"serial"`
	OS         string          `json:"os"`
	OSVersion  string          `json:"os_version"`
	Medical    bool            `json:"medical"`
	Random     bool            `json:"randomised_mac"`
	Confidence float64         `json:"confidence"`
	Because    []ledger.Reason `json:"because"`
	Services   []ReportService `json:"services"`
	Switch     string          `json:"switch,omitempty"`
	Port       string          `json:"port,omitempty"`
	Via        []string        `json:"via"`
	Asked      string          `json:"asked"` // complete, partial: CODE, or "" when nothing beyond presence was asked
	FirstSeen  time.Time       `json:"first_seen"`
	LastSeen   time.Time       `json:"last_seen"`
}

// ReportService is one open port or spoken protocol.
type ReportService struct {
	Port   uint16 `json:"port"`
	Proto  string `json:"proto"`
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// ReportLink is a cable between two devices; a check-up of one pass draws none yet.
type ReportLink struct {
	A        string   `json:"a"`
	APort    string   `json:"a_port"`
	B        string   `json:"b"`
	BPort    string   `json:"b_port"`
	Evidence []string `json:"evidence"`
}

// ReportFinding is one thing that is wrong on a device.
type ReportFinding struct {
	Check    string `json:"check"`
	Severity int    `json:"severity"`
	Device   string `json:"device"`
	Title    string `json:"title"`
	Why      string `json:"why"`
	Fix      string `json:"fix"`
	Evidence any    `json:"evidence"`
}

// reportDevice copies a ledger's device into the shape of a report, in the language of ctx.
func reportDevice(ctx context.Context, d *ledger.Device, asked string) ReportDevice {
	r := ReportDevice{ID: string(d.ID), Name: d.Name(), MACs: []string{}, IPv4: []string{}, IPv6: []string{}, Hostnames: orEmpty(d.Identity.Hostnames),
		Kind: d.Kind(), Modality: firstOf(d.Word.Modality, d.Identity.Modality), Maker: d.Maker(), Model: d.Model(), Serial: d.Serial(), OS: d.OS(), OSVersion: d.OSVersion(),
		Medical: d.Medical(), Random: d.Identity.Random, Confidence: d.Identity.Confidence, Because: []ledger.Reason{}, Services: []ReportService{},
		Switch: d.Summary.Switch, Port: d.Summary.Port, Via: []string{}, Asked: asked, FirstSeen: d.FirstSeen, LastSeen: d.LastSeen}
	for _, b := range d.Identity.Because {
		if i18n.From(ctx) == i18n.En && b.SaysEn != "" {
			b.Says = b.SaysEn
		}
		b.SaysEn = "" // a report speaks one language
		r.Because = append(r.Because, b)
	}
	for _, s := range d.Services {
		r.Services = append(r.Services, ReportService{s.Port, s.Proto, s.Name, s.Detail})
	}
	for _, i := range d.Interfaces {
		if m := i.MAC.String(); m != "" {
			r.MACs = append(r.MACs, m)
		}
		r.IPv4, r.IPv6 = addAddrs(r.IPv4, i.IPv4), addAddrs(r.IPv6, i.IPv6)
	}
	if len(r.MACs) > 0 {
		r.MAC = r.MACs[0]
	}
	return r
}

func addAddrs(to []string, list []netip.Addr) []string {
	for _, a := range list {
		if s := a.String(); !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	return to
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// sortReport brings devices into the order of their addresses.
func sortReport(list []ReportDevice) {
	key := func(d *ReportDevice) string {
		if len(d.IPv4) > 0 {
			if a, err := netip.ParseAddr(d.IPv4[0]); err == nil {
				b := a.As4()
				return string(b[:])
			}
		}
		return "\xff" + d.MAC
	}
	slices.SortFunc(list, func(a, b ReportDevice) int { return strings.Compare(key(&a), key(&b)) })
}
