package assess_test

import (
	"testing"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
)

// plant is a hospital whose answer is not so, and its honest twin, furnished through the ledger, the registers and the findings.
type plant struct {
	name   string
	item   string
	lie    func(*hospital) assess.Claim
	want   assess.State
	honest func(*hospital) assess.Claim
	twin   assess.State
}

const registered = ledger.Registered

// both are the two registers that 2-② asks, beside what a plant adds.
func outsideRow(h *hospital, vendor string, days int) {
	h.row("outside", "name", "電子カルテ保守", "kind", "remote", "purpose", "保守", "vendor", vendor, "route", "業者の拠点→閉域網→本館", "seen", iso(days))
}

func firmware(h *hospital) {
	h.row("firmware", "name", "VPN", "version", "7.4", "state", "current", "seen", iso(1))
}

func leaver(h *hospital, name string, exported int) {
	h.row("leavers", "name", name, "left", iso(60), "exported", iso(exported))
}

func account(h *hospital, system, id, name string) {
	h.row("accounts", "system", system, "account", id, "name", name, "enabled", "yes", "last_used", iso(3), "exported", iso(2))
}

func backup(h *hospital, system, offline string, days int) {
	h.row("backups", "system", system, "threat", "attack", "offline", offline, "generations", "3", "last_success", iso(days))
}

func restore(h *hospital, system, result, hours string, days int) {
	h.row("restores", "system", system, "tested", iso(days), "result", result, "hours", hours)
}

func drill(h *hospital, way string, days int) {
	h.row("drills-held", "title", "停止訓練", "held", iso(days), "way", way)
}

func six(h *hospital) []string {
	return h.systems("電子カルテ", "PACS", "検査", "薬剤", "医事", "給食")
}

