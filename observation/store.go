package observation

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/netid"
	"kenshin/store"
)

const (
	batch     = 512                 // observations in one transaction: keeps SQLite's writer free for others
	subjects  = 500                 // subjects asked for in one statement
	keepEach  = 1000                // values kept of one signal of one subject: a host that invents names cannot fill the disk
	relearn   = 30 * 24 * time.Hour // a value that comes back after this long counts as new
	mostRows  = 20000               // rows that Of returns at most
	maxLimit  = 500                 // rows of one page
	rawDays   = 7
	nightStep = 2000 // rows deleted in one transaction
)

// Log is the facilities' observations in the database.
type Log struct{ db *store.DB }

// New returns the log that lies in db.
func New(db *store.DB) *Log { return &Log{db: db} }

// Add stores observations, cleaned. The same (subject, signal, port, value) updates last_seen and count; adding the same batch again
// changes nothing. Each group of observations is one transaction: after an error a prefix may be stored, and adding all again is safe.
// An observation that is about nobody (see About) is dropped.
func (l *Log) Add(ctx context.Context, f facility.ID, obs []Observation) error {
	for chunk := range slices.Chunk(obs, batch) {
		rows := gather(chunk)
		if len(rows) == 0 {
			continue
		}
		if err := l.db.Write(ctx, f, func(tx *store.Tx) error { return add(ctx, tx, rows) }); err != nil {
			return fmt.Errorf("store observations: %w", err)
		}
	}
	return nil
}

// row is an observation on its way into the database.
type row struct {
	Observation
	subject string
}

// gather cleans a chunk and folds what is said twice in it; a statement may touch a row only once. Sorted, so that two writers
// never wait for each other crosswise.
func gather(obs []Observation) []row {
	at := make(map[string]int, len(obs))
	rows := make([]row, 0, len(obs))
	for _, o := range obs {
		o.Clean()
		if !o.About() || o.Signal == "" {
			continue
		}
		o.ID, o.Count = o.key(), 1
		if o.First.IsZero() || o.First.After(o.At) {
			o.First = o.At
		}
		i, seen := at[o.ID]
		if !seen {
			at[o.ID] = len(rows)
			rows = append(rows, row{o, o.Subject()})
			continue
		}
		old := &rows[i].Observation
		o.First, o.Count = earlier(old.First, o.First), old.Count+1
		if o.At.Before(old.At) {
			old.First, old.Count = o.First, o.Count
			continue
		}
		if o.Raw == nil {
			o.Raw = old.Raw
		}
		rows[i].Observation = o
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func add(ctx context.Context, tx *store.Tx, rows []row) error {
	seq, err := tick(ctx, tx)
	if err != nil {
		return err
	}
	learned, err := addFacts(ctx, tx, seq, rows)
	if err != nil {
		return err
	}
	if err := addSightings(ctx, tx, seq, rows, learned); err != nil {
		return err
	}
	if err := addDays(ctx, tx, rows); err != nil {
		return err
	}
	return addRaw(ctx, tx, rows)
}

// tick takes the facility's next number and, until the transaction ends, the right to write: numbers are committed in their order.
func tick(ctx context.Context, tx *store.Tx) (int64, error) {
	var seq int64
	err := tx.Row(ctx, `INSERT INTO observation_clock (facility_id, seq) VALUES ($1, 1)
		ON CONFLICT (facility_id) DO UPDATE SET seq = observation_clock.seq + 1 RETURNING seq`).Scan(&seq)
	return seq, err
}

// addFacts returns the subjects that showed something new.
func addFacts(ctx context.Context, tx *store.Tx, seq int64, rows []row) (map[string]bool, error) {
	learned := map[string]bool{}
	for group := range groups(rows) {
		args := make([]any, 0, len(group)*14)
		for i := range group {
			o := &group[i]
			args = append(args, o.ID, o.subject, o.Segment, o.Sensor, o.MAC.String(), ipText(o.IP), string(o.Signal), int64(o.Port), o.Value,
				detailText(o.Detail), store.Micros(o.First), store.Micros(o.At), int64(o.Count), seq)
		}
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			var subject string
			var changed int64
			if err := r.Scan(&subject, &changed); err != nil {
				return err
			}
			if changed == seq {
				learned[subject] = true
			}
			return nil
		}, factsSQL(len(group)), args...)
		if err != nil {
			return nil, err
		}
	}
	return learned, nil
}

