// Package mdns asks devices for their names and services over multicast DNS (RFC 6762) and DNS-SD (RFC 6763), one host at a time or the
// whole link where the gate allows, and reads what they announce by themselves.
package mdns

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"kenshin/observation"
)

// Port is multicast DNS, UDP.
const Port = 5353

const (
	maxRecords = 256 // of one message
	maxTXT     = 24  // keys of one service
	maxKey     = 32  // bytes of a TXT key
	domain     = ".local."
	enumerate  = "_services._dns-sd._udp.local."
)

// records gathers what messages told, bounded by maxRecords each.
type records struct {
	ptr   map[string][]string // owner -> targets
	srv   map[string]*dns.SRV // instance -> where
	txt   map[string][]string // instance -> strings
	inf   map[string]string   // host -> "CPU OS"
	adr   map[string][]netip.Addr
	spelt map[string]string // a name as it was written; the other keys are lower case
}

func newRecords() *records {
	return &records{ptr: map[string][]string{}, srv: map[string]*dns.SRV{}, txt: map[string][]string{}, inf: map[string]string{},
		adr: map[string][]netip.Addr{}, spelt: map[string]string{}}
}

// unpack reads an answer; a question, a malformed or an over-long message is an error. The DNS library is guarded at this one place.
func unpack(b []byte) (m *dns.Msg, err error) {
	defer func() {
		if e := recover(); e != nil {
			m, err = nil, fmt.Errorf("reading an mDNS message: %v", e)
		}
	}()
	if len(b) > 9000 { // RFC 6762, section 17
		return nil, fmt.Errorf("an mDNS message of %d bytes", len(b))
	}
	m = new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		return nil, fmt.Errorf("reading an mDNS message: %w", err)
	}
	if !m.Response {
		return nil, fmt.Errorf("an mDNS question")
	}
	return m, nil
}

func (r *records) add(m *dns.Msg) {
	n := 0
	for _, section := range [][]dns.RR{m.Answer, m.Extra} {
		for _, rr := range section {
			h := rr.Header()
			if n++; n > maxRecords {
				return
			}
			if h.Ttl == 0 { // a goodbye
				continue
			}
			name := strings.ToLower(h.Name)
			keep(r.spelt, name, h.Name)
			switch rr := rr.(type) {
			case *dns.PTR:
				if t := r.ptr[name]; len(t) < maxRecords && (len(t) > 0 || len(r.ptr) < maxRecords) {
					r.ptr[name] = append(t, rr.Ptr)
				}
			case *dns.SRV:
				keep(r.srv, name, rr)
			case *dns.TXT:
				keep(r.txt, name, rr.Txt)
			case *dns.HINFO:
				keep(r.inf, name, unescape(strings.TrimSpace(rr.Cpu+" "+rr.Os)))
			case *dns.A:
				r.address(name, rr.A)
			case *dns.AAAA:
				r.address(name, rr.AAAA)
			}
		}
	}
}

func keep[V any](m map[string]V, key string, v V) {
	if _, ok := m[key]; ok || len(m) < maxRecords {
		m[key] = v
	}
}

func (r *records) address(host string, ip []byte) {
	if a, ok := netip.AddrFromSlice(ip); ok && len(r.adr[host]) < 16 {
		keep(r.adr, host, append(r.adr[host], a.Unmap()))
	}
}

// own reports whether a host name belongs to the sender. A reflector or a sleep proxy repeats what others say, so a name whose addresses were
// told must have the sender's among them; where none of the sender's family was told, it is believed.
func (r *records) own(host string, from netip.Addr) bool {
	from = from.Unmap().WithZone("")
	same := false
	for _, a := range r.adr[strings.ToLower(host)] {
		if a == from {
			return true
		}
		same = same || a.Is4() == from.Is4() && a.IsLinkLocalUnicast() == from.IsLinkLocalUnicast()
	}
	return !same
}

