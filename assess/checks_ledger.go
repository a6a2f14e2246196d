package assess

import (
	"slices"
	"strings"
	"time"

	"kenshin/evidence"
	"kenshin/finding"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
)

const (
	graceDays  = 14 // a new device may wait so long for somebody to say what it is
	silentDays = 90 // an entry that was not seen for so long is no longer a true one
)

// ledgerChecks are those that a sweep and the ledger answer.
func ledgerChecks() []check {
	return []check{
		{"ledger-coverage", 1, ledgerCoverage},
		{"ledger-fresh", 1, ledgerFresh},
		{"patch-level", 1, patchLevel},
		{"services-open", 1, servicesOpen},
	}
}

// blind is what a check by sweep says when nothing was ever seen: down where somebody approved segments, so that something should have been.
func (v *facts) blind() []result {
	r := result{outcome: evidence.None, says: t("まだネットワークを見ていません。区画を承認して健診を行うと測れます。", "The network has not been looked at yet. Approve a segment and run a check-up.")}
	if len(v.segments) > 0 {
		r.down = true
		r.says = t("承認した区画がありますが、機器がひとつも見えていません。Kenshinの接続を確かめてください。", "Segments are approved but no device was seen. Check Kenshin's connection.")
	}
	return []result{r}
}

// lastSeen is when the newest of the devices was seen: the moment of a measurement by sweep, so that a sensor that falls silent lets it expire.
func (v *facts) lastSeen() time.Time {
	var at time.Time
	for _, d := range v.devices {
		if d.LastSeen.After(at) {
			at = d.LastSeen
		}
	}
	return at
}

// ledgerCoverage compares what is on the network with the ledger. Looked at is what was seen in the week before the newest sighting; N is all that the ledger
// holds beside what was seen. It fails when a seen device waits for a name longer than a fortnight, when a retired one is there, or when more than a
// twentieth of what is seen is new.
func ledgerCoverage(v *facts, days int) []result {
	at := v.lastSeen()
	if at.IsZero() {
		return v.blind()
	}
	from := at.AddDate(0, 0, -days)
	var seen, of, fresh, known int
	var late, young []evidence.Ref
	for _, d := range v.devices {
		here := !d.LastSeen.IsZero() && !d.LastSeen.Before(from)
		if d.State == ledger.Retired && !here {
			continue
		}
		of++
		if !here {
			continue
		}
		seen++
		switch {
		case d.State == ledger.Retired:
			late = append(late, v.device(d.ID))
		case d.State == ledger.New && v.old(d.FirstSeen, graceDays):
			late = append(late, v.device(d.ID))
			fresh++
		case d.State == ledger.New:
			young = append(young, v.device(d.ID))
			fresh++
		default:
			known++
		}
	}
	r := result{outcome: evidence.Pass, measured: seen, of: of, from: from, at: at, down: v.old(at, days) && len(v.segments) > 0,
		says: says("この%[1]d日間に見えた%[2]d台のうち%[3]d台が台帳にあります（未登録%[4]d台、うち%[5]d日を過ぎたもの・廃棄済みのはずのもの%[6]d台）。台帳全体は%[7]d台です。",
			"Of %[2]d devices seen in %[1]d days %[3]d are in the ledger (%[4]d new; %[6]d of them waiting for more than %[5]d days, or retired). The ledger holds %[7]d.",
			days, seen, known, fresh, graceDays, len(late), of)}
	if len(late) > 0 || (seen-known)*20 > seen {
		r.outcome, r.bad = evidence.Fail, append(late, young...)
	}
	return []result{r}
}

// ledgerFresh says how much of the ledger was seen lately. Fails when more than a tenth of it was not seen for a quarter of a year although others were.
func ledgerFresh(v *facts, days int) []result {
	at := v.lastSeen()
	if at.IsZero() {
		return v.blind()
	}
	var seen, of int
	var silent []evidence.Ref
	for _, d := range v.devices {
		if d.State != ledger.Registered {
			continue
		}
		of++
		switch {
		case !d.LastSeen.IsZero() && !d.LastSeen.Before(at.AddDate(0, 0, -days)):
			seen++
		case !d.LastSeen.IsZero() && d.LastSeen.Before(at.AddDate(0, 0, -silentDays)):
			silent = append(silent, v.device(d.ID))
		}
	}
	if of == 0 {
		return nothing("台帳に登録済みの機器がありません。", "The ledger holds no registered device.")
	}
	r := result{outcome: evidence.Pass, measured: seen, of: of, from: at.AddDate(0, 0, -days), at: at, down: v.old(at, days) && len(v.segments) > 0,
		says: says("登録済み%[1]d台のうち%[2]d台を、この%[3]d日間に確認しました（%[4]d日より長く見えないもの%[5]d台）。", "Of %[1]d registered devices %[2]d were seen in %[3]d days (%[5]d not for %[4]d days).",
			of, seen, days, silentDays, len(silent))}
	if len(silent)*10 > of {
		r.outcome, r.bad = evidence.Fail, silent
		r.measured = seen + len(silent)
	}
	return []result{r}
}

