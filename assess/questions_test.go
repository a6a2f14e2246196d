package assess_test

import (
	"testing"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/store"
)

// 分からない makes a question, whoever answers and wherever; it is taken back when the answer is found, unless somebody was asked already.
func TestWhatNobodyKnowsBecomesAQuestion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		h := newRig(t, db).hospital(t, 1)
		dontKnow := assess.Claim{Reply: catalogue.Unknown, On: now}
		asked := func(catalogueID, subject, item string) *assess.Question {
			t.Helper()
			a, err := h.Assessment(h.ctx, h.f, catalogueID, subject)
			h.must(err)
			i, _ := a.Item(item)
			return i.Question
		}
		h.claim("level-gates", "", "gate.1.firewall", dontKnow)
		h.claim("level-gates", "", "gate.0.training", dontKnow)
		if q := asked("level-gates", "", "gate.1.firewall"); q == nil || q.To != assess.ToVendor || q.State != assess.Asked || q.Label().Ja != "まだ聞いていません" || q.Text == "" {
			t.Fatalf("%+v", q)
		}
		if q := asked("level-gates", "", "gate.0.training"); q == nil || q.To != assess.ToSupport {
			t.Errorf("%+v", q)
		}
		h.claim("level-gates", "", "gate.1.firewall", yes(1))
		if q := asked("level-gates", "", "gate.1.firewall"); q.State != assess.Withdrawn {
			t.Errorf("the answer was found: %+v", q)
		}
		sent := asked("level-gates", "", "gate.0.training")
		h.must(h.Sent(h.ctx, h.f, sent.ID))
		h.claim("level-gates", "", "gate.0.training", no(1))
		if q := asked("level-gates", "", "gate.0.training"); q.State != assess.Asked || q.Label().Ja != "返事待ち" {
			t.Errorf("somebody is being asked: %+v", q)
		}
		s, err := h.books.Ledger.SaveSystem(h.ctx, h.f, ledger.System{Name: "PACS"})
		h.must(err)
		h.claim("checklist-r7-vendor", s.ID, "r7v.2.3", dontKnow)
		if q := asked("checklist-r7-vendor", s.ID, "r7v.2.3"); q == nil || q.To != assess.ToSupport {
			t.Errorf("the vendor does not know and is asked again: %+v", q)
		}
		h.claim("checklist-r6-facility", "", "r6.2.1", dontKnow)
		h.claim(r7, "", "r7.1.1", no(1))
		h.must(h.Recompute(h.ctx, h.f))
		if q := asked("checklist-r6-facility", "", "r6.2.1"); q.State != assess.Withdrawn {
			t.Errorf("an edition that was replaced asks on: %+v", q)
		}
	})
}
