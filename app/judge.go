package app

import (
	"context"

	"kenshin/checkup"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

const judgeKind = "judge"

// judgeArgs names the devices that a large change touched.
type judgeArgs struct {
	Devices []netid.DeviceID `json:"devices"`
}

// judge is a check-up without a gate: it concludes and sends nothing.
func (h *House) judge() *checkup.Checkup {
	return &checkup.Checkup{DB: h.DB, Seen: h.Seen, Ledger: h.Ledger, Findings: h.Findings, Identify: h.Identify, Sensor: "local", Now: h.Now, Log: h.Log}
}

// changed follows up what people change in the ledger, in their own transaction; what is too much for it becomes a job in the same transaction.
func (h *House) changed(ctx context.Context, tx *store.Tx, changes []ledger.Change) error {
	if err := mayLoosen(ctx, changes); err != nil {
		return err
	}
	later, err := h.judge().React(ctx, tx, changes)
	if err != nil {
		return err
	}
	if len(later) > 0 {
		if _, err = h.Jobs.Enqueue(ctx, tx, judgeKind, judgeArgs{Devices: later}, job.Request{}); err != nil {
			return err
		}
	}
	if err := h.shield(ctx, tx, changes); err != nil {
		return err
	}
	if err := h.afterLedger(ctx, tx, changes); err != nil {
		return err
	}
	return h.remember(ctx, tx, changes)
}

// shield protects in this copy's gate what people have just marked, whatever way they did it; a check-up may be under way. Other copies hear of it
// when their next step begins.
func (h *House) shield(ctx context.Context, tx *store.Tx, changes []ledger.Change) error {
	var ids []netid.DeviceID
	for _, c := range changes {
		if marked := c.Kind == ledger.Edited && (c.Field == "medical" || c.Field == "never_touch") && c.After == "true"; marked && c.Device != "" {
			ids = append(ids, c.Device)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if !h.mu.TryLock() { // somebody makes a station and reads the database meanwhile: its check-up asks the ledger first, as every step does
		return nil
	}
	s := h.stations[tx.Facility()]
	h.mu.Unlock()
	if s == nil {
		return nil // its gate will ask the ledger first
	}
	devices, err := h.Ledger.DevicesTx(ctx, tx, ids)
	if err == nil {
		s.checkup.Shield(devices)
	}
	return err
}

func (h *House) judgeStep(ctx context.Context, run *job.Run) (job.Next, error) {
	var args judgeArgs
	if err := run.Args(&args); err != nil {
		return job.Next{}, err
	}
	var done int
	if err := run.Data(&done); err != nil {
		return job.Next{}, err
	}
	const part = 40
	for done < len(args.Devices) && !run.Enough() {
		next := min(done+part, len(args.Devices))
		if err := h.judge().Judge(ctx, run.Facility, args.Devices[done:next]); err != nil {
			return job.Next{}, err
		}
		done = next
		if err := h.DB.Write(ctx, run.Facility, func(tx *store.Tx) error { return run.Save(ctx, tx, done, done, len(args.Devices)) }); err != nil {
			return job.Next{}, err
		}
	}
	if done < len(args.Devices) {
		return job.Again(0), nil
	}
	return job.Done, nil
}
