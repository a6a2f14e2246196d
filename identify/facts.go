package identify

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
)

// facts are the observations of one device, by signal, with the makers of its MACs as the signal "oui".
type facts struct {
	by     map[observation.Signal][]*observation.Observation
	newest time.Time
	random bool
}

// OUI is a signal that identify makes itself from the MAC; rules name it like any other.
const OUI observation.Signal = "oui"

func newFacts(obs []observation.Observation, makers Makers) *facts {
	f := &facts{by: map[observation.Signal][]*observation.Observation{}}
	for i := range obs {
		if obs[i].At.After(f.newest) {
			f.newest = obs[i].At
		}
	}
	macs := map[netid.MAC]time.Time{}
	for i := range obs {
		o := &obs[i]
		if f.newest.Sub(o.At) > age {
			continue
		}
		f.by[o.Signal] = append(f.by[o.Signal], o)
		if !o.MAC.IsZero() && !o.MAC.Multicast() && !o.MAC.Shared() && macs[o.MAC].Before(o.At) {
			macs[o.MAC] = o.At
		}
	}
	random := 0
	for mac, at := range macs {
		if mac.Local() {
			random++
			f.by["mac.local"] = append(f.by["mac.local"], &observation.Observation{Signal: "mac.local", MAC: mac, Value: mac.String(), At: at})
			continue
		}
		if makers == nil {
			continue
		}
		if org, ok := makers.Lookup(mac); ok {
			f.by[OUI] = append(f.by[OUI], &observation.Observation{Signal: OUI, MAC: mac, Value: org, At: at})
		}
	}
	f.random = random > 0 && random == len(macs)
	for _, list := range f.by {
		slices.SortStableFunc(list, func(a, b *observation.Observation) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Port, b.Port), strings.Compare(a.Value, b.Value))
		})
	}
	return f
}

// nameSources lists where a device tells its own name, the most deliberate first.
var nameSources = []observation.Signal{observation.SNMPName, observation.LLDP, observation.CDP, observation.NTLM, observation.NBNSName,
	observation.DHCPHostname, observation.MDNSName}

// hostnames returns the names that the device gave itself, the best first, each once, without the domain's tail.
func (f *facts) hostnames() []string {
	var names []string
	seen := map[string]bool{}
	for _, s := range nameSources {
		for _, o := range f.by[s] {
			name := strings.TrimSuffix(strings.TrimSuffix(o.Value, "."), ".local")
			if short, _, ok := strings.Cut(name, "."); ok && !isAddress(name) {
				name = short
			}
			key := strings.ToLower(name)
			if name == "" || seen[key] || isAddress(name) || strings.ContainsAny(name, " \t") {
				continue
			}
			if s == observation.NBNSName || s == observation.NTLM {
				name = key // NetBIOS shouts; everybody else writes the same name in small letters
			}
			seen[key] = true
			names = append(names, name)
		}
	}
	return names
}

// ties are the traits by which the ledger finds the same device under another network card.
func (f *facts) ties() ledger.Ties {
	t := ledger.Ties{NetBIOS: f.newestValue(observation.NTLM), Host: f.newestValue(observation.DHCPHostname), DHCP: f.newestValue(observation.DHCPOptions)}
	t.NetBIOS = strings.ToLower(cmp.Or(t.NetBIOS, f.newestValue(observation.NBNSName)))
	for _, o := range f.by[observation.NTLM] {
		if t.DNS = strings.ToLower(o.Detail["dns"]); t.DNS != "" {
			break
		}
	}
	t.Host = strings.ToLower(cmp.Or(t.Host, strings.TrimSuffix(f.newestValue(observation.MDNSName), ".local")))
	if v := f.newestValue(observation.DHCPVendor); v != "" && t.DHCP != "" {
		t.DHCP += "|" + v
	}
	return t
}

