package checkup_test

import (
	"net/netip"
	"testing"
	"time"

	"kenshin/checkup"
	"kenshin/gate"
	"kenshin/internal/labtest"
)

// TestLabHostsOfAWhileAgo lets the clock run so fast that every host was found a while ago when its turn comes: it is asked for by ARP once more,
// and then examined as ever.
func TestLabHostsOfAWhileAgo(t *testing.T) {
	lab := labtest.Up(t)
	lab.InSensor(t, func() {
		c := build(t, gate.Segment{ID: "lan", Name: "院内LAN", Prefix: netip.MustParsePrefix("10.77.0.0/22"), Interface: "eth0", Pace: gate.Normal, Approved: true})
		began := time.Now()
		c.Now = func() time.Time { return began.Add(60 * time.Since(began)) }
		rep := pass(t, c, checkup.Request{Segments: []string{"lan"}})
		asked, moved := 0, 0
		for _, d := range rep.Devices {
			switch d.Asked {
			case "complete":
				asked++
			case "held: moved":
				moved++
			}
		}
		t.Logf("%d of %d examined in %v", asked, len(rep.Devices), time.Since(began))
		if asked < 5 || moved > 0 {
			t.Errorf("%d examined, %d taken for moved", asked, moved)
		}
	})
}
