package api

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"kenshin/event"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
	"kenshin/trail"
)

type listObservations struct {
	Paging
	Device  string    `query:"device" maxLength:"80" doc:"Id of a device: everything under its MACs and addresses, in the time in which they were its."`
	MAC     string    `query:"mac" maxLength:"40"`
	IP      string    `query:"ip" maxLength:"60"`
	Signal  string    `query:"signal" maxLength:"60" example:"http.title"`
	Segment string    `query:"segment" maxLength:"80"`
	Since   time.Time `query:"since" doc:"Seen last at this time or later."`
	Until   time.Time `query:"until" doc:"Seen last before this time."`
}

var observationColumns = []col[observation.Observation]{
	{"at", func(o *observation.Observation) any { return when(o.At) }}, {"first", func(o *observation.Observation) any { return when(o.First) }},
	{"count", func(o *observation.Observation) any { return o.Count }}, {"segment", func(o *observation.Observation) any { return o.Segment }},
	{"sensor", func(o *observation.Observation) any { return o.Sensor }}, {"mac", func(o *observation.Observation) any { return o.MAC.String() }},
	{"ip", func(o *observation.Observation) any { return ipText(o.IP) }}, {"signal", func(o *observation.Observation) any { return string(o.Signal) }},
	{"port", func(o *observation.Observation) any { return int(o.Port) }}, {"value", func(o *observation.Observation) any { return o.Value }},
	{"detail", func(o *observation.Observation) any { return jsonText(o.Detail) }},
}

func ipText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func jsonText(v any) any {
	b, err := json.Marshal(v)
	if err != nil || string(b) == "null" {
		return ""
	}
	return string(b)
}

func (s *server) listObservations(ctx context.Context, f facility.ID, in *listObservations) (Page[observation.Observation], error) {
	return s.observations(ctx, f, in)
}

func (s *server) observations(ctx context.Context, f facility.ID, in *listObservations) (out Page[observation.Observation], err error) {
	q := observation.Filter{Signal: observation.Signal(in.Signal), Segment: in.Segment, Since: in.Since, Until: in.Until, Cursor: in.Cursor, Limit: in.Limit}
	if q.IP, q.MAC, err = (HostName{IP: in.IP, MAC: in.MAC}).parse(); err != nil {
		return out, err
	}
	times := map[string]ledger.Subject{}
	if in.Device != "" {
		d, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.Device))
		if err != nil {
			return out, err
		}
		subjects, err := s.Ledger.Subjects(ctx, f, d.ID)
		if err != nil {
			return out, err
		}
		if len(subjects) == 0 { // entered by hand, never seen
			return page[observation.Observation](nil, ""), nil
		}
		for _, v := range subjects {
			q.Subjects, times[v.Key] = append(q.Subjects, v.Key), v
		}
	}
	p, err := s.Seen.List(ctx, f, q)
	if err != nil {
		return out, err
	}
	// an address may have been another device's before or after
	list := slices.DeleteFunc(p.Observations, func(o observation.Observation) bool {
		t, named := times[o.Subject()]
		return named && (!t.From.IsZero() && o.At.Before(t.From) || !t.To.IsZero() && o.At.After(t.To))
	})
	return page(list, p.Next), nil
}

type listFindings struct {
	Paging
	State    []string `query:"state" enum:"open,waiting,accepted,fixed,gone,moot" doc:"Separated by commas; without it the open ones."`
	Device   string   `query:"device" maxLength:"80"`
	Check    string   `query:"check" maxLength:"80" example:"smb1"`
	Severity int      `query:"severity" minimum:"1" maximum:"4" doc:"At least: 1 low, 2 medium, 3 high, 4 critical."`
	Source   string   `query:"source" enum:"devices,claims,inspector,registers,mails,vendors,risks,audits" doc:"Which part of Kenshin found it."`
	Owner    string   `query:"owner" maxLength:"200" doc:"Exactly this name."`
	Overdue  bool     `query:"overdue"`
}

var findingColumns = []col[finding.Finding]{
	{"id", func(v *finding.Finding) any { return v.ID }}, {"check", func(v *finding.Finding) any { return v.Check }},
	{"device", func(v *finding.Finding) any { return string(v.Device) }}, {"part", func(v *finding.Finding) any { return v.Part }},
	{"source", func(v *finding.Finding) any { return string(finding.SourceOf(v.Check)) }},
	{"severity", func(v *finding.Finding) any { return int(v.Severity) }}, {"state", func(v *finding.Finding) any { return string(v.State) }},
	{"title_ja", func(v *finding.Finding) any { return v.Title.Ja }}, {"title_en", func(v *finding.Finding) any { return v.Title.En }},
	{"why_ja", func(v *finding.Finding) any { return v.Why.Ja }}, {"fix_ja", func(v *finding.Finding) any { return v.Fix.Ja }},
	{"call_ja", func(v *finding.Finding) any { return v.Call.Ja }}, {"owner", func(v *finding.Finding) any { return v.Owner }},
	{"due", func(v *finding.Finding) any { return when(v.Due) }}, {"reason", func(v *finding.Finding) any { return v.Reason }},
	{"first_seen", func(v *finding.Finding) any { return when(v.FirstSeen) }}, {"last_seen", func(v *finding.Finding) any { return when(v.LastSeen) }},
	{"checked_at", func(v *finding.Finding) any { return when(v.CheckedAt) }},
}

