package observation

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
	"kenshin/store"
)

const columns = "id, segment, sensor, mac, ip, signal, port, value, detail, first_seen, last_seen, count"

// Of returns what the subjects showed (see Observation.Subject), by subject and signal, the newest first; without Raw.
func (l *Log) Of(ctx context.Context, f facility.ID, keys []string) ([]Observation, error) {
	var out []Observation
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		for chunk := range slices.Chunk(keys, subjects) {
			list, args := inList(2, chunk)
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				o, err := scanObservation(r)
				out = append(out, o)
				return err
			}, "SELECT "+columns+" FROM observation_facts WHERE facility_id = $1 AND subject IN "+list+
				" ORDER BY subject, signal, last_seen DESC, id LIMIT "+strconv.Itoa(mostRows), args...)
			if err != nil {
				return fmt.Errorf("read observations: %w", err)
			}
		}
		return nil
	})
	return out, err
}

// OfEach is Of for many subjects at once, by subject: few statements, and still each subject has the limit for itself.
func (l *Log) OfEach(ctx context.Context, f facility.ID, keys []string) (map[string][]Observation, error) {
	out := make(map[string][]Observation, len(keys))
	for chunk := range slices.Chunk(keys, subjects) {
		all, err := l.Of(ctx, f, chunk)
		if err != nil {
			return nil, err
		}
		for i := range all {
			k := all[i].Subject()
			out[k] = append(out[k], all[i])
		}
		if len(all) < mostRows {
			continue
		}
		for _, k := range chunk { // some subject shows very much: the others must not lose by it
			if out[k], err = l.Of(ctx, f, []string{k}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// inList is store.In for texts, padded to a power of two so that there are few different statements.
func inList(next int, list []string) (string, []any) {
	n := 1
	for n < len(list) {
		n *= 2
	}
	args := make([]any, n)
	for i := range args {
		args[i] = list[min(i, len(list)-1)]
	}
	return store.In(next, n), args
}

// Filter chooses observations for a list. Zero fields choose all.
type Filter struct {
	Subjects     []string // at most 500
	MAC          netid.MAC
	IP           netip.Addr
	Signal       Signal
	Segment      string
	Since, Until time.Time // of the last sighting; Until is excluded
	Cursor       string    // Next of the page before
	Limit        int       // 1 to 500, 100 when 0
}

// Page is a part of a list, the newest first.
type Page struct {
	Observations []Observation
	Next         string // "" at the end
}

// List returns observations, the last seen first; without Raw.
func (l *Log) List(ctx context.Context, f facility.ID, q Filter) (Page, error) {
	w, err := q.where()
	if err != nil {
		return Page{}, err
	}
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	limit = min(max(limit, 1), maxLimit)
	var p Page
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			o, err := scanObservation(r)
			p.Observations = append(p.Observations, o)
			return err
		}, "SELECT "+columns+" FROM observation_facts WHERE facility_id = $1"+w.SQL()+
			" ORDER BY last_seen DESC, id DESC LIMIT "+strconv.Itoa(limit+1), w.Args...)
	})
	if len(p.Observations) > limit {
		p.Observations = p.Observations[:limit]
		last := p.Observations[limit-1]
		p.Next = strconv.FormatInt(store.Micros(last.At), 10) + "-" + last.ID
	}
	return p, err
}

func (q *Filter) where() (store.Where, error) {
	var w store.Where
	if len(q.Subjects) > subjects {
		return w, fault.Newf(fault.TooLarge, "一度に調べられるのは%d件までです。", "At most %d subjects can be asked for at once.", subjects)
	}
	if len(q.Subjects) > 0 {
		list, args := inList(len(w.Args)+2, q.Subjects)
		w.And("subject IN " + list)
		w.Args = append(w.Args, args...)
	}
	if !q.MAC.IsZero() {
		w.And("subject = ?", "mac:"+q.MAC.String())
	}
	if q.IP.IsValid() {
		w.And("ip = ?", q.IP.Unmap().WithZone("").String())
	}
	if q.Signal != "" {
		w.And("signal = ?", string(q.Signal))
	}
	if q.Segment != "" {
		w.And("segment = ?", q.Segment)
	}
	if !q.Since.IsZero() {
		w.And("last_seen >= ?", store.Micros(q.Since))
	}
	if !q.Until.IsZero() {
		w.And("last_seen < ?", store.Micros(q.Until))
	}
	if q.Cursor != "" {
		us, id, _ := strings.Cut(q.Cursor, "-")
		at, err := strconv.ParseInt(us, 10, 64)
		if err != nil || id == "" {
			return w, fault.New(fault.Invalid, "続きの位置(cursor)が正しくありません。最初のページから開き直してください。",
				"The cursor is not valid. Start again from the first page.")
		}
		w.And("(last_seen < ? OR last_seen = ? AND id < ?)", at, at, id)
	}
	return w, nil
}

// Raw returns the bytes of an observation's answer; NotFound when there are none (any more).
func (l *Log) Raw(ctx context.Context, f facility.ID, id string) ([]byte, error) {
	var raw []byte
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		err := tx.Row(ctx, "SELECT raw FROM observation_raw WHERE facility_id = $1 AND id = $2", id).Scan(&raw)
		if err == sql.ErrNoRows {
			return fault.Newf(fault.NotFound, "応答の生データは%d日で消えます。もう残っていません。",
				"Raw answers are kept for %d days; this one is gone.", rawDays)
		}
		return err
	})
	return raw, err
}

// Sighting says that a subject was there with an address. One subject with several addresses has several.
type Sighting struct {
	Subject string
	Segment string
	MAC     netid.MAC  // zero when unknown; a shared one (VRRP, HSRP) is told too
	IP      netip.Addr // invalid when the signal told none
	Signal  Signal
	Sensor  string
	First   time.Time
	Last    time.Time
	New     bool // the subject showed something that it had not shown before: identify it again
}

