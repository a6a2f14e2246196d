package api

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/netid"
)

// Segment is a part of the network into which Kenshin may send once a person approved it. SNMP credentials never come out.
type Segment struct {
	ID         string       `json:"id"`
	Name       string       `json:"name" example:"放射線科"`
	Prefix     netip.Prefix `json:"prefix" example:"10.20.3.0/24"`
	Interface  string       `json:"interface" doc:"Empty behind a router." example:"eth0"`
	Routed     bool         `json:"routed"`
	Purpose    string       `json:"purpose"`
	Medical    bool         `json:"medical" doc:"Medical devices live there."`
	Pace       gate.Pace    `json:"pace" enum:"gentle,normal,fast"`
	Hours      gate.Hours   `json:"hours" doc:"Minutes after midnight, the facility's time; 0 and 0 is the whole day."`
	Listen     bool         `json:"listen" doc:"Listens passively on the interface."`
	Router     string       `json:"router,omitempty" doc:"Who is believed about the MACs in it; empty: the next hop." example:"10.20.0.1"`
	SNMP       int          `json:"snmp_credentials" doc:"How many are kept; they are write-only."`
	Approved   bool         `json:"approved"`
	ApprovedBy string       `json:"approved_by,omitempty"`
	ApprovedAt time.Time    `json:"approved_at,omitzero"`
	ChangedBy  string       `json:"changed_by"`
	ChangedAt  time.Time    `json:"changed_at"`
	Revision   int64        `json:"revision"`
}

func (s Segment) revision() int64 { return s.Revision }

func viewSegment(e *gate.Entry) Segment {
	return Segment{e.ID, e.Name, e.Prefix, e.Interface, e.Routed, e.Purpose, e.Medical, e.Pace, e.Hours, e.Listen, routerText(e.Router), len(e.SNMP), e.Approved,
		e.ApprovedBy, e.ApprovedAt, e.ChangedBy, e.ChangedAt, e.Revision}
}

var segmentColumns = []col[Segment]{
	{"id", func(v *Segment) any { return v.ID }}, {"name", func(v *Segment) any { return v.Name }},
	{"prefix", func(v *Segment) any { return v.Prefix.String() }}, {"interface", func(v *Segment) any { return v.Interface }},
	{"routed", func(v *Segment) any { return yes(v.Routed) }}, {"purpose", func(v *Segment) any { return v.Purpose }},
	{"medical", func(v *Segment) any { return yes(v.Medical) }}, {"pace", func(v *Segment) any { return string(v.Pace) }},
	{"approved", func(v *Segment) any { return yes(v.Approved) }}, {"approved_by", func(v *Segment) any { return v.ApprovedBy }},
	{"approved_at", func(v *Segment) any { return when(v.ApprovedAt) }},
}

type listWhole struct{ Whole }

func (s *server) listSegments(ctx context.Context, f facility.ID, _ *listWhole) (Page[Segment], error) {
	list, err := s.Gates.Segments(ctx, f)
	if err != nil {
		return Page[Segment]{}, err
	}
	items := make([]Segment, len(list))
	for i := range list {
		items[i] = viewSegment(&list[i])
	}
	return page(items, ""), nil
}

func (s *server) segment(ctx context.Context, f facility.ID, id string) (gate.Entry, error) {
	list, err := s.Gates.Segments(ctx, f)
	if err != nil {
		return gate.Entry{}, err
	}
	i := slices.IndexFunc(list, func(e gate.Entry) bool { return e.ID == id })
	if i < 0 {
		return gate.Entry{}, fault.New(fault.NotFound, "その区画はありません。", "There is no such segment.")
	}
	return list[i], nil
}

func (s *server) getSegment(ctx context.Context, f facility.ID, in *ByID) (Segment, error) {
	e, err := s.segment(ctx, f, in.ID)
	return viewSegment(&e), err
}

// SNMP is a credential that a person gives for a segment: a community (v2c), or a user with passphrases (v3).
type SNMP struct {
	Community string `json:"community,omitempty" maxLength:"128" writeOnly:"true"`
	User      string `json:"user,omitempty" maxLength:"128" writeOnly:"true"`
	Auth      string `json:"auth,omitempty" enum:",MD5,SHA,SHA224,SHA256,SHA384,SHA512" writeOnly:"true"`
	AuthPass  string `json:"auth_pass,omitempty" maxLength:"128" writeOnly:"true"`
	Priv      string `json:"priv,omitempty" enum:",DES,AES,AES192,AES256" writeOnly:"true"`
	PrivPass  string `json:"priv_pass,omitempty" maxLength:"128" writeOnly:"true"`
}

