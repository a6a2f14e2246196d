package api

import (
	"context"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

func (s *server) assessRoutes() []route {
	return []route{
		{"GET", "/evidence", actor.SeeAssess, "list-evidence", "What was measured, the newest first",
			"Each record holds the hash of the one before. at is when it was observed, received when it was written down, until how long it counts.", list(s, s.listEvidence, evidenceColumns...)},
		{"POST", "/evidence/verify", actor.SeeAssess, "verify-evidence", "Check the whole chain of evidence", "Give the head of a pack to have it compared, too.", one(s, s.verifyEvidence)},
		{"GET", "/assessments", actor.SeeAssess, "list-assessments", "The forms of the facility and how far they are", "", list(s, s.listAssessments, formColumns...)},
		{"GET", "/assessments/{id}", actor.SeeAssess, "get-assessment", "One form with every item: the answer, the measurement, the state",
			"id is a catalogue's; subject a system's where the form is about one.", one(s, s.getAssessment)},
		{"GET", "/assessments/{id}/carried", actor.SeeAssess, "list-carried-answers", "What was answered to the edition before, for items that have no answer yet", "", list(s, s.listCarried)},
		{"POST", "/assessments/{id}/carry", actor.EditAssess, "carry-answers", "Answer items as in the edition before, after a person has looked whether that still holds", "Items that somebody answered meanwhile stay as they are; the answer names what was taken over.", one(s, s.carry)},
		{"GET", "/assessments/{id}/items/{item}", actor.SeeAssess, "get-assessment-item", "One item with its answer and its evidence", "", one(s, s.getItem)},
		{"PUT", "/assessments/{id}/items/{item}", actor.EditAssess, "answer-assessment-item", "Answer an item",
			"Send If-Match or revision (0 where nobody has answered yet). Days may be written 2026-04-01 or 令和8年4月1日. The measurement is never changed by an answer.", one(s, s.answerItem)},
		{"GET", "/assessments/{id}/items/{item}/history", actor.SeeAssess, "list-assessment-item-history", "What was ever answered to an item, the newest first", "", list(s, s.itemHistory, sayingColumns...)},
		{"GET", "/questions", actor.SeeAssess, "list-questions", "What was not known and is asked of a vendor or the support body", "", list(s, s.listQuestions, questionColumns...)},
		{"POST", "/questions", actor.EditAssess, "add-question", "Ask about an item", "An item has one open question; asking again changes its words.", one(s, s.askQuestion)},
		{"POST", "/questions/{id}/answer", actor.EditAssess, "answer-question", "Write down the reply", "It does not answer the item.", one(s, s.answerQuestion)},
		{"POST", "/questions/{id}/withdraw", actor.EditAssess, "withdraw-question", "End a question without a reply", "", done(s, s.withdrawQuestion)},
		{"GET", "/level", actor.SeeAssess, "get-level", "The level of network control, by what is claimed and by what is proven, and the next three actions", "", one(s, s.getLevel)},
		{"PUT", "/level/pattern", actor.EditAssess, "set-level-pattern", "Keep the two answers that choose the reference pattern", "", done(s, s.setPattern)},
		{"GET", "/level/advice", actor.SeeAssess, "get-level-advice", "The reference pattern by two questions, and the configurations that fit", "", one(s, s.advice)},
		{"GET", "/yardstick", actor.SeeAssess, "list-yardstick", "The published figures of the bed class beside the facility's own answers", "", list(s, s.yardstick, yardColumns...)},
	}
}

// EvidenceRecord is one result of one check.
type EvidenceRecord struct {
	evidence.Record
	Hash string `json:"hash"`
}

var evidenceColumns = []col[EvidenceRecord]{
	{"seq", func(v *EvidenceRecord) any { return v.Seq }}, {"check", func(v *EvidenceRecord) any { return v.Check }}, {"version", func(v *EvidenceRecord) any { return v.Version }},
	{"subject", func(v *EvidenceRecord) any { return v.Subject }}, {"outcome", func(v *EvidenceRecord) any { return string(v.Outcome) }},
	{"measured", func(v *EvidenceRecord) any { return v.Measured }}, {"of", func(v *EvidenceRecord) any { return v.Of }}, {"from", func(v *EvidenceRecord) any { return when(v.From) }},
	{"at", func(v *EvidenceRecord) any { return when(v.At) }}, {"received", func(v *EvidenceRecord) any { return when(v.Received) }},
	{"until", func(v *EvidenceRecord) any { return when(v.Until) }}, {"says", func(v *EvidenceRecord) any { return v.Says.Ja }}, {"hash", func(v *EvidenceRecord) any { return v.Hash }},
}

type listEvidence struct {
	Paging
	Check   string    `query:"check" maxLength:"100"`
	Subject string    `query:"subject" maxLength:"100" doc:"A system's id."`
	Outcome string    `query:"outcome" enum:"pass,fail,none"`
	Since   time.Time `query:"since"`
}

func (s *server) listEvidence(ctx context.Context, f facility.ID, in *listEvidence) (Page[EvidenceRecord], error) {
	q := evidence.Filter{Check: in.Check, Outcome: evidence.Outcome(in.Outcome), Since: in.Since, Cursor: in.Cursor, Limit: in.Limit}
	if in.Subject != "" {
		q.Subject = &in.Subject
	}
	p, err := s.Evidence.List(ctx, f, q)
	items := make([]EvidenceRecord, len(p.Records))
	for i, r := range p.Records {
		items[i] = EvidenceRecord{r, r.Hash}
	}
	return page(items, p.Next), err
}

// EvidenceHead is the end of the chain.
type EvidenceHead struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at,omitzero"`
}

