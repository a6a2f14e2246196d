package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kenshin/drill"
	"kenshin/drill/domain"
	"kenshin/drill/preflight"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
)

// Drill is one rehearsal of targeted mail. It names no recipient.
type Drill struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Mode     drill.Mode     `json:"mode"`
	State    drill.State    `json:"state"`
	Mail     drill.Mail     `json:"mail"`
	Rating   drill.Rating   `json:"rating"`
	Schedule drill.Schedule `json:"schedule"`
	Audience drill.Audience `json:"audience"`
	Author   string         `json:"author"`
	Hash     string         `json:"hash,omitempty" doc:"What an approval is for: SHA-256 of mail, recipients and times."`
	Note     string         `json:"note,omitempty"`
	Created  time.Time      `json:"created"`
	Started  *time.Time     `json:"started,omitempty"`
	Ended    *time.Time     `json:"ended,omitempty"`
	Revision int64          `json:"revision"`
}

func (d Drill) revision() int64 { return d.Revision }

func viewDrill(ctx context.Context, d drill.Drill) Drill {
	return Drill{ID: d.ID, Name: d.Name, Mode: d.Mode, State: d.State, Mail: d.Mail, Rating: d.Rating, Schedule: d.Schedule, Audience: d.Audience, Author: d.Author.Name,
		Hash: d.Hash, Note: d.Note.For(ctx), Created: d.Created, Started: moment(d.Started), Ended: moment(d.Ended), Revision: d.Revision}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var drillColumns = []col[Drill]{
	{"id", func(v *Drill) any { return v.ID }}, {"name", func(v *Drill) any { return v.Name }}, {"mode", func(v *Drill) any { return string(v.Mode) }},
	{"state", func(v *Drill) any { return string(v.State) }}, {"subject", func(v *Drill) any { return v.Mail.Subject }},
	{"difficulty", func(v *Drill) any { return v.Rating.Difficulty }}, {"created", func(v *Drill) any { return v.Created }},
}

func (s *server) listDrills(ctx context.Context, f facility.ID, _ *listWhole) (Page[Drill], error) {
	list, err := s.Drills.List(ctx, f)
	items := make([]Drill, len(list))
	for i := range list {
		items[i] = viewDrill(ctx, list[i])
	}
	return page(items, ""), err
}

func (s *server) getDrill(ctx context.Context, f facility.ID, in *ByID) (Drill, error) {
	d, err := s.Drills.Get(ctx, f, in.ID)
	return viewDrill(ctx, d), err
}

// DrillBody is what people decide of a drill.
type DrillBody struct {
	Name     string         `json:"name,omitempty" maxLength:"200" example:"2027年春の訓練"`
	Mode     string         `json:"mode,omitempty" enum:",standard,report,quarantine,course"`
	Scenario string         `json:"scenario,omitempty" maxLength:"80" doc:"Id of a scenario: its mail and rating are taken, and mail may be left out."`
	Level    string         `json:"level,omitempty" enum:",easy,medium,hard"`
	Mail     drill.Mail     `json:"mail,omitempty"`
	Rating   drill.Rating   `json:"rating,omitempty"`
	Schedule drill.Schedule `json:"schedule,omitempty"`
	Audience drill.Audience `json:"audience,omitempty"`
	Revision int64          `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match."`
}

func (b *DrillBody) drill() (d drill.Drill, err error) {
	d = drill.Drill{Name: b.Name, Mode: drill.Mode(b.Mode), Mail: b.Mail, Rating: b.Rating, Schedule: b.Schedule, Audience: b.Audience}
	if b.Scenario == "" {
		return d, nil
	}
	d.Mail, d.Rating, err = drill.FromScenario(b.Scenario, scenario.Level(b.Level))
	if d.Name == "" {
		d.Name = d.Mail.Subject
	}
	return d, err
}

type addDrill struct{ Body DrillBody }

func (s *server) addDrill(ctx context.Context, f facility.ID, in *addDrill) (Drill, error) {
	d, err := in.Body.drill()
	if err != nil {
		return Drill{}, err
	}
	d, err = s.Drills.Save(ctx, f, d)
	return viewDrill(ctx, d), err
}

type editDrill struct {
	ByID
	IfMatch
	Body DrillBody
}

func (s *server) editDrill(ctx context.Context, f facility.ID, in *editDrill) (Drill, error) {
	d, err := in.Body.drill()
	if err != nil {
		return Drill{}, err
	}
	d.ID = in.ID
	if d.Revision, err = in.revision(in.Body.Revision); err != nil {
		return Drill{}, err
	}
	d, err = s.Drills.Save(ctx, f, d)
	return viewDrill(ctx, d), in.judge(err)
}

func (s *server) copyDrill(ctx context.Context, f facility.ID, in *ByID) (Drill, error) {
	d, err := s.Drills.Copy(ctx, f, in.ID)
	return viewDrill(ctx, d), err
}

func (s *server) submitDrill(ctx context.Context, f facility.ID, in *ByID) (Drill, error) {
	d, err := s.Drills.Submit(ctx, f, in.ID)
	return viewDrill(ctx, d), err
}

type approveDrill struct {
	ByID
	Body struct {
		Hash string `json:"hash" minLength:"64" maxLength:"64" doc:"hash of the drill that you looked at."`
	}
}

func (s *server) approveDrill(ctx context.Context, f facility.ID, in *approveDrill) (Drill, error) {
	d, err := s.Drills.Approve(ctx, f, in.ID, in.Body.Hash)
	return viewDrill(ctx, d), err
}

type reasonOf struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

func (s *server) rejectDrill(ctx context.Context, f facility.ID, in *reasonOf) error {
	return s.Drills.Reject(ctx, f, in.ID, in.Body.Reason)
}

func (s *server) pauseDrill(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.Pause(ctx, f, in.ID)
}

func (s *server) resumeDrill(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.Resume(ctx, f, in.ID)
}

func (s *server) withdrawDrill(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.Withdraw(ctx, f, in.ID)
}

// DrillProgress is how far the sending is: mails by what became of them.
type DrillProgress struct {
	State drill.State            `json:"state"`
	Mails map[drill.Delivery]int `json:"mails"`
}

func (s *server) drillProgress(ctx context.Context, f facility.ID, in *ByID) (DrillProgress, error) {
	d, err := s.Drills.Get(ctx, f, in.ID)
	if err != nil {
		return DrillProgress{}, err
	}
	n, err := s.Drills.Progress(ctx, f, in.ID)
	return DrillProgress{d.State, n}, err
}

// DrillTotals are sums of mails and of what happened to them, canaries left out.
type DrillTotals struct {
	Day         string `json:"day,omitempty"`
	Department  string `json:"department,omitempty"`
	Drill       string `json:"drill,omitempty"`
	Sent        int    `json:"sent"`
	Unknown     int    `json:"unknown" doc:"Given to the relay, whose answer was lost."`
	Failed      int    `json:"failed"`
	OpenAll     int    `json:"open_all" doc:"Whatever fetched the picture. A lower bound of opened mails."`
	OpenPerson  int    `json:"open_person"`
	URLAll      int    `json:"url_all"`
	URLPerson   int    `json:"url_person"`
	FileAll     int    `json:"attachment_all"`
	FilePerson  int    `json:"attachment_person"`
	Reported    int    `json:"reported"`
	First       int    `json:"reported_first" doc:"Reported before any click of their own."`
	Replied     int    `json:"replied"`
	Lesson      int    `json:"lesson"`
	Released    int    `json:"released"`
	Fell        int    `json:"fell" doc:"People who followed the link or opened the attachment."`
	Denominator int    `json:"denominator" doc:"Mails that may have been read: sent and unknown."`
}

func viewTotals(t drill.Totals) DrillTotals {
	return DrillTotals{Day: t.Day, Department: t.Department, Drill: t.Drill, Sent: t.Sent, Unknown: t.Unknown, Failed: t.Failed, OpenAll: t.OpenRaw, OpenPerson: t.OpenPerson,
		URLAll: t.URLRaw, URLPerson: t.URLPerson, FileAll: t.AttachRaw, FilePerson: t.AttachPerson, Reported: t.Reported, First: t.ReportedFirst, Replied: t.Replied,
		Lesson: t.Lesson, Released: t.Released, Fell: t.Fell, Denominator: t.Reached()}
}

// DrillSums are the totals of a period.
type DrillSums struct {
	All         DrillTotals   `json:"all"`
	Departments []DrillTotals `json:"departments" nullable:"false" doc:"Departments of fewer than five mails are left out: a number would be a name."`
	Drills      []DrillTotals `json:"drills" nullable:"false"`
	Days        []DrillTotals `json:"days" nullable:"false"`
}

type drillTotals struct {
	From  string `query:"from" maxLength:"10" doc:"First day of sending, 2026-11-27." example:"2026-04-01"`
	To    string `query:"to" maxLength:"10" doc:"Last day, included."`
	Drill string `query:"drill" maxLength:"80"`
}

// leastGroup is the smallest department of which numbers are told.
const leastGroup = 5

func (s *server) drillTotals(ctx context.Context, f facility.ID, in *drillTotals) (out DrillSums, err error) {
	for _, day := range []string{in.From, in.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return out, fault.New(fault.Invalid, "日付は 2026-04-01 のように書いてください。", "Write days like 2026-04-01.")
		}
	}
	sums, err := s.Drills.Totals(ctx, f, drill.Period{From: in.From, To: in.To, Drill: in.Drill})
	if err != nil {
		return out, err
	}
	out = DrillSums{All: viewTotals(sums.All), Departments: []DrillTotals{}, Drills: []DrillTotals{}, Days: []DrillTotals{}}
	for _, t := range sums.ByDepartment {
		if t.Reached() >= leastGroup {
			out.Departments = append(out.Departments, viewTotals(t))
		}
	}
	for _, t := range sums.ByDrill {
		out.Drills = append(out.Drills, viewTotals(t))
	}
	for _, t := range sums.ByDay {
		out.Days = append(out.Days, viewTotals(t))
	}
	return out, nil
}

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
	Attachment *time.Time     `json:"attachment,omitempty"`
	Reported   *time.Time     `json:"reported,omitempty"`
	Replied    *time.Time     `json:"replied,omitempty"`
	Lesson     *time.Time     `json:"lesson,omitempty"`
	Released   *time.Time     `json:"released,omitempty"`
	ByPerson   []string       `json:"by_person" nullable:"false" doc:"Which of open, url and attachment are taken for a person's."`
	Machine    int            `json:"machine" doc:"Arrivals that are taken for a machine's."`
}

