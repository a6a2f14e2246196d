package ledger_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kenshin/blob"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

func TestADeviceKeepsItsPlaceWhenDHCPGivesItAnotherAddress(t *testing.T) {
	each(t, func(f *fixture) {
		a, changes := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(1), "fe80::1", t0))
		if a[0] == "" || a[0] != a[1] || !slices.Equal(kinds(changes), []ledger.ChangeKind{ledger.DeviceFound}) {
			f.t.Fatalf("%v %v", a, kinds(changes))
		}
		b, changes := f.sight(seen(mac(1), "10.0.0.77", t0.Add(48*time.Hour)))
		if b[0] != a[0] || len(changes) != 1 || changes[0].Kind != ledger.AddressChanged || changes[0].Before != "10.0.0.5" || changes[0].After != "10.0.0.77" {
			f.t.Fatalf("%v %+v", b, changes)
		}
		d := f.get(a[0])
		if got := d.IPv4(); !slices.Equal(got, []netip.Addr{netip.MustParseAddr("10.0.0.77")}) {
			f.t.Errorf("current addresses %v", got)
		}
		all, err := f.Addresses(f.t.Context(), dbtest.Facility, a[0])
		if err != nil || len(all) != 3 {
			f.t.Errorf("history has %d addresses, %v", len(all), err)
		}
		c, changes := f.sight(seen(mac(2), "10.0.0.77", t0.Add(49*time.Hour))) // the address goes to another device
		if c[0] == a[0] || f.total() != 2 || !slices.Contains(kinds(changes), ledger.DeviceFound) {
			f.t.Errorf("an address carried a device along: %v %v", c, kinds(changes))
		}
		again, changes := f.sight(seen(mac(1), "10.0.0.5", t0)) // a retry of what is known
		if again[0] != a[0] || len(changes) != 0 {
			f.t.Errorf("a retry changed something: %+v", changes)
		}
	})
}

func TestARoutedHostBecomesItsMACsDevice(t *testing.T) {
	each(t, func(f *fixture) {
		r, _ := f.sight(seen(netid.MAC{}, "10.9.0.5", t0))
		f.edit(r[0], map[string]string{"name": "遠隔読影サーバ"})
		a, changes := f.sight(seen(mac(1), "10.9.0.5", t0.Add(time.Hour)))
		if a[0] != r[0] || f.total() != 1 || !slices.Contains(kinds(changes), ledger.CardFound) {
			f.t.Fatalf("%v, want %v; %v", a, r, kinds(changes))
		}
		d := f.get(r[0])
		if len(d.Interfaces) != 1 || d.Interfaces[0].MAC != mac(1) || !d.FirstSeen.Equal(t0) || d.Word.Name == "" {
			f.t.Errorf("%+v", d)
		}
		b, _ := f.sight(seen(netid.MAC{}, "10.9.0.5", t0.Add(2*time.Hour))) // an echo, without the MAC
		if b[0] != r[0] || f.total() != 1 || !f.get(r[0]).LastSeen.Equal(t0.Add(2*time.Hour)) {
			f.t.Errorf("the echo went to %v", b)
		}
	})
}

func TestAKnownMACFoldsTheRoutedHost(t *testing.T) {
	each(t, func(f *fixture) {
		known, _ := f.sight(seen(mac(1), "10.0.0.5", t0.Add(-time.Hour)))
		routed, _ := f.sight(ledger.Sighting{Segment: "s2", IP: netip.MustParseAddr("10.9.0.5"), Signal: "icmp.echo", At: t0})
		told, changes := f.sight(ledger.Sighting{Segment: "s2", MAC: mac(1), IP: netip.MustParseAddr("10.9.0.5"), Signal: "snmp.arp", At: t0.Add(time.Minute)})
		if f.total() != 1 || !slices.Contains(kinds(changes), ledger.Merged) {
			f.t.Fatalf("%d devices, %v", f.total(), kinds(changes))
		}
		if f.get(routed[0]).ID != told[0] || f.get(known[0]).ID != told[0] {
			f.t.Error("an id from before leads elsewhere")
		}
		subjects, err := f.Subjects(f.t.Context(), dbtest.Facility, told[0])
		must(f.t, err)
		var keys []string
		for _, s := range subjects {
			keys = append(keys, s.Key)
		}
		slices.Sort(keys)
		if diff := cmp.Diff([]string{"ip:s1:10.0.0.5", "ip:s2:10.9.0.5", "mac:" + mac(1).String()}, keys); diff != "" {
			f.t.Error(diff)
		}
	})
}

