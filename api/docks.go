package api

import (
	"context"
	"io"
	"time"

	"kenshin/actor"
	"kenshin/dock"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// dockRoutes are the yearly check-up as a document.
func (s *server) dockRoutes() []route {
	see, edit := actor.SeeAssess, actor.EditAssess
	return []route{
		{"GET", "/docks", see, "list-docks", "The frozen yearly check-ups, the newest first", "", list(s, s.listDocks, dockColumns...)},
		{"POST", "/docks", edit, "add-dock", "Freeze what is known today into a signed check-up", "It cannot be changed or taken back.", one(s, s.addDock)},
		{"GET", "/docks/routine", see, "get-dock-routine", "The day of the yearly check-up, and where this fiscal year stands", "", one(s, s.getRoutine)},
		{"PUT", "/docks/routine", edit, "set-dock-routine", "Choose the day of the yearly check-up and who sees to it", "month 0: nobody has chosen.", one(s, s.setRoutine)},
		{"POST", "/docks/verify", see, "verify-dock-file", "Check a sealed file: a check-up or a pack that was written years ago, too",
			"multipart/form-data with the field file: the .json as Kenshin wrote it. Checked with this facility's key; the report names what does not hold.",
			uploading("The sealed .json, at most 30 MB.", one(s, s.verifyFile))},
		{"GET", "/docks/{id}", see, "get-dock", "One check-up: everything that was frozen", "", one(s, s.getDock)},
		{"POST", "/docks/{id}/approve", actor.ApproveAssess, "approve-dock", "The director's word on a check-up", "Given once. hash is that of the check-up that was looked at.", one(s, s.approveDock)},
		{"POST", "/docks/{id}/verify", see, "verify-dock", "Check a stored check-up: seal, chain of check-ups, evidence, catalogues", "", one(s, s.verifyDock)},
		{"GET", "/docks/{id}/compare", see, "compare-dock", "One check-up beside an earlier one, item by item of the same lineage", "", one(s, s.compareDock)},
		{"GET", "/docks/{id}/director", see, "get-director-page", "What the director's one page says: level, checklist, biggest risks, money, trend", "", one(s, s.director)},
		{"GET", "/docks/{id}/file", actor.Export, "get-dock-file", "The sealed file of a check-up", "kenshin dock verify checks it without this database.", download(s, s.dockFile, "application/json")},
	}
}

// DockHead is a frozen check-up in the list.
type DockHead struct {
	ID       string        `json:"id"`
	Number   int           `json:"number"`
	Day      string        `json:"day" example:"2026-11-28"`
	Kind     dock.Kind     `json:"kind" enum:"full,short"`
	At       time.Time     `json:"at"`
	By       string        `json:"by"`
	Hash     string        `json:"hash" doc:"SHA-256 of the canonical content, base64."`
	Approval *DockApproval `json:"approval,omitempty"`
}

// DockApproval is the director's word.
type DockApproval struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
}

var dockColumns = []col[DockHead]{
	{"number", func(v *DockHead) any { return v.Number }}, {"day", func(v *DockHead) any { return v.Day }}, {"kind", func(v *DockHead) any { return string(v.Kind) }},
	{"by", func(v *DockHead) any { return v.By }}, {"hash", func(v *DockHead) any { return v.Hash }}, {"id", func(v *DockHead) any { return v.ID }},
	{"approved_by", func(v *DockHead) any {
		if v.Approval == nil {
			return ""
		}
		return v.Approval.By
	}},
}

func viewDock(e dock.Entry) DockHead {
	v := DockHead{ID: e.ID, Number: e.Number, Day: e.Day, Kind: e.Kind, At: e.At, By: e.ByName, Hash: e.Hash}
	if e.Approval != nil {
		a := DockApproval(*e.Approval)
		v.Approval = &a
	}
	return v
}

func (s *server) listDocks(ctx context.Context, f facility.ID, _ *listWhole) (Page[DockHead], error) {
	all, err := s.Docks.List(ctx, f)
	items := make([]DockHead, len(all))
	for i, e := range all {
		items[i] = viewDock(e)
	}
	return page(items, ""), err
}

type addDock struct {
	Body struct {
		Kind      string `json:"kind,omitempty" enum:",full,short" doc:"short: the 10-minute version of a clinic, claims only."`
		Catalogue string `json:"catalogue,omitempty" maxLength:"80" doc:"The checklist; missing: the newest edition that is in force."`
	}
}