func plants() []plant {
	said := func(c assess.Claim, do ...func(*hospital)) func(*hospital) assess.Claim {
		return func(h *hospital) assess.Claim {
			for _, d := range do {
				d(h)
			}
			return c
		}
	}
	full := func(h *hospital) { h.devices(46, 1, registered) }
	return []plant{
		{"the ledger misses seen devices", "r7.2.1", said(yes(3), full, func(h *hospital) { h.devices(3, 1, ledger.New) }), assess.Contradicted, said(yes(3), full), assess.Proven},
		{"half of the devices are new since yesterday", "r7.2.1", said(yes(3), func(h *hospital) { h.devices(10, 1, registered); h.seen(10, 2, 1, ledger.New) }), assess.Contradicted,
			said(yes(3), full, func(h *hospital) { h.seen(1, 2, 1, ledger.New) }), assess.Proven},
		{"only half of the ledger was ever swept", "r7.2.1", said(yes(3), func(h *hospital) { h.devices(10, 1, registered); h.written(10) }), assess.Partly, said(yes(3), full), assess.Proven},
		{"never compared with the network", "r7.2.1", said(yes(3), func(h *hospital) { h.written(10) }), assess.WordOnly, said(no(3), func(h *hospital) { h.written(10) }), assess.NotDone},
		{"the sweep is a month old", "r7.2.1", said(yes(3), func(h *hospital) { h.devices(5, 31, registered) }), assess.Expired, said(yes(3), full), assess.Proven},
		{"an empty ledger and nothing looked at", "r7.2.1", said(yes(3)), assess.WordOnly, said(no(3)), assess.NotDone},
		{"the sensor was unplugged before the visit", "r7.2.1", said(yes(3), (*hospital).segment), assess.Unmeasured, said(yes(3), (*hospital).segment, full), assess.Proven},
		{"the sensor was unplugged and its last word has expired", "r7.2.1", said(yes(3), (*hospital).segment, func(h *hospital) { h.devices(5, 20, registered) }), assess.Expired,
			said(yes(3), (*hospital).segment, func(h *hospital) { h.devices(5, 2, registered) }), assess.Proven},
		{"the sensor was unplugged after it had failed", "r7.2.1", said(yes(3), (*hospital).segment, func(h *hospital) {
			h.at(3, func() { h.devices(5, 0, ledger.New); h.must(h.Recompute(h.ctx, h.f)) })
		}), assess.Contradicted, said(no(3), (*hospital).segment, func(h *hospital) { h.devices(5, 3, ledger.New) }), assess.NotDone},
		{"a retired device is on the network", "r7.2.1", said(yes(3), full, func(h *hospital) { h.devices(1, 1, ledger.Retired) }), assess.Contradicted,
			said(yes(3), full, func(h *hospital) { h.devices(1, 200, ledger.Retired) }), assess.Proven},
		{"half of the ledger was not seen for months", "r7.2.1", said(yes(3), func(h *hospital) { h.devices(10, 1, registered); h.devices(10, 120, registered) }), assess.Contradicted, said(yes(3), full), assess.Proven},
		{"a leaver still has an account", "r7.2.5", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")
			leaver(h, "髙﨑　花子", 2)
			account(h, s[0], "u1", "高崎花子")
		}), assess.Contradicted,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")
				leaver(h, "髙﨑　花子", 2)
				account(h, s[0], "u1", "佐藤 一郎")
			}), assess.Proven},
		{"an account lies unused for half a year", "r7.2.5", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")
			leaver(h, "山田 太郎", 2)
			h.row("accounts", "system", s[0], "account", "u9", "name", "鈴木 二郎", "last_used", iso(180), "exported", iso(2))
		}), assess.Contradicted, said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")
			leaver(h, "山田 太郎", 2)
			h.row("accounts", "system", s[0], "account", "u9", "name", "鈴木 二郎", "last_used", iso(180), "exported", iso(2), "excuse", "長期の研修中")
		}), assess.Proven},
		{"the list of leavers is of last spring", "r7.2.5", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")
			leaver(h, "山田 太郎", 200)
			account(h, s[0], "u1", "佐藤 一郎")
		}), assess.Expired,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")
				leaver(h, "山田 太郎", 20)
				account(h, s[0], "u1", "佐藤 一郎")
			}), assess.Proven},
		{"accounts of one system of six were compared", "r7.2.5", said(yes(3), func(h *hospital) { s := six(h); leaver(h, "山田 太郎", 2); account(h, s[0], "u1", "佐藤 一郎") }), assess.Partly,
			said(yes(3), func(h *hospital) {
				leaver(h, "山田 太郎", 2)
				for _, s := range six(h) {
					account(h, s, "u1", "佐藤 一郎")
				}
			}), assess.Proven},
		{"a vendor's line is in the ledger and not in the register", "r7.2.2", said(yes(3), func(h *hospital) {
			id := h.devices(1, 1, registered)[0]
			_, err := h.books.Ledger.Edit(h.ctx, h.f, id, 0, ledger.Patch{Fields: map[string]string{"remote_type": "LTE", "remote_by": "別の業者"}})
			h.must(err)
			outsideRow(h, h.vendor("カルテ社"), 5)
		}), assess.Contradicted, said(yes(3), func(h *hospital) {
			id := h.devices(1, 1, registered)[0]
			_, err := h.books.Ledger.Edit(h.ctx, h.f, id, 0, ledger.Patch{Fields: map[string]string{"remote_type": "LTE", "remote_by": "㈱カルテ社"}})
			h.must(err)
			outsideRow(h, h.vendor("株式会社カルテ社"), 5)
		}), assess.Proven},
		{"remote control runs on a device that nobody registered", "r7.2.2", said(yes(3), func(h *hospital) { h.weak("vnc", h.devices(1, 1, registered)[0]); outsideRow(h, "カルテ社", 5) }), assess.Contradicted,
			said(yes(3), func(h *hospital) { h.devices(1, 1, registered); outsideRow(h, "カルテ社", 5) }), assess.Proven},
		{"the lines were asked about a year ago", "r7.2.2", said(yes(3), func(h *hospital) { outsideRow(h, "カルテ社", 300) }), assess.Expired, said(yes(3), func(h *hospital) { outsideRow(h, "カルテ社", 30) }), assess.Proven},
		{"not applicable without a reason, although lines exist", "r7.2.2", said(exempt("", "院長"), func(h *hospital) { outsideRow(h, "カルテ社", 5) }), assess.Open, said(exempt("事業者との契約なし", "院長")), assess.Exempt},
		{"not applicable that nobody approved", "r7.2.10", said(exempt("古い装置のため", "")), assess.Open, said(exempt("外部と接続せず専用室で使用", "院長")), assess.Exempt},
		{"disclosure sheets of two systems of six", "r7.2.3", said(yes(3), func(h *hospital) {
			for _, s := range six(h)[:2] {
				h.row("mds", "system", s, "state", "received", "received", iso(20))
			}
		}), assess.Partly, said(yes(3), func(h *hospital) {
			for _, s := range six(h) {
				h.row("mds", "system", s, "state", "received", "received", iso(20))
			}
		}), assess.Proven},
		{"the sheet is older than the system", "r7.2.3", said(yes(3), func(h *hospital) { h.mds(40, 10) }), assess.Contradicted, said(yes(3), func(h *hospital) { h.mds(10, 40) }), assess.Proven},
		{"an answer without its day", "r7.2.3", said(assess.Claim{Reply: catalogue.Yes}, func(h *hospital) { h.mds(10, 40) }), assess.Open, said(yes(0), func(h *hospital) { h.mds(10, 40) }), assess.Proven},
		{"an answer of next month", "r7.2.3", said(yes(-30), func(h *hospital) { h.mds(10, 40) }), assess.Open, said(yes(0), func(h *hospital) { h.mds(10, 40) }), assess.Proven},
		{"the clock was set back after the sweep", "r7.2.1", said(yes(60), full, func(h *hospital) { h.must(h.Recompute(h.ctx, h.f)); h.now = ago(40) }), assess.Unmeasured, said(yes(60), full), assess.Proven},
		{"Windows 7 is still on the network", "r7.2.6", said(yes(3), firmware, func(h *hospital) { h.weak("os-support", h.devices(9, 1, registered)[0]) }), assess.Contradicted, said(yes(3), firmware, full), assess.Proven},
		{"systems are known for a tenth of the PCs", "r7.2.6", said(yes(3), firmware, func(h *hospital) { h.devices(2, 1, registered); h.written(18) }), assess.Partly, said(yes(3), firmware, full), assess.Proven},
		{"the VPN box is of the version before last", "r7.2.6", said(yes(3), full, func(h *hospital) {
			h.row("firmware", "name", "VPN", "version", "6.0", "state", "behind", "seen", iso(1))
		}), assess.Contradicted, said(yes(3), full, firmware), assess.Proven},
		{"one bad device among few that were asked", "r7.2.12", said(yes(3), func(h *hospital) { ids := h.devices(20, 1, registered); h.asked(ids[:2], 1); h.weak("telnet", ids[0]) }), assess.Contradicted,
			said(no(3), func(h *hospital) { ids := h.devices(20, 1, registered); h.asked(ids[:2], 1); h.weak("telnet", ids[0]) }), assess.NotDone},
		{"SMB1 answers on the ward", "r7.2.12", said(yes(3), func(h *hospital) { ids := h.devices(20, 1, registered); h.asked(ids, 1); h.weak("smb1", ids[7]) }), assess.Contradicted,
			said(yes(3), func(h *hospital) { ids := h.devices(20, 1, registered); h.asked(ids, 1) }), assess.Proven},
		{"passwords of six characters", "r7.2.7", said(yes(3), func(h *hospital) {
			h.row("password-rule", "system", h.systems("電子カルテ")[0], "length", "6", "mixed", "yes", "seen", iso(2))
		}), assess.Contradicted,
			said(yes(3), func(h *hospital) {
				h.row("password-rule", "system", h.systems("電子カルテ")[0], "length", "13", "mixed", "yes", "seen", iso(2))
			}), assess.Proven},
		{"two-factor for two systems of six", "r7.2.10", said(yes(3), func(h *hospital) {
			for _, s := range six(h)[:2] {
				h.row("two-factor", "system", s, "state", "on", "asked", iso(2))
			}
		}), assess.Partly, said(yes(3), func(h *hospital) {
			for _, s := range six(h) {
				h.row("two-factor", "system", s, "state", "planned", "planned", "2027-12-01", "asked", iso(2))
			}
		}), assess.Proven},
		{"two-factor is planned for the far future", "r7.2.10", said(yes(3), func(h *hospital) {
			h.row("two-factor", "system", h.systems("電子カルテ")[0], "state", "planned", "planned", "2031-04-01", "asked", iso(2))
		}), assess.Contradicted,
			said(yes(3), func(h *hospital) {
				h.row("two-factor", "system", h.systems("電子カルテ")[0], "state", "on", "asked", iso(2))
			}), assess.Proven},
		{"the contact chart's numbers are dead", "r7.3.1", said(yes(3), func(h *hospital) {
			h.row("contacts", "group", "inside", "name", "当直師長", "phone", "内線100", "tested", iso(4), "result", "reached")
			h.row("contacts", "group", "police", "name", "警察", "phone", "110", "tested", iso(4), "result", "missed")
		}), assess.Contradicted, said(yes(3), func(h *hospital) {
			h.row("contacts", "group", "inside", "name", "当直師長", "phone", "内線100", "tested", iso(4), "result", "reached")
			h.row("contacts", "group", "police", "name", "警察", "phone", "110", "tested", iso(4), "result", "reached")
		}), assess.Proven},
		{"a backup older than claimed", "r7.3.2", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")[0]
			backup(h, s, "yes", 200)
			restore(h, s, "ok", "5", 20)
		}), assess.Expired,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")[0]
				backup(h, s, "yes", 2)
				restore(h, s, "ok", "5", 20)
			}), assess.Proven},
		{"the copy would be encrypted with the rest", "r7.3.2", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")[0]
			backup(h, s, "no", 2)
			restore(h, s, "ok", "5", 20)
		}), assess.Contradicted,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")[0]
				backup(h, s, "yes", 2)
				restore(h, s, "ok", "5", 20)
			}), assess.Proven},
		{"nothing was ever restored", "r7.3.2", said(yes(3), func(h *hospital) { backup(h, h.systems("電子カルテ")[0], "yes", 2) }), assess.Partly,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")[0]
				backup(h, s, "yes", 2)
				restore(h, s, "ok", "5", 300)
			}), assess.Proven},
		{"the restore failed, after one that went well", "r7.3.2", said(yes(3), func(h *hospital) {
			s := h.systems("電子カルテ")[0]
			backup(h, s, "yes", 2)
			restore(h, s, "ok", "5", 300)
			restore(h, s, "failed", "9", 20)
		}), assess.Contradicted,
			said(yes(3), func(h *hospital) {
				s := h.systems("電子カルテ")[0]
				backup(h, s, "yes", 2)
				restore(h, s, "failed", "9", 300)
				restore(h, s, "ok", "5", 20)
			}), assess.Proven},
		{"the officer left in summer", "r7.1.1", said(yes(3), func(h *hospital) {
			h.row("officer", "name", "田中 三郎", "role", "officer", "appointed", iso(100))
			leaver(h, "田中三郎", 2)
		}), assess.Contradicted, said(yes(3), func(h *hospital) {
			h.row("officer", "name", "田中 三郎", "role", "officer", "appointed", iso(100))
			leaver(h, "田中四郎", 2)
		}), assess.Proven},
		{"a plan that nobody approved, a mail drill instead of an exercise", "r7.3.3", said(yes(3), func(h *hospital) { h.row("bcp", "title", "IT-BCP"); drill(h, "mail", 30) }), assess.WordOnly,
			said(yes(3), func(h *hospital) {
				h.row("bcp", "title", "IT-BCP", "approved", iso(30), "approved_by", "院長")
				drill(h, "downtime", 30)
			}), assess.Proven},
	}
}

