package finding

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Filter says which findings List returns. The zero Filter means all that are open, the weightiest first.
type Filter struct {
	States   []State // empty: Open (with those whose acceptance has run out)
	All      bool    // every state; wins over States
	Device   netid.DeviceID
	Check    string
	Severity Severity  // at least
	Source   Source    // "": all
	Owner    string    // exactly this name
	Nobody   bool      // only those without an owner
	Since    time.Time // found first at or after
	DueUntil time.Time // due before
	Overdue  bool
	After    string // cursor: Page.Next of the page before
	Limit    int    // 0 means 50, at most 500
}

// Page is one page of a list.
type Page struct {
	Findings []Finding `json:"findings"`
	Next     string    `json:"next,omitempty"` // "" on the last page
	Total    int       `json:"total"`
}

// now is when an acceptance runs out: an accepted finding past its day is open, whether or not a run has looked since.
func effective(w *store.Where, now time.Time, states []State) {
	at := store.Micros(now)
	var cond string
	var args []any
	for _, s := range states {
		if cond != "" {
			cond += " OR "
		}
		switch s {
		case Open:
			cond, args = cond+"(f.state = ? OR f.state = ? AND f.accepted_until < ?)", append(args, string(Open), string(Accepted), at)
		case Accepted:
			cond, args = cond+"(f.state = ? AND f.accepted_until >= ?)", append(args, string(Accepted), at)
		default:
			cond, args = cond+"f.state = ?", append(args, string(s))
		}
	}
	w.And("("+cond+")", args...)
}

// List returns findings by weight (severity x patient impact), then by due day.
func (b *Book) List(ctx context.Context, f facility.ID, q Filter) (Page, error) {
	var w store.Where
	if !q.All {
		if len(q.States) == 0 {
			q.States = []State{Open}
		}
		effective(&w, b.now(), q.States)
	}
	if q.Device != "" {
		w.And("f.device_id = ?", string(q.Device))
	}
	if q.Check != "" {
		w.And("f.check_id = ?", q.Check)
	}
	if q.Severity > 0 {
		w.And("f.severity >= ?", int(q.Severity))
	}
	if q.Source != "" {
		cond, args := q.Source.condition()
		w.And(cond, args...)
	}
	if q.Owner != "" {
		w.And("f.owner = ?", q.Owner)
	}
	if q.Nobody {
		w.And("f.owner = ?", "")
	}
	if !q.Since.IsZero() {
		w.And("f.first_seen >= ?", store.Micros(q.Since))
	}
	if q.Overdue {
		q.DueUntil = b.now()
	}
	if !q.DueUntil.IsZero() {
		w.And("f.due_at < ?", store.Micros(q.DueUntil))
	}
	var page Page
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		err := tx.Row(ctx, "SELECT count(*) FROM finding_findings f WHERE f.facility_id = $1"+w.SQL(), w.Args...).Scan(&page.Total)
		if err != nil {
			return fmt.Errorf("count findings: %w", err)
		}
		return b.page(ctx, tx, &page, q, w)
	})
	return page, err
}

func (b *Book) page(ctx context.Context, tx *store.Tx, page *Page, q Filter, w store.Where) error {
	if q.After != "" {
		c, err := parseCursor(q.After)
		if err != nil {
			return err
		}
		w.And("(f.weight < ? OR f.weight = ? AND (f.due_at > ? OR f.due_at = ? AND f.id > ?))", c.weight, c.weight, c.due, c.due, c.id)
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 500)
	order := " ORDER BY f.weight DESC, f.due_at, f.id LIMIT " + w.Next(q.Limit+1)
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		v, err := scan(r)
		page.Findings = append(page.Findings, v)
		return err
	}, "SELECT "+columns+" FROM finding_findings f WHERE f.facility_id = $1"+w.SQL()+order, w.Args...)
	if err == nil && len(page.Findings) > q.Limit {
		page.Findings = page.Findings[:q.Limit]
		last := page.Findings[q.Limit-1]
		page.Next = cursor{weight(last.Severity, last.Impact), store.Micros(last.Due), last.ID}.String()
	}
	return err
}

