package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kenshin/drill"
	"kenshin/facility"
	"kenshin/fault"
)

// DrillTarget is one recipient of one drill with the first time of everything that happened.
type DrillTarget struct {
	ID         string         `json:"id"`
	Address    string         `json:"address"`
	Name       string         `json:"name"`
	Department string         `json:"department,omitempty"`
	Mail       drill.Delivery `json:"mail"`
	Accepted   *time.Time     `json:"accepted,omitempty"`
	Opened     *time.Time     `json:"opened,omitempty"`
	Visited    *time.Time     `json:"visited,omitempty"`
	QR         *time.Time     `json:"qr,omitempty" doc:"The link in the QR picture."`
	Attachment *time.Time     `json:"attachment,omitempty"`
	Reported   *time.Time     `json:"reported,omitempty"`
	Replied    *time.Time     `json:"replied,omitempty"`
	Lesson     *time.Time     `json:"lesson,omitempty"`
	Released   *time.Time     `json:"released,omitempty"`
	ByPerson   []string       `json:"by_person" nullable:"false" doc:"Which of open, url, qr and attachment are taken for a person's."`
	Machine    int            `json:"machine" doc:"Arrivals that are taken for a machine's."`
}

func viewTarget(t *drill.Target) DrillTarget {
	v := DrillTarget{ID: t.ID, Address: t.Address, Name: t.Name(), Department: t.Department, Mail: t.Mail, Accepted: moment(t.AcceptedAt), Opened: moment(t.First[drill.Opened]),
		Visited: moment(t.First[drill.Visited]), QR: moment(t.First[drill.Scanned]), Attachment: moment(t.First[drill.Attached]), Reported: moment(t.First[drill.Reported]), Replied: moment(t.First[drill.Replied]),
		Lesson: moment(t.First[drill.Lesson]), Released: moment(t.First[drill.Released]), ByPerson: []string{}, Machine: t.Machine}
	for s, at := range t.ByPerson {
		if !at.IsZero() {
			v.ByPerson = append(v.ByPerson, string(s))
		}
	}
	slices.Sort(v.ByPerson)
	return v
}

var targetColumns = []col[DrillTarget]{
	{"address", func(v *DrillTarget) any { return v.Address }}, {"name", func(v *DrillTarget) any { return v.Name }}, {"department", func(v *DrillTarget) any { return v.Department }},
	{"mail", func(v *DrillTarget) any { return string(v.Mail) }}, {"accepted", func(v *DrillTarget) any { return v.Accepted }}, {"opened", func(v *DrillTarget) any { return v.Opened }},
	{"visited", func(v *DrillTarget) any { return v.Visited }}, {"qr", func(v *DrillTarget) any { return v.QR }}, {"attachment", func(v *DrillTarget) any { return v.Attachment }}, {"reported", func(v *DrillTarget) any { return v.Reported }},
	{"replied", func(v *DrillTarget) any { return v.Replied }}, {"lesson", func(v *DrillTarget) any { return v.Lesson }}, {"released", func(v *DrillTarget) any { return v.Released }},
	{"by_person", func(v *DrillTarget) any { return joined(v.ByPerson) }}, {"machine", func(v *DrillTarget) any { return v.Machine }},
}

type listTargets struct {
	ByID
	Paging
	Show       []string `query:"show" doc:"Which happened: open, url, qr, attachment, report, reply, lesson, release, fell, quiet, machine, failed. All of them must hold."`
	Department string   `query:"department" maxLength:"200"`
	Q          string   `query:"q" maxLength:"200" doc:"Part of a name or an address."`
	Canaries   bool     `query:"canaries" doc:"Only the mailboxes that nobody opens."`
}

func (s *server) listTargets(ctx context.Context, f facility.ID, in *listTargets) (Page[DrillTarget], error) {
	if _, err := s.Drills.Get(ctx, f, in.ID); err != nil {
		return Page[DrillTarget]{}, err
	}
	q := drill.TargetFilter{Department: in.Department, Query: in.Q, Canaries: in.Canaries, Limit: in.Limit}
	for _, x := range in.Show {
		q.Show = append(q.Show, drill.Shown(x))
	}
	if in.Cursor != "" {
		n, err := strconv.Atoi(in.Cursor)
		if err != nil || n < 0 {
			return Page[DrillTarget]{}, fault.New(fault.Invalid, "cursor が正しくありません。", "The cursor is wrong.")
		}
		q.Offset = n
	}
	list, err := s.Drills.Targets(ctx, f, in.ID, q)
	items := make([]DrillTarget, len(list.Targets))
	for i := range list.Targets {
		items[i] = viewTarget(&list.Targets[i])
	}
	next := ""
	if q.Offset+len(items) < list.Total && len(items) > 0 {
		next = strconv.Itoa(q.Offset + len(items))
	}
	return page(items, next).of(list.Total), err
}

// DrillEvent is one arrival as it came, with who is taken to have made it and why.
type DrillEvent struct {
	ID        string       `json:"id"`
	Signal    drill.Signal `json:"signal"`
	At        time.Time    `json:"at"`
	Method    string       `json:"method"`
	Net       string       `json:"net,omitempty"`
	Agent     string       `json:"agent,omitempty"`
	Malformed bool         `json:"malformed,omitempty"`
	Late      bool         `json:"late,omitempty" doc:"After the drill's end: kept, and in no figure but finished lessons."`
	Verdict   string       `json:"verdict,omitempty" doc:"person, machine, proxy, unconfirmed or by_report; missing while not judged."`
	Reasons   []string     `json:"reasons" nullable:"false"`
}

// DrillTargetDetail is one recipient with the whole timeline.
type DrillTargetDetail struct {
	DrillTarget
	Events []DrillEvent `json:"events" nullable:"false"`
}

type oneTarget struct {
	ByID
	Target string `path:"target" maxLength:"80"`
}

func (s *server) getTarget(ctx context.Context, f facility.ID, in *oneTarget) (DrillTargetDetail, error) {
	t, events, err := s.Drills.Target(ctx, f, in.ID, in.Target)
	if err != nil {
		return DrillTargetDetail{}, err
	}
	d, err := s.Drills.Get(ctx, f, in.ID)
	if err != nil {
		return DrillTargetDetail{}, err
	}
	out := DrillTargetDetail{DrillTarget: viewTarget(&t), Events: []DrillEvent{}}
	for _, e := range events {
		v := DrillEvent{ID: e.ID, Signal: e.Signal, At: e.At, Method: e.Method, Agent: e.Agent, Malformed: e.Malformed, Late: d.Late(e.At), Verdict: e.Verdict, Reasons: []string{}}
		if e.Net.IsValid() {
			v.Net = e.Net.String()
		}
		for _, r := range e.Reasons {
			v.Reasons = append(v.Reasons, r.Says.For(ctx))
		}
		out.Events = append(out.Events, v)
	}
	return out, nil
}