func (s *server) listFindings(ctx context.Context, f facility.ID, in *listFindings) (Page[finding.Finding], error) {
	q := finding.Filter{Device: netid.DeviceID(in.Device), Check: in.Check, Severity: finding.Severity(in.Severity), Overdue: in.Overdue,
		Source: finding.Source(in.Source), Owner: in.Owner, After: in.Cursor, Limit: in.Limit}
	for _, v := range in.State {
		q.States = append(q.States, finding.State(v))
	}
	p, err := s.Findings.List(ctx, f, q)
	if err != nil {
		return Page[finding.Finding]{}, err
	}
	return page(p.Findings, p.Next).of(p.Total), nil
}

// FindingDetail is a finding with what happened to it.
type FindingDetail struct {
	finding.Finding
	History []finding.Step `json:"history" nullable:"false"`
}

func (d FindingDetail) revision() int64 { return d.Revision }

func (s *server) getFinding(ctx context.Context, f facility.ID, in *ByID) (FindingDetail, error) {
	v, err := s.Findings.Get(ctx, f, in.ID)
	if err != nil {
		return FindingDetail{}, err
	}
	steps, err := s.Findings.History(ctx, f, in.ID)
	return FindingDetail{v, full(steps)}, err
}

type acceptFinding struct {
	ByID
	Body struct {
		Reason string    `json:"reason" minLength:"1" maxLength:"1000" example:"2027年3月に更新するまで、専用のネットワークで使う"`
		Until  time.Time `json:"until" doc:"After this day it is open again; at most a year ahead."`
	}
}

func (s *server) acceptFinding(ctx context.Context, f facility.ID, in *acceptFinding) (FindingDetail, error) {
	return s.decide(ctx, f, in.ID, "finding.accepted", "弱点を受け入れました", "Accepted a finding's risk",
		map[string]any{"reason": in.Body.Reason, "until": in.Body.Until},
		func(ctx context.Context) error {
			return s.Findings.Accept(ctx, f, in.ID, in.Body.Reason, in.Body.Until)
		})
}

type moveFinding struct {
	ByID
	Body struct {
		Reason string `json:"reason" maxLength:"1000" example:"設定を変更した"`
	}
}

func (s *server) closeFinding(ctx context.Context, f facility.ID, in *moveFinding) (FindingDetail, error) {
	return s.decide(ctx, f, in.ID, "finding.fixed", "弱点を「直した」にしました", "Said that a finding is fixed", map[string]string{"reason": in.Body.Reason},
		func(ctx context.Context) error { return s.Findings.Close(ctx, f, in.ID, in.Body.Reason) })
}

func (s *server) reopenFinding(ctx context.Context, f facility.ID, in *moveFinding) (FindingDetail, error) {
	return s.decide(ctx, f, in.ID, "finding.open", "弱点を未対応に戻しました", "Reopened a finding", map[string]string{"reason": in.Body.Reason},
		func(ctx context.Context) error { return s.Findings.Reopen(ctx, f, in.ID, in.Body.Reason) })
}

type assignFinding struct {
	ByID
	Body struct {
		Owner string    `json:"owner" maxLength:"200" example:"放射線科 佐藤"`
		Due   time.Time `json:"due,omitempty" doc:"Missing: the day stays."`
	}
}

func (s *server) assignFinding(ctx context.Context, f facility.ID, in *assignFinding) (FindingDetail, error) {
	return s.decide(ctx, f, in.ID, "finding.assign", "弱点の担当を決めました", "Assigned a finding", map[string]any{"owner": in.Body.Owner, "due": in.Body.Due},
		func(ctx context.Context) error { return s.Findings.Assign(ctx, f, in.ID, in.Body.Owner, in.Body.Due) })
}

type assignFindings struct {
	Body struct {
		IDs   []string  `json:"ids" minItems:"1" maxItems:"500"`
		Owner string    `json:"owner,omitempty" maxLength:"200" example:"放射線科 佐藤" doc:"Missing: each keeps its owner."`
		Due   time.Time `json:"due,omitempty" doc:"Missing: each keeps its day."`
	}
}

// Assigned is what a deed on several findings changed.
type Assigned struct {
	Changed int `json:"changed"`
}