type addSegment struct {
	Body struct {
		Name      string     `json:"name,omitempty" maxLength:"100" example:"放射線科"`
		Prefix    string     `json:"prefix" maxLength:"64" example:"10.20.3.0/24"`
		Interface string     `json:"interface,omitempty" maxLength:"15" doc:"This machine's interface on it; leave empty where routed." example:"eth0"`
		Routed    bool       `json:"routed,omitempty" doc:"It is reached through a router."`
		Purpose   string     `json:"purpose,omitempty" maxLength:"500"`
		Medical   bool       `json:"medical,omitempty"`
		Pace      string     `json:"pace,omitempty" enum:"gentle,normal,fast" doc:"gentle where it is missing."`
		Hours     gate.Hours `json:"hours,omitempty"`
		Listen    bool       `json:"listen,omitempty"`
		Router    string     `json:"router,omitempty" maxLength:"45" doc:"Address of the router whose ARP table is believed; empty: the next hop towards the segment." example:"10.20.0.1"`
		SNMP      []SNMP     `json:"snmp,omitempty" maxItems:"8" writeOnly:"true"`
	}
}

func credentials(list []SNMP) []gate.SNMP {
	if list == nil {
		return nil
	}
	out := make([]gate.SNMP, len(list))
	for i, v := range list {
		out[i] = gate.SNMP(v)
	}
	return out
}

func routerText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// routerOf reads a router's address; "" is none.
func routerOf(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		err = fault.Wrap(fault.Invalid, err, "router がIPアドレスではありません。", "router is not an IP address.")
	}
	return a, err
}

func (s *server) addSegment(ctx context.Context, f facility.ID, in *addSegment) (Segment, error) {
	b := in.Body
	prefix, err := netid.ParseRange(b.Prefix)
	if err != nil {
		return Segment{}, err
	}
	router, err := routerOf(b.Router)
	if err != nil {
		return Segment{}, err
	}
	id, err := s.Gates.Propose(ctx, f, gate.Segment{Name: b.Name, Prefix: prefix, Interface: b.Interface, Routed: b.Routed, Purpose: b.Purpose,
		Medical: b.Medical, Pace: gate.Pace(b.Pace), Hours: b.Hours, Listen: b.Listen, Router: router, SNMP: credentials(b.SNMP)})
	if err != nil {
		return Segment{}, err
	}
	return s.getSegment(ctx, f, &ByID{id})
}

type editSegment struct {
	ByID
	IfMatch
	Body struct {
		Name      *string     `json:"name,omitempty" maxLength:"100"`
		Prefix    *string     `json:"prefix,omitempty" maxLength:"64" doc:"Another range is another place: the approval is lost."`
		Interface *string     `json:"interface,omitempty" maxLength:"15"`
		Routed    *bool       `json:"routed,omitempty"`
		Purpose   *string     `json:"purpose,omitempty" maxLength:"500"`
		Medical   *bool       `json:"medical,omitempty"`
		Pace      *string     `json:"pace,omitempty" enum:"gentle,normal,fast"`
		Hours     *gate.Hours `json:"hours,omitempty"`
		Listen    *bool       `json:"listen,omitempty"`
		Router    *string     `json:"router,omitempty" maxLength:"45"`
		SNMP      []SNMP      `json:"snmp,omitempty" maxItems:"8" writeOnly:"true" doc:"Missing: the credentials stay; []: they are removed."`
		Revision  int64       `json:"revision,omitempty" minimum:"0"`
	}
}

