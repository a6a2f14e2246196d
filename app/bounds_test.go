package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/checkup"
	"kenshin/fault"
)

// A file of a thousand communities would be guessing.
func TestAFileOfManyCredentialsIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "snmp.yaml")
	for n, ok := range map[int]bool{8: true, 9: false, 100_000: false} {
		if err := os.WriteFile(file, []byte(strings.Repeat("- community: x\n", n)), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := VisitRequest{SNMPFile: file}.credentials()
		if ok && (err != nil || len(list) != n) || !ok && fault.KindOf(err) == fault.Internal {
			t.Errorf("%d credentials: %d, %v", n, len(list), err)
		}
		if !ok && err == nil {
			t.Errorf("%d credentials were taken", n)
		}
	}
}

// The sample's ranges may be somebody's real network.
func TestASampleFacilityIsNeverCheckedUp(t *testing.T) {
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	h, err := Open(ctx, Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	fac, err := h.Account.AddFacility(ctx, account.Facility{Name: "見本病院", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.StartSweep(ctx, fac.ID, checkup.Request{Segments: []string{"s"}}); !fault.Is(err, fault.Denied) {
		t.Errorf("a check-up of the sample: %v", err)
	}
}
