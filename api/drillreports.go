package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/intake"
	"kenshin/facility"
	"kenshin/fault"
)

// drillReportRoutes are what staff reported. Reports of a drill name its recipients: they are told to the trainer only.
func (s *server) drillReportRoutes() []route {
	return []route{
		{"GET", "/drill-reports", actor.TriageReport, "list-drill-reports", "What staff reported, the newest first", "", list(s, s.listReports, reportColumns...)},
		{"GET", "/drill-reports/{id}", actor.TriageReport, "get-drill-report", "One report with the links and attachments of the mail", "Nothing of a mail is kept but texts, links, and the names and hashes of files.", one(s, s.getReport)},
		{"POST", "/drill-reports/{id}/answer", actor.TriageReport, "answer-drill-report", "Rule on a reported mail and answer the reporter", "dangerous makes a finding.", one(s, s.answerReport)},
		{"POST", "/drill-reports/{id}/close", actor.TriageReport, "close-drill-report", "End the work on a report without an answer", "", done(s, s.closeReport)},
		{"POST", "/drills/{id}/phone", actor.SeeDrillNames, "add-drill-phone-report", "Write down that a recipient reported by telephone", "Once for each recipient.", one(s, s.phoneReport)},
		{"GET", "/drills/{id}/speed", actor.SeeDrill, "get-drill-speed", "How fast the mail was reported", "", one(s, s.drillSpeed)},
	}
}

// DrillReport is one mail to the report mailbox, or one call.
type DrillReport struct {
	ID       string               `json:"id"`
	At       time.Time            `json:"at"`
	Via      drill.Via            `json:"via" enum:"mailbox,smtp,phone"`
	Kind     drill.ReportKind     `json:"kind" enum:"real,unclear,drill,reply,bounce,auto"`
	State    drill.ReportState    `json:"state" enum:"new,answered,closed"`
	Reporter string               `json:"reporter"`
	Name     string               `json:"name,omitempty"`
	Drill    string               `json:"drill,omitempty"`
	Target   string               `json:"target,omitempty" doc:"The reporter's own place in the drill."`
	Opened   bool                 `json:"opened" doc:"The reporter says to have opened it."`
	Said     string               `json:"said,omitempty"`
	Subject  string               `json:"subject,omitempty"`
	Note     string               `json:"note,omitempty"`
	Mails    []drill.ReportedMail `json:"mails" nullable:"false"`
	Files    []intake.File        `json:"files" nullable:"false" doc:"What the reporter attached beside: names and hashes."`
	Ruling   drill.Ruling         `json:"ruling,omitempty"`
	Answer   string               `json:"answer,omitempty"`
	Mailed   bool                 `json:"mailed" doc:"False where the address is not known to be the hospital's own."`
	Finding  string               `json:"finding,omitempty"`
	Same     int                  `json:"same,omitempty" doc:"Other reports of the same mail; only of one report."`
}

func viewReport(in *drill.Incoming) DrillReport {
	return DrillReport{ID: in.ID, At: in.At, Via: in.Via, Kind: in.Kind, State: in.State, Reporter: in.Reporter, Name: in.Name, Drill: in.Drill, Target: in.Target, Opened: in.Opened,
		Said: in.Said, Subject: in.Subject, Note: in.Note, Mails: full(in.Mails), Files: full(in.Files), Ruling: in.Ruling, Answer: in.ReportContent.Answer, Mailed: in.Mailed,
		Finding: in.Finding, Same: in.Same}
}

var reportColumns = []col[DrillReport]{
	{"id", func(v *DrillReport) any { return v.ID }}, {"at", func(v *DrillReport) any { return when(v.At) }}, {"via", func(v *DrillReport) any { return string(v.Via) }},
	{"kind", func(v *DrillReport) any { return string(v.Kind) }}, {"state", func(v *DrillReport) any { return string(v.State) }}, {"reporter", func(v *DrillReport) any { return v.Reporter }},
	{"opened", func(v *DrillReport) any { return strconv.FormatBool(v.Opened) }}, {"subject", func(v *DrillReport) any { return v.Subject }}, {"ruling", func(v *DrillReport) any { return string(v.Ruling) }},
}

// triaged are the kinds that name no recipient of a drill.
func triaged() []drill.ReportKind { return []drill.ReportKind{drill.ReportReal, drill.ReportUnclear} }

type listReports struct {
	Paging
	Kind  []string `query:"kind" doc:"real, unclear; for who may see names also drill, reply, bounce, auto. Without it: real and unclear."`
	State []string `query:"state" doc:"new, answered, closed."`
}