func factsSQL(n int) string {
	newer := "excluded.last_seen > observation_facts.last_seen"
	set := func(column, otherwise string) string {
		return fmt.Sprintf("%s = CASE WHEN %s THEN excluded.%s ELSE %s END", column, newer, column, otherwise)
	}
	keep := func(column string) string { return set(column, "observation_facts."+column) }
	return `INSERT INTO observation_facts (facility_id, id, subject, segment, sensor, mac, ip, signal, port, value, detail, first_seen,
		last_seen, count, seq) VALUES ` + values(n, 14) + ` ON CONFLICT (facility_id, id) DO UPDATE SET ` +
		keep("segment") + ", " + keep("sensor") + ", " + keep("ip") + ", " + keep("detail") + ", " + keep("last_seen") + `,
		first_seen = CASE WHEN excluded.first_seen < observation_facts.first_seen THEN excluded.first_seen ELSE observation_facts.first_seen END,
		count = CASE WHEN ` + newer + ` THEN observation_facts.count + excluded.count ELSE observation_facts.count END,
		seq = CASE WHEN ` + newer + ` AND (excluded.detail <> observation_facts.detail OR excluded.last_seen - observation_facts.last_seen > ` +
		strconv.FormatInt(relearn.Microseconds(), 10) + `) THEN excluded.seq ELSE observation_facts.seq END
		RETURNING subject, seq`
}