// newestValue is what a signal said last.
func (f *facts) newestValue(s observation.Signal) string {
	if list := f.by[s]; len(list) > 0 {
		return list[0].Value
	}
	return ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// fromFields takes what a device says of itself in a field made for it: model, serial, maker.
func (e *evidence) fromFields(f *facts) {
	take := func(s observation.Signal, weight float64, ja, en string, to func(o *observation.Observation) []field) {
		for _, o := range f.by[s] {
			said := false
			for _, v := range to(o) {
				if text := strings.TrimSpace(v.value); plausible(text) {
					*v.claims = append(*v.claims, claim{text, weight})
					said = true
				}
			}
			if said {
				e.reason(o, weight, i18n.Text{Ja: ja, En: en})
			}
		}
	}
	take(observation.SNMPEntity, 0.9, "機器が自分の型番・製造番号をSNMPで答えた", "The device told its model and serial over SNMP", func(o *observation.Observation) []field {
		return []field{{&e.model, o.Value}, {&e.serial, o.Detail["serial"]}, {&e.maker, o.Detail["maker"]}}
	})
	take(observation.SNMPPrinter, 0.9, "プリンタとしての名前と製造番号を答えた", "It told its name and serial as a printer", func(o *observation.Observation) []field {
		return []field{{&e.model, o.Value}, {&e.serial, o.Detail["serial"]}}
	})
	take(observation.UPnP, 0.8, "機器の説明書き(UPnP)に型番がある", "Its UPnP description names the model", func(o *observation.Observation) []field {
		return []field{{&e.model, o.Value}, {&e.serial, o.Detail["serial"]}, {&e.maker, o.Detail["maker"]}}
	})
	take(observation.IPP, 0.8, "プリンタの属性に型番がある", "Its printer attributes name the model", func(o *observation.Observation) []field {
		return []field{{&e.model, o.Value}, {&e.serial, o.Detail["serial"]}}
	})
	take(observation.LLDP, 0.7, "隣のスイッチへの名のり(LLDP)に型番がある", "Its LLDP announcement names the model", func(o *observation.Observation) []field {
		return []field{{&e.model, o.Detail["model"]}, {&e.serial, o.Detail["serial"]}, {&e.maker, o.Detail["maker"]}}
	})
}

type field struct {
	claims *[]claim
	value  string
}

// plausible drops what agents write when nobody filled the field in.
func plausible(s string) bool {
	switch strings.ToLower(s) {
	case "", "-", "none", "n/a", "unknown", "not specified", "to be filled by o.e.m.", "default string", "0", "system serial number":
		return false
	}
	return len(s) <= 128
}

// services lists ports that are open and protocols that are spoken now; SMB1 stands as a service of its own since it is a weakness by name.
func (f *facts) services() []ledger.Service {
	found := map[string]ledger.Service{}
	asked := f.asked()
	put := func(o *observation.Observation, port uint16, proto, name, detail string) {
		if proto == "tcp" && o.At.Before(asked.Add(-time.Hour)) { // the last complete round no longer saw it
			return
		}
		key := strconv.Itoa(int(port)) + proto + name
		if have, ok := found[key]; ok && !o.At.After(have.Last) {
			return
		}
		found[key] = ledger.Service{Port: port, Proto: proto, Name: name, Detail: detail, Last: o.At}
	}
	spoken := map[uint16]bool{}
	for _, s := range spokenBy {
		for _, o := range f.by[s.signal] {
			name := s.name
			if s.signal == observation.SMBDialect {
				name = "smb2"
				if o.Value == "smb1" {
					name = "smb1"
				}
			}
			if s.signal == observation.Database {
				name, _, _ = strings.Cut(o.Value, " ")
			}
			port := cmp.Or(o.Port, s.port)
			spoken[port] = true
			put(o, port, s.proto, name, o.Value)
		}
	}
	for _, o := range f.by[observation.TCPOpen] {
		if !spoken[o.Port] {
			put(o, o.Port, "tcp", portName(o.Port), "")
		}
	}
	list := make([]ledger.Service, 0, len(found))
	for _, s := range found {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b ledger.Service) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// asked is when the device was last asked every question of the list.
func (f *facts) asked() (last time.Time) {
	for _, o := range f.by[observation.Asked] {
		if o.Value == "complete" && o.At.After(last) {
			last = o.At
		}
	}
	return last
}

var spokenBy = []struct {
	signal observation.Signal
	name   string
	proto  string
	port   uint16 // where the signal does not say
}{
	{observation.HTTPTitle, "http", "tcp", 80}, {observation.HTTPServer, "http", "tcp", 80}, {observation.TLSCert, "tls", "tcp", 443},
	{observation.SSHBanner, "ssh", "tcp", 22}, {observation.SMBDialect, "smb", "tcp", 445}, {observation.RDP, "rdp", "tcp", 3389},
	{observation.IPP, "ipp", "tcp", 631}, {observation.FTPBanner, "ftp", "tcp", 21}, {observation.TelnetBanner, "telnet", "tcp", 23},
	{observation.Database, "db", "tcp", 0}, {observation.RTSP, "rtsp", "tcp", 554}, {observation.DICOM, "dicom", "tcp", 104},
	{observation.SNMPDescr, "snmp", "udp", 161}, {observation.NBNSName, "nbns", "udp", 137}, {observation.SSDPServer, "ssdp", "udp", 1900},
	{observation.WSD, "wsd", "udp", 3702}, {observation.DHCPServer, "dhcp-server", "udp", 67},
}

// portName is IANA's short name for the ports that a sweep connects to; others are "tcp".
func portName(port uint16) string {
	names := map[uint16]string{21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 104: "dicom", 110: "pop3", 135: "msrpc",
		139: "netbios-ssn", 143: "imap", 443: "https", 445: "smb", 515: "lpd", 548: "afp", 554: "rtsp", 631: "ipp", 1433: "mssql", 1521: "oracle",
		1883: "mqtt", 2762: "dicom-tls", 3306: "mysql", 3389: "rdp", 5060: "sip", 5432: "postgresql", 5900: "vnc", 5985: "winrm", 6379: "redis",
		8080: "http-alt", 8443: "https-alt", 8883: "mqtt-tls", 11112: "dicom", 62078: "apple-lockdown"}
	return cmp.Or(names[port], "tcp")
}
