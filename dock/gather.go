package dock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/store"
	"kenshin/trail"
)

// Want says what to look at.
type Want struct {
	Kind      Kind   // Full unless said
	Catalogue string // the checklist's id; "" is the newest edition that is in force on the day
}

// maxForms is how many systems' vendor forms are looked at.
const maxForms = 300

// Present gathers the present state, not frozen: Number is 0.
func (b *Book) Present(ctx context.Context, f facility.ID, w Want) (Snapshot, error) {
	return b.look(ctx, f, w, (*gathering).checklist, (*gathering).vendors, (*gathering).gates, (*gathering).ledger, (*gathering).registers, (*gathering).findings, (*gathering).heads)
}

// Forms gathers the forms alone, for pages: the ledger and its findings are not walked through.
func (b *Book) Forms(ctx context.Context, f facility.ID) (Snapshot, error) {
	return b.look(ctx, f, Want{}, (*gathering).checklist, (*gathering).vendors)
}

func (b *Book) look(ctx context.Context, f facility.ID, w Want, parts ...func(*gathering, context.Context) error) (Snapshot, error) {
	fac, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return Snapshot{}, err
	}
	at := b.Now().UTC().Truncate(time.Second)
	now := at.In(fac.Location())
	s := Snapshot{Schema: Schema, Kind: cmp.Or(w.Kind, Full), Day: now.Format(time.DateOnly), Year: jp.FiscalYear(now), At: at, By: actor.From(ctx).Name, Rule: GradeRule,
		Facility: Place{ID: f, Name: fac.Name, Address: fac.Address, Beds: fac.Beds, Demo: fac.Demo}}
	g := &gathering{Book: b, f: f, now: now, s: &s, want: w.Catalogue}
	if g.set, err = b.Catalogues(ctx, f); err != nil {
		return s, err
	}
	for _, part := range parts {
		if err := part(g, ctx); err != nil {
			return s, err
		}
	}
	s.Grades = s.grade()
	return s, nil
}

// gathering is one look at everything.
type gathering struct {
	*Book
	f     facility.ID
	now   time.Time
	s     *Snapshot
	set   catalogue.Set
	title map[string]i18n.Text // of checks
	want  string
}

// newest finds the edition of a form that is in force: of the fiscal year or the last before it, since next year's may be loaded already.
func (g *gathering) newest(k catalogue.Kind, form catalogue.Form) (catalogue.Catalogue, bool) {
	var out catalogue.Catalogue
	found := false
	for _, c := range g.set.All() { // the newest first
		if c.Kind != k || c.Form != form && (form != "" || c.Form != "" && c.Form != catalogue.FacilityForm) {
			continue
		}
		if out, found = c, true; c.FiscalYear <= g.s.Year {
			return out, true
		}
	}
	return out, found
}

func (g *gathering) checklist(ctx context.Context) error {
	tables, err := g.Assess.Tables(ctx)
	if err != nil {
		return err
	}
	g.title = map[string]i18n.Text{}
	for _, c := range tables.Checks {
		g.title[c.ID] = c.Title
	}
	c, ok := g.set.Find(g.want)
	if !ok {
		c, ok = g.newest(catalogue.Checklist, catalogue.FacilityForm)
	}
	if !ok {
		return nil
	}
	a, err := g.Assess.Assessment(ctx, g.f, c.ID, "")
	if err != nil {
		return err
	}
	g.add(a, "")
	if err := g.said(ctx, &g.s.Forms[len(g.s.Forms)-1]); err != nil {
		return err
	}
	return nil
}

// vendors looks at the form of every system's vendor; the 10-minute version leaves them out.
func (g *gathering) vendors(ctx context.Context) error {
	systems, err := g.Ledger.Systems(ctx, g.f)
	if err != nil {
		return err
	}
	g.s.Ledger.Systems = len(systems)
	c, ok := g.newest(catalogue.Checklist, catalogue.VendorForm)
	if !ok || g.s.Kind == Short {
		return nil
	}
	systems = systems[:min(len(systems), maxForms)]
	ids := make([]string, len(systems))
	for n, x := range systems {
		ids[n] = x.ID
	}
	forms, err := g.Assess.Assessments(ctx, g.f, c.ID, ids...)
	if err != nil {
		return err
	}
	vendors, err := g.Suppliers.List(ctx, g.f, "")
	if err != nil {
		return err
	}
	refused, err := g.refusals(ctx, c.ID)
	if err != nil {
		return err
	}
	for n, x := range systems {
		vendor := x.Vendor
		for _, v := range vendors {
			if v.ID == x.VendorID {
				vendor = v.Name
			}
		}
		g.add(forms[n], vendor)
		if r, ok := refused[x.ID]; ok {
			form := &g.s.Forms[len(g.s.Forms)-1]
			form.Refused, form.RefusedOn = r.Reason, dayOf(r.Answered.In(g.now.Location()))
			form.Vendor = cmp.Or(form.Vendor, r.VendorName)
		}
	}
	return nil
}

