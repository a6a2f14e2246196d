package sheet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/paper"
	"kenshin/store"
)

// State is how far an import is.
type State string

const (
	Mapped    State = "mapping"  // the file is there, a person ties its columns
	Staging   State = "staging"  // its rows are being read; begun again after a crash
	Preview   State = "preview"  // what it would do is there to be looked at
	Applying  State = "applying" // Step goes on with it
	Applied   State = "done"
	Undoing   State = "undoing" // Step goes on with it
	TakenBack State = "undone"
)

// Import is one import of a sheet.
type Import struct {
	ID       string    `json:"id"`
	File     string    `json:"file"`
	Blob     string    `json:"blob,omitempty"`
	State    State     `json:"state"`
	Replace  bool      `json:"replace"` // the sheet wins over what a person entered
	At       time.Time `json:"at"`
	Finished time.Time `json:"finished,omitzero"`
	By       string    `json:"by"`
	Total    int       `json:"total"`  // rows that change something
	Done     int       `json:"done"`   // of these, how many are in (Applying, Applied) or taken back (Undoing, TakenBack)
	Stayed   int       `json:"stayed"` // rows that an undo left, since somebody edited the device
	Mapping  Mapping   `json:"mapping"`
	Count    Count     `json:"count"`
}

// Desk is where sheets come in and go out.
type Desk struct {
	db     *store.DB
	ledger *ledger.Ledger
	now    func() time.Time
}

// New returns the desk of a ledger.
func New(db *store.DB, l *ledger.Ledger) *Desk { return &Desk{db: db, ledger: l, now: time.Now} }

