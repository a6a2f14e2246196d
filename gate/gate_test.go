package gate

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/netid"
)

func TestDecide(t *testing.T) {
	noon := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	near := &Segment{ID: "s", Prefix: netip.MustParsePrefix("192.168.1.0/24"), Interface: "eth0", Approved: true}
	far := &Segment{ID: "r", Prefix: netip.MustParsePrefix("192.168.9.0/24"), Routed: true, Approved: true}
	host, away := netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("192.168.9.5")
	mac := netid.MAC{0, 1, 2, 3, 4, 5}
	medical := Status{Medical: "maker"}
	unlocked := Status{Medical: "maker", Unlocked: noon.Add(time.Hour), UnlockFrom: noon.Add(-time.Hour)}
	for name, c := range map[string]struct {
		q    Question
		want string // refusal code, "" = leave
	}{
		"ordinary device":              {Question{Segment: near, Host: host, MAC: mac, Frame: HTTPGet, Port: 80}, ""},
		"no MAC yet":                   {Question{Segment: near, Host: host, Frame: HTTPGet, Port: 80}, "unknown-mac"},
		"no MAC yet: ARP":              {Question{Segment: near, Host: host, Frame: ARPRequest}, ""},
		"kill switch":                  {Question{Killed: true, Segment: near, Host: host, Frame: ARPRequest}, "killed"},
		"no segment":                   {Question{Host: host, Frame: ARPRequest}, "not-approved"},
		"not approved":                 {Question{Segment: &Segment{Prefix: near.Prefix}, Host: host, Frame: ARPRequest}, "not-approved"},
		"outside":                      {Question{Segment: near, Host: away, Frame: ARPRequest}, "outside"},
		"link-local on the link":       {Question{Segment: near, Host: netip.MustParseAddr("fe80::1"), Frame: NeighborSolicit}, ""},
		"link-local behind a router":   {Question{Segment: far, Host: netip.MustParseAddr("fe80::1"), Frame: EchoRequest}, "outside"},
		"hours":                        {Question{Segment: &Segment{Prefix: near.Prefix, Approved: true, Hours: Hours{From: 22 * 60, To: 6 * 60}}, Host: host, Frame: ARPRequest}, "hours"},
		"never-touch, even ARP":        {Question{Segment: near, Host: host, Frame: ARPRequest, Status: Status{NeverTouch: true}}, "never-touch"},
		"never-touch, unlocked":        {Question{Segment: near, Host: host, Frame: HTTPGet, Status: Status{NeverTouch: true, Unlocked: noon.Add(time.Hour)}}, "never-touch"},
		"printing port":                {Question{Segment: near, Host: host, Frame: TCPConnect, Port: 9100}, "never-port"},
		"HL7 port of an unlocked one":  {Question{Segment: near, Host: host, Frame: TCPConnect, Port: 2575, Status: unlocked}, "never-port"},
		"medical gets ARP":             {Question{Segment: near, Host: host, Frame: ARPRequest, Status: medical}, ""},
		"medical gets no ping":         {Question{Segment: near, Host: host, Frame: EchoRequest, Status: medical}, "medical"},
		"medical gets no SNMP":         {Question{Segment: near, Host: host, Frame: SNMPGet, Port: 161, Status: medical}, "medical"},
		"unlocked":                     {Question{Segment: near, Host: host, Frame: DICOMAssociation, Port: 104, Status: unlocked}, ""},
		"unlock not begun":             {Question{Segment: near, Host: host, Frame: HTTPGet, Status: Status{Medical: "m", UnlockFrom: noon.Add(time.Minute), Unlocked: noon.Add(time.Hour)}}, "medical"},
		"unlock over":                  {Question{Segment: near, Host: host, Frame: HTTPGet, Status: Status{Medical: "m", Unlocked: noon}}, "medical"},
		"DICOM only when unlocked":     {Question{Segment: near, Host: host, MAC: mac, Frame: DICOMAssociation, Port: 104}, "medical"},
		"routed, unknown: echo":        {Question{Segment: far, Host: away, Frame: EchoRequest}, ""},
		"routed, unknown: TCP":         {Question{Segment: far, Host: away, Frame: TCPConnect, Port: 80}, "unknown-mac"},
		"routed, known":                {Question{Segment: far, Host: away, MAC: mac, Frame: TCPConnect, Port: 80}, ""},
		"routed, medical: echo":        {Question{Segment: far, Host: away, MAC: mac, Frame: EchoRequest, Status: medical}, ""},
		"routed, medical: TCP":         {Question{Segment: far, Host: away, MAC: mac, Frame: TCPConnect, Port: 80, Status: medical}, "medical"},
		"group":                        {Question{Segment: near, Host: netip.MustParseAddr("224.0.0.251"), Frame: MDNSQuery, Port: 5353}, ""},
		"group beside a medical one":   {Question{Segment: near, Host: netip.MustParseAddr("224.0.0.251"), Frame: MDNSQuery, Status: medical}, "medical-link"},
		"group in a medical segment":   {Question{Segment: &Segment{Prefix: near.Prefix, Approved: true, Medical: true}, Frame: SSDPSearch}, "medical-link"},
		"ping to all, medical segment": {Question{Segment: &Segment{Prefix: near.Prefix, Approved: true, Medical: true}, Frame: EchoAllNodes}, "medical-link"},
		"ping to all, mixed segment":   {Question{Segment: near, Frame: EchoAllNodes, Status: medical}, ""},
		"group beside an unlocked one": {Question{Segment: near, Frame: WSDProbe, Status: unlocked}, "medical-link"},
		"group beside a never-touch":   {Question{Segment: near, Frame: EchoAllNodes, Status: Status{NeverTouch: true}}, "never-touch"},
	} {
		c.q.Now = noon
		got := ""
		if no := Decide(c.q); no != nil {
			got = no.Code
			if no.Why.Ja == "" || no.Why.En == "" {
				t.Errorf("%s: a refusal without a sentence", name)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestHours(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 11, 4, h, m, 0, 0, time.UTC) }
	night := Hours{From: 22 * 60, To: 6 * 60}
	if !night.Contain(at(23, 0)) || !night.Contain(at(5, 59)) || night.Contain(at(6, 0)) || night.Contain(at(12, 0)) {
		t.Error("a window over midnight")
	}
	if day := (Hours{From: 9 * 60, To: 17 * 60}); !day.Contain(at(9, 0)) || day.Contain(at(17, 0)) || day.Contain(at(8, 59)) {
		t.Error("a window by day")
	}
	if !(Hours{}).Contain(at(3, 0)) {
		t.Error("no window is the whole day")
	}
}

// FuzzDecide holds the rules that no combination may break.
func FuzzDecide(f *testing.F) {
	f.Add(uint8(0xff), uint8(3), uint16(80), false, true, "maker", int64(5), int64(-5))
	f.Add(uint8(0), uint8(0), uint16(9100), true, false, "", int64(0), int64(0))
	kinds := Frames()
	f.Fuzz(func(t *testing.T, flags, frame uint8, port uint16, never, hasMAC bool, medical string, until, from int64) {
		now := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
		on := func(bit int) bool { return flags>>bit&1 == 1 }
		s := &Segment{Prefix: netip.MustParsePrefix("10.0.0.0/24"), Approved: on(0), Routed: on(1), Medical: on(2)}
		q := Question{Now: now, Killed: on(3), Segment: s, Host: netip.MustParseAddr("10.0.0.9"), Frame: kinds[int(frame)%len(kinds)].Frame, Port: port,
			Status: Status{NeverTouch: never, Medical: medical, Unlocked: now.Add(time.Duration(until)), UnlockFrom: now.Add(time.Duration(from))}}
		if hasMAC {
			q.MAC = netid.MAC{0, 1}
		}
		if on(4) {
			q.Segment = nil
		}
		unlocked := q.Status.Unlocked.After(now) && !q.Status.UnlockFrom.After(now)
		if Decide(q) != nil {
			return
		}
		switch {
		case q.Killed, q.Segment == nil, !s.Approved, never, port == 9100, port == 2575:
			t.Fatalf("allowed: %+v", q)
		case medical != "" && !unlocked && !q.Frame.Presence(s.Routed):
			t.Fatalf("a protected device gets %s: %+v", q.Frame, q)
		case q.MAC.IsZero() && !unlocked && !q.Frame.Presence(s.Routed):
			t.Fatalf("an unknown device gets %s: %+v", q.Frame, q)
		case q.Frame == DICOMAssociation && !unlocked:
			t.Fatalf("DICOM without leave: %+v", q)
		}
	})
}
