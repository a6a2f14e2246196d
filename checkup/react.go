package checkup

import (
	"context"
	"fmt"

	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

// reactAtOnce is how many devices are judged inside the transaction that changed them; more are left to the caller's job.
const reactAtOnce = 20

// React follows up what people changed in the ledger, in the same transaction: it is told in the list of what changed, findings move with merged
// devices and leave with retired ones, and the checks run again on what a person said (a device that was registered is no longer unknown). It
// returns the devices that are too many to be judged here.
func (c *Checkup) React(ctx context.Context, tx *store.Tx, changes []ledger.Change) (later []netid.DeviceID, err error) {
	if err := c.tell(ctx, tx, changes); err != nil {
		return nil, err
	}
	seen := map[netid.DeviceID]bool{}
	var ids []netid.DeviceID
	for _, ch := range changes {
		if ch.Kind == ledger.StateChanged && ch.After == string(ledger.Retired) {
			if err := c.Findings.Leave(ctx, tx, ch.Device, "廃棄"); err != nil {
				return nil, fmt.Errorf("close the findings of a retired device: %w", err)
			}
		}
		if ch.Device != "" && !seen[ch.Device] {
			seen[ch.Device], ids = true, append(ids, ch.Device)
		}
	}
	if len(ids) > reactAtOnce {
		return ids, nil
	}
	devices, err := c.Ledger.DevicesTx(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var list []examined
	for _, d := range devices {
		if d.State == ledger.Retired {
			continue
		}
		subjects, err := ledger.SubjectsOf(ctx, tx, d.ID)
		if err != nil {
			return nil, err
		}
		obs, err := c.under(ctx, tx.Facility(), subjects)
		if err != nil {
			return nil, err
		}
		list = append(list, examined{d, obs})
	}
	return nil, c.examine(ctx, tx, list)
}
