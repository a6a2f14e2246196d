package api

import (
	"context"
	"time"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/facility"
	"kenshin/i18n"
)

// inquiryRoutes are the forms that people without an account fill in: vendors' forms, questions, surveys.
func (s *server) inquiryRoutes() []route {
	see, edit := actor.SeeInquiry, actor.EditAssess
	return []route{
		{"GET", "/inquiries", see, "list-inquiries", "Forms, questions and surveys that were sent, the newest first", "", list(s, s.listInquiries, inquiryColumns...)},
		{"POST", "/inquiries", edit, "add-inquiries", "Send the vendor form for systems, or for all that were not asked", "Answers the links, which are told this once, and the letters to copy where no mail went out.", one(s, s.addInquiries)},
		{"GET", "/inquiries/{id}", see, "get-inquiry", "One of them with its answers", "A nameless survey's answers are not among them.", one(s, s.getInquiry)},
		{"POST", "/inquiries/{id}/remind", edit, "remind-inquiry", "Make a further link, and mail it where that is possible", "", one(s, s.remindInquiry)},
		{"POST", "/inquiries/{id}/revoke", edit, "revoke-inquiry", "Take it back: its links end", "", done(s, s.revokeInquiry)},
		{"POST", "/inquiries/{id}/refuse", edit, "refuse-inquiry", "Record that the vendor refused", "It becomes a finding of the facility.", done(s, s.refuseInquiry)},
		{"POST", "/inquiries/{id}/return", edit, "return-inquiry", "Give an answer back to be corrected", "", done(s, s.returnInquiry)},
		{"POST", "/inquiries/{id}/take", edit, "take-inquiry", "Take a vendor's answers in as claims for the system", "", done(s, s.takeInquiry)},
		{"POST", "/inquiries/questions", edit, "add-inquiry-question", "Ask a vendor or the support body about one item", "", one(s, s.addQuestion)},
		{"GET", "/surveys", see, "list-surveys", "Surveys of departments, the newest first", "", list(s, s.listSurveys)},
		{"POST", "/surveys", edit, "add-survey", "Send a catalogue to departments", "Answers the links, which are told this once.", one(s, s.addSurvey)},
		{"GET", "/surveys/{id}", see, "get-survey", "What a survey brought in", "Of a nameless one only sums of five and more, after it is closed.", one(s, s.getSurvey)},
		{"POST", "/surveys/{id}/close", edit, "close-survey", "End a survey", "", done(s, s.closeSurvey)},
	}
}

