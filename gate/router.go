package gate

import (
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kenshin/netid"
)

// freshBinding is how long it counts that a card answered for an address.
const freshBinding = 15 * time.Minute

// Tells reports whether a host may be believed when it says which MACs stand for addresses of a segment (its ARP table, its own cards): any agent can
// claim that, and a MAC lifts a routed host out of its protection. Only the router counts: the address that a person named for the segment, else
// the next hop by which this machine reaches it, or of a local segment the gateway on its link; and on the link exactly one card answered for that address,
// the host's.
func (g *Gate) Tells(host HostKey, segment string) bool {
	ip := plain(host.IP)
	g.mu.RLock()
	about, own := g.segments[segment], g.segments[host.Segment]
	var s Segment
	if about != nil {
		s = about.Segment
	}
	onLink := own != nil && !own.Routed
	g.mu.RUnlock()
	if about == nil || own == nil || !ip.IsValid() || !s.isRouter(ip) {
		return false
	}
	return !onLink || g.answersAlone(host.Segment, ip, host.MAC)
}

// answersAlone reports whether one card, this one, answered for an address of the link lately.
func (g *Gate) answersAlone(segment string, ip netip.Addr, mac netid.MAC) bool {
	g.askKernel(segment, ip) // the kernel's table is whom an answer over UDP came from
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := false
	for _, s := range g.learned[ipKey{segment, ip}] {
		if time.Since(s.at) >= freshBinding {
			continue
		}
		if s.mac != mac {
			return false
		}
		seen = true
	}
	return seen && !mac.IsZero()
}

// isRouter reports whether an address is the segment's router: by a person's word, else by the kernel's routes.
func (s *Segment) isRouter(ip netip.Addr) bool {
	if s.Router.IsValid() {
		return plain(s.Router) == ip
	}
	if s.Routed {
		routes, err := netlink.RouteGet(s.Prefix.Addr().Next().AsSlice())
		return err == nil && len(routes) > 0 && isGateway(routes[0].Gw, ip)
	}
	ifi, err := net.InterfaceByName(s.Interface)
	if err != nil || !s.Contains(ip) {
		return false
	}
	routes, err := netlink.RouteListFiltered(unix.AF_INET, &netlink.Route{LinkIndex: ifi.Index}, netlink.RT_FILTER_OIF)
	if err != nil {
		return false
	}
	for i := range routes {
		if isGateway(routes[i].Gw, ip) {
			return true
		}
	}
	return false
}

func isGateway(gw net.IP, ip netip.Addr) bool {
	a, ok := netip.AddrFromSlice(gw)
	return ok && plain(a) == ip
}
