package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// answerRoutes are what belongs to inquiries beside asking: workbooks, visits, files, history, how forms are sent.
func (s *server) answerRoutes() []route {
	see, edit := actor.SeeInquiry, actor.EditAssess
	return []route{
		{"GET", "/inquiries/settings", edit, "get-inquiry-settings", "How forms are sent", "", one(s, s.getSending)},
		{"PUT", "/inquiries/settings", edit, "set-inquiry-settings", "Change how forms are sent", "What is missing in the body is emptied; all of it is refused where one part is wrong.", one(s, s.setSending)},
		{"GET", "/inquiries/targets", see, "list-inquiry-targets", "The systems, and how the vendor form stands for each", "", list(s, s.listAskable, askedColumns...)},
		{"GET", "/inquiries/{id}/history", see, "list-inquiry-history", "What happened to an inquiry, the newest first", "", list(s, s.inquiryHistory, stepColumns...)},
		{"GET", "/inquiries/{id}/attachments", see, "list-inquiry-attachments", "The files that the addressee sent along", "", list(s, s.inquiryFiles)},
		{"GET", "/inquiries/{id}/attachments/{file}", see, "get-inquiry-attachment", "One of them", "Always to be saved, never to be shown.", download(s, s.inquiryFile, octets)},
		{"GET", "/inquiries/{id}/workbook", edit, "get-inquiry-workbook", "The vendor form as a workbook to be filled in", "Locked but for the cells to fill in. Rows may be sorted; the item's id tells them apart.", download(s, s.getWorkbook, xlsxType)},
		{"POST", "/inquiries/{id}/workbook", edit, "read-inquiry-workbook", "Look at a workbook that came back",
			"multipart/form-data with the field file, at most 5 MB. Nothing changes yet: the answer says what it would change. With problems it cannot be taken.",
			uploading("The workbook, at most 5 MB.", one(s, s.readWorkbook))},
		{"POST", "/inquiries/{id}/workbook/take", edit, "take-inquiry-workbook", "Take the workbook over as the vendor's answer",
			"What is not complete becomes a draft. /take makes the answers count then.", one(s, s.takeWorkbook)},
		{"GET", "/inquiries/{id}/visit", see, "get-visit-sheet", "A department's answers beside what was measured, with the visitor's notes", "Of a nameless survey no answers.", one(s, s.getVisit)},
		{"PUT", "/inquiries/{id}/visit", edit, "edit-visit-notes", "Write a visitor's notes", "Items that are not named stay. Each note names the revision that it stands on (0: none yet); where one was changed meanwhile none is kept.", one(s, s.saveVisit)},
	}
}

// InquirySettings say how forms are sent.
type InquirySettings struct {
	Base    string `json:"base" maxLength:"300" doc:"How vendors' browsers reach the pages." example:"https://kaitou.example.jp"`
	Contact string `json:"contact" maxLength:"200" doc:"Whom to ask, on every page and in every mail."`
	Support string `json:"support" maxLength:"300" doc:"The support body's mail address."`
	Days    int    `json:"days" minimum:"1" maximum:"365" doc:"How long a link can be used."`
	Weeks   int    `json:"weeks" minimum:"1" maximum:"26" doc:"Within how many weeks an answer is asked for."`
	Remind  []int  `json:"remind" maxItems:"5" nullable:"false" doc:"Days before the due day on which a reminder goes out."`
}

func (s *server) getSending(ctx context.Context, f facility.ID, _ *struct{}) (InquirySettings, error) {
	x, err := s.Inquiries.Settings(ctx, f)
	x.Remind = full(x.Remind)
	return InquirySettings(x), err
}

type setSending struct{ Body InquirySettings }

func (s *server) setSending(ctx context.Context, f facility.ID, in *setSending) (InquirySettings, error) {
	if err := s.Inquiries.SaveSettings(ctx, f, inquiry.Settings(in.Body)); err != nil {
		return InquirySettings{}, err
	}
	return s.getSending(ctx, f, nil)
}

