package api

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/attachment"
	"kenshin/drill/letter"
	"kenshin/drill/roster"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// composeRoutes are what a drill is made of, and who may get it.
func (s *server) composeRoutes() []route {
	see, edit, manage := actor.SeeDrill, actor.EditDrill, actor.ManageDrill
	return []route{
		{"GET", "/drills/lessons", see, "list-drill-lessons", "The lessons that a course can carry, and the director's notice", "Name its id as course in a new drill.", list(s, s.listLessons)},
		{"GET", "/drills/parts", see, "get-drill-parts", "What a mail can be made of: placeholders, landing pages, attachments, and the cues of the Phish Scale", "", one(s, s.drillParts)},
		{"POST", "/drills/check", edit, "check-drill-mail", "What the lint says of a mail, the cues that it seems to hold, and its difficulty", "Nothing is stored. The cues are proposals; the rating counts those that you name.", one(s, s.checkMail)},
		{"POST", "/drills/people/text", edit, "read-drill-people-text", "Take mailboxes from pasted text: addresses, CSV lines, or cells copied from a sheet",
			"Rows with trouble are told with line and reason and not taken; the good ones are. With check nothing is stored.", one(s, s.readPeopleText)},
		{"POST", "/drills/people/file", edit, "read-drill-people-file", "Take mailboxes from an Excel file or a CSV",
			"multipart/form-data with the field file, at most 20 MB. Rows with trouble are told with line and reason and not taken; the good ones are. With check=true nothing is stored.",
			uploading("xlsx or CSV (UTF-8, UTF-16 or CP932), at most 20 MB.", one(s, s.readPeopleFile))},
		{"GET", "/drills/settings/dkim", manage, "get-drill-dkim", "The key that signs mails, as DNS must tell it", "The private part is never answered.", one(s, s.getSigning)},
		{"POST", "/drills/settings/dkim", manage, "make-drill-dkim", "Make a new signing key", "The old one is gone. Publish the record before the next drill.", one(s, s.makeSigning)},
		{"GET", "/drills/{id}/approvals", see, "list-drill-approvals", "Who approved what of a drill, the newest first", "An approval counts only for the hash that it names.", list(s, s.listApprovals, approvalColumns...)},
	}
}

// DrillLesson is a lesson that a course can carry.
type DrillLesson struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	For       string   `json:"for,omitempty" doc:"Who should read it."`
	Cues      []string `json:"cues" nullable:"false" doc:"Of the Phish Scale, that it teaches."`
	Steps     []string `json:"steps" nullable:"false"`
	Questions int      `json:"questions"`
}

func (s *server) listLessons(ctx context.Context, _ facility.ID, _ *listWhole) (Page[DrillLesson], error) {
	book, err := s.Drills.Lessons()
	if err != nil {
		return Page[DrillLesson]{}, err
	}
	items := []DrillLesson{{ID: drill.NoticeID, Title: book.Notice.Title.For(ctx), Cues: []string{}, Steps: []string{}}}
	for _, x := range book.Sets {
		v := DrillLesson{ID: x.ID, Title: x.Title.For(ctx), For: x.For.For(ctx), Cues: []string{}, Steps: []string{}, Questions: len(x.Questions)}
		for _, c := range x.Cues {
			v.Cues = append(v.Cues, string(c))
		}
		for _, st := range x.Steps {
			v.Steps = append(v.Steps, st.Do.For(ctx))
		}
		items = append(items, v)
	}
	return page(items, ""), nil
}

// DrillParts are what a mail can be made of.
type DrillParts struct {
	Placeholders []DrillPart `json:"placeholders" nullable:"false"`
	Landings     []DrillPart `json:"landings" nullable:"false"`
	Attachments  []string    `json:"attachments" nullable:"false"`
	Cues         []DrillPart `json:"cues" nullable:"false"`
	Premise      []string    `json:"premise" nullable:"false" doc:"The five elements, each rated 0, 2, 4, 6 or 8."`
}

// DrillPart is one of them.
type DrillPart struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Look string `json:"look,omitempty" doc:"What a staff member looks at."`
}

func (s *server) drillParts(ctx context.Context, _ facility.ID, _ *struct{}) (out DrillParts, _ error) {
	out = DrillParts{Placeholders: []DrillPart{}, Landings: []DrillPart{}, Attachments: []string{}, Cues: []DrillPart{}, Premise: []string{}}
	for _, n := range letter.Names() {
		out.Placeholders = append(out.Placeholders, DrillPart{ID: "{{" + n.Ja + "}}", Name: n.Means.For(ctx)})
	}
	for _, l := range scenario.Landings() {
		out.Landings = append(out.Landings, DrillPart{ID: string(l), Name: l.Name().For(ctx)})
	}
	for _, k := range attachment.Kinds() {
		out.Attachments = append(out.Attachments, string(k))
	}
	for _, c := range scale.Cues() {
		out.Cues = append(out.Cues, DrillPart{ID: string(c.ID), Name: c.Name.For(ctx), Look: c.LookFor.For(ctx)})
	}
	for _, e := range scale.Elements() {
		out.Premise = append(out.Premise, e.For(ctx))
	}
	return out, nil
}