func (s *server) addDock(ctx context.Context, f facility.ID, in *addDock) (DockHead, error) {
	w := dock.Want{Kind: dock.Full, Catalogue: in.Body.Catalogue}
	if in.Body.Kind == string(dock.Short) {
		w.Kind = dock.Short
	}
	if w.Catalogue != "" {
		set, err := s.Editions.Set(ctx)
		if err != nil {
			return DockHead{}, err
		}
		if _, ok := set.Find(w.Catalogue); !ok {
			return DockHead{}, placed("body.catalogue", fault.New(fault.Invalid, "この点検表はありません。", "There is no such catalogue."))
		}
	}
	e, err := s.Docks.Freeze(ctx, f, w)
	return viewDock(e), err
}

// DockRoutine is when the yearly check-up is made.
type DockRoutine struct {
	Month     int       `json:"month" minimum:"0" maximum:"12"`
	Day       int       `json:"day" minimum:"0" maximum:"31"`
	Owner     string    `json:"owner,omitempty" maxLength:"80" doc:"Id of a member who may answer; missing: every administrator."`
	OwnerName string    `json:"owner_name,omitempty"`
	Year      int       `json:"fiscal_year"`
	Due       string    `json:"due,omitempty" example:"2026-11-28"`
	Remind    string    `json:"remind,omitempty" enum:"soon,late" doc:"What somebody has to be told now."`
	Done      *DockHead `json:"done,omitempty" doc:"The newest check-up of this fiscal year."`
}

func (s *server) getRoutine(ctx context.Context, f facility.ID, _ *struct{}) (DockRoutine, error) {
	st, err := s.Docks.Standing(ctx, f)
	v := DockRoutine{Month: st.Month, Day: st.Routine.Day, Owner: string(st.Owner), OwnerName: st.OwnerName, Year: st.Year, Due: dayText(st.Due), Remind: string(st.Remind)}
	if st.Done != nil {
		h := viewDock(*st.Done)
		v.Done = &h
	}
	return v, err
}

type setRoutine struct {
	Body struct {
		Month int    `json:"month" minimum:"0" maximum:"12"`
		Day   int    `json:"day" minimum:"0" maximum:"31"`
		Owner string `json:"owner,omitempty" maxLength:"80" doc:"Id of a member who may answer; missing: every administrator."`
	}
}

func (s *server) setRoutine(ctx context.Context, f facility.ID, in *setRoutine) (DockRoutine, error) {
	r := dock.Routine{Month: in.Body.Month, Day: in.Body.Day}
	if in.Body.Owner != "" {
		members, err := s.Account.Members(ctx, f)
		if err != nil {
			return DockRoutine{}, err
		}
		for _, m := range members {
			if string(m.Person.ID) == in.Body.Owner && m.Role.May(actor.EditAssess) {
				r.Owner, r.OwnerName = m.Person.ID, m.Person.Name
			}
		}
		if r.Owner == "" {
			return DockRoutine{}, placed("body.owner", fault.New(fault.Invalid, "担当になれるのは、この施設の情報担当だけです。", "Only an administrator of this facility can be the owner."))
		}
	}
	if err := s.Docks.SetRoutine(ctx, f, r); err != nil {
		if fault.Is(err, fault.Invalid) {
			err = placed("body.day", err)
		}
		return DockRoutine{}, err
	}
	return s.getRoutine(ctx, f, nil)
}

// DockWhole is a check-up with everything that was frozen.
type DockWhole struct {
	DockHead
	Seal     string        `json:"seal" doc:"The signed note over the content."`
	Snapshot dock.Snapshot `json:"snapshot"`
}

func (s *server) getDock(ctx context.Context, f facility.ID, in *ByID) (DockWhole, error) {
	d, err := s.Docks.Get(ctx, f, in.ID)
	return DockWhole{viewDock(d.Entry), d.Seal, d.Snapshot}, err
}

type approveDock struct {
	ByID
	Body struct {
		Hash string `json:"hash" minLength:"1" maxLength:"64" doc:"hash of the check-up that you looked at."`
		Note string `json:"note,omitempty" maxLength:"500"`
	}
}

func (s *server) approveDock(ctx context.Context, f facility.ID, in *approveDock) (DockHead, error) {
	d, err := s.Docks.Get(ctx, f, in.ID)
	if err != nil {
		return DockHead{}, err
	}
	if d.Hash != in.Body.Hash {
		return DockHead{}, placed("body.hash", fault.New(fault.Conflict, "見た健診と違います。いまの内容を確かめてから承認してください。", "This is not the check-up that was looked at. Look at it and approve again."))
	}
	if err := s.Docks.Approve(ctx, f, in.ID, in.Body.Note); err != nil {
		return DockHead{}, err
	}
	d, err = s.Docks.Get(ctx, f, in.ID)
	return viewDock(d.Entry), err
}

