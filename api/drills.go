package api

import (
	"context"
	"time"

	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/facility"
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
	Course   string         `json:"course,omitempty" maxLength:"80" doc:"Id of a lesson, or notice: the mail of a course is taken."`
	Mail     drill.Mail     `json:"mail,omitempty"`
	Rating   drill.Rating   `json:"rating,omitempty" doc:"Cues and premise; the difficulty is reckoned from them."`
	Schedule drill.Schedule `json:"schedule,omitempty"`
	Audience drill.Audience `json:"audience,omitempty"`
	Revision int64          `json:"revision,omitempty" minimum:"0" doc:"The revision that a change stands on, instead of If-Match."`
}

// drillOf is what a body means, with the mail of a scenario or a course.
func (s *server) drillOf(ctx context.Context, f facility.ID, b *DrillBody) (d drill.Drill, err error) {
	d = drill.Drill{Name: b.Name, Mode: drill.Mode(b.Mode), Mail: b.Mail, Rating: b.Rating, Schedule: b.Schedule, Audience: b.Audience}
	switch {
	case b.Course != "":
		d, err = s.Drills.Course(ctx, f, b.Course)
		d.Schedule, d.Audience = b.Schedule, b.Audience
		if b.Name != "" {
			d.Name = b.Name
		}
	case b.Scenario != "":
		d.Mail, d.Rating, err = s.Drills.FromScenario(ctx, f, b.Scenario, scenario.Level(b.Level))
		if d.Name == "" {
			d.Name = d.Mail.Subject
		}
	}
	return d, err
}

type addDrill struct{ Body DrillBody }

func (s *server) addDrill(ctx context.Context, f facility.ID, in *addDrill) (Drill, error) {
	d, err := s.drillOf(ctx, f, &in.Body)
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
	d, err := s.drillOf(ctx, f, &in.Body)
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
	Day         string               `json:"day,omitempty"`
	Department  string               `json:"department,omitempty"`
	Drill       string               `json:"drill,omitempty"`
	Sent        int                  `json:"sent"`
	Unknown     int                  `json:"unknown" doc:"Given to the relay, whose answer was lost."`
	Failed      int                  `json:"failed"`
	OpenAll     int                  `json:"open_all" doc:"Whatever fetched the picture. A lower bound of opened mails."`
	OpenPerson  int                  `json:"open_person"`
	URLAll      int                  `json:"url_all"`
	URLPerson   int                  `json:"url_person"`
	QRAll       int                  `json:"qr_all" doc:"Whatever followed the link in the QR picture."`
	QRPerson    int                  `json:"qr_person"`
	FileAll     int                  `json:"attachment_all"`
	FilePerson  int                  `json:"attachment_person"`
	Reported    int                  `json:"reported"`
	First       int                  `json:"reported_first" doc:"Reported before any click of their own."`
	Replied     int                  `json:"replied"`
	Lesson      int                  `json:"lesson"`
	Released    int                  `json:"released"`
	Fell        int                  `json:"fell" doc:"People who followed the link or the QR code or opened the attachment, each once."`
	Denominator int                  `json:"denominator" doc:"Mails that may have been read: sent and unknown."`
	Rates       map[string]DrillRate `json:"rates,omitempty" doc:"With the interval; missing where too few people were reached."`
	Hidden      bool                 `json:"hidden,omitempty" doc:"Fewer than five people, or so few in the rest: only the mails are counted."`
}

func viewTotals(t drill.Totals) DrillTotals {
	return DrillTotals{Day: t.Day, Department: t.Department, Drill: t.Drill, Sent: t.Sent, Unknown: t.Unknown, Failed: t.Failed, OpenAll: t.OpenRaw, OpenPerson: t.OpenPerson,
		URLAll: t.URLRaw, URLPerson: t.URLPerson, QRAll: t.QRRaw, QRPerson: t.QRPerson, FileAll: t.AttachRaw, FilePerson: t.AttachPerson, Reported: t.Reported, First: t.ReportedFirst, Replied: t.Replied,
		Lesson: t.Lesson, Released: t.Released, Fell: t.Fell, Denominator: t.Reached(), Rates: ratesOf(t), Hidden: t.Hidden}
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
