package checkup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kenshin/discover/mdns"
	"kenshin/discover/nbns"
	"kenshin/discover/services"
	"kenshin/discover/snmp"
	"kenshin/discover/ssdp"
	"kenshin/discover/wsd"
	"kenshin/facility"
	"kenshin/gate"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/store"
)

const (
	together = 16               // hosts asked at the same time; each has one conversation at a time
	maxTries = 3                // steps that may be spent on one host before it counts as held
	needAsk  = 12 * time.Second // a host is not begun with less time than this left
	muteTCP  = 3                // ports in a row that swallow the question: the rest is taken to be filtered too
)

// ask puts the questions of the list to hosts of the segment that are still waiting.
func (c *Checkup) ask(ctx context.Context, f facility.ID, s *Sweep, at *cursor) error {
	seg, ok := c.segmentOf(*at, s)
	if !ok {
		at.nextSegment()
		return nil
	}
	if seg.Routed && !at.Learned {
		if err := c.learnMACs(ctx, f, s, at, seg); err != nil || ctx.Err() != nil {
			return err
		}
		at.Learned = true
	}
	hosts, err := c.waitingHosts(ctx, f, s.ID, seg.ID, 4*together)
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		at.nextSegment()
		return nil
	}
	if !enough(ctx, needAsk) {
		<-ctx.Done()
		return nil
	}
	if hosts, err = c.meetAgain(ctx, f, s, seg, hosts); err != nil || ctx.Err() != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(together)
	var mu sync.Mutex
	for i := range hosts {
		g.Go(func() error {
			if !enough(ctx, needAsk) {
				return nil // stays waiting
			}
			tells, err := c.askOne(ctx, f, s, &hosts[i])
			if r := (router{hosts[i].Segment, hosts[i].IP, hosts[i].MAC}); tells {
				mu.Lock()
				defer mu.Unlock()
				if !slices.Contains(at.Routers, r) {
					at.Routers = append(at.Routers, r)
				}
			}
			return err
		})
	}
	err = g.Wait()
	s.Frames = c.frames(s)
	return err
}

// askOne has all conversations with one host, and stores what it said and how it ended. tells: the host keeps a table of neighbours.
func (c *Checkup) askOne(ctx context.Context, f facility.ID, s *Sweep, h *host) (tells bool, err error) {
	keep, sweep := context.WithoutCancel(ctx), s.ID
	if !h.IP.IsValid() {
		return tells, c.setHost(keep, f, sweep, h, held, "no-address")
	}
	gh := c.Gate.Host(h.Segment, h.IP, h.MAC)
	if no := gh.May(gate.TCPConnect, 0); no != nil {
		return tells, c.setHost(keep, f, sweep, h, held, no.Code)
	}
	i := &interview{c: c, h: gh, host: h, now: c.Now}
	began := h.Next
	if began == 0 {
		i.names(ctx)
	}
	i.ports(ctx)
	if i.partial == "" && ctx.Err() != nil { // the step is over; a device with a second between questions takes several
		i.partial = "time"
		if h.Tries++; h.Next > began {
			h.Tries = 0
		}
	}
	i.finish()
	i.obs = c.placed(i.obs, h, c.approved(s))
	tells = slices.ContainsFunc(i.obs, func(o observation.Observation) bool { return o.Signal == observation.Neighbor })
	if _, err := c.Ingest(keep, f, i.obs); err != nil {
		return tells, fmt.Errorf("take in what %s said: %w", h.IP, err)
	}
	switch {
	case i.partial == "time" && h.Tries < maxTries:
		return tells, c.setHost(keep, f, sweep, h, waiting, "time")
	case i.partial != "":
		return tells, c.setHost(keep, f, sweep, h, held, i.partial)
	}
	return tells, c.setHost(keep, f, sweep, h, asked, "")
}

// approved returns the sweep's segments as they are approved now.
func (c *Checkup) approved(s *Sweep) (list []gate.Segment) {
	for _, id := range s.Request.Segments {
		if seg := c.Gate.Host(id, netip.Addr{}, netid.MAC{}).Segment(); seg != nil {
			list = append(list, *seg)
		}
	}
	return list
}

