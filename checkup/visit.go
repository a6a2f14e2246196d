package checkup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

// visitStep is how long one step of a visit lasts at most; between steps progress is told.
const visitStep = 24 * time.Hour

// Visit makes one pass without jobs and returns its report: for the command line. progress, which may be nil, is told how the sweep stands
// a few times a second. When ctx ends the report is of what was found until then, and not complete.
func (c *Checkup) Visit(ctx context.Context, f facility.ID, r Request, progress func(Sweep)) (Report, error) {
	var id string
	err := c.DB.Write(ctx, f, func(tx *store.Tx) (err error) {
		id, err = c.Create(ctx, tx, r, "")
		return err
	})
	if err != nil {
		return Report{}, err
	}
	watch, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.watch(watch, f, id, progress)
	}()
	for more := true; more && err == nil && ctx.Err() == nil; {
		more, err = c.Step(ctx, f, id, time.Now().Add(visitStep), nil)
	}
	stop()
	<-done
	if err != nil && ctx.Err() == nil {
		return Report{}, err
	}
	rep, err := c.Report(context.WithoutCancel(ctx), f, id)
	if ctx.Err() != nil {
		rep.Notes = append(rep.Notes, i18n.T(ctx, "途中で止めたので、ここまでに分かったことだけです。", "It was stopped before the end: this is what was found until then."))
	}
	return rep, err
}

func (c *Checkup) watch(ctx context.Context, f facility.ID, id string, progress func(Sweep)) {
	if progress == nil {
		return
	}
	t := time.NewTicker(300 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if s, err := c.Get(ctx, f, id); err == nil {
				progress(s)
			}
		}
	}
}

// Report returns a sweep with every device of the ledger and every open finding, in the language of ctx.
func (c *Checkup) Report(ctx context.Context, f facility.ID, id string) (Report, error) {
	s, err := c.Get(ctx, f, id)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Schema: Schema, Started: s.Started, Finished: s.Finished, Ranges: []string{}, FramesSent: s.Frames, Complete: s.State == Done,
		Notes: []string{}, Devices: []ReportDevice{}, Links: []ReportLink{}, Findings: []ReportFinding{}}
	if rep.Finished.IsZero() {
		rep.Finished = c.Now()
	}
	for _, n := range s.Notes {
		rep.Notes = append(rep.Notes, n.Text.For(ctx))
	}
	for _, seg := range c.approved(&s) {
		rep.Ranges = append(rep.Ranges, seg.Prefix.String())
		if rep.Pace == "" || gate.Pace(rep.Pace).FramesPerSecond() < seg.Pace.FramesPerSecond() {
			rep.Pace = string(seg.Pace)
		}
	}
	hosts, err := c.Hosts(ctx, f, id, netid.MaxRange)
	if err != nil {
		return Report{}, err
	}
	if err := c.reportDevices(ctx, f, &rep, hosts); err != nil {
		return Report{}, err
	}
	return rep, c.reportFindings(ctx, f, &rep)
}

func (c *Checkup) reportDevices(ctx context.Context, f facility.ID, rep *Report, hosts []HostRow) error {
	asked := map[netid.DeviceID]string{}
	for _, h := range hosts {
		switch {
		case h.State == "asked":
			asked[h.Device] = "complete"
		case asked[h.Device] == "" && h.State == "held":
			asked[h.Device] = "held: " + h.Reason
		}
	}
	for cursor := ""; ; {
		page, err := c.Ledger.List(ctx, f, ledger.Query{Limit: 200, Cursor: cursor})
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		ids := make([]netid.DeviceID, len(page.Devices))
		for i := range page.Devices {
			ids[i] = page.Devices[i].ID
		}
		devices, err := c.Ledger.Devices(ctx, f, ids)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		for _, d := range devices {
			if d.Identity.Kind == "" {
				d.Identity = c.fromCards(d)
			}
			rep.Devices = append(rep.Devices, reportDevice(ctx, d, asked[d.ID]))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	sortReport(rep.Devices)
	return nil
}

// fromCards is what can be said of a device by its network cards alone.
func (c *Checkup) fromCards(d *ledger.Device) ledger.Identity {
	var obs []observation.Observation
	for _, card := range d.Interfaces {
		obs = append(obs, observation.Observation{MAC: card.MAC, Signal: observation.ARP, At: card.LastSeen})
	}
	id, _ := c.Identify.Of(obs)
	return id
}

func (c *Checkup) reportFindings(ctx context.Context, f facility.ID, rep *Report) error {
	for cursor := ""; ; {
		page, err := c.Findings.List(ctx, f, finding.Filter{States: []finding.State{finding.Open}, After: cursor, Limit: 200})
		if err != nil {
			return fmt.Errorf("read the findings: %w", err)
		}
		for _, x := range page.Findings {
			rep.Findings = append(rep.Findings, ReportFinding{Check: x.Check, Severity: int(x.Severity), Device: string(x.Device), Title: x.Title.For(ctx),
				Why: x.Why.For(ctx), Fix: x.Fix.For(ctx), Evidence: x.Evidence})
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// Replay takes recorded observations through the same pipeline, in batches; told hears how many were taken in.
func (c *Checkup) Replay(ctx context.Context, f facility.ID, next func() (observation.Observation, bool, error), told func(n int)) error {
	const batch = 500
	n := 0
	for {
		var obs []observation.Observation
		for len(obs) < batch {
			o, ok, err := next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			obs = append(obs, o)
		}
		if len(obs) == 0 {
			return nil
		}
		slices.SortStableFunc(obs, func(a, b observation.Observation) int { return a.At.Compare(b.At) })
		if _, err := c.Ingest(ctx, f, obs); err != nil {
			return fmt.Errorf("take in observation %d: %w", n+1, err)
		}
		n += len(obs)
		told(n)
	}
}

// Keep writes a pass that was made elsewhere and replayed here down as a finished sweep, with the devices that it saw, so that lists tell of it.
func (c *Checkup) Keep(ctx context.Context, f facility.ID, r Request, from, to time.Time, seen []*ledger.Device) error {
	at, err := json.Marshal(cursor{Phase: Closing, Order: r.Segments, Segment: len(r.Segments)})
	if err != nil {
		return err
	}
	req, err := json.Marshal(r)
	if err != nil {
		return err
	}
	id := store.NewID()
	err = c.DB.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO checkup_sweeps (facility_id, id, run_id, state, request_json, cursor_json, requested_by,
				created_at, started_at, finished_at, updated_at, done_count, total_count, frames_sent, note_json)
			VALUES ($1, $2, '', $3, $4, $5, $6, $7, $7, $8, $8, $9, $9, 0, '[]')`,
			id, Done, string(req), string(at), actor.From(ctx).Name, store.Micros(from), store.Micros(to), len(seen))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the replayed sweep down: %w", err)
	}
	seen = slices.DeleteFunc(slices.Clone(seen), func(d *ledger.Device) bool { return len(d.Interfaces) == 0 })
	hosts := make([]host, len(seen))
	for i, d := range seen {
		card := d.Interfaces[0]
		hosts[i] = host{Segment: card.Segment, MAC: card.MAC, Device: d.ID}
		if len(card.IPv4) > 0 {
			hosts[i].IP = card.IPv4[0]
		}
	}
	if err := c.putHosts(ctx, f, id, hosts); err != nil {
		return err
	}
	for i := range hosts {
		state, why := asked, ""
		if seen[i].Medical() {
			state, why = held, "medical"
		}
		if err := c.setHost(ctx, f, id, &hosts[i], state, why); err != nil {
			return err
		}
	}
	return nil
}
