package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
)

// MergeState is where a merge or split stands.
type MergeState string

const (
	Proposed MergeState = "proposed" // 「同じ機器かもしれません」
	Done     MergeState = "done"
	Refused  MergeState = "refused" // a person said that they are two
	Undone   MergeState = "undone"
)

// Merge is a merge or a split: proposed, done or taken back.
type Merge struct {
	ID      string
	Split   bool
	State   MergeState
	Winner  netid.DeviceID // who stays; of a split, who was split
	Loser   netid.DeviceID // who went in; of a split, who came out
	Reasons []i18n.Text
	At      time.Time
	Actor   actor.Actor
	before  before
}

// before is what Undo puts back. Everything else stays where it was found, so that nothing has to be moved.
type before struct {
	State         State                     `json:"state,omitempty"`
	NeverTouch    bool                      `json:"never_touch,omitempty"`
	LoserNever    bool                      `json:"loser_never,omitempty"`
	Filled        map[string]string         `json:"filled,omitempty"` // fields of Word that came from the loser
	Identity      *Identity                 `json:"identity,omitempty"`
	Services      []Service                 `json:"services,omitempty"`
	LoserServices []Service                 `json:"loser_services,omitempty"`
	AfterState    State                     `json:"after_state,omitempty"`
	Cards         map[string]netid.DeviceID `json:"cards,omitempty"`  // of a split: MAC -> whose it was
	Silent        bool                      `json:"silent,omitempty"` // joined without a person because the loser had no address
}

// Merge makes loser a part of winner, by hand, and returns the id for Undo.
func (l *Ledger) Merge(ctx context.Context, f facility.ID, winner, loser netid.DeviceID, reason string) (id string, err error) {
	err = l.write(ctx, f, func(tx *store.Tx) (changes []Change, err error) {
		if err := lock(ctx, tx); err != nil {
			return nil, err
		}
		w, err := get(ctx, tx, winner)
		if err != nil {
			return nil, err
		}
		o, err := get(ctx, tx, loser)
		if err != nil {
			return nil, err
		}
		id, changes, err = l.merge(ctx, tx, w, o, merging{reason: reason})
		return changes, err
	})
	return id, err
}

// merging says why two devices are joined.
type merging struct {
	why    []i18n.Text
	reason string // a person's
	silent bool
}

// merge joins two devices that stand for themselves. The loser's rows stay as they are and lead to the winner by their root.
func (l *Ledger) merge(ctx context.Context, tx *store.Tx, w, o *Device, g merging) (string, []Change, error) {
	if w.ID == o.ID {
		return "", nil, fault.New(fault.Conflict, "同じ機器どうしは統合できません(もう統合されているかもしれません)。",
			"A device cannot be merged with itself (they may be merged already).")
	}
	identity := w.Identity
	b := before{Silent: g.silent, State: w.State, NeverTouch: w.NeverTouch, LoserNever: o.NeverTouch, Filled: map[string]string{}, Identity: &identity}
	var err error
	if b.Services, err = services(ctx, tx, w.ID); err != nil {
		return "", nil, err
	}
	if b.LoserServices, err = services(ctx, tx, o.ID); err != nil {
		return "", nil, err
	}
	medical := w.Identity.Medical || o.Identity.Medical || o.Medical() // a merge may only add protection
	for _, key := range o.Word.keys() {
		if key == "medical" && medical && !o.Medical() {
			continue // what was said of the one alone does not unprotect the other
		}
		if w.Word.Get(key) == "" {
			if err := w.Word.Set(key, o.Word.Get(key)); err != nil {
				return "", nil, err
			}
			b.Filled[key] = w.Word.Get(key)
		}
	}
	if w.State == New && o.State != New {
		w.State = o.State
	}
	b.AfterState = w.State
	w.NeverTouch = w.NeverTouch || o.NeverTouch
	if len(w.Identity.Because) == 0 && w.Identity.Kind == "" {
		w.Identity = o.Identity
	}
	w.Identity.Medical = medical
	for _, q := range []string{
		"UPDATE ledger_devices SET root = $2 WHERE facility_id = $1 AND root = $3",
		"UPDATE ledger_devices SET merged_into = $2, revision = revision + 1 WHERE facility_id = $1 AND id = $3",
	} {
		if _, err := tx.Exec(ctx, q, string(w.ID), string(o.ID)); err != nil {
			return "", nil, err
		}
	}
	if err := l.saveMerged(ctx, tx, w); err != nil {
		return "", nil, err
	}
	id, err := l.keepMerge(ctx, tx, Merge{State: Done, Winner: w.ID, Loser: o.ID, Reasons: g.why, before: b})
	if err != nil {
		return "", nil, err
	}
	changes := []Change{{Kind: Merged, Device: w.ID, Other: o.ID, At: l.now(), Before: o.called(), Signal: texts(g.why), Reason: g.reason}}
	return id, changes, l.record(ctx, tx, changes)
}

