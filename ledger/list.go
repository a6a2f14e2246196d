package ledger

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

// Sort is a column that a list sorts by. Empty values come last in both directions.
type Sort string

const (
	ByName       Sort = "name" // reading, else the name, as people expect: 端末2 before 端末10
	ByNumber     Sort = "number"
	ByKind       Sort = "kind"
	ByMaker      Sort = "maker"
	ByOS         Sort = "os"
	ByDepartment Sort = "department"
	ByOwner      Sort = "owner"
	ByPlace      Sort = "place"
	ByPort       Sort = "port" // switch and port that it is on
	ByAddress    Sort = "ip"
	ByCard       Sort = "mac"
	ByState      Sort = "state"
	ByMedical    Sort = "medical"
	ByLastSeen   Sort = "last_seen"
	ByFirstSeen  Sort = "first_seen"
	ByWorst      Sort = "worst" // severity of the worst open finding, then how many there are
)

// Sorts lists all of them.
func Sorts() []Sort {
	return []Sort{ByName, ByNumber, ByKind, ByMaker, ByOS, ByDepartment, ByOwner, ByPlace, ByPort, ByAddress, ByCard, ByState, ByMedical, ByLastSeen,
		ByFirstSeen, ByWorst}
}

// column is the expression that a list is ordered by, and whether it is a number (whose "empty" is 0).
func (s Sort) column() (expr string, number, ok bool) {
	switch s {
	case ByName, "":
		return "name_key", false, true
	case ByNumber:
		return "number_key", false, true
	case ByKind:
		return "kind", false, true
	case ByMaker:
		return "maker_key", false, true
	case ByOS:
		return "os_key", false, true
	case ByDepartment:
		return "department", false, true
	case ByOwner:
		return "owner_key", false, true
	case ByPlace:
		return "trim(place_key)", false, true
	case ByPort:
		return "trim(switch_id || ' ' || switch_port)", false, true
	case ByAddress:
		return "ip_key", false, true
	case ByCard:
		return "mac", false, true
	case ByState:
		return "(CASE state WHEN 'new' THEN 1 WHEN 'registered' THEN 2 WHEN 'excluded' THEN 3 ELSE 4 END)", true, true
	case ByMedical:
		return "(CASE WHEN medical THEN 2 ELSE 1 END)", true, true
	case ByLastSeen:
		return "last_seen", true, true
	case ByFirstSeen:
		return "first_seen", true, true
	case ByWorst:
		return "(worst * 1000000 + findings)", true, true
	}
	return "", false, false
}

// UnseenDays is how long a device is silent before Counts counts it as unseen.
const UnseenDays = 30

// Query chooses and orders devices. Zero fields choose all but the retired.
type Query struct {
	Text        string   // words that must all occur in a name, address, MAC, place, number, host name, maker, model, serial, department, owner
	States      []State  // empty: all but Retired
	Kinds       []string // any of
	Departments []string // any of; "" means none
	Segments    []string // any of
	System      string   // id of a system that it belongs to
	Medical     *bool
	UnseenDays  int  // not seen for so many days, but seen once
	NeverSeen   bool // entered by hand or import, never seen on the wire
	NoOwner     bool
	NeedsAction bool // has open findings
	OSOld       bool // operating system without support
	Conflicts   bool // a person and the machine disagree
	Random      bool // with a randomised MAC
	NeverTouch  bool // a person said: send nothing at all
	Sort        Sort // ByName when empty
	Desc        bool
	Cursor      string // Next of the page before; wins over Offset
	Offset      int
	Limit       int // 1 to 500, 50 when 0
}

// Counts are the numbers on a list's chips: within Text, Kinds, Departments, Segments and System, whatever chips are chosen.
type Counts struct {
	All, New, Registered, Excluded, Retired                                    int // All is without the retired
	Medical, Unseen, NeverSeen, NoOwner, NeedsAction, OSOld, Conflicts, Random int // without the retired
}

// Page is a part of the list.
type Page struct {
	Devices []*Device
	Total   int    // over all pages
	Next    string // "" at the end
	Counts  Counts
}

// List returns a page of the ledger.
func (l *Ledger) List(ctx context.Context, f facility.ID, q Query) (Page, error) {
	expr, number, ok := q.Sort.column()
	if !ok {
		return Page{}, fault.Newf(fault.Invalid, "「%.40s」では並べ替えられません。", "The list cannot be sorted by %.40q.", string(q.Sort))
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	q.Limit = min(max(q.Limit, 1), 500)
	var p Page
	err := l.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		if err := l.count(ctx, tx, &q, &p); err != nil {
			return fmt.Errorf("count the ledger: %w", err)
		}
		ids, next, err := l.page(ctx, tx, &q, expr, number)
		if err != nil {
			return fmt.Errorf("list the ledger: %w", err)
		}
		p.Next = next
		p.Devices, err = load(ctx, tx, ids)
		return err
	})
	return p, err
}

