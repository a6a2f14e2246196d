package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
)

// TestWhatPeopleChangeIsInTheTrail edits the ledger as a person, and takes protection away as somebody who may not.
func TestWhatPeopleChangeIsInTheTrail(t *testing.T) {
	root := actor.With(t.Context(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	h, err := Open(root, Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	fac, err := h.Account.AddFacility(root, account.Facility{Name: "みなと病院"})
	if err != nil {
		t.Fatal(err)
	}
	f := fac.ID
	as := func(r actor.Role) context.Context {
		return actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "佐藤 恵", Role: r})
	}
	entries := func() (out []trail.Entry) {
		err := h.DB.Read(root, f, func(tx *store.Tx) (err error) {
			out, _, err = trail.List(root, tx, trail.Filter{Action: "device."})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	yes := true
	d, err := h.Ledger.Add(as(actor.Department), f, ledger.Word{Name: "輸液ポンプ", Medical: &yes}, ledger.Registered, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Ledger.Edit(as(actor.Department), f, d.ID, 0, ledger.Patch{Fields: map[string]string{"room": "302", "notes": strings.Repeat("長い", 900)}})
	if err != nil {
		t.Fatal(err)
	}
	list := entries()
	if len(list) != 2 || list[0].Action != "device.edit" || list[1].Action != "device.add" || list[0].Subject.ID != string(d.ID) || list[0].Actor.Name != "佐藤 恵" {
		t.Fatalf("the trail: %+v", list)
	}
	if detail, _ := json.Marshal(list[0].Detail); !strings.Contains(string(detail), `"after":"302"`) {
		t.Errorf("the edit's fields are not in its entry: %s", detail)
	}
	off := ledger.Patch{Fields: map[string]string{"medical": "false"}}
	if _, err := h.Ledger.Edit(as(actor.Department), f, d.ID, 0, off); !fault.Is(err, fault.Denied) {
		t.Errorf("a department's member took protection away: %v", err)
	}
	if now, err := h.Ledger.Get(root, f, d.ID); err != nil || !now.Medical() || len(entries()) != 2 {
		t.Errorf("what was refused left something behind: %+v, %v", now, err)
	}
	if _, err := h.Ledger.Edit(as(actor.Admin), f, d.ID, 0, off); err != nil {
		t.Error(err)
	}
	var seen ledger.Sighted
	err = h.DB.Write(root, f, func(tx *store.Tx) (err error) {
		seen, err = h.Ledger.Sight(root, tx, []ledger.Sighting{{Segment: "", MAC: netid.MAC{0, 1, 2, 3, 4, 5}, IP: netip.MustParseAddr("10.0.0.9"), Signal: "arp", At: h.Now()}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.For(root, f)
	if err != nil {
		t.Fatal(err)
	}
	lan, err := h.Gates.Propose(as(actor.Admin), f, gate.Segment{Prefix: netip.MustParsePrefix("10.0.0.0/24"), Interface: "lo"})
	if err == nil {
		err = h.Gates.Approve(as(actor.Admin), f, lan)
	}
	if err == nil {
		_, err = h.Gates.Load(root, f, c.Gate)
	}
	if err != nil {
		t.Fatal(err)
	}
	marked := ledger.Patch{NeverTouch: &yes}
	if n, err := h.Ledger.BulkEdit(as(actor.Admin), f, seen.Devices, marked); err != nil || n != 1 {
		t.Errorf("a bulk edit: %d, %v", n, err)
	}
	if no := c.Gate.Host(lan, netip.MustParseAddr("10.0.0.9"), netid.MAC{}).May(gate.ARPRequest, 0); no == nil || no.Code != "never-touch" {
		t.Errorf("what was marked is not protected at once: %v", no)
	}
	before := len(entries())
	machine := actor.With(t.Context(), actor.Actor{Kind: actor.System, ID: "sweep"})
	if _, err := h.Ledger.Edit(machine, f, d.ID, 0, ledger.Patch{Fields: map[string]string{"room": "303"}}); err != nil || len(entries()) != before {
		t.Errorf("Kenshin's own work is no deed of a person: %d entries, %v", len(entries()), err)
	}
}
