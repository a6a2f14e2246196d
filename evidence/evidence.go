// Package evidence keeps what was measured, when, on how many of how many, and until when it counts. A record is never changed: records of a
// facility form a chain of digests, and whoever noted its head can later prove that nothing before it was altered or left out.
package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
)

// Outcome is what a measurement says.
type Outcome string

const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	None Outcome = "none" // the check ran and there was nothing that it could look at: never a pass
)

// Label is what an outcome is called on screens.
func (o Outcome) Label() i18n.Text {
	switch o {
	case Pass:
		return i18n.Text{Ja: "確認できた", En: "Pass"}
	case Fail:
		return i18n.Text{Ja: "問題あり", En: "Fail"}
	}
	return i18n.Text{Ja: "測れていない", En: "Not measured"}
}

// Ref points to one thing that fails a check, or that it could not see: a device, a system, a row of a register, a person's account.
type Ref struct {
	Kind string `json:"kind"` // device, system, register, vendor, finding, account, drill
	ID   string `json:"id"`
	Text string `json:"text"` // what people call it
}

// Record is one result of one check.
type Record struct {
	ID       string    `json:"id"`
	Check    string    `json:"check"`             // id in catalogue/checks.yaml
	Version  int       `json:"version"`           // of the check's code
	Subject  string    `json:"subject,omitempty"` // "" for the facility, else a system's id
	Outcome  Outcome   `json:"outcome"`
	Measured int       `json:"measured"` // n: how many were looked at
	Of       int       `json:"of"`       // N: how many there are
	From     time.Time `json:"from"`     // when the oldest of what was looked at was observed
	At       time.Time `json:"at"`       // when the newest was
	Received time.Time `json:"received"` // when Kenshin wrote it down
	Until    time.Time `json:"until"`    // until when it counts
	Says     i18n.Text `json:"says"`
	Bad      []Ref     `json:"bad,omitempty"` // what fails, at most MaxBad
	Down     bool      `json:"down,omitempty"`
	Seq      int64     `json:"seq"`            // 1, 2, 3... in its facility
	Prev     string    `json:"prev,omitempty"` // Hash of the record before
	Hash     string    `json:"-"`              // SHA-256 over Prev and the record as canonical JSON, in hexadecimal
}

// MaxBad is how many things that fail are named in a record.
const MaxBad = 100

const (
	maxID   = 100  // bytes
	maxSays = 2000 // bytes of each language
	maxText = 200  // bytes of a Ref's text
)

// Key names what a record is the newest of: "ledger-coverage", or "mds-on-file/<system>" where it is about one system.
func Key(check, subject string) string {
	if subject == "" {
		return check
	}
	return check + "/" + subject
}

// Key is Key of the record.
func (r Record) Key() string { return Key(r.Check, r.Subject) }

// Life is how long the result counts.
func (r Record) Life() time.Duration { return r.Until.Sub(r.At) }

// canonical is the text that is hashed and kept: the fields in this order, times in UTC with microseconds, no white space, HTML left alone.
func (r Record) canonical() (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return "", fmt.Errorf("write evidence: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// digest is the hash of a record's canonical text after another hash.
func digest(prev, text string) string {
	sum := sha256.Sum256([]byte(prev + "\n" + text))
	return hex.EncodeToString(sum[:])
}

// tidy makes a record fit to be kept, or says what a check did wrong.
func (r Record) tidy(now time.Time) (Record, error) {
	wrong := r.Check == "" || len(r.Check) > maxID || len(r.Subject) > maxID || r.Version < 1 || r.Outcome != Pass && r.Outcome != Fail && r.Outcome != None ||
		r.Measured < 0 || r.Of < 0 || r.Says.Ja == "" || r.Outcome == Pass && (r.Measured == 0 || r.At.IsZero())
	if wrong {
		return r, fault.Newf(fault.Internal, "測定「%.60s」の結果が不完全です。", "The result of check %.60q is incomplete.", r.Check)
	}
	stamp := func(t time.Time) time.Time {
		if t.IsZero() {
			return t.UTC()
		}
		return t.UTC().Truncate(time.Microsecond)
	}
	if r.At.IsZero() {
		r.At = now
	}
	if r.From.IsZero() || r.From.After(r.At) {
		r.From = r.At
	}
	r.From, r.At, r.Until, r.Received = stamp(r.From), stamp(r.At), stamp(r.Until), stamp(now)
	r.Says = i18n.Text{Ja: clip(r.Says.Ja, maxSays), En: clip(r.Says.En, maxSays)}
	r.Bad = slices.Clone(r.Bad[:min(len(r.Bad), MaxBad)])
	for i := range r.Bad {
		r.Bad[i].Text = clip(r.Bad[i].Text, maxText)
	}
	return r, nil
}

// clip keeps valid UTF-8 without NUL and at most n bytes.
func clip(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= n {
		return s
	}
	for s = s[:n]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s
}

// news says whether r tells more than the newest record of its kind: something changed, or the old one has used up a quarter of its life.
func (r Record) news(last Record) bool {
	a, b := last, r
	for _, x := range []*Record{&a, &b} {
		x.ID, x.Seq, x.Prev, x.Hash = "", 0, "", ""
		x.From, x.At, x.Received, x.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	}
	left, err := a.canonical()
	right, err2 := b.canonical()
	switch {
	case err != nil || err2 != nil || left != right, r.Life() != last.Life():
		return true
	case r.At.Before(last.At): // the clock ran ahead before: that record can say nothing now
		return true
	}
	return r.At.Sub(last.At) > last.Life()/4
}
