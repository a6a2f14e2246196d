package finding

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Book is the facilities' findings in the database.
type Book struct {
	db  *store.DB
	now func() time.Time
}

// New returns the book that lies in db.
func New(db *store.DB, now func() time.Time) *Book { return &Book{db: db, now: now} }

const columns = `f.id, f.check_id, f.device_id, f.part, f.severity, f.impact, f.state, f.stale, f.due_at, f.accepted_until, f.first_seen, f.last_seen,
	f.checked_at, f.closed_at, f.owner, f.version, f.revision, f.content`

func scan(r interface{ Scan(...any) error }, more ...any) (f Finding, err error) {
	var due, until, first, last, checked, closed int64
	var body string
	dest := []any{&f.ID, &f.Check, &f.Device, &f.Part, &f.Severity, &f.Impact, &f.State, &f.Stale, &due, &until, &first, &last, &checked, &closed,
		&f.Owner, &f.Version, &f.Revision, &body}
	if err := r.Scan(append(dest, more...)...); err != nil {
		return f, err
	}
	var c content
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return f, fmt.Errorf("read finding %s: %w", f.ID, err)
	}
	f.Text, f.Evidence, f.Reason = c.Text, c.Evidence, c.Reason
	f.Due, f.AcceptedUntil, f.FirstSeen, f.LastSeen = store.Time(due), store.Time(until), store.Time(first), store.Time(last)
	f.CheckedAt, f.ClosedAt = store.Time(checked), store.Time(closed)
	return f, nil
}

// subject is what a run speaks about.
type subject struct {
	check  string
	device netid.DeviceID
}