// Begin notes a file that somebody chose; blob is where its bytes are kept, if they are.
func (d *Desk) Begin(ctx context.Context, f facility.ID, file, blob string) (Import, error) {
	a := actor.From(ctx)
	i := Import{ID: store.NewID(), File: cut(jp.Clean(file), 200), Blob: blob, State: Mapped, At: d.now().UTC().Truncate(time.Microsecond), By: a.Name}
	err := d.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO ledger_imports (facility_id, id, file, blob_id, state, replace_all, at, finished_at, actor_kind, actor_id,
			actor_name, total, mapping, counts) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, 0, '{}', '{}')`,
			i.ID, i.File, i.Blob, string(i.State), false, store.Micros(i.At), string(a.Kind), a.ID, a.Name)
		return err
	})
	return i, err
}

// Get returns one import.
func (d *Desk) Get(ctx context.Context, f facility.ID, id string) (i Import, err error) {
	err = d.db.Read(ctx, f, func(tx *store.Tx) error {
		i, err = load(ctx, tx, id)
		return err
	})
	return i, err
}

const importColumns = "i.id, i.file, i.blob_id, i.state, i.replace_all, i.at, i.finished_at, i.actor_name, i.total, i.mapping, i.counts"

func scanImport(r interface{ Scan(...any) error }) (i Import, err error) {
	var at, finished int64
	var mapping, counts string
	if err := r.Scan(&i.ID, &i.File, &i.Blob, &i.State, &i.Replace, &at, &finished, &i.By, &i.Total, &mapping, &counts); err != nil {
		return i, err
	}
	i.At, i.Finished = store.Time(at), store.Time(finished)
	return i, errors.Join(json.Unmarshal([]byte(mapping), &i.Mapping), json.Unmarshal([]byte(counts), &i.Count))
}

func load(ctx context.Context, tx *store.Tx, id string) (Import, error) {
	i, err := scanImport(tx.Row(ctx, "SELECT "+importColumns+" FROM ledger_imports i WHERE i.facility_id = $1 AND i.id = $2", id))
	if errors.Is(err, sql.ErrNoRows) {
		return i, fault.New(fault.NotFound, "この取り込みは見つかりません。", "There is no such import.")
	}
	if err != nil {
		return i, fmt.Errorf("read import: %w", err)
	}
	return i, progress(ctx, tx, []*Import{&i})
}

// progress counts rows by their state.
func progress(ctx context.Context, tx *store.Tx, list []*Import) error {
	byID := map[string]*Import{}
	var ids []any
	for _, i := range list {
		byID[i.ID], ids = i, append(ids, i.ID)
	}
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var id string
		var s RowState
		var n int
		err := r.Scan(&id, &s, &n)
		switch i := byID[id]; {
		case s == Stayed:
			i.Stayed += n
			i.Done += n
		case i.State == Undoing || i.State == TakenBack:
			if s == Undone {
				i.Done += n
			}
		case s == Done:
			i.Done += n
		}
		return err
	}, `SELECT r.import_id, r.state, count(*) FROM ledger_import_rows r WHERE r.facility_id = $1
		AND r.action IN ('new', 'changed', 'conflict') AND r.import_id IN `+store.In(2, len(ids))+" GROUP BY r.import_id, r.state", ids...)
}

// List returns the imports, the newest first, at most 100.
func (d *Desk) List(ctx context.Context, f facility.ID) ([]Import, error) {
	var out []Import
	err := d.db.Read(ctx, f, func(tx *store.Tx) error {
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			i, err := scanImport(r)
			out = append(out, i)
			return err
		}, "SELECT "+importColumns+" FROM ledger_imports i WHERE i.facility_id = $1 ORDER BY i.id DESC LIMIT 100")
		if err != nil || len(out) == 0 {
			return err
		}
		list := make([]*Import, len(out))
		for n := range out {
			list[n] = &out[n]
		}
		return progress(ctx, tx, list)
	})
	return out, err
}

// RowFilter says which rows of an import to list.
type RowFilter struct {
	Action Action   // "" for all
	State  RowState // "" for all
	After  int      // row number of the page before
	Offset int
	Limit  int // 0 means 50, at most 500
}

// Rows returns rows of an import in the order of the sheet.
func (d *Desk) Rows(ctx context.Context, f facility.ID, id string, q RowFilter) ([]Row, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	var w store.Where
	w.And("r.import_id = ?", id)
	w.And("r.row_no > ?", q.After)
	if q.Action != "" {
		w.And("r.action = ?", string(q.Action))
	}
	if q.State != "" {
		w.And("r.state = ?", string(q.State))
	}
	var out []Row
	err := d.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		out, err = rows(ctx, tx, w.SQL()+" ORDER BY r.row_no LIMIT "+strconv.Itoa(min(q.Limit, 500))+" OFFSET "+strconv.Itoa(max(q.Offset, 0)), w.Args...)
		return err
	})
	return out, err
}

func rows(ctx context.Context, tx *store.Tx, where string, args ...any) ([]Row, error) {
	var out []Row
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var row Row
		var body string
		if err := r.Scan(&body); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(body), &row)
		out = append(out, row)
		return err
	}, "SELECT r.content FROM ledger_import_rows r WHERE r.facility_id = $1"+where, args...)
	return out, err
}

// Look reads a sheet by a mapping and says what an import would do, without keeping anything.
func (d *Desk) Look(ctx context.Context, f facility.ID, s *paper.Sheet, m Mapping) ([]Row, Count, error) {
	var n Count
	if err := m.Validate(); err != nil {
		return nil, n, err
	}
	in, err := readAll(ctx, s, m)
	if err != nil {
		return nil, n, err
	}
	keys, err := d.ledger.Keys(ctx, f)
	if err != nil {
		return nil, n, fmt.Errorf("read the ledger: %w", err)
	}
	k := index(keys)
	if err := d.earlier(ctx, f, k); err != nil {
		return nil, n, fmt.Errorf("read earlier imports: %w", err)
	}
	out := k.plan(in)
	for i := range out {
		n.add(out[i].Action)
	}
	return out, n, nil
}

func readAll(ctx context.Context, s *paper.Sheet, m Mapping) ([]parsed, error) {
	var in []parsed
	d := newReader(m)
	err := s.Rows(func(r paper.Row) error {
		if len(in)%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(in) >= MaxRows {
			return fault.Newf(fault.TooLarge, "一度に取り込めるのは%d行までです。ファイルを分けてください。", "At most %d rows can be taken in at once. Split the file.", MaxRows)
		}
		if p, ok := d.read(r); ok {
			in = append(in, p)
		}
		return nil
	})
	return in, err
}

// earlier learns which values came from imports, so that a newer version of the same sheet updates them without asking.
func (d *Desk) earlier(ctx context.Context, f facility.ID, k *known) error {
	return d.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var row Row
			var body string
			if err := r.Scan(&body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &row); err != nil {
				return err
			}
			for _, c := range row.Changes {
				if !c.Kept {
					k.imported[string(row.Device)+"\n"+c.Field] = c.After
				}
			}
			return nil
		}, `SELECT r.content FROM ledger_import_rows r WHERE r.facility_id = $1 AND r.state = 'done' AND r.action IN ('new', 'changed', 'conflict')
			ORDER BY r.import_id, r.row_no`)
	})
}

const stageStep = 400 // rows staged in one transaction

// Stage reads the sheet and keeps what the import would do, row by row, to be looked at. It may be called again, with another mapping or
// after a crash, until the import is applied.
func (d *Desk) Stage(ctx context.Context, f facility.ID, id string, s *paper.Sheet, m Mapping) (Import, error) {
	list, n, err := d.Look(ctx, f, s, m)
	if err != nil {
		return Import{}, err
	}
	return d.StageRows(ctx, f, id, m, list, n)
}

// StageRows is Stage for who has looked already: list and n are what Look answered just now, with the same mapping.
func (d *Desk) StageRows(ctx context.Context, f facility.ID, id string, m Mapping, list []Row, n Count) (Import, error) {
	if err := d.turn(ctx, f, id, Staging, Mapped, Staging, Preview); err != nil {
		return Import{}, err
	}
	if err := d.clear(ctx, f, id); err != nil {
		return Import{}, err
	}
	for chunk := range slices.Chunk(list, stageStep) {
		if err := d.db.Write(ctx, f, func(tx *store.Tx) error { return put(ctx, tx, id, chunk, "") }); err != nil {
			return Import{}, fmt.Errorf("stage rows: %w", err)
		}
	}
	mapping, err := json.Marshal(m)
	if err != nil {
		return Import{}, fmt.Errorf("write mapping: %w", err)
	}
	counts, err := json.Marshal(n)
	if err != nil {
		return Import{}, fmt.Errorf("write counts: %w", err)
	}
	err = d.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE ledger_imports SET state = $3, mapping = $4, counts = $5, total = $6 WHERE facility_id = $1 AND id = $2 AND state = 'staging'`,
			id, string(Preview), string(mapping), string(counts), n.New+n.Changed+n.Conflict)
		return err
	})
	if err != nil {
		return Import{}, err
	}
	return d.Get(ctx, f, id)
}

