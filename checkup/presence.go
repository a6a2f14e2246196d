package checkup

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"kenshin/discover/arp"
	"kenshin/discover/echo"
	"kenshin/discover/listen"
	"kenshin/discover/ndp"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/observation"
)

// quiet is how long a local segment is listened to at least: devices with an address of another network give themselves away only by
// what they ask for.
const quiet = 5 * time.Second

// flushEvery is how often found devices reach the ledger while a sweep runs.
const flushEvery = 500 * time.Millisecond

// presence asks one part of one segment who is there.
func (c *Checkup) presence(ctx context.Context, f facility.ID, s *Sweep, at *cursor) error {
	seg, ok := c.segmentOf(*at, s)
	if at.Segment >= len(at.Order) {
		at.Phase, at.Segment, at.Chunk = Closing, 0, 0
		return nil
	}
	if !ok {
		s.note(s.Segment, "この区画は承認が取り消されたため、確認していません。", "This segment is no longer approved and was not looked at.")
		at.nextSegment()
		return nil
	}
	parts := chunks(seg.Prefix, seg.Pace)
	if at.Chunk == 0 {
		s.Done, s.Total = 0, addresses(seg.Prefix)
	}
	var err error
	if at.Chunk < len(parts) {
		if need := estimate(parts[at.Chunk], seg.Pace); !enough(ctx, need) {
			<-ctx.Done() // the next step has the time for it
			return nil
		}
		err = c.part(ctx, f, s, at, seg, parts[at.Chunk], at.Chunk == len(parts)-1)
	}
	s.Frames = c.frames(s)
	if err != nil {
		return c.partFailed(s, at, seg, err)
	}
	if ctx.Err() == nil {
		s.Done = min(s.Done+addresses(parts[at.Chunk]), s.Total)
		if at.Chunk++; at.Chunk >= len(parts) {
			at.Phase = Asking
			if s.Request.PresenceOnly {
				at.nextSegment()
			}
		}
	}
	return nil
}

func (at *cursor) nextSegment() {
	at.Phase, at.Chunk, at.Segment, at.Learned = Presence, 0, at.Segment+1, false
}

