package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/preflight"
	"kenshin/facility"
)

// flightRoutes are what a script does between the draft and the approval.
func (s *server) flightRoutes() []route {
	see, edit := actor.SeeDrill, actor.EditDrill
	return []route{
		{"GET", "/drills/{id}/preflight", see, "get-drill-preflight", "The preflight as it counts now, with the test mails and the quiet time", "", one(s, s.getFlight)},
		{"POST", "/drills/{id}/preflight", edit, "run-drill-preflight", "Make the checks of mail and way now", "Takes up to a minute.", one(s, s.runFlight)},
		{"POST", "/drills/{id}/preflight/delivered", edit, "tell-drill-delivered", "Say where a test mail landed, with its headers or the whole mail as it arrived",
			"Over Microsoft Graph or the Gmail API a drill can only be submitted after one test mail was read with the drill's marker in it. Make the checks again afterwards.", one(s, s.tellDelivered)},
		{"POST", "/drills/{id}/preflight/learn", edit, "learn-drill-scanners", "Save what opened the test mails in the quiet time as this site's scanners",
			"Only when really nobody touched them: what is learned counts as a machine from then on.", one(s, s.learnScanners)},
		{"POST", "/drills/{id}/preflight/waive", edit, "waive-drill-check", "Let a check be red, for a reason", "", one(s, s.waiveCheck)},
		{"POST", "/drills/{id}/tests", edit, "send-drill-tests", "Send the real mail to the test mailboxes", "The quiet time of 15 minutes begins.", one(s, s.sendTests)},
		{"GET", "/drills/receiving", see, "list-drill-receiving", "What the receiving side's administrator sets, with the exact values of these settings",
			"Microsoft 365 Advanced Delivery, Google Workspace, Japanese filters.", list(s, s.listReceiving)},
	}
}

// DrillFlight is a drill's preflight as it counts now.
type DrillFlight struct {
	At     *time.Time          `json:"at,omitempty"`
	Green  bool                `json:"green"`
	Stale  bool                `json:"stale" doc:"The mail or the way changed since."`
	Open   []string            `json:"open" nullable:"false" doc:"Checks that keep it from being green."`
	Checks []preflight.Outcome `json:"checks" nullable:"false"`
	Waived []preflight.Waiver  `json:"waived" nullable:"false"`
	Tests  []DrillTest         `json:"tests" nullable:"false" doc:"The test mails, by mailbox."`
	Watch  *DrillWatch         `json:"watch,omitempty" doc:"The quiet time after the test mails; missing while none were sent."`
}

// DrillTest is one test mail: what we know of it, and what was told of its arrival.
type DrillTest struct {
	Mailbox    string                `json:"mailbox"`
	Mail       drill.Delivery        `json:"mail,omitempty" doc:"What became of it on our side."`
	Place      preflight.Place       `json:"place" enum:"inbox,junk,quarantine,never,unknown"`
	Read       bool                  `json:"read" doc:"Its headers were given."`
	Marker     bool                  `json:"marker" doc:"They hold this drill's marker."`
	Findings   []preflight.Finding   `json:"findings" nullable:"false" doc:"What its headers, and the whole mail if it was given, show."`
	Difference *preflight.Difference `json:"difference,omitempty" doc:"What the way changed; only where the whole mail was given."`
}

// DrillWatch is the time in which nobody may touch the test mails.
type DrillWatch struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Left    int       `json:"left" doc:"Seconds; 0 when it is over."`
	Hits    int       `json:"hits" doc:"Arrivals that nobody made, when the checks were made the last time."`
	Learned bool      `json:"learned"`
}

func (s *server) viewFlight(id string, p drill.Flight) DrillFlight {
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
	v.Tests = []DrillTest{}
	for _, mailbox := range slices.Sorted(maps.Keys(p.Tests)) {
		t := p.Tests[mailbox]
		x := DrillTest{Mailbox: mailbox, Mail: p.Mails[mailbox], Place: t.Place, Difference: t.Difference, Findings: []preflight.Finding{}}
		if t.Reading != nil {
			x.Read, x.Marker, x.Findings = true, strings.Contains(t.Reading.Marker, id), append(x.Findings, t.Reading.Findings()...)
		}
		if t.Difference != nil {
			x.Findings = append(x.Findings, t.Difference.Findings...)
		}
		v.Tests = append(v.Tests, x)
	}
	if w := p.Watch; !w.From.IsZero() {
		until := w.From.Add(drill.QuietWatch)
		v.Watch = &DrillWatch{From: w.From, Until: until, Left: max(0, int(until.Sub(s.Now()).Seconds())), Hits: w.Hits, Learned: w.Learned}
	}
	return v
}

