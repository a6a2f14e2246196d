package dock_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/evidence"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/supplier"
)

// odd are the characters that get lost on the way to paper.
const odd = "髙﨑①㈱〜Ⅲ㎡か゚葛󠄀"

func filled(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, dbtest.SQLite(t))
	for i, name := range []string{"診療系", "2階病棟" + odd, "事務", "画像<b>検査</b>"} {
		_, err := r.o.Gates.Propose(r.ctx(), r.f, gate.Segment{Name: name, Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 24), Medical: i == 1, Pace: gate.Gentle, Routed: true})
		r.must(err)
	}
	for _, w := range []ledger.Word{{Name: "電子カルテ 主サーバ " + odd, Number: "S-001", Kind: "server", Maker: "見本電機㈱", Building: "本館", Floor: "B1"}, {Name: "保守ルータ", Kind: "router", RemoteType: "VPN", RemoteBy: "見本システム㈱"}, {Name: "受付PC", Kind: "pc"}} {
		_, err := r.o.Ledger.Add(r.ctx(), r.f, w, ledger.Registered, "")
		r.must(err)
	}
	_, err := r.o.Ledger.SaveSystem(r.ctx(), r.f, ledger.System{Name: "電子カルテ" + odd, Vendor: "見本システム㈱"})
	r.must(err)
	for _, row := range []register.Row{
		{Kind: "contacts", Values: map[string]string{"group": "police", "name": "県警察サイバー対策" + odd, "phone": "000-0000-0110", "order": "2", "tested": "2025-10-01", "result": "reached"}},
		{Kind: "contacts", Values: map[string]string{"group": "inside", "name": "髙﨑 花子", "phone": "内線1234", "order": "1"}},
		{Kind: "training", Values: map[string]string{"held": "2025-06-10", "title": "標的型メールの見分け方" + odd, "name": "佐藤", "department": "看護部"}},
		{Kind: "training", Values: map[string]string{"held": "2025-06-10", "title": "標的型メールの見分け方" + odd, "name": "鈴木", "department": "医事課"}},
		{Kind: "remarks", Values: map[string]string{"inspected": "2024-11-12", "remark": "連絡体制図に夜間の番号がない" + odd, "action": "夜間の番号を加えた", "answered": "2025-01-20"}},
		{Kind: "bcp", Values: map[string]string{"title": "診療を続ける計画" + odd, "approved": "2025-09-01", "approved_by": "院長", "open": "調剤の紙の流れ" + odd}},
		{Kind: "drills-held", Values: map[string]string{"held": "2025-10-05", "title": "紙の運用訓練", "way": "downtime", "people": "41", "learned": "夜勤の人数が足りない" + odd}},
		{Kind: "backups", Values: map[string]string{"system": "電子カルテ" + odd, "threat": "attack", "generations": "4", "offline": "yes", "os_independent": "yes", "done_by": "cloud", "last_success": "2025-11-10"}},
		{Kind: "restores", Values: map[string]string{"system": "電子カルテ" + odd, "tested": "2025-11-01", "result": "ok", "hours": "9"}},
		{Kind: "outside", Values: map[string]string{"name": "クラウド型予約" + odd, "kind": "cloud", "purpose": "外来予約", "open": "always"}},
	} {
		_, err := r.o.Registers.Save(r.ctx(), r.f, row)
		r.must(err)
	}
	r.sign(plan.Sheet{Kind: plan.Risk, Risks: &plan.Risks{Rows: []plan.RiskRow{
		{ID: "flood", Threat: "水害", Likelihood: 1, Impact: 4, Judged: true, Treatment: plan.Accept, Action: "高台にある"},
		{ID: "done", Threat: "済んだこと", Likelihood: 5, Impact: 5, Judged: true, Treatment: plan.Reduce, Action: "済んだ", Owner: "情報 太郎", Due: "2025-10-01", Done: "2025-09-30"},
		{ID: "ransomware", Threat: "ランサムウェア" + odd, Likelihood: 4, Impact: 5, Judged: true, Treatment: plan.Reduce, Action: "オフラインの控えを作る", Owner: "情報 太郎", Due: "2026-02-27"}}}})
	r.sign(plan.Sheet{Kind: plan.Budget, Budget: &plan.Money{Lines: []plan.Line{
		{ID: "a", What: "バックアップ装置", Effect: "復旧が3日から8時間に", Yen: [3]int64{1_800_000}, State: "asked"},
		{ID: "b", What: "済んだもの", Yen: [3]int64{1}, State: "spent"}}}})
	r.claim("r7.1.1", catalogue.Yes, "")
	r.claim("r7.3.3", catalogue.No, "")
	return r
}

