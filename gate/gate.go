// Package gate gives leave to send. It is the only package that opens sockets towards devices, and one function, Decide, says
// whether one frame may go to one host now: nothing goes into a segment that no person has approved, and a protected device gets no more
// than a neighbour's question.
package gate

import (
	"net/netip"
	"slices"
	"time"

	"kenshin/fault"
	"kenshin/netid"
)

// Pace is how many frames a second a sweep may send into one segment.
type Pace string

const (
	Gentle Pace = "gentle" // below 50 frames/s
	Normal Pace = "normal" // below 1,000 frames/s
	Fast   Pace = "fast"   // below 5,000 frames/s
)

// FramesPerSecond is the ceiling of a pace; the sender keeps a few per cent below it. An unknown pace is gentle.
func (p Pace) FramesPerSecond() int {
	switch p {
	case Normal:
		return 1000
	case Fast:
		return 5000
	}
	return 50
}

// Hours is the daily window in which a segment may be swept, in minutes after midnight, facility's local time. The zero value
// is the whole day; From > To goes over midnight.
type Hours struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Contain reports whether the time of day of t (already in the facility's zone) lies in the window.
func (h Hours) Contain(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	switch {
	case h.From == h.To:
		return true
	case h.From < h.To:
		return m >= h.From && m < h.To
	}
	return m >= h.From || m < h.To
}

// Segment is a part of the network that a person has approved, or that is proposed and not yet approved.
type Segment struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Prefix     netip.Prefix `json:"prefix"`
	Interface  string       `json:"interface"` // "" where the segment is reached through a router
	Routed     bool         `json:"routed"`    // no interface of ours is in it
	Purpose    string       `json:"purpose"`
	Medical    bool         `json:"medical"` // medical devices live there
	Pace       Pace         `json:"pace"`
	Hours      Hours        `json:"hours"`
	Listen     bool         `json:"listen"`          // a person chose passive listening on Interface
	SNMP       []SNMP       `json:"-"`               // given by a person; never guessed
	Router     netip.Addr   `json:"router,omitzero"` // a person's word who the segment's router is; invalid: the next hop counts (see Tells)
	Approved   bool         `json:"approved"`
	ApprovedBy string       `json:"approved_by,omitempty"`
	ApprovedAt time.Time    `json:"approved_at,omitzero"`
}

// SNMP is one credential that a person gave for a segment. Community is v1/v2c; User and the rest are v3 (RFC 3414).
type SNMP struct {
	Community string `json:"community,omitempty" yaml:"community"`
	User      string `json:"user,omitempty" yaml:"user"`
	Auth      string `json:"auth,omitempty" yaml:"auth"` // MD5, SHA, SHA256, ...
	AuthPass  string `json:"auth_pass,omitempty" yaml:"auth_pass"`
	Priv      string `json:"priv,omitempty" yaml:"priv"` // DES, AES, AES256, ...
	PrivPass  string `json:"priv_pass,omitempty" yaml:"priv_pass"`
}

// Status is what the gate knows of one host.
type Status struct {
	NeverTouch bool      // a person said: send nothing at all
	Medical    string    // why it is protected as medical ("" = it is not): a person's word, the maker's prefix, an answer
	Unlocked   time.Time // a person unlocked it until then
	UnlockFrom time.Time // start of the unlock's window
}

// Question is one frame that somebody wants to send to one host. For link-wide frames (a multicast query) Host is the group, and Status
// is the strictest of all hosts known on the link.
type Question struct {
	Now     time.Time // in the facility's zone
	Killed  bool      // the kill switch is on
	Segment *Segment  // nil: no segment of ours contains the host
	Host    netip.Addr
	MAC     netid.MAC // zero when unknown: nobody can say yet whether its maker makes medical devices
	Status  Status
	Frame   Frame
	Port    uint16 // TCP or UDP destination port, else 0
}