func put[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *server) editSegment(ctx context.Context, f facility.ID, in *editSegment) (Segment, error) {
	e, err := s.segment(ctx, f, in.ID)
	if err != nil {
		return Segment{}, err
	}
	revision, err := in.revision(in.Body.Revision)
	if err != nil {
		return Segment{}, err
	}
	if revision == 0 {
		revision = e.Revision // what is not named must be as it was read
	}
	b, seg := in.Body, e.Segment
	put(&seg.Name, b.Name)
	if b.Prefix != nil {
		if seg.Prefix, err = netid.ParseRange(*b.Prefix); err != nil {
			return Segment{}, err
		}
	}
	put(&seg.Interface, b.Interface)
	put(&seg.Routed, b.Routed)
	put(&seg.Purpose, b.Purpose)
	put(&seg.Medical, b.Medical)
	put((*string)(&seg.Pace), b.Pace)
	put(&seg.Hours, b.Hours)
	put(&seg.Listen, b.Listen)
	if b.Router != nil {
		if seg.Router, err = routerOf(*b.Router); err != nil {
			return Segment{}, err
		}
	}
	seg.SNMP = credentials(b.SNMP)
	if err := s.Gates.Edit(ctx, f, seg, revision); err != nil {
		return Segment{}, in.judge(err)
	}
	return s.getSegment(ctx, f, &ByID{in.ID})
}

func (s *server) approveSegment(ctx context.Context, f facility.ID, in *ByID) (Segment, error) {
	if err := s.Gates.Approve(ctx, f, in.ID); err != nil {
		return Segment{}, err
	}
	return s.getSegment(ctx, f, &ByID{in.ID})
}

func (s *server) withdrawSegment(ctx context.Context, f facility.ID, in *ByID) (Segment, error) {
	if err := s.Gates.Withdraw(ctx, f, in.ID); err != nil {
		return Segment{}, err
	}
	return s.getSegment(ctx, f, &ByID{in.ID})
}

func (s *server) removeSegment(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Gates.Remove(ctx, f, in.ID)
}

// Proposal is a network that an interface of this machine is on.
type Proposal struct {
	Name      string       `json:"name"`
	Prefix    netip.Prefix `json:"prefix"`
	Interface string       `json:"interface"`
	Address   netip.Addr   `json:"address" doc:"This machine's."`
	LeftOut   *i18n.Text   `json:"left_out,omitempty" doc:"Why it is not proposed; missing: it is."`
}

func (s *server) proposals(context.Context, facility.ID, *listWhole) (Page[Proposal], error) {
	list, err := gate.Interfaces()
	if err != nil {
		return Page[Proposal]{}, err
	}
	items := []Proposal{}
	for _, p := range list {
		if p.Segment.Prefix.IsValid() {
			items = append(items, Proposal{p.Segment.Name, p.Segment.Prefix, p.Segment.Interface, p.Address, p.LeftOut})
		}
	}
	return page(items, ""), nil
}

// Switch is the kill switch.
type Switch struct {
	Killed bool      `json:"killed" doc:"true: nothing is sent anywhere."`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at,omitzero"`
}

func (s *server) getSwitch(ctx context.Context, f facility.ID, _ *struct{}) (Switch, error) {
	v, err := s.Gates.Switch(ctx, f)
	return Switch(v), err
}

type setSwitch struct {
	Body struct {
		Killed bool   `json:"killed"`
		Reason string `json:"reason,omitempty" maxLength:"500" example:"手術室で通信の不調"`
	}
}

func (s *server) setSwitch(ctx context.Context, f facility.ID, in *setSwitch) (Switch, error) {
	var err error
	if in.Body.Killed {
		err = s.Gates.Kill(ctx, f, in.Body.Reason)
	} else {
		err = s.Gates.Release(ctx, f)
	}
	if err != nil {
		return Switch{}, err
	}
	return s.getSwitch(ctx, f, nil)
}

// Unlock is a person's leave to probe one protected device for a while.
type Unlock struct {
	ID        string         `json:"id"`
	Device    netid.DeviceID `json:"device,omitempty"`
	Segment   string         `json:"segment,omitempty"`
	IP        string         `json:"ip,omitempty"`
	MAC       string         `json:"mac,omitempty"`
	From      time.Time      `json:"from"`
	Until     time.Time      `json:"until"`
	Reason    string         `json:"reason"`
	By        string         `json:"by"`
	GivenAt   time.Time      `json:"given_at"`
	RevokedBy string         `json:"revoked_by,omitempty"`
	RevokedAt time.Time      `json:"revoked_at,omitzero"`
}