func addSightings(ctx context.Context, tx *store.Tx, seq int64, rows []row, learned map[string]bool) error {
	type place struct{ subject, ip, segment string }
	at := map[place]int{}
	var seen []row
	for _, r := range rows {
		p := place{r.subject, ipText(r.IP), r.Segment}
		i, ok := at[p]
		if !ok {
			at[p] = len(seen)
			seen = append(seen, r)
			continue
		}
		first := earlier(seen[i].First, r.First)
		if r.At.After(seen[i].At) {
			seen[i] = r
		}
		seen[i].First = first
	}
	slices.SortFunc(seen, func(a, b row) int {
		return strings.Compare(a.subject+" "+ipText(a.IP)+" "+a.Segment, b.subject+" "+ipText(b.IP)+" "+b.Segment)
	})
	for group := range groups(seen) {
		args := make([]any, 0, len(group)*10)
		for i := range group {
			o, new := &group[i], int64(0)
			if learned[o.subject] {
				new = seq
			}
			args = append(args, o.subject, ipText(o.IP), o.Segment, o.MAC.String(), string(o.Signal), o.Sensor,
				store.Micros(o.First), store.Micros(o.At), seq, new)
		}
		_, err := tx.Exec(ctx, `INSERT INTO observation_sightings (facility_id, subject, ip, segment, mac, signal, sensor, first_seen, last_seen,
			seq, learned) VALUES `+values(len(group), 10)+` ON CONFLICT (facility_id, subject, ip, segment) DO UPDATE SET
			mac = excluded.mac, signal = excluded.signal, sensor = excluded.sensor, seq = excluded.seq,
			first_seen = CASE WHEN excluded.first_seen < observation_sightings.first_seen THEN excluded.first_seen ELSE observation_sightings.first_seen END,
			last_seen = CASE WHEN excluded.last_seen > observation_sightings.last_seen THEN excluded.last_seen ELSE observation_sightings.last_seen END,
			learned = CASE WHEN excluded.learned > 0 THEN excluded.learned ELSE observation_sightings.learned END`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func addDays(ctx context.Context, tx *store.Tx, rows []row) error {
	type cell struct {
		subject string
		month   int64
	}
	bits := map[cell]int64{}
	for _, r := range rows {
		month, bit := dayBit(r.At)
		bits[cell{r.subject, month}] |= bit
	}
	cells := make([]cell, 0, len(bits))
	for c := range bits {
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b cell) int {
		if c := strings.Compare(a.subject, b.subject); c != 0 {
			return c
		}
		return int(a.month - b.month)
	})
	for group := range groups(cells) {
		args := make([]any, 0, len(group)*3)
		for _, c := range group {
			args = append(args, c.subject, c.month, bits[c])
		}
		_, err := tx.Exec(ctx, `INSERT INTO observation_days (facility_id, subject, month, bits) VALUES `+values(len(group), 3)+`
			ON CONFLICT (facility_id, subject, month) DO UPDATE SET bits = observation_days.bits | excluded.bits
			WHERE observation_days.bits <> (observation_days.bits | excluded.bits)`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func addRaw(ctx context.Context, tx *store.Tx, rows []row) error {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return len(r.Raw) == 0 })
	for group := range groups(rows) {
		args := make([]any, 0, len(group)*3)
		for _, r := range group {
			args = append(args, r.ID, store.Micros(r.At), r.Raw)
		}
		_, err := tx.Exec(ctx, `INSERT INTO observation_raw (facility_id, id, at, raw) VALUES `+values(len(group), 3)+`
			ON CONFLICT (facility_id, id) DO UPDATE SET at = excluded.at, raw = excluded.raw WHERE excluded.at > observation_raw.at`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// groups cuts rows into 16s, 4s and 1s: few different statements, since each text is kept by the store once it was checked, and small
// ones, since SQLite looks a parameter up by walking over all of the statement.
func groups[T any](rows []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for size := 16; len(rows) > 0; size /= 4 {
			for len(rows) >= size {
				if !yield(rows[:size]) {
					return
				}
				rows = rows[size:]
			}
		}
	}
}

// values writes "($1,$2,..),($1,..)" for n rows of width columns after the facility.
func values(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("($1")
		for j := range width {
			b.WriteString(",$" + strconv.Itoa(2+i*width+j))
		}
		b.WriteByte(')')
	}
	return b.String()
}

func ipText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func detailText(d map[string]string) string {
	if len(d) == 0 {
		return ""
	}
	b, _ := json.Marshal(d) // a map of strings always has a JSON form; keys come sorted
	return string(b)
}

// months are counted in Japanese time, whatever the machine's zone: a day is a hospital's day.
func dayBit(t time.Time) (month, bit int64) {
	t = t.In(time.FixedZone("JST", 9*60*60))
	return int64(t.Year())*12 + int64(t.Month()) - 1, 1 << (t.Day() - 1)
}

func scanObservation(r *sql.Rows) (Observation, error) {
	var o Observation
	var mac, ip, signal, detail string
	var port, first, last, count int64
	err := r.Scan(&o.ID, &o.Segment, &o.Sensor, &mac, &ip, &signal, &port, &o.Value, &detail, &first, &last, &count)
	if err != nil {
		return o, err
	}
	if mac != "" {
		if o.MAC, err = netid.ParseMAC(mac); err != nil {
			return o, err
		}
	}
	if ip != "" {
		if o.IP, err = netip.ParseAddr(ip); err != nil {
			return o, err
		}
	}
	if detail != "" {
		if err := json.Unmarshal([]byte(detail), &o.Detail); err != nil {
			return o, fmt.Errorf("observation %s: %w", o.ID, err)
		}
	}
	o.Signal, o.Port, o.Count = Signal(signal), uint16(port), int(count) //nolint:gosec // written from a uint16
	o.First, o.At = store.Time(first), store.Time(last)
	return o, nil
}
