package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// DeviceFilter is the ledger's filter, as on the screen.
type DeviceFilter struct {
	Q          string   `query:"q" maxLength:"200" doc:"Words that must all occur: name, address, MAC, place, number, maker, model, serial, department, owner."`
	State      []string `query:"state" enum:"new,registered,excluded,retired" doc:"Separated by commas; without it all but retired."`
	Kind       []string `query:"kind" maxItems:"60"`
	Department []string `query:"department" maxItems:"100"`
	Segment    []string `query:"segment" maxItems:"100" doc:"Ids of segments."`
	System     string   `query:"system" doc:"Id of a system."`
	Medical    string   `query:"medical" enum:"true,false"`
	UnseenDays int      `query:"unseen_days" minimum:"0" maximum:"36500" doc:"Seen once, and not for so many days."`
	NeverSeen  bool     `query:"never_seen" doc:"Entered by hand or import, never seen."`
	NoOwner    bool     `query:"no_owner"`
	Findings   bool     `query:"findings" doc:"Only with open findings."`
	OSOld      bool     `query:"os_unsupported"`
	Conflicts  bool     `query:"conflicts" doc:"Only where people and measurement disagree."`
	Random     bool     `query:"randomised_mac"`
	Sort       string   `query:"sort" enum:"name,number,kind,maker,os,department,owner,place,ip,mac,state,medical,last_seen,first_seen,worst"`
	Desc       bool     `query:"desc"`
}

func (q *DeviceFilter) query() ledger.Query {
	out := ledger.Query{Text: q.Q, Kinds: q.Kind, Departments: q.Department, Segments: q.Segment, System: q.System, UnseenDays: q.UnseenDays,
		NeverSeen: q.NeverSeen, NoOwner: q.NoOwner, NeedsAction: q.Findings, OSOld: q.OSOld, Conflicts: q.Conflicts, Random: q.Random,
		Sort: ledger.Sort(q.Sort), Desc: q.Desc}
	for _, s := range q.State {
		out.States = append(out.States, ledger.State(s))
	}
	if q.Medical != "" {
		medical := q.Medical == "true"
		out.Medical = &medical
	}
	return out
}

type listDevices struct {
	DeviceFilter
	Cursor string `query:"cursor" maxLength:"2000" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Rows of a page."`
	Sheeted
}

// listDevices answers a page as JSON, or all as the sheet that the console exports.
func (s *server) listDevices(ctx context.Context, f facility.ID, in *listDevices) (Page[Device], error) {
	q := in.query()
	q.Cursor, q.Limit = in.Cursor, in.Limit
	p, err := s.Ledger.List(ctx, f, q)
	items := make([]Device, len(p.Devices))
	for i, d := range p.Devices {
		items[i] = viewDevice(d)
	}
	return page(items, p.Next).of(p.Total), err
}

func (s *server) exportDevices(ctx context.Context, f facility.ID, in *listDevices, as string) (func(huma.Context) error, error) {
	q, format := in.query(), sheet.Format(as)
	q.Limit = 500
	first, err := s.Ledger.List(ctx, f, q)
	if err != nil {
		return nil, err
	}
	err = s.record(ctx, f, deed("ledger.export", "ledger", "", fmt.Sprintf("台帳の%d台を書き出しました(%s)", first.Total, format),
		fmt.Sprintf("Exported %d devices of the ledger (%s)", first.Total, format), map[string]any{"format": format, "devices": first.Total}))
	if err != nil {
		return nil, err
	}
	rows := func(yield func(*ledger.Device, error) bool) {
		for p := first; ; {
			for _, d := range p.Devices {
				if !yield(d, nil) {
					return
				}
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				return
			}
			var err error
			if p, err = s.Ledger.List(ctx, f, q); err != nil {
				yield(nil, err)
				return
			}
		}
	}
	return func(h huma.Context) error { return sheet.Export(h.BodyWriter(), format, rows) }, nil
}

// ByID names one thing. Embedded inputs are exported: huma passes over those that are not.
type ByID struct {
	ID string `path:"id" maxLength:"80" example:"01991c7e-3f0a-7bbd-9a53-0c5f6f1f2a10"`
}

func (b ByID) named() string { return b.ID }

func (s *server) getDevice(ctx context.Context, f facility.ID, in *ByID) (DeviceDetail, error) {
	d, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.ID))
	if err != nil {
		return DeviceDetail{}, err
	}
	return viewDetail(d), nil
}