func TestARouterThatAnswersForOthersSwallowsNobody(t *testing.T) {
	each(t, func(f *fixture) {
		var routed, proxied []ledger.Sighting
		for n := range 20 {
			routed = append(routed, seen(netid.MAC{}, fmt.Sprintf("10.9.0.%d", n+1), t0))
			proxied = append(proxied, seen(mac(1), fmt.Sprintf("10.9.0.%d", n+1), t0.Add(time.Minute)))
		}
		f.sight(routed...)
		f.sight(proxied...)
		if n := f.total(); n != 21 {
			f.t.Errorf("%d devices, want 20 and the router", n)
		}
	})
}

func TestVirtualRouterAddressTiesNothing(t *testing.T) {
	each(t, func(f *fixture) {
		vrrp := netid.MAC{0, 0, 0x5e, 0, 1, 9}
		ids, _ := f.sight(seen(mac(1), "10.0.0.2", t0), seen(mac(2), "10.0.0.3", t0), seen(vrrp, "10.0.0.1", t0), seen(vrrp, "10.0.0.1", t0.Add(time.Hour)))
		if ids[0] == ids[1] || ids[2] != ids[3] || ids[2] == ids[0] || ids[2] == ids[1] {
			f.t.Errorf("%v", ids)
		}
	})
}

// What a device says of itself may be said by anybody: it is proposed, and joins nothing.
func TestADevicesOwnWordsAreOnlyProposed(t *testing.T) {
	for name, words := range map[string]ledger.Identity{
		"a serial number":     {Kind: "server", Maker: "Fujitsu", Serial: "MA7N012345"},
		"the names of a PC":   {Kind: "pc", Ties: ledger.Ties{NetBIOS: "KENSA-01", DNS: "kensa-01.hospital.local"}},
		"a telephone's words": {Kind: "smartphone", Ties: ledger.Ties{Host: "suzuki-no-pixel", DHCP: "1,3,6|android"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(f *fixture) {
				known, _ := f.sight(seen(random(1), "10.0.0.5", t0.Add(-time.Hour)))
				_, err := f.Edit(f.t.Context(), dbtest.Facility, known[0], 0, ledger.Patch{State: ledger.Registered})
				must(f.t, err)
				f.identify(known[0], words)
				fresh, _ := f.sight(seen(random(2), "10.0.0.6", t0))
				changes := f.identify(fresh[0], words)
				if !slices.Contains(kinds(changes), ledger.MergeProposed) || f.total() != 2 || f.get(fresh[0]).State != ledger.New {
					f.t.Fatalf("%v, %d devices: a newcomer hid behind a registered device by its words", kinds(changes), f.total())
				}
				list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Proposed)
				must(f.t, err)
				if len(list) != 1 {
					f.t.Fatalf("%d proposals", len(list))
				}
				must(f.t, f.Accept(f.t.Context(), dbtest.Facility, list[0].ID))
				if f.total() != 1 || len(f.get(fresh[0]).Interfaces) != 2 {
					f.t.Error("what a person accepted was not joined")
				}
				must(f.t, f.Undo(f.t.Context(), dbtest.Facility, onlyDone(f).ID))
				if again := f.identify(fresh[0], words); f.total() != 2 || slices.Contains(kinds(again), ledger.MergeProposed) {
					f.t.Error("proposed again after a person said that they are two")
				}
			})
		})
	}
}