// InquiryTarget is a system and how its vendor's form stands.
type InquiryTarget struct {
	System   string `json:"system"`
	Name     string `json:"name"`
	Vendor   string `json:"vendor,omitempty" doc:"Id of the supplier; missing: none is chosen in the ledger, so nobody can be asked."`
	Company  string `json:"company,omitempty"`
	Inquiry  string `json:"inquiry,omitempty" doc:"The newest one; missing: not asked."`
	State    string `json:"state,omitempty" enum:"waiting,answered,taken,refused,revoked"`
	Answered int    `json:"answered" doc:"Items."`
	Of       int    `json:"of"`
}

var askedColumns = []col[InquiryTarget]{
	{"system", func(v *InquiryTarget) any { return v.System }}, {"name", func(v *InquiryTarget) any { return v.Name }}, {"company", func(v *InquiryTarget) any { return v.Company }},
	{"inquiry", func(v *InquiryTarget) any { return v.Inquiry }}, {"state", func(v *InquiryTarget) any { return v.State }},
	{"answered", func(v *InquiryTarget) any { return v.Answered }}, {"of", func(v *InquiryTarget) any { return v.Of }},
}

func (s *server) listAskable(ctx context.Context, f facility.ID, _ *listWhole) (Page[InquiryTarget], error) {
	c, err := s.Inquiries.VendorForm(ctx)
	if err != nil {
		return Page[InquiryTarget]{}, err
	}
	all, err := s.Inquiries.Targets(ctx, f, c)
	items := make([]InquiryTarget, len(all))
	for i, t := range all {
		v := InquiryTarget{System: t.System.ID, Name: t.System.Name, Vendor: t.Vendor.ID, Company: t.Vendor.Name, Answered: t.Answered, Of: t.Of}
		if v.Company == "" {
			v.Company = t.System.Vendor
		}
		if t.Inquiry != nil {
			v.Inquiry, v.State = t.Inquiry.ID, string(t.Inquiry.State)
		}
		items[i] = v
	}
	return page(items, ""), err
}

// InquiryStep is something that happened to an inquiry.
type InquiryStep struct {
	At   time.Time `json:"at"`
	What string    `json:"what" example:"answered"`
	By   string    `json:"by"`
	Says string    `json:"says"`
}

var stepColumns = []col[InquiryStep]{
	{"at", func(v *InquiryStep) any { return when(v.At) }}, {"what", func(v *InquiryStep) any { return v.What }}, {"by", func(v *InquiryStep) any { return v.By }}, {"says", func(v *InquiryStep) any { return v.Says }},
}

func (s *server) inquiryHistory(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[InquiryStep], error) {
	if _, err := s.Inquiries.Get(ctx, f, in.ID); err != nil {
		return Page[InquiryStep]{}, err
	}
	all, err := s.Inquiries.History(ctx, f, in.ID)
	items := make([]InquiryStep, len(all))
	for i, x := range all {
		items[i] = InquiryStep{x.At, x.What, x.ByName, x.Says}
	}
	return page(items, ""), err
}

func (s *server) inquiryFiles(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[Attachment], error) {
	files, err := s.Inquiries.Files(ctx, f, in.ID)
	return page(viewAttachments(files), ""), err
}

func (s *server) inquiryFile(ctx context.Context, f facility.ID, in *oneFile) (handed, error) {
	r, err := s.Inquiries.OpenFile(ctx, f, in.ID, in.File)
	if err != nil {
		return handed{}, err
	}
	return handStored(r), nil
}

func (s *server) getWorkbook(ctx context.Context, f facility.ID, in *ByID) (handed, error) {
	i, err := s.Inquiries.Get(ctx, f, in.ID)
	if err != nil {
		return handed{}, err
	}
	var b bytes.Buffer
	if err := s.Inquiries.Workbook(ctx, f, i.ID, &b); err != nil {
		return handed{}, err
	}
	return handOut("回答票_"+i.SubjectName+"_"+i.VendorName+".xlsx", xlsxType, b.Bytes()), nil
}