// called is what the history calls a device that may soon be a part of another one: its name, number, address or card.
func (d *Device) called() string {
	name := first(d.Name(), d.Word.Number)
	if at := d.IPv4(); name == "" && len(at) > 0 {
		name = at[0].String()
	}
	for _, i := range d.Interfaces {
		name = first(name, i.MAC.String())
	}
	return name
}

// saveMerged writes a device whose parts changed: what belongs to it is read again, what it says is kept.
func (l *Ledger) saveMerged(ctx context.Context, tx *store.Tx, d *Device) error {
	list, err := load(ctx, tx, []netid.DeviceID{d.ID})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return notFound()
	}
	d.Interfaces, d.Services, d.Systems = list[0].Interfaces, list[0].Services, list[0].Systems
	if err := seenByParts(ctx, tx, d); err != nil {
		return err
	}
	if err := l.say(ctx, tx, d); err != nil {
		return err
	}
	return saveTies(ctx, tx, d)
}

// seenByParts sets when a device was seen from all that was ever found for it and for what was merged into it.
func seenByParts(ctx context.Context, tx *store.Tx, d *Device) error {
	d.FirstSeen, d.LastSeen = time.Time{}, time.Time{}
	for _, table := range []string{"ledger_interfaces", "ledger_addresses"} {
		var firstSeen, lastSeen int64
		err := tx.Row(ctx, "SELECT coalesce(min(x.first_seen), 0), coalesce(max(x.last_seen), 0) FROM "+table+" x"+ofEntries+
			entriesOf2+" AND x.first_seen > 0", string(d.ID)).Scan(&firstSeen, &lastSeen)
		if err != nil {
			return err
		}
		d.FirstSeen, d.LastSeen = earliest(d.FirstSeen, store.Time(firstSeen)), latest(d.LastSeen, store.Time(lastSeen))
	}
	return nil
}

func texts(why []i18n.Text) string {
	if len(why) == 0 {
		return ""
	}
	return why[0].Ja
}

