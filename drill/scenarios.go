package drill

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// OwnScenario is a story that the facility wrote itself.
type OwnScenario struct {
	scenario.Scenario
	Source   string // YAML, as it was taken
	Unread   bool   // this version of the program cannot read it: only id and title are known
	ByName   string
	At       time.Time
	Replaced bool // by AddScenarios: there was one of this id
}

const (
	maxOwnScenarios = 100
	maxOwnText      = 2 << 20 // characters of all
)

// Scenarios are what a drill can be made of here: the built-in stories, then the facility's own.
func (b *Book) Scenarios(ctx context.Context, f facility.ID) (all scenario.Catalogue, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		all, err = stories(ctx, tx)
		return err
	})
	return all, err
}

func stories(ctx context.Context, tx *store.Tx) (scenario.Catalogue, error) {
	all, err := scenario.Load()
	if err != nil {
		return all, err
	}
	own, err := ownScenarios(ctx, tx)
	for _, s := range own {
		if !s.Unread {
			all.Scenarios = append(all.Scenarios, s.Scenario)
		}
	}
	return all, err
}

// OwnScenarios lists the facility's own stories by id.
func (b *Book) OwnScenarios(ctx context.Context, f facility.ID) (out []OwnScenario, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = ownScenarios(ctx, tx)
		return err
	})
	return out, err
}

func ownScenarios(ctx context.Context, tx *store.Tx) (out []OwnScenario, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var s OwnScenario
		var at int64
		if err := r.Scan(&s.ID, &s.Title.Ja, &s.Source, &at, &s.ByName); err != nil {
			return err
		}
		s.At, s.Title.En = store.Time(at), s.Title.Ja
		if read, err := scenario.Parse(strings.NewReader(s.Source)); err == nil && len(read) == 1 && read[0].ID == s.ID {
			s.Scenario = read[0]
		} else {
			s.Unread = true
		}
		out = append(out, s)
		return nil
	}, "SELECT s.id, s.title, s.source, s.added_at, s.by_name FROM drill_scenarios s WHERE s.facility_id = $1 ORDER BY s.id")
	return out, err
}

// CheckScenarios reads a file as AddScenarios would and keeps nothing. An error holds scenario.Faults, by line.
func (b *Book) CheckScenarios(ctx context.Context, f facility.ID, r io.Reader) ([]scenario.Entry, error) {
	rules, err := scenario.LoadRules()
	if err != nil {
		return nil, err
	}
	s, err := b.Settings(ctx, f)
	if err != nil {
		return nil, err
	}
	return scenario.Inspect(r, rules, s.ownDomains()...)
}

// ownDomains are the drill's sending and landing domains: mails may name them.
func (s Settings) ownDomains() []string {
	own := []string{s.Domain}
	if u, err := url.Parse(s.Base); err == nil && u.Hostname() != "" {
		own = append(own, u.Hostname())
	}
	return own
}

// AddScenarios takes the stories of a file in, all or none: nothing that must not be sent is kept. One with the id of an own story takes
// its place. An error about the file holds scenario.Faults, by line.
func (b *Book) AddScenarios(ctx context.Context, f facility.ID, r io.Reader) (out []OwnScenario, err error) {
	list, err := b.CheckScenarios(ctx, f, r)
	if err != nil {
		return nil, err
	}
	who, at := actor.From(ctx), b.stamp()
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		out = nil
		for _, e := range list {
			s := OwnScenario{Scenario: e.Scenario, Source: e.Source, ByName: who.Name, At: at}
			n, err := tx.Exec(ctx, "UPDATE drill_scenarios SET title = $3, source = $4, added_at = $5, by_id = $6, by_name = $7 WHERE facility_id = $1 AND id = $2",
				s.ID, s.Title.Ja, s.Source, store.Micros(at), who.ID, who.Name)
			if err != nil {
				return err
			}
			if s.Replaced = n > 0; !s.Replaced {
				if _, err := tx.Exec(ctx, "INSERT INTO drill_scenarios (facility_id, id, title, source, added_at, by_id, by_name) VALUES ($1, $2, $3, $4, $5, $6, $7)",
					s.ID, s.Title.Ja, s.Source, store.Micros(at), who.ID, who.Name); err != nil {
					return err
				}
			}
			out = append(out, s)
			text := i18n.Text{Ja: "訓練の文例「" + s.Title.Ja + "」を取り込みました", En: "Added the drill scenario " + s.Title.En}
			if s.Replaced {
				text = i18n.Text{Ja: "訓練の文例「" + s.Title.Ja + "」を新しい文に置き換えました", En: "Replaced the drill scenario " + s.Title.En}
			}
			if err := b.trail(ctx, tx, "drill.scenario-add", s.ID, text, nil); err != nil {
				return err
			}
		}
		return roomForScenarios(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func roomForScenarios(ctx context.Context, tx *store.Tx) error {
	var n, bytes int
	err := tx.Row(ctx, "SELECT count(*), coalesce(sum(length(s.source)), 0) FROM drill_scenarios s WHERE s.facility_id = $1").Scan(&n, &bytes)
	if err == nil && (n > maxOwnScenarios || bytes > maxOwnText) {
		err = fault.Newf(fault.TooLarge, "自院の文例は%d話、合わせて%d MBまでです。使わないものを外してから取り込んでください。",
			"A facility may keep %d scenarios of its own, %d MB in all. Remove some first.", maxOwnScenarios, maxOwnText>>20)
	}
	return err
}

// RemoveScenario takes an own story away. Drills that were made of it keep their mail; while the yearly plan still counts on it, it stays.
func (b *Book) RemoveScenario(ctx context.Context, f facility.ID, id string) error {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return err
	}
	now := b.now().In(fac.Location())
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		var title string
		err := tx.Row(ctx, "SELECT s.title FROM drill_scenarios s WHERE s.facility_id = $1 AND s.id = $2", id).Scan(&title)
		if isNone(err) {
			return noScenario()
		}
		if err != nil {
			return err
		}
		coming, err := planned(ctx, tx, now.Format(monthForm), fmt.Sprintf("%04d-99", now.Year()+10), now)
		if err != nil {
			return err
		}
		for _, p := range coming {
			if p.Scenario == id && p.Made.ID == "" {
				return fault.Newf(fault.Conflict, "年間計画の%[1]sで使うことになっています。先に計画を変えてから外してください。",
					"The yearly plan counts on it in %[1]s. Change the plan first.", p.Month)
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM drill_scenarios WHERE facility_id = $1 AND id = $2", id); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.scenario-remove", id, i18n.Text{Ja: "訓練の文例「" + title + "」を外しました", En: "Removed the drill scenario " + title}, nil)
	})
}
