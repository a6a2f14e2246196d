package assess

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/evidence"
	"kenshin/jp"
	"kenshin/register"
)

// rightsMatrix asks of the table of rights that it covers every system (where its lines name systems at all), says who the administrators are, and names
// nobody who has left.
func rightsMatrix(v *facts, days int) []result {
	out := rowsOf("rights", rightsRow, t("権限表の行", "lines of the rights matrix"))(v, days)
	if out[0].outcome == evidence.None {
		return out
	}
	covered, admins := map[string]bool{}, 0
	for _, e := range v.rows["rights"] {
		if e.values["system"] != "" {
			covered[v.systemKey(e)] = true
		}
		if e.values["level"] == "admin" {
			admins++
		}
	}
	holes := 0
	for _, s := range v.systems {
		if len(covered) > 0 && !covered[s.ID] {
			holes++
		}
	}
	if holes > 0 {
		out[0].of += holes
		out[0].says = says("%[1]s権限表にないシステムが%[3]d件あります。", "%[2]s %[3]d systems are missing in the matrix.", out[0].says.Ja, out[0].says.En, holes)
	}
	if admins == 0 {
		out[0].of++
		out[0].says = says("%[1]s管理者の行がありません。", "%[2]s No line is about administrators.", out[0].says.Ja, out[0].says.En)
	}
	return out
}

// rightsRow: administrators stand with their names, and none of them has left.
func rightsRow(v *facts, e entry) (bool, string) {
	if e.values["level"] != "admin" {
		return true, ""
	}
	holders := strings.FieldsFunc(e.values["holders"], func(r rune) bool { return strings.ContainsRune("、,，;；/／", r) })
	if len(holders) == 0 {
		return true, unsure
	}
	for _, h := range holders {
		if who, left := v.left(strings.TrimSpace(h), "", ""); left {
			return true, strings.TrimSpace(h) + "は" + who.Values["left"] + "に退職しています"
		}
	}
	return true, ""
}

// left finds somebody on the list of leavers whose last day has passed; the list is read once for all who are held against it.
func (v *facts) left(name, number, department string) (register.Row, bool) {
	if v.leavers == nil {
		var rows []register.Row
		for _, e := range v.rows["leavers"] {
			rows = append(rows, register.Row{ID: e.id, Values: e.values})
		}
		d := register.DepartedBy(rows, v.now.Format(time.DateOnly))
		v.leavers = &d
	}
	who, _, found := v.leavers.Find(name, number, department)
	return who, found
}

// dormantDays is how long an account may lie unused.
const dormantDays = 90

// leaverAccounts holds lists of accounts, and Kenshin's own, against the list of leavers. A system counts when its list was brought in lately, or when somebody
// put down that its accounts were reviewed.
func leaverAccounts(v *facts, days int) []result {
	lists, leavers, reviews := v.age(v.rows["accounts"], days), v.age(v.rows["leavers"], days), v.age(v.rows["account-reviews"], 90)
	if len(leavers.fresh)+len(leavers.stale) == 0 || len(lists.fresh)+len(lists.stale)+len(reviews.fresh)+len(reviews.stale) == 0 {
		return nothing("退職者の一覧とアカウントの一覧の両方を取り込むと、突き合わせます。", "Bring in both the list of leavers and the lists of accounts.")
	}
	var bad []evidence.Ref
	done := map[string]bool{}
	for _, e := range lists.fresh {
		done[v.systemKey(e)] = true
		if why := v.account(e); why != "" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.values["account"] + " " + e.values["name"] + "：" + why})
		}
	}
	for _, m := range v.members {
		if m.Person.Disabled || !m.Until.IsZero() && m.Until.Before(v.now) {
			continue
		}
		if _, left := v.left(m.Person.Name, "", ""); left {
			bad = append(bad, evidence.Ref{Kind: "account", ID: string(m.Person.ID), Text: m.Person.Name + "：退職者の一覧にありますが、Kenshinに入れます"})
		}
	}
	for _, e := range reviews.fresh {
		done[v.systemKey(e)] = true
	}
	a := aged{fresh: slices.Concat(lists.fresh, leavers.fresh), stale: slices.Concat(lists.stale, leavers.stale)}
	if len(lists.fresh) == 0 {
		a.fresh = slices.Concat(reviews.fresh, leavers.fresh)
	}
	if len(leavers.fresh) == 0 { // accounts of today against the leavers of last spring prove nothing
		a.fresh, a.stale = nil, leavers.stale
	}
	return []result{v.of(a, len(done), max(len(v.systems), len(done)), days, bad, says("退職者%[1]d人と、システム%[2]d件のアカウント%[3]d件を突き合わせました（残っているもの・長く使われていないもの%[4]d件）。",
		"%[1]d leavers were held against %[3]d accounts of %[2]d systems (%[4]d are still there or lie unused).", len(v.rows["leavers"]), len(done), len(lists.fresh), len(bad)))}
}

func (v *facts) systemKey(e entry) string {
	if s, ok := v.system(e.values["system"]); ok {
		return s.ID
	}
	return jp.Fold(e.values["system"])
}

// account says what is wrong with one account, "" when nothing is.
func (v *facts) account(e entry) string {
	if e.values["enabled"] == "no" || e.values["excuse"] != "" {
		return ""
	}
	if who, left := v.left(e.values["name"], e.values["staff_no"], e.values["department"]); left {
		return who.Values["left"] + "に退職した人と同じ名前か番号です"
	}
	if used, err := time.Parse(time.DateOnly, e.values["last_used"]); err == nil && v.old(used, dormantDays) {
		return strconv.Itoa(dormantDays) + "日より長く使われていません"
	}
	return ""
}