func (s *server) assignFindings(ctx context.Context, f facility.ID, in *assignFindings) (out Assigned, err error) {
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		list, err := s.Findings.AssignAll(ctx, f, in.Body.IDs, in.Body.Owner, in.Body.Due)
		out.Changed = len(list)
		return deed("finding.assign", "finding", "", "弱点と宿題をまとめて割り当てました", "Assigned several findings", in.Body), err
	})
	return out, err
}

// decide does what a person decided about a finding, records it, and counts the device's open findings anew.
func (s *server) decide(ctx context.Context, f facility.ID, id, action, ja, en string, detail any, move func(context.Context) error) (d FindingDetail, err error) {
	err = s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		if err := move(ctx); err != nil {
			return e, err
		}
		if d, err = s.getFinding(ctx, f, &ByID{id}); err != nil || d.Device == "" {
			return deed(action, "finding", id, ja, en, detail), err
		}
		return deed(action, "finding", id, ja, en, detail), s.DB.Write(ctx, f, func(tx *store.Tx) error { return s.recount(ctx, tx, d.Device) })
	})
	return d, err
}

// Event is one thing that changed on the network or in the ledger.
type Event struct {
	ID     string            `json:"id"`
	At     time.Time         `json:"at"`
	Kind   event.Kind        `json:"kind" example:"device-found"`
	Device netid.DeviceID    `json:"device,omitempty"`
	Title  i18n.Text         `json:"title"`
	Params map[string]string `json:"params"`
	Seen   bool              `json:"seen" doc:"Somebody looked at it."`
}

type listEvents struct {
	Paging
	Kind   []string  `query:"kind" maxItems:"50" doc:"Separated by commas."`
	Device string    `query:"device" maxLength:"80"`
	Since  time.Time `query:"since"`
	Unseen bool      `query:"unseen"`
}

var eventColumns = []col[Event]{
	{"at", func(e *Event) any { return when(e.At) }}, {"kind", func(e *Event) any { return string(e.Kind) }},
	{"device", func(e *Event) any { return string(e.Device) }}, {"title_ja", func(e *Event) any { return e.Title.Ja }},
	{"title_en", func(e *Event) any { return e.Title.En }},
}

func (s *server) listEvents(ctx context.Context, f facility.ID, in *listEvents) (Page[Event], error) {
	q := event.Filter{Device: netid.DeviceID(in.Device), Since: in.Since, Unseen: in.Unseen, Cursor: in.Cursor, Limit: in.Limit}
	for _, k := range in.Kind {
		q.Kinds = append(q.Kinds, event.Kind(k))
	}
	p, err := s.Events.List(ctx, f, q)
	if err != nil {
		return Page[Event]{}, err
	}
	items := make([]Event, len(p.Events))
	for i := range p.Events {
		e := &p.Events[i]
		items[i] = Event{e.ID, e.At, e.Kind, e.Device, e.Title(), e.Params, e.Seen}
	}
	return page(items, p.Next), nil
}

// Topology is who is plugged into whom.
type Topology struct {
	Devices []netid.DeviceID `json:"devices" nullable:"false"`
	Links   []Link           `json:"links" nullable:"false"`
}

// Link is a cable between two devices.
type Link struct {
	A     netid.DeviceID `json:"a"`
	APort string         `json:"a_port"`
	B     netid.DeviceID `json:"b"`
	BPort string         `json:"b_port"`
}

// topology tells what the ledger knows: the switch and port of each device, where they were found out.
func (s *server) topology(ctx context.Context, f facility.ID, _ *struct{}) (Topology, error) {
	out := Topology{[]netid.DeviceID{}, []Link{}}
	named := map[netid.DeviceID]bool{}
	q := ledger.Query{Limit: 500}
	for {
		p, err := s.Ledger.List(ctx, f, q)
		if err != nil {
			return out, err
		}
		for _, d := range p.Devices {
			if d.Summary.Switch == "" {
				continue
			}
			for _, id := range []netid.DeviceID{d.ID, netid.DeviceID(d.Summary.Switch)} {
				if !named[id] {
					named[id], out.Devices = true, append(out.Devices, id)
				}
			}
			out.Links = append(out.Links, Link{netid.DeviceID(d.Summary.Switch), d.Summary.Port, d.ID, ""})
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return out, nil
		}
	}
}

type seenUntil struct {
	Body struct {
		Until time.Time `json:"until" doc:"Everything that happened until then was looked at."`
	}
}

func (s *server) markSeen(ctx context.Context, f facility.ID, in *seenUntil) error {
	if in.Body.Until.After(s.Now()) {
		return fault.New(fault.Invalid, "until は今より後にできません。", "until must not lie in the future.")
	}
	return s.Events.MarkSeen(ctx, f, in.Body.Until)
}