func put(ctx context.Context, tx *store.Tx, id string, list []Row, conflict string) error {
	for some := range slices.Chunk(list, 10) {
		var b strings.Builder
		args := []any{id}
		for i, r := range some {
			body, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("write row %d: %w", r.Row, err)
			}
			if i > 0 {
				b.WriteByte(',')
			}
			n := 3 + i*5
			fmt.Fprintf(&b, "($1,$2,$%d,$%d,$%d,$%d,$%d)", n, n+1, n+2, n+3, n+4)
			args = append(args, r.Row, string(r.Action), string(r.State), string(r.Device), string(body))
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ledger_import_rows (facility_id, import_id, row_no, action, state, device_id, content) VALUES "+b.String()+conflict,
			args...); err != nil {
			return err
		}
	}
	return nil
}

// turn is turnTx in a transaction of its own.
func (d *Desk) turn(ctx context.Context, f facility.ID, id string, to State, from ...State) error {
	return d.db.Write(ctx, f, func(tx *store.Tx) error { return turnTx(ctx, tx, id, to, from...) })
}

// clear drops staged rows in short transactions.
func (d *Desk) clear(ctx context.Context, f facility.ID, id string) error {
	for {
		var n int64
		err := d.db.Write(ctx, f, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `DELETE FROM ledger_import_rows WHERE facility_id = $1 AND import_id = $2 AND row_no IN
				(SELECT r.row_no FROM ledger_import_rows r WHERE r.facility_id = $1 AND r.import_id = $2 ORDER BY r.row_no LIMIT 1000)`, id)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// Discard forgets an import that was not applied.
func (d *Desk) Discard(ctx context.Context, f facility.ID, id string) error {
	if err := d.turn(ctx, f, id, Mapped, Mapped, Staging, Preview); err != nil {
		return err
	}
	if err := d.clear(ctx, f, id); err != nil {
		return err
	}
	return d.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM ledger_imports WHERE facility_id = $1 AND id = $2 AND state = 'mapping'", id)
		return err
	})
}