// cursor is where a page ended.
type cursor struct {
	Blank int64  `json:"b"`
	Text  string `json:"t,omitempty"`
	Num   int64  `json:"n,omitempty"`
	ID    string `json:"i"`
}

// page returns the ids of one page, by key set where there is a cursor.
func (l *Ledger) page(ctx context.Context, tx *store.Tx, q *Query, expr string, number bool) ([]netid.DeviceID, string, error) {
	blank := "(CASE WHEN " + expr + " = '' THEN 1 ELSE 0 END)"
	if number {
		blank = "(CASE WHEN " + expr + " = 0 THEN 1 ELSE 0 END)"
	}
	dir, after := "", ">"
	if q.Desc {
		dir, after = " DESC", "<"
	}
	w := l.scope(q)
	l.chips(q, &w)
	offset := int64(max(q.Offset, 0))
	if q.Cursor != "" {
		c, err := readCursor(q.Cursor)
		if err != nil {
			return nil, "", err
		}
		var key any = c.Text
		if number {
			key = c.Num
		}
		w.And("("+blank+" > ? OR "+blank+" = ? AND ("+expr+" "+after+" ? OR "+expr+" = ? AND id "+after+" ?))", c.Blank, c.Blank, key, key, c.ID)
		offset = 0
	}
	var ids []netid.DeviceID
	var last cursor
	limit := w.Next(int64(q.Limit + 1))
	from := w.Next(offset)
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var id netid.DeviceID
		key := any(&last.Text)
		if number {
			key = &last.Num
		}
		if len(ids) == q.Limit { // one more than asked for: only to know that there is more
			ids = append(ids, "")
			return nil
		}
		err := r.Scan(&id, key, &last.Blank)
		last.ID = string(id)
		ids = append(ids, id)
		return err
	}, "SELECT id, "+expr+", "+blank+" FROM ledger_devices WHERE facility_id = $1"+w.SQL()+" ORDER BY 3, 2"+dir+", id"+dir+
		" LIMIT "+limit+" OFFSET "+from, w.Args...)
	if err != nil || len(ids) <= q.Limit {
		return ids, "", err
	}
	b, err := json.Marshal(last)
	return ids[:q.Limit], base64.RawURLEncoding.EncodeToString(b), err
}

func readCursor(s string) (cursor, error) {
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &c) != nil || c.ID == "" || strings.ContainsRune(c.Text+c.ID, 0) {
		return c, badCursor()
	}
	return c, nil
}

// count fills Total and Counts in one pass.
func (l *Ledger) count(ctx context.Context, tx *store.Tx, q *Query, p *Page) error {
	w := l.scope(q)
	var chosen store.Where
	chosen.Args = w.Args
	l.chips(q, &chosen)
	sum := func(cond string) string { return "coalesce(sum(CASE WHEN " + cond + " THEN 1 ELSE 0 END), 0)" }
	alive := func(cond string) string { return sum("state <> 'retired' AND " + cond) }
	unseen := "last_seen > 0 AND last_seen < " + strconv.FormatInt(store.Micros(l.now().AddDate(0, 0, -UnseenDays)), 10)
	c := &p.Counts
	columns := []struct {
		expr string
		to   *int
	}{
		{sum("facility_id = $1" + chosen.SQL()), &p.Total}, {sum("state <> 'retired'"), &c.All},
		{sum("state = 'new'"), &c.New}, {sum("state = 'registered'"), &c.Registered}, {sum("state = 'excluded'"), &c.Excluded},
		{sum("state = 'retired'"), &c.Retired}, {alive("medical"), &c.Medical}, {alive(unseen), &c.Unseen}, {alive("first_seen = 0"), &c.NeverSeen},
		{alive("owner_key = ''"), &c.NoOwner}, {alive("findings > 0"), &c.NeedsAction}, {alive("os_old"), &c.OSOld},
		{alive("conflicts > 0"), &c.Conflicts}, {alive("randomised"), &c.Random},
	}
	var exprs []string
	var to []any
	for _, col := range columns {
		exprs, to = append(exprs, col.expr), append(to, col.to)
	}
	query := "SELECT " + strings.Join(exprs, ", ") + " FROM ledger_devices WHERE facility_id = $1" + w.SQL()
	return tx.Row(ctx, query, chosen.Args...).Scan(to...)
}

