package gate

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"kenshin/netid"
)

// Config is what a Gate needs from outside. The zero value works.
type Config struct {
	Now   func() time.Time // in the facility's zone: hours and expiries are judged by it
	Log   *slog.Logger
	Sent  func([]SentRow)                // counts since the last call, every few seconds and at Close; may be nil
	Maker func(netid.MAC) (string, bool) // who made the network card (netid.Makers.Lookup); may be nil
}

// HostKey names a device as the gate knows it: by MAC, by address, or both. Segment "" means wherever it is.
type HostKey struct {
	Segment string
	IP      netip.Addr
	MAC     netid.MAC
}

// Unlock is a person's leave to probe one protected device from From until Until.
type Unlock struct {
	HostKey
	From, Until time.Time
	Reason, By  string
}

// covers reports whether the unlock is for this host. An unlock widens, so it must fit exactly: one that names a MAC opens that MAC
// only, and an address stands for it only where no MAC is known.
func (u *Unlock) covers(segment string, ip netip.Addr, mac netid.MAC) bool {
	switch {
	case u.Segment != "" && u.Segment != segment:
		return false
	case !u.MAC.IsZero() && !mac.IsZero():
		return u.MAC == mac
	}
	return u.IP.IsValid() && u.IP == ip
}

type ipKey struct {
	segment string // "" = any
	ip      netip.Addr
}

// mark is what somebody said about a device; it is never taken back while the program runs.
type mark struct {
	segment string
	medical string // why
	never   bool
}

type sighting struct {
	mac netid.MAC
	at  time.Time
}

type segmentState struct {
	Segment
	via    string // the interface by which frames leave
	bucket *bucket
	slots  chan struct{} // one for each open TCP connection
	link   *bucket       // shared by all segments that leave by the same interface
	frames *atomic.Int64
}

// Gate is the only way to a device. It is safe for concurrent use.
type Gate struct {
	c Config

	mu       sync.RWMutex
	killed   bool
	segments map[string]*segmentState
	macs     map[netid.MAC]*mark
	ips      map[ipKey]*mark
	learned  map[ipKey][]sighting
	unlocks  []Unlock // given at run time
	book     words    // what the database says, replaced as a whole
	open     map[guarded]struct{}
	judged   map[netid.MAC]struct{} // whose maker was looked up
	last     map[string]time.Time   // when an unlocked device was last spoken to
	links    map[string]*bucket
	totals   map[string]*atomic.Int64

	tcpLife time.Duration
	loading sync.Mutex // held while the book is read and taken over
	kernel  struct {   // what the kernel's neighbour table said at
		mu   sync.Mutex
		at   time.Time
		macs map[ipKey]netid.MAC // by interface
	}

	global *bucket
	turns  turns
	counts counts
	done   chan struct{}
	ended  sync.WaitGroup
	stop   sync.Once
}

// words is what people said and the database keeps.
type words struct {
	never      []HostKey
	notMedical []HostKey
	unlocks    []Unlock
}

// guarded is an open socket that closes when the gate stops allowing it.
type guarded interface {
	io.Closer
	refused() *Refusal // asks Decide now
	abort()            // closes at once, without waiting for the pace
}

// New returns a gate that knows nothing and allows nothing.
func New(c Config) *Gate {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{c: c, tcpLife: TCPLifetime, segments: map[string]*segmentState{}, macs: map[netid.MAC]*mark{}, ips: map[ipKey]*mark{},
		learned: map[ipKey][]sighting{}, open: map[guarded]struct{}{}, last: map[string]time.Time{}, judged: map[netid.MAC]struct{}{}, links: map[string]*bucket{},
		totals: map[string]*atomic.Int64{}, global: newBucket(Fast), turns: turns{held: map[string]chan struct{}{}},
		counts: counts{rows: map[countKey]*SentRow{}}, done: make(chan struct{})}
	if c.Sent != nil {
		g.ended.Go(g.flushLoop)
	}
	return g
}

// Close closes every open socket and hands over the last counts.
func (g *Gate) Close() error {
	g.stop.Do(func() { close(g.done) })
	g.ended.Wait()
	g.closeIf(func(guarded) bool { return true })
	g.flush()
	return nil
}

