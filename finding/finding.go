// Package finding keeps what is wrong, where, what to do about it and by when. Every check writes its results here; a person closes or accepts,
// the next run of the check has the last word on what is measured.
package finding

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
)

// Severity is how bad it is.
type Severity int

const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

// Label is the severity's name.
func (s Severity) Label() i18n.Text {
	switch s {
	case Low:
		return i18n.Text{Ja: "低", En: "Low"}
	case Medium:
		return i18n.Text{Ja: "中", En: "Medium"}
	case High:
		return i18n.Text{Ja: "高", En: "High"}
	}
	return i18n.Text{Ja: "緊急", En: "Critical"}
}

// State is where a finding stands.
type State string

const (
	Open     State = "open"     // 未対応
	Waiting  State = "waiting"  // 業者の答え待ち: somebody was asked; it still counts as weak
	Accepted State = "accepted" // 受け入れた: a person took the risk until a day; after it the finding is open again
	Fixed    State = "fixed"    // 直した: a person says so; the next run of the check closes or reopens it
	Gone     State = "gone"     // 直ったことを確認: the check ran and did not find it any more
	Moot     State = "moot"     // 対象がなくなった: nothing was put right, but the device left the ledger or nobody claims any more what was wrong
)

// Over says that nothing is left to do: it was confirmed, or there is nothing any more that it was about.
func (s State) Over() bool { return s == Gone || s == Moot }

// Label is the state's name.
func (s State) Label() i18n.Text {
	switch s {
	case Open:
		return i18n.Text{Ja: "未対応", En: "Open"}
	case Waiting:
		return i18n.Text{Ja: "業者の答え待ち", En: "Waiting for the vendor"}
	case Accepted:
		return i18n.Text{Ja: "受け入れた", En: "Accepted"}
	case Fixed:
		return i18n.Text{Ja: "直した(次の健診で確認)", En: "Fixed (next check-up confirms)"}
	case Moot:
		return i18n.Text{Ja: "対象がなくなった", En: "No longer applies"}
	}
	return i18n.Text{Ja: "直ったことを確認", En: "Confirmed fixed"}
}

// Outcome is what a check's run says of one device.
type Outcome int

const (
	Found     Outcome = iota // the weakness is there
	Clear                    // the check looked and the weakness is not there
	Unreached                // the check could not look: silence is never a pass
	Dropped                  // what it was about is gone (an answer that claims it no more): closed as Moot, for Note only
)

// Evidence is one measured ground for a finding.
type Evidence struct {
	Observation string    `json:"observation,omitempty"` // its id, when there is one
	Signal      string    `json:"signal"`
	Value       string    `json:"value"`
	At          time.Time `json:"at"`
}

// Text is what a finding tells a person.
type Text struct {
	Title i18n.Text `json:"title"`
	Why   i18n.Text `json:"why"`  // why it matters here
	Fix   i18n.Text `json:"fix"`  // what to do
	Call  i18n.Text `json:"call"` // whom to call
}

// Result is what a check's run says of one device. A check gives one Result with Clear or Unreached, or one per Part with Found; Parts that a
// run no longer names are closed.
type Result struct {
	Check    string // id of the check
	Version  string // of its rules
	Device   netid.DeviceID
	Part     string // which of several on one device: "tcp/445"; "" when there is one
	Outcome  Outcome
	Severity Severity
	Text     Text
	Evidence []Evidence
	Impact   string // the ledger's impact on patients: "", none, low, middle, high
	Owner    string // who is asked to do it
	Due      time.Time
}

// Finding is one thing that is wrong with one device.
type Finding struct {
	ID       string         `json:"id"`
	Check    string         `json:"check"`
	Version  string         `json:"version,omitempty"`
	Device   netid.DeviceID `json:"device,omitempty"`
	Part     string         `json:"part,omitempty"`
	Severity Severity       `json:"severity"`
	Impact   string         `json:"impact,omitempty"`
	State    State          `json:"state"`
	Stale    bool           `json:"stale"` // the last run could not reach the device: it may or may not be so still
	Text
	Evidence      []Evidence `json:"evidence,omitempty"`
	Owner         string     `json:"owner,omitempty"`
	Due           time.Time  `json:"due,omitzero"`
	Reason        string     `json:"reason,omitempty"` // why it was accepted or closed
	AcceptedUntil time.Time  `json:"accepted_until,omitzero"`
	FirstSeen     time.Time  `json:"first_seen"`
	LastSeen      time.Time  `json:"last_seen"`  // when it was found last
	CheckedAt     time.Time  `json:"checked_at"` // when the check looked last
	ClosedAt      time.Time  `json:"closed_at,omitzero"`
	Revision      int64      `json:"revision"`
}

// ChangeKind is what a run did to a finding.
type ChangeKind string

const (
	Opened   ChangeKind = "opened"
	Reopened ChangeKind = "reopened" // it was gone, said to be fixed, or accepted until a day that has passed
	Closed   ChangeKind = "closed"
	Worse    ChangeKind = "worse" // the severity grew
)

// Change is one thing that a run did, for the list of what changed.
type Change struct {
	Kind     ChangeKind
	ID       string
	Check    string
	Device   netid.DeviceID
	Severity Severity
	Title    i18n.Text
}

// Count is how a device or the facility stands.
type Count struct {
	Open  int      `json:"open"`
	Worst Severity `json:"worst"` // 0 when nothing is open
}

// Item is one line of 今日やること: the finding to begin with and how many further devices have the same.
type Item struct {
	Finding
	Devices int `json:"devices"` // with this check's finding open, this one included
}

// Step is one row of a finding's history.
type Step struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	State  State     `json:"state"`
	Reason string    `json:"reason"`
}

// due is by when to act if the check did not say: our own policy, shown to people as a suggestion.
func due(s Severity, from time.Time) time.Time {
	days := map[Severity]int{Critical: 7, High: 30, Medium: 90, Low: 180}[s]
	return from.AddDate(0, 0, days)
}

// weight orders findings: severity times how a stop of the device touches patients. Unknown impact counts as middle: nobody has said
// that it is safe.
func weight(s Severity, impact string) int {
	factor, known := map[string]int{"none": 1, "low": 2, "middle": 3, "high": 5}[impact]
	if !known {
		factor = 3
	}
	return int(s) * factor
}

// MaxAccept is the longest that a risk may be accepted: it is looked at again at least once a year.
const MaxAccept = 366 * 24 * time.Hour

const (
	maxReason   = 2000
	maxEvidence = 50
	maxValue    = 500
)

// content is what lies in the JSON column.
type content struct {
	Text
	Evidence []Evidence `json:"evidence,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

func (c content) json() (string, error) {
	b, err := json.Marshal(c)
	return string(b), err
}

func (r Result) valid() error {
	if r.Check == "" || len(r.Check) > 100 || len(r.Part) > 200 || r.Outcome == Found && (r.Severity < Low || r.Severity > Critical || r.Text.Title.Ja == "") {
		return fault.Newf(fault.Internal, "検査「%.60s」の結果が不完全です。", "The result of check %.60q is incomplete.", r.Check)
	}
	return nil
}

func (r Result) evidence() []Evidence {
	out := append([]Evidence(nil), r.Evidence[:min(len(r.Evidence), maxEvidence)]...)
	for i := range out {
		for len(out[i].Value) > maxValue {
			_, n := utf8.DecodeLastRuneInString(out[i].Value[:maxValue+1])
			out[i].Value = out[i].Value[:maxValue+1-n]
		}
		out[i].At = out[i].At.UTC().Truncate(time.Microsecond)
	}
	return out
}
