package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/exposure"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// findingFilters are the chips of the list, by the address's "show".
var findingFilters = []struct {
	key  string
	text i18n.Text
	of   finding.Filter
}{
	{"", i18n.Text{Ja: "未対応", En: "Open"}, finding.Filter{}},
	{"urgent", i18n.Text{Ja: "緊急・高", En: "Critical, high"}, finding.Filter{Severity: finding.High}},
	{"overdue", i18n.Text{Ja: "期限切れ", En: "Overdue"}, finding.Filter{Overdue: true}},
	{"waiting", i18n.Text{Ja: "業者の答え待ち", En: "Waiting"}, finding.Filter{States: []finding.State{finding.Waiting}}},
	{"fixed", i18n.Text{Ja: "直した(確認待ち)", En: "Fixed"}, finding.Filter{States: []finding.State{finding.Fixed}}},
	{"accepted", i18n.Text{Ja: "受け入れた", En: "Accepted"}, finding.Filter{States: []finding.State{finding.Accepted}}},
	{"gone", i18n.Text{Ja: "直ったことを確認", En: "Confirmed fixed"}, finding.Filter{States: []finding.State{finding.Gone}}},
	{"moot", i18n.Text{Ja: "対象がなくなった", En: "No longer applies"}, finding.Filter{States: []finding.State{finding.Moot}}},
}

// findingFilter reads what the address asks for.
func (v *visit) findingFilter(q page.FindingQuery) (finding.Filter, error) {
	if q.Source != "" && !slices.Contains(finding.Sources(), finding.Source(q.Source)) {
		return finding.Filter{}, errNoFilter
	}
	for _, x := range findingFilters {
		if x.key == q.Show {
			f := x.of
			f.Check, f.Source, f.Owner, f.Nobody = q.Check, finding.Source(q.Source), q.Owner, q.Owner == page.OwnerNobody
			if f.Nobody {
				f.Owner = ""
			}
			return f, nil
		}
	}
	return finding.Filter{}, errNoFilter
}

var errNoFilter = fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")

func (v *visit) findings() error { return v.showFindings(page.ReadFindingQuery(v.r.URL.Query()), nil) }

// showFindings shows the list, with what is wrong with a deed on it when there is something.
func (v *visit) showFindings(q page.FindingQuery, wrong page.Errors) error {
	view := page.FindingsView{Query: q, Errors: wrong}
	if _, err := v.findingFilter(q); err != nil {
		return err
	}
	var list finding.Page
	for _, x := range findingFilters {
		one := q
		one.Show, one.After = x.key, ""
		f, err := v.findingFilter(one)
		if err != nil {
			return err
		}
		f.Limit = 1
		on := x.key == q.Show
		if on {
			f.After, f.Limit = q.After, 100
		}
		p, err := v.s.Findings.List(v.ctx, v.facility, f)
		if err != nil {
			return err
		}
		if on {
			list = p
		}
		view.Chips = append(view.Chips, page.Chip{Key: x.key, Text: x.text.For(v.ctx), Count: p.Total, URL: one.URL(), On: on})
	}
	devices, err := v.devicesOf(list.Findings)
	if err != nil {
		return err
	}
	view.Rows = v.findingRows(list.Findings, devices)
	view.Pager = page.Pager{From: min(1, len(view.Rows)), To: len(view.Rows), Total: list.Total}
	if q.After != "" {
		view.Pager = page.Pager{From: min(1, len(view.Rows)), To: len(view.Rows), Total: -1, Prev: q.Page("")}
	}
	if list.Next != "" {
		view.Pager.Next = q.Page(list.Next)
	}
	if view.Swept, err = v.swept(); err != nil {
		return err
	}
	if view.Owners, err = v.memberNames(); err != nil {
		return err
	}
	if len(wrong) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.FindingsPage(v.shell(), view))
	return nil
}

// swept reports whether anything was ever asked: without that, an empty list proves nothing.
func (v *visit) swept() (bool, error) {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return false, err
	}
	list, err := c.List(v.ctx, v.facility, "", 20)
	for _, s := range list {
		if !s.Started.IsZero() && !s.Request.PresenceOnly && s.Asked > 0 {
			return true, err
		}
	}
	return false, err
}

func (v *visit) devicesOf(list []finding.Finding) (map[netid.DeviceID]*ledger.Device, error) {
	var ids []netid.DeviceID
	for _, f := range list {
		if f.Device != "" && !slices.Contains(ids, f.Device) {
			ids = append(ids, f.Device)
		}
	}
	out := map[netid.DeviceID]*ledger.Device{}
	if len(ids) == 0 {
		return out, nil
	}
	devices, err := v.s.Ledger.Devices(v.ctx, v.facility, ids)
	for _, d := range devices {
		out[d.ID] = d
	}
	return out, err
}

