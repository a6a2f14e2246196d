package assess

import (
	"slices"
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/supplier"
)

// registerChecks are those that dated records of people answer.
func registerChecks() []check {
	return []check{
		{"officer-appointed", 1, officerAppointed},
		{"diagram-kept", 1, rowsOf("diagrams", diagramRow, t("構成図と設定の控え", "diagrams and configurations"))},
		{"source-limits", 1, rowsOf("diagrams", limitsRow, t("接続元を絞る設定の控え", "settings that limit sources"))},
		{"vendor-lines", 1, vendorLines},
		{"rights-matrix", 1, rightsMatrix},
		{"leaver-accounts", 1, leaverAccounts},
		{"edge-firmware", 1, edgeFirmware},
		{"usb-rule", 1, rowsOf("usb-rule", usbRow, t("外部媒体の規則", "rules for media"))},
		{"usb-control", 1, usbControl},
		{"contact-chart-tested", 1, contactChart},
		{"bcp-dated", 1, rowsOf("bcp", approvedRow, t("承認された計画", "approved plans"))},
		{"drill-held", 1, drillHeld},
		{"training-roll", 2, trainingRoll},
		{"rules-mapped", 1, rulesMapped},
		{"outside-register", 1, rowsOf("outside", routedRow, t("外部接続", "outside connections"))},
		{"contract-roles", 1, contractRoles},
		{"risk-assessed", 1, rowsOf("risks", approvedRow, t("承認されたリスク", "approved risks"))},
		{"audit-held", 1, newestOf("audits", t("監査の報告", "audit reports"))},
	}
}

// unsure is why a row belongs to N and is not among those that were looked at.
const unsure = "?"

// judged says of a row whether it counts for a check, and why it fails.
type judged func(v *facts, e entry) (counts bool, why string)

// limitsRow counts settings of which it is known where they lie: that there are some proves nothing.
func limitsRow(_ *facts, e entry) (bool, string) {
	if e.values["kind"] == "source-limits" && e.values["document"] == "" {
		return true, unsure
	}
	return e.values["kind"] == "source-limits", ""
}

// rowsOf makes a check of a register: every row that belongs to it has to be proven lately.
func rowsOf(kind string, judge judged, what i18n.Text) func(*facts, int) []result {
	return func(v *facts, days int) []result {
		var mine []entry
		why := map[string]string{}
		for _, e := range v.rows[kind] {
			counts, wrong := judge(v, e)
			if counts {
				mine = append(mine, e)
				why[e.id] = wrong
			}
		}
		if len(mine) == 0 {
			return nothing(what.Ja+"の登録がありません。", "Nothing is registered: "+what.En+".")
		}
		a := v.age(slices.DeleteFunc(slices.Clone(mine), func(e entry) bool { return why[e.id] == unsure }), days)
		var bad []evidence.Ref
		for _, e := range a.fresh {
			if why[e.id] != "" {
				bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：" + why[e.id]})
			}
		}
		return []result{v.of(a, len(a.fresh), len(mine), days, bad, says("%[1]s%[2]d件のうち、%[3]d日以内に確かめたもの%[4]d件（問題%[5]d件、日付のないもの%[6]d件）。",
			"%[7]s: of %[2]d, %[4]d were confirmed within %[3]d days (%[5]d fail, %[6]d without a day).", what.Ja, len(mine), days, len(a.fresh), len(bad), a.undated, what.En))}
	}
}

// newestOf makes a check of a register of things that happened: the last one counts.
func newestOf(kind string, what i18n.Text) func(*facts, int) []result {
	return func(v *facts, days int) []result {
		a := v.age(v.rows[kind], days)
		return []result{v.of(a, min(1, len(a.fresh)), 1, days, nil, says("%[1]s：%[2]d日以内に%[3]d件。", "%[4]s: %[3]d within %[2]d days.", what.Ja, days, len(a.fresh), what.En))}
	}
}

// title is what a row is called in a list.
func (e entry) title() string {
	for _, key := range []string{"name", "title", "what", "threat", "account", "item", "job", "vendor"} {
		if e.values[key] != "" {
			return e.values[key]
		}
	}
	return e.id
}