// placed gives each observation its sensor and segment: a router in one segment tells of devices in another. Who is not the router of a segment is
// not believed about the MACs of its addresses: any agent can claim them, and a MAC ends the protection of a host that nobody knows.
func (c *Checkup) placed(obs []observation.Observation, h *host, all []gate.Segment) []observation.Observation {
	for i := range obs {
		o := &obs[i]
		o.Sensor, o.Segment = c.Sensor, h.Segment
		if others(o) && o.IP.IsValid() {
			o.Segment = segmentFor(all, o.IP, h.Segment)
		}
	}
	believed := map[string]bool{}
	return slices.DeleteFunc(obs, func(o observation.Observation) bool {
		if !others(&o) || o.MAC == h.MAC && o.IP == h.IP {
			return false
		}
		yes, known := believed[o.Segment]
		if !known {
			yes = c.Gate.Tells(gate.HostKey{Segment: h.Segment, IP: h.IP, MAC: h.MAC}, o.Segment)
			believed[o.Segment] = yes
		}
		return !yes
	})
}

// others reports whether an agent says with it which MAC has an address: of others, or of cards that it calls its own.
func others(o *observation.Observation) bool {
	return o.Signal == observation.Neighbor || o.Signal == observation.OwnAddress
}

// interview is all that is said with one host in one sweep.
type interview struct {
	c       *Checkup
	h       *gate.Host
	host    *host
	now     func() time.Time
	mu      sync.Mutex
	obs     []observation.Observation
	tried   []string // ports that were asked
	silent  []string // ports that swallowed the question
	partial string   // why the list was not asked to its end: a refusal's code
}

// add takes in one answer and looks at once whether it shows a medical device: the conversation that it came from then ends as well.
func (i *interview) add(o observation.Observation) {
	i.mu.Lock()
	i.obs = append(i.obs, o)
	i.mu.Unlock()
	if o.MAC == i.host.MAC && o.Signal != observation.SNMPIf && o.Signal != observation.OwnAddress { // lists of cards and addresses say nothing of that
		i.protectIfMedical()
	}
}

// names asks over UDP who the host is. No answer is the usual case and says nothing; a refusal ends the interview.
func (i *interview) names(ctx context.Context) {
	credentials := i.h.Segment()
	steps := []func() error{
		func() error { return nbns.Ask(ctx, i.h, i.add) },
		func() error {
			if credentials == nil || len(credentials.SNMP) == 0 {
				return nil
			}
			_, err := snmp.Read(ctx, i.h, snmp.Options{}, i.add)
			return err
		},
		func() error { return mdns.Ask(ctx, i.h, i.add) },
		func() error { return ssdp.Ask(ctx, i.h, i.add) },
		func() error { return wsd.Ask(ctx, i.h, i.add) },
	}
	for _, step := range steps {
		if i.over(ctx, step()) {
			return
		}
	}
}

// over notes why the interview cannot go on, if so.
func (i *interview) over(ctx context.Context, err error) bool {
	var no *gate.Refusal
	if errors.As(err, &no) {
		i.partial = no.Code
	}
	return i.partial != "" || ctx.Err() != nil
}

// protectIfMedical looks at what was said so far: an answer that shows a medical device ends the probing of it.
func (i *interview) protectIfMedical() {
	i.mu.Lock()
	obs := append([]observation.Observation{{Signal: observation.ARP, MAC: i.host.MAC, IP: i.host.IP, Value: i.host.IP.String(), At: i.now()}}, i.obs...)
	i.mu.Unlock()
	for k := range obs {
		if obs[k].MAC != i.host.MAC { // says something about others
			obs[k] = obs[0]
		}
	}
	if id, _ := i.c.Identify.Of(obs); id.Medical {
		why := ""
		if len(id.Because) > 0 {
			why = id.Because[0].Says
		}
		i.h.Medical(why)
	}
}

