package app

import (
	"sync/atomic"
	"testing"
	"time"
)

// A story that is told just after midnight in Japan has no day that lies ahead of its own clock.
func TestDemoAfterMidnight(t *testing.T) {
	for _, minute := range []int{0, 4, 14, 15, 16, 60, 23 * 60} {
		var clock atomic.Int64
		y := &years{demo: &demo{clock: &clock, now: time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)}}
		y.ago(34)
		if today := time.UnixMicro(clock.Load()).In(demoZoneJST()).Format(time.DateOnly); y.day("-34d") != today {
			t.Errorf("%d minutes after midnight the day is %s and the clock says %s", minute, y.day("-34d"), today)
		}
	}
}