// partFailed turns what a person can do something about into a note, and goes on with the next segment; the rest is an error of ours.
func (c *Checkup) partFailed(s *Sweep, at *cursor, seg *gate.Segment, err error) error {
	var no *gate.Refusal
	switch {
	case errors.As(err, &no):
		s.note(seg.ID, no.Why.Ja, no.Why.En)
	case fault.Is(err, fault.Unavailable):
		s.note(seg.ID, fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
	default:
		return err
	}
	at.nextSegment()
	return nil
}

func (s *Sweep) note(segment, ja, en string) {
	s.add(Note{Segment: segment, Text: i18n.Text{Ja: ja, En: en}})
}

// blind says that silent devices which only speak IPv6 are not found in a segment: nobody may be asked all at once there.
func (s *Sweep) blind(seg *gate.Segment, no *gate.Refusal) {
	n := Note{Segment: seg.ID, Limit: true}
	switch no.Code {
	case "medical-link":
		n.Text = i18n.Text{Ja: "「" + seg.Name + "」は医療機器がいる区画なので、IPv6で全員に聞く1回の問い合わせを送っていません。IPv6だけで通信し、黙っている機器は、この健診では見つかりません。",
			En: "Medical devices live in “" + seg.Name + "”, so the one IPv6 question to everybody was not sent. Devices that only speak IPv6 and keep silent are not found by this check-up."}
	case "never-touch":
		n.Text = i18n.Text{Ja: "「" + seg.Name + "」には「何も送らない」と決めた機器がいるので、IPv6で全員に聞く1回の問い合わせを送っていません。IPv6だけで通信し、黙っている機器は、この健診では見つかりません。",
			En: "A device in “" + seg.Name + "” is never to be touched, so the one IPv6 question to everybody was not sent. Devices that only speak IPv6 and keep silent are not found by this check-up."}
	default: // out of hours, the kill switch: the rest of the sweep says so
		return
	}
	s.add(n)
}

func (s *Sweep) add(n Note) {
	for _, have := range s.Notes {
		if have == n {
			return
		}
	}
	s.Notes = append(s.Notes, n)
}

// part sweeps one part of a segment: on the link by ARP and neighbour discovery while listening, behind a router by one echo.
func (c *Checkup) part(ctx context.Context, f facility.ID, s *Sweep, at *cursor, seg *gate.Segment, p netip.Prefix, last bool) error {
	got := c.collect(context.WithoutCancel(ctx), f, s.ID, seg)
	var err error
	if seg.Routed {
		err = c.echoes(ctx, seg, p, got.add)
	} else {
		err = c.link(ctx, s, seg, p, last, got.add)
	}
	return errors.Join(err, got.close())
}

func (c *Checkup) echoes(ctx context.Context, seg *gate.Segment, p netip.Prefix, found func(observation.Observation)) error {
	e, err := c.Gate.Echo(ctx, seg.ID)
	if err != nil {
		return err
	}
	defer e.Close()
	return echo.Sweep(ctx, e, p, echo.Options{}, found)
}

func (c *Checkup) link(ctx context.Context, s *Sweep, seg *gate.Segment, p netip.Prefix, last bool, found func(observation.Observation)) error {
	w, err := c.Gate.Wire(seg.ID)
	if fault.Is(err, fault.Unavailable) {
		// without the right to raw sockets: whom the machine itself knows can still be asked
		s.note(seg.ID, fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
		return arp.Table(seg.Interface, p, c.Now(), found)
	}
	if err != nil {
		return err
	}
	defer w.Close()
	if _, mac, _ := w.Interface(); !mac.IsZero() {
		for _, a := range ownAddresses(w) {
			found(observation.Observation{MAC: mac, IP: a, Signal: observation.Self, Value: "kenshin", At: c.Now()})
		}
	}
	hearing, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	if tap, err := c.Gate.Listen(seg.Interface); err == nil {
		wg.Go(func() {
			defer tap.Close()
			_ = listen.Run(hearing, tap, ears(), found) // ends with hearing; a tap that fails leaves the sweep's own receiver
		})
	}
	defer stop()
	began := time.Now()
	brief := s.Request.PresenceOnly && s.Request.Listen == 0
	var six error
	var no *gate.Refusal
	if last && brief { // beside the ARP questions: the one echo to all has to do, a question to each known card costs the time
		wg.Go(func() { no, six = c.neighbours(ctx, seg, nil, found) })
	}
	var mu sync.Mutex
	known := map[netid.MAC]bool{}
	err = arp.Sweep(ctx, w, p, arp.Options{}, func(o observation.Observation) {
		mu.Lock()
		known[o.MAC] = true
		mu.Unlock()
		found(o)
	})
	if brief {
		stop()
		wg.Wait()
		if no != nil {
			s.blind(seg, no)
		}
		return errors.Join(err, six)
	}
	if err != nil || !last || ctx.Err() != nil {
		return err
	}
	if no, err = c.neighbours(ctx, seg, slices.Collect(maps.Keys(known)), found); err != nil {
		return err
	}
	if no != nil {
		s.blind(seg, no)
	}
	return wait(ctx, max(quiet, s.Request.Listen)-time.Since(began))
}

// ownAddresses are the sensor's own IPv4 addresses on the link: it is a device of the hospital like any other.
func ownAddresses(w *gate.Wire) (list []netip.Addr) {
	_, _, prefixes := w.Interface()
	for _, p := range prefixes {
		if p.Addr().Is4() {
			list = append(list, p.Addr())
		}
	}
	return list
}

// neighbours asks for IPv6: all at once, and each known card by the address that it would give itself. It returns why not even one echo to all may
// be sent on the link, nil where it was.
func (c *Checkup) neighbours(ctx context.Context, seg *gate.Segment, known []netid.MAC, found func(observation.Observation)) (*gate.Refusal, error) {
	w, err := c.Gate.Wire(seg.ID)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	no := c.Gate.Host(seg.ID, allNodes, netid.MAC{}).May(gate.EchoAllNodes, 0)
	err = ndp.Sweep(ctx, w, known, found)
	if late, refused := errors.AsType[*gate.Refusal](err); refused {
		return late, nil
	}
	return no, err
}

// allNodes is everybody on a link (RFC 4291, 2.7.1).
var allNodes = netip.MustParseAddr("ff02::1")

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// chunks cuts a segment into parts of which each takes well under a step at the segment's pace, also when nobody answers.
func chunks(p netip.Prefix, pace gate.Pace) []netip.Prefix {
	bits := 16
	switch pace {
	case gate.Gentle:
		bits = 25
	case gate.Normal:
		bits = 20
	}
	if p.Bits() >= bits {
		return []netip.Prefix{p}
	}
	list := make([]netip.Prefix, 0, 1<<(bits-p.Bits()))
	for a := p.Masked().Addr(); p.Contains(a); {
		part := netip.PrefixFrom(a, bits)
		list = append(list, part)
		a = after(part)
		if !a.IsValid() {
			break
		}
	}
	return list
}

// after is the first address behind a prefix.
func after(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	n := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	if n += 1 << (32 - p.Bits()); n > 0xffffffff {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func addresses(p netip.Prefix) int { return 1 << (32 - p.Bits()) }

// estimate is the time that a part takes when nobody answers: two rounds and the waiting at their end.
func estimate(p netip.Prefix, pace gate.Pace) time.Duration {
	return time.Duration(2*addresses(p))*time.Second/time.Duration(pace.FramesPerSecond()) + 4*time.Second
}

func enough(ctx context.Context, need time.Duration) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > need
}

// frames is what the segments of a sweep have cost so far, counted by the gate since the sweep began on this copy.
func (c *Checkup) frames(s *Sweep) int64 {
	var n int64
	for _, id := range s.Request.Segments {
		n += c.Gate.FramesSent(id)
	}
	return max(n, s.Frames)
}

// collector passes what a sender hears on to the pipeline, a few times a second.
type collector struct {
	c       *Checkup
	f       facility.ID
	ctx     context.Context
	sweep   string
	segment *gate.Segment
	mu      sync.Mutex
	buffer  []observation.Observation
	err     error
	stop    chan struct{}
	done    chan struct{}
}

func (c *Checkup) collect(ctx context.Context, f facility.ID, sweep string, seg *gate.Segment) *collector {
	k := &collector{c: c, f: f, ctx: ctx, sweep: sweep, segment: seg, stop: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

func (k *collector) run() {
	defer close(k.done)
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			k.flush()
		case <-k.stop:
			k.flush()
			return
		}
	}
}

func (k *collector) add(o observation.Observation) {
	o.Sensor, o.Segment = k.c.Sensor+"/"+k.segment.Interface, k.segment.ID
	k.mu.Lock()
	k.buffer = append(k.buffer, o)
	k.mu.Unlock()
}

func (k *collector) flush() {
	k.mu.Lock()
	obs := k.buffer
	k.buffer = nil
	k.mu.Unlock()
	if len(obs) == 0 {
		return
	}
	if err := k.keep(obs); err != nil {
		k.mu.Lock()
		k.err = errors.Join(k.err, err)
		k.mu.Unlock()
	}
}

// keep takes the hosts into the sweep and what they showed into the ledger. A few are judged at once, so that a person sees what they are; a
// flood is judged when the sweep closes.
func (k *collector) keep(obs []observation.Observation) error {
	owners, devices, err := k.c.take(k.ctx, k.f, obs)
	if err != nil {
		return err
	}
	if k.sweep != "" {
		if err := k.c.putHosts(k.ctx, k.f, k.sweep, hostsOf(obs, owners)); err != nil || len(devices) > judgeTogether {
			return err
		}
	}
	return k.c.Judge(k.ctx, k.f, devices)
}

func (k *collector) close() error {
	close(k.stop)
	<-k.done
	return k.err
}

// hostsOf returns the hosts that observations are about, each once, an IPv4 address of its segment preferred.
func hostsOf(obs []observation.Observation, devices map[string]netid.DeviceID) []host {
	at := map[string]int{}
	var list []host
	for i := range obs {
		o := &obs[i]
		h := host{Segment: o.Segment, MAC: o.MAC, IP: o.IP.WithZone(""), Device: devices[o.Subject()]}
		if o.MAC.Multicast() || o.MAC.IsZero() && !o.IP.IsValid() {
			continue
		}
		j, ok := at[h.key()]
		switch {
		case !ok:
			at[h.key()] = len(list)
			list = append(list, h)
		case h.IP.Is4() && !list[j].IP.Is4():
			list[j].IP = h.IP
		}
	}
	return list
}
