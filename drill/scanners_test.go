package drill

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"kenshin/drill/hit"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestWhatMayBeWrittenDownAsAScanner(t *testing.T) {
	egress := []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}
	for _, c := range []struct{ net, agent, note, field, want string }{
		{"198.51.100.7", "", "検査", "", "198.51.100.7/32"},
		{" １９８.５１.１００.７／２４ ", "", "検査", "", "198.51.100.0/24"},
		{"::ffff:198.51.100.7", "", "検査", "", "198.51.100.7/32"},
		{"2001:db8:1::/48", "", "検査", "", "2001:db8:1::/48"},
		{"", "SafeGate-Check/3", "検査", "", ""},
		{"203.0.113.9", "SafeGate-Check", "院内", "", "203.0.113.9/32"},
		{"198.51.100.0/24", "Chrome/131", "砂場", "", "198.51.100.0/24"},
		{"", "", "検査", "net", "どちらか"},
		{"198.51.100.256", "", "検査", "net", "198.51.100.0/24"},
		{"0.0.0.0/0", "", "検査", "net", "/12"},
		{"::ffff:0:0/90", "", "検査", "net", "/12"},
		{"2001::/16", "", "検査", "net", "/32"},
		{"fe80::1%eth0", "", "検査", "net", "198.51.100.0/24"},
		{"203.0.113.0/24", "", "検査", "net", "病院の出口"},
		{"203.0.113.9", "Windows NT", "検査", "agent", "職員が使う"},
		{"", "Chrome/140", "検査", "agent", "職員が使う"},
		{"", "mozilla/5.0 (windows", "検査", "agent", "職員が使う"},
		{"", "abc", "検査", "agent", "4文字"},
		{"", strings.Repeat("x", 301), "検査", "agent", "300文字"},
		{"", "gate\x00way", "検査", "agent", "使えない"},
		{"198.51.100.7", "", "  ", "note", "どう確かめたか"},
		{"198.51.100.7", "", strings.Repeat("検", 201), "note", "200文字"},
	} {
		s, err := ReadScanner(c.net, c.agent, c.note, egress)
		bad, _ := errors.AsType[*ScannerError](err)
		switch {
		case c.field == "" && (err != nil || s.Net.IsValid() != (c.want != "") || c.want != "" && s.Net.String() != c.want):
			t.Errorf("%q %q: %v %v", c.net, c.agent, s.Net, err)
		case c.field != "" && (bad == nil || bad.Field != c.field || !strings.Contains(fault.Sentence(err, "ja"), c.want)):
			t.Errorf("%q %q %q: %v, want %s", c.net, c.agent, c.note, err, c.field)
		}
	}
}

// Whatever is taken can be followed, and never turns a browser of the staff into a machine.
func FuzzReadScanner(f *testing.F) {
	f.Add("198.51.100.0/24", "Gate", "note")
	f.Add("203.0.113.9", "Chrome/1", "note")
	f.Add("::/0", "\xff", "")
	rules, err := hit.Default()
	if err != nil {
		f.Fatal(err)
	}
	egress := []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}
	f.Fuzz(func(t *testing.T, network, agent, note string) {
		s, err := ReadScanner(network, agent, note, egress)
		if err != nil {
			if bad, ok := errors.AsType[*ScannerError](err); !ok || bad.Field == "" {
				t.Fatal(err)
			}
			return
		}
		s.ID = "01JD0000000000000000000000"
		said, _ := scanners{s}.rules()
		with, err := rules.With(nil, said, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := []hit.Hit{{ID: "1", Recipient: "a", Signal: hit.URL, Method: "GET", Net: netip.MustParseAddr("203.0.113.9"), Agent: firefox}}
		before, after := hit.Classify(hit.Facts{Egress: egress}, h, rules), hit.Classify(hit.Facts{Egress: egress}, h, with)
		if before[0].Kind != after[0].Kind {
			t.Fatalf("%+v makes a browser of the staff a %s", s, after[0].Kind)
		}
	})
}

