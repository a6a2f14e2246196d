package ledger_test

import (
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

// A newcomer that numbers its card next to a known device's, and claims that device's card, does not vanish behind its name.
func TestANewcomersClaimIsOnlyProposed(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.1", t0), seen(mac(2), "10.0.0.2", t0))
		_, err := f.Edit(f.t.Context(), dbtest.Facility, ids[0], 0, ledger.Patch{State: ledger.Registered})
		must(f.t, err)
		claim := func(fn func(tx *store.Tx) ([]ledger.Change, error)) {
			must(f.t, f.db.Write(f.t.Context(), dbtest.Facility, func(tx *store.Tx) error { _, err := fn(tx); return err }))
		}
		claim(func(tx *store.Tx) ([]ledger.Change, error) { // over SNMP
			return f.Claim(f.t.Context(), tx, ids[1], []netid.MAC{mac(1)}, nil)
		})
		claim(func(tx *store.Tx) ([]ledger.Change, error) { // over LLDP
			return f.ClaimByAddress(f.t.Context(), tx, "10.0.0.1", mac(2))
		})
		if f.total() != 2 {
			f.t.Fatal("the newcomer was merged into the device that it named")
		}
		if list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Proposed); err != nil || len(list) != 1 {
			f.t.Errorf("proposals: %+v, %v", list, err)
		}
		list := func(mutual bool) {
			claim(func(tx *store.Tx) ([]ledger.Change, error) { // the known device's own list
				return f.Claim(f.t.Context(), tx, ids[0], []netid.MAC{mac(2)}, map[netid.MAC]bool{mac(2): mutual})
			})
		}
		if list(false); f.total() != 2 {
			f.t.Error("a card with an address of its own was joined on the word of one side")
		}
		if list(true); f.total() != 1 {
			f.t.Error("two agents that list each other's cards were not joined")
		}
	})
}

// A port has no address. One that was joined for that reason, and then shows an address, is a device of its own until a person says otherwise.
func TestAPortThatShowsAnAddressIsTakenApart(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.1", t0), seen(mac(2), "", t0))
		must(f.t, f.db.Write(f.t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := f.ClaimByAddress(f.t.Context(), tx, "10.0.0.1", mac(2))
			return err
		}))
		if f.total() != 1 {
			f.t.Fatal("the port was not joined with its device")
		}
		_, err := f.Edit(f.t.Context(), dbtest.Facility, ids[0], 0, ledger.Patch{State: ledger.Registered})
		must(f.t, err)
		again, changes := f.sight(seen(mac(2), "10.0.0.66", t0.Add(time.Hour)))
		if f.total() != 2 || again[0] != ids[1] || f.get(ids[1]).State != ledger.New {
			f.t.Fatalf("%d devices, %v: a device hides behind a registered one as its port", f.total(), kinds(changes))
		}
		if f.get(ids[0]).State != ledger.Registered {
			f.t.Error("the registered device lost its state")
		}
		if list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Proposed); err != nil || len(list) != 1 {
			f.t.Errorf("proposals: %+v, %v", list, err)
		}
	})
}

// Neither a merge nor a split takes protection away from a card.
func TestMergeAndSplitKeepProtection(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0.Add(time.Minute)))
		f.identify(ids[0], ledger.Identity{Kind: "infusion-pump", Medical: true})
		f.edit(ids[1], map[string]string{"medical": "false"})
		_, err := f.Merge(f.t.Context(), dbtest.Facility, ids[0], ids[1], "")
		must(f.t, err)
		if d := f.get(ids[0]); !d.Medical() {
			f.t.Error("what a person said of the one card unprotected the other")
		}
		more, _ := f.sight(seen(mac(3), "10.0.0.7", t0), seen(mac(4), "10.0.0.8", t0))
		yes := true
		_, err = f.Edit(f.t.Context(), dbtest.Facility, more[0], 0, ledger.Patch{Fields: map[string]string{"medical": "true", "mac_text": mac(9).String()}, NeverTouch: &yes})
		must(f.t, err)
		out, err := f.Split(f.t.Context(), dbtest.Facility, more[0], []netid.MAC{mac(9)}, "")
		must(f.t, err)
		if !out.NeverTouch || !out.Medical() {
			f.t.Errorf("the card that was split off lost its protection: %+v", out)
		}
	})
}