func (v *visit) findingRows(list []finding.Finding, devices map[netid.DeviceID]*ledger.Device) []page.FindingRow {
	out := make([]page.FindingRow, len(list))
	for i := range list {
		out[i] = v.findingRow(&list[i], devices[list[i].Device])
	}
	return out
}

func (v *visit) findingRow(f *finding.Finding, d *ledger.Device) page.FindingRow {
	row := page.FindingRow{ID: f.ID, Title: f.Title.For(v.ctx), Why: f.Why.For(v.ctx), Severity: int(f.Severity), Due: f.Due, Found: f.FirstSeen,
		State: string(f.State), Owner: f.Owner, Source: finding.SourceOf(f.Check).Label().For(v.ctx)}
	if f.State == finding.Accepted && f.AcceptedUntil.Before(v.s.Now()) {
		row.State = string(finding.Open)
	}
	if d != nil {
		row.Device, row.Place = page.Link{Text: v.called(d), URL: page.DevicePath(d.ID, "")}, placeOf(d)
	}
	if c := checkOf(f.Check); c != nil {
		row.Meta = v.t("はじめの一歩 %d分", "first step %d min", c.Minutes)
	}
	if f.Stale {
		row.Meta += v.t("(前回の健診では確かめられませんでした)", " (the last check-up could not look)")
	}
	if letterAsks(f.Check) != nil && f.State == finding.Open {
		row.Action = v.t("文面を見る", "See the text")
	}
	return row
}

func placeOf(d *ledger.Device) string {
	w := d.Word
	return cmp.Or(strings.Join(strings.Fields(w.Building+" "+w.Floor+" "+w.Room), " "), w.Department)
}

func checkOf(id string) *exposure.Check {
	for _, c := range exposure.Checks() {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (v *visit) oneFinding() (finding.Finding, error) {
	return v.s.Findings.Get(v.ctx, v.facility, v.r.PathValue("id"))
}

func (v *visit) finding() error {
	f, err := v.oneFinding()
	if err != nil {
		return err
	}
	view, err := v.findingView(&f)
	if err != nil {
		return err
	}
	v.show(page.FindingPage(v.shell(), view))
	return nil
}

// findingView is one weak point with its evidence, whom to call and what was done so far.
func (v *visit) findingView(f *finding.Finding) (page.FindingView, error) {
	devices, err := v.devicesOf([]finding.Finding{*f})
	if err != nil {
		return page.FindingView{}, err
	}
	d := devices[f.Device]
	view := page.FindingView{FindingRow: v.findingRow(f, d), Check: strings.TrimSpace(f.Check + " " + v.t("第%s版", "version %s", cmp.Or(f.Version, "1"))), Note: f.Reason}
	view.Fix = sentences(f.Fix.For(v.ctx))
	if call := f.Call.For(v.ctx); call != "" {
		view.Fix = append(view.Fix, v.t("聞く相手: ", "Ask: ")+call)
	}
	for _, e := range f.Evidence {
		who := page.SignalText(v.ctx, e.Signal)
		if e.Signal != "ledger.state" && who != e.Signal {
			who += " · " + e.Signal // the name that vendors and the API know
		}
		view.Evidence = append(view.Evidence, page.Change{At: e.At, Who: who, What: cmp.Or(v.evidenceText(e), "—")})
	}
	if d != nil {
		if view.Vendor, err = v.vendorCard(d.Word.VendorID, d.Word.Vendor); err != nil {
			return view, err
		}
	}
	if !f.AcceptedUntil.IsZero() {
		view.Until = f.AcceptedUntil.In(v.now().Location()).Format(time.DateOnly)
	}
	if view.Letter, err = v.letter(f, d, view.Vendor); err != nil {
		return view, err
	}
	steps, err := v.s.Findings.History(v.ctx, v.facility, f.ID)
	if err != nil {
		return view, err
	}
	slices.Reverse(steps)
	for _, s := range steps {
		view.History = append(view.History, page.Change{At: s.At, Who: s.By, What: v.stepText(s)})
	}
	if v.actor.Role.May(actor.EditLedger) {
		view.Owners, err = v.memberNames()
	}
	return view, err
}

// evidenceText writes what a check saw; a state of the ledger in the ledger's words.
func (v *visit) evidenceText(e finding.Evidence) string {
	if e.Signal == "ledger.state" {
		return v.t("台帳で「%s」のまま", "Still %q in the ledger", page.StateText(ledger.State(e.Value)).For(v.ctx))
	}
	return e.Value
}

func (v *visit) stepText(s finding.Step) string {
	text := s.State.Label().For(v.ctx)
	switch s.Reason {
	case "":
		return text
	case "opened":
		return v.t("見つかりました", "Found")
	case "reopened":
		return v.t("また見つかりました", "Found again")
	case "lapsed":
		return v.t("残す期限が来たので、また出ました", "Came back: its day has passed")
	case "merged":
		return v.t("同じ機器にまとめたため閉じました", "Closed: its device was merged")
	}
	return text + ": " + s.Reason
}

func (v *visit) memberNames() ([]string, error) {
	list, err := v.s.Account.Members(v.ctx, v.facility)
	var out []string
	for _, m := range list {
		if !m.Person.Disabled {
			out = append(out, m.Person.Name)
		}
	}
	return out, err
}

// sentences cuts advice into steps.
func sentences(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "。", "。\n"), ". ", ".\n")
	var out []string
	for _, line := range strings.Split(s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// findingState records what somebody did about a weak point.
func (v *visit) findingState() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, err := v.oneFinding()
	if err != nil {
		return err
	}
	note, owner := strings.TrimSpace(form.Get("note")), strings.TrimSpace(form.Get("owner"))
	state := finding.State(form.Get("state"))
	errs := page.Errors{}
	var until time.Time
	if s := form.Get("until"); s != "" {
		day, err := time.ParseInLocation(time.DateOnly, s, v.now().Location())
		if err != nil {
			errs["until"] = v.t("日付として読めません。", "This is no date.")
		}
		until = day.AddDate(0, 0, 1).Add(-time.Second) // to the end of that day
	}
	if len(errs) == 0 {
		err = v.moveFinding(&f, state, note, owner, until)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge && k != fault.Conflict {
				return err
			}
			errs[findingField(state, note, until)] = v.says(err)
		}
	}
	if len(errs) > 0 {
		view, err := v.findingView(&f)
		if err != nil {
			return err
		}
		view.State, view.Note, view.Until, view.Owner, view.Errors = string(state), note, form.Get("until"), owner, errs
		v.status(http.StatusUnprocessableEntity)
		v.show(page.FindingPage(v.shell(), view))
		return nil
	}
	v.said("記録しました。", "Recorded.")
	v.redirect(page.FindingPath(f.ID, ""))
	return nil
}

