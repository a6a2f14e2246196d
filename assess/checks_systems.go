package assess

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kenshin/evidence"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
)

// systemChecks are those that are answered for each system of the ledger: a record for each, and one for the facility that sums them up.
func systemChecks() []check {
	return []check{
		{"mds-on-file", 1, perSystem("mds", mdsRow, t("MDS/SDSがそろっている", "MDS or SDS is on file"))},
		{"password-policy", 1, passwordPolicy},
		{"password-shared", 1, perSystem("password-rule", sharedRow, t("使い回しの禁止と初期パスワードの変更を確かめた", "reuse is forbidden and factory passwords were changed"))},
		{"two-factor-state", 1, perSystem("two-factor", twoFactorRow, t("二要素認証が入っているか、計画がある", "two factors are in place or planned"))},
		{"log-sources", 1, perSystem("log-sources", logRow, t("ログが残り、届いている", "logs are kept and arrive"))},
		{"log-review", 1, perSystem("log-reviews", happened, t("アクセスログを見直した", "access logs were reviewed"))},
		{"backup-recorded", 1, perSystem("backups", nil, t("バックアップを確かめた", "copies were seen"))},
		{"restore-tested", 1, perSystem("restores", restoreRow, t("復元を試した", "a restore was tested"))},
	}
}

// wrong says why a row fails, "" when it does not; counts is whether it says anything at all.
type wrong func(v *facts, e entry, s ledger.System) (counts bool, why string)

func happened(*facts, entry, ledger.System) (bool, string) { return true, "" }

// perSystem makes a check of a register whose rows name systems. N is all systems of the ledger, n those with a row that still counts.
func perSystem(kind string, judge wrong, what i18n.Text) func(*facts, int) []result {
	return func(v *facts, days int) []result {
		all := v.rows[kind]
		if len(all) == 0 {
			return nothing("登録がありません（"+what.Ja+"記録）。", "Nothing is registered ("+what.En+").")
		}
		by, loose := v.bySystem(all)
		var out []result
		var sum aged
		var bad []evidence.Ref
		n := 0
		for _, s := range append(v.systems, loose...) {
			r, a, ok := v.oneSystem(kind, by[s.ID], s, days, judge)
			if !ok {
				continue
			}
			sum.fresh, sum.stale = append(sum.fresh, a.fresh...), append(sum.stale, a.stale...)
			if len(a.fresh) > 0 {
				n++
				bad = append(bad, r.bad...)
			}
			if s.Revision > 0 { // of a system that the ledger knows
				r.subject = s.ID
				out = append(out, r)
			}
		}
		of := len(v.systems) + len(loose)
		text := says("システム%[1]d件のうち%[2]d件：%[3]s（問題%[4]d件）。", "%[2]d of %[1]d systems: %[5]s (%[4]d fail).", of, n, what.Ja, len(bad), what.En)
		return append([]result{v.of(sum, n, of, days, bad, text)}, out...)
	}
}

// bySystem sorts rows by system; names that the ledger does not know stand as systems of their own, without a revision.
func (v *facts) bySystem(rows []entry) (map[string][]entry, []ledger.System) {
	out := map[string][]entry{}
	var loose []ledger.System
	for _, e := range rows {
		s, ok := v.system(e.values["system"])
		if !ok {
			s = ledger.System{ID: "?" + jp.Fold(e.values["system"]), Name: e.values["system"]}
			if len(out[s.ID]) == 0 {
				loose = append(loose, s)
			}
		}
		out[s.ID] = append(out[s.ID], e)
	}
	return out, loose
}

// oneSystem judges the rows of one system.
func (v *facts) oneSystem(kind string, rows []entry, s ledger.System, days int, judge wrong) (result, aged, bool) {
	var counted []entry
	var bad []evidence.Ref
	for _, e := range v.newest(kind, rows) {
		counts, why := true, ""
		if judge != nil {
			counts, why = judge(v, e, s)
		}
		if !counts {
			continue
		}
		counted = append(counted, e)
		if why != "" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: s.Name + "：" + why})
		}
	}
	if kind == "backups" && len(counted) > 0 {
		bad = append(bad, backupHoles(v.age(counted, days).fresh, s)...)
	}
	a := v.age(counted, days)
	if len(a.fresh)+len(a.stale) == 0 {
		return result{}, a, false
	}
	text := says("%[1]s：%[2]d件の記録。", "%[1]s: %[2]d records.", s.Name, len(a.fresh))
	if len(bad) > 0 {
		text = says("%[1]s", "%[1]s", bad[0].Text)
	}
	return v.of(a, 1, 1, days, bad, text), a, true
}

// newest leaves of things that happened only the last one.
func (v *facts) newest(kind string, rows []entry) []entry {
	if kind != "restores" && kind != "log-reviews" {
		return rows
	}
	var last entry
	for _, e := range rows {
		if !e.day.IsZero() && !e.day.After(v.now) && (last.day.IsZero() || !e.day.Before(last.day)) {
			last = e
		}
	}
	if last.day.IsZero() {
		return nil
	}
	return []entry{last}
}

