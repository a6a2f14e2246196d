package hit

import (
	"net/netip"
	"slices"
	"strings"
)

const maxAgent = 1024 // bytes of a User-Agent that are looked at

// origin is what the rules say about one address.
type origin struct {
	inside bool   // the hospital's own
	exact  *place // one IPv4 address, or an IPv6 /64: what one client has
	wide   *place // /24 or /48: what one scanner's machines share
	listed []int  // entries of Rules.Scanners whose networks hold it
	site   []int  // entries of Rules.Site whose network holds it
}

// place is a network, with what all hits together say about it. Nothing is gathered for the hospital's own.
type place struct {
	net    netip.Prefix
	who    int     // recipients whose links were followed from here
	last   int32   // the one that was counted last
	honey  []int64 // hits on the hidden link
	canary first   // hits on decoys
	name   string
}

// String is the network as text, made once.
func (p *place) String() string {
	if p.name == "" {
		p.name = p.net.String()
	}
	return p.name
}

// first is the earliest of some times.
type first struct {
	at   int64
	seen bool
}

func (f *first) add(at int64) {
	if !f.seen || at < f.at {
		*f = first{at, true}
	}
}

// program is what the rules say about one User-Agent.
type program struct {
	listed []int // entries of Rules.Scanners whose names fit
	site   []int // entries of Rules.Site with this very name
	canary first // hits on decoys from outside
}

type client struct {
	at *place
	by *program
}

// lookup remembers each address and agent, so that the rules are read once for each and not once for each hit.
type lookup struct {
	rules    Rules
	egress   []netip.Prefix
	nets     [][]netip.Prefix
	parts    [][]string // lower case
	origins  map[netip.Addr]*origin
	places   map[netip.Prefix]*place
	programs map[string]*program
}

func newLookup(rules Rules, egress []netip.Prefix) *lookup {
	l := &lookup{rules: rules, egress: egress, origins: map[netip.Addr]*origin{}, places: map[netip.Prefix]*place{}, programs: map[string]*program{}}
	for _, s := range rules.Scanners {
		var nets []netip.Prefix
		for _, c := range s.Nets {
			if p, err := netip.ParsePrefix(c); err == nil { // Rules.check has read it before
				nets = append(nets, p.Masked())
			}
		}
		var parts []string
		for _, a := range s.Agents {
			parts = append(parts, strings.ToLower(a))
		}
		l.nets, l.parts = append(l.nets, nets), append(l.parts, parts)
	}
	return l
}

func (l *lookup) origin(a netip.Addr) *origin {
	if o := l.origins[a]; o != nil {
		return o
	}
	o := &origin{}
	l.origins[a] = o
	if !a.IsValid() {
		o.exact, o.wide = l.place(netip.Prefix{}), l.place(netip.Prefix{})
		return o
	}
	plain := a.Unmap().WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(plain) }
	o.inside = slices.ContainsFunc(l.egress, contains)
	exact, wide := widths(plain)
	o.exact, o.wide = l.place(exact), l.place(wide)
	for i, nets := range l.nets {
		if slices.ContainsFunc(nets, contains) {
			o.listed = append(o.listed, i)
		}
	}
	for i, s := range l.rules.Site {
		if s.Net.Contains(plain) {
			o.site = append(o.site, i)
		}
	}
	return o
}

func (l *lookup) place(p netip.Prefix) *place {
	if known := l.places[p]; known != nil {
		return known
	}
	n := &place{net: p, last: -1}
	l.places[p] = n
	return n
}

func widths(a netip.Addr) (exact, wide netip.Prefix) {
	e, w := 32, 24
	if a.Is6() {
		e, w = 64, 48
	}
	exact, _ = a.Prefix(e) // the length always fits the family
	wide, _ = a.Prefix(w)
	return exact, wide
}

func (l *lookup) program(agent string) *program {
	agent = agent[:min(len(agent), maxAgent)]
	if p := l.programs[agent]; p != nil {
		return p
	}
	p := &program{}
	l.programs[agent] = p
	low := strings.ToLower(agent)
	for i, s := range l.rules.Scanners {
		if slices.Contains(s.Exact, agent) || slices.ContainsFunc(l.parts[i], func(part string) bool { return strings.Contains(low, part) }) {
			p.listed = append(p.listed, i)
		}
	}
	for i, s := range l.rules.Site {
		if s.Agent == agent {
			p.site = append(p.site, i)
		}
	}
	return p
}

// scanner finds the first entry of the list that fits a hit, proxies before machines: a proxy's name says more than its network.
func (l *lookup) scanner(o *origin, p *program, s Signal) *Scanner {
	var found *Scanner
	for _, list := range [2][]int{p.listed, o.listed} {
		for _, i := range list {
			e := &l.rules.Scanners[i]
			named, placed := len(e.Agents)+len(e.Exact) > 0, len(e.Nets) > 0
			switch {
			case named && placed && !(slices.Contains(p.listed, i) && slices.Contains(o.listed, i)),
				e.Outside && o.inside, len(e.Signals) > 0 && !slices.Contains(e.Signals, s):
				continue
			case found == nil, e.Kind == Proxy && found.Kind != Proxy:
				found = e
			}
		}
	}
	return found
}

// siteRule finds what the quiet minutes showed: full is true when the network says it, or inside the hospital, where the network says
// nothing, false when only the program's name is the same.
func (l *lookup) siteRule(o *origin, p *program) (rule *SiteRule, full bool) {
	for _, i := range o.site {
		if s := &l.rules.Site[i]; !s.Inside && !o.inside {
			return s, true
		}
	}
	for _, i := range p.site {
		if s := &l.rules.Site[i]; s.Inside == o.inside && (!o.inside || slices.Contains(o.site, i)) {
			return s, false
		}
	}
	return nil, false
}
