package plan_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
)

type bench struct {
	t     *testing.T
	b     *plan.Book
	ctx   context.Context
	now   time.Time
	db    *store.DB
	finds *finding.Book
	regs  *register.Book
}

const here = dbtest.Facility

func start(t *testing.T, db *store.DB) *bench {
	t.Helper()
	x := &bench{t: t, db: db, now: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)}
	now := func() time.Time { return x.now }
	shipped, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	x.finds, x.regs = finding.New(db, now), register.New(db, now)
	x.b = plan.New(db, plan.Options{Ledger: ledger.Open(db, ledger.Options{Now: now}), Suppliers: supplier.New(db, now), Findings: x.finds, Registers: x.regs,
		Gates: gate.NewBook(db, seal.NewBox(), now), Now: now, Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }})
	x.ctx = actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p1", Name: "院長 髙﨑", Role: actor.Director})
	return x
}

func (x *bench) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *bench) tasks(prefix string) (out []finding.Finding) {
	x.t.Helper()
	p, err := x.finds.List(x.ctx, here, finding.Filter{})
	x.must(err)
	for _, v := range p.Findings {
		if strings.HasPrefix(v.Check, prefix) {
			out = append(out, v)
		}
	}
	return out
}

func TestThreatsNameTheFactsOfThisPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		of := func(id string) plan.RiskRow {
			t.Helper()
			list, err := x.b.Threats(x.ctx, here)
			x.must(err)
			i := slices.IndexFunc(list, func(r plan.RiskRow) bool { return r.ID == id })
			if i < 0 || len(list) < 6 {
				t.Fatalf("%s is not among %d", id, len(list))
			}
			return list[i]
		}
		says := func(r plan.RiskRow, text string) bool {
			return slices.ContainsFunc(r.Why, func(w i18n.Text) bool { return strings.Contains(w.Ja, text) })
		}
		before := of("ransomware")
		x.must(db.Write(x.ctx, here, func(tx *store.Tx) error {
			_, err := x.finds.Record(x.ctx, tx, []finding.Result{{Check: "smb1", Version: "1", Severity: finding.High, Text: finding.Text{Title: i18n.Text{Ja: "SMB1", En: "SMB1"}}}})
			return err
		}))
		after := of("ransomware")
		if !says(after, "SMB1)の機器が1台") || after.Likelihood != before.Likelihood+1 || after.Judged {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
		_, err := supplier.New(db, func() time.Time { return x.now }).Save(x.ctx, here, supplier.Supplier{Name: "甲システム"})
		x.must(err)
		if r := of("vendor-line"); !says(r, "業者が1社あるのに") {
			t.Errorf("%+v", r)
		}
		_, err = x.regs.Save(x.ctx, here, register.Row{Kind: "outside", Values: map[string]string{"name": "保守回線", "kind": "vpn", "purpose": "保守", "mfa": "no"}})
		x.must(err)
		if r := of("vendor-line"); says(r, "一本も記録") || !says(r, "二要素認証のない外との接続が1本") {
			t.Errorf("%+v", r)
		}
		x.must(db.Write(x.ctx, here, func(tx *store.Tx) error {
			_, err := x.finds.Record(x.ctx, tx, []finding.Result{{Check: "vendor-refused", Version: "1", Part: "y1", Severity: finding.Medium, Text: finding.Text{Title: i18n.Text{Ja: "業者が答えません: 検査システム", En: "No answer"}}}})
			return err
		}))
		if r := of("vendor-duty"); !says(r, "検査システム") {
			t.Errorf("a refusal is no risk of responsibilities: %+v", r)
		}
		_, err = gate.NewBook(db, seal.NewBox(), time.Now).Propose(x.ctx, here, gate.Segment{Name: "検査", Prefix: netip.MustParsePrefix("10.1.1.0/24"), Interface: "eth0", Medical: true})
		x.must(err)
		if r := of("tampering"); says(r, "分かれていません") {
			t.Errorf("a segment that nobody approved proves nothing: %+v", r)
		}
	})
}