func onlyDone(f *fixture) ledger.Merge {
	f.t.Helper()
	list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Done)
	must(f.t, err)
	if len(list) != 1 {
		f.t.Fatalf("%d merges", len(list))
	}
	return list[0]
}

// A telephone that changes its MAC each day asks one question a day, not one for each MAC that it ever had.
func TestATelephonesManyMACsAskOneQuestionEach(t *testing.T) {
	each(t, func(f *fixture) {
		words := ledger.Identity{Kind: "smartphone", Ties: ledger.Ties{Host: "suzuki-no-pixel", DHCP: "1,3,6|android"}}
		for day := range 5 {
			ids, _ := f.sight(seen(random(day+1), fmt.Sprintf("10.0.0.%d", day+1), t0.AddDate(0, 0, day)))
			f.identify(ids[0], words)
		}
		list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Proposed)
		if err != nil || len(list) != 4 {
			f.t.Errorf("%d proposals for five MACs, %v", len(list), err)
		}
	})
}

func TestAChangedMACIsProposedNotDone(t *testing.T) {
	each(t, func(f *fixture) {
		old, _ := f.sight(seen(mac(1), "10.0.0.5", t0.AddDate(0, 0, -3)))
		pc := ledger.Identity{Kind: "pc", Name: "kensa-03", Ties: ledger.Ties{Host: "kensa-03", DHCP: "1,3,6,15|MSFT 5.0"}}
		f.identify(old[0], pc)
		fresh, _ := f.sight(seen(mac(2), "10.0.0.5", t0))
		if changes := f.identify(fresh[0], pc); !slices.Contains(kinds(changes), ledger.MergeProposed) || f.total() != 2 {
			f.t.Fatalf("%v", kinds(changes))
		}
		if changes := f.identify(fresh[0], pc); len(changes) != 0 {
			f.t.Errorf("proposed twice: %v", kinds(changes))
		}
		list, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Proposed)
		if err != nil || len(list) != 1 || len(list[0].Reasons) == 0 {
			f.t.Fatalf("%+v, %v", list, err)
		}
		must(f.t, f.Accept(f.t.Context(), dbtest.Facility, list[0].ID))
		if f.total() != 1 || f.get(fresh[0]).ID != f.get(old[0]).ID {
			f.t.Error("not merged")
		}
	})
}

func TestASpoofedNameUnprotectsNobody(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0))
		f.edit(ids[0], map[string]string{"medical": "false"})
		f.identify(ids[0], ledger.Identity{Kind: "pc", Serial: "SAME12345"})
		f.identify(ids[1], ledger.Identity{Kind: "patient-monitor", Serial: "SAME12345", Medical: true})
		if f.total() != 2 || !f.get(ids[1]).Medical() {
			f.t.Error("a device that a person calls not medical swallowed a medical one")
		}
		f.identify(ids[1], ledger.Identity{Kind: "pc"})
		if !f.get(ids[1]).Medical() {
			f.t.Error("a later signal took the protection away")
		}
	})
}