// WorkbookPreview is what a workbook that came back would do.
type WorkbookPreview struct {
	Staged   string           `json:"staged,omitempty" doc:"For /workbook/take; missing where there are problems."`
	File     string           `json:"file"`
	By       string           `json:"by"`
	Company  string           `json:"company"`
	Changes  []WorkbookChange `json:"changes" nullable:"false"`
	Same     int              `json:"same" doc:"Items that say what is there already."`
	Outdated bool             `json:"outdated" doc:"Answers were saved after this workbook was made."`
	Lacks    string           `json:"lacks,omitempty" doc:"Why it could not be sent in as it is; taken over, it becomes a draft."`
	Problems []WorkbookFault  `json:"problems" nullable:"false" doc:"Why it is not taken."`
}

// WorkbookChange is one item that a workbook would change.
type WorkbookChange struct {
	Item   string        `json:"item"`
	Before InquiryAnswer `json:"before"`
	After  InquiryAnswer `json:"after"`
}

// WorkbookFault is what is wrong in a workbook, with its place.
type WorkbookFault struct {
	Sheet string    `json:"sheet"`
	Row   int       `json:"row" doc:"As Excel counts; 0: the sheet as a whole."`
	Text  i18n.Text `json:"text"`
}

type readWorkbook struct {
	ByID
	Upload
}

const maxWorkbook = 5 << 20

func (s *server) readWorkbook(ctx context.Context, f facility.ID, in *readWorkbook) (out WorkbookPreview, err error) {
	if _, err := s.Inquiries.Get(ctx, f, in.ID); err != nil {
		return out, err
	}
	part, err := in.part()
	if err != nil {
		return out, err
	}
	raw, err := io.ReadAll(io.LimitReader(part, maxWorkbook+1)) // one more, so that the book refuses what is too large
	if err != nil {
		return out, err
	}
	p, err := s.Inquiries.ReadWorkbook(ctx, f, in.ID, bytes.NewReader(raw), int64(len(raw)), part.FileName())
	if err != nil {
		return out, err
	}
	out = WorkbookPreview{Staged: p.Staged, File: p.File, By: p.By, Company: p.Company, Changes: []WorkbookChange{}, Same: p.Same, Outdated: p.Old, Lacks: p.Lacks, Problems: []WorkbookFault{}}
	for _, d := range p.Changes {
		say := func(a inquiry.Answer) InquiryAnswer {
			return InquiryAnswer{d.Item.ID, string(a.Reply), a.Shown(d.Item).For(ctx), a.On, a.Target, a.Note}
		}
		out.Changes = append(out.Changes, WorkbookChange{d.Item.ID, say(d.Before), say(d.After)})
	}
	for _, x := range p.Problems {
		out.Problems = append(out.Problems, WorkbookFault(x))
	}
	return out, nil
}

type takeWorkbook struct {
	ByID
	Body struct {
		Staged  string `json:"staged" minLength:"1" maxLength:"80" doc:"As the preview named it."`
		Replace bool   `json:"replace,omitempty" doc:"Replace the answers that are there."`
	}
}

func (s *server) takeWorkbook(ctx context.Context, f facility.ID, in *takeWorkbook) (InquiryDetail, error) {
	if _, err := s.Inquiries.TakeWorkbook(ctx, f, in.ID, in.Body.Staged, in.Body.Replace); err != nil {
		return InquiryDetail{}, err
	}
	return s.getInquiry(ctx, f, &in.ByID)
}

// VisitSheet is a department's answers beside what was measured.
type VisitSheet struct {
	Inquiry string      `json:"inquiry"`
	Name    string      `json:"name" doc:"The department."`
	Title   string      `json:"title"`
	Named   bool        `json:"named" doc:"false: nobody may see what a department answered."`
	Items   []VisitItem `json:"items" nullable:"false"`
}