func (s *server) getFlight(ctx context.Context, f facility.ID, in *ByID) (DrillFlight, error) {
	p, err := s.Drills.Flight(ctx, f, in.ID)
	return s.viewFlight(in.ID, p), err
}

func (s *server) runFlight(ctx context.Context, f facility.ID, in *ByID) (DrillFlight, error) {
	p, err := s.Drills.Preflight(ctx, f, in.ID)
	return s.viewFlight(in.ID, p), err
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

type tellDelivered struct {
	ByID
	Body struct {
		Mailbox string `json:"mailbox" minLength:"3" maxLength:"254"`
		Place   string `json:"place,omitempty" enum:",inbox,junk,quarantine,never,unknown" doc:"Where somebody saw it; left out: as the headers say."`
		Raw     string `json:"raw,omitempty" maxLength:"900000" doc:"Its headers, or the whole mail (.eml), as it arrived."`
	}
}

func (s *server) tellDelivered(ctx context.Context, f facility.ID, in *tellDelivered) (DrillFlight, error) {
	place := preflight.PlaceUnknown
	if in.Body.Place != "" {
		place = preflight.Place(in.Body.Place)
	}
	if err := s.Drills.Delivered(ctx, f, in.ID, in.Body.Mailbox, place, []byte(strings.TrimSpace(in.Body.Raw))); err != nil {
		return DrillFlight{}, err
	}
	return s.getFlight(ctx, f, &in.ByID)
}

// ScannersLearned says how many rules were kept.
type ScannersLearned struct {
	Rules int `json:"rules"`
}

func (s *server) learnScanners(ctx context.Context, f facility.ID, in *ByID) (ScannersLearned, error) {
	n, err := s.Drills.LearnScanners(ctx, f, in.ID)
	return ScannersLearned{n}, err
}

// DrillReceiving is what the administrator of a receiving side does.
type DrillReceiving struct {
	ID       string          `json:"id" example:"microsoft-365"`
	Name     string          `json:"name"`
	About    string          `json:"about,omitempty"`
	Source   string          `json:"source,omitempty"`
	Steps    []ReceivingStep `json:"steps" nullable:"false"`
	Cautions []ReceivingStep `json:"cautions" nullable:"false"`
	Problems []string        `json:"problems" nullable:"false" doc:"Why it cannot be followed as the settings are."`
}

// ReceivingStep is one thing to do, with what to type.
type ReceivingStep struct {
	Text   string           `json:"text"`
	Unsure bool             `json:"unsure,omitempty" doc:"Not seen in the maker's own documents: check it."`
	Values []ReceivingValue `json:"values" nullable:"false"`
}

// ReceivingValue is what belongs into one field.
type ReceivingValue struct {
	Field   string   `json:"field"`
	Entries []string `json:"entries" nullable:"false"`
}

func receivingSteps(ctx context.Context, steps []preflight.Step) []ReceivingStep {
	out := make([]ReceivingStep, len(steps))
	for i, st := range steps {
		out[i] = ReceivingStep{Text: st.Text.For(ctx), Unsure: st.Unsure(), Values: []ReceivingValue{}}
		for _, v := range st.Values {
			out[i].Values = append(out[i].Values, ReceivingValue{v.Label.For(ctx), full(v.Entries)})
		}
	}
	return out
}

func (s *server) listReceiving(ctx context.Context, f facility.ID, _ *listWhole) (Page[DrillReceiving], error) {
	guides, err := s.Drills.Guides(ctx, f)
	items := make([]DrillReceiving, len(guides))
	for i, g := range guides {
		items[i] = DrillReceiving{ID: g.ID, Name: g.Name.For(ctx), About: g.About.For(ctx), Source: g.Source, Steps: receivingSteps(ctx, g.Steps), Cautions: receivingSteps(ctx, g.Cautions), Problems: []string{}}
		for _, p := range g.Problems {
			items[i].Problems = append(items[i].Problems, p.Text.For(ctx))
		}
	}
	return page(items, ""), err
}
