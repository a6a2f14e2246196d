// Package exposure says what is weak on a device, in words for somebody who has never heard of it: what it is, why it matters here, what to
// do, whom to call. It judges what others have measured and sends nothing.
package exposure

import (
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
)

// Severity of a finding, as it stands in lists and on the home page.
const (
	Low      = 1
	Middle   = 2
	High     = 3
	Critical = 4
)

// Subject is one device with all that was seen of it.
type Subject struct {
	Device       *ledger.Device
	Observations []observation.Observation
	Now          time.Time
}

// Outcome of one check on one device. Silence is never a pass: a check that could not be made says NotTested.
type Outcome int

const (
	NotTested Outcome = iota
	Pass
	Fail
)

// Verdict is what a check found, with what it saw.
type Verdict struct {
	Outcome  Outcome
	Evidence []Evidence
	Note     i18n.Text // what is special here ("end of support 2020-01-14")
}

// Evidence is one observation that a verdict rests on.
type Evidence struct {
	Signal string    `json:"signal"`
	Value  string    `json:"value"`
	Port   uint16    `json:"port,omitempty"`
	At     time.Time `json:"at"`
	Sensor string    `json:"sensor,omitempty"`
}

// Check is one thing that can be wrong, whole in one literal: screens, documentation and API are printed from it.
type Check struct {
	ID       string
	Version  int // grows when the judgement changes
	Severity int
	Title    i18n.Text // %s is the device's name
	Why      i18n.Text
	Fix      i18n.Text
	Call     i18n.Text // whom to ask
	Minutes  int       // how long the first step takes
	Days     int       // by when it should be done, from the day it was found
	Source   string
	Judge    func(Subject) Verdict
}

// Result is a verdict together with its check and device.
type Result struct {
	Check  *Check
	Device netid.DeviceID
	Verdict
}

// Examine runs every check on one device.
func Examine(s Subject) []Result {
	var list []Result
	for _, c := range Checks() {
		list = append(list, Result{Check: c, Device: s.Device.ID, Verdict: c.Judge(s)})
	}
	return list
}

// seen returns the observations of a signal that satisfy ok.
func (s Subject) seen(signal observation.Signal, ok func(*observation.Observation) bool) []Evidence {
	var list []Evidence
	for i := range s.Observations {
		o := &s.Observations[i]
		if o.Signal == signal && (ok == nil || ok(o)) {
			list = append(list, Evidence{Signal: string(o.Signal), Value: o.Value, Port: o.Port, At: o.At, Sensor: o.Sensor})
		}
	}
	return list
}

// newest is the time at which a port or signal was last seen to answer at all.
func (s Subject) newest(signal observation.Signal, port uint16) time.Time {
	var t time.Time
	for i := range s.Observations {
		o := &s.Observations[i]
		if o.Signal == signal && (port == 0 || o.Port == port) && o.At.After(t) {
			t = o.At
		}
	}
	return t
}

// asked reports whether the device was asked over TCP at all, so that not seeing a service means something.
func (s Subject) asked() bool { return !s.newest(observation.Asked, 0).IsZero() }

// current keeps evidence that is not older than the last time the device was asked.
func (s Subject) current(list []Evidence) []Evidence {
	last := s.newest(observation.Asked, 0)
	var now []Evidence
	for _, e := range list {
		if !e.At.Before(last.Add(-time.Hour)) {
			now = append(now, e)
		}
	}
	return now
}

// service judges a check that fails when a signal is there, passes when the device was asked and did not show it.
func service(signal observation.Signal, ok func(*observation.Observation) bool) func(Subject) Verdict {
	return func(s Subject) Verdict {
		if hits := s.current(s.seen(signal, ok)); len(hits) > 0 {
			return Verdict{Outcome: Fail, Evidence: hits}
		}
		if !s.asked() {
			return Verdict{Outcome: NotTested}
		}
		return Verdict{Outcome: Pass, Evidence: s.seen(observation.Asked, nil)}
	}
}
