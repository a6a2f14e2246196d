package dock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kenshin/assess/plan"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
)

// row is a row of a register as people read it, by the keys of register/kinds.yaml: choices in words, days as "2026-11-28".
type row map[string]string

// rows reads a register; names are those of systems and vendors by their ids.
func (b *Book) rows(ctx context.Context, f facility.ID, kind string, names map[string]string) ([]row, error) {
	k, err := register.KindOf(kind)
	if err != nil {
		return nil, err
	}
	list, err := b.Registers.Rows(ctx, f, kind)
	if err != nil {
		return nil, err
	}
	out := make([]row, len(list))
	for n := range list {
		out[n] = row{"id": list[n].ID, "owner": list[n].Owner, "due": list[n].Due}
		for key, value := range list[n].Values {
			if c, ok := k.Column(key); ok && c.Type != register.Date {
				value = c.Shown(value, i18n.Ja, names)
			}
			out[n][key] = value
		}
	}
	return out, nil
}

// names are what systems and vendors are called.
func (b *Book) names(ctx context.Context, f facility.ID) (map[string]string, error) {
	out := map[string]string{}
	systems, err := b.Ledger.Systems(ctx, f)
	if err != nil {
		return nil, err
	}
	for i := range systems {
		out[systems[i].ID] = systems[i].Name
	}
	vendors, err := b.Suppliers.List(ctx, f, "")
	for i := range vendors {
		out[vendors[i].ID] = vendors[i].Name
	}
	return out, err
}

// registers are the heads of all registers, and what the director's page takes from the plans.
func (g *gathering) registers(ctx context.Context) error {
	all, err := g.Registers.All(ctx, g.f)
	if err != nil {
		return err
	}
	for _, k := range register.Kinds() {
		head := Register{Kind: k.ID, Title: k.Title, Rows: len(all[k.ID])}
		for _, r := range all[k.ID] {
			if r.Checked != "" && (head.Oldest == "" || r.Checked < head.Oldest) {
				head.Oldest = r.Checked
			}
		}
		if _, head.SHA256, err = canonicalOf(all[k.ID]); err != nil {
			return err
		}
		g.s.Registers = append(g.s.Registers, head)
	}
	if err := g.planned(ctx); err != nil {
		return err
	}
	return g.money(ctx)
}

// signed is the newest signed sheet of a kind; false where none is.
func (g *gathering) signed(ctx context.Context, kind plan.Kind) (s plan.Sheet, ok bool, err error) {
	if g.Plans == nil {
		return s, false, nil
	}
	s, err = g.Plans.Latest(ctx, g.f, kind)
	if fault.Is(err, fault.NotFound) {
		return s, false, nil
	}
	return s, err == nil, err
}

// planned are the risks of the signed assessment that are not dealt with yet, the largest product of likelihood and impact first.
func (g *gathering) planned(ctx context.Context) error {
	s, ok, err := g.signed(ctx, plan.Risk)
	if err != nil || !ok {
		return err
	}
	now, err := g.Plans.Get(ctx, g.f, plan.Risk, s.ID)
	if err != nil {
		return err
	}
	done := map[string]bool{} // what was finished since it was signed
	for _, r := range now.Risks.Rows {
		done[r.ID] = r.Done != ""
	}
	list := slices.DeleteFunc(slices.Clone(s.Risks.Rows), func(r plan.RiskRow) bool { return r.Done != "" || done[r.ID] })
	slices.SortStableFunc(list, func(a, b plan.RiskRow) int { return cmp.Compare(b.Weight(), a.Weight()) })
	const most = 3 // the others are what was measured
	for _, r := range list[:min(len(list), most)] {
		g.s.Risks = append(g.s.Risks, Risk{Title: r.Threat, Why: r.Asset, What: strings.TrimSpace(r.Treatment.Label().Ja + "　" + r.Action), Due: r.Due, From: "sheet", ID: r.ID,
			Weight: fmt.Sprintf("%d点（%d×%d）", r.Weight(), r.Likelihood, r.Impact)})
	}
	return nil
}

// maxMoney is how many lines of the budget stand on the director's page.
const maxMoney = 8

// money is what the signed budget asks for and nobody has decided, this year's first.
func (g *gathering) money(ctx context.Context) error {
	s, ok, err := g.signed(ctx, plan.Budget)
	if err != nil || !ok {
		return err
	}
	var out []Money
	for _, l := range s.Budget.Lines {
		if l.State != "wanted" && l.State != "asked" {
			continue
		}
		var closes []string
		for _, r := range l.Closes {
			closes = append(closes, strings.TrimRight(r.Title.Ja, "。"))
		}
		for n, amount := range l.Yen {
			if year := s.Year + n; amount > 0 && year >= g.s.Year {
				out = append(out, Money{What: l.What, Why: l.Effect, Year: strconv.Itoa(year), Amount: amount, Closes: strings.Join(closes, "、")})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Money) int { return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(b.Amount, a.Amount)) })
	g.s.Money = out[:min(len(out), maxMoney)]
	return nil
}

