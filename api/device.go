package api

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/netid"
)

// Device is one device as lists show it: a person's word where there is one, else what was measured.
type Device struct {
	ID         netid.DeviceID `json:"id" example:"01991c7e-3f0a-7bbd-9a53-0c5f6f1f2a10"`
	State      ledger.State   `json:"state" enum:"new,registered,excluded,retired"`
	Name       string         `json:"name" example:"CT室 操作卓"`
	Number     string         `json:"number" example:"ME-0123"`
	Kind       string         `json:"kind" example:"modality-workstation"`
	Modality   string         `json:"modality,omitempty" example:"ct"`
	Maker      string         `json:"maker"`
	Model      string         `json:"model"`
	Serial     string         `json:"serial"`
	OS         string         `json:"os" example:"Windows 10"`
	OSVersion  string         `json:"os_version"`
	Medical    bool           `json:"medical"`
	Department string         `json:"department" example:"放射線科"`
	Owner      string         `json:"owner"`
	Building   string         `json:"building"`
	Floor      string         `json:"floor"`
	Room       string         `json:"room"`
	MAC        string         `json:"mac" doc:"Of the card seen last." example:"00:1b:54:aa:bb:01"`
	MACs       []string       `json:"macs" nullable:"false"`
	IPv4       []string       `json:"ipv4" nullable:"false"`
	IPv6       []string       `json:"ipv6" nullable:"false"`
	Hostnames  []string       `json:"hostnames" nullable:"false"`
	Random     bool           `json:"randomised_mac"`
	Confidence float64        `json:"confidence" doc:"0 to 1, of the measured kind."`
	NeverTouch bool           `json:"never_touch" doc:"Kenshin sends nothing at all to it."`
	Findings   int            `json:"findings" doc:"Open ones."`
	Worst      int            `json:"worst" doc:"Severity of the worst open finding: 0 none, 1 low, 2 medium, 3 high, 4 critical."`
	OSOld      bool           `json:"os_unsupported"`
	Switch     string         `json:"switch,omitempty" doc:"Id of the switch that it is plugged into, where known."`
	Port       string         `json:"port,omitempty"`
	Systems    []string       `json:"systems" nullable:"false" doc:"Ids of the systems that it belongs to."`
	FirstSeen  time.Time      `json:"first_seen,omitzero" doc:"Missing: entered by hand or import, never seen."`
	LastSeen   time.Time      `json:"last_seen,omitzero"`
	ChangedAt  time.Time      `json:"changed_at"`
	Revision   int64          `json:"revision"`
}

// DeviceDetail is one device with both sides: what people say and what was measured, with the reasons.
type DeviceDetail struct {
	Device
	Word       ledger.Word        `json:"word" doc:"What people said. Missing: nobody said anything."`
	Identity   ledger.Identity    `json:"identity" doc:"What was measured, with every reason."`
	Interfaces []ledger.Interface `json:"interfaces" nullable:"false"`
	Services   []ledger.Service   `json:"services" nullable:"false"`
	Conflicts  []ledger.Conflict  `json:"conflicts" nullable:"false" doc:"Where people and measurement disagree."`
}

func (d DeviceDetail) revision() int64 { return d.Revision }