type verifyEvidence struct {
	Body struct {
		Seq  int64  `json:"seq,omitempty" minimum:"0"`
		Hash string `json:"hash,omitempty" maxLength:"64"`
	}
}

func (s *server) verifyEvidence(ctx context.Context, f facility.ID, in *verifyEvidence) (EvidenceHead, error) {
	h, err := s.Evidence.Verify(ctx, f, evidence.Head{Seq: in.Body.Seq, Hash: in.Body.Hash})
	return EvidenceHead(h), err
}

// Form is how far one form is.
type Form struct {
	ID          string    `json:"id" doc:"Of the catalogue." example:"checklist-r7-facility"`
	Title       i18n.Text `json:"title"`
	Subject     string    `json:"subject,omitempty" doc:"Id of a system."`
	SubjectName string    `json:"subject_name,omitempty"`
	Total       int       `json:"total"`
	Answered    int       `json:"answered"`
	Done        int       `json:"done"`
	Contradicts int       `json:"contradictions"`
}

var formColumns = []col[Form]{
	{"id", func(v *Form) any { return v.ID }}, {"title", func(v *Form) any { return v.Title.Ja }}, {"subject", func(v *Form) any { return v.Subject }},
	{"subject_name", func(v *Form) any { return v.SubjectName }}, {"total", func(v *Form) any { return v.Total }}, {"answered", func(v *Form) any { return v.Answered }},
	{"done", func(v *Form) any { return v.Done }}, {"contradictions", func(v *Form) any { return v.Contradicts }},
}

func viewForm(a *assess.Assessment) Form {
	return Form{ID: a.Catalogue.ID, Title: a.Catalogue.Title, Subject: a.Subject, SubjectName: a.Name, Total: a.First.Total, Answered: a.First.Ready, Done: a.Second.Ready,
		Contradicts: a.Counts()[assess.Contradicted]}
}

func (s *server) listAssessments(ctx context.Context, f facility.ID, _ *listWhole) (Page[Form], error) {
	list, err := s.Assess.Forms(ctx, f)
	items := make([]Form, len(list))
	for i := range list {
		items[i] = viewForm(&list[i])
	}
	return page(items, ""), err
}

// Reply is what a person says to an item.
type Reply struct {
	Reply    catalogue.Reply `json:"reply" enum:",yes,no,not-applicable,unknown"`
	On       string          `json:"on,omitempty" maxLength:"60" doc:"The day on which it was confirmed: 2026-04-01 or 令和8年4月1日."`
	Target   string          `json:"target,omitempty" maxLength:"60" doc:"For no: by when, in the fiscal year."`
	Reason   string          `json:"reason,omitempty" maxLength:"8000" doc:"For not-applicable."`
	Approver string          `json:"approver,omitempty" maxLength:"800" doc:"For not-applicable: who agreed."`
	Value    string          `json:"value,omitempty" maxLength:"8000" doc:"For items that ask for a choice, a number, words or a day."`
	Note     string          `json:"note,omitempty" maxLength:"8000"`
	Excuse   string          `json:"excuse,omitempty" maxLength:"8000" doc:"Why yes is printed although the measurement says no; printed too."`
}

