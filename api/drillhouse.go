package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/drill"
	"kenshin/drill/domain"
	"kenshin/facility"
)

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
	host, record := v.Record()
	return DrillDomain{Domain: v.Domain.Unicode(), State: v.State(s.Now()), Until: moment(v.Until()), Host: host, Record: record}
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

// MailboxHealth is how the reading of the report mailbox goes.
type MailboxHealth struct {
	Set       bool       `json:"set" doc:"A mailbox is set up."`
	Connected *time.Time `json:"connected,omitempty" doc:"Since when; missing while it is not."`
	LastMail  *time.Time `json:"last_mail,omitempty" doc:"When the last mail was taken."`
	Taken     int        `json:"taken" doc:"Mails since it was set up."`
	Error     string     `json:"error,omitempty" doc:"Why it is not read, until it is again."`
	ErrorAt   *time.Time `json:"error_at,omitempty"`
	Stopped   bool       `json:"stopped" doc:"A person must change something; it is tried again six hours after error_at at the latest."`
}

func (s *server) getMailbox(ctx context.Context, f facility.ID, _ *struct{}) (MailboxHealth, error) {
	h, err := s.Drills.MailboxHealth(ctx, f)
	return MailboxHealth{Set: h.Set, Connected: moment(h.Connected), LastMail: moment(h.LastMail), Taken: h.Taken, Error: h.Error.For(ctx), ErrorAt: moment(h.ErrorAt), Stopped: h.Stopped}, err
}

type tryMailbox struct {
	Body struct {
		Mailbox *drill.Mailbox `json:"mailbox,omitempty" doc:"Without it the one of the settings."`
		Secret  string         `json:"secret,omitempty" maxLength:"8000" doc:"Empty: the one that is kept, on the server that it is kept for."`
	}
}

// MailboxFound is what a look into the mailbox found.
type MailboxFound struct {
	Messages int        `json:"messages"`
	Recent   int        `json:"recent" doc:"Of these from the last week: reading begins with them."`
	Newest   *time.Time `json:"newest,omitempty"`
	Idle     bool       `json:"idle" doc:"The server tells of new mail by itself; else it is asked every minute."`
}

func (s *server) tryMailbox(ctx context.Context, f facility.ID, in *tryMailbox) (MailboxFound, error) {
	m := in.Body.Mailbox
	if m == nil {
		set, err := s.Drills.Settings(ctx, f)
		if err != nil {
			return MailboxFound{}, err
		}
		m = &set.Mailbox
	}
	found, err := s.Drills.TryMailbox(ctx, f, *m, in.Body.Secret)
	return MailboxFound{Messages: found.Messages, Recent: found.Since, Newest: moment(found.Newest), Idle: found.Idle}, err
}

type buttonFile struct {
	File string `path:"file" enum:"kenshin-report-outlook.xml,kenshin-report-thunderbird.xpi"`
}

// reportButton mounts the files of the report button.
func (s *server) reportButton(a huma.API, op huma.Operation) {
	binary := &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/xml": binary, "application/x-xpinstall": binary}}
	huma.Register(a, op, func(ctx context.Context, in *buttonFile) (*file, error) {
		spec, err := s.Drills.Button(ctx, facilityOf(ctx))
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		kind, body, err := spec.File(in.File)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return &file{func(h huma.Context) {
			h.SetHeader("Content-Type", kind)
			h.SetHeader("Content-Disposition", `attachment; filename="`+in.File+`"`)
			_, err := h.BodyWriter().Write(body)
			s.written(ctx, err)
		}}, nil
	})
}
