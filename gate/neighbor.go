package gate

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kenshin/i18n"
	"kenshin/netid"
)

// Neighbor is one line of the kernel's ARP or neighbour table.
type Neighbor struct {
	Interface string
	IP        netip.Addr
	MAC       netid.MAC
}

// Neighbors reads the kernel's ARP and neighbour tables. It sends nothing and needs no right.
func Neighbors() ([]Neighbor, error) {
	list, err := netlink.NeighList(0, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("read the neighbour table: %w", err)
	}
	names := map[int]string{}
	var out []Neighbor
	for _, n := range list {
		ip, ok := netip.AddrFromSlice(n.IP)
		mac := netid.FromHardware(n.HardwareAddr)
		if !ok || mac.IsZero() || mac.Multicast() || n.State&(netlink.NUD_FAILED|netlink.NUD_INCOMPLETE|netlink.NUD_NOARP) != 0 {
			continue
		}
		if _, ok := names[n.LinkIndex]; !ok {
			if ifi, err := net.InterfaceByIndex(n.LinkIndex); err == nil {
				names[n.LinkIndex] = ifi.Name
			}
		}
		out = append(out, Neighbor{Interface: names[n.LinkIndex], IP: plain(ip), MAC: mac})
	}
	return out, nil
}

// askKernel learns from the kernel's table which MAC has an address of a local segment. The table is read at most once a second.
func (g *Gate) askKernel(segment string, ip netip.Addr) {
	g.mu.RLock()
	s := g.segments[segment]
	none := s == nil || s.Routed || !ip.IsValid() || ip.IsLoopback() || !s.Contains(ip)
	g.mu.RUnlock()
	if none {
		return
	}
	g.kernel.mu.Lock()
	if time.Since(g.kernel.at) > time.Second {
		list, err := Neighbors()
		if err != nil {
			g.c.Log.Warn("the kernel's neighbour table cannot be read", "error", err)
		}
		g.kernel.at, g.kernel.macs = time.Now(), make(map[ipKey]netid.MAC, len(list))
		for _, n := range list {
			g.kernel.macs[ipKey{n.Interface, n.IP}] = n.MAC
		}
	}
	mac, ok := g.kernel.macs[ipKey{s.via, ip}]
	g.kernel.mu.Unlock()
	if ok {
		g.learn(segment, ip, mac)
	}
}

// Proposal is a network that an interface of this machine is on: Segment is ready to be shown to a person. LeftOut says why it is not
// proposed; nil means that it is.
type Proposal struct {
	Segment Segment
	Address netip.Addr // ours
	LeftOut *i18n.Text
}

// Interfaces proposes the networks that this machine is on. Nothing is approved by it.
func Interfaces() ([]Proposal, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	var out []Proposal
	for i := range all {
		ifi := &all[i]
		for _, p := range prefixes(ifi) {
			if !p.Addr().Is4() {
				continue
			}
			s := Segment{Name: ifi.Name, Prefix: p.Masked(), Interface: ifi.Name, Pace: Gentle}
			out = append(out, Proposal{Segment: s, Address: p.Addr(), LeftOut: leftOut(ifi, p)})
		}
	}
	return out, nil
}

// software prefixes are names that container and machine hosts give to networks inside one computer.
var software = []string{"docker", "br-", "virbr", "veth", "lxc", "lxdbr", "podman", "cni", "flannel", "cali", "vmnet", "vboxnet"}

func leftOut(ifi *net.Interface, p netip.Prefix) *i18n.Text {
	switch {
	case ifi.Flags&net.FlagLoopback != 0:
		return &i18n.Text{Ja: "この機械の中だけの口です", En: "inside this machine only"}
	case ifi.Flags&net.FlagUp == 0:
		return &i18n.Text{Ja: "止まっている口です", En: "the interface is down"}
	case ifi.Flags&net.FlagPointToPoint != 0 || len(ifi.HardwareAddr) != 6:
		return &i18n.Text{Ja: "VPNなど1対1の口です", En: "a point-to-point link such as a VPN"}
	case insideOnly(ifi.Name):
		return &i18n.Text{Ja: "仮想環境の中の口です", En: "a network of containers or virtual machines"}
	}
	if p.Bits() >= 31 {
		return &i18n.Text{Ja: "機器が1台だけの範囲です", En: "a range of one device"}
	}
	if p.Addr().IsLinkLocalUnicast() {
		return &i18n.Text{Ja: "アドレスがまだ割り当てられていません(169.254...)", En: "no address was assigned yet (169.254...)"}
	}
	if !netid.Private(p.Addr()) {
		return &i18n.Text{Ja: "院内のアドレスではありません", En: "not a private address range"}
	}
	if p.Bits() < 16 {
		return &i18n.Text{Ja: "広すぎます(/16 まで)。区画ごとに分けて登録してください", En: "larger than a /16; enter it in parts"}
	}
	return nil
}

func insideOnly(name string) bool {
	for _, s := range software {
		if strings.HasPrefix(name, s) && isVirtual(name) {
			return true
		}
	}
	return false
}

// isVirtual reports an interface without hardware of its own (Linux sysfs).
func isVirtual(name string) bool {
	to, err := os.Readlink(filepath.Join("/sys/class/net", filepath.Base(name)))
	return err != nil || strings.Contains(to, "/virtual/")
}