// Record stores what a run of checks says, in the caller's transaction; at most a few hundred results at once keep it short. Recording the
// same twice changes nothing. What a check looked for and did not find any more is closed; what it could not reach stays and turns stale.
func (b *Book) Record(ctx context.Context, tx *store.Tx, results []Result) ([]Change, error) {
	groups := map[subject][]Result{}
	var order []subject
	for _, r := range results {
		if err := r.valid(); err != nil {
			return nil, err
		}
		s := subject{r.Check, r.Device}
		if groups[s] == nil {
			order = append(order, s)
		}
		groups[s] = append(groups[s], r)
	}
	slices.SortFunc(order, func(a, b subject) int { // one order everywhere: two writers never wait for each other crosswise
		if a.device != b.device {
			return compare(string(a.device), string(b.device))
		}
		return compare(a.check, b.check)
	})
	have, err := recorded(ctx, tx, order)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, s := range order {
		more, err := b.recordOne(ctx, tx, s, have[s], groups[s])
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Add stores one weakness that a person reported, in the caller's transaction, and returns its id. Unlike Record it closes none of the check's other parts.
func (b *Book) Add(ctx context.Context, tx *store.Tx, r Result) (id string, err error) {
	if err := r.valid(); err != nil {
		return "", err
	}
	have, err := recorded(ctx, tx, []subject{{r.Check, r.Device}})
	if err != nil {
		return "", err
	}
	old, known := have[subject{r.Check, r.Device}][r.Part]
	changes, err := b.found(ctx, tx, r, old, known, b.now().UTC().Truncate(time.Microsecond))
	if err != nil || known {
		return old.ID, err
	}
	return changes[0].ID, nil
}

// recorded returns what is stored about the devices of some subjects, by check and device, then by part.
func recorded(ctx context.Context, tx *store.Tx, subjects []subject) (map[subject]map[string]Finding, error) {
	var devices []any
	for _, s := range subjects {
		if d := string(s.device); len(devices) == 0 || devices[len(devices)-1] != d { // sorted by device
			devices = append(devices, d)
		}
	}
	out := map[subject]map[string]Finding{}
	for some := range slices.Chunk(devices, 400) {
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			f, err := scan(r)
			s := subject{f.Check, f.Device}
			if out[s] == nil {
				out[s] = map[string]Finding{}
			}
			out[s][f.Part] = f
			return err
		}, "SELECT "+columns+" FROM finding_findings f WHERE f.facility_id = $1 AND f.device_id IN "+store.In(2, len(some)), some...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *Book) recordOne(ctx context.Context, tx *store.Tx, s subject, have map[string]Finding, results []Result) ([]Change, error) {
	now := b.now().UTC().Truncate(time.Microsecond)
	looked, found := false, map[string]bool{}
	var changes []Change
	for _, r := range results {
		looked = looked || r.Outcome != Unreached
		if r.Outcome != Found || found[r.Part] {
			continue
		}
		found[r.Part] = true
		old, known := have[r.Part]
		c, err := b.found(ctx, tx, r, old, known, now)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c...)
	}
	for _, part := range sortedParts(have) {
		f := have[part]
		if found[part] || f.State.Over() {
			continue
		}
		if !looked {
			if _, err := tx.Exec(ctx, "UPDATE finding_findings SET stale = $3 WHERE facility_id = $1 AND id = $2", f.ID, true); err != nil {
				return nil, err
			}
			continue
		}
		if err := b.move(ctx, tx, f, Gone, "", now); err != nil {
			return nil, err
		}
		changes = append(changes, Change{Closed, f.ID, s.check, s.device, f.Severity, f.Title})
	}
	return changes, nil
}

func sortedParts(m map[string]Finding) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// found writes one weakness that is there.
func (b *Book) found(ctx context.Context, tx *store.Tx, r Result, old Finding, known bool, now time.Time) ([]Change, error) {
	f := Finding{ID: store.NewID(), Check: r.Check, Device: r.Device, Part: r.Part, State: Open, FirstSeen: now, Revision: 1}
	kind := Opened
	switch {
	case known && (old.State.Over() || old.State == Fixed || old.State == Accepted && old.AcceptedUntil.Before(now)):
		f, kind = old, Reopened
		f.State, f.Reason, f.AcceptedUntil, f.ClosedAt, f.Due = Open, "", time.Time{}, time.Time{}, time.Time{}
	case known:
		f, kind = old, ""
		if r.Severity > old.Severity {
			kind, f.Due = Worse, time.Time{}
		}
	}
	f.Version, f.Severity, f.Impact, f.Text, f.Evidence = r.Version, r.Severity, r.Impact, r.Text, r.evidence()
	f.Stale, f.LastSeen, f.CheckedAt = false, now, now
	if f.Owner == "" {
		f.Owner = r.Owner
	}
	switch { // a day that is set stays: it must not move on with every run
	case f.Due.IsZero() && !r.Due.IsZero():
		f.Due = r.Due.UTC().Truncate(time.Microsecond)
	case f.Due.IsZero():
		f.Due = due(r.Severity, now)
	}
	if err := write(ctx, tx, f); err != nil || kind == "" {
		return nil, err
	}
	if kind != Worse {
		if err := note(ctx, tx, f.ID, now, Open, string(kind)); err != nil {
			return nil, err
		}
	}
	return []Change{{kind, f.ID, f.Check, f.Device, f.Severity, f.Title}}, nil
}

func write(ctx context.Context, tx *store.Tx, f Finding) error {
	body, err := content{f.Text, f.Evidence, f.Reason}.json()
	if err != nil {
		return fmt.Errorf("write finding: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO finding_findings (facility_id, id, check_id, device_id, part, severity, impact, weight, state, stale, due_at,
			accepted_until, first_seen, last_seen, checked_at, closed_at, owner, version, revision, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT (facility_id, id) DO UPDATE SET severity = excluded.severity, impact = excluded.impact, weight = excluded.weight,
			state = excluded.state, stale = excluded.stale, due_at = excluded.due_at, accepted_until = excluded.accepted_until,
			last_seen = excluded.last_seen, checked_at = excluded.checked_at, closed_at = excluded.closed_at, owner = excluded.owner,
			version = excluded.version, revision = excluded.revision, content = excluded.content`,
		f.ID, f.Check, string(f.Device), f.Part, int(f.Severity), f.Impact, weight(f.Severity, f.Impact), string(f.State), f.Stale, store.Micros(f.Due),
		store.Micros(f.AcceptedUntil), store.Micros(f.FirstSeen), store.Micros(f.LastSeen), store.Micros(f.CheckedAt), store.Micros(f.ClosedAt),
		f.Owner, f.Version, f.Revision, body)
	return err
}

// move takes a finding to another state.
func (b *Book) move(ctx context.Context, tx *store.Tx, f Finding, to State, reason string, now time.Time) error {
	f.State, f.Reason, f.Stale = to, reason, false
	f.Revision++
	if to.Over() || to == Fixed {
		f.ClosedAt = now
	}
	if to == Gone {
		f.CheckedAt = now
	}
	if err := write(ctx, tx, f); err != nil {
		return err
	}
	return note(ctx, tx, f.ID, now, to, reason)
}

func note(ctx context.Context, tx *store.Tx, id string, at time.Time, s State, reason string) error {
	a := actor.From(ctx)
	_, err := tx.Exec(ctx, `INSERT INTO finding_history (facility_id, id, finding_id, at, actor_kind, actor_id, actor_name, state, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, store.NewID(), id, store.Micros(at), string(a.Kind), a.ID, a.Name, string(s), reason)
	return err
}

// Get returns one finding.
func (b *Book) Get(ctx context.Context, f facility.ID, id string) (out Finding, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out, err = get(ctx, tx, id)
		return err
	})
	return out, err
}

func get(ctx context.Context, tx *store.Tx, id string) (Finding, error) {
	f, err := scan(tx.Row(ctx, "SELECT "+columns+" FROM finding_findings f WHERE f.facility_id = $1 AND f.id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		return f, fault.New(fault.NotFound, "この弱点は見つかりません。", "There is no such finding.")
	}
	return f, err
}

// over refuses to change what has ended.
func over(s State) error {
	if s == Moot {
		return fault.New(fault.Conflict, "この弱点は、対象がなくなったため終わっています。また見つかれば未対応に戻ります。", "What this finding was about is gone. It opens again when it is found again.")
	}
	return fault.New(fault.Conflict, "この弱点は、直ったことをもう確認しています。", "This finding is gone already.")
}

// Accept leaves a finding as it is until a day, for a reason that is kept. After that day it is open again.
func (b *Book) Accept(ctx context.Context, f facility.ID, id, reason string, until time.Time) error {
	now := b.now()
	switch {
	case len([]rune(reason)) < 3 || len(reason) > maxReason:
		return fault.New(fault.Invalid, "残す理由を書いてください(3文字以上)。監査のときに説明できる内容にします。",
			"Write why it is left as it is (3 characters or more), so that it can be explained in an audit.")
	case !until.After(now) || until.Sub(now) > MaxAccept:
		return fault.New(fault.Invalid, "残す期限は、明日から1年以内の日にしてください。", "The day until which it is left must lie within a year from now.")
	}
	return b.change(ctx, f, id, func(v *Finding) (State, error) {
		if v.State.Over() {
			return "", over(v.State)
		}
		v.AcceptedUntil = until.UTC().Truncate(time.Microsecond)
		return Accepted, nil
	}, reason)
}

// Close records that a person says it is fixed. The next run of the check closes it for good, or opens it again.
func (b *Book) Close(ctx context.Context, f facility.ID, id, reason string) error {
	return b.change(ctx, f, id, func(v *Finding) (State, error) {
		if v.State.Over() {
			return "", over(v.State)
		}
		return Fixed, nil
	}, reason)
}

// Wait records that the vendor was asked. The finding stays open for counts, and the next run closes it when it is gone.
func (b *Book) Wait(ctx context.Context, f facility.ID, id, reason string) error {
	return b.change(ctx, f, id, func(v *Finding) (State, error) {
		if v.State.Over() {
			return "", over(v.State)
		}
		v.AcceptedUntil, v.ClosedAt = time.Time{}, time.Time{}
		return Waiting, nil
	}, reason)
}

// Reopen takes back Accept, Close or Wait.
func (b *Book) Reopen(ctx context.Context, f facility.ID, id, reason string) error {
	return b.change(ctx, f, id, func(v *Finding) (State, error) {
		if v.State.Over() {
			return "", fault.New(fault.Conflict, "直ったことを確認した弱点は、次の健診でまた見つかったときに未対応に戻ります。", "A finding that is gone opens again when a check finds it.")
		}
		v.AcceptedUntil, v.ClosedAt = time.Time{}, time.Time{}
		return Open, nil
	}, reason)
}

const maxOwner = 200 // bytes

func ownerTooLong() error {
	return fault.New(fault.TooLarge, "担当者の名前が長すぎます。", "The owner's name is too long.")
}

// Assign says who does it and by when; a zero due keeps the day.
func (b *Book) Assign(ctx context.Context, f facility.ID, id, owner string, dueAt time.Time) error {
	if len(owner) > maxOwner {
		return ownerTooLong()
	}
	return b.change(ctx, f, id, func(v *Finding) (State, error) {
		v.Owner = owner
		if !dueAt.IsZero() {
			v.Due = dueAt.UTC().Truncate(time.Microsecond)
		}
		return v.State, nil
	}, "担当: "+owner)
}

func (b *Book) change(ctx context.Context, f facility.ID, id string, to func(*Finding) (State, error), reason string) error {
	if len(reason) > maxReason {
		return fault.New(fault.TooLarge, "理由が長すぎます。", "The reason is too long.")
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		v, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		state, err := to(&v)
		if err != nil {
			return err
		}
		if state == v.State {
			kept := v.Reason
			v.Revision++
			v.Reason = kept
			if err := write(ctx, tx, v); err != nil {
				return err
			}
			return note(ctx, tx, id, b.now(), state, reason)
		}
		return b.move(ctx, tx, v, state, reason, b.now().UTC().Truncate(time.Microsecond))
	})
}

// History returns what happened to a finding, the oldest first.
func (b *Book) History(ctx context.Context, f facility.ID, id string) ([]Step, error) {
	var out []Step
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var s Step
			var at int64
			err := r.Scan(&at, &s.By, &s.State, &s.Reason)
			s.At = store.Time(at)
			out = append(out, s)
			return err
		}, "SELECT at, actor_name, state, reason FROM finding_history WHERE facility_id = $1 AND finding_id = $2 ORDER BY at, id LIMIT 1000", id)
	})
	return out, err
}