func viewTarget(t *drill.Target) DrillTarget {
	v := DrillTarget{ID: t.ID, Address: t.Address, Name: t.Name(), Department: t.Department, Mail: t.Mail, Accepted: moment(t.AcceptedAt), Opened: moment(t.First[drill.Opened]),
		Visited: moment(t.First[drill.Visited]), Attachment: moment(t.First[drill.Attached]), Reported: moment(t.First[drill.Reported]), Replied: moment(t.First[drill.Replied]),
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
	{"visited", func(v *DrillTarget) any { return v.Visited }}, {"attachment", func(v *DrillTarget) any { return v.Attachment }}, {"reported", func(v *DrillTarget) any { return v.Reported }},
	{"replied", func(v *DrillTarget) any { return v.Replied }}, {"lesson", func(v *DrillTarget) any { return v.Lesson }}, {"released", func(v *DrillTarget) any { return v.Released }},
	{"by_person", func(v *DrillTarget) any { return joined(v.ByPerson) }}, {"machine", func(v *DrillTarget) any { return v.Machine }},
}

type listTargets struct {
	ByID
	Paging
	Show       []string `query:"show" doc:"Which happened: open, url, attachment, report, reply, lesson, release, fell, quiet, machine, failed. All of them must hold."`
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
	out := DrillTargetDetail{DrillTarget: viewTarget(&t), Events: []DrillEvent{}}
	for _, e := range events {
		v := DrillEvent{ID: e.ID, Signal: e.Signal, At: e.At, Method: e.Method, Agent: e.Agent, Malformed: e.Malformed, Verdict: e.Verdict, Reasons: []string{}}
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

// DrillPerson is a mailbox that drills may be sent to.
type DrillPerson struct{ drill.Person }

type listPeople struct {
	Paging
	Role       string `query:"role" enum:",staff,canary,test"`
	Department string `query:"department" maxLength:"200"`
	Q          string `query:"q" maxLength:"200"`
}

func (s *server) listPeople(ctx context.Context, f facility.ID, in *listPeople) (Page[DrillPerson], error) {
	list, err := s.Drills.People(ctx, f, drill.PeopleFilter{Query: in.Q, Department: in.Department, Role: drill.PersonRole(in.Role), After: in.Cursor, Limit: in.Limit})
	items := make([]DrillPerson, len(list.People))
	for i, p := range list.People {
		items[i] = DrillPerson{p}
	}
	return page(items, list.Next).of(list.Total), err
}

// PersonBody is one mailbox of a list.
type PersonBody struct {
	Address    string `json:"address" maxLength:"254"`
	Surname    string `json:"surname,omitempty" maxLength:"100"`
	Given      string `json:"given,omitempty" maxLength:"100"`
	Reading    string `json:"reading,omitempty" maxLength:"200"`
	Department string `json:"department,omitempty" maxLength:"200"`
	Job        string `json:"job,omitempty" maxLength:"200"`
	Role       string `json:"role,omitempty" enum:",staff,canary,test"`
}

type putPeople struct {
	Body struct {
		People  []PersonBody `json:"people" maxItems:"50000"`
		Replace bool         `json:"replace,omitempty" doc:"Staff who are not named are taken off the list."`
	}
}

// PeopleSaved says what a list changed.
type PeopleSaved struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
}

func (s *server) putPeople(ctx context.Context, f facility.ID, in *putPeople) (out PeopleSaved, err error) {
	people := make([]drill.Person, len(in.Body.People))
	for i, p := range in.Body.People {
		people[i] = drill.Person{Address: p.Address, Surname: p.Surname, Given: p.Given, Reading: p.Reading, Department: p.Department, Job: p.Job, Role: drill.PersonRole(p.Role)}
	}
	out.Added, out.Changed, err = s.Drills.SavePeople(ctx, f, people, in.Body.Replace)
	return out, err
}

func (s *server) removePerson(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.RemovePerson(ctx, f, in.ID)
}

// DrillDomain is a domain that drills may be sent to, once it is proven to be the hospital's own.
type DrillDomain struct {
	Domain string       `json:"domain"`
	State  domain.State `json:"state"`
	Until  *time.Time   `json:"until,omitempty" doc:"When it must be proven again."`
	Host   string       `json:"host,omitempty" doc:"Where the DNS record of the proof belongs."`
	Record string       `json:"record,omitempty" doc:"The TXT record of the proof."`
	Found  string       `json:"found,omitempty" doc:"What DNS said now: found, missing, different or no-answer."`
}

func (s *server) viewDomain(v domain.Verification) DrillDomain {
	return DrillDomain{Domain: v.Domain.Unicode(), State: v.State(s.Now()), Until: moment(v.Until())}
}

func (s *server) listDomains(ctx context.Context, f facility.ID, _ *listWhole) (Page[DrillDomain], error) {
	list, err := s.Drills.Domains(ctx, f)
	items := make([]DrillDomain, len(list))
	for i, v := range list {
		items[i] = s.viewDomain(v)
	}
	return page(items, ""), err
}

type addDomain struct {
	Body struct {
		Domain  string `json:"domain" minLength:"3" maxLength:"253"`
		Contact string `json:"contact,omitempty" maxLength:"254" doc:"A mailbox of the domain beside postmaster: the proof goes by two mails instead of DNS."`
	}
}

func (s *server) addDomain(ctx context.Context, f facility.ID, in *addDomain) (DrillDomain, error) {
	c, err := s.Drills.AskDomain(ctx, f, in.Body.Domain, in.Body.Contact)
	return DrillDomain{Domain: in.Body.Domain, State: domain.Pending, Host: c.Host, Record: c.Value}, err
}

// DomainPath names a domain.
type DomainPath struct {
	Domain string `path:"domain" maxLength:"253"`
}

func (s *server) checkDomain(ctx context.Context, f facility.ID, in *DomainPath) (out DrillDomain, err error) {
	a, err := s.Drills.CheckDomain(ctx, f, in.Domain)
	if err != nil {
		return out, err
	}
	list, err := s.Drills.Domains(ctx, f)
	for _, v := range list {
		if n, e := domain.Parse(in.Domain); e == nil && v.Domain == n {
			out = s.viewDomain(v)
		}
	}
	out.Host, out.Found = a.Host, string(a.Finding)
	return out, err
}

type confirmDomain struct {
	DomainPath
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"100" doc:"The code of one of the two mails."`
	}
}

func (s *server) confirmDomain(ctx context.Context, f facility.ID, in *confirmDomain) error {
	return s.Drills.ConfirmDomain(ctx, f, in.Domain, in.Body.Code)
}

func (s *server) removeDomain(ctx context.Context, f facility.ID, in *DomainPath) error {
	return s.Drills.WithdrawDomain(ctx, f, in.Domain, "API")
}

// DrillSettings say how drills are sent. Secrets are write-only.
type DrillSettings struct {
	drill.Settings
	Secrets *DrillSecrets `json:"secrets,omitempty" doc:"Never answered; what is left out stays as it was."`
}

// DrillSecrets are what the settings keep sealed.
type DrillSecrets struct {
	Relay   string `json:"relay,omitempty" maxLength:"4000"`
	Mailbox string `json:"mailbox,omitempty" maxLength:"4000"`
	DKIM    string `json:"dkim,omitempty" maxLength:"20000" doc:"RSA private key, PEM."`
}

func (s *server) getDrillSettings(ctx context.Context, f facility.ID, _ *struct{}) (DrillSettings, error) {
	v, err := s.Drills.Settings(ctx, f)
	v.Relay.Sealed, v.Mailbox.Sealed, v.DKIM.Sealed = nil, nil, nil
	return DrillSettings{Settings: v}, err
}

type putDrillSettings struct{ Body DrillSettings }

func (s *server) putDrillSettings(ctx context.Context, f facility.ID, in *putDrillSettings) (DrillSettings, error) {
	var secrets drill.Secrets
	if x := in.Body.Secrets; x != nil {
		secrets = drill.Secrets{Relay: x.Relay, Mailbox: x.Mailbox, DKIM: x.DKIM}
	}
	if err := s.Drills.SaveSettings(ctx, f, in.Body.Settings, secrets); err != nil {
		return DrillSettings{}, err
	}
	return s.getDrillSettings(ctx, f, nil)
}

// DrillFlight is a drill's preflight as it counts now.
type DrillFlight struct {
	At     *time.Time          `json:"at,omitempty"`
	Green  bool                `json:"green"`
	Stale  bool                `json:"stale" doc:"The mail or the way changed since."`
	Open   []string            `json:"open" nullable:"false" doc:"Checks that keep it from being green."`
	Checks []preflight.Outcome `json:"checks" nullable:"false"`
	Waived []preflight.Waiver  `json:"waived" nullable:"false"`
}

func viewFlight(p drill.Flight) DrillFlight {
	v := DrillFlight{At: moment(p.At), Green: p.Report.Green && !p.Stale, Stale: p.Stale, Open: p.Report.Open, Checks: p.Report.Outcomes, Waived: p.Report.Waived}
	if v.Open == nil {
		v.Open = []string{}
	}
	if v.Checks == nil {
		v.Checks = []preflight.Outcome{}
	}
	if v.Waived == nil {
		v.Waived = []preflight.Waiver{}
	}
	return v
}

func (s *server) getFlight(ctx context.Context, f facility.ID, in *ByID) (DrillFlight, error) {
	p, err := s.Drills.Flight(ctx, f, in.ID)
	return viewFlight(p), err
}

func (s *server) runFlight(ctx context.Context, f facility.ID, in *ByID) (DrillFlight, error) {
	p, err := s.Drills.Preflight(ctx, f, in.ID)
	return viewFlight(p), err
}

type waiveCheck struct {
	ByID
	Body struct {
		Check  string `json:"check" minLength:"1" maxLength:"80"`
		Reason string `json:"reason" minLength:"10" maxLength:"1000"`
	}
}

func (s *server) waiveCheck(ctx context.Context, f facility.ID, in *waiveCheck) (DrillFlight, error) {
	if err := s.Drills.WaiveCheck(ctx, f, in.ID, in.Body.Check, in.Body.Reason); err != nil {
		return DrillFlight{}, err
	}
	return s.getFlight(ctx, f, &in.ByID)
}

// TestsSent says how many test mails went out.
type TestsSent struct {
	Mails int `json:"mails"`
}

func (s *server) sendTests(ctx context.Context, f facility.ID, in *ByID) (TestsSent, error) {
	n, err := s.Drills.SendTests(ctx, f, in.ID)
	return TestsSent{n}, err
}

// drillMail answers the mail as one recipient would get it, with nobody's name in it.
func (s *server) drillMail(ctx context.Context, f facility.ID, in *ByID) (MailSource, error) {
	raw, err := s.Drills.Rendered(ctx, f, in.ID)
	return MailSource{Source: string(raw)}, err
}

// MailSource is a mail as it goes to the relay.
type MailSource struct {
	Source string `json:"source" doc:"RFC 5322."`
}