// officerAppointed looks for an officer whose appointment still holds and who has not left.
func officerAppointed(v *facts, days int) []result {
	var officers []entry
	var bad []evidence.Ref
	for _, e := range v.rows["officer"] {
		if e.values["role"] != "officer" {
			continue
		}
		officers = append(officers, e)
	}
	a := v.age(officers, days)
	for _, e := range a.fresh {
		if who, left := v.left(e.values["name"], "", ""); left {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.values["name"] + "：" + who.Values["left"] + "に退職しています"})
		}
	}
	if len(bad) < len(a.fresh) { // another officer is still there
		bad = nil
	}
	if len(officers) == 0 {
		return nothing("医療情報システム安全管理責任者の任命の記録がありません。", "The appointment of a safety officer is not on record.")
	}
	return []result{v.of(a, min(1, len(a.fresh)), 1, days, bad, says("任命の記録が%[1]d件あります。", "%[1]d appointments are on record.", len(a.fresh)))}
}

func diagramRow(_ *facts, e entry) (bool, string) {
	return e.values["kind"] == "diagram" || e.values["kind"] == "configuration", ""
}

func firmwareRow(_ *facts, e entry) (bool, string) {
	switch e.values["state"] {
	case "current":
		return true, ""
	case "behind":
		return true, "版が古いままです"
	case "ended":
		return true, "サポートが終わっています"
	}
	return true, unsure
}

func usbRow(_ *facts, e entry) (bool, string) {
	if e.values["policy"] == "free" {
		return true, "決まりがありません"
	}
	return true, ""
}

// edgeFirmware holds the register of versions against the firewalls of the ledger: one that nobody looked at is part of N.
func edgeFirmware(v *facts, days int) []result {
	out := rowsOf("firmware", firmwareRow, t("外に面した機器の版", "versions of edge devices"))(v, days)
	unseen := 0
	for _, d := range v.devices {
		if d.Kind != "firewall" || d.State != ledger.Registered {
			continue
		}
		name := v.names[d.ID]
		if !slices.ContainsFunc(v.rows["firmware"], func(e entry) bool { return names(e.values["name"], name) || names(e.values["maker"], name) }) {
			unseen++
		}
	}
	if unseen > 0 && out[0].outcome != evidence.None {
		out[0].of += unseen
		out[0].says = says("%[1]s台帳のファイアウォール・VPN装置のうち%[3]d台の版が分かりません。", "%[2]s The versions of %[3]d firewalls of the ledger are not known.", out[0].says.Ja, out[0].says.En, unseen)
	}
	return out
}

// names says whether what a person wrote and what the ledger calls a device are about one thing.
func names(written, called string) bool {
	w, c := jp.Fold(written), jp.Fold(called)
	return w != "" && c != "" && (strings.Contains(c, w) || strings.Contains(w, c))
}

// contactChart asks for live numbers inside, at a vendor and at an authority: one number that answers is no chart (checklist R7 3-①).
func contactChart(v *facts, days int) []result {
	out := rowsOf("contacts", contactRow, t("連絡先", "contacts"))(v, days)
	wanted := map[string][]string{"院内": {"inside"}, "行政・警察": {"ministry", "prefecture", "police"}}
	if len(v.suppliers) > 0 {
		wanted["事業者"] = []string{"vendor"}
	}
	var missing []string
	for name, groups := range wanted {
		if !slices.ContainsFunc(v.rows["contacts"], func(e entry) bool { return slices.Contains(groups, e.values["group"]) }) {
			missing = append(missing, name)
		}
	}
	if slices.Sort(missing); len(missing) > 0 && out[0].outcome != evidence.None {
		out[0].of += len(missing)
		out[0].says = says("%[1]s連絡先のない区分：%[3]s。", "%[2]s Groups without a contact: %[4]d.", out[0].says.Ja, out[0].says.En, strings.Join(missing, "、"), len(missing))
	}
	return out
}

func contactRow(v *facts, e entry) (bool, string) {
	if e.values["result"] == "missed" {
		return true, "つながりませんでした"
	}
	if who, left := v.left(e.values["name"], "", ""); left && e.values["group"] == "inside" {
		return true, who.Values["left"] + "に退職しています"
	}
	return true, ""
}

// approvedRow counts what somebody approved; without a name the day is only a draft's.
func approvedRow(_ *facts, e entry) (bool, string) { return e.values["approved_by"] != "", "" }

func outsideRow(v *facts, e entry) (bool, string) {
	if end, ok := supplier.Ends(e.values["until"]); ok && day(end) < day(v.now) && e.values["open"] != "closed" {
		return true, "終わる日を過ぎています"
	}
	return true, ""
}

