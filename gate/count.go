package gate

import (
	"net/netip"
	"sync"
	"time"

	"kenshin/netid"
)

// SentRow says how many frames of one kind went to one device, or were refused, in one hour.
type SentRow struct {
	Segment string
	Host    netip.Addr // a device or a group; invalid = addresses where nobody answered, taken together
	MAC     netid.MAC  // as far as known
	Frame   Frame
	Hour    time.Time // start of the hour, UTC
	Refused string    // "" = sent, else the refusal's code
	Frames  int64
}

type countKey struct {
	segment string
	host    netip.Addr
	frame   Frame
	hour    int64
	refused string
}

type counts struct {
	mu   sync.Mutex
	rows map[countKey]*SentRow
}

// flushEvery is how often counts are handed over; a killed program loses at most that much.
const flushEvery = 3 * time.Second

func (g *Gate) count(r request, frames int, refused string) {
	if refused == "" {
		g.mu.RLock()
		total := g.totals[r.segment]
		g.mu.RUnlock()
		if total != nil {
			total.Add(int64(frames))
		}
	}
	if g.c.Sent == nil {
		return
	}
	hour := g.c.Now().UTC().Truncate(time.Hour)
	k := countKey{r.segment, plain(r.host), r.frame, hour.Unix(), refused}
	g.counts.mu.Lock()
	defer g.counts.mu.Unlock()
	row := g.counts.rows[k]
	if row == nil {
		row = &SentRow{Segment: r.segment, Host: k.host, Frame: r.frame, Hour: hour, Refused: refused}
		g.counts.rows[k] = row
	}
	if !r.mac.IsZero() && !r.mac.Multicast() {
		row.MAC = r.mac
	}
	row.Frames += int64(frames)
}

func (g *Gate) flushLoop() {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			g.flush()
		case <-g.done:
			return
		}
	}
}

// flush hands over the counts. Addresses where nobody ever answered go into one row: a /16 has 65,536 of them, every hour.
func (g *Gate) flush() {
	if g.c.Sent == nil {
		return
	}
	g.counts.mu.Lock()
	rows := g.counts.rows
	g.counts.rows = map[countKey]*SentRow{}
	g.counts.mu.Unlock()
	if len(rows) == 0 {
		return
	}
	merged := map[countKey]*SentRow{}
	g.mu.RLock()
	for k, r := range rows {
		if r.MAC.IsZero() {
			if s := g.learned[ipKey{r.Segment, r.Host}]; len(s) > 0 {
				r.MAC = s[len(s)-1].mac
			}
		}
		if r.Frame.PerHost() && r.MAC.IsZero() && (r.Frame == ARPRequest || r.Frame == NeighborSolicit || r.Frame == EchoRequest) &&
			g.hostStatus(r.Segment, r.Host, r.MAC) == (Status{}) {
			k.host, r.Host = netip.Addr{}, netip.Addr{}
		}
		if m := merged[k]; m != nil {
			m.Frames += r.Frames
		} else {
			merged[k] = r
		}
	}
	g.mu.RUnlock()
	out := make([]SentRow, 0, len(merged))
	for _, r := range merged {
		out = append(out, *r)
	}
	g.c.Sent(out)
}
