package sheet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Choose keeps how a person wants the sheet to be read, before it is staged: which sheet, which header, what the columns mean. It may be called
// again until the import is applied; what was staged by another mapping is no longer offered.
func (d *Desk) Choose(ctx context.Context, f facility.ID, id string, m Mapping) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write mapping: %w", err)
	}
	return d.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := turnTx(ctx, tx, id, Mapped, Mapped, Staging, Preview); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger_imports SET mapping = $3 WHERE facility_id = $1 AND id = $2", id, string(text))
		return err
	})
}

// ApplyTx is Apply in a transaction of the caller, who asks for the work in the same one.
func (d *Desk) ApplyTx(ctx context.Context, tx *store.Tx, id string, replace bool) error {
	if err := turnTx(ctx, tx, id, Applying, Preview); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE ledger_imports SET replace_all = $3 WHERE facility_id = $1 AND id = $2", id, replace)
	return err
}

// UndoTx is Undo in a transaction of the caller.
func (d *Desk) UndoTx(ctx context.Context, tx *store.Tx, id string) error {
	return turnTx(ctx, tx, id, Undoing, Applied, Applying)
}

// turnTx takes an import to a state from one of some others.
func turnTx(ctx context.Context, tx *store.Tx, id string, to State, from ...State) error {
	i, err := load(ctx, tx, id)
	if err != nil {
		return err
	}
	if !slices.Contains(from, i.State) {
		return fault.New(fault.Conflict, "この取り込みは、いまその操作ができない段階です。画面を読み込み直してください。",
			"This import is at a stage where that cannot be done. Load the page again.")
	}
	_, err = tx.Exec(ctx, "UPDATE ledger_imports SET state = $3 WHERE facility_id = $1 AND id = $2", id, string(to))
	return err
}