// Since returns who was seen after a cursor, and the next cursor; start with 0. limit is raised to a whole group of observations, so
// that the cursor always moves on; fewer than limit means that there is no more for now.
func (l *Log) Since(ctx context.Context, f facility.ID, after int64, limit int) ([]Sighting, int64, error) {
	limit = max(limit, batch)
	var out []Sighting
	var seqs []int64
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			s, seq, err := scanSighting(r, after)
			out, seqs = append(out, s), append(seqs, seq)
			return err
		}, `SELECT subject, segment, mac, ip, signal, sensor, first_seen, last_seen, seq, learned FROM observation_sightings
			WHERE facility_id = $1 AND seq > $2 ORDER BY seq, subject, ip, segment LIMIT $3`, after, int64(limit+1))
	})
	if err != nil {
		return nil, after, fmt.Errorf("read sightings: %w", err)
	}
	if len(out) > limit { // the last group may be cut: leave it for the next call
		n := len(out) - 1
		for n > 0 && seqs[n-1] == seqs[len(seqs)-1] {
			n--
		}
		out, seqs = out[:n], seqs[:n]
	}
	if len(out) == 0 {
		return nil, after, nil
	}
	return out, seqs[len(seqs)-1], nil
}

func scanSighting(r *sql.Rows, after int64) (Sighting, int64, error) {
	var s Sighting
	var mac, ip, signal string
	var first, last, seq, learned int64
	if err := r.Scan(&s.Subject, &s.Segment, &mac, &ip, &signal, &s.Sensor, &first, &last, &seq, &learned); err != nil {
		return s, 0, err
	}
	var err error
	if mac != "" {
		if s.MAC, err = netid.ParseMAC(mac); err != nil {
			return s, 0, err
		}
	}
	if ip != "" {
		if s.IP, err = netip.ParseAddr(ip); err != nil {
			return s, 0, err
		}
	}
	s.Signal, s.First, s.Last, s.New = Signal(signal), store.Time(first), store.Time(last), learned > after
	return s, seq, nil
}

// Days returns the days ("2026-11-21", Japanese time) on which any of the subjects was there, from..to inclusive, ascending.
func (l *Log) Days(ctx context.Context, f facility.ID, keys []string, from, to time.Time) ([]string, error) {
	months := map[int64]int64{}
	first, _ := dayBit(from)
	last, _ := dayBit(to)
	err := l.db.Read(ctx, f, func(tx *store.Tx) error {
		for chunk := range slices.Chunk(keys, subjects) {
			list, args := inList(4, chunk)
			err := store.Each(ctx, tx, func(r *sql.Rows) error {
				var month, bits int64
				err := r.Scan(&month, &bits)
				months[month] |= bits
				return err
			}, "SELECT month, bits FROM observation_days WHERE facility_id = $1 AND month BETWEEN $2 AND $3 AND subject IN "+list,
				append([]any{first, last}, args...)...)
			if err != nil {
				return fmt.Errorf("read days: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dayList(months, from, to), nil
}

func dayList(months map[int64]int64, from, to time.Time) []string {
	jst := time.FixedZone("JST", 9*60*60)
	a, b := from.In(jst).Format(time.DateOnly), to.In(jst).Format(time.DateOnly)
	var out []string
	for month, bits := range months {
		for d := range 31 {
			if bits&(1<<d) == 0 {
				continue
			}
			day := time.Date(int(month/12), time.Month(month%12+1), d+1, 0, 0, 0, 0, jst).Format(time.DateOnly)
			if day >= a && day <= b {
				out = append(out, day)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Forget drops raw answers older than before (a nightly task passes seven days ago) and, of any subject's signal, all but the newest
// thousand values. It works in short transactions and can be stopped at any time.
func (l *Log) Forget(ctx context.Context, f facility.ID, before time.Time) (dropped int64, err error) {
	steps := []struct {
		query string
		args  []any
	}{
		{`DELETE FROM observation_raw WHERE facility_id = $1 AND id IN (SELECT id FROM observation_raw
			WHERE facility_id = $1 AND at < $2 LIMIT $3)`, []any{store.Micros(before), int64(nightStep)}},
		{`DELETE FROM observation_facts WHERE facility_id = $1 AND id IN (SELECT id FROM (SELECT id, facility_id,
			row_number() OVER (PARTITION BY subject, signal ORDER BY last_seen DESC, id) AS place FROM observation_facts WHERE facility_id = $1) AS ranked
			WHERE facility_id = $1 AND place > $2 LIMIT $3)`, []any{int64(keepEach), int64(nightStep)}},
	}
	for _, s := range steps {
		for {
			var n int64
			err := l.db.Write(ctx, f, func(tx *store.Tx) (err error) {
				n, err = tx.Exec(ctx, s.query, s.args...)
				return err
			})
			if err != nil {
				return dropped, fmt.Errorf("forget observations: %w", err)
			}
			dropped += n
			if n < nightStep {
				break
			}
		}
	}
	return dropped, nil
}

// Host is one address that was asked over TCP what it offers.
type Host struct {
	MAC, IP string // "" where it is not known
	At      time.Time
}

// AskedHosts returns every host that was ever asked, with when it was last.
func (l *Log) AskedHosts(ctx context.Context, tx *store.Tx) ([]Host, error) {
	var out []Host
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var h Host
		var at int64
		err := r.Scan(&h.MAC, &h.IP, &at)
		h.At = store.Time(at)
		out = append(out, h)
		return err
	}, "SELECT mac, ip, max(last_seen) FROM observation_facts WHERE facility_id = $1 AND signal = 'asked' GROUP BY mac, ip")
	return out, err
}