// scope has the conditions that the chips count within.
func (l *Ledger) scope(q *Query) store.Where {
	var w store.Where
	w.And("merged_into = ''")
	for _, writings := range terms(q.Text) {
		var parts []string
		var args []any
		for _, s := range writings {
			parts, args = append(parts, `search LIKE ? ESCAPE '\'`), append(args, like(s))
		}
		w.And("("+strings.Join(parts, " OR ")+")", args...)
	}
	in(&w, "kind", q.Kinds)
	in(&w, "department", q.Departments)
	in(&w, "segment", q.Segments)
	if q.System != "" {
		w.And(`id IN (SELECT d.root FROM ledger_system_devices x JOIN ledger_devices d ON d.facility_id = x.facility_id AND d.id = x.device_id
			WHERE x.facility_id = $1 AND x.system_id = ?)`, q.System)
	}
	return w
}

func in(w *store.Where, column string, list []string) {
	if len(list) == 0 {
		return
	}
	var args []any
	for _, v := range list[:min(len(list), 100)] {
		args = append(args, v)
	}
	w.And(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// chips has the conditions of the states and the flags.
func (l *Ledger) chips(q *Query, w *store.Where) {
	if len(q.States) == 0 {
		w.And("state <> 'retired'")
	} else {
		var states []string
		for _, s := range q.States {
			states = append(states, string(s))
		}
		in(w, "state", states)
	}
	if q.Medical != nil {
		w.And("medical = ?", *q.Medical)
	}
	if q.UnseenDays > 0 {
		w.And("last_seen > 0 AND last_seen < ?", store.Micros(l.now().AddDate(0, 0, -q.UnseenDays)))
	}
	for _, f := range []struct {
		on   bool
		cond string
	}{
		{q.NeverSeen, "first_seen = 0"}, {q.NoOwner, "owner_key = ''"}, {q.NeedsAction, "findings > 0"}, {q.OSOld, "os_old"},
		{q.Conflicts, "conflicts > 0"}, {q.Random, "randomised"}, {q.NeverTouch, "never_touch"},
	} {
		if f.on {
			w.And(f.cond)
		}
	}
}

// Facet is one value of a filter, with how many devices have it.
type Facet struct {
	Value string
	Count int
}

// Facets are the values that filters offer, the retired left out; the most frequent first, at most 200 of each.
type Facets struct{ Kinds, Departments, Segments []Facet }

// Facets returns what can be filtered by.
func (l *Ledger) Facets(ctx context.Context, f facility.ID) (Facets, error) {
	var out Facets
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		for _, part := range []struct {
			column string
			to     *[]Facet
		}{{"kind", &out.Kinds}, {"department", &out.Departments}, {"segment", &out.Segments}} {
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				var v Facet
				err := r.Scan(&v.Value, &v.Count)
				*part.to = append(*part.to, v)
				return err
			}, "SELECT "+part.column+", count(*) FROM ledger_devices WHERE facility_id = $1 AND merged_into = '' AND state <> 'retired' GROUP BY "+
				part.column+" ORDER BY 2 DESC, 1 LIMIT 200")
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Key is what an import compares its rows with.
type Key struct {
	ID       netid.DeviceID
	Revision int64
	State    State
	Seen     bool // on the wire
	Word     Word
	Name     string // as lists show it
	Serial   string
	MACs     []netid.MAC
	IPs      []netip.Addr // IPv4 in use, and what a person wrote
}

// Keys returns every device of the ledger, retired ones too, in the order of their ids.
func (l *Ledger) Keys(ctx context.Context, f facility.ID) ([]Key, error) {
	var out []Key
	last := ""
	for {
		var ids []netid.DeviceID
		err := l.db.Read(ctx, f, func(tx *store.Tx) error {
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				var id netid.DeviceID
				err := r.Scan(&id)
				ids = append(ids, id)
				return err
			}, "SELECT id FROM ledger_devices WHERE facility_id = $1 AND merged_into = '' AND id > $2 ORDER BY id LIMIT 1024", last)
			if err != nil {
				return err
			}
			list, err := load(ctx, tx, ids)
			for _, d := range list {
				out = append(out, d.importKey())
			}
			return err
		})
		if err != nil || len(ids) == 0 {
			return out, err
		}
		last = string(ids[len(ids)-1])
	}
}

func (d *Device) importKey() Key {
	k := Key{ID: d.ID, Revision: d.Revision, State: d.State, Seen: !d.FirstSeen.IsZero(), Word: d.Word, Name: d.Name(), Serial: d.Serial(), IPs: d.IPv4()}
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			k.MACs = append(k.MACs, i.MAC)
		}
	}
	for _, a := range textAddrs(d.Word.IPText) {
		if !slices.Contains(k.IPs, a) {
			k.IPs = append(k.IPs, a)
		}
	}
	return k
}
