package app

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/register"
	"kenshin/store"
)

//go:embed demo/yearly.yaml
var demoYearlyWords []byte

// demoYearly is what the fictitious hospital did for its yearly check-ups; demo/yearly.yaml says how it is written.
type demoYearly struct {
	Director string
	Routine  struct{ Month, Day int }
	Chapters []demoChapter
}

type demoChapter struct {
	On        string // a day; or
	Ago       int    // days before the demo is made
	Rows      map[string][]map[string]string
	Remark    map[string]string
	Survey    *demoSurvey
	Risks     map[string]demoRisk
	Audit     *demoAudit
	Budget    *demoBudget
	Train     *demoTraining
	Claims    []demoClaims
	Questions []demoQuestion
	Freeze    *struct{ Catalogue, Approved string }
}

type demoClaims struct {
	Form         string
	Yes, Unknown []string
	No           map[string]int
	Note, Excuse map[string]string
}

type demoQuestion struct {
	Form, Item, Vendor, Text string
	To                       assess.Addressee
}

// demoTraining is a training for all on the roll of the mail drills but one of each Of.
type demoTraining struct {
	Title, Held string
	Of, Skip    int
}

// years tells the yearly check-ups, chapter by chapter.
type years struct {
	*demo
	demoYearly
	systems map[string]string // name -> id
}

func readDemoYears(d *demo) (*years, error) {
	y := &years{demo: d}
	dec := yaml.NewDecoder(bytes.NewReader(demoYearlyWords))
	dec.KnownFields(true)
	if err := dec.Decode(&y.demoYearly); err != nil {
		return nil, fmt.Errorf("read the demo's yearly check-ups: %w", err)
	}
	return y, nil
}

// began is when the first chapter happened.
func (y *years) began() time.Time { return demoMorning(y.Chapters[0].On) }

// demoMorning is ten o'clock in Japan of a day.
func demoMorning(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return t.Add(time.Hour)
}

// before tells the chapters of earlier years; the newest of them is left out where it would lie within this year's story.
func (y *years) before(ctx context.Context) error {
	for _, c := range y.Chapters {
		at := demoMorning(c.On)
		if c.On == "" || at.After(y.now.AddDate(0, 0, -90)) {
			continue
		}
		y.clock.Store(at.UnixMicro())
		if err := y.chapter(ctx, c); err != nil {
			return fmt.Errorf("the yearly check-up of %s: %w", c.On, err)
		}
	}
	return nil
}

// during tells this year's chapters of the days from one to another, both before the demo is made.
func (y *years) during(ctx context.Context, within func(day int) bool) error {
	for _, c := range y.Chapters {
		if c.On != "" || c.Ago == 0 || !within(c.Ago) {
			continue
		}
		y.ago(c.Ago)
		if err := y.chapter(ctx, c); err != nil {
			return fmt.Errorf("the yearly check-up, %d days ago: %w", c.Ago, err)
		}
	}
	return nil
}

// today is the last chapter: this year's form, and the dock that is made of it.
func (y *years) today(ctx context.Context) error {
	y.clock.Store(y.now.UnixMicro())
	c := y.Chapters[len(y.Chapters)-1]
	if err := y.chapter(ctx, c); err != nil {
		return fmt.Errorf("this year's check-up: %w", err)
	}
	admin, err := y.Account.PersonByEmail(ctx, demoEmail)
	if err != nil {
		return err
	}
	return y.Docks.SetRoutine(ctx, y.facility, dock.Routine{Month: y.Routine.Month, Day: y.Routine.Day, Owner: admin.ID, OwnerName: admin.Name})
}

