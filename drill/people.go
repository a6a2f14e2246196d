package drill

import (
	"context"
	"database/sql"
	"fmt"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

const personColumns = "p.id, p.address, p.surname, p.given, p.reading, p.department, p.job, p.role, p.active, p.changed_at"

func scanPerson(r interface{ Scan(...any) error }) (p Person, err error) {
	var changed int64
	err = r.Scan(&p.ID, &p.Address, &p.Surname, &p.Given, &p.Reading, &p.Department, &p.Job, &p.Role, &p.Active, &changed)
	p.Changed = store.Time(changed)
	return p, err
}

// SavePeople adds mailboxes or changes those with the same address, and returns how many of each. With leave, everybody of the same role
// who is not named is set inactive: the list is the whole hospital's.
func (b *Book) SavePeople(ctx context.Context, f facility.ID, people []Person, leave bool) (added, changed int, err error) {
	const slice = 500 // rows of one short transaction
	run := store.NewID()
	for at := 0; at < len(people) || at == 0; at += slice {
		some := people[at:min(at+slice, len(people))]
		last := at+slice >= len(people)
		err = b.db.Write(ctx, f, func(tx *store.Tx) error {
			a, c, err := b.putPeople(ctx, tx, some)
			if err != nil {
				return err
			}
			added, changed = added+a, changed+c
			if !last {
				return nil
			}
			if leave {
				if err := b.leaveOthers(ctx, tx, people); err != nil {
					return err
				}
			}
			return b.trail(ctx, tx, "drill.people", run, i18n.Text{Ja: fmt.Sprintf("訓練の宛先を変えました(新しい%d人、変わった%d人)", added, changed),
				En: fmt.Sprintf("Changed the drills' recipients (%d new, %d changed)", added, changed)}, nil)
		})
		if err != nil {
			return added, changed, err
		}
	}
	return added, changed, nil
}

func (b *Book) putPeople(ctx context.Context, tx *store.Tx, people []Person) (added, changed int, err error) {
	now := store.Micros(b.stamp())
	for _, p := range people {
		if p.Role == "" {
			p.Role = Staff
		}
		n, err := tx.Exec(ctx, `UPDATE drill_people SET surname = $3, given = $4, reading = $5, sort_key = $6, department = $7, job = $8, role = $9,
			active = $10, changed_at = $11 WHERE facility_id = $1 AND address = $2`,
			p.Address, p.Surname, p.Given, p.Reading, jp.Reading(p.Surname+p.Given, p.Reading), p.Department, p.Job, string(p.Role), true, now)
		if err != nil {
			return added, changed, err
		}
		if n > 0 {
			changed++
			continue
		}
		added++
		_, err = tx.Exec(ctx, `INSERT INTO drill_people (facility_id, id, address, surname, given, reading, sort_key, department, job, role, active, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			store.NewID(), p.Address, p.Surname, p.Given, p.Reading, jp.Reading(p.Surname+p.Given, p.Reading), p.Department, p.Job, string(p.Role), true, now)
		if err != nil {
			return added, changed, err
		}
	}
	return added, changed, nil
}

func (b *Book) leaveOthers(ctx context.Context, tx *store.Tx, people []Person) error {
	named := map[string]bool{}
	for _, p := range people {
		named[p.Address] = true
	}
	var gone []string
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id, address string
		if err := r.Scan(&id, &address); err != nil {
			return err
		}
		if !named[address] {
			gone = append(gone, id)
		}
		return nil
	}, "SELECT p.id, p.address FROM drill_people p WHERE p.facility_id = $1 AND p.active = $2 AND p.role = $3", true, string(Staff))
	if err != nil {
		return err
	}
	for _, id := range gone {
		if _, err := tx.Exec(ctx, "UPDATE drill_people SET active = $3, changed_at = $4 WHERE facility_id = $1 AND id = $2", id, false, store.Micros(b.stamp())); err != nil {
			return err
		}
	}
	return nil
}

// RemovePerson takes a mailbox off the list; drills that it was part of keep what happened.
func (b *Book) RemovePerson(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE drill_people SET active = $3, changed_at = $4 WHERE facility_id = $1 AND id = $2", id, false, store.Micros(b.stamp()))
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "この宛先はありません。", "There is no such recipient.")
		}
		if err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.person-remove", id, i18n.Text{Ja: "訓練の宛先から1人を外しました", En: "Took a person off the drills' recipients"}, nil)
	})
}

// PeopleFilter picks mailboxes. The zero value means all active staff.
type PeopleFilter struct {
	Query      string // part of name, reading or address, in any writing
	Department string
	Role       PersonRole // "" is Staff
	After      string     // cursor
	Limit      int        // 0 means all
}

// PeoplePage is one page of mailboxes.
type PeoplePage struct {
	People []Person
	Total  int
	Next   string
}

// People lists mailboxes in the order of their readings.
func (b *Book) People(ctx context.Context, f facility.ID, q PeopleFilter) (page PeoplePage, err error) {
	if q.Role == "" {
		q.Role = Staff
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		all, err := people(ctx, tx, q)
		if err != nil {
			return err
		}
		page.Total = len(all)
		start := 0
		for i := range all {
			if q.After != "" && all[i].ID == q.After {
				start = i + 1
			}
		}
		page.People = all[start:]
		if q.Limit > 0 && len(page.People) > q.Limit {
			page.People = page.People[:q.Limit]
			page.Next = page.People[q.Limit-1].ID
		}
		return nil
	})
	return page, err
}

func people(ctx context.Context, tx *store.Tx, q PeopleFilter) (out []Person, err error) {
	var w store.Where
	w.And("p.active = ?", true)
	w.And("p.role = ?", string(q.Role))
	if q.Department != "" {
		w.And("p.department = ?", q.Department)
	}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		p, err := scanPerson(r)
		if err == nil && (q.Query == "" || jp.Contains(p.Surname+p.Given+" "+p.Reading+" "+p.Address, q.Query)) {
			out = append(out, p)
		}
		return err
	}, "SELECT "+personColumns+" FROM drill_people p WHERE p.facility_id = $1"+w.SQL()+" ORDER BY p.sort_key, p.id", w.Args...)
	return out, err
}

// Departments lists the departments of the active staff with their sizes, the largest first.
func (b *Book) Departments(ctx context.Context, f facility.ID) (out []Group, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var g Group
			err := r.Scan(&g.Name, &g.Size)
			out = append(out, g)
			return err
		}, `SELECT p.department, count(*) FROM drill_people p WHERE p.facility_id = $1 AND p.active = $2 AND p.role = $3
			GROUP BY p.department ORDER BY count(*) DESC, p.department`, true, string(Staff))
	})
	return out, err
}

// Group is a department with its size.
type Group struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}