// Inquiry is one form that was sent to one addressee.
type Inquiry struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"vendor,survey,question"`
	State     string    `json:"state" enum:"waiting,answered,taken,refused,revoked"`
	Catalogue string    `json:"catalogue"`
	Subject   string    `json:"subject" doc:"The system's id, the department, or the question's id."`
	Name      string    `json:"name" doc:"What the subject is called."`
	Vendor    string    `json:"vendor,omitempty"`
	Survey    string    `json:"survey,omitempty"`
	Due       time.Time `json:"due"`
	Until     time.Time `json:"until" doc:"When its newest link runs out."`
	Mailed    bool      `json:"mailed"`
	Reason    string    `json:"reason,omitempty"`
	Revision  int64     `json:"revision"`
}

func viewInquiry(i inquiry.Inquiry) Inquiry {
	return Inquiry{ID: i.ID, Kind: string(i.Kind), State: string(i.State), Catalogue: i.Catalogue, Subject: i.Subject, Name: i.SubjectName, Vendor: i.VendorName, Survey: i.Survey,
		Due: i.Due, Until: i.Until, Mailed: i.Mailed, Reason: i.Reason, Revision: i.Revision}
}

var inquiryColumns = []col[Inquiry]{
	{"kind", func(v *Inquiry) any { return v.Kind }}, {"name", func(v *Inquiry) any { return v.Name }}, {"vendor", func(v *Inquiry) any { return v.Vendor }},
	{"state", func(v *Inquiry) any { return v.State }}, {"due", func(v *Inquiry) any { return v.Due }},
}

type listInquiries struct {
	Paging
	Kind  string `query:"kind" enum:"vendor,survey,question"`
	State string `query:"state" enum:"waiting,answered,taken,refused,revoked"`
}

func (s *server) listInquiries(ctx context.Context, f facility.ID, in *listInquiries) (Page[Inquiry], error) {
	all, next, err := s.Inquiries.List(ctx, f, inquiry.Filter{Kind: inquiry.Kind(in.Kind), State: inquiry.State(in.State), After: in.Cursor, Limit: in.Limit})
	items := make([]Inquiry, len(all))
	for k, i := range all {
		items[k] = viewInquiry(i)
	}
	return page(items, next), err
}

// InquiryLetter is what goes to one addressee.
type InquiryLetter struct {
	To     string        `json:"to" doc:"What the addressee is called."`
	Text   string        `json:"text"`
	Mailed bool          `json:"mailed"`
	Links  []InquiryLink `json:"links" nullable:"false"`
}

// InquiryLink is a link that is told once.
type InquiryLink struct {
	Inquiry string `json:"inquiry"`
	Address string `json:"address,omitempty" doc:"Missing where the settings name no address of the pages."`
}

// InquiryLetters is what was sent.
type InquiryLetters struct {
	Letters []InquiryLetter `json:"letters" nullable:"false"`
	Left    []string        `json:"left" nullable:"false" doc:"Systems that were left out: no vendor, or answered or refused already."`
}

func viewLetters(list []inquiry.Letter, left []string) InquiryLetters {
	out := InquiryLetters{Letters: []InquiryLetter{}, Left: append([]string{}, left...)}
	for _, l := range list {
		v := InquiryLetter{To: l.Name, Text: l.Text, Mailed: l.Mailed, Links: []InquiryLink{}}
		for _, k := range l.Links {
			v.Links = append(v.Links, InquiryLink{k.Inquiry.ID, k.Address})
		}
		out.Letters = append(out.Letters, v)
	}
	return out
}

type addInquiries struct {
	Body struct {
		Systems []string  `json:"systems,omitempty" maxItems:"1000" doc:"Missing: all systems that have a vendor and were not asked."`
		Due     time.Time `json:"due,omitzero"`
		Word    string    `json:"word,omitempty" maxLength:"2000"`
	}
}

func (s *server) addInquiries(ctx context.Context, f facility.ID, in *addInquiries) (InquiryLetters, error) {
	letters, left, err := s.Inquiries.AskVendors(ctx, f, in.Body.Systems, in.Body.Due, in.Body.Word)
	return viewLetters(letters, left), err
}

// InquiryAnswer is one item's answer.
type InquiryAnswer struct {
	Item   string `json:"item"`
	Reply  string `json:"reply,omitempty" doc:"yes, no, not-applicable or unknown, of such items."`
	Text   string `json:"text" doc:"The answer in words."`
	On     string `json:"on,omitempty"`
	Target string `json:"target,omitempty"`
	Note   string `json:"note,omitempty"`
}

// InquiryDetail is one inquiry with its answers.
type InquiryDetail struct {
	Inquiry
	By      string          `json:"by,omitempty"`
	Company string          `json:"company,omitempty"`
	Sent    bool            `json:"sent" doc:"Else the answers are a draft."`
	Answers []InquiryAnswer `json:"answers" nullable:"false"`
}

func (s *server) getInquiry(ctx context.Context, f facility.ID, in *ByID) (out InquiryDetail, err error) {
	i, err := s.Inquiries.Get(ctx, f, in.ID)
	if err != nil {
		return out, err
	}
	out = InquiryDetail{Inquiry: viewInquiry(i), Answers: []InquiryAnswer{}}
	if i.Kind == inquiry.Survey {
		return out, nil // its answers are told by the survey, within its limits
	}
	_, items, err := s.Inquiries.Items(ctx, i)
	if err != nil {
		return out, err
	}
	sheets, err := s.Inquiries.Sheets(ctx, f, in.ID)
	if err != nil || len(sheets) == 0 {
		return out, err
	}
	out.By, out.Company, out.Sent = sheets[0].By, sheets[0].Company, sheets[0].State == inquiry.Sent
	for _, item := range items {
		if a, ok := sheets[0].Answers[item.ID]; ok {
			out.Answers = append(out.Answers, InquiryAnswer{item.ID, string(a.Reply), a.Shown(item).For(ctx), a.On, a.Target, a.Note})
		}
	}
	return out, nil
}

type remindInquiry struct {
	ByID
	Body struct {
		Due time.Time `json:"due,omitzero" doc:"A new due day."`
	}
}

func (s *server) remindInquiry(ctx context.Context, f facility.ID, in *remindInquiry) (InquiryLetters, error) {
	l, err := s.Inquiries.Remind(ctx, f, in.ID, in.Body.Due)
	if err != nil {
		return InquiryLetters{}, err
	}
	return viewLetters([]inquiry.Letter{l}, nil), nil
}

func (s *server) revokeInquiry(ctx context.Context, f facility.ID, in *reasonOf) error {
	return s.Inquiries.Revoke(ctx, f, in.ID, in.Body.Reason)
}

func (s *server) refuseInquiry(ctx context.Context, f facility.ID, in *reasonOf) error {
	return s.Inquiries.Refuse(ctx, f, in.ID, in.Body.Reason)
}

func (s *server) returnInquiry(ctx context.Context, f facility.ID, in *reasonOf) error {
	return s.Inquiries.GiveBack(ctx, f, in.ID, in.Body.Reason)
}

type takeInquiry struct {
	ByID
	Body struct {
		Revision int64 `json:"revision" doc:"Of the inquiry that was looked at."`
		Replace  bool  `json:"replace,omitempty" doc:"Replace what the hospital answered otherwise."`
	}
}

func (s *server) takeInquiry(ctx context.Context, f facility.ID, in *takeInquiry) error {
	return s.Inquiries.TakeIn(ctx, f, in.ID, in.Body.Revision, in.Body.Replace)
}

type addQuestion struct {
	Body struct {
		Question  string    `json:"question,omitempty" maxLength:"80" doc:"The id of an assessment's question, which gets the answer."`
		Catalogue string    `json:"catalogue" maxLength:"100"`
		Item      string    `json:"item" maxLength:"100"`
		Vendor    string    `json:"vendor,omitempty" maxLength:"80" doc:"The supplier's id; missing: the support body."`
		Text      string    `json:"text,omitempty" maxLength:"2000"`
		Due       time.Time `json:"due,omitzero"`
	}
}

func (s *server) addQuestion(ctx context.Context, f facility.ID, in *addQuestion) (InquiryLetters, error) {
	b := in.Body
	l, err := s.Inquiries.AskQuestion(ctx, f, inquiry.Asking{ID: b.Question, Catalogue: b.Catalogue, Item: b.Item, Vendor: b.Vendor, Text: b.Text, Due: b.Due})
	if err != nil {
		return InquiryLetters{}, err
	}
	if b.Question != "" {
		if err := s.Assess.Sent(ctx, f, b.Question); err != nil {
			return InquiryLetters{}, err
		}
	}
	return viewLetters([]inquiry.Letter{l}, nil), nil
}

// SurveyHead is one survey.
type SurveyHead struct {
	ID        string    `json:"id"`
	State     string    `json:"state" enum:"open,closed"`
	Catalogue string    `json:"catalogue"`
	Title     string    `json:"title"`
	Named     bool      `json:"named"`
	Due       time.Time `json:"due"`
	Created   time.Time `json:"created"`
}

func viewPoll(p inquiry.Poll) SurveyHead {
	return SurveyHead{p.ID, p.State, p.Catalogue, p.Title, p.Named, p.Due, p.Created}
}

type listSurveys struct{ Paging }

func (s *server) listSurveys(ctx context.Context, f facility.ID, _ *listSurveys) (Page[SurveyHead], error) {
	all, err := s.Inquiries.Surveys(ctx, f)
	items := make([]SurveyHead, len(all))
	for k, p := range all {
		items[k] = viewPoll(p)
	}
	return page(items, ""), err
}

type addSurvey struct {
	Body struct {
		Catalogue   string    `json:"catalogue" maxLength:"100" example:"survey-departments"`
		Title       string    `json:"title,omitempty" maxLength:"200"`
		Word        string    `json:"word,omitempty" maxLength:"2000"`
		Named       bool      `json:"named,omitempty" doc:"Ask for names; else nobody learns who answered."`
		Due         time.Time `json:"due,omitzero"`
		Departments []string  `json:"departments" minItems:"1" maxItems:"200" doc:"Each a name, with a comma and a mail address behind it where it is to be mailed."`
	}
}

// SurveySent is a survey with its links.
type SurveySent struct {
	SurveyHead
	InquiryLetters
}

func (s *server) addSurvey(ctx context.Context, f facility.ID, in *addSurvey) (out SurveySent, err error) {
	text := ""
	for _, d := range in.Body.Departments {
		text += d + "\n"
	}
	departments, err := inquiry.ReadDepartments(text)
	if err != nil {
		return out, err
	}
	p, letters, err := s.Inquiries.StartSurvey(ctx, f, inquiry.Poll{Catalogue: in.Body.Catalogue, Title: in.Body.Title, Word: in.Body.Word, Named: in.Body.Named, Due: in.Body.Due}, departments)
	return SurveySent{viewPoll(p), viewLetters(letters, nil)}, err
}

// SurveyTally is what a survey brought in.
type SurveyTally struct {
	SurveyHead
	Sent        int                `json:"sent" doc:"Sheets in all."`
	Shown       bool               `json:"shown" doc:"Whether answers may be told."`
	Departments []SurveyDepartment `json:"departments" nullable:"false"`
	Items       []SurveyItem       `json:"items" nullable:"false"`
}

// SurveyDepartment is how many of a department answered.
type SurveyDepartment struct {
	Inquiry string `json:"inquiry"`
	Name    string `json:"name"`
	Sent    int    `json:"sent"`
}

// SurveyItem is the answers to one item.
type SurveyItem struct {
	Item    string        `json:"item"`
	Choices []string      `json:"choices" nullable:"false"`
	Counts  []SurveyCount `json:"counts" nullable:"false" doc:"The first is the sum; departments that may not stand alone are only in it."`
	Words   []string      `json:"words" nullable:"false"`
}

// SurveyCount is how often each choice was given.
type SurveyCount struct {
	Department string `json:"department,omitempty"`
	Of         int    `json:"of"`
	Choice     []int  `json:"choice" nullable:"false"`
}

func (s *server) getSurvey(ctx context.Context, f facility.ID, in *ByID) (out SurveyTally, err error) {
	t, err := s.Inquiries.Tally(ctx, f, in.ID)
	if err != nil {
		return out, err
	}
	out = SurveyTally{SurveyHead: viewPoll(t.Poll), Sent: t.Sent, Shown: t.Shown, Departments: []SurveyDepartment{}, Items: []SurveyItem{}}
	for _, d := range t.Departments {
		out.Departments = append(out.Departments, SurveyDepartment{d.Inquiry.ID, d.Inquiry.SubjectName, d.Sent})
	}
	for _, i := range t.Items {
		item := SurveyItem{Item: i.Item.ID, Choices: texts(ctx, inquiry.Choices(i.Item)), Counts: []SurveyCount{{"", i.All.Of, append([]int{}, i.All.Choice...)}}, Words: []string{}}
		for k, d := range t.Departments {
			if d.Alone {
				item.Counts = append(item.Counts, SurveyCount{d.Inquiry.SubjectName, i.By[k].Of, append([]int{}, i.By[k].Choice...)})
			}
		}
		for _, w := range i.Words {
			item.Words = append(item.Words, w.Text)
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func texts(ctx context.Context, list []i18n.Text) []string {
	out := []string{}
	for _, t := range list {
		out = append(out, t.For(ctx))
	}
	return out
}

func (s *server) closeSurvey(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Inquiries.CloseSurvey(ctx, f, in.ID)
}