// mds is one system that runs since some days, with a sheet of some days.
func (h *hospital) mds(sheet, since int) {
	s, err := h.books.Ledger.SaveSystem(h.ctx, h.f, ledger.System{Name: "PACS", Start: iso(since)})
	h.must(err)
	h.row("mds", "system", s.ID, "state", "received", "received", iso(sheet))
}

// The forty lies through the whole house: what people and sweeps put into the database, the checks, the chain of evidence, the state beside the answer.
func TestPlantedLiesInTheDatabase(t *testing.T) {
	all := plants()
	if len(all) != 40 {
		t.Fatalf("%d plants, want 40", len(all))
	}
	r := newRig(t, dbtest.SQLite(t))
	found, falsely := 0, 0
	for n, p := range all {
		h := r.hospital(t, 2*n)
		h.claim(r7, "", p.item, p.lie(h))
		if got := h.state(r7, "", p.item); got == p.want && got != assess.Proven {
			found++
		} else {
			t.Errorf("%s: %s, want %s\n%s", p.name, got.Label().Ja, p.want.Label().Ja, h.said(p.item))
		}
		h = r.hospital(t, 2*n+1)
		h.claim(r7, "", p.item, p.honest(h))
		got := h.state(r7, "", p.item)
		if got == assess.Contradicted {
			falsely++
		}
		if got != p.twin {
			t.Errorf("honest twin of “%s”: %s, want %s\n%s", p.name, got.Label().Ja, p.twin.Label().Ja, h.said(p.item))
		}
	}
	t.Logf("in the database: detected %d of %d planted lies; %d false contradictions on %d honest twins", found, len(all), falsely, len(all))
}

// said is what the checks of an item say.
func (h *hospital) said(item string) (out string) {
	a, err := h.Assessment(h.ctx, h.f, r7, "")
	h.must(err)
	i, _ := a.Item(item)
	for _, r := range i.Records {
		out += "  " + r.Check + " " + string(r.Outcome) + " " + r.At.Format("2006-01-02") + "→" + r.Until.Format("2006-01-02") + " " + r.Says.Ja + "\n"
	}
	return out
}