type addDevice struct {
	Body struct {
		Word   Words  `json:"word"`
		State  string `json:"state,omitempty" enum:"new,registered,excluded,retired" doc:"registered where it is missing."`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

func (s *server) addDevice(ctx context.Context, f facility.ID, in *addDevice) (DeviceDetail, error) {
	fields, err := in.Body.Word.fields()
	if err != nil {
		return DeviceDetail{}, err
	}
	var w ledger.Word
	for k, v := range fields {
		if err := w.Set(k, v); err != nil {
			return DeviceDetail{}, err
		}
	}
	if len(w.Keys()) == 0 {
		return DeviceDetail{}, fault.New(fault.Invalid, "機器について、少なくとも1つの項目を書いてください。", "Say at least one thing about the device.")
	}
	var id netid.DeviceID
	err = s.DB.Write(ctx, f, func(tx *store.Tx) error {
		ids, changes, err := s.Ledger.AddTx(ctx, tx, []ledger.NewDevice{{Word: w, State: ledger.State(in.Body.State)}}, in.Body.Reason)
		if err != nil {
			return err
		}
		id = ids[0]
		if err := s.Ledger.Tell(ctx, tx, changes); err != nil {
			return err
		}
		return s.recordTx(ctx, tx, deed("device.add", "device", string(id), "機器を台帳に加えました", "Added a device", w))
	})
	if err != nil {
		return DeviceDetail{}, err
	}
	return s.getDevice(ctx, f, &ByID{string(id)})
}

type editDevice struct {
	ByID
	IfMatch
	Body struct {
		Word       Words  `json:"word,omitempty"`
		State      string `json:"state,omitempty" enum:"new,registered,excluded,retired"`
		NeverTouch *bool  `json:"never_touch,omitempty" doc:"true: Kenshin sends nothing at all to it."`
		Reason     string `json:"reason,omitempty" maxLength:"500" example:"棚卸し"`
		Revision   int64  `json:"revision,omitempty" minimum:"0" doc:"The revision that the change stands on, instead of If-Match; 0 or missing does not compare."`
	}
}

func (s *server) editDevice(ctx context.Context, f facility.ID, in *editDevice) (DeviceDetail, error) {
	revision, err := in.revision(in.Body.Revision)
	if err != nil {
		return DeviceDetail{}, err
	}
	fields, err := in.Body.Word.fields()
	if err != nil {
		return DeviceDetail{}, err
	}
	before, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.ID))
	if err != nil {
		return DeviceDetail{}, err
	}
	patch := ledger.Patch{Fields: fields, State: ledger.State(in.Body.State), NeverTouch: in.Body.NeverTouch, Reason: in.Body.Reason}
	never := in.Body.NeverTouch
	if never != nil && *never { // the gate first: from here on nothing goes there, whatever happens to the rest
		if err := s.tellGate(ctx, f, before, gate.SaidNeverTouch, in.Body.Reason); err != nil {
			return DeviceDetail{}, err
		}
	}
	if err := s.DB.Write(ctx, f, func(tx *store.Tx) error { return s.editTx(ctx, tx, before.ID, revision, patch) }); err != nil {
		return DeviceDetail{}, in.judge(err)
	}
	if never != nil && !*never {
		if err := s.takeBack(ctx, f, before.ID, gate.SaidNeverTouch); err != nil {
			return DeviceDetail{}, err
		}
	}
	after, err := s.Ledger.Get(ctx, f, before.ID)
	if err != nil {
		return DeviceDetail{}, err
	}
	return viewDetail(after), s.sayMedical(ctx, f, before, after)
}

func (s *server) editTx(ctx context.Context, tx *store.Tx, id netid.DeviceID, revision int64, p ledger.Patch) error {
	changes, err := s.Ledger.EditTx(ctx, tx, id, revision, p)
	if err != nil || len(changes) == 0 {
		return err
	}
	detail := map[string][2]string{}
	for _, c := range changes {
		detail[c.Field] = [2]string{c.Before, c.After}
	}
	if err := s.Ledger.Tell(ctx, tx, changes); err != nil {
		return err
	}
	return s.recordTx(ctx, tx, deed("device.edit", "device", string(id), "機器の記載を変えました", "Edited a device",
		map[string]any{"changes": detail, "reason": p.Reason}))
}

// recount copies how many findings are open into the ledger's list.
func (s *server) recount(ctx context.Context, tx *store.Tx, id netid.DeviceID) error {
	list, err := s.Ledger.DevicesTx(ctx, tx, []netid.DeviceID{id})
	if err != nil || len(list) == 0 {
		return err
	}
	counts, err := s.Findings.Counts(ctx, tx, list[0].ID)
	if err != nil {
		return err
	}
	sum := list[0].Summary
	sum.Findings, sum.Worst = counts[list[0].ID].Open, int(counts[list[0].ID].Worst)
	return s.Ledger.Summarise(ctx, tx, list[0].ID, sum)
}

