package echo

import (
	"net/netip"
	"testing"

	"kenshin/fault"
	"kenshin/observation"
)

// A range that is too large is refused before anything is sent.
func TestSweepRefusesLargeRanges(t *testing.T) {
	for _, p := range []netip.Prefix{netip.MustParsePrefix("10.0.0.0/15"), netip.MustParsePrefix("fd00::/64"), {}} {
		err := Sweep(t.Context(), nil, p, Options{}, func(observation.Observation) { t.Error("found something") })
		if !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s: %v", p, err)
		}
	}
}