// findingField guesses which field of the form a refused move is about.
func findingField(s finding.State, note string, until time.Time) string {
	switch {
	case s != finding.Accepted:
		return ""
	case len([]rune(note)) < 3:
		return "note"
	case until.IsZero():
		return "until"
	}
	return "until"
}

func (v *visit) moveFinding(f *finding.Finding, to finding.State, note, owner string, until time.Time) error {
	return v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: "finding." + string(to), Subject: trail.Subject{Kind: "finding", ID: f.ID}, Summary: i18n.Text{
			Ja: fmt.Sprintf("弱点を「%s」にしました: %s", to.Label().Ja, f.Title.Ja), En: fmt.Sprintf("Set a weak point to %s: %s", to.Label().En, f.Title.En)},
			Detail: map[string]any{"note": note, "owner": owner, "until": dayText(until)}}, v.decide(ctx, f, to, note, owner, until)
	})
}

// decide does what a person decided about a finding, and counts the device's open findings anew.
func (v *visit) decide(ctx context.Context, f *finding.Finding, to finding.State, note, owner string, until time.Time) error {
	b := v.s.Findings
	var err error
	switch to {
	case finding.Accepted:
		err = b.Accept(ctx, v.facility, f.ID, note, until)
	case finding.Fixed:
		err = b.Close(ctx, v.facility, f.ID, note)
	case finding.Waiting:
		err = b.Wait(ctx, v.facility, f.ID, note)
	case finding.Open:
		err = b.Reopen(ctx, v.facility, f.ID, note)
	default:
		err = fault.New(fault.Invalid, "状態を選んでください。", "Choose a state.")
	}
	if err != nil {
		return err
	}
	due := until
	if to == finding.Accepted {
		due = time.Time{}
	}
	if owner != f.Owner || !due.IsZero() && !due.Equal(f.Due) {
		if err := b.Assign(ctx, v.facility, f.ID, owner, due); err != nil {
			return err
		}
	}
	return v.recount(ctx, f.Device)
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// recount copies how a device stands into the ledger's list.
func (v *visit) recount(ctx context.Context, id netid.DeviceID) error {
	if id == "" {
		return nil
	}
	return v.s.DB.Write(ctx, v.facility, func(tx *store.Tx) error {
		d, err := v.s.Ledger.GetTx(ctx, tx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		counts, err := v.s.Findings.Counts(ctx, tx, id)
		if err != nil {
			return err
		}
		sum := d.Summary
		sum.Findings, sum.Worst = counts[id].Open, int(counts[id].Worst)
		return v.s.Ledger.Summarise(ctx, tx, d.ID, sum)
	})
}
