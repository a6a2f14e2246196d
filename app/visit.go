package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/identify"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// VisitRequest is one pass without a server. Naming a range on the command line is the approval of it.
type VisitRequest struct {
	Ranges       []string
	Interface    string // "" chooses by address
	Community    string
	SNMPFile     string // YAML: a list of gate.SNMP
	Pace         gate.Pace
	Listen       time.Duration
	Unlock       []string // addresses
	Reason       string
	PresenceOnly bool
	By           string
	Record       io.Writer // takes every observation of the pass as a recording, see Recording; nil for none
}

// visitFacility stands in the throw-away database of a visit.
const visitFacility facility.ID = "00000000-0000-7000-8000-000000000000"

// Visit makes one pass in a throw-away database and returns its report.
func Visit(ctx context.Context, r VisitRequest, log *slog.Logger, progress func(checkup.Sweep)) (checkup.Report, error) {
	segments, err := r.segments()
	if err != nil {
		return checkup.Report{}, err
	}
	dir, err := os.MkdirTemp("", "kenshin-visit-")
	if err != nil {
		return checkup.Report{}, fault.Wrap(fault.Unavailable, err, "一時フォルダを作れません。ディスクの空きを確かめてください。", "No temporary folder could be made. Check the disk's free space.")
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(ctx, store.Options{Dir: dir, Passing: true})
	if err != nil {
		return checkup.Report{}, err
	}
	defer db.Close()
	makers, err := netid.LoadMakers(netid.MakerFiles()...)
	if err != nil {
		log.Warn("makers of network cards are not known: install ieee-data", "error", err)
	}
	rules, err := identify.New(makers)
	if err != nil {
		return checkup.Report{}, err
	}
	g := gate.New(gate.Config{Now: time.Now, Log: log, Maker: makers.Lookup})
	defer g.Close()
	g.Approve(segments...)
	if err := r.unlock(g); err != nil {
		return checkup.Report{}, err
	}
	c := &checkup.Checkup{DB: db, Gate: g, Seen: observation.New(db), Ledger: ledger.Open(db, ledger.Options{}), Findings: finding.New(db, time.Now),
		Identify: rules, Sensor: "local", Now: time.Now, Log: log}
	q := checkup.Request{PresenceOnly: r.PresenceOnly, Passing: r.PresenceOnly, Listen: r.Listen}
	for _, s := range segments {
		q.Segments = append(q.Segments, s.ID)
	}
	rep, err := c.Visit(ctx, visitFacility, q, progress)
	if err != nil || r.Record == nil {
		return rep, err
	}
	return rep, writeRecording(context.WithoutCancel(ctx), c.Seen, visitFacility, r.Record)
}

// segments turns the named ranges into approved segments: on the link where one of our interfaces is in it, else behind a router.
func (r VisitRequest) segments() ([]gate.Segment, error) {
	if len(r.Ranges) == 0 {
		return nil, fault.New(fault.Invalid, "--range で確認する範囲を指定してください(例 192.168.1.0/24)。", "Name the range with --range, like 192.168.1.0/24.")
	}
	credentials, err := r.credentials()
	if err != nil {
		return nil, err
	}
	links, err := gate.Interfaces()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "この機械のネットワークを調べられません。", "This machine's network interfaces cannot be read.")
	}
	if r.Interface != "" {
		if _, err := net.InterfaceByName(r.Interface); err != nil {
			return nil, fault.Newf(fault.Invalid, "この機械に %s というネットワークの口はありません。ip link で名前を確かめるか、--interface を書かずに実行してください。",
				"This machine has no network interface called %s. See ip link for the names, or leave --interface out.", r.Interface)
		}
	}
	var list []gate.Segment
	for _, text := range r.Ranges {
		p, err := netid.ParseRange(text)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if s.Prefix.Overlaps(p) {
				return nil, fault.Newf(fault.Invalid, "範囲 %s と %s が重なっています。", "The ranges %s and %s overlap.", s.Prefix, p)
			}
		}
		s := gate.Segment{ID: p.String(), Name: p.String(), Prefix: p, Routed: true, Pace: r.Pace, SNMP: credentials, Listen: r.Listen > 0, Approved: true, ApprovedBy: r.By, ApprovedAt: time.Now()}
		s.Interface = r.linkOf(p, links)
		s.Routed = s.Interface == ""
		list = append(list, s)
	}
	return list, nil
}

func (r VisitRequest) linkOf(p netip.Prefix, links []gate.Proposal) string {
	for _, l := range links {
		if l.Segment.Prefix.Overlaps(p) && (r.Interface == "" || r.Interface == l.Segment.Interface) {
			return l.Segment.Interface
		}
	}
	return ""
}

func (r VisitRequest) credentials() (list []gate.SNMP, err error) {
	if r.Community != "" {
		list = append(list, gate.SNMP{Community: r.Community})
	}
	if r.SNMPFile == "" {
		return list, nil
	}
	f, err := os.Open(r.SNMPFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--snmp-file を読めません: "+r.SNMPFile, "--snmp-file cannot be read: "+r.SNMPFile)
	}
	defer f.Close()
	dec := yaml.NewDecoder(io.LimitReader(f, maxSNMPFile))
	dec.KnownFields(true)
	var more []gate.SNMP
	if err := dec.Decode(&more); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--snmp-file の形が正しくありません。「- community: 合言葉」か「- user: 名前, auth: SHA, auth_pass: ..., priv: AES, priv_pass: ...」を並べてください。",
			"--snmp-file is not a list of '- community: ...' or '- user: ..., auth: SHA, auth_pass: ..., priv: AES, priv_pass: ...'.")
	}
	if list = append(list, more...); len(list) > mostSNMP {
		return nil, fault.Newf(fault.TooLarge, "SNMPの合言葉は%d個までです。合言葉を順に試すことはしません。", "At most %d SNMP credentials: none is guessed by trying many.", mostSNMP)
	}
	return list, nil
}

// Bounds of what --snmp-file may hold: as in a segment of the console.
const (
	maxSNMPFile = 64 << 10
	mostSNMP    = 8
)

func (r VisitRequest) unlock(g *gate.Gate) error {
	if len(r.Unlock) == 0 {
		return nil
	}
	if len(strings.TrimSpace(r.Reason)) < 4 {
		return fault.New(fault.Invalid, "--unlock には --reason で理由を書いてください。", "--unlock needs a --reason.")
	}
	for _, text := range slices.Compact(r.Unlock) {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "--unlock のアドレスが正しくありません: "+text, "Not an address in --unlock: "+text)
		}
		g.Unlock(gate.Unlock{HostKey: gate.HostKey{IP: a}, From: time.Now().Add(-time.Minute), Until: time.Now().Add(time.Hour), Reason: r.Reason, By: r.By})
	}
	return nil
}