// sign makes the year's sheet of a kind with this content, and has it signed.
func (r *rig) sign(want plan.Sheet) {
	r.t.Helper()
	s, err := r.o.Plans.Begin(r.ctx(), r.f, want.Kind, 2025)
	r.must(err)
	s.Risks, s.Budget = want.Risks, want.Budget
	s, err = r.o.Plans.Save(r.ctx(), r.f, s)
	r.must(err)
	_, err = r.o.Plans.Sign(r.ctx(), r.f, s.Kind, s.ID, s.Revision, "")
	r.must(err)
}

// The check-up takes risks and money from what was signed, and from nowhere else: a sheet that nobody signed is not the hospital's word.
func TestOnlySignedSheetsCount(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	s, err := r.o.Plans.Begin(r.ctx(), r.f, plan.Risk, 2025)
	r.must(err)
	p, err := r.Present(r.ctx(), r.f, dock.Want{})
	r.must(err)
	if len(p.Risks) != 0 {
		t.Errorf("a draft counts: %+v", p.Risks)
	}
	for i := range s.Risks.Rows {
		v := &s.Risks.Rows[i]
		v.Judged, v.Treatment, v.Owner, v.Due = true, plan.Reduce, "情報 太郎", "2026-01-30"
	}
	s, err = r.o.Plans.Save(r.ctx(), r.f, s)
	r.must(err)
	s, err = r.o.Plans.Sign(r.ctx(), r.f, plan.Risk, s.ID, s.Revision, "")
	r.must(err)
	p, err = r.Present(r.ctx(), r.f, dock.Want{})
	r.must(err)
	if len(p.Risks) != 3 || p.Risks[0].From != "sheet" {
		t.Fatalf("%+v", p.Risks)
	}
	worst := p.Risks[0].ID
	for i := range s.Risks.Rows {
		if s.Risks.Rows[i].ID == worst {
			s.Risks.Rows[i].Done = "2025-11-19"
		}
	}
	_, err = r.o.Plans.Save(r.ctx(), r.f, s)
	r.must(err)
	p, err = r.Present(r.ctx(), r.f, dock.Want{})
	r.must(err)
	if p.Risks[0].ID == worst {
		t.Error("what was dealt with since is still one of the biggest risks")
	}
}

// A vendor that does not answer stands in the pack with its reason, and so does an edition whose year has ended.
func TestThePackSaysWhoRefusedAndThatTheEditionEnded(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	vendor, err := r.o.Suppliers.Save(r.ctx(), r.f, supplier.Supplier{Name: "見本システム㈱"})
	r.must(err)
	system, err := r.o.Ledger.SaveSystem(r.ctx(), r.f, ledger.System{Name: "検査システム", VendorID: vendor.ID})
	r.must(err)
	_, _, err = r.o.Inquiries.AskVendors(r.ctx(), r.f, []string{system.ID}, time.Time{}, "")
	r.must(err)
	asked, _, err := r.o.Inquiries.List(r.ctx(), r.f, inquiry.Filter{})
	r.must(err)
	r.must(r.o.Inquiries.Refuse(r.ctx(), r.f, asked[0].ID, "契約に含まれていない"+odd))
	text := func() string {
		t.Helper()
		p, err := r.Pack(r.ctx(), r.f, "")
		r.must(err)
		var b bytes.Buffer
		r.must(p.HTML(&b))
		return b.String()
	}
	if got := text(); !strings.Contains(got, "業者が回答しません（令和7年11月20日）。理由：契約に含まれていない"+odd) || strings.Contains(got, "に終わりました") {
		t.Error("the refusal is not in the pack, or an edition of this year has ended")
	}
	r.now = r.now.AddDate(1, 0, 0)
	if got := text(); !strings.Contains(got, "この版の期間は令和8年3月31日に終わりました") || !strings.Contains(got, "令和7年度（終わった年度）") {
		t.Error("a day that has passed is printed as if it were to come")
	}
}