// DockReport is what a check of a sealed file found.
type DockReport struct {
	OK       bool       `json:"ok"`
	Pack     bool       `json:"pack" doc:"The file is a pack, else a check-up."`
	Number   int        `json:"number" doc:"Of the check-up; of a pack from the state of its day: 0."`
	Day      string     `json:"day"`
	At       time.Time  `json:"at" doc:"When it was signed."`
	Hash     string     `json:"hash"`
	Key      string     `json:"key" doc:"The verifier key that it was checked with; compare it with the one that was written down."`
	Kept     bool       `json:"kept" doc:"The check-up lies in this database, byte for byte."`
	Chain    int        `json:"chain" doc:"Check-ups of the chain that fit each other."`
	Texts    []DockText `json:"catalogues" nullable:"false"`
	Problems []string   `json:"problems" nullable:"false" doc:"What does not hold, in the language of Accept-Language."`
}

// DockText is a catalogue that was answered from.
type DockText struct {
	Catalogue string `json:"catalogue"`
	Edition   string `json:"edition"`
	SHA256    string `json:"sha256"`
	Here      bool   `json:"here" doc:"Its text of that digest can still be read here."`
}

func viewDockReport(ctx context.Context, r dock.Report) DockReport {
	v := DockReport{OK: r.OK(), Pack: r.Pack, Number: r.Number, Day: r.Snapshot.Day, At: r.At, Hash: r.Hash, Key: r.Signed, Kept: r.Kept, Chain: r.Chain, Texts: []DockText{}, Problems: texts(ctx, r.Problems)}
	for _, t := range r.Texts {
		v.Texts = append(v.Texts, DockText(t))
	}
	return v
}

// unsealed is what Check refuses altogether, as a report: that a file was altered is an answer, not a failure of the request.
func unsealed(ctx context.Context, err error) (DockReport, error) {
	if fault.Is(err, fault.Conflict) {
		return DockReport{Texts: []DockText{}, Problems: []string{fault.Sentence(err, string(i18n.From(ctx)))}}, nil
	}
	return DockReport{Texts: []DockText{}, Problems: []string{}}, err
}