// Approve replaces the segments into which frames may go. Conversations in a segment that is gone end at once.
func (g *Gate) Approve(s ...Segment) {
	g.mu.Lock()
	old := g.segments
	g.segments = make(map[string]*segmentState, len(s))
	fastest := map[string]Pace{}
	vias := make([]string, len(s))
	for i := range s {
		vias[i] = s[i].leavesBy()
		if p, ok := fastest[vias[i]]; !ok || s[i].Pace.FramesPerSecond() > p.FramesPerSecond() {
			fastest[vias[i]] = s[i].Pace
		}
	}
	for i, x := range s {
		via := vias[i]
		n := &segmentState{Segment: x, via: via}
		key := via + "/" + string(fastest[via])
		if g.links[key] == nil {
			g.links[key] = newBucket(fastest[via])
		}
		n.link = g.links[key]
		if o := old[x.ID]; o != nil && o.Pace == x.Pace {
			n.bucket, n.slots = o.bucket, o.slots // new ones would let a burst through
		} else {
			n.bucket, n.slots = newBucket(x.Pace), make(chan struct{}, x.Pace.conversations())
		}
		if g.totals[x.ID] == nil {
			g.totals[x.ID] = new(atomic.Int64)
		}
		n.frames = g.totals[x.ID]
		g.segments[x.ID] = n
	}
	g.mu.Unlock()
	g.recheck()
}

// Kill turns the kill switch on or off. On, it closes every conversation at once and nothing more is sent.
func (g *Gate) Kill(on bool) {
	g.mu.Lock()
	g.killed = on
	g.mu.Unlock()
	if on {
		g.recheck()
	}
}

// Killed reports the kill switch.
func (g *Gate) Killed() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.killed
}

// Protect marks a device as medical, why in words that a person reads. It only adds; a conversation with it ends at once.
func (g *Gate) Protect(h HostKey, why string) {
	if why == "" {
		why = "medical"
	}
	g.mark(h, func(m *mark) {
		if m.medical == "" {
			m.medical = why
		}
	})
}

// NeverTouch marks a device that gets nothing at all. It only adds.
func (g *Gate) NeverTouch(h HostKey) { g.mark(h, func(m *mark) { m.never = true }) }

func (g *Gate) mark(h HostKey, set func(*mark)) {
	g.mu.Lock()
	if !h.MAC.IsZero() && !h.MAC.Multicast() {
		m := g.macs[h.MAC]
		if m == nil {
			m = &mark{segment: h.Segment}
			g.macs[h.MAC] = m
		}
		if m.segment != h.Segment {
			m.segment = "" // seen on several links
		}
		set(m)
	}
	if h.IP.IsValid() {
		k := ipKey{h.Segment, plain(h.IP)}
		m := g.ips[k]
		if m == nil {
			m = &mark{segment: h.Segment}
			g.ips[k] = m
		}
		set(m)
	}
	g.mu.Unlock()
	g.recheck()
}

// Unlock lets a protected device be probed for a while. One without an expiry, or that names no device, opens nothing.
func (g *Gate) Unlock(u Unlock) {
	u.IP = plain(u.IP)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlocks = append(g.unlocks, u)
}

// plain is an address as the gate compares them: no zone, no IPv4 in IPv6.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// learn notes which MAC answers for an address, from a frame that was received. It serves protection only: the host is then judged by
// this MAC as well, never instead.
func (g *Gate) learn(segment string, ip netip.Addr, mac netid.MAC) {
	if mac.IsZero() || mac.Multicast() || !ip.IsValid() || ip.IsUnspecified() {
		return
	}
	k := ipKey{segment, plain(ip)}
	now := time.Now()
	g.mu.Lock()
	seen, known := g.learned[k]
	if !known && len(g.learned) >= maxLearned {
		g.mu.Unlock()
		return
	}
	fresh := seen[:0:0]
	for _, s := range seen {
		if s.mac != mac && now.Sub(s.at) < 15*time.Minute && len(fresh) < 3 {
			fresh = append(fresh, s)
		}
	}
	g.learned[k] = append(fresh, sighting{mac, now})
	_, marked := g.macs[mac]
	g.mu.Unlock()
	if !marked {
		g.protectByMaker(segment, mac)
	} else {
		g.recheck() // a conversation with this address may now be one with a protected device
	}
}

