package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

const (
	monthForm = "2006-01"
	soon      = 14 * 24 * time.Hour // before its month begins, somebody is told of a planned drill
	lookAfter = 400 * 24 * time.Hour
	maxPlans  = 40 // of one fiscal year
)

// PlanState is how far a planned drill is.
type PlanState string

const (
	Planned  PlanState = "planned"
	Prepared PlanState = "prepared" // there is a drill, nothing was sent yet
	Running  PlanState = "running"
	Done     PlanState = "done"
	Overdue  PlanState = "overdue" // its month is over and nothing was sent
)

// Plan is one drill of a yearly plan.
type Plan struct {
	ID        string
	Month     string // "2027-06"
	Drill     string // what was made of it, "" while nothing was
	Scenario  string
	Level     scenario.Level
	Owner     actor.PersonID // who is responsible, "" is whoever trains
	OwnerName string
	Note      string
	Told      Told // the last reminder that went out
}

// Told is which reminder went out.
type Told string

const (
	ToldSoon Told = "soon" // its month comes
	ToldLate Told = "late" // its month is over
)

// Planning is a planned drill with how far it is now.
type Planning struct {
	Plan
	State PlanState
	Made  Drill     // zero while nothing was made of it
	Title i18n.Text // of the scenario
	Cue   i18n.Text // what it teaches first
}

type planContent struct {
	Scenario  string         `json:"scenario"`
	Level     scenario.Level `json:"level"`
	Owner     actor.PersonID `json:"owner,omitempty"`
	OwnerName string         `json:"owner_name,omitempty"`
	Note      string         `json:"note,omitempty"`
	Told      Told           `json:"told,omitempty"`
}

const planColumns = "p.id, p.day, p.drill_id, p.content"

func scanPlan(r interface{ Scan(...any) error }) (p Plan, err error) {
	var day, text string
	if err := r.Scan(&p.ID, &day, &p.Drill, &text); err != nil {
		return p, err
	}
	var c planContent
	err = unmarshal(text, &c)
	p.Month = day[:min(len(day), len(monthForm))]
	p.Scenario, p.Level, p.Owner, p.OwnerName, p.Note, p.Told = c.Scenario, c.Level, c.Owner, c.OwnerName, c.Note, c.Told
	return p, err
}

func (p Plan) content() (string, error) {
	return marshal(planContent{p.Scenario, p.Level, p.Owner, p.OwnerName, p.Note, p.Told})
}

// begins is the first moment of the planned month.
func (p Plan) begins(zone *time.Location) time.Time {
	at, err := time.ParseInLocation(monthForm, p.Month, zone)
	if err != nil { // never stored: see tidy
		return time.Time{}
	}
	return at
}

// stands says how far a plan is. A drill that was withdrawn counts as none.
func (p Plan) stands(made Drill, now time.Time) PlanState {
	over := !now.Before(p.begins(now.Location()).AddDate(0, 1, 0))
	none := made.ID == "" || made.State == Withdrawn
	switch {
	case !none && made.State == Closed:
		return Done
	case !none && !made.Started.IsZero():
		return Running
	case over:
		return Overdue
	case !none:
		return Prepared
	}
	return Planned
}

// reminder says what somebody should be told of a plan now, "" for nothing. What is approved needs nobody.
func (x Planning) reminder(now time.Time) Told {
	switch {
	case x.State == Overdue && x.Told != ToldLate:
		return ToldLate
	case (x.State == Planned || x.State == Prepared && x.Made.State == Draft) && x.Told == "" && !now.Before(x.begins(now.Location()).Add(-soon)):
		return ToldSoon
	}
	return ""
}

// Plans lists what is planned for the fiscal year (April to March) that began in a year.
func (b *Book) Plans(ctx context.Context, f facility.ID, year int) ([]Planning, error) {
	from, before := yearOf(year)
	return b.plans(ctx, f, from, before)
}

// DuePlans lists what somebody must see to: planned drills whose month is here or near, and those that are overdue.
func (b *Book) DuePlans(ctx context.Context, f facility.ID) (out []Planning, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return nil, err
	}
	now := b.now().In(fac.Location())
	list, err := b.plans(ctx, f, now.Add(-lookAfter).Format(monthForm), now.Add(soon).AddDate(0, 0, 1).Format(monthForm)+"-99")
	for _, x := range list {
		x.Told = "" // whether a mail went out changes nothing on the screen
		if x.reminder(now) != "" {
			out = append(out, x)
		}
	}
	return out, err
}

func (b *Book) plans(ctx context.Context, f facility.ID, from, before string) (out []Planning, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return nil, err
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = planned(ctx, tx, from, before, b.now().In(fac.Location()))
		return err
	})
	return out, err
}

func planned(ctx context.Context, tx *store.Tx, from, before string, now time.Time) (out []Planning, err error) {
	all, err := stories(ctx, tx)
	if err != nil {
		return nil, err
	}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		p, err := scanPlan(r)
		out = append(out, Planning{Plan: p})
		return err
	}, "SELECT "+planColumns+" FROM drill_plans p WHERE p.facility_id = $1 AND p.day >= $2 AND p.day < $3 ORDER BY p.day, p.id", from, before)
	if err != nil {
		return nil, err
	}
	for i := range out {
		x := &out[i]
		if x.Drill != "" {
			if x.Made, err = getDrill(ctx, tx, x.Drill); err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
		}
		x.State = x.stands(x.Made, now)
		x.Title, x.Cue = titleOf(all, x.Scenario, x.Level)
	}
	return out, nil
}