func TestMergeAndUndoRestoreExactly(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0.Add(time.Minute)))
		f.identify(ids[0], ledger.Identity{Kind: "pc", Maker: "NEC"}, ledger.Service{Port: 445, Proto: "tcp", Name: "smb", Last: t0})
		f.identify(ids[1], ledger.Identity{Kind: "nas", Medical: true}, ledger.Service{Port: 445, Proto: "tcp", Name: "smb", Last: t0}, ledger.Service{Port: 21, Proto: "tcp", Name: "ftp", Last: t0})
		f.edit(ids[0], map[string]string{"name": "受付1"})
		f.edit(ids[1], map[string]string{"name": "受付2", "owner": "鈴木", "extra.棚番": "B-3"})
		yes := true
		_, err := f.Edit(f.t.Context(), dbtest.Facility, ids[1], 0, ledger.Patch{State: ledger.Registered, NeverTouch: &yes})
		must(f.t, err)
		system, err := f.SaveSystem(f.t.Context(), dbtest.Facility, ledger.System{Name: "電子カルテ", Kind: "emr", Devices: []netid.DeviceID{ids[1]}})
		must(f.t, err)
		before := []*ledger.Device{f.get(ids[0]), f.get(ids[1])}

		id, err := f.Merge(asPerson(f.t.Context(), "佐藤"), dbtest.Facility, ids[0], ids[1], "二枚挿し")
		must(f.t, err)
		d := f.get(ids[1])
		if d.ID != ids[0] || d.Word.Name != "受付1" || d.Word.Owner != "鈴木" || d.Word.Extra["棚番"] != "B-3" || len(d.Interfaces) != 2 || len(d.Services) != 2 ||
			!d.NeverTouch || !d.Medical() || d.State != ledger.Registered || !slices.Contains(d.Systems, system.ID) || !d.LastSeen.Equal(t0.Add(time.Minute)) {
			f.t.Errorf("merged: %+v", d)
		}
		if f.total() != 1 {
			f.t.Errorf("%d in the list", f.total())
		}
		history, _, err := f.History(f.t.Context(), dbtest.Facility, string(ids[0]), "", 100)
		must(f.t, err)
		if i := slices.IndexFunc(history, func(e ledger.Entry) bool { return e.Kind == ledger.Merged }); i < 0 || history[i].Actor.Name != "佐藤" || history[i].Reason != "二枚挿し" {
			f.t.Errorf("the history does not tell the merge: %+v", history)
		}
		must(f.t, f.Undo(f.t.Context(), dbtest.Facility, id))
		after := []*ledger.Device{f.get(ids[0]), f.get(ids[1])}
		if diff := cmp.Diff(before, after, cmpopts.IgnoreUnexported(ledger.Device{}, netip.Addr{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
			cmpopts.IgnoreFields(ledger.Device{}, "Revision", "ChangedAt"), cmpopts.EquateEmpty()); diff != "" {
			f.t.Error(diff)
		}
		if err := f.Undo(f.t.Context(), dbtest.Facility, id); !fault.Is(err, fault.Conflict) {
			f.t.Errorf("undone twice: %v", err)
		}
	})
}

func TestSplitAndUndo(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0), seen(mac(3), "10.0.0.7", t0))
		for _, other := range ids[1:] {
			_, err := f.Merge(f.t.Context(), dbtest.Facility, ids[0], other, "")
			must(f.t, err)
		}
		if _, err := f.Split(f.t.Context(), dbtest.Facility, ids[0], []netid.MAC{mac(1), mac(2), mac(3)}, ""); !fault.Is(err, fault.Invalid) {
			f.t.Errorf("nothing was left: %v", err)
		}
		if _, err := f.Split(f.t.Context(), dbtest.Facility, ids[0], []netid.MAC{mac(9)}, ""); !fault.Is(err, fault.Invalid) {
			f.t.Errorf("somebody else's MAC: %v", err)
		}
		out, err := f.Split(f.t.Context(), dbtest.Facility, ids[0], []netid.MAC{mac(2)}, "別の機器")
		must(f.t, err)
		if out.ID != ids[1] || f.total() != 2 {
			f.t.Errorf("splitting what a merge brought: %v, want the old entry %v", out.ID, ids[1])
		}
		fresh, err := f.Split(f.t.Context(), dbtest.Facility, ids[0], []netid.MAC{mac(1)}, "")
		must(f.t, err)
		if len(fresh.Interfaces) != 1 || f.total() != 3 {
			f.t.Errorf("%+v", fresh)
		}
		got, _ := f.sight(seen(mac(1), "10.0.0.5", t0.Add(time.Hour)))
		if got[0] != fresh.ID {
			f.t.Errorf("the card's sighting goes to %v", got[0])
		}
		done, err := f.Merges(f.t.Context(), dbtest.Facility, ledger.Done)
		must(f.t, err)
		i := slices.IndexFunc(done, func(m ledger.Merge) bool { return m.Split })
		must(f.t, f.Undo(f.t.Context(), dbtest.Facility, done[i].ID))
		if d := f.get(fresh.ID); d.ID != ids[0] || len(d.Interfaces) != 2 {
			f.t.Errorf("after undoing: %+v", d)
		}
	})
}