func (y *years) chapter(ctx context.Context, c demoChapter) error {
	for _, part := range []func(context.Context, demoChapter) error{y.rows, y.remark, y.survey, y.risks, y.audit, y.budget, y.train, y.look, y.claims, y.questions, y.freeze} {
		if err := part(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

var demoDay = regexp.MustCompile(`^([+-]\d+)d$`)

// day reads -12d as the day twelve days before the demo is made; other words stay.
func (y *years) day(s string) string {
	m := demoDay.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	n, _ := strconv.Atoi(m[1]) // digits
	return y.now.Add(-demoLead).In(demoZoneJST()).AddDate(0, 0, n).Format(time.DateOnly)
}

func demoZoneJST() *time.Location { return time.FixedZone("JST", 9*60*60) }

// rows writes into the registers as a person does: a row that is there already is changed.
func (y *years) rows(ctx context.Context, c demoChapter) error {
	if len(c.Rows) == 0 {
		return nil
	}
	systems, err := y.Ledger.Systems(ctx, y.facility)
	if err != nil {
		return err
	}
	y.systems = map[string]string{}
	for _, s := range systems {
		y.systems[s.Name] = s.ID
	}
	return y.DB.Write(ctx, y.facility, func(tx *store.Tx) error {
		for _, kind := range slices.Sorted(maps.Keys(c.Rows)) {
			if err := y.register(ctx, tx, kind, c.Rows[kind]); err != nil {
				return fmt.Errorf("register %s: %w", kind, err)
			}
		}
		return nil
	})
}

func (y *years) register(ctx context.Context, tx *store.Tx, kind string, list []map[string]string) error {
	k, err := register.KindOf(kind)
	if err != nil {
		return err
	}
	have, err := y.Registers.RowsTx(ctx, tx, kind)
	if err != nil {
		return err
	}
	for _, words := range list {
		row := register.Row{Kind: kind, Owner: words["owner"], Values: y.values(k, words)}
		for _, old := range have {
			if !slices.ContainsFunc(k.Same, func(key string) bool { return jp.Fold(old.Values[key]) != jp.Fold(row.Values[key]) }) {
				row.ID, row.Revision = old.ID, old.Revision
				if row.Owner == "" {
					row.Owner = old.Owner
				}
			}
		}
		if _, err := y.Registers.SaveTx(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

// values puts days, systems and vendors in.
func (y *years) values(k register.Kind, words map[string]string) map[string]string {
	out := map[string]string{}
	for key, v := range words {
		col, ok := k.Column(key)
		switch {
		case !ok && key == "owner":
			continue
		case col.Type == register.System && y.systems[v] != "":
			v = y.systems[v]
		case col.Type == register.Vendor && y.vendors[v] != "":
			v = y.vendors[v]
		}
		out[key] = y.day(v)
	}
	return out
}

// remark is what an inspector said.
func (y *years) remark(ctx context.Context, c demoChapter) error {
	if len(c.Remark) == 0 {
		return nil
	}
	values := map[string]string{}
	for key, v := range c.Remark {
		values[key] = y.day(v)
	}
	_, err := y.Docks.Remark(ctx, y.facility, values)
	return err
}

// train brings the roll of a training in as the training office's list.
func (y *years) train(ctx context.Context, c demoChapter) error {
	if c.Train == nil {
		return nil
	}
	page, err := y.Drills.People(ctx, y.facility, drill.PeopleFilter{Limit: 500})
	if err != nil {
		return err
	}
	var lines []register.Line
	for n, p := range page.People {
		if n%c.Train.Of >= c.Train.Of-c.Train.Skip {
			continue
		}
		lines = append(lines, register.Line{Number: n + 2, State: register.LineNew, Values: map[string]string{"held": y.day(c.Train.Held), "title": c.Train.Title, "name": p.Surname + " " + p.Given,
			"department": p.Department, "staff_no": strconv.Itoa(2001 + n), "way": "room", "result": "attended"}})
	}
	_, err = y.Registers.Take(ctx, y.facility, "training", lines, false, "研修の名簿.xlsx")
	return err
}

// look lets the checks run on what is there now, before the form is answered.
func (y *years) look(ctx context.Context, c demoChapter) error {
	if len(c.Claims) == 0 {
		return nil
	}
	return y.Assess.Recompute(actor.With(ctx, actor.Actor{Kind: actor.System, ID: assessKind, Name: "Kenshin"}), y.facility)
}

func (y *years) claims(ctx context.Context, c demoChapter) error {
	for _, w := range c.Claims {
		a, err := y.Assess.Assessment(ctx, y.facility, w.Form, "")
		if err != nil {
			return err
		}
		for _, i := range a.Items {
			claim, ok := w.claim(a.Catalogue, i.Item.ID, a.At)
			if !ok {
				continue
			}
			if _, err := y.Assess.SaveClaim(ctx, y.facility, w.Form, "", i.Item.ID, i.Revision, claim, w.Note[i.Item.ID], w.Excuse[i.Item.ID]); err != nil {
				return fmt.Errorf("answer %s: %w", i.Item.ID, err)
			}
		}
	}
	return nil
}

// claim is the answer to one item; false where none is told.
func (w demoClaims) claim(c catalogue.Catalogue, item string, now time.Time) (assess.Claim, bool) {
	claim := assess.Claim{On: now}
	days, no := w.No[item]
	switch {
	case slices.Contains(w.Yes, item):
		claim.Reply = catalogue.Yes
	case slices.Contains(w.Unknown, item):
		claim.Reply = catalogue.Unknown
	case no:
		claim.Reply = catalogue.No
		if days > 0 {
			claim.Target = now.AddDate(0, 0, days)
			year := max(c.FiscalYear, jp.FiscalYear(now))
			if last := assess.LastDay(year); claim.Target.After(last) {
				claim.Target = last
			}
			if first := assess.LastDay(year-1).AddDate(0, 0, 1); claim.Target.Before(first) {
				claim.Target = first
			}
		}
	default:
		return claim, false
	}
	return claim, true
}

// questions go to a vendor or the support body: what nobody knew.
func (y *years) questions(ctx context.Context, c demoChapter) error {
	for _, q := range c.Questions {
		if _, err := y.Assess.Ask(ctx, y.facility, assess.Question{Catalogue: q.Form, Item: q.Item, To: q.To, Vendor: y.vendors[q.Vendor], Text: q.Text}); err != nil {
			return err
		}
	}
	return nil
}

// director is who approves; nobody enters the demo with this name.
func (y *years) director(ctx context.Context) context.Context {
	return actor.With(ctx, actor.Actor{Kind: actor.Command, ID: "demo", Name: y.Director, Role: actor.Director})
}

// freeze makes the dock of the day, and has it approved where the story says so.
func (y *years) freeze(ctx context.Context, c demoChapter) error {
	if c.Freeze == nil {
		return nil
	}
	e, err := y.Docks.Freeze(ctx, y.facility, dock.Want{Kind: dock.Full, Catalogue: c.Freeze.Catalogue})
	if err != nil || c.Freeze.Approved == "" {
		return err
	}
	y.clock.Add(int64(48 * time.Hour / time.Microsecond))
	return y.Docks.Approve(y.director(ctx), y.facility, e.ID, c.Freeze.Approved)
}

// missing says what of the story is not there.
func missing(what, name string) error {
	return fault.Newf(fault.NotFound, "見本の%[1]s「%[2]s」がありません。", "The demo's %[1]s %[2]q does not exist.", what, name)
}