type removeDevice struct {
	ByID
	Reason string `query:"reason" maxLength:"500"`
}

func (s *server) removeDevice(ctx context.Context, f facility.ID, in *removeDevice) error {
	return s.DB.Write(ctx, f, func(tx *store.Tx) error {
		changes, err := s.Ledger.RemoveTx(ctx, tx, netid.DeviceID(in.ID), in.Reason)
		if err != nil {
			return err
		}
		if err := s.Ledger.Tell(ctx, tx, changes); err != nil {
			return err
		}
		return s.recordTx(ctx, tx, deed("device.remove", "device", in.ID, "機器を台帳から消しました", "Removed a device", map[string]string{"reason": in.Reason}))
	})
}

// HistoryEntry is who, or which signal, changed what.
type HistoryEntry struct {
	ID     string    `json:"id"`
	Entry  string    `json:"entry" doc:"The device or system; of a merged device, the one that it was then."`
	At     time.Time `json:"at"`
	By     string    `json:"by" doc:"Who did it."`
	ByKind string    `json:"by_kind" enum:"person,token,command,system"`
	Signal string    `json:"signal,omitempty" doc:"Which signal showed it."`
	Kind   string    `json:"kind" example:"edited"`
	Field  string    `json:"field,omitempty" example:"owner"`
	Before string    `json:"before"`
	After  string    `json:"after"`
	Reason string    `json:"reason,omitempty"`
}

var historyColumns = []col[HistoryEntry]{
	{"at", func(e *HistoryEntry) any { return when(e.At) }}, {"entry", func(e *HistoryEntry) any { return e.Entry }},
	{"by", func(e *HistoryEntry) any { return e.By }}, {"by_kind", func(e *HistoryEntry) any { return e.ByKind }},
	{"signal", func(e *HistoryEntry) any { return e.Signal }}, {"kind", func(e *HistoryEntry) any { return e.Kind }},
	{"field", func(e *HistoryEntry) any { return e.Field }}, {"before", func(e *HistoryEntry) any { return e.Before }},
	{"after", func(e *HistoryEntry) any { return e.After }}, {"reason", func(e *HistoryEntry) any { return e.Reason }},
}

type listOfOne struct {
	ByID
	Paging
}

func (s *server) deviceHistory(ctx context.Context, f facility.ID, in *listOfOne) (Page[HistoryEntry], error) {
	d, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.ID))
	if err != nil {
		return Page[HistoryEntry]{}, err
	}
	return s.history(ctx, f, string(d.ID), in.Paging)
}

func (s *server) history(ctx context.Context, f facility.ID, id string, p Paging) (Page[HistoryEntry], error) {
	list, next, err := s.Ledger.History(ctx, f, id, p.Cursor, p.Limit)
	if err != nil {
		return Page[HistoryEntry]{}, err
	}
	items := make([]HistoryEntry, len(list))
	for i, e := range list {
		items[i] = HistoryEntry{e.ID, e.Entry, e.At, e.Actor.Name, string(e.Actor.Kind), e.Signal, string(e.Kind), e.Field, e.Before, e.After, e.Reason}
	}
	return page(items, next), nil
}

// DeviceAddress is one address that a device used.
type DeviceAddress struct {
	MAC     string    `json:"mac"`
	IP      string    `json:"ip"`
	Segment string    `json:"segment"`
	First   time.Time `json:"first_seen"`
	Last    time.Time `json:"last_seen"`
	Held    bool      `json:"held" doc:"false once another device took it."`
}

type listWholeOfOne struct {
	ByID
	Whole
}

func (s *server) deviceAddresses(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[DeviceAddress], error) {
	d, err := s.Ledger.Get(ctx, f, netid.DeviceID(in.ID))
	if err != nil {
		return Page[DeviceAddress]{}, err
	}
	list, err := s.Ledger.Addresses(ctx, f, d.ID)
	if err != nil {
		return Page[DeviceAddress]{}, err
	}
	items := make([]DeviceAddress, len(list))
	for i, a := range list {
		items[i] = DeviceAddress{a.MAC.String(), a.IP.String(), a.Segment, a.First, a.Last, a.Held}
	}
	return page(items, ""), nil
}

type deviceObservations struct {
	ByID
	Paging
	Signal string `query:"signal" maxLength:"60"`
}

func (s *server) deviceObservations(ctx context.Context, f facility.ID, in *deviceObservations) (Page[observation.Observation], error) {
	return s.observations(ctx, f, &listObservations{Paging: in.Paging, Device: in.ID, Signal: in.Signal})
}