// DrillCheck is what is to be said of a mail before it is stored.
type DrillCheck struct {
	Problems    []DrillProblem    `json:"problems" nullable:"false" doc:"With any of these the mail cannot be sent."`
	Suggestions []DrillSuggestion `json:"suggestions" nullable:"false" doc:"Cues that the machine finds."`
	Rating      drill.Rating      `json:"rating" doc:"As it would be stored: the difficulty is reckoned from cues and premise."`
	Recipients  int               `json:"recipients" doc:"Staff whom the audience holds now."`
}

// DrillProblem is a place of a mail that the lint refuses.
type DrillProblem struct {
	Part string `json:"part"`
	Line int    `json:"line"`
	Text string `json:"text"`
	Says string `json:"says"`
}

// DrillSuggestion is a cue that the machine finds.
type DrillSuggestion struct {
	drill.Cue
	Why string `json:"why"`
}

func (s *server) checkMail(ctx context.Context, f facility.ID, in *addDrill) (out DrillCheck, err error) {
	d, err := s.drillOf(ctx, f, &in.Body)
	if err != nil {
		return out, err
	}
	set, err := s.Drills.Settings(ctx, f)
	if err != nil {
		return out, err
	}
	problems, err := s.Drills.Lint(d, set)
	if err != nil {
		return out, err
	}
	out = DrillCheck{Problems: []DrillProblem{}, Suggestions: []DrillSuggestion{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, DrillProblem{Part: string(p.Part), Line: p.Line, Text: p.Text, Says: p.In(i18n.From(ctx))})
	}
	for _, x := range d.Mail.Suggest(set.Domain) {
		out.Suggestions = append(out.Suggestions, DrillSuggestion{x.Cue, x.Why.For(ctx)})
	}
	if out.Rating, err = d.Rating.Tidy(); err != nil {
		return out, err
	}
	staff, err := s.Drills.People(ctx, f, drill.PeopleFilter{})
	for _, p := range staff.People {
		if d.Audience.Has(p) {
			out.Recipients++
		}
	}
	return out, err
}

// PeopleRead is what came of a list of mailboxes.
type PeopleRead struct {
	Rows       int                `json:"rows" doc:"With something in them, below the header: always good and rejected together."`
	Good       int                `json:"good"`
	Added      int                `json:"added" doc:"0 with check."`
	Changed    int                `json:"changed"`
	Rejected   []RejectedRow      `json:"rejected" nullable:"false"`
	Warnings   []string           `json:"warnings" nullable:"false" doc:"About the file as a whole."`
	Columns    []roster.Column    `json:"columns" nullable:"false" doc:"How it was read; empty for a plain list of addresses."`
	Recipients []roster.Recipient `json:"recipients,omitempty" doc:"The good rows, with check."`
}

// RejectedRow is one row that was not taken.
type RejectedRow struct {
	Line  int         `json:"line" doc:"In the file or the text, from 1."`
	Cell  string      `json:"cell,omitempty" example:"C12"`
	Value string      `json:"value,omitempty"`
	Code  roster.Code `json:"code"`
	Says  string      `json:"says"`
}

// PeopleHow says what a list is for and how to read it.
type PeopleHow struct {
	Role    string   `query:"role" json:"role,omitempty" enum:",staff,canary,test" doc:"What they are for; empty: staff."`
	Columns []string `query:"column" json:"columns,omitempty" maxItems:"200" doc:"Corrects what a column holds, as index:field with the index from 0. Fields: email, family, given, name, kana, department, job; nothing: left out." example:"2:department"`
	Replace bool     `query:"replace" json:"replace,omitempty" doc:"It is the whole staff: who is not named is taken off the list."`
	Check   bool     `query:"check" json:"check,omitempty" doc:"Only read it: nothing is stored."`
}

type readPeopleText struct {
	Body struct {
		PeopleHow
		Text string `json:"text" minLength:"1" maxLength:"900000"`
	}
}

func (s *server) readPeopleText(ctx context.Context, f facility.ID, in *readPeopleText) (PeopleRead, error) {
	file, err := roster.Pasted(in.Body.Text)
	if err != nil {
		return PeopleRead{}, err
	}
	return s.readPeople(ctx, f, file, in.Body.PeopleHow)
}

type readPeopleFile struct {
	PeopleHow
	Upload
}