type cursor struct {
	weight int
	due    int64
	id     string
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %s", c.weight, c.due, c.id))
}

func parseCursor(s string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d %d %s", &c.weight, &c.due, &c.id)
	}
	if err != nil {
		return c, fault.New(fault.Invalid, "ページの位置が正しくありません。最初のページから開き直してください。", "The page's position is not valid. Start from the first page.")
	}
	return c, nil
}

// Counts returns how each of the devices stands; devices without an open finding are left out. No devices given means all.
func (b *Book) Counts(ctx context.Context, tx *store.Tx, devices ...netid.DeviceID) (map[netid.DeviceID]Count, error) {
	out := map[netid.DeviceID]Count{}
	ask := func(some []netid.DeviceID) error {
		var w store.Where
		effective(&w, b.now(), []State{Open, Waiting})
		w.And("f.device_id <> ?", "")
		cond := ""
		if some != nil {
			args := make([]any, len(some))
			for i, d := range some {
				args[i] = string(d)
			}
			cond = " AND f.device_id IN " + store.In(len(w.Args)+2, len(some))
			defer func(n int) { w.Args = w.Args[:n] }(len(w.Args))
			w.Args = append(w.Args, args...)
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var d netid.DeviceID
			var c Count
			err := r.Scan(&d, &c.Open, &c.Worst)
			out[d] = c
			return err
		}, "SELECT f.device_id, count(*), max(f.severity) FROM finding_findings f WHERE f.facility_id = $1"+w.SQL()+cond+" GROUP BY f.device_id", w.Args...)
	}
	if len(devices) == 0 {
		return out, ask(nil)
	}
	for chunk := range slices.Chunk(devices, 400) {
		if err := ask(chunk); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Summary is how the facility stands, for ホーム.
type Summary struct {
	Open       int              `json:"open"`
	BySeverity map[Severity]int `json:"by_severity"`
	Overdue    int              `json:"overdue"`
	Waiting    int              `json:"waiting"` // for a vendor's answer
	Accepted   int              `json:"accepted"`
	Fixed      int              `json:"fixed"` // said to be fixed, not yet confirmed
	Stale      int              `json:"stale"` // open, and the last run could not look
}

// Summarise counts the facility's findings.
func (b *Book) Summarise(ctx context.Context, f facility.ID) (Summary, error) {
	out := Summary{BySeverity: map[Severity]int{}}
	now := store.Micros(b.now())
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var s State
			var sev Severity
			var n, stale, overdue, lapsed int
			if err := r.Scan(&s, &sev, &n, &stale, &overdue, &lapsed); err != nil {
				return err
			}
			switch s {
			case Accepted:
				out.Accepted += n - lapsed
				out.Open += lapsed
				out.BySeverity[sev] += lapsed
			case Fixed:
				out.Fixed += n
			case Waiting:
				out.Waiting += n
			case Open:
				out.Open += n
				out.BySeverity[sev] += n
				out.Stale += stale
				out.Overdue += overdue
			case Gone, Moot:
			}
			return nil
		}, `SELECT f.state, f.severity, count(*), coalesce(sum(CASE WHEN f.stale THEN 1 ELSE 0 END), 0),
				coalesce(sum(CASE WHEN f.due_at < $2 THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN f.accepted_until < $2 THEN 1 ELSE 0 END), 0)
			FROM finding_findings f WHERE f.facility_id = $1 AND f.state NOT IN ('gone', 'moot') GROUP BY f.state, f.severity`, now)
	})
	return out, err
}