func TestEditsAreComparedAndTold(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0))
		d := f.get(ids[0])
		f.identify(ids[0], ledger.Identity{Kind: "pc", Maker: "NEC"}) // what the machine does is no reason to refuse a person
		_, err := f.Edit(asPerson(f.t.Context(), "鈴木"), dbtest.Facility, ids[0], d.Revision, ledger.Patch{Fields: map[string]string{"maker": "富士通", "purchased": "令和6年4月1日"}})
		must(f.t, err)
		_, err = f.Edit(asPerson(f.t.Context(), "佐藤"), dbtest.Facility, ids[0], d.Revision, ledger.Patch{Fields: map[string]string{"maker": "Dell"}})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), "鈴木") {
			f.t.Errorf("a second edit of the same revision: %v", err)
		}
		f.identify(ids[0], ledger.Identity{Kind: "pc", Maker: "NEC", OS: "Windows"})
		d = f.get(ids[0])
		if d.Word.Maker != "富士通" || d.Identity.Maker != "NEC" || d.Maker() != "富士通" || d.Word.Purchased != "2024-04-01" || len(ledger.Conflicts(d)) != 1 {
			f.t.Errorf("%+v %+v", d.Word, d.Identity)
		}
		p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{Conflicts: true})
		if err != nil || p.Total != 1 || p.Counts.Conflicts != 1 {
			f.t.Errorf("%+v, %v", p, err)
		}
		history, _, err := f.History(f.t.Context(), dbtest.Facility, string(ids[0]), "", 100)
		must(f.t, err)
		i := slices.IndexFunc(history, func(e ledger.Entry) bool { return e.Field == "maker" && e.Kind == ledger.Edited })
		if i < 0 || history[i].After != "富士通" || history[i].Actor.Name != "鈴木" {
			f.t.Errorf("%+v", history)
		}
		if _, err := f.Edit(f.t.Context(), dbtest.Facility, ids[0], 0, ledger.Patch{Fields: map[string]string{"purchased": "いつか"}}); !fault.Is(err, fault.Invalid) {
			f.t.Errorf("a date that is none: %v", err)
		}
		if _, err := f.Get(f.t.Context(), dbtest.Canary, ids[0]); !fault.Is(err, fault.NotFound) {
			f.t.Errorf("another facility sees the device: %v", err)
		}
	})
}

func TestALineOfTheLedgerIsFoundOnTheWire(t *testing.T) {
	each(t, func(f *fixture) {
		d, err := f.Add(asPerson(f.t.Context(), "佐藤"), dbtest.Facility, ledger.Word{Name: "心電計1", MACText: "００－１Ａ－２Ｂ－００－００－０１", IPText: "10.0.0.9"}, "", "購入")
		must(f.t, err)
		byIP, err := f.Add(f.t.Context(), dbtest.Facility, ledger.Word{Name: "超音波", IPText: "10.0.0.8"}, "", "")
		must(f.t, err)
		p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{NeverSeen: true})
		if err != nil || p.Total != 2 {
			f.t.Fatalf("%d never seen, %v", p.Total, err)
		}
		ids, changes := f.sight(seen(mac(1), "10.0.0.9", t0), seen(mac(2), "10.0.0.8", t0))
		if ids[0] != d.ID || !slices.Contains(kinds(changes), ledger.DeviceConfirm) || ids[1] == byIP.ID {
			f.t.Errorf("%v %v", ids, kinds(changes))
		}
		if changes := f.identify(ids[1], ledger.Identity{Kind: "modality"}); !slices.Contains(kinds(changes), ledger.MergeProposed) {
			f.t.Errorf("the address that people wrote: %v", kinds(changes))
		}
		if err := f.Remove(f.t.Context(), dbtest.Facility, d.ID, ""); !fault.Is(err, fault.Conflict) {
			f.t.Errorf("a device that was seen was removed: %v", err)
		}
		must(f.t, f.Remove(f.t.Context(), dbtest.Facility, byIP.ID, "取り込みの取り消し"))
	})
}