func number(s string) int {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f < 0 || f > 1<<50 {
		return 0
	}
	return int(f)
}

// contacts is the chart of whom to call.
func (w *packing) contacts(ctx context.Context) error {
	p := Part{ID: "contacts", Title: "連絡体制図", Columns: []Column{{"区分", 14}, {"順", 5}, {"氏名・窓口", 20}, {"役割", 17}, {"電話", 16}, {"夜間・休日", 14}, {"掛けて確かめた日", 14}}, Empty: "連絡体制図がまだありません。「台帳づくり」の連絡体制図に書いてください。"}
	list, err := w.rows(ctx, w.f, "contacts", w.names)
	if err != nil {
		return err
	}
	for _, r := range list {
		p.Rows = append(p.Rows, []string{r["group"], r["order"], r["name"], r["what"], r["phone"], r["night"], strings.TrimSpace(wareki(r["tested"]) + " " + r["result"])})
	}
	slices.SortStableFunc(p.Rows, func(a, b []string) int {
		return cmp.Or(cmp.Compare(groupOrder(a[0]), groupOrder(b[0])), cmp.Compare(number(a[1]), number(b[1])))
	})
	w.add(p)
	return nil
}

func groupOrder(group string) int {
	n := slices.Index([]string{"院内", "事業者", "厚生労働省", "都道府県・保健所", "警察", "支援団体・専門機関", "その他"}, group)
	if n < 0 {
		return 99
	}
	return n
}

// training is who was trained: a line for each training, and how many of each department finished a lesson of the mail drills.
func (w *packing) training(ctx context.Context) error {
	p := Part{ID: "training", Title: "研修・訓練の記録", Columns: []Column{{"日", 16}, {"研修・訓練", 40}, {"方法", 16}, {"受けた人数", 12}, {"部門", 16}}, Empty: "この年度の研修の記録がありません。"}
	list, err := w.rows(ctx, w.f, "training", w.names)
	if err != nil {
		return err
	}
	type key struct{ held, title, way string }
	people, parts := map[key]int{}, map[key][]string{}
	for _, r := range list {
		if r["result"] == "欠席" {
			continue
		}
		k := key{r["held"], r["title"], r["way"]}
		people[k]++
		if d := r["department"]; d != "" && !slices.Contains(parts[k], d) {
			parts[k] = append(parts[k], d)
		}
	}
	for k, n := range people {
		p.Rows = append(p.Rows, []string{k.held, k.title, k.way, strconv.Itoa(n) + "人", strings.Join(parts[k], "、")})
	}
	held, err := w.rows(ctx, w.f, "drills-held", w.names)
	if err != nil {
		return err
	}
	for _, r := range held {
		p.Rows = append(p.Rows, []string{r["held"], r["title"], cmp.Or(r["way"], "訓練"), r["people"] + "人", ""})
	}
	slices.SortFunc(p.Rows, func(a, b []string) int { return cmp.Or(cmp.Compare(b[0], a[0]), cmp.Compare(a[1], b[1])) })
	for _, r := range p.Rows {
		r[0] = wareki(r[0])
	}
	if w.Drills != nil {
		all, _, err := w.Drills.Covered(ctx, w.f, w.s.Year)
		if err != nil {
			return err
		}
		if all.Of > 0 && all.Shown() {
			p.Says = append(p.Says, fmt.Sprintf("メール訓練の短い研修を終えた人：%d人のうち%d人（%d年度）。", all.Of, all.Done, w.s.Year))
		}
	}
	w.add(p)
	return nil
}

// remarks are what inspectors said before, with the answers.
func (w *packing) remarks(ctx context.Context) error {
	p := Part{ID: "remarks", Title: "前回までの指摘と対応", Columns: []Column{{"検査の日", 14}, {"指摘", 34}, {"対応", 30}, {"期限", 11}, {"答えた日", 11}}, Empty: "これまでの指摘は記録されていません。",
		Says: []string{"今回の指摘は、この表の下か余白に書いてください。Kenshinの「立入検査の指摘」に写すと、次の年の資料で答えます。"}}
	list, err := w.rows(ctx, w.f, "remarks", w.names)
	if err != nil {
		return err
	}
	for _, r := range list {
		p.Rows = append(p.Rows, []string{r["inspected"], strings.TrimSpace(r["item"] + " " + r["remark"]), cmp.Or(r["action"], "（対応を検討中）"), wareki(r["by_when"]), cmp.Or(wareki(r["answered"]), "まだ")})
	}
	slices.SortStableFunc(p.Rows, func(a, b []string) int { return cmp.Compare(b[0], a[0]) })
	for _, r := range p.Rows {
		r[0] = wareki(r[0])
	}
	w.add(p)
	return nil
}