var unlockColumns = []col[Unlock]{
	{"id", func(v *Unlock) any { return v.ID }}, {"device", func(v *Unlock) any { return string(v.Device) }}, {"ip", func(v *Unlock) any { return v.IP }},
	{"mac", func(v *Unlock) any { return v.MAC }}, {"from", func(v *Unlock) any { return when(v.From) }}, {"until", func(v *Unlock) any { return when(v.Until) }},
	{"reason", func(v *Unlock) any { return v.Reason }}, {"by", func(v *Unlock) any { return v.By }}, {"given_at", func(v *Unlock) any { return when(v.GivenAt) }},
	{"revoked_by", func(v *Unlock) any { return v.RevokedBy }}, {"revoked_at", func(v *Unlock) any { return when(v.RevokedAt) }},
}

type listUnlocks struct {
	Whole
	All bool `query:"all" doc:"Also those that are over; at most 1,000."`
}

func (s *server) listUnlocks(ctx context.Context, f facility.ID, in *listUnlocks) (Page[Unlock], error) {
	since := s.Now()
	if in.All {
		since = time.Time{}
	}
	list, err := s.Gates.Unlocks(ctx, f, since)
	if err != nil {
		return Page[Unlock]{}, err
	}
	items := []Unlock{}
	for _, u := range list {
		if in.All || u.RevokedAt.IsZero() {
			items = append(items, Unlock{u.ID, u.Device, u.Segment, ipText(u.IP), u.MAC.String(), u.From, u.Until, u.Reason, u.By, u.GivenAt, u.RevokedBy, u.RevokedAt})
		}
	}
	return page(items, ""), nil
}

type addUnlock struct {
	Body struct {
		HostName
		Device netid.DeviceID `json:"device,omitempty" maxLength:"80" doc:"A device of the ledger, with all its cards, instead of ip and mac."`
		From   time.Time      `json:"from,omitempty" doc:"Now where it is missing."`
		Until  time.Time      `json:"until" doc:"At most seven days ahead."`
		Reason string         `json:"reason" minLength:"1" maxLength:"500" example:"保守点検の立ち会い中に確認する"`
	}
}

// hosts names whom a request means: a device's cards, or what was written.
func (s *server) hosts(ctx context.Context, f facility.ID, device netid.DeviceID, h HostName) ([]gate.HostKey, netid.DeviceID, error) {
	if device == "" {
		ip, mac, err := h.parse()
		if err == nil && mac.IsZero() {
			mac, err = s.cardAt(ctx, f, h.Segment, ip)
		}
		return []gate.HostKey{{Segment: h.Segment, IP: ip, MAC: mac}}, "", err
	}
	d, err := s.Ledger.Get(ctx, f, device)
	if err != nil {
		return nil, "", err
	}
	keys := hostsOf(d)
	if len(keys) == 0 {
		return nil, "", fault.New(fault.Conflict, "この機器のMACアドレスもIPアドレスもまだ分かりません。", "Neither a MAC nor an IP address of this device is known yet.")
	}
	return keys, d.ID, nil
}

// cardAt is the card that has an address now, as far as the ledger knows: what is said of an address means the device that has it, and does not
// follow the address to another one.
func (s *server) cardAt(ctx context.Context, f facility.ID, segment string, ip netip.Addr) (netid.MAC, error) {
	if segment == "" {
		segment = "*"
	}
	d, err := s.Ledger.ByIP(ctx, f, segment, ip.Unmap().WithZone("").String())
	if fault.Is(err, fault.NotFound) {
		return netid.MAC{}, nil
	}
	if err != nil {
		return netid.MAC{}, err
	}
	for _, i := range d.Interfaces {
		if slices.Contains(i.IPv4, ip) || slices.Contains(i.IPv6, ip) {
			return i.MAC, nil
		}
	}
	return netid.MAC{}, nil
}

func (s *server) addUnlock(ctx context.Context, f facility.ID, in *addUnlock) (Page[Unlock], error) {
	keys, device, err := s.hosts(ctx, f, in.Body.Device, in.Body.HostName)
	if err != nil {
		return Page[Unlock]{}, err
	}
	made := map[string]bool{}
	for _, h := range keys {
		id, err := s.Gates.Unlock(ctx, f, gate.Unlock{HostKey: h, From: in.Body.From, Until: in.Body.Until, Reason: in.Body.Reason}, device)
		if err != nil {
			return Page[Unlock]{}, err
		}
		made[id] = true
	}
	list, err := s.listUnlocks(ctx, f, &listUnlocks{})
	list.Items = slices.DeleteFunc(list.Items, func(u Unlock) bool { return !made[u.ID] })
	return list, err
}

func (s *server) removeUnlock(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Gates.Revoke(ctx, f, in.ID)
}