// VisitItem is one item of a visit sheet.
type VisitItem struct {
	Item     string           `json:"item"`
	Title    i18n.Text        `json:"title"`
	Answers  []VisitAnswer    `json:"answers" nullable:"false"`
	Evidence []EvidenceRecord `json:"evidence" nullable:"false"`
	Note     string           `json:"note"`
	By       string           `json:"by,omitempty" doc:"Who wrote the note."`
	Revision int64            `json:"revision" doc:"Of the note; 0: there is none."`
}

// VisitAnswer is what one person of the department answered.
type VisitAnswer struct {
	By   string `json:"by"`
	Text string `json:"text"`
	Note string `json:"note,omitempty"`
}

func (s *server) getVisit(ctx context.Context, f facility.ID, in *ByID) (out VisitSheet, err error) {
	i, err := s.Inquiries.Get(ctx, f, in.ID)
	if err != nil {
		return out, err
	}
	if i.Kind != inquiry.Survey {
		return out, fault.New(fault.NotFound, "訪問シートは、部門への調査にだけあります。", "Only surveys have a visit sheet.")
	}
	t, err := s.Inquiries.Tally(ctx, f, i.Survey)
	if err != nil {
		return out, err
	}
	notes, err := s.Inquiries.Notes(ctx, f, i.ID)
	if err != nil {
		return out, err
	}
	var sheets []inquiry.Sheet
	if t.Poll.Named {
		if sheets, err = s.Inquiries.Sheets(ctx, f, i.ID); err != nil {
			return out, err
		}
	}
	measured, err := s.Assess.Measured(ctx, f)
	if err != nil {
		return out, err
	}
	out = VisitSheet{i.ID, i.SubjectName, t.Poll.Title, t.Poll.Named, []VisitItem{}}
	for _, item := range t.Catalogue.Items {
		n := notes[item.ID]
		v := VisitItem{item.ID, item.Title, []VisitAnswer{}, []EvidenceRecord{}, n.Text, n.ByName, n.Revision}
		for _, x := range sheets {
			if a, ok := x.Answers[item.ID]; ok && x.State == inquiry.Sent {
				v.Answers = append(v.Answers, VisitAnswer{x.By, a.Shown(item).For(ctx), a.Note})
			}
		}
		for _, r := range measured(item) {
			v.Evidence = append(v.Evidence, EvidenceRecord{r, r.Hash})
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

type saveVisit struct {
	ByID
	Body struct {
		Notes []VisitNote `json:"notes" minItems:"1" maxItems:"200"`
	}
}

// VisitNote is a note that a visitor wrote beside an item.
type VisitNote struct {
	Item     string `json:"item" maxLength:"80"`
	Text     string `json:"text" maxLength:"8000" doc:"Empty: the note is emptied."`
	Revision int64  `json:"revision" minimum:"0" doc:"That the note stands on; 0: there is none yet."`
}

func (s *server) saveVisit(ctx context.Context, f facility.ID, in *saveVisit) (VisitSheet, error) {
	was, err := s.getVisit(ctx, f, &in.ByID)
	if err != nil {
		return VisitSheet{}, err
	}
	known := map[string]bool{}
	for _, i := range was.Items {
		known[i.Item] = true
	}
	notes := make([]inquiry.Note, len(in.Body.Notes))
	for n, x := range in.Body.Notes {
		if !known[x.Item] {
			return VisitSheet{}, placed(fmt.Sprintf("body.notes[%d].item", n), fault.Newf(fault.Invalid, "項目「%.60s」は質問票にありません。", "There is no item %.60q in the catalogue.", x.Item))
		}
		known[x.Item] = false // named twice is a mistake, too
		notes[n] = inquiry.Note{Item: x.Item, Text: x.Text, Revision: x.Revision}
	}
	if err := s.Inquiries.SaveNotes(ctx, f, in.ID, notes); err != nil {
		return VisitSheet{}, err
	}
	return s.getVisit(ctx, f, &in.ByID)
}
