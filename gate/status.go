package gate

import (
	"net/netip"
	"slices"
	"time"

	"kenshin/netid"
)

// question gathers what Decide needs; g.mu is held.
func (g *Gate) question(r request) Question {
	q := Question{Now: g.c.Now(), Killed: g.killed, Host: plain(r.host), MAC: r.mac, Frame: r.frame, Port: r.port}
	if s := g.segments[r.segment]; s != nil {
		q.Segment = &s.Segment
	}
	if r.frame.asksOne(q.Host) {
		q.Status = g.hostStatus(r.segment, q.Host, r.mac)
		if known := g.candidates(r.segment, q.Host, r.mac); q.MAC.IsZero() && len(known) > 0 {
			q.MAC = known[0]
		}
	} else {
		q.Status = g.linkStatus(r.segment)
	}
	return q
}

// candidates are the MACs that the host may have: the one that the sender names and those that answered for the address lately.
func (g *Gate) candidates(segment string, ip netip.Addr, mac netid.MAC) []netid.MAC {
	var out []netid.MAC
	if !mac.IsZero() {
		out = append(out, mac)
	}
	for _, s := range g.learned[ipKey{segment, ip}] {
		if time.Since(s.at) < 15*time.Minute && !slices.Contains(out, s.mac) {
			out = append(out, s.mac)
		}
	}
	return out
}

// hostStatus is the strictest of everything known about a host; g.mu is held.
func (g *Gate) hostStatus(segment string, ip netip.Addr, mac netid.MAC) Status {
	var st Status
	macs := g.candidates(segment, ip, mac)
	add := func(m *mark) {
		if m != nil {
			st.NeverTouch = st.NeverTouch || m.never
			if st.Medical == "" {
				st.Medical = m.medical
			}
		}
	}
	for _, m := range macs {
		add(g.macs[m])
	}
	add(g.ips[ipKey{segment, ip}])
	add(g.ips[ipKey{"", ip}])
	for _, h := range g.book.never {
		st.NeverTouch = st.NeverTouch || h.names(segment, ip, macs)
	}
	if len(macs) == 0 {
		macs = []netid.MAC{{}}
	}
	if st.Medical != "" && g.saidNotMedical(segment, ip, macs) {
		st.Medical = ""
	}
	g.findUnlock(&st, segment, ip, macs)
	return st
}

// names reports whether the key is one of these; for protection a single match is enough.
func (h *HostKey) names(segment string, ip netip.Addr, macs []netid.MAC) bool {
	if h.Segment != "" && h.Segment != segment {
		return false
	}
	return h.IP.IsValid() && h.IP == ip || !h.MAC.IsZero() && slices.Contains(macs, h.MAC)
}

// saidNotMedical reports whether a person's word clears every MAC that the host may have; g.mu is held. A word about an address alone does not
// clear a card that is known to be medical: DHCP may have given it the address since.
func (g *Gate) saidNotMedical(segment string, ip netip.Addr, macs []netid.MAC) bool {
	return !slices.ContainsFunc(macs, func(m netid.MAC) bool {
		marked := g.macs[m] != nil && g.macs[m].medical != ""
		return !slices.ContainsFunc(g.book.notMedical, func(h HostKey) bool {
			u := Unlock{HostKey: h}
			return u.covers(segment, ip, m) && (!marked || h.MAC == m)
		})
	})
}

// findUnlock fills in the widest unlock that holds now and covers every MAC that the host may have; g.mu is held.
func (g *Gate) findUnlock(st *Status, segment string, ip netip.Addr, macs []netid.MAC) {
	now := g.c.Now()
	var until, from time.Time
	for i, m := range macs {
		best := -1
		all := slices.Concat(g.unlocks, g.book.unlocks)
		for j := range all {
			u := &all[j]
			if u.covers(segment, ip, m) && now.Before(u.Until) && !now.Before(u.From) && (best < 0 || u.Until.After(all[best].Until)) {
				best = j
			}
		}
		if best < 0 {
			return
		}
		if i == 0 || all[best].Until.Before(until) {
			until, from = all[best].Until, all[best].From
		}
	}
	st.Unlocked, st.UnlockFrom = until, from
}

// linkStatus is the strictest status of all hosts that are, or may be, on a segment's link; g.mu is held.
func (g *Gate) linkStatus(segment string) Status {
	var st Status
	s := g.segments[segment]
	if s == nil {
		return st
	}
	add := func(m *mark) {
		st.NeverTouch = st.NeverTouch || m.never
		if st.Medical == "" {
			st.Medical = m.medical
		}
	}
	for _, m := range g.macs {
		if g.sameLink(m.segment, s) {
			add(m)
		}
	}
	for k, m := range g.ips {
		if k.segment == "" && s.Contains(k.ip) || k.segment != "" && g.sameLink(k.segment, s) {
			add(m)
		}
	}
	for _, h := range g.book.never {
		if h.IP.IsValid() && s.Contains(h.IP) || !h.MAC.IsZero() && g.sameLink(h.Segment, s) {
			st.NeverTouch = true
		}
	}
	return st
}

// sameLink reports whether a device of a segment ("" = unknown) may hear what is said to everybody in s: two segments on one interface
// share the wire.
func (g *Gate) sameLink(segment string, s *segmentState) bool {
	if segment == "" || segment == s.ID {
		return true
	}
	o := g.segments[segment]
	return o != nil && !o.Routed && !s.Routed && o.Interface == s.Interface
}

// keys are the names under which a device takes its turn; g.mu is held.
func (g *Gate) keys(r request) []string {
	ip := plain(r.host)
	out := []string{r.segment + " " + ip.String()}
	for _, m := range g.candidates(r.segment, ip, r.mac) {
		if !m.Shared() {
			out = append(out, m.String())
		}
	}
	return out
}