// keepMerge writes a merge; one that was proposed for the same two is the same row.
func (l *Ledger) keepMerge(ctx context.Context, tx *store.Tx, m Merge) (string, error) {
	reasons, err := json.Marshal(m.Reasons)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(m.before)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ledger_merges WHERE facility_id = $1 AND state = 'proposed' AND
		(winner = $2 AND loser = $3 OR winner = $3 AND loser = $2)`, string(m.Winner), string(m.Loser)); err != nil {
		return "", err
	}
	id, kind, who := store.NewID(), "merge", actor.From(ctx)
	if m.Split {
		kind = "split"
	}
	_, err = tx.Exec(ctx, `INSERT INTO ledger_merges (facility_id, id, kind, state, winner, loser, reasons, before, at, actor_kind, actor_id, actor_name)
		VALUES `+values(1, 11), id, kind, string(m.State), string(m.Winner), string(m.Loser), string(reasons), string(b), store.Micros(l.now()),
		string(who.Kind), who.ID, who.Name)
	return id, err
}

// unite merges or proposes what evidence says, unless a person said that the two are different.
func (l *Ledger) unite(ctx context.Context, tx *store.Tx, p pair) ([]Change, error) {
	a, err := get(ctx, tx, p.a)
	if err != nil {
		return nil, err
	}
	b, err := get(ctx, tx, p.b)
	if err != nil || a.ID == b.ID || p.likely == Different {
		return nil, err
	}
	var decided, proposed int
	err = tx.Row(ctx, `SELECT coalesce(sum(CASE WHEN m.state IN ('refused', 'undone') AND m.kind = 'merge' OR m.state = 'done' AND m.kind = 'split'
		THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN m.state = 'proposed' THEN 1 ELSE 0 END), 0) FROM ledger_merges m
		JOIN ledger_devices w ON w.facility_id = m.facility_id AND w.id = m.winner JOIN ledger_devices o ON o.facility_id = m.facility_id AND o.id = m.loser
		WHERE m.facility_id = $1 AND (w.root = $2 AND o.root = $3 OR w.root = $3 AND o.root = $2)`, string(a.ID), string(b.ID)).Scan(&decided, &proposed)
	if err != nil || decided > 0 {
		return nil, err
	}
	w, o := stays(a, b)
	if p.silent { // the one with the address, so that the other's first address is noticed
		w, o = a, b
	}
	if p.likely == Certain && !risky(w, o) {
		_, changes, err := l.merge(ctx, tx, w, o, merging{why: p.why, silent: p.silent})
		return changes, err
	}
	if proposed > 0 {
		return nil, nil
	}
	if _, err := l.keepMerge(ctx, tx, Merge{State: Proposed, Winner: w.ID, Loser: o.ID, Reasons: p.why}); err != nil {
		return nil, err
	}
	changes := []Change{{Kind: MergeProposed, Device: w.ID, Other: o.ID, At: l.now(), Before: o.called(), Signal: texts(p.why)}}
	return changes, l.record(ctx, tx, changes)
}

// stays chooses who keeps its place: whom people know, then who was there first.
func stays(a, b *Device) (winner, loser *Device) {
	rank := func(d *Device) int {
		n := len(d.Word.keys())
		if d.State != New {
			n += 1000
		}
		return n
	}
	if rank(b) > rank(a) || rank(b) == rank(a) && b.ID < a.ID {
		return b, a
	}
	return a, b
}

// risky reports whether a merge without a person could lose something: a word of two people against each other, or protection.
func risky(w, o *Device) bool {
	no := func(d *Device) bool { return d.Word.Medical != nil && !*d.Word.Medical }
	if no(w) && o.Medical() || no(o) && w.Medical() {
		return true
	}
	for _, key := range o.Word.keys() {
		if have := w.Word.Get(key); have != "" && have != o.Word.Get(key) {
			return true
		}
	}
	return o.State == Retired != (w.State == Retired)
}

// Merges lists merges and splits in a state, the newest first, at most 500. Proposals whose two are one by now are left out.
func (l *Ledger) Merges(ctx context.Context, f facility.ID, state MergeState) ([]Merge, error) {
	var out []Merge
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			m, err := scanMerge(r)
			out = append(out, m)
			return err
		}, selectMerge+` AND m.state = $2 AND (m.state <> 'proposed' OR w.root <> o.root) ORDER BY m.at DESC, m.id DESC LIMIT 500`, string(state))
	})
	return out, err
}

const selectMerge = `SELECT m.id, m.kind, m.state, m.winner, m.loser, m.reasons, m.before, m.at, m.actor_kind, m.actor_id, m.actor_name
	FROM ledger_merges m JOIN ledger_devices w ON w.facility_id = m.facility_id AND w.id = m.winner
	JOIN ledger_devices o ON o.facility_id = m.facility_id AND o.id = m.loser WHERE m.facility_id = $1`

func scanMerge(r interface{ Scan(...any) error }) (Merge, error) {
	var m Merge
	var kind, reasons, b string
	var at int64
	if err := r.Scan(&m.ID, &kind, &m.State, &m.Winner, &m.Loser, &reasons, &b, &at, &m.Actor.Kind, &m.Actor.ID, &m.Actor.Name); err != nil {
		return m, err
	}
	m.Split, m.At = kind == "split", store.Time(at)
	if err := json.Unmarshal([]byte(reasons), &m.Reasons); err != nil {
		return m, fmt.Errorf("merge %s: %w", m.ID, err)
	}
	if err := json.Unmarshal([]byte(b), &m.before); err != nil {
		return m, fmt.Errorf("merge %s: %w", m.ID, err)
	}
	return m, nil
}

func getMerge(ctx context.Context, tx *store.Tx, id string) (Merge, error) {
	m, err := scanMerge(tx.Row(ctx, selectMerge+" AND m.id = $2", id))
	if err == sql.ErrNoRows {
		return m, fault.New(fault.NotFound, "この統合の記録はありません。", "There is no such merge.")
	}
	return m, err
}

func setMerge(ctx context.Context, tx *store.Tx, id string, state MergeState) error {
	_, err := tx.Exec(ctx, "UPDATE ledger_merges SET state = $3 WHERE facility_id = $1 AND id = $2", id, string(state))
	return err
}

// Accept does a proposed merge, and Refuse says that the two are different: they are never proposed or merged again by themselves.
func (l *Ledger) Accept(ctx context.Context, f facility.ID, id string) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		m, err := l.proposal(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		w, err := get(ctx, tx, m.Winner)
		if err != nil {
			return nil, err
		}
		o, err := get(ctx, tx, m.Loser)
		if err != nil {
			return nil, err
		}
		_, changes, err := l.merge(ctx, tx, w, o, merging{why: m.Reasons})
		return changes, err
	})
}

// Refuse: see Accept.
func (l *Ledger) Refuse(ctx context.Context, f facility.ID, id string) error {
	return l.write(ctx, f, func(tx *store.Tx) ([]Change, error) {
		if _, err := l.proposal(ctx, tx, id); err != nil {
			return nil, err
		}
		return nil, setMerge(ctx, tx, id, Refused)
	})
}

func (l *Ledger) proposal(ctx context.Context, tx *store.Tx, id string) (Merge, error) {
	if err := lock(ctx, tx); err != nil {
		return Merge{}, err
	}
	m, err := getMerge(ctx, tx, id)
	if err == nil && m.State != Proposed {
		err = fault.New(fault.Conflict, "この提案は、もう処理されています。", "This proposal was dealt with already.")
	}
	return m, err
}

func services(ctx context.Context, tx *store.Tx, id netid.DeviceID) ([]Service, error) {
	var out []Service
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var s Service
		var port, last int64
		err := r.Scan(&port, &s.Proto, &s.Name, &s.Detail, &last)
		s.Port, s.Last = uint16(port), store.Time(last) //nolint:gosec // written from a uint16
		out = append(out, s)
		return err
	}, "SELECT port, proto, name, detail, last_seen FROM ledger_services WHERE facility_id = $1 AND device_id = $2 ORDER BY port, proto, name", string(id))
	return out, err
}

func setServices(ctx context.Context, tx *store.Tx, id netid.DeviceID, list []Service) error {
	if _, err := tx.Exec(ctx, "DELETE FROM ledger_services WHERE facility_id = $1 AND device_id = $2", string(id)); err != nil {
		return err
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Service) int { return b.Last.Compare(a.Last) })
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(s Service) bool {
		twice := seen[s.key()]
		seen[s.key()] = true
		return twice
	})
	for group := range groups(list) {
		var args []any
		for _, s := range group {
			args = append(args, string(id), s.Proto, int64(s.Port), s.Name, cut(s.Detail, maxText), store.Micros(s.Last))
		}
		_, err := tx.Exec(ctx, "INSERT INTO ledger_services (facility_id, device_id, proto, port, name, detail, last_seen) VALUES "+
			values(len(group), 6), args...)
		if err != nil {
			return err
		}
	}
	return nil
}
