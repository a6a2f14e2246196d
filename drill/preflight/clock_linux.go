package preflight

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock asks the kernel whether a time service keeps its clock (adjtimex(2)). It sends nothing.
func SystemClock() (ClockReading, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return ClockReading{}, fmt.Errorf("ask the kernel for its clock: %w", err)
	}
	const timeError, unsynchronised = 5, 0x40 // TIME_ERROR, STA_UNSYNC
	return ClockReading{Synchronised: state != timeError && t.Status&unsynchronised == 0, MaxError: time.Duration(t.Maxerror) * time.Microsecond, Source: "kernel"}, nil
}