// maxLearned bounds what hostile ARP traffic can make the gate remember: two full /16.
const maxLearned = 2 * netid.MaxRange

func (g *Gate) protectByMaker(segment string, mac netid.MAC) {
	if g.c.Maker == nil || mac.IsZero() {
		return
	}
	g.mu.Lock()
	_, known := g.judged[mac]
	if len(g.judged) < maxLearned {
		g.judged[mac] = struct{}{}
	}
	g.mu.Unlock()
	if known {
		return
	}
	if org, ok := g.c.Maker(mac); ok {
		if why, ok := MedicalMaker(org); ok {
			g.Protect(HostKey{Segment: segment, MAC: mac}, why)
		}
	}
}

// recheck closes every socket that Decide no longer allows.
func (g *Gate) recheck() {
	g.closeIf(func(c guarded) bool { return c.refused() != nil })
}

func (g *Gate) closeIf(bad func(guarded) bool) {
	g.mu.RLock()
	all := make([]guarded, 0, len(g.open))
	for c := range g.open {
		all = append(all, c)
	}
	g.mu.RUnlock()
	for _, c := range all {
		if bad(c) {
			c.abort()
		}
	}
}

func (g *Gate) register(c guarded) {
	g.mu.Lock()
	g.open[c] = struct{}{}
	g.mu.Unlock()
}

func (g *Gate) forget(c guarded) {
	g.mu.Lock()
	delete(g.open, c)
	g.mu.Unlock()
}

// request is one frame, or one step of a conversation, that somebody wants to send.
type request struct {
	segment string
	host    netip.Addr
	mac     netid.MAC
	frame   Frame
	port    uint16
}

// refusal asks Decide with everything known now.
func (g *Gate) refusal(r request) *Refusal {
	g.mu.RLock()
	q := g.question(r)
	g.mu.RUnlock()
	return Decide(q)
}

// leave is the way of every frame: ask, wait for the pace, ask again (a switch may have been pressed meanwhile), count.
func (g *Gate) leave(ctx context.Context, r request, frames int) error {
	if no := g.refusal(r); no != nil {
		return g.refuse(r, no)
	}
	if err := sleep(ctx, g.spacing(r)); err != nil {
		return err
	}
	if err := sleep(ctx, reserveAll(g.buckets(r.segment), frames)); err != nil {
		return err
	}
	if no := g.refusal(r); no != nil {
		return g.refuse(r, no)
	}
	g.count(r, frames, "")
	return nil
}

// spend counts and charges frames that the kernel has sent, or is sending, by itself.
func (g *Gate) spend(r request, frames int) {
	reserveAll(g.buckets(r.segment), frames)
	g.count(r, frames, "")
}

func (g *Gate) refuse(r request, no *Refusal) error {
	g.count(r, 1, no.Code)
	return no
}

func (g *Gate) buckets(segment string) []*bucket {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if s := g.segments[segment]; s != nil {
		return []*bucket{s.bucket, s.link, g.global}
	}
	return []*bucket{g.global}
}

// medicalSpacing keeps two frames to an unlocked medical device at least a second apart, and two TCP connections or messages to any host of a
// segment in which medical devices live: what nobody recognised there may be one.
const medicalSpacing = 1050 * time.Millisecond

func (g *Gate) spacing(r request) time.Duration {
	if !r.frame.asksOne(r.host) {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.question(r)
	if q.Segment == nil || r.frame.Presence(q.Segment.Routed) || q.Status.Medical == "" && !(q.Segment.Medical && r.frame.overTCP()) {
		return 0
	}
	now := time.Now()
	at := now
	for _, k := range g.keys(r) {
		if t := g.last[k].Add(medicalSpacing); t.After(at) {
			at = t
		}
	}
	for _, k := range g.keys(r) {
		g.last[k] = at
	}
	return at.Sub(now)
}

// FramesSent returns how many frames went into a segment since the gate was made.
func (g *Gate) FramesSent(segment string) int64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if n := g.totals[segment]; n != nil {
		return n.Load()
	}
	return 0
}
