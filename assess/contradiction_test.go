package assess_test

import (
	"strings"
	"testing"

	"kenshin/assess"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/event"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/store"
)

// A contradiction is a finding with owner and day; a check that has verified the fix closes it, and it comes back when the weakness does.
func TestAContradictionIsAFindingUntilItIsVerified(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		h := newRig(t, db).hospital(t, 1)
		h.devices(20, 1, registered)
		late := h.devices(1, 1, ledger.New)[0]
		h.claim(r7, "", "r7.2.1", yes(1))
		look := func(want assess.State, state finding.State, stale bool) {
			t.Helper()
			if got := h.state(r7, "", "r7.2.1"); got != want {
				t.Fatalf("%s, want %s", got.Label().Ja, want.Label().Ja)
			}
			p, err := h.books.Findings.List(h.ctx, h.f, finding.Filter{All: true, Check: assess.Contradiction})
			if err != nil || len(p.Findings) != 1 || p.Findings[0].State != state || p.Findings[0].Stale != stale {
				t.Fatalf("%+v %v", p.Findings, err)
			}
			if f := p.Findings[0]; f.Owner != "情報 太郎" || f.Due.IsZero() || !strings.Contains(f.Title.Ja, "2-①") || len(f.Evidence) < 2 {
				t.Errorf("%+v", f)
			}
		}
		look(assess.Contradicted, finding.Open, false)
		_, err := h.books.Ledger.Edit(h.ctx, h.f, late, 0, ledger.Patch{State: registered})
		h.must(err)
		look(assess.Proven, finding.Gone, false)
		h.devices(1, 1, ledger.New)
		look(assess.Contradicted, finding.Open, false)
		h.now = h.now.AddDate(0, 0, 20) // nothing was looked at for weeks: that closes nothing
		look(assess.Expired, finding.Open, true)
		h.claim(r7, "", "r7.2.1", assess.Claim{Reply: catalogue.No, On: h.now, Target: h.now.AddDate(0, 0, 30)})
		look(assess.NotDone, finding.Moot, false)
		events, err := event.New(db).List(h.ctx, h.f, event.Filter{Kinds: []event.Kind{event.AssessChanged}})
		if err != nil || len(events.Events) != 4 || !strings.Contains(events.Events[0].Title().Ja, "から「期限切れ」に") {
			t.Errorf("%+v %v", events, err)
		}
	})
}

// The newer edition takes over when somebody begins it; a finding of the old one does not stay behind.
func TestAnOldEditionStaysInForceUntilTheNextIsBegun(t *testing.T) {
	h := newRig(t, dbtest.SQLite(t)).hospital(t, 2)
	h.devices(1, 1, ledger.New)
	h.claim("checklist-r6-facility", "", "r6.2.1", yes(1))
	open := func() int {
		h.must(h.Recompute(h.ctx, h.f))
		p, err := h.books.Findings.List(h.ctx, h.f, finding.Filter{Check: assess.Contradiction})
		h.must(err)
		return p.Total
	}
	if n := open(); n != 1 {
		t.Errorf("%d findings of the edition in force", n)
	}
	h.claim(r7, "", "r7.1.1", no(1))
	if n := open(); n != 0 {
		t.Errorf("%d findings of an edition that was replaced", n)
	}
}

func TestDatesThatCannotBeAreRefused(t *testing.T) {
	h := newRig(t, dbtest.SQLite(t)).hospital(t, 3)
	next := assess.Claim{Reply: catalogue.No, On: ago(1), Target: now.AddDate(1, 0, 0)}
	for says, c := range map[string]assess.Claim{"未来です": yes(-2), "年度（令和7年4月1日から）より前": yes(400), "年度内": next} {
		if _, err := h.SaveClaim(h.ctx, h.f, r7, "", "r7.2.1", 0, c, "", ""); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), says) {
			t.Errorf("want “%s”: %v", says, err)
		}
	}
	h.now = h.now.AddDate(1, 0, 0) // no newer edition came: the targets are those of the year in which it is answered
	c := assess.Claim{Reply: catalogue.No, On: h.now, Target: h.now.AddDate(0, 2, 0)}
	if _, err := h.SaveClaim(h.ctx, h.f, r7, "", "r7.2.1", 0, c, "", ""); err != nil {
		t.Errorf("a target in the year of the answer: %v", err)
	}
}

func TestAFormOfASystem(t *testing.T) {
	h := newRig(t, dbtest.SQLite(t)).hospital(t, 4)
	s, err := h.books.Ledger.SaveSystem(h.ctx, h.f, ledger.System{Name: "PACS", Start: iso(30)})
	h.must(err)
	h.claim("checklist-r7-vendor", s.ID, "r7v.2.3", yes(90))
	if got := h.state("checklist-r7-vendor", s.ID, "r7v.2.3"); got != assess.Open {
		t.Errorf("answered before the system existed: %s", got.Label().Ja)
	}
	h.claim("checklist-r7-vendor", s.ID, "r7v.2.3", yes(20))
	if got := h.state("checklist-r7-vendor", s.ID, "r7v.2.3"); got != assess.WordOnly {
		t.Errorf("%s", got.Label().Ja)
	}
	if _, err := h.Assessment(h.ctx, h.f, "checklist-r7-vendor", "none"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestFilesOfAnAnswer(t *testing.T) {
	h := newRig(t, dbtest.SQLite(t)).hospital(t, 5)
	put := func(name string) blob.File {
		f, err := blob.Put(h.ctx, h.db, h.f, name, strings.NewReader("MZ\x90\x00"))
		h.must(err)
		return f
	}
	file := put(`..\..\C:\Windows\証拠.pdf.exe`)
	if strings.ContainsAny(file.Name, `/\:`) || strings.HasPrefix(file.Disposition(), "inline") {
		t.Errorf("%q is shown as %s", file.Name, file.Disposition())
	}
	if _, err := h.Folder(r7, "", "r7.2.1").Attach(h.ctx, h.f, blob.Attachment{File: file.ID, Name: file.Name}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a file beside no answer: %v", err)
	}
	h.claim(r7, "", "r7.2.1", yes(1))
	a, err := h.Folder(r7, "", "r7.2.1").Attach(h.ctx, h.f, blob.Attachment{File: file.ID, Name: file.Name})
	h.must(err)
	form, err := h.Assessment(h.ctx, h.f, r7, "")
	i, _ := form.Item("r7.2.1")
	if err != nil || len(i.Files) != 1 {
		t.Fatalf("%+v %v", i.Files, err)
	}
	if err := h.Folder(r7, "", "r7.2.2").Detach(h.ctx, h.f, a.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken off another item: %v", err)
	}
	h.must(h.Folder(r7, "", "r7.2.1").Detach(h.ctx, h.f, a.ID))
}

func TestWhatIsWrittenIsOfTheVocabulary(t *testing.T) {
	h := newRig(t, dbtest.SQLite(t)).hospital(t, 6)
	h.must(h.Recompute(h.ctx, h.f))
	latest, err := h.books.Evidence.Latest(h.ctx, h.f)
	h.must(err)
	all, err := catalogue.LoadChecks()
	h.must(err)
	for _, c := range all {
		r, written := latest[c.ID]
		if written == c.Later {
			t.Errorf("%s: later is %t, and it was written: %t", c.ID, c.Later, written)
		}
		if r.Outcome == "pass" {
			t.Errorf("%s passes in an empty hospital", c.ID)
		}
	}
}
