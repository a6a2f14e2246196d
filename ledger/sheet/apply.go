package sheet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

// Rows taken in by one transaction: adjusted so that each stays well under 50 ms.
const (
	leastRows = 5
	mostRows  = 80
	aim       = 25 * time.Millisecond
)

// Apply lets Step take the import in. replace: where a person entered something else, the sheet wins; else the person's entry stays.
func (d *Desk) Apply(ctx context.Context, f facility.ID, id string, replace bool) error {
	return d.db.Write(ctx, f, func(tx *store.Tx) error { return d.ApplyTx(ctx, tx, id, replace) })
}

// Undo lets Step take the import back: what it added goes, what it changed gets its former value, unless somebody edited it since.
func (d *Desk) Undo(ctx context.Context, f facility.ID, id string) error {
	return d.db.Write(ctx, f, func(tx *store.Tx) error { return d.UndoTx(ctx, tx, id) })
}

// Run is Apply or Undo to the end, for a caller that can wait.
func (d *Desk) Run(ctx context.Context, f facility.ID, id string) error {
	for {
		more, err := d.Step(ctx, f, id, d.now().Add(time.Minute))
		if err != nil || !more {
			return err
		}
	}
}

// Step goes on with an import that is being applied or taken back, until it is done or the time is up. Every row is in with the transaction
// that marks it, so that it may be called again after a crash at any point, and from several copies at once.
func (d *Desk) Step(ctx context.Context, f facility.ID, id string, until time.Time) (more bool, err error) {
	size := 20
	for d.now().Before(until) {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		var n int
		start := time.Now()
		err := d.db.Write(ctx, f, func(tx *store.Tx) error {
			start = time.Now() // without the wait for the writer
			var err error
			n, err = d.chunk(ctx, tx, id, size)
			return err
		})
		if err != nil {
			return true, fmt.Errorf("import %s: %w", id, err)
		}
		if n == 0 {
			return false, nil
		}
		switch took := time.Since(start); {
		case took > aim:
			size = max(leastRows, size/2)
		case took < aim/2:
			size = min(mostRows, size*2)
		}
	}
	return true, nil
}

// chunk does the next rows of an import in one transaction; 0 rows means that it is finished.
func (d *Desk) chunk(ctx context.Context, tx *store.Tx, id string, size int) (int, error) {
	// the lock of this row keeps another copy from taking the same rows
	if _, err := tx.Exec(ctx, "UPDATE ledger_imports SET total = total WHERE facility_id = $1 AND id = $2", id); err != nil {
		return 0, err
	}
	i, err := scanImport(tx.Row(ctx, "SELECT "+importColumns+" FROM ledger_imports i WHERE i.facility_id = $1 AND i.id = $2", id))
	if err != nil {
		return 0, err
	}
	want, order := Pending, " ORDER BY r.row_no LIMIT "
	switch i.State {
	case Applying:
	case Undoing:
		want, order = Done, " ORDER BY r.row_no DESC LIMIT "
	default:
		return 0, nil
	}
	list, err := rows(ctx, tx, " AND r.import_id = $2 AND r.state = $3 AND r.action IN ('new', 'changed', 'conflict')"+order+strconv.Itoa(size), id, string(want))
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		to := map[State]State{Applying: Applied, Undoing: TakenBack}[i.State]
		_, err := tx.Exec(ctx, "UPDATE ledger_imports SET state = $3, finished_at = $4 WHERE facility_id = $1 AND id = $2", id, string(to), store.Micros(d.now()))
		return 0, err
	}
	if i.State == Applying {
		return len(list), d.take(ctx, tx, i, list)
	}
	return len(list), d.takeBack(ctx, tx, i, list)
}

// take brings rows in.
func (d *Desk) take(ctx context.Context, tx *store.Tx, i Import, list []Row) error {
	reason := "取り込み: " + i.File
	var fresh []ledger.NewDevice
	var at []int
	var changes []ledger.Change
	for n := range list {
		r := &list[n]
		r.State = Done
		if r.Action != Create {
			more, err := d.edit(ctx, tx, r, i.Replace, reason)
			if err != nil {
				return fmt.Errorf("row %d: %w", r.Row, err)
			}
			changes = append(changes, more...)
			continue
		}
		var w ledger.Word
		for _, c := range r.Changes {
			if err := w.Set(c.Field, c.After); err != nil {
				return fmt.Errorf("row %d: %w", r.Row, err)
			}
		}
		fresh, at = append(fresh, ledger.NewDevice{Word: w}), append(at, n)
	}
	if len(fresh) > 0 {
		ids, more, err := d.ledger.AddTx(ctx, tx, fresh, reason)
		if err != nil {
			return err
		}
		for k, id := range ids {
			list[at[k]].Device = id
		}
		changes = append(changes, more...)
	}
	if err := keep(ctx, tx, i.ID, list); err != nil {
		return err
	}
	return d.ledger.Tell(ledger.OneDeed(ctx), tx, changes)
}

