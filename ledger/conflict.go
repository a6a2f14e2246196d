package ledger

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kenshin/jp"
	"kenshin/netid"
)

// Conflicts lists where a person's word and the machine's measurement differ in substance. Writing does not matter: width, case, kana,
// punctuation, 株式会社, and one text that only says more than the other (Windows 10 and Windows 10 Pro) agree.
func Conflicts(d *Device) []Conflict {
	var out []Conflict
	add := func(field, said, measured string) {
		out = append(out, Conflict{Field: field, Said: said, Measured: measured})
	}
	pairs := []struct{ field, said, measured string }{
		{"modality", d.Word.Modality, d.Identity.Modality},
		{"maker", d.Word.Maker, d.Identity.Maker},
		{"model", d.Word.Model, d.Identity.Model},
		{"serial", d.Word.Serial, d.Identity.Serial},
		{"os", d.Word.OS, d.Identity.OS},
		{"os_version", d.Word.OSVersion, d.Identity.OSVersion},
	}
	if !sameKind(d.Word.Kind, d.Identity.Kind) {
		add("kind", d.Word.Kind, d.Identity.Kind)
	}
	for _, p := range pairs {
		if p.said != "" && p.measured != "" && !agree(p.said, p.measured) {
			add(p.field, p.said, p.measured)
		}
	}
	if m := d.Word.Medical; m != nil && !*m && d.Identity.Medical {
		add("medical", "false", "true") // a yes against "not recognised" is no conflict: silence proves nothing
	}
	if said, measured := textAddrs(d.Word.IPText), d.IPv4(); len(said) > 0 && len(measured) > 0 && disjoint(said, measured) {
		add("ip_text", d.Word.IPText, joinAddrs(measured))
	}
	if said, measured := textMACs(d.Word.MACText), d.MACs(); len(said) > 0 && len(measured) > 0 && disjoint(said, measured) {
		add("mac_text", d.Word.MACText, joinMACs(measured))
	}
	return out
}

func sameKind(said, measured string) bool {
	if said == "" || said == "unknown" || measured == "" || measured == "unknown" || said == measured {
		return true
	}
	// the wire cannot always tell these apart, and neither do people
	both := []string{said, measured}
	slices.Sort(both)
	return slices.Contains([]string{"mfp printer", "modality modality-workstation", "firewall router", "hypervisor server", "pc thin-client",
		"nas server", "hub switch", "smartphone tablet"}, strings.Join(both, " "))
}

// IPv4 returns all current IPv4 addresses, those of the newest interface first.
func (d *Device) IPv4() []netip.Addr {
	var out []netip.Addr
	for _, i := range d.Interfaces {
		out = append(out, i.IPv4...)
	}
	return out
}

// MACs returns the MACs that were seen, the newest first.
func (d *Device) MACs() []netid.MAC {
	var out []netid.MAC
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() && !i.LastSeen.IsZero() {
			out = append(out, i.MAC)
		}
	}
	return out
}

var companyWords = regexp.MustCompile(`(?:株式会社|有限会社|合同会社|\(株\)|㈱|\b(?:inc|corp|corporation|co|ltd|limited|llc|gmbh|ag|kk|company|technologies|systems|electronics)\b)`)

// agree reports whether two texts say the same, or one only says more.
func agree(a, b string) bool {
	a, b = core(a), core(b)
	return a == "" || b == "" || strings.Contains(a, b) || strings.Contains(b, a)
}

func core(s string) string {
	s = companyWords.ReplaceAllString(strings.ToLower(jp.Narrow(s)), "")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, jp.Fold(s))
}

func disjoint[T comparable](a, b []T) bool {
	return !slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}

// parts cuts a cell that may hold several addresses: "10.0.0.1 / 10.0.0.2", "00:1a..、00:1b..".
func parts(s string) []string {
	return strings.FieldsFunc(jp.Narrow(cut(s, maxLine)), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;/、，・()（）", r) })
}

// textAddrs reads the IPv4 addresses that a person wrote; a text like "DHCP" gives none.
func textAddrs(s string) []netip.Addr {
	var out []netip.Addr
	for _, p := range parts(s) {
		if a, err := netip.ParseAddr(p); err == nil && a.Is4() && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// textMACs reads the MACs that a person wrote; what no device can own (group and virtual router addresses) is left out.
func textMACs(s string) []netid.MAC {
	var out []netid.MAC
	for _, p := range parts(s) {
		if m, err := netid.ParseMAC(p); err == nil && owned(m) && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// owned reports whether a MAC can belong to one device.
func owned(m netid.MAC) bool {
	return !m.IsZero() && !m.Multicast() && !m.Shared()
}

func joinAddrs(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}

func joinMACs(list []netid.MAC) string {
	var out []string
	for _, m := range list {
		out = append(out, m.String())
	}
	return strings.Join(out, ", ")
}