// routedRow asks of every way to the outside that somebody can say where it runs.
func routedRow(v *facts, e entry) (bool, string) {
	counts, why := outsideRow(v, e)
	if why == "" && e.values["route"] == "" {
		why = unsure
	}
	return counts, why
}

// usbControl has two halves: settings that stop media, and somebody who looks at what was used.
func usbControl(v *facts, days int) []result {
	rules, reviews := v.age(v.rows["usb-rule"], 365), v.age(v.rows["usb-reviews"], days)
	if len(v.rows["usb-rule"])+len(v.rows["usb-reviews"]) == 0 {
		return nothing("外部媒体の設定と見直しの登録がありません。", "Neither settings nor reviews of media are registered.")
	}
	var bad []evidence.Ref
	n := min(1, len(reviews.fresh))
	enforced := slices.ContainsFunc(rules.fresh, func(e entry) bool { return e.values["enforced"] == "yes" })
	refused := slices.ContainsFunc(rules.fresh, func(e entry) bool { return e.values["enforced"] == "no" || e.values["policy"] == "free" })
	if enforced || refused {
		n++
	}
	if refused && !enforced {
		bad = append(bad, evidence.Ref{Kind: "register", ID: rules.fresh[0].id, Text: rules.fresh[0].title() + "：設定では止めていません"})
	}
	a := aged{fresh: reviews.fresh, stale: reviews.stale}
	if len(reviews.fresh) == 0 && len(rules.fresh) > 0 && len(reviews.stale) == 0 {
		a = rules
	}
	return []result{v.of(a, n, 2, days, bad, says("USB制御の設定と利用の見直しのうち、%[1]dつを確かめました。", "Of settings and reviews %[1]d were confirmed.", n))}
}

// drillHeld counts exercises of a standstill; a mail drill is another thing and proves none.
func drillHeld(v *facts, days int) []result {
	var mine []entry
	for _, e := range v.rows["drills-held"] {
		if e.values["way"] != "mail" {
			mine = append(mine, e)
		}
	}
	a := v.age(mine, days)
	mails := 0
	for _, d := range v.drills {
		if !v.old(d.At, days) && !d.At.After(v.now) {
			mails++
		}
	}
	if len(mine) == 0 {
		return []result{{outcome: evidence.None, says: says("止まったときの訓練の記録がありません（訓練メールは%[1]d回）。", "No drill of a standstill is on record (%[1]d mail drills).", mails)}}
	}
	return []result{v.of(a, min(1, len(a.fresh)), 1, days, nil, says("この1年に、止まったときの訓練%[1]d回、訓練メール%[2]d回。", "In a year %[1]d drills of a standstill and %[2]d mail drills.", len(a.fresh), mails))}
}

// ruled are the items of the checklist in use that a rule has to cover.
func ruled(set catalogue.Set) []string {
	c, ok := set.Newest(catalogue.Checklist, catalogue.FacilityForm)
	var out []string
	for _, i := range c.Items {
		if ok && !i.Stops {
			out = append(out, i.ID)
		}
	}
	return out
}

// rulesMapped says of how many items the clause is known.
func rulesMapped(v *facts, days int) []result {
	a := v.age(v.rows["rules"], days)
	covered := map[string]bool{}
	for _, e := range a.fresh {
		if e.values["clause"] != "" && slices.Contains(v.items, e.values["item"]) {
			covered[e.values["item"]] = true
		}
	}
	if len(v.rows["rules"]) == 0 || len(v.items) == 0 {
		return nothing("規程の条文との対応がありません。", "No clause of the rules is registered.")
	}
	if len(covered) == 0 {
		a.fresh = nil
	}
	return []result{v.of(a, len(covered), len(v.items), days, nil, says("チェックリスト%[1]d項目のうち%[2]d項目の条文が分かります。", "Of %[1]d items the clauses of %[2]d are known.", len(v.items), len(covered)))}
}

// contractRoles asks of every vendor whether its contract settles who does what.
func contractRoles(v *facts, days int) []result {
	a := v.age(v.rows["contracts"], days)
	vendors, settled := map[string]bool{}, map[string]bool{}
	var bad []evidence.Ref
	for _, s := range v.suppliers {
		vendors[supplier.NameKey(s.Name)] = true
	}
	for _, e := range v.rows["contracts"] {
		vendors[v.vendor(e.values["vendor"])] = true
	}
	for _, e := range a.fresh {
		settled[v.vendor(e.values["vendor"])] = true
		if e.values["split"] != "written" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：責任の分け方が書面で決まっていません"})
		}
		if end, ok := supplier.Ends(e.values["until"]); ok && day(end) < day(v.now) {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：契約が終わっています"})
		}
	}
	for _, e := range v.rows["contract-split"] {
		if e.values["who"] == "open" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：決めていない役割があります"})
		}
	}
	if len(v.rows["contracts"]) == 0 {
		return nothing("契約の登録がありません。", "No contract is registered.")
	}
	return []result{v.of(a, len(settled), len(vendors), days, bad, says("業者%[1]d社のうち%[2]d社の契約で責任の分け方を確かめました（問題%[3]d件）。", "Of %[1]d vendors the contracts of %[2]d were looked at (%[3]d fail).",
		len(vendors), len(settled), len(bad)))}
}