// edit changes a device by a row. What somebody entered since the preview stays, since the person who applied did not see it.
func (d *Desk) edit(ctx context.Context, tx *store.Tx, r *Row, replace bool, reason string) ([]ledger.Change, error) {
	v, err := d.ledger.GetTx(ctx, tx, r.Device)
	if fault.Is(err, fault.NotFound) {
		r.Action = Failed
		r.Issues = append(r.Issues, Issue{Text: say("機器が台帳から消されていたため、取り込みませんでした。", "The device was removed from the ledger meanwhile, so the row was not taken in.")})
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.Device = v.ID
	p := ledger.Patch{Fields: map[string]string{}, Reason: reason}
	for n := range r.Changes {
		c := &r.Changes[n]
		c.Kept = now(v, c.Field) != c.Before || c.Conflict && !replace
		switch {
		case c.Kept:
		case c.Field == fieldState:
			p.State = ledger.State(c.After)
		default:
			p.Fields[c.Field] = c.After
		}
	}
	return d.patch(ctx, tx, v.ID, p, r, Failed, r.State)
}

// patch edits a device if there is anything to edit. What the ledger's rules refuse is an issue of the row, not of the import.
func (d *Desk) patch(ctx context.Context, tx *store.Tx, id netid.DeviceID, p ledger.Patch, r *Row, action Action, state RowState) ([]ledger.Change, error) {
	if len(p.Fields) == 0 && p.State == "" {
		return nil, nil
	}
	changes, err := d.ledger.EditTx(ctx, tx, id, 0, p)
	if err != nil && fault.KindOf(err) != fault.Internal && fault.KindOf(err) != fault.Unavailable {
		r.Action, r.State = action, state
		for n := range r.Changes {
			r.Changes[n].Kept = true
		}
		r.Issues = append(r.Issues, Issue{Text: i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}})
		return nil, nil
	}
	return changes, err
}

// now is what the ledger says of a field at this moment.
func now(v *ledger.Device, field string) string {
	if field == fieldState {
		return string(v.State)
	}
	return v.Word.Get(field)
}

// keep writes rows back after their work is done.
func keep(ctx context.Context, tx *store.Tx, id string, list []Row) error {
	return put(ctx, tx, id, list, " ON CONFLICT (facility_id, import_id, row_no) DO UPDATE SET action = excluded.action, state = excluded.state, "+
		"device_id = excluded.device_id, content = excluded.content")
}

// takeBack restores what rows changed.
func (d *Desk) takeBack(ctx context.Context, tx *store.Tx, i Import, list []Row) error {
	reason := "取り込みの取り消し: " + i.File
	var changes []ledger.Change
	for n := range list {
		more, err := d.restore(ctx, tx, &list[n], reason)
		if err != nil {
			return fmt.Errorf("row %d: %w", list[n].Row, err)
		}
		changes = append(changes, more...)
	}
	if err := keep(ctx, tx, i.ID, list); err != nil {
		return err
	}
	return d.ledger.Tell(ledger.OneDeed(ctx), tx, changes)
}

func (d *Desk) restore(ctx context.Context, tx *store.Tx, r *Row, reason string) ([]ledger.Change, error) {
	r.State = Undone
	v, err := d.ledger.GetTx(ctx, tx, r.Device)
	if fault.Is(err, fault.NotFound) {
		return nil, nil // removed by somebody: nothing of the import is left
	}
	if err != nil {
		return nil, err
	}
	p := ledger.Patch{Fields: map[string]string{}, Reason: reason}
	wrote := map[string]bool{}
	for n := range r.Changes {
		c := &r.Changes[n]
		if c.Kept {
			continue
		}
		wrote[c.Field] = true
		if is := now(v, c.Field); is != c.After && is != tidied(c) {
			c.Kept = true
			r.State = Stayed
			r.Issues = append(r.Issues, Issue{Text: say("「%s」は取り込みのあとで変更されたため、元に戻していません。", "%q was changed after the import and is left as it is.", c.Field)})
			continue
		}
		if c.Field == fieldState {
			p.State = ledger.State(c.Before)
		} else {
			p.Fields[c.Field] = c.Before
		}
	}
	if r.Action == Create {
		if r.State == Stayed || slices.ContainsFunc(v.Word.Keys(), func(k string) bool { return !wrote[k] }) {
			r.State = Stayed
			r.Issues = append(r.Issues, Issue{Text: say("取り込みのあとで人が書き加えた機器なので、台帳に残しました。", "Somebody worked on this device after the import, so it stays in the ledger.")})
			return nil, nil
		}
		changes, err := d.ledger.RemoveTx(ctx, tx, v.ID, reason)
		if !fault.Is(err, fault.Conflict) {
			return changes, err
		}
		p.State = ledger.New // seen on the wire since: it stays, without the sheet's words
	}
	return d.patch(ctx, tx, v.ID, p, r, r.Action, Stayed)
}

// tidied is how the ledger keeps a value that a row set.
func tidied(c *FieldChange) string {
	var w ledger.Word
	if err := w.Set(c.Field, c.After); err != nil {
		return c.After
	}
	return w.Get(c.Field)
}
