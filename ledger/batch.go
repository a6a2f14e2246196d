package ledger

import (
	"context"

	"kenshin/facility"
	"kenshin/netid"
	"kenshin/store"
)

// Devices returns several devices at once, in the order of ids; ids that are not there or were merged away are left out.
func (l *Ledger) Devices(ctx context.Context, f facility.ID, ids []netid.DeviceID) (list []*Device, err error) {
	err = l.db.Read(ctx, f, func(tx *store.Tx) error {
		list, err = load(ctx, tx, ids)
		return err
	})
	return list, err
}

// DevicesTx is Devices inside the caller's transaction.
func (l *Ledger) DevicesTx(ctx context.Context, tx *store.Tx, ids []netid.DeviceID) ([]*Device, error) {
	return load(ctx, tx, ids)
}
