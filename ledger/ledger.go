// Package ledger is the 台帳: every device and system of a facility, what people say of it and what was measured, kept apart, with the
// full history of both.
package ledger

import (
	"net/netip"
	"time"

	"kenshin/netid"
)

// State is where a device stands in the ledger's life.
type State string

const (
	New        State = "new"        // 新しい: seen, nobody has said what it is
	Registered State = "registered" // 登録済み
	Excluded   State = "excluded"   // 対象外: known, and not part of the medical information systems
	Retired    State = "retired"    // 廃棄
)

// Impact is how a device's stop touches patients.
type Impact string

const (
	ImpactUnknown Impact = ""
	ImpactNone    Impact = "none"
	ImpactLow     Impact = "low"
	ImpactMiddle  Impact = "middle"
	ImpactHigh    Impact = "high"
)

// Reason is one ground for what the machine says a device is (design rule 4.4).
type Reason struct {
	Signal string    `json:"signal"`
	Value  string    `json:"value"`
	Says   string    `json:"says"`              // in the facility's language: what this signal means here
	SaysEn string    `json:"says_en,omitempty"` // the same in English
	Weight float64   `json:"weight"`            // 0..1
	Rule   string    `json:"rule,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Identity is what the machine measured and concluded. Identify writes it; a person's word never lands here.
type Identity struct {
	Kind       string   `json:"kind"` // one of the kinds of design section 5, "unknown" at least
	Modality   string   `json:"modality,omitempty"`
	Maker      string   `json:"maker,omitempty"`
	Model      string   `json:"model,omitempty"`
	Serial     string   `json:"serial,omitempty"`
	OS         string   `json:"os,omitempty"`
	OSVersion  string   `json:"os_version,omitempty"`
	Name       string   `json:"name,omitempty"` // best name that the device gave itself
	Hostnames  []string `json:"hostnames,omitempty"`
	Medical    bool     `json:"medical"`
	Random     bool     `json:"randomised_mac"`
	Confidence float64  `json:"confidence"` // 0..1, of Kind
	Because    []Reason `json:"because,omitempty"`
	Version    string   `json:"version,omitempty"` // of the rules that said so
	Ties       Ties     `json:"ties,omitzero"`
}

// Ties are the things a device said of itself that may show that two entries are one device (see Same). Identify fills them from the
// observations; Serial is Identity.Serial.
type Ties struct {
	NetBIOS string `json:"netbios,omitempty"` // computer name of NBNS or NTLM
	DNS     string `json:"dns,omitempty"`     // full DNS name of NTLM, with its domain
	Host    string `json:"host,omitempty"`    // host name of DHCP or mDNS
	DHCP    string `json:"dhcp,omitempty"`    // DHCP option 55 and 60, as a fingerprint
}

// Word is what people say of a device. An empty field means that nobody has said anything; it never means "none".
// Dates are "2026-11-21" text ("2026-11" and "2026" are allowed: old ledgers know no more).
type Word struct {
	Name         string            `json:"name,omitempty"`
	Reading      string            `json:"reading,omitempty"` // ふりがな: lists sort by it
	Number       string            `json:"number,omitempty"`  // 管理番号
	Kind         string            `json:"kind,omitempty"`
	Modality     string            `json:"modality,omitempty"`
	Maker        string            `json:"maker,omitempty"`
	Model        string            `json:"model,omitempty"`
	Serial       string            `json:"serial,omitempty"`
	OS           string            `json:"os,omitempty"`
	OSVersion    string            `json:"os_version,omitempty"`
	Medical      *bool             `json:"medical,omitempty"`
	Owner        string            `json:"owner,omitempty"`
	Department   string            `json:"department,omitempty"`
	Building     string            `json:"building,omitempty"`
	Floor        string            `json:"floor,omitempty"`
	Room         string            `json:"room,omitempty"`
	VendorID     string            `json:"vendor_id,omitempty"`
	Vendor       string            `json:"vendor,omitempty"` // as written, when no vendor record was chosen
	Purchased    string            `json:"purchased,omitempty"`
	LeaseEnd     string            `json:"lease_end,omitempty"`
	SupportEnd   string            `json:"support_end,omitempty"`
	Approval     string            `json:"approval,omitempty"` // 医療機器の承認・認証番号
	Impact       Impact            `json:"impact,omitempty"`
	RemoteType   string            `json:"remote_type,omitempty"`   // 遠隔保守: VPN, LTE, 公衆回線, none, ...
	RemoteBy     string            `json:"remote_by,omitempty"`     // provider of the line
	RemoteHolder string            `json:"remote_holder,omitempty"` // who holds the line's contract
	RemoteEnd    string            `json:"remote_end,omitempty"`    // the line's end date
	IPText       string            `json:"ip_text,omitempty"`       // as written in the hospital's own ledger
	MACText      string            `json:"mac_text,omitempty"`      // as written
	InUse        string            `json:"in_use,omitempty"`        // 利用可否 of the checklist manual: "yes", "no"
	Notes        string            `json:"notes,omitempty"`
	Extra        map[string]string `json:"extra,omitempty"` // columns of an imported sheet that have no field here: nothing is dropped
}

// Interface is one network card of a device. In a routed segment, until the router told the MAC, MAC is zero. FirstSeen is zero for a
// MAC that people wrote into the ledger and that was not seen yet.
type Interface struct {
	MAC       netid.MAC    `json:"mac"`
	Segment   string       `json:"segment,omitempty"`
	IPv4      []netip.Addr `json:"ipv4,omitempty"` // the newest first
	IPv6      []netip.Addr `json:"ipv6,omitempty"`
	FirstSeen time.Time    `json:"first_seen"`
	LastSeen  time.Time    `json:"last_seen"`
}

// Service is one open port or spoken protocol.
type Service struct {
	Port   uint16    `json:"port"`
	Proto  string    `json:"proto"` // tcp, udp
	Name   string    `json:"name"`  // http, smb1, dicom, ...
	Detail string    `json:"detail,omitempty"`
	Last   time.Time `json:"last_seen"`
}

// Summary is what upper floors conclude of a device, copied here so that lists can sort on it (see Summarise).
type Summary struct {
	Findings int    `json:"findings"`         // open ones
	Worst    int    `json:"worst"`            // severity of the worst open finding: 0 none, 1 low .. 4 critical
	OSOld    bool   `json:"os_unsupported"`   // the maker no longer mends its operating system
	Switch   string `json:"switch,omitempty"` // device id of the switch
	Port     string `json:"port,omitempty"`   // ifName there
}

// Device is one entry of the ledger. What a screen shows as its kind, name and so on is Word where a person spoke, else Identity.
type Device struct {
	ID         netid.DeviceID `json:"id"`
	State      State          `json:"state"`
	Word       Word           `json:"word"`
	Identity   Identity       `json:"identity"`
	Interfaces []Interface    `json:"interfaces"`
	Services   []Service      `json:"services"`
	Systems    []string       `json:"systems,omitempty"` // ids of systems that it belongs to
	Summary    Summary        `json:"summary"`
	NeverTouch bool           `json:"never_touch"`
	FirstSeen  time.Time      `json:"first_seen,omitzero"` // zero: entered by hand or import, never seen on the wire
	LastSeen   time.Time      `json:"last_seen,omitzero"`
	Revision   int64          `json:"revision"` // grows with every change that people make; an edit names the revision that it was made from
	ChangedAt  time.Time      `json:"changed_at"`

	changedBy string // the name of who made the last change of Revision
}

// Name is what lists show: a person's name for it, the device's own, or "".
func (d *Device) Name() string { return first(d.Word.Name, d.Identity.Name) }

// Kind is a person's word, else the machine's.
func (d *Device) Kind() string { return first(d.Word.Kind, d.Identity.Kind, "unknown") }

// Maker, Model, OS and OSVersion are a person's word, else the machine's.
func (d *Device) Maker() string     { return first(d.Word.Maker, d.Identity.Maker) }
func (d *Device) Model() string     { return first(d.Word.Model, d.Identity.Model) }
func (d *Device) OS() string        { return first(d.Word.OS, d.Identity.OS) }
func (d *Device) OSVersion() string { return first(d.Word.OSVersion, d.Identity.OSVersion) }
func (d *Device) Serial() string    { return first(d.Word.Serial, d.Identity.Serial) }

// Medical protects: the machine's finding holds unless a person said otherwise, and a person's yes always holds.
func (d *Device) Medical() bool {
	if d.Word.Medical != nil {
		return *d.Word.Medical
	}
	return d.Identity.Medical
}

// Conflict is a field where a person and the machine disagree; both stay, a screen shows it.
type Conflict struct {
	Field    string `json:"field"`
	Said     string `json:"said"`
	Measured string `json:"measured"`
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
