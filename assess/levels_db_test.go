package assess_test

import (
	"net/netip"
	"testing"

	"kenshin/assess"
	"kenshin/gate"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/store"
)

// ward furnishes a hospital whose records bear out every gate up to a level: two segments, one system, one line from outside.
func (h *hospital) ward(level int) {
	h.t.Helper()
	h.devices(10, 1, registered)
	s := h.systems("電子カルテ")[0]
	h.row("password-rule", "system", s, "length", "13", "mixed", "yes", "seen", iso(2))
	leaver(h, "山田 太郎", 2)
	account(h, s, "u1", "佐藤 一郎")
	h.row("rights", "job", "情報", "info", "すべて", "level", "admin", "system", s, "holders", "佐藤 一郎", "reviewed", iso(5))
	h.row("training", "name", "佐藤 一郎", "title", "年次", "held", iso(30), "result", "attended")
	if level < 1 {
		return
	}
	h.line("電子カルテ保守", s)
	h.row("diagrams", "title", "接続元の制限", "kind", "source-limits", "drawn", iso(3), "document", "金庫")
	h.zone("医療情報系", "10.0.0.0/24", "yes", "filtered", "none")
	h.zone("事務系", "10.9.0.0/24", "no", "filtered", "direct")
	h.row("usb-rule", "title", "外部媒体の規則", "policy", "allowed-list", "enforced", "yes", "decided", iso(30))
	if level < 2 {
		return
	}
	h.row("diagrams", "title", "構成図", "kind", "diagram", "drawn", iso(10), "document", "金庫")
	firmware(h)
	h.row("two-factor", "system", s, "state", "on", "asked", iso(2))
	h.session("電子カルテ保守", 6, "matched", 2)
	h.row("usb-reviews", "what", "利用の記録", "reviewed", iso(10), "by", "佐藤 一郎")
	if level < 3 { // at level 2 the inside is not divided
		h.zone("検査", "10.8.0.0/24", "yes", "vlan", "none")
	}
}

func (h *hospital) line(name, system string) {
	h.row("outside", "name", name, "kind", "remote", "purpose", "保守", "system", system, "route", "業者の拠点→閉域網→本館", "mfa", "yes", "open", "request", "seen", iso(5))
}

func (h *hospital) zone(name, prefix, medical, way, internet string) {
	h.row("zones", "name", name, "range", prefix, "medical", medical, "way", way, "allowed", "電子カルテ 443", "internet", internet, "seen", iso(4))
}

func (h *hospital) session(line string, on int, result string, matched int) {
	pairs := []string{"line", line, "who", "ito", "result", result, "on", iso(on)}
	if matched >= 0 {
		pairs = append(pairs, "matched", iso(matched))
	}
	h.row("remote-sessions", pairs...)
}

func (h *hospital) parts() {
	for name, p := range map[string]string{"医療情報系": "10.0.0.0/24", "事務系": "10.9.0.0/24"} {
		id, err := h.books.Gates.Propose(h.ctx, h.f, gate.Segment{Name: name, Prefix: netip.MustParsePrefix(p), Interface: "eth9"})
		h.must(err)
		h.must(h.books.Gates.Approve(h.ctx, h.f, id))
	}
}

// seenAt sights a device of ours at one more address.
func (h *hospital) seenAt(id netid.DeviceID, ip string) {
	h.t.Helper()
	list, err := h.books.Ledger.Devices(h.ctx, h.f, []netid.DeviceID{id})
	h.must(err)
	h.must(h.db.Write(h.ctx, h.f, func(tx *store.Tx) error {
		_, err := h.books.Ledger.Sight(h.ctx, tx, []ledger.Sighting{{MAC: list[0].Interfaces[0].MAC, IP: netip.MustParseAddr(ip), Signal: "arp", At: ago(1)}})
		return err
	}))
}

// allYes answers every gate with はい.
func (h *hospital) allYes() {
	c, _ := set(h.t).Find("level-gates")
	for _, i := range c.Items {
		h.claim("level-gates", "", i.ID, yes(1))
	}
}

func (h *hospital) level() assess.LevelView {
	h.t.Helper()
	h.must(h.Recompute(h.ctx, h.f))
	v, err := h.Level(h.ctx, h.f)
	h.must(err)
	return v
}

// What people put into the registers and what sweeps see carries a hospital up to the level that it claims, and no further.
func TestEvidenceReachesEveryLevel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		for level := -1; level <= 3; level++ {
			h := r.hospital(t, level+1)
			if level >= 0 {
				h.ward(level)
			}
			h.parts()
			h.allYes()
			v := h.level()
			want := assess.Level(level)
			if v.Claimed != 3 || v.Evidenced != want {
				t.Errorf("furnished to %d: said %d, proven %d, want %d", level, v.Claimed, v.Evidenced, want)
				for _, s := range v.Path {
					t.Logf("  %s %s", s.Gate.ID, s.State.Label().Ja)
				}
			}
		}
	})
}

