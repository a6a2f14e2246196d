package assess

import (
	"net/netip"
	"slices"
	"time"

	"kenshin/evidence"
	"kenshin/gate"
	"kenshin/jp"
	"kenshin/netid"
)

// lineChecks are those about ways: between segments, to the internet, and from outside.
func lineChecks() []check {
	return []check{
		{"segments-separate", 1, segmentsSeparate},
		{"internet-apart", 1, internetApart},
		{"vendor-sessions-matched", 1, sessionsMatched},
	}
}

const (
	homeDays  = 14 // addresses that were held so lately are where a device is
	matchDays = 7  // a session has to be matched with a report within so many days
)

// zone is a segment as the register tells it, as an approved one shows it, or both.
type zone struct {
	row      entry // id "": nobody wrote this segment down
	name     string
	prefixes []netip.Prefix
	medical  bool
}

// zones joins the rows of the register with the segments that were approved: by address range, else by name. An approved segment without a row is a hole.
func (v *facts) zones() []zone {
	var out []zone
	taken := map[string]bool{}
	for _, e := range v.rows["zones"] {
		z := zone{row: e, name: e.values["name"], medical: e.values["medical"] == "yes"}
		own, err := netip.ParsePrefix(jp.Clean(e.values["range"]))
		if err == nil {
			z.prefixes = append(z.prefixes, own.Masked())
		}
		for _, s := range v.segments {
			if err == nil && own.Overlaps(s.Prefix) || err != nil && jp.Fold(s.Name) == jp.Fold(z.name) {
				taken[s.ID] = true
				z.prefixes = append(z.prefixes, s.Prefix)
			}
		}
		out = append(out, z)
	}
	for _, s := range v.segments {
		if !taken[s.ID] {
			out = append(out, zone{name: segmentName(s), prefixes: []netip.Prefix{s.Prefix}, medical: s.Medical})
		}
	}
	return out
}

func segmentName(s gate.Segment) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Prefix.String()
}

// at finds the narrowest of zones that an address lies in, -1 where none.
func at(all []zone, ip netip.Addr) int {
	best, bits := -1, -1
	for n, z := range all {
		for _, p := range z.prefixes {
			if p.Contains(ip) && p.Bits() > bits {
				best, bits = n, p.Bits()
			}
		}
	}
	return best
}

// segmentsSeparate holds the register of segments against the approved segments and against where devices were seen. N is all segments; n those whose
// separation somebody confirmed lately. It fails where all may pass, where a device stands in two segments of which one is medical, and where medical
// devices are seen in a segment that is said to hold none.
func segmentsSeparate(v *facts, days int) []result {
	all := v.zones()
	if len(v.rows["zones"]) == 0 {
		return nothing("区画と行き来の取り決めの登録がありません。", "No segments and what may pass between them are registered.")
	}
	var looked []entry
	var bad []evidence.Ref
	for _, z := range all {
		if z.row.id == "" || z.row.values["way"] == "unknown" {
			continue
		}
		looked = append(looked, z.row)
	}
	a := v.age(looked, days)
	for _, e := range a.fresh {
		why := ""
		switch way := e.values["way"]; {
		case way == "none":
			why = "ほかの区画と分けていません"
		case way == "vlan":
			why = "VLANの番号だけで、間は何でも通ります"
		case way == "filtered" && e.values["allowed"] == "":
			why = "通してよい相手と種類が書かれていません"
		case way == "filtered" && len(all) == 1:
			why = "区画が一つしかありません"
		}
		if why != "" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：" + why})
		}
	}
	bad = append(bad, v.bridges(all, func(zone) bool { return true })...)
	bad = append(bad, v.astray(all)...)
	return []result{v.of(a, len(a.fresh), len(all), days, bad, says("区画%[1]d件のうち、%[3]d日以内に分け方を確かめたもの%[2]d件（食い違いなど%[4]d件）。",
		"Of %[1]d segments the separation of %[2]d was confirmed within %[3]d days (%[4]d fail).", len(all), len(a.fresh), days, len(bad)))}
}

// standing says in which of zones each device was seen.
func (v *facts) standing(all []zone) map[netid.DeviceID][]int {
	where := map[netid.DeviceID][]int{}
	for _, h := range v.homes {
		if n := at(all, h.IP); n >= 0 && !slices.Contains(where[h.Device], n) {
			where[h.Device] = append(where[h.Device], n)
		}
	}
	return where
}

// bridges are devices that stand in a medical segment and in another one that a condition holds for.
func (v *facts) bridges(all []zone, other func(zone) bool) (bad []evidence.Ref) {
	where := v.standing(all)
	for _, d := range v.devices {
		in := where[d.ID]
		if len(in) < 2 || slices.Contains(passers(), d.Kind) || !slices.ContainsFunc(in, func(n int) bool { return all[n].medical }) {
			continue
		}
		if n := slices.IndexFunc(in, func(n int) bool { return !all[n].medical && other(all[n]) }); n >= 0 {
			ref := v.device(d.ID)
			ref.Text += "：医療情報系と「" + all[in[n]].name + "」の両方につながっています"
			bad = append(bad, ref)
		}
	}
	return bad
}

// astray are medical devices that are seen in a segment which is said to hold none.
func (v *facts) astray(all []zone) (bad []evidence.Ref) {
	where := v.standing(all)
	for _, d := range v.devices {
		for _, n := range where[d.ID] {
			if d.Medical && !all[n].medical && all[n].row.id != "" {
				ref := v.device(d.ID)
				ref.Text += "：医療機器が、医療情報系ではないはずの「" + all[n].name + "」にいます"
				bad = append(bad, ref)
			}
		}
	}
	return bad
}

