package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/supplier"
)

// facts is what is known of a facility at the moment when a sheet is begun.
type facts struct {
	counts    ledger.Counts
	open      map[string]int // open findings by check
	refused   []i18n.Text    // what is open because a vendor does not answer
	segments  []gate.Segment
	suppliers []supplier.Supplier
	systems   []ledger.System
	registers map[string][]register.Row
	today     string
}

// Begin starts a sheet for a fiscal year, filled in from what is known. Lines of the last sheet of its kind that people wrote themselves come along.
func (b *Book) Begin(ctx context.Context, f facility.ID, kind Kind, year int) (Sheet, error) {
	list, err := b.List(ctx, f, kind)
	if err != nil {
		return Sheet{}, err
	}
	var last *Sheet
	for i := range list {
		if kind != Audit && list[i].Year == year {
			return Sheet{}, fault.Newf(fault.Conflict, "%d年度の表は、もうあります。", "There is a sheet of %d already.", year)
		}
		if last == nil && list[i].Year < year {
			last = &list[i]
		}
	}
	s := Sheet{Kind: kind, Year: year, Title: fmt.Sprintf("%d年度 %s", year, kind.Label().Ja)}
	switch kind {
	case Risk:
		known, err := b.facts(ctx, f)
		if err != nil {
			return s, err
		}
		s.Risks = &Risks{Rows: carried(known.threats(), last)}
	case Audit:
		if s.Audit, err = b.auditOf(ctx, f); err != nil {
			return s, err
		}
	case Budget:
		if s.Budget, err = b.budgetOf(ctx, f, year, last); err != nil {
			return s, err
		}
	default:
		return s, fault.New(fault.Invalid, "この種類の表はありません。", "There is no such kind of sheet.")
	}
	return b.insert(ctx, f, s)
}

// Threats returns what would be proposed now, with the facts.
func (b *Book) Threats(ctx context.Context, f facility.ID) ([]RiskRow, error) {
	known, err := b.facts(ctx, f)
	return known.threats(), err
}