func viewReply(c assess.Claim, note, excuse string) Reply {
	return Reply{Reply: c.Reply, On: dayText(c.On), Target: dayText(c.Target), Reason: c.Reason, Approver: c.Approver, Value: c.Value, Note: note, Excuse: excuse}
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func (r Reply) claim() (c assess.Claim, err error) {
	c = assess.Claim{Reply: r.Reply, Reason: r.Reason, Approver: r.Approver, Value: r.Value}
	if c.On, err = jp.FullDay(r.On); err != nil {
		return c, placed("body.on", err)
	}
	c.Target, err = jp.FullDay(r.Target)
	return c, placed("body.target", err)
}

// AssessedItem is an item with both columns: what a person says and what was measured.
type AssessedItem struct {
	ID       string           `json:"id"`
	Number   string           `json:"number,omitempty"`
	Title    i18n.Text        `json:"title"`
	State    string           `json:"state" enum:"open,proven,partly,word-only,expired,contradicted,better,not-done,exempt,unmeasured"`
	Label    i18n.Text        `json:"label" doc:"The state in words."`
	Answer   Reply            `json:"answer"`
	By       string           `json:"by,omitempty"`
	Changed  time.Time        `json:"changed,omitzero"`
	Revision int64            `json:"revision"`
	Evidence []EvidenceRecord `json:"evidence" nullable:"false"`
	Files    []Attachment     `json:"attachments" nullable:"false" doc:"Papers beside the answer."`
	Missing  []string         `json:"missing" nullable:"false" doc:"Checks of the item that have no result here."`
}

func (v AssessedItem) revision() int64 { return v.Revision }

// stateNames are the states as scripts read them, in the order of assess.
func stateName(s assess.State) string {
	return [...]string{"open", "proven", "partly", "word-only", "expired", "contradicted", "better", "not-done", "exempt", "unmeasured"}[s]
}

func viewItem(i *assess.Item) AssessedItem {
	out := AssessedItem{ID: i.Item.ID, Number: i.Item.Number, Title: i.Item.Title, State: stateName(i.State), Label: i.State.Label(), Answer: viewReply(i.Claim, i.Note, i.Excuse),
		By: i.ByName, Changed: i.Changed, Revision: i.Revision, Evidence: []EvidenceRecord{}, Files: viewAttachments(i.Files), Missing: []string{}}
	for _, r := range i.Records {
		out.Evidence = append(out.Evidence, EvidenceRecord{r, r.Hash})
	}
	for _, c := range i.Unwritten {
		out.Missing = append(out.Missing, c.ID)
	}
	return out
}

// RoundView is where one round stands.
type RoundView struct {
	Total int       `json:"total"`
	Ready int       `json:"ready"`
	Gaps  []GapView `json:"gaps" nullable:"false"`
}

// GapView is what keeps a round from being complete.
type GapView struct {
	Item string    `json:"item"`
	Why  i18n.Text `json:"why"`
}

func viewRound(r assess.Round) RoundView {
	out := RoundView{Total: r.Total, Ready: r.Ready, Gaps: []GapView{}}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, GapView{g.Item, g.Why})
	}
	return out
}

// AssessmentWhole is one form with all its items.
type AssessmentWhole struct {
	Form
	First  RoundView      `json:"first_round"`
	Second RoundView      `json:"second_round"`
	Items  []AssessedItem `json:"items" nullable:"false"`
}

// OfSubject names a form.
type OfSubject struct {
	ID      string `path:"id" maxLength:"80" example:"checklist-r7-facility"`
	Subject string `query:"subject" maxLength:"80" doc:"Id of a system, where the form is about one."`
}

func (s *server) getAssessment(ctx context.Context, f facility.ID, in *OfSubject) (AssessmentWhole, error) {
	a, err := s.Assess.Assessment(ctx, f, in.ID, in.Subject)
	if err != nil {
		return AssessmentWhole{}, err
	}
	out := AssessmentWhole{Form: viewForm(&a), First: viewRound(a.First), Second: viewRound(a.Second), Items: []AssessedItem{}}
	for n := range a.Items {
		out.Items = append(out.Items, viewItem(&a.Items[n]))
	}
	return out, nil
}

// OfItem names an item of a form.
type OfItem struct {
	OfSubject
	Item string `path:"item" maxLength:"80" example:"r7.2.1"`
}

func (s *server) getItem(ctx context.Context, f facility.ID, in *OfItem) (AssessedItem, error) {
	return s.item(ctx, f, in)
}

func (s *server) item(ctx context.Context, f facility.ID, in *OfItem) (AssessedItem, error) {
	a, err := s.Assess.Assessment(ctx, f, in.ID, in.Subject)
	if err != nil {
		return AssessedItem{}, err
	}
	i, ok := a.Item(in.Item)
	if !ok {
		return AssessedItem{}, noItem()
	}
	return viewItem(&i), nil
}