// Every text of the pack stands on paper and in the workbook as it does on the screen, and not one character is lost.
func TestTextOnPaperEqualsTextOnScreen(t *testing.T) {
	r := filled(t)
	r.freeze()
	p, err := r.Pack(r.ctx(), r.f, "")
	r.must(err)
	var page, book bytes.Buffer
	r.must(p.HTML(&page))
	r.must(p.XLSX(&book))
	b, err := paper.Open(bytes.NewReader(book.Bytes()), int64(book.Len()), "pack.xlsx")
	r.must(err)
	cells := map[string]bool{}
	for _, s := range b.Sheets() {
		r.must(s.Rows(func(row paper.Row) error {
			for _, c := range row.Cells {
				cells[c.Text] = true
			}
			return nil
		}))
	}
	plain := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", "\"", "&#39;", "'", "&#43;", "+", "&amp;", "&").Replace(page.String())
	if s := &p.Snapshot; len(s.Risks) < 2 || s.Risks[0].Title != "ランサムウェア"+odd || len(s.Money) != 1 || s.Money[0].Amount != 1_800_000 || len(s.Registers) != len(register.Kinds()) {
		t.Errorf("%+v %+v", s.Risks, s.Money)
	}
	n := 0
	for _, part := range p.Parts {
		for _, row := range part.Rows {
			for _, c := range row {
				n++
				if !strings.Contains(plain, c) {
					t.Errorf("%s: the page lacks %q", part.ID, c)
				}
				if c != "" && part.Drawing == "" && !cells[c] {
					t.Errorf("%s: the workbook lacks %q", part.ID, c)
				}
			}
		}
	}
	if n < 200 || !strings.Contains(plain, "電子カルテ"+odd) {
		t.Errorf("only %d texts", n)
	}
	if strings.Contains(page.String(), "<b>検査") {
		t.Error("what people wrote became markup")
	}
	pdf := printed(t, &p)
	if pdf == "" {
		return
	}
	squeeze := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r <= ' ' || r == '　' || r == 0xE0100 { // a variation selector changes the glyph that is drawn and is no text of its own in a PDF
				return -1
			}
			return r
		}, s)
	}
	// Lines and columns come in another order from a PDF: every character has to be there as often as on the screen.
	want, got := map[rune]int{}, map[rune]int{}
	for _, part := range p.Parts {
		for _, row := range part.Rows {
			for _, c := range squeeze(strings.Join(row, "")) {
				want[c]++
			}
		}
	}
	for _, c := range squeeze(pdf) {
		got[c]++
	}
	for c, n := range want {
		if got[c] < n {
			t.Errorf("on paper %q stands %d times, on the screen %d", c, got[c], n)
		}
	}
}