// A scanner that was written down twice is one; there is an end to them; what becomes the hospital's own address later does not turn the staff into
// machines.
func TestScannersOfASite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, ctx := newRig(t, db, 1), as(t.Context(), trainer)
		one, err := r.AddScanner(ctx, r.f, "198.51.100.0/24", "", "検査")
		r.must(err)
		two, err := r.AddScanner(ctx, r.f, "198.51.100.77/24", "", "検査(業者に確かめた)")
		r.must(err)
		list, err := r.Scanners(ctx, r.f)
		if r.must(err); one.ID != two.ID || len(list) != 1 || list[0].Note != two.Note {
			t.Errorf("%+v", list)
		}
		if other, err := r.Scanners(ctx, dbtest.Canary); err != nil || len(other) != 0 {
			t.Errorf("the other facility: %v %v", other, err)
		}
		if err := r.RemoveScanner(ctx, dbtest.Canary, one.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		said, _ := scanners(list).rules()
		rules, err := hit.Default()
		r.must(err)
		with, err := rules.With(nil, said, nil)
		r.must(err)
		h := []hit.Hit{{ID: "1", Recipient: "a", Signal: hit.URL, Method: "GET", Net: netip.MustParseAddr("198.51.100.9"), Agent: firefox}}
		if v := hit.Classify(hit.Facts{}, h, with); v[0].Kind != hit.Machine {
			t.Errorf("from the scanner's network: %+v", v)
		}
		if v := hit.Classify(hit.Facts{Egress: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/28")}}, h, with); v[0].Kind == hit.Machine {
			t.Errorf("the staff's own address: %+v", v)
		}
		r.must(r.RemoveScanner(ctx, r.f, one.ID))
		if err := r.RemoveScanner(ctx, r.f, one.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		r.must(r.db.Write(ctx, r.f, func(tx *store.Tx) error {
			for i := range maxSaid {
				s := Scanner{Agent: strings.Repeat("x", i+4), Note: "n"}
				if err := s.put(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}))
		if _, err := r.AddScanner(ctx, r.f, "198.51.100.0/24", "", "検査"); !fault.Is(err, fault.TooLarge) {
			t.Errorf("one too many: %v", err)
		}
		if n := r.inTrail("drill.scanners", ""); n != 3 {
			t.Errorf("%d entries in the trail", n)
		}
	})
}

// What preflights of an older edition learned, which lay in one setting, is carried into the table.
func TestLearnedScannersOfAnOlderEdition(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1)
		name := map[bool]string{true: "postgres", false: "sqlite"}[db.Dialect == store.Postgres]
		file, err := os.ReadFile("../store/migrations/" + name + "/0220_drill_judging.sql")
		r.must(err)
		_, move, _ := strings.Cut(string(file), "INSERT INTO drill_scanners")
		move, _, _ = strings.Cut("INSERT INTO drill_scanners"+move, ";")
		at := time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)
		old := []hit.SiteRule{{Net: netip.MustParsePrefix("198.51.100.0/24"), Agent: "Gate/1", Hits: 3, First: at, Last: at.Add(time.Minute)},
			{Net: netip.MustParsePrefix("203.0.113.9/32"), Agent: firefox, Inside: true, Hits: 1, First: at, Last: at}}
		text, err := marshal(old)
		r.must(err)
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO setting_values (facility_id, name, value, at, by_id, by_name) VALUES ($1, 'drill.site-rules', $2, 1, '', '')", text); err != nil {
				return err
			}
			// the statement stands for all facilities; here it runs as one of them
			_, err := tx.Exec(t.Context(), strings.Replace(move, "WHERE ", "WHERE s.facility_id = $1 AND ", 1))
			return err
		}))
		list, err := r.Scanners(t.Context(), r.f)
		r.must(err)
		_, learned := scanners(list).rules()
		if len(list) != 2 || !list[0].Learned || fmt.Sprint(learned) != fmt.Sprint(old) {
			t.Errorf("%+v, want %+v", learned, old)
		}
	})
}
