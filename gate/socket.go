package gate

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kenshin/fault"
)

// device returns the interface of ours that is in the segment.
func (s *Segment) device() (*net.Interface, error) {
	if s.Routed {
		return nil, fault.Newf(fault.Invalid, "区画「%s」はルータの向こうにあるため、この機械から直接は見えません。",
			"Segment %q lies behind a router; this machine is not on its link.", s.Name)
	}
	if s.Interface != "" {
		ifi, err := net.InterfaceByName(s.Interface)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "ネットワークの口「"+s.Interface+"」が見つかりません。ケーブルと設定を確かめてください。",
				"The network interface "+s.Interface+" was not found. Check the cable and the settings.")
		}
		return ifi, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range all {
		for _, p := range prefixes(&all[i]) {
			if s.Prefix.Contains(p.Addr()) {
				return &all[i], nil
			}
		}
	}
	return nil, fault.Newf(fault.Unavailable, "この機械は区画「%s」(%s)につながっていません。", "This machine is not connected to segment %q (%s).",
		s.Name, s.Prefix)
}

func prefixes(ifi *net.Interface) []netip.Prefix {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			ip, ok := netip.AddrFromSlice(n.IP)
			ones, bits := n.Mask.Size()
			if ok && bits > 0 {
				out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
			}
		}
	}
	return out
}

// ownAddress is our address towards a host: one in the same prefix, link-local for link-local.
func ownAddress(ifi *net.Interface, segment netip.Prefix, host netip.Addr) (netip.Addr, bool) {
	var fallback netip.Addr
	for _, p := range prefixes(ifi) {
		a := p.Addr()
		switch {
		case a.Is4() != host.Is4() || a.IsLinkLocalUnicast() != host.IsLinkLocalUnicast():
		case p.Masked().Contains(host):
			return a, true
		case segment.Contains(a):
			fallback = a
		}
	}
	return fallback, fallback.IsValid()
}

// dialer makes the settings of a connection: from our address in the segment, out of its interface, one repeated SYN at most, no
// keep-alive, no fragments, a small window.
func (s *Segment) dialer(network string, host netip.Addr, port uint16) (*net.Dialer, string, error) {
	d := &net.Dialer{Timeout: DialTimeout, KeepAlive: -1}
	d.SetMultipathTCP(false)
	iface := ""
	if !s.Routed {
		ifi, err := s.device()
		if err != nil {
			return nil, "", err
		}
		iface = ifi.Name
		if own, ok := ownAddress(ifi, s.Prefix, host); ok {
			if own.Is6() && own.IsLinkLocalUnicast() {
				own = own.WithZone(iface)
			}
			if d.LocalAddr = net.Addr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(own, 0))); network == "udp" {
				d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0))
			}
		}
		if host.Is6() && host.IsLinkLocalUnicast() {
			host = host.WithZone(iface)
		}
	}
	d.ControlContext = func(_ context.Context, network, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { quiet(int(fd), iface, network) })
	}
	return d, netip.AddrPortFrom(host, port).String(), nil
}

// quiet sets what keeps the kernel from sending more than we asked for. Each setting is an improvement, none is needed to connect.
func quiet(fd int, iface, network string) {
	if iface != "" {
		_ = unix.BindToDevice(fd, iface) // without the right, the bound address decides
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	switch network {
	case "tcp4", "tcp6":
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_SYNCNT, 1)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10)
	case "udp4", "udp6":
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	}
}

// leavesBy names the interface by which frames to the segment leave; segments behind the same router share one.
func (s *Segment) leavesBy() string {
	if !s.Routed {
		if ifi, err := s.device(); err == nil {
			return ifi.Name
		}
		return s.Interface
	}
	if !s.Prefix.IsValid() {
		return ""
	}
	routes, err := netlink.RouteGet(s.Prefix.Addr().Next().AsSlice())
	if err != nil || len(routes) == 0 {
		return ""
	}
	ifi, err := net.InterfaceByIndex(routes[0].LinkIndex)
	if err != nil {
		return ""
	}
	return ifi.Name
}