func (s *server) verifyFile(ctx context.Context, f facility.ID, in *Upload) (DockReport, error) {
	part, err := in.part()
	if err != nil {
		return DockReport{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(part, dock.MaxFile+1))
	if err != nil {
		return DockReport{}, err
	}
	r, err := s.Docks.Check(ctx, f, raw)
	if err != nil {
		return unsealed(ctx, err)
	}
	return viewDockReport(ctx, r), nil
}

func (s *server) verifyDock(ctx context.Context, f facility.ID, in *ByID) (DockReport, error) {
	r, err := s.Docks.CheckKept(ctx, f, in.ID)
	if err != nil {
		return unsealed(ctx, err)
	}
	return viewDockReport(ctx, r), nil
}

// DockMove is what became of an item since the other check-up.
type DockMove struct {
	Item   string     `json:"item"`
	Number string     `json:"number,omitempty"`
	Title  i18n.Text  `json:"title"`
	State  dock.State `json:"state"`
	Then   dock.State `json:"then,omitempty" doc:"The weakest state of the older items of its line."`
	From   []string   `json:"from" nullable:"false" doc:"The older items."`
	Moved  dock.Moved `json:"moved" enum:"new,altered,same,better,worse,unasked,sideways"`
	Says   i18n.Text  `json:"says"`
}

// DockComparison is a check-up beside an earlier one.
type DockComparison struct {
	Dock   DockHead   `json:"dock"`
	With   *DockHead  `json:"with,omitempty" doc:"Missing: there is no earlier one, so every item is new."`
	Items  []DockMove `json:"items" nullable:"false"`
	Better int        `json:"better"`
	Worse  int        `json:"worse"`
	Gone   []string   `json:"gone" nullable:"false" doc:"Items of the earlier one that nothing comes from."`
}

type compareDock struct {
	ByID
	With string `query:"with" maxLength:"80" doc:"Id of an earlier check-up; missing: the one before."`
}

func (s *server) compareDock(ctx context.Context, f facility.ID, in *compareDock) (out DockComparison, err error) {
	d, err := s.Docks.Get(ctx, f, in.ID)
	if err != nil {
		return out, err
	}
	old, err := s.older(ctx, f, d, in.With)
	if err != nil {
		return out, err
	}
	out = DockComparison{Dock: viewDock(d.Entry), Items: []DockMove{}, Gone: []string{}}
	if old.ID != "" {
		h := viewDock(old.Entry)
		out.With = &h
	}
	form, ok := d.Snapshot.Checklist()
	if !ok {
		return out, nil
	}
	used := map[string]bool{}
	for _, b := range dock.Compare(form, &old.Snapshot) {
		m := DockMove{Item: b.Item.ID, Number: b.Item.Number, Title: b.Item.Title, State: b.Item.State, Then: b.Then, From: []string{}, Moved: b.Moved, Says: b.Moved.Label()}
		for _, o := range b.Before {
			m.From, used[o.ID] = append(m.From, o.ID), true
		}
		switch b.Moved {
		case dock.Up:
			out.Better++
		case dock.Down:
			out.Worse++
		case dock.Fresh, dock.Altered, dock.Same, dock.Blank, dock.Changed:
		}
		out.Items = append(out.Items, m)
	}
	if was, ok := old.Snapshot.Checklist(); ok {
		for i := range was.Items {
			if !used[was.Items[i].ID] {
				out.Gone = append(out.Gone, was.Items[i].ID)
			}
		}
	}
	return out, nil
}

// older finds the check-up that another is laid beside; the zero Dock where there is none before it.
func (s *server) older(ctx context.Context, f facility.ID, d dock.Dock, with string) (dock.Dock, error) {
	if with == "" {
		before, err := s.Docks.Before(ctx, f, d.Number, 1)
		if err != nil || len(before) == 0 {
			return dock.Dock{}, err
		}
		return before[0], nil
	}
	old, err := s.Docks.Get(ctx, f, with)
	if err == nil && old.Number >= d.Number {
		err = placed("query.with", fault.New(fault.Invalid, "前の回の健診を選んでください。", "Choose an earlier check-up."))
	}
	return old, err
}

// DirectorPage is what the director's one page says.
type DirectorPage struct {
	DockHead
	Facility   dock.Place    `json:"facility"`
	Level      dock.Level    `json:"level"`
	First      dock.Round    `json:"first_round"`
	Second     dock.Round    `json:"second_round"`
	Grades     []dock.Grade  `json:"grades"`
	Strengths  []DirectorSay `json:"strengths" nullable:"false"`
	Weaknesses []DirectorSay `json:"weaknesses" nullable:"false"`
	Risks      []dock.Risk   `json:"risks"`
	Money      []dock.Money  `json:"money"`
	Work       dock.Work     `json:"work"`
	Years      []DockYear    `json:"years" nullable:"false" doc:"The oldest first, at most three. There is no single score."`
}

// DirectorSay is a strength or a weakness in one sentence.
type DirectorSay struct {
	Says i18n.Text `json:"says"`
	Item string    `json:"item,omitempty"`
}

// DockYear is one check-up of the trend.
type DockYear struct {
	Number    int    `json:"number"`
	Day       string `json:"day"`
	Claimed   int    `json:"level_claimed"`
	Evidenced int    `json:"level_evidenced"`
	Gates     int    `json:"gates"`
	Proven    int    `json:"gates_proven"`
	Measured  int    `json:"items_measured"`
	Asked     int    `json:"items_asked"`
	Fixed     int    `json:"fixed"`
	Days      int    `json:"days" doc:"Median days to fix; -1: none was fixed."`
	Short     bool   `json:"short"`
}

func says(list []dock.Remark) []DirectorSay {
	out := []DirectorSay{}
	for _, r := range list {
		out = append(out, DirectorSay{r.Text, r.Item})
	}
	return out
}

func (s *server) director(ctx context.Context, f facility.ID, in *ByID) (DirectorPage, error) {
	r, err := s.Docks.Result(ctx, f, in.ID)
	if err != nil {
		return DirectorPage{}, err
	}
	snap := &r.Snapshot
	v := DirectorPage{DockHead: viewDock(r.Entry), Facility: snap.Facility, Level: snap.Level, Grades: snap.Grades, Strengths: says(r.Strengths), Weaknesses: says(r.Weaknesses),
		Risks: snap.Risks, Money: snap.Money, Work: snap.Work, Years: []DockYear{}}
	if form, ok := snap.Checklist(); ok {
		v.First, v.Second = form.First, form.Second
	}
	for _, y := range r.Years {
		v.Years = append(v.Years, DockYear(y))
	}
	return v, nil
}