func mdsRow(_ *facts, e entry, s ledger.System) (bool, string) {
	switch e.values["state"] {
	case "received":
		if since := s.Since(); !since.IsZero() && e.day.Before(since) {
			return true, "開示書がシステムの更新より前のものです"
		}
		return true, ""
	case "refused":
		return true, "業者に断られています"
	}
	return false, ""
}

func twoFactorRow(v *facts, e entry, _ ledger.System) (bool, string) {
	planned, err := time.Parse(time.DateOnly, e.values["planned"])
	switch state := e.values["state"]; {
	case state == "on" || state == "equal":
		return true, ""
	case err != nil && (state == "planned" || state == "partly"):
		return true, "入れる予定の日がありません"
	case state == "planned" || state == "partly":
		if planned.After(LastDay(twoFactorYear)) {
			return true, "予定が令和9年度より後です"
		}
		if day(planned) < day(v.now) {
			return true, "予定の日を過ぎています"
		}
		return true, ""
	case state == "no":
		return true, "二要素認証も計画もありません"
	}
	return false, ""
}

// logRow: a log inside the system alone is one, but an intruder erases it; that is told by the register, not judged.
func logRow(_ *facts, e entry, _ ledger.System) (bool, string) {
	switch e.values["state"] {
	case "apart", "local":
		return true, ""
	case "off":
		return true, "ログを記録していません"
	}
	return false, ""
}

// twoFactorYear is the fiscal year by which two factors are expected (guideline 6.0; checklist R7 2-⑩).
const twoFactorYear = 2027

func sharedRow(_ *facts, e entry, _ ledger.System) (bool, string) {
	switch {
	case e.values["reuse_banned"] == "no":
		return true, "使い回しを禁止していません"
	case e.values["defaults_changed"] == "no":
		return true, "出荷時のパスワードのままです"
	case e.values["reuse_banned"] == "yes" && e.values["defaults_changed"] == "yes":
		return true, ""
	}
	return false, "" // nobody looked
}

// passwordPolicy reads the settings of each system, and what a sweep found open without any password.
func passwordPolicy(v *facts, days int) []result {
	out := perSystem("password-rule", passwordRow, t("パスワードの規則の設定を確かめた", "settings of the password rule were seen"))(v, days)
	bad, _ := v.failing(v.everSeen(), nil, "open-database")
	if len(bad) == 0 {
		return out
	}
	from, at := v.checked("open-database")
	r := out[0]
	if r.outcome == evidence.None || r.at.Before(at) {
		r.from, r.at, r.until = from, at, at.AddDate(0, 0, days)
	}
	r.outcome, r.bad = evidence.Fail, append(bad, r.bad...)
	r.measured, r.of = max(r.measured, len(bad)), max(r.of, r.measured, len(bad))
	r.says = says("パスワードなしで開くデータベースが%[1]d件あります。", "%[1]d databases open without a password.", len(bad))
	return append([]result{r}, out[1:]...)
}

// passwordRow: 8 characters mixed, changed within two months; or 13, or two factors (checklist R7 2-⑦).
func passwordRow(_ *facts, e entry, _ ledger.System) (bool, string) {
	length, err := strconv.ParseFloat(e.values["length"], 64)
	if err != nil {
		return false, ""
	}
	change, _ := strconv.ParseFloat(e.values["change_days"], 64)
	switch {
	case length < 8:
		return true, fmt.Sprintf("最小%g文字です（8文字以上が要ります）", length)
	case e.values["mixed"] == "no":
		return true, "英数字と記号を混ぜる設定ではありません"
	case length >= 13, e.values["two_factor"] == "yes", change > 0 && change <= 62:
		return true, ""
	}
	return true, "13文字未満で、二要素認証も2か月以内の変更もありません"
}

// backupHoles finds what a table of copies lacks: against an attack at least one copy has to be offline or beyond rewriting.
func backupHoles(rows []entry, s ledger.System) []evidence.Ref {
	attack := 0
	for _, e := range rows {
		if e.values["threat"] != "attack" {
			continue
		}
		attack++
		if e.values["offline"] == "yes" || e.values["immutable"] == "yes" {
			return nil
		}
	}
	if len(rows) == 0 {
		return nil
	}
	why := "サイバー攻撃に備えた控えがありません"
	if attack > 0 {
		why = "サイバー攻撃に備えた控えが、オフラインでも書換不可でもありません"
	}
	return []evidence.Ref{{Kind: "system", ID: s.ID, Text: s.Name + "：" + why}}
}

func restoreRow(_ *facts, e entry, _ ledger.System) (bool, string) {
	hours, err := strconv.ParseFloat(e.values["hours"], 64)
	target, none := strconv.ParseFloat(e.values["target_hours"], 64)
	switch {
	case e.values["result"] == "failed":
		return true, "戻せませんでした"
	case e.values["result"] == "partly":
		return true, "一部だけ戻せました"
	case err != nil: // a test whose time was not taken says nothing about how long the hospital stands still
		return false, ""
	case none == nil && hours > target:
		return true, fmt.Sprintf("%g時間かかり、目標の%g時間を超えました", hours, target)
	}
	return true, ""
}

// has says whether words occur in what a person wrote, however written.
func has(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(jp.Fold(text), jp.Fold(w)) {
			return true
		}
	}
	return false
}
