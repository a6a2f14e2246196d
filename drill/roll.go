package drill

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

// RollEntry is one lesson that somebody finished. Name and Person are empty once the drill's names are forgotten.
type RollEntry struct {
	ID         string
	Person     string
	Name       string
	Department string
	Lesson     string
	Title      i18n.Text
	At         time.Time
	Score      int // right answers of Questions
	Questions  int
	Drill      string
}

// RollFilter picks entries of the training roll.
type RollFilter struct {
	From, To   time.Time // To is not included; zero: no bound
	Department string
	After      string // cursor: the id of the last entry that was read
	Limit      int    // 0 means 500, at most 50,000
}

// Roll lists who finished which lesson, the newest first, and the cursor of the next page. It names people: it is for the 訓練担当 only.
func (b *Book) Roll(ctx context.Context, f facility.ID, q RollFilter) (out []RollEntry, next string, err error) {
	book, err := b.lessons()
	if err != nil {
		return nil, "", err
	}
	var w store.Where
	if !q.From.IsZero() {
		w.And("r.at >= ?", store.Micros(q.From))
	}
	if !q.To.IsZero() {
		w.And("r.at < ?", store.Micros(q.To))
	}
	if q.Department != "" {
		w.And("r.department = ?", q.Department)
	}
	if q.After != "" { // ids are made in the order of time
		w.And("r.id < ?", q.After)
	}
	if q.Limit <= 0 || q.Limit > 50_000 {
		q.Limit = 500
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		limit := w.Next(q.Limit + 1)
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var e RollEntry
			var at int64
			err := r.Scan(&e.ID, &e.Person, &e.Name, &e.Department, &e.Lesson, &at, &e.Score, &e.Questions, &e.Drill)
			e.At, e.Title = store.Time(at), i18n.Text{Ja: e.Lesson, En: e.Lesson}
			if set, ok := book.Set(e.Lesson); ok {
				e.Title = set.Title
			}
			out = append(out, e)
			return err
		}, "SELECT r.id, r.person_id, r.name, r.department, r.lesson, r.at, r.score, r.questions, r.drill_id FROM drill_roll r WHERE r.facility_id = $1"+w.SQL()+
			" ORDER BY r.id DESC LIMIT "+limit, w.Args...)
	})
	if len(out) > q.Limit {
		out = out[:q.Limit]
		next = out[q.Limit-1].ID
	}
	return out, next, err
}

// Coverage is how many of a department's active staff finished any lesson in a fiscal year.
type Coverage struct {
	Department string // "" those who have none; of the whole hospital, too
	Done, Of   int
	AtLeast    bool // entries without names are among them: it may be more people
}

// Shown reports whether the figure may be shown: a few people would be told by it.
func (c Coverage) Shown() bool { return c.Of >= rate.Smallest }

// Covered counts the fiscal year (April to March in the facility's zone) that began in a year: the whole hospital, and its departments.
func (b *Book) Covered(ctx context.Context, f facility.ID, year int) (all Coverage, by []Coverage, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return all, nil, err
	}
	from, to := time.Date(year, time.April, 1, 0, 0, 0, 0, fac.Location()), time.Date(year+1, time.April, 1, 0, 0, 0, 0, fac.Location())
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		all, by = Coverage{}, nil
		staff, err := people(ctx, tx, PeopleFilter{Role: Staff})
		if err != nil {
			return err
		}
		done, nameless, err := finished(ctx, tx, from, to)
		if err != nil {
			return err
		}
		count := map[string]*Coverage{}
		for _, p := range staff {
			c := count[p.Department]
			if c == nil {
				c = &Coverage{Department: p.Department}
				count[p.Department] = c
			}
			c.Of++
			if done[p.ID] {
				c.Done++
			}
		}
		for _, name := range sortedKeys(count) {
			c := *count[name]
			if n := nameless[name]; n > 0 { // the people of one drill are different ones; those of two drills may be the same
				c.AtLeast, c.Done = true, max(c.Done, min(n, c.Of))
			}
			by = append(by, c)
			all.Done, all.Of, all.AtLeast = all.Done+c.Done, all.Of+c.Of, all.AtLeast || c.AtLeast
		}
		slices.SortStableFunc(by, func(a, c Coverage) int { return strings.Compare(a.Department, c.Department) })
		return nil
	})
	return all, by, err
}

// finished reads who finished a lesson, and for each department the most people of one drill whose names are forgotten.
func finished(ctx context.Context, tx *store.Tx, from, to time.Time) (done map[string]bool, nameless map[string]int, err error) {
	done, nameless = map[string]bool{}, map[string]int{}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var person, department string
		var n int
		if err := r.Scan(&person, &department, &n); err != nil {
			return err
		}
		if person != "" {
			done[person] = true
		} else {
			nameless[department] = max(nameless[department], n)
		}
		return nil
	}, `SELECT r.person_id, r.department, count(*) FROM drill_roll r WHERE r.facility_id = $1 AND r.at >= $2 AND r.at < $3
		GROUP BY r.person_id, r.department, r.drill_id, r.lesson`, store.Micros(from), store.Micros(to))
	return done, nameless, err
}

// FiscalYear is the year in which the facility's present fiscal year began.
func (b *Book) FiscalYear(ctx context.Context, f facility.ID) (int, error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return 0, err
	}
	return jp.FiscalYear(b.now().In(fac.Location())), nil
}