type answerItem struct {
	OfItem
	IfMatch
	Body struct {
		Reply
		Revision int64 `json:"revision,omitempty" minimum:"0" doc:"Of the answer that it stands on, instead of If-Match; 0: nobody has answered."`
	}
}

func (s *server) answerItem(ctx context.Context, f facility.ID, in *answerItem) (AssessedItem, error) {
	claim, err := in.Body.claim()
	if err != nil {
		return AssessedItem{}, err
	}
	revision, err := in.revision(in.Body.Revision)
	if err != nil {
		return AssessedItem{}, err
	}
	if _, err := s.Assess.SaveClaim(ctx, f, in.ID, in.Subject, in.Item, revision, claim, in.Body.Note, in.Body.Excuse); err != nil {
		return AssessedItem{}, in.judge(err)
	}
	return s.item(ctx, f, &in.OfItem)
}

// Saying is one answer of an item's history.
type Saying struct {
	Answer   Reply     `json:"answer"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Revision int64     `json:"revision"`
}

var sayingColumns = []col[Saying]{
	{"revision", func(v *Saying) any { return v.Revision }}, {"at", func(v *Saying) any { return when(v.At) }}, {"by", func(v *Saying) any { return v.By }},
	{"reply", func(v *Saying) any { return string(v.Answer.Reply) }}, {"on", func(v *Saying) any { return v.Answer.On }}, {"target", func(v *Saying) any { return v.Answer.Target }},
	{"reason", func(v *Saying) any { return v.Answer.Reason }}, {"note", func(v *Saying) any { return v.Answer.Note }},
}

type listOfItem struct {
	OfItem
	Whole
}

func (s *server) itemHistory(ctx context.Context, f facility.ID, in *listOfItem) (Page[Saying], error) {
	if _, err := s.item(ctx, f, &in.OfItem); err != nil {
		return Page[Saying]{}, err
	}
	list, err := s.Assess.History(ctx, f, in.ID, in.Subject, in.Item)
	items := make([]Saying, len(list))
	for i, h := range list {
		items[i] = Saying{viewReply(h.Claim, h.Note, h.Excuse), h.ByName, h.Changed, h.Revision}
	}
	return page(items, ""), err
}

// CarriedAnswer is what was answered to the edition before.
type CarriedAnswer struct {
	Item    string           `json:"item"`
	Reply   catalogue.Reply  `json:"reply" doc:"Empty or unknown: the old answer is not enough for what is asked now."`
	From    []string         `json:"from" nullable:"false" doc:"The older items."`
	Change  catalogue.Change `json:"change,omitempty"`
	Why     i18n.Text        `json:"why,omitzero" doc:"Why there is no reply, where the old one was not enough."`
	Edition string           `json:"edition" doc:"Id of the older catalogue."`
}

type listOfForm struct {
	OfSubject
	Whole
}

func (s *server) listCarried(ctx context.Context, f facility.ID, in *listOfForm) (Page[CarriedAnswer], error) {
	a, err := s.Assess.Assessment(ctx, f, in.ID, in.Subject)
	if err != nil {
		return Page[CarriedAnswer]{}, err
	}
	carried, old, err := s.Assess.Carried(ctx, f, a)
	var items []CarriedAnswer
	for _, i := range a.Items {
		if c, ok := carried[i.Item.ID]; ok && i.Revision == 0 {
			items = append(items, CarriedAnswer{i.Item.ID, c.Reply, full(c.From), c.Change, c.Why, old.Catalogue.ID})
		}
	}
	return page(items, ""), err
}

type carry struct {
	OfSubject
	Body struct {
		Items []string `json:"items" minItems:"1" maxItems:"1000" doc:"Of /carried."`
	}
}

// Taken says which items were answered.
type Taken struct {
	Items []string `json:"items" nullable:"false"`
}

func (s *server) carry(ctx context.Context, f facility.ID, in *carry) (Taken, error) {
	a, err := s.Assess.Assessment(ctx, f, in.ID, in.Subject)
	if err != nil {
		return Taken{}, err
	}
	for n, id := range in.Body.Items {
		if _, ok := a.Item(id); !ok {
			return Taken{}, placed(fmt.Sprintf("body.items[%d]", n), fault.Newf(fault.Invalid, "項目「%.60s」は点検表にありません。", "There is no item %.60q in the catalogue.", id))
		}
	}
	done, err := s.Assess.Carry(ctx, f, a, in.Body.Items)
	return Taken{full(done)}, err
}
