package assess_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/register"
)

// No sequence of sweeps, rows, imports, answers and steps of the clock, through the database and the checks, turns unknown into pass: whatever happened
// before, "proven" stands only beside a はい that counts and a fresh, possible, sufficient pass of every check of the item, which the book of evidence holds.
func TestNoSequenceInTheDatabaseTurnsUnknownIntoPass(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 2026))
	r := newRig(t, dbtest.SQLite(t))
	items := []string{"r7.1.1", "r7.2.1", "r7.2.2", "r7.2.3", "r7.2.5", "r7.2.6", "r7.2.10", "r7.2.12", "r7.3.1", "r7.3.2", "r7.3.3"}
	replies := []catalogue.Reply{catalogue.Yes, catalogue.Yes, catalogue.Yes, catalogue.No, catalogue.NotApplicable, catalogue.Unknown, catalogue.Unanswered}
	checks, err := catalogue.LoadChecks()
	if err != nil {
		t.Fatal(err)
	}
	proven, judged := 0, 0
	for n := range 12 {
		h := r.hospital(t, 0x500+n)
		var ids []string
		for range 18 {
			days := rng.IntN(400)
			try := func(kind string, pairs ...string) { // what a register refuses is no row
				if _, err := h.books.Registers.Save(h.ctx, h.f, rowOf(kind, pairs)); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
					t.Fatal(err)
				}
			}
			bring := func(kind, csv string) { // a file of another system, with lines that cannot be read
				k, err := register.KindOf(kind)
				h.must(err)
				id, err := h.books.Registers.Stage(h.ctx, h.f, k, kind+".csv", strings.NewReader(csv))
				h.must(err)
				name, read, err := h.books.Registers.Staged(h.ctx, h.f, k, id, nil, register.Names{})
				h.must(err)
				_, err = h.books.Registers.Take(h.ctx, h.f, kind, read.Lines, k.List && rng.IntN(2) == 0, name)
				h.must(err)
			}
			switch rng.IntN(15) {
			case 0:
				h.asked(h.seen(1+rng.IntN(3), 300, rng.IntN(60), []ledger.State{ledger.New, registered, registered, ledger.Retired}[rng.IntN(4)]), rng.IntN(60))
			case 1:
				h.written(1 + rng.IntN(2))
			case 2:
				h.weak([]string{"os-support", "smb1", "vnc"}[rng.IntN(3)], h.devices(1, rng.IntN(20), registered)[0])
			case 3:
				ids = append(ids, h.systems("システム")...)
			case 4:
				h.now = h.now.AddDate(0, 0, rng.IntN(60)-25) // the clock, forth and back
			case 5:
				if len(ids) > 0 {
					s := ids[rng.IntN(len(ids))]
					try("mds", "system", s, "state", "received", "received", iso(days))
					try("two-factor", "system", s, "state", []string{"on", "planned", "no"}[rng.IntN(3)], "planned", "2027-01-01", "asked", iso(days))
					try("backups", "system", s, "threat", "attack", "offline", "yes", "last_success", iso(days))
					try("restores", "system", s, "tested", iso(days), "result", "ok", "hours", "5")
				}
			case 6:
				try("officer", "name", "田中", "role", "officer", "appointed", iso(days))
				try("contacts", "group", "inside", "name", "当直", "phone", "内線1", "tested", iso(days))
				try("contacts", "group", "police", "name", "警察", "phone", "110", "tested", iso(days))
			case 7:
				try("bcp", "title", "BCP", "approved", iso(days), "approved_by", "院長")
				try("drills-held", "title", "停止", "held", iso(days), "way", "downtime")
			case 8:
				try("outside", "name", "保守", "kind", "remote", "purpose", "保守", "seen", iso(days))
				try("firmware", "name", "VPN", "version", "7", "state", []string{"current", "unknown"}[rng.IntN(2)], "seen", iso(days))
			case 9:
				bring("leavers", "氏名,退職日,出力日\n山田 太郎,"+iso(60)+","+iso(days)+"\n,令和8年2月30日,\n")
				bring("accounts", "システム,アカウント,氏名,最終利用日,出力日\nシステム,u1,"+[]string{"佐藤 一郎", "山田太郎"}[rng.IntN(2)]+","+iso(3)+","+iso(days)+"\n")
				bring("training", "受講日,研修の名前,受けた人\n"+iso(days)+",年次研修,佐藤 一郎\n20269999,年次研修,\n")
			case 10:
				h.claim("checklist-r6-facility", "", "r6.2.1", assess.Claim{Reply: replies[rng.IntN(len(replies))], On: ago(rng.IntN(300))})
				a, err := h.Assessment(h.ctx, h.f, r7, "")
				h.must(err)
				if _, err := h.Carry(h.ctx, h.f, a, items); err != nil && !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
			default:
				c := assess.Claim{Reply: replies[rng.IntN(len(replies))], On: ago(rng.IntN(200) - 10), Reason: "理由", Approver: "院長"}
				h.claim(r7, "", items[rng.IntN(len(items))], c)
			}
			h.must(h.Recompute(h.ctx, h.f))
			a, err := h.Assessment(h.ctx, h.f, r7, "")
			h.must(err)
			latest, err := h.books.Evidence.Latest(h.ctx, h.f)
			h.must(err)
			for _, i := range a.Items {
				judged++
				if i.State != assess.Proven {
					continue
				}
				proven++
				if i.Claim.Reply != catalogue.Yes || i.Claim.On.IsZero() || i.Claim.On.Format("20060102") > h.now.Format("20060102") {
					t.Fatalf("%s is proven beside the answer %+v", i.Item.ID, i.Claim)
				}
				for _, id := range i.Item.Checks {
					rec, about := latest[id], check(checks, id)
					if rec.Outcome != evidence.Pass || rec.Measured < 1 || rec.Measured > rec.Of || rec.Measured*100 < about.Percent*rec.Of || !rec.Until.After(h.now) || rec.At.After(h.now.Add(5*60e9)) {
						t.Fatalf("%s is proven by %+v at %s", i.Item.ID, rec, h.now)
					}
				}
			}
		}
		if _, err := h.books.Evidence.Verify(h.ctx, h.f); err != nil {
			t.Error(err)
		}
	}
	if proven == 0 {
		t.Error("nothing was ever proven: the test sees nothing")
	}
	t.Logf("%d of %d states were proven", proven, judged)
}

func check(all catalogue.Checks, id string) catalogue.Check {
	c, _ := all.Find(id)
	return c
}