// Today returns what to do first: open findings by severity x patient impact, the closer the due day the higher, one line per check. limit 0
// means 5.
func (b *Book) Today(ctx context.Context, f facility.ID, limit int) ([]Item, error) {
	if limit <= 0 {
		limit = 5
	}
	now := b.now()
	args := []any{string(Open), string(Accepted), store.Micros(now), store.Micros(now.AddDate(0, 0, 7)), store.Micros(now.AddDate(0, 0, 30)), limit}
	var out []Item
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var n, rank, score int64
			v, err := scan(r, &n, &rank, &score)
			out = append(out, Item{Finding: v, Devices: int(n)})
			return err
		}, `SELECT * FROM (SELECT `+columns+`, count(*) OVER (PARTITION BY f.check_id) AS devices,
					row_number() OVER (PARTITION BY f.check_id ORDER BY `+urgency+` DESC, f.due_at, f.id) AS place, `+urgency+` AS score
				FROM finding_findings f WHERE f.facility_id = $1 AND (f.state = $2 OR f.state = $3 AND f.accepted_until < $4)) ranked
			WHERE place = 1 ORDER BY score DESC, due_at, id LIMIT $7`, args...)
	})
	return out, err
}

// urgency is weight, doubled when overdue, half as much again when due within a week, a fifth within a month.
const urgency = "f.weight * (CASE WHEN f.due_at < $4 THEN 20 WHEN f.due_at < $5 THEN 15 WHEN f.due_at < $6 THEN 12 ELSE 10 END)"

// Weigh copies a device's impact on patients into its findings; the ledger's editor calls it when the impact changes.
func (b *Book) Weigh(ctx context.Context, tx *store.Tx, device netid.DeviceID, impact string) error {
	for s := Low; s <= Critical; s++ {
		if _, err := tx.Exec(ctx, `UPDATE finding_findings SET impact = $4, weight = $5 WHERE facility_id = $1 AND device_id = $2 AND severity = $3`,
			string(device), int(s), impact, weight(s, impact)); err != nil {
			return err
		}
	}
	return nil
}

// Leave closes what is open on a device that left the ledger (retired, removed, out of scope).
func (b *Book) Leave(ctx context.Context, tx *store.Tx, device netid.DeviceID, reason string) error {
	list, err := ofDevice(ctx, tx, device)
	if err != nil {
		return err
	}
	for _, f := range list {
		if !f.State.Over() {
			if err := b.move(ctx, tx, f, Moot, reason, b.now().UTC().Truncate(time.Microsecond)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Merge moves the findings of a device to the one that it turned out to be. Where both have the same, the winner's stays with the earlier
// first sighting.
func (b *Book) Merge(ctx context.Context, tx *store.Tx, winner, loser netid.DeviceID) error {
	list, err := ofDevice(ctx, tx, loser)
	if err != nil {
		return err
	}
	for _, f := range list {
		var id string
		var first int64
		err := tx.Row(ctx, `SELECT f.id, f.first_seen FROM finding_findings f
			WHERE f.facility_id = $1 AND f.check_id = $2 AND f.device_id = $3 AND f.part = $4`, f.Check, string(winner), f.Part).Scan(&id, &first)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err = tx.Exec(ctx, "UPDATE finding_findings SET device_id = $3 WHERE facility_id = $1 AND id = $2", f.ID, string(winner))
		case err == nil:
			if _, err = tx.Exec(ctx, "UPDATE finding_findings SET first_seen = $3 WHERE facility_id = $1 AND id = $2", id,
				min(first, store.Micros(f.FirstSeen))); err == nil {
				err = b.move(ctx, tx, f, Moot, "merged", b.now().UTC().Truncate(time.Microsecond))
			}
		}
		if err != nil {
			return fmt.Errorf("move finding %s: %w", f.ID, err)
		}
	}
	return nil
}

func ofDevice(ctx context.Context, tx *store.Tx, device netid.DeviceID) ([]Finding, error) {
	return selected(ctx, tx, "f.device_id = $2 ORDER BY f.id", string(device))
}

// selected reads the findings that a condition with arguments from $2 on chooses.
func selected(ctx context.Context, tx *store.Tx, cond string, args ...any) (out []Finding, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		f, err := scan(r)
		out = append(out, f)
		return err
	}, "SELECT "+columns+" FROM finding_findings f WHERE f.facility_id = $1 AND "+cond, args...)
	return out, err
}