func (b *Book) facts(ctx context.Context, f facility.ID) (out facts, err error) {
	p, err := b.Ledger.List(ctx, f, ledger.Query{Limit: 1})
	if err != nil {
		return out, err
	}
	out.counts, out.today = p.Counts, b.Now().In(tokyo()).Format(time.DateOnly)
	out.open = map[string]int{}
	q := finding.Filter{States: []finding.State{finding.Open, finding.Waiting}, Limit: 500}
	for range 20 { // 10,000 are enough to say "many"
		page, err := b.Findings.List(ctx, f, q)
		if err != nil {
			return out, err
		}
		for _, v := range page.Findings {
			out.open[v.Check]++
			if v.Check == refusedCheck {
				out.refused = append(out.refused, v.Title)
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	entries, err := b.Gates.Segments(ctx, f)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		if e.Approved {
			out.segments = append(out.segments, e.Segment)
		}
	}
	if out.suppliers, err = b.Suppliers.List(ctx, f, ""); err != nil {
		return out, err
	}
	if out.systems, err = b.Ledger.Systems(ctx, f); err != nil {
		return out, err
	}
	out.registers, err = b.Registers.All(ctx, f)
	return out, err
}

// rows counts the rows of a register that a test chooses.
func (k facts) rows(kind string, test func(register.Row) bool) (n int) {
	for _, r := range k.registers[kind] {
		if test == nil || test(r) {
			n++
		}
	}
	return n
}

// vital counts the systems whose stop touches patients most.
func (k facts) vital() (n int) {
	for _, s := range k.systems {
		if s.Impact == ledger.ImpactHigh {
			n++
		}
	}
	return n
}

// ground collects the facts of one threat.
type ground struct{ why []i18n.Text }

// say adds a fact when there is anything to count; bad facts raise the proposal.
func (g *ground) say(n int, ja, en string) int {
	if n == 0 {
		return 0
	}
	g.why = append(g.why, i18n.Text{Ja: fmt.Sprintf(ja, n), En: fmt.Sprintf(en, n)})
	return 1
}

func (g *ground) lacks(missing bool, ja, en string) int {
	if !missing {
		return 0
	}
	g.why = append(g.why, i18n.Text{Ja: ja, En: en})
	return 1
}

// refusedCheck is the finding that an unanswered vendor form leaves.
const refusedCheck = "vendor-refused"

// threats proposes the six threats of every hospital, and a seventh where vendors refuse to answer; each with the facts found here. The numbers are a proposal until a person confirms them: the
// likelihood begins at 2 and grows by one with each weak fact, the impact begins with how many vital systems or medical devices there are.
func (k facts) threats() []RiskRow {
	out := []RiskRow{k.ransomware(), k.vendorLine(), k.usb(), k.insider(), k.flood(), k.tampering()}
	if len(k.refused) > 0 {
		out = append(out, k.duties())
	}
	return out
}

// duties is the risk that nobody knows who does what, since a vendor does not say how it keeps its system safe.
func (k facts) duties() RiskRow {
	var g ground
	g.why = k.refused[:min(len(k.refused), 20)]
	return threat("vendor-duty", "業者の責任の範囲が決まらず、障害や侵入のときに対応が遅れる", "業者が点検表に答えないシステム", min(len(k.refused), 2), 4, g)
}

func threat(id, ja string, asset string, weak, impact int, g ground) RiskRow {
	if len(g.why) == 0 {
		g.why = []i18n.Text{{Ja: "どの病院でも起こりうるため。Kenshinの中には、高める事実も下げる事実もありません。", En: "It may happen in every hospital. Kenshin knows no fact for or against it."}}
	}
	return RiskRow{ID: id, Threat: ja, Asset: asset, Why: g.why, Likelihood: min(2+weak, 5), Impact: impact}
}

func (k facts) ransomware() RiskRow {
	var g ground
	weak := g.say(k.open["smb1"], "古いファイル共有(SMB1)の機器が%d台あります。", "%d devices speak SMB1.")
	weak += g.say(k.counts.OSOld, "支援の終わったOSの機器が%d台あります。", "%d devices run an unsupported system.")
	weak += g.say(k.open["drill.real-phish"], "本物の不審メールが%d件報告され、まだ片づいていません。", "%d real phishing mails are open.")
	offline := func(r register.Row) bool { return r.Values["offline"] == "yes" }
	weak += g.lacks(k.rows("backups", nil) == 0, "バックアップの記録がまだありません。", "No backup is recorded yet.")
	if n := k.rows("backups", nil); n > 0 {
		weak += g.lacks(k.rows("backups", offline) == 0, "切り離したバックアップの記録がありません。", "No offline backup is recorded.")
	}
	g.say(k.vital(), "止まると患者さんに大きく影響するシステムが%dあります。", "%d systems touch patients most when they stop.")
	return threat("ransomware", "ランサムウェアで電子カルテなどが使えなくなる", "診療のシステムと、そのデータ", weak, 5, g)
}

func (k facts) vendorLine() RiskRow {
	var g ground
	known := k.rows("outside", nil)
	g.say(known, "外との接続が%d本、記録にあります。", "%d outside connections are recorded.")
	weak := g.say(k.rows("outside", func(r register.Row) bool { return r.Values["mfa"] == "no" }), "二要素認証のない外との接続が%d本あります。", "%d of them have no second factor.")
	weak += g.say(k.rows("outside", func(r register.Row) bool { return r.Values["contract"] == "" }), "契約が書かれていない外との接続が%d本あります。", "%d of them name no contract.")
	weak += g.lacks(known == 0 && len(k.suppliers) > 0, fmt.Sprintf("業者が%d社あるのに、外との接続が一本も記録されていません。", len(k.suppliers)), fmt.Sprintf("There are %d vendors, and no outside connection is recorded.", len(k.suppliers)))
	weak += g.say(k.open[refusedCheck], "安全対策の確認に答えない業者のシステムが%dあります。", "Vendors of %d systems refuse to answer.")
	return threat("vendor-line", "業者の保守回線から入り込まれる", "保守回線の先のシステム", weak, 5, g)
}

func (k facts) usb() RiskRow {
	var g ground
	weak := g.lacks(k.rows("usb-rule", nil) == 0, "USBメモリの決まりが記録されていません。", "No USB rule is recorded.")
	if n := k.rows("usb-rule", nil); n > 0 {
		weak += g.lacks(k.rows("usb-rule", func(r register.Row) bool { return r.Values["enforced"] == "yes" }) == 0, "USBメモリの決まりはありますが、設定では止めていません。", "The USB rule is not enforced by settings.")
	}
	weak += g.say(k.rows("usb-reviews", func(r register.Row) bool { return r.Values["odd"] != "" && r.Values["odd"] != "0" }), "おかしなUSBの利用が見つかった点検が%d回あります。", "%d reviews found odd uses.")
	g.say(k.counts.Medical, "医療機器が%d台あります(画像などをUSBで運ぶことがあります)。", "There are %d medical devices, whose images may travel by USB.")
	return threat("usb", "USBメモリからウイルスが入る・情報が持ち出される", "端末と医療機器、患者の情報", weak, 4, g)
}

func (k facts) insider() RiskRow {
	var g ground
	weak := g.lacks(k.rows("account-reviews", nil) == 0, "アカウントの見直しが記録されていません。", "No review of accounts is recorded.")
	left := map[string]bool{}
	for _, r := range k.registers["leavers"] {
		if no := r.Values["staff_no"]; no != "" && r.Values["left"] <= k.today {
			left[no] = true
		}
	}
	weak += g.say(k.rows("accounts", func(r register.Row) bool {
		return left[r.Values["staff_no"]] && r.Values["enabled"] == "yes"
	}), "退職した人の有効なアカウントが%d件あります。", "%d accounts of people who left are enabled.")
	weak += g.lacks(k.rows("log-reviews", nil) == 0, "ログの点検が記録されていません。", "No review of logs is recorded.")
	return threat("insider", "職員や退職した人が、情報を持ち出す・消す", "患者の情報", weak, 3, g)
}

func (k facts) flood() RiskRow {
	var g ground
	cloud := 0
	for _, s := range k.systems {
		if s.Hosting == ledger.Cloud || s.Hosting == ledger.OnBoth {
			cloud++
		}
	}
	weak := g.say(cloud, "院外(クラウドなど)で動くシステムが%dあります。回線が詰まると使えません。", "%d systems run outside: a flooded line stops them.")
	g.say(k.rows("outside", nil), "外との接続が%d本、記録にあります。", "%d outside connections are recorded.")
	return threat("ddos", "大量の通信で、回線やホームページ・クラウドが使えなくなる", "外との回線、院外のシステム", weak, 3, g)
}

func (k facts) tampering() RiskRow {
	var g ground
	weak := g.say(k.open["open-database"], "パスワードなしで開くデータベースが%dあります。", "%d databases open without a password.")
	weak += g.say(k.open["telnet"]+k.open["ftp"]+k.open["vnc"], "暗号のない遠隔操作やファイル転送の口が%dあります。", "%d services for remote control or files have no encryption.")
	medical, office := false, false
	for _, s := range k.segments {
		medical, office = medical || s.Medical, office || !s.Medical
	}
	weak += g.lacks(medical && !office, "医療機器とほかの機器の区画が分かれていません(区画はすべて医療機器のいる区画です)。", "Medical devices share their segments with the rest.")
	weak += g.say(k.open["unknown-device"], "だれも知らない機器が%d台つながっています。", "%d devices are unknown.")
	return threat("tampering", "検査結果や投薬の指示が書き換えられる", "検査・投薬のデータ、医療機器", weak, 5, g)
}

// carried lays last year's judgements over the new proposals: treatment and words stay, the numbers are judged anew. Rows of people's own come along.
func carried(rows []RiskRow, last *Sheet) []RiskRow {
	if last == nil {
		return rows
	}
	for _, old := range last.Risks.Rows {
		i := slices.IndexFunc(rows, func(r RiskRow) bool { return r.ID == old.ID })
		if i < 0 {
			old.Judged = false
			rows = append(rows, old)
			continue
		}
		rows[i].Treatment, rows[i].Action, rows[i].Owner, rows[i].Due, rows[i].Done = old.Treatment, old.Action, old.Owner, old.Due, old.Done
	}
	return rows
}

const auditCatalogue = "audit-items"

// auditOf takes the audit's items from the catalogue as it is now.
func (b *Book) auditOf(ctx context.Context, f facility.ID) (*AuditPlan, error) {
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	c, ok := set.Find(auditCatalogue)
	if !ok {
		return nil, fault.New(fault.NotFound, "監査の項目のカタログがありません。", "There is no catalogue of audit items.")
	}
	a := &AuditPlan{Catalogue: c.ID, Edition: c.Edition}
	for _, i := range c.Items {
		a.Items = append(a.Items, AuditItem{ID: i.ID, Title: i.Title, How: i.Plain, Required: i.Required})
	}
	slices.SortStableFunc(a.Items, func(x, y AuditItem) int { return order(y.Required) - order(x.Required) })
	return a, nil
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Populations are what samples can be drawn from.
func Populations() []Population {
	out := []Population{{"devices", i18n.Text{Ja: "台帳の機器", En: "Devices of the ledger"}}}
	for _, id := range []string{"accounts", "rights", "training", "backups", "outside", "contracts", "leavers"} {
		if k, err := register.KindOf(id); err == nil {
			out = append(out, Population{id, k.Title})
		}
	}
	return out
}

// Draw adds a random sample to an audit.
func (b *Book) Draw(ctx context.Context, f facility.ID, id string, revision int64, population string, n int) (Sheet, error) {
	i := slices.IndexFunc(Populations(), func(p Population) bool { return p.ID == population })
	if i < 0 {
		return Sheet{}, fault.New(fault.Invalid, "選ぶ元がありません。", "There is no such population.")
	}
	s, err := b.Get(ctx, f, Audit, id)
	if err != nil {
		return s, err
	}
	if len(s.Audit.Samples) >= maxSamples {
		return s, fault.Newf(fault.TooLarge, "抜き取りは%d回までです。", "At most %d samples.", maxSamples)
	}
	members, err := b.members(ctx, f, population)
	if err != nil {
		return s, err
	}
	one, err := draw(Populations()[i], members, n, b.moment())
	if err != nil {
		return s, err
	}
	return b.add(ctx, f, id, revision, one)
}

// members lists a population.
func (b *Book) members(ctx context.Context, f facility.ID, population string) (out []Member, err error) {
	if population != "devices" {
		rows, err := b.Registers.Rows(ctx, f, population)
		if err != nil {
			return nil, err
		}
		k, err := register.KindOf(population)
		for _, r := range rows {
			var words []string
			for _, c := range k.Columns {
				if w := r.Values[c.Key]; w != "" && len(words) < 3 && c.Type != register.System && c.Type != register.Vendor {
					words = append(words, w)
				}
			}
			out = append(out, Member{r.ID, strings.Join(words, " · ")})
		}
		return out, err
	}
	q := ledger.Query{Limit: 500}
	for {
		p, err := b.Ledger.List(ctx, f, q)
		if err != nil {
			return nil, err
		}
		for _, d := range p.Devices {
			name := cmp.Or(d.Name(), strings.TrimSpace(d.Maker()+" "+d.Model()), d.Word.IPText)
			for _, card := range d.Interfaces {
				if name == "" && len(card.IPv4) > 0 {
					name = card.IPv4[0].String()
				}
			}
			name = cmp.Or(name, string(d.ID))
			out = append(out, Member{string(d.ID), strings.TrimSpace(d.Word.Number + " " + name)})
		}
		if q.Cursor = p.Next; q.Cursor == "" || len(out) > maxFrame {
			return out, nil
		}
	}
}

// budgetOf starts from what is still wanted of last year and what the risk assessment decided to do.
func (b *Book) budgetOf(ctx context.Context, f facility.ID, year int, last *Sheet) (*Money, error) {
	fees, err := b.fees(ctx)
	if err != nil {
		return nil, err
	}
	m := &Money{Fees: fees}
	if last != nil {
		for _, l := range last.Budget.Lines {
			if l.State == "spent" || l.State == "refused" {
				continue
			}
			back := year - last.Year
			for i := range l.Yen {
				if l.Yen[i] = 0; i+back < 3 {
					l.Yen[i] = last.Budget.Lines[slices.IndexFunc(last.Budget.Lines, func(x Line) bool { return x.ID == l.ID })].Yen[i+back]
				}
			}
			m.Lines = append(m.Lines, l)
		}
		for i := range m.Fees {
			if k := slices.IndexFunc(last.Budget.Fees, func(x Fee) bool { return x.ID == m.Fees[i].ID }); k >= 0 {
				m.Fees[i].Found, m.Fees[i].Checked = last.Budget.Fees[k].Found, last.Budget.Fees[k].Checked
			}
		}
	}
	risks, err := b.List(ctx, f, Risk)
	if err != nil || len(risks) == 0 {
		return m, err
	}
	for _, r := range risks[0].Risks.Rows {
		id := "risk-" + r.ID
		if r.Action == "" || r.Done != "" || r.Treatment == Accept || slices.ContainsFunc(m.Lines, func(l Line) bool { return l.ID == id }) {
			continue
		}
		m.Lines = append(m.Lines, Line{ID: id, What: short(jp.Clean(r.Action)), State: "wanted", Closes: []Ref{{"risk", r.ID, i18n.Text{Ja: r.Threat, En: r.Threat}}}})
	}
	return m, nil
}

// Closable lists what a line of the budget may close: the gates to the levels, the items of the facility's checklist, the risks of the newest sheet.
func (b *Book) Closable(ctx context.Context, f facility.ID) (out []Ref, err error) {
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	form, _ := set.Newest(catalogue.Checklist, catalogue.FacilityForm)
	gates, _ := set.Find("level-gates")
	for _, c := range []catalogue.Catalogue{gates, form} {
		kind := "item"
		if c.ID == gates.ID {
			kind = "gate"
		}
		for _, i := range c.Items {
			title := i.Title
			if i.Number != "" {
				title = i18n.Text{Ja: i.Number + " " + title.Ja, En: i.Number + " " + title.En}
			}
			if i.Gate != nil {
				title = i18n.Text{Ja: fmt.Sprintf("レベル%d: %s", i.Gate.Level, title.Ja), En: fmt.Sprintf("Level %d: %s", i.Gate.Level, title.En)}
			}
			out = append(out, Ref{kind, i.ID, title})
		}
	}
	risks, err := b.List(ctx, f, Risk)
	if err == nil && len(risks) > 0 {
		for _, r := range risks[0].Risks.Rows {
			out = append(out, Ref{"risk", r.ID, i18n.Text{Ja: r.Threat, En: r.Threat}})
		}
	}
	return out, err
}
