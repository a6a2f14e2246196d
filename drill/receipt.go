package drill

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"kenshin/drill/letter"
	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/store"
)

// Fold puts departments that are too small to be shown together, so that nobody can be told from a figure; others is their common name. What is
// still too small then is left out.
func Fold(by []Coverage, others string) []Coverage {
	parts := make([]rate.Rate, len(by))
	for i, c := range by {
		parts[i] = rate.Rate{Count: c.Done, Of: c.Of}
	}
	var out []Coverage
	rest := Coverage{Department: others}
	for i, hidden := range rate.Hidden(parts) {
		c := by[i]
		switch {
		case c.Of == 0:
		case hidden:
			rest.Done, rest.Of, rest.AtLeast = rest.Done+c.Done, rest.Of+c.Of, rest.AtLeast || c.AtLeast
		default:
			out = append(out, c)
		}
	}
	if rest.Shown() {
		out = append(out, rest)
	}
	return out
}

// noticeLines is the text of a notice for its page: lines that hold a person's name or the person's link stand in the mail alone.
func noticeLines(d Drill, facility string) (out []string) {
	const own = "\uE000" // of the private use area: no text of a mail has it
	nobody := letter.Fields{Surname: own, Given: own, Reading: own, Department: own, Email: own, Link: own, QR: own, Facility: facility}
	text, err := letter.Fill(d.Mail.Text, nobody, false)
	if err != nil { // the drill was checked when it was made: what cannot be filled is shown as it stands
		text = d.Mail.Text
	}
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && !strings.Contains(l, own) {
			out = append(out, l)
		}
	}
	return out
}

// Received counts who read a notice or finished the lesson that a drill carried, of those whom its mail reached: everybody, and by department.
// It holds without names.
func (b *Book) Received(ctx context.Context, f facility.ID, id string) (all Coverage, by []Coverage, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		all, by = Coverage{}, nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var c Coverage
			if err := r.Scan(&c.Department, &c.Of, &c.Done); err != nil {
				return err
			}
			by = append(by, c)
			all.Of, all.Done = all.Of+c.Of, all.Done+c.Done
			return nil
		}, `SELECT t.department, count(*), coalesce(sum(CASE WHEN t.lesson_at > 0 THEN 1 ELSE 0 END), 0) FROM drill_targets t
			WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.role = 'staff' AND t.mail IN ('accepted', 'unknown') GROUP BY t.department ORDER BY t.department`, id)
	})
	slices.SortStableFunc(by, func(a, b Coverage) int { return b.Of - a.Of })
	return all, by, err
}

// Template is a drill as another facility may take it over: its mail and rating, and nothing of whom it went to, when, or what came of it.
func (b *Book) Template(ctx context.Context, f facility.ID, id string) (Drill, error) {
	d, err := b.Get(ctx, f, id)
	return Drill{Name: d.Name, Mode: d.Mode, Mail: d.Mail, Rating: d.Rating}, err
}
