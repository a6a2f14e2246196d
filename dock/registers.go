package dock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// row is a row of a register as a pack reads it: by the keys of register/kinds.yaml, choices in words.
type row map[string]string

// rows reads a register.
func (b *Book) rows(ctx context.Context, w *packing, kind string) ([]row, error) {
	return nil, nil
}

func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return n
}

// contacts is the chart of whom to call.
func (w *packing) contacts(ctx context.Context) error {
	p := Part{ID: "contacts", Title: "連絡体制図", Columns: []Column{{"区分", 14}, {"順", 5}, {"氏名・窓口", 20}, {"役割", 17}, {"電話", 16}, {"夜間・休日", 14}, {"掛けて確かめた日", 14}}, Empty: "連絡体制図がまだありません。「台帳づくり」の連絡体制図に書いてください。"}
	list, err := w.rows(ctx, w, "contacts")
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
	list, err := w.rows(ctx, w, "training")
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
	held, err := w.rows(ctx, w, "drills-held")
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
	list, err := w.rows(ctx, w, "remarks")
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