func (s *server) readPeopleFile(ctx context.Context, f facility.ID, in *readPeopleFile) (PeopleRead, error) {
	part, err := in.part()
	if err != nil {
		return PeopleRead{}, err
	}
	content, err := io.ReadAll(io.LimitReader(part, roster.MaxFile+1))
	if err != nil {
		return PeopleRead{}, fault.Wrap(fault.Invalid, err, "ファイルを最後まで受け取れませんでした。", "The file did not arrive whole.")
	}
	file, err := roster.Open(bytes.NewReader(content), int64(len(content)), part.FileName())
	if err != nil {
		return PeopleRead{}, err
	}
	return s.readPeople(ctx, f, file, in.PeopleHow)
}

// readPeople reads a list as the console does, and puts its good rows among the recipients.
func (s *server) readPeople(ctx context.Context, f facility.ID, file *roster.File, how PeopleHow) (out PeopleRead, err error) {
	var m roster.Mapping
	if !file.Plain() {
		if m, err = file.Guess(); err != nil {
			return out, err
		}
	}
	if err := correct(&m, how.Columns); err != nil {
		return out, err
	}
	own, err := s.Drills.Owned(ctx, f)
	if err != nil {
		return out, err
	}
	list, err := file.Read(m, own)
	if err != nil {
		return out, err
	}
	out = PeopleRead{Rows: list.Rows, Good: len(list.Recipients), Rejected: []RejectedRow{}, Warnings: []string{}, Columns: full(m.Columns)}
	for _, r := range list.Rejected {
		out.Rejected = append(out.Rejected, RejectedRow{r.Line, r.Cell, r.Value, r.Code, r.Why.For(ctx)})
	}
	for _, w := range list.Warnings {
		out.Warnings = append(out.Warnings, w.Text.For(ctx))
	}
	if how.Check {
		out.Recipients = list.Recipients
		return out, nil
	}
	role := drill.PersonRole(how.Role)
	if role == "" {
		role = drill.Staff
	}
	if out.Good == 0 && !how.Replace { // the rows say why
		return out, nil
	}
	out.Added, out.Changed, err = s.Drills.TakeRoster(ctx, f, list, role, how.Replace)
	return out, err
}

// correct changes what was guessed of columns.
func correct(m *roster.Mapping, columns []string) error {
	for _, text := range columns {
		at, field, ok := strings.Cut(text, ":")
		n, err := strconv.Atoi(at)
		i := slices.IndexFunc(m.Columns, func(c roster.Column) bool { return c.Index == n })
		if !ok || err != nil || i < 0 {
			return fault.Newf(fault.Invalid, "column は「2:department」のように、表にある列の番号で書いてください(%[1]s)。", "Write column like 2:department, with a column that the table has (%[1]s).", clipped(text, 40))
		}
		m.Columns[i].Field = roster.Field(field)
	}
	return nil
}

func clipped(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// DrillSigning is the key that signs mails.
type DrillSigning struct {
	Selector string `json:"selector,omitempty" doc:"Missing: nothing is signed."`
	Host     string `json:"host,omitempty" doc:"Where the TXT record belongs; missing until the senders' domain is set." example:"k1._domainkey.training.hospital.example.jp"`
	Record   string `json:"record,omitempty" doc:"The TXT record (RFC 6376)."`
}

func (s *server) getSigning(ctx context.Context, f facility.ID, _ *struct{}) (DrillSigning, error) {
	set, err := s.Drills.Settings(ctx, f)
	return DrillSigning(set.Signing()), err
}

type makeSigning struct {
	Body struct {
		Selector string `json:"selector" minLength:"1" maxLength:"63" doc:"Lower-case letters, digits and -." example:"k1"`
	}
}

func (s *server) makeSigning(ctx context.Context, f facility.ID, in *makeSigning) (DrillSigning, error) {
	x, err := s.Drills.MakeKey(ctx, f, in.Body.Selector)
	return DrillSigning(x), err
}

// DrillApproval is a second person's word.
type DrillApproval struct {
	By   string    `json:"by"`
	Hash string    `json:"hash" doc:"Of what was approved."`
	Now  bool      `json:"now" doc:"It is the hash of what stands there now."`
	At   time.Time `json:"at"`
}

var approvalColumns = []col[DrillApproval]{
	{"at", func(v *DrillApproval) any { return when(v.At) }}, {"by", func(v *DrillApproval) any { return v.By }}, {"hash", func(v *DrillApproval) any { return v.Hash }}, {"now", func(v *DrillApproval) any { return yes(v.Now) }},
}

func (s *server) listApprovals(ctx context.Context, f facility.ID, in *listWholeOfOne) (Page[DrillApproval], error) {
	d, err := s.Drills.Get(ctx, f, in.ID)
	if err != nil {
		return Page[DrillApproval]{}, err
	}
	list, err := s.Drills.Approvals(ctx, f, in.ID)
	items := make([]DrillApproval, len(list))
	for i, a := range list {
		items[i] = DrillApproval{By: a.Name, Hash: a.Hash, Now: a.Hash == d.Hash, At: a.At}
	}
	return page(items, ""), err
}