func (s *server) listReports(ctx context.Context, f facility.ID, in *listReports) (Page[DrillReport], error) {
	q := drill.ReportFilter{Limit: in.Limit, Kinds: triaged()}
	if len(in.Kind) > 0 {
		q.Kinds = nil
	}
	for _, k := range in.Kind {
		if !slices.Contains(triaged(), drill.ReportKind(k)) && !actor.From(ctx).Role.May(actor.SeeDrillNames) {
			return Page[DrillReport]{}, fault.New(fault.Denied, "訓練の宛先の人の名前は、訓練担当だけが見られます。", "Only the trainer sees what recipients of a drill did.")
		}
		q.Kinds = append(q.Kinds, drill.ReportKind(k))
	}
	for _, x := range in.State {
		q.States = append(q.States, drill.ReportState(x))
	}
	if in.Cursor != "" {
		n, err := strconv.Atoi(in.Cursor)
		if err != nil || n < 0 {
			return Page[DrillReport]{}, fault.New(fault.Invalid, "cursor が正しくありません。", "The cursor is wrong.")
		}
		q.Offset = n
	}
	list, err := s.Drills.Reports(ctx, f, q)
	items := make([]DrillReport, len(list.Reports))
	for i := range list.Reports {
		items[i] = viewReport(&list.Reports[i])
	}
	next := ""
	if q.Offset+len(items) < list.Total && len(items) > 0 {
		next = strconv.Itoa(q.Offset + len(items))
	}
	return page(items, next).of(list.Total), err
}

// report reads a report that the caller may see.
func (s *server) report(ctx context.Context, f facility.ID, id string) (drill.Incoming, error) {
	in, err := s.Drills.Report(ctx, f, id)
	if err == nil && !slices.Contains(triaged(), in.Kind) && !actor.From(ctx).Role.May(actor.SeeDrillNames) {
		return drill.Incoming{}, fault.New(fault.NotFound, "この報告はありません。", "There is no such report.")
	}
	return in, err
}

func (s *server) getReport(ctx context.Context, f facility.ID, in *ByID) (DrillReport, error) {
	r, err := s.report(ctx, f, in.ID)
	return viewReport(&r), err
}

type answerReport struct {
	ByID
	Body struct {
		Ruling string `json:"ruling" enum:"dangerous,harmless,drill"`
		Text   string `json:"text,omitempty" maxLength:"2000" doc:"Empty takes the words that go with the ruling."`
	}
}

func (s *server) answerReport(ctx context.Context, f facility.ID, in *answerReport) (DrillReport, error) {
	if _, err := s.report(ctx, f, in.ID); err != nil {
		return DrillReport{}, err
	}
	r, err := s.Drills.Answer(ctx, f, in.ID, drill.Ruling(in.Body.Ruling), in.Body.Text)
	return viewReport(&r), err
}

type closeReport struct {
	ByID
	Body struct {
		Why string `json:"why,omitempty" maxLength:"500"`
	}
}

func (s *server) closeReport(ctx context.Context, f facility.ID, in *closeReport) error {
	if _, err := s.report(ctx, f, in.ID); err != nil {
		return err
	}
	return s.Drills.CloseReport(ctx, f, in.ID, in.Body.Why)
}

type phoneReport struct {
	ByID
	Body struct {
		Target string `json:"target" maxLength:"80" doc:"Of the drill's targets."`
		Note   string `json:"note,omitempty" maxLength:"2000"`
		Opened bool   `json:"opened,omitempty" doc:"Says to have opened it: first-aid steps are mailed."`
	}
}

func (s *server) phoneReport(ctx context.Context, f facility.ID, in *phoneReport) (DrillReport, error) {
	r, err := s.Drills.ReportByPhone(ctx, f, in.ID, in.Body.Target, in.Body.Note, in.Body.Opened)
	return viewReport(&r), err
}

// DrillSpeed is how fast a drill's mail was reported.
type DrillSpeed struct {
	Reported int        `json:"reported"`
	Of       int        `json:"of"`
	First    *time.Time `json:"first_report,omitempty"`
	Fastest  float64    `json:"seconds_to_first_report,omitempty"`
	Median   string     `json:"median" doc:"In words, with whom it was reckoned over."`
	Race     string     `json:"race" doc:"Who was first: a report or a click of a person."`
	Before   int        `json:"before_first_click" doc:"Reports before the first click."`
}

func (s *server) drillSpeed(ctx context.Context, f facility.ID, in *ByID) (DrillSpeed, error) {
	v, err := s.Drills.Speed(ctx, f, in.ID)
	if err == nil && !v.Reported.Shown() { // a time would be a single person's
		few := v.Reported.Text().For(ctx)
		return DrillSpeed{Of: v.Reported.Of, Median: few, Race: few}, nil
	}
	return DrillSpeed{Reported: v.Reported.Count, Of: v.Reported.Of, First: moment(v.First), Fastest: v.Fastest.Seconds(), Median: v.Median.For(ctx), Race: v.Race.Text().For(ctx), Before: v.Before}, err
}
