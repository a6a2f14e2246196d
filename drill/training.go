package drill

import (
	"context"
	"database/sql"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// Trainee is somebody of the active staff who finished a lesson, and when last.
type Trainee struct {
	Person, Name, Department string
	At                       time.Time
}

// Nameless are the people of one department who finished a lesson of one drill whose names are forgotten: N different people, not more than
// the department has.
type Nameless struct {
	Department string
	N          int
	At         time.Time // the first of them
}

// Training is what the training roll proves.
type Training struct {
	People   []Trainee
	Nameless []Nameless
	Staff    map[string]int // active staff by department
}

// Trained is the roll since a time, as evidence of training: only of people who are still on the list of recipients. A notice that was read
// is no training and is not in it.
func (b *Book) Trained(ctx context.Context, f facility.ID, since time.Time) (out Training, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = Training{Staff: map[string]int{}}
		staff, err := people(ctx, tx, PeopleFilter{Role: Staff})
		if err != nil {
			return err
		}
		for _, p := range staff {
			out.Staff[p.Department]++
		}
		last := map[string]time.Time{}
		err = store.Each(ctx, tx, func(r *sql.Rows) error {
			var person, department string
			var n int
			var first, newest int64
			if err := r.Scan(&person, &department, &n, &first, &newest); err != nil {
				return err
			}
			switch at := store.Time(newest); {
			case person == "" && out.Staff[department] > 0:
				out.Nameless = append(out.Nameless, Nameless{department, min(n, out.Staff[department]), store.Time(first)})
			case person != "" && at.After(last[person]):
				last[person] = at
			}
			return nil
		}, `SELECT r.person_id, r.department, count(*), min(r.at), max(r.at) FROM drill_roll r WHERE r.facility_id = $1 AND r.at >= $2
			GROUP BY r.person_id, r.department, r.drill_id, r.lesson`, store.Micros(since))
		for _, p := range staff {
			if at := last[p.ID]; !at.IsZero() {
				out.People = append(out.People, Trainee{p.ID, p.Name(), p.Department, at})
			}
		}
		return err
	})
	return out, err
}