// A lie for every gate above the people's own, each with the state that it has to end in.
func TestPlantedLiesAboutGates(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	const C, P = assess.Contradicted, assess.Partly
	for n, c := range []struct {
		name, gate string
		do         func(h *hospital)
		want       assess.State
	}{
		{"a leaver holds administrator rights", "gate.0.privileged", func(h *hospital) {
			h.row("rights", "job", "業者", "info", "すべて", "level", "admin", "holders", "佐藤 一郎、山田太郎", "reviewed", iso(5))
		}, C},
		{"nobody knows who the administrators are", "gate.0.privileged", func(h *hospital) {
			h.row("rights", "job", "業者", "info", "すべて", "level", "admin", "reviewed", iso(5))
		}, P},
		{"the matrix leaves a system out", "gate.0.privileged", func(h *hospital) { h.systems("PACS") }, P},
		{"the medical segment goes straight out", "gate.1.no-internet", func(h *hospital) { h.zone("病棟", "10.7.0.0/24", "yes", "filtered", "direct") }, C},
		{"a mobile line is always open", "gate.1.no-internet", func(h *hospital) {
			h.row("outside", "name", "CTのLTE", "kind", "lte", "purpose", "保守", "route", "CT→携帯網", "open", "always", "mfa", "no", "seen", iso(3))
		}, C},
		{"nobody can say where a line runs", "gate.1.no-internet", func(h *hospital) {
			h.row("outside", "name", "給食", "kind", "cloud", "purpose", "献立", "seen", iso(3))
		}, P},
		{"settings that nobody can find", "gate.1.firewall", func(h *hospital) {
			h.row("diagrams", "title", "別棟の制限", "kind", "source-limits", "drawn", iso(3))
		}, P},
		{"one PC stands in both networks", "gate.1.separate-pcs", func(h *hospital) { h.seenAt(h.devices(1, 1, registered)[0], "10.9.0.77") }, C},
		{"an approved segment that nobody wrote down", "gate.3.segments", func(h *hospital) {
			id, err := h.books.Gates.Propose(h.ctx, h.f, gate.Segment{Name: "別棟", Prefix: netip.MustParsePrefix("10.66.0.0/24"), Interface: "eth8"})
			h.must(err)
			h.must(h.books.Gates.Approve(h.ctx, h.f, id))
		}, P},
		{"a firewall of the ledger whose version nobody knows", "gate.2.edge-patch", func(h *hospital) {
			_, err := h.books.Ledger.Add(h.ctx, h.f, ledger.Word{Name: "別棟のUTM", Kind: "firewall"}, ledger.Registered, "")
			h.must(err)
		}, P},
		{"a session without a report", "gate.2.session-match", func(h *hospital) { h.session("電子カルテ保守", 4, "missing", 1) }, C},
		{"a session that waits for a fortnight", "gate.2.session-match", func(h *hospital) { h.session("電子カルテ保守", 14, "open", -1) }, C},
		{"a session on a line that is not in the register", "gate.2.session-match", func(h *hospital) { h.session("検査装置のVPN", 3, "matched", 1) }, C},
		{"a second line that nobody looks at", "gate.2.session-match", func(h *hospital) { h.line("PACS保守", "") }, P},
		{"VLAN numbers that pass everything", "gate.3.segments", func(h *hospital) { h.zone("検査", "10.7.0.0/24", "yes", "vlan", "none") }, C},
		{"filtered by a list that nobody has", "gate.3.segments", func(h *hospital) {
			h.row("zones", "name", "検査", "range", "10.7.0.0/24", "medical", "yes", "way", "filtered", "internet", "none", "seen", iso(4))
		}, C},
	} {
		h := r.hospital(t, 100+n)
		h.ward(3)
		h.parts()
		h.allYes()
		if v := h.level(); v.Evidenced != 3 {
			t.Fatalf("the honest ward is proven to %d", v.Evidenced)
		}
		c.do(h)
		v := h.level()
		i, _ := v.Gates.Item(c.gate)
		if i.State != c.want || int(v.Evidenced) >= i.Item.Gate.Level {
			t.Errorf("%s: %s, want %s; level %d", c.name, i.State.Label().Ja, c.want.Label().Ja, v.Evidenced)
			for _, x := range i.Records {
				t.Logf("  %s %s %d/%d %s", x.Check, x.Outcome, x.Measured, x.Of, x.Says.Ja)
			}
		}
	}
}