// computers are the kinds whose operating system people can mend.
func computers() []string {
	return []string{"server", "pc", "thin-client", "tablet", "kiosk", "nas", "hypervisor", "pacs", "modality-workstation", "unknown"}
}

// patchLevel sums up ended support. It cannot see single updates.
func patchLevel(v *facts, days int) []result {
	at := v.lastSeen()
	if at.IsZero() {
		return v.blind()
	}
	from := at.AddDate(0, 0, -days)
	looked := map[netid.DeviceID]bool{}
	var n, of int
	for _, d := range v.devices {
		if d.State == ledger.Retired || d.State == ledger.Excluded || !d.OSKnown && !slices.Contains(computers(), d.Kind) {
			continue
		}
		of++
		if d.OSKnown && !d.LastSeen.IsZero() && !d.LastSeen.Before(from) {
			looked[d.ID] = true
			n++
		}
	}
	bad, accepted := v.failing(looked, nil, "os-support")
	if of == 0 || n == 0 {
		return nothing("OSの分かる機器が、この期間に見えていません。", "No device whose operating system is known was seen in this time.")
	}
	r := result{outcome: evidence.Pass, measured: n, of: of, from: from, at: at, bad: bad, down: v.old(at, days) && len(v.segments) > 0,
		says: says("PCやサーバなど%[1]d台のうち%[2]d台のOSが分かり、サポートの終わったものは%[3]d台です（ほかに受け入れたもの%[4]d台）。個々の更新の適用までは見ていません。",
			"Of %[1]d computers the system of %[2]d is known; %[3]d are out of support (%[4]d more were accepted). Single updates are not seen.", of, n, len(bad), accepted)}
	if len(bad) > 0 {
		r.outcome = evidence.Fail
	}
	return []result{r}
}

// servicesOpen sums up services that are not needed. Medical and protected devices are left alone, and so are not counted.
func servicesOpen(v *facts, days int) []result {
	var n, of, spared int
	var from, at time.Time
	looked := map[netid.DeviceID]bool{}
	for _, d := range v.devices {
		switch {
		case d.State == ledger.Retired || d.State == ledger.Excluded || d.FirstSeen.IsZero():
			continue
		case d.Medical || d.NeverTouch:
			spared++
			continue
		}
		of++
		asked := v.asked[d.ID]
		if asked.IsZero() || v.old(asked, days) {
			continue
		}
		looked[d.ID] = true
		n++
		if from.IsZero() || asked.Before(from) {
			from = asked
		}
		if asked.After(at) {
			at = asked
		}
	}
	if of == 0 {
		return v.blind()
	}
	if n == 0 {
		return nothing("この期間に、サービスを調べた機器がありません。健診を行うと測れます。", "No device was asked for its services in this time. Run a check-up.")
	}
	bad, accepted := v.failing(looked, v.allowed(days), "smb1", "telnet", "ftp", "vnc")
	r := result{outcome: evidence.Pass, measured: n, of: of, from: from, at: at, bad: bad,
		says: says("%[1]d台のうち%[2]d台を調べ、止める候補（SMB1・Telnet・FTP・VNC）が%[3]d件あります（許可・受け入れ済み%[4]d件）。医療機器など%[5]d台は調べません。",
			"Of %[1]d devices %[2]d were asked; %[3]d services should stop (SMB1, Telnet, FTP, VNC; %[4]d more are allowed). %[5]d medical or protected devices are not asked.",
			of, n, len(bad), accepted, spared)}
	if len(bad) > 0 {
		r.outcome = evidence.Fail
	}
	return []result{r}
}

// failing lists what checks on devices found on those that were looked at, but for what a person took the risk of or allowed.
func (v *facts) failing(looked map[netid.DeviceID]bool, allowed func(check string, device netid.DeviceID) bool, checks ...string) (bad []evidence.Ref, accepted int) {
	for _, c := range checks {
		for _, f := range v.open[c] {
			switch {
			case !looked[f.Device] || f.Stale:
			case f.State == finding.Accepted || allowed != nil && allowed(c, f.Device):
				accepted++
			default:
				ref := v.device(f.Device)
				ref.Text += "（" + c + "）"
				bad = append(bad, ref)
			}
		}
	}
	return bad, accepted
}

// allowed reads the register of services that may run: the service's name has to be the row's, and the device named in it where it names any.
func (v *facts) allowed(int) func(string, netid.DeviceID) bool {
	fresh := v.age(v.rows["services-allowed"], 180).fresh
	return func(check string, device netid.DeviceID) bool {
		return slices.ContainsFunc(fresh, func(e entry) bool {
			name, where := jp.Fold(e.values["name"]), e.values["where"]
			return strings.Contains(name, strings.TrimSuffix(check, "1")) && (where == "" || v.names[device] != "" && jp.Contains(v.names[device], where))
		})
	}
}