// SavePlan adds a planned drill (ID "") or changes one. Another month makes the reminders start anew.
func (b *Book) SavePlan(ctx context.Context, f facility.ID, p Plan) (Plan, error) {
	if err := p.tidy(); err != nil {
		return p, err
	}
	err := b.db.Write(ctx, f, func(tx *store.Tx) error {
		all, err := stories(ctx, tx)
		if err != nil {
			return err
		}
		if _, _, err := fromScenario(all, p.Scenario, p.Level); err != nil {
			return err
		}
		text := i18n.Text{Ja: "訓練の年間計画を変えました(" + p.Month + ")", En: "Changed the yearly plan of drills (" + p.Month + ")"}
		if p.ID != "" {
			old, err := getPlan(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			if p.Drill = old.Drill; p.Month == old.Month {
				p.Told = old.Told
			}
			if err := b.putPlan(ctx, tx, p); err != nil {
				return err
			}
			return b.trail(ctx, tx, "drill.plan", p.ID, text, nil)
		}
		if err := roomFor(ctx, tx, p.Month); err != nil {
			return err
		}
		if err := b.addPlan(ctx, tx, &p); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.plan", p.ID, text, nil)
	})
	return p, err
}

// roomFor refuses more plans than a year can hold.
func roomFor(ctx context.Context, tx *store.Tx, month string) error {
	from, before := yearOf(PlanYear(month))
	var n int
	err := tx.Row(ctx, "SELECT count(*) FROM drill_plans p WHERE p.facility_id = $1 AND p.day >= $2 AND p.day < $3", from, before).Scan(&n)
	if err == nil && n >= maxPlans {
		err = fault.Newf(fault.TooLarge, "1年に計画できる訓練は%d件までです。", "At most %d drills can be planned for a year.", maxPlans)
	}
	return err
}

// yearOf bounds the days of a fiscal year.
func yearOf(year int) (from, before string) {
	return fmt.Sprintf("%04d-04", year), fmt.Sprintf("%04d-04", year+1)
}

func (b *Book) addPlan(ctx context.Context, tx *store.Tx, p *Plan) error {
	p.ID, p.Drill, p.Told = store.NewID(), "", ""
	text, err := p.content()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO drill_plans (facility_id, id, day, drill_id, reminded_at, content) VALUES ($1, $2, $3, '', 0, $4)", p.ID, p.Month+"-01", text)
	return err
}

func (b *Book) putPlan(ctx context.Context, tx *store.Tx, p Plan) error {
	text, err := p.content()
	if err != nil {
		return err
	}
	told := int64(0)
	if p.Told != "" {
		told = store.Micros(b.stamp())
	}
	_, err = tx.Exec(ctx, "UPDATE drill_plans SET day = $3, drill_id = $4, reminded_at = $5, content = $6 WHERE facility_id = $1 AND id = $2", p.ID, p.Month+"-01", p.Drill, told, text)
	return err
}

func (p *Plan) tidy() error {
	p.Note = strings.Join(strings.Fields(p.Note), " ")
	at, err := time.Parse(monthForm, p.Month)
	switch {
	case err != nil || at.Year() < 2000 || at.Year() > 2200:
		return fault.New(fault.Invalid, "月は 2027-06 のように書いてください。", "Write the month as 2027-06.")
	case len([]rune(p.Note)) > 200:
		return fault.New(fault.Invalid, "メモは200文字までです。", "A note has at most 200 characters.")
	}
	if p.Level == "" {
		p.Level = scenario.Easy
	}
	return nil
}

func noPlan() error {
	return fault.New(fault.NotFound, "この予定はありません。", "There is no such plan.")
}

func getPlan(ctx context.Context, tx *store.Tx, id string) (Plan, error) {
	p, err := scanPlan(tx.Row(ctx, "SELECT "+planColumns+" FROM drill_plans p WHERE p.facility_id = $1 AND p.id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = noPlan()
	}
	return p, err
}

// Plan returns one planned drill.
func (b *Book) Plan(ctx context.Context, f facility.ID, id string) (p Plan, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		p, err = getPlan(ctx, tx, id)
		return err
	})
	return p, err
}

// RemovePlan takes a planned drill off the plan; a drill that was made of it stays.
func (b *Book) RemovePlan(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		p, err := getPlan(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM drill_plans WHERE facility_id = $1 AND id = $2", id); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.plan-remove", id, i18n.Text{Ja: "訓練の年間計画から" + p.Month + "の予定を外しました", En: "Took the drill of " + p.Month + " off the yearly plan"}, nil)
	})
}

// DraftPlan makes the draft of a planned drill: its mail and, where the month is still to come, a start on its first working day at ten.
func (b *Book) DraftPlan(ctx context.Context, f facility.ID, id string) (d Drill, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return d, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		p, err := getPlan(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.Drill != "" {
			made, err := getDrill(ctx, tx, p.Drill)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			if err == nil && made.State != Withdrawn {
				return fault.New(fault.Conflict, "この予定の下書きは、もうあります。", "There is a draft of this plan already.")
			}
		}
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		all, err := stories(ctx, tx)
		if err != nil {
			return err
		}
		title, _ := titleOf(all, p.Scenario, p.Level)
		d = Drill{Name: clip(fmt.Sprintf("%s %s(%s)", p.Month, title.Ja, p.Level.Name().Ja), maxName), Mode: Standard, Author: actor.From(ctx)}
		if d.Mail, d.Rating, err = fromScenario(all, p.Scenario, p.Level); err != nil {
			return err
		}
		if at := p.begins(fac.Location()).Add(10 * time.Hour); at.After(b.now()) {
			if ok, _ := s.Hours.Allowed(at); !ok {
				at = s.Hours.Next(at)
			}
			d.Schedule.Start = at.UTC()
		}
		if err := d.tidy(); err != nil {
			return err
		}
		if err := b.add(ctx, tx, &d); err != nil {
			return err
		}
		p.Drill = d.ID
		return b.putPlan(ctx, tx, p)
	})
	return d, err
}