// refusals are the systems whose vendor does not answer the form: the newest inquiry of each counts.
func (g *gathering) refusals(ctx context.Context, form string) (map[string]inquiry.Inquiry, error) {
	if g.Inquiries == nil {
		return nil, nil
	}
	list, _, err := g.Inquiries.List(ctx, g.f, inquiry.Filter{Kind: inquiry.Vendor, Catalogue: form})
	out, seen := map[string]inquiry.Inquiry{}, map[string]bool{}
	for _, i := range list { // the newest first
		if !seen[i.Subject] && i.State == inquiry.Refused {
			out[i.Subject] = i
		}
		seen[i.Subject] = true
	}
	return out, err
}

func (g *gathering) gates(ctx context.Context) error {
	g.s.Level = Level{Claimed: int(assess.Below), Evidenced: int(assess.Below)}
	c, ok := g.newest(catalogue.Gates, "")
	if !ok {
		return nil
	}
	a, err := g.Assess.Assessment(ctx, g.f, c.ID, "")
	if err != nil {
		return err
	}
	g.add(a, "")
	var all []assess.Answered
	for i := range a.Items {
		all = append(all, a.Items[i].Answered)
	}
	at := assess.Levels(all, g.now)
	l := Level{Claimed: int(at.Claimed), Evidenced: int(at.Evidenced)}
	for i := range a.Items {
		if a.Items[i].Item.Gate == nil {
			continue
		}
		l.Gates++
		switch a.Items[i].State {
		case assess.Proven:
			l.Said++
			l.Proven++
		case assess.Partly, assess.WordOnly, assess.Expired, assess.Contradicted, assess.Exempt:
			l.Said++
		case assess.Unmeasured:
			if a.Items[i].Claim.Reply == catalogue.Yes {
				l.Said++
			}
		case assess.Open, assess.Better, assess.NotDone:
		}
	}
	g.s.Level = l
	return nil
}

// add writes an assessment into the snapshot.
func (g *gathering) add(a assess.Assessment, vendor string) {
	c := &a.Catalogue
	form := Form{Catalogue: c.ID, Kind: c.Kind, Title: c.Title, Basis: c.Basis, Edition: c.Edition, Year: c.FiscalYear, SHA256: c.SHA256, Standing: c.Standing(), Subject: a.Subject, Rounds: c.Rounds,
		Name: a.Name, Vendor: vendor, First: Round{a.First.Total, a.First.Ready}, Second: Round{a.Second.Total, a.Second.Ready}}
	for _, s := range c.Sections {
		form.Sections = append(form.Sections, Section{s.ID, s.Title})
	}
	steps := map[string]catalogue.Step{}
	if old, ok := g.set.Find(c.Previous); ok {
		for _, s := range catalogue.Compare(old, *c) {
			steps[s.To] = s
		}
	}
	ended := false
	for i := range a.Items {
		item := g.item(c, &a.Items[i], steps[a.Items[i].Item.ID])
		item.Asked = !ended
		ended = ended || a.Items[i].Item.Stops && a.Items[i].State == assess.NotDone
		form.Items = append(form.Items, item)
	}
	g.s.Forms = append(g.s.Forms, form)
}

