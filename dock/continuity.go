package dock

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// continuity is how care goes on without the systems: the approved plans, the drills of a standstill, and what they left to be mended.
func (w *packing) continuity(ctx context.Context) error {
	p := Part{ID: "continuity", Title: "IT-BCPと停止時の訓練", Columns: []Column{{"種類", 10}, {"名前", 30}, {"日", 15}, {"承認した人・人数", 17}, {"残っていること", 28}}, Empty: "IT-BCPと停止時の訓練の記録がありません。"}
	plans, err := w.rows(ctx, w.f, "bcp", w.names)
	if err != nil {
		return err
	}
	for _, r := range plans {
		title := strings.TrimSpace(r["title"] + " " + r["version"])
		if r["document"] != "" {
			title += "\n置き場所：" + r["document"]
		}
		left := r["open"]
		if r["approved"] == "" || r["approved_by"] == "" {
			left = strings.TrimSpace("承認がまだありません。" + left)
		}
		p.Rows = append(p.Rows, []string{"計画", title, wareki(r["approved"]), r["approved_by"], left})
	}
	drills, err := w.rows(ctx, w.f, "drills-held", w.names)
	if err != nil {
		return err
	}
	slices.SortStableFunc(drills, func(a, b row) int { return cmp.Compare(b["held"], a["held"]) })
	for _, r := range drills {
		title := r["title"]
		if r["learned"] != "" {
			title += "\nわかったこと：" + r["learned"]
		}
		left := r["actions"]
		if left != "" && r["actions_done"] == "はい" {
			left += "（直し終えました）"
		}
		p.Rows = append(p.Rows, []string{cmp.Or(r["way"], "訓練"), title, wareki(r["held"]), r["people"] + "人", left})
	}
	w.add(p)
	return nil
}

// backups is the table of copies, a line for each, and what a restore took.
func (w *packing) backups(ctx context.Context) error {
	p := Part{ID: "backups", Title: "バックアップと復元の試験", Wide: true, Columns: []Column{{"システム", 16}, {"備える相手", 10}, {"世代", 6}, {"場所", 12}, {"オフライン", 9}, {"書換不可", 8}, {"別OS", 7}, {"行う人", 11}, {"確かめた日", 12}, {"復元の試験", 19}},
		Empty: "バックアップの記録がありません。"}
	copies, err := w.rows(ctx, w.f, "backups", w.names)
	if err != nil {
		return err
	}
	tests, err := w.rows(ctx, w.f, "restores", w.names)
	if err != nil {
		return err
	}
	slices.SortStableFunc(tests, func(a, b row) int { return cmp.Compare(b["tested"], a["tested"]) })
	last := map[string]string{}
	for _, r := range tests {
		if r["tested"] != "" && last[r["system"]] == "" {
			last[r["system"]] = strings.TrimSpace(wareki(r["tested"]) + " " + r["result"])
			if r["hours"] != "" {
				last[r["system"]] += " " + r["hours"] + "時間"
			}
		}
	}
	slices.SortStableFunc(copies, func(a, b row) int { return cmp.Compare(a["system"], b["system"]) })
	for _, r := range copies {
		p.Rows = append(p.Rows, []string{r["system"], r["threat"], r["generations"], r["region"], r["offline"], r["immutable"], r["os_independent"], r["done_by"], wareki(r["last_success"]), cmp.Or(last[r["system"]], "なし")})
	}
	w.add(p)
	return nil
}