// observe tells what the records say of the sender. Only names below .local count.
func (r *records) observe(from netip.Addr) []observation.Observation {
	var out []observation.Observation
	names := map[string]bool{}
	add := func(o observation.Observation) {
		o.Clean()
		if o.Value != "" {
			out = append(out, o)
		}
	}
	name := func(host string) {
		label, ok := cutLocal(host)
		if ok && !names[strings.ToLower(label)] {
			names[strings.ToLower(label)] = true
			add(observation.Observation{Signal: observation.MDNSName, Port: Port, Value: label})
		}
	}
	if reverse, err := dns.ReverseAddr(from.Unmap().WithZone("").String()); err == nil {
		for _, target := range r.ptr[reverse] {
			name(target)
		}
	}
	typed := map[string]bool{}
	for instance, srv := range r.srv {
		title, kind, ok := splitInstance(srv.Hdr.Name)
		if !ok || !r.own(srv.Target, from) {
			continue
		}
		name(srv.Target)
		typed[kind] = true
		add(observation.Observation{Signal: observation.MDNSService, Port: srv.Port, Value: kind, Detail: detail(title, r.txt[instance])})
	}
	for host := range r.adr {
		if r.own(host, from) {
			name(r.spelt[host])
		}
	}
	for host, inf := range r.inf {
		if r.own(host, from) {
			name(r.spelt[host])
			add(observation.Observation{Signal: observation.MDNSHinfo, Port: Port, Value: inf})
		}
	}
	for _, t := range r.ptr[enumerate] { // types of which no instance was told
		if kind, ok := serviceType(t); ok && !typed[kind] {
			typed[kind] = true
			add(observation.Observation{Signal: observation.MDNSService, Value: kind, Detail: map[string]string{}})
		}
	}
	return out
}

func detail(title string, txt []string) map[string]string {
	d := map[string]string{"name": title}
	keys := map[string]string{}
	for _, s := range txt {
		k, v, _ := strings.Cut(unescape(s), "=")
		k = strings.ToLower(k)
		if k != "" && len(k) <= maxKey && len(keys) < maxTXT {
			if _, dup := keys["txt."+k]; !dup { // RFC 6763 6.4: the first counts
				keys["txt."+k] = v
			}
		}
	}
	maps.Copy(d, keys)
	return d
}

// cutLocal returns the host name of "name.local.".
func cutLocal(host string) (string, bool) {
	if len(host) <= len(domain) || !strings.EqualFold(host[len(host)-len(domain):], domain) {
		return "", false
	}
	return unescape(host[:len(host)-len(domain)]), true
}

// splitInstance takes "Front desk._ipp._tcp.local." apart; the title may hold dots, written as "\.".
func splitInstance(s string) (title, kind string, ok bool) {
	labels := dns.SplitDomainName(s)
	if len(labels) < 4 {
		return "", "", false
	}
	kind, ok = serviceType(strings.Join(labels[len(labels)-3:], ".") + ".")
	return unescape(strings.Join(labels[:len(labels)-3], ".")), kind, ok
}

// serviceType takes "_ipp._tcp.local." and returns "_ipp._tcp".
func serviceType(s string) (string, bool) {
	labels := dns.SplitDomainName(strings.ToLower(s))
	if len(labels) != 3 || labels[2] != "local" || len(labels[0]) < 2 || labels[0][0] != '_' || labels[1] != "_tcp" && labels[1] != "_udp" {
		return "", false
	}
	return unescape(labels[0]) + "." + labels[1], true
}

// unescape undoes the DNS library's "\032" and "\.".
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) && digits(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
			i += 3
			continue
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Heard reads a datagram that came from UDP 5353: an announcement tells the sender's names and services. MAC, IP and time are for the caller
// to fill in.
func Heard(from netip.Addr, b []byte) []observation.Observation {
	m, err := unpack(b)
	if err != nil {
		return nil
	}
	r := newRecords()
	r.add(m)
	return r.observe(from)
}
