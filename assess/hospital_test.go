package assess_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"kenshin/assess"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
)

// hospital is one facility of a rig, furnished through the packages that a real one is furnished through.
type hospital struct {
	*rig
	t *testing.T
	f facility.ID
	n int // cards given out
}

func (r *rig) hospital(t *testing.T, n int) *hospital {
	t.Helper()
	r.now = now
	return &hospital{rig: r, t: t, f: facility.ID(fmt.Sprintf("01990000-0000-7000-8000-%012x", 0x1000+n))}
}

func (h *hospital) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// at does something on an earlier day.
func (h *hospital) at(days int, do func()) {
	was := h.now
	h.now = was.AddDate(0, 0, -days)
	do()
	h.now = was
}

// devices puts n PCs on the network that were first seen long ago and last some days ago, in a state of the ledger.
func (h *hospital) devices(n, lastDays int, state ledger.State) []netid.DeviceID {
	return h.seen(n, 300, lastDays, state)
}

func (h *hospital) seen(n, firstDays, lastDays int, state ledger.State) (ids []netid.DeviceID) {
	h.t.Helper()
	var first, last []ledger.Sighting
	for range n {
		h.n++
		mac := netid.MAC{0, 0x11, 0x22, 0x33, byte(h.n >> 8), byte(h.n)}
		ip := netip.AddrFrom4([4]byte{10, 0, byte(h.n >> 8), byte(h.n)})
		first = append(first, ledger.Sighting{MAC: mac, IP: ip, Signal: "arp", At: h.now.AddDate(0, 0, -firstDays)})
		last = append(last, ledger.Sighting{MAC: mac, IP: ip, Signal: "arp", At: h.now.AddDate(0, 0, -lastDays)})
	}
	h.must(h.db.Write(h.ctx, h.f, func(tx *store.Tx) error {
		got, err := h.books.Ledger.Sight(h.ctx, tx, first)
		if err != nil {
			return err
		}
		ids = got.Devices
		if _, err = h.books.Ledger.Sight(h.ctx, tx, last); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := h.books.Ledger.SetIdentity(h.ctx, tx, id, ledger.Identity{Kind: "pc", OS: "Windows", OSVersion: "11", Confidence: 1}, nil); err != nil {
				return err
			}
			if state != ledger.New {
				if _, err := h.books.Ledger.EditTx(h.ctx, tx, id, 0, ledger.Patch{State: state, Reason: "test"}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	return ids
}

// written adds devices by hand that were never seen.
func (h *hospital) written(n int) {
	h.t.Helper()
	for i := range n {
		_, err := h.books.Ledger.Add(h.ctx, h.f, ledger.Word{Name: fmt.Sprintf("端末%d", i+1), Kind: "pc"}, ledger.Registered, "")
		h.must(err)
	}
}

// asked notes that devices told what they offer.
func (h *hospital) asked(ids []netid.DeviceID, days int) {
	h.t.Helper()
	var obs []observation.Observation
	list, err := h.books.Ledger.Devices(h.ctx, h.f, ids)
	h.must(err)
	for _, d := range list {
		obs = append(obs, observation.Observation{Sensor: "local", MAC: d.Interfaces[0].MAC, IP: d.Interfaces[0].IPv4[0], Signal: observation.Asked, Value: "complete", At: h.now.AddDate(0, 0, -days)})
	}
	h.must(h.books.Seen.Add(h.ctx, h.f, obs))
}

// weak makes a finding of a check on a device.
func (h *hospital) weak(check string, id netid.DeviceID) {
	h.t.Helper()
	h.must(h.db.Write(h.ctx, h.f, func(tx *store.Tx) error {
		_, err := h.books.Findings.Record(h.ctx, tx, []finding.Result{{Check: check, Version: "1", Device: id, Outcome: finding.Found, Severity: finding.High, Text: finding.Text{Title: i18n.Text{Ja: check}}}})
		return err
	}))
}

// segment approves a segment: from then on something should be seen.
func (h *hospital) segment() {
	h.t.Helper()
	id, err := h.books.Gates.Propose(h.ctx, h.f, gate.Segment{Name: "本館", Prefix: netip.MustParsePrefix("10.0.0.0/16"), Interface: "eth9"})
	h.must(err)
	h.must(h.books.Gates.Approve(h.ctx, h.f, id))
}

func (h *hospital) systems(names ...string) (ids []string) {
	h.t.Helper()
	for _, n := range names {
		s, err := h.books.Ledger.SaveSystem(h.ctx, h.f, ledger.System{Name: n})
		h.must(err)
		ids = append(ids, s.ID)
	}
	return ids
}

// row adds a row to a register: key, value, key, value...
func (h *hospital) row(kind string, pairs ...string) {
	h.t.Helper()
	_, err := h.books.Registers.Save(h.ctx, h.f, rowOf(kind, pairs))
	h.must(err)
}

// refused says that a register does not take a row.
func (h *hospital) refused(kind string, pairs ...string) {
	h.t.Helper()
	if _, err := h.books.Registers.Save(h.ctx, h.f, rowOf(kind, pairs)); !fault.Is(err, fault.Invalid) {
		h.t.Errorf("the register %s took %v: %v", kind, pairs, err)
	}
}

func values(pairs []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

func (h *hospital) vendor(name string) string {
	h.t.Helper()
	v, err := h.books.Suppliers.Save(h.ctx, h.f, supplier.Supplier{Name: name})
	h.must(err)
	return v.ID
}

// iso is the day some days ago.
func iso(days int) string { return ago(days).Format(time.DateOnly) }

// claim answers an item; what the house refuses to take is no answer.
func (h *hospital) claim(catalogueID, subject, item string, c assess.Claim) {
	h.t.Helper()
	a, err := h.Assessment(h.ctx, h.f, catalogueID, subject)
	h.must(err)
	i, _ := a.Item(item)
	if _, err := h.SaveClaim(h.ctx, h.f, catalogueID, subject, item, i.Revision, c, "", ""); err != nil && !fault.Is(err, fault.Invalid) {
		h.t.Fatal(err)
	}
}

// state is what is shown beside an item after the checks ran.
func (h *hospital) state(catalogueID, subject, item string) assess.State {
	h.t.Helper()
	h.must(h.Recompute(h.ctx, h.f))
	a, err := h.Assessment(h.ctx, h.f, catalogueID, subject)
	h.must(err)
	i, ok := a.Item(item)
	if !ok {
		h.t.Fatalf("no item %s", item)
	}
	return i.State
}

func rowOf(kind string, pairs []string) register.Row {
	return register.Row{Kind: kind, Values: values(pairs)}
}