// vendorLines holds what the ledger and a sweep say of remote maintenance against the register of outside connections.
func vendorLines(v *facts, days int) []result {
	var rows []entry
	for _, e := range v.rows["outside"] {
		if k := e.values["kind"]; k == "remote" || k == "vpn" || k == "lte" {
			rows = append(rows, e)
		}
	}
	a := v.age(rows, days)
	var bad []evidence.Ref
	for _, e := range a.fresh {
		if _, why := outsideRow(v, e); why != "" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：" + why})
		}
	}
	lines := len(rows)
	told := map[netid.DeviceID]bool{}
	for _, d := range v.remote {
		told[d.ID] = true
		if isNone(d.Word.RemoteType) {
			continue
		}
		if !slices.ContainsFunc(rows, func(e entry) bool { return v.covers(e, d) }) {
			lines++
			bad = append(bad, evidence.Ref{Kind: "device", ID: string(d.ID), Text: called(d) + "：台帳に遠隔保守（" + d.Word.RemoteType + "）とありますが、外部接続の登録がありません"})
		}
	}
	for _, f := range v.open["vnc"] {
		if !f.Stale && !told[f.Device] {
			lines++
			bad = append(bad, evidence.Ref{Kind: "device", ID: string(f.Device), Text: v.device(f.Device).Text + "：遠隔操作（VNC）が動いていますが、遠隔保守の登録がありません"})
		}
	}
	if lines == 0 {
		return nothing("遠隔保守の回線の登録がありません。", "No remote maintenance line is registered.")
	}
	r := v.of(a, len(a.fresh), lines, days, bad, says("遠隔保守の回線%[1]d件のうち%[2]d件を、%[3]d日以内に業者へ確かめました（登録のないものなど問題%[4]d件）。",
		"Of %[1]d remote maintenance lines %[2]d were confirmed within %[3]d days (%[4]d fail or are not registered).", lines, len(a.fresh), days, len(bad)))
	if len(a.fresh) == 0 && len(bad) > 0 { // what is not registered is seen now
		r.outcome, r.bad, r.measured, r.of, r.from, r.at, r.until = evidence.Fail, bad, len(bad), max(lines, len(bad)), v.now, v.now, v.now.AddDate(0, 0, days)
	}
	return []result{r}
}

// isNone reads the ledger's word for "there is no remote maintenance".
func isNone(s string) bool { return s == "" || s == "none" || has(s, "なし", "無し", "ない") }

// covers says whether a row of the register speaks of the line of a device: by its vendor, its system or its name.
func (v *facts) covers(e entry, d *ledger.Device) bool {
	vendor := v.vendor(d.Word.VendorID)
	if vendor == "" {
		vendor = supplier.NameKey(d.Word.Vendor)
	}
	by := supplier.NameKey(d.Word.RemoteBy)
	row := v.vendor(e.values["vendor"])
	if row != "" && (row == vendor || row == by) || d.Name() != "" && has(e.values["name"], d.Name()) {
		return true
	}
	s, ok := v.system(e.values["system"])
	return ok && slices.Contains(s.Devices, d.ID)
}

// everSeen is every device that was ever on the network.
func (v *facts) everSeen() map[netid.DeviceID]bool {
	out := map[netid.DeviceID]bool{}
	for _, d := range v.devices {
		if !d.FirstSeen.IsZero() && d.State != ledger.Retired {
			out[d.ID] = true
		}
	}
	return out
}

// checked is when a check on devices was last run on what it found.
func (v *facts) checked(check string) (from, at time.Time) {
	for _, f := range v.open[check] {
		if from.IsZero() || f.CheckedAt.Before(from) {
			from = f.CheckedAt
		}
		if f.CheckedAt.After(at) {
			at = f.CheckedAt
		}
	}
	return from, at
}