// ports goes down the fixed list, one connection after the other.
func (i *interview) ports(ctx context.Context) {
	talks := conversations()
	open := map[uint16]bool{}
	mute := 0
	for n, p := range services.Ports() {
		if n < i.host.Next {
			continue
		}
		if i.partial != "" || ctx.Err() != nil {
			return
		}
		i.host.Next = n
		if p.Unless != 0 && open[p.Unless] {
			continue
		}
		if mute >= muteTCP && len(open) == 0 {
			i.silent = append(i.silent, strconv.Itoa(int(p.Number)))
			continue
		}
		list := p.Talk
		if i.h.May(gate.DICOMAssociation, p.Number) == nil && len(p.Unlocked) > 0 {
			list = p.Unlocked
		}
		for k, talk := range list {
			obs, err := talks[talk](ctx, i.h, p.Number)
			for _, o := range obs {
				i.add(o)
			}
			if i.over(ctx, err) {
				return
			}
			if k == 0 {
				i.tried = append(i.tried, strconv.Itoa(int(p.Number)))
				switch answer(err, len(obs)) {
				case closed:
					mute = 0
				case mutely:
					mute++
					i.silent = append(i.silent, strconv.Itoa(int(p.Number)))
				default:
					mute, open[p.Number] = 0, true
				}
				if !open[p.Number] {
					break
				}
			}
		}
		if open[p.Number] && p.Medical.Ja != "" {
			i.h.Medical(p.Medical.Ja)
			continue // the gate answers from here on
		}
	}
	i.host.Next = len(services.Ports())
}

type reply int

const (
	opened reply = iota
	closed
	mutely
)

// answer tells a closed port from one that swallows the question.
func answer(err error, said int) reply {
	var timeout net.Error
	switch {
	case said > 0:
		return opened
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return closed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return mutely
	case err != nil:
		return closed
	}
	return opened
}

// finish writes down what was asked, so that no answer means something later.
func (i *interview) finish() {
	value := "complete"
	detail := map[string]string{"ports": strings.Join(i.tried, ",")}
	if len(i.silent) > 0 {
		detail["silent"] = strings.Join(i.silent, ",")
	}
	if i.partial != "" {
		value, detail["stopped"] = "partial", i.partial
	}
	i.obs = append(i.obs, observation.Observation{MAC: i.host.MAC, IP: i.host.IP, Signal: observation.Asked, Value: value, Detail: detail, At: i.now()})
}

// segmentFor returns the approved segment of the sweep that an address lies in, else the one at hand.
func segmentFor(list []gate.Segment, a netip.Addr, otherwise string) string {
	for i := range list {
		if list[i].Prefix.Contains(a.Unmap()) {
			return list[i].ID
		}
	}
	return otherwise
}

// learnMACs asks the routers again, since the echoes have just woken the hosts behind them, and gives those hosts the MACs that the ledger
// now ties to their addresses.
func (c *Checkup) learnMACs(ctx context.Context, f facility.ID, s *Sweep, at *cursor, seg *gate.Segment) error {
	for _, r := range at.Routers {
		i := &interview{c: c, h: c.Gate.Host(r.Segment, r.IP, r.MAC), host: &host{Segment: r.Segment, IP: r.IP, MAC: r.MAC}, now: c.Now}
		if _, err := snmp.Read(ctx, i.h, snmp.Options{}, i.add); err != nil && ctx.Err() == nil {
			c.Log.Debug("a router could not be asked again", "router", r.IP, "error", err)
		}
		if _, err := c.Ingest(context.WithoutCancel(ctx), f, c.placed(i.obs, i.host, c.approved(s))); err != nil {
			return fmt.Errorf("take in the neighbours of %s: %w", r.IP, err)
		}
	}
	hosts, err := c.waitingHosts(ctx, f, s.ID, seg.ID, netid.MaxRange)
	if err != nil {
		return err
	}
	for i := range hosts {
		if !hosts[i].MAC.IsZero() {
			continue
		}
		mac, err := c.macOf(ctx, f, seg.ID, hosts[i].IP)
		if err != nil {
			return err
		}
		if !mac.IsZero() {
			if err := c.giveMAC(ctx, f, s.ID, &hosts[i], mac); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveMAC renames a host of a sweep after its MAC; where that host is known already, the nameless one goes.
func (c *Checkup) giveMAC(ctx context.Context, f facility.ID, sweep string, h *host, mac netid.MAC) error {
	return c.DB.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE checkup_hosts SET mac = $5, host_key = $5 WHERE facility_id = $1 AND sweep_id = $2 AND segment_id = $3 AND host_key = $4
			AND NOT EXISTS (SELECT 1 FROM checkup_hosts o WHERE o.facility_id = $1 AND o.sweep_id = $2 AND o.segment_id = $3 AND o.host_key = $5)`,
			sweep, h.Segment, h.key(), mac.String())
		if err == nil && n == 0 {
			_, err = tx.Exec(ctx, "DELETE FROM checkup_hosts WHERE facility_id = $1 AND sweep_id = $2 AND segment_id = $3 AND host_key = $4", sweep, h.Segment, h.key())
		}
		return err
	})
}
