package app

import (
	"context"
	"errors"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/netid"
	"kenshin/store"
)

// station is what this machine does for one facility: its gate, which follows the book of segments, and its check-up.
type station struct {
	gate    *gate.Gate
	checkup *checkup.Checkup
	stop    context.CancelFunc
}

// For returns the check-up of a facility on this machine; its gate is loaded and follows the book from then on.
func (h *House) For(ctx context.Context, f facility.ID) (*checkup.Checkup, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.stations[f]; ok {
		return s.checkup, nil
	}
	fac, err := h.Account.Facility(ctx, f)
	if err != nil {
		return nil, err
	}
	s := h.newStation(fac)
	if _, err := h.Gates.Load(ctx, f, s.gate); err != nil {
		return nil, errors.Join(err, s.gate.Close())
	}
	if err := s.checkup.Guard(ctx, f); err != nil {
		return nil, errors.Join(err, s.gate.Close())
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() {
		if err := h.Gates.Watch(watch, f, s.gate); err != nil && watch.Err() == nil {
			h.Log.Error("the gate no longer follows the book: it is shut", "facility", f, "error", err)
			s.gate.Kill(true)
		}
	}()
	h.stations[f] = s
	return s.checkup, nil
}

func (h *House) newStation(fac account.Facility) *station {
	now := func() time.Time { return h.Now().In(fac.Location()) }
	g := gate.New(gate.Config{Now: now, Log: h.Log, Maker: h.Makers.Lookup, Sent: func(rows []gate.SentRow) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Gates.Record(ctx, fac.ID, rows); err != nil {
			h.Log.Error("what was sent could not be recorded", "error", err)
		}
	}})
	return &station{gate: g, checkup: &checkup.Checkup{DB: h.DB, Gate: g, Seen: h.Seen, Ledger: h.Ledger, Findings: h.Findings,
		Identify: h.Identify, Sensor: "local", Now: h.Now, Log: h.Log}}
}

// sweepArgs is what a sweep's job carries.
type sweepArgs struct {
	Sweep string `json:"sweep"`
}

const sweepKind = "sweep"

// works says who does which kind of long work.
func (h *House) works() {
	h.Jobs.Handle(sweepKind, job.Options{Title: i18n.Text{Ja: "健診", En: "Check-up"}}, h.sweepStep)
	h.sheetWorks()
}

// StartSweep asks for a check-up: the request and its work are stored together, so that neither is lost.
func (h *House) StartSweep(ctx context.Context, f facility.ID, r checkup.Request) (id string, err error) {
	fac, err := h.Account.Facility(ctx, f)
	if err != nil {
		return "", err
	}
	if fac.Demo { // its ranges may well be somebody's real network
		return "", fault.New(fault.Denied, "見本の施設では、健診を始められません。", "A sample facility cannot be checked up.")
	}
	c, err := h.For(ctx, f)
	if err != nil {
		return "", err
	}
	// the gate follows the book within a second; whoever starts a check-up right after approving a segment should not wait for it
	if _, err := h.Gates.Load(ctx, f, c.Gate); err != nil {
		return "", err
	}
	queue, err := h.queueFor(ctx, f, r)
	if err != nil {
		return "", err
	}
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		id, err = c.Begin(ctx, tx, r, func(id string) (string, error) {
			run, err := h.Jobs.Enqueue(ctx, tx, sweepKind, sweepArgs{Sweep: id}, job.Request{Queue: queue, UniqueKey: id})
			return string(run), err
		})
		return err
	})
	return id, err
}

func (h *House) sweepStep(ctx context.Context, run *job.Run) (job.Next, error) {
	var args sweepArgs
	if err := run.Args(&args); err != nil {
		return job.Next{}, err
	}
	c, err := h.For(ctx, run.Facility)
	if err != nil {
		return job.Next{}, err
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "sweep", Name: "健診"})
	ctx, done := untilEnough(ctx, run)
	defer done()
	saved := func(ctx context.Context, tx *store.Tx, s *checkup.Sweep) error {
		return run.Save(ctx, tx, args, s.Permille(), 1000)
	}
	more, err := c.Step(ctx, run.Facility, args.Sweep, run.Deadline(), saved)
	if err != nil {
		return job.Next{}, err
	}
	ctx = context.WithoutCancel(ctx)
	s, err := c.Get(ctx, run.Facility, args.Sweep)
	if err != nil {
		return job.Next{}, err
	}
	err = h.DB.Write(ctx, run.Facility, func(tx *store.Tx) error {
		if err := run.Save(ctx, tx, args, s.Permille(), 1000); err != nil || more {
			return err
		}
		return h.reassess(ctx, tx, 0)
	})
	if err != nil {
		return job.Next{}, err
	}
	switch {
	case more:
		return job.Again(0), nil
	case s.State == checkup.Incomplete && len(s.Notes) > 0:
		return job.Partly(s.Notes[0].Text), nil
	}
	return job.Done, nil
}

// untilEnough ends a step's context when a person pauses or stops the run: a sweep must fall silent at once, not at its deadline.
func untilEnough(ctx context.Context, run *job.Run) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		t := time.NewTicker(200 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if run.Enough() {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}

// queueFor names the queue of the copies that stand on the network of the first local segment: no other copy can ask by ARP there.
func (h *House) queueFor(ctx context.Context, f facility.ID, r checkup.Request) (string, error) {
	entries, err := h.Gates.Segments(ctx, f)
	if err != nil {
		return "", err
	}
	for _, id := range r.Segments {
		found := false
		for _, e := range entries {
			if e.ID != id {
				continue
			}
			found = true
			if !e.Approved {
				return "", fault.Newf(fault.Denied, "区画「%s」はまだ承認されていません。先に承認してください。", "Segment %q has not been approved. Approve it first.", e.Name)
			}
			if !e.Routed {
				return linkQueue(e.Interface, e.Prefix.String()), nil
			}
		}
		if !found {
			return "", fault.New(fault.NotFound, "その区画はありません。", "There is no such segment.")
		}
	}
	return job.Default, nil
}

func linkQueue(iface, prefix string) string { return "sweep:" + iface + "@" + prefix }

// serveLinks makes this copy work the sweeps of the networks that its interfaces are on.
func (h *House) serveLinks() error {
	proposals, err := gate.Interfaces()
	if err != nil {
		return err
	}
	for _, p := range proposals {
		if p.Segment.Prefix.IsValid() {
			if err := h.Jobs.Serve(linkQueue(p.Segment.Interface, p.Segment.Prefix.Masked().String()), 2); err != nil {
				return err
			}
		}
	}
	return nil
}

var _ interface {
	Lookup(netid.MAC) (string, bool)
} = (*netid.Makers)(nil)