// said puts beside each item how its answer changed: the printed form has a column for each dated round.
func (g *gathering) said(ctx context.Context, form *Form) error {
	all, err := g.Assess.Rounds(ctx, g.f, form.Catalogue, form.Subject)
	if err != nil {
		return err
	}
	for n := range form.Items {
		i := &form.Items[n]
		for _, s := range all[i.ID] {
			i.Said = append(i.Said, Said{s.Reply, dayOf(s.On), dayOf(s.Target)})
		}
	}
	return nil
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func (g *gathering) item(c *catalogue.Catalogue, x *assess.Item, step catalogue.Step) Item {
	i, claim, v := &x.Item, &x.Claim, &x.Verdict
	out := Item{ID: i.ID, Section: i.Section, Number: i.Number, Title: i.Title, Addition: i.Addition, Standing: i.Standing(), Change: step.Change, Wider: step.Wider,
		Reply: claim.Reply, Value: claim.Value, On: dayOf(claim.On), Target: dayOf(claim.Target), Reason: claim.Reason, Approver: claim.Approver, Note: x.Note, By: x.ByName,
		Excuse: x.Excuse, State: StateOf(x.State), Due: c.DueYear(*i), Horizon: i.Horizon}
	for _, a := range x.Files {
		out.Files = append(out.Files, a.Name)
	}
	if line := g.set.Line(i.ID); len(line) > 1 {
		out.Line = line[1:]
	}
	if i.Gate != nil {
		out.Gate = &Gate{i.Gate.Level, i.Gate.Axis}
	}
	if v.Outcome != assess.NoCheck {
		out.Outcome = map[assess.Outcome]string{assess.Pass: "pass", assess.Fail: "fail"}[v.Outcome]
		out.Measured, out.Of, out.At, out.Until = v.Measured, v.Of, dayOf(v.At.In(g.now.Location())), dayOf(v.Until.In(g.now.Location()))
	}
	for _, r := range x.Records {
		if r.Outcome == evidence.None {
			continue
		}
		out.Proofs = append(out.Proofs, Proof{Check: r.Check, Title: g.title[r.Check], Version: r.Version, Outcome: string(r.Outcome), Says: r.Says, Measured: r.Measured, Of: r.Of,
			At: dayOf(r.At.In(g.now.Location())), Until: dayOf(r.Until.In(g.now.Location())), Seq: r.Seq, Hash: r.Hash})
	}
	return out
}

func (g *gathering) ledger(ctx context.Context) error {
	l := &g.s.Ledger
	l.Kinds = map[string]int{}
	for d, err := range devices(ctx, g.Ledger, g.f) {
		if err != nil {
			return err
		}
		l.Kinds[d.Kind()]++
	}
	page, err := g.Ledger.List(ctx, g.f, ledger.Query{Limit: 1})
	if err != nil {
		return err
	}
	c := page.Counts
	l.Devices, l.Registered, l.New, l.Medical, l.Unseen, l.OldOS = c.All, c.Registered, c.New, c.Medical, c.Unseen, c.OSOld
	segments, err := g.Gates.Segments(ctx, g.f)
	l.Segments = len(segments)
	return err
}

// devices walks over the ledger without the retired, by kind and name.
func devices(ctx context.Context, l *ledger.Ledger, f facility.ID) func(yield func(*ledger.Device, error) bool) {
	return func(yield func(*ledger.Device, error) bool) {
		for cursor := ""; ; {
			page, err := l.List(ctx, f, ledger.Query{Limit: 500, Cursor: cursor})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range page.Devices {
				if !yield(d, nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}

var severities = map[finding.Severity]string{finding.Low: "low", finding.Medium: "medium", finding.High: "high", finding.Critical: "critical"}

// findings counts the year's work and picks the risks that are open.
func (g *gathering) findings(ctx context.Context) error {
	w := &g.s.Work
	w.Open, w.Days = map[string]int{}, -1
	since := g.now.AddDate(-1, 0, 0)
	var took []int
	for after := ""; ; {
		page, err := g.Findings.List(ctx, g.f, finding.Filter{All: true, Limit: 500, After: after})
		if err != nil {
			return err
		}
		for i := range page.Findings {
			x := &page.Findings[i]
			if x.FirstSeen.After(since) {
				w.Opened++
			}
			switch live := x.State == finding.Accepted && !x.AcceptedUntil.Before(g.now); {
			case x.State == finding.Gone:
				if x.ClosedAt.After(since) {
					w.Fixed++
					took = append(took, int(x.ClosedAt.Sub(x.FirstSeen).Hours()/24))
				}
			case x.State == finding.Moot: // nobody put anything right
			case live:
				w.Accepted++
			default:
				w.Open[severities[x.Severity]]++
				if !x.Due.IsZero() && x.Due.Before(g.now) {
					w.Overdue++
				}
			}
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if slices.Sort(took); len(took) > 0 {
		w.Days = took[len(took)/2]
	}
	return g.risks(ctx)
}

// maxRisks is how many risks stand on the director's page.
const maxRisks = 5

func (g *gathering) risks(ctx context.Context) error {
	items, err := g.Findings.Today(ctx, g.f, maxRisks+1)
	for i := range items {
		x := &items[i]
		if len(g.s.Risks) >= maxRisks {
			break
		}
		if finding.SourceOf(x.Check) == finding.Risks { // stands among those of the signed assessment
			continue
		}
		r := Risk{Title: x.Title.Ja, Why: x.Why.Ja, What: x.Fix.Ja, Weight: x.Severity.Label().Ja, Due: dayOf(x.Due.In(g.now.Location())), From: "finding", ID: x.ID}
		if x.Devices > 1 {
			unit := "台"
			if x.Device == "" {
				unit = "件"
			}
			r.Title += fmt.Sprintf("（ほかに%d%s）", x.Devices-1, unit)
		}
		g.s.Risks = append(g.s.Risks, r)
	}
	return err
}

// heads are the ends of the chains.
func (g *gathering) heads(ctx context.Context) error {
	return g.db.Read(ctx, g.f, func(tx *store.Tx) error {
		h, err := g.Evidence.HeadTx(ctx, tx)
		if err != nil {
			return err
		}
		g.s.Evidence = Chain{h.Seq, h.Hash}
		g.s.Trail.Size, g.s.Trail.Hash, err = trail.Root(ctx, tx)
		return err
	})
}