// Refusal says why a frame may not go. Code is stable for scripts and the trail; the sentence is the *fault.Error that it unwraps to.
type Refusal struct {
	Code string
	Why  *fault.Error
}

func (r *Refusal) Error() string { return r.Why.Error() }

// Unwrap lets fault.Is and fault.Sentence read a refusal.
func (r *Refusal) Unwrap() error { return r.Why }

func refuse(code, ja, en string) *Refusal {
	return &Refusal{Code: code, Why: fault.New(fault.Denied, ja, en)}
}

// neverPorts get nothing from anybody: 9100 prints whatever arrives, 2575 carries HL7 orders and results.
var neverPorts = []uint16{9100, 2575}

// Decide says whether the frame may go; nil is leave. It is the one place where design rule 4.1 stands in code.
func Decide(q Question) *Refusal {
	unlocked := q.Now.Before(q.Status.Unlocked) && !q.Now.Before(q.Status.UnlockFrom)
	switch {
	case q.Killed:
		return refuse("killed", "停止スイッチが入っています。何も送りません。", "The kill switch is on; nothing is sent.")
	case q.Segment == nil || !q.Segment.Approved:
		return refuse("not-approved", "この区画はまだ承認されていません。", "This segment has not been approved.")
	case q.Frame.asksOne(q.Host) && !q.Segment.Contains(q.Host):
		return refuse("outside", "承認された区画の外のアドレスです。", "The address lies outside the approved segment.")
	case !q.Segment.Hours.Contain(q.Now):
		return refuse("hours", "この区画で決めた時間帯の外です。", "Outside the hours that were set for this segment.")
	case q.Status.NeverTouch:
		return refuse("never-touch", "「何も送らない」と決めた機器です。", "Somebody marked this device as never to be touched.")
	case slices.Contains(neverPorts, q.Port):
		return refuse("never-port", "このポートには何も送りません(印刷や検査の電文を受ける口です)。",
			"Nothing is ever sent to this port: it prints, or takes medical messages.")
	// the one echo to all is the only way to IPv6-only devices of a mixed network; a person's word that a segment is medical ends even that
	case !q.Frame.asksOne(q.Host) && (q.Segment.Medical || q.Status.Medical != "" && q.Frame != EchoAllNodes):
		return refuse("medical-link", "守っている医療機器がいる区画なので、全員への問い合わせはしません(1台ずつ聞きます)。",
			"A protected device lives on this link, so questions to everybody are not asked; hosts are asked one by one.")
	case !q.Frame.asksOne(q.Host) || q.Frame.Presence(q.Segment.Routed):
		return nil
	case q.Status.Medical != "" && !unlocked:
		return refuse("medical", "医療機器なので守っています。調べるには、人の許可(理由・時間・期限)が要ります。",
			"A medical device is protected; somebody must unlock it with a reason, a window and an expiry.")
	case q.Segment.Routed && q.MAC.IsZero() && !unlocked:
		return refuse("unknown-mac", "ルータの向こうの機器で、まだ正体が分からないため守っています。",
			"The device lies behind a router and is not known yet, so it is protected.")
	case q.MAC.IsZero() && !q.Host.IsLoopback() && !unlocked:
		return refuse("unknown-mac", "この機器のMACアドレスがまだ分からないため、近隣の問い合わせ(ARP)より先へは進みません。",
			"The device's MAC address is not known yet, so it gets no more than a neighbour's question (ARP).")
	case q.Frame == DICOMAssociation && !unlocked:
		return refuse("medical", "DICOMの問い合わせは、許可された機器にだけ送ります。", "DICOM is spoken only to devices that somebody unlocked.")
	}
	return nil
}

// Contains reports whether the host belongs to the segment: an address of its prefix, or a link-local one on its interface.
func (s *Segment) Contains(a netip.Addr) bool {
	return s.Prefix.Contains(a.Unmap()) || a.Is6() && a.IsLinkLocalUnicast() && !s.Routed
}
