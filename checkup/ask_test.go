package checkup

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/gate"
	"kenshin/identify"
	"kenshin/netid"
	"kenshin/observation"
)

// An answer that shows a medical device ends the conversation that it came from, not only the next one.
func TestAMedicalAnswerEndsTheInterviewAtOnce(t *testing.T) {
	rules, err := identify.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gate.New(gate.Config{})
	defer g.Close()
	g.Approve(gate.Segment{ID: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "lo", Approved: true})
	h := &host{Segment: "lan", IP: netip.MustParseAddr("10.0.0.9"), MAC: netid.MAC{0x00, 0x30, 0x13, 1, 1, 1}}
	i := &interview{c: &Checkup{Identify: rules}, h: g.Host(h.Segment, h.IP, h.MAC), host: h, now: time.Now}
	say := func(mac netid.MAC, s observation.Signal, value string) {
		i.add(observation.Observation{MAC: mac, IP: h.IP, Signal: s, Port: 104, Value: value, At: time.Now()})
	}
	say(h.MAC, observation.HTTPTitle, "案内")
	say(netid.MAC{0x00, 0x30, 0x13, 2, 2, 2}, observation.DICOM, "accepted") // a neighbour
	if no := i.h.May(gate.HTTPGet, 80); no != nil {
		t.Fatalf("an ordinary device: %v", no)
	}
	say(h.MAC, observation.DICOM, "accepted")
	if no := i.h.May(gate.HTTPGet, 80); no == nil || no.Code != "medical" {
		t.Errorf("after it answered as an imaging device: %v", no)
	}
}

// After the clock was set back, sightings lie in the future: nobody can say how old they are, so the address is asked for again.
func TestASightingOfTheFutureCountsNoMore(t *testing.T) {
	for age, want := range map[time.Duration]bool{0: false, time.Minute: false, 3 * time.Minute: true, -2 * time.Hour: true, 72 * time.Hour: true} {
		if old(age) != want {
			t.Errorf("%v: %v", age, !want)
		}
	}
}