func TestARiskAssessmentUntilItsTasks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		s, err := x.b.Begin(x.ctx, here, plan.Risk, 2026)
		x.must(err)
		if _, err := x.b.Begin(x.ctx, here, plan.Risk, 2026); !fault.Is(err, fault.Conflict) {
			t.Errorf("twice in a year: %v", err)
		}
		if _, err := x.b.Sign(x.ctx, here, plan.Risk, s.ID, s.Revision, ""); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), "1行目") {
			t.Errorf("a proposal is no judgement: %v", err)
		}
		for i := range s.Risks.Rows {
			r := &s.Risks.Rows[i]
			r.Judged, r.Treatment, r.Action = true, plan.Accept, "起きても診療は続けられる"
		}
		r := &s.Risks.Rows[0]
		r.Likelihood, r.Impact, r.Treatment, r.Action, r.Owner, r.Due = 4, 5, plan.Reduce, "SMB1を止める", "情報 太郎", "令和9年3月31日"
		stale := s
		s, err = x.b.Save(x.ctx, here, s)
		x.must(err)
		if s.Risks.Rows[0].Due != "2027-03-31" {
			t.Errorf("%+v", s.Risks.Rows[0])
		}
		if _, err := x.b.Save(x.ctx, here, stale); !fault.Is(err, fault.Conflict) {
			t.Errorf("an older revision: %v", err)
		}
		if _, err := x.b.Save(x.ctx, dbtest.Canary, s); !fault.Is(err, fault.NotFound) {
			t.Errorf("another facility: %v", err)
		}
		if len(x.tasks("risk.")) != 0 {
			t.Error("nothing is a task before the director approved it")
		}
		s, err = x.b.Sign(x.ctx, here, plan.Risk, s.ID, s.Revision, "進めてください")
		x.must(err)
		if _, err := x.b.Sign(x.ctx, here, plan.Risk, s.ID, s.Revision, ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("twice: %v", err)
		}
		if tasks := x.tasks("risk."); len(tasks) != 1 || tasks[0].Owner != "情報 太郎" || tasks[0].Severity != finding.High || tasks[0].Impact != "high" {
			t.Errorf("%+v", tasks)
		}
		rows, err := x.regs.Rows(x.ctx, here, "risks")
		x.must(err)
		if len(rows) != 6 || rows[0].Values["assessed"] != "2026-11-28" || rows[0].Values["approved_by"] != "院長 髙﨑" {
			t.Errorf("%d rows in the register, %+v", len(rows), rows)
		}
		s.Risks.Rows[0].Done = "2026-11-28"
		s, err = x.b.Save(x.ctx, here, s)
		x.must(err)
		if len(x.tasks("risk.")) != 0 || s.Fresh() {
			t.Errorf("done, and changed since the signature: %+v %+v", x.tasks("risk."), s.Signed)
		}
		signed, err := x.b.Version(x.ctx, here, plan.Risk, s.ID, 1)
		x.must(err)
		if signed.Risks.Rows[0].Done != "" || signed.Signed.Hash != s.Signed.Hash {
			t.Errorf("what was signed stays word for word: %+v", signed.Risks.Rows[0])
		}
		next, err := x.b.Begin(x.ctx, here, plan.Risk, 2027)
		x.must(err)
		if v := next.Risks.Rows[0]; v.Action != "SMB1を止める" || v.Judged {
			t.Errorf("next year the measures come along and are judged anew: %+v", v)
		}
	})
}

func TestAnAuditDrawsItsSampleAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		s, err := x.b.Begin(x.ctx, here, plan.Audit, 2026)
		x.must(err)
		if len(s.Audit.Items) == 0 || !s.Audit.Items[0].Required {
			t.Fatalf("%+v", s.Audit)
		}
		if _, err := x.b.Draw(x.ctx, here, s.ID, s.Revision, "contracts", 3); !fault.Is(err, fault.Conflict) {
			t.Errorf("from nothing: %v", err)
		}
		for _, what := range []string{"あ", "い", "う", "え", "お", "か", "き", "く"} {
			_, err := x.regs.Save(x.ctx, here, register.Row{Kind: "contracts", Values: map[string]string{"vendor": "甲", "what": what, "split": "written"}})
			x.must(err)
		}
		s, err = x.b.Draw(x.ctx, here, s.ID, s.Revision, "contracts", 3)
		x.must(err)
		one := s.Audit.Samples[0]
		if len(one.Frame) != 8 || len(one.Drawn) != 3 || !one.Again() || one.Drawn[0].Text == "" {
			t.Fatalf("%+v", one)
		}
		chosen := one.Drawn[0].ID
		other := slices.IndexFunc(one.Frame, func(id string) bool {
			return !slices.ContainsFunc(one.Drawn, func(d plan.Drawn) bool { return d.ID == id })
		})
		forged := one
		forged.Drawn = slices.Clone(one.Drawn)
		forged.Drawn[0].ID = one.Frame[other]
		if forged.Again() {
			t.Error("another choice passes for the drawn one")
		}
		s.Audit.Samples[0] = forged
		s.Audit.Samples[0].Seed = "00"
		s.Audit.Auditor, s.Audit.Reported, s.Audit.Day = "監査 一郎", "2026-11-27", "2026-11-20"
		for i := range s.Audit.Items {
			s.Audit.Items[i].Verdict = plan.Good
		}
		s.Audit.Remarks = []plan.Remark{{ID: "r1", Text: "契約書がない", Weight: "major", Action: "取り寄せる", Owner: "総務 花子", Due: "2026-12-20"}}
		s, err = x.b.Save(x.ctx, here, s)
		x.must(err)
		if got := s.Audit.Samples[0]; got.Drawn[0].ID != chosen || !got.Again() {
			t.Errorf("chance's choice was changed: %+v", got.Drawn)
		}
		s, err = x.b.Sign(x.ctx, here, plan.Audit, s.ID, s.Revision, "")
		x.must(err)
		if tasks := x.tasks("audit."); len(tasks) != 1 || tasks[0].Owner != "総務 花子" {
			t.Errorf("%+v", tasks)
		}
		s.Audit.Remarks[0].Mended = "2026-11-28"
		_, err = x.b.Save(x.ctx, here, s)
		x.must(err)
		rows, err := x.regs.Rows(x.ctx, here, "audit-remarks")
		x.must(err)
		if len(x.tasks("audit.")) != 0 || len(rows) != 1 || rows[0].Values["mended"] != "2026-11-28" {
			t.Errorf("%+v %+v", x.tasks("audit."), rows)
		}
	})
}

func TestTheBudgetAddsUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		x := start(t, db)
		s, err := x.b.Begin(x.ctx, here, plan.Budget, 2026)
		x.must(err)
		if len(s.Budget.Fees) == 0 || s.Budget.Fees[0].Confidence == catalogue.Official {
			t.Errorf("no condition was seen in the notice itself: %+v", s.Budget.Fees)
		}
		refs, err := x.b.Closable(x.ctx, here)
		x.must(err)
		kinds := map[string]int{}
		for _, r := range refs {
			kinds[r.Kind]++
		}
		if kinds["gate"] != 14 || kinds["item"] < 10 {
			t.Errorf("%v", kinds)
		}
		s.Budget.Lines = []plan.Line{{ID: "a", What: "二要素認証", Yen: [3]int64{1_000_000, 200_000, 200_000}, Closes: refs[:1]}, {ID: "b", What: "やめた", State: "refused", Yen: [3]int64{5, 5, 5}}, {ID: "c", What: "訓練", State: "granted", Yen: [3]int64{0, 300_000, 0}}}
		s, err = x.b.Save(x.ctx, here, s)
		x.must(err)
		if years, all := s.Budget.Totals(); years != [3]int64{1_000_000, 500_000, 200_000} || all != 1_700_000 {
			t.Error(years, all)
		}
		_, err = x.b.Sign(x.ctx, here, plan.Budget, s.ID, s.Revision, "")
		x.must(err)
		next, err := x.b.Begin(x.ctx, here, plan.Budget, 2027)
		x.must(err)
		if l := next.Budget.Lines; len(l) != 2 || l[0].Yen != [3]int64{200_000, 200_000, 0} || l[1].Yen != [3]int64{300_000, 0, 0} {
			t.Errorf("next year begins with the rest: %+v", l)
		}
		next.Budget.Lines[0].Yen[0] = -1
		if _, err := x.b.Save(x.ctx, here, next); !fault.Is(err, fault.Invalid) {
			t.Errorf("less than nothing: %v", err)
		}
	})
}

// A sample of a register with people's names shows them only to who may read that register.
func TestASampleHidesNamesLikeItsRegister(t *testing.T) {
	x := start(t, dbtest.SQLite(t))
	s, err := x.b.Begin(x.ctx, here, plan.Audit, 2026)
	x.must(err)
	for _, name := range []string{"髙﨑 花子", "渡邉 次郎"} {
		_, err := x.regs.Save(x.ctx, here, register.Row{Kind: "leavers", Values: map[string]string{"name": name, "left": "2026-10-31"}})
		x.must(err)
	}
	s, err = x.b.Draw(x.ctx, here, s.ID, s.Revision, "leavers", 2)
	x.must(err)
	seen := func(r actor.Role) string {
		var out []string
		for _, d := range s.Veiled(r).Audit.Samples[0].Drawn {
			out = append(out, d.Text)
		}
		return strings.Join(out, " ")
	}
	for role, sees := range map[actor.Role]bool{actor.Admin: true, actor.Auditor: true, actor.Director: true, actor.Department: false, actor.Desk: false} {
		if got := seen(role); strings.Contains(got, "髙﨑") != sees {
			t.Errorf("%s sees %q", role, got)
		}
	}
	if !s.Veiled(actor.Desk).Audit.Samples[0].Again() {
		t.Error("a veiled sample cannot be drawn again")
	}
}