func viewDevice(d *ledger.Device) Device {
	out := Device{ID: d.ID, State: d.State, Name: d.Name(), Number: d.Word.Number, Kind: d.Kind(), Modality: d.Word.Modality, Maker: d.Maker(),
		Model: d.Model(), Serial: d.Serial(), OS: d.OS(), OSVersion: d.OSVersion(), Medical: d.Medical(), Department: d.Word.Department,
		Owner: d.Word.Owner, Building: d.Word.Building, Floor: d.Word.Floor, Room: d.Word.Room, MACs: []string{}, IPv4: []string{}, IPv6: []string{},
		Hostnames: full(d.Identity.Hostnames), Random: d.Identity.Random, Confidence: d.Identity.Confidence, NeverTouch: d.NeverTouch,
		Findings: d.Summary.Findings, Worst: d.Summary.Worst, OSOld: d.Summary.OSOld, Switch: d.Summary.Switch, Port: d.Summary.Port,
		Systems: full(d.Systems), FirstSeen: d.FirstSeen, LastSeen: d.LastSeen, ChangedAt: d.ChangedAt, Revision: d.Revision}
	if out.Modality == "" {
		out.Modality = d.Identity.Modality
	}
	for _, m := range d.MACs() {
		out.MACs = append(out.MACs, m.String())
	}
	if len(out.MACs) > 0 {
		out.MAC = out.MACs[0]
	}
	for _, a := range d.IPv4() {
		out.IPv4 = append(out.IPv4, a.String())
	}
	for _, i := range d.Interfaces {
		for _, a := range i.IPv6 {
			out.IPv6 = append(out.IPv6, a.String())
		}
	}
	return out
}

func viewDetail(d *ledger.Device) DeviceDetail {
	return DeviceDetail{Device: viewDevice(d), Word: d.Word, Identity: d.Identity, Interfaces: full(d.Interfaces), Services: full(d.Services),
		Conflicts: full(ledger.Conflicts(d))}
}

// Words are fields of a device that a person fills in, by their names; null or "" takes back what was said.
type Words map[string]any

// Schema lists the ledger's fields, so that a wrong name is refused with its place.
func (Words) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, AdditionalProperties: false,
		Description: "Fields of the ledger. null or \"\" takes back what was said; what is not named stays.",
		Examples:    []any{map[string]any{"name": "CT室 操作卓", "department": "放射線科", "owner": "佐藤"}}}
	for _, f := range ledger.Fields() {
		p := &huma.Schema{Type: huma.TypeString, Nullable: true, Description: f.Label.En + " (" + f.Label.Ja + ")"}
		switch f.Type {
		case ledger.YesNo:
			p.Type = huma.TypeBoolean
		case ledger.Choice:
			p.Enum = []any{"", nil}
			for _, o := range f.Options {
				p.Enum = append(p.Enum, o.Value)
			}
		case ledger.Date:
			p.Description += ": 2026-11-21, 2026-11 or 2026"
		case ledger.Line, ledger.Lines:
		}
		s.Properties[f.Key] = p
	}
	s.Properties["extra"] = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString, Nullable: true},
		Description: "Columns of the hospital's own ledger that have no field here, by their headings."}
	return s
}

// fields gives the words the form of a patch.
func (w Words) fields() (map[string]string, error) {
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(w)) {
		switch v := w[key].(type) {
		case nil:
			out[key] = ""
		case string:
			out[key] = v
		case bool:
			out[key] = strconv.FormatBool(v)
		case map[string]any:
			for name, value := range v {
				text, _ := value.(string) // null takes back
				out["extra."+name] = text
			}
		default:
			return nil, fault.Newf(fault.Invalid, "「%.40s」の値の型が違います。", "The value of %.40q has a wrong type.", key)
		}
	}
	return out, nil
}

// HostName is how a caller names a device's card.
type HostName struct {
	IP      string `json:"ip,omitempty" maxLength:"60" example:"10.20.3.15"`
	MAC     string `json:"mac,omitempty" maxLength:"40" example:"00:1b:54:aa:bb:01"`
	Segment string `json:"segment,omitempty" maxLength:"60" doc:"Id of the segment that the address is in; needed where only the IP is known."`
}

func (h HostName) parse() (ip netip.Addr, mac netid.MAC, err error) {
	if h.IP != "" {
		if ip, err = netip.ParseAddr(h.IP); err != nil {
			return ip, mac, fault.Wrap(fault.Invalid, fmt.Errorf("read an address: %w", err), "IPアドレスの形が正しくありません。", "This is not an IP address.")
		}
	}
	if h.MAC != "" {
		mac, err = netid.ParseMAC(h.MAC)
	}
	return ip, mac, err
}