func TestSilenceAndRetirementAreTold(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0))
		f.clock.at = t0.Add(time.Hour)
		_, err := f.Edit(f.t.Context(), dbtest.Facility, ids[1], 0, ledger.Patch{State: ledger.Retired, Reason: "更新"})
		must(f.t, err)
		_, changes := f.sight(seen(mac(1), "10.0.0.5", t0.AddDate(0, 0, 10)), seen(mac(2), "10.0.0.6", t0.AddDate(0, 0, 10)))
		if diff := cmp.Diff([]ledger.ChangeKind{ledger.DeviceBack, ledger.RetiredSeen}, kinds(changes)); diff != "" {
			f.t.Error(diff)
		}
		if f.total() != 1 {
			f.t.Error("the retired one is in the list")
		}
	})
}

func TestListFindsSortsAndPages(t *testing.T) {
	each(t, func(f *fixture) {
		var list []ledger.Sighting
		for n := range 30 {
			list = append(list, seen(mac(n), fmt.Sprintf("10.0.0.%d", n+1), t0.Add(time.Duration(n)*time.Minute)))
		}
		ids, _ := f.sight(list...)
		for n, id := range ids[:20] {
			f.edit(id, map[string]string{"name": fmt.Sprintf("端末%d", n), "department": []string{"放射線科", "検査科"}[n%2], "building": "本館", "floor": "3階", "room": "ＭＲＩ室"})
		}
		for _, sort := range ledger.Sorts() {
			for _, desc := range []bool{false, true} {
				var got []netid.DeviceID
				q := ledger.Query{Sort: sort, Desc: desc, Limit: 7}
				for {
					p, err := f.List(f.t.Context(), dbtest.Facility, q)
					must(f.t, err)
					for _, d := range p.Devices {
						got = append(got, d.ID)
					}
					if q.Cursor = p.Next; p.Next == "" || len(got) > 60 {
						break
					}
				}
				slices.Sort(got)
				if len(got) != 30 || len(slices.Compact(got)) != 30 {
					f.t.Errorf("%s %v: %d devices over all pages", sort, desc, len(got))
				}
			}
		}
		p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{Sort: ledger.ByName, Limit: 12})
		must(f.t, err)
		if p.Devices[2].Word.Name != "端末2" || p.Devices[11].Word.Name != "端末11" {
			f.t.Errorf("names sort as %q, %q", p.Devices[2].Word.Name, p.Devices[11].Word.Name)
		}
		for text, want := range map[string]int{"タンマツ": 0, "端末１": 11, "MRI": 20, "mri 検査科": 10, "10.0.0.3": 2, "00-1A-2B-00-00-05": 1, "001a.2b00.0005": 1, "%": 0} {
			p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{Text: text})
			if err != nil || p.Total != want && !(text == "10.0.0.3" && p.Total > 0) {
				f.t.Errorf("%q finds %d, want %d; %v", text, p.Total, want, err)
			}
		}
		n, err := f.BulkEdit(asPerson(f.t.Context(), "佐藤"), dbtest.Facility, ids, ledger.Patch{State: ledger.Registered, Fields: map[string]string{"owner": "佐藤"}})
		if err != nil || n != 30 {
			f.t.Errorf("%d changed, %v", n, err)
		}
		p, err = f.List(f.t.Context(), dbtest.Facility, ledger.Query{Departments: []string{"検査科"}, States: []ledger.State{ledger.New}})
		if err != nil || p.Total != 0 || p.Counts.Registered != 10 || p.Counts.NoOwner != 0 {
			f.t.Errorf("%+v, %v", p.Counts, err)
		}
		if _, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{Cursor: "!!"}); !fault.Is(err, fault.Invalid) {
			f.t.Errorf("a broken cursor: %v", err)
		}
	})
}