// passers are the kinds whose work is to stand in several segments.
func passers() []string {
	return []string{"router", "switch", "firewall", "access-point", "wlan-controller", "hypervisor"}
}

// internetApart asks of every medical segment whether it reaches the internet. A way round is a device that stands in it and in one that does, or a mobile
// line that is always open. N is all medical segments.
func internetApart(v *facts, days int) []result {
	var looked []entry
	of := 0
	all := v.zones()
	for _, z := range all {
		if !z.medical {
			continue
		}
		of++
		if z.row.id != "" && z.row.values["internet"] != "unknown" {
			looked = append(looked, z.row)
		}
	}
	if len(v.rows["zones"]) == 0 || of == 0 {
		return nothing("医療情報系の区画の登録がありません（区画と行き来の取り決め）。", "No medical segment is registered (segments and what may pass).")
	}
	a := v.age(looked, days)
	var bad []evidence.Ref
	for _, e := range a.fresh {
		if e.values["internet"] == "direct" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：インターネットへそのまま出られます"})
		}
	}
	bad = append(bad, v.bridges(all, func(z zone) bool { return z.row.id != "" && z.row.values["internet"] != "none" })...)
	for _, e := range v.rows["outside"] {
		if e.values["kind"] == "lte" && e.values["open"] == "always" && e.values["mfa"] == "no" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.title() + "：携帯回線が常に開いていて、二要素もありません"})
		}
	}
	return []result{v.of(a, len(a.fresh), of, days, bad, says("医療情報系の区画%[1]d件のうち、%[3]d日以内に確かめたもの%[2]d件（抜け道など%[4]d件）。",
		"Of %[1]d medical segments %[2]d were confirmed within %[3]d days (%[4]d ways round).", of, len(a.fresh), days, len(bad)))}
}

// sessionsMatched asks of every line from outside whether its sessions were held against the vendor's reports lately. N is all lines that are not shut.
func sessionsMatched(v *facts, days int) []result {
	lines := map[string]bool{}
	for _, e := range v.rows["outside"] {
		if k := e.values["kind"]; (k == "remote" || k == "vpn" || k == "lte") && e.values["open"] != "closed" {
			lines[jp.Fold(e.values["name"])] = true
		}
	}
	rows := v.rows["remote-sessions"]
	if len(rows) == 0 {
		return nothing("遠隔作業の突き合わせの登録がありません。", "No remote session was matched with a report.")
	}
	var bad, unlisted []evidence.Ref
	for _, e := range rows {
		why, listed := v.session(e, days), lines[jp.Fold(e.values["line"])]
		if why != "" {
			bad = append(bad, evidence.Ref{Kind: "register", ID: e.id, Text: e.values["line"] + " " + e.values["on"] + " " + e.values["who"] + "：" + why})
		}
		if !listed && e.values["result"] != "idle" && !v.old(firstDay(e.values["on"]), days) {
			unlisted = append(unlisted, evidence.Ref{Kind: "register", ID: e.id, Text: e.values["line"] + "：外部接続の台帳にない回線です"})
		}
	}
	a := v.age(rows, days)
	done := map[string]bool{}
	counted := a.fresh[:0:0]
	for _, e := range a.fresh {
		if r := e.values["result"]; r != "asked" && r != "open" {
			done[jp.Fold(e.values["line"])] = true
			counted = append(counted, e)
		}
	}
	for line := range done {
		lines[line] = true
	}
	a.fresh = newestOfLines(counted)
	bad = append(bad, unlisted...)
	r := v.of(a, len(done), len(lines), days, bad, says("外からの回線%[1]d件のうち、%[3]d日以内に突き合わせたもの%[2]d件（報告のない接続など%[4]d件）。",
		"Of %[1]d lines from outside %[2]d were matched within %[3]d days (%[4]d sessions without a report or the like).", len(lines), len(done), days, len(bad)))
	if len(bad) > 0 && r.outcome != evidence.Fail { // what waits unmatched is known now, whether or not anything was matched
		r.outcome, r.bad, r.measured, r.of, r.from, r.at, r.until = evidence.Fail, bad, len(bad), max(len(lines), len(bad)), v.now, v.now, v.now.AddDate(0, 0, days)
	}
	return []result{r}
}

// newestOfLines leaves the last row of each line: it decides when the line is due again.
func newestOfLines(rows []entry) []entry {
	last := map[string]entry{}
	for _, e := range rows {
		if key := jp.Fold(e.values["line"]); last[key].day.Before(e.day) {
			last[key] = e
		}
	}
	var out []entry
	for _, e := range rows {
		if last[jp.Fold(e.values["line"])].id == e.id {
			out = append(out, e)
		}
	}
	return out
}

// session says why a session is not in order, "" when it is.
func (v *facts) session(e entry, days int) string {
	on := firstDay(e.values["on"])
	recent := !on.IsZero() && !v.old(on, days) || !e.day.IsZero() && !v.old(e.day, days)
	switch e.values["result"] {
	case "missing":
		if recent {
			return "報告がありません"
		}
	case "differs":
		if recent {
			return "報告と食い違います"
		}
	case "open", "asked":
		if !on.IsZero() && v.old(on, matchDays) { // however long ago: nobody knows who it was
			return "接続から7日を過ぎても突き合わせが済んでいません"
		}
	case "matched":
		if recent && !on.IsZero() && e.day.After(on.AddDate(0, 0, matchDays).Add(24*time.Hour)) {
			return "突き合わせが接続から7日より後です"
		}
	}
	return ""
}