// printed is the text of the pack's PDF, "" where this machine cannot make one.
func printed(t *testing.T, p *dock.Pack) string {
	t.Helper()
	pdf, err := p.PDF(t.Context())
	if fault.Is(err, fault.Unavailable) && !paper.HasPDF() {
		t.Log("no Chromium: the PDF was not made")
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("KENSHIN_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "pack.pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("no pdftotext: the PDF was not read")
		return ""
	}
	cmd := exec.Command(tool, "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A はい against a measurement is printed with its reason, and not without one.
func TestAContradictionPrintsItsReason(t *testing.T) {
	r := filled(t)
	r.claim("r7.2.1", catalogue.Yes, "")
	r.measure("ledger-coverage", evidence.Fail, 460, 460)
	_, err := r.Pack(r.ctx(), r.f, "")
	missing, ok := errors.AsType[*dock.Unexplained](err)
	if !ok || !fault.Is(err, fault.Conflict) || len(missing.Items) != 1 || missing.Items[0].Item != "r7.2.1" {
		t.Fatalf("%v", err)
	}
	e := r.freeze() // freezing is always allowed: it shows what is so
	if _, err := r.Pack(r.ctx(), r.f, e.ID); err == nil {
		t.Error("the frozen one is printed without a reason")
	}
	r.claim("r7.2.1", catalogue.Yes, "新棟の機器は11月末に登録する"+odd)
	p, err := r.Pack(r.ctx(), r.f, "")
	r.must(err)
	for _, id := range []string{"form", "open"} {
		found := false
		for _, part := range p.Parts {
			for _, row := range part.Rows {
				found = found || part.ID == id && strings.Contains(strings.Join(row, "|"), "新棟の機器は11月末に登録する"+odd)
			}
		}
		if !found {
			t.Errorf("the reason does not stand in %s", id)
		}
	}
}

// The pack says how care goes on: plans, drills, copies with who makes them, and what a restore took.
func TestThePackShowsHowCareGoesOn(t *testing.T) {
	r := filled(t)
	p, err := r.Pack(r.ctx(), r.f, "")
	r.must(err)
	text := map[string]string{}
	for _, part := range p.Parts {
		for _, row := range part.Rows {
			text[part.ID] += strings.Join(row, "|") + "\n"
		}
	}
	for id, words := range map[string][]string{"continuity": {"診療を続ける計画", "令和7年9月1日", "院長", "調剤の紙の流れ", "紙の運用", "41人", "夜勤の人数が足りない"},
		"backups": {"電子カルテ", "クラウド事業者", "令和7年11月10日", "令和7年11月1日", "9時間"}} {
		for _, w := range words {
			if !strings.Contains(text[id], w) {
				t.Errorf("%s lacks %q:\n%s", id, w, text[id])
			}
		}
	}
}

// The first round keeps what was answered first, the second what came of it; each with its day, and the year in which the item is due.
func TestTheRoundsOfAForm(t *testing.T) {
	r := filled(t)
	r.claim("r7.2.9", catalogue.No, "")
	r.claimOn("r7.2.9", catalogue.Yes, time.Date(2025, 11, 20, 0, 0, 0, 0, time.UTC))
	r.claim("r7.2.3", catalogue.No, "")
	p, err := r.Pack(r.ctx(), r.f, "")
	r.must(err)
	rows := map[string][]string{}
	for _, part := range p.Parts {
		for _, row := range part.Rows {
			if part.ID == "form" && len(row) == len(part.Columns) {
				rows[row[0]] = row[2:]
			}
		}
	}
	if got := strings.Join(rows["2-⑨"], "|"); got != "令和7年度|いいえ|令和7年11月18日|令和8年2月27日|はい|令和7年11月20日|○ 申告のみ" {
		t.Error(got)
	}
	if got := strings.Join(rows["2-③"], "|"); got != "令和7年度|いいえ|令和7年11月18日|令和8年2月27日|||✕ 未実施" {
		t.Error(got)
	}
}

// A pack verifies by the public key alone, also years later, and says which dock it came from.
func TestAPackVerifies(t *testing.T) {
	r := filled(t)
	e := r.freeze()
	r.must(r.Approve(r.ctx(), r.f, e.ID, ""))
	p, err := r.Pack(r.ctx(), r.f, e.ID)
	r.must(err)
	if p.Approved == "" || p.Snapshot.Number != 1 {
		t.Errorf("%q, number %d", p.Approved, p.Snapshot.Number)
	}
	s, err := r.Seal(r.ctx(), r.f, p)
	r.must(err)
	file, err := s.File()
	r.must(err)
	key, err := r.Key(r.ctx(), r.f)
	r.must(err)
	v, err := dock.Verify(file, key)
	r.must(err)
	if !v.Pack || v.Number != 1 || v.Snapshot.Forms[0].Catalogue != checklist {
		t.Errorf("%+v", v.Seal)
	}
	if _, err := dock.Verify(bytes.Replace(file, []byte("保守ルータ"), []byte("保守ルーダ"), 1), key); err == nil {
		t.Error("an altered ledger extract verifies")
	}
	rep, err := r.Check(r.ctx(), r.f, file)
	r.must(err)
	if !rep.OK() || !rep.Texts[0].Here {
		t.Errorf("%+v", rep.Problems)
	}
}

// What an inspector said is a task until it is answered, and stands in next year's pack with the answer.
func TestARemarkIsATaskAndIsAnsweredNextYear(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	row, err := r.Remark(r.ctx(), r.f, map[string]string{"inspected": "2025-11-18", "remark": "バックアップの世代が足りない", "by_when": "2026-02-27"})
	r.must(err)
	open := func() []finding.Finding {
		t.Helper()
		p, err := r.o.Findings.List(r.ctx(), r.f, finding.Filter{Source: finding.Inspector})
		r.must(err)
		return p.Findings
	}
	if got := open(); len(got) != 1 || !strings.Contains(got[0].Title.Ja, "世代が足りない") || got[0].Due.Format("2006-01-02") != "2026-02-27" {
		t.Fatalf("%+v", got)
	}
	r.must(r.TellRemarks(r.ctx(), r.f))
	if len(open()) != 1 {
		t.Error("looking twice makes two")
	}
	r.now = r.now.AddDate(0, 3, 0)
	row.Values["action"], row.Values["answered"] = "三世代にした", "2026-02-10"
	_, err = r.o.Registers.Save(r.ctx(), r.f, row)
	r.must(err)
	r.must(r.TellRemarks(r.ctx(), r.f))
	if got := open(); len(got) != 0 {
		t.Errorf("answered and still a task: %+v", got)
	}
	r.now = r.now.AddDate(0, 9, 0)
	p, err := r.Pack(r.ctx(), r.f, "")
	r.must(err)
	for _, part := range p.Parts {
		if part.ID == "remarks" && (len(part.Rows) != 1 || part.Rows[0][0] != "令和7年11月18日" || part.Rows[0][2] != "三世代にした" || part.Rows[0][4] != "令和8年2月10日") {
			t.Errorf("%v", part.Rows)
		}
	}
}