func TestTwoSweepsSightTheSameNewDevicesAtOnce(t *testing.T) {
	each(t, func(f *fixture) {
		done := make(chan error)
		for copyNo := range 4 {
			go func() {
				var list []ledger.Sighting
				for n := range 50 {
					n = (n*3 + copyNo*11) % 50
					list = append(list, seen(mac(n), fmt.Sprintf("10.0.0.%d", n+1), t0.Add(time.Duration(copyNo)*time.Second)),
						seen(netid.MAC{}, fmt.Sprintf("10.9.0.%d", n+1), t0))
				}
				done <- f.db.Write(f.t.Context(), dbtest.Facility, func(tx *store.Tx) error {
					_, err := f.Sight(f.t.Context(), tx, list)
					return err
				})
			}()
		}
		for range 4 {
			must(f.t, <-done)
		}
		if n := f.total(); n != 100 {
			f.t.Errorf("%d devices, want 100", n)
		}
	})
}

func TestSystemsKeepTheirHistory(t *testing.T) {
	each(t, func(f *fixture) {
		ids, _ := f.sight(seen(mac(1), "10.0.0.5", t0), seen(mac(2), "10.0.0.6", t0))
		s, err := f.SaveSystem(f.t.Context(), dbtest.Facility, ledger.System{Name: "画像", Kind: "pacs", Hosting: ledger.OnPremises, Devices: ids, Impact: ledger.ImpactHigh})
		must(f.t, err)
		changed := *s
		changed.Vendor = "富士フイルム"
		changed.Devices = ids[:1]
		_, err = f.SaveSystem(asPerson(f.t.Context(), "鈴木"), dbtest.Facility, changed)
		must(f.t, err)
		if _, err := f.SaveSystem(f.t.Context(), dbtest.Facility, *s); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err, "ja"), "鈴木") {
			f.t.Errorf("an old revision: %v", err)
		}
		got, err := f.System(f.t.Context(), dbtest.Facility, s.ID)
		if err != nil || got.Vendor != "富士フイルム" || len(got.Devices) != 1 || got.Impact != ledger.ImpactHigh {
			f.t.Errorf("%+v, %v", got, err)
		}
		p, err := f.List(f.t.Context(), dbtest.Facility, ledger.Query{System: s.ID})
		if err != nil || p.Total != 1 || !slices.Contains(p.Devices[0].Systems, s.ID) {
			f.t.Errorf("%+v, %v", p, err)
		}
		history, _, err := f.History(f.t.Context(), dbtest.Facility, s.ID, "", 50)
		if err != nil || !slices.ContainsFunc(history, func(e ledger.Entry) bool { return e.Field == "vendor" && e.Actor.Name == "鈴木" }) {
			f.t.Errorf("%+v, %v", history, err)
		}
		a, err := f.Attach(f.t.Context(), dbtest.Facility, blob.Attachment{Owner: string(ids[0]), File: "b1", Name: "保守契約.pdf"})
		must(f.t, err)
		files, err := f.Attachments(f.t.Context(), dbtest.Facility, string(ids[0]))
		if err != nil || len(files) != 1 || files[0].Name != "保守契約.pdf" {
			f.t.Errorf("%+v, %v", files, err)
		}
		must(f.t, f.Detach(f.t.Context(), dbtest.Facility, a.ID))
		if err := f.Detach(f.t.Context(), dbtest.Facility, a.ID); !fault.Is(err, fault.NotFound) {
			f.t.Errorf("taken off twice: %v", err)
		}
		must(f.t, f.RemoveSystem(f.t.Context(), dbtest.Facility, s.ID, 0))
	})
}
